//! One request to the server: HTTP, protobuf, an answer or one of five failures.
//!
//! The server SDK's own request clients are not used: each makes a connection of its own for every token (a dial would
//! wait for a TLS handshake), and they cannot tell a refused key, which is answered in plain text, from an address where
//! something else listens. Here all requests share one pool, kept warm by the watch.

use std::collections::HashMap;
use std::sync::Once;
use std::time::Duration;

use prost::Message;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::account::Account;
use crate::token::{Purpose, request_token};

/// How long the connection may take to come up.
const CONNECT: Duration = Duration::from_secs(5);

/// An ordinary request is answered in milliseconds; a frozen server must not hold the watch for long.
pub(crate) const ORDINARY: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes: some ten thousand rooms.
const LARGEST: usize = 8 << 20;

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The server refuses key, secret or rights.
    Refused {
        /// The token's time was wrong: the clock of this computer, or the server's, is.
        clock: bool,
    },
    /// No connection, or no answer in time. What was asked may have happened all the same.
    Unreachable {
        /// For the log.
        detail: String,
    },
    /// Something listens there, but it is no LiveKit server.
    NotLiveKit {
        /// For the log.
        detail: String,
    },
    /// The server's own words.
    Said(Said),
}

/// An error as the server words it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct Said {
    /// Twirp's code. Never a reason for a call's end: busy and unavailable share one.
    pub(crate) code: String,
    /// Text.
    #[serde(default)]
    pub(crate) msg: String,
    /// More; `sip_status_code` for a failed call.
    #[serde(default)]
    pub(crate) meta: HashMap<String, String>,
}

impl RequestError {
    /// For the log.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Refused { .. } => "the server refuses the key".into(),
            Self::Unreachable { detail } | Self::NotLiveKit { detail } => detail.clone(),
            Self::Said(said) => format!("{}: {}", said.code, said.msg),
        }
    }

    /// Did the server say that what was asked about is not there?
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Said(said) if said.code == "not_found")
    }
}

/// Requests to one server. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct Twirp {
    http: reqwest::Client,
    account: Account,
}

impl Twirp {
    /// Connects to nothing yet.
    pub(crate) fn new(account: Account) -> Result<Self, RequestError> {
        let http = client().map_err(|error| RequestError::Unreachable {
            detail: chain(&error),
        })?;
        Ok(Self { http, account })
    }

    /// Whose server it is.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Asks once; nothing is repeated, since a repeated dial would ring twice.
    pub(crate) async fn ask<Q: Message, A: Message + Default>(
        &self,
        method: &str,
        purpose: Purpose<'_>,
        query: &Q,
        within: Duration,
    ) -> Result<A, RequestError> {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/protobuf"),
        );
        let token = request_token(&self.account, purpose)
            .map_err(|_| RequestError::Refused { clock: false })?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| RequestError::Refused { clock: false })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        let url = format!("{}/twirp/livekit.{method}", self.account.request_url());
        let request = self
            .http
            .post(url)
            .headers(headers)
            .body(query.encode_to_vec())
            .timeout(within);
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if body.len() + part.len() > LARGEST {
                return Err(RequestError::NotLiveKit {
                    detail: "the answer is too large".into(),
                });
            }
            body.extend_from_slice(&part);
        }
        if status == StatusCode::OK {
            return A::decode(body.as_slice()).map_err(|_| RequestError::NotLiveKit {
                detail: "the answer is not of the expected form".into(),
            });
        }
        Err(refusal(status.as_u16(), &body))
    }
}

/// A client that connects to nothing yet and shares nothing with others.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        // Fails when the program already chose one, which will do as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // A LiveKit server redirects nobody, and a token must not follow one.
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// What an answer other than 200 means. The body may contain the whole token: none of it goes further unless it is the
/// server's own JSON.
pub(crate) fn refusal(status: u16, body: &[u8]) -> RequestError {
    if let Ok(said) = serde_json::from_slice::<Said>(body) {
        return match said.code.as_str() {
            // 401 and 407 of a far network read the same, and have nothing to do with our key
            "unauthenticated" if !said.meta.contains_key("sip_status_code") => {
                RequestError::Refused { clock: false }
            }
            _ => RequestError::Said(said),
        };
    }
    let text = String::from_utf8_lossy(body);
    match status {
        401 | 403 => RequestError::Refused {
            clock: text.contains("expired") || text.contains("not valid yet"),
        },
        500..=599 => RequestError::Unreachable {
            detail: format!("the server answered {status}"),
        },
        _ => RequestError::NotLiveKit {
            detail: format!("the server answered {status}"),
        },
    }
}

fn unreachable(error: &reqwest::Error) -> RequestError {
    RequestError::Unreachable {
        detail: chain(error),
    }
}

/// An error and its causes. The library names the address in it, never a header.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_told_from_a_foreign_server_and_its_token_is_dropped() {
        let body =
            b"invalid token: aaa.bbb.ccc, error: token signature is invalid: signature is invalid";
        let error = refusal(401, body);
        assert_eq!(error, RequestError::Refused { clock: false });
        assert!(!format!("{error:?} {}", error.detail()).contains("bbb"));
        let body = b"invalid token: aaa.bbb.ccc, error: token is expired (exp)";
        assert_eq!(refusal(401, body), RequestError::Refused { clock: true });
        let body = br#"{"code":"unauthenticated","msg":"permissions denied"}"#;
        assert_eq!(refusal(401, body), RequestError::Refused { clock: false });
        assert!(matches!(
            refusal(404, b"<html>"),
            RequestError::NotLiveKit { .. }
        ));
        assert!(matches!(refusal(302, b""), RequestError::NotLiveKit { .. }));
        assert!(matches!(
            refusal(502, b"Bad Gateway"),
            RequestError::Unreachable { .. }
        ));
    }

    #[test]
    fn the_servers_words_are_kept() {
        let error = refusal(
            404,
            br#"{"code":"not_found","msg":"participant does not exist"}"#,
        );
        assert!(error.is_not_found());
        assert_eq!(error.detail(), "not_found: participant does not exist");
    }
}
