//! What many short calls leave behind in a program that runs all day: memory, threads and open files after the last of them,
//! compared with those after the first few. The real program, steered line by line; the far end hangs up after two seconds.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stage::Terminal;

use crate::{
    inbound::is_ready,
    journal::{Journal, Measure},
    place::{OUR_TONE, PATIENCE, Place},
    usage::Usage,
};

/// The phone that answers and hangs up after two seconds.
const SHORT_NUMBER: &str = "+12125550107";
/// After so many calls everything that is loaded once has been loaded.
const WARM_UP: usize = 5;
/// How often it is said how far it is.
const SAID_EVERY: usize = 50;

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    MEMORY: "growth_mb", "many short calls: memory grew by (PSS)", "MB";
    THREADS: "growth_threads", "many short calls: threads more than before", "threads";
    FILES: "growth_files", "many short calls: open files more than before", "files";
    LASTED: "growth_call_s", "many short calls: each took, all in all", "s";
}

/// What a process has at one moment.
struct Holds {
    memory: f64,
    threads: usize,
    files: usize,
}

impl Holds {
    fn of(pid: u32) -> Result<Self> {
        let usage = Usage::of(pid)?;
        Ok(Self {
            memory: usage.memory,
            threads: usage.threads,
            files: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}

/// `count` calls in one program after a few that do not count.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let mut phone = place.app.terminal(&["phone"])?;
    let pid = phone.process().pid();
    let mut orders = phone.process().take_stdin().context("it takes no orders")?;
    phone.wait_for(|line| is_ready(line) || shows_ready(line), PATIENCE)?;
    let mut before = None;
    let began = Instant::now();
    for call in 1..=WARM_UP + count {
        if call == WARM_UP + 1 {
            before = Some((Holds::of(pid)?, Instant::now()));
        }
        writeln!(orders, "dial {SHORT_NUMBER}").context("it takes no more orders")?;
        one(&mut phone).with_context(|| format!("call {call}"))?;
        if call % SAID_EVERY == 0 {
            let now = Holds::of(pid)?;
            println!(
                "   {call:>4} calls in {:.0} s: {:.1} MB, {} threads, {} files",
                began.elapsed().as_secs_f64(),
                now.memory,
                now.threads,
                now.files
            );
        }
    }
    let (before, since) = before.context("there was no call")?;
    let seconds = since.elapsed().as_secs_f64() / count.max(1) as f64;
    // The devices close a moment after the last tone.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let after = Holds::of(pid)?;
    println!(
        "   {count} calls after {WARM_UP}: {:.1} -> {:.1} MB, {} -> {} threads, {} -> {} files",
        before.memory, after.memory, before.threads, after.threads, before.files, after.files
    );
    let more = |before: usize, after: usize| after as f64 - before as f64;
    journal.value(&MEMORY, 1, after.memory - before.memory);
    journal.value(&THREADS, 1, more(before.threads, after.threads));
    journal.value(&FILES, 1, more(before.files, after.files));
    journal.value(&LASTED, 1, seconds);
    journal.write(&json!({
        "kind": "growth", "calls": count, "memory_mb": [before.memory, after.memory],
        "threads": [before.threads, after.threads], "files": [before.files, after.files],
    }));
    drop(orders);
    phone.finish(PATIENCE)?;
    Ok(())
}

fn shows_ready(line: &Value) -> bool {
    line.pointer("/view/line/state").and_then(Value::as_str) == Some("ready")
}

/// Until the newest call was up and is over.
fn one(phone: &mut Terminal) -> Result<()> {
    let state = |line: &Value| {
        let calls = line.pointer("/view/calls")?.as_array()?;
        let mut open = calls.iter().filter_map(|call| {
            let state = call.get("state")?.as_str()?;
            (state != "ended").then(|| state.to_owned())
        });
        Some(open.next_back())
    };
    phone.wait_for(
        |line| state(line).flatten().as_deref() == Some("live"),
        PATIENCE,
    )?;
    let over = phone.wait_for(|line| state(line) == Some(None), PATIENCE)?;
    let newest = over.pointer("/view/calls").and_then(Value::as_array);
    match newest.into_iter().flatten().next_back() {
        Some(call) if call.get("answered_at_ms").is_some_and(Value::is_number) => Ok(()),
        other => bail!("it was no call: {}", json!(other)),
    }
}
