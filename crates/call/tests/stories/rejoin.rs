//! Going back: into a live call whose own connection broke, and into one that an earlier run left behind.

use call::input::{Intent, JoinFailure, LegFact, Orphan, RoomFact};
use call::output::LogCommand;
use call::state::{CallState, Direction, LeaveReason, LegStatus, MediaReport};
use call::{Input, Output, Role, RoomName};

use crate::support::{Desk, NUMBER, START_MS, id, leg_of, phone_leg};

/// The server closed our connection of a live call for no reason of the call.
fn broken() -> Desk {
    let mut d = Desk::live();
    assert_eq!(d.closed(Role::Talk, LeaveReason::Unknown), ["join talk 2"]);
    assert_eq!(d.state(), CallState::Live);
    assert!(d.view().reconnecting);
    assert_eq!(d.view().words, "Reconnecting");
    d
}

fn leg_there(d: &mut Desk) -> Vec<String> {
    d.joined(vec![phone_leg("c1", Some(LegStatus::Dialing))])
}

#[test]
fn a_live_call_goes_back_into_its_room() {
    let mut d = broken();
    assert_eq!(leg_there(&mut d), ["listen", "publish"]);
    assert!(d.view().reconnecting, "nobody hears us yet");
    assert_eq!(d.published(), ["alive"]);
    assert_eq!(d.view().words, "In call");
    assert!(!d.wait_s(300).contains(&"look".to_owned()));
    assert_eq!(d.state(), CallState::Live);
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "far_end_hung_up");
    assert_eq!(d.finish_later().facts.reconnections, 1);
}

#[test]
fn whatever_closed_it_but_the_end_of_the_call() {
    for reason in [
        LeaveReason::ClientInitiated,
        LeaveReason::ServerShutdown,
        LeaveReason::ConnectionTimeout,
        LeaveReason::Unknown,
    ] {
        let mut d = Desk::live();
        assert_eq!(d.closed(Role::Talk, reason), ["join talk 2"], "{reason:?}");
    }
    for (reason, end) in [
        (LeaveReason::RoomDeleted, "ended_by_server"),
        (LeaveReason::ParticipantRemoved, "ended_by_server"),
        (LeaveReason::DuplicateIdentity, "connection_lost"),
    ] {
        let mut d = Desk::live();
        d.closed(Role::Talk, reason);
        assert_eq!(d.end().code(), end, "{reason:?}");
        assert_eq!(d.said("join talk 2"), 0);
    }
}

#[test]
fn muted_it_comes_back_muted_before_anybody_can_hear() {
    let mut d = Desk::live();
    d.mute(true);
    d.closed(Role::Talk, LeaveReason::Unknown);
    assert_eq!(leg_there(&mut d), ["muted true", "listen", "publish"]);
    assert_eq!(d.published(), ["muted true", "alive"]);
}

#[test]
fn muted_and_unmuted_on_the_way_counts() {
    let mut d = broken();
    assert_eq!(d.mute(true), ["alive"]);
    assert_eq!(leg_there(&mut d)[0], "muted true");
    let mut d = Desk::live();
    d.mute(true);
    d.closed(Role::Talk, LeaveReason::Unknown);
    d.mute(false);
    assert_eq!(leg_there(&mut d), ["listen", "publish"]);
    assert_eq!(d.published(), ["alive"]);
}

#[test]
fn keys_typed_on_the_way_are_sent_when_we_are_back() {
    let mut d = broken();
    assert_eq!(d.keys("12"), ["key tone 1"]);
    leg_there(&mut d);
    assert!(d.published().contains(&"keys 12".to_owned()));
}

#[test]
fn a_server_that_is_not_back_yet_is_tried_again() {
    let mut d = broken();
    for attempt in 2..8 {
        let said = d.join_failed(Role::Talk, JoinFailure::Unreachable);
        assert_eq!(said, [""; 0]);
        let said = d.wait_s(1);
        assert!(
            said.contains(&format!("join talk {}", attempt + 1)),
            "{said:?}"
        );
    }
    leg_there(&mut d);
    d.published();
    assert_eq!(d.view().words, "In call");
    assert_eq!(d.finish_after_hang_up().facts.reconnections, 1, "one break");
}

