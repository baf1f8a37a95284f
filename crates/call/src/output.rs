//! Everything the phone can ask for.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::{CallId, Identity, Link, RoomName};
use crate::state::Direction;

/// The answer to one input: all that must be done now, and when to come back.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Step {
    /// To be handed to the ports, in this order. Different ports have no order between them.
    pub outputs: Vec<Output>,
    /// Call `handle(Input::Tick, …)` when this monotonic time has come; `None`: nothing waits.
    pub deadline: Option<Duration>,
    /// Did anything a person can see change?
    pub changed: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// For `history`.
    Log(LogCommand),
    /// For `realtime`.
    Room(RoomCommand),
    /// For `switchboard`.
    Leg(LegCommand),
    /// For `audio`.
    Audio(AudioCommand),
    /// For the shell.
    Shell(ShellCommand),
}

/// Journal entries. Every `Start` gets one `Finish`.
#[derive(Debug, Clone, PartialEq)]
pub enum LogCommand {
    /// Write the row before anything rings or dials; answer with [`LogFact`](crate::input::LogFact).
    Start(LogStart),
    /// The call was answered here.
    Answered {
        /// Which.
        call: CallId,
        /// Unix milliseconds.
        at_unix_ms: i64,
    },
    /// The provider of one line refused, and the call goes over another: its row gets the name of the next leg before that
    /// is placed; answer with [`LogFact`](crate::input::LogFact).
    WentOver {
        /// Which.
        call: CallId,
        /// The next leg.
        leg: Identity,
        /// Our number on the next line, if known.
        line: Option<String>,
        /// Who refused, and why.
        refusal: LineRefusal,
    },
    /// The call is still up (every 5 s, and when the microphone is switched off or on): a crash ends the row at the last of
    /// these, and whoever goes back into the call finds the microphone as it was.
    Alive {
        /// Which.
        call: CallId,
        /// Unix milliseconds.
        at_unix_ms: i64,
        /// Is our microphone off?
        muted: bool,
    },
    /// The call is over.
    Finish(LogFinish),
    /// An interrupted call of an earlier run: close the row at its last sign of life.
    FinishOrphan {
        /// Which.
        call: CallId,
    },
    /// We left; those in the call talk on. The row stays open until they are done.
    HandedOver {
        /// Which.
        call: CallId,
        /// Unix milliseconds.
        at_unix_ms: i64,
    },
    /// The leg of a finished call is known to be gone: nothing is left on the server.
    LegGone {
        /// Which.
        call: CallId,
    },
}

/// A line whose provider refused to carry a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LineRefusal {
    /// Its name.
    pub line: String,
    /// The number that was to be shown, if known.
    pub number: Option<String>,
    /// Why.
    pub reason: EndReason,
}

/// The first entry of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStart {
    /// Which.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The far number: E.164 where it is one, else as it came, "" if withheld.
    pub number: String,
    /// What the person typed; `None` for a call that came in.
    pub dialled: Option<String>,
    /// Name on the line, already made safe.
    pub name: Option<String>,
    /// Our number or trunk, if known.
    pub line: Option<String>,
    /// Where the call lives on the server.
    pub room: RoomName,
    /// The phone leg in that room.
    pub leg: Identity,
    /// Unix milliseconds.
    pub started_unix_ms: i64,
}

/// The last entry of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFinish {
    /// Which.
    pub call: CallId,
    /// Why.
    pub reason: EndReason,
    /// Unix milliseconds; `None`: never answered here.
    pub answered_unix_ms: Option<i64>,
    /// Unix milliseconds.
    pub ended_unix_ms: i64,
    /// Is the leg known to be gone? Otherwise the row stays on the list of what must be dropped.
    pub leg_gone: bool,
    /// Seconds of sound heard from the far end.
    pub heard_seconds: f64,
    /// Their loudness in dBFS.
    pub heard_dbfs: Option<f64>,
    /// How long the phone rang, there or here.
    pub rang: Duration,
    /// What the network call was named and how well it was heard.
    pub facts: Box<CallFacts>,
}

