//! The clipboard, for what does not come from a web view: the password of a line, the report of a check.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arboard::Clipboard;
use vault::Secret;

use crate::ipc::types::IpcError;

/// How long a secret stays there.
const STAYS: Duration = Duration::from_secs(60);

/// Kept: on Linux whoever copied something hands it out for as long as it lives.
static CLIPBOARD: Mutex<Option<Clipboard>> = Mutex::new(None);

fn refused(error: &arboard::Error) -> IpcError {
    IpcError::new(
        "clipboard",
        format!("Nothing could be copied ({error}). Try again, or restart the desktop session."),
    )
}

fn with<T>(work: impl FnOnce(&mut Clipboard) -> Result<T, arboard::Error>) -> Result<T, IpcError> {
    let mut held = CLIPBOARD.lock().unwrap_or_else(PoisonError::into_inner);
    let clipboard = match held.take() {
        Some(clipboard) => held.insert(clipboard),
        None => held.insert(Clipboard::new().map_err(|error| refused(&error))?),
    };
    work(clipboard).map_err(|error| refused(&error))
}

/// Copies a text that may stay. Blocks for a moment.
///
/// # Errors
/// There is no clipboard.
pub(crate) fn put_text(text: &str) -> Result<(), IpcError> {
    with(|clipboard| clipboard.set_text(text))
}

/// Copies a secret for a minute; programs that keep what was copied are asked not to. Blocks for a moment.
///
/// # Errors
/// There is no clipboard.
pub(crate) fn put_secret(secret: Secret) -> Result<(), IpcError> {
    with(|clipboard| unlisted(clipboard).text(secret.expose()))?;
    let wiped = std::thread::Builder::new().name("clipboard".into());
    let wiped = wiped.spawn(move || {
        std::thread::sleep(STAYS);
        // Somebody may have copied something else since.
        let cleared = with(|clipboard| match clipboard.get_text() {
            Ok(text) if text == secret.expose() => clipboard.clear(),
            Ok(_) | Err(_) => Ok(()),
        });
        if let Err(error) = cleared {
            tracing::warn!(code = %error.code, "the clipboard could not be cleared");
        }
    });
    if let Err(error) = wiped {
        tracing::warn!(%error, "the clipboard will not be cleared");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn unlisted(clipboard: &mut Clipboard) -> arboard::Set<'_> {
    use arboard::SetExtLinux as _;
    clipboard.set().exclude_from_history()
}

#[cfg(target_os = "windows")]
fn unlisted(clipboard: &mut Clipboard) -> arboard::Set<'_> {
    use arboard::SetExtWindows as _;
    clipboard.set().exclude_from_history()
}

#[cfg(target_os = "macos")]
fn unlisted(clipboard: &mut Clipboard) -> arboard::Set<'_> {
    use arboard::SetExtApple as _;
    clipboard.set().exclude_from_history()
}
