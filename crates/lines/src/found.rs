//! What there is at both places.

use serde_json::Value;

use crate::livekit::LiveKitFound;
use crate::service::{Service, ServiceError};
use crate::signalwire::SignalWireFound;
use crate::telnyx::TelnyxFound;
use crate::twilio::TwilioFound;

/// An object with an id and a name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A number of an account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnedNumber {
    /// E.164.
    pub number: String,
    /// The provider's id of it.
    pub id: String,
    /// What it is on (trunk, connection), by its id; empty for nothing.
    pub on: String,
    /// What answers it otherwise, in words; empty for nothing.
    pub answered_by: String,
    /// Can it be called?
    pub voice: bool,
    /// `registered` when the emergency services know the address; empty when the provider does not tell.
    pub emergency: String,
    /// As it is, for the snapshot.
    pub(crate) raw: Value,
}

/// What only the line check asks the provider for. What it does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProviderExtras {
    /// Money left.
    pub balance: Option<f64>,
    /// Of which currency.
    pub currency: String,
    /// The country of the line's first number, ISO 3166; empty when it is not looked at.
    pub home: String,
    /// May it be called?
    pub home_open: Option<bool>,
    /// Is anything there that stops a thief from running up a bill?
    pub is_guarded: Option<bool>,
    /// Calls of the last day that LiveKit did not take, by the provider's own log: its number for the error, and its words.
    pub refused: Option<Vec<(String, String)>>,
    /// Did a handler of the person's own answer as SignalWire needs it? If not, what it did instead.
    pub handler: Option<Result<(), String>>,
}

/// What there is at the provider.
#[derive(Debug, Clone, Default)]
pub enum ProviderFound {
    /// Deskline does not look there: another provider, or LiveKit itself.
    #[default]
    Nothing,
    /// At Twilio.
    Twilio(Box<TwilioFound>),
    /// At Telnyx.
    Telnyx(Box<TelnyxFound>),
    /// At SignalWire.
    SignalWire(Box<SignalWireFound>),
}

impl ProviderFound {
    /// An account that tells nothing of what a line needs has told nothing.
    pub(crate) fn told(self) -> Result<Self, ServiceError> {
        match &self {
            Self::SignalWire(found) => match &found.no_api {
                Some(words) => Err(ServiceError::Forbidden {
                    service: Service::SignalWire,
                    words: words.clone(),
                }),
                None => Ok(self),
            },
            Self::Nothing | Self::Twilio(_) | Self::Telnyx(_) => Ok(self),
        }
    }
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// In the LiveKit project.
    pub livekit: LiveKitFound,
    /// At the provider.
    pub provider: ProviderFound,
}

impl Found {
    /// What was found at Twilio, if that was asked.
    #[must_use]
    pub fn twilio(&self) -> Option<&TwilioFound> {
        match &self.provider {
            ProviderFound::Twilio(found) => Some(found),
            ProviderFound::Nothing | ProviderFound::Telnyx(_) | ProviderFound::SignalWire(_) => {
                None
            }
        }
    }

    /// What was found at Telnyx, if that was asked.
    #[must_use]
    pub fn telnyx(&self) -> Option<&TelnyxFound> {
        match &self.provider {
            ProviderFound::Telnyx(found) => Some(found),
            ProviderFound::Nothing | ProviderFound::Twilio(_) | ProviderFound::SignalWire(_) => {
                None
            }
        }
    }

    /// What was found at SignalWire, if that was asked.
    #[must_use]
    pub fn signalwire(&self) -> Option<&SignalWireFound> {
        match &self.provider {
            ProviderFound::SignalWire(found) => Some(found),
            ProviderFound::Nothing | ProviderFound::Twilio(_) | ProviderFound::Telnyx(_) => None,
        }
    }
}
