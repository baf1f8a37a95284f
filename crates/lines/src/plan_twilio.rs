//! The steps at Twilio.

use serde_json::{Value, json};

use crate::credential::Credential;
use crate::journal::Object;
use crate::plan::{Plan, Problem};
use crate::plan_numbers::{Binding, numbers as bind};
use crate::step::{Action, Step, StepKey};
use crate::twilio::{Destination, TwilioFound, list_name};
use crate::wanted::{LiveKitSip, SipHost, Wanted, WantedProvider};

/// Transfers by the network: to phones and to SIP addresses.
const TRANSFER: &str = "enable-all";

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
        None => plan.steps.push(Step::new(
            StepKey::of(Object::TwilioTrunk),
            "Trunk at Twilio",
            ("nothing", format!("“{}”, {domain}", wanted.name)),
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
            plan.steps.push(
                Step::new(
                    StepKey::of(Object::TwilioTrunk),
                    "Trunk at Twilio",
                    (words(trunk.secure), words(wanted.secure)),
                    Action::Update {
                        parent: None,
                        id: trunk.sid.clone(),
                        fields: json!({ "Secure": wanted.secure }),
                    },
                )
                .with_before(trunk.raw.clone()),
            );
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
        None => plan.steps.push(Step::new(
            StepKey::of(Object::TwilioDestination),
            title,
            ("calls go nowhere", url.clone()),
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
            plan.steps.push(
                Step::new(
                    StepKey::of(Object::TwilioDestination),
                    title,
                    (now, url.clone()),
                    Action::Update {
                        parent: trunk,
                        id: there.id.clone(),
                        fields: json!({ "SipUrl": url, "Enabled": true }),
                    },
                )
                .with_before(there.raw.clone()),
            );
        }
        Some(there) => plan.kept.push(format!("calls go to {}", there.url)),
    }
    for other in &found.destinations {
        if other.enabled && Some(&other.id) != own.map(|own| &own.id) {
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
    let list = found.list.as_ref().map(|list| list.id.clone());
    match &found.list {
        None => plan.steps.push(Step::new(
            StepKey::of(Object::TwilioCredentialList),
            "List of passwords at Twilio",
            ("nothing", format!("“{name}”")),
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
        plan.steps.push(Step::new(
            StepKey::of(Object::TwilioCredential),
            "Password for dialling out",
            (
                "nothing",
                format!("{}, a password of 24 characters", credential.user),
            ),
            Action::Create {
                parent: list.clone(),
                fields: json!({ "Username": credential.user }),
            },
        ));
    }
    let is_asked = list
        .as_ref()
        .is_some_and(|list| found.asked_lists.iter().any(|asked| asked.id == *list));
    if is_asked {
        plan.kept.push("the trunk asks for that password".into());
    } else {
        let fields = list.map_or(json!({}), |list| json!({ "CredentialListSid": list }));
        plan.steps.push(Step::new(
            StepKey::of(Object::TwilioListBinding),
            "The trunk asks for that password",
            (
                if found.asked_lists.is_empty() {
                    "nobody can call out"
                } else {
                    "other passwords only"
                },
                format!("“{name}” may call out"),
            ),
            Action::Create {
                parent: trunk,
                fields,
            },
        ));
    }
}

/// The numbers, last of all.
pub(crate) fn numbers(plan: &mut Plan, wanted: &Wanted, found: &TwilioFound) {
    let trunk = found.trunk.as_ref();
    let name = trunk.map_or(wanted.name.as_str(), |trunk| trunk.name.as_str());
    let binding = Binding {
        object: Object::TwilioNumberBinding,
        provider: "Twilio",
        own: trunk.map(|trunk| trunk.sid.as_str()),
        there: format!("on the trunk “{name}”"),
        kind: "trunk",
        fields: |owned| json!({ "PhoneNumberSid": owned.id }),
    };
    bind(plan, wanted, &found.numbers, &found.trunks, &binding);
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
    if let Some(number) = &key.number {
        let owned = found
            .numbers
            .iter()
            .find(|owned| owned.number == number.as_str());
        return owned.map(|owned| (owned.id.clone(), owned.raw.clone()));
    }
    if key.object == Object::TwilioTrunk {
        let trunk = found.trunk.as_ref();
        trunk.map(|trunk| (trunk.sid.clone(), trunk.raw.clone()))
    } else if key.object == Object::TwilioDestination {
        own_destination(wanted, found, livekit).map(|one| (one.id.clone(), one.raw.clone()))
    } else if key.object == Object::TwilioCredentialList {
        let list = found.list.as_ref();
        list.map(|list| (list.id.clone(), json!({ "FriendlyName": list.name })))
    } else if key.object == Object::TwilioCredential {
        found
            .users
            .iter()
            .find(|user| Some(&user.name) == credential.map(|own| &own.user))
            .map(|user| (user.id.clone(), json!({ "Username": user.name })))
    } else {
        let list = found.list.as_ref()?;
        found
            .asked_lists
            .iter()
            .find(|asked| asked.id == list.id)
            .map(|asked| (asked.id.clone(), json!({ "CredentialListSid": asked.id })))
    }
}
