//! Calls that we take: how long it takes until it rings here, and from our answer until each side hears the other.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use stage::{Inbound, SPEAKER, Terminal, line::State};

use crate::{
    journal::{Journal, Measure},
    outbound::first_heard,
    place::{CALLER, OUR_TONE, PATIENCE, Place, THEIR_TONE, time_in, when},
    tap::Tap,
};

static RINGS: Measure = Measure {
    key: "called_to_offered_ms",
    name: "somebody calls -> it rings here",
    unit: "ms",
};
static ANSWERED: Measure = Measure {
    key: "answer_to_answered_ms",
    name: "we answer -> the caller's phone is answered",
    unit: "ms",
};
static WE_HEAR: Measure = Measure {
    key: "own_answer_to_heard_here_ms",
    name: "we answer -> their tone at our speaker",
    unit: "ms",
};
static THEY_HEAR: Measure = Measure {
    key: "own_answer_to_heard_there_ms",
    name: "we answer -> the phone has heard 0.1 s of us",
    unit: "ms",
};

/// `count` calls from a phone that says a tone, each answered half a second after it rings, while our microphone hears another.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let ear = Tap::on(&place.stage, &format!("{SPEAKER}.monitor"))?;
    let mut desk = place
        .app
        .terminal(&["wait", "--answer-after", "500ms", "--for", "1500ms"])?;
    desk.wait_for(is_ready, PATIENCE)?;
    for run in 1..=count {
        // The desk looks once a second: without this all calls would come at the same moment of its beat.
        std::thread::sleep(Duration::from_millis(137 * (run as u64 % 8)));
        match one(place, &ear, &mut desk) {
            Ok([rings, answered, we_hear, they_hear]) => {
                println!(
                    "   {run:>2}  rings {rings:6.1} ms  answered {answered:6.1} ms  heard here {we_hear:6.1} ms  \
                     heard there {they_hear:6.1} ms"
                );
                journal.value(&RINGS, run, rings);
                journal.value(&ANSWERED, run, answered);
                journal.value(&WE_HEAR, run, we_hear);
                journal.value(&THEY_HEAR, run, they_hear);
            }
            Err(error) => journal.void(&RINGS, run, &format!("{error:#}")),
        }
    }
    desk.process().interrupt()?;
    desk.finish(PATIENCE)?;
    Ok(())
}

/// Whether this line of the program says that calls can be placed and ring here.
pub(crate) fn is_ready(line: &Value) -> bool {
    has(line, "event", "line") && has(line, "state", "ready")
}

fn has(line: &Value, field: &str, value: &str) -> bool {
    line.get(field).and_then(Value::as_str) == Some(value)
}

/// Milliseconds: call to ring, our answer to theirs, to sound here, to sound there.
fn one(place: &Place, ear: &Tap, desk: &mut Terminal) -> Result<[f64; 4]> {
    let before = place.newest_event()?;
    let says = format!("tone:{THEIR_TONE}");
    let call = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER).says(&says))?;
    let offered = desk.wait_for(|line| has(line, "state", "offered"), PATIENCE)?;
    // What comes next is what the answer did: it has no line of its own.
    let answer = desk.wait_for(
        |line| has(line, "event", "state") && !has(line, "state", "offered"),
        PATIENCE,
    )?;
    desk.wait_for(|line| has(line, "event", "end"), PATIENCE)?;
    place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)?;
    let events = place.events_since(before)?;
    let answer = time_in(&answer, "at_ms")?;
    let answered = when(&events, "answered")?;
    ear.wait_until(answer + 1.4, PATIENCE)?;
    Ok([
        (time_in(&offered, "at_ms")? - when(&events, "called")?) * 1e3,
        (answered - answer) * 1e3,
        (first_heard(ear, answer, 1.4)? - answer) * 1e3,
        (when(&events, "sound")? - answer) * 1e3,
    ])
}
