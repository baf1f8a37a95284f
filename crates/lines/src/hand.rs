//! The same set-up by hand: steps in words and commands to copy, with the person's own values filled in. No password
//! stands in them.

use serde_json::{Value, json};

use crate::mark::Mark;
use crate::plan_signalwire::{address_name, dial_out_name, encryption, handler_name};
use crate::swml;
use crate::telnyx::object_name;
use crate::twilio::list_name;
use crate::wanted::{HandlerUrl, LiveKitSip, ROOM_PREFIX, Wanted, WantedProvider};

/// One step by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandStep {
    /// What to do, in words.
    pub text: String,
    /// A command that does it, empty if there is none.
    pub command: String,
}

/// All of them.
#[must_use]
pub fn steps(wanted: &Wanted) -> Vec<HandStep> {
    let mut steps = Vec::new();
    steps.extend(crate::plan::own_server(wanted).map(|text| step(text, "")));
    match &wanted.provider {
        WantedProvider::Twilio { livekit, domain } => twilio(&mut steps, wanted, livekit.uri(wanted.secure), domain.as_str()),
        WantedProvider::Telnyx { livekit } => telnyx(&mut steps, wanted, livekit),
        WantedProvider::SignalWire { livekit, handler, .. } => {
            signalwire(&mut steps, wanted, livekit, handler.as_ref());
        }
        WantedProvider::Other { host, .. } => steps.push(step(
            format!(
                "At your provider, send calls to {} to the SIP URI of your LiveKit project, and let calls from LiveKit in at {host} with user name and password.",
                crate::plan::listed(&wanted.numbers)
            ),
            "",
        )),
        WantedProvider::LiveKitNumbers => {}
    }
    let address = match &wanted.provider {
        WantedProvider::Twilio { domain, .. } => domain.as_str(),
        WantedProvider::Telnyx { .. } => crate::telnyx::ADDRESS,
        WantedProvider::SignalWire { by_hand, .. } => by_hand
            .as_ref()
            .map_or("SERVER OF THE SIP ADDRESS", |host| host.as_str()),
        WantedProvider::Other { host, .. } => host.as_str(),
        WantedProvider::LiveKitNumbers => "",
    };
    let transport = wanted.transport();
    let numbers: Vec<&str> = wanted
        .numbers
        .iter()
        .map(|number| number.as_str())
        .collect();
    let mark = Mark::of(wanted).text();
    let rule = json!({"dispatch_rule_individual": {
        "room_prefix": ROOM_PREFIX, "pin": wanted.pin.as_ref().map_or("", |pin| pin.as_str())}});
    if !address.is_empty() {
        steps.push(with_json(
            "In LiveKit, make an outbound trunk. Put user name and password in before you run it.",
            "lk sip outbound create",
            &json!({"trunk": {"name": wanted.name.as_str(), "address": address, "transport": transport.livekit(),
                "numbers": numbers, "auth_username": "USER NAME", "auth_password": "PASSWORD", "metadata": mark}}),
        ));
        steps.push(with_json(
            "In LiveKit, make an inbound trunk for the numbers. Its id (ST_…) is needed next.",
            "lk sip inbound create",
            &json!({"trunk": {"name": wanted.name.as_str(), "numbers": numbers, "metadata": mark}}),
        ));
    }
    let (trunks, called): (Vec<&str>, Vec<&str>) = if address.is_empty() {
        (Vec::new(), numbers)
    } else {
        (vec!["ST_OF_THE_INBOUND_TRUNK"], Vec::new())
    };
    steps.push(with_json(
        &format!(
            "In LiveKit, make a dispatch rule: a room of its own for every caller, with the prefix {ROOM_PREFIX}."
        ),
        "lk sip dispatch create",
        &json!({"dispatch_rule": {"name": wanted.name.as_str(), "trunk_ids": trunks, "numbers": called,
            "rule": rule, "metadata": mark}}),
    ));
    steps.push(step(
        "Call the number from another phone, and call that phone from Deskline. A set-up is done when both were heard.".into(),
        "",
    ));
    steps
}

fn twilio(steps: &mut Vec<HandStep>, wanted: &Wanted, uri: String, domain: &str) {
    let name = quoted(wanted.name.as_str());
    let list = quoted(&list_name(wanted));
    steps.push(step(
        format!("In Twilio, make a trunk with the termination URI {domain}. Its id (TK…) is needed next."),
        &format!(
            "twilio api:trunking:v1:trunks:create --friendly-name {name} --domain-name {domain}{} --transfer-mode enable-all",
            if wanted.secure { " --secure" } else { "" }
        ),
    ));
    steps.push(step(
        format!("On that trunk, add the origination URI {uri} with priority 1 and weight 1."),
        &format!(
            "twilio api:trunking:v1:trunks:origination-urls:create --trunk-sid TK… --friendly-name {list} --sip-url '{uri}' --weight 1 --priority 1 --enabled"
        ),
    ));
    steps.push(step(
        "In Twilio, make a credential list with a user name and a password of 12 characters or more, and choose it on the trunk under Termination.".into(),
        &format!("twilio api:core:sip:credential-lists:create --friendly-name {list}"),
    ));
    for number in &wanted.numbers {
        steps.push(step(
            format!("In Twilio, connect {number} to the trunk."),
            "twilio api:trunking:v1:trunks:phone-numbers:create --trunk-sid TK… --phone-number-sid PN…",
        ));
    }
}

