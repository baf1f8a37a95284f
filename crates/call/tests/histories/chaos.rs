//! Inputs without any sense.

use std::time::Duration;

use call::input::{
    AudioFact, Intent, JoinFailure, LegFact, LineStatus, LogFact, Offer, Orphan, OtherCall,
    PlaceFailure, RoomFact, TransferFailure, WatchFact,
};
use call::routing::Way;
use call::settings::{Availability, DeclinePolicy, WhenClosed};
use call::state::{Direction, LeaveReason, LegStatus, MediaReport, Participant, ParticipantKind};
use call::{CallId, DeskSettings, Identity, Input, Link, Role, RoomName};
use fastrand::Rng;

use crate::observer::Observer;
use crate::support::{START_MS, id, inbound_room, leg_of, person_of, ready, way};

pub(crate) const REASONS: [LeaveReason; 10] = [
    LeaveReason::ClientInitiated,
    LeaveReason::DuplicateIdentity,
    LeaveReason::ServerShutdown,
    LeaveReason::ParticipantRemoved,
    LeaveReason::RoomDeleted,
    LeaveReason::UserUnavailable,
    LeaveReason::UserRejected,
    LeaveReason::TrunkFailure,
    LeaveReason::ConnectionTimeout,
    LeaveReason::Unknown,
];
const STATUSES: [LegStatus; 5] = [
    LegStatus::Dialing,
    LegStatus::Ringing,
    LegStatus::Automation,
    LegStatus::Active,
    LegStatus::Hangup,
];

/// Lets a little time pass, or not, and says something.
pub(crate) fn step(observer: &mut Observer, rng: &mut Rng) {
    let pause = *rng
        .choice([0, 0, 0, 1, 50, 300, 1_000, 5_000, 60_000].iter())
        .unwrap();
    observer.now += Duration::from_millis(pause);
    let links = observer.links.clone();
    let mut rng = Source {
        newest: observer.rows(),
        known: links.iter().rev().take(4).map(|l| l.call.clone()).collect(),
        rng,
    };
    let input = input(&mut rng, &links);
    let begins = match &input {
        Input::Intent(Intent::Dial { call, .. }) => Some(call),
        Input::Watch(WatchFact::Offer(offer)) => Some(&offer.call),
        Input::Orphan(orphan) => Some(&orphan.call),
        _ => None,
    };
    if begins.is_none_or(|call| !observer.is_used_up(call)) {
        observer.tell(input);
    }
}

struct Source<'a> {
    /// Calls so far; names of calls are taken from around here.
    newest: usize,
    /// Calls that joined a room lately.
    known: Vec<CallId>,
    rng: &'a mut Rng,
}

impl std::ops::Deref for Source<'_> {
    type Target = Rng;
    fn deref(&self) -> &Rng {
        self.rng
    }
}

impl std::ops::DerefMut for Source<'_> {
    fn deref_mut(&mut self) -> &mut Rng {
        self.rng
    }
}

fn call(rng: &mut Source<'_>) -> CallId {
    if rng.bool()
        && let Some(known) = rng.rng.choice(rng.known.iter())
    {
        return known.clone();
    }
    let name = (rng.newest + rng.usize(0..6)).saturating_sub(4);
    id(&format!("c{name}"))
}

fn text(rng: &mut Source<'_>) -> String {
    let texts = [
        "",
        "+12125550100",
        "+13125550142",
        "12#",
        "w",
        "anonymous",
        "\u{202e}\u{0}",
        "＋１２１２",
        "1;2",
        "x",
    ];
    let text = rng.choice(texts).unwrap();
    text.repeat(*rng.choice([1, 1, 1, 9, 400].iter()).unwrap())
}

fn status(rng: &mut Source<'_>) -> Option<LegStatus> {
    rng.bool().then(|| *rng.choice(STATUSES.iter()).unwrap())
}

fn reason(rng: &mut Source<'_>) -> LeaveReason {
    *rng.choice(REASONS.iter()).unwrap()
}

fn somebody(rng: &mut Source<'_>) -> Participant {
    let leg = call(rng);
    let kinds = [
        ParticipantKind::Standard,
        ParticipantKind::Sip,
        ParticipantKind::Sip,
        ParticipantKind::Agent,
        ParticipantKind::Other,
    ];
    let colleague = Identity::parse(rng.choice(["desk-Maria-1", "desk-Otto-1"]).unwrap()).unwrap();
    Participant {
        identity: match rng.u8(0..4) {
            0 => colleague,
            1 => person_of(leg.as_str(), rng.u32(1..4)),
            _ => leg_of(leg.as_str()),
        },
        name: text(rng),
        kind: *rng.choice(kinds.iter()).unwrap(),
        leg_status: status(rng),
        claims: rng.bool(),
        call_ids: call::state::CallIds::default(),
    }
}

