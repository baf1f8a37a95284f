//! Calls that are up: how they go on, and how they end.

use call::input::{LegFact, PlaceFailure, RoomFact};
use call::output::LogCommand;
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Output, Role};

use crate::support::{Desk, START_MS, leg_of};

#[test]
fn the_far_end_hangs_up_and_leaves() {
    let mut d = Desk::live();
    assert_eq!(
        d.status(Role::Talk, LegStatus::Hangup),
        ["end tone", "leave talk 1"]
    );
    assert_eq!(d.end().code(), "far_end_hung_up");
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.gone(Role::Talk), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish far_end_hung_up"]);
    assert_eq!(d.said("remove leg"), 0);
    assert_eq!(d.wait_s(1), ["close"], "once the tone has been heard");
}

#[test]
fn the_far_end_hangs_up_and_its_leave_is_lost() {
    let mut d = Desk::live();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.wait_ms(299), [""; 0], "it is about to go by itself");
    assert_eq!(d.wait_ms(1), ["remove leg"], "and we leave after it");
    d.removed(true);
    d.leg_left(Role::Talk, LeaveReason::ParticipantRemoved);
    assert_eq!(d.gone(Role::Talk), ["delete room"]);
    d.room_deleted();
    assert_eq!(d.state(), CallState::Ended);
    assert_eq!(d.finish().reason.code(), "far_end_hung_up");
    assert!(d.finish().leg_gone);
}

#[test]
fn a_server_that_fails_between_our_leave_and_the_deletion_holds_up_nothing() {
    // It neither puts the leg out nor deletes the room.
    let mut d = Desk::live();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.wait_ms(300), ["remove leg"]);
    assert_eq!(d.drop_failed(), [""; 0], "our connection is still there");
    assert_eq!(d.gone(Role::Talk), ["delete room"]);
    assert_eq!(d.drop_failed(), ["finish far_end_hung_up"]);
    // It closed our connection by itself, and says nothing more.
    let mut d = Desk::live();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.closed(Role::Talk, LeaveReason::Unknown), ["delete room"]);
    assert_eq!(d.wait_s(2), ["close", "finish far_end_hung_up"]);
    assert_eq!((d.said("remove leg"), d.said("delete room")), (0, 1));
    // Nothing at all comes back: the room is asked for in the end.
    let mut d = Desk::live();
    d.status(Role::Talk, LegStatus::Hangup);
    let said = d.wait_s(2);
    assert_eq!(
        said,
        [
            "remove leg",
            "close",
            "delete room",
            "finish far_end_hung_up"
        ]
    );
    assert!(d.finish().leg_gone, "it said so itself");
}

