//! The tray as a value: which of six states, its tooltip, its menu. Nothing is drawn here.

use call::CallId;
use call::state::{CallState, Direction};
use call::view::{CallView, PhoneView};

use crate::ipc::desktop::ReadinessView;
use crate::words::{Words, fill};

/// Which icon. Each has a shape of its own: they all have one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// It will ring.
    Ready,
    /// Calls were missed.
    Missed,
    /// The person takes no calls, or a rule keeps them away.
    NotTaking,
    /// It would not ring.
    CannotRing,
    /// A call is up.
    InCall,
    /// Somebody calls.
    Ringing,
}

/// A missed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissedCall {
    /// Who, as people write it.
    pub(crate) who: String,
    /// When, as people write it.
    pub(crate) when: String,
    /// What calls back; "" if withheld.
    pub(crate) number: String,
}

/// Everything that the tray shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance<'a> {
    pub(crate) phone: &'a PhoneView,
    pub(crate) readiness: &'a ReadinessView,
    /// Missed calls that nobody has looked at, newest first; some of them.
    pub(crate) missed: &'a [MissedCall],
    /// All of them.
    pub(crate) missed_count: u32,
    /// In which language it is said.
    pub(crate) words: &'static Words,
}

/// What a line of the menu does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Open,
    Find,
    ShowMissed,
    /// Fills the number in; nothing is dialled.
    CallBack(String),
    TakeCalls,
    Quiet30Minutes,
    QuietUntilTomorrow,
    Answer(CallId),
    Decline(CallId),
    Silence(CallId),
    SetMuted(CallId, bool),
    SetHeld(CallId, bool),
    End(CallId),
    TryNow,
    WhatIsWrong,
    Quit,
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Only to be read.
    Words(String),
    /// A hairline.
    Line,
    /// To be pressed.
    Item {
        action: Action,
        words: String,
        /// `Some`: a choice, and whether it is the present one.
        chosen: Option<bool>,
    },
}

/// Missed calls that fit into a menu.
const MISSED_SHOWN: usize = 5;
/// Longest name in a menu, characters.
const LONGEST: usize = 40;

/// The state that matters most.
pub(crate) fn state(glance: &Glance<'_>) -> State {
    let any = |fits: fn(&CallView) -> bool| glance.phone.calls.iter().any(fits);
    if any(rings) {
        State::Ringing
    } else if any(is_up) {
        State::InCall
    } else if glance.phone.quiet.is_some() {
        State::NotTaking
    } else if !glance.readiness.ready {
        State::CannotRing
    } else if glance.missed_count > 0 {
        State::Missed
    } else {
        State::Ready
    }
}

/// The state in words.
pub(crate) fn tooltip(glance: &Glance<'_>) -> String {
    let words = glance.words;
    let said = match state(glance) {
        State::Ringing => foremost(glance.phone).map_or_else(
            || words.incoming_call.to_owned(),
            |call| fill(words.incoming_call_of, &[("who", &who(call, words))]),
        ),
        State::InCall => glance
            .phone
            .calls
            .iter()
            .find(|call| is_up(call))
            .map_or_else(
                || words.in_a_call.to_owned(),
                |call| fill(words.in_a_call_with, &[("who", &who(call, words))]),
            ),
        State::NotTaking => quiet(glance).unwrap_or_default(),
        State::CannotRing => glance.readiness.words.clone(),
        State::Missed => words.missed(glance.missed_count),
        State::Ready => words.will_ring.to_owned(),
    };
    fill(words.tooltip, &[("words", &said)])
}

/// Why nothing rings here, by the rules of the person.
fn quiet(glance: &Glance<'_>) -> Option<String> {
    let reason = glance.phone.quiet.as_ref();
    reason.map(|reason| glance.words.quiet(reason).whole())
}

