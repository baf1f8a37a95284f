//! How a call is taken down.
//!
//! Leaving a room does not hang up and dropping the dial request cancels nothing, so every leg that this desk placed or
//! answered is ended by a ladder with a deadline on each rung:
//!
//! ```text
//! EndLeg (over the room; never for an outbound leg that still rings) -> Remove -> Delete the room -> Leave
//! ```
//! A "not found" proves nothing while the dial request is still open: the leg may be about to come. What is not known to
//! be gone when the ladder ends stays on the phone's list of loose legs (`phone.rs`) and in the journal.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::{Link, Role};
use crate::input::{LegFact, PlaceFailure};
use crate::number;
use crate::output::{
    AudioCommand, LegCommand, LogCommand, LogFinish, Output, RoomCommand, ShellCommand,
};
use crate::record::{Call, NAMELESS, Phase, Shared, Timer};
use crate::settings::DeclinePolicy;
use crate::state::{CallState, Direction, LeaveReason, LegStatus};

/// Request and room tell of a refusal within some milliseconds of each other, in either order.
pub(crate) const VERDICT: Duration = Duration::from_millis(300);
/// The bridge answers a request over the room in milliseconds, if at all.
const END_LEG: Duration = Duration::from_millis(1_000);
/// One request to the server.
const REQUEST: Duration = Duration::from_millis(2_500);
/// Pause before asking again for a leg that may be about to come.
const AGAIN: Duration = Duration::from_millis(250);
/// At most this many repetitions of a removal that found nothing.
const REMOVE_TRIES: u32 = 12;
/// Our own connections close in some 10 ms.
const LEAVE: Duration = Duration::from_millis(2_000);
/// A leg that said it hangs up is out of the room some 20 ms later. One that is not has lost its leave and is put out.
const LEG_LEAVES: Duration = Duration::from_millis(300);

/// How long a busy tone plays.
const BUSY_TONE: Duration = Duration::from_secs(2);
/// How long the falling tone of an ended call plays.
const END_TONE: Duration = Duration::from_millis(600);
/// Colleagues who watched a call that was answered are gone by now.
const WATCHERS_GO: Duration = Duration::from_millis(700);
/// The other desks see a new caller within a second.
const OTHERS_COME: Duration = Duration::from_millis(1_500);

impl Call {
    /// Begins to take the call down for a reason that is known. Does nothing if that began already.
    pub(crate) fn finish(&mut self, reason: EndReason, shared: &mut Shared) {
        let reason = self.name_transfer(reason);
        let taken_from_us = self.state == CallState::Live
            && matches!(
                reason,
                EndReason::FarEndHungUp
                    | EndReason::FarEndLost
                    | EndReason::ConnectionLost
                    | EndReason::EndedByServer
            );
        if self.begin_ending(shared) {
            if taken_from_us {
                shared.push(Output::Audio(AudioCommand::EndTone));
                let until = shared.now.mono.saturating_add(END_TONE);
                shared.tone_until = shared.tone_until.max(Some(until));
            }
            self.take_down(reason, shared);
        }
    }

    /// From here on the call is over for the person. Says whether it was not before.
    fn begin_ending(&mut self, shared: &mut Shared) -> bool {
        match self.state {
            CallState::Ending | CallState::Ended => false,
            CallState::Stranded
            | CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Offered
            | CallState::Claiming
            | CallState::Answering
            | CallState::Live
            | CallState::HandedOver => {
                self.rang_until(shared.now);
                self.cancel_all();
                self.back.rejoining = false;
                self.state = CallState::Ending;
                self.ended_ms = Some(self.clock(shared.now));
                shared.changed = true;
                true
            }
        }
    }

