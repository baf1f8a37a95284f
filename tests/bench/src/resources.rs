//! What a call costs while both sides talk.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{
    journal::{Journal, Measure},
    place::{OUR_TONE, PATIENCE, Place, TONE_NUMBER},
    usage::Usage,
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    TERMINAL_CPU: "terminal_cpu_percent", "terminal in a call: processor", "% core";
    TERMINAL_PSS: "terminal_pss_mb", "terminal in a call: memory (PSS)", "MB";
    TERMINAL_THREADS: "terminal_threads", "terminal in a call: threads", "threads";
    IDLE_CPU: "window_idle_cpu_percent", "window, no call: processor of all its processes", "% core";
    IDLE_PSS: "window_idle_pss_mb", "window, no call: memory (PSS)", "MB";
    WINDOW_CPU: "window_cpu_percent", "window in a call: processor of all its processes", "% core";
    WINDOW_PSS: "window_pss_mb", "window in a call: memory (PSS)", "MB";
    WINDOW_THREADS: "window_threads", "window in a call: threads of all its processes", "threads";
    WINDOW_PROCESSES: "window_processes", "window in a call: processes", "processes";
}

/// Not measured: the beginning of a call, or of a window.
const SETTLES: Duration = Duration::from_secs(3);
/// Measured at a time.
const STRETCH: Duration = Duration::from_secs(5);
/// So many times: 20 s in all.
const STRETCHES: usize = 4;

/// `deskline dial`, one process.
pub(crate) fn terminal(place: &Place, journal: &mut Journal) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let mut call = place.app.terminal(&["dial", TONE_NUMBER, "--for", "2m"])?;
    call.wait_for(
        |line| line.get("state").is_some_and(|state| state == "live"),
        PATIENCE,
    )?;
    let pid = call.process().pid();
    stretches(
        STRETCHES,
        || Usage::of_tree(pid),
        |run, cpu, usage| {
            println!(
                "   {run:>2}  {cpu:5.1} % of a core  {:6.1} MB  {} threads",
                usage.memory, usage.threads
            );
            journal.value(&TERMINAL_CPU, run, cpu);
            journal.value(&TERMINAL_PSS, run, usage.memory);
            journal.value(&TERMINAL_THREADS, run, usage.threads as f64);
        },
    )?;
    call.process().interrupt()?;
    call.finish(PATIENCE)?;
    Ok(())
}

/// The window with all its processes: before a call, and in one that was dialled by typing.
pub(crate) fn window(place: &Place, journal: &mut Journal) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let mut app = place.app.open_usable(Duration::from_secs(60))?;
    let pid = app.pid();
    stretches(
        2,
        || Usage::of_tree(pid),
        |run, cpu, usage| {
            println!(
                "   {run:>2}  no call: {cpu:5.1} % of a core  {:6.1} MB",
                usage.memory
            );
            journal.value(&IDLE_CPU, run, cpu);
            journal.value(&IDLE_PSS, run, usage.memory);
        },
    )?;

    place.dial_in_window(TONE_NUMBER)?;
    stretches(
        STRETCHES,
        || Usage::of_tree(pid),
        |run, cpu, usage| {
            println!(
                "   {run:>2}  in a call: {cpu:5.1} % of a core  {:6.1} MB  {} threads in {} processes",
                usage.memory, usage.threads, usage.processes
            );
            journal.value(&WINDOW_CPU, run, cpu);
            journal.value(&WINDOW_PSS, run, usage.memory);
            journal.value(&WINDOW_THREADS, run, usage.threads as f64);
            journal.value(&WINDOW_PROCESSES, run, usage.processes as f64);
        },
    )?;
    app.stop();
    Ok(())
}

/// Measure so many stretches of time; tells each with the processor's share in percent of a core.
fn stretches(
    count: usize,
    usage: impl Fn() -> Result<Usage>,
    mut tell: impl FnMut(usize, f64, Usage),
) -> Result<()> {
    std::thread::sleep(SETTLES);
    let mut before = (Instant::now(), usage()?);
    for run in 1..=count {
        std::thread::sleep(STRETCH);
        let after = (Instant::now(), usage()?);
        let time = after.0.duration_since(before.0).as_secs_f64();
        tell(
            run,
            100.0 * (after.1.processor - before.1.processor) / time,
            after.1,
        );
        before = after;
    }
    Ok(())
}
