//! Setting a line up from the window: a plan waits here for a yes, with the sign-in that it was made with, and is forgotten
//! with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use call::input::Intent;
use call::number::Region;
use call::routing::Way;
use call::state::{CallState, Direction};
use call::view::CallView;
use lines::{
    Approved, Asked, Credential, Desk, DeskError, KeptLine, Pin, Prepared, Progress, ProviderKeys,
    ProviderKind, Registry, Wanted,
};
use tokio::sync::watch;
use vault::Secret;

use crate::core::{Core, blocking, fresh_call_id};
use crate::ipc::line_setup::{
    LineAsked, LineHandView, LinePlanView, LineProofView, LineRunView, LineSignIn, LineUndoView,
    by_hand, plan, steps,
};
use crate::ipc::types::IpcError;
use crate::line_desk::open;

/// How long a number that is dialled may take to become a call; after that it was refused.
const DIALLED_WITHIN: Duration = Duration::from_secs(5);
/// How long somebody may take to call, or to answer.
const CALLED_WITHIN: Duration = Duration::from_secs(120);

type Teller = Arc<Mutex<Option<Box<dyn Fn(Progress) + Send>>>>;

/// What waits for a yes, and what can be stopped.
#[derive(Default)]
pub(crate) struct LineSetup {
    waiting: Mutex<Option<Waiting>>,
    /// Asked before every step.
    stopped: Arc<AtomicBool>,
    /// Who is told while it is carried out.
    teller: Teller,
    /// Changes when a test call is no longer waited for.
    test: watch::Sender<u64>,
}

impl std::fmt::Debug for LineSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineSetup")
    }
}

#[derive(Clone)]
struct Waiting {
    desk: Desk,
    prepared: Box<Prepared>,
    keys: Option<ProviderKeys>,
    given: Option<Credential>,
}

impl LineSetup {
    fn keep(&self, waiting: Option<Waiting>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    }

    fn take(&self) -> Option<Waiting> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn tell(&self, teller: Option<Box<dyn Fn(Progress) + Send>>) {
        *self.teller.lock().unwrap_or_else(PoisonError::into_inner) = teller;
    }

    /// Forgets the plan and its sign-in, ends waiting for a test call, and stops what is being carried out before its next step.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.test.send_modify(|turn| *turn += 1);
        self.keep(None);
    }
}

fn failed(error: &DeskError) -> IpcError {
    IpcError::new(error.code(), error.to_string())
}

fn wrong(error: impl ToString) -> IpcError {
    IpcError::new("bad_input", error.to_string())
}

/// The sign-in for a provider, as typed.
pub(crate) fn keys(
    kind: ProviderKind,
    typed: LineSignIn,
) -> Result<Option<ProviderKeys>, IpcError> {
    let secret = Secret::new(typed.secret);
    ProviderKeys::parse(kind, &typed.account, &typed.key, secret).map_err(wrong)
}

/// The line that was typed. `domain`: the trunk's name at Twilio, empty to make one.
fn wanted(
    asked: &LineAsked,
    domain: String,
    region: Region,
    project_host: &str,
) -> Result<Wanted, IpcError> {
    let (mut wanted, _) = Asked {
        provider: asked.provider.clone(),
        name: asked.name.clone(),
        numbers: asked.numbers.clone(),
        sip: asked.sip.clone(),
        domain,
        host: asked.host.clone(),
        handler: asked.handler.clone(),
        transport: asked.transport.clone(),
        secure: asked.secure,
    }
    .wanted(region, project_host)
    .map_err(wrong)?;
    wanted.pin = Pin::parse(&asked.pin).map_err(wrong)?;
    Ok(wanted)
}

