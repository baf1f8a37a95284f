//! A caller who waits: `Offered <-> Claiming -> Answering -> Live`.
//!
//! Announcing a microphone *is* answering, so nothing is published before the claim is won, and the claim is decided by
//! one thing only: who was in the room before us, by the list in our own join answer.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::{Identity, Link, Role};
use crate::input::{JoinFailure, LegFact};
use crate::number;
use crate::output::{LegCommand, RoomCommand};
use crate::record::{Bystander, Call, Colleague, NAMELESS, Shared, Timer};
use crate::state::{CallState, LeaveReason, LegStatus, Participant, ParticipantKind};

/// The trunk's own limit is three minutes; later than that nobody waits any more, whatever we were (not) told.
pub(crate) const OFFER: Duration = Duration::from_secs(185);
/// When to ask who else rings: the other desks need a moment to come.
const LOOK_FIRST: Duration = Duration::from_millis(700);
/// How often to ask again while it rings: what the decline button says must not be old news.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// ... where nothing but these looks tells how the ringing goes on.
const LOOK_ALONE: Duration = Duration::from_secs(1);
/// ... after the room itself has shown that a server denies a caller who is there.
const LOOK_DENIED: Duration = Duration::from_secs(10);
/// Whoever left the room a moment ago is still about to be seen leaving it.
const HEARSAY: Duration = Duration::from_millis(300);
/// So many desks follow a caller by a hidden join; the others look (ADR 0008).
const WATCHERS: u32 = 50;
/// By now they are in the room.
const WATCHERS_COME: Duration = Duration::from_secs(3);
/// A join takes 50-120 ms, with a server in trouble some seconds.
const CLAIM: Duration = Duration::from_secs(12);
/// From the announcement to `active` it takes some 20 ms.
const ANSWER: Duration = Duration::from_secs(12);
/// Pause before the hidden watch is tried again.
const WATCH_AGAIN: Duration = Duration::from_secs(2);
/// A denied caller's room that cannot be entered so often (10 s) is believed to be empty.
const ROOM_TRIES: u8 = 5;
/// A colleague who claimed and has not answered by now is no longer believed.
const COLLEAGUE: Duration = Duration::from_secs(3);

/// Our own earlier connection should be closed by now, so that we do not lose the claim to ourselves.
const REJOIN: Duration = Duration::from_secs(2);
/// A colleague who left the room handed the claim back, unless `active` follows at once.
const HANDED_BACK: Duration = Duration::from_millis(300);
/// Colleagues remembered per call.
const COLLEAGUES: usize = 16;

impl Call {
    /// A fresh offer: row, hidden watch, deadline.
    pub(crate) fn offer(&mut self, shared: &mut Shared) {
        self.start_journal(shared);
        self.rings(shared.now);
        if self.is_followed(shared) {
            self.join(Role::Watch, shared);
        }
        self.offer_until = shared.now.mono.saturating_add(OFFER);
        self.wake(Timer::State, OFFER, shared.now);
        self.wake(Timer::Look, LOOK_FIRST, shared.now);
        shared.changed = true;
    }

    /// Is the ringing followed by a hidden join? That tells at once who answers or gives up, and the other desks count us
    /// among those that ring: so not where nothing rings, and not where enough others are in the room.
    fn is_followed(&self, shared: &Shared) -> bool {
        !self.quiet && !shared.crowded
    }

    /// Joins or leaves the hidden watch as the rules have it now; without it the server is asked every second.
    pub(crate) fn settle_watch(&mut self, shared: &mut Shared) {
        if self.state != CallState::Offered {
            return;
        }
        let is_there = self.watch.as_ref().is_some_and(|watch| !watch.leaving);
        match (self.is_followed(shared), is_there) {
            (true, false) if !self.is_waking(Timer::Watch) => self.join(Role::Watch, shared),
            (false, true) => {
                self.leave(Role::Watch, shared);
                self.wake(Timer::Look, LOOK_ALONE, shared.now);
            }
            (false, false) => self.cancel(Timer::Watch),
            (true, _) => {}
        }
    }

