//! A `.env` file that was handed to the window: it is read here, shown without its secrets, and waits until it is used or put
//! away. Nothing of it is kept before that.

use std::sync::{Arc, Mutex, PoisonError};

use lines::env_file::{self, Import, Setting};
use lines::{FoundSignIn, ProviderKind};
use serde_json::Value;

use crate::core::{Core, blocking};
use crate::ipc::env_file::{EnvFileView, EnvLeftView, EnvPurpose, EnvSignInView, EnvTakenView};
use crate::ipc::line_setup::LineSignIn;
use crate::ipc::types::{AccountView, IpcError};

/// The most lines without use that are told one by one.
const MOST_LEFT: usize = 60;
/// Longest text of a value or a reason, characters.
const LONGEST: usize = 160;

/// The file that was read last, if it was not put away.
#[derive(Debug, Default)]
pub(crate) struct EnvFile(Mutex<Option<Arc<Import>>>);

impl EnvFile {
    fn keep(&self, import: Option<Arc<Import>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = import;
    }

    fn waiting(&self) -> Option<Arc<Import>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets it.
    pub(crate) fn forget(&self) {
        self.keep(None);
    }

    /// A sign-in whose secret was left open, with that of the file; only for the account that the file names.
    pub(crate) fn completed(&self, kind: ProviderKind, mut typed: LineSignIn) -> LineSignIn {
        if !typed.secret.trim().is_empty() {
            return typed;
        }
        let Some(import) = self.waiting() else {
            return typed;
        };
        let secret = import.secret_for(kind, &typed.account, &typed.key);
        if let Some(secret) = secret {
            secret.expose().clone_into(&mut typed.secret);
        }
        typed
    }

    /// The name of the trunk at the provider of this word; empty for none.
    pub(crate) fn domain(&self, provider: &str) -> String {
        let (import, kind) = (self.waiting(), ProviderKind::parse(provider).ok());
        let domain = import.as_ref().zip(kind);
        let domain = domain.and_then(|(file, kind)| file.domain(kind));
        domain.unwrap_or_default().to_owned()
    }
}

impl Core {
    /// Reads a file and says what of it would be taken. Nothing is kept but in memory.
    ///
    /// # Errors
    /// It is no `.env` file. The one that was read before is forgotten then too.
    pub(crate) async fn env_read(
        &self,
        bytes: Vec<u8>,
        purpose: EnvPurpose,
    ) -> Result<EnvFileView, IpcError> {
        self.env_file().forget();
        let read = move || {
            let import = env_file::read(&bytes);
            let import = import.map_err(|error| IpcError::new("env", error.to_string()))?;
            let view = view(&import, purpose);
            Ok((import, view))
        };
        let (import, view) = blocking(read).await?;
        if view.refusal.is_empty() {
            self.env_file().keep(Some(Arc::new(import)));
        }
        Ok(view)
    }

    /// Signs in with the file that was read last, and forgets it.
    ///
    /// # Errors
    /// None waits, or its account is refused; then it still waits.
    pub(crate) async fn env_sign_in(&self) -> Result<AccountView, IpcError> {
        let import = self.env_file().waiting().ok_or_else(|| {
            IpcError::new("env", "No .env file waits to be used. Choose it again.")
        })?;
        let found = import
            .project()
            .map_err(|missing| IpcError::new("env", missing.to_string()))?;
        let secret = found.secret.expose().to_owned();
        let view = self.account_set(found.url, found.key, Some(secret)).await?;
        self.env_file().forget();
        Ok(view)
    }
}

/// Why something is not used for this purpose; `None`: it is.
fn why_not(import: &Import, setting: Setting, purpose: EnvPurpose) -> Option<&'static str> {
    let is_of_the_project = matches!(
        setting,
        Setting::LiveKitUrl | Setting::LiveKitKey | Setting::LiveKitSecret
    );
    let is_a_trunk = matches!(setting, Setting::OutboundTrunk | Setting::InboundTrunk);
    match purpose {
        EnvPurpose::Account if is_of_the_project => None,
        EnvPurpose::Account if is_a_trunk => import.unused(setting),
        EnvPurpose::Account => {
            Some("it is for a line: choose this file again under Lines, Add a line")
        }
        EnvPurpose::Line if is_of_the_project => {
            Some("it is for signing in to LiveKit, under Settings, Connection")
        }
        EnvPurpose::Line => import.unused(setting),
    }
}

