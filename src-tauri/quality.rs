//! How a call sounds, in a word and a reason, from what is measured at this desk once a second.
//!
//! What is heard here is judged by the packets of the far end; what they hear of us by our microphone, by what the server
//! reports of our packets and by the time that one takes to it and back. What is lost behind the server is not known here.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use audio::{Counters, Status};
use call::CallId;
use call::state::{CallState, MediaReport};
use call::view::CallView;

use crate::ipc::sound::{JudgedView, QualityReason, QualityView, QualityWord};

/// What is longer ago says nothing about how it sounds now.
const RECENT: Duration = Duration::from_secs(10);
/// Of a call that began just now nothing is said.
const BEGINNING: Duration = Duration::from_secs(5);
/// No packet for so long is no sound.
const STALLED: Duration = Duration::from_secs(2);
/// Lost of a hundred packets: heard now and then, and in every sentence.
const LOSS: [f64; 2] = [1.0, 5.0];
/// Jitter in milliseconds: more than the jitter buffer takes in its stride, and more than it hides.
const JITTER_MS: [f64; 2] = [30.0, 60.0];
/// To the server and back in milliseconds: both speak at once now and then, and all the time.
const ROUND_TRIP_MS: [f64; 2] = [300.0, 500.0];
/// Gaps that this computer made within [`RECENT`].
const GAPS: [f64; 2] = [1.0, 4.0];

/// What was measured at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    packets: u64,
    lost: u64,
    /// Gaps at our speaker and in our microphone, since the program began.
    played_gaps: u64,
    sent_gaps: u64,
    /// Of a hundred of our packets, by the server's last report.
    sent_lost: f64,
}

/// Watches the call that is talked on.
#[derive(Debug, Default)]
pub(crate) struct Quality {
    call: Option<(CallId, Instant)>,
    looks: VecDeque<Look>,
}

impl Quality {
    /// The word for the call that is talked on; `None`: there is none, or it has only begun.
    pub(crate) fn look(
        &mut self,
        calls: &[CallView],
        status: &Status,
        counters: Counters,
        now: Instant,
    ) -> Option<QualityView> {
        let talked = |call: &&CallView| call.state == CallState::Live && !call.held;
        let Some(call) = calls.iter().find(talked) else {
            *self = Self::default();
            return None;
        };
        if self
            .call
            .as_ref()
            .is_none_or(|(known, _)| *known != call.id)
        {
            self.call = Some((call.id.clone(), now));
            self.looks.clear();
        }
        self.looks.push_back(Look {
            at: now,
            packets: call.media.packets,
            lost: call.media.lost,
            played_gaps: counters.under_runs,
            sent_gaps: counters.overflows,
            sent_lost: call.media.sent_lost_percent,
        });
        while self
            .looks
            .front()
            .is_some_and(|look| now > look.at + RECENT)
        {
            self.looks.pop_front();
        }
        let began = self.call.as_ref().map(|(_, began)| *began)?;
        let is_new = now < began + BEGINNING;
        if is_new && !call.reconnecting && status.problem.is_none() {
            return None;
        }
        Some(self.judge(call, status))
    }

    fn judge(&self, call: &CallView, status: &Status) -> QualityView {
        let recent = Recent::of(&self.looks);
        let heard = heard_here(call, status, &recent);
        let sent = heard_there(call, status, &recent);
        QualityView {
            call: call.id.to_string(),
            word: sent.map_or(heard.word, |sent| sent.word.max(heard.word)),
            heard_here: heard,
            heard_there: sent,
            lost_per_mille: (recent.loss * 10.0).round() as u32,
            jitter_ms: call.media.jitter_ms.round() as u32,
            round_trip_ms: call.media.round_trip_ms.round() as u32,
        }
    }
}

/// What happened in the last seconds.
struct Recent {
    /// Lost of a hundred packets.
    loss: f64,
    played_gaps: f64,
    sent_gaps: f64,
    /// Lost of a hundred packets of ours, the mean of the reports.
    sent_lost: f64,
}

impl Recent {
    fn of(looks: &VecDeque<Look>) -> Self {
        let (Some(first), Some(last)) = (looks.front(), looks.back()) else {
            return Self {
                loss: 0.0,
                played_gaps: 0.0,
                sent_gaps: 0.0,
                sent_lost: 0.0,
            };
        };
        // Counters start again with another connection.
        let lost = last.lost.saturating_sub(first.lost) as f64;
        let came = last.packets.saturating_sub(first.packets) as f64;
        Self {
            loss: lost * 100.0 / (lost + came).max(1.0),
            played_gaps: last.played_gaps.saturating_sub(first.played_gaps) as f64,
            sent_gaps: last.sent_gaps.saturating_sub(first.sent_gaps) as f64,
            sent_lost: looks.iter().map(|look| look.sent_lost).sum::<f64>() / looks.len() as f64,
        }
    }
}

