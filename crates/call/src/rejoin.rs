//! Going back into a call: one whose own connection broke, or one that an earlier run of the program left behind.
//!
//! ```text
//!            closed for no reason of the call               joined, microphone announced
//!   Live -------------------------------------> rejoining --------------------------------> Live
//!                                               |  ^  |
//!            Orphan, leg up          Rejoin     |  |  | 30 s, or the server says that the leg is gone
//!   (start) --------------> Stranded -----------|--+  +----------------------------------> Ending
//!                              ^                |
//!                              +----------------+  30 s, no devices (only who came from there)
//! ```
//! While rejoining the state is `Live` and shown as reconnecting. The far end hears silence meanwhile, and its leg stays
//! up: an empty seat in the room hangs up nobody.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::{CallId, Role};
use crate::input::{LegFact, Orphan};
use crate::number;
use crate::output::{LogCommand, RoomCommand};
use crate::phone::Phone;
use crate::record::{Call, Shared, Timer};
use crate::state::{CallState, Direction, LegStatus, Participant};

/// All attempts together.
const REJOIN: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the server is asked about a leg that we cannot see.
const LOOK: Duration = Duration::from_secs(4);
/// After a server's restart its legs come back within 3-6 s; who is not listed three looks in a row is gone.
pub(crate) const DENIALS: u32 = 3;
/// How often the server is asked about a call of an earlier run.
const STRANDED_LOOK: Duration = Duration::from_secs(5);
/// Without a word of the server for this long nobody knows whether there is anything to go back into.
const STRANDED: Duration = Duration::from_secs(300);

/// What a call remembers about going back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Back {
    /// The way back is being tried.
    pub(crate) rejoining: bool,
    /// A call of an earlier run that this run has not talked in yet.
    pub(crate) orphan: bool,
    /// The server said that its leg is up.
    pub(crate) proven: bool,
    /// Looks in a row that did not find the leg.
    pub(crate) denials: u32,
    /// Since when no packet comes.
    pub(crate) stalled_since: Option<Duration>,
}

impl Call {
    /// Our own connection is gone while the leg may be up: tries to come back until a deadline.
    pub(crate) fn rejoin(&mut self, shared: &mut Shared) {
        if self.is_transferred() {
            return self.finish(EndReason::ConnectionLost, shared); // nobody is left to go back to
        }
        self.off_the_air();
        self.doubt_circle();
        self.stalled = false;
        self.back.stalled_since = None;
        self.leg_missing = false;
        self.cancel(Timer::LegMissing);
        shared.changed = true;
        if self.back.rejoining {
            return self.wake(Timer::Again, AGAIN, shared.now);
        }
        self.facts.reconnections = self.facts.reconnections.saturating_add(1);
        self.begin_rejoining(shared);
    }

    fn begin_rejoining(&mut self, shared: &mut Shared) {
        self.back.rejoining = true;
        self.back.denials = 0;
        self.wake(Timer::State, REJOIN, shared.now);
        self.wake(Timer::Look, LOOK, shared.now);
        self.join(Role::Talk, shared);
        shared.changed = true;
    }

    /// A connection on the way back failed; the deadline goes on.
    pub(crate) fn rejoin_failed(&mut self, shared: &mut Shared) {
        self.leave(Role::Talk, shared);
        self.wake(Timer::Again, AGAIN, shared.now);
        shared.changed = true;
    }

    /// The time for another attempt has come.
    pub(crate) fn rejoin_again(&mut self, shared: &mut Shared) {
        if self.back.rejoining && self.talking().is_none() {
            self.join(Role::Talk, shared);
        }
    }

    /// Back in the room. A leg that is not there (yet) has a deadline of its own.
    pub(crate) fn rejoined(&mut self, present: &[Participant], shared: &mut Shared) {
        if !self.back.rejoining || self.state != CallState::Live {
            return;
        }
        self.back.denials = 0;
        if !present.iter().any(|p| p.identity == self.leg) {
            self.leg_is_missing(shared);
        }
        self.miss_people(present, shared);
    }

    /// Joined: listens, and announces the microphone. Who comes from an earlier run waits for the devices.
    pub(crate) fn advance_rejoining(&mut self, devices_open: bool, shared: &mut Shared) {
        let ready = devices_open || !self.back.orphan;
        if !self.back.rejoining || self.state != CallState::Live || self.publishing || !ready {
            return;
        }
        if let Some(link) = self.talking() {
            self.publishing = true;
            self.restore_wishes(shared);
            shared.room(RoomCommand::Listen { link: link.clone() });
            shared.room(RoomCommand::PublishMicrophone { link });
        }
    }

    /// What the person wished on the old connection, said on the new one before anything can be heard there.
    fn restore_wishes(&mut self, shared: &mut Shared) {
        self.hush();
        self.apply_mute(shared);
        self.restore_hold(shared);
    }

    /// The microphone is announced again: the call goes on.
    pub(crate) fn back_in(&mut self, shared: &mut Shared) {
        if !std::mem::take(&mut self.back.rejoining) {
            return;
        }
        self.back.orphan = false;
        self.cancel(Timer::State);
        self.cancel(Timer::Look);
        self.cancel(Timer::Again);
        self.sign_of_life(shared);
        self.flush_keys(shared);
        shared.changed = true;
    }

