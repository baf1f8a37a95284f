//! A sound that is found again exactly: a chirp, and the filter that knows it.

use std::{f64::consts::PI, ops::Range};

use rustfft::{FftPlanner, num_complex::Complex};

/// Samples a second of everything here.
pub(crate) const RATE: f64 = 48_000.0;

/// How long a chirp lasts, in seconds.
const LASTS: f64 = 0.1;
/// From here to there in Hz: inside what a telephone lets through.
const SWEEP: Range<f64> = 400.0..3_000.0;
/// Peak level, full scale = 1.
const PEAK: f64 = 0.5;
/// Beginning and end are softened for so long, in seconds, so that they do not click.
const EDGE: f64 = 0.005;
/// A place is taken for a chirp when it is so like one; 1 is the chirp itself, noise stays below 0.2.
const LIKE_ENOUGH: f64 = 0.4;
/// Two finds are so far apart at least, in seconds.
const APART: f64 = 0.2;

/// The chirp: 400 to 3000 Hz in a tenth of a second.
pub(crate) fn chirp() -> Vec<f32> {
    let count = (LASTS * RATE) as usize;
    (0..count)
        .map(|n| {
            let t = n as f64 / RATE;
            let angle =
                2.0 * PI * (SWEEP.start * t + (SWEEP.end - SWEEP.start) * t * t / (2.0 * LASTS));
            let edge = (t.min(LASTS - t) / EDGE).clamp(0.0, 1.0);
            (PEAK * edge * angle.sin()) as f32
        })
        .collect()
}

/// Silence, then chirps, each so many seconds after the beginning of the one before.
pub(crate) fn train(lead: f64, gaps: &[f64]) -> Vec<f32> {
    let mut samples = vec![0.0; (lead * RATE) as usize];
    for gap in gaps {
        let mut one = chirp();
        one.resize(((gap * RATE) as usize).max(one.len()), 0.0);
        samples.append(&mut one);
    }
    samples
}

/// Where chirps begin, in samples, to a fraction of one; in order.
///
/// The envelope of the normalised cross-correlation is searched, so neither loudness nor a turned phase matters.
pub(crate) fn find(samples: &[f32]) -> Vec<f64> {
    let template = chirp();
    let likeness = likeness(samples, &template);
    let apart = (APART * RATE) as usize;
    let mut order: Vec<(usize, f64)> = likeness
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, like)| *like >= LIKE_ENOUGH)
        .collect();
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut found: Vec<usize> = Vec::new();
    for (place, _) in order {
        if found.iter().all(|other| other.abs_diff(place) >= apart) {
            found.push(place);
        }
    }
    found.sort_unstable();
    found
        .into_iter()
        .map(|peak| between(&likeness, peak))
        .collect()
}

/// For each sent time the first heard one that is later by no more than `within` (all in seconds); `None`: lost.
pub(crate) fn delays(sent: &[f64], heard: &[f64], within: f64) -> Vec<Option<f64>> {
    sent.iter()
        .map(|sent| {
            heard
                .iter()
                .map(|heard| heard - sent)
                .find(|delay| (0.0..=within).contains(delay))
        })
        .collect()
}

