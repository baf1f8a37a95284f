//! Twilio Elastic SIP Trunking: reading an account into types, and changing it.
//!
//! Source: Twilio's OpenAPI descriptions (trunking v1, api 2010-04-01). Forms in, JSON out. There is no idempotency key:
//! everything is looked for before it is made.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;
use vault::Secret;

use crate::found::{Named, OwnedNumber, ProviderExtras};
use crate::http::{Authorization, Body, Http, basic, has_blank_or_quote};
use crate::journal::Object;
use crate::json::{flag, text};
use crate::provider::{allowed, garbage, not_ours, removed};
use crate::service::{Endpoints, Service, ServiceError};
use crate::step::Action;
use crate::wanted::{BadInput, Number, Wanted, WantedProvider};

/// Items of one page.
const PAGE: &str = "100";
/// Pages that are read of one list: fifty thousand objects would be a loop of links.
const MOST_PAGES: usize = 50;

/// What Twilio lets in: account, and its token or one of its API keys. Does not show its secret.
#[derive(Debug, Clone)]
pub struct TwilioKeys {
    account: Arc<str>,
    user: Arc<str>,
    secret: Arc<Secret>,
}

impl TwilioKeys {
    /// Reads what was pasted; `key` is an API key (`SK…`), or empty when the secret is the account's token.
    ///
    /// # Errors
    /// Something is of the wrong kind: says which field got what.
    pub fn parse(account: &str, key: &str, secret: Secret) -> Result<Self, BadInput> {
        let clean = |text: &str| text.trim().trim_matches(['"', '\'']).trim().to_owned();
        let (account, key) = (clean(account), clean(key));
        let secret = Secret::new(clean(secret.expose()));
        let bad = |words: &str| Err(BadInput::BadKey(words.to_owned()));
        if account.starts_with("SK") {
            return bad(
                "This is an API key (SK…), and the account SID is needed (AC…). It stands at the top of the Twilio console.",
            );
        }
        if !is_sid(&account, "AC") {
            return bad(
                "The account SID begins with AC and has 34 characters. Copy it from the top of the Twilio console.",
            );
        }
        if key.starts_with("AC") {
            return bad(
                "This is the account SID again. Leave the API key empty to sign in with the auth token.",
            );
        }
        if !key.is_empty() && !is_sid(&key, "SK") {
            return bad(
                "An API key begins with SK and has 34 characters. Copy it from Twilio, or leave it empty.",
            );
        }
        let text = secret.expose();
        if text.is_empty() {
            return bad("The secret is empty. Paste the auth token, or the secret of the API key.");
        }
        if is_sid(text, "SK") || is_sid(text, "AC") {
            return bad(
                "This is a name (SK… or AC…), not a secret. Paste the auth token, or the secret that Twilio showed once for the API key.",
            );
        }
        if has_blank_or_quote(text) {
            return bad("The secret has a blank or a quote in it. Copy it again, whole and alone.");
        }
        let user = if key.is_empty() { &account } else { &key };
        Ok(Self {
            user: user.as_str().into(),
            account: account.into(),
            secret: Arc::new(secret),
        })
    }

    /// The account SID. Not secret.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    fn authorization(&self) -> Authorization {
        basic(&self.user, &self.secret)
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.chars().all(|c| c.is_ascii_hexdigit()))
}

/// A trunk at Twilio.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TwilioTrunk {
    /// `TK…`
    pub sid: String,
    /// Name.
    pub name: String,
    /// Where it takes calls to the outside.
    pub domain: String,
    /// TLS and encrypted sound for every call.
    pub secure: bool,
    /// What becomes of transfers: `disable-all`, `enable-all`, `sip-only`.
    pub transfer: String,
    /// Recording at Twilio: `do-not-record` and others.
    pub recording: String,
    pub(crate) raw: Value,
}

/// Where a trunk sends calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Destination {
    /// `OU…`
    pub id: String,
    /// Name.
    pub name: String,
    /// `sip:…`
    pub url: String,
    /// In use?
    pub enabled: bool,
    pub(crate) raw: Value,
}

