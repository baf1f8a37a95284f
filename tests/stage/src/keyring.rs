//! A private, unlocked secret service.

use std::{io::Write, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{Bus, Process, Scratch, process::output};

/// A `gnome-keyring-daemon` with a throw-away home, unlocked, with a default collection.
#[derive(Debug)]
pub struct Keyring {
    process: Process,
    _scratch: Scratch,
}

impl Keyring {
    /// Start it on `bus`; secrets can be stored when this returns.
    ///
    /// # Errors
    /// When `gnome-keyring-daemon` is missing or does not answer on the bus.
    pub fn start(bus: &Bus) -> Result<Self> {
        Self::start_in(bus, None)
    }

    /// As [`Keyring::start`], with the log kept in `logs`.
    ///
    /// # Errors
    /// As [`Keyring::start`].
    pub fn start_in(bus: &Bus, logs: Option<&Path>) -> Result<Self> {
        let scratch = Scratch::new("keyring")?;
        let runtime = scratch.folder("run")?;
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--unlock", "--foreground", "--components=secrets"]);
        bus.environment().apply(&mut command);
        command
            .env("HOME", scratch.path())
            .env("XDG_RUNTIME_DIR", runtime)
            .env("XDG_DATA_HOME", scratch.folder("data")?)
            .env("XDG_CONFIG_HOME", scratch.folder("config")?)
            .env("XDG_CACHE_HOME", scratch.folder("cache")?)
            .env_remove("GNOME_KEYRING_CONTROL");
        let mut process = Process::start("keyring", command, logs.unwrap_or(scratch.path()))?;
        // The password of the throw-away keyring; the daemon reads it to the end of its input.
        process
            .take_stdin()
            .context("the keyring has no input")?
            .write_all(b"throw-away")?;
        let keyring = Self {
            process,
            _scratch: scratch,
        };
        bus.wait_for("org.freedesktop.secrets")
            .with_context(|| keyring.process.log_tail())?;
        let alias = default_collection(bus)?;
        if !alias.contains("/org/freedesktop/secrets/collection/") {
            bail!(
                "the private keyring has no default collection: {}",
                alias.trim()
            );
        }
        Ok(keyring)
    }

    /// Stop it early, as when the user's keyring daemon dies.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

/// Whether a secret service answers on the session bus of this process.
#[must_use]
pub fn secret_service_answers() -> bool {
    let mut command = Command::new("gdbus");
    // Asking for the owner would not start a service that is only installed; reading an alias does, as the app would.
    command.args(ALIAS);
    output(&mut command).is_ok_and(|answer| answer.contains("/collection/"))
}

const ALIAS: [&str; 7] = [
    "call",
    "--session",
    "--timeout=5",
    "--dest=org.freedesktop.secrets",
    "--object-path=/org/freedesktop/secrets",
    "--method=org.freedesktop.Secret.Service.ReadAlias",
    "default",
];

fn default_collection(bus: &Bus) -> Result<String> {
    let mut command = Command::new("gdbus");
    bus.environment().apply(command.args(ALIAS));
    output(&mut command)
}
