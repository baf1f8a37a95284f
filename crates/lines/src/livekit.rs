//! LiveKit's telephone settings: reading them into types, and changing them.
//!
//! Requests are JSON, not protobuf: a change replaces the whole object, and what a newer server knows and we do not must
//! survive it. The server's rules that the plan relies on (read in its protocol library, tried on the real server): an
//! outbound trunk's address is a bare host and its numbers are not empty; an inbound trunk has numbers, addresses or a
//! password; two inbound trunks cannot have one number; numbers are compared whole.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use vault::Secret;

use crate::http::{Body, Http};
use crate::journal::Object;
use crate::json::{list, text};
use crate::mark::Mark;
use crate::project::Project;
use crate::provider::{not_ours, removed};
use crate::service::{Service, ServiceError};
use crate::step::Action;

const PASSWORD: &str = "auth_password";

/// An object as the server described it, without its password. Not shown: it may hold a PIN.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Raw(pub(crate) Value);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(…)")
    }
}

/// LiveKit's way out to a provider.
#[derive(Debug, Clone, Default)]
pub struct OutboundTrunk {
    /// `ST_…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Ours?
    pub mark: Option<Mark>,
    /// The provider's host.
    pub address: String,
    /// `SIP_TRANSPORT_…`
    pub transport: String,
    /// Caller IDs.
    pub numbers: Vec<String>,
    /// User name at the provider.
    pub user: String,
    /// Its password, as far as the server tells it.
    pub password: Option<Arc<Secret>>,
    /// `SIP_MEDIA_ENCRYPT_…`
    pub encryption: String,
    pub(crate) raw: Raw,
}

/// LiveKit's way in.
#[derive(Debug, Clone, Default)]
pub struct InboundTrunk {
    /// `ST_…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Ours?
    pub mark: Option<Mark>,
    /// Numbers it takes; none means any.
    pub numbers: Vec<String>,
    /// Callers it takes; none means any.
    pub allowed_numbers: Vec<String>,
    /// Senders it takes; none means any.
    pub allowed_addresses: Vec<String>,
    /// Does it ask for a password?
    pub has_sign_in: bool,
    /// `SIP_MEDIA_ENCRYPT_…`
    pub encryption: String,
    /// Its password.
    pub(crate) password: Option<Arc<Secret>>,
    pub(crate) raw: Raw,
}

/// What a rule does with a caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RuleKind {
    /// A room of their own; the prefix of its name.
    Individual {
        /// Before the caller's number.
        prefix: String,
    },
    /// Everybody into one room.
    Direct {
        /// Which.
        room: String,
    },
    /// A room per called number.
    Callee {
        /// Before the called number.
        prefix: String,
        /// Is every caller's room another one?
        randomize: bool,
    },
    /// Something newer.
    #[default]
    Unknown,
}

/// A dispatch rule.
#[derive(Debug, Clone, Default)]
pub struct DispatchRule {
    /// `SDR_…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Ours?
    pub mark: Option<Mark>,
    /// Trunks it is for; none means any.
    pub trunks: Vec<String>,
    /// Called numbers it is for; none means any.
    pub numbers: Vec<String>,
    /// Callers it is for, compared letter by letter; none means any.
    pub callers: Vec<String>,
    /// What it does.
    pub kind: RuleKind,
    /// The digits callers type first; empty for none.
    pub(crate) pin: String,
    /// Agents it calls for.
    pub agents: Vec<String>,
    pub(crate) raw: Raw,
}

impl DispatchRule {
    /// Do callers type a PIN first?
    #[must_use]
    pub fn has_pin(&self) -> bool {
        !self.pin.is_empty()
    }
}

/// All telephone settings of a project.
#[derive(Debug, Clone, Default)]
pub struct LiveKitFound {
    /// Ways out.
    pub outbound: Vec<OutboundTrunk>,
    /// Ways in.
    pub inbound: Vec<InboundTrunk>,
    /// Rules.
    pub rules: Vec<DispatchRule>,
}

impl LiveKitFound {
    /// A way in or a rule as the server tells it.
    pub(crate) fn raw_of(&self, id: &str) -> Option<&Value> {
        let rules = self.rules.iter().map(|rule| (&rule.id, &rule.raw.0));
        let inbound = self.inbound.iter().map(|trunk| (&trunk.id, &trunk.raw.0));
        let mut all = rules.chain(inbound);
        all.find_map(|(own, raw)| (own == id).then_some(raw))
    }
}

