//! What was heard, and how to measure it.

use std::{f32::consts::PI, path::Path, time::Duration};

use anyhow::{Context, Result};
use rustfft::{FftPlanner, num_complex::Complex32};

/// Samples a second of every recording here.
pub const RATE: u32 = 48_000;

/// A block counts as loud above this (dBFS), the level the phones of the line use too.
pub const LOUD_DBFS: f32 = -40.0;

const BLOCK: usize = RATE as usize / 100;
const WINDOW: usize = 16_384;

/// Mono sound at 48 kHz, full scale = 1.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    samples: Vec<f32>,
}

impl Recording {
    /// Take over samples.
    #[must_use]
    pub fn new(samples: Vec<f32>) -> Self {
        Self { samples }
    }

    /// A sine of this frequency (Hz) and peak level (full scale = 1).
    #[must_use]
    pub fn tone(hz: f32, peak: f32, lasting: Duration) -> Self {
        let count = (lasting.as_secs_f64() * f64::from(RATE)) as usize;
        let step = 2.0 * std::f64::consts::PI * f64::from(hz) / f64::from(RATE);
        Self {
            samples: (0..count)
                .map(|n| peak * (step * n as f64).sin() as f32)
                .collect(),
        }
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(RATE))
    }

    /// The part between two times; shorter when the recording is.
    #[must_use]
    pub fn between(&self, from: Duration, to: Duration) -> Self {
        let at = |time: Duration| {
            ((time.as_secs_f64() * f64::from(RATE)) as usize).min(self.samples.len())
        };
        Self {
            samples: self
                .samples
                .get(at(from)..at(to))
                .unwrap_or_default()
                .to_vec(),
        }
    }

    /// The last part of it.
    #[must_use]
    pub fn last(&self, time: Duration) -> Self {
        self.between(self.duration().saturating_sub(time), self.duration())
    }

    /// Root mean square of the whole, full scale = 1.
    #[must_use]
    pub fn rms(&self) -> f32 {
        rms(&self.samples)
    }

    /// The same in decibels below full scale; digital silence is −200.
    #[must_use]
    pub fn rms_dbfs(&self) -> f32 {
        decibels(self.rms())
    }

    /// How much of it is louder than −40 dBFS, in blocks of 10 ms.
    #[must_use]
    pub fn loud(&self) -> Duration {
        let blocks = self
            .samples
            .chunks(BLOCK)
            .filter(|block| decibels(rms(block)) > LOUD_DBFS)
            .count();
        Duration::from_millis(10) * u32::try_from(blocks).unwrap_or(u32::MAX)
    }

    /// When the first loud block of 10 ms begins.
    #[must_use]
    pub fn first_loud(&self) -> Option<Duration> {
        let block = self
            .samples
            .chunks(BLOCK)
            .position(|block| decibels(rms(block)) > LOUD_DBFS)?;
        Some(Duration::from_millis(10) * u32::try_from(block).unwrap_or(u32::MAX))
    }

    /// The strongest frequency in Hz (20 Hz to 20 kHz), exact to about 1 Hz; `None` when it is silent.
    #[must_use]
    pub fn dominant_hz(&self) -> Option<f32> {
        if self.rms_dbfs() < LOUD_DBFS - 30.0 {
            return None;
        }
        let power = self.spectrum();
        let (first, last) = (bin(20.0), bin(20_000.0));
        let (peak, _) = power
            .iter()
            .enumerate()
            .take(last)
            .skip(first)
            .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        // The true peak lies between the bins: a parabola through the logarithms of three of them finds it.
        let [left, middle, right] = [peak - 1, peak, peak + 1]
            .map(|n| power.get(n).copied().unwrap_or(0.0).max(1e-20).ln());
        let bend = left - 2.0 * middle + right;
        let shift = if bend.abs() > f32::EPSILON {
            0.5 * (left - right) / bend
        } else {
            0.0
        };
        Some((peak as f32 + shift) * RATE as f32 / WINDOW as f32)
    }

    /// Which part (0 to 1) of the whole power lies within 10 Hz of this frequency.
    #[must_use]
    pub fn share_of(&self, hz: f32) -> f32 {
        let power = self.spectrum();
        let total: f32 = power.iter().skip(bin(20.0)).sum();
        let near: f32 = power
            .iter()
            .take(bin(hz + 10.0) + 1)
            .skip(bin(hz - 10.0))
            .sum();
        if total > 0.0 { near / total } else { 0.0 }
    }

    /// Write it as WAV (16 bit, mono).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, to: &Path) -> Result<()> {
        let data = self.bytes();
        let length =
            u32::try_from(data.len()).context("the recording is too long for a WAV file")?;
        let mut file = Vec::with_capacity(data.len() + 44);
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&(length + 36).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt ");
        file.extend_from_slice(&16_u32.to_le_bytes());
        for half in [1_u16, 1] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        file.extend_from_slice(&RATE.to_le_bytes());
        file.extend_from_slice(&(RATE * 2).to_le_bytes());
        for half in [2_u16, 16] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        file.extend_from_slice(b"data");
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&data);
        std::fs::write(to, file).with_context(|| format!("cannot write {}", to.display()))
    }

    /// Little-endian 16 bit samples, as the sound server takes them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.samples
            .iter()
            .flat_map(|sample| {
                ((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16).to_le_bytes()
            })
            .collect()
    }

    /// Mean power of every bin over windows of a third of a second.
    fn spectrum(&self) -> Vec<f32> {
        let fft = FftPlanner::new().plan_fft_forward(WINDOW);
        let mut power = vec![0.0; WINDOW / 2];
        for window in self.samples.chunks(WINDOW) {
            // A short rest would only smear the peak, unless it is all there is.
            if window.len() < WINDOW && self.samples.len() > WINDOW {
                continue;
            }
            let length = window.len() as f32;
            let mut buffer: Vec<Complex32> = window
                .iter()
                .enumerate()
                .map(|(n, sample)| {
                    Complex32::new(
                        sample * (0.5 - 0.5 * (2.0 * PI * n as f32 / length).cos()),
                        0.0,
                    )
                })
                .collect();
            buffer.resize(WINDOW, Complex32::default());
            fft.process(&mut buffer);
            for (sum, value) in power.iter_mut().zip(&buffer) {
                *sum += value.norm_sqr();
            }
        }
        power
    }
}

