//! What a caller on hold hears: slow broken chords of struck strings, made here.
//!
//! All notes lie between 330 and 1050 Hz, so that a telephone carries them whole, and no note begins or ends with an
//! edge: the loop may be entered, left and repeated at any frame. The level is that of quiet speech.

use std::f64::consts::{PI, TAU};

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

/// One chord: its notes in Hz, played one after the other, then up and down again.
type Chord = [f64; 4];

/// Four chords that lead back to the first.
const CHORDS: [Chord; 4] = [
    [349.23, 440.0, 523.25, 783.99],
    [329.63, 440.0, 587.33, 698.46],
    [349.23, 466.16, 587.33, 880.0],
    [329.63, 466.16, 523.25, 659.26],
];
/// In which order the notes of a chord are struck; `None`: one is left ringing.
const STEPS: [Option<usize>; 8] = [
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(2),
    Some(1),
    Some(3),
    None,
];
/// From one note to the next: 0.5 s.
const STEP_SAMPLES: u64 = SAMPLE_RATE as u64 / 2;
/// How long a note sounds: four steps.
const NOTE_SAMPLES: u64 = 4 * STEP_SAMPLES;
/// How long it takes to begin: 30 ms.
const ATTACK_SAMPLES: u64 = SAMPLE_RATE as u64 * 30 / 1000;
/// Peak of one note; together they come to about −24 dBFS.
const NOTE_PEAK: f64 = 0.102;

/// The pattern, for whoever feeds the calls on hold: each call of it is the next 10 ms. It neither waits nor allocates, so
/// it may run on the frame thread.
pub fn hold_music() -> impl FnMut(&mut Frame) + Send + 'static {
    let mut music = HoldMusic::default();
    move |frame| *frame = music.next()
}

/// The pattern, and how far it has come.
#[derive(Debug, Default)]
struct HoldMusic {
    /// Samples played; a multiple of a frame, as the length of a step is.
    position: u64,
}

impl HoldMusic {
    /// The next 10 ms.
    fn next(&mut self) -> Frame {
        let step = self.position / STEP_SAMPLES;
        let mut sum = [0.0; FRAME_SAMPLES];
        // What was struck before still rings; the first notes of the first round have nothing behind them.
        for step in (0..NOTE_SAMPLES / STEP_SAMPLES).filter_map(|back| step.checked_sub(back)) {
            if let Some(frequency) = note(step) {
                ring(self.position - step * STEP_SAMPLES, frequency, &mut sum);
            }
        }
        self.position += FRAME_SAMPLES as u64;
        // A cast from float to integer saturates.
        sum.map(|sample| (sample * 32_767.0).round() as i16)
    }
}

/// What is struck at a step.
fn note(step: u64) -> Option<f64> {
    let steps = STEPS.len() as u64;
    let chord = CHORDS.get(usize::try_from(step / steps % CHORDS.len() as u64).ok()?)?;
    let place = STEPS.get(usize::try_from(step % steps).ok()?)?;
    chord.get((*place)?).copied()
}

/// Adds 10 ms of a string that was struck with a soft hammer `since` samples ago: the octave above it fades first. How
/// loud it is is worked out at both ends of the frame; in between a straight line will do.
fn ring(since: u64, frequency: f64, sum: &mut [f64; FRAME_SAMPLES]) {
    let (now, then) = (strength(since), strength(since + FRAME_SAMPLES as u64));
    let turn = TAU * frequency / f64::from(SAMPLE_RATE);
    for (index, slot) in sum.iter_mut().enumerate() {
        let share = index as f64 / FRAME_SAMPLES as f64;
        let angle = turn * (since + index as u64) as f64;
        let body = now.0 + (then.0 - now.0) * share;
        let octave = now.1 + (then.1 - now.1) * share;
        *slot += angle.sin() * body + (2.0 * angle).sin() * octave;
    }
}

/// Strength of a string and of its octave.
fn strength(since: u64) -> (f64, f64) {
    let seconds = since as f64 / f64::from(SAMPLE_RATE);
    let peak = NOTE_PEAK * edges(since);
    (
        (-seconds * 1.1).exp() * peak,
        (-seconds * 3.5).exp() * 0.22 * peak,
    )
}

/// Gain 0 … 1: in over the attack, out over the last step.
fn edges(since: u64) -> f64 {
    let soft = |part: u64, whole: u64| {
        let share = (part as f64 / whole as f64).min(1.0);
        0.5 - 0.5 * (PI * share).cos()
    };
    let left = NOTE_SAMPLES.saturating_sub(since);
    soft(since, ATTACK_SAMPLES) * soft(left, STEP_SAMPLES)
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

    /// The whole pattern: 16 s.
    const LOOP_SAMPLES: u64 = STEP_SAMPLES * (STEPS.len() * CHORDS.len()) as u64;

    fn rounds(count: u64) -> Vec<f64> {
        let mut music = HoldMusic::default();
        (0..count * LOOP_SAMPLES / FRAME_SAMPLES as u64)
            .flat_map(|_| music.next())
            .map(|sample| f64::from(sample) / 32_768.0)
            .collect()
    }

    fn dbfs(samples: &[f64]) -> f64 {
        20.0 * (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64)
            .sqrt()
            .log10()
    }

    #[test]
    fn it_is_quiet_never_stops_and_never_startles() {
        let music = rounds(1);
        let level = dbfs(&music);
        assert!((level + 24.0).abs() < 1.0, "{level} dBFS");
        for second in music[48_000..].chunks(48_000) {
            let level = dbfs(second);
            assert!((-32.0..-19.0).contains(&level), "{level} dBFS in a second");
        }
        let peak = music.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()));
        assert!(peak < 0.35, "peak {peak}");
    }

    /// The steepest slope of these notes together is some hundredths; an edge would be far steeper.
    #[test]
    fn nothing_clicks_at_the_start_within_or_where_it_repeats() {
        let music = rounds(2);
        assert!(music[0].abs() < 1e-3);
        let steepest = music
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f64::max);
        assert!(steepest < 0.04, "a jump of {steepest}");
    }

    #[test]
    fn it_repeats_and_whoever_feeds_gets_the_same() {
        let music = rounds(3);
        let whole = LOOP_SAMPLES as usize;
        assert!(music[whole..2 * whole] == music[2 * whole..]);
        let (mut pattern, mut fed) = (HoldMusic::default(), hold_music());
        for _ in 0..300 {
            let mut frame = [1; FRAME_SAMPLES];
            fed(&mut frame);
            assert_eq!(frame, pattern.next());
        }
    }
}
