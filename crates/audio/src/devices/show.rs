//! What the device thread lets a person see.

use std::sync::atomic::Ordering::Relaxed;

use super::Devices;
use crate::host::Part;
use crate::list::Choice;
use crate::opening::Slot;
use crate::status::{Levels, Status};
use crate::trial::TrialStage;

/// Frames of digital silence after which a microphone is called silent: 3 s.
const SILENT_FRAMES: u64 = 300;

impl Devices {
    pub(super) fn show_status(&self) {
        let present = self.present.borrow().clone();
        let choice = self.panel.choice.borrow().clone();
        let name = |slot: Slot| {
            let opened = self.opened(slot)?;
            let id = opened.stream.device.as_ref();
            let known = id.and_then(|id| present.name(slot.part(), id));
            Some(known.unwrap_or(&opened.stream.name).to_owned())
        };
        let replaced = |part: Part, wish: &Option<String>| {
            wish.as_ref()
                .is_some_and(|id| present.answers && present.name(part, id).is_none())
        };
        let silent = self.wiring.statistics.silent_frames.load(Relaxed) >= SILENT_FRAMES;
        let incomplete = !self.is_whole();
        let Choice {
            microphone,
            speaker,
            ..
        } = &choice;
        let status = Status {
            microphone: name(Slot::Microphone),
            speaker: name(Slot::Speaker),
            ring: name(Slot::Ring),
            microphone_replaced: replaced(Part::Microphone, microphone),
            speaker_replaced: replaced(Part::Speaker, speaker),
            microphone_silent: self.microphone.is_some() && silent,
            problem: self
                .problem
                .as_ref()
                .filter(|_| self.needs_both() && incomplete)
                .map(ToString::to_string),
            trial: if self.trial.is_some() {
                self.wiring.statistics.trial.get()
            } else {
                TrialStage::Idle
            },
            replay: self.replay_status(),
            present,
        };
        self.panel.status.send_if_modified(|shown| {
            let news = *shown != status;
            *shown = status;
            news
        });
    }

    pub(super) fn show_levels(&self) {
        let statistics = &self.wiring.statistics;
        let levels = Levels {
            microphone: statistics.microphone_level.swap(0, Relaxed),
            speaker: statistics.speaker_level.swap(0, Relaxed),
        };
        let shown = if self.needs_both() {
            levels
        } else {
            Levels::default()
        };
        self.panel.levels.send_if_modified(|last| {
            let news = *last != shown;
            *last = shown;
            news
        });
    }
}
