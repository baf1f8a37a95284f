//! The line starts, answers, steers and measures, and ends with its owner. Needs the demo line to be built.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use serde_json::json;
use stage::{
    Inbound, Line, LineOptions, Scratch,
    line::{Direction, ServerFault, State},
};

const SOON: Duration = Duration::from_secs(10);
const CALLER: &str = "+13125550142";

fn line() -> Line {
    Line::start(LineOptions::default()).unwrap()
}

#[test]
fn a_caller_rings_gives_up_and_is_reported() {
    let line = line();
    let call = Inbound::from(CALLER)
        .named("A caller")
        .says("tone:440")
        .gives_up_after(Duration::from_millis(700));
    let placed = line.phones.place_inbound(&call).unwrap();
    assert_eq!(placed.direction, Direction::Inbound);
    let ringing = line
        .phones
        .wait_until(&placed.id, State::Ringing, SOON)
        .unwrap();
    assert!(ringing.room.starts_with("inbound-"), "{}", ringing.room);
    let over = line
        .phones
        .wait_until(&placed.id, State::Over, SOON)
        .unwrap();
    assert_eq!(over.ended_by(), Some("far"));
    assert!(over.rang && !over.answered);
    assert_eq!(
        line.phones.latest_with(CALLER).unwrap().unwrap().id,
        placed.id
    );
    assert_eq!(
        line.phones
            .wait_for_call(|call| call.over, SOON)
            .unwrap()
            .id,
        placed.id
    );
}

#[test]
fn a_caller_hangs_up_when_told() {
    let line = line();
    // On a very busy machine the server may be too late with its dispatch, and the call ends before it rings.
    let rings = (0..3).find_map(|_| {
        let placed = line.phones.place_inbound(&Inbound::from(CALLER)).unwrap();
        let report = line.phones.wait_until(&placed.id, State::Ringing, SOON);
        report.ok().filter(|report| !report.over)
    });
    let placed = rings.expect("one of three callers rings");
    line.phones.hang_up(&placed.id).unwrap();
    assert!(
        line.phones
            .wait_until(&placed.id, State::Over, SOON)
            .unwrap()
            .over
    );
}

#[test]
fn a_condition_that_never_holds_is_told_with_the_report() {
    let line = line();
    let placed = line.phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    let error = line
        .phones
        .wait_until(&placed.id, State::Active, Duration::from_millis(400))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did not get there") && error.contains(CALLER),
        "{error}"
    );
}

#[test]
fn numbers_are_listed_changed_and_put_back() {
    let line = line();
    let before = line.phones.numbers().unwrap();
    assert!(before.len() >= 20, "{} numbers", before.len());
    let changed = line
        .phones
        .set_number("00", &json!({ "answer_after_ms": 0, "says": "tone:700" }))
        .unwrap();
    assert!(changed.changed);
    assert_eq!(changed.script["says"], "tone:700");
    line.phones.reset_numbers().unwrap();
    assert!(
        line.phones
            .numbers()
            .unwrap()
            .iter()
            .all(|number| !number.changed)
    );
}

#[test]
fn a_refusal_is_one_sentence() {
    let line = line();
    let error = line.phones.call("SCL_none").unwrap_err().to_string();
    assert!(error.contains("404"), "{error}");
    let error = line
        .phones
        .set_number("00", &json!({ "says": "a song" }))
        .unwrap_err()
        .to_string();
    assert!(error.contains("the line refused"), "{error}");
}

#[test]
fn the_server_can_be_killed_and_comes_back_on_the_same_port() {
    let line = Line::start(LineOptions {
        child: true,
        ..LineOptions::default()
    })
    .unwrap();
    assert_eq!(
        line.phones.server(ServerFault::Kill).unwrap().server,
        "stopped"
    );
    let started = line.phones.server(ServerFault::Start).unwrap();
    assert_eq!(started.server, "running");
    assert!(line.phones.place_inbound(&Inbound::from(CALLER)).is_ok());
}

#[test]
fn the_line_ends_with_its_owner() {
    let line = line();
    let phones = line.phones.clone();
    phones.faults().unwrap();
    drop(line);
    let error = phones.faults().unwrap_err().to_string();
    assert!(error.contains("does not answer"), "{error}");
}

#[test]
fn a_written_ready_line_leads_others_to_the_line() {
    let scratch = Scratch::new("test").unwrap();
    let file = scratch.path().join("ready.json");
    let line = line();
    line.write_ready(&file).unwrap();
    let read = stage::line::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        (read.url, read.secret),
        (line.ready.url.clone(), line.ready.secret.clone())
    );
    assert!(
        line.write_ready(&file).is_err(),
        "a file that is there is not overwritten"
    );
    assert!(!format!("{line:?}").contains(&line.ready.secret));
}

#[test]
fn something_else_than_a_ready_line_is_refused() {
    assert!(stage::line::parse("{}").is_err());
    assert!(stage::line::parse("").is_err());
    let ready = stage::line::parse(
        r#"{"url":"ws://h","key":"k","secret":"hidden","control":"http://h","more":1}"#,
    )
    .unwrap();
    assert!(!format!("{ready:?}").contains("hidden"));
}
