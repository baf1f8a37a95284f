//! Devices that come, go, hang and are chosen, on a real sound server of their own.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::time::Duration;

use serde_json::json;
use stage::{MICROPHONE, Sound};
use support::{Desk, SOON, streams, wait_until};

const STEADY: Duration = Duration::from_millis(400);

#[test]
fn the_list_is_live_and_shows_no_monitors() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.sees("the devices of the server", |status| {
        status["speakers"] == json!(["spk", "mic_sink"]) && status["microphones"] == json!(["mic"])
    });
    let headset = sound.plug_speaker("headset", 44_100, 2).unwrap();
    desk.sees("an arrival", |status| {
        status["speakers"]
            .as_array()
            .unwrap()
            .contains(&json!("headset"))
    });
    assert_eq!(
        desk.ask("devices", "speakers")["speakers"],
        json!(["Speaker", "Into_the_microphone", "headset"])
    );
    sound.unplug(headset).unwrap();
    desk.sees("a departure", |status| {
        status["speakers"] == json!(["spk", "mic_sink"])
    });
    assert_eq!(streams(&sound), (0, 0), "looking opens nothing");
    desk.end();
}

#[test]
fn a_chosen_speaker_that_leaves_is_replaced_at_once_and_taken_again_when_it_is_back() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let headset = sound.plug_speaker("headset", 44_100, 2).unwrap();
    desk.tell("choose speaker headset");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    let ear = sound.listen_to("headset.monitor").unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();

    let other = sound.listen().unwrap();
    sound.unplug(headset).unwrap();
    other.wait_for_tone(700.0, STEADY, SOON).unwrap();
    desk.sees("who stands in", |status| {
        status["speaker"] == "Speaker" && status["speaker_replaced"] == true
    });
    drop(ear);

    let headset = sound.plug_speaker("headset", 48_000, 1).unwrap();
    let ear = sound.listen_to("headset.monitor").unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    other.wait_for_silence(STEADY, SOON).unwrap();
    desk.sees("the chosen one", |status| {
        status["speaker"] == "headset" && status["speaker_replaced"] == false
    });
    assert!(desk.facts.is_empty(), "no news: {:?}", desk.facts);

    // Pulled out and put back faster than anybody can look: the server has moved the stream away without a word.
    sound.unplug(headset).unwrap();
    let _headset = sound.plug_speaker("headset", 44_100, 2).unwrap();
    let ear = sound.listen_to("headset.monitor").unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();

    // Chosen anew in the middle of the call.
    desk.tell("choose speaker");
    other.wait_for_tone(700.0, STEADY, SOON).unwrap();
    drop(ear);
    // Two speakers at once, for a moment, are two connections.
    desk.end_with(6);
}

#[test]
fn a_microphone_that_is_pulled_is_replaced_and_never_by_what_a_speaker_plays() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let _far_sink = sound.plug_speaker("far_sink", 48_000, 1).unwrap();
    let headset = sound.plug_microphone("headset", "far_sink").unwrap();
    desk.tell("choose microphone headset");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    desk.sees("the chosen microphone", |status| {
        status["microphone"] == "headset"
    });
    desk.captures_silence();

    sound.unplug(headset).unwrap();
    desk.hears(1000.0);

    // The last one: the call stays up, and nobody hears himself.
    sound
        .pactl(&["unload-module", "module-remap-source"])
        .unwrap();
    let fact = desk.fact();
    assert_eq!(
        fact["what"],
        "No microphone was found. Connect a headset, then try again."
    );
    desk.captures_silence();
    let status = desk.ask("status", "levels");
    assert_eq!(status["problem"], fact["what"]);
    let ear = sound.listen().unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();

    let _back = sound.plug_microphone("mic", MICROPHONE).unwrap();
    desk.opened();
    desk.hears(1000.0);
    desk.end_with(4);
}

#[test]
fn it_rings_on_the_ring_device_as_loud_as_set_while_the_call_device_stays_quiet() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let bell = sound.plug_speaker("bell", 48_000, 2).unwrap();
    desk.sees("the bell", |status| {
        status["speakers"]
            .as_array()
            .unwrap()
            .contains(&json!("bell"))
    });
    desk.tell("choose ring bell");
    let (at_bell, at_desk) = (
        sound.listen_to("bell.monitor").unwrap(),
        sound.listen().unwrap(),
    );
    desk.tell("ring on");
    let enough = Duration::from_millis(1200);
    let loud = at_bell
        .wait_until(SOON, |heard| heard.loud() >= enough)
        .unwrap();
    assert_eq!(at_desk.so_far().loud(), Duration::ZERO);

    // Another call waits during one: never on the ring device.
    desk.tell("ring off");
    at_bell.wait_for_silence(STEADY, SOON).unwrap();
    at_bell.forget();
    desk.tell("open");
    desk.opened();
    desk.tell("beep");
    at_desk
        .wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(300))
        .unwrap();
    assert_eq!(at_bell.so_far().loud(), Duration::ZERO);
    desk.tell("close");

    desk.tell("volume 60");
    desk.tell("ring on");
    let soft = at_bell
        .wait_until(SOON, |heard| {
            heard
                .first_loud()
                .is_some_and(|first| heard.duration() >= first + Duration::from_millis(1500))
        })
        .unwrap();
    let peak = |heard: &stage::Recording| heard.samples().iter().fold(0f32, |a, b| a.max(b.abs()));
    let softer = 20.0 * (peak(&soft) / peak(&loud)).log10();
    assert!((softer + 16.0).abs() < 2.0, "{softer} dB");

    // The bell is pulled while it rings: the speaker rings.
    at_desk.forget();
    sound.unplug(bell).unwrap();
    at_desk
        .wait_until(SOON, |heard| !heard.loud().is_zero())
        .unwrap();
    desk.tell("ring off");
    desk.end_with(4);
}

