//! What of a `.env` file signs in at a provider, and what of it a line has no use for.

use vault::Secret;

use crate::env_file::{Import, Setting};
use crate::wanted::ProviderKind;

/// Whose sign-in a file can have.
const PROVIDERS: [ProviderKind; 3] = [
    ProviderKind::Twilio,
    ProviderKind::Telnyx,
    ProviderKind::SignalWire,
];

/// What a file has of the sign-in at a provider. Its secret is asked for apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSignIn {
    /// Whose.
    pub provider: ProviderKind,
    /// Twilio: account SID. SignalWire: space. Empty where there is none.
    pub account: String,
    /// Twilio: API key, if its secret is there too. SignalWire: project. Empty where there is none.
    pub key: String,
    /// Does [`Import::secret_for`] have the secret of these two?
    pub has_secret: bool,
}

impl Import {
    /// What there is of the sign-in at a provider.
    #[must_use]
    pub fn sign_in(&self, provider: ProviderKind) -> FoundSignIn {
        let text = |setting| self.text(setting).unwrap_or_default().to_owned();
        let (account, key) = match provider {
            // A token and a key may both be there: a key can be taken back alone, so it comes first.
            ProviderKind::Twilio if self.has_twilio_key() => {
                (text(Setting::TwilioAccount), text(Setting::TwilioKey))
            }
            ProviderKind::Twilio => (text(Setting::TwilioAccount), String::new()),
            ProviderKind::SignalWire => (
                text(Setting::SignalWireSpace),
                text(Setting::SignalWireProject),
            ),
            ProviderKind::Telnyx | ProviderKind::Other | ProviderKind::LiveKitNumbers => {
                (String::new(), String::new())
            }
        };
        FoundSignIn {
            provider,
            has_secret: self.secret_for(provider, &account, &key).is_some(),
            account,
            key,
        }
    }

    /// Whose sign-in there is at least a part of, those with a secret first.
    #[must_use]
    pub fn sign_ins(&self) -> Vec<FoundSignIn> {
        let mut found: Vec<FoundSignIn> = PROVIDERS.map(|kind| self.sign_in(kind)).into();
        found.retain(|one| one.has_secret || !one.account.is_empty() || !one.key.is_empty());
        found.sort_by_key(|one| !one.has_secret);
        found
    }

    /// The secret for a sign-in, only for the account (and key) that the file names.
    #[must_use]
    pub fn secret_for(&self, provider: ProviderKind, account: &str, key: &str) -> Option<Secret> {
        let is = |setting, typed: &str| self.text(setting).unwrap_or_default() == typed.trim();
        let secret = match provider {
            ProviderKind::Twilio if !is(Setting::TwilioAccount, account) => None,
            ProviderKind::Twilio if key.trim().is_empty() => Some(Setting::TwilioToken),
            ProviderKind::Twilio => is(Setting::TwilioKey, key).then_some(Setting::TwilioKeySecret),
            ProviderKind::Telnyx => Some(Setting::TelnyxKey),
            ProviderKind::SignalWire => (is(Setting::SignalWireSpace, account)
                && is(Setting::SignalWireProject, key))
            .then_some(Setting::SignalWireToken),
            ProviderKind::Other | ProviderKind::LiveKitNumbers => None,
        };
        secret.and_then(|setting| self.secret(setting))
    }

    /// The name of the trunk at the provider; `None` where none is named, or it has none.
    #[must_use]
    pub fn domain(&self, provider: ProviderKind) -> Option<&str> {
        (provider == ProviderKind::Twilio)
            .then(|| self.text(Setting::TwilioDomain))
            .flatten()
    }

    /// Why a line has no use for something of the file; `None`: it has. What belongs to the project is not asked about here.
    #[must_use]
    pub fn unused(&self, setting: Setting) -> Option<&'static str> {
        match setting {
            Setting::OutboundTrunk | Setting::InboundTrunk => {
                Some("Deskline finds the trunks of the project by itself")
            }
            Setting::TwilioSipUser | Setting::TwilioSipPassword => {
                Some("Deskline makes a user name and a password of its own")
            }
            Setting::TwilioToken if self.has_twilio_key() => {
                Some("the API key is used instead, since it can be taken back alone")
            }
            Setting::TwilioKey if !self.has_twilio_key() => Some("its secret is not in the file"),
            Setting::TwilioKeySecret if !self.has_twilio_key() => {
                Some("its API key is not in the file")
            }
            Setting::LiveKitUrl
            | Setting::LiveKitKey
            | Setting::LiveKitSecret
            | Setting::LiveKitSip
            | Setting::TwilioAccount
            | Setting::TwilioToken
            | Setting::TwilioKey
            | Setting::TwilioKeySecret
            | Setting::TwilioDomain
            | Setting::CallerId
            | Setting::TelnyxKey
            | Setting::SignalWireProject
            | Setting::SignalWireToken
            | Setting::SignalWireSpace => None,
        }
    }

    fn has_twilio_key(&self) -> bool {
        let has = |setting| self.secret(setting).is_some();
        has(Setting::TwilioKey) && has(Setting::TwilioKeySecret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_file;

    fn import(text: &str) -> Import {
        env_file::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_key_goes_before_a_token_and_needs_its_secret() {
        let token = "TWILIO_ACCOUNT_SID=AC1\nTWILIO_AUTH_TOKEN=canary1\n";
        let both = import(&format!(
            "{token}TWILIO_API_KEY=SK1\nTWILIO_API_SECRET=canary2\n"
        ));
        let found = both.sign_in(ProviderKind::Twilio);
        assert_eq!((found.account.as_str(), found.key.as_str()), ("AC1", "SK1"));
        let secret = |import: &Import, key: &str| {
            let secret = import.secret_for(ProviderKind::Twilio, "AC1", key);
            secret.map(|secret| secret.expose().to_owned())
        };
        assert_eq!(secret(&both, "SK1").as_deref(), Some("canary2"));
        assert_eq!(secret(&both, "").as_deref(), Some("canary1"));
        assert_eq!(secret(&both, "SK9"), None);
        assert!(both.unused(Setting::TwilioToken).is_some());
        let half = import(&format!("{token}TWILIO_API_KEY=SK1\n"));
        assert_eq!(half.sign_in(ProviderKind::Twilio).key, "");
        assert_eq!(half.unused(Setting::TwilioToken), None);
        assert!(half.unused(Setting::TwilioKey).is_some());
    }

    #[test]
    fn a_secret_is_for_the_account_that_the_file_names() {
        let file = import(
            "SIGNALWIRE_SPACE=acme\nSIGNALWIRE_PROJECT_ID=p1\nSIGNALWIRE_TOKEN=canary\nTWILIO_ACCOUNT_SID=AC1\n\
             TWILIO_TRUNK_DOMAIN=desk.pstn.twilio.com\n",
        );
        let has = |kind, account, key| file.secret_for(kind, account, key).is_some();
        assert!(has(ProviderKind::SignalWire, " acme ", "p1"));
        assert!(!has(ProviderKind::SignalWire, "acme", "p2"));
        assert!(!has(ProviderKind::SignalWire, "other", "p1"));
        let of: Vec<_> = file.sign_ins().iter().map(|one| one.provider).collect();
        assert_eq!(of, [ProviderKind::SignalWire, ProviderKind::Twilio]);
        assert_eq!(
            file.domain(ProviderKind::Twilio),
            Some("desk.pstn.twilio.com")
        );
        assert_eq!(file.domain(ProviderKind::Telnyx), None);
    }
}
