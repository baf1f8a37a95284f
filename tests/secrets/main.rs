//! Canary secrets: the stories of lines, account and calls are lived with secrets that are known nowhere else, through the
//! real program, its window, the stand-ins of the providers and the real secret service; then nothing of them may be
//! anywhere but in the keychain and at the services that they belong to.
//!
//! Looked at: every file of the profile, the home and the temporary folders (SQLite with its write-ahead log, snapshots,
//! records, web storage, logs at TRACE, also while they grow), the arguments and the environment of the program and all that
//! it starts, what it prints, and what its core answers to the window. The last story plants one in each of these places and
//! sees it found: the suite can fail.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../support/mod.rs"]
mod support;

mod canaries;
mod places;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use canaries::Canaries;
use places::{Hit, Watch, in_files, note};
use serde_json::{Value, json};
use stage::{App, Environment, LineOptions, ProviderFault, Providers};
use support::window::Window;
use support::{
    ADD_AT_TWILIO, Done, OUR_TONE, Place, TWILIO_ACCOUNT as ACCOUNT, TWILIO_NUMBER as NUMBER,
    eventually, exit,
};

const AT_TELNYX: &str = "+12125550151";

/// One of each kind.
struct Secrets {
    livekit: String,
    twilio: String,
    telnyx: String,
    sip: String,
    pin: String,
    webhook: String,
    role: String,
}

impl Secrets {
    /// Found nowhere on this computer but where a story puts them.
    fn fresh() -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        let secret = |what: &str| format!("canary{what}x{now:x}x{}q", std::process::id());
        Self {
            livekit: secret("livekitsecret"),
            twilio: secret("twiliotoken"),
            // as keys begin there
            telnyx: format!("KEY{}", secret("telnyxkey")),
            sip: secret("sippassword"),
            pin: format!("{:016}", now % 10_u128.pow(16)),
            webhook: secret("webhooksecret"),
            role: secret("servicerole"),
        }
    }

    fn all(&self) -> Vec<(&str, &str)> {
        vec![
            ("API secret of LiveKit", &self.livekit),
            ("token of Twilio", &self.twilio),
            ("API key of Telnyx", &self.telnyx),
            ("SIP password", &self.sip),
            ("PIN", &self.pin),
            ("secret of webhooks", &self.webhook),
            ("service role", &self.role),
        ]
    }
}

struct Office {
    place: Place,
    providers: Providers,
    secrets: Secrets,
    began: SystemTime,
    canaries: Arc<Canaries>,
    watch: Watch,
    /// What was found in answers.
    answers: BTreeSet<Hit>,
}

impl Office {
    /// An empty project; an account with one number at each provider; logs at TRACE; a temporary folder of its own.
    fn open(name: &str) -> Self {
        let began = SystemTime::now();
        let secrets = Secrets::fresh();
        let options = LineOptions {
            seed: false,
            secret: Some(secrets.livekit.clone()),
            ..LineOptions::default()
        };
        let providers = Providers::start().expect("`cargo xtask providers` builds them");
        let seed = json!({
            "account": ACCOUNT, "secret": secrets.twilio, "numbers": [{"number": NUMBER}],
            "telnyx": {"key": secrets.telnyx, "numbers": [{"number": AT_TELNYX}]},
        });
        providers.reset(&seed).unwrap();
        let mut place = Place::signed_out(name, options);
        let more = more(&place, &providers);
        let environment = place.stage.environment().and(more);
        place.app = App::new(place.app.profile(), environment, &place.stage.logs());
        let canaries = Arc::new(Canaries::new(&secrets.all()));
        let log = place.app.log();
        let watch = Watch::start(canaries.clone(), stage::app_binary(), vec![log]);
        let mut office = Self {
            place,
            providers,
            secrets,
            began,
            canaries,
            watch,
            answers: BTreeSet::new(),
        };
        let ready = office.place.line.ready.clone();
        let signed_in = office.run(
            &["account", "set", "--url", &ready.url, "--key", &ready.key],
            Some(&ready.secret),
        );
        assert_eq!(signed_in.code, 0, "{signed_in:?}");
        office
    }

