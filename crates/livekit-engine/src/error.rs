//! What can go wrong, in sentences a person can act on.

use std::path::PathBuf;

use thiserror::Error;

use crate::validate::Invalid;

/// Why the engine cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// There is no prebuilt engine for this kind of computer.
    #[error(
        "There is no LiveKit engine for {platform}, so Deskline cannot make calls on this computer."
    )]
    Unsupported {
        /// Operating system and processor.
        platform: &'static str,
    },
    /// The file is nowhere to be found.
    #[error(
        "The LiveKit engine is missing: {file} was not found. Run `make setup` in the source folder, or install Deskline again."
    )]
    Missing {
        /// The file that was looked for.
        file: String,
    },
    /// The file is there but is not the one this version was made for.
    #[error(
        "The LiveKit engine at {} is not the file this version of Deskline was made for, so it was not opened. Run `make setup` in the source folder, or install Deskline again.",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("The LiveKit engine at {} cannot be read ({why}). Check the permissions of the file.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The system refuses to load the file.
    #[error("The LiveKit engine at {} cannot be loaded ({why}). Install Deskline again.", path.display())]
    NotLoadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The engine failed, and what is left of it does not end: this process cannot use it any more.
    #[error("The LiveKit engine stopped unexpectedly. Restart Deskline to make calls again.")]
    Stopped,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// An argument was refused before anything was sent.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The engine refused the request as such: the room or track is already gone.
    #[error("the engine refused the request: the room or the track is gone")]
    Refused,
    /// The request was carried out and failed.
    #[error("{0}")]
    Failed(String),
    /// No answer came in time.
    #[error("the engine did not answer in time")]
    Timeout,
    /// The engine stopped.
    #[error("the engine has stopped")]
    Stopped,
}

/// The kind of a failed connect: decides whether to ask for the key, to try again or to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectErrorKind {
    /// Address, token or options were refused before anything was sent.
    Invalid,
    /// The engine itself cannot be used.
    Engine,
    /// 401: the server does not accept the token (wrong secret, expired).
    Unauthorized,
    /// The token is good but does not allow this.
    PermissionDenied,
    /// Nothing listens there, no such name, no network, no TLS.
    Unreachable,
    /// 5xx: full, draining or without its store. Worth another try.
    ServerBusy,
    /// No answer in time.
    Timeout,
    /// Anything else.
    Other,
}

/// A failed connect. The text never contains the token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct ConnectError {
    /// What kind of failure.
    pub kind: ConnectErrorKind,
    /// The engine's or our own words, without tokens.
    pub detail: String,
}

impl ConnectError {
    pub(crate) fn new(kind: ConnectErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// Sorts the words in which LiveKit refuses a connect: they are all it gives. Tokens are taken out.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let detail = crate::redact::redact(text);
        let has = |words: &[&str]| words.iter().any(|word| detail.contains(word));
        let kind = if has(&["permissions denied", "403 Forbidden"]) {
            ConnectErrorKind::PermissionDenied
        } else if has(&["401 Unauthorized"]) {
            ConnectErrorKind::Unauthorized
        } else if has(&[
            "500 Internal",
            "502 Bad",
            "503 Service",
            "504 Gateway",
            "429 Too Many",
        ]) {
            ConnectErrorKind::ServerBusy
        } else if has(&["timed out", "timeout", "Timeout"]) {
            ConnectErrorKind::Timeout
        } else if has(&[
            "IO error",
            "transport connection",
            "lookup",
            "TLS",
            "certificate",
            "unreachable",
        ]) {
            ConnectErrorKind::Unreachable
        } else {
            ConnectErrorKind::Other
        };
        Self { kind, detail }
    }
}

impl From<Invalid> for ConnectError {
    fn from(invalid: Invalid) -> Self {
        Self::new(ConnectErrorKind::Invalid, invalid.to_string())
    }
}

impl From<EngineError> for ConnectError {
    fn from(error: EngineError) -> Self {
        Self::new(ConnectErrorKind::Engine, error.to_string())
    }
}

/// The answer of a remote procedure call that failed at the far side or on the way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// LiveKit's code: 1400 unsupported method, 1501 connection timeout, 1502 response timeout,
    /// 1503 recipient disconnected, others from the application.
    pub code: u32,
    /// In words.
    pub message: String,
}

/// Why a remote procedure call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RpcFailure {
    /// It could not be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was made and failed.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_errors_are_sorted_by_what_can_be_done() {
        let kind = |text| ConnectError::from_text(text).kind;
        assert_eq!(
            kind(
                "engine: signal failure: client error: 401 Unauthorized - invalid token: eyJ500.b.c"
            ),
            ConnectErrorKind::Unauthorized
        );
        assert_eq!(
            kind("engine: signal failure: client error: 401 Unauthorized - permissions denied"),
            ConnectErrorKind::PermissionDenied
        );
        assert_eq!(
            kind("transport connection error: IO error: Connection refused (os error 111)"),
            ConnectErrorKind::Unreachable
        );
        assert_eq!(
            kind("handshake error: 500 Internal Server Error"),
            ConnectErrorKind::ServerBusy
        );
        assert_eq!(
            kind("signal failure: connection timed out"),
            ConnectErrorKind::Timeout
        );
        assert_eq!(kind("what is this"), ConnectErrorKind::Other);
    }

    #[test]
    fn no_error_shows_a_token() {
        let error = ConnectError::from_text("invalid token: eyJhbGci.eyJzdWIi.c2ln");
        assert!(!format!("{error} {error:?}").contains("eyJ"));
    }

    #[test]
    fn every_engine_error_says_what_to_do() {
        let path = PathBuf::from("engine.so");
        for error in [
            EngineError::Missing {
                file: "engine.so".into(),
            },
            EngineError::Altered { path: path.clone() },
            EngineError::Unreadable {
                path: path.clone(),
                why: "x".into(),
            },
            EngineError::NotLoadable {
                path,
                why: "x".into(),
            },
            EngineError::Stopped,
        ] {
            let text = error.to_string();
            assert!(
                ["make setup", "Check", "Install", "Restart"]
                    .iter()
                    .any(|word| text.contains(word)),
                "{text}"
            );
            assert!(!text.contains('\n'));
        }
    }
}
