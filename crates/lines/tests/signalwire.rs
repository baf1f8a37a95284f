//! What is special about SignalWire; what is the same at every provider is in `providers.rs`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::sync::{Arc, Mutex};

use lines::check::Level;
use lines::{Credential, HandlerUrl, ProviderKind, SipHost, Wanted, WantedProvider};
use serde_json::{Value, json};
use support::{
    NUMBER, PASSWORD, Place, SECOND, keys_of, number, signalwire, signalwire_keys, space,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vault::Secret;

fn account(place: &Place, more: Value) {
    let mut seed = space();
    seed.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    place.account(json!({ "signalwire": seed }));
}

fn with(handler: Option<HandlerUrl>, by_hand: Option<SipHost>) -> Wanted {
    let mut wanted = signalwire();
    let WantedProvider::SignalWire { livekit, .. } = wanted.provider else {
        panic!("a line at SignalWire");
    };
    wanted.provider = WantedProvider::SignalWire {
        livekit,
        handler,
        by_hand,
    };
    wanted
}

async fn wrong(place: &Place) -> Vec<&'static str> {
    let keys = keys_of(ProviderKind::SignalWire);
    let report = place.desk.check("front desk", Some(keys)).await.unwrap();
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.level >= Level::Advice)
        .map(|finding| finding.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_the_api_is_set_up_by_hand() {
    let place = Place::with_providers();
    for status in [401, 403, 404] {
        account(&place, json!({ "no_api": status }));
        let prepared = place.prepare(&signalwire()).await.unwrap();
        assert!(prepared.is_by_hand(), "{status}: {:?}", prepared.plan);
        let refused = place.set_up(&signalwire()).await.unwrap_err();
        assert_eq!(refused.code(), "by_hand", "{refused}");
        assert!(refused.to_string().contains("paste the SIP address"));
        assert_eq!(place.providers().count_changes().unwrap(), 0);
    }
    let pasted = SipHost::parse("sip:*@acme-front-desk.dapp.signalwire.com").unwrap();
    let by_hand = with(None, Some(pasted));
    let report = place.set_up(&by_hand).await.unwrap();
    assert_eq!(report.done.len(), 3, "LiveKit's part alone: {report:?}");
    let livekit = place.livekit().await;
    let way_out = &livekit["outbound"][0];
    assert_eq!(way_out["address"], "acme-front-desk.dapp.signalwire.com");
    assert_eq!(way_out["transport"], "SIP_TRANSPORT_TLS");
    let again = place.set_up(&by_hand).await.unwrap();
    assert_eq!(again.done, [""; 0]);
    assert_eq!(wrong(&place).await, [""; 0], "and SignalWire is not asked");
    let line = place.desk.line("front desk").unwrap();
    assert!(!line.signs_in() && line.wanted().unwrap() == by_hand);
    assert_eq!(place.leaks(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_goes_back_to_whatever_answered_it() {
    let place = Place::with_providers();
    for was in [
        json!({"number": NUMBER, "url": "https://ivr.example/main"}),
        json!({"number": NUMBER}),
    ] {
        account(&place, json!({ "numbers": [was] }));
        let empty = place.providers().state("signalwire").unwrap();
        let plan = place.prepare(&signalwire()).await.unwrap().plan;
        let last = plan.steps.last().unwrap();
        let says = last.warning.as_deref().unwrap_or_default();
        let had_url = was.get("url").is_some();
        assert_eq!(
            says.contains("instead of https://ivr.example/main"),
            had_url
        );
        place.set_up(&signalwire()).await.unwrap();
        let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
        let keys = keys_of(ProviderKind::SignalWire);
        place.desk.undo(&id, &changes, Some(keys)).await.unwrap();
        assert_eq!(place.providers().state("signalwire").unwrap(), empty);
        place.providers().count_changes().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_said_before_anything_is_done() {
    let place = Place::with_providers();
    for (numbers, code) in [
        (json!([]), "number_not_owned"),
        (
            json!([{"number": NUMBER, "no_voice": true}]),
            "number_without_voice",
        ),
    ] {
        account(&place, json!({ "numbers": numbers }));
        let refused = place.set_up(&signalwire()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert_eq!(place.providers().count_changes().unwrap(), 0);
    }
    let wrong = Some(signalwire_keys("PTcanary-wrong"));
    let refused = place.desk.prepare(signalwire(), wrong, None).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.starts_with("SignalWire did not accept this sign-in; it says: “Unauthorized”"),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_number_and_encryption_touch_only_what_they_must() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&signalwire()).await.unwrap();
    place.providers().count_changes().unwrap();
    let mut wanted = signalwire();
    wanted.numbers.push(number(SECOND));
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(report.done.len(), 3, "{report:?}");
    assert_eq!(place.providers().count_changes().unwrap(), 1);
    wanted.secure = true;
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(place.providers().count_changes().unwrap(), 2, "{report:?}");
    let state = place.providers().state("signalwire").unwrap();
    assert_eq!(state["addresses"][0]["encryption"], "required");
    let connect = &state["resources"][1]["contents"]["sections"]["main"][0]["connect"];
    assert_eq!(connect["encryption"], "mandatory");
    assert!(connect["to"].as_str().unwrap().ends_with(";transport=tls"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_as_a_password_is_warned_of() {
    let place = Place::bare();
    let wanted = with(
        None,
        Some(SipHost::parse("acme-x.dapp.signalwire.com").unwrap()),
    );
    let token = format!("PT{}", "0a1b2c3d".repeat(6));
    let mut notes = Vec::new();
    for password in [PASSWORD, token.as_str()] {
        let given = Credential::given("front-desk", Secret::new(password.into())).unwrap();
        let prepared = place.desk.prepare(wanted.clone(), None, Some(given));
        notes.push(prepared.await.unwrap().plan.notes);
    }
    assert!(notes[0].is_empty(), "{notes:?}");
    assert!(notes[1][0].contains("looks like an API token"), "{notes:?}");
    assert!(!notes[1][0].contains(&token));
}

/// A server of the person's own that answers as it is told; `None`: it hangs up.
async fn own_server(answer: Arc<Mutex<Option<String>>>) -> HandlerUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/swml", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = vec![0; 4096];
            let _ = socket.read(&mut asked).await;
            let answer = answer.lock().unwrap().clone();
            if let Some(answer) = answer {
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        }
    });
    HandlerUrl::parse(&url).unwrap().unwrap()
}

fn says(status: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_ones_own_is_asked_by_the_check() {
    let place = Place::with_providers();
    place.fresh_account();
    let program = r#"{"version":"1.0.0","sections":{"main":["hangup"]}}"#;
    let answer = Arc::new(Mutex::new(says("200 OK", program)));
    let url = own_server(answer.clone()).await;
    let wanted = with(Some(url.clone()), None);
    place.set_up(&wanted).await.unwrap();
    let state = place.providers().state("signalwire").unwrap();
    assert_eq!(state["resources"][1]["url"], url.as_str());
    assert_eq!(place.set_up(&wanted).await.unwrap().done, [""; 0]);
    assert_eq!(wrong(&place).await, [""; 0]);
    for broken in [
        says("200 OK", "<html>Sign in</html>"),
        says("500 Internal Server Error", program),
        None,
    ] {
        *answer.lock().unwrap() = broken;
        assert_eq!(wrong(&place).await, ["X4"]);
    }
    place.providers().count_changes().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_looks_at_signalwire_too() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&signalwire()).await.unwrap();
    assert_eq!(wrong(&place).await, [""; 0]);
    account(&place, json!({}));
    assert_eq!(wrong(&place).await, ["D19", "D20"]);
    account(&place, json!({ "no_api": 403 }));
    assert_eq!(wrong(&place).await, ["D02"]);
    let blind = place.desk.check("front desk", None).await.unwrap();
    assert!(blind.is_healthy());
}
