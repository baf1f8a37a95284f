//! What the phone asks of the server, the journal and the sound system, and what they say.

use super::*;

impl World {
    pub(super) fn serve(&mut self, output: Output) {
        match output {
            Output::Log(LogCommand::Start(start)) => {
                let call = start.call;
                let fact = if self.happens(self.faults.refused) {
                    let what = "The history cannot be written.".into();
                    LogFact::Failed { what }
                } else {
                    LogFact::Logged
                };
                self.tell(Input::Log { call, fact });
            }
            Output::Log(LogCommand::WentOver { call, .. }) => {
                let fact = LogFact::Logged;
                self.tell(Input::Log { call, fact });
            }
            Output::Log(_) | Output::Shell(_) => {}
            Output::Audio(AudioCommand::Open) => {
                let fact = if self.happens(self.faults.refused) {
                    let what = "No microphone was found.".into();
                    AudioFact::Failed { what }
                } else {
                    AudioFact::Opened
                };
                self.tell(Input::Audio(fact));
            }
            Output::Audio(_) => {}
            Output::Room(command) => self.serve_room(command),
            Output::Leg(command) => self.serve_leg(command),
        }
    }

    /// The name of the far end's leg in a room.
    pub(super) fn leg_name(&self, name: &RoomName) -> Option<Identity> {
        let room = self.rooms.get(name)?;
        let first = || room.call.as_ref().map(|call| leg_of(call.as_str()));
        room.leg_name.clone().or_else(first)
    }

    pub(super) fn far_leg(&self, name: &RoomName, status: LegStatus) -> Participant {
        Participant {
            identity: self.leg_name(name).unwrap(),
            ..phone_leg("x", Some(status))
        }
    }

    fn room_of(&self, link: &Link) -> Option<RoomName> {
        self.rooms
            .iter()
            .find(|(_, room)| room.ours.contains(link))
            .map(|(name, _)| name.clone())
    }

    pub(super) fn us(link: &Link) -> Identity {
        Identity::desk(link.call.as_str(), link)
    }

    fn serve_room(&mut self, command: RoomCommand) {
        let link = command.link().clone();
        if let RoomCommand::Join { room, .. } = command {
            return self.join(&link, &room);
        }
        let Some(name) = self.room_of(&link) else {
            if let RoomCommand::Leave { .. } = command {
                let reason = LeaveReason::ClientInitiated;
                self.tell_room(&link, RoomFact::Closed { reason });
            }
            return;
        };
        match command {
            RoomCommand::PublishMicrophone { .. } => self.publish(&link, &name),
            RoomCommand::SetAudience { only, .. } => self.set_audience(&link, &name, only),
            RoomCommand::EndLeg { leg, .. } => self.end_leg(&link, &name, &leg),
            RoomCommand::Leave { .. } => {
                let room = self.rooms.get_mut(&name).unwrap();
                room.ours.remove(&link);
                room.visible.retain(|there| *there != Self::us(&link));
                let reason = LeaveReason::ClientInitiated;
                self.tell_room(&link, RoomFact::Closed { reason });
            }
            RoomCommand::Join { .. }
            | RoomCommand::Claim { .. }
            | RoomCommand::Listen { .. }
            | RoomCommand::SetMuted { .. }
            | RoomCommand::SetHeld { .. }
            | RoomCommand::SendKeys { .. } => {}
        }
    }

    fn join(&mut self, link: &Link, name: &RoomName) {
        if self.down || self.happens(self.faults.refused) {
            let why = if self.down {
                JoinFailure::Unreachable
            } else {
                JoinFailure::ServerBusy
            };
            let detail = String::new();
            return self.tell_room(link, RoomFact::JoinFailed { why, detail });
        }
        let far = self.rooms.get(name).and_then(|room| room.leg);
        let far = far.map(|status| self.far_leg(name, status));
        let room = self.rooms.entry(name.clone()).or_default();
        let mut present: Vec<Participant> = room
            .visible
            .iter()
            .map(|identity| Participant {
                identity: identity.clone(),
                name: "Maria".into(),
                kind: ParticipantKind::Standard,
                leg_status: None,
                claims: true,
                call_ids: call::state::CallIds::default(),
            })
            .collect();
        present.extend(far);
        present.extend(self.people_of(name));
        let room = self.rooms.get_mut(name).unwrap();
        room.ours.insert(link.clone());
        if link.role == Role::Talk {
            room.visible.push(Self::us(link));
        }
        self.tell_room(link, RoomFact::Joined { present });
    }

