//! How much sound may wait for the speaker.
//!
//! What waits is delay; what is missing is a gap. The speaker takes sound in pieces; what it will have used up of the next
//! piece by now is no longer counted as waiting, so that the figure has no steps and shows how two clocks run apart. Each
//! half second the lowest is compared with a margin, and the rate of the way to the speaker is bent by some parts in a thousand until they agree: that is how two
//! clocks that run apart never click. Delay left behind by a gap or a burst is taken back at once, by cross-fading two
//! frames into one. The margin begins at 2 ms, grows when the ring runs dry three times within 10 s, and shrinks again
//! after half a minute of peace. A flood is dropped.

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

/// The least that should wait when the speaker comes for more: 2 ms.
const LEAST_MARGIN: usize = SAMPLE_RATE as usize / 500;
/// One step of the margin: 5 ms.
const MARGIN_STEP: usize = SAMPLE_RATE as usize / 200;
/// The margin never exceeds this: 32 ms.
const MOST_MARGIN: usize = LEAST_MARGIN + 6 * MARGIN_STEP;
/// More than this (40 ms) beyond the margin never waits.
const MOST_WAITING: usize = 4 * FRAME_SAMPLES;
/// Lowest fill beyond the margin that is worth a cut: one frame and a little.
const WORTH_A_CUT: usize = FRAME_SAMPLES + FRAME_SAMPLES / 4;
/// Frames watched before judging: 0.5 s.
const WINDOW_FRAMES: u32 = 50;
/// Three times dry within so many frames (10 s) is too often.
const TROUBLE_FRAMES: u64 = 1000;
/// So often dry within [`TROUBLE_FRAMES`] makes the margin grow.
const TROUBLE_TIMES: usize = 3;
/// After so many frames (30 s) without a gap the margin shrinks by one step.
const PEACE_FRAMES: u64 = 3000;

/// A difference below this (1 ms) is none.
const CLOSE_ENOUGH: f64 = 48.0;
/// Share of the rate for each sample of difference: half of it is gone in about a second.
const BEND: f64 = 1e-5;
/// What of it stays, so that clocks that run apart for ever are met for ever.
const LEARN: f64 = 1e-6;
/// Clocks differ by less than this.
const MOST_LEARNT: f64 = 1e-3;
/// Most that the rate is bent: 4 in a thousand are a fifteenth of a semitone.
const MOST_BENT: f64 = 4e-3;

/// Decides over each frame on its way to the speaker what becomes of it.
#[derive(Debug)]
pub(crate) struct Playout {
    low_water: i64,
    window: u32,
    /// Waits to be joined with the next frame.
    held: Option<Frame>,
    trimmed: u64,
    margin: usize,
    learnt: f64,
    bend: f64,
    /// Frames passed.
    now: u64,
    /// Gaps counted so far, by whoever counts them.
    gaps: Option<u64>,
    /// When the last of them were.
    dry: [Option<u64>; TROUBLE_TIMES],
    peace_since: u64,
}

impl Playout {
    pub(crate) fn new() -> Self {
        Self {
            low_water: i64::MAX,
            window: 0,
            held: None,
            trimmed: 0,
            margin: LEAST_MARGIN,
            learnt: 0.0,
            bend: 0.0,
            now: 0,
            gaps: None,
            dry: [None; TROUBLE_TIMES],
            peace_since: 0,
        }
    }

    /// Sound begins after silence, `used` samples after the speaker last came: samples of silence that should wait before
    /// it, so that it does not begin with a gap.
    pub(crate) fn begin(&mut self, used: usize) -> usize {
        self.low_water = i64::MAX;
        self.window = 0;
        self.held = None;
        self.margin + used
    }

