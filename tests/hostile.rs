//! Every command with arguments that nobody would send: nothing panics, nothing takes long, every refusal is a sentence.
//!
//! Twice: with everything behind the commands that a test can have, and, a thousand times quicker, with nothing but the
//! commands themselves, the checks of their arguments and the phone (a profile whose history cannot be opened). `cargo
//! xtask fuzz` does the second a million times for each command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/shell.rs"]
mod shell;

use std::collections::BTreeMap;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arguments::{Argument, Dice, Samples, declared};
use deskline_app::ipc::COMMANDS;
use serde_json::{Value, json};
use shell::{Shell, ask, send};
use tauri::WebviewWindow;
use tauri::test::MockRuntime;

/// Starts programs: its argument is that of `desktop_set`, where it is tried.
const STARTS_PROGRAMS: &str = "hook_test";
/// Commands whose work goes beyond this process: they end it, write where the person looks, open a page or ask a provider.
const BEYOND: [&str; 8] = [
    STARTS_PROGRAMS,
    "quit",
    "history_export",
    "events_export",
    "line_page_open",
    "line_password_copy",
    "line_report_copy",
    "line_numbers",
];
/// Longest answer.
const WITHIN: Duration = Duration::from_millis(10);

/// A number from the environment.
fn from_environment(name: &str, otherwise: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Counts panics of every thread for as long as the process lives.
fn count_panics() -> Arc<AtomicUsize> {
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    panics
}

/// What came of one command.
#[derive(Debug)]
struct Tried {
    command: &'static str,
    slowest: Duration,
    /// Answers that took longer than [`WITHIN`], though asked three times.
    late: usize,
    /// Sets that the command took, as right ones.
    taken: usize,
    took: Duration,
}

/// Tries one command.
fn try_out(
    main: &WebviewWindow<MockRuntime>,
    command: &'static str,
    wanted: &[Argument],
    samples: &Samples,
    sets: usize,
    panics: &AtomicUsize,
) -> Tried {
    let number = COMMANDS.iter().position(|of| *of == command).unwrap();
    let seed = from_environment("FUZZ_SEED", 1);
    let mut dice = Dice::new(u64::try_from(seed).unwrap(), number);
    let began = Instant::now();
    let mut tried = Tried {
        command,
        slowest: Duration::ZERO,
        late: 0,
        taken: 0,
        took: Duration::ZERO,
    };
    for _ in 0..sets {
        // The arguments are not kept: whoever wants them again rolls them again.
        let before = dice.clone();
        let again = || before.clone().arguments(wanted, samples);
        let mut took = Duration::MAX;
        let mut arguments = dice.arguments(wanted, samples);
        for _ in 0..3 {
            let asked = Instant::now();
            let answer = send(main, command, arguments);
            took = took.min(asked.elapsed());
            match answer {
                Ok(_) => tried.taken += 1,
                Err(Value::Object(refused)) => {
                    let said = refused["message"].as_str().unwrap();
                    assert!(
                        !said.is_empty() && said.len() < 600,
                        "{command} {}: {said}",
                        again()
                    );
                }
                Err(_) => {}
            }
            assert_eq!(panics.load(Ordering::SeqCst), 0, "{command} {}", again());
            if took <= WITHIN {
                break;
            }
            // It may have been the computer: the best of three counts.
            arguments = again();
        }
        tried.slowest = tried.slowest.max(took);
        tried.late += usize::from(took > WITHIN);
    }
    tried.took = began.elapsed();
    tried
}

fn print(what: &str, sets: usize, began: Instant, mut tried: Vec<Tried>) {
    tried.sort_by_key(|one| std::cmp::Reverse(one.slowest));
    eprintln!(
        "{what}: {sets} sets for each of {} commands in {:.1} s; {} of them taken as right; {} answers later than {WITHIN:?}",
        tried.len(),
        began.elapsed().as_secs_f64(),
        tried.iter().map(|one| one.taken).sum::<usize>(),
        tried.iter().map(|one| one.late).sum::<usize>(),
    );
    for one in tried.iter().take(8) {
        let each = one.took.as_secs_f64() * 1e6 / sets.max(1) as f64;
        eprintln!(
            "  {:<20} slowest {:?}, mean with making the arguments {each:.0} µs",
            one.command, one.slowest
        );
    }
}

#[test]
fn arguments_of_every_command_are_known_and_the_samples_are_right() {
    let declared = declared();
    let names: Vec<&str> = declared.keys().map(String::as_str).collect();
    let mut commands = COMMANDS.to_vec();
    commands.sort_unstable();
    assert_eq!(names, commands);
    let shell = Shell::without_store();
    let main = shell.window("main");
    let samples = Samples::gather(|command| ask(&main, command, json!({})).unwrap());
    for (command, wanted) in &declared {
        let right: Option<serde_json::Map<_, _>> = wanted
            .iter()
            .map(|argument| Some((argument.name.clone(), samples.right(&argument.kind)?)))
            .collect();
        let Some(right) = right.filter(|_| command != STARTS_PROGRAMS) else {
            eprintln!("{command} has an argument of a kind without a sample");
            continue;
        };
        // A refusal is a code and a sentence; arguments that are not understood come back as a text.
        if let Err(Value::String(text)) = ask(&main, command, Value::Object(right)) {
            panic!("{command}: {text}");
        }
    }
}

#[test]
fn no_arguments_make_a_command_panic_or_slow() {
    let panics = count_panics();
    let sets = from_environment("FUZZ", 150);
    let only = std::env::var("FUZZ_ONLY").ok();
    let declared = declared();
    let began = Instant::now();
    let next = AtomicUsize::new(0);
    let commands: Vec<&'static str> = COMMANDS
        .iter()
        .copied()
        .filter(|command| *command != STARTS_PROGRAMS)
        .filter(|command| only.as_deref().is_none_or(|only| only == *command))
        .collect();
    let worker = || {
        let shell = Shell::without_store();
        let main = shell.window("main");
        let samples = Samples::gather(|command| ask(&main, command, json!({})).unwrap());
        let mut tried = Vec::new();
        while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
            tried.push(try_out(
                &main,
                command,
                &declared[*command],
                &samples,
                sets,
                &panics,
            ));
            if sets >= 100_000 {
                eprintln!("{:?}", tried.last());
            }
        }
        // Whatever was said, it can still be talked to.
        assert!(ask(&main, "snapshot", json!({})).unwrap()["rev"].is_u64());
        tried
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let tried: Vec<Tried> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        running
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect()
    });
    assert_eq!(tried.len(), commands.len());
    print("arguments", sets, began, tried);
}

#[test]
fn no_arguments_make_a_command_with_all_behind_it_panic() {
    let panics = count_panics();
    let shell = Shell::open();
    let main = shell.window("main");
    let samples = Samples::gather(|command| ask(&main, command, json!({})).unwrap());
    let declared: BTreeMap<_, _> = declared();
    let sets = from_environment("FUZZ_WHOLE", 50);
    let began = Instant::now();
    let tried = COMMANDS
        .iter()
        .filter(|command| !BEYOND.contains(command))
        .map(|command| try_out(&main, command, &declared[*command], &samples, sets, &panics))
        .collect();
    print("all behind", sets, began, tried);
    assert!(ask(&main, "snapshot", json!({})).unwrap()["rev"].is_u64());
    assert!(ask(&main, "desktop_show", json!({})).unwrap()["rev"].is_u64());
}
