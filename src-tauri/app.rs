//! The windowed program: starts the core, opens the windows, passes views on, ends properly.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use call::input::Intent;
use call::output::ShellCommand;
use tauri::{AppHandle, Emitter, Manager, RunEvent, Runtime, WindowEvent};
use tokio::sync::{Notify, mpsc};
use tracing::level_filters::LevelFilter;

use crate::core::{Core, MAY_QUIT_WITHIN, Purpose};
use crate::ipc::sound::SOUND_CHANGED;
use crate::ipc::types::{DEVICES_CHANGED, HISTORY_CHANGED, PHONE_CHANGED};
use crate::ipc::{commands, convert};
use crate::pages::Pages;
use crate::profile::Profile;
use crate::signals::Signals;
use crate::{logging, notify, terminal, windows};

/// Longest wait of the overlay for the main window.
const FIRST_PAINT_WITHIN: Duration = Duration::from_secs(4);

/// Opens the window and stays until it is closed. Answers the exit code.
#[must_use]
pub fn run(profile: &Profile, began: Instant, ring_for: Option<Duration>) -> u8 {
    logging::start(profile, LevelFilter::INFO);
    if !has_display() {
        terminal::complain(
            "There is no display to open a window on (neither WAYLAND_DISPLAY nor DISPLAY is set). The terminal commands work without one: deskline --help.",
        );
        return 1;
    }
    match open(profile, began, ring_for) {
        Ok(()) => 0,
        Err(error) => {
            // Into the file only: people read the plain sentence.
            tracing::error!(target: logging::FILE_ONLY, "{error:#}");
            terminal::complain(&format!("{error:#}"));
            1
        }
    }
}

/// What the program was built from: configuration, icons, pages, and which window may call what.
#[must_use]
pub fn context<R: Runtime>() -> tauri::Context<R> {
    tauri::generate_context!()
}

fn open(profile: &Profile, began: Instant, ring_for: Option<Duration>) -> anyhow::Result<()> {
    let runtime = crate::runtime()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let _inside = runtime.enter();

    let mut builder = tauri::Builder::default()
        .invoke_handler(commands::handler())
        .manage(Pages::new(began))
        .manage(commands::Meters::default())
        .manage(Ending::default())
        .plugin(tauri_plugin_notification::init());
    if let Some(name) = instance_name(profile) {
        builder = builder.plugin(
            tauri_plugin_single_instance::Builder::new()
                .callback(|app, _arguments, _folder| windows::raise_main(app))
                .dbus_id(name)
                .build(),
        );
    }
    // A second start with the same profile ends here: the plugin raises the first window.
    let app = builder
        .build(context())
        .context("The window cannot be opened")?;
    // Not in the set-up hook: what fails there is a panic, and this has something to say.
    set_up(app.handle(), profile, ring_for)?;
    app.run(on_event);
    Ok(())
}

fn set_up<R: Runtime>(
    app: &AppHandle<R>,
    profile: &Profile,
    ring_for: Option<Duration>,
) -> anyhow::Result<()> {
    // Held for as long as the program runs. The plugin raises the first window; this also holds where it cannot.
    app.manage(lock(profile)?);
    let (core, shell) = Core::start(profile, Purpose::Desk, ring_for)?;
    app.manage(core.clone());
    windows::open_main(app).context("The window cannot be opened")?;
    let spawn = tauri::async_runtime::spawn::<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>;
    spawn(Box::pin(obey(app.clone(), core.clone(), shell)));
    spawn(Box::pin(pass_views_on(app.clone(), core.clone())));
    spawn(Box::pin(pass_sound_on(app.clone(), core.clone())));
    spawn(Box::pin(tell_of_history(app.clone(), core)));
    spawn(Box::pin(after_first_paint(app.clone())));
    let mut signals = Signals::listen().context("Signals cannot be taken over")?;
    let told = app.clone();
    spawn(Box::pin(async move {
        signals.next().await;
        quit(&told).await;
    }));
    Ok(())
}

#[allow(clippy::wildcard_enum_match_arm)] // the library's list of events grows; two concern us
fn on_event<R: Runtime>(app: &AppHandle<R>, event: RunEvent) {
    match event {
        RunEvent::WindowEvent {
            label,
            event: WindowEvent::CloseRequested { api, .. },
            ..
        } => {
            api.prevent_close();
            if label == windows::MAIN {
                begin_to_quit(app);
            } else {
                windows::hide_overlay(app);
            }
        }
        RunEvent::ExitRequested { api, .. }
            if !app.state::<Ending>().done.load(Ordering::Acquire) =>
        {
            api.prevent_exit();
            begin_to_quit(app);
        }
        _ => {}
    }
}

/// How far the program is with ending.
#[derive(Debug, Default)]
struct Ending {
    begun: AtomicBool,
    done: AtomicBool,
    may_quit: Notify,
}

fn begin_to_quit<R: Runtime>(app: &AppHandle<R>) {
    // The window goes at once; what takes time is the call behind it.
    if let Some(window) = app.get_webview_window(windows::MAIN)
        && let Err(error) = window.hide()
    {
        tracing::debug!(%error, "the window stays until the end");
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move { quit(&app).await });
}

