//! What the account at Twilio says.

use super::{Facts, Finding, Fix, Level, Say, pair};
use crate::plan::listed;
use crate::service::ServiceError;
use crate::twilio::{TwilioExtras, TwilioFound};
use crate::wanted::{LiveKitSip, SipHost};

fn by_hand(words: &str) -> Fix {
    Fix::ByHand(words.to_owned())
}

/// It did not tell.
pub(super) fn refused(error: &ServiceError, findings: &mut Vec<Finding>) {
    let verdict = if super::livekit::is_refusal(error) {
        "Twilio did not accept this sign-in.".to_owned()
    } else {
        format!("Twilio's settings cannot be read. {error}")
    };
    Say {
        id: "D02",
        level: Level::Problem,
        verdict,
        evidence: vec![pair("Twilio says", error.to_string())],
        fix: by_hand("Copy account SID and auth token from the Twilio console again."),
    }
    .to(findings);
}

/// Account, trunk, password, numbers.
pub(super) fn objects(
    facts: &Facts,
    found: &TwilioFound,
    extras: &TwilioExtras,
    findings: &mut Vec<Finding>,
) {
    account(found, extras, findings);
    destinations(facts, found, findings);
    sign_in(facts, found, findings);
    numbers(facts, found, findings);
    if let Some(trunk) = &found.trunk {
        if !trunk.recording.is_empty() && trunk.recording != "do-not-record" {
            Say {
                id: "X2",
                level: Level::Advice,
                verdict: "Twilio records the calls of this line. Whoever is on the phone must know.".into(),
                evidence: vec![pair("Recording at Twilio", trunk.recording.clone())],
                fix: by_hand("Open the trunk in the Twilio console and choose “Do not record”, if that is not meant."),
            }
            .to(findings);
        }
        if trunk.transfer == "disable-all" {
            Say {
                id: "X6",
                level: Level::Advice,
                verdict: "Calls cannot be handed over by the network: Twilio has transfers switched off.".into(),
                evidence: vec![pair("Transfers at Twilio", trunk.transfer.clone())],
                fix: by_hand("Open the trunk in the Twilio console and switch “Call Transfer (SIP REFER)” on."),
            }
            .to(findings);
        }
    }
}

fn account(found: &TwilioFound, extras: &TwilioExtras, findings: &mut Vec<Finding>) {
    if found.kind == "Trial" {
        Say {
            id: "D03",
            level: Level::Advice,
            verdict: "This is a trial account. It can only call numbers you have verified.".into(),
            evidence: vec![pair("Account", found.kind.clone())],
            fix: by_hand("Upgrade the account in the Twilio console."),
        }
        .to(findings);
    }
    let suspended = !found.status.is_empty() && found.status != "active";
    let broke = extras.balance.is_some_and(|balance| balance <= 0.0);
    if suspended || broke {
        Say {
            id: "D04",
            level: Level::Problem,
            verdict: "The account has run out of money or is suspended.".into(),
            evidence: vec![
                pair("Account", found.status.clone()),
                pair(
                    "Balance",
                    extras.balance.map_or_else(
                        || "not told".into(),
                        |balance| format!("{balance:.2} {}", extras.currency),
                    ),
                ),
            ],
            fix: by_hand("Open the billing page of the Twilio console."),
        }
        .to(findings);
    }
    if extras.home_open == Some(false) {
        Say {
            id: "D27",
            level: Level::Problem,
            verdict: format!("Calls to {} are switched off at Twilio.", extras.home),
            evidence: vec![pair("Voice permissions", format!("{}: off", extras.home))],
            fix: by_hand("Open “Voice geographic permissions” in the Twilio console. Deskline does not switch countries on by itself."),
        }
        .to(findings);
    }
    if extras.high_risk == Some(true) {
        Say {
            id: "D28",
            level: Level::Advice,
            verdict: "Nothing stops a thief from running up a bill: expensive numbers are switched on.".into(),
            evidence: vec![pair("Numbers that thieves call", "allowed")],
            fix: by_hand("Switch high-risk numbers off under “Voice geographic permissions” in the Twilio console."),
        }
        .to(findings);
    }
}

