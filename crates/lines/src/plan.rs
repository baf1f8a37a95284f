//! From what is wanted and what is found to the steps between: pure, so that a plan can be shown, compared and tested.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::credential::Credential;
use crate::found::{Found, ProviderFound};
use crate::journal::{Object, Place};
use crate::livekit::{DispatchRule, InboundTrunk, OutboundTrunk, RuleKind, with_fields};
use crate::mark::Mark;
use crate::step::{Action, Step, StepKey};
use crate::wanted::{Number, ProviderKind, ROOM_PREFIX, Wanted, WantedProvider, normalized};
use crate::{plan_signalwire, plan_telnyx, plan_twilio, signalwire, telnyx};

/// Why a line cannot be set up as wanted: what, why, what next. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A word for programs.
    pub code: &'static str,
    /// For the person.
    pub words: String,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In this order. Empty: everything is as wanted.
    pub steps: Vec<Step>,
    /// What is there already and stays, in words.
    pub kept: Vec<String>,
    /// What the person should know or do by hand.
    pub notes: Vec<String>,
    /// What stands in the way. With one of these nothing is done at all.
    pub problems: Vec<Problem>,
}

/// The objects of a line among all there are.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Picked<'a> {
    pub(crate) inbound: Option<&'a InboundTrunk>,
    pub(crate) outbound: Option<&'a OutboundTrunk>,
    pub(crate) rule: Option<&'a DispatchRule>,
}

/// The steps from `found` to `wanted`. `credential` is what LiveKit signs in with at the provider; only its name and whether
/// its password is the one in place matter here, the password itself goes into no plan.
#[must_use]
pub fn plan(wanted: &Wanted, found: &Found, credential: Option<&Credential>) -> Plan {
    let mut plan = Plan::default();
    let picked = pick(wanted, found);
    match &found.provider {
        ProviderFound::Twilio(twilio) => {
            plan_twilio::before(&mut plan, wanted, twilio, credential);
        }
        ProviderFound::Telnyx(telnyx) => {
            plan_telnyx::before(&mut plan, wanted, telnyx, credential);
        }
        ProviderFound::SignalWire(signalwire) => {
            plan_signalwire::before(&mut plan, wanted, signalwire, credential);
        }
        ProviderFound::Nothing => {}
    }
    plan.notes.extend(own_server(wanted));
    let has_trunks = wanted.provider.kind() != ProviderKind::LiveKitNumbers;
    if has_trunks {
        outbound(&mut plan, wanted, found, &picked, credential);
        inbound(&mut plan, wanted, found, &picked);
    }
    rule(&mut plan, wanted, found, &picked, has_trunks);
    match &found.provider {
        ProviderFound::Twilio(twilio) => plan_twilio::numbers(&mut plan, wanted, twilio),
        ProviderFound::Telnyx(telnyx) => plan_telnyx::numbers(&mut plan, wanted, telnyx),
        ProviderFound::SignalWire(signalwire) => {
            plan_signalwire::numbers(&mut plan, wanted, signalwire);
        }
        ProviderFound::Nothing => {}
    }
    plan
}

/// LiveKit's way in alone: the trunk that takes the calls, and the rule behind it. The provider is not looked at.
pub(crate) fn way_in(wanted: &Wanted, found: &Found, has_trunks: bool) -> Plan {
    let mut plan = Plan::default();
    let picked = pick(wanted, found);
    if has_trunks {
        inbound(&mut plan, wanted, found, &picked);
    }
    rule(&mut plan, wanted, found, &picked, has_trunks);
    plan
}

/// What whoever runs LiveKit has to open; nobody is asked that whose LiveKit runs in its cloud.
pub(crate) fn own_server(wanted: &Wanted) -> Option<String> {
    let livekit = wanted.livekit_sip().filter(|sip| !sip.is_cloud())?;
    Some(format!(
        "LiveKit runs on a server of your own, {}. Its firewall has to let in port 5060 ({}) for calls and UDP 10000 to 20000 for their sound, unless your LiveKit SIP settings name others. A tunnel for the first alone lets phones ring and carries no sound.",
        livekit.host(),
        if wanted.secure {
            "5061 with TLS"
        } else {
            "TCP and UDP"
        },
    ))
}

