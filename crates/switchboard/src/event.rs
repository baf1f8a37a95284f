//! One webhook: is it the server's, and which room does it speak of? Nothing of the content is read before signature, times,
//! hash and repetition are checked. Pure but for the clock that the token library reads.
//!
//! Format (LiveKit protocol, measured): `Authorization` is a bare token, HS256 with the API secret, issued by the API key,
//! valid for five minutes; its claim `sha256` is the standard base64 of the body's SHA-256. The body is camelCase JSON in
//! which unset fields are absent and 64-bit numbers are text.

use std::collections::{HashSet, VecDeque};
use std::error::Error as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use call::RoomName;
use livekit_api::access_token::{AccessTokenError, TokenVerifier};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::watchers::Refusal;

/// The server signs for five minutes; this is for clocks that differ.
const OLDEST_SECONDS: u64 = 6 * 60;

/// An event that is older than this tells of calls long gone (the server keeps trying while a receiver is down).
const STALE_SECONDS: u64 = 60;

/// How many events are known again.
const REMEMBERED: usize = 2048;

/// A SHA-256.
type Hash = [u8; 32];

/// What a token vouches for: the hash of the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Vouched(Hash);

/// Checks the token of a webhook that came at `now_unix`.
pub(crate) fn check_token(
    account: &Account,
    token: &str,
    now_unix: u64,
) -> Result<Vouched, Refusal> {
    let claims = TokenVerifier::with_api_key(account.key(), account.secret())
        .verify(token)
        .map_err(|error| refusal(&error))?;
    let hash: Hash = STANDARD
        .decode(&claims.sha256)
        .ok()
        .and_then(|hash| hash.try_into().ok())
        // A token for something else, signed with the right key: it vouches for no body.
        .ok_or(Refusal::Forged)?;
    let signed = u64::try_from(claims.nbf).unwrap_or(0);
    if signed.saturating_add(OLDEST_SECONDS) < now_unix {
        return Err(Refusal::Old);
    }
    Ok(Vouched(hash))
}

/// The library checks the signature first, so what is old or early was signed with the right key.
fn refusal(error: &AccessTokenError) -> Refusal {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match cause.as_str() {
        "ExpiredSignature" => Refusal::Old,
        "ImmatureSignature" => Refusal::Future,
        _ => Refusal::Forged,
    }
}

/// A webhook that is the server's and new.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// As the server words it.
    pub(crate) kind: String,
    /// The room to look into; `None`: it is no news of a caller.
    pub(crate) look: Option<RoomName>,
}

/// The webhooks that came already.
#[derive(Debug, Default)]
pub(crate) struct Known {
    bodies: Remembered<Hash>,
    ids: Remembered<String>,
}

impl Known {
    /// Checks and reads a body that came at `now_unix` with what its token vouches for.
    pub(crate) fn read(
        &mut self,
        vouched: &Vouched,
        body: &[u8],
        now_unix: u64,
    ) -> Result<Webhook, Refusal> {
        let hash: Hash = Sha256::digest(body).into();
        // Both are known to whoever sent them: there is nothing that timing could tell.
        if hash != vouched.0 {
            return Err(Refusal::WrongHash);
        }
        if !self.bodies.is_new(hash) {
            return Err(Refusal::Duplicate);
        }
        let said: Said = serde_json::from_slice(body).map_err(|_| Refusal::Garbage)?;
        let id: String = said.id.chars().take(128).collect();
        if !id.is_empty() && !self.ids.is_new(id) {
            return Err(Refusal::Duplicate);
        }
        Ok(Webhook {
            look: said.room_to_look_into(now_unix),
            kind: said.event,
        })
    }
}

