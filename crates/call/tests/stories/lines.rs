//! Calls whose provider refuses to carry them, and that go over another line.

use std::time::Duration;

use call::input::{LegFact, LineStatus, LogFact, PlaceFailure, RoomFact, Trunk};
use call::output::{LegCommand, LineRefusal, LogCommand};
use call::routing::Way;
use call::state::{CallState, LeaveReason, LegStatus};
use call::{EndReason, Identity, Input, Output, Role};

use crate::support::{Desk, NUMBER, id, leg_of, way};

const REFUSED: PlaceFailure = PlaceFailure::Sip { code: 503 };

fn two() -> Vec<Way> {
    vec![
        way("Main line"),
        Way {
            caller_id: Some("+12025550160".into()),
            ..way("Second line")
        },
    ]
}

/// The leg is placed over the first of these lines.
fn dialling(number: &str, ways: Vec<Way>) -> Desk {
    let mut d = Desk::new();
    d.dial_over(number, ways);
    d.logged();
    d.joined(vec![]);
    d.opened();
    assert_eq!(d.published(), ["place"]);
    d
}

/// Trunk, caller ID and identity of every leg that was placed.
fn placed(d: &Desk) -> Vec<(Option<String>, Option<String>, Identity)> {
    let place = |output: &Output| match output {
        Output::Leg(LegCommand::Place {
            line,
            caller_id,
            leg,
            ..
        }) => Some((line.clone(), caller_id.clone(), leg.clone())),
        _ => None,
    };
    d.outputs.iter().filter_map(place).collect()
}

fn next_leg(n: usize) -> Identity {
    Identity::leg_of_try(&id("c1"), n)
}

#[test]
fn a_refused_call_goes_over_the_other_line_and_says_so() {
    let mut d = dialling(NUMBER, two());
    d.status(Role::Talk, LegStatus::Dialing);
    // journal first
    assert_eq!(d.place_failed(REFUSED), ["log over, Main line refused"]);
    assert_eq!(d.state(), CallState::Dialling);
    assert_eq!(d.notice(), Some("went_over"));
    assert_eq!(
        d.notice_text(),
        "Main line refused the call; calling over Second line."
    );
    assert_eq!(d.view().words, "Calling over Second line");
    assert_eq!(d.view().line.as_deref(), Some("+12025550160"));
    assert_eq!(d.logged(), ["place leg-c1-2"]);
    let line = |trunk: &str, own: &str, leg| (Some(trunk.into()), Some(own.into()), leg);
    assert_eq!(
        placed(&d),
        [
            line("ST_Main line", "+12025550150", leg_of("c1")),
            line("ST_Second line", "+12025550160", next_leg(2)),
        ]
    );
    assert_eq!(d.said("busy tone"), 0);
    // from here on it is a call like any other
    d.status(Role::Talk, LegStatus::Dialing);
    assert_eq!(d.status(Role::Talk, LegStatus::Ringing), ["ringback true"]);
    d.status(Role::Talk, LegStatus::Active);
    d.place_answered();
    assert_eq!(d.state(), CallState::Live);
    let refused = LineRefusal {
        line: "Main line".into(),
        number: Some("+12025550150".into()),
        reason: EndReason::LineOverloaded,
    };
    assert_eq!(d.view().refusals, [refused]);
    d.hang_up();
    d.talk(RoomFact::EndLegAnswered { done: true });
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    d.room_deleted();
    d.gone(Role::Talk);
    assert!(d.finish().leg_gone);
    assert_eq!(d.finish().facts.sip_code, None, "it was answered");
}

#[test]
fn the_row_knows_both_lines_and_the_next_leg_before_it_is_placed() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    let over = d.outputs.iter().find_map(|output| match output {
        Output::Log(LogCommand::WentOver {
            leg, line, refusal, ..
        }) => Some((leg.clone(), line.clone(), refusal.clone())),
        _ => None,
    });
    let (leg, line, refusal) = over.unwrap();
    assert_eq!(leg, next_leg(2));
    assert_eq!(line.as_deref(), Some("+12025550160"));
    assert_eq!(refusal.line, "Main line");
    assert_eq!(refusal.reason, EndReason::LineOverloaded);
    assert_eq!(placed(&d).len(), 1);
}

