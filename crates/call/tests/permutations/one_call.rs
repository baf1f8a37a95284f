//! One call with one far end.

use call::input::{LegFact, PlaceFailure, RoomFact};
use call::state::{CallState, LeaveReason, LegStatus};

use super::History;
use super::facts::*;
use crate::support::{Desk, colleague};

pub(super) fn histories() -> Vec<History> {
    use LeaveReason::{ClientInitiated, ParticipantRemoved, RoomDeleted, UserRejected};
    use LegStatus::{Active, Dialing, Hangup, Ringing};
    let refused = PlaceFailure::Sip { code: 486 };
    vec![
        History {
            name: "it comes about",
            begin: Desk::dialling,
            facts: vec![
                talk(leg(Dialing)),
                talk(leg(Ringing)),
                talk(leg(Active)),
                answered(),
                talk(RoomFact::Published),
                opened(),
            ],
            after: &[],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "it is refused",
            begin: Desk::ringing,
            facts: vec![
                talk(left(UserRejected)),
                place_failed(refused),
                talk(leg(Ringing)),
                talk(leg(Dialing)),
                server(LegFact::LookFailed),
                talk(RoomFact::Published),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "the far end hangs up",
            begin: Desk::live,
            facts: vec![
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                talk(leg(Active)),
                answered(),
                server(LegFact::RoomDeleted { found: true }),
                talk(RoomFact::KeyReceived { key: '1' }),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "we hang up",
            begin: || {
                let mut desk = Desk::live();
                desk.hang_up();
                desk
            },
            facts: vec![
                talk(RoomFact::EndLegAnswered { done: true }),
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                server(LegFact::RoomDeleted { found: true }),
                talk(closed(ClientInitiated)),
                server(LegFact::Removed { found: true }),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "we cancel while it rings",
            begin: || {
                let mut desk = Desk::ringing();
                desk.hang_up();
                desk
            },
            facts: vec![
                server(LegFact::Removed { found: true }),
                place_failed(PlaceFailure::Cancelled),
                talk(left(ParticipantRemoved)),
                server(LegFact::RoomDeleted { found: true }),
                talk(closed(RoomDeleted)),
                talk(leg(Ringing)),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "the caller gives up",
            begin: Desk::offered,
            facts: vec![
                watch(leg(Hangup)),
                watch(left(ClientInitiated)),
                withdrawn(),
                looked(None, 0),
                watch(leg(Ringing)),
                watch(closed(RoomDeleted)),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "a colleague answers",
            begin: Desk::offered,
            facts: vec![
                watch(RoomFact::Present(colleague("Maria", true))),
                watch(leg(Active)),
                withdrawn(),
                taken_by_maria(),
                watch(leg(Ringing)),
                server(LegFact::LookFailed),
            ],
            after: &[(1, 0)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "we answer",
            begin: || {
                let mut desk = Desk::answering();
                desk.opened();
                desk
            },
            facts: vec![
                talk(RoomFact::Published),
                talk(leg(Active)),
                watch(leg(Active)),
                watch(leg(Ringing)),
                withdrawn(),
                looked(Some(Active), 0),
            ],
            after: &[],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "the room is deleted under us",
            begin: Desk::live,
            facts: vec![
                talk(closed(RoomDeleted)),
                talk(left(RoomDeleted)),
                answered(),
                server(LegFact::RoomDeleted { found: false }),
                talk(leg(Active)),
                looked(None, 0),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
    ]
}
