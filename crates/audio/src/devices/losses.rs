//! Devices that went away, and streams that the sound server took elsewhere.

use std::time::Instant;

use super::Devices;
use crate::host::{DeviceError, Part};
use crate::opening::Slot;
use crate::statistics::count;

impl Devices {
    /// The sound server moves streams without a word to the person: when a device leaves, or by somebody's hand.
    pub(super) fn notice_moves(&mut self) {
        for slot in Slot::ALL {
            let part = slot.part();
            let Some(serial) = self
                .opened(slot)
                .and_then(|opened| opened.stream.vitals.take_moved())
            else {
                continue;
            };
            count(&self.wiring.statistics.moves);
            let there = self.present.borrow().by_serial(part, serial);
            let chosen = {
                let choice = self.panel.choice.borrow();
                match slot {
                    Slot::Microphone => choice.microphone.is_some(),
                    Slot::Speaker => choice.speaker.is_some(),
                    Slot::Ring => choice.ring.is_some(),
                }
            };
            match (there, self.place(slot).as_mut()) {
                (Some(there), Some(opened)) => opened.moved(there, chosen),
                // To what a speaker plays, or to something that came this moment.
                (None, _) if part == Part::Microphone => self.lost(slot),
                (None, _) | (_, None) => {}
            }
        }
    }

    pub(super) fn lost(&mut self, slot: Slot) {
        let part = slot.part();
        tracing::warn!(?slot, "a sound device went away");
        count(&self.wiring.statistics.losses);
        if slot == Slot::Ring {
            self.close(slot);
            return;
        }
        self.problem = Some(DeviceError::NotFound(part));
        if let Some(presence) = &mut self.call {
            presence.lost(Instant::now());
        }
        self.close(slot);
    }
}
