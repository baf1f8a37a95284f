//! Every answer of every port, one at a time: refused, lost, late, told twice, overtaken by the next one, or wrong; and at
//! every such moment the connection breaks, the far end goes, the room is deleted, or the program is killed and started
//! again. At every step of every ladder.
//!
//! Each ladder is a short story with a server that works. It is told once to count the commands, then once for every
//! command and every fault. Whatever happens: each row begins and ends once, nothing is asked for a call that is over,
//! mute, hold and privacy are as shown, the devices are closed, no leg and no connection of ours is left on the server,
//! and nothing waits any more.

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

mod ladders;
mod server;

use call::input::Intent;
use call::state::CallState;
use ladders::Story;
use server::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Refused,
    Lost,
    Late,
    Twice,
    Overtaken,
    /// Carried out, and told to be refused.
    Denied,
    /// Refused from this command on, until the story is over.
    RefusedFromHere,
    /// Carried out, but the answer is lost from this command on, until the story is over.
    LostFromHere,
    /// Carried out, and then the server closes all our connections.
    Broken,
    /// Carried out, and everybody on the phone in that call hangs up.
    FarEndGone,
    /// Carried out, and somebody else deletes the room.
    RoomGone,
    /// The program is killed before it is carried out, and started again.
    Killed,
    /// ... or after that.
    KilledAfter,
}

const FAULTS: [Fault; 13] = [
    Fault::Refused,
    Fault::Lost,
    Fault::Late,
    Fault::Twice,
    Fault::Overtaken,
    Fault::Denied,
    Fault::RefusedFromHere,
    Fault::LostFromHere,
    Fault::Broken,
    Fault::FarEndGone,
    Fault::RoomGone,
    Fault::Killed,
    Fault::KilledAfter,
];

/// What a fault makes the phone do instead comes within so many commands.
const REACH: usize = 8;

/// Puts everything away with a server that works again.
fn put_away(server: &mut Server) {
    server.faults.clear();
    server.run(60_000);
    server.check_who_is_up();
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
    assert!(!server.is_seat_left(), "a connection is left behind");
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
    server.story = name.into();
    story(&mut server);
    let commands = server.served;
    assert!(commands >= 2, "{name}");
    put_away(&mut server);
    commands
}

#[test]
fn every_fault_at_every_step_of_every_ladder() {
    let (mut steps, mut told) = (0, 0);
    let ladders = ladders::all();
    for (name, story) in &ladders {
        let commands = commands(name, *story);
        steps += commands;
        for at in 0..commands {
            for fault in FAULTS {
                suffers(name, *story, vec![(at, fault)]);
                told += 1;
            }
        }
    }
    let ladders = ladders.len();
    println!("faults: {ladders} ladders of {steps} steps, told {told} times, each with one fault");
}

/// What a fault makes the phone do instead may fail too.
#[test]
fn every_two_faults_of_every_ladder() {
    const TWO: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Late];
    let mut told = 0;
    for (name, story) in ladders::all() {
        let commands = commands(name, story) + 3;
        for first in 0..commands {
            for second in first + 1..commands.min(first + REACH) {
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
