//! How people leave a call with several, and how we leave it.

use call::input::{Orphan, PlaceFailure, RoomFact};
use call::state::{CallState, Direction, LeaveReason, LegStatus, Participant};
use call::{Input, Role, RoomName};
use std::time::Duration;

use crate::people::{consulted, consulting, states, three};
use crate::support::{Desk, NUMBER, OTHER, START_MS, id, leg_of, person_of, phone_leg};

const LEFT: LeaveReason = LeaveReason::ClientInitiated;

fn person(n: u32) -> Participant {
    Participant {
        identity: person_of("c1", n),
        ..phone_leg("c1", Some(LegStatus::Active))
    }
}

fn both() -> Vec<Participant> {
    vec![phone_leg("c1", Some(LegStatus::Active)), person(1)]
}

/// We left, and the hidden watch sees the two who talk on.
fn handed_over() -> Desk {
    let mut d = three();
    d.hand_over();
    d.gone(Role::Talk);
    d.watch(RoomFact::Joined { present: both() });
    assert_eq!(d.state(), CallState::HandedOver);
    d
}

#[test]
fn hanging_up_while_somebody_is_being_called_drops_every_leg() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Ringing);
    assert_eq!(d.hang_up(), ["delete room", "close", "ringback false"]);
    d.room_deleted();
    d.gone(Role::Talk);
    assert_eq!(d.end().code(), "hung_up");
    assert!(d.finish().leg_gone);
}

