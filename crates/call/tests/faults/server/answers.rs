//! What the phone asks for: done, or refused, and what is said about it.

use call::input::{
    AudioFact, JoinFailure, LegFact, LogFact, PlaceFailure, RoomFact, TransferFailure,
};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand};
use call::state::{LeaveReason, LegStatus};
use call::{CallId, Identity, Input, Link, Output, Role, RoomName};

use super::rooms::{desk, seen, us};
use super::{Server, command_call};

fn detail() -> String {
    "refused".into()
}

impl Server {
    /// Does it, or refuses; returns the answer.
    pub(super) fn carry_out(&mut self, output: Output, refused: bool) -> Option<Input> {
        let denial = self.denial(&output);
        match output {
            Output::Log(command) => {
                let call = match &command {
                    LogCommand::Start(start) => Some(start.call.clone()),
                    LogCommand::WentOver { call, .. } => Some(call.clone()),
                    _ => None,
                };
                if let Some(gone) = self.journal.write(command, refused) {
                    self.check_gone(&gone);
                }
                let fact = LogFact::Logged;
                let done = call.map(|call| Input::Log { call, fact });
                if refused { denial } else { done }
            }
            Output::Audio(command) => {
                if matches!(command, AudioCommand::Open | AudioCommand::Close) {
                    let open = command == AudioCommand::Open;
                    assert_ne!(std::mem::replace(&mut self.devices_open, open), open);
                }
                let done = (command == AudioCommand::Open).then_some(AudioFact::Opened);
                if refused {
                    denial
                } else {
                    done.map(Input::Audio)
                }
            }
            Output::Room(RoomCommand::Leave { link }) => self.leave(link),
            Output::Leg(LegCommand::Place {
                call, room, leg, ..
            }) if refused => {
                // carried out all the same, as a server that could not answer may have
                self.unheard(&room, &call, leg, false);
                denial
            }
            Output::Leg(LegCommand::PlacePerson {
                call, room, leg, ..
            }) if refused => {
                self.unheard(&room, &call, leg, true);
                denial
            }
            Output::Room(_) | Output::Leg(_) if refused => denial,
            Output::Room(command) => {
                let link = command.link().clone();
                let joins = matches!(command, RoomCommand::Join { .. });
                if !joins && self.room_of(&link).is_none() {
                    return denial; // closed meanwhile
                }
                let fact = self.in_room(&link, command)?;
                Some(Input::Room { link, fact })
            }
            Output::Leg(command) => {
                let call = command_call(&command)?.clone();
                let fact = self.leg(&call, command)?;
                Some(Input::Leg { call, fact })
            }
            Output::Shell(_) => None,
        }
    }

