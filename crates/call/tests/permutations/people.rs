//! A call that is transferred, goes over another line, has several people, or stands beside a second one.

use call::input::{Intent, LegFact, PlaceFailure, RoomFact, TransferFailure};
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Input, Role};

use super::History;
use super::facts::*;
use crate::support::{Desk, NUMBER, id, leg_of, phone_leg, way};

/// The leg on the second line.
fn second() -> call::Identity {
    call::Identity::leg_of_try(&id("c1"), 2)
}

/// The far end is handed over, and nobody has said what became of it.
fn asked() -> Desk {
    let mut desk = Desk::live();
    desk.transfer("+1 312 555 0188");
    desk
}

/// Three people, and we leave.
fn left_to_each_other() -> Desk {
    let mut desk = Desk::live();
    desk.add_person(false);
    desk.person(Role::Talk, 1, LegStatus::Active);
    desk.person_answered(1);
    desk.hand_over();
    desk
}

fn both() -> Vec<call::state::Participant> {
    let status = LegStatus::Active;
    vec![phone_leg("c1", Some(status)), is(&third(), status)]
}

/// A call that waits beside one that is talked on.
fn two() -> Desk {
    let mut desk = Desk::live();
    desk.hold("c2").dial();
    desk.logged();
    desk.joined(vec![]);
    desk.published();
    desk.status(Role::Talk, LegStatus::Ringing);
    desk.status(Role::Talk, LegStatus::Active);
    desk.place_answered();
    desk.hold("c1");
    desk
}

