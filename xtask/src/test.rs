//! Every check and test, in order.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{e2e, setup, shell, steps::Steps, ui};

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Amount {
    /// Everything
    All,
    /// Everything but the end-to-end tests
    Fast,
}

/// The integration tests that are end to end: the real app on a stage, in its window and from the terminal.
pub(crate) const END_TO_END: &[&str] = &[
    "terminal", "window", "in_call", "desktop", "lines", "outgoing", "inbound", "secrets", "paths",
];

/// Run by `xtask e2e telephone`: it breaks the engine of its own process some thirty times, which takes two minutes.
const APART: &[&str] = &["failures"];

pub(crate) fn test(amount: Amount) -> Result<()> {
    let mut steps = Steps::new();
    let outcome = all(&mut steps, amount);
    println!("{}", steps.table());
    outcome
}

fn all(steps: &mut Steps, amount: Amount) -> Result<()> {
    steps.step("set-up", || setup::setup(false))?;
    steps.step("UI types", || ui::npm(&["run", "check"]))?;
    steps.step("UI tests", || ui::npm(&["test"]))?;
    steps.step("UI bundle size", ui::bundle_size)?;
    steps.step("UI tests in a browser", || {
        ui::npm(&["run", "test:browser"])
    })?;
    steps.step("Rust format", || {
        shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))
    })?;
    steps.step("line: vet", || go("line", &["vet", "./..."]))?;
    steps.step("line: tests", || go("line", &["test", "./..."]))?;
    steps.step("stand-ins: vet", || go("providers", &["vet", "./..."]))?;
    steps.step("Rust lints", || {
        shell::run(&mut shell::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    // One build for the app and all tests: other selections of packages would build the libraries again.
    steps.step("Rust build", || {
        shell::run(&mut shell::cargo(&["test", "--workspace", "--no-run"]))
    })?;
    steps.step("Rust tests", || {
        let mut cargo = shell::cargo(&["test", "--workspace", "--lib", "--bins"]);
        for name in integration_tests()?
            .iter()
            .filter(|name| !END_TO_END.contains(&name.as_str()) && !APART.contains(&name.as_str()))
        {
            cargo.args(["--test", name]);
        }
        shell::run(&mut cargo)
    })?;
    steps.step("Rust examples in the documentation", || {
        shell::run(&mut shell::cargo(&["test", "--workspace", "--doc"]))
    })?;
    if amount == Amount::All {
        steps.step("end to end: tools", e2e::tools)?;
        steps.step("end to end", || e2e::tests(None))?;
    }
    steps.step("source-sdk type check", source_sdk)
}

fn go(server: &str, arguments: &[&str]) -> Result<()> {
    let mut go = Command::new("go");
    go.args(arguments)
        .current_dir(shell::root().join("tests/servers").join(server));
    shell::run(
        go.env("GOWORK", "off")
            .env("GOFLAGS", "-mod=readonly -buildvcs=false"),
    )
}

/// The `livekit` crate behind the same door: types only, since its native library is not fetched (`DOCS_RS`). In a
/// folder of its own, because that variable would make every other build start anew.
fn source_sdk() -> Result<()> {
    let mut cargo = shell::cargo(&["check", "--package", "realtime", "--features", "source-sdk"]);
    shell::run(
        cargo
            .env("DOCS_RS", "1")
            .env("CARGO_TARGET_DIR", shell::target().join("source-sdk")),
    )
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// The names of all integration tests of the workspace.
pub(crate) fn integration_tests() -> Result<Vec<String>> {
    let mut cargo = shell::cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Metadata = serde_json::from_str(&stage::process::output(&mut cargo)?)
        .context("cargo describes the workspace in an unknown form")?;
    let mut names: Vec<String> = metadata
        .packages
        .into_iter()
        .flat_map(|package| package.targets)
        .filter(|target| target.kind.iter().any(|kind| kind == "test"))
        .map(|target| target.name)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether a tool was installed by `cargo install --root` in this version.
pub(crate) fn is_installed(tools: &Path, name: &str, version: &str) -> bool {
    std::fs::read_to_string(tools.join(".crates.toml"))
        .is_ok_and(|list| list.contains(&format!("\"{name} {version} ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_integration_tests_are_found_by_name() {
        let names = integration_tests().unwrap();
        assert!(names.contains(&"parts".to_owned()), "{names:?}");
    }

    #[test]
    fn an_installed_tool_is_known_by_name_and_version() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_installed(folder.path(), "tauri-driver", "2.1.0"));
        let list = "[v1]\n\"tauri-driver 2.1.0 (registry+index)\" = [\"tauri-driver\"]\n";
        std::fs::write(folder.path().join(".crates.toml"), list).unwrap();
        assert!(is_installed(folder.path(), "tauri-driver", "2.1.0"));
        assert!(!is_installed(folder.path(), "tauri-driver", "2.1.1"));
    }
}
