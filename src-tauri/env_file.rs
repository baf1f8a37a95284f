//! An account pasted or dropped as a `.env` file, as LiveKit's own pages hand it out.

use std::fmt;

use vault::Secret;

use crate::ipc::types::IpcError;

/// Longest text looked at, bytes.
const MAX_TEXT: usize = 64 * 1024;

const URL_NAMES: [&str; 6] = [
    "LIVEKIT_URL",
    "LIVEKIT_WS_URL",
    "NEXT_PUBLIC_LIVEKIT_URL",
    "VITE_LIVEKIT_URL",
    "LIVEKIT_SERVER_URL",
    "LIVEKIT_HOST",
];
const KEY_NAMES: [&str; 2] = ["LIVEKIT_API_KEY", "LIVEKIT_KEY"];
const SECRET_NAMES: [&str; 2] = ["LIVEKIT_API_SECRET", "LIVEKIT_SECRET"];

/// What an account needs.
pub(crate) struct EnvAccount {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) secret: Secret,
}

impl fmt::Debug for EnvAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvAccount(…)")
    }
}

/// Finds address, key and secret in the text of a `.env` file. Everything else in it is ignored.
///
/// # Errors
/// One of the three is missing: which, in one sentence.
pub(crate) fn parse(text: &str) -> Result<EnvAccount, IpcError> {
    let refused = |what: String| IpcError::new("env", what);
    if text.len() > MAX_TEXT {
        return Err(refused(
            "This is too long to be a .env file. Paste only the lines that begin with LIVEKIT_."
                .into(),
        ));
    }
    // The library fills `$NAME` in from the environment of this program: a pasted text must not be able to take
    // anything out of it, so every dollar stands for itself.
    let text = text.trim_start_matches('\u{feff}').replace('$', "\\$");
    let mut found: Vec<(String, String)> = Vec::new();
    // A line that cannot be read is none of ours.
    for (name, value) in dotenvy::from_read_iter(text.as_bytes()).flatten() {
        found.push((name, value));
    }
    let value = |names: &[&str]| {
        names.iter().find_map(|name| {
            found
                .iter()
                // As a shell does: the last one counts.
                .rev()
                .find(|(found, value)| found == name && !value.trim().is_empty())
                .map(|(_, value)| value.trim().to_owned())
        })
    };
    let missing = |names: &[&str]| {
        let name = names.first().copied().unwrap_or_default();
        refused(format!(
            "There is no {name} in this text. Copy all three lines from your LiveKit project: address, key and secret."
        ))
    };
    Ok(EnvAccount {
        url: value(&URL_NAMES).ok_or_else(|| missing(&URL_NAMES))?,
        key: value(&KEY_NAMES).ok_or_else(|| missing(&KEY_NAMES))?,
        secret: Secret::new(value(&SECRET_NAMES).ok_or_else(|| missing(&SECRET_NAMES))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "LIVEKIT_URL=wss://front-desk.example\nLIVEKIT_API_KEY=key\nLIVEKIT_API_SECRET=quiet-secret\n";

    #[test]
    fn the_usual_writings_are_read() {
        let others = "# ours\nexport NEXT_PUBLIC_LIVEKIT_URL=\"wss://front-desk.example\"\n\nOTHER='a b'\nbroken line\nLIVEKIT_API_KEY = key # the key\nLIVEKIT_API_SECRET='quiet-secret'\r\n";
        let bom = format!("\u{feff}{WHOLE}");
        for text in [WHOLE, others, &bom] {
            let read = parse(text).unwrap();
            assert_eq!(
                (read.url.as_str(), read.key.as_str(), read.secret.expose()),
                ("wss://front-desk.example", "key", "quiet-secret"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (line, name) in [
            ("LIVEKIT_URL", "LIVEKIT_URL"),
            ("LIVEKIT_API_KEY", "LIVEKIT_API_KEY"),
            ("LIVEKIT_API_SECRET", "LIVEKIT_API_SECRET"),
        ] {
            let text: String = WHOLE
                .lines()
                .filter(|text| !text.starts_with(line))
                .map(|text| format!("{text}\n"))
                .collect();
            let said = parse(&text).unwrap_err().message;
            assert!(said.contains(name) && said.ends_with('.'), "{said}");
        }
        assert!(parse("").is_err());
        assert!(parse(&"x".repeat(100_000)).is_err());
    }

    #[test]
    fn nothing_is_taken_from_the_environment_of_this_program() {
        // PATH is set wherever tests run.
        for url in ["wss://a.example/${PATH}", "\"wss://a.example/$PATH\""] {
            let text = WHOLE.replace("wss://front-desk.example", url);
            let read = parse(&text).unwrap();
            assert!(read.url.contains("$"), "{}", read.url);
            assert!(!read.url.contains(&std::env::var("PATH").unwrap()));
        }
    }

    #[test]
    fn it_is_not_shown() {
        assert!(!format!("{:?}", parse(WHOLE).unwrap()).contains("quiet"));
    }
}
