//! Twilio: its stand-in keeps state and holds every request against Twilio's own description; LiveKit is the real server.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use lines::{Approved, DeskError, Progress, RunError};
use serde_json::{Value, json};
use stage::ProviderFault;
use support::{NUMBER, Place, SECOND, keys, number, twilio};

const STEPS: usize = 9;

fn golden() -> Value {
    json!({
        "trunks": [{"name": "Front desk", "domain": "front-desk.pstn.twilio.com", "secure": false, "transfer": "enable-all",
            "origination": [{"name": "Front desk LiveKit", "url": "sip:abc123.sip.livekit.cloud;transport=tcp",
                "weight": 1, "priority": 1, "enabled": true}],
            "lists": ["Front desk LiveKit"], "numbers": [NUMBER]}],
        "lists": [{"name": "Front desk LiveKit", "users": [{"password_length": 24, "user_length": 17}]}],
    })
}

async fn is_golden(place: &Place) {
    assert_eq!(place.providers().state().unwrap(), golden());
    let livekit = place.livekit().await;
    assert_eq!(
        livekit["outbound"].as_array().unwrap().len(),
        1,
        "{livekit}"
    );
    assert_eq!(
        livekit["outbound"][0]["address"],
        "front-desk.pstn.twilio.com"
    );
    assert_eq!(livekit["outbound"][0]["password"], 24);
    assert_eq!(livekit["inbound"].as_array().unwrap().len(), 1);
    assert_eq!(livekit["rules"].as_array().unwrap().len(), 1);
    assert_eq!(livekit["rules"][0]["own_trunks"], 1);
    place.providers().count_changes().unwrap();
    let again = place.set_up(&twilio()).await.unwrap();
    assert_eq!(again.done, [""; 0], "the second run has nothing to do");
    assert_eq!(
        place.providers().count_changes().unwrap(),
        0,
        "and changes nothing"
    );
    assert_eq!(place.leaks(), [""; 0]);
}

