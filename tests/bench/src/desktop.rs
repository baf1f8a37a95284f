//! The program on the desktop all day: how soon it is there, and what it costs while nothing happens. Beside it the least
//! program with a window of the same toolkit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stage::{Driver, Tray};

use crate::{
    breakdown::Breakdown,
    journal::{Journal, Measure},
    place::{PATIENCE, Place, TONE_NUMBER},
    usage::Usage,
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    HELLO_VISIBLE: "hello_visible_ms", "hello: start -> window on the screen", "ms";
    HELLO_PAINTED: "hello_painted_ms", "hello: start -> painted", "ms";
    WINDOW_CPU: "window_cpu_percent", "window, idle: processor of all its processes", "% core";
    WINDOW_WAKES: "window_wakes", "window, idle: wake-ups of all its threads", "1/s";
    WINDOW_PSS: "window_pss_mb", "window, idle: memory (PSS)", "MB";
    HELLO_CPU: "hello_cpu_percent", "hello, idle: processor of all its processes", "% core";
    HELLO_WAKES: "hello_wakes", "hello, idle: wake-ups of all its threads", "1/s";
    HELLO_PSS: "hello_pss_mb", "hello, idle: memory (PSS)", "MB";
    TRAY_CPU: "tray_cpu_percent", "tray, window forgotten: processor of all its processes", "% core";
    TRAY_WAKES: "tray_wakes", "tray, window forgotten: wake-ups of all its threads", "1/s";
    TRAY_PSS: "tray_pss_mb", "tray, window forgotten: memory (PSS)", "MB";
    CALL_CPU: "call_cpu_percent", "window in a call: processor of all its processes", "% core";
    CALL_PSS: "call_pss_mb", "window in a call: memory (PSS)", "MB";
    INVOKE: "invoke_ms", "page asks -> the core's answer is there (whole view)", "ms";
    PUSH: "push_ms", "page asks for a change -> the changed view is there", "ms";
}

/// Threads that are named on the screen.
const MOST_WOKEN: usize = 12;
/// Measured at a time, and how often.
const STRETCH: Duration = Duration::from_secs(10);
const STRETCHES: usize = 2;
/// Not measured: what a start leaves to be done.
const SETTLES: Duration = Duration::from_secs(4);

/// The program with a full history and its window.
pub(crate) fn ours(place: &Place, journal: &mut Journal) -> Result<()> {
    let mut app = place.app.open_usable(Duration::from_secs(60))?;
    std::thread::sleep(SETTLES);
    idle("window", app.pid(), journal, |journal, run, idle| {
        journal.value(&WINDOW_CPU, run, idle.cpu);
        journal.value(&WINDOW_WAKES, run, idle.wakes);
        journal.value(&WINDOW_PSS, run, idle.pss);
    })?;
    let call = place.dial_in_window(TONE_NUMBER)?;
    std::thread::sleep(SETTLES);
    idle("call", app.pid(), journal, |journal, run, idle| {
        journal.value(&CALL_CPU, run, idle.cpu);
        journal.value(&CALL_PSS, run, idle.pss);
    })?;
    place.line.phones.hang_up(&call.id)?;
    app.stop();
    Ok(())
}

/// In the tray, with the window forgotten.
pub(crate) fn tray(place: &Place, journal: &mut Journal) -> Result<()> {
    let tray = Tray::start(&place.stage.bus)?;
    let start = place
        .app
        .command(&["--hidden", "--forget-window-after", "100ms"]);
    let mut app = place.stage.run("app", start)?;
    tray.icon(PATIENCE)?;
    std::thread::sleep(SETTLES);
    idle("tray", app.pid(), journal, |journal, run, idle| {
        journal.value(&TRAY_CPU, run, idle.cpu);
        journal.value(&TRAY_WAKES, run, idle.wakes);
        journal.value(&TRAY_PSS, run, idle.pss);
    })?;
    app.stop();
    Ok(())
}

/// The least program.
pub(crate) fn hello(place: &Place, journal: &mut Journal, starts: usize) -> Result<()> {
    let program = PathBuf::from(
        std::env::var_os("DESKLINE_HELLO").context("`cargo xtask bench desktop` builds hello")?,
    );
    for run in 1..=starts {
        let began = Instant::now();
        let (app, visible) = place.stage.display.until_new_window(PATIENCE, || {
            place
                .stage
                .run_talking("hello", place.stage.app_command(&program))
        })?;
        let mut app = app;
        app.line(PATIENCE)?;
        let painted = began.elapsed().as_secs_f64() * 1e3;
        println!("   {run:>2}  visible after {visible:4.0} ms, painted after {painted:4.0} ms");
        journal.value(&HELLO_VISIBLE, run, visible);
        journal.value(&HELLO_PAINTED, run, painted);
        if run == starts {
            std::thread::sleep(SETTLES);
            idle("hello", app.pid(), journal, |journal, run, idle| {
                journal.value(&HELLO_CPU, run, idle.cpu);
                journal.value(&HELLO_WAKES, run, idle.wakes);
                journal.value(&HELLO_PSS, run, idle.pss);
            })?;
        }
        app.stop();
    }
    Ok(())
}

