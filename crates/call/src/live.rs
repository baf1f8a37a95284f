//! A call in which both sides talk.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::Role;
use crate::input::LegFact;
use crate::output::{LogCommand, RoomCommand};
use crate::record::{Call, Shared, Timer};
use crate::rejoin::DENIALS;
use crate::state::{CallState, LeaveReason, LegStatus, MediaReport};

/// How often the journal hears that the call is still up.
const ALIVE: Duration = Duration::from_secs(5);
/// The engine gives up by itself after 19-31 s.
const RECONNECT: Duration = Duration::from_secs(45);
/// After a server crash the leg is back 3-6 s after the server.
const LEG_MISSING: Duration = Duration::from_secs(20);
/// No packet for this long: the person is told.
const STALLED: Duration = Duration::from_secs(3);
/// A call without one packet for this long is no call, whatever the server lists: the bridge itself gives up on a silent
/// phone after 15 s, and the server on a dead bridge after 22 s.
const STALLED_MOST: Duration = Duration::from_secs(60);
/// How often to ask the server while nothing comes.
const LOOK: Duration = Duration::from_secs(4);

/// Keys kept of each kind: waiting, sent, received.
pub(crate) const KEYS: usize = 128;

impl Call {
    pub(crate) fn go_live(&mut self, shared: &mut Shared) {
        self.rang_until(shared.now);
        self.cancel_all();
        self.state = CallState::Live;
        self.advance_status(LegStatus::Active);
        let at = self.clock(shared.now);
        self.answered_ms = Some(at);
        self.colleagues.clear();
        self.claimed_by = None;
        shared.changed = true;
        shared.log(LogCommand::Answered {
            call: self.id.clone(),
            at_unix_ms: at,
        });
        if self.muted {
            self.sign_of_life(shared);
        } else {
            self.wake(Timer::Alive, ALIVE, shared.now);
        }
        if self.reconnecting {
            self.wake(Timer::State, RECONNECT, shared.now);
        }
        self.leave(Role::Watch, shared);
        self.flush_keys(shared);
    }

    /// When a call through which nothing comes is given up, by the wall clock.
    pub(crate) fn gives_up(&self) -> Option<i64> {
        if !self.is_reconnecting() {
            return None;
        }
        let stalled = self.back.stalled_since.filter(|_| self.stalled);
        let silence = stalled.map(|since| since.saturating_add(STALLED_MOST));
        let limits = [self.due(Timer::State), self.due(Timer::LegMissing), silence];
        let first = limits.into_iter().flatten().min()?;
        let left = first.saturating_sub(self.since.mono).as_millis();
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        Some(self.since.unix_ms.saturating_add(left))
    }

    pub(crate) fn live_words(&self) -> String {
        if self.is_shaky() {
            return "Reconnecting".into();
        }
        if let Some(words) = self.transfer_words() {
            return words;
        }
        let words = if self.held {
            "On hold"
        } else if let Some(words) = self.people_words() {
            return words;
        } else if self.stalled {
            "Nothing is heard from the other side"
        } else if self.muted {
            "Your microphone is off"
        } else {
            "In call"
        };
        words.into()
    }

    pub(crate) fn set_muted(&mut self, muted: bool, shared: &mut Shared) {
        if self.muted == muted || self.end.is_some() {
            return;
        }
        self.muted = muted;
        shared.changed = true;
        self.say_mute(shared);
        if self.state == CallState::Live {
            self.sign_of_life(shared); // a program that dies now must not come back unmuted
        }
    }

    /// Says (again) that nobody may hear us: before the microphone is announced, and after the engine did so anew.
    pub(crate) fn apply_mute(&mut self, shared: &mut Shared) {
        if self.muted || self.is_hushed() {
            self.say_mute(shared);
        }
    }

    /// Says whether we may be heard, if anything of us is announced or about to be.
    pub(crate) fn say_mute(&self, shared: &mut Shared) {
        let muted = self.muted || self.is_hushed();
        if self.publishing
            && let Some(link) = self.talking()
        {
            shared.room(RoomCommand::SetMuted { link, muted });
        }
    }

    /// Takes keys for the far end; before the answer they wait. Says whether there was room for all of them.
    pub(crate) fn take_keys(&mut self, keys: &str, shared: &mut Shared) -> bool {
        if self.keys_waiting.len().saturating_add(keys.len()) > KEYS {
            return false;
        }
        self.keys_waiting.push_str(keys);
        shared.changed = true;
        self.flush_keys(shared);
        true
    }

