//! From the start of the program to the moment it can be used.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use stage::USABLE;

use crate::{
    inbound::is_ready,
    journal::{Journal, Measure},
    place::{PATIENCE, Place, time_in},
    tap::now,
};

static WINDOW: Measure = Measure {
    key: "window_usable_ms",
    name: "window: start -> usable",
    unit: "ms",
};
static TERMINAL: Measure = Measure {
    key: "terminal_ready_ms",
    name: "terminal: start -> line ready",
    unit: "ms",
};

/// Starts of the window.
const WINDOWS: usize = 5;
/// Starts of the terminal command.
const TERMINALS: usize = 10;

/// Both, one after the other.
pub(crate) fn measure(place: &Place, journal: &mut Journal) -> Result<()> {
    for run in 1..=WINDOWS {
        let mut app = place.app.open_usable(Duration::from_secs(60))?;
        let ms = last_usable(&fs::read_to_string(place.app.log())?)
            .context("the log does not tell when the window was usable")?;
        println!("   {run:>2}  window usable after {ms:.0} ms");
        journal.value(&WINDOW, run, ms);
        app.stop();
    }
    for run in 1..=TERMINALS {
        let started = now();
        let mut desk = place.app.terminal(&["wait"])?;
        let ready = desk.wait_for(is_ready, PATIENCE)?;
        let ms = (time_in(&ready, "at_ms")? - started) * 1e3;
        println!("   {run:>2}  line ready after {ms:.0} ms");
        journal.value(&TERMINAL, run, ms);
        desk.process().interrupt()?;
        desk.finish(PATIENCE)?;
    }
    Ok(())
}

/// The milliseconds of the newest start in a log.
fn last_usable(log: &str) -> Option<f64> {
    let (_, rest) = log.rsplit_once(USABLE)?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_start_of_a_log_counts() {
        let log = "INFO usable ms=900 since_main_ms=850\nINFO usable ms=610 since_main_ms=570\nINFO more\n";
        assert_eq!(last_usable(log), Some(610.0));
        assert_eq!(last_usable("INFO nothing"), None);
    }

    #[test]
    fn the_mark_is_the_one_that_the_app_writes() {
        assert!(USABLE.ends_with("ms="), "{USABLE}");
    }
}
