//! What can be typed into `deskline phone`: one order a line, and which call it is about.

use std::time::Duration;

use call::CallId;
use call::ids::Identity;
use call::input::{Intent, OtherCall};
use call::settings::Availability;
use call::state::{CallState, Direction};
use call::view::{CallView, PhoneView};
#[cfg(debug_assertions)]
use realtime::backend::Breakage;

use crate::args;

/// What `help` says.
pub(crate) const HELP: &str = "\
dial NUMBER              call somebody            redial            the number called last
answer [hold|end]        take a caller; the call that is up is held, or ended first
decline   silence        turn a caller away; only stop the ringing here
end                      hang up, cancel, or end a call of an earlier run
mute      unmute         hold      resume         swap              between two calls
keys 12#                 w waits half a second; typed before the answer they wait
transfer NUMBER          by the network (REFER); also sip: and tel: addresses
add NUMBER               a further person into the call
ask NUMBER               the same, alone first: the far end waits with music
merge     alone PERSON   drop PERSON   leave      with several people; leave lets them talk on
rejoin                   back into a call of an earlier run
dnd [2h]  available      who may ring here
settings [{\"ring_for_s\": 30}]              show them, or change some
calls     dismiss        help      quit
A last word @WHO means that call: its id, or the end of its number (end @0142).";

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    Here(Here),
    Answer(OtherCall),
    Decline,
    Silence,
    End,
    Mute(bool),
    Hold(bool),
    Swap,
    Keys(String),
    Transfer(String),
    Add { number: String, private: bool },
    Merge,
    Alone(String),
    Drop(String),
    Leave,
    Rejoin,
    DoNotDisturb(Option<Duration>),
    Available,
    Dismiss,
}

/// An order that is about no call there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Here {
    Dial(String),
    Redial,
    Calls,
    Settings(String),
    Help,
    /// The engine fails as it would by itself, for tests. Not in `help`, and in no build that people get.
    #[cfg(debug_assertions)]
    BreakEngine(Breakage),
    Quit,
}

/// An order, and the call it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) order: Order,
    pub(crate) about: Option<String>,
}

/// Reads one line.
///
/// # Errors
/// One sentence: what is wrong, and what can be typed.
pub(crate) fn parse(line: &str) -> Result<Spoken, String> {
    let line = line.trim();
    let (line, about) = match line.rsplit_once(char::is_whitespace) {
        Some((before, last)) => match last.strip_prefix('@') {
            Some(about) if !about.is_empty() => (before.trim_end(), Some(about.to_owned())),
            Some(_) | None => (line, None),
        },
        None => (line, None),
    };
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let needs = |what: &str| {
        if rest.is_empty() {
            Err(format!(
                "“{word}” needs {what}. “help” lists what can be typed."
            ))
        } else {
            Ok(rest.to_owned())
        }
    };
    let order = match word {
        "dial" | "call" => Order::Here(Here::Dial(needs("a number")?)),
        "redial" => Order::Here(Here::Redial),
        "answer" => Order::Answer(match rest {
            "" | "hold" => OtherCall::Hold,
            "end" => OtherCall::End,
            _ => return Err("Type answer, answer hold or answer end.".to_owned()),
        }),
        "decline" => Order::Decline,
        "silence" => Order::Silence,
        "end" => Order::End,
        "mute" => Order::Mute(true),
        "unmute" => Order::Mute(false),
        "hold" => Order::Hold(true),
        "resume" => Order::Hold(false),
        "swap" => Order::Swap,
        "keys" => Order::Keys(needs("keys")?),
        "transfer" => Order::Transfer(needs("a number or an address")?),
        "add" => Order::Add {
            number: needs("a number")?,
            private: false,
        },
        "ask" => Order::Add {
            number: needs("a number")?,
            private: true,
        },
        "merge" => Order::Merge,
        "alone" => Order::Alone(needs("a person")?),
        "drop" => Order::Drop(needs("a person")?),
        "leave" => Order::Leave,
        "rejoin" => Order::Rejoin,
        "dnd" if rest.is_empty() => Order::DoNotDisturb(None),
        "dnd" => Order::DoNotDisturb(Some(args::duration(rest)?)),
        "available" => Order::Available,
        "dismiss" => Order::Dismiss,
        "calls" => Order::Here(Here::Calls),
        "settings" => Order::Here(Here::Settings(rest.to_owned())),
        "help" | "?" => Order::Here(Here::Help),
        #[cfg(debug_assertions)]
        "break-engine" => Order::Here(Here::BreakEngine(match rest {
            "panic" => Breakage::Panic,
            "silence" => Breakage::Silence,
            _ => return Err("Type break-engine panic or break-engine silence.".to_owned()),
        })),
        "quit" => Order::Here(Here::Quit),
        _ => return Err("This cannot be typed here. “help” lists what can.".to_owned()),
    };
    Ok(Spoken { order, about })
}

