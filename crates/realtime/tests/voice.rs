//! What the engine's processing does to a voice, in a room made of arithmetic: deterministic, without any device.
//!
//! `cargo test -p realtime --test voice -- --nocapture` prints the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod room;

use realtime::{Backend, VoiceSteps};
use room::{Room, rms_db, speech};

const ALL: VoiceSteps = VoiceSteps {
    echo_cancellation: true,
    noise_suppression: true,
    gain: true,
};
const ECHO: VoiceSteps = VoiceSteps {
    echo_cancellation: true,
    noise_suppression: false,
    gain: false,
};

/// Echo return loss enhancement in decibels, second by second: how much softer the echo leaves than it came.
fn echo_taken_out(room: &Room, told_ms: u16, seconds: usize) -> Vec<f64> {
    let mut processing = Backend::Prebuilt.voice_processing(ECHO).unwrap().unwrap();
    let far = speech(1, seconds);
    let echo = room.echo(&far);
    let mut left = Vec::new();
    for (far, echo) in far.chunks_exact(480).zip(echo.chunks_exact(480)) {
        processing.render(far.try_into().unwrap());
        let mut frame = echo.try_into().unwrap();
        processing.capture(&mut frame, told_ms);
        left.extend(frame);
    }
    (0..seconds)
        .map(|second| {
            let range = second * 48_000..(second + 1) * 48_000;
            rms_db(&echo[range.clone()]) - rms_db(&left[range])
        })
        .collect()
}

#[test]
fn the_echo_of_a_speaker_is_taken_out_wherever_it_comes_from() {
    for (delay_ms, loss_db) in [(12.0, 6.0), (40.0, 10.0), (120.0, 10.0), (250.0, 20.0)] {
        let room = Room::new(delay_ms, loss_db);
        let taken = echo_taken_out(&room, delay_ms as u16, 8);
        println!(
            "echo after {delay_ms} ms, {loss_db} dB softer: taken out, dB in each second: {taken:.1?}"
        );
        let steady = taken[4..].iter().copied().fold(f64::INFINITY, f64::min);
        assert!(steady >= 20.0, "{delay_ms} ms: {taken:.1?}");
    }
}

#[test]
fn a_delay_that_is_told_wrong_or_changes_does_not_leave_the_echo_in() {
    let taken = echo_taken_out(&Room::new(60.0, 10.0), 0, 8);
    println!("told 0 ms, in truth 60: {taken:.1?}");
    assert!(taken[6] >= 15.0, "{taken:.1?}");
}

#[test]
fn our_own_voice_stays_while_the_far_end_speaks_too() {
    let mut processing = Backend::Prebuilt.voice_processing(ECHO).unwrap().unwrap();
    let (far, near) = (speech(1, 8), speech(2, 8));
    let echo = Room::new(40.0, 10.0).echo(&far);
    let mut out = Vec::new();
    for index in 0..far.len() / 480 {
        let at = index * 480;
        processing.render(far[at..at + 480].try_into().unwrap());
        let mut frame = [0; 480];
        for (offset, slot) in frame.iter_mut().enumerate() {
            // We begin to speak after three seconds.
            let voice = if at > 3 * 48_000 {
                near[at + offset]
            } else {
                0
            };
            *slot = echo[at + offset].saturating_add(voice);
        }
        processing.capture(&mut frame, 40);
        out.extend(frame);
    }
    let (voice, heard) = (rms_db(&near[4 * 48_000..]), rms_db(&out[4 * 48_000..]));
    println!("both speak: our voice {voice:.1} dBFS, heard {heard:.1} dBFS");
    assert!((heard - voice).abs() < 8.0, "{voice} became {heard}");
}

#[test]
fn noise_is_softer_and_a_voice_is_not() {
    let mut processing = Backend::Prebuilt.voice_processing(ALL).unwrap().unwrap();
    let noise = room::noise(3, 6);
    let mut out = Vec::new();
    for chunk in noise.chunks_exact(480) {
        let mut frame = chunk.try_into().unwrap();
        processing.capture(&mut frame, 0);
        out.extend(frame);
    }
    let taken = rms_db(&noise[4 * 48_000..]) - rms_db(&out[4 * 48_000..]);
    println!("steady noise: {taken:.1} dB softer");
    assert!(taken >= 6.0, "{taken} dB");
}

#[test]
fn hostile_delays_and_loud_frames_do_no_harm() {
    let mut processing = Backend::Prebuilt.voice_processing(ALL).unwrap().unwrap();
    for delay in [0, 500, 501, u16::MAX] {
        for sample in [i16::MIN, -1, 0, 1, i16::MAX] {
            processing.render(&[sample; 480]);
            let mut frame = [sample; 480];
            processing.capture(&mut frame, delay);
        }
    }
    assert!(
        Backend::Memory(realtime::backend::memory::Server::default())
            .voice_processing(ALL)
            .unwrap()
            .is_none()
    );
}
