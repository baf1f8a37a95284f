//! A PIN before a line.

use serde::{Deserialize, Serialize};

use super::BadInput;

/// A PIN that callers type before they get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// Digits only; empty is no PIN.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(typed: &str) -> Result<Option<Self>, BadInput> {
        let text = typed.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > 16 || !text.chars().all(|c| c.is_ascii_digit()) {
            return Err(BadInput::BadPin);
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
