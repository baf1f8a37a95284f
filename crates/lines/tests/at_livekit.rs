//! What is said of the providers in `providers.rs`, said of LiveKit's own side: everything that a line needs there is made once,
//! whatever goes wrong between, at every provider and where there is none. The server is the real one; what goes wrong does so
//! in a door before it. Prints what was tried (`cargo xtask e2e lines`).
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use lines::{Approved, DeskError, Progress, Wanted};
use serde_json::{Value, json};
use stage::ProviderFault;
use support::{NUMBER, Place, behind_our_back};

/// One kind of line, and how many requests make it in LiveKit.
struct Case {
    name: &'static str,
    wanted: fn() -> Wanted,
    changes: usize,
    /// Steps before those of LiveKit.
    before: usize,
}

/// Those that are nothing but LiveKit's side.
const ALONE: [Case; 2] = [
    Case {
        name: "another provider",
        wanted: support::other,
        changes: 3,
        before: 0,
    },
    Case {
        name: "a number of LiveKit",
        wanted: support::livekit_number,
        changes: 1,
        before: 0,
    },
];

/// Those with steps at a provider before and after.
const WITH_PROVIDER: [Case; 3] = [
    Case {
        name: "Twilio",
        wanted: support::twilio,
        changes: 3,
        before: 5,
    },
    Case {
        name: "Telnyx",
        wanted: support::telnyx,
        changes: 3,
        before: 4,
    },
    Case {
        name: "SignalWire",
        wanted: support::signalwire,
        changes: 3,
        before: 3,
    },
];

/// What stops a run, and what Deskline calls it.
const REFUSALS: [(&str, &str); 6] = [
    ("401", "sign_in_refused"),
    ("403", "forbidden"),
    ("404", "not_found"),
    ("409", "conflict"),
    ("400", "invalid"),
    ("422", "invalid"),
];

impl Case {
    fn tried(&self, what: &str, wher: &str, outcome: &str) {
        println!("| {} | LiveKit: {what} | {wher} | {outcome} |", self.name);
    }

    /// An undisturbed set-up is what every other is compared with.
    async fn golden(&self, place: &Place) -> Value {
        self.begin(place).await;
        place.set_up(&(self.wanted)()).await.unwrap();
        assert_eq!(place.door.count_changes(), self.changes);
        self.tried("fresh", "", "set up, golden");
        livekit(place).await
    }

    async fn begin(&self, place: &Place) {
        if place.desk.line("front desk").is_ok() {
            let removal = place.desk.prepare_removal("front desk").await.unwrap();
            place.desk.remove(&removal).await.unwrap();
        }
        place.empty_profile();
        place.fresh_account();
        let nothing = json!({"outbound": [], "inbound": [], "rules": []});
        assert_eq!(place.livekit().await, nothing);
        let _ = place.door.count_changes();
    }

    fn fail(&self, place: &Place, fault: &str, skip: usize) {
        let skip = i32::try_from(skip).unwrap();
        place.door.fail(&ProviderFault {
            skip,
            ..ProviderFault::once(fault, "/twirp/livekit.SIP/")
        });
    }

    /// It is as it should be, and once more nothing is asked that changes anything.
    async fn is(&self, golden: &Value, place: &Place) {
        assert_eq!(livekit(place).await, *golden);
        place.providers().count_changes().unwrap();
        let _ = place.door.count_changes();
        let again = place.set_up(&(self.wanted)()).await.unwrap();
        assert_eq!(again.done, [""; 0]);
        let changes = place.providers().count_changes().unwrap() + place.door.count_changes();
        assert_eq!(changes, 0);
        assert_eq!(place.leaks(), [""; 0]);
    }

    async fn gets_over_what_is_unclear(&self, place: &Place, faults: &[&str]) {
        let golden = self.golden(place).await;
        for skip in 0..self.changes {
            for fault in faults {
                self.begin(place).await;
                self.fail(place, fault, skip);
                let report = place.set_up(&(self.wanted)()).await;
                assert!(report.is_ok(), "{fault} at change {skip}: {report:?}");
                self.is(&golden, place).await;
                self.tried(fault, &format!("change {}", skip + 1), "golden");
            }
        }
    }

