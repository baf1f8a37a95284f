//! The delay of sound: chirps into the microphone, heard again at the speaker by way of a phone that sends them back.

use anyhow::{Context, Result, bail};
use serde_json::json;
use stage::{MICROPHONE, Recording, SPEAKER, line::State};

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

static WITHOUT: Measure = Measure {
    key: "round_trip_terminal_ms",
    name: "mouth -> phone -> ear, from the terminal",
    unit: "ms",
};
static WITH: Measure = Measure {
    key: "round_trip_window_ms",
    name: "mouth -> phone -> ear, the window open",
    unit: "ms",
};

/// Where the call is placed from.
#[derive(Clone, Copy)]
enum From {
    Terminal,
    Window,
}

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
        let outcome = one(place, From::Terminal);
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

/// `count` calls from the terminal and as many in the window, in turn: what the window adds on the way there and back.
pub(crate) fn with_window(place: &Place, journal: &mut Journal, count: usize) -> Result<String> {
    let mut medians = [Vec::new(), Vec::new()];
    for run in 1..=count {
        for ((from, measure), found) in [(From::Terminal, &WITHOUT), (From::Window, &WITH)]
            .into_iter()
            .zip(&mut medians)
        {
            let delays: Vec<f64> = match one(place, from) {
                Ok(delays) => delays.into_iter().flatten().collect(),
                Err(error) => {
                    journal.void(measure, run, &format!("{error:#}"));
                    continue;
                }
            };
            let Some(summary) = Summary::of(&delays).filter(|_| delays.len() * 3 >= CHIRPS * 2)
            else {
                journal.void(measure, run, "too many chirps were lost");
                continue;
            };
            println!(
                "   {run:>2}  {:<40} {:6.1} ms",
                measure.name, summary.median
            );
            journal.value(measure, run, summary.median);
            found.push(summary.median);
        }
    }
    let [without, with] = medians.map(|found| Summary::of(&found).map(|all| all.median));
    Ok(match (without, with) {
        (Some(without), Some(with)) => format!(
            "\nthere and back by way of a phone: {without:.1} ms from the terminal, {with:.1} ms with the window open; it adds {:.1} ms one way\n",
            (with - without) / 2.0
        ),
        _ => String::new(),
    })
}

/// One call: for each chirp the milliseconds from the microphone to the speaker, or that it was lost.
fn one(place: &Place, from: From) -> Result<Vec<Option<f64>>> {
    let mouth = Tap::on(&place.stage, &format!("{MICROPHONE}.monitor"))?;
    let ear = Tap::on(&place.stage, &format!("{SPEAKER}.monitor"))?;
    let began = match from {
        From::Terminal => {
            let mut call = place.app.terminal(&["dial", ECHO_NUMBER, "--for", LASTS])?;
            call.wait_for(
                |line| line.get("state").is_some_and(|state| state == "live"),
                PATIENCE,
            )?;
            let began = speak(place, &ear)?;
            let ended = call.finish(PATIENCE)?;
            answered_end(&ended)?;
            began
        }
        From::Window => {
            let mut app = place.app.open_usable(PATIENCE)?;
            let call = place.dial_in_window(ECHO_NUMBER)?;
            let phones = &place.line.phones;
            let began = speak(place, &ear)?;
            phones.hang_up(&call.id)?;
            phones.wait_until(&call.id, State::Over, PATIENCE)?;
            app.stop();
            began
        }
    };
    let (sent, heard) = (times(&mouth.heard(), began)?, times(&ear.heard(), began)?);
    if sent.len() != CHIRPS {
        bail!("the microphone heard {} of {CHIRPS} chirps", sent.len());
    }
    Ok(chirp::delays(&sent, &heard, WITHIN)
        .into_iter()
        .map(|delay| delay.map(|delay| delay * 1e3))
        .collect())
}

/// Says all chirps into the microphone and waits until the last may have come back; answers when it began.
fn speak(place: &Place, ear: &Tap) -> Result<f64> {
    let began = now();
    let chirps = Recording::new(chirp::train(LEAD, &GAPS));
    place.stage.sound.speak(chirps)?.wait(PATIENCE)?;
    ear.wait_until(now() + WITHIN, PATIENCE)?;
    Ok(began)
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
