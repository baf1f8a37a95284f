//! Answering: who was in the room first, and everything that can go wrong before both sides talk.

use std::time::Duration;

use call::input::{JoinFailure, RoomFact};
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Identity, Role};

use crate::support::{Desk, colleague, leg_of, phone_leg};

fn maria() -> Identity {
    colleague("Maria", true).identity
}

/// A claim is lost to Maria, who was there before us.
fn lost_to_maria() -> Desk {
    let mut d = Desk::claiming();
    let leg = phone_leg("c1", Some(LegStatus::Ringing));
    d.joined(vec![leg, colleague("Maria", false)]);
    d
}

/// Maria is seen to claim from the hidden watch.
fn maria_claims(d: &mut Desk) -> Vec<String> {
    d.watch(RoomFact::Present(colleague("Maria", true)))
}

#[test]
fn the_answer_wins_and_only_then_the_microphone_is_announced() {
    let mut d = Desk::offered();
    assert_eq!(
        d.answer(),
        ["join talk 1", "open", "ring false", "hide overlay"]
    );
    assert_eq!(
        d.opened(),
        [""; 0],
        "nothing is announced before the claim is won"
    );
    assert_eq!(d.claim_won(), ["claim", "listen", "publish"]);
    assert_eq!(d.state(), CallState::Answering);
    d.published();
    assert_eq!(
        d.status(Role::Talk, LegStatus::Active),
        ["log answered", "leave watch 1"]
    );
    assert_eq!(d.state(), CallState::Live);
    d.gone(Role::Watch);
    assert_eq!(d.hang_up(), ["end leg", "close"]);
    assert_eq!(d.status(Role::Talk, LegStatus::Hangup), ["leave talk 1"]);
    assert_eq!(d.gone(Role::Talk), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish hung_up"]);
}

#[test]
fn active_may_come_before_published() {
    let mut d = Desk::answering();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(d.mute(true), ["muted true", "alive"], "heard already");
    assert_eq!(d.published(), ["muted true"]);
}

#[test]
fn who_mutes_while_it_rings_is_not_heard_from_the_first_moment_of_the_answer() {
    let mut d = Desk::offered();
    assert_eq!(d.mute(true), [""; 0]);
    d.answer();
    d.claim_won();
    assert_eq!(d.opened(), ["muted true", "publish"]);
    assert_eq!(d.published(), ["muted true"]);
}

#[test]
fn active_is_seen_by_the_watch_first() {
    let mut d = Desk::answering();
    d.opened();
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_caller_hangs_up_on_an_answered_call() {
    let mut d = Desk::talking();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

#[test]
fn the_claim_is_lost_and_the_colleague_answers() {
    let mut d = lost_to_maria();
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.view().words, "Maria is answering");
    assert_eq!(d.said("publish"), 0);
    assert_eq!(d.said("leave talk 1"), 1, "the loser leaves at once");
    d.gone(Role::Talk);
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.end().title(), "Answered by Maria");
    d.gone(Role::Watch);
    assert_eq!(d.state(), CallState::Ended);
    assert_eq!(d.said("notify missed") + d.said("remove leg"), 0);
}

#[test]
fn the_claim_is_lost_to_a_ghost_which_is_swept_at_the_next_claim() {
    let mut d = lost_to_maria();
    d.gone(Role::Talk);
    assert_eq!(d.said("ring true"), 1);
    let said = d.wait_s(3);
    assert!(said.contains(&"ring true".to_owned()), "{said:?}");
    let said = d.answer();
    assert!(said.contains(&"remove desk-Maria-1".to_owned()), "{said:?}");
    assert!(!said.contains(&"join talk 2".to_owned()), "{said:?}");
    assert_eq!(d.removed(true), ["join talk 2"]);
    d.claim_won();
    assert_eq!(d.state(), CallState::Answering);
}

#[test]
fn a_ghost_that_cannot_be_swept_wins_again() {
    let mut d = lost_to_maria();
    d.gone(Role::Talk);
    d.wait_s(3);
    d.answer();
    assert_eq!(d.drop_failed(), ["join talk 2"]);
    let leg = phone_leg("c1", Some(LegStatus::Ringing));
    d.joined(vec![leg, colleague("Maria", true)]);
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.view().words, "Maria is answering");
}

