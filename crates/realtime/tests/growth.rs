//! Connections and calls in a row leave nothing behind: no thread, no file, no socket, nothing in the engine. Linux counts
//! them for us.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

#[path = "contract/desk.rs"]
#[allow(dead_code)]
mod desk;
#[path = "contract/world.rs"]
#[allow(dead_code, unused_macros)]
mod world;

use std::fs;

use call::Role;
use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::LegStatus;
use desk::{Desk, link, own_room};
use livekit_engine::Engine;
use tokio::sync::Mutex;
use world::{World, until};

const WARM_UP: u32 = 5;
const CYCLES: u32 = 50;

/// Of calls whose leaving came first, every one was kept; of three at least one.
const CALLS: u32 = 3;
/// A thread that the engine has as long as it keeps any connection, or a part of one. Linux cuts the name short.
const OF_A_CONNECTION: &str = "signaling_threa";

/// Each test counts what the whole process has.
static ALONE: Mutex<()> = Mutex::const_new(());

fn count(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// How many threads of a name this process has.
fn threads_named(name: &str) -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|found| found.trim_end() == name).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_connections_leave_nothing_behind() {
    let _alone = ALONE.lock().await;
    let world = World::line();
    let mut desk = Desk::new(&world, "maria");
    let (_, room) = own_room();
    let mut before = (0, 0);
    for cycle in 1..=WARM_UP + CYCLES {
        let talk = call::Link {
            attempt: cycle,
            ..link("growth", Role::Talk)
        };
        desk.talk(&talk, &room).await;
        desk.tell(RoomCommand::Leave { link: talk.clone() }).await;
        desk.wait_for(&talk, "the end", |fact| match fact {
            RoomFact::Closed { .. } => Some(()),
            _ => None,
        })
        .await;
        if cycle == WARM_UP {
            before = (count("/proc/self/task"), count("/proc/self/fd"));
        }
    }
    let (threads, files) = before;
    // The engine closes its sockets a moment after it says so.
    until("return to the former number of threads and files", || {
        count("/proc/self/task") <= threads + 2 && count("/proc/self/fd") <= files + 3
    })
    .await;
    println!(
        "threads {threads} -> {}, files {files} -> {}",
        count("/proc/self/task"),
        count("/proc/self/fd")
    );
}

/// The phone leaves at the word that the far end hung up, a moment before the far end is gone: the engine would keep such a
/// connection for good, half a megabyte each.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_the_far_end_hung_up_leave_nothing_in_the_engine() {
    let _alone = ALONE.lock().await;
    let world = World::line();
    let mut desk = Desk::new(&world, "maria");
    for _ in 0..CALLS {
        let (call, room) = own_room();
        let talk = link(call.as_str(), Role::Talk);
        desk.talk(&talk, &room).await;
        let phone = world.dial(&room, &call).await;
        desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
        let heard = desk.loud_frames();
        until("sound from the far end", || desk.loud_frames() > heard + 10).await;
        assert!(
            threads_named(OF_A_CONNECTION) > 0,
            "the engine names its threads otherwise"
        );
        assert!(Engine::load().unwrap().held() > 0);
        phone.hang_up();
        desk.sees(&talk, &phone.identity(), LegStatus::Hangup).await;
        desk.tell(RoomCommand::Leave { link: talk.clone() }).await;
        desk.wait_for(&talk, "the end", |fact| match fact {
            RoomFact::Closed { .. } => Some(()),
            _ => None,
        })
        .await;
    }
    until("an engine that keeps nothing", || {
        threads_named(OF_A_CONNECTION) == 0 && Engine::load().unwrap().held() == 0
    })
    .await;
}
