//! The wiring: one phone with all its rooms. The window and the terminal start it in the same way.
//!
//! ```text
//! window / terminal --intents--> [ desk ] --commands--> history, realtime, switchboard, audio, shell
//!                                   ^---------facts-------'
//! ```
//! Every queue is bounded. Sound goes from `audio` to `realtime` and back without passing here.

mod start;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use call::CallId;
use call::input::{Input, Intent};
use call::number::Region;
use call::state::CallState;
use call::view::PhoneView;
use history::Store;
use switchboard::Account as Project;
use tokio::sync::{mpsc, watch};
use tokio::task;
use vault::Secret;

use crate::account::Account;
use crate::directory::Directory;
use crate::env_file::EnvFile;
use crate::ipc::convert;
use crate::ipc::records::{SettingsInForce, SettingsView};
use crate::ipc::types::{AccountView, DevicesView, IpcError};
use crate::line::Ask;
pub use crate::line::Purpose;
use crate::line_setup::LineSetup;
use crate::player::Listening;
use crate::profile::Profile;
use crate::recording::Recorder;
use crate::settings;
use crate::sound::Sound;
use crate::watching::Watching;
use crate::words::{Language, Words};

/// How long a call may take to end when the program closes. What is not gone by then is dropped at the next start.
pub const MAY_QUIT_WITHIN: Duration = Duration::from_secs(5);
/// How long the journal may take to write its last entries.
const WRITTEN_WITHIN: Duration = Duration::from_secs(6);
/// How long rooms may take to be left.
const LEFT_WITHIN: Duration = Duration::from_secs(1);
/// How long keys wait for the answer of the call they belong to: longer than any phone may ring.
const KEYS_WITHIN: Duration = Duration::from_secs(120);
/// Calls whose keys may wait at once. More are never dialled together: the oldest ones wait for calls that were refused.
const KEYS_WAITING: usize = 8;

/// A running phone. Cheap to clone; every clone is the same phone.
#[derive(Debug, Clone)]
pub struct Core(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    inputs: mpsc::Sender<Input>,
    line: mpsc::Sender<Ask>,
    view: watch::Receiver<Arc<PhoneView>>,
    /// The id of this desk, its own for every run.
    desk: String,
    store: Result<Store, String>,
    directory: Option<Directory>,
    account: Account,
    profile: Profile,
    settings: watch::Sender<SettingsInForce>,
    /// Held while settings are changed, on a thread that may wait.
    settings_alone: Mutex<()>,
    /// What is said to the person is said in it.
    language: watch::Sender<Language>,
    /// How often that changed: a picture in another language is a newer picture.
    spoken: AtomicU64,
    project: watch::Receiver<Option<Project>>,
    sound: Sound,
    recorder: Recorder,
    listening: Listening,
    watching: Watching,
    line_setup: LineSetup,
    env_file: EnvFile,
    /// Keys that wait for an answer, the oldest first.
    keys: Mutex<VecDeque<task::AbortHandle>>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    desk: task::JoinHandle<()>,
    rooms: task::JoinHandle<()>,
    history: JoinHandle<()>,
}

