//! What the device callbacks of a real call take, as a share of their period: alone, and while every core is kept busy by others;
//! and what their threads ask of the system. Which calls are made inside a callback is a test
//! (`crates/audio/tests/callback_calls.rs`); this is about time, so it prints and judges nothing.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    arena::{Arena, Kind, begin, wait_for_quiet},
    conditions::Conditions,
    journal::{Journal, Measure},
};

/// The threads of the sound; the system keeps fifteen letters of a name.
const THREADS: [&str; 3] = ["audio-frames", "audio-microphon", "audio-speaker"];
/// How long the system calls of a thread are watched.
const WATCHED: Duration = Duration::from_secs(10);

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: "% period" };)*
    };
}

measures! {
    ALONE_MICROPHONE: "callback_microphone", "99.9 % of callbacks: microphone, alone";
    ALONE_SPEAKER: "callback_speaker", "99.9 % of callbacks: speaker, alone";
    BUSY_MICROPHONE: "callback_microphone_busy", "99.9 % of callbacks: microphone, cores busy";
    BUSY_SPEAKER: "callback_speaker_busy", "99.9 % of callbacks: speaker, cores busy";
    GRANTED_MICROPHONE: "callback_microphone_granted", "99.9 % of callbacks: microphone, busy, real time";
    GRANTED_SPEAKER: "callback_speaker_granted", "99.9 % of callbacks: speaker, busy, real time";
}

