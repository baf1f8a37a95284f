//! What a caller hears while the network works: ringing, busy, congestion, as each part of the world knows them.
//!
//! Frequencies and cadences are those of ITU-T E.180, supplement 2.

use super::{amplitude, millis, pair, raised_cosine, sine};

/// Level of all of these, dBFS.
const LEVEL: f64 = -20.0;
/// A tone that ends by itself ends after the cadence during which this many milliseconds have passed.
const ENOUGH: u64 = 2000;

/// The tones that people of one part of the world know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TonePlan {
    /// North America.
    #[default]
    NorthAmerica,
    /// United Kingdom, and countries that took its tones.
    UnitedKingdom,
    /// Most of Europe and of the rest of the world.
    Europe,
    /// Australia.
    Australia,
    /// Japan.
    Japan,
}

/// One tone of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    sound: Sound,
    parts: &'static [Part],
}

#[derive(Debug, Clone, Copy)]
enum Sound {
    /// One frequency, Hz.
    One(f64),
    /// Two at once, Hz.
    Two(f64, f64),
    /// One whose strength rises and falls with the second, Hz.
    Trembling(f64, f64),
}

/// Sound and the silence after it.
#[derive(Debug, Clone, Copy)]
struct Part {
    on_ms: u64,
    off_ms: u64,
    /// Softer than [`LEVEL`], dB.
    softer: f64,
}

const fn part(on_ms: u64, off_ms: u64) -> Part {
    Part {
        on_ms,
        off_ms,
        softer: 0.0,
    }
}

const AMERICAN: &[Part] = &[part(2000, 4000)];
const EUROPEAN: &[Part] = &[part(1000, 4000)];
const JAPANESE: &[Part] = &[part(1000, 2000)];
const TWICE: &[Part] = &[part(400, 200), part(400, 2000)];
const HALVES: &[Part] = &[part(500, 500)];
const QUARTERS: &[Part] = &[part(250, 250)];
const BRITISH: &[Part] = &[part(375, 375)];
const UNEVEN: &[Part] = &[part(400, 350), part(225, 525)];
const STEPPED: &[Part] = &[
    part(375, 375),
    Part {
        on_ms: 375,
        off_ms: 375,
        softer: 10.0,
    },
];

impl TonePlan {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::NorthAmerica,
        Self::UnitedKingdom,
        Self::Europe,
        Self::Australia,
        Self::Japan,
    ];

    /// The plan of a country by its ISO 3166 code. A country that none of the others fits has that of Europe, which is the
    /// one that E.180 recommends.
    #[must_use]
    pub fn of_country(code: &str) -> Self {
        match code.trim().to_ascii_uppercase().as_str() {
            "US" | "CA" | "PR" | "JM" | "BS" | "BB" | "TT" | "DO" | "BM" | "KY" | "GU" | "VI" => {
                Self::NorthAmerica
            }
            "GB" | "GG" | "JE" | "IM" | "IE" | "NZ" | "SG" | "MT" | "GI" => Self::UnitedKingdom,
            "AU" => Self::Australia,
            "JP" => Self::Japan,
            _ => Self::Europe,
        }
    }

    pub(super) fn ringback(self) -> Signal {
        let (sound, parts) = match self {
            Self::NorthAmerica => (Sound::Two(440.0, 480.0), AMERICAN),
            Self::UnitedKingdom => (Sound::Two(400.0, 450.0), TWICE),
            Self::Europe => (Sound::One(425.0), EUROPEAN),
            Self::Australia => (Sound::Two(413.0, 438.0), TWICE),
            Self::Japan => (Sound::Trembling(400.0, 16.0), JAPANESE),
        };
        Signal { sound, parts }
    }

    pub(super) fn busy(self) -> Signal {
        let (sound, parts) = match self {
            Self::NorthAmerica => (Sound::Two(480.0, 620.0), HALVES),
            Self::UnitedKingdom => (Sound::One(400.0), BRITISH),
            Self::Europe => (Sound::One(425.0), HALVES),
            Self::Australia => (Sound::One(425.0), BRITISH),
            Self::Japan => (Sound::One(400.0), HALVES),
        };
        Signal { sound, parts }
    }

    pub(super) fn congestion(self) -> Signal {
        let (sound, parts) = match self {
            Self::NorthAmerica => (Sound::Two(480.0, 620.0), QUARTERS),
            Self::UnitedKingdom => (Sound::One(400.0), UNEVEN),
            Self::Europe => (Sound::One(425.0), QUARTERS),
            Self::Australia => (Sound::One(425.0), STEPPED),
            Self::Japan => (Sound::One(400.0), HALVES),
        };
        Signal { sound, parts }
    }
}

impl Signal {
    fn period(self) -> u64 {
        self.parts
            .iter()
            .map(|part| millis(part.on_ms + part.off_ms))
            .sum()
    }

    /// Samples of as many whole cadences as make two seconds.
    pub(super) fn length(self) -> u64 {
        let period = self.period().max(1);
        millis(ENOUGH).div_ceil(period) * period
    }

    pub(super) fn sample(self, index: u64) -> f64 {
        let mut at = index % self.period().max(1);
        for part in self.parts {
            let (on, whole) = (millis(part.on_ms), millis(part.on_ms + part.off_ms));
            if at < on {
                let edge = raised_cosine(at.min(on - 1 - at));
                return self.sound.sample(index, LEVEL - part.softer) * edge;
            }
            if at < whole {
                return 0.0;
            }
            at -= whole;
        }
        0.0
    }
}

