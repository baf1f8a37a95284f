//! The steps at Twilio.

use serde_json::{Value, json};

use crate::credential::Credential;
use crate::journal::Object;
use crate::plan::{Plan, Problem};
use crate::step::{Action, Step, StepKey};
use crate::twilio::{Destination, OwnedNumber, TwilioFound, list_name};
use crate::wanted::{LiveKitSip, SipHost, Wanted, WantedProvider};

/// Transfers by the network: to phones and to SIP addresses.
const TRANSFER: &str = "enable-all";

fn step(
    key: StepKey,
    object: Object,
    title: &str,
    now: String,
    after: String,
    action: Action,
) -> Step {
    Step {
        key,
        object,
        title: title.into(),
        now,
        after,
        warning: None,
        action,
        before: None,
    }
}

/// Trunk, destination and password.
pub(crate) fn before(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &TwilioFound,
    credential: Option<&Credential>,
) {
    let WantedProvider::Twilio { livekit, domain } = &wanted.provider else {
        return;
    };
    account(plan, found);
    let sid = found.trunk.as_ref().map(|trunk| trunk.sid.clone());
    match &found.trunk {
        None => plan.steps.push(step(
            StepKey::TwilioTrunk,
            Object::TwilioTrunk,
            "Trunk at Twilio",
            "nothing".into(),
            format!("“{}”, {domain}", wanted.name),
            Action::Create {
                parent: None,
                fields: json!({
                    "FriendlyName": wanted.name.as_str(),
                    "DomainName": domain.as_str(),
                    "Secure": wanted.secure,
                    "TransferMode": TRANSFER,
                }),
            },
        )),
        Some(trunk) if trunk.secure != wanted.secure => {
            let words = |secure: bool| {
                if secure {
                    "encrypted calls only"
                } else {
                    "calls without encryption"
                }
            };
            let mut step = step(
                StepKey::TwilioTrunk,
                Object::TwilioTrunk,
                "Trunk at Twilio",
                words(trunk.secure).into(),
                words(wanted.secure).into(),
                Action::Update {
                    parent: None,
                    id: trunk.sid.clone(),
                    fields: json!({ "Secure": wanted.secure }),
                },
            );
            step.before = Some(trunk.raw.clone());
            plan.steps.push(step);
        }
        Some(trunk) => plan.kept.push(format!(
            "the trunk at Twilio, “{}”, {}",
            trunk.name, trunk.domain
        )),
    }
    destination(plan, wanted, found, livekit, sid.clone());
    if let Some(credential) = credential {
        password(plan, wanted, found, credential, sid);
    }
}

fn account(plan: &mut Plan, found: &TwilioFound) {
    if !found.status.is_empty() && found.status != "active" {
        plan.problems.push(Problem {
            code: "account_suspended",
            words: format!(
                "The account at Twilio is {}. Open Twilio's billing page, then try again.",
                crate::service::words(&found.status)
            ),
        });
    }
    if found.kind == "Trial" {
        plan.notes.push(
            "This is a trial account: it can only call numbers that you have verified at Twilio."
                .into(),
        );
    }
}

/// The destination that is this project's, or the one of our name.
fn own_destination<'a>(
    wanted: &Wanted,
    found: &'a TwilioFound,
    livekit: &LiveKitSip,
) -> Option<&'a Destination> {
    let url = livekit.uri(wanted.secure);
    let name = destination_name(wanted);
    found
        .destinations
        .iter()
        .find(|one| one.url == url)
        .or_else(|| found.destinations.iter().find(|one| one.name == name))
        .or_else(|| {
            // The same server with another transport or spelling.
            found.destinations.iter().find(|one| {
                SipHost::parse(&one.url).is_ok_and(|host| host.host() == livekit.host().host())
            })
        })
}

fn destination_name(wanted: &Wanted) -> String {
    format!("{} LiveKit", wanted.name)
}

fn destination(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &TwilioFound,
    livekit: &LiveKitSip,
    trunk: Option<String>,
) {
    let url = livekit.uri(wanted.secure);
    let title = "Send calls to LiveKit";
    let own = own_destination(wanted, found, livekit);
    match own {
        None => plan.steps.push(step(
            StepKey::TwilioDestination,
            Object::TwilioDestination,
            title,
            "calls go nowhere".into(),
            url.clone(),
            Action::Create {
                parent: trunk,
                fields: json!({
                    "FriendlyName": destination_name(wanted),
                    "SipUrl": url,
                    "Weight": 1,
                    "Priority": 1,
                    "Enabled": true,
                }),
            },
        )),
        Some(there) if there.url != url || !there.enabled => {
            let now = if there.enabled {
                there.url.clone()
            } else {
                format!("{}, switched off", there.url)
            };
            let mut step = step(
                StepKey::TwilioDestination,
                Object::TwilioDestination,
                title,
                now,
                url.clone(),
                Action::Update {
                    parent: trunk,
                    id: there.sid.clone(),
                    fields: json!({ "SipUrl": url, "Enabled": true }),
                },
            );
            step.before = Some(there.raw.clone());
            plan.steps.push(step);
        }
        Some(there) => plan.kept.push(format!("calls go to {}", there.url)),
    }
    for other in &found.destinations {
        if other.enabled && Some(&other.sid) != own.map(|own| &own.sid) {
            plan.notes.push(format!(
                "The trunk also sends calls to {}. Some callers may end up there; switch it off at Twilio if that is not meant.",
                other.url
            ));
        }
    }
}

