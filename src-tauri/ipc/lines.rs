//! Lines, as the windows see them: what was set up and proven, and what a check found.

use call::number::Region;
use lines::check::{CheckReport, Finding, Fix, Level, PathState};
use lines::{KeptLine, Number};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ts_rs::{Config, TS};

use crate::ipc::calling::{LineCalling, calling};
use crate::ipc::types::IpcError;
use crate::line_desk::unlisted;

/// A line in the list.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineCard {
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who carries it, for a person.
    pub provider: String,
    /// The same as a word: `twilio`, `telnyx`, `signalwire`, `other`, `livekit`.
    pub provider_word: String,
    /// Its numbers, for a person.
    pub numbers: Vec<String>,
    /// When a call came in and was answered; `null`: not proven.
    #[ts(type = "number | null")]
    pub incoming_at_ms: Option<i64>,
    /// When somebody was called and answered; `null`: not proven.
    #[ts(type = "number | null")]
    pub outgoing_at_ms: Option<i64>,
    /// Can it call at all?
    pub calls_out: bool,
    /// What a finished line has, and whether this one has it.
    pub parts: Vec<LinePartView>,
    /// Whose sign-in a look at the provider needs: `twilio`, `telnyx`, `signalwire`; `null`: nobody looks there.
    pub signs_in_at: Option<String>,
    /// Twilio: the account. SignalWire: space and project, `acme/0a1b…`.
    pub account: String,
    /// What is set of its calls.
    pub calling: LineCalling,
}

/// What is known of a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LinePartState {
    /// It is there.
    Done,
    /// It is missing.
    Left,
    /// Nobody looked.
    Unknown,
}

/// A part of a finished line.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LinePartView {
    /// `incoming`, `outgoing`, `faultless`, `provider`, `emergency`, `countries`, `spending`.
    pub part: String,
    /// What is known of it.
    pub state: LinePartState,
    /// Does a line without it not count as done?
    pub required: bool,
}

/// How a part of the way of a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HopState {
    /// Nothing is wrong with it.
    Works,
    /// Calls stop here.
    Broken,
    /// Calls may stop before it.
    NotReached,
}

/// A part of the way of a call.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct HopView {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: HopState,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// As it should be.
    Passed,
    /// Could not be looked at.
    NotRun,
    /// Worth knowing.
    Advice,
    /// Calls fail.
    Problem,
}

/// Two texts that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct EvidenceView {
    /// What.
    pub name: String,
    /// How it is.
    pub value: String,
}

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct FindingView {
    /// `D01` … `X7`.
    pub id: String,
    /// How bad.
    pub level: FindingLevel,
    /// For a person.
    pub verdict: String,
    /// What was compared.
    pub evidence: Vec<EvidenceView>,
    /// What would be changed, or what to do; empty for nothing.
    pub fix: String,
    /// Can Deskline do it at a press?
    pub can_fix: bool,
}

/// A whole check.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineCheckView {
    /// The line.
    pub line: String,
    /// When.
    #[ts(type = "number")]
    pub at_ms: i64,
    /// How long it took.
    pub took_ms: u32,
    /// From the phone network to this desk.
    pub path: Vec<HopView>,
    /// Every diagnostic.
    pub findings: Vec<FindingView>,
}

fn unix_ms(at: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

fn card(
    line: &KeptLine,
    last_check: Option<&lines::check::SavedCheck>,
    quiet: &[String],
    region: Region,
) -> LineCard {
    let parts = lines::left::parts(line, last_check).into_iter();
    LineCard {
        id: line.id.to_string(),
        name: line.name.to_string(),
        provider: line.provider.shown().to_owned(),
        provider_word: line.provider.word().to_owned(),
        numbers: line.numbers.iter().map(Number::shown).collect(),
        incoming_at_ms: line.proof.incoming.as_deref().and_then(unix_ms),
        outgoing_at_ms: line.proof.outgoing.as_deref().and_then(unix_ms),
        calls_out: line.calls_out(),
        parts: parts
            .map(|(part, state)| LinePartView {
                part: part.word().to_owned(),
                state: match state {
                    lines::left::State::Done => LinePartState::Done,
                    lines::left::State::Left => LinePartState::Left,
                    lines::left::State::Unknown => LinePartState::Unknown,
                },
                required: part.is_required(),
            })
            .collect(),
        signs_in_at: line.signs_in().then(|| line.provider.word().to_owned()),
        account: line.account.clone().unwrap_or_default(),
        calling: calling(line, quiet, region),
    }
}

fn finding(of: &Finding) -> FindingView {
    FindingView {
        id: of.id.to_owned(),
        level: match of.level {
            Level::Passed => FindingLevel::Passed,
            Level::NotRun => FindingLevel::NotRun,
            Level::Advice => FindingLevel::Advice,
            Level::Problem => FindingLevel::Problem,
        },
        verdict: of.verdict.clone(),
        evidence: of
            .evidence
            .iter()
            .map(|(name, value)| EvidenceView {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        fix: of.fix.as_ref().map(Fix::words).unwrap_or_default(),
        can_fix: matches!(of.fix, Some(Fix::Steps(_))),
    }
}

/// A check, for a window.
pub(crate) fn check(report: &CheckReport) -> LineCheckView {
    LineCheckView {
        line: report.line.id.to_string(),
        at_ms: unix_ms(&report.at).unwrap_or_default(),
        took_ms: u32::try_from(report.took.as_millis()).unwrap_or(u32::MAX),
        path: report
            .path()
            .into_iter()
            .map(|part| HopView {
                name: part.name,
                state: match part.state {
                    PathState::Works => HopState::Works,
                    PathState::Broken => HopState::Broken,
                    PathState::NotReached => HopState::NotReached,
                },
            })
            .collect(),
        findings: report.findings.iter().map(finding).collect(),
    }
}

/// Every line of the profile. `quiet`: our numbers that do not ring here. Blocks (disk).
///
/// # Errors
/// The list cannot be read.
pub(crate) fn cards(
    registry: &lines::Registry,
    quiet: &[String],
    region: Region,
) -> Result<Vec<LineCard>, IpcError> {
    let lines = registry.lines().map_err(|error| unlisted(&error))?;
    let card = |line: &KeptLine| {
        let last_check = registry.last_check(&line.id);
        card(line, last_check.as_ref(), quiet, region)
    };
    Ok(lines.iter().map(card).collect())
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        EvidenceView::decl(config),
        FindingLevel::decl(config),
        FindingView::decl(config),
        HopState::decl(config),
        HopView::decl(config),
        LineCard::decl(config),
        LineCheckView::decl(config),
        LinePartState::decl(config),
        LinePartView::decl(config),
    ]
}
