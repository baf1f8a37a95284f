//! `deskline line test`: a line is proven by a call that was answered, one for each direction.

use std::time::Duration;

use call::CallId;
use call::input::{Intent, LineStatus, OtherCall};
use lines::{KeptLine, ProviderKind, Registry};
use serde_json::json;

use crate::calling::find;
use crate::core::{Core, Purpose, fresh_call_id};
use crate::line_setup::{is_over, only_way};
use crate::profile::Profile;
use crate::terminal::line_args::Test;
use crate::terminal::outcome::{NO_ANSWER, NO_LINE, REFUSED, WRONG_USE};
use crate::terminal::report::Report;
use crate::terminal::session::{News, Session};
use crate::terminal::{complain, refuse};

/// How long the test call stays up: long enough to hear the other side.
const TALK: Duration = Duration::from_secs(3);
/// A line that says nothing for so long is dialled all the same.
const LINE_WITHIN: Duration = Duration::from_secs(5);
/// How long somebody may take to call.
const CALLED_WITHIN: Duration = Duration::from_secs(120);

/// Calls, or waits to be called; answers the exit code.
///
/// # Errors
/// The core cannot be started.
pub(crate) async fn run(profile: &Profile, asked: Test) -> anyhow::Result<u8> {
    let registry = Registry::new(&profile.path().join("lines"));
    let line = match find(&registry, &asked.line) {
        Ok(line) => line,
        Err(error) => {
            refuse(asked.json, &error);
            return Ok(WRONG_USE);
        }
    };
    if asked.to.is_some() && line.provider == ProviderKind::LiveKitNumbers {
        complain("A number of LiveKit takes calls only. Test it with --incoming.");
        return Ok(WRONG_USE);
    }
    let purpose = if asked.to.is_some() {
        Purpose::Outbound
    } else {
        Purpose::Desk
    };
    let (core, shell) = Core::start(profile, purpose, None)?;
    let mut session = Session::begin(core, shell, Report::new(asked.json))?;
    let tested = match &asked.to {
        Some(number) => outgoing(&mut session, &line, number).await?,
        None => incoming(&mut session, &line, asked.json).await,
    };
    session.close().await;
    let Tested { code, passed, why } = tested;
    if passed {
        registry.proven(&line.id, asked.to.is_none())?;
    }
    let direction = if asked.to.is_some() {
        "outgoing"
    } else {
        "incoming"
    };
    let words = if passed {
        format!("{}: {direction} calls work.", line.name)
    } else {
        format!("{}: {direction} calls are not proven. {why}", line.name)
    };
    Report::new(asked.json).other(
        &json!({"event": "proof", "line": line.id, "direction": direction, "passed": passed, "words": words}),
        &words,
    );
    Ok(code)
}

struct Tested {
    code: u8,
    passed: bool,
    why: String,
}

impl Tested {
    fn not(code: u8, why: &str) -> Self {
        Self {
            code,
            passed: false,
            why: why.to_owned(),
        }
    }
}

async fn outgoing(
    session: &mut Session<std::io::Stdout>,
    line: &KeptLine,
    number: &str,
) -> anyhow::Result<Tested> {
    session.tell_after(LINE_WITHIN);
    let mut dialled: Option<CallId> = None;
    let mut result = Tested::not(NO_ANSWER, "The call was given up.");
    loop {
        let may_dial = match session.next().await {
            News::Line(status) => status != LineStatus::Connecting,
            News::Due => true,
            News::Live(call) => {
                session.send_after(TALK, Intent::HangUp { call });
                false
            }
            News::Ended(call, reason) => {
                if dialled.as_ref() == Some(&call.id) {
                    let code = session.report.end(&call, &reason);
                    result = Tested {
                        code,
                        passed: call.answered_unix_ms.is_some(),
                        why: reason.advice().unwrap_or_default().to_owned(),
                    };
                    session.quit().await;
                }
                false
            }
            News::Refused(call, reason) => {
                let code = session.report.refused(call.as_str(), number, &reason, None);
                result = Tested::not(code, "Nobody was called.");
                session.quit().await;
                false
            }
            News::Offered(_) | News::Typed(_) => false,
            News::Over => return Ok(result),
        };
        if may_dial && dialled.is_none() {
            let call = fresh_call_id()?;
            dialled = Some(call.clone());
            let ways = vec![only_way(line)];
            session
                .send(Intent::Dial {
                    call,
                    number: number.to_owned(),
                    ways,
                })
                .await;
        }
    }
}

async fn incoming(session: &mut Session<std::io::Stdout>, line: &KeptLine, json: bool) -> Tested {
    let numbers: Vec<String> = line.numbers.iter().map(lines::Number::shown).collect();
    let words = format!(
        "Now call {} from another phone. Deskline answers by itself.",
        numbers.join(" or ")
    );
    session.tell_after(CALLED_WITHIN);
    let mut result = Tested::not(NO_ANSWER, "Nobody called within two minutes.");
    loop {
        match session.next().await {
            News::Line(LineStatus::Ready { .. }) => Report::new(json).other(
                &json!({"event": "waiting", "numbers": line.numbers, "words": words}),
                &words,
            ),
            News::Line(
                LineStatus::SignedOut
                | LineStatus::Locked { .. }
                | LineStatus::Broken { .. }
                | LineStatus::Refused { .. },
            ) => {
                result = Tested::not(NO_LINE, "This desk cannot sign in.");
                session.quit().await;
            }
            News::Offered(call) => {
                session
                    .send(Intent::Answer {
                        call,
                        other: OtherCall::Hold,
                    })
                    .await;
            }
            News::Live(call) => session.send_after(TALK, Intent::HangUp { call }),
            News::Ended(call, reason) => {
                let code = session.report.end(&call, &reason);
                if is_over(&call, line) {
                    result = Tested {
                        code,
                        passed: call.answered_unix_ms.is_some(),
                        why: reason.advice().unwrap_or_default().to_owned(),
                    };
                } else {
                    result = Tested::not(REFUSED, "The call came over another line.");
                }
                session.quit().await;
            }
            News::Due => session.quit().await,
            News::Line(LineStatus::Connecting | LineStatus::Unreachable { .. })
            | News::Refused(..)
            | News::Typed(_) => {}
            News::Over => return result,
        }
    }
}
