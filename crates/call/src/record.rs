//! One call as the phone remembers it, and what its transitions share.

use std::time::Duration;

use crate::circle::Circle;
use crate::end::EndReason;
use crate::fail_over::Ways;
use crate::ids::{CallId, Identity, Link, Role, RoomName};
use crate::input::{LegFact, PlaceFailure};
use crate::number::Region;
use crate::output::{CallFacts, LegCommand, LogCommand, Notice, Output, RoomCommand, ShellCommand};
use crate::people::Party;
use crate::rejoin::Back;
use crate::settings::DeskSettings;
use crate::state::{CallState, Direction, LeaveReason, LegStatus, MediaReport, Now};
use crate::view::{CallView, DeclineEffect, TransferView};

/// How far the taking-down of a call has come. See `ending.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A refusal was seen from one side (request or room); the other follows within milliseconds and may know more.
    Verdict,
    /// Asking who else rings, before a decline ends it for the caller.
    Decline,
    /// The leg is up although this desk was told that its microphone was not announced: asking whose conversation it is.
    Whose,
    /// The bridge was asked over the room.
    EndLeg,
    /// The server was asked to remove the leg.
    Remove,
    /// The server was asked to delete the room.
    Delete,
    /// Leaving our connections.
    Leave,
}

/// What may wake a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The present state or phase has lasted too long.
    State,
    /// The leg left while the connection was shaky, and is not back.
    LegMissing,
    /// Time to ask the server what it lists.
    Look,
    /// Time for a sign of life in the journal.
    Alive,
    /// Time to join the hidden watch again.
    Watch,
    /// A colleague claimed this call: does it still ring?
    Colleague,
    /// A short pause before the next attempt at the same thing.
    Again,
    /// A transfer has had its time, or the leg that was handed over.
    Transfer,
    /// A person of a call with several has had their time.
    People,
    /// Who hears whom was not confirmed in time, or is to be asked for again.
    Circle,
}

pub(crate) const TIMERS: [Timer; 10] = [
    Timer::State,
    Timer::LegMissing,
    Timer::Look,
    Timer::Alive,
    Timer::Watch,
    Timer::Colleague,
    Timer::Again,
    Timer::Transfer,
    Timer::People,
    Timer::Circle,
];

/// A colleague who told no name.
pub(crate) const NAMELESS: &str = "a colleague";

/// What all calls of a desk share during one step.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) out: Vec<Output>,
    pub(crate) now: Now,
    pub(crate) settings: DeskSettings,
    pub(crate) region: Region,
    pub(crate) ring_for: Duration,
    /// A busy tone plays until then, so the devices stay open.
    pub(crate) tone_until: Option<Duration>,
    pub(crate) notice: Option<Notice>,
    pub(crate) notices: u32,
    pub(crate) devices: Devices,
    /// Enough other desks followed the last caller by a hidden join.
    pub(crate) crowded: bool,
    pub(crate) changed: bool,
}

/// The names of the devices that were open last. What is not open any more is not forgotten: the row of a call is
/// finished after its devices are closed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Devices {
    pub(crate) microphone: Option<String>,
    pub(crate) speaker: Option<String>,
}

impl Devices {
    pub(crate) fn note(&mut self, microphone: Option<String>, speaker: Option<String>) {
        self.microphone = microphone.or(self.microphone.take());
        self.speaker = speaker.or(self.speaker.take());
    }
}

impl Shared {
    pub(crate) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    pub(crate) fn room(&mut self, command: RoomCommand) {
        self.push(Output::Room(command));
    }

    pub(crate) fn leg(&mut self, command: LegCommand) {
        self.push(Output::Leg(command));
    }

    pub(crate) fn log(&mut self, command: LogCommand) {
        self.push(Output::Log(command));
    }

    pub(crate) fn shell(&mut self, command: ShellCommand) {
        self.push(Output::Shell(command));
    }

