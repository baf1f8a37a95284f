//! Hold, a second call, swapping: who hears whom when a desk has several calls.

use call::input::{JoinFailure, OtherCall, RoomFact};
use call::settings::DeskSettings;
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Input, Role};

use crate::support::{Desk, colleague, phone_leg};

/// `c1` is held and `c2` is talked on.
fn two_calls() -> Desk {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    d.logged();
    d.watch_joined();
    d.answer();
    d.claim_won();
    d.published();
    d.status(Role::Talk, LegStatus::Active);
    d.gone(Role::Watch);
    assert_eq!(d.state(), CallState::Live);
    d
}

fn is_held(d: &mut Desk, call: &str) -> bool {
    d.hold(call).view().held
}

#[test]
fn a_call_is_held_and_taken_back() {
    let mut d = Desk::live();
    assert_eq!(d.set_held(true), ["held true"]);
    assert_eq!(d.view().words, "On hold");
    assert!(d.view().held);
    assert_eq!(d.set_held(true), [""; 0]);
    assert_eq!(d.set_held(false), ["held false"]);
    assert_eq!(d.view().words, "In call");
    assert_eq!(d.said("close"), 0, "the devices stay open");
}

#[test]
fn mute_and_hold_are_kept_apart() {
    let mut d = Desk::live();
    d.mute(true);
    assert_eq!(d.set_held(true), ["held true"]);
    assert_eq!(d.mute(false), ["muted false", "alive"]);
    assert_eq!(d.mute(true), ["muted true", "alive"]);
    assert_eq!(d.set_held(false), ["held false"]);
    assert!(d.view().muted);
    assert_eq!(d.view().words, "Your microphone is off");
}

#[test]
fn there_is_nobody_to_hold_before_the_answer() {
    let before: [(&str, fn() -> Desk); 6] = [
        ("joining", Desk::joining),
        ("dialling", Desk::dialling),
        ("ringing", Desk::ringing),
        ("offered", Desk::offered),
        ("claiming", Desk::claiming),
        ("answering", Desk::answering),
    ];
    for (name, make) in before {
        let mut d = make();
        assert_eq!(d.set_held(true), [""; 0], "{name}");
        assert!(!d.view().held, "{name}");
    }
}

#[test]
fn hold_survives_a_break_of_the_connection() {
    let mut d = Desk::live();
    d.set_held(true);
    d.talk(RoomFact::Reconnecting);
    assert_eq!(d.view().words, "Reconnecting");
    assert_eq!(d.talk(RoomFact::Reconnected), ["held true"]);
    assert_eq!(d.view().words, "On hold");
}

#[test]
fn a_hold_during_a_break_is_remembered() {
    let mut d = Desk::live();
    d.mute(true);
    d.talk(RoomFact::Reconnecting);
    d.set_held(true);
    assert_eq!(d.talk(RoomFact::Reconnected), ["muted true", "held true"]);
}

#[test]
fn held_before_our_microphone_is_known_to_be_announced_it_is_said_at_once_and_then() {
    let mut d = Desk::answering();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.set_held(true), ["held true"], "heard already");
    assert!(d.view().held);
    assert_eq!(d.published(), ["held true"]);
}

#[test]
fn a_held_far_end_hangs_up() {
    let mut d = Desk::live();
    d.set_held(true);
    assert_eq!(
        d.status(Role::Talk, LegStatus::Hangup),
        ["end tone", "leave talk 1"]
    );
    assert_eq!(d.end().code(), "far_end_hung_up");
    assert!(!d.view().held);
}