/// How like the template each place is, 0 to 1.
fn likeness(samples: &[f32], template: &[f32]) -> Vec<f64> {
    let size = (samples.len() + template.len()).next_power_of_two();
    let mut planner = FftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(size);
    let spectrum = |values: &[f32]| {
        let mut buffer: Vec<Complex<f64>> = values
            .iter()
            .map(|value| Complex::new(f64::from(*value), 0.0))
            .collect();
        buffer.resize(size, Complex::default());
        forward.process(&mut buffer);
        buffer
    };
    // Only the positive frequencies: the inverse is then the analytic signal, and its size the envelope.
    let mut product: Vec<Complex<f64>> = spectrum(samples)
        .iter()
        .zip(spectrum(template))
        .take(size / 2)
        .map(|(one, other)| one * other.conj() * 2.0 / size as f64)
        .collect();
    product.resize(size, Complex::default());
    planner.plan_fft_inverse(size).process(&mut product);

    let energy = |values: &[f32]| -> f64 {
        values
            .iter()
            .map(|value| f64::from(*value) * f64::from(*value))
            .sum()
    };
    let of_template = energy(template);
    // Sound much quieter than the chirp was sent, by 50 dB, is compared with that level: silence is like nothing.
    let floor = of_template * 1e-5;
    let mut sums = Vec::with_capacity(samples.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for sample in samples {
        sum += f64::from(*sample) * f64::from(*sample);
        sums.push(sum);
    }
    let windows = sums.iter().zip(sums.iter().skip(template.len()));
    windows
        .zip(&product)
        .map(|((from, to), correlation)| {
            correlation.norm() / (of_template * (to - from).max(floor)).sqrt()
        })
        .collect()
}

/// The top of the parabola through a peak and its neighbours.
fn between(values: &[f64], peak: usize) -> f64 {
    let at = |place: Option<usize>| place.and_then(|place| values.get(place)).copied();
    let (Some(left), Some(middle), Some(right)) =
        (at(peak.checked_sub(1)), at(Some(peak)), at(Some(peak + 1)))
    else {
        return peak as f64;
    };
    let bend = left - 2.0 * middle + right;
    if bend.abs() < f64::EPSILON {
        return peak as f64;
    }
    peak as f64 + (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// The chirp at these places, this loud, in a second and a half.
    fn with_chirps(places: &[usize], level: f32) -> Vec<f32> {
        let mut samples = vec![0.0; 72_000];
        for place in places {
            for (sample, value) in samples[*place..].iter_mut().zip(chirp()) {
                *sample += level * value;
            }
        }
        samples
    }

    /// Repeatable noise between -1 and 1.
    fn noise(count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) as f32
            })
            .collect()
    }

    #[test]
    fn delayed_chirps_are_found_exactly() {
        let places = [0, 12_345, 40_001];
        for level in [1.0, 0.03] {
            let found = find(&with_chirps(&places, level));
            assert_eq!(found.len(), 3, "{found:?}");
            for (found, place) in found.iter().zip(places) {
                assert!(
                    (found - place as f64).abs() < 0.05,
                    "{place} was found at {found}"
                );
            }
        }
    }

    #[test]
    fn a_chirp_in_noise_is_found_to_a_tenth_of_a_millisecond() {
        let mut samples = with_chirps(&[30_000], 1.0);
        for (sample, noise) in samples.iter_mut().zip(noise(72_000)) {
            *sample += 0.2 * noise;
        }
        let found = find(&samples);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0] - 30_000.0).abs() < 4.8, "{found:?}");
    }

    #[test]
    fn a_chirp_upside_down_or_through_a_coarse_codec_is_the_same() {
        let upside_down: Vec<f32> = with_chirps(&[20_000], 1.0).iter().map(|s| -s).collect();
        assert!((find(&upside_down)[0] - 20_000.0).abs() < 0.05);
        // Every sixth sample held, as 8 kHz without a filter would: moves it by half of that at most.
        let held = with_chirps(&[20_000], 1.0)
            .chunks(6)
            .flat_map(|six| vec![six[0]; six.len()])
            .collect::<Vec<_>>();
        assert!((find(&held)[0] - 20_000.0).abs() < 6.0);
    }

    #[test]
    fn silence_noise_and_a_tone_hold_no_chirp() {
        assert_eq!(find(&vec![0.0; 48_000]), [0.0; 0]);
        assert_eq!(find(&[]), [0.0; 0]);
        assert_eq!(find(&noise(48_000)), [0.0; 0]);
        let tone = stage::Recording::tone(1_000.0, 0.5, std::time::Duration::from_secs(1));
        assert_eq!(find(tone.samples()), [0.0; 0]);
    }

    #[test]
    fn a_train_has_its_chirps_where_it_says() {
        let found = find(&train(0.25, &[0.5, 0.6, 0.5]));
        let wanted = [12_000.0, 36_000.0, 64_800.0];
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 0.05, "{found} is not {wanted}");
        }
    }

    #[test]
    fn each_chirp_is_paired_with_its_own_echo_and_a_lost_one_is_told() {
        let sent = [1.0, 1.6, 2.3];
        let heard = [0.9, 1.2, 2.55];
        let delays = delays(&sent, &heard, 0.55);
        assert!((delays[0].unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(delays[1], None);
        assert!((delays[2].unwrap() - 0.25).abs() < 1e-9);
    }
}
