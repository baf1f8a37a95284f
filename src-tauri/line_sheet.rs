//! Looking at lines without changing them: the sheet of one, everything in the project, the numbers of an account, the
//! provider's own pages.

use lines::pages::{PageKind, page, pages};
use lines::{KeptLine, ProviderKind, Sheet};
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
use crate::line_desk::refused;
use crate::line_setup::keys;

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

/// The address of a page of a line's provider, or of LiveKit. Pages say a word, never an address.
///
/// # Errors
/// There is no such page.
fn address_of(line: &KeptLine, project_host: &str, word: &str) -> Result<String, IpcError> {
    let kind = PageKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.and_then(|kind| page(line, project_host, kind))
        .filter(|address| is_known(address))
        .ok_or_else(|| {
            IpcError::new(
                "no_such_page",
                "Deskline does not know that page. Sign in at the provider and look for it there.",
            )
        })
}

/// Is it at a provider that Deskline knows, or at LiveKit? Nothing else is opened, whatever stands in the list of lines.
fn is_known(address: &str) -> bool {
    let host = address.strip_prefix("https://").unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    match host.split_once('.') {
        Some(("console", "twilio.com") | ("portal", "telnyx.com") | ("cloud", "livekit.io")) => {
            true
        }
        Some((space, "signalwire.com")) => {
            !space.is_empty() && space.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        }
        Some(_) | None => false,
    }
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
            let found = found.map_err(|error| refused(&error))?;
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
            let kept = desk.sign_in_of(&line).map_err(|error| refused(&error))?;
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
            let line = desk.line(&line).map_err(|error| refused(&error))?;
            let address = address_of(&line, &desk.project().host(), &page)?;
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
        let (core, region) = (self.clone(), self.region());
        self.with_lines(move |desk, runtime| {
            let kind = ProviderKind::parse(&provider)
                .map_err(|error| IpcError::new("bad_input", error.to_string()))?;
            let sign_in = core.env_file().completed(kind, sign_in);
            let Some(keys) = keys(kind, sign_in)? else {
                return Ok(Vec::new());
            };
            let numbers = runtime.block_on(desk.numbers(keys));
            let numbers = numbers.map_err(|error| refused(&error))?;
            Ok(numbers.iter().map(|one| number(one, region)).collect())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use call::number::Region;
    use lines::{LineName, LiveKitSip, Number, Wanted, WantedProvider};

    use super::*;

    const CLOUD: &str = "acme.livekit.cloud";

    fn line() -> KeptLine {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let name = LineName::parse("Desk").unwrap();
        let provider = WantedProvider::Telnyx {
            livekit: LiveKitSip::parse("abc.sip.livekit.cloud").unwrap(),
        };
        KeptLine::of(&Wanted::new(name, vec![number], provider).unwrap(), None)
    }

    #[test]
    fn every_page_that_is_offered_is_one_that_is_opened() {
        let offered = pages(&line(), CLOUD);
        assert!(!offered.is_empty());
        for kind in offered {
            let expected = page(&line(), CLOUD, kind).unwrap();
            assert_eq!(address_of(&line(), CLOUD, kind.word()).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_but_a_known_word_and_a_known_host_is_opened() {
        for word in [
            "",
            "Log",
            "https://portal.telnyx.com/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "../billing",
        ] {
            let refused = address_of(&line(), CLOUD, word).unwrap_err();
            assert_eq!(refused.code, "no_such_page", "{word}");
        }
        for address in [
            "http://console.twilio.com/",
            "https://console.twilio.com.evil.example/",
            "https://console.twilio.com@evil.example/",
            "https://evil.example/console.twilio.com",
            "https://a.b.signalwire.com/",
            "https://signalwire.com/",
            "https://.signalwire.com/",
            "javascript:https://cloud.livekit.io/",
            "HTTPS://cloud.livekit.io/",
            "",
        ] {
            assert!(!is_known(address), "{address}");
        }
    }
}
