//! `deskline line`: set up, list, take away, take back. Every change is shown before it is made.

use std::path::Path;

use call::number::Region;
use lines::check;
use lines::env_file::Setting;
use lines::{
    Approved, BadInput, Credential, Desk, DeskError, KeptLine, Number, Pin, Plan, Prepared,
    Progress, ProviderKind, Step, Wanted, WantedProvider, env_file, hand,
};
use serde_json::{Value, json};
use vault::Secret;

use crate::account::Account;
use crate::ipc::types::IpcError;
use crate::profile::Profile;
use crate::terminal::line_args::{Add, Env, Fix, Line, List, Remove, Undo};
use crate::terminal::line_input::{agreed, keys, secret};
use crate::terminal::outcome::{ANSWERED, NO_LINE, NO_NETWORK, REFUSED, WRONG_USE};
use crate::terminal::report::Report;
use crate::terminal::{
    advice, complain, line_check, line_costs, line_set, line_show, line_test, refuse,
};

/// How often another domain is tried when one is taken.
const OTHER_DOMAINS: usize = 3;

/// Carries out one of them.
///
/// # Errors
/// The core cannot be started.
pub(crate) async fn run(profile: &Profile, asked: Line) -> anyhow::Result<u8> {
    match asked {
        Line::Env(asked) => Ok(env(profile, &asked)),
        Line::Add(asked) if asked.by_hand => Ok(by_hand(&asked)),
        Line::Test(asked) => line_test::run(profile, asked).await,
        Line::List(asked) => Ok(list(profile, &asked)),
        Line::Set(asked) => Ok(line_set::run(profile, &asked)),
        Line::Costs(asked) => Ok(line_costs::run(profile, &asked)),
        Line::Show(asked) => Ok(with_desk(profile, asked.json, async |desk| {
            line_show::show(profile, desk, &asked).await
        })
        .await),
        Line::Objects(asked) => Ok(with_desk(profile, asked.json, async |desk| {
            line_show::show_objects(desk, &asked).await
        })
        .await),
        Line::Numbers(asked) => Ok(with_desk(profile, asked.json, async |desk| {
            line_show::show_numbers(desk, &asked).await
        })
        .await),
        Line::Add(asked) => {
            Ok(with_desk(profile, asked.json, async |desk| add(desk, &asked).await).await)
        }
        Line::Check(asked) => Ok(with_desk(profile, asked.json, async |desk| {
            line_check::run(desk, &asked).await
        })
        .await),
        Line::Fix(asked) => {
            Ok(with_desk(profile, asked.json, async |desk| fix(desk, &asked).await).await)
        }
        Line::Remove(asked) => {
            Ok(with_desk(profile, asked.json, async |desk| remove(desk, &asked).await).await)
        }
        Line::Undo(asked) => {
            Ok(with_desk(profile, asked.json, async |desk| undo(desk, &asked).await).await)
        }
    }
}

/// Why a command ended without doing what it should.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Wrong in form.
    Input(BadInput),
    /// Lines.
    Desk(Box<DeskError>),
    /// Anything else, with its exit code.
    Other(u8, String),
}

impl From<BadInput> for Failed {
    fn from(error: BadInput) -> Self {
        Self::Input(error)
    }
}

impl From<DeskError> for Failed {
    fn from(error: DeskError) -> Self {
        Self::Desk(Box::new(error))
    }
}

