//! Facts, in few words. They are about the first call and its first connections, unless they say otherwise.

use call::input::{AudioFact, LegFact, LogFact, PlaceFailure, RoomFact, WatchFact};
use call::state::{LeaveReason, LegStatus, Participant};
use call::{Identity, Input, Link, Role};

use crate::support::{self, id, inbound_room, leg_of, person_of, phone_leg};

pub(crate) fn leg(status: LegStatus) -> RoomFact {
    RoomFact::Present(phone_leg("c1", Some(status)))
}

pub(crate) fn left(reason: LeaveReason) -> RoomFact {
    RoomFact::Left {
        identity: leg_of("c1"),
        reason,
        reconnecting: false,
    }
}

pub(crate) fn talk(fact: RoomFact) -> Input {
    on(Role::Talk, fact)
}

pub(crate) fn watch(fact: RoomFact) -> Input {
    on(Role::Watch, fact)
}

pub(crate) fn on(role: Role, fact: RoomFact) -> Input {
    let link = Link {
        call: id("c1"),
        role,
        attempt: 1,
    };
    Input::Room { link, fact }
}

pub(crate) fn server(fact: LegFact) -> Input {
    Input::Leg {
        call: id("c1"),
        fact,
    }
}

pub(crate) fn closed(reason: LeaveReason) -> RoomFact {
    RoomFact::Closed { reason }
}

pub(crate) fn withdrawn() -> Input {
    let room = inbound_room("c1");
    Input::Watch(WatchFact::Withdrawn { room })
}

pub(crate) fn looked(leg: Option<LegStatus>, other_desks: u32) -> Input {
    server(support::looked(leg, other_desks))
}

pub(crate) fn answered() -> Input {
    server(LegFact::Answered { leg: leg_of("c1") })
}

pub(crate) fn place_failed(failure: PlaceFailure) -> Input {
    let leg = leg_of("c1");
    server(LegFact::PlaceFailed { leg, failure })
}

pub(crate) fn logged() -> Input {
    Input::Log {
        call: id("c1"),
        fact: LogFact::Logged,
    }
}

pub(crate) fn opened() -> Input {
    Input::Audio(AudioFact::Opened)
}

pub(crate) fn joined(present: Vec<Participant>) -> RoomFact {
    RoomFact::Joined { present }
}

/// The first further person of the call.
pub(crate) fn third() -> Identity {
    person_of("c1", 1)
}

/// A leg tells how far it is.
pub(crate) fn is(leg: &Identity, status: LegStatus) -> Participant {
    Participant {
        identity: leg.clone(),
        ..phone_leg("c1", Some(status))
    }
}

pub(crate) fn leaves(leg: &Identity, reason: LeaveReason) -> RoomFact {
    RoomFact::Left {
        identity: leg.clone(),
        reason,
        reconnecting: false,
    }
}

/// The list of the room names who has answered.
pub(crate) fn taken_by_maria() -> Input {
    server(LegFact::Looked {
        leg: Some(LegStatus::Active),
        other_desks: 1,
        desks_ahead: 1,
        taken_by: Some("Maria".into()),
    })
}
