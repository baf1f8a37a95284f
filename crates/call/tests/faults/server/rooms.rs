//! The rooms of the server: legs and their far ends, our own connections, colleagues.

use std::collections::BTreeMap;

use call::input::{LegFact, Offer, PlaceFailure, RoomFact};
use call::state::{CallIds, LeaveReason, LegStatus, Participant, ParticipantKind};
use call::{CallId, Identity, Input, Link, Role, RoomName};

use super::{Event, Server};
use crate::support::{colleague, inbound_room, leg_of, offer_of, phone_leg};

/// One phone leg.
#[derive(Clone)]
pub(super) struct Leg {
    pub(super) call: CallId,
    pub(super) status: LegStatus,
    /// One more person in a call.
    pub(super) is_person: bool,
    /// This desk placed or answered it.
    pub(super) ours: bool,
    /// A colleague answered it.
    pub(super) theirs: bool,
    /// Its dial request waits.
    pub(super) open: bool,
    /// It hears no other leg.
    pub(super) apart: bool,
}

/// One of our connections.
#[derive(Clone, Default)]
pub(super) struct Seat {
    pub(super) published: bool,
    pub(super) muted: bool,
    pub(super) held: bool,
    /// Who alone hears us.
    pub(super) only: Option<Identity>,
}

#[derive(Default)]
pub(super) struct Room {
    pub(super) inbound: bool,
    pub(super) legs: BTreeMap<Identity, Leg>,
    pub(super) seats: BTreeMap<Link, Seat>,
    /// Who can be seen, in the order of coming.
    pub(super) visible: Vec<Participant>,
}

impl Room {
    /// Colleagues, and what is left of a dead desk.
    pub(super) fn others(&self) -> impl Iterator<Item = &Participant> {
        let seats = &self.seats;
        let ours = move |who: &Identity| seats.keys().any(|link| us(link) == *who);
        self.visible.iter().filter(move |p| !ours(&p.identity))
    }
}

/// One of our connections, as others see it.
pub(super) fn us(link: &Link) -> Identity {
    Identity::desk(link.call.as_str(), link)
}

pub(super) fn seen(leg: &Identity, status: LegStatus) -> Participant {
    Participant {
        identity: leg.clone(),
        ..phone_leg("x", Some(status))
    }
}

pub(super) fn desk(identity: Identity, claims: bool) -> Participant {
    Participant {
        identity,
        name: "This desk".into(),
        kind: ParticipantKind::Standard,
        leg_status: None,
        claims,
        call_ids: CallIds::default(),
    }
}

impl Server {
    pub(super) fn room_with(&self, leg: &Identity) -> Option<RoomName> {
        let mut rooms = self.rooms.iter();
        let with = rooms.find(|(_, room)| room.legs.contains_key(leg));
        with.map(|(name, _)| name.clone())
    }

    pub(super) fn room_of(&self, link: &Link) -> Option<RoomName> {
        let mut rooms = self.rooms.iter();
        let with = rooms.find(|(_, room)| room.seats.contains_key(link));
        with.map(|(name, _)| name.clone())
    }

    pub(super) fn room(&mut self, name: &RoomName) -> &mut Room {
        self.rooms.entry(name.clone()).or_default()
    }

    /// All our connections in a room hear it, but for the one that it comes from.
    pub(super) fn broadcast(&mut self, name: &RoomName, from: Option<&Link>, fact: &RoomFact) {
        let links: Vec<Link> = self.room(name).seats.keys().cloned().collect();
        for link in links.into_iter().filter(|link| Some(link) != from) {
            let fact = fact.clone();
            self.tell(Input::Room { link, fact });
        }
    }

    // ---- legs ----

    pub(super) fn comes_in(&mut self, offer: &Offer, status: LegStatus) {
        let leg = Leg {
            call: offer.call.clone(),
            status,
            is_person: false,
            ours: false,
            theirs: false,
            open: false,
            apart: false,
        };
        let room = self.room(&offer.room);
        room.inbound = true;
        room.legs.insert(offer.leg.clone(), leg);
    }

    /// A leg that a run before this one placed or answered.
    pub(crate) fn leg_of_an_earlier_run(&mut self, room: &RoomName, call: &CallId, leg: Identity) {
        let is_person = leg.person_number(call).is_some();
        self.room(room).inbound = room.is_inbound();
        self.placed(room, call, leg.clone(), is_person);
        let leg = self.room(room).legs.get_mut(&leg).unwrap();
        (leg.status, leg.open) = (LegStatus::Active, false);
    }

    pub(super) fn placed(&mut self, room: &RoomName, call: &CallId, leg: Identity, person: bool) {
        let placed = Leg {
            call: call.clone(),
            status: LegStatus::Dialing,
            is_person: person,
            ours: true,
            theirs: false,
            open: true,
            apart: false,
        };
        let before = self.room(room).legs.insert(leg.clone(), placed);
        assert!(before.is_none(), "one name for two legs");
        let fact = RoomFact::Present(seen(&leg, LegStatus::Dialing));
        self.broadcast(room, None, &fact);
    }