fn destinations(facts: &Facts, found: &TwilioFound, findings: &mut Vec<Finding>) {
    let active: Vec<&str> = found
        .destinations
        .iter()
        .filter(|one| one.enabled)
        .map(|one| one.url.as_str())
        .collect();
    if found.trunk.is_none() || active.is_empty() {
        Say {
            id: "D20",
            level: Level::Problem,
            verdict: "Twilio has no active address to send calls to.".into(),
            evidence: vec![
                pair(
                    "Trunk at Twilio",
                    found
                        .trunk
                        .as_ref()
                        .map_or("none", |trunk| trunk.name.as_str()),
                ),
                pair(
                    "Addresses",
                    found
                        .destinations
                        .iter()
                        .map(|one| format!("{}, off", one.url))
                        .collect::<Vec<_>>()
                        .join("; "),
                ),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
        return;
    }
    let Some(own) = &facts.kept.livekit_sip else {
        return;
    };
    let is_own = |url: &str| SipHost::parse(url).is_ok_and(|host| host.host() == own.host().host());
    let elsewhere: Vec<&str> = active.iter().copied().filter(|url| !is_own(url)).collect();
    let unknown_region = active
        .iter()
        .any(|url| LiveKitSip::parse(url).is_err() && SipHost::parse(url).is_ok());
    if !elsewhere.is_empty() || unknown_region {
        Say {
            id: "D05",
            level: Level::Problem,
            verdict: "Calls are being sent to a different address than your LiveKit project."
                .into(),
            evidence: vec![
                pair("Twilio sends calls to", active.join(", ")),
                pair("Your project", own.host().as_str()),
            ],
            fix: if elsewhere.len() == active.len() {
                Fix::SetUpAgain
            } else {
                by_hand("Switch the other origination URI off in the Twilio console.")
            },
        }
        .to(findings);
    }
}

fn sign_in(facts: &Facts, found: &TwilioFound, findings: &mut Vec<Finding>) {
    if found.trunk.is_none() {
        return;
    }
    let livekit = facts.found();
    let user = crate::plan::pick(&facts.wanted, &livekit)
        .outbound
        .map(|trunk| trunk.user.clone())
        .unwrap_or_default();
    let is_asked = found
        .list
        .as_ref()
        .is_some_and(|list| found.asked_lists.iter().any(|asked| asked.sid == list.sid));
    let knows = found.users.iter().any(|known| known.name == user);
    if facts.livekit.is_ok() && (user.is_empty() || !is_asked || !knows) {
        let names: Vec<&str> = found.users.iter().map(|user| user.name.as_str()).collect();
        Say {
            id: "D21",
            level: Level::Problem,
            verdict:
                "The phone company rejects the password: the two sides do not have the same one."
                    .into(),
            evidence: vec![
                pair(
                    "LiveKit signs in as",
                    if user.is_empty() {
                        "nobody".to_owned()
                    } else {
                        user
                    },
                ),
                pair(
                    "Twilio knows",
                    if names.is_empty() {
                        "nobody".to_owned()
                    } else {
                        names.join(", ")
                    },
                ),
                pair("The trunk asks for it", if is_asked { "yes" } else { "no" }),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
    }
}

fn numbers(facts: &Facts, found: &TwilioFound, findings: &mut Vec<Finding>) {
    let trunk = found.trunk.as_ref().map(|trunk| trunk.sid.as_str());
    let owned = |number: &str| found.numbers.iter().find(|owned| owned.number == number);
    let numbers = &facts.wanted.numbers;
    let lost: Vec<_> = numbers
        .iter()
        .filter(|number| owned(number.as_str()).is_none())
        .collect();
    if !lost.is_empty() {
        Say {
            id: "D25",
            level: Level::Problem,
            verdict: "The number you show is not one of yours.".into(),
            evidence: vec![
                pair("Not in the account", listed(lost)),
                pair("In the account", listed(found.numbers.iter().map(|owned| &owned.number))),
            ],
            fix: by_hand("Check in the Twilio console whether the number was given up, and leave it out of this line."),
        }
        .to(findings);
    }
    let elsewhere: Vec<_> = found
        .numbers
        .iter()
        .filter(|owned| Some(owned.trunk.as_str()) != trunk)
        .collect();
    if !elsewhere.is_empty() {
        let at = elsewhere
            .iter()
            .map(
                |owned| match (owned.trunk.as_str(), owned.voice_url.as_str()) {
                    ("", "") => format!("{}: nothing", owned.number),
                    ("", url) => format!("{}: {url}", owned.number),
                    (other, _) => format!("{}: trunk {other}", owned.number),
                },
            )
            .collect::<Vec<_>>();
        Say {
            id: "D19",
            level: Level::Problem,
            verdict: "Your number is not connected to this line.".into(),
            evidence: vec![
                pair("Answered by", at.join("; ")),
                pair("It should be", "the line's trunk"),
            ],
            fix: Fix::SetUpAgain,
        }
        .to(findings);
    }
    let unregistered: Vec<_> = found
        .numbers
        .iter()
        .filter(|owned| !owned.emergency.is_empty() && owned.emergency != "registered")
        .collect();
    if !unregistered.is_empty() {
        Say {
            id: "D30",
            level: Level::Advice,
            verdict: "911 would not know where you are.".into(),
            evidence: vec![
                pair("Numbers", listed(unregistered.iter().map(|owned| &owned.number))),
                pair("Emergency address", unregistered.iter().map(|owned| owned.emergency.as_str()).collect::<Vec<_>>().join(", ")),
            ],
            fix: by_hand("Enter the emergency address of each number in the Twilio console. Deskline never fills it in for you."),
        }
        .to(findings);
    }
}