    /// How a refusal of this sounds.
    pub(super) fn denial(&self, output: &Output) -> Option<Input> {
        let what = || String::from("It does not work.");
        let detail = detail();
        let (call, fact) = match output {
            Output::Log(LogCommand::Start(start)) => {
                let (call, fact) = (start.call.clone(), LogFact::Failed { what: what() });
                return Some(Input::Log { call, fact });
            }
            Output::Log(LogCommand::WentOver { call, .. }) => {
                let (call, fact) = (call.clone(), LogFact::Failed { what: what() });
                return Some(Input::Log { call, fact });
            }
            Output::Audio(AudioCommand::Open) => {
                return Some(Input::Audio(AudioFact::Failed { what: what() }));
            }
            Output::Room(command) => {
                let link = command.link().clone();
                let fact = match command {
                    RoomCommand::Join { .. } => RoomFact::JoinFailed {
                        why: JoinFailure::ServerBusy,
                        detail,
                    },
                    RoomCommand::PublishMicrophone { .. } => RoomFact::PublishFailed { detail },
                    RoomCommand::SetAudience { .. } => RoomFact::AudienceFailed { detail },
                    RoomCommand::EndLeg { .. } => RoomFact::EndLegAnswered { done: false },
                    RoomCommand::SendKeys { keys, .. } => RoomFact::KeysFailed {
                        keys: keys.clone(),
                        detail,
                    },
                    RoomCommand::Leave { .. } => RoomFact::Closed {
                        reason: LeaveReason::Unknown,
                    },
                    _ => return None,
                };
                return Some(Input::Room { link, fact });
            }
            Output::Leg(command) => match command {
                LegCommand::Place { call, leg, .. } => {
                    let (leg, failure) = (leg.clone(), PlaceFailure::Unreachable { detail });
                    (call, LegFact::PlaceFailed { leg, failure })
                }
                LegCommand::PlacePerson { call, leg, .. } => {
                    let (leg, failure) = (leg.clone(), PlaceFailure::Unreachable { detail });
                    (call, LegFact::PersonFailed { leg, failure })
                }
                LegCommand::Transfer { call, .. } => {
                    let failure = TransferFailure::Unreachable { detail };
                    (call, LegFact::TransferFailed(failure))
                }
                LegCommand::Part { call, apart, .. } => {
                    let (apart, done) = (*apart, false);
                    (call, LegFact::Parted { apart, done })
                }
                LegCommand::Look { call, .. } => (call, LegFact::LookFailed),
                LegCommand::Remove { call, .. } | LegCommand::DeleteRoom { call, .. } => {
                    (call, LegFact::DropFailed { detail })
                }
                LegCommand::RetryLine => return None,
            },
            _ => return None,
        };
        let call = call.clone();
        Some(Input::Leg { call, fact })
    }

    // ---- our connections ----

    fn leave(&mut self, link: Link) -> Option<Input> {
        if let Some(name) = self.room_of(&link) {
            self.room(&name).seats.remove(&link);
            self.goes(&name, &us(&link));
        }
        let fact = RoomFact::Closed {
            reason: LeaveReason::ClientInitiated,
        };
        Some(Input::Room { link, fact })
    }

    fn in_room(&mut self, link: &Link, command: RoomCommand) -> Option<RoomFact> {
        if let RoomCommand::Join { room, .. } = &command {
            return Some(self.join(link, room));
        }
        let name = self.room_of(link)?;
        let seat = self.room(&name).seats.get_mut(link)?;
        match command {
            RoomCommand::SetMuted { muted, .. } => seat.muted = muted,
            RoomCommand::SetHeld { held, .. } => seat.held = held,
            RoomCommand::SetAudience { only, .. } => {
                seat.only = only;
                return Some(RoomFact::AudienceSet);
            }
            RoomCommand::Claim { .. } => self.claim(link, &name),
            RoomCommand::PublishMicrophone { .. } => return Some(self.publish(link, &name)),
            RoomCommand::EndLeg { leg, .. } => return Some(self.end_leg(&name, &leg)),
            _ => {}
        }
        None
    }

    fn join(&mut self, link: &Link, name: &RoomName) -> RoomFact {
        let room = self.room(name);
        let mut present = room.visible.clone();
        let legs = room.legs.iter();
        present.extend(legs.map(|(leg, there)| seen(leg, there.status)));
        room.seats
            .insert(link.clone(), super::rooms::Seat::default());
        if link.role == Role::Talk {
            let here = desk(us(link), false);
            room.visible.push(here.clone());
            self.broadcast(name, Some(link), &RoomFact::Present(here));
        }
        RoomFact::Joined { present }
    }

    fn claim(&mut self, link: &Link, name: &RoomName) {
        let claims = RoomFact::Present(desk(us(link), true));
        for who in &mut self.room(name).visible {
            who.claims |= who.identity == us(link);
        }
        self.broadcast(name, Some(link), &claims);
    }

    fn publish(&mut self, link: &Link, name: &RoomName) -> RoomFact {
        assert_eq!(link.role, Role::Talk);
        self.check_wishes(link, name);
        let room = self.room(name);
        room.seats.get_mut(link).unwrap().published = true;
        let first = room.visible.first().is_some_and(|p| p.identity == us(link));
        let rings = |status| status == LegStatus::Ringing;
        let waiting = room.legs.iter_mut().find(|(_, leg)| rings(leg.status));
        if let Some((leg, there)) = waiting.filter(|_| room.inbound) {
            assert!(first, "cut in line");
            there.ours = true;
            let leg = leg.clone();
            self.is(&leg, LegStatus::Active);
        }
        RoomFact::Published
    }

