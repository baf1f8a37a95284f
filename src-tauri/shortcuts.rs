//! Keys: what they can do, how they are written, which clash. The system is asked for those from any program in
//! `shortcuts/global.rs`.

use std::str::FromStr as _;

use tauri_plugin_global_shortcut::{Code, Modifiers, Shortcut};

use crate::ipc::desktop::{ShortcutAction, ShortcutSetting};
use crate::ipc::types::IpcError;

pub(crate) mod global;
pub(crate) mod meaning;

/// Every action in the order in which it is shown, its words, the keys it begins with, and whether it can be asked from
/// any program.
const TABLE: [(ShortcutAction, &str, Option<&str>, bool); 12] = [
    (
        ShortcutAction::Answer,
        "Answer, or hold and answer",
        Some("Ctrl+Shift+A"),
        true,
    ),
    (
        ShortcutAction::DeclineOrEnd,
        "Decline, or end the call",
        Some("Ctrl+Shift+D"),
        true,
    ),
    (
        ShortcutAction::Silence,
        "Silence",
        Some("Ctrl+Shift+S"),
        true,
    ),
    (ShortcutAction::Mute, "Mute", Some("Ctrl+Shift+M"), true),
    (ShortcutAction::Hold, "Hold", Some("Ctrl+Shift+H"), true),
    (
        ShortcutAction::Keypad,
        "Keypad",
        Some("Ctrl+Shift+K"),
        false,
    ),
    (
        ShortcutAction::Transfer,
        "Transfer",
        Some("Ctrl+Shift+T"),
        false,
    ),
    (
        ShortcutAction::AddPerson,
        "Add person",
        Some("Ctrl+Shift+P"),
        false,
    ),
    (
        ShortcutAction::Swap,
        "Swap calls",
        Some("Ctrl+Shift+X"),
        false,
    ),
    (ShortcutAction::Find, "Find or dial", Some("Ctrl+K"), true),
    (ShortcutAction::Search, "Search here", Some("Ctrl+F"), false),
    (ShortcutAction::Show, "Show Deskline", None, true),
];

/// Keys that the windows need for themselves.
const RESERVED: [&str; 8] = [
    "F6", "Shift+F6", "Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+4", "Ctrl+5", "Ctrl+6",
];

/// The keys that a desk begins with.
pub(crate) fn defaults() -> Vec<ShortcutSetting> {
    TABLE
        .iter()
        .map(|(action, _, keys, _)| ShortcutSetting {
            action: *action,
            keys: keys.map(str::to_owned),
            global: None,
        })
        .collect()
}

/// An action in words.
pub(crate) fn words(action: ShortcutAction) -> &'static str {
    TABLE
        .iter()
        .find(|(of, ..)| *of == action)
        .map_or("", |(_, words, ..)| words)
}

fn may_be_global(action: ShortcutAction) -> bool {
    TABLE
        .iter()
        .any(|(of, _, _, global)| *of == action && *global)
}

/// Keys from a window: every action once, each in one writing, without clashes. An action that is not named keeps the
/// keys it begins with.
///
/// # Errors
/// One sentence about the first thing that is wrong; a clash names both actions.
pub(crate) fn checked(wanted: &[ShortcutSetting]) -> Result<Vec<ShortcutSetting>, IpcError> {
    let mut all = defaults();
    for one in &mut all {
        if let Some(wanted) = wanted.iter().find(|wanted| wanted.action == one.action) {
            one.keys = wanted.keys.as_deref().map(canonical).transpose()?;
            one.global = wanted.global.as_deref().map(canonical).transpose()?;
        }
    }
    for (index, one) in all.iter().enumerate() {
        if let Some(keys) = &one.keys
            && RESERVED.contains(&keys.as_str())
        {
            return Err(IpcError::new(
                "shortcut_clash",
                format!("{keys} moves between screens and regions. Choose other keys."),
            ));
        }
        if one.global.is_some() && !may_be_global(one.action) {
            return Err(IpcError::new(
                "bad_shortcut",
                format!("{} works in Deskline only.", words(one.action)),
            ));
        }
        for other in all.iter().skip(index + 1) {
            let both = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
            let clash = both(&one.keys, &other.keys)
                || both(&one.global, &other.global)
                || both(&one.global, &other.keys)
                || both(&one.keys, &other.global);
            if clash {
                let keys = [&one.keys, &one.global]
                    .into_iter()
                    .flatten()
                    .find(|keys| {
                        other.keys.as_ref() == Some(*keys) || other.global.as_ref() == Some(*keys)
                    })
                    .cloned()
                    .unwrap_or_default();
                return Err(IpcError::new(
                    "shortcut_clash",
                    format!(
                        "{keys} is used for both “{}” and “{}”. Choose other keys for one of them.",
                        words(one.action),
                        words(other.action)
                    ),
                ));
            }
        }
    }
    Ok(all)
}