/// What the order means just now; `None`: it is about no call.
///
/// # Errors
/// One sentence: there is no call for it.
pub(crate) fn intent(
    spoken: &Spoken,
    view: &PhoneView,
    unix_ms: i64,
) -> Result<Option<Intent>, String> {
    let about = spoken.about.as_deref();
    let one = |fits: fn(&CallView) -> bool| choose(view, about, fits);
    let live = || {
        one(|call| call.state == CallState::Live && !call.held)
            .or_else(|_| one(|call| call.state == CallState::Live))
    };
    // where none is named, the one that the window would show
    let caller = || match (about, &view.rings) {
        (None, Some(rings)) => choose(view, Some(rings.as_str()), is_offered),
        _ => one(is_offered),
    };
    Ok(Some(match &spoken.order {
        Order::Answer(other) => Intent::Answer {
            call: caller()?.id.clone(),
            other: *other,
        },
        Order::Decline => Intent::Decline {
            call: caller()?.id.clone(),
        },
        Order::Silence => Intent::Silence {
            call: caller()?.id.clone(),
        },
        Order::End => Intent::HangUp {
            call: one(|call| call.state.is_busy() && !call.held)
                .or_else(|_| one(|call| call.state.is_busy()))
                .or_else(|_| one(is_left_behind))?
                .id
                .clone(),
        },
        Order::Mute(muted) => Intent::SetMuted {
            call: live()?.id.clone(),
            muted: *muted,
        },
        Order::Hold(held) => Intent::SetHeld {
            call: if *held {
                live()?
            } else {
                one(|call| call.state == CallState::Live && call.held)?
            }
            .id
            .clone(),
            held: *held,
        },
        Order::Swap => Intent::SetHeld {
            call: one(|call| call.state == CallState::Live && call.held)?
                .id
                .clone(),
            held: false,
        },
        Order::Keys(keys) => Intent::SendKeys {
            call: one(|call| call.state.is_busy() && !call.held)?.id.clone(),
            keys: keys.clone(),
        },
        Order::Transfer(to) => Intent::Transfer {
            call: live()?.id.clone(),
            to: to.clone(),
        },
        Order::Add { number, private } => Intent::AddPerson {
            call: live()?.id.clone(),
            number: number.clone(),
            private: *private,
        },
        Order::Merge => Intent::Merge {
            call: live()?.id.clone(),
        },
        Order::Alone(who) => {
            let call = live()?;
            Intent::TalkPrivately {
                call: call.id.clone(),
                with: person(call, who)?,
            }
        }
        Order::Drop(who) => {
            let call = live()?;
            Intent::DropPerson {
                call: call.id.clone(),
                leg: person(call, who)?,
            }
        }
        Order::Leave => Intent::HandOver {
            call: live()?.id.clone(),
        },
        Order::Rejoin => Intent::Rejoin {
            call: one(|call| call.can_rejoin)?.id.clone(),
        },
        Order::Dismiss => Intent::Dismiss {
            call: one(|call| call.state == CallState::Ended)?.id.clone(),
        },
        Order::DoNotDisturb(time) => Intent::SetAvailability(Availability::DoNotDisturb {
            until_unix_ms: time.map(|time| {
                unix_ms.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
            }),
        }),
        Order::Available => Intent::SetAvailability(Availability::Available),
        Order::Here(_) => return Ok(None),
    }))
}

/// The number called last, among the calls that are still shown.
pub(crate) fn last_dialled(view: &PhoneView) -> Option<String> {
    let mut outbound = view.calls.iter().rev();
    outbound
        .find(|call| call.direction == Direction::Outbound)
        .map(|call| call.number.clone())
}

