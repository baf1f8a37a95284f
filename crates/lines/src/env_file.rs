//! Reading a `.env` file of a web application into what Deskline uses, and saying what became of every line.
//!
//! The grammar is that of the `dotenvy` library, without its substitution: a `$` in a password is a `$`. The last of
//! several lines with one name counts, as in the programs that the files are written for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use vault::Secret;

/// Largest file that is read, bytes.
pub const LARGEST: usize = 256 << 10;
/// What a line without a name is called.
const NAMELESS: &str = "a line";
/// The most lines that cannot be read; a file with more is of another kind.
const MOST_BROKEN: usize = 100;
/// Stands for `$` while the library reads. A private character that no file has.
const DOLLAR: char = '\u{10FFFD}';

/// What a line of the file sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// Address of the project.
    LiveKitUrl,
    /// Its API key.
    LiveKitKey,
    /// Its API secret.
    LiveKitSecret,
    /// Where it takes phone calls.
    LiveKitSip,
    /// Id of the outbound trunk.
    OutboundTrunk,
    /// Id of the inbound trunk.
    InboundTrunk,
    /// Account at Twilio.
    TwilioAccount,
    /// Its token.
    TwilioToken,
    /// An API key at Twilio.
    TwilioKey,
    /// Its secret.
    TwilioKeySecret,
    /// User name for dialling out by Twilio.
    TwilioSipUser,
    /// Its password.
    TwilioSipPassword,
    /// The trunk's domain.
    TwilioDomain,
    /// The number that is shown to those who are called.
    CallerId,
    /// Key at Telnyx.
    TelnyxKey,
    /// Project at SignalWire.
    SignalWireProject,
    /// Its token.
    SignalWireToken,
    /// Its space.
    SignalWireSpace,
}

impl Setting {
    /// Must it stay out of files, logs and windows?
    #[must_use]
    pub fn is_secret(self) -> bool {
        match self {
            Self::LiveKitSecret
            | Self::TwilioToken
            | Self::TwilioKeySecret
            | Self::TwilioSipPassword
            | Self::TelnyxKey
            | Self::SignalWireToken => true,
            Self::LiveKitUrl
            | Self::LiveKitKey
            | Self::LiveKitSip
            | Self::OutboundTrunk
            | Self::InboundTrunk
            | Self::TwilioAccount
            | Self::TwilioKey
            | Self::TwilioSipUser
            | Self::TwilioDomain
            | Self::CallerId
            | Self::SignalWireProject
            | Self::SignalWireSpace => false,
        }
    }

    /// For a person.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LiveKitUrl => "address of the LiveKit project",
            Self::LiveKitKey => "API key of the LiveKit project",
            Self::LiveKitSecret => "API secret of the LiveKit project",
            Self::LiveKitSip => "SIP address of the LiveKit project",
            Self::OutboundTrunk => "LiveKit trunk for outgoing calls",
            Self::InboundTrunk => "LiveKit trunk for incoming calls",
            Self::TwilioAccount => "Twilio account",
            Self::TwilioToken => "Twilio auth token",
            Self::TwilioKey => "Twilio API key",
            Self::TwilioKeySecret => "secret of the Twilio API key",
            Self::TwilioSipUser => "user name for dialling out",
            Self::TwilioSipPassword => "password for dialling out",
            Self::TwilioDomain => "name of the trunk at Twilio",
            Self::CallerId => "number that people see when you call",
            Self::TelnyxKey => "Telnyx API key",
            Self::SignalWireProject => "SignalWire project",
            Self::SignalWireToken => "SignalWire API token",
            Self::SignalWireSpace => "SignalWire space",
        }
    }
}

