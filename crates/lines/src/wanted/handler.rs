//! What a person may bring along for SignalWire: a handler of their own, and a SIP address made by hand.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{BadInput, SipHost, shortened};

/// Where SIP addresses of SignalWire are.
const SIGNALWIRE: &str = ".signalwire.com";

/// A server that tells SignalWire what to do with a caller (SWML).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HandlerUrl(Url);

impl TryFrom<String> for HandlerUrl {
    type Error = BadInput;

    fn try_from(kept: String) -> Result<Self, BadInput> {
        Self::parse(&kept)?.ok_or(BadInput::BadHandler(kept))
    }
}

impl From<HandlerUrl> for String {
    fn from(handler: HandlerUrl) -> Self {
        handler.0.into()
    }
}

impl HandlerUrl {
    /// Empty is none. Without TLS only on this computer.
    ///
    /// # Errors
    /// It is no address of a web server.
    pub fn parse(typed: &str) -> Result<Option<Self>, BadInput> {
        let text = typed.trim().trim_matches(['"', '\'']).trim();
        if text.is_empty() {
            return Ok(None);
        }
        // What stands before an @ may be a password.
        let bad = || BadInput::BadHandler(shortened(text.rsplit('@').next().unwrap_or(text)));
        let url = Url::parse(text).map_err(|_| bad())?;
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        let fits = url.scheme() == "https" || (url.scheme() == "http" && is_here);
        if fits && url.host().is_some() && url.username().is_empty() && url.password().is_none() {
            Ok(Some(Self(url)))
        } else {
            Err(bad())
        }
    }

    /// Whole.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for HandlerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A pasted SIP address of SignalWire, without `sip:`, blanks, user and parameters. Empty is none.
pub(crate) fn sip_address(typed: &str) -> Result<Option<SipHost>, BadInput> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let host = SipHost::parse(typed)?;
    if host.host().ends_with(SIGNALWIRE) {
        Ok(Some(host))
    } else {
        Err(BadInput::NotSignalWire(shortened(typed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_sip_address_is_trimmed_to_its_server() {
        for typed in [
            "acme-desk.dapp.signalwire.com",
            "  sip:+12125550100@acme-desk.dapp.signalwire.com ",
            "\"sips:*@ACME-desk.dapp.signalwire.com;transport=tls\"",
        ] {
            let host = sip_address(typed).unwrap().unwrap();
            assert_eq!(host.as_str(), "acme-desk.dapp.signalwire.com", "{typed}");
        }
        assert_eq!(sip_address(" ").unwrap(), None);
        let other = sip_address("desk@acme.pstn.twilio.com").unwrap_err();
        assert!(other.to_string().contains("ends with .signalwire.com"));
    }

    #[test]
    fn a_handler_is_asked_over_tls_or_on_this_computer() {
        assert_eq!(HandlerUrl::parse("  ").unwrap(), None);
        for good in ["https://swml.example/in?line=1", "http://127.0.0.1:9/x"] {
            assert_eq!(HandlerUrl::parse(good).unwrap().unwrap().as_str(), good);
        }
        for bad in [
            "http://swml.example",
            "swml.example/in",
            "sip:x@y.example",
            "https://user:secret@swml.example/",
        ] {
            assert!(HandlerUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
