//! The lines of a profile: a small file, replaced whole. It holds no secret.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calling::Calling;
use crate::costs::Rates;
use crate::journal::{now, who};
use crate::wanted::{
    HandlerUrl, LineId, LineName, LiveKitSip, Number, ProviderKind, SipHost, Transport,
    TrunkDomain, Wanted, WantedProvider,
};

const FILE: &str = "lines.json";
/// Held while the list is read, changed and replaced.
const LOCK: &str = "lines.lock";

/// When a direction was last proven by a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// A caller got through and was answered, RFC 3339.
    pub incoming: Option<String>,
    /// Somebody was called and answered, RFC 3339.
    pub outgoing: Option<String>,
}

/// A line as it was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLine {
    /// Its identity.
    pub id: LineId,
    /// Its name.
    pub name: LineName,
    /// Who carries it.
    pub provider: ProviderKind,
    /// Its numbers.
    pub numbers: Vec<Number>,
    /// TLS and encrypted sound.
    #[serde(default)]
    pub secure: bool,
    /// Do callers type a PIN? The PIN itself is in LiveKit.
    #[serde(default)]
    pub has_pin: bool,
    /// Where the provider sends calls.
    #[serde(default)]
    pub livekit_sip: Option<LiveKitSip>,
    /// The trunk's domain at Twilio.
    #[serde(default)]
    pub domain: Option<TrunkDomain>,
    /// The account at the provider. Not secret.
    #[serde(default)]
    pub account: Option<String>,
    /// The provider's host. At SignalWire: the SIP address that was made there by hand.
    #[serde(default)]
    pub host: Option<SipHost>,
    /// At SignalWire: what answers callers instead of a script of Deskline's.
    #[serde(default)]
    pub handler: Option<HandlerUrl>,
    /// How LiveKit talks to it.
    #[serde(default)]
    pub transport: Transport,
    /// Ids of its objects by kind.
    #[serde(default)]
    pub objects: BTreeMap<String, String>,
    /// When it was set up, RFC 3339.
    pub since: String,
    /// By whom.
    pub by: String,
    /// What was proven.
    #[serde(default)]
    pub proof: Proof,
    /// How calls go out over it.
    #[serde(default)]
    pub calling: Calling,
    /// What it costs, as a person typed it.
    #[serde(default)]
    pub rates: Rates,
}

impl KeptLine {
    /// A line as it is set up now.
    #[must_use]
    pub fn of(wanted: &Wanted, account: Option<&str>) -> Self {
        let mut kept = Self {
            id: wanted.id.clone(),
            name: wanted.name.clone(),
            provider: wanted.provider.kind(),
            numbers: wanted.numbers.clone(),
            secure: wanted.secure,
            has_pin: wanted.pin.is_some(),
            livekit_sip: None,
            domain: None,
            account: account.map(str::to_owned),
            host: None,
            handler: None,
            transport: Transport::Auto,
            objects: BTreeMap::new(),
            since: now(),
            by: who(),
            proof: Proof::default(),
            calling: Calling::default(),
            rates: Rates::default(),
        };
        match &wanted.provider {
            WantedProvider::Twilio { livekit, domain } => {
                kept.livekit_sip = Some(livekit.clone());
                kept.domain = Some(domain.clone());
            }
            WantedProvider::Telnyx { livekit } => kept.livekit_sip = Some(livekit.clone()),
            WantedProvider::SignalWire {
                livekit,
                handler,
                by_hand,
            } => {
                kept.livekit_sip = Some(livekit.clone());
                kept.handler.clone_from(handler);
                kept.host.clone_from(by_hand);
            }
            WantedProvider::Other { host, transport } => {
                kept.host = Some(host.clone());
                kept.transport = *transport;
            }
            WantedProvider::LiveKitNumbers => {}
        }
        kept
    }

    /// What was wanted of it; its PIN is not known here. `None`: the file was changed by hand.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        let provider = match self.provider {
            ProviderKind::Twilio => WantedProvider::Twilio {
                livekit: self.livekit_sip.clone()?,
                domain: self.domain.clone()?,
            },
            ProviderKind::Telnyx => WantedProvider::Telnyx {
                livekit: self.livekit_sip.clone()?,
            },
            ProviderKind::SignalWire => WantedProvider::SignalWire {
                livekit: self.livekit_sip.clone()?,
                handler: self.handler.clone(),
                by_hand: self.host.clone(),
            },
            ProviderKind::Other => WantedProvider::Other {
                host: self.host.clone()?,
                transport: self.transport,
            },
            ProviderKind::LiveKitNumbers => WantedProvider::LiveKitNumbers,
        };
        let mut wanted = Wanted::new(self.name.clone(), self.numbers.clone(), provider).ok()?;
        wanted.secure = self.secure;
        Some(wanted)
    }

    /// Does Deskline sign in at the provider?
    #[must_use]
    pub fn signs_in(&self) -> bool {
        let by_hand = self.provider == ProviderKind::SignalWire && self.host.is_some();
        self.provider.has_api() && !by_hand
    }

    /// Have both directions been proven?
    #[must_use]
    pub fn is_proven(&self) -> bool {
        let calls_out = self.provider != ProviderKind::LiveKitNumbers;
        self.proof.incoming.is_some() && (self.proof.outgoing.is_some() || !calls_out)
    }
}

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// Reading or writing.
    #[error(
        "The list of lines cannot be read or written ({0}). Make room on the disk or make the profile folder writable."
    )]
    File(#[from] std::io::Error),
    /// Not ours.
    #[error(
        "The list of lines ({path}) is damaged. Move the file away; the lines themselves are in LiveKit and can be added again."
    )]
    Damaged {
        /// Which file.
        path: String,
    },
    /// No such line.
    #[error("There is no line “{0}”.")]
    NoSuchLine(String),
}

