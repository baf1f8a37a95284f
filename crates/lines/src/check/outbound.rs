//! What LiveKit's way out says.

use super::view::{Encryption, View};
use super::{Facts, Finding, Fix, Level, Say, pair};
use crate::livekit::OutboundTrunk;
use crate::plan::listed;
use crate::wanted::ProviderKind;

/// Everything about the way out of a line.
pub(super) fn trunk(facts: &Facts, trunk: &OutboundTrunk, findings: &mut Vec<Finding>) {
    let view = facts.view();
    mistyped_address(facts, view.as_ref(), trunk, findings);
    encryption(facts, view.as_ref(), trunk, findings);
    token_for_a_password(trunk, findings);
    strangers(facts, trunk, findings);
}

fn mistyped_address(
    facts: &Facts,
    view: Option<&View>,
    trunk: &OutboundTrunk,
    findings: &mut Vec<Finding>,
) {
    let is_twilio = facts.kept.provider == ProviderKind::Twilio;
    let is_telnyx = facts.kept.provider == ProviderKind::Telnyx;
    let is_signalwire = facts.kept.provider == ProviderKind::SignalWire;
    let taken_at = view.and_then(|view| view.takes_at.as_ref());
    // None at all is not a mistyped one: then nobody is let in (D21).
    let taken_at = taken_at.filter(|hosts| !hosts.is_empty());
    let address = trunk.address.as_str();
    let mistyped = address.is_empty()
        || address.contains(['@', ';', ' ', '/'])
        || address.to_lowercase().starts_with("sip:")
        || address
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_err())
        || (is_twilio && !address.ends_with(".pstn.twilio.com"))
        || ((is_telnyx || address.ends_with(".telnyx.com")) && address != crate::telnyx::ADDRESS)
        || (is_signalwire && !address.ends_with(".signalwire.com"))
        || taken_at.is_some_and(|hosts| !hosts.iter().any(|host| host == address));
    if !mistyped {
        return;
    }
    Say {
        id: "D22",
        level: Level::Problem,
        verdict: "The address to dial out through is mistyped.".into(),
        evidence: vec![
            pair(
                "LiveKit calls out to",
                if address.is_empty() {
                    "nothing"
                } else {
                    address
                },
            ),
            pair(
                "It should be",
                match (&facts.kept.domain, &facts.kept.host, taken_at) {
                    (Some(domain), _, _) => domain.as_str().to_owned(),
                    (None, Some(host), _) => host.as_str().to_owned(),
                    (None, None, Some(hosts)) => hosts.join(", "),
                    (None, None, None) if is_telnyx => crate::telnyx::ADDRESS.to_owned(),
                    (None, None, None) => "the name of a server".to_owned(),
                },
            ),
        ],
        fix: Fix::SetUpAgain,
    }
    .to(findings);
}

fn encryption(
    facts: &Facts,
    view: Option<&View>,
    trunk: &OutboundTrunk,
    findings: &mut Vec<Finding>,
) {
    let is_signalwire = facts.kept.provider == ProviderKind::SignalWire;
    let tls = trunk.transport == "SIP_TRANSPORT_TLS";
    let requires = trunk.encryption == "SIP_MEDIA_ENCRYPT_REQUIRE";
    let none = trunk.encryption == "SIP_MEDIA_ENCRYPT_DISABLE";
    let secure = facts.wanted.secure;
    let at_provider = match view {
        Some(view) => view.end.as_ref().map(|end| end.encryption),
        None if is_signalwire && !secure => Some(Encryption::Either),
        None => facts
            .kept
            .provider
            .has_api()
            .then(|| Encryption::of(secure)),
    };
    let disagrees = match at_provider {
        Some(Encryption::Always) => !tls || none,
        Some(Encryption::Never) => tls || requires,
        // Or another provider, whose wish is not known: sound encrypted over an open line is nobody's.
        Some(Encryption::Either) | None => {
            requires && !tls && trunk.transport != "SIP_TRANSPORT_AUTO"
        }
    };
    if !disagrees {
        return;
    }
    Say {
        id: "D24",
        level: Level::Problem,
        verdict: "One side insists on encryption, the other does not offer it.".into(),
        evidence: vec![
            pair("LiveKit's transport", trunk.transport.clone()),
            pair("LiveKit's sound", trunk.encryption.clone()),
            pair(
                "The provider",
                match at_provider {
                    Some(Encryption::Always) => "encrypted calls only",
                    Some(Encryption::Never) => "no encryption",
                    Some(Encryption::Either) => "as LiveKit wishes",
                    None => "not known",
                },
            ),
        ],
        fix: Fix::SetUpAgain,
    }
    .to(findings);
}

fn token_for_a_password(trunk: &OutboundTrunk, findings: &mut Vec<Finding>) {
    let password = trunk.password.as_ref();
    if !password.is_some_and(|password| crate::signalwire::is_token(password.expose())) {
        return;
    }
    Say {
            id: "D21",
            level: Level::Advice,
            verdict: "The password for dialling out is an API token of SignalWire: whoever can read the trunk could change the whole space.".into(),
            evidence: vec![pair("The password", "begins with PT and is as long as a token")],
            fix: Fix::ByHand("Give the SIP address a password of its own, set the line up again with it, and delete the token at SignalWire.".into()),
        }
        .to(findings);
}

fn strangers(facts: &Facts, trunk: &OutboundTrunk, findings: &mut Vec<Finding>) {
    let own = &facts.wanted.numbers;
    let is_own = |number: &String| own.iter().any(|own| own.as_str() == number);
    if trunk.numbers.iter().all(is_own) {
        return;
    }
    Say {
        id: "D25",
        level: Level::Problem,
        verdict: "The number you show is not one of yours.".into(),
        evidence: vec![
            pair("LiveKit may show", trunk.numbers.join(", ")),
            pair("Your numbers", listed(&facts.wanted.numbers)),
        ],
        fix: Fix::SetUpAgain,
    }
    .to(findings);
}
