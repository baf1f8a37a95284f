//! The lines of one desk: what the window and the terminal ask for.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use vault::{Account, Vault, VaultError};

use crate::apply::{Approved, OnProgress, Progress, Run, RunError, RunReport, Services};
use crate::check::{CheckReport, Facts, diagnose};
use crate::credential::{Credential, four};
use crate::found::{Found, ProviderExtras};
use crate::http::Http;
use crate::journal::{Change, Journal, JournalError, Object, Place, Verb};
use crate::livekit::LiveKit;
use crate::plan::{Plan, pick, plan};
use crate::project::Project;
use crate::provider::{Provider, ProviderKeys};
use crate::registry::{KeptLine, Registry, RegistryError};
use crate::service::{Endpoints, ServiceError};
use crate::step::StepKey;
use crate::undo::{UndoError, UndoReport, last_run, undo};
use crate::wanted::{LineId, LineName, ProviderKind, Wanted, WantedProvider};

/// Why something cannot be done with lines. One sentence each.
#[derive(Debug, Error)]
pub enum DeskError {
    /// A service.
    #[error("{0}")]
    Service(#[from] ServiceError),
    /// The keychain.
    #[error("{0}")]
    Keychain(#[from] VaultError),
    /// The list of lines.
    #[error("{0}")]
    Registry(#[from] RegistryError),
    /// The record of changes.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// While carrying out.
    #[error("{0}")]
    Run(#[from] RunError),
    /// While taking back.
    #[error("{0}")]
    Undo(#[from] UndoError),
    /// Another program.
    #[error("Another Deskline program is setting up lines just now. Wait until it is done.")]
    Busy,
    /// The folder.
    #[error("The profile folder cannot be used ({0}). Make it writable, or choose another.")]
    Folder(io::Error),
    /// Randomness.
    #[error("This system gives no random numbers. Restart the computer.")]
    Random,
    /// A line whose description does not hold together.
    #[error("The line “{0}” is described badly in the list of lines. Add it again.")]
    Damaged(String),
    /// Nothing to take back.
    #[error("There is nothing to undo for “{0}”.")]
    NothingToUndo(String),
    /// Signing in at the provider is needed.
    #[error("This needs the sign-in at {0}. Deskline forgot it after the last time, as it should.")]
    NeedsKeys(&'static str),
}

impl DeskError {
    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Service(error) => error.code(),
            Self::Keychain(_) => "keychain",
            Self::Registry(error) => error.code(),
            Self::Folder(_) => "profile",
            Self::Journal(_) => "not_recorded",
            Self::Run(error) => error.code(),
            Self::Undo(error) => error.code(),
            Self::Busy => "busy",
            Self::Random => "random",
            Self::Damaged(_) => "damaged",
            Self::NothingToUndo(_) => "nothing_to_undo",
            Self::NeedsKeys(_) => "needs_keys",
        }
    }
}

impl DeskError {
    /// What was done before it ended: titles, in order. `None`: it ended before anything could have been.
    #[must_use]
    pub fn done(&self) -> Option<&[String]> {
        match self {
            Self::Run(error) => Some(error.done()),
            Self::Undo(error) => Some(error.undone()),
            Self::Service(_)
            | Self::Keychain(_)
            | Self::Registry(_)
            | Self::Journal(_)
            | Self::Busy
            | Self::Folder(_)
            | Self::Random
            | Self::Damaged(_)
            | Self::NothingToUndo(_)
            | Self::NeedsKeys(_) => None,
        }
    }

    /// Did SignalWire refuse what can be done there by hand? Then [`crate::hand::steps`] says how.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        matches!(
            self,
            Self::Run(RunError::Failed {
                key: Some(key),
                error: ServiceError::Forbidden { .. } | ServiceError::NotFound { .. },
                ..
            }) if key.object.place() == Place::SignalWire
        )
    }

    /// Does somebody else have the name of the trunk at Twilio? Then [`Desk::with_another_domain`] goes on.
    #[must_use]
    pub fn is_domain_taken(&self) -> bool {
        matches!(
            self,
            Self::Run(RunError::Failed {
                key: Some(StepKey {
                    object: Object::TwilioTrunk,
                    ..
                }),
                error: ServiceError::Conflict { .. },
                ..
            })
        )
    }
}

/// A plan with what it takes to carry it out. Shows no secret.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The line.
    pub wanted: Wanted,
    /// What would be done. Show it before anything else.
    pub plan: Plan,
    /// What LiveKit signs in with at the provider.
    pub credential: Option<Credential>,
    /// What there is.
    pub found: Found,
    services: Services,
    account: Option<String>,
}

impl Prepared {
    /// Where LiveKit would call out to; `None` where nobody is called.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        crate::plan::address(&self.wanted, &self.found, self.credential.as_ref())
    }