    /// A person wants to take it. Who claimed earlier and has not answered since crashed: such a ghost is removed first.
    pub(crate) fn claim(&mut self, shared: &mut Shared) {
        self.enter(CallState::Claiming, Some(CLAIM), shared.now);
        self.cancel(Timer::Colleague);
        self.cancel(Timer::Look);
        shared.changed = true;
        self.sweeping = 0;
        let believed = self.claimed_by.take().is_some();
        if !believed {
            for ghost in std::mem::take(&mut self.colleagues) {
                self.sweeping = self.sweeping.saturating_add(1);
                shared.leg(LegCommand::Remove {
                    call: self.id.clone(),
                    room: self.room.clone(),
                    identity: ghost.identity,
                });
            }
        }
        if self.talk.is_some() {
            self.wake(Timer::Again, REJOIN, shared.now);
        }
        self.join_claim(shared);
    }

    /// Enters the room once the ghosts are removed and our own earlier connection is closed.
    pub(crate) fn join_claim(&mut self, shared: &mut Shared) {
        if self.state == CallState::Claiming && self.sweeping == 0 && self.talk.is_none() {
            self.cancel(Timer::Again);
            self.join(Role::Talk, shared);
        }
    }

    /// A removal of a ghost was answered.
    pub(crate) fn swept(&mut self, shared: &mut Shared) {
        self.sweeping = self.sweeping.saturating_sub(1);
        self.join_claim(shared);
    }

    /// The join answer of a claim. The leg's status in it was taken note of before.
    pub(crate) fn claim_joined(
        &mut self,
        link: &Link,
        present: &[Participant],
        shared: &mut Shared,
    ) {
        if self.state != CallState::Claiming {
            return;
        }
        if let Some(first) = self.colleagues.first().map(|c| c.name.clone()) {
            self.back_to_offered(shared);
            if self.state == CallState::Offered {
                self.colleague_claims(first, shared);
            }
            return;
        }
        if !present.iter().any(|p| p.identity == self.leg) {
            self.finish(EndReason::Missed, shared);
            return;
        }
        self.enter(CallState::Answering, Some(ANSWER), shared.now);
        shared.room(RoomCommand::Claim { link: link.clone() });
        shared.room(RoomCommand::Listen { link: link.clone() });
        shared.changed = true;
    }

    /// Remembers who was in the room before our claim; nobody else counts.
    pub(crate) fn note_colleagues(&mut self, present: &[Participant]) {
        if self.state == CallState::Claiming {
            let colleagues = present.iter().filter(|p| is_colleague(p));
            self.colleagues = colleagues.take(COLLEAGUES).map(colleague).collect();
        }
    }

    /// Claim won and devices open: announce the microphone, which answers.
    pub(crate) fn advance_answering(&mut self, devices_open: bool, shared: &mut Shared) {
        if self.state != CallState::Answering || self.publishing || !devices_open {
            return;
        }
        if let Some(link) = self.talking() {
            self.publishing = true;
            self.announced = true;
            self.apply_mute(shared);
            shared.room(RoomCommand::PublishMicrophone { link });
        }
    }

    /// Gives the claim back: the caller rings on, here and elsewhere.
    pub(crate) fn back_to_offered(&mut self, shared: &mut Shared) {
        self.leave(Role::Talk, shared);
        self.cancel(Timer::Again);
        self.keys_waiting.clear();
        let left = self.offer_until.saturating_sub(shared.now.mono);
        if left.is_zero() {
            self.finish(EndReason::Missed, shared);
            return;
        }
        self.enter(CallState::Offered, Some(left), shared.now);
        self.wake(Timer::Look, LOOK_FIRST, shared.now);
        shared.changed = true;
    }

    /// Has this desk begun to answer?
    fn is_taking(&self) -> bool {
        match self.state {
            CallState::Claiming | CallState::Answering => true,
            CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Offered
            | CallState::Live
            | CallState::Ending
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ended => false,
        }
    }

