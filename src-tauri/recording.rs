//! Recording of calls for the person's own computer: off until asked for, one file a call, its path in the call's row.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audio::{Panel, Recording, Tap};
use call::CallId;
use call::state::CallState;
use call::view::PhoneView;
use history::Store;
use tokio::sync::watch;

use crate::core::{Core, blocking};
use crate::ipc::sound::{RecordingState, RecordingView};
use crate::ipc::types::IpcError;

/// Files of one second get numbers; more than these nobody makes.
const NAMES: u32 = 100;
/// For the person.
const BROKE_OFF: &str = "The recording broke off: the disk takes no more. The call goes on; what was recorded can be played.";

/// Whoever records.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(Arc<Inner>);

/// Both sides of the call go into this from now on, or into nothing. False: not now.
type Connect = dyn Fn(Option<Tap>) -> bool + Send + Sync;

struct Inner {
    connect: Box<Connect>,
    folder: PathBuf,
    /// Held for moments only, never while the disk or the history works.
    state: Mutex<State>,
    changes: watch::Sender<Recorded>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    beginning: Option<Beginning>,
    running: Option<Running>,
}

/// One whose file is being made.
#[derive(Debug)]
struct Beginning {
    call: CallId,
    path: PathBuf,
    /// It was ended before it had begun.
    ended: bool,
}

/// What there is to see of recordings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Recorded {
    /// The one under way.
    pub(crate) now: Option<RecordingView>,
    /// Why the last one broke off; until another begins.
    pub(crate) problem: Option<String>,
}

#[derive(Debug)]
struct Running {
    call: CallId,
    recording: Recording,
    /// The person asked for the pause; else the call's being on hold did.
    paused_by_person: bool,
}

impl Recorder {
    /// `folder`: where recordings go; it is made with the first of them.
    pub(crate) fn new(panel: Panel, folder: PathBuf) -> Self {
        Self::with(Box::new(move |tap| panel.record(tap)), folder)
    }

    fn with(connect: Box<Connect>, folder: PathBuf) -> Self {
        Self(Arc::new(Inner {
            connect,
            folder,
            state: Mutex::default(),
            changes: watch::Sender::default(),
        }))
    }

    /// What is recorded just now; changes with it.
    pub(crate) fn changes(&self) -> watch::Receiver<Recorded> {
        self.0.changes.subscribe()
    }

    /// Begins; leaves nothing behind if it cannot. Blocks on the disk.
    fn begin(&self, call: &CallId, beep: bool, store: &Store) -> Result<(), IpcError> {
        std::fs::create_dir_all(&self.0.folder).map_err(|error| {
            IpcError::new(
                "recording",
                format!("There is no folder for recordings: {error}. Make room on the disk, then try again."),
            )
        })?;
        let path = fresh_path(&self.0.folder)?;
        if !self.reserve(call, &path)? {
            return Ok(());
        }
        let begun = self.open(call, &path, beep, store);
        let mut state = self.state();
        let is_wanted = state.beginning.take().is_some_and(|one| !one.ended);
        let recording = begun?;
        if is_wanted {
            state.running = Some(Running {
                call: call.clone(),
                recording,
                paused_by_person: false,
            });
            drop(state);
            self.tell();
        } else {
            drop(state);
            let _told = (self.0.connect)(None);
        }
        Ok(())
    }

    /// Nobody else begins from now on. False: this call is recorded already.
    fn reserve(&self, call: &CallId, path: &Path) -> Result<bool, IpcError> {
        let mut state = self.state();
        let running = state.running.as_ref().map(|now| &now.call);
        let beginning = state.beginning.as_ref().map(|one| &one.call);
        match running.or(beginning) {
            Some(other) if other == call => Ok(false),
            Some(_) => Err(IpcError::new(
                "recording",
                "Another call is recorded. Stop that recording first.",
            )),
            None => {
                state.beginning = Some(Beginning {
                    call: call.clone(),
                    path: path.to_owned(),
                    ended: false,
                });
                Ok(true)
            }
        }
    }