/// Removes everything, so that one server serves many tries.
async fn begin(place: &mut Place, more: Value) {
    if place.desk.line("front desk").is_ok() {
        let removal = place.desk.prepare_removal("front desk").await.unwrap();
        place.desk.remove(&removal).await.unwrap();
    }
    place.another_computer();
    place.account(more);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_account_becomes_a_line_in_one_go_and_is_put_back_whole() {
    let place = Place::with_providers();
    place
        .account(json!({"numbers": [{"number": NUMBER, "voice_url": "https://ivr.example/main"}]}));
    let empty = place.providers().state().unwrap();
    let prepared = place.prepare(&twilio()).await.unwrap();
    assert_eq!(prepared.plan.steps.len(), STEPS, "{:#?}", prepared.plan);
    let number_step = prepared.plan.steps.last().unwrap();
    assert!(
        number_step
            .warning
            .as_ref()
            .unwrap()
            .contains("instead of https://ivr.example/main")
    );
    assert_eq!(
        place.providers().count_changes().unwrap(),
        0,
        "a plan changes nothing"
    );
    let report = place.set_up(&twilio()).await.unwrap();
    assert_eq!(report.done.len(), STEPS);
    assert_eq!(place.providers().count_changes().unwrap(), 6);
    is_golden(&place).await;
    let line = place.desk.line("front desk").unwrap();
    assert_eq!(line.account.as_deref(), Some(support::ACCOUNT));

    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    assert!(matches!(
        place.desk.undo(&id, &changes, None).await,
        Err(DeskError::NeedsKeys("Twilio"))
    ));
    let undone = place
        .desk
        .undo(&id, &changes, Some(keys(support::TOKEN)))
        .await
        .unwrap();
    assert_eq!(undone.undone.len(), STEPS, "{undone:?}");
    assert_eq!(place.providers().state().unwrap(), empty);
    assert_eq!(
        place.livekit().await,
        json!({"outbound": [], "inbound": [], "rules": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_set_up_at_every_step_is_finished() {
    let mut place = Place::with_providers();
    for stop_after in 0..=STEPS {
        begin(&mut place, json!({})).await;
        let prepared = place.prepare(&twilio()).await.unwrap();
        let approved = Approved::all(&prepared.plan);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= stop_after;
        let first = place.desk.carry_out(&prepared, &approved, &stop).await;
        assert_eq!(first.is_ok(), stop_after == STEPS, "{first:?}");
        place.restart();
        place.set_up(&twilio()).await.unwrap();
        is_golden(&place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_at_any_step_is_looked_for() {
    let mut place = Place::with_providers();
    for skip in 0..6 {
        for fault in ["cut", "drop", "garbage", "500"] {
            begin(&mut place, json!({})).await;
            place
                .providers()
                .fail(&ProviderFault {
                    skip,
                    ..ProviderFault::once(fault, "")
                })
                .unwrap();
            let report = place.set_up(&twilio()).await;
            assert!(report.is_ok(), "{fault} at change {skip}: {report:?}");
            is_golden(&place).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_named_leaves_no_half_change_unsaid_and_is_got_over() {
    let mut place = Place::with_providers();
    for (fault, code) in [
        ("401", "sign_in_refused"),
        ("403", "forbidden"),
        ("404", "not_found"),
        ("409", "conflict"),
        ("400", "invalid"),
        ("422", "invalid"),
    ] {
        for skip in [0, 3, 5] {
            begin(&mut place, json!({})).await;
            place
                .providers()
                .fail(&ProviderFault {
                    skip,
                    ..ProviderFault::once(fault, "")
                })
                .unwrap();
            let refused = place.set_up(&twilio()).await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
            assert!(refused.to_string().contains("Twilio"), "{refused}");
            let DeskError::Run(error) = &refused else {
                panic!("{refused:?}");
            };
            // Steps of LiveKit lie between the last two of Twilio.
            let done = if skip == 5 {
                STEPS - 1
            } else {
                usize::try_from(skip).unwrap()
            };
            assert_eq!(error.done().len(), done, "it says exactly what exists now");
            place.set_up(&twilio()).await.unwrap();
            is_golden(&place).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_slow_down_is_waited_for_and_said() {
    let place = Place::with_providers();
    place.fresh_account();
    place
        .providers()
        .fail(&ProviderFault::once("429", "Trunks"))
        .unwrap();
    place.set_up(&twilio()).await.unwrap();
    let pauses: Vec<_> = place
        .progress
        .lock()
        .unwrap()
        .iter()
        .filter_map(|news| match news {
            Progress::Pause { pause, .. } => Some(pause.as_secs()),
            Progress::Began { .. } | Progress::Done { .. } => None,
        })
        .collect();
    assert_eq!(pauses, [1], "as long as Twilio asked");
    is_golden(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_gets_over_hiccups_and_says_what_it_cannot_get_over() {
    let place = Place::with_providers();
    place.fresh_account();
    let get = |fault: &str, times| ProviderFault {
        method: "GET".into(),
        times,
        ..ProviderFault::once(fault, "Trunks")
    };
    for fault in ["500", "cut", "drop", "slow"] {
        place.providers().fail(&get(fault, 1)).unwrap();
        assert!(place.prepare(&twilio()).await.is_ok(), "{fault}");
    }
    for (fault, code) in [
        ("garbage", "not_understood"),
        ("huge", "not_understood"),
        ("401", "sign_in_refused"),
        ("403", "forbidden"),
    ] {
        place.providers().fail(&get(fault, 1)).unwrap();
        let refused = place.prepare(&twilio()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        place.providers().heal().unwrap();
    }
    let wrong = place
        .desk
        .prepare(twilio(), Some(keys("canary-wrong-token")), None)
        .await
        .unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "Twilio did not accept this sign-in; it says: “Authenticate”. Check the key and the secret, then try again."
    );
    assert_eq!(
        place.livekit().await,
        json!({"outbound": [], "inbound": [], "rules": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_many_pages_are_read_to_the_end() {
    let place = Place::with_providers();
    let trunks: Vec<Value> = (0..5)
        .map(|i| json!({"name": format!("Other {i}"), "domain": format!("other-{i}.pstn.twilio.com")}))
        .collect();
    place.account(json!({"page_size": 1, "trunks": trunks}));
    place.set_up(&twilio()).await.unwrap();
    place.providers().count_changes().unwrap();
    assert_eq!(place.set_up(&twilio()).await.unwrap().done, [""; 0]);
    assert_eq!(place.providers().count_changes().unwrap(), 0);
}

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
    let state = place.providers().state().unwrap();
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
    let before = place.providers().state().unwrap();
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
    assert_eq!(place.providers().state().unwrap(), before);
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
    let state = place.providers().state().unwrap();
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
