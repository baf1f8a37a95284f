//! Calls that we place: how long until the phone is called, and until each side hears the other.

use anyhow::{Context, Result, bail};
use stage::SPEAKER;

use crate::{
    journal::{Journal, Measure},
    onset,
    place::{OUR_TONE, PATIENCE, Place, THEIR_TONE, TONE_NUMBER, answered_end, time_in, when},
    tap::{Tap, now},
};

static PLACED: Measure = Measure {
    key: "dial_to_called_ms",
    name: "dial -> leg placed (the phone is called)",
    unit: "ms",
};
static FROM_START: Measure = Measure {
    key: "process_to_called_ms",
    name: "process started -> leg placed",
    unit: "ms",
};
static WE_HEAR: Measure = Measure {
    key: "answer_to_heard_here_ms",
    name: "they answer -> their tone at our speaker",
    unit: "ms",
};
static THEY_HEAR: Measure = Measure {
    key: "answer_to_heard_there_ms",
    name: "they answer -> the phone has heard 0.1 s of us",
    unit: "ms",
};

/// `count` calls to a phone that answers with a tone, while our microphone hears another.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let ear = Tap::on(&place.stage, &format!("{SPEAKER}.monitor"))?;
    for run in 1..=count {
        match one(place, &ear) {
            Ok([placed, from_start, we_hear, they_hear]) => {
                println!(
                    "   {run:>2}  placed {placed:6.1} ms  heard here {we_hear:6.1} ms  heard there {they_hear:6.1} ms"
                );
                journal.value(&PLACED, run, placed);
                journal.value(&FROM_START, run, from_start);
                journal.value(&WE_HEAR, run, we_hear);
                journal.value(&THEY_HEAR, run, they_hear);
            }
            Err(error) => journal.void(&PLACED, run, &format!("{error:#}")),
        }
    }
    Ok(())
}

/// Milliseconds: dial to leg, process to leg, answer to sound here, answer to sound there.
fn one(place: &Place, ear: &Tap) -> Result<[f64; 4]> {
    let before = place.newest_event()?;
    let started = now();
    let ended = place
        .app
        .terminal_to_end(&["dial", TONE_NUMBER, "--for", "1500ms"], PATIENCE)?;
    let end = answered_end(&ended)?;
    let dialled = time_in(end, "started_unix_ms")?;
    let events = place.events_since(before)?;
    let called = when(&events, "called")?;
    let answered = when(&events, "answered")?;
    let sound = when(&events, "sound")?;
    ear.wait_until(answered + 1.4, PATIENCE)?;
    let heard = first_heard(ear, answered, 1.4)?;
    if called < dialled {
        bail!("the phone was called before it was dialled: the clock was set");
    }
    Ok([
        (called - dialled) * 1e3,
        (called - started) * 1e3,
        (heard - answered) * 1e3,
        (sound - answered) * 1e3,
    ])
}

/// When the tone of the far end began at our speaker, from shortly before `moment` to `within` seconds after it.
pub(crate) fn first_heard(ear: &Tap, moment: f64, within: f64) -> Result<f64> {
    let heard = ear.heard();
    let (samples, from) = heard
        .between(moment - 0.1, moment + within)
        .context("nothing was recorded then")?;
    Ok(from + onset::onset(samples, THEIR_TONE)?)
}