fn is_offered(call: &CallView) -> bool {
    call.state == CallState::Offered
}

fn is_left_behind(call: &CallView) -> bool {
    matches!(call.state, CallState::Stranded | CallState::HandedOver)
}

/// The newest call that fits, and is the one that was named.
fn choose<'a>(
    view: &'a PhoneView,
    about: Option<&str>,
    fits: fn(&CallView) -> bool,
) -> Result<&'a CallView, String> {
    let named =
        |call: &&CallView| about.is_none_or(|about| is_called(&call.id, &call.number, about));
    let mut newest = view.calls.iter().rev().filter(|call| fits(call));
    newest.find(named).ok_or_else(|| {
        "There is no such call. “calls” lists what is up, “help” what can be typed.".to_owned()
    })
}

fn is_called(id: &CallId, number: &str, about: &str) -> bool {
    id.as_str() == about || number.ends_with(about)
}

fn person(call: &CallView, who: &str) -> Result<Identity, String> {
    let who = who.trim();
    let mut people = call.people.iter().rev();
    people
        .find(|person| person.leg.as_str() == who || person.number.ends_with(who))
        .map(|person| person.leg.clone())
        .ok_or_else(|| "Nobody like that is in the call. “calls” lists them.".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(line: &str) -> Order {
        parse(line).unwrap().order
    }

    #[test]
    fn orders_are_read_as_they_are_typed() {
        assert_eq!(
            order(" dial  +1 212 555 0100 "),
            Order::Here(Here::Dial("+1 212 555 0100".into()))
        );
        assert_eq!(order("answer end"), Order::Answer(OtherCall::End));
        assert_eq!(
            order("dnd 2m"),
            Order::DoNotDisturb(Some(Duration::from_secs(120)))
        );
        assert_eq!(
            order("transfer sip:front@desk.example"),
            Order::Transfer("sip:front@desk.example".into())
        );
        let named = parse("end @0142").unwrap();
        assert_eq!(
            (named.order, named.about.as_deref()),
            (Order::End, Some("0142"))
        );
    }

    #[test]
    fn the_caller_who_rings_is_meant_unless_another_is_named() {
        use call::input::{LineStatus, Offer, WatchFact};
        use call::{DeskSettings, Input, Now, Phone, RoomName};

        let mut phone = Phone::new(DeskSettings {
            always_ring: vec!["+12125550142".into()],
            ..DeskSettings::default()
        });
        let caller = |call: &str, from: &str| {
            Input::Watch(WatchFact::Offer(Offer {
                call: CallId::parse(call).unwrap(),
                room: RoomName::parse(&format!("inbound-{call}")).unwrap(),
                leg: Identity::parse(&format!("leg-{call}")).unwrap(),
                from: from.into(),
                name: None,
                to: String::new(),
                created_unix_ms: 0,
            }))
        };
        let quiet = Availability::DoNotDisturb {
            until_unix_ms: None,
        };
        for input in [
            Input::Line(LineStatus::Ready { trunks: Vec::new() }),
            Input::Intent(Intent::SetAvailability(quiet)),
            caller("stranger", "+13125550188"),
            caller("friend", "+12125550142"),
            caller("another", "+13125550177"),
        ] {
            let now = Now {
                mono: Duration::from_secs(1),
                unix_ms: 1_800_000_000_000,
            };
            let _ = phone.handle(input, now);
        }
        let meant = |line: &str| intent(&parse(line).unwrap(), &phone.view(), 0).unwrap();
        let call = |call: &str| CallId::parse(call).unwrap();
        let other = OtherCall::Hold;
        let friend = || call("friend");
        assert_eq!(
            meant("answer"),
            Some(Intent::Answer {
                call: friend(),
                other
            })
        );
        assert_eq!(meant("decline"), Some(Intent::Decline { call: friend() }));
        assert_eq!(meant("silence"), Some(Intent::Silence { call: friend() }));
        assert_eq!(
            meant("decline @0188"),
            Some(Intent::Decline {
                call: call("stranger")
            })
        );
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_a_sentence() {
        for line in [
            "",
            "dial",
            "keys ",
            "answer later",
            "dnd soon",
            "@0142",
            "\u{202e}end",
            "end\0",
        ] {
            assert!(!parse(line).unwrap_err().is_empty(), "{line:?}");
        }
    }
}