    /// Names the outcome and steps on the first rung of the ladder.
    fn take_down(&mut self, reason: EndReason, shared: &mut Shared) {
        if self.direction == Direction::Outbound && reason.sounds_busy() {
            shared.tone_until = Some(shared.now.mono.saturating_add(BUSY_TONE));
            shared.push(Output::Audio(AudioCommand::BusyTone));
        }
        if reason == EndReason::Missed && !self.quiet {
            shared.shell(ShellCommand::NotifyMissed {
                call: self.id.clone(),
            });
        }
        if let EndReason::AnsweredElsewhere { by } = &reason {
            self.facts.answered_by = Some(by.clone());
        }
        self.end = Some(reason);
        self.phase = Phase::Leave;
        shared.changed = true;
        self.ours |= match self.direction {
            Direction::Outbound => self.placed,
            Direction::Inbound => self.answered_ms.is_some() || self.publishing,
        };
        if self.ours && (self.party.is_loose() || (self.watched.is_some() && !self.leg_gone)) {
            return self.ask_deletion(shared); // covers every leg
        }
        if !self.ours || self.leg_gone {
            self.leave_room(shared);
            return;
        }
        // an outbound leg that still rings does not hear the bridge
        let hears = self.answered_ms.is_some() || self.direction == Direction::Inbound;
        match self.talking() {
            Some(link) if hears => self.ask_bridge(link, shared),
            Some(_) | None => self.ask_removal(shared),
        }
    }

    /// A refusal came from one side; waits a moment for the other before naming it, unless the first said it all.
    pub(crate) fn await_verdict(&mut self, shared: &mut Shared) {
        if self.goes_on(shared) {
            return;
        }
        if self.begin_ending(shared) {
            self.phase = Phase::Verdict;
            self.wake(Timer::State, VERDICT, shared.now);
        }
        if self.phase != Phase::Verdict {
            return;
        }
        let nothing_more = match &self.place_failure {
            Some(PlaceFailure::Cancelled) => self.leave.is_some(),
            Some(failure) if failure.proves_no_leg() => true,
            Some(_) => self.leave.is_some() || self.status.is_none(),
            None => false,
        };
        if nothing_more {
            self.name_verdict(shared);
        }
    }

    /// Was the call refused, and is it not known yet why?
    pub(crate) fn awaits_verdict(&self) -> bool {
        self.state == CallState::Ending && self.phase == Phase::Verdict
    }

    /// The leg left before anything rang, and the request did not say why in time: that is no word of a provider.
    pub(crate) fn weighed(&mut self, shared: &mut Shared) {
        if self.begin_ending(shared) {
            self.name_verdict(shared);
        }
    }

    /// The leg left before anything rang, and the request says that it was answered.
    pub(crate) fn answered_and_gone(&mut self, shared: &mut Shared) {
        if self.begin_ending(shared) {
            self.answered_after_all(shared);
        }
    }

    /// The moment of naming an outcome has come.
    fn name_verdict(&mut self, shared: &mut Shared) {
        self.cancel_all();
        self.leg_gone |= self.leave.is_some();
        self.take_down(self.verdict(), shared);
    }

    /// Names the outcome of a call that was never answered from both sides' news.
    pub(crate) fn verdict(&self) -> EndReason {
        let rang = self.ringing_since.is_some();
        refusal(self.place_failure.as_ref(), self.leave, rang)
    }

    /// The far end answered and was gone again before we could see it.
    fn answered_after_all(&mut self, shared: &mut Shared) {
        let at = self.ended_ms.unwrap_or_else(|| self.clock(shared.now));
        self.answered_ms = Some(at);
        shared.log(LogCommand::Answered {
            call: self.id.clone(),
            at_unix_ms: at,
        });
        self.cancel_all();
        self.leg_gone |= self.leave.is_some();
        self.take_down(EndReason::FarEndHungUp, shared);
    }

