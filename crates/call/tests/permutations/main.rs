//! Facts arrive in any order and more than once: the same facts end in the same state, whatever the order.
//!
//! Every history is told in all its permutations, then in all of them once more with each single fact repeated, at once
//! and at the end.

#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

#[path = "../support/mod.rs"]
mod support;

use call::input::{LegFact, PlaceFailure, RoomFact, WatchFact};
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Input, Link, Role};
use support::{Desk, colleague, id, inbound_room, leg_of, phone_leg};

/// What must not depend on the order.
#[derive(Debug, PartialEq, Eq)]
struct End {
    state: CallState,
    reason: Option<&'static str>,
    answered: bool,
    leg_gone: bool,
    missed: usize,
    open: bool,
}

fn end(desk: &Desk) -> End {
    let view = desk.view();
    let over = view.state == CallState::Ended;
    End {
        state: view.state,
        reason: view.end.as_ref().map(call::EndReason::code),
        answered: view.answered_unix_ms.is_some(),
        leg_gone: over && desk.finish().leg_gone,
        missed: desk.said("notify missed"),
        open: desk.said("open") > desk.said("close"),
    }
}

struct History {
    name: &'static str,
    begin: fn() -> Desk,
    facts: Vec<Input>,
}

fn leg(status: LegStatus) -> RoomFact {
    RoomFact::Present(phone_leg("c1", Some(status)))
}

fn left(reason: LeaveReason) -> RoomFact {
    RoomFact::Left {
        identity: leg_of("c1"),
        reason,
        reconnecting: false,
    }
}

fn talk(fact: RoomFact) -> Input {
    on(Role::Talk, fact)
}

fn watch(fact: RoomFact) -> Input {
    on(Role::Watch, fact)
}

fn on(role: Role, fact: RoomFact) -> Input {
    let link = Link {
        call: id("c1"),
        role,
        attempt: 1,
    };
    Input::Room { link, fact }
}

fn server(fact: LegFact) -> Input {
    Input::Leg {
        call: id("c1"),
        fact,
    }
}

fn closed(reason: LeaveReason) -> RoomFact {
    RoomFact::Closed { reason }
}

fn withdrawn() -> Input {
    let room = inbound_room("c1");
    Input::Watch(WatchFact::Withdrawn { room })
}

fn looked(leg: Option<LegStatus>, other_desks: u32) -> Input {
    server(support::looked(leg, other_desks))
}

fn answered() -> Input {
    server(LegFact::Answered { leg: leg_of("c1") })
}

fn place_failed(failure: PlaceFailure) -> Input {
    let leg = leg_of("c1");
    server(LegFact::PlaceFailed { leg, failure })
}

fn histories() -> Vec<History> {
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
                Input::Audio(call::input::AudioFact::Opened),
            ],
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
        },
        History {
            name: "a colleague answers",
            begin: Desk::offered,
            facts: vec![
                watch(RoomFact::Present(colleague("Maria", true))),
                watch(leg(Active)),
                withdrawn(),
                looked(Some(Active), 1),
                watch(leg(Ringing)),
                server(LegFact::LookFailed),
            ],
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
        },
    ]
}

/// All orders of `n` things (Heap's way).
fn orders(n: usize) -> Vec<Vec<usize>> {
    fn go(k: usize, order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if k <= 1 {
            return all.push(order.clone());
        }
        for i in 0..k {
            go(k - 1, order, all);
            order.swap(if k.is_multiple_of(2) { i } else { 0 }, k - 1);
        }
    }
    let mut all = Vec::new();
    go(n, &mut (0..n).collect(), &mut all);
    all
}

fn tell(history: &History, order: &[usize]) -> End {
    let mut desk = (history.begin)();
    for fact in order {
        desk.tell(history.facts[*fact].clone());
    }
    desk.wait_s(5);
    end(&desk)
}

#[test]
fn permutations() {
    let mut told = 0;
    for history in histories() {
        assert!(history.facts.len() <= 6);
        for length in 1..=history.facts.len() {
            // a shorter history is one whose last facts never came
            let expected = tell(&history, &(0..length).collect::<Vec<_>>());
            for order in orders(length) {
                assert_eq!(
                    tell(&history, &order),
                    expected,
                    "{}: {order:?}",
                    history.name
                );
                told += 1;
                for repeated in 0..length {
                    let mut at_once = order.clone();
                    at_once.insert(repeated, order[repeated]);
                    let mut in_the_end = order.clone();
                    in_the_end.push(order[repeated]);
                    for order in [at_once, in_the_end] {
                        let end = tell(&history, &order);
                        assert_eq!(end, expected, "{}: {order:?}", history.name);
                        told += 1;
                    }
                }
            }
        }
    }
    assert_eq!(orders(6).len(), 720);
    println!("permutations: {told} histories, each to the same end");
}
