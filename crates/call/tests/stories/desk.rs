//! Several calls on one desk, closing the program, and what an earlier run left behind.

use call::input::{LegFact, LineStatus, PlaceFailure, RoomFact};
use call::state::{CallState, Direction, LeaveReason, LegStatus};
use call::{Input, Role};

use crate::support::{Desk, ready};

#[test]
fn a_second_caller_while_we_talk_is_a_beep_and_rings_when_we_are_done() {
    let mut d = Desk::live();
    d.hold("c2");
    assert_eq!(
        d.offer(),
        [
            "start [c2]",
            "join watch 1 [c2]",
            "notify incoming [c2]",
            "beep",
            "show overlay"
        ]
    );
    d.hold("c1");
    let said = d.status(Role::Talk, LegStatus::Hangup);
    assert!(said.contains(&"ring true".to_owned()), "{said:?}");
}

#[test]
fn dialling_while_a_caller_waits_stops_the_ring_and_keeps_the_caller() {
    let mut d = Desk::offered();
    d.hold("c2");
    assert_eq!(d.dial(), ["start [c2]", "open", "ring false", "beep"]);
    d.hold("c1");
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn three_callers_ring_as_one_and_each_goes_its_own_way() {
    let mut d = Desk::offered();
    for call in ["c2", "c3"] {
        d.hold(call);
        d.offer();
        d.watch_joined();
    }
    assert_eq!(d.said("ring true"), 1);
    assert_eq!(d.said("show overlay"), 1);
    assert_eq!(d.silence(), [""; 0], "two others still ring");
    d.hold("c1");
    let said = d.answer();
    assert!(said.contains(&"ring false".to_owned()), "{said:?}");
    assert!(!said.contains(&"hide overlay".to_owned()), "{said:?}");
    d.hold("c2");
    d.status(Role::Watch, LegStatus::Hangup);
    assert_eq!(d.end().code(), "missed");
    d.hold("c3");
    let said = d.status(Role::Watch, LegStatus::Active);
    assert!(said.contains(&"hide overlay".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "answered_elsewhere");
    d.hold("c1");
    d.claim_won();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn a_flood_of_callers_is_bounded() {
    let mut d = Desk::new();
    for n in 0..500 {
        d.hold(&format!("f{n}"));
        d.offer();
    }
    assert_eq!(d.phone.view().calls.len(), 16);
    d.wait_s(200);
    assert_eq!(
        d.phone.view().calls.len(),
        3,
        "the last three stay on the screen"
    );
}

#[test]
fn ended_calls_are_dismissed_one_by_one_and_open_ones_are_not() {
    let mut d = Desk::new();
    d.dial();
    d.hang_up();
    d.hold("c2");
    d.offer();
    assert_eq!(d.dismiss(), [""; 0]);
    assert_eq!(d.phone.view().calls.len(), 2);
    d.hold("c1");
    d.dismiss();
    assert_eq!(d.phone.view().calls.len(), 1);
}

#[test]
fn a_dismissed_call_whose_leg_is_loose_is_still_dropped() {
    let mut d = Desk::live();
    d.closed(Role::Talk, LeaveReason::DuplicateIdentity);
    d.drop_failed();
    d.drop_failed();
    assert_eq!(d.state(), CallState::Ended);
    d.dismiss();
    assert_eq!(d.phone.view().calls.len(), 0);
    assert_eq!(d.wait_s(3), ["close", "remove leg"]);
    d.removed(true);
    assert_eq!(d.room_deleted(), ["leg gone"]);
}

#[test]
fn the_next_dial_clears_ended_calls_and_old_notices() {
    let mut d = Desk::joining();
    d.sound_failed();
    d.gone(Role::Talk);
    assert_eq!(d.notice(), Some("no_sound"));
    d.hold("c2");
    d.dial();
    assert_eq!(d.notice(), None);
    assert_eq!(d.phone.view().calls.len(), 1);
}

#[test]
fn a_new_call_begins_while_the_old_one_is_taken_down() {
    let mut d = Desk::live();
    assert_eq!(d.hang_up(), ["end leg", "close"]);
    d.hold("c2");
    assert_eq!(d.dial(), ["start [c2]", "open"]);
    d.logged();
    d.hold("c1");
    assert_eq!(d.wait_s(1), ["remove leg"]);
    d.hold("c2");
    assert_eq!(d.state(), CallState::Joining);
}

#[test]
fn a_notice_is_dismissed_by_its_own_number_only() {
    let mut d = Desk::new();
    d.dial_number("abc");
    let id = d.phone.view().notice.unwrap().id;
    d.intent(call::input::Intent::DismissNotice { id: id + 1 });
    assert!(d.notice().is_some());
    d.intent(call::input::Intent::DismissNotice { id });
    assert!(d.notice().is_none());
}

#[test]
fn quitting_with_nothing_open_may_quit_at_once_and_once_only() {
    let mut d = Desk::new();
    assert_eq!(d.quit(), ["may quit"]);
    assert_eq!(d.quit(), [""; 0]);
}

#[test]
fn quitting_ends_what_we_placed_in_every_state() {
    let placed: [(&str, fn() -> Desk); 4] = [
        ("joining", Desk::joining),
        ("dialling", Desk::dialling),
        ("ringing", Desk::ringing),
        ("live", Desk::live),
    ];
    for (name, make) in placed {
        let mut d = make();
        let dropped = d.said("place") == 1;
        d.quit();
        d.wait_s(60);
        assert_eq!(d.said("may quit"), 1, "{name}");
        assert_eq!(d.state(), CallState::Ended, "{name}");
        assert_eq!(d.said("remove leg") > 0, dropped, "{name}");
        d.finish();
    }
}

#[test]
fn quitting_before_the_row_is_written_may_quit_at_once() {
    let mut d = Desk::new();
    d.dial();
    assert_eq!(d.quit(), ["finish cancelled", "close", "may quit"]);
}

#[test]
fn quitting_leaves_a_waiting_caller_to_the_other_desks() {
    let waiting: [(&str, fn() -> Desk); 3] = [
        ("offered", Desk::offered),
        ("claiming", Desk::claiming),
        ("answering", Desk::answering),
    ];
    for (name, make) in waiting {
        let mut d = make();
        d.quit();
        d.looked(Some(LegStatus::Ringing), 0);
        d.wait_s(60);
        assert_eq!(d.said("may quit"), 1, "{name}");
        let ended = d.said("remove leg") + d.said("delete room") + d.said("end leg");
        assert_eq!(ended, 0, "{name}: nobody is hung up on");
    }
}

#[test]
fn quitting_while_the_microphone_is_being_announced_ends_the_call() {
    let mut d = Desk::answering();
    d.opened();
    assert_eq!(d.quit(), ["end leg", "close"]);
    d.wait_s(60);
    assert_eq!(d.said("may quit"), 1);
}

#[test]
fn quitting_while_a_call_is_taken_down_waits_for_it() {
    let mut d = Desk::live();
    d.hang_up();
    assert_eq!(d.quit(), [""; 0]);
    d.talk(RoomFact::EndLegAnswered { done: true });
    d.status(Role::Talk, LegStatus::Hangup);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up", "may quit"]);
}

#[test]
fn after_quitting_nothing_new_begins() {
    let mut d = Desk::new();
    d.quit();
    assert_eq!(d.offer(), [""; 0]);
    assert_eq!(d.dial(), ["refused already_in_call"]);
}

#[test]
fn an_outbound_orphan_is_closed_and_its_leg_dropped() {
    let mut d = Desk::new();
    assert_eq!(
        d.orphan(Direction::Outbound, false),
        ["finish orphan", "remove leg"]
    );
    assert_eq!(d.removed(true), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leg gone"]);
    assert_eq!(d.deadline, None);
}

#[test]
fn an_inbound_orphan_that_was_never_answered_is_only_asked_about_and_closed() {
    let mut d = Desk::new();
    assert_eq!(d.orphan(Direction::Inbound, false), ["look"]);
    assert_eq!(d.looked(None, 0), ["finish orphan", "leg gone"]);
    assert_eq!(d.deadline, None);
}

#[test]
fn an_orphan_told_twice_is_dropped_once() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    assert_eq!(d.orphan(Direction::Outbound, false), [""; 0]);
}

#[test]
fn an_orphan_that_is_no_longer_there_is_gone() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    assert_eq!(d.removed(false), ["delete room"]);
    let found = false;
    assert_eq!(d.server(LegFact::RoomDeleted { found }), ["leg gone"]);
}

#[test]
fn a_drop_that_fails_is_retried_with_growing_pauses() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    let mut last = 0;
    for _ in 0..25 {
        d.drop_failed();
        let pause = (d.deadline.unwrap() - d.now).as_secs();
        assert!(pause >= last && pause <= 60, "{pause} after {last}");
        last = pause;
        assert_eq!(d.wait_s(pause), ["remove leg"]);
    }
    assert_eq!(last, 60);
}

#[test]
fn a_drop_that_is_never_answered_is_retried() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    let said = d.wait_s(30);
    assert_eq!(said, ["remove leg"]);
}