impl Failed {
    fn code(&self) -> (u8, String) {
        match self {
            Self::Input(_) => (WRONG_USE, "bad_input".into()),
            Self::Other(code, _) => (*code, "not_done".into()),
            Self::Desk(error) => {
                let word = error.code();
                let code = match word {
                    "unreachable" | "cut" | "certificate" => NO_NETWORK,
                    "sign_in_refused" | "keychain" | "needs_keys" => NO_LINE,
                    "no_such_line" | "nothing_to_undo" => WRONG_USE,
                    _ => REFUSED,
                };
                (code, word.to_owned())
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Input(error) => error.to_string(),
            Self::Desk(error) => format!("{error}{}", advice(error.code())),
            Self::Other(_, words) => words.clone(),
        }
    }

    /// What was done before, if anything could have been.
    fn done(&self) -> Option<&[String]> {
        match self {
            Self::Desk(error) => error.done(),
            Self::Input(_) | Self::Other(..) => None,
        }
    }
}

async fn with_desk(
    profile: &Profile,
    json: bool,
    work: impl AsyncFnOnce(&Desk) -> Result<(), Failed>,
) -> u8 {
    let desk = match crate::line_desk::open(profile, &Account::open(profile), tell(json)) {
        Ok(desk) => desk,
        Err(error) => return not_open(json, &error),
    };
    match work(&desk).await {
        Ok(()) => ANSWERED,
        Err(failed) => {
            let (code, word) = failed.code();
            let done = failed.done();
            if json {
                let value =
                    json!({"event": "error", "code": word, "words": failed.words(), "done": done});
                Report::new(true).other(&value, "");
            } else {
                complain(&failed.words());
                match done {
                    Some([]) => complain("Nothing was changed."),
                    Some(done) => complain(&format!("Done before that: {}.", done.join("; "))),
                    None => {}
                }
            }
            code
        }
    }
}

fn not_open(json: bool, error: &IpcError) -> u8 {
    refuse(json, error);
    NO_LINE
}

fn tell(json: bool) -> impl Fn(Progress) + Send + Sync + 'static {
    move |news| {
        let mut report = Report::new(json);
        match news {
            Progress::Began {
                key,
                title,
                done,
                of,
            } => report.other(
                &json!({"event": "step", "state": "began", "step": key.word(), "title": title, "done": done, "of": of}),
                &format!("{} of {of}  {title} …", done + 1),
            ),
            Progress::Done { key, title } => report.other(
                &json!({"event": "step", "state": "done", "step": key.word(), "title": title}),
                &format!("        {title}: done"),
            ),
            Progress::Pause { service, pause } => report.other(
                &json!({"event": "pause", "service": service.to_string(), "seconds": pause.as_secs_f64()}),
                &format!("        {service} asks to wait {:.1} s …", pause.as_secs_f64()),
            ),
        }
    }
}

fn list(profile: &Profile, asked: &List) -> u8 {
    let registry = lines::Registry::new(&profile.path().join("lines"));
    let lines = match registry.lines() {
        Ok(lines) => lines,
        Err(error) => {
            return not_open(asked.json, &IpcError::new("profile", error.to_string()));
        }
    };
    let mut report = Report::new(asked.json);
    if lines.is_empty() && !asked.json {
        report.other(
            &Value::Null,
            "No line was set up here yet. `deskline line add` does it; `deskline line add --help` says how.",
        );
    }
    for line in &lines {
        report.other(&shown(line), &sentence(line));
    }
    ANSWERED
}

/// A line for programs.
fn shown(line: &KeptLine) -> Value {
    json!({
        "id": line.id, "name": line.name, "provider": line.provider.word(), "numbers": line.numbers,
        "proven": line.is_proven(), "incoming_proven_at": line.proof.incoming,
        "calling": line_set::shown(line),
        "outgoing_proven_at": line.proof.outgoing, "since": line.since, "by": line.by, "objects": line.objects,
    })
}

fn sentence(line: &KeptLine) -> String {
    let numbers: Vec<String> = line.numbers.iter().map(Number::shown).collect();
    let proof = |at: &Option<String>| {
        at.as_ref()
            .map_or_else(|| "not proven yet".to_owned(), |at| format!("proven {at}"))
    };
    format!(
        "{}\n  {}, {}\n  incoming: {}\n  outgoing: {}\n{}",
        line.name,
        numbers.join(", "),
        line.provider.shown(),
        proof(&line.proof.incoming),
        if line.provider == ProviderKind::LiveKitNumbers {
            "not with this number".to_owned()
        } else {
            proof(&line.proof.outgoing)
        },
        line_set::sentence(line)
    )
}

fn wanted(asked: &Add, project_host: &str) -> Result<(Wanted, bool), BadInput> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    lines::Asked {
        provider: asked.provider.clone(),
        name: asked.name.clone(),
        numbers: asked.numbers.clone(),
        sip: text(&asked.sip),
        domain: text(&asked.domain),
        host: text(&asked.host),
        handler: text(&asked.handler),
        transport: asked.transport.clone(),
        secure: asked.secure,
    }
    .wanted(Region::default(), project_host)
}

