//! Starting a phone: profile, sound, rooms, callers, sign-in, loop, and what follows them.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use audio::{Audio, AudioPorts};
use call::Phone;
use call::input::{AudioFact, Input, Intent};
use call::output::{AudioCommand, ShellCommand};
use call::view::PhoneView;
use desk::{Clock, Ports, unix_ms};
use history::{Journal, Store};
use realtime::{Backend, Media, RoomPort};
use switchboard::WatcherNews;
use tokio::sync::{mpsc, watch};
use tokio::task;

use crate::account::{Account, system_vault};
use crate::core::{Core, Inner, Running};
use crate::directory::Directory;
use crate::env_file::EnvFile;
use crate::ipc::convert;
use crate::ipc::records::SettingsInForce;
use crate::line::{self, Line, Purpose, tokens};
use crate::line_setup::LineSetup;
use crate::player::{self, Listening};
use crate::profile::Profile;
use crate::recording::{self, Recorder};
use crate::sound::{self, Recordings, Sound};
use crate::watching::{self, Watching};
use crate::{event_log, other_programs, settings};

/// How often calls that are no longer to be kept are taken out.
const TIDY_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How often the clock is compared with the business hours.
const HOURS_EVERY: Duration = Duration::from_secs(10);

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

        let (journal, store) = open_profile(profile);
        let settings = watch::Sender::new(SettingsInForce {
            rev: 1,
            settings: settings::load(store.as_ref().ok()),
        });
        let account = Account::new(profile, store.clone(), system_vault());
        let history = history::spawn(log_commands, inputs.clone(), journal)
            .context("The history cannot be started")?;

        let backend = Backend::default();
        let (media, sound) = start_sound(audio_commands, inputs.clone(), backend.clone())?;
        task::spawn(follow_devices(sound.panel().status(), inputs.clone()));

        let name = line::desk_name();
        // Its own for every run: a second program of the same person must not throw the first out of a room.
        let desk = format!("{name}-{}", uuid::Uuid::now_v7().simple());
        let project = watch::Sender::new(None);
        let signed_in = project.subscribe();
        let tokens = tokens(project.subscribe(), name);
        let rooms = RoomPort::new(backend.clone(), tokens, desk.clone(), media);
        let rooms = rooms.spawn(room_commands, inputs.clone());

        let (watching, told) = learn_of_callers(store.as_ref().ok(), &account, purpose);
        let (line, asks) = mpsc::channel(8);
        let signing_in = Line {
            watchers: watching.wanted(),
            news: told,
            account: account.clone(),
            backend,
            desk: desk.clone(),
            facts: inputs.clone(),
            purpose,
            project,
            leg: leg.clone(),
            leg_commands: Some(leg_commands),
        };
        task::spawn(signing_in.run(asks));

        let phone = Phone::new({
            let view = &settings.borrow().settings;
            settings::for_desk(view, ring_for, settings::open_now(view))
        });
        let ports = Ports {
            log,
            room,
            leg,
            audio,
            shell,
        };
        let running = desk::spawn(phone, facts, ports, Clock::start());
        task::spawn(follow_settings(
            settings.subscribe(),
            ring_for,
            inputs.clone(),
        ));
        if let Ok(store) = &store {
            let folder = profile.path().to_owned();
            let (settings, inputs) = (settings.clone(), inputs.clone());
            follow_profile(folder, store, settings, running.view.clone(), inputs);
        }
        let recorder = Recorder::new(sound.panel(), profile.path().join("recordings"));
        task::spawn(recording::follow(recorder.clone(), running.view.clone()));
        let listening = Listening::default();
        task::spawn(player::follow(listening.clone(), running.view.clone()));
        let sound = Sound::start(
            sound.panel(),
            profile.path(),
            store.as_ref().ok(),
            running.view.clone(),
            settings.subscribe(),
            Recordings {
                under_way: recorder.changes(),
                played: listening.changes(),
            },
            sound.statistics(),
        );
        let core = Self(Arc::new(Inner {
            inputs,
            line,
            view: running.view,
            desk,
            directory: store.as_ref().ok().cloned().map(Directory::new),
            store,
            account,
            profile: profile.clone(),
            settings,
            settings_alone: Mutex::default(),
            language: watch::Sender::default(),
            spoken: AtomicU64::default(),
            project: signed_in,
            sound,
            recorder,
            listening,
            watching,
            line_setup: LineSetup::default(),
            env_file: EnvFile::default(),
            keys: Mutex::default(),
            running: Mutex::new(Some(Running {
                desk: running.done,
                rooms,
                history,
            })),
        }));
        Ok((core, shell_commands))
    }
}

/// The journal of a profile; one that cannot be opened is said with every call.
fn open_profile(profile: &Profile) -> (Journal, Result<Store, String>) {
    match Store::open(profile.path()) {
        Ok(store) => (Journal::Kept(store.clone()), Ok(store)),
        Err(error) => {
            tracing::error!(detail = %error.detail(), "the history cannot be opened");
            let what = error.to_string();
            (Journal::Lost(error), Err(what))
        }
    }
}