    fn publish(&mut self, link: &Link, name: &RoomName) {
        let refused = self.happens(self.faults.refused);
        let phantom = refused && self.rng.bool();
        let room = self.rooms.get_mut(name).unwrap();
        let claims = room.answered_by != Some(By::Us); // else it comes back into its own call
        if self.truthful && room.inbound && claims && !self.down {
            assert_eq!(room.visible.first(), Some(&Self::us(link)), "cut in line");
        }
        let answers = room.inbound && room.leg == Some(LegStatus::Ringing);
        if (!refused || phantom) && answers && !self.down {
            room.leg = Some(LegStatus::Active);
            room.answered_by = Some(By::Us);
            room.phantom |= phantom;
            self.leg_says(name, LegStatus::Active);
        }
        let fact = if refused || self.down {
            let detail = String::new();
            RoomFact::PublishFailed { detail }
        } else {
            RoomFact::Published
        };
        self.tell_room(link, fact);
    }

    fn end_leg(&mut self, link: &Link, name: &RoomName, leg: &Identity) {
        let further = self.rooms[name].people.legs.get(leg).copied();
        if let Some(status) = further {
            let done = status >= LegStatus::Active && !self.down;
            if done {
                self.person_ends(name, leg, LeaveReason::ClientInitiated, None);
            }
            return self.tell_room(link, RoomFact::EndLegAnswered { done });
        }
        let room = &self.rooms[name];
        let hears = room.inbound || room.leg >= Some(LegStatus::Active);
        let known = self.leg_name(name).as_ref() == Some(leg);
        let done = hears && known && room.leg.is_some() && !self.down;
        if done {
            self.spares_colleagues(name);
            self.leg_says(name, LegStatus::Hangup);
            self.leg_ends(name, LeaveReason::ClientInitiated, None);
        }
        self.tell_room(link, RoomFact::EndLegAnswered { done });
    }

    fn serve_leg(&mut self, command: LegCommand) {
        match command {
            LegCommand::Place {
                call, room, leg, ..
            } => self.place(call, room, leg),
            LegCommand::Remove {
                call,
                room,
                identity,
            } => {
                if let Some(fact) = self.drop_fails() {
                    return self.tell_leg(&call, fact);
                }
                let found = self.remove(&room, &identity);
                self.tell_leg(&call, LegFact::Removed { found });
            }
            LegCommand::DeleteRoom { call, room } => {
                if let Some(fact) = self.drop_fails() {
                    return self.tell_leg(&call, fact);
                }
                let found = self.delete(&room);
                self.tell_leg(&call, LegFact::RoomDeleted { found });
            }
            LegCommand::Look { call, room, leg } => {
                let status = self.leg_status(&room, &leg);
                if self.drop_fails().is_some() {
                    return self.tell_leg(&call, LegFact::LookFailed);
                }
                let mut fact = LegFact::Looked {
                    leg: None,
                    other_desks: 0,
                    desks_ahead: 0,
                    taken_by: None,
                };
                if let Some(room) = self.rooms.get_mut(&room) {
                    let others = room
                        .visible
                        .iter()
                        .filter(|who| who.as_str().contains("Maria"));
                    let other_desks = others.count() as u32;
                    room.looked_alone |= other_desks == 0;
                    fact = LegFact::Looked {
                        leg: status,
                        other_desks,
                        desks_ahead: other_desks,
                        taken_by: (other_desks > 0).then(|| "Maria".into()),
                    };
                }
                self.tell_leg(&call, fact);
            }
            LegCommand::Transfer {
                call, room, leg, ..
            } => self.transfer(&call, room, leg),
            LegCommand::PlacePerson {
                call, room, leg, ..
            } => self.place_person(&call, room, leg),
            LegCommand::Part {
                call,
                room,
                legs,
                apart,
            } => self.part(call, &room, &legs, apart),
            LegCommand::RetryLine => {}
        }
    }

