//! What is special about Telnyx; what is the same at every provider is in `providers.rs`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use serde_json::{Value, json};
use support::{NUMBER, Place, SECOND, TELNYX_KEY, keys_of, number, telnyx, telnyx_keys};

fn account(place: &Place, more: Value) {
    let mut seed = json!({"key": TELNYX_KEY, "numbers": [{"number": NUMBER}]});
    seed.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    place.account(json!({"telnyx": seed}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_in_another_form_is_put_right_and_put_back() {
    let place = Place::with_providers();
    let there = json!({"name": "Front desk LiveKit", "transport": "UDP", "called_format": "national", "user": "pbx1"});
    account(&place, json!({"connections": [there]}));
    let before = place.providers().state("telnyx").unwrap();
    let plan = place.prepare(&telnyx()).await.unwrap().plan;
    let now: Vec<&str> = plan.steps.iter().map(|step| step.now.as_str()).collect();
    assert!(now[1].contains("over UDP, numbers as national"), "{now:?}");
    let sign_in = &plan.steps[2];
    assert_eq!(sign_in.now, "pbx1");
    let warning = sign_in.warning.clone().unwrap();
    assert!(
        warning.contains("The password of pbx1 is replaced"),
        "{warning}"
    );
    place.set_up(&telnyx()).await.unwrap();
    let state = place.providers().state("telnyx").unwrap();
    assert_eq!(state["connections"][0]["called_format"], "+e164");
    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    let keys = keys_of(lines::ProviderKind::Telnyx);
    place.desk.undo(&id, &changes, Some(keys)).await.unwrap();
    let mut after = place.providers().state("telnyx").unwrap();
    // The one thing that cannot be put back, as the plan said.
    after["connections"][0]["password_length"] = json!(0);
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_said_before_anything_is_done() {
    let place = Place::with_providers();
    for (numbers, code) in [
        (json!([]), "number_not_owned"),
        (json!([{"number": "+12125550199"}]), "number_not_owned"),
        (
            json!([{"number": NUMBER, "status": "port-pending"}]),
            "number_without_voice",
        ),
    ] {
        account(&place, json!({"numbers": numbers}));
        let refused = place.set_up(&telnyx()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert_eq!(place.providers().count_changes().unwrap(), 0);
    }
    account(
        &place,
        json!({"numbers": [{"number": NUMBER, "forwards_to": "+12125550199"}]}),
    );
    let plan = place.prepare(&telnyx()).await.unwrap().plan;
    assert!(
        plan.notes[0].contains("on to +12125550199"),
        "{:?}",
        plan.notes
    );
    let wrong = Some(telnyx_keys("KEYcanary-wrong"));
    let refused = place.desk.prepare(telnyx(), wrong, None).await.unwrap_err();
    let said = refused.to_string();
    assert!(
        said.starts_with("Telnyx did not accept this sign-in; it says: “The required"),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
    let twilio = Some(support::keys(support::TOKEN));
    let mixed_up = place
        .desk
        .prepare(telnyx(), twilio, None)
        .await
        .unwrap_err();
    assert_eq!(mixed_up.code(), "needs_keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_number_and_encryption_touch_only_what_they_must() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&telnyx()).await.unwrap();
    place.providers().count_changes().unwrap();
    let mut wanted = telnyx();
    wanted.numbers.push(number(SECOND));
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(report.done.len(), 3, "{report:?}");
    assert_eq!(place.providers().count_changes().unwrap(), 1);
    wanted.secure = true;
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(place.providers().count_changes().unwrap(), 2, "{report:?}");
    let state = place.providers().state("telnyx").unwrap();
    let connection = &state["connections"][0];
    assert_eq!(connection["transport"], "TLS");
    assert_eq!(connection["fqdns"][0]["port"], 5061);
    assert_eq!(
        place.livekit().await["outbound"][0]["transport"],
        "SIP_TRANSPORT_TLS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_looks_at_telnyx_too() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&telnyx()).await.unwrap();
    let check = async |place: &Place| {
        let keys = keys_of(lines::ProviderKind::Telnyx);
        let report = place.desk.check("front desk", Some(keys)).await.unwrap();
        let wrong = report.findings.iter();
        wrong
            .filter(|finding| finding.level >= lines::check::Level::Advice)
            .map(|finding| finding.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        check(&place).await,
        ["D28"],
        "Telnyx sets no limit by itself"
    );
    account(&place, json!({}));
    let wrong = check(&place).await;
    assert!(
        wrong.contains(&"D19") && wrong.contains(&"D20"),
        "{wrong:?}"
    );
    let blind = place.desk.check("front desk", None).await.unwrap();
    assert!(blind.is_healthy());
}
