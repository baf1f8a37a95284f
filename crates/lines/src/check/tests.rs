//! Each diagnostic: one test that breaks exactly that thing, and a healthy line on which all are silent.

use std::time::Duration;

use super::*;
use crate::found::{Named, OwnedNumber};
use crate::livekit::{DispatchRule, InboundTrunk, OutboundTrunk, RuleKind};
use crate::mark::Mark;
use crate::service::Service;
use crate::twilio::{Destination, TwilioFound, TwilioTrunk};
use crate::wanted::{LineName, LiveKitSip, Number, TrunkDomain, WantedProvider};
use call::number::Region;
use serde_json::json;

mod signalwire;
mod telnyx;

use signalwire::{AT_SIGNALWIRE, healthy_at_signalwire};
use telnyx::{AT_TELNYX, healthy_at_telnyx};

const NUMBER: &str = "+12125550100";

fn healthy() -> Facts {
    let provider = WantedProvider::Twilio {
        livekit: LiveKitSip::parse("abc.sip.livekit.cloud").unwrap(),
        domain: TrunkDomain::parse("front-desk").unwrap(),
    };
    let number = Number::parse(NUMBER, Region::US).unwrap();
    let wanted = Wanted::new(
        LineName::parse("Front desk").unwrap(),
        vec![number],
        provider,
    )
    .unwrap();
    let mut kept = KeptLine::of(&wanted, None);
    kept.objects
        .insert("outbound_trunk".into(), "ST_out".into());
    let mark = Some(Mark::of(&wanted));
    let livekit = LiveKitFound {
        outbound: vec![OutboundTrunk {
            id: "ST_out".into(),
            name: "Front desk".into(),
            mark: mark.clone(),
            address: "front-desk.pstn.twilio.com".into(),
            transport: "SIP_TRANSPORT_TCP".into(),
            numbers: vec![NUMBER.into()],
            user: "deskline-a".into(),
            encryption: "SIP_MEDIA_ENCRYPT_DISABLE".into(),
            ..OutboundTrunk::default()
        }],
        inbound: vec![InboundTrunk {
            id: "ST_in".into(),
            name: "Front desk".into(),
            mark: mark.clone(),
            numbers: vec![NUMBER.into()],
            ..InboundTrunk::default()
        }],
        rules: vec![DispatchRule {
            id: "SDR_a".into(),
            name: "Front desk".into(),
            mark,
            trunks: vec!["ST_in".into()],
            kind: RuleKind::Individual {
                prefix: "inbound-".into(),
            },
            ..DispatchRule::default()
        }],
    };
    let named = |sid: &str, name: &str| Named {
        id: sid.into(),
        name: name.into(),
    };
    let twilio = TwilioFound {
        status: "active".into(),
        kind: "Full".into(),
        trunk: Some(TwilioTrunk {
            sid: "TK1".into(),
            name: "Front desk".into(),
            domain: "front-desk.pstn.twilio.com".into(),
            transfer: "enable-all".into(),
            recording: "do-not-record".into(),
            ..TwilioTrunk::default()
        }),
        destinations: vec![Destination {
            id: "OU1".into(),
            url: "sip:abc.sip.livekit.cloud;transport=tcp".into(),
            enabled: true,
            ..Destination::default()
        }],
        list: Some(named("CL1", "Front desk LiveKit")),
        users: vec![named("CR1", "deskline-a")],
        asked_lists: vec![named("CL1", "Front desk LiveKit")],
        numbers: vec![OwnedNumber {
            number: NUMBER.into(),
            id: "PN1".into(),
            on: "TK1".into(),
            voice: true,
            emergency: "registered".into(),
            ..OwnedNumber::default()
        }],
        ..TwilioFound::default()
    };
    let extras = ProviderExtras {
        balance: Some(20.0),
        currency: "USD".into(),
        home: "US".into(),
        home_open: Some(true),
        is_guarded: Some(true),
        refused: Some(Vec::new()),
        handler: None,
    };
    Facts {
        kept,
        wanted,
        livekit: Ok(livekit),
        provider: Some(Ok((ProviderFound::Twilio(Box::new(twilio)), extras))),
    }
}

fn wrong(facts: &Facts) -> Vec<&'static str> {
    diagnose(facts)
        .iter()
        .filter(|finding| finding.level >= Level::Advice)
        .map(|finding| finding.id)
        .collect()
}

type Break = fn(&mut Facts);

fn livekit(facts: &mut Facts) -> &mut LiveKitFound {
    facts.livekit.as_mut().unwrap()
}

fn twilio(facts: &mut Facts) -> &mut TwilioFound {
    match &mut facts.provider.as_mut().unwrap().as_mut().unwrap().0 {
        ProviderFound::Twilio(found) => found,
        _ => panic!("a line at Twilio"),
    }
}

