//! The whole telephone, path by path: which test proves which path, all of them run, and a table of what passed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::shell;

mod paths;

use paths::PATHS;

/// Tables that can be asked for alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Matrix {
    /// Every final SIP code: words, stored reason, exit code, ringback
    Sip,
}

/// What of it is to be run; nothing named: everything.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) matrix: Option<Matrix>,
    pub(crate) kills: Option<u32>,
    pub(crate) races: Option<u32>,
}

impl Asked {
    /// Is only a part of it wanted?
    pub(crate) fn is_part(self) -> bool {
        self.matrix.is_some() || self.kills.is_some() || self.races.is_some()
    }
}

const MATRIX: &str =
    "outcomes::every_code_has_its_words_its_reason_its_exit_code_and_stops_the_ringing";
const KILLS: &str = "kills::killed_at_any_moment_no_row_is_lost_or_left_open_and_no_phone_left_up";
const RACES: &str = "desks::two_desks_race_for_a_caller_and_exactly_one_has_it";
/// Rounds of the race when all paths are run; a test run has fewer.
const ROUNDS: u32 = 50;
/// Begins the name of a suite that is the unit tests of a package.
const UNITS: &str = "lib:";

/// Runs what was asked for and prints a table of the paths.
pub(crate) fn run(asked: Asked) -> Result<()> {
    let mut chosen = Vec::new();
    for (wanted, test) in [
        (asked.matrix.is_some(), MATRIX),
        (asked.kills.is_some(), KILLS),
        (asked.races.is_some(), RACES),
    ] {
        if wanted {
            chosen.extend(PATHS.iter().filter(|(_, _, proof)| *proof == test));
        }
    }
    if chosen.is_empty() {
        chosen.extend(PATHS);
    }
    let mut suites: Vec<&str> = chosen.iter().map(|(_, suite, _)| *suite).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut cargo = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    let (units, integration): (Vec<&str>, Vec<&str>) =
        suites.iter().partition(|suite| suite.starts_with(UNITS));
    if !units.is_empty() {
        cargo.arg("--lib"); // of all packages: one of them alone would be built with other features
    }
    for suite in integration {
        cargo.args(["--test", suite]);
    }
    cargo.args(["--", "--exact", "--test-threads=1", "--show-output"]);
    cargo.args(chosen.iter().map(|(_, _, test)| *test));
    cargo.env("DESKLINE_TIMES", "judged");
    cargo.env("DESKLINE_RACES", asked.races.unwrap_or(ROUNDS).to_string());
    if let Some(kills) = asked.kills {
        cargo.env("DESKLINE_KILLS", kills.to_string());
    }
    let passed = follow(&mut cargo)?;

    let width = chosen
        .iter()
        .map(|(path, ..)| path.chars().count())
        .max()
        .unwrap_or(0);
    let mut missing = 0;
    println!();
    for (path, suite, test) in &chosen {
        let outcome = match passed.get(*test) {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "NOT RUN",
        };
        missing += usize::from(outcome != "ok");
        println!("{path:width$}  {outcome:7}  {suite}: {test}");
    }
    println!("\n{} paths, {} green", chosen.len(), chosen.len() - missing);
    if missing > 0 {
        bail!("{missing} paths are not green");
    }
    Ok(())
}

/// Runs the tests, lets their output through, and gathers which of them passed.
fn follow(cargo: &mut std::process::Command) -> Result<BTreeMap<String, bool>> {
    let text = shell::describe(cargo);
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{text}`"))?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut passed = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("cargo's output broke off")?;
        println!("{line}");
        passed.extend(outcome(&line));
    }
    child.wait().with_context(|| format!("`{text}` was lost"))?;
    Ok(passed)
}

/// `test NAME ... ok` of the test harness.
fn outcome(line: &str) -> Option<(String, bool)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match outcome.trim() {
        "ok" => Some((name.to_owned(), true)),
        "FAILED" => Some((name.to_owned(), false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::path::PathBuf;

    use super::*;

    /// A path whose test was renamed would be reported as not run, after minutes; one whose name others have too, as they.
    #[test]
    fn every_path_names_a_test_that_exists_once() {
        let mut suite_of = BTreeMap::new();
        for (path, suite, test) in PATHS {
            let mut parts: Vec<&str> = test.split("::").filter(|part| *part != "slow").collect();
            let name = parts.pop().unwrap();
            let file = file_of(suite, &parts);
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(
                text.contains(&format!("fn {name}()")),
                "{path}: {} has no {name}",
                file.display()
            );
            assert_eq!(
                test.contains("slow::"),
                slow_part(&text).contains(&format!("fn {name}()")),
                "{test}"
            );
            let before = suite_of.insert(test, suite);
            assert!(before.is_none_or(|before| before == suite), "{test}");
        }
    }

    /// Where a test is written.
    fn file_of(suite: &str, modules: &[&str]) -> PathBuf {
        let root = shell::root();
        let packages = std::fs::read_dir(root.join("crates")).unwrap();
        let tests = packages.map(|package| package.unwrap().path().join("tests"));
        let inside = match (suite.strip_prefix(UNITS), modules) {
            (Some(package), modules) => {
                let file = modules.join("/");
                return root.join(format!("crates/{package}/src/{file}.rs"));
            }
            (None, []) => format!("{suite}.rs"),
            (None, [module]) => format!("{suite}/{module}.rs"),
            (None, _) => unreachable!("{suite}: {modules:?}"),
        };
        let places = std::iter::once(root.join("tests")).chain(tests);
        let mut files = places.map(|place| place.join(&inside));
        files
            .find(|file| file.exists())
            .unwrap_or_else(|| panic!("no {inside}"))
    }

    fn slow_part(text: &str) -> &str {
        text.split_once("\nmod slow {").map_or("", |(_, slow)| slow)
    }

    #[test]
    fn outcomes_are_read_from_the_harness() {
        assert_eq!(outcome("test a::b ... ok"), Some(("a::b".into(), true)));
        assert_eq!(
            outcome("test a::b ... FAILED"),
            Some(("a::b".into(), false))
        );
        assert_eq!(outcome("test result: ok. 3 passed; 0 failed"), None);
    }
}
