//! One change that is planned, as a person sees it and as it is done.

use std::fmt;

use serde_json::Value;

use crate::journal::{Object, Place, Verb};
use crate::wanted::Number;

/// Which step: of which object, and for which number if there is one of them for each. Each stands in a plan at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepKey {
    /// Of what.
    pub object: Object,
    /// For which number.
    pub number: Option<Number>,
}

impl StepKey {
    /// The step of an object that a line has once.
    #[must_use]
    pub fn of(object: Object) -> Self {
        Self {
            object,
            number: None,
        }
    }

    /// The step of an object that a line has for each of its numbers.
    #[must_use]
    pub fn for_number(object: Object, number: &Number) -> Self {
        Self {
            object,
            number: Some(number.clone()),
        }
    }

    /// A word for programs.
    #[must_use]
    pub fn word(&self) -> String {
        let word = self.object.word();
        match &self.number {
            Some(number) => format!("{word} {number}"),
            None => word.to_owned(),
        }
    }
}

/// How a step is done. Holds no password: the executor puts it in at the last moment.
#[derive(Clone, PartialEq)]
pub(crate) enum Action {
    /// Makes an object. `parent` is the object it belongs to, `None` while that is still to be made.
    Create {
        parent: Option<String>,
        fields: Value,
    },
    /// Changes one; `fields` are all of them at LiveKit, the changed ones at a provider.
    Update {
        parent: Option<String>,
        id: String,
        fields: Value,
    },
    /// Removes one.
    Delete { parent: Option<String>, id: String },
}

impl Action {
    /// The object it belongs to, if that is known.
    pub(crate) fn parent(&self) -> Option<&str> {
        match self {
            Self::Create { parent, .. }
            | Self::Update { parent, .. }
            | Self::Delete { parent, .. } => parent.as_deref(),
        }
    }

    /// The object itself, if it exists.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id, .. } | Self::Delete { id, .. } => Some(id),
        }
    }

    /// What happens to it.
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Create { .. } => Verb::Create,
            Self::Update { .. } => Verb::Update,
            Self::Delete { .. } => Verb::Delete,
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.verb(), self.id().unwrap_or("new"))
    }
}

/// One change, planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which.
    pub key: StepKey,
    /// In a few words.
    pub title: String,
    /// How it is now.
    pub now: String,
    /// How it will be.
    pub after: String,
    /// What a person should know before they say yes.
    pub warning: Option<String>,
    pub(crate) action: Action,
    /// The object as it is, for the snapshot.
    pub(crate) before: Option<Value>,
}

impl Step {
    /// A step without a warning and without a snapshot.
    pub(crate) fn new(
        key: StepKey,
        title: &str,
        (now, after): (impl Into<String>, impl Into<String>),
        action: Action,
    ) -> Self {
        Self {
            key,
            title: title.to_owned(),
            now: now.into(),
            after: after.into(),
            warning: None,
            action,
            before: None,
        }
    }

    /// With the object as it is now.
    pub(crate) fn with_before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// With what a person should know first.
    pub(crate) fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warning = warning;
        self
    }

    /// Of what.
    #[must_use]
    pub fn object(&self) -> Object {
        self.key.object
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.object().place()
    }

    /// Made, changed or removed?
    #[must_use]
    pub fn verb(&self) -> Verb {
        self.action.verb()
    }

    /// What a person says yes to.
    pub(crate) fn promise(&self) -> (StepKey, Verb, String, String) {
        (
            self.key.clone(),
            self.verb(),
            self.now.clone(),
            self.after.clone(),
        )
    }
}
