//! What the device callbacks of a real call do besides copying: nothing. The allocator of the program counts what they take
//! and give back. A library loaded before the C library counts every call to that one inside a callback
//! (`calls/callback_calls.c`): no memory, no lock, no file, no wait, but the wake of the frame thread. And what their threads ask
//! of the system is watched from outside: the sound server's socket, and that wake. How long callbacks take is printed.

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
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stage::{Scratch, Sound};
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

/// A call of a thousand callbacks and more, with all that it may meet: tones, a second heard again, another device, and one that
/// is pulled.
fn a_thousand_callbacks(desk: &mut Desk, sound: &Sound) {
    let _speaking = sound.speak_tone(1000.0, 0.5).unwrap();
    let headset = sound.plug_speaker("headset", 44_100, 2).unwrap();
    desk.tell("keep on");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
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
}

#[test]
fn no_callback_of_a_call_takes_memory_or_gives_it_back() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    a_thousand_callbacks(&mut desk, &sound);
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

/// The library that counts calls inside callbacks, built from its source, or the program that proves it (`-DPROOF`).
fn build(to: PathBuf, options: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls/callback_calls.c");
    let mut compiler = Command::new("cc");
    compiler.args(options).arg("-o").arg(&to).arg(source);
    let output = compiler.output().expect("Rust links with cc: it is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    to
}

fn counting_library(scratch: &Scratch) -> PathBuf {
    let options = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"];
    build(scratch.path().join("callback_calls.so"), &options)
}

/// How often each call was made inside a callback, and in how many of them.
fn report(path: &Path) -> (u64, Vec<(String, u64)>) {
    let text = fs::read_to_string(path).expect("the library wrote a report");
    let Value::Object(report) = serde_json::from_str(&text).unwrap() else {
        panic!("{text}");
    };
    let mut counts: Vec<_> = report
        .into_iter()
        .map(|(call, count)| (call, count.as_u64().unwrap()))
        .collect();
    let stretches = counts.iter().position(|(call, _)| call == "stretches");
    let (_, stretches) = counts.remove(stretches.unwrap());
    (stretches, counts)
}

#[test]
fn every_sort_of_call_inside_a_callback_is_counted_and_none_outside() {
    let scratch = Scratch::new("calls").unwrap();
    let library = counting_library(&scratch);
    let proof = build(scratch.path().join("proof"), &["-DPROOF"]);
    let told = scratch.path().join("report");
    let status = Command::new(proof)
        .env("LD_PRELOAD", &library)
        .env("CALLBACK_CALLS", &told)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let (stretches, counts) = report(&told);
    let mut made: Vec<&str> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(call, _)| call.as_str())
        .collect();
    made.sort_unstable();
    assert_eq!(
        made,
        [
            "free",
            "futex_wait",
            "futex_wake",
            "malloc",
            "other_syscall",
            "pthread_mutex_lock",
            "write"
        ]
    );
    assert!(counts.iter().all(|(_, count)| *count <= 1), "{counts:?}");
    assert_eq!(stretches, 1);
}

#[test]
fn no_callback_of_a_call_asks_the_c_library_for_anything_but_a_wake() {
    let scratch = Scratch::new("calls").unwrap();
    let library = counting_library(&scratch);
    let told = scratch.path().join("report");
    let sound = Sound::start().unwrap();
    let variables = [("LD_PRELOAD", &*library), ("CALLBACK_CALLS", &*told)];
    let mut desk = Desk::start_with(&variables, &sound.environment());
    a_thousand_callbacks(&mut desk, &sound);
    desk.end_with(6);
    let (callbacks, counts) = report(&told);
    assert!(callbacks >= 1000, "{callbacks}");
    for (call, count) in counts {
        if call == "futex_wake" {
            println!("{callbacks} callbacks: the frame thread slept and was woken by {count}");
            assert!((1..=callbacks).contains(&count), "{count} of {callbacks}");
        } else {
            assert_eq!(count, 0, "{call} in {callbacks} callbacks");
        }
    }
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
