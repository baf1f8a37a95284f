//! Callers who wait: rung, watched, given up, declined.

use call::input::{JoinFailure, LegFact, Offer, RoomFact, WatchFact};
use call::output::LogCommand;
use call::state::{CallState, LeaveReason, LegStatus};
use call::view::DeclineEffect;
use call::{Input, Output, Role};
use std::time::Duration;

use crate::support::{CALLER, Desk, NUMBER, id, leg_of, looked, offer_of};

#[test]
fn a_caller_is_journalled_watched_rung_and_shown() {
    let mut d = Desk::new();
    assert_eq!(
        d.offer(),
        [
            "start",
            "join watch 1",
            "notify incoming",
            "ring true",
            "show overlay"
        ]
    );
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.view().number, CALLER);
    assert_eq!(d.view().number_shown, "(312) 555-0142");
    assert_eq!(d.view().name.as_deref(), Some("Ada"));
    assert_eq!(d.view().line.as_deref(), Some(NUMBER));
    assert_eq!(d.logged(), [""; 0]);
    assert_eq!(d.watch_joined(), [""; 0]);
    assert_eq!(d.wait_ms(700), ["look"]);
    assert_eq!(d.view().decline_effect, DeclineEffect::OnlyHere);
    d.looked(Some(LegStatus::Ringing), 0);
    assert_eq!(d.view().decline_effect, DeclineEffect::EndsForCaller);
    assert_eq!(d.wait_s(2), ["look"]);
    d.looked(Some(LegStatus::Ringing), 2);
    assert_eq!(d.view().decline_effect, DeclineEffect::OnlyHere);
}

#[test]
fn the_same_caller_offered_twice_rings_once() {
    let mut d = Desk::offered();
    assert_eq!(d.offer(), [""; 0]);
    let mut again = offer_of("c1");
    again.call = id("c2");
    assert_eq!(d.tell(Input::Watch(WatchFact::Offer(again))), [""; 0]);
    assert_eq!(d.phone.view().calls.len(), 1);
}

#[test]
fn another_caller_under_a_name_that_is_taken_is_dropped() {
    let mut d = Desk::offered();
    let mut other = offer_of("c2");
    other.call = id("c1");
    assert_eq!(d.tell(Input::Watch(WatchFact::Offer(other))), [""; 0]);
    assert_eq!(d.phone.view().calls.len(), 1);
}

#[test]
fn the_caller_gives_up() {
    let mut d = Desk::offered();
    assert_eq!(
        d.status(Role::Watch, LegStatus::Hangup),
        [
            "notify missed",
            "leave watch 1",
            "ring false",
            "hide overlay"
        ]
    );
    d.leg_left(Role::Watch, LeaveReason::ClientInitiated);
    assert_eq!(d.gone(Role::Watch), ["finish missed"]);
    assert!(d.finish().leg_gone);
    assert_eq!(d.said("delete room"), 0);
}