/// What there is at Twilio for one line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TwilioFound {
    /// `active`, `suspended`, `closed`.
    pub status: String,
    /// `Trial` or `Full`.
    pub kind: String,
    /// The line's trunk.
    pub trunk: Option<TwilioTrunk>,
    /// Every trunk of the account, by sid.
    pub trunks: Vec<Named>,
    /// Where the line's trunk sends calls.
    pub destinations: Vec<Destination>,
    /// The line's list of passwords.
    pub list: Option<Named>,
    /// User names on it; `name` is the user.
    pub users: Vec<Named>,
    /// Lists that the trunk asks.
    pub asked_lists: Vec<Named>,
    /// The wanted numbers that the account owns.
    pub numbers: Vec<OwnedNumber>,
}

/// The name of a line's list of passwords.
pub(crate) fn list_name(wanted: &Wanted) -> String {
    format!("{} LiveKit", wanted.name)
}

/// Requests to one account. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Twilio {
    http: Http,
    endpoints: Endpoints,
    keys: TwilioKeys,
}

impl Twilio {
    pub(crate) fn new(http: Http, endpoints: Endpoints, keys: TwilioKeys) -> Self {
        Self {
            http,
            endpoints,
            keys,
        }
    }

    /// Everything that concerns this line.
    pub(crate) async fn look(&self, wanted: &Wanted) -> Result<TwilioFound, ServiceError> {
        let WantedProvider::Twilio { domain, .. } = &wanted.provider else {
            return Ok(TwilioFound::default());
        };
        // The account first: a refused key is said once.
        let account = self.get(self.api("")?).await?;
        let (trunks, lists, numbers) = tokio::join!(
            self.pages(self.trunking("Trunks")?, "trunks"),
            self.pages(self.api("/SIP/CredentialLists")?, "credential_lists"),
            self.owned(&wanted.numbers),
        );
        let (trunks, lists, numbers) = (trunks?, lists?, numbers?);
        let name = wanted.name.as_str();
        let trunk = trunks
            .iter()
            .find(|trunk| text(trunk, "domain_name") == domain.as_str())
            .or_else(|| {
                trunks
                    .iter()
                    .find(|trunk| text(trunk, "friendly_name") == name)
            })
            .map(read_trunk);
        let list_name = list_name(wanted);
        let list = lists.iter().map(named).find(|list| list.name == list_name);
        let mut found = TwilioFound {
            status: text(&account, "status"),
            kind: text(&account, "type"),
            trunks: trunks.iter().map(named).collect(),
            numbers,
            ..TwilioFound::default()
        };
        if let Some(trunk) = trunk {
            let of = |part: &str| self.trunking(&format!("Trunks/{}/{part}", trunk.sid));
            let (destinations, asked) = tokio::join!(
                self.pages(of("OriginationUrls")?, "origination_urls"),
                self.pages(of("CredentialLists")?, "credential_lists"),
            );
            found.destinations = destinations?.iter().map(read_destination).collect();
            found.asked_lists = asked?.iter().map(named).collect();
            found.trunk = Some(trunk);
        }
        if let Some(list) = list {
            let url = self.api(&format!("/SIP/CredentialLists/{}/Credentials", list.id))?;
            let users = self.pages(url, "credentials").await?;
            found.users = users
                .iter()
                .map(|user| Named {
                    id: text(user, "sid"),
                    name: text(user, "username"),
                })
                .collect();
            found.list = Some(list);
        }
        Ok(found)
    }

    /// Money and countries. A key without the right to ask leaves them unknown.
    pub(crate) async fn extras(&self, home: &str) -> Result<ProviderExtras, ServiceError> {
        let country = async {
            // Without a country the same address lists all of them.
            if home.is_empty() {
                return Ok(None);
            }
            let url = join(
                &self.endpoints.twilio_voice,
                &format!("v1/DialingPermissions/Countries/{home}"),
            )?;
            allowed(self.get(url).await)
        };
        let (balance, country, log) =
            tokio::join!(self.get(self.api("/Balance")?), country, self.log());
        let (balance, country, log) = (allowed(balance)?, country?, allowed(log)?);
        let risky = |country: &Value| {
            flag(country, "high_risk_special_numbers_enabled")
                || flag(country, "high_risk_tollfraud_numbers_enabled")
        };
        Ok(ProviderExtras {
            balance: balance
                .as_ref()
                .and_then(|balance| text(balance, "balance").parse().ok()),
            currency: balance
                .as_ref()
                .map(|balance| text(balance, "currency"))
                .unwrap_or_default(),
            home: home.to_owned(),
            home_open: country
                .as_ref()
                .map(|country| flag(country, "low_risk_numbers_enabled")),
            is_guarded: country.as_ref().map(|country| !risky(country)),
            refused: log.as_ref().map(refused),
            ..ProviderExtras::default()
        })
    }