const NAMES: [(&str, Setting); 34] = [
    ("LIVEKIT_URL", Setting::LiveKitUrl),
    ("VITE_LIVEKIT_URL", Setting::LiveKitUrl),
    ("NEXT_PUBLIC_LIVEKIT_URL", Setting::LiveKitUrl),
    ("LIVEKIT_WS_URL", Setting::LiveKitUrl),
    ("LIVEKIT_SERVER_URL", Setting::LiveKitUrl),
    ("LIVEKIT_HOST", Setting::LiveKitUrl),
    ("LIVEKIT_API_KEY", Setting::LiveKitKey),
    ("LIVEKIT_KEY", Setting::LiveKitKey),
    ("LIVEKIT_API_SECRET", Setting::LiveKitSecret),
    ("LIVEKIT_SECRET", Setting::LiveKitSecret),
    ("LIVEKIT_SIP_URI", Setting::LiveKitSip),
    ("LIVEKIT_SIP_DOMAIN", Setting::LiveKitSip),
    ("LIVEKIT_SIP_OUTBOUND_TRUNK_ID", Setting::OutboundTrunk),
    ("SIP_OUTBOUND_TRUNK_ID", Setting::OutboundTrunk),
    ("LIVEKIT_SIP_INBOUND_TRUNK_ID", Setting::InboundTrunk),
    ("LIVEKIT_SIP_TRUNK_ID", Setting::InboundTrunk),
    ("TWILIO_ACCOUNT_SID", Setting::TwilioAccount),
    ("TWILIO_AUTH_TOKEN", Setting::TwilioToken),
    ("TWILIO_API_KEY", Setting::TwilioKey),
    ("TWILIO_API_KEY_SID", Setting::TwilioKey),
    ("TWILIO_API_SECRET", Setting::TwilioKeySecret),
    ("TWILIO_API_KEY_SECRET", Setting::TwilioKeySecret),
    ("TWILIO_SIP_USERNAME", Setting::TwilioSipUser),
    ("TWILIO_SIP_PASSWORD", Setting::TwilioSipPassword),
    ("TWILIO_TRUNK_DOMAIN", Setting::TwilioDomain),
    ("TWILIO_PHONE_NUMBER", Setting::CallerId),
    ("TELNYX_PHONE_NUMBER", Setting::CallerId),
    ("SIGNALWIRE_PHONE_NUMBER", Setting::CallerId),
    ("TELNYX_API_KEY", Setting::TelnyxKey),
    ("SIGNALWIRE_PROJECT_ID", Setting::SignalWireProject),
    ("SIGNALWIRE_TOKEN", Setting::SignalWireToken),
    ("SIGNALWIRE_API_TOKEN", Setting::SignalWireToken),
    ("SIGNALWIRE_SPACE", Setting::SignalWireSpace),
    ("SIGNALWIRE_SPACE_URL", Setting::SignalWireSpace),
];

/// Whether calls are recorded, by a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// The word is exactly `true`.
    On,
    /// Anything else, or nothing.
    Off,
}

/// A line that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The name in the file.
    pub name: String,
    /// What for.
    pub setting: Setting,
    /// More to know, empty for nothing.
    pub note: String,
}

/// A line that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The name in the file, or the beginning of a line that has none. Never a value.
    pub name: String,
    /// Why.
    pub why: String,
    /// Is it something that Deskline will not have, whatever it is named?
    pub is_refused: bool,
}

/// What signing in to a project needs. Does not show its secret.
pub struct ProjectSignIn {
    /// Address of the project.
    pub url: String,
    /// Its API key.
    pub key: String,
    /// Its API secret.
    pub secret: Secret,
}

impl fmt::Debug for ProjectSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProjectSignIn(…)")
    }
}

/// One of the three that signing in needs is not in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "There is no {0} in this text. Copy all three lines from your LiveKit project: address, key and secret."
)]
pub struct NotInText(&'static str);

/// Why a file is not read at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvFileError {
    /// Too large.
    #[error(
        "This file is larger than 256 KB, so it is no .env file. Choose the file named .env of your application."
    )]
    TooLarge,
    /// Not text.
    #[error("This file is not text in UTF-8. Save it as UTF-8, then import it again.")]
    NotText,
    /// Text, but of another kind.
    #[error(
        "This is no .env file: its lines are not NAME=value. Choose the file named .env of your application."
    )]
    NotEnv,
}

/// What a file says. Does not show its values.
pub struct Import {
    /// What is used.
    pub taken: Vec<Taken>,
    /// What is not.
    pub ignored: Vec<Ignored>,
    /// Recording.
    pub recording: Recording,
    values: BTreeMap<Setting, Arc<Secret>>,
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("taken", &self.taken)
            .field("ignored", &self.ignored)
            .field("recording", &self.recording)
            .finish_non_exhaustive()
    }
}

impl Import {
    /// A value that may be shown; `None` for secrets.
    #[must_use]
    pub fn text(&self, setting: Setting) -> Option<&str> {
        if setting.is_secret() {
            return None;
        }
        self.values.get(&setting).map(|value| value.expose())
    }