fn judged(word: QualityWord, reason: QualityReason) -> JudgedView {
    JudgedView {
        word,
        reason: Some(reason),
    }
}

const GOOD: JudgedView = JudgedView {
    word: QualityWord::Good,
    reason: None,
};

/// The worst of several figures, each with the bounds of fair and of poor.
fn worst(figures: &[(f64, [f64; 2], QualityReason)]) -> JudgedView {
    let word = |figure: f64, [fair, poor]: [f64; 2]| match figure {
        figure if figure >= poor => QualityWord::Poor,
        figure if figure >= fair => QualityWord::Fair,
        _ => QualityWord::Good,
    };
    figures
        .iter()
        .map(|(figure, bounds, reason)| (word(*figure, *bounds), *reason))
        .filter(|(word, _)| *word != QualityWord::Good)
        // The first of those that are equally bad.
        .rev()
        .max_by_key(|(word, _)| *word)
        .map_or(GOOD, |(word, reason)| judged(word, reason))
}

fn heard_here(call: &CallView, status: &Status, recent: &Recent) -> JudgedView {
    let MediaReport {
        stalled,
        heard_seconds,
        jitter_ms,
        round_trip_ms,
        ..
    } = call.media;
    if call.reconnecting || stalled >= STALLED {
        return judged(QualityWord::None, QualityReason::NothingComes);
    }
    if status.speaker.is_none() {
        return judged(QualityWord::None, QualityReason::NoDevice);
    }
    if heard_seconds <= 0.0 {
        return judged(QualityWord::None, QualityReason::TheyAreSilent);
    }
    worst(&[
        (recent.loss, LOSS, QualityReason::Loss),
        (jitter_ms, JITTER_MS, QualityReason::Jitter),
        (recent.played_gaps, GAPS, QualityReason::ComputerBusy),
        (round_trip_ms, ROUND_TRIP_MS, QualityReason::Delay),
    ])
}

