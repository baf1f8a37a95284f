//! One input of every kind and some of its shades, about one call: for the sweep over all states and for histories that
//! are written as bytes.

use std::time::Duration;

use call::input::{
    AudioFact, Intent, JoinFailure, LegFact, LineStatus, LogFact, Offer, Orphan, OtherCall,
    PlaceFailure, RoomFact, TransferFailure, WatchFact,
};
use call::settings::{Availability, DeclinePolicy, WhenClosed};
use call::state::{CallIds, Direction, LeaveReason, LegStatus, MediaReport, Participant};
use call::{CallId, DeskSettings, Identity, Input, Link, Role, RoomName};

use super::{
    NUMBER, START_MS, colleague, id, inbound_room, leg_of, offer_of, phone_leg, ready, way,
};

const STATUSES: [Option<LegStatus>; 6] = [
    None,
    Some(LegStatus::Dialing),
    Some(LegStatus::Ringing),
    Some(LegStatus::Automation),
    Some(LegStatus::Active),
    Some(LegStatus::Hangup),
];

const REASONS: [LeaveReason; 10] = [
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

fn third() -> Identity {
    Identity::parse("leg-third").unwrap()
}

/// All samples about this call, told by these connections.
pub fn all(call: &str, links: &[Link]) -> Vec<Input> {
    let mut all = intents(call);
    for link in links {
        let facts = room_facts(call).into_iter();
        all.extend(facts.map(|fact| Input::Room {
            link: link.clone(),
            fact,
        }));
    }
    let call = &id(call);
    all.extend(leg_facts(call).into_iter().map(|fact| Input::Leg {
        call: call.clone(),
        fact,
    }));
    all.extend(of_the_desk(call));
    all
}

/// Connections of a call that may or may not exist.
pub fn made_up(call: &str) -> [Link; 2] {
    [Role::Talk, Role::Watch].map(|role| Link {
        call: id(call),
        role,
        attempt: 1,
    })
}

fn intents(name: &str) -> Vec<Input> {
    let call = id(name);
    let again = |call: &CallId| call.clone();
    vec![
        Intent::Dial {
            call: id(&format!("{name}-next")),
            number: NUMBER.into(),
            ways: Vec::new(),
        },
        Intent::Dial {
            call: again(&call),
            number: "\u{202e}".into(),
            ways: vec![way("")],
        },
        Intent::Dial {
            call: id(&format!("{name}-over")),
            number: NUMBER.into(),
            ways: vec![way("A"), way("B"), way("C")],
        },
        Intent::Answer {
            call: again(&call),
            other: OtherCall::Hold,
        },
        Intent::Answer {
            call: again(&call),
            other: OtherCall::End,
        },
        Intent::Decline { call: again(&call) },
        Intent::Silence { call: again(&call) },
        Intent::HangUp { call: again(&call) },
        Intent::SetMuted {
            call: again(&call),
            muted: true,
        },
        Intent::SetMuted {
            call: again(&call),
            muted: false,
        },
        Intent::SetHeld {
            call: again(&call),
            held: true,
        },
        Intent::SetHeld {
            call: again(&call),
            held: false,
        },
        Intent::Transfer {
            call: again(&call),
            to: NUMBER.into(),
        },
        Intent::AddPerson {
            call: again(&call),
            number: NUMBER.into(),
            private: true,
        },
        Intent::Merge { call: again(&call) },
        Intent::TalkPrivately {
            call: again(&call),
            with: third(),
        },
        Intent::HandOver { call: again(&call) },
        Intent::DropPerson {
            call: again(&call),
            leg: third(),
        },
        Intent::Rejoin { call: again(&call) },
        Intent::SetAvailability(Availability::Available),
        Intent::SetAvailability(Availability::DoNotDisturb {
            until_unix_ms: None,
        }),
        Intent::SetAvailability(Availability::DoNotDisturb {
            until_unix_ms: Some(START_MS + 30_000),
        }),
        Intent::SendKeys {
            call: again(&call),
            keys: "1w#".into(),
        },
        Intent::SendKeys {
            call: again(&call),
            keys: "\u{0}".into(),
        },
        Intent::Dismiss { call },
        Intent::DismissNotice { id: 1 },
        Intent::Quit,
    ]
    .into_iter()
    .map(Input::Intent)
    .collect()
}

fn named(call: &str, status: Option<LegStatus>) -> Participant {
    Participant {
        call_ids: CallIds {
            bridge: Some(format!("SCL_{call}")),
            ..CallIds::default()
        },
        ..phone_leg(call, status)
    }
}

fn room_facts(call: &str) -> Vec<RoomFact> {
    let detail = String::new;
    let mut facts = vec![
        RoomFact::Joined { present: vec![] },
        RoomFact::Joined {
            present: vec![colleague("Maria", true)],
        },
        RoomFact::Published,
        RoomFact::PublishFailed { detail: detail() },
        RoomFact::AudienceSet,
        RoomFact::AudienceFailed { detail: detail() },
        RoomFact::KeysFailed {
            keys: "12".into(),
            detail: detail(),
        },
        RoomFact::Present(colleague("Maria", true)),
        RoomFact::Present(colleague("Otto", false)),
        RoomFact::Left {
            identity: colleague("Maria", true).identity,
            reason: LeaveReason::ClientInitiated,
            reconnecting: false,
        },
        RoomFact::Reconnecting,
        RoomFact::Reconnected,
        RoomFact::KeyReceived { key: '5' },
        RoomFact::KeyReceived { key: '\u{0}' },
        RoomFact::EndLegAnswered { done: true },
        RoomFact::EndLegAnswered { done: false },
    ];
    for status in STATUSES {
        let leg = named(call, status);
        facts.push(RoomFact::Joined {
            present: vec![leg.clone()],
        });
        facts.push(RoomFact::Present(leg));
    }
    for reason in REASONS {
        facts.push(RoomFact::Closed { reason });
        for reconnecting in [false, true] {
            facts.push(RoomFact::Left {
                identity: leg_of(call),
                reason,
                reconnecting,
            });
        }
    }
    for stalled in [0, 3, 60] {
        facts.push(RoomFact::Media(MediaReport {
            packets: 100,
            stalled: Duration::from_secs(stalled),
            ..MediaReport::default()
        }));
    }
    for why in [
        JoinFailure::Unreachable,
        JoinFailure::Refused,
        JoinFailure::ServerBusy,
        JoinFailure::NotSignedIn,
        JoinFailure::Engine,
    ] {
        let detail = detail();
        facts.push(RoomFact::JoinFailed { why, detail });
    }
    facts
}

fn leg_facts(call: &CallId) -> Vec<LegFact> {
    let leg = || leg_of(call.as_str());
    let detail = String::new;
    let mut facts = vec![
        LegFact::Answered { leg: leg() },
        LegFact::PlaceFailed {
            leg: third(),
            failure: PlaceFailure::Sip { code: 503 },
        },
        LegFact::DropFailed { detail: detail() },
        LegFact::PersonAnswered { leg: third() },
        LegFact::PersonFailed {
            leg: third(),
            failure: PlaceFailure::Sip { code: 486 },
        },
        LegFact::Transferred,
        LegFact::TransferFailed(TransferFailure::NoOutcome),
        LegFact::LookFailed,
    ];
    for failure in [
        PlaceFailure::Sip { code: 486 },
        PlaceFailure::Sip { code: 503 },
        PlaceFailure::Cancelled,
        PlaceFailure::TrunkNeedsPassword,
        PlaceFailure::NoLine,
        PlaceFailure::NotSignedIn,
        PlaceFailure::Refused,
        PlaceFailure::NoBridge,
        PlaceFailure::Unreachable { detail: detail() },
        PlaceFailure::Other { detail: detail() },
    ] {
        let leg = leg();
        facts.push(LegFact::PlaceFailed { leg, failure });
    }
    for done in [true, false] {
        facts.push(LegFact::Removed { found: done });
        facts.push(LegFact::RoomDeleted { found: done });
        facts.push(LegFact::Parted { apart: true, done });
    }
    for leg in STATUSES {
        for other_desks in [0, 1] {
            facts.push(looked(leg, other_desks));
        }
    }
    facts
}

/// What the server lists; whoever else is there came before this desk.
pub fn looked(leg: Option<LegStatus>, other_desks: u32) -> LegFact {
    LegFact::Looked {
        leg,
        other_desks,
        desks_ahead: other_desks,
        taken_by: None,
    }
}

fn of_the_desk(call: &CallId) -> Vec<Input> {
    let other = format!("{call}-other");
    let what = || String::from("It does not work.");
    let orphan = |answered| Orphan {
        call: id(&format!("{call}-old")),
        direction: Direction::Outbound,
        room: RoomName::outbound(&id(&format!("{call}-old"))),
        leg: leg_of(&format!("{call}-old")),
        answered,
        age: Duration::from_secs(9),
        handed_over: false,
        number: NUMBER.into(),
        name: None,
        line: None,
        started_unix_ms: START_MS,
        answered_unix_ms: None,
        muted: false,
    };
    vec![
        Input::Watch(WatchFact::Offer(offer_of(&other))),
        Input::Watch(WatchFact::Offer(Offer {
            created_unix_ms: 1,
            ..offer_of(&format!("{call}-late"))
        })),
        Input::Watch(WatchFact::Withdrawn {
            room: inbound_room(call.as_str()),
        }),
        Input::Line(LineStatus::SignedOut),
        Input::Line(LineStatus::Connecting),
        Input::Line(ready()),
        Input::Audio(AudioFact::Opened),
        Input::Audio(AudioFact::Failed { what: what() }),
        Input::Audio(AudioFact::Using {
            microphone: Some("Desk microphone".into()),
            speaker: None,
        }),
        Input::Log {
            call: call.clone(),
            fact: LogFact::Logged,
        },
        Input::Log {
            call: call.clone(),
            fact: LogFact::Failed { what: what() },
        },
        Input::Orphan(orphan(true)),
        Input::Orphan(orphan(false)),
        Input::Settings(DeskSettings::default()),
        Input::Settings(DeskSettings {
            open: false,
            when_closed: WhenClosed::Decline,
            decline: DeclinePolicy::Everybody,
            ..DeskSettings::default()
        }),
        Input::Settings(DeskSettings {
            open: false,
            when_closed: WhenClosed::Silent,
            decline: DeclinePolicy::OnlyHere,
            ..DeskSettings::default()
        }),
        Input::Tick,
    ]
}