/// Which of the objects are this line's: marked ones, or others that do the same.
pub(crate) fn pick<'a>(wanted: &Wanted, found: &'a Found) -> Picked<'a> {
    let ours = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.line == wanted.id);
    let livekit = &found.livekit;
    let inbound = livekit
        .inbound
        .iter()
        .find(|trunk| ours(&trunk.mark))
        .or_else(|| {
            let mut owners = livekit
                .inbound
                .iter()
                .filter(|trunk| trunk.mark.is_none() && shares(&trunk.numbers, &wanted.numbers));
            // With two there is no telling which.
            owners.next().filter(|_| owners.next().is_none())
        });
    let address = address(wanted, found, None);
    let outbound = livekit
        .outbound
        .iter()
        .find(|trunk| ours(&trunk.mark))
        .or_else(|| {
            livekit.outbound.iter().find(|trunk| {
                trunk.mark.is_none()
                    && Some(trunk.address.as_str()) == address.as_deref()
                    && has_all(&trunk.numbers, &wanted.numbers)
            })
        });
    let rule = match wanted.provider {
        WantedProvider::LiveKitNumbers => livekit
            .rules
            .iter()
            .find(|rule| ours(&rule.mark))
            .or_else(|| {
                livekit.rules.iter().find(|rule| {
                    rule.mark.is_none()
                        && rule.trunks.is_empty()
                        && shares(&rule.numbers, &wanted.numbers)
                })
            }),
        WantedProvider::Twilio { .. }
        | WantedProvider::Telnyx { .. }
        | WantedProvider::SignalWire { .. }
        | WantedProvider::Other { .. } => {
            let named: Vec<&DispatchRule> = livekit
                .rules
                .iter()
                .filter(|rule| inbound.is_some_and(|trunk| rule.trunks.contains(&trunk.id)))
                .collect();
            let marked = || livekit.rules.iter().find(|rule| ours(&rule.mark));
            named
                .iter()
                .copied()
                .find(|rule| ours(&rule.mark))
                .or_else(marked)
                .or_else(|| named.iter().copied().find(|rule| is_ours_in_kind(rule)))
                .or_else(|| named.first().copied().filter(|rule| rule.mark.is_none()))
        }
    };
    Picked {
        inbound,
        outbound,
        rule,
    }
}

fn is_ours_in_kind(rule: &DispatchRule) -> bool {
    rule.kind
        == RuleKind::Individual {
            prefix: ROOM_PREFIX.into(),
        }
}

fn shares(has: &[String], wanted: &[Number]) -> bool {
    has.iter()
        .any(|number| wanted.iter().any(|own| own.as_str() == normalized(number)))
}

fn has_all(has: &[String], wanted: &[Number]) -> bool {
    wanted
        .iter()
        .all(|own| has.iter().any(|number| own.as_str() == normalized(number)))
}

fn has_exactly(has: &[String], wanted: &[Number]) -> bool {
    let has: BTreeSet<String> = has.iter().map(|number| normalized(number)).collect();
    let wanted: BTreeSet<String> = wanted.iter().map(|own| own.as_str().to_owned()).collect();
    has == wanted
}

/// Where LiveKit sends calls out: known before anything is made, but for SignalWire, which names it when it makes it; until
/// then it is empty. `None`: nobody is called.
pub(crate) fn address(
    wanted: &Wanted,
    found: &Found,
    credential: Option<&Credential>,
) -> Option<String> {
    match &wanted.provider {
        WantedProvider::Twilio { domain, .. } => Some(
            found
                .twilio()
                .and_then(|twilio| twilio.trunk.as_ref())
                .map_or_else(|| domain.as_str().to_owned(), |trunk| trunk.domain.clone()),
        ),
        WantedProvider::Telnyx { .. } => Some(telnyx::ADDRESS.to_owned()),
        WantedProvider::SignalWire {
            by_hand: Some(host),
            ..
        } => Some(host.as_str().to_owned()),
        WantedProvider::SignalWire { by_hand: None, .. } => {
            let own = found.signalwire().and_then(|there| match credential {
                Some(credential) => plan_signalwire::own_address(wanted, there, &credential.user),
                // Whichever leads to the line's script.
                None => there.addresses.iter().find(|one| {
                    there
                        .dial_out
                        .as_ref()
                        .is_some_and(|script| script.id == one.handler)
                }),
            });
            Some(own.map(|own| own.host.clone()).unwrap_or_default())
        }
        WantedProvider::Other { host, .. } => Some(host.as_str().to_owned()),
        WantedProvider::LiveKitNumbers => None,
    }
}

