//! Keys from any program: asked of the system when they are set, and what it refuses is said.

use std::str::FromStr as _;
use std::sync::mpsc;

use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_global_shortcut::{
    GlobalShortcut, GlobalShortcutExt as _, Shortcut, ShortcutState,
};

use super::words;
use crate::desktop::Desktop;
use crate::ipc::desktop::{DesktopSettings, ShortcutAction, ShortcutTrouble};

/// Can this system hand keys out at all? On Wayland a program gets only the keys of its own windows.
pub(crate) fn possible() -> bool {
    !cfg!(target_os = "linux")
        || (std::env::var_os("DISPLAY").is_some_and(|name| !name.is_empty())
            && !crate::windows::is_wayland())
}

fn begun<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<GlobalShortcut<R>>().is_some()
}

/// On the main thread, where some systems want it. Not to be called there: it waits.
fn begin<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let (tell, told) = mpsc::sync_channel(1);
    let here = app.clone();
    app.run_on_main_thread(move || {
        // Whoever asked waits for it.
        let _ = tell.send(here.plugin(tauri_plugin_global_shortcut::Builder::new().build()));
    })?;
    told.recv()
        .map_err(|_| tauri::Error::FailedToReceiveMessage)?
}

/// Asks for the keys that are set, gives the others back, and tells which were refused.
pub(crate) fn put_in_force<R: Runtime>(
    app: &AppHandle<R>,
    settings: &DesktopSettings,
    pressed: fn(&AppHandle<R>, ShortcutAction),
) {
    let desktop = app.state::<Desktop>();
    let wanted: Vec<(ShortcutAction, String)> = settings
        .shortcuts
        .iter()
        .filter_map(|of| Some((of.action, of.global.clone()?)))
        .collect();
    if !possible() {
        let troubles = wanted
            .iter()
            .map(|(action, keys)| ShortcutTrouble {
                action: *action,
                words: format!(
                    "{keys} works in Deskline only: this system gives no program keys of others."
                ),
            })
            .collect();
        desktop.found_out(|facts| {
            facts.global_keys = false;
            facts.troubles = troubles;
        });
        return;
    }
    if !begun(app) {
        let begins = if wanted.is_empty() {
            // On X11 the library looks for keys twenty times a second, so it is not begun for nothing.
            Ok(())
        } else {
            begin(app)
        };
        if let Err(error) = &begins {
            tracing::warn!(%error, "the system gives no keys");
        }
        if wanted.is_empty() || begins.is_err() {
            desktop.found_out(|facts| {
                facts.global_keys = begins.is_ok();
                facts.troubles = Vec::new();
            });
            return;
        }
    }
    let keys = app.global_shortcut();
    if let Err(error) = keys.unregister_all() {
        tracing::debug!(%error, "keys are not given back");
    }
    let mut troubles = Vec::new();
    for (action, written) in wanted {
        // What is kept is written for a person; on macOS the Command key has the place of Ctrl.
        let asked = written.replace("Ctrl", "CmdOrCtrl");
        let registered = Shortcut::from_str(&asked)
            .map_err(|error| error.to_string())
            .and_then(|shortcut| {
                keys.on_shortcut(shortcut, move |app, _, event| {
                    if event.state == ShortcutState::Pressed {
                        pressed(app, action);
                    }
                })
                .map_err(|error| error.to_string())
            });
        if let Err(error) = registered {
            tracing::info!(%error, "keys were refused");
            troubles.push(ShortcutTrouble {
                action,
                words: format!(
                    "{written} is taken by another program, so it does not do “{}” there. Choose other keys.",
                    words(action)
                ),
            });
        }
    }
    desktop.found_out(|facts| {
        facts.global_keys = true;
        facts.troubles = troubles;
    });
}
