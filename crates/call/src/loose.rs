//! Legs that may still be up although their call is over: of an earlier run, or not confirmed gone.
//!
//! Each is dropped again and again, with growing pauses, until the server has said that the room is deleted.

use std::time::Duration;

use crate::ids::{CallId, Identity, RoomName};
use crate::input::LegFact;
use crate::output::{LegCommand, LogCommand};
use crate::record::{Call, Shared};
use crate::state::Now;

/// Pause before a loose leg is dropped again; grows by itself with every try.
const AGAIN: Duration = Duration::from_secs(3);
/// Longest such pause.
const LATEST: Duration = Duration::from_secs(60);
/// An answer that has not come by now is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so many tries (84 s) no dial request can be open any more: the server gives up after 80 s.
const PLACE_TRIES: u32 = 7;
/// More are left to the journal and the next start.
const KEPT: usize = 256;

#[derive(Debug, Clone)]
struct Loose {
    call: CallId,
    room: RoomName,
    leg: Identity,
    /// Legs that a dial request may still bring.
    open: Vec<Identity>,
    /// A drop request is open; `next` is then the end of our patience.
    asking: bool,
    /// The leg came while it was being dropped: what was asked before proves nothing.
    came_late: bool,
    next: Duration,
    tries: u32,
}

impl Loose {
    /// A dial request has come to an end.
    fn dialled(&mut self, leg: &Identity, answered: bool, now: Now) {
        self.open.retain(|open| open != leg);
        if self.asking {
            self.came_late |= answered;
        } else {
            self.next = now.mono;
        }
    }

    fn again(&mut self, now: Now) {
        self.asking = false;
        self.tries = self.tries.saturating_add(1);
        let pause = AGAIN.saturating_mul(self.tries).min(LATEST);
        self.next = now.mono.saturating_add(pause);
    }
}

/// All loose legs of a desk.
#[derive(Debug, Clone, Default)]
pub(crate) struct LooseLegs {
    legs: Vec<Loose>,
}

impl LooseLegs {
    pub(crate) fn has(&self, call: &CallId) -> bool {
        self.legs.iter().any(|loose| loose.call == *call)
    }

    /// A leg of an earlier run: dropped at once.
    pub(crate) fn add(&mut self, call: CallId, room: RoomName, leg: Identity, now: Now) {
        self.push(Loose {
            call,
            room,
            leg,
            open: Vec::new(),
            asking: false,
            came_late: false,
            next: now.mono,
            tries: 0,
        });
    }

    /// The leg of a call whose own ladder did not get rid of it.
    pub(crate) fn take_over(&mut self, call: &Call, now: Now) {
        self.push(Loose {
            call: call.id.clone(),
            room: call.room.clone(),
            leg: call.leg.clone(),
            open: call
                .party
                .open()
                .chain(Some(&call.leg).filter(|_| call.place_open))
                .cloned()
                .collect(),
            asking: false,
            came_late: false,
            next: now.mono.saturating_add(AGAIN),
            tries: 0,
        });
    }

    fn push(&mut self, loose: Loose) {
        if self.legs.len() >= KEPT {
            self.legs.remove(0);
        }
        self.legs.push(loose);
    }

    /// The server answers again: no reason to pause.
    pub(crate) fn line_is_back(&mut self, now: Now) {
        for loose in self.legs.iter_mut().filter(|loose| !loose.asking) {
            loose.next = now.mono;
        }
    }

    /// News of the server about a leg that may be on the list.
    pub(crate) fn fact(&mut self, call: &CallId, fact: &LegFact, shared: &mut Shared) {
        let now = shared.now;
        let Some(loose) = self.legs.iter_mut().find(|loose| loose.call == *call) else {
            return;
        };
        match fact {
            LegFact::PlaceFailed { failure, .. } | LegFact::PersonFailed { failure, .. }
                if !failure.proves_no_leg() => {}
            LegFact::Answered { leg } | LegFact::PersonAnswered { leg } => {
                loose.dialled(leg, true, now);
            }
            LegFact::PlaceFailed { leg, .. } | LegFact::PersonFailed { leg, .. } => {
                loose.dialled(leg, false, now);
            }
            LegFact::Removed { found } if loose.asking => {
                if *found {
                    let Loose { open, leg, .. } = loose;
                    open.retain(|open| open != leg);
                }
                shared.leg(LegCommand::DeleteRoom {
                    call: loose.call.clone(),
                    room: loose.room.clone(),
                });
            }
            LegFact::RoomDeleted { .. } if !loose.open.is_empty() && loose.tries < PLACE_TRIES => {
                loose.again(now);
            }
            LegFact::RoomDeleted { .. } if loose.came_late => {
                loose.came_late = false;
                loose.asking = false;
                loose.next = now.mono;
            }
            LegFact::RoomDeleted { .. } => {
                shared.log(LogCommand::LegGone { call: call.clone() });
                self.legs.retain(|loose| loose.call != *call);
            }
            LegFact::DropFailed { .. } if loose.asking => loose.again(now),
            LegFact::Removed { .. }
            | LegFact::DropFailed { .. }
            | LegFact::Looked { .. }
            | LegFact::LookFailed
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => {}
        }
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.legs.iter().map(|loose| loose.next).min()
    }

    pub(crate) fn fire(&mut self, shared: &mut Shared) {
        let now = shared.now;
        for loose in self.legs.iter_mut().filter(|loose| loose.next <= now.mono) {
            if loose.asking {
                loose.again(now); // the answer was lost
                continue;
            }
            loose.asking = true;
            loose.next = now.mono.saturating_add(PATIENCE);
            shared.leg(LegCommand::Remove {
                call: loose.call.clone(),
                room: loose.room.clone(),
                identity: loose.leg.clone(),
            });
        }
    }
}