/// What is known of a call besides who and when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallFacts {
    /// The bridge's name of the call (`sip.callID`).
    pub sip_call_id: Option<String>,
    /// The `Call-ID` of the SIP dialogue (`sip.callIDFull`).
    pub sip_call_id_full: Option<String>,
    /// The provider's own name of the call, where it tells one.
    pub provider_call_id: Option<String>,
    /// The last SIP code that was told.
    pub sip_code: Option<u16>,
    /// Packets of the far end that never came.
    pub packets_lost: u64,
    /// Packets of the far end that came.
    pub packets_received: u64,
    /// Highest jitter of the far end's packets, milliseconds.
    pub jitter_max_ms: f64,
    /// How often the connection was rebuilt.
    pub reconnections: u32,
    /// The colleague who took it.
    pub answered_by: Option<String>,
    /// To whom it was handed over.
    pub transferred_to: Option<String>,
    /// Mean jitter of the far end's packets, milliseconds.
    pub jitter_mean_ms: f64,
    /// Name of the microphone that carried it last, as the system calls it.
    pub microphone: Option<String>,
    /// Name of the speaker that carried it last.
    pub speaker: Option<String>,
    /// Everybody on the phone, the first far end first; empty if nobody else was called.
    pub people: Vec<LogPerson>,
}

/// One phone leg of a call that had several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPerson {
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// What they say of themselves, already made safe.
    pub name: Option<String>,
    /// Did they talk with anybody here?
    pub answered: bool,
    /// Why their leg ended.
    pub reason: EndReason,
}

/// Where a call is handed over to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TransferTarget {
    /// A number: E.164 or a short code.
    Number(String),
    /// A `sip:` or `sips:` address, checked.
    Address(String),
}

/// For one connection to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomCommand {
    /// Join; answer with `Joined` or `JoinFailed`. Never subscribes by itself.
    Join {
        /// The new connection.
        link: Link,
        /// Where.
        room: RoomName,
    },
    /// Tell colleagues at once that this desk answers (own attribute `desk.claim`).
    Claim {
        /// Which connection.
        link: Link,
    },
    /// Announce and feed the microphone; answer with `Published` or `PublishFailed`.
    PublishMicrophone {
        /// Which connection.
        link: Link,
    },
    /// Listen to the phone legs of the room, also to those that come later or come back.
    Listen {
        /// Which connection.
        link: Link,
    },
    /// Send silence instead of the microphone. Packets go on.
    SetMuted {
        /// Which connection.
        link: Link,
        /// Silence?
        muted: bool,
    },
    /// Hold: the far end hears music instead of our microphone, and nothing of this room is heard here. Packets go on.
    /// Mute is kept apart and comes back with the end of the hold.
    SetHeld {
        /// Which connection.
        link: Link,
        /// Held?
        held: bool,
    },
    /// Who hears our microphone and whom we hear: `Some` only this leg, and every other leg hears music; `None` all.
    /// Answered with `AudienceSet` or `AudienceFailed`.
    SetAudience {
        /// Which connection.
        link: Link,
        /// The one leg.
        only: Option<Identity>,
    },
    /// Send keys to a phone leg, in order; `w` waits half a second. Answered with `KeysFailed` if they did not go out.
    SendKeys {
        /// Which connection.
        link: Link,
        /// To whom.
        leg: Identity,
        /// Only `0-9 * # A-D w`.
        keys: String,
    },
    /// Ask the bridge over the room to end the leg; answer with `EndLegAnswered`. Never for an outbound leg that rings.
    EndLeg {
        /// Which connection.
        link: Link,
        /// Which leg.
        leg: Identity,
    },
    /// Leave; answer with `Closed`. Also abandons a join under way (then `JoinFailed` or `Closed`, either will do).
    Leave {
        /// Which connection.
        link: Link,
    },
}

impl RoomCommand {
    /// The connection it is for.
    #[must_use]
    pub fn link(&self) -> &Link {
        match self {
            Self::Join { link, .. }
            | Self::Claim { link }
            | Self::PublishMicrophone { link }
            | Self::Listen { link }
            | Self::SetMuted { link, .. }
            | Self::SetHeld { link, .. }
            | Self::SetAudience { link, .. }
            | Self::SendKeys { link, .. }
            | Self::EndLeg { link, .. }
            | Self::Leave { link } => link,
        }
    }
}