/// Between page and core, from within the page.
pub(crate) fn messages(place: &Place, journal: &mut Journal) -> Result<()> {
    let mut driver = place.stage.driver()?;
    let page = Page::open(&driver, place)?;
    let asked = page.run(
        "const done = arguments[arguments.length - 1]; const ask = window.__TAURI_INTERNALS__.invoke; (async () => {
           const times = [];
           for (let n = 0; n < 220; n += 1) { const at = performance.now(); await ask('snapshot'); times.push(performance.now() - at); }
           return times.slice(20);
         })().then(done, error => done(String(error)));",
    )?;
    for (run, ms) in numbers(&asked)?.into_iter().enumerate() {
        journal.value(&INVOKE, run + 1, ms);
    }
    let pushed = page.run(
        "const done = arguments[arguments.length - 1]; const inside = window.__TAURI_INTERNALS__; (async () => {
           let heard = () => {};
           await inside.invoke('plugin:event|listen', { event: 'phone-changed', target: { kind: 'Any' }, handler: inside.transformCallback(() => heard()) });
           const times = [];
           for (let n = 0; n < 110; n += 1) {
             const view = new Promise(resolve => { heard = resolve; });
             const at = performance.now();
             await inside.invoke('set_availability', { availability: n % 2 ? { state: 'available' } : { state: 'do_not_disturb', until_ms: null } });
             await view; times.push(performance.now() - at);
           }
           return times.slice(10);
         })().then(done, error => done(String(error)));",
    )?;
    for (run, ms) in numbers(&pushed)?.into_iter().enumerate() {
        journal.value(&PUSH, run + 1, ms);
    }
    driver.stop();
    Ok(())
}

/// A page under WebDriver: a session, and scripts in it. Everything else is done by hand here.
struct Page {
    session: String,
    asks: ureq::Agent,
}

impl Page {
    fn open(driver: &Driver, place: &Place) -> Result<Self> {
        let asks: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .proxy(None)
            .build()
            .into();
        let wanted = json!({ "capabilities": { "alwaysMatch": Driver::capabilities(&place.app) } });
        let answer: Value = asks
            .post(format!("{}/session", driver.url()))
            .send_json(wanted)?
            .body_mut()
            .read_json()?;
        let id = answer
            .pointer("/value/sessionId")
            .and_then(Value::as_str)
            .context("the driver opened no session")?;
        Ok(Self {
            session: format!("{}/session/{id}", driver.url()),
            asks,
        })
    }

    fn run(&self, script: &str) -> Result<Value> {
        let answer: Value = self
            .asks
            .post(format!("{}/execute/async", self.session))
            .send_json(json!({ "script": script, "args": [] }))?
            .body_mut()
            .read_json()?;
        answer.get("value").cloned().context("no answer")
    }
}

fn numbers(answer: &Value) -> Result<Vec<f64>> {
    let list = answer
        .as_array()
        .with_context(|| format!("the page said {answer}"))?;
    Ok(list.iter().filter_map(Value::as_f64).collect())
}

/// Costs of a stretch in which nobody does anything.
struct Idle {
    cpu: f64,
    /// Times that threads woke up, each second.
    wakes: f64,
    pss: f64,
}

/// Measures some stretches; says on the screen and in the file where it goes, by process and by thread.
fn idle(
    what: &str,
    pid: u32,
    journal: &mut Journal,
    mut take: impl FnMut(&mut Journal, usize, Idle),
) -> Result<()> {
    for run in 1..=STRETCHES {
        let (at, before, slept) = (
            Instant::now(),
            Usage::of_tree(pid)?,
            Breakdown::of_tree(pid),
        );
        std::thread::sleep(STRETCH);
        let (after, time) = (Usage::of_tree(pid)?, at.elapsed().as_secs_f64());
        let breakdown = Breakdown::of_tree(pid);
        let wakes = breakdown.wakes_since(&slept, time);
        let idle = Idle {
            cpu: (after.processor - before.processor) / time * 100.0,
            wakes: wakes.iter().map(|(_, times)| times).sum(),
            pss: after.memory,
        };
        println!(
            "   {run:>2}  {:5.1} % of a core  {:6.1} wake-ups/s  {:6.1} MB",
            idle.cpu, idle.wakes, idle.pss
        );
        if run == STRETCHES {
            print!("{}", breakdown.text());
            for (thread, times) in wakes.iter().take(MOST_WOKEN) {
                println!("      {thread:<40} {times:5.1} wake-ups/s");
            }
        }
        journal.write(&breakdown.json(what, &wakes));
        take(journal, run, idle);
    }
    Ok(())
}

/// Fills the profile with the history that was made before.
pub(crate) fn fill(place: &Place, from: &Path) -> Result<()> {
    let to = place.app.profile().join("history.db");
    // The account is in the same file: signing in comes after.
    fs::copy(from.join("history.db"), &to)
        .with_context(|| format!("there is no history in {}", from.display()))?;
    for more in ["history.db-wal", "history.db-shm"] {
        let _ = fs::remove_file(place.app.profile().join(more));
    }
    place.app.sign_in(&place.line.ready)
}

/// A command that fills a folder with a history of so many calls, unless that was done before.
pub(crate) fn million(rows: u32) -> Result<PathBuf> {
    let folder = stage::target_folder()
        .join("bench")
        .join(format!("history-{rows}"));
    if folder.join("history.db").exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    println!("filling a history of {rows} calls");
    let program = stage::built_app("release").with_file_name("bench-history");
    let program = if program.exists() {
        program
    } else {
        stage::built_app("debug").with_file_name("bench-history")
    };
    let status = Command::new(&program)
        .args(["--rows", &rows.to_string(), "--rounds", "10", "--profile"])
        .arg(&folder)
        .status()
        .with_context(|| {
            format!(
                "{} is built by `cargo xtask bench desktop`",
                program.display()
            )
        })?;
    anyhow::ensure!(
        status.success(),
        "the history could not be filled: {status}"
    );
    Ok(folder)
}