impl Core {
    /// Looks at provider and project and says what would be changed. Changes nothing.
    ///
    /// # Errors
    /// Something is wrong in form, or a service does not answer.
    pub(crate) async fn line_plan(&self, asked: LineAsked) -> Result<LinePlanView, IpcError> {
        let core = self.clone();
        let region = self.region();
        self.line_setup().stop();
        let (account, profile) = self.account_and_profile();
        let runtime = tokio::runtime::Handle::current();
        blocking(move || {
            let teller = core.line_setup().teller.clone();
            let told = move |news| {
                let teller = teller.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(tell) = teller.as_ref() {
                    tell(news);
                }
            };
            let desk = open(&profile, &account, told)?;
            let domain = core.env_file().domain();
            let wanted = wanted(&asked, domain, region, &desk.project().host())?;
            let kind = wanted.provider.kind();
            let signs_in = wanted.provider.signs_in();
            let keys = if signs_in {
                keys(kind, core.env_file().completed(kind, asked.sign_in))?
            } else {
                None
            };
            let is_given = !signs_in && !asked.user.trim().is_empty();
            let given = is_given
                .then(|| Credential::given(&asked.user, Secret::new(asked.password)))
                .transpose()
                .map_err(wrong)?;
            let prepared = desk.prepare(wanted, keys.clone(), given.clone());
            let prepared = runtime.block_on(prepared).map_err(|error| failed(&error))?;
            let view = plan(&prepared);
            core.line_setup().keep(Some(Waiting {
                desk,
                prepared: Box::new(prepared),
                keys,
                given,
            }));
            Ok(view)
        })
        .await
    }

    /// The same steps by hand, with what was typed filled in. Asks nobody.
    ///
    /// # Errors
    /// Something is wrong in form, or nobody is signed in.
    pub(crate) async fn line_by_hand(
        &self,
        asked: LineAsked,
    ) -> Result<Vec<LineHandView>, IpcError> {
        let (region, domain) = (self.region(), self.env_file().domain());
        self.with_lines(move |desk, _| {
            let wanted = wanted(&asked, domain, region, &desk.project().host());
            wanted.map(|wanted| by_hand(&wanted))
        })
        .await
    }

    /// Carries the plan out that was shown last, after a yes, and forgets its sign-in.
    ///
    /// # Errors
    /// No plan waits for a yes. What goes wrong on the way is part of the answer.
    pub(crate) async fn line_carry_out(
        &self,
        tell: impl Fn(Progress) + Send + 'static,
    ) -> Result<LineRunView, IpcError> {
        let core = self.clone();
        let runtime = tokio::runtime::Handle::current();
        let run = blocking(move || {
            let setup = core.line_setup();
            let waiting = setup.take().ok_or_else(|| {
                IpcError::new(
                    "no_plan",
                    "No plan waits for a yes. Look at the changes again.",
                )
            })?;
            setup.stopped.store(false, Ordering::SeqCst);
            setup.tell(Some(Box::new(tell)));
            let approved = Approved::all(&waiting.prepared.plan);
            let stopped = setup.stopped.clone();
            let stop = move || stopped.load(Ordering::SeqCst);
            let run = waiting.desk.carry_out(&waiting.prepared, &approved, &stop);
            let run = match runtime.block_on(run) {
                Ok(report) => LineRunView {
                    done: report.done,
                    notes: report.notes,
                    refusal: String::new(),
                    instead: None,
                    only_by_hand: false,
                },
                Err(error) => {
                    let done = if let DeskError::Run(run) = &error {
                        run.done().to_vec()
                    } else {
                        Vec::new()
                    };
                    let only_by_hand = error.is_by_hand();
                    let instead = if error.is_domain_taken() {
                        runtime.block_on(another_domain(setup, waiting))?
                    } else {
                        None
                    };
                    LineRunView {
                        done,
                        notes: Vec::new(),
                        refusal: error.to_string(),
                        instead,
                        only_by_hand,
                    }
                }
            };
            setup.tell(None);
            Ok(run)
        })
        .await?;
        self.retry_line().await;
        Ok(run)
    }

