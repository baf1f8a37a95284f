//! Taking a line away: what Deskline made in LiveKit, each after a snapshot, and its entry here.

use serde_json::Value;

use crate::apply::{RunError, Services, former_password, journal_failed, not_done};
use crate::desk::{Desk, DeskError};
use crate::found::Found;
use crate::journal::{Journal, Object};
use crate::mark::Mark;
use crate::plan::pick;
use crate::registry::KeptLine;
use crate::step::{Action, Step, StepKey};
use crate::wanted::ProviderKind;

/// What removing a line would do.
#[derive(Debug, Clone)]
pub struct Removal {
    /// The line.
    pub line: KeptLine,
    /// What goes: Deskline's own objects in LiveKit.
    pub steps: Vec<Step>,
    /// What stays, and what to do about it by hand.
    pub notes: Vec<String>,
    services: Services,
    found: Found,
}

impl Desk {
    /// What removing a line would do. Changes nothing.
    ///
    /// # Errors
    /// No such line, or LiveKit.
    pub async fn prepare_removal(&self, named: &str) -> Result<Removal, DeskError> {
        let line = self.line(named)?;
        let wanted = line
            .wanted()
            .ok_or_else(|| DeskError::Damaged(line.name.to_string()))?;
        let services = self.services(None);
        let found = Found {
            livekit: services.livekit.look().await?,
            ..Found::default()
        };
        let ours = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.line == line.id);
        let mut steps = Vec::new();
        let mut remove = |object, name: &str, id: &str, before: &Value| {
            let action = Action::Delete {
                parent: None,
                id: id.to_owned(),
            };
            steps.push(
                Step::new(
                    StepKey::of(object),
                    title_of(object),
                    (format!("“{name}”"), "removed"),
                    action,
                )
                .with_before(before.clone()),
            );
        };
        for rule in found.livekit.rules.iter().filter(|rule| ours(&rule.mark)) {
            remove(Object::Rule, &rule.name, &rule.id, &rule.raw.0);
        }
        let inbound = found.livekit.inbound.iter();
        for trunk in inbound.filter(|trunk| ours(&trunk.mark)) {
            remove(Object::InboundTrunk, &trunk.name, &trunk.id, &trunk.raw.0);
        }
        let outbound = found.livekit.outbound.iter();
        for trunk in outbound.filter(|trunk| ours(&trunk.mark)) {
            remove(Object::OutboundTrunk, &trunk.name, &trunk.id, &trunk.raw.0);
        }
        let mut notes = Vec::new();
        let kind = line.provider;
        let name = kind.shown();
        if line.signs_in() {
            notes.push(format!(
                "At {name} nothing is removed: the number stays connected there, and callers will hear an error. Undoing the set-up of the line takes it off there; or move the number at {name}."
            ));
        } else if kind != ProviderKind::LiveKitNumbers {
            notes.push(
                "Your provider goes on sending calls to LiveKit. Switch that off there.".into(),
            );
        }
        let picked = pick(&wanted, &found);
        if picked.rule.is_some_and(|rule| rule.mark.is_none())
            || picked.inbound.is_some_and(|trunk| trunk.mark.is_none())
        {
            notes.push("What Deskline did not make stays as it is.".into());
        }
        Ok(Removal {
            line,
            steps,
            notes,
            services,
            found,
        })
    }

    /// Removes a line: what Deskline made in LiveKit, each after a snapshot, and its entry here.
    ///
    /// # Errors
    /// LiveKit, the record, the list.
    pub async fn remove(&self, removal: &Removal) -> Result<Vec<String>, DeskError> {
        let _alone = self.alone()?;
        let run = Journal::new_run()?;
        let mut done = Vec::new();
        for step in &removal.steps {
            let password = former_password(step, &removal.found.livekit);
            let change = self.journal.intend(&run, &removal.line.id, step, password);
            let change = change.map_err(|error| journal_failed(error, &done))?;
            let outcome = removal
                .services
                .apply(step.object(), &step.action, None)
                .await;
            if let Err(error) = outcome {
                return Err(not_done(&self.journal, &change, step, error, done).into());
            }
            let id = step.action.id().map(str::to_owned);
            done.push(step.title.clone());
            let recorded = self.journal.done(&change, id, None);
            recorded.map_err(|error| journal_failed(error, &done))?;
        }
        // The entry goes last: while it is there, the same can be done again.
        if let Err(error) = self.vault.delete(&self.password_of(&removal.line.id)) {
            return Err(RunError::PasswordKept { error, done }.into());
        }
        if let Err(error) = self.registry.retire(&removal.line.id) {
            return Err(RunError::NotListed { error, done }.into());
        }
        Ok(done)
    }
}

/// What an object in LiveKit is called where it is planned.
fn title_of(object: Object) -> &'static str {
    if object == Object::Rule {
        "What becomes of callers"
    } else if object == Object::InboundTrunk {
        "LiveKit's way in"
    } else {
        "LiveKit's way out"
    }
}