#[test]
fn the_caller_leaves_without_a_hangup() {
    let mut d = Desk::offered();
    d.leg_left(Role::Watch, LeaveReason::ClientInitiated);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn the_room_of_a_caller_is_deleted() {
    let mut d = Desk::offered();
    let said = d.closed(Role::Watch, LeaveReason::RoomDeleted);
    assert!(said.contains(&"finish missed".to_owned()), "{said:?}");
    assert!(said.contains(&"ring false".to_owned()), "{said:?}");
}

#[test]
fn a_caller_who_is_no_longer_listed_is_looked_for_and_was_missed() {
    let mut d = Desk::offered();
    d.leg_left(Role::Watch, LeaveReason::Unknown);
    assert_eq!(d.withdrawn(), ["look"]);
    d.looked(None, 0);
    assert_eq!(d.end().code(), "missed");
}

/// Redis emptied: every list is empty, the caller rings on.
#[test]
fn a_caller_whom_the_server_denies_is_asked_of_the_room_and_rings_on() {
    let mut d = Desk::offered();
    for attempt in 2..5 {
        d.withdrawn();
        d.looked(None, 0);
        d.looked(None, 0);
        assert_eq!(d.state(), CallState::Offered);
        let said = d.wait_ms(300);
        let rejoins = [
            format!("leave watch {}", attempt - 1),
            format!("join watch {attempt}"),
        ];
        assert_eq!(said, rejoins, "whoever enters is told who is there");
        d.watch_joined();
        assert_eq!(d.said("ring false"), 0);
        assert!(
            !d.wait_ms(9_999).contains(&"look".to_owned()),
            "it has been proven"
        );
        assert_eq!(d.wait_ms(1), ["look"]);
    }
    d.looked(Some(LegStatus::Ringing), 0);
    d.status(Role::Watch, LegStatus::Hangup);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn a_caller_whom_the_server_denies_and_the_room_too_was_missed() {
    let mut d = Desk::offered();
    d.withdrawn();
    d.looked(None, 0);
    d.wait_ms(300);
    d.watch(RoomFact::Joined { present: vec![] });
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn a_denied_caller_whose_room_cannot_be_entered_rings_on_for_ten_seconds() {
    let mut d = Desk::offered();
    d.withdrawn();
    d.looked(None, 0);
    d.wait_ms(300);
    for _ in 0..4 {
        d.join_failed(Role::Watch, JoinFailure::ServerBusy);
        d.wait_s(2);
        d.looked(None, 0);
        assert_eq!(d.state(), CallState::Offered, "a server in trouble");
    }
    d.join_failed(Role::Watch, JoinFailure::ServerBusy);
    d.looked(None, 0);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn a_denied_caller_whose_room_is_entered_late_rings_on() {
    let mut d = Desk::offered();
    d.withdrawn();
    d.looked(None, 0);
    d.wait_ms(300);
    d.join_failed(Role::Watch, JoinFailure::ServerBusy);
    d.wait_s(2);
    d.looked(None, 0);
    d.watch_joined();
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.said("ring false"), 0);
}

/// The leave is on its way while the server's list is empty already.
#[test]
fn a_caller_who_gives_up_while_the_server_is_asked_was_missed_at_once() {
    let mut d = Desk::offered();
    d.withdrawn();
    d.looked(None, 0);
    d.leg_left(Role::Watch, LeaveReason::ClientInitiated);
    assert_eq!(d.end().code(), "missed");
    assert_eq!(d.said("join watch 2"), 0);
}

#[test]
fn a_caller_who_is_no_longer_listed_was_answered_by_somebody() {
    let mut d = Desk::offered();
    d.withdrawn();
    d.looked(Some(LegStatus::Active), 1);
    assert_eq!(d.end().title(), "Answered by a colleague");
    assert_eq!(d.said("notify missed"), 0);
}

#[test]
fn a_caller_who_is_no_longer_listed_but_still_rings_goes_on_ringing() {
    let mut d = Desk::offered();
    d.withdrawn();
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), [""; 0]);
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn a_withdrawal_during_a_look_is_followed_by_another_look() {
    let mut d = Desk::offered();
    assert_eq!(d.wait_ms(700), ["look"]);
    assert_eq!(d.withdrawn(), [""; 0]);
    d.looked(Some(LegStatus::Ringing), 0);
    assert_eq!(d.withdrawn(), ["look"]);
}

#[test]
fn a_room_that_the_server_lost_sight_of_rings_again() {
    let mut d = Desk::offered();
    d.somebody_left(Role::Watch, leg_of("c1"), LeaveReason::Unknown, true);
    d.withdrawn();
    d.looked(None, 0);
    d.gone(Role::Watch);
    d.dismiss();
    d.hold("c2");
    let mut again = offer_of("c1");
    again.call = id("c2");
    d.tell(Input::Watch(WatchFact::Offer(again)));
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn a_caller_who_was_declined_does_not_ring_again() {
    let mut d = Desk::offered();
    d.decline();
    d.gone(Role::Watch);
    d.looked(Some(LegStatus::Ringing), 1);
    d.withdrawn();
    d.dismiss();
    let mut again = offer_of("c1");
    again.call = id("c2");
    assert_eq!(d.tell(Input::Watch(WatchFact::Offer(again))), [""; 0]);
}

#[test]
fn the_leg_leaves_for_no_reason_and_the_caller_still_waits() {
    for reason in [LeaveReason::Unknown, LeaveReason::ServerShutdown] {
        let mut d = Desk::offered();
        assert_eq!(d.leg_left(Role::Watch, reason), [""; 0]);
        assert_eq!(d.state(), CallState::Offered);
    }
}

#[test]
fn declined_as_the_only_desk_ends_it_for_the_caller() {
    let mut d = Desk::offered();
    assert_eq!(
        d.decline(),
        ["leave watch 1", "ring false", "hide overlay"],
        "out before asking: two desks that decline at once must not each leave the caller to the other"
    );
    assert_eq!(d.end().code(), "declined_here");
    assert_eq!(
        d.looked(Some(LegStatus::Ringing), 0),
        [""; 0],
        "an older look"
    );
    assert_eq!(d.gone(Role::Watch), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), ["remove leg"]);
    assert_eq!(d.removed(true), ["finish declined_here"]);
}

/// Other desks look once a second: who heard first and says no at once is not the last one.
#[test]
fn declined_before_the_others_could_ring_waits_for_them() {
    let mut d = Desk::offered();
    d.decline_at_once();
    assert_eq!(d.gone(Role::Watch), [""; 0]);
    assert_eq!(d.end().code(), "declined_here", "for us it is over");
    assert_eq!(d.wait_ms(1_500), ["look"]);
    assert_eq!(
        d.looked(Some(LegStatus::Ringing), 1),
        ["finish declined_here"]
    );
}

#[test]
fn declined_while_others_ring_removes_nothing() {
    let mut d = Desk::offered();
    d.decline();
    d.gone(Role::Watch);
    assert_eq!(
        d.looked(Some(LegStatus::Ringing), 1),
        ["finish declined_here"]
    );
    d.wait_s(60);
    assert_eq!(d.said("remove leg") + d.said("delete room"), 0);
}

#[test]
fn declined_in_the_moment_somebody_answers_removes_nothing() {
    let mut d = Desk::offered();
    d.decline();
    d.gone(Role::Watch);
    d.looked(Some(LegStatus::Active), 0);
    assert_eq!(d.said("remove leg"), 0);
    assert_eq!(d.finish().reason.code(), "declined_here");
}

#[test]
fn declined_and_the_end_of_our_watch_is_lost() {
    let mut d = Desk::offered();
    d.decline();
    assert_eq!(d.wait_s(2), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), ["remove leg"]);
}

#[test]
fn declined_and_the_server_does_not_say_who_else_rings() {
    for fact in [Some(LegFact::LookFailed), Some(looked(None, 0)), None] {
        let mut d = Desk::offered();
        d.decline();
        d.gone(Role::Watch);
        if let Some(fact) = fact {
            d.server(fact);
        }
        d.wait_s(5);
        assert_eq!(d.finish().reason.code(), "declined_here");
        assert_eq!(d.said("remove leg"), 0);
    }
}

#[test]
fn declined_and_the_caller_gives_up_meanwhile() {
    let mut d = Desk::offered();
    d.decline();
    d.leg_left(Role::Watch, LeaveReason::ClientInitiated);
    assert_eq!(d.gone(Role::Watch), ["finish declined_here"]);
}

#[test]
fn declined_and_the_removal_finds_nobody() {
    let mut d = Desk::offered();
    d.decline();
    d.gone(Role::Watch);
    d.looked(Some(LegStatus::Ringing), 0);
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish declined_here"]);
}

#[test]
fn silenced_here_the_caller_rings_on() {
    let mut d = Desk::offered();
    assert_eq!(d.silence(), ["ring false"]);
    assert_eq!(d.silence(), [""; 0]);
    assert!(d.view().silenced);
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.answer(), ["join talk 1", "open", "hide overlay"]);
}

