//! Every input in every state, and a million random steps; prints what was reached.
//!
//! ```text
//! cargo test -p call --test coverage                      table and figures
//! DESKLINE_HISTORIES=5000 cargo test -p call --test coverage     more histories of each kind
//! ```
//! A program of its own instead of a test in the usual harness, so that the table is always printed. The stories reach
//! the same pairs with expectations of their own; here none may be missing.

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

#[path = "../histories/chaos.rs"]
mod chaos;
#[path = "../histories/observer.rs"]
mod observer;
#[path = "../support/mod.rs"]
mod support;
#[path = "../histories/world.rs"]
mod world;

use std::time::{Duration, Instant};

use call::Role;
use call::input::RoomFact;
use call::state::{CallState, Direction, LegStatus};
use observer::Observer;
use support::reached::{self, KINDS, STATES};
use support::{Desk, phone_leg, samples};
use world::{Faults, World};

/// Random histories of each kind: together more than a million steps.
const HISTORIES: u64 = 450;
/// What the random histories must come to.
const STEPS: u64 = 1_000_000;

/// The shortest way into every state.
const LADDERS: [(CallState, fn() -> Desk); 14] = [
    (CallState::Preparing, || {
        let mut desk = Desk::new();
        desk.dial();
        desk
    }),
    (CallState::Joining, Desk::joining),
    (CallState::Dialling, Desk::dialling),
    (CallState::RemoteRinging, Desk::ringing),
    (CallState::Offered, Desk::offered),
    (CallState::Claiming, Desk::claiming),
    (CallState::Answering, Desk::answering),
    (CallState::Live, Desk::talking),
    (CallState::Stranded, || {
        let mut desk = Desk::new();
        desk.orphan(Direction::Outbound, true);
        desk.looked(Some(LegStatus::Active), 0);
        desk
    }),
    (CallState::Live, || Desk::several(false)),
    (CallState::Live, || Desk::several(true)),
    (CallState::HandedOver, || {
        let mut desk = Desk::several(false);
        desk.hand_over();
        let present = vec![phone_leg("c1", Some(LegStatus::Active))];
        desk.watch(RoomFact::Joined { present });
        desk
    }),
    (CallState::Ending, || {
        let mut desk = Desk::live();
        desk.hang_up();
        desk
    }),
    (CallState::Ended, || {
        let mut desk = Desk::offered();
        desk.status(Role::Watch, LegStatus::Hangup);
        desk.wait_s(5);
        desk
    }),
];

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let begin = Instant::now();
    let swept = sweep();
    println!(
        "sweep: {swept} inputs, each in the state it was made for, in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let begin = Instant::now();
    let before = reached::steps();
    let histories = random();
    let steps = reached::steps() - before;
    let seconds = begin.elapsed().as_secs_f64();
    let missing = table();
    println!("random histories: {histories}, {steps} steps in {seconds:.1} s");
    assert!(missing.is_empty(), "never told: {missing:?}");
    let asked = std::env::var("DESKLINE_HISTORIES").is_ok();
    assert!(asked || steps >= STEPS, "fewer than {STEPS} steps");
}

/// Every sample in every state, once; then time alone must end it, or leave it up.
fn sweep() -> usize {
    let mut told = 0;
    for (state, make) in LADDERS {
        let samples = samples::all("c1", &links(&make()));
        for sample in samples {
            let mut desk = make();
            assert_eq!(desk.state(), state);
            desk.tell(sample.clone());
            desk.wait_s(700);
            for call in desk.phone.view().calls {
                let rests = matches!(
                    call.state,
                    CallState::Live | CallState::HandedOver | CallState::Ended
                );
                assert!(rests, "{sample:?} in {state:?} comes to rest as {call:?}");
            }
            told += 1;
        }
    }
    told
}

fn links(desk: &Desk) -> Vec<call::Link> {
    let made_up = samples::made_up("c1");
    made_up
        .into_iter()
        .map(|link| desk.known_link(link.role).unwrap_or(link))
        .collect()
}

/// All kinds of random histories, on all processors. The seeds are always the same.
fn random() -> u64 {
    let histories = std::env::var("DESKLINE_HISTORIES")
        .map_or(HISTORIES, |text| text.parse().expect("a number"));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                for seed in (worker..histories).step_by(workers as usize) {
                    one_of_each(seed);
                }
            });
        }
    });
    histories * 4
}

fn one_of_each(seed: u64) {
    let mut world = World::new("good day", seed, Faults::none());
    world.run_for(Duration::from_secs(400));
    world.put_away();
    let mut world = World::new("bad day", seed, Faults::bad());
    world.run_for(Duration::from_secs(400));
    world.put_away();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut observer = Observer::new("nonsense", seed);
    for _ in 0..rng.usize(1..800) {
        chaos::step(&mut observer, &mut rng);
    }
    observer.time_alone(Duration::from_secs(600));
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

/// Prints how often each input was told in each state; returns the pairs that never were.
fn table() -> Vec<(&'static str, &'static str)> {
    let laddered = |state: &CallState| LADDERS.iter().any(|(of, _)| of == state);
    let rows: Vec<usize> = (0..STATES.len())
        .filter(|row| laddered(&STATES[*row]))
        .collect();
    let left_out: Vec<_> = STATES.iter().filter(|state| !laddered(state)).collect();
    assert!(left_out.is_empty(), "no way into {left_out:?}");
    let mut columns: Vec<usize> = (0..KINDS.len()).collect();
    columns.sort_by_key(|column| KINDS[*column]);
    print!("{:<26}", "input");
    for row in &rows {
        print!("{:>15}", STATES[*row].name());
    }
    println!();
    let mut missing = Vec::new();
    for column in columns {
        print!("{:<26}", KINDS[column]);
        for row in &rows {
            let told = reached::told(*row, column);
            print!("{told:>15}");
            if told == 0 {
                missing.push((STATES[*row].name(), KINDS[column]));
            }
        }
        println!();
    }
    let pairs = rows.len() * KINDS.len();
    let reached = pairs - missing.len();
    println!(
        "coverage: {reached} of {pairs} pairs of state and input, {:.1} %",
        100.0 * reached as f64 / pairs as f64
    );
    missing
}
