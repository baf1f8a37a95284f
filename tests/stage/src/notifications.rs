//! A private notification server.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{Bus, Display, Environment, Process, Scratch, process::output};

/// Away from the upper right corner: the app's own overlay is there.
const CONFIGURATION: &str = "[global]\n  monitor = 0\n  origin = bottom-right\n  idle_threshold = 0\n  \
    font = DejaVu Sans 10\n  width = 320\n  icon_position = off\n\
    [ringing]\n  summary = \"Incoming call\"\n  action_name = answer\n\
    [ringing_in_german]\n  summary = \"Eingehender Anruf\"\n  action_name = answer\n";

/// A notification that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The bold line.
    pub summary: String,
    /// The text below.
    pub body: String,
}

/// The notification daemon `dunst`.
#[derive(Debug)]
pub struct Notifications {
    process: Process,
    environment: Environment,
    _scratch: Scratch,
}

impl Notifications {
    /// Start it on `bus`, showing on `display`.
    ///
    /// # Errors
    /// When `dunst` is missing or does not answer on the bus.
    pub fn start(display: &Display, bus: &Bus, logs: Option<&Path>) -> Result<Self> {
        let scratch = Scratch::new("notifications")?;
        let config = scratch.path().join("dunstrc");
        std::fs::write(&config, CONFIGURATION)
            .context("cannot write the configuration of dunst")?;
        let environment = display.environment().and(bus.environment());
        let mut command = Command::new("dunst");
        environment
            .apply(command.arg("-config").arg(&config))
            .env("HOME", scratch.path());
        let process = Process::start("dunst", command, logs.unwrap_or(scratch.path()))?;
        bus.wait_for("org.freedesktop.Notifications")
            .with_context(|| process.log_tail())?;
        Ok(Self {
            process,
            environment,
            _scratch: scratch,
        })
    }

    /// What was shown and is closed again, newest first.
    ///
    /// # Errors
    /// When dunst does not answer.
    pub fn history(&self) -> Result<Vec<Shown>> {
        let text = self.dunstctl(&["history"])?;
        let answer: Value =
            serde_json::from_str(&text).context("dunst answered something unknown")?;
        let entries = answer
            .pointer("/data/0")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let field = |entry: &Value, name: &str| {
            entry
                .pointer(&format!("/{name}/data"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(entries
            .iter()
            .map(|entry| Shown {
                summary: field(entry, "summary"),
                body: field(entry, "body"),
            })
            .collect())
    }

    /// Press the button that answers, on the newest notification that has one.
    ///
    /// # Errors
    /// When dunst does not answer.
    pub fn press_answer(&self) -> Result<()> {
        self.dunstctl(&["action", "0"]).map(drop)
    }

    /// Set the desktop not to disturb: notifications wait, and programs can ask about it.
    ///
    /// # Errors
    /// When dunst does not answer.
    pub fn pause(&self, paused: bool) -> Result<()> {
        self.dunstctl(&["set-paused", if paused { "true" } else { "false" }])
            .map(drop)
    }

    /// Close all that is on the screen, so that [`Notifications::history`] tells of it.
    ///
    /// # Errors
    /// When dunst does not answer.
    pub fn close_all(&self) -> Result<()> {
        self.dunstctl(&["close-all"]).map(drop)
    }

    /// How many are on the screen.
    ///
    /// # Errors
    /// When dunst does not answer.
    pub fn showing(&self) -> Result<usize> {
        let count = self.dunstctl(&["count", "displayed"])?;
        count
            .trim()
            .parse()
            .context("dunst answered something unknown")
    }

    /// Stop it early.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    fn dunstctl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("dunstctl");
        output(self.environment.apply(command.args(arguments)))
    }
}
