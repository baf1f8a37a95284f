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
/// The name of the event that carries a whole `WatchersView`.
pub const WATCHERS_CHANGED: &str = "watchers-changed";

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
    /// The caller whom Answer, Decline and Silence are about where only one can be meant, of `calls`.
    pub rings: Option<String>,
    /// The newest notice.
    pub notice: Option<NoticeView>,
    /// Who may be rung here.
    pub availability: AvailabilityView,
    /// Why nothing rings here just now although calls come in; one sentence.
    pub quiet: Option<String>,
    /// What does not ring here although the desk does; one sentence. Never together with `quiet`.
    pub quiet_in_part: Option<String>,
}

/// How far a page had come on the way to its first picture.
#[derive(Debug, Clone, PartialEq, Deserialize, TS)]
pub struct PageMoment {
    /// What it had reached, a word.
    pub name: String,
    /// When, Unix milliseconds with fractions.
    pub at_ms: f64,
}

/// Who may be rung here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AvailabilityView {
    /// Anybody.
    Available,
    /// Nobody but the few who always may.
    DoNotDisturb {
        /// Until then; `null`: until switched off.
        #[ts(type = "number | null")]
        until_ms: Option<i64>,
    },
}

/// What becomes of the call that is up when another is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OtherCall {
    /// It waits with music.
    Hold,
    /// It is ended first.
    End,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// This desk dialled.
    Outbound,
    /// Somebody called in.
    Inbound,
}

/// What pressing decline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeclineEffect {
    /// The caller hears "busy".
    EndsForCaller,
    /// Other desks ring on.
    OnlyHere,
    /// No other desk rings, and the caller waits on.
    CallerWaits,
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
    /// Name on the line: what the far end says of itself.
    pub name: Option<String>,
    /// The contact whose number it is.
    pub contact: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// Lines whose provider refused it before it went over this one; the first first.
    pub refusals: Vec<RefusedLineView>,
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
    /// Does the far end wait with music?
    pub held: bool,
    /// May it be handed over now?
    pub can_transfer: bool,
    /// A handing over under way, or its last result.
    pub transfer: Option<TransferView>,
    /// Everybody on the phone in this call, if more than one or another is being dialled; the first is the far end.
    pub people: Vec<PersonView>,
    /// The leg we talk to alone.
    pub private_with: Option<String>,
    /// A call of an earlier run whose leg is still up: offer to go back into it, or to hang up.
    pub can_rejoin: bool,
    /// Live, but nothing comes through at the moment.
    pub reconnecting: bool,
    /// While reconnecting: when the call is given up if nothing comes through by then.
    #[ts(type = "number | null")]
    pub gives_up_at_ms: Option<i64>,
    /// Offered, but quiet here.
    pub silenced: bool,
    /// Offered, but a rule of this desk keeps it from ringing.
    pub quiet: bool,
    /// Offered: what pressing decline would do.
    pub decline_effect: DeclineEffect,
    /// Keys sent or waiting to be sent.
    pub keys_sent: String,
    /// Keys the far end pressed.
    pub keys_received: String,
    /// Offered: what is remembered of the caller.
    pub remembered: Option<RememberedView>,
    /// Set once the outcome is known.
    pub end: Option<EndView>,
}

/// A line whose provider refused to carry a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RefusedLineView {
    /// Its name.
    pub line: String,
    /// What its provider said, as a headline.
    pub words: String,
    /// For those who ask.
    pub sip_code: Option<u16>,
}

/// What this desk remembers of somebody who calls: the newest call that something was written about, else the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RememberedView {
    /// When that call began.
    #[ts(type = "number")]
    pub at_ms: i64,
    /// The first line of the note, else what came of the call; at most 200 characters.
    pub words: String,
    /// Was it missed, and nothing written about it?
    pub missed: bool,
}

/// How far the handing over of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// The outcome is awaited.
    Asked,
    /// It worked; the call ends by itself.
    Done,
    /// It did not; the far end is still there.
    Failed,
}

/// The handing over of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct TransferView {
    /// To whom, as people write it.
    pub to: String,
    /// How far it is.
    pub state: TransferState,
    /// If it failed: what, why, what next.
    pub words: Option<String>,
}

/// How far one leg of a call with several is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// Being dialled.
    Dialling,
    /// Their phone rings.
    Ringing,
    /// In the call.
    Up,
    /// In the call, waiting with music.
    Waiting,
    /// Gone.
    Gone,
}

/// One phone leg of a call with several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PersonView {
    /// Its name in every command.
    pub leg: String,
    /// E.164 where it is one.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// What they say of themselves.
    pub name: Option<String>,
    /// The contact whose number it is.
    pub contact: Option<String>,
    /// How far it is.
    pub state: PersonState,
    /// If it is gone: why.
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
    let mut declarations = vec![
        AccountView::decl(&config),
        AvailabilityView::decl(&config),
        CallState::decl(&config),
        DeclineEffect::decl(&config),
        CallView::decl(&config),
        DevicesView::decl(&config),
        Direction::decl(&config),
        EndView::decl(&config),
        RefusedLineView::decl(&config),
        RememberedView::decl(&config),
        IpcError::decl(&config),
        KeychainState::decl(&config),
        LineState::decl(&config),
        LineView::decl(&config),
        NoticeView::decl(&config),
        OtherCall::decl(&config),
        PageMoment::decl(&config),
        PersonState::decl(&config),
        PersonView::decl(&config),
        PhoneView::decl(&config),
        TransferState::decl(&config),
        TransferView::decl(&config),
    ];
    declarations.extend(crate::ipc::records::declarations(&config));
    declarations.extend(crate::ipc::desktop::declarations(&config));
    declarations.extend(crate::ipc::env_file::declarations(&config));
    declarations.extend(crate::ipc::calling::declarations(&config));
    declarations.extend(crate::ipc::lines::declarations(&config));
    declarations.extend(crate::ipc::line_costs::declarations(&config));
    declarations.extend(crate::ipc::line_setup::declarations(&config));
    declarations.extend(crate::ipc::line_sheet::declarations(&config));
    declarations.extend(crate::ipc::sound::declarations(&config));
    declarations.extend(crate::ipc::watchers::declarations(&config));
    declarations.sort();
    let mut file = String::from(
        "// Made from src-tauri/ipc/{calling,desktop,lines,records,sound,types,watchers}.rs: UPDATE=1 cargo test -p deskline --test bindings\n\n",
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
