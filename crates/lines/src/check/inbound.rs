//! What LiveKit's way in says.

use serde_json::json;

use super::{Facts, Finding, Fix, Level, Say, pair};
use crate::journal::Object;
use crate::livekit::{InboundTrunk, LiveKitFound, with_fields};
use crate::plan::listed;
use crate::step::{Action, Step, StepKey};
use crate::wanted::{Number, normalized};

/// Everything about the way in of a line.
pub(super) fn trunk(
    facts: &Facts,
    livekit: &LiveKitFound,
    trunk: &InboundTrunk,
    findings: &mut Vec<Finding>,
) {
    unknown_numbers(facts, trunk, findings);
    patterns(trunk, findings);
    rivals(facts, livekit, trunk, findings);
    open_to_everybody(facts, trunk, findings);
}

/// There is none.
pub(super) fn none(facts: &Facts, livekit: &LiveKitFound, findings: &mut Vec<Finding>) {
    let takes = listed(livekit.inbound.iter().flat_map(|trunk| &trunk.numbers));
    let number = pair("Number", listed(&facts.wanted.numbers));
    unknown_number(vec![number, pair("LiveKit takes", takes)]).to(findings);
}

fn takes(trunk: &InboundTrunk, number: &Number) -> bool {
    let mut own = trunk.numbers.iter();
    own.any(|own| normalized(own) == number.as_str())
}

fn unknown_number(evidence: Vec<(String, String)>) -> Say {
    Say {
        id: "D06",
        level: Level::Problem,
        verdict: "LiveKit does not know this number yet.".into(),
        evidence,
        fix: Fix::SetUpAgain,
    }
}

fn unknown_numbers(facts: &Facts, trunk: &InboundTrunk, findings: &mut Vec<Finding>) {
    let numbers = facts.wanted.numbers.iter();
    let missing: Vec<&Number> = numbers
        .filter(|number| !trunk.numbers.is_empty() && !takes(trunk, number))
        .collect();
    if missing.is_empty() {
        return;
    }
    let known = pair(&format!("“{}” takes", trunk.name), listed(&trunk.numbers));
    unknown_number(vec![pair("Number", listed(missing)), known]).to(findings);
}

fn patterns(trunk: &InboundTrunk, findings: &mut Vec<Finding>) {
    if !trunk
        .allowed_numbers
        .iter()
        .any(|caller| is_pattern(caller))
    {
        return;
    }
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

fn rivals(
    facts: &Facts,
    livekit: &LiveKitFound,
    trunk: &InboundTrunk,
    findings: &mut Vec<Finding>,
) {
    let numbers = &facts.wanted.numbers;
    let claims = |other: &&InboundTrunk| {
        numbers.iter().any(|number| takes(other, number))
            || (trunk.numbers.is_empty() && other.numbers.is_empty())
    };
    let others = livekit.inbound.iter().filter(|other| other.id != trunk.id);
    let rivals: Vec<String> = others
        .filter(claims)
        .map(|other| format!("“{}” ({})", other.name, other.id))
        .collect();
    if rivals.is_empty() {
        return;
    }
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

fn open_to_everybody(facts: &Facts, trunk: &InboundTrunk, findings: &mut Vec<Finding>) {
    let mut senders = trunk.allowed_addresses.iter().map(|address| address.trim());
    let everybody = senders.any(|address| ["0.0.0.0/0", "::/0"].contains(&address));
    if trunk.has_sign_in || !(trunk.numbers.is_empty() || everybody) {
        return;
    }
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
