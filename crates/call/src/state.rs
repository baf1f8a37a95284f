//! States of a call and the small values they are made of.

use std::time::Duration;

use crate::ids::Identity;

/// The moment of an input. Given from outside: the phone has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since any fixed moment. Counts while the computer sleeps.
    pub mono: Duration,
    /// Milliseconds since 1970 by the wall clock: for people and rows, never for deadlines.
    pub unix_ms: i64,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// This desk dials.
    Outbound,
    /// Somebody calls in.
    Inbound,
}

/// `sip.callStatus` of a phone leg. It only moves forward: after a server crash a leg comes back as `dialing` although
/// its call is up, so a lower or empty value is no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegStatus {
    /// The invitation is on its way.
    Dialing,
    /// The phone at the far end rings, or the caller hears ringing.
    Ringing,
    /// Answered; the bridge still sends the keys that were asked for.
    Automation,
    /// Both sides talk.
    Active,
    /// Over.
    Hangup,
}

impl LegStatus {
    /// Parses the attribute's text; `None` for "" and for words of a newer server.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "dialing" => Some(Self::Dialing),
            "ringing" => Some(Self::Ringing),
            "automation" => Some(Self::Automation),
            "active" => Some(Self::Active),
            "hangup" => Some(Self::Hangup),
            _ => None,
        }
    }
}

/// Why a participant left or a connection was closed, as LiveKit says it (`DisconnectReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// It left by itself: after `hangup` the far end ended the call, without it a timeout or a failed line.
    ClientInitiated,
    /// Another connection took the same identity.
    DuplicateIdentity,
    /// The server goes down.
    ServerShutdown,
    /// Removed through the server's API.
    ParticipantRemoved,
    /// The room was deleted.
    RoomDeleted,
    /// The far end could not be reached: not found, no answer, temporarily unavailable.
    UserUnavailable,
    /// The far end refused: busy, declined.
    UserRejected,
    /// The provider's trunk failed.
    TrunkFailure,
    /// The server lost it.
    ConnectionTimeout,
    /// No reason, or one that says nothing about the call. Never an end by itself.
    Unknown,
}

impl LeaveReason {
    /// Is a phone leg that left for this reason gone for good? A server in trouble says the others about legs whose
    /// call goes on.
    #[must_use]
    pub fn proves_gone(self) -> bool {
        match self {
            Self::ClientInitiated
            | Self::ParticipantRemoved
            | Self::RoomDeleted
            | Self::UserUnavailable
            | Self::UserRejected
            | Self::TrunkFailure
            | Self::ConnectionTimeout => true,
            Self::DuplicateIdentity | Self::ServerShutdown | Self::Unknown => false,
        }
    }
}

/// What kind of participant somebody in a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParticipantKind {
    /// A person at a desk.
    Standard,
    /// A phone leg.
    Sip,
    /// An assistant.
    Agent,
    /// Recorders, bridges, anything else.
    Other,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Unique in the room.
    pub identity: Identity,
    /// As told by the participant: hostile, shorten before showing (`number::display_name`).
    pub name: String,
    /// Person, phone leg, assistant.
    pub kind: ParticipantKind,
    /// For a phone leg: its `sip.callStatus`.
    pub leg_status: Option<LegStatus>,
    /// Has set the attribute `desk.claim`: is about to answer.
    pub claims: bool,
    /// For a phone leg: its names on the network, where the bridge tells them.
    pub call_ids: CallIds,
}

/// How the network names the call of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallIds {
    /// `sip.callID`: the bridge's name.
    pub bridge: Option<String>,
    /// `sip.callIDFull`: the `Call-ID` of the SIP dialogue; known once answered.
    pub dialogue: Option<String>,
    /// The provider's own name, where an attribute carries it.
    pub provider: Option<String>,
}

/// The state of a call.
///
/// ```text
/// outbound  Preparing -> Joining -> Dialling -> RemoteRinging --+
/// inbound   Offered <-> Claiming -> Answering ------------------+-> Live -> Ending -> Ended
///             ^------------------------+  (claim lost but still ringing, or answering failed)
/// ```
/// Any state but `Ended` may go to `Ending`. Reconnecting, muted and held are fields of a live call, not states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Being written to the journal: nothing was dialled yet.
    Preparing,
    /// Entering the room, opening the sound devices.
    Joining,
    /// The phone leg is being placed.
    Dialling,
    /// The far end rings.
    RemoteRinging,
    /// A caller waits; this desk rings.
    Offered,
    /// This desk entered the room to find out whether it is the first.
    Claiming,
    /// The claim is won and the microphone is being published.
    Answering,
    /// Both sides talk.
    Live,
    /// A call of an earlier run that is still up; somebody may go back into it.
    Stranded,
    /// We left, the others talk on; watched, so that nobody is left alone in the room.
    HandedOver,
    /// Being taken down.
    Ending,
    /// Over.
    Ended,
}

impl CallState {
    /// A short stable name, for logs and the terminal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Joining => "joining",
            Self::Dialling => "dialling",
            Self::RemoteRinging => "remote_ringing",
            Self::Offered => "offered",
            Self::Claiming => "claiming",
            Self::Answering => "answering",
            Self::Live => "live",
            Self::Stranded => "stranded",
            Self::HandedOver => "handed_over",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }

    /// Uses the one microphone: a second one of these is refused.
    #[must_use]
    pub fn is_busy(self) -> bool {
        match self {
            Self::Preparing
            | Self::Joining
            | Self::Dialling
            | Self::RemoteRinging
            | Self::Claiming
            | Self::Answering
            | Self::Live => true,
            Self::Offered | Self::Stranded | Self::HandedOver | Self::Ending | Self::Ended => false,
        }
    }
}

/// The media of the far end, measured once a second by `realtime` on a talking connection.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MediaReport {
    /// Packets received from the far end since the track came.
    pub packets: u64,
    /// How long no packet has come. Frames go on as zeros meanwhile.
    pub stalled: Duration,
    /// Seconds of sound above the noise floor (-50 dBFS) heard so far.
    pub heard_seconds: f64,
    /// Root mean square of those seconds in dBFS; `None` while nothing was heard.
    pub heard_dbfs: Option<f64>,
    /// Packets of the far end that never came.
    pub lost: u64,
    /// Jitter of the far end's packets at the last look, milliseconds.
    pub jitter_ms: f64,
    /// Round trip to the server at the last look, milliseconds; 0: not known yet.
    pub round_trip_ms: f64,
    /// Of a hundred of our packets so many did not reach the server, by its last report; 0 until there is one.
    pub sent_lost_percent: f64,
}
