//! Carrying a plan out: one step, look, plan again.
//!
//! The plan is made anew after every step from what is really there, so that a step whose answer was lost is neither
//! repeated nor forgotten, and what others change meanwhile is noticed. Only steps that the person saw are done.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use vault::{Secret, VaultError};

use crate::credential::Credential;
use crate::found::{Found, ProviderFound};
use crate::journal::{ChangeState, Journal, JournalError, Object, Place, Verb};
use crate::livekit::{LiveKit, LiveKitFound};
use crate::plan::{Plan, Problem, object_of, plan};
use crate::provider::Provider;
use crate::registry::RegistryError;
use crate::service::{Service, ServiceError};
use crate::step::{Action, Step, StepKey};
use crate::wanted::Wanted;

/// How often one step is tried again after an answer that does not say whether it happened.
const TRIES: usize = 3;
/// Steps of one run: more than any plan has, less than for ever.
const MOST_STEPS: usize = 64;

/// The steps a person said yes to.
#[derive(Debug, Clone, Default)]
pub struct Approved(HashSet<(StepKey, Verb, String, String)>);

impl Approved {
    /// Yes to all of a plan.
    #[must_use]
    pub fn all(plan: &Plan) -> Self {
        Self(plan.steps.iter().map(Step::promise).collect())
    }

    fn allows(&self, step: &Step) -> bool {
        self.0.contains(&step.promise())
    }
}

/// What is told while a plan is carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A step begins.
    Began {
        /// Which.
        key: StepKey,
        /// In a few words.
        title: String,
        /// How many are done.
        done: usize,
        /// How many there are in all.
        of: usize,
    },
    /// A step is done and was seen to be.
    Done {
        /// Which.
        key: StepKey,
        /// In a few words.
        title: String,
    },
    /// A service asked to wait, or did not answer: it is asked again after this pause.
    Pause {
        /// Whose.
        service: Service,
        /// How long.
        pause: Duration,
    },
}

/// Who is told.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunReport {
    /// What exists now that did not before, or is changed: titles, in order.
    pub done: Vec<String>,
    /// What was there already.
    pub kept: Vec<String>,
    /// What to know or do by hand.
    pub notes: Vec<String>,
}

/// Why a run ended before its plan. `done` says exactly what was changed.
#[derive(Debug, Error)]
pub enum RunError {
    /// Something stands in the way that no step removes.
    #[error("{}", problems.iter().map(|problem| problem.words.as_str()).collect::<Vec<_>>().join(" "))]
    Blocked {
        /// What.
        problems: Vec<Problem>,
        /// What was done before.
        done: Vec<String>,
    },
    /// Others changed something meanwhile.
    #[error(
        "“{title}” is needed now and was not in the plan you saw: somebody changed something meanwhile. Look at the new plan."
    )]
    Changed {
        /// The step.
        title: String,
        /// What was done before.
        done: Vec<String>,
    },
    /// A service did not do it.
    #[error("{title}: {error}")]
    Failed {
        /// Which step; `None` while looking.
        key: Option<StepKey>,
        /// The step, or what was looked at.
        title: String,
        /// Why.
        error: ServiceError,
        /// What was done before.
        done: Vec<String>,
    },
    /// A service said yes and nothing happened.
    #[error(
        "{title}: the service said it was done, and it is not to be seen. Wait a minute, then run the same again."
    )]
    NoEffect {
        /// The step.
        title: String,
        /// What was done before.
        done: Vec<String>,
    },
    /// The person stopped it.
    #[error("Stopped. Run the same again to go on.")]
    Stopped {
        /// What was done before.
        done: Vec<String>,
    },
    /// The change could not be recorded, so it was not made.
    #[error("{error}")]
    Journal {
        /// Why.
        error: JournalError,
        /// What was done before.
        done: Vec<String>,
    },
    /// Everything is done where the line lives; the list of lines on this computer could not be written.
    #[error("{error} Then do the same again; what is done is not done twice.")]
    NotListed {
        /// Why.
        error: RegistryError,
        /// What was done before.
        done: Vec<String>,
    },
    /// Everything is done where the line lived; its password is still in the keychain.
    #[error("{error} Then do the same again; what is done is not done twice.")]
    PasswordKept {
        /// Why.
        error: VaultError,
        /// What was done before.
        done: Vec<String>,
    },
}

impl RunError {
    /// What was done before it ended.
    #[must_use]
    pub fn done(&self) -> &[String] {
        match self {
            Self::Blocked { done, .. }
            | Self::Changed { done, .. }
            | Self::Failed { done, .. }
            | Self::NoEffect { done, .. }
            | Self::Stopped { done }
            | Self::Journal { done, .. }
            | Self::NotListed { done, .. }
            | Self::PasswordKept { done, .. } => done,
        }
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blocked { problems, .. } => {
                problems.first().map_or("blocked", |problem| problem.code)
            }
            Self::Changed { .. } => "changed_meanwhile",
            Self::Failed { error, .. } => error.code(),
            Self::NoEffect { .. } => "no_effect",
            Self::Stopped { .. } => "stopped",
            Self::Journal { .. } => "not_recorded",
            Self::NotListed { .. } => "profile",
            Self::PasswordKept { .. } => "keychain",
        }
    }
}