    /// The deadline of the way back has come, or there are no devices for it.
    pub(crate) fn rejoin_given_up(&mut self, shared: &mut Shared) {
        if self.back.orphan {
            shared.notify(
                "rejoin_failed",
                "The call could not be joined again, but it is still up. Try again or hang up.",
            );
            self.leave(Role::Talk, shared);
            self.back.rejoining = false;
            self.cancel_all();
            self.strand(shared);
        } else {
            self.finish(EndReason::ConnectionLost, shared);
        }
    }

    /// What the server lists while we are not in the room.
    pub(crate) fn rejoin_looked(&mut self, leg: Option<LegStatus>, shared: &mut Shared) {
        match leg {
            Some(LegStatus::Hangup) => {
                self.leg_gone = true;
                self.far_end_gone(EndReason::FarEndHungUp, shared);
            }
            // in the room we see for ourselves who is there
            None if self.talking().is_none() => {
                self.back.denials = self.back.denials.saturating_add(1);
                if self.back.denials >= DENIALS {
                    self.far_end_gone(EndReason::ConnectionLost, shared);
                }
            }
            Some(_) | None => self.back.denials = 0,
        }
    }

    pub(crate) fn rejoin_look(&mut self, shared: &mut Shared) {
        self.look(shared);
        self.wake(Timer::Look, LOOK, shared.now);
    }

    // ---- calls of an earlier run ----

    /// Waits for a person, asking the server from time to time whether the leg is still up.
    fn strand(&mut self, shared: &mut Shared) {
        self.enter(CallState::Stranded, Some(STRANDED), shared.now);
        self.wake(Timer::Look, STRANDED_LOOK, shared.now);
        shared.changed = true;
    }

    pub(crate) fn stranded_leg_fact(&mut self, fact: &LegFact, shared: &mut Shared) {
        match fact {
            LegFact::Looked { leg, .. } => {
                self.looking = false;
                self.stranded_looked(*leg, shared);
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

    fn stranded_looked(&mut self, leg: Option<LegStatus>, shared: &mut Shared) {
        match leg {
            // a server that lost its memory denies a leg that is up: the ladder asks again, and deletes the room
            None => self.finish(EndReason::Interrupted, shared),
            Some(LegStatus::Hangup) => {
                self.leg_gone = true;
                self.finish(EndReason::Interrupted, shared);
            }
            // after a crash of the server a leg comes back as `dialing` although its call is up
            Some(
                LegStatus::Dialing | LegStatus::Ringing | LegStatus::Automation | LegStatus::Active,
            ) => {
                shared.changed |= !self.back.proven;
                self.back.proven = true;
                self.wake(Timer::State, STRANDED, shared.now);
            }
        }
    }

    pub(crate) fn stranded_timer(&mut self, timer: Timer, shared: &mut Shared) {
        match timer {
            Timer::State => self.finish(EndReason::Interrupted, shared),
            Timer::Look => {
                self.look(shared);
                self.wake(Timer::Look, STRANDED_LOOK, shared.now);
            }
            Timer::LegMissing
            | Timer::Alive
            | Timer::Watch
            | Timer::Colleague
            | Timer::Again
            | Timer::Transfer
            | Timer::People
            | Timer::Circle => {}
        }
    }

    pub(crate) fn stranded_words(&self) -> String {
        let whom = self.name.as_deref().unwrap_or(&self.shown);
        let whom = if whom.is_empty() {
            "an unknown number"
        } else {
            whom
        };
        if self.back.proven {
            format!("Call with {whom} still live")
        } else {
            format!("Looking for the call with {whom}")
        }
    }

    /// The row of an earlier run is closed at its last sign of life.
    pub(crate) fn close_orphan(&self, shared: &mut Shared) {
        shared.log(LogCommand::FinishOrphan {
            call: self.id.clone(),
        });
        if !self.is_loose() {
            shared.log(LogCommand::LegGone {
                call: self.id.clone(),
            });
        }
    }
}

impl Phone {
    /// A call of an earlier run that had been answered: is its leg still up, unless that is proven?
    pub(crate) fn stranded(&mut self, orphan: Orphan, proven: bool) {
        let Self { calls, shared, .. } = self;
        let region = shared.region;
        let mut call = Call::new(
            orphan.call,
            orphan.direction,
            orphan.number.clone(),
            number::shown(&orphan.number, region),
            orphan.room,
            orphan.leg,
            shared.now,
        );
        call.name = orphan.name.as_deref().and_then(number::display_name);
        call.line = orphan.line;
        call.started_ms = orphan.started_unix_ms;
        call.answered_ms = Some(orphan.answered_unix_ms.unwrap_or(orphan.started_unix_ms));
        call.ours = true;
        call.announced = true;
        call.placed = orphan.direction == Direction::Outbound;
        call.back.orphan = true;
        call.back.proven = proven;
        call.muted = orphan.muted;
        call.advance_status(LegStatus::Active);
        call.strand(shared);
        call.look(shared);
        calls.push(call);
    }

    /// A person wants to go back into a call of an earlier run.
    pub(crate) fn go_back(&mut self, id: &CallId) {
        let call = self.calls.iter().find(|call| call.id == *id);
        if call.is_none_or(|call| call.state != CallState::Stranded || !call.back.proven) {
            return;
        }
        if let Err(why) = self.may_begin() {
            return self.shared.notify("already_in_call", why);
        }
        self.make_way(id);
        let Some((call, shared)) = self.find(id) else {
            return;
        };
        call.held = false;
        call.cancel_all();
        call.state = CallState::Live;
        call.begin_rejoining(shared);
    }
}