    fn transfer(&mut self, call: &CallId, room: RoomName, leg: Identity) {
        let up = self.leg_status(&room, &leg) == Some(LegStatus::Active);
        let detail = String::new();
        let failure = match self.rng.u8(0..6) {
            _ if self.down => TransferFailure::Unreachable { detail },
            _ if !up => TransferFailure::NotUp,
            0 => TransferFailure::Sip { code: 603 },
            1 => TransferFailure::Sip { code: 486 },
            2 => TransferFailure::NoOutcome,
            _ => {
                self.tell_leg(call, LegFact::Transferred);
                let bye = if self.leg_name(&room).as_ref() == Some(&leg) {
                    Event::FarEnd(room, LegStatus::Hangup)
                } else {
                    Event::PersonFar(room, leg, LegStatus::Hangup)
                };
                return self.exactly(Duration::from_secs(1), bye);
            }
        };
        self.tell_leg(call, LegFact::TransferFailed(failure));
    }

    fn drop_fails(&mut self) -> Option<LegFact> {
        let fails = self.down || self.happens(self.faults.refused);
        let detail = String::new();
        fails.then_some(LegFact::DropFailed { detail })
    }

    fn place(&mut self, call: CallId, room: RoomName, leg: Identity) {
        let detail = String::new();
        if self.down {
            let failure = PlaceFailure::Unreachable { detail };
            return self.tell_leg(&call, LegFact::PlaceFailed { leg, failure });
        }
        if self.happens(self.faults.refused) {
            let failure = match self.rng.u8(0..3) {
                0 => PlaceFailure::NoBridge,
                1 => PlaceFailure::NoLine,
                _ => {
                    self.at(20, Event::LegAppears(room, call.clone(), leg.clone())); // carried out all the same
                    PlaceFailure::Unreachable { detail }
                }
            };
            return self.tell_leg(&call, LegFact::PlaceFailed { leg, failure });
        }
        let slow = if self.rng.u8(0..4) == 0 { 6_000 } else { 20 };
        self.at(slow, Event::LegAppears(room, call, leg));
    }

    /// Only who was told to be alone may end a leg that a colleague answered.
    fn spares_colleagues(&self, name: &RoomName) {
        let room = &self.rooms[name];
        if self.truthful && room.answered_by == Some(By::Colleague) && room.leg.is_some() {
            assert!(room.looked_alone, "hung up on a colleague's caller");
        }
    }

    fn remove(&mut self, name: &RoomName, identity: &Identity) -> bool {
        let Some(room) = self.rooms.get(name) else {
            return false;
        };
        let found = room.leg.is_some();
        if self.leg_name(name).as_ref() == Some(identity) {
            self.spares_colleagues(name);
            self.leg_ends(name, LeaveReason::ParticipantRemoved, None);
            return found;
        }
        if room.people.legs.contains_key(identity) {
            return self.person_ends(name, identity, LeaveReason::ParticipantRemoved, None);
        }
        let found = room.visible.contains(identity);
        self.colleague_goes(name, identity);
        found
    }

    fn delete(&mut self, name: &RoomName) -> bool {
        if !self.rooms.contains_key(name) {
            return false;
        }
        self.spares_colleagues(name);
        self.leg_ends(name, LeaveReason::RoomDeleted, None);
        for person in self.people_of(name) {
            self.person_ends(name, &person.identity, LeaveReason::RoomDeleted, None);
        }
        let reason = LeaveReason::RoomDeleted;
        self.broadcast(name, RoomFact::Closed { reason });
        let room = self.rooms.get_mut(name).unwrap();
        room.ours.clear();
        room.visible.clear();
        true
    }
}