    pub(crate) fn notify(&mut self, code: &'static str, text: impl Into<String>) {
        self.notices = self.notices.wrapping_add(1);
        self.notice = Some(Notice {
            id: self.notices,
            code,
            text: text.into(),
        });
        self.changed = true;
    }
}

/// A colleague in the room of a waiting caller: about to answer, or what a crashed desk left behind.
#[derive(Debug, Clone)]
pub(crate) struct Colleague {
    pub(crate) identity: Identity,
    pub(crate) name: String,
}

/// A colleague who was seen in the room.
#[derive(Debug, Clone)]
pub(crate) struct Bystander {
    pub(crate) name: String,
    pub(crate) claims: bool,
}

/// One of our connections to the room of a call.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    pub(crate) joined: bool,
    /// `Leave` was sent; only `Closed` or `JoinFailed` is awaited.
    pub(crate) leaving: bool,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) direction: Direction,
    pub(crate) number: String,
    pub(crate) shown: String,
    pub(crate) name: Option<String>,
    pub(crate) line: Option<String>,
    /// The lines it may go over.
    pub(crate) ways: Ways,
    /// Entries of the row that the journal answers: asked of it, and answered. The call waits while it owes one.
    pub(crate) rows_asked: u32,
    pub(crate) rows_told: u32,
    pub(crate) room: RoomName,
    pub(crate) leg: Identity,
    pub(crate) state: CallState,
    pub(crate) phase: Phase,
    timers: [Option<Duration>; TIMERS.len()],
    /// One moment by both clocks.
    pub(crate) since: Now,
    pub(crate) started_ms: i64,
    pub(crate) answered_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) talk: Option<Connection>,
    pub(crate) watch: Option<Connection>,
    attempts: [u32; 2],
    /// The microphone was asked to be announced on the present talking connection.
    pub(crate) publishing: bool,
    /// ... and is.
    pub(crate) published: bool,
    /// An announcement was asked for at any time: an `active` leg may then be ours whatever we were told.
    pub(crate) announced: bool,
    /// This desk placed or answered the leg, so it must end it. Decided when the taking-down begins.
    pub(crate) ours: bool,
    /// The dial request may still bring a leg that nobody has seen.
    pub(crate) place_open: bool,
    pub(crate) placed: bool,
    pub(crate) place_failure: Option<PlaceFailure>,
    pub(crate) leave: Option<LeaveReason>,
    pub(crate) status: Option<LegStatus>,
    pub(crate) leg_gone: bool,
    /// A request to delete the room is open.
    pub(crate) deleting: bool,
    /// The room is to be deleted once we are out of it.
    pub(crate) deletion_owed: bool,
    /// The room was deleted, or was not there any more.
    pub(crate) deleted: bool,
    pub(crate) drop_tries: u32,
    pub(crate) muted: bool,
    /// The far end waits with music.
    pub(crate) held: bool,
    /// A handing over under way, or its last result.
    pub(crate) transfer: Option<TransferView>,
    /// Further people in this call.
    pub(crate) party: Party,
    /// Who hears whom.
    pub(crate) circle: Circle,
    /// Handed over; have two legs been seen since?
    pub(crate) watched: Option<bool>,
    pub(crate) silenced: bool,
    /// A rule of this desk keeps it from ringing.
    pub(crate) quiet: bool,
    /// It was announced by a system notification.
    pub(crate) notified: bool,
    pub(crate) only_desk: bool,
    /// The caller's leg was seen in the room by the last that was told of it there. Inbound only.
    pub(crate) in_sight: bool,
    /// The server denied a leg that the watch sees, and the room is being asked: so many more times if it cannot be entered.
    pub(crate) denied: u8,
    /// When nobody waits any more, whatever we were (not) told. Inbound only.
    pub(crate) offer_until: Duration,
    /// Somebody claimed this call a moment ago and is believed.
    pub(crate) claimed_by: Option<String>,
    pub(crate) colleagues: Vec<Colleague>,
    /// Our own visible connection, as the watch sees it.
    pub(crate) own_chair: Option<Identity>,
    /// The last colleague seen in the room.
    pub(crate) bystander: Option<Bystander>,
    /// Removals of ghosts that were not answered yet.
    pub(crate) sweeping: usize,
    /// The talking connection is being rebuilt.
    pub(crate) reconnecting: bool,
    /// The leg left for a reason that proves nothing, and is not back yet.
    pub(crate) leg_missing: bool,
    /// No packet comes from the far end.
    pub(crate) stalled: bool,
    /// A look at the server's list is under way.
    pub(crate) looking: bool,
    pub(crate) keys_waiting: String,
    pub(crate) keys_sent: String,
    pub(crate) keys_received: String,
    pub(crate) media: MediaReport,
    /// The sum when the far end's present track came.
    pub(crate) media_before: MediaReport,
    pub(crate) last_report: MediaReport,
    /// How many reports the mean jitter is of.
    pub(crate) reports: u32,
    pub(crate) end: Option<EndReason>,
    /// What the person typed.
    pub(crate) dialled: Option<String>,
    pub(crate) ringing_since: Option<Duration>,
    /// How long a phone rang.
    pub(crate) rang: Duration,
    pub(crate) facts: CallFacts,
    pub(crate) back: Back,
    /// When the call is given up, as it was told last.
    pub(crate) limit: Option<i64>,
}

