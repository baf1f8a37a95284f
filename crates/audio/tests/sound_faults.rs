//! Faults of the sound in a call, each with the time within which it must be over, and what is heard meanwhile.
//!
//! The times are those of a computer that is not busy with other things: each fault may happen a few times, and one of
//! them must be over in time. All of them are printed.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::time::{Duration, Instant};

use stage::{MICROPHONE, Recording, Sound};
use support::{Desk, SOON, longest_silence, wait_until};

/// So often a fault may take longer than it should before the test fails.
const TRIES: usize = 4;
/// What is heard for so long has settled.
const STEADY: Duration = Duration::from_millis(400);

/// Lets a fault happen until it is over in time once; prints every time it took.
fn within(what: &str, limit_ms: u64, mut fault: impl FnMut() -> u64) {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        took.push(fault());
        if took.last().is_some_and(|ms| *ms <= limit_ms) {
            println!("{what}: {took:?} ms, at most {limit_ms}");
            return;
        }
    }
    panic!("{what}: {took:?} ms, never within {limit_ms}");
}

/// Until the microphone is heard again; the milliseconds since `from`.
fn heard_again(desk: &mut Desk, from: Instant) -> u64 {
    loop {
        let gap = desk.ask("gap", "now_ms");
        if gap["now_ms"] == 0 {
            return u64::try_from(from.elapsed().as_millis()).unwrap();
        }
        assert!(from.elapsed() < SOON, "{}", desk.process.log_tail());
    }
}

#[test]
fn fault_10_a_microphone_that_is_pulled_in_a_call_is_replaced_within_500_ms_and_taken_again() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let mut headset = Some(sound.plug_microphone("headset", MICROPHONE).unwrap());
    desk.tell("choose microphone headset");
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    within("a microphone is pulled: silence in the call", 500, || {
        desk.sees("the chosen one", |status| status["microphone"] == "headset");
        desk.hears(1000.0);
        desk.ask("gap", "now_ms");
        sound.unplug(headset.take().unwrap()).unwrap();
        desk.sees("who stands in, by name", |status| {
            status["microphone"] == "Microphone" && status["microphone_replaced"] == true
        });
        desk.hears(1000.0);
        let silence = desk.ask("gap", "now_ms")["longest_ms"].as_u64().unwrap();
        headset = Some(sound.plug_microphone("headset", MICROPHONE).unwrap());
        silence
    });
    desk.sees("the chosen one again", |status| {
        status["microphone"] == "headset" && status["microphone_replaced"] == false
    });
    assert!(desk.facts.is_empty(), "no news: {:?}", desk.facts);
    desk.end_with(6);
}

#[test]
fn another_microphone_chosen_in_a_call_leaves_a_gap_of_300_ms_at_most() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let _sink = sound.plug_speaker("headset_sink", 44_100, 2).unwrap();
    let minutes = Duration::from_secs(120);
    let _there = sound
        .speak_at("headset_sink", Recording::tone(600.0, 0.5, minutes))
        .unwrap();
    let mut headset = Some(sound.plug_microphone("headset", "headset_sink").unwrap());
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    within(
        "another microphone, and the first again: silence sent",
        300,
        || {
            desk.ask("gap", "now_ms");
            desk.tell("choose microphone headset");
            desk.hears(600.0);
            desk.tell("choose microphone");
            desk.hears(1000.0);
            desk.ask("gap", "now_ms")["longest_ms"].as_u64().unwrap()
        },
    );
    within(
        "the chosen one leaves and returns: silence sent",
        300,
        || {
            desk.tell("choose microphone headset");
            desk.hears(600.0);
            desk.ask("gap", "now_ms");
            sound.unplug(headset.take().unwrap()).unwrap();
            desk.hears(1000.0);
            headset = Some(sound.plug_microphone("headset", "headset_sink").unwrap());
            desk.hears(600.0);
            desk.ask("gap", "now_ms")["longest_ms"].as_u64().unwrap()
        },
    );
    assert!(desk.facts.is_empty(), "no news: {:?}", desk.facts);
    desk.end_with(6);
}

#[test]
fn another_speaker_chosen_in_a_call_leaves_a_gap_of_300_ms_at_most() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    // What goes to it comes out of the first one too: one ear hears both, and what is between them.
    let plug = || {
        let module = ["load-module", "module-remap-sink", "sink_name=headset"];
        let index = sound
            .pactl(&[&module[..], &["master=spk", "remix=no"]].concat())
            .unwrap();
        index.trim().to_owned()
    };
    let mut headset = plug();
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    let ear = sound.listen().unwrap();
    let plays_on = |desk: &mut Desk, id: &str| {
        desk.sees(id, |status| {
            let name = status["speaker"].as_str().unwrap_or_default();
            (name == "Speaker") == (id == "spk") && !name.is_empty()
        });
        // A while on either side of the change.
        ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    };
    plays_on(&mut desk, "spk");
    within(
        "another speaker, and the first again: silence heard",
        300,
        || {
            ear.forget();
            ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
            desk.tell("choose speaker headset");
            plays_on(&mut desk, "headset");
            let streams = sound.pactl(&["list", "short", "sink-inputs"]).unwrap();
            assert!(streams.lines().count() >= 2, "played there: {streams}");
            desk.tell("choose speaker");
            plays_on(&mut desk, "spk");
            longest_silence(&ear.so_far())
        },
    );
    within(
        "the chosen one leaves and returns: silence heard",
        300,
        || {
            desk.tell("choose speaker headset");
            plays_on(&mut desk, "headset");
            ear.forget();
            ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
            sound.pactl(&["unload-module", &headset]).unwrap();
            plays_on(&mut desk, "spk");
            headset = plug();
            plays_on(&mut desk, "headset");
            longest_silence(&ear.so_far())
        },
    );
    assert!(desk.facts.is_empty(), "no news: {:?}", desk.facts);
    desk.end_with(6);
}

