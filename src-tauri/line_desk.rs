//! The lines of this desk, with its project and keychain.

use lines::{Desk, Endpoints, Progress};
use std::sync::Arc;

use crate::account::Account;
use crate::ipc::types::IpcError;
use crate::profile::Profile;

/// Names the stand-ins of the providers for tests: an address on this computer, or it is refused.
const PROVIDERS: &str = "DESKLINE_PROVIDERS";

/// Opens them. Blocks (keychain).
///
/// # Errors
/// Nobody is signed in, the secret cannot be read, or the address of stand-ins is not on this computer.
pub(crate) fn open(
    profile: &Profile,
    account: &Account,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<Desk, IpcError> {
    let project = account.project_of_lines()?;
    let endpoints = match std::env::var(PROVIDERS) {
        Ok(base) => Endpoints::stand_ins(&base),
        Err(_) => Endpoints::real(),
    };
    let endpoints = endpoints.map_err(|error| IpcError::new("providers", error.to_string()))?;
    Desk::new(
        profile.path(),
        account.profile(),
        account.vault(),
        project,
        endpoints,
        Arc::new(progress),
    )
    .map_err(|error| IpcError::new(error.code(), error.to_string()))
}