fn shortened(text: &str) -> String {
    let mut letters = text.chars().filter(|letter| !letter.is_control());
    let beginning: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        beginning + "…"
    } else {
        beginning
    }
}

/// A value that is no secret; a password inside an address is masked all the same.
fn shown(value: &str) -> String {
    let masked = history::masked(Value::String(value.to_owned()));
    shortened(masked.as_str().unwrap_or_default())
}

fn view(import: &Import, purpose: EnvPurpose) -> EnvFileView {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for one in &import.taken {
        if let Some(why) = why_not(import, one.setting, purpose) {
            left.push(EnvLeftView {
                name: shortened(&one.name),
                why: why.to_owned(),
                is_refused: false,
            });
        } else {
            taken.push(EnvTakenView {
                name: shortened(&one.name),
                what: one.setting.words().to_owned(),
                value: import.text(one.setting).map(shown),
                note: shortened(&one.note),
            });
        }
    }
    left.extend(import.ignored.iter().map(|one| EnvLeftView {
        name: shortened(&one.name),
        why: shortened(&one.why),
        is_refused: one.is_refused,
    }));
    // What is refused must not be overlooked.
    left.sort_by_key(|one| !one.is_refused);
    let left_more = left.len().saturating_sub(MOST_LEFT);
    left.truncate(MOST_LEFT);
    let refusal = match purpose {
        EnvPurpose::Account => import
            .project()
            .err()
            .map(|missing| missing.to_string())
            .unwrap_or_default(),
        EnvPurpose::Line if taken.is_empty() => {
            "Nothing in it is for a line: no sign-in at a provider that Deskline knows, no SIP address, no number. Choose the .env file of the application that used the line before, or type the sign-in."
                .to_owned()
        }
        EnvPurpose::Line => String::new(),
    };
    let text = |setting| import.text(setting).unwrap_or_default().to_owned();
    let is_line = purpose == EnvPurpose::Line;
    EnvFileView {
        taken,
        left,
        left_more: u32::try_from(left_more).unwrap_or(u32::MAX),
        sign_ins: if is_line {
            sign_ins(import)
        } else {
            Vec::new()
        },
        sip: if is_line {
            text(Setting::LiveKitSip)
        } else {
            String::new()
        },
        number: if is_line {
            text(Setting::CallerId)
        } else {
            String::new()
        },
        refusal,
    }
}

