//! What the lists of the server mean: who calls, who gave up. Pure.

use std::collections::{HashMap, VecDeque};

use call::input::{Offer, WatchFact};
use call::state::{LegStatus, ParticipantKind};
use call::{CallId, Identity, RoomName};

use crate::server::{Attendant, RoomSeen};

/// The most rooms that are looked into in one round: each costs a request.
const ROOMS_A_ROUND: usize = 50;

/// A room with a call that is up or over is looked into only every so many rounds.
const QUIET_ROUNDS: u8 = 5;

/// How many lists a room that a push told of may be missing from.
const GRACE: u8 = 2;

/// How many calls that are up or over, and how many that were offered, are remembered.
const REMEMBERED: usize = 500;

/// The rooms of callers as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The id of the desk that watches.
    desk: String,
    rooms: HashMap<RoomName, Room>,
    /// Calls that were seen up or over, by the bridge's name for them. After a crash of the server the leg of a call that
    /// is up comes back as if it rang.
    done: VecDeque<String>,
    /// Where each call was offered. The same call in another room is a mistake or a trick: it never rings.
    homes: VecDeque<(String, RoomName)>,
}

#[derive(Debug, Default)]
struct Room {
    created_unix_ms: i64,
    /// Lists to come in which it may still be missing: a push may be faster than the list.
    grace: u8,
    /// The leg that the phone was told of, and whose ringing has not ended.
    offered: Option<Identity>,
    /// Rounds to go until the next look.
    quiet: u8,
}

impl Watch {
    /// The watch of the desk with this id.
    pub(crate) fn of(desk: String) -> Self {
        Self {
            desk,
            ..Self::default()
        }
    }

    /// Takes in the list of rooms: what is over, and which rooms must be looked into, oldest first.
    pub(crate) fn listed(&mut self, rooms: Vec<RoomSeen>) -> (Vec<WatchFact>, Vec<RoomName>) {
        let mut gone = std::mem::take(&mut self.rooms);
        for RoomSeen {
            name,
            created_unix_ms,
        } in rooms
        {
            let mut room = gone.remove(&name).unwrap_or_default();
            room.created_unix_ms = created_unix_ms;
            room.grace = 0;
            room.quiet = room.quiet.saturating_sub(1);
            self.rooms.insert(name, room);
        }
        let mut facts = Vec::new();
        for (name, mut room) in gone {
            if room.grace > 0 {
                room.grace -= 1;
                self.rooms.insert(name, room);
            } else if room.offered.is_some() {
                facts.push(WatchFact::Withdrawn { room: name });
            }
        }
        let mut look: Vec<_> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.quiet == 0)
            .collect();
        look.sort_by(|a, b| (a.1.created_unix_ms, a.0).cmp(&(b.1.created_unix_ms, b.0)));
        (
            facts,
            look.into_iter()
                .take(ROOMS_A_ROUND)
                .map(|(name, _)| name.clone())
                .collect(),
        )
    }

    /// Takes in who is in a room that a push told of. `fresh` makes the name of a new call.
    pub(crate) fn hinted(
        &mut self,
        name: &RoomName,
        attendants: &[Attendant],
        fresh: impl FnOnce() -> Option<CallId>,
    ) -> Option<WatchFact> {
        if !self.rooms.contains_key(name) {
            // Nobody there: nothing to remember, and a push about made-up rooms leaves no trace.
            let leg = attendants.iter().find(|a| a.kind == ParticipantKind::Sip)?;
            let room = Room {
                created_unix_ms: leg.joined_unix_ms,
                grace: GRACE,
                ..Room::default()
            };
            self.rooms.insert(name.clone(), room);
        }
        self.looked(name, attendants, fresh)
    }

    /// Takes in who is in a room. `fresh` makes the name of a new call.
    pub(crate) fn looked(
        &mut self,
        name: &RoomName,
        attendants: &[Attendant],
        fresh: impl FnOnce() -> Option<CallId>,
    ) -> Option<WatchFact> {
        let room = self.rooms.get_mut(name)?;
        let legs = || attendants.iter().filter(|a| a.kind == ParticipantKind::Sip);
        for leg in legs().filter(|leg| leg.status >= Some(LegStatus::Automation)) {
            room.quiet = QUIET_ROUNDS;
            if !leg.sip_call.is_empty() && !self.done.contains(&leg.sip_call) {
                self.done.push_back(leg.sip_call.clone());
                if self.done.len() > REMEMBERED {
                    self.done.pop_front();
                }
            }
        }
        if let Some(offered) = &room.offered {
            // A lower status is no news: status only moves forward.
            if legs()
                .any(|leg| leg.identity == *offered && leg.status < Some(LegStatus::Automation))
            {
                return None;
            }
            room.offered = None;
            return Some(WatchFact::Withdrawn { room: name.clone() });
        }
        // A leg that enters a conversation is answered at once: there is nothing to offer.
        if legs().any(|leg| matches!(leg.status, Some(LegStatus::Automation | LegStatus::Active))) {
            return None;
        }
        let homes = &self.homes;
        let at_home = |leg: &Attendant| {
            let mut home = homes.iter().filter(|(call, _)| *call == leg.sip_call);
            home.all(|(_, home)| home == name)
        };
        let leg = legs().find(|leg| {
            leg.status == Some(LegStatus::Ringing)
                && !self.done.contains(&leg.sip_call)
                && (leg.rings_at.is_empty() || leg.rings_at == self.desk)
                && at_home(leg)
        })?;
        let call = fresh()?;
        if !leg.sip_call.is_empty() && !self.homes.iter().any(|(call, _)| *call == leg.sip_call) {
            self.homes.push_back((leg.sip_call.clone(), name.clone()));
            if self.homes.len() > REMEMBERED {
                self.homes.pop_front();
            }
        }
        room.offered = Some(leg.identity.clone());
        room.quiet = 0;
        Some(WatchFact::Offer(Offer {
            call,
            room: name.clone(),
            leg: leg.identity.clone(),
            from: leg.number.clone(),
            name: line_name(leg),
            to: leg.trunk_number.clone(),
            created_unix_ms: room.created_unix_ms,
        }))
    }

    /// Forgets everything: another account.
    pub(crate) fn forget(&mut self) -> Vec<WatchFact> {
        self.done.clear();
        self.homes.clear();
        for room in self.rooms.values_mut() {
            room.grace = 0;
        }
        self.listed(Vec::new()).0
    }
}

