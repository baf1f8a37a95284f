//! What there is at both places.

use crate::livekit::LiveKitFound;
use crate::twilio::TwilioFound;

/// What there is at the provider.
#[derive(Debug, Clone, Default)]
pub enum ProviderFound {
    /// Deskline does not look there: another provider, or LiveKit itself.
    #[default]
    Nothing,
    /// At Twilio.
    Twilio(Box<TwilioFound>),
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
            ProviderFound::Nothing => None,
        }
    }
}