/// A set that forgets its oldest.
#[derive(Debug)]
struct Remembered<T> {
    order: VecDeque<T>,
    set: HashSet<T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            order: VecDeque::new(),
            set: HashSet::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Remembered<T> {
    fn is_new(&mut self, item: T) -> bool {
        if !self.set.insert(item.clone()) {
            return false;
        }
        self.order.push_back(item);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

/// What is read of a body. Everything else may be there, in any form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(default)]
    event: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    room: SaidRoom,
    #[serde(default)]
    participant: SaidParticipant,
}

#[derive(Debug, Default, Deserialize)]
struct SaidRoom {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct SaidParticipant {
    #[serde(default)]
    kind: Value,
}

impl Said {
    fn room_to_look_into(&self, now_unix: u64) -> Option<RoomName> {
        let wanted = match self.event.as_str() {
            "participant_joined" | "participant_left" | "participant_connection_aborted" => {
                self.participant.kind == "SIP" || self.participant.kind == 3
            }
            "room_finished" => true,
            _ => false,
        };
        let created = match &self.created_at {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let stale = created.is_some_and(|at: u64| at.saturating_add(STALE_SECONDS) < now_unix);
        let room = RoomName::parse(&self.room.name).ok()?;
        (wanted && !stale && room.is_inbound()).then_some(room)
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, Mac};
    use serde_json::json;

    use super::*;
    use crate::account::ApiSecret;

    const KEY: &str = "key";
    const SECRET: &str = "a-secret-of-at-least-thirty-two-characters";

    fn account() -> Account {
        Account::new("ws://127.0.0.1:7880", KEY, ApiSecret::new(SECRET.into())).unwrap()
    }

    fn now() -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    }

    /// A token as the server makes it, of any claims, with any secret.
    fn token(header: &Value, claims: &Value, secret: &str) -> String {
        let part = |json: &Value| {
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string())
        };
        let signed = format!("{}.{}", part(header), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let signature =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn hash(body: &str) -> String {
        STANDARD.encode(Sha256::digest(body))
    }

    fn claims(body: &str, signed_at: u64) -> Value {
        json!({"iss": KEY, "nbf": signed_at, "iat": signed_at, "exp": signed_at + 300, "sha256": hash(body)})
    }

    fn checked(claims: &Value, secret: &str) -> Result<Vouched, Refusal> {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        check_token(&account(), &token(&header, claims, secret), now())
    }

    fn body(event: &str, id: &str) -> String {
        json!({"event": event, "id": id, "createdAt": now().to_string(),
            "room": {"name": "inbound-_+12125550142_x"}, "participant": {"identity": "sip_x", "kind": "SIP"}})
        .to_string()
    }

    #[test]
    fn what_the_server_signed_is_taken_once() {
        let text = body("participant_joined", "EV_1");
        let vouched = checked(&claims(&text, now()), SECRET).unwrap();
        let mut known = Known::default();
        assert_eq!(
            known.read(&vouched, text.as_bytes(), now()),
            Ok(Webhook {
                kind: "participant_joined".into(),
                look: Some(RoomName::parse("inbound-_+12125550142_x").unwrap())
            })
        );
        assert_eq!(
            known.read(&vouched, text.as_bytes(), now()),
            Err(Refusal::Duplicate)
        );
        // The same event in other words.
        let again = format!("{text} ");
        let vouched = checked(&claims(&again, now()), SECRET).unwrap();
        assert_eq!(
            known.read(&vouched, again.as_bytes(), now()),
            Err(Refusal::Duplicate)
        );
    }

    #[test]
    fn a_wrong_signature_is_known_before_anything_else() {
        let text = body("participant_joined", "EV_1");
        let good = claims(&text, now());
        let with = |field: &str, value: Value| {
            let mut claims = good.clone();
            claims[field] = value;
            claims
        };
        for (claims, secret, why) in [
            (
                good.clone(),
                "another-secret-of-thirty-two-characters",
                Refusal::Forged,
            ),
            (with("iss", json!("another")), SECRET, Refusal::Forged),
            (with("sha256", json!("")), SECRET, Refusal::Forged),
            (
                with("sha256", json!("not base64!")),
                SECRET,
                Refusal::Forged,
            ),
            (
                with("sha256", json!(STANDARD.encode("short"))),
                SECRET,
                Refusal::Forged,
            ),
            (claims(&text, now() - 400), SECRET, Refusal::Old),
            (claims(&text, now() + 400), SECRET, Refusal::Future),
            // Good for a year, and signed long ago.
            (
                json!({"iss": KEY, "nbf": now() - 4000, "exp": now() + 40_000, "sha256": hash(&text)}),
                SECRET,
                Refusal::Old,
            ),
            // Old and forged is forged.
            (
                claims(&text, now() - 400),
                "another-secret-of-thirty-two-characters",
                Refusal::Forged,
            ),
        ] {
            assert_eq!(checked(&claims, secret), Err(why), "{claims}");
        }
        for garbage in ["", "a", "a.b.c", "Bearer x", &"a".repeat(100_000)] {
            assert_eq!(
                check_token(&account(), garbage, now()),
                Err(Refusal::Forged)
            );
        }
        let unsigned = token(&json!({"alg": "none"}), &good, SECRET);
        assert_eq!(
            check_token(&account(), &unsigned, now()),
            Err(Refusal::Forged)
        );
    }

    #[test]
    fn another_body_than_the_signed_one_is_not_read() {
        let text = body("participant_joined", "EV_1");
        let vouched = checked(&claims(&text, now()), SECRET).unwrap();
        let mut known = Known::default();
        let other = text.replace("_x", "_y");
        for body in [other.as_str(), "", "{"] {
            assert_eq!(
                known.read(&vouched, body.as_bytes(), now()),
                Err(Refusal::WrongHash)
            );
        }
        assert!(known.read(&vouched, text.as_bytes(), now()).is_ok());
    }

    /// Reads a body as if rightly signed.
    fn read(body: &[u8]) -> Result<Webhook, Refusal> {
        let vouched = Vouched(Sha256::digest(body).into());
        Known::default().read(&vouched, body, 1_000_000)
    }

    #[test]
    fn signed_garbage_is_refused_and_odd_fields_are_not() {
        for garbage in [
            &b""[..],
            b"[]x",
            b"null",
            b"\xff\xfe",
            br#"{"event":1}"#,
            br#"{"event":"participant_joined","room":{"name":"\ud800"}}"#,
            br#"{"room":"x"}"#,
        ] {
            assert_eq!(read(garbage), Err(Refusal::Garbage), "{garbage:?}");
        }
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        assert_eq!(read(&deep), Err(Refusal::Garbage));
        for odd in [
            r#"{}"#,
            r#"{"event":"participant_joined"}"#,
            r#"{"event":"participant_joined","room":{},"participant":{}}"#,
            r#"{"event":"participant_joined","room":{"name":"inbound-a\u0000"},"participant":{"kind":"SIP"}}"#,
            r#"{"event":"participant_joined","room":{"name":"meeting"},"participant":{"kind":"SIP"}}"#,
            r#"{"event":"participant_joined","room":{"name":"inbound-a"},"participant":{"kind":"AGENT"}}"#,
            r#"{"event":"participant_joined","room":{"name":"inbound-a"}}"#,
            r#"{"event":"something_new","room":{"name":"inbound-a"},"participant":{"kind":"SIP"}}"#,
            // More than a minute ago.
            r#"{"event":"participant_joined","createdAt":"999900","room":{"name":"inbound-a"},"participant":{"kind":"SIP"}}"#,
        ] {
            assert_eq!(read(odd.as_bytes()).unwrap().look, None, "{odd}");
        }
        for news in [
            r#"{"event":"participant_joined","createdAt":"999990","room":{"name":"inbound-a"},"participant":{"kind":"SIP"}}"#,
            r#"{"event":"participant_left","createdAt":999990,"room":{"name":"inbound-a"},"participant":{"kind":3}}"#,
            r#"{"event":"participant_connection_aborted","createdAt":[],"room":{"name":"inbound-a"},"participant":{"kind":3}}"#,
            r#"{"event":"room_finished","room":{"name":"inbound-a","new":{}}}"#,
        ] {
            assert_eq!(
                read(news.as_bytes()).unwrap().look,
                RoomName::parse("inbound-a").ok(),
                "{news}"
            );
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Remembered::default();
        for n in 0..REMEMBERED + 10 {
            assert!(seen.is_new(n));
        }
        assert_eq!((seen.order.len(), seen.set.len()), (REMEMBERED, REMEMBERED));
        assert!(seen.is_new(0), "the oldest is forgotten");
        assert!(!seen.is_new(REMEMBERED));
    }
}