    async fn says_what_refuses(&self, place: &Place, refusals: &[(&str, &str)]) {
        let golden = self.golden(place).await;
        for skip in 0..self.changes {
            for (fault, code) in refusals {
                self.begin(place).await;
                self.fail(place, fault, skip);
                let refused = place.set_up(&(self.wanted)()).await.unwrap_err();
                assert_eq!(refused.code(), *code, "{refused}");
                assert!(refused.to_string().contains("LiveKit"), "{refused}");
                let DeskError::Run(error) = &refused else {
                    panic!("{refused:?}");
                };
                assert_eq!(error.done().len(), self.before + skip, "what exists now");
                place.set_up(&(self.wanted)()).await.unwrap();
                self.is(&golden, place).await;
                let outcome = format!("says “{code}” and what was done; then golden");
                self.tried(fault, &format!("change {}", skip + 1), &outcome);
            }
        }
    }
}

/// What there is, but for the part of an address that SignalWire makes anew for each password.
async fn livekit(place: &Place) -> Value {
    let mut all = place.livekit().await;
    for trunk in all["outbound"].as_array_mut().unwrap() {
        if let Some(address) = trunk["address"].as_str()
            && address.ends_with(".dapp.signalwire.com")
        {
            trunk["address"] = json!("of SignalWire");
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_without_an_account_are_half_set_up_at_every_step_and_finished() {
    let mut place = Place::with_providers();
    for case in ALONE {
        let golden = case.golden(&place).await;
        for stop_after in 0..=case.changes {
            case.begin(&place).await;
            let prepared = place.prepare(&(case.wanted)()).await.unwrap();
            let approved = Approved::all(&prepared.plan);
            let asked = AtomicUsize::new(0);
            let stop = || asked.fetch_add(1, Ordering::SeqCst) >= stop_after;
            let first = place.desk.carry_out(&prepared, &approved, &stop).await;
            assert_eq!(first.is_ok(), stop_after == case.changes, "{first:?}");
            place.restart();
            place.set_up(&(case.wanted)()).await.unwrap();
            case.is(&golden, &place).await;
            let state = if stop_after == case.changes {
                "already set up".to_owned()
            } else {
                format!("half set up, {stop_after} of {} steps", case.changes)
            };
            case.tried(&state, "", "golden, second run changes nothing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_livekit_that_is_lost_at_any_step_is_looked_for() {
    let place = Place::with_providers();
    for case in ALONE {
        let faults = ["cut", "drop", "slow", "garbage", "huge", "500"];
        case.gets_over_what_is_unclear(&place, &faults).await;
    }
    for case in WITH_PROVIDER {
        case.gets_over_what_is_unclear(&place, &["cut"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_livekit_is_named_with_what_was_done_and_is_got_over() {
    let place = Place::with_providers();
    for case in ALONE {
        case.says_what_refuses(&place, &REFUSALS).await;
    }
    for case in WITH_PROVIDER {
        case.says_what_refuses(&place, &REFUSALS[1..2]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_asking_to_slow_down_is_waited_for_and_said() {
    let place = Place::with_providers();
    for case in ALONE {
        let golden = case.golden(&place).await;
        case.begin(&place).await;
        place.progress.lock().unwrap().clear();
        case.fail(&place, "429", 0);
        place.set_up(&(case.wanted)()).await.unwrap();
        let pauses = place.progress.lock().unwrap().iter().fold(0, |sum, news| {
            sum + match news {
                Progress::Pause { pause, .. } => pause.as_secs(),
                Progress::Began { .. } | Progress::Done { .. } => 0,
            }
        });
        assert_eq!(pauses, 1, "as long as it asked");
        case.is(&golden, &place).await;
        case.tried("429", "change 1", "waits 1 s and says so; golden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_livekit_gets_over_hiccups_and_says_what_it_cannot_get_over() {
    let [case, _] = ALONE;
    let place = Place::with_providers();
    case.begin(&place).await;
    let look = |fault: &str| ProviderFault {
        method: String::new(),
        ..ProviderFault::once(fault, "/ListSIP")
    };
    for fault in ["500", "cut", "drop", "slow", "429"] {
        place.door.fail(&look(fault));
        assert!(place.prepare(&(case.wanted)()).await.is_ok(), "{fault}");
        case.tried(fault, "looking", "asked again");
    }
    let others = [("garbage", "not_understood"), ("huge", "not_understood")];
    for (fault, code) in others.iter().chain(&REFUSALS) {
        place.door.fail(&look(fault));
        let refused = place.prepare(&(case.wanted)()).await.unwrap_err();
        assert_eq!(refused.code(), *code, "{refused}");
        place.door.heal();
        case.tried(fault, "looking", &format!("says “{code}”, nothing done"));
    }
    assert_eq!(place.door.count_changes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_said_even_when_looking_afterwards_fails() {
    let [case, _] = ALONE;
    let place = Place::with_providers();
    let golden = case.golden(&place).await;
    // Before its first step it looks too.
    let second_look = ProviderFault {
        method: String::new(),
        skip: 1,
        ..ProviderFault::once("403", "/ListSIPOutboundTrunk")
    };
    for (change, said) in [
        (None, "LiveKit's way out"),
        (
            Some("500"),
            "LiveKit's way out (perhaps: its answer was lost)",
        ),
    ] {
        case.begin(&place).await;
        let prepared = place.prepare(&(case.wanted)()).await.unwrap();
        place.door.fail(&second_look);
        if let Some(fault) = change {
            case.fail(&place, fault, 0);
        }
        let approved = Approved::all(&prepared.plan);
        let run = place.desk.carry_out(&prepared, &approved, &|| false).await;
        let DeskError::Run(error) = run.unwrap_err() else {
            panic!("a run that ended early");
        };
        assert_eq!(error.done(), [said], "{error}");
        place.set_up(&(case.wanted)()).await.unwrap();
        case.is(&golden, &place).await;
    }
}

/// The trunk that has the number goes away together with its rule, a rule alone, a rule that mixes callers, one with another room.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_in_is_mended_at_a_press_and_the_mending_taken_back() {
    let place = Place::with_providers();
    place.fresh_account();
    place.set_up(&support::twilio()).await.unwrap();
    let whole = place.livekit().await;
    let proofs = || place.desk.registry.lines().unwrap()[0].proof.clone();
    for incoming in [true, false] {
        let id = place.desk.line("front desk").unwrap().id;
        place.desk.registry.proven(&id, incoming).unwrap();
    }
    let proven = proofs();
    let individual = json!({"room_prefix": "call-", "pin": "4711"});
    let broken = [
        (
            "D06",
            vec!["D06", "D08"],
            json!({"trunk": true, "rule": true}),
        ),
        ("D08", vec!["D08"], json!({"rule": true})),
        ("D09", vec!["D09"], json!({"rule_trunks": ["ST_gone"]})),
        (
            "D11",
            vec!["D11"],
            json!({"kind": {"dispatch_rule_direct": {"room_name": "lobby"}}}),
        ),
        (
            "D12",
            vec!["D12"],
            json!({"kind": {"dispatch_rule_individual": individual}}),
        ),
    ];
    for (press, all, how) in broken {
        breaks(&place, &how).await;
        let as_broken = place.livekit().await;
        let report = place.desk.check("front desk", None).await.unwrap();
        let problems = report.of(lines::check::Level::Problem);
        let ids: Vec<_> = problems.map(|finding| finding.id).collect();
        assert_eq!(ids, all, "{how}");
        let finding = report.findings.iter().find(|one| one.id == press).unwrap();
        let Some(lines::check::Fix::Steps(steps)) = &finding.fix else {
            panic!("{finding:?}");
        };
        let _ = place.door.count_changes();
        let mended = place.desk.fix(&report.line.id, steps).await.unwrap();
        assert_eq!(place.door.count_changes(), mended.len());
        let after = place.desk.check("front desk", None).await.unwrap();
        assert!(after.is_healthy(), "{how}: {after:#?}");
        assert_eq!(proofs(), proven, "what was proven stays");
        // The same yes a second time is for something that is there already.
        if steps.iter().any(|step| step.verb() == lines::Verb::Create) {
            let again = place.desk.fix(&report.line.id, steps).await.unwrap_err();
            assert_eq!(again.code(), "changed_meanwhile", "{again}");
        }
        if press == "D12" {
            let pins = behind_our_back(&place, "ListSIPDispatchRule", json!({})).await;
            let rule = &pins["items"][0]["rule"]["dispatch_rule_individual"];
            assert_eq!(rule["pin"], "4711", "a PIN stays");
            let text = place.folder.path().join("lines/changes.jsonl");
            assert!(!std::fs::read_to_string(text).unwrap().contains("4711"));
            let (line, changes) = place.desk.prepare_undo("front desk").unwrap();
            place.desk.undo(&line, &changes, None).await.unwrap();
            assert_eq!(place.livekit().await, as_broken);
        } else {
            assert_eq!(place.livekit().await, whole, "{how}");
        }
    }
    assert_eq!(place.leaks(), [""; 0]);
}

/// The first of two changes is made, then nothing can be seen: it is said, and the next press goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_mending_that_is_cut_short_says_what_it_did_and_is_finished_by_the_next() {
    let place = Place::bare();
    place.set_up(&support::other()).await.unwrap();
    let whole = place.livekit().await;
    breaks(&place, &json!({"trunk": true, "rule": true})).await;
    let steps = async || {
        let report = place.desk.check("front desk", None).await.unwrap();
        let steps = report.findings.iter().find_map(|one| match &one.fix {
            Some(lines::check::Fix::Steps(steps)) => Some(steps.clone()),
            _ => None,
        });
        (report.line.id, steps.expect("a change that is shown"))
    };
    let (line, both) = steps().await;
    assert_eq!(both.len(), 2);
    // It looks before its first step, too.
    place.door.fail(&ProviderFault {
        method: String::new(),
        skip: 1,
        ..ProviderFault::once("403", "/ListSIPInboundTrunk")
    });
    let DeskError::Run(cut) = place.desk.fix(&line, &both).await.unwrap_err() else {
        panic!("a run that ended early");
    };
    assert_eq!(cut.done(), [both[0].title.as_str()], "{cut}");
    let (line, rest) = steps().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(
        place.desk.fix(&line, &rest).await.unwrap(),
        [rest[0].title.as_str()]
    );
    assert_eq!(place.livekit().await, whole);
}

/// Somebody at the server's own console.
async fn breaks(place: &Place, how: &Value) {
    let objects = place.desk.line("front desk").unwrap().objects;
    let mut rule =
        behind_our_back(place, "ListSIPDispatchRule", json!({})).await["items"][0].take();
    let rule_id = rule["sip_dispatch_rule_id"].clone();
    if how["rule"] == true {
        let body = json!({"sip_dispatch_rule_id": rule_id});
        behind_our_back(place, "DeleteSIPDispatchRule", body).await;
    }
    if how["trunk"] == true {
        let body = json!({"sip_trunk_id": objects["inbound_trunk"]});
        behind_our_back(place, "DeleteSIPTrunk", body).await;
    }
    if how["rule_trunks"].is_array() {
        rule["trunk_ids"] = how["rule_trunks"].clone();
    }
    if how["kind"].is_object() {
        rule["rule"] = how["kind"].clone();
    }
    if how["rule_trunks"].is_array() || how["kind"].is_object() {
        let body = json!({"sip_dispatch_rule_id": rule_id, "replace": rule});
        behind_our_back(place, "UpdateSIPDispatchRule", body).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_somebody_else_took_is_no_matter_of_a_press() {
    let place = Place::bare();
    place.set_up(&support::other()).await.unwrap();
    breaks(&place, &json!({"trunk": true, "rule": true})).await;
    for name in ["Old", "Older"] {
        let allowed = format!("+1312555014{}", name.len());
        let trunk = json!({"name": name, "numbers": [NUMBER], "allowed_numbers": [allowed]});
        behind_our_back(&place, "CreateSIPInboundTrunk", json!({"trunk": trunk})).await;
    }
    let report = place.desk.check("front desk", None).await.unwrap();
    let finding = report.findings.iter().find(|one| one.id == "D08").unwrap();
    assert_eq!(finding.fix, Some(lines::check::Fix::SetUpAgain));
}
