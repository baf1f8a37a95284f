//! Random histories: a simulated server, line, journal and sound system with delays, losses, repetitions and swapped
//! orders, or inputs that make no sense at all. After every step, what must always be true is checked; at the end, that
//! nothing is left behind.
//!
//! ```text
//! cargo test -p call --test histories                          the usual number
//! DESKLINE_HISTORIES=100000 cargo test -p call --test histories more
//! DESKLINE_SEED=17 cargo test -p call --test histories         that one of each kind, with its whole story on failure
//! ```

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

#[path = "../support/mod.rs"]
mod support;

mod chaos;
mod observer;
mod world;

use std::time::Duration;

use observer::Observer;
use world::{Faults, World};

/// Histories of each kind in a normal run; `coverage` runs a million steps more.
const USUAL: u64 = 150;

fn seeds() -> Vec<u64> {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    match number("DESKLINE_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("DESKLINE_HISTORIES").unwrap_or(USUAL)).collect(),
    }
}

/// A server that answers everything, in order and soon: calls must also come about, not only end.
#[test]
fn on_a_good_day_nothing_is_left_behind() {
    let mut lived = 0;
    let mut came_about = [0; 8];
    for seed in seeds() {
        let mut world = World::new("good day", seed, Faults::none());
        world.run_for(Duration::from_secs(400));
        lived += world.observer.lived();
        for (sum, one) in came_about.iter_mut().zip(world.observer.came_about()) {
            *sum += one;
        }
        world.put_away();
    }
    assert!(lived > 0, "no call ever came about: the world is broken");
    eprintln!(
        "two held, private, handed over, transferred, over another line, joined again, a colleague's, together: {came_about:?}"
    );
    let usual = seeds().len() as u64 >= USUAL;
    assert!(
        !usual || came_about.iter().all(|n| *n > 0),
        "something never came about: {came_about:?}"
    );
}

/// Losses, repetitions, swapped orders, a server that dies and comes back; then it is good again for ten minutes.
#[test]
fn after_a_bad_day_nothing_is_left_behind() {
    for seed in seeds() {
        let mut world = World::new("bad day", seed, Faults::bad());
        world.run_for(Duration::from_secs(400));
        world.put_away();
    }
}

/// At some moment all facts stop for ever: deadlines alone end every call that is not up.
#[test]
fn time_alone_ends_every_call_that_is_not_up() {
    for seed in seeds() {
        let mut world = World::new("silence", seed, Faults::bad());
        let cut = world.rng.u64(1..200_000);
        world.run_for(Duration::from_millis(cut));
        world.observer.time_alone(Duration::from_secs(600));
    }
}

/// The program is closed at some moment: everything ends, and it may quit, once.
#[test]
fn closed_at_any_moment_it_may_quit_in_time() {
    for seed in seeds() {
        let mut world = World::new("quit", seed, Faults::bad());
        let cut = world.rng.u64(1..200_000);
        world.run_for(Duration::from_millis(cut));
        world.quit();
        world.run_for(Duration::from_secs(120));
        world.observer.has_quit();
    }
}

/// Inputs without any sense, about calls, connections and people that may or may not exist.
#[test]
fn inputs_without_any_sense_break_nothing() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut observer = Observer::new("nonsense", seed);
        for _ in 0..rng.usize(1..400) {
            chaos::step(&mut observer, &mut rng);
        }
        observer.time_alone(Duration::from_secs(600));
    }
}

/// A world that works, and nonsense in between.
#[test]
fn a_world_with_nonsense_in_between_ends_all_the_same() {
    for seed in seeds() {
        let mut world = World::new("mixed", seed, Faults::bad());
        world.truthful = false;
        let mut rng = fastrand::Rng::with_seed(!seed);
        for _ in 0..rng.usize(1..60) {
            let pause = rng.u64(1..5_000);
            world.run_for(Duration::from_millis(pause));
            chaos::step(&mut world.observer, &mut rng);
            world.serve_outputs();
        }
        world.observer.time_alone(Duration::from_secs(600));
    }
}