fn room_fact(rng: &mut Source<'_>) -> RoomFact {
    let detail = String::new();
    match rng.u8(0..20) {
        16 | 17 => RoomFact::AudienceSet,
        18 => RoomFact::AudienceFailed { detail },
        19 => RoomFact::KeysFailed {
            keys: text(rng),
            detail,
        },
        0..=2 => RoomFact::Joined {
            present: (0..rng.usize(0..4)).map(|_| somebody(rng)).collect(),
        },
        3 => RoomFact::JoinFailed {
            why: *rng
                .choice(
                    [
                        JoinFailure::Unreachable,
                        JoinFailure::Refused,
                        JoinFailure::ServerBusy,
                        JoinFailure::NotSignedIn,
                        JoinFailure::Engine,
                    ]
                    .iter(),
                )
                .unwrap(),
            detail,
        },
        4 | 5 => RoomFact::Published,
        6 => RoomFact::PublishFailed { detail },
        7 | 8 => RoomFact::Present(somebody(rng)),
        9 => RoomFact::Left {
            identity: somebody(rng).identity,
            reason: reason(rng),
            reconnecting: rng.bool(),
        },
        10 => RoomFact::Reconnecting,
        11 => RoomFact::Reconnected,
        12 => RoomFact::Closed {
            reason: reason(rng),
        },
        13 => RoomFact::Media(MediaReport {
            packets: rng.u64(0..9),
            stalled: Duration::from_secs(rng.u64(0..6)),
            heard_seconds: f64::from(rng.u8(0..9)),
            heard_dbfs: None,
            lost: 0,
            jitter_ms: 0.0,
            round_trip_ms: 0.0,
            sent_lost_percent: 0.0,
        }),
        14 => RoomFact::KeyReceived {
            key: rng.char('\u{0}'..'z'),
        },
        _ => RoomFact::EndLegAnswered { done: rng.bool() },
    }
}

/// The far end's leg of this call, by its name on this line or another.
fn first_leg(rng: &mut Source<'_>, call: &CallId) -> Identity {
    match rng.u32(0..4) {
        n @ 2..=3 => Identity::leg_of_try(call, n as usize),
        _ => leg_of(call.as_str()),
    }
}

/// None, one or some lines.
fn ways(rng: &mut Source<'_>) -> Vec<Way> {
    let ways = ["A", "B", "C"].into_iter().take(rng.usize(0..4));
    ways.map(|name| Way {
        fails_over: rng.u8(0..4) > 0,
        ..way(name)
    })
    .collect()
}

/// A leg of this call, or of none.
fn leg(rng: &mut Source<'_>, call: &CallId) -> Identity {
    match rng.u32(0..4) {
        0 => first_leg(rng, call),
        n => person_of(call.as_str(), n),
    }
}

fn leg_fact(rng: &mut Source<'_>, whose: &CallId) -> LegFact {
    let leg = leg(rng, whose);
    let detail = String::new();
    match rng.u8(0..16) {
        10 | 11 => LegFact::PersonAnswered { leg },
        12 => LegFact::PersonFailed {
            leg,
            failure: if rng.bool() {
                PlaceFailure::Cancelled
            } else {
                PlaceFailure::Unreachable { detail }
            },
        },
        13..=15 => LegFact::Parted {
            apart: rng.bool(),
            done: rng.u8(0..4) > 0,
        },
        8 => LegFact::Transferred,
        9 => LegFact::TransferFailed(match rng.u8(0..5) {
            0 => TransferFailure::Sip {
                code: rng.u16(0..1_000),
            },
            1 => TransferFailure::NoOutcome,
            2 => TransferFailure::NotUp,
            3 => TransferFailure::Unreachable { detail },
            _ => TransferFailure::Other { detail },
        }),
        0 => LegFact::Answered {
            leg: first_leg(rng, whose),
        },
        1 => {
            let failure = match rng.u8(0..9) {
                0 | 1 => PlaceFailure::Sip {
                    code: rng.u16(0..1_000),
                },
                2 => PlaceFailure::Cancelled,
                3 => PlaceFailure::TrunkNeedsPassword,
                4 => PlaceFailure::NoLine,
                5 => PlaceFailure::NotSignedIn,
                6 => PlaceFailure::NoBridge,
                7 => PlaceFailure::Unreachable { detail },
                _ => PlaceFailure::Other { detail },
            };
            let leg = first_leg(rng, whose);
            LegFact::PlaceFailed { leg, failure }
        }
        2 | 3 => LegFact::Removed { found: rng.bool() },
        4 => LegFact::RoomDeleted { found: rng.bool() },
        5 => LegFact::DropFailed { detail },
        6 => LegFact::Looked {
            leg: status(rng),
            other_desks: if rng.u8(0..4) == 0 {
                rng.u32(40..60)
            } else {
                rng.u32(0..3)
            },
            desks_ahead: rng.u32(0..60),
            taken_by: rng.bool().then(|| text(rng)),
        },
        _ => LegFact::LookFailed,
    }
}

