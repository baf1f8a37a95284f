//! What LiveKit's settings say.

use super::{Facts, Finding, Fix, Level, Say, inbound, outbound, pair, rules};
use crate::livekit::LiveKitFound;
use crate::plan::pick;
use crate::service::ServiceError;
use crate::wanted::ProviderKind;

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
            Some(trunk) => inbound::trunk(facts, livekit, trunk, findings),
            None => inbound::none(facts, livekit, findings),
        }
        if let Some(trunk) = picked.outbound {
            outbound::trunk(facts, trunk, findings);
        }
    }
    rules::callers(facts, livekit, picked.rule, picked.inbound, findings);
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