    /// Can this be set up only by hand, because the account has no API for it? Then [`crate::hand::steps`] says how.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        let mut problems = self.plan.problems.iter();
        problems.any(|problem| problem.code == crate::plan_signalwire::BY_HAND)
    }
}

/// The lines of one profile. Cheap to clone. Its methods block now and then (disk, keychain): run them where that is
/// allowed.
#[derive(Debug, Clone)]
pub struct Desk {
    folder: PathBuf,
    profile: Arc<str>,
    pub(crate) vault: Vault,
    project: Project,
    endpoints: Endpoints,
    http: Http,
    progress: Shared,
    /// The list of lines.
    pub registry: Registry,
    /// The record of changes.
    pub journal: Journal,
}

#[derive(Clone)]
struct Shared(OnProgress);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnProgress")
    }
}

impl Desk {
    /// The lines of the profile in `folder`; `profile` is its name in the keychain.
    ///
    /// # Errors
    /// The system gives no TLS.
    pub fn new(
        folder: &Path,
        profile: &str,
        vault: Vault,
        project: Project,
        endpoints: Endpoints,
        progress: OnProgress,
    ) -> Result<Self, DeskError> {
        let folder = folder.join("lines");
        let told = progress.clone();
        let http = Http::new(Arc::new(move |service, pause| {
            told(Progress::Pause { service, pause });
        }))?;
        Ok(Self {
            registry: Registry::new(&folder),
            journal: Journal::new(&folder, profile, vault.clone()),
            folder,
            profile: profile.into(),
            vault,
            project,
            endpoints,
            http,
            progress: Shared(progress),
        })
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    pub(crate) fn services(&self, keys: Option<ProviderKeys>) -> Services {
        Services {
            livekit: LiveKit::new(self.http.clone(), self.project.clone()),
            provider: keys.map(|keys| Provider::new(self.http.clone(), &self.endpoints, keys)),
        }
    }

    /// Looks at both places and plans. Changes nothing. `given` is a user name and password of another provider.
    ///
    /// # Errors
    /// A service or the keychain.
    pub async fn prepare(
        &self,
        wanted: Wanted,
        keys: Option<ProviderKeys>,
        given: Option<Credential>,
    ) -> Result<Prepared, DeskError> {
        let kind = wanted.provider.kind();
        let signs_in = wanted.provider.signs_in();
        if signs_in && keys.as_ref().map(ProviderKeys::kind) != Some(kind) {
            return Err(DeskError::NeedsKeys(kind.shown()));
        }
        let keys = keys.filter(|_| signs_in);
        let account = keys.as_ref().and_then(ProviderKeys::account);
        let account = account.map(str::to_owned);
        let services = self.services(keys);
        let found = services.look(&wanted).await?;
        let credential = match given {
            Some(given) => Some(given),
            None => self.credential(&wanted, &found)?,
        };
        Ok(Prepared {
            plan: plan(&wanted, &found, credential.as_ref()),
            wanted,
            credential,
            found,
            services,
            account,
        })
    }

    /// The line's password: from the keychain, else as LiveKit has it, else a new one.
    fn credential(&self, wanted: &Wanted, found: &Found) -> Result<Option<Credential>, DeskError> {
        if let Some(kept) = self.vault.get(&self.password_of(&wanted.id))? {
            return Ok(Credential::unpacked(&kept));
        }
        let known = pick(wanted, found).outbound.and_then(|trunk| {
            let password = trunk.password.as_ref()?;
            (!trunk.user.is_empty()).then(|| Credential::new(trunk.user.clone(), password.copy()))
        });
        match known {
            Some(known) => Ok(Some(known)),
            None if wanted.provider.signs_in() => Credential::generate()
                .map(Some)
                .map_err(|_| DeskError::Random),
            None => Ok(None),
        }
    }

    pub(crate) fn password_of(&self, line: &LineId) -> Account {
        Account::new(&self.profile, "sip", line.as_str())
    }

    /// Carries a plan out, as far as the person approved. `stop` is asked before every step.
    ///
    /// # Errors
    /// Something stands in the way; says exactly what was changed before.
    pub async fn carry_out(
        &self,
        prepared: &Prepared,
        approved: &Approved,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<RunReport, DeskError> {
        let _alone = self.alone()?;
        let wanted = &prepared.wanted;
        if let Some(credential) = &prepared.credential
            && prepared.plan.problems.is_empty()
        {
            // Before anything has it: a password that only a provider knows would be lost.
            self.vault
                .set(&self.password_of(&wanted.id), &credential.packed())?;
        }
        let run = Run {
            services: &prepared.services,
            wanted,
            credential: prepared.credential.as_ref(),
            journal: &self.journal,
            approved,
            progress: &self.progress.0,
            stop,
        };
        let (report, found) = run.carry_out().await?;
        let mut line = KeptLine::of(wanted, prepared.account.as_deref());
        line.objects = objects_of(wanted, &found);
        if let Err(error) = self.registry.keep(line) {
            let done = report.done;
            return Err(RunError::NotListed { error, done }.into());
        }
        Ok(report)
    }

    /// The same line under another domain at Twilio, for when the first is taken.
    ///
    /// # Errors
    /// No randomness.
    pub fn with_another_domain(&self, wanted: &Wanted) -> Result<Option<Wanted>, DeskError> {
        let WantedProvider::Twilio { livekit, domain } = &wanted.provider else {
            return Ok(None);
        };
        let four = four().map_err(|_| DeskError::Random)?;
        let mut wanted = wanted.clone();
        wanted.provider = WantedProvider::Twilio {
            livekit: livekit.clone(),
            domain: domain.another(&four),
        };
        Ok(Some(wanted))
    }

    /// A line by its name or identity.
    ///
    /// # Errors
    /// There is none, or the list cannot be read.
    pub fn line(&self, named: &str) -> Result<KeptLine, DeskError> {
        Ok(self.registry.line(named)?)
    }

    /// What taking back the last run of a line would take back, the newest change first. Works for removed lines too.
    ///
    /// # Errors
    /// Nothing to take back, or the record cannot be read.
    pub fn prepare_undo(&self, named: &str) -> Result<(LineId, Vec<Change>), DeskError> {
        let id = match self.registry.line(named) {
            Ok(line) => line.id,
            Err(nobody @ RegistryError::NoSuchLine(_)) => {
                LineId::of(&LineName::parse(named).map_err(|_| nobody)?)
            }
            Err(other) => return Err(other.into()),
        };
        let changes = last_run(&self.journal, &id)?;
        if changes.is_empty() {
            return Err(DeskError::NothingToUndo(crate::service::words(named)));
        }
        Ok((id, changes))
    }

    /// Takes `changes` back.
    ///
    /// # Errors
    /// A service, or the record; what was taken back before is recorded.
    pub async fn undo(
        &self,
        line: &LineId,
        changes: &[Change],
        keys: Option<ProviderKeys>,
    ) -> Result<UndoReport, DeskError> {
        let place = changes
            .iter()
            .map(|change| change.object.place())
            .find(|place| *place != Place::LiveKit);
        let kind = keys.as_ref().map(ProviderKeys::kind);
        if let Some(place) = place
            && place.provider() != kind
        {
            let name = place.provider().map_or("the provider", ProviderKind::shown);
            return Err(DeskError::NeedsKeys(name));
        }
        let _alone = self.alone()?;
        let services = self.services(keys);
        let report = undo(&services, &self.journal, changes).await?;
        let rule = changes.iter().find(|change| change.object == Object::Rule);
        let listed = match rule.map(|change| change.verb) {
            // Without its rule a line does not ring: it is gone.
            Some(Verb::Create) if report.left.is_empty() => self.registry.retire(line),
            Some(Verb::Delete) => self.registry.bring_back(line, &report.renamed),
            Some(Verb::Create | Verb::Update) | None => Ok(()),
        };
        match listed {
            Ok(()) => Ok(report),
            Err(error) => {
                let undone = report.undone;
                Err(UndoError::NotListed { error, undone }.into())
            }
        }
    }

    /// Finds out what is wrong with a line. Changes nothing, calls nobody, spends nothing. Without `keys` what only the
    /// provider knows is left out and said to be.
    ///
    /// # Errors
    /// No such line, or the list cannot be read. A service that does not answer is a finding.
    pub async fn check(
        &self,
        named: &str,
        keys: Option<ProviderKeys>,
    ) -> Result<CheckReport, DeskError> {
        let kept = self.line(named)?;
        let wanted = kept
            .wanted()
            .ok_or_else(|| DeskError::Damaged(kept.name.to_string()))?;
        let services = self.services(keys.filter(|_| kept.signs_in()));
        let began = Instant::now();
        let home = home_of(&wanted);
        let provider = async {
            let provider = services.provider.as_ref()?;
            // Together: neither needs the other's answer.
            let (found, extras) =
                tokio::join!(provider.look(&wanted), provider.extras(&wanted, &home));
            Some(found.and_then(|found| {
                let home = home.clone();
                Ok((found.told()?, ProviderExtras { home, ..extras? }))
            }))
        };
        let (livekit, provider) = tokio::join!(services.livekit.look(), provider);
        let facts = Facts {
            kept: kept.clone(),
            wanted,
            livekit,
            provider,
        };
        let report = CheckReport {
            line: kept,
            at: crate::journal::now(),
            took: began.elapsed(),
            findings: diagnose(&facts),
        };
        self.registry.keep_check(&report)?;
        Ok(report)
    }

    /// One program at a time changes lines.
    pub(crate) fn alone(&self) -> Result<File, DeskError> {
        std::fs::create_dir_all(&self.folder).map_err(DeskError::Folder)?;
        let file = File::create(self.folder.join("lock")).map_err(DeskError::Folder)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(DeskError::Busy),
            Err(TryLockError::Error(error)) => Err(DeskError::Folder(error)),
        }
    }
}

/// The ids of a line's objects, by kind.
fn objects_of(wanted: &Wanted, found: &Found) -> BTreeMap<String, String> {
    let picked = pick(wanted, found);
    let (twilio, telnyx, signalwire) = (found.twilio(), found.telnyx(), found.signalwire());
    let twilio = twilio.and_then(|twilio| twilio.trunk.as_ref());
    let telnyx = telnyx.and_then(|telnyx| telnyx.connection.as_ref());
    let signalwire = signalwire.and_then(|signalwire| signalwire.handler.as_ref());
    let ids = [
        ("outbound_trunk", picked.outbound.map(|trunk| &trunk.id)),
        ("inbound_trunk", picked.inbound.map(|trunk| &trunk.id)),
        ("rule", picked.rule.map(|rule| &rule.id)),
        ("twilio_trunk", twilio.map(|trunk| &trunk.sid)),
        ("telnyx_connection", telnyx.map(|connection| &connection.id)),
        ("signalwire_handler", signalwire.map(|handler| &handler.id)),
    ];
    let known = ids.into_iter();
    known
        .filter_map(|(name, id)| Some((name.to_owned(), id?.clone())))
        .collect()
}

/// The country of a line's first number, empty if unknown. Of all that share the code of North America it is the first.
fn home_of(wanted: &Wanted) -> String {
    let first = wanted.numbers.first().map(|number| number.as_str());
    let country = first.and_then(|number| match number.strip_prefix("+1") {
        Some(_) => Some("US".to_owned()),
        None => call::number::country(number),
    });
    country.unwrap_or_default()
}
