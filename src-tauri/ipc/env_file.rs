//! A `.env` file, as the windows see it: what would be taken from it, and what not. No secret of it is in here.

use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EnvPurpose {
    /// Signing in to a LiveKit project.
    Account,
    /// Setting a line up.
    Line,
}

/// A line of the file that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EnvTakenView {
    /// The name in the file.
    pub name: String,
    /// What for, for a person.
    pub what: String,
    /// Its value, shortened; `null`: it is secret and stays in the core.
    pub value: Option<String>,
    /// More to know, empty for nothing.
    pub note: String,
}

/// A line of the file that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EnvLeftView {
    /// The name in the file.
    pub name: String,
    /// Why.
    pub why: String,
    /// Will Deskline never have it?
    pub is_refused: bool,
}

/// A sign-in at a provider, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EnvSignInView {
    /// `twilio`, `telnyx`, `signalwire`.
    pub provider: String,
    /// As in `LineSignIn`.
    pub account: String,
    /// As in `LineSignIn`.
    pub key: String,
    /// Is the secret in the file too?
    pub has_secret: bool,
}

/// What a file says. The values wait in the core until they are used or put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EnvFileView {
    /// What is used.
    pub taken: Vec<EnvTakenView>,
    /// What is not, the refused first.
    pub left: Vec<EnvLeftView>,
    /// Further lines that are not used.
    pub left_more: u32,
    /// For a line: sign-ins at providers, those with a secret first.
    pub sign_ins: Vec<EnvSignInView>,
    /// For a line: where the project takes calls; may be empty.
    pub sip: String,
    /// For a line: its number as the file has it; may be empty.
    pub number: String,
    /// Why it is of no use here; empty: it is.
    pub refusal: String,
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        EnvFileView::decl(config),
        EnvLeftView::decl(config),
        EnvPurpose::decl(config),
        EnvSignInView::decl(config),
        EnvTakenView::decl(config),
    ]
}
