//! Figures of the phone, measured on the demo line with the real program. Nothing is judged: they are printed.
//!
//! `cargo xtask bench call` builds what is needed and runs this; docs/perf.md says what each figure means.
// A command-line program speaks on standard output.
#![allow(clippy::print_stdout)]

mod arena;
mod breakdown;
mod callbacks;
mod chirp;
mod conditions;
mod desks;
mod desktop;
mod desktop_start;
mod drift;
mod duel;
mod echo;
mod growth;
mod inbound;
mod journal;
mod mouth_to_ear;
mod onset;
mod outbound;
mod painted;
mod peer;
mod place;
mod plan;
mod quality;
mod relay;
mod resources;
mod rooms;
mod rule;
mod scores;
mod side;
mod speech;
mod start;
mod statistics;
mod tap;
mod uneven;
mod usage;
mod watch;
mod watchers;
mod ways;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use serde_json::json;

use crate::{journal::Journal, place::Place};

/// Figures of the phone, measured on the demo line.
#[derive(Parser)]
#[command(name = "bench", disable_version_flag = true)]
struct Arguments {
    /// What is measured
    #[arg(value_enum)]
    suite: Suite,
    /// Rooms, calls and starts of each kind; 10 of a call, 30 of callers, 5 starts, 8 of sound and 2 of speech when left out
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    calls: Option<u16>,
    /// Calls in the history of the desktop suite
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    rows: u32,
    /// With what our sound is compared; with nothing when left out
    #[arg(long, value_enum)]
    peer: Option<Peer>,
    /// Only these parts; all when left out
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Seconds that each part waits at most for other programs to leave the processors alone
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    quiet_within: u64,
    /// The file with everything measured, one JSON object a line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    /// One call: joining, placing, first sound, delay, cost, start-up
    Call,
    /// Learning of callers: each watcher, following a ringing call, many desks
    Inbound,
    /// The program all day: start, memory and wake-ups with window, in the tray and in a call; messages
    Desktop,
    /// Sound from mouth to ear, one way, in turn with a browser if there is one
    Audio,
    /// One side of a call of the audio suite; started by that
    #[value(hide = true)]
    Side,
}

/// With what our sound is compared.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// livekit-client in the system's Chromium
    Chromium,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Joining a room and publishing the microphone
    Rooms,
    /// Calls that we place
    Outbound,
    /// Calls that we take: from the answer to the first sound, each way
    Inbound,
    /// The delay of sound; of the audio suite: that on a good network
    Delay,
    /// What waits in the jitter buffer when packets come unevenly
    Jitter,
    /// How speech sounds at the other end, on a clean network and with packets lost
    Quality,
    /// What is taken out of our voice: echo and noise in rooms of arithmetic
    Echo,
    /// How long device callbacks take, alone and with every core kept busy, and what their threads ask of the system
    Callbacks,
    /// Two clocks that run apart, half an hour of arithmetic
    Drift,
    /// What many short calls leave behind
    Growth,
    /// Processor and memory in a call
    Resources,
    /// From the start to the usable program
    Start,
    /// Each way to learn of a caller
    Watchers,
    /// Each way to learn of a caller, until the overlay of the real window is painted
    Painted,
    /// What many desks cost the server
    Desks,
    /// The program with its window; of the audio suite: what the open window adds to the delay
    Window,
    /// The program in the tray
    Tray,
    /// The least program with a window
    Hello,
    /// Between the page and the core
    Messages,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if matches!(arguments.suite, Suite::Side) {
        return side::run();
    }
    let began = Instant::now();
    let name = match arguments.suite {
        Suite::Call => "call.json",
        Suite::Inbound => "inbound.json",
        Suite::Desktop => "desktop.json",
        Suite::Audio | Suite::Side => "audio.json",
    };
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| stage::target_folder().join("bench").join(name));
    let mut journal = Journal::create(&path, Duration::from_secs(arguments.quiet_within))?;
    let fixed = conditions::fixed(&stage::app_binary());
    for (name, value) in &fixed {
        println!("{name:<10} {value}");
    }
    journal.write(&json!({
        "kind": "conditions",
        "fixed": fixed.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
    }));

    let (more, kept) = match arguments.suite {
        Suite::Call => call(arguments, &mut journal)?,
        Suite::Inbound => (inbound_suite(arguments, &mut journal), None),
        Suite::Desktop => desktop_suite(arguments, &mut journal)?,
        Suite::Audio | Suite::Side => (audio_suite(arguments, &mut journal), None),
    };
    println!("\n{}{more}", journal.table());
    println!(
        "\n{:.0} s; every value: {}",
        began.elapsed().as_secs_f32(),
        journal.path().display()
    );
    if !journal.failed().is_empty() {
        let logs = kept.map_or_else(String::new, |kept| {
            format!("; logs and a picture are in {}", kept.display())
        });
        bail!(
            "not everything was measured{logs}:\n  {}",
            journal.failed().join("\n  ")
        );
    }
    Ok(())
}

/// Was this part asked for?
fn asked(arguments: &Arguments, part: Part) -> bool {
    arguments.only.is_empty() || arguments.only.contains(&part)
}

