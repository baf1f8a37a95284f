//! How far the pages of the windows are: the main window's first picture is what start-up is measured by.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::terminal::report::unix_ms;

/// What the pages have told about themselves. Everything happens once and stays.
#[derive(Debug)]
pub struct Pages {
    main_began: Instant,
    usable: watch::Sender<bool>,
    overlay: watch::Sender<bool>,
    /// When the main window was last made anew.
    asked_for: Mutex<Option<Instant>>,
}

impl Pages {
    /// `main_began`: the first thing `main` did.
    #[must_use]
    pub fn new(main_began: Instant) -> Self {
        Self {
            main_began,
            usable: watch::Sender::new(false),
            overlay: watch::Sender::new(false),
            asked_for: Mutex::new(None),
        }
    }

    /// The main window has painted its first picture, of the phone or of the first run: the first time, or again after
    /// its page was made anew.
    pub fn painted(&self, first_run: bool) {
        if self.usable.send_replace(true) {
            let asked = self
                .asked_for
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let ms = asked.map(|asked| asked.elapsed().as_millis());
            tracing::info!(ms, "painted again");
        } else {
            let since_main = self.main_began.elapsed();
            let ms = since_process_start_ms().unwrap_or(since_main.as_millis());
            tracing::info!(%ms, since_main_ms = %since_main.as_millis(), first_run, "usable");
        }
    }

    /// The main window is made anew, or its page loaded again.
    pub(crate) fn main_again(&self) {
        let mut asked = self
            .asked_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *asked = Some(Instant::now());
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

    #[tokio::test]
    async fn whoever_waits_is_told_even_if_late() {
        let pages = Pages::new(Instant::now());
        pages.painted(false);
        pages.painted(false);
        pages.usable().await;
        pages.overlay_asked();
        pages.overlay_runs().await;
    }
}
