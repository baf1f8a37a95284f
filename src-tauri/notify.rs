//! System notifications beside the overlay. A system without them loses nothing else.

use std::sync::Arc;

use call::CallId;
use tauri::{AppHandle, Runtime};
use tauri_plugin_notification::NotificationExt;

use crate::core::Core;

/// Somebody calls.
pub(crate) async fn incoming<R: Runtime>(app: &AppHandle<R>, core: &Core, call: &CallId) {
    show(app, "Incoming call", core, call).await;
}

/// Somebody called, and nobody here took it.
pub(crate) async fn missed<R: Runtime>(app: &AppHandle<R>, core: &Core, call: &CallId) {
    show(app, "Missed call", core, call).await;
}

async fn show<R: Runtime>(app: &AppHandle<R>, title: &'static str, core: &Core, call: &CallId) {
    let view = Arc::clone(&core.view().borrow());
    let names = core.names(&view).await;
    let Some(call) = view.call(call) else {
        return;
    };
    let who = match names.get(&call.number).or(call.name.as_ref()) {
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