#[test]
fn the_microphone_is_open_while_it_rings_only_for_whoever_wants_that_and_then_heard_by_nobody() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("ring on");
    wait_until("it rings", || streams(&sound).0 == 2);
    assert_eq!(streams(&sound).1, 0, "nobody asked for the microphone");
    desk.tell("ready on");
    wait_until("the microphone is ready", || streams(&sound).1 == 1);
    wait_until("it delivers", || desk.number("frames_captured") > 20);
    assert_eq!(
        desk.ask("measure", "hz")["frames"],
        0,
        "and nobody hears it"
    );
    assert_eq!(desk.ask("status", "levels")["levels"], json!([0, 0]));

    // Answered: there is nothing left to open.
    let opens = desk.number("opens");
    desk.tell("open");
    desk.tell("ring off");
    desk.opened();
    desk.hears(1000.0);
    assert_eq!(desk.number("opens"), opens);
    desk.tell("close");
    wait_until("it is closed", || streams(&sound).1 == 0);

    // It rings, and nobody answers.
    desk.tell("ring on");
    wait_until("it is ready again", || streams(&sound).1 == 1);
    desk.tell("ring off");
    wait_until("it is closed again", || streams(&sound).1 == 0);
    desk.end();
}

#[test]
fn a_ringtone_can_be_tried_and_ringback_sounds_as_the_person_knows_it() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let ear = sound.listen().unwrap();
    desk.tell("sample bells");
    let bells = ear
        .wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(1000))
        .unwrap();
    assert!(bells.share_of(392.0) + bells.share_of(523.25) + bells.share_of(440.0) > 0.1);
    wait_until("it ends by itself", || streams(&sound) == (0, 1));

    desk.tell("tones GB");
    desk.tell("ringback on");
    let stretch = Duration::from_millis(300);
    ear.wait_until(SOON, |heard| {
        let last = heard.last(stretch);
        last.share_of(400.0) > 0.4 && last.share_of(450.0) > 0.4
    })
    .unwrap();
    desk.tell("tones JP");
    desk.tell("ringback off");
    ear.wait_for_silence(Duration::from_secs(3), SOON).unwrap();
    desk.end();
}

#[test]
fn devices_with_odd_names_have_one_that_can_be_read_and_are_used_like_any_other() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let long = "x".repeat(300);
    let odd = ["Evil\u{202e}enohp", "<b>%s%n</b>", "  ", "Speaker", &long];
    for (number, name) in odd.iter().enumerate() {
        let properties = format!("sink_properties=\"device.description='{name}'\"");
        let module = ["load-module", "module-null-sink", "norewinds=1"];
        let id = format!("sink_name=odd{number}");
        sound
            .pactl(&[&module[..], &[&id, &properties]].concat())
            .unwrap();
    }
    desk.sees("all of them", |status| {
        status["speakers"].as_array().unwrap().len() == odd.len() + 2
    });
    let list = desk.ask("devices", "speakers");
    let names: Vec<&str> = list["speakers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), names.len(), "no two alike: {names:?}");
    for name in &names {
        let readable = !name.trim().is_empty() && !name.contains('\u{202e}');
        assert!(readable && name.chars().count() <= 200, "{name:?}");
    }
    desk.tell("choose speaker odd0");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    let ear = sound.listen_to("odd0.monitor").unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    desk.end_with(6);
}

#[test]
fn speakers_of_every_form_play_the_same_tone() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    for (name, rate, channels) in [("phone", 8_000, 1), ("cinema", 192_000, 8)] {
        let _plugged = sound.plug_speaker(name, rate, channels).unwrap();
        desk.tell(&format!("choose speaker {name}"));
        let ear = sound.listen_to(&format!("{name}.monitor")).unwrap();
        ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    }
    desk.end_with(6);
}

#[test]
fn a_device_that_opens_and_never_delivers_is_told_and_taken_when_it_does() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    // It is there and can be opened; nothing comes.
    sound.pactl(&["suspend-source", "mic", "1"]).unwrap();
    desk.tell("open");
    let mut fact = desk.fact();
    while fact["fact"] != "failed" {
        fact = desk.fact();
    }
    let sentence = "The microphone is there but stands still. Unplug it and plug it in again or choose another one, then try again.";
    assert_eq!(fact["what"], sentence);
    let frames = |desk: &mut Desk| desk.ask("measure", "hz")["frames"].as_u64().unwrap();
    let before = frames(&mut desk);
    wait_until("packets go on", || frames(&mut desk) > before + 50);
    sound.pactl(&["suspend-source", "mic", "0"]).unwrap();
    desk.hears(1000.0);
    desk.opened();
    desk.tell("close");
    desk.end_with(6);
}

#[test]
fn a_microphone_that_delivers_nothing_is_told() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("open");
    desk.opened();
    desk.sees("the word", |status| status["silent"] == true);
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.sees("sound again, and the meter", |status| {
        status["silent"] == false && status["levels"][0].as_u64().unwrap() > 16_000
    });
    desk.tell("close");
    desk.sees("all at rest", |status| {
        status["levels"] == json!([0, 0]) && status["microphone"].is_null()
    });
    desk.end();
}

#[test]
fn a_sound_server_that_hangs_in_a_call_is_noticed_and_used_again_when_it_wakes() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    sound.freeze().unwrap();
    wait_until("the watchdog barks", || desk.number("losses") == 2);
    desk.captures_silence();
    let fact = desk.fact();
    assert_eq!(fact["fact"], "failed", "3 s without sound are news");
    sound.thaw().unwrap();
    desk.opened();
    desk.hears(1000.0);
    desk.tell("close");
    desk.end_with(6);
}
