//! The web views of the windows: pages of one process, on Linux, instead of one process each (ADR 0022).

use std::sync::mpsc;
#[cfg(target_os = "linux")]
use std::time::Duration;

use tauri::{AppHandle, Runtime, WebviewWindow, WebviewWindowBuilder};

/// A window that is not built yet.
pub(crate) type Described<'a, R> = WebviewWindowBuilder<'a, R, AppHandle<R>>;

/// A page that takes longer to be read is painted all the same.
#[cfg(target_os = "linux")]
const UNPAINTED_FOR: Duration = Duration::from_secs(1);

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
        let _ = tell.send(beside(&here, describe(&here)));
    })?;
    told.recv()
        .map_err(|_| tauri::Error::FailedToReceiveMessage)?
}

#[cfg(target_os = "linux")]
fn beside<R: Runtime>(
    app: &AppHandle<R>,
    described: Described<'_, R>,
) -> tauri::Result<WebviewWindow<R>> {
    use tauri::Manager as _;

    use crate::windows::{MAIN, OVERLAY};

    let windows = [OVERLAY, MAIN];
    let other = windows
        .into_iter()
        .find_map(|label| page(&app.get_webview_window(label)?));
    let Some(other) = other else {
        return described.build();
    };
    let window = described.with_related_view(other).build()?;
    let unpainted = window.with_webview(|page| leave_unpainted(&page.inner()));
    crate::windows::ok("leave the page unpainted", unpainted);
    Ok(window)
}

#[cfg(not(target_os = "linux"))]
fn beside<R: Runtime>(
    _app: &AppHandle<R>,
    described: Described<'_, R>,
) -> tauri::Result<WebviewWindow<R>> {
    described.build()
}

/// Nothing is painted of a page before it is read. WebKit, told to paint a page that has no picture yet, asks the page's
/// process for one and waits for the answer on the main thread, half a second at most. A process that is only just starting is
/// not asked; one that runs is, and does not answer while it exchanges its empty page for the one that is read (nor if the page
/// is drawn by the graphics card). Until the wait is over the page is not read either: every file of it comes from here.
#[cfg(target_os = "linux")]
fn leave_unpainted(page: &webkit2gtk::WebView) {
    use std::{cell::Cell, rc::Rc, time::Instant};

    use webkit2gtk::glib::prelude::{ObjectExt as _, ToValue as _};
    use webkit2gtk::{LoadEvent, WebViewExt as _};

    let read = Rc::new(Cell::new(false));
    let told = Rc::clone(&read);
    page.connect_load_changed(move |_, event| {
        if event == LoadEvent::Finished {
            told.set(true);
        }
    });
    let made = Instant::now();
    // True: painting ends here. What the page draws later is painted whether this was or not.
    page.connect_local("draw", false, move |_| {
        let leave = !read.get() && made.elapsed() < UNPAINTED_FOR;
        Some(leave.to_value())
    });
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
