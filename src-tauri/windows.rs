//! The main window: made, raised, put away, forgotten when it is not looked at for long, made anew.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tauri::{
    AppHandle, LogicalSize, Manager, Runtime, Theme, UserAttentionType, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};
use tokio::task::AbortHandle;

use crate::desktop::Desktop;
use crate::ipc::desktop::ThemeSetting;
use crate::pages::Pages;
use crate::{first_picture, web_views};

/// Label of the phone.
pub(crate) const MAIN: &str = "main";
/// Label of the overlay; those on further screens have a number behind it.
pub(crate) const OVERLAY: &str = "overlay";

/// Sizes in logical pixels: the window, and the least it can be made.
const WHOLE: (LogicalSize<f64>, LogicalSize<f64>) = (
    LogicalSize::new(960.0, 640.0),
    LogicalSize::new(480.0, 320.0),
);
/// The same of the compact one.
const COMPACT: (LogicalSize<f64>, LogicalSize<f64>) = (
    LogicalSize::new(340.0, 560.0),
    LogicalSize::new(320.0, 320.0),
);
/// How long a window that nobody sees is kept in memory.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// What becomes of a main window that is put away.
#[derive(Debug)]
pub struct PutAway {
    kept_for: Duration,
    /// The wait after which it is forgotten.
    wait: Mutex<Option<AbortHandle>>,
}

impl PutAway {
    /// `kept_for`: how long a window that nobody sees is kept in memory; `None`: ten minutes.
    #[must_use]
    pub fn new(kept_for: Option<Duration>) -> Self {
        Self {
            kept_for: kept_for.unwrap_or(KEPT_FOR),
            wait: Mutex::new(None),
        }
    }

    fn seen_again(&self) {
        let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = wait.take() {
            wait.abort();
        }
    }

    fn begin<R: Runtime>(&self, app: &AppHandle<R>) {
        let (told, after) = (app.clone(), self.kept_for);
        let task = tauri::async_runtime::spawn(async move {
            tokio::time::sleep(after).await;
            forget(&told);
        });
        let handle = task.inner().abort_handle();
        let mut wait = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = wait.replace(handle) {
            before.abort();
        }
    }
}

/// Opens the phone.
///
/// # Errors
/// No web view.
pub(crate) fn open_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    let window = web_views::build(app, |app| {
        let desktop = app.state::<Desktop>();
        let compact = desktop.shell().borrow().compact;
        let (size, least) = if compact { COMPACT } else { WHOLE };
        let described = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()));
        described
            .title("Deskline")
            .inner_size(size.width, size.height)
            .min_inner_size(least.width, least.height)
            .theme(theme(desktop.settings().theme))
            .initialization_script(look_script(&desktop))
            .initialization_script(first_picture::script(app))
            // The page takes dropped files itself: with the shell's handler it would never see them.
            .disable_drag_drop_handler()
    })?;
    app.state::<Pages>().reached("window");
    come_back_after_a_crash(&window);
    Ok(window)
}

fn open_again<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    app.state::<Pages>().main_again();
    open_main(app)
}

/// What every page finds before it paints: without it the first picture would be in the wrong colours.
pub(crate) fn look_script(desktop: &Desktop) -> String {
    // JSON is JavaScript; the two line separators that once were not are no matter in a script of its own.
    let look = serde_json::to_string(&desktop.look()).unwrap_or_else(|_| "null".to_owned());
    format!("window.__DESKLINE_LOOK__ = {look};")
}

/// As the toolkit takes it.
pub(crate) fn theme(setting: ThemeSetting) -> Option<Theme> {
    match setting {
        ThemeSetting::System => None,
        ThemeSetting::Light => Some(Theme::Light),
        ThemeSetting::Dark => Some(Theme::Dark),
    }
}

/// Brings the phone to the front, and makes it where there is none.
pub(crate) fn raise_main<R: Runtime>(app: &AppHandle<R>) {
    app.state::<PutAway>().seen_again();
    let window = match app.get_webview_window(MAIN) {
        Some(window) => window,
        None => match open_again(app) {
            Ok(window) => window,
            Err(error) => {
                tracing::error!(%error, "the window cannot be opened");
                return;
            }
        },
    };
    ok("raise", window.unminimize());
    ok("raise", window.show());
    ok("raise", window.set_focus());
    if is_wayland() {
        // Wayland lets no program raise itself: the task bar says that it wants to be looked at.
        call_for_attention(&window);
    }
}

/// Makes the task bar say that the phone wants to be looked at.
pub(crate) fn call_for_attention<R: Runtime>(window: &WebviewWindow<R>) {
    ok(
        "call for attention",
        window.request_user_attention(Some(UserAttentionType::Critical)),
    );
}

/// The person closed the phone. With a tray it is hidden, and forgotten when it stays so; without one it must not vanish,
/// since nothing would bring it back: it goes into the task bar.
pub(crate) fn put_main_away<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window(MAIN) else {
        return;
    };
    if app.state::<Desktop>().view().borrow().facts.tray {
        ok("hide", window.hide());
        app.state::<PutAway>().begin(app);
    } else {
        ok("minimise", window.minimize());
    }
}

/// The tray went away. A window that is hidden comes back into the task bar, or it could not be reached any more.
pub(crate) fn tray_is_gone<R: Runtime>(app: &AppHandle<R>) {
    match app.get_webview_window(MAIN) {
        Some(window) if window.is_visible().unwrap_or(true) => {}
        Some(_) | None => {
            raise_main(app);
            if let Some(window) = app.get_webview_window(MAIN) {
                ok("minimise", window.minimize());
            }
        }
    }
}

/// Gives the memory of a window that nobody has seen for long back. The overlay stays as it is.
fn forget<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN)
        && !window.is_visible().unwrap_or(true)
    {
        tracing::info!("the hidden window is forgotten");
        ok("forget the window", window.destroy());
    }
}

/// The compact window instead of the whole one, or back.
pub(crate) fn set_compact<R: Runtime>(app: &AppHandle<R>, compact: bool) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let (size, least) = if compact { COMPACT } else { WHOLE };
        ok("leave full size", window.unmaximize());
        ok("let it shrink", window.set_min_size(Some(least)));
        ok("resize", window.set_size(size));
    }
}

/// Does a window talk to a Wayland compositor, which places and raises windows as it likes?
pub(crate) fn is_wayland() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let backend = set("GDK_BACKEND")
        .is_some_and(|backend| backend.to_string_lossy().split(',').next() != Some("wayland"));
    cfg!(target_os = "linux") && set("WAYLAND_DISPLAY").is_some() && !backend
}

/// A page whose process was killed is loaded again: calls went on without it, and the new page asks for everything.
pub(crate) fn come_back_after_a_crash<R: Runtime>(window: &WebviewWindow<R>) {
    #[cfg(target_os = "linux")]
    {
        use webkit2gtk::WebViewExt as _;
        let app = window.app_handle().clone();
        let hooked = window.with_webview(move |page| {
            page.inner()
                .connect_web_process_terminated(move |page, reason| {
                    tracing::warn!(?reason, "a page went away; it is loaded again");
                    app.state::<Pages>().main_again();
                    page.reload();
                });
        });
        ok("watch the page", hooked);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = window;
}

pub(crate) fn ok(what: &str, result: tauri::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what}");
    }
}