/// Numbers, as a person reads them.
pub(crate) fn listed<T: AsRef<str>>(numbers: impl IntoIterator<Item = T>) -> String {
    let shown: Vec<String> = numbers
        .into_iter()
        .map(|number| call::number::shown(number.as_ref(), call::number::Region::default()))
        .collect();
    if shown.is_empty() {
        "any number".into()
    } else {
        shown.join(", ")
    }
}

impl AsRef<str> for Number {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

fn encryption(wanted: &Wanted) -> &'static str {
    if wanted.secure {
        "SIP_MEDIA_ENCRYPT_REQUIRE"
    } else {
        "SIP_MEDIA_ENCRYPT_DISABLE"
    }
}

fn headers_fit(trunk: &OutboundTrunk, wanted: &Wanted, user: &str) -> bool {
    let has = trunk.raw.0.get("headers");
    let wanted = headers(wanted, user);
    let wanted = wanted.as_object().into_iter().flatten();
    wanted
        .into_iter()
        .all(|(name, value)| has.and_then(|has| has.get(name)) == Some(value))
}

/// What goes with every call to the outside. Telnyx may take a call for another customer's with the same sender unless the first
/// request names the user (its documentation).
fn headers(wanted: &Wanted, user: &str) -> Value {
    match &wanted.provider {
        WantedProvider::Telnyx { .. } if !user.is_empty() => json!({ "X-Telnyx-Username": user }),
        WantedProvider::Twilio { .. }
        | WantedProvider::Telnyx { .. }
        | WantedProvider::SignalWire { .. }
        | WantedProvider::Other { .. }
        | WantedProvider::LiveKitNumbers => json!({}),
    }
}

fn outbound(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &Found,
    picked: &Picked<'_>,
    credential: Option<&Credential>,
) {
    let Some(address) = address(wanted, found, credential) else {
        return;
    };
    let transport = wanted.transport();
    let user = credential.map_or("", |credential| credential.user.as_str());
    // A plan says the same before and after SignalWire has named the server.
    let shown = match &wanted.provider {
        WantedProvider::SignalWire { by_hand: None, .. } => {
            let name = plan_signalwire::address_name(wanted, user);
            format!("the SIP address “{name}”")
        }
        WantedProvider::Twilio { .. }
        | WantedProvider::Telnyx { .. }
        | WantedProvider::SignalWire { .. }
        | WantedProvider::Other { .. }
        | WantedProvider::LiveKitNumbers => address.clone(),
    };
    let fields = json!({
        "name": wanted.name.as_str(),
        "address": address,
        "transport": transport.livekit(),
        "numbers": wanted.numbers,
        "auth_username": user,
        "media_encryption": encryption(wanted),
        "metadata": Mark::of(wanted).text(),
        "headers": headers(wanted, user),
    });
    let after = format!(
        "to {shown}, {}, showing {}",
        if user.is_empty() {
            "without a password".into()
        } else {
            format!("as {user}")
        },
        listed(&wanted.numbers)
    );
    let kept = picked.outbound.and_then(|trunk| trunk.password.as_ref());
    let mut passwords = kept.into_iter().chain(credential.map(|own| &own.password));
    if passwords.any(|password| signalwire::is_token(password.expose())) {
        plan.notes.push(
            "The password for dialling out looks like an API token of SignalWire. Whoever can read the trunk could change the whole space: give the SIP address a password of its own, and delete that token."
                .into(),
        );
    }
    let step = |now: String, action: Action, before: Option<Value>| Step {
        key: StepKey::of(Object::OutboundTrunk),
        title: "LiveKit's way out".into(),
        now,
        after: after.clone(),
        warning: None,
        action,
        before,
    };
    let Some(trunk) = picked.outbound else {
        plan.steps.push(step(
            "nothing".into(),
            Action::Create {
                parent: None,
                fields,
            },
            None,
        ));
        return;
    };
    let password_fits = credential.is_none_or(|credential| {
        trunk
            .password
            .as_ref()
            .is_none_or(|there| there.expose() == credential.password.expose())
    });
    let fits = trunk.address == address
        && trunk.transport == transport.livekit()
        && has_exactly(&trunk.numbers, &wanted.numbers)
        && trunk.user == user
        && trunk.encryption == encryption(wanted)
        && headers_fit(trunk, wanted, user)
        && password_fits;
    if fits || (trunk.mark.is_none() && trunk.user == user && password_fits) {
        plan.kept
            .push(format!("LiveKit's way out, “{}”", trunk.name));
        return;
    }
    let now = format!(
        "to {}, {}, showing {}{}",
        trunk.address,
        if trunk.user.is_empty() {
            "without a password".into()
        } else {
            format!("as {}", trunk.user)
        },
        listed(&trunk.numbers),
        if password_fits {
            ""
        } else {
            ", with another password"
        },
    );
    let action = Action::Update {
        parent: None,
        id: trunk.id.clone(),
        fields: with_fields(&trunk.raw, fields),
    };
    plan.steps
        .push(step(now, action, Some(trunk.raw.0.clone())));
}