    /// What signing in to the project needs. Everything else is left alone.
    ///
    /// # Errors
    /// One of the three is missing: which.
    pub fn project(&self) -> Result<ProjectSignIn, NotInText> {
        let text = |setting, name| {
            let value = self.text(setting).map(str::to_owned);
            value.ok_or(NotInText(name))
        };
        Ok(ProjectSignIn {
            url: text(Setting::LiveKitUrl, "LIVEKIT_URL")?,
            key: text(Setting::LiveKitKey, "LIVEKIT_API_KEY")?,
            secret: self
                .secret(Setting::LiveKitSecret)
                .ok_or(NotInText("LIVEKIT_API_SECRET"))?,
        })
    }

    /// A value, whatever it is.
    #[must_use]
    pub fn secret(&self, setting: Setting) -> Option<Secret> {
        self.values.get(&setting).map(|value| value.copy())
    }
}

/// Reads a file.
///
/// # Errors
/// It is no such file. A line that is wrong is no error: it is among the ignored ones.
pub fn read(bytes: &[u8]) -> Result<Import, EnvFileError> {
    if bytes.len() > LARGEST {
        return Err(EnvFileError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| EnvFileError::NotText)?;
    if text.contains('\0') {
        return Err(EnvFileError::NotText);
    }
    let mut import = Import {
        taken: Vec::new(),
        ignored: Vec::new(),
        recording: Recording::Off,
        values: BTreeMap::new(),
    };
    let text = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('$', &DOLLAR.to_string());
    let (mut broken, mut named) = (0, false);
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        broken += usize::from(item.is_err());
        if broken > MOST_BROKEN {
            return Err(EnvFileError::NotEnv);
        }
        match item {
            Ok((name, value)) => {
                named = true;
                take(&mut import, &name, value.replace(DOLLAR, "$"));
            }
            Err(dotenvy::Error::LineParse(rest, _)) => import.ignored.push(Ignored {
                name: name_before(&text, &rest),
                why:
                    "the line cannot be read; values with blanks or quotes need quotes around them"
                        .into(),
                is_refused: false,
            }),
            Err(_) => import.ignored.push(Ignored {
                name: String::new(),
                why: "the rest of the file cannot be read".into(),
                is_refused: false,
            }),
        }
    }
    named |= import.ignored.iter().any(|one| one.name != NAMELESS);
    if broken > 0 && !named {
        return Err(EnvFileError::NotEnv);
    }
    Ok(import)
}

/// The name on the line that ends with `rest`, which is a value and must not be shown itself.
fn name_before(text: &str, rest: &str) -> String {
    let line = text.lines().find(|line| line.ends_with(rest.trim_end()));
    let name = line
        .and_then(|line| line.split_once('='))
        .map(|(name, _)| name.trim());
    let name = name.map(|name| name.trim_start_matches("export ").trim());
    name.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(NAMELESS)
        .to_owned()
}

fn take(import: &mut Import, name: &str, value: String) {
    let value = value.trim().to_owned();
    let upper = name.to_uppercase();
    let is_refused = is_service_role(&upper, &value);
    let mut ignore = |why: &str| {
        import.ignored.push(Ignored {
            name: crate::service::words(name),
            why: why.to_owned(),
            is_refused,
        });
    };
    if is_refused {
        return ignore(
            "a service-role key opens the whole database, so Deskline refuses to keep it; take it out of files that leave the server",
        );
    }
    if upper == "LIVEKIT_EGRESS_ENABLED" {
        import.recording = if value == "true" {
            Recording::On
        } else {
            Recording::Off
        };
        if value != "true" && ["true", "1", "yes", "on"].contains(&value.to_lowercase().as_str()) {
            return ignore(
                "only the word true, in small letters, switches recording on; this leaves it off",
            );
        }
        let says = if value == "true" {
            "it says that a server is to record calls; Deskline records on this computer, and only when you switch it on in Settings"
        } else {
            "recording stays off"
        };
        return ignore(says);
    }
    if value.is_empty() {
        return ignore("it is empty");
    }
    let Some(setting) = setting_of(&upper) else {
        return ignore(unused(&upper));
    };
    let mut note = match upper.as_str() {
        "LIVEKIT_SIP_TRUNK_ID" => {
            "the name does not say which direction; taken for incoming calls".to_owned()
        }
        _ => String::new(),
    };
    let different = import
        .values
        .get(&setting)
        .is_some_and(|earlier| earlier.expose() != value);
    if let Some(earlier) = import
        .taken
        .iter()
        .position(|taken| taken.setting == setting)
    {
        let earlier = import.taken.remove(earlier);
        if different {
            note = format!(
                "instead of an earlier {}: the last one counts",
                earlier.name
            );
        }
        import.ignored.push(Ignored {
            name: earlier.name,
            why: format!("{name} further down sets the same"),
            is_refused: false,
        });
    }
    import.values.insert(setting, Arc::new(Secret::new(value)));
    import.taken.push(Taken {
        name: name.to_owned(),
        setting,
        note,
    });
}