/// The menu. Every command is in it: on some systems a press on the icon itself never arrives.
pub(crate) fn menu(glance: &Glance<'_>) -> Vec<Entry> {
    let words = glance.words;
    let mut menu = Vec::new();
    let mut calls = false;
    for call in &glance.phone.calls {
        if rings(call) {
            menu.extend([
                Entry::Words(fill(words.calls_you, &[("who", &who(call, words))])),
                item(Action::Answer(call.id.clone()), words.answer),
                item(Action::Decline(call.id.clone()), words.decline),
            ]);
            if !call.silenced {
                menu.push(item(Action::Silence(call.id.clone()), words.silence));
            }
            menu.push(Entry::Line);
            calls = true;
        } else if is_up(call) {
            menu.push(Entry::Words(who(call, words)));
            if call.state == CallState::Live {
                let id = || call.id.clone();
                menu.extend([
                    item(
                        Action::SetMuted(id(), !call.muted),
                        if call.muted { words.unmute } else { words.mute },
                    ),
                    item(
                        Action::SetHeld(id(), !call.held),
                        if call.held { words.resume } else { words.hold },
                    ),
                ]);
            }
            menu.extend([
                item(
                    Action::End(call.id.clone()),
                    if call.state == CallState::Live {
                        words.hang_up
                    } else {
                        words.cancel_call
                    },
                ),
                Entry::Line,
            ]);
            calls = true;
        }
    }
    if !calls {
        menu.push(Entry::Words(
            quiet(glance).unwrap_or_else(|| glance.readiness.words.clone()),
        ));
        if let Some(detail) = glance
            .readiness
            .detail
            .clone()
            .filter(|_| !glance.readiness.ready && glance.phone.quiet.is_none())
        {
            menu.push(Entry::Words(shortened(&detail, 80)));
        }
        menu.push(Entry::Line);
        if !glance.readiness.ready && glance.phone.quiet.is_none() {
            menu.extend([
                item(Action::TryNow, words.try_again),
                item(Action::WhatIsWrong, words.what_is_wrong),
                Entry::Line,
            ]);
        }
    }
    menu.extend([
        item(Action::Open, words.open),
        item(Action::Find, words.find),
        Entry::Line,
    ]);
    if glance.missed_count > 0 {
        menu.push(item(Action::ShowMissed, &words.missed(glance.missed_count)));
        for call in glance.missed.iter().take(MISSED_SHOWN) {
            let line = format!("{}, {}", shortened(&call.who, LONGEST), call.when);
            menu.push(if call.number.is_empty() {
                Entry::Words(line)
            } else {
                item(Action::CallBack(call.number.clone()), &line)
            });
        }
        menu.push(Entry::Line);
    }
    let taking = glance.phone.availability == call::settings::Availability::Available;
    menu.extend([
        Entry::Item {
            action: Action::TakeCalls,
            words: words.take_calls.to_owned(),
            chosen: Some(taking),
        },
        item(Action::Quiet30Minutes, words.not_for_30_minutes),
        item(Action::QuietUntilTomorrow, words.not_until_tomorrow),
        Entry::Line,
        item(
            Action::Quit,
            if calls {
                words.quit_ends_call
            } else if glance.readiness.ready {
                words.quit_stops_ringing
            } else {
                words.quit
            },
        ),
    ]);
    menu
}

fn item(action: Action, words: &str) -> Entry {
    Entry::Item {
        action,
        words: words.to_owned(),
        chosen: None,
    }
}

/// Somebody calls and it is heard or seen here.
fn rings(call: &CallView) -> bool {
    call.direction == Direction::Inbound && call.state == CallState::Offered && !call.quiet
}

/// The caller who is named where there is room for one.
fn foremost(phone: &PhoneView) -> Option<&CallView> {
    let meant = phone.rings.as_ref().and_then(|id| phone.call(id));
    let meant = meant.filter(|call| rings(call));
    meant.or_else(|| phone.calls.iter().find(|call| rings(call)))
}

/// A call that a person is in, or dials.
fn is_up(call: &CallView) -> bool {
    match call.state {
        CallState::Preparing
        | CallState::Joining
        | CallState::Dialling
        | CallState::RemoteRinging
        | CallState::Claiming
        | CallState::Answering
        | CallState::Live => true,
        CallState::Offered
        | CallState::Stranded
        | CallState::HandedOver
        | CallState::Ending
        | CallState::Ended => false,
    }
}

