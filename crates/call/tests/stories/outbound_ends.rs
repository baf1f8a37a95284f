//! How calls that this desk places end before the answer: refused, given up, cancelled.

use call::input::PlaceFailure;
use call::state::{CallState, LeaveReason, LegStatus};
use call::{Input, Role};

use crate::support::{Desk, ready};

/// What the dial request says, what the room says, and the outcome by each alone and by both.
struct Refusal {
    request: PlaceFailure,
    room: LeaveReason,
    both: &'static str,
    request_only: &'static str,
    room_only: &'static str,
    /// The same, if nothing rang.
    unrung: &'static str,
    code: Option<u16>,
}

fn sip(code: u16, room: LeaveReason, outcome: &'static str) -> Refusal {
    Refusal {
        request: PlaceFailure::Sip { code },
        room,
        both: outcome,
        request_only: outcome,
        room_only: match room {
            LeaveReason::UserRejected => "rejected",
            LeaveReason::UserUnavailable => "no_answer",
            _ => "line_failed",
        },
        unrung: outcome,
        code: Some(code),
    }
}

fn refusals() -> Vec<Refusal> {
    let rejected = LeaveReason::UserRejected;
    let unavailable = LeaveReason::UserUnavailable;
    let failed = LeaveReason::ClientInitiated;
    vec![
        sip(486, rejected, "busy"),
        sip(600, rejected, "busy_everywhere"),
        sip(603, rejected, "declined"),
        sip(403, rejected, "line_forbidden"),
        sip(488, rejected, "media_refused"),
        sip(404, unavailable, "not_in_service"),
        sip(484, rejected, "number_incomplete"),
        sip(480, unavailable, "unavailable"),
        sip(408, unavailable, "no_reply"),
        sip(500, failed, "line_error"),
        sip(503, failed, "line_overloaded"),
        sip(302, failed, "moved"),
        Refusal {
            request: PlaceFailure::TrunkNeedsPassword,
            room: rejected,
            both: "line_password",
            request_only: "line_password",
            room_only: "rejected",
            unrung: "line_password",
            code: Some(401),
        },
        Refusal {
            request: PlaceFailure::Cancelled,
            room: unavailable,
            both: "no_answer",
            request_only: "no_answer",
            room_only: "no_answer",
            unrung: "never_rang",
            code: None,
        },
        Refusal {
            request: PlaceFailure::Cancelled,
            room: LeaveReason::ParticipantRemoved,
            both: "ended_by_server",
            request_only: "no_answer",
            room_only: "ended_by_server",
            unrung: "never_rang",
            code: None,
        },
    ]
}

/// The call ends, the leg is known to be gone, nobody asks for its removal.
fn ends(mut d: Desk, outcome: &str, code: Option<u16>) {
    assert_eq!(d.end().code(), outcome);
    assert_eq!(d.end().sip_code(), code);
    assert_eq!(d.said("remove leg"), 0, "there is nothing to remove");
    d.room_deleted();
    d.gone(Role::Talk);
    assert_eq!(d.state(), CallState::Ended);
    assert!(d.finish().leg_gone);
    assert_eq!(d.finish().answered_unix_ms, None);
}

#[test]
fn refused_and_the_request_speaks_first() {
    for refusal in refusals() {
        let mut d = Desk::ringing();
        d.place_failed(refusal.request.clone());
        d.wait_ms(3);
        d.leg_left(Role::Talk, refusal.room);
        ends(d, refusal.both, refusal.code);
    }
}

#[test]
fn refused_and_the_room_speaks_first() {
    for refusal in refusals() {
        let mut d = Desk::ringing();
        d.leg_left(Role::Talk, refusal.room);
        assert_eq!(d.view().end, None, "waits for what the request knows");
        d.wait_ms(3);
        d.place_failed(refusal.request.clone());
        ends(d, refusal.both, refusal.code);
    }
}

#[test]
fn refused_and_only_the_request_speaks() {
    for refusal in refusals() {
        let mut d = Desk::ringing();
        d.place_failed(refusal.request.clone());
        d.wait_ms(300);
        ends(d, refusal.request_only, refusal.code);
    }
}

#[test]
fn refused_and_only_the_room_speaks() {
    for refusal in refusals() {
        let mut d = Desk::ringing();
        d.leg_left(Role::Talk, refusal.room);
        d.wait_ms(300);
        ends(d, refusal.room_only, None);
    }
}

#[test]
fn refused_before_the_leg_was_seen() {
    for refusal in refusals() {
        let mut d = Desk::dialling();
        d.place_failed(refusal.request.clone());
        d.wait_ms(300);
        ends(d, refusal.unrung, refusal.code);
    }
}

