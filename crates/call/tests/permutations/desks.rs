//! A caller whom several desks hear: a lost claim, and news of callers that comes late.

use call::input::{LegFact, Offer, RoomFact, WatchFact};
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Input, Role};

use super::History;
use super::facts::*;
use crate::support::{Desk, colleague, id, offer_of, phone_leg};

fn offered(call: &str) -> Input {
    Input::Watch(WatchFact::Offer(Offer {
        call: id(call),
        ..offer_of("c1")
    }))
}

pub(super) fn histories() -> Vec<History> {
    use LeaveReason::{ClientInitiated, RoomDeleted};
    use LegStatus::{Active, Hangup, Ringing};
    let maria = || colleague("Maria", true);
    vec![
        History {
            name: "the claim is lost",
            begin: Desk::claiming,
            facts: vec![
                talk(joined(vec![maria(), phone_leg("c1", Some(Ringing))])),
                watch(RoomFact::Present(maria())),
                watch(leg(Active)),
                taken_by_maria(),
                withdrawn(),
                talk(closed(ClientInitiated)),
            ],
            // each connection in order; the last is our own leave, and a look is asked for once we are back
            after: &[(2, 1), (5, 0), (3, 0)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "the claim is lost, and the winner gives it back",
            begin: || {
                let mut desk = Desk::claiming();
                desk.joined(vec![maria_claims(), phone_leg("c1", Some(Ringing))]);
                desk
            },
            facts: vec![
                watch(RoomFact::Present(maria())),
                watch(leaves(&maria().identity, ClientInitiated)),
                talk(closed(ClientInitiated)),
                looked(Some(Ringing), 0),
                watch(leg(Ringing)),
            ],
            after: &[(1, 0)],
            once: &[],
            state: CallState::Offered,
        },
        History {
            name: "the room is over while we enter it",
            begin: Desk::claiming,
            facts: vec![
                talk(joined(vec![])),
                watch(left(ClientInitiated)),
                withdrawn(),
                watch(closed(RoomDeleted)),
                talk(closed(RoomDeleted)),
            ],
            after: &[(4, 0), (3, 1)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "the room is said to be over before it is said to be there",
            begin: Desk::new,
            facts: vec![
                offered("c1"),
                withdrawn(),
                logged(),
                looked(None, 0),
                watch(joined(vec![])),
                watch(closed(RoomDeleted)),
            ],
            after: &[(2, 0), (3, 0), (4, 0), (5, 4)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "a caller is told of again, under another name, after the end",
            begin: Desk::talking,
            facts: vec![
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                offered("c1"),
                offered("c9"),
                withdrawn(),
                server(LegFact::RoomDeleted { found: true }),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "a caller who gave up is told of again",
            begin: || {
                let mut desk = Desk::offered();
                desk.status(Role::Watch, Hangup);
                desk
            },
            facts: vec![
                watch(closed(ClientInitiated)),
                offered("c9"),
                withdrawn(),
                looked(None, 0),
                watch(left(ClientInitiated)),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "we answer, and the watch sees ourselves",
            begin: || {
                let mut desk = Desk::claiming();
                desk.opened();
                desk
            },
            facts: vec![
                talk(joined(vec![phone_leg("c1", Some(Ringing))])),
                talk(RoomFact::Published),
                talk(leg(Active)),
                watch(leg(Active)),
                looked(Some(Active), 0),
                withdrawn(),
            ],
            // announced once the claim is won, and answered by that
            after: &[(1, 0), (2, 0), (3, 0), (4, 0)],
            once: &[],
            state: CallState::Live,
        },
    ]
}

fn maria_claims() -> call::state::Participant {
    colleague("Maria", true)
}
