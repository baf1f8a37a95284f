//! Further people in a room: their phones, and who hears whom.

use super::*;

/// What the world adds to a room for them.
#[derive(Default)]
pub(super) struct People {
    pub(super) legs: BTreeMap<Identity, LegStatus>,
    /// Whose dial request waits.
    open: HashSet<Identity>,
    /// Who alone hears us on a connection.
    only: HashMap<Link, Option<Identity>>,
    /// Legs that hear no other leg.
    apart: HashSet<Identity>,
}

impl World {
    /// What a person does with a call that is up.
    pub(super) fn with_people(&mut self, call: CallId) -> Intent {
        let view = self.observer.phone.view();
        let legs: Vec<Identity> = view
            .call(&call)
            .map(|call| call.people.iter().map(|p| p.leg.clone()).collect())
            .unwrap_or_default();
        let leg = self
            .rng
            .choice(legs.iter())
            .cloned()
            .or_else(|| self.leg_name(&RoomName::outbound(&call)))
            .unwrap_or_else(|| leg_of(call.as_str()));
        match self.rng.u8(0..13) {
            0..=3 => Intent::AddPerson {
                call,
                number: OTHER.into(),
                private: self.rng.bool(),
            },
            4 | 5 => Intent::Merge { call },
            6 => Intent::TalkPrivately { call, with: leg },
            7..=10 => Intent::HandOver { call },
            _ => Intent::DropPerson { call, leg },
        }
    }

    pub(super) fn place_person(&mut self, call: &CallId, name: RoomName, leg: Identity) {
        if self.truthful
            && let Some(room) = self.rooms.get(&name)
        {
            assert!(
                room.leg
                    .is_none_or(|status| status >= LegStatus::Automation)
                    || self.down,
                "a second leg would answer the first"
            );
            let privately = room
                .people
                .only
                .values()
                .any(|only| *only == Some(leg.clone()));
            let far = self
                .leg_name(&name)
                .unwrap_or_else(|| leg_of(call.as_str()));
            let hears = room.leg == Some(LegStatus::Active) && !room.people.apart.contains(&far);
            assert!(
                !privately || !hears,
                "dialled before the others were parted"
            );
        }
        let detail = String::new();
        let failure = match self.rng.u32(0..1_000) {
            _ if self.down => Some(PlaceFailure::Unreachable { detail }),
            n if n >= self.faults.refused => None,
            n if n % 3 == 0 => Some(PlaceFailure::NoLine),
            n if n % 3 == 1 => Some(PlaceFailure::NoBridge),
            _ => {
                // carried out all the same
                let appears = Event::PersonAppears(name.clone(), call.clone(), leg.clone());
                self.at(20, appears);
                Some(PlaceFailure::Unreachable { detail })
            }
        };
        if let Some(failure) = failure {
            return self.tell_leg(call, LegFact::PersonFailed { leg, failure });
        }
        let slow = if self.rng.u8(0..4) == 0 { 6_000 } else { 20 };
        self.at(slow, Event::PersonAppears(name, call.clone(), leg));
    }

    pub(super) fn person_appears(&mut self, name: RoomName, call: CallId, leg: Identity) {
        let room = self.rooms.entry(name.clone()).or_default();
        room.call.get_or_insert(call);
        room.people.open.insert(leg.clone());
        self.person_says(&name, &leg, LegStatus::Dialing);
        let fate = self.rng.u8(0..10);
        let far = |status| Event::PersonFar(name.clone(), leg.clone(), status);
        let refuses = |code| Event::PersonRefuses(name.clone(), leg.clone(), code);
        if fate < 8 {
            self.at(1_000, far(LegStatus::Ringing));
        }
        match fate {
            0..=5 => self.at(20_000, far(LegStatus::Active)),
            6 | 7 => {
                let code = *self.rng.choice([486, 603, 404, 480, 503].iter()).unwrap();
                self.at(20_000, refuses(code));
            }
            _ => self.exactly(Duration::from_secs(45), refuses(0)),
        }
    }

    fn person_says(&mut self, name: &RoomName, leg: &Identity, status: LegStatus) {
        let room = self.rooms.get_mut(name).unwrap();
        room.people.legs.insert(leg.clone(), status);
        self.broadcast(name, RoomFact::Present(person(leg, status)));
    }

    pub(super) fn person_far(&mut self, name: &RoomName, leg: &Identity, status: LegStatus) {
        let was = self.rooms[name].people.legs.get(leg);
        if was.is_none_or(|was| *was >= status) || self.closing {
            return;
        }
        if status == LegStatus::Hangup {
            if self.rng.u8(0..10) > 0 {
                self.person_says(name, leg, LegStatus::Hangup);
            }
            self.person_ends(name, leg, LeaveReason::ClientInitiated, None);
            return;
        }
        self.person_says(name, leg, status);
        if status == LegStatus::Active {
            let leg = leg.clone();
            self.person_request_ends(
                name,
                &leg.clone(),
                LegFact::PersonAnswered { leg: leg.clone() },
            );
            self.at(
                60_000,
                Event::PersonFar(name.clone(), leg, LegStatus::Hangup),
            );
        }
    }