    /// Declines: asks first who else rings, since the last one ends it for the caller.
    ///
    /// This desk is out of the room before it asks. Of two desks that decline at the same moment the one that asks last
    /// then finds nobody else; if both asked first, each would leave the caller to the other.
    pub(crate) fn decline(&mut self, shared: &mut Shared) {
        if self.begin_ending(shared) {
            self.end = Some(EndReason::DeclinedHere);
            self.phase = Phase::Decline;
            self.looking = false;
            self.leave(Role::Talk, shared);
            self.leave(Role::Watch, shared);
            if shared.settings.decline == DeclinePolicy::OnlyHere {
                return self.leave_room(shared);
            }
            self.wake(Timer::Again, LEAVE, shared.now);
            self.ask_who_rings(shared);
        }
    }

    /// Turned away by rule: the caller is ended if no other desk rings. The others need a moment to come.
    pub(crate) fn turn_away(&mut self, shared: &mut Shared) {
        self.start_journal(shared);
        if self.begin_ending(shared) {
            self.end = Some(EndReason::TurnedAway);
            self.phase = Phase::Decline;
            self.wake(Timer::Again, OTHERS_COME, shared.now);
        }
    }

    /// Asks who else rings, once we are out.
    fn ask_who_rings(&mut self, shared: &mut Shared) {
        if self.phase == Phase::Decline && self.talk.is_none() && self.watch.is_none() {
            // who declines at once may be the first to ring, not the last
            let age = shared.now.mono.saturating_sub(self.since.mono);
            let come = OTHERS_COME.saturating_sub(age);
            if !come.is_zero() && shared.settings.decline == DeclinePolicy::LastDesk {
                return self.wake(Timer::Again, come, shared.now);
            }
            self.cancel(Timer::Again);
            self.wake(Timer::State, REQUEST, shared.now);
            self.look(shared);
        }
    }

    /// The leg is up, nobody here talks and no colleague was seen: whose conversation is it? If nobody else is in the
    /// room it is ours, and must end.
    pub(crate) fn ask_whose(&mut self, shared: &mut Shared) {
        if self.begin_ending(shared) {
            self.leave(Role::Talk, shared);
            self.phase = Phase::Whose;
            self.wake(Timer::Again, WATCHERS_GO, shared.now);
            self.wake(Timer::State, WATCHERS_GO + REQUEST, shared.now);
        }
    }

    fn ask_bridge(&mut self, link: Link, shared: &mut Shared) {
        self.phase = Phase::EndLeg;
        self.wake(Timer::State, END_LEG, shared.now);
        shared.room(RoomCommand::EndLeg {
            link,
            leg: self.leg.clone(),
        });
    }

    fn ask_removal(&mut self, shared: &mut Shared) {
        self.phase = Phase::Remove;
        self.cancel(Timer::Again);
        self.drop_tries = self.drop_tries.saturating_add(1);
        self.wake(Timer::State, REQUEST, shared.now);
        shared.leg(LegCommand::Remove {
            call: self.id.clone(),
            room: self.room.clone(),
            identity: self.leg.clone(),
        });
    }

    pub(crate) fn ask_deletion(&mut self, shared: &mut Shared) {
        self.phase = Phase::Delete;
        self.cancel(Timer::Again);
        self.deleting = true;
        self.wake(Timer::State, REQUEST, shared.now);
        shared.leg(LegCommand::DeleteRoom {
            call: self.id.clone(),
            room: self.room.clone(),
        });
    }

    /// The last step: our own connections, and the room if it was made for this call.
    pub(crate) fn leave_room(&mut self, shared: &mut Shared) {
        self.phase = Phase::Leave;
        self.cancel(Timer::Again);
        self.leave(Role::Talk, shared);
        self.leave(Role::Watch, shared);
        self.deletion_owed = self.ours && self.leg_gone && !self.deleting && !self.deleted;
        if self.deletion_owed && self.is_leg_leaving() {
            self.wake(Timer::Again, LEG_LEAVES, shared.now);
        } else {
            self.delete_what_is_owed(shared);
        }
        self.wake(Timer::State, LEAVE, shared.now);
        self.settle_end(shared);
    }

    /// Ended once nothing of ours is open any more.
    fn settle_end(&mut self, shared: &mut Shared) {
        if self.state != CallState::Ending || self.phase != Phase::Leave {
            return;
        }
        if self.talk.is_none() && self.watch.is_none() {
            self.delete_what_is_owed(shared);
            if !self.deleting {
                self.close(shared);
            }
        }
    }