fn take_password(value: &mut Value) -> Option<Arc<Secret>> {
    let taken = value.as_object_mut()?.remove(PASSWORD)?;
    match taken {
        Value::String(text) if !text.is_empty() => Some(Arc::new(Secret::new(text))),
        Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

impl OutboundTrunk {
    pub(crate) fn read(mut value: Value) -> Option<Self> {
        let password = take_password(&mut value);
        let id = text(&value, "sip_trunk_id");
        (!id.is_empty()).then(|| Self {
            id,
            name: text(&value, "name"),
            mark: Mark::read(&text(&value, "metadata")),
            address: text(&value, "address"),
            transport: text(&value, "transport"),
            numbers: list(&value, "numbers"),
            user: text(&value, "auth_username"),
            password,
            encryption: text(&value, "media_encryption"),
            raw: Raw(value),
        })
    }
}

impl InboundTrunk {
    pub(crate) fn read(mut value: Value) -> Option<Self> {
        let password = take_password(&mut value);
        let id = text(&value, "sip_trunk_id");
        (!id.is_empty()).then(|| Self {
            id,
            name: text(&value, "name"),
            mark: Mark::read(&text(&value, "metadata")),
            numbers: list(&value, "numbers"),
            allowed_numbers: list(&value, "allowed_numbers"),
            allowed_addresses: list(&value, "allowed_addresses"),
            has_sign_in: !text(&value, "auth_username").is_empty(),
            encryption: text(&value, "media_encryption"),
            password,
            raw: Raw(value),
        })
    }
}

impl DispatchRule {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let id = text(&value, "sip_dispatch_rule_id");
        if id.is_empty() {
            return None;
        }
        let of = |name: &str| value.pointer(&format!("/rule/{name}"));
        let (kind, body) = if let Some(body) = of("dispatch_rule_individual") {
            let prefix = text(body, "room_prefix");
            (RuleKind::Individual { prefix }, Some(body))
        } else if let Some(body) = of("dispatch_rule_direct") {
            let room = text(body, "room_name");
            (RuleKind::Direct { room }, Some(body))
        } else if let Some(body) = of("dispatch_rule_callee") {
            let prefix = text(body, "room_prefix");
            let randomize = body.get("randomize").and_then(Value::as_bool) == Some(true);
            (RuleKind::Callee { prefix, randomize }, Some(body))
        } else {
            (RuleKind::Unknown, None)
        };
        let agents = value
            .pointer("/room_config/agents")
            .and_then(Value::as_array);
        Some(Self {
            id,
            name: text(&value, "name"),
            mark: Mark::read(&text(&value, "metadata")),
            trunks: list(&value, "trunk_ids"),
            numbers: list(&value, "numbers"),
            callers: list(&value, "inbound_numbers"),
            pin: body.map(|body| text(body, "pin")).unwrap_or_default(),
            agents: agents
                .into_iter()
                .flatten()
                .map(|agent| text(agent, "agent_name"))
                .collect(),
            kind,
            raw: Raw(value),
        })
    }
}

/// `raw` with some fields set to others: what a replacement sends.
pub(crate) fn with_fields(raw: &Raw, fields: Value) -> Value {
    let mut all = raw.0.as_object().cloned().unwrap_or_default();
    // The server's own; it keeps them by itself.
    for own in [
        "created_at",
        "updated_at",
        "sip_trunk_id",
        "sip_dispatch_rule_id",
    ] {
        all.remove(own);
    }
    if let Value::Object(fields) = fields {
        all.extend(fields);
    }
    Value::Object(all)
}

/// Requests to one project. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LiveKit {
    http: Http,
    project: Project,
}

impl LiveKit {
    pub(crate) fn new(http: Http, project: Project) -> Self {
        Self { http, project }
    }

    /// Everything there is.
    pub(crate) async fn look(&self) -> Result<LiveKitFound, ServiceError> {
        let (outbound, inbound, rules) = tokio::join!(
            self.items("SIP/ListSIPOutboundTrunk"),
            self.items("SIP/ListSIPInboundTrunk"),
            self.items("SIP/ListSIPDispatchRule"),
        );
        Ok(LiveKitFound {
            outbound: outbound?
                .into_iter()
                .filter_map(OutboundTrunk::read)
                .collect(),
            inbound: inbound?
                .into_iter()
                .filter_map(InboundTrunk::read)
                .collect(),
            rules: rules?.into_iter().filter_map(DispatchRule::read).collect(),
        })
    }

    async fn items(&self, method: &str) -> Result<Vec<Value>, ServiceError> {
        let answer = self.ask(method, json!({}), true).await?;
        match answer.get("items") {
            Some(Value::Array(items)) => Ok(items.clone()),
            // An empty list may be left out.
            None if answer.is_object() => Ok(Vec::new()),
            Some(_) | None => Err(ServiceError::Garbage {
                service: Service::LiveKit,
                detail: "an answer without a list".into(),
            }),
        }
    }