    pub(super) fn person_refuses(&mut self, name: &RoomName, leg: &Identity, code: u16) {
        let was = self.rooms[name].people.legs.get(leg);
        if was.is_none_or(|was| *was >= LegStatus::Active) || self.closing {
            return;
        }
        let (failure, reason) = match code {
            0 => (PlaceFailure::Cancelled, LeaveReason::UserUnavailable),
            404 | 480 => (PlaceFailure::Sip { code }, LeaveReason::UserUnavailable),
            503 => (PlaceFailure::Sip { code }, LeaveReason::ClientInitiated),
            _ => (PlaceFailure::Sip { code }, LeaveReason::UserRejected),
        };
        self.person_ends(name, leg, reason, Some(failure));
    }

    /// The leg is no longer there. Says whether it was.
    pub(super) fn person_ends(
        &mut self,
        name: &RoomName,
        leg: &Identity,
        reason: LeaveReason,
        why: Option<PlaceFailure>,
    ) -> bool {
        let room = self.rooms.get_mut(name).unwrap();
        if room.people.legs.remove(leg).is_none() {
            return false;
        }
        room.people.apart.remove(leg);
        let failure = why.unwrap_or(PlaceFailure::Cancelled);
        let fact = LegFact::PersonFailed {
            leg: leg.clone(),
            failure,
        };
        self.person_request_ends(name, leg, fact);
        let left = RoomFact::Left {
            identity: leg.clone(),
            reason,
            reconnecting: false,
        };
        self.broadcast(name, left);
        true
    }

    fn person_request_ends(&mut self, name: &RoomName, leg: &Identity, fact: LegFact) {
        let room = self.rooms.get_mut(name).unwrap();
        if room.people.open.remove(leg) {
            let call = room.call.clone().unwrap();
            self.tell_leg(&call, fact);
        }
    }

    /// The status of any leg of a room.
    pub(super) fn leg_status(&self, name: &RoomName, leg: &Identity) -> Option<LegStatus> {
        let room = self.rooms.get(name)?;
        if self.leg_name(name).as_ref() == Some(leg) {
            return room.leg;
        }
        room.people.legs.get(leg).copied()
    }

    /// The legs of further people, as a join answer or a server that is back lists them.
    pub(super) fn people_of(&self, name: &RoomName) -> Vec<Participant> {
        let legs = &self.rooms[name].people.legs;
        legs.iter()
            .map(|(leg, status)| person(leg, *status))
            .collect()
    }

    // ---- who hears whom ----

    pub(super) fn set_audience(&mut self, link: &Link, name: &RoomName, only: Option<Identity>) {
        if self.happens(self.faults.lost) {
            return; // the phone's patience must end
        }
        let done = !self.down && !self.happens(self.faults.refused);
        if done {
            let people = &mut self.rooms.get_mut(name).unwrap().people;
            people.only.insert(link.clone(), only);
        }
        let fact = if done {
            RoomFact::AudienceSet
        } else {
            let detail = String::new();
            RoomFact::AudienceFailed { detail }
        };
        let link = link.clone();
        // a connection answers once and in order
        self.exactly(
            Duration::from_millis(2),
            Event::Tell(Input::Room { link, fact }),
        );
    }

    /// The server can only part legs that it lists with their sound.
    pub(super) fn part(&mut self, call: CallId, name: &RoomName, legs: &[Identity], apart: bool) {
        if self.happens(self.faults.lost) {
            return;
        }
        let listed = |leg: &Identity| self.leg_status(name, leg) >= Some(LegStatus::Automation);
        let known = legs.iter().all(listed);
        let done = !self.down && (known || !apart) && !self.happens(self.faults.refused);
        if done && let Some(room) = self.rooms.get_mut(name) {
            for leg in legs {
                if apart {
                    room.people.apart.insert(leg.clone());
                } else {
                    room.people.apart.remove(leg);
                }
            }
        }
        let fact = LegFact::Parted { apart, done };
        self.exactly(
            Duration::from_millis(2),
            Event::Tell(Input::Leg { call, fact }),
        );
    }

    /// What the phone calls private is private.
    pub(super) fn check_privacy(&self) {
        if !self.truthful {
            return;
        }
        for call in self.observer.phone.view().calls {
            let Some(with) = &call.private_with else {
                continue;
            };
            for room in self.rooms.values() {
                let ours = room.ours.iter().filter(|l| l.call == call.id);
                for link in ours.filter(|link| link.role == Role::Talk) {
                    let only = room.people.only.get(link);
                    assert_eq!(only, Some(&Some(with.clone())), "others hear us");
                    for shown in &call.people {
                        let up = matches!(shown.state, PersonState::Up | PersonState::Waiting);
                        let there = room.people.legs.get(&shown.leg) == Some(&LegStatus::Active);
                        assert!(
                            !up || !there || room.people.apart.contains(&shown.leg),
                            "the legs hear each other"
                        );
                    }
                }
            }
        }
    }
}

fn person(leg: &Identity, status: LegStatus) -> Participant {
    Participant {
        identity: leg.clone(),
        ..phone_leg("x", Some(status))
    }
}
