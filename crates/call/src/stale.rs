//! News of callers that comes late: repeated by a server, or kept by a computer that slept.
//!
//! What is older than a minute never rings on its own word. The server is asked first, and only a caller who still
//! waits there is taken up; otherwise nothing happens at all, not even a row, since nobody knows how that call ended.

use std::time::Duration;

use crate::ids::{CallId, RoomName};
use crate::input::{LegFact, Offer};
use crate::output::LegCommand;
use crate::phone::Phone;
use crate::state::LegStatus;

/// Older news does not ring. The age is told by two clocks, which is why the server is asked instead of believing them.
const FRESH_MS: i64 = 60_000;
/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Such offers at once.
const KEPT: usize = 16;

/// Offers that wait for the server's word.
#[derive(Debug, Clone, Default)]
pub(crate) struct LateOffers {
    waiting: Vec<(Offer, Duration)>,
}

impl LateOffers {
    pub(crate) fn has_call(&self, call: &CallId) -> bool {
        self.waiting.iter().any(|(offer, _)| offer.call == *call)
    }

    pub(crate) fn has_room(&self, room: &RoomName) -> bool {
        self.waiting.iter().any(|(offer, _)| offer.room == *room)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().map(|(_, until)| *until).min()
    }

    pub(crate) fn fire(&mut self, now: Duration) {
        self.waiting.retain(|(_, until)| *until > now);
    }
}

impl Phone {
    /// Keeps an offer that is too old to be believed. Says whether it is.
    pub(crate) fn is_late(&mut self, offer: &Offer) -> bool {
        let now = self.shared.now;
        // without a time of its own it is news of this moment
        let age = now.unix_ms.saturating_sub(offer.created_unix_ms);
        if offer.created_unix_ms <= 0 || age <= FRESH_MS {
            return false;
        }
        if self.late.waiting.len() < KEPT {
            self.shared.leg(LegCommand::Look {
                call: offer.call.clone(),
                room: offer.room.clone(),
                leg: offer.leg.clone(),
            });
            let until = now.mono.saturating_add(PATIENCE);
            self.late.waiting.push((offer.clone(), until));
        }
        true
    }

    /// The server's word about a late offer. Says whether it was about one.
    pub(crate) fn late_fact(&mut self, call: &CallId, fact: &LegFact) -> bool {
        let of = |(offer, _): &(Offer, Duration)| offer.call == *call;
        let Some(at) = self.late.waiting.iter().position(of) else {
            return false;
        };
        let waits = match fact {
            LegFact::Looked { leg, .. } => leg.is_some_and(|status| status <= LegStatus::Ringing),
            LegFact::LookFailed => false,
            LegFact::Answered { .. }
            | LegFact::PlaceFailed { .. }
            | LegFact::Removed { .. }
            | LegFact::RoomDeleted { .. }
            | LegFact::DropFailed { .. }
            | LegFact::PersonAnswered { .. }
            | LegFact::PersonFailed { .. }
            | LegFact::Transferred
            | LegFact::TransferFailed(_)
            | LegFact::Parted { .. } => return false,
        };
        let (offer, _) = self.late.waiting.remove(at);
        if waits {
            self.take_up(offer);
        }
        true
    }
}
