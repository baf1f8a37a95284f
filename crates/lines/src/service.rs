//! Who is asked, where, and what can go wrong, each in one sentence with what to do next.

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use url::{Host, Url};

/// Longest part of a stranger's words that is shown.
const LONGEST_WORDS: usize = 300;

/// Whose server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// The LiveKit project.
    LiveKit,
    /// Twilio.
    Twilio,
    /// Telnyx.
    Telnyx,
    /// SignalWire.
    SignalWire,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LiveKit => "LiveKit",
            Self::Twilio => "Twilio",
            Self::Telnyx => "Telnyx",
            Self::SignalWire => "SignalWire",
        })
    }
}

/// Why a request brought no usable answer. `words` are the service's own, cut and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// 401, or a token that is refused.
    #[error("{service} did not accept this sign-in{}. Check the key and the secret, then try again.", said(.words))]
    SignIn {
        /// Whose.
        service: Service,
        /// Its words.
        words: String,
    },
    /// The clocks disagree.
    #[error(
        "{service} refuses the sign-in because the clocks disagree. Set the clock of this computer to automatic time, then try again."
    )]
    Clock {
        /// Whose.
        service: Service,
    },
    /// 403.
    #[error("{service} does not let this key do that{}. Use a key with more rights, or ask whoever runs the account.", said(.words))]
    Forbidden {
        /// Whose.
        service: Service,
        /// Its words.
        words: String,
    },
    /// 404.
    #[error("{service} does not have it (any more){}. Look again: somebody may have deleted it.", said(.words))]
    NotFound {
        /// Whose.
        service: Service,
        /// Its words.
        words: String,
    },
    /// 409, or what means the same.
    #[error("At {service} something else is in the way{}. Choose another name, or remove what is there, then try again.", said(.words))]
    Conflict {
        /// Whose.
        service: Service,
        /// Its words.
        words: String,
    },
    /// 400, 422 and the like.
    #[error("{service} does not take this{}. Correct what it names, then look at the changes again.", said(.words))]
    Invalid {
        /// Whose.
        service: Service,
        /// Its words.
        words: String,
        /// Its number for the error, 0 if it gave none.
        code: i64,
    },
    /// 429.
    #[error("{service} asks to slow down{}. Wait a minute, then go on.", for_seconds(.wait))]
    Busy {
        /// Whose.
        service: Service,
        /// As long as it asks.
        wait: Option<Duration>,
    },
    /// 5xx.
    #[error("{service} has a problem of its own (status {status}{}). Wait a minute, then go on.", said(.words))]
    Broken {
        /// Whose.
        service: Service,
        /// HTTP status.
        status: u16,
        /// Its words.
        words: String,
    },
    /// No connection.
    #[error("{service} cannot be reached ({detail}). Check the network, then go on.")]
    Unreachable {
        /// Whose.
        service: Service,
        /// The system's words.
        detail: String,
    },
    /// The certificate is not that of the server.
    #[error(
        "Something else answers in the place of {service}: its certificate does not fit ({detail}). Nothing was sent. Check the address and the network."
    )]
    Certificate {
        /// Whose.
        service: Service,
        /// The system's words.
        detail: String,
    },
    /// Nothing came in time, or the answer broke off.
    #[error(
        "{service} did not answer in full ({detail}). What was asked may have happened; looking again tells."
    )]
    Cut {
        /// Whose.
        service: Service,
        /// The system's words.
        detail: String,
    },
    /// An answer that is none.
    #[error(
        "What answered is not {service} as Deskline knows it ({detail}). Check the address; a proxy may be in between."
    )]
    Garbage {
        /// Whose.
        service: Service,
        /// What it was instead.
        detail: String,
    },
}

impl ServiceError {
    /// May what was asked have happened all the same?
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Cut { .. } | Self::Garbage { .. } => true,
            Self::SignIn { .. }
            | Self::Clock { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Invalid { .. }
            | Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Certificate { .. } => false,
        }
    }

    /// Is the same question worth asking again soon?
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Broken { .. }
            | Self::Cut { .. }
            | Self::Unreachable { .. } => true,
            Self::SignIn { .. }
            | Self::Clock { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Invalid { .. }
            | Self::Certificate { .. }
            | Self::Garbage { .. } => false,
        }
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign_in_refused",
            Self::Clock { .. } => "clock",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::Busy { .. } => "slow_down",
            Self::Broken { .. } => "service_broken",
            Self::Unreachable { .. } => "unreachable",
            Self::Certificate { .. } => "certificate",
            Self::Cut { .. } => "cut",
            Self::Garbage { .. } => "not_understood",
        }
    }
}

fn said(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("; it says: “{words}”")
    }
}

fn for_seconds(wait: &Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(" for {} seconds", wait.as_secs().max(1))
    })
}

/// A stranger's words, fit to be shown: one line, no control characters, not long.
pub(crate) fn words(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = clean.trim_end_matches('.');
    if clean.chars().count() > LONGEST_WORDS {
        let cut: String = clean.chars().take(LONGEST_WORDS).collect();
        format!("{cut}…")
    } else {
        clean.to_owned()
    }
}

