//! Histories written as bytes: what a fuzzer would find, kept and told again in every run.
//!
//! Three bytes are one step: which input (of `support/samples.rs`, in its order), about which call and connection, and
//! how much time passes before. Any bytes are a history. After every step the rules of `histories/observer.rs` must
//! hold, and in the end time alone must end every call.
//!
//! ```text
//! cargo test -p call --test corpus                                tells the committed histories
//! DESKLINE_CORPUS=20000 cargo test -p call --test corpus grow     so many random ones; keeps those that reach something new
//! ```
//! `grow` writes into `tests/corpus/`; a history that breaks a rule is printed with its bytes, and is to be committed
//! there together with what mends it.

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

#[path = "../histories/observer.rs"]
mod observer;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use call::input::{Intent, WatchFact};
use call::{Input, Link};
use fastrand::Rng;
use observer::Observer;
use support::{reached, samples};

/// Pauses before a step, milliseconds.
const PAUSES: [u64; 8] = [0, 0, 1, 20, 300, 2_000, 10_000, 60_000];
/// Longest history that is kept, in steps.
const STEPS: usize = 120;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What a history reached: states with the kinds of input told in them, and what was put out.
type Reached = BTreeSet<(String, &'static str)>;

/// Tells a history and returns what it reached.
fn tell(name: &str, bytes: &[u8]) -> Reached {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let bug = Bug(format!("{name}: {}", shown.join("")));
    let mut observer = Observer::new("corpus", 0);
    let mut all = Reached::new();
    observer.tell(Input::Line(support::ready()));
    for step in bytes.chunks_exact(3).take(STEPS) {
        let [which, about, pause] = [step[0], step[1], step[2]];
        observer.now += Duration::from_millis(PAUSES[usize::from(pause) % PAUSES.len()]);
        let input = choose(&observer, which, pause, about);
        if !is_possible(&observer, &input) {
            continue;
        }
        for call in observer.phone.view().calls {
            all.insert((call.state.name().into(), reached::kind(&input)));
        }
        let before = observer.pending.len();
        observer.tell(input.clone());
        for output in &observer.pending[before..] {
            let words = support::words(output);
            let what = words.split(' ').take(2).collect::<Vec<_>>().join(" ");
            all.insert((what, reached::kind(&input)));
        }
    }
    observer.time_alone(Duration::from_secs(900));
    std::mem::forget(bug);
    all
}

/// Prints the bytes of a history that broke a rule.
struct Bug(String);

impl Drop for Bug {
    fn drop(&mut self) {
        eprintln!("broken by {}", self.0);
    }
}

fn choose(observer: &Observer, which: u8, more: u8, about: u8) -> Input {
    let call = format!("b{}", about % 4);
    if which < 24 {
        // else most histories would be about nobody
        return if which.is_multiple_of(2) {
            Input::Watch(WatchFact::Offer(support::offer_of(&call)))
        } else {
            Input::Intent(Intent::Dial {
                call: support::id(&call),
                number: support::NUMBER.into(),
                ways: Vec::new(),
            })
        };
    }
    let links: Vec<Link> = samples::made_up(&call)
        .into_iter()
        .map(|link| {
            let newest = observer
                .links
                .iter()
                .rev()
                .find(|known| known.call == link.call && known.role == link.role);
            newest.cloned().unwrap_or(link)
        })
        .collect();
    let all = samples::all(&call, &links);
    let at = (usize::from(which) + 256 * usize::from(more / 8)) % all.len();
    all[at].clone()
}

/// A name is used once, and the program is not told more after its end than a real one would be.
fn is_possible(observer: &Observer, input: &Input) -> bool {
    let begins = match input {
        Input::Intent(Intent::Dial { call, .. }) => call,
        Input::Watch(WatchFact::Offer(offer)) => &offer.call,
        Input::Orphan(orphan) => &orphan.call,
        _ => return true,
    };
    !observer.is_used_up(begins)
}

fn committed() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "bin"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_committed_histories_break_nothing() {
    let all = committed();
    assert!(all.len() >= 20, "the corpus is missing");
    let mut reached = Reached::new();
    for (name, bytes) in &all {
        reached.extend(tell(name, bytes));
    }
    println!(
        "corpus: {} histories, {} kinds of steps, {} steps",
        all.len(),
        reached.len(),
        reached::steps()
    );
}

#[test]
fn any_bytes_are_a_history() {
    for bytes in [vec![], vec![1], vec![0; 400], vec![255; 400]] {
        tell("fixed", &bytes);
    }
}

/// Adds histories to the corpus that reach something new; does nothing unless asked to.
#[test]
fn grow() {
    let Ok(count) = std::env::var("DESKLINE_CORPUS") else {
        return;
    };
    let count: u64 = count.parse().expect("a number");
    let mut known = Reached::new();
    let kept = committed();
    for (name, bytes) in &kept {
        known.extend(tell(name, bytes));
    }
    let mut next = kept.len();
    let mut seeds: Vec<Vec<u8>> = kept.into_iter().map(|(_, bytes)| bytes).collect();
    for seed in 0..count {
        let mut rng = Rng::with_seed(seed);
        let bytes = offspring(&seeds, &mut rng);
        let found = tell("new", &bytes);
        // a handful of new things makes a file worth keeping
        if found.difference(&known).count() >= 10 {
            known.extend(found);
            std::fs::write(folder().join(format!("{next:03}.bin")), &bytes).unwrap();
            seeds.push(bytes);
            next += 1;
        }
    }
    println!("corpus: {next} histories, {} kinds of steps", known.len());
}

/// A random history, or a known one with some changes.
fn offspring(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = match rng.choice(seeds.iter()) {
        Some(parent) if rng.u8(..) < 200 => parent.clone(),
        _ => Vec::new(),
    };
    for _ in 0..rng.usize(1..12) {
        let at = rng.usize(0..=bytes.len() / 3) * 3;
        match rng.u8(0..3) {
            0 if at < bytes.len() => bytes[at + rng.usize(0..3)] = rng.u8(..),
            _ => {
                bytes.splice(at..at, (0..3).map(|_| rng.u8(..)).collect::<Vec<u8>>());
            }
        }
    }
    bytes.truncate(STEPS * 3);
    bytes
}
