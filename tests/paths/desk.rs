//! One desk: `deskline phone` under way. Told orders, asked for what it shows.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use stage::{App, Environment, Terminal};

use crate::scene::Scene;
use crate::support::PATIENCE;

/// A desk, and the last it has shown.
pub(crate) struct Desk {
    pub(crate) app: App,
    terminal: Terminal,
    input: Option<ChildStdin>,
    /// The last view.
    pub(crate) view: Value,
    /// When it was shown, ms since 1970.
    pub(crate) at_ms: u64,
    /// The last lines that were no view: `end`, `told`, `state`, `notice`.
    said: Vec<Value>,
    /// The ids of all calls it has shown.
    shown: BTreeSet<String>,
}

impl Desk {
    /// A desk of this name with a fresh profile, on which calls ring.
    pub(crate) fn open(scene: &Scene, name: &str) -> Self {
        Self::open_with(scene, name, &[])
    }

    pub(crate) fn open_with(scene: &Scene, name: &str, arguments: &[&str]) -> Self {
        let mut desk = Self::start(app(scene, name, Environment::new()), arguments);
        desk.is_ready();
        desk
    }

    /// A signed-in desk, not waited for.
    pub(crate) fn start(app: App, arguments: &[&str]) -> Self {
        let mut all = vec!["phone"];
        all.extend(arguments);
        let mut terminal = app.terminal(&all).unwrap();
        let input = terminal.process().take_stdin();
        Self {
            app,
            terminal,
            input,
            view: Value::Null,
            at_ms: 0,
            said: Vec::new(),
            shown: BTreeSet::new(),
        }
    }

    /// Waits until calls ring here.
    pub(crate) fn is_ready(&mut self) {
        self.until("the line is ready", |view| {
            (view["line"]["state"] == "ready").then_some(())
        });
    }

    /// The ids of all calls it has shown.
    pub(crate) fn shown(&self) -> &BTreeSet<String> {
        &self.shown
    }

    /// Types one order.
    pub(crate) fn order(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it still listens");
        writeln!(input, "{line}").expect("it reads its input");
    }

    /// Types one order to a desk that may be gone.
    pub(crate) fn try_order(&mut self, line: &str) {
        if let Some(input) = self.input.as_mut() {
            let _ = writeln!(input, "{line}");
        }
    }

    /// Waits until the view fits; the present one counts.
    pub(crate) fn until<T>(&mut self, what: &str, fits: impl Fn(&Value) -> Option<T>) -> T {
        self.until_within(what, PATIENCE, fits)
    }