#[test]
fn the_watch_cannot_join_and_tries_again() {
    let mut d = Desk::new();
    d.offer();
    assert_eq!(d.join_failed(Role::Watch, JoinFailure::ServerBusy), [""; 0]);
    assert_eq!(d.wait_s(2), ["look", "join watch 2"]);
    d.watch_joined();
    d.status(Role::Watch, LegStatus::Hangup);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn the_watch_is_closed_and_joins_again() {
    let mut d = Desk::offered();
    assert_eq!(d.closed(Role::Watch, LeaveReason::Unknown), [""; 0]);
    let said = d.wait_s(2);
    assert!(said.contains(&"join watch 2".to_owned()), "{said:?}");
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn without_a_watch_the_looks_see_the_caller_go() {
    let mut d = Desk::new();
    d.offer();
    d.join_failed(Role::Watch, JoinFailure::Refused);
    d.wait_ms(700);
    d.looked(None, 0);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn nobody_says_anything_and_the_offer_runs_out() {
    let mut d = Desk::offered();
    d.wait_s(184);
    assert_eq!(d.state(), CallState::Offered);
    d.wait_s(1);
    assert_eq!(d.end().code(), "missed");
    d.wait_s(2);
    assert_eq!(d.state(), CallState::Ended);
}

#[test]
fn the_computer_slept_through_the_offer() {
    let mut d = Desk::offered();
    d.sleep(Duration::from_secs(3_600));
    let said = d.tell(Input::Tick);
    assert!(said.contains(&"ring false".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn answered_after_a_sleep_the_room_decides() {
    let mut d = Desk::offered();
    d.sleep(Duration::from_secs(3_600));
    let said = d.answer();
    assert!(said.contains(&"join talk 1".to_owned()), "{said:?}");
    d.joined(vec![]);
    assert_eq!(d.end().code(), "missed", "the leg is not there any more");
}

#[test]
fn a_hostile_caller_is_made_safe_before_anybody_sees_him() {
    let mut d = Desk::new();
    let huge = "+1".repeat(100_000);
    let offer = Offer {
        from: huge.clone(),
        name: Some(format!("\u{202e}evil\u{0}\n{huge}")),
        to: huge,
        ..offer_of("c1")
    };
    d.tell(Input::Watch(WatchFact::Offer(offer)));
    let view = d.view();
    for shown in [
        view.number.as_str(),
        &view.number_shown,
        view.name.as_deref().unwrap(),
        view.line.as_deref().unwrap(),
    ] {
        assert!(shown.chars().count() <= 80);
        assert!(!shown.contains(['\u{202e}', '\u{0}', '\n']));
    }
    let Some(Output::Log(LogCommand::Start(start))) = d.outputs.first() else {
        panic!("the row comes first");
    };
    assert!(start.number.chars().count() <= 80);
}

#[test]
fn a_withheld_number_and_a_word_instead_of_one() {
    for (from, number, shown) in [
        ("", "", ""),
        ("anonymous", "anonymous", "anonymous"),
        ("1234", "1234", "1234"),
        ("+999", "+999", "+999"),
        ("+", "+", "+"),
    ] {
        let mut d = Desk::new();
        let from = from.to_owned();
        let offer = Offer {
            from,
            name: None,
            ..offer_of("c1")
        };
        d.tell(Input::Watch(WatchFact::Offer(offer)));
        assert_eq!(
            (d.view().number.as_str(), d.view().number_shown.as_str()),
            (number, shown)
        );
    }
}
