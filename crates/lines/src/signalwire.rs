//! SignalWire: reading a space into types, and changing it.
//!
//! Source: SignalWire's description of its API and its guides for LiveKit. JSON in, JSON out; every space is a server of its
//! own. Numbers are in one part of the API, scripts and SIP addresses in a newer one, which not every account has. There is no
//! idempotency key: everything is looked for before it is made. A SIP address never shows its password, so its name does.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;
use vault::Secret;

use crate::found::{Named, OwnedNumber, ProviderExtras};
use crate::http::{Authorization, Body, Http, basic, has_blank_or_quote};
use crate::journal::Object;
use crate::json::{id, list, text};
use crate::plan_signalwire::{dial_out_name, handler_name};
use crate::provider::{allowed, garbage, not_ours, removed};
use crate::service::{Service, ServiceError};
use crate::step::Action;
use crate::swml::{self, Connect};
use crate::wanted::{BadInput, Number, SipHost, Wanted, WantedProvider};

const SIGNALWIRE: Service = Service::SignalWire;
/// Items of one page.
const PAGE: &str = "100";
/// Pages that are read of one list.
const MOST_PAGES: usize = 50;
const NUMBERS: &str = "api/relay/rest/phone_numbers";
const RESOURCES: &str = "api/fabric/resources";
const SCRIPTS: &str = "api/fabric/resources/swml_scripts";
const WEBHOOKS: &str = "api/fabric/resources/swml_webhooks";
const SIP_ADDRESSES: &str = "api/fabric/sip_addresses";
const ROUTES: &str = "api/fabric/phone_number_addresses";
/// Every number that is dialled: which one it is, the script reads.
pub(crate) const ANY_USER: &str = "*";
/// What says who answers a number, beside the handler itself.
const ANSWERS: [&str; 8] = [
    "call_request_url",
    "call_relay_script_url",
    "call_laml_application_id",
    "call_relay_topic",
    "call_relay_context",
    "call_relay_application",
    "call_sip_endpoint_id",
    "call_video_room_id",
];

/// What SignalWire lets in: space, project and an API token. Does not show the token.
#[derive(Debug, Clone)]
pub struct SignalWireKeys {
    space: Arc<str>,
    project: Arc<str>,
    /// Both, as the list of lines keeps them.
    account: Arc<str>,
    token: Arc<Secret>,
}

impl SignalWireKeys {
    /// Reads what was pasted: `space` is `acme`, its address, or `acme/project` when `project` is empty.
    ///
    /// # Errors
    /// Something is of the wrong kind: says which field got what.
    pub fn parse(space: &str, project: &str, token: Secret) -> Result<Self, BadInput> {
        let clean = |text: &str| text.trim().trim_matches(['"', '\'']).trim().to_owned();
        let bad = |words: &str| Err(BadInput::BadKey(words.to_owned()));
        let lower = clean(space).to_lowercase();
        let bare = ["https://", "http://"]
            .iter()
            .find_map(|scheme| lower.strip_prefix(scheme))
            .unwrap_or(&lower);
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        let name = host.strip_suffix(".signalwire.com").unwrap_or(host);
        let project = match clean(project) {
            given if given.is_empty() => path.to_owned(),
            given => given.to_lowercase(),
        };
        if is_id(name) {
            return bad(
                "This is a project ID, and the name of the space is needed. It is the first part of the address you sign in at: acme of acme.signalwire.com.",
            );
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > 63 || !name.chars().all(fits) || name.starts_with('-') {
            return bad(
                "The space is the first part of the address you sign in at: acme of acme.signalwire.com. Type it alone.",
            );
        }
        if project.starts_with("pt") || project.starts_with("psk") {
            return bad(
                "This is an API token, and the project ID is needed. It stands above the tokens, under “API”, and looks like 0a1b2c3d-….",
            );
        }
        if !is_id(&project) {
            return bad(
                "The project ID has 36 characters, digits, letters a to f and hyphens. Copy it from SignalWire, under “API”.",
            );
        }
        let token = Secret::new(clean(token.expose()));
        let text = token.expose();
        if text.is_empty() {
            return bad("The API token is empty. Make one at SignalWire, under “API”.");
        }
        if is_id(text) {
            return bad(
                "This is the project ID again, not the API token. The token begins with PT.",
            );
        }
        if text.starts_with("PSK") {
            return bad(
                "This is the signing key, which only checks webhooks. The API token begins with PT.",
            );
        }
        if has_blank_or_quote(text) {
            return bad(
                "The API token has a blank or a quote in it. Copy it again, whole and alone.",
            );
        }
        if !text.starts_with("PT") {
            return bad(
                "An API token of SignalWire begins with PT. Make one under “API”; the password of a SIP address is something else.",
            );
        }
        Ok(Self {
            account: format!("{name}/{project}").into(),
            space: name.into(),
            project: project.into(),
            token: Arc::new(token),
        })
    }

    /// Space and project, `acme/0a1b2c3d-…`. Not secret.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    fn authorization(&self) -> Authorization {
        basic(&self.project, &self.token)
    }
}

