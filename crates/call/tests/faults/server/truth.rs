//! What the phone shows, held against what is.

use call::state::{CallState, LegStatus};
use call::view::{CallView, PersonState};
use call::{Identity, Link, RoomName};

use super::Server;
use super::rooms::Seat;
use crate::support::id;

/// Is somebody talked to alone, or about to be, while others wait?
fn others_wait(call: &CallView) -> bool {
    let mut people = call.people.iter();
    !call.held && people.any(|person| person.state == PersonState::Waiting)
}

impl Server {
    pub(crate) fn state(&self, call: &str) -> Option<CallState> {
        let view = self.phone.view();
        view.call(&id(call)).map(|call| call.state)
    }

    /// All that was asked for is done, and all news is told.
    pub(super) fn check_what_is_shown(&self) {
        let view = self.phone.view();
        let talked_on = |call: &&CallView| call.state.is_busy() && !call.held;
        let talked_on = view.calls.iter().filter(talked_on).count();
        assert!(talked_on <= 1, "two calls want the microphone");
        let busy = view.calls.iter().any(|call| call.state.is_busy());
        assert!(self.devices_open || !busy, "no devices for a call");
        let up = |call: &&CallView| call.state == CallState::Live && !call.reconnecting;
        for call in view.calls.iter().filter(up) {
            let Some((room, seat)) = self.talking_seat(&call.id) else {
                panic!("shown as live, and we are not there");
            };
            if seat.published {
                let hushed = call.private_with.is_none() && !call.people.is_empty();
                assert!(
                    seat.muted == call.muted || (seat.muted && hushed),
                    "mute is not as shown"
                );
                assert_eq!(seat.held, call.held, "hold is not as shown");
            }
            if let Some(with) = &call.private_with {
                self.check_private(room, seat, with);
            }
        }
    }

    fn check_private(&self, room: &RoomName, seat: &Seat, with: &Identity) {
        assert_eq!(seat.only.as_ref(), Some(with), "others hear us");
        for (leg, there) in &self.rooms[room].legs {
            let up = there.status == LegStatus::Active;
            assert!(there.apart || !up, "{leg} hears the others");
        }
    }

    /// After a while without a fault: what is shown as up is up, and nobody is left alone.
    pub(crate) fn check_who_is_up(&self) {
        for call in self.phone.view().calls {
            let room = self.room_of_call(&call);
            let legs = room.map_or(0, |room| self.rooms[room].legs.len());
            match call.state {
                CallState::Live => {
                    assert!(!call.reconnecting, "still looked for");
                    let up = |state: &PersonState| {
                        matches!(state, PersonState::Up | PersonState::Waiting)
                    };
                    let people = call.people.iter().filter(|p| up(&p.state));
                    let people: Vec<_> = people.map(|p| self.leg_status(&p.leg)).collect();
                    assert!(people.iter().all(Option::is_some), "shown as up and gone");
                    assert!(legs > 0, "shown as live and gone");
                }
                CallState::HandedOver => assert!(legs >= 2, "somebody is left alone"),
                CallState::Stranded => assert!(legs > 0 || !call.can_rejoin, "nobody is there"),
                _ => {}
            }
        }
    }

    fn room_of_call(&self, call: &CallView) -> Option<&RoomName> {
        let with = self.rooms.iter().find(|(_, room)| {
            let seat = room.seats.keys().any(|link| link.call == call.id);
            seat || room.legs.values().any(|leg| leg.call == call.id)
        });
        with.map(|(name, _)| name)
    }

    /// Before a microphone is announced the connection knows what the person wishes: nobody hears who is muted, and who
    /// waits hears music.
    pub(super) fn check_wishes(&self, link: &Link, room: &RoomName) {
        let view = self.phone.view();
        let seat = &self.rooms[room].seats[link];
        if let Some(call) = view.call(&link.call) {
            let muted = call.muted || others_wait(call);
            let wished = seat.muted == muted || (seat.muted && !call.people.is_empty());
            assert!(wished, "announced, and not muted as wished");
            assert_eq!(seat.held, call.held, "announced, and not held as wished");
        }
    }

    /// Nobody is dialled into a call whose far end would answer them, or hear them although that is to be private.
    pub(super) fn check_person(&self, room: &RoomName, person: &Identity) {
        let room = &self.rooms[room];
        let private = room
            .seats
            .values()
            .any(|seat| seat.only.as_ref() == Some(person));
        for leg in room.legs.values().filter(|leg| !leg.is_person) {
            assert!(
                leg.status >= LegStatus::Automation,
                "would answer the first"
            );
            assert!(
                leg.apart || !private,
                "dialled before the others were parted"
            );
        }
    }
}