fn setting_of(name: &str) -> Option<Setting> {
    let known = NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, setting)| *setting);
    // Applications put their own name before it.
    known.or_else(|| {
        name.ends_with("_TWILIO_PHONE_NUMBER")
            .then_some(Setting::CallerId)
    })
}

fn is_service_role(name: &str, value: &str) -> bool {
    name.contains("SERVICE_ROLE") || value.starts_with("sb_secret_") || has_service_role(value)
}

/// A token of a database says its role in its second part.
fn has_service_role(value: &str) -> bool {
    use base64::Engine as _;
    let mut parts = value.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|claims| {
            claims.get("role").and_then(|role| role.as_str()) == Some("service_role")
        })
}

fn unused(name: &str) -> &'static str {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if begins(&["AWS_", "S3_", "LIVEKIT_EGRESS_"]) {
        "it is for recordings on a server; Deskline keeps its own on this computer"
    } else if begins(&[
        "ELEVENLABS_",
        "OPENAI_",
        "DEEPGRAM_",
        "CARTESIA_",
        "ANTHROPIC_",
    ]) {
        "it is for the computer on which an assistant runs"
    } else if begins(&["LIVEKIT_AGENT_", "AGENT_"]) {
        "it is for an assistant, which Deskline does not set up yet"
    } else if begins(&[
        "SUPABASE_",
        "NEXT_PUBLIC_SUPABASE_",
        "VITE_SUPABASE_",
        "DATABASE_",
    ]) {
        "it is for the application's database, which Deskline does not use"
    } else if begins(&["TELNYX_"]) {
        "it belongs to another product"
    } else {
        "Deskline does not use it"
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn read_text(text: &str) -> Import {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_name_sets_what_it_should() {
        for (name, setting) in NAMES {
            let import = read_text(&format!("{name}=value"));
            assert_eq!(import.taken[0].setting, setting, "{name}");
            assert_eq!(import.secret(setting).unwrap().expose(), "value");
            assert_eq!(import.text(setting).is_none(), setting.is_secret());
        }
        let import = read_text("ACME_TWILIO_PHONE_NUMBER=+12125550100");
        assert_eq!(import.text(Setting::CallerId), Some("+12125550100"));
    }

    #[test]
    fn quotes_comments_exports_and_line_ends_are_understood() {
        let import = read_text(
            "\u{feff}# a comment\r\nexport LIVEKIT_URL=\"wss://desk.example\" # after\r\n\r\nLIVEKIT_API_KEY='key'\r\n  LIVEKIT_API_SECRET = \"a b#c\"\r\n",
        );
        assert_eq!(import.text(Setting::LiveKitUrl), Some("wss://desk.example"));
        assert_eq!(import.text(Setting::LiveKitKey), Some("key"));
        assert_eq!(
            import.secret(Setting::LiveKitSecret).unwrap().expose(),
            "a b#c"
        );
        assert_eq!(import.ignored, []);
    }

    /// As LiveKit's own pages hand an account out.
    const ACCOUNT: &str = "LIVEKIT_URL=wss://front-desk.example\nLIVEKIT_API_KEY=key\nLIVEKIT_API_SECRET=quiet-secret\n";

    #[test]
    fn an_account_is_read_however_it_is_written() {
        let others = "# ours\nexport NEXT_PUBLIC_LIVEKIT_URL=\"wss://front-desk.example\"\n\nOTHER='a b'\nbroken line\nLIVEKIT_API_KEY = key # the key\nLIVEKIT_API_SECRET='quiet-secret'\r\n";
        let short =
            "LIVEKIT_HOST=wss://front-desk.example\nLIVEKIT_KEY=key\nLIVEKIT_SECRET=quiet-secret";
        let bom = format!("\u{feff}{ACCOUNT}");
        for text in [ACCOUNT, others, short, &bom] {
            let read = read_text(text).project().unwrap();
            assert_eq!(
                (read.url.as_str(), read.key.as_str(), read.secret.expose()),
                ("wss://front-desk.example", "key", "quiet-secret"),
                "{text}"
            );
            assert!(!format!("{read:?}").contains("quiet"));
        }
    }

    #[test]
    fn what_an_account_misses_is_named() {
        for name in ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"] {
            let lines = ACCOUNT.lines().filter(|line| !line.starts_with(name));
            let text: Vec<&str> = lines.collect();
            let missing = read_text(&text.join("\n")).project().unwrap_err();
            assert_eq!(
                missing.to_string(),
                format!(
                    "There is no {name} in this text. Copy all three lines from your LiveKit project: address, key and secret."
                )
            );
        }
        assert!(read_text("").project().is_err());
        // an empty value is none, and does not hide an earlier one
        let text = format!("{ACCOUNT}LIVEKIT_URL=\nLIVEKIT_API_SECRET=''\n");
        assert_eq!(
            read_text(&text).project().unwrap().url,
            "wss://front-desk.example"
        );
    }

    #[test]
    fn a_dollar_is_a_dollar() {
        // PATH is set everywhere: nothing of this computer gets into a value.
        for (text, value) in [
            ("TWILIO_AUTH_TOKEN=pa$PATH", "pa$PATH"),
            ("TWILIO_AUTH_TOKEN=\"p${PATH}\"", "p${PATH}"),
            ("TWILIO_AUTH_TOKEN='p$$'", "p$$"),
        ] {
            let import = read_text(text);
            assert_eq!(import.secret(Setting::TwilioToken).unwrap().expose(), value);
        }
    }

    #[test]
    fn the_last_of_several_counts_and_is_said_to() {
        let import = read_text("LIVEKIT_URL=wss://a.example\nVITE_LIVEKIT_URL=wss://b.example");
        assert_eq!(import.text(Setting::LiveKitUrl), Some("wss://b.example"));
        assert_eq!(import.taken.len(), 1);
        assert!(
            import.taken[0]
                .note
                .contains("instead of an earlier LIVEKIT_URL")
        );
        assert_eq!(import.ignored[0].name, "LIVEKIT_URL");
    }

    #[test]
    fn only_the_word_true_switches_recording_on() {
        for (word, on) in [
            ("true", true),
            ("True", false),
            ("TRUE", false),
            ("1", false),
            ("yes", false),
            ("false", false),
            ("", false),
        ] {
            let import = read_text(&format!("LIVEKIT_EGRESS_ENABLED={word}"));
            assert_eq!(import.recording == Recording::On, on, "{word}");
            assert!(!import.ignored[0].why.is_empty());
        }
        assert_eq!(read_text("").recording, Recording::Off);
    }

    #[test]
    fn a_service_role_key_is_refused_under_any_name() {
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode(r#"{"role":"service_role","iss":"x"}"#);
        for line in [
            "SUPABASE_SERVICE_ROLE_KEY=x".to_owned(),
            "LIVEKIT_API_SECRET=sb_secret_abc".to_owned(),
            format!("LIVEKIT_API_SECRET=eyJh.{claims}.sig"),
        ] {
            let import = read_text(&line);
            assert!(import.taken.is_empty(), "{line}");
            assert!(import.ignored[0].is_refused);
            assert!(import.ignored[0].why.contains("refuses to keep"));
            assert!(import.secret(Setting::LiveKitSecret).is_none());
        }
    }

    #[test]
    fn what_is_not_used_is_named_with_a_reason_and_never_with_its_value() {
        let import = read_text(
            "AWS_SECRET_ACCESS_KEY=canary1\nOPENAI_API_KEY=canary2\nTELNYX_DEFAULT_BOTCHAIN=canary3\nFOO=canary4\nTWILIO_AUTH_TOKEN=two canary5\nLIVEKIT_URL=",
        );
        assert_eq!(import.ignored.len(), 6);
        assert!(import.ignored.iter().all(|ignored| !ignored.is_refused));
        let shown = format!("{import:?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && shown.contains("TWILIO_AUTH_TOKEN"));
    }

    #[test]
    fn what_is_no_env_file_is_refused() {
        assert_eq!(
            read(&[0xff, 0xfe, 0x41, 0]).err(),
            Some(EnvFileError::NotText)
        );
        assert_eq!(read(b"A=\0").err(), Some(EnvFileError::NotText));
        let broken = "A=b c\n".repeat(MOST_BROKEN + 1);
        let other = ["# Notes\nCall the desk.", "{\"a\": 1}", &broken];
        for text in other {
            assert_eq!(read(text.as_bytes()).err(), Some(EnvFileError::NotEnv));
        }
        assert!(read(b"TWILIO_AUTH_TOKEN=two words").is_ok());
        assert_eq!(
            read(&vec![b'a'; LARGEST + 1]).err(),
            Some(EnvFileError::TooLarge)
        );
    }
}
