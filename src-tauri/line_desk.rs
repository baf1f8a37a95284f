//! The lines of this desk, with its project and keychain.

use std::sync::Arc;

use lines::{Desk, DeskError, Endpoints, Progress, ProviderKeys, Registry, RegistryError};
use tokio::runtime::Handle;

use crate::account::Account;
use crate::core::{Core, blocking};
use crate::ipc::line_setup::LineSignIn;
use crate::ipc::lines::{LineCard, LineCheckView, cards, check};
use crate::ipc::types::IpcError;
use crate::line_setup::{changed, keys};
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
    .map_err(|error| refused(&error))
}

/// Why something with lines was not done, and what of it was before.
pub(crate) fn refused(error: &DeskError) -> IpcError {
    let mut words = error.to_string();
    if let Some(done @ [_, ..]) = error.done() {
        words.push_str(&format!(" Done before that: {}.", done.join("; ")));
    }
    IpcError::new(error.code(), words)
}

/// Why the list of lines does not have it.
pub(crate) fn unlisted(error: &RegistryError) -> IpcError {
    IpcError::new(error.code(), error.to_string())
}

impl Core {
    /// Every line of this profile.
    ///
    /// # Errors
    /// The list cannot be read.
    pub async fn lines(&self) -> Result<Vec<LineCard>, IpcError> {
        let (_, profile) = self.account_and_profile();
        let (quiet, region) = (self.settings().quiet_lines, self.region());
        let registry = Registry::new(&profile.path().join("lines"));
        blocking(move || cards(&registry, &quiet, region)).await
    }

    /// Finds out what is wrong with a line; with a sign-in, at its provider too. The sign-in is not kept.
    ///
    /// # Errors
    /// There is no such line, nobody is signed in, or the sign-in is wrong in form.
    pub async fn line_check(
        &self,
        line: String,
        sign_in: Option<LineSignIn>,
    ) -> Result<LineCheckView, IpcError> {
        let core = self.clone();
        self.with_lines(move |desk, runtime| {
            let keys = match sign_in {
                Some(mut typed) => {
                    let line = desk.line(&line).map_err(|error| refused(&error))?;
                    if typed.account.trim().is_empty() {
                        typed.account = line.account.unwrap_or_default();
                    }
                    keys(line.provider, typed)?
                }
                None => None,
            };
            core.look_at(&desk, &runtime, &line, keys)
        })
        .await
    }

    /// What a check finds may be mended as it is shown here. Blocks.
    fn look_at(
        &self,
        desk: &Desk,
        runtime: &Handle,
        line: &str,
        keys: Option<ProviderKeys>,
    ) -> Result<LineCheckView, IpcError> {
        let report = runtime.block_on(desk.check(line, keys));
        let report = report.map_err(|error| refused(&error))?;
        self.line_setup().show_check(&report);
        Ok(check(&report))
    }

    /// Does what a finding of the last check proposes, and checks again.
    ///
    /// # Errors
    /// It is gone, would no longer be the same change, cannot be mended so, or LiveKit refuses.
    pub async fn line_fix(&self, line: String, finding: String) -> Result<LineCheckView, IpcError> {
        let core = self.clone();
        self.with_lines(move |desk, runtime| {
            let id = desk.line(&line).map_err(|error| refused(&error))?.id;
            let shown = core.line_setup().shown_fix(&id, &finding)?;
            let now = runtime.block_on(desk.check(&line, None));
            let now = now.map_err(|error| refused(&error))?;
            if now.steps_for(&finding) != Some(shown.as_slice()) {
                return Err(changed("mended"));
            }
            let fixed = runtime.block_on(desk.fix(&id, &shown));
            fixed.map_err(|error| refused(&error))?;
            core.look_at(&desk, &runtime, &line, None)
        })
        .await
    }

    /// Lines ask disk and keychain in between, so all of it runs on a thread that may wait.
    pub(crate) async fn with_lines<T: Send + 'static>(
        &self,
        work: impl FnOnce(Desk, Handle) -> Result<T, IpcError> + Send + 'static,
    ) -> Result<T, IpcError> {
        let (account, profile) = self.account_and_profile();
        let runtime = Handle::current();
        blocking(move || work(open(&profile, &account, |_| {})?, runtime)).await
    }
}
