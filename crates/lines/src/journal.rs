//! What was changed, by whom, when, from what to what. A file of lines, one JSON object each, only ever added to.
//!
//! Before a change its intention is written with a snapshot; after it, what became of it. A crash in between leaves an
//! intention, which the next look settles. Passwords and PINs of a snapshot go to the keychain and not into the file.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vault::{Account, Secret, Vault, VaultError};

use crate::credential::four;
use crate::service::Service;
use crate::wanted::{LineId, ProviderKind};

const FILE: &str = "changes.jsonl";
/// Fields that go to the keychain.
const SECRET_FIELDS: [&str; 3] = ["auth_password", "pin", "Password"];
/// What stands in their place.
const IN_KEYCHAIN: &str = "in the keychain";

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The LiveKit project.
    LiveKit,
    /// Twilio.
    Twilio,
    /// Telnyx.
    Telnyx,
    /// SignalWire.
    SignalWire,
}

impl Place {
    /// The provider, if it is one.
    #[must_use]
    pub fn provider(self) -> Option<ProviderKind> {
        match self {
            Self::LiveKit => None,
            Self::Twilio => Some(ProviderKind::Twilio),
            Self::Telnyx => Some(ProviderKind::Telnyx),
            Self::SignalWire => Some(ProviderKind::SignalWire),
        }
    }

    /// Whose server is asked.
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Self::LiveKit => Service::LiveKit,
            Self::Twilio => Service::Twilio,
            Self::Telnyx => Service::Telnyx,
            Self::SignalWire => Service::SignalWire,
        }
    }
}

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// LiveKit's way out.
    OutboundTrunk,
    /// LiveKit's way in.
    InboundTrunk,
    /// A dispatch rule.
    Rule,
    /// A trunk at Twilio.
    TwilioTrunk,
    /// Its origination URL.
    TwilioDestination,
    /// A credential list.
    TwilioCredentialList,
    /// A credential in it.
    TwilioCredential,
    /// The list on the trunk.
    TwilioListBinding,
    /// A number on the trunk.
    TwilioNumberBinding,
    /// What calls to the outside may reach at Telnyx.
    TelnyxProfile,
    /// A connection at Telnyx.
    TelnyxConnection,
    /// How LiveKit signs in at it.
    TelnyxSignIn,
    /// Where it sends calls.
    TelnyxFqdn,
    /// A number on the connection.
    TelnyxNumber,
    /// The script at SignalWire that calls phones.
    #[serde(rename = "signalwire_dial_out")]
    SignalWireDialOut,
    /// The SIP address in front of it, with its password.
    #[serde(rename = "signalwire_address")]
    SignalWireAddress,
    /// What answers callers at SignalWire and sends them to LiveKit.
    #[serde(rename = "signalwire_handler")]
    SignalWireHandler,
    /// The route of a number to it.
    #[serde(rename = "signalwire_number")]
    SignalWireNumber,
}