/// Whose sign-in the file has at least a part of, those with a secret first.
fn sign_ins(import: &Import) -> Vec<EnvSignInView> {
    let found = import.sign_ins().into_iter();
    let view = |one: FoundSignIn| EnvSignInView {
        provider: one.provider.word().to_owned(),
        account: one.account,
        key: one.key,
        has_secret: one.has_secret,
    };
    found.map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "LIVEKIT_URL=wss://front-desk.example\r\nLIVEKIT_API_KEY=key\r\nLIVEKIT_API_SECRET=canary1\r\n\
        TWILIO_ACCOUNT_SID=AC1\r\nTWILIO_AUTH_TOKEN=canary2\r\nTWILIO_PHONE_NUMBER=+12125550100\r\n\
        TWILIO_TRUNK_DOMAIN=desk.pstn.twilio.com\r\nTELNYX_API_KEY=canary3\r\nLIVEKIT_SIP_TRUNK_ID=ST_1\r\n\
        FOO=canary4\r\nSUPABASE_SERVICE_ROLE_KEY=canary5\r\n";

    fn import(text: &str) -> Import {
        env_file::read(text.as_bytes()).unwrap()
    }

    fn names(view: &EnvFileView) -> Vec<&str> {
        view.taken.iter().map(|one| one.name.as_str()).collect()
    }

    fn typed(account: &str, key: &str, secret: &str) -> LineSignIn {
        LineSignIn {
            account: account.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
        }
    }

    #[test]
    fn each_purpose_takes_its_own_and_says_where_the_rest_belongs() {
        let import = import(FILE);
        let account = view(&import, EnvPurpose::Account);
        assert_eq!(
            names(&account),
            ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]
        );
        assert_eq!(account.refusal, "");
        assert_eq!(
            account.taken[0].value.as_deref(),
            Some("wss://front-desk.example")
        );
        assert_eq!(account.taken[2].value, None);
        assert!(account.sign_ins.is_empty() && account.number.is_empty());
        let line = view(&import, EnvPurpose::Line);
        assert_eq!(
            names(&line),
            [
                "TWILIO_ACCOUNT_SID",
                "TWILIO_AUTH_TOKEN",
                "TWILIO_PHONE_NUMBER",
                "TWILIO_TRUNK_DOMAIN",
                "TELNYX_API_KEY"
            ]
        );
        assert_eq!(line.number, "+12125550100");
        let providers: Vec<&str> = line
            .sign_ins
            .iter()
            .map(|one| one.provider.as_str())
            .collect();
        assert_eq!(providers, ["twilio", "telnyx"]);
        for shown in [&account, &line] {
            // Refused first, and everything that is in the file is told.
            assert_eq!(shown.left[0].name, "SUPABASE_SERVICE_ROLE_KEY");
            assert!(shown.left[0].is_refused && !shown.left[1].is_refused);
            assert_eq!(shown.taken.len() + shown.left.len(), 11);
            let text = serde_json::to_string(shown).unwrap();
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn what_a_purpose_lacks_is_said() {
        let empty = import("");
        assert!(
            view(&empty, EnvPurpose::Account)
                .refusal
                .contains("LIVEKIT_URL")
        );
        assert!(
            view(&empty, EnvPurpose::Line)
                .refusal
                .starts_with("Nothing in it")
        );
        let key = import("TWILIO_ACCOUNT_SID=AC1\nTWILIO_API_KEY=SK1");
        let view = view(&key, EnvPurpose::Line);
        assert_eq!(view.left[0].why, "its secret is not in the file");
        assert!(!view.sign_ins[0].has_secret && view.sign_ins[0].key.is_empty());
    }

    #[test]
    fn many_lines_without_use_are_counted_and_what_is_long_is_cut() {
        let mut text = String::new();
        for number in 0..500 {
            text.push_str(&format!("OTHER_{number}=1\n"));
        }
        text.push_str(&format!("TWILIO_ACCOUNT_SID={}\n", "A".repeat(9_000)));
        text.push_str("LIVEKIT_SIP_URI=https://ops:Canary12Canary@x.example\nOLD_SERVICE_ROLE=x\n");
        let view = view(&import(&text), EnvPurpose::Line);
        assert_eq!((view.left.len(), view.left_more), (MOST_LEFT, 441));
        assert!(view.left[0].is_refused);
        let shown: Vec<&str> = view
            .taken
            .iter()
            .filter_map(|one| one.value.as_deref())
            .collect();
        assert_eq!(shown[0].chars().count(), LONGEST + 1);
        assert!(!shown[1].contains("Canary12Canary"), "{}", shown[1]);
    }

    #[test]
    fn a_secret_left_open_is_the_files_for_the_account_it_names_only() {
        let file = EnvFile::default();
        let secret = |kind, asked: LineSignIn| file.completed(kind, asked).secret;
        assert_eq!(secret(ProviderKind::Twilio, typed("AC1", "", "")), "");
        file.keep(Some(Arc::new(import(FILE))));
        assert_eq!(
            secret(ProviderKind::Twilio, typed(" AC1 ", "", "")),
            "canary2"
        );
        assert_eq!(secret(ProviderKind::Twilio, typed("AC1", "", "own")), "own");
        assert_eq!(secret(ProviderKind::Twilio, typed("AC2", "", "")), "");
        assert_eq!(secret(ProviderKind::Twilio, typed("AC1", "SK9", "")), "");
        assert_eq!(secret(ProviderKind::Telnyx, typed("", "", "")), "canary3");
        assert_eq!(secret(ProviderKind::SignalWire, typed("", "", "")), "");
        assert_eq!(secret(ProviderKind::Other, typed("", "", "")), "");
        assert_eq!(file.domain("twilio"), "desk.pstn.twilio.com");
        file.forget();
        assert_eq!(secret(ProviderKind::Telnyx, typed("", "", "")), "");
        assert_eq!(file.domain("twilio"), "");
        assert!(!format!("{file:?}").contains("canary"));
    }
}