    /// What to play now in place of `frame`, while `waiting` samples (48 kHz, one channel) wait already, `used` would have
    /// been played since the speaker last came, and it has found its ring dry `gaps` times.
    pub(crate) fn pass(
        &mut self,
        frame: Frame,
        waiting: usize,
        used: usize,
        gaps: u64,
    ) -> Option<Frame> {
        self.now += 1;
        self.note_gaps(gaps);
        if waiting > self.margin + MOST_WAITING {
            self.trimmed += 1;
            return None;
        }
        if let Some(held) = self.held.take() {
            return Some(cross_fade(&held, &frame));
        }
        self.low_water = self.low_water.min(waiting as i64 - used as i64);
        self.window += 1;
        if self.window < WINDOW_FRAMES {
            return Some(frame);
        }
        let low = self.low_water;
        self.window = 0;
        self.low_water = i64::MAX;
        let too_much = low - self.margin as i64;
        if too_much >= WORTH_A_CUT as i64 {
            self.trimmed += 1;
            self.held = Some(frame);
            return None;
        }
        self.steer(too_much as f64);
        Some(frame)
    }

    /// By how much longer sound is to be played than it is: 0 is as it is, 0.001 makes 1 s last 1.001 s.
    pub(crate) fn stretch(&self) -> f64 {
        (self.learnt + self.bend).clamp(-MOST_BENT, MOST_BENT)
    }

    /// Frames taken out since the last question.
    pub(crate) fn take_trimmed(&mut self) -> u64 {
        std::mem::take(&mut self.trimmed)
    }

    /// The margin now, in samples.
    pub(crate) fn margin(&self) -> usize {
        self.margin
    }

    fn steer(&mut self, too_much: f64) {
        self.learnt = (self.learnt - too_much * LEARN).clamp(-MOST_LEARNT, MOST_LEARNT);
        self.bend = if too_much.abs() < CLOSE_ENOUGH {
            0.0
        } else {
            -too_much * BEND
        };
    }

    fn note_gaps(&mut self, gaps: u64) {
        let before = self.gaps.replace(gaps).unwrap_or(gaps);
        if gaps > before {
            self.peace_since = self.now;
            self.dry.rotate_left(1);
            if let Some(last) = self.dry.last_mut() {
                *last = Some(self.now);
            }
            let oldest = self.dry.first().copied().flatten();
            if oldest.is_some_and(|oldest| self.now - oldest <= TROUBLE_FRAMES) {
                self.margin = (self.margin + MARGIN_STEP).min(MOST_MARGIN);
                self.dry = [None; TROUBLE_TIMES];
            }
        } else if self.margin > LEAST_MARGIN && self.now - self.peace_since >= PEACE_FRAMES {
            self.margin -= MARGIN_STEP;
            self.peace_since = self.now;
        }
    }
}