    /// Has it said that it hangs up, and is it not seen to be out of the room yet?
    fn is_leg_leaving(&self) -> bool {
        self.status == Some(LegStatus::Hangup) && self.leave.is_none() && !self.deleted
    }

    /// The room that was made for this call, if it is to be deleted. Not while a connection of ours waits for a leg to leave:
    /// the server may end that connection first, and the engine then keeps it (ADR 0024).
    fn delete_what_is_owed(&mut self, shared: &mut Shared) {
        if std::mem::take(&mut self.deletion_owed) {
            self.cancel(Timer::Again);
            self.deleting = true;
            shared.leg(LegCommand::DeleteRoom {
                call: self.id.clone(),
                room: self.room.clone(),
            });
        }
    }

    /// Writes the last line of the row.
    fn close(&mut self, shared: &mut Shared) {
        self.cancel_all();
        self.state = CallState::Ended;
        shared.changed = true;
        if self.back.orphan {
            return self.close_orphan(shared);
        }
        let ended = self.ended_ms.unwrap_or_else(|| self.clock(shared.now));
        shared.log(LogCommand::Finish(LogFinish {
            call: self.id.clone(),
            reason: self.end.clone().unwrap_or(EndReason::Interrupted),
            answered_unix_ms: self.answered_ms,
            ended_unix_ms: ended,
            leg_gone: !self.is_loose(),
            heard_seconds: self.media.heard_seconds,
            heard_dbfs: self.media.heard_dbfs,
            rang: self.rang,
            facts: Box::new(self.row_facts(shared)),
        }));
    }

    /// Is a leg of ours possibly still up, or about to come?
    pub(crate) fn is_loose(&self) -> bool {
        self.ours && (!self.leg_gone || self.party.is_loose())
    }

    /// The leg is known to be gone while the call is taken down.
    pub(crate) fn leg_is_gone(&mut self, shared: &mut Shared) {
        self.leg_gone = true;
        if self.party.is_loose() {
            return; // the room is being deleted for the sake of the others
        }
        match self.phase {
            Phase::EndLeg | Phase::Remove | Phase::Delete | Phase::Decline => {
                self.leave_room(shared);
            }
            Phase::Verdict => self.await_verdict(shared),
            Phase::Whose => self.take_down(EndReason::Missed, shared),
            Phase::Leave => {}
        }
    }

    fn party_is_deleted(&mut self) {
        let why = self.end.clone().unwrap_or(EndReason::Interrupted);
        self.party.room_deleted(&why);
    }

    /// The last of several people is gone, perhaps.
    pub(crate) fn party_is_gone(&mut self, shared: &mut Shared) {
        if self.state == CallState::Ending && self.leg_gone && self.phase == Phase::Delete {
            self.leg_is_gone(shared);
        }
    }

    /// The leg left while the call is taken down.
    pub(crate) fn ending_left(&mut self, reason: LeaveReason, shared: &mut Shared) {
        if reason.proves_gone() {
            self.leave = Some(reason);
            self.leg_is_gone(shared);
        }
    }

