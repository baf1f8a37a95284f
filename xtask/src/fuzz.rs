//! The door between windows and core under arguments that nobody would send, very many of them.

use anyhow::{Context, Result};

use crate::shell;

/// What is tried.
pub(crate) struct Asked {
    /// Sets of arguments for each command.
    pub(crate) sets: u32,
    /// Another seed tries others; the same one the same.
    pub(crate) seed: u32,
    /// Only this command.
    pub(crate) only: Option<String>,
}

/// `cargo xtask fuzz`: the commands, the checks of their arguments and the phone; no profile, no keychain, no server.
pub(crate) fn fuzz(asked: &Asked) -> Result<()> {
    let mut cargo = shell::cargo(&["test", "--workspace", "--test", "hostile", "--"]);
    cargo.args([
        "--exact",
        "no_arguments_make_a_command_panic_or_slow",
        "--nocapture",
    ]);
    cargo.env("FUZZ", asked.sets.to_string());
    cargo.env("FUZZ_SEED", asked.seed.to_string());
    if let Some(only) = &asked.only {
        cargo.env("FUZZ_ONLY", only);
    }
    shell::run(&mut cargo).context("a command did not stand it")
}
