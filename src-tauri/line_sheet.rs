//! Looking at lines without changing them: the sheet of one, everything in the project, the numbers of an account, the
//! provider's own pages.

use lines::pages::{PageKind, page, pages};
use lines::{Desk, ProviderKind, Sheet};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clipboard::put_secret;
use crate::core::Core;
use crate::ipc::line_setup::LineSignIn;
use crate::ipc::line_sheet::{
    LineNumberView, LineSheetView, ProjectObjectView, number, objects, sheet,
};
use crate::ipc::types::IpcError;
use crate::line_costs::talked;
use crate::line_setup::keys;

fn failed(error: &lines::DeskError) -> IpcError {
    IpcError::new(error.code(), error.to_string())
}

/// Answered calls over a line since it was set up: in, out. Blocks (disk).
pub(crate) fn answered(sheet: &Sheet, store: &history::Store) -> (u64, u64) {
    let since = OffsetDateTime::parse(&sheet.line.since, &Rfc3339);
    let since = since.map_or(0, |at| at.unix_timestamp().saturating_mul(1000));
    let talked = talked(store, since, i64::MAX).unwrap_or_default();
    let one = std::slice::from_ref(&sheet.line);
    let month = lines::costs::month(one, &talked);
    let own = month.lines.first();
    own.map_or((0, 0), |own| (own.incoming.calls, own.outgoing.calls))
}

/// The address of a page of a line's provider, or of LiveKit.
///
/// # Errors
/// There is no such line, or no such page.
pub(crate) fn address_of(desk: &Desk, line: &str, word: &str) -> Result<String, IpcError> {
    let line = desk.line(line).map_err(|error| failed(&error))?;
    let kind = PageKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.and_then(|kind| page(&line, &desk.project().host(), kind))
        .ok_or_else(|| {
            IpcError::new(
                "no_such_page",
                "Deskline does not know that page. Sign in at the provider and look for it there.",
            )
        })
}

impl Core {
    /// Everything about a line that may be shown.
    ///
    /// # Errors
    /// There is no such line, or list or keychain cannot be read.
    pub(crate) async fn line_sheet(&self, line: String) -> Result<LineSheetView, IpcError> {
        let (store, region) = (self.store().ok(), self.region());
        self.with_lines(move |desk, runtime| {
            let found = runtime.block_on(desk.sheet(&line));
            let found = found.map_err(|error| failed(&error))?;
            let answered = store.map_or((0, 0), |store| answered(&found, &store));
            let kinds = pages(&found.line, &desk.project().host());
            Ok(sheet(&found, answered, &kinds, region))
        })
        .await
    }

    /// Copies the password of a line. It does not go through the window.
    ///
    /// # Errors
    /// There is none, or no clipboard.
    pub(crate) async fn line_password_copy(&self, line: String) -> Result<(), IpcError> {
        self.with_lines(move |desk, _| {
            let kept = desk.sign_in_of(&line).map_err(|error| failed(&error))?;
            let kept = kept.ok_or_else(|| {
                IpcError::new(
                    "no_password",
                    "The keychain of this computer has no password for this line. Setting the line up again makes a new one.",
                )
            })?;
            put_secret(kept.password.copy())
        })
        .await
    }

    /// Opens a page of the provider in the browser.
    ///
    /// # Errors
    /// There is no such page, or no browser.
    pub(crate) async fn line_page_open(&self, line: String, page: String) -> Result<(), IpcError> {
        self.with_lines(move |desk, _| {
            let address = address_of(&desk, &line, &page)?;
            open::that_detached(&address).map_err(|error| {
                IpcError::new(
                    "browser",
                    format!("{address} cannot be opened: {error}. Set a default browser, or type the address there."),
                )
            })
        })
        .await
    }

    /// Every trunk and rule of the project, whoever made them.
    ///
    /// # Errors
    /// LiveKit refuses or does not answer.
    pub(crate) async fn line_project(&self) -> Result<Vec<ProjectObjectView>, IpcError> {
        self.with_lines(move |desk, runtime| {
            let found = runtime.block_on(desk.everything());
            let found = found.map_err(|error| IpcError::new(error.code(), error.to_string()))?;
            Ok(objects(&found))
        })
        .await
    }

    /// The numbers of an account at a provider. The sign-in is not kept.
    ///
    /// # Errors
    /// The sign-in is wrong in form, or the provider refuses or does not answer.
    pub(crate) async fn line_numbers(
        &self,
        provider: String,
        sign_in: LineSignIn,
    ) -> Result<Vec<LineNumberView>, IpcError> {
        let region = self.region();
        self.with_lines(move |desk, runtime| {
            let kind = ProviderKind::parse(&provider)
                .map_err(|error| IpcError::new("bad_input", error.to_string()))?;
            let Some(keys) = keys(kind, sign_in)? else {
                return Ok(Vec::new());
            };
            let numbers = runtime.block_on(desk.numbers(keys));
            let numbers = numbers.map_err(|error| failed(&error))?;
            Ok(numbers.iter().map(|one| number(one, region)).collect())
        })
        .await
    }
}
