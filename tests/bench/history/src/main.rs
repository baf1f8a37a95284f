//! How long the history takes with a million calls. Nothing is judged: figures are printed.
//!
//! `cargo xtask bench history` builds and runs this; docs/perf-history.md says what each figure means.
// A command-line program speaks on standard output.
#![allow(clippy::print_stdout)]

mod data;
mod queries;
mod series;
mod writes;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use history::Store;

use crate::data::World;

/// Figures of the history with a million calls.
#[derive(Parser)]
#[command(name = "bench-history", disable_version_flag = true)]
struct Arguments {
    /// Calls in the history
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    rows: u32,
    /// Contacts
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    contacts: u32,
    /// How often each query is asked
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    rounds: u32,
    /// Data and questions follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A profile to fill, or one that was filled before with the same numbers; else one for this run only
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nbench-history: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let scratch = tempfile::tempdir().context("no scratch folder")?;
    let profile = arguments
        .profile
        .clone()
        .unwrap_or_else(|| scratch.path().to_owned());
    let world = World::new(arguments.seed, arguments.rows, arguments.contacts);
    let store = Store::open(&profile)?;
    if store.page(None, 1)?.entries.is_empty() {
        let began = Instant::now();
        world.fill(&store)?;
        println!("filled in {}", seconds(began.elapsed()));
    }
    let began = Instant::now();
    store.tidy(i64::MAX)?; // an empty log, as after a start
    drop(store);
    let size = std::fs::metadata(profile.join("history.db"))?.len();
    println!(
        "{} calls, {} contacts, file {} MB, log emptied in {}",
        arguments.rows,
        arguments.contacts,
        size / 1_000_000,
        seconds(began.elapsed())
    );

    let began = Instant::now();
    let store = Store::open(&profile)?;
    store.page(None, 50)?;
    println!(
        "opened, first page of 50: {:.1} ms\n",
        began.elapsed().as_secs_f64() * 1000.0
    );
    let rounds = arguments.rounds as usize;
    println!("{}", series::HEADER);
    queries::measure(&store, &world, rounds)?;
    writes::measure(store, &world, rounds)?;
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
