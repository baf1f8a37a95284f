//! The providers that Deskline sets lines up at, behind one door: sign-in, looking, changing.

use serde_json::Value;
use vault::Secret;

use crate::found::{OwnedNumber, ProviderExtras, ProviderFound};
use crate::http::Http;
use crate::journal::Object;
use crate::service::{Endpoints, Service, ServiceError};
use crate::signalwire::{SignalWire, SignalWireKeys};
use crate::step::Action;
use crate::telnyx::{Telnyx, TelnyxKeys};
use crate::twilio::{Twilio, TwilioKeys};
use crate::wanted::{ProviderKind, Wanted};

/// What a provider lets in. Does not show its secret.
#[derive(Debug, Clone)]
pub enum ProviderKeys {
    /// Twilio.
    Twilio(TwilioKeys),
    /// Telnyx.
    Telnyx(TelnyxKeys),
    /// SignalWire.
    SignalWire(SignalWireKeys),
}

impl ProviderKeys {
    /// Whose.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Twilio(_) => ProviderKind::Twilio,
            Self::Telnyx(_) => ProviderKind::Telnyx,
            Self::SignalWire(_) => ProviderKind::SignalWire,
        }
    }

    /// The account, where one can be named without its secret.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Twilio(keys) => Some(keys.account()),
            Self::Telnyx(_) => None,
            Self::SignalWire(keys) => Some(keys.account()),
        }
    }
}

/// One account at a provider. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Provider {
    Twilio(Box<Twilio>),
    Telnyx(Telnyx),
    SignalWire(Box<SignalWire>),
}

impl Provider {
    pub(crate) fn new(http: Http, endpoints: &Endpoints, keys: ProviderKeys) -> Self {
        match keys {
            ProviderKeys::Twilio(keys) => {
                Self::Twilio(Box::new(Twilio::new(http, endpoints.clone(), keys)))
            }
            ProviderKeys::Telnyx(keys) => {
                Self::Telnyx(Telnyx::new(http, endpoints.telnyx.clone(), keys))
            }
            ProviderKeys::SignalWire(keys) => Self::SignalWire(Box::new(SignalWire::new(
                http,
                endpoints.signalwire.clone(),
                keys,
            ))),
        }
    }

    /// Everything that concerns this line.
    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<ProviderFound, ServiceError> {
        Ok(match self {
            Self::Twilio(twilio) => ProviderFound::Twilio(Box::new(twilio.look(wanted).await?)),
            Self::Telnyx(telnyx) => ProviderFound::Telnyx(Box::new(telnyx.look(wanted).await?)),
            Self::SignalWire(signalwire) => {
                ProviderFound::SignalWire(Box::new(signalwire.look(wanted).await?))
            }
        })
    }

    /// Every number of the account.
    pub(crate) async fn numbers(&self) -> Result<Vec<OwnedNumber>, ServiceError> {
        match self {
            Self::Twilio(twilio) => twilio.numbers().await,
            Self::Telnyx(telnyx) => telnyx.numbers().await,
            Self::SignalWire(signalwire) => signalwire.numbers().await,
        }
    }

    /// What only the line check asks for; `home` is a country, empty for none.
    pub(crate) async fn extras(
        &self,
        wanted: &Wanted,
        home: &str,
    ) -> Result<ProviderExtras, ServiceError> {
        match self {
            Self::Twilio(twilio) => twilio.extras(home).await,
            Self::Telnyx(telnyx) => telnyx.extras().await,
            Self::SignalWire(signalwire) => Ok(signalwire.extras(wanted).await),
        }
    }

    /// Carries one change out; answers the id of what was made.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        match self {
            Self::Twilio(twilio) => twilio.apply(object, action, password).await,
            Self::Telnyx(telnyx) => telnyx.apply(object, action, password).await,
            Self::SignalWire(signalwire) => signalwire.apply(object, action, password).await,
        }
    }
}

/// What a key may not ask is unknown.
pub(crate) fn allowed(answer: Result<Value, ServiceError>) -> Result<Option<Value>, ServiceError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ServiceError::Forbidden { .. } | ServiceError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What has gone already need not be removed.
pub(crate) fn removed(answer: Result<Value, ServiceError>) -> Result<Value, ServiceError> {
    match answer {
        Err(ServiceError::NotFound { .. }) => Ok(Value::Null),
        Ok(_) | Err(_) => answer,
    }
}

/// An answer that is none.
pub(crate) fn garbage(service: Service, detail: &str) -> ServiceError {
    ServiceError::Garbage {
        service,
        detail: detail.into(),
    }
}

/// An object that belongs to somebody else: a mistake in Deskline, said as such.
pub(crate) fn not_ours(service: Service, object: Object) -> ServiceError {
    ServiceError::Invalid {
        service,
        words: format!("{} belongs to another service", object.word()),
        code: 0,
    }
}
