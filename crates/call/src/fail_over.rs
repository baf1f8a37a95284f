//! Going over to another line.
//!
//! A call whose provider refuses to carry it is placed once more over the next line, under four conditions: nothing has rung;
//! the dial request itself said so, with a reason that is the provider's own (see [`EndReason::is_providers`]); that answer
//! proves that no leg is left; and the refused line lets its calls go. Busy, declined, not in service and no answer are the
//! far end's word, and every line would hear it.
//!
//! ```text
//!                the leg left         the request says why
//! Dialling ------> weighing ------------+--- the provider's fault: row rewritten, then placed over the next line
//!     |                |  300 ms        |
//!     |                v                +--- anything else: the call ends as always
//!     |          ends as always         |
//!     +---------------------------------+
//! ```
//! The next leg has a name of its own, and the row knows that name before it is placed: a kill in between leaves no leg that
//! nobody knows. Late news of the refused leg is about a stranger, and dropped.

use std::collections::VecDeque;
use std::time::Duration;

use crate::end::EndReason;
use crate::ids::Identity;
use crate::input::LegFact;
use crate::output::{LineRefusal, LogCommand};
use crate::record::{Call, Shared, Timer};
use crate::routing::{Way, may_be_emergency};
use crate::state::CallState;

/// A journal that has not answered by now does not hold up a call.
const JOURNAL: Duration = Duration::from_secs(3);

/// What the line is called whose name nobody told.
const NAMELESS: &str = "The line";

/// What a call has to do with lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    /// The line it goes over; `None`: the server's first.
    pub(crate) present: Option<Way>,
    /// Where it may go if that one's provider refuses.
    left: VecDeque<Way>,
    /// Who refused it.
    pub(crate) refusals: Vec<LineRefusal>,
    /// The leg is gone before anything rang, and the dial request has not said why.
    weighing: bool,
    /// The row is being told of the next leg; it is placed after that.
    writing: bool,
}

impl Ways {
    pub(crate) fn new(ways: Vec<Way>) -> Self {
        let mut left = VecDeque::from(ways);
        Self {
            present: left.pop_front(),
            left,
            ..Self::default()
        }
    }

    /// The trunk to ask for.
    pub(crate) fn trunk(&self) -> Option<String> {
        self.present.as_ref().map(|way| way.trunk.clone())
    }

    /// The number to be shown to the far end.
    pub(crate) fn caller_id(&self) -> Option<String> {
        self.present.as_ref().and_then(|way| way.caller_id.clone())
    }

    /// No leg is up, and none is asked for.
    pub(crate) fn between_lines(&self) -> bool {
        self.weighing || self.writing
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing
    }

    pub(crate) fn placed(&mut self) {
        (self.weighing, self.writing) = (false, false);
    }

    fn may_be_left(&self) -> bool {
        self.present.as_ref().is_some_and(|way| way.fails_over) && !self.left.is_empty()
    }

    fn name(&self) -> &str {
        self.present.as_ref().map_or(NAMELESS, |way| &way.name)
    }
}

impl Call {
    /// What a person reads while it is dialled.
    pub(crate) fn calling_words(&self) -> String {
        if self.ways.refusals.is_empty() {
            "Calling".into()
        } else {
            format!("Calling over {}", self.ways.name())
        }
    }

    /// The leg is gone or was refused before anything rang. Says whether the call goes on all the same: over another line,
    /// or until it is known why.
    pub(crate) fn goes_on(&mut self, shared: &mut Shared) -> bool {
        if self.state != CallState::Dialling || !self.ways.may_be_left() {
            return false;
        }
        let Some(failure) = &self.place_failure else {
            if !self.ways.weighing {
                self.ways.weighing = true;
                self.wake(Timer::State, crate::ending::VERDICT, shared.now);
            }
            return true;
        };
        let reason = self.verdict();
        let may = failure.proves_no_leg() && reason.is_providers();
        if may {
            self.go_over(reason, shared);
        }
        may
    }

    fn go_over(&mut self, reason: EndReason, shared: &mut Shared) {
        let Some(next) = self.ways.left.pop_front() else {
            return;
        };
        let refusal = LineRefusal {
            line: self.ways.name().to_owned(),
            number: self.ways.caller_id(),
            reason,
        };
        let help = if may_be_emergency(&self.number) {
            " If this is an emergency: whoever answers may not be told where you are. Say it first."
        } else {
            ""
        };
        shared.notify(
            "went_over",
            format!(
                "{} refused the call; calling over {}.{help}",
                refusal.line, next.name
            ),
        );
        let tries = self.ways.refusals.len().saturating_add(2);
        self.leg = Identity::leg_of_try(&self.id, tries);
        self.line = next.caller_id.clone().or(self.line.take());
        self.ways.present = Some(next);
        self.ways.refusals.push(refusal.clone());
        (self.ways.weighing, self.ways.writing) = (false, true);
        // all that was known of the refused leg
        (self.status, self.leave, self.place_failure) = (None, None, None);
        self.drop_tries = 0;
        let facts = &mut self.facts;
        (facts.sip_code, facts.provider_call_id) = (None, None);
        (facts.sip_call_id, facts.sip_call_id_full) = (None, None);
        self.rows_asked = self.rows_asked.saturating_add(1);
        shared.log(LogCommand::WentOver {
            call: self.id.clone(),
            leg: self.leg.clone(),
            line: self.line.clone(),
            refusal,
        });
        self.wake(Timer::State, JOURNAL, shared.now);
    }

    /// The dial request speaks while no leg is up. Says whether that was heard here.
    pub(crate) fn between_lines_fact(&mut self, fact: &LegFact, shared: &mut Shared) -> bool {
        if self.ways.writing {
            return true; // it was answered before: nothing is asked of the server
        }
        let answered = self.ways.weighing && matches!(fact, LegFact::Answered { .. });
        if answered {
            // it was answered, and gone again before the room told
            self.ways.weighing = false;
            self.answered_and_gone(shared);
        }
        answered
    }
}
