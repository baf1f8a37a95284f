//! What the program remembers about itself on this computer, and what the shell has to say to the main window. Whole
//! views with a revision, as everywhere.

use std::sync::{Arc, Mutex, PoisonError};

use call::number::Region;
use call::view::PhoneView;
use history::Store;
use tokio::sync::watch;

use crate::core::{Core, blocking};
use crate::ipc::desktop::{
    DesktopFacts, DesktopSettings, DesktopView, FirstRunStep, FirstRunView, GoToView, LookView,
    PrefillView, QuitView, ReadinessView, ScreenName, ShellView, ShortcutAction,
};
use crate::ipc::types::IpcError;
use crate::words::{Language, Words, fill};
use crate::{hooks, links, readiness, shortcuts};

/// Setting: everything in [`DesktopSettings`], as JSON.
const SETTINGS: &str = "desktop.settings";
/// Setting: how far the first run is, as JSON.
const FIRST_RUN: &str = "desktop.first_run";
/// Setting: was the window the compact one?
const COMPACT: &str = "desktop.compact";
/// Setting: where the overlay was dragged to, as JSON.
const CORNER: &str = "desktop.overlay_corner";
/// Longest language tag (BCP 47 knows none that is longer and in use).
const LONGEST_TAG: usize = 35;
/// Most hooks.
const MOST_HOOKS: usize = 20;

impl Default for DesktopSettings {
    fn default() -> Self {
        Self {
            theme: Default::default(),
            language: String::new(),
            autostart: false,
            overlay_on: Default::default(),
            caller_on_locked_screen: false,
            notifications: true,
            ring_in_focus: true,
            keep_awake: true,
            single_letters: true,
            start_compact: false,
            shortcuts: shortcuts::defaults(),
            hooks: Vec::new(),
        }
    }
}

/// The program on this computer. Cheap to clone; every clone is the same.
#[derive(Debug, Clone)]
pub struct Desktop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    core: Core,
    store: Result<Store, IpcError>,
    desktop: watch::Sender<DesktopView>,
    shell: watch::Sender<ShellView>,
    readiness: watch::Sender<ReadinessView>,
    /// Counts prefills and asked-for screens.
    asked: Mutex<u32>,
}

impl Desktop {
    /// What was kept of it in the profile of this phone.
    #[must_use]
    pub fn of(core: &Core) -> Self {
        let store = core.store();
        let settings = store.as_ref().ok().and_then(load).unwrap_or_default();
        let compact = settings.start_compact
            || store
                .as_ref()
                .is_ok_and(|store| kept::<bool>(store, COMPACT).unwrap_or_default());
        core.speak(Language::of_setting(&settings.language));
        Self(Arc::new(Inner {
            core: core.clone(),
            store,
            desktop: watch::Sender::new(DesktopView {
                rev: 1,
                settings,
                defaults: DesktopSettings::default(),
                facts: DesktopFacts::default(),
            }),
            shell: watch::Sender::new(ShellView {
                rev: 1,
                compact,
                ..ShellView::default()
            }),
            readiness: watch::Sender::new(readiness::unknown(core.words())),
            asked: Mutex::new(0),
        }))
    }

