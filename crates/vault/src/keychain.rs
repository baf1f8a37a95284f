//! The operating system's keychain.
//!
//! Every request opens the keychain anew (6 ms on Linux): a keychain that was started, unlocked or restarted meanwhile
//! is found, and no early failure is remembered.

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};

use crate::error::VaultError;
use crate::secret::Secret;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;
#[cfg(all(unix, not(target_vendor = "apple")))]
use zbus_secret_service_keyring_store::Store;

fn entry(service: &str, user: &str) -> Result<Entry, VaultError> {
    let store = Store::new().map_err(|error| told(&error))?;
    store
        .build(service, user, None)
        .map_err(|error| told(&error))
}

/// Is there a keychain that answers? Says nothing of whether it is unlocked.
pub(crate) fn check() -> Result<(), VaultError> {
    Store::new().map(drop).map_err(|error| told(&error))
}

pub(crate) fn get(service: &str, user: &str) -> Result<Option<Secret>, VaultError> {
    match entry(service, user)?.get_password() {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(told(&error)),
    }
}

pub(crate) fn set(service: &str, user: &str, secret: &Secret) -> Result<(), VaultError> {
    let entry = entry(service, user)?;
    match entry.set_password(secret.expose()) {
        Ok(()) => Ok(()),
        // Left behind by another program: none of them can be told from ours.
        Err(Error::Ambiguous(all)) => {
            for one in all {
                one.delete_credential().map_err(|error| told(&error))?;
            }
            entry
                .set_password(secret.expose())
                .map_err(|error| told(&error))
        }
        Err(error) => Err(told(&error)),
    }
}

pub(crate) fn delete(service: &str, user: &str) -> Result<bool, VaultError> {
    match entry(service, user)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(told(&error)),
    }
}

fn told(error: &Error) -> VaultError {
    match error {
        // The Secret Service answers so when it has no default collection: nothing can be stored, locked or not.
        Error::NoStorageAccess(cause) if format!("{cause:?}").contains("NoResult") => {
            VaultError::Absent {
                detail: cause.to_string(),
            }
        }
        Error::NoStorageAccess(_) => VaultError::Locked,
        Error::PlatformFailure(cause) => VaultError::Absent {
            detail: cause.to_string(),
        },
        // These two carry what is stored: not a word of them goes further.
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => {
            VaultError::Damaged
        }
        Error::TooLong(what, limit) => VaultError::Unfit {
            why: format!("the {what} is longer than {limit} characters"),
        },
        Error::Invalid(what, why) => VaultError::Unfit {
            why: format!("{what} {why}"),
        },
        other @ (Error::NoEntry
        | Error::BadStoreFormat(_)
        | Error::NoDefaultStore
        | Error::NotSupportedByStore(_)
        | _) => VaultError::Absent {
            detail: other.to_string(),
        },
    }
}
