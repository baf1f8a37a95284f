//! How soon the window is there: with the program, and made anew after it was forgotten. In parts, as the program tells them
//! in its log.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use stage::{MAIN_WINDOW, Tray, USABLE};

use crate::{
    journal::{Journal, Measure},
    place::{PATIENCE, Place},
    ways::Ways,
};

static VISIBLE: Measure = Measure {
    key: "visible_ms",
    name: "start -> window on the screen",
    unit: "ms",
};
static USABLE_AFTER: Measure = Measure {
    key: "usable_ms",
    name: "start -> dialler usable",
    unit: "ms",
};
static AGAIN: Measure = Measure {
    key: "window_again_ms",
    name: "forgotten window: asked for -> usable",
    unit: "ms",
};

/// Stands in the log before what was reached when.
const PARTS: &str = "start in parts, ms: ";

/// The program with a full history.
pub(crate) fn starts(place: &Place, journal: &mut Journal, starts: usize) -> Result<()> {
    let log = place.app.log();
    let mut ways = Ways::default();
    for run in 1..=starts {
        let (before, told) = (count(&log, USABLE), count(&log, PARTS));
        let display = &place.stage.display;
        let (app, visible) = display.until_new_window(PATIENCE, || place.app.open())?;
        let mut app = app;
        let usable = number_after(&nth_line(&log, USABLE, before)?, USABLE).unwrap_or(f64::NAN);
        ways.take(&nth_line(&log, PARTS, told)?, PARTS);
        println!("   {run:>2}  visible after {visible:4.0} ms, usable after {usable:4.0} ms");
        journal.value(&VISIBLE, run, visible);
        journal.value(&USABLE_AFTER, run, usable);
        app.stop();
    }
    ways.tell("start", journal);
    Ok(())
}

/// The window, forgotten in the tray and made anew.
pub(crate) fn again(place: &Place, journal: &mut Journal, starts: usize) -> Result<()> {
    let tray = Tray::start(&place.stage.bus)?;
    let start = place
        .app
        .command(&["--hidden", "--forget-window-after", "100ms"]);
    let log = place.app.log();
    let forgotten = "the hidden window is forgotten";
    let mut ways = Ways::default();
    let trays = count(&log, "the tray there=true");
    let mut app = place.stage.run("app", start)?;
    let icon = tray.icon(PATIENCE)?;
    // The icon is there a moment before whoever listens to it.
    nth_line(&log, "the tray there=true", trays)?;
    // The first window of a hidden start counts from the start of the program.
    for run in 0..=starts {
        let (told, gone) = (count(&log, PARTS), count(&log, forgotten));
        icon.press()?;
        let way = nth_line(&log, PARTS, told)?;
        if run > 0 {
            let line = last_line(&log, "painted again");
            let ms = number_after(&line, "ms=").unwrap_or(f64::NAN);
            println!("   {run:>2}  there again after {ms:.0} ms");
            journal.value(&AGAIN, run, ms);
            ways.take(&way, PARTS);
        }
        let display = &place.stage.display;
        let window = display.wait_for_window(&format!("^{MAIN_WINDOW}$"), PATIENCE)?;
        display.close_window(&window)?;
        nth_line(&log, forgotten, gone)?;
    }
    app.stop();
    ways.tell("again", journal);
    Ok(())
}

fn text(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

/// Lines with a mark in them.
fn count(log: &Path, mark: &str) -> usize {
    text(log).lines().filter(|line| line.contains(mark)).count()
}

fn last_line(log: &Path, mark: &str) -> String {
    let text = text(log);
    let line = text.lines().rfind(|line| line.contains(mark));
    line.unwrap_or_default().to_owned()
}

/// Waits for the line with a mark that has so many before it: a log is a file, and nothing tells of a line in it.
fn nth_line(log: &Path, mark: &str, before: usize) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(line) = nth_whole(&text(log), mark, before) {
            return Ok(line.to_owned());
        }
        anyhow::ensure!(Instant::now() < deadline, "\"{mark}\" did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A line that is only half there has no end.
fn nth_whole<'a>(text: &'a str, mark: &str, before: usize) -> Option<&'a str> {
    let whole = text.get(..text.rfind('\n')?)?;
    whole.lines().filter(|line| line.contains(mark)).nth(before)
}

fn number_after(text: &str, mark: &str) -> Option<f64> {
    let (_, rest) = text.split_once(mark)?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_marks_of_the_log_are_read() {
        assert_eq!(
            number_after("INFO painted again ms=310", "ms="),
            Some(310.0)
        );
        assert_eq!(number_after("x", "ms="), None);
    }

    #[test]
    fn a_line_is_found_behind_those_before_it() {
        let log = "a usable ms=1\nb\nc usable ms=2\nd usable ms=";
        assert_eq!(nth_whole(log, USABLE, 1), Some("c usable ms=2"));
        assert_eq!(nth_whole(log, USABLE, 2), None);
    }
}
