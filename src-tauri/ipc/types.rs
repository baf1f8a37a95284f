//! What crosses between the windows and the core. Serde and TypeScript live here and nowhere else.
//!
//! The TypeScript of these types is `ui/src/lib/backend/bindings.ts`; `tests/bindings.rs` keeps the two equal. Times are
//! Unix milliseconds. Every text came from outside at some point: windows show it as text only.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The name of the event that carries a whole [`PhoneView`].
pub const PHONE_CHANGED: &str = "phone-changed";
/// The name of the event that says: read the history again.
pub const HISTORY_CHANGED: &str = "history-changed";
/// The name of the event that says: read the devices again.
pub const DEVICES_CHANGED: &str = "devices-changed";

/// Everything there is to see.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct PhoneView {
    /// Grows with every change; an older picture is to be ignored.
    #[ts(type = "number")]
    pub rev: u64,
    /// Can this desk place and receive calls?
    pub line: LineView,
    /// Oldest first.
    pub calls: Vec<CallView>,
    /// The newest notice.
    pub notice: Option<NoticeView>,
}

/// State of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// No account yet.
    SignedOut,
    /// First contact is being made.
    Connecting,
    /// Calls go out and come in.
    Ready,
    /// The server does not answer.
    Unreachable,
    /// The server refuses key or secret.
    Refused,
    /// The secret cannot be read.
    Locked,
    /// The engine that carries calls is missing or altered.
    Broken,
    /// Calls come in, none can go out.
    NoTrunk,
}

/// The line, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LineView {
    /// Which of the states.
    pub state: LineState,
    /// The state as a headline.
    pub words: String,
    /// Why, and what to do.
    pub detail: Option<String>,
    /// Name of the outbound trunk.
    pub name: Option<String>,
    /// Its number.
    pub number: Option<String>,
    /// Its number as people write it.
    pub number_shown: Option<String>,
    /// When the server is tried again.
    #[ts(type = "number | null")]
    pub next_try_at_ms: Option<i64>,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// This desk dialled.
    Outbound,
    /// Somebody called in.
    Inbound,
}

/// The state of a call, see `call::state::CallState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // one for one the states of the core
pub enum CallState {
    Preparing,
    Joining,
    Dialling,
    RemoteRinging,
    Offered,
    Claiming,
    Answering,
    Live,
    Stranded,
    HandedOver,
    Ending,
    Ended,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CallView {
    /// Its name in every command.
    pub id: String,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// Name on the line.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// Which of the states.
    pub state: CallState,
    /// The state in words.
    pub words: String,
    /// When it began.
    #[ts(type = "number")]
    pub started_at_ms: i64,
    /// When it was answered.
    #[ts(type = "number | null")]
    pub answered_at_ms: Option<i64>,
    /// When it was over.
    #[ts(type = "number | null")]
    pub ended_at_ms: Option<i64>,
    /// Is our microphone off?
    pub muted: bool,
    /// Live, but nothing comes through at the moment.
    pub reconnecting: bool,
    /// Offered, but quiet here.
    pub silenced: bool,
    /// Offered, and no other desk rings.
    pub only_desk: bool,
    /// Keys sent or waiting to be sent.
    pub keys_sent: String,
    /// Keys the far end pressed.
    pub keys_received: String,
    /// Set once the outcome is known.
    pub end: Option<EndView>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EndView {
    /// Stable word.
    pub reason: String,
    /// What happened.
    pub title: String,
    /// What to do next.
    pub advice: Option<String>,
    /// For those who ask.
    pub sip_code: Option<u16>,
    /// Nobody here took it.
    pub missed: bool,
}

/// Something to read that is not the end of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NoticeView {
    /// Its name when it is put away.
    pub id: u32,
    /// Stable word.
    pub code: String,
    /// One sentence.
    pub text: String,
}

/// A call in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HistoryRow {
    /// Name of the call.
    pub id: String,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// Name on the line.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// When it began.
    #[ts(type = "number")]
    pub started_at_ms: i64,
    /// When it was answered.
    #[ts(type = "number | null")]
    pub answered_at_ms: Option<i64>,
    /// When it was over; `null`: it is not.
    #[ts(type = "number | null")]
    pub ended_at_ms: Option<i64>,
    /// Whole seconds between answer and end.
    #[ts(type = "number | null")]
    pub duration_s: Option<i64>,
    /// Stable word of the outcome, `"open"` while it is not over.
    pub outcome: String,
    /// The outcome in words.
    pub words: String,
    /// Nobody here took it.
    pub missed: bool,
}

/// Part of the history, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HistoryPage {
    /// The calls.
    pub rows: Vec<HistoryRow>,
    /// The `cursor` of the next page; `null`: there is none.
    pub next: Option<String>,
}

/// Can secrets be kept and read?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeychainState {
    /// Yes.
    Ready,
    /// Not before it is unlocked.
    Locked,
    /// This computer has none.
    Absent,
}

/// The account. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AccountView {
    /// Address of the project, "" if none.
    pub url: String,
    /// API key, "" if none.
    pub key: String,
    /// Is a secret stored?
    pub has_secret: bool,
    /// State of the keychain.
    pub keychain: KeychainState,
    /// All that in words.
    pub words: String,
}

/// The sound devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DevicesView {
    /// The one in use.
    pub microphone: Option<String>,
    /// The one in use.
    pub speaker: Option<String>,
    /// All of them.
    pub microphones: Vec<String>,
    /// All of them.
    pub speakers: Vec<String>,
    /// What is wrong, if anything is.
    pub words: Option<String>,
}

/// What a command answers when it cannot do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IpcError {
    /// Stable word.
    pub code: String,
    /// One sentence for the person: what, why, what next.
    pub message: String,
}

impl IpcError {
    /// An error with a stable word and a sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// The file with the TypeScript of all these types, sorted by name.
#[must_use]
pub fn bindings() -> String {
    let config = ts_rs::Config::new();
    let mut declarations = [
        AccountView::decl(&config),
        CallState::decl(&config),
        CallView::decl(&config),
        DevicesView::decl(&config),
        Direction::decl(&config),
        EndView::decl(&config),
        HistoryPage::decl(&config),
        HistoryRow::decl(&config),
        IpcError::decl(&config),
        KeychainState::decl(&config),
        LineState::decl(&config),
        LineView::decl(&config),
        NoticeView::decl(&config),
        PhoneView::decl(&config),
    ];
    declarations.sort();
    let mut file = String::from(
        "// Made from src-tauri/ipc/types.rs: UPDATE=1 cargo test -p deskline --test bindings\n\n",
    );
    for declaration in declarations {
        file.push_str("export ");
        file.push_str(&on_one_line(&declaration));
        file.push('\n');
    }
    file
}

/// Without the comments: they are here.
fn on_one_line(declaration: &str) -> String {
    let is_comment = |line: &&str| ["/**", "*"].iter().any(|mark| line.starts_with(mark));
    let words: Vec<&str> = declaration
        .lines()
        .map(str::trim)
        .filter(|line| !is_comment(line))
        .flat_map(str::split_whitespace)
        .collect();
    words.join(" ")
}
