//! The line check: what is wrong with a line, said to a person, with what was compared and what would be changed.
//!
//! It looks and compares. It never calls anybody and spends nothing; what only a call can tell is said not to have been
//! looked at. [`diagnose`] is pure: facts in, findings out.

mod inbound;
mod livekit;
mod outbound;
mod provider;
mod report;
mod rules;
mod table;
mod view;

use std::time::Duration;

use crate::found::{Found, ProviderExtras, ProviderFound};
use crate::livekit::LiveKitFound;
use crate::registry::KeptLine;
use crate::service::ServiceError;
use crate::step::Step;
use crate::wanted::Wanted;

use view::View;

pub use report::{CheckReport, Level, PathPart, PathState, SavedCheck, SavedFinding};
pub use table::{DIAGNOSTICS, Diagnostic, ENTRIES, Hop};

/// What is known about a line.
#[derive(Debug)]
pub struct Facts {
    /// As it was set up.
    pub kept: KeptLine,
    /// As it should be.
    pub wanted: Wanted,
    /// What LiveKit has, or why it does not say.
    pub livekit: Result<LiveKitFound, ServiceError>,
    /// What the provider has, or why it does not say; `None`: it was not asked.
    pub provider: Option<Result<(ProviderFound, ProviderExtras), ServiceError>>,
}

/// What can be done about a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Fix {
    /// Deskline does it, after a yes: these changes.
    Steps(Vec<Step>),
    /// Setting the line up again does it: `deskline line add` with the same values shows the changes first.
    SetUpAgain,
    /// Only the person can.
    ByHand(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// `D01` … `D30`, `X1` … `X7`.
    pub id: &'static str,
    /// Where on the way of a call.
    pub hop: Hop,
    /// How bad.
    pub level: Level,
    /// For a person.
    pub verdict: String,
    /// What was compared: name and value. No secrets.
    pub evidence: Vec<(String, String)>,
    /// What to do.
    pub fix: Option<Fix>,
}

/// Everything that the facts say, in the order of the table. Every diagnostic is there, also those that passed or could not
/// be looked at.
#[must_use]
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    livekit::account(facts, &mut found);
    if let Ok(livekit) = &facts.livekit {
        livekit::objects(facts, livekit, &mut found);
        crate::mend::at_a_press(facts, livekit, &mut found);
    }
    match &facts.provider {
        Some(Ok((there, extras))) => {
            if let Some(view) = View::of(there) {
                provider::objects(facts, &view, extras, &mut found);
            }
        }
        Some(Err(error)) => provider::refused(error, facts.kept.provider.shown(), &mut found),
        None => {}
    }
    DIAGNOSTICS
        .iter()
        .flat_map(|diagnostic| {
            let mut own: Vec<Finding> = Vec::new();
            let mut at = 0;
            while at < found.len() {
                if found
                    .get(at)
                    .is_some_and(|finding| finding.id == diagnostic.id)
                {
                    own.push(found.remove(at));
                } else {
                    at += 1;
                }
            }
            if own.is_empty() {
                own.push(unremarkable(facts, diagnostic));
            }
            own
        })
        .collect()
}

/// Passed, or not looked at.
fn unremarkable(facts: &Facts, diagnostic: &Diagnostic) -> Finding {
    let why_not = diagnostic.needs.missing(facts);
    Finding {
        id: diagnostic.id,
        hop: diagnostic.hop,
        level: if why_not.is_some() {
            Level::NotRun
        } else {
            Level::Passed
        },
        verdict: why_not.unwrap_or_else(|| diagnostic.passed.to_owned()),
        evidence: Vec::new(),
        fix: None,
    }
}

pub(crate) struct Say {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) verdict: String,
    pub(crate) evidence: Vec<(String, String)>,
    pub(crate) fix: Fix,
}

impl Say {
    /// Adds it to the findings, at its place on the way.
    pub(crate) fn to(self, findings: &mut Vec<Finding>) {
        let hop = DIAGNOSTICS
            .iter()
            .find(|diagnostic| diagnostic.id == self.id)
            .map_or(Hop::Trunk, |diagnostic| diagnostic.hop);
        findings.push(Finding {
            id: self.id,
            hop,
            level: self.level,
            verdict: self.verdict,
            evidence: self.evidence,
            fix: Some(self.fix),
        });
    }
}

pub(crate) fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), crate::service::words(&value.into()))
}

impl Facts {
    /// As the plan takes it; empty where nothing is known.
    pub(crate) fn found(&self) -> Found {
        Found {
            livekit: self.livekit.clone().unwrap_or_default(),
            provider: match &self.provider {
                Some(Ok((there, _))) => there.clone(),
                Some(Err(_)) | None => ProviderFound::Nothing,
            },
        }
    }

    /// The account at the provider, if it told.
    pub(crate) fn view(&self) -> Option<View> {
        match &self.provider {
            Some(Ok((there, _))) => View::of(there),
            Some(Err(_)) | None => None,
        }
    }
}

/// The whole check of a healthy line is to take less than this.
pub const WITHIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
