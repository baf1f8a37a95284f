//! What a test program sees of every device callback, on the real threads and in a real call: what it wants to know while one
//! runs is its own affair. Without a guard there is none: looking for one costs a load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Runs a callback, once.
pub type CallbackGuard = fn(&mut dyn FnMut());

static GUARD: OnceLock<CallbackGuard> = OnceLock::new();

/// Every device callback of this process runs inside `guard` from now on. For programs that prove something of them; a
/// second guard is not taken.
pub fn guard_callbacks(guard: CallbackGuard) {
    let _second = GUARD.set(guard);
}

/// Runs a callback inside the guard, if there is one, and notes how long it took.
pub(crate) fn guarded(times: &Times, mut callback: impl FnMut()) {
    let began = Instant::now();
    match GUARD.get() {
        Some(guard) => guard(&mut callback),
        None => callback(),
    }
    times.note(began.elapsed());
}

/// Doublings from 256 ns on; the last bucket has everything from 4 ms on.
const BUCKETS: usize = 15;
const FIRST_NS: u64 = 256;

/// How long the callbacks of one device took, in buckets that double.
#[derive(Debug, Default)]
pub(crate) struct Times([AtomicU64; BUCKETS]);

impl Times {
    fn note(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let doublings = (nanos / FIRST_NS).checked_ilog2().map_or(0, |log| log + 1);
        let bucket =
            usize::try_from(doublings).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1));
        if let Some(count) = self.0.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// So long at most (the end of its bucket) took all but one in `one_in`; `None`: there was no callback, or the figure is
    /// beyond the last bucket.
    pub(crate) fn all_but_one_in(&self, one_in: u64) -> Option<Duration> {
        // looked at once: callbacks go on counting
        let counts = self.0.each_ref().map(|count| count.load(Relaxed));
        let all: u64 = counts.iter().sum();
        let mut seen = 0;
        for (doublings, count) in counts.iter().take(BUCKETS - 1).enumerate() {
            seen += count;
            if seen > 0 && (all - seen) * one_in <= all {
                return Some(Duration::from_nanos(FIRST_NS << doublings));
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_rare_slow_callback_is_seen_and_the_very_rare_one_is_not() {
        let times = Times::default();
        assert_eq!(times.all_but_one_in(1000), None);
        for _ in 0..9_990 {
            times.note(Duration::from_micros(3));
        }
        for _ in 0..10 {
            times.note(Duration::from_micros(900));
        }
        assert_eq!(
            times.all_but_one_in(1000),
            Some(Duration::from_nanos(4_096))
        );
        times.note(Duration::from_micros(900));
        assert_eq!(
            times.all_but_one_in(1000),
            Some(Duration::from_nanos(1_048_576))
        );
        for _ in 0..1_000 {
            times.note(Duration::from_secs(1));
        }
        assert_eq!(times.all_but_one_in(1000), None, "longer than can be told");
        times.note(Duration::ZERO);
    }
}
