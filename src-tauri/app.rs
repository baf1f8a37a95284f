//! The windowed program: starts the core, opens the windows, ends properly. Closing hides; only Quit ends.

use std::fs::File;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use call::input::Intent;
use clap::Parser as _;
use tauri::{AppHandle, Manager, RunEvent, Runtime, WindowEvent};
use tauri_plugin_autostart::ManagerExt as _;
use tokio::sync::Notify;
use tracing::level_filters::LevelFilter;

use crate::args::Arguments;
use crate::core::{Core, MAY_QUIT_WITHIN, Purpose};
use crate::desktop::{Desktop, quit_question};
use crate::ipc::commands;
use crate::ipc::desktop::{ScreenName, ShortcutAction};
use crate::pages::Pages;
use crate::profile::Profile;
use crate::signals::Signals;
use crate::windows::PutAway;
use crate::{
    awake, logging, moments, notify, obey, overlay, shortcuts, surroundings, tell, terminal, tray,
    windows,
};

/// Opens the window and stays until it is quit. Answers the exit code.
#[must_use]
pub fn run(profile: &Profile, began: Instant, arguments: &Arguments) -> u8 {
    logging::start(profile, LevelFilter::INFO);
    if !has_display() {
        terminal::complain(
            "There is no display to open a window on (neither WAYLAND_DISPLAY nor DISPLAY is set). The terminal commands work without one: deskline --help.",
        );
        return 1;
    }
    match open(profile, began, arguments) {
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

fn open(profile: &Profile, began: Instant, arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = crate::runtime()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let _inside = runtime.enter();

    let mut builder = tauri::Builder::default()
        .invoke_handler(commands::handler())
        .manage(Pages::new(began))
        .manage(commands::Meters::default())
        .manage(Ending::default())
        .manage(PutAway::new(arguments.forget_window_after))
        .manage(overlay::Overlay::default())
        .manage(notify::Shown::default())
        .manage(tray::Shown::default())
        .plugin(tauri_plugin_notification::init())
        .plugin(
            tauri_plugin_autostart::Builder::new()
                .app_name("Deskline")
                .arg("--hidden")
                .build(),
        );
    if let Some(name) = instance_name(profile) {
        builder = builder.plugin(
            tauri_plugin_single_instance::Builder::new()
                .callback(|app, arguments, _folder| started_again(app, arguments))
                .dbus_id(name)
                .build(),
        );
    }
    // A second start with the same profile ends here: the plugin hands its arguments to the first.
    let app = builder
        .build(context())
        .context("The window cannot be opened")?;
    app.state::<Pages>().reached("toolkit");
    // Not in the set-up hook: what fails there is a panic, and this has something to say.
    set_up(app.handle(), profile, arguments)?;
    app.run(on_event);
    Ok(())
}

fn set_up<R: Runtime>(
    app: &AppHandle<R>,
    profile: &Profile,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    // Held for as long as the program runs. The plugin raises the first window; this also holds where it cannot.
    app.manage(lock(profile)?);
    let (core, shell) = Core::start(profile, Purpose::Desk, arguments.ring_for)?;
    let desktop = Desktop::of(&core);
    app.state::<Pages>().reached("core");
    app.manage(core.clone());
    app.manage(desktop.clone());
    let hidden = arguments.hidden;
    if !hidden {
        windows::open_main(app).context("The window cannot be opened")?;
    }
    for link in &arguments.links {
        desktop.take_link(link, core.region());
    }
    go(obey::follow(app.clone(), core.clone(), shell, hidden));
    go(obey::withdraw(app.clone(), core.clone()));
    go(tell::of_calls(app.clone(), core.clone()));
    go(tell::of_history(app.clone(), core.clone()));
    go(tell::of_desktop(app.clone()));
    go(tell::of_shell(app.clone()));
    go(tell::of_sound(app.clone(), core.clone()));
    go(tell::of_watchers(app.clone(), core.clone()));
    go(tell::of_settings(app.clone(), core.clone()));
    go(tell::of_readiness(app.clone(), core.clone()));
    go(moments::follow(core.view(), desktop.clone()));
    go(awake::follow(core.view(), desktop.view()));
    go(after_first_paint(app.clone(), core, hidden));
    let mut signals = Signals::listen().context("Signals cannot be taken over")?;
    let told = app.clone();
    go(async move {
        signals.next().await;
        quit(&told).await;
    });
    Ok(())
}

fn go(task: impl Future<Output = ()> + Send + 'static) {
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
    tauri::async_runtime::spawn(task);
}

/// Somebody started the program while it runs: with a link, or to see its window.
fn started_again<R: Runtime>(app: &AppHandle<R>, arguments: Vec<String>) {
    // What the second start was told is as hostile as what the first one was.
    let arguments = Arguments::try_parse_from(arguments).ok();
    let hidden = arguments.as_ref().is_some_and(|of| of.hidden);
    if let (Some(arguments), Some(desktop), Some(core)) = (
        arguments,
        app.try_state::<Desktop>(),
        app.try_state::<Core>(),
    ) {
        for link in &arguments.links {
            desktop.take_link(link, core.region());
        }
    }
    if !hidden && app.try_state::<Desktop>().is_some() {
        windows::raise_main(app);
    }
}

#[allow(clippy::wildcard_enum_match_arm)] // the library's list of events grows; a few concern us
fn on_event<R: Runtime>(app: &AppHandle<R>, event: RunEvent) {
    match event {
        RunEvent::Ready => app.state::<Pages>().reached("loop"),
        RunEvent::WindowEvent {
            label,
            event: WindowEvent::CloseRequested { api, .. },
            ..
        } => {
            api.prevent_close();
            if label == windows::MAIN {
                windows::put_main_away(app);
            } else {
                overlay::hide(app);
            }
        }
        RunEvent::WindowEvent {
            label,
            event: WindowEvent::Moved(_),
            ..
        } if overlay::is_overlay(&label) => overlay::moved(app, &label),
        RunEvent::ExitRequested { api, code, .. }
            if !app.state::<Ending>().done.load(Ordering::Acquire) =>
        {
            api.prevent_exit();
            // Without a code the last window went, which is no reason to stop ringing.
            if code.is_some() {
                begin_to_quit(app);
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            let core = app.state::<Core>();
            for url in urls {
                app.state::<Desktop>()
                    .take_link(url.as_str(), core.region());
            }
            windows::raise_main(app);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => windows::raise_main(app),
        _ => {}
    }
}

/// How far the program is with ending.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    begun: AtomicBool,
    done: AtomicBool,
    may_quit: Notify,
}

impl Ending {
    /// Nothing is left to end.
    pub(crate) fn may_quit(&self) {
        self.may_quit.notify_one();
    }
}

/// Quit was chosen outside of the window: says what is lost and waits for a yes. Chosen again while the question stands,
/// it is one: a window that cannot be seen must not keep the program from ending.
pub(crate) fn ask_to_quit<R: Runtime>(app: &AppHandle<R>) {
    let desktop = app.state::<Desktop>();
    let tray = desktop.view().borrow().facts.tray;
    let core = app.state::<Core>();
    let question = quit_question(&core.view().borrow(), tray, core.words());
    if desktop.ask_to_quit(question) {
        windows::raise_main(app);
    } else {
        begin_to_quit(app);
    }
}

/// Ends the program without a question.
pub(crate) fn begin_to_quit<R: Runtime>(app: &AppHandle<R>) {
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
    let Some(ending) = app.try_state::<Ending>() else {
        return;
    };
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

/// What can wait until the person sees something: the overlay's page, the tray, keys.
async fn after_first_paint<R: Runtime>(app: AppHandle<R>, core: Core, hidden: bool) {
    if !hidden {
        app.state::<Pages>().usable().await;
    }
    overlay::prepare(&app);
    notify::listen(&app);
    let desktop = app.state::<Desktop>().inner().clone();
    desktop.found_out(|facts| facts.overlay = !windows::is_wayland());
    go(tray::follow(app.clone(), core));
    go(keep_in_force(app.clone()));
    let buttons = surroundings::notifications_have_buttons().await;
    desktop.found_out(|facts| facts.notification_buttons = buttons);
}

/// What is set about the program and has to be asked of the system: keys, starting with the computer.
async fn keep_in_force<R: Runtime>(app: AppHandle<R>) {
    let desktop = app.state::<Desktop>().inner().clone();
    let mut view = desktop.view();
    let mut before = None;
    loop {
        let now = view.borrow_and_update().settings.clone();
        let shortcuts_changed = before
            .as_ref()
            .map(|of: &crate::ipc::desktop::DesktopSettings| &of.shortcuts)
            != Some(&now.shortcuts);
        let autostart_changed = before.as_ref().map(|of| of.autostart) != Some(now.autostart);
        if shortcuts_changed || autostart_changed {
            let (told, wanted) = (app.clone(), now.clone());
            let work = tauri::async_runtime::spawn_blocking(move || {
                if shortcuts_changed {
                    shortcuts::global::put_in_force(&told, &wanted, key_pressed);
                }
                if autostart_changed {
                    set_autostart(&told, wanted.autostart);
                }
            });
            if let Err(error) = work.await {
                tracing::warn!(%error, "what is set is not in force");
            }
        }
        before = Some(now);
        if view.changed().await.is_err() {
            return;
        }
    }
}

fn set_autostart<R: Runtime>(app: &AppHandle<R>, wanted: bool) {
    let autostart = app.autolaunch();
    let is = autostart.is_enabled().unwrap_or(false);
    let done = match (wanted, is) {
        // Written anew: the program may have moved since.
        (true, _) => autostart.enable(),
        (false, true) => autostart.disable(),
        (false, false) => Ok(()),
    };
    let words = done.err().map(|error| {
        tracing::warn!(%error, "starting with the computer cannot be changed");
        app.state::<Core>().words().no_autostart.to_owned()
    });
    app.state::<Desktop>()
        .found_out(|facts| facts.words = words.into_iter().collect());
}

/// Keys were pressed in any program. Calls are answered and ended by the core; only what needs a window opens one.
fn key_pressed<R: Runtime>(app: &AppHandle<R>, action: ShortcutAction) {
    let core = app.state::<Core>().inner().clone();
    let desktop = app.state::<Desktop>();
    let intent = shortcuts::meaning::intent(action, &core.view().borrow());
    if let Some(intent) = intent {
        tauri::async_runtime::spawn(async move { core.intent(intent).await });
    }
    match action {
        ShortcutAction::Find => {
            desktop.go_to(ScreenName::Find);
            windows::raise_main(app);
        }
        ShortcutAction::Show => windows::raise_main(app),
        ShortcutAction::Answer
        | ShortcutAction::DeclineOrEnd
        | ShortcutAction::Silence
        | ShortcutAction::Mute
        | ShortcutAction::Hold
        | ShortcutAction::Keypad
        | ShortcutAction::Transfer
        | ShortcutAction::AddPerson
        | ShortcutAction::Swap
        | ShortcutAction::Search => {}
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
