//! The two windows: the phone, and the overlay that appears when somebody calls.

use std::time::Duration;

use tauri::{
    AppHandle, LogicalPosition, LogicalSize, Manager, Monitor, Runtime, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};

use crate::pages::Pages;

/// Label of the phone.
pub(crate) const MAIN: &str = "main";
/// Label of the overlay.
pub(crate) const OVERLAY: &str = "overlay";

/// Size of the overlay in logical pixels.
const OVERLAY_SIZE: LogicalSize<f64> = LogicalSize::new(380.0, 200.0);
/// Its distance from the edges of the work area.
const OVERLAY_MARGIN: f64 = 16.0;

/// How long the overlay waits for its page, so that it is not shown empty.
const RUNS_WITHIN: Duration = Duration::from_secs(2);

/// Opens the phone.
///
/// # Errors
/// No web view.
pub(crate) fn open_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Deskline")
        .inner_size(960.0, 640.0)
        .min_inner_size(480.0, 320.0)
        .build()
}

/// Brings the phone to the front.
pub(crate) fn raise_main<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        ok("raise", window.unminimize());
        ok("raise", window.show());
        ok("raise", window.set_focus());
    }
}

/// Loads the overlay without showing it, so that it appears at once when somebody calls.
pub(crate) fn prepare_overlay<R: Runtime>(app: &AppHandle<R>) -> Option<WebviewWindow<R>> {
    if let Some(window) = app.get_webview_window(OVERLAY) {
        return Some(window);
    }
    // Never focusable: it must not take the keyboard from what the person is doing; clicks work all the same. Not
    // resizable: on Linux a frameless window that is takes presses near its edges for itself, and now and then, when the
    // toolkit has not learned yet where the window stands, presses anywhere. 200 is the least height GTK gives such one.
    let built =
        WebviewWindowBuilder::new(app, OVERLAY, WebviewUrl::App("index.html#/overlay".into()))
            .title("Incoming call")
            .inner_size(OVERLAY_SIZE.width, OVERLAY_SIZE.height)
            .resizable(false)
            .decorations(false)
            .always_on_top(true)
            .visible_on_all_workspaces(true)
            .skip_taskbar(true)
            .focusable(false)
            .focused(false)
            .visible(false)
            .build();
    match built {
        Ok(window) => Some(window),
        Err(error) => {
            tracing::error!(%error, "the overlay cannot be opened; calls ring in the main window only");
            None
        }
    }
}

/// Shows the overlay at the top right of the screen in use.
pub(crate) async fn show_overlay<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = prepare_overlay(app) else {
        return;
    };
    let pages = app.state::<Pages>();
    if tokio::time::timeout(RUNS_WITHIN, pages.overlay_runs())
        .await
        .is_err()
    {
        tracing::warn!("the overlay is shown before its page runs");
    }
    if let Some(monitor) = screen_in_use(app) {
        ok(
            "place the overlay",
            window.set_position(top_right(&monitor)),
        );
    }
    ok("show the overlay", window.show());
}

/// Puts the overlay away.
pub(crate) fn hide_overlay<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(OVERLAY) {
        ok("hide the overlay", window.hide());
    }
}

/// The screen with the pointer, else the one with the phone, else the first.
fn screen_in_use<R: Runtime>(app: &AppHandle<R>) -> Option<Monitor> {
    let at_pointer = app
        .cursor_position()
        .ok()
        .and_then(|at| app.monitor_from_point(at.x, at.y).ok().flatten());
    at_pointer
        .or_else(|| {
            app.get_webview_window(MAIN)
                .and_then(|window| window.current_monitor().ok().flatten())
        })
        .or_else(|| app.primary_monitor().ok().flatten())
}

fn top_right(monitor: &Monitor) -> LogicalPosition<f64> {
    let scale = monitor.scale_factor();
    let area = monitor.work_area();
    let corner = area.position.to_logical::<f64>(scale);
    let size = area.size.to_logical::<f64>(scale);
    beside_the_edge(corner, size)
}

fn beside_the_edge(corner: LogicalPosition<f64>, size: LogicalSize<f64>) -> LogicalPosition<f64> {
    LogicalPosition::new(
        corner.x + (size.width - OVERLAY_SIZE.width - OVERLAY_MARGIN).max(0.0),
        corner.y + OVERLAY_MARGIN,
    )
}

fn ok(what: &str, result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_keeps_inside_its_screen() {
        let at = beside_the_edge(
            LogicalPosition::new(1_920.0, 30.0),
            LogicalSize::new(1_280.0, 800.0),
        );
        assert_eq!(
            at,
            LogicalPosition::new(1_920.0 + 1_280.0 - 380.0 - 16.0, 46.0)
        );
        let narrow = beside_the_edge(
            LogicalPosition::new(0.0, 0.0),
            LogicalSize::new(320.0, 200.0),
        );
        assert_eq!(narrow, LogicalPosition::new(0.0, 16.0));
    }
}