    /// Is the caller still unanswered here?
    fn is_waiting(&self) -> bool {
        self.state == CallState::Offered || self.is_taking()
    }

    fn colleague_claims(&mut self, name: String, shared: &mut Shared) {
        self.claimed_by = Some(name);
        self.wake(Timer::Colleague, COLLEAGUE, shared.now);
        shared.changed = true;
    }

    pub(crate) fn inbound_join_failed(
        &mut self,
        role: Role,
        why: JoinFailure,
        shared: &mut Shared,
    ) {
        match role {
            Role::Watch if self.is_waiting() => {
                self.denied = self.denied.saturating_sub(1);
                self.wake(Timer::Watch, WATCH_AGAIN, shared.now);
            }
            Role::Watch => {}
            Role::Talk => {
                if self.is_taking() {
                    let text = match why {
                        JoinFailure::Unreachable | JoinFailure::ServerBusy => {
                            "LiveKit did not let this desk answer. The caller still rings: press Answer again."
                        }
                        JoinFailure::Refused | JoinFailure::NotSignedIn => {
                            "LiveKit refused this desk. Check key and secret in Settings; the caller still rings."
                        }
                        JoinFailure::Engine => {
                            "The sound engine did not start. Close Deskline and start it again; the caller still rings."
                        }
                    };
                    shared.notify("answer_failed", text);
                    self.back_to_offered(shared);
                }
            }
        }
    }

    /// The room of a waiting caller, seen from the hidden watch or while answering.
    pub(crate) fn inbound_present(&mut self, participant: &Participant, shared: &mut Shared) {
        if participant.identity == self.leg {
            return; // its status was taken note of already
        }
        let claims = is_colleague(participant) && participant.claims;
        if self.state == CallState::Answering && claims {
            // who claims while we have won is nobody but us, seen from the watch; handed back, we do not believe ourselves
            self.own_chair = Some(participant.identity.clone());
        }
        if self.own_chair.as_ref() == Some(&participant.identity) {
            return;
        }
        self.note_bystander(participant);
        let known = self
            .colleagues
            .iter()
            .any(|c| c.identity == participant.identity);
        // somebody known is not believed a second time: every attempt of a desk has a name of its own
        if claims
            && !known
            && self.state == CallState::Offered
            && self.colleagues.len() < COLLEAGUES
        {
            let colleague = colleague(participant);
            let name = colleague.name.clone();
            self.colleagues.push(colleague);
            self.colleague_claims(name, shared);
        }
    }

    /// Remembers who might be the one that answers, for the case that nothing more is told. Our own visible connection is
    /// seen from the watch too, so while there is one only who claims counts: we do not before we have won.
    fn note_bystander(&mut self, participant: &Participant) {
        let certain = match self.state {
            CallState::Offered => participant.claims || self.talk.is_none(),
            CallState::Claiming => participant.claims,
            CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Answering
            | CallState::Live
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ending
            | CallState::Ended => false,
        };
        let claimed = self.bystander.as_ref().is_some_and(|seen| seen.claims);
        if is_colleague(participant) && certain && (participant.claims || !claimed) {
            let name = colleague(participant).name;
            let claims = participant.claims;
            self.bystander = Some(Bystander { name, claims });
        }
    }

    pub(crate) fn inbound_colleague_left(&mut self, identity: &Identity, shared: &mut Shared) {
        self.colleagues.retain(|c| c.identity != *identity);
        let Some(believed) = &self.claimed_by else {
            return;
        };
        // others come and go: who lost a claim leaves at once, and so did we
        if self.colleagues.iter().any(|c| c.name == *believed) {
            return;
        }
        match self.colleagues.first() {
            Some(other) => self.claimed_by = Some(other.name.clone()),
            None => self.wake(Timer::Colleague, HANDED_BACK, shared.now),
        }
        shared.changed = true;
    }

    /// A status of the leg before it is ours.
    pub(crate) fn inbound_status(&mut self, status: LegStatus, shared: &mut Shared) {
        if !self.is_waiting() {
            return;
        }
        match status {
            LegStatus::Dialing | LegStatus::Ringing => {}
            LegStatus::Automation | LegStatus::Active => self.inbound_answered(shared),
            LegStatus::Hangup => self.caller_gone(shared),
        }
    }

