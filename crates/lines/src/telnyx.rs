//! Telnyx: reading an account into types, and changing it.
//!
//! Source: Telnyx' OpenAPI description (v2), and for `fqdn_authentication` its own client libraries, which are newer. JSON in,
//! JSON out. There is no idempotency key: everything is looked for before it is made.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;
use vault::Secret;
use zeroize::Zeroizing;

use crate::found::{Named, OwnedNumber, ProviderExtras};
use crate::http::{Authorization, Body, Http, has_blank_or_quote};
use crate::journal::Object;
use crate::json::{flag, id, list, text};
use crate::provider::{allowed, garbage, not_ours, removed};
use crate::service::{Service, ServiceError};
use crate::step::Action;
use crate::wanted::{BadInput, Number, Wanted};

const TELNYX: Service = Service::Telnyx;
/// Items of one page.
const PAGE: &str = "100";
/// Pages that are read of one list.
const MOST_PAGES: u64 = 50;
/// Where Telnyx takes calls to the outside; a subdomain of it answers 503 (LiveKit's documentation).
pub(crate) const ADDRESS: &str = "sip.telnyx.com";

/// What Telnyx lets in: an API key. Does not show it.
#[derive(Debug, Clone)]
pub struct TelnyxKeys {
    key: Arc<Secret>,
}

impl TelnyxKeys {
    /// Reads what was pasted.
    ///
    /// # Errors
    /// It is no API key: says what to copy.
    pub fn parse(key: Secret) -> Result<Self, BadInput> {
        let clean = key.expose().trim().trim_matches(['"', '\'']).trim();
        let clean = clean.strip_prefix("Bearer ").unwrap_or(clean).trim();
        let bad = |words: &str| Err(BadInput::BadKey(words.to_owned()));
        if clean.is_empty() {
            return bad("The API key is empty. Copy it from Telnyx, under “API keys”.");
        }
        if has_blank_or_quote(clean) {
            return bad(
                "The API key has a blank or a quote in it. Copy it again, whole and alone.",
            );
        }
        if !clean.starts_with("KEY") {
            return bad(
                "An API key of Telnyx begins with KEY. Make one under “API keys”; the public key and the SIP password are something else.",
            );
        }
        let key = Secret::new(clean.to_owned());
        Ok(Self { key: Arc::new(key) })
    }

    fn authorization(&self) -> Authorization {
        Zeroizing::new(format!("Bearer {}", self.key.expose()))
    }
}

/// A profile: what calls to the outside may cost and reach.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VoiceProfile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// In use?
    pub enabled: bool,
    /// Countries that may be called, ISO 3166; none means none.
    pub countries: Vec<String>,
    /// Is there a limit for the money of a day?
    pub has_limit: bool,
    /// Which calls Telnyx records: `all`, `none`, `by_caller_phone_number`; empty for none.
    pub recording: String,
    pub(crate) raw: Value,
}

/// A connection: Telnyx' end of a line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// In use?
    pub active: bool,
    /// `UDP`, `TCP`, `TLS`.
    pub transport: String,
    /// `SRTP`, or empty.
    pub encryption: String,
    /// How the called number is written towards LiveKit.
    pub called_format: String,
    /// How the caller's number is written.
    pub caller_format: String,
    /// The profile for calls to the outside; empty for none.
    pub profile: String,
    pub(crate) raw: Value,
}

/// Where a connection sends calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fqdn {
    /// Its id.
    pub id: String,
    /// The server.
    pub host: String,
    /// Its port; 0 when it is looked up (`srv`).
    pub port: u64,
    pub(crate) raw: Value,
}

impl Fqdn {
    /// As a SIP host.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.port == 0 {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// How the other side signs in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignIn {
    /// `credential-authentication` or `ip-authentication`.
    pub method: String,
    /// User name, empty for none.
    pub user: String,
}

