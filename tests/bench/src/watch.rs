//! How long every device callback of this process takes, and how much of that it is let run: each one kept, so that the rare
//! slow one can be looked at. The callbacks are those of the real path ([`audio::guard_callbacks`]).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// The most that are kept of a device: five minutes with one every 5 ms.
const MOST: usize = 1 << 16;
/// So much of its period a callback may take.
const SHARE: f64 = 0.2;

/// The callbacks of one device, in nanoseconds.
struct Series {
    count: AtomicUsize,
    took: [AtomicU32; MOST],
    ran: [AtomicU32; MOST],
}

static MICROPHONE: Series = Series::NEW;
static SPEAKER: Series = Series::NEW;
static WATCHING: AtomicBool = AtomicBool::new(false);
static SINCE: Mutex<Option<Instant>> = Mutex::new(None);

impl Series {
    #[allow(clippy::declare_interior_mutable_const)] // only to begin the two with
    const NEW: Self = Self {
        count: AtomicUsize::new(0),
        took: [const { AtomicU32::new(0) }; MOST],
        ran: [const { AtomicU32::new(0) }; MOST],
    };

    fn note(&self, took: Duration, ran: Duration) {
        let place = self.count.fetch_add(1, Relaxed);
        let nanos = |time: Duration| u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
        if let (Some(wall), Some(own)) = (self.took.get(place), self.ran.get(place)) {
            wall.store(nanos(took), Relaxed);
            own.store(nanos(ran), Relaxed);
        }
    }

    fn all(&self) -> Vec<(u32, u32)> {
        let count = self.count.load(Relaxed);
        let both = self.took.iter().zip(&self.ran).take(count);
        both.map(|(took, ran)| (took.load(Relaxed), ran.load(Relaxed)))
            .collect()
    }
}

/// Every device callback of this process runs in here from now on; nothing is kept before [`begin`].
pub(crate) fn install() {
    audio::guard_callbacks(watched);
}

/// From now on they are kept.
pub(crate) fn begin() {
    *SINCE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    WATCHING.store(true, Relaxed);
}

fn watched(callback: &mut dyn FnMut()) {
    if !WATCHING.load(Relaxed) {
        return callback();
    }
    let before = ran();
    let began = Instant::now();
    callback();
    let took = began.elapsed();
    let ran = ran().saturating_sub(before);
    // The path names its threads after the devices.
    let is_microphone = std::thread::current()
        .name()
        .is_some_and(|name| name.contains("microphone"));
    let series = if is_microphone { &MICROPHONE } else { &SPEAKER };
    series.note(took, ran.min(took));
}

/// How long this thread was let run since its start.
fn ran() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// What was seen since [`begin`].
pub(crate) fn report() -> Value {
    let since = *SINCE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = since.map_or(0.0, |since| since.elapsed().as_secs_f64());
    json!({
        "microphone": of_device(&MICROPHONE.all(), seconds),
        "speaker": of_device(&SPEAKER.all(), seconds),
    })
}

/// Of one device: each callback with what it took and how long it ran, nanoseconds.
fn of_device(all: &[(u32, u32)], seconds: f64) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    let period = seconds * 1e9 / all.len() as f64;
    let sorted = |pick: fn(&(u32, u32)) -> u32| {
        let mut values: Vec<u32> = all.iter().map(pick).collect();
        values.sort_unstable();
        values
    };
    let (took, ran) = (sorted(|one| one.0), sorted(|one| one.1));
    // All but one in so many are not longer than this.
    let all_but_one_in = |values: &[u32], one_in: usize| {
        let place = (values.len() - 1) - values.len() / one_in.max(1);
        values.get(place).map(|nanos| f64::from(*nanos) / 1e3)
    };
    let slow: Vec<&(u32, u32)> = all
        .iter()
        .filter(|one| f64::from(one.0) > SHARE * period)
        .collect();
    let mean = |pick: fn(&(u32, u32)) -> u32| {
        let sum: f64 = slow.iter().map(|one| f64::from(pick(one))).sum();
        (!slow.is_empty()).then(|| sum / slow.len() as f64 / 1e3)
    };
    let three = |values: &[u32]| [2, 100, 1000].map(|one_in| all_but_one_in(values, one_in));
    let (took_us, ran_us) = (three(&took), three(&ran));
    json!({
        "callbacks": all.len(),
        "period_us": period / 1e3,
        "took_us": took_us,
        "ran_us": ran_us,
        "longest_us": took.last().map(|nanos| f64::from(*nanos) / 1e3),
        "over_share": slow.len(),
        "over_share_took_us": mean(|one| one.0),
        "over_share_ran_us": mean(|one| one.1),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_rare_slow_callback_is_told_with_what_it_ran_of_its_time() {
        // One every millisecond; two of a thousand were kept from running.
        let mut all = vec![(10_000, 9_000); 998];
        all.extend([(500_000, 12_000), (700_000, 14_000)]);
        let told = of_device(&all, 1.0);
        assert_eq!(told["callbacks"], 1000);
        assert_eq!(told["period_us"], 1000.0);
        assert_eq!(told["took_us"], json!([10.0, 10.0, 500.0]));
        assert_eq!(told["ran_us"], json!([9.0, 9.0, 12.0]));
        assert_eq!(told["longest_us"], 700.0);
        assert_eq!(told["over_share"], 2);
        assert_eq!(told["over_share_took_us"], 600.0);
        assert_eq!(told["over_share_ran_us"], 13.0);
        assert_eq!(of_device(&[], 1.0), Value::Null);
    }

    #[test]
    fn a_thread_that_works_has_run_and_one_that_sleeps_has_not() {
        let before = ran();
        while ran() - before < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let before = ran();
        std::thread::sleep(Duration::from_millis(50));
        assert!(ran() - before < Duration::from_millis(25));
    }
}