impl Object {
    /// Where it is, a word for programs, and whether the object it belongs to must exist first.
    const fn facts(self) -> (Place, &'static str, bool) {
        match self {
            Self::OutboundTrunk => (Place::LiveKit, "outbound_trunk", false),
            Self::InboundTrunk => (Place::LiveKit, "inbound_trunk", false),
            Self::Rule => (Place::LiveKit, "rule", true),
            Self::TwilioTrunk => (Place::Twilio, "twilio_trunk", false),
            Self::TwilioDestination => (Place::Twilio, "twilio_destination", true),
            Self::TwilioCredentialList => (Place::Twilio, "twilio_credential_list", false),
            Self::TwilioCredential => (Place::Twilio, "twilio_credential", true),
            Self::TwilioListBinding => (Place::Twilio, "twilio_sign_in", true),
            Self::TwilioNumberBinding => (Place::Twilio, "twilio_number", true),
            Self::TelnyxProfile => (Place::Telnyx, "telnyx_profile", false),
            Self::TelnyxConnection => (Place::Telnyx, "telnyx_connection", true),
            Self::TelnyxSignIn => (Place::Telnyx, "telnyx_sign_in", true),
            Self::TelnyxFqdn => (Place::Telnyx, "telnyx_fqdn", true),
            Self::TelnyxNumber => (Place::Telnyx, "telnyx_number", true),
            Self::SignalWireDialOut => (Place::SignalWire, "signalwire_dial_out", false),
            Self::SignalWireAddress => (Place::SignalWire, "signalwire_address", true),
            Self::SignalWireHandler => (Place::SignalWire, "signalwire_handler", false),
            Self::SignalWireNumber => (Place::SignalWire, "signalwire_number", true),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(self) -> Place {
        self.facts().0
    }

    /// A word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.facts().1
    }

    /// Must the object it belongs to exist first?
    pub(crate) const fn needs_parent(self) -> bool {
        self.facts().2
    }

    /// Does a line have one for each of its numbers?
    pub(crate) fn is_of_a_number(self) -> bool {
        [
            Self::TwilioNumberBinding,
            Self::TelnyxNumber,
            Self::SignalWireNumber,
        ]
        .contains(&self)
    }
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Made.
    Create,
    /// Changed.
    Update,
    /// Removed.
    Delete,
}

/// One change, as the journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its own name.
    pub id: String,
    /// The run it belongs to: what is undone together.
    pub run: String,
    /// When it was begun, RFC 3339, UTC.
    pub at: String,
    /// The person and the computer.
    pub who: String,
    /// Whose line.
    pub line: LineId,
    /// Of what.
    pub object: Object,
    /// Made, changed or removed.
    pub verb: Verb,
    /// In a few words.
    pub title: String,
    /// The object it belongs to.
    pub parent: Option<String>,
    /// The object's id, once known.
    pub object_id: Option<String>,
    /// As it was, without secrets.
    pub before: Option<Value>,
    /// As it became, without secrets.
    pub after: Option<Value>,
    /// What became of it.
    pub state: ChangeState,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeState {
    /// Begun; whether it happened is not known.
    Intended,
    /// It happened.
    Done,
    /// It did not happen.
    Failed,
    /// It was taken back.
    Undone,
}

/// Why the journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file.
    #[error(
        "The record of changes cannot be written ({0}). Nothing was changed. Make room on the disk or make the profile folder writable."
    )]
    File(#[from] std::io::Error),
    /// The keychain.
    #[error("{0} Nothing was changed.")]
    Keychain(#[from] VaultError),
    /// Randomness.
    #[error("This system gives no random numbers. Nothing was changed. Restart the computer.")]
    Random,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Entry {
    Intended(Box<Intended>),
    Done {
        change: String,
        at: String,
        object_id: Option<String>,
        after: Option<Value>,
    },
    Failed {
        change: String,
        at: String,
        why: String,
    },
    Undone {
        change: String,
        at: String,
        who: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Intended {
    change: String,
    run: String,
    at: String,
    who: String,
    line: LineId,
    object: Object,
    verb: Verb,
    title: String,
    parent: Option<String>,
    object_id: Option<String>,
    before: Option<Value>,
}

/// The journal of one profile. Cheap to clone; every call blocks (disk, keychain).
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
    profile: Arc<str>,
    vault: Vault,
    lock: Arc<Mutex<()>>,
}

/// Now, in UTC.
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc()
        .replace_nanosecond(0)
        .unwrap_or_else(|_| OffsetDateTime::now_utc())
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// The person at this computer, as the system names them.
pub(crate) fn who() -> String {
    let name = ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    crate::service::words(&name.unwrap_or_else(|| "somebody".into()))
}

impl Journal {
    /// The journal in `folder`; `profile` tells its secrets from those of others in one keychain.
    #[must_use]
    pub fn new(folder: &Path, profile: &str, vault: Vault) -> Self {
        Self {
            path: folder.join(FILE),
            profile: profile.into(),
            vault,
            lock: Arc::default(),
        }
    }

    /// Everything, oldest first. A line that cannot be read (a crash while it was written) is left out.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, JournalError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut changes: Vec<Change> = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            let Ok(entry) = serde_json::from_slice::<Entry>(&line?) else {
                continue;
            };
            let find = |changes: &mut Vec<Change>, id: &str| -> Option<usize> {
                changes.iter().position(|change| change.id == id)
            };
            match entry {
                Entry::Intended(new) => changes.push(Change {
                    id: new.change,
                    run: new.run,
                    at: new.at,
                    who: new.who,
                    line: new.line,
                    object: new.object,
                    verb: new.verb,
                    title: new.title,
                    parent: new.parent,
                    object_id: new.object_id,
                    before: new.before,
                    after: None,
                    state: ChangeState::Intended,
                }),
                Entry::Done {
                    change,
                    object_id,
                    after,
                    ..
                } => {
                    if let Some(known) =
                        find(&mut changes, &change).and_then(|at| changes.get_mut(at))
                    {
                        known.state = ChangeState::Done;
                        known.object_id = object_id.or_else(|| known.object_id.take());
                        known.after = after;
                    }
                }
                Entry::Failed { change, .. } => {
                    if let Some(known) =
                        find(&mut changes, &change).and_then(|at| changes.get_mut(at))
                    {
                        known.state = ChangeState::Failed;
                    }
                }
                Entry::Undone { change, .. } => {
                    if let Some(known) =
                        find(&mut changes, &change).and_then(|at| changes.get_mut(at))
                    {
                        known.state = ChangeState::Undone;
                    }
                }
            }
        }
        Ok(changes)
    }

    /// A name for a run.
    ///
    /// # Errors
    /// No randomness.
    pub(crate) fn new_run() -> Result<String, JournalError> {
        let half = || four().map_err(|_| JournalError::Random);
        Ok(format!("{}-{}{}", now(), half()?, half()?))
    }

    /// Writes that a change is about to be made. The snapshot is on the disk when this returns.
    ///
    /// # Errors
    /// It is not: then the change must not be made.
    pub(crate) fn intend(
        &self,
        run: &str,
        line: &LineId,
        step: &crate::step::Step,
        password: Option<&Secret>,
    ) -> Result<String, JournalError> {
        let half = || four().map_err(|_| JournalError::Random);
        let change = format!("{}{}", half()?, half()?);
        let mut before = step.before.clone();
        let mut secrets = Map::new();
        if let Some(before) = &mut before {
            take_secrets(before, &mut String::new(), &mut secrets);
            if let (Some(password), Value::Object(map)) = (password, before) {
                map.insert("auth_password".into(), IN_KEYCHAIN.into());
                secrets.insert("/auth_password".into(), password.expose().into());
            }
        }
        if !secrets.is_empty() {
            let packed = Secret::new(Value::Object(secrets).to_string());
            self.vault.set(&self.account(&change), &packed)?;
        }
        self.append(&Entry::Intended(Box::new(Intended {
            change: change.clone(),
            run: run.to_owned(),
            at: now(),
            who: who(),
            line: line.clone(),
            object: step.object(),
            verb: step.verb(),
            title: step.title.clone(),
            parent: step.action.parent().map(str::to_owned),
            object_id: step.action.id().map(str::to_owned),
            before,
        })))?;
        Ok(change)
    }

    /// It happened.
    ///
    /// # Errors
    /// The file.
    pub(crate) fn done(
        &self,
        change: &str,
        object_id: Option<String>,
        after: Option<Value>,
    ) -> Result<(), JournalError> {
        let mut after = after;
        if let Some(after) = &mut after {
            // What it became is there to be read; its secrets are not needed for anything.
            take_secrets(after, &mut String::new(), &mut Map::new());
        }
        self.append(&Entry::Done {
            change: change.to_owned(),
            at: now(),
            object_id,
            after,
        })
    }

    /// It did not happen.
    ///
    /// # Errors
    /// The file.
    pub(crate) fn failed(&self, change: &str, why: &str) -> Result<(), JournalError> {
        self.append(&Entry::Failed {
            change: change.to_owned(),
            at: now(),
            why: why.to_owned(),
        })
    }

    /// It was taken back.
    ///
    /// # Errors
    /// The file.
    pub(crate) fn undone(&self, change: &str) -> Result<(), JournalError> {
        self.append(&Entry::Undone {
            change: change.to_owned(),
            at: now(),
            who: who(),
        })
    }

    /// A snapshot with its secrets back in their places.
    ///
    /// # Errors
    /// The keychain.
    pub(crate) fn snapshot(&self, change: &Change) -> Result<Option<Value>, JournalError> {
        let Some(mut before) = change.before.clone() else {
            return Ok(None);
        };
        if let Some(packed) = self.vault.get(&self.account(&change.id))?
            && let Ok(Value::Object(secrets)) = serde_json::from_str(packed.expose())
        {
            for (path, secret) in secrets {
                if let Some(place) = before.pointer_mut(&path) {
                    *place = secret;
                }
            }
        }
        Ok(Some(before))
    }

    fn account(&self, change: &str) -> Account {
        Account::new(&self.profile, "snapshot", change)
    }

    fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut line = serde_json::to_string(entry).map_err(std::io::Error::other)?;
        line.push('\n');
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&self.path)?;
        // Two programs may write at once: one line is one write.
        file.lock()?;
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                // A crash cut the last line: it must not take this one with it.
                line.insert(0, '\n');
            }
        }
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        Ok(())
    }
}