    /// The leg tells how far it is. Nothing happens if it is not there or further.
    pub(crate) fn is(&mut self, leg: &Identity, status: LegStatus) {
        let Some(name) = self.room_with(leg) else {
            return;
        };
        let there = self.room(&name).legs.get_mut(leg).unwrap();
        if there.status >= status {
            return;
        }
        there.status = status;
        self.broadcast(&name, None, &RoomFact::Present(seen(leg, status)));
        if status == LegStatus::Active {
            let who = leg.clone();
            self.request_ends(&name, leg, |person| match person {
                true => LegFact::PersonAnswered { leg: who },
                false => LegFact::Answered { leg: who },
            });
        }
    }

    pub(crate) fn hangs_up(&mut self, leg: &Identity) {
        if let Some(name) = self.room_with(leg) {
            let fact = RoomFact::Present(seen(leg, LegStatus::Hangup));
            self.broadcast(&name, None, &fact);
            self.leg_ends(leg, LeaveReason::ClientInitiated, PlaceFailure::Cancelled);
        }
    }

    pub(crate) fn refuses(&mut self, leg: &Identity, code: u16) {
        self.leg_ends(leg, LeaveReason::UserRejected, PlaceFailure::Sip { code });
    }

    /// The leg is not there any more. Says whether it was.
    pub(super) fn leg_ends(
        &mut self,
        leg: &Identity,
        reason: LeaveReason,
        failure: PlaceFailure,
    ) -> bool {
        let Some(name) = self.room_with(leg) else {
            return false;
        };
        let who = leg.clone();
        self.request_ends(&name, leg, |person| match person {
            true => LegFact::PersonFailed { leg: who, failure },
            false => LegFact::PlaceFailed { leg: who, failure },
        });
        self.room(&name).legs.remove(leg);
        let left = RoomFact::Left {
            identity: leg.clone(),
            reason,
            reconnecting: false,
        };
        self.broadcast(&name, None, &left);
        true
    }

    fn request_ends(
        &mut self,
        name: &RoomName,
        leg: &Identity,
        fact: impl FnOnce(bool) -> LegFact,
    ) {
        let leg = self.room(name).legs.get_mut(leg).unwrap();
        if std::mem::take(&mut leg.open) {
            let (call, fact) = (leg.call.clone(), fact(leg.is_person));
            self.tell(Input::Leg { call, fact });
        }
    }

    /// Who waits for a colleague is none of ours.
    pub(super) fn spares_colleagues(&self, leg: &Identity) {
        let room = self.room_with(leg).and_then(|name| self.rooms.get(&name));
        let spared = room.is_none_or(|room| !room.legs[leg].theirs || room.others().count() == 0);
        assert!(spared, "hung up on a colleague's caller");
    }

    /// Are legs of ours in this room?
    pub(super) fn has_our_legs(&self, room: &RoomName) -> bool {
        let room = self.rooms.get(room);
        room.is_some_and(|room| room.legs.values().any(|leg| leg.ours))
    }

    pub(crate) fn is_ours_left(&self) -> bool {
        self.rooms.keys().any(|room| self.has_our_legs(room))
    }

    pub(crate) fn is_seat_left(&self) -> bool {
        self.rooms.values().any(|room| !room.seats.is_empty())
    }

    // ---- accidents ----

    /// All our connections are closed by the server.
    pub(crate) fn breaks(&mut self, reason: LeaveReason) {
        let names: Vec<RoomName> = self.rooms.keys().cloned().collect();
        for name in names {
            self.closes(&name, reason);
        }
    }

    /// ... those in one room.
    pub(super) fn closes(&mut self, name: &RoomName, reason: LeaveReason) {
        self.broadcast(name, None, &RoomFact::Closed { reason });
        let room = self.room(name);
        let others: Vec<Participant> = room.others().cloned().collect();
        room.visible = others;
        room.seats.clear();
    }

    fn rooms_of(&self, call: Option<&CallId>) -> Vec<RoomName> {
        let concerns = |room: &Room| {
            let mut seats = room.seats.keys();
            let mut legs = room.legs.values();
            seats.any(|link| Some(&link.call) == call) || legs.any(|leg| Some(&leg.call) == call)
        };
        let rooms = self.rooms.iter().filter(|(_, room)| concerns(room));
        rooms.map(|(name, _)| name.clone()).collect()
    }

    /// Everybody on the phone in this call hangs up, or its caller gives up.
    pub(super) fn everybody_hangs_up(&mut self, call: Option<&CallId>) {
        for name in self.rooms_of(call) {
            let legs: Vec<Identity> = self.room(&name).legs.keys().cloned().collect();
            for leg in legs {
                self.hangs_up(&leg);
            }
        }
    }

