//! What `deskline line` asks a person for: secrets, line by line from standard input, and a yes.

use std::io::{self, BufRead, IsTerminal, Read};

use lines::{BadInput, ProviderKeys, ProviderKind, SignalWireKeys, TwilioKeys};
use vault::Secret;

use crate::terminal::complain;
use crate::terminal::line::Failed;
use crate::terminal::outcome::WRONG_USE;

/// Longest secret that is read, bytes.
const LONGEST: u64 = 4_096;

/// The sign-in at a provider: its secret as given, else from standard input. `None` where nobody signs in.
pub(crate) fn keys(
    kind: ProviderKind,
    account: &str,
    key: &str,
    given: Option<Secret>,
) -> Result<Option<ProviderKeys>, BadInput> {
    if kind == ProviderKind::Twilio {
        // Form first: what is wrong with the names is said before a secret is asked for.
        TwilioKeys::parse(account, key, Secret::new("unknown".into()))?;
    } else if kind == ProviderKind::SignalWire {
        SignalWireKeys::parse(account, key, Secret::new("PTunknown".into()))?;
    }
    let question = match kind {
        ProviderKind::Twilio if key.is_empty() => "Twilio auth token:",
        ProviderKind::Twilio => "Secret of the API key:",
        ProviderKind::Telnyx => "Telnyx API key:",
        ProviderKind::SignalWire => "SignalWire API token:",
        ProviderKind::Other | ProviderKind::LiveKitNumbers => return Ok(None),
    };
    let secret = given.or_else(|| secret(question));
    let secret = secret.unwrap_or_else(|| Secret::new(String::new()));
    ProviderKeys::parse(kind, account, key, secret)
}

/// The next line of standard input.
pub(crate) fn secret(question: &str) -> Option<Secret> {
    if io::stdin().is_terminal() {
        complain(question);
    }
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut text).ok()?;
    let end = text.trim_end().len();
    text.truncate(end);
    let secret = Secret::new(text);
    (!secret.expose().is_empty()).then_some(secret)
}

/// Does the person say yes?
pub(crate) fn agreed(yes: bool, changes: usize) -> Result<bool, Failed> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Failed::Other(
            WRONG_USE,
            "Nothing was changed. Run it again with --yes to do what was shown.".into(),
        ));
    }
    complain(&format!("Make these {changes} changes? [y/N]"));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .take(64)
        .read_line(&mut answer)
        .map_err(|error| Failed::Other(WRONG_USE, error.to_string()))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
