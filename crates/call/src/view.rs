//! What a person sees: a whole picture each time, never a difference.

use crate::end::EndReason;
use crate::ids::CallId;
use crate::input::LineStatus;
use crate::output::Notice;
use crate::state::{CallState, Direction, MediaReport};

/// Everything there is to see.
#[derive(Debug, Clone, PartialEq)]
pub struct PhoneView {
    /// Grows with every change.
    pub rev: u64,
    /// Can this desk place and receive calls?
    pub line: LineStatus,
    /// Calls under way, and ended ones until dismissed or replaced; oldest first.
    pub calls: Vec<CallView>,
    /// The newest notice.
    pub notice: Option<Notice>,
}

impl PhoneView {
    /// The view of one call.
    #[must_use]
    pub fn call(&self, id: &CallId) -> Option<&CallView> {
        self.calls.iter().find(|call| call.id == *id)
    }

    /// Is there a call that is not over?
    #[must_use]
    pub fn has_open_call(&self) -> bool {
        self.calls.iter().any(|call| call.state != CallState::Ended)
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallView {
    /// Which.
    pub id: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// As a person in the set region writes it.
    pub number_shown: String,
    /// Name on the line, made safe.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// State.
    pub state: CallState,
    /// The state in words.
    pub words: String,
    /// Unix milliseconds.
    pub started_unix_ms: i64,
    /// Unix milliseconds.
    pub answered_unix_ms: Option<i64>,
    /// Unix milliseconds.
    pub ended_unix_ms: Option<i64>,
    /// Is our microphone off?
    pub muted: bool,
    /// Live, but the connection is being rebuilt or nothing comes from the far end.
    pub reconnecting: bool,
    /// Offered, but quiet here.
    pub silenced: bool,
    /// Offered, and no other desk rings: declining ends it for the caller.
    pub only_desk: bool,
    /// Keys sent or waiting to be sent.
    pub keys_sent: String,
    /// Keys the far end pressed.
    pub keys_received: String,
    /// What is heard from the far end.
    pub media: MediaReport,
    /// Set once the outcome is known.
    pub end: Option<EndReason>,
}