    /// Makes the file, notes it with its call and lets the sound into it; or none of the three.
    fn open(
        &self,
        call: &CallId,
        path: &Path,
        beep: bool,
        store: &Store,
    ) -> Result<Recording, IpcError> {
        let refused = |error: &dyn std::fmt::Display| IpcError::new("recording", error.to_string());
        let former = store
            .entry(call.as_str())
            .map_err(|error| refused(&error))?;
        let (recording, tap) = Recording::begin(path, beep).map_err(|error| refused(&error))?;
        // Before the first sound: whoever finds the file finds its call.
        let noted = store.set_recording(call, Some(&path.display().to_string()));
        let why = match noted {
            Ok(()) if (self.0.connect)(Some(tap)) => return Ok(recording),
            Ok(()) => {
                if let Err(error) = store.set_recording(call, former.recording_url.as_deref()) {
                    tracing::warn!(detail = %error.detail(), "a call names a recording that was not made");
                }
                IpcError::new("recording", "The sound is busy. Try again in a moment.")
            }
            Err(error) => refused(&error),
        };
        // Its thread is done with the file then.
        drop(recording);
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(kind = ?error.kind(), "the beginning of a recording stays on the disk");
        }
        Err(why)
    }

    fn pause(&self, call: &CallId, paused: bool) -> Result<(), IpcError> {
        let mut state = self.state();
        let now = state
            .running
            .as_mut()
            .filter(|now| now.call == *call)
            .ok_or_else(not_recorded)?;
        now.paused_by_person = paused;
        now.recording.pause(paused);
        drop(state);
        self.tell();
        Ok(())
    }

    /// Takes all recordings off the disk but the one under way, whose call stays too. Files of others in the folder stay.
    ///
    /// # Errors
    /// One of them cannot be deleted; the others are.
    pub(crate) fn erase(&self) -> Result<(), IpcError> {
        // Where there is no folder, nothing was ever recorded. Listed first: what begins after it is not in the list.
        let entries = std::fs::read_dir(&self.0.folder).into_iter().flatten();
        let entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let stays: Vec<PathBuf> = {
            let state = self.state();
            let running = state.running.as_ref().map(|now| now.recording.path());
            let beginning = state.beginning.as_ref().map(|one| one.path.as_path());
            running
                .into_iter()
                .chain(beginning)
                .map(Path::to_owned)
                .collect()
        };
        let mut failed = None;
        for path in entries {
            if is_ours(&path) && !stays.contains(&path) {
                failed = std::fs::remove_file(&path).err().or(failed);
            }
        }
        failed.map_or(Ok(()), |error| {
            let folder = self.0.folder.display();
            Err(IpcError::new(
                "recording",
                format!("The calls are erased, but a recording in {folder} is not: {error}. Delete it there."),
            ))
        })
    }

    /// Ends the recording, if it is this call's. Blocks until the last of it is written.
    fn end(&self, call: Option<&CallId>) {
        let fits = |of: &CallId| call.is_none_or(|call| of == call);
        let ended = {
            let mut state = self.state();
            if let Some(beginning) = state.beginning.as_mut().filter(|one| fits(&one.call)) {
                beginning.ended = true;
            }
            state.running.take_if(|now| fits(&now.call))
        };
        if ended.is_some() {
            let _told = (self.0.connect)(None);
            drop(ended);
            self.tell();
        }
    }

    /// Keeps in line with the call: what is on hold is not recorded, what is over is closed. True: it is over.
    fn follow(&self, phone: &PhoneView) -> bool {
        let state = self.state();
        let Some(now) = state.running.as_ref() else {
            return false;
        };
        let Some(call) = phone.call(&now.call) else {
            return true;
        };
        if now.recording.has_failed() {
            self.0.changes.send_modify(|shown| {
                shown.problem = Some(BROKE_OFF.to_owned());
            });
            return true;
        }
        if matches!(call.state, CallState::Ended | CallState::HandedOver) {
            return true;
        }
        let talking = call.state == CallState::Live && !call.held;
        now.recording.pause(now.paused_by_person || !talking);
        drop(state);
        self.tell();
        false
    }

    fn tell(&self) {
        let view = self.state().running.as_ref().map(|now| RecordingView {
            call: now.call.to_string(),
            state: if now.paused_by_person {
                RecordingState::Paused
            } else if now.recording.is_paused() {
                RecordingState::Waiting
            } else {
                RecordingState::Recording
            },
            path: now.recording.path().display().to_string(),
        });
        self.0.changes.send_if_modified(|shown| {
            let news = shown.now != view;
            if view.is_some() && shown.now.is_none() {
                shown.problem = None;
            }
            shown.now = view;
            news
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the phone until it ends.
pub(crate) async fn follow(recorder: Recorder, mut phone: watch::Receiver<Arc<PhoneView>>) {
    loop {
        let view = Arc::clone(&phone.borrow_and_update());
        if recorder.follow(&view) {
            let over = recorder.clone();
            let _ended = tokio::task::spawn_blocking(move || over.end(None)).await;
        }
        if phone.changed().await.is_err() {
            let _ended = tokio::task::spawn_blocking(move || recorder.end(None)).await;
            return;
        }
    }
}

impl Core {
    /// Begins to record a live call.
    ///
    /// # Errors
    /// The person has not allowed it, the call is not live, another is recorded, or the disk refuses.
    pub async fn recording_start(&self, call: CallId) -> Result<(), IpcError> {
        let live = self
            .view()
            .borrow()
            .call(&call)
            .is_some_and(|call| call.state == CallState::Live);
        if !live {
            let why = "Only a call that was answered can be recorded. Wait until somebody answers.";
            return Err(IpcError::new("recording", why));
        }
        let (allowed, beep) = {
            let view = self.sound_view();
            let view = view.borrow();
            (view.settings.recording, view.settings.recording_beep)
        };
        if !allowed {
            let why = "Recording is switched off. Allow it in the settings, under Recording, then try again.";
            return Err(IpcError::new("recording", why));
        }
        let (recorder, store) = (self.recorder().clone(), self.store()?);
        blocking(move || recorder.begin(&call, beep, &store)).await?;
        // Held meanwhile, or over: whoever follows the phone has looked before this began.
        if self.recorder().follow(&self.view().borrow()) {
            self.recorder().end(None);
        }
        Ok(())
    }

    /// Leaves out what follows, or goes on.
    ///
    /// # Errors
    /// This call is not recorded.
    pub fn recording_pause(&self, call: &CallId, paused: bool) -> Result<(), IpcError> {
        self.recorder().pause(call, paused)
    }

    /// Ends the recording of a call; one that is not recorded stays so.
    ///
    /// # Errors
    /// The program is ending.
    pub async fn recording_stop(&self, call: CallId) -> Result<(), IpcError> {
        let recorder = self.recorder().clone();
        blocking(move || {
            recorder.end(Some(&call));
            Ok(())
        })
        .await
    }
}

fn not_recorded() -> IpcError {
    IpcError::new("recording", "This call is not recorded.")
}

/// Is it named as [`fresh_path`] names them?
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("Call ") && name.ends_with(".opus"))
}

/// A name that nobody has, by the time of day: no person's name or number is in it.
fn fresh_path(folder: &Path) -> Result<PathBuf, IpcError> {
    let stamp = jiff::Zoned::now().strftime("%Y-%m-%d %H.%M.%S").to_string();
    (1..NAMES)
        .map(|number| {
            folder.join(if number == 1 {
                format!("Call {stamp}.opus")
            } else {
                format!("Call {stamp} ({number}).opus")
            })
        })
        .find(|path| !path.exists())
        .ok_or_else(|| {
            IpcError::new(
                "recording",
                "There are too many recordings of this second. Try again in a moment.",
            )
        })
}

#[cfg(test)]
mod tests {
    use call::output::{LogCommand, LogStart};
    use call::state::Direction;
    use call::{Identity, RoomName};
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_name_is_free_and_tells_nobody_who_called() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for _ in 0..3 {
            let path = fresh_path(folder.path()).unwrap();
            std::fs::write(&path, "").unwrap();
            names.push(path);
        }
        names.dedup();
        assert_eq!(names.len(), 3);
        assert!(names.iter().all(|path| is_ours(path)));
        assert!(!is_ours(&folder.path().join("Holiday.opus")));
        let name = names[0].file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            name.starts_with("Call 2") && name.ends_with(".opus"),
            "{name}"
        );
    }

    /// Writes the row of a call.
    fn note(store: &Store, call: &CallId) {
        let (commands, received) = mpsc::channel(1);
        let (answers, _facts) = mpsc::channel(1);
        let journal = history::Journal::Kept(store.clone());
        let thread = history::spawn(received, answers, journal).unwrap();
        let start = LogCommand::Start(LogStart {
            call: call.clone(),
            direction: Direction::Outbound,
            number: "+12125550100".into(),
            dialled: None,
            name: None,
            line: None,
            room: RoomName::outbound(call),
            leg: Identity::leg(call),
            started_unix_ms: 1,
        });
        commands.blocking_send(start).unwrap();
        drop(commands);
        thread.join().unwrap();
    }

    /// Everything that is left of a recording.
    fn left(recorder: &Recorder) -> usize {
        let files = std::fs::read_dir(&recorder.0.folder).unwrap();
        files.count() + usize::from(recorder.changes().borrow().now.is_some())
    }

    #[test]
    fn what_cannot_be_begun_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let connected = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&connected);
        let connect = move |tap: Option<Tap>| {
            told.lock().unwrap().push(tap.is_some());
            false
        };
        let recorder = Recorder::with(Box::new(connect), folder.path().join("recordings"));
        let call = CallId::parse("c1").unwrap();
        // No row: nobody would find the file again.
        assert!(recorder.begin(&call, false, &store).is_err());
        assert_eq!(left(&recorder), 0);
        assert!(connected.lock().unwrap().is_empty());
        // The sound takes no more: the row is as it was, too.
        note(&store, &call);
        store.set_recording(&call, Some("an earlier one")).unwrap();
        let busy = recorder.begin(&call, false, &store).unwrap_err();
        assert!(busy.message.contains("busy"), "{}", busy.message);
        assert_eq!(left(&recorder), 0);
        assert_eq!(*connected.lock().unwrap(), [true]);
        let row = store.entry("c1").unwrap();
        assert_eq!(row.recording_url.as_deref(), Some("an earlier one"));
        // And another may begin at once.
        let path = recorder.0.folder.join("Call 1.opus");
        assert!(recorder.reserve(&call, &path).unwrap());
        assert!(
            !recorder.reserve(&call, &path).unwrap(),
            "this one begins already"
        );
        let other = CallId::parse("c2").unwrap();
        assert_eq!(
            recorder.reserve(&other, &path).unwrap_err().code,
            "recording"
        );
        recorder.end(Some(&other));
        assert!(!recorder.state().beginning.as_ref().unwrap().ended);
        recorder.end(Some(&call));
        assert!(recorder.state().beginning.as_ref().unwrap().ended);
    }
}
