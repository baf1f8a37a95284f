//! How far the pages of the windows are: the main window's first picture is what start-up is measured by, the overlay's
//! picture of a caller what ringing is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use desk::unix_ms;
use tokio::sync::watch;
use tokio::time;

use crate::ipc::types::PageMoment;

/// The most moments that a page may tell of one start.
const MOST_MOMENTS: usize = 32;
/// How long the main window may have to wait for the overlay: pages of one process draw one after the other (ADR 0022), and
/// who calls is to be seen first.
const OVERLAY_FIRST_FOR: Duration = Duration::from_millis(250);
/// Longest name of one.
const LONGEST_NAME: usize = 24;

/// What the pages have told about themselves. Everything happens once and stays.
#[derive(Debug)]
pub struct Pages {
    main_began: Instant,
    usable: watch::Sender<bool>,
    overlay: watch::Sender<bool>,
    way: Mutex<Way>,
    ring: Mutex<Way>,
    /// Until when the overlay is to draw a new caller before anybody else draws.
    overlay_first: watch::Sender<Option<time::Instant>>,
}

/// A way to a picture: to the main window's first one, since the program's start or since the window was made anew; or to the
/// overlay's of somebody who calls.
#[derive(Debug, Default)]
struct Way {
    /// When the main window was last made anew; when the caller began to ring.
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
            way: Mutex::default(),
            ring: Mutex::default(),
            overlay_first: watch::Sender::new(None),
        }
    }

    /// The main window has painted its first picture, of the phone or of the first run: the first time, or again after
    /// its page was made anew. `moments`: how far the page came when, until then.
    pub fn painted(&self, first_run: bool, moments: &[PageMoment]) {
        let first = !self.usable.send_replace(true);
        let mut way = lock(&self.way);
        if first {
            let since_main = self.main_began.elapsed();
            let ms = since_process_start_ms().unwrap_or(since_main.as_millis());
            tracing::info!(%ms, since_main_ms = %since_main.as_millis(), first_run, "usable");
        } else {
            let ms = way.asked_for.map(|asked| asked.elapsed().as_millis());
            tracing::info!(ms, "painted again");
        }
        let began = way.asked_for.unwrap_or(self.main_began);
        let parts = way.parts(began, moments);
        tracing::info!("start in parts, ms: {parts}");
    }

    /// The main window is made anew, or its page loaded again.
    pub(crate) fn main_again(&self) {
        *lock(&self.way) = Way::from_now();
    }

    /// The way to the first picture has come so far. What is reached a second time, or after it, is not of it.
    pub(crate) fn reached(&self, what: &str) {
        let mut way = lock(&self.way);
        let began = way.asked_for.unwrap_or(self.main_began);
        way.reach(began, what);
    }

    /// Somebody begins to ring, and the overlay is to show it.
    pub(crate) fn ring_began(&self) {
        *lock(&self.ring) = Way::from_now();
        self.overlay_first
            .send_replace(Some(time::Instant::now() + OVERLAY_FIRST_FOR));
    }

    /// The way to the overlay's picture of the caller has come so far.
    pub(crate) fn ring_reached(&self, what: &str) {
        let mut ring = lock(&self.ring);
        if let Some(began) = ring.asked_for {
            ring.reach(began, what);
        }
    }

    /// The overlay has painted a call it was raised for. The log carries the moment: it is what ringing is measured by.
    /// `moments`: how far its page came when.
    pub fn overlay_painted(&self, moments: &[PageMoment]) {
        tracing::info!(at_ms = %unix_ms(), "overlay painted");
        self.overlay_first.send_replace(None);
        let mut ring = lock(&self.ring);
        if let Some(began) = ring.asked_for.take() {
            ring.reach(began, "painted");
            let parts = ring.parts(began, moments);
            tracing::info!("overlay in parts, ms: {parts}");
        }
    }

    /// Completes once the overlay has painted who begins to ring, or has taken too long for it; at once where nobody does.
    pub(crate) async fn overlay_goes_first(&self) {
        let until = *self.overlay_first.borrow();
        if let Some(until) = until {
            let mut first = self.overlay_first.subscribe();
            let _ = time::timeout_at(until, first.wait_for(Option::is_none)).await;
        }
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

impl Way {
    fn from_now() -> Self {
        Self {
            asked_for: Some(Instant::now()),
            reached: Vec::new(),
        }
    }

    /// It has come so far. What is reached a second time is not of it.
    fn reach(&mut self, began: Instant, what: &str) {
        if self.reached.len() < MOST_MOMENTS && !self.reached.iter().any(|(name, _)| name == what) {
            let at = began.elapsed().as_secs_f64() * 1e3;
            self.reached.push((what.to_owned(), at));
        }
    }

    /// Everything reached, with what the page tells of itself; afterwards nothing is.
    fn parts(&mut self, began: Instant, moments: &[PageMoment]) -> String {
        let (since, clock) = (began.elapsed().as_secs_f64() * 1e3, unix_ms() as f64);
        for moment in moments.iter().take(MOST_MOMENTS) {
            let at = since - (clock - moment.at_ms);
            if is_name(&moment.name) && at.is_finite() {
                self.reached.push((moment.name.clone(), at));
            }
        }
        in_order(std::mem::take(&mut self.reached))
    }
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test(start_paused = true)]
    async fn the_main_window_waits_for_the_overlay_and_not_for_ever() {
        let pages = Pages::new(Instant::now());
        let began = time::Instant::now();
        pages.overlay_goes_first().await;
        assert_eq!(began.elapsed(), Duration::ZERO);

        pages.ring_began();
        pages.overlay_goes_first().await;
        assert_eq!(began.elapsed(), OVERLAY_FIRST_FOR);
        // Whoever comes later has waited enough.
        pages.overlay_goes_first().await;
        assert_eq!(began.elapsed(), OVERLAY_FIRST_FOR);

        pages.ring_began();
        let (pages, began) = (&pages, time::Instant::now());
        tokio::join!(pages.overlay_goes_first(), async {
            pages.overlay_painted(&[]);
        });
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
