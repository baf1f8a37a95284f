//! Further people in a call: dialled into its room, one leg each.
//!
//! ```text
//!   AddPerson --(private: once the others cannot hear)--> dialled -> rings -> up -> gone
//! ```
//! The far end keeps its place in the rules of a call (`Call::leg`): when it goes while others are up, one of them takes
//! that place, so a call with several people ends like any other.

mod intents;
mod view;

use std::time::Duration;

use crate::circle::Then;
use crate::end::EndReason;
use crate::ids::Identity;
use crate::input::PlaceFailure;
use crate::number;
use crate::output::LegCommand;
use crate::record::{Call, Phase, Shared, Timer};
use crate::state::{CallState, Direction, LeaveReason, LegStatus, Participant};

/// People on the phone in one call.
const MOST: usize = 5;
/// People kept on the list, with those who are gone.
const LISTED: usize = 12;
/// Beyond the time their phone may ring: request and room both failed to tell us.
const GRACE: Duration = Duration::from_secs(8);
/// Request and room tell of a refusal within some milliseconds of each other.
const VERDICT: Duration = Duration::from_millis(300);
/// As for the far end: back 3-6 s after the server.
const MISSING: Duration = Duration::from_secs(20);
/// A removal is answered in some 5 ms, and the leave follows.
const REMOVAL: Duration = Duration::from_secs(3);
/// So often a person who does not go is asked to.
const REMOVALS: u32 = 4;

/// Who somebody is.
#[derive(Debug, Clone)]
struct Face {
    /// Counts up from 0, the first far end.
    n: u32,
    number: String,
    shown: String,
    name: Option<String>,
}

/// One phone leg besides the far end's.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    leg: Identity,
    face: Face,
    status: Option<LegStatus>,
    /// Somebody there took the call at some time.
    answered: bool,
    placed: bool,
    /// The dial request may still bring a leg.
    open: bool,
    failure: Option<PlaceFailure>,
    leave: Option<LeaveReason>,
    /// We asked for it to be removed so often.
    removals: u32,
    /// The server found it when it was asked to.
    removed: bool,
    /// Left for a reason that proves nothing.
    missing: bool,
    /// What is awaited must have come by then.
    until: Option<Duration>,
    gone: Option<EndReason>,
}

impl Person {
    fn is_here(&self) -> bool {
        self.gone.is_none()
    }

    fn is_up(&self) -> bool {
        self.is_here() && self.answered
    }

    fn is_called(&self) -> bool {
        self.is_here() && !self.is_up()
    }

    fn rang(&self) -> bool {
        self.status >= Some(LegStatus::Ringing)
    }

    /// May its leg still be up, or come?
    fn is_loose(&self) -> bool {
        self.placed && (self.is_here() || self.open)
    }
}

/// Everybody on the phone besides the far end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Party {
    people: Vec<Person>,
    /// Legs that got a name.
    made: u32,
    /// Who took the far end's place.
    far: Option<Face>,
}

impl Party {
    fn here(&self) -> usize {
        self.people.iter().filter(|person| person.is_here()).count()
    }

    fn up(&self) -> usize {
        self.people.iter().filter(|person| person.is_up()).count()
    }

    fn find(&mut self, leg: &Identity) -> Option<&mut Person> {
        self.people.iter_mut().find(|person| person.leg == *leg)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.here() == 0
    }

    /// May a leg of anybody still be up, or come?
    pub(crate) fn is_loose(&self) -> bool {
        self.people.iter().any(Person::is_loose)
    }

    /// Legs whose dial request is still open.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Identity> {
        let open = self.people.iter().filter(|person| person.open);
        open.map(|person| &person.leg)
    }

    /// Takes somebody off the list who was never dialled.
    pub(crate) fn forget(&mut self, leg: &Identity) {
        self.people
            .retain(|person| person.leg != *leg || person.placed);
    }

    /// The room was deleted: whoever was seen, or can no longer come, is gone.
    pub(crate) fn room_deleted(&mut self, why: &EndReason) {
        for person in &mut self.people {
            if !person.open || person.status.is_some() {
                person.open = false;
                person.gone.get_or_insert_with(|| why.clone());
            }
        }
    }

    /// What a dial request came to, whatever state the call is in.
    fn note(&mut self, leg: &Identity, failure: Option<&PlaceFailure>) {
        if let Some(person) = self.find(leg) {
            match failure {
                None => person.open = false,
                Some(failure) => person.open &= !failure.proves_no_leg(),
            }
        }
    }
}

