//! Secrets in the operating system's keychain and nowhere else.
//!
//! [`Vault::system`] is the Keychain on macOS, the Credential Manager on Windows and the Secret Service elsewhere;
//! [`Vault::memory`] keeps secrets until the program ends, for tests. There is no file to fall back to: a keychain that
//! is locked or absent is said to be so, and is asked afresh each time.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod error;
mod keychain;
mod secret;
mod vault;

pub use error::VaultError;
pub use secret::Secret;
pub use vault::{Account, Vault};
