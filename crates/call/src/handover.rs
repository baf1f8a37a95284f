//! A call that we left and in which the others talk on.
//!
//! A room with one phone leg in it stays open for ever, and the one left alone hears silence. So a hidden watch remains,
//! also across restarts, and whoever is left alone is ended:
//!
//! ```text
//!  Live (two legs up) --HandOver--> HandedOver --fewer than two legs, or HangUp--> Ending
//! ```

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::{Identity, Role};
use crate::input::{Orphan, RoomFact};
use crate::number;
use crate::output::LogCommand;
use crate::phone::Phone;
use crate::record::{Call, Shared, Timer};
use crate::state::{CallState, LeaveReason, LegStatus, Participant, ParticipantKind};

/// Pause before the hidden watch is tried again.
const WATCH_AGAIN: Duration = Duration::from_secs(3);
/// A join takes 50-120 ms, with a server in trouble some seconds; whoever is left alone must not wait for an answer that
/// was lost.
const WATCH_ANSWER: Duration = Duration::from_secs(15);
/// After a server crash the legs are back 3-6 s after the server.
const LEGS: Duration = Duration::from_secs(20);
/// How often the journal hears that the call is still up.
const ALIVE: Duration = Duration::from_secs(5);
/// Somebody whose number is not known.
const SOMEBODY: &str = "somebody else";

impl Call {
    /// Everybody hears everybody: we leave, and a hidden watch stays.
    pub(crate) fn go_out(&mut self, shared: &mut Shared) {
        if self.state != CallState::Live || self.legs_up() < 2 {
            return;
        }
        self.cancel_all();
        self.state = CallState::HandedOver;
        self.held = false;
        self.watched = Some(true);
        self.facts.transferred_to = self.newest_person();
        shared.changed = true;
        shared.log(LogCommand::HandedOver {
            call: self.id.clone(),
            at_unix_ms: shared.now.unix_ms,
        });
        self.join_watch(shared);
        self.leave(Role::Talk, shared);
        self.wake(Timer::Alive, ALIVE, shared.now);
        if self.leg_missing {
            self.wake(Timer::LegMissing, LEGS, shared.now);
        }
        self.wake_people(shared);
    }

    fn join_watch(&mut self, shared: &mut Shared) {
        self.join(Role::Watch, shared);
        self.wake(Timer::Watch, WATCH_ANSWER, shared.now);
    }

    /// To whom it was handed over, in words.
    pub(crate) fn handed_to(&self) -> String {
        let to = self.facts.transferred_to.clone();
        to.unwrap_or_else(|| SOMEBODY.into())
    }

    /// Who is left alone is ended.
    pub(crate) fn count_legs(&mut self, shared: &mut Shared) {
        if self.state == CallState::HandedOver && self.watched == Some(true) && self.legs_up() < 2 {
            let to = self.handed_to();
            self.finish(EndReason::Transferred { to }, shared);
        }
    }

    /// The hidden watch sees the room (again). Who is not there may be on the way back.
    pub(crate) fn watch_sees(&mut self, present: &[Participant], shared: &mut Shared) {
        let there = |leg: &Identity| present.iter().any(|p| p.identity == *leg);
        for leg in self.legs() {
            if !there(&leg) {
                self.leg_left_watched(&leg, LeaveReason::Unknown, true, shared);
            }
        }
        if self.state != CallState::HandedOver {
            return; // who was seen to have hung up ended it
        }
        if self.legs_up() >= 2 {
            self.watched = Some(true);
            self.cancel(Timer::State);
        } else if !self.is_waking(Timer::State) {
            self.wake(Timer::State, LEGS, shared.now);
        }
    }

    /// Somebody in the room says something about themselves.
    pub(crate) fn watched_present(&mut self, participant: &Participant, shared: &mut Shared) {
        if self.state != CallState::HandedOver {
            return;
        }
        if participant.identity == self.leg {
            if self.leg_missing {
                self.leg_missing = false;
                self.cancel(Timer::LegMissing);
                shared.changed = true;
            }
            if participant.leg_status == Some(LegStatus::Hangup) {
                self.leg_gone = true;
                self.far_end_gone(EndReason::FarEndHungUp, shared);
            }
        } else if !self.person_present(participant, shared)
            && participant.kind == ParticipantKind::Sip
            && participant.leg_status != Some(LegStatus::Hangup)
        {
            self.adopt_person(participant, shared);
        }
    }

