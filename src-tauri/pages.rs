//! How far the pages of the windows are: the main window's first picture is what start-up is measured by.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use desk::unix_ms;
use tokio::sync::watch;

use crate::ipc::types::PageMoment;

/// The most moments that a page may tell of one start.
const MOST_MOMENTS: usize = 32;
/// Longest name of one.
const LONGEST_NAME: usize = 24;

/// What the pages have told about themselves. Everything happens once and stays.
#[derive(Debug)]
pub struct Pages {
    main_began: Instant,
    usable: watch::Sender<bool>,
    overlay: watch::Sender<bool>,
    way: Mutex<Way>,
}

/// The way to the first picture of the main window: of the program's start, or of the window being made anew.
#[derive(Debug)]
struct Way {
    /// When the main window was last made anew.
    asked_for: Option<Instant>,
    /// What was reached when, in milliseconds since the way began.
    reached: Vec<(String, f64)>,
}

impl Pages {
    /// `main_began`: the first thing `main` did.
    #[must_use]
    pub fn new(main_began: Instant) -> Self {
        Self {
            main_began,
            usable: watch::Sender::new(false),
            overlay: watch::Sender::new(false),
            way: Mutex::new(Way {
                asked_for: None,
                reached: Vec::new(),
            }),
        }
    }

    /// The main window has painted its first picture, of the phone or of the first run: the first time, or again after
    /// its page was made anew. `moments`: how far the page came when, until then.
    pub fn painted(&self, first_run: bool, moments: &[PageMoment]) {
        let first = !self.usable.send_replace(true);
        let (now, clock) = (Instant::now(), unix_ms());
        let mut way = self.way();
        if first {
            let since_main = self.main_began.elapsed();
            let ms = since_process_start_ms().unwrap_or(since_main.as_millis());
            tracing::info!(%ms, since_main_ms = %since_main.as_millis(), first_run, "usable");
        } else {
            let ms = way.asked_for.map(|asked| asked.elapsed().as_millis());
            tracing::info!(ms, "painted again");
        }
        let began = way.asked_for.unwrap_or(self.main_began);
        for moment in moments.iter().take(MOST_MOMENTS) {
            let ago = clock as f64 - moment.at_ms;
            let at = now.saturating_duration_since(began).as_secs_f64() * 1e3 - ago;
            if is_name(&moment.name) && at.is_finite() {
                way.reached.push((moment.name.clone(), at));
            }
        }
        let parts = in_order(std::mem::take(&mut way.reached));
        tracing::info!("start in parts, ms: {parts}");
    }

    /// The main window is made anew, or its page loaded again.
    pub(crate) fn main_again(&self) {
        *self.way() = Way {
            asked_for: Some(Instant::now()),
            reached: Vec::new(),
        };
    }

    /// The way to the first picture has come so far. What is reached a second time, or after it, is not of it.
    pub(crate) fn reached(&self, what: &str) {
        let mut way = self.way();
        let began = way.asked_for.unwrap_or(self.main_began);
        if way.reached.len() < MOST_MOMENTS && !way.reached.iter().any(|(name, _)| name == what) {
            way.reached
                .push((what.to_owned(), began.elapsed().as_secs_f64() * 1e3));
        }
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The overlay has painted a call it was raised for. The log carries the moment: it is what ringing is measured by.
    pub fn overlay_painted(&self) {
        tracing::info!(at_ms = %unix_ms(), "overlay painted");
    }

    /// The overlay's page has asked for its first view.
    pub fn overlay_asked(&self) {
        self.overlay.send_replace(true);
    }

    /// Completes once the main window can be used.
    pub async fn usable(&self) {
        reached(&self.usable).await;
    }

    /// Whether the overlay's page runs.
    pub(crate) fn overlay(&self) -> watch::Receiver<bool> {
        self.overlay.subscribe()
    }

    /// Completes once the overlay's page runs.
    pub async fn overlay_runs(&self) {
        reached(&self.overlay).await;
    }
}

/// A word of a page that may stand in the log.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain)
}

/// `window 41, page 55`, in the order of time, each once.
fn in_order(mut moments: Vec<(String, f64)>) -> String {
    moments.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut known = BTreeSet::new();
    let mut line = String::new();
    for (name, at) in moments {
        if known.insert(name.clone()) {
            let comma = if line.is_empty() { "" } else { ", " };
            let _ = write!(line, "{comma}{name} {at:.0}");
        }
    }
    line
}

async fn reached(what: &watch::Sender<bool>) {
    // The sender lives as long as its owner, who waits.
    let _ = what.subscribe().wait_for(|reached| *reached).await;
}

/// Milliseconds since the process began, libraries included; to 10 ms, as fine as the kernel tells.
#[cfg(target_os = "linux")]
fn since_process_start_ms() -> Option<u128> {
    // proc(5): times in ticks of 10 ms since boot; the program's name, which may contain anything, ends at the last ')'.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let started_ticks: u128 = stat
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, hundredths) = uptime.split_whitespace().next()?.split_once('.')?;
    let now_ticks = seconds.parse::<u128>().ok()? * 100 + hundredths.parse::<u128>().ok()?;
    Some(now_ticks.saturating_sub(started_ticks) * 10)
}

#[cfg(not(target_os = "linux"))]
fn since_process_start_ms() -> Option<u128> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_began_in_the_past() {
        assert!(since_process_start_ms().is_some_and(|ms| ms < 24 * 3_600_000));
    }

    #[test]
    fn the_way_is_told_in_order_and_in_plain_words() {
        let moments = [("page", 55.4), ("window", 41.0), ("page", 900.0)];
        let moments = moments.map(|(name, at)| (name.to_owned(), at)).to_vec();
        assert_eq!(in_order(moments), "window 41, page 55");
        assert!(is_name("first_frame"));
        for odd in ["", "two words", "line\nbreak", "Ünicode", &"x".repeat(40)] {
            assert!(!is_name(odd), "{odd:?}");
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_told_even_if_late() {
        let pages = Pages::new(Instant::now());
        pages.painted(false, &[]);
        pages.painted(false, &[]);
        pages.usable().await;
        pages.overlay_asked();
        pages.overlay_runs().await;
    }
}
