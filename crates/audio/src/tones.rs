//! Tones as pure functions of a sample index: nothing here knows a device, a clock or a thread.
//!
//! Levels are RMS in dBFS, where a full-scale square wave is 0 dBFS. Every start, stop and change of cadence is a raised
//! cosine of [`RAMP_SAMPLES`], so that nothing clicks.

mod own;
mod plan;
mod ringtone;

use std::f64::consts::{PI, TAU};

use call::media::SAMPLE_RATE;

pub use own::{LARGEST_FILE, OwnRingtone, OwnRingtoneError};
pub use plan::TonePlan;
pub use ringtone::Ringtone;

/// Length of a start or stop: 5 ms.
pub const RAMP_SAMPLES: u64 = SAMPLE_RATE as u64 / 200;

/// One kind of sound that Deskline makes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Somebody calls. Endless.
    Ring(Ringtone),
    /// The far end rings. Endless.
    Ringback(TonePlan),
    /// The far end is busy: about 2 s in all.
    Busy(TonePlan),
    /// The network could not carry the call: about 2 s in all.
    Congestion(TonePlan),
    /// Another call waits: two soft notes, 440 and 523 Hz, 0.4 s in all. Whoever wants it again asks again.
    Beep,
    /// The call is over: three soft notes downwards, 0.4 s in all.
    Ended,
    /// The far end is recorded, and hears it: 1,400 Hz for 0.2 s, as recorders of calls have always done.
    Recorded,
    /// The two frequencies of a telephone key for 120 ms.
    Key {
        /// Of the row of keys, Hz.
        low: u16,
        /// Of the column of keys, Hz.
        high: u16,
    },
}

impl Tone {
    /// The tone of a key, `None` for what is no key (`w`, the pause, is none). Upper and lower case are the same key.
    #[must_use]
    pub fn key(key: char) -> Option<Self> {
        let (low, high) = match key.to_ascii_uppercase() {
            '1' => (697, 1209),
            '2' => (697, 1336),
            '3' => (697, 1477),
            'A' => (697, 1633),
            '4' => (770, 1209),
            '5' => (770, 1336),
            '6' => (770, 1477),
            'B' => (770, 1633),
            '7' => (852, 1209),
            '8' => (852, 1336),
            '9' => (852, 1477),
            'C' => (852, 1633),
            '*' => (941, 1209),
            '0' => (941, 1336),
            '#' => (941, 1477),
            'D' => (941, 1633),
            _ => return None,
        };
        Some(Self::Key { low, high })
    }

    /// How long it lasts, in samples; `None`: until it is stopped.
    #[must_use]
    pub fn length(self) -> Option<u64> {
        match self {
            Self::Ring(_) | Self::Ringback(_) => None,
            Self::Busy(plan) => Some(plan.busy().length()),
            Self::Congestion(plan) => Some(plan.congestion().length()),
            Self::Beep | Self::Ended => Some(millis(400)),
            Self::Recorded => Some(millis(200)),
            Self::Key { .. } => Some(millis(120)),
        }
    }

    /// The sample at `index` (48 000 a second, 0 is the start), −1.0 … 1.0. Silence beyond [`length`](Self::length).
    #[must_use]
    pub fn sample(self, index: u64) -> f32 {
        if self.length().is_some_and(|length| index >= length) {
            return 0.0;
        }
        let sample = match self {
            Self::Ring(ringtone) => ringtone.sample(index),
            Self::Ringback(plan) => plan.ringback().sample(index),
            Self::Busy(plan) => plan.busy().sample(index),
            Self::Congestion(plan) => plan.congestion().sample(index),
            Self::Beep => note(index, 0, 160, 440.0, -28.0) + note(index, 160, 240, 523.25, -28.0),
            Self::Ended => {
                note(index, 0, 110, 587.33, -26.0)
                    + note(index, 110, 110, 493.88, -26.0)
                    + note(index, 220, 180, 392.0, -26.0)
            }
            Self::Recorded => note(index, 0, 200, 1400.0, -26.0),
            Self::Key { low, high } => {
                pair(index, f64::from(low), f64::from(high), -22.0) * cadence(index, millis(120), 0)
            }
        };
        sample as f32
    }
}

const fn millis(millis: u64) -> u64 {
    millis * SAMPLE_RATE as u64 / 1000
}

/// Peak amplitude of a sine of this level.
fn amplitude(dbfs: f64) -> f64 {
    10f64.powf(dbfs / 20.0) * 2f64.sqrt()
}

fn sine(index: u64, frequency: f64) -> f64 {
    (TAU * frequency * index as f64 / f64::from(SAMPLE_RATE)).sin()
}

/// One note of `length` milliseconds that begins at `from`, with soft edges.
fn note(index: u64, from: u64, length: u64, frequency: f64, dbfs: f64) -> f64 {
    match index.checked_sub(millis(from)) {
        Some(at) if at < millis(length) => {
            sine(at, frequency) * amplitude(dbfs) * raised_cosine(at.min(millis(length) - 1 - at))
        }
        Some(_) | None => 0.0,
    }
}