#[test]
fn closed_again_on_the_way_has_the_same_deadline() {
    let mut d = broken();
    for _ in 0..10 {
        leg_there(&mut d);
        d.talk(RoomFact::Reconnecting);
        d.talk(RoomFact::Reconnected);
        d.closed(Role::Talk, LeaveReason::Unknown);
        d.wait_s(2);
    }
    assert_eq!(d.state(), CallState::Live);
    d.wait_s(10);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn an_announcement_that_fails_on_the_way_is_another_attempt() {
    let mut d = broken();
    leg_there(&mut d);
    let detail = "refused".into();
    assert_eq!(d.talk(RoomFact::PublishFailed { detail }), ["leave talk 2"]);
    assert!(d.wait_s(1).contains(&"join talk 3".to_owned()));
    leg_there(&mut d);
    d.published();
    assert_eq!(d.view().words, "In call");
}

#[test]
fn after_the_deadline_it_ends_and_the_leg_is_dropped() {
    let mut d = broken();
    d.wait_ms(29_999);
    assert_eq!(d.state(), CallState::Live);
    let said = d.wait_ms(1);
    assert!(said.contains(&"remove leg".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn hung_up_on_the_way_the_leg_is_dropped_without_us_in_the_room() {
    let mut d = broken();
    assert_eq!(d.hang_up(), ["remove leg", "close"]);
    assert_eq!(d.removed(true), ["leave talk 2", "delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish hung_up"]);
}

#[test]
fn the_leg_is_not_back_yet_and_has_its_own_time() {
    let mut d = broken();
    assert_eq!(d.joined(vec![]), ["listen", "publish"]);
    d.published();
    assert!(d.view().reconnecting, "the far end is not there");
    d.wait_s(6);
    d.status(Role::Talk, LegStatus::Dialing);
    assert!(!d.view().reconnecting);
    d.wait_s(100);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_leg_does_not_come_back() {
    let mut d = broken();
    d.joined(vec![]);
    d.published();
    d.wait_s(20);
    assert_eq!(d.end().code(), "connection_lost");
    assert_eq!(d.said("end leg"), 1, "whatever is left of it");
}

#[test]
fn the_far_end_hung_up_while_we_were_away() {
    let mut d = broken();
    d.joined(vec![phone_leg("c1", Some(LegStatus::Hangup))]);
    assert_eq!(d.end().code(), "far_end_hung_up");
    let mut d = broken();
    assert_eq!(d.wait_s(4), ["look"]);
    d.looked(Some(LegStatus::Hangup), 0);
    assert_eq!(d.end().code(), "far_end_hung_up");
}

/// A restarted server lists nobody for some seconds: one denial proves nothing, three in a row do.
#[test]
fn a_server_that_denies_the_leg_is_asked_again() {
    let mut d = broken();
    d.wait_s(4);
    d.looked(None, 0);
    d.wait_s(4);
    d.looked(Some(LegStatus::Dialing), 0);
    for _ in 0..2 {
        d.wait_s(4);
        d.looked(None, 0);
    }
    assert_eq!(d.state(), CallState::Live);
    d.wait_s(4);
    assert!(d.looked(None, 0).contains(&"remove leg".to_owned()));
    assert_eq!(d.end().code(), "connection_lost");
}

/// Redis was emptied: the server denies a leg whose packets still come. Packets win.
#[test]
fn what_is_heard_is_up_whatever_the_server_denies() {
    let mut d = Desk::live();
    d.media(0);
    d.looked(None, 0);
    d.removed(false);
    d.server(LegFact::RoomDeleted { found: false });
    d.server(LegFact::LookFailed);
    assert_eq!(d.state(), CallState::Live);
    let said = d.hang_up();
    assert_eq!(said, ["end leg", "close"]);
    assert_eq!(
        d.talk(RoomFact::EndLegAnswered { done: false }),
        ["remove leg"]
    );
    assert_eq!(d.removed(false), ["delete room"], "a 404 proves nothing");
    d.room_deleted();
    assert!(d.finish_later().leg_gone);
}

/// A frozen server raises no event: the packets that do not come are all there is.
#[test]
fn a_frozen_server_is_shown_and_has_a_deadline() {
    let mut d = Desk::live();
    for second in 3..62 {
        d.media(second);
        d.wait_s(1);
        assert_eq!(d.state(), CallState::Live, "{second}");
        assert!(d.view().reconnecting);
    }
    d.wait_s(5);
    assert_eq!(d.end().code(), "connection_lost");
}

#[test]
fn a_frozen_server_that_thaws_is_forgotten() {
    let mut d = Desk::live();
    d.media(3);
    d.wait_s(55);
    d.media(0);
    d.media(3);
    d.wait_s(55);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_engine_is_broken_and_comes_back_within_the_deadline() {
    let mut d = broken();
    for _ in 0..5 {
        d.join_failed(Role::Talk, JoinFailure::Engine);
        d.wait_s(1);
    }
    leg_there(&mut d);
    d.published();
    assert_eq!(d.view().words, "In call");
    d.talk(RoomFact::Media(MediaReport {
        packets: 10,
        ..MediaReport::default()
    }));
    assert_eq!(d.state(), CallState::Live);
}

// ---- calls of an earlier run ----

fn orphan(direction: Direction) -> Orphan {
    Orphan {
        call: id("c1"),
        direction,
        room: RoomName::outbound(&id("c1")),
        leg: leg_of("c1"),
        answered: true,
        age: std::time::Duration::from_secs(9),
        handed_over: false,
        number: NUMBER.into(),
        name: Some("Ada\u{202e}".into()),
        line: None,
        started_unix_ms: START_MS - 100_000,
        answered_unix_ms: Some(START_MS - 90_000),
        muted: false,
    }
}

fn stranded(direction: Direction) -> Desk {
    let mut d = Desk::new();
    assert_eq!(d.tell(Input::Orphan(orphan(direction))), ["look"]);
    assert!(!d.view().can_rejoin, "nobody knows yet");
    assert_eq!(d.looked(Some(LegStatus::Active), 0), [""; 0]);
    assert_eq!(d.state(), CallState::Stranded);
    assert!(d.view().can_rejoin);
    assert_eq!(d.view().words, "Call with Ada still live");
    d
}

fn rejoin(d: &mut Desk) -> Vec<String> {
    d.intent(Intent::Rejoin { call: id("c1") })
}

#[test]
fn a_call_that_survived_a_crash_is_offered_and_joined_again() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mut d = stranded(direction);
        assert_eq!(rejoin(&mut d), ["join talk 1", "open"]);
        assert_eq!(rejoin(&mut d), [""; 0], "pressed twice");
        assert_eq!(leg_there(&mut d), [""; 0], "the devices come first");
        assert_eq!(d.opened(), ["listen", "publish"]);
        assert_eq!(d.published(), ["alive"]);
        assert_eq!(
            (d.state(), d.view().words.as_str()),
            (CallState::Live, "In call")
        );
        assert_eq!(d.said("log answered"), 0, "it was answered then");
        assert_eq!(d.view().answered_unix_ms, Some(START_MS - 90_000));
        d.wait_s(10);
        assert_eq!(d.said("alive"), 3);
        d.hang_up();
        let finish = d.finish_later();
        assert_eq!(finish.reason.code(), "hung_up");
        assert_eq!(finish.answered_unix_ms, Some(START_MS - 90_000));
        assert!(finish.ended_unix_ms >= START_MS);
        assert_eq!(d.said("finish orphan"), 0);
    }
}

/// Whoever had switched the microphone off is not heard because the program crashed.
#[test]
fn a_call_that_was_muted_before_the_crash_is_joined_muted() {
    let mut before = Desk::live();
    before.mute(true);
    let Some(Output::Log(LogCommand::Alive { muted: true, .. })) = before.outputs.last() else {
        panic!("the journal does not know: {:?}", before.outputs.last());
    };
    before.mute(false);
    let Some(Output::Log(LogCommand::Alive { muted: false, .. })) = before.outputs.last() else {
        panic!("the journal does not know: {:?}", before.outputs.last());
    };
    let mut d = Desk::new();
    d.tell(Input::Orphan(Orphan {
        muted: true,
        ..orphan(Direction::Outbound)
    }));
    d.looked(Some(LegStatus::Active), 0);
    assert!(d.view().muted);
    rejoin(&mut d);
    leg_there(&mut d);
    let said = d.opened();
    assert_eq!(
        said,
        ["muted true", "listen", "publish"],
        "before anything is heard"
    );
    assert_eq!(d.published(), ["muted true", "alive"]);
    assert_eq!(d.view().words, "Your microphone is off");
    assert_eq!(d.mute(false), ["muted false", "alive"]);
}

#[test]
fn it_is_looked_after_until_somebody_decides() {
    let mut d = stranded(Direction::Outbound);
    for _ in 0..200 {
        assert_eq!(d.wait_s(5), ["look"]);
        d.looked(Some(LegStatus::Active), 0);
    }
    assert_eq!(d.state(), CallState::Stranded);
    assert_eq!(d.wait_s(5), ["look"]);
    let said = d.looked(None, 0);
    assert_eq!(
        said,
        ["remove leg"],
        "a server without memory denies what is up"
    );
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish orphan", "leg gone"]);
    assert_eq!(d.end().code(), "interrupted");
}

#[test]
fn the_far_end_hung_up_before_anybody_decided() {
    let mut d = stranded(Direction::Outbound);
    d.wait_s(5);
    assert_eq!(d.looked(Some(LegStatus::Hangup), 0), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish orphan", "leg gone"]);
}

#[test]
fn it_was_gone_already_and_is_not_even_shown() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(orphan(Direction::Outbound)));
    d.looked(None, 0);
    d.removed(false);
    assert_eq!(d.room_deleted(), ["finish orphan", "leg gone"]);
    assert!(d.phone.view().calls.is_empty());
    assert_eq!(d.deadline, None);
}

#[test]
fn hung_up_it_is_dropped_and_its_row_closed_as_interrupted() {
    let mut d = stranded(Direction::Inbound);
    assert_eq!(d.hang_up(), ["remove leg"]);
    assert_eq!(d.removed(true), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish orphan", "leg gone"]);
}

#[test]
fn dropped_but_the_server_does_not_answer_it_stays_on_the_list() {
    let mut d = stranded(Direction::Inbound);
    d.hang_up();
    d.drop_failed();
    assert_eq!(d.drop_failed(), ["finish orphan"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
    d.removed(true);
    assert_eq!(d.room_deleted(), ["leg gone"]);
}

#[test]
fn a_server_that_says_nothing_leaves_it_to_the_list_in_the_end() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(orphan(Direction::Outbound)));
    assert_eq!(
        d.wait_s(299).iter().filter(|said| *said != "look").count(),
        0
    );
    let said = d.wait_s(60);
    assert!(said.contains(&"finish orphan".to_owned()), "{said:?}");
    assert!(d.wait_s(30).contains(&"remove leg".to_owned()));
}

#[test]
fn the_way_back_fails_and_it_is_offered_again() {
    let mut d = stranded(Direction::Outbound);
    rejoin(&mut d);
    for _ in 0..29 {
        if d.state() == CallState::Live {
            d.join_failed(Role::Talk, JoinFailure::ServerBusy);
        }
        d.wait_s(1);
    }
    let said = d.wait_s(2);
    assert!(said.contains(&"close".to_owned()), "{said:?}");
    assert_eq!(d.state(), CallState::Stranded);
    assert_eq!(d.notice(), Some("rejoin_failed"));
    assert!(d.view().can_rejoin);
    assert_eq!(
        d.said("remove leg"),
        0,
        "pressing a button ends nobody's call"
    );
    assert!(rejoin(&mut d)[0].starts_with("join talk"));
}

#[test]
fn without_a_microphone_it_is_offered_again() {
    let mut d = stranded(Direction::Outbound);
    rejoin(&mut d);
    leg_there(&mut d);
    d.sound_failed();
    assert_eq!(d.state(), CallState::Stranded);
    assert_eq!(d.notice(), Some("no_sound"));
}

#[test]
fn busy_with_another_call_the_way_back_is_refused() {
    let mut d = stranded(Direction::Outbound);
    d.hold("c2");
    d.dial();
    d.hold("c1");
    assert_eq!(rejoin(&mut d), [""; 0]);
    assert_eq!(d.notice(), Some("already_in_call"));
    assert_eq!(d.state(), CallState::Stranded);
}

#[test]
fn nobody_goes_back_into_what_is_not_known_to_be_up() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(orphan(Direction::Outbound)));
    assert_eq!(rejoin(&mut d), [""; 0]);
    assert_eq!(d.state(), CallState::Stranded);
}

#[test]
fn the_program_is_closed_again_and_nobody_is_left_in_silence() {
    let mut d = stranded(Direction::Outbound);
    assert_eq!(d.quit(), ["remove leg"]);
    d.removed(true);
    assert_eq!(d.room_deleted(), ["finish orphan", "leg gone", "may quit"]);
}

#[test]
fn found_while_closing_it_is_dropped_at_once() {
    let mut d = Desk::new();
    d.quit();
    let said = d.tell(Input::Orphan(orphan(Direction::Outbound)));
    assert_eq!(said, ["finish orphan", "remove leg"]);
}

// ---- callers of an earlier run whom nobody had answered, by its journal ----

/// The program died with the caller on its screen.
fn unanswered() -> Orphan {
    Orphan {
        answered: false,
        answered_unix_ms: None,
        ..orphan(Direction::Inbound)
    }
}

#[test]
fn a_caller_answered_in_the_moment_of_a_crash_can_be_talked_to() {
    let mut d = Desk::new();
    assert_eq!(d.tell(Input::Orphan(unanswered())), ["look"]);
    assert!(
        d.phone.view().calls.is_empty(),
        "nothing is shown before it is known"
    );
    d.looked(Some(LegStatus::Active), 0);
    assert_eq!(d.state(), CallState::Stranded);
    assert!(d.view().can_rejoin);
    assert_eq!(rejoin(&mut d), ["join talk 1", "open"]);
}

#[test]
fn a_caller_who_rings_still_or_is_gone_is_left_alone() {
    let cases = [
        (Some(LegStatus::Ringing), 0),
        (Some(LegStatus::Hangup), 0),
        (None, 0),
    ];
    for (leg, others) in cases {
        let mut d = Desk::new();
        d.tell(Input::Orphan(unanswered()));
        assert_eq!(
            d.looked(leg, others),
            ["finish orphan", "leg gone"],
            "{leg:?}"
        );
        assert!(d.phone.view().calls.is_empty());
    }
}

#[test]
fn our_dead_connection_is_not_taken_for_a_colleague_and_a_colleague_keeps_the_call() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(unanswered()));
    for _ in 0..4 {
        assert_eq!(d.looked(Some(LegStatus::Active), 1), [""; 0]);
        assert_eq!(d.wait_s(5), ["look"]);
    }
    d.looked(Some(LegStatus::Active), 0);
    assert!(d.view().can_rejoin, "the ghost is gone, the caller is not");

    let mut d = Desk::new();
    d.tell(Input::Orphan(unanswered()));
    for _ in 0..11 {
        assert_eq!(d.looked(Some(LegStatus::Active), 1), [""; 0]);
        assert_eq!(d.wait_s(5), ["look"]);
    }
    let said = d.looked(Some(LegStatus::Active), 1);
    assert_eq!(said, ["finish orphan", "leg gone"]);
    assert!(d.phone.view().calls.is_empty());
}

#[test]
fn the_server_is_asked_again_until_it_answers_and_at_last_left_to_the_next_start() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(unanswered()));
    assert_eq!(d.server(LegFact::LookFailed), [""; 0]);
    assert_eq!(d.wait_s(5), ["look"]);
    let said = d.wait_s(400);
    assert_eq!(said.iter().filter(|word| *word == "look").count(), 58);
    assert_eq!(said.last().map(String::as_str), Some("finish orphan"));
}

#[test]
fn closed_before_the_server_answered_its_row_is_closed_and_its_leg_asked_about_next_time() {
    let mut d = Desk::new();
    d.tell(Input::Orphan(unanswered()));
    assert_eq!(d.quit(), ["finish orphan", "may quit"]);
}