    /// News of the server while the call is taken down.
    pub(crate) fn ending_leg_fact(&mut self, fact: &LegFact, shared: &mut Shared) {
        match fact {
            LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => {}
            LegFact::Answered { .. } => match self.phase {
                Phase::Verdict if self.place_failure.is_none() => self.answered_after_all(shared),
                // answered in the very moment we gave up: the leg is up after all
                Phase::Remove | Phase::Delete => self.ask_removal(shared),
                Phase::Verdict | Phase::Decline | Phase::Whose | Phase::EndLeg | Phase::Leave => {}
            },
            LegFact::PlaceFailed { failure, .. } => match self.phase {
                Phase::Verdict => {
                    self.place_failure = Some(failure.clone());
                    self.await_verdict(shared);
                }
                Phase::Remove | Phase::Delete if self.leg_gone => self.leave_room(shared),
                Phase::Remove
                | Phase::Delete
                | Phase::Decline
                | Phase::Whose
                | Phase::EndLeg
                | Phase::Leave => {}
            },
            LegFact::Removed { found } => {
                if self.phase == Phase::Remove {
                    if *found {
                        self.leg_is_gone(shared);
                    } else if self.place_open && self.drop_tries < REMOVE_TRIES {
                        self.wake(Timer::Again, AGAIN, shared.now);
                    } else {
                        self.ask_deletion(shared);
                    }
                }
            }
            LegFact::RoomDeleted { .. } => {
                self.deleting = false;
                self.deleted = true;
                self.deletion_owed = false;
                self.party_is_deleted();
                if self.phase == Phase::Delete {
                    // a leg whose dial request is still open and that nobody has seen may come after the deletion
                    self.leg_gone |= !self.place_open || self.status.is_some();
                    self.leave_room(shared);
                } else if matches!(self.phase, Phase::EndLeg | Phase::Remove) {
                    // nobody asked yet, but what is deleted is gone
                    if !self.place_open || self.status.is_some() {
                        self.leg_is_gone(shared);
                    }
                } else {
                    self.settle_end(shared);
                }
            }
            LegFact::DropFailed { .. } => match self.phase {
                Phase::Remove => self.ask_deletion(shared),
                Phase::Delete => {
                    self.deleting = false;
                    self.leave_room(shared);
                }
                Phase::Leave => {
                    self.deleting = false;
                    self.settle_end(shared);
                }
                Phase::Verdict | Phase::Decline | Phase::Whose | Phase::EndLeg => {}
            },
            LegFact::Looked {
                leg,
                other_desks,
                taken_by,
                ..
            } => self.ending_looked(*leg, *other_desks, taken_by.as_deref(), shared),
            LegFact::LookFailed => self.ending_looked(None, 1, None, shared),
        }
    }

    /// Who is in the room that we decline, or in whose conversation we might be?
    fn ending_looked(
        &mut self,
        leg: Option<LegStatus>,
        other_desks: u32,
        taken_by: Option<&str>,
        shared: &mut Shared,
    ) {
        let asked = std::mem::take(&mut self.looking);
        let alone = other_desks == 0 && leg.is_some();
        match self.phase {
            Phase::Decline if !asked => {} // an older look
            Phase::Decline => {
                let taken = leg.max(self.status) >= Some(LegStatus::Automation);
                let ends = match shared.settings.decline {
                    // a rule of the house turns nobody away from a desk that rings
                    DeclinePolicy::Everybody => {
                        leg.is_some() && !taken && self.end == Some(EndReason::DeclinedHere)
                    }
                    DeclinePolicy::LastDesk | DeclinePolicy::OnlyHere => false,
                };
                if ends || (alone && (!taken || self.announced)) {
                    self.ask_removal(shared);
                } else {
                    self.leave_room(shared);
                }
            }
            Phase::Whose if self.is_waking(Timer::Again) => {} // an older look
            Phase::Whose => {
                self.ours = alone;
                let reason = if alone {
                    EndReason::ConnectionLost
                } else {
                    let by = taken_by.and_then(number::display_name);
                    let by = by.unwrap_or_else(|| NAMELESS.into());
                    EndReason::AnsweredElsewhere { by }
                };
                self.take_down(reason, shared);
            }
            Phase::Verdict | Phase::EndLeg | Phase::Remove | Phase::Delete | Phase::Leave => {}
        }
    }

    /// Asked the bridge over the room: it agreed (the leave follows), or it did not.
    pub(crate) fn end_leg_answered(&mut self, done: bool, shared: &mut Shared) {
        if self.state == CallState::Ending && self.phase == Phase::EndLeg && !done {
            self.ask_removal(shared);
        }
    }

