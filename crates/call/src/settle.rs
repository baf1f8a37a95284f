//! What must be true of all calls together, derived from their states after every input.

use crate::end::EndReason;
use crate::output::{AudioCommand, Output, ShellCommand};
use crate::phone::Phone;
use crate::record::Call;
use crate::state::{CallState, Direction};

/// Ended calls kept on the screen.
const ENDED_SHOWN: usize = 3;

/// Microphone and speaker as far as the phone knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sound {
    #[default]
    Closed,
    Opening,
    Open,
    Failed,
}

/// What was said last; only changes are said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Derived {
    pub(crate) sound: Sound,
    ring: bool,
    ringback: bool,
    overlay: bool,
}

impl Phone {
    /// Derives from the states what must sound and be shown.
    pub(crate) fn settle(&mut self) {
        self.settle_doubles();
        self.settle_quiet();
        self.settle_devices();
        let devices_open = self.derived.sound == Sound::Open;
        let Self { calls, shared, .. } = self;
        for call in calls.iter_mut() {
            call.advance_joining(devices_open, shared);
            call.advance_answering(devices_open, shared);
            call.advance_rejoining(devices_open, shared);
        }
        self.settle_rings();
        self.settle_way();
        self.retire();
        // whoever was left to others talks on without this program
        let is_open =
            |call: &Call| call.state != CallState::Ended && call.state != CallState::HandedOver;
        let open = self.calls.iter().any(is_open);
        if self.quitting && !open && !self.may_quit {
            self.may_quit = true;
            self.shared.shell(ShellCommand::MayQuit);
        }
    }

    /// The same call in two rooms rings once: the bridge's name of it tells.
    fn settle_doubles(&mut self) {
        let Self { calls, shared, .. } = self;
        let mut seen: Vec<String> = Vec::new();
        for call in calls.iter_mut().filter(|call| {
            call.direction == Direction::Inbound
                && !matches!(call.state, CallState::Ending | CallState::Ended)
        }) {
            let Some(name) = call.facts.sip_call_id.clone() else {
                continue;
            };
            if call.state == CallState::Offered && seen.contains(&name) {
                call.finish(EndReason::Duplicate, shared);
            } else {
                seen.push(name);
            }
        }
    }

    fn settle_devices(&mut self) {
        // a refused call may be about to sound busy
        let wanted = self.is_busy()
            || self.shared.tone_until.is_some()
            || self.calls.iter().any(Call::awaits_verdict);
        match (wanted, self.derived.sound) {
            (true, Sound::Closed) => {
                self.derived.sound = Sound::Opening;
                self.shared.push(Output::Audio(AudioCommand::Open));
            }
            (false, Sound::Opening | Sound::Open | Sound::Failed) => {
                self.derived.sound = Sound::Closed;
                self.shared.push(Output::Audio(AudioCommand::Close));
            }
            (true, Sound::Opening | Sound::Open | Sound::Failed) | (false, Sound::Closed) => {}
        }
    }

    fn settle_rings(&mut self) {
        let waits = self.calls.iter().any(Call::rings_here);
        let ring = !self.is_busy() && waits;
        let rings_there =
            |call: &Call| call.state == CallState::RemoteRinging || call.hears_ringback();
        let ringback = self.calls.iter().any(rings_there);
        let shown = |call: &Call| call.state == CallState::Offered && !call.quiet;
        let overlay = self.calls.iter().any(shown);
        if std::mem::replace(&mut self.derived.ring, ring) != ring {
            self.shared.push(Output::Audio(AudioCommand::Ring(ring)));
        }
        self.settle_beep(self.is_busy() && waits);
        let Self {
            derived, shared, ..
        } = self;
        if std::mem::replace(&mut derived.ringback, ringback) != ringback {
            shared.push(Output::Audio(AudioCommand::Ringback(ringback)));
        }
        if std::mem::replace(&mut derived.overlay, overlay) != overlay {
            shared.shell(if overlay {
                ShellCommand::ShowOverlay
            } else {
                ShellCommand::HideOverlay
            });
        }
    }

    /// Of all who wait, the one that is meant where none is named; of equals the one who has waited longest.
    pub(crate) fn foremost(&self) -> Option<&Call> {
        let rank = |call: &&Call| {
            let is_taken = call.state == CallState::Claiming;
            (!is_taken, !call.rings_here(), call.quiet)
        };
        let waits = |call: &&Call| matches!(call.state, CallState::Offered | CallState::Claiming);
        self.calls.iter().filter(waits).min_by_key(rank)
    }

    /// Hands what ended calls may have left behind to the loose legs, and drops the oldest ended calls.
    fn retire(&mut self) {
        let Self {
            calls,
            loose,
            shared,
            ..
        } = self;
        for call in calls
            .iter_mut()
            .filter(|call| call.state == CallState::Ended && call.is_loose())
        {
            call.ours = false; // the list has it from here on
            loose.take_over(call, shared.now);
        }
        // a call of an earlier run that was gone already is nothing to look at
        let before = calls.len();
        calls
            .retain(|call| call.state != CallState::Ended || !call.back.orphan || call.back.proven);
        shared.changed |= calls.len() != before;
        let ended = calls
            .iter()
            .filter(|call| call.state == CallState::Ended)
            .count();
        let mut surplus = ended.saturating_sub(ENDED_SHOWN);
        shared.changed |= surplus > 0;
        calls.retain(|call| {
            let drop = surplus > 0 && call.state == CallState::Ended;
            surplus -= usize::from(drop);
            !drop
        });
    }
}