    async fn ask(&self, method: &str, body: Value, reads: bool) -> Result<Value, ServiceError> {
        let url = self
            .project
            .method(method)
            .ok_or_else(|| ServiceError::Garbage {
                service: Service::LiveKit,
                detail: "an address that cannot be read".into(),
            })?;
        let token = self.project.may_change_lines();
        let body = Body::Json(body);
        if reads {
            self.http
                .read_by_post(Service::LiveKit, url, &token, body)
                .await
        } else {
            self.http
                .ask(Service::LiveKit, reqwest::Method::POST, url, &token, body)
                .await
        }
    }

    /// Carries one change out; answers the id of what was made. `password` goes into trunks that have a user name.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        let (kind, wrapper, id_name) = if object == Object::OutboundTrunk {
            ("OutboundTrunk", "trunk", "sipTrunkId")
        } else if object == Object::InboundTrunk {
            ("InboundTrunk", "trunk", "sipTrunkId")
        } else if object == Object::Rule {
            ("DispatchRule", "dispatchRule", "sipDispatchRuleId")
        } else {
            return Err(not_ours(Service::LiveKit, object));
        };
        let done = match action {
            Action::Create { fields, .. } => {
                let body = json!({ wrapper: with_password(fields, password) });
                self.ask(&format!("SIP/CreateSIP{kind}"), body, false).await
            }
            Action::Update { id, fields, .. } => {
                let mut body = Map::new();
                body.insert(id_name.into(), json!(id));
                body.insert("replace".into(), with_password(fields, password));
                let body = Value::Object(body);
                self.ask(&format!("SIP/UpdateSIP{kind}"), body, false).await
            }
            Action::Delete { id, .. } => {
                let method = if wrapper == "trunk" {
                    "SIP/DeleteSIPTrunk"
                } else {
                    "SIP/DeleteSIPDispatchRule"
                };
                removed(self.ask(method, json!({ id_name: id }), false).await)
            }
        };
        let id = |answer: &Value| {
            let id = text(answer, "sip_trunk_id") + &text(answer, "sip_dispatch_rule_id");
            (!id.is_empty()).then_some(id)
        };
        done.map(|answer| id(&answer)).map_err(in_the_way)
    }
}

fn with_password(fields: &Value, password: Option<&Secret>) -> Value {
    let mut fields = fields.clone();
    let has_user = !text(&fields, "auth_username").is_empty();
    if let (true, Some(password), Value::Object(map)) = (has_user, password, &mut fields) {
        map.insert(PASSWORD.into(), json!(password.expose()));
    }
    fields
}

/// LiveKit says "conflict" with the code for bad input.
fn in_the_way(error: ServiceError) -> ServiceError {
    if let ServiceError::Invalid { service, words, .. } = &error
        && (words.contains("Conflicting") || words.contains("already exists"))
    {
        return ServiceError::Conflict {
            service: *service,
            words: words.clone(),
        };
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_out_of_what_is_kept() {
        let trunk = OutboundTrunk::read(json!({
            "sip_trunk_id": "ST_a", "auth_username": "u", "auth_password": "hunter2", "new_field": 7,
        }))
        .unwrap();
        assert_eq!(trunk.password.as_ref().unwrap().expose(), "hunter2");
        assert!(!trunk.raw.0.to_string().contains("hunter2"));
        assert!(!format!("{trunk:?}").contains("hunter2"));
        let sent = with_password(
            &with_fields(&trunk.raw, json!({"name": "n"})),
            trunk.password.as_deref(),
        );
        assert_eq!(
            sent,
            json!({"auth_username": "u", "auth_password": "hunter2", "new_field": 7, "name": "n"})
        );
    }

    #[test]
    fn rules_of_every_kind_are_read() {
        let rule = |body: Value| {
            DispatchRule::read(json!({"sip_dispatch_rule_id": "SDR_a", "rule": body}))
                .unwrap()
                .kind
        };
        assert_eq!(
            rule(json!({"dispatch_rule_individual": {"room_prefix": "inbound-"}})),
            RuleKind::Individual {
                prefix: "inbound-".into()
            }
        );
        assert_eq!(
            rule(json!({"dispatch_rule_direct": {"room_name": "lobby", "pin": ""}})),
            RuleKind::Direct {
                room: "lobby".into()
            }
        );
        assert_eq!(
            rule(json!({"dispatch_rule_callee": {"room_prefix": "c-"}})),
            RuleKind::Callee {
                prefix: "c-".into(),
                randomize: false
            }
        );
        assert_eq!(rule(json!({})), RuleKind::Unknown);
        assert!(DispatchRule::read(json!({})).is_none());
    }
}
