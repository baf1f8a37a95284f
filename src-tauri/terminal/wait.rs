//! `deskline wait`: this desk rings, and answers if told to.

use call::input::{Intent, LineStatus};
use call::output::ShellCommand;
use tokio::sync::mpsc;

use crate::args;
use crate::core::Core;
use crate::terminal::outcome::{ANSWERED, NO_LINE, WRONG_USE};
use crate::terminal::report::Report;
use crate::terminal::session::{News, Session};
use crate::terminal::{complain, watchers};

/// Waits, reports, and answers the exit code: of the first call with `--once`, else 0 when told to stop.
///
/// # Errors
/// Signals cannot be taken over.
pub(crate) async fn run(
    core: Core,
    shell: mpsc::Receiver<ShellCommand>,
    asked: args::Wait,
) -> anyhow::Result<u8> {
    if asked.webhook.is_some() || asked.worker.is_some() {
        let mut wanted = core.watchers().borrow().wanted.clone();
        if let Some(at) = asked.webhook {
            watchers::listen(&mut wanted, at);
        }
        if let Some(name) = &asked.worker {
            watchers::register(&mut wanted, name);
        }
        if let Err(error) = core.watch_for_now(wanted).await {
            complain(&error.message);
            core.close().await;
            return Ok(WRONG_USE);
        }
    }
    let mut session = Session::begin(core, shell, Report::new(asked.json))?;
    let mut code = ANSWERED;
    loop {
        match session.next().await {
            News::Line(
                LineStatus::SignedOut
                | LineStatus::Locked { .. }
                | LineStatus::Broken { .. }
                | LineStatus::Refused { .. },
            ) => {
                code = NO_LINE;
                session.quit().await;
            }
            News::Offered(call) => {
                if let Some(pause) = asked.answer_after {
                    session.send_after(
                        pause,
                        Intent::Answer {
                            call,
                            other: call::input::OtherCall::Hold,
                        },
                    );
                }
            }
            News::Live(call) => {
                if let Some(talk_for) = asked.talk_for {
                    session.send_after(talk_for, Intent::HangUp { call });
                }
            }
            News::Ended(call, reason) => {
                let ended = session.report.end(&call, &reason);
                if asked.once {
                    code = ended;
                    session.quit().await;
                }
            }
            News::Line(
                LineStatus::Connecting | LineStatus::Ready { .. } | LineStatus::Unreachable { .. },
            )
            | News::Refused(..)
            | News::Due
            | News::Typed(_) => {}
            News::Over => break,
        }
    }
    session.close().await;
    Ok(code)
}
