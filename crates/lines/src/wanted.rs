//! What a person wants of a line, parsed. Everything typed or pasted is hostile until it is one of these types.

use std::fmt;
use std::net::IpAddr;

use call::number::{self, Region};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest name of a line, characters: Twilio cuts names of trunks at 64 bytes.
const LONGEST_NAME: usize = 40;
/// What LiveKit calls the regions of its SIP servers (its documentation, "SIP endpoints").
const REGIONS: [&str; 7] = ["aus", "eu", "india", "japan", "sa", "uk", "us"];
const CLOUD: &str = ".sip.livekit.cloud";
/// Where rooms of LiveKit's own cloud are.
const ROOMS: &str = ".livekit.cloud";

/// Why something typed is not what it should be: what, why, what next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadInput {
    /// No name.
    #[error("The line needs a name, such as Front desk. Type one.")]
    NoName,
    /// Too long a name.
    #[error("The name of a line can have {LONGEST_NAME} characters. Shorten it.")]
    LongName,
    /// Not a number.
    #[error("{typed}: {why}")]
    BadNumber {
        /// As typed, shortened.
        typed: String,
        /// The parser's sentence.
        why: String,
    },
    /// A pattern where a number belongs.
    #[error(
        "“{0}” is a pattern, and LiveKit matches whole numbers only. Type the whole number, such as +12125550100."
    )]
    Pattern(String),
    /// No number.
    #[error("A line needs at least one number. Type the number that rings here.")]
    NoNumber,
    /// The address of rooms in the place of a SIP host.
    #[error(
        "“{0}” is the address for rooms. The one for phone calls is the SIP URI of the project; it looks like abc123.sip.livekit.cloud."
    )]
    RoomAddress(String),
    /// Not a host.
    #[error("“{0}” is not the name of a server. It looks like sip.example.com, without blanks.")]
    BadHost(String),
    /// A port that is none.
    #[error("“{0}” is not a port. A port is a number from 1 to 65535, mostly 5060 or 5061.")]
    BadPort(String),
    /// A region that LiveKit does not have.
    #[error(
        "“{0}” is not a region of LiveKit's phone servers. They are aus, eu, india, japan, sa, uk and us; leave it out if unsure."
    )]
    BadRegion(String),
    /// A trunk's domain.
    #[error(
        "“{0}” cannot be the name of a trunk: letters, digits and hyphens, ending with .pstn.twilio.com."
    )]
    BadDomain(String),
    /// A PIN.
    #[error("A PIN has 1 to 16 digits. Type digits only, or leave it empty.")]
    BadPin,
    /// A transport.
    #[error("“{0}” is not a transport. Choose auto, udp, tcp or tls.")]
    BadTransport(String),
    /// Nothing to guess the SIP address from.
    #[error(
        "The SIP URI of the LiveKit project is needed. It stands in the settings of the project and looks like abc123.sip.livekit.cloud."
    )]
    NoSip,
    /// No password.
    #[error("The password is empty. Type the one that the provider gave for this user name.")]
    NoPassword,
    /// A user name.
    #[error(
        "The user name has a blank, a quote or a colon in it. Copy it from the provider again, without its quotes."
    )]
    BadUser,
    /// A provider.
    #[error(
        "“{0}” is not a provider Deskline knows. Choose twilio, telnyx, signalwire, other or livekit."
    )]
    BadProvider(String),
    /// A SIP address of somebody else.
    #[error(
        "“{0}” is not a SIP address of SignalWire. It ends with .signalwire.com; copy it from the SIP address in the space."
    )]
    NotSignalWire(String),
    /// A handler that cannot be asked.
    #[error(
        "“{0}” cannot answer for SignalWire: the address of a handler begins with https://. Copy the whole address, or leave it empty to let Deskline make one."
    )]
    BadHandler(String),
    /// A key of the wrong kind.
    #[error("{0}")]
    BadKey(String),
    /// Not an amount of money.
    #[error(
        "“{0}” is not an amount. Type it like 0.0085, without a currency sign, with six decimals at most, or leave it empty."
    )]
    BadAmount(String),
    /// Not a currency.
    #[error("“{0}” is not a currency. Three letters are needed, such as USD or EUR.")]
    BadCurrency(String),
}

pub(crate) fn shortened(text: &str) -> String {
    number::display_name(text).map_or_else(
        || "nothing".to_owned(),
        |text| text.chars().take(60).collect(),
    )
}

/// A telephone number in E.164, with its `+`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(String);

