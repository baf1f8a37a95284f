//! What a person sees: a whole picture each time, never a difference.

use crate::end::EndReason;
use crate::ids::CallId;
use crate::ids::Identity;
use crate::input::LineStatus;
use crate::output::{LineRefusal, Notice};
use crate::settings::Availability;
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
    /// The caller whom Answer, Decline and Silence are about where none is named, and who is shown where there is room for
    /// one: who is being answered just now; else who rings here; else who rang and was silenced or is being answered by a
    /// colleague; else who waits quietly. The longest waiting first.
    pub rings: Option<CallId>,
    /// The newest notice.
    pub notice: Option<Notice>,
    /// Who may be rung here.
    pub availability: Availability,
    /// Why nothing rings here just now, if something would otherwise.
    pub quiet: Option<QuietReason>,
    /// How many of our numbers do not ring here although the desk does. Never together with `quiet`.
    pub quiet_numbers: Option<usize>,
}

/// Why callers do not ring here. A value and no sentence: whoever shows it says it in the language of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuietReason {
    /// Outside business hours, and who calls is turned away unless another desk rings.
    TurnedAway,
    /// Outside business hours, and who calls is only shown.
    AfterHours,
    /// The person takes no calls.
    DoNotDisturb,
    /// The person takes calls of a few people only.
    OnlyThese {
        /// The first of them, as a person writes their numbers.
        named: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// None of our numbers is to ring here.
    EveryNumber,
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
    /// Lines whose provider refused it before it went over this one; the first first.
    pub refusals: Vec<LineRefusal>,
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
    /// Does the far end wait with music?
    pub held: bool,
    /// May it be handed over now (the leg is active)?
    pub can_transfer: bool,
    /// A handing over under way or its last result.
    pub transfer: Option<TransferView>,
    /// Everybody on the phone in this call, if more than one or another is being dialled; the first is the far end.
    pub people: Vec<PersonView>,
    /// The leg we talk to alone, while it is certain that nobody else hears it.
    pub private_with: Option<Identity>,
    /// A call of an earlier run whose leg is up: offer to go back into it.
    pub can_rejoin: bool,
    /// Live, but the connection is being rebuilt or nothing comes from the far end.
    pub reconnecting: bool,
    /// While reconnecting: when the call is given up if nothing comes through by then, Unix milliseconds.
    pub gives_up_unix_ms: Option<i64>,
    /// Offered, but quiet here: silenced by a person, or by a rule (then also `quiet`).
    pub silenced: bool,
    /// Offered, and kept from ringing by a rule of this desk: no overlay, no notification.
    pub quiet: bool,
    /// What pressing decline does to the caller: the button is labelled by it.
    pub decline_effect: DeclineEffect,
    /// Keys sent or waiting to be sent.
    pub keys_sent: String,
    /// Keys the far end pressed.
    pub keys_received: String,
    /// What is heard from the far end.
    pub media: MediaReport,
    /// Set once the outcome is known.
    pub end: Option<EndReason>,
}

/// What pressing decline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeclineEffect {
    /// The caller hears "busy".
    EndsForCaller,
    /// The caller notices nothing: other desks ring on.
    #[default]
    OnlyHere,
    /// The caller notices nothing and waits on, although no other desk rings.
    CallerWaits,
}

/// A handing over by REFER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferView {
    /// To whom, as a person writes it.
    pub to: String,
    /// How far it is.
    pub state: TransferState,
}

/// How far a handing over is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferState {
    /// The outcome is awaited.
    Asked,
    /// It worked; the leg ends by itself.
    Done,
    /// It did not; the far end is still with us.
    Failed {
        /// One sentence: what, why, what next.
        what: String,
    },
}

/// One phone leg of a call with several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Its identity in the room.
    pub leg: Identity,
    /// E.164 where it is one.
    pub number: String,
    /// As a person writes it.
    pub number_shown: String,
    /// Name, if one is known.
    pub name: Option<String>,
    /// How far it is.
    pub state: PersonState,
}

/// How far a leg of a call with several is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonState {
    /// Being dialled.
    Dialling,
    /// Their phone rings.
    Ringing,
    /// In the call.
    Up,
    /// In the call, but waiting with music.
    Waiting,
    /// Gone.
    Gone {
        /// Why.
        end: EndReason,
    },
}