#[test]
fn fault_11_the_last_device_goes_the_call_stays_and_another_of_any_form_is_taken_within_500_ms() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    within("the last microphone goes: told", 300, || {
        let pulled = Instant::now();
        let _all = sound.pactl(&["unload-module", "module-remap-source"]);
        desk.sees("what is missing", |status| {
            status["problem"] == "No microphone was found. Connect a headset, then try again."
        });
        let took = u64::try_from(pulled.elapsed().as_millis()).unwrap();
        let frames = desk.ask("measure", "hz")["frames"].as_u64().unwrap();
        wait_until("packets go on", || {
            desk.ask("measure", "hz")["frames"].as_u64().unwrap() > frames + 20
        });
        let _back = sound.plug_microphone("back", MICROPHONE).unwrap();
        desk.hears(1000.0);
        took
    });
    let _all = sound.pactl(&["unload-module", "module-remap-source"]);
    desk.sees("nothing", |status| status["microphone"].is_null());

    // Devices of every form: the tone of 1 kHz stays one.
    for (name, rate, channels) in [
        ("cd", 44_100, 2),
        ("phone", 8_000, 1),
        ("studio", 192_000, 8),
    ] {
        let sink = sound.plug_speaker(name, rate, channels).unwrap();
        let _voice = sound
            .speak_at(name, Recording::tone(1000.0, 0.5, Duration::from_secs(30)))
            .unwrap();
        let mut plugged = None;
        within(
            &format!("a microphone of {rate} Hz comes: heard"),
            500,
            || {
                if let Some(again) = plugged.take() {
                    sound.unplug(again).unwrap();
                    desk.sees("nothing", |status| status["microphone"].is_null());
                }
                desk.ask("gap", "now_ms");
                plugged = Some(sound.plug_microphone("new", name).unwrap());
                heard_again(&mut desk, Instant::now())
            },
        );
        desk.hears(1000.0);
        let hz = desk.ask("measure", "hz")["hz"].as_f64().unwrap();
        assert!((hz - 1000.0).abs() <= 2.0, "{rate} Hz: {hz}");
        sound.unplug(plugged.unwrap()).unwrap();
        sound.unplug(sink).unwrap();
        desk.sees("nothing", |status| status["microphone"].is_null());
    }
    desk.end_with(8);
}

#[test]
fn fault_12_a_sound_server_that_dies_in_a_call_is_used_again_within_a_second_of_its_return() {
    let mut sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    within("a sound server comes back: heard", 1000, || {
        sound.kill();
        desk.sees("the sentence", |status| !status["problem"].is_null());
        desk.captures_silence();
        sound.restart().unwrap();
        let back = Instant::now();
        let ear = sound.listen().unwrap();
        ear.wait_until(SOON, |heard| !heard.loud().is_zero())
            .unwrap();
        u64::try_from(back.elapsed().as_millis()).unwrap()
    });
    within("and our voice is sent again", 1000, || {
        let frames = |desk: &mut Desk| desk.ask("measure", "hz")["frames"].as_u64().unwrap();
        sound.kill();
        desk.captures_silence();
        let before = frames(&mut desk);
        wait_until("packets go on", || frames(&mut desk) > before + 20);
        sound.restart().unwrap();
        let back = Instant::now();
        let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
        heard_again(&mut desk, back)
    });
    assert!(
        desk.facts.iter().all(|fact| fact["fact"] != "failed"),
        "the call is told of nothing that lasts less than 3 s: {:?}",
        desk.facts
    );
    desk.end_with(8);
}

#[test]
fn a_stream_that_somebody_moves_is_followed_or_taken_back_and_never_to_what_a_speaker_plays() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _far_sink = sound.plug_speaker("other", 48_000, 1).unwrap();
    let _headset = sound.plug_microphone("headset", "other").unwrap();
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    let ours = |sound: &Sound| {
        let list = sound.pactl(&["list", "short", "source-outputs"]).unwrap();
        let own = list.lines().last().unwrap();
        own.split('\t').next().unwrap().to_owned()
    };
    // Whoever follows the system is followed by the system's own mixer.
    sound
        .pactl(&["move-source-output", &ours(&sound), "headset"])
        .unwrap();
    desk.sees("where it went", |status| status["microphone"] == "headset");
    desk.captures_silence();
    // To a monitor never: nobody hears themselves.
    sound
        .pactl(&["move-source-output", &ours(&sound), "spk.monitor"])
        .unwrap();
    desk.hears(1000.0);
    // What was chosen is insisted on.
    desk.tell("choose microphone mic");
    desk.sees("the chosen one", |status| {
        status["microphone"] == "Microphone"
    });
    sound
        .pactl(&["move-source-output", &ours(&sound), "headset"])
        .unwrap();
    wait_until("the move is noticed", || desk.number("moves") >= 3);
    desk.hears(1000.0);
    desk.end_with(6);
}
