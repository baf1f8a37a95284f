//! What LiveKit's settings say.

use serde_json::json;

use super::view::Encryption;
use super::{Facts, Finding, Fix, Level, Say, pair};
use crate::journal::Object;
use crate::livekit::{
    DispatchRule, InboundTrunk, LiveKitFound, OutboundTrunk, RuleKind, with_fields,
};
use crate::plan::{listed, pick};
use crate::service::ServiceError;
use crate::step::{Action, Step, StepKey};
use crate::wanted::{Number, ProviderKind, ROOM_PREFIX, normalized};

/// Can we sign in at all?
pub(super) fn account(facts: &Facts, findings: &mut Vec<Finding>) {
    let Err(error) = &facts.livekit else {
        return;
    };
    let (id, verdict) = if matches!(error, ServiceError::Clock { .. }) {
        (
            "X5",
            "LiveKit refuses the sign-in because the clock of this computer is wrong.".to_owned(),
        )
    } else if is_refusal(error) {
        (
            "D01",
            "LiveKit refused the key. The key, the secret or the project address is wrong."
                .to_owned(),
        )
    } else {
        ("D01", format!("LiveKit's settings cannot be read. {error}"))
    };
    let fix = if id == "X5" {
        "Set the clock of this computer to automatic time."
    } else {
        "Enter the key and the secret again in Settings."
    };
    Say {
        id,
        level: Level::Problem,
        verdict,
        evidence: vec![pair("LiveKit says", error.to_string())],
        fix: Fix::ByHand(fix.into()),
    }
    .to(findings);
}

/// Does it not let us in?
pub(super) fn is_refusal(error: &ServiceError) -> bool {
    matches!(
        error,
        ServiceError::SignIn { .. } | ServiceError::Forbidden { .. }
    )
}

/// Trunks and rules.
pub(super) fn objects(facts: &Facts, livekit: &LiveKitFound, findings: &mut Vec<Finding>) {
    let found = facts.found();
    let picked = pick(&facts.wanted, &found);
    let has_trunks = facts.kept.provider != ProviderKind::LiveKitNumbers;
    if has_trunks {
        saved(facts, livekit, findings);
        match picked.inbound {
            Some(trunk) => inbound(facts, livekit, trunk, findings),
            None => Say {
                id: "D06",
                level: Level::Problem,
                verdict: "LiveKit does not know this number yet.".into(),
                evidence: vec![
                    pair("Number", listed(&facts.wanted.numbers)),
                    pair(
                        "LiveKit takes",
                        listed(livekit.inbound.iter().flat_map(|trunk| &trunk.numbers)),
                    ),
                ],
                fix: Fix::SetUpAgain,
            }
            .to(findings),
        }
        if let Some(trunk) = picked.outbound {
            outbound(facts, trunk, findings);
        }
    }
    rules(
        facts,
        livekit,
        picked.rule,
        picked.inbound,
        has_trunks,
        findings,
    );
}

