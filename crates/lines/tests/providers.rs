//! Every provider in every state with every fault: each stand-in keeps state and holds every request against the provider's
//! own description; LiveKit is the real server. Prints what was tried (`cargo xtask e2e lines`).
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
use support::{NUMBER, Place, SECOND, keys_of};

/// One provider, and what a line looks like there when it is set up.
struct Case {
    name: &'static str,
    /// The word of it in the stand-ins.
    word: &'static str,
    wanted: fn() -> Wanted,
    /// A number that something else answers, and what the plan says of it.
    taken: fn() -> (Value, &'static str),
    golden: fn() -> Value,
    /// How the address for calls to the outside begins, and how it ends: what is between is new for each password.
    address: (&'static str, &'static str),
    steps: usize,
    /// Requests of a fresh set-up that change something at the provider. The last one comes after LiveKit's three.
    changes: usize,
    /// A list that every look asks for.
    list: &'static str,
    /// Much more of everything than one page.
    crowd: fn() -> Value,
}

fn twilio() -> Case {
    Case {
        name: "Twilio",
        word: "twilio",
        wanted: support::twilio,
        taken: || {
            let numbers = json!([{"number": NUMBER, "voice_url": "https://ivr.example/main"}]);
            (
                json!({"numbers": numbers}),
                "instead of https://ivr.example/main",
            )
        },
        golden: || {
            json!({
                "trunks": [{"name": "Front desk", "domain": "front-desk.pstn.twilio.com", "secure": false,
                    "transfer": "enable-all",
                    "origination": [{"name": "Front desk LiveKit", "url": "sip:abc123.sip.livekit.cloud;transport=tcp",
                        "weight": 1, "priority": 1, "enabled": true}],
                    "lists": ["Front desk LiveKit"], "numbers": [NUMBER]}],
                "lists": [{"name": "Front desk LiveKit", "users": [{"password_length": 24, "user_length": 16}]}],
            })
        },
        address: ("front-desk", ".pstn.twilio.com"),
        steps: 9,
        changes: 6,
        list: "Trunks",
        crowd: || {
            let trunks: Vec<Value> = (0..5)
                .map(|i| json!({"name": format!("Other {i}"), "domain": format!("other-{i}.pstn.twilio.com")}))
                .collect();
            json!({"page_size": 1, "trunks": trunks})
        },
    }
}

fn telnyx() -> Case {
    Case {
        name: "Telnyx",
        word: "telnyx",
        wanted: support::telnyx,
        taken: || {
            let seed = json!({"key": support::TELNYX_KEY, "connections": [{"name": "Old PBX"}],
                "numbers": [{"number": NUMBER, "connection": "Old PBX"}]});
            (
                json!({"telnyx": seed}),
                "instead of the connection “Old PBX”",
            )
        },
        golden: || {
            json!({
                "profiles": [{"name": "Front desk LiveKit", "enabled": true, "countries": ["US", "CA"]}],
                "connections": [{"name": "Front desk LiveKit", "active": true, "transport": "TCP", "encrypted": null,
                    "called_format": "+e164", "caller_format": "+E.164", "profile": "Front desk LiveKit",
                    "sign_in": "credential-authentication", "user_length": 16, "password_length": 24,
                    "fqdns": [{"fqdn": "abc123.sip.livekit.cloud", "port": 5060, "record": "a"}], "numbers": [NUMBER]}],
            })
        },
        address: ("sip", ".telnyx.com"),
        steps: 8,
        changes: 5,
        list: "fqdn_connections",
        crowd: || {
            // The provider searches by parts of a name: these fit too.
            let connections: Vec<Value> = (0..5)
                .map(|i| json!({"name": format!("Front desk LiveKit {i}")}))
                .collect();
            json!({"page_size": 1, "telnyx": {"key": support::TELNYX_KEY, "connections": connections,
                "numbers": [{"number": NUMBER}]}})
        },
    }
}

fn signalwire() -> Case {
    Case {
        name: "SignalWire",
        word: "signalwire",
        wanted: support::signalwire,
        taken: || {
            let mut seed = support::space();
            seed["resources"] = json!(["Old IVR"]);
            seed["numbers"] = json!([{"number": NUMBER, "resource": "Old IVR"}]);
            (
                json!({"signalwire": seed}),
                "instead of the resource “Old IVR”",
            )
        },
        golden: || {
            let script = |name: &str, connect: Value| {
                let contents =
                    json!({"version": "1.0.0", "sections": {"main": [{"connect": connect}]}});
                json!({"name": name, "kind": "swml_script", "contents": contents})
            };
            json!({
                "resources": [
                    script("Front desk LiveKit out", json!({"from": NUMBER, "answer_on_bridge": true,
                        "to": "%{call.to.replace(/^sip:/i,'').replace(/@.*/,'')}"})),
                    script("Front desk LiveKit in", json!({"answer_on_bridge": true,
                        "to": "sip:%{call.to}@abc123.sip.livekit.cloud;transport=tcp"})),
                ],
                "addresses": [{"name": "front-desk", "handler": "Front desk LiveKit out", "user": "*",
                    "encryption": "optional", "password_length": 24}],
                "numbers": [
                    {"number": NUMBER, "answered_by": "Front desk LiveKit in", "url": ""},
                    {"number": SECOND, "answered_by": "", "url": ""},
                ],
            })
        },
        address: ("acme-front-desk-", ".dapp.signalwire.com"),
        steps: 7,
        changes: 4,
        list: "phone_numbers",
        crowd: || {
            let mut seed = support::space();
            seed["addresses"] = (0..5).map(|i| json!(format!("other-{i}"))).collect();
            json!({"page_size": 1, "signalwire": seed})
        },
    }
}

fn cases() -> Vec<Case> {
    vec![twilio(), telnyx(), signalwire()]
}

impl Case {
    /// The line is there as it should be, and once more nothing is done.
    async fn is_golden(&self, place: &Place) {
        assert_eq!(place.providers().state(self.word).unwrap(), (self.golden)());
        let livekit = place.livekit().await;
        for part in ["outbound", "inbound", "rules"] {
            assert_eq!(livekit[part].as_array().unwrap().len(), 1, "{livekit}");
        }
        let address = livekit["outbound"][0]["address"].as_str().unwrap();
        let (begins, ends) = self.address;
        assert!(
            address.starts_with(begins) && address.ends_with(ends),
            "{address}"
        );
        assert_eq!(livekit["outbound"][0]["password"], 24);
        assert_eq!(livekit["rules"][0]["own_trunks"], 1);
        place.providers().count_changes().unwrap();
        let _ = place.door.count_changes();
        let again = place.set_up(&(self.wanted)()).await.unwrap();
        assert_eq!(again.done, [""; 0], "the second run has nothing to do");
        let changes = place.providers().count_changes().unwrap() + place.door.count_changes();
        assert_eq!(changes, 0, "nor is anything asked that changes something");
        assert_eq!(place.leaks(), [""; 0]);
    }

