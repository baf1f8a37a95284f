//! A line at SignalWire, and what breaks it.

use std::sync::Arc;

use vault::Secret;

use super::{Break, NUMBER, extras, healthy, livekit, wrong};
use crate::check::Facts;
use crate::found::{OwnedNumber, ProviderExtras, ProviderFound};
use crate::registry::KeptLine;
use crate::service::{Service, ServiceError};
use crate::signalwire::{Handler, SignalWireFound, SipAddress};
use crate::swml;
use crate::wanted::{LiveKitSip, WantedProvider};

/// The same line at SignalWire.
pub(super) fn healthy_at_signalwire() -> Facts {
    let mut facts = healthy();
    let sip = LiveKitSip::parse("abc.sip.livekit.cloud").unwrap();
    let inward = swml::to_livekit(&sip, false);
    facts.wanted.provider = WantedProvider::SignalWire {
        livekit: sip,
        handler: None,
        by_hand: None,
    };
    facts.kept = KeptLine::of(&facts.wanted, None);
    let trunk = &mut livekit(&mut facts).outbound[0];
    trunk.address = "acme-front-desk-a.dapp.signalwire.com".into();
    trunk.transport = "SIP_TRANSPORT_TLS".into();
    let outward = swml::to_phones(&facts.wanted.numbers[0]);
    let found = SignalWireFound {
        dial_out: Some(Handler {
            id: "1".into(),
            name: "Front desk LiveKit out".into(),
            connect: Some(outward),
            ..Handler::default()
        }),
        addresses: vec![SipAddress {
            id: "2".into(),
            name: "front-desk-a".into(),
            host: "acme-front-desk-a.dapp.signalwire.com".into(),
            handler: "1".into(),
            encryption: "optional".into(),
            ..SipAddress::default()
        }],
        handler: Some(Handler {
            id: "3".into(),
            name: "Front desk LiveKit in".into(),
            connect: Some(inward),
            ..Handler::default()
        }),
        numbers: vec![OwnedNumber {
            number: NUMBER.into(),
            on: "3".into(),
            voice: true,
            emergency: "registered".into(),
            ..OwnedNumber::default()
        }],
        ..SignalWireFound::default()
    };
    let extras = ProviderExtras {
        handler: Some(Ok(())),
        ..ProviderExtras::default()
    };
    facts.provider = Some(Ok((ProviderFound::SignalWire(Box::new(found)), extras)));
    facts
}

fn signalwire(facts: &mut Facts) -> &mut SignalWireFound {
    match &mut facts.provider.as_mut().unwrap().as_mut().unwrap().0 {
        ProviderFound::SignalWire(found) => found,
        _ => panic!("a line at SignalWire"),
    }
}

fn handler(facts: &mut Facts) -> &mut Handler {
    signalwire(facts).handler.as_mut().unwrap()
}

/// The same at SignalWire.
pub(super) const AT_SIGNALWIRE: &[(&str, Break, &[&str])] = &[
    (
        "the token has no right to scripts",
        |f| {
            f.provider = Some(Err(ServiceError::Forbidden {
                service: Service::SignalWire,
                words: String::new(),
            }))
        },
        &["D02"],
    ),
    (
        "another host",
        |f| {
            let connect = handler(f).connect.as_mut().unwrap();
            connect.to = "sip:%{call.to}@other.sip.livekit.cloud;transport=tcp".into();
        },
        &["D05"],
    ),
    (
        "a number that is on nothing",
        |f| signalwire(f).numbers[0].on = String::new(),
        &["D19"],
    ),
    (
        "a script that calls nobody",
        |f| handler(f).connect = None,
        &["D20"],
    ),
    (
        "nothing answers callers",
        |f| signalwire(f).handler = None,
        &["D19", "D20"],
    ),
    (
        "no SIP address",
        |f| signalwire(f).addresses.clear(),
        &["D21"],
    ),
    (
        "the password of another user name",
        |f| livekit(f).outbound[0].user = "deskline-b".into(),
        &["D21"],
    ),
    (
        "an API token as password",
        |f| {
            let token = format!("PT{}", "0a1b2c3d".repeat(6));
            livekit(f).outbound[0].password = Some(Arc::new(Secret::new(token)));
        },
        &["D21"],
    ),
    (
        "another SIP address",
        |f| livekit(f).outbound[0].address = "acme-other.dapp.signalwire.com".into(),
        &["D22"],
    ),
    (
        "another company's server",
        |f| livekit(f).outbound[0].address = "acme.example.com".into(),
        &["D22"],
    ),
    (
        "SignalWire encrypts, LiveKit does not",
        |f| signalwire(f).addresses[0].encryption = "required".into(),
        &["D24"],
    ),
    (
        "a number that was given up",
        |f| signalwire(f).numbers.clear(),
        &["D25"],
    ),
    (
        "no emergency address",
        |f| signalwire(f).numbers[0].emergency = "none".into(),
        &["D30"],
    ),
    ("the script records", |f| handler(f).records = true, &["X2"]),
    (
        "a server of one's own that does not answer",
        |f| extras(f).handler = Some(Err("status 500".into())),
        &["X4"],
    ),
];

#[test]
fn a_server_of_ones_own_decides_where_calls_go() {
    let mut facts = healthy_at_signalwire();
    handler(&mut facts).connect = None;
    handler(&mut facts).url = "https://swml.example/".into();
    assert_eq!(wrong(&facts), [""; 0]);
}
