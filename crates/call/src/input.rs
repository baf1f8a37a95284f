//! Everything the phone can be told.

use std::time::Duration;

use crate::ids::{CallId, Identity, Link, RoomName};
use crate::routing::Way;
use crate::settings::{Availability, DeskSettings};
use crate::state::{Direction, LeaveReason, LegStatus, MediaReport, Participant};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A person (or a program for them) wants something.
    Intent(Intent),
    /// News of a connection to a room, from `realtime`.
    Room {
        /// Which connection; stale ones are dropped.
        link: Link,
        /// What happened there.
        fact: RoomFact,
    },
    /// News of a request about a phone leg, from `switchboard`.
    Leg {
        /// Whose leg.
        call: CallId,
        /// The answer.
        fact: LegFact,
    },
    /// News from the watch for inbound calls, from `switchboard`.
    Watch(WatchFact),
    /// State of the line as a whole, from `switchboard`.
    Line(LineStatus),
    /// News from the sound devices, from `audio`.
    Audio(AudioFact),
    /// News from the journal, from `history`.
    Log {
        /// Whose row.
        call: CallId,
        /// What became of it.
        fact: LogFact,
    },
    /// A call of an earlier run that the journal still shows as open, or whose leg may still be up.
    Orphan(Orphan),
    /// What the person has set, whole; takes effect at once.
    Settings(DeskSettings),
    /// The deadline of the last [`Step`](crate::Step) has come.
    Tick,
}

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Call somebody. The number is as typed or pasted: hostile.
    Dial {
        /// A fresh id.
        call: CallId,
        /// As typed.
        number: String,
        /// The lines it may go over, as [`route`](crate::routing::route) decided; empty: the server's first.
        ways: Vec<Way>,
    },
    /// Take an offered call. A call that is talked on meanwhile is held or ended, as `other` says.
    Answer {
        /// Which.
        call: CallId,
        /// What becomes of the call that is up.
        other: OtherCall,
    },
    /// Refuse an offered call.
    Decline {
        /// Which.
        call: CallId,
    },
    /// Stop the ringing here; the caller notices nothing.
    Silence {
        /// Which.
        call: CallId,
    },
    /// End or cancel a call.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// Switch the microphone of a call off or on. Packets go on.
    SetMuted {
        /// Which.
        call: CallId,
        /// Off?
        muted: bool,
    },
    /// Hold a call or take it back. Taking one back holds the one that is talked on.
    SetHeld {
        /// Which.
        call: CallId,
        /// Held?
        held: bool,
    },
    /// Hand the far end over by SIP REFER: the provider connects it with somebody else and we are out. Only once the leg
    /// is active; refused or unanswered, the call goes on as before.
    Transfer {
        /// Which.
        call: CallId,
        /// A number, or a `sip:` or `tel:` address: hostile.
        to: String,
    },
    /// Dial somebody else into the room of a live call. `private`: the far end waits with music until [`Intent::Merge`],
    /// [`Intent::HandOver`] or the end of the new leg.
    AddPerson {
        /// Which.
        call: CallId,
        /// As typed: hostile.
        number: String,
        /// Talk to the new person alone first.
        private: bool,
    },
    /// Everybody in the call hears everybody.
    Merge {
        /// Which.
        call: CallId,
    },
    /// Talk to one person of a call with several alone; the others wait with music.
    TalkPrivately {
        /// Which.
        call: CallId,
        /// To whom.
        with: Identity,
    },
    /// Leave a call with several people: they talk on without us.
    HandOver {
        /// Which.
        call: CallId,
    },
    /// End one leg of a call with several.
    DropPerson {
        /// Which.
        call: CallId,
        /// Whom.
        leg: Identity,
    },
    /// Go back into a call that an earlier run left behind and whose leg is still up.
    Rejoin {
        /// Which.
        call: CallId,
    },
    /// Say who may be rung here.
    SetAvailability(Availability),
    /// Send keys (`0-9 * # A-D`, `w` = half a second of pause). Typed before the answer they wait.
    SendKeys {
        /// Which.
        call: CallId,
        /// As typed: hostile.
        keys: String,
    },
    /// Take an ended call off the screen.
    Dismiss {
        /// Which.
        call: CallId,
    },
    /// Take a notice off the screen.
    DismissNotice {
        /// Which.
        id: u32,
    },
    /// The program is about to close: end what we placed or answered, leave what rings to others.
    Quit,
}

/// What becomes of the call that is up when another is answered or dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OtherCall {
    /// It waits with music.
    #[default]
    Hold,
    /// It is ended first.
    End,
}