fn intent(rng: &mut Source<'_>) -> Intent {
    let call = call(rng);
    match rng.u8(0..36) {
        25..=28 => Intent::AddPerson {
            call,
            number: text(rng),
            private: rng.bool(),
        },
        29 => Intent::Merge { call },
        30 | 31 => Intent::TalkPrivately {
            with: leg(rng, &call),
            call,
        },
        32 | 33 => Intent::HandOver { call },
        34 | 35 => Intent::DropPerson {
            leg: leg(rng, &call),
            call,
        },
        23 | 24 => Intent::Transfer {
            call,
            to: text(rng),
        },
        20..=22 => Intent::SetHeld {
            call,
            held: rng.bool(),
        },
        0..=4 => Intent::Dial {
            call,
            number: text(rng),
            ways: ways(rng),
        },
        5..=9 => Intent::Answer {
            call,
            other: *rng.choice(&[OtherCall::Hold, OtherCall::End]).unwrap(),
        },
        10 => Intent::Decline { call },
        11 => Intent::Silence { call },
        12 | 13 => Intent::HangUp { call },
        14 => Intent::SetMuted {
            call,
            muted: rng.bool(),
        },
        15 | 16 => Intent::SendKeys {
            call,
            keys: text(rng),
        },
        17 if rng.bool() => Intent::Rejoin { call },
        17 => Intent::Dismiss { call },
        18 if rng.bool() => Intent::SetAvailability(match rng.u8(0..3) {
            0 => Availability::DoNotDisturb {
                until_unix_ms: None,
            },
            1 => Availability::DoNotDisturb {
                until_unix_ms: Some(START_MS + rng.i64(-1..100_000)),
            },
            _ => Availability::Available,
        }),
        18 => Intent::DismissNotice { id: rng.u32(0..4) },
        _ if rng.u8(0..20) == 0 => Intent::Quit,
        _ => Intent::Dismiss { call },
    }
}

fn input(rng: &mut Source<'_>, links: &[Link]) -> Input {
    match rng.u8(0..30) {
        0..=5 => Input::Intent(intent(rng)),
        6..=15 => {
            let call = call(rng);
            let made_up = Link {
                call,
                role: if rng.bool() { Role::Talk } else { Role::Watch },
                attempt: rng.u32(0..4),
            };
            // mostly one of the newest
            let recent = &links[links.len().saturating_sub(6)..];
            let link = rng.choice(recent.iter()).cloned().unwrap_or(made_up);
            Input::Room {
                link,
                fact: room_fact(rng),
            }
        }
        16..=20 => {
            let call = call(rng);
            let fact = leg_fact(rng, &call);
            Input::Leg { call, fact }
        }
        21 | 22 => {
            let (call, room) = (call(rng), call(rng));
            Input::Watch(WatchFact::Offer(Offer {
                leg: leg_of(call.as_str()),
                call,
                room: inbound_room(room.as_str()),
                from: text(rng),
                name: rng.bool().then(|| text(rng)),
                to: text(rng),
                created_unix_ms: match rng.u8(0..6) {
                    0 => rng.i64(..),
                    1 => START_MS,
                    _ => 0,
                },
            }))
        }
        23 => Input::Watch(WatchFact::Withdrawn {
            room: inbound_room(call(rng).as_str()),
        }),
        24 => Input::Line(match rng.u8(0..6) {
            0 => LineStatus::SignedOut,
            1 => LineStatus::Connecting,
            2 => LineStatus::Refused {
                what: String::new(),
            },
            _ => ready(),
        }),
        25 => Input::Audio(match rng.u8(0..8) {
            0 | 1 => AudioFact::Failed { what: text(rng) },
            2 => AudioFact::Using {
                microphone: Some(text(rng)),
                speaker: None,
            },
            _ => AudioFact::Opened,
        }),
        26 | 27 => Input::Log {
            call: call(rng),
            fact: if rng.u8(0..6) == 0 {
                LogFact::Failed { what: text(rng) }
            } else {
                LogFact::Logged
            },
        },
        28 => {
            let call = if rng.bool() { call(rng) } else { id("x1") };
            Input::Orphan(Orphan {
                room: RoomName::outbound(&call),
                leg: leg_of(call.as_str()),
                call,
                direction: if rng.bool() {
                    Direction::Outbound
                } else {
                    Direction::Inbound
                },
                answered: rng.bool(),
                age: Duration::from_secs(rng.u64(0..100)),
                handed_over: rng.bool(),
                number: "+12125550100".into(),
                name: None,
                line: None,
                started_unix_ms: 1_800_000_000_000,
                answered_unix_ms: None,
                muted: rng.bool(),
            })
        }
        29 if rng.bool() => Input::Settings(DeskSettings {
            decline: *rng
                .choice(
                    [
                        DeclinePolicy::LastDesk,
                        DeclinePolicy::Everybody,
                        DeclinePolicy::OnlyHere,
                    ]
                    .iter(),
                )
                .unwrap(),
            open: rng.bool(),
            when_closed: *rng
                .choice([WhenClosed::Ring, WhenClosed::Silent, WhenClosed::Decline].iter())
                .unwrap(),
            quiet_lines: vec![text(rng)],
            always_ring: vec![text(rng)],
            ..DeskSettings::default()
        }),
        _ => Input::Tick,
    }
}
