//! Running other programs from the root of the checkout.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    stage::workspace_root()
}

/// The folder for everything built or fetched.
pub(crate) fn target() -> PathBuf {
    stage::target_folder()
}

/// A command that starts in the root of the checkout.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Cargo, the same one that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = command(
        &std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        arguments,
    );
    // What `cargo run` sets for us must not make the inner cargo think that its inputs changed.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            command.env_remove(name);
        }
    }
    command
}

/// Run a command that shows its own progress; fail when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = describe(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{text}`"))?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// The first line a program prints about its version; `None` when it is not installed.
pub(crate) fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    Some(
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()?
            .trim()
            .to_owned(),
    )
}

/// A command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
