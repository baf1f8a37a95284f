//! The feeds under way, and the beat at which they are sent.
//!
//! The microphone sets the beat while it delivers. When it does not, be it closed, gone or stuck, the clock does: every
//! feed gets its 100 frames a second all the same, since the phone network drops a leg whose packets stop.

use std::time::{Duration, Instant};

use call::Link;
use call::media::{FRAME_MILLIS, FRAME_SAMPLES, Frame};

use crate::music::HoldMusic;
use crate::patch::{Feed, Sends, Take};
use crate::playout::cross_fade;

/// Length of a frame.
const FRAME: Duration = Duration::from_millis(FRAME_MILLIS);
/// A microphone may be late by this before the clock takes over.
const SLACK: Duration = Duration::from_millis(30);
/// After a longer pause (the computer slept) no more than this is made up for.
const MOST_OWED: u32 = 6;

const SILENCE: Frame = [0; FRAME_SAMPLES];

/// One feed under way.
struct Outgoing {
    link: Link,
    feed: Feed,
    /// What it carries.
    sends: Sends,
    /// What it carried in the last frame.
    sent: Sends,
    take: Take,
}

/// All feeds.
#[derive(Default)]
pub(crate) struct Sender {
    feeds: Vec<Outgoing>,
    music: HoldMusic,
}

impl Sender {
    pub(crate) fn connect(&mut self, link: Link, feed: Feed, sends: Sends, take: Take) {
        self.disconnect(&link, feed);
        self.feeds.push(Outgoing {
            link,
            feed,
            sends,
            sent: Sends::Silence,
            take,
        });
    }

    pub(crate) fn send(&mut self, link: &Link, feed: Feed, sends: Sends) {
        for outgoing in &mut self.feeds {
            if outgoing.link == *link && outgoing.feed == feed {
                outgoing.sends = sends;
            }
        }
    }

    pub(crate) fn disconnect(&mut self, link: &Link, feed: Feed) {
        self.feeds
            .retain(|outgoing| outgoing.link != *link || outgoing.feed != feed);
    }

    pub(crate) fn forget(&mut self, link: &Link) {
        self.feeds.retain(|outgoing| outgoing.link != *link);
    }

    /// Does nobody want anything?
    pub(crate) fn is_idle(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Is somebody to hear the microphone?
    pub(crate) fn carries_microphone(&self) -> bool {
        self.feeds
            .iter()
            .any(|outgoing| outgoing.sends == Sends::Microphone)
    }

    /// One frame to every feed.
    pub(crate) fn tick(&mut self, microphone: &Frame) {
        let on_hold = |outgoing: &Outgoing| {
            outgoing.sends == Sends::HoldMusic || outgoing.sent == Sends::HoldMusic
        };
        let music = if self.feeds.iter().any(on_hold) {
            self.music.next()
        } else {
            self.music.rewind();
            SILENCE
        };
        let frame = |sends| match sends {
            Sends::Silence => &SILENCE,
            Sends::Microphone => microphone,
            Sends::HoldMusic => &music,
        };
        for outgoing in &mut self.feeds {
            let (old, new) = (frame(outgoing.sent), frame(outgoing.sends));
            if outgoing.sent == outgoing.sends {
                (outgoing.take)(new);
            } else {
                outgoing.sent = outgoing.sends;
                (outgoing.take)(&cross_fade(old, new));
            }
        }
    }
}

/// When a frame must be sent though the microphone brought none.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the next frame is due; `None`: nothing is sent.
    due: Option<Instant>,
    /// How late the microphone may be: one that delivers in large pieces more than others.
    slack: Duration,
    by_clock: bool,
}

impl Pace {
    /// Nothing is to be sent for now.
    pub(crate) fn stop(&mut self) {
        self.due = None;
    }

    /// The microphone brought so many frames at once, and they were sent.
    pub(crate) fn microphone(&mut self, frames: u32, now: Instant) {
        if frames > 0 {
            self.due = Some(now + FRAME);
            self.slack = SLACK + FRAME * frames;
            self.by_clock = false;
        }
    }

    /// How many frames without a microphone must be sent now.
    pub(crate) fn owed(&mut self, now: Instant) -> u32 {
        let Some(due) = self.due else {
            self.due = Some(now + FRAME);
            self.by_clock = true;
            return 1;
        };
        if now < self.next(due) {
            return 0;
        }
        self.by_clock = true;
        let late = now.saturating_duration_since(due);
        let owed = u32::try_from(late.as_millis() / u128::from(FRAME_MILLIS))
            .unwrap_or(MOST_OWED)
            .saturating_add(1);
        if owed > MOST_OWED {
            self.due = Some(now + FRAME);
            return MOST_OWED;
        }
        self.due = Some(due + FRAME * owed);
        owed
    }

