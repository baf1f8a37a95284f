//! The audio threads on a real sound server of their own. Each test steers the example `duplex` as a child, because a
//! program finds its sound server through its environment.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::Value;
use stage::{Environment, Scratch, Sound};
use support::{Desk, SOON, streams, wait_until};

#[test]
fn a_call_hears_the_microphone_and_the_far_end_is_heard_at_the_speaker() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let ear = sound.listen().unwrap();
    assert_eq!(
        streams(&sound),
        (1, 1),
        "only the test itself: nothing is open before a call"
    );

    desk.tell("open");
    desk.opened();
    desk.captures("a sine of peak 0.5, -9.0 dBFS", |hz, dbfs| {
        (hz - 1000.0).abs() < 4.0 && (dbfs + 9.03).abs() < 0.5
    });

    desk.tell("far 700");
    // A busy machine may tear a hole somewhere, and a hole is loud in no figure but both of these: half a second without
    // one must come, at this level.
    ear.wait_until(SOON, |heard| {
        let last = heard.last(Duration::from_millis(500));
        last.share_of(700.0) > 0.99 && (last.rms_dbfs() + 15.26).abs() < 0.5
    })
    .expect("a sine of peak 8000 has -15.3 dBFS, and nothing else is heard");

    desk.tell("close");
    ear.wait_for_silence(Duration::from_millis(300), SOON)
        .unwrap();
    wait_until("both devices close", || streams(&sound) == (1, 1));
    let figures = desk.figures();
    assert!(figures["overflows"].as_u64().unwrap() < 5);
    assert!(
        figures["microphone_peak"].as_u64().unwrap() > 16_000
            && figures["speaker_peak"].as_u64().unwrap() > 7900
    );
    desk.end();
}

#[test]
fn tones_are_heard_with_and_without_a_call_and_never_open_the_microphone() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let ear = sound.listen().unwrap();

    desk.tell("ringback on");
    // A busy machine may tear a hole somewhere; a stretch without one must come.
    let stretch = Duration::from_millis(700);
    ear.wait_until(SOON, |heard| {
        let last = heard.last(stretch);
        let whole = last.loud() >= stretch - Duration::from_millis(10);
        let level = (last.rms_dbfs() + 20.0).abs() < 1.0;
        whole && level && last.share_of(440.0) > 0.45 && last.share_of(480.0) > 0.45
    })
    .expect("440 and 480 Hz at -20 dBFS, for 0.7 s without a hole");
    assert_eq!(
        streams(&sound),
        (1, 1),
        "a speaker, and as microphone only the test's own ear"
    );

    desk.tell("ringback off");
    ear.wait_for_silence(Duration::from_millis(200), SOON)
        .unwrap();
    // A busy machine may tear a hole into so short a tone; one of a few must be whole.
    let whole = (0..5).any(|_| {
        ear.forget();
        desk.tell("key 5");
        let heard = ear
            .wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(100))
            .unwrap();
        let first = heard.first_loud().unwrap();
        let key = heard.between(first, first + Duration::from_millis(120));
        key.share_of(770.0) > 0.3 && key.share_of(1336.0) > 0.3
    });
    assert!(whole, "770 and 1336 Hz");
    wait_until("the speaker closes after the last tone", || {
        streams(&sound) == (0, 1)
    });

    ear.forget();
    desk.tell("ring on");
    ear.wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(1500))
        .unwrap();
    desk.tell("ring off");
    ear.wait_for_silence(Duration::from_millis(200), SOON)
        .unwrap();

    ear.forget();
    desk.tell("open");
    desk.opened();
    desk.tell("busy");
    desk.tell("close");
    let heard = ear
        .wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(900))
        .unwrap();
    let first = heard.first_loud().unwrap();
    let burst = heard.between(
        first + Duration::from_millis(50),
        first + Duration::from_millis(450),
    );
    assert!(
        burst.share_of(480.0) > 0.25 && burst.share_of(620.0) > 0.25,
        "the call is closed, the busy tone goes on"
    );
    wait_until("busy tone ends by itself", || streams(&sound) == (0, 1));
    let loud = ear.finish().loud();
    let two_bursts = Duration::from_millis(800)..Duration::from_millis(1300);
    assert!(two_bursts.contains(&loud), "two of half a second: {loud:?}");
    desk.end();
}

