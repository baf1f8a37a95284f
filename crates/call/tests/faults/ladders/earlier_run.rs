//! Calls that an earlier run of the program left behind.

use call::RoomName;
use call::state::Direction;

use super::*;
use crate::server::Row;
use crate::support::inbound_room;

/// A call that an earlier run placed; `people` are in it.
fn strand(s: &mut Server, people: &[Identity], change: impl FnOnce(&mut Row)) {
    let room = RoomName::outbound(&id("c1"));
    let mut row = Row::new(Direction::Outbound, room.clone(), leg_of("c1"));
    row.answered = true;
    change(&mut row);
    for leg in people {
        s.leg_of_an_earlier_run(&room, &id("c1"), leg.clone());
    }
    s.left_behind(&id("c1"), row);
    s.run(7_000);
}

fn rejoin(s: &mut Server) {
    s.intent(Intent::Rejoin { call: id("c1") });
    s.run(5_000);
}

pub(super) const STORIES: [(&str, Story); 9] = [
    ("left by an earlier run, joined, hung up", |s| {
        strand(s, &[leg_of("c1")], |_| {});
        rejoin(s);
        hang_up(s);
    }),
    (
        "left by an earlier run muted, joined, the mute lifted",
        |s| {
            strand(s, &[leg_of("c1")], |row| row.muted = true);
            rejoin(s);
            mute(s, &id("c1"), false);
            hang_up(s);
        },
    ),
    ("left by an earlier run, hung up", |s| {
        strand(s, &[leg_of("c1")], |_| {});
        hang_up(s);
    }),
    ("left by an earlier run, ended there", |s| {
        strand(s, &[leg_of("c1")], |_| {});
        hangs_up_there(s, &leg_of("c1"));
    }),
    (
        "left by an earlier run with two people, joined, left to each other",
        |s| {
            strand(s, &[leg_of("c1"), third()], |_| {});
            rejoin(s);
            s.intent(Intent::HandOver { call: id("c1") });
            s.run(5_000);
            hangs_up_there(s, &third());
        },
    ),
    ("left by an earlier run with the third person alone", |s| {
        strand(s, &[third()], |_| {});
        rejoin(s);
        hang_up(s);
    }),
    ("left to each other by an earlier run, they part", |s| {
        strand(s, &[leg_of("c1"), third()], |row| row.handed_over = true);
        hangs_up_there(s, &third());
    }),
    ("left by an earlier run before the answer", |s| {
        strand(s, &[leg_of("c1")], |row| row.answered = false);
        s.run(20_000);
    }),
    (
        "answered by an earlier run that died in that moment, joined",
        |s| {
            let room = inbound_room("c1");
            s.leg_of_an_earlier_run(&room, &id("c1"), leg_of("c1"));
            s.left_behind(&id("c1"), Row::new(Direction::Inbound, room, leg_of("c1")));
            s.run(7_000);
            rejoin(s);
            hang_up(s);
        },
    ),
];