impl Number {
    /// Reads any usual writing; `region` is for numbers without a country code.
    ///
    /// # Errors
    /// It is no number, or a pattern with `*`.
    pub fn parse(typed: &str, region: Region) -> Result<Self, BadInput> {
        if typed.contains('*') {
            return Err(BadInput::Pattern(shortened(typed)));
        }
        let bad = |why: String| BadInput::BadNumber {
            typed: shortened(typed),
            why,
        };
        let number = number::parse(typed, region).map_err(|why| bad(why.to_string()))?;
        if !number.dial().starts_with('+') {
            return Err(bad(
                "this is a short code, and a line needs a whole number.".into(),
            ));
        }
        Ok(Self(number.dial().to_owned()))
    }

    /// `+12125550100`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a person reads it.
    #[must_use]
    pub fn shown(&self) -> String {
        number::shown(&self.0, Region::default())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number that LiveKit compares with: blanks, hyphens, brackets and dots taken out and `+` put before it (protocol,
/// `NormalizeNumber`).
pub(crate) fn normalized(number: &str) -> String {
    let mut bare: String = number.chars().filter(|c| !" -().\t".contains(*c)).collect();
    if bare.starts_with(|c: char| c.is_ascii_digit()) {
        bare.insert(0, '+');
    }
    bare
}

/// The name of a line, as a person gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineName(String);

impl LineName {
    /// Blanks around it are taken off; control and direction characters out.
    ///
    /// # Errors
    /// Nothing is left, or too much.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        let name = number::display_name(typed).ok_or(BadInput::NoName)?;
        if typed.trim().chars().count() > LONGEST_NAME || name.chars().count() > LONGEST_NAME {
            return Err(BadInput::LongName);
        }
        Ok(Self(name))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a line is called in marks and files: lower-case letters, digits and hyphens, made of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(String);

impl LineId {
    /// The identity of a line of this name. Two names that differ only in what is left out share one.
    #[must_use]
    pub fn of(name: &LineName) -> Self {
        let mut id = String::new();
        for c in name.as_str().chars() {
            if c.is_alphanumeric() {
                id.extend(c.to_lowercase());
            } else if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        }
        let id = id.trim_end_matches('-');
        Self(if id.is_empty() { "line" } else { id }.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server that takes or sends phone calls: a host, perhaps with a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SipHost(String);

impl SipHost {
    /// Reads what people paste: `sip:user@host:5060;transport=tcp` becomes `host:5060`.
    ///
    /// # Errors
    /// It is the address of rooms, or of nothing.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        let text = typed.trim().trim_matches(['"', '\'', '<', '>']).trim();
        let lower = text.to_lowercase();
        if lower.starts_with("ws:") || lower.starts_with("wss:") {
            return Err(BadInput::RoomAddress(shortened(text)));
        }
        let rest = ["sips:", "sip:", "https://", "http://"]
            .iter()
            .find_map(|scheme| lower.strip_prefix(scheme))
            .unwrap_or(&lower);
        let rest = rest.split([';', '?', '/']).next().unwrap_or_default();
        let rest = rest.rsplit('@').next().unwrap_or_default();
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            Some(_) | None => (rest, None),
        };
        if !is_host(host) {
            return Err(BadInput::BadHost(shortened(text)));
        }
        if host.ends_with(ROOMS) && !host.ends_with(CLOUD) {
            return Err(BadInput::RoomAddress(shortened(text)));
        }
        match port {
            None => Ok(Self(host.to_owned())),
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number > 0 => Ok(Self(format!("{host}:{number}"))),
                Ok(_) | Err(_) => Err(BadInput::BadPort(shortened(port))),
            },
        }
    }

    /// `host` or `host:port`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for SipHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_host(host: &str) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Nothing that is only digits and points: a mistyped address would pass for a name.
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label)
        && host.chars().any(|c| c.is_ascii_alphabetic())
}

/// Where LiveKit takes calls of this project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LiveKitSip(SipHost);

impl LiveKitSip {
    /// Reads the SIP URI that the project's settings show.
    ///
    /// # Errors
    /// It is none, or names a region that does not exist.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        let host = SipHost::parse(typed)?;
        if let Some(labels) = host.host().strip_suffix(CLOUD)
            && let Some((_, region)) = labels.split_once('.')
            && !REGIONS.contains(&region)
        {
            return Err(BadInput::BadRegion(shortened(region)));
        }
        if host.host().ends_with(CLOUD) {
            // Each transport has its own port there; one that was pasted would be the wrong one for the other.
            return Ok(Self(SipHost(host.host().to_owned())));
        }
        Ok(Self(host))
    }

    /// The likely one of a project with this address: a guess, because the real one has the project's id and not its name.
    #[must_use]
    pub fn guess(project_host: &str) -> Option<Self> {
        let name = project_host
            .split(':')
            .next()?
            .strip_suffix(".livekit.cloud")?;
        let name = name.split('.').next()?;
        SipHost::parse(&format!("{name}{CLOUD}")).ok().map(Self)
    }

    /// Is it a server of LiveKit's own cloud?
    #[must_use]
    pub fn is_cloud(&self) -> bool {
        self.0.host().ends_with(CLOUD)
    }

    /// Host, perhaps with a port.
    #[must_use]
    pub fn host(&self) -> &SipHost {
        &self.0
    }

    /// Where a provider sends calls: `sip:…;transport=tcp`, or `tls`.
    #[must_use]
    pub fn uri(&self, secure: bool) -> String {
        format!(
            "sip:{};transport={}",
            self.0,
            if secure { "tls" } else { "tcp" }
        )
    }
}

/// The domain of a trunk at Twilio: where LiveKit sends calls out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrunkDomain(String);

impl TrunkDomain {
    const END: &str = ".pstn.twilio.com";

    /// With or without its ending.
    ///
    /// # Errors
    /// Anything but letters, digits and hyphens.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        let lower = typed.trim().to_lowercase();
        let name = lower.strip_prefix("sip:").unwrap_or(&lower);
        let name = name.strip_suffix(Self::END).unwrap_or(name);
        let fits = !name.is_empty()
            && name.len() <= 48
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !fits {
            return Err(BadInput::BadDomain(shortened(typed)));
        }
        Ok(Self(format!("{name}{}", Self::END)))
    }

    /// The first to try for a line.
    #[must_use]
    pub fn of(line: &LineId) -> Self {
        let ascii: String = line
            .as_str()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(32)
            .collect();
        let name = ascii.trim_matches('-');
        let name = if name.len() < 3 { "front-desk" } else { name };
        Self(format!("{name}-deskline{}", Self::END))
    }

    /// Another one, for when this is taken: four characters more.
    #[must_use]
    pub fn another(&self, four: &str) -> Self {
        let name = self.0.strip_suffix(Self::END).unwrap_or(&self.0);
        Self(format!("{name}-{four}{}", Self::END))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrunkDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How LiveKit talks to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// LiveKit chooses.
    #[default]
    Auto,
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

impl Transport {
    /// `auto`, `udp`, `tcp`, `tls`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        match typed.trim().to_lowercase().as_str() {
            "" | "auto" => Ok(Self::Auto),
            "udp" => Ok(Self::Udp),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            other => Err(BadInput::BadTransport(shortened(other))),
        }
    }

    /// The name in LiveKit's JSON. The short names are for its command line only.
    #[must_use]
    pub fn livekit(self) -> &'static str {
        match self {
            Self::Auto => "SIP_TRANSPORT_AUTO",
            Self::Udp => "SIP_TRANSPORT_UDP",
            Self::Tcp => "SIP_TRANSPORT_TCP",
            Self::Tls => "SIP_TRANSPORT_TLS",
        }
    }
}

