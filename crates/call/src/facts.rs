//! What happened, handed to the call it concerns in the state that call is in.

use crate::end::EndReason;
use crate::ids::{CallId, Identity, Link, Role, RoomName};
use crate::input::{AudioFact, JoinFailure, LegFact, LineStatus, LogFact, Offer, Orphan, RoomFact};
use crate::live::KEYS;
use crate::number;
use crate::output::{LogCommand, ShellCommand};
use crate::phone::Phone;
use crate::quiet::Welcome;
use crate::record::{Call, Shared};
use crate::settle::Sound;
use crate::state::{CallState, Direction, LeaveReason, LegStatus, Participant};

/// Rooms whose offer is not taken up a second time.
const ROOMS_REMEMBERED: usize = 128;
/// Callers who may wait at once; more are left to the other desks.
const OFFERS: usize = 16;

impl Phone {
    pub(crate) fn room(&mut self, link: &Link, fact: RoomFact) {
        let Some((call, shared)) = self.find(&link.call) else {
            return;
        };
        let handed_over = call.state == CallState::HandedOver;
        let Some(connection) = call.connection(link) else {
            return; // an older attempt
        };
        if connection.leaving {
            return left_behind(call, link, fact, shared);
        }
        if handed_over {
            return watched(call, link, &fact, shared);
        }
        match fact {
            RoomFact::Joined { present } => {
                connection.joined = true;
                joined(call, link, &present, shared);
            }
            RoomFact::JoinFailed { why, .. } => {
                forget(call, link.role);
                join_failed(call, link.role, why, shared);
            }
            RoomFact::Closed { reason } => {
                forget(call, link.role);
                closed(call, link.role, reason, shared);
            }
            RoomFact::Published => published(call, shared),
            RoomFact::PublishFailed { .. } => publish_failed(call, shared),
            RoomFact::Present(participant) => present(call, &participant, shared),
            RoomFact::Left {
                identity,
                reason,
                reconnecting,
            } => left(call, &identity, reason, reconnecting, shared),
            RoomFact::Reconnecting | RoomFact::Reconnected => {
                if link.role == Role::Talk {
                    call.connection_shaky(fact == RoomFact::Reconnecting, shared);
                }
            }
            RoomFact::Media(report) => {
                if call.state == CallState::Live {
                    call.live_media(report, shared);
                }
            }
            RoomFact::KeyReceived { key } => {
                if matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
                    && call.keys_received.len() < KEYS
                {
                    call.keys_received.push(key);
                    shared.changed = true;
                }
            }
            RoomFact::EndLegAnswered { done } => call.end_leg_answered(done, shared),
            RoomFact::AudienceSet => call.audience_answered(true, shared),
            RoomFact::AudienceFailed { .. } => call.audience_answered(false, shared),
            RoomFact::KeysFailed { keys, .. } => {
                if call.state == CallState::Live {
                    call.keys_failed(&keys, shared);
                }
            }
        }
    }

    pub(crate) fn leg(&mut self, id: &CallId, fact: &LegFact) {
        self.loose.fact(id, fact, &mut self.shared);
        if self.late_fact(id, fact) || self.doubt_fact(id, fact) {
            return;
        }
        let Some((call, shared)) = self.find(id) else {
            return;
        };
        // requests for one call are carried out in order, so this is the answer about a ghost, not about the leg
        let about_a_ghost = call.sweeping > 0
            && matches!(fact, LegFact::Removed { .. } | LegFact::DropFailed { .. });
        if about_a_ghost {
            return call.swept(shared);
        }
        if let LegFact::Answered { leg } | LegFact::PlaceFailed { leg, .. } = fact
            && *leg != call.leg
        {
            return; // late news of a line that refused
        }
        call.note_place(fact);
        if let LegFact::PersonAnswered { leg } = fact {
            call.person_placed(leg, None, shared);
        } else if let LegFact::PersonFailed { leg, failure } = fact {
            call.person_placed(leg, Some(failure), shared);
        }
        match call.state {
            CallState::Preparing
            | CallState::Joining
            | CallState::Dialling
            | CallState::RemoteRinging => call.outbound_leg_fact(fact, shared),
            CallState::Offered | CallState::Claiming | CallState::Answering => {
                call.inbound_leg_fact(fact, shared);
            }
            CallState::Live => call.live_leg_fact(fact, shared),
            CallState::Ending => call.ending_leg_fact(fact, shared),
            CallState::Stranded => call.stranded_leg_fact(fact, shared),
            CallState::HandedOver | CallState::Ended => {}
        }
    }

