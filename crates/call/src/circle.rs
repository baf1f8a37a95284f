//! Who hears whom in a call with several people.
//!
//! Talking to one person alone needs two things: our own connection lets only that leg hear us (the others get music),
//! and the server stops the legs hearing each other. Only when both have said so is it called private.

use std::time::Duration;

use crate::ids::Identity;
use crate::output::{LegCommand, RoomCommand};
use crate::record::{Call, Shared, Timer};
use crate::state::CallState;

/// Connection and server answer in some 10 ms.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause before asking again.
const AGAIN: Duration = Duration::from_secs(3);
/// The sound of a leg that has just answered is listed some 10 ms later.
const SOON: Duration = Duration::from_millis(300);
/// After so many failures the person is told.
const QUIET_TRIES: u32 = 2;
/// The same for legs that may have no sound yet.
const SOON_TRIES: u32 = 4;

/// What waits for the arrangement to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Then {
    #[default]
    Nothing,
    /// This person is dialled: not a moment earlier, or they would be heard.
    Place(Identity),
    /// We leave: not a moment earlier, or they would not hear each other.
    HandOver,
}

/// Who hears whom, as asked for and as far as it was confirmed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Circle {
    /// The one leg we talk to; `None`: all of them.
    pub(crate) only: Option<Identity>,
    pub(crate) then: Then,
    /// What was asked for has held since it was asked for.
    confirmed: bool,
    /// It has held at least once, so it is not given up at the first failure.
    established: bool,
    /// Something was asked for that is not confirmed.
    pending: bool,
    /// A new connection is announced to everybody: nothing of us is heard there before it is arranged who may hear us.
    hushed: bool,
    audience_open: u32,
    audience_failed: bool,
    part_open: u32,
    part_failed: bool,
    tries: u32,
}

impl Circle {
    /// Does everybody hear everybody, and was that confirmed where it was ever different?
    pub(crate) fn is_everybody(&self) -> bool {
        self.only.is_none() && !self.pending
    }
}

impl Call {
    /// The leg we talk to alone, once that is certain.
    pub(crate) fn private_with(&self) -> Option<&Identity> {
        let live = self.state == CallState::Live && self.circle.confirmed;
        self.circle.only.as_ref().filter(|_| live)
    }

    /// Must a connection that is about to be announced be silent until it is arranged who may hear us?
    pub(crate) fn hush(&mut self) {
        self.circle.hushed = self.circle.only.is_some();
    }

    /// Is nothing of us heard, whatever the person wishes?
    pub(crate) fn is_hushed(&self) -> bool {
        self.circle.hushed
    }

    /// The ones who hear us are those who may.
    fn settle_hush(&mut self, shared: &mut Shared) {
        let circle = &self.circle;
        let arranged = circle.audience_open == 0 && !circle.audience_failed;
        if circle.hushed && (arranged || circle.only.is_none()) {
            self.circle.hushed = false;
            self.say_mute(shared);
        }
    }

    /// Asks for another arrangement.
    pub(crate) fn arrange(&mut self, only: Option<Identity>, then: Then, shared: &mut Shared) {
        self.circle.established = false;
        self.circle.confirmed = false;
        self.circle.tries = 0;
        self.circle.only = only;
        self.circle.then = then;
        self.settle_hush(shared);
        self.ask_circle(shared);
    }

    /// Asks (again) for what is wanted.
    fn ask_circle(&mut self, shared: &mut Shared) {
        self.circle.pending = true;
        self.circle.audience_failed = false;
        if let Some(link) = self.talking() {
            self.circle.audience_open = self.circle.audience_open.saturating_add(1);
            shared.room(RoomCommand::SetAudience {
                link,
                only: self.circle.only.clone(),
            });
        } else {
            self.circle.audience_failed = true;
        }
        self.ask_part(shared);
        self.wake(Timer::Circle, ANSWER, shared.now);
        shared.changed = true;
    }

    fn ask_part(&mut self, shared: &mut Shared) {
        self.circle.part_failed = false;
        self.circle.part_open = self.circle.part_open.saturating_add(1);
        shared.leg(LegCommand::Part {
            call: self.id.clone(),
            room: self.room.clone(),
            legs: self.legs_with_sound(),
            apart: self.circle.only.is_some(),
        });
    }

    /// A leg answered, or came back: it must not hear the others either. Before the answer it has no sound to be parted
    /// from.
    pub(crate) fn part_again(&mut self, shared: &mut Shared) {
        if self.state == CallState::Live && self.circle.only.is_some() {
            self.circle.pending = true;
            self.circle.confirmed = false;
            self.circle.tries = 0;
            self.ask_part(shared);
            self.wake(Timer::Circle, ANSWER, shared.now);
            shared.changed = true;
        }
    }

