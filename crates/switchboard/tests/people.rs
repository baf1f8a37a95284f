//! Several people in a call, and handing it over, against a real server with the phones of the demo line.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

mod support;

use std::time::{Duration, Instant};

use call::input::{LegFact, PlaceFailure, TransferFailure};
use call::output::{LegCommand, TransferTarget};
use call::{Identity, RoomName};
use stage::Line;
use stage::line::Report;
use support::{Desk, PATIENCE, RINGS, answered, call, dial, look, remove, start_line};

fn person(name: &str) -> Identity {
    Identity::parse(&format!("leg-{name}")).unwrap()
}

fn place_person(id: &str, name: &str, to: &str) -> LegCommand {
    LegCommand::PlacePerson {
        call: call(id),
        room: RoomName::outbound(&call(id)),
        leg: person(name),
        to: to.into(),
        line: None,
        caller_id: None,
        ring_for: RINGS,
    }
}

fn transfer(id: &str, to: TransferTarget, within: Duration) -> LegCommand {
    LegCommand::Transfer {
        call: call(id),
        room: RoomName::outbound(&call(id)),
        leg: Identity::leg(&call(id)),
        to,
        within,
    }
}

fn number(text: &str) -> TransferTarget {
    TransferTarget::Number(text.into())
}

fn part(id: &str, legs: &[Identity], apart: bool) -> LegCommand {
    LegCommand::Part {
        call: call(id),
        room: RoomName::outbound(&call(id)),
        legs: legs.to_vec(),
        apart,
    }
}

/// The phone that was called under this number.
fn phone(line: &Line, number: &str) -> Report {
    line.phones
        .wait_for_call(|report| report.to == number, PATIENCE)
        .unwrap()
}

