//! The web views of the windows: pages of one process, on Linux, instead of one process each (ADR 0022).

use std::sync::mpsc;

use tauri::{AppHandle, Runtime, WebviewWindow, WebviewWindowBuilder};

/// A window that is not built yet.
pub(crate) type Described<'a, R> = WebviewWindowBuilder<'a, R, AppHandle<R>>;

/// Builds a window whose page lives in the process of the other windows' pages, if there are any.
///
/// # Errors
/// No web view.
pub(crate) fn build<R: Runtime>(
    app: &AppHandle<R>,
    describe: impl FnOnce(&AppHandle<R>) -> Described<'_, R> + Send + 'static,
) -> tauri::Result<WebviewWindow<R>> {
    let (tell, told) = mpsc::sync_channel(1);
    let here = app.clone();
    // Web views belong to the main thread, and so does the one that is shared with. There this runs at once.
    app.run_on_main_thread(move || {
        // Whoever asked waits for it.
        let _ = tell.send(related(&here, describe(&here)).build());
    })?;
    told.recv()
        .map_err(|_| tauri::Error::FailedToReceiveMessage)?
}

#[cfg(target_os = "linux")]
fn related<'a, R: Runtime>(app: &AppHandle<R>, described: Described<'a, R>) -> Described<'a, R> {
    use tauri::Manager as _;

    use crate::windows::{MAIN, OVERLAY};

    let windows = [OVERLAY, MAIN];
    let other = windows
        .into_iter()
        .find_map(|label| page(&app.get_webview_window(label)?));
    match other {
        Some(page) => described.with_related_view(page),
        None => described,
    }
}

#[cfg(not(target_os = "linux"))]
fn related<'a, R: Runtime>(_app: &AppHandle<R>, described: Described<'a, R>) -> Described<'a, R> {
    described
}

/// The page of a window. On the main thread only: elsewhere it would come too late.
#[cfg(target_os = "linux")]
fn page<R: Runtime>(window: &WebviewWindow<R>) -> Option<webkit2gtk::WebView> {
    use std::cell::Cell;

    thread_local! {
        static HANDED_OVER: Cell<Option<webkit2gtk::WebView>> = const { Cell::new(None) };
    }
    let asked = window.with_webview(|page| HANDED_OVER.set(Some(page.inner())));
    crate::windows::ok("find the page", asked);
    HANDED_OVER.take()
}
