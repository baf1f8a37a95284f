//! Taking secrets out of what others sent, before it is written anywhere.
//!
//! A value goes by the name it stands under, or by its look: access tokens, authorisation headers, credentials in an
//! address, form fields. Better a harmless value too many than a secret too few.

use serde_json::{Map, Value, json};

/// What stands where a secret stood.
pub const MASKED: &str = "[masked]";

/// Parts of names whose value is a secret, in letters and digits only.
const SECRET_NAMES: &[&str] = &[
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signature",
    "credential",
    "authorization",
    "cookie",
    "jwt",
    "bearer",
    "accountkey",
    "icepwd",
    "pincode",
];
/// Names that are so short that only the whole of them counts.
const SECRET_WHOLE_NAMES: &[&str] = &["auth", "pwd", "pass", "pin", "key", "sig", "sharedkey"];

/// A payload as JSON without its secrets. Text that is no JSON becomes a string; of more than `largest` bytes the beginning.
pub(crate) fn payload(bytes: &[u8], largest: usize) -> Value {
    let cut = bytes.len() > largest;
    if !cut && let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        return masked(value);
    }
    let text = String::from_utf8_lossy(bytes.get(..largest).unwrap_or(bytes));
    let text = mask_text(&text);
    if cut {
        json!({ "cut_after_bytes": largest, "bytes": bytes.len(), "beginning": text })
    } else {
        Value::String(text)
    }
}

/// The value without its secrets.
#[must_use]
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(name, value)| {
                    let value = if is_secret_name(&name) {
                        hidden(value)
                    } else {
                        masked(value)
                    };
                    (name, value)
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(masked).collect()),
        Value::String(text) => Value::String(mask_string(&text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Nothing of it is left but that there was something.
fn hidden(value: Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value,
        Value::String(text) if text.is_empty() => Value::String(text),
        Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Value::String(MASKED.into())
        }
    }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRET_WHOLE_NAMES.contains(&plain.as_str())
        || SECRET_NAMES.iter().any(|part| plain.contains(part))
}

/// JSON inside a string (room metadata is sent so) is masked as JSON.
fn mask_string(text: &str) -> String {
    if text.trim_start().starts_with(['{', '['])
        && let Ok(inner) = serde_json::from_str::<Value>(text)
    {
        return masked(inner).to_string();
    }
    mask_text(text)
}

/// Free text without what looks like a secret.
fn mask_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut hide_next = false;
    for piece in text.split_inclusive(is_separator) {
        let separator = piece.chars().next_back().filter(|c| is_separator(*c));
        let word = separator.map_or(piece, |c| piece.strip_suffix(c).unwrap_or(piece));
        if hide_next && !word.is_empty() {
            out.push_str(MASKED);
            hide_next = false;
        } else if is_token(word) {
            out.push_str(MASKED);
        } else if let Some(bare) = without_user(word) {
            out.push_str(&bare);
        } else {
            out.push_str(word);
            let names_a_secret = matches!(separator, Some('=' | ':')) && is_secret_name(word)
                || separator.is_some_and(char::is_whitespace)
                    && (word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic"));
            hide_next = names_a_secret || hide_next && word.is_empty();
        }
        out.extend(separator);
        // `Authorization: Bearer …`: the scheme was hidden, the secret comes after it.
        if separator.is_some_and(char::is_whitespace)
            && (word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic"))
        {
            hide_next = true;
        }
    }
    out
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '=' | ':' | '&' | '?' | ',' | ';' | '"' | '\'' | '<' | '>' | '{' | '}' | '(' | ')'
        )
}

/// Three parts of base64url, the first an object: a signed token.
fn is_token(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    word.starts_with("eyJ")
        && parts.len() == 3
        && parts.iter().all(|part| {
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// `//user:secret@host` arrives here as its last part, `secret@host`, since `:` separates; a SIP address has no `//`, so a
/// name before `@` is only hidden when it does not look like one.
fn without_user(word: &str) -> Option<String> {
    let (user, host) = word.split_once('@')?;
    let looks_secret = user.len() >= 12
        && user.bytes().any(|b| b.is_ascii_digit())
        && user.bytes().any(|b| b.is_ascii_lowercase())
        && user.bytes().any(|b| b.is_ascii_uppercase());
    looks_secret.then(|| format!("{MASKED}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

    #[test]
    fn values_under_secret_names_go() {
        for name in [
            "api_secret",
            "apiSecret",
            "Password",
            "sip_password",
            "AuthToken",
            "access-token",
            "Authorization",
            "auth",
            "key",
            "X-Twilio-Signature",
            "client_secret",
            "AWS_SECRET_ACCESS_KEY",
            "pin",
            "set-cookie",
        ] {
            let value = json!({ name: "hunter2" });
            assert_eq!(masked(value), json!({ name: MASKED }), "{name}");
        }
        let kept = json!({ "room": "inbound-1", "keypad": "5", "author": "x", "status": 200, "token": null, "auth": "" });
        assert_eq!(masked(kept.clone()), kept);
    }

    #[test]
    fn they_go_at_any_depth_and_whole() {
        let value = json!({ "a": [{ "credentials": { "user": "u", "x": ["y"] } }], "metadata": "{\"token\":\"t0p\"}" });
        assert_eq!(
            masked(value),
            json!({ "a": [{ "credentials": MASKED }], "metadata": "{\"token\":\"[masked]\"}" })
        );
    }

    #[test]
    fn secrets_are_known_by_their_look() {
        for (text, expected) in [
            (
                format!("join with {TOKEN} now"),
                format!("join with {MASKED} now"),
            ),
            (
                format!("wss://h/rtc?access_token={TOKEN}&x=1"),
                format!("wss://h/rtc?access_token={MASKED}&x=1"),
            ),
            (
                "Authorization: Bearer abc.def".into(),
                format!("Authorization: {MASKED} {MASKED}"),
            ),
            ("Basic dXNlcjpwYXNz".into(), format!("Basic {MASKED}")),
            (
                "CallSid=CA1&AuthToken=s3cret&To=5".into(),
                format!("CallSid=CA1&AuthToken={MASKED}&To=5"),
            ),
            (
                "https://user:Passw0rdLong1@host/x".into(),
                format!("https://user:{MASKED}@host/x"),
            ),
            (
                "sip:+12125550100@host".into(),
                "sip:+12125550100@host".into(),
            ),
            ("password: hunter2".into(), format!("password: {MASKED}")),
        ] {
            assert_eq!(masked(json!(text)), json!(expected));
        }
    }

    #[test]
    fn any_bytes_become_json() {
        assert_eq!(payload(b"{\"a\":1}", 100), json!({ "a": 1 }));
        assert_eq!(payload(b"a=1&pwd=2", 100), json!("a=1&pwd=[masked]"));
        assert_eq!(
            payload(b"\xed\xa0\x80\0", 100),
            json!("\u{fffd}\u{fffd}\u{fffd}\0")
        );
        let deep = "[".repeat(100_000);
        assert!(payload(deep.as_bytes(), 1 << 20).is_string());
        let huge = payload(&[b'x'; 2000], 1000);
        assert_eq!(
            (&huge["bytes"], &huge["cut_after_bytes"]),
            (&json!(2000), &json!(1000))
        );
        assert_eq!(huge["beginning"].as_str().map(str::len), Some(1000));
    }
}
