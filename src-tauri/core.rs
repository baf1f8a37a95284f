//! The wiring: one phone with all its rooms. The window and the terminal start it in the same way.
//!
//! ```text
//! window / terminal --intents--> [ desk ] --commands--> history, realtime, switchboard, audio, shell
//!                                   ^---------facts-------'
//! ```
//! Every queue is bounded. Sound goes from `audio` to `realtime` and back without passing here.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use audio::AudioPorts;
use call::input::{Input, Intent};
use call::number::Region;
use call::output::ShellCommand;
use call::view::PhoneView;
use call::{CallId, DeskSettings, Phone};
use desk::{Clock, Ports};
use history::{Journal, Store};
use realtime::{Backend, RoomPort};
use tokio::sync::{mpsc, watch};
use tokio::task;
use vault::Secret;

use crate::account::{Account, system_vault};
use crate::ipc::convert;
use crate::ipc::types::{AccountView, DevicesView, HistoryPage, IpcError};
pub use crate::line::Purpose;
use crate::line::{Ask, Line, tokens};
use crate::profile::Profile;
use crate::terminal::report::unix_ms;

/// How long a call may take to end when the program closes. What is not gone by then is dropped at the next start.
pub const MAY_QUIT_WITHIN: Duration = Duration::from_secs(5);
/// How long the journal may take to write its last entries.
const WRITTEN_WITHIN: Duration = Duration::from_secs(6);
/// How long rooms may take to be left.
const LEFT_WITHIN: Duration = Duration::from_secs(1);
/// Setting: the country of numbers typed without a country code.
const REGION: &str = "phone.region";

/// A running phone. Cheap to clone; every clone is the same phone.
#[derive(Debug, Clone)]
pub struct Core(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    inputs: mpsc::Sender<Input>,
    line: mpsc::Sender<Ask>,
    view: watch::Receiver<Arc<PhoneView>>,
    store: Result<Store, String>,
    account: Account,
    region: Region,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    desk: task::JoinHandle<()>,
    rooms: task::JoinHandle<()>,
    history: JoinHandle<()>,
}

impl Core {
    /// Starts everything, on the present tokio runtime. Opens no device and waits for no server. The second value is
    /// what the phone asks of whoever shows it.
    ///
    /// # Errors
    /// The system gives no threads. A profile, keychain, engine or sound server that fails is no error: the phone
    /// starts and says so.
    pub fn start(
        profile: &Profile,
        purpose: Purpose,
        ring_for: Option<Duration>,
    ) -> anyhow::Result<(Self, mpsc::Receiver<ShellCommand>)> {
        let (inputs, facts) = mpsc::channel(desk::INPUTS);
        let (log, log_commands) = mpsc::channel(desk::COMMANDS);
        let (room, room_commands) = mpsc::channel(desk::COMMANDS);
        let (leg, leg_commands) = mpsc::channel(desk::COMMANDS);
        let (audio, audio_commands) = mpsc::channel(desk::COMMANDS);
        let (shell, shell_commands) = mpsc::channel(desk::COMMANDS);

        let (journal, store) = match Store::open(profile.path()) {
            Ok(store) => (Journal::Kept(store.clone()), Ok(store)),
            Err(error) => {
                tracing::error!(detail = %error.detail(), "the history cannot be opened");
                let what = error.to_string();
                (Journal::Lost(error), Err(what))
            }
        };
        let region = region(&store);
        let account = Account::new(profile, store.clone(), system_vault());
        let history = history::spawn(log_commands, inputs.clone(), journal)
            .context("The history cannot be started")?;

        let (media, mut microphone, playback) = realtime::media();
        let sound = AudioPorts {
            capture: Box::new(move |frame| microphone.push(frame)),
            playback,
        };
        // Ends with its queue.
        let sound = audio::spawn(audio_commands, inputs.clone(), sound)
            .context("The sound cannot be started")?;
        let signal = sound.playback_signal();
        media.on_arrival(move || signal.notify());

        let name = desk_name();
        // Its own for every run: a second program of the same person must not throw the first out of a room.
        let desk = format!("{name}-{}", uuid::Uuid::now_v7().simple());
        let backend = Backend::default();
        let project = watch::Sender::new(None);
        let tokens = tokens(project.subscribe(), name);
        let rooms = RoomPort::new(backend.clone(), tokens, desk.clone(), media);
        let rooms = rooms.spawn(room_commands, inputs.clone());

        let (line, asks) = mpsc::channel(8);
        let signing_in = Line {
            account: account.clone(),
            backend,
            desk,
            facts: inputs.clone(),
            purpose,
            project,
            leg: leg.clone(),
            leg_commands: Some(leg_commands),
        };
        task::spawn(signing_in.run(asks));

        let phone = Phone::new(DeskSettings {
            region,
            ring_for: ring_for.unwrap_or(DeskSettings::default().ring_for),
            ..DeskSettings::default()
        });
        let ports = Ports {
            log,
            room,
            leg,
            audio,
            shell,
        };
        let running = desk::spawn(phone, facts, ports, Clock::start());
        if let Ok(store) = store.clone() {
            task::spawn_blocking({
                let inputs = inputs.clone();
                move || report_orphans(&store, &inputs)
            });
        }
        let core = Self(Arc::new(Inner {
            inputs,
            line,
            view: running.view,
            store,
            account,
            region,
            running: Mutex::new(Some(Running {
                desk: running.done,
                rooms,
                history,
            })),
        }));
        Ok((core, shell_commands))
    }

