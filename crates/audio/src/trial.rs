//! The echo test: four seconds of the microphone are kept in memory and then played, so that a person hears what a far
//! end would hear of them. Nothing of it reaches a call, a disk, or anything else.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use call::media::Frame;

/// What is kept: 4 s.
pub(crate) const TRIAL_FRAMES: usize = 400;

/// How far an echo test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrialStage {
    /// There is none.
    #[default]
    Idle,
    /// The microphone is open, or being opened.
    Listening,
    /// What it heard is being played.
    Playing,
}

/// The stage as the device thread reads it.
#[derive(Debug, Default)]
pub(crate) struct SharedStage(AtomicU8);

impl SharedStage {
    pub(crate) fn set(&self, stage: TrialStage) {
        let number = match stage {
            TrialStage::Idle => 0,
            TrialStage::Listening => 1,
            TrialStage::Playing => 2,
        };
        self.0.store(number, Relaxed);
    }

    pub(crate) fn get(&self) -> TrialStage {
        match self.0.load(Relaxed) {
            1 => TrialStage::Listening,
            2 => TrialStage::Playing,
            _ => TrialStage::Idle,
        }
    }
}

/// An echo test under way, on the frame thread.
#[derive(Debug)]
pub(crate) struct Trial {
    heard: Vec<Frame>,
    played: usize,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self {
            heard: Vec::with_capacity(TRIAL_FRAMES),
            played: 0,
        }
    }

    /// A frame of the microphone; what comes after the fourth second is not kept.
    pub(crate) fn hear(&mut self, frame: &Frame) {
        if self.heard.len() < TRIAL_FRAMES {
            self.heard.push(*frame);
        }
    }

    /// The next frame for the speaker; `None` while it listens, and at the end.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        if self.heard.len() < TRIAL_FRAMES {
            return None;
        }
        let frame = self.heard.get(self.played).copied()?;
        self.played += 1;
        Some(frame)
    }

    pub(crate) fn stage(&self) -> TrialStage {
        if self.heard.len() < TRIAL_FRAMES {
            TrialStage::Listening
        } else if self.played < TRIAL_FRAMES {
            TrialStage::Playing
        } else {
            TrialStage::Idle
        }
    }
}

#[cfg(test)]
mod tests {
    use call::media::FRAME_SAMPLES;

    use super::*;

    #[test]
    fn four_seconds_are_heard_and_then_played_once() {
        let mut trial = Trial::new();
        for number in 0..TRIAL_FRAMES + 50 {
            assert_eq!(trial.next(), None, "not while it listens");
            trial.hear(&[number as i16; FRAME_SAMPLES]);
            if number + 1 >= TRIAL_FRAMES {
                break;
            }
            assert_eq!(trial.stage(), TrialStage::Listening);
        }
        assert_eq!(trial.stage(), TrialStage::Playing);
        trial.hear(&[-1; FRAME_SAMPLES]);
        for number in 0..TRIAL_FRAMES {
            assert_eq!(trial.next(), Some([number as i16; FRAME_SAMPLES]));
        }
        assert_eq!((trial.next(), trial.stage()), (None, TrialStage::Idle));
    }
}
