//! What LiveKit's dispatch rules say.

use serde_json::json;

use super::{Facts, Finding, Fix, Level, Say, pair};
use crate::journal::Object;
use crate::livekit::{DispatchRule, InboundTrunk, LiveKitFound, RuleKind, with_fields};
use crate::step::{Action, Step, StepKey};
use crate::wanted::{ProviderKind, ROOM_PREFIX, normalized};

/// Everything about what becomes of the callers of a line: by its own `rule`, else by whichever takes them.
pub(super) fn callers(
    facts: &Facts,
    livekit: &LiveKitFound,
    rule: Option<&DispatchRule>,
    trunk: Option<&InboundTrunk>,
    findings: &mut Vec<Finding>,
) {
    let is_theirs = |rule: &&DispatchRule| takes(facts, trunk, rule);
    let Some(rule) = rule.or_else(|| livekit.rules.iter().find(is_theirs)) else {
        return nowhere(livekit, findings);
    };
    gone_trunks(facts, livekit, rule, trunk, findings);
    only_some_callers(rule, findings);
    rooms(rule, findings);
    assistants(rule, findings);
    competing(livekit, rule, trunk, findings);
}

fn takes(facts: &Facts, trunk: Option<&InboundTrunk>, rule: &DispatchRule) -> bool {
    let own = &facts.wanted.numbers;
    let is_own = |number: &String| own.iter().any(|own| own.as_str() == normalized(number));
    trunk.is_some_and(|trunk| rule.trunks.contains(&trunk.id))
        || (rule.trunks.is_empty() && rule.numbers.is_empty())
        || rule.numbers.iter().any(is_own)
}

fn nowhere(livekit: &LiveKitFound, findings: &mut Vec<Finding>) {
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
}

fn gone_trunks(
    facts: &Facts,
    livekit: &LiveKitFound,
    rule: &DispatchRule,
    trunk: Option<&InboundTrunk>,
    findings: &mut Vec<Finding>,
) {
    let is_there = |id: &String| livekit.inbound.iter().any(|trunk| trunk.id == *id);
    let named = rule.trunks.iter();
    let gone: Vec<String> = named.filter(|id| !is_there(id)).cloned().collect();
    let has_trunks = facts.kept.provider != ProviderKind::LiveKitNumbers;
    if !has_trunks || gone.is_empty() || takes(facts, trunk, rule) {
        return;
    }
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

fn only_some_callers(rule: &DispatchRule, findings: &mut Vec<Finding>) {
    if rule.callers.is_empty() {
        return;
    }
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

/// Is it a room for each caller, under a name that this desk looks for?
fn rooms(rule: &DispatchRule, findings: &mut Vec<Finding>) {
    let kind = match &rule.kind {
        RuleKind::Individual { prefix } => return room_names(prefix, findings),
        RuleKind::Direct { room } => format!("everybody into the room “{room}”"),
        RuleKind::Callee {
            randomize: true, ..
        } => "a room of its own, named after the called number".into(),
        RuleKind::Callee { .. } => "one room for each called number".into(),
        RuleKind::Unknown => "something Deskline does not know".into(),
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

fn room_names(prefix: &str, findings: &mut Vec<Finding>) {
    if prefix == ROOM_PREFIX {
        return;
    }
    Say {
        id: "D12",
        level: Level::Problem,
        verdict: "Calls arrive under another name, so this desk does not show them.".into(),
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

fn assistants(rule: &DispatchRule, findings: &mut Vec<Finding>) {
    if rule.agents.is_empty() {
        return;
    }
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

fn competing(
    livekit: &LiveKitFound,
    rule: &DispatchRule,
    trunk: Option<&InboundTrunk>,
    findings: &mut Vec<Finding>,
) {
    let competes = |other: &&DispatchRule| {
        other.id != rule.id
            && trunk.is_some_and(|trunk| other.trunks.contains(&trunk.id))
            && other.has_pin() == rule.has_pin()
    };
    let others = livekit.rules.iter().filter(competes);
    let competing: Vec<String> = others
        .map(|other| format!("“{}” ({})", other.name, other.id))
        .collect();
    if competing.is_empty() {
        return;
    }
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