/// Takes passwords and PINs out of a snapshot; `found` gets them by their JSON pointer.
fn take_secrets(value: &mut Value, path: &mut String, found: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let length = path.len();
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                let is_secret = SECRET_FIELDS.contains(&name.as_str())
                    && inner.as_str().is_some_and(|text| !text.is_empty());
                if is_secret {
                    found.insert(path.clone(), std::mem::replace(inner, IN_KEYCHAIN.into()));
                } else {
                    take_secrets(inner, path, found);
                }
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter_mut().enumerate() {
                let length = path.len();
                path.push_str(&format!("/{index}"));
                take_secrets(inner, path, found);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::step::{Action, Step, StepKey};
    use crate::wanted::LineName;

    fn journal() -> (tempfile::TempDir, Journal, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::memory();
        let journal = Journal::new(folder.path(), "p", vault.clone());
        (folder, journal, vault)
    }

    fn line() -> LineId {
        LineId::of(&LineName::parse("Desk").unwrap())
    }

    fn step() -> Step {
        Step {
            key: StepKey::of(Object::Rule),
            title: "t".into(),
            now: "n".into(),
            after: "a".into(),
            warning: None,
            action: Action::Update {
                parent: None,
                id: "SDR_a".into(),
                fields: json!({}),
            },
            before: Some(json!({"rule": {"dispatch_rule_individual": {"pin": "4711"}}})),
        }
    }

    #[test]
    fn a_snapshot_keeps_its_secrets_in_the_keychain() {
        let (folder, journal, _) = journal();
        let password = Secret::new("hunter2".into());
        let change = journal
            .intend("r", &line(), &step(), Some(&password))
            .unwrap();
        journal
            .done(&change, None, Some(json!({"pin": "0815"})))
            .unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        for secret in ["4711", "hunter2", "0815"] {
            assert!(!text.contains(secret), "{text}");
        }
        let known = journal.changes().unwrap().remove(0);
        assert_eq!(known.state, ChangeState::Done);
        assert_eq!(known.object_id.as_deref(), Some("SDR_a"));
        assert_eq!(
            journal.snapshot(&known).unwrap().unwrap(),
            json!({"rule": {"dispatch_rule_individual": {"pin": "4711"}}, "auth_password": "hunter2"})
        );
    }

    #[test]
    fn a_locked_keychain_or_a_full_disk_forbids_the_change() {
        let (folder, journal, vault) = journal();
        vault.fail(Some(VaultError::Locked));
        let refused = journal.intend("r", &line(), &step(), None).unwrap_err();
        assert!(
            refused.to_string().contains("Nothing was changed"),
            "{refused}"
        );
        assert!(journal.changes().unwrap().is_empty());
        vault.fail(None);
        std::fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(matches!(
            journal.intend("r", &line(), &step(), None),
            Err(JournalError::File(_))
        ));
    }

    #[test]
    fn a_line_cut_by_a_crash_costs_only_itself() {
        let (folder, journal, _) = journal();
        let first = journal.intend("r", &line(), &step(), None).unwrap();
        let path = folder.path().join(FILE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"event\":\"done\",\"chan").unwrap();
        journal.undone(&first).unwrap();
        let known = journal.changes().unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].state, ChangeState::Undone);
    }
}