    pub(crate) fn flush_keys(&mut self, shared: &mut Shared) {
        if self.state != CallState::Live || self.keys_waiting.is_empty() {
            return;
        }
        if let Some(link) = self.talking() {
            let keys = std::mem::take(&mut self.keys_waiting);
            self.keys_sent.push_str(&keys);
            let surplus = self.keys_sent.len().saturating_sub(KEYS);
            self.keys_sent.drain(..surplus); // keys are ASCII
            shared.room(RoomCommand::SendKeys {
                link,
                leg: self.private_with().unwrap_or(&self.leg).clone(),
                keys,
            });
            shared.changed = true;
        }
    }

    /// Keys did not go out: they are no longer shown as sent, and the person is told.
    pub(crate) fn keys_failed(&mut self, keys: &str, shared: &mut Shared) {
        if let Some(at) = self.keys_sent.rfind(keys) {
            self.keys_sent
                .replace_range(at..at.saturating_add(keys.len()), "");
        }
        shared.changed = true;
        let on_a_keypad = |key: &char| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D');
        let shown: String = keys.chars().filter(on_a_keypad).collect();
        if !shown.is_empty() {
            shared.notify(
                "keys_not_sent",
                format!("The keys {shown} were not sent. Press them again."),
            );
        }
    }

    pub(crate) fn live_status(&mut self, status: LegStatus, shared: &mut Shared) {
        if status == LegStatus::Hangup {
            self.leg_gone = true;
            self.far_end_gone(EndReason::FarEndHungUp, shared);
        }
    }

    /// The leg is listed again.
    pub(crate) fn live_present(&mut self, shared: &mut Shared) {
        if self.leg_missing {
            self.leg_missing = false;
            self.cancel(Timer::LegMissing);
            self.part_again(shared);
            shared.changed = true;
        }
    }

    pub(crate) fn live_left(
        &mut self,
        reason: LeaveReason,
        reconnecting: bool,
        shared: &mut Shared,
    ) {
        if reconnecting || self.reconnecting || !reason.proves_gone() {
            return self.leg_is_missing(shared);
        }
        self.leg_gone = true;
        let reason = match reason {
            LeaveReason::ConnectionTimeout => EndReason::ConnectionLost,
            LeaveReason::ParticipantRemoved | LeaveReason::RoomDeleted => EndReason::EndedByServer,
            // the bridge gave up on a silent phone: after a hang-up the leave follows within milliseconds
            LeaveReason::ClientInitiated if self.stalled => EndReason::FarEndLost,
            LeaveReason::ClientInitiated
            | LeaveReason::DuplicateIdentity
            | LeaveReason::ServerShutdown
            | LeaveReason::UserUnavailable
            | LeaveReason::UserRejected
            | LeaveReason::TrunkFailure
            | LeaveReason::Unknown => EndReason::FarEndHungUp,
        };
        self.far_end_gone(reason, shared);
    }

    /// The leg is not in the room, and may come back.
    pub(crate) fn leg_is_missing(&mut self, shared: &mut Shared) {
        if !self.leg_missing {
            self.leg_missing = true;
            self.wake(Timer::LegMissing, LEG_MISSING, shared.now);
            shared.changed = true;
        }
    }

    /// The talking connection is being rebuilt, or is back. Also noted before the answer.
    pub(crate) fn connection_shaky(&mut self, reconnecting: bool, shared: &mut Shared) {
        if self.reconnecting == reconnecting {
            return;
        }
        self.reconnecting = reconnecting;
        shared.changed = true;
        self.doubt_circle();
        if reconnecting {
            self.facts.reconnections = self.facts.reconnections.saturating_add(1);
        }
        if !reconnecting {
            self.say_again(shared);
        }
        match self.state {
            CallState::Live if self.back.rejoining => {} // one deadline for all attempts
            CallState::Live if reconnecting => self.wake(Timer::State, RECONNECT, shared.now),
            CallState::Live => {
                self.cancel(Timer::State);
                if self.leg_missing {
                    self.wake(Timer::LegMissing, LEG_MISSING, shared.now); // it has this long from now on
                }
            }
            CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging
            | CallState::Offered
            | CallState::Claiming
            | CallState::Answering
            | CallState::Ending
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ended => {}
        }
    }

    pub(crate) fn live_media(&mut self, report: MediaReport, shared: &mut Shared) {
        let sum = self.add_up(report);
        shared.changed |= self.media != sum;
        self.media = sum;
        let stalled = report.stalled >= STALLED;
        if stalled != self.stalled {
            self.stalled = stalled;
            shared.changed = true;
            self.back.stalled_since = stalled.then_some(shared.now.mono);
            if stalled {
                self.wake(Timer::Look, Duration::ZERO, shared.now);
            } else if !self.back.rejoining {
                self.cancel(Timer::Look);
                self.back.denials = 0;
            }
        }
    }