    fn end_leg(&mut self, name: &RoomName, leg: &Identity) -> RoomFact {
        let room = self.room(name);
        let inbound = room.inbound;
        let hears = |status| inbound || status >= LegStatus::Active;
        let done = room.legs.get(leg).is_some_and(|leg| hears(leg.status));
        if done {
            self.spares_colleagues(leg);
            self.hangs_up(leg);
        }
        RoomFact::EndLegAnswered { done }
    }

    // ---- the server's API ----

    /// The leg is placed, and nobody hears what becomes of the request.
    fn unheard(&mut self, room: &RoomName, call: &CallId, leg: Identity, person: bool) {
        self.placed(room, call, leg.clone(), person);
        self.room(room).legs.get_mut(&leg).unwrap().open = false;
    }

    fn leg(&mut self, call: &CallId, command: LegCommand) -> Option<LegFact> {
        match command {
            LegCommand::Place { room, leg, .. } => {
                self.placed(&room, call, leg, false);
                None
            }
            LegCommand::PlacePerson { room, leg, .. } => {
                self.check_person(&room, &leg);
                self.placed(&room, call, leg, true);
                None
            }
            LegCommand::Transfer { leg, .. } => Some(self.transfer(leg)),
            LegCommand::Part {
                room, legs, apart, ..
            } => Some(self.part(&room, &legs, apart)),
            LegCommand::Remove { room, identity, .. } => {
                self.spares_colleagues(&identity);
                let cancelled = PlaceFailure::Cancelled;
                let reason = LeaveReason::ParticipantRemoved;
                let here = self.room_with(&identity) == Some(room.clone());
                let found = here && self.leg_ends(&identity, reason, cancelled);
                let found = found || self.goes(&room, &identity);
                Some(LegFact::Removed { found })
            }
            LegCommand::DeleteRoom { room, .. } => {
                let legs: Vec<Identity> = self.room(&room).legs.keys().cloned().collect();
                for leg in legs {
                    self.spares_colleagues(&leg);
                }
                let found = self.deleted(&room);
                Some(LegFact::RoomDeleted { found })
            }
            LegCommand::Look { room, leg, .. } => Some(self.look(&room, &leg)),
            LegCommand::RetryLine => None,
        }
    }

    fn transfer(&mut self, leg: Identity) -> LegFact {
        if self.leg_status(&leg) != Some(LegStatus::Active) {
            return LegFact::TransferFailed(TransferFailure::NotUp);
        }
        if !self.transfers {
            return LegFact::TransferFailed(TransferFailure::Sip { code: 405 });
        }
        self.ends_soon(leg);
        LegFact::Transferred
    }

    /// Legs can only be parted that are listed with their sound.
    fn part(&mut self, room: &RoomName, legs: &[Identity], apart: bool) -> LegFact {
        let room = self.room(room);
        let sounds = |leg: &Identity| {
            let there = room.legs.get(leg);
            there.is_some_and(|there| there.status >= LegStatus::Automation)
        };
        let done = !apart || legs.iter().all(sounds);
        if done {
            for (leg, there) in &mut room.legs {
                if legs.contains(leg) {
                    there.apart = apart;
                }
            }
        }
        LegFact::Parted { apart, done }
    }

    fn look(&mut self, room: &RoomName, leg: &Identity) -> LegFact {
        let room = self.room(room);
        let other_desks = room.others().count() as u32;
        LegFact::Looked {
            leg: room.legs.get(leg).map(|leg| leg.status),
            other_desks,
            desks_ahead: other_desks,
            taken_by: room.others().next().map(|other| other.name.clone()),
        }
    }
}
