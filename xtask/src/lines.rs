//! `cargo xtask e2e lines`: every provider in every state with every fault, every diagnostic with what breaks it and where it is
//! silent, every complaint with the diagnostics that answer it, and the stories of a line. Printed as tables.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::shell;

/// What is special about each provider, and LiveKit alone.
const SUITES: [&str; 4] = ["livekit", "twilio", "telnyx", "signalwire"];
/// The tests that print what was compared rather than what was tried.
const COMPLAINTS: &str = "complaints_and_the_diagnostics_that_answer_them";
const DIAGNOSTICS: &str =
    "check::tests::every_diagnostic_is_broken_once_or_says_why_it_cannot_be_looked_at";

/// All of it.
pub(crate) fn run() -> Result<()> {
    let mut suites = shell::cargo(&["test", "--workspace"]);
    for name in SUITES {
        suites.args(["--test", name]);
    }
    shell::run(suites.args(["--", "--test-threads=1"]))?;
    // All of the diagnostics' tests, then the one that lists them.
    let of_check = ["test", "--workspace", "--lib", "--", "check::tests"];
    shell::run(shell::cargo(&of_check).stdout(Stdio::null()))?;

    println!("\n| provider | state or fault | where | outcome |\n|---|---|---|---|");
    let tried = table(providers().args(["--skip", COMPLAINTS]))?;
    println!(
        "\nEvery row is two tests: `each_breakage_is_named_and_nothing_else_is`, then `a_healthy_line_is_silent`."
    );
    println!(
        "\n| diagnostic | it alone speaks when | silent on a healthy line at |\n|---|---|---|"
    );
    let mut check = shell::cargo(&["test", "--workspace", "--quiet", "--lib", "--", DIAGNOSTICS]);
    let looked_at = table(check.args(["--exact", "--nocapture"]))?;
    println!("\n| complaint | looked at by |\n|---|---|");
    let complaints = table(providers().args([COMPLAINTS]))?;

    println!("\nThe stories, from the terminal and through the window:");
    let mut stories = shell::cargo(&["test", "--workspace", "--test", "lines"]);
    shell::run(stories.args(["--", "--test-threads=1"]))?;
    println!(
        "\n{tried} states and faults, {looked_at} diagnostics, {complaints} complaints, and the stories: all as they should be"
    );
    Ok(())
}

fn providers() -> Command {
    let mut cargo = shell::cargo(&["test", "--workspace", "--quiet"]);
    cargo.args(["--test", "providers", "--test", "at_livekit"]);
    cargo.args(["--", "--test-threads=1", "--nocapture"]);
    cargo
}

/// Runs tests that print rows, passes the rows on as they come, and answers how many they were. What else they print is shown when they
/// fail.
fn table(command: &mut Command) -> Result<usize> {
    let text = shell::describe(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{text}`"))?;
    let output = child.stdout.take().context("there is no output")?;
    let (mut rows, mut rest) = (0, Vec::new());
    for line in BufReader::new(output).lines() {
        let line = line?;
        match row(&line) {
            Some(row) => {
                println!("{row}");
                rows += 1;
            }
            None => rest.push(line),
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{text}` ended with {status}:\n{}", rest.join("\n"));
    }
    if rows == 0 {
        bail!("`{text}` printed no row: was the test renamed?");
    }
    Ok(rows)
}

/// A line of a table; what runs the tests writes a dot for each before it.
fn row(line: &str) -> Option<&str> {
    let row = line.trim_start_matches('.');
    row.starts_with("| ").then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_the_rest() {
        assert_eq!(row("..| a | b |"), Some("| a | b |"));
        assert_eq!(row("running 7 tests"), None);
        assert_eq!(row("..."), None);
    }
}
