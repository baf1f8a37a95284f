//! Tells the windows what changed, each the whole view.

use std::sync::Arc;

use tauri::{AppHandle, Emitter, EventTarget, Manager, Runtime};
use tokio::sync::watch;

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::convert;
use crate::ipc::desktop::{DESKTOP_CHANGED, LOOK_CHANGED, READINESS_CHANGED, SHELL_CHANGED};
use crate::ipc::types::{DEVICES_CHANGED, DevicesView, HISTORY_CHANGED, PHONE_CHANGED};
use crate::pages::Pages;
use crate::readiness::{self, Evidence};
use crate::windows;

/// The phone, to every window.
pub(crate) async fn of_calls<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.view();
    while view.changed().await.is_ok() {
        let now = convert::phone(&Arc::clone(&view.borrow_and_update()), core.region());
        all(&app, PHONE_CHANGED, now);
    }
}

/// That the history is another.
pub(crate) async fn of_history<R: Runtime>(app: AppHandle<R>, core: Core) {
    let Some(mut changes) = core.history_changes() else {
        return;
    };
    while changes.changed().await.is_ok() {
        all(&app, HISTORY_CHANGED, ());
    }
}

/// What is set about the program, and its looks.
pub(crate) async fn of_desktop<R: Runtime>(app: AppHandle<R>) {
    let desktop = app.state::<Desktop>().inner().clone();
    let mut view = desktop.view();
    let mut look = desktop.look();
    while view.changed().await.is_ok() {
        let now = view.borrow_and_update().clone();
        let theme = windows::theme(now.settings.theme);
        main(&app, DESKTOP_CHANGED, now);
        let looks = desktop.look();
        if looks != look {
            for window in app.webview_windows().values() {
                windows::ok("change the theme", window.set_theme(theme));
            }
            all(&app, LOOK_CHANGED, looks.clone());
            look = looks;
        }
    }
}

/// What the shell has to say.
pub(crate) async fn of_shell<R: Runtime>(app: AppHandle<R>) {
    let mut view = app.state::<Desktop>().shell();
    while view.changed().await.is_ok() {
        let now = view.borrow_and_update().clone();
        main(&app, SHELL_CHANGED, now);
    }
}

/// Whether this desk will ring. Judges anew whenever something it depends on changed.
pub(crate) async fn of_readiness<R: Runtime>(
    app: AppHandle<R>,
    core: Core,
    mut devices: watch::Receiver<Option<DevicesView>>,
) {
    let desktop = app.state::<Desktop>().inner().clone();
    let mut overlay = app.state::<Pages>().overlay();
    let mut phone = core.view();
    let mut computer = desktop.view();
    let mut verdict = desktop.readiness();
    loop {
        let seen_phone = Arc::clone(&phone.borrow_and_update());
        let seen_devices = devices.borrow_and_update().clone();
        let may_raise = computer.borrow_and_update().facts.overlay;
        let overlay_runs = *overlay.borrow_and_update();
        let judged = readiness::judge(&Evidence {
            line: &seen_phone.line,
            quiet: seen_phone.quiet.as_deref(),
            devices: seen_devices.as_ref(),
            overlay_runs,
            may_raise,
        });
        desktop.tell_readiness(|view| {
            let test = view.test.take();
            *view = crate::ipc::desktop::ReadinessView {
                rev: view.rev,
                test,
                ..judged
            };
        });
        // A test ring changes the view too.
        if verdict.has_changed().unwrap_or(false) {
            let now = verdict.borrow_and_update().clone();
            main(&app, READINESS_CHANGED, now);
        }
        tokio::select! {
            changed = phone.changed() => if changed.is_err() { return },
            changed = devices.changed() => if changed.is_err() { return },
            changed = computer.changed() => if changed.is_err() { return },
            changed = overlay.changed() => if changed.is_err() { return },
            changed = verdict.changed() => if changed.is_err() { return } else {
                verdict.mark_changed();
            },
        }
    }
}

/// That the sound devices are others.
pub(crate) async fn of_devices<R: Runtime>(
    app: AppHandle<R>,
    mut devices: watch::Receiver<Option<DevicesView>>,
) {
    // The first look is no change.
    if devices.changed().await.is_err() {
        return;
    }
    while devices.changed().await.is_ok() {
        all(&app, DEVICES_CHANGED, ());
    }
}

fn all<R: Runtime, T: serde::Serialize + Clone>(app: &AppHandle<R>, event: &str, payload: T) {
    if let Err(error) = app.emit(event, payload) {
        tracing::warn!(%error, event, "the windows cannot be told");
    }
}

/// To the main window: the overlay has no use for it.
pub(crate) fn main<R: Runtime, T: serde::Serialize + Clone>(
    app: &AppHandle<R>,
    event: &str,
    payload: T,
) {
    let main = EventTarget::webview_window(windows::MAIN);
    if let Err(error) = app.emit_to(main, event, payload) {
        tracing::warn!(%error, event, "the main window cannot be told");
    }
}