    /// Runs a terminal command; what it prints is looked at.
    fn run(&mut self, arguments: &[&str], input: Option<&str>) -> Done {
        let done = self.place.run_in(self.place.deskline(arguments), input);
        let place = format!(
            "answer of deskline {}",
            arguments[..arguments.len().min(2)].join(" ")
        );
        for text in [&done.out, &done.err] {
            note(&self.canaries, text.as_bytes(), &place, &mut self.answers);
        }
        done
    }

    /// Everything found so far, in all places.
    fn sweep(&self) -> BTreeSet<Hit> {
        let mut hits = self.answers.clone();
        hits.extend(self.watch.hits());
        let logs = self.place.stage.logs();
        // The servers own some of the secrets.
        let of_servers = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.parent() == Some(&logs) && name.starts_with("line")
        };
        let all = SystemTime::UNIX_EPOCH;
        in_files(
            &self.canaries,
            &home(&self.place),
            all,
            &of_servers,
            &mut hits,
        );
        // Folders of other parts and other tests have names of their own.
        let of_stages = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("deskline-")
        };
        let shared = std::env::temp_dir();
        in_files(&self.canaries, &shared, self.began, &of_stages, &mut hits);
        hits
    }

    /// From here on a password that was made meanwhile is looked for too, in everything that there is already.
    fn learn(&mut self, name: &str, secret: &str) {
        let mut all = self.secrets.all();
        all.push((name, secret));
        let canaries = Arc::new(Canaries::new(&all));
        self.answers.extend(self.watch.hits());
        let log = self.place.app.log();
        self.watch = Watch::start(canaries.clone(), stage::app_binary(), vec![log]);
        self.canaries = canaries;
    }

    /// The passwords with which LiveKit signs in at the providers, as the server knows them.
    fn passwords_in_livekit(&self) -> Vec<String> {
        let elsewhere = tempfile::tempdir().unwrap();
        let desk = support::desk_elsewhere(&self.place, &self.providers, elsewhere.path());
        let numbers = vec![lines::Number::parse(NUMBER, call::number::Region::US).unwrap()];
        let name = lines::LineName::parse("Elsewhere").unwrap();
        let wanted = lines::Wanted::new(name, numbers, lines::WantedProvider::LiveKitNumbers);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let prepared = runtime.block_on(desk.prepare(wanted.unwrap(), None, None));
        let found = prepared.unwrap().found.livekit.outbound;
        let passwords = found.into_iter().filter_map(|trunk| trunk.password);
        passwords
            .map(|password| password.expose().to_owned())
            .collect()
    }
}

/// All folders of the program: home, caches, profile, logs, temporary files.
fn home(place: &Place) -> PathBuf {
    place.stage.logs().parent().unwrap().to_owned()
}

fn more(place: &Place, providers: &Providers) -> Environment {
    let temporary = home(place).join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    Environment::new()
        .with("DESKLINE_PROVIDERS", providers.url())
        .with("DESKLINE_LOG", "trace")
        .with("TMPDIR", temporary.display().to_string())
}

fn nothing_is_found(office: &Office) {
    let hits = office.sweep();
    assert!(
        hits.is_empty(),
        "secrets are in the keychain only: {hits:#?}"
    );
}

