//! Setting a line up, as the windows see it: what is asked, what would change, how far it is, what came of it.

use lines::{Plan, Progress, Step};
use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

/// The sign-in at a provider. Used once and forgotten; shows nothing of itself.
#[derive(Clone, Default, Deserialize, TS)]
pub struct LineSignIn {
    /// Twilio: account SID. SignalWire: space.
    pub account: String,
    /// Twilio: API key, empty to sign in with the auth token. SignalWire: project.
    pub key: String,
    /// Auth token, secret of the API key, API key of Telnyx, or API token of SignalWire.
    pub secret: String,
}

/// What a person typed to get a line. Shows nothing of its secrets.
#[derive(Clone, Default, Deserialize, TS)]
pub struct LineAsked {
    /// `twilio`, `telnyx`, `signalwire`, `other`, `livekit`.
    pub provider: String,
    /// Name of the line.
    pub name: String,
    /// Its numbers.
    pub numbers: Vec<String>,
    /// Where the LiveKit project takes calls; empty: guessed.
    pub sip: String,
    /// Twilio, Telnyx, SignalWire.
    pub sign_in: LineSignIn,
    /// Another provider: its server. SignalWire: the SIP address that was made there by hand, empty to let Deskline make it.
    pub host: String,
    /// SignalWire: a server that answers callers with SWML, empty for a script of Deskline's.
    pub handler: String,
    /// Another provider, or SignalWire by hand: user name, empty for none.
    pub user: String,
    /// The password of that user.
    pub password: String,
    /// Another provider: `auto`, `udp`, `tcp`, `tls`.
    pub transport: String,
    /// TLS and encrypted sound.
    pub secure: bool,
    /// Callers type it first; empty for none.
    pub pin: String,
}

impl std::fmt::Debug for LineSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineSignIn(…)")
    }
}

impl std::fmt::Debug for LineAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LineAsked({}, …)", self.provider)
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineStepView {
    /// Which, as in [`LineProgressView`].
    pub step: String,
    /// In a few words.
    pub title: String,
    /// Where: `LiveKit` or the provider.
    pub place: String,
    /// How it is now.
    pub now: String,
    /// How it will be.
    pub after: String,
    /// To know before saying yes; empty for nothing.
    pub warning: String,
}

/// One step by hand, with the person's own values in it.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineHandView {
    /// What to do.
    pub text: String,
    /// A command or a text to copy; empty for none.
    pub command: String,
}

/// What would be done. Nothing has been changed.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LinePlanView {
    /// The line.
    pub line: String,
    /// Its name.
    pub name: String,
    /// Its first number, for a person.
    pub number: String,
    /// Who carries it.
    pub provider: String,
    /// The changes, in this order; none: everything is there.
    pub steps: Vec<LineStepView>,
    /// What is there already and stays.
    pub kept: Vec<String>,
    /// What to know.
    pub notes: Vec<String>,
    /// What stands in the way; with one of these nothing can be done.
    pub problems: Vec<String>,
    /// Where LiveKit calls out to, for the line sheet; empty where nobody is called.
    pub address: String,
    /// The user name there.
    pub user: String,
    /// Is by hand the only way, because the account has no API for it? Then the SIP address is pasted.
    pub only_by_hand: bool,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LineProgressView {
    /// A step began.
    Began {
        /// Which.
        step: String,
    },
    /// A step is done and was seen to be.
    Done {
        /// Which.
        step: String,
    },
    /// A service asked to wait.
    Pause {
        /// Whose.
        service: String,
        /// How long.
        seconds: u32,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineRunView {
    /// What exists now that did not before, or is changed.
    pub done: Vec<String>,
    /// What to know or do by hand.
    pub notes: Vec<String>,
    /// Why it ended early; empty: it did not.
    pub refusal: String,
    /// The name at the provider was taken: the same with another, to be looked at and agreed to.
    pub instead: Option<LinePlanView>,
    /// The provider refused what can be done there by hand: then the SIP address is pasted.
    pub only_by_hand: bool,
}

/// What taking the last change of a line back would take back.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineUndoView {
    /// The changes, the newest first.
    pub changes: Vec<String>,
    /// Whose sign-in that needs: `twilio`, `telnyx`, `signalwire`; `null` for nobody's.
    pub needs: Option<String>,
    /// Twilio: the account, if it is known. SignalWire: space and project.
    pub account: String,
}

/// What a test call proved.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineProofView {
    /// Did somebody answer?
    pub passed: bool,
    /// In a sentence.
    pub words: String,
}

fn step(of: &Step) -> LineStepView {
    LineStepView {
        step: of.key.word(),
        title: of.title.clone(),
        place: of.place().service().to_string(),
        now: of.now.clone(),
        after: of.after.clone(),
        warning: of.warning.clone().unwrap_or_default(),
    }
}

pub(crate) fn steps(of: &[Step]) -> Vec<LineStepView> {
    of.iter().map(step).collect()
}

pub(crate) fn plan(of: &lines::Prepared) -> LinePlanView {
    let Plan {
        steps: planned,
        kept,
        notes,
        problems,
    } = &of.plan;
    let wanted = &of.wanted;
    LinePlanView {
        line: wanted.id.to_string(),
        name: wanted.name.to_string(),
        number: wanted
            .numbers
            .first()
            .map(lines::Number::shown)
            .unwrap_or_default(),
        provider: wanted.provider.kind().shown().to_owned(),
        steps: steps(planned),
        kept: kept.clone(),
        notes: notes.clone(),
        problems: problems
            .iter()
            .map(|problem| problem.words.clone())
            .collect(),
        address: of.address().unwrap_or_default(),
        user: of
            .credential
            .as_ref()
            .map(|credential| credential.user.clone())
            .unwrap_or_default(),
        only_by_hand: of.is_by_hand(),
    }
}

pub(crate) fn by_hand(wanted: &lines::Wanted) -> Vec<LineHandView> {
    lines::hand::steps(wanted)
        .into_iter()
        .map(|step| LineHandView {
            text: step.text,
            command: step.command,
        })
        .collect()
}

pub(crate) fn progress(of: Progress) -> LineProgressView {
    match of {
        Progress::Began { key, .. } => LineProgressView::Began { step: key.word() },
        Progress::Done { key, .. } => LineProgressView::Done { step: key.word() },
        Progress::Pause { service, pause } => LineProgressView::Pause {
            service: service.to_string(),
            seconds: u32::try_from(pause.as_secs().max(1)).unwrap_or(u32::MAX),
        },
    }
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        LineAsked::decl(config),
        LineHandView::decl(config),
        LinePlanView::decl(config),
        LineProgressView::decl(config),
        LineProofView::decl(config),
        LineRunView::decl(config),
        LineSignIn::decl(config),
        LineStepView::decl(config),
        LineUndoView::decl(config),
    ]
}
