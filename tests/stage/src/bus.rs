//! A private session bus.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{Environment, Process, Scratch, process::output};

/// A `dbus-daemon` of our own. It activates nothing by itself: a service is on the bus only when it was put there, so
/// that "no secret service" and "no notification server" can be tested.
#[derive(Debug)]
pub struct Bus {
    process: Process,
    address: String,
    _scratch: Scratch,
}

impl Bus {
    /// Start a bus; it is ready when this returns.
    ///
    /// # Errors
    /// When `dbus-daemon` is missing or does not come up.
    pub fn start() -> Result<Self> {
        Self::start_in(None)
    }

    /// As [`Bus::start`], with the log kept in `logs`.
    ///
    /// # Errors
    /// As [`Bus::start`].
    pub fn start_in(logs: Option<&Path>) -> Result<Self> {
        let scratch = Scratch::new("bus")?;
        let config = scratch.path().join("session.conf");
        let rules = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            scratch.path().display()
        );
        std::fs::write(&config, rules)
            .context("cannot write the configuration of the session bus")?;
        let mut command = Command::new("dbus-daemon");
        command
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()));
        let mut process = Process::start_talking("dbus", command, logs.unwrap_or(scratch.path()))?;
        let address = process.line(Duration::from_secs(10))?.trim().to_owned();
        Ok(Self {
            process,
            address,
            _scratch: scratch,
        })
    }

    /// The address, as `DBUS_SESSION_BUS_ADDRESS` wants it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What a program needs to find this bus.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment::new().with("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// Wait until somebody owns `name` on the bus.
    ///
    /// # Errors
    /// When nobody does within ten seconds.
    pub fn wait_for(&self, name: &str) -> Result<()> {
        let mut command = Command::new("gdbus");
        self.environment()
            .apply(command.args(["wait", "--session", "--timeout", "10", name]));
        output(&mut command)
            .with_context(|| format!("nobody answers as {name} on the private session bus"))?;
        Ok(())
    }

    /// Stop it early.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}