#[test]
fn a_waiting_call_beeps_softly_and_the_end_of_a_call_is_heard() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let ear = sound.listen().unwrap();
    desk.tell("open");
    desk.opened();
    desk.tell("beep");
    let heard = ear
        .wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(300))
        .unwrap();
    let first = heard.first_loud().unwrap();
    let part = |from, to| {
        let at = |millis| first + Duration::from_millis(millis);
        heard.between(at(from), at(to))
    };
    assert!(part(10, 140).rms_dbfs() < -24.0, "never loud");
    desk.tell("ended");
    desk.tell("close");
    ear.wait_until(SOON, |heard| heard.loud() >= Duration::from_millis(650))
        .unwrap();
    let closed = ear
        .wait_for_silence(Duration::from_millis(300), SOON)
        .unwrap();
    assert!(closed.share_of(440.0) > 0.02 && closed.share_of(587.0) > 0.02);
    wait_until("the speaker closes", || streams(&sound) == (0, 1));
    desk.end();
}

#[test]
fn frames_go_on_with_no_sound_server_at_all() {
    let mut sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);

    // The sound server dies; the telephone network must not notice.
    sound.kill();
    wait_until("the loss is noticed", || desk.number("losses") == 2);
    let count = |desk: &mut Desk| {
        let answer = desk.ask("measure", "frames");
        (answer["frames"].as_u64().unwrap(), Instant::now())
    };
    let (before, from) = count(&mut desk);
    wait_until("two seconds of packets", || {
        count(&mut desk).0 >= before + 200
    });
    let (after, to) = count(&mut desk);
    let a_second = (after - before) as f64 / to.duration_since(from).as_secs_f64();
    assert!(a_second < 110.0, "{a_second} frames a second");
    desk.captures_silence();

    sound.restart().unwrap();
    let speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.hears(1000.0);
    drop(speaking);
    desk.tell("close");
    desk.end();
}

#[test]
fn without_a_sound_server_one_sentence_says_so() {
    let nowhere = Environment::new()
        .with("PULSE_SERVER", "unix:/nonexistent/socket")
        .without("XDG_RUNTIME_DIR");
    let mut desk = Desk::start(&nowhere);
    let sentence = "The sound server does not answer. Check that this computer plays other sounds, then try again.";
    assert_eq!(desk.ask("devices", "speakers")["problem"], sentence);
    desk.tell("ring on");
    desk.tell("open");
    let fact = desk.fact();
    assert_eq!(
        (&fact["fact"], &fact["what"]),
        (&"failed".into(), &sentence.into())
    );
    desk.tell("open");
    assert_eq!(desk.fact()["what"], sentence, "each wish is answered");
    desk.tell("close");
    desk.tell("ring off");
    let log = desk.process.log_tail();
    assert!(!log.contains("ALSA"), "no complaints of a library: {log}");
    desk.end();
}

#[test]
fn a_sound_server_that_hangs_is_given_up() {
    let scratch = Scratch::new("hung-server").unwrap();
    let socket = scratch.path().join("socket");
    let hung = UnixListener::bind(&socket).unwrap();
    let server = format!("unix:{}", socket.display());
    let mut desk = Desk::start(&Environment::new().with("PULSE_SERVER", server));
    let sentence = "The sound server does not answer. Check that this computer plays other sounds, then try again.";
    desk.tell("open");
    assert_eq!(desk.fact()["what"], sentence);
    assert_eq!(desk.ask("devices", "speakers")["problem"], sentence);
    desk.tell("close");
    drop(hung);
    desk.end_with(5);
}

