//! What a person types to get a line, as the window and the terminal pass it on.

use call::number::Region;
use vault::Secret;

use crate::credential::Credential;
use crate::provider::ProviderKeys;
use crate::signalwire::SignalWireKeys;
use crate::telnyx::TelnyxKeys;
use crate::twilio::TwilioKeys;
use crate::wanted::{
    BadInput, HandlerUrl, LineId, LineName, LiveKitSip, Number, ProviderKind, SipHost, Transport,
    TrunkDomain, Wanted, WantedProvider, sip_address,
};

/// The fields as typed. Empty is the same as not given. Holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The word of the provider.
    pub provider: String,
    /// Name of the line.
    pub name: String,
    /// Its numbers.
    pub numbers: Vec<String>,
    /// Where the LiveKit project takes calls.
    pub sip: String,
    /// Twilio: name of the trunk.
    pub domain: String,
    /// Another provider: its server. SignalWire: the SIP address that was made there by hand.
    pub host: String,
    /// SignalWire: what answers callers instead of a script of Deskline's.
    pub handler: String,
    /// Another provider: how LiveKit talks to it.
    pub transport: String,
    /// TLS and encrypted sound.
    pub secure: bool,
}

impl Asked {
    /// The line that is wanted; `project_host` is where the SIP address is guessed from if none is given. True: it was.
    ///
    /// # Errors
    /// Something is wrong in form: what, why, what next.
    pub fn wanted(&self, region: Region, project_host: &str) -> Result<(Wanted, bool), BadInput> {
        let kind = ProviderKind::parse(&self.provider)?;
        let name = LineName::parse(&self.name)?;
        let numbers = self
            .numbers
            .iter()
            .filter(|typed| !typed.trim().is_empty())
            .map(|typed| Number::parse(typed, region))
            .collect::<Result<Vec<_>, _>>()?;
        let guessed = kind.has_api() && self.sip.trim().is_empty();
        let livekit = || {
            if guessed {
                LiveKitSip::guess(project_host).ok_or(BadInput::NoSip)
            } else {
                LiveKitSip::parse(&self.sip)
            }
        };
        let provider = match kind {
            ProviderKind::Twilio => WantedProvider::Twilio {
                livekit: livekit()?,
                domain: if self.domain.trim().is_empty() {
                    TrunkDomain::of(&LineId::of(&name))
                } else {
                    TrunkDomain::parse(&self.domain)?
                },
            },
            ProviderKind::Telnyx => WantedProvider::Telnyx {
                livekit: livekit()?,
            },
            ProviderKind::SignalWire => WantedProvider::SignalWire {
                livekit: livekit()?,
                handler: HandlerUrl::parse(&self.handler)?,
                by_hand: sip_address(&self.host)?,
            },
            ProviderKind::Other => WantedProvider::Other {
                host: SipHost::parse(&self.host)?,
                transport: Transport::parse(&self.transport)?,
            },
            ProviderKind::LiveKitNumbers => WantedProvider::LiveKitNumbers,
        };
        let mut wanted = Wanted::new(name, numbers, provider)?;
        wanted.secure = self.secure;
        Ok((wanted, guessed))
    }
}

impl Credential {
    /// User name and password as a provider gave them.
    ///
    /// # Errors
    /// The user name cannot be one, or the password is empty.
    pub fn given(user: &str, password: Secret) -> Result<Self, BadInput> {
        let user = user.trim();
        let wrong = |c: char| c.is_whitespace() || "\"':".contains(c);
        if user.is_empty() || user.contains(wrong) {
            return Err(BadInput::BadUser);
        }
        if password.expose().is_empty() {
            return Err(BadInput::NoPassword);
        }
        Ok(Self::new(user.to_owned(), password))
    }
}

impl ProviderKeys {
    /// Reads a sign-in as pasted; `None` where nobody signs in. Telnyx needs the secret alone; at SignalWire `account` is the
    /// space and `key` the project.
    ///
    /// # Errors
    /// Something is of the wrong kind: says which field got what.
    pub fn parse(
        kind: ProviderKind,
        account: &str,
        key: &str,
        secret: Secret,
    ) -> Result<Option<Self>, BadInput> {
        Ok(match kind {
            ProviderKind::Twilio => Some(Self::Twilio(TwilioKeys::parse(account, key, secret)?)),
            ProviderKind::Telnyx => Some(Self::Telnyx(TelnyxKeys::parse(secret)?)),
            ProviderKind::SignalWire => Some(Self::SignalWire(SignalWireKeys::parse(
                account, key, secret,
            )?)),
            ProviderKind::Other | ProviderKind::LiveKitNumbers => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(provider: &str) -> Asked {
        Asked {
            provider: provider.into(),
            name: "Front desk".into(),
            numbers: vec!["(212) 555-0100".into(), " ".into()],
            ..Asked::default()
        }
    }

    #[test]
    fn what_is_left_empty_is_guessed_and_said_to_be_or_refused() {
        let (wanted, guessed) = asked("telnyx")
            .wanted(Region::US, "desk.livekit.cloud")
            .unwrap();
        assert!(guessed);
        assert_eq!(wanted.numbers[0].as_str(), "+12125550100");
        let nowhere = asked("twilio").wanted(Region::US, "127.0.0.1");
        assert_eq!(nowhere, Err(BadInput::NoSip));
        let mut whole = asked("other");
        whole.host = "sip:sip.example.com".into();
        assert!(!whole.wanted(Region::US, "").unwrap().1);
        assert!(asked("other").wanted(Region::US, "").is_err());
    }

    #[test]
    fn a_sign_in_is_read_for_the_provider_it_is_for() {
        let parse =
            |kind, secret: &str| ProviderKeys::parse(kind, "", "", Secret::new(secret.to_owned()));
        let kind = ProviderKind::Telnyx;
        assert_eq!(parse(kind, "KEYx").unwrap().unwrap().kind(), kind);
        assert!(parse(ProviderKind::Twilio, "KEYx").is_err());
        assert!(parse(ProviderKind::Other, "").unwrap().is_none());
        let given = |user: &str, password: &str| {
            Credential::given(user, Secret::new(password.to_owned())).err()
        };
        assert_eq!(given("a b", "x"), Some(BadInput::BadUser));
        assert_eq!(given("ab", ""), Some(BadInput::NoPassword));
        assert_eq!(given(" ab ", "x"), None);
    }
}
