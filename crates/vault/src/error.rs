//! Why a secret could not be kept or read, each in one sentence for a person.

use std::time::Duration;

use thiserror::Error;

/// Why the keychain did not do as asked. Every failure may be gone at the next try: nothing is remembered here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The keychain is locked and was not unlocked when it asked.
    #[error("The keychain of this computer is locked. Unlock it, then try again.")]
    Locked,
    /// There is no keychain, or none that stores anything.
    #[error(
        "No keychain is running on this computer, so the secret cannot be kept. Start one (on Linux a Secret Service such as GNOME Keyring), then try again."
    )]
    Absent {
        /// For the log.
        detail: String,
    },
    /// It did not answer in time: most likely its question waits on the screen.
    #[error("The keychain did not answer within {} seconds. If it shows a question, answer it, then try again.", .within.as_secs())]
    Silent {
        /// How long it was waited for.
        within: Duration,
    },
    /// What is stored under the name is not a text, or there are several.
    #[error(
        "The keychain holds something else under the name of this account. Enter the secret again."
    )]
    Damaged,
    /// The keychain does not take this name or this secret.
    #[error(
        "The keychain does not take this secret: {why}. Check that it was copied whole and alone."
    )]
    Unfit {
        /// What is wrong with it.
        why: String,
    },
}