/// `None`: they are not to hear us.
fn heard_there(call: &CallView, status: &Status, recent: &Recent) -> Option<JudgedView> {
    if call.muted {
        return None;
    }
    if call.reconnecting {
        return Some(judged(QualityWord::None, QualityReason::NothingComes));
    }
    if status.microphone.is_none() {
        return Some(judged(QualityWord::None, QualityReason::NoDevice));
    }
    if status.microphone_silent {
        return Some(judged(QualityWord::None, QualityReason::MicrophoneSilent));
    }
    Some(worst(&[
        (recent.sent_lost, LOSS, QualityReason::Loss),
        (recent.sent_gaps, GAPS, QualityReason::ComputerBusy),
        (
            call.media.round_trip_ms,
            ROUND_TRIP_MS,
            QualityReason::Delay,
        ),
    ]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use call::state::Direction;
    use call::view::DeclineEffect;

    use super::*;
    use crate::ipc::sound::QualityReason as Why;

    fn live(change: impl Fn(&mut CallView)) -> [CallView; 1] {
        let mut call = CallView {
            id: CallId::parse("c1").unwrap(),
            direction: Direction::Outbound,
            number: "+12125550100".into(),
            number_shown: "(212) 555-0100".into(),
            name: None,
            line: None,
            refusals: Vec::new(),
            state: CallState::Live,
            words: "Talking".into(),
            started_unix_ms: 1_000,
            answered_unix_ms: Some(2_000),
            ended_unix_ms: None,
            muted: false,
            held: false,
            can_transfer: false,
            transfer: None,
            people: Vec::new(),
            private_with: None,
            can_rejoin: false,
            reconnecting: false,
            gives_up_unix_ms: None,
            silenced: false,
            quiet: false,
            decline_effect: DeclineEffect::OnlyHere,
            keys_sent: String::new(),
            keys_received: String::new(),
            media: MediaReport::default(),
            end: None,
        };
        change(&mut call);
        [call]
    }

    fn devices() -> Status {
        Status {
            microphone: Some("Headset".into()),
            speaker: Some("Headset".into()),
            ..Status::default()
        }
    }

    /// After so many seconds of a call, each of which brings 50 packets of which so many are lost.
    fn after(
        seconds: u64,
        lost: u64,
        status: &Status,
        gaps: u64,
        change: impl Fn(&mut CallView),
    ) -> Option<QualityView> {
        let (mut quality, start) = (Quality::default(), Instant::now());
        let mut said = None;
        for second in 0..=seconds {
            let phone = live(|call| {
                call.media.packets = second * (50 - lost);
                call.media.lost = second * lost;
                call.media.heard_seconds = second as f64;
                change(call);
            });
            let counters = Counters {
                under_runs: second * gaps,
                ..Counters::default()
            };
            let now = start + Duration::from_secs(second);
            said = quality.look(&phone, status, counters, now);
        }
        said
    }

    fn judged_as(view: Option<QualityView>) -> (QualityWord, Option<Why>, Option<JudgedView>) {
        let view = view.unwrap();
        (view.word, view.heard_here.reason, view.heard_there)
    }

    #[test]
    fn a_good_call_is_good_both_ways_and_says_its_figures_but_not_at_once() {
        let change = |call: &mut CallView| {
            call.media.jitter_ms = 4.2;
            call.media.round_trip_ms = 86.0;
        };
        assert_eq!(after(4, 0, &devices(), 0, change), None);
        let view = after(20, 0, &devices(), 0, change).unwrap();
        assert_eq!(
            (view.word, view.heard_here, view.heard_there),
            (QualityWord::Good, GOOD, Some(GOOD))
        );
        assert_eq!(
            (view.lost_per_mille, view.jitter_ms, view.round_trip_ms),
            (0, 4, 86)
        );
    }

    #[test]
    fn the_line_is_to_blame_for_loss_jitter_delay_and_silence_of_packets() {
        let none = |_: &mut CallView| {};
        let said = judged_as(after(20, 1, &devices(), 0, none));
        assert_eq!(said, (QualityWord::Fair, Some(Why::Loss), Some(GOOD)));
        let said = judged_as(after(20, 5, &devices(), 0, none));
        assert_eq!(said, (QualityWord::Poor, Some(Why::Loss), Some(GOOD)));
        let jitter = |call: &mut CallView| call.media.jitter_ms = 70.0;
        let said = judged_as(after(20, 1, &devices(), 0, jitter));
        assert_eq!(said.1, Some(Why::Jitter), "the worst of several");
        let delay = |call: &mut CallView| call.media.round_trip_ms = 400.0;
        let late = judged(QualityWord::Fair, Why::Delay);
        let said = judged_as(after(20, 0, &devices(), 0, delay));
        assert_eq!(said, (QualityWord::Fair, Some(Why::Delay), Some(late)));
        let sent = |call: &mut CallView| call.media.sent_lost_percent = 6.0;
        let lossy = judged(QualityWord::Poor, Why::Loss);
        let said = judged_as(after(20, 0, &devices(), 0, sent));
        assert_eq!(said, (QualityWord::Poor, None, Some(lossy)));
        let stalled = |call: &mut CallView| call.media.stalled = Duration::from_secs(2);
        let said = judged_as(after(20, 0, &devices(), 0, stalled));
        assert_eq!(said.1, Some(Why::NothingComes));
        assert_eq!(said.0, QualityWord::None);
        let lost = |call: &mut CallView| call.reconnecting = true;
        assert_eq!(
            after(0, 0, &devices(), 0, lost).unwrap().word,
            QualityWord::None
        );
    }

    #[test]
    fn we_are_to_blame_for_devices_a_silent_microphone_and_a_busy_computer() {
        let none = |_: &mut CallView| {};
        let mut status = devices();
        status.microphone_silent = true;
        let said = judged_as(after(20, 0, &status, 0, none));
        let silent = judged(QualityWord::None, Why::MicrophoneSilent);
        assert_eq!(said, (QualityWord::None, None, Some(silent)));
        let muted = |call: &mut CallView| call.muted = true;
        let said = judged_as(after(20, 0, &status, 0, muted));
        assert_eq!(said, (QualityWord::Good, None, None), "as they wanted it");
        status = Status {
            problem: Some("No microphone".into()),
            ..Status::default()
        };
        let said = judged_as(after(0, 0, &status, 0, none));
        assert_eq!(said.1, Some(Why::NoDevice), "and at once");
        let said = judged_as(after(20, 0, &devices(), 1, none));
        assert_eq!(
            said,
            (QualityWord::Poor, Some(Why::ComputerBusy), Some(GOOD))
        );
    }

    #[test]
    fn they_are_to_blame_when_packets_come_and_nothing_was_ever_in_them() {
        let silent = |call: &mut CallView| call.media.heard_seconds = 0.0;
        let said = judged_as(after(20, 0, &devices(), 0, silent));
        assert_eq!(said.1, Some(Why::TheyAreSilent));
    }

    #[test]
    fn what_was_lost_long_ago_is_forgotten_and_another_call_begins_anew() {
        let (mut quality, start) = (Quality::default(), Instant::now());
        let mut look = |second: u64, lost: u64| {
            let phone = live(|call| {
                call.media.packets = second * 50;
                call.media.lost = lost;
                call.media.heard_seconds = 1.0;
            });
            let now = start + Duration::from_secs(second);
            let counters = Counters::default();
            quality
                .look(&phone, &devices(), counters, now)
                .map(|view| view.word)
        };
        look(0, 0);
        look(5, 0);
        assert_eq!(look(6, 100), Some(QualityWord::Poor));
        let within = look(15, 100);
        assert_eq!(within, Some(QualityWord::Poor), "within ten seconds of it");
        assert_eq!(look(17, 100), Some(QualityWord::Good));
        let held = live(|call| call.held = true);
        let none = quality.look(&held, &devices(), Counters::default(), start);
        assert_eq!(none, None);
        assert!(quality.looks.is_empty());
    }
}
