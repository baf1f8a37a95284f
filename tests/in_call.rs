//! What can happen between the answer and the end of a call, through the real window on the demo line.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::path::Path;
use std::time::Duration;

use stage::Recording;
use stage::line::{Heard, Inbound, Report, State, numbers};
use support::window::Window;
use support::{OUR_TONE, PATIENCE, Place, THEIR_TONE, eventually};

const CALLER: &str = "+13125550142";

/// The call of a simulated phone.
fn latest(place: &Place, number: &str) -> Report {
    place
        .line
        .phones
        .wait_for_call(
            |report| report.from == number || report.to == number,
            PATIENCE,
        )
        .unwrap()
}

/// Waits until what a phone hears fits; from now on, not since its call began.
fn until_heard(place: &Place, call: &Report, what: &str, fits: impl Fn(&Heard) -> bool) {
    let phones = &place.line.phones;
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        phones.forget_heard(&call.id).unwrap();
        let heard = phones
            .listen(&call.id, Duration::from_millis(600))
            .unwrap()
            .heard;
        if fits(&heard) {
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the phone never heard {what}: {heard:?}"
        );
    }
}

fn hears_us(heard: &Heard) -> bool {
    heard.tone(f64::from(OUR_TONE)).is_some()
}

/// Music has sound, but not our tone.
fn hears_music(heard: &Heard) -> bool {
    heard.seconds > 0.2 && !hears_us(heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_a_call_the_next_start_goes_back_into_it() {
    let place = Place::signed_in("in-call-rejoin");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    let call = latest(&place, "+12125550100");
    window.kill();
    assert!(
        !place.line.phones.call(&call.id).unwrap().over,
        "a killed desk does not hang up by itself"
    );
    let window = Window::open(&place).await;
    window.click("rejoin").await;
    window.until_state("live").await;
    until_heard(&place, &call, "us again", hears_us);
    window.click("call-end").await;
    let over = place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)
        .unwrap();
    assert_eq!(over.ended_by(), Some("desk"));
    window.until_outcome("hung_up").await;
    assert_eq!(window.history().await.len(), 1, "one call is one row");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_a_call_the_next_start_hangs_up_when_told_to() {
    let place = Place::signed_in("in-call-stranded");
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    let call = latest(&place, "+12125550100");
    window.kill();
    let window = Window::open(&place).await;
    window.wait("rejoin").await;
    window.click("aside-end").await;
    let over = place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)
        .unwrap();
    assert_eq!(over.ended_by(), Some("desk"));
    window.until_outcome("interrupted").await;
    assert_eq!(window.history().await.len(), 1);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_call_hears_music_and_comes_back() {
    let place = Place::signed_in("in-call-hold");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    let call = latest(&place, "+12125550100");
    until_heard(&place, &call, "us", hears_us);
    window.click("call-hold").await;
    until_heard(&place, &call, "music", hears_music);
    window.click("call-resume").await;
    until_heard(&place, &call, "us again", hears_us);
    window.click("call-end").await;
    window.until_outcome("hung_up").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_caller_is_answered_while_the_first_is_held_and_they_are_swapped() {
    let place = Place::signed_in("in-call-second");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    let first = latest(&place, "+12125550100");
    let second = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER).says("tone:700"))
        .unwrap();
    window.click("answer-hold").await;
    until_heard(&place, &second, "us", hears_us);
    until_heard(&place, &first, "music", hears_music);
    window.click("call-swap").await;
    until_heard(&place, &first, "us again", hears_us);
    until_heard(&place, &second, "music", hears_music);
    place.line.phones.hang_up(&first.id).unwrap();
    place
        .line
        .phones
        .wait_until(&first.id, State::Over, PATIENCE)
        .unwrap();
    assert!(
        !place.line.phones.call(&second.id).unwrap().over,
        "the held caller stays"
    );
    window.click("call-resume").await;
    until_heard(&place, &second, "us again", hears_us);
    window.click("call-end").await;
    place
        .line
        .phones
        .wait_until(&second.id, State::Over, PATIENCE)
        .unwrap();
    window.until_outcome("hung_up").await;
    assert_eq!(window.history().await.len(), 2);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_transferred_and_a_refused_transfer_loses_nobody() {
    let place = Place::signed_in("in-call-transfer");
    // A silent microphone is told after 3 s, which moves what is about to be pressed.
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    let refuses = numbers::ending_with(603).unwrap();
    window.dial("2125550100").await;
    window.until_state("live").await;
    let call = latest(&place, "+12125550100");
    transfer(&window, &refuses).await;
    window
        .until("the refusal is told", async || {
            let state = window.wait("transfer-state").await;
            let state = state.attr("data-state").await.ok().flatten();
            (state.as_deref() == Some("failed")).then_some(())
        })
        .await;
    assert!(!place.line.phones.call(&call.id).unwrap().over);
    window.until_state("live").await;
    transfer(&window, "2125550102").await;
    let over = place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)
        .unwrap();
    assert_eq!(over.ended_by(), Some("transfer"), "{over:?}");
    window.until_outcome("transferred").await;
    window.close().await;
}

async fn transfer(window: &Window, to: &str) {
    window
        .until("the call can be handed over", async || {
            window.is_there("call-transfer").await.then_some(())
        })
        .await;
    if !window.is_there("transfer-picker").await {
        window.click("call-transfer").await;
    }
    window.fill("transfer-number", to).await;
    window
        .until("handing over is chosen", async || {
            window.click("transfer-how-send").await;
            let chosen = window.wait("transfer-how-send").await;
            let chosen = chosen.prop("checked").await.ok().flatten();
            (chosen.as_deref() == Some("true")).then_some(())
        })
        .await;
    window.click("transfer-send").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_asked_alone_first_and_then_all_talk() {
    let place = Place::signed_in("in-call-people");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    let first = latest(&place, "+12125550100");
    until_heard(&place, &first, "us", hears_us);
    window.click("call-transfer").await;
    window.fill("transfer-number", "3125550100").await;
    window.click("transfer-how-ask").await;
    window.click("transfer-send").await;
    let second = latest(&place, "+13125550100");
    until_heard(&place, &second, "us alone", hears_us);
    until_heard(&place, &first, "music", hears_music);
    window.click("private-merge").await;
    until_heard(&place, &first, "us and the other", |heard| {
        hears_us(heard) && heard.tone(440.0).is_some()
    });
    window.click("call-end").await;
    for call in [&first, &second] {
        place
            .line
            .phones
            .wait_until(&call.id, State::Over, PATIENCE)
            .unwrap();
    }
    window.until_outcome("hung_up").await;
    window.close().await;
}

/// Both channels of a recording, and what it lasts.
fn channels(file: &Path) -> [Recording; 2] {
    let bytes = std::fs::read(file).unwrap();
    let mut reader = ogg::PacketReader::new(std::io::Cursor::new(bytes));
    let mut decoder =
        opusic_c::Decoder::new(opusic_c::Channels::Stereo, opusic_c::SampleRate::Hz48000).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut samples = vec![0f32; 2 * 960];
    while let Ok(Some(packet)) = reader.read_packet() {
        if packet.data.starts_with(b"Opus") {
            continue;
        }
        let count = decoder
            .decode_float_to_slice(&packet.data, &mut samples, false)
            .unwrap();
        for pair in samples[..count * 2].chunks(2) {
            left.push(pair[0]);
            right.push(pair[1]);
        }
    }
    [Recording::new(left), Recording::new(right)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_recorded_once_that_is_allowed_and_its_last_seconds_are_heard_again() {
    let place = Place::signed_in("in-call-recorded");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let ear = place.stage.sound.listen().unwrap();
    let window = Window::open(&place).await;
    window.dial("2125550100").await;
    window.until_state("live").await;
    assert!(
        !window.is_there("call-record").await,
        "nobody has allowed it"
    );
    window.click("nav-settings").await;
    window.click("settings-recording").await;
    window.click("recording-allow").await;
    window.click("nav-phone").await;
    window.click("call-record").await;
    let lamp = window.text("call-recording").await;
    assert!(lamp.contains("Recording"), "{lamp}");
    // How it sounds, in a word: a busy computer may have made it a bad one.
    window
        .until_text("call-sound", "how it sounds", |text| {
            ["Good", "Fair", "Poor"]
                .iter()
                .any(|word| text.contains(word))
        })
        .await;
    let folder = place.app.profile().join("recordings");
    let file = eventually("two seconds are in the file", PATIENCE, || {
        let file = std::fs::read_dir(&folder).ok()?.next()?.ok()?.path();
        let [left, _] = channels(&file);
        (left.duration() >= Duration::from_secs(2)).then_some(file)
    });
    window.click("call-record").await;
    window
        .until("the lamp is out", async || {
            (!window.is_there("call-recording").await).then_some(())
        })
        .await;
    let [ours, theirs] = channels(&file);
    let last = Duration::from_secs(1);
    for (what, side, tone) in [("us", ours, OUR_TONE), ("them", theirs, THEIR_TONE)] {
        let hz = side.last(last).dominant_hz();
        assert!(
            hz.is_some_and(|hz| (hz - tone).abs() < 10.0),
            "{what}: {hz:?}"
        );
    }

    window.click("call-end").await;
    window.until_outcome("hung_up").await;
    ear.wait_for_silence(Duration::from_millis(500), PATIENCE)
        .unwrap();
    // They are gone, and what they said is heard again.
    window.click("replay-start").await;
    ear.wait_for_tone(THEIR_TONE, Duration::from_millis(500), PATIENCE)
        .unwrap();
    window.click("replay-stop").await;
    ear.wait_for_silence(Duration::from_millis(500), PATIENCE)
        .unwrap();
    // The recording is heard where the call stands in the history, both sides of it, until it is stopped.
    window.click("nav-history").await;
    window.wait("player-place").await;
    window.click("player-play").await;
    let steady = Duration::from_millis(500);
    ear.wait_until(PATIENCE, |heard| {
        let last = heard.last(steady);
        // Both speak in it at once: the louder of the two tones is found.
        let of_both = |hz: f32| (hz - OUR_TONE).abs() < 10.0 || (hz - THEIR_TONE).abs() < 10.0;
        last.loud() >= steady.mul_f32(0.9) && last.dominant_hz().is_some_and(of_both)
    })
    .unwrap();
    window.click("player-play").await;
    ear.wait_for_silence(Duration::from_millis(500), PATIENCE)
        .unwrap();
    let rows = place.history();
    assert_eq!(rows.len(), 1);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ringtone_of_ones_own_is_chosen_tried_and_removed() {
    let place = Place::signed_in("in-call-ringtone");
    let ear = place.stage.sound.listen().unwrap();
    let bell = place.app.profile().join("bell.wav");
    Recording::tone(1300.0, 0.5, Duration::from_secs(2))
        .save(&bell)
        .unwrap();
    let letter = place.app.profile().join("letter.wav");
    std::fs::write(&letter, "Dear Sir or Madam").unwrap();
    let window = Window::open(&place).await;
    window.click("nav-settings").await;
    window.click("settings-ringing").await;
    let choose = async |file: &Path| {
        let field = window.wait("own-ringtone-file").await;
        field.send_keys(&file.display().to_string()).await.unwrap();
    };
    choose(&letter).await;
    let refused = window.text("own-ringtone-refused").await;
    assert!(refused.contains("not a sound file"), "{refused}");
    choose(&bell).await;
    window
        .until_text("ringtone", "the file", |text| text.contains("bell.wav"))
        .await;
    window.click("settings-audio").await;
    window.click("ring-test").await;
    ear.wait_for_tone(1300.0, Duration::from_millis(400), PATIENCE)
        .unwrap();
    window.click("settings-ringing").await;
    window.click("own-ringtone-remove").await;
    window
        .until_text("ringtone", "no file", |text| !text.contains("bell.wav"))
        .await;
    window.close().await;
}
