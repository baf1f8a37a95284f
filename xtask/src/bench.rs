//! The figures of the phone: builds what is measured and hands over to `tests/bench`.

use anyhow::{Context, Result};

use crate::{run, setup, shell};

/// `cargo xtask bench …`. Measures the release build, as people use it, unless told otherwise.
pub(crate) fn bench(dev: bool, arguments: &[String]) -> Result<()> {
    if let Some(("history", rest)) = arguments
        .split_first()
        .map(|(what, rest)| (what.as_str(), rest))
    {
        return history(dev, rest); // it needs neither the window nor the engine
    }
    setup::setup(false)?;
    // Both sides of a call of the audio suite run in the measuring program itself.
    if arguments.first().map(String::as_str) != Some("audio") {
        run::build(!dev)?;
    }
    if arguments.first().is_some_and(|suite| suite == "desktop") {
        beside_the_desktop(dev)?;
    }
    let mut cargo = shell::cargo(&["run", "--package", "bench"]);
    if !dev {
        cargo.arg("--release");
    }
    let folder = stage::built_app(if dev { "debug" } else { "release" });
    cargo.env(
        "DESKLINE_HELLO",
        folder.with_file_name("examples").join("hello"),
    );
    let app = stage::built_app(if dev { "debug" } else { "release" });
    shell::run(cargo.arg("--").args(arguments).env("DESKLINE_APP", app))
        .context("the measurement failed")
}

/// What the program is compared with, and what fills its history.
fn beside_the_desktop(dev: bool) -> Result<()> {
    for arguments in [
        &[
            "build",
            "--package",
            "deskline",
            "--example",
            "hello",
            "--features",
            "bench-hello",
        ][..],
        &["build", "--package", "bench-history"],
    ] {
        let mut cargo = shell::cargo(arguments);
        if !dev {
            cargo.arg("--release");
        }
        shell::run(&mut cargo)?;
    }
    // Under another feature the program itself is another; it is put right again.
    run::build(!dev)
}

/// `cargo xtask bench history …`
fn history(dev: bool, arguments: &[String]) -> Result<()> {
    let mut cargo = shell::cargo(&["run", "--package", "bench-history"]);
    if !dev {
        cargo.arg("--release");
    }
    shell::run(cargo.arg("--").args(arguments)).context("the measurement failed")
}