    /// The last view of the phone; changes with every change a person can see.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<Arc<PhoneView>> {
        self.0.view.clone()
    }

    /// The country whose numbers are typed without a country code here.
    #[must_use]
    pub fn region(&self) -> Region {
        self.0.region
    }

    /// Queues one intent.
    pub async fn intent(&self, intent: Intent) {
        if self.0.inputs.send(Input::Intent(intent)).await.is_err() {
            tracing::debug!("an intent came after the phone had ended");
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

    /// Part of the history.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history_page(
        &self,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<HistoryPage, IpcError> {
        let store = self
            .0
            .store
            .clone()
            .map_err(|what| IpcError::new("profile", what))?;
        let region = self.0.region;
        blocking(move || {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            store
                .page(cursor.as_deref(), limit)
                .map(|page| convert::history_page(&page, region))
                .map_err(|error| IpcError::new("history", error.to_string()))
        })
        .await
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
    /// It cannot be removed.
    pub async fn account_forget(&self) -> Result<AccountView, IpcError> {
        let account = self.0.account.clone();
        let view = blocking(move || account.forget().and_then(|()| account.show())).await?;
        self.ask(Ask::Changed).await;
        Ok(view)
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

/// Calls of earlier runs that are still open, or whose leg may still be up: the phone settles them.
fn report_orphans(store: &Store, inputs: &mpsc::Sender<Input>) {
    match store.take_orphans(unix_ms()) {
        Ok(orphans) => {
            for orphan in orphans {
                tracing::info!("a call of an earlier run is settled");
                if inputs.blocking_send(Input::Orphan(orphan)).is_err() {
                    return;
                }
            }
        }
        Err(error) => {
            tracing::warn!(detail = %error.detail(), "calls of an earlier run cannot be settled");
        }
    }
}

/// Who colleagues see: the person who is logged in to this computer.
fn desk_name() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find_map(|name| call::number::display_name(&name))
        .unwrap_or_else(|| "Desk".to_owned())
}

fn region(store: &Result<Store, String>) -> Region {
    store
        .as_ref()
        .ok()
        .and_then(|store| store.setting(REGION).ok().flatten())
        .and_then(|text| Region::parse(&text))
        .unwrap_or_default()
}

/// Disk, keychain and sound server may be slow: never on the threads that carry the phone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IpcError> + Send + 'static,
) -> Result<T, IpcError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(IpcError::new(
            "shell",
            "Deskline is closing. Start it again.",
        ))
    })
}