impl Call {
    /// All phone legs that are in the room or on their way there.
    pub(crate) fn legs(&self) -> Vec<Identity> {
        let others = self.party.people.iter().filter(|person| person.is_here());
        let others = others.map(|person| person.leg.clone());
        std::iter::once(self.leg.clone()).chain(others).collect()
    }

    /// Those of them that can be heard.
    pub(crate) fn legs_with_sound(&self) -> Vec<Identity> {
        let others = self.party.people.iter().filter(|person| person.is_up());
        let others = others.map(|person| person.leg.clone());
        std::iter::once(self.leg.clone()).chain(others).collect()
    }

    /// Legs that are up, the far end's included.
    pub(crate) fn legs_up(&self) -> usize {
        self.party.up() + usize::from(!self.leg_gone)
    }

    fn far_face(&self) -> Face {
        self.party.far.clone().unwrap_or_else(|| Face {
            n: 0,
            number: self.number.clone(),
            shown: self.shown.clone(),
            name: self.name.clone(),
        })
    }

    /// The far end, at the beginning of a sentence.
    pub(crate) fn far_end(&self) -> &'static str {
        match (&self.party.far, self.direction) {
            (None, Direction::Inbound) => "The caller",
            (None, Direction::Outbound) | (Some(_), _) => "The other side",
        }
    }

    /// The one who came last, for saying to whom a call was handed over.
    pub(crate) fn newest_person(&self) -> Option<String> {
        let up = self.party.people.iter().filter(|person| person.is_up());
        up.max_by_key(|person| person.face.n)
            .map(|person| person.face.shown.clone())
    }

    pub(crate) fn place_person(&mut self, leg: &Identity, shared: &mut Shared) {
        let ring_for = shared.ring_for;
        let Some(person) = self.party.find(leg).filter(|person| !person.placed) else {
            return;
        };
        person.placed = true;
        person.open = true;
        person.until = Some(shared.now.mono.saturating_add(ring_for + GRACE));
        let to = person.face.number.clone();
        shared.changed = true;
        shared.leg(LegCommand::PlacePerson {
            call: self.id.clone(),
            room: self.room.clone(),
            leg: leg.clone(),
            to,
            line: self.ways.trunk(),
            caller_id: self.ways.caller_id(),
            ring_for,
        });
        self.wake_people(shared);
    }

    fn remove(&self, leg: &Identity, shared: &mut Shared) {
        shared.leg(LegCommand::Remove {
            call: self.id.clone(),
            room: self.room.clone(),
            identity: leg.clone(),
        });
    }

    pub(crate) fn wake_people(&mut self, shared: &mut Shared) {
        let next = self.party.people.iter().filter_map(|p| p.until).min();
        match next {
            Some(until) => {
                let after = until.saturating_sub(shared.now.mono);
                self.wake(Timer::People, after, shared.now);
            }
            None => self.cancel(Timer::People),
        }
    }

    // ---- what is seen in the room, and what the server says ----

    /// News of a leg that is not the far end's. Says whether it is one of ours.
    pub(crate) fn person_present(
        &mut self,
        participant: &Participant,
        shared: &mut Shared,
    ) -> bool {
        let now = shared.now.mono;
        let leg = &participant.identity;
        let Some(person) = self.party.find(leg) else {
            return false;
        };
        let back = std::mem::take(&mut person.missing);
        let status = participant.leg_status.filter(|s| Some(*s) > person.status);
        if let Some(status) = status {
            person.status = Some(status);
        }
        if back && person.is_here() {
            person.until = None;
        }
        shared.changed |= back || status.is_some();
        if !person.is_here() {
            // given up, and there after all
            if person.open && status.is_some_and(|status| status != LegStatus::Hangup) {
                self.remove(leg, shared);
            }
            return true;
        }
        match status {
            Some(LegStatus::Hangup) if !person.answered => {
                person.leave = Some(LeaveReason::ClientInitiated);
                person.until = Some(now.saturating_add(VERDICT));
            }
            Some(LegStatus::Hangup) if person.removals > 0 => {
                self.person_gone(leg, EndReason::HungUp, shared);
            }
            Some(LegStatus::Hangup) => self.person_gone(leg, EndReason::FarEndHungUp, shared),
            Some(LegStatus::Automation | LegStatus::Active) => {
                person.until = person.until.filter(|_| person.removals > 0);
                person.answered = true;
                self.part_again(shared);
            }
            Some(LegStatus::Dialing | LegStatus::Ringing) | None => {
                if back {
                    self.part_again(shared);
                }
            }
        }
        self.wake_people(shared);
        true
    }

    /// We are back in the room: some are not there (yet), and a call of an earlier run may have people of whom the journal
    /// does not tell. Who of them hears whom is then unknown.
    pub(crate) fn miss_people(&mut self, present: &[Participant], shared: &mut Shared) {
        let ours = |p: &&Participant| {
            p.leg_status != Some(LegStatus::Hangup) && p.identity.person_number(&self.id).is_some()
        };
        let found: Vec<&Participant> = present.iter().filter(ours).collect();
        for participant in found {
            if self.party.find(&participant.identity).is_none() {
                self.adopt_person(participant, shared);
                self.unsure_circle();
            }
        }
        for leg in self.legs() {
            if leg != self.leg && !present.iter().any(|p| p.identity == leg) {
                self.person_left(&leg, LeaveReason::Unknown, true, shared);
            }
        }
    }

    /// A leg left. Says whether it is one of ours besides the far end's.
    pub(crate) fn person_left(
        &mut self,
        leg: &Identity,
        reason: LeaveReason,
        reconnecting: bool,
        shared: &mut Shared,
    ) -> bool {
        let shaky = reconnecting || self.reconnecting || !reason.proves_gone();
        let now = shared.now.mono;
        let Some(person) = self.party.find(leg) else {
            return false;
        };
        if !person.is_here() {
            person.open &= shaky;
            return true;
        }
        if shaky {
            if person.is_up() && !person.missing {
                person.missing = true;
                person.until = Some(now.saturating_add(MISSING));
                shared.changed = true;
            }
        } else if person.removals > 0 {
            self.person_gone(leg, EndReason::HungUp, shared);
        } else if person.is_up() {
            let lost = reason == LeaveReason::ConnectionTimeout;
            let reason = if lost {
                EndReason::ConnectionLost
            } else {
                EndReason::FarEndHungUp
            };
            self.person_gone(leg, reason, shared);
        } else {
            person.leave = Some(reason);
            let rang = person.rang();
            match person.failure.clone() {
                Some(failure) => {
                    let reason = crate::ending::refusal(Some(&failure), Some(reason), rang);
                    self.person_gone(leg, reason, shared);
                }
                None => person.until = Some(now.saturating_add(VERDICT)),
            }
        }
        self.wake_people(shared);
        true
    }

    /// The dial request for somebody was answered. In any state.
    pub(crate) fn person_placed(
        &mut self,
        leg: &Identity,
        failure: Option<&PlaceFailure>,
        shared: &mut Shared,
    ) {
        if *leg == self.leg {
            self.place_open = false; // took the far end's place, so it is up
        }
        let was_open = self.party.find(leg).is_some_and(|person| person.open);
        self.party.note(leg, failure);
        if !was_open {
            return; // told twice
        }
        if self.state == CallState::Ending {
            return self.person_placed_late(leg, failure.is_none(), shared);
        }
        if self.state != CallState::Live && self.state != CallState::HandedOver {
            return;
        }
        let now = shared.now.mono;
        let Some(person) = self.party.find(leg) else {
            return;
        };
        match failure {
            None if !person.is_here() => self.remove(leg, shared), // up although given up
            None => {
                if person.is_called() {
                    person.status = person.status.max(Some(LegStatus::Active));
                    person.answered = true;
                    person.until = person.until.filter(|_| person.removals > 0);
                    shared.changed = true;
                    self.part_again(shared);
                }
            }
            Some(_) if !person.is_called() => {}
            Some(PlaceFailure::Cancelled) if person.leave.is_none() => {
                person.failure = Some(PlaceFailure::Cancelled);
                person.until = Some(now.saturating_add(VERDICT));
            }
            Some(failure) => {
                let reason = crate::ending::refusal(Some(failure), person.leave, person.rang());
                if !failure.proves_no_leg() {
                    self.remove(leg, shared); // carried out all the same, perhaps: nobody may listen unseen
                }
                self.person_gone(leg, reason, shared);
            }
        }
        self.wake_people(shared);
    }

    /// The server found whom it was asked to remove.
    pub(crate) fn person_removed(&mut self) {
        for person in &mut self.party.people {
            person.removed |= person.removals > 0;
        }
    }

    /// A leg is seen to go while the call is taken down.
    pub(crate) fn person_ended(&mut self, leg: &Identity, shared: &mut Shared) {
        let why = self.end.clone().unwrap_or(EndReason::HungUp);
        if let Some(person) = self.party.find(leg) {
            person.gone.get_or_insert(why);
            person.open = false;
            self.party_is_gone(shared);
        }
    }

    /// Somebody is not in the call any more.
    fn person_gone(&mut self, leg: &Identity, reason: EndReason, shared: &mut Shared) {
        let Some(person) = self.party.find(leg).filter(|person| person.is_here()) else {
            return;
        };
        let was_up = person.answered;
        let ours = person.removals > 0;
        let reason = if ours && !was_up {
            EndReason::Cancelled
        } else {
            reason
        };
        person.until = None;
        person.missing = false;
        person.gone = Some(reason.clone());
        let shown = person.face.shown.clone();
        shared.changed = true;
        if self.state == CallState::HandedOver {
            return self.count_legs(shared);
        }
        let alone = self.circle.only.as_ref() == Some(leg);
        if alone {
            self.arrange(None, Then::Nothing, shared);
        }
        self.cannot_hand_over(shared);
        if ours {
            return;
        }
        let back = if alone && !self.held {
            let far = self.far_end().to_lowercase();
            format!(" You are back with {far}.")
        } else {
            String::new()
        };
        if was_up {
            shared.notify("person_left", format!("{shown} left the call.{back}"));
        } else {
            let what = reason.title();
            shared.notify("person_failed", format!("{shown}: {what}.{back}"));
        }
    }

    /// Two must be left to talk on without us.
    fn cannot_hand_over(&mut self, shared: &mut Shared) {
        if self.circle.then == Then::HandOver && self.legs_up() < 2 {
            self.circle.then = Then::Nothing;
            shared.notify(
                "not_handed_over",
                "Nobody is left to hand the call over to. You are still in it.",
            );
        }
    }

    pub(crate) fn people_timer(&mut self, shared: &mut Shared) {
        let now = shared.now.mono;
        let due = self.party.people.iter();
        let due = due.filter(|person| person.until.is_some_and(|until| until <= now));
        let due: Vec<Identity> = due.map(|person| person.leg.clone()).collect();
        for leg in due {
            self.person_too_long(&leg, shared);
        }
        self.wake_people(shared);
    }

    fn person_too_long(&mut self, leg: &Identity, shared: &mut Shared) {
        let now = shared.now.mono;
        let shaky = self.reconnecting || self.back.rejoining;
        let Some(person) = self.party.find(leg) else {
            return;
        };
        person.until = None;
        if !person.is_here() {
            return;
        }
        if person.removals > 0 {
            if person.removed {
                return self.person_gone(leg, EndReason::HungUp, shared);
            }
            if person.removals < REMOVALS {
                return self.ask_to_go(leg, shared);
            }
            person.removals = 0;
            if person.is_called() {
                person.until = Some(now.saturating_add(GRACE));
            }
            let shown = person.face.shown.clone();
            return shared.notify(
                "not_dropped",
                format!("{shown} could not be taken out of the call. Try again."),
            );
        }
        if person.answered {
            if shaky {
                person.until = Some(now.saturating_add(MISSING));
            } else {
                self.remove(leg, shared);
                self.person_gone(leg, EndReason::ConnectionLost, shared);
            }
        } else if person.failure.is_some() || person.leave.is_some() {
            let reason =
                crate::ending::refusal(person.failure.as_ref(), person.leave, person.rang());
            self.person_gone(leg, reason, shared);
        } else {
            let reason =
                crate::ending::refusal(Some(&PlaceFailure::Cancelled), None, person.rang());
            self.remove(leg, shared);
            self.person_gone(leg, reason, shared);
        }
    }

    fn ask_to_go(&mut self, leg: &Identity, shared: &mut Shared) {
        let until = shared.now.mono.saturating_add(REMOVAL);
        if let Some(person) = self.party.find(leg) {
            person.removals = person.removals.saturating_add(1);
            person.until = Some(until);
            self.remove(leg, shared);
            self.wake_people(shared);
        }
    }

    /// Somebody in a call of an earlier run, of whom the journal does not tell.
    pub(crate) fn adopt_person(&mut self, participant: &Participant, shared: &mut Shared) {
        if self.party.people.len() >= LISTED {
            return;
        }
        // a name that was given by an earlier run is not given again
        let given = participant.identity.person_number(&self.id);
        let n = given.unwrap_or_else(|| self.party.made.saturating_add(1));
        self.party.made = self.party.made.max(n);
        let name = number::display_name(&participant.name);
        self.party.people.push(Person {
            leg: participant.identity.clone(),
            face: Face {
                n,
                number: String::new(),
                shown: name.clone().unwrap_or_else(|| "Somebody".into()),
                name,
            },
            status: participant.leg_status,
            answered: true,
            placed: true,
            open: false,
            failure: None,
            leave: None,
            removals: 0,
            removed: false,
            missing: false,
            until: None,
            gone: None,
        });
        shared.changed = true;
    }

    /// What a dial request came to while the call is taken down.
    fn person_placed_late(&mut self, leg: &Identity, answered: bool, shared: &mut Shared) {
        let why = self.end.clone().unwrap_or(EndReason::HungUp);
        let Some(person) = self.party.find(leg) else {
            return;
        };
        shared.changed = true;
        if answered {
            person.status = person.status.max(Some(LegStatus::Active));
            person.gone = None; // what was asked before proves nothing
            if self.phase == Phase::Delete {
                self.ask_deletion(shared);
            }
        } else if !person.open {
            person.gone.get_or_insert(why);
            self.party_is_gone(shared);
        }
    }

    // ---- the far end's place ----

    /// Gives the far end's place to somebody else who is up. Says whether there was one.
    fn change_places(&mut self, shared: &mut Shared) -> bool {
        let far = self.far_face();
        let up = self.party.people.iter_mut().filter(|person| person.is_up());
        let Some(person) = up.min_by_key(|person| (person.missing, person.face.n)) else {
            return false;
        };
        std::mem::swap(&mut self.leg, &mut person.leg);
        std::mem::swap(&mut self.place_open, &mut person.open);
        self.party.far = Some(std::mem::replace(&mut person.face, far));
        person.status = std::mem::replace(&mut self.status, person.status);
        std::mem::swap(&mut self.leg_missing, &mut person.missing);
        person.answered = true;
        person.removals = 0;
        person.until = None;
        self.cancel(Timer::LegMissing);
        if self.leg_missing {
            self.wake(Timer::LegMissing, MISSING, shared.now);
        }
        true
    }

    /// The far end is not in the room any more. With others up, the call goes on.
    pub(crate) fn far_end_gone(&mut self, reason: EndReason, shared: &mut Shared) {
        let old = self.leg.clone();
        let certain = self.leg_gone;
        if !self.change_places(shared) {
            return self.finish(reason, shared);
        }
        self.leg_gone = false;
        self.looking = false;
        self.stalled = false;
        if !self.back.rejoining {
            self.cancel(Timer::Look);
        }
        if !certain {
            self.remove(&old, shared);
        }
        self.person_gone(&old, reason, shared);
        if self.state == CallState::Live && self.circle.only.is_some() && self.party.is_empty() {
            self.arrange(None, Then::Nothing, shared);
        }
        self.wake_people(shared);
    }
}