    /// What is set, and what the computer allows.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<DesktopView> {
        self.0.desktop.subscribe()
    }

    /// What is set.
    #[must_use]
    pub fn settings(&self) -> DesktopSettings {
        self.0.desktop.borrow().settings.clone()
    }

    /// What the shell has to say to the main window.
    #[must_use]
    pub fn shell(&self) -> watch::Receiver<ShellView> {
        self.0.shell.subscribe()
    }

    /// Will this desk ring?
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<ReadinessView> {
        self.0.readiness.subscribe()
    }

    pub(crate) fn tell_readiness(&self, change: impl FnOnce(&mut ReadinessView)) {
        self.0.readiness.send_if_modified(|view| {
            let before = view.clone();
            change(view);
            let changed = *view != before;
            view.rev = before.rev + u64::from(changed);
            changed
        });
    }

    /// Keeps settings and puts them in force.
    ///
    /// # Errors
    /// One is wrong (nothing was changed), or they cannot be kept.
    pub async fn set(&self, settings: DesktopSettings) -> Result<DesktopView, IpcError> {
        let settings = checked(settings)?;
        let store = self.0.store.clone()?;
        let kept = settings.clone();
        blocking(move || keep(&store, SETTINGS, &kept)).await?;
        self.0.core.speak(Language::of_setting(&settings.language));
        self.change(|view| view.settings = settings);
        Ok(self.0.desktop.borrow().clone())
    }

    /// Something was found out about this computer.
    pub(crate) fn found_out(&self, change: impl FnOnce(&mut DesktopFacts)) {
        self.change(|view| change(&mut view.facts));
    }

    fn change(&self, change: impl FnOnce(&mut DesktopView)) {
        self.0.desktop.send_if_modified(|view| {
            let before = view.clone();
            change(view);
            let changed = *view != before;
            view.rev += u64::from(changed);
            changed
        });
    }

    /// What every window needs before its first paint.
    #[must_use]
    pub fn look(&self) -> LookView {
        let view = self.0.desktop.borrow();
        let accepted = |action: ShortcutAction| {
            let refused = view.facts.troubles.iter().any(|of| of.action == action);
            let one = view
                .settings
                .shortcuts
                .iter()
                .find(|of| of.action == action);
            one.and_then(|of| of.global.clone())
                .filter(|_| view.facts.global_keys && !refused)
        };
        LookView {
            theme: view.settings.theme,
            language: view.settings.language.clone(),
            answer_keys: accepted(ShortcutAction::Answer),
            decline_keys: accepted(ShortcutAction::DeclineOrEnd),
        }
    }

    /// A link was pressed in another program. Its number is filled in and waits; nothing is dialled.
    pub fn take_link(&self, link: &str, region: Region) {
        let words = self.0.core.words();
        let prefill = match links::parse(link, region) {
            Ok(link) => PrefillView {
                id: 0,
                words: if link.service_code {
                    fill(words.from_a_link_code, &[("code", &link.shown)])
                } else {
                    words.from_a_link.to_owned()
                },
                number: link.number,
                number_shown: link.shown,
                keys: link.keys,
                service_code: link.service_code,
            },
            Err(why) => PrefillView {
                id: 0,
                number: String::new(),
                number_shown: String::new(),
                keys: None,
                service_code: false,
                words: why.to_string(),
            },
        };
        let id = self.next();
        self.tell(|shell| shell.prefill = Some(PrefillView { id, ..prefill }));
    }

    /// The window has taken a prefill over, or the person does not want it.
    pub(crate) fn prefill_done(&self, id: u32) {
        self.tell(|shell| {
            if shell.prefill.as_ref().is_some_and(|of| of.id == id) {
                shell.prefill = None;
            }
        });
    }

    /// Somebody wants to see a screen.
    pub(crate) fn go_to(&self, screen: ScreenName) {
        let id = self.next();
        self.tell(|shell| shell.go_to = Some(GoToView { id, screen }));
    }

    /// The window shows it.
    pub(crate) fn go_to_done(&self, id: u32) {
        self.tell(|shell| {
            if shell.go_to.is_some_and(|of| of.id == id) {
                shell.go_to = None;
            }
        });
    }

    /// Asks whether to quit; false if the question stands already.
    pub(crate) fn ask_to_quit(&self, question: QuitView) -> bool {
        let mut fresh = false;
        self.tell(|shell| {
            fresh = shell.quit.is_none();
            shell.quit = Some(question);
        });
        fresh
    }

    /// The person stays.
    pub(crate) fn stay(&self) {
        self.tell(|shell| shell.quit = None);
    }

    /// The window is the compact one, or no longer; kept for the next start.
    pub(crate) async fn set_compact(&self, compact: bool) {
        self.tell(|shell| shell.compact = compact);
        if let Ok(store) = self.0.store.clone() {
            let kept = blocking(move || keep(&store, COMPACT, &compact)).await;
            if let Err(error) = kept {
                tracing::warn!(code = error.code, "the kind of window is not kept");
            }
        }
    }

    fn tell(&self, change: impl FnOnce(&mut ShellView)) {
        self.0.shell.send_if_modified(|shell| {
            let before = shell.clone();
            change(shell);
            let changed = *shell != before;
            shell.rev += u64::from(changed);
            changed
        });
    }

    fn next(&self) -> u32 {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = asked.wrapping_add(1);
        *asked
    }

    /// How far the first run is. Whoever has an account and never saw it needs none.
    ///
    /// # Errors
    /// The profile cannot be read.
    pub async fn first_run(&self, has_account: bool) -> Result<FirstRunView, IpcError> {
        let desktop = self.clone();
        blocking(move || desktop.first_run_now(has_account)).await
    }

    /// The same at once; reads the disk.
    ///
    /// # Errors
    /// The profile cannot be opened.
    pub(crate) fn first_run_now(&self, has_account: bool) -> Result<FirstRunView, IpcError> {
        let store = self.0.store.as_ref().map_err(Clone::clone)?;
        Ok(kept(store, FIRST_RUN).unwrap_or(FirstRunView {
            done: has_account,
            step: FirstRunStep::default(),
        }))
    }

    /// Keeps how far it is.
    ///
    /// # Errors
    /// The profile cannot be written.
    pub async fn set_first_run(&self, view: FirstRunView) -> Result<(), IpcError> {
        let store = self.0.store.clone()?;
        blocking(move || keep(&store, FIRST_RUN, &view)).await
    }

    /// Where the overlay was dragged to.
    pub(crate) async fn corner<T>(&self) -> Option<T>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let store = self.0.store.clone().ok()?;
        blocking(move || Ok(kept::<T>(&store, CORNER))).await.ok()?
    }

    /// Keeps where the overlay was dragged to.
    pub(crate) async fn keep_corner<T>(&self, corner: T)
    where
        T: serde::Serialize + Send + 'static,
    {
        if let Ok(store) = self.0.store.clone()
            && let Err(error) = blocking(move || keep(&store, CORNER, &corner)).await
        {
            tracing::warn!(code = error.code, "the place of the overlay is not kept");
        }
    }
}

