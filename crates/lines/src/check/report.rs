//! The findings as a whole: how the way of a call stands, and what is kept of a check.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Finding, Fix, Hop};
use crate::registry::KeptLine;
use crate::step::Step;
use crate::wanted::Number;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    #[default]
    Passed,
    /// Could not be looked at.
    NotRun,
    /// Worth knowing.
    Advice,
    /// Calls fail.
    Problem,
}

impl Level {
    /// A word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotRun => "not_run",
            Self::Advice => "advice",
            Self::Problem => "problem",
        }
    }
}

/// How a part of the way stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathState {
    /// Nothing is wrong with it.
    Works,
    /// Calls stop here.
    Broken,
    /// Calls may stop before it.
    NotReached,
}

/// A part of the way of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPart {
    /// Which.
    pub hop: Hop,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: PathState,
}

/// A whole check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// The line.
    pub line: KeptLine,
    /// When, RFC 3339.
    pub at: String,
    /// How long it took.
    pub took: Duration,
    /// Every diagnostic.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// The changes that a finding proposes to make at a press. `None`: it proposes none, or is not found.
    #[must_use]
    pub fn steps_for(&self, finding: &str) -> Option<&[Step]> {
        match self.finding(finding)?.fix.as_ref()? {
            Fix::Steps(steps) => Some(steps),
            Fix::SetUpAgain | Fix::ByHand(_) => None,
        }
    }

    /// What was found under this name, `d06` or `D06`, if it is worth knowing or worse.
    #[must_use]
    pub fn finding(&self, named: &str) -> Option<&Finding> {
        let id = named.trim();
        let mut findings = self.findings.iter();
        findings.find(|one| one.id.eq_ignore_ascii_case(id) && one.level >= Level::Advice)
    }

    /// Findings of one level.
    pub fn of(&self, level: Level) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.level == level)
    }

    /// Is nothing wrong?
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.of(Level::Problem).next().is_none()
    }

    /// The way of a call, from the phone network to this desk.
    #[must_use]
    pub fn path(&self) -> Vec<PathPart> {
        let mut reached = true;
        [
            (Hop::Network, "Phone network".to_owned()),
            (Hop::Provider, self.line.provider.shown().to_owned()),
            (Hop::Trunk, "Trunk".to_owned()),
            (Hop::Rule, "Rule".to_owned()),
            (Hop::Room, "Room".to_owned()),
            (Hop::Desk, "This desk".to_owned()),
        ]
        .into_iter()
        .map(|(hop, name)| {
            let broken = self.of(Level::Problem).any(|finding| finding.hop == hop);
            let state = match (reached, broken) {
                (true, false) => PathState::Works,
                (true, true) => PathState::Broken,
                (false, _) => PathState::NotReached,
            };
            reached &= !broken;
            PathPart { hop, name, state }
        })
        .collect()
    }

    /// In a sentence or two.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |level| self.of(level).count();
        let numbers: Vec<String> = self.line.numbers.iter().map(Number::shown).collect();
        format!(
            "{} ({}): {} problems, {} advice, {} passed, {} not looked at.",
            self.line.name,
            numbers.join(", "),
            count(Level::Problem),
            count(Level::Advice),
            count(Level::Passed),
            count(Level::NotRun)
        )
    }

    /// As it is kept. No secret is in it: findings never have one.
    #[must_use]
    pub fn saved(&self) -> SavedCheck {
        let findings = self.findings.iter().map(|finding| SavedFinding {
            id: finding.id.to_owned(),
            level: finding.level,
            verdict: finding.verdict.clone(),
            evidence: finding.evidence.iter().cloned().collect(),
            fix: finding.fix.as_ref().map(fix_words),
        });
        SavedCheck {
            line: self.line.id.to_string(),
            at: self.at.clone(),
            took_ms: u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            healthy: self.is_healthy(),
            findings: findings.collect(),
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        // Text, numbers and lists: there is nothing that JSON could not hold.
        serde_json::to_value(self.saved()).unwrap_or_default()
    }
}

/// A check as it is kept in a file beside the list of lines. What an older version did not write is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedCheck {
    /// The line.
    pub line: String,
    /// When, RFC 3339.
    pub at: String,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// Was nothing wrong?
    pub healthy: bool,
    /// Every diagnostic.
    pub findings: Vec<SavedFinding>,
}

/// One finding of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedFinding {
    /// `D01` … `X7`.
    pub id: String,
    /// How bad.
    pub level: Level,
    /// For a person.
    pub verdict: String,
    /// What was compared.
    pub evidence: BTreeMap<String, String>,
    /// What to do, in words.
    pub fix: Option<String>,
}

impl SavedCheck {
    /// How a diagnostic came out; of several findings the worst. `None`: it is not there.
    #[must_use]
    pub fn level(&self, id: &str) -> Option<Level> {
        let own = self.findings.iter().filter(|finding| finding.id == id);
        own.map(|finding| finding.level).max()
    }
}

/// What a fix does, in words.
#[must_use]
pub(crate) fn fix_words(fix: &Fix) -> String {
    match fix {
        Fix::Steps(steps) => steps
            .iter()
            .map(|step| {
                let warning = step.warning.as_ref();
                let warning = warning.map_or_else(String::new, |words| format!(" ({words})"));
                format!("{}: {} → {}{warning}", step.title, step.now, step.after)
            })
            .collect::<Vec<_>>()
            .join("; "),
        Fix::SetUpAgain => {
            "Set the line up again with the same values; every change is shown first.".into()
        }
        Fix::ByHand(words) => words.clone(),
    }
}

impl Fix {
    /// What it does, in words.
    #[must_use]
    pub fn words(&self) -> String {
        fix_words(self)
    }
}
