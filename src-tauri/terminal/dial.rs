//! `deskline dial`: one call from the terminal, from the journal row to the exit code.

use std::time::Duration;

use call::input::{Intent, LineStatus};
use call::routing::Wish;
use call::{CallId, EndReason};
use tokio::sync::mpsc;

use crate::args;
use crate::core::{Core, fresh_call_id};
use crate::terminal::outcome::{NO_ANSWER, WRONG_USE};
use crate::terminal::report::Report;
use crate::terminal::session::{News, Session};

/// A line that says nothing for so long is dialled all the same; the call then finds out what is wrong.
const LINE_WITHIN: Duration = Duration::from_secs(5);

/// Calls, reports, and answers the exit code.
///
/// # Errors
/// Signals cannot be taken over.
pub(crate) async fn run(
    core: Core,
    shell: mpsc::Receiver<call::output::ShellCommand>,
    asked: args::Dial,
) -> anyhow::Result<u8> {
    let mut session = Session::begin(core, shell, Report::new(asked.json))?;
    session.tell_after(LINE_WITHIN);
    let mut line = LineStatus::Connecting;
    let mut dialled: Option<CallId> = None;
    let mut code = None;
    loop {
        let may_dial = match session.next().await {
            News::Line(status) => {
                line = status;
                line != LineStatus::Connecting
            }
            News::Due => true,
            News::Live(call) => {
                if let Some(keys) = asked.keys.clone() {
                    session
                        .send(Intent::SendKeys {
                            call: call.clone(),
                            keys,
                        })
                        .await;
                }
                if let Some(talk_for) = asked.talk_for {
                    session.send_after(talk_for, Intent::HangUp { call });
                }
                false
            }
            News::Ended(call, reason) => {
                if dialled.as_ref() == Some(&call.id) {
                    code = Some(session.report.end(&call, &reason));
                    session.quit().await;
                }
                false
            }
            News::Refused(call, reason) => {
                code = Some(session.report.refused(
                    call.as_str(),
                    &asked.number,
                    &reason,
                    why(&line, &reason),
                ));
                session.quit().await;
                false
            }
            News::Offered(_) | News::Typed(_) => false,
            News::Over => break,
        };
        if may_dial && dialled.is_none() {
            let call = fresh_call_id()?;
            dialled = Some(call.clone());
            let wish = Wish {
                line: asked.line.clone(),
                caller_id: asked.caller_id.clone(),
            };
            let core = session.core().clone();
            match core.dial(call.clone(), asked.number.clone(), wish).await {
                Ok(routed) => session.report.route(&call, &routed, core.region()),
                Err(error) => {
                    session.report.not_called(&call, &error);
                    code = Some(WRONG_USE);
                    session.quit().await;
                }
            }
        }
    }
    session.close().await;
    // Over before there was an end: the person gave up.
    Ok(code.unwrap_or(NO_ANSWER))
}

/// Where the line knows better than the outcome why nothing can be dialled.
fn why<'a>(line: &'a LineStatus, reason: &EndReason) -> Option<&'a str> {
    match (line, reason) {
        (LineStatus::Locked { what }, EndReason::NotSignedIn)
        | (LineStatus::Refused { what }, EndReason::SignInRefused) => Some(what),
        _ => None,
    }
}
