//! Calls that this desk places, up to the answer.

use call::input::{JoinFailure, LineStatus, LogFact};
use call::output::{LegCommand, LogCommand};
use call::state::{CallState, Direction, LeaveReason, LegStatus};
use call::{Input, Output, Role, RoomName};

use crate::support::{Desk, NUMBER, id, leg_of};

#[test]
fn a_call_is_journalled_then_joined_then_heard_then_placed() {
    let mut d = Desk::new();
    assert_eq!(d.dial(), ["start", "open"]);
    assert_eq!(d.state(), CallState::Preparing);
    assert_eq!(d.logged(), ["join talk 1"]);
    assert_eq!(d.joined(vec![]), [""; 0]);
    assert_eq!(d.opened(), ["listen", "publish"]);
    assert_eq!(d.state(), CallState::Joining);
    assert_eq!(d.published(), ["place"]);
    assert_eq!(d.state(), CallState::Dialling);
    assert_eq!(d.status(Role::Talk, LegStatus::Dialing), [""; 0]);
    assert_eq!(d.status(Role::Talk, LegStatus::Ringing), ["ringback true"]);
    assert_eq!(d.state(), CallState::RemoteRinging);
    assert_eq!(
        d.status(Role::Talk, LegStatus::Active),
        ["log answered", "ringback false"]
    );
    assert_eq!(d.place_answered(), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_row_names_room_and_leg_before_anything_is_dialled() {
    let mut d = Desk::new();
    d.dial();
    let Some(Output::Log(LogCommand::Start(start))) = d.outputs.first() else {
        panic!("the row comes first");
    };
    assert_eq!(start.direction, Direction::Outbound);
    assert_eq!(start.number, NUMBER);
    assert_eq!(start.room, RoomName::parse("outbound-c1").unwrap());
    assert_eq!(start.leg, leg_of("c1"));
    assert_eq!(start.line.as_deref(), Some("+12125550199"));
}

#[test]
fn the_leg_is_placed_with_the_journalled_identity_and_the_asked_ring_time() {
    let d = Desk::dialling();
    let place = d.outputs.iter().find_map(|output| match output {
        Output::Leg(LegCommand::Place {
            room,
            leg,
            to,
            ring_for,
            ..
        }) => Some((room.clone(), leg.clone(), to.clone(), ring_for.as_secs())),
        _ => None,
    });
    let room = RoomName::parse("outbound-c1").unwrap();
    assert_eq!(place, Some((room, leg_of("c1"), NUMBER.into(), 45)));
}

#[test]
fn devices_that_open_before_the_room_wait_for_it() {
    let mut d = Desk::joining();
    assert_eq!(d.opened(), [""; 0]);
    assert_eq!(d.joined(vec![]), ["listen", "publish"]);
}

#[test]
fn we_hang_up_and_every_rung_is_taken_in_order() {
    let mut d = Desk::live();
    assert_eq!(d.hang_up(), ["end leg", "close"]);
    assert_eq!(d.state(), CallState::Ending);
    assert_eq!(d.wait_s(1), ["remove leg"]);
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leave talk 1"]);
    assert_eq!(d.gone(Role::Talk), ["finish hung_up"]);
    assert_eq!(d.state(), CallState::Ended);
}

#[test]
fn we_hang_up_and_the_bridge_obeys_at_once() {
    let mut d = Desk::live();
    d.hang_up();
    d.talk(call::input::RoomFact::EndLegAnswered { done: true });
    assert_eq!(d.status(Role::Talk, LegStatus::Hangup), ["leave talk 1"]);
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.gone(Role::Talk), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish hung_up"]);
    assert_eq!(d.said("remove leg"), 0);
    assert!(d.finish().leg_gone);
}

#[test]
fn the_answer_is_known_from_the_room_alone() {
    let mut d = Desk::ringing();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_answer_is_known_from_the_dial_request_alone() {
    let mut d = Desk::dialling();
    assert_eq!(d.place_answered(), ["log answered"]);
    assert_eq!(d.status(Role::Talk, LegStatus::Ringing), [""; 0]);
    assert_eq!(d.status(Role::Talk, LegStatus::Active), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn the_far_end_answers_without_ringing_and_there_is_no_ringback() {
    let mut d = Desk::dialling();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.said("ringback true"), 0);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn a_status_that_goes_backwards_is_no_news() {
    let mut d = Desk::ringing();
    assert_eq!(d.status(Role::Talk, LegStatus::Dialing), [""; 0]);
    assert_eq!(d.state(), CallState::RemoteRinging);
    assert_eq!(d.status(Role::Talk, LegStatus::Ringing), [""; 0]);
}

#[test]
fn a_journal_that_says_nothing_holds_up_the_call_for_three_seconds_only() {
    let mut d = Desk::new();
    d.dial();
    assert_eq!(d.wait_ms(2_999), [""; 0]);
    assert_eq!(d.wait_ms(1), ["join talk 1"]);
}

#[test]
fn a_journal_that_fails_is_told_and_the_call_goes_on() {
    let mut d = Desk::new();
    d.dial();
    let what = "The history cannot be written: the disk is full.".to_owned();
    let fact = LogFact::Failed { what: what.clone() };
    let call = id("c1");
    assert_eq!(d.tell(Input::Log { call, fact }), ["join talk 1"]);
    assert_eq!(d.notice(), Some("journal"));
    let call = id("c1");
    d.tell(Input::Log {
        call,
        fact: LogFact::Failed { what },
    });
    assert_eq!(d.phone.view().notice.unwrap().id, 1, "said once");
}

#[test]
fn the_devices_fail_before_anything_is_dialled() {
    let mut d = Desk::joining();
    assert_eq!(d.sound_failed(), ["leave talk 1", "close"]);
    assert_eq!(d.gone(Role::Talk), ["finish no_sound"]);
    assert_eq!(d.notice(), Some("no_sound"));
    assert_eq!(d.said("place"), 0);
}

#[test]
fn the_devices_fail_before_the_row_is_written() {
    let mut d = Desk::new();
    d.dial();
    assert_eq!(d.sound_failed(), ["finish no_sound", "close"]);
    assert_eq!(d.logged(), [""; 0]);
    assert_eq!(d.state(), CallState::Ended);
}

#[test]
fn the_devices_never_open() {
    let mut d = Desk::joining();
    d.joined(vec![]);
    assert_eq!(d.wait_s(20), ["leave talk 1", "close"]);
    assert_eq!(d.end().code(), "no_sound");
}

#[test]
fn the_devices_fail_while_it_rings_and_the_call_goes_on() {
    let mut d = Desk::ringing();
    assert_eq!(d.sound_failed(), [""; 0]);
    assert_eq!(d.notice(), Some("no_sound"));
    assert_eq!(d.state(), CallState::RemoteRinging);
    d.opened();
    assert_eq!(d.notice(), None);
}

#[test]
fn a_join_that_fails_says_why() {
    for (why, code) in [
        (JoinFailure::Unreachable, "no_network"),
        (JoinFailure::ServerBusy, "no_network"),
        (JoinFailure::Refused, "sign_in_refused"),
        (JoinFailure::NotSignedIn, "not_signed_in"),
        (JoinFailure::Engine, "no_engine"),
    ] {
        let mut d = Desk::joining();
        let said = d.join_failed(Role::Talk, why);
        assert!(said.contains(&format!("finish {code}")), "{said:?}");
        assert_eq!(d.state(), CallState::Ended);
        d.wait_s(5);
        assert_eq!(d.said("open"), d.said("close"));
    }
}

#[test]
fn a_join_that_never_answers_is_given_up() {
    let mut d = Desk::joining();
    assert_eq!(d.wait_s(20), ["leave talk 1", "close"]);
    assert_eq!(d.wait_s(2), ["finish no_network"]);
}

#[test]
fn the_connection_is_closed_before_the_leg_is_placed() {
    let mut d = Desk::joining();
    d.joined(vec![]);
    let said = d.closed(Role::Talk, LeaveReason::ServerShutdown);
    assert_eq!(said, ["finish no_network", "close"]);
}

#[test]
fn a_microphone_that_cannot_be_announced_ends_the_call_before_it_is_placed() {
    let mut d = Desk::joining();
    d.joined(vec![]);
    d.opened();
    let detail = "refused".into();
    let said = d.talk(call::input::RoomFact::PublishFailed { detail });
    assert_eq!(said, ["busy tone", "leave talk 1"]);
    assert_eq!(d.end().code(), "line_failed");
    assert_eq!(d.said("place"), 0);
}

#[test]
fn a_second_dial_is_refused_and_the_first_goes_on() {
    let mut d = Desk::ringing();
    d.hold("c2");
    assert_eq!(d.dial(), ["refused already_in_call [c2]"]);
    assert_eq!(d.notice(), Some("already_in_call"));
    d.hold("c1");
    assert_eq!(d.state(), CallState::RemoteRinging);
}

#[test]
fn the_same_dial_told_twice_is_one_call() {
    let mut d = Desk::new();
    d.dial();
    assert_eq!(d.dial(), [""; 0]);
    assert_eq!(d.phone.view().calls.len(), 1);
}

#[test]
fn a_number_that_cannot_be_dialled_touches_nothing() {
    for bad in [
        "",
        "555-CALL",
        "+999 555 0100 00",
        "5550100",
        &"9".repeat(400),
    ] {
        let mut d = Desk::new();
        assert_eq!(d.dial_number(bad), ["refused bad_number"]);
        assert_eq!(d.phone.view().calls.len(), 0);
        assert!(d.phone.view().notice.unwrap().text.ends_with('.'));
    }
}

#[test]
fn without_an_account_nothing_is_dialled() {
    for (line, code) in [
        (LineStatus::SignedOut, "not_signed_in"),
        (
            LineStatus::Locked {
                what: "The keychain is locked.".into(),
            },
            "not_signed_in",
        ),
        (
            LineStatus::Refused {
                what: "The key is wrong.".into(),
            },
            "sign_in_refused",
        ),
    ] {
        let mut d = Desk::new();
        d.tell(Input::Line(line));
        assert_eq!(d.dial(), [format!("refused {code}")]);
        assert_eq!(d.notice(), Some(code));
    }
}

#[test]
fn keys_typed_before_the_answer_are_sent_with_it() {
    let mut d = Desk::ringing();
    assert_eq!(d.keys("1 2#"), ["key tone 1"]);
    assert_eq!(d.view().keys_sent, "12#");
    assert_eq!(
        d.status(Role::Talk, LegStatus::Active),
        ["log answered", "keys 12#", "ringback false"]
    );
    assert_eq!(d.keys("w9"), ["keys w9", "key tone 9"]);
    assert_eq!(d.view().keys_sent, "12#w9");
}

#[test]
fn more_keys_than_can_wait_are_refused_with_a_sentence() {
    let mut d = Desk::ringing();
    d.keys(&"1".repeat(64));
    d.keys(&"2".repeat(64));
    assert_eq!(d.keys("3"), [""; 0]);
    assert_eq!(d.notice(), Some("bad_key"));
    assert_eq!(d.view().keys_sent.len(), 128);
}

#[test]
fn a_key_that_is_none_is_refused_with_a_sentence() {
    let mut d = Desk::live();
    assert_eq!(d.keys("1x"), [""; 0]);
    assert_eq!(d.notice(), Some("bad_key"));
    assert_eq!(d.view().keys_sent, "");
}

#[test]
fn muted_before_the_microphone_is_announced_nobody_hears_us_from_the_first_moment() {
    let mut d = Desk::joining();
    d.joined(vec![]);
    assert_eq!(d.mute(true), [""; 0]);
    assert_eq!(d.opened(), ["muted true", "listen", "publish"]);
    assert_eq!(d.mute(false), ["muted false"]);
    assert_eq!(d.mute(true), ["muted true"]);
    assert_eq!(d.published(), ["muted true", "place"]);
    assert!(d.view().muted);
}

#[test]
fn muted_while_it_rings() {
    let mut d = Desk::ringing();
    assert_eq!(d.mute(true), ["muted true"]);
    assert_eq!(d.mute(true), [""; 0]);
    assert_eq!(
        d.said("alive"),
        0,
        "nobody goes back into a call that rings"
    );
    assert!(
        d.status(Role::Talk, LegStatus::Active)
            .contains(&"alive".to_owned())
    );
    assert_eq!(d.view().words, "Your microphone is off");
    assert_eq!(d.mute(false), ["muted false", "alive"]);
}

#[test]
fn a_leave_that_proves_nothing_does_not_end_a_call_that_rings() {
    for reason in [
        LeaveReason::Unknown,
        LeaveReason::ServerShutdown,
        LeaveReason::DuplicateIdentity,
    ] {
        let mut d = Desk::ringing();
        assert_eq!(d.leg_left(Role::Talk, reason), [""; 0]);
        assert_eq!(d.state(), CallState::RemoteRinging);
        d.status(Role::Talk, LegStatus::Active);
        assert_eq!(d.state(), CallState::Live);
    }
}
