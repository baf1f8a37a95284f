//! `deskline account`: sign in, look, forget. The secret only ever goes in.

use std::io::{self, BufRead, IsTerminal, Read};
use std::time::Duration;

use call::input::LineStatus;
use serde_json::json;
use vault::Secret;

use crate::account::Account;
use crate::args;
use crate::core::{Core, Purpose};
use crate::ipc::convert;
use crate::ipc::types::{AccountView, IpcError, KeychainState, LineState, LineView};
use crate::profile::Profile;
use crate::terminal::complain;
use crate::terminal::outcome::{ANSWERED, NO_LINE, NO_NETWORK, NO_SOUND, REFUSED, WRONG_USE};
use crate::terminal::report::Report;
use crate::words::Language;

/// Longest secret that is read.
const LONGEST: u64 = 4_096;
/// How long the server may take to say something.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// Carries out one of the three.
///
/// # Errors
/// The core cannot be started.
pub(crate) async fn run(profile: &Profile, asked: args::Account) -> anyhow::Result<u8> {
    match asked {
        args::Account::Set(asked) => set(profile, asked).await,
        args::Account::Show(asked) => Ok(said(Account::open(profile).show(), asked.json)),
        args::Account::Forget => {
            let account = Account::open(profile);
            Ok(said(account.forget().and_then(|()| account.show()), false))
        }
    }
}

async fn set(profile: &Profile, asked: args::AccountSet) -> anyhow::Result<u8> {
    let Some(secret) = read_secret() else {
        complain("There is no secret on standard input. Pipe it in, or type it and press Enter.");
        return Ok(WRONG_USE);
    };
    if let Err(error) = Account::open(profile).set(&asked.url, &asked.key, Some(secret)) {
        complain(&error.message);
        return Ok(code_of(&error));
    }
    // Kept; now the one look that tells whether the server takes it.
    let line = look_once(profile).await?;
    let shown = convert::line(
        &line,
        call::number::Region::default(),
        Language::English.words(),
    );
    Report::new(false).line(&line);
    Ok(code_of_line(&shown))
}

/// The first thing the line says about itself.
async fn look_once(profile: &Profile) -> anyhow::Result<LineStatus> {
    let (core, _shell) = Core::start(profile, Purpose::Outbound, None)?;
    let mut view = core.view();
    let known = view.wait_for(|view| view.line != LineStatus::Connecting);
    let line = match tokio::time::timeout(LOOK_WITHIN, known).await {
        Ok(Ok(view)) => view.line.clone(),
        Ok(Err(_)) | Err(_) => LineStatus::Connecting,
    };
    core.close().await;
    Ok(line)
}

fn said(result: Result<AccountView, IpcError>, json: bool) -> u8 {
    match result {
        Ok(view) => {
            let text = if view.url.is_empty() {
                format!("Not signed in. {}", view.words)
            } else {
                format!("{}\nkey {}\n{}", view.url, view.key, view.words)
            };
            Report::new(json).other(&json!(view), &text);
            match (view.url.is_empty(), view.keychain, view.has_secret) {
                (true, ..) | (false, KeychainState::Ready, true) => ANSWERED,
                (false, ..) => NO_LINE,
            }
        }
        Err(error) => {
            if json {
                Report::new(true).other(&json!({ "error": error }), "");
            } else {
                complain(&error.message);
            }
            code_of(&error)
        }
    }
}

/// The first line of standard input; without a line break at its end.
fn read_secret() -> Option<Secret> {
    if io::stdin().is_terminal() {
        complain("API secret:");
    }
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut text).ok()?;
    let end = text.trim_end().len();
    text.truncate(end);
    let secret = Secret::new(text);
    (!secret.expose().is_empty()).then_some(secret)
}

fn code_of(error: &IpcError) -> u8 {
    match error.code.as_str() {
        "bad_address" | "bad_key" | "bad_secret" | "no_secret" => WRONG_USE,
        "keychain_locked" | "keychain_absent" => NO_LINE,
        _ => REFUSED,
    }
}

fn code_of_line(line: &LineView) -> u8 {
    match line.state {
        LineState::Ready | LineState::NoTrunk => ANSWERED,
        LineState::SignedOut | LineState::Refused | LineState::Locked => NO_LINE,
        LineState::Broken => NO_SOUND,
        LineState::Connecting | LineState::Unreachable => NO_NETWORK,
    }
}
