//! A token that ends in the middle of a call: the server hands out fresh ones, and the engine comes back with those.
//! Needs the engine and the demo line (`make setup`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

#[path = "contract/desk.rs"]
#[allow(dead_code)]
mod desk;
#[path = "contract/world.rs"]
#[allow(dead_code, unused_macros)]
mod world;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use call::input::{JoinFailure, RoomFact};
use call::output::RoomCommand;
use call::state::LegStatus;
use call::{Identity, Link, Role, RoomName};
use desk::{Desk, WHISTLE, link, own_room};
use realtime::{Access, JoinRefused, TokenSource};
use sha2::{Digest as _, Sha256};
use world::{World, until};

/// The server still takes a token that ended so long ago (measured).
const LEEWAY: u64 = 60;

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A right to talk that ends at `ended`, Unix seconds. The app's own tokens last ten minutes, too long to wait for.
fn token(key: &str, secret: &str, room: &RoomName, identity: &Identity, ended: u64) -> String {
    let claims = format!(
        r#"{{"iss":"{key}","sub":"{identity}","nbf":{},"exp":{ended},"video":{{"roomJoin":true,"room":"{room}","canPublish":true,"canSubscribe":true,"canPublishData":true,"canUpdateOwnMetadata":true}}}}"#,
        ended - 600
    );
    let signed = format!(
        "{}.{}",
        base64url(br#"{"alg":"HS256","typ":"JWT"}"#),
        base64url(claims.as_bytes())
    );
    let signature = base64url(&hmac(secret.as_bytes(), signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// RFC 2104 with SHA-256.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

/// RFC 4648 section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let letter = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(LETTERS[letter as usize]));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlives_its_token() {
    let world = World::line();
    let World::Line(real) = &world else {
        panic!("the line is real");
    };
    let (url, key, secret) = real.signing();
    // Ends in the past, but is still taken for a while.
    let ended = now() - LEEWAY + 12;
    let tokens: TokenSource = Arc::new(move |request| {
        let token = token(&key, &secret, &request.room, &request.identity, ended);
        let access = Access::new(url.clone(), token);
        Box::pin(async move { Ok::<_, JoinRefused>(access) })
    });
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::with(&world, "maria", tokens);
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
    phone.settles(&[WHISTLE], &[]).await;

    // Until nobody gets in with it any more.
    let mut attempt = 1;
    loop {
        attempt += 1;
        let other = Link {
            attempt,
            ..link("other", Role::Talk)
        };
        desk.tell(RoomCommand::Join {
            link: other.clone(),
            room: own_room().1,
        })
        .await;
        let refused = desk
            .wait_for(&other, "an answer", |fact| match fact {
                RoomFact::Joined { .. } => Some(None),
                RoomFact::JoinFailed { why, .. } => Some(Some(why)),
                _ => None,
            })
            .await;
        if let Some(why) = refused {
            assert_eq!(why, JoinFailure::Refused);
            break;
        }
        assert!(now() < ended + 2 * LEEWAY, "the token never ends");
        desk.tell(RoomCommand::Leave { link: other }).await;
        phone.settles(&[WHISTLE], &[]).await;
    }

    world.crash_and_recover();
    desk.wait_for(&talk, "the connection again", |fact| match fact {
        RoomFact::Reconnected => Some(()),
        RoomFact::Closed { reason } => panic!("{reason:?}"),
        _ => None,
    })
    .await;
    desk.forget_heard();
    until("sound at the desk", || desk.hears(440.0)).await;
    phone.settles(&[WHISTLE], &[]).await;
}

#[test]
fn tokens_are_signed_as_the_standards_say() {
    // RFC 4231, test case 2; RFC 4648, section 10.
    let signature = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(signature[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    assert_eq!(
        ["", "f", "fo", "foo"].map(|text| base64url(text.as_bytes())),
        ["", "Zg", "Zm8", "Zm9v"]
    );
}
