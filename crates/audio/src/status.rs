//! What a person sees of the devices, and how they choose among them.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::list::{Choice, Present};
use crate::recording::Tap;
use crate::replay::ReplayStatus;
use crate::tones::Ringtone;
use crate::trial::TrialStage;

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
    /// One sentence while a call or an echo test has no microphone or no speaker: what is missing, and what to do.
    pub problem: Option<String>,
    /// How far the echo test is.
    pub trial: TrialStage,
    /// What can be heard again; `None`: nothing, or it is switched off.
    pub replay: Option<ReplayStatus>,
}

/// How loud it was since the last figures: highest sample, 0 … 32 767. At most ten times a second, in calls and
/// echo tests only.
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
    wishes: mpsc::Sender<Wish>,
    status: watch::Receiver<Status>,
    levels: watch::Receiver<Levels>,
}

/// What a person asks of the devices outside of calls.
#[derive(Debug)]
pub(crate) enum Wish {
    /// To hear a ringtone once.
    Sample(Ringtone),
    /// To begin or to end an echo test.
    Trial(bool),
    /// To record what is said from now on, or no longer.
    Record(Option<Box<Tap>>),
    /// To hear the last seconds of the far end again, or no longer.
    Replay(Option<u32>),
}

/// The other side of the [`Panel`].
pub(crate) struct Behind {
    pub(crate) choice: watch::Receiver<Choice>,
    pub(crate) wishes: mpsc::Receiver<Wish>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) levels: watch::Sender<Levels>,
}

impl Panel {
    pub(crate) fn new() -> (Self, Behind) {
        let (choice, chosen) = watch::channel(Choice::default());
        let (status, seen) = watch::channel(Status::default());
        let (levels, shown) = watch::channel(Levels::default());
        // An impatient finger needs no more.
        let (wishes, asked) = mpsc::channel(4);
        let panel = Self {
            choice: Arc::new(choice),
            wishes,
            status: seen,
            levels: shown,
        };
        let behind = Behind {
            choice: chosen,
            wishes: asked,
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
        let _ = self.wishes.try_send(Wish::Sample(ringtone));
    }

    /// Begins an echo test: the microphone is heard for four seconds, which are then played. It ends by itself, and at once
    /// when a call wants the devices; nothing happens while one has them. A test that runs already begins anew.
    pub fn begin_trial(&self) {
        let _ = self.wishes.try_send(Wish::Trial(true));
    }

    /// Both sides of the call go into this recording too from now on; `None`: into none. At the end of the calls it stops by
    /// itself. A person who asks faster than this can be done is not recorded: false.
    #[must_use]
    pub fn record(&self, tap: Option<Tap>) -> bool {
        self.wishes
            .try_send(Wish::Record(tap.map(Box::new)))
            .is_ok()
    }

    /// Lets the last `seconds` of the far end be heard again (1 to 60, no more than there are), at the speaker of the calls,
    /// over whoever speaks now; the far end and recordings get nothing of it. Nothing happens while nothing is kept.
    pub fn begin_replay(&self, seconds: u32) {
        let _ = self.wishes.try_send(Wish::Replay(Some(seconds)));
    }

    /// Ends that.
    pub fn end_replay(&self) {
        let _ = self.wishes.try_send(Wish::Replay(None));
    }

    /// Ends the echo test.
    pub fn end_trial(&self) {
        let _ = self.wishes.try_send(Wish::Trial(false));
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
