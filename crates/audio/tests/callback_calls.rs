//! What the device callbacks of a real call do besides copying: nothing. The allocator of the program counts what they take
//! and give back; what their threads ask of the system is watched from outside: the sound server's socket, and the wake of the
//! frame thread. No file, no memory, no lock that is waited for. How long they take is printed.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use stage::Sound;
use support::{Desk, wait_until};

/// How long each thread is watched.
const WATCHED: Duration = Duration::from_secs(2);
/// Reading from and writing to the sound server, and the unpark.
const EXPECTED: [&str; 5] = ["read", "write", "recvfrom", "sendto", "futex"];

/// Threads of a process whose name begins so; the system keeps fifteen letters of a name.
fn threads(pid: u32, name: &str) -> Vec<String> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let known = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            let fits = known.trim() == &name[..name.len().min(15)];
            fits.then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect()
}

#[test]
fn no_callback_of_a_call_takes_memory_or_gives_it_back() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let headset = sound.plug_speaker("headset", 44_100, 2).unwrap();
    desk.tell("keep on");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    // All that a call may meet: tones, a second heard again, another device, and one that is pulled.
    desk.tell("key 5");
    desk.tell("beep");
    desk.tell("replay 5");
    desk.tell("choose speaker headset");
    desk.sees("it", |status| status["speaker"] == "headset");
    sound.unplug(headset).unwrap();
    desk.sees("another", |status| status["speaker"] == "Speaker");
    wait_until("a thousand callbacks", || {
        desk.number("guarded_callbacks") >= 1000
    });
    let figures = desk.figures();
    assert_eq!(figures["allocations_in_callbacks"], 0, "{figures}");
    let period_us = 5000.0;
    for device in ["microphone", "speaker"] {
        let longest = &figures[format!("{device}_callback_us")];
        let share = longest.as_f64().map(|us| us / period_us * 100.0);
        println!(
            "{device}: 99.9 % of callbacks took at most {longest} µs, {share:.2?} % of the period"
        );
    }
    desk.end_with(6);
}

#[test]
fn a_device_thread_asks_the_system_for_nothing_but_its_socket_and_a_wake() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace on this computer");
        return;
    }
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    let pid = desk.process.pid();
    for name in ["audio-microphone", "audio-speaker"] {
        let [thread] = threads(pid, name).try_into().expect(name);
        // It would write what it sees of each call; of the wakes only that they wake is of interest.
        let mut watch = Command::new("strace")
            .args(["-qq", "-o", "/dev/stdout", "-p", &thread])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(WATCHED);
        Command::new("kill")
            .args(["-s", "INT", &watch.id().to_string()])
            .status()
            .unwrap();
        let mut seen = String::new();
        std::io::Read::read_to_string(&mut watch.stdout.take().unwrap(), &mut seen).unwrap();
        watch.wait().unwrap();
        if seen.is_empty() {
            println!("skipped: this computer lets nobody watch a thread");
            return;
        }
        let mut counts = std::collections::BTreeMap::new();
        for line in seen.lines() {
            let call = line.split('(').next().unwrap_or_default().trim();
            // What strace itself tells.
            if call.is_empty() || call.starts_with(['-', '+', '<', '.']) {
                continue;
            }
            *counts.entry(call.to_owned()).or_insert(0) += 1;
            let waits = call == "futex" && line.contains("FUTEX_WAIT");
            assert!(
                EXPECTED.contains(&call) && !waits,
                "{name}: {line}\n{counts:?}"
            );
        }
        println!("{name}, calls in {WATCHED:?}: {counts:?}");
        assert!(counts.values().sum::<u32>() > 100, "{name}: {counts:?}");
    }
    desk.end_with(6);
}
