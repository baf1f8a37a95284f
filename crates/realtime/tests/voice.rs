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

/// A minute in which the far end says a steady tone, twice interrupted for some seconds, and we say another: the level of
/// ours as it leaves, dBFS, of each ten seconds.
fn tone_against_tone(ours: f64, far: f64) -> Vec<f64> {
    let mut processing = Backend::Prebuilt.voice_processing(ALL).unwrap().unwrap();
    let frame = |hz: f64, peak: f64, number: usize| {
        std::array::from_fn(|at| {
            let time = (number * 480 + at) as f64 / 48_000.0;
            ((time * hz * std::f64::consts::TAU).sin() * peak) as i16
        })
    };
    let mut left = Vec::new();
    for number in 0..6_000 {
        let is_away = [0..100, 1_000..1_800, 2_000..2_800]
            .iter()
            .any(|away| away.contains(&number));
        if !is_away {
            processing.render(&frame(far, 8_000.0, number));
        }
        let mut captured = frame(ours, 16_384.0, number);
        processing.capture(&mut captured, 20);
        left.extend(captured);
    }
    left.chunks(480_000).map(rms_db).collect()
}

/// What the tests of whole calls rely on (`OUR_TONE` in tests/support). Two tones that both fit into 10 ms, such as 1,000 and
/// 700 Hz, are one another's echo as far as anybody can know who looks at 10 ms at a time: after an interruption the
/// canceller takes ours out, 50 dB of it, for good. A steady tone is noise besides, and becomes 13 dB softer.
#[test]
fn a_tone_that_shares_no_period_with_the_far_end_s_is_heard_for_as_long_as_it_lasts() {
    println!(
        "1,000 against 700 Hz: {:.0?} dBFS",
        tone_against_tone(1_000.0, 700.0)
    );
    for far in [440.0, 700.0] {
        let levels = tone_against_tone(1_013.0, far);
        println!("1,013 against {far} Hz: {levels:.0?} dBFS");
        assert!(levels.iter().all(|level| *level > -30.0), "{levels:.0?}");
    }
}
