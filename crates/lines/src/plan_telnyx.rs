//! The steps at Telnyx.

use serde_json::{Value, json};

use crate::credential::Credential;
use crate::journal::Object;
use crate::plan::Plan;
use crate::plan_numbers::{Binding, numbers as bind};
use crate::step::{Action, Step, StepKey};
use crate::telnyx::{Connection, Fqdn, TelnyxFound, object_name};
use crate::wanted::{LiveKitSip, Wanted, WantedProvider};

/// How LiveKit wants the called number and the caller's written. Telnyx spells the two differently.
pub(crate) const CALLED_FORMAT: &str = "+e164";
const CALLER_FORMAT: &str = "+E.164";
/// The password decides who may call out, not the address of the caller.
pub(crate) const BY_PASSWORD: &str = "credential-authentication";
/// The countries of a new profile, which are Telnyx' own choice too.
const COUNTRIES: [&str; 2] = ["US", "CA"];
const PLAIN_PORT: u16 = 5060;
const TLS_PORT: u16 = 5061;

/// Profile, connection, password, destination.
pub(crate) fn before(
    plan: &mut Plan,
    wanted: &Wanted,
    found: &TelnyxFound,
    credential: Option<&Credential>,
) {
    let WantedProvider::Telnyx { livekit } = &wanted.provider else {
        return;
    };
    let name = object_name(wanted);
    profile(plan, found, &name);
    connection(plan, wanted, found, &name);
    if let Some(credential) = credential {
        sign_in(plan, found, credential);
    }
    destination(plan, wanted, found, livekit);
}

fn profile(plan: &mut Plan, found: &TelnyxFound, name: &str) {
    let key = StepKey::of(Object::TelnyxProfile);
    let title = "Voice profile at Telnyx";
    match &found.profile {
        None => plan.steps.push(Step::new(
            key,
            title,
            (
                "nothing",
                format!("“{name}”, calls to the United States and Canada"),
            ),
            Action::Create {
                parent: None,
                fields: json!({
                    "name": name,
                    "traffic_type": "conversational",
                    "service_plan": "global",
                    "whitelisted_destinations": COUNTRIES,
                    "enabled": true,
                }),
            },
        )),
        Some(there) if !there.enabled => plan.steps.push(
            Step::new(
                key,
                title,
                (
                    format!("“{name}”, switched off"),
                    format!("“{name}”, in use"),
                ),
                Action::Update {
                    parent: None,
                    id: there.id.clone(),
                    fields: json!({ "name": name, "enabled": true }),
                },
            )
            .with_before(there.raw.clone()),
        ),
        Some(there) => plan
            .kept
            .push(format!("the voice profile “{}”", there.name)),
    }
}

fn transport(wanted: &Wanted) -> (&'static str, Value) {
    if wanted.secure {
        ("TLS", json!("SRTP"))
    } else {
        ("TCP", Value::Null)
    }
}

fn in_words(active: bool, transport: &str, called_format: &str) -> String {
    format!(
        "{}, over {transport}, numbers as {called_format}",
        if active { "in use" } else { "switched off" }
    )
}

fn connection(plan: &mut Plan, wanted: &Wanted, found: &TelnyxFound, name: &str) {
    let key = StepKey::of(Object::TelnyxConnection);
    let title = "Connection at Telnyx";
    let profile = found.profile.as_ref().map(|profile| profile.id.clone());
    let (transport, encryption) = transport(wanted);
    let fields = json!({
        "connection_name": name,
        "active": true,
        "transport_protocol": transport,
        "encrypted_media": encryption,
        "inbound": { "dnis_number_format": CALLED_FORMAT, "ani_number_format": CALLER_FORMAT },
        "outbound": { "outbound_voice_profile_id": profile },
    });
    let after = format!("“{name}”, {}", in_words(true, transport, CALLED_FORMAT));
    let Some(there) = &found.connection else {
        plan.steps.push(Step::new(
            key,
            title,
            ("nothing", after),
            Action::Create {
                parent: profile,
                fields,
            },
        ));
        return;
    };
    let fits = there.active
        && there.transport == transport
        && there.encryption == encryption.as_str().unwrap_or_default()
        && there.called_format == CALLED_FORMAT
        && there.caller_format == CALLER_FORMAT
        && Some(&there.profile) == profile.as_ref();
    if fits {
        plan.kept.push(format!("the connection “{}”", there.name));
        return;
    }
    plan.steps.push(
        Step::new(
            key,
            title,
            (connection_now(there, profile.as_deref()), after),
            Action::Update {
                parent: profile,
                id: there.id.clone(),
                fields,
            },
        )
        .with_before(there.raw.clone()),
    );
}

fn connection_now(there: &Connection, profile: Option<&str>) -> String {
    let mut words = format!(
        "“{}”, {}",
        there.name,
        in_words(there.active, &there.transport, &there.called_format)
    );
    // One that is still to be made is another too.
    if profile != Some(there.profile.as_str()) {
        words.push_str(", with another voice profile");
    }
    words
}

