//! A program that is killed while it records leaves a file that can be played up to its last second.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use opusic_c::{Channels, Decoder, SampleRate};
use stage::{Environment, Scratch};
use support::{Desk, wait_until};

/// Seconds of sound in a file, however it ends.
fn playable_seconds(path: &Path) -> f64 {
    let file = std::fs::read(path).unwrap();
    let mut reader = ogg::PacketReader::new(Cursor::new(file));
    let mut decoder = Decoder::new(Channels::Stereo, SampleRate::Hz48000).unwrap();
    let mut samples = vec![0f32; 2 * 960];
    let (mut packets, mut count) = (0, 0);
    while let Ok(Some(packet)) = reader.read_packet() {
        packets += 1;
        if packets > 2 {
            count += decoder
                .decode_float_to_slice(&packet.data, &mut samples, false)
                .unwrap();
        }
    }
    assert!(packets >= 2, "both headers are there");
    count as f64 / 48_000.0
}

#[test]
fn a_disk_that_is_full_ends_the_recording_and_leaves_the_call_and_what_was_recorded() {
    let scratch = Scratch::new("full").unwrap();
    let path = scratch.path().join("call.opus");
    let nowhere = Environment::new().with("PULSE_SERVER", "unix:/nonexistent");
    // The log of the program is such a file too, and shorter.
    let mut desk = Desk::start_on_a_small_disk(10 * 1024, &nowhere);
    desk.tell("open");
    desk.ask(&format!("record {}", path.display()), "recording");
    wait_until("it breaks off", || {
        desk.ask("recorded", "broke_off")["broke_off"] == true
    });
    let frames = |desk: &mut Desk| desk.ask("measure", "hz")["frames"].as_u64().unwrap();
    let before = frames(&mut desk);
    wait_until("the call goes on", || frames(&mut desk) > before + 50);
    let kept = playable_seconds(&path);
    let said = desk.ask("recorded", "broke_off")["seconds"]
        .as_f64()
        .unwrap();
    assert!(kept >= 1.0 && kept + 1.0 >= said, "{kept} of {said} s");
    desk.ask("record", "recording");
    desk.end_with(4);
}

#[test]
fn twenty_recordings_killed_at_random_moments_are_twenty_playable_files() {
    let scratch = Scratch::new("killed").unwrap();
    // Without any sound server the clock sets the beat: frames go on all the same.
    let nowhere = Environment::new().with("PULSE_SERVER", "unix:/nonexistent");
    let seed = std::process::id();
    let mut dice = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut running = Vec::new();
    for number in 0..20 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let path = scratch.path().join(format!("{number}.opus"));
        let mut desk = Desk::start(&nowhere);
        desk.tell("open");
        desk.ask(&format!("record {}", path.display()), "recording");
        let moment = Duration::from_millis(300 + dice % 3_000);
        running.push((desk, path, Instant::now(), moment));
    }
    running.sort_by_key(|(_, _, began, moment)| *began + *moment);
    for (mut desk, path, began, moment) in running {
        std::thread::sleep((began + moment).saturating_duration_since(Instant::now()));
        let frames = desk.ask("measure", "hz")["frames"].as_u64().unwrap();
        desk.process.kill();
        let spoken = frames as f64 / 100.0;
        let kept = playable_seconds(&path);
        // A second by the promise, and what passed before `record`, or between the question and the kill.
        assert!(
            kept >= spoken - 1.5 && kept <= spoken + 1.5,
            "seed {seed}: {kept} s of {spoken} s can be played"
        );
    }
}
