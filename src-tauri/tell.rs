//! Tells the windows what changed, each the whole view.

use std::sync::Arc;

use call::state::CallState;
use call::{CallId, view::PhoneView};
use tauri::{AppHandle, Emitter, EventTarget, Manager, Runtime};
use tokio::sync::watch;

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::{DESKTOP_CHANGED, LOOK_CHANGED, READINESS_CHANGED, SHELL_CHANGED};
use crate::ipc::records::SETTINGS_CHANGED;
use crate::ipc::sound::{SOUND_CHANGED, SoundView};
use crate::ipc::types::{self, DEVICES_CHANGED, HISTORY_CHANGED, PHONE_CHANGED, WATCHERS_CHANGED};
use crate::pages::Pages;
use crate::readiness::{self, Evidence};
use crate::{overlay, windows};

/// The phone: to the overlays at once, to the main window behind them. They draw one after the other (ADR 0022), and who calls
/// is to be seen first.
pub(crate) async fn of_calls<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.view();
    let mut language = core.language();
    let (behind, mut pictures) = watch::channel(None);
    let told = app.clone();
    tauri::async_runtime::spawn(async move {
        while pictures.changed().await.is_ok() {
            after_the_overlay(&told).await;
            let picture: Option<types::PhoneView> = pictures.borrow_and_update().clone();
            if let Some(picture) = picture {
                main(&told, PHONE_CHANGED, picture);
            }
        }
    });
    let mut rang = None;
    loop {
        let changed = tokio::select! {
            changed = view.changed() => changed,
            changed = language.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        language.mark_unchanged();
        let rings = who_rings(&view.borrow_and_update());
        if rings.is_some() && rings != rang && overlay_may_appear(&app) {
            app.state::<Pages>().ring_began();
        }
        rang = rings;
        let picture = core.picture().await;
        overlays(&app, PHONE_CHANGED, &picture);
        behind.send_replace(Some(picture));
    }
}

/// The call that the overlay shows, unless nobody is to be disturbed by it.
fn who_rings(view: &PhoneView) -> Option<CallId> {
    let call = view.call(view.rings.as_ref()?)?;
    (call.state == CallState::Offered && !call.quiet).then(|| call.id.clone())
}

fn overlay_may_appear<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.state::<Desktop>().view().borrow().facts.overlay
}

/// Whatever makes the main window draw waits while the overlay draws a new caller.
async fn after_the_overlay<R: Runtime>(app: &AppHandle<R>) {
    app.state::<Pages>().overlay_goes_first().await;
}

/// That the history is another.
pub(crate) async fn of_history<R: Runtime>(app: AppHandle<R>, core: Core) {
    let Some(mut changes) = core.history_changes() else {
        return;
    };
    while changes.changed().await.is_ok() {
        after_the_overlay(&app).await;
        changes.mark_unchanged();
        all(&app, HISTORY_CHANGED, ());
    }
}