    /// The rooms of this call are deleted by somebody else.
    pub(super) fn rooms_go(&mut self, call: Option<&CallId>) {
        for name in self.rooms_of(call) {
            self.deleted(&name);
        }
    }

    /// Says whether there was anything to delete.
    pub(super) fn deleted(&mut self, name: &RoomName) -> bool {
        let legs: Vec<Identity> = self.room(name).legs.keys().cloned().collect();
        let found = !legs.is_empty();
        for leg in legs {
            self.leg_ends(&leg, LeaveReason::RoomDeleted, PlaceFailure::Cancelled);
        }
        self.closes(name, LeaveReason::RoomDeleted);
        self.room(name).visible.clear();
        found
    }

    /// The program is dead: its connections are listed for a while, under the names they had.
    pub(super) fn seats_die(&mut self) -> Vec<(RoomName, Identity)> {
        let mut ghosts = Vec::new();
        for (name, room) in &mut self.rooms {
            for leg in room.legs.values_mut() {
                leg.open = false; // nobody hears the answer
            }
            for link in std::mem::take(&mut room.seats).into_keys() {
                for who in room.visible.iter_mut().filter(|p| p.identity == us(&link)) {
                    let ghost = Identity::parse(&format!("ghost-{}", us(&link))).unwrap();
                    who.identity = ghost.clone();
                    ghosts.push((name.clone(), ghost));
                }
            }
        }
        ghosts
    }

    /// Callers whom the watch finds after a start.
    pub(super) fn waiting(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (name, room) in self.rooms.iter().filter(|(_, room)| room.inbound) {
            for (leg, there) in &room.legs {
                if there.status == LegStatus::Ringing {
                    offers.push(Offer {
                        call: CallId::parse(&format!("{}-{}", there.call, self.deaths)).unwrap(),
                        room: name.clone(),
                        leg: leg.clone(),
                        created_unix_ms: self.unix_ms(),
                        ..offer_of("x")
                    });
                }
            }
        }
        offers
    }

    // ---- colleagues ----

    /// A colleague answers this caller: she is in the room, if she is the first.
    pub(crate) fn colleague_claims(&mut self, call: &str) {
        let name = inbound_room(call);
        let rings = self.leg_status(&leg_of(call)) == Some(LegStatus::Ringing);
        let room = self.room(&name);
        if rings && room.visible.is_empty() {
            let maria = colleague("Maria", true);
            room.visible.push(maria.clone());
            self.broadcast(&name, None, &RoomFact::Present(maria));
        }
    }

    /// ... and her microphone is announced.
    pub(crate) fn colleague_answers(&mut self, call: &str) {
        let leg = leg_of(call);
        let maria = colleague("Maria", true).identity;
        let room = self.room(&inbound_room(call));
        let first = room.visible.first().is_some_and(|p| p.identity == maria);
        let rings = |leg: &&mut Leg| leg.status == LegStatus::Ringing;
        if first && let Some(there) = room.legs.get_mut(&leg).filter(rings) {
            there.theirs = true;
            self.is(&leg, LegStatus::Active);
        }
    }

    /// ... or she gives it back.
    pub(crate) fn colleague_leaves(&mut self, call: &str) {
        self.goes(&inbound_room(call), &colleague("Maria", true).identity);
    }

    /// Somebody who could be seen is not there any more. Says whether they were.
    pub(super) fn goes(&mut self, name: &RoomName, who: &Identity) -> bool {
        let room = self.room(name);
        let before = room.visible.len();
        room.visible.retain(|p| p.identity != *who);
        let gone = room.visible.len() < before;
        if gone {
            let left = RoomFact::Left {
                identity: who.clone(),
                reason: LeaveReason::ClientInitiated,
                reconnecting: false,
            };
            self.broadcast(name, None, &left);
        }
        gone
    }

    pub(super) fn leg_status(&self, leg: &Identity) -> Option<LegStatus> {
        let room = self.room_with(leg)?;
        self.rooms[&room].legs.get(leg).map(|leg| leg.status)
    }

    /// The bridge ends a leg by itself a moment after it was handed over.
    pub(super) fn ends_soon(&mut self, leg: Identity) {
        self.later(1_000, Event::HangUp(leg));
    }

    /// Is anybody at all at a talking seat of this call?
    pub(super) fn talking_seat(&self, call: &CallId) -> Option<(&RoomName, &Seat)> {
        let mut rooms = self.rooms.iter();
        rooms.find_map(|(name, room)| {
            let talks = |link: &Link| link.call == *call && link.role == Role::Talk;
            let newest = room.seats.iter().rfind(|(link, _)| talks(link));
            newest.map(|(_, seat)| (name, seat))
        })
    }
}
