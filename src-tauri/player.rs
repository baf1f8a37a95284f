//! Recordings of calls, heard by the person at this desk. A call, or somebody who rings, ends it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audio::{Player, PlayerError, PlayerStage};
use call::view::PhoneView;
use desk::unix_ms;
use tokio::sync::watch;

use crate::core::{Core, blocking};
use crate::ipc::sound::{PlayerView, RecordingOutline};
use crate::ipc::types::IpcError;

/// Most parts in which a recording is drawn: no window has room for more.
const PARTS: usize = 240;
/// For the person.
const NO_SPEAKER: &str = "The recording cannot be heard: no speaker takes the sound. Connect one, or choose another in Settings.";

/// Whoever plays recordings. Cheap to clone; every clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listening(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    playing: Mutex<Option<Player>>,
    shown: watch::Sender<Option<PlayerView>>,
}

impl Listening {
    /// What is played just now; changes with it.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<PlayerView>> {
        self.0.shown.subscribe()
    }

    /// Plays a file, in place of the one before. Reads the disk.
    fn begin(
        &self,
        call: String,
        path: &std::path::Path,
        from_ms: u32,
        speaker: Option<&str>,
    ) -> Result<watch::Receiver<PlayerStage>, PlayerError> {
        let from = Duration::from_millis(from_ms.into());
        let player = Player::start(path, from, speaker)?;
        let stage = player.stage();
        let mut playing = self.playing();
        *playing = Some(player);
        self.0.shown.send_replace(Some(PlayerView {
            call,
            from_ms,
            began_at_ms: None,
            problem: None,
        }));
        Ok(stage)
    }

    /// Shows how far it is, until it is over or another is played.
    async fn follow(self, mut stage: watch::Receiver<PlayerStage>) {
        loop {
            let now = *stage.borrow_and_update();
            let goes_on = {
                let mut playing = self.playing();
                let same = |player: &Player| player.stage().same_channel(&stage);
                if !playing.as_ref().is_some_and(same) {
                    return;
                }
                match now {
                    PlayerStage::Opening => true,
                    PlayerStage::Playing => {
                        self.show(|view| view.began_at_ms = Some(unix_ms()));
                        true
                    }
                    PlayerStage::Over => {
                        *playing = None;
                        self.0.shown.send_replace(None);
                        false
                    }
                    PlayerStage::NoSpeaker => {
                        *playing = None;
                        self.show(|view| {
                            view.began_at_ms = None;
                            view.problem = Some(NO_SPEAKER.to_owned());
                        });
                        false
                    }
                }
            };
            if !goes_on || stage.changed().await.is_err() {
                return;
            }
        }
    }

    fn show(&self, change: impl FnOnce(&mut PlayerView)) {
        self.0.shown.send_modify(|shown| {
            if let Some(view) = shown {
                change(view);
            }
        });
    }

    /// Ends what is played if it is of one of these calls.
    pub(crate) fn end_of(&self, calls: &[String]) {
        let shown = self.0.shown.borrow().as_ref().map(|view| view.call.clone());
        if shown.is_some_and(|call| calls.contains(&call)) {
            self.end();
        }
    }

    fn end(&self) {
        *self.playing() = None;
        self.0
            .shown
            .send_if_modified(|shown| shown.take().is_some());
    }

    fn playing(&self) -> MutexGuard<'_, Option<Player>> {
        self.0
            .playing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends what is played when the devices are wanted for a call, or somebody rings. Runs until the phone ends.
pub(crate) async fn follow(listening: Listening, mut phone: watch::Receiver<Arc<PhoneView>>) {
    loop {
        if phone.borrow_and_update().has_open_call() {
            listening.end();
        }
        if phone.changed().await.is_err() {
            listening.end();
            return;
        }
    }
}

impl Core {
    /// A call's recording at a glance. Reads the whole file.
    ///
    /// # Errors
    /// There is no such call, it has no recording, or that cannot be read.
    pub async fn recording_outline(&self, call: String) -> Result<RecordingOutline, IpcError> {
        let path = self.recording_of(call).await?;
        let outline = blocking(move || audio::outline(&path, PARTS).map_err(refused)).await?;
        Ok(RecordingOutline {
            length_ms: u32::try_from(outline.length.as_millis()).unwrap_or(u32::MAX),
            desk: outline.desk,
            far: outline.far,
        })
    }

    /// Lets a call's recording be heard, at the speaker of calls.
    ///
    /// # Errors
    /// A call needs the devices, there is no recording, or it cannot be read.
    pub async fn recording_play(&self, call: String, from_ms: u32) -> Result<(), IpcError> {
        self.nobody_calls("listen to the recording")?;
        let path = self.recording_of(call.clone()).await?;
        let speaker = {
            let view = self.sound_view();
            let view = view.borrow();
            let chosen = view.settings.speaker.as_ref();
            // One that is not there would be refused; the system's stands in for it, as in a call.
            chosen
                .filter(|of| view.speakers.iter().any(|there| there.id == of.id))
                .map(|of| of.id.clone())
        };
        let listening = self.listening().clone();
        let stage = blocking(move || {
            listening
                .begin(call, &path, from_ms, speaker.as_deref())
                .map_err(refused)
        })
        .await?;
        tokio::task::spawn(self.listening().clone().follow(stage));
        // Somebody may have called while the file was opened.
        if self.view().borrow().has_open_call() {
            self.listening().end();
        }
        Ok(())
    }

    /// Ends that.
    pub fn recording_halt(&self) {
        self.listening().end();
    }

    async fn recording_of(&self, call: String) -> Result<PathBuf, IpcError> {
        let store = self.store()?;
        let kept = blocking(move || {
            let entry = store.entry(&call);
            entry.map_err(|error| IpcError::new("history", error.to_string()))
        })
        .await?;
        let none = || {
            let why = "This call has no recording. Record the next one while you talk.";
            IpcError::new("recording", why)
        };
        kept.recording_url.map(PathBuf::from).ok_or_else(none)
    }
}

fn refused(error: PlayerError) -> IpcError {
    IpcError::new("recording", error.to_string())
}