    fn tried(&self, what: &str, wher: &str, outcome: &str) {
        println!("| {} | {what} | {wher} | {outcome} |", self.name);
    }

    fn fail(&self, place: &Place, fault: &str, skip: usize) {
        let skip = i32::try_from(skip).unwrap();
        let fault = ProviderFault {
            skip,
            ..ProviderFault::once(fault, "")
        };
        place.providers().fail(&fault).unwrap();
    }
}

/// Removes everything, so that one server serves many tries.
async fn begin(place: &Place, more: Value) {
    if place.desk.line("front desk").is_ok() {
        let removal = place.desk.prepare_removal("front desk").await.unwrap();
        place.desk.remove(&removal).await.unwrap();
    }
    place.empty_profile();
    place.account(more);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_account_becomes_a_line_in_one_go_and_is_put_back_whole() {
    for case in cases() {
        let place = Place::with_providers();
        let (seed, warning) = (case.taken)();
        place.account(seed);
        let empty = place.providers().state(case.word).unwrap();
        let wanted = (case.wanted)();
        let prepared = place.prepare(&wanted).await.unwrap();
        assert_eq!(
            prepared.plan.steps.len(),
            case.steps,
            "{:#?}",
            prepared.plan
        );
        let said = prepared.plan.steps.last().unwrap().warning.clone().unwrap();
        assert!(said.contains(warning), "{said}");
        let looked = place.providers().count_changes().unwrap();
        assert_eq!(looked, 0, "a plan changes nothing");
        let report = place.set_up(&wanted).await.unwrap();
        assert_eq!(report.done.len(), case.steps);
        assert_eq!(place.providers().count_changes().unwrap(), case.changes);
        let line = place.desk.line("front desk").unwrap();
        assert_eq!(line.provider, wanted.provider.kind());
        case.tried("fresh", "", "set up, golden");

        let (id, changes) = place.desk.prepare_undo("front desk").unwrap();
        let nobody = place.desk.undo(&id, &changes, None).await;
        assert!(matches!(nobody, Err(DeskError::NeedsKeys(name)) if name == case.name));
        let keys = keys_of(wanted.provider.kind());
        let undone = place.desk.undo(&id, &changes, Some(keys)).await.unwrap();
        assert_eq!(undone.undone.len(), case.steps, "{undone:?}");
        assert_eq!(place.providers().state(case.word).unwrap(), empty);
        let nothing = json!({"outbound": [], "inbound": [], "rules": []});
        assert_eq!(place.livekit().await, nothing);
        case.tried("undo", "", "everything as it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_set_up_at_every_step_is_finished() {
    for case in cases() {
        let mut place = Place::with_providers();
        for stop_after in 0..=case.steps {
            begin(&place, json!({})).await;
            let prepared = place.prepare(&(case.wanted)()).await.unwrap();
            let approved = Approved::all(&prepared.plan);
            let asked = AtomicUsize::new(0);
            let stop = || asked.fetch_add(1, Ordering::SeqCst) >= stop_after;
            let first = place.desk.carry_out(&prepared, &approved, &stop).await;
            assert_eq!(first.is_ok(), stop_after == case.steps, "{first:?}");
            place.restart();
            place.set_up(&(case.wanted)()).await.unwrap();
            case.is_golden(&place).await;
            let state = if stop_after == case.steps {
                "already set up".to_owned()
            } else {
                format!("half set up, {stop_after} of {} steps", case.steps)
            };
            case.tried(&state, "", "golden, second run changes nothing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_at_any_step_is_looked_for() {
    for case in cases() {
        let place = Place::with_providers();
        for skip in 0..case.changes {
            for fault in ["cut", "drop", "slow", "garbage", "huge", "500"] {
                begin(&place, json!({})).await;
                case.fail(&place, fault, skip);
                let report = place.set_up(&(case.wanted)()).await;
                assert!(report.is_ok(), "{fault} at change {skip}: {report:?}");
                case.is_golden(&place).await;
                case.tried(fault, &format!("change {}", skip + 1), "golden");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_named_leaves_no_half_change_unsaid_and_is_got_over() {
    for case in cases() {
        let place = Place::with_providers();
        for (fault, code) in [
            ("401", "sign_in_refused"),
            ("403", "forbidden"),
            ("404", "not_found"),
            ("409", "conflict"),
            ("400", "invalid"),
            ("422", "invalid"),
        ] {
            let last = case.changes - 1;
            for skip in [0, last / 2 + 1, last] {
                begin(&place, json!({})).await;
                case.fail(&place, fault, skip);
                let refused = place.set_up(&(case.wanted)()).await.unwrap_err();
                assert_eq!(refused.code(), code, "{refused}");
                assert!(refused.to_string().contains(case.name), "{refused}");
                let DeskError::Run(error) = &refused else {
                    panic!("{refused:?}");
                };
                // Steps of LiveKit lie before the last one of the provider.
                let done = if skip == last { case.steps - 1 } else { skip };
                assert_eq!(error.done().len(), done, "it says exactly what exists now");
                place.set_up(&(case.wanted)()).await.unwrap();
                case.is_golden(&place).await;
                let outcome = format!("says “{code}” and what was done; then golden");
                case.tried(fault, &format!("change {}", skip + 1), &outcome);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_slow_down_is_waited_for_and_said() {
    for case in cases() {
        let place = Place::with_providers();
        place.fresh_account();
        case.fail(&place, "429", 0);
        place.set_up(&(case.wanted)()).await.unwrap();
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
        assert_eq!(pauses, [1], "as long as it asked");
        case.is_golden(&place).await;
        case.tried("429", "change 1", "waits 1 s and says so; golden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_gets_over_hiccups_and_says_what_it_cannot_get_over() {
    for case in cases() {
        let place = Place::with_providers();
        place.fresh_account();
        let get = |fault: &str| ProviderFault {
            method: "GET".into(),
            ..ProviderFault::once(fault, case.list)
        };
        for fault in ["500", "cut", "drop", "slow", "429"] {
            place.providers().fail(&get(fault)).unwrap();
            assert!(place.prepare(&(case.wanted)()).await.is_ok(), "{fault}");
            case.tried(fault, "looking", "asked again");
        }
        for (fault, code) in [
            ("garbage", "not_understood"),
            ("huge", "not_understood"),
            ("400", "invalid"),
            ("401", "sign_in_refused"),
            ("403", "forbidden"),
            ("404", "not_found"),
            ("409", "conflict"),
            ("422", "invalid"),
        ] {
            place.providers().fail(&get(fault)).unwrap();
            let refused = place.prepare(&(case.wanted)()).await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
            place.providers().heal().unwrap();
            case.tried(fault, "looking", &format!("says “{code}”, nothing done"));
        }
        assert_eq!(place.providers().count_changes().unwrap(), 0);
        let nothing = json!({"outbound": [], "inbound": [], "rules": []});
        assert_eq!(place.livekit().await, nothing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_many_pages_are_read_to_the_end() {
    for case in cases() {
        let place = Place::with_providers();
        place.account((case.crowd)());
        place.set_up(&(case.wanted)()).await.unwrap();
        place.providers().count_changes().unwrap();
        let again = place.set_up(&(case.wanted)()).await.unwrap();
        assert_eq!(again.done, [""; 0]);
        assert_eq!(place.providers().count_changes().unwrap(), 0);
        case.tried("page 2", "every list", "read to the end");
    }
}

#[test]
fn complaints_and_the_diagnostics_that_answer_them() {
    for (complaint, ids) in lines::check::ENTRIES {
        println!("| {complaint} | {} |", ids.join(", "));
        assert!(!ids.is_empty());
    }
}
