//! A call that an earlier run of the program left behind.

use call::input::{Intent, LegFact, Orphan, RoomFact};
use call::state::{CallState, Direction, LeaveReason, LegStatus};
use call::{Input, RoomName};
use std::time::Duration;

use super::History;
use super::facts::*;
use crate::support::{Desk, NUMBER, START_MS, id, inbound_room, leg_of, phone_leg};

fn orphan(answered: bool, handed_over: bool, direction: Direction) -> Input {
    Input::Orphan(Orphan {
        call: id("c1"),
        direction,
        room: match direction {
            Direction::Outbound => RoomName::outbound(&id("c1")),
            Direction::Inbound => inbound_room("c1"),
        },
        leg: leg_of("c1"),
        answered,
        age: Duration::from_secs(9),
        handed_over,
        number: NUMBER.into(),
        name: None,
        line: None,
        started_unix_ms: START_MS,
        answered_unix_ms: answered.then_some(START_MS),
        muted: true,
    })
}

fn stranded() -> Desk {
    let mut desk = Desk::new();
    desk.tell(orphan(true, false, Direction::Outbound));
    desk.looked(Some(LegStatus::Active), 0);
    desk
}

/// A person goes back into it.
fn going_back() -> Desk {
    let mut desk = stranded();
    desk.intent(Intent::Rejoin { call: id("c1") });
    desk
}

pub(super) fn histories() -> Vec<History> {
    use LeaveReason::{ClientInitiated, RoomDeleted};
    use LegStatus::{Active, Dialing, Hangup};
    let leg_there = || joined(vec![phone_leg("c1", Some(Active))]);
    vec![
        History {
            name: "joined again",
            begin: going_back,
            facts: vec![
                talk(leg_there()),
                opened(),
                talk(RoomFact::Published),
                looked(Some(Active), 0),
                talk(leg(Dialing)),
                server(LegFact::LookFailed),
            ],
            after: &[(2, 0), (2, 1), (4, 0)],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "joined again, and the far end hangs up on the way",
            begin: going_back,
            facts: vec![
                talk(leg_there()),
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                looked(Some(Hangup), 0),
                opened(),
                talk(RoomFact::Published),
            ],
            after: &[(1, 0), (2, 0), (5, 0), (5, 4)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "hung up without being joined",
            begin: || {
                let mut desk = stranded();
                desk.hang_up();
                desk
            },
            facts: vec![
                server(LegFact::Removed { found: true }),
                server(LegFact::RoomDeleted { found: true }),
                looked(Some(Active), 0),
                looked(None, 0),
                server(LegFact::LookFailed),
            ],
            after: &[(1, 0)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "joined, and hung up at once",
            begin: || {
                let mut desk = going_back();
                desk.hang_up();
                desk
            },
            facts: vec![
                server(LegFact::Removed { found: true }),
                talk(leg_there()),
                talk(closed(ClientInitiated)),
                server(LegFact::RoomDeleted { found: true }),
                looked(Some(Active), 0),
                opened(),
            ],
            after: &[(3, 0), (2, 1)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "answered in the moment of the crash",
            begin: || {
                let mut desk = Desk::new();
                desk.tell(orphan(false, false, Direction::Inbound));
                desk
            },
            facts: vec![
                looked(Some(Active), 0),
                orphan(false, false, Direction::Inbound),
                withdrawn(),
                server(LegFact::LookFailed),
            ],
            after: &[],
            once: &[],
            state: CallState::Stranded,
        },
        History {
            name: "left to each other before the crash",
            begin: || {
                let mut desk = Desk::new();
                desk.tell(orphan(true, true, Direction::Outbound));
                desk
            },
            facts: vec![
                watch(joined(vec![
                    phone_leg("c1", Some(Active)),
                    is(&third(), Active),
                ])),
                watch(leg(Active)),
                watch(RoomFact::Present(is(&third(), Active))),
                orphan(true, true, Direction::Outbound),
                looked(Some(Active), 0),
            ],
            after: &[(1, 0), (2, 0)],
            once: &[],
            state: CallState::HandedOver,
        },
        History {
            name: "left to each other before the crash, and they part",
            begin: || {
                let mut desk = Desk::new();
                desk.tell(orphan(true, true, Direction::Outbound));
                desk.watch(joined(vec![
                    phone_leg("c1", Some(Active)),
                    is(&third(), Active),
                ]));
                desk
            },
            facts: vec![
                watch(RoomFact::Present(is(&third(), Hangup))),
                watch(leaves(&third(), ClientInitiated)),
                server(LegFact::RoomDeleted { found: true }),
                watch(closed(RoomDeleted)),
                orphan(true, true, Direction::Outbound),
            ],
            after: &[(2, 0), (2, 1), (3, 0), (3, 1)],
            once: &[],
            state: CallState::Ended,
        },
    ]
}