/// The services of one line.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) livekit: LiveKit,
    pub(crate) provider: Option<Provider>,
}

impl Services {
    /// Everything there is, at both places at once.
    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<Found, ServiceError> {
        let provider = async {
            match &self.provider {
                Some(provider) => provider.look(wanted).await,
                None => Ok(ProviderFound::Nothing),
            }
        };
        let (livekit, provider) = tokio::join!(self.livekit.look(), provider);
        Ok(Found {
            livekit: livekit?,
            provider: provider?,
        })
    }

    /// Carries one change out; answers the id of what was made.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        let unresolved = matches!(action, Action::Create { .. })
            && object.needs_parent()
            && action.parent().is_none();
        let service = object.place().service();
        if unresolved {
            return Err(ServiceError::NotFound {
                service,
                words: "what this belongs to is not there yet".into(),
            });
        }
        match (object.place(), &self.provider) {
            (Place::LiveKit, _) => self.livekit.apply(object, action, password).await,
            (_, Some(provider)) => provider.apply(object, action, password).await,
            (_, None) => Err(ServiceError::SignIn {
                service,
                words: "no key was given".into(),
            }),
        }
    }
}

/// What a run needs besides its plan.
pub(crate) struct Run<'a> {
    pub(crate) services: &'a Services,
    pub(crate) wanted: &'a Wanted,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) journal: &'a Journal,
    pub(crate) approved: &'a Approved,
    pub(crate) progress: &'a OnProgress,
    /// Asked before every step.
    pub(crate) stop: &'a (dyn Fn() -> bool + Send + Sync),
}

/// A change whose effect has not been seen yet.
struct Pending {
    change: String,
    step: Step,
    tries: usize,
    /// The service said that it is done.
    said_done: bool,
    /// What it said instead.
    error: Option<ServiceError>,
}

impl Run<'_> {
    /// Until nothing is left to do. Gives what is there then too, so that nobody has to look once more.
    pub(crate) async fn carry_out(&self) -> Result<(RunReport, Found), RunError> {
        let mut done: Vec<String> = Vec::new();
        let mut pending: Option<Pending> = None;
        let run = Journal::new_run().map_err(|error| journal_failed(error, &done))?;
        let of = self.approved.0.len();
        // As it was before this run: what the run makes is not "there already".
        let mut kept: Option<Vec<String>> = None;
        for _ in 0..MOST_STEPS {
            let found = match self.services.look(self.wanted).await {
                Ok(found) => found,
                Err(error) => {
                    return Err(blind(pending, error, done));
                }
            };
            let now = plan(self.wanted, &found, self.credential);
            let kept = kept.get_or_insert_with(|| now.kept.clone());
            if let Some(last) = pending.take() {
                pending = self.settle(last, &now, &found, &mut done)?;
            } else {
                self.settle_earlier(&now, &found)
                    .map_err(|error| journal_failed(error, &done))?;
            }
            if !now.problems.is_empty() {
                return Err(RunError::Blocked {
                    problems: now.problems,
                    done,
                });
            }
            let Some(step) = now.steps.first() else {
                let report = RunReport {
                    done,
                    kept: std::mem::take(kept),
                    notes: now.notes,
                };
                return Ok((report, found));
            };
            if !self.approved.allows(step) {
                return Err(RunError::Changed {
                    title: step.title.clone(),
                    done,
                });
            }
            if (self.stop)() {
                return Err(RunError::Stopped { done });
            }
            let tries = pending.as_ref().map_or(0, |pending| pending.tries);
            (self.progress)(Progress::Began {
                key: step.key.clone(),
                title: step.title.clone(),
                done: done.len(),
                of,
            });
            let change = match pending.take() {
                Some(pending) => pending.change,
                None => self
                    .journal
                    .intend(
                        &run,
                        &self.wanted.id,
                        step,
                        former_password(step, &found.livekit),
                    )
                    .map_err(|error| journal_failed(error, &done))?,
            };
            let former = former_password(step, &found.livekit);
            // The password of the line is for its way out; a way in keeps the one it has.
            let own = self
                .credential
                .map(|credential| credential.password.as_ref());
            let password = if step.object() == Object::InboundTrunk {
                former
            } else {
                own.or(former)
            };
            let outcome = self
                .services
                .apply(step.object(), &step.action, password)
                .await;
            let (said_done, error) = match outcome {
                Ok(_) => (true, None),
                Err(error) if error.is_unclear() && tries + 1 < TRIES => (false, Some(error)),
                Err(error) => return Err(not_done(self.journal, &change, step, error, done)),
            };
            pending = Some(Pending {
                change,
                step: step.clone(),
                tries: tries + 1,
                said_done,
                error,
            });
        }
        Err(RunError::NoEffect {
            title: "The plan".into(),
            done,
        })
    }

    /// Is the last step done, by what is to be seen? Gives it back if it is to be tried again.
    fn settle(
        &self,
        last: Pending,
        now: &Plan,
        found: &Found,
        done: &mut Vec<String>,
    ) -> Result<Option<Pending>, RunError> {
        let is_left = now.steps.iter().any(|step| step.key == last.step.key);
        if !is_left {
            let there = object_of(&last.step.key, self.wanted, found, self.credential);
            let (id, after) = there.map_or((None, None), |(id, after)| (Some(id), Some(after)));
            self.journal
                .done(&last.change, id, after)
                .map_err(|error| journal_failed(error, done))?;
            done.push(last.step.title.clone());
            (self.progress)(Progress::Done {
                key: last.step.key,
                title: last.step.title,
            });
            return Ok(None);
        }
        if last.said_done {
            return Err(RunError::NoEffect {
                title: last.step.title,
                done: done.clone(),
            });
        }
        if let Some(error) = &last.error {
            tracing::info!(step = %last.step.title, code = error.code(), "not to be seen: once more");
        }
        Ok(Some(last))
    }

    /// Intentions that an earlier run left behind: did they happen?
    fn settle_earlier(&self, now: &Plan, found: &Found) -> Result<(), JournalError> {
        let earlier = self.journal.changes()?;
        let open = earlier.iter().filter(|change| {
            change.line == self.wanted.id && change.state == ChangeState::Intended
        });
        for change in open {
            for key in keys_of(change.object, self.wanted) {
                let is_left = now.steps.iter().any(|step| step.key == key);
                let there = object_of(&key, self.wanted, found, self.credential);
                let number = change.before.as_ref().and_then(|before| {
                    let own = before.get("PhoneNumberSid").or(before.get("number_id"));
                    own?.as_str()
                });
                let known = change.object_id.as_deref().or(number);
                let fits = there
                    .as_ref()
                    .is_some_and(|(id, _)| known.is_none_or(|known| known == id));
                match there {
                    Some((id, after)) if !is_left && fits => {
                        self.journal.done(&change.id, Some(id), Some(after))?;
                        break;
                    }
                    Some(_) | None if is_left => {
                        self.journal.failed(&change.id, "it did not happen")?;
                        break;
                    }
                    Some(_) | None => {}
                }
            }
        }
        Ok(())
    }
}

