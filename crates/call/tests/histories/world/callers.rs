//! Who calls in, what an earlier run left up, and the colleagues who hear the same callers.

use super::*;

impl World {
    pub(super) fn new_caller(&mut self) {
        if self.down {
            return;
        }
        self.callers += 1;
        let call = format!("i{}", self.callers);
        let name = inbound_room(&call);
        let room = Room {
            inbound: true,
            call: Some(id(&call)),
            leg: Some(LegStatus::Ringing),
            ..Room::default()
        };
        self.rooms.insert(name.clone(), room);
        let offer = Offer {
            call: id(&call),
            room: name.clone(),
            leg: leg_of(&call),
            from: "+13125550142".into(),
            name: None,
            to: NUMBER.into(),
            created_unix_ms: START_MS + self.observer.now.as_millis() as i64,
        };
        if self.happens(200) {
            // told once more, whatever has become of it by then
            let again = Offer {
                call: id(&format!("{call}-again")),
                ..offer.clone()
            };
            self.at(200_000, Event::Tell(Input::Watch(WatchFact::Offer(again))));
        }
        self.tell(Input::Watch(WatchFact::Offer(offer)));
        let patience = self.rng.u64(1..180);
        self.exactly(
            Duration::from_secs(patience),
            Event::FarEnd(name.clone(), LegStatus::Hangup),
        );
        if self.rng.bool() {
            self.at(30_000, Event::ColleagueJoins(name));
        }
        if self.happens(100) {
            self.orphan();
        }
    }

    /// What a crash of an earlier run left up.
    fn orphan(&mut self) {
        let call = id(&format!("o{}", self.callers));
        let room = RoomName::outbound(&call);
        let mut left = Room {
            leg: Some(LegStatus::Active),
            call: Some(call.clone()),
            ..Room::default()
        };
        let handed_over = self.rng.bool();
        if handed_over {
            let leg = person_of(call.as_str(), 1);
            left.people.legs.insert(leg.clone(), LegStatus::Active);
            let hangup = Event::PersonFar(room.clone(), leg, LegStatus::Hangup);
            self.at(60_000, hangup);
        }
        self.rooms.insert(room.clone(), left);
        self.at(
            100,
            Event::Tell(Input::Orphan(Orphan {
                leg: leg_of(call.as_str()),
                call,
                direction: Direction::Outbound,
                room,
                answered: true,
                age: Duration::from_secs(30),
                handed_over,
                number: "+12125550100".into(),
                name: None,
                line: None,
                started_unix_ms: 1_800_000_000_000,
                answered_unix_ms: None,
                muted: false,
            })),
        );
    }

    // ---- colleagues ----

    pub(super) fn colleague_joins(&mut self, name: &RoomName) {
        if self.down || self.rooms[name].leg != Some(LegStatus::Ringing) {
            return;
        }
        let first = self.rooms[name].visible.is_empty();
        let who = colleague("Maria", first);
        let room = self.rooms.get_mut(name).unwrap();
        if room.visible.contains(&who.identity) || !first {
            return; // she was not the first: she leaves at once
        }
        room.visible.push(who.identity.clone());
        self.broadcast(name, RoomFact::Present(who.clone()));
        self.at(5_000, Event::ColleagueActs(name.clone(), who.identity));
    }

    /// Answers, hands back, or has crashed.
    pub(super) fn colleague_acts(&mut self, name: &RoomName, who: &Identity) {
        let room = self.rooms.get_mut(name).unwrap();
        if room.leg != Some(LegStatus::Ringing) || !room.visible.contains(who) || self.closing {
            return;
        }
        match self.rng.u8(0..3) {
            0 => {
                room.leg = Some(LegStatus::Active);
                room.answered_by = Some(By::Colleague);
                self.leg_says(name, LegStatus::Active);
            }
            1 => self.colleague_goes(name, who),
            _ => self.exactly(
                Duration::from_secs(23),
                Event::GhostGoes(name.clone(), who.clone()),
            ),
        }
    }

    pub(super) fn colleague_goes(&mut self, name: &RoomName, who: &Identity) {
        let room = self.rooms.get_mut(name).unwrap();
        let before = room.visible.len();
        room.visible.retain(|there| there != who);
        if room.visible.len() < before {
            let identity = who.clone();
            let reason = LeaveReason::ClientInitiated;
            let reconnecting = false;
            self.broadcast(
                name,
                RoomFact::Left {
                    identity,
                    reason,
                    reconnecting,
                },
            );
        }
    }
}