    /// Errors since yesterday: the last of them, whatever they are about.
    async fn log(&self) -> Result<Value, ServiceError> {
        let mut url = self.api("/Notifications")?;
        let yesterday = OffsetDateTime::now_utc().date() - Duration::days(1);
        url.query_pairs_mut()
            .append_pair("Log", "0")
            // The name of the parameter ends with the sign: the day, or later.
            .append_pair("MessageDate>", &yesterday.to_string())
            .append_pair("PageSize", PAGE);
        self.get(url).await
    }

    /// Every number of the account.
    pub(crate) async fn numbers(&self) -> Result<Vec<OwnedNumber>, ServiceError> {
        let url = self.api("/IncomingPhoneNumbers")?;
        let items = self.pages(url, "incoming_phone_numbers").await?;
        Ok(items.iter().map(read_number).collect())
    }

    async fn owned(&self, wanted: &[Number]) -> Result<Vec<OwnedNumber>, ServiceError> {
        let mut owned = Vec::new();
        for number in wanted {
            let mut url = self.api("/IncomingPhoneNumbers")?;
            url.query_pairs_mut()
                .append_pair("PhoneNumber", number.as_str());
            let items = self.pages(url, "incoming_phone_numbers").await?;
            // The provider searches by parts of a number.
            owned.extend(
                items
                    .iter()
                    .map(read_number)
                    .find(|found| found.number == number.as_str()),
            );
        }
        Ok(owned)
    }

    /// Carries one change out; answers the sid of what was made.
    pub(crate) async fn apply(
        &self,
        object: Object,
        action: &Action,
        password: Option<&Secret>,
    ) -> Result<Option<String>, ServiceError> {
        let parent = action.parent().unwrap_or_default();
        let collection = if object == Object::TwilioTrunk {
            self.trunking("Trunks")?
        } else if object == Object::TwilioDestination {
            self.trunking(&format!("Trunks/{parent}/OriginationUrls"))?
        } else if object == Object::TwilioListBinding {
            self.trunking(&format!("Trunks/{parent}/CredentialLists"))?
        } else if object == Object::TwilioNumberBinding {
            self.trunking(&format!("Trunks/{parent}/PhoneNumbers"))?
        } else if object == Object::TwilioCredentialList {
            self.api("/SIP/CredentialLists")?
        } else if object == Object::TwilioCredential {
            self.api(&format!("/SIP/CredentialLists/{parent}/Credentials"))?
        } else {
            return Err(not_ours(Service::Twilio, object));
        };
        let done = match action {
            Action::Create { fields, .. } => {
                let mut form = form(fields);
                if let (Object::TwilioCredential, Some(password)) = (object, password) {
                    form.push(("Password", password.expose().to_owned()));
                }
                self.ask(Method::POST, collection, Body::Form(form)).await
            }
            Action::Update { id, fields, .. } => {
                let url = item(&collection, id);
                self.ask(Method::POST, url, Body::Form(form(fields))).await
            }
            Action::Delete { id, .. } => {
                let url = item(&collection, id);
                removed(self.ask(Method::DELETE, url, Body::None).await)
            }
        };
        let sid = |answer: &Value| Some(text(answer, "sid")).filter(|sid| !sid.is_empty());
        done.map(|answer| sid(&answer))
            .map_err(|error| taken(object, error))
    }

    fn trunking(&self, path: &str) -> Result<Url, ServiceError> {
        join(&self.endpoints.twilio_trunking, &format!("v1/{path}"))
    }

    /// `path` after the account; empty for the account itself.
    fn api(&self, path: &str) -> Result<Url, ServiceError> {
        join(
            &self.endpoints.twilio_api,
            &format!("2010-04-01/Accounts/{}{path}.json", self.keys.account),
        )
    }