    pub(crate) fn until_within<T>(
        &mut self,
        what: &str,
        within: Duration,
        fits: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = fits(&self.view) {
                return found;
            }
            if let Err(error) = self.read_until(deadline) {
                panic!(
                    "waited in vain until {what}: {error:#}; it shows {:#}",
                    self.view
                );
            }
        }
    }

    /// Reads one line.
    fn read_until(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let line = self
            .terminal
            .next(deadline.saturating_duration_since(Instant::now()))?;
        self.take(line);
        Ok(())
    }

    fn take(&mut self, mut line: Value) {
        if line["event"] == "view" {
            self.at_ms = line["at_ms"].as_u64().unwrap_or_default();
            self.view = line["view"].take();
            let calls = self.view["calls"].as_array();
            // until its row is written a call is being prepared: nothing was dialled
            let begun = calls.into_iter().flatten();
            let begun = begun.filter(|call| call["state"] != "preparing");
            self.shown.extend(begun.map(|call| text(&call["id"])));
        } else {
            self.said.push(line);
        }
    }

    /// Takes over what it shows for so long; ends early when it is gone.
    pub(crate) fn watch_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while self.read_until(deadline).is_ok() {}
    }

    /// Waits until a call with this number is in this state; the call as shown.
    pub(crate) fn until_state(&mut self, number: &str, state: &str) -> Value {
        self.until(&format!("the call with {number} is {state}"), |view| {
            call(view, number)
                .filter(|call| call["state"] == state)
                .cloned()
        })
    }

    /// Waits until a call with this number is over; why.
    pub(crate) fn until_end(&mut self, number: &str) -> String {
        self.until_end_within(number, PATIENCE)
    }

    pub(crate) fn until_end_within(&mut self, number: &str, within: Duration) -> String {
        self.until_within(&format!("the call with {number} is over"), within, |view| {
            let call = call(view, number)?;
            (call["state"] == "ended").then(|| text(&call["end"]["reason"]))
        })
    }

    /// Waits until something of a call fits.
    pub(crate) fn until_call(
        &mut self,
        number: &str,
        what: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        self.until(what, |view| {
            call(view, number).filter(|call| fits(call)).cloned()
        })
    }

    /// The next line that is no view and fits.
    pub(crate) fn until_said(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.said.iter().position(&fits) {
                return self.said.remove(at);
            }
            if let Err(error) = self.read_until(deadline) {
                panic!(
                    "waited in vain for {what}: {error:#}; it shows {:#}",
                    self.view
                );
            }
        }
    }

    /// Answers whom it shows ringing, and waits until both talk.
    pub(crate) fn answers(&mut self, number: &str) {
        self.until_state(number, "offered");
        self.order("answer");
        self.until_state(number, "live");
    }

    /// Calls, and waits until both talk.
    pub(crate) fn talks_to(&mut self, number: &str) {
        self.order(&format!("dial {number}"));
        self.until_state(number, "live");
    }

    /// Every row of its history, newest first.
    pub(crate) fn history(&self) -> Vec<Value> {
        let (code, rows) = self
            .app
            .terminal_to_end(&["history", "--limit", "100000"], PATIENCE)
            .unwrap();
        assert_eq!(code, 0);
        rows
    }

    /// The newest row, once it is closed.
    pub(crate) fn newest_row(&self) -> Value {
        crate::support::eventually("the newest row is closed", PATIENCE, || {
            let row = self.history().into_iter().next()?;
            (row["outcome"] != "open").then_some(row)
        })
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.terminal.process().kill();
    }

    /// SIGSTOP or SIGCONT: what a computer that sleeps and wakes does to a program.
    pub(crate) fn signal(&mut self, name: &str) {
        let pid = self.terminal.process().pid().to_string();
        let done = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(done.unwrap().success());
    }

    /// Closes it as a person would, and opens it again on the same profile.
    pub(crate) fn reopen(self) -> Self {
        let app = self.app.clone();
        self.close();
        let mut again = Self::start(app, &[]);
        again.is_ready();
        again
    }

    pub(crate) fn close(mut self) {
        drop(self.input.take());
        let ended = self.terminal.process().wait(PATIENCE).unwrap();
        assert!(
            ended.expect("it ends with its input").success(),
            "it ended in good order"
        );
    }
}

/// A signed-in profile of its own, with these variables on top.
pub(crate) fn app(scene: &Scene, name: &str, more: Environment) -> App {
    let place = scene.place();
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = place.stage.profile(&format!("{name}-{count}")).unwrap();
    signed_in(scene, name, &folder, more)
}

fn signed_in(scene: &Scene, name: &str, folder: &Path, more: Environment) -> App {
    let place = scene.place();
    // The name by which other desks know this one is that of the person at the computer.
    let environment = place
        .stage
        .environment()
        .with("USER", name)
        .without("DISPLAY");
    let usual = App::new(folder, environment.clone(), &place.stage.logs());
    usual.sign_in(&place.line.ready).unwrap();
    App::new(folder, environment.and(more), &place.stage.logs())
}

/// The newest call with this number in a view.
pub(crate) fn call<'a>(view: &'a Value, number: &str) -> Option<&'a Value> {
    let calls = view["calls"].as_array()?;
    calls.iter().rev().find(|call| call["number"] == number)
}

/// The text of a JSON field.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