pub(super) fn histories() -> Vec<History> {
    use LeaveReason::{ClientInitiated, ParticipantRemoved, UserRejected};
    use LegStatus::{Active, Dialing, Hangup, Ringing};
    let parted = |apart| server(LegFact::Parted { apart, done: true });
    let refused = |code| PlaceFailure::Sip { code };
    let other = |fact| Input::Leg {
        call: id("c2"),
        fact,
    };
    vec![
        History {
            name: "it is transferred",
            begin: || {
                let mut desk = asked();
                desk.server(LegFact::Transferred);
                desk
            },
            facts: vec![
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                server(LegFact::RoomDeleted { found: true }),
                talk(closed(ClientInitiated)),
                server(LegFact::Transferred),
                talk(leg(Active)),
            ],
            after: &[(1, 0), (2, 0), (3, 0)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "a transfer is refused",
            begin: asked,
            facts: vec![
                server(LegFact::TransferFailed(TransferFailure::Sip { code: 603 })),
                talk(leg(Active)),
                answered(),
                talk(RoomFact::KeyReceived { key: '1' }),
                server(LegFact::LookFailed),
            ],
            after: &[],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "one line refuses, another takes it",
            begin: || {
                let mut desk = Desk::new();
                desk.dial_over(NUMBER, vec![way("A"), way("B")]);
                desk.logged();
                desk.joined(vec![]);
                desk.opened();
                desk.published();
                desk
            },
            facts: vec![
                place_failed(refused(503)),
                talk(left(ClientInitiated)),
                logged(),
                talk(leg(Dialing)),
                talk(RoomFact::Present(is(&second(), Active))),
                server(LegFact::Answered { leg: second() }),
            ],
            // the row is told of the next line once the first has refused; the next leg comes after that
            after: &[(2, 0), (4, 2), (5, 2)],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "both lines refuse",
            begin: || {
                let mut desk = Desk::new();
                desk.dial_over(NUMBER, vec![way("A"), way("B")]);
                desk.logged();
                desk.joined(vec![]);
                desk.opened();
                desk.published();
                desk.place_failed(PlaceFailure::Sip { code: 503 });
                desk.logged();
                desk
            },
            facts: vec![
                server(LegFact::PlaceFailed {
                    leg: second(),
                    failure: refused(403),
                }),
                talk(leaves(&second(), UserRejected)),
                place_failed(refused(503)),
                talk(left(ClientInitiated)),
                talk(leg(Dialing)),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "somebody is asked first, and answers",
            begin: || {
                let mut desk = Desk::talking();
                desk.add_person(true);
                desk
            },
            facts: vec![
                talk(RoomFact::AudienceSet),
                parted(true),
                talk(RoomFact::Present(is(&third(), Active))),
                server(LegFact::PersonAnswered { leg: third() }),
                parted(true),
            ],
            // called once both hold; parted once more when the answer is known
            after: &[(2, 0), (2, 1), (3, 0), (3, 1), (4, 2), (4, 3)],
            // counted
            once: &[0, 1, 4],
            state: CallState::Live,
        },
        History {
            name: "somebody who is added refuses",
            begin: || {
                let mut desk = Desk::live();
                desk.add_person(false);
                desk
            },
            facts: vec![
                server(LegFact::PersonFailed {
                    leg: third(),
                    failure: refused(486),
                }),
                talk(leaves(&third(), UserRejected)),
                talk(RoomFact::Present(is(&third(), Ringing))),
                talk(RoomFact::Present(is(&third(), Dialing))),
                server(LegFact::LookFailed),
            ],
            after: &[],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "somebody is dropped",
            begin: || {
                let mut desk = Desk::several(false);
                desk.drop_person(third());
                desk
            },
            facts: vec![
                server(LegFact::Removed { found: true }),
                talk(leaves(&third(), ParticipantRemoved)),
                talk(RoomFact::Present(is(&third(), Hangup))),
                server(LegFact::PersonAnswered { leg: third() }),
                talk(RoomFact::Present(is(&third(), Active))),
                talk(leg(Active)),
            ],
            after: &[],
            once: &[],
            state: CallState::Live,
        },
        History {
            name: "three, and all is hung up",
            begin: || {
                let mut desk = Desk::several(false);
                desk.hang_up();
                desk
            },
            facts: vec![
                server(LegFact::RoomDeleted { found: true }),
                talk(left(LeaveReason::RoomDeleted)),
                talk(leaves(&third(), LeaveReason::RoomDeleted)),
                talk(closed(LeaveReason::RoomDeleted)),
                server(LegFact::PersonAnswered { leg: third() }),
                talk(RoomFact::Present(is(&third(), Active))),
            ],
            after: &[],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "two are left to each other",
            begin: left_to_each_other,
            facts: vec![
                watch(joined(both())),
                talk(closed(ClientInitiated)),
                talk(leg(Active)),
                watch(leg(Active)),
                watch(RoomFact::Present(is(&third(), Active))),
                server(LegFact::PersonAnswered { leg: third() }),
            ],
            after: &[(3, 0), (4, 0)],
            once: &[],
            state: CallState::HandedOver,
        },
        History {
            name: "two are left to each other, and one hangs up",
            begin: || {
                let mut desk = left_to_each_other();
                desk.watch(joined(both()));
                desk
            },
            facts: vec![
                watch(RoomFact::Present(is(&third(), Hangup))),
                watch(leaves(&third(), ClientInitiated)),
                talk(closed(ClientInitiated)),
                server(LegFact::RoomDeleted { found: true }),
                watch(closed(LeaveReason::RoomDeleted)),
                server(LegFact::PersonAnswered { leg: third() }),
            ],
            // nobody deletes the room before one is seen to go
            after: &[(3, 0), (3, 1), (4, 0), (4, 1)],
            once: &[],
            state: CallState::Ended,
        },
        History {
            name: "who waits beside another call hangs up",
            begin: two,
            facts: vec![
                talk(leg(Hangup)),
                talk(left(ClientInitiated)),
                other(LegFact::Answered { leg: leg_of("c2") }),
                server(LegFact::RoomDeleted { found: true }),
                talk(closed(ClientInitiated)),
                Input::Intent(Intent::SetMuted {
                    call: id("c2"),
                    muted: true,
                }),
            ],
            after: &[(3, 0), (3, 1), (4, 0), (4, 1)],
            once: &[],
            state: CallState::Ended,
        },
    ]
}
