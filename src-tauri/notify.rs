//! System notifications beside the overlay. A system without them loses nothing else.

use call::CallId;
use call::view::PhoneView;
use tauri::{AppHandle, Runtime};
use tauri_plugin_notification::NotificationExt;

/// Somebody calls.
pub(crate) fn incoming<R: Runtime>(app: &AppHandle<R>, view: &PhoneView, call: &CallId) {
    show(app, "Incoming call", view, call);
}

/// Somebody called, and nobody here took it.
pub(crate) fn missed<R: Runtime>(app: &AppHandle<R>, view: &PhoneView, call: &CallId) {
    show(app, "Missed call", view, call);
}

fn show<R: Runtime>(app: &AppHandle<R>, title: &'static str, view: &PhoneView, call: &CallId) {
    let Some(call) = view.call(call) else {
        return;
    };
    let who = match &call.name {
        Some(name) => format!("{name}, {}", call.number_shown),
        None if call.number.is_empty() => "Private number".to_owned(),
        None => call.number_shown.clone(),
    };
    let app = app.clone();
    // The notification service may be slow to answer, or absent.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = app.notification().builder().title(title).body(who).show() {
            tracing::debug!(%error, "no notification");
        }
    });
}
