//! The dispatch rule of the line: whom it offers the rooms of callers to. No part of the phone may change it.

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use stage::Ready;

use crate::watchers::unix_ms;

/// From now on every caller's room is offered to workers of these names.
pub(crate) async fn offer_to(ready: &Ready, names: &[&str]) -> Result<()> {
    let agents: Vec<_> = names
        .iter()
        .map(|name| json!({ "agent_name": name }))
        .collect();
    let rule = json!({
        "sip_dispatch_rule_id": ready.dispatch_rule,
        "replace": {
            "name": "Demo line",
            "trunk_ids": [ready.inbound_trunk],
            "rule": {"dispatch_rule_individual": {"room_prefix": "inbound-"}},
            "room_config": {"agents": agents},
        },
    });
    // Already given by another part is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = ready.url.replacen("ws", "http", 1);
    let answer = reqwest::Client::new()
        .post(format!("{address}/twirp/livekit.SIP/UpdateSIPDispatchRule"))
        .bearer_auth(token(ready)?)
        .header("content-type", "application/json")
        .body(rule.to_string())
        .send()
        .await?;
    let status = answer.status();
    ensure!(
        status.is_success(),
        "the rule cannot be changed: {status} {}",
        answer.text().await.unwrap_or_default()
    );
    Ok(())
}

/// The right to change set-up, for a minute.
fn token(ready: &Ready) -> Result<String> {
    let now = (unix_ms() / 1e3) as u64;
    let claims = json!({"iss": ready.key, "nbf": now, "exp": now + 60, "sip": {"admin": true}});
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "typ": "JWT"})),
        part(&claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(ready.secret.as_bytes())?;
    mac.update(signed.as_bytes());
    Ok(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    ))
}
