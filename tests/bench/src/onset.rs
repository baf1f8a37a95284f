//! When a tone begins.

use std::f64::consts::PI;

use anyhow::{Result, bail};

use crate::{chirp::RATE, statistics::Summary};

/// The tone is measured over so many samples (10 ms), softened at both ends, so other tones 200 Hz away do not matter.
const WINDOW: usize = 480;
/// Moved on by so many samples (0.25 ms).
const STEP: usize = 12;
/// Quieter than this (full scale = 1) is no tone: -46 dBFS.
const QUIET: f64 = 0.005;

/// Seconds from the beginning of `samples` to the moment at which the tone of `hz` first has half of the level that it
/// has later. For a tone that starts at once that is its start. Gaps in it do not matter: its level is that which it
/// exceeds for a twentieth of the time.
///
/// # Errors
/// There is no tone, or it is there from the beginning.
pub(crate) fn onset(samples: &[f32], hz: f64) -> Result<f64> {
    let kernel = kernel(hz);
    let levels: Vec<f64> = samples
        .windows(WINDOW)
        .step_by(STEP)
        .map(|window| level(window, &kernel))
        .collect();
    let steady = Summary::of(&levels).map_or(0.0, |summary| summary.p95);
    if steady < QUIET {
        bail!("no tone of {hz} Hz was heard");
    }
    let first = levels.iter().position(|level| *level >= steady / 2.0);
    match first {
        Some(first) if first > 0 => Ok((first * STEP + WINDOW / 2) as f64 / RATE),
        _ => bail!("the tone of {hz} Hz was heard before it could be"),
    }
}

/// What a window is multiplied with: cosine and sine of one frequency under a Hann window, so that the sum of the
/// products is half of the amplitude each.
fn kernel(hz: f64) -> Vec<(f64, f64)> {
    let hann = |n: usize| 0.5 - 0.5 * (2.0 * PI * (n as f64 + 0.5) / WINDOW as f64).cos();
    let weight: f64 = (0..WINDOW).map(hann).sum();
    (0..WINDOW)
        .map(|n| {
            let (sine, cosine) = (2.0 * PI * hz * n as f64 / RATE).sin_cos();
            let share = 2.0 * hann(n) / weight;
            (share * cosine, share * sine)
        })
        .collect()
}

/// The amplitude of one frequency in a window.
fn level(window: &[f32], kernel: &[(f64, f64)]) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (sample, (cosine, sine)) in window.iter().zip(kernel) {
        real += f64::from(*sample) * cosine;
        imaginary += f64::from(*sample) * sine;
    }
    real.hypot(imaginary)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::time::Duration;

    use stage::Recording;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(silence: usize, tone: &Recording) -> Vec<f32> {
        let mut samples = vec![0.0; silence];
        samples.extend_from_slice(tone.samples());
        samples
    }

    #[test]
    fn the_start_of_a_tone_is_found_to_half_a_millisecond() {
        for start in [4_800, 10_007] {
            let samples = after(start, &Recording::tone(1_000.0, 0.3, SECOND));
            let found = onset(&samples, 1_000.0).unwrap();
            assert!(
                (found - start as f64 / RATE).abs() < 0.000_5,
                "{start}: {found}"
            );
        }
    }

    #[test]
    fn a_ringing_tone_before_it_does_not_matter() {
        let start = 14_400;
        let mut samples = after(start, &Recording::tone(1_000.0, 0.3, SECOND));
        for hz in [440.0, 480.0] {
            let ring = Recording::tone(hz, 0.2, Duration::from_millis(320));
            for (sample, ring) in samples.iter_mut().zip(ring.samples()) {
                *sample += ring;
            }
        }
        let found = onset(&samples, 1_000.0).unwrap();
        assert!((found - 0.3).abs() < 0.001, "{found}");
    }

    #[test]
    fn a_tone_with_gaps_began_where_it_first_began() {
        let mut samples = after(9_600, &Recording::tone(1_000.0, 0.3, SECOND));
        for gap in [14_400..24_000, 48_000..57_600] {
            samples[gap].fill(0.0);
        }
        let found = onset(&samples, 1_000.0).unwrap();
        assert!((found - 0.2).abs() < 0.000_5, "{found}");
    }

    #[test]
    fn no_tone_another_tone_and_a_tone_that_was_there_before_have_no_start() {
        let said = |samples: &[f32]| onset(samples, 1_000.0).unwrap_err().to_string();
        assert!(said(&vec![0.0; 48_000]).starts_with("no tone"));
        assert!(said(&[]).starts_with("no tone"));
        let other = after(9_600, &Recording::tone(440.0, 0.5, SECOND));
        assert!(said(&other).starts_with("no tone"));
        let before = Recording::tone(1_000.0, 0.5, SECOND);
        assert!(said(before.samples()).contains("before"));
    }
}
