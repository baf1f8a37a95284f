//! What scores speech for `bench audio`: packages of the Python index in an environment of their own, pinned by their sums
//! (`tests/bench/scores`), and the system's package that speaks.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{packages, setup, shell};

/// Ready to be installed, and what has to be built: PESQ comes as source only.
const WHEELS: &str = "tests/bench/scores/wheels.txt";
const SOURCES: &str = "tests/bench/scores/sources.txt";
/// What was installed is noted here, in the environment.
const STAMP: &str = "installed";

/// Install what is missing. Without it speech is not scored and the rest is measured all the same, so nothing here fails: what
/// cannot be had is said in one sentence.
pub(crate) fn ensure() {
    if let Err(error) = speaker().and_then(|()| environment()) {
        println!("bench: speech is not scored: {error:#}");
    }
}

fn speaker() -> Result<()> {
    setup::more(&packages::scores()?, "for speech and its scores")
}

fn environment() -> Result<()> {
    let folder = shell::target().join("bench").join("scores");
    let stamp = wanted()?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|there| there == stamp) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    println!("bench: installing what scores speech (a minute, 0.6 GB)");
    let mut make = shell::command("python3", &["-m", "venv"]);
    shell::run(make.arg(&folder)).context("Python makes no environment")?;
    let python = folder.join("bin").join("python");
    pip(&python, WHEELS, &["--only-binary=:all:"])?;
    // With the tools just installed, whose sums are known, instead of any that it would fetch.
    pip(&python, SOURCES, &["--no-build-isolation"])?;
    fs::write(folder.join(STAMP), stamp).context("the environment cannot be written")
}

fn pip(python: &Path, list: &str, options: &[&str]) -> Result<()> {
    let mut pip = shell::command(&python.to_string_lossy(), &["-m", "pip", "install"]);
    pip.args(["--quiet", "--disable-pip-version-check", "--require-hashes"])
        .args(["--no-deps", "--requirement", list])
        .args(options);
    shell::run(&mut pip).context("the packages cannot be installed from the Python package index")
}

/// Says what belongs in the environment: another list or another Python makes a new one.
fn wanted() -> Result<String> {
    let python = shell::version("python3", "--version").context("there is no Python")?;
    let mut sum = Sha256::new();
    for list in [WHEELS, SOURCES] {
        let path = shell::root().join(list);
        sum.update(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    Ok(format!("{python} {:x}\n", sum.finalize()))
}
