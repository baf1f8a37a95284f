//! What was shown in the window and waits for a yes, and what ends it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lines::check::CheckReport;
use lines::{Change, Credential, Desk, LineId, Prepared, Progress, ProviderKeys, Removal, Step};
use tokio::sync::watch;

use crate::ipc::types::IpcError;

type Teller = Arc<Mutex<Option<Box<dyn Fn(Progress) + Send>>>>;

/// What was shown and waits for a yes, and what can be stopped.
#[derive(Default)]
pub(crate) struct LineSetup {
    waiting: Mutex<Waiting>,
    /// Who is told while it is carried out.
    pub(super) teller: Teller,
    /// Changes when a test call is no longer waited for.
    pub(super) test: watch::Sender<u64>,
}

impl std::fmt::Debug for LineSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineSetup")
    }
}

/// What a yes would be to. It is carried out as it was shown, or not at all.
#[derive(Default)]
pub(super) struct Waiting {
    plan: Option<WaitingPlan>,
    pub(super) removal: Option<Removal>,
    pub(super) undo: Option<(LineId, Vec<Change>)>,
    /// The last check of each line.
    checks: HashMap<LineId, CheckReport>,
    /// Of the look or the run that is under way.
    stop: Stop,
}

#[derive(Clone)]
pub(super) struct WaitingPlan {
    pub(super) desk: Desk,
    pub(super) prepared: Box<Prepared>,
    pub(super) keys: Option<ProviderKeys>,
    pub(super) given: Option<Credential>,
}

/// Ends one look or one run. Each has its own, so that none is stopped by what was meant for another.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl LineSetup {
    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look begins: what waited is forgotten, what is under way ends.
    pub(super) fn begin(&self) -> Stop {
        self.stop();
        let stop = Stop::default();
        self.waiting().stop = stop.clone();
        stop
    }

    /// Lets a plan wait for a yes. Answers false, and forgets it with its sign-in, if its look was stopped meanwhile.
    pub(super) fn keep(&self, plan: WaitingPlan, look: &Stop) -> bool {
        let mut waiting = self.waiting();
        let is_wanted = !look.is_asked();
        if is_wanted {
            waiting.plan = Some(plan);
        }
        is_wanted
    }

    /// The plan that waits, and what stops its run from this moment on.
    pub(super) fn take(&self) -> Option<(WaitingPlan, Stop)> {
        let mut waiting = self.waiting();
        let plan = waiting.plan.take()?;
        waiting.stop = Stop::default();
        Some((plan, waiting.stop.clone()))
    }

    pub(super) fn tell(&self, teller: Option<Box<dyn Fn(Progress) + Send>>) {
        *self.teller.lock().unwrap_or_else(PoisonError::into_inner) = teller;
    }

    /// Forgets the plan and its sign-in, ends waiting for a test call, and stops what is being carried out before its next step.
    pub(crate) fn stop(&self) {
        let mut waiting = self.waiting();
        waiting.stop.0.store(true, Ordering::SeqCst);
        waiting.plan = None;
        drop(waiting);
        self.test.send_modify(|turn| *turn += 1);
    }

    /// What its findings propose may be done from now on.
    pub(crate) fn show_check(&self, report: &CheckReport) {
        let mut waiting = self.waiting();
        waiting
            .checks
            .insert(report.line.id.clone(), report.clone());
    }

    /// The steps that a finding of the last check proposes.
    ///
    /// # Errors
    /// The line was not checked, or the check did not find this.
    pub(crate) fn shown_fix(&self, line: &LineId, finding: &str) -> Result<Vec<Step>, IpcError> {
        let waiting = self.waiting();
        let report = waiting.checks.get(line);
        report
            .and_then(|report| report.steps_for(finding))
            .map(<[Step]>::to_vec)
            .ok_or_else(|| IpcError::new("not_shown", "The check did not find this. Check again."))
    }
}

/// What was shown is not what would be done now.
pub(crate) fn changed(what: &str) -> IpcError {
    IpcError::new(
        "changed_meanwhile",
        format!("Something changed since this was shown, so nothing was {what}. Look at it again."),
    )
}

pub(super) fn not_shown() -> IpcError {
    IpcError::new(
        "not_shown",
        "What would be done was not shown yet. Look at it, then say yes.",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use call::number::Region;
    use lines::check::{Finding, Fix, Hop, Level};
    use lines::{KeptLine, LineName, Number, Wanted, WantedProvider};

    use super::*;

    #[test]
    fn a_stop_is_for_what_is_under_way_and_for_nothing_after_it() {
        let setup = LineSetup::default();
        let look = setup.begin();
        assert!(!look.is_asked());
        setup.stop();
        assert!(look.is_asked());
        let next = setup.begin();
        assert!(look.is_asked() && !next.is_asked());
        assert!(setup.take().is_none(), "nothing waits for a yes");
    }

    #[test]
    fn only_what_a_check_showed_can_be_mended() {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let name = LineName::parse("Front desk").unwrap();
        let wanted = Wanted::new(name, vec![number], WantedProvider::LiveKitNumbers).unwrap();
        let line = KeptLine::of(&wanted, None);
        let id = line.id.clone();
        let setup = LineSetup::default();
        assert_eq!(setup.shown_fix(&id, "D10").unwrap_err().code, "not_shown");
        setup.show_check(&CheckReport {
            line,
            at: "2026-11-30T08:00:00Z".into(),
            took: Duration::ZERO,
            findings: vec![Finding {
                id: "D10",
                hop: Hop::Rule,
                level: Level::Problem,
                verdict: "The rule lets in only these callers.".into(),
                evidence: Vec::new(),
                fix: Some(Fix::Steps(Vec::new())),
            }],
        });
        assert!(setup.shown_fix(&id, "D10").is_ok());
        assert_eq!(setup.shown_fix(&id, "D06").unwrap_err().code, "not_shown");
    }
}
