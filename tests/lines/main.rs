//! A line from nothing to proven and back, from the terminal: real LiveKit server, real keychain, Twilio's stand-in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../support/mod.rs"]
mod support;

mod certificate;
mod killed;

use std::path::Path;

use fantoccini::Locator;
use serde_json::{Value, json};
use stage::{Environment, Inbound, LineOptions, Providers};
use support::window::Window;
use support::{
    ADD_AT_TWILIO, Done, OUR_TONE, Place, TWILIO_ACCOUNT as ACCOUNT, TWILIO_NUMBER as NUMBER, exit,
};

const TOKEN: &str = "canary-twilio-token-77";
const TELNYX_KEY: &str = "KEYcanary-telnyx-78";
const PROJECT: &str = "0a1b2c3d-0000-4000-8000-0000000000c1";
const SIGNALWIRE_TOKEN: &str = "PTcanary-signalwire-79";

struct Office {
    place: Place,
    providers: Providers,
}

impl Office {
    /// An empty project, an account with one number.
    fn open(name: &str) -> Self {
        let options = LineOptions {
            seed: false,
            ..LineOptions::default()
        };
        let providers = Providers::start().expect("`cargo xtask providers` builds them");
        let numbers = json!([{"number": NUMBER}]);
        let space = json!({"space": "acme", "project": PROJECT, "token": SIGNALWIRE_TOKEN, "numbers": numbers});
        let seed = json!({"account": ACCOUNT, "secret": TOKEN, "numbers": numbers,
            "telnyx": {"key": TELNYX_KEY, "numbers": numbers}, "signalwire": space});
        providers.reset(&seed).unwrap();
        Self {
            place: Place::with_line(name, options),
            providers,
        }
    }

    fn line(&self, arguments: &[&str], input: Option<&str>) -> Done {
        let mut all = vec!["line"];
        all.extend(arguments);
        let mut command = self.place.deskline(&all);
        command.env("DESKLINE_PROVIDERS", self.providers.url());
        self.place.run_in(command, input)
    }

    fn add(&self, more: &[&str]) -> Done {
        let mut arguments = ADD_AT_TWILIO[1..].to_vec();
        arguments.push("--json");
        arguments.extend(more);
        self.line(&arguments, Some(TOKEN))
    }

    /// Somebody at another computer deletes the line's rule and nothing else.
    fn lose_the_rule(&self) {
        let elsewhere = tempfile::tempdir().unwrap();
        let desk = support::desk_elsewhere(&self.place, &self.providers, elsewhere.path());
        let own = lines::Registry::new(&self.place.app.profile().join("lines"));
        desk.registry.keep(own.lines().unwrap().remove(0)).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut removal = desk.prepare_removal("front desk").await.unwrap();
            removal.steps.truncate(1);
            desk.remove(&removal).await.unwrap();
        });
    }

    fn problems(&self) -> (i32, Vec<String>) {
        let done = self.line(
            &["check", "front-desk", "--provider", "--json"],
            Some(TOKEN),
        );
        let report = done
            .json()
            .into_iter()
            .find(|line| line["event"] == "check")
            .unwrap_or_else(|| panic!("{done:?}"));
        let problems = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["level"] == "problem")
            .map(|finding| finding["id"].as_str().unwrap().to_owned())
            .collect();
        (done.code, problems)
    }
}

fn event<'a>(lines: &'a [Value], event: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["event"] == event)
        .unwrap_or_else(|| panic!("no {event} in {lines:#?}"))
}

