//! The figures of the phone: builds what is measured and hands over to `tests/bench`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{scores, setup, shell};

/// `cargo xtask bench …`. Measures the release build, as people use it, unless told otherwise.
pub(crate) fn bench(dev: bool, arguments: &[String]) -> Result<()> {
    let suite = arguments.first().map_or("", String::as_str);
    if suite == "history" {
        // It needs neither the window nor the engine.
        let programs = build(dev, &["bench-history"])?;
        return measure(&programs, "bench-history", arguments.get(1..));
    }
    setup::setup(false)?;
    let programs = match suite {
        // Both sides of a call are the measuring program itself; answers and many calls want the whole phone.
        "audio" if !asks_for(arguments, &["inbound", "window", "growth"]) => {
            build(dev, &["bench"])?
        }
        // What the program is compared with, and what fills its history.
        "desktop" => build(dev, &["deskline", "bench", "bench-history", "hello"])?,
        _ => build(dev, &["deskline", "bench"])?,
    };
    if arguments
        .iter()
        .any(|argument| argument.starts_with("--peer"))
    {
        browser_client()?;
    }
    if suite == "audio" && asks_for(arguments, &["quality", "echo"]) {
        scores::ensure();
    }
    measure(&programs, "bench", Some(arguments))
}

/// Whether one of these parts is measured: named after `--only`, or nothing is.
fn asks_for(arguments: &[String], parts: &[&str]) -> bool {
    let mut only = arguments.iter().enumerate().filter_map(|(at, argument)| {
        let argument = argument.strip_prefix("--only")?;
        match argument.strip_prefix('=') {
            Some(part) => Some(part),
            None => arguments.get(at + 1).map(String::as_str),
        }
    });
    let first = only.next();
    first.is_none_or(|first| parts.contains(&first) || only.any(|part| parts.contains(&part)))
}

/// Builds all with the features of the whole workspace, so that the libraries are built once; answers where it is.
fn build(dev: bool, programs: &[&str]) -> Result<PathBuf> {
    println!("bench: building (the first time the release build takes a quarter of an hour)");
    let mut cargo = shell::cargo(&["build", "--workspace"]);
    cargo.args(programs.iter().flat_map(|program| ["--bin", program]));
    if programs.contains(&"hello") {
        cargo.args(["--features", "bench-hello/window"]);
    }
    if !dev {
        cargo.arg("--release");
    }
    shell::run(&mut cargo).context("what is measured cannot be built")?;
    Ok(stage::built_app(if dev { "debug" } else { "release" }))
}

/// Runs one of what was built beside the app.
fn measure(app: &PathBuf, program: &str, arguments: Option<&[String]>) -> Result<()> {
    let beside = |name: &str| {
        app.with_file_name(name)
            .with_extension(std::env::consts::EXE_EXTENSION)
    };
    let mut command = shell::command(&beside(program).to_string_lossy(), &[]);
    command
        .args(arguments.unwrap_or_default())
        .env("DESKLINE_APP", app)
        .env("DESKLINE_HELLO", beside("hello"));
    shell::run(&mut command).context("the measurement failed")
}

/// The client library for the browser that sound is compared with.
fn browser_client() -> Result<()> {
    let folder = shell::root().join("tests/bench/chromium");
    if folder.join("node_modules/livekit-client").is_dir() {
        return Ok(());
    }
    let mut npm = shell::command("npm", &["ci", "--ignore-scripts"]);
    shell::run(npm.current_dir(&folder)).context("livekit-client cannot be installed")
}

#[cfg(test)]
mod tests {
    use super::asks_for;

    #[test]
    fn a_part_is_measured_when_it_is_named_or_none_is() {
        let asks = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            asks_for(&arguments, &["quality", "echo"])
        };
        assert!(asks("audio --peer chromium"));
        assert!(asks("audio --only delay --only quality"));
        assert!(asks("audio --only=echo --calls 1"));
        assert!(!asks("audio --only delay --calls 4"));
    }
}
