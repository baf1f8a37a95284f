//! Developer commands of Deskline. `cargo xtask help` lists them.
// A command-line program speaks on standard output.
#![allow(clippy::print_stdout)]

mod bench;
mod e2e;
mod engine;
mod fuzz;
mod line;
mod lines;
mod package;
mod packages;
mod pictures;
mod providers;
mod run;
mod scores;
mod setup;
mod shell;
mod steps;
mod telephone;
mod test;
mod ui;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Developer commands of Deskline.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install and build what is missing: system packages, engine, UI packages, demo line
    Setup {
        /// Do not ask before system packages are installed
        #[arg(long)]
        yes: bool,
    },
    /// Start the demo line and Deskline signed in to it, and ring it once
    Run {
        /// Folder of the profile to use
        #[arg(long, value_name = "DIR")]
        profile: Option<PathBuf>,
        /// Keep the history of the last run instead of starting with a fresh profile
        #[arg(long)]
        keep: bool,
    },
    /// Run every check and test in order
    Test {
        /// `fast` leaves out the end-to-end tests
        #[arg(value_enum)]
        what: Option<test::Amount>,
    },
    /// Run only the end-to-end tests
    E2e {
        /// Only tests whose name contains this; `telephone`: every path of the telephone, with a table; `lines`: every
        /// provider, fault, diagnostic and complaint, with tables
        filter: Option<String>,
        /// Of the telephone, only this table
        #[arg(long, value_enum)]
        matrix: Option<telephone::Matrix>,
        /// Of the telephone, only: kill a desk so often at random moments
        #[arg(long, value_name = "N")]
        kills: Option<u32>,
        /// Of the telephone, only: so many callers for whom two desks race
        #[arg(long, value_name = "N")]
        races: Option<u32>,
    },
    /// Fetch and verify LiveKit's engine library
    Engine,
    /// Build the demo line
    Line {
        #[command(subcommand)]
        action: Option<line::Action>,
    },
    /// Build the stand-ins of the providers of phone numbers, and fetch the providers' API descriptions for them
    Providers,
    /// Install the UI packages and build the UI, when stale
    Ui,
    /// Measure the phone on the demo line: `bench call` and `bench history` print the figures of
    /// docs/perf.md
    Bench {
        /// Measure the development build: quicker to build, not what people use
        #[arg(long)]
        dev: bool,
        /// What to measure, and its options
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        what: Vec<String>,
    },
    /// Try every command of the windows with a million sets of arguments; prints the slowest
    Fuzz {
        /// Sets of arguments for each command
        #[arg(long, default_value_t = 1_000_000)]
        sets: u32,
        /// Another seed tries others; the same one the same
        #[arg(long, default_value_t = 1)]
        seed: u32,
        /// Only this command
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Build the package that people install
    Package {
        /// Install it in a clean system and start it there
        #[arg(long)]
        check: bool,
    },
    /// Take pictures of every screen, and those of the README on a private stage
    Pictures {
        /// Only the screens, with the fake phone in a browser
        #[arg(long)]
        screens: bool,
        /// A folder with the design's pictures, laid beside ours on the contact sheets
        #[arg(long)]
        design: Option<std::path::PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Setup { yes } => setup::setup(yes),
        Command::Run { profile, keep } => run::run(profile, keep),
        Command::Test { what } => test::test(what.unwrap_or(test::Amount::All)),
        Command::E2e {
            filter,
            matrix,
            kills,
            races,
        } => e2e::e2e(
            filter.as_deref(),
            telephone::Asked {
                matrix,
                kills,
                races,
            },
        ),
        Command::Engine => engine::ensure().map(drop),
        Command::Line { action } => line::line(action),
        Command::Providers => providers::ensure(),
        Command::Ui => ui::ensure(),
        Command::Bench { dev, what } => bench::bench(dev, &what),
        Command::Fuzz { sets, seed, only } => fuzz::fuzz(&fuzz::Asked { sets, seed, only }),
        Command::Package { check } => package::package(check),
        Command::Pictures { screens, design } => pictures::pictures(screens, design.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