/// Is it an id as SignalWire writes them?
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| {
            if [8, 13, 18, 23].contains(&at) {
                c == '-'
            } else {
                c.is_ascii_hexdigit()
            }
        })
}

/// Does it look like an API token? Whoever has one can do anything in the space, so it must not be a password of a trunk.
pub(crate) fn is_token(password: &str) -> bool {
    password.len() >= 40
        && password
            .strip_prefix("PT")
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Something that handles calls: a script here, or a server elsewhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Handler {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it sends calls; `None` when a server elsewhere decides, or when it is not understood.
    pub connect: Option<Connect>,
    /// The server elsewhere; empty for a script.
    pub url: String,
    /// Does it record calls?
    pub records: bool,
    pub(crate) raw: Value,
}

/// Where SignalWire takes calls from LiveKit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SipAddress {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The server in it.
    pub host: String,
    /// The script behind it.
    pub handler: String,
    /// `required`, `optional`, `forbidden`.
    pub encryption: String,
    pub(crate) raw: Value,
}

/// What there is at SignalWire for one line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignalWireFound {
    /// Why scripts and SIP addresses cannot be set up by the API of this account; `None`: they can.
    pub no_api: Option<String>,
    /// The line's script that calls phones.
    pub dial_out: Option<Handler>,
    /// The SIP addresses of the space.
    pub addresses: Vec<SipAddress>,
    /// What answers the line's callers.
    pub handler: Option<Handler>,
    /// The wanted numbers that the account owns.
    pub numbers: Vec<OwnedNumber>,
    /// What else numbers are routed to.
    pub resources: Vec<Named>,
}

/// Requests to one space. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SignalWire {
    http: Http,
    base: Option<Url>,
    keys: SignalWireKeys,
}

impl SignalWire {
    /// `base` is a stand-in; `None` is the space itself.
    pub(crate) fn new(http: Http, base: Option<Url>, keys: SignalWireKeys) -> Self {
        let space = || Url::parse(&format!("https://{}.signalwire.com/", keys.space)).ok();
        let base = base.or_else(space);
        Self { http, base, keys }
    }