    /// How long nothing need be done; `None`: for ever.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.due
            .map(|due| self.next(due).saturating_duration_since(now))
    }

    fn next(&self, due: Instant) -> Instant {
        if self.by_clock { due } else { due + self.slack }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use std::sync::{Arc, Mutex};

    use call::CallId;
    use call::ids::Role;

    use super::*;

    const LOUD: Frame = [8000; FRAME_SAMPLES];

    fn link(call: &str) -> Link {
        Link {
            call: CallId::parse(call).unwrap(),
            role: Role::Talk,
            attempt: 1,
        }
    }

    type Heard = Arc<Mutex<Vec<Frame>>>;

    fn ear() -> (Heard, Take) {
        let heard = Heard::default();
        let kept = Arc::clone(&heard);
        (
            heard,
            Box::new(move |frame| kept.lock().unwrap().push(*frame)),
        )
    }

    fn take(heard: &Heard) -> Vec<Frame> {
        std::mem::take(&mut *heard.lock().unwrap())
    }

    fn peak(frame: &Frame) -> u16 {
        frame.iter().map(|x| x.unsigned_abs()).max().unwrap()
    }

    #[test]
    fn one_call_talks_while_another_has_music_and_a_third_is_muted() {
        let mut sender = Sender::default();
        let (talking, talk) = ear();
        let (held, hold) = ear();
        let (muted, mute) = ear();
        sender.connect(link("a"), Feed::Voice, Sends::Microphone, talk);
        sender.connect(link("b"), Feed::Voice, Sends::HoldMusic, hold);
        sender.connect(link("c"), Feed::Voice, Sends::Silence, mute);
        for _ in 0..100 {
            sender.tick(&LOUD);
        }
        assert_eq!(take(&talking)[1..], [LOUD; 99], "after a soft start");
        let music: Vec<i16> = take(&held).into_iter().flatten().collect();
        assert_eq!(music.len(), 48_000);
        assert!(music.iter().any(|x| x.abs() > 1000) && music.iter().all(|x| x.abs() < 7999));
        assert_eq!(
            take(&muted),
            [SILENCE; 100],
            "as many frames, and none loud"
        );
    }

    #[test]
    fn the_two_feeds_of_one_connection_are_independent() {
        let mut sender = Sender::default();
        let (voice, to_voice) = ear();
        let (music, to_music) = ear();
        sender.connect(link("a"), Feed::Voice, Sends::Microphone, to_voice);
        sender.connect(link("a"), Feed::Music, Sends::HoldMusic, to_music);
        sender.tick(&LOUD);
        sender.tick(&LOUD);
        assert_eq!(take(&voice)[1], LOUD);
        assert!(peak(&take(&music)[1]) < 8000);
        sender.disconnect(&link("a"), Feed::Voice);
        sender.tick(&LOUD);
        assert_eq!((take(&voice).len(), take(&music).len()), (0, 1));
        sender.forget(&link("a"));
        assert!(sender.is_idle());
    }

    #[test]
    fn a_mute_is_one_soft_frame_and_then_nothing_of_the_microphone() {
        let mut sender = Sender::default();
        let (heard, to_heard) = ear();
        sender.connect(link("a"), Feed::Voice, Sends::Microphone, to_heard);
        sender.tick(&LOUD);
        sender.tick(&LOUD);
        sender.send(&link("b"), Feed::Voice, Sends::Silence);
        sender.send(&link("a"), Feed::Music, Sends::Silence);
        sender.tick(&LOUD);
        assert_eq!(take(&heard)[2], LOUD, "neither concerns this feed");
        sender.send(&link("a"), Feed::Voice, Sends::Silence);
        for _ in 0..3 {
            sender.tick(&LOUD);
        }
        let after = take(&heard);
        assert!(after[0].windows(2).all(|pair| pair[0] - pair[1] < 40));
        assert!(after[0][479].abs() < 40);
        assert_eq!(after[1..], [SILENCE; 2]);
    }

    #[test]
    fn music_starts_and_ends_softly_and_the_next_on_hold_hears_it_from_the_start() {
        let mut sender = Sender::default();
        let (heard, to_heard) = ear();
        sender.connect(link("a"), Feed::Voice, Sends::HoldMusic, to_heard);
        for _ in 0..150 {
            sender.tick(&SILENCE);
        }
        let first = take(&heard);
        sender.send(&link("a"), Feed::Voice, Sends::Silence);
        sender.tick(&SILENCE);
        sender.tick(&SILENCE);
        let end: Vec<i16> = take(&heard).into_iter().flatten().collect();
        let edge = [&first[149][..], &end[..]].concat();
        let steepest = edge
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .max()
            .unwrap();
        assert!(steepest < 1300, "a jump of {steepest}");
        assert!(end[480..].iter().all(|x| *x == 0));
        sender.send(&link("a"), Feed::Voice, Sends::HoldMusic);
        for _ in 0..150 {
            sender.tick(&SILENCE);
        }
        assert_eq!(take(&heard), first);
    }

    #[test]
    fn while_the_microphone_delivers_the_clock_adds_nothing() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.owed(start), 1, "the first frame waits for nobody");
        for beat in 1..1000 {
            let now = start + FRAME * beat;
            pace.microphone(1, now);
            assert_eq!(pace.owed(now + Duration::from_millis(35)), 0, "{beat}");
        }
        let mut bursts = Pace::default();
        for beat in 0..100 {
            let now = start + FRAME * 10 * beat;
            bursts.microphone(10, now);
            assert_eq!(bursts.owed(now + FRAME * 11), 0, "a device of large pieces");
        }
    }

    #[test]
    fn when_the_microphone_falls_silent_not_one_frame_is_missing() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut sent = 0;
        for beat in 0..100 {
            sent += 1;
            pace.microphone(1, start + FRAME * beat);
        }
        // From here on it brings nothing, and we look every 7 ms.
        for look in 0..1000u32 {
            sent += pace.owed(start + FRAME * 99 + Duration::from_millis(7) * look);
        }
        assert!((798..=801).contains(&sent), "{sent} in 7.98 s");
        let now = start + FRAME * 99 + Duration::from_millis(6993);
        assert!(pace.rest(now).unwrap() <= FRAME);
        pace.microphone(1, now);
        assert!(pace.rest(now).unwrap() > FRAME * 4, "it leads again");
    }

    #[test]
    fn a_computer_that_slept_does_not_send_the_night() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.owed(start);
        let morning = start + Duration::from_secs(36_000);
        assert_eq!(pace.owed(morning), MOST_OWED);
        assert_eq!(pace.owed(morning), 0);
        assert_eq!(pace.owed(morning + FRAME), 1);
        pace.stop();
        assert_eq!(pace.rest(morning), None);
    }
}