/// Where the providers' servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Accounts and numbers.
    pub twilio_api: Url,
    /// Trunks.
    pub twilio_trunking: Url,
    /// Countries that may be called.
    pub twilio_voice: Url,
    /// Telnyx, everything.
    pub telnyx: Url,
    /// SignalWire, everything; `None`: the server of each space.
    pub signalwire: Option<Url>,
}

/// Why other addresses are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointsError {
    /// Not on this computer.
    #[error(
        "Other addresses of providers can only be on this computer: http://127.0.0.1:PORT. A key must not be sent anywhere else."
    )]
    NotLoopback,
}

impl Endpoints {
    /// The providers' own (their documentation).
    ///
    /// # Errors
    /// Never: the addresses are constants.
    pub fn real() -> Result<Self, EndpointsError> {
        let url = |text| Url::parse(text).map_err(|_| EndpointsError::NotLoopback);
        Ok(Self {
            twilio_api: url("https://api.twilio.com/")?,
            twilio_trunking: url("https://trunking.twilio.com/")?,
            twilio_voice: url("https://voice.twilio.com/")?,
            telnyx: url("https://api.telnyx.com/v2/")?,
            signalwire: None,
        })
    }

    /// Stand-ins behind one address of this computer, each in a folder of its own.
    ///
    /// # Errors
    /// The address is not on this computer: whoever can set it must not get keys sent to them.
    pub fn stand_ins(base: &str) -> Result<Self, EndpointsError> {
        let base = Url::parse(base.trim()).map_err(|_| EndpointsError::NotLoopback)?;
        let loopback = match base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        if !loopback || base.scheme() != "http" {
            return Err(EndpointsError::NotLoopback);
        }
        let folder = |name: &str| {
            base.join(&format!("/{name}/"))
                .map_err(|_| EndpointsError::NotLoopback)
        };
        Ok(Self {
            twilio_api: folder("twilio-api")?,
            twilio_trunking: folder("twilio-trunking")?,
            twilio_voice: folder("twilio-voice")?,
            telnyx: folder("telnyx")?,
            signalwire: Some(folder("signalwire")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_to_providers_or_to_this_computer_only() {
        assert!(Endpoints::real().is_ok());
        let here = Endpoints::stand_ins("http://127.0.0.1:9").unwrap();
        assert_eq!(here.twilio_api.as_str(), "http://127.0.0.1:9/twilio-api/");
        for bad in [
            "https://api.example.com",
            "http://10.0.0.1",
            "http://localhost",
            "http://127.0.0.1.example.com",
            "",
        ] {
            assert_eq!(
                Endpoints::stand_ins(bad),
                Err(EndpointsError::NotLoopback),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_strangers_words_are_one_short_line() {
        assert_eq!(words("a\n\tb\u{202e} c.\0"), "a b c");
        assert_eq!(words(&"x".repeat(1000)).chars().count(), 301);
    }

    #[test]
    fn every_error_is_a_sentence_with_a_next_step() {
        let service = Service::Twilio;
        let words = || "No.".to_owned();
        let all = [
            ServiceError::SignIn {
                service,
                words: words(),
            },
            ServiceError::Clock { service },
            ServiceError::Forbidden {
                service,
                words: words(),
            },
            ServiceError::NotFound {
                service,
                words: words(),
            },
            ServiceError::Conflict {
                service,
                words: words(),
            },
            ServiceError::Invalid {
                service,
                words: words(),
                code: 7,
            },
            ServiceError::Busy {
                service,
                wait: None,
            },
            ServiceError::Broken {
                service,
                status: 500,
                words: words(),
            },
            ServiceError::Unreachable {
                service,
                detail: words(),
            },
            ServiceError::Certificate {
                service,
                detail: words(),
            },
            ServiceError::Cut {
                service,
                detail: words(),
            },
            ServiceError::Garbage {
                service,
                detail: words(),
            },
        ];
        let next = [
            "Check ",
            "Set ",
            "Use ",
            "Look ",
            "Choose ",
            "Correct ",
            "Wait ",
            "looking again",
        ];
        for error in &all {
            let said = error.to_string();
            assert!(said.contains("Twilio") && said.ends_with('.'), "{said}");
            assert!(next.iter().any(|verb| said.contains(verb)), "{said}");
        }
        let busy = ServiceError::Busy {
            service: Service::Twilio,
            wait: Some(Duration::from_secs(7)),
        };
        assert_eq!(
            busy.to_string(),
            "Twilio asks to slow down for 7 seconds. Wait a minute, then go on."
        );
        let refused = ServiceError::SignIn {
            service: Service::Twilio,
            words: "Authenticate".into(),
        };
        assert_eq!(
            refused.to_string(),
            "Twilio did not accept this sign-in; it says: “Authenticate”. Check the key and the secret, then try again."
        );
    }
}