#[test]
fn a_refusal_that_never_reached_a_phone_is_named_at_once() {
    for (failure, outcome) in [
        (PlaceFailure::NoLine, "no_line"),
        (PlaceFailure::NotSignedIn, "not_signed_in"),
        (PlaceFailure::Refused, "sign_in_refused"),
        (PlaceFailure::NoBridge, "no_bridge"),
    ] {
        let mut d = Desk::dialling();
        d.place_failed(failure);
        ends(d, outcome, None);
    }
}

#[test]
fn an_unreachable_server_may_have_dialled_all_the_same() {
    let mut d = Desk::dialling();
    let detail = "connection reset".into();
    assert_eq!(
        d.place_failed(PlaceFailure::Unreachable { detail }),
        ["remove leg", "close"]
    );
    assert_eq!(d.end().code(), "no_network");
    assert_eq!(d.drop_failed(), ["delete room"]);
    assert_eq!(d.drop_failed(), ["leave talk 1"]);
    assert_eq!(d.gone(Role::Talk), ["finish no_network, leg loose"]);
    d.tell(Input::Line(call::input::LineStatus::Connecting));
    assert_eq!(d.tell(Input::Line(ready())), ["remove leg"]);
    assert_eq!(d.removed(true), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leg gone"]);
}

#[test]
fn a_server_that_is_lost_while_it_rings_leaves_a_leg_to_be_dropped() {
    let mut d = Desk::ringing();
    let detail = "connection reset".into();
    d.place_failed(PlaceFailure::Unreachable { detail });
    assert_eq!(d.wait_ms(300), ["remove leg", "close"]);
    assert_eq!(d.end().code(), "no_network");
    assert_eq!(d.removed(true), ["leave talk 1", "delete room"]);
}

#[test]
fn a_busy_line_sounds_busy_before_the_devices_close() {
    let mut d = Desk::ringing();
    assert_eq!(
        d.place_failed(PlaceFailure::Sip { code: 486 }),
        ["busy tone", "leave talk 1", "delete room", "ringback false"]
    );
    assert_eq!(d.wait_ms(1_999), [""; 0]);
    let last = d.wait_ms(1);
    assert!(last.contains(&"close".to_owned()), "{last:?}");
}

#[test]
fn a_call_placed_during_the_busy_tone_finds_the_devices_open() {
    let mut d = Desk::ringing();
    d.place_failed(PlaceFailure::Sip { code: 486 });
    d.room_deleted();
    d.gone(Role::Talk);
    d.hold("c2");
    assert_eq!(d.dial(), ["start [c2]"]);
    d.logged();
    assert_eq!(d.joined(vec![]), ["listen [c2]", "publish [c2]"]);
    assert_eq!(d.said("close"), 0);
}

#[test]
fn nobody_answers_and_the_server_says_so() {
    let mut d = Desk::ringing();
    d.wait_s(45);
    d.leg_left(Role::Talk, LeaveReason::UserUnavailable);
    d.place_failed(PlaceFailure::Cancelled);
    ends(d, "no_answer", None);
}

#[test]
fn nobody_answers_and_nobody_says_so() {
    let mut d = Desk::ringing();
    assert_eq!(d.wait_ms(52_999), [""; 0]);
    assert_eq!(d.wait_ms(1), ["remove leg", "close", "ringback false"]);
    assert_eq!(d.end().code(), "no_answer");
    d.wait_s(30);
    assert_eq!(d.state(), CallState::Ended);
    assert!(!d.finish().leg_gone);
}

#[test]
fn cancelled_before_the_row_is_written() {
    let mut d = Desk::new();
    d.dial();
    assert_eq!(d.hang_up(), ["finish cancelled", "close"]);
    assert_eq!(d.logged(), [""; 0]);
}

#[test]
fn cancelled_while_joining() {
    let mut d = Desk::joining();
    assert_eq!(d.hang_up(), ["leave talk 1", "close"]);
    assert_eq!(d.joined(vec![]), [""; 0], "the join answer was under way");
    assert_eq!(d.gone(Role::Talk), ["finish cancelled"]);
    assert_eq!(d.said("place"), 0);
}

#[test]
fn cancelled_while_the_microphone_is_being_announced() {
    let mut d = Desk::joining();
    d.joined(vec![]);
    d.opened();
    assert_eq!(d.hang_up(), ["leave talk 1", "close"]);
    assert_eq!(d.published(), [""; 0]);
    d.gone(Role::Talk);
    assert_eq!(d.said("place"), 0);
}

#[test]
fn cancelled_while_it_rings() {
    let mut d = Desk::ringing();
    assert_eq!(d.hang_up(), ["remove leg", "close", "ringback false"]);
    assert_eq!(
        d.said("end leg"),
        0,
        "a ringing outbound leg does not hear the bridge"
    );
    assert_eq!(d.removed(true), ["leave talk 1", "delete room"]);
    d.place_failed(PlaceFailure::Cancelled);
    d.leg_left(Role::Talk, LeaveReason::ParticipantRemoved);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish cancelled"]);
}

#[test]
fn cancelled_before_the_leg_appears() {
    let mut d = Desk::dialling();
    assert_eq!(d.hang_up(), ["remove leg", "close"]);
    assert_eq!(
        d.removed(false),
        [""; 0],
        "proves nothing: the request is open"
    );
    assert_eq!(d.wait_ms(250), ["remove leg"]);
    d.status(Role::Talk, LegStatus::Dialing);
    assert_eq!(d.removed(true), ["leave talk 1", "delete room"]);
    d.place_failed(PlaceFailure::Cancelled);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish cancelled"]);
}

#[test]
fn cancelled_and_the_leg_never_appears() {
    let mut d = Desk::dialling();
    d.hang_up();
    d.removed(false);
    assert_eq!(
        d.place_failed(PlaceFailure::NoBridge),
        ["leave talk 1", "delete room"]
    );
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish cancelled"]);
}

#[test]
fn cancelled_and_the_leg_appears_long_after_the_room_was_deleted() {
    let mut d = Desk::dialling();
    d.hang_up();
    for _ in 1..12 {
        assert_eq!(d.removed(false), [""; 0]);
        assert_eq!(d.wait_ms(250), ["remove leg"]);
    }
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leave talk 1"]);
    assert_eq!(d.gone(Role::Talk), ["finish cancelled, leg loose"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
    assert_eq!(d.removed(false), ["delete room"]);
    assert_eq!(d.room_deleted(), [""; 0], "the request is still open");
    assert_eq!(d.place_answered(), ["remove leg"], "there it is");
    assert_eq!(d.removed(true), ["delete room"]);
    assert_eq!(d.room_deleted(), ["leg gone"]);
    assert_eq!(d.deadline, None);
}

#[test]
fn answered_in_the_very_moment_of_the_cancel() {
    let mut d = Desk::ringing();
    d.hang_up();
    assert_eq!(d.place_answered(), ["remove leg"]);
    assert_eq!(d.status(Role::Talk, LegStatus::Active), [""; 0]);
    assert_eq!(d.removed(true), ["leave talk 1", "delete room"]);
    d.removed(false);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish cancelled"]);
    assert_eq!(d.finish().answered_unix_ms, None);
}

#[test]
fn answered_and_gone_again_before_the_answer_was_seen() {
    let mut d = Desk::ringing();
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    let said = d.place_answered();
    assert_eq!(
        said,
        ["log answered", "leave talk 1", "delete room", "close"]
    );
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish far_end_hung_up"]);
    assert!(d.finish().answered_unix_ms.is_some());
}

#[test]
fn a_cancel_that_the_server_never_answers_still_ends_and_is_retried() {
    let mut d = Desk::ringing();
    d.hang_up();
    assert_eq!(d.wait_ms(2_500), ["delete room"]);
    assert_eq!(d.wait_ms(2_500), ["leave talk 1"]);
    assert_eq!(d.wait_s(2), ["finish cancelled, leg loose"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
}

#[test]
fn the_connection_is_lost_while_it_rings() {
    let mut d = Desk::ringing();
    let said = d.closed(Role::Talk, LeaveReason::Unknown);
    assert_eq!(said, ["remove leg", "close", "ringback false"]);
    assert_eq!(d.removed(true), ["delete room"]);
    assert_eq!(d.room_deleted(), ["finish connection_lost"]);
}

#[test]
fn the_room_is_deleted_while_it_rings() {
    let mut d = Desk::ringing();
    let said = d.closed(Role::Talk, LeaveReason::RoomDeleted);
    assert_eq!(said, ["delete room", "close", "ringback false"]);
    assert_eq!(d.said("remove leg"), 0);
}

#[test]
fn a_leg_that_comes_after_the_server_was_not_heard_is_dropped_all_the_same() {
    let mut d = Desk::dialling();
    let detail = "connection reset".into();
    d.place_failed(PlaceFailure::Unreachable { detail });
    for _ in 1..12 {
        d.removed(false);
        assert_eq!(d.wait_ms(250), ["remove leg"]);
    }
    assert_eq!(d.removed(false), ["delete room"]);
    d.room_deleted();
    assert_eq!(d.gone(Role::Talk), ["finish no_network, leg loose"]);
    assert_eq!(d.wait_s(3), ["remove leg"]);
    assert_eq!(d.removed(true), ["delete room"], "it came");
    assert_eq!(d.room_deleted(), ["leg gone"]);
}
