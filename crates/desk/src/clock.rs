//! The clock of the loop.

use std::future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use boot_time::Instant;
use call::Now;

/// Longest nap: timers of the runtime stand still while the computer sleeps, so a deadline that passed meanwhile is
/// noticed at most this late.
const NAP: Duration = Duration::from_secs(1);

/// Milliseconds since 1970 by the wall clock.
#[must_use]
pub fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

/// Monotonic time that counts sleep, and wall time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            mono: self.start.elapsed(),
            unix_ms: unix_ms(),
        }
    }

    /// Completes when `deadline` has come; never without one.
    pub(crate) async fn until(&self, deadline: Option<Duration>) {
        let Some(deadline) = deadline else {
            return future::pending().await;
        };
        loop {
            let left = deadline.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}