    /// Everything that concerns this line.
    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<SignalWireFound, ServiceError> {
        let WantedProvider::SignalWire { handler, .. } = &wanted.provider else {
            return Ok(SignalWireFound::default());
        };
        // The numbers first: every account has that part of the API, and a refused token is said once.
        let numbers = self.owned(&wanted.numbers).await?;
        let mut found = SignalWireFound {
            numbers,
            ..SignalWireFound::default()
        };
        let webhooks = async {
            match handler {
                Some(_) => self.pages(WEBHOOKS, None).await.map(Some),
                None => Ok(None),
            }
        };
        let (scripts, webhooks, addresses) = tokio::join!(
            self.pages(SCRIPTS, None),
            webhooks,
            self.pages(SIP_ADDRESSES, None),
        );
        let (scripts, webhooks, addresses) = match (scripts, webhooks, addresses) {
            (Ok(scripts), Ok(webhooks), Ok(addresses)) => (scripts, webhooks, addresses),
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                found.no_api = Some(without_api(error)?);
                return Ok(found);
            }
        };
        let (outward, inward) = (dial_out_name(wanted), handler_name(wanted));
        found.dial_out = scripts
            .iter()
            .map(read_handler)
            .find(|one| one.name == outward);
        let handlers = webhooks.as_ref().unwrap_or(&scripts);
        found.handler = handlers
            .iter()
            .map(read_handler)
            .find(|one| one.name == inward);
        found.addresses = addresses.iter().map(read_address).collect();
        let own = found.handler.as_ref().map(|one| one.id.clone());
        for number in &found.numbers {
            if number.on.is_empty() || Some(&number.on) == own.as_ref() {
                continue;
            }
            let answer = self.get(&format!("{RESOURCES}/{}", number.on)).await;
            if let Some(resource) = allowed(answer)? {
                found.resources.push(Named {
                    id: number.on.clone(),
                    name: text(&resource, "display_name"),
                });
            }
        }
        Ok(found)
    }

    /// Does a handler of the person's own answer?
    pub(crate) async fn extras(&self, wanted: &Wanted) -> ProviderExtras {
        let WantedProvider::SignalWire {
            handler: Some(handler),
            ..
        } = &wanted.provider
        else {
            return ProviderExtras::default();
        };
        let handler = match self.http.post_openly(handler.url()).await {
            Ok((status, _)) if !(200..300).contains(&status) => Err(format!("status {status}")),
            Ok((_, answer)) if swml::is_program(&answer) => Ok(()),
            Ok(_) => Err("an answer that is no SWML".to_owned()),
            Err(detail) => Err(detail),
        };
        ProviderExtras {
            handler: Some(handler),
            ..ProviderExtras::default()
        }
    }

    /// Every number of the space.
    pub(crate) async fn numbers(&self) -> Result<Vec<OwnedNumber>, ServiceError> {
        let items = self.pages(NUMBERS, None).await?;
        Ok(items.iter().map(read_number).collect())
    }

    /// The wanted numbers, and nothing else.
    async fn owned(&self, wanted: &[Number]) -> Result<Vec<OwnedNumber>, ServiceError> {
        let mut owned = Vec::new();
        for number in wanted {
            let filter = Some(("filter_number", number.as_str()));
            let items = self.pages(NUMBERS, filter).await?;
            // The provider searches by parts of a number.
            let mut numbers = items.iter().map(read_number);
            owned.extend(numbers.find(|one| one.number == number.as_str()));
        }
        Ok(owned)
    }

    /// Carries one change out; answers the id of what was made.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        if object == Object::SignalWireNumber {
            return self.route(action).await;
        }
        let is_address = object == Object::SignalWireAddress;
        let is_handler = [Object::SignalWireDialOut, Object::SignalWireHandler].contains(&object);
        if !is_address && !is_handler {
            return Err(not_ours(SIGNALWIRE, object));
        }
        let collection = |fields: &Value| {
            if is_address {
                SIP_ADDRESSES
            } else if fields.get("primary_request_url").is_some() {
                WEBHOOKS
            } else {
                SCRIPTS
            }
        };
        let done = match action {
            Action::Create { fields, .. } => {
                let mut body = fields.clone();
                if let (true, Value::Object(map), Some(password)) =
                    (is_address, &mut body, password)
                {
                    map.insert("password".into(), json!(password.expose()));
                }
                self.ask(Method::POST, collection(fields), body).await
            }
            Action::Update { id, fields, .. } => {
                let collection = collection(fields);
                let method = if collection == SCRIPTS {
                    Method::PUT
                } else {
                    Method::PATCH
                };
                let path = format!("{collection}/{id}");
                self.ask(method, &path, fields.clone()).await
            }
            Action::Delete { id, .. } => {
                let collection = if is_address { SIP_ADDRESSES } else { RESOURCES };
                let path = format!("{collection}/{id}");
                removed(self.ask(Method::DELETE, &path, Value::Null).await)
            }
        };
        done.map(|made| Some(id(&made, "id")).filter(|id| !id.is_empty()))
    }

    /// A number to a handler, back to what it was, or off.
    async fn route(&self, action: &Action) -> Result<Option<String>, ServiceError> {
        match action {
            Action::Create { parent, fields } => {
                let number = id(fields, "number_id");
                let handler = parent.clone().unwrap_or_default();
                self.route_to(&handler, &number).await?;
                Ok(Some(number))
            }
            Action::Update { id, fields, .. } => {
                let former = text(fields, "on");
                if !former.is_empty() {
                    self.route_to(&former, id).await?;
                } else if fields.get("call_handler").is_some() {
                    let mut body = fields.clone();
                    if let Value::Object(map) = &mut body {
                        map.retain(|name, _| name.starts_with("call_"));
                    }
                    self.ask(Method::PUT, &format!("{NUMBERS}/{id}"), body)
                        .await?;
                } else {
                    self.take_off(id).await?;
                }
                Ok(Some(id.clone()))
            }
            Action::Delete { id, .. } => {
                self.take_off(id).await?;
                Ok(Some(id.clone()))
            }
        }
    }

    async fn route_to(&self, handler: &str, number: &str) -> Result<(), ServiceError> {
        let path = format!("{RESOURCES}/{handler}/phone_routes");
        let body = json!({ "phone_route_id": number, "handler": "calling" });
        self.ask(Method::POST, &path, body).await.map(drop)
    }

    /// The number answers nothing any more.
    async fn take_off(&self, number: &str) -> Result<(), ServiceError> {
        let routes = self.pages(ROUTES, None).await?;
        let own = routes.iter().filter(|route| {
            id(route, "phone_number_id") == number && text(route, "handler_type") == "calling"
        });
        for route in own {
            let path = format!("{ROUTES}/{}", id(route, "id"));
            removed(self.ask(Method::DELETE, &path, Value::Null).await)?;
        }
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Value, ServiceError> {
        self.ask(Method::GET, path, Value::Null).await
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Result<Value, ServiceError> {
        let url = self.url(path)?;
        self.ask_at(method, url, body).await
    }

    async fn ask_at(&self, method: Method, url: Url, body: Value) -> Result<Value, ServiceError> {
        let body = if body.is_null() {
            Body::None
        } else {
            Body::Json(body)
        };
        let authorization = self.keys.authorization();
        self.http
            .ask(SIGNALWIRE, method, url, &authorization, body)
            .await
    }

    fn url(&self, path: &str) -> Result<Url, ServiceError> {
        let base = self.base.as_ref();
        base.and_then(|base| base.join(path).ok())
            .ok_or_else(|| garbage(SIGNALWIRE, "an address that cannot be read"))
    }

    /// All pages of a list. Of the address of a next page only its question is used: the token goes nowhere else.
    async fn pages(
        &self,
        path: &str,
        filter: Option<(&str, &str)>,
    ) -> Result<Vec<Value>, ServiceError> {
        let mut url = self.url(path)?;
        if let Some((name, value)) = filter {
            url.query_pairs_mut().append_pair(name, value);
        }
        url.query_pairs_mut().append_pair("page_size", PAGE);
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.ask_at(Method::GET, url.clone(), Value::Null).await?;
            match page.get("data") {
                Some(Value::Array(found)) => all.extend(found.iter().cloned()),
                Some(_) | None => return Err(garbage(SIGNALWIRE, "an answer without a list")),
            }
            let next = page.pointer("/links/next").and_then(Value::as_str);
            let next = next.and_then(|next| url.join(next).ok());
            let Some(question) = next.as_ref().and_then(Url::query) else {
                return Ok(all);
            };
            url.set_query(Some(question));
        }
        Err(garbage(SIGNALWIRE, "a list without an end"))
    }
}

