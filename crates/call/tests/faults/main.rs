//! Every answer of every port, one at a time: refused, lost, late, told twice, or overtaken by the next one; at every
//! step of every ladder.
//!
//! Each ladder is a short story with a server that works. It is told once to count the commands, then once for every
//! command and every fault. Whatever happens: the row is finished once, the devices are closed, no leg of ours is left
//! on the server, and nothing waits any more.

#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

#[path = "../support/mod.rs"]
mod support;

mod server;

use std::time::Duration;

use call::input::{AudioFact, Intent, JoinFailure, LegFact, LogFact, OtherCall, PlaceFailure};
use call::input::{Orphan, RoomFact, WatchFact};
use call::settings::DeclinePolicy;
use call::state::{CallState, Direction, LeaveReason, LegStatus};
use call::{DeskSettings, Input, RoomName};
use server::Server;
use support::{NUMBER, START_MS, id, leg_of, offer_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Refused,
    Lost,
    Late,
    Twice,
    Overtaken,
    /// Refused from this command on, until the story is over.
    RefusedFromHere,
    /// Carried out, but the answer is lost from this command on, until the story is over.
    LostFromHere,
}

const FAULTS: [Fault; 7] = [
    Fault::Refused,
    Fault::Lost,
    Fault::Late,
    Fault::Twice,
    Fault::Overtaken,
    Fault::RefusedFromHere,
    Fault::LostFromHere,
];

type Story = fn(&mut Server);

fn dial(server: &mut Server) {
    server.intent(Intent::Dial {
        call: id("c1"),
        number: NUMBER.into(),
        ways: Vec::new(),
    });
    server.run(1_000);
}

fn dial_up(server: &mut Server) {
    dial(server);
    server.leg_is(LegStatus::Ringing);
    server.run(2_000);
    server.leg_is(LegStatus::Active);
    server.run(2_000);
}

fn hang_up(server: &mut Server) {
    server.intent(Intent::HangUp { call: id("c1") });
    server.run(20_000);
}

fn ring(server: &mut Server) {
    server.caller(offer_of("c1"));
    server.run(1_000);
}

fn answer(server: &mut Server) {
    server.intent(Intent::Answer {
        call: id("c1"),
        other: OtherCall::Hold,
    });
    server.run(2_000);
}

fn decline(server: &mut Server) {
    server.intent(Intent::Decline { call: id("c1") });
    server.run(10_000);
}

fn strand(server: &mut Server) {
    server.leg_of_an_earlier_run();
    server.tell_now(Input::Orphan(Orphan {
        call: id("c1"),
        direction: Direction::Outbound,
        room: RoomName::outbound(&id("c1")),
        leg: leg_of("c1"),
        answered: true,
        age: Duration::from_secs(9),
        handed_over: false,
        number: NUMBER.into(),
        name: None,
        line: None,
        started_unix_ms: START_MS,
        answered_unix_ms: Some(START_MS),
        muted: false,
    }));
    server.run(7_000);
}

