//! What crosses about the ways in which the server tells of callers, and what is known of one call.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ipc::records::HistoryRow;

/// What a person wants of webhook receiver and worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct WatchersDraft {
    /// Seconds between two looks for callers, 1 to 60.
    pub look_every_s: u16,
    /// Receive the server's webhooks.
    pub webhook: bool,
    /// Where it listens: an address of this computer.
    pub address: String,
    /// Where it listens: 1 to 65535.
    pub port: u16,
    /// May other computers reach it? Otherwise `address` must be 127.0.0.1 or ::1.
    pub beyond_this_computer: bool,
    /// API key that signs the webhooks; `null`: the account's.
    pub signed_with: Option<String>,
    /// Be registered as a worker.
    pub worker: bool,
    /// The name by which the dispatch rule calls it.
    pub worker_name: String,
}

impl Default for WatchersDraft {
    fn default() -> Self {
        Self {
            look_every_s: 1,
            webhook: false,
            address: "127.0.0.1".into(),
            port: 8787,
            beyond_this_computer: false,
            signed_with: None,
            worker: false,
            worker_name: "deskline".into(),
        }
    }
}

/// How a watcher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WatcherState {
    /// Not wanted.
    #[default]
    Off,
    /// Wanted; it starts, or waits for somebody to sign in.
    Waiting,
    /// It works.
    On,
    /// It does not; it is tried again.
    Trouble,
}

/// How a watcher is, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, TS)]
pub struct WatcherStatus {
    /// Which of the states.
    pub state: WatcherState,
    /// The state in words: "Listening on 127.0.0.1:8787".
    pub words: String,
    /// Events taken since the program started.
    pub received: u32,
    /// Events refused since the watcher started; told of the first, second, fourth, eighth … of each reason.
    pub refused: u32,
    /// Why the last one was refused.
    pub refusal: Option<String>,
    /// When the last event was taken.
    #[ts(type = "number | null")]
    pub last_at_ms: Option<i64>,
}

/// The ways in which the server tells of callers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct WatchersView {
    /// Grows with every change; an older picture is to be ignored.
    pub rev: u32,
    /// What is in force.
    pub wanted: WatchersDraft,
    /// The secret of `wanted.signed_with` is in the keychain.
    pub has_secret: bool,
    /// The address to enter at the server; `null`: the receiver does not listen.
    pub url: Option<String>,
    /// The receiver.
    pub webhook: WatcherStatus,
    /// The worker.
    pub worker: WatcherStatus,
}

/// Somebody on the phone in a call with several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CallPerson {
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// What they say of themselves.
    pub name: Option<String>,
    /// The contact whose number it is.
    pub contact: Option<String>,
    /// Did they talk with anybody?
    pub answered: bool,
    /// Stable word.
    pub outcome: String,
    /// The outcome in words.
    pub words: String,
}

/// Something that the server said about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CallEvent {
    /// When it was received.
    #[ts(type = "number")]
    pub at_ms: i64,
    /// How it came: "livekit webhook", "livekit worker", "livekit request".
    pub source: String,
    /// What it is about, as the server words it.
    pub kind: String,
    /// What was said, secrets masked: JSON on several lines.
    pub payload: String,
}

/// Everything that is known of one call.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CallDetails {
    /// As in the list.
    pub row: HistoryRow,
    /// Where it lived on the server.
    pub room: String,
    /// Mean jitter of the far end's packets, milliseconds.
    pub jitter_mean_ms: Option<f64>,
    /// Packets of the far end that came.
    #[ts(type = "number | null")]
    pub packets_received: Option<u64>,
    /// Packets of the far end that never came.
    #[ts(type = "number | null")]
    pub packets_lost: Option<u64>,
    /// Everybody on the phone, the first far end first; empty if there was only one.
    pub people: Vec<CallPerson>,
    /// What the server said of it, oldest first; the log keeps thirty days.
    pub events: Vec<CallEvent>,
}

/// The TypeScript of these types.
pub(crate) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        WatchersDraft::decl(config),
        WatcherState::decl(config),
        WatcherStatus::decl(config),
        WatchersView::decl(config),
        CallPerson::decl(config),
        CallEvent::decl(config),
        CallDetails::decl(config),
    ]
}
