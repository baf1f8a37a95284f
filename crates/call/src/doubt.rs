//! Callers of an earlier run that had not been answered, as far as its journal knows.
//!
//! A microphone that is announced answers, and the program may have died before it wrote that down. Then the caller hears
//! silence and no desk rings, since the leg counts as answered. So the server is asked about each of them: an answered leg
//! with no desk beside it is a call that a person can join again or hang up; anything else needs nobody.

use std::time::Duration;

use crate::ids::CallId;
use crate::input::{LegFact, Orphan};
use crate::output::{LegCommand, LogCommand};
use crate::phone::Phone;
use crate::state::LegStatus;

/// An answer that has not come by now is not waited for: the server is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// After five minutes without a word the next start asks.
const TRIES: u32 = 60;
/// Our own dead connection is listed for some 20 s after a crash and cannot be told from a colleague's; whoever is still
/// there after a minute is one.
const GHOST_TRIES: u32 = 12;
/// More are left to the next start.
const KEPT: usize = 256;

#[derive(Debug, Clone)]
struct Doubt {
    orphan: Orphan,
    next: Duration,
    tries: u32,
}

/// All such callers of a desk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doubts {
    waiting: Vec<Doubt>,
}

impl Doubts {
    pub(crate) fn has(&self, call: &CallId) -> bool {
        self.waiting.iter().any(|doubt| doubt.orphan.call == *call)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().map(|doubt| doubt.next).min()
    }
}

impl Phone {
    /// A caller whom an earlier run left unanswered by its journal.
    pub(crate) fn doubt(&mut self, orphan: Orphan) {
        if self.doubts.waiting.len() >= KEPT || self.quitting {
            return self.keep_doubting(orphan);
        }
        self.doubts.waiting.push(Doubt {
            orphan,
            next: self.shared.now.mono,
            tries: 0,
        });
    }

    /// Closes the row. Its leg stays on the list of the journal: the next start asks about it.
    fn keep_doubting(&mut self, orphan: Orphan) {
        let call = orphan.call;
        self.shared.log(LogCommand::FinishOrphan { call });
    }

    /// The program ends: nobody waits for the server's word.
    pub(crate) fn end_doubts(&mut self) {
        for doubt in std::mem::take(&mut self.doubts.waiting) {
            self.keep_doubting(doubt.orphan);
        }
    }

    /// Asks what is due to be asked.
    pub(crate) fn ask_doubts(&mut self) {
        let now = self.shared.now.mono;
        let given_up = |doubt: &mut Doubt| doubt.next <= now && doubt.tries >= TRIES;
        for doubt in self
            .doubts
            .waiting
            .extract_if(.., given_up)
            .collect::<Vec<_>>()
        {
            self.keep_doubting(doubt.orphan);
        }
        let Self { doubts, shared, .. } = self;
        for doubt in doubts.waiting.iter_mut().filter(|doubt| doubt.next <= now) {
            doubt.tries = doubt.tries.saturating_add(1);
            doubt.next = now.saturating_add(AGAIN);
            shared.leg(LegCommand::Look {
                call: doubt.orphan.call.clone(),
                room: doubt.orphan.room.clone(),
                leg: doubt.orphan.leg.clone(),
            });
        }
    }

    /// The server's word about one of them. Says whether it was about one.
    pub(crate) fn doubt_fact(&mut self, call: &CallId, fact: &LegFact) -> bool {
        let of = |doubt: &Doubt| doubt.orphan.call == *call;
        let Some(at) = self.doubts.waiting.iter().position(of) else {
            return false;
        };
        let LegFact::Looked {
            leg, other_desks, ..
        } = fact
        else {
            return true; // asked again in a while
        };
        let answered = matches!(leg, Some(LegStatus::Active | LegStatus::Automation));
        let may_be_ghost = |doubt: &Doubt| doubt.tries < GHOST_TRIES;
        if answered && *other_desks > 0 && self.doubts.waiting.get(at).is_some_and(may_be_ghost) {
            return true; // asked again in a while
        }
        let Doubt { orphan, .. } = self.doubts.waiting.remove(at);
        let taken_up = self.calls.iter().any(|call| call.room == orphan.room);
        if answered && *other_desks == 0 && !taken_up && !self.quitting {
            self.stranded(orphan, true);
        } else {
            self.keep_doubting(orphan);
            self.shared.log(LogCommand::LegGone { call: call.clone() });
        }
        true
    }
}