impl Call {
    pub(crate) fn new(
        id: CallId,
        direction: Direction,
        number: String,
        shown: String,
        room: RoomName,
        leg: Identity,
        now: Now,
    ) -> Self {
        Self {
            id,
            direction,
            number,
            shown,
            name: None,
            line: None,
            ways: Ways::default(),
            rows_asked: 0,
            rows_told: 0,
            room,
            leg,
            state: match direction {
                Direction::Outbound => CallState::Preparing,
                Direction::Inbound => CallState::Offered,
            },
            phase: Phase::Leave,
            timers: [None; TIMERS.len()],
            since: now,
            started_ms: now.unix_ms,
            answered_ms: None,
            ended_ms: None,
            talk: None,
            watch: None,
            attempts: [0; 2],
            publishing: false,
            published: false,
            announced: false,
            ours: false,
            place_open: false,
            placed: false,
            place_failure: None,
            leave: None,
            status: None,
            leg_gone: false,
            deleting: false,
            deletion_owed: false,
            deleted: false,
            drop_tries: 0,
            muted: false,
            held: false,
            transfer: None,
            party: Party::default(),
            circle: Circle::default(),
            watched: None,
            silenced: false,
            quiet: false,
            notified: false,
            only_desk: false,
            in_sight: false,
            denied: 0,
            offer_until: now.mono,
            claimed_by: None,
            colleagues: Vec::new(),
            own_chair: None,
            bystander: None,
            sweeping: 0,
            reconnecting: false,
            leg_missing: false,
            stalled: false,
            looking: false,
            keys_waiting: String::new(),
            keys_sent: String::new(),
            keys_received: String::new(),
            media: MediaReport::default(),
            media_before: MediaReport::default(),
            last_report: MediaReport::default(),
            reports: 0,
            end: None,
            dialled: None,
            ringing_since: None,
            rang: Duration::ZERO,
            facts: CallFacts::default(),
            back: Back::default(),
            limit: None,
        }
    }

    /// The wall clock as it stood when this run learned of the call, moved on by the monotonic one: a clock that is set during a call
    /// changes no duration.
    pub(crate) fn clock(&self, now: Now) -> i64 {
        let passed = now.mono.saturating_sub(self.since.mono).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        // never before what the row says already: a call of an earlier run had another clock
        let known = self.answered_ms.unwrap_or(self.started_ms);
        self.since.unix_ms.saturating_add(passed).max(known)
    }

