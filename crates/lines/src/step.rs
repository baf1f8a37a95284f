//! One change that is planned, as a person sees it and as it is done.

use std::fmt;

use serde_json::Value;

use crate::journal::{Object, Place, Verb};
use crate::wanted::Number;

/// Which step. Each stands in a plan at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StepKey {
    /// The trunk at Twilio.
    TwilioTrunk,
    /// Where Twilio sends calls.
    TwilioDestination,
    /// The list that holds the password at Twilio.
    TwilioCredentialList,
    /// The password at Twilio.
    TwilioCredential,
    /// The list is what the trunk asks for.
    TwilioSignIn,
    /// LiveKit's way out.
    OutboundTrunk,
    /// LiveKit's way in.
    InboundTrunk,
    /// What becomes of callers.
    Rule,
    /// A number goes to the trunk at Twilio.
    TwilioNumber(Number),
}

impl StepKey {
    /// A word for programs.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::TwilioTrunk => "twilio_trunk".into(),
            Self::TwilioDestination => "twilio_destination".into(),
            Self::TwilioCredentialList => "twilio_credential_list".into(),
            Self::TwilioCredential => "twilio_credential".into(),
            Self::TwilioSignIn => "twilio_sign_in".into(),
            Self::OutboundTrunk => "outbound_trunk".into(),
            Self::InboundTrunk => "inbound_trunk".into(),
            Self::Rule => "rule".into(),
            Self::TwilioNumber(number) => format!("twilio_number {number}"),
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
    /// Of what.
    pub object: Object,
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
    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.object.place()
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