#[test]
fn the_far_end_leaves_and_its_hangup_is_lost() {
    let mut d = Desk::live();
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn the_bridge_died_and_its_leg_times_out() {
    let mut d = Desk::live();
    d.leg_left(Role::Talk, LeaveReason::ConnectionTimeout);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn a_ghost_is_found_by_asking_the_server() {
    let mut d = Desk::live();
    assert_eq!(d.media(2), [""; 0]);
    assert_eq!(d.media(3), ["look"]);
    assert_eq!(d.view().words, "Nothing is heard from the other side");
    assert!(d.view().reconnecting);
    for _ in 0..2 {
        assert_eq!(d.looked(None, 0), [""; 0], "one denial proves nothing");
        assert!(d.wait_s(4).contains(&"look".to_owned()));
    }
    // it may be up all the same, so it is ended like one that is
    assert_eq!(d.looked(None, 0), ["end tone", "end leg"]);
    assert_eq!(d.end().code(), "connection_lost");
    let finish = d.finish_later();
    assert!(d.said("remove leg") > 0 && d.said("delete room") > 0);
    assert!(!finish.leg_gone, "nobody confirmed it");
}

/// Redis emptied, and the phone's network is silent for some seconds: the call goes on.
#[test]
fn a_server_that_denies_the_leg_of_a_silent_call_ends_it_only_by_saying_so_three_times() {
    let mut d = Desk::live();
    for _ in 0..20 {
        d.media(3);
        d.looked(None, 0);
        d.wait_s(4);
        d.looked(None, 0);
        d.media(0);
    }
    assert_eq!(d.state(), CallState::Live);
    d.media(3);
    d.looked(None, 0);
    d.looked(Some(LegStatus::Active), 0);
    d.looked(None, 0);
    d.looked(None, 0);
    assert_eq!(d.state(), CallState::Live, "three in a row");
}

/// A server that was started anew lists the leg only once it is back, which is after our own connection is.
#[test]
fn a_denial_between_our_return_and_that_of_the_leg_ends_nothing() {
    let mut d = Desk::live();
    d.media(3);
    d.looked(None, 0);
    d.looked(None, 0);
    d.talk(RoomFact::Reconnecting);
    d.somebody_left(Role::Talk, leg_of("c1"), LeaveReason::Unknown, true);
    d.looked(None, 0);
    d.talk(RoomFact::Reconnected);
    for _ in 0..4 {
        d.wait_s(4);
        d.looked(None, 0);
    }
    assert_eq!(d.state(), CallState::Live);
    d.status(Role::Talk, LegStatus::Dialing);
    d.looked(None, 0);
    d.looked(None, 0);
    assert_eq!(d.state(), CallState::Live, "counted anew");
    d.media(0);
    assert_eq!(d.view().words, "In call");
}

#[test]
fn a_ghost_that_is_still_listed_as_hung_up_is_gone_too() {
    let mut d = Desk::live();
    d.media(3);
    d.looked(Some(LegStatus::Hangup), 0);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn nothing_is_heard_but_the_leg_is_up_and_the_sound_comes_back() {
    let mut d = Desk::live();
    d.media(3);
    assert_eq!(d.looked(Some(LegStatus::Active), 0), [""; 0]);
    assert_eq!(d.wait_s(4), ["look"]);
    d.server(LegFact::LookFailed);
    assert_eq!(d.wait_s(4), ["alive", "look"]);
    d.looked(Some(LegStatus::Active), 0);
    d.media(0);
    assert_eq!(d.view().words, "In call");
    assert!(!d.wait_s(20).contains(&"look".to_owned()));
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn a_look_that_is_never_answered_is_repeated() {
    let mut d = Desk::live();
    d.media(3);
    assert!(d.wait_s(4).contains(&"look".to_owned()));
    assert!(d.wait_s(4).contains(&"look".to_owned()));
}

#[test]
fn a_look_that_finds_nothing_ends_no_call_that_is_heard() {
    let mut d = Desk::live();
    d.media(3);
    d.media(0);
    d.looked(None, 0);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn everybody_leaves_while_the_connection_is_rebuilt_and_comes_back_as_dialing() {
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    assert_eq!(d.view().words, "Reconnecting");
    let said = d.somebody_left(Role::Talk, leg_of("c1"), LeaveReason::Unknown, true);
    assert_eq!(said, [""; 0]);
    d.wait_s(6);
    d.status(Role::Talk, LegStatus::Dialing);
    d.talk(RoomFact::Reconnected);
    assert_eq!(d.view().words, "In call");
    d.wait_s(120);
    assert_eq!(d.state(), CallState::Live);
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "far_end_hung_up", "forwards still counts");
}

#[test]
fn the_leg_leaves_before_we_know_that_the_server_died() {
    let mut d = Desk::live();
    assert_eq!(d.leg_left(Role::Talk, LeaveReason::Unknown), [""; 0]);
    assert!(d.view().reconnecting);
    d.talk(RoomFact::Reconnecting);
    d.wait_s(5);
    d.talk(RoomFact::Reconnected);
    d.wait_s(3);
    d.status(Role::Talk, LegStatus::Dialing);
    assert!(!d.view().reconnecting);
    d.wait_s(120);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_leg_left_for_no_reason_and_is_not_back_in_time() {
    let mut d = Desk::live();
    d.leg_left(Role::Talk, LeaveReason::Unknown);
    d.wait_ms(19_999);
    assert_eq!(d.state(), CallState::Live);
    let said = d.wait_ms(1);
    assert!(said.contains(&"end leg".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn the_leg_has_its_time_from_the_moment_we_are_back() {
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    d.somebody_left(Role::Talk, leg_of("c1"), LeaveReason::Unknown, true);
    d.wait_s(30);
    d.talk(RoomFact::Reconnected);
    d.wait_s(19);
    assert_eq!(d.state(), CallState::Live);
    d.wait_s(1);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn a_pair_of_leave_and_return_in_one_moment_is_nothing() {
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    d.talk(RoomFact::Reconnected);
    d.leg_left(Role::Talk, LeaveReason::Unknown);
    d.status(Role::Talk, LegStatus::Active);
    d.wait_s(60);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn back_again_after_a_short_break_the_mute_is_said_again() {
    let mut d = Desk::live();
    d.mute(true);
    d.talk(RoomFact::Reconnecting);
    assert_eq!(d.talk(RoomFact::Reconnected), ["muted true"]);
    assert!(d.view().muted);
}

#[test]
fn unmuted_during_the_break_stays_unmuted() {
    let mut d = Desk::live();
    d.mute(true);
    d.talk(RoomFact::Reconnecting);
    d.mute(false);
    assert_eq!(d.talk(RoomFact::Reconnected), [""; 0]);
}

#[test]
fn a_connection_that_does_not_come_back_ends_the_call() {
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    d.wait_s(44);
    assert_eq!(d.state(), CallState::Live);
    d.wait_s(1);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn answered_while_the_connection_was_being_rebuilt_has_the_same_deadline() {
    let mut d = Desk::ringing();
    d.talk(RoomFact::Reconnecting);
    d.place_answered();
    assert!(d.view().reconnecting);
    d.wait_s(45);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn the_server_never_returns_and_the_leg_is_dropped_when_it_does() {
    let mut d = Desk::live();
    assert_eq!(d.closed(Role::Talk, LeaveReason::Unknown), ["join talk 2"]);
    let said = d.wait_s(30);
    assert!(said.contains(&"remove leg".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "connection_lost");
    assert_eq!(d.drop_failed(), ["delete room"]);
    d.drop_failed();
    assert_eq!(d.gone(Role::Talk), ["finish connection_lost, leg loose"]);
    assert_eq!(d.wait_s(1), ["close"]);
    let mut tries = 0;
    for _ in 0..10 {
        while d.wait_s(1).is_empty() {}
        tries += 1;
        assert_eq!(d.said("remove leg"), 1 + tries);
        d.drop_failed();
    }
    while d.wait_s(1).is_empty() {}
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leg gone"]);
    assert_eq!(d.deadline, None);
}

#[test]
fn the_room_is_deleted_and_the_leg_with_it() {
    let mut d = Desk::live();
    let said = d.closed(Role::Talk, LeaveReason::RoomDeleted);
    assert_eq!(said, ["end tone", "delete room"]);
    assert_eq!(d.room_deleted(), ["finish ended_by_server"]);
    assert!(d.finish().leg_gone);
}

#[test]
fn the_connection_closes_while_the_bridge_is_asked_to_end_the_leg() {
    let mut d = Desk::live();
    d.hang_up();
    assert_eq!(d.closed(Role::Talk, LeaveReason::Unknown), ["remove leg"]);
    d.removed(true);
    assert_eq!(d.room_deleted(), ["finish hung_up"]);
}

#[test]
fn the_bridge_refuses_to_end_the_leg() {
    let mut d = Desk::live();
    d.hang_up();
    assert_eq!(
        d.talk(RoomFact::EndLegAnswered { done: false }),
        ["remove leg"]
    );
}

#[test]
fn a_leave_for_no_reason_is_no_proof_while_we_hang_up() {
    let mut d = Desk::live();
    d.hang_up();
    assert_eq!(d.leg_left(Role::Talk, LeaveReason::Unknown), [""; 0]);
    assert_eq!(d.wait_s(1), ["remove leg"]);
    assert_eq!(
        d.leg_left(Role::Talk, LeaveReason::ParticipantRemoved),
        ["leave talk 1", "delete room"]
    );
}

#[test]
fn we_hang_up_twice() {
    let mut d = Desk::live();
    d.hang_up();
    assert_eq!(d.hang_up(), [""; 0]);
}

#[test]
fn both_sides_hang_up_at_once() {
    let mut d = Desk::live();
    d.hang_up();
    d.status(Role::Talk, LegStatus::Hangup);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up"]);
}

#[test]
fn our_own_leave_that_is_never_confirmed_holds_up_nothing() {
    let mut d = Desk::live();
    d.status(Role::Talk, LegStatus::Hangup);
    d.room_deleted();
    assert_eq!(d.wait_s(2), ["close", "finish far_end_hung_up"]);
    assert_eq!(d.gone(Role::Talk), [""; 0]);
}

#[test]
fn a_late_refusal_of_the_dial_request_does_not_touch_a_call_that_is_up() {
    let mut d = Desk::ringing();
    d.status(Role::Talk, LegStatus::Active);
    d.place_failed(PlaceFailure::Cancelled);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(
        d.hang_up(),
        ["end leg", "close"],
        "the leg is still ours to end"
    );
}

#[test]
fn the_microphone_was_announced_although_we_were_told_otherwise() {
    let mut d = Desk::answering();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
    let detail = "timeout".into();
    d.talk(RoomFact::PublishFailed { detail });
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(d.notice(), Some("not_heard"));
}

#[test]
fn the_journal_hears_every_five_seconds_that_the_call_is_up() {
    let mut d = Desk::live();
    assert_eq!(d.wait_s(17), ["alive", "alive", "alive"]);
    let beats: Vec<i64> = d
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Log(LogCommand::Alive { at_unix_ms, .. }) => Some(*at_unix_ms - START_MS),
            _ => None,
        })
        .collect();
    assert_eq!(beats, [5_000, 10_000, 15_000]);
}

#[test]
fn the_devices_fail_and_the_call_goes_on() {
    let mut d = Desk::live();
    assert_eq!(d.sound_failed(), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(d.notice(), Some("no_sound"));
    d.opened();
    assert_eq!(d.notice(), None);
}

#[test]
fn keys_that_did_not_go_out_are_taken_back_and_said() {
    let mut d = Desk::live();
    d.keys("12");
    d.keys("w3");
    d.talk(RoomFact::KeysFailed {
        keys: "12".into(),
        detail: "refused".into(),
    });
    assert_eq!(d.view().keys_sent, "w3");
    let notice = d.phone.view().notice.unwrap();
    assert_eq!(notice.code, "keys_not_sent");
    assert_eq!(notice.text, "The keys 12 were not sent. Press them again.");
    // Keys that nobody sent are no news of this call.
    d.talk(RoomFact::KeysFailed {
        keys: "9".into(),
        detail: "refused".into(),
    });
    assert_eq!(d.view().keys_sent, "w3");
}

#[test]
fn keys_of_the_far_end_are_shown_and_bounded() {
    let mut d = Desk::live();
    for key in ['1', '#', 'x', '\u{0}'] {
        d.talk(RoomFact::KeyReceived { key });
    }
    assert_eq!(d.view().keys_received, "1#");
    for _ in 0..10_000 {
        d.talk(RoomFact::KeyReceived { key: '5' });
        d.keys("12345678");
    }
    assert!(d.view().keys_received.len() <= 128);
    assert!(d.view().keys_sent.len() <= 128);
}

#[test]
fn what_was_heard_ends_up_in_the_row() {
    let mut d = Desk::live();
    d.wait_s(3);
    d.media(0);
    d.status(Role::Talk, LegStatus::Hangup);
    d.room_deleted();
    d.gone(Role::Talk);
    let finish = d.finish();
    assert!((finish.heard_seconds - 1.5).abs() < f64::EPSILON);
    assert_eq!(finish.heard_dbfs, Some(-20.0));
    assert_eq!(
        finish.ended_unix_ms - finish.answered_unix_ms.unwrap(),
        3_000
    );
}

#[test]
fn the_row_ends_when_the_person_hung_up_not_when_the_ladder_was_done() {
    let mut d = Desk::live();
    d.wait_s(10);
    d.hang_up();
    d.wait_s(30);
    assert_eq!(d.finish().ended_unix_ms, START_MS + 10_000);
}

#[test]
fn a_clock_that_is_set_during_the_call_changes_no_duration() {
    for shift in [-86_400_000, -7_200_000, 7_200_000] {
        let mut d = Desk::live();
        d.wait_s(7);
        d.wall_shift_ms = shift;
        d.wait_s(5);
        d.status(Role::Talk, LegStatus::Hangup);
        d.wait_s(3);
        let finish = d.finish();
        let answered = finish.answered_unix_ms.unwrap();
        assert_eq!(finish.ended_unix_ms - answered, 12_000, "{shift}");
    }
}

#[test]
fn news_of_an_older_connection_is_dropped() {
    let mut d = Desk::live();
    let mut old = d.link(Role::Talk);
    old.attempt += 1;
    let reason = LeaveReason::RoomDeleted;
    assert_eq!(d.at(old, RoomFact::Closed { reason }), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
}