fn who(call: &CallView, words: &Words) -> String {
    let text = call.name.clone().unwrap_or_else(|| {
        if call.number.is_empty() {
            words.private_number.to_owned()
        } else {
            call.number_shown.clone()
        }
    });
    shortened(&text, LONGEST)
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}\u{2026}", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use call::input::{Input, Intent, LineStatus};
    use call::settings::{Availability, DeskSettings};
    use call::view::QuietReason;
    use call::{Now, Phone};

    use super::*;
    use crate::readiness;
    use crate::words::Language;

    /// A view made by the real phone.
    fn view(inputs: Vec<Input>) -> Arc<PhoneView> {
        let mut phone = Phone::new(DeskSettings::default());
        for (at, input) in (1..).zip(inputs) {
            let now = Now {
                mono: Duration::from_secs(at),
                unix_ms: 1_000_000_000_000,
            };
            let _step = phone.handle(input, now);
        }
        Arc::new(phone.view())
    }

    fn ready() -> ReadinessView {
        ReadinessView {
            ready: true,
            words: "This desk will ring".into(),
            ..readiness::unknown(Language::English.words())
        }
    }

    fn idle() -> Arc<PhoneView> {
        view(vec![Input::Line(LineStatus::Ready { trunks: Vec::new() })])
    }

    fn glance<'a>(phone: &'a PhoneView, readiness: &'a ReadinessView) -> Glance<'a> {
        Glance {
            phone,
            readiness,
            missed: &[],
            missed_count: 0,
            words: Language::English.words(),
        }
    }

    fn words(menu: &[Entry]) -> Vec<&str> {
        menu.iter()
            .filter_map(|entry| match entry {
                Entry::Words(words) | Entry::Item { words, .. } => Some(words.as_str()),
                Entry::Line => None,
            })
            .collect()
    }

    fn call_of(mut phone: PhoneView, state: CallState, direction: Direction) -> PhoneView {
        let dialled = view(vec![
            Input::Line(LineStatus::Ready { trunks: Vec::new() }),
            Input::Intent(Intent::Dial {
                call: CallId::parse("c1").unwrap(),
                number: "+12125550100".into(),
                ways: Vec::new(),
            }),
        ]);
        let mut call = dialled.calls[0].clone();
        call.state = state;
        call.direction = direction;
        phone.calls = vec![call];
        phone
    }

    #[test]
    fn each_of_the_six_states_is_reached_in_its_order() {
        let idle = idle();
        let ready = ready();
        let lost = readiness::unknown(Language::English.words());
        assert_eq!(state(&glance(&idle, &ready)), State::Ready);
        let missed = Glance {
            missed_count: 2,
            ..glance(&idle, &ready)
        };
        assert_eq!(state(&missed), State::Missed);
        let cannot = Glance {
            readiness: &lost,
            ..missed
        };
        assert_eq!(state(&cannot), State::CannotRing);
        let mut quiet = (*idle).clone();
        quiet.quiet = Some(QuietReason::DoNotDisturb);
        assert_eq!(
            state(&Glance {
                phone: &quiet,
                ..cannot
            }),
            State::NotTaking
        );
        let up = call_of(quiet.clone(), CallState::Live, Direction::Outbound);
        assert_eq!(
            state(&Glance {
                phone: &up,
                ..cannot
            }),
            State::InCall
        );
        let rings = call_of(quiet, CallState::Offered, Direction::Inbound);
        assert_eq!(
            state(&Glance {
                phone: &rings,
                ..cannot
            }),
            State::Ringing
        );
        let said: Vec<_> = [&*idle, &up, &rings]
            .iter()
            .map(|phone| tooltip(&glance(phone, &ready)))
            .collect();
        assert_eq!(
            said,
            [
                "Deskline: This desk will ring",
                "Deskline: In a call with (212) 555-0100",
                "Deskline: Incoming call: (212) 555-0100"
            ]
        );
    }

    #[test]
    fn everything_is_reachable_from_the_menu() {
        let idle = idle();
        let ready = ready();
        let missed = [
            MissedCall {
                who: "Harbor Street Building Management and its neighbours".into(),
                when: "10:12 AM".into(),
                number: "+12125550101".into(),
            },
            MissedCall {
                who: "Private number".into(),
                when: "9:03 AM".into(),
                number: String::new(),
            },
        ];
        let all = menu(&Glance {
            missed: &missed,
            missed_count: 2,
            ..glance(&idle, &ready)
        });
        assert_eq!(
            words(&all),
            [
                "This desk will ring",
                "Open Deskline",
                "Find or dial\u{2026}",
                "2 missed calls",
                "Harbor Street Building Management and i\u{2026}, 10:12 AM",
                "Private number, 9:03 AM",
                "Take calls",
                "Not for 30 minutes",
                "Not until tomorrow",
                "Quit, stop ringing\u{2026}"
            ]
        );
        // whoever withheld their number cannot be called back
        let read_only =
            |entry: &Entry| matches!(entry, Entry::Words(words) if words.starts_with("Private"));
        assert!(all.iter().any(read_only), "{all:?}");
    }

    #[test]
    fn in_a_call_the_menu_is_about_the_call() {
        let ready = ready();
        let up = call_of((*idle()).clone(), CallState::Live, Direction::Outbound);
        let mut muted = up.clone();
        muted.calls[0].muted = true;
        muted.calls[0].held = true;
        let up_words = menu(&glance(&up, &ready));
        assert_eq!(
            words(&up_words)[..5],
            ["(212) 555-0100", "Mute", "Hold", "Hang up", "Open Deskline"]
        );
        assert_eq!(
            words(&up_words).last(),
            Some(&"Quit, ends the call\u{2026}")
        );
        let muted_words = menu(&glance(&muted, &ready));
        assert_eq!(words(&muted_words)[1..3], ["Unmute", "Resume"]);
        let rings = call_of(up, CallState::Offered, Direction::Inbound);
        assert_eq!(
            words(&menu(&glance(&rings, &ready)))[..4],
            ["(212) 555-0100 calls", "Answer", "Decline", "Silence"]
        );
    }

    #[test]
    fn what_is_wrong_comes_first() {
        let idle = idle();
        let lost = ReadinessView {
            detail: Some("LiveKit at front-desk.example cannot be reached.".into()),
            words: "Calls do not ring here".into(),
            ..readiness::unknown(Language::English.words())
        };
        let menu = menu(&glance(&idle, &lost));
        assert_eq!(
            words(&menu)[..4],
            [
                "Calls do not ring here",
                "LiveKit at front-desk.example cannot be reached.",
                "Try again",
                "See what is wrong"
            ]
        );
        let mut away = (*idle).clone();
        away.availability = Availability::DoNotDisturb {
            until_unix_ms: None,
        };
        let not_taking = super::menu(&glance(&away, &lost));
        assert!(not_taking.iter().any(|entry| matches!(
            entry,
            Entry::Item {
                action: Action::TakeCalls,
                chosen: Some(false),
                ..
            }
        )));
    }

    #[test]
    fn it_is_said_in_the_language_of_the_windows() {
        let (idle, ready) = (idle(), ready());
        let up = call_of((*idle).clone(), CallState::Live, Direction::Outbound);
        let mut private = up.clone();
        private.calls[0].number.clear();
        let german = |phone| Glance {
            words: Language::German.words(),
            missed_count: 2,
            ..glance(phone, &ready)
        };
        assert_eq!(
            tooltip(&german(&up)),
            "Deskline: Im Gespräch: (212) 555-0100"
        );
        assert_eq!(
            tooltip(&german(&private)),
            "Deskline: Im Gespräch: Unterdrückte Nummer"
        );
        assert_eq!(
            words(&menu(&german(&up)))[..4],
            ["(212) 555-0100", "Stumm schalten", "Halten", "Auflegen"]
        );
        let mut away = (*idle).clone();
        away.quiet = Some(QuietReason::DoNotDisturb);
        assert_eq!(
            words(&menu(&german(&away)))[..3],
            [
                "Bitte nicht stören. Niemand klingelt hier, Anrufer werden nur gezeigt.",
                "Deskline öffnen",
                "Suchen oder wählen\u{2026}"
            ]
        );
    }
}
