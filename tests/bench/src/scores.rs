//! Scores of recordings: what a program with the packages of `tests/bench/scores` says of them. `cargo xtask bench` installs
//! these into an environment of their own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use stage::{Process, Scratch};

/// Loading the packages, and the slowest score.
const PATIENCE: Duration = Duration::from_secs(180);

/// Scores one recording after the other.
pub(crate) struct Scorer {
    process: Process,
    jobs: ChildStdin,
    /// Packages that are not there, and why.
    pub(crate) missing: Vec<String>,
    _logs: Scratch,
}

impl Scorer {
    /// # Errors
    /// One sentence: the packages are not installed, or cannot be loaded.
    pub(crate) fn start() -> Result<Self> {
        let python = environment().join("bin/python");
        if !python.is_file() {
            bail!(
                "the packages that score speech are not installed; `cargo xtask bench audio` installs them"
            );
        }
        let logs = Scratch::new("scores")?;
        let mut command = Command::new(python);
        command.arg(stage::workspace_root().join("tests/bench/scores/score.py"));
        let mut process = Process::start_talking("scores", command, logs.path())?;
        let jobs = process.take_stdin().context("the scores have no input")?;
        let ready: Value = serde_json::from_str(&process.line(PATIENCE)?)?;
        let missing = ready.get("missing").and_then(Value::as_array);
        let missing = missing
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        Ok(Self {
            process,
            jobs,
            missing,
            _logs: logs,
        })
    }

    /// What is said of one recording; a score that cannot be told is null, and `problem` says why.
    pub(crate) fn ask(&mut self, job: &Value) -> Result<Value> {
        writeln!(self.jobs, "{job}").context("the scores ended early")?;
        Ok(serde_json::from_str(&self.process.line(PATIENCE)?)?)
    }
}

/// Where `cargo xtask bench` installs the packages.
fn environment() -> PathBuf {
    stage::target_folder().join("bench/scores")
}
