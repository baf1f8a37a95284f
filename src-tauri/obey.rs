//! Does what the phone asks of windows and notifications.

use std::sync::Arc;
use std::time::Duration;

use call::input::Intent;
use call::output::ShellCommand;
use call::state::{CallState, Direction};
use call::view::{CallView, PhoneView};
use call::{CallId, EndReason};
use tauri::{AppHandle, Manager, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::app::Ending;
use crate::core::Core;
use crate::desktop::Desktop;
use crate::pages::Pages;
use crate::{notify, overlay, surroundings};

/// Longest wait of the overlay for the main window.
const FIRST_PAINT_WITHIN: Duration = Duration::from_secs(4);
/// How long "a colleague took it" can be read.
const ELSEWHERE_FOR: Duration = Duration::from_secs(3);
/// A view that shows the end of a ring comes right behind the command that tells of it.
const VIEW_WITHIN: Duration = Duration::from_millis(500);

/// In one step of the phone, news of a call and the wish for the overlay come this close together.
const OVERLAY_ASKED_WITHIN: Duration = Duration::from_millis(50);

/// What becomes of the overlay when nobody rings any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// It goes.
    Hide,
    /// It says for a moment who took the call.
    Elsewhere,
    /// It stays until somebody has read that a call was missed.
    Missed,
}

/// Runs until the phone has ended.
pub(crate) async fn follow<R: Runtime>(
    app: AppHandle<R>,
    core: Core,
    mut shell: mpsc::Receiver<ShellCommand>,
    hidden: bool,
) {
    // A second web view that is made while the first one loads can hold its first requests up. Whoever calls in that
    // moment is heard ringing already.
    let pages = app.state::<Pages>();
    if !hidden
        && tokio::time::timeout(FIRST_PAINT_WITHIN, pages.usable())
            .await
            .is_err()
    {
        tracing::warn!("the window takes long to appear");
    }
    let mut seen = false;
    let mut farewell: Option<JoinHandle<()>> = None;
    // The phone tells of a call before it asks for the overlay, and whether that is seen decides what is notified of.
    let mut untold: Vec<CallId> = Vec::new();
    loop {
        let next = if untold.is_empty() {
            shell.recv().await
        } else {
            match tokio::time::timeout(OVERLAY_ASKED_WITHIN, shell.recv()).await {
                Ok(next) => next,
                Err(_) => {
                    notify_of(&app, &core, &mut untold, seen).await;
                    continue;
                }
            }
        };
        let Some(command) = next else { return };
        match command {
            ShellCommand::ShowOverlay => {
                pages.ring_reached("asked");
                if let Some(farewell) = farewell.take() {
                    farewell.abort();
                }
                if must_not_disturb(&app).await {
                    silence_all(&core).await;
                    seen = false;
                } else {
                    seen = overlay::show(&app).await;
                }
                notify_of(&app, &core, &mut untold, seen).await;
            }
            ShellCommand::HideOverlay => {
                let rested = say_goodbye(app.clone(), core.view());
                farewell = Some(tokio::spawn(rested));
                seen = false;
            }
            ShellCommand::NotifyIncoming { call } => untold.push(call),
            ShellCommand::NotifyMissed { call } => {
                notify::missed(&app, &core, &call).await;
            }
            // The view carries a notice with the same words.
            ShellCommand::Refused { .. } => {}
            ShellCommand::MayQuit => app.state::<Ending>().may_quit(),
        }
    }
}

async fn notify_of<R: Runtime>(
    app: &AppHandle<R>,
    core: &Core,
    calls: &mut Vec<CallId>,
    overlay_seen: bool,
) {
    for call in calls.drain(..) {
        notify::incoming(app, core, &call, overlay_seen).await;
    }
}

/// Takes notifications back that are no longer so.
pub(crate) async fn withdraw<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.view();
    // Without a history nothing is ever marked as seen.
    let mut history = core.history_changes();
    let mut marked = async || match &mut history {
        Some(history) => history.changed().await.is_ok(),
        None => std::future::pending().await,
    };
    loop {
        tokio::select! {
            changed = view.changed() => match changed {
                Ok(()) => {
                    let now = Arc::clone(&view.borrow_and_update());
                    notify::withdraw(&app, &now);
                }
                Err(_) => return,
            },
            changed = marked() => match changed {
                true => notify::withdraw_seen(&app, &core).await,
                false => return,
            },
        }
    }
}

/// The person has set that the system's own "do not disturb" counts here too, and it is on.
async fn must_not_disturb<R: Runtime>(app: &AppHandle<R>) -> bool {
    !app.state::<Desktop>().settings().ring_in_focus && surroundings::is_not_to_disturb().await
}

async fn silence_all(core: &Core) {
    let ringing: Vec<_> = {
        let view = core.view();
        let view = view.borrow();
        let rings = |call: &&CallView| call.state == CallState::Offered && !call.silenced;
        view.calls
            .iter()
            .filter(rings)
            .map(|call| call.id.clone())
            .collect()
    };
    for call in ringing {
        core.intent(Intent::Silence { call }).await;
    }
}

async fn say_goodbye<R: Runtime>(app: AppHandle<R>, mut view: watch::Receiver<Arc<PhoneView>>) {
    let over = |view: &Arc<PhoneView>| !view.calls.iter().any(is_offered);
    let last = {
        let rested = tokio::time::timeout(VIEW_WITHIN, view.wait_for(over)).await;
        match &rested {
            Ok(Ok(view)) => last_ring(view).cloned(),
            Ok(Err(_)) | Err(_) => None,
        }
    };
    let put_away = |view: &Arc<PhoneView>| {
        last.as_ref()
            .is_none_or(|call| view.call(&call.id).is_none())
    };
    match last.as_ref().map_or(Afterwards::Hide, afterwards) {
        Afterwards::Hide => {}
        Afterwards::Elsewhere => {
            // Put away before that: gone at once.
            let _ = tokio::time::timeout(ELSEWHERE_FOR, view.wait_for(put_away)).await;
        }
        Afterwards::Missed => {
            // Dismissed in the main window; or the overlay itself was put away, which needs no more of this.
            let _ = view.wait_for(put_away).await;
        }
    }
    overlay::hide(&app);
}

fn is_offered(call: &CallView) -> bool {
    call.state == CallState::Offered && !call.quiet
}

/// The call that was shown last: the newest that came in and was not kept from ringing.
fn last_ring(view: &PhoneView) -> Option<&CallView> {
    view.calls
        .iter()
        .rfind(|call| call.direction == Direction::Inbound && !call.quiet)
}

fn afterwards(call: &CallView) -> Afterwards {
    match &call.end {
        Some(EndReason::AnsweredElsewhere { .. }) => Afterwards::Elsewhere,
        Some(end) if end.is_missed() => Afterwards::Missed,
        Some(_) | None => Afterwards::Hide,
    }
}
