//! Checks every argument before the library sees it.
//!
//! The library is built to abort the process when an internal check fails, so nothing that could
//! reach such a check may pass. The limits are the library's or the server's own.

use thiserror::Error;

use crate::room::Hearer;

/// An argument that was refused. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Not `ws`, `wss`, `http` or `https` with a host, or with spaces or control characters in it.
    #[error(
        "the server address is not valid: it must begin with ws://, wss://, http:// or https:// and name a host"
    )]
    Address,
    /// Longer than 2048 bytes.
    #[error("the server address is too long")]
    AddressTooLong,
    /// Empty, longer than 16 KiB, or with characters no token has.
    #[error("the access token is not valid")]
    Token,
    /// Empty, longer than 256 bytes, or with control characters.
    #[error("the participant identity is not valid")]
    Identity,
    /// Outside `0-9 * # A-D w`, empty, or more than 64 at once.
    #[error("only the keys 0-9, *, #, A-D and w (pause) can be sent, at most 64 at once")]
    Keys,
    /// Too many, too long, or with control characters.
    #[error(
        "the attributes are not valid: at most 64, keys up to 128 bytes, values up to 4096 bytes, no control characters"
    )]
    Attributes,
    /// More than 15 KiB, or a topic that is too long.
    #[error("the data packet is too large: at most 15 KiB with a topic of 256 bytes")]
    Data,
    /// The method name or payload of a remote procedure call is empty or too long.
    #[error("the remote procedure call is not valid: method up to 64 bytes, payload up to 15 KiB")]
    Rpc,
    /// The name of a track is empty or too long.
    #[error("the track name is not valid: 1 to 128 bytes without control characters")]
    TrackName,
    /// More than 256 people, or a track name that is none.
    #[error(
        "the list of who may hear what is not valid: at most 256 people with track names of the server"
    )]
    Hearers,
    /// Outside 100 ms to 30 s.
    #[error("the connect timeout must be between 0.1 and 30 seconds")]
    ConnectTimeout,
    /// More than 10.
    #[error("at most 10 join retries can be asked for")]
    JoinRetries,
    /// More than 500 ms.
    #[error("the delay of the processing must be between 0 and 500 milliseconds")]
    ProcessingDelay,
    /// Zero or more than 500 frames.
    #[error("a frame queue holds 1 to 500 frames")]
    QueueSize,
}

const MAX_ADDRESS: usize = 2048;
const MAX_TOKEN: usize = 16 * 1024;
const MAX_IDENTITY: usize = 256;
const MAX_KEYS: usize = 64;
const MAX_PACKET: usize = 15 * 1024;

pub(crate) fn address(text: &str) -> Result<(), Invalid> {
    if text.len() > MAX_ADDRESS {
        return Err(Invalid::AddressTooLong);
    }
    let rest = ["ws://", "wss://", "http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(Invalid::Address)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let clean = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if !clean || host.is_empty() || host.starts_with(':') || host.contains('@') {
        return Err(Invalid::Address);
    }
    Ok(())
}

pub(crate) fn token(text: &str) -> Result<(), Invalid> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
    if text.is_empty() || text.len() > MAX_TOKEN || !text.chars().all(known) {
        return Err(Invalid::Token);
    }
    Ok(())
}

pub(crate) fn identity(text: &str) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > MAX_IDENTITY || text.chars().any(char::is_control) {
        return Err(Invalid::Identity);
    }
    Ok(())
}

pub(crate) fn keys(text: &str) -> Result<(), Invalid> {
    let known = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D' | 'w');
    if text.is_empty() || text.len() > MAX_KEYS || !text.chars().all(known) {
        return Err(Invalid::Keys);
    }
    Ok(())
}

pub(crate) fn attributes(list: &[(&str, &str)]) -> Result<(), Invalid> {
    let bad = |text: &str, max: usize| text.len() > max || text.chars().any(char::is_control);
    let broken = list
        .iter()
        .any(|(key, value)| key.is_empty() || bad(key, 128) || bad(value, 4096));
    if list.len() > 64 || broken {
        return Err(Invalid::Attributes);
    }
    Ok(())
}

pub(crate) fn data(bytes: &[u8], topic: &str) -> Result<(), Invalid> {
    if bytes.len() > MAX_PACKET || topic.len() > 256 || topic.chars().any(char::is_control) {
        return Err(Invalid::Data);
    }
    Ok(())
}

pub(crate) fn rpc(method: &str, payload: &str) -> Result<(), Invalid> {
    let bad_method = method.is_empty() || method.len() > 64 || method.chars().any(char::is_control);
    if bad_method || payload.len() > MAX_PACKET || payload.contains('\0') {
        return Err(Invalid::Rpc);
    }
    Ok(())
}

pub(crate) fn track_name(text: &str) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        return Err(Invalid::TrackName);
    }
    Ok(())
}

