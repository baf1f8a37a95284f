//! A text that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// A secret. It cannot be serialized, compared or cloned, prints as dots, and is wiped from memory when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Give it to nothing that keeps, logs or shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Another copy, wiped in its turn. Its own method, so that a copy is always meant.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    Secret(…),\n)");
        assert_eq!(secret.copy().expose(), "hunter2");
    }
}