/// Which codes another line is tried for.
fn is_providers(code: u16) -> bool {
    matches!(code, 401 | 402 | 403 | 407 | 500..=599)
}

#[test]
fn only_the_providers_own_refusals_go_over() {
    let mut over = 0;
    for code in 300..=699 {
        let mut d = dialling(NUMBER, two());
        d.place_failed(PlaceFailure::Sip { code });
        assert_eq!(
            d.state() == CallState::Dialling,
            is_providers(code),
            "{code}"
        );
        assert_eq!(
            d.said("log over, Main line refused") == 1,
            is_providers(code)
        );
        over += u32::from(is_providers(code));
    }
    assert_eq!(over, 104);
    for (failure, goes) in [
        (PlaceFailure::TrunkNeedsPassword, true),
        (PlaceFailure::NoLine, true),
        (PlaceFailure::Cancelled, false),
        (PlaceFailure::NotSignedIn, false),
        (PlaceFailure::Refused, false),
        (PlaceFailure::NoBridge, false),
        (
            PlaceFailure::Unreachable {
                detail: "no answer".into(),
            },
            false,
        ),
        (
            PlaceFailure::Other {
                detail: "odd".into(),
            },
            false,
        ),
    ] {
        let mut d = dialling(NUMBER, two());
        d.place_failed(failure.clone());
        assert_eq!(d.state() == CallState::Dialling, goes, "{failure:?}");
    }
}

#[test]
fn what_rang_does_not_go_over() {
    for code in [500, 503, 403] {
        let mut d = dialling(NUMBER, two());
        d.status(Role::Talk, LegStatus::Ringing);
        d.place_failed(PlaceFailure::Sip { code });
        assert_eq!(d.state(), CallState::Ending);
        d.wait_ms(300);
        assert_eq!(d.end().sip_code(), Some(code));
        assert_eq!(placed(&d).len(), 1);
    }
}

#[test]
fn a_line_that_keeps_its_calls_keeps_them() {
    let mut ways = two();
    ways[0].fails_over = false;
    let mut d = dialling(NUMBER, ways);
    d.place_failed(REFUSED);
    assert_eq!(d.end(), EndReason::LineOverloaded);
    assert_eq!(d.said("busy tone"), 1);
    assert_eq!(d.notice(), None);
}

#[test]
fn without_another_line_it_ends_as_always() {
    let mut d = dialling(NUMBER, vec![way("Main line")]);
    d.place_failed(REFUSED);
    assert_eq!(d.end(), EndReason::LineOverloaded);
    let mut d = Desk::dialling();
    d.place_failed(REFUSED);
    assert_eq!(d.end(), EndReason::LineOverloaded);
}

#[test]
fn every_line_is_tried_once_and_the_last_refusal_is_the_outcome() {
    let ways = vec![way("A"), way("B"), way("C")];
    let mut d = dialling(NUMBER, ways);
    d.place_failed(REFUSED);
    d.logged();
    d.place_failed(PlaceFailure::TrunkNeedsPassword);
    assert_eq!(d.notice_text(), "B refused the call; calling over C.");
    d.logged();
    d.place_failed(PlaceFailure::Sip { code: 403 });
    assert_eq!(d.end(), EndReason::LineForbidden);
    let names: Vec<_> = d.view().refusals.into_iter().map(|r| r.line).collect();
    assert_eq!(names, ["A", "B"]);
    let legs: Vec<_> = placed(&d).into_iter().map(|(_, _, leg)| leg).collect();
    assert_eq!(legs, [leg_of("c1"), next_leg(2), next_leg(3)]);
    d.room_deleted();
    d.gone(Role::Talk);
    assert!(d.finish().leg_gone);
    assert_eq!(d.finish().facts.sip_code, Some(403));
}

#[test]
fn the_room_tells_first_and_the_person_sees_no_end() {
    let mut d = dialling(NUMBER, two());
    d.status(Role::Talk, LegStatus::Dialing);
    assert_eq!(
        d.leg_left(Role::Talk, LeaveReason::ClientInitiated),
        [""; 0]
    );
    assert_eq!(d.state(), CallState::Dialling);
    d.wait_ms(40);
    assert_eq!(d.place_failed(REFUSED), ["log over, Main line refused"]);
    assert_eq!(d.logged(), ["place leg-c1-2"]);
    // also when it is the status that tells
    let mut d = dialling(NUMBER, two());
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.place_failed(REFUSED), ["log over, Main line refused"]);
}

