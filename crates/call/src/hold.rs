//! Several calls on one desk: at most one is talked on, the others wait with music.
//!
//! ```text
//!                 hold                        Dial, or Answer{other: Hold}, of another call
//! talked on --------------------> held <----------------------------------------------- talked on
//!     ^  <----------------------   |
//!     |          take back         |  taking one back holds the one that is talked on
//!     +----------------------------+
//! ```
//! A held call is never taken back by itself, not even when the other one ends: people forget that they can be heard.

use std::time::Duration;

use crate::end::EndReason;
use crate::ids::CallId;
use crate::input::OtherCall;
use crate::output::{AudioCommand, Output, RoomCommand};
use crate::phone::Phone;
use crate::record::{Call, Shared};
use crate::state::CallState;

/// Calls that are up or being set up.
const MOST_CALLS: usize = 4;
/// Between two beeps for a caller who waits while we talk.
const BEEP_AGAIN: Duration = Duration::from_secs(4);

/// What the phone remembers about its calls together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Several {
    /// The next beep.
    beep_at: Option<Duration>,
    /// Another call was held for the sake of this one, which has not come about yet.
    for_whom: Option<CallId>,
    /// Notices there were after the last step.
    notices: u32,
}

impl Several {
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.beep_at
    }
}

impl Call {
    /// Is this the call in which the person hears and is heard?
    pub(crate) fn is_talked_on(&self) -> bool {
        self.state == CallState::Live && !self.held
    }

    /// Is this call on its way to being talked on?
    pub(crate) fn is_being_set_up(&self) -> bool {
        self.state.is_busy() && self.state != CallState::Live
    }

    /// Lets the far end wait with music, or takes it back. Only a live call has anybody to hold.
    pub(crate) fn hold(&mut self, held: bool, shared: &mut Shared) {
        if self.state != CallState::Live || self.held == held {
            return;
        }
        self.held = held;
        shared.changed = true;
        if self.publishing
            && let Some(link) = self.talking()
        {
            shared.room(RoomCommand::SetHeld { link, held });
        }
    }

    /// A new connection knows nothing of a hold, and its microphone is about to be announced.
    pub(crate) fn restore_hold(&mut self, shared: &mut Shared) {
        self.forget_circle();
        if self.held
            && let Some(link) = self.talking()
        {
            shared.room(RoomCommand::SetHeld { link, held: true });
        }
    }

    /// Says again who may (not) be heard: after the microphone was announced, and after the engine did so anew.
    pub(crate) fn say_again(&mut self, shared: &mut Shared) {
        self.apply_mute(shared);
        if self.held
            && self.published
            && let Some(link) = self.talking()
        {
            shared.room(RoomCommand::SetHeld { link, held: true });
        }
        self.say_circle_again(shared);
    }
}

impl Phone {
    /// May another call begin now? If not, why: one sentence.
    pub(crate) fn may_begin(&self) -> Result<(), &'static str> {
        if self.quitting {
            return Err("Deskline is being closed. Start it again, then call.");
        }
        if self.calls.iter().any(Call::is_being_set_up) {
            return Err(
                "Another call is being dialled or answered. Wait for it or cancel it, then try again.",
            );
        }
        let up = self.calls.iter().filter(|call| call.state.is_busy());
        if up.count() >= MOST_CALLS {
            return Err("Four calls are up, which is the most. End one of them first.");
        }
        Ok(())
    }

    /// Holds what is talked on, so that `call` can be.
    pub(crate) fn make_way(&mut self, call: &CallId) {
        let Self {
            calls,
            shared,
            several,
            ..
        } = self;
        for other in calls.iter_mut().filter(|other| other.is_talked_on()) {
            other.hold(true, shared);
            several.for_whom = Some(call.clone());
        }
    }

    pub(crate) fn set_held(&mut self, id: &CallId, held: bool) {
        let call = self.calls.iter().find(|call| call.id == *id);
        if call.is_none_or(|call| call.state != CallState::Live || call.held == held) {
            return;
        }
        if !held {
            if self.calls.iter().any(Call::is_being_set_up) {
                return self.shared.notify(
                    "already_in_call",
                    "Another call is being dialled or answered. Cancel it first, then take this one back.",
                );
            }
            self.make_way(id);
            self.several.for_whom = None;
        }
        if let Some((call, shared)) = self.find(id) {
            call.hold(held, shared);
        }
    }

    pub(crate) fn answer(&mut self, id: &CallId, other: OtherCall) {
        let call = self.calls.iter().find(|call| call.id == *id);
        if call.is_none_or(|call| call.state != CallState::Offered) {
            return;
        }
        if other == OtherCall::End && !self.calls.iter().any(Call::is_being_set_up) {
            let Self { calls, shared, .. } = self;
            for live in calls.iter_mut().filter(|live| live.is_talked_on()) {
                live.finish(EndReason::HungUp, shared);
            }
        }
        if let Err(why) = self.may_begin() {
            return self
                .shared
                .notify("already_in_call", format!("{why} The caller still rings."));
        }
        self.make_way(id);
        if let Some((call, shared)) = self.find(id) {
            call.claim(shared);
        }
    }

    /// A caller who waits while we talk beeps softly, again and again; the ring device stays silent.
    pub(crate) fn settle_beep(&mut self, waits: bool) {
        let now = self.shared.now.mono;
        if !waits || !self.shared.settings.call_waiting {
            self.several.beep_at = None;
        } else if self.several.beep_at.is_none_or(|at| at <= now) {
            self.several.beep_at = Some(now.saturating_add(BEEP_AGAIN));
            self.shared.push(Output::Audio(AudioCommand::Beep));
        }
    }

    /// A call for which another was held did not come about: nobody is taken back by itself, so it is said.
    pub(crate) fn settle_way(&mut self) {
        let new_notice = self.several.notices != self.shared.notices;
        if let Some(id) = self.several.for_whom.take() {
            let call = self.calls.iter().find(|call| call.id == id);
            let pending = call.is_some_and(|call| {
                call.is_being_set_up() || (call.state == CallState::Ending && call.end.is_none())
            });
            let by_us = call.is_some_and(|call| {
                matches!(
                    call.end,
                    Some(EndReason::Cancelled | EndReason::DeclinedHere | EndReason::HungUp)
                )
            });
            let up = call.is_some_and(|call| call.state == CallState::Live);
            let waits = |call: &Call| call.state == CallState::Live && call.held;
            if pending {
                self.several.for_whom = Some(id);
            } else if !up && !by_us && self.calls.iter().any(waits) {
                let still = "Your other call is still on hold.";
                match &mut self.shared.notice {
                    Some(notice) if new_notice => {
                        notice.text.push(' ');
                        notice.text.push_str(still);
                        self.shared.changed = true;
                    }
                    Some(_) | None => self.shared.notify("still_held", still),
                }
            }
        }
        self.several.notices = self.shared.notices;
    }
}