fn inbound(plan: &mut Plan, wanted: &Wanted, found: &Found, picked: &Picked<'_>) {
    let this = picked.inbound.map(|trunk| trunk.id.as_str());
    let others: Vec<&InboundTrunk> = found
        .livekit
        .inbound
        .iter()
        .filter(|trunk| Some(trunk.id.as_str()) != this && shares(&trunk.numbers, &wanted.numbers))
        .collect();
    for other in others {
        plan.problems.push(Problem {
            code: "number_on_another_trunk",
            words: format!(
                "{} is already on the LiveKit trunk “{}” ({}). Remove it there, or leave it out of this line.",
                listed(
                    wanted
                        .numbers
                        .iter()
                        .filter(|own| shares(&other.numbers, std::slice::from_ref(own)))
                ),
                other.name,
                other.id
            ),
        });
    }
    let step = |now: String, after: String, action: Action, before: Option<Value>| Step {
        key: StepKey::of(Object::InboundTrunk),
        title: "LiveKit's way in".into(),
        now,
        after,
        warning: None,
        action,
        before,
    };
    let Some(trunk) = picked.inbound else {
        let fields = json!({
            "name": wanted.name.as_str(),
            "numbers": wanted.numbers,
            "media_encryption": encryption(wanted),
            "metadata": Mark::of(wanted).text(),
        });
        plan.steps.push(step(
            "nothing".into(),
            format!("takes calls to {}", listed(&wanted.numbers)),
            Action::Create {
                parent: None,
                fields,
            },
            None,
        ));
        return;
    };
    if !trunk.allowed_numbers.is_empty() {
        plan.notes.push(format!(
            "The trunk “{}” takes calls from a list of callers only. The line check says more.",
            trunk.name
        ));
    }
    let is_ours = trunk.mark.is_some();
    let fits = if is_ours {
        has_exactly(&trunk.numbers, &wanted.numbers) && trunk.encryption == encryption(wanted)
    } else {
        has_all(&trunk.numbers, &wanted.numbers)
    };
    if fits {
        plan.kept
            .push(format!("LiveKit's way in, “{}”", trunk.name));
        return;
    }
    // Another's trunk keeps its other numbers.
    let numbers: Vec<String> = if is_ours {
        wanted
            .numbers
            .iter()
            .map(|own| own.as_str().to_owned())
            .collect()
    } else {
        let new = wanted
            .numbers
            .iter()
            .filter(|own| !has_all(&trunk.numbers, std::slice::from_ref(own)))
            .map(|own| own.as_str().to_owned());
        trunk.numbers.iter().cloned().chain(new).collect()
    };
    let mut fields = json!({ "numbers": numbers });
    if let (true, Value::Object(map)) = (is_ours, &mut fields) {
        map.insert("media_encryption".into(), json!(encryption(wanted)));
    }
    plan.steps.push(step(
        format!("takes calls to {}", listed(&trunk.numbers)),
        format!("takes calls to {}", listed(&numbers)),
        Action::Update {
            parent: None,
            id: trunk.id.clone(),
            fields: with_fields(&trunk.raw, fields),
        },
        Some(trunk.raw.0.clone()),
    ));
}