    /// A connection of ours is closed while the call is taken down.
    pub(crate) fn ending_closed(&mut self, role: Role, reason: LeaveReason, shared: &mut Shared) {
        if reason == LeaveReason::RoomDeleted && (self.status.is_some() || !self.place_open) {
            self.leave = Some(reason);
            self.party_is_deleted();
            self.leg_is_gone(shared);
        } else if role == Role::Talk && self.phase == Phase::EndLeg {
            self.ask_removal(shared);
        }
        if !self.looking {
            self.ask_who_rings(shared);
        }
        self.settle_end(shared);
    }

    /// A deadline of the taking-down has come.
    pub(crate) fn ending_timer(&mut self, timer: Timer, shared: &mut Shared) {
        match timer {
            Timer::State => self.ending_too_long(shared),
            Timer::Again => match self.phase {
                Phase::Remove => self.ask_removal(shared),
                Phase::Whose => self.look(shared),
                Phase::Decline => {
                    // the ends of our connections were lost
                    self.talk = None;
                    self.watch = None;
                    self.ask_who_rings(shared);
                }
                Phase::Leave if self.is_leg_leaving() => shared.leg(LegCommand::Remove {
                    call: self.id.clone(),
                    room: self.room.clone(),
                    identity: self.leg.clone(),
                }),
                Phase::Verdict | Phase::EndLeg | Phase::Delete | Phase::Leave => {}
            },
            Timer::LegMissing
            | Timer::Look
            | Timer::Alive
            | Timer::Watch
            | Timer::Colleague
            | Timer::Transfer
            | Timer::People
            | Timer::Circle => {}
        }
    }

    fn ending_too_long(&mut self, shared: &mut Shared) {
        match self.phase {
            Phase::Verdict => self.name_verdict(shared),
            Phase::Decline => self.leave_room(shared),
            Phase::Whose => self.ending_looked(None, 1, None, shared),
            Phase::EndLeg => {
                if self.status == Some(LegStatus::Hangup) {
                    self.leg_is_gone(shared);
                } else {
                    self.ask_removal(shared);
                }
            }
            Phase::Remove => self.ask_deletion(shared),
            Phase::Delete => {
                self.deleting = false;
                self.leave_room(shared);
            }
            Phase::Leave => {
                self.talk = None;
                self.watch = None;
                self.delete_what_is_owed(shared);
                self.deleting = false;
                self.close(shared);
            }
        }
    }
}

/// Names the outcome of a dial request from what it came to and from why the leg left. `rang`: a phone was heard to ring.
pub(crate) fn refusal(
    failure: Option<&PlaceFailure>,
    leave: Option<LeaveReason>,
    rang: bool,
) -> EndReason {
    // time ran out: what never rang was not left unanswered by anybody
    let unanswered = if rang {
        EndReason::NoAnswer
    } else {
        EndReason::NeverRang
    };
    match (failure, leave) {
        (Some(PlaceFailure::Sip { code }), _) => EndReason::from_sip_code(*code),
        (Some(PlaceFailure::TrunkNeedsPassword), _) => EndReason::LinePassword,
        (Some(PlaceFailure::NoLine), _) => EndReason::NoLine,
        (Some(PlaceFailure::NotSignedIn), _) => EndReason::NotSignedIn,
        (Some(PlaceFailure::Refused), _) => EndReason::SignInRefused,
        (Some(PlaceFailure::NoBridge), _) => EndReason::NoBridge,
        (_, Some(LeaveReason::UserUnavailable)) => unanswered,
        (_, Some(LeaveReason::UserRejected)) => EndReason::Rejected,
        (_, Some(LeaveReason::ParticipantRemoved | LeaveReason::RoomDeleted)) => {
            EndReason::EndedByServer
        }
        (Some(PlaceFailure::Cancelled), _) => unanswered,
        (Some(PlaceFailure::Unreachable { .. }), _) => EndReason::NoNetwork,
        (Some(PlaceFailure::Other { .. }) | None, _) => EndReason::LineFailed { code: None },
    }
}
