//! How much sound may wait for the speaker.
//!
//! The speaker's ring finds its own smallest fill when nothing is put ahead of it. But each time the speaker finds the
//! ring empty, or a burst arrives, everything after it waits longer, for the rest of the call. So the lowest fill of each
//! second is watched: what never drained is pure delay, and one frame of it is taken back by cross-fading two frames
//! into one. A flood beyond [`MOST_WAITING`] is dropped at once.

use call::media::{FRAME_SAMPLES, Frame};

/// More than this (40 ms) never waits.
const MOST_WAITING: usize = 4 * FRAME_SAMPLES;
/// Lowest fill of a second that is worth a cut: one frame, and a margin that keeps the cut from causing the next gap.
const WORTH_A_CUT: usize = FRAME_SAMPLES + FRAME_SAMPLES / 4;
/// Frames watched before judging: 1 s.
const WINDOW_FRAMES: u32 = 100;

/// Decides over each frame of the far end what becomes of it.
#[derive(Debug)]
pub(crate) struct Playout {
    low_water: usize,
    frames: u32,
    /// Waits to be joined with the next frame.
    held: Option<Frame>,
    trimmed: u64,
}

impl Playout {
    pub(crate) fn new() -> Self {
        Self {
            low_water: usize::MAX,
            frames: 0,
            held: None,
            trimmed: 0,
        }
    }

    /// What to play now in place of `frame`, while `waiting` samples (48 kHz, one channel) wait already.
    pub(crate) fn pass(&mut self, frame: Frame, waiting: usize) -> Option<Frame> {
        if waiting > MOST_WAITING {
            self.trimmed += 1;
            return None;
        }
        if let Some(held) = self.held.take() {
            return Some(cross_fade(&held, &frame));
        }
        self.low_water = self.low_water.min(waiting);
        self.frames += 1;
        if self.frames < WINDOW_FRAMES {
            return Some(frame);
        }
        let cut = self.low_water >= WORTH_A_CUT;
        self.frames = 0;
        self.low_water = usize::MAX;
        if cut {
            self.trimmed += 1;
            self.held = Some(frame);
            return None;
        }
        Some(frame)
    }

    /// Frames taken out since the last question.
    pub(crate) fn take_trimmed(&mut self) -> u64 {
        std::mem::take(&mut self.trimmed)
    }
}

/// From `old` to `new` within one frame.
pub(crate) fn cross_fade(old: &Frame, new: &Frame) -> Frame {
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

    /// A speaker that takes 5 ms at a time, fed 10 ms at a time, with `extra` samples waiting at the start.
    fn run(seconds: usize, extra: usize) -> (usize, u64) {
        let mut playout = Playout::new();
        let mut waiting = extra;
        for _ in 0..seconds * 100 {
            if playout.pass([0; FRAME_SAMPLES], waiting).is_some() {
                waiting += FRAME_SAMPLES;
            }
            waiting = waiting.saturating_sub(240).saturating_sub(240);
        }
        (waiting, playout.take_trimmed())
    }

    #[test]
    fn delay_left_by_an_under_run_is_taken_back_one_frame_a_second() {
        assert_eq!(run(1, 1440), (960, 1));
        assert_eq!(run(10, 1440), (480, 2), "and no further than the margin");
    }

    #[test]
    fn what_drains_in_between_is_left_alone() {
        assert_eq!(run(60, 0), (0, 0));
        assert_eq!(run(60, 480), (480, 0));
    }

    #[test]
    fn a_flood_is_dropped_at_once() {
        let mut playout = Playout::new();
        assert!(playout.pass([1; FRAME_SAMPLES], MOST_WAITING).is_some());
        assert!(playout.pass([1; FRAME_SAMPLES], MOST_WAITING + 1).is_none());
        assert_eq!(playout.take_trimmed(), 1);
    }

    #[test]
    fn two_frames_become_one_without_a_jump() {
        let mut playout = Playout::new();
        let mut passed = Vec::new();
        for number in 0..101 {
            passed.extend(playout.pass([number * 10; FRAME_SAMPLES], 1000));
        }
        assert_eq!(passed.len(), 100, "one of 101 is gone");
        let joined = passed.last().unwrap();
        assert_eq!(
            (joined[0], joined[FRAME_SAMPLES - 1]),
            (990, 1000),
            "from the last held to the newest"
        );
        assert!(joined.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1));
    }
}