#[test]
fn silence_of_a_held_far_end_is_no_trouble_unless_it_is_gone() {
    let mut d = Desk::live();
    d.set_held(true);
    assert_eq!(d.media(3), ["look"]);
    assert_eq!(d.view().words, "On hold");
    assert!(!d.view().reconnecting);
    d.looked(Some(LegStatus::Active), 0);
    assert_eq!(d.state(), CallState::Live);
    for _ in 0..3 {
        d.wait_s(4);
        d.looked(None, 0);
    }
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn a_held_call_is_hung_up_like_any_other() {
    let mut d = Desk::live();
    d.set_held(true);
    assert_eq!(d.hang_up(), ["end leg", "close"]);
}

#[test]
fn a_second_caller_is_answered_and_the_first_waits() {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    assert_eq!(
        d.answer(),
        ["held true", "join talk 1 [c2]", "hide overlay"]
    );
    d.claim_won();
    d.published();
    assert!(
        d.status(Role::Talk, LegStatus::Active)
            .contains(&"log answered [c2]".to_owned())
    );
    assert!(is_held(&mut d, "c1"));
    assert!(!is_held(&mut d, "c2"));
    assert_eq!(d.said("open"), 1, "the devices were open already");
    assert_eq!(d.notice(), None);
}

#[test]
fn a_second_caller_is_answered_and_the_first_is_ended() {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    assert_eq!(
        d.answer_and(OtherCall::End),
        ["end leg", "join talk 1 [c2]", "hide overlay"],
        "the ladder of the first does not hold up the second"
    );
    d.hold("c1");
    assert_eq!(d.end().code(), "hung_up");
    assert_eq!(d.wait_s(1), ["remove leg"]);
}

#[test]
fn ending_the_other_call_spares_those_on_hold() {
    let mut d = two_calls();
    d.hold("c3");
    d.offer();
    d.answer_and(OtherCall::End);
    assert_eq!(d.hold("c2").end().code(), "hung_up");
    assert!(is_held(&mut d, "c1"));
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn taking_one_back_holds_the_other() {
    let mut d = two_calls();
    d.hold("c1");
    assert_eq!(d.set_held(false), ["held true [c2]", "held false"]);
    assert!(is_held(&mut d, "c2"));
    assert_eq!(d.set_held(false), ["held true", "held false [c2]"]);
    assert!(is_held(&mut d, "c1"));
}

#[test]
fn the_end_of_one_call_takes_nobody_back() {
    let mut d = two_calls();
    d.hang_up();
    d.status(Role::Talk, LegStatus::Hangup);
    d.room_deleted();
    d.gone(Role::Talk);
    assert_eq!(d.state(), CallState::Ended);
    d.wait_s(30);
    assert!(
        is_held(&mut d, "c1"),
        "people forget that they can be heard"
    );
    assert_eq!(d.said("close"), 0);
    assert_eq!(d.set_held(false), ["held false"]);
}

#[test]
fn the_claim_of_a_second_caller_is_lost_and_the_first_stays_on_hold() {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    d.watch_joined();
    d.answer();
    d.joined(vec![
        colleague("Maria", true),
        phone_leg("c2", Some(LegStatus::Ringing)),
    ]);
    assert_eq!(d.view().words, "Maria is answering");
    assert_eq!(d.notice(), Some("still_held"));
    assert!(is_held(&mut d, "c1"));
}

#[test]
fn a_second_call_that_cannot_be_answered_says_that_the_first_still_waits() {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    d.watch_joined();
    d.answer();
    d.join_failed(Role::Talk, JoinFailure::ServerBusy);
    assert_eq!(d.notice(), Some("answer_failed"));
    assert!(
        d.notice_text()
            .ends_with("Your other call is still on hold."),
        "{}",
        d.notice_text()
    );
    assert!(is_held(&mut d, "c1"));
    d.wait_s(1);
    d.hold("c2");
    assert_eq!(d.answer(), ["join talk 2 [c2]", "hide overlay"]);
}

#[test]
fn dialling_while_we_talk_holds_the_call_that_is_up() {
    let mut d = Desk::live();
    d.hold("c2");
    assert_eq!(d.dial(), ["held true", "start [c2]"]);
    d.logged();
    d.joined(vec![]);
    d.published();
    d.status(Role::Talk, LegStatus::Ringing);
    assert_eq!(d.state(), CallState::RemoteRinging);
    d.place_failed(call::input::PlaceFailure::Sip { code: 486 });
    d.leg_left(Role::Talk, LeaveReason::UserRejected);
    assert_eq!(d.end().code(), "busy");
    assert_eq!(d.notice(), Some("still_held"));
    assert!(is_held(&mut d, "c1"));
}

#[test]
fn cancelling_the_second_call_ourselves_needs_no_notice() {
    let mut d = Desk::live();
    d.hold("c2");
    d.dial();
    d.logged();
    d.hang_up();
    assert_eq!(d.notice(), None);
    assert!(is_held(&mut d, "c1"));
}

#[test]
fn a_bad_number_holds_nobody() {
    let mut d = Desk::live();
    d.hold("c2");
    assert_eq!(d.dial_number("555-CALL"), ["refused bad_number [c2]"]);
    assert!(!is_held(&mut d, "c1"));
}

#[test]
fn one_call_at_a_time_is_set_up() {
    let mut d = Desk::ringing();
    d.hold("c2");
    assert_eq!(d.dial(), ["refused already_in_call [c2]"]);
    assert!(d.notice_text().contains("being dialled"));
    d.offer();
    assert_eq!(d.answer(), [""; 0]);
    assert_eq!(d.answer_and(OtherCall::End), [""; 0]);
    assert!(d.notice_text().ends_with("The caller still rings."));
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.hold("c1").state(), CallState::RemoteRinging);
}

#[test]
fn nobody_is_taken_back_while_another_call_is_set_up() {
    let mut d = Desk::live();
    d.hold("c2");
    d.dial();
    d.hold("c1");
    assert_eq!(d.set_held(false), [""; 0]);
    assert_eq!(d.notice(), Some("already_in_call"));
    assert!(d.view().held);
}

#[test]
fn a_fifth_call_is_refused_in_one_sentence() {
    let mut d = two_calls();
    for call in ["c3", "c4"] {
        d.hold(call);
        d.offer();
        d.logged();
        d.watch_joined();
        d.answer();
        d.claim_won();
        d.published();
        d.status(Role::Talk, LegStatus::Active);
    }
    d.hold("c5");
    assert_eq!(d.dial(), ["refused already_in_call [c5]"]);
    assert!(d.notice_text().contains("Four calls"));
    d.offer();
    assert_eq!(d.answer(), [""; 0]);
    assert!(!is_held(&mut d, "c4"), "nobody was held for it");
    d.hold("c5");
    let said = d.answer_and(OtherCall::End);
    assert!(said.contains(&"join talk 1 [c5]".to_owned()), "{said:?}");
}

#[test]
fn a_second_caller_beeps_softly_until_somebody_does_something() {
    let mut d = Desk::live();
    d.hold("c2");
    let said = d.offer();
    assert!(said.contains(&"beep".to_owned()), "{said:?}");
    d.logged();
    d.watch_joined();
    d.wait_s(9);
    assert_eq!(d.said("beep"), 3);
    assert_eq!(d.said("ring true"), 0);
    d.silence();
    d.wait_s(9);
    assert_eq!(d.said("beep"), 3);
}

#[test]
fn a_beep_ends_with_the_call_and_becomes_a_ring() {
    let mut d = Desk::live();
    d.hold("c2");
    d.offer();
    d.hold("c1");
    let said = d.hang_up();
    assert!(said.contains(&"ring true".to_owned()), "{said:?}");
    d.wait_s(20);
    assert_eq!(d.said("beep"), 1);
}

#[test]
fn without_call_waiting_a_second_caller_is_shown_and_makes_no_sound() {
    let mut d = Desk::live();
    d.tell(Input::Settings(DeskSettings {
        call_waiting: false,
        ..DeskSettings::default()
    }));
    d.hold("c2");
    let said = d.offer();
    assert!(said.contains(&"show overlay".to_owned()), "{said:?}");
    d.wait_s(20);
    assert_eq!(d.said("beep") + d.said("ring true"), 0);
}

#[test]
fn a_caller_while_the_only_call_is_held_beeps_too() {
    let mut d = Desk::live();
    d.set_held(true);
    d.hold("c2");
    let said = d.offer();
    assert!(said.contains(&"beep".to_owned()), "{said:?}");
}

#[test]
fn quitting_ends_held_calls_too() {
    let mut d = two_calls();
    d.quit();
    d.wait_s(60);
    assert_eq!(d.said("may quit"), 1);
    for call in ["c1", "c2"] {
        assert_eq!(d.hold(call).end().code(), "hung_up");
    }
}

#[test]
fn hold_survives_a_new_connection() {
    let mut d = Desk::live();
    d.set_held(true);
    assert_eq!(d.closed(Role::Talk, LeaveReason::Unknown), ["join talk 2"]);
    assert_eq!(
        d.joined(vec![phone_leg("c1", Some(LegStatus::Active))]),
        ["held true", "listen", "publish"],
        "before anything can be heard"
    );
    assert!(d.published().contains(&"held true".to_owned()));
    assert_eq!(d.view().words, "On hold");
}

#[test]
fn going_back_into_a_call_of_an_earlier_run_holds_the_one_that_is_up() {
    let mut d = Desk::live();
    d.hold("c2");
    d.orphan(call::state::Direction::Outbound, true);
    d.looked(Some(LegStatus::Active), 0);
    let call = crate::support::id("c2");
    let said = d.intent(call::input::Intent::Rejoin { call });
    assert_eq!(said, ["held true", "join talk 1 [c2]"]);
    assert!(is_held(&mut d, "c1"));
    assert!(!is_held(&mut d, "c2"));
}