/// News of one connection to a room.
#[derive(Debug, Clone, PartialEq)]
pub enum RoomFact {
    /// The join answer. `present` is who was there *before* this connection: the claim is decided by nothing else.
    Joined {
        /// Everybody in the join answer, ourselves excluded. Hidden participants never appear.
        present: Vec<Participant>,
    },
    /// The join failed; nothing of this connection is left.
    JoinFailed {
        /// What kind of failure.
        why: JoinFailure,
        /// For the log; without token.
        detail: String,
    },
    /// Our microphone is announced. For an inbound leg this *is* the answer.
    Published,
    /// What [`RoomCommand::SetAudience`](crate::output::RoomCommand) asked for last holds. Every such command is answered
    /// once, in order, by this or by `AudienceFailed`: the answers are counted.
    AudienceSet,
    /// ... or could not be arranged.
    AudienceFailed {
        /// For the log.
        detail: String,
    },
    /// Keys that [`RoomCommand::SendKeys`](crate::output::RoomCommand) asked for did not go out.
    KeysFailed {
        /// Which, as they were asked for.
        keys: String,
        /// For the log.
        detail: String,
    },
    /// Our microphone could not be announced.
    PublishFailed {
        /// For the log.
        detail: String,
    },
    /// Somebody came, or told something new about themselves (status of a leg, claim of a colleague).
    Present(Participant),
    /// Somebody left.
    Left {
        /// Who.
        identity: Identity,
        /// As LiveKit says it.
        reason: LeaveReason,
        /// Was the connection itself just being rebuilt? Then this is no end.
        reconnecting: bool,
    },
    /// The connection is being rebuilt.
    Reconnecting,
    /// The connection is back.
    Reconnected,
    /// The connection is over and gone, by our own leave or otherwise. Comes exactly once after `Joined`.
    Closed {
        /// As LiveKit says it.
        reason: LeaveReason,
    },
    /// Once a second while talking.
    Media(MediaReport),
    /// The far end pressed a key.
    KeyReceived {
        /// One of `0-9 * # A-D`.
        key: char,
    },
    /// The bridge was asked over the room to end the leg.
    EndLegAnswered {
        /// It agreed, or was gone before it could answer.
        done: bool,
    },
}

/// Why a join failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinFailure {
    /// Nothing listens, no network, no name, timeout.
    Unreachable,
    /// The server refuses key, secret or rights.
    Refused,
    /// 500: full, draining or without its store. Worth another try.
    ServerBusy,
    /// No account or its secret cannot be read.
    NotSignedIn,
    /// The engine is missing, altered or gave up.
    Engine,
}

/// Answers of the server about a phone leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegFact {
    /// The dial request came back well: the far end answered.
    Answered {
        /// Whose leg: a call that went over to another line had one before.
        leg: Identity,
    },
    /// The dial request failed.
    PlaceFailed {
        /// Whose leg.
        leg: Identity,
        /// Why.
        failure: PlaceFailure,
    },
    /// The participant was removed, or was not there (`found` = false; that proves nothing).
    Removed {
        /// Was it there?
        found: bool,
    },
    /// The room was deleted, or was not there.
    RoomDeleted {
        /// Was it there?
        found: bool,
    },
    /// A drop request could not be made (network, server). To be tried again.
    DropFailed {
        /// For the log.
        detail: String,
    },
    /// The dial request for another person came back well.
    PersonAnswered {
        /// Whose leg.
        leg: Identity,
    },
    /// ... or failed.
    PersonFailed {
        /// Whose leg.
        leg: Identity,
        /// Why.
        failure: PlaceFailure,
    },
    /// The far end was handed over: the bridge ends the leg within a second or two.
    Transferred,
    /// The transfer was refused or nobody said what became of it: the leg is as it was.
    TransferFailed(TransferFailure),
    /// The legs hear each other no more, or again.
    Parted {
        /// As asked.
        apart: bool,
        /// Did the server do it?
        done: bool,
    },
    /// What the server lists in the room.
    Looked {
        /// The leg, if listed.
        leg: Option<LegStatus>,
        /// Other desks that watch or talk there, this one excluded.
        other_desks: u32,
        /// How many of them came before this desk; all of them if it is not there.
        desks_ahead: u32,
        /// The name of a desk that is there for everybody to see, this one excluded: it answers, or has.
        taken_by: Option<String>,
    },
    /// Looking failed.
    LookFailed,
}

/// Why a leg could not be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceFailure {
    /// The far end, the provider or the bridge answered with a SIP code.
    Sip {
        /// RFC 3261 status code, 300-699.
        code: u16,
    },
    /// Rang out, or our own drop: the server says `canceled` for both.
    Cancelled,
    /// The trunk wants a password that it does not have.
    TrunkNeedsPassword,
    /// No outbound trunk, or none by the asked name.
    NoLine,
    /// No account or its secret cannot be read.
    NotSignedIn,
    /// The server refuses our key.
    Refused,
    /// No answer from the bridge ("no response from servers"): the server has no SIP part running.
    NoBridge,
    /// The server could not be reached; the leg may exist all the same.
    Unreachable {
        /// For the log.
        detail: String,
    },
    /// Anything else the server said.
    Other {
        /// For the log.
        detail: String,
    },
}