/// For the server's API. Requests for one call are carried out in order, except that `Place` never holds up the others:
/// it stays open until the far end answers, and dropping it would cancel nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegCommand {
    /// Dial, waiting for the answer; answer with `Answered` or `PlaceFailed`.
    Place {
        /// Whose leg.
        call: CallId,
        /// Where it goes.
        room: RoomName,
        /// Its identity there.
        leg: Identity,
        /// E.164 or a short code.
        to: String,
        /// Name, number or id of the trunk; `None`: the first.
        line: Option<String>,
        /// The number of that trunk which the far end sees; `None`: as the trunk has it.
        caller_id: Option<String>,
        /// How long the far end may ring, at most 75 s (the server's own limit for a waiting request is 80 s).
        ring_for: Duration,
    },
    /// Dial another person into the room of a call; answer with `PersonAnswered` or `PersonFailed`.
    PlacePerson {
        /// For which call.
        call: CallId,
        /// Where they go.
        room: RoomName,
        /// Their identity there.
        leg: Identity,
        /// E.164 or a short code.
        to: String,
        /// Name, number or id of the trunk; `None`: the first.
        line: Option<String>,
        /// The number of that trunk which they see; `None`: as the trunk has it.
        caller_id: Option<String>,
        /// How long their phone may ring, at most 75 s.
        ring_for: Duration,
    },
    /// Hand the leg over by SIP REFER, waiting for the outcome; answer with `Transferred` or `TransferFailed`.
    Transfer {
        /// Which call.
        call: CallId,
        /// Where it is.
        room: RoomName,
        /// Whose leg.
        leg: Identity,
        /// To whom.
        to: TransferTarget,
        /// How long the outcome may take.
        within: Duration,
    },
    /// Stop phone legs of a room hearing each other, or let them again; every one is answered once with `Parted`.
    Part {
        /// Which call.
        call: CallId,
        /// Where they are.
        room: RoomName,
        /// All legs that must not hear each other: those that are up, and one alone before another is dialled.
        legs: Vec<Identity>,
        /// Apart?
        apart: bool,
    },
    /// Remove a participant (ends a leg, cancels a ringing one, sweeps a crashed colleague); answer with `Removed`.
    Remove {
        /// For which call.
        call: CallId,
        /// Where.
        room: RoomName,
        /// Whom.
        identity: Identity,
    },
    /// Delete the room and all in it; answer with `RoomDeleted`.
    DeleteRoom {
        /// For which call.
        call: CallId,
        /// Which.
        room: RoomName,
    },
    /// List the room; answer with `Looked`.
    Look {
        /// For which call.
        call: CallId,
        /// Where.
        room: RoomName,
        /// The leg of interest.
        leg: Identity,
    },
    /// Look at the line now instead of at the next regular time.
    RetryLine,
}

/// For the sound devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioCommand {
    /// Open microphone and speaker for a call; answer with `Opened` or `Failed`.
    Open,
    /// Close them.
    Close,
    /// Ring on the ring device until told otherwise.
    Ring(bool),
    /// The tone a caller hears while the far end rings.
    Ringback(bool),
    /// Busy tone for two seconds, then silence by itself.
    BusyTone,
    /// One soft beep in the call device: another call waits.
    Beep,
    /// The tone of a key we sent, for our own ear.
    KeyTone(char),
    /// A short falling tone: the call is over.
    EndTone,
}

/// For the shell: windows and notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellCommand {
    /// Show the overlay: somebody calls.
    ShowOverlay,
    /// Nobody calls any more.
    HideOverlay,
    /// A system notification for an incoming call.
    NotifyIncoming {
        /// Which.
        call: CallId,
    },
    /// A system notification for a missed call.
    NotifyMissed {
        /// Which.
        call: CallId,
    },
    /// A dial was refused before anything was done.
    Refused {
        /// Which.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
    /// After [`Intent::Quit`](crate::input::Intent::Quit): nothing is left to end.
    MayQuit,
}

/// Something a person should read; not the end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts up.
    pub id: u32,
    /// Stable word.
    pub code: &'static str,
    /// One sentence: what, why, what next.
    pub text: String,
}