impl Sound {
    fn sample(self, index: u64, dbfs: f64) -> f64 {
        match self {
            Self::One(frequency) => sine(index, frequency) * amplitude(dbfs),
            Self::Two(low, high) => pair(index, low, high, dbfs),
            // The square of 1 + sin is 3/2 on the mean: what trembles is as loud as what does not.
            Self::Trembling(frequency, beat) => {
                let strength = (1.0 + sine(index, beat)) / 1.5f64.sqrt();
                sine(index, frequency) * amplitude(dbfs) * strength
            }
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use super::super::tests::{level, rms};
    use super::*;

    fn render(signal: Signal, from_ms: u64, length_ms: u64) -> Vec<f64> {
        (millis(from_ms)..millis(from_ms + length_ms))
            .map(|index| signal.sample(index))
            .collect()
    }

    /// Where sound begins and ends, to 5 ms, as (begin, end) in milliseconds.
    fn bursts(signal: Signal, length_ms: u64) -> Vec<(u64, u64)> {
        let loud: Vec<bool> = (0..length_ms / 5)
            .map(|step| {
                render(signal, step * 5, 5)
                    .iter()
                    .any(|sample| sample.abs() > 1e-4)
            })
            .collect();
        let mut bursts = Vec::new();
        let mut began = None;
        for (step, loud) in loud.iter().chain([&false]).enumerate() {
            match (began, loud) {
                (None, true) => began = Some(step),
                (Some(from), false) => {
                    bursts.push((from as u64 * 5, step as u64 * 5));
                    began = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        bursts
    }

    #[test]
    fn every_ringback_has_the_cadence_of_its_country() {
        use TonePlan::{Australia, Europe, Japan, NorthAmerica, UnitedKingdom};
        let twice: &[(u64, u64)] = &[(0, 400), (600, 1000), (3000, 3400), (3600, 4000)];
        let expected: [(TonePlan, &[(u64, u64)]); 5] = [
            (NorthAmerica, &[(0, 2000)]),
            (UnitedKingdom, twice),
            (Europe, &[(0, 1000), (5000, 6000)]),
            (Australia, twice),
            (Japan, &[(0, 1000), (3000, 4000)]),
        ];
        for (plan, cadence) in expected {
            assert_eq!(bursts(plan.ringback(), 6000), cadence, "{plan:?}");
        }
    }

    #[test]
    fn busy_and_congestion_differ_where_the_country_has_two_tones_and_end_by_themselves() {
        for plan in TonePlan::ALL {
            let (busy, congestion) = (plan.busy(), plan.congestion());
            for signal in [busy, congestion] {
                let seconds = signal.length() / millis(1000);
                assert!((2..=3).contains(&seconds), "{plan:?}");
                assert_eq!(signal.length() % signal.period(), 0, "whole cadences");
            }
            let alike = bursts(busy, 3000) == bursts(congestion, 3000);
            let one_tone = matches!(plan, TonePlan::Japan | TonePlan::Australia);
            assert_eq!(alike, one_tone, "{plan:?}");
        }
        let stepped = TonePlan::Australia.congestion();
        let (first, second) = (render(stepped, 20, 300), render(stepped, 770, 300));
        assert!((rms(&first) - rms(&second) - 10.0).abs() < 0.1);
        assert_eq!(
            bursts(TonePlan::UnitedKingdom.congestion(), 1500),
            [(0, 400), (750, 975)]
        );
        assert_eq!(
            bursts(TonePlan::NorthAmerica.busy(), 2000),
            [(0, 500), (1000, 1500)]
        );
    }

    #[test]
    fn every_tone_has_its_frequencies_and_the_same_level() {
        let two: [(Signal, f64, f64); 3] = [
            (TonePlan::NorthAmerica.ringback(), 440.0, 480.0),
            (TonePlan::NorthAmerica.busy(), 480.0, 620.0),
            (TonePlan::UnitedKingdom.ringback(), 400.0, 450.0),
        ];
        for (signal, low, high) in two {
            let on = render(signal, 50, 300);
            assert!((rms(&on) + 20.0).abs() < 0.5, "{}", rms(&on));
            assert!((level(&on, low) + 23.0).abs() < 0.5 && (level(&on, high) + 23.0).abs() < 0.5);
        }
        for (signal, frequency) in [
            (TonePlan::Europe.ringback(), 425.0),
            (TonePlan::Australia.busy(), 425.0),
            (TonePlan::Japan.busy(), 400.0),
        ] {
            let on = render(signal, 10, 320);
            assert!((level(&on, frequency) + 20.0).abs() < 0.5);
        }
        let trembles = render(TonePlan::Japan.ringback(), 125, 750);
        assert!((rms(&trembles) + 20.0).abs() < 0.3, "{}", rms(&trembles));
        assert!(level(&trembles, 416.0) > -30.0 && level(&trembles, 384.0) > -30.0);
    }

    #[test]
    fn countries_find_their_plan() {
        assert_eq!(TonePlan::of_country(" us "), TonePlan::NorthAmerica);
        assert_eq!(TonePlan::of_country("GB"), TonePlan::UnitedKingdom);
        assert_eq!(TonePlan::of_country("DE"), TonePlan::Europe);
        assert_eq!(TonePlan::of_country("AU"), TonePlan::Australia);
        assert_eq!(TonePlan::of_country("JP"), TonePlan::Japan);
        assert_eq!(TonePlan::of_country("nowhere"), TonePlan::Europe);
    }
}
