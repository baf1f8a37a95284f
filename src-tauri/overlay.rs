//! The overlay: who calls, above other windows, without taking the keyboard. Loaded before it is needed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tauri::{
    AppHandle, LogicalPosition, LogicalSize, Manager, Monitor, Runtime, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::OverlayScreens;
use crate::pages::Pages;
use crate::web_views;
use crate::windows::{self, MAIN, OVERLAY, ok};

/// Size of the overlay in logical pixels.
const SIZE: LogicalSize<f64> = LogicalSize::new(380.0, 200.0);
/// Its distance from the edges of the work area.
const MARGIN: f64 = 16.0;
/// How long the overlay waits for its page, so that it is not shown empty.
const RUNS_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to stand on the screen.
const SHOWN_WITHIN: Duration = Duration::from_millis(500);
/// More screens than anybody has.
const MOST_SCREENS: usize = 8;

/// Where the overlay stands: how far from the nearest corner of the work area, so that it keeps that corner on a screen
/// of another size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Corner {
    right: bool,
    bottom: bool,
    from_side: f64,
    from_end: f64,
}

impl Default for Corner {
    fn default() -> Self {
        Self {
            right: true,
            bottom: false,
            from_side: MARGIN,
            from_end: MARGIN,
        }
    }
}

/// The part of a screen that windows may use, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Area {
    at: LogicalPosition<f64>,
    size: LogicalSize<f64>,
}

impl Area {
    fn of(monitor: &Monitor) -> Self {
        let scale = monitor.scale_factor();
        let area = monitor.work_area();
        Self {
            at: area.position.to_logical(scale),
            size: area.size.to_logical(scale),
        }
    }

    fn room(self) -> (f64, f64) {
        (
            (self.size.width - SIZE.width).max(0.0),
            (self.size.height - SIZE.height).max(0.0),
        )
    }
}

impl Corner {
    /// The corner of a place that somebody dragged it to.
    fn of(at: LogicalPosition<f64>, area: Area) -> Self {
        let (width, height) = area.room();
        let (x, y) = (
            (at.x - area.at.x).clamp(0.0, width),
            (at.y - area.at.y).clamp(0.0, height),
        );
        let (right, bottom) = (x > width / 2.0, y > height / 2.0);
        Self {
            right,
            bottom,
            from_side: if right { width - x } else { x },
            from_end: if bottom { height - y } else { y },
        }
    }

    /// The place on a screen, always inside of it.
    fn on(self, area: Area) -> LogicalPosition<f64> {
        let (width, height) = area.room();
        let along = |room: f64, far: bool, from: f64| {
            // What was read from a file may be anything.
            let from = if from.is_finite() { from } else { MARGIN };
            let from = from.clamp(0.0, room);
            if far { room - from } else { from }
        };
        LogicalPosition::new(
            area.at.x + along(width, self.right, self.from_side),
            area.at.y + along(height, self.bottom, self.from_end),
        )
    }
}

/// What is remembered of it while the program runs.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    corner: Mutex<Option<Corner>>,
    /// Where we put it ourselves: a move to there was nobody's.
    put: Mutex<Option<LogicalPosition<f64>>>,
}

/// Loads the overlay without showing it, so that it appears at once when somebody calls.
pub(crate) fn prepare<R: Runtime>(app: &AppHandle<R>) -> Option<WebviewWindow<R>> {
    window(app, OVERLAY)
}