fn password(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &TwilioFound,
    credential: &Credential,
    trunk: Option<String>,
) {
    let name = list_name(wanted);
    let list = found.list.as_ref().map(|list| list.sid.clone());
    match &found.list {
        None => plan.steps.push(step(
            StepKey::TwilioCredentialList,
            Object::TwilioCredentialList,
            "List of passwords at Twilio",
            "nothing".into(),
            format!("“{name}”"),
            Action::Create {
                parent: None,
                fields: json!({ "FriendlyName": name }),
            },
        )),
        Some(list) => plan
            .kept
            .push(format!("the list of passwords “{}”", list.name)),
    }
    if found.users.iter().any(|user| user.name == credential.user) {
        plan.kept.push(format!("the user {}", credential.user));
    } else {
        plan.steps.push(step(
            StepKey::TwilioCredential,
            Object::TwilioCredential,
            "Password for dialling out",
            "nothing".into(),
            format!("{}, a password of 24 characters", credential.user),
            Action::Create {
                parent: list.clone(),
                fields: json!({ "Username": credential.user }),
            },
        ));
    }
    let is_asked = list
        .as_ref()
        .is_some_and(|list| found.asked_lists.iter().any(|asked| asked.sid == *list));
    if is_asked {
        plan.kept.push("the trunk asks for that password".into());
    } else {
        let fields = list.map_or(json!({}), |list| json!({ "CredentialListSid": list }));
        plan.steps.push(step(
            StepKey::TwilioSignIn,
            Object::TwilioListBinding,
            "The trunk asks for that password",
            if found.asked_lists.is_empty() {
                "nobody can call out".into()
            } else {
                "other passwords only".into()
            },
            format!("“{name}” may call out"),
            Action::Create {
                parent: trunk,
                fields,
            },
        ));
    }
}

/// The numbers, last of all.
pub(crate) fn numbers(plan: &mut Plan, wanted: &Wanted, found: &TwilioFound) {
    let trunk = found.trunk.as_ref().map(|trunk| trunk.sid.clone());
    for number in &wanted.numbers {
        let Some(owned) = found
            .numbers
            .iter()
            .find(|owned| owned.number == number.as_str())
        else {
            plan.problems.push(Problem {
                code: "number_not_owned",
                words: format!(
                    "{} is not a number of this Twilio account. Check the number, or buy it at Twilio first; Deskline buys nothing.",
                    number.shown()
                ),
            });
            continue;
        };
        if !owned.voice {
            plan.problems.push(Problem {
                code: "number_without_voice",
                words: format!(
                    "{} is for messages only: it cannot be called. Choose a number with voice.",
                    number.shown()
                ),
            });
            continue;
        }
        if trunk.as_ref() == Some(&owned.trunk) {
            plan.kept
                .push(format!("{} is on the trunk", number.shown()));
            continue;
        }
        let (now, warning) = at_present(owned, found);
        let mut step = step(
            StepKey::TwilioNumber(number.clone()),
            Object::TwilioNumberBinding,
            &format!("Connect {}", number.shown()),
            now,
            format!(
                "on the trunk “{}”",
                found
                    .trunk
                    .as_ref()
                    .map_or(wanted.name.as_str(), |trunk| trunk.name.as_str())
            ),
            Action::Create {
                parent: trunk.clone(),
                fields: json!({ "PhoneNumberSid": owned.sid }),
            },
        );
        step.warning = warning;
        step.before = Some(owned.raw.clone());
        plan.steps.push(step);
    }
}

fn at_present(owned: &OwnedNumber, found: &TwilioFound) -> (String, Option<String>) {
    if !owned.trunk.is_empty() {
        let name = found
            .trunks
            .iter()
            .find(|trunk| trunk.sid == owned.trunk)
            .map_or(owned.trunk.as_str(), |trunk| trunk.name.as_str());
        return (
            format!("on the trunk “{name}”"),
            Some(format!(
                "Callers will reach Deskline at once instead of the trunk “{name}”. Undo puts the number back there."
            )),
        );
    }
    if owned.voice_url.is_empty() {
        ("answered by nothing".into(), None)
    } else {
        let address = crate::service::words(&owned.voice_url);
        (
            format!("answered by {address}"),
            Some(format!(
                "Callers will reach Deskline at once instead of {address}. Undo puts the old address back."
            )),
        )
    }
}

/// What there is of a step's object.
pub(crate) fn object_of(
    key: &StepKey,
    wanted: &Wanted,
    found: &TwilioFound,
    credential: Option<&Credential>,
) -> Option<(String, Value)> {
    let WantedProvider::Twilio { livekit, .. } = &wanted.provider else {
        return None;
    };
    match key {
        StepKey::TwilioTrunk => found
            .trunk
            .as_ref()
            .map(|trunk| (trunk.sid.clone(), trunk.raw.clone())),
        StepKey::TwilioDestination => {
            own_destination(wanted, found, livekit).map(|one| (one.sid.clone(), one.raw.clone()))
        }
        StepKey::TwilioCredentialList => found
            .list
            .as_ref()
            .map(|list| (list.sid.clone(), json!({ "FriendlyName": list.name }))),
        StepKey::TwilioCredential => found
            .users
            .iter()
            .find(|user| Some(&user.name) == credential.map(|own| &own.user))
            .map(|user| (user.sid.clone(), json!({ "Username": user.name }))),
        StepKey::TwilioSignIn => {
            let list = found.list.as_ref()?;
            found
                .asked_lists
                .iter()
                .find(|asked| asked.sid == list.sid)
                .map(|asked| (asked.sid.clone(), json!({ "CredentialListSid": asked.sid })))
        }
        StepKey::TwilioNumber(number) => found
            .numbers
            .iter()
            .find(|owned| owned.number == number.as_str())
            .map(|owned| (owned.sid.clone(), owned.raw.clone())),
        StepKey::OutboundTrunk | StepKey::InboundTrunk | StepKey::Rule => None,
    }
}