/// From `old` to `new` within one frame.
fn cross_fade(old: &Frame, new: &Frame) -> Frame {
    let mut frame = [0; FRAME_SAMPLES];
    for (index, (slot, (old, new))) in frame.iter_mut().zip(old.iter().zip(new)).enumerate() {
        let share = index as f32 / FRAME_SAMPLES as f32;
        *slot = (f32::from(*old) * (1.0 - share) + f32::from(*new) * share).round() as i16;
    }
    frame
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

    /// A speaker that takes 5 ms at a time with a clock that runs fast by `ppm`, fed 10 ms at a time.
    struct Speaker {
        playout: Playout,
        ppm: f64,
        waiting: f64,
        due: f64,
        gaps: u64,
        highest: f64,
    }

    impl Speaker {
        fn new(ppm: f64) -> Self {
            let mut playout = Playout::new();
            Self {
                waiting: playout.begin(0) as f64,
                playout,
                ppm,
                due: 0.0,
                gaps: 0,
                highest: 0.0,
            }
        }

        fn run(&mut self, seconds: usize) {
            for _ in 0..seconds * 100 {
                let waiting = self.waiting as usize;
                if self
                    .playout
                    .pass([0; FRAME_SAMPLES], waiting, self.due as usize, self.gaps)
                    .is_some()
                {
                    self.waiting += 480.0 * (1.0 + self.playout.stretch());
                }
                self.highest = self.highest.max(self.waiting);
                self.due += 480.0 * (1.0 + self.ppm * 1e-6);
                while self.due >= 240.0 {
                    self.due -= 240.0;
                    if self.waiting < 240.0 {
                        self.gaps += 1;
                    }
                    self.waiting = (self.waiting - 240.0).max(0.0);
                }
            }
        }
    }

    #[test]
    fn clocks_that_run_apart_never_leave_a_gap_nor_pile_up() {
        for ppm in [-500.0, -200.0, -20.0, 0.0, 20.0, 200.0, 500.0] {
            let mut speaker = Speaker::new(ppm);
            speaker.run(1800);
            let (trimmed, gaps) = (speaker.playout.take_trimmed(), speaker.gaps);
            assert_eq!((gaps, trimmed), (0, 0), "half an hour at {ppm} ppm");
            assert!(
                speaker.highest < 480.0 + 240.0 + 96.0 + 240.0,
                "{ppm} ppm: {} samples waited",
                speaker.highest
            );
        }
    }

    #[test]
    fn delay_left_by_a_burst_is_taken_back() {
        let mut speaker = Speaker::new(0.0);
        speaker.waiting += 1440.0;
        speaker.run(2);
        assert!(speaker.playout.take_trimmed() >= 2, "the bulk in big steps");
        speaker.run(20);
        assert!(speaker.waiting < 300.0, "{} wait", speaker.waiting);
        assert_eq!(speaker.gaps, 0);
    }

    #[test]
    fn three_gaps_in_ten_seconds_make_the_margin_grow_and_peace_shrinks_it_again() {
        let mut playout = Playout::new();
        let mut frames = |count: usize, gaps: u64| {
            for _ in 0..count {
                playout.pass([0; FRAME_SAMPLES], 96, 0, gaps);
            }
            playout.margin()
        };
        assert_eq!(frames(600, 0), LEAST_MARGIN);
        assert_eq!(frames(600, 1), LEAST_MARGIN);
        assert_eq!(frames(600, 2), LEAST_MARGIN);
        assert_eq!(frames(100, 3), LEAST_MARGIN, "not within 10 s");
        assert_eq!(frames(100, 4), LEAST_MARGIN + MARGIN_STEP);
        assert_eq!(frames(100, 5), LEAST_MARGIN + MARGIN_STEP, "counted anew");
        assert_eq!(frames(2999, 6), LEAST_MARGIN + MARGIN_STEP);
        assert_eq!(frames(10, 6), LEAST_MARGIN);
        let mut gaps = 6;
        for _ in 0..100 {
            gaps += 1;
            frames(10, gaps);
        }
        assert_eq!(frames(1, gaps), MOST_MARGIN, "and no further");
    }

    #[test]
    fn a_flood_is_dropped_at_once() {
        let mut playout = Playout::new();
        let most = LEAST_MARGIN + MOST_WAITING;
        assert!(playout.pass([1; FRAME_SAMPLES], most, 0, 0).is_some());
        assert!(playout.pass([1; FRAME_SAMPLES], most + 1, 0, 0).is_none());
        assert_eq!(playout.take_trimmed(), 1);
    }

    #[test]
    fn two_frames_become_one_without_a_jump() {
        let mut playout = Playout::new();
        let mut passed = Vec::new();
        for number in 0..51 {
            passed.extend(playout.pass([number * 10; FRAME_SAMPLES], 1000, 0, 0));
        }
        assert_eq!(passed.len(), 50, "one of 51 is gone");
        let joined = passed.last().unwrap();
        assert_eq!(
            (joined[0], joined[FRAME_SAMPLES - 1]),
            (490, 500),
            "from the last held to the newest"
        );
        assert!(joined.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1));
    }
}
