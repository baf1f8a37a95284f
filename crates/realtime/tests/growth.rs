//! Fifty connections in a row leave nothing behind: no thread, no file, no socket. Linux counts them for us.
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
use desk::{Desk, link, own_room};
use world::{World, until};

const WARM_UP: u32 = 5;
const CYCLES: u32 = 50;

fn count(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_connections_leave_nothing_behind() {
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