/// One call, with the real program. Gives what is shown below the table, and where logs are if something failed.
fn call(arguments: &Arguments, journal: &mut Journal) -> Result<(String, Option<PathBuf>)> {
    let asked = |part| asked(arguments, part);
    let place = Place::start()?;
    let calls = usize::from(arguments.calls.unwrap_or(10));
    if asked(Part::Rooms) {
        journal.part("rooms", |journal| rooms::measure(&place, journal, calls));
    }
    if asked(Part::Outbound) {
        journal.part("calls placed", |journal| {
            outbound::measure(&place, journal, calls)
        });
    }
    if asked(Part::Inbound) {
        journal.part("calls taken", |journal| {
            inbound::measure(&place, journal, calls)
        });
    }
    let mut delays = String::new();
    if asked(Part::Delay) {
        journal.part("delay of sound", |journal| {
            delays = mouth_to_ear::measure(&place, journal, calls)?;
            Ok(())
        });
    }
    if asked(Part::Resources) {
        journal.part("a call from the terminal", |journal| {
            resources::terminal(&place, journal)
        });
        journal.part("a call in the window", |journal| {
            resources::window(&place, journal)
        });
    }
    if asked(Part::Start) {
        journal.part("start", |journal| start::measure(&place, journal));
    }

    let kept = if journal.failed().is_empty() {
        None
    } else {
        Some(place.stage.keep()?)
    };
    Ok((delays, kept))
}

/// The program on the desktop all day.
fn desktop_suite(
    arguments: &Arguments,
    journal: &mut Journal,
) -> Result<(String, Option<PathBuf>)> {
    let place = Place::start()?;
    let starts = usize::from(arguments.calls.unwrap_or(5));
    let filled = desktop::million(arguments.rows)?;
    desktop::fill(&place, &filled)?;
    if asked(arguments, Part::Hello) {
        journal.part("the least program", |journal| {
            desktop::hello(&place, journal, starts)
        });
    }
    if asked(arguments, Part::Start) {
        journal.part("starts", |journal| {
            desktop_start::starts(&place, journal, starts)
        });
        journal.part("the window again", |journal| {
            desktop_start::again(&place, journal, starts)
        });
    }
    if asked(arguments, Part::Window) {
        journal.part("with its window", |journal| desktop::ours(&place, journal));
    }
    if asked(arguments, Part::Messages) {
        journal.part("messages", |journal| desktop::messages(&place, journal));
    }
    if asked(arguments, Part::Tray) {
        journal.part("in the tray", |journal| desktop::tray(&place, journal));
    }
    let kept = if journal.failed().is_empty() {
        None
    } else {
        Some(place.stage.keep()?)
    };
    Ok((format!("\n{} calls in the history", arguments.rows), kept))
}

/// Learning of callers: with the switchboard in this process, and with the real window.
fn inbound_suite(arguments: &Arguments, journal: &mut Journal) -> String {
    let count = usize::from(arguments.calls.unwrap_or(30));
    let mut table = String::new();
    if asked(arguments, Part::Watchers) {
        journal.part("each watcher", |journal| watchers::measure(journal, count));
    }
    if asked(arguments, Part::Painted) {
        let count = usize::from(arguments.calls.unwrap_or(10));
        journal.part("the window", |journal| painted::measure(journal, count));
    }
    if asked(arguments, Part::Desks) {
        journal.part("many desks", |journal| {
            table = desks::measure(journal)?;
            Ok(())
        });
    }
    if asked(arguments, Part::Growth) {
        journal.part("many callers", |journal| {
            growth::of_callers(&Place::start()?, journal, count)
        });
    }
    table
}

/// Sound from mouth to ear, and all that belongs to it.
fn audio_suite(arguments: &Arguments, journal: &mut Journal) -> String {
    let of = |default: u16| usize::from(arguments.calls.unwrap_or(default));
    let quiet = Duration::from_secs(arguments.quiet_within);
    let mut table = String::new();
    let with_browser = arguments.peer.is_some();
    let parts: Vec<plan::Planned> = plan::audio(arguments.calls, with_browser)
        .into_iter()
        .filter(|planned| asked(arguments, planned.part))
        .collect();
    print!("{}", plan::shown(&parts));
    for plan::Planned { part, name, .. } in parts {
        journal.part(name, |journal| {
            match part {
                Part::Resources => uneven::bare(journal, quiet)?,
                Part::Delay => table.push_str(&duel::measure(journal, of(8), with_browser, quiet)?),
                Part::Inbound => inbound::measure(&Place::start()?, journal, of(10))?,
                Part::Window => {
                    table.push_str(&mouth_to_ear::with_window(
                        &Place::start()?,
                        journal,
                        of(2),
                    )?);
                }
                Part::Jitter => table.push_str(&uneven::jitter(journal, with_browser, quiet)?),
                Part::Quality => {
                    table.push_str(&quality::measure(journal, of(2), with_browser, quiet)?);
                }
                Part::Echo => table.push_str(&echo::measure(journal)?),
                Part::Callbacks => table.push_str(&callbacks::measure(journal, quiet)?),
                Part::Drift => table.push_str(&drift::measure(journal)),
                Part::Growth => growth::measure(&Place::start()?, journal, of(15))?,
                // Of other suites: the plan names none of them.
                Part::Rooms
                | Part::Outbound
                | Part::Start
                | Part::Watchers
                | Part::Painted
                | Part::Desks
                | Part::Tray
                | Part::Hello
                | Part::Messages => {}
            }
            Ok(())
        });
    }
    table
}
