//! A call that this desk places: `Preparing -> Joining -> Dialling -> RemoteRinging -> Live`.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::Role;
use crate::input::{JoinFailure, LegFact};
use crate::output::{LegCommand, LogCommand, LogStart, RoomCommand};
use crate::record::{Call, Shared, Timer};
use crate::state::{CallState, Direction, LeaveReason, LegStatus};

/// A journal that has not answered by now does not hold up a call.
const JOURNAL: Duration = Duration::from_secs(3);
/// Joining, opening the devices and announcing the microphone.
const JOINING: Duration = Duration::from_secs(20);
/// Beyond the time the far end may ring: request and room both failed to tell us.
const GRACE: Duration = Duration::from_secs(8);

impl Call {
    /// Journal first: nothing is touched before the row exists.
    pub(crate) fn start_journal(&mut self, shared: &mut Shared) {
        shared.log(LogCommand::Start(LogStart {
            call: self.id.clone(),
            direction: self.direction,
            number: self.number.clone(),
            dialled: self.dialled.clone(),
            name: self.name.clone(),
            line: self.line.clone(),
            room: self.room.clone(),
            leg: self.leg.clone(),
            started_unix_ms: self.started_ms,
        }));
        self.rows_asked = self.rows_asked.saturating_add(1);
        if self.direction == Direction::Outbound {
            self.wake(Timer::State, JOURNAL, shared.now);
        }
    }

    /// The journal has answered.
    pub(crate) fn row_told(&mut self, shared: &mut Shared) {
        self.rows_told = self.rows_told.saturating_add(1);
        if self.rows_told >= self.rows_asked {
            self.journalled(shared);
        }
    }

    /// The row exists, or cannot: either way the call goes on.
    fn journalled(&mut self, shared: &mut Shared) {
        if self.ways.is_writing() && self.state == CallState::Dialling {
            self.place(shared);
        } else if self.state == CallState::Preparing {
            self.enter(CallState::Joining, Some(JOINING), shared.now);
            self.join(Role::Talk, shared);
            shared.changed = true;
        }
    }

    /// Joined and devices open: announce the microphone. Announced: place the leg, so that we are there before anybody
    /// can answer.
    pub(crate) fn advance_joining(&mut self, devices_open: bool, shared: &mut Shared) {
        if self.state != CallState::Joining || self.publishing || !devices_open {
            return;
        }
        if let Some(link) = self.talking() {
            self.publishing = true;
            self.apply_mute(shared);
            shared.room(RoomCommand::Listen { link: link.clone() });
            shared.room(RoomCommand::PublishMicrophone { link });
        }
    }

    pub(crate) fn place(&mut self, shared: &mut Shared) {
        self.placed = true;
        self.place_open = true;
        self.leg_gone = false;
        self.ways.placed();
        self.enter(
            CallState::Dialling,
            Some(shared.ring_for + GRACE),
            shared.now,
        );
        shared.changed = true;
        shared.leg(LegCommand::Place {
            call: self.id.clone(),
            room: self.room.clone(),
            leg: self.leg.clone(),
            to: self.number.clone(),
            line: self.ways.trunk(),
            caller_id: self.ways.caller_id(),
            ring_for: shared.ring_for,
        });
    }

    pub(crate) fn outbound_join_failed(&mut self, why: JoinFailure, shared: &mut Shared) {
        let reason = match why {
            JoinFailure::Unreachable | JoinFailure::ServerBusy => EndReason::NoNetwork,
            JoinFailure::Refused => EndReason::SignInRefused,
            JoinFailure::NotSignedIn => EndReason::NotSignedIn,
            JoinFailure::Engine => EndReason::NoEngine {
                what: "The engine that carries calls did not start. Close Deskline and start it again.".into(),
            },
        };
        self.finish(reason, shared);
    }

