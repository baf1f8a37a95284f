//! A set-up that is cut short: by a refusal, by a kill at every step, for every kind of line.

use std::io::Write as _;

use serde_json::{Value, json};
use stage::ProviderFault;

use super::{
    ACCOUNT, NUMBER, Office, PROJECT, SIGNALWIRE_TOKEN, TELNYX_KEY, TOKEN, event, files_with,
};
use crate::support::{PATIENCE, exit};

const SIP_PASSWORD: &str = "Canary-password-81";
/// What is asked for each kind of line beside name, number and SIP address; its secret; the steps of a line there.
const PROVIDERS: [(&[&str], &str, &[&str]); 5] = [
    (
        &["twilio", "--account", ACCOUNT, "--domain", "front-desk"],
        TOKEN,
        &[
            "twilio_trunk",
            "twilio_destination",
            "twilio_credential_list",
            "twilio_credential",
            "twilio_sign_in",
            "outbound_trunk",
            "inbound_trunk",
            "rule",
            "twilio_number +12125550150",
        ],
    ),
    (
        &["telnyx"],
        TELNYX_KEY,
        &[
            "telnyx_profile",
            "telnyx_connection",
            "telnyx_sign_in",
            "telnyx_fqdn",
            "outbound_trunk",
            "inbound_trunk",
            "rule",
            "telnyx_number +12125550150",
        ],
    ),
    (
        &[
            "signalwire",
            "--space",
            "https://acme.signalwire.com/",
            "--project",
            PROJECT,
        ],
        SIGNALWIRE_TOKEN,
        &[
            "signalwire_dial_out",
            "signalwire_address",
            "signalwire_handler",
            "outbound_trunk",
            "inbound_trunk",
            "rule",
            "signalwire_number +12125550150",
        ],
    ),
    (
        &["other", "--host", "sip.example.com", "--user", "front-desk"],
        SIP_PASSWORD,
        &["outbound_trunk", "inbound_trunk", "rule"],
    ),
    (&["livekit"], "", &["rule"]),
];

#[test]
fn lines_that_fail_say_what_was_done_and_go_on_where_they_were() {
    let office = Office::open("lines-faults");
    office
        .providers
        .fail(&ProviderFault {
            skip: 3,
            ..ProviderFault::once("403", "")
        })
        .unwrap();
    let failed = office.add(&["--yes"]);
    let lines = failed.json();
    let error = event(&lines, "error");
    assert_eq!(error["code"], "forbidden");
    assert_eq!(error["done"].as_array().unwrap().len(), 3, "{error}");
    assert!(!failed.out.contains(TOKEN) && !failed.err.contains(TOKEN));
    assert_eq!(office.add(&["--yes"]).code, 0);

    let wrong = office.line(
        &[
            "add",
            "twilio",
            "--number",
            NUMBER,
            "--account",
            "SK000000000000000000000000000000c1",
            "--sip",
            "abc123.sip.livekit.cloud",
        ],
        Some(TOKEN),
    );
    assert_eq!(wrong.code, exit::WRONG_USE);
    assert!(wrong.err.contains("This is an API key"), "{}", wrong.err);
    assert_eq!(
        office.line(&["check", "nobody"], None).code,
        exit::WRONG_USE
    );
}

/// Everything there is, at the provider and in LiveKit. What is new in every set-up is left out: ids, user names, and what is
/// made of them.
fn everything(office: &Office, word: &str) -> Value {
    let at_provider = match word {
        "other" | "livekit" => Value::Null,
        word => office.providers.state(word).unwrap(),
    };
    let mut objects = office.line(&["objects", "--json"], None).json();
    for object in &mut objects {
        object["id"].take();
        let is_new = |fact: &Value| {
            let value = fact["value"].as_str().unwrap_or_default();
            let name = fact["name"].as_str().unwrap_or_default();
            let made = ["address", "auth_username", "headers"];
            value.contains("ST_") || made.contains(&name)
        };
        object["facts"]
            .as_array_mut()
            .unwrap()
            .retain(|fact| !is_new(fact));
    }
    json!({"provider": at_provider, "livekit": objects})
}

/// Starts the set-up and kills it as soon as it says that of a step. It may be over by then; and a step that the kill before
/// came too late for is not in the plan any more.
fn killed(office: &Office, arguments: &[&str], secret: &str, step: &str, state: &str) {
    let mut command = office.place.deskline(arguments);
    command.env("DESKLINE_PROVIDERS", office.providers.url());
    let logs = tempfile::tempdir().unwrap();
    let mut process = stage::Process::start_talking("killed", command, logs.path()).unwrap();
    writeln!(process.take_stdin().unwrap(), "{secret}").unwrap();
    let mut planned = true;
    while let Some(line) = process.line_or_end(PATIENCE).unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["event"] == "plan" {
            let steps = line["steps"].as_array().unwrap();
            planned = steps.iter().any(|planned| planned["step"] == *step);
        }
        if line["step"] == *step && line["state"] == *state {
            process.kill();
            return;
        }
    }
    assert!(!planned, "{step} was planned and never {state}");
}

#[test]
fn a_line_set_up_that_is_killed_at_any_step_is_finished_by_the_next_run() {
    let office = Office::open("lines-killed");
    for (asked, secret, steps) in PROVIDERS {
        let word = asked[0];
        let mut arguments = vec!["line", "add"];
        arguments.extend(asked);
        arguments.extend(["--name", "Front desk", "--number", NUMBER]);
        arguments.extend(["--sip", "abc123.sip.livekit.cloud", "--yes", "--json"]);
        let add = || office.line(&arguments[1..], Some(secret));
        let account = if word == "signalwire" {
            format!("acme/{PROJECT}")
        } else {
            ACCOUNT.to_owned()
        };
        // Over several runs it is taken back run by run.
        let take_back = || {
            let undo = [
                "undo",
                "front desk",
                "--account",
                &account,
                "--yes",
                "--json",
            ];
            loop {
                let undone = office.line(&undo, Some(secret));
                if undone.code == exit::WRONG_USE {
                    break;
                }
                assert_eq!(undone.code, 0, "{undone:?}");
            }
        };
        let empty = everything(&office, word);
        let done = add();
        assert_eq!(done.code, 0, "{done:?}");
        let golden = everything(&office, word);
        take_back();
        assert_eq!(everything(&office, word), empty);

        for step in steps {
            killed(&office, &arguments, secret, step, "began");
        }
        killed(&office, &arguments, secret, steps[steps.len() - 1], "done");
        let done = add();
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(everything(&office, word), golden, "{word}");
        office.providers.count_changes().unwrap();
        let again = add();
        assert_eq!(event(&again.json(), "plan")["steps"], json!([]), "{word}");
        assert_eq!(office.providers.count_changes().unwrap(), 0);
        take_back();
        assert_eq!(everything(&office, word), empty);
    }
    let mut hits = Vec::new();
    for secret in [TOKEN, TELNYX_KEY, SIGNALWIRE_TOKEN, SIP_PASSWORD] {
        files_with(office.place.app.profile(), secret, &mut hits);
    }
    assert_eq!(hits, [""; 0]);
}