    pub(crate) fn offer(&mut self, offer: Offer) {
        let known = self.rooms.contains(&offer.room)
            || self.calls.iter().any(|call| call.room == offer.room)
            || self.knows(&offer.call)
            || self.late.has_room(&offer.room);
        let waiting = self
            .calls
            .iter()
            .filter(|call| call.state == CallState::Offered)
            .count();
        if known || self.quitting || waiting >= OFFERS || self.is_late(&offer) {
            return;
        }
        self.take_up(offer);
    }

    /// A caller who waits: journalled, watched, and rung unless a rule says otherwise.
    pub(crate) fn take_up(&mut self, offer: Offer) {
        if self.quitting {
            return;
        }
        if self.rooms.len() >= ROOMS_REMEMBERED {
            self.rooms.pop_front();
        }
        self.rooms.push_back(offer.room.clone());
        let region = self.shared.region;
        let mut call = Call::new(
            offer.call,
            Direction::Inbound,
            number::from_line(&offer.from, region),
            number::shown(&offer.from, region),
            offer.room,
            offer.leg,
            self.shared.now,
        );
        call.name = offer.name.as_deref().and_then(number::display_name);
        call.line = number::display_name(&offer.to);
        call.advance_status(LegStatus::Ringing);
        match self.welcome(&call) {
            Welcome::TurnAway => call.turn_away(&mut self.shared),
            Welcome::Quiet => {
                call.quiet = true;
                call.offer(&mut self.shared);
            }
            Welcome::Ring => {
                call.offer(&mut self.shared);
                call.notified = true;
                self.shared.shell(ShellCommand::NotifyIncoming {
                    call: call.id.clone(),
                });
            }
        }
        self.calls.push(call);
    }

    pub(crate) fn withdrawn(&mut self, room: &RoomName) {
        let Self {
            calls,
            shared,
            rooms,
            ..
        } = self;
        let call = calls.iter_mut().find(|call| call.room == *room);
        // a caller whom a person refused stays refused, even if the server loses sight of the room for a moment
        if !call
            .as_ref()
            .is_some_and(|call| call.end == Some(EndReason::DeclinedHere))
        {
            rooms.retain(|known| known != room);
        }
        if let Some(call) = call {
            call.withdrawn(shared);
        }
    }

    pub(crate) fn line(&mut self, status: LineStatus) {
        if self.line == status {
            return;
        }
        if matches!(status, LineStatus::Ready { .. }) {
            self.loose.line_is_back(self.shared.now);
        }
        self.line = status;
        self.shared.changed = true;
    }

    pub(crate) fn audio(&mut self, fact: AudioFact) {
        if self.derived.sound == Sound::Closed {
            return;
        }
        match fact {
            AudioFact::Opened => {
                self.derived.sound = Sound::Open;
                let complaint = self.shared.notice.as_ref();
                if complaint.is_some_and(|notice| notice.code == "no_sound") {
                    self.shared.notice = None;
                    self.shared.changed = true;
                }
            }
            AudioFact::Failed { what } => {
                self.derived.sound = Sound::Failed;
                let Self { calls, shared, .. } = self;
                for call in calls.iter_mut() {
                    no_sound(call, &what, shared);
                }
                shared.notify("no_sound", what);
            }
            AudioFact::Using {
                microphone,
                speaker,
            } => self.shared.devices.note(microphone, speaker),
        }
    }

    pub(crate) fn log(&mut self, id: &CallId, fact: LogFact) {
        if let LogFact::Failed { what } = fact {
            let said = self.shared.notice.as_ref();
            if !said.is_some_and(|notice| notice.code == "journal" && notice.text == what) {
                self.shared.notify("journal", what);
            }
        }
        if let Some((call, shared)) = self.find(id) {
            call.row_told(shared);
        }
    }

    pub(crate) fn orphan(&mut self, orphan: Orphan) {
        if self.knows(&orphan.call) {
            return;
        }
        if orphan.handed_over {
            // not while closing: the next start finds it again
            if !self.quitting {
                self.resume_handed_over(orphan);
            }
            return;
        }
        if orphan.answered && !self.quitting {
            return self.stranded(orphan, false);
        }
        if orphan.direction == Direction::Inbound && !orphan.answered {
            return self.doubt(orphan);
        }
        self.shared.log(LogCommand::FinishOrphan {
            call: orphan.call.clone(),
        });
        let now = self.shared.now;
        self.loose.add(orphan.call, orphan.room, orphan.leg, now);
    }
}