#[test]
fn a_missing_microphone_or_speaker_is_named_and_a_speakers_monitor_is_no_microphone() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let list = desk.ask("devices", "speakers");
    assert_eq!(
        (&list["microphone"], &list["speaker"]),
        (&"Microphone".into(), &"Speaker".into())
    );
    assert_eq!(
        list["microphones"],
        serde_json::json!(["Microphone"]),
        "no monitors among them"
    );
    assert_eq!(list["problem"], Value::Null);

    sound
        .pactl(&["unload-module", "module-remap-source"])
        .unwrap();
    let missing = "No microphone was found. Connect a headset, then try again.";
    assert_eq!(desk.ask("devices", "speakers")["problem"], missing);
    desk.tell("open");
    assert_eq!(desk.fact()["what"], missing);
    desk.tell("close");
    wait_until("the speaker closes", || sound.streams().unwrap() == (0, 0));

    sound.pactl(&["unload-module", "module-null-sink"]).unwrap();
    assert!(sound.sinks().unwrap().is_empty());
    let list = desk.ask("devices", "speakers");
    assert_eq!(
        (&list["speaker"], &list["speakers"]),
        (&Value::Null, &serde_json::json!([]))
    );

    desk.tell("open");
    assert_eq!(desk.fact()["fact"], "failed");
    plug_headset(&sound);
    desk.opened();

    // Pulled out in the middle of the call, put back later.
    unplug_all(&sound);
    let fact = desk.fact();
    assert!(fact["what"].as_str().unwrap().contains("found"), "{fact}");
    plug_headset(&sound);
    desk.opened();
    // A speaker that the server took away leaves two threads and a connection behind (see `close` in `host.rs`).
    desk.end_with(5);
}

fn plug_headset(sound: &Sound) {
    let load = |module: &[&str]| sound.pactl(&[&["load-module"], module].concat()).unwrap();
    load(&["module-null-sink", "sink_name=late", "norewinds=1"]);
    load(&[
        "module-remap-source",
        "source_name=headset",
        "master=late.monitor",
    ]);
    sound.pactl(&["set-default-source", "headset"]).unwrap();
}

fn unplug_all(sound: &Sound) {
    sound
        .pactl(&["unload-module", "module-remap-source"])
        .unwrap();
    sound.pactl(&["unload-module", "module-null-sink"]).unwrap();
}

#[test]
fn fifty_calls_leave_no_thread_and_no_descriptor_behind() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let mut before = None;
    for call in 0..52 {
        desk.tell("open");
        desk.opened();
        desk.tell("close");
        wait_until("closed", || streams(&sound) == (0, 0));
        if call == 1 {
            before = Some(settled(&mut desk));
        }
    }
    let (threads, descriptors) = settled(&mut desk);
    let (threads_before, descriptors_before) = before.unwrap();
    // The client of the system's broker begins a thread of its own at some moment, once.
    assert!(
        threads <= threads_before + 1,
        "{threads_before} threads became {threads}"
    );
    assert_eq!(descriptors, descriptors_before);
    // A machine that stands still for 100 ms is taken for a device that does.
    assert!(desk.number("losses") < 10);
    desk.end();
}

/// Threads and descriptors once those of the last call are gone.
fn settled(desk: &mut Desk) -> (u64, u64) {
    // The threads that ask the system's broker for priority end half a second after their last question.
    const RESTS: Duration = Duration::from_secs(1);
    let mut last = (0, 0);
    let mut since = Instant::now();
    wait_until("the desk rests", || {
        let figures = desk.figures();
        let now = (
            figures["threads"].as_u64().unwrap(),
            figures["descriptors"].as_u64().unwrap(),
        );
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() >= RESTS
    });
    last
}

#[test]
fn a_call_outlives_its_sound_server_and_follows_new_devices() {
    let mut sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();

    sound.kill();
    wait_until("the loss is noticed", || desk.number("losses") == 2);
    sound.restart().unwrap();
    let speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let ear = sound.listen().unwrap();
    ear.wait_for_tone(700.0, Duration::from_millis(500), SOON)
        .unwrap();
    desk.hears(1000.0);
    drop((speaking, ear));

    // Another headset becomes the default: the call moves to it.
    sound
        .pactl(&[
            "load-module",
            "module-null-sink",
            "sink_name=other",
            "rate=48000",
            "norewinds=1",
        ])
        .unwrap();
    sound.pactl(&["set-default-sink", "other"]).unwrap();
    let ear = sound.listen_to("other.monitor").unwrap();
    ear.wait_for_tone(700.0, Duration::from_millis(500), SOON)
        .unwrap();
    drop(ear);
    assert!(
        desk.facts.is_empty(),
        "short losses are no news: {:?}",
        desk.facts
    );

    // Gone for longer than 3 s: told once, and again when it is back.
    sound.kill();
    let failed = desk.fact();
    assert_eq!(failed["fact"], "failed");
    sound.restart().unwrap();
    // A server that has just begun may not have its devices yet, which is another failure to be told of.
    let mut news = desk.fact();
    while news["fact"] == "failed" {
        news = desk.fact();
    }
    assert_eq!(news["fact"], "opened");
    desk.end();
}
