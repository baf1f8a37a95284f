//! The ringtones, all of our own making: no melody of anybody, no recording.

use super::{cadence, millis, raised_cosine, sine};
use call::media::SAMPLE_RATE;

/// How it rings when somebody calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ringtone {
    /// A rising phrase on wooden bars, answered once.
    #[default]
    Bars,
    /// Three deep bells, slowly.
    Bells,
    /// Two notes in quick turn, as desk telephones do.
    Trill,
    /// Soft drops of glass, high and far apart.
    Drops,
    /// The person's own file; the first of these where there is none.
    Own,
}

/// One struck note.
struct Note {
    /// Milliseconds after the start of the phrase.
    at: u64,
    /// Hz.
    frequency: f64,
}

const fn note(at: u64, frequency: f64) -> Note {
    Note { at, frequency }
}

/// C major with an added sixth.
const BARS: [Note; 7] = [
    note(0, 523.25),
    note(150, 659.26),
    note(300, 783.99),
    note(450, 880.0),
    note(900, 783.99),
    note(1050, 880.0),
    note(1200, 1046.5),
];
const BELLS: [Note; 3] = [note(0, 392.0), note(550, 523.25), note(1100, 440.0)];
const DROPS: [Note; 5] = [
    note(0, 1174.66),
    note(260, 1567.98),
    note(420, 1318.51),
    note(900, 1174.66),
    note(1060, 1760.0),
];

impl Ringtone {
    /// All of our own making.
    pub const ALL: [Self; 4] = [Self::Bars, Self::Bells, Self::Trill, Self::Drops];

    /// A word for settings; never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Bells => "bells",
            Self::Trill => "trill",
            Self::Drops => "drops",
            Self::Own => "own",
        }
    }

    /// The ringtone of a word; the usual one for a word that is none.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .chain([Self::Own])
            .find(|ringtone| ringtone.word() == word)
            .unwrap_or_default()
    }

    /// The phrase and the rest after it, milliseconds.
    const fn period_ms(self) -> u64 {
        match self {
            Self::Bars | Self::Own => 3000,
            Self::Bells | Self::Trill => 4000,
            Self::Drops => 3200,
        }
    }

    pub(super) fn sample(self, index: u64) -> f64 {
        let at = index % millis(self.period_ms());
        match self {
            Self::Bars | Self::Own => phrase(at, &BARS, wood),
            Self::Bells => phrase(at, &BELLS, bell),
            Self::Trill => trill(at),
            Self::Drops => phrase(at, &DROPS, glass),
        }
    }
}

fn phrase(at: u64, notes: &[Note], struck: fn(u64, f64) -> f64) -> f64 {
    notes
        .iter()
        .filter_map(|note| Some(struck(at.checked_sub(millis(note.at))?, note.frequency)))
        .sum()
}

/// A partial that fades: `rate` is how quickly, in parts of e a second.
fn fading(since: u64, frequency: f64, rate: f64) -> f64 {
    sine(since, frequency) * (-(since as f64) / f64::from(SAMPLE_RATE) * rate).exp()
}

/// What is struck, with soft edges.
fn struck(since: u64, length_ms: u64, sound: impl FnOnce() -> f64) -> f64 {
    if since >= millis(length_ms) {
        return 0.0;
    }
    sound() * cadence(since, millis(length_ms), 0)
}

/// A wooden bar: the fundamental fades slowly, its fourth partial quickly.
fn wood(since: u64, frequency: f64) -> f64 {
    struck(since, 1100, || {
        (fading(since, frequency, 5.0) + fading(since, frequency * 4.0, 22.0) * 0.25) * 0.16
    })
}

/// A bell: partials that are no multiples of each other, the low ones ringing on.
fn bell(since: u64, frequency: f64) -> f64 {
    struck(since, 2400, || {
        (fading(since, frequency, 1.9)
            + fading(since, frequency * 2.0, 2.6) * 0.6
            + fading(since, frequency * 2.41, 4.0) * 0.35
            + fading(since, frequency * 3.01, 6.0) * 0.25)
            * 0.13
    })
}

/// Glass: nearly a pure tone, gone soon.
fn glass(since: u64, frequency: f64) -> f64 {
    struck(since, 900, || {
        (fading(since, frequency, 6.5) + fading(since, frequency * 2.76, 18.0) * 0.15) * 0.2
    })
}

/// Two bursts of a warble.
fn trill(at: u64) -> f64 {
    const BURST_MS: u64 = 700;
    const TURN_MS: u64 = 50;
    let (burst, pause) = (millis(BURST_MS), millis(300));
    if at >= 2 * (burst + pause) {
        return 0.0;
    }
    let within = at % (burst + pause);
    if within >= burst {
        return 0.0;
    }
    let turn = millis(TURN_MS);
    let edge = raised_cosine(within.min(burst - 1 - within));
    // Both notes sound all the time and take turns in strength, so that there is no edge between them.
    let phase = (within / turn) % 2;
    let inside = within % turn;
    let change = raised_cosine(inside);
    let (first, second) = if phase == 0 {
        (change, 1.0 - change)
    } else {
        (1.0 - change, change)
    };
    let warble = |frequency: f64| sine(at, frequency) + sine(at, frequency * 2.0) * 0.3;
    (warble(740.0) * first + warble(932.33) * second) * 0.16 * edge
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use super::super::tests::rms;
    use super::*;

    #[test]
    fn every_ringtone_is_audible_about_as_loud_as_the_others_and_repeats_after_a_rest() {
        for ringtone in Ringtone::ALL {
            let period = millis(ringtone.period_ms());
            let cycle = |from: u64| -> Vec<f64> {
                (from..from + period)
                    .map(|index| ringtone.sample(index))
                    .collect()
            };
            let first = cycle(0);
            let peak = first.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()));
            assert!((0.15..0.7).contains(&peak), "{ringtone:?}: peak {peak}");
            let level = rms(&first);
            assert!((-30.0..-17.0).contains(&level), "{ringtone:?}: {level}");
            assert_eq!(first, cycle(period * 1000), "{ringtone:?}");
            let rest = &first[first.len() - millis(300) as usize..];
            assert!(rest.iter().all(|x| *x == 0.0), "{ringtone:?} rests");
        }
    }

    #[test]
    fn words_and_ringtones_fit_each_other() {
        for ringtone in Ringtone::ALL {
            assert_eq!(Ringtone::of_word(ringtone.word()), ringtone);
        }
        assert_eq!(Ringtone::of_word("gong"), Ringtone::Bars);
    }
}
