//! `deskline line check`: what is wrong with a line, in the terminal.

use lines::Desk;
use lines::check::{CheckReport, Finding, Level, PathState};
use serde_json::Value;

use crate::terminal::line::Failed;
use crate::terminal::line_args::Check;
use crate::terminal::line_input::keys;
use crate::terminal::outcome::REFUSED;
use crate::terminal::report::Report;

/// Checks one line, or all.
///
/// # Errors
/// There is no such line, or something is wrong with one.
pub(crate) async fn run(desk: &Desk, asked: &Check) -> Result<(), Failed> {
    let lines = match &asked.line {
        Some(named) => vec![desk.line(named)?],
        None => desk.registry.lines().map_err(lines::DeskError::from)?,
    };
    let mut healthy = true;
    for line in &lines {
        let account = line.account.as_deref().unwrap_or_default();
        let key = asked.key.as_deref().unwrap_or_default();
        let keys = if asked.provider && line.signs_in() {
            keys(line.provider, account, key, None)?
        } else {
            None
        };
        let report = desk.check(line.id.as_str(), keys).await?;
        healthy &= report.is_healthy();
        let mut value = report.json();
        if let Some(map) = value.as_object_mut() {
            map.insert("event".into(), "check".into());
        }
        Report::new(asked.json).other(&value, &words(&report));
    }
    if healthy {
        Ok(())
    } else {
        Err(Failed::Other(
            REFUSED,
            "Something is wrong with a line; see above.".into(),
        ))
    }
}

/// A report as text, for the terminal and for the clipboard. Findings hold no secrets; should one slip into the words of a
/// provider, it is masked.
pub(crate) fn words(report: &CheckReport) -> String {
    let path: Vec<String> = report
        .path()
        .iter()
        .map(|part| {
            let sign = match part.state {
                PathState::Works => "ok",
                PathState::Broken => "BROKEN",
                PathState::NotReached => "not reached",
            };
            format!("{} [{sign}]", part.name)
        })
        .collect();
    let mut text = format!("{}\n  {}", report.summary(), path.join(" – "));
    for level in [Level::Problem, Level::Advice] {
        for finding in report.of(level) {
            text.push_str(&format!("\n\n  {}", finding_words(finding)));
        }
    }
    let masked = history::masked(Value::String(text));
    masked.as_str().unwrap_or_default().to_owned()
}

fn finding_words(finding: &Finding) -> String {
    let mut text = format!("{}  {}", finding.id, finding.verdict);
    for (name, value) in &finding.evidence {
        text.push_str(&format!("\n       {name}: {value}"));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\n       what to do: {}", fix.words()));
    }
    text
}
