//! How much waits at the server for the speaker: as little as the computer can bear.

use std::time::{Duration, Instant};

/// What waits, and the blocks in which the server asks for more, in milliseconds. With blocks of 3 and 4 ms it runs dry more often
/// (measured): what two blocks leave over waits in the device, which then takes more than a block at a time.
const STEPS: [(u32, u32); 4] = [(10, 5), (15, 5), (20, 5), (40, 10)];
/// So often dry within [`TROUBLE`] is too often: the next step is taken.
const TROUBLE_TIMES: u32 = 3;
/// See [`TROUBLE_TIMES`].
const TROUBLE: Duration = Duration::from_secs(10);
/// A step needs so long until it is in force: what runs dry meanwhile says nothing of it.
const SETTLING: Duration = Duration::from_millis(500);
/// After twice so long without running dry the step before is tried again; twice as long after each time that it was too short.
const PEACE: Duration = Duration::from_secs(15);
const LONGEST_PEACE: Duration = Duration::from_secs(3600);
/// What happens so soon after the start belongs to it.
const START: Duration = Duration::from_secs(1);

/// The step of one speaker.
#[derive(Debug)]
pub(super) struct Steps {
    step: usize,
    began: Instant,
    dry: u32,
    dry_since: Option<Instant>,
    /// When more was made to wait, last.
    grown: Option<Instant>,
    /// When it ran dry last, or changed.
    quiet_since: Instant,
    peace: Duration,
}

impl Steps {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            step: 0,
            began: now,
            dry: 0,
            dry_since: None,
            grown: None,
            quiet_since: now,
            peace: PEACE,
        }
    }

    /// What is to wait, and the blocks in which more is asked for, in milliseconds.
    pub(super) fn millis(&self) -> (u32, u32) {
        STEPS.get(self.step).copied().unwrap_or((40, 10))
    }

    /// The server had nothing left to play. True: more is to wait from now on.
    pub(super) fn ran_dry(&mut self, now: Instant) -> bool {
        if now < self.began + START {
            return false;
        }
        self.quiet_since = now;
        if self.grown.is_some_and(|grown| now < grown + SETTLING) {
            return false;
        }
        if self.dry_since.is_none_or(|since| now >= since + TROUBLE) {
            self.dry_since = Some(now);
            self.dry = 0;
        }
        self.dry += 1;
        if self.dry < TROUBLE_TIMES || self.step + 1 >= STEPS.len() {
            return false;
        }
        self.step += 1;
        self.grown = Some(now);
        self.dry_since = None;
        // What was tried again and was too short is tried less often.
        self.peace = (self.peace * 2).min(LONGEST_PEACE);
        true
    }

    /// To be asked now and then. True: it has been quiet for long enough that less is to wait from now on.
    pub(super) fn may_shrink(&mut self, now: Instant) -> bool {
        if self.step == 0 || now < self.quiet_since + self.peace {
            return false;
        }
        self.step -= 1;
        self.quiet_since = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn three_times_dry_in_ten_seconds_is_too_often_and_the_start_does_not_count() {
        let start = Instant::now();
        let mut steps = Steps::new(start);
        assert_eq!(steps.millis(), (10, 5));
        assert!((0..9).all(|_| !steps.ran_dry(start)));
        let dry = |steps: &mut Steps, at: [u64; 3]| {
            at.map(|at| steps.ran_dry(start + SECOND * at as u32))
        };
        assert_eq!(
            dry(&mut steps, [2, 8, 13]),
            [false; 3],
            "not within ten seconds"
        );
        assert_eq!(dry(&mut steps, [25, 29, 34]), [false, false, true]);
        assert_eq!(steps.millis(), (15, 5));
        assert_eq!(dry(&mut steps, [40, 41, 42]), [false, false, true]);
        assert_eq!(steps.millis(), (20, 5));
        assert_eq!(dry(&mut steps, [43, 44, 45]), [false, false, true]);
        assert_eq!(
            dry(&mut steps, [50, 51, 52]),
            [false; 3],
            "there is no longer one"
        );
        assert_eq!(steps.millis(), (40, 10));
    }

    #[test]
    fn a_computer_that_stands_still_for_a_moment_costs_one_step_and_not_all() {
        let start = Instant::now();
        let mut steps = Steps::new(start);
        let mut grown = 0;
        for millis in (2000..2400).step_by(20) {
            grown += u32::from(steps.ran_dry(start + Duration::from_millis(millis)));
        }
        assert_eq!((grown, steps.millis()), (1, (15, 5)));
        // One that goes on standing still does need more.
        for millis in (2600..4000).step_by(20) {
            grown += u32::from(steps.ran_dry(start + Duration::from_millis(millis)));
        }
        assert_eq!((grown, steps.millis()), (3, (40, 10)));
    }

    #[test]
    fn in_peace_it_shrinks_again_and_ever_more_carefully() {
        let start = Instant::now();
        let mut steps = Steps::new(start);
        assert!(
            !steps.may_shrink(start + SECOND * 9_000),
            "it is the shortest"
        );
        let mut now = start + SECOND * 10;
        let mut waited = Vec::new();
        for _ in 0..8 {
            for _ in 0..3 {
                let _grown = steps.ran_dry(now);
            }
            assert_eq!(steps.millis(), (15, 5));
            let trouble = now;
            while !steps.may_shrink(now) {
                now += SECOND;
            }
            assert_eq!(steps.millis(), (10, 5));
            waited.push((now - trouble).as_secs());
            now += SECOND * 20;
        }
        assert_eq!(waited, [30, 60, 120, 240, 480, 960, 1920, 3600]);
    }
}
