//! The steps at SignalWire.

use serde_json::{Value, json};

use crate::credential::Credential;
use crate::journal::Object;
use crate::plan::{Plan, Problem};
use crate::plan_numbers::{Binding, numbers as bind};
use crate::signalwire::{Handler, SignalWireFound, SipAddress};
use crate::step::{Action, Step, StepKey};
use crate::swml::{self, Connect};
use crate::wanted::{HandlerUrl, LiveKitSip, Wanted, WantedProvider};

/// The problem that is solved by doing the steps by hand.
pub(crate) const BY_HAND: &str = "by_hand";
/// Longest part of a line's name in the name of a SIP address, which has 50 characters at most.
const LONGEST_SLUG: usize = 32;
/// Longest part that stands for the password.
const LONGEST_TAG: usize = 16;

/// The name of the script that calls phones.
pub(crate) fn dial_out_name(wanted: &Wanted) -> String {
    format!("{} LiveKit out", wanted.name)
}

/// The name of what answers callers.
pub(crate) fn handler_name(wanted: &Wanted) -> String {
    format!("{} LiveKit in", wanted.name)
}

/// The name of the SIP address that has the password of this user name: small letters, digits and single hyphens.
pub(crate) fn address_name(wanted: &Wanted, user: &str) -> String {
    let small = |text: &str, most: usize| -> String {
        let mut name = String::new();
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                name.push(c.to_ascii_lowercase());
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
            if name.len() >= most {
                break;
            }
        }
        name.trim_matches('-').to_owned()
    };
    let slug = small(wanted.id.as_str(), LONGEST_SLUG);
    let tag = small(user.strip_prefix("deskline").unwrap_or(user), LONGEST_TAG);
    let parts = [slug.as_str(), tag.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        "line".to_owned()
    } else {
        parts.join("-")
    }
}

/// What a SIP address asks of the sound.
pub(crate) fn encryption(secure: bool) -> &'static str {
    if secure { "required" } else { "optional" }
}

/// The SIP address of the line's password, if it is there.
pub(crate) fn own_address<'a>(
    wanted: &Wanted,
    found: &'a SignalWireFound,
    user: &str,
) -> Option<&'a SipAddress> {
    let name = address_name(wanted, user);
    found.addresses.iter().find(|one| one.name == name)
}

/// Script, SIP address with its password, handler.
pub(crate) fn before(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &SignalWireFound,
    credential: Option<&Credential>,
) {
    let WantedProvider::SignalWire {
        livekit, handler, ..
    } = &wanted.provider
    else {
        return;
    };
    if let Some(words) = &found.no_api {
        let said = if words.is_empty() {
            String::new()
        } else {
            format!("; it says: “{words}”")
        };
        plan.problems.push(Problem {
            code: BY_HAND,
            words: format!(
                "SignalWire does not let Deskline make scripts and SIP addresses in this space{said}. Give the token the Voice scope, or do the steps by hand and paste the SIP address here."
            ),
        });
        return;
    }
    dial_out(plan, wanted, found);
    if let Some(credential) = credential {
        address(plan, wanted, found, credential);
    }
    match handler {
        None => script(plan, wanted, found, livekit),
        Some(url) => webhook(plan, wanted, found, url),
    }
}

/// One object that is made, changed or kept: the same for scripts and webhooks.
struct Wish<'a> {
    object: Object,
    title: &'a str,
    name: String,
    /// What it does, in words.
    does: String,
    fields: Value,
    fits: bool,
}

fn handle(plan: &mut Plan, there: Option<&Handler>, nothing: &str, wish: Wish<'_>) {
    let key = StepKey::of(wish.object);
    let name = wish.name;
    let after = format!("“{name}”, {}", wish.does);
    match there {
        None => plan.steps.push(Step::new(
            key,
            wish.title,
            (nothing, after),
            Action::Create {
                parent: None,
                fields: wish.fields,
            },
        )),
        Some(_) if wish.fits => plan.kept.push(format!("“{name}”")),
        Some(there) => plan.steps.push(
            Step::new(
                key,
                wish.title,
                (format!("“{name}”, {}", now(there)), after),
                Action::Update {
                    parent: None,
                    id: there.id.clone(),
                    fields: wish.fields,
                },
            )
            .with_before(there.raw.clone()),
        ),
    }
}