#[test]
fn the_colleague_answers_late_and_is_still_known_by_name() {
    let mut d = lost_to_maria();
    d.gone(Role::Talk);
    d.wait_s(4);
    assert_eq!(d.view().words, "Incoming call");
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.end().title(), "Answered by Maria");
}

#[test]
fn a_colleague_who_is_answering_is_not_thrown_out_by_our_answer() {
    let mut d = Desk::offered();
    maria_claims(&mut d);
    d.answer();
    assert_eq!(d.said("remove desk-Maria-1"), 0);
    let leg = phone_leg("c1", Some(LegStatus::Ringing));
    d.joined(vec![leg, colleague("Maria", true)]);
    assert_eq!(d.view().words, "Maria is answering");
}

#[test]
fn a_colleague_claims_and_the_ring_stops_until_she_is_not_believed_any_more() {
    let mut d = Desk::offered();
    assert_eq!(maria_claims(&mut d), ["ring false"]);
    assert_eq!(d.view().words, "Maria is answering");
    assert_eq!(maria_claims(&mut d), [""; 0], "told twice is told once");
    assert_eq!(d.wait_ms(2_999), ["look", "look"]);
    assert_eq!(d.wait_ms(1), ["ring true"]);
    assert_eq!(
        maria_claims(&mut d),
        [""; 0],
        "a ghost is not believed again"
    );
    assert_eq!(d.view().words, "Incoming call");
}

#[test]
fn a_colleague_hands_the_claim_back() {
    let mut d = Desk::offered();
    maria_claims(&mut d);
    d.somebody_left(Role::Watch, maria(), LeaveReason::ClientInitiated, false);
    assert_eq!(d.wait_ms(300), ["ring true"]);
}

#[test]
fn a_second_colleague_claims_after_the_first_handed_back() {
    let mut d = Desk::offered();
    maria_claims(&mut d);
    d.watch(RoomFact::Present(colleague("Otto", true)));
    d.somebody_left(Role::Watch, maria(), LeaveReason::ClientInitiated, false);
    d.wait_s(1);
    assert_eq!(d.view().words, "Otto is answering");
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.end().title(), "Answered by Otto");
}

#[test]
fn a_colleague_who_is_only_there_claims_nothing() {
    let mut d = Desk::offered();
    assert_eq!(
        d.watch(RoomFact::Present(colleague("Maria", false))),
        [""; 0]
    );
    assert_eq!(d.view().words, "Incoming call");
}

#[test]
fn a_colleague_with_a_hostile_name_is_made_safe() {
    let mut d = Desk::offered();
    let mut evil = colleague("Maria", true);
    evil.name = "\u{202e}\u{0}".into();
    d.watch(RoomFact::Present(evil));
    assert_eq!(d.view().words, "a colleague is answering");
}

#[test]
fn answered_elsewhere_without_a_word_before() {
    let mut d = Desk::offered();
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.end().title(), "Answered by a colleague");
    assert_eq!(d.said("remove leg") + d.said("delete room"), 0);
}

#[test]
fn answered_elsewhere_while_we_claim_names_who_was_there() {
    let mut d = Desk::claiming();
    let leg = phone_leg("c1", Some(LegStatus::Active));
    d.joined(vec![leg, colleague("Maria", true)]);
    assert_eq!(d.end().title(), "Answered by Maria");
}