/// What there is at Telnyx for one line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TelnyxFound {
    /// The line's profile.
    pub profile: Option<VoiceProfile>,
    /// The line's connection.
    pub connection: Option<Connection>,
    /// Where it sends calls.
    pub fqdns: Vec<Fqdn>,
    /// How LiveKit signs in at it.
    pub sign_in: SignIn,
    /// The wanted numbers that the account owns.
    pub numbers: Vec<OwnedNumber>,
    /// Of them, those whose calls Telnyx sends on to another number: number and where to.
    pub forwarded: Vec<(String, String)>,
    /// Connections that numbers are on.
    pub connections: Vec<Named>,
}

/// The name of a line's objects at Telnyx, which asks for three characters at least.
pub(crate) fn object_name(wanted: &Wanted) -> String {
    format!("{} LiveKit", wanted.name)
}

/// Requests to one account. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Telnyx {
    http: Http,
    base: Url,
    keys: TelnyxKeys,
}

impl Telnyx {
    pub(crate) fn new(http: Http, base: Url, keys: TelnyxKeys) -> Self {
        Self { http, base, keys }
    }

    /// Everything that concerns this line.
    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<TelnyxFound, ServiceError> {
        // The account first: a refused key is said once.
        self.get("balance").await?;
        let name = object_name(wanted);
        let (profiles, connections, numbers) = tokio::join!(
            self.pages(
                "outbound_voice_profiles",
                Some(("filter[name][contains]", &name))
            ),
            self.pages(
                "fqdn_connections",
                Some(("filter[connection_name][contains]", &name))
            ),
            self.owned(&wanted.numbers),
        );
        let mut found = numbers?;
        let profile = profiles?
            .iter()
            .map(read_profile)
            .find(|one| one.name == name);
        let connection = connections?
            .iter()
            .map(read_connection)
            .find(|one| one.name == name);
        found.profile = profile;
        if let Some(connection) = connection {
            let of = connection.id.as_str();
            let path = format!("fqdn_connections/{of}/fqdn_authentication");
            let (fqdns, sign_in) = tokio::join!(
                self.pages("fqdns", Some(("filter[connection_id]", of))),
                self.get(&path),
            );
            found.fqdns = fqdns?.iter().map(read_fqdn).collect();
            let sign_in = allowed(sign_in)?.unwrap_or_default();
            found.sign_in = SignIn {
                method: text(&sign_in, "fqdn_outbound_authentication"),
                user: text(&sign_in, "user_name"),
            };
            found.connection = Some(connection);
        }
        Ok(found)
    }

    /// Money. A key without the right to ask leaves it unknown.
    pub(crate) async fn extras(&self) -> Result<ProviderExtras, ServiceError> {
        let balance = allowed(self.get("balance").await)?.unwrap_or_default();
        Ok(ProviderExtras {
            balance: text(&balance, "balance").parse().ok(),
            currency: text(&balance, "currency"),
            ..ProviderExtras::default()
        })
    }

    /// Every number of the account.
    pub(crate) async fn numbers(&self) -> Result<Vec<OwnedNumber>, ServiceError> {
        let items = self.pages("phone_numbers", None).await?;
        Ok(items.iter().map(read_number).collect())
    }

    /// The wanted numbers, and nothing else.
    async fn owned(&self, wanted: &[Number]) -> Result<TelnyxFound, ServiceError> {
        let mut found = TelnyxFound::default();
        for number in wanted {
            let digits = number.as_str().trim_start_matches('+');
            let items = self
                .pages("phone_numbers", Some(("filter[phone_number]", digits)))
                .await?;
            // The provider searches by parts of a number.
            let own = items
                .iter()
                .find(|item| text(item, "phone_number") == number.as_str());
            let Some(own) = own else { continue };
            let path = format!("phone_numbers/{}/voice", id(own, "id"));
            let voice = allowed(self.get(&path).await)?.unwrap_or_default();
            let forwarding = voice.get("call_forwarding").unwrap_or(&Value::Null);
            let to = text(forwarding, "forwards_to");
            if flag(forwarding, "call_forwarding_enabled") && !to.is_empty() {
                found.forwarded.push((number.as_str().to_owned(), to));
            }
            found.connections.push(Named {
                id: id(own, "connection_id"),
                name: text(own, "connection_name"),
            });
            found.numbers.push(read_number(own));
        }
        Ok(found)
    }