#[test]
fn the_terminal_leaves_no_secret_anywhere() {
    let mut office = Office::open("secrets-terminal");
    let (twilio, telnyx, sip, pin) = (
        office.secrets.twilio.clone(),
        office.secrets.telnyx.clone(),
        office.secrets.sip.clone(),
        office.secrets.pin.clone(),
    );
    // A file of a web application; only the person keeps it.
    {
        let folder = tempfile::Builder::new()
            .prefix("deskline-env-")
            .tempdir()
            .unwrap();
        let file = folder.path().join(".env");
        let ready = &office.place.line.ready;
        let text = format!(
            "LIVEKIT_URL={}\nLIVEKIT_API_KEY={}\nLIVEKIT_API_SECRET='{}'\nTWILIO_AUTH_TOKEN=\"{twilio}\"\n\
             SUPABASE_SERVICE_ROLE_KEY={}\nBROKEN {sip}\n",
            ready.url, ready.key, ready.secret, office.secrets.role
        );
        std::fs::write(&file, text).unwrap();
        let read = office.run(
            &["line", "env", file.to_str().unwrap(), "--sign-in", "--json"],
            None,
        );
        assert_eq!(read.code, 0, "{read:?}");
    }
    let twilio_line = [&ADD_AT_TWILIO[..], &["--with-pin", "--yes", "--json"]].concat();
    // Refused, half done, then finished.
    let wrong = office.run(&twilio_line, Some(&format!("{sip}\n{pin}")));
    assert_ne!(wrong.code, 0);
    let refused = ProviderFault {
        skip: 2,
        ..ProviderFault::once("500", "")
    };
    office
        .providers
        .fail(&ProviderFault {
            times: 9,
            ..refused
        })
        .unwrap();
    let half = office.run(&twilio_line, Some(&format!("{twilio}\n{pin}")));
    assert_ne!(half.code, 0, "{half:?}");
    office.providers.heal().unwrap();
    let added = office.run(&twilio_line, Some(&format!("{twilio}\n{pin}")));
    assert_eq!(added.code, 0, "{added:?}");
    let added = office.run(
        &[
            "line",
            "add",
            "telnyx",
            "--name",
            "Second desk",
            "--number",
            AT_TELNYX,
            "--sip",
            "abc123.sip.livekit.cloud",
            "--yes",
            "--json",
        ],
        Some(&telnyx),
    );
    assert_eq!(added.code, 0, "{added:?}");
    let added = office.run(
        &[
            "line",
            "add",
            "other",
            "--name",
            "Third desk",
            "--number",
            "+12125550152",
            "--host",
            "sip.provider.example",
            "--user",
            "desk",
            "--yes",
            "--json",
        ],
        Some(&sip),
    );
    assert_eq!(added.code, 0, "{added:?}");
    let made: Vec<String> = office.passwords_in_livekit();
    assert!(made.contains(&sip), "LiveKit has it");
    let generated = made
        .iter()
        .find(|password| **password != sip)
        .expect("one was generated")
        .clone();
    office.learn("generated SIP password", &generated);
    for (line, secret) in [("front desk", &twilio), ("second desk", &telnyx)] {
        let checked = office.run(
            &["line", "check", line, "--provider", "--json"],
            Some(secret),
        );
        assert!(checked.out.contains("\"check\""), "{checked:?}");
    }
    let busy = office.run(&["dial", "+12125550111", "--json"], None);
    assert_eq!(busy.code, exit::BUSY, "{busy:?}");
    for arguments in [
        &["line", "list", "--json"][..],
        &["history", "--json"],
        &["account", "show"],
        &["watchers", "--json"],
        &["line", "remove", "third desk", "--yes", "--json"],
        &["line", "undo", "third desk", "--yes", "--json"],
    ] {
        let done = office.run(arguments, None);
        assert_eq!(done.code, 0, "{done:?}");
    }
    nothing_is_found(&office);
    let log = std::fs::read_to_string(office.place.app.log()).unwrap();
    assert!(log.contains("TRACE"), "the log is not at TRACE");
    assert!(
        office
            .watch
            .programs()
            .iter()
            .any(|name| name == "deskline")
    );
}

/// What the core answers, as the page itself gets it.
async fn ask(office: &mut Office, window: &Window, command: &str, arguments: Value) -> Value {
    let answer = window.invoke(command, arguments).await;
    let text = match &answer {
        Ok(value) => value.to_string(),
        Err(refused) => format!("{refused:#}"),
    };
    let place = format!("answer to {command}");
    note(
        &office.canaries,
        text.as_bytes(),
        &place,
        &mut office.answers,
    );
    answer.unwrap_or_default()
}

