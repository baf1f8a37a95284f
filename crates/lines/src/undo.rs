//! Taking changes back: what was made is removed, what was changed is put back, what was removed is made again.

use std::collections::HashMap;

use serde_json::Value;
use thiserror::Error;
use vault::Secret;

use crate::apply::Services;
use crate::journal::{Change, ChangeState, Journal, JournalError, Object, Place, Verb};
use crate::livekit::{LiveKitFound, Raw, with_fields};
use crate::registry::RegistryError;
use crate::service::ServiceError;
use crate::step::Action;
use crate::wanted::LineId;

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoReport {
    /// Titles, in the order in which they were taken back.
    pub undone: Vec<String>,
    /// What stays as it is, and why.
    pub left: Vec<String>,
    /// What was made again, by its old id: the new one.
    pub renamed: HashMap<String, String>,
}

/// Why it ended early.
#[derive(Debug, Error)]
pub enum UndoError {
    /// A service.
    #[error("{title}: {error}")]
    Failed {
        /// The change.
        title: String,
        /// Why.
        error: ServiceError,
        /// What was taken back before.
        undone: Vec<String>,
    },
    /// The record.
    #[error("{error}")]
    Journal {
        /// Why.
        error: JournalError,
        /// What was taken back before.
        undone: Vec<String>,
    },
    /// Everything is taken back where the line lives; the list of lines on this computer could not be written.
    #[error("{error} Then remove the line, or set it up again.")]
    NotListed {
        /// Why.
        error: RegistryError,
        /// What was taken back.
        undone: Vec<String>,
    },
}

impl UndoError {
    /// What was taken back before it ended.
    #[must_use]
    pub fn undone(&self) -> &[String] {
        match self {
            Self::Failed { undone, .. }
            | Self::Journal { undone, .. }
            | Self::NotListed { undone, .. } => undone,
        }
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Failed { error, .. } => error.code(),
            Self::Journal { .. } => "not_recorded",
            Self::NotListed { error, .. } => error.code(),
        }
    }
}

/// The changes of a line's last run that are still in place, the newest first.
pub(crate) fn last_run(journal: &Journal, line: &LineId) -> Result<Vec<Change>, JournalError> {
    let changes = journal.changes()?;
    let done = |change: &&Change| change.line == *line && change.state == ChangeState::Done;
    let Some(run) = changes.iter().rfind(done).map(|last| last.run.clone()) else {
        return Ok(Vec::new());
    };
    let mut last: Vec<Change> = changes
        .into_iter()
        .filter(|change| done(&change) && change.run == run)
        .collect();
    last.reverse();
    Ok(last)
}

/// Takes `changes` back, in the order given.
pub(crate) async fn undo(
    services: &Services,
    journal: &Journal,
    changes: &[Change],
) -> Result<UndoReport, UndoError> {
    let mut report = UndoReport::default();
    // What was made again has another id than before; a rule must name the new one.
    let mut renamed: HashMap<String, String> = HashMap::new();
    for change in changes {
        let failed = |error, report: &UndoReport| UndoError::Failed {
            title: change.title.clone(),
            error,
            undone: report.undone.clone(),
        };
        if change.object.place() == Place::LiveKit {
            let found = services
                .livekit
                .look()
                .await
                .map_err(|error| failed(error, &report))?;
            if changed_since(change, &found) {
                report.left.push(format!(
                    "{}: somebody changed it since, so it was left alone",
                    change.title
                ));
                continue;
            }
        }
        let unrecorded = |error, report: &UndoReport| UndoError::Journal {
            error,
            undone: report.undone.clone(),
        };
        let before = journal.snapshot(change);
        let before = before.map_err(|error| unrecorded(error, &report))?;
        for (action, password) in actions(change, before, &renamed) {
            let made = services
                .apply(change.object, &action, password.as_ref())
                .await;
            match made {
                Ok(Some(id)) if change.verb == Verb::Delete => {
                    renamed.extend(change.object_id.clone().map(|old| (old, id)));
                }
                Ok(_) => {}
                Err(error) => return Err(failed(error, &report)),
            }
        }
        report.undone.push(change.title.clone());
        let recorded = journal.undone(&change.id);
        recorded.map_err(|error| unrecorded(error, &report))?;
    }
    report.renamed = renamed;
    Ok(report)
}