/// The words of an account that has no such API; a token without the right to it looks the same, and is answered with 401.
fn without_api(error: ServiceError) -> Result<String, ServiceError> {
    match error {
        ServiceError::Forbidden { words, .. }
        | ServiceError::NotFound { words, .. }
        | ServiceError::SignIn { words, .. } => Ok(words),
        other @ (ServiceError::Clock { .. }
        | ServiceError::Conflict { .. }
        | ServiceError::Invalid { .. }
        | ServiceError::Busy { .. }
        | ServiceError::Broken { .. }
        | ServiceError::Unreachable { .. }
        | ServiceError::Certificate { .. }
        | ServiceError::Cut { .. }
        | ServiceError::Garbage { .. }) => Err(other),
    }
}

/// A resource: what is special about its kind stands in an object of that name.
fn read_handler(value: &Value) -> Handler {
    let script = value.get("swml_script").unwrap_or(&Value::Null);
    let webhook = value.get("swml_webhook").unwrap_or(&Value::Null);
    let contents = script.get("contents").unwrap_or(&Value::Null);
    let program = swml::read(contents);
    let name = text(value, "display_name");
    let url = text(webhook, "primary_request_url");
    let raw = if url.is_empty() {
        json!({ "name": name, "contents": contents })
    } else {
        json!({ "name": name, "primary_request_url": url,
            "primary_request_method": text(webhook, "primary_request_method") })
    };
    Handler {
        id: id(value, "id"),
        name,
        connect: program.connect,
        url,
        records: program.records,
        raw,
    }
}