impl RegistryError {
    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(_) | Self::Damaged { .. } => "profile",
            Self::NoSuchLine(_) => "no_such_line",
        }
    }
}

/// The lines of one profile. Every call blocks (disk). What changes the list holds a lock on it, so that several threads and
/// programs never lose each other's changes.
#[derive(Debug, Clone)]
pub struct Registry {
    path: PathBuf,
}

impl Registry {
    /// The list in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
        }
    }

    /// All lines, in the order in which they were added.
    ///
    /// # Errors
    /// The file is there and cannot be read or understood.
    pub fn lines(&self) -> Result<Vec<KeptLine>, RegistryError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes).map_err(|_| RegistryError::Damaged {
            path: self.path.display().to_string(),
        })
    }

    /// A line by its identity or its name, in capitals or not.
    ///
    /// # Errors
    /// There is none, or the list cannot be read.
    pub fn line(&self, named: &str) -> Result<KeptLine, RegistryError> {
        let lower = named.trim().to_lowercase();
        self.lines()?
            .into_iter()
            .find(|line| line.id.as_str() == lower || line.name.as_str().to_lowercase() == lower)
            .ok_or_else(|| RegistryError::NoSuchLine(crate::service::words(named)))
    }

    /// Adds a line, or puts it in the place of the one with its identity; what was proven of the same numbers stays, and what
    /// was set of its calls.
    ///
    /// # Errors
    /// The file.
    pub fn keep(&self, line: KeptLine) -> Result<(), RegistryError> {
        self.change(|lines| {
            put(lines, line);
            Ok(())
        })
    }

    /// Takes a line out of the list; [`Registry::bring_back`] puts it in again.
    ///
    /// # Errors
    /// The file.
    pub fn retire(&self, id: &LineId) -> Result<(), RegistryError> {
        self.change(|lines| {
            if let Some(at) = lines.iter().position(|line| line.id == *id) {
                replace(&self.retired(id), &lines.remove(at))?;
            }
            Ok(())
        })
    }

    /// Puts a line that was taken out back; `renamed` has the new ids of its objects. What was proven of it has to be proven
    /// again.
    ///
    /// # Errors
    /// The file.
    pub fn bring_back(
        &self,
        id: &LineId,
        renamed: &HashMap<String, String>,
    ) -> Result<(), RegistryError> {
        let path = self.retired(id);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut line: KeptLine =
            serde_json::from_slice(&bytes).map_err(|_| RegistryError::Damaged {
                path: path.display().to_string(),
            })?;
        line.proof = Proof::default();
        for object in line.objects.values_mut() {
            if let Some(new) = renamed.get(object) {
                object.clone_from(new);
            }
        }
        self.change(|lines| {
            line.calling.is_default &= !lines.iter().any(|other| other.calling.is_default);
            put(lines, line);
            Ok::<_, RegistryError>(())
        })?;
        std::fs::remove_file(path)?;
        Ok(())
    }

    /// Keeps the last check of a line beside the list.
    ///
    /// # Errors
    /// The file.
    pub fn keep_check(&self, report: &crate::check::CheckReport) -> Result<(), RegistryError> {
        replace(&self.check(&report.line.id), &report.saved())
    }

    fn check(&self, id: &LineId) -> PathBuf {
        self.path.with_file_name(format!("check-{id}.json"))
    }

    /// The last check of a line, as it was kept; `None` when there was none, or when it cannot be read.
    #[must_use]
    pub fn last_check(&self, id: &LineId) -> Option<crate::check::SavedCheck> {
        serde_json::from_slice(&std::fs::read(self.check(id)).ok()?).ok()
    }

    fn retired(&self, id: &LineId) -> PathBuf {
        self.path.with_file_name(format!("removed-{id}.json"))
    }

    /// Notes what was proven just now.
    ///
    /// # Errors
    /// The file.
    pub fn proven(&self, id: &LineId, incoming: bool) -> Result<(), RegistryError> {
        self.change(|lines| {
            for line in lines.iter_mut().filter(|line| line.id == *id) {
                let direction = if incoming {
                    &mut line.proof.incoming
                } else {
                    &mut line.proof.outgoing
                };
                *direction = Some(now());
            }
            Ok(())
        })
    }

    /// Reads, changes and replaces the list, alone: whoever else wants to change it waits, which is a matter of
    /// milliseconds. A refusal of `change` changes nothing.
    pub(crate) fn change<E: From<RegistryError>>(
        &self,
        change: impl FnOnce(&mut Vec<KeptLine>) -> Result<(), E>,
    ) -> Result<(), E> {
        let lock = self.path.with_file_name(LOCK);
        let _alone = locked(&lock).map_err(RegistryError::File)?;
        let mut lines = self.lines()?;
        change(&mut lines)?;
        Ok(replace(&self.path, &lines)?)
    }
}

