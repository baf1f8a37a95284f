//! What is special about Twilio; what is the same at every provider is in `providers.rs`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use lines::{Approved, DeskError, RunError};
use serde_json::json;
use support::{NUMBER, Place, SECOND, keys, number, twilio};

const STEPS: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_taken_is_a_conflict_and_another_works() {
    let place = Place::with_providers();
    place.account(json!({"taken": ["front-desk.pstn.twilio.com"]}));
    let refused = place.set_up(&twilio()).await.unwrap_err();
    assert_eq!(refused.code(), "conflict", "{refused}");
    assert!(refused.is_domain_taken());
    assert!(refused.to_string().contains("already in use"), "{refused}");
    let another = place.desk.with_another_domain(&twilio()).unwrap().unwrap();
    let report = place.set_up(&another).await.unwrap();
    assert_eq!(report.done.len(), STEPS);
    let state = place.providers().state("twilio").unwrap();
    let domain = state["trunks"][0]["domain"].as_str().unwrap().to_owned();
    assert!(
        domain.starts_with("front-desk-")
            && domain.len() == "front-desk-ab12.pstn.twilio.com".len()
    );
    assert_eq!(
        place.livekit().await["outbound"][0]["address"],
        domain.as_str()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_cannot_be_used_are_said_before_anything_is_done() {
    let place = Place::with_providers();
    for (numbers, code) in [
        (json!([]), "number_not_owned"),
        (json!([{"number": "+12125550199"}]), "number_not_owned"),
        (
            json!([{"number": NUMBER, "no_voice": true}]),
            "number_without_voice",
        ),
    ] {
        place.account(json!({"numbers": numbers}));
        let refused = place.set_up(&twilio()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert_eq!(place.providers().count_changes().unwrap(), 0);
    }
    place.account(json!({"status": "suspended"}));
    assert_eq!(
        place.set_up(&twilio()).await.unwrap_err().code(),
        "account_suspended"
    );
    place.account(json!({"type": "Trial"}));
    let plan = place.prepare(&twilio()).await.unwrap().plan;
    assert!(plan.notes.iter().any(|note| note.contains("trial account")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_on_another_trunk_is_moved_with_a_warning_and_put_back() {
    let place = Place::with_providers();
    place.account(json!({
        "trunks": [{"name": "Old PBX", "domain": "old.pstn.twilio.com"}],
        "numbers": [{"number": NUMBER, "trunk": "Old PBX"}],
    }));
    let before = place.providers().state("twilio").unwrap();
    let plan = place.prepare(&twilio()).await.unwrap().plan;
    let warning = plan.steps.last().unwrap().warning.clone().unwrap();
    assert!(
        warning.contains("instead of the trunk “Old PBX”"),
        "{warning}"
    );
    place.set_up(&twilio()).await.unwrap();
    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    place
        .desk
        .undo(&id, &changes, Some(keys(support::TOKEN)))
        .await
        .unwrap();
    assert_eq!(place.providers().state("twilio").unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_number_touches_only_what_it_must() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&twilio()).await.unwrap();
    place.providers().count_changes().unwrap();
    let mut wanted = twilio();
    wanted.numbers.push(number(SECOND));
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(
        report.done,
        [
            "LiveKit's way out".to_owned(),
            "LiveKit's way in".to_owned(),
            format!("Connect {}", number(SECOND).shown())
        ]
    );
    assert_eq!(place.providers().count_changes().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_meanwhile_stops_the_run() {
    let place = Place::with_providers();
    place.account(
        json!({"trunks": [{"name": "Front desk", "domain": "front-desk.pstn.twilio.com"}]}),
    );
    let prepared = place.prepare(&twilio()).await.unwrap();
    assert_eq!(prepared.plan.steps.len(), STEPS - 1, "the trunk is there");
    // Somebody deletes the trunk before the yes.
    place.account(json!({}));
    let approved = Approved::all(&prepared.plan);
    let refused = place.desk.carry_out(&prepared, &approved, &|| false).await;
    let Err(DeskError::Run(error @ RunError::Changed { .. })) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        error.to_string().contains("was not in the plan you saw"),
        "{error}"
    );
    assert_eq!(place.providers().count_changes().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_is_switched_on_at_both_ends_in_one_go() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&twilio()).await.unwrap();
    let mut wanted = twilio();
    wanted.secure = true;
    place.set_up(&wanted).await.unwrap();
    let state = place.providers().state("twilio").unwrap();
    assert_eq!(state["trunks"][0]["secure"], true);
    assert_eq!(
        state["trunks"][0]["origination"][0]["url"],
        "sip:abc123.sip.livekit.cloud;transport=tls"
    );
    let livekit = place.livekit().await;
    assert_eq!(livekit["outbound"][0]["transport"], "SIP_TRANSPORT_TLS");
    assert_eq!(
        livekit["outbound"][0]["encryption"],
        "SIP_MEDIA_ENCRYPT_REQUIRE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_livekit_did_not_take_are_read_from_the_log() {
    let place = Place::with_providers();
    for (log, says) in [
        (json!([["11200", "HTTP retrieval failure"]]), vec![]),
        (
            json!([["11200", "x"], ["32011", "no answer"], ["13224", "SIP 503"]]),
            vec![("D13", "2")],
        ),
    ] {
        place.account(json!({ "log": log }));
        place.set_up(&twilio()).await.unwrap();
        let keys = support::keys(support::TOKEN);
        let report = place.desk.check("front desk", Some(keys)).await.unwrap();
        let findings = report.findings.iter();
        let wrong: Vec<_> = findings
            .filter(|finding| finding.level >= lines::check::Level::Advice)
            .map(|finding| (finding.id, finding.evidence[0].1.as_str()))
            .collect();
        assert_eq!(wrong, says);
        place.providers().count_changes().unwrap();
    }
}
