//! User name and password between LiveKit and a provider: made here, kept in the keychain.

use std::sync::Arc;

use vault::Secret;

/// How long a made password is.
const LENGTH: usize = 24;
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";

/// What LiveKit signs in with at the provider. Shows its user name only.
#[derive(Debug, Clone)]
pub struct Credential {
    /// User name. A made one is new for every password, so that a name stands for one password.
    pub user: String,
    /// Password.
    pub password: Arc<Secret>,
}

impl Credential {
    /// A user name and password.
    #[must_use]
    pub fn new(user: String, password: Secret) -> Self {
        Self {
            user,
            password: Arc::new(password),
        }
    }

    /// A new one: 24 characters with small and capital letters and digits, as Twilio asks for (12 at least). Its user name has
    /// letters and digits only, as Telnyx asks for.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let tag = pick(&[LOWER, DIGITS], 8)?;
        let password = loop {
            let text = pick(&[LOWER, UPPER, DIGITS], LENGTH)?;
            let has = |set: &[u8]| text.bytes().any(|byte| set.contains(&byte));
            if has(LOWER) && has(UPPER) && has(DIGITS) {
                break text;
            }
        };
        Ok(Self::new(format!("deskline{tag}"), Secret::new(password)))
    }

    /// As the keychain keeps it.
    pub(crate) fn packed(&self) -> Secret {
        Secret::new(format!("{}\n{}", self.user, self.password.expose()))
    }

    /// From the keychain.
    pub(crate) fn unpacked(secret: &Secret) -> Option<Self> {
        let (user, password) = secret.expose().split_once('\n')?;
        Some(Self::new(user.to_owned(), Secret::new(password.to_owned())))
    }
}

/// Four characters that tell one name from another.
pub(crate) fn four() -> Result<String, getrandom::Error> {
    pick(&[LOWER, DIGITS], 4)
}

fn pick(sets: &[&[u8]], length: usize) -> Result<String, getrandom::Error> {
    let all: Vec<u8> = sets.concat();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        for byte in bytes {
            // A value beyond a whole number of sets would make some characters more likely.
            let fair = 256 - 256 % all.len();
            if usize::from(byte) < fair
                && text.len() < length
                && let Some(c) = all.get(usize::from(byte) % all.len())
            {
                text.push(char::from(*c));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ten_thousand_passwords_keep_the_providers_rule_and_differ() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let made = Credential::generate().unwrap();
            let password = made.password.expose();
            assert_eq!(password.len(), LENGTH);
            assert!(
                password.chars().any(|c| c.is_ascii_lowercase()),
                "{password}"
            );
            assert!(
                password.chars().any(|c| c.is_ascii_uppercase()),
                "{password}"
            );
            assert!(password.chars().any(|c| c.is_ascii_digit()), "{password}");
            assert!(made.user.len() <= 32 && made.user.starts_with("deskline"));
            assert!(seen.insert(password.to_owned()));
        }
    }

    #[test]
    fn a_credential_survives_the_keychain_and_is_not_shown() {
        let made = Credential::new("me".into(), Secret::new("hunter\n2".into()));
        let read = Credential::unpacked(&made.packed()).unwrap();
        assert_eq!(
            (read.user.as_str(), read.password.expose()),
            ("me", "hunter\n2")
        );
        assert!(!format!("{made:?}").contains("hunter"));
        assert!(Credential::unpacked(&Secret::new("x".into())).is_none());
    }
}