impl PlaceFailure {
    /// Is there certainly no leg after this failure? An unreachable server may have carried the request out all the
    /// same.
    #[must_use]
    pub fn proves_no_leg(&self) -> bool {
        match self {
            Self::Sip { .. }
            | Self::Cancelled
            | Self::TrunkNeedsPassword
            | Self::NoLine
            | Self::NotSignedIn
            | Self::Refused
            | Self::NoBridge => true,
            Self::Unreachable { .. } | Self::Other { .. } => false,
        }
    }
}

/// Why a call could not be transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferFailure {
    /// The far end, the provider or the third party answered with a SIP code.
    Sip {
        /// RFC 3261 status code, 300-699.
        code: u16,
    },
    /// Nobody told the outcome in time.
    NoOutcome,
    /// The leg is not (or no longer) up.
    NotUp,
    /// The server could not be reached.
    Unreachable {
        /// For the log.
        detail: String,
    },
    /// Anything else the server said.
    Other {
        /// For the log.
        detail: String,
    },
}

/// News of inbound rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchFact {
    /// A caller waits in a room. Reported once a room.
    Offer(Offer),
    /// The room or its ringing leg is gone.
    Withdrawn {
        /// Which room.
        room: RoomName,
    },
}

/// A caller who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// A fresh id.
    pub call: CallId,
    /// The room made by the dispatch rule.
    pub room: RoomName,
    /// The caller's leg.
    pub leg: Identity,
    /// `sip.phoneNumber`: hostile, may be empty or no number at all.
    pub from: String,
    /// Name on the line: hostile.
    pub name: Option<String>,
    /// `sip.trunkPhoneNumber`: which of our numbers was called.
    pub to: String,
    /// When the room was made, by the server's clock, Unix milliseconds.
    pub created_unix_ms: i64,
}

/// Can this desk place and receive calls?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineStatus {
    /// No account yet.
    SignedOut,
    /// The secret cannot be read: the keychain is locked or absent.
    Locked {
        /// One sentence for the person.
        what: String,
    },
    /// The engine that carries calls is missing or altered: nothing can be placed or received.
    Broken {
        /// One sentence for the person.
        what: String,
    },
    /// First contact is being made.
    Connecting,
    /// The server answered the last look.
    Ready {
        /// The outbound trunks, in the server's order; empty: nobody can be called.
        trunks: Vec<Trunk>,
    },
    /// The server does not answer.
    Unreachable {
        /// One sentence for the person.
        what: String,
        /// Next try, Unix milliseconds.
        next_try_unix_ms: i64,
    },
    /// The server refuses key or secret.
    Refused {
        /// One sentence for the person.
        what: String,
    },
}

/// An outbound trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// Its id.
    pub id: String,
    /// Its name in the project; may be empty.
    pub name: String,
    /// Its numbers; may be empty.
    pub numbers: Vec<String>,
}

impl Trunk {
    /// The first number; "" if it has none.
    #[must_use]
    pub fn number(&self) -> &str {
        self.numbers.first().map_or("", String::as_str)
    }
}

/// News of the sound devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioFact {
    /// Microphone and speaker run.
    Opened,
    /// They could not be opened, or went away and nothing could take their place.
    Failed {
        /// One sentence for the person: what is missing and what to do.
        what: String,
    },
    /// These are open, by the names that the system gives them; for the journal. `None`: none is, which takes no name
    /// back.
    Using {
        /// The microphone.
        microphone: Option<String>,
        /// The speaker.
        speaker: Option<String>,
    },
}

/// What became of a row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFact {
    /// On disk.
    Logged,
    /// Not on disk: the call goes on, the person is told.
    Failed {
        /// One sentence for the person.
        what: String,
    },
}

/// A call of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its id in the journal.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// Its room.
    pub room: RoomName,
    /// Its leg.
    pub leg: Identity,
    /// Had it been answered here?
    pub answered: bool,
    /// How long ago its last sign of life was.
    pub age: Duration,
    /// Did we leave the people in it to talk on without us?
    pub handed_over: bool,
    /// The far number, for showing it.
    pub number: String,
    /// Name on the line, for showing it.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// When it began, Unix milliseconds.
    pub started_unix_ms: i64,
    /// When it was answered here, Unix milliseconds.
    pub answered_unix_ms: Option<i64>,
    /// Was our microphone off at its last sign of life?
    pub muted: bool,
}
