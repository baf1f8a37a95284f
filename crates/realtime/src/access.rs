//! The right to enter a room, given by whoever holds the project's secret.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use call::input::JoinFailure;
use call::{Identity, Role, RoomName};
use thiserror::Error;

/// Which right is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Where.
    pub room: RoomName,
    /// As whom.
    pub identity: Identity,
    /// [`Role::Watch`]: hidden, and no right but to be there. [`Role::Talk`]: publish a microphone, subscribe, send
    /// data, change own attributes.
    pub role: Role,
}

/// Where to connect and with which token.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// Address of the server: `ws`, `wss`, `http` or `https`.
    pub url: String,
    token: String,
}

impl Access {
    /// Keeps the token out of sight.
    #[must_use]
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Why a room could not be entered. The text never contains a token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct JoinRefused {
    /// What kind of failure.
    pub why: JoinFailure,
    /// In words, for the log.
    pub detail: String,
}

/// The answer to a [`TokenRequest`], later.
pub type TokenFuture = Pin<Box<dyn Future<Output = Result<Access, JoinRefused>> + Send>>;

/// Gives out rights. Supplied by the wiring, since only `switchboard` may use the secret.
pub type TokenSource = Arc<dyn Fn(TokenRequest) -> TokenFuture + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
        let access = Access::new("ws://127.0.0.1", "eyJsecret");
        assert!(!format!("{access:?}").contains("secret"));
    }
}