/// Everything that a page can keep.
async fn web_storage(office: &mut Office, window: &Window) {
    let script = "const done = arguments[arguments.length - 1];\
        const kept = [{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state, name];\
        const bases = indexedDB.databases ? indexedDB.databases() : Promise.resolve([]);\
        Promise.all([bases, self.caches ? caches.keys() : []]).then(more => done(JSON.stringify([kept, more])), \
            () => done(JSON.stringify(kept)));";
    let kept = window.client.execute_async(script, vec![]).await.unwrap();
    let page = window.client.source().await.unwrap();
    for (what, text) in [("web storage", kept.to_string()), ("page", page)] {
        note(&office.canaries, text.as_bytes(), what, &mut office.answers);
    }
}

fn line_asked(office: &Office) -> Value {
    json!({"asked": {
        "provider": "telnyx", "name": "Second desk", "numbers": [AT_TELNYX], "sip": "abc123.sip.livekit.cloud",
        "sign_in": {"account": "", "key": "", "secret": office.secrets.telnyx}, "host": "", "handler": "", "user": "",
        "password": office.secrets.sip, "transport": "auto", "secure": false, "pin": office.secrets.pin,
    }})
}

/// Everything that the core can be asked without harm, and everything that takes a secret in.
async fn ask_everything(office: &mut Office, window: &Window) {
    let (twilio, webhook, livekit) = (
        office.secrets.twilio.clone(),
        office.secrets.webhook.clone(),
        office.secrets.livekit.clone(),
    );
    let ready = office.place.line.ready.clone();
    let watchers = ask(office, window, "watchers_show", json!({})).await;
    let mut draft = watchers["wanted"].clone();
    draft["signed_with"] = json!("hooks");
    let set = json!({"draft": draft, "secret": webhook});
    assert!(ask(office, window, "watchers_set", set).await["wanted"].is_object());
    let text = format!(
        "LIVEKIT_URL={}\nLIVEKIT_API_KEY={}\nLIVEKIT_API_SECRET={livekit}\nSUPABASE_SERVICE_ROLE_KEY={}",
        ready.url, ready.key, office.secrets.role
    );
    let file = json!({"bytes": text.as_bytes(), "purpose": "account"});
    let read = ask(office, window, "env_read", file).await;
    assert_eq!(read["left"][0]["is_refused"], true, "{read}");
    let imported = ask(office, window, "env_sign_in", json!({})).await;
    assert_eq!(imported["has_secret"], true, "{imported}");
    let asked = line_asked(office);
    let plan = ask(office, window, "line_plan", asked).await;
    assert!(
        plan["steps"]
            .as_array()
            .is_some_and(|steps| !steps.is_empty()),
        "{plan}"
    );
    let sign_in =
        json!({"line": "front-desk", "signIn": {"account": ACCOUNT, "key": "", "secret": twilio}});
    let check = ask(office, window, "line_check", sign_in).await;
    assert!(check["findings"].is_array(), "{check}");
    // Refused: the sentence must not say what was typed.
    let wrong = json!({"line": "front-desk", "signIn": {"account": "AC1", "key": twilio, "secret": webhook}});
    ask(office, window, "line_check", wrong).await;
    let page = json!({"query": {}, "cursor": null, "limit": 50});
    let rows = ask(office, window, "history_page", page).await;
    let row = rows["rows"][0]["id"].clone();
    assert!(row.is_string(), "{rows}");
    for (command, arguments) in [
        ("snapshot", json!({})),
        ("route_show", json!({"asked": {"number": "+12125550100"}})),
        ("missed_count", json!({})),
        ("call_details", json!({"call": row})),
        ("contacts", json!({"text": "", "cursor": null, "limit": 50})),
        ("lines", json!({})),
        ("line_removal", json!({"line": "front-desk"})),
        ("line_undo_show", json!({"line": "front-desk"})),
        ("settings_show", json!({})),
        ("watchers_show", json!({})),
        ("account_show", json!({})),
        ("devices", json!({})),
        ("desktop_show", json!({})),
        ("shell_show", json!({})),
        ("readiness_show", json!({})),
        ("first_run_show", json!({})),
        ("sound_show", json!({})),
    ] {
        ask(office, window, command, arguments).await;
    }
}