fn window<R: Runtime>(app: &AppHandle<R>, label: &str) -> Option<WebviewWindow<R>> {
    if let Some(window) = app.get_webview_window(label) {
        return Some(window);
    }
    let named = label.to_owned();
    let built = web_views::build(app, move |app| {
        let desktop = app.state::<Desktop>();
        let page = WebviewUrl::App("index.html#/overlay".into());
        // Never focusable: it must not take the keyboard from what the person is doing; clicks work all the same. Not
        // resizable: on Linux a frameless window that is takes presses near its edges for itself, and now and then, when
        // the toolkit has not learned yet where the window stands, presses anywhere. 200 is the least height GTK gives
        // such one.
        WebviewWindowBuilder::new(app, named, page)
            .title(app.state::<Core>().words().incoming_call)
            .inner_size(SIZE.width, SIZE.height)
            .resizable(false)
            .decorations(false)
            .always_on_top(true)
            .visible_on_all_workspaces(true)
            .skip_taskbar(true)
            .focusable(false)
            .focused(false)
            .visible(false)
            .theme(windows::theme(desktop.settings().theme))
            .initialization_script(windows::look_script(&desktop))
    });
    match built {
        Ok(window) => {
            windows::come_back_after_a_crash(&window);
            Some(window)
        }
        Err(error) => {
            tracing::error!(%error, "the overlay cannot be opened; calls ring in the main window only");
            None
        }
    }
}

/// Shows the overlay in its corner of the screen in use, or of every screen. Is it certain that it is seen? Where it is
/// not, the main window is raised and a notification has to say who calls.
pub(crate) async fn show<R: Runtime>(app: &AppHandle<R>) -> bool {
    if windows::is_wayland() {
        // A Wayland compositor places windows where it likes, keeps none above others and gives the new one the keyboard.
        windows::raise_main(app);
        app.state::<Desktop>()
            .found_out(|facts| facts.overlay = false);
        return false;
    }
    let Some(first) = prepare(app) else {
        windows::raise_main(app);
        return false;
    };
    let pages = app.state::<Pages>();
    if tokio::time::timeout(RUNS_WITHIN, pages.overlay_runs())
        .await
        .is_err()
    {
        tracing::warn!("the overlay is shown before its page runs");
    }
    let corner = corner(app).await;
    let areas = areas(app);
    let mut shown = Vec::new();
    for (index, area) in areas.iter().take(MOST_SCREENS).enumerate() {
        let one = if index == 0 {
            Some(first.clone())
        } else {
            window(app, &format!("{OVERLAY}-{index}"))
        };
        if let Some(one) = one {
            let at = corner.on(*area);
            if index == 0 {
                *app.state::<Overlay>()
                    .put
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(at);
            }
            ok("place the overlay", one.set_position(at));
            ok("show the overlay", one.show());
            shown.push(one);
        }
    }
    if areas.is_empty() {
        ok("show the overlay", first.show());
    }
    pages.ring_reached("shown");
    let seen = stands(&first).await;
    pages.ring_reached("stands");
    #[cfg(target_os = "linux")]
    drop(
        // The answer of the X server is nobody's to wait for: the overlay is there.
        tauri::async_runtime::spawn_blocking(move || {
            for one in shown {
                crate::above::full_screen(&one);
            }
        }),
    );
    if !seen {
        tracing::warn!("the overlay does not appear; the main window is raised");
        windows::raise_main(app);
    }
    app.state::<Desktop>()
        .found_out(|facts| facts.overlay = seen);
    seen
}

/// Is it on the screen? The system maps a window a moment after it was asked to.
async fn stands<R: Runtime>(window: &WebviewWindow<R>) -> bool {
    let looking = async {
        while !window.is_visible().unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SHOWN_WITHIN, looking).await.is_ok()
}

/// Puts the overlay away, on every screen.
pub(crate) fn hide<R: Runtime>(app: &AppHandle<R>) {
    for (label, window) in app.webview_windows() {
        if is_overlay(&label) {
            ok("hide the overlay", window.hide());
        }
    }
}

/// Is this the label of an overlay?
pub(crate) fn is_overlay(label: &str) -> bool {
    label.starts_with(OVERLAY)
}

