//! A line at Telnyx, and what breaks it.

use super::{Break, NUMBER, extras, healthy, livekit};
use crate::check::Facts;
use crate::found::{OwnedNumber, ProviderExtras, ProviderFound};
use crate::registry::KeptLine;
use crate::telnyx::{Connection, Fqdn, SignIn, TelnyxFound, VoiceProfile};
use crate::wanted::{LiveKitSip, WantedProvider};

/// The same line at Telnyx.
pub(super) fn healthy_at_telnyx() -> Facts {
    let mut facts = healthy();
    let sip = LiveKitSip::parse("abc.sip.livekit.cloud").unwrap();
    facts.wanted.provider = WantedProvider::Telnyx { livekit: sip };
    facts.kept = KeptLine::of(&facts.wanted, None);
    livekit(&mut facts).outbound[0].address = "sip.telnyx.com".into();
    let found = TelnyxFound {
        profile: Some(VoiceProfile {
            id: "1".into(),
            enabled: true,
            countries: vec!["US".into()],
            has_limit: true,
            ..VoiceProfile::default()
        }),
        connection: Some(Connection {
            id: "2".into(),
            name: "Front desk LiveKit".into(),
            active: true,
            transport: "TCP".into(),
            called_format: "+e164".into(),
            profile: "1".into(),
            ..Connection::default()
        }),
        fqdns: vec![Fqdn {
            host: "abc.sip.livekit.cloud".into(),
            port: 5060,
            ..Fqdn::default()
        }],
        sign_in: SignIn {
            method: "credential-authentication".into(),
            user: "deskline-a".into(),
        },
        numbers: vec![OwnedNumber {
            number: NUMBER.into(),
            on: "2".into(),
            voice: true,
            emergency: "registered".into(),
            ..OwnedNumber::default()
        }],
        ..TelnyxFound::default()
    };
    let extras = ProviderExtras {
        balance: Some(20.0),
        home: "US".into(),
        ..ProviderExtras::default()
    };
    facts.provider = Some(Ok((ProviderFound::Telnyx(Box::new(found)), extras)));
    facts
}

fn telnyx(facts: &mut Facts) -> &mut TelnyxFound {
    match &mut facts.provider.as_mut().unwrap().as_mut().unwrap().0 {
        ProviderFound::Telnyx(found) => found,
        _ => panic!("a line at Telnyx"),
    }
}

fn connection(facts: &mut Facts) -> &mut Connection {
    telnyx(facts).connection.as_mut().unwrap()
}

fn profile(facts: &mut Facts) -> &mut VoiceProfile {
    telnyx(facts).profile.as_mut().unwrap()
}

/// The same at Telnyx.
pub(super) const AT_TELNYX: &[(&str, Break, &[&str])] = &[
    ("no money", |f| extras(f).balance = Some(0.0), &["D04"]),
    (
        "another host",
        |f| telnyx(f).fqdns[0].host = "other.sip.livekit.cloud".into(),
        &["D05"],
    ),
    (
        "a number that is on nothing",
        |f| telnyx(f).numbers[0].on = String::new(),
        &["D19"],
    ),
    (
        "a number whose calls go on",
        |f| {
            let forwarded = &mut telnyx(f).forwarded;
            forwarded.push((NUMBER.into(), "+12125550199".into()));
        },
        &["D19"],
    ),
    ("nowhere to go", |f| telnyx(f).fqdns.clear(), &["D20"]),
    (
        "the connection is off",
        |f| connection(f).active = false,
        &["D20"],
    ),
    (
        "nobody is asked for a password",
        |f| telnyx(f).sign_in.method = "ip-authentication".into(),
        &["D21"],
    ),
    (
        "a subdomain",
        |f| livekit(f).outbound[0].address = "sip.us.telnyx.com".into(),
        &["D22"],
    ),
    (
        "Telnyx encrypts, LiveKit does not",
        |f| connection(f).transport = "TLS".into(),
        &["D24"],
    ),
    (
        "the number in another form",
        |f| connection(f).called_format = "national".into(),
        &["D26"],
    ),
    (
        "the country is closed",
        |f| profile(f).countries = vec!["CA".into()],
        &["D27"],
    ),
    ("no limit", |f| profile(f).has_limit = false, &["D28"]),
    (
        "no emergency address",
        |f| telnyx(f).numbers[0].emergency = "off".into(),
        &["D30"],
    ),
    (
        "Telnyx records",
        |f| profile(f).recording = "all".into(),
        &["X2"],
    ),
];