    /// What removing a line would do.
    ///
    /// # Errors
    /// There is no such line, or LiveKit does not answer.
    pub(crate) async fn line_removal(&self, line: String) -> Result<LinePlanView, IpcError> {
        self.with_lines(move |desk, runtime| {
            let removal = runtime
                .block_on(desk.prepare_removal(&line))
                .map_err(|error| failed(&error))?;
            let line = &removal.line;
            Ok(LinePlanView {
                line: line.id.to_string(),
                name: line.name.to_string(),
                number: line
                    .numbers
                    .first()
                    .map(lines::Number::shown)
                    .unwrap_or_default(),
                provider: line.provider.shown().to_owned(),
                steps: steps(&removal.steps),
                kept: Vec::new(),
                notes: removal.notes.clone(),
                problems: Vec::new(),
                address: String::new(),
                user: String::new(),
                only_by_hand: false,
            })
        })
        .await
    }

    /// Removes a line after a yes.
    ///
    /// # Errors
    /// LiveKit, the record, the list.
    pub(crate) async fn line_remove(&self, line: String) -> Result<(), IpcError> {
        self.with_lines(move |desk, runtime| {
            runtime
                .block_on(async {
                    let removal = desk.prepare_removal(&line).await?;
                    desk.remove(&removal).await
                })
                .map(drop)
                .map_err(|error| failed(&error))
        })
        .await?;
        self.retry_line().await;
        Ok(())
    }

    /// What taking the last change of a line back would take back.
    ///
    /// # Errors
    /// There is nothing.
    pub(crate) async fn line_undo_show(&self, line: String) -> Result<LineUndoView, IpcError> {
        self.with_lines(move |desk, _| {
            let (_, changes) = desk.prepare_undo(&line).map_err(|error| failed(&error))?;
            let needs = changes
                .iter()
                .find_map(|change| change.object.place().provider());
            let account = desk.line(&line).ok().and_then(|line| line.account);
            Ok(LineUndoView {
                changes: changes.into_iter().map(|change| change.title).collect(),
                needs: needs.map(|kind| kind.word().to_owned()),
                account: account.unwrap_or_default(),
            })
        })
        .await
    }

    /// Takes the last change of a line back, after a yes. Answers what was left alone, and why.
    ///
    /// # Errors
    /// Nothing to take back, a sign-in is missing, or a service does not answer.
    pub(crate) async fn line_undo(
        &self,
        line: String,
        sign_in: LineSignIn,
    ) -> Result<Vec<String>, IpcError> {
        let left = self
            .with_lines(move |desk, runtime| {
                let (id, changes) = desk.prepare_undo(&line).map_err(|error| failed(&error))?;
                let needs = changes
                    .iter()
                    .find_map(|change| change.object.place().provider());
                let keys = match needs {
                    Some(kind) => keys(kind, sign_in)?,
                    None => None,
                };
                let report = runtime.block_on(desk.undo(&id, &changes, keys));
                report
                    .map(|report| report.left)
                    .map_err(|error| failed(&error))
            })
            .await?;
        self.retry_line().await;
        Ok(left)
    }

    /// Proves a line: calls `to` over it, or without waits until it is called. Whoever is at the desk talks and hangs up
    /// as always; an answer is the proof.
    ///
    /// # Errors
    /// There is no such line.
    pub(crate) async fn line_test(
        &self,
        line: String,
        to: Option<String>,
    ) -> Result<LineProofView, IpcError> {
        let (_, profile) = self.account_and_profile();
        let registry = Registry::new(&profile.path().join("lines"));
        let profile_error =
            |error: lines::RegistryError| IpcError::new("profile", error.to_string());
        let kept = registry.lines().map_err(profile_error)?;
        let kept = kept.into_iter().find(|one| one.id.as_str() == line);
        let Some(kept) = kept else {
            return Err(IpcError::new(
                "no_such_line",
                "There is no line of that name.",
            ));
        };
        let incoming = to.is_none();
        // One at a time: an earlier one is given up.
        self.line_setup().test.send_modify(|turn| *turn += 1);
        let mut given_up = self.line_setup().test.subscribe();
        given_up.mark_unchanged();
        let answered = async {
            match to {
                Some(number) => self.answered_out(&kept, number).await,
                None => self.answered_in(&kept).await,
            }
        };
        let proof = tokio::select! {
            proof = answered => proof?,
            _ = given_up.changed() => not_proven("The test was stopped."),
        };
        if proof.passed {
            registry.proven(&kept.id, incoming).map_err(profile_error)?;
        }
        Ok(proof)
    }