    async fn get(&self, url: Url) -> Result<Value, ServiceError> {
        let answer = self.ask(Method::GET, url, Body::None).await?;
        if answer.is_object() {
            Ok(answer)
        } else {
            Err(garbage(Service::Twilio, "an answer without an object"))
        }
    }

    async fn ask(&self, method: Method, url: Url, body: Body) -> Result<Value, ServiceError> {
        let authorization = self.keys.authorization();
        self.http
            .ask(Service::Twilio, method, url, &authorization, body)
            .await
    }

    /// All pages of a list.
    async fn pages(&self, first: Url, items: &str) -> Result<Vec<Value>, ServiceError> {
        let mut url = first.clone();
        if !url.query_pairs().any(|(name, _)| name == "PageSize") {
            url.query_pairs_mut().append_pair("PageSize", PAGE);
        }
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.get(url.clone()).await?;
            match page.get(items) {
                Some(Value::Array(found)) => all.extend(found.iter().cloned()),
                Some(_) | None => return Err(garbage(Service::Twilio, "an answer without a list")),
            }
            let next = page
                .pointer("/meta/next_page_url")
                .or_else(|| page.get("next_page_uri"))
                .and_then(Value::as_str);
            let Some(next) = next.filter(|next| !next.is_empty()) else {
                return Ok(all);
            };
            url = self.next(&url, next)?;
        }
        Err(garbage(Service::Twilio, "a list without an end"))
    }

    /// The next page, at the same server and nowhere else: the key goes with it.
    fn next(&self, this: &Url, next: &str) -> Result<Url, ServiceError> {
        let url = if next.starts_with('/') {
            join(&self.endpoints.twilio_api, next.trim_start_matches('/'))?
        } else {
            Url::parse(next)
                .map_err(|_| garbage(Service::Twilio, "a next page that cannot be read"))?
        };
        if url.origin() == this.origin() {
            Ok(url)
        } else {
            Err(garbage(Service::Twilio, "a next page at another server"))
        }
    }
}

fn join(base: &Url, path: &str) -> Result<Url, ServiceError> {
    base.join(path)
        .map_err(|_| garbage(Service::Twilio, "an address that cannot be read"))
}

/// What of the log is about calls that could not be handed over: Twilio's 32011 (its SIP server was not answered as it should be), or
/// the status of a server that is busy.
fn refused(log: &Value) -> Vec<(String, String)> {
    let items = log.get("notifications").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .map(|item| (text(item, "error_code"), text(item, "message_text")))
        .filter(|(code, words)| {
            let mut parts = words.split(|c: char| !c.is_ascii_alphanumeric());
            code == "32011" || parts.any(|part| part == "503")
        })
        .collect()
}

/// One object of a collection; the 2010 API writes `.json` behind it.
fn item(collection: &Url, id: &str) -> Url {
    let mut url = collection.clone();
    let path = match url.path().strip_suffix(".json") {
        Some(path) => format!("{path}/{id}.json"),
        None => format!("{}/{id}", url.path()),
    };
    url.set_path(&path);
    url
}

/// A name somebody else has. The code of it is not documented; its words name the domain.
fn taken(object: Object, error: ServiceError) -> ServiceError {
    if let ServiceError::Invalid { service, words, .. } = &error
        && object == Object::TwilioTrunk
        && words.to_lowercase().contains("domain")
    {
        return ServiceError::Conflict {
            service: *service,
            words: words.clone(),
        };
    }
    error
}

/// Fields in the order of their names: (name, value) of a form.
fn form(fields: &Value) -> Vec<(&'static str, String)> {
    const NAMES: [&str; 12] = [
        "FriendlyName",
        "DomainName",
        "Secure",
        "TransferMode",
        "Weight",
        "Priority",
        "Enabled",
        "SipUrl",
        "Username",
        "CredentialListSid",
        "PhoneNumberSid",
        "VoiceUrl",
    ];
    NAMES
        .into_iter()
        .filter_map(|name| {
            let value = fields.get(name)?;
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            Some((name, value))
        })
        .collect()
}

fn named(value: &Value) -> Named {
    Named {
        id: text(value, "sid"),
        name: text(value, "friendly_name"),
    }
}