/// What a handler does at present.
fn now(there: &Handler) -> String {
    let words = match &there.connect {
        Some(connect) if connect.from.is_empty() => format!("sends calls to {}", connect.to),
        Some(connect) => format!("calls as {}", connect.from),
        None if !there.url.is_empty() => format!("asks {}", there.url),
        None => "does something Deskline does not know".to_owned(),
    };
    crate::service::words(&words)
}

fn does(there: Option<&Handler>, connect: &Connect) -> bool {
    there.is_some_and(|there| there.connect.as_ref() == Some(connect))
}

fn dial_out(plan: &mut Plan, wanted: &Wanted, found: &SignalWireFound) {
    let Some(shown) = wanted.numbers.first() else {
        return;
    };
    let connect = swml::to_phones(shown);
    let name = dial_out_name(wanted);
    let wish = Wish {
        object: Object::SignalWireDialOut,
        title: "Script for dialling out",
        does: format!("calls as {shown}"),
        fields: json!({ "name": name, "contents": connect.program() }),
        fits: does(found.dial_out.as_ref(), &connect),
        name,
    };
    handle(plan, found.dial_out.as_ref(), "nothing", wish);
}

fn address(plan: &mut Plan, wanted: &Wanted, found: &SignalWireFound, credential: &Credential) {
    let key = StepKey::of(Object::SignalWireAddress);
    let title = "Password for dialling out";
    let name = address_name(wanted, &credential.user);
    let parent = found.dial_out.as_ref().map(|one| one.id.clone());
    let wish = encryption(wanted.secure);
    let sound = |word: &str| match word {
        "required" => "encrypted calls only",
        "forbidden" => "no encryption",
        _ => "encryption if asked for",
    };
    match own_address(wanted, found, &credential.user) {
        None => {
            let fields = json!({
                "name": name,
                "user": crate::signalwire::ANY_USER,
                "calling_handler_resource_id": parent,
                "encryption": wish,
            });
            let after = format!("“{name}”, a password of 24 characters, {}", sound(wish));
            let action = Action::Create { parent, fields };
            plan.steps
                .push(Step::new(key, title, ("nobody can call out", after), action));
        }
        Some(there) if Some(&there.handler) != parent.as_ref() => plan.problems.push(Problem {
            code: "sip_address_elsewhere",
            words: format!(
                "The SIP address “{name}” belongs to another handler, and SignalWire cannot move it. Delete it in the space, or give this line another name."
            ),
        }),
        Some(there) if there.encryption != wish => plan.steps.push(
            Step::new(
                key,
                title,
                (
                    format!("“{name}”, {}", sound(&there.encryption)),
                    format!("“{name}”, {}", sound(wish)),
                ),
                Action::Update {
                    parent,
                    id: there.id.clone(),
                    fields: json!({ "encryption": wish }),
                },
            )
            .with_before(json!({ "encryption": there.encryption })),
        ),
        Some(_) => plan.kept.push(format!("the SIP address “{name}”")),
    }
    let script = found.dial_out.as_ref().map(|one| one.id.as_str());
    for other in &found.addresses {
        if Some(other.handler.as_str()) == script && other.name != name {
            plan.notes.push(format!(
                "The SIP address “{}” can call out too. Delete it in the space if nothing uses it.",
                crate::service::words(&other.name)
            ));
        }
    }
}

fn script(plan: &mut Plan, wanted: &Wanted, found: &SignalWireFound, livekit: &LiveKitSip) {
    let connect = swml::to_livekit(livekit, wanted.secure);
    let name = handler_name(wanted);
    let wish = Wish {
        object: Object::SignalWireHandler,
        title: "Send calls to LiveKit",
        does: format!("sends calls to {}", connect.to),
        fields: json!({ "name": name, "contents": connect.program() }),
        fits: does(found.handler.as_ref(), &connect),
        name,
    };
    handle(plan, found.handler.as_ref(), "calls go nowhere", wish);
}