#[test]
fn the_line_comes_back_and_loose_legs_are_dropped_at_once() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    d.drop_failed();
    d.tell(Input::Line(LineStatus::Unreachable {
        what: "LiveKit does not answer.".into(),
        next_try_unix_ms: 0,
    }));
    assert_eq!(d.tell(Input::Line(ready())), ["remove leg"]);
    d.tell(Input::Line(LineStatus::Connecting));
    assert_eq!(
        d.tell(Input::Line(ready())),
        [""; 0],
        "it is being asked already"
    );
}

#[test]
fn a_loose_leg_whose_dial_request_ends_is_dropped_at_once() {
    let mut d = Desk::dialling();
    d.hang_up();
    d.wait_s(10);
    assert_eq!(d.state(), CallState::Ended);
    d.drop_failed();
    assert_eq!(d.place_failed(PlaceFailure::Cancelled), ["remove leg"]);
    d.removed(false);
    assert_eq!(d.room_deleted(), ["leg gone"]);
}

#[test]
fn a_loose_leg_whose_dial_request_is_never_answered_is_let_go_in_the_end() {
    let mut d = Desk::dialling();
    d.hang_up();
    d.wait_s(10);
    for _ in 0..20 {
        if d.deadline.is_none() {
            break;
        }
        while d.wait_s(1).is_empty() {}
        d.removed(false);
        d.room_deleted();
    }
    assert_eq!(d.said("leg gone"), 1);
    assert_eq!(d.deadline, None);
}

#[test]
fn the_name_of_a_loose_leg_is_not_used_again() {
    let mut d = Desk::new();
    d.orphan(Direction::Outbound, false);
    assert_eq!(d.dial(), [""; 0]);
    assert_eq!(d.offer(), [""; 0]);
}

#[test]
fn news_of_calls_that_nobody_knows_is_dropped() {
    let mut d = Desk::new();
    assert_eq!(d.place_answered(), [""; 0]);
    assert_eq!(d.logged(), [""; 0]);
    assert_eq!(d.opened(), [""; 0]);
    assert_eq!(d.sound_failed(), [""; 0]);
    assert_eq!(d.answer(), [""; 0]);
    assert_eq!(d.hang_up(), [""; 0]);
    assert_eq!(d.withdrawn(), [""; 0]);
    assert_eq!(d.notice(), None);
}