/// What is set about the program, and its looks.
pub(crate) async fn of_desktop<R: Runtime>(app: AppHandle<R>) {
    let desktop = app.state::<Desktop>().inner().clone();
    let mut view = desktop.view();
    let mut look = desktop.look();
    while view.changed().await.is_ok() {
        after_the_overlay(&app).await;
        let now = view.borrow_and_update().clone();
        let theme = windows::theme(now.settings.theme);
        main(&app, DESKTOP_CHANGED, now);
        let looks = desktop.look();
        if looks != look {
            let title = app.state::<Core>().words().incoming_call;
            for (label, window) in app.webview_windows() {
                windows::ok("change the theme", window.set_theme(theme));
                if overlay::is_overlay(&label) {
                    windows::ok("name the overlay", window.set_title(title));
                }
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
        after_the_overlay(&app).await;
        let now = view.borrow_and_update().clone();
        main(&app, SHELL_CHANGED, now);
    }
}

/// Whether this desk will ring. Judges anew whenever something it depends on changed.
pub(crate) async fn of_readiness<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut sound = core.sound_view();
    // Before the first look at the devices there is none, which says nothing.
    let mut looked = !sound.borrow().speakers.is_empty();
    let desktop = app.state::<Desktop>().inner().clone();
    let mut overlay = app.state::<Pages>().overlay();
    let mut phone = core.view();
    let mut computer = desktop.view();
    let mut verdict = desktop.readiness();
    let mut language = core.language();
    loop {
        let seen_phone = Arc::clone(&phone.borrow_and_update());
        let rings_on = ring_device(&sound.borrow_and_update());
        let may_raise = computer.borrow_and_update().facts.overlay;
        let overlay_runs = *overlay.borrow_and_update();
        let evidence = Evidence {
            line: &seen_phone.line,
            quiet: seen_phone.quiet.as_ref(),
            quiet_numbers: seen_phone.quiet_numbers,
            ring_device: looked.then_some(rings_on.as_deref()),
            overlay_runs,
            may_raise,
        };
        let judged = readiness::judge(&evidence, language.borrow_and_update().words());
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
            after_the_overlay(&app).await;
            let now = verdict.borrow_and_update().clone();
            main(&app, READINESS_CHANGED, now);
        }
        tokio::select! {
            changed = phone.changed() => if changed.is_err() { return },
            changed = sound.changed() => if changed.is_err() { return } else { looked = true },
            changed = computer.changed() => if changed.is_err() { return },
            changed = overlay.changed() => if changed.is_err() { return },
            changed = language.changed() => if changed.is_err() { return },
            changed = verdict.changed() => if changed.is_err() { return } else {
                verdict.mark_changed();
            },
        }
    }
}

/// What there is to see of the sound. Whoever shows a list of devices is told with it.
pub(crate) async fn of_sound<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.sound_view();
    let mut named = None;
    while view.changed().await.is_ok() {
        after_the_overlay(&app).await;
        let now = view.borrow_and_update().clone();
        let names = Some((now.microphones.clone(), now.speakers.clone()));
        if names != named {
            named = names;
            all(&app, DEVICES_CHANGED, ());
        }
        all(&app, SOUND_CHANGED, now);
    }
}

/// What a person has set.
pub(crate) async fn of_settings<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut settings = core.settings_in_force();
    while settings.changed().await.is_ok() {
        let now = settings.borrow_and_update().clone();
        main(&app, SETTINGS_CHANGED, now);
    }
}

/// How callers are learnt of.
pub(crate) async fn of_watchers<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.watchers();
    while view.changed().await.is_ok() {
        after_the_overlay(&app).await;
        let now = view.borrow_and_update().clone();
        all(&app, WATCHERS_CHANGED, now);
    }
}

/// The device that rings: the one that was chosen for it, else the speaker, else the one the system prefers.
fn ring_device(sound: &SoundView) -> Option<String> {
    let chosen = [&sound.settings.ring_device, &sound.settings.speaker];
    let there = |id: &str| sound.speakers.iter().find(|of| of.id == id);
    chosen
        .into_iter()
        .flatten()
        .find_map(|chosen| there(&chosen.id))
        .or_else(|| sound.speakers.iter().find(|of| of.preferred))
        .or_else(|| sound.speakers.first())
        .map(|of| of.name.clone())
}

fn all<R: Runtime, T: serde::Serialize + Clone>(app: &AppHandle<R>, event: &str, payload: T) {
    if let Err(error) = app.emit(event, payload) {
        tracing::warn!(%error, event, "the windows cannot be told");
    }
}

/// To the overlays, on whichever screens.
fn overlays<R: Runtime, T: serde::Serialize + Clone>(app: &AppHandle<R>, event: &str, payload: &T) {
    let is_overlay = |target: &EventTarget| matches!(target, EventTarget::WebviewWindow { label } if overlay::is_overlay(label));
    if let Err(error) = app.emit_filter(event, payload, is_overlay) {
        tracing::warn!(%error, event, "the overlay cannot be told");
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