/// The line is typed into the assistant, with its secrets, and set up.
async fn set_up(office: &Office, window: &Window) {
    window.click("nav-lines").await;
    window.click("lines-add").await;
    window.click("provider-continue").await;
    for (field, text) in [
        ("line-name", "Front desk"),
        ("line-numbers", NUMBER),
        ("line-account", ACCOUNT),
        ("line-secret", &office.secrets.twilio),
        ("line-sip", "abc123.sip.livekit.cloud"),
        ("line-pin", &office.secrets.pin),
    ] {
        window.fill(field, text).await;
    }
    window.click("line-look").await;
    window.click("plan-yes").await;
    window
        .until_text("proof", "it is not proven", |text| {
            text.contains("Not proven")
        })
        .await;
    window.click("test-done").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_leaves_no_secret_anywhere_and_one_that_is_planted_is_found() {
    let mut office = Office::open("secrets-window");
    let _voice = office.place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let environment = more(&office.place, &office.providers);
    let window = Window::open_in(&office.place, &[], environment).await;
    set_up(&office, &window).await;
    window.dial("+12125550111").await;
    window.until_outcome("busy").await;
    ask_everything(&mut office, &window).await;
    web_storage(&mut office, &window).await;
    nothing_is_found(&office);
    let programs = office.watch.programs();
    let page = programs.iter().any(|name| name.starts_with("WebKitWeb"));
    assert!(page && programs.contains("deskline"), "{programs:?}");

    // And now each place is given one.
    let token = office.secrets.twilio.clone();
    let page = json!({"query": {}, "cursor": null, "limit": 1});
    let rows = ask(&mut office, &window, "history_page", page.clone()).await;
    let noted = json!({"call": rows["rows"][0]["id"], "note": token});
    window.invoke("history_note", noted).await.unwrap();
    ask(&mut office, &window, "history_page", page).await;
    let keep = "localStorage.setItem('planted', arguments[0])";
    window
        .client
        .execute(keep, vec![json!(token)])
        .await
        .unwrap();
    web_storage(&mut office, &window).await;
    for arguments in [
        json!(["/bin/sh", "-c", "sleep 5; true", token]),
        json!([format!("PLANTED={token}"), "/bin/sleep", "5"]),
    ] {
        let action = json!({"kind": "run", "program": "/usr/bin/env", "arguments": arguments});
        let hook = json!({"enabled": true, "moment": "ring", "direction": null, "action": action});
        window
            .invoke("hook_test", json!({"hook": hook}))
            .await
            .unwrap();
    }
    let profile = office.place.app.profile().to_owned();
    for (file, text) in [
        (
            profile.join("deskline.log"),
            format!("TRACE planted {token}\n"),
        ),
        (
            profile.join("lines/changes.jsonl"),
            format!("{{\"before\":\"{token}\"}}\n"),
        ),
        (home(&office.place).join("tmp/planted"), token.clone()),
    ] {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    let shared = tempfile::NamedTempFile::with_prefix("planted-").unwrap();
    std::fs::write(shared.path(), &token).unwrap();
    for place in [
        "history.db",
        "answer to history_page",
        "web storage",
        "arguments of sh",
        "environment of sleep",
        "deskline.log",
        "changes.jsonl",
        "tmp/planted",
        &shared.path().display().to_string(),
    ] {
        eventually(
            &format!("the one in {place} is found"),
            support::PATIENCE,
            || {
                let hits = office.sweep();
                hits.iter().any(|(at, _)| at.contains(place)).then_some(())
            },
        );
    }
    window.close().await;
}