/// Two sines of equal strength with this level together.
fn pair(index: u64, low: f64, high: f64, dbfs: f64) -> f64 {
    (sine(index, low) + sine(index, high)) * amplitude(dbfs) * 0.5f64.sqrt()
}

/// Gain 0 … 1 of a sound that is on for `on` samples and off for `off`, again and again, softly.
fn cadence(index: u64, on: u64, off: u64) -> f64 {
    let at = index % (on + off);
    if at >= on {
        0.0
    } else {
        raised_cosine(at.min(on - 1 - at))
    }
}

/// The soft edge: 0 at its start, 1 from [`RAMP_SAMPLES`] on.
#[must_use]
pub fn raised_cosine(distance: u64) -> f64 {
    if distance >= RAMP_SAMPLES {
        1.0
    } else {
        0.5 - 0.5 * (PI * distance as f64 / RAMP_SAMPLES as f64).cos()
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
pub(crate) mod tests {
    use super::*;

    fn render(tone: Tone, from: u64, samples: u64) -> Vec<f64> {
        (from..from + samples)
            .map(|index| f64::from(tone.sample(index)))
            .collect()
    }

    /// Level of one frequency in dBFS (Goertzel's one-bin Fourier transform).
    pub(crate) fn level(samples: &[f64], frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (index, sample) in samples.iter().enumerate() {
            let angle = TAU * frequency * index as f64 / f64::from(SAMPLE_RATE);
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        20.0 * (2f64.sqrt() * re.hypot(im) / samples.len() as f64).log10()
    }

    pub(crate) fn rms(samples: &[f64]) -> f64 {
        20.0 * (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64)
            .sqrt()
            .log10()
    }

    #[test]
    fn every_key_has_its_two_frequencies_and_nothing_else_is_a_key() {
        let rows = [
            ('1', 697.0, 1209.0),
            ('5', 770.0, 1336.0),
            ('#', 941.0, 1477.0),
            ('d', 941.0, 1633.0),
        ];
        for (key, low, high) in rows {
            let tone = Tone::key(key).expect("is a key");
            let middle = render(tone, millis(10), millis(100));
            assert!(
                (level(&middle, low) + 25.0).abs() < 0.5,
                "{key} low {}",
                level(&middle, low)
            );
            assert!((level(&middle, high) + 25.0).abs() < 0.5, "{key} high");
        }
        assert_eq!("0123456789*#ABCD".chars().filter_map(Tone::key).count(), 16);
        assert!(
            "w eE+\u{0660}"
                .chars()
                .all(|other| Tone::key(other).is_none())
        );
    }

    #[test]
    fn the_beep_is_two_short_notes_softer_than_ringback() {
        let first = render(Tone::Beep, millis(20), millis(120));
        let second = render(Tone::Beep, millis(190), millis(180));
        assert!((level(&first, 440.0) + 28.0).abs() < 0.5);
        assert!((level(&second, 523.25) + 28.0).abs() < 0.5);
        assert_eq!(Tone::Beep.sample(millis(400)), 0.0);
    }

    #[test]
    fn the_end_of_a_call_is_heard_once_and_softly() {
        let end = render(Tone::Ended, 0, millis(400));
        assert!((-30.0..-26.0).contains(&rms(&end)), "{}", rms(&end));
        assert_eq!(Tone::Ended.length(), Some(millis(400)));
        assert!(
            render(Tone::Ended, millis(400), 4800)
                .iter()
                .all(|x| *x == 0.0)
        );
    }

    /// A click is a jump. The steepest slope of a sum of sines is its peak times its angular frequency; an edge that is
    /// not ramped would exceed it by far.
    #[test]
    fn no_tone_jumps() {
        let mut tones = vec![
            (Tone::Beep, 1000, 0.01),
            (Tone::Ended, 1000, 0.01),
            (Tone::Recorded, 400, 0.02),
            (Tone::key('D').expect("is a key"), 500, 0.04),
        ];
        tones.extend(Ringtone::ALL.map(|ringtone| (Tone::Ring(ringtone), 9000, 0.12)));
        for plan in TonePlan::ALL {
            tones.extend([
                (Tone::Ringback(plan), 7000, 0.02),
                (Tone::Busy(plan), 4000, 0.02),
                (Tone::Congestion(plan), 4000, 0.02),
            ]);
        }
        for (tone, length, limit) in tones {
            let samples = render(tone, 0, millis(length));
            assert!(samples[0].abs() < 0.001, "{tone:?} starts softly");
            let steepest = samples
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .fold(0.0, f64::max);
            assert!(steepest < limit, "{tone:?} jumps by {steepest}");
        }
    }

    #[test]
    fn the_edge_is_five_milliseconds_long() {
        assert_eq!(RAMP_SAMPLES, 240);
        assert_eq!(raised_cosine(0), 0.0);
        assert!((raised_cosine(120) - 0.5).abs() < 1e-9);
        assert_eq!(raised_cosine(240), 1.0);
    }
}
