//! How long the parts of the audio suite take, said before they begin: the whole of it is meant to be over, unattended, 25
//! minutes, whatever else the machine does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::{Part, duel, quality, uneven};

/// So long in all its calls wait for a quiet machine.
const PATIENCE_MS: u64 = 90_000;

/// What is left of it.
static PATIENCE_LEFT: AtomicU64 = AtomicU64::new(PATIENCE_MS);

/// Seconds that one call of a kind takes, with both sides begun and ended; measured, and rounded up.
const CHIRPS: usize = 10;
const CHIRPS_UNEVEN: usize = 14;
const SPEECH: usize = 20;
const SCORED: usize = 1;
const ANSWERED: usize = 5;
const THERE_AND_BACK: usize = 14;
const SHORT: usize = 4;

/// One part.
pub(crate) struct Planned {
    pub(crate) part: Part,
    pub(crate) name: &'static str,
    seconds: usize,
}

/// All parts in their order, for so many calls (each part's own number when left out).
pub(crate) fn audio(calls: Option<u16>, with_browser: bool) -> Vec<Planned> {
    let of = |default: u16| usize::from(calls.unwrap_or(default));
    let planned = |part, name, seconds| Planned {
        part,
        name,
        seconds,
    };
    let speech = quality::calls(of(2), with_browser);
    vec![
        planned(Part::Resources, "the engine alone", 40),
        planned(
            Part::Delay,
            "mouth to ear",
            15 + CHIRPS * duel::calls(of(8), with_browser),
        ),
        planned(
            Part::Inbound,
            "answer to first sound",
            10 + ANSWERED * of(10),
        ),
        planned(
            Part::Window,
            "the window open",
            5 + 2 * THERE_AND_BACK * of(2),
        ),
        planned(
            Part::Jitter,
            "uneven packets",
            10 + CHIRPS_UNEVEN * uneven::calls(with_browser),
        ),
        planned(Part::Quality, "speech", 20 + (SPEECH + SCORED) * speech),
        planned(Part::Echo, "echo and noise", 90),
        planned(Part::Callbacks, "device callbacks", 130),
        planned(Part::Drift, "clocks that run apart", 5),
        planned(Part::Growth, "many short calls", 30 + SHORT * of(15)),
    ]
}

/// In words.
pub(crate) fn shown(parts: &[Planned]) -> String {
    let minutes = |seconds: usize| seconds as f64 / 60.0;
    let mut text = String::from("\nplanned\n");
    for part in parts {
        text.push_str(&format!(
            "   {:<24} {:5.1} min\n",
            part.name,
            minutes(part.seconds)
        ));
    }
    let all: usize = parts.iter().map(|part| part.seconds).sum();
    text.push_str(&format!(
        "   in all                   {:5.1} min, and at most {:.1} min of waiting for a quiet machine\n",
        minutes(all),
        PATIENCE_MS as f64 / 60_000.0
    ));
    text
}

/// How long a call may still wait for a quiet machine, if it wants to wait `within`.
pub(crate) fn patience(within: Duration) -> Duration {
    within.min(Duration::from_millis(PATIENCE_LEFT.load(Relaxed)))
}

/// A call waited so long.
pub(crate) fn waited(time: Duration) {
    let spent = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let left = PATIENCE_LEFT.load(Relaxed).saturating_sub(spent);
    PATIENCE_LEFT.store(left, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole suite beside a browser.
    const LIMIT: Duration = Duration::from_secs(25 * 60);

    #[test]
    fn the_whole_suite_beside_a_browser_is_planned_within_its_limit() {
        let all: usize = audio(None, true).iter().map(|part| part.seconds).sum();
        let most = Duration::from_secs(all as u64) + Duration::from_millis(PATIENCE_MS);
        assert!(most <= LIMIT, "{most:?}");
    }

    #[test]
    fn waiting_comes_to_an_end() {
        assert_eq!(patience(Duration::from_secs(10)), Duration::from_secs(10));
        waited(Duration::from_secs(85));
        assert_eq!(patience(Duration::from_secs(10)), Duration::from_secs(5));
        waited(Duration::from_secs(10));
        assert_eq!(patience(Duration::from_secs(10)), Duration::ZERO);
    }
}