const STORIES: [(&str, Story); 17] = [
    ("dialled, talked, hung up here", |s| {
        dial_up(s);
        hang_up(s);
    }),
    ("dialled, talked, hung up there", |s| {
        dial_up(s);
        s.far_end_hangs_up();
        s.run(20_000);
    }),
    ("dialled, cancelled while it rings", |s| {
        dial(s);
        s.leg_is(LegStatus::Ringing);
        s.run(1_000);
        hang_up(s);
    }),
    ("dialled, cancelled before it rings", |s| {
        s.intent(Intent::Dial {
            call: id("c1"),
            number: NUMBER.into(),
            ways: Vec::new(),
        });
        s.run(60);
        hang_up(s);
    }),
    ("dialled, refused", |s| {
        dial(s);
        s.leg_is(LegStatus::Ringing);
        s.run(1_000);
        s.refuses(486);
        s.run(20_000);
    }),
    ("dialled, nobody answers", |s| {
        dial(s);
        s.leg_is(LegStatus::Ringing);
        s.run(60_000);
    }),
    ("dialled, the program is closed", |s| {
        dial(s);
        s.leg_is(LegStatus::Ringing);
        s.run(500);
        s.intent(Intent::Quit);
        s.run(20_000);
    }),
    ("rung, answered, hung up here", |s| {
        ring(s);
        answer(s);
        hang_up(s);
    }),
    ("rung, answered, hung up there", |s| {
        ring(s);
        answer(s);
        s.far_end_hangs_up();
        s.run(20_000);
    }),
    ("rung, given up", |s| {
        ring(s);
        s.far_end_hangs_up();
        s.run(20_000);
    }),
    ("rung, declined", |s| {
        ring(s);
        decline(s);
    }),
    ("rung, declined for everybody", |s| {
        s.tell_now(Input::Settings(DeskSettings {
            decline: DeclinePolicy::Everybody,
            ..DeskSettings::default()
        }));
        ring(s);
        decline(s);
    }),
    ("the connection breaks, back again, hung up", |s| {
        dial_up(s);
        s.breaks(LeaveReason::Unknown);
        s.run(8_000);
        hang_up(s);
    }),
    ("the connection breaks, hung up on the way", |s| {
        dial_up(s);
        s.breaks(LeaveReason::ServerShutdown);
        s.run(30);
        hang_up(s);
    }),
    ("left by an earlier run, joined, hung up", |s| {
        strand(s);
        s.intent(Intent::Rejoin { call: id("c1") });
        s.run(5_000);
        hang_up(s);
    }),
    ("left by an earlier run, hung up", |s| {
        strand(s);
        hang_up(s);
    }),
    ("left by an earlier run, ended there", |s| {
        strand(s);
        s.far_end_hangs_up();
        s.run(20_000);
    }),
];

/// Puts everything away with a server that works again.
fn put_away(server: &mut Server) {
    server.faults.clear();
    for _ in 0..3 {
        let calls = server.phone.view().calls;
        for call in calls.iter().filter(|c| c.state != CallState::Ended) {
            let call = call.id.clone();
            server.intent(Intent::HangUp { call });
        }
        server.run(200_000);
    }
    let view = server.phone.view();
    assert!(view.calls.iter().all(|c| c.state == CallState::Ended));
    assert_eq!(server.rows_open(), 0, "a row without an end");
    assert!(!server.devices_open, "devices are left open");
    assert!(!server.is_ours_left(), "a leg is left behind");
    assert_eq!(server.deadline, None, "something is still waiting");
}

/// A story with these faults.
fn suffers(name: &str, story: Story, faults: Vec<(usize, Fault)>) {
    let mut server = Server::new();
    server.story = format!("{name}: {faults:?}");
    server.faults = faults;
    story(&mut server);
    put_away(&mut server);
}

/// How many answers a story waits for when nothing goes wrong.
fn commands(name: &str, story: Story) -> usize {
    let mut server = Server::new();
    story(&mut server);
    let commands = server.served;
    assert!(commands >= 4, "{name}");
    put_away(&mut server);
    commands
}

#[test]
fn every_fault_at_every_step_of_every_ladder() {
    let mut told = 0;
    for (name, story) in STORIES {
        for at in 0..commands(name, story) {
            for fault in FAULTS {
                suffers(name, story, vec![(at, fault)]);
                told += 1;
            }
        }
    }
    println!("faults: {told} stories, each with one fault");
}

/// What a fault makes the phone do instead may fail too.
#[test]
fn every_two_faults_of_every_ladder() {
    const TWO: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Late];
    let mut told = 0;
    for (name, story) in STORIES {
        let commands = commands(name, story) + 3;
        for first in 0..commands {
            for second in first + 1..commands {
                for one in TWO {
                    for other in TWO {
                        suffers(name, story, vec![(first, one), (second, other)]);
                        told += 1;
                    }
                }
            }
        }
    }
    println!("faults: {told} stories, each with two faults");
}