    /// The leg was placed, and the far end has not answered yet.
    pub(crate) fn is_calling(&self) -> bool {
        match self.state {
            CallState::Dialling | CallState::RemoteRinging => true,
            CallState::Preparing
            | CallState::Joining
            | CallState::Offered
            | CallState::Claiming
            | CallState::Answering
            | CallState::Live
            | CallState::Ending
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ended => false,
        }
    }

    /// A status of the leg before the answer.
    pub(crate) fn outbound_status(&mut self, status: LegStatus, shared: &mut Shared) {
        if !self.is_calling() || self.ways.between_lines() {
            return;
        }
        match status {
            LegStatus::Dialing => {}
            LegStatus::Ringing => {
                self.state = CallState::RemoteRinging; // the deadline of the dial request goes on
                self.rings(shared.now);
                shared.changed = true;
            }
            LegStatus::Automation | LegStatus::Active => self.go_live(shared),
            LegStatus::Hangup => {
                self.leave = Some(LeaveReason::ClientInitiated);
                self.await_verdict(shared);
            }
        }
    }

    /// The leg left before the answer. A leave that proves nothing is left to the dial request and its deadline.
    pub(crate) fn outbound_left(&mut self, reason: LeaveReason, shared: &mut Shared) {
        if self.is_calling() && reason.proves_gone() && !self.ways.is_writing() {
            self.leave = Some(reason);
            self.await_verdict(shared);
        }
    }

    /// Our own connection was closed by the server or lost for good.
    pub(crate) fn outbound_closed(&mut self, reason: LeaveReason, shared: &mut Shared) {
        if self.is_calling() {
            if reason == LeaveReason::RoomDeleted && self.status.is_some() {
                self.leg_gone = true;
            }
            self.finish(closed_by(reason), shared);
        } else {
            self.finish(EndReason::NoNetwork, shared);
        }
    }

    /// What the dial request came to while the far end was still being called.
    pub(crate) fn outbound_leg_fact(&mut self, fact: &LegFact, shared: &mut Shared) {
        if !self.is_calling() || self.between_lines_fact(fact, shared) {
            return;
        }
        match fact {
            LegFact::Answered { .. } => self.go_live(shared),
            LegFact::PlaceFailed { failure, .. } => {
                self.place_failure = Some(failure.clone());
                self.await_verdict(shared);
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

    /// A deadline before the answer has come.
    pub(crate) fn outbound_timer(&mut self, shared: &mut Shared) {
        match self.state {
            CallState::Preparing => self.journalled(shared),
            CallState::Joining if self.talking().is_some() && !self.publishing => {
                let what = "Microphone and speaker did not open in time".into();
                self.finish(EndReason::NoSound { what }, shared);
            }
            CallState::Joining => self.finish(EndReason::NoNetwork, shared),
            CallState::Dialling if self.ways.is_writing() => self.place(shared),
            CallState::Dialling if self.ways.between_lines() => self.weighed(shared),
            CallState::Dialling => self.finish(EndReason::NeverRang, shared),
            CallState::RemoteRinging => self.finish(EndReason::NoAnswer, shared),
            CallState::Offered
            | CallState::Claiming
            | CallState::Answering
            | CallState::Live
            | CallState::Ending
            | CallState::Stranded
            | CallState::HandedOver
            | CallState::Ended => {}
        }
    }
}

/// Why a call is over whose connection the server closed.
pub(crate) fn closed_by(reason: LeaveReason) -> EndReason {
    match reason {
        LeaveReason::RoomDeleted | LeaveReason::ParticipantRemoved => EndReason::EndedByServer,
        LeaveReason::ClientInitiated
        | LeaveReason::DuplicateIdentity
        | LeaveReason::ServerShutdown
        | LeaveReason::UserUnavailable
        | LeaveReason::UserRejected
        | LeaveReason::TrunkFailure
        | LeaveReason::ConnectionTimeout
        | LeaveReason::Unknown => EndReason::ConnectionLost,
    }
}