fn sign_in(plan: &mut Plan, found: &TelnyxFound, credential: &Credential) {
    let there = &found.sign_in;
    if there.user == credential.user && there.method == BY_PASSWORD {
        plan.kept.push(format!("the user {}", there.user));
        return;
    }
    let parent = found.connection.as_ref().map(|one| one.id.clone());
    let fields = json!({
        "fqdn_outbound_authentication": BY_PASSWORD,
        "user_name": credential.user,
    });
    let after = format!("{}, a password of 24 characters", credential.user);
    let key = StepKey::of(Object::TelnyxSignIn);
    let title = "Password for dialling out";
    if there.user.is_empty() {
        plan.steps.push(Step::new(
            key,
            title,
            ("nobody can call out", after),
            Action::Create { parent, fields },
        ));
        return;
    }
    let id = parent.clone().unwrap_or_default();
    let warning = format!(
        "The password of {} is replaced. Telnyx does not show it, so Undo can put the name back and not the password.",
        crate::service::words(&there.user)
    );
    plan.steps.push(
        Step::new(
            key,
            title,
            (crate::service::words(&there.user), after),
            Action::Update { parent, id, fields },
        )
        .with_before(json!({
            "fqdn_outbound_authentication": there.method,
            "user_name": there.user,
        }))
        .with_warning(Some(warning)),
    );
}

/// The server and the port that Telnyx sends calls to.
fn host_and_port(livekit: &LiveKitSip, secure: bool) -> (String, u16) {
    let host = livekit.host();
    let port = host
        .as_str()
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let usual = if secure { TLS_PORT } else { PLAIN_PORT };
    (host.host().to_owned(), port.unwrap_or(usual))
}

/// The destination that is this project's.
fn own_fqdn<'a>(found: &'a TelnyxFound, host: &str) -> Option<&'a Fqdn> {
    found.fqdns.iter().find(|one| one.host == host)
}

fn destination(plan: &mut Plan, wanted: &Wanted, found: &TelnyxFound, livekit: &LiveKitSip) {
    let (host, port) = host_and_port(livekit, wanted.secure);
    let parent = found.connection.as_ref().map(|one| one.id.clone());
    let fields = json!({
        "connection_id": parent,
        "fqdn": host,
        "port": port,
        "dns_record_type": "a",
    });
    let own = own_fqdn(found, &host);
    let key = StepKey::of(Object::TelnyxFqdn);
    let title = "Send calls to LiveKit";
    let after = format!("{host}:{port}");
    match own {
        None => plan.steps.push(Step::new(
            key,
            title,
            ("calls go nowhere", after),
            Action::Create { parent, fields },
        )),
        Some(there) if there.port != u64::from(port) => plan.steps.push(
            Step::new(
                key,
                title,
                (there.shown(), after),
                Action::Update {
                    parent,
                    id: there.id.clone(),
                    fields,
                },
            )
            .with_before(there.raw.clone()),
        ),
        Some(there) => plan.kept.push(format!("calls go to {}", there.shown())),
    }
    for other in &found.fqdns {
        if other.host != host {
            plan.notes.push(format!(
                "The connection also sends calls to {}. Some callers may end up there; remove it at Telnyx if that is not meant.",
                other.shown()
            ));
        }
    }
}

/// The numbers, last of all.
pub(crate) fn numbers(plan: &mut Plan, wanted: &Wanted, found: &TelnyxFound) {
    let name = object_name(wanted);
    let own = found.connection.as_ref().map(|one| one.id.as_str());
    for (number, to) in &found.forwarded {
        plan.notes.push(format!(
            "Telnyx sends calls to {} on to {to}, so they do not come here. Switch call forwarding off there.",
            crate::plan::listed([number])
        ));
    }
    let binding = Binding {
        object: Object::TelnyxNumber,
        provider: "Telnyx",
        own,
        there: format!("on the connection “{name}”"),
        kind: "connection",
        fields: |owned| json!({ "number_id": owned.id }),
    };
    bind(plan, wanted, &found.numbers, &found.connections, &binding);
}

/// What there is of a step's object.
pub(crate) fn object_of(
    key: &StepKey,
    wanted: &Wanted,
    found: &TelnyxFound,
    credential: Option<&Credential>,
) -> Option<(String, Value)> {
    let WantedProvider::Telnyx { livekit } = &wanted.provider else {
        return None;
    };
    if let Some(number) = &key.number {
        let owned = found
            .numbers
            .iter()
            .find(|owned| owned.number == number.as_str());
        return owned.map(|owned| (owned.id.clone(), owned.raw.clone()));
    }
    if key.object == Object::TelnyxProfile {
        found
            .profile
            .as_ref()
            .map(|one| (one.id.clone(), one.raw.clone()))
    } else if key.object == Object::TelnyxConnection {
        found
            .connection
            .as_ref()
            .map(|one| (one.id.clone(), one.raw.clone()))
    } else if key.object == Object::TelnyxSignIn {
        let connection = found.connection.as_ref()?;
        let ours = credential.is_some_and(|own| own.user == found.sign_in.user);
        ours.then(|| {
            (
                connection.id.clone(),
                json!({ "user_name": found.sign_in.user }),
            )
        })
    } else {
        let (host, _) = host_and_port(livekit, wanted.secure);
        own_fqdn(found, &host).map(|one| (one.id.clone(), one.raw.clone()))
    }
}