fn extras(facts: &mut Facts) -> &mut ProviderExtras {
    &mut facts.provider.as_mut().unwrap().as_mut().unwrap().1
}

fn trunk(facts: &mut Facts) -> &mut TwilioTrunk {
    twilio(facts).trunk.as_mut().unwrap()
}

/// What breaks, and which diagnostics are to say so: exactly these.
const BREAKS: &[(&str, Break, &[&str])] = &[
    (
        "the key is refused",
        |f| {
            f.livekit = Err(ServiceError::SignIn {
                service: Service::LiveKit,
                words: String::new(),
            })
        },
        &["D01"],
    ),
    (
        "Twilio refuses the sign-in",
        |f| {
            f.provider = Some(Err(ServiceError::SignIn {
                service: Service::Twilio,
                words: "Authenticate".into(),
            }))
        },
        &["D02"],
    ),
    (
        "a trial account",
        |f| twilio(f).kind = "Trial".into(),
        &["D03"],
    ),
    (
        "a suspended account",
        |f| twilio(f).status = "suspended".into(),
        &["D04"],
    ),
    ("no money", |f| extras(f).balance = Some(0.0), &["D04"]),
    (
        "calls go to another project",
        |f| twilio(f).destinations[0].url = "sip:other.sip.livekit.cloud;transport=tcp".into(),
        &["D05"],
    ),
    (
        "some calls go to another project",
        |f| {
            let mut other = twilio(f).destinations[0].clone();
            other.url = "sip:pbx.example".into();
            twilio(f).destinations.push(other);
        },
        &["D05"],
    ),
    (
        "a region that does not exist",
        |f| {
            twilio(f).destinations[0].url = "sip:abc.us-west-2.sip.livekit.cloud".into();
        },
        &["D05"],
    ),
    (
        "the trunk does not know the number",
        |f| livekit(f).inbound[0].numbers = vec!["+12125550199".into()],
        &["D06"],
    ),
    (
        "a pattern of callers",
        |f| livekit(f).inbound[0].allowed_numbers = vec!["+1".into()],
        &["D07"],
    ),
    (
        "a wildcard of callers",
        |f| livekit(f).inbound[0].allowed_numbers = vec!["+*".into()],
        &["D07"],
    ),
    ("no rule", |f| livekit(f).rules.clear(), &["D08"]),
    (
        "the rule's trunk is gone",
        |f| livekit(f).rules[0].trunks = vec!["ST_old".into()],
        &["D09"],
    ),
    (
        "the rule lets in nobody but",
        |f| livekit(f).rules[0].callers = vec!["+1".into()],
        &["D10"],
    ),
    (
        "one room for all",
        |f| {
            livekit(f).rules[0].kind = RuleKind::Direct {
                room: "lobby".into(),
            }
        },
        &["D11"],
    ),
    (
        "one room for each number",
        |f| {
            livekit(f).rules[0].kind = RuleKind::Callee {
                prefix: "inbound-".into(),
                randomize: false,
            }
        },
        &["D11"],
    ),
    (
        "rooms of another name",
        |f| {
            livekit(f).rules[0].kind = RuleKind::Individual {
                prefix: "call-".into(),
            }
        },
        &["D12"],
    ),
    (
        "calls that LiveKit did not take",
        |f| {
            let refused = ("32011".into(), "SIP response 503".into());
            extras(f).refused = Some(vec![refused]);
        },
        &["D13"],
    ),
    (
        "a second trunk with the number",
        |f| {
            let mut other = livekit(f).inbound[0].clone();
            other.id = "ST_x".into();
            other.mark = None;
            livekit(f).inbound.push(other);
        },
        &["D14"],
    ),
    (
        "a second rule for the trunk",
        |f| {
            let mut other = livekit(f).rules[0].clone();
            other.id = "SDR_x".into();
            other.mark = None;
            livekit(f).rules.push(other);
        },
        &["D14"],
    ),
    (
        "a trunk for every number",
        |f| livekit(f).inbound[0].numbers.clear(),
        &["D15"],
    ),
    (
        "a trunk for every sender",
        |f| livekit(f).inbound[0].allowed_addresses = vec!["0.0.0.0/0".into()],
        &["D15"],
    ),
    (
        "an assistant in the rule",
        |f| livekit(f).rules[0].agents = vec!["Ben".into()],
        &["D16"],
    ),
    (
        "the number answers elsewhere",
        |f| twilio(f).numbers[0].on = String::new(),
        &["D19"],
    ),
    (
        "the address is switched off",
        |f| twilio(f).destinations[0].enabled = false,
        &["D20"],
    ),
    (
        "no trunk at Twilio",
        |f| {
            twilio(f).trunk = None;
            twilio(f).destinations.clear();
            twilio(f).numbers[0].on = String::new();
        },
        &["D19", "D20"],
    ),
    (
        "the list is not asked for",
        |f| twilio(f).asked_lists.clear(),
        &["D21"],
    ),
    (
        "another user",
        |f| twilio(f).users[0].name = "somebody".into(),
        &["D21"],
    ),
    (
        "a sip: in the address",
        |f| livekit(f).outbound[0].address = "sip:front-desk.pstn.twilio.com".into(),
        &["D22"],
    ),
    (
        "another host",
        |f| livekit(f).outbound[0].address = "front-desk.example.com".into(),
        &["D22"],
    ),
    (
        "the saved trunk is gone",
        |f| {
            f.kept
                .objects
                .insert("outbound_trunk".into(), "ST_old".into())
                .map_or((), drop)
        },
        &["D23"],
    ),
    (
        "Twilio encrypts, LiveKit does not",
        |f| trunk(f).secure = true,
        &["D24"],
    ),
    (
        "LiveKit encrypts, Twilio does not",
        |f| livekit(f).outbound[0].encryption = "SIP_MEDIA_ENCRYPT_REQUIRE".into(),
        &["D24"],
    ),
    (
        "a number that was given up",
        |f| twilio(f).numbers.clear(),
        &["D25"],
    ),
    (
        "a stranger's number is shown",
        |f| livekit(f).outbound[0].numbers = vec!["+12125550199".into()],
        &["D25"],
    ),
    (
        "any number is shown",
        |f| livekit(f).outbound[0].numbers = vec!["*".into()],
        &["D25"],
    ),
    (
        "the country is closed",
        |f| extras(f).home_open = Some(false),
        &["D27"],
    ),
    (
        "expensive numbers are open",
        |f| extras(f).is_guarded = Some(false),
        &["D28"],
    ),
    (
        "no emergency address",
        |f| twilio(f).numbers[0].emergency = "unregistered".into(),
        &["D30"],
    ),
    (
        "Twilio records",
        |f| trunk(f).recording = "record-from-answer-dual".into(),
        &["X2"],
    ),
    (
        "the clock is wrong",
        |f| {
            f.livekit = Err(ServiceError::Clock {
                service: Service::LiveKit,
            })
        },
        &["X5"],
    ),
    (
        "transfers are off",
        |f| trunk(f).transfer = "disable-all".into(),
        &["X6"],
    ),
];

