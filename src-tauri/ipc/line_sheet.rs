//! What can be looked at of lines, as the windows see it.

use call::number::{Region, shown};
use lines::pages::PageKind;
use lines::{
    DispatchRule, InboundTrunk, LiveKitFound, Mark, OutboundTrunk, OwnedNumber, RuleKind, Sheet,
};
use serde::Serialize;
use ts_rs::{Config, TS};

use crate::ipc::lines::EvidenceView;

/// One row of the sheet of a line.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SheetRowView {
    /// What it is: `provider`, `account`, `number`, `address`, `user`, `sip`, `transport`, `outbound_trunk`, `inbound_trunk`,
    /// `rule`, `rooms`, `calls_in`, `calls_out`, `since`, `by`.
    pub row: String,
    /// As it is copied.
    pub value: String,
}

/// Everything about a line that may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineSheetView {
    /// The line.
    pub line: String,
    /// Its name.
    pub name: String,
    /// What is known, in this order.
    pub rows: Vec<SheetRowView>,
    /// Is its password in the keychain of this computer? It can be copied, and is never shown.
    pub has_password: bool,
    /// Why LiveKit did not tell its part; empty: it did.
    pub refusal: String,
    /// Pages that can be opened: `account`, `trunks`, `numbers`, `log`, `countries`, `billing`, `livekit_trunks`,
    /// `livekit_sessions`.
    pub pages: Vec<String>,
}

/// A trunk or a rule of the project.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ProjectObjectView {
    /// `outbound_trunk`, `inbound_trunk`, `rule`.
    pub kind: String,
    /// LiveKit's name of it.
    pub id: String,
    /// A person's name of it; may be empty.
    pub name: String,
    /// The line of Deskline that it is part of; empty: it was not made by Deskline.
    pub line: String,
    /// Its fields, by the names that LiveKit gives them.
    pub facts: Vec<EvidenceView>,
}

/// A number of an account at a provider.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineNumberView {
    /// E.164.
    pub number: String,
    /// As people write it.
    pub shown: String,
    /// Can it be called?
    pub voice: bool,
    /// What answers it now; empty: nothing.
    pub answered_by: String,
}

fn named(name: &str, id: &str) -> String {
    if name.is_empty() {
        id.to_owned()
    } else {
        format!("{name} · {id}")
    }
}

fn rule_words(kind: &RuleKind) -> String {
    match kind {
        RuleKind::Individual { prefix } => format!("individual, {prefix}…"),
        RuleKind::Direct { room } => format!("direct, {room}"),
        RuleKind::Callee { prefix, randomize } => {
            let random = if *randomize { ", randomize" } else { "" };
            format!("callee, {prefix}…{random}")
        }
        RuleKind::Unknown => "unknown".to_owned(),
    }
}

pub(crate) fn sheet(
    of: &Sheet,
    (calls_in, calls_out): (u64, u64),
    pages: &[PageKind],
    region: Region,
) -> LineSheetView {
    let line = &of.line;
    let mut rows = Vec::new();
    let mut row = |row: &str, value: String| {
        if !value.is_empty() {
            let row = row.to_owned();
            rows.push(SheetRowView { row, value });
        }
    };
    row("provider", line.provider.shown().to_owned());
    row("account", line.account.clone().unwrap_or_default());
    for number in &line.numbers {
        row("number", shown(number.as_str(), region));
    }
    if let Some(sip) = &line.livekit_sip {
        row("sip", sip.uri(line.secure));
    }
    if let Some(trunk) = &of.outbound {
        row("address", trunk.address.clone());
        row("user", trunk.user.clone());
        row(
            "transport",
            trunk
                .transport
                .trim_start_matches("SIP_TRANSPORT_")
                .to_owned(),
        );
        row("outbound_trunk", named(&trunk.name, &trunk.id));
    }
    if let Some(trunk) = &of.inbound {
        row("inbound_trunk", named(&trunk.name, &trunk.id));
    }
    if let Some(rule) = &of.rule {
        row("rule", named(&rule.name, &rule.id));
        row("rooms", rule_words(&rule.kind));
    }
    row("calls_in", calls_in.to_string());
    if line.calls_out() {
        row("calls_out", calls_out.to_string());
    }
    row("since", line.since.clone());
    row("by", line.by.clone());
    LineSheetView {
        line: line.id.to_string(),
        name: line.name.to_string(),
        rows,
        has_password: of.has_password && line.calls_out(),
        refusal: of
            .refusal
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        pages: pages.iter().map(|kind| kind.word().to_owned()).collect(),
    }
}

fn object(
    kind: &str,
    (id, name, mark): (&str, &str, Option<&Mark>),
    facts: &[(&str, String)],
) -> ProjectObjectView {
    let told = facts.iter().filter(|(_, value)| !value.is_empty());
    ProjectObjectView {
        kind: kind.to_owned(),
        id: id.to_owned(),
        name: name.to_owned(),
        line: mark.map(|mark| mark.line.to_string()).unwrap_or_default(),
        facts: told
            .map(|(name, value)| EvidenceView {
                name: (*name).to_owned(),
                value: value.clone(),
            })
            .collect(),
    }
}

fn yes(is: bool) -> String {
    if is { "yes".to_owned() } else { String::new() }
}

fn outbound(trunk: &OutboundTrunk) -> ProjectObjectView {
    object(
        "outbound_trunk",
        (&trunk.id, &trunk.name, trunk.mark.as_ref()),
        &[
            ("address", trunk.address.clone()),
            ("transport", trunk.transport.clone()),
            ("numbers", trunk.numbers.join(", ")),
            ("auth_username", trunk.user.clone()),
            ("media_encryption", trunk.encryption.clone()),
        ],
    )
}

fn inbound(trunk: &InboundTrunk) -> ProjectObjectView {
    object(
        "inbound_trunk",
        (&trunk.id, &trunk.name, trunk.mark.as_ref()),
        &[
            ("numbers", trunk.numbers.join(", ")),
            ("allowed_numbers", trunk.allowed_numbers.join(", ")),
            ("allowed_addresses", trunk.allowed_addresses.join(", ")),
            ("auth_username", yes(trunk.has_sign_in)),
            ("media_encryption", trunk.encryption.clone()),
        ],
    )
}

fn rule(rule: &DispatchRule) -> ProjectObjectView {
    object(
        "rule",
        (&rule.id, &rule.name, rule.mark.as_ref()),
        &[
            ("rule", rule_words(&rule.kind)),
            ("trunk_ids", rule.trunks.join(", ")),
            ("numbers", rule.numbers.join(", ")),
            ("inbound_numbers", rule.callers.join(", ")),
            // That there is one, never which.
            ("pin", yes(rule.has_pin())),
            ("agents", rule.agents.join(", ")),
        ],
    )
}

pub(crate) fn objects(found: &LiveKitFound) -> Vec<ProjectObjectView> {
    let out = found.outbound.iter().map(outbound);
    let inward = found.inbound.iter().map(inbound);
    out.chain(inward)
        .chain(found.rules.iter().map(rule))
        .collect()
}

pub(crate) fn number(of: &OwnedNumber, region: Region) -> LineNumberView {
    LineNumberView {
        number: of.number.clone(),
        shown: shown(&of.number, region),
        voice: of.voice,
        answered_by: if of.on.is_empty() {
            of.answered_by.clone()
        } else {
            of.on.clone()
        },
    }
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        LineNumberView::decl(config),
        LineSheetView::decl(config),
        ProjectObjectView::decl(config),
        SheetRowView::decl(config),
    ]
}