fn by_hand(asked: &Add) -> u8 {
    match filled(asked).and_then(|(asked, _)| Ok(wanted(&asked, "")?)) {
        Ok((wanted, _)) => {
            show_by_hand(&wanted, asked.json);
            ANSWERED
        }
        Err(failed) => {
            complain(&failed.words());
            WRONG_USE
        }
    }
}

fn show_by_hand(wanted: &Wanted, json: bool) {
    let mut report = Report::new(json);
    for (at, step) in hand::steps(wanted).iter().enumerate() {
        let mut text = format!("{}. {}", at + 1, step.text);
        if !step.command.is_empty() {
            text.push_str(&format!("\n   {}", step.command));
        }
        report.other(
            &json!({"event": "by_hand", "text": step.text, "command": step.command}),
            &text,
        );
    }
    let is_open = matches!(
        &wanted.provider,
        WantedProvider::SignalWire { by_hand: None, .. }
    );
    if is_open && !json {
        report.other(
            &Value::Null,
            "Then: deskline line add signalwire … --sip-address ADDRESS --user NAME, with the password of the SIP address on standard input. LiveKit's part is done for you.",
        );
    }
}

async fn add(desk: &Desk, asked: &Add) -> Result<(), Failed> {
    let (asked, given_secret) = filled(asked)?;
    let asked = &asked;
    let (mut wanted, guessed) = wanted(asked, &desk.project().host())?;
    if guessed && !asked.json {
        complain(
            "The SIP address is a guess from the address of the project. Give the real one with --sip if callers do not get through.",
        );
    }
    let account = asked.account.as_ref().or(asked.space.as_ref());
    let account = account.map(String::as_str).unwrap_or_default();
    let key = asked.key.as_ref().or(asked.project.as_ref());
    let key = key.map(String::as_str).unwrap_or_default();
    let kind = wanted.provider.kind();
    let signs_in = wanted.provider.signs_in();
    let keys = if signs_in {
        keys(kind, account, key, given_secret)?
    } else {
        None
    };
    let given = match &asked.user {
        Some(user) if !signs_in && kind != ProviderKind::LiveKitNumbers => {
            let password = secret("Password at the provider:");
            let password = password.unwrap_or_else(|| Secret::new(String::new()));
            Some(Credential::given(user, password)?)
        }
        Some(_) | None => None,
    };
    if asked.with_pin {
        let typed = secret("PIN for callers:").ok_or(BadInput::BadPin)?;
        wanted.pin = Pin::parse(typed.expose())?;
    }
    for _ in 0..OTHER_DOMAINS {
        let prepared = desk
            .prepare(wanted.clone(), keys.clone(), given.clone())
            .await?;
        show_plan(&prepared, asked.json);
        if prepared.is_by_hand() {
            show_by_hand(&wanted, asked.json);
        }
        if !prepared.plan.problems.is_empty() {
            return Err(blocked(&prepared.plan));
        }
        if prepared.plan.steps.is_empty() {
            desk.carry_out(&prepared, &Approved::default(), &|| false)
                .await?;
            return finished(desk, &wanted, asked.json, "Everything was there already.");
        }
        if !agreed(asked.yes, prepared.plan.steps.len())? {
            return Err(Failed::Other(REFUSED, "Nothing was changed.".into()));
        }
        let approved = Approved::all(&prepared.plan);
        match desk.carry_out(&prepared, &approved, &|| false).await {
            Ok(report) => {
                for note in &report.notes {
                    Report::new(asked.json).other(&json!({"event": "note", "words": note}), note);
                }
                return finished(desk, &wanted, asked.json, "Done.");
            }
            Err(error) if error.is_domain_taken() && asked.domain.is_none() => {
                match desk.with_another_domain(&wanted)? {
                    Some(another) => {
                        complain(&format!("{error} Another name is tried."));
                        wanted = another;
                    }
                    None => return Err(error.into()),
                }
            }
            Err(error) => {
                if error.is_by_hand() {
                    show_by_hand(&wanted, asked.json);
                }
                return Err(error.into());
            }
        }
    }
    Err(Failed::Other(
        REFUSED,
        "No free name was found for the trunk. Choose one with --domain.".into(),
    ))
}