fn telnyx(steps: &mut Vec<HandStep>, wanted: &Wanted, livekit: &LiveKitSip) {
    let name = object_name(wanted);
    let transport = if wanted.secure { "TLS" } else { "TCP" };
    let texts = [
        format!("At Telnyx, make an outbound voice profile “{name}” with the countries you call."),
        format!(
            "At Telnyx, make a SIP connection “{name}” of the type FQDN, over {transport}, and choose that profile for its outbound calls."
        ),
        format!(
            "Add the FQDN {} to it, and set the number format to +E.164 for both the called number and the caller's.",
            livekit.host()
        ),
        "Choose credentials as its outbound authentication, with a user name of letters and digits and a password of 12 characters or more.".to_owned(),
    ];
    steps.extend(texts.map(|text| step(text, "")));
    for number in &wanted.numbers {
        steps.push(step(format!("At Telnyx, connect {number} to it."), ""));
    }
}

fn signalwire(
    steps: &mut Vec<HandStep>,
    wanted: &Wanted,
    livekit: &LiveKitSip,
    handler: Option<&HandlerUrl>,
) {
    let (outward, inward) = (dial_out_name(wanted), handler_name(wanted));
    let out = wanted.numbers.first().map(swml::to_phones);
    steps.push(step(
        format!("In the space at SignalWire, add a resource of the kind SWML script named “{outward}” with this text."),
        &out.map(|out| out.program().to_string()).unwrap_or_default(),
    ));
    steps.push(step(
        format!(
            "Add a SIP address “{}” to that script: any user, a password of 24 characters that is no API token, encryption {}. Copy the address that SignalWire shows; only what stands behind the @ is needed.",
            address_name(wanted, ""),
            encryption(wanted.secure)
        ),
        "",
    ));
    match handler {
        None => steps.push(step(
            format!("Add another SWML script named “{inward}” with this text."),
            &swml::to_livekit(livekit, wanted.secure)
                .program()
                .to_string(),
        )),
        Some(url) => steps.push(step(
            format!("Add a resource of the kind SWML webhook named “{inward}” that asks {url}."),
            "",
        )),
    }
    for number in &wanted.numbers {
        steps.push(step(
            format!("At SignalWire, let “{inward}” handle the calls to {number}."),
            "",
        ));
    }
}

fn step(text: String, command: &str) -> HandStep {
    HandStep {
        text,
        command: command.to_owned(),
    }
}

fn with_json(text: &str, command: &str, body: &Value) -> HandStep {
    step(
        text.to_owned(),
        &format!("printf '%s' {} | {command} -", quoted(&body.to_string())),
    )
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;
    use crate::wanted::{LineName, Number, TrunkDomain};

    #[test]
    fn the_persons_own_values_are_filled_in() {
        let wanted = Wanted::new(
            LineName::parse("Priya's desk; rm -rf /").unwrap(),
            vec![Number::parse("+12125550100", Region::US).unwrap()],
            WantedProvider::Twilio {
                livekit: LiveKitSip::parse("abc.sip.livekit.cloud").unwrap(),
                domain: TrunkDomain::parse("priya").unwrap(),
            },
        )
        .unwrap();
        let steps = steps(&wanted);
        let all: String = steps
            .iter()
            .map(|step| format!("{}\n{}\n", step.text, step.command))
            .collect();
        for own in [
            "sip:abc.sip.livekit.cloud;transport=tcp",
            "priya.pstn.twilio.com",
            "+12125550100",
            r"'Priya'\''s desk; rm -rf /'",
        ] {
            assert!(all.contains(own), "{own} in\n{all}");
        }
        assert_eq!(steps.len(), 8);
    }

    #[test]
    fn ports_are_asked_of_those_who_run_livekit_themselves_only() {
        let with = |sip: &str| {
            let number = Number::parse("+12125550100", Region::US).unwrap();
            let livekit = LiveKitSip::parse(sip).unwrap();
            let name = LineName::parse("Desk").unwrap();
            let provider = WantedProvider::Telnyx { livekit };
            let wanted = Wanted::new(name, vec![number], provider).unwrap();
            let plan = crate::plan(&wanted, &crate::Found::default(), None);
            (format!("{:?}", steps(&wanted)), plan.notes.join(" "))
        };
        let (hand, notes) = with("sip.example.com:5060");
        assert!(hand.contains("UDP 10000 to 20000") && notes.contains("UDP 10000 to 20000"));
        let (hand, notes) = with("abc.eu.sip.livekit.cloud");
        assert!(!hand.contains("10000") && notes.is_empty(), "{notes}");
    }

    #[test]
    fn signalwire_by_hand_has_both_programs_and_waits_for_the_address() {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let provider = |by_hand| WantedProvider::SignalWire {
            livekit: LiveKitSip::parse("abc.sip.livekit.cloud").unwrap(),
            handler: None,
            by_hand,
        };
        let name = LineName::parse("Front desk").unwrap();
        let wanted = Wanted::new(name.clone(), vec![number.clone()], provider(None)).unwrap();
        let all = format!("{:?}", steps(&wanted));
        for own in [
            "Front desk LiveKit out",
            "sip:%{call.to}@abc.sip.livekit.cloud;transport=tcp",
            "SERVER OF THE SIP ADDRESS",
            "SIP_TRANSPORT_TLS",
        ] {
            assert!(all.contains(own), "{own} in\n{all}");
        }
        let pasted = crate::wanted::sip_address("sip:*@acme-desk.dapp.signalwire.com").unwrap();
        let wanted = Wanted::new(name, vec![number], provider(pasted)).unwrap();
        let all = format!("{:?}", steps(&wanted));
        assert!(
            all.contains("\\\"address\\\":\\\"acme-desk.dapp.signalwire.com\\\""),
            "{all}"
        );
    }
}