impl Core {
    /// The last view of the phone; changes with every change a person can see.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<Arc<PhoneView>> {
        self.0.view.clone()
    }

    /// The present picture as a window shows it, with the names of contacts.
    pub async fn picture(&self) -> crate::ipc::types::PhoneView {
        let view = Arc::clone(&self.0.view.borrow());
        let names = self.names(&view).await;
        let mut picture = self.shown(&view, &names);
        if let Some(directory) = &self.0.directory {
            directory.remember(&mut picture).await;
        }
        picture
    }

    /// The present picture at once, with the names that were read already.
    pub(crate) fn picture_now(&self) -> crate::ipc::types::PhoneView {
        let view = Arc::clone(&self.0.view.borrow());
        let names = self.0.directory.as_ref().map(|of| of.known_names(&view));
        self.shown(&view, &names.unwrap_or_default())
    }

    fn shown(
        &self,
        view: &PhoneView,
        names: &HashMap<String, String>,
    ) -> crate::ipc::types::PhoneView {
        let mut picture = convert::phone(view, self.region(), names, self.words());
        picture.rev += self.0.spoken.load(Ordering::Acquire);
        picture
    }

    /// The language that is spoken here; English until [`Self::speak`] says another.
    pub(crate) fn language(&self) -> watch::Receiver<Language> {
        self.0.language.subscribe()
    }

    /// What is said in it.
    pub(crate) fn words(&self) -> &'static Words {
        self.0.language.borrow().words()
    }

    /// Speaks another language from now on.
    pub(crate) fn speak(&self, language: Language) {
        self.0.language.send_if_modified(|spoken| {
            let changed = std::mem::replace(spoken, language) != language;
            if changed {
                self.0.spoken.fetch_add(1, Ordering::AcqRel);
            }
            changed
        });
    }

    /// The id of this desk.
    pub(crate) fn desk(&self) -> &str {
        &self.0.desk
    }

    /// The contacts whose numbers are in this picture, by number.
    pub(crate) async fn names(&self, view: &PhoneView) -> HashMap<String, String> {
        match &self.0.directory {
            Some(directory) => directory.names(view).await,
            None => HashMap::new(),
        }
    }

    /// The country whose numbers are typed without a country code here.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::parse(&self.0.settings.borrow().settings.region).unwrap_or_default()
    }

    /// What the person has set.
    #[must_use]
    pub fn settings(&self) -> SettingsView {
        self.0.settings.borrow().settings.clone()
    }

    /// The same, to follow.
    pub(crate) fn settings_in_force(&self) -> watch::Receiver<SettingsInForce> {
        self.0.settings.subscribe()
    }

    /// One change of the settings at a time: hold what this answers. Blocks.
    pub(crate) fn settings_alone(&self) -> MutexGuard<'_, ()> {
        self.0
            .settings_alone
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The project this desk is signed in to.
    pub(crate) fn project(&self) -> Option<Project> {
        self.0.project.borrow().clone()
    }

    pub(crate) fn listening(&self) -> &Listening {
        &self.0.listening
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    pub(crate) fn sound(&self) -> &Sound {
        &self.0.sound
    }

    pub(crate) fn put_settings_in_force(&self, view: SettingsView) -> SettingsInForce {
        settings::put_in_force(&self.0.settings, view)
    }

    pub(crate) fn line_setup(&self) -> &LineSetup {
        &self.0.line_setup
    }

    pub(crate) fn env_file(&self) -> &EnvFile {
        &self.0.env_file
    }

    pub(crate) fn watching(&self) -> &Watching {
        &self.0.watching
    }

    /// The store; where there is none, why.
    pub(crate) fn store(&self) -> Result<Store, IpcError> {
        self.0
            .store
            .clone()
            .map_err(|what| IpcError::new("profile", what))
    }

    /// Queues one intent.
    pub async fn intent(&self, intent: Intent) {
        if self.0.inputs.send(Input::Intent(intent)).await.is_err() {
            tracing::debug!("an intent came after the phone had ended");
        }
    }

    /// Sends keys to the far end of a call that is about to be dialled, once it is answered; never if it is not.
    pub(crate) fn send_keys_once_live(&self, call: CallId, keys: String) {
        let core = self.clone();
        let wait = task::spawn(async move {
            let mut view = core.view();
            let mut seen = false;
            let over = |view: &Arc<PhoneView>| match view.call(&call) {
                Some(of) => {
                    seen = true;
                    matches!(of.state, CallState::Live | CallState::Ended)
                }
                // A refused number never becomes a call: then this waits for its time and does nothing.
                None => seen,
            };
            let live = {
                let found = tokio::time::timeout(KEYS_WITHIN, view.wait_for(over)).await;
                let state = |view: &PhoneView| view.call(&call).map(|of| of.state);
                matches!(&found, Ok(Ok(view)) if state(view) == Some(CallState::Live))
            };
            if live {
                core.intent(Intent::SendKeys { call, keys }).await;
            }
        });
        let mut waiting = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| !one.is_finished());
        waiting.push_back(wait.abort_handle());
        if waiting.len() > KEYS_WAITING
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.abort();
        }
    }

    /// Looks at account and line now.
    pub async fn retry_line(&self) {
        self.ask(Ask::Retry).await;
    }

    async fn ask(&self, ask: Ask) {
        if self.0.line.send(ask).await.is_err() {
            tracing::debug!("the line was asked after it had ended");
        }
    }

    /// A number that grows with every change of the history; `None`: there is no history.
    #[must_use]
    pub fn history_changes(&self) -> Option<watch::Receiver<u64>> {
        self.0.store.as_ref().ok().map(Store::changes)
    }

    /// For what is opened beside the phone.
    pub(crate) fn account_and_profile(&self) -> (Account, Profile) {
        (self.0.account.clone(), self.0.profile.clone())
    }

    /// The account as it may be shown.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn account_show(&self) -> Result<AccountView, IpcError> {
        let account = self.0.account.clone();
        blocking(move || account.show()).await
    }

    /// Keeps an account and signs in with it.
    ///
    /// # Errors
    /// It is wrong in form or cannot be kept.
    pub async fn account_set(
        &self,
        url: String,
        key: String,
        secret: Option<String>,
    ) -> Result<AccountView, IpcError> {
        let account = self.0.account.clone();
        let secret = secret.map(|secret| Secret::new(secret.trim().to_owned()));
        let view = blocking(move || {
            account
                .set(&url, &key, secret)
                .and_then(|()| account.show())
        })
        .await?;
        self.ask(Ask::Changed).await;
        Ok(view)
    }

    /// Removes the account from this computer.
    ///
    /// # Errors
    /// Something of it cannot be removed; says what.
    pub async fn account_forget(&self) -> Result<AccountView, IpcError> {
        let account = self.0.account.clone();
        let view = blocking(move || account.forget().and_then(|()| account.show())).await;
        // Even if the secret stayed, this desk is signed out.
        self.ask(Ask::Changed).await;
        view
    }

    /// Ends the phone and waits until the history is written. Calls are ended before, with [`Intent::Quit`].
    pub async fn close(&self) {
        let running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else {
            return;
        };
        // Its queues close with it; what is already in the one to the history is still written.
        running.desk.abort();
        if tokio::time::timeout(LEFT_WITHIN, running.rooms)
            .await
            .is_err()
        {
            tracing::warn!("a room could not be left in time");
        }
        let written = tokio::task::spawn_blocking(move || running.history.join());
        match tokio::time::timeout(WRITTEN_WITHIN, written).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!("the history ended with a fault"),
            Err(_) => tracing::error!("the history could not be written in time"),
        }
    }
}

/// The sound devices of this computer.
///
/// # Errors
/// The program is ending.
pub async fn devices() -> Result<DevicesView, IpcError> {
    blocking(|| {
        let list = audio::devices();
        Ok(DevicesView {
            microphone: list.microphone,
            speaker: list.speaker,
            microphones: list.microphones,
            speakers: list.speakers,
            words: list.problem,
        })
    })
    .await
}

/// A name for a new call. They sort by time.
///
/// # Errors
/// Never in fact; a name that is no name would be a fault of the generator.
pub fn fresh_call_id() -> Result<CallId, call::ids::IdError> {
    CallId::parse(&uuid::Uuid::now_v7().to_string())
}

/// Disk, keychain and sound server may be slow: never on the threads that carry the phone.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IpcError> + Send + 'static,
) -> Result<T, IpcError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(IpcError::new(
            "shell",
            "Deskline is closing. Start it again.",
        ))
    })
}