fn blocked(plan: &Plan) -> Failed {
    Failed::Other(
        REFUSED,
        plan.problems
            .iter()
            .map(|problem| problem.words.as_str())
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn finished(desk: &Desk, wanted: &Wanted, json: bool, words: &str) -> Result<(), Failed> {
    let line = desk.line(wanted.id.as_str())?;
    let mut value = shown(&line);
    if let Some(map) = value.as_object_mut() {
        map.insert("event".into(), "line".into());
    }
    let next = if line.is_proven() {
        String::new()
    } else {
        format!(
            " The line is not proven yet: `deskline line test {} --incoming`, and `--to` with a phone beside you.",
            line.id
        )
    };
    Report::new(json).other(&value, &format!("{words}{next}"));
    Ok(())
}

fn show_plan(prepared: &Prepared, json: bool) {
    let plan = &prepared.plan;
    let mut report = Report::new(json);
    let steps: Vec<Value> = plan.steps.iter().map(step_json).collect();
    let mut text = String::new();
    for kept in &plan.kept {
        text.push_str(&format!("  there already: {kept}\n"));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        text.push_str(&format!(
            "  {}. {}\n       now    {}\n       after  {}\n",
            at + 1,
            step.title,
            step.now,
            step.after
        ));
        if let Some(warning) = &step.warning {
            text.push_str(&format!("       note   {warning}\n"));
        }
    }
    for note in &plan.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    let problems: Vec<&str> = plan.problems.iter().map(|problem| problem.code).collect();
    report.other(
        &json!({"event": "plan", "steps": steps, "kept": plan.kept, "notes": plan.notes, "problems": problems}),
        text.trim_end(),
    );
}

fn step_json(step: &Step) -> Value {
    json!({
        "step": step.key.word(), "title": step.title, "place": step.place(), "verb": step.verb(),
        "now": step.now, "after": step.after, "warning": step.warning,
    })
}

async fn remove(desk: &Desk, asked: &Remove) -> Result<(), Failed> {
    let removal = desk.prepare_removal(&asked.line).await?;
    let mut text = format!("Removing {}:\n", removal.line.name);
    for step in &removal.steps {
        text.push_str(&format!("  {} {}\n", step.title, step.now));
    }
    for note in &removal.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    if removal.line.signs_in() {
        text.push_str(
            "  `deskline line undo` takes the last change back instead, at the provider too.\n",
        );
    }
    let steps: Vec<Value> = removal.steps.iter().map(step_json).collect();
    Report::new(asked.json).other(
        &json!({"event": "plan", "steps": steps, "notes": removal.notes}),
        text.trim_end(),
    );
    if !agreed(asked.yes, removal.steps.len())? {
        return Err(Failed::Other(REFUSED, "Nothing was changed.".into()));
    }
    let done = desk.remove(&removal).await?;
    Report::new(asked.json).other(
        &json!({"event": "removed", "done": done}),
        "Removed. `deskline line undo` brings it back.",
    );
    Ok(())
}

async fn fix(desk: &Desk, asked: &Fix) -> Result<(), Failed> {
    let report = desk.check(&asked.line, None).await?;
    let Some(finding) = report.finding(&asked.finding) else {
        let words = format!(
            "The check does not find {} on this line (any more).",
            asked.finding.trim()
        );
        return Err(Failed::Other(WRONG_USE, words));
    };
    let steps = match &finding.fix {
        Some(check::Fix::Steps(steps)) => steps,
        Some(other) => return Err(Failed::Other(REFUSED, other.words())),
        None => {
            return Err(Failed::Other(
                REFUSED,
                "There is nothing to do about it.".into(),
            ));
        }
    };
    let shown: Vec<Value> = steps.iter().map(step_json).collect();
    Report::new(asked.json).other(
        &json!({"event": "plan", "steps": shown}),
        &format!(
            "{}\n  {}",
            finding.verdict,
            check::Fix::Steps(steps.clone()).words()
        ),
    );
    if !agreed(asked.yes, steps.len())? {
        return Err(Failed::Other(REFUSED, "Nothing was changed.".into()));
    }
    let done = desk.fix(&report.line.id, steps).await?;
    let after = desk.check(&asked.line, None).await?;
    let mended = after.finding(finding.id).is_none();
    Report::new(asked.json).other(
        &json!({"event": "fixed", "done": done, "mended": mended}),
        if mended {
            "Fixed, and checked again. `deskline line undo` undoes it."
        } else {
            "Done, but the check still finds it."
        },
    );
    Ok(())
}

async fn undo(desk: &Desk, asked: &Undo) -> Result<(), Failed> {
    let (id, changes) = desk.prepare_undo(&asked.line)?;
    let titles: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
    Report::new(asked.json).other(
        &json!({"event": "plan", "undo": titles}),
        &format!("Taking back: {}.", titles.join("; ")),
    );
    let provider = changes
        .iter()
        .find_map(|change| change.object.place().provider());
    let known = desk.line(&asked.line).ok().and_then(|line| line.account);
    let account = asked.account.as_ref().or(known.as_ref());
    let account = account.map(String::as_str).unwrap_or_default();
    let key = asked.key.as_deref().unwrap_or_default();
    let keys = match provider {
        // Without the account the library says whose sign-in is missing.
        Some(ProviderKind::Twilio | ProviderKind::SignalWire) if account.is_empty() => None,
        Some(provider) => keys(provider, account, key, None)?,
        None => None,
    };
    if !agreed(asked.yes, changes.len())? {
        return Err(Failed::Other(REFUSED, "Nothing was changed.".into()));
    }
    let report = desk.undo(&id, &changes, keys).await?;
    let mut text = "Undone.".to_owned();
    for left in &report.left {
        text.push_str(&format!("\n  {left}"));
    }
    Report::new(asked.json).other(
        &json!({"event": "undone", "undone": report.undone, "left": report.left}),
        &text,
    );
    Ok(())
}

fn read_env(file: &Path) -> Result<env_file::Import, String> {
    let bytes = std::fs::read(file).map_err(|error| {
        format!(
            "{} cannot be read ({error}). Check its name.",
            file.display()
        )
    })?;
    env_file::read(&bytes).map_err(|error| error.to_string())
}

/// What the command line leaves open, from a file; the secret for the sign-in at the provider too.
fn filled(asked: &Add) -> Result<(Add, Option<Secret>), Failed> {
    let mut asked = asked.clone();
    let Some(file) = &asked.env else {
        return Ok((asked, None));
    };
    let import = read_env(file).map_err(|words| Failed::Other(WRONG_USE, words))?;
    let text = |setting| import.text(setting).map(str::to_owned);
    if asked.numbers.is_empty() {
        asked.numbers.extend(text(Setting::CallerId));
    }
    asked.sip = asked.sip.or_else(|| text(Setting::LiveKitSip));
    // A word that is no provider is said where the line is read.
    let Ok(provider) = ProviderKind::parse(&asked.provider) else {
        return Ok((asked, None));
    };
    let found = import.sign_in(provider);
    let typed = asked.account.or(asked.space.take());
    let account = typed.unwrap_or(found.account);
    let typed = asked.key.or(asked.project.take());
    let key = typed.unwrap_or(found.key);
    let secret = import.secret_for(provider, &account, &key);
    (asked.account, asked.key) = (Some(account), Some(key));
    let domain = || import.domain(provider).map(str::to_owned);
    asked.domain = asked.domain.or_else(domain);
    Ok((asked, secret))
}

fn env(profile: &Profile, asked: &Env) -> u8 {
    let import = match read_env(&asked.file) {
        Ok(import) => import,
        Err(words) => {
            complain(&words);
            return WRONG_USE;
        }
    };
    let mut report = Report::new(asked.json);
    for taken in &import.taken {
        let note = if taken.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", taken.note)
        };
        report.other(
            &json!({"event": "taken", "name": taken.name, "for": taken.setting.words(), "secret": taken.setting.is_secret(), "note": taken.note}),
            &format!("used     {}: {}{note}", taken.name, taken.setting.words()),
        );
    }
    for ignored in &import.ignored {
        report.other(
            &json!({"event": "ignored", "name": ignored.name, "why": ignored.why}),
            &format!("not used {}: {}", ignored.name, ignored.why),
        );
    }
    if !asked.sign_in {
        return ANSWERED;
    }
    let url = import.text(Setting::LiveKitUrl).unwrap_or_default();
    let key = import.text(Setting::LiveKitKey).unwrap_or_default();
    let secret = import.secret(Setting::LiveKitSecret);
    match Account::open(profile).set(url, key, secret) {
        Ok(()) => {
            report.other(
                &json!({"event": "signed_in", "url": url, "key": key}),
                &format!("Signed in to {url}; the secret is in the keychain."),
            );
            ANSWERED
        }
        Err(error) => {
            complain(&error.message);
            WRONG_USE
        }
    }
}