    /// Our own connection was closed by the server or lost for good.
    pub(crate) fn live_closed(&mut self, reason: LeaveReason, shared: &mut Shared) {
        match reason {
            LeaveReason::RoomDeleted | LeaveReason::ParticipantRemoved => {
                self.leg_gone |= reason == LeaveReason::RoomDeleted;
                self.finish(EndReason::EndedByServer, shared);
            }
            // somebody else sits in our chair: coming back would throw them out, and they us
            LeaveReason::DuplicateIdentity => self.finish(EndReason::ConnectionLost, shared),
            LeaveReason::ClientInitiated
            | LeaveReason::ServerShutdown
            | LeaveReason::UserUnavailable
            | LeaveReason::UserRejected
            | LeaveReason::TrunkFailure
            | LeaveReason::ConnectionTimeout
            | LeaveReason::Unknown => self.rejoin(shared),
        }
    }

    pub(crate) fn live_leg_fact(&mut self, fact: &LegFact, shared: &mut Shared) {
        match fact {
            LegFact::Looked { leg, .. } if self.back.rejoining => {
                self.looking = false;
                self.rejoin_looked(*leg, shared);
            }
            LegFact::Looked { leg, .. } => {
                self.looking = false;
                self.live_looked(*leg, shared);
            }
            LegFact::LookFailed => self.looking = false,
            LegFact::Parted { apart, done } => self.parted(*apart, *done, shared),
            LegFact::Removed { found } => {
                if *found {
                    self.person_removed();
                }
            }
            LegFact::Transferred => self.transferred(shared),
            LegFact::TransferFailed(failure) => self.transfer_failed(failure, shared),
            LegFact::Answered { .. }
            | LegFact::PlaceFailed { .. }
            | LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::RoomDeleted { .. }
            | LegFact::DropFailed { .. } => {}
        }
    }

    /// What the server lists while nothing is heard. A server that lost its memory denies a leg that is up, and one that was
    /// started anew does until the leg is back: a denial counts only while connection and leg are not in doubt already, and
    /// proves nothing, so the leg is ended like any that may be up.
    fn live_looked(&mut self, leg: Option<LegStatus>, shared: &mut Shared) {
        let counts = self.stalled && !self.reconnecting && !self.leg_missing;
        match leg {
            Some(LegStatus::Hangup) if self.stalled && !self.reconnecting => {
                self.leg_gone = true;
                self.far_end_gone(EndReason::FarEndHungUp, shared);
            }
            None if counts => {
                self.back.denials = self.back.denials.saturating_add(1);
                if self.back.denials >= DENIALS {
                    self.back.denials = 0;
                    self.far_end_gone(EndReason::ConnectionLost, shared);
                }
            }
            Some(_) | None => self.back.denials = 0,
        }
    }

    pub(crate) fn live_timer(&mut self, timer: Timer, shared: &mut Shared) {
        match timer {
            Timer::Alive => self.sign_of_life(shared),
            Timer::Look => {
                if self.back.rejoining {
                    self.rejoin_look(shared);
                } else if self.is_stalled_for(STALLED_MOST, shared) {
                    self.finish(EndReason::ConnectionLost, shared);
                } else if self.stalled {
                    self.look(shared);
                    self.wake(Timer::Look, LOOK, shared.now);
                }
            }
            Timer::State if self.back.rejoining => self.rejoin_given_up(shared),
            Timer::State => self.finish(EndReason::ConnectionLost, shared),
            Timer::LegMissing => {
                if self.reconnecting {
                    self.wake(Timer::LegMissing, LEG_MISSING, shared.now);
                } else {
                    self.far_end_gone(EndReason::ConnectionLost, shared);
                }
            }
            Timer::Transfer => self.transfer_timer(shared),
            Timer::People => self.people_timer(shared),
            Timer::Circle => self.circle_timer(shared),
            Timer::Again => self.rejoin_again(shared),
            Timer::Watch | Timer::Colleague => {}
        }
    }

    /// Tells the journal that the call is up, now and every few seconds.
    pub(crate) fn sign_of_life(&mut self, shared: &mut Shared) {
        shared.log(LogCommand::Alive {
            call: self.id.clone(),
            at_unix_ms: shared.now.unix_ms,
            muted: self.muted,
        });
        self.wake(Timer::Alive, ALIVE, shared.now);
    }

    fn is_stalled_for(&self, time: Duration, shared: &Shared) -> bool {
        let since = self.back.stalled_since;
        since.is_some_and(|since| shared.now.mono.saturating_sub(since) >= time)
    }
}