#[test]
fn the_caller_is_gone_when_our_claim_arrives() {
    let mut d = Desk::claiming();
    let said = d.joined(vec![]);
    assert!(said.contains(&"leave talk 1".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn the_caller_gives_up_while_we_claim() {
    let mut d = Desk::claiming();
    d.status(Role::Watch, LegStatus::Hangup);
    assert_eq!(d.end().code(), "missed");
    assert_eq!(d.joined(vec![]), [""; 0]);
}

#[test]
fn the_caller_gives_up_while_the_microphone_is_being_announced() {
    let mut d = Desk::answering();
    d.opened();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "missed");
    assert_eq!(d.said("remove leg"), 0);
}

#[test]
fn without_a_microphone_the_claim_is_handed_back() {
    for mut d in [Desk::claiming(), Desk::answering()] {
        let said = d.sound_failed();
        assert!(said.contains(&"leave talk 1".to_owned()), "{said:?}");
        assert!(said.contains(&"ring true".to_owned()), "{said:?}");
        assert!(said.contains(&"close".to_owned()), "{said:?}");
        assert_eq!(d.state(), CallState::Offered);
        assert_eq!(d.notice(), Some("no_sound"));
        assert_eq!(d.said("publish") + d.said("remove leg"), 0);
    }
}

#[test]
fn a_microphone_that_never_opens_hands_the_claim_back() {
    let mut d = Desk::answering();
    d.wait_s(12);
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.notice(), Some("answer_failed"));
}

#[test]
fn an_announcement_that_fails_hands_the_claim_back_and_a_second_answer_succeeds() {
    let mut d = Desk::answering();
    d.opened();
    let detail = "refused".into();
    let said = d.talk(RoomFact::PublishFailed { detail });
    assert!(said.contains(&"leave talk 1".to_owned()), "{said:?}");
    assert_eq!(d.state(), CallState::Offered);
    assert_eq!(d.notice(), Some("answer_failed"));
    d.gone(Role::Talk);
    assert_eq!(d.answer()[0], "join talk 2");
    d.claim_won();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn answered_again_while_our_earlier_connection_still_leaves_we_do_not_lose_to_ourselves() {
    let mut d = Desk::answering();
    d.sound_failed();
    let said = d.answer();
    assert!(!said.contains(&"join talk 2".to_owned()), "{said:?}");
    assert_eq!(d.joined(vec![]), [""; 0], "a word of the old connection");
    assert_eq!(d.state(), CallState::Claiming);
    assert_eq!(d.gone(Role::Talk), ["join talk 2"]);
}

#[test]
fn our_earlier_connection_is_not_waited_for_for_ever() {
    let mut d = Desk::answering();
    d.sound_failed();
    d.answer();
    let said = d.wait_s(2);
    assert!(said.contains(&"join talk 2".to_owned()), "{said:?}");
}

#[test]
fn an_announcement_that_got_through_although_we_were_told_otherwise_is_ended_if_nobody_else_is_there()
 {
    let mut d = Desk::answering();
    d.opened();
    let detail = "timeout".into();
    d.talk(RoomFact::PublishFailed { detail });
    d.gone(Role::Talk);
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.state(), CallState::Ending);
    assert_eq!(d.wait_ms(700), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Active), 0), ["remove leg"]);
    assert_eq!(d.end().code(), "connection_lost");
    assert_eq!(d.removed(true), ["leave watch 1", "delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Watch), ["finish connection_lost"]);
}

#[test]
fn after_our_announcement_failed_a_colleague_answers_and_is_left_alone() {
    let mut d = Desk::answering();
    d.opened();
    let detail = "timeout".into();
    d.talk(RoomFact::PublishFailed { detail });
    d.gone(Role::Talk);
    d.status(Role::Watch, LegStatus::Active);
    d.wait_ms(700);
    d.looked(Some(LegStatus::Active), 1);
    assert_eq!(d.end().code(), "answered_elsewhere");
    d.wait_s(60);
    assert_eq!(d.said("remove leg") + d.said("delete room"), 0);
    assert!(d.finish().leg_gone, "nothing of ours is left");
}

#[test]
fn after_our_announcement_failed_nobody_knows_whose_call_it_is() {
    let mut d = Desk::answering();
    d.opened();
    let detail = "timeout".into();
    d.talk(RoomFact::PublishFailed { detail });
    d.status(Role::Watch, LegStatus::Active);
    d.wait_s(60);
    assert_eq!(d.finish().reason.code(), "answered_elsewhere");
    assert_eq!(d.said("remove leg"), 0, "never a colleague's conversation");
}

#[test]
fn announced_but_never_active_the_leg_is_dropped() {
    let mut d = Desk::answering();
    d.opened();
    d.published();
    let said = d.wait_s(12);
    assert!(said.contains(&"end leg".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn the_join_of_a_claim_fails_and_the_caller_rings_on() {
    for why in [
        JoinFailure::ServerBusy,
        JoinFailure::Unreachable,
        JoinFailure::Refused,
        JoinFailure::NotSignedIn,
        JoinFailure::Engine,
    ] {
        let mut d = Desk::claiming();
        let said = d.join_failed(Role::Talk, why);
        assert!(said.contains(&"ring true".to_owned()), "{said:?}");
        assert_eq!(d.state(), CallState::Offered);
        assert_eq!(d.notice(), Some("answer_failed"));
        assert_eq!(d.answer()[0], "join talk 2");
    }
}

#[test]
fn a_claim_without_an_answer_is_handed_back() {
    let mut d = Desk::claiming();
    let said = d.wait_s(12);
    assert!(said.contains(&"leave talk 1".to_owned()), "{said:?}");
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn the_connection_is_closed_while_we_answer() {
    for mut d in [Desk::claiming(), Desk::answering()] {
        d.closed(Role::Talk, LeaveReason::Unknown);
        assert_eq!(d.state(), CallState::Offered);
        assert_eq!(d.said("leave talk 1"), 0, "there is nothing to leave");
    }
}

#[test]
fn the_room_is_deleted_while_we_answer() {
    let mut d = Desk::answering();
    d.closed(Role::Talk, LeaveReason::RoomDeleted);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn handed_back_too_late_nobody_waits_any_more() {
    let mut d = Desk::offered();
    d.wait_s(180);
    d.answer();
    d.wait_s(12);
    assert_eq!(d.end().code(), "missed");
}

#[test]
fn hung_up_while_claiming_is_declined() {
    let mut d = Desk::claiming();
    d.sleep(Duration::from_secs(2));
    let said = d.hang_up();
    assert_eq!(said, ["leave talk 1", "leave watch 1", "close"]);
    assert_eq!(d.gone(Role::Talk), [""; 0]);
    assert_eq!(d.gone(Role::Watch), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), ["remove leg"]);
    d.removed(true);
    assert_eq!(d.finish().reason.code(), "declined_here");
}

#[test]
fn hung_up_while_a_ghost_is_swept_does_not_take_its_removal_for_the_callers() {
    let mut d = lost_to_maria();
    d.gone(Role::Talk);
    d.wait_s(3);
    d.answer();
    d.hang_up();
    assert_eq!(d.removed(true), [""; 0], "that was Maria");
    assert_eq!(d.gone(Role::Watch), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), ["remove leg"]);
    assert_eq!(d.removed(true), ["finish declined_here"]);
}

#[test]
fn hung_up_while_the_microphone_is_being_announced_ends_what_may_be_up() {
    let mut d = Desk::answering();
    d.opened();
    let said = d.hang_up();
    assert_eq!(said, ["end leg", "close"]);
    assert_eq!(
        d.status(Role::Talk, LegStatus::Hangup),
        ["leave talk 1", "leave watch 1"]
    );
    assert_eq!(d.gone(Role::Talk), [""; 0], "the watch is still there");
    assert_eq!(d.gone(Role::Watch), ["delete room"]);
}

#[test]
fn handed_back_we_are_not_taken_for_a_colleague_by_our_own_watch() {
    let mut d = Desk::answering();
    d.opened();
    let ourselves = || RoomFact::Present(colleague("this desk", true));
    d.watch(ourselves());
    let detail = "refused".into();
    d.talk(RoomFact::PublishFailed { detail });
    assert_eq!(d.watch(ourselves()), [""; 0], "told late or twice");
    assert_eq!(d.view().words, "Incoming call");
    maria_claims(&mut d);
    assert_eq!(d.view().words, "Maria is answering");
}

#[test]
fn keys_typed_before_a_lost_claim_are_forgotten() {
    let mut d = Desk::claiming();
    d.keys("12");
    let leg = phone_leg("c1", Some(LegStatus::Ringing));
    d.joined(vec![leg, colleague("Maria", true)]);
    assert_eq!(d.view().keys_sent, "");
}

#[test]
fn a_leave_while_the_watch_reconnects_is_no_end() {
    let mut d = Desk::offered();
    d.somebody_left(
        Role::Watch,
        leg_of("c1"),
        LeaveReason::ClientInitiated,
        true,
    );
    assert_eq!(d.state(), CallState::Offered);
}
