//! A call with several people: asked first, brought together, handed over, dropped.

use call::state::LeaveReason;

use super::*;
use crate::support::OTHER;

fn add(s: &mut Server, private: bool) {
    s.intent(Intent::AddPerson {
        call: id("c1"),
        number: OTHER.into(),
        private,
    });
    s.run(500);
}

/// A caller, and somebody else who is asked while the caller waits.
fn consult(s: &mut Server) {
    ring(s);
    answer(s);
    add(s, true);
    is_answered(s, &third());
}

/// Three people hear each other.
fn three(s: &mut Server) {
    dial_up(s);
    add(s, false);
    is_answered(s, &third());
}

fn merge(s: &mut Server) {
    s.intent(Intent::Merge { call: id("c1") });
    s.run(2_000);
}

fn hand_over(s: &mut Server) {
    s.intent(Intent::HandOver { call: id("c1") });
    s.run(5_000);
}

fn drop_person(s: &mut Server, leg: Identity) {
    s.intent(Intent::DropPerson {
        call: id("c1"),
        leg,
    });
    s.run(5_000);
}

pub(super) const STORIES: [(&str, Story); 16] = [
    ("asked first, brought together, hung up", |s| {
        consult(s);
        merge(s);
        hang_up(s);
    }),
    ("asked first, handed over, they part", |s| {
        consult(s);
        hand_over(s);
        hangs_up_there(s, &third());
    }),
    ("asked first, hung up", |s| {
        consult(s);
        hang_up(s);
    }),
    (
        "asked first, who is asked hangs up, back with the caller",
        |s| {
            consult(s);
            s.hangs_up(&third());
            s.run(2_000);
            hang_up(s);
        },
    ),
    ("asked first, the caller gives up, hung up", |s| {
        consult(s);
        s.hangs_up(&leg_of("c1"));
        s.run(2_000);
        hang_up(s);
    }),
    (
        "asked first, the connection breaks, brought together",
        |s| {
            consult(s);
            s.breaks(LeaveReason::Unknown);
            s.run(8_000);
            merge(s);
            hang_up(s);
        },
    ),
    (
        "asked first, muted, back to the caller alone, hung up",
        |s| {
            consult(s);
            mute(s, &id("c1"), true);
            s.intent(Intent::TalkPrivately {
                call: id("c1"),
                with: leg_of("c1"),
            });
            s.run(2_000);
            hang_up(s);
        },
    ),
    ("asked first, refused", |s| {
        ring(s);
        answer(s);
        add(s, true);
        s.refuses(&third(), 486);
        s.run(2_000);
        hang_up(s);
    }),
    ("asked first, cancelled while it rings", |s| {
        ring(s);
        answer(s);
        add(s, true);
        s.is(&third(), LegStatus::Ringing);
        s.run(1_000);
        drop_person(s, third());
        hang_up(s);
    }),
    ("asked first, the caller gives up while it rings", |s| {
        ring(s);
        answer(s);
        add(s, true);
        s.is(&third(), LegStatus::Ringing);
        s.run(1_000);
        hangs_up_there(s, &leg_of("c1"));
    }),
    ("added, hung up", |s| {
        three(s);
        hang_up(s);
    }),
    ("added and dropped again, hung up", |s| {
        three(s);
        drop_person(s, third());
        hang_up(s);
    }),
    ("added, the first is dropped, hung up", |s| {
        three(s);
        drop_person(s, leg_of("c1"));
        hang_up(s);
    }),
    ("added, the first hangs up, and then the other", |s| {
        three(s);
        s.hangs_up(&leg_of("c1"));
        s.run(2_000);
        hangs_up_there(s, &third());
    }),
    ("added, left to each other, ended here", |s| {
        three(s);
        hand_over(s);
        hang_up(s);
    }),
    (
        "added, left to each other, the connection breaks, they part",
        |s| {
            three(s);
            hand_over(s);
            s.breaks(LeaveReason::ServerShutdown);
            s.run(8_000);
            hangs_up_there(s, &leg_of("c1"));
        },
    ),
];