/// Who carries the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Twilio Elastic SIP Trunking.
    Twilio,
    /// Telnyx.
    Telnyx,
    /// SignalWire.
    #[serde(rename = "signalwire")]
    SignalWire,
    /// Any provider that gives host, user and password.
    Other,
    /// A number rented from LiveKit: no trunk, incoming only.
    #[serde(rename = "livekit")]
    LiveKitNumbers,
}

impl ProviderKind {
    /// The word in marks and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Telnyx => "telnyx",
            Self::SignalWire => "signalwire",
            Self::Other => "other",
            Self::LiveKitNumbers => "livekit",
        }
    }

    /// Does Deskline set the line up there too? Then it asks for a sign-in.
    #[must_use]
    pub fn has_api(self) -> bool {
        match self {
            Self::Twilio | Self::Telnyx | Self::SignalWire => true,
            Self::Other | Self::LiveKitNumbers => false,
        }
    }

    /// As a person knows it.
    #[must_use]
    pub fn shown(self) -> &'static str {
        match self {
            Self::Twilio => "Twilio",
            Self::Telnyx => "Telnyx",
            Self::SignalWire => "SignalWire",
            Self::Other => "another provider",
            Self::LiveKitNumbers => "LiveKit Phone Numbers",
        }
    }

    /// # Errors
    /// Another word.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        match typed.trim().to_lowercase().as_str() {
            "twilio" => Ok(Self::Twilio),
            "telnyx" => Ok(Self::Telnyx),
            "signalwire" => Ok(Self::SignalWire),
            "other" => Ok(Self::Other),
            "livekit" => Ok(Self::LiveKitNumbers),
            other => Err(BadInput::BadProvider(shortened(other))),
        }
    }
}

