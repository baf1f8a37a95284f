//! Handing the far end over by REFER: what worked, what did not, and that nobody is lost on the way.

use call::input::{LegFact, RoomFact, TransferFailure};
use call::output::{LegCommand, TransferTarget};
use call::state::{CallState, LeaveReason, LegStatus};
use call::view::{TransferState, TransferView};
use call::{Output, Role};

use crate::support::{Desk, leg_of};

const TO: &str = "+1 312 555 0188";

fn asked() -> Desk {
    let mut d = Desk::live();
    assert!(d.view().can_transfer);
    assert_eq!(d.transfer(TO), ["transfer"]);
    d
}

fn failed(d: &Desk) -> String {
    match d.view().transfer {
        Some(TransferView {
            state: TransferState::Failed { what },
            ..
        }) => what,
        other => panic!("{other:?}"),
    }
}

fn refused_with(d: &mut Desk, code: u16) -> Vec<String> {
    d.server(LegFact::TransferFailed(TransferFailure::Sip { code }))
}

#[test]
fn the_far_end_is_handed_over_and_the_bridge_ends_the_leg() {
    let mut d = asked();
    assert_eq!(d.view().words, "Transferring to (312) 555-0188");
    assert!(!d.view().can_transfer);
    assert_eq!(d.server(LegFact::Transferred), [""; 0]);
    assert_eq!(d.view().words, "Transferred to (312) 555-0188");
    d.wait_s(1);
    assert_eq!(
        d.status(Role::Talk, LegStatus::Hangup),
        ["leave talk 1", "close"],
        "no tone: nobody was taken from us"
    );
    assert_eq!(d.end().title(), "Transferred to (312) 555-0188");
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    d.gone(Role::Talk);
    d.room_deleted();
    let finish = d.finish();
    assert_eq!(finish.reason.code(), "transferred");
    assert_eq!(
        finish.facts.transferred_to.as_deref(),
        Some("(312) 555-0188")
    );
}

#[test]
fn the_server_is_told_where_to_and_how_long_to_wait() {
    let mut d = asked();
    d.server(LegFact::TransferFailed(TransferFailure::NoOutcome));
    d.transfer("sip:ada@example.com:5061;transport=tls");
    let asked: Vec<_> = d
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Leg(LegCommand::Transfer {
                to, leg, within, ..
            }) => Some((to.clone(), leg.clone(), within.as_secs())),
            _ => None,
        })
        .collect();
    let number = TransferTarget::Number("+13125550188".into());
    let address = TransferTarget::Address("sip:ada@example.com:5061;transport=tls".into());
    assert_eq!(
        asked,
        [(number, leg_of("c1"), 30), (address, leg_of("c1"), 30)]
    );
    assert_eq!(d.view().transfer.unwrap().to, "ada@example.com:5061");
}

