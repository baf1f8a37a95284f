//! What stands in a page of the main window before its first line runs: the first picture waits for no answer then. Asking
//! costs a way through three processes for each question, while all of them are busy with the start.

use desk::unix_ms;
use tauri::{AppHandle, Manager, Runtime};

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::StartView;

/// The script that puts it there.
pub(crate) fn script<R: Runtime>(app: &AppHandle<R>) -> String {
    // JSON is JavaScript. What others wrote (names, numbers) is in it as text, and never part of the page's markup.
    let start = serde_json::to_string(&start(app)).unwrap_or_else(|_| "null".to_owned());
    format!("window.__DESKLINE_START__ = {start};")
}

fn start<R: Runtime>(app: &AppHandle<R>) -> StartView {
    let (core, desktop) = (app.state::<Core>(), app.state::<Desktop>());
    let (account, _) = core.account_and_profile();
    StartView {
        at_ms: unix_ms(),
        phone: core.picture_now(),
        desktop: desktop.view().borrow().clone(),
        shell: desktop.shell().borrow().clone(),
        readiness: desktop.readiness().borrow().clone(),
        settings: core.settings_in_force().borrow().clone(),
        first_run: desktop.first_run_now(account.is_set()).ok(),
    }
}
