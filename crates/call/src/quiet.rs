//! Who rings here: availability, business hours, lines and people with a rule of their own, and what a decline does.

use std::time::Duration;

use crate::input::LineStatus;
use crate::number::{self, same_number};
use crate::output::ShellCommand;
use crate::phone::{MOST_RINGING, Phone};
use crate::record::Call;
use crate::settings::{Availability, DeclinePolicy, DeskSettings, WhenClosed};
use crate::state::CallState;
use crate::view::{CallView, DeclineEffect, QuietReason};

/// The wall clock may be set while we wait for a time of day, so it is read again at least this often.
const CLOCK: Duration = Duration::from_secs(60);

/// So many of those who may always ring are named.
const NAMED: usize = 2;

/// How a caller is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// Noise, overlay, notification.
    Ring,
    /// Shown only.
    Quiet,
    /// Turned away, if no other desk rings.
    TurnAway,
}

impl Phone {
    pub(crate) fn settings(&mut self, settings: DeskSettings) {
        self.shared.region = settings.region;
        self.shared.ring_for = settings.ring_for.min(MOST_RINGING);
        self.shared.changed |= self.shared.settings != settings;
        self.shared.settings = settings;
    }

    pub(crate) fn set_availability(&mut self, availability: Availability) {
        self.shared.changed |= self.availability != availability;
        self.availability = availability;
    }

    /// Ends a do-not-disturb whose time has come by the wall clock.
    pub(crate) fn end_of_quiet(&mut self) {
        if self
            .quiet_until()
            .is_some_and(|until| until <= self.shared.now.unix_ms)
        {
            self.set_availability(Availability::Available);
        }
    }

    fn quiet_until(&self) -> Option<i64> {
        match self.availability {
            Availability::Available => None,
            Availability::DoNotDisturb { until_unix_ms } => until_unix_ms,
        }
    }

    /// When to look at the wall clock again.
    pub(crate) fn quiet_deadline(&self) -> Option<Duration> {
        let now = self.shared.now;
        let left = self.quiet_until()?.saturating_sub(now.unix_ms).max(1);
        let left = Duration::from_millis(left.unsigned_abs()).min(CLOCK);
        Some(now.mono.saturating_add(left))
    }

    pub(crate) fn welcome(&self, call: &Call) -> Welcome {
        let settings = &self.shared.settings;
        let listed = |list: &[String], number: &str| list.iter().any(|n| same_number(n, number));
        if !settings.open && settings.when_closed == WhenClosed::Decline {
            return Welcome::TurnAway;
        }
        let closed = !settings.open && settings.when_closed == WhenClosed::Silent;
        let quiet_line = call
            .line
            .as_deref()
            .is_some_and(|line| listed(&settings.quiet_lines, line));
        let disturbs = match self.availability {
            Availability::Available => false,
            Availability::DoNotDisturb { .. } => !listed(&settings.always_ring, &call.number),
        };
        if closed || quiet_line || disturbs {
            Welcome::Quiet
        } else {
            Welcome::Ring
        }
    }

    /// Says for every caller who waits whether it rings: a rule that changes takes effect at once. Who waits when the
    /// desk closes is not turned away any more.
    pub(crate) fn settle_quiet(&mut self) {
        let welcomes: Vec<Welcome> = self.calls.iter().map(|c| self.welcome(c)).collect();
        let Self { calls, shared, .. } = self;
        for (call, welcome) in calls.iter_mut().zip(welcomes) {
            if call.state != CallState::Offered {
                continue;
            }
            let quiet = match welcome {
                Welcome::Ring => false,
                Welcome::Quiet => true,
                Welcome::TurnAway => call.quiet,
            };
            shared.changed |= quiet != call.quiet;
            call.quiet = quiet;
            if !quiet && !std::mem::replace(&mut call.notified, true) {
                let call = call.id.clone();
                shared.shell(ShellCommand::NotifyIncoming { call });
            }
            call.settle_watch(shared);
        }
    }

    /// Why callers do not ring here just now.
    pub(crate) fn quiet_reason(&self) -> Option<QuietReason> {
        let settings = &self.shared.settings;
        if !settings.open && settings.when_closed == WhenClosed::Decline {
            return Some(QuietReason::TurnedAway);
        }
        match self.availability {
            Availability::DoNotDisturb { .. } if settings.always_ring.is_empty() => {
                return Some(QuietReason::DoNotDisturb);
            }
            Availability::DoNotDisturb { .. } => return Some(self.only_these()),
            Availability::Available => {}
        }
        if !settings.open && settings.when_closed == WhenClosed::Silent {
            return Some(QuietReason::AfterHours);
        }
        (!settings.quiet_lines.is_empty() && self.every_line_is_quiet())
            .then_some(QuietReason::EveryNumber)
    }

    /// The first few of those who ring in spite of do-not-disturb, and how many more there are.
    fn only_these(&self) -> QuietReason {
        let listed = &self.shared.settings.always_ring;
        let shown = |entry: &String| number::shown(entry, self.shared.region);
        QuietReason::OnlyThese {
            named: listed.iter().take(NAMED).map(shown).collect(),
            more: listed.len().saturating_sub(NAMED),
        }
    }

    /// How many of our numbers do not ring here although the desk does.
    pub(crate) fn quiet_numbers(&self) -> Option<usize> {
        let numbers = self.shared.settings.quiet_lines.len();
        (numbers > 0 && self.quiet_reason().is_none()).then_some(numbers)
    }

    /// Are all numbers that are known of this desk among those that do not ring?
    fn every_line_is_quiet(&self) -> bool {
        let LineStatus::Ready { trunks } = &self.line else {
            return false;
        };
        let quiet = &self.shared.settings.quiet_lines;
        let mut numbers = trunks.iter().flat_map(|trunk| &trunk.numbers).peekable();
        numbers.peek().is_some()
            && numbers.all(|number| quiet.iter().any(|line| same_number(line, number)))
    }

    /// A call as a person sees it, with what pressing decline would do to the caller.
    pub(crate) fn see(&self, call: &Call) -> CallView {
        let mut view = call.view();
        view.quiet = call.quiet;
        view.silenced = call.silenced || call.quiet;
        view.decline_effect = match (self.shared.settings.decline, call.only_desk) {
            (DeclinePolicy::Everybody, _) | (DeclinePolicy::LastDesk, true) => {
                DeclineEffect::EndsForCaller
            }
            (DeclinePolicy::OnlyHere, true) => DeclineEffect::CallerWaits,
            (DeclinePolicy::LastDesk | DeclinePolicy::OnlyHere, false) => DeclineEffect::OnlyHere,
        };
        view
    }
}