/// A connection that we were told to leave has nothing to say but its end, and that of a leg we wait for.
fn left_behind(call: &mut Call, link: &Link, fact: RoomFact, shared: &mut Shared) {
    match fact {
        RoomFact::JoinFailed { .. } | RoomFact::Closed { .. } => {
            forget(call, link.role);
            match call.state {
                // its reason is our own leave
                CallState::Ending => call.ending_closed(link.role, LeaveReason::Unknown, shared),
                CallState::Claiming => call.join_claim(shared),
                CallState::Preparing
                | CallState::Joining
                | CallState::Dialling
                | CallState::RemoteRinging
                | CallState::Offered
                | CallState::Answering
                | CallState::Live
                | CallState::Stranded
                | CallState::HandedOver
                | CallState::Ended => {}
            }
        }
        RoomFact::Left {
            identity,
            reason,
            reconnecting: false,
        } if call.state == CallState::Ending && identity == call.leg => {
            call.ending_left(reason, shared);
        }
        RoomFact::Joined { .. }
        | RoomFact::Published
        | RoomFact::PublishFailed { .. }
        | RoomFact::AudienceSet
        | RoomFact::AudienceFailed { .. }
        | RoomFact::KeysFailed { .. }
        | RoomFact::Present(_)
        | RoomFact::Left { .. }
        | RoomFact::Reconnecting
        | RoomFact::Reconnected
        | RoomFact::Media(_)
        | RoomFact::KeyReceived { .. }
        | RoomFact::EndLegAnswered { .. } => {}
    }
}

/// A fact about a call that we left to others.
fn watched(call: &mut Call, link: &Link, fact: &RoomFact, shared: &mut Shared) {
    if let RoomFact::Closed { .. } | RoomFact::JoinFailed { .. } = fact {
        forget(call, link.role);
    } else if let (RoomFact::Joined { .. }, Some(connection)) = (fact, call.connection(link)) {
        connection.joined = true;
    }
    if link.role == Role::Watch {
        call.handed_over_fact(fact, shared);
    }
}

/// Nothing of this connection is left.
fn forget(call: &mut Call, role: Role) {
    match role {
        Role::Talk => call.talk = None,
        Role::Watch => call.watch = None,
    }
}

fn joined(call: &mut Call, link: &Link, participants: &[Participant], shared: &mut Shared) {
    let claims = link.role == Role::Talk && call.direction == Direction::Inbound;
    if claims {
        call.note_colleagues(participants);
    }
    for participant in participants {
        present(call, participant, shared);
    }
    if claims {
        call.claim_joined(link, participants, shared);
    }
    if link.role == Role::Watch {
        call.watch_joined(participants, shared);
    }
    if link.role == Role::Talk {
        call.rejoined(participants, shared);
    }
}

fn join_failed(call: &mut Call, role: Role, why: JoinFailure, shared: &mut Shared) {
    match call.state {
        CallState::Joining => call.outbound_join_failed(why, shared),
        CallState::Offered | CallState::Claiming | CallState::Answering => {
            call.inbound_join_failed(role, why, shared);
        }
        CallState::Live if call.back.rejoining && role == Role::Talk => call.rejoin_failed(shared),
        // never after `Joined`; told so all the same, the connection is gone
        CallState::Dialling | CallState::RemoteRinging | CallState::Live | CallState::Ending => {
            closed(call, role, LeaveReason::Unknown, shared);
        }
        CallState::Preparing | CallState::Stranded | CallState::HandedOver | CallState::Ended => {}
    }
}

fn closed(call: &mut Call, role: Role, reason: LeaveReason, shared: &mut Shared) {
    match call.state {
        CallState::Preparing | CallState::Stranded | CallState::HandedOver | CallState::Ended => {}
        CallState::Joining | CallState::Dialling | CallState::RemoteRinging => {
            call.outbound_closed(reason, shared);
        }
        CallState::Offered | CallState::Claiming | CallState::Answering => {
            call.inbound_closed(role, reason, shared);
        }
        CallState::Live => {
            if role == Role::Talk {
                call.live_closed(reason, shared);
            }
        }
        CallState::Ending => call.ending_closed(role, reason, shared),
    }
    if role == Role::Talk && call.talk.is_none() {
        call.off_the_air();
    }
}

