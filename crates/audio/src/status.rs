//! What a person sees of the devices, and how they choose among them.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::list::{Choice, Present};
use crate::tones::Ringtone;

/// The devices as a person should see them. Changes with every arrival, departure and choice, within a second.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// All there are.
    pub present: Present,
    /// Name of the open microphone; `None`: none is open.
    pub microphone: Option<String>,
    /// Name of the open speaker for calls and tones.
    pub speaker: Option<String>,
    /// Name of the open ring device, where it is not the speaker.
    pub ring: Option<String>,
    /// The chosen microphone is not there: another stands in for it until it is back.
    pub microphone_replaced: bool,
    /// The chosen speaker is not there: another stands in for it until it is back.
    pub speaker_replaced: bool,
    /// The open microphone has delivered nothing but digital silence for 3 s: it is switched off, or mute at the device.
    /// This crate does not know of mute and hold, which are made behind [`AudioPorts::capture`](crate::AudioPorts): whoever
    /// shows this must combine them, and say it only while a call that is neither muted nor held should hear us.
    pub microphone_silent: bool,
    /// One sentence while a call has no microphone or no speaker: what is missing, and what to do.
    pub problem: Option<String>,
}

/// How loud it was since the last figures: highest sample, 0 … 32 767. At most ten times a second, in calls only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Levels {
    /// Of the microphone, muted or not.
    pub microphone: u16,
    /// Of all that the speaker plays.
    pub speaker: u16,
}

/// The switches and lamps of the running audio threads. Cheap to clone; any thread may use it; nothing here waits.
#[derive(Debug, Clone)]
pub struct Panel {
    choice: Arc<watch::Sender<Choice>>,
    samples: mpsc::Sender<Ringtone>,
    status: watch::Receiver<Status>,
    levels: watch::Receiver<Levels>,
}

/// The other side of the [`Panel`].
pub(crate) struct Behind {
    pub(crate) choice: watch::Receiver<Choice>,
    pub(crate) samples: mpsc::Receiver<Ringtone>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) levels: watch::Sender<Levels>,
}

impl Panel {
    pub(crate) fn new() -> (Self, Behind) {
        let (choice, chosen) = watch::channel(Choice::default());
        let (status, seen) = watch::channel(Status::default());
        let (levels, shown) = watch::channel(Levels::default());
        // An impatient finger needs no more.
        let (samples, asked) = mpsc::channel(4);
        let panel = Self {
            choice: Arc::new(choice),
            samples,
            status: seen,
            levels: shown,
        };
        let behind = Behind {
            choice: chosen,
            samples: asked,
            status,
            levels,
        };
        (panel, behind)
    }

    /// Uses these devices from now on. In a call the new one is opened before the old one is closed.
    pub fn choose(&self, choice: Choice) {
        self.choice.send_replace(choice);
    }

    /// Lets a ringtone be heard once, where and as loud as it would ring. Nothing happens while somebody calls.
    pub fn sample(&self, ringtone: Ringtone) {
        // A queue that is full will be heard for a while.
        let _ = self.samples.try_send(ringtone);
    }

    /// The devices, now and whenever something changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The level meters.
    #[must_use]
    pub fn levels(&self) -> watch::Receiver<Levels> {
        self.levels.clone()
    }
}