#[test]
fn a_healthy_line_is_silent() {
    assert_eq!(wrong(&healthy()), [""; 0]);
    assert_eq!(wrong(&healthy_at_telnyx()), [""; 0]);
    assert_eq!(wrong(&healthy_at_signalwire()), [""; 0]);
    let findings = diagnose(&healthy());
    assert_eq!(findings.len(), DIAGNOSTICS.len());
    for finding in findings {
        assert!(!finding.verdict.is_empty(), "{} says nothing", finding.id);
    }
}

#[test]
fn each_breakage_is_named_and_nothing_else_is() {
    for (healthy, breaks) in [
        (healthy as fn() -> Facts, BREAKS),
        (healthy_at_telnyx, AT_TELNYX),
        (healthy_at_signalwire, AT_SIGNALWIRE),
    ] {
        each_is_named(healthy, breaks);
    }
}

fn each_is_named(healthy: fn() -> Facts, breaks: &[(&str, Break, &[&str])]) {
    for (what, break_it, ids) in breaks {
        let mut facts = healthy();
        break_it(&mut facts);
        assert_eq!(wrong(&facts), *ids, "{what}");
        for finding in diagnose(&facts)
            .iter()
            .filter(|finding| ids.contains(&finding.id))
        {
            assert!(!finding.evidence.is_empty(), "{what}: what was compared?");
            assert!(
                finding
                    .fix
                    .as_ref()
                    .is_some_and(|fix| !fix.words().is_empty()),
                "{what}: what to do?"
            );
            assert!(
                finding.verdict.ends_with('.') || finding.verdict.ends_with(':'),
                "{what}: {}",
                finding.verdict
            );
        }
    }
}