    fn timer(&mut self, timer: Timer) -> Option<&mut Option<Duration>> {
        TIMERS
            .iter()
            .position(|t| *t == timer)
            .and_then(|i| self.timers.get_mut(i))
    }

    /// Wakes the call after `after`; replaces an earlier setting.
    pub(crate) fn wake(&mut self, timer: Timer, after: Duration, now: Now) {
        if let Some(slot) = self.timer(timer) {
            *slot = Some(now.mono.saturating_add(after));
        }
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        if let Some(slot) = self.timer(timer) {
            *slot = None;
        }
    }

    pub(crate) fn is_waking(&self, timer: Timer) -> bool {
        self.due(timer).is_some()
    }

    /// When this timer wakes the call, if it does.
    pub(crate) fn due(&self, timer: Timer) -> Option<Duration> {
        let mut set = self.timers.iter().zip(TIMERS);
        set.find(|(_, of)| *of == timer).and_then(|(slot, _)| *slot)
    }

    pub(crate) fn cancel_all(&mut self) {
        self.timers = [None; TIMERS.len()];
    }

    /// The earliest moment at which a timer is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timers.iter().flatten().min().copied()
    }

    /// Takes one timer that is due.
    pub(crate) fn take_due(&mut self, now: Now) -> Option<Timer> {
        for (slot, timer) in self.timers.iter_mut().zip(TIMERS) {
            if slot.is_some_and(|due| due <= now.mono) {
                *slot = None;
                return Some(timer);
            }
        }
        None
    }

    pub(crate) fn enter(&mut self, state: CallState, limit: Option<Duration>, now: Now) {
        self.state = state;
        match limit {
            Some(limit) => self.wake(Timer::State, limit, now),
            None => self.cancel(Timer::State),
        }
    }

    /// Opens a new connection of this role; an older one of the same role is left.
    pub(crate) fn join(&mut self, role: Role, shared: &mut Shared) {
        self.leave(role, shared);
        let [talks, watches] = &mut self.attempts;
        let (slot, attempt) = match role {
            Role::Talk => (&mut self.talk, talks),
            Role::Watch => (&mut self.watch, watches),
        };
        *attempt = attempt.saturating_add(1);
        let link = Link {
            call: self.id.clone(),
            role,
            attempt: *attempt,
        };
        *slot = Some(Connection {
            link: link.clone(),
            joined: false,
            leaving: false,
        });
        shared.room(RoomCommand::Join {
            link,
            room: self.room.clone(),
        });
    }

    /// Leaves the connection of this role, if there is one.
    pub(crate) fn leave(&mut self, role: Role, shared: &mut Shared) {
        let slot = match role {
            Role::Talk => &mut self.talk,
            Role::Watch => &mut self.watch,
        };
        if let Some(connection) = slot
            && !connection.leaving
        {
            connection.leaving = true;
            shared.room(RoomCommand::Leave {
                link: connection.link.clone(),
            });
        }
        if role == Role::Talk {
            self.off_the_air();
        }
    }

    /// Nothing of ours is announced, or about to be, on a connection of this call.
    pub(crate) fn off_the_air(&mut self) {
        self.publishing = false;
        self.published = false;
        self.reconnecting = false;
    }

    /// The talking connection, if it is joined and not being left.
    pub(crate) fn talking(&self) -> Option<Link> {
        self.talk
            .as_ref()
            .filter(|c| c.joined && !c.leaving)
            .map(|c| c.link.clone())
    }

    /// The present connection with this link; `None` for an older attempt.
    pub(crate) fn connection(&mut self, link: &Link) -> Option<&mut Connection> {
        let slot = match link.role {
            Role::Talk => &mut self.talk,
            Role::Watch => &mut self.watch,
        };
        slot.as_mut().filter(|connection| connection.link == *link)
    }

    /// Takes note of a status of the leg. Only moves forward; says whether it did.
    pub(crate) fn advance_status(&mut self, status: LegStatus) -> bool {
        if self.status.is_some_and(|seen| seen >= status) {
            return false;
        }
        self.status = Some(status);
        true
    }

    pub(crate) fn look(&mut self, shared: &mut Shared) {
        self.looking = true;
        shared.leg(LegCommand::Look {
            call: self.id.clone(),
            room: self.room.clone(),
            leg: self.leg.clone(),
        });
    }

    /// Remembers what a dial request came to, whatever state the call is in by now.
    pub(crate) fn note_place(&mut self, fact: &LegFact) {
        self.note_sip_code(fact);
        match fact {
            LegFact::Answered { .. } => self.place_open = false,
            LegFact::PlaceFailed { failure, .. } => {
                // who did not hear the server's answer does not know that no leg comes
                self.place_open &= self.status.is_none() && !failure.proves_no_leg();
                // a call that was answered is ended by what its room says, not by a late answer to the dial request
                if failure.proves_no_leg() && self.answered_ms.is_none() {
                    self.leg_gone = true;
                }
            }
            LegFact::Removed { .. }
            | LegFact::RoomDeleted { .. }
            | LegFact::DropFailed { .. }
            | LegFact::Looked { .. }
            | LegFact::LookFailed
            | LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => {}
        }
    }

    /// Does it ring here: nobody silenced it, no rule does, and no colleague is answering it?
    pub(crate) fn rings_here(&self) -> bool {
        self.state == CallState::Offered
            && !self.silenced
            && !self.quiet
            && self.claimed_by.is_none()
    }

    /// Is our own connection, or the leg's, being rebuilt?
    pub(crate) fn is_shaky(&self) -> bool {
        self.reconnecting || self.leg_missing || self.back.rejoining
    }

    /// Live, but nothing comes through.
    pub(crate) fn is_reconnecting(&self) -> bool {
        self.state == CallState::Live && (self.is_shaky() || (self.stalled && !self.held))
    }

    fn words(&self) -> String {
        if let Some(end) = &self.end {
            return end.title();
        }
        match self.state {
            CallState::Preparing | CallState::Joining => "Connecting".into(),
            CallState::Dialling => self.calling_words(),
            CallState::RemoteRinging => "Ringing".into(),
            CallState::Offered => match &self.claimed_by {
                Some(name) => format!("{name} is answering"),
                None => "Incoming call".into(),
            },
            CallState::Claiming | CallState::Answering => "Answering".into(),
            CallState::Live => self.live_words(),
            CallState::Stranded => self.stranded_words(),
            CallState::HandedOver => format!("Handed over to {}", self.handed_to()),
            CallState::Ending | CallState::Ended => "Ending".into(),
        }
    }

    pub(crate) fn view(&self) -> CallView {
        CallView {
            id: self.id.clone(),
            direction: self.direction,
            number: self.number.clone(),
            number_shown: self.shown.clone(),
            name: self.name.clone(),
            line: self.line.clone(),
            refusals: self.ways.refusals.clone(),
            state: self.state,
            words: self.words(),
            started_unix_ms: self.started_ms,
            answered_unix_ms: self.answered_ms,
            ended_unix_ms: self.ended_ms,
            muted: self.muted,
            held: self.held && self.state == CallState::Live,
            can_transfer: self.can_transfer(),
            transfer: self.transfer.clone(),
            people: self.people(),
            private_with: self.private_with().cloned(),
            can_rejoin: self.state == CallState::Stranded && self.back.proven,
            reconnecting: self.is_reconnecting(),
            gives_up_unix_ms: self.limit,
            silenced: self.silenced,
            quiet: false,
            decline_effect: DeclineEffect::default(),
            keys_sent: format!("{}{}", self.keys_sent, self.keys_waiting),
            keys_received: self.keys_received.clone(),
            media: self.media,
            end: self.end.clone(),
        }
    }
}