#[test]
fn a_leg_that_goes_without_a_word_is_no_refusal() {
    let mut d = dialling(NUMBER, two());
    d.leg_left(Role::Talk, LeaveReason::TrunkFailure);
    assert_eq!(d.state(), CallState::Dialling);
    d.wait_ms(300);
    assert_eq!(d.end(), EndReason::LineFailed { code: None });
    // too late
    d.place_failed(REFUSED);
    assert_eq!(placed(&d).len(), 1);
    d.finish_later();
}

#[test]
fn busy_is_busy_whoever_tells_first() {
    let mut d = dialling(NUMBER, two());
    d.leg_left(Role::Talk, LeaveReason::UserRejected);
    d.place_failed(PlaceFailure::Sip { code: 486 });
    assert_eq!(d.end(), EndReason::Busy);
    assert_eq!(placed(&d).len(), 1);
}

#[test]
fn an_answer_that_the_room_missed_is_no_refusal() {
    let mut d = dialling(NUMBER, two());
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(
        d.place_answered(),
        ["log answered", "leave talk 1", "delete room", "close"]
    );
    assert_eq!(d.end(), EndReason::FarEndHungUp);
    d.finish_later();
}

#[test]
fn news_that_makes_no_sense_between_two_lines_is_dropped() {
    // the leg is gone, and nobody has said why
    let mut d = dialling(NUMBER, two());
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.status(Role::Talk, LegStatus::Ringing), [""; 0]);
    assert_eq!(d.status(Role::Talk, LegStatus::Active), [""; 0]);
    assert_eq!(d.state(), CallState::Dialling);
    // the next one is not placed yet
    d.place_failed(REFUSED);
    d.talk(RoomFact::Present(call::state::Participant {
        identity: next_leg(2),
        ..crate::support::phone_leg("c1", Some(LegStatus::Active))
    }));
    d.somebody_left(Role::Talk, next_leg(2), LeaveReason::ClientInitiated, false);
    for fact in [
        LegFact::Answered { leg: next_leg(2) },
        LegFact::PlaceFailed {
            leg: next_leg(2),
            failure: REFUSED,
        },
    ] {
        d.server(fact);
    }
    assert_eq!(d.state(), CallState::Dialling);
    assert_eq!(d.logged(), ["place leg-c1-2"]);
}

#[test]
fn late_news_of_the_refused_leg_is_about_a_stranger() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    d.logged();
    let left =
        |d: &mut Desk| d.somebody_left(Role::Talk, leg_of("c1"), LeaveReason::UserRejected, false);
    assert_eq!(left(&mut d), [""; 0]);
    for fact in [
        LegFact::PlaceFailed {
            leg: leg_of("c1"),
            failure: REFUSED,
        },
        LegFact::Answered { leg: leg_of("c1") },
    ] {
        assert_eq!(d.server(fact), [""; 0]);
    }
    assert_eq!(d.state(), CallState::Dialling);
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(left(&mut d), [""; 0]);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn a_journal_that_does_not_answer_holds_the_call_up_for_three_seconds() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    assert_eq!(d.wait(Duration::from_millis(2_999)), [""; 0]);
    assert_eq!(d.wait_ms(1), ["place leg-c1-2"]);
    // its late answer changes nothing
    assert_eq!(d.logged(), [""; 0]);
}

#[test]
fn the_answer_about_the_first_entry_is_not_taken_for_the_next() {
    let mut d = Desk::new();
    d.dial_over(NUMBER, two());
    assert_eq!(d.wait_s(3), ["join talk 1"]);
    d.joined(vec![]);
    d.opened();
    d.published();
    d.place_failed(REFUSED);
    assert_eq!(d.logged(), [""; 0], "that was the row's beginning");
    assert_eq!(d.logged(), ["place leg-c1-2"]);
}

