//! The same phone without a window: same core, same devices. Never touches the display.

mod account;
mod contacts;
mod devices;
mod dial;
mod history;
mod line;
pub mod line_args;
pub(crate) mod line_check;
mod line_costs;
mod line_input;
mod line_set;
mod line_show;
mod line_test;
mod orders;
pub mod outcome;
mod phone;
pub mod record_args;
pub mod report;
mod session;
mod wait;
mod watchers;

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::args::Command;
use crate::core::{Core, Purpose};
use crate::ipc::types::IpcError;
use crate::logging;
use crate::profile::Profile;
use crate::terminal::report::Report;

/// Carries out one command and answers its exit code. A fault that no exit code names is 1, with one sentence on stderr.
pub fn run(command: Command, profile: &Profile, ring_for: Option<Duration>) -> u8 {
    logging::start(profile, LevelFilter::WARN);
    let local_time = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    let done = crate::runtime().and_then(|runtime| {
        let code = runtime.block_on(async {
            match command {
                Command::Dial(asked) => {
                    let (core, shell) = Core::start(profile, Purpose::Outbound, ring_for)?;
                    dial::run(core, shell, asked).await
                }
                Command::Wait(asked) => {
                    let (core, shell) = Core::start(profile, Purpose::Desk, ring_for)?;
                    wait::run(core, shell, asked).await
                }
                Command::Phone(asked) => {
                    let (core, shell) = Core::start(profile, Purpose::Desk, ring_for)?;
                    phone::run(core, shell, asked).await
                }
                Command::History(asked) => history::run(profile, &asked, local_time),
                Command::Contacts(asked) => contacts::run(profile, &asked),
                Command::Devices(asked) => Ok(devices::run(&asked).await),
                Command::Watchers(asked) => watchers::run(profile, asked),
                Command::Account(asked) => account::run(profile, asked).await,
                Command::Line(asked) => line::run(profile, asked).await,
            }
        });
        // What is still asked of a keychain or a sound server must not keep the program.
        runtime.shutdown_background();
        code
    });
    done.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        1
    })
}

/// What can be done about it in a terminal; empty for nothing more than the words say.
pub(crate) fn advice(code: &str) -> &'static str {
    match code {
        "no_such_line" => " `deskline line list` names them all.",
        _ => "",
    }
}

/// Why it was refused: one sentence on stderr, or an object on stdout for programs.
pub(crate) fn refuse(json: bool, error: &IpcError) {
    if json {
        let value = json!({"event": "error", "code": error.code, "words": error.message});
        Report::new(true).other(&value, "");
    } else {
        complain(&format!("{}{}", error.message, advice(&error.code)));
    }
}

/// One sentence on stderr.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
