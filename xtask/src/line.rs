//! The demo line: built, and started by hand.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};
use clap::Subcommand;
use stage::{Line, LineOptions, Phones};

use crate::{run, shell};

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Build it and run it until Ctrl-C
    Start {
        /// Port of the LiveKit server; a free one when left out
        #[arg(long)]
        port: Option<u16>,
        /// Let phones that hang up stay in the room now and then, as on a real bridge
        #[arg(long)]
        ghosts: bool,
        /// Write the ready line, API secret included, to this file; `DESKLINE_LINE=FILE` then leads tests to this line
        #[arg(long, value_name = "FILE")]
        ready: Option<PathBuf>,
    },
}

pub(crate) fn line(action: Option<Action>) -> Result<()> {
    ensure()?;
    match action {
        None => Ok(()),
        Some(Action::Start {
            port,
            ghosts,
            ready,
        }) => start(port, ghosts, ready),
    }
}

/// Build it; Go does nothing when nothing changed.
pub(crate) fn ensure() -> Result<()> {
    let source = shell::root().join("tests").join("servers").join("line");
    let mut build = Command::new("go");
    build
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(stage::line::binary())
        .arg(".")
        .current_dir(source)
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false");
    if !cfg!(target_os = "macos") {
        build.env("CGO_ENABLED", "0");
    }
    println!("line: building (the first time this fetches Go modules and takes a few minutes)");
    shell::run(&mut build).context("the demo line cannot be built; it needs Go 1.26 or newer")?;
    println!("line: {} is up to date", stage::line::binary().display());
    Ok(())
}

fn start(port: Option<u16>, ghosts: bool, ready: Option<PathBuf>) -> Result<()> {
    let interrupted = run::interruptions()?;
    let mut line = Line::start(LineOptions {
        port,
        tidy: !ghosts,
        child: true,
        ..LineOptions::default()
    })?;
    println!(
        "\naddress  {}\nkey      {}\ncontrol  {}",
        line.ready.url, line.ready.key, line.ready.control
    );
    if let Some(file) = &ready {
        line.write_ready(file)?;
        println!(
            "\n{}={} leads tests to it.",
            stage::line::LINE_VARIABLE,
            file.display()
        );
    }
    println!("\n{}\nCtrl-C ends it.", numbers(&line.phones)?);
    interrupted.recv().context("Ctrl-C cannot be caught")?;
    line.stop();
    ready
        .map_or(Ok(()), fs::remove_file)
        .context("the file with the ready line cannot be removed")
}

/// The numbers that can be dialled, as a table.
pub(crate) fn numbers(phones: &Phones) -> Result<String> {
    let mut text = String::from("Numbers to dial:\n");
    for number in phones.numbers()? {
        let shown = match number.number.len() {
            2 => format!("+1 212 555 01{}", number.number),
            _ => number.number,
        };
        text.push_str(&format!("  {shown}  {}\n", number.what));
    }
    Ok(text)
}

/// How long a call of the demonstration may take to start ringing.
pub(crate) const RINGS_WITHIN: Duration = Duration::from_secs(10);
