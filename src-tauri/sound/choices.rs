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

pub(super) fn processing_choices() -> Vec<ProcessingChoice> {
    let step = |id: &str, name: &str, words: &str, alone: Processing| ProcessingChoice {
        id: id.to_owned(),
        name: name.to_owned(),
        words: words.to_owned(),
        delay_ms: alone.delay_ms(),
    };
    let none = Processing::default();
    vec![
        step(
            "echo_cancellation",
            "Echo cancellation",
            "Keeps the far end from hearing itself when you use speakers. With a headset you can switch it off: your voice arrives 8 ms earlier.",
            Processing {
                echo_cancellation: true,
                ..none
            },
        ),
        step(
            "noise_suppression",
            "Noise suppression",
            "Softens fans, keyboards and the street. In a quiet room you can switch it off: your voice arrives 6 ms earlier.",
            Processing {
                noise_suppression: true,
                ..none
            },
        ),
        step(
            "gain",
            "Automatic gain",
            "Keeps your voice equally loud. It costs no time.",
            Processing { gain: true, ..none },
        ),
    ]
}
