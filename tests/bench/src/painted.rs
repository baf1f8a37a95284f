//! From the call to the picture: the real window on a private screen, with each way to learn of a caller.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use stage::{App, Inbound, Line, LineOptions, OVERLAY_PAINTED, Stage, line::Switches};

use crate::{
    journal::{Journal, Measure},
    place::PATIENCE,
    rule,
    ways::Ways,
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: "ms" };)*
    };
}

measures! {
    POLL: "painted_poll_1s_ms", "somebody calls -> overlay painted, look every 1 s";
    WEBHOOK: "painted_webhook_ms", "somebody calls -> overlay painted, webhook";
    WORKER: "painted_worker_ms", "somebody calls -> overlay painted, worker";
}

/// The worker's name.
const WORKER_NAME: &str = "deskline-bench";
/// Pause after a caller who gave up, until the desk is as before.
const SETTLE: Duration = Duration::from_millis(1_200);
/// Stands in the log before what was reached when.
const PARTS: &str = "overlay in parts, ms: ";
/// Looks so seldom that a push is always first, almost.
const SELDOM: &str = "60";

/// Each way alone, `count` callers each.
pub(crate) fn measure(journal: &mut Journal, count: usize) -> Result<()> {
    let stage = Stage::start("bench-painted")?;
    let line = stage.line(LineOptions::default())?;
    let app = stage.app("desk")?;
    app.sign_in(&line.ready)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;

    set(&app, &["--look-every", "1"])?;
    callers(&line, &app, journal, count, &POLL, None)?;

    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    set(
        &app,
        &["--look-every", SELDOM, "--webhook", &port.to_string()],
    )?;
    let hook = line.phones.forward_webhooks(
        &format!("http://127.0.0.1:{port}/livekit"),
        &Switches::default(),
    )?;
    callers(&line, &app, journal, count, &WEBHOOK, Some("Listening on "))?;
    line.phones.stop_webhooks(&hook.id)?;

    runtime.block_on(rule::offer_to(&line.ready, &[WORKER_NAME]))?;
    set(&app, &["--webhook", "off", "--worker", WORKER_NAME])?;
    callers(&line, &app, journal, count, &WORKER, Some("Registered as "))
}

fn set(app: &App, options: &[&str]) -> Result<()> {
    let mut command = app.command(&["watchers"]);
    let done = command.args(options).output()?;
    ensure!(
        done.status.success(),
        "the watchers cannot be set: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

/// `count` callers, one after the other, and one before them for whom the page is drawn for the first time.
fn callers(
    line: &Line,
    app: &App,
    journal: &mut Journal,
    count: usize,
    painted: &'static Measure,
    ready: Option<&str>,
) -> Result<()> {
    let before = app.log_end();
    let mut window = app.open_usable(Duration::from_secs(60))?;
    if let Some(ready) = ready {
        wait_in_log(app, before, ready)?;
    }
    let mut ways = Ways::default();
    for run in 0..=count {
        // The golden section spreads few runs as evenly as many.
        std::thread::sleep(SETTLE.mul_f64(1.0 + (run as f64 * 0.618_034).fract()));
        match one(line, app, run) {
            Ok((took, _)) if run == 0 => {
                println!("    -  the first one, not counted: {took:6.1} ms")
            }
            Ok((took, way)) => {
                println!("   {run:>2}  {}: {took:6.1} ms", painted.name);
                journal.value(painted, run, took);
                ways.take(&way, "");
            }
            Err(error) => journal.void(painted, run, &format!("{error:#}")),
        }
    }
    window.stop();
    println!("   since the core knew of the caller, medians:");
    ways.tell(painted.key, journal);
    Ok(())
}

/// From the call to the picture, in ms, and the parts of it.
fn one(line: &Line, app: &App, run: usize) -> Result<(f64, String)> {
    let before = app.log_end();
    let caller = Inbound::from(format!("+131255501{:02}", run % 100));
    let caller = line.phones.place_inbound(&caller)?;
    let rest = wait_in_log(app, before, OVERLAY_PAINTED);
    let parts = wait_in_log(app, before, PARTS);
    line.phones.hang_up(&caller.id)?;
    let rest = rest?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let at: f64 = digits.parse().context("the log tells no moment")?;
    let way = parts?.lines().next().unwrap_or_default().to_owned();
    Ok((at - caller.started_unix_ms as f64, way))
}

/// What stands behind `mark` in what was written to the log since `before`.
fn wait_in_log(app: &App, before: u64, mark: &str) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    // The log is a file: looking at it is the only way to wait for a line in it. The line carries its own time.
    loop {
        let log = app.log_since(before);
        if let Some((_, rest)) = log.split_once(mark)
            && rest.contains('\n')
        {
            return Ok(rest.to_owned());
        }
        if Instant::now() > deadline {
            bail!("the log does not say \"{mark}\"");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