    /// A leg left, or is not listed.
    pub(crate) fn leg_left_watched(
        &mut self,
        leg: &Identity,
        reason: LeaveReason,
        reconnecting: bool,
        shared: &mut Shared,
    ) {
        if self.state != CallState::HandedOver {
            return;
        }
        if *leg != self.leg {
            self.person_left(leg, reason, reconnecting, shared);
        } else if reconnecting || !reason.proves_gone() {
            if !self.leg_missing {
                self.leg_missing = true;
                self.wake(Timer::LegMissing, LEGS, shared.now);
                shared.changed = true;
            }
        } else {
            self.leg_gone = true;
            self.far_end_gone(EndReason::FarEndHungUp, shared);
        }
    }

    /// The watch was closed, or could not be opened.
    pub(crate) fn watch_lost(&mut self, reason: LeaveReason, shared: &mut Shared) {
        if reason == LeaveReason::RoomDeleted {
            self.leg_gone = true;
            let reason = EndReason::Transferred {
                to: self.handed_to(),
            };
            self.party.room_deleted(&reason);
            self.finish(reason, shared);
        } else {
            self.wake(Timer::Watch, WATCH_AGAIN, shared.now);
        }
    }

    pub(crate) fn handed_over_timer(&mut self, timer: Timer, shared: &mut Shared) {
        match timer {
            Timer::Alive => {
                shared.log(LogCommand::Alive {
                    call: self.id.clone(),
                    at_unix_ms: shared.now.unix_ms,
                    muted: self.muted,
                });
                self.wake(Timer::Alive, ALIVE, shared.now);
            }
            Timer::Watch => self.join_watch(shared),
            Timer::LegMissing => self.far_end_gone(EndReason::ConnectionLost, shared),
            Timer::People => self.people_timer(shared),
            Timer::State => {
                self.watched = Some(true);
                self.count_legs(shared);
            }
            Timer::Look | Timer::Colleague | Timer::Again | Timer::Transfer | Timer::Circle => {}
        }
    }

    /// The program is closed: they talk on, and the next start watches over them again.
    pub(crate) fn stop_watching(&mut self, shared: &mut Shared) {
        self.cancel_all();
        self.leave(Role::Watch, shared);
    }

    /// A fact of the watch over a call that was handed over.
    pub(crate) fn handed_over_fact(&mut self, fact: &RoomFact, shared: &mut Shared) {
        match fact {
            RoomFact::Joined { present } => {
                self.cancel(Timer::Watch);
                // the far end last: whoever else is there may have to take its place
                let is_far_end = |p: &&Participant| p.identity == self.leg;
                let (far_end, others): (Vec<_>, Vec<_>) = present.iter().partition(is_far_end);
                for participant in others.into_iter().chain(far_end) {
                    self.watched_present(participant, shared);
                }
                self.watch_sees(present, shared);
            }
            RoomFact::Present(participant) => {
                self.watched_present(participant, shared);
                if self.legs_up() >= 2 && self.watched == Some(false) {
                    self.watched = Some(true);
                    self.cancel(Timer::State);
                }
            }
            RoomFact::Left {
                identity,
                reason,
                reconnecting,
            } => self.leg_left_watched(identity, *reason, *reconnecting, shared),
            RoomFact::Closed { reason } => self.watch_lost(*reason, shared),
            RoomFact::JoinFailed { .. } => self.watch_lost(LeaveReason::Unknown, shared),
            RoomFact::Published
            | RoomFact::AudienceSet
            | RoomFact::AudienceFailed { .. }
            | RoomFact::KeysFailed { .. }
            | RoomFact::PublishFailed { .. }
            | RoomFact::Reconnecting
            | RoomFact::Reconnected
            | RoomFact::Media(_)
            | RoomFact::KeyReceived { .. }
            | RoomFact::EndLegAnswered { .. } => {}
        }
    }
}

impl Phone {
    /// A call that an earlier run left to others: watched over again.
    pub(crate) fn resume_handed_over(&mut self, orphan: Orphan) {
        let region = self.shared.region;
        let mut call = Call::new(
            orphan.call,
            orphan.direction,
            orphan.number.clone(),
            number::shown(&orphan.number, region),
            orphan.room,
            orphan.leg,
            self.shared.now,
        );
        call.name = orphan.name.as_deref().and_then(number::display_name);
        call.line = orphan.line;
        call.started_ms = orphan.started_unix_ms;
        call.answered_ms = orphan.answered_unix_ms.or(Some(orphan.started_unix_ms));
        call.state = CallState::HandedOver;
        call.status = Some(LegStatus::Active);
        call.placed = true;
        call.watched = Some(false);
        call.ours = true;
        let shared = &mut self.shared;
        call.wake(Timer::Alive, ALIVE, shared.now);
        call.join_watch(shared);
        shared.changed = true;
        self.calls.push(call);
    }
}
