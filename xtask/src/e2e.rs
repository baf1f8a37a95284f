//! The end-to-end tests: the real app on a private stage.

use anyhow::{Context, Result};

use crate::{
    engine, line, lines, packages, providers, shell, telephone,
    test::{END_TO_END, is_installed},
    ui,
};

/// Drives the app's windows for the tests. Newer ones drive another major version of Tauri.
const DRIVER: (&str, &str) = ("tauri-driver", "2.1.0");

/// The filter that means everything about setting lines up.
const LINES: &str = "lines";

/// `cargo xtask e2e`.
pub(crate) fn e2e(filter: Option<&str>, telephone: telephone::Asked) -> Result<()> {
    packages::missing()?.install()?;
    engine::ensure()?;
    ui::ensure()?;
    line::ensure()?;
    providers::ensure()?;
    tools()?;
    if filter == Some("telephone") || telephone.is_part() {
        return telephone::run(telephone);
    }
    tests(filter)
}

/// Install what only these tests need, under `target/tools`.
pub(crate) fn tools() -> Result<()> {
    let tools = shell::target().join("tools");
    let (name, version) = DRIVER;
    if is_installed(&tools, name, version) {
        println!("{name} {version} is in place");
        return Ok(());
    }
    let mut cargo = shell::cargo(&["install", name, "--version", version, "--locked", "--root"]);
    cargo
        .arg(&tools)
        .env("CARGO_TARGET_DIR", tools.join("build"));
    shell::run(&mut cargo).with_context(|| format!("{name} cannot be installed"))
}

/// Run them, one at a time: they measure sound and time. What takes longer than a run of everything may is left out,
/// unless it is asked for by name.
pub(crate) fn tests(filter: Option<&str>) -> Result<()> {
    if filter == Some(LINES) {
        return lines::run();
    }
    let mut cargo = shell::cargo(&["test", "--workspace"]);
    for name in END_TO_END {
        cargo.args(["--test", name]);
    }
    cargo.args(["--", "--test-threads=1"]);
    match filter {
        Some(name) => cargo.arg(name),
        None => cargo.args(["--skip", "slow::"]),
    };
    shell::run(&mut cargo)
}