fn webhook(plan: &mut Plan, wanted: &Wanted, found: &SignalWireFound, url: &HandlerUrl) {
    let name = handler_name(wanted);
    let there = found.handler.as_ref();
    let wish = Wish {
        object: Object::SignalWireHandler,
        title: "Ask the handler what to do with callers",
        does: format!("asks {url}"),
        fields: json!({ "name": name, "primary_request_url": url.as_str(),
            "primary_request_method": "POST", "used_for": "calling" }),
        fits: there.is_some_and(|there| there.url == url.as_str()),
        name,
    };
    handle(plan, there, "calls go nowhere", wish);
    plan.notes.push(format!(
        "What becomes of callers is decided by {url}. Deskline only knows whether it answers."
    ));
}

/// The numbers, last of all.
pub(crate) fn numbers(plan: &mut Plan, wanted: &Wanted, found: &SignalWireFound) {
    let own = found.handler.as_ref().map(|one| one.id.as_str());
    let binding = Binding {
        object: Object::SignalWireNumber,
        provider: "SignalWire",
        own,
        there: format!("answered by “{}”", handler_name(wanted)),
        kind: "resource",
        fields: |owned| json!({ "number_id": owned.id }),
    };
    bind(plan, wanted, &found.numbers, &found.resources, &binding);
}

/// What there is of a step's object.
pub(crate) fn object_of(
    key: &StepKey,
    wanted: &Wanted,
    found: &SignalWireFound,
    credential: Option<&Credential>,
) -> Option<(String, Value)> {
    if let Some(number) = &key.number {
        let mut owned = found.numbers.iter();
        let own = owned.find(|owned| owned.number == number.as_str());
        return own.map(|owned| (owned.id.clone(), owned.raw.clone()));
    }
    let of = |handler: &Option<Handler>| {
        let handler = handler.as_ref();
        handler.map(|one| (one.id.clone(), one.raw.clone()))
    };
    if key.object == Object::SignalWireDialOut {
        of(&found.dial_out)
    } else if key.object == Object::SignalWireHandler {
        of(&found.handler)
    } else {
        own_address(wanted, found, &credential?.user).map(|one| (one.id.clone(), one.raw.clone()))
    }
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use vault::Secret;

    use super::*;
    use crate::wanted::{LineName, Number};

    #[test]
    fn a_sip_address_of_another_handler_stands_in_the_way() {
        let provider = WantedProvider::SignalWire {
            livekit: LiveKitSip::parse("abc.sip.livekit.cloud").unwrap(),
            handler: None,
            by_hand: None,
        };
        let name = LineName::parse("Front desk").unwrap();
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let wanted = Wanted::new(name, vec![number], provider).unwrap();
        let credential = Credential::new("desklinea".into(), Secret::new("x".into()));
        let mut found = SignalWireFound {
            addresses: vec![SipAddress {
                name: "front-desk-a".into(),
                handler: "other".into(),
                ..SipAddress::default()
            }],
            ..SignalWireFound::default()
        };
        let mut plan = Plan::default();
        before(&mut plan, &wanted, &found, Some(&credential));
        assert_eq!(plan.problems[0].code, "sip_address_elsewhere");
        // Another one that calls out over the line's own script is named.
        found.dial_out = Some(Handler {
            id: "1".into(),
            ..Handler::default()
        });
        found.addresses[0].name = "front-desk-b".into();
        found.addresses[0].handler = "1".into();
        let mut plan = Plan::default();
        before(&mut plan, &wanted, &found, Some(&credential));
        assert!(plan.problems.is_empty() && plan.notes[0].contains("front-desk-b"));
    }

    #[test]
    fn the_name_of_a_sip_address_keeps_signalwires_rule_and_stands_for_a_password() {
        for (line, user, name) in [
            ("Front desk", "desklineab12cd34", "front-desk-ab12cd34"),
            ("Empfang Süd!", "desklineab12cd34", "empfang-s-d-ab12cd34"),
            ("日本", "desklineab12cd34", "ab12cd34"),
            ("日本", "", "line"),
            ("Desk", "pbx.1@x", "desk-pbx-1-x"),
        ] {
            let wanted = Wanted::new(
                LineName::parse(line).unwrap(),
                vec![Number::parse("+12125550100", Region::US).unwrap()],
                WantedProvider::LiveKitNumbers,
            )
            .unwrap();
            assert_eq!(address_name(&wanted, user), name);
            assert!(name.len() <= 50 && !name.contains("--"));
        }
    }
}