#[test]
fn a_row_that_cannot_be_written_does_not_stop_the_call() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    let fact = LogFact::Failed {
        what: "The disk is full.".into(),
    };
    let call = id("c1");
    assert_eq!(d.tell(Input::Log { call, fact }), ["place leg-c1-2"]);
    assert_eq!(d.notice(), Some("journal"));
}

#[test]
fn whoever_hangs_up_in_between_calls_nobody() {
    // while it is not known why the leg went
    let mut d = dialling(NUMBER, two());
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.hang_up(), ["remove leg", "close"]);
    d.place_failed(REFUSED);
    assert_eq!(d.finish_later().reason, EndReason::Cancelled);
    assert_eq!(placed(&d).len(), 1);
    // while the row is written
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    assert_eq!(d.hang_up(), ["leave talk 1", "delete room", "close"]);
    d.logged();
    d.room_deleted();
    d.gone(Role::Talk);
    assert_eq!(d.finish().reason, EndReason::Cancelled);
    assert!(d.finish().leg_gone);
    assert_eq!(placed(&d).len(), 1);
    // and by closing the program
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    d.quit();
    d.logged();
    assert_eq!(d.finish_later().reason, EndReason::Cancelled);
    assert_eq!(placed(&d).len(), 1);
}

#[test]
fn the_connection_is_lost_in_between() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    d.closed(Role::Talk, LeaveReason::Unknown);
    assert_eq!(d.end(), EndReason::ConnectionLost);
    d.logged();
    assert!(d.finish_later().leg_gone);
    assert_eq!(placed(&d).len(), 1);
}

#[test]
fn the_next_line_has_the_whole_time_for_ringing() {
    let mut d = dialling(NUMBER, two());
    d.wait_s(40);
    d.place_failed(REFUSED);
    d.logged();
    d.status(Role::Talk, LegStatus::Ringing);
    d.wait_s(44);
    assert_eq!(d.state(), CallState::RemoteRinging);
    d.wait_s(10);
    assert_eq!(d.end(), EndReason::NoAnswer);
    assert_eq!(d.said("remove leg-c1-2"), 1, "the leg that rings is ended");
    d.finish_later();
}

#[test]
fn an_emergency_number_says_what_another_line_means() {
    let mut d = dialling("911", two());
    d.place_failed(REFUSED);
    assert_eq!(
        d.notice_text(),
        "Main line refused the call; calling over Second line. If this is an emergency: whoever answers may not be told \
         where you are. Say it first."
    );
    assert_eq!(d.logged(), ["place leg-c1-2"]);
}

#[test]
fn a_person_who_is_added_is_called_over_the_line_that_carries_the_call() {
    let mut d = dialling(NUMBER, two());
    d.place_failed(REFUSED);
    d.logged();
    d.status(Role::Talk, LegStatus::Active);
    d.place_answered();
    let second = Some("ST_Second line".to_owned());
    assert_eq!(added(&mut d), (second, Some("+12025550160".into())));
}

/// Trunk and caller ID by which somebody is added.
fn added(d: &mut Desk) -> (Option<String>, Option<String>) {
    d.add_person(false);
    let added = d.outputs.iter().find_map(|output| match output {
        Output::Leg(LegCommand::PlacePerson {
            line, caller_id, ..
        }) => Some((line.clone(), caller_id.clone())),
        _ => None,
    });
    added.unwrap()
}

#[test]
fn a_person_who_is_added_to_a_callers_call_is_called_over_the_line_that_the_caller_came_over() {
    let trunk = |id: &str, numbers: &[&str]| Trunk {
        id: id.into(),
        name: id.into(),
        numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
    };
    // The server's first is another line; the second writes our number without its sign.
    let bare = NUMBER.trim_start_matches('+');
    let first = trunk("ST_first", &["+12025550177"]);
    let own = trunk("ST_own", &["+12025550178", bare]);
    let mut d = Desk::talking();
    d.tell(Input::Line(LineStatus::Ready {
        trunks: vec![first.clone(), own],
    }));
    assert_eq!(added(&mut d), (Some("ST_own".into()), Some(bare.into())));
    // No trunk has the number that was called: the server's first, as it always was.
    let mut d = Desk::talking();
    d.tell(Input::Line(LineStatus::Ready {
        trunks: vec![first],
    }));
    assert_eq!(added(&mut d), (None, None));
}