/// Every file below a folder in which a text stands.
fn files_with(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_with(&path, text, found);
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn a_line_is_added_proven_broken_named_mended_and_taken_back() {
    let office = Office::open("lines-story");
    let place = &office.place;

    // Without a yes the plan is shown and nothing happens.
    let shown = office.add(&[]);
    assert_eq!(shown.code, exit::WRONG_USE, "{shown:?}");
    assert_eq!(
        event(&shown.json(), "plan")["steps"]
            .as_array()
            .unwrap()
            .len(),
        9
    );
    assert_eq!(office.providers.count_changes().unwrap(), 0);

    let added = office.add(&["--yes"]);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(event(&added.json(), "line")["proven"], false);
    assert_eq!(office.providers.count_changes().unwrap(), 6);
    let again = office.add(&["--yes"]);
    assert_eq!(event(&again.json(), "plan")["steps"], json!([]));
    assert_eq!(office.providers.count_changes().unwrap(), 0);

    // Both directions by calls.
    let out = office.line(
        &["test", "front desk", "--to", "+12125550100", "--json"],
        None,
    );
    assert_eq!(out.code, 0, "{out:?}");
    let mut wait = place.follow(&["line", "test", "front desk", "--incoming"]);
    wait.ready().unwrap();
    place
        .line
        .phones
        .place_inbound(&Inbound::from("+13125550142").to(NUMBER))
        .unwrap();
    assert_eq!(wait.event("proof").unwrap()["passed"], true);
    assert_eq!(wait.ended().code(), Some(0));
    let listed = office.line(&["list", "--json"], None).json();
    assert_eq!(listed[0]["proven"], true, "{listed:?}");
    assert_eq!(office.problems(), (0, Vec::new()));
    look_at_the_line(&office);
    costs_of_the_line(&office);

    // Somebody deletes the rule; the check names it and mends it, and what was proven stays so.
    office.lose_the_rule();
    assert_eq!(office.problems(), (exit::REFUSED, vec!["D08".to_owned()]));
    let shown = office.line(&["fix", "front desk", "d08"], None);
    assert_eq!(shown.code, exit::WRONG_USE, "without a yes: {shown:?}");
    assert!(
        shown.out.contains("callers have nowhere to go → a room"),
        "{shown:?}"
    );
    let mended = office.line(&["fix", "front desk", "d08", "--yes", "--json"], None);
    assert_eq!(mended.code, 0, "{mended:?}");
    assert_eq!(event(&mended.json(), "fixed")["mended"], true);
    assert_eq!(office.problems(), (0, Vec::new()));
    let again = office.add(&["--yes"]);
    assert_eq!(event(&again.json(), "plan")["steps"], json!([]));
    assert_eq!(event(&again.json(), "line")["proven"], true);

    let removed = office.line(&["remove", "front desk", "--yes", "--json"], None);
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(office.line(&["list", "--json"], None).out, "");
    let back = office.line(&["undo", "front desk", "--yes", "--json"], None);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(office.problems(), (0, Vec::new()));

    let mut hits = Vec::new();
    for secret in [TOKEN, place.line.ready.secret.as_str()] {
        files_with(place.app.profile(), secret, &mut hits);
    }
    assert_eq!(hits, [""; 0], "secrets are in the keychain only");
}

/// The sheet, the project, the account. The password is in none of them.
fn look_at_the_line(office: &Office) {
    let shown = office.line(&["show", "front desk", "--json"], None);
    let lines = shown.json();
    let sheet = event(&lines, "sheet");
    assert_eq!(sheet["has_password"], true, "{shown:?}");
    let row = |name: &str| {
        let rows = sheet["rows"].as_array().unwrap().iter();
        let own = rows.filter(|row| row["row"] == name);
        own.map(|row| row["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(row("number"), ["(212) 555-0150"]);
    assert_eq!(row("address"), ["front-desk.pstn.twilio.com"]);
    assert_eq!(row("sip"), ["sip:abc123.sip.livekit.cloud;transport=tcp"]);
    assert_eq!(
        (row("calls_in"), row("calls_out")),
        (vec!["1".into()], vec!["1".into()])
    );
    assert_eq!(row("rule").len(), 1);
    // The demo line is no LiveKit of the cloud.
    assert!(
        sheet["pages"]["log"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    assert!(sheet["pages"]["livekit_trunks"].is_null());

    let objects = office.line(&["objects", "--json"], None).json();
    let own = objects.iter().filter(|one| one["line"] == "front-desk");
    let kinds: Vec<_> = own.map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["outbound_trunk", "inbound_trunk", "rule"]);

    let numbers = office.line(
        &["numbers", "twilio", "--account", ACCOUNT, "--json"],
        Some(TOKEN),
    );
    let lines = numbers.json();
    assert_eq!(event(&lines, "number")["number"], NUMBER, "{numbers:?}");
    let refused = office.line(&["numbers", "telnyx", "--json"], Some("KEYwrong"));
    assert_eq!(event(&refused.json(), "error")["code"], "sign_in_refused");
    assert_eq!(office.providers.count_changes().unwrap(), 0);
}

/// A call in and a call out were answered: a begun minute each.
fn costs_of_the_line(office: &Office) {
    let bare = office.line(&["costs", "--json"], None);
    assert_eq!(event(&bare.json(), "costs")["totals"][0]["is_whole"], false);
    let rates = [
        ["--number-month", "1.15"],
        ["--minute-in", "0,10"],
        ["--minute-out", "0.20"],
        ["--livekit-minute", "0.01"],
    ];
    let mut arguments = vec!["costs", "front desk", "--json"];
    arguments.extend(rates.as_flattened());
    let lines = office.line(&arguments, None).json();
    let line = event(&lines, "line_costs");
    assert_eq!(
        (&line["minutes_in"], &line["minutes_out"]),
        (&json!(1), &json!(1))
    );
    let total = &event(&lines, "costs")["totals"][0];
    assert_eq!(
        *total,
        json!({"currency": "USD", "amount": "1.47", "is_whole": true})
    );
    // What is no amount changes nothing.
    let wrong = office.line(&["costs", "front desk", "--minute-in", "$1"], None);
    assert_eq!(wrong.code, exit::WRONG_USE);
    assert!(wrong.err.contains("“$1” is not an amount."), "{wrong:?}");
    let kept = office.line(&["costs"], None);
    assert!(kept.out.contains("1.47 USD. An estimate"), "{kept:?}");
    let before = office
        .line(&["costs", "--month", "2020-02", "--json"], None)
        .json();
    assert_eq!(event(&before, "costs")["totals"][0]["amount"], "1.15");
}

#[test]
fn a_space_without_the_api_is_set_up_by_hand_in_the_terminal() {
    let office = Office::open("lines-by-hand");
    let space = json!({"space": "acme", "project": PROJECT, "token": SIGNALWIRE_TOKEN,
        "numbers": [{"number": NUMBER}], "no_api": 404});
    office
        .providers
        .reset(&json!({ "signalwire": space }))
        .unwrap();
    let common = [
        "--number",
        NUMBER,
        "--sip",
        "abc123.sip.livekit.cloud",
        "--yes",
        "--json",
    ];
    let add = |more: &[&str], secret: &str| {
        let mut all = vec!["add", "signalwire"];
        all.extend(more);
        all.extend(common);
        office.line(&all, Some(secret))
    };
    let refused = add(&["--space", "acme", "--project", PROJECT], SIGNALWIRE_TOKEN);
    assert_eq!(refused.code, exit::REFUSED, "{refused:?}");
    let lines = refused.json();
    let programs = lines.iter().filter(|line| line["event"] == "by_hand");
    assert!(programs.count() >= 7, "{lines:#?}");
    assert!(
        event(&lines, "error")["words"]
            .as_str()
            .unwrap()
            .contains("paste the SIP address")
    );
    let pasted = "sip:*@acme-main-line.dapp.signalwire.com;transport=tls";
    let added = add(
        &["--sip-address", pasted, "--user", "deskline"],
        "Canary-password-80",
    );
    assert_eq!(added.code, 0, "{added:?}");
    let plan = event(&added.json(), "plan").to_string();
    assert!(plan.contains("acme-main-line.dapp.signalwire.com") && !plan.contains("sip:*@"));
    assert_eq!(office.providers.count_changes().unwrap(), 0);
    let checked = office.line(&["check", "--provider", "--json"], None);
    assert_eq!(checked.code, 0, "{checked:?}");
    for wrong in [
        (
            &["--space", PROJECT, "--project", PROJECT],
            "This is a project ID",
        ),
        (
            &["--space", "acme", "--project", "PTnot-a-project"],
            "This is an API token",
        ),
    ] {
        let said = add(wrong.0, SIGNALWIRE_TOKEN);
        assert_eq!(said.code, exit::WRONG_USE);
        assert!(said.out.contains(wrong.1), "{said:?}");
    }
    let mut hits = Vec::new();
    for secret in [SIGNALWIRE_TOKEN, "Canary-password-80"] {
        files_with(office.place.app.profile(), secret, &mut hits);
    }
    assert_eq!(hits, [""; 0]);
}

#[test]
fn a_file_of_a_web_application_signs_in_and_adds_the_line() {
    let office = Office::open("lines-env");
    let ready = &office.place.line.ready;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    let text = format!(
        "LIVEKIT_URL={}\nLIVEKIT_API_KEY={}\nLIVEKIT_API_SECRET='{}'\nLIVEKIT_SIP_URI=sip:abc123.sip.livekit.cloud\n\
         TWILIO_ACCOUNT_SID={ACCOUNT}\nTWILIO_AUTH_TOKEN=\"{TOKEN}\"\nACME_TWILIO_PHONE_NUMBER={NUMBER}\n\
         SUPABASE_SERVICE_ROLE_KEY=canary-role\nLIVEKIT_EGRESS_ENABLED=True\n",
        ready.url, ready.key, ready.secret
    );
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        office.place.run(&["account", "forget"]).code,
        0,
        "signed out"
    );
    let done = office.line(&["env", file, "--sign-in", "--json"], None);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(event(&done.json(), "signed_in")["key"], ready.key.as_str());
    for secret in [TOKEN, ready.secret.as_str(), "canary-role"] {
        assert!(!done.out.contains(secret), "{done:?}");
    }
    let added = office.line(&["add", "twilio", "--env", file, "--yes", "--json"], None);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(event(&added.json(), "line")["numbers"], json!([NUMBER]));
    let mut hits = Vec::new();
    for secret in [TOKEN, ready.secret.as_str(), "canary-role"] {
        files_with(office.place.app.profile(), secret, &mut hits);
    }
    assert_eq!(hits, [""; 0]);
}

/// Types the line into the assistant and asks for the changes.
async fn ask_for_the_changes(window: &Window) {
    window.click("lines-add").await;
    window.click("provider-continue").await;
    for (field, text) in [
        ("line-name", "Front desk"),
        ("line-numbers", NUMBER),
        ("line-account", ACCOUNT),
        ("line-secret", TOKEN),
        ("line-sip", "abc123.sip.livekit.cloud"),
    ] {
        window.fill(field, text).await;
    }
    window.click("line-look").await;
    window.wait("plan-yes").await;
    assert!(!window.page().await.contains(TOKEN));
}

/// Checks the line, with a look at the provider, and answers what is wrong.
async fn check(window: &Window) -> String {
    window.click("nav-lines").await;
    window.click("line-check").await;
    window
        .until_text("check-summary", "it was checked", |text| !text.is_empty())
        .await;
    // The form is folded away until somebody wants it.
    let open = "document.querySelector('[data-testid=check-provider]').open = true";
    window.client.execute(open, vec![]).await.unwrap();
    window.fill("check-secret", TOKEN).await;
    window.click("check-look").await;
    window
        .until("the provider was looked at", async || {
            let page = window.client.source().await.ok()?;
            page.contains("The provider takes the sign-in.")
                .then_some(())
        })
        .await;
    let wrong = window.is_there("finding").await;
    let wrong = if wrong {
        window.text("finding").await
    } else {
        String::new()
    };
    window.click("lines-back").await;
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_added_proven_broken_named_and_mended_in_the_window() {
    let office = Office::open("lines-window");
    let place = &office.place;
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let providers = Environment::new().with("DESKLINE_PROVIDERS", office.providers.url());
    let window = Window::open_in(place, &[], providers).await;
    window.click("nav-lines").await;
    ask_for_the_changes(&window).await;
    assert_eq!(office.providers.count_changes().unwrap(), 0);
    window.click("plan-yes").await;
    window
        .until_text("proof", "it is not proven", |text| {
            text.contains("Not proven")
        })
        .await;
    assert_eq!(office.providers.count_changes().unwrap(), 6);

    // In: the call is answered like any other, which turns to the phone.
    window.click("test-in").await;
    let inbound = Inbound::from("+13125550142").to(NUMBER);
    place.line.phones.place_inbound(&inbound).unwrap();
    window.wait("incoming-strip").await;
    window.click("incoming-answer").await;
    window.until_state("live").await;
    window.click("call-end").await;
    // Out.
    window.click("nav-lines").await;
    window
        .until_text("line-card", "incoming works", |text| {
            text.contains("Incoming works")
        })
        .await;
    window.click("line-test").await;
    window.fill("test-number", "+12125550100").await;
    window.click("test-out").await;
    window
        .until_text("proof", "both ways are proven", |text| {
            text.contains("Proven")
        })
        .await;
    window.click("mini-end").await;
    // What says how it ended takes the place of the call, and is higher.
    window.wait("ended-card").await;
    window.click("test-done").await;

    assert_eq!(check(&window).await, "");
    // It has a runtime of its own.
    tokio::task::block_in_place(|| office.lose_the_rule());
    assert!(
        check(&window)
            .await
            .contains("Incoming calls have nowhere to go.")
    );
    // Mended where it is named: the change is shown, and made after a yes.
    window.click("line-check").await;
    window.click("fix-D08").await;
    window.click("fix-confirm").await;
    window
        .until("the rule is there again", async || {
            (!window.is_there("finding").await).then_some(())
        })
        .await;
    window.click("lines-back").await;
    assert_eq!(check(&window).await, "");

    // What the terminal sets reaches the open window.
    let quiet = tokio::task::block_in_place(|| {
        office.line(&["set", "front desk", "--ring", "off", "--json"], None)
    });
    assert_eq!(event(&quiet.json(), "line")["rings"], false, "{quiet:?}");
    window
        .until(
            "the window knows that the line does not ring here",
            async || {
                window.click("line-menu").await;
                window.click("line-menu-calls").await;
                window.wait("line-rings").await;
                let switch = Locator::Css("[data-testid=line-rings]");
                let switch = window.client.find(switch).await.ok()?;
                let on = switch.attr("aria-checked").await.ok()?;
                window.click("lines-back").await;
                (on.as_deref() == Some("false")).then_some(())
            },
        )
        .await;

    window.close().await;
    let mut hits = Vec::new();
    for secret in [TOKEN, place.line.ready.secret.as_str()] {
        // The web view keeps its storage here too.
        files_with(place.app.profile(), secret, &mut hits);
    }
    assert_eq!(hits, [""; 0], "secrets are in the keychain only");
}