fn read_trunk(value: &Value) -> TwilioTrunk {
    let recording = value.get("recording").unwrap_or(&Value::Null);
    TwilioTrunk {
        sid: text(value, "sid"),
        name: text(value, "friendly_name"),
        domain: text(value, "domain_name"),
        secure: flag(value, "secure"),
        transfer: text(value, "transfer_mode"),
        recording: text(recording, "mode"),
        raw: json!({
            "FriendlyName": text(value, "friendly_name"),
            "DomainName": text(value, "domain_name"),
            "Secure": flag(value, "secure"),
            "TransferMode": text(value, "transfer_mode"),
        }),
    }
}

fn read_destination(value: &Value) -> Destination {
    Destination {
        id: text(value, "sid"),
        name: text(value, "friendly_name"),
        url: text(value, "sip_url"),
        enabled: flag(value, "enabled"),
        raw: json!({
            "FriendlyName": text(value, "friendly_name"),
            "SipUrl": text(value, "sip_url"),
            "Enabled": flag(value, "enabled"),
            "Weight": value.get("weight").and_then(Value::as_i64).unwrap_or(1),
            "Priority": value.get("priority").and_then(Value::as_i64).unwrap_or(1),
        }),
    }
}

fn read_number(value: &Value) -> OwnedNumber {
    let capabilities = value.get("capabilities").unwrap_or(&Value::Null);
    OwnedNumber {
        number: text(value, "phone_number"),
        id: text(value, "sid"),
        on: text(value, "trunk_sid"),
        answered_by: text(value, "voice_url"),
        voice: flag(capabilities, "voice"),
        emergency: text(value, "emergency_address_status"),
        raw: json!({
            "PhoneNumberSid": text(value, "sid"),
            "on": text(value, "trunk_sid"),
            "answered_by": text(value, "voice_url"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const AC: &str = "AC00000000000000000000000000000001";
    const SK: &str = "SK00000000000000000000000000000001";

    fn keys(account: &str, key: &str, secret: &str) -> Result<TwilioKeys, BadInput> {
        TwilioKeys::parse(account, key, Secret::new(secret.into()))
    }

    #[test]
    fn a_key_in_the_wrong_field_is_named() {
        for (account, key, secret, says) in [
            ("", "", "t", "begins with AC"),
            ("AC12", "", "t", "34 characters"),
            (SK, "", "t", "This is an API key"),
            (AC, AC, "t", "account SID again"),
            (AC, "SK12", "t", "begins with SK"),
            (AC, "", "", "secret is empty"),
            (AC, "", SK, "not a secret"),
            (AC, SK, "two words", "a blank"),
        ] {
            let said = keys(account, key, secret).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn quotes_and_blanks_around_a_key_are_taken_off() {
        let read = keys(&format!(" \"{AC}\"\n"), "", " 'hunter2' ").unwrap();
        assert_eq!(read.account(), AC);
        assert_eq!(
            read.authorization().as_str(),
            format!("Basic {}", STANDARD.encode(format!("{AC}:hunter2")))
        );
        assert!(!format!("{read:?}").contains("hunter2"));
    }

    #[test]
    fn a_next_page_elsewhere_gets_no_key() {
        let http = Http::new(Arc::new(|_, _| {})).unwrap();
        let endpoints = Endpoints::real().unwrap();
        let twilio = Twilio::new(http, endpoints, keys(AC, "", "t").unwrap());
        let this = twilio.trunking("Trunks").unwrap();
        assert!(
            twilio
                .next(&this, "https://trunking.twilio.com/v1/Trunks?Page=1")
                .is_ok()
        );
        assert!(
            twilio
                .next(&this, "https://evil.example/v1/Trunks")
                .is_err()
        );
        let this = twilio.api("/SIP/CredentialLists").unwrap();
        assert_eq!(
            twilio
                .next(&this, "/2010-04-01/Accounts/x.json?Page=1")
                .unwrap()
                .as_str(),
            "https://api.twilio.com/2010-04-01/Accounts/x.json?Page=1"
        );
        assert_eq!(
            item(&this, "CL1").path(),
            format!("/2010-04-01/Accounts/{AC}/SIP/CredentialLists/CL1.json")
        );
    }
}