fn rule(plan: &mut Plan, wanted: &Wanted, found: &Found, picked: &Picked<'_>, has_trunks: bool) {
    let pin = wanted.pin.as_ref().map_or("", |pin| pin.as_str());
    let mut after = format!("a room of its own for every caller, “{ROOM_PREFIX}…”");
    if !pin.is_empty() {
        after.push_str(", after a PIN");
    }
    let body = json!({"dispatch_rule_individual": {"room_prefix": ROOM_PREFIX, "pin": pin}});
    let step = |now: String, warning: Option<String>, action: Action, before: Option<Value>| Step {
        key: StepKey::of(Object::Rule),
        title: "What becomes of callers".into(),
        now,
        after: after.clone(),
        warning,
        action,
        before,
    };
    let trunk = picked.inbound.map(|trunk| trunk.id.clone());
    // Without a trunk the rule names the numbers, or it would take the callers of every other line too.
    let (trunks, numbers) = if has_trunks {
        (trunk.clone().into_iter().collect::<Vec<_>>(), Vec::new())
    } else {
        (Vec::new(), wanted.numbers.clone())
    };
    let Some(rule) = picked.rule else {
        if !has_trunks {
            for other in &found.livekit.rules {
                if other.trunks.is_empty() && shares(&other.numbers, &wanted.numbers) {
                    plan.problems.push(Problem {
                        code: "number_on_another_rule",
                        words: format!(
                            "The rule “{}” ({}) is for this number already and belongs to another line. Remove that line first.",
                            other.name, other.id
                        ),
                    });
                }
            }
        }
        let fields = json!({
            "name": wanted.name.as_str(),
            "trunk_ids": trunks,
            "numbers": numbers,
            "rule": body,
            "metadata": Mark::of(wanted).text(),
            "attributes": {"line": wanted.id.as_str()},
        });
        let action = Action::Create {
            parent: trunk.or_else(|| (!has_trunks).then(String::new)),
            fields,
        };
        plan.steps.push(step(
            "callers have nowhere to go".into(),
            None,
            action,
            None,
        ));
        return;
    };
    if !rule.callers.is_empty() {
        plan.notes.push(format!(
            "The rule “{}” lets in only these callers: {}. The line check says more.",
            rule.name,
            rule.callers.join(", ")
        ));
    }
    let names_trunk = match &trunk {
        Some(trunk) => rule.trunks.contains(trunk),
        None => !has_trunks,
    };
    let names_numbers = has_trunks || has_all(&rule.numbers, &wanted.numbers);
    if is_ours_in_kind(rule) && rule.pin == pin && names_trunk && names_numbers {
        plan.kept.push(format!("the rule “{}”", rule.name));
        return;
    }
    let warning = rule.mark.is_none().then(|| {
        format!(
            "The rule “{}” was not made by Deskline. Whoever relies on it will see callers in other rooms. Undo puts it back.",
            rule.name
        )
    });
    let fields = json!({ "trunk_ids": trunks, "numbers": numbers, "rule": body });
    let action = Action::Update {
        parent: trunk.or_else(|| (!has_trunks).then(String::new)),
        id: rule.id.clone(),
        fields: with_fields(&rule.raw, fields),
    };
    plan.steps.push(step(
        rule_in_words(rule, names_trunk),
        warning,
        action,
        Some(rule.raw.0.clone()),
    ));
}

fn rule_in_words(rule: &DispatchRule, names_trunk: bool) -> String {
    let mut words = match &rule.kind {
        RuleKind::Individual { prefix } => {
            format!("a room of its own for every caller, “{prefix}…”")
        }
        RuleKind::Direct { room } => format!("everybody into the room “{room}”"),
        RuleKind::Callee { prefix, .. } => format!("one room for each called number, “{prefix}…”"),
        RuleKind::Unknown => "something Deskline does not know".into(),
    };
    if rule.has_pin() {
        words.push_str(", after a PIN");
    }
    if !names_trunk {
        words.push_str(", for a trunk that is not this line's");
    }
    words
}

/// What there is of a step's object: its id and itself. `None`: it is not there.
pub(crate) fn object_of(
    key: &StepKey,
    wanted: &Wanted,
    found: &Found,
    credential: Option<&Credential>,
) -> Option<(String, Value)> {
    let picked = pick(wanted, found);
    match key.object.place() {
        Place::Twilio => plan_twilio::object_of(key, wanted, found.twilio()?, credential),
        Place::Telnyx => plan_telnyx::object_of(key, wanted, found.telnyx()?, credential),
        Place::SignalWire => {
            plan_signalwire::object_of(key, wanted, found.signalwire()?, credential)
        }
        Place::LiveKit if key.object == Object::OutboundTrunk => picked
            .outbound
            .map(|trunk| (trunk.id.clone(), trunk.raw.0.clone())),
        Place::LiveKit if key.object == Object::InboundTrunk => picked
            .inbound
            .map(|trunk| (trunk.id.clone(), trunk.raw.0.clone())),
        Place::LiveKit => picked
            .rule
            .map(|rule| (rule.id.clone(), rule.raw.0.clone())),
    }
}