/// Waits for the lock; it is held as long as the file is open.
fn locked(path: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

/// In the place of the line with its identity, else behind all.
fn put(lines: &mut Vec<KeptLine>, line: KeptLine) {
    match lines.iter_mut().find(|kept| kept.id == line.id) {
        Some(kept) => {
            let (proof, since, by) = (kept.proof.clone(), kept.since.clone(), kept.by.clone());
            let (mut calling, rates) = (kept.calling.clone(), kept.rates.clone());
            let own = |number: &Number| line.numbers.contains(number);
            calling.caller_id = calling.caller_id.filter(own);
            let same = kept.numbers == line.numbers && kept.provider == line.provider;
            *kept = line;
            (kept.calling, kept.rates) = (calling, rates);
            if same {
                (kept.proof, kept.since, kept.by) = (proof, since, by);
            }
        }
        None => lines.push(line),
    }
}

/// Writes a file whole or not at all.
fn replace<T: Serialize + ?Sized>(path: &Path, content: &T) -> Result<(), RegistryError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut text = serde_json::to_vec_pretty(content).map_err(std::io::Error::other)?;
    text.push(b'\n');
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path)
        .map_err(|error| RegistryError::File(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;

    fn wanted(number: &str) -> Wanted {
        let provider = WantedProvider::Other {
            host: SipHost::parse("sip.example.com").unwrap(),
            transport: Transport::Tls,
        };
        let number = Number::parse(number, Region::US).unwrap();
        Wanted::new(LineName::parse("Desk").unwrap(), vec![number], provider).unwrap()
    }

    #[test]
    fn a_line_is_kept_proven_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(&folder.path().join("lines"));
        assert!(registry.lines().unwrap().is_empty());
        let wanted_line = wanted("2125550100");
        registry.keep(KeptLine::of(&wanted_line, None)).unwrap();
        registry.proven(&wanted_line.id, true).unwrap();
        assert!(!registry.lines().unwrap()[0].is_proven());
        registry.proven(&wanted_line.id, false).unwrap();
        // Set up again as it was: what was proven stays. Other numbers: it does not.
        registry.keep(KeptLine::of(&wanted_line, None)).unwrap();
        let kept = registry.lines().unwrap().remove(0);
        assert!(kept.is_proven());
        assert_eq!(kept.wanted().unwrap(), wanted_line);
        registry
            .keep(KeptLine::of(&wanted("2125550101"), None))
            .unwrap();
        assert!(!registry.lines().unwrap()[0].is_proven());
        registry.retire(&wanted_line.id).unwrap();
        assert!(registry.lines().unwrap().is_empty());
        registry
            .bring_back(&wanted_line.id, &HashMap::new())
            .unwrap();
        assert_eq!(registry.lines().unwrap().len(), 1);
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path());
        let names: Vec<String> = (0..8).map(|n| format!("Desk {n}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                let registry = registry.clone();
                scope.spawn(move || {
                    let mut wanted = wanted("2125550100");
                    wanted.name = LineName::parse(name).unwrap();
                    wanted.id = LineId::of(&wanted.name);
                    registry.keep(KeptLine::of(&wanted, None)).unwrap();
                    registry.proven(&wanted.id, true).unwrap();
                });
            }
        });
        let kept = registry.lines().unwrap();
        assert_eq!(kept.len(), names.len());
        assert!(kept.iter().all(|line| line.proof.incoming.is_some()));
        assert_eq!(registry.line(" desk 3").unwrap().name.as_str(), "Desk 3");
        let nobody = registry.line("desk 9").unwrap_err();
        assert_eq!(nobody.code(), "no_such_line");
        assert_eq!(nobody.to_string(), "There is no line “desk 9”.");
    }

    #[test]
    fn a_damaged_list_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path());
        std::fs::write(folder.path().join(FILE), "[{").unwrap();
        let refused = registry.keep(KeptLine::of(&wanted("2125550100"), None));
        assert!(matches!(refused, Err(RegistryError::Damaged { .. })));
        assert_eq!(
            std::fs::read_to_string(folder.path().join(FILE)).unwrap(),
            "[{"
        );
    }
}