    /// Somebody answered: this desk, a colleague, or this desk without knowing it.
    fn inbound_answered(&mut self, shared: &mut Shared) {
        if self.state == CallState::Answering && self.publishing {
            self.go_live(shared);
            return;
        }
        // who said so, else who was in the room first
        let said = self.bystander.as_ref().filter(|seen| seen.claims);
        let said = said.map(|seen| seen.name.clone());
        let first = || self.colleagues.first().map(|c| c.name.clone());
        match self.claimed_by.clone().or(said).or_else(first) {
            Some(by) => self.finish(EndReason::AnsweredElsewhere { by }, shared),
            None if self.announced => self.ask_whose(shared),
            None => {
                let by = self.bystander.take().map(|seen| seen.name);
                let by = by.unwrap_or_else(|| NAMELESS.into());
                self.finish(EndReason::AnsweredElsewhere { by }, shared);
            }
        }
    }

    /// The caller's leg left before it was ours.
    pub(crate) fn inbound_left(&mut self, reason: LeaveReason, shared: &mut Shared) {
        self.in_sight = false;
        if self.is_waiting() && reason.proves_gone() {
            self.caller_gone(shared);
        } // else a server in trouble: the leg comes back, or a look or the deadline ends the offer
    }

    /// A connection was closed by the server while the caller waits.
    pub(crate) fn inbound_closed(&mut self, role: Role, reason: LeaveReason, shared: &mut Shared) {
        if reason == LeaveReason::RoomDeleted {
            return self.caller_gone(shared);
        }
        match role {
            Role::Watch => self.wake(Timer::Watch, WATCH_AGAIN, shared.now),
            Role::Talk if self.is_taking() => {
                shared.notify(
                    "answer_failed",
                    "LiveKit closed the connection. If the caller still rings, press Answer again.",
                );
                self.back_to_offered(shared);
            }
            Role::Talk => {}
        }
    }

    pub(crate) fn inbound_leg_fact(&mut self, fact: &LegFact, shared: &mut Shared) {
        match fact {
            LegFact::Looked {
                leg,
                other_desks,
                desks_ahead,
                taken_by,
            } => {
                self.looking = false;
                if self.state == CallState::Offered {
                    self.note_crowd(*other_desks, *desks_ahead, shared);
                    self.note_answerer(*leg, taken_by.as_deref());
                    self.inbound_looked(*leg, *other_desks, shared);
                }
            }
            LegFact::LookFailed => self.looking = false,
            LegFact::Answered { .. }
            | LegFact::PlaceFailed { .. }
            | LegFact::Removed { .. }
            | LegFact::RoomDeleted { .. }
            | LegFact::DropFailed { .. }
            | LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => {}
        }
    }

    fn inbound_looked(&mut self, leg: Option<LegStatus>, others: u32, shared: &mut Shared) {
        let only = others == 0;
        shared.changed |= only != self.only_desk;
        self.only_desk = only;
        self.look_later(shared);
        match leg {
            // a server that lost its memory denies a caller who is there: whoever enters the room is told who is in it
            None if self.sees_leg() => {
                if !self.is_waking(Timer::Watch) {
                    self.denied = ROOM_TRIES;
                    self.wake(Timer::Watch, HEARSAY, shared.now);
                }
            }
            // a server in trouble lets nobody in either; its list proves nothing until it does
            None if self.denied > 0 => {}
            None => self.caller_gone(shared),
            Some(status) => {
                self.denied = 0;
                if self.advance_status(status) {
                    self.inbound_status(status, shared);
                }
            }
        }
    }

    /// Those who came first follow. Who looks instead begins to follow only when too few do although they had the time.
    fn note_crowd(&self, others: u32, ahead: u32, shared: &mut Shared) {
        let age = shared.now.mono.saturating_sub(self.since.mono);
        shared.crowded = if self.is_followed(shared) {
            ahead >= WATCHERS
        } else {
            others >= WATCHERS || (shared.crowded && age < WATCHERS_COME)
        };
    }