pub(crate) fn hearers(list: &[Hearer]) -> Result<(), Invalid> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    // The engine ends the process if a name does not begin like one of a track (measured).
    let is_name = |sid: &String| {
        sid.strip_prefix("TR_")
            .is_some_and(|rest| !rest.is_empty() && rest.len() <= 64 && rest.chars().all(known))
    };
    if list.len() > 256 || !list.iter().flat_map(|hearer| &hearer.tracks).all(is_name) {
        return Err(Invalid::Hearers);
    }
    list.iter()
        .try_for_each(|hearer| identity(&hearer.identity))
}

pub(crate) fn queue(frames: usize) -> Result<(), Invalid> {
    if (1..=500).contains(&frames) {
        Ok(())
    } else {
        Err(Invalid::QueueSize)
    }
}

/// The library refuses what lies outside.
pub(crate) fn processing_delay(milliseconds: u16) -> Result<(), Invalid> {
    if milliseconds <= 500 {
        Ok(())
    } else {
        Err(Invalid::ProcessingDelay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "ws://127.0.0.1:7880",
            "wss://a.example",
            "https://a.example/path",
            "ws://[::1]:7880",
        ] {
            assert_eq!(address(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "not a url",
            "ftp://a",
            "ws://",
            "ws://:80",
            "ws:///x",
            "ws://a b",
            "ws://a\0",
            "ws://a\n",
            "ws://user:pass@a",
        ] {
            assert_eq!(address(bad), Err(Invalid::Address), "{bad:?}");
        }
        let long = format!("ws://{}", "a".repeat(2048));
        assert_eq!(address(&long), Err(Invalid::AddressTooLong));
    }

    #[test]
    fn tokens() {
        assert_eq!(token("eyJ.a_b-c.d="), Ok(()));
        for bad in ["", "a b", "a\0", "a\r\nX-Header: 1", "é"] {
            assert_eq!(token(bad), Err(Invalid::Token), "{bad:?}");
        }
        assert_eq!(token(&"a".repeat(MAX_TOKEN + 1)), Err(Invalid::Token));
    }

    #[test]
    fn keys_are_a_whitelist() {
        assert_eq!(keys("0123456789*#ABCDw"), Ok(()));
        for bad in ["", "a", "E", "1 2", "1\0", "+", "１"] {
            assert_eq!(keys(bad), Err(Invalid::Keys), "{bad:?}");
        }
        assert_eq!(keys(&"1".repeat(65)), Err(Invalid::Keys));
    }

    #[test]
    fn identities_attributes_data_and_calls() {
        assert_eq!(identity("sip_+12125550100"), Ok(()));
        assert_eq!(identity(""), Err(Invalid::Identity));
        assert_eq!(identity("a\u{0}b"), Err(Invalid::Identity));
        assert_eq!(identity(&"a".repeat(257)), Err(Invalid::Identity));

        assert_eq!(attributes(&[("desk.claim", "1"), ("x", "")]), Ok(()));
        assert_eq!(attributes(&[("", "1")]), Err(Invalid::Attributes));
        assert_eq!(attributes(&[("a", "\u{7}")]), Err(Invalid::Attributes));
        assert_eq!(attributes(&[("a", "b"); 65]), Err(Invalid::Attributes));
        assert_eq!(
            attributes(&[("a", &"b".repeat(4097))]),
            Err(Invalid::Attributes)
        );

        assert_eq!(data(&[0; 15 * 1024], "t"), Ok(()));
        assert_eq!(data(&[0; 15 * 1024 + 1], "t"), Err(Invalid::Data));
        assert_eq!(rpc("lk.sip.EndCall", "{}"), Ok(()));
        assert_eq!(rpc("", "{}"), Err(Invalid::Rpc));
        assert_eq!(rpc("m", "\0"), Err(Invalid::Rpc));
        assert_eq!(track_name(""), Err(Invalid::TrackName));
        let hearer = |identity: &str, track: &str| Hearer {
            identity: identity.into(),
            tracks: vec![track.into()],
        };
        assert_eq!(hearers(&[hearer("a", "TR_AMx-1")]), Ok(()));
        assert_eq!(hearers(&[hearer("", "TR_x")]), Err(Invalid::Identity));
        for bad in ["", "TR_", "1", "PA_x", "TR 1", "TR_\0", "TR_é"] {
            assert_eq!(
                hearers(&[hearer("a", bad)]),
                Err(Invalid::Hearers),
                "{bad:?}"
            );
        }
        assert_eq!(
            hearers(&vec![hearer("a", "TR_x"); 257]),
            Err(Invalid::Hearers)
        );
        assert_eq!(queue(0), Err(Invalid::QueueSize));
        assert_eq!(queue(501), Err(Invalid::QueueSize));
    }
}