#[test]
fn a_leg_that_may_still_come_is_dropped_until_it_cannot() {
    let mut d = consulting();
    assert_eq!(d.hang_up(), ["delete room", "close"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up, leg loose"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), [""; 0], "its dial request is open");
    assert_eq!(d.person_failed(1, PlaceFailure::Cancelled), ["remove leg"]);
    d.removed(false);
    assert_eq!(d.room_deleted(), ["leg gone"]);
    assert_eq!(d.deadline, None);
}

#[test]
fn somebody_answers_while_the_room_is_being_deleted() {
    let mut d = consulting();
    d.hang_up();
    assert_eq!(d.person_answered(1), ["delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up"]);
}

#[test]
fn somebody_answers_after_the_room_was_deleted() {
    let mut d = consulting();
    d.hang_up();
    d.room_deleted();
    d.person_answered(1);
    assert_eq!(d.gone(Role::Talk), ["finish hung_up, leg loose"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
}

#[test]
fn the_caller_gives_up_while_somebody_is_being_called() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Ringing);
    let said = d.status(Role::Talk, LegStatus::Hangup);
    assert!(said.contains(&"delete room".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "far_end_hung_up");
    d.room_deleted();
    d.gone(Role::Talk);
    assert!(d.finish().leg_gone);
}

#[test]
fn the_caller_leaves_and_the_others_talk_on() {
    let mut d = three();
    assert_eq!(d.status(Role::Talk, LegStatus::Hangup), [""; 0]);
    d.leg_left(Role::Talk, LEFT);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(states(&d), ["far_end_hung_up", "up"]);
    assert_eq!(d.notice(), Some("person_left"));
    assert_eq!(d.hang_up(), ["end leg", "close"]);
    d.talk(RoomFact::EndLegAnswered { done: true });
    d.person(Role::Talk, 1, LegStatus::Hangup);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up"]);
}

#[test]
fn the_caller_leaves_while_we_consult_and_we_go_on_with_the_other() {
    let mut d = consulted();
    let said = d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(said, ["everybody", "part false"]);
    d.audience(true);
    d.parted(false, true);
    assert_eq!(states(&d), ["far_end_hung_up", "up"]);
    assert_eq!(d.view().words, "In call");
    let said = d.person(Role::Talk, 1, LegStatus::Hangup);
    assert!(said.contains(&"end tone".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn the_one_we_consult_hangs_up_and_we_are_back_with_the_caller() {
    let mut d = consulted();
    let said = d.person(Role::Talk, 1, LegStatus::Hangup);
    assert_eq!(said, ["everybody", "part false"]);
    assert_eq!(
        d.notice_text(),
        "(312) 555-0188 left the call. You are back with the caller."
    );
    d.audience(true);
    d.parted(false, true);
    assert_eq!(d.view().words, "In call");
    assert!(d.view().can_transfer);
}

#[test]
fn the_last_one_to_leave_ends_the_call() {
    let mut d = three();
    d.somebody_left(Role::Talk, person_of("c1", 1), LEFT, false);
    assert_eq!(d.state(), CallState::Live);
    d.leg_left(Role::Talk, LEFT);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn somebody_who_left_for_no_reason_has_time_to_come_back() {
    let mut d = three();
    d.somebody_left(Role::Talk, person_of("c1", 1), LeaveReason::Unknown, false);
    d.wait_s(19);
    assert_eq!(states(&d), ["up", "up"]);
    let said = d.wait_s(1);
    assert!(said.contains(&"remove leg-c1-p1".to_owned()), "{said:?}");
    assert_eq!(states(&d), ["up", "connection_lost"]);
}

#[test]
fn the_caller_who_does_not_come_back_leaves_the_others() {
    let mut d = three();
    d.leg_left(Role::Talk, LeaveReason::Unknown);
    let said = d.wait_s(20);
    assert!(said.contains(&"remove leg".to_owned()), "{said:?}");
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(states(&d), ["connection_lost", "up"]);
}

#[test]
fn one_person_is_dropped() {
    let mut d = three();
    assert_eq!(d.drop_person(person_of("c1", 1)), ["remove leg-c1-p1"]);
    assert_eq!(d.drop_person(person_of("c1", 1)), [""; 0]);
    d.removed(true);
    let removed = LeaveReason::ParticipantRemoved;
    d.somebody_left(Role::Talk, person_of("c1", 1), removed, false);
    assert_eq!(states(&d), ["up", "hung_up"]);
    assert_eq!(d.notice(), None, "we did it ourselves");
}

#[test]
fn the_first_far_end_is_dropped_and_the_call_stays_with_the_other() {
    let mut d = three();
    assert_eq!(d.drop_person(leg_of("c1")), ["remove leg"]);
    d.removed(true);
    d.leg_left(Role::Talk, LeaveReason::ParticipantRemoved);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(states(&d), ["hung_up", "up"]);
    d.person(Role::Talk, 1, LegStatus::Hangup);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn dropping_the_only_one_ends_the_call() {
    let mut d = Desk::live();
    assert_eq!(d.drop_person(leg_of("c1")), ["end leg", "close"]);
}

#[test]
fn one_who_is_being_called_is_dropped_and_we_are_back() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Ringing);
    assert_eq!(d.drop_person(person_of("c1", 1)), ["remove leg-c1-p1"]);
    let removed = LeaveReason::ParticipantRemoved;
    let said = d.somebody_left(Role::Talk, person_of("c1", 1), removed, false);
    assert_eq!(said, ["everybody", "part false", "ringback false"]);
    assert_eq!(states(&d)[1], "cancelled");
}

#[test]
fn one_who_was_not_even_called_is_dropped() {
    let mut d = Desk::talking();
    d.add_person(true);
    let said = d.drop_person(person_of("c1", 1));
    assert_eq!(said, ["everybody", "part false"]);
    assert_eq!(states(&d), [""; 0]);
    d.audience(true);
    d.parted(true, true);
    d.audience(true);
    d.parted(false, true);
    assert_eq!(d.said("place leg-c1-p1"), 0);
}

#[test]
fn one_who_does_not_go_is_asked_again_and_then_it_is_said() {
    let mut d = three();
    d.drop_person(person_of("c1", 1));
    d.wait_s(12);
    assert_eq!(d.said("remove leg-c1-p1"), 4);
    assert_eq!(d.notice(), Some("not_dropped"));
    assert_eq!(states(&d), ["up", "up"]);
    assert_eq!(d.drop_person(person_of("c1", 1)), ["remove leg-c1-p1"]);
    d.removed(true);
    d.wait_s(3);
    assert_eq!(states(&d), ["up", "hung_up"], "its leave was lost");
}

#[test]
fn several_people_are_handed_over_and_a_watch_stays() {
    let mut d = three();
    assert_eq!(
        d.hand_over(),
        ["handed over", "join watch 2", "leave talk 1", "close"]
    );
    assert_eq!(d.state(), CallState::HandedOver);
    assert_eq!(d.view().words, "Handed over to (312) 555-0188");
    d.gone(Role::Talk);
    d.watch(RoomFact::Joined { present: both() });
    assert_eq!(d.wait_s(5), ["alive"]);
    assert_eq!(d.said("end leg") + d.said("remove leg"), 0);
    let said = d.person(Role::Watch, 1, LegStatus::Hangup);
    assert_eq!(said, ["delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Watch), ["finish transferred"]);
    let finish = d.finish();
    assert!(finish.leg_gone);
    assert_eq!(
        finish.facts.transferred_to.as_deref(),
        Some("(312) 555-0188")
    );
}

#[test]
fn the_first_far_end_hangs_up_on_the_other() {
    let mut d = handed_over();
    assert_eq!(d.status(Role::Watch, LegStatus::Hangup), ["delete room"]);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn a_new_call_is_made_while_the_others_talk_on() {
    let mut d = handed_over();
    d.hold("c2");
    assert_eq!(d.dial(), ["start [c2]", "open"]);
    assert_eq!(d.said("held true"), 0);
}

#[test]
fn after_a_private_talk_they_are_brought_together_before_we_leave() {
    let mut d = consulted();
    assert_eq!(d.hand_over(), ["everybody", "part false"]);
    assert_eq!(d.state(), CallState::Live);
    d.audience(true);
    let said = d.parted(false, true);
    assert_eq!(said[0], "handed over");
    assert_eq!(d.state(), CallState::HandedOver);
}

#[test]
fn they_cannot_be_brought_together_and_we_stay() {
    let mut d = consulted();
    d.hand_over();
    d.audience(true);
    d.parted(false, false);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(d.notice(), Some("not_handed_over"));
}

#[test]
fn the_one_to_hand_over_to_hangs_up_at_that_moment() {
    let mut d = consulted();
    d.hand_over();
    d.person(Role::Talk, 1, LegStatus::Hangup);
    d.audience(true);
    d.parted(false, true);
    assert_eq!(d.state(), CallState::Live, "the caller is not left alone");
}

#[test]
fn a_call_with_nobody_else_up_is_not_handed_over() {
    let mut d = Desk::live();
    assert_eq!(d.hand_over(), [""; 0]);
    assert_eq!(d.notice(), Some("not_handed_over"));
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Ringing);
    assert_eq!(d.hand_over(), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn hanging_up_a_call_that_was_handed_over_ends_it_for_all() {
    let mut d = handed_over();
    assert_eq!(d.hang_up(), ["delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Watch), ["finish hung_up"]);
}

#[test]
fn the_watch_is_lost_and_taken_up_again() {
    let mut d = handed_over();
    d.closed(Role::Watch, LeaveReason::Unknown);
    assert_eq!(d.wait_s(3), ["join watch 3"]);
    d.join_failed(Role::Watch, call::input::JoinFailure::Unreachable);
    assert!(d.wait_s(3).contains(&"join watch 4".to_owned()));
    d.watch(RoomFact::Joined {
        present: vec![phone_leg("c1", Some(LegStatus::Active))],
    });
    d.wait_s(19);
    assert_eq!(
        d.state(),
        CallState::HandedOver,
        "it may be on its way back"
    );
    d.wait_s(1);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn the_room_of_a_call_that_was_handed_over_is_deleted() {
    let mut d = handed_over();
    d.closed(Role::Watch, LeaveReason::RoomDeleted);
    d.room_deleted();
    assert_eq!(d.end().code(), "transferred");
    assert!(d.finish().leg_gone);
}

#[test]
fn closing_the_program_leaves_them_talking() {
    let mut d = handed_over();
    assert_eq!(d.quit(), ["leave watch 2", "may quit"]);
    d.gone(Role::Watch);
    assert!(d.wait_s(300).is_empty());
    let dropped = d.said("remove leg") + d.said("delete room") + d.said("finish transferred");
    assert_eq!(dropped, 0);
}

fn resumed() -> Desk {
    let mut d = Desk::new();
    let said = d.tell(Input::Orphan(Orphan {
        call: id("c1"),
        direction: Direction::Inbound,
        room: RoomName::outbound(&id("c1")),
        leg: leg_of("c1"),
        answered: true,
        age: Duration::from_secs(9),
        handed_over: true,
        number: NUMBER.into(),
        name: Some("Ada".into()),
        line: Some(OTHER.into()),
        started_unix_ms: START_MS - 3_600_000,
        answered_unix_ms: Some(START_MS - 3_500_000),
        muted: false,
    }));
    assert_eq!(said, ["join watch 1"]);
    d
}

#[test]
fn the_next_start_watches_over_them_again() {
    let mut d = resumed();
    assert_eq!(d.state(), CallState::HandedOver);
    assert_eq!(d.view().name.as_deref(), Some("Ada"));
    d.watch(RoomFact::Joined { present: both() });
    d.wait_s(120);
    assert_eq!(d.state(), CallState::HandedOver);
    assert_eq!(states(&d), ["up", "up"]);
    d.person(Role::Watch, 1, LegStatus::Hangup);
    d.room_deleted();
    d.gone(Role::Watch);
    let finish = d.finish();
    assert_eq!(finish.reason.code(), "transferred");
    assert_eq!(finish.ended_unix_ms, START_MS + 120_000);
    assert_eq!(finish.answered_unix_ms, Some(START_MS - 3_500_000));
}

#[test]
fn the_next_start_finds_one_alone_and_ends_it() {
    let mut d = resumed();
    d.watch(RoomFact::Joined {
        present: vec![person(1)],
    });
    d.wait_s(20);
    assert_eq!(d.end().code(), "transferred");
    assert!(d.said("delete room") > 0);
}

#[test]
fn the_next_start_cannot_reach_the_server_and_ends_nobody() {
    let mut d = resumed();
    for _ in 0..100 {
        d.join_failed(Role::Watch, call::input::JoinFailure::Unreachable);
        d.wait_s(3);
    }
    assert_eq!(d.state(), CallState::HandedOver);
    assert_eq!(d.said("delete room"), 0);
}

#[test]
fn the_next_start_sees_that_the_first_far_end_has_just_hung_up() {
    let mut d = resumed();
    let mut present = both();
    present[0].leg_status = Some(LegStatus::Hangup);
    present.push(person(2));
    d.watch(RoomFact::Joined { present });
    d.wait_s(60);
    assert_eq!(d.state(), CallState::HandedOver, "two others are there");
    d.person(Role::Watch, 1, LegStatus::Hangup);
    d.wait_s(30);
    assert_eq!(d.state(), CallState::Ended);
}

#[test]
fn going_back_into_a_call_with_several_finds_them_all() {
    let mut d = Desk::new();
    d.orphan(Direction::Inbound, true);
    d.looked(Some(LegStatus::Active), 0);
    d.intent(call::input::Intent::Rejoin { call: id("c1") });
    d.opened();
    d.joined(both());
    let said = d.published();
    assert!(said.contains(&"everybody".to_owned()), "{said:?}");
    assert!(said.contains(&"part false".to_owned()), "{said:?}");
    d.audience(true);
    d.parted(false, true);
    assert_eq!(states(&d), ["up", "up"]);
    assert_eq!(
        d.add_person(false),
        ["place leg-c1-p2"],
        "a name of its own"
    );
    assert_eq!(d.hang_up(), ["delete room", "close"]);
}

#[test]
fn one_who_is_dropped_was_dropped_even_if_their_hang_up_is_seen_first() {
    let mut d = three();
    assert_eq!(d.drop_person(person_of("c1", 1)), ["remove leg-c1-p1"]);
    d.person(Role::Talk, 1, LegStatus::Hangup);
    d.removed(true);
    assert_eq!(states(&d), ["up", "hung_up"]);
    assert_eq!(d.notice(), None);
}

#[test]
fn a_watch_whose_join_is_never_answered_is_joined_again() {
    let mut d = three();
    d.hand_over();
    d.gone(Role::Talk);
    assert!(!d.wait_s(14).contains(&"join watch 3".to_owned()));
    let said = d.wait_s(2);
    assert!(said.contains(&"leave watch 2".to_owned()), "{said:?}");
    assert!(said.contains(&"join watch 3".to_owned()), "{said:?}");
    d.watch(RoomFact::Joined { present: both() });
    assert!(!d.wait_s(60).contains(&"join watch 4".to_owned()));
    assert_eq!(d.state(), CallState::HandedOver);
}