/// Nothing can be seen any more: what was asked last is said too, as far as it is known to have happened.
fn blind(last: Option<Pending>, error: ServiceError, mut done: Vec<String>) -> RunError {
    let (key, title, error) = match last {
        Some(Pending {
            step,
            error: Some(unclear),
            ..
        }) => {
            done.push(perhaps(&step.title));
            (Some(step.key), step.title, unclear)
        }
        last => {
            done.extend(last.map(|last| last.step.title));
            (None, "Looking at what is there".to_owned(), error)
        }
    };
    RunError::Failed {
        key,
        title,
        error,
        done,
    }
}

/// A step was refused, or its answer was lost: then it stays an intention, and the next run sees what became of it.
pub(crate) fn not_done(
    journal: &Journal,
    change: &str,
    step: &Step,
    error: ServiceError,
    mut done: Vec<String>,
) -> RunError {
    if error.is_unclear() {
        done.push(perhaps(&step.title));
    } else if let Err(error) = journal.failed(change, error.code()) {
        return journal_failed(error, &done);
    }
    RunError::Failed {
        key: Some(step.key.clone()),
        title: step.title.clone(),
        error,
        done,
    }
}

/// A step whose answer was lost.
fn perhaps(title: &str) -> String {
    format!("{title} (perhaps: its answer was lost)")
}

pub(crate) fn journal_failed(error: JournalError, done: &[String]) -> RunError {
    RunError::Journal {
        error,
        done: done.to_vec(),
    }
}

/// The password that an object has now: it is part of the snapshot, and a replacement without a new one must keep it.
pub(crate) fn former_password<'a>(step: &Step, found: &'a LiveKitFound) -> Option<&'a Secret> {
    let id = step.action.id()?;
    let outbound = found.outbound.iter();
    let inbound = found.inbound.iter();
    outbound
        .filter(|trunk| trunk.id == id)
        .find_map(|trunk| trunk.password.as_deref())
        .or_else(|| {
            inbound
                .filter(|trunk| trunk.id == id)
                .find_map(|trunk| trunk.password.as_deref())
        })
}

fn keys_of(object: Object, wanted: &Wanted) -> Vec<StepKey> {
    if !object.is_of_a_number() {
        return vec![StepKey::of(object)];
    }
    let numbers = wanted.numbers.iter();
    numbers
        .map(|number| StepKey::for_number(object, number))
        .collect()
}
