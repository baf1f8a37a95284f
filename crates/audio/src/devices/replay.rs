//! The far end's last minute, as far as the device thread has to do with it: when it is kept, when it goes, and the speaker
//! that it needs.

use std::time::{Duration, Instant};

use super::Devices;
use crate::frames::Control;
use crate::replay::{Keeping, Replay, ReplayStatus, asked};

/// For the opening of the speaker, and the last of what is heard.
const MARGIN: Duration = Duration::from_secs(2);
/// What is shown grows in steps: nobody needs more.
const SHOWN_STEP: u32 = 5;

/// What the device thread knows of it.
#[derive(Default)]
pub(super) struct Again {
    pub(super) keeping: Keeping,
    /// The frame thread keeps something.
    kept: bool,
    /// It is heard at the longest until then.
    pub(super) heard_until: Option<Instant>,
}

impl Devices {
    /// What was kept of an earlier call is not that of the next one.
    pub(super) fn replay_of_new_call(&mut self) {
        self.drop_replay();
        self.again.keeping.begin();
    }

    /// Keeps it where the person wants it and it may be, and nowhere else.
    pub(super) fn settle_replay(&mut self) {
        let allowed = self.again.keeping.allowed(Instant::now());
        let wanted = self.panel.choice.borrow().instant_replay;
        if !(allowed && wanted) {
            self.drop_replay();
        } else if !self.again.kept
            && self.call.is_some()
            && let Some(replay) = Replay::new()
        {
            self.again.kept = true;
            self.tell(Control::Keep(Some(replay)));
        }
        let playing = self.wiring.statistics.replay.is_playing();
        let over = |until: Instant| !playing || Instant::now() >= until;
        if self.again.heard_until.is_some_and(over) {
            self.end_replay();
        }
    }

    fn drop_replay(&mut self) {
        if std::mem::take(&mut self.again.kept) {
            self.again.heard_until = None;
            self.tell(Control::Keep(None));
        }
    }

    pub(super) fn begin_replay(&mut self, seconds: u32) {
        if !self.again.kept || seconds == 0 {
            return;
        }
        self.end_trial();
        self.again.heard_until = Some(Instant::now() + asked(seconds) + MARGIN);
        // Before the frame thread has said so itself, it must not be taken for over.
        self.wiring.statistics.replay.set_playing(true);
        self.tell(Control::Replay(Some(seconds)));
    }

    pub(super) fn end_replay(&mut self) {
        if self.again.heard_until.take().is_some() {
            self.tell(Control::Replay(None));
        }
    }

    pub(super) fn replay_status(&self) -> Option<ReplayStatus> {
        let status = self.wiring.statistics.replay.status();
        status
            .filter(|_| self.again.kept)
            .map(|status| ReplayStatus {
                seconds: (status.seconds - status.seconds % SHOWN_STEP).max(1),
                playing: self.again.heard_until.is_some(),
            })
    }
}