#[test]
fn every_diagnostic_is_broken_once_or_says_why_it_cannot_be_looked_at() {
    let ids = |breaks: &[(&str, Break, &'static [&'static str])]| -> Vec<&'static str> {
        let all = breaks.iter().flat_map(|(_, _, ids)| ids.iter().copied());
        all.collect()
    };
    // Printed by `cargo xtask e2e lines`: the rows of `each_breakage_is_named…` beside those of `a_healthy_line_is_silent`.
    let suites = [
        ("Twilio", healthy as fn() -> Facts, BREAKS),
        ("Telnyx", healthy_at_telnyx, AT_TELNYX),
        ("SignalWire", healthy_at_signalwire, AT_SIGNALWIRE),
    ];
    for diagnostic in &DIAGNOSTICS {
        let (mut broken_by, mut silent_at, mut not_there) = (Vec::new(), Vec::new(), Vec::new());
        for (provider, healthy, breaks) in &suites {
            let own = breaks
                .iter()
                .filter(|(_, _, ids)| ids.contains(&diagnostic.id));
            broken_by.extend(own.map(|(what, _, _)| format!("{what} ({provider})")));
            match diagnostic.needs.missing(&healthy()) {
                None => silent_at.push((*provider).to_owned()),
                Some(why) => not_there.push(why),
            }
        }
        if silent_at.is_empty() {
            broken_by.push("not looked at".to_owned());
            silent_at.extend(not_there.into_iter().take(1));
        }
        println!(
            "| {} | {} | {} |",
            diagnostic.id,
            broken_by.join("; "),
            silent_at.join("; ")
        );
        let broken = [ids(BREAKS), ids(AT_TELNYX), ids(AT_SIGNALWIRE)];
        let is_broken = broken.iter().any(|ids| ids.contains(&diagnostic.id));
        let missing = |facts: &Facts| diagnostic.needs.missing(facts).is_some();
        let everywhere = [healthy(), healthy_at_telnyx(), healthy_at_signalwire()];
        let not_looked_at = everywhere.iter().all(missing);
        assert!(is_broken != not_looked_at, "{}", diagnostic.id);
    }
}

#[test]
fn every_complaint_is_answered_by_diagnostics_that_exist() {
    for (_, ids) in ENTRIES {
        assert!(!ids.is_empty());
        for id in ids {
            assert!(
                DIAGNOSTICS.iter().any(|diagnostic| diagnostic.id == *id),
                "{id}"
            );
        }
    }
}

fn report(facts: &Facts) -> CheckReport {
    CheckReport {
        line: facts.kept.clone(),
        at: "2026-08-01T00:00:00Z".into(),
        took: Duration::from_millis(40),
        findings: diagnose(facts),
    }
}

#[test]
fn the_way_of_a_call_breaks_where_the_first_problem_is() {
    assert!(
        report(&healthy())
            .path()
            .iter()
            .all(|part| part.state == PathState::Works)
    );
    let mut facts = healthy();
    livekit(&mut facts).rules.clear();
    let states: Vec<_> = report(&facts)
        .path()
        .iter()
        .map(|part| part.state)
        .collect();
    assert_eq!(
        states,
        [
            PathState::Works,
            PathState::Works,
            PathState::Works,
            PathState::Broken,
            PathState::NotReached,
            PathState::NotReached
        ]
    );
}

#[test]
fn what_the_provider_did_not_tell_has_not_passed() {
    let mut facts = healthy();
    extras(&mut facts).home_open = None;
    extras(&mut facts).is_guarded = None;
    let level = |id: &str| {
        let findings = diagnose(&facts);
        let own = findings.iter().find(|finding| finding.id == id);
        own.map(|finding| (finding.level, finding.verdict.clone()))
    };
    for (id, says) in [("D27", "was not asked"), ("D28", "did not tell")] {
        let (level, verdict) = level(id).unwrap();
        assert_eq!(level, Level::NotRun, "{id}");
        assert!(
            verdict.contains(says) && verdict.ends_with('.'),
            "{verdict}"
        );
    }
    assert_eq!(wrong(&facts), [""; 0]);
}

#[test]
fn what_is_kept_of_a_check_is_read_again() {
    let report = report(&healthy());
    let text = report.json().to_string();
    let read: SavedCheck = serde_json::from_str(&text).unwrap();
    assert_eq!(read, report.saved());
    assert_eq!(read.level("D06"), Some(Level::Passed));
    assert_eq!(read.level("D99"), None);
    // One of an older or a newer version says what it can.
    let older: SavedCheck = serde_json::from_str(r#"{"healthy":true,"new":7}"#).unwrap();
    assert!(older.healthy && older.level("D06").is_none());
}

#[test]
fn without_the_provider_the_rest_is_looked_at_and_the_gap_is_said() {
    let mut facts = healthy();
    facts.provider = None;
    assert_eq!(wrong(&facts), [""; 0]);
    let findings = diagnose(&facts);
    let d19 = findings.iter().find(|finding| finding.id == "D19").unwrap();
    assert_eq!(d19.level, Level::NotRun);
    assert_eq!(d19.verdict, "It needs the sign-in at Twilio.");
    let kept = report(&facts).json();
    assert_eq!(kept["healthy"], json!(true));
}