/// One writing for the same keys: `Ctrl+Alt+Shift+A`.
fn canonical(keys: &str) -> Result<String, IpcError> {
    let refused = |what: &str| {
        Err(IpcError::new(
            "bad_shortcut",
            format!("{what} Press Ctrl or Alt together with another key."),
        ))
    };
    if keys.len() > 64 || !keys.is_ascii() {
        return refused("These are no keys.");
    }
    let Ok(shortcut) = Shortcut::from_str(keys) else {
        return refused("These are no keys that can be used.");
    };
    let key = key_name(shortcut.key);
    let has = |of| shortcut.mods.contains(of);
    let strong = has(Modifiers::CONTROL) || has(Modifiers::ALT) || has(Modifiers::SUPER);
    // By itself only a key that types nothing.
    let alone = key.starts_with("Media")
        || key
            .strip_prefix('F')
            .is_some_and(|n| n.parse::<u8>().is_ok());
    if !strong && !alone {
        return refused("A single letter would be taken from what is typed.");
    }
    let mut text = String::new();
    for (of, name) in [
        (Modifiers::CONTROL, "Ctrl+"),
        (Modifiers::ALT, "Alt+"),
        (Modifiers::SHIFT, "Shift+"),
        (Modifiers::SUPER, "Super+"),
    ] {
        if has(of) {
            text.push_str(name);
        }
    }
    text.push_str(&key);
    Ok(text)
}

fn key_name(key: Code) -> String {
    let name = key.to_string();
    name.strip_prefix("Key")
        .or_else(|| name.strip_prefix("Digit"))
        .unwrap_or(&name)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(action: ShortcutAction, keys: Option<&str>, global: Option<&str>) -> ShortcutSetting {
        ShortcutSetting {
            action,
            keys: keys.map(str::to_owned),
            global: global.map(str::to_owned),
        }
    }

    #[test]
    fn the_defaults_are_without_fault() {
        assert_eq!(checked(&[]).unwrap(), defaults());
        assert_eq!(checked(&defaults()).unwrap(), defaults());
        assert!(defaults().iter().all(|one| one.global.is_none()));
    }

    #[test]
    fn keys_have_one_writing() {
        for (written, kept) in [
            ("shift+control+KeyA", "Ctrl+Shift+A"),
            ("Alt+Ctrl+Space", "Ctrl+Alt+Space"),
            ("F9", "F9"),
            ("super+digit4", "Super+4"),
        ] {
            assert_eq!(canonical(written).unwrap(), kept, "{written}");
        }
        for bad in [
            "", "A", "Shift+A", "Ctrl", "Ctrl+", "Ctrl+Ä", "Ctrl+A+B", "Enter",
        ] {
            let said = canonical(bad).unwrap_err().message;
            assert!(said.ends_with('.'), "{bad}: {said}");
        }
    }

    #[test]
    fn a_clash_names_both() {
        let said = checked(&[with(ShortcutAction::Mute, Some("Shift+Ctrl+A"), None)])
            .unwrap_err()
            .message;
        assert!(
            said.contains("Ctrl+Shift+A") && said.contains("Answer") && said.contains("Mute"),
            "{said}"
        );
        // the same keys in Deskline and from any program, for one action, are no clash
        let fine = [with(
            ShortcutAction::Answer,
            Some("Ctrl+Shift+A"),
            Some("Ctrl+Shift+A"),
        )];
        assert!(checked(&fine).is_ok());
        let across = [with(
            ShortcutAction::Answer,
            Some("Ctrl+Shift+A"),
            Some("Ctrl+Shift+M"),
        )];
        assert_eq!(checked(&across).unwrap_err().code, "shortcut_clash");
        let taken = [with(ShortcutAction::Show, Some("Ctrl+1"), None)];
        assert_eq!(checked(&taken).unwrap_err().code, "shortcut_clash");
    }

    #[test]
    fn what_needs_a_window_has_no_keys_from_any_program() {
        let wanted = [with(ShortcutAction::Keypad, None, Some("Ctrl+Alt+K"))];
        assert_eq!(checked(&wanted).unwrap_err().code, "bad_shortcut");
    }
}