/// The name on the line, unless it is the one that the bridge makes of the number.
fn line_name(leg: &Attendant) -> Option<String> {
    let made_up = leg.name.is_empty() || leg.name == format!("Phone {}", leg.number);
    (!made_up).then(|| leg.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn seen(name: &str, created_unix_ms: i64) -> RoomSeen {
        RoomSeen {
            name: room(name),
            created_unix_ms,
        }
    }

    fn leg(status: Option<LegStatus>) -> Attendant {
        Attendant {
            identity: Identity::parse("sip_+12125550142").unwrap(),
            kind: ParticipantKind::Sip,
            name: "Phone +12125550142".into(),
            status,
            sip_call: "SCL_1".into(),
            number: "+12125550142".into(),
            trunk_number: "+12025550150".into(),
            rings_at: String::new(),
            joined_unix_ms: 7,
        }
    }

    fn fresh() -> Option<CallId> {
        Some(CallId::parse("c1").unwrap())
    }

    fn never() -> Option<CallId> {
        panic!("no call may be offered here")
    }

    /// A watch that has offered the leg of room "inbound-a".
    #[test]
    fn a_leg_for_one_desk_rings_at_no_other() {
        let rings = |desk: &str, rings_at: &str| {
            let mut watch = Watch::of(desk.into());
            let caller = Attendant {
                rings_at: rings_at.into(),
                ..leg(Some(LegStatus::Ringing))
            };
            watch.listed(vec![seen("inbound-a", 1)]);
            watch.looked(&room("inbound-a"), &[caller], fresh).is_some()
        };
        assert!(rings("front-1", "front-1"));
        assert!(!rings("front-1", "front-2"));
        assert!(rings("front-1", ""));
    }

    fn offered() -> Watch {
        let mut watch = Watch::default();
        assert_eq!(
            watch.listed(vec![seen("inbound-a", 1)]),
            (vec![], vec![room("inbound-a")])
        );
        let fact = watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], fresh);
        assert_eq!(
            fact,
            Some(WatchFact::Offer(Offer {
                call: CallId::parse("c1").unwrap(),
                room: room("inbound-a"),
                leg: Identity::parse("sip_+12125550142").unwrap(),
                from: "+12125550142".into(),
                name: None,
                to: "+12025550150".into(),
                created_unix_ms: 1,
            }))
        );
        watch
    }

    fn withdrawn() -> WatchFact {
        WatchFact::Withdrawn {
            room: room("inbound-a"),
        }
    }

    #[test]
    fn a_caller_is_offered_once() {
        let mut watch = offered();
        assert_eq!(
            watch.listed(vec![seen("inbound-a", 1)]),
            (vec![], vec![room("inbound-a")])
        );
        assert_eq!(
            watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], never),
            None
        );
    }

    #[test]
    fn a_room_whose_leg_comes_later_is_looked_at_again() {
        let mut watch = Watch::default();
        let _ = watch.listed(vec![seen("inbound-a", 1)]);
        assert_eq!(watch.looked(&room("inbound-a"), &[], never), None);
        assert_eq!(watch.looked(&room("inbound-a"), &[leg(None)], never), None);
        assert_eq!(
            watch.listed(vec![seen("inbound-a", 1)]).1,
            [room("inbound-a")]
        );
        assert!(
            watch
                .looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], fresh)
                .is_some()
        );
    }

    #[test]
    fn a_call_that_is_up_is_not_for_us_even_if_it_seems_to_ring_later() {
        let mut watch = Watch::default();
        let _ = watch.listed(vec![seen("inbound-a", 1)]);
        assert_eq!(
            watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Active))], never),
            None
        );
        assert_eq!(watch.listed(vec![seen("inbound-a", 1)]), (vec![], vec![]));
        assert_eq!(
            watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], never),
            None
        );
        // The server crashed, and the room was made again.
        let _ = watch.listed(vec![]);
        assert_eq!(
            watch.listed(vec![seen("inbound-a", 9)]).1,
            [room("inbound-a")]
        );
        assert_eq!(
            watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], never),
            None
        );
    }

    #[test]
    fn the_next_call_into_the_same_room_is_offered() {
        let mut watch = offered();
        assert_eq!(
            watch.looked(&room("inbound-a"), &[leg(Some(LegStatus::Hangup))], never),
            Some(withdrawn())
        );
        let mut rounds = 0;
        while watch.listed(vec![seen("inbound-a", 1)]).1.is_empty() {
            rounds += 1;
            assert!(rounds < 10, "the room is never looked into again");
        }
        let next = Attendant {
            sip_call: "SCL_2".into(),
            ..leg(Some(LegStatus::Ringing))
        };
        let fact = watch.looked(
            &room("inbound-a"),
            &[leg(Some(LegStatus::Hangup)), next],
            fresh,
        );
        assert!(matches!(fact, Some(WatchFact::Offer(_))), "{fact:?}");
    }

    #[test]
    fn a_caller_who_still_rings_after_a_crash_of_the_server_is_offered_again() {
        let mut watch = offered();
        assert_eq!(watch.listed(vec![]).0, [withdrawn()]);
        let _ = watch.listed(vec![seen("inbound-a", 9)]);
        assert!(
            watch
                .looked(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], fresh)
                .is_some()
        );
    }

    #[test]
    fn the_end_of_the_ringing_is_told_once() {
        for after in [
            vec![],
            vec![leg(Some(LegStatus::Active))],
            vec![leg(Some(LegStatus::Hangup))],
        ] {
            let mut watch = offered();
            let _ = watch.listed(vec![seen("inbound-a", 1)]);
            assert_eq!(
                watch.looked(&room("inbound-a"), &after, never),
                Some(withdrawn()),
                "{after:?}"
            );
            let _ = watch.listed(vec![seen("inbound-a", 1)]);
            assert_eq!(watch.looked(&room("inbound-a"), &after, never), None);
            assert_eq!(watch.listed(vec![]), (vec![], vec![]));
        }
        let mut watch = offered();
        assert_eq!(watch.listed(vec![]), (vec![withdrawn()], vec![]));
        assert_eq!(watch.listed(vec![]), (vec![], vec![]));
        assert_eq!(offered().forget(), [withdrawn()]);
    }

    #[test]
    fn a_lower_status_of_a_ringing_leg_is_no_news() {
        let mut watch = offered();
        for status in [None, Some(LegStatus::Dialing), Some(LegStatus::Ringing)] {
            assert_eq!(
                watch.looked(&room("inbound-a"), &[leg(status)], never),
                None
            );
        }
    }

    #[test]
    fn people_and_assistants_are_no_callers() {
        let mut watch = Watch::default();
        let _ = watch.listed(vec![seen("inbound-a", 1)]);
        for kind in [
            ParticipantKind::Standard,
            ParticipantKind::Agent,
            ParticipantKind::Other,
        ] {
            let somebody = Attendant {
                kind,
                ..leg(Some(LegStatus::Ringing))
            };
            assert_eq!(watch.looked(&room("inbound-a"), &[somebody], never), None);
        }
    }

    #[test]
    fn a_name_on_the_line_is_passed_on_as_it_came() {
        let mut watch = Watch::default();
        let _ = watch.listed(vec![seen("inbound-a", 1)]);
        let caller = Attendant {
            name: "Ada \u{202e}".into(),
            ..leg(Some(LegStatus::Ringing))
        };
        let Some(WatchFact::Offer(offer)) = watch.looked(&room("inbound-a"), &[caller], fresh)
        else {
            panic!("not offered")
        };
        assert_eq!(offer.name.as_deref(), Some("Ada \u{202e}"));
    }

    #[test]
    fn a_flood_of_rooms_is_worked_off_in_rounds() {
        let mut watch = Watch::default();
        let rooms: Vec<_> = (0..200).map(|n| seen(&format!("inbound-{n}"), n)).collect();
        let (_, look) = watch.listed(rooms.clone());
        assert_eq!((look.len(), &look[0]), (50, &room("inbound-0")));
        for name in &look {
            let _ = watch.looked(name, &[leg(Some(LegStatus::Active))], never);
        }
        assert_eq!(watch.listed(rooms).1[0], room("inbound-50"));
    }

    #[test]
    fn a_push_and_a_look_offer_a_caller_once() {
        let ringing = [leg(Some(LegStatus::Ringing))];
        let mut watch = Watch::default();
        let Some(WatchFact::Offer(offer)) = watch.hinted(&room("inbound-a"), &ringing, fresh)
        else {
            panic!("not offered")
        };
        assert_eq!(offer.created_unix_ms, 7, "by the server's clock");
        assert_eq!(watch.hinted(&room("inbound-a"), &ringing, never), None);
        // A list that was made before the room does not end the ringing, one that was made after its end does.
        let (facts, look) = watch.listed(vec![]);
        assert_eq!((facts, look), (vec![], vec![room("inbound-a")]));
        assert_eq!(watch.looked(&room("inbound-a"), &ringing, never), None);
        let _ = watch.listed(vec![seen("inbound-a", 1)]);
        assert_eq!(watch.looked(&room("inbound-a"), &ringing, never), None);
        assert_eq!(watch.listed(vec![]), (vec![withdrawn()], vec![]));
    }

    #[test]
    fn a_push_about_a_room_that_is_gone_or_never_was_leaves_nothing() {
        let mut watch = Watch::default();
        for n in 0..1000 {
            let name = room(&format!("inbound-{n}"));
            assert_eq!(watch.hinted(&name, &[], never), None);
        }
        assert!(watch.rooms.is_empty());
        let mut watch = Watch::default();
        let _ = watch.hinted(&room("inbound-a"), &[leg(Some(LegStatus::Ringing))], fresh);
        assert_eq!(
            watch.hinted(&room("inbound-a"), &[], never),
            Some(withdrawn())
        );
        for _ in 0..=GRACE {
            assert_eq!(watch.listed(vec![]).0, []);
        }
        assert!(watch.rooms.is_empty());
    }

    #[test]
    fn one_call_in_two_rooms_rings_in_the_first_only() {
        let ringing = [leg(Some(LegStatus::Ringing))];
        let mut watch = offered();
        let both = || vec![seen("inbound-a", 1), seen("inbound-b", 2)];
        let _ = watch.listed(both());
        assert_eq!(watch.looked(&room("inbound-b"), &ringing, never), None);
        assert_eq!(watch.hinted(&room("inbound-b"), &ringing, never), None);
        // Not even when the first is over, however that came.
        assert_eq!(
            watch.looked(&room("inbound-a"), &[], never),
            Some(withdrawn())
        );
        assert_eq!(watch.looked(&room("inbound-b"), &ringing, never), None);
        // Somebody else in that room rings.
        let other = Attendant {
            sip_call: "SCL_2".into(),
            ..leg(Some(LegStatus::Ringing))
        };
        assert!(watch.looked(&room("inbound-b"), &[other], fresh).is_some());
        // A bridge that names no call keeps nobody from ringing.
        let nameless = Attendant {
            sip_call: String::new(),
            ..leg(Some(LegStatus::Ringing))
        };
        let nameless = [nameless];
        for name in ["inbound-c", "inbound-d"] {
            assert!(watch.hinted(&room(name), &nameless, fresh).is_some());
        }
    }

    #[test]
    fn any_order_of_looks_and_pushes_ends_alike() {
        // Ringing, up, over: told by push and by look in every order, with repetitions. Never two offers without an end
        // between them, and nothing rings in the end.
        let states = [
            vec![leg(Some(LegStatus::Ringing))],
            vec![leg(Some(LegStatus::Active))],
            vec![leg(Some(LegStatus::Hangup))],
            vec![],
        ];
        for code in 0..8_usize.pow(5) {
            let mut watch = Watch::default();
            let mut rings = 0_i32;
            let mut told = Vec::new();
            for step in 0..5_u32 {
                let event = code / 8_usize.pow(step) % 8;
                let who = &states[event % 4];
                if event < 4 {
                    told.extend(watch.hinted(&room("inbound-a"), who, fresh));
                } else {
                    told.extend(watch.listed(vec![seen("inbound-a", 1)]).0);
                    told.extend(watch.looked(&room("inbound-a"), who, fresh));
                }
            }
            for _ in 0..=GRACE {
                told.extend(watch.listed(vec![]).0);
            }
            for fact in told {
                rings += match fact {
                    WatchFact::Offer(_) => 1,
                    WatchFact::Withdrawn { .. } => -1,
                };
                assert!((0..=1).contains(&rings), "{code}");
            }
            assert_eq!(rings, 0, "{code}");
        }
    }
}