fn published(call: &mut Call, shared: &mut Shared) {
    if !call.publishing {
        return;
    }
    call.published = true;
    call.say_again(shared);
    call.back_in(shared);
    if call.state == CallState::Joining {
        call.place(shared);
    }
}

fn publish_failed(call: &mut Call, shared: &mut Shared) {
    match call.state {
        CallState::Joining => call.finish(EndReason::LineFailed { code: None }, shared),
        CallState::Answering => {
            shared.notify(
                "answer_failed",
                "The microphone could not be sent. The caller still rings: press Answer again.",
            );
            call.back_to_offered(shared);
        }
        CallState::Live if call.back.rejoining => call.rejoin_failed(shared),
        CallState::Live => shared.notify(
            "not_heard",
            "The other side may not hear you: the microphone could not be sent. Hang up and call again.",
        ),
        CallState::Preparing
        | CallState::Dialling
        | CallState::RemoteRinging
        | CallState::Offered
        | CallState::Claiming
        | CallState::Ending
        | CallState::Stranded | CallState::HandedOver | CallState::Ended => {}
    }
}

fn present(call: &mut Call, participant: &Participant, shared: &mut Shared) {
    if participant.identity == call.leg {
        call.in_sight = true;
        call.note_ids(&participant.call_ids);
        if call.state == CallState::Live {
            call.live_present(shared);
        }
        if let Some(status) = participant.leg_status
            && call.advance_status(status)
        {
            leg_status(call, status, shared);
        }
    } else if call.state == CallState::Ending {
        if participant.leg_status == Some(LegStatus::Hangup) {
            call.person_ended(&participant.identity, shared);
        }
    } else if call.person_present(participant, shared) {
        return;
    }
    if call.direction == Direction::Inbound {
        call.inbound_present(participant, shared);
    }
}

fn leg_status(call: &mut Call, status: LegStatus, shared: &mut Shared) {
    match call.state {
        CallState::Preparing
        | CallState::Joining
        | CallState::Dialling
        | CallState::RemoteRinging => call.outbound_status(status, shared),
        CallState::Offered | CallState::Claiming | CallState::Answering => {
            call.inbound_status(status, shared);
        }
        CallState::Live => call.live_status(status, shared),
        CallState::Ending => {
            if status == LegStatus::Hangup {
                call.leg_is_gone(shared);
            }
        }
        CallState::Stranded | CallState::HandedOver | CallState::Ended => {}
    }
}

fn left(
    call: &mut Call,
    identity: &Identity,
    reason: LeaveReason,
    reconnecting: bool,
    shared: &mut Shared,
) {
    if *identity != call.leg {
        if call.state == CallState::Ending {
            if !reconnecting && reason.proves_gone() {
                call.person_ended(identity, shared);
            }
        } else if call.person_left(identity, reason, reconnecting, shared) {
            return;
        }
        call.inbound_colleague_left(identity, shared);
        return;
    }
    if reconnecting && call.state != CallState::Live {
        call.in_sight = false;
        return; // no end, and nothing to wait for that has no deadline already
    }
    match call.state {
        CallState::Live => call.live_left(reason, reconnecting, shared),
        CallState::Preparing
        | CallState::Joining
        | CallState::Dialling
        | CallState::RemoteRinging => call.outbound_left(reason, shared),
        CallState::Offered | CallState::Claiming | CallState::Answering => {
            call.inbound_left(reason, shared);
        }
        CallState::Ending => call.ending_left(reason, shared),
        CallState::Stranded | CallState::HandedOver | CallState::Ended => {}
    }
}

/// The devices cannot be opened, or are gone and nothing could take their place.
fn no_sound(call: &mut Call, what: &str, shared: &mut Shared) {
    match call.state {
        CallState::Preparing | CallState::Joining => {
            call.finish(EndReason::NoSound { what: what.into() }, shared);
        }
        CallState::Claiming => call.back_to_offered(shared),
        CallState::Answering if !call.publishing => call.back_to_offered(shared),
        // somebody is there, or about to be: the devices may come back
        CallState::Live if call.back.orphan => call.rejoin_given_up(shared),
        CallState::Answering | CallState::Dialling | CallState::RemoteRinging | CallState::Live => {
        }
        CallState::Offered
        | CallState::Ending
        | CallState::Stranded
        | CallState::HandedOver
        | CallState::Ended => {}
    }
}
