//! The LiveKit project of a line: where it is, and tokens for its telephone settings.

use std::sync::Arc;

use livekit_api::access_token::{AccessToken, SIPGrants, VideoGrants};
use std::time::Duration;
use thiserror::Error;
use url::Url;
use vault::Secret;
use zeroize::Zeroizing;

use crate::http::Authorization;

/// Life of a token: it is for one request.
const LIFE: Duration = Duration::from_secs(60);

/// Why address or key cannot be those of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProjectError {
    /// The address.
    #[error("The address of the LiveKit project cannot be read. Sign in again in Settings.")]
    Address,
}

/// A LiveKit project with what it takes to change its telephone settings. Cheap to clone; does not show its secret.
#[derive(Debug, Clone)]
pub struct Project {
    url: Url,
    key: Arc<str>,
    secret: Arc<Secret>,
}

impl Project {
    /// `url` is `ws`, `wss`, `http` or `https`.
    ///
    /// # Errors
    /// It is something else.
    pub fn new(url: &str, key: &str, secret: Secret) -> Result<Self, ProjectError> {
        let text = match url.trim().split_once("://") {
            Some(("ws" | "http", rest)) => format!("http://{rest}"),
            Some(("wss" | "https", rest)) => format!("https://{rest}"),
            Some(_) | None => return Err(ProjectError::Address),
        };
        let url = Url::parse(&text).map_err(|_| ProjectError::Address)?;
        Ok(Self {
            url,
            key: key.into(),
            secret: Arc::new(secret),
        })
    }

    /// Host, and port if it has one of its own.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Where a method is asked.
    pub(crate) fn method(&self, method: &str) -> Option<Url> {
        self.url.join(&format!("/twirp/livekit.{method}")).ok()
    }

    /// May change trunks and rules for a minute, and nothing else.
    pub(crate) fn may_change_lines(&self) -> Authorization {
        self.sign(
            VideoGrants {
                can_publish: Some(false),
                can_subscribe: Some(false),
                can_publish_data: Some(false),
                ..VideoGrants::default()
            },
            SIPGrants {
                admin: true,
                call: false,
            },
        )
    }

    fn sign(&self, video: VideoGrants, sip: SIPGrants) -> Authorization {
        let token = AccessToken::with_api_key(&self.key, self.secret.expose())
            .with_ttl(LIFE)
            .with_grants(video)
            .with_sip_grants(sip)
            .to_jwt();
        // A key that cannot sign is refused by the server like a wrong one.
        let token = Zeroizing::new(token.unwrap_or_default());
        Zeroizing::new(format!("Bearer {}", token.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_becomes_that_of_requests() {
        for (given, asked) in [
            (
                "wss://desk.example",
                "https://desk.example/twirp/livekit.SIP/X",
            ),
            (
                "ws://127.0.0.1:7880",
                "http://127.0.0.1:7880/twirp/livekit.SIP/X",
            ),
            (
                "https://desk.example/",
                "https://desk.example/twirp/livekit.SIP/X",
            ),
        ] {
            let project = Project::new(given, "key", Secret::new("hunter2".into())).unwrap();
            assert_eq!(project.method("SIP/X").unwrap().as_str(), asked);
            assert!(!format!("{project:?}").contains("hunter2"));
        }
        assert_eq!(
            Project::new("desk.example", "key", Secret::new("s".into())).err(),
            Some(ProjectError::Address)
        );
    }
}