/// Does a phone hear something (or nothing), sooner or later? Windows are short so that what was heard before the change does
/// not count.
fn comes_to_hear(line: &Line, id: &str, something: bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let heard = line
            .phones
            .listen(id, Duration::from_secs(1))
            .unwrap()
            .heard;
        if (heard.seconds > 0.5) == something && (something || heard.seconds < 0.05) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_dialled_beside_the_call_and_dropped_by_name() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    let id = call("people");
    desk.tell(dial("people", "+12125550100", RINGS)).await;
    assert_eq!(desk.leg_fact(&id).await, answered(id.as_str()));
    desk.tell(place_person("people", "ann", "+12125550117"))
        .await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::PersonAnswered { leg: person("ann") }
    );

    // One that rings for ever holds nobody up, and is dropped alone.
    desk.tell(place_person("people", "bea", "+12125550105"))
        .await;
    let rings = line
        .phones
        .wait_for_call(
            |report| report.to == "+12125550105" && report.rang,
            PATIENCE,
        )
        .unwrap();
    desk.tell(place_person("people", "cid", "+12125550111"))
        .await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::PersonFailed {
            leg: person("cid"),
            failure: PlaceFailure::Sip { code: 486 }
        }
    );
    desk.tell(look("people")).await;
    assert!(matches!(
        desk.leg_fact(&id).await,
        LegFact::Looked { leg: Some(_), .. }
    ));
    desk.tell(LegCommand::Remove {
        call: id.clone(),
        room: RoomName::outbound(&id),
        identity: person("bea"),
    })
    .await;
    let (mut removed, mut cancelled) = (false, false);
    while !(removed && cancelled) {
        match desk.leg_fact(&id).await {
            LegFact::Removed { found: true } => removed = true,
            LegFact::PersonFailed {
                leg,
                failure: PlaceFailure::Cancelled,
            } if leg == person("bea") => cancelled = true,
            other => panic!("{other:?}"),
        }
    }
    let report = line
        .phones
        .wait_for(&rings.id, |report| report.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended.unwrap().code, Some(487));
    for number in ["+12125550100", "+12125550117"] {
        assert!(!phone(&line, number).over, "{number} talks on");
    }
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_dialled_without_an_account() {
    let mut desk = Desk::with(None);
    let id = call("out");
    desk.tell(place_person("out", "ann", "+12125550100")).await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::PersonFailed {
            leg: person("ann"),
            failure: PlaceFailure::NotSignedIn
        }
    );
    desk.tell(transfer("out", number("+12125550100"), RINGS))
        .await;
    assert!(matches!(
        desk.leg_fact(&id).await,
        LegFact::TransferFailed(TransferFailure::Other { .. })
    ));
    desk.tell(part("out", &[person("ann")], true)).await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::Parted {
            apart: true,
            done: false
        }
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_that_are_parted_do_not_hear_each_other_until_they_are_let() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    let id = call("parted");
    desk.tell(dial("parted", "+12125550100", RINGS)).await;
    assert_eq!(desk.leg_fact(&id).await, answered(id.as_str()));
    let one = Identity::leg(&id);
    let both = [one.clone(), person("ann")];

    // Whoever is not there yet cannot be kept apart, and that is said.
    desk.tell(part("parted", &both, true)).await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::Parted {
            apart: true,
            done: false
        }
    );
    desk.tell(place_person("parted", "ann", "+12125550117"))
        .await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::PersonAnswered { leg: person("ann") }
    );
    let silent = phone(&line, "+12125550117").id;
    let tone = phone(&line, "+12125550100").id;
    assert!(comes_to_hear(&line, &silent, true), "both are in one room");

    for apart in [true, true, false, false, true] {
        let deadline = Instant::now() + PATIENCE;
        loop {
            desk.tell(part("parted", &both, apart)).await;
            match desk.leg_fact(&id).await {
                LegFact::Parted { apart: of, done } => {
                    assert_eq!(of, apart);
                    if done {
                        break;
                    }
                }
                other => panic!("{other:?}"),
            }
            assert!(Instant::now() < deadline, "never done");
        }
        assert!(
            comes_to_hear(&line, &silent, !apart),
            "apart: {apart}, and yet"
        );
    }
    line.phones.say(&silent, "tone:700").unwrap();
    assert!(comes_to_hear(&line, &tone, false), "apart both ways");
    desk.tell(part("parted", &both, false)).await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::Parted {
            apart: false,
            done: true
        }
    );
    assert!(comes_to_hear(&line, &tone, true), "together both ways");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_refused_leaves_the_call_and_one_that_is_not_ends_it() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    let id = call("handed");
    desk.tell(dial("handed", "+12125550100", RINGS)).await;
    assert_eq!(desk.leg_fact(&id).await, answered(id.as_str()));
    let phone = phone(&line, "+12125550100").id;
    for (ending, code) in [("13", 603), ("11", 486), ("16", 403)] {
        desk.tell(transfer(
            "handed",
            number(&format!("+121255501{ending}")),
            RINGS,
        ))
        .await;
        assert_eq!(
            desk.leg_fact(&id).await,
            LegFact::TransferFailed(TransferFailure::Sip { code })
        );
    }
    // Nobody says how it went; meanwhile others are served.
    desk.tell(transfer(
        "handed",
        number("+12125550105"),
        Duration::from_secs(3),
    ))
    .await;
    desk.tell(look("handed")).await;
    assert!(matches!(
        desk.leg_fact(&id).await,
        LegFact::Looked { leg: Some(_), .. }
    ));
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::TransferFailed(TransferFailure::NoOutcome)
    );
    assert!(!line.phones.call(&phone).unwrap().over);

    // The bridge may take a moment to let go of the one that nobody answered.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let address = TransferTarget::Address("sip:+12125550102@pbx.example".into());
        desk.tell(transfer("handed", address, RINGS)).await;
        match desk.leg_fact(&id).await {
            LegFact::Transferred => break,
            LegFact::TransferFailed(TransferFailure::Other { detail })
                if detail.contains("pending") && Instant::now() < deadline => {}
            other => panic!("{other:?}"),
        }
    }
    let report = line
        .phones
        .wait_for(&phone, |report| report.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended_by(), Some("transfer"));
    let asked: Vec<_> = report
        .events
        .iter()
        .filter(|event| event.what == "transfer" && event.detail.contains("asked"))
        .map(|event| event.detail.as_str())
        .collect();
    assert!(asked[0].contains("tel:+12125550113"), "{asked:?}");
    assert!(
        asked
            .last()
            .unwrap()
            .contains("sip:+12125550102@pbx.example"),
        "{asked:?}"
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_is_gone_cannot_be_handed_over() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    let id = call("gone");
    desk.tell(dial("gone", "+12125550100", RINGS)).await;
    assert_eq!(desk.leg_fact(&id).await, answered(id.as_str()));
    desk.tell(remove("gone")).await;
    assert_eq!(desk.leg_fact(&id).await, LegFact::Removed { found: true });
    desk.tell(transfer("gone", number("+12125550100"), RINGS))
        .await;
    assert_eq!(
        desk.leg_fact(&id).await,
        LegFact::TransferFailed(TransferFailure::NotUp)
    );
    desk.tell(transfer(
        "gone",
        TransferTarget::Address("nonsense".into()),
        RINGS,
    ))
    .await;
    assert!(matches!(
        desk.leg_fact(&id).await,
        LegFact::TransferFailed(_)
    ));
    desk.end().await;
}