/// The question that Quit asks: what is lost, and what closing the window would do instead.
pub(crate) fn quit_question(phone: &PhoneView, tray: bool, words: &Words) -> QuitView {
    let stays = if tray {
        words.stays_in_tray
    } else {
        words.stays_in_task_bar
    };
    let detail = |text| fill(text, &[("stays", stays)]);
    let open: Vec<_> = phone
        .calls
        .iter()
        .filter(|call| call.state != call::state::CallState::Ended)
        .collect();
    match open.as_slice() {
        [] => QuitView {
            title: words.quit_and_miss.into(),
            detail: detail(words.quit_and_miss_detail),
            stay: if tray {
                words.keep_in_tray
            } else {
                words.keep_open
            }
            .into(),
            quit: words.quit_button.into(),
        },
        [one] => {
            let who = one.name.clone().unwrap_or_else(|| {
                if one.number.is_empty() {
                    words.the_private_number.to_owned()
                } else {
                    one.number_shown.clone()
                }
            });
            QuitView {
                title: fill(words.quit_and_end_one, &[("who", &who)]),
                detail: detail(words.quit_and_end_one_detail),
                stay: words.stay_on_call.into(),
                quit: words.end_and_quit.into(),
            }
        }
        several => QuitView {
            title: fill(
                words.quit_and_end_many,
                &[("count", &several.len().to_string())],
            ),
            detail: detail(words.quit_and_end_many_detail),
            stay: words.stay_on_calls.into(),
            quit: words.end_and_quit.into(),
        },
    }
}

fn checked(mut settings: DesktopSettings) -> Result<DesktopSettings, IpcError> {
    let tag = &settings.language;
    if tag.len() > LONGEST_TAG || !tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(IpcError::new(
            "bad_setting",
            "This is no language. Choose one from the list.",
        ));
    }
    settings.shortcuts = shortcuts::checked(&settings.shortcuts)?;
    if settings.hooks.len() > MOST_HOOKS {
        return Err(IpcError::new(
            "bad_setting",
            format!("There can be {MOST_HOOKS} hooks at most. Remove one first."),
        ));
    }
    for hook in &settings.hooks {
        hooks::check(&hook.action)?;
    }
    Ok(settings)
}

/// What was kept; what cannot be read, or is no longer right, is as if never set.
fn load(store: &Store) -> Option<DesktopSettings> {
    checked(kept(store, SETTINGS)?).ok()
}

fn kept<T: serde::de::DeserializeOwned>(store: &Store, name: &str) -> Option<T> {
    store
        .setting_as(name)
        .inspect_err(
            |error| tracing::warn!(detail = %error.detail(), name, "a setting cannot be read"),
        )
        .ok()
        .flatten()
}

fn keep<T: serde::Serialize>(store: &Store, name: &str, value: &T) -> Result<(), IpcError> {
    store
        .set_setting_as(name, Some(value))
        .map_err(|error| IpcError::new("profile", error.to_string()))
}
