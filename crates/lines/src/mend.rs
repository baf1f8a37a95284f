//! What the line check can mend at a press: LiveKit's way in and the rule behind it. Neither needs a sign-in at the provider.

use crate::apply::{RunError, Services, former_password, journal_failed, not_done};
use crate::check::{Facts, Finding, Fix};
use crate::desk::{Desk, DeskError};
use crate::found::Found;
use crate::journal::{Journal, Object, Verb};
use crate::livekit::LiveKitFound;
use crate::plan::{pick, way_in};
use crate::registry::KeptLine;
use crate::step::Step;
use crate::wanted::{LineId, Pin, ProviderKind, Wanted};

/// The findings that mean a way in, and what of it has to change for each.
const FINDINGS: [(&str, Object); 5] = [
    ("D06", Object::InboundTrunk),
    ("D08", Object::Rule),
    ("D09", Object::Rule),
    ("D11", Object::Rule),
    ("D12", Object::Rule),
];

/// Shows the change itself where "set the line up again" would have to be said otherwise.
pub(crate) fn at_a_press(facts: &Facts, livekit: &LiveKitFound, findings: &mut [Finding]) {
    let Some(steps) = steps(&facts.kept, &facts.wanted, livekit) else {
        return;
    };
    for finding in findings {
        let object = FINDINGS.iter().find(|(id, _)| *id == finding.id);
        let is_mended =
            object.is_some_and(|(_, object)| steps.iter().any(|step| step.object() == *object));
        // A rule of somebody else's that takes the callers too is not made one of ours.
        let is_own = ["D06", "D08"].contains(&finding.id) || steps.iter().all(is_a_change);
        if is_mended && is_own && finding.fix == Some(Fix::SetUpAgain) {
            finding.fix = Some(Fix::Steps(steps.clone()));
        }
    }
}

fn is_a_change(step: &Step) -> bool {
    step.verb() != Verb::Create || step.object() != Object::Rule
}

/// The changes that make the way in what it should be. `None`: only setting the line up again can tell them, because a PIN went
/// with its rule, or something stands in the way.
fn steps(kept: &KeptLine, wanted: &Wanted, livekit: &LiveKitFound) -> Option<Vec<Step>> {
    let found = Found {
        livekit: livekit.clone(),
        ..Found::default()
    };
    let mut wanted = wanted.clone();
    match pick(&wanted, &found).rule {
        Some(rule) => wanted.pin = Pin::parse(&rule.pin).ok()?,
        None if kept.has_pin => return None,
        None => {}
    }
    let has_trunks = kept.provider != ProviderKind::LiveKitNumbers;
    let plan = way_in(&wanted, &found, has_trunks);
    (plan.problems.is_empty() && !plan.steps.is_empty()).then_some(plan.steps)
}

impl Desk {
    /// Does what a finding proposes, after a yes: each change is recorded with a snapshot and can be undone.
    ///
    /// # Errors
    /// LiveKit, the record, the list; or somebody changed something meanwhile, so that what was said yes to is no longer what is
    /// needed. What was done before is said.
    pub async fn fix(&self, line: &LineId, steps: &[Step]) -> Result<Vec<String>, DeskError> {
        let _alone = self.alone()?;
        let services = self.services(None);
        let run = Journal::new_run()?;
        let mut kept = self.line(line.as_str())?;
        let mut done = Vec::new();
        let mut livekit = look(&services, &done).await?;
        for step in steps {
            // What a step before this one made has an id only now.
            let now = kept
                .wanted()
                .and_then(|wanted| self::steps(&kept, &wanted, &livekit));
            let mut now = now.into_iter().flatten();
            let fresh = now.find(|own| own.promise() == step.promise());
            let hangs_on_it = step.verb() == Verb::Create
                || (step.object() == Object::Rule && step.action.parent().is_none());
            if hangs_on_it && fresh.is_none() {
                let title = step.title.clone();
                return Err(DeskError::Run(RunError::Changed { title, done }));
            }
            let step = fresh.as_ref().unwrap_or(step);
            let password = former_password(step, &livekit);
            let change = self.journal.intend(&run, line, step, password);
            let change = change.map_err(|error| journal_failed(error, &done))?;
            let made = services.apply(step.object(), &step.action, password).await;
            let made = match made {
                Ok(made) => made,
                Err(error) => {
                    return Err(not_done(&self.journal, &change, step, error, done).into());
                }
            };
            done.push(step.title.clone());
            let known = || step.action.id().unwrap_or_default().to_owned();
            let id = made.unwrap_or_else(known);
            livekit = look(&services, &done).await?;
            let raw = livekit.raw_of(&id).cloned();
            let recorded = self.journal.done(&change, Some(id.clone()), raw);
            recorded.map_err(|error| journal_failed(error, &done))?;
            kept.objects.insert(step.key.word(), id);
        }
        if let Err(error) = self.registry.keep(kept) {
            return Err(RunError::NotListed { error, done }.into());
        }
        Ok(done)
    }
}

/// What is there; if that cannot be seen, what was done before is said.
async fn look(services: &Services, done: &[String]) -> Result<LiveKitFound, RunError> {
    let found = services.livekit.look().await;
    found.map_err(|error| RunError::Failed {
        key: None,
        title: "Looking at what is there".to_owned(),
        error,
        done: done.to_vec(),
    })
}
