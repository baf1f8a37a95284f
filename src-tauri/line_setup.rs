//! Setting a line up from the window: a plan waits here for a yes, with the sign-in that it was made with, and is forgotten
//! with it.

mod waiting;

use std::sync::PoisonError;
use std::time::Duration;

use call::input::Intent;
use call::number::Region;
use call::routing::Way;
use call::state::{CallState, Direction};
use call::view::CallView;
use lines::{
    Approved, Asked, Credential, DeskError, KeptLine, Pin, Progress, ProviderKeys, ProviderKind,
    Registry, Wanted,
};
use vault::Secret;

use crate::calling::find;
use crate::core::{Core, blocking, fresh_call_id};
use crate::ipc::line_setup::{
    LineAsked, LineHandView, LinePlanView, LineProofView, LineRunView, LineSignIn, LineUndoView,
    by_hand, plan, steps,
};
use crate::ipc::types::IpcError;
use crate::line_desk::{open, refused, unlisted};

use waiting::{Stop, WaitingPlan, not_shown};

pub(crate) use waiting::{LineSetup, changed};

/// How long a number that is dialled may take to become a call; after that it was refused.
const DIALLED_WITHIN: Duration = Duration::from_secs(5);
/// How long somebody may take to call, or to answer.
const CALLED_WITHIN: Duration = Duration::from_secs(120);

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

/// The line that was typed. `domain`: the trunk's name at the provider, empty to make one.
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
        let look = self.line_setup().begin();
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
            let domain = core.env_file().domain(&asked.provider);
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
            let prepared = runtime
                .block_on(prepared)
                .map_err(|error| refused(&error))?;
            let view = plan(&prepared);
            let waits = WaitingPlan {
                desk,
                prepared: Box::new(prepared),
                keys,
                given,
            };
            if core.line_setup().keep(waits, &look) {
                Ok(view)
            } else {
                Err(IpcError::new("stopped", "Stopped. Nothing was changed."))
            }
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
        let (region, domain) = (self.region(), self.env_file().domain(&asked.provider));
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
            let (waiting, stop) = setup.take().ok_or_else(|| {
                IpcError::new(
                    "no_plan",
                    "No plan waits for a yes. Look at the changes again.",
                )
            })?;
            setup.tell(Some(Box::new(tell)));
            let approved = Approved::all(&waiting.prepared.plan);
            let is_stopped = || stop.is_asked();
            let run = waiting
                .desk
                .carry_out(&waiting.prepared, &approved, &is_stopped);
            let run = match runtime.block_on(run) {
                Ok(report) => LineRunView {
                    done: report.done,
                    notes: report.notes,
                    refusal: String::new(),
                    instead: None,
                    only_by_hand: false,
                },
                Err(error) => {
                    let mut refusal = error.to_string();
                    let mut instead = None;
                    if error.is_domain_taken() {
                        match runtime.block_on(another_domain(setup, waiting, &stop)) {
                            Ok(plan) => instead = plan,
                            Err(look) => refusal = format!("{refusal} {look}"),
                        }
                    }
                    LineRunView {
                        done: error.done().unwrap_or_default().to_vec(),
                        notes: Vec::new(),
                        refusal,
                        instead,
                        only_by_hand: error.is_by_hand(),
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
        let core = self.clone();
        self.with_lines(move |desk, runtime| {
            let removal = runtime
                .block_on(desk.prepare_removal(&line))
                .map_err(|error| refused(&error))?;
            core.line_setup().waiting().removal = Some(removal.clone());
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

    /// Removes a line after a yes to what was shown last.
    ///
    /// # Errors
    /// Nothing was shown, or it would no longer be the same; LiveKit, the record, the list. What was done before is said.
    pub(crate) async fn line_remove(&self, line: String) -> Result<(), IpcError> {
        let core = self.clone();
        self.with_lines(move |desk, runtime| {
            let shown = core.line_setup().waiting().removal.clone();
            let shown = shown.filter(|shown| shown.line.id.as_str() == line);
            let shown = shown.ok_or_else(not_shown)?;
            let now = runtime.block_on(desk.prepare_removal(&line));
            let now = now.map_err(|error| refused(&error))?;
            if now.steps != shown.steps || now.notes != shown.notes {
                return Err(changed("removed"));
            }
            let removed = runtime.block_on(desk.remove(&now));
            removed.map_err(|error| refused(&error))?;
            core.line_setup().waiting().removal = None;
            Ok(())
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
        let core = self.clone();
        self.with_lines(move |desk, _| {
            let (id, changes) = desk.prepare_undo(&line).map_err(|error| refused(&error))?;
            core.line_setup().waiting().undo = Some((id, changes.clone()));
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

    /// Takes the last change of a line back, after a yes to what was shown last. Answers what was left alone, and why.
    ///
    /// # Errors
    /// Nothing was shown, or it would no longer be the same; a sign-in is missing, or a service does not answer. What was
    /// taken back before is said.
    pub(crate) async fn line_undo(
        &self,
        line: String,
        sign_in: LineSignIn,
    ) -> Result<Vec<String>, IpcError> {
        let core = self.clone();
        let left = self
            .with_lines(move |desk, runtime| {
                let shown = core.line_setup().waiting().undo.clone();
                let now = desk.prepare_undo(&line).map_err(|error| refused(&error))?;
                let shown = shown.filter(|(id, _)| *id == now.0);
                if shown.ok_or_else(not_shown)? != now {
                    return Err(changed("taken back"));
                }
                let (id, changes) = now;
                let needs = changes
                    .iter()
                    .find_map(|change| change.object.place().provider());
                let keys = match needs {
                    Some(kind) => keys(kind, sign_in)?,
                    None => None,
                };
                let report = runtime.block_on(desk.undo(&id, &changes, keys));
                let report = report.map_err(|error| refused(&error))?;
                core.line_setup().waiting().undo = None;
                Ok(report.left)
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
        let named = registry.clone();
        let kept = blocking(move || find(&named, &line)).await?;
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
            let proven = move || registry.proven(&kept.id, incoming);
            blocking(move || proven().map_err(|error| unlisted(&error))).await?;
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
        let began = desk::unix_ms();
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
    waiting: WaitingPlan,
    run: &Stop,
) -> Result<Option<LinePlanView>, DeskError> {
    let WaitingPlan {
        desk,
        prepared,
        keys,
        given,
    } = waiting;
    let Some(wanted) = desk.with_another_domain(&prepared.wanted)? else {
        return Ok(None);
    };
    let prepared = desk.prepare(wanted, keys.clone(), given.clone()).await?;
    let view = plan(&prepared);
    let waits = WaitingPlan {
        desk,
        prepared: Box::new(prepared),
        keys,
        given,
    };
    Ok(setup.keep(waits, run).then_some(view))
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