fn saved(facts: &Facts, livekit: &LiveKitFound, findings: &mut Vec<Finding>) {
    let Some(id) = facts.kept.objects.get("outbound_trunk") else {
        return;
    };
    if livekit.outbound.iter().any(|trunk| trunk.id == *id) {
        return;
    }
    Say {
        id: "D23",
        level: Level::Problem,
        verdict: "The saved line was deleted in LiveKit: nobody can be called over it.".into(),
        evidence: vec![
            pair("Saved trunk", id.clone()),
            pair(
                "In LiveKit",
                livekit
                    .outbound
                    .iter()
                    .map(|trunk| trunk.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ],
        fix: Fix::SetUpAgain,
    }
    .to(findings);
}

fn inbound(
    facts: &Facts,
    livekit: &LiveKitFound,
    trunk: &InboundTrunk,
    findings: &mut Vec<Finding>,
) {
    let takes = |trunk: &InboundTrunk, number: &Number| {
        trunk
            .numbers
            .iter()
            .any(|own| normalized(own) == number.as_str())
    };
    let missing: Vec<&Number> = facts
        .wanted
        .numbers
        .iter()
        .filter(|number| !trunk.numbers.is_empty() && !takes(trunk, number))
        .collect();
    if !missing.is_empty() {
        Say {
            id: "D06",
            level: Level::Problem,
            verdict: "LiveKit does not know this number yet.".into(),
            evidence: vec![
                pair("Number", listed(missing)),
                pair(&format!("“{}” takes", trunk.name), listed(&trunk.numbers)),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
    }
    let patterns: Vec<&String> = trunk
        .allowed_numbers
        .iter()
        .filter(|caller| is_pattern(caller))
        .collect();
    if !patterns.is_empty() {
        Say {
            id: "D07",
            level: Level::Problem,
            verdict: "This line only accepts callers on a list, and the list contains a pattern that matches nobody.".into(),
            evidence: vec![pair("Callers let in", trunk.allowed_numbers.join(", "))],
            fix: Fix::Steps(vec![Step {
                key: StepKey::of(Object::InboundTrunk),
                title: "Callers let in".into(),
                now: trunk.allowed_numbers.join(", "),
                after: "everybody".into(),
                warning: None,
                action: Action::Update {
                    parent: None,
                    id: trunk.id.clone(),
                    fields: with_fields(&trunk.raw, json!({ "allowed_numbers": [] })),
                },
                before: Some(trunk.raw.0.clone()),
            }]),
        }
        .to(findings);
    }
    let rivals: Vec<String> = livekit
        .inbound
        .iter()
        .filter(|other| other.id != trunk.id)
        .filter(|other| {
            facts
                .wanted
                .numbers
                .iter()
                .any(|number| takes(other, number))
                || (trunk.numbers.is_empty() && other.numbers.is_empty())
        })
        .map(|other| format!("“{}” ({})", other.name, other.id))
        .collect();
    if !rivals.is_empty() {
        Say {
            id: "D14",
            level: Level::Problem,
            verdict: "Two lines claim this number.".into(),
            evidence: vec![
                pair("This line", format!("“{}” ({})", trunk.name, trunk.id)),
                pair("Also", rivals.join(", ")),
            ],
            fix: Fix::ByHand(
                "Take the number off the other trunk in LiveKit, or remove that line here.".into(),
            ),
        }
        .to(findings);
    }
    let everybody = trunk
        .allowed_addresses
        .iter()
        .any(|address| address.trim() == "0.0.0.0/0" || address.trim() == "::/0");
    if !trunk.has_sign_in && (trunk.numbers.is_empty() || everybody) {
        Say {
            id: "D15",
            level: Level::Problem,
            verdict: "Anyone who finds the address can ring this line.".into(),
            evidence: vec![
                pair("Numbers", listed(&trunk.numbers)),
                pair(
                    "Senders let in",
                    if trunk.allowed_addresses.is_empty() {
                        "any".to_owned()
                    } else {
                        trunk.allowed_addresses.join(", ")
                    },
                ),
            ],
            fix: Fix::Steps(vec![Step {
                key: StepKey::of(Object::InboundTrunk),
                title: "LiveKit's way in".into(),
                now: "any number from any sender".into(),
                after: format!("takes calls to {}", listed(&facts.wanted.numbers)),
                warning: None,
                action: Action::Update {
                    parent: None,
                    id: trunk.id.clone(),
                    fields: with_fields(
                        &trunk.raw,
                        json!({ "numbers": facts.wanted.numbers, "allowed_addresses": [] }),
                    ),
                },
                before: Some(trunk.raw.0.clone()),
            }]),
        }
        .to(findings);
    }
}

/// A prefix or a wildcard: LiveKit compares whole numbers.
fn is_pattern(caller: &str) -> bool {
    let bare = normalized(caller);
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    digits < 7
        || !bare
            .trim_start_matches('+')
            .chars()
            .all(|c| c.is_ascii_digit())
}

fn outbound(facts: &Facts, trunk: &OutboundTrunk, findings: &mut Vec<Finding>) {
    let is_twilio = facts.kept.provider == ProviderKind::Twilio;
    let is_telnyx = facts.kept.provider == ProviderKind::Telnyx;
    let is_signalwire = facts.kept.provider == ProviderKind::SignalWire;
    let view = facts.view();
    let taken_at = view.as_ref().and_then(|view| view.takes_at.as_ref());
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
    if mistyped {
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
    let tls = trunk.transport == "SIP_TRANSPORT_TLS";
    let requires = trunk.encryption == "SIP_MEDIA_ENCRYPT_REQUIRE";
    let none = trunk.encryption == "SIP_MEDIA_ENCRYPT_DISABLE";
    let secure = facts.wanted.secure;
    let at_provider = match &view {
        Some(view) => view.end.as_ref().map(|end| end.encryption),
        None if is_signalwire && !secure => Some(Encryption::Either),
        None => (is_twilio || is_telnyx || is_signalwire).then(|| Encryption::of(secure)),
    };
    let disagrees = match at_provider {
        Some(Encryption::Always) => !tls || none,
        Some(Encryption::Never) => tls || requires,
        // Or another provider, whose wish is not known: sound encrypted over an open line is nobody's.
        Some(Encryption::Either) | None => {
            requires && !tls && trunk.transport != "SIP_TRANSPORT_AUTO"
        }
    };
    if disagrees {
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
    let password = trunk.password.as_ref();
    if password.is_some_and(|password| crate::signalwire::is_token(password.expose())) {
        Say {
            id: "D21",
            level: Level::Advice,
            verdict: "The password for dialling out is an API token of SignalWire: whoever can read the trunk could change the whole space.".into(),
            evidence: vec![pair("The password", "begins with PT and is as long as a token")],
            fix: Fix::ByHand("Give the SIP address a password of its own, set the line up again with it, and delete the token at SignalWire.".into()),
        }
        .to(findings);
    }
    let own = |number: &String| {
        facts
            .wanted
            .numbers
            .iter()
            .any(|own| own.as_str() == number)
    };
    let strangers: Vec<String> = trunk
        .numbers
        .iter()
        .filter(|number| !own(number))
        .cloned()
        .collect();
    if !strangers.is_empty() {
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
}

fn rules(
    facts: &Facts,
    livekit: &LiveKitFound,
    rule: Option<&DispatchRule>,
    trunk: Option<&InboundTrunk>,
    has_trunks: bool,
    findings: &mut Vec<Finding>,
) {
    let takes = |rule: &DispatchRule| {
        trunk.is_some_and(|trunk| rule.trunks.contains(&trunk.id))
            || (rule.trunks.is_empty() && rule.numbers.is_empty())
            || rule.numbers.iter().any(|number| {
                facts
                    .wanted
                    .numbers
                    .iter()
                    .any(|own| own.as_str() == normalized(number))
            })
    };
    // The line's own, else whichever takes its callers.
    let Some(rule) = rule.or_else(|| livekit.rules.iter().find(|rule| takes(rule))) else {
        Say {
            id: "D08",
            level: Level::Problem,
            verdict: "Incoming calls have nowhere to go.".into(),
            evidence: vec![
                pair("Rules in LiveKit", livekit.rules.len().to_string()),
                pair("For this line", "none"),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
        return;
    };
    let gone: Vec<String> = rule
        .trunks
        .iter()
        .filter(|id| !livekit.inbound.iter().any(|trunk| trunk.id == **id))
        .cloned()
        .collect();
    if has_trunks && !gone.is_empty() && !takes(rule) {
        Say {
            id: "D09",
            level: Level::Problem,
            verdict: "The routing rule belongs to a line that no longer exists.".into(),
            evidence: vec![
                pair("Rule points to", format!("{}, deleted", gone.join(", "))),
                pair(
                    "Your trunk is",
                    trunk.map_or_else(
                        || "not there".into(),
                        |trunk| format!("{} “{}”", trunk.id, trunk.name),
                    ),
                ),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
    }
    if !rule.callers.is_empty() {
        Say {
            id: "D10",
            level: Level::Problem,
            verdict: format!(
                "The rule lets in only these callers: {}. Calls from anyone else are dropped.",
                rule.callers.join(", ")
            ),
            evidence: vec![pair("Callers let in", rule.callers.join(", "))],
            fix: Fix::Steps(vec![Step {
                key: StepKey::of(Object::Rule),
                title: "Callers let in".into(),
                now: rule.callers.join(", "),
                after: "everybody".into(),
                warning: None,
                action: Action::Update {
                    parent: Some(String::new()),
                    id: rule.id.clone(),
                    // Not part of a partial update: the whole rule is replaced.
                    fields: with_fields(&rule.raw, json!({ "inbound_numbers": [] })),
                },
                before: Some(rule.raw.0.clone()),
            }]),
        }
        .to(findings);
    }
    match &rule.kind {
        RuleKind::Individual { prefix } => {
            if prefix != ROOM_PREFIX {
                Say {
                    id: "D12",
                    level: Level::Problem,
                    verdict: "Calls arrive under another name, so this desk does not show them."
                        .into(),
                    evidence: vec![
                        pair(
                            "Rooms of callers begin with",
                            if prefix.is_empty() { "nothing" } else { prefix },
                        ),
                        pair("This desk looks for", ROOM_PREFIX),
                    ],
                    fix: Fix::SetUpAgain,
                }
                .to(findings);
            }
        }
        RuleKind::Direct { .. } | RuleKind::Callee { .. } | RuleKind::Unknown => {
            let kind = match &rule.kind {
                RuleKind::Direct { room } => format!("everybody into the room “{room}”"),
                RuleKind::Callee {
                    randomize: true, ..
                } => "a room of its own, named after the called number".into(),
                RuleKind::Callee { .. } => "one room for each called number".into(),
                RuleKind::Individual { .. } | RuleKind::Unknown => {
                    "something Deskline does not know".into()
                }
            };
            Say {
                id: "D11",
                level: Level::Problem,
                verdict: "Two callers can end up in the same conversation.".into(),
                evidence: vec![pair("The rule makes", kind)],
                fix: Fix::SetUpAgain,
            }
            .to(findings);
        }
    }
    if !rule.agents.is_empty() {
        Say {
            id: "D16",
            level: Level::Advice,
            verdict: format!(
                "The rule calls for the assistant “{}”. If it does not run under exactly this name, callers hear ringing; if it does, it answers before you.",
                rule.agents.join("”, “")
            ),
            evidence: vec![pair("Assistants of the rule", rule.agents.join(", "))],
            fix: Fix::ByHand("Start the assistant under this name, or take it out of the rule in LiveKit.".into()),
        }
        .to(findings);
    }
    let competing: Vec<String> = livekit
        .rules
        .iter()
        .filter(|other| {
            other.id != rule.id
                && trunk.is_some_and(|trunk| other.trunks.contains(&trunk.id))
                && other.has_pin() == rule.has_pin()
        })
        .map(|other| format!("“{}” ({})", other.name, other.id))
        .collect();
    if !competing.is_empty() {
        Say {
            id: "D14",
            level: Level::Problem,
            verdict: "Two rules claim the callers of this line.".into(),
            evidence: vec![
                pair("This line's", format!("“{}” ({})", rule.name, rule.id)),
                pair("Also", competing.join(", ")),
            ],
            fix: Fix::ByHand("Delete the rule you do not want in LiveKit.".into()),
        }
        .to(findings);
    }
}