/// What is wanted at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedProvider {
    /// A trunk at Twilio that sends calls to LiveKit.
    Twilio {
        /// Where Twilio sends calls.
        livekit: LiveKitSip,
        /// The trunk's own name in the network.
        domain: TrunkDomain,
    },
    /// A connection at Telnyx that sends calls to LiveKit.
    Telnyx {
        /// Where Telnyx sends calls.
        livekit: LiveKitSip,
    },
    /// Handlers and a SIP address at SignalWire.
    SignalWire {
        /// Where SignalWire sends calls.
        livekit: LiveKitSip,
        /// What answers callers instead of a script of Deskline's.
        handler: Option<HandlerUrl>,
        /// The SIP address that the person made there by hand: then Deskline does not look into the account.
        by_hand: Option<SipHost>,
    },
    /// Nothing: the person sets it up there.
    Other {
        /// Where LiveKit sends calls.
        host: SipHost,
        /// How.
        transport: Transport,
    },
    /// Nothing: LiveKit itself.
    LiveKitNumbers,
}

impl WantedProvider {
    /// Which.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Twilio { .. } => ProviderKind::Twilio,
            Self::Telnyx { .. } => ProviderKind::Telnyx,
            Self::SignalWire { .. } => ProviderKind::SignalWire,
            Self::Other { .. } => ProviderKind::Other,
            Self::LiveKitNumbers => ProviderKind::LiveKitNumbers,
        }
    }

    /// Does Deskline sign in there?
    #[must_use]
    pub fn signs_in(&self) -> bool {
        match self {
            Self::SignalWire { by_hand, .. } => by_hand.is_none(),
            Self::Twilio { .. } | Self::Telnyx { .. } => true,
            Self::Other { .. } | Self::LiveKitNumbers => false,
        }
    }
}

/// A line as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its identity.
    pub id: LineId,
    /// Its name.
    pub name: LineName,
    /// Its numbers, the first of which is shown to those who are called. Never empty, never twice the same.
    pub numbers: Vec<Number>,
    /// Callers type it first.
    pub pin: Option<Pin>,
    /// TLS and encrypted sound between LiveKit and the provider, or neither.
    pub secure: bool,
    /// Where from.
    pub provider: WantedProvider,
}

impl Wanted {
    /// # Errors
    /// There is no number.
    pub fn new(
        name: LineName,
        numbers: Vec<Number>,
        provider: WantedProvider,
    ) -> Result<Self, BadInput> {
        let mut different: Vec<Number> = Vec::new();
        for number in numbers {
            if !different.contains(&number) {
                different.push(number);
            }
        }
        if different.is_empty() {
            return Err(BadInput::NoNumber);
        }
        Ok(Self {
            id: LineId::of(&name),
            name,
            numbers: different,
            pin: None,
            secure: false,
            provider,
        })
    }

    /// Where the provider sends calls, as far as Deskline knows it.
    pub(crate) fn livekit_sip(&self) -> Option<&LiveKitSip> {
        match &self.provider {
            WantedProvider::Twilio { livekit, .. }
            | WantedProvider::Telnyx { livekit }
            | WantedProvider::SignalWire { livekit, .. } => Some(livekit),
            WantedProvider::Other { .. } | WantedProvider::LiveKitNumbers => None,
        }
    }

    /// How LiveKit talks to the provider. SignalWire's guide asks for TLS whatever becomes of the sound.
    #[must_use]
    pub(crate) fn transport(&self) -> Transport {
        match &self.provider {
            WantedProvider::Other { transport, .. } => *transport,
            WantedProvider::SignalWire { .. } => Transport::Tls,
            WantedProvider::Twilio { .. } | WantedProvider::Telnyx { .. } if self.secure => {
                Transport::Tls
            }
            WantedProvider::Twilio { .. }
            | WantedProvider::Telnyx { .. }
            | WantedProvider::LiveKitNumbers => Transport::Tcp,
        }
    }
}

/// The room prefix of incoming calls. What the watch looks for.
pub(crate) const ROOM_PREFIX: &str = "inbound-";

mod handler;
mod pin;
#[cfg(test)]
mod tests;

pub use handler::HandlerUrl;
pub(crate) use handler::sip_address;
pub use pin::Pin;