fn read_address(value: &Value) -> SipAddress {
    let uri = text(value, "uri");
    let encryption = text(value, "encryption");
    SipAddress {
        id: id(value, "id"),
        name: text(value, "name"),
        host: SipHost::parse(&uri).map_or(uri, |host| host.as_str().to_owned()),
        handler: id(value, "calling_handler_resource_id"),
        raw: json!({ "name": text(value, "name"), "encryption": encryption }),
        encryption,
    }
}

fn read_number(value: &Value) -> OwnedNumber {
    let handler = text(value, "call_handler");
    let on = id(value, "calling_handler_resource_id");
    let mut raw = Map::new();
    raw.insert("number_id".into(), json!(id(value, "id")));
    raw.insert("on".into(), json!(on));
    if !handler.is_empty() {
        raw.insert("call_handler".into(), json!(handler));
    }
    let mut answered_by = String::new();
    for name in ANSWERS {
        let answers = text(value, name);
        if answers.is_empty() {
            continue;
        }
        if answered_by.is_empty() {
            answered_by.clone_from(&answers);
        }
        raw.insert(name.into(), json!(answers));
    }
    let e911 = id(value, "e911_address_id");
    OwnedNumber {
        number: text(value, "number"),
        id: id(value, "id"),
        on,
        answered_by: if answered_by.is_empty() {
            handler
        } else {
            answered_by
        },
        voice: list(value, "capabilities").iter().any(|can| can == "voice"),
        emergency: if e911.is_empty() {
            "none"
        } else {
            "registered"
        }
        .into(),
        raw: Value::Object(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "0a1b2c3d-0000-4000-8000-0000000000c1";

    fn keys(space: &str, project: &str, token: &str) -> Result<SignalWireKeys, String> {
        let keys = SignalWireKeys::parse(space, project, Secret::new(token.into()));
        keys.map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_of_another_kind_is_named_and_none_is_shown() {
        for (space, project, token, says) in [
            ("", PROJECT, "PTx", "first part of the address"),
            (
                "pbx.example.com",
                PROJECT,
                "PTx",
                "first part of the address",
            ),
            (PROJECT, PROJECT, "PTx", "This is a project ID"),
            ("acme", "", "PTx", "36 characters"),
            ("acme", "PThunter2", "PTx", "This is an API token"),
            ("acme", PROJECT, "", "token is empty"),
            ("acme", PROJECT, PROJECT, "project ID again"),
            ("acme", PROJECT, "PSKhunter2", "signing key"),
            ("acme", PROJECT, "PT hunter2", "a blank"),
            ("acme", PROJECT, "hunter2", "begins with PT"),
        ] {
            let said = keys(space, project, token).unwrap_err();
            assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn the_space_is_read_in_every_usual_form() {
        let account = format!("acme/{PROJECT}");
        for (space, project) in [
            ("acme", PROJECT),
            (" \"ACME.signalwire.com\" ", PROJECT),
            ("https://acme.signalwire.com/dashboard", PROJECT),
            (account.as_str(), ""),
        ] {
            let read = keys(space, project, "'PThunter2'").unwrap();
            assert_eq!(read.account(), account, "{space}");
            assert!(!format!("{read:?}").contains("hunter2"));
            assert!(read.authorization().starts_with("Basic "));
        }
    }

    #[test]
    fn a_token_is_known_by_its_form() {
        assert!(is_token(&format!("PT{}", "0a1b2c3d".repeat(6))));
        for password in ["", "PT", "PTabc", "Canary-password-52"] {
            assert!(!is_token(password), "{password}");
        }
    }
}
