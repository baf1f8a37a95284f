//! The engine fails in the middle of a call: every connection is told at once, the next join has a working engine again,
//! and nothing is left behind, however often. Needs the engine and the demo line (`make setup`), and a debug build: others
//! cannot break the engine.
#![cfg(debug_assertions)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

#[path = "contract/desk.rs"]
#[allow(dead_code)]
mod desk;
#[macro_use]
#[path = "contract/world.rs"]
#[allow(dead_code)]
mod world;

use std::time::{Duration, Instant};

use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::{LeaveReason, LegStatus};
use call::{Identity, Link, Role};
use desk::{Desk, WHISTLE, link, own_room};
use livekit_engine::{Breakage, ConnectErrorKind, Engine, Room, RoomOptions};
use world::{World, until};

/// What the phone says.
const FAR: f64 = 440.0;
/// The tests share the one engine of this process.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn attempt(of: &Link, attempt: u32) -> Link {
    Link {
        attempt,
        ..of.clone()
    }
}

async fn closed(desk: &mut Desk, link: &Link) -> LeaveReason {
    desk.wait_for(link, "the end", |fact| match fact {
        RoomFact::Closed { reason } => Some(reason),
        _ => None,
    })
    .await
}

/// Breaks the engine under two talking connections, `times` times, and goes back into one of the rooms each time.
/// Gives the seconds from the breakage to the sound of the far end at our ear.
async fn break_and_go_back(breakage: Breakage, times: u32) -> Vec<Duration> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let world = World::line();
    let ((call, room), (_, other_room)) = (own_room(), own_room());
    let (talk, other) = (link(call.as_str(), Role::Talk), link("other", Role::Talk));
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
    phone.settles(&[WHISTLE], &[]).await;

    let mut silence = Vec::new();
    let mut before = (0, 0);
    for round in 1..=times {
        let (now, next) = (attempt(&talk, round), attempt(&talk, round + 1));
        let second = attempt(&other, round);
        desk.talk(&second, &other_room).await;
        until("sound at the desk", || desk.hears(FAR)).await;

        let broken = Instant::now();
        Engine::load().unwrap().break_down(breakage);
        // Facts are read for one connection at a time, and those of the others passed over.
        assert_eq!(closed(&mut desk, &now).await, LeaveReason::Unknown);
        desk.forget_heard();
        desk.talk(&next, &room).await;
        until("sound at the desk", || desk.hears(FAR)).await;
        silence.push(broken.elapsed());
        phone.settles(&[WHISTLE], &[]).await;
        if round == times / 4 + 1 {
            before = left_behind();
        }
    }
    let (threads, files) = before;
    until("return to the former number of threads and files", || {
        let now = left_behind();
        now.0 <= threads + 2 && now.1 <= files + 3
    })
    .await;
    println!(
        "{breakage:?}: threads and files {before:?} -> {:?}, silence {silence:.2?}",
        left_behind()
    );
    silence
}

/// Threads and open files of this process, where they can be counted.
fn left_behind() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_panics_of_the_engine_leave_nothing_behind() {
    break_and_go_back(Breakage::Panic, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_falls_silent_is_found_out() {
    break_and_go_back(Breakage::Silence, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_was_lost_on_its_way_costs_no_other_call() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let world = World::line();
    let ((call, room), (_, lost_room)) = (own_room(), own_room());
    let (talk, lost) = (link(call.as_str(), Role::Talk), link("lost", Role::Talk));
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    until("sound at the desk", || desk.hears(FAR)).await;

    Engine::load().unwrap().break_down(Breakage::LostRoom);
    desk.tell(RoomCommand::Join {
        link: lost.clone(),
        room: lost_room,
    })
    .await;
    desk.wait_for(&lost, "the failure", |fact| {
        matches!(fact, RoomFact::JoinFailed { .. }).then_some(())
    })
    .await;
    // The engine waits 15 s for the room to be taken over, and then complains.
    for _ in 0..20 {
        phone.settles(&[WHISTLE], &[]).await;
        assert!(desk.hears(FAR));
    }
    let fresh = own_room().1;
    desk.talk(&attempt(&lost, 2), &fresh).await;
    phone.settles(&[WHISTLE], &[]).await;
    let rest = desk.end(&talk).await;
    let ends = rest
        .iter()
        .filter(|fact| matches!(fact, RoomFact::Closed { .. }));
    assert_eq!(ends.count(), 1, "it went on until we left: {rest:?}");
}

/// Takes every connection and never says a word.
async fn a_mute_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            taken.push(socket);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_no_failure_of_the_engine() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let world = World::line();
    let options = RoomOptions {
        deadline: Duration::from_secs(1),
        ..RoomOptions::default()
    };
    let refused = Room::connect(&a_mute_server().await, "token", &options).await;
    assert_eq!(refused.err().unwrap().kind, ConnectErrorKind::Timeout);
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let rest = desk.end(&talk).await;
    let closed = RoomFact::Closed {
        reason: LeaveReason::ClientInitiated,
    };
    assert_eq!(rest.last(), Some(&closed));
}

contract![every_connection_of_a_broken_engine_is_told_once];

async fn every_connection_of_a_broken_engine_is_told_once(world: World) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let ((_, first_room), (_, second_room)) = (own_room(), own_room());
    let (first, second) = (link("a", Role::Talk), link("b", Role::Talk));
    let mut one = Desk::new(&world, "maria");
    let mut two = Desk::new(&world, "bob");
    one.talk(&first, &first_room).await;
    two.talk(&second, &second_room).await;
    world.break_engines();
    assert_eq!(closed(&mut one, &first).await, LeaveReason::Unknown);
    assert_eq!(closed(&mut two, &second).await, LeaveReason::Unknown);
    // What is asked of a connection that is gone is answered.
    one.tell(RoomCommand::SetAudience {
        link: first.clone(),
        only: None,
    })
    .await;
    one.wait_for(&first, "the refusal", |fact| {
        matches!(fact, RoomFact::AudienceFailed { .. }).then_some(())
    })
    .await;
    let leg = Identity::parse("sip_1").unwrap();
    one.tell(RoomCommand::SendKeys {
        link: first.clone(),
        leg,
        keys: "12".into(),
    })
    .await;
    one.wait_for(&first, "the keys back", |fact| {
        matches!(fact, RoomFact::KeysFailed { keys, .. } if keys == "12").then_some(())
    })
    .await;
    // Nobody of the broken engine stays in the room: its end is told to the server.
    let third = attempt(&second, 2);
    let mut there = two.join(&third, &second_room).await;
    for number in 3..10 {
        if there.is_empty() {
            break;
        }
        let next = attempt(&second, number);
        there = two.join(&next, &second_room).await;
        there.retain(|who| who.identity == two.identity(&second));
    }
    assert!(there.is_empty(), "{there:?} is still there");
    assert_eq!(one.end(&first).await, [], "closed is told once");
}