    /// The connection is being rebuilt: nothing is certain any more.
    pub(crate) fn doubt_circle(&mut self) {
        self.circle.confirmed = false;
    }

    /// Who hears whom is not known, and is to be said once we can be heard.
    pub(crate) fn unsure_circle(&mut self) {
        self.circle.pending = true;
    }

    /// A new connection: what the old one was asked is not answered any more.
    pub(crate) fn forget_circle(&mut self) {
        self.circle.confirmed = false;
        self.circle.audience_open = 0;
        self.circle.audience_failed = true;
    }

    /// The connection is back, and may have forgotten what was asked of it.
    pub(crate) fn say_circle_again(&mut self, shared: &mut Shared) {
        if self.state == CallState::Live && !self.circle.is_everybody() {
            self.ask_circle(shared);
        }
    }

    /// Our own connection has answered.
    pub(crate) fn audience_answered(&mut self, done: bool, shared: &mut Shared) {
        if self.state != CallState::Live || self.circle.audience_open == 0 {
            return;
        }
        self.circle.audience_open -= 1;
        if self.circle.audience_open == 0 {
            self.circle.audience_failed = !done;
        }
        self.settle_hush(shared);
        self.settle_circle(shared);
    }

    /// The server has answered.
    pub(crate) fn parted(&mut self, apart: bool, done: bool, shared: &mut Shared) {
        if self.state != CallState::Live || self.circle.part_open == 0 {
            return;
        }
        self.circle.part_open -= 1;
        if self.circle.part_open == 0 {
            self.circle.part_failed = !done || apart != self.circle.only.is_some();
        }
        self.settle_circle(shared);
    }

    /// Both have answered: does it hold?
    fn settle_circle(&mut self, shared: &mut Shared) {
        let circle = &self.circle;
        if !circle.pending || circle.audience_open > 0 || circle.part_open > 0 {
            return;
        }
        if circle.audience_failed || circle.part_failed {
            return self.circle_failed(shared);
        }
        self.cancel(Timer::Circle);
        self.circle.pending = false;
        self.circle.confirmed = true;
        self.circle.established = true;
        self.circle.tries = 0;
        shared.changed = true;
        match std::mem::take(&mut self.circle.then) {
            Then::Nothing => {}
            Then::Place(leg) => self.place_person(&leg, shared),
            Then::HandOver => self.go_out(shared),
        }
    }

    fn circle_failed(&mut self, shared: &mut Shared) {
        self.circle.confirmed = false;
        shared.changed = true;
        let alone = self.circle.only.is_some();
        match std::mem::take(&mut self.circle.then) {
            Then::Place(leg) => {
                self.party.forget(&leg);
                self.arrange(None, Then::Nothing, shared);
                let back = self.far_end();
                shared.notify(
                    "private_failed",
                    format!("Nobody was called: you could not be alone with them. {back} is still with you."),
                );
                return;
            }
            Then::Nothing if alone && !self.circle.established => {
                self.arrange(None, Then::Nothing, shared);
                shared.notify(
                    "private_failed",
                    "You could not be alone with them. Everybody hears everybody again.",
                );
                return;
            }
            Then::HandOver => shared.notify(
                "not_handed_over",
                "The others could not be connected with each other, so you are still in the call. Try again.",
            ),
            Then::Nothing => {
                if self.circle.tries == if alone { SOON_TRIES } else { QUIET_TRIES } {
                    let what = if alone {
                        "It is not certain any more that you are alone: the others may hear each other."
                    } else {
                        "Somebody may still hear music instead of the others. This is tried again."
                    };
                    shared.notify("not_private", what);
                }
            }
        }
        let soon = alone && self.circle.tries < SOON_TRIES;
        self.circle.tries = self.circle.tries.saturating_add(1);
        self.wake(Timer::Circle, if soon { SOON } else { AGAIN }, shared.now);
    }

    /// An answer is overdue, or it is time to ask again.
    pub(crate) fn circle_timer(&mut self, shared: &mut Shared) {
        let overdue = self.circle.audience_open > 0 || self.circle.part_open > 0;
        if !self.circle.pending {
            return;
        }
        if overdue {
            self.circle.audience_open = 0;
            self.circle.part_open = 0;
            self.circle_failed(shared);
        } else {
            self.ask_circle(shared);
        }
    }
}
