//! The beat at which the capture port is fed.
//!
//! The microphone sets the beat while it delivers. When it does not, be it closed, gone or stuck, the clock does: the port
//! gets its 100 frames a second all the same, since the phone network drops a leg whose packets stop.

use std::time::{Duration, Instant};

use call::media::FRAME_MILLIS;

/// Length of a frame.
const FRAME: Duration = Duration::from_millis(FRAME_MILLIS);
/// A microphone may be late by this before the clock takes over.
const SLACK: Duration = Duration::from_millis(30);
/// After a longer pause (the computer slept) no more than this is made up for.
const MOST_OWED: u32 = 6;

/// When a frame must be sent though the microphone brought none.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the next frame is due; `None`: nothing is sent.
    due: Option<Instant>,
    /// How late the microphone may be: one that delivers in large pieces more than others.
    slack: Duration,
    by_clock: bool,
}

impl Pace {
    /// Nothing is to be sent for now.
    pub(crate) fn stop(&mut self) {
        self.due = None;
    }

    /// The microphone brought so many frames at once, and they were sent.
    pub(crate) fn microphone(&mut self, frames: u32, now: Instant) {
        if frames > 0 {
            self.due = Some(now + FRAME);
            self.slack = SLACK + FRAME * frames;
            self.by_clock = false;
        }
    }

    /// How many frames without a microphone must be sent now.
    pub(crate) fn owed(&mut self, now: Instant) -> u32 {
        let Some(due) = self.due else {
            self.due = Some(now + FRAME);
            self.by_clock = true;
            return 1;
        };
        if now < self.next(due) {
            return 0;
        }
        self.by_clock = true;
        let late = now.saturating_duration_since(due);
        let owed = u32::try_from(late.as_millis() / u128::from(FRAME_MILLIS))
            .unwrap_or(MOST_OWED)
            .saturating_add(1);
        if owed > MOST_OWED {
            self.due = Some(now + FRAME);
            return MOST_OWED;
        }
        self.due = Some(due + FRAME * owed);
        owed
    }

    /// How long nothing need be done; `None`: for ever.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.due
            .map(|due| self.next(due).saturating_duration_since(now))
    }

    fn next(&self, due: Instant) -> Instant {
        if self.by_clock { due } else { due + self.slack }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use super::*;

    #[test]
    fn while_the_microphone_delivers_the_clock_adds_nothing() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.owed(start), 1, "the first frame waits for nobody");
        for beat in 1..1000 {
            let now = start + FRAME * beat;
            pace.microphone(1, now);
            assert_eq!(pace.owed(now + Duration::from_millis(35)), 0, "{beat}");
        }
        let mut bursts = Pace::default();
        for beat in 0..100 {
            let now = start + FRAME * 10 * beat;
            bursts.microphone(10, now);
            assert_eq!(bursts.owed(now + FRAME * 11), 0, "a device of large pieces");
        }
    }

    #[test]
    fn when_the_microphone_falls_silent_not_one_frame_is_missing() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut sent = 0;
        for beat in 0..100 {
            sent += 1;
            pace.microphone(1, start + FRAME * beat);
        }
        // From here on it brings nothing, and we look every 7 ms.
        for look in 0..1000u32 {
            sent += pace.owed(start + FRAME * 99 + Duration::from_millis(7) * look);
        }
        assert!((798..=801).contains(&sent), "{sent} in 7.98 s");
        let now = start + FRAME * 99 + Duration::from_millis(6993);
        assert!(pace.rest(now).unwrap() <= FRAME);
        pace.microphone(1, now);
        assert!(pace.rest(now).unwrap() > FRAME * 4, "it leads again");
    }

    #[test]
    fn a_computer_that_slept_does_not_send_the_night() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.owed(start);
        let morning = start + Duration::from_secs(36_000);
        assert_eq!(pace.owed(morning), MOST_OWED);
        assert_eq!(pace.owed(morning), 0);
        assert_eq!(pace.owed(morning + FRAME), 1);
        pace.stop();
        assert_eq!(pace.rest(morning), None);
    }
}
