//! Recording of calls for the person's own computer: off until asked for, one file a call, its path in the call's row.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audio::{Panel, Recording};
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

#[derive(Debug)]
struct Inner {
    panel: Panel,
    folder: PathBuf,
    running: Mutex<Option<Running>>,
    changes: watch::Sender<Recorded>,
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
        Self(Arc::new(Inner {
            panel,
            folder,
            running: Mutex::new(None),
            changes: watch::Sender::default(),
        }))
    }

    /// What is recorded just now; changes with it.
    pub(crate) fn changes(&self) -> watch::Receiver<Recorded> {
        self.0.changes.subscribe()
    }

    /// Begins; says where. Blocks on the disk.
    fn begin(&self, call: CallId, beep: bool, store: &Store) -> Result<(), IpcError> {
        let mut running = self.running();
        if running.as_ref().is_some_and(|now| now.call == call) {
            return Ok(());
        }
        if running.is_some() {
            return Err(IpcError::new(
                "recording",
                "Another call is recorded. Stop that recording first.",
            ));
        }
        let refused = |error: &dyn std::fmt::Display| IpcError::new("recording", error.to_string());
        std::fs::create_dir_all(&self.0.folder).map_err(|error| {
            IpcError::new(
                "recording",
                format!("There is no folder for recordings: {error}. Make room on the disk, then try again."),
            )
        })?;
        let path = fresh_path(&self.0.folder)?;
        let (recording, tap) = Recording::begin(&path, beep).map_err(|error| refused(&error))?;
        // Before the first sound: whoever finds the file finds its call.
        store
            .set_recording(&call, &path.display().to_string())
            .map_err(|error| refused(&error))?;
        if !self.0.panel.record(Some(tap)) {
            return Err(IpcError::new(
                "recording",
                "The sound is busy. Try again in a moment.",
            ));
        }
        *running = Some(Running {
            call,
            recording,
            paused_by_person: false,
        });
        drop(running);
        self.tell();
        Ok(())
    }

    fn pause(&self, call: &CallId, paused: bool) -> Result<(), IpcError> {
        let mut running = self.running();
        let now = running
            .as_mut()
            .filter(|now| now.call == *call)
            .ok_or_else(not_recorded)?;
        now.paused_by_person = paused;
        now.recording.pause(paused);
        drop(running);
        self.tell();
        Ok(())
    }

    /// Takes all recordings off the disk but the one under way, whose call stays too. Files of others in the folder stay.
    ///
    /// # Errors
    /// One of them cannot be deleted; the others are.
    pub(crate) fn erase(&self) -> Result<(), IpcError> {
        let running = self.running();
        let stays = running.as_ref().map(|now| now.recording.path().to_owned());
        let mut failed = None;
        // Where there is no folder, nothing was ever recorded.
        for entry in std::fs::read_dir(&self.0.folder).into_iter().flatten() {
            let Ok(path) = entry.map(|entry| entry.path()) else {
                continue;
            };
            if is_ours(&path) && stays.as_ref() != Some(&path) {
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
        let ended = {
            let mut running = self.running();
            let fits = running
                .as_ref()
                .is_some_and(|now| call.is_none_or(|call| now.call == *call));
            if fits { running.take() } else { None }
        };
        if ended.is_some() {
            let _told = self.0.panel.record(None);
            drop(ended);
            self.tell();
        }
    }

    /// Keeps in line with the call: what is on hold is not recorded, what is over is closed. True: it is over.
    fn follow(&self, phone: &PhoneView) -> bool {
        let running = self.running();
        let Some(now) = running.as_ref() else {
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
        drop(running);
        self.tell();
        false
    }

    fn tell(&self) {
        let view = self.running().as_ref().map(|now| RecordingView {
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

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
        blocking(move || recorder.begin(call, beep, &store)).await?;
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
}
