//! `deskline phone`: the whole telephone at a prompt. Orders come line by line on standard input, see `orders.rs`.

use std::io::{self, BufRead as _};

use call::CallId;
use call::output::ShellCommand;
use call::routing::Wish;
use desk::unix_ms;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::args;
use crate::core::{Core, fresh_call_id};
use crate::ipc::records::SettingsView;
use crate::terminal::orders::{self, HELP, Here, Order};
use crate::terminal::outcome::ANSWERED;
use crate::terminal::report::Report;
use crate::terminal::session::{News, Session};

/// Lines that wait to be read.
const LINES: usize = 64;
/// Longest line that is read as an order; a longer one is none.
const LONGEST: usize = 4_096;

/// Rings, dials and does what it is told, until told to stop or until its input ends.
///
/// # Errors
/// Signals or standard input cannot be taken over.
pub(crate) async fn run(
    core: Core,
    shell: mpsc::Receiver<ShellCommand>,
    asked: args::Phone,
) -> anyhow::Result<u8> {
    let mut session = Session::begin(core, shell, Report::new(asked.json))?;
    session.take_orders(lines()?);
    let mut last: Option<String> = None;
    loop {
        match session.next().await {
            News::Typed(Some(line)) if line.trim().is_empty() => {}
            News::Typed(Some(line)) => obey(&mut session, &line, &mut last).await?,
            News::Typed(None) => session.quit().await,
            News::Ended(call, reason) => {
                session.report.end(&call, &reason);
            }
            News::Refused(call, reason) => {
                let number = last.clone().unwrap_or_default();
                session
                    .report
                    .refused(call.as_str(), &number, &reason, None);
            }
            News::Line(_) | News::Offered(_) | News::Live(_) | News::Due => {}
            News::Over => break,
        }
    }
    session.close().await;
    Ok(ANSWERED)
}

async fn obey<W: io::Write>(
    session: &mut Session<W>,
    line: &str,
    last: &mut Option<String>,
) -> anyhow::Result<()> {
    let view = session.seen();
    let spoken = match orders::parse(line) {
        Ok(spoken) => spoken,
        Err(what) => {
            session.report.told(&what);
            return Ok(());
        }
    };
    let Order::Here(here) = &spoken.order else {
        match orders::intent(&spoken, &view, unix_ms()) {
            Ok(Some(intent)) => session.send(intent).await,
            Ok(None) => {}
            Err(what) => session.report.told(&what),
        }
        return Ok(());
    };
    match here {
        Here::Dial(number) => {
            *last = Some(number.clone());
            dial(session, number.clone()).await?;
        }
        Here::Redial => match last.clone().or_else(|| orders::last_dialled(&view)) {
            Some(number) => {
                *last = Some(number.clone());
                dial(session, number).await?;
            }
            None => session
                .report
                .told("Nobody was called from here yet. Type dial and a number."),
        },
        Here::Calls => session.report.calls(&view),
        Here::Settings(changes) => {
            let core = session.core();
            let done = match changed(&core.settings(), changes) {
                Ok(None) => Ok(core.settings()),
                Ok(Some(wanted)) => core
                    .settings_change(|settings| *settings = wanted)
                    .await
                    .map(|now| now.settings)
                    .map_err(|why| why.message),
                Err(what) => Err(what),
            };
            match done {
                Ok(settings) => session.report.told(&json!(settings).to_string()),
                Err(what) => session.report.told(&what),
            }
        }
        Here::Help => session.report.told(HELP),
        #[cfg(debug_assertions)]
        Here::BreakEngine(breakage) => {
            realtime::backend::break_engine(*breakage);
            session.report.told("The engine is broken on purpose.");
        }
        Here::Quit => session.quit().await,
    }
    Ok(())
}

/// The settings with these fields changed; `None`: nothing is to be changed.
fn changed(now: &SettingsView, changes: &str) -> Result<Option<SettingsView>, String> {
    if changes.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        "Type settings and the fields to change as JSON: settings {\"ring_for_s\": 30}. \
        “settings” alone shows all of them."
            .to_owned()
    };
    let changes: Map<String, Value> = serde_json::from_str(changes).map_err(|_| wrong())?;
    let Value::Object(mut all) = json!(now) else {
        return Err(wrong());
    };
    for (name, value) in changes {
        let field = all
            .get_mut(&name)
            .ok_or_else(|| "There is no such setting. “settings” shows all of them.".to_owned())?;
        *field = value;
    }
    serde_json::from_value(Value::Object(all))
        .map(Some)
        .map_err(|_| wrong())
}

/// Over the line that the rules choose.
async fn dial<W: io::Write>(session: &mut Session<W>, number: String) -> anyhow::Result<()> {
    let call: CallId = fresh_call_id()?;
    let core = session.core().clone();
    match core.dial(call.clone(), number, Wish::default()).await {
        Ok(routed) => session.report.route(&call, &routed, core.region()),
        Err(error) => session.report.told(&error.message),
    }
    Ok(())
}

/// Standard input, line by line; `None` when it ends. A thread of its own: reading it cannot be given up.
fn lines() -> io::Result<mpsc::Receiver<Option<String>>> {
    let (said, heard) = mpsc::channel(LINES);
    std::thread::Builder::new()
        .name("orders".to_owned())
        .spawn(move || {
            let mut input = io::stdin().lock();
            let mut line = Vec::new();
            loop {
                line.clear();
                match input.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => {
                        let _ = said.blocking_send(None);
                        return;
                    }
                    Ok(length) => {
                        let text = if length > LONGEST {
                            "too long".to_owned()
                        } else {
                            String::from_utf8_lossy(&line).into_owned()
                        };
                        if said.blocking_send(Some(text)).is_err() {
                            return;
                        }
                    }
                }
            }
        })?;
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_changed_field_by_field() {
        let now = SettingsView::default();
        assert_eq!(changed(&now, ""), Ok(None));
        let wanted = changed(&now, r#"{"ring_for_s": 20}"#).unwrap().unwrap();
        assert_eq!(
            wanted,
            SettingsView {
                ring_for_s: 20,
                ..now.clone()
            }
        );
        for wrong in [
            "20",
            r#"{"ring_for": 20}"#,
            r#"{"ring_for_s": "soon"}"#,
            "{",
        ] {
            assert!(changed(&now, wrong).is_err(), "{wrong}");
        }
    }
}