/// Microphone and speaker, and the road between them and the rooms. They end with the queue of commands.
fn start_sound(
    commands: mpsc::Receiver<AudioCommand>,
    inputs: mpsc::Sender<Input>,
    backend: Backend,
) -> anyhow::Result<(Media, Audio)> {
    let (media, mut microphone, playback) = realtime::media();
    microphone.set_hold_music(Box::new(audio::hold_music()));
    let ports = AudioPorts {
        capture: Box::new(move |frame| microphone.push(frame)),
        playback,
        processing: sound::processing_by(backend),
    };
    let sound = audio::spawn(commands, inputs, ports).context("The sound cannot be started")?;
    let signal = sound.playback_signal();
    media.on_arrival(move || signal.notify());
    Ok((media, sound))
}

/// How this desk learns of callers, and who is told what is heard of them.
fn learn_of_callers(
    store: Option<&Store>,
    account: &Account,
    purpose: Purpose,
) -> (Watching, mpsc::Sender<WatcherNews>) {
    let watching = Watching::new(store.cloned(), account.clone());
    let (told, news) = watching::news();
    let log_of_events = store.map(|store| {
        let (told, news) = watching::news();
        task::spawn(event_log::keep(store.clone(), news));
        told
    });
    task::spawn(watching.clone().follow(news, log_of_events));
    if purpose == Purpose::Desk {
        let watching = watching.clone();
        task::spawn_blocking(move || watching.begin());
    }
    (watching, told)
}

/// What is kept in the profile, by this program and by others.
fn follow_profile(
    folder: PathBuf,
    store: &Store,
    settings: watch::Sender<SettingsInForce>,
    view: watch::Receiver<Arc<PhoneView>>,
    inputs: mpsc::Sender<Input>,
) {
    let facts = inputs.clone();
    task::spawn(other_programs::follow(
        folder,
        store.clone(),
        settings,
        facts,
    ));
    task::spawn(follow_availability(store.clone(), view, inputs.clone()));
    task::spawn(keep_tidy(store.clone(), inputs.clone()));
    let store = store.clone();
    task::spawn_blocking(move || report_orphans(&store, &inputs));
}

/// Tells the phone what is set, and when business hours begin and end.
async fn follow_settings(
    mut settings: watch::Receiver<SettingsInForce>,
    ring_for: Option<Duration>,
    inputs: mpsc::Sender<Input>,
) {
    // The phone was begun with the first of these.
    let mut told = {
        let view = &settings.borrow_and_update().settings;
        settings::for_desk(view, ring_for, settings::open_now(view))
    };
    // A clock can be set and a computer can sleep: looking again is surer than reckoning when.
    let mut clock = tokio::time::interval(HOURS_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = settings.changed() => if changed.is_err() { return },
            _ = clock.tick() => {}
            () = inputs.closed() => return,
        }
        let now = {
            let view = &settings.borrow_and_update().settings;
            settings::for_desk(view, ring_for, settings::open_now(view))
        };
        if now != told {
            told = now.clone();
            if inputs.send(Input::Settings(now)).await.is_err() {
                return;
            }
        }
    }
}

/// Tells the phone which devices are open, for the rows of its calls.
async fn follow_devices(mut status: watch::Receiver<audio::Status>, inputs: mpsc::Sender<Input>) {
    let mut told = (None, None);
    loop {
        let now = {
            let status = status.borrow_and_update();
            (status.microphone.clone(), status.speaker.clone())
        };
        if now != told && now != (None, None) {
            let (microphone, speaker) = now.clone();
            let fact = AudioFact::Using {
                microphone,
                speaker,
            };
            if inputs.send(Input::Audio(fact)).await.is_err() {
                return;
            }
        }
        told = now;
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Takes out what is no longer to be kept, at the start and then every few hours.
async fn keep_tidy(store: Store, inputs: mpsc::Sender<Input>) {
    let mut every = tokio::time::interval(TIDY_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = inputs.closed() => return,
        }
        let store = store.clone();
        let tidied = task::spawn_blocking(move || store.tidy(unix_ms())).await;
        if let Ok(Err(error)) = tidied {
            tracing::warn!(detail = %error.detail(), "old calls cannot be taken out");
        }
    }
}

/// Begins with the availability that was left, and keeps what it becomes.
async fn follow_availability(
    store: Store,
    mut view: watch::Receiver<Arc<PhoneView>>,
    inputs: mpsc::Sender<Input>,
) {
    let read = store.clone();
    let left = task::spawn_blocking(move || settings::load_availability(&read)).await;
    let mut kept = left.ok().flatten();
    if let Some(left) = kept {
        let intent = Intent::SetAvailability(convert::wanted_availability(left));
        if inputs.send(Input::Intent(intent)).await.is_err() {
            return;
        }
        // Until the phone has taken it over, what it shows is not what the person wants.
        let wanted = convert::wanted_availability(left);
        if view
            .wait_for(|view| view.availability == wanted || view.quiet.is_some())
            .await
            .is_err()
        {
            return;
        }
    }
    loop {
        let now = convert::availability(view.borrow_and_update().availability);
        if kept != Some(now) {
            kept = Some(now);
            let store = store.clone();
            let _saved =
                task::spawn_blocking(move || settings::save_availability(&store, now)).await;
        }
        if view.changed().await.is_err() {
            return;
        }
    }
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