/// A call under these circumstances.
struct Phase {
    name: &'static str,
    lasts: Duration,
    /// Every core has something else to do.
    busy: bool,
    /// The threads of the sound and the sound server run in real time, as a desktop's broker grants it.
    granted: bool,
    measures: [&'static Measure; 2],
}

static PHASES: [Phase; 3] = [
    Phase {
        name: "alone",
        lasts: Duration::from_secs(20),
        busy: false,
        granted: false,
        measures: [&ALONE_MICROPHONE, &ALONE_SPEAKER],
    },
    Phase {
        name: "cores busy",
        lasts: Duration::from_secs(20),
        busy: true,
        granted: false,
        measures: [&BUSY_MICROPHONE, &BUSY_SPEAKER],
    },
    Phase {
        name: "busy, real time",
        lasts: Duration::from_secs(60),
        busy: true,
        granted: true,
        measures: [&GRANTED_MICROPHONE, &GRANTED_SPEAKER],
    },
];

/// All phases, and the system calls; answers a table.
pub(crate) fn measure(journal: &mut Journal, quiet_within: Duration) -> Result<String> {
    let mut arena = Arena::start(None, None)?;
    arena.watch_callbacks = true;
    let mut table = String::from(
        "\ndevice callbacks of one side of a call (% of the period: half, 99 %, 99.9 % of them took at most; ran: of that on a processor)\n\
         state            device      callbacks  period us     50 %    99 %  99.9 %   longest us   ran: 50 %  99.9 %\n",
    );
    for (number, phase) in PHASES.iter().enumerate() {
        wait_for_quiet(quiet_within);
        match one(&arena, phase, number + 1) {
            Ok((told, pressure)) => {
                let rows = rows(journal, phase, &told, pressure);
                print!("{rows}");
                table.push_str(&rows);
            }
            Err(error) => {
                for measure in phase.measures {
                    journal.void(measure, 1, &format!("{error:#}"));
                }
            }
        }
    }
    arena.watch_callbacks = false;
    let calls = system_calls(&arena)?;
    print!("{calls}");
    table.push_str(&calls);
    Ok(table)
}

/// One call: what a side of it tells, and how much of the time somebody waited for a processor.
fn one(arena: &Arena, phase: &Phase, number: usize) -> Result<(Value, Option<f64>)> {
    let sides = begin(arena, Kind::Ours, number)?;
    if phase.granted {
        arena.stage.sound.run_in_real_time()?;
        for side in &sides {
            in_real_time(side.pid())?;
        }
    }
    let before = Conditions::now();
    let done = Arc::new(AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let others: Vec<_> = (0..if phase.busy { cores } else { 0 })
        .map(|_| {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                while !done.load(Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    std::thread::sleep(phase.lasts);
    let pressure = before.pressure_until(&Conditions::now());
    // Those who keep the cores busy would also keep the sides from telling: they end first, some milliseconds before.
    done.store(true, Relaxed);
    let mut told = Vec::new();
    for side in sides {
        told.push(side.end());
    }
    for other in others {
        let _ended = other.join();
    }
    let first = told.into_iter().next().context("there are two sides")??;
    Ok((first, pressure))
}

fn rows(journal: &mut Journal, phase: &Phase, told: &Value, pressure: Option<f64>) -> String {
    let mut text = String::new();
    for (device, measure) in ["microphone", "speaker"].into_iter().zip(phase.measures) {
        let seen = told.pointer(&format!("/callbacks/{device}"));
        let number = |path: &str| {
            seen.and_then(|seen| seen.pointer(path))
                .and_then(Value::as_f64)
        };
        let Some(period) = number("/period_us") else {
            journal.void(measure, 1, "there was no callback");
            continue;
        };
        let share = |path: &str| number(path).map_or(f64::NAN, |us| 100.0 * us / period);
        text.push_str(&format!(
            "{:<16} {device:<11} {:>9.0} {period:>10.0} {:>8.2} {:>7.2} {:>7.2} {:>12.0} {:>11.2} {:>7.2}\n",
            phase.name,
            number("/callbacks").unwrap_or(0.0),
            share("/took_us/0"),
            share("/took_us/1"),
            share("/took_us/2"),
            number("/longest_us").unwrap_or(f64::NAN),
            share("/ran_us/0"),
            share("/ran_us/2"),
        ));
        let slow = number("/over_share").unwrap_or(0.0);
        if slow > 0.0 {
            text.push_str(&format!(
                "                 {device}: {slow:.0} took more than 20 % of the period, {:.0} us on average, of which they ran {:.0} us and waited for a processor the rest\n",
                number("/over_share_took_us").unwrap_or(f64::NAN),
                number("/over_share_ran_us").unwrap_or(f64::NAN),
            ));
        }
        journal.value(measure, 1, share("/took_us/2"));
    }
    let count = |key: &str| told.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
    text.push_str(&format!(
        "                 gaps at the speaker {:.0}, frames trimmed {:.0}, waiting {}\n",
        count("under_runs_watched"),
        count("trimmed"),
        pressure.map_or_else(|| "-".to_owned(), |share| format!("{share:.0} %")),
    ));
    journal.write(&json!({
        "kind": "callbacks", "state": phase.name, "said": told, "cpu_pressure_during": pressure,
    }));
    text
}

/// The threads of a process with one of these names, and their names.
fn threads(pid: u32, names: &[&str]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if names.contains(&name.trim()) {
            let thread = task.file_name().to_string_lossy().into_owned();
            found.push((thread, name.trim().to_owned()));
        }
    }
    Ok(found)
}

/// Gives the threads of the sound what the system's broker would: there is none on a machine without a desktop.
fn in_real_time(pid: u32) -> Result<()> {
    for (thread, name) in threads(pid, &THREADS)? {
        let mut give = Command::new("chrt");
        let given = give.args(["--rr", "--pid", "10", &thread]).status();
        if !given.is_ok_and(|status| status.success()) {
            bail!("we may not let {name} run in real time here");
        }
    }
    Ok(())
}

/// What the two threads with the callbacks ask of the system in a call, as `strace` sees it. Their own socket is in it, which they
/// read and write between the callbacks.
fn system_calls(arena: &Arena) -> Result<String> {
    if Command::new("strace").arg("-V").output().is_err() {
        return Ok("system calls: skipped, there is no strace on this machine\n".to_owned());
    }
    let sides = begin(arena, Kind::Ours, PHASES.len() + 1)?;
    let pid = sides.first().context("there are two sides")?.pid();
    let mut watching = Vec::new();
    for (thread, name) in threads(pid, &THREADS[1..])? {
        let watch = Command::new("strace")
            .args(["-qq", "-o", "/dev/stdout", "-p", &thread])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        watching.push((name, watch));
    }
    let readers: Vec<_> = watching
        .into_iter()
        .map(|(name, mut watch)| {
            let pid = watch.id();
            let out = watch.stdout.take();
            let reader = std::thread::spawn(move || {
                let mut seen = String::new();
                if let Some(mut out) = out {
                    let _rest = out.read_to_string(&mut seen);
                }
                let _ended = watch.wait();
                seen
            });
            (name, pid, reader)
        })
        .collect();
    let began = Instant::now();
    std::thread::sleep(WATCHED);
    let seconds = began.elapsed().as_secs_f64();
    let mut text = String::new();
    for (name, watch, reader) in readers {
        Command::new("kill")
            .args(["-s", "INT", &watch.to_string()])
            .status()?;
        let seen = reader.join().unwrap_or_default();
        let counts = counted(&seen);
        text.push_str(&if counts.is_empty() {
            format!("system calls of {name}: nobody may watch a thread here\n")
        } else {
            format!(
                "system calls of {name} in {seconds:.0} s: {}\n",
                listed(&counts)
            )
        });
    }
    for side in sides {
        side.end()?;
    }
    Ok(text)
}

/// How often each call is in what strace wrote; of a futex, whether it wakes or waits.
fn counted(seen: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in seen.lines() {
        let call = line.split('(').next().unwrap_or_default().trim();
        // What strace itself tells.
        if call.is_empty() || call.starts_with(['-', '+', '<', '.']) {
            continue;
        }
        let name = match call {
            "futex" if line.contains("FUTEX_WAKE") => "futex (wakes)",
            "futex" => "futex (waits)",
            other => other,
        };
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    counts
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let each: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strace_wrote_is_counted_and_a_wake_is_no_wait() {
        let seen = "recvfrom(9, \"\", 4096, 0, NULL, NULL) = 20\n\
                    futex(0x7f, FUTEX_WAKE_PRIVATE, 1)  = 1\n\
                    futex(0x7f, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL) = 0\n\
                    recvfrom(9, \"a(b\", 4096, 0, NULL, NULL) = 20\n\
                    --- SIGCONT {si_signo=SIGCONT} ---\n\
                    <... futex resumed>) = 0\n";
        assert_eq!(
            listed(&counted(seen)),
            "futex (waits) 1, futex (wakes) 1, recvfrom 2"
        );
    }
}
