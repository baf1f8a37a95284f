//! Access tokens, each with the rights of one purpose.
//!
//! A grant about publishing or listening that is left out is allowed by the server, so every one is written down.

use std::fmt;
use std::time::Duration;

use call::{Identity, RoomName};
use livekit_api::access_token::{AccessToken, SIPGrants, VideoGrants};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::Account;
use crate::server::RINGS_AT;

/// How long a room may be entered with a token. Who is inside gets fresh ones from the server.
const TO_JOIN: Duration = Duration::from_secs(600);

/// How long a token for a single request lives.
const TO_ASK: Duration = Duration::from_secs(60);

/// A signed token. Prints as dots; wiped from memory when dropped.
pub struct Token(Zeroizing<String>);

impl Token {
    /// The token itself. Give it to the server only: whoever has it can do what it allows.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The key or the secret cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("The key and the secret of this project cannot sign in. Check them in Settings.")]
pub struct TokenError;

/// To talk in one room: enter it, publish a microphone and nothing else, listen, send keys.
///
/// `can_update_own_metadata` is granted because the claim on a ringing call (own attribute `desk.claim`) is told that way:
/// without it colleagues would see it up to three seconds late.
///
/// # Errors
/// The key or the secret cannot sign.
pub fn talk_token(
    account: &Account,
    room: &RoomName,
    identity: &Identity,
    name: &str,
) -> Result<Token, TokenError> {
    let grants = VideoGrants {
        room_join: true,
        room: room.as_str().to_owned(),
        can_publish: Some(true),
        can_publish_sources: vec!["microphone".into()],
        can_subscribe: Some(true),
        can_publish_data: Some(true),
        can_update_own_metadata: Some(true),
        ..VideoGrants::default()
    };
    sign(join(account, identity, name), grants, SIPGrants::default())
}

/// To watch one ringing room: seen by nobody, without any right but to be there.
///
/// # Errors
/// The key or the secret cannot sign.
pub fn watch_token(
    account: &Account,
    room: &RoomName,
    identity: &Identity,
    name: &str,
) -> Result<Token, TokenError> {
    let grants = VideoGrants {
        room_join: true,
        room: room.as_str().to_owned(),
        hidden: true,
        can_publish: Some(false),
        can_subscribe: Some(false),
        can_publish_data: Some(false),
        can_update_own_metadata: Some(false),
        ..VideoGrants::default()
    };
    sign(join(account, identity, name), grants, SIPGrants::default())
}

/// To play a caller: a phone leg that rings in one room, at the desk with the id `desk` only, for a test of it. `can_update_own_metadata` is how it says
/// that it was answered.
///
/// # Errors
/// The key or the secret cannot sign.
pub fn practice_token(
    account: &Account,
    room: &RoomName,
    identity: &Identity,
    name: &str,
    desk: &str,
) -> Result<Token, TokenError> {
    let grants = VideoGrants {
        room_join: true,
        room: room.as_str().to_owned(),
        can_publish: Some(true),
        can_publish_sources: vec!["microphone".into()],
        can_subscribe: Some(true),
        can_publish_data: Some(false),
        can_update_own_metadata: Some(true),
        ..VideoGrants::default()
    };
    let leg = join(account, identity, name)
        .with_kind("sip")
        .with_attributes([
            ("sip.callStatus", "ringing"),
            ("sip.callID", identity.as_str()),
            (RINGS_AT, desk),
        ]);
    sign(leg, grants, SIPGrants::default())
}

/// The one thing that a request does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// List the rooms of the project.
    ListRooms,
    /// List or remove participants of one room, or say whom they hear.
    Attend(&'a RoomName),
    /// Delete a room. The server has no narrower right for it: this one names no room.
    DeleteRoom,
    /// List the trunks.
    ListTrunks,
    /// Dial. Whoever dials is in the room already, so it need not be made.
    Dial,
    /// Hand a leg over: the server wants the right to call and that over the room.
    Transfer(&'a RoomName),
    /// Register as a worker. The server has no narrower right for it: it names neither room nor worker.
    Worker,
}

/// For one request.
pub(crate) fn request_token(account: &Account, purpose: Purpose<'_>) -> Result<Token, TokenError> {
    let none = VideoGrants {
        can_publish: Some(false),
        can_subscribe: Some(false),
        can_publish_data: Some(false),
        ..VideoGrants::default()
    };
    let (video, sip) = match purpose {
        Purpose::ListRooms => (
            VideoGrants {
                room_list: true,
                ..none
            },
            SIPGrants::default(),
        ),
        Purpose::Attend(room) => (
            VideoGrants {
                room_admin: true,
                room: room.as_str().to_owned(),
                ..none
            },
            SIPGrants::default(),
        ),
        Purpose::DeleteRoom => (
            VideoGrants {
                room_create: true,
                ..none
            },
            SIPGrants::default(),
        ),
        Purpose::ListTrunks => (
            none,
            SIPGrants {
                admin: true,
                call: false,
            },
        ),
        Purpose::Dial => (
            none,
            SIPGrants {
                admin: false,
                call: true,
            },
        ),
        Purpose::Worker => (
            VideoGrants {
                agent: true,
                ..none
            },
            SIPGrants::default(),
        ),
        Purpose::Transfer(room) => (
            VideoGrants {
                room_admin: true,
                room: room.as_str().to_owned(),
                ..none
            },
            SIPGrants {
                admin: false,
                call: true,
            },
        ),
    };
    sign(base(account).with_ttl(TO_ASK), video, sip)
}

fn base(account: &Account) -> AccessToken {
    AccessToken::with_api_key(account.key(), account.secret())
}

fn join(account: &Account, identity: &Identity, name: &str) -> AccessToken {
    base(account)
        .with_ttl(TO_JOIN)
        .with_identity(identity.as_str())
        .with_name(name)
}

fn sign(token: AccessToken, video: VideoGrants, sip: SIPGrants) -> Result<Token, TokenError> {
    let signed = token.with_grants(video).with_sip_grants(sip).to_jwt();
    // The error's own text may carry what was to be signed.
    signed
        .map(|text| Token(Zeroizing::new(text)))
        .map_err(|_| TokenError)
}

#[cfg(test)]
mod tests {
    use livekit_api::access_token::{Claims, TokenVerifier};
    use serde_json::{Value, json};

    use super::*;
    use crate::account::ApiSecret;

    const SECRET: &str = "a-secret-of-at-least-thirty-two-characters";

    fn account() -> Account {
        Account::new("ws://127.0.0.1:7880", "key", ApiSecret::new(SECRET.into())).unwrap()
    }

    /// What the server would read, and for how many seconds it is good.
    fn read(token: &Token) -> (Value, u64) {
        let claims: Claims = TokenVerifier::with_api_key("key", SECRET)
            .verify(token.expose())
            .unwrap();
        let life = u64::try_from(claims.exp - claims.nbf).unwrap();
        let mut json = serde_json::to_value(claims).unwrap();
        let map = json.as_object_mut().unwrap();
        map.remove("exp");
        map.remove("nbf");
        (json, life)
    }

    #[test]
    fn a_talker_may_do_exactly_this() {
        let room = RoomName::parse("inbound-_+12125550142_x").unwrap();
        let token = talk_token(
            &account(),
            &room,
            &Identity::parse("desk-a-1").unwrap(),
            "Reception",
        )
        .unwrap();
        let (claims, life) = read(&token);
        assert_eq!(
            claims,
            json!({"iss": "key", "sub": "desk-a-1", "name": "Reception", "video": {
                "roomJoin": true, "room": room.as_str(), "canPublish": true, "canPublishSources": ["microphone"],
                "canSubscribe": true, "canPublishData": true, "canUpdateOwnMetadata": true}})
        );
        assert!((595..=605).contains(&life), "{life}");
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn a_watcher_may_only_be_there_unseen() {
        let room = RoomName::parse("inbound-x").unwrap();
        let (claims, life) = read(
            &watch_token(
                &account(),
                &room,
                &Identity::parse("watch-a-1").unwrap(),
                "Reception",
            )
            .unwrap(),
        );
        assert_eq!(
            claims,
            json!({"iss": "key", "sub": "watch-a-1", "name": "Reception", "video": {
                "roomJoin": true, "room": "inbound-x", "hidden": true, "canPublish": false, "canSubscribe": false,
                "canPublishData": false, "canUpdateOwnMetadata": false}})
        );
        assert!((595..=605).contains(&life), "{life}");
    }

    #[test]
    fn a_request_may_do_one_thing_for_a_minute() {
        let room = RoomName::parse("r1").unwrap();
        let video = |grant: Value| {
            let mut all =
                json!({"canPublish": false, "canSubscribe": false, "canPublishData": false});
            all.as_object_mut()
                .unwrap()
                .extend(grant.as_object().unwrap().clone());
            all
        };
        for (purpose, expected) in [
            (
                Purpose::ListRooms,
                json!({"iss": "key", "video": video(json!({"roomList": true}))}),
            ),
            (
                Purpose::Attend(&room),
                json!({"iss": "key", "video": video(json!({"roomAdmin": true, "room": "r1"}))}),
            ),
            (
                Purpose::DeleteRoom,
                json!({"iss": "key", "video": video(json!({"roomCreate": true}))}),
            ),
            (
                Purpose::ListTrunks,
                json!({"iss": "key", "video": video(json!({})), "sip": {"admin": true}}),
            ),
            (
                Purpose::Dial,
                json!({"iss": "key", "video": video(json!({})), "sip": {"call": true}}),
            ),
            (
                Purpose::Worker,
                json!({"iss": "key", "video": video(json!({"agent": true}))}),
            ),
            (
                Purpose::Transfer(&room),
                json!({"iss": "key", "video": video(json!({"roomAdmin": true, "room": "r1"})), "sip": {"call": true}}),
            ),
        ] {
            let (claims, life) = read(&request_token(&account(), purpose).unwrap());
            assert_eq!(claims, expected, "{purpose:?}");
            assert!((55..=61).contains(&life), "{life}");
        }
    }
}