/// Ends what was placed or answered, waits until that is done, but not for ever, and ends the program.
async fn quit<R: Runtime>(app: &AppHandle<R>) {
    let ending = app.state::<Ending>();
    if ending.begun.swap(true, Ordering::AcqRel) {
        return;
    }
    let core = app.state::<Core>();
    core.intent(Intent::Quit).await;
    if tokio::time::timeout(MAY_QUIT_WITHIN, ending.may_quit.notified())
        .await
        .is_err()
    {
        tracing::warn!("the call did not end in time; the next start looks after it");
    }
    core.close().await;
    ending.done.store(true, Ordering::Release);
    app.exit(0);
}

/// Does what the phone asks of windows and notifications.
async fn obey<R: Runtime>(app: AppHandle<R>, core: Core, mut shell: mpsc::Receiver<ShellCommand>) {
    // A second web view that is made while the first one loads can hold its first requests up. Whoever calls in that
    // moment is heard ringing already.
    let pages = app.state::<Pages>();
    if tokio::time::timeout(FIRST_PAINT_WITHIN, pages.usable())
        .await
        .is_err()
    {
        tracing::warn!("the window takes long to appear");
    }
    while let Some(command) = shell.recv().await {
        match command {
            ShellCommand::ShowOverlay => windows::show_overlay(&app).await,
            ShellCommand::HideOverlay => windows::hide_overlay(&app),
            ShellCommand::NotifyIncoming { call } => {
                notify::incoming(&app, &core.view().borrow(), &call)
            }
            ShellCommand::NotifyMissed { call } => {
                notify::missed(&app, &core.view().borrow(), &call)
            }
            // The view carries a notice with the same words.
            ShellCommand::Refused { .. } => {}
            ShellCommand::MayQuit => app.state::<Ending>().may_quit.notify_one(),
        }
    }
}

async fn pass_views_on<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.view();
    while view.changed().await.is_ok() {
        let now = convert::phone(&Arc::clone(&view.borrow_and_update()), core.region());
        emit(&app, PHONE_CHANGED, now);
    }
}

/// What there is to see of the sound. Whoever shows a list of devices is told with it.
async fn pass_sound_on<R: Runtime>(app: AppHandle<R>, core: Core) {
    let mut view = core.sound_view();
    let mut named = None;
    while view.changed().await.is_ok() {
        let now = view.borrow_and_update().clone();
        let names = Some((now.microphones.clone(), now.speakers.clone()));
        if names != named {
            named = names;
            emit(&app, DEVICES_CHANGED, ());
        }
        emit(&app, SOUND_CHANGED, now);
    }
}

async fn tell_of_history<R: Runtime>(app: AppHandle<R>, core: Core) {
    let Some(mut changes) = core.history_changes() else {
        return;
    };
    while changes.changed().await.is_ok() {
        emit(&app, HISTORY_CHANGED, ());
    }
}

/// What can wait until the person sees something: the overlay's page.
async fn after_first_paint<R: Runtime>(app: AppHandle<R>) {
    app.state::<Pages>().usable().await;
    windows::prepare_overlay(&app);
}

fn emit<R: Runtime, T: serde::Serialize + Clone>(app: &AppHandle<R>, event: &str, payload: T) {
    if let Err(error) = app.emit(event, payload) {
        tracing::warn!(%error, event, "the windows cannot be told");
    }
}

/// The one window of a profile.
#[derive(Debug)]
struct WindowLock {
    _held: File,
}

fn lock(profile: &Profile) -> anyhow::Result<WindowLock> {
    let path = profile.path().join("window.lock");
    let file =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(WindowLock { _held: file }),
        Err(std::fs::TryLockError::WouldBlock) => anyhow::bail!(
            "Deskline is already open with this profile. Use its window, or choose another profile with --profile DIR."
        ),
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::debug!(%error, "this file system knows no locks");
            Ok(WindowLock { _held: file })
        }
    }
}

/// A name for the program that is its own in each profile, so that two profiles may be open at once. Where only one
/// name is possible the default profile has it, and the others do without being raised.
fn instance_name(profile: &Profile) -> Option<String> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    const NAME: &str = "com.deskline.desktop";
    if profile.is_default() {
        return Some(NAME.to_owned());
    }
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    profile.path().hash(&mut hasher);
    Some(format!("{NAME}.profile_{:016x}", hasher.finish()))
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_one_window() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(folder.path())).unwrap();
        let first = lock(&profile).unwrap();
        let refused = lock(&profile).unwrap_err().to_string();
        assert!(refused.contains("already open"), "{refused}");
        drop(first);
        lock(&profile).unwrap();
    }

    #[test]
    fn two_profiles_have_two_names() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = |folder: &tempfile::TempDir| {
            instance_name(&Profile::open(Some(folder.path())).unwrap())
        };
        assert_ne!(name(&one), name(&two));
        assert_eq!(name(&one), name(&one));
    }
}