/// Somebody dragged it: it keeps the corner, over restarts too.
pub(crate) fn moved<R: Runtime>(app: &AppHandle<R>, label: &str) {
    let Some(window) = app.get_webview_window(label).filter(|_| label == OVERLAY) else {
        return;
    };
    let (Ok(at), Ok(scale), Ok(true)) = (
        window.outer_position(),
        window.scale_factor(),
        window.is_visible(),
    ) else {
        return;
    };
    let at = at.to_logical::<f64>(scale);
    let state = app.state::<Overlay>();
    let put = *state.put.lock().unwrap_or_else(PoisonError::into_inner);
    let near = |put: LogicalPosition<f64>| (put.x - at.x).abs() < 2.0 && (put.y - at.y).abs() < 2.0;
    if put.is_none_or(near) {
        return;
    }
    let Some(monitor) = window.current_monitor().ok().flatten() else {
        return;
    };
    let corner = Corner::of(at, Area::of(&monitor));
    *state.corner.lock().unwrap_or_else(PoisonError::into_inner) = Some(corner);
    let desktop = app.state::<Desktop>().inner().clone();
    tauri::async_runtime::spawn(async move { desktop.keep_corner(corner).await });
}

async fn corner<R: Runtime>(app: &AppHandle<R>) -> Corner {
    let state = app.state::<Overlay>();
    let known = *state.corner.lock().unwrap_or_else(PoisonError::into_inner);
    match known {
        Some(corner) => corner,
        None => {
            let kept = app.state::<Desktop>().corner().await.unwrap_or_default();
            *state.corner.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
            kept
        }
    }
}

/// The screens to appear on, the one in use first.
fn areas<R: Runtime>(app: &AppHandle<R>) -> Vec<Area> {
    let in_use = screen_in_use(app);
    let mut areas: Vec<Area> = in_use.iter().map(Area::of).collect();
    if app.state::<Desktop>().settings().overlay_on == OverlayScreens::Every {
        for monitor in app.available_monitors().unwrap_or_default() {
            let area = Area::of(&monitor);
            if !areas.contains(&area) {
                areas.push(area);
            }
        }
    }
    areas
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

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: f64, y: f64, width: f64, height: f64) -> Area {
        Area {
            at: LogicalPosition::new(x, y),
            size: LogicalSize::new(width, height),
        }
    }

    #[test]
    fn it_begins_at_the_top_right_and_keeps_inside_its_screen() {
        let wide = area(1_920.0, 30.0, 1_280.0, 800.0);
        let at = Corner::default().on(wide);
        assert_eq!(
            at,
            LogicalPosition::new(1_920.0 + 1_280.0 - 380.0 - 16.0, 46.0)
        );
        let narrow = area(0.0, 0.0, 320.0, 180.0);
        assert_eq!(Corner::default().on(narrow), LogicalPosition::new(0.0, 0.0));
    }

    #[test]
    fn a_dragged_one_keeps_its_corner_on_a_screen_of_another_size() {
        let before = area(0.0, 0.0, 1_280.0, 800.0);
        let after = area(1_280.0, 0.0, 1_920.0, 1_080.0);
        // near the bottom left
        let corner = Corner::of(LogicalPosition::new(40.0, 580.0), before);
        assert_eq!(corner.on(before), LogicalPosition::new(40.0, 580.0));
        assert_eq!(
            corner.on(after),
            LogicalPosition::new(1_320.0, 1_080.0 - 220.0)
        );
        // half outside of the screen
        let corner = Corner::of(LogicalPosition::new(5_000.0, -60.0), before);
        assert_eq!(corner.on(before), LogicalPosition::new(900.0, 0.0));
    }

    #[test]
    fn what_was_kept_may_be_anything() {
        let screen = area(0.0, 0.0, 1_280.0, 800.0);
        for from in [f64::NAN, f64::INFINITY, -1e300, 1e300] {
            let corner = Corner {
                from_side: from,
                from_end: from,
                ..Corner::default()
            };
            let at = corner.on(screen);
            assert!(
                (0.0..=900.0).contains(&at.x) && (0.0..=600.0).contains(&at.y),
                "{at:?}"
            );
        }
    }

    #[test]
    fn the_overlays_are_told_from_other_windows() {
        assert!(is_overlay("overlay") && is_overlay("overlay-1") && !is_overlay("main"));
    }
}
