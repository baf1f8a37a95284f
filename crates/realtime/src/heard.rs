//! How much of the far end was heard, and how loud: the proof that a call carried sound.

use std::sync::atomic::{AtomicU64, Ordering};

use call::media::{FRAME_MILLIS, Frame};

/// A frame quieter than this is not heard. Line noise and comfort noise stay below it.
const FLOOR_DBFS: f64 = -50.0;
const FULL_SCALE: f64 = 32_768.0;

/// Written where the far ends are added up, read by the connection's task. One writer at a time.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    loud_frames: AtomicU64,
    /// Sum of the mean squares of the loud frames (full scale = 1), as the bits of an `f64`.
    energy: AtomicU64,
}

impl Heard {
    pub(crate) fn add(&self, frame: &Frame) {
        let energy = mean_square(frame);
        if dbfs(energy) > FLOOR_DBFS {
            let sum = f64::from_bits(self.energy.load(Ordering::Relaxed)) + energy;
            self.energy.store(sum.to_bits(), Ordering::Relaxed);
            self.loud_frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Seconds above the floor.
    pub(crate) fn seconds(&self) -> f64 {
        (self.loud_frames.load(Ordering::Relaxed) * FRAME_MILLIS) as f64 / 1000.0
    }

    /// Root mean square of those seconds; `None` while nothing was heard.
    pub(crate) fn loudness(&self) -> Option<f64> {
        let frames = self.loud_frames.load(Ordering::Relaxed);
        let energy = f64::from_bits(self.energy.load(Ordering::Relaxed));
        (frames > 0).then(|| dbfs(energy / frames as f64))
    }
}

fn mean_square(frame: &Frame) -> f64 {
    let sum: f64 = frame
        .iter()
        .map(|sample| (f64::from(*sample) / FULL_SCALE).powi(2))
        .sum();
    sum / frame.len() as f64
}

fn dbfs(mean_square: f64) -> f64 {
    10.0 * mean_square.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(amplitude: f64) -> Frame {
        std::array::from_fn(|i| (amplitude * FULL_SCALE * (TAU * i as f64 / 48.0).sin()) as i16)
    }

    #[test]
    fn silence_is_not_heard() {
        let heard = Heard::default();
        heard.add(&[0; 480]);
        heard.add(&tone(0.001));
        assert_eq!(heard.seconds(), 0.0);
        assert_eq!(heard.loudness(), None);
    }

    #[test]
    fn seconds_and_loudness_are_those_of_the_loud_part() {
        let heard = Heard::default();
        for _ in 0..150 {
            heard.add(&tone(0.1));
            heard.add(&[0; 480]);
        }
        assert!((heard.seconds() - 1.5).abs() < 1e-9);
        let loudness = heard.loudness().unwrap();
        assert!((loudness - -23.0).abs() < 0.2, "{loudness}");
    }
}
