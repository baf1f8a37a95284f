//! The LiveKit side against the real server: its own conflicts and its own validation.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use lines::{Approved, DeskError, LineName, Pin, Project, RunError, Wanted};
use serde_json::{Value, json};
use support::{NUMBER, Place, SECOND, behind_our_back, livekit_number, number, other};
use vault::Secret;

fn golden(encryption: &str) -> Value {
    json!({
        "outbound": [{"name": "Front desk", "address": "sip.example.com", "transport": "SIP_TRANSPORT_TLS",
            "numbers": [NUMBER], "user": 10, "password": 18, "encryption": encryption, "marked": true}],
        "inbound": [{"name": "Front desk", "numbers": [NUMBER], "marked": true}],
        "rules": [{"name": "Front desk", "kind": "Individual { prefix: \"inbound-\" }", "own_trunks": 1, "trunks": 1,
            "numbers": [], "callers": [], "pin": false, "marked": true}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_set_up_once_whatever_is_repeated_and_undone_whole() {
    let mut place = Place::bare();
    let wanted = other();
    let plan = place.prepare(&wanted).await.unwrap().plan;
    assert_eq!(plan.steps.len(), 3, "{plan:?}");
    assert!(!format!("{plan:?}").contains("Canary"));
    assert_eq!(
        place.livekit().await,
        json!({"outbound": [], "inbound": [], "rules": []}),
        "planning changes nothing"
    );
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(report.done.len(), 3);
    assert_eq!(place.livekit().await, golden("SIP_MEDIA_ENCRYPT_DISABLE"));

    // Once more, after a restart, and on another computer: nothing is left to do.
    place.restart();
    assert_eq!(place.set_up(&wanted).await.unwrap().done, [""; 0]);
    let kept = place.desk.line("front desk").unwrap();
    assert_eq!(kept.objects.len(), 3);
    assert!(!kept.is_proven());
    let first = (place.folder, place.vault);
    place.folder = tempfile::tempdir().unwrap();
    place.vault = vault::Vault::memory();
    place.restart();
    let plan = place
        .desk
        .prepare(wanted.clone(), None, None)
        .await
        .unwrap()
        .plan;
    assert!(plan.steps.is_empty(), "{plan:?}");
    (place.folder, place.vault) = first;
    place.restart();

    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    assert_eq!(changes.len(), 3);
    let undone = place.desk.undo(&id, &changes, None).await.unwrap();
    assert_eq!((undone.undone.len(), undone.left.len()), (3, 0));
    assert_eq!(
        place.livekit().await,
        json!({"outbound": [], "inbound": [], "rules": []})
    );
    assert!(matches!(
        place.desk.prepare_undo("front desk"),
        Err(DeskError::NothingToUndo(_))
    ));
    assert!(place.desk.registry.lines().unwrap().is_empty());
    assert_eq!(place.leaks(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_at_any_step_goes_on_from_there() {
    for stop_after in 0..3 {
        let mut place = Place::bare();
        let wanted = other();
        let prepared = place.prepare(&wanted).await.unwrap();
        let approved = Approved::all(&prepared.plan);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= stop_after;
        let stopped = place.desk.carry_out(&prepared, &approved, &stop).await;
        let Err(DeskError::Run(RunError::Stopped { done })) = stopped else {
            panic!("{stopped:?}");
        };
        assert_eq!(done.len(), stop_after);
        place.restart();
        let report = place.set_up(&wanted).await.unwrap();
        assert_eq!(report.done.len(), 3 - stop_after);
        assert_eq!(place.livekit().await, golden("SIP_MEDIA_ENCRYPT_DISABLE"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_number_is_one_update_and_undo_takes_back_only_that() {
    let place = Place::bare();
    let mut wanted = other();
    place.set_up(&wanted).await.unwrap();
    let before = place.livekit().await;
    wanted.numbers.push(number(SECOND));
    let report = place.set_up(&wanted).await.unwrap();
    assert_eq!(report.done, ["LiveKit's way out", "LiveKit's way in"]);
    let found = place.look().await.livekit;
    assert_eq!(found.inbound[0].numbers, [NUMBER, SECOND]);
    assert_eq!(
        found.outbound[0].password.as_ref().unwrap().expose(),
        support::PASSWORD,
        "a replacement keeps the password"
    );
    let (id, changes) = place.desk.prepare_undo("front-desk").unwrap();
    place.desk.undo(&id, &changes, None).await.unwrap();
    assert_eq!(place.livekit().await, before);
    assert_eq!(
        place.desk.registry.lines().unwrap().len(),
        1,
        "the line is still there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_is_used_and_left_as_it_is() {
    let place = Place::bare();
    let trunk = behind_our_back(
        &place,
        "CreateSIPInboundTrunk",
        json!({"trunk": {"name": "Old", "numbers": ["+1 (212) 555-0100"]}}),
    )
    .await;
    let rule = json!({"dispatch_rule": {"name": "Old rule", "trunk_ids": [trunk["sip_trunk_id"]],
        "rule": {"dispatch_rule_individual": {"room_prefix": "inbound-"}}}});
    behind_our_back(&place, "CreateSIPDispatchRule", rule).await;
    let report = place.set_up(&other()).await.unwrap();
    assert_eq!(report.done, ["LiveKit's way out"]);
    assert_eq!(report.kept.len(), 2);
    // Removing the line removes only what is ours.
    let removal = place.desk.prepare_removal("Front desk").await.unwrap();
    assert_eq!(removal.steps.len(), 1);
    assert!(
        removal
            .notes
            .iter()
            .any(|note| note.contains("did not make"))
    );
    place.desk.remove(&removal).await.unwrap();
    let found = place.look().await.livekit;
    assert_eq!(
        (found.inbound.len(), found.rules.len(), found.outbound.len()),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_rule_is_changed_only_with_a_warning_and_put_back() {
    let place = Place::bare();
    let trunk = behind_our_back(
        &place,
        "CreateSIPInboundTrunk",
        json!({"trunk": {"name": "Old", "numbers": [NUMBER]}}),
    )
    .await;
    let rule = json!({"dispatch_rule": {"name": "Lobby", "trunk_ids": [trunk["sip_trunk_id"]],
        "rule": {"dispatch_rule_direct": {"room_name": "lobby", "pin": "4711"}}, "inbound_numbers": ["+13125550142"]}});
    behind_our_back(&place, "CreateSIPDispatchRule", rule).await;
    let before = place.livekit().await["rules"].clone();
    let prepared = place.prepare(&other()).await.unwrap();
    let step = prepared
        .plan
        .steps
        .iter()
        .find(|step| step.title == "What becomes of callers")
        .unwrap();
    assert!(
        step.now
            .contains("everybody into the room “lobby”, after a PIN"),
        "{}",
        step.now
    );
    assert!(
        step.warning
            .as_ref()
            .unwrap()
            .contains("not made by Deskline")
    );
    assert!(prepared.plan.notes[0].contains("only these callers: +13125550142"));
    place.set_up(&other()).await.unwrap();
    assert_eq!(
        place.livekit().await["rules"][0]["kind"],
        "Individual { prefix: \"inbound-\" }"
    );
    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    place.desk.undo(&id, &changes, None).await.unwrap();
    assert_eq!(place.livekit().await["rules"], before);
    let rules = behind_our_back(&place, "ListSIPDispatchRule", json!({})).await;
    assert_eq!(
        rules["items"][0]["rule"]["dispatch_rule_direct"]["pin"], "4711",
        "the PIN is put back too"
    );
    let text = std::fs::read_to_string(place.folder.path().join("lines/changes.jsonl")).unwrap();
    assert!(!text.contains("4711"), "a PIN stands in no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_another_line_stands_in_the_way() {
    let place = Place::bare();
    place.set_up(&other()).await.unwrap();
    let second = Wanted::new(
        LineName::parse("Second").unwrap(),
        vec![number(NUMBER)],
        other().provider,
    )
    .unwrap();
    let before = place.livekit().await;
    let refused = place.set_up(&second).await.unwrap_err();
    assert_eq!(refused.code(), "number_on_another_trunk");
    assert!(refused.to_string().contains("“Front desk”"), "{refused}");
    assert_eq!(place.livekit().await, before, "nothing was done at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_behind_our_back_is_made_again() {
    let place = Place::bare();
    place.set_up(&other()).await.unwrap();
    for (method, name) in [
        ("DeleteSIPTrunk", "inbound_trunk"),
        ("DeleteSIPTrunk", "outbound_trunk"),
        ("DeleteSIPDispatchRule", "rule"),
    ] {
        let id = place.desk.line("front desk").unwrap().objects[name].clone();
        behind_our_back(
            &place,
            method,
            json!({"sip_trunk_id": id, "sip_dispatch_rule_id": id}),
        )
        .await;
        // Another trunk is another id: the rule follows it.
        place.set_up(&other()).await.unwrap();
        assert_eq!(
            place.livekit().await,
            golden("SIP_MEDIA_ENCRYPT_DISABLE"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_line_can_be_brought_back() {
    let place = Place::bare();
    let mut wanted = other();
    wanted.pin = Pin::parse("4711").unwrap();
    place.set_up(&wanted).await.unwrap();
    let before = place.livekit().await;
    let removal = place.desk.prepare_removal("front-desk").await.unwrap();
    assert_eq!(place.desk.remove(&removal).await.unwrap().len(), 3);
    assert_eq!(
        place.livekit().await,
        json!({"outbound": [], "inbound": [], "rules": []})
    );
    let (id, changes) = place.desk.prepare_undo("Front desk").unwrap();
    let undone = place.desk.undo(&id, &changes, None).await.unwrap();
    assert_eq!(undone.undone.len(), 3, "{undone:?}");
    assert_eq!(
        place.livekit().await,
        before,
        "rule, trunks, PIN and password are as before"
    );
    assert_eq!(place.desk.line("front desk").unwrap().id, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_said_when_it_cannot_be_kept_here_and_the_same_again_finishes_it() {
    let place = Place::bare();
    let wanted = other();
    let prepared = place.prepare(&wanted).await.unwrap();
    let approved = Approved::all(&prepared.plan);
    // A list that cannot be read or written.
    let list = place.folder.path().join("lines/lines.json");
    std::fs::create_dir_all(&list).unwrap();
    let refused = place
        .desk
        .carry_out(&prepared, &approved, &|| false)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "profile", "{refused}");
    assert_eq!(refused.done().map(<[_]>::len), Some(3));
    std::fs::remove_dir(&list).unwrap();
    assert_eq!(place.set_up(&wanted).await.unwrap().done, [""; 0]);
    assert_eq!(place.desk.line("front desk").unwrap().objects.len(), 3);

    // The snapshot of the way out has a password, so a locked keychain stops the removal before it.
    let removal = place.desk.prepare_removal("front desk").await.unwrap();
    place.vault.fail(Some(vault::VaultError::Locked));
    let refused = place.desk.remove(&removal).await.unwrap_err();
    place.vault.fail(None);
    assert_eq!(refused.done().map(<[_]>::len), Some(2), "{refused}");
    assert!(place.desk.line("front desk").is_ok());
    let removal = place.desk.prepare_removal("front desk").await.unwrap();
    assert_eq!(place.desk.remove(&removal).await.unwrap().len(), 1);
    let nobody = place.desk.line("front desk").unwrap_err();
    assert_eq!(nobody.code(), "no_such_line");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_is_not_undone() {
    let place = Place::bare();
    place.set_up(&other()).await.unwrap();
    let id = place.desk.line("front desk").unwrap().objects["inbound_trunk"].clone();
    behind_our_back(
        &place,
        "UpdateSIPInboundTrunk",
        json!({"sip_trunk_id": id, "update": {"name": "Renamed by somebody"}}),
    )
    .await;
    let (line, changes) = place.desk.prepare_undo("front desk").unwrap();
    let report = place.desk.undo(&line, &changes, None).await.unwrap();
    assert_eq!(report.left.len(), 1, "{report:?}");
    assert!(report.left[0].contains("somebody changed it since"));
    assert_eq!(
        place.livekit().await["inbound"][0]["name"],
        "Renamed by somebody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_livekit_needs_a_rule_only() {
    let place = Place::bare();
    let report = place.set_up(&livekit_number()).await.unwrap();
    assert_eq!(report.done, ["What becomes of callers"]);
    let found = place.livekit().await;
    assert_eq!(found["rules"][0]["numbers"], json!([NUMBER]));
    assert_eq!(found["rules"][0]["trunks"], 0);
    assert_eq!(place.set_up(&livekit_number()).await.unwrap().done, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_said_in_a_sentence() {
    let place = Place::bare();
    let ready = &place.line.ready;
    let project = Project::new(
        &ready.url,
        &ready.key,
        Secret::new("not-the-secret-not-the-secret-not".into()),
    )
    .unwrap();
    let desk = lines::Desk::new(
        place.folder.path(),
        "test",
        place.vault.clone(),
        project,
        lines::Endpoints::real().unwrap(),
        std::sync::Arc::new(|_| {}),
    )
    .unwrap();
    let refused = desk.prepare(other(), None, None).await.unwrap_err();
    assert_eq!(refused.code(), "sign_in_refused");
    assert!(
        refused
            .to_string()
            .starts_with("LiveKit did not accept this sign-in"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_names_what_others_broke_mends_it_and_can_be_taken_back() {
    let place = Place::bare();
    place.set_up(&other()).await.unwrap();
    let problems = |report: &lines::check::CheckReport| -> Vec<&'static str> {
        report
            .of(lines::check::Level::Problem)
            .map(|finding| finding.id)
            .collect()
    };
    let report = place.desk.check("front desk", None).await.unwrap();
    assert_eq!(problems(&report), [""; 0], "{report:#?}");
    assert!(report.took < lines::check::WITHIN);
    let objects = place.desk.line("front desk").unwrap().objects;
    let changed = |name: &str, field: &str| json!({"sip_trunk_id": objects[name], "update": {field: {"set": ["+1"]}}});
    behind_our_back(
        &place,
        "UpdateSIPInboundTrunk",
        changed("inbound_trunk", "allowed_numbers"),
    )
    .await;
    let mut rule =
        behind_our_back(&place, "ListSIPDispatchRule", json!({})).await["items"][0].take();
    rule["inbound_numbers"] = json!(["+1"]);
    behind_our_back(
        &place,
        "UpdateSIPDispatchRule",
        json!({"sip_dispatch_rule_id": objects["rule"], "replace": rule}),
    )
    .await;
    let report = place.desk.check("front desk", None).await.unwrap();
    assert_eq!(problems(&report), ["D07", "D10"]);
    let broken = place.livekit().await;
    for finding in report.of(lines::check::Level::Problem) {
        let Some(lines::check::Fix::Steps(steps)) = &finding.fix else {
            panic!("{finding:?}");
        };
        place.desk.fix(&report.line.id, steps).await.unwrap();
    }
    let report = place.desk.check("front desk", None).await.unwrap();
    assert_eq!(problems(&report), [""; 0]);
    let kept =
        std::fs::read_to_string(place.folder.path().join("lines/check-front-desk.json")).unwrap();
    assert!(kept.contains("\"healthy\": true"), "{kept}");
    let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
    place.desk.undo(&id, &changes, None).await.unwrap();
    assert_eq!(place.livekit().await, broken, "the last fix is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_a_finding_and_no_failure() {
    let mut place = Place::bare();
    place.set_up(&other()).await.unwrap();
    place.line.ready.secret = "not-the-secret-not-the-secret-not".into();
    place.restart();
    let report = place.desk.check("front desk", None).await.unwrap();
    let problem = report.of(lines::check::Level::Problem).next().unwrap();
    assert_eq!(problem.id, "D01");
}