    fn look_later(&mut self, shared: &Shared) {
        let after = if self.is_followed(shared) {
            LOOK_AGAIN
        } else {
            LOOK_ALONE
        };
        self.wake(Timer::Look, after, shared.now);
    }

    /// Does the hidden watch see the caller's leg?
    fn sees_leg(&self) -> bool {
        let there = self.watch.as_ref();
        self.in_sight && there.is_some_and(|watch| watch.joined && !watch.leaving)
    }

    /// The hidden watch is in the room: who is there is proven, whatever the server's list says.
    pub(crate) fn watch_joined(&mut self, present: &[Participant], shared: &mut Shared) {
        self.in_sight = present.iter().any(|p| p.identity == self.leg);
        if self.state == CallState::Offered && std::mem::take(&mut self.denied) > 0 {
            if self.in_sight {
                self.wake(Timer::Look, LOOK_DENIED, shared.now);
            } else {
                self.caller_gone(shared);
            }
        }
    }

    fn caller_gone(&mut self, shared: &mut Shared) {
        self.leg_gone = true;
        self.finish(EndReason::Missed, shared);
    }

    /// Without a watch nobody tells who answered but the list of the room.
    fn note_answerer(&mut self, leg: Option<LegStatus>, taken_by: Option<&str>) {
        let told = self.bystander.as_ref().is_some_and(|seen| seen.claims);
        if leg >= Some(LegStatus::Automation)
            && !told
            && let Some(name) = taken_by
        {
            let name = number::display_name(name).unwrap_or_else(|| NAMELESS.into());
            let claims = false;
            self.bystander = Some(Bystander { name, claims });
        }
    }

    /// The watch for callers does not list this one any more: answered elsewhere or gone, the server knows.
    pub(crate) fn withdrawn(&mut self, shared: &mut Shared) {
        if self.state == CallState::Offered {
            let after = if self.looking {
                LOOK_FIRST
            } else {
                Duration::ZERO
            };
            self.wake(Timer::Look, after, shared.now);
        }
    }

    pub(crate) fn inbound_timer(&mut self, timer: Timer, shared: &mut Shared) {
        match timer {
            Timer::State => self.inbound_too_long(shared),
            Timer::Look => {
                if self.state == CallState::Offered {
                    self.look(shared);
                    self.look_later(shared); // an answer may be lost
                }
            }
            Timer::Watch => {
                if self.is_waiting() {
                    self.join(Role::Watch, shared);
                }
            }
            Timer::Colleague => {
                if self.claimed_by.take().is_some() {
                    shared.changed = true; // still ringing: rings here again
                }
            }
            Timer::Again => {
                self.talk = None; // its end was lost
                self.join_claim(shared);
            }
            Timer::LegMissing | Timer::Alive | Timer::Transfer | Timer::People | Timer::Circle => {}
        }
    }

    fn inbound_too_long(&mut self, shared: &mut Shared) {
        match self.state {
            CallState::Offered => self.finish(EndReason::Missed, shared),
            CallState::Claiming => {
                shared.notify(
                    "answer_failed",
                    "LiveKit did not answer in time. The caller still rings: press Answer again.",
                );
                self.back_to_offered(shared);
            }
            CallState::Answering if self.published => {
                self.finish(EndReason::ConnectionLost, shared);
            }
            CallState::Answering => {
                shared.notify(
                    "answer_failed",
                    "The microphone did not open in time. The caller still rings: press Answer again.",
                );
                self.back_to_offered(shared);
            }
            CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Live
            | CallState::Ending
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ended => {}
        }
    }
}

fn is_colleague(participant: &Participant) -> bool {
    participant.kind == ParticipantKind::Standard
}

fn colleague(participant: &Participant) -> Colleague {
    Colleague {
        identity: participant.identity.clone(),
        name: number::display_name(&participant.name).unwrap_or_else(|| NAMELESS.into()),
    }
}
