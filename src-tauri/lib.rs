//! The shell: wiring, IPC, windows, notifications, command line. No rule of telephony lives here.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

#[cfg(target_os = "linux")]
mod above;
pub mod account;
pub mod app;
pub mod args;
mod awake;
mod calling;
mod clipboard;
pub mod core;
pub mod desktop;
mod directory;
mod env_file;
mod event_log;
mod first_picture;
mod hooks;
pub mod ipc;
mod line;
mod line_costs;
mod line_desk;
mod line_report;
mod line_setup;
mod line_sheet;
pub mod links;
pub mod logging;
mod moments;
mod notify;
mod obey;
mod other_programs;
mod overlay;
pub mod pages;
mod player;
pub mod profile;
mod quality;
mod readiness;
mod recording;
pub mod records;
mod ring_test;
mod settings;
mod shortcuts;
pub mod signals;
mod sound;
mod surroundings;
mod tell;
pub mod terminal;
mod tray;
mod watching;
mod web_views;
pub mod windows;
mod words;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use crate::args::Arguments;
use crate::profile::Profile;

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let began = Instant::now();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors: clap says them on stdout with exit code 0.
            let _ = error.print();
            return ExitCode::from(
                u8::try_from(error.exit_code()).unwrap_or(terminal::outcome::WRONG_USE),
            );
        }
    };
    let profile = match Profile::open(arguments.profile.as_deref()) {
        Ok(profile) => profile,
        Err(error) => {
            terminal::complain(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    match arguments.command {
        Some(command) => ExitCode::from(terminal::run(command, &profile, arguments.ring_for)),
        None => ExitCode::from(app::run(&profile, began, &arguments)),
    }
}

/// The threads that carry everything but sound and the windows.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("deskline")
        .enable_all()
        .build()
        .context("The system gives Deskline no threads")
}