#[test]
fn a_leg_that_does_not_go_by_itself_is_ended() {
    let mut d = asked();
    d.server(LegFact::Transferred);
    assert_eq!(d.wait_s(5), ["alive", "end leg", "close"]);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn the_leave_alone_is_an_end_too() {
    let mut d = asked();
    d.server(LegFact::Transferred);
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn the_connection_is_lost_after_it_worked() {
    let mut d = asked();
    d.server(LegFact::Transferred);
    d.closed(Role::Talk, LeaveReason::Unknown);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn refused_the_far_end_stays_and_it_can_be_tried_again() {
    let mut d = asked();
    assert_eq!(refused_with(&mut d, 603), [""; 0]);
    let what = failed(&d);
    assert!(what.starts_with("Your provider refused to transfer the call"));
    assert!(
        what.ends_with("The other side is still with you."),
        "{what}"
    );
    assert_eq!(d.view().words, "In call");
    assert!(d.view().can_transfer);
    assert_eq!(d.transfer(TO), ["transfer"]);
    d.wait_s(20);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn every_refusal_says_what_happened_and_that_nobody_is_lost() {
    let mut said = std::collections::HashSet::new();
    for code in [
        302, 401, 403, 404, 408, 429, 480, 486, 487, 500, 503, 600, 603, 606, 999,
    ] {
        let mut d = Desk::talking();
        d.transfer(TO);
        refused_with(&mut d, code);
        let what = failed(&d);
        assert!(what.ends_with("The caller is still with you."), "{what}");
        assert!(!what.contains(char::is_numeric), "no code as a headline");
        assert_eq!(d.state(), CallState::Live);
        said.insert(what);
    }
    assert!(said.len() >= 6);
}

#[test]
fn nobody_ever_says_what_became_of_it() {
    let mut d = asked();
    d.wait_s(34);
    assert_eq!(d.view().transfer.unwrap().state, TransferState::Asked);
    d.wait_s(1);
    assert!(failed(&d).starts_with("Your provider did not say"));
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn it_worked_after_we_had_given_up() {
    let mut d = asked();
    d.wait_s(40);
    d.server(LegFact::Transferred);
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "transferred");
}

#[test]
fn an_outcome_told_twice_or_unasked_changes_nothing() {
    let mut d = Desk::live();
    assert_eq!(d.server(LegFact::Transferred), [""; 0]);
    refused_with(&mut d, 603);
    assert_eq!(d.view().transfer, None);
    d.transfer(TO);
    d.server(LegFact::Transferred);
    refused_with(&mut d, 603);
    assert_eq!(d.view().transfer.unwrap().state, TransferState::Done);
}

#[test]
fn the_far_end_hangs_up_while_it_is_handed_over() {
    let mut d = asked();
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.end().code(), "far_end_hung_up");
    assert_eq!(d.said("end tone"), 1);
}

#[test]
fn we_hang_up_while_it_is_handed_over() {
    let mut d = asked();
    assert_eq!(d.hang_up(), ["end leg", "close"]);
    d.server(LegFact::Transferred);
    assert_eq!(d.end().code(), "hung_up");
}

#[test]
fn held_and_muted_are_as_before_when_it_fails() {
    let mut d = Desk::live();
    d.mute(true);
    d.set_held(true);
    assert_eq!(
        d.transfer(TO),
        ["transfer"],
        "nothing is said to the far end"
    );
    assert_eq!(refused_with(&mut d, 486), [""; 0]);
    assert!(d.view().held && d.view().muted);
}

#[test]
fn only_a_call_that_is_up_is_handed_over() {
    let before: [(&str, fn() -> Desk); 4] = [
        ("joining", Desk::joining),
        ("ringing", Desk::ringing),
        ("offered", Desk::offered),
        ("answering", Desk::answering),
    ];
    for (name, make) in before {
        let mut d = make();
        assert!(!d.view().can_transfer, "{name}");
        assert_eq!(d.transfer(TO), [""; 0], "{name}");
        assert_eq!(d.notice(), Some("no_transfer"), "{name}");
        assert_eq!(d.view().transfer, None, "{name}");
    }
}

#[test]
fn one_transfer_at_a_time_and_none_while_the_connection_is_rebuilt() {
    let mut d = asked();
    assert_eq!(d.transfer(TO), [""; 0]);
    assert_eq!(d.notice(), Some("no_transfer"));
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    assert!(!d.view().can_transfer);
    assert_eq!(d.transfer(TO), [""; 0]);
    d.talk(RoomFact::Reconnected);
    assert!(d.view().can_transfer);
}

#[test]
fn nonsense_is_refused_in_a_sentence_and_touches_nothing() {
    let mut d = Desk::live();
    for typed in [
        "",
        "555-CALL",
        "sip:a b@c",
        "ada@example.com",
        "tel:1;ext=2",
    ] {
        assert_eq!(d.transfer(typed), [""; 0], "{typed}");
        assert_eq!(d.notice(), Some("bad_target"), "{typed}");
        assert_eq!(d.view().transfer, None);
        assert!(d.view().can_transfer);
    }
}
