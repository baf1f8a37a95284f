//! What people type and paste.

use super::*;

#[test]
fn a_number_is_read_in_twelve_shapes() {
    for typed in [
        "+12125550100",
        "+1 212 555 0100",
        "+1 (212) 555-0100",
        "+1-212-555-0100",
        "+1.212.555.0100",
        "1 212 555 0100",
        "12125550100",
        "2125550100",
        "(212) 555-0100",
        "212-555-0100",
        "tel:+12125550100",
        " +1 212 555 0100 \n",
    ] {
        assert_eq!(
            Number::parse(typed, Region::US).unwrap().as_str(),
            "+12125550100",
            "{typed:?}"
        );
    }
    for typed in ["+1*", "*", "+*"] {
        assert!(
            matches!(Number::parse(typed, Region::US), Err(BadInput::Pattern(_))),
            "{typed}"
        );
    }
    for typed in ["", "+1", "hello", "212 555 010"] {
        assert!(Number::parse(typed, Region::US).is_err(), "{typed}");
    }
}

#[test]
fn a_sip_host_is_taken_out_of_what_people_paste() {
    for (typed, host) in [
        ("abc.sip.livekit.cloud", "abc.sip.livekit.cloud"),
        (
            "sip:abc.sip.livekit.cloud;transport=tcp",
            "abc.sip.livekit.cloud",
        ),
        (
            " SIP:desk@Sip.Example.com:5061;transport=tls ",
            "sip.example.com:5061",
        ),
        ("sips:sip.example.com", "sip.example.com"),
        ("\"sip.example.com\"", "sip.example.com"),
        ("<sip:sip.example.com>", "sip.example.com"),
        ("https://sip.example.com/path", "sip.example.com"),
        ("192.0.2.7:5060", "192.0.2.7:5060"),
    ] {
        assert_eq!(SipHost::parse(typed).unwrap().as_str(), host, "{typed}");
    }
    for typed in [
        "",
        "nodots",
        "a b.example",
        "sip:",
        "-a.example",
        "1.2.3",
        "sip.exämple.com",
    ] {
        assert!(
            matches!(SipHost::parse(typed), Err(BadInput::BadHost(_))),
            "{typed}"
        );
    }
    assert!(matches!(
        SipHost::parse("a.example:0"),
        Err(BadInput::BadPort(_))
    ));
    assert!(matches!(
        SipHost::parse("a.example:99999"),
        Err(BadInput::BadPort(_))
    ));
    assert!(matches!(
        SipHost::parse("wss://front-desk.example"),
        Err(BadInput::RoomAddress(_))
    ));
    // Without its scheme, or with that of a browser, it is the address for rooms all the same.
    for typed in [
        "front-desk.livekit.cloud",
        "https://front-desk.livekit.cloud/rtc",
        "sip:front-desk.livekit.cloud:5060",
    ] {
        assert!(
            matches!(SipHost::parse(typed), Err(BadInput::RoomAddress(_))),
            "{typed}"
        );
    }
}

#[test]
fn a_region_is_one_of_livekits_own() {
    assert!(LiveKitSip::parse("abc.eu.sip.livekit.cloud").is_ok());
    assert!(LiveKitSip::parse("abc.sip.livekit.cloud").is_ok());
    assert!(LiveKitSip::parse("sip.example.com").is_ok());
    assert_eq!(
        LiveKitSip::parse("abc.us-west-2.sip.livekit.cloud"),
        Err(BadInput::BadRegion("us-west-2".into()))
    );
    let sip = LiveKitSip::parse("sip:abc.sip.livekit.cloud").unwrap();
    assert_eq!(sip.uri(false), "sip:abc.sip.livekit.cloud;transport=tcp");
    assert_eq!(sip.uri(true), "sip:abc.sip.livekit.cloud;transport=tls");
    let with_port = LiveKitSip::parse("sip:abc.eu.sip.livekit.cloud:5060;transport=tcp").unwrap();
    assert_eq!(
        with_port.uri(true),
        "sip:abc.eu.sip.livekit.cloud;transport=tls"
    );
    let own = LiveKitSip::parse("sip.example.com:5070").unwrap();
    assert_eq!(own.uri(false), "sip:sip.example.com:5070;transport=tcp");
}

#[test]
fn the_address_for_calls_can_be_guessed_for_livekits_own_cloud_only() {
    assert_eq!(
        LiveKitSip::guess("front-desk.livekit.cloud")
            .unwrap()
            .host()
            .as_str(),
        "front-desk.sip.livekit.cloud"
    );
    assert_eq!(LiveKitSip::guess("127.0.0.1:7880"), None);
    assert_eq!(LiveKitSip::guess("livekit.example"), None);
}

#[test]
fn names_become_identities_and_domains() {
    let id = |name| LineId::of(&LineName::parse(name).unwrap());
    assert_eq!(id("Front desk").as_str(), "front-desk");
    assert_eq!(id("  Café № 2 ").as_str(), "café-2");
    assert_eq!(id("!!!").as_str(), "line");
    assert_eq!(
        TrunkDomain::of(&id("Front desk")).as_str(),
        "front-desk-deskline.pstn.twilio.com"
    );
    assert_eq!(
        TrunkDomain::of(&id("№")).another("ab12").as_str(),
        "line-deskline-ab12.pstn.twilio.com"
    );
    assert_eq!(
        TrunkDomain::parse(" Juniper-Desk ").unwrap().as_str(),
        "juniper-desk.pstn.twilio.com"
    );
    for bad in ["", "a_b", "a.b", "-a", ".pstn.twilio.com"] {
        assert!(TrunkDomain::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(LineName::parse(" "), Err(BadInput::NoName));
    assert_eq!(LineName::parse(&"x".repeat(41)), Err(BadInput::LongName));
}

#[test]
fn numbers_are_compared_as_livekit_compares_them() {
    for (text, same) in [
        ("+1 (212) 555-0100", "+12125550100"),
        ("12125550100", "+12125550100"),
        ("+1", "+1"),
        ("*", "*"),
    ] {
        assert_eq!(normalized(text), same);
    }
}

#[test]
fn a_line_has_each_number_once_and_at_least_one() {
    let number = |typed| Number::parse(typed, Region::US).unwrap();
    let name = || LineName::parse("Desk").unwrap();
    let two = Wanted::new(
        name(),
        vec![number("2125550100"), number("+12125550100")],
        WantedProvider::LiveKitNumbers,
    );
    assert_eq!(two.unwrap().numbers.len(), 1);
    assert_eq!(
        Wanted::new(name(), Vec::new(), WantedProvider::LiveKitNumbers),
        Err(BadInput::NoNumber)
    );
    assert_eq!(Pin::parse(" "), Ok(None));
    assert_eq!(Pin::parse("12 34"), Err(BadInput::BadPin));
}