    async fn answered_out(
        &self,
        line: &KeptLine,
        number: String,
    ) -> Result<LineProofView, IpcError> {
        let call = fresh_call_id().map_err(|error| IpcError::new("shell", error.to_string()))?;
        let ways = vec![only_way(line)];
        let mut view = self.view();
        self.intent(Intent::Dial {
            call: call.clone(),
            number,
            ways,
        })
        .await;
        let appears = view.wait_for(|view| view.call(&call).is_some());
        if tokio::time::timeout(DIALLED_WITHIN, appears).await.is_err() {
            return Ok(not_proven(
                "Nobody was called: the phone refused the number.",
            ));
        }
        let over = |of: &CallView| of.answered_unix_ms.is_some() || of.state == CallState::Ended;
        let settled = view.wait_for(|view| view.call(&call).is_none_or(over));
        let settled = tokio::time::timeout(CALLED_WITHIN, settled).await;
        let of = match &settled {
            Ok(Ok(view)) => view.call(&call).cloned(),
            Ok(Err(_)) | Err(_) => None,
        };
        Ok(match of {
            Some(of) if of.answered_unix_ms.is_some() => LineProofView {
                passed: true,
                words: format!("{}: outgoing calls work.", line.name),
            },
            Some(of) => {
                let advice = of.end.as_ref().and_then(|end| end.advice());
                not_proven(advice.unwrap_or("Nobody answered."))
            }
            None => not_proven("Nobody answered within two minutes."),
        })
    }

    async fn answered_in(&self, line: &KeptLine) -> Result<LineProofView, IpcError> {
        let began = crate::terminal::report::unix_ms();
        let mut view = self.view();
        let answered = view.wait_for(|view| {
            view.calls.iter().any(|call| {
                is_over(call, line) && call.answered_unix_ms.is_some_and(|at| at >= began)
            })
        });
        Ok(match tokio::time::timeout(CALLED_WITHIN, answered).await {
            Ok(Ok(_)) => LineProofView {
                passed: true,
                words: format!("{}: incoming calls work.", line.name),
            },
            Ok(Err(_)) | Err(_) => {
                not_proven("Nobody called within two minutes, or nobody answered here.")
            }
        })
    }
}

fn not_proven(words: &str) -> LineProofView {
    LineProofView {
        passed: false,
        words: words.to_owned(),
    }
}

/// The same line under another name at Twilio, looked at again; it waits for a yes of its own.
async fn another_domain(
    setup: &LineSetup,
    waiting: Waiting,
) -> Result<Option<LinePlanView>, IpcError> {
    let Waiting {
        desk,
        prepared,
        keys,
        given,
    } = waiting;
    let another = desk.with_another_domain(&prepared.wanted);
    let Some(wanted) = another.map_err(|error| failed(&error))? else {
        return Ok(None);
    };
    let prepared = desk.prepare(wanted, keys.clone(), given.clone()).await;
    let prepared = prepared.map_err(|error| failed(&error))?;
    let view = plan(&prepared);
    setup.keep(Some(Waiting {
        desk,
        prepared: Box::new(prepared),
        keys,
        given,
    }));
    Ok(Some(view))
}

/// The very trunk of this line, whatever others are there: a test that went over another line would prove nothing.
pub(crate) fn only_way(line: &KeptLine) -> Way {
    let outbound = line.outbound();
    let named = || line.name.to_string();
    Way {
        trunk: outbound.map_or_else(named, |line| line.trunk),
        name: named(),
        caller_id: line
            .calling
            .caller_id
            .as_ref()
            .map(|own| own.as_str().to_owned()),
        fails_over: false,
    }
}

/// Did it come over this line?
pub(crate) fn is_over(call: &CallView, line: &KeptLine) -> bool {
    let called: String = call
        .line
        .iter()
        .flat_map(|text| text.chars())
        .filter(char::is_ascii_digit)
        .collect();
    call.direction == Direction::Inbound
        && line
            .numbers
            .iter()
            .any(|number| number.as_str().trim_start_matches('+') == called)
}
