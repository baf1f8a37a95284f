//! A LiveKit project: where it is, and what it takes to sign in.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use url::{Host, Url};
use zeroize::Zeroizing;

/// The API secret of a project. Prints as dots and is wiped from memory when its last copy is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiSecret(Arc<Zeroizing<String>>);

impl ApiSecret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

/// Why address, key or secret cannot be those of a project, in a sentence for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccountError {
    /// No address.
    #[error(
        "The address is empty. Copy it from your LiveKit project; it looks like wss://project.example."
    )]
    NoAddress,
    /// Not an address of a server.
    #[error(
        "The address cannot be read. It looks like wss://project.example, with nothing after the name."
    )]
    BadAddress,
    /// Another scheme.
    #[error("The address must begin with wss:// (or ws://, https://, http://).")]
    BadScheme,
    /// Something after the name.
    #[error(
        "The address must end after the name: no path, question mark or password belongs to it."
    )]
    TooMuch,
    /// No key.
    #[error("The API key is empty. Copy it from the settings of your LiveKit project.")]
    NoKey,
    /// Blank or control characters within.
    #[error("The API key contains a blank or another character that no key has. Copy it again.")]
    BadKey,
    /// No secret.
    #[error("The API secret is empty. Copy it from the settings of your LiveKit project.")]
    NoSecret,
}

/// A LiveKit project, with what it takes to sign in. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    url: Url,
    key: Arc<str>,
    secret: ApiSecret,
}

impl Account {
    /// Checks hostile text: `url` is `ws`, `wss`, `http` or `https` and nothing after host and port. Blanks around url and
    /// key are taken off, as pasting brings them along.
    ///
    /// # Errors
    /// Says which of the three is wrong.
    pub fn new(url: &str, key: &str, secret: ApiSecret) -> Result<Self, AccountError> {
        let url = address(url.trim())?;
        let key = key.trim();
        if key.is_empty() {
            return Err(AccountError::NoKey);
        }
        if key.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AccountError::BadKey);
        }
        if secret.expose().trim().is_empty() {
            return Err(AccountError::NoSecret);
        }
        Ok(Self {
            url,
            key: key.into(),
            secret,
        })
    }

    /// The same project with another of its keys.
    ///
    /// # Errors
    /// Says which of the two is wrong.
    pub fn with_key(&self, key: &str, secret: ApiSecret) -> Result<Self, AccountError> {
        Self::new(self.url.as_str(), key, secret)
    }

    /// Where rooms are joined: `ws://…` or `wss://…`, without a slash at the end.
    #[must_use]
    pub fn room_url(&self) -> String {
        self.with_scheme(if self.is_encrypted() { "wss" } else { "ws" })
    }

    /// Where requests go: `http://…` or `https://…`, without a slash at the end.
    #[must_use]
    pub fn request_url(&self) -> String {
        self.with_scheme(if self.is_encrypted() { "https" } else { "http" })
    }

    /// Host and port, as a person knows the server.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self
            .url
            .host()
            .map_or_else(String::new, |host: Host<&str>| host.to_string());
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// Is the connection to the server encrypted?
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.url.scheme(), "wss" | "https")
    }

    /// The API key. Not secret.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.expose()
    }

    fn with_scheme(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.host())
    }
}

fn address(text: &str) -> Result<Url, AccountError> {
    if text.is_empty() {
        return Err(AccountError::NoAddress);
    }
    let url = Url::parse(text).map_err(|error| {
        if error == url::ParseError::RelativeUrlWithoutBase {
            AccountError::BadScheme
        } else {
            AccountError::BadAddress
        }
    })?;
    if !matches!(url.scheme(), "ws" | "wss" | "http" | "https") {
        return Err(AccountError::BadScheme);
    }
    if url.host().is_none() {
        return Err(AccountError::BadAddress);
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(AccountError::TooMuch);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(url: &str) -> Result<Account, AccountError> {
        Account::new(url, "key", ApiSecret::new("secret".into()))
    }

    #[test]
    fn both_addresses_come_from_either_form() {
        for (given, room, request) in [
            (
                "wss://project.example",
                "wss://project.example",
                "https://project.example",
            ),
            (
                " https://Project.example/ ",
                "wss://project.example",
                "https://project.example",
            ),
            (
                "ws://127.0.0.1:7880",
                "ws://127.0.0.1:7880",
                "http://127.0.0.1:7880",
            ),
            ("http://[::1]:7880", "ws://[::1]:7880", "http://[::1]:7880"),
            (
                "wss://project.example:443",
                "wss://project.example",
                "https://project.example",
            ),
        ] {
            let account = account(given).unwrap();
            assert_eq!(
                (account.room_url().as_str(), account.request_url().as_str()),
                (room, request),
                "{given}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for (given, error) in [
            ("", AccountError::NoAddress),
            ("   ", AccountError::NoAddress),
            ("project.example", AccountError::BadScheme),
            ("localhost:7880", AccountError::BadScheme),
            ("ftp://project.example", AccountError::BadScheme),
            ("wss://", AccountError::BadAddress),
            ("wss://a b", AccountError::BadAddress),
            ("wss://project.example:99999", AccountError::BadAddress),
            ("wss://project.example/rtc", AccountError::TooMuch),
            ("wss://project.example?x=1", AccountError::TooMuch),
            ("wss://me:pw@project.example", AccountError::TooMuch),
        ] {
            assert_eq!(account(given).unwrap_err(), error, "{given:?}");
        }
    }

    #[test]
    fn key_and_secret_must_be_there() {
        let new = |key: &str, secret: &str| {
            Account::new("ws://h", key, ApiSecret::new(secret.into())).map(|_| ())
        };
        assert_eq!(new(" ", "s"), Err(AccountError::NoKey));
        assert_eq!(new("a b", "s"), Err(AccountError::BadKey));
        assert_eq!(new("k", ""), Err(AccountError::NoSecret));
        assert_eq!(new(" k\n", "s"), Ok(()));
    }

    #[test]
    fn an_account_does_not_print_its_secret() {
        let account = Account::new("ws://h", "k", ApiSecret::new("hunter2".into())).unwrap();
        assert!(!format!("{account:?}").contains("hunter2"));
    }
}
