//! A call of a minute while every core of this computer is kept busy by others: gaps in what is sent and heard, and how long the
//! device callbacks took. It prints, and judges nothing: how busy a computer is is not ours to say.
//!
//! ```text
//! cargo build -p audio --examples && cargo run -p audio --example busy -- 60
//! ```

#![cfg_attr(
    target_os = "linux",
    allow(
        clippy::print_stdout,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

#[cfg(target_os = "linux")]
#[path = "../tests/support/mod.rs"]
mod support;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    use stage::Sound;
    use support::{Desk, SOON, longest_silence};

    let seconds: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let sound = Sound::start().unwrap();
    let server = sound.run_in_real_time();
    let mut desk = Desk::start(&sound.environment());
    // The server's own tone: a program that speaks would be kept from it by the others.
    let sine = [
        "load-module",
        "module-sine",
        "sink=mic_sink",
        "frequency=1000",
    ];
    sound.pactl(&sine).unwrap();
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    desk.hears(1000.0);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    println!(
        "{cores} cores; the sound server runs in real time: {}",
        server.is_ok()
    );
    for (busy, granted) in [(false, false), (true, false), (true, true)] {
        let granted = granted && in_real_time(desk.process.pid());

        let ear = sound.listen().unwrap();
        ear.wait_for_tone(700.0, Duration::from_millis(400), SOON)
            .unwrap();
        ear.forget();
        desk.ask("gap", "now_ms");
        let first = desk.figures();
        let done = Arc::new(AtomicBool::new(false));
        let others: Vec<_> = (0..if busy { cores } else { 0 })
            .map(|_| {
                let done = Arc::clone(&done);
                std::thread::spawn(move || {
                    while !done.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        let began = Instant::now();
        // Without others it is only there to compare with.
        let seconds = if busy { seconds } else { seconds / 6 };
        std::thread::sleep(Duration::from_secs(seconds));
        done.store(true, Relaxed);
        let last = desk.figures();
        let took = began.elapsed().as_secs_f64();
        for other in others {
            other.join().unwrap();
        }
        let heard = ear.finish();
        let sent = desk.ask("gap", "now_ms")["longest_ms"].clone();
        println!(
            "{took:.0} s, {}: longest silence heard {} ms, sent {sent} ms",
            match (busy, granted) {
                (false, _) => "nothing else",
                (true, false) => "all cores busy, no more priority than we could take ourselves",
                (true, true) => "all cores busy, in real time as the broker grants it",
            },
            longest_silence(&heard),
        );
        for figure in [
            "under_runs",
            "overflows",
            "frames_trimmed",
            "frames_by_clock",
            "losses",
            "allocations_in_callbacks",
        ] {
            let of = |figures: &serde_json::Value| figures[figure].as_u64().unwrap();
            println!("  {figure}: {}", of(&last) - of(&first));
        }
        for device in ["microphone", "speaker"] {
            println!(
                "  {device}: 99.9 % of all callbacks so far took at most {} µs of 5000",
                last[format!("{device}_callback_us")]
            );
        }
    }
    desk.tell("close");
}

/// Gives the threads of the sound what the system's broker would: there is none on a computer without a desktop.
#[cfg(target_os = "linux")]
fn in_real_time(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks.flatten().all(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let ours = ["audio-frames", "audio-microphon", "audio-speaker"];
        let mut give = std::process::Command::new("chrt");
        give.args(["--rr", "--pid", "10"]).arg(task.file_name());
        !ours.contains(&name.trim()) || give.status().is_ok_and(|status| status.success())
    })
}
