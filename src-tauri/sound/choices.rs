//! What a person chooses from, in words.

use audio::Processing;

use crate::ipc::sound::{NamedChoice, ProcessingChoice};

pub(super) fn named(list: &[(&str, &str)]) -> Vec<NamedChoice> {
    let choice = |(id, name): &(&str, &str)| NamedChoice {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
    };
    list.iter().map(choice).collect()
}

pub(super) const RINGTONES: &[(&str, &str)] = &[
    ("bars", "Wooden bars"),
    ("bells", "Deep bells"),
    ("trill", "Desk telephone"),
    ("drops", "Glass drops"),
    ("own", "Your own file"),
];
pub(super) const TONES: &[(&str, &str)] = &[
    ("north_america", "North America"),
    ("united_kingdom", "United Kingdom"),
    ("europe", "Europe"),
    ("australia", "Australia"),
    ("japan", "Japan"),
];

pub(super) fn tones_word(region: &str) -> &'static str {
    use audio::tones::TonePlan;
    match TonePlan::of_country(region) {
        TonePlan::NorthAmerica => "north_america",
        TonePlan::UnitedKingdom => "united_kingdom",
        TonePlan::Europe => "europe",
        TonePlan::Australia => "australia",
        TonePlan::Japan => "japan",
    }
}

/// The steps of the processing, and what each adds to the way of our voice while the others stay as they are.
pub(super) fn processing_choices(now: Processing) -> Vec<ProcessingChoice> {
    let step = |id: &str, on: Processing, off: Processing| ProcessingChoice {
        id: id.to_owned(),
        delay_ms: on.delay_ms() - off.delay_ms(),
    };
    let echo = |echo_cancellation| Processing {
        echo_cancellation,
        ..now
    };
    let noise = |noise_suppression| Processing {
        noise_suppression,
        ..now
    };
    let gain = |gain| Processing { gain, ..now };
    vec![
        step("echo_cancellation", echo(true), echo(false)),
        step("noise_suppression", noise(true), noise(false)),
        step("gain", gain(true), gain(false)),
    ]
}