fn bin(hz: f32) -> usize {
    (hz.max(0.0) * WINDOW as f32 / RATE as f32).round() as usize
}

fn rms(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples
        .iter()
        .map(|sample| f64::from(sample * sample))
        .sum();
    (sum / samples.len() as f64).sqrt() as f32
}

fn decibels(level: f32) -> f32 {
    20.0 * level.max(1e-10).log10()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_tone_is_measured_in_frequency_and_level() {
        for hz in [97.0, 440.0, 1004.5, 3400.0] {
            let tone = Recording::tone(hz, 0.5, SECOND);
            let found = tone.dominant_hz().unwrap();
            assert!((found - hz).abs() < 0.5, "{hz} was measured as {found}");
            assert!(
                (tone.rms_dbfs() - -9.03).abs() < 0.1,
                "{} dBFS",
                tone.rms_dbfs()
            );
            assert!(tone.share_of(hz) > 0.95);
            assert!(tone.share_of(hz + 300.0) < 0.01);
        }
    }

    #[test]
    fn a_tenth_of_a_second_is_enough_for_a_frequency() {
        let found = Recording::tone(697.0, 0.2, Duration::from_millis(100))
            .dominant_hz()
            .unwrap();
        assert!((found - 697.0).abs() < 2.0, "measured {found}");
    }

    #[test]
    fn silence_has_no_frequency_and_no_loud_part() {
        let silence = Recording::new(vec![0.0; RATE as usize]);
        assert_eq!(silence.dominant_hz(), None);
        assert_eq!(silence.loud(), Duration::ZERO);
        assert_eq!(silence.first_loud(), None);
        assert_eq!(Recording::default().dominant_hz(), None);
    }

    #[test]
    fn the_beginning_of_a_sound_is_found() {
        let mut samples = vec![0.0; RATE as usize / 2];
        samples.extend_from_slice(Recording::tone(440.0, 0.3, SECOND).samples());
        let recording = Recording::new(samples);
        assert_eq!(recording.first_loud(), Some(Duration::from_millis(500)));
        assert_eq!(recording.loud(), SECOND);
        assert!(
            recording
                .between(Duration::ZERO, Duration::from_millis(500))
                .dominant_hz()
                .is_none()
        );
    }
}