/// Is it no longer as we left it?
fn changed_since(change: &Change, found: &LiveKitFound) -> bool {
    let (Some(id), Some(after)) = (&change.object_id, &change.after) else {
        return false;
    };
    let raw = if change.object == Object::OutboundTrunk {
        found
            .outbound
            .iter()
            .find(|trunk| trunk.id == *id)
            .map(|trunk| &trunk.raw)
    } else if change.object == Object::InboundTrunk {
        found
            .inbound
            .iter()
            .find(|trunk| trunk.id == *id)
            .map(|trunk| &trunk.raw)
    } else if change.object == Object::Rule {
        found
            .rules
            .iter()
            .find(|rule| rule.id == *id)
            .map(|rule| &rule.raw)
    } else {
        None
    };
    // What is gone can be removed again, or made again.
    raw.is_some_and(|raw| comparable(&raw.0) != comparable(after))
}

/// Without the server's own times, and without what the journal keeps elsewhere.
fn comparable(value: &Value) -> Value {
    let mut value = with_fields(&Raw(value.clone()), Value::Null);
    for path in [
        "/rule/dispatch_rule_individual/pin",
        "/rule/dispatch_rule_direct/pin",
        "/rule/dispatch_rule_callee/pin",
    ] {
        if let Some(pin) = value.pointer_mut(path) {
            *pin = Value::Null;
        }
    }
    value
}

fn actions(
    change: &Change,
    before: Option<Value>,
    renamed: &HashMap<String, String>,
) -> Vec<(Action, Option<Secret>)> {
    let parent = change.parent.clone();
    let id = change.object_id.clone().unwrap_or_default();
    match (change.verb, before) {
        // There a number is not taken off before it is put back: one request does both.
        (Verb::Create, Some(before)) if change.object == Object::SignalWireNumber => {
            let fields = before;
            vec![(Action::Update { parent, id, fields }, None)]
        }
        (Verb::Create, before) => {
            let mut all = vec![(Action::Delete { parent, id }, None)];
            // What a number was on before.
            let former = before
                .as_ref()
                .and_then(|number| number.get("on")?.as_str())
                .filter(|id| !id.is_empty());
            if let (true, Some(former)) = (change.object.is_of_a_number(), former) {
                all.push((
                    Action::Create {
                        parent: Some(former.to_owned()),
                        fields: before.clone().unwrap_or_default(),
                    },
                    None,
                ));
            }
            all
        }
        (Verb::Update, Some(before)) => {
            let (fields, password) = restored(change.object, before, renamed);
            vec![(Action::Update { parent, id, fields }, password)]
        }
        (Verb::Delete, Some(before)) => {
            let (fields, password) = restored(change.object, before, renamed);
            let parent = parent.or(Some(String::new()));
            vec![(Action::Create { parent, fields }, password)]
        }
        (Verb::Update | Verb::Delete, None) => Vec::new(),
    }
}

fn restored(
    object: Object,
    before: Value,
    renamed: &HashMap<String, String>,
) -> (Value, Option<Secret>) {
    if object.place() != Place::LiveKit {
        return (before, None);
    }
    let mut fields = with_fields(&Raw(before), Value::Null);
    if let Some(trunks) = fields.get_mut("trunk_ids").and_then(Value::as_array_mut) {
        for trunk in trunks {
            if let Some(new) = trunk.as_str().and_then(|old| renamed.get(old)) {
                *trunk = new.as_str().into();
            }
        }
    }
    let password = fields
        .as_object_mut()
        .and_then(|map| map.remove("auth_password"))
        .and_then(|password| password.as_str().map(|text| Secret::new(text.to_owned())))
        .filter(|password| !password.expose().is_empty());
    (fields, password)
}