    /// Carries one change out; answers the id of what was made.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        let parent = action.parent().unwrap_or_default();
        if object == Object::TelnyxSignIn {
            let path = format!("fqdn_connections/{parent}/fqdn_authentication");
            let body = sign_in(action, password);
            return self.ask(Method::PATCH, &path, body).await.map(|_| None);
        }
        if object == Object::TelnyxNumber {
            return self.connect(action, parent).await;
        }
        let collection = if object == Object::TelnyxProfile {
            "outbound_voice_profiles"
        } else if object == Object::TelnyxConnection {
            "fqdn_connections"
        } else if object == Object::TelnyxFqdn {
            "fqdns"
        } else {
            return Err(not_ours(TELNYX, object));
        };
        let done = match action {
            Action::Create { fields, .. } => {
                self.ask(Method::POST, collection, fields.clone()).await
            }
            Action::Update { id, fields, .. } => {
                let path = format!("{collection}/{id}");
                self.ask(Method::PATCH, &path, fields.clone()).await
            }
            Action::Delete { id, .. } => {
                let path = format!("{collection}/{id}");
                removed(self.ask(Method::DELETE, &path, Value::Null).await)
            }
        };
        done.map(|made| Some(id(&made, "id")).filter(|id| !id.is_empty()))
    }

    /// A number to a connection, or off it.
    async fn connect(&self, action: &Action, parent: &str) -> Result<Option<String>, ServiceError> {
        let (number, connection) = match action {
            Action::Create { fields, .. } => (id(fields, "number_id"), parent),
            Action::Update { id, .. } => (id.clone(), parent),
            Action::Delete { id, .. } => (id.clone(), ""),
        };
        let path = format!("phone_numbers/{number}");
        let body = json!({ "connection_id": connection });
        self.ask(Method::PATCH, &path, body)
            .await
            .map(|_| Some(number))
    }

    async fn get(&self, path: &str) -> Result<Value, ServiceError> {
        self.ask(Method::GET, path, Value::Null).await
    }

    /// What stands under `data`.
    async fn ask(&self, method: Method, path: &str, body: Value) -> Result<Value, ServiceError> {
        let mut answer = self.whole(method, self.url(path, &[])?, body).await?;
        match answer.get_mut("data") {
            Some(data) => Ok(data.take()),
            None => Err(garbage(TELNYX, "an answer without data")),
        }
    }

    async fn whole(&self, method: Method, url: Url, body: Value) -> Result<Value, ServiceError> {
        let body = if body.is_null() {
            Body::None
        } else {
            Body::Json(body)
        };
        let authorization = self.keys.authorization();
        self.http
            .ask(TELNYX, method, url, &authorization, body)
            .await
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, ServiceError> {
        let mut url = self
            .base
            .join(path)
            .map_err(|_| garbage(TELNYX, "an address that cannot be read"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// All pages of a list.
    async fn pages(
        &self,
        path: &str,
        filter: Option<(&str, &str)>,
    ) -> Result<Vec<Value>, ServiceError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let number = page.to_string();
            let page_of = [("page[number]", number.as_str()), ("page[size]", PAGE)];
            let asked: Vec<(&str, &str)> = filter.into_iter().chain(page_of).collect();
            let answer = self
                .whole(Method::GET, self.url(path, &asked)?, Value::Null)
                .await?;
            match answer.get("data") {
                Some(Value::Array(found)) => all.extend(found.iter().cloned()),
                Some(_) | None => return Err(garbage(TELNYX, "an answer without a list")),
            }
            let pages = answer.pointer("/meta/total_pages").and_then(Value::as_u64);
            if pages.unwrap_or(0) <= page {
                return Ok(all);
            }
        }
        Err(garbage(TELNYX, "a list without an end"))
    }
}

/// The body that sets a sign-in. Taken back, nobody signs in with a password.
fn sign_in(action: &Action, password: Option<&Secret>) -> Value {
    match action {
        Action::Create { fields, .. } | Action::Update { fields, .. } => {
            let mut body = fields.clone();
            // Without one, a name is put back whose password is lost.
            if let (Value::Object(map), Some(password)) = (&mut body, password) {
                map.insert("password".into(), json!(password.expose()));
            }
            body
        }
        Action::Delete { .. } => json!({ "fqdn_outbound_authentication": "ip-authentication" }),
    }
}

fn read_profile(value: &Value) -> VoiceProfile {
    let recording = value.get("call_recording").unwrap_or(&Value::Null);
    VoiceProfile {
        id: id(value, "id"),
        name: text(value, "name"),
        enabled: flag(value, "enabled"),
        countries: list(value, "whitelisted_destinations"),
        has_limit: flag(value, "daily_spend_limit_enabled"),
        recording: text(recording, "call_recording_type"),
        // A change of a profile must repeat its name.
        raw: json!({ "name": text(value, "name"), "enabled": flag(value, "enabled") }),
    }
}

fn read_connection(value: &Value) -> Connection {
    let inbound = value.get("inbound").unwrap_or(&Value::Null);
    let outbound = value.get("outbound").unwrap_or(&Value::Null);
    let mut connection = Connection {
        id: id(value, "id"),
        name: text(value, "connection_name"),
        active: flag(value, "active"),
        transport: text(value, "transport_protocol"),
        encryption: text(value, "encrypted_media"),
        called_format: text(inbound, "dnis_number_format"),
        caller_format: text(inbound, "ani_number_format"),
        profile: id(outbound, "outbound_voice_profile_id"),
        raw: Value::Null,
    };
    connection.raw = json!({
        "connection_name": connection.name,
        "active": connection.active,
        "transport_protocol": connection.transport,
        "encrypted_media": value.get("encrypted_media"),
        "inbound": {
            "dnis_number_format": connection.called_format,
            "ani_number_format": connection.caller_format,
        },
        "outbound": { "outbound_voice_profile_id": connection.profile },
    });
    connection
}

fn read_fqdn(value: &Value) -> Fqdn {
    Fqdn {
        id: id(value, "id"),
        host: text(value, "fqdn"),
        port: value.get("port").and_then(Value::as_u64).unwrap_or(0),
        raw: json!({
            "connection_id": id(value, "connection_id"),
            "fqdn": text(value, "fqdn"),
            "port": value.get("port"),
            "dns_record_type": text(value, "dns_record_type"),
        }),
    }
}

fn read_number(value: &Value) -> OwnedNumber {
    let status = text(value, "status");
    OwnedNumber {
        number: text(value, "phone_number"),
        id: id(value, "id"),
        on: id(value, "connection_id"),
        answered_by: String::new(),
        voice: status.is_empty() || status == "active",
        emergency: if flag(value, "emergency_enabled") {
            "registered".into()
        } else {
            "off".into()
        },
        raw: json!({ "number_id": id(value, "id"), "on": id(value, "connection_id") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_kind_is_named_and_none_is_shown() {
        let keys = |text: &str| TelnyxKeys::parse(Secret::new(text.into()));
        for (text, says) in [
            ("", "is empty"),
            ("KEY 12", "a blank"),
            ("hunter2", "begins with KEY"),
        ] {
            let said = keys(text).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
        }
        let read = keys(" \"Bearer KEYhunter2\"\n").unwrap();
        assert_eq!(read.authorization().as_str(), "Bearer KEYhunter2");
        assert!(!format!("{read:?}").contains("hunter2"));
    }
}
