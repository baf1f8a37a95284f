//! The delay of sound: chirps into the microphone, heard again at the speaker by way of a phone that sends them back.

use anyhow::{Context, Result, bail};
use serde_json::json;
use stage::{MICROPHONE, Recording, SPEAKER};

use crate::{
    chirp::{self, RATE},
    conditions::Conditions,
    journal::{Journal, Measure},
    place::{ECHO_NUMBER, PATIENCE, Place, answered_end},
    statistics::Summary,
    tap::{Heard, Tap, now},
};

static ROUND_TRIP: Measure = Measure {
    key: "round_trip_ms",
    name: "mouth -> phone -> ear, medians of calls",
    unit: "ms",
};
static HALF: Measure = Measure {
    key: "round_trip_half_ms",
    name: "half of that (lower bound of one way)",
    unit: "ms",
};
static EVERY: Measure = Measure {
    key: "round_trip_each_ms",
    name: "mouth -> phone -> ear, every chirp",
    unit: "ms",
};
static LOST: Measure = Measure {
    key: "chirps_lost",
    name: "chirps lost of a call",
    unit: "chirps",
};

/// Chirps in one call.
const CHIRPS: usize = 10;
/// Silence before the first, in seconds: the call settles.
const LEAD: f64 = 0.7;
/// From one to the next, in seconds; uneven, so that they do not always meet the same beat of 10 or 20 ms.
const GAPS: [f64; CHIRPS] = [
    0.613, 0.597, 0.651, 0.608, 0.639, 0.602, 0.627, 0.644, 0.591, 0.7,
];
/// How long a call lasts: longer than all its chirps and their echoes.
const LASTS: &str = "10s";
/// An echo that comes later than this, in seconds, belongs to the next chirp.
const WITHIN: f64 = 0.55;

/// `count` fresh calls; answers a table of them.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<String> {
    let mut table = format!(
        "\nmouth -> phone -> ear, each call\n{:>4} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9}\n",
        "call", "min", "median", "p95", "max", "lost", "pressure"
    );
    for run in 1..=count {
        let before = Conditions::now();
        let outcome = one(place);
        let pressure = before.pressure_until(&Conditions::now());
        let shown = pressure.map_or_else(|| "-".to_owned(), |share| format!("{share:.0} %"));
        let delays = match outcome {
            Ok(delays) => delays,
            Err(error) => {
                journal.void(&ROUND_TRIP, run, &format!("{error:#}"));
                table.push_str(&format!("{run:>4} void: {error:#}\n"));
                continue;
            }
        };
        let found: Vec<f64> = delays.iter().flatten().copied().collect();
        let lost = delays.len() - found.len();
        journal.write(&json!({
            "kind": "chirps", "run": run, "delays_ms": delays, "lost": lost, "cpu_pressure_during": pressure,
        }));
        let Some(summary) = Summary::of(&found).filter(|_| lost * 3 <= delays.len()) else {
            let why = format!("{lost} of {} chirps were lost", delays.len());
            table.push_str(&format!("{run:>4} void: {why}\n"));
            journal.void(&ROUND_TRIP, run, &why);
            continue;
        };
        let row = format!(
            "{run:>4} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {lost:>6} {shown:>9}\n",
            summary.min, summary.median, summary.p95, summary.max
        );
        print!("{row}");
        table.push_str(&row);
        journal.value(&ROUND_TRIP, run, summary.median);
        journal.value(&HALF, run, summary.median / 2.0);
        for delay in found {
            journal.value(&EVERY, run, delay);
        }
        journal.value(&LOST, run, lost as f64);
    }
    Ok(table)
}

/// One call: for each chirp the milliseconds from the microphone to the speaker, or that it was lost.
fn one(place: &Place) -> Result<Vec<Option<f64>>> {
    let sound = &place.stage.sound;
    let mouth = Tap::on(&place.stage, &format!("{MICROPHONE}.monitor"))?;
    let ear = Tap::on(&place.stage, &format!("{SPEAKER}.monitor"))?;
    let mut call = place.app.terminal(&["dial", ECHO_NUMBER, "--for", LASTS])?;
    call.wait_for(
        |line| line.get("state").is_some_and(|state| state == "live"),
        PATIENCE,
    )?;
    let began = now();
    let mut chirps = sound.speak(Recording::new(chirp::train(LEAD, &GAPS)))?;
    chirps.wait(PATIENCE)?;
    ear.wait_until(now() + WITHIN, PATIENCE)?;
    let ended = call.finish(PATIENCE)?;
    answered_end(&ended)?;
    let (sent, heard) = (times(&mouth.heard(), began)?, times(&ear.heard(), began)?);
    if sent.len() != CHIRPS {
        bail!("the microphone heard {} of {CHIRPS} chirps", sent.len());
    }
    Ok(chirp::delays(&sent, &heard, WITHIN)
        .into_iter()
        .map(|delay| delay.map(|delay| delay * 1e3))
        .collect())
}

/// When chirps were heard since `from` (seconds since 1970).
fn times(heard: &Heard, from: f64) -> Result<Vec<f64>> {
    let (samples, first) = heard.between(from, now()).context("nothing was recorded")?;
    Ok(chirp::find(samples)
        .into_iter()
        .map(|place| first + place / RATE)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_never_taken_for_that_of_the_next_chirp() {
        for gap in GAPS {
            assert!(gap > WITHIN, "{gap}");
        }
    }
}
