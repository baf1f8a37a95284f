//! `deskline devices`.

use serde_json::json;

use crate::args;
use crate::terminal::outcome::{ANSWERED, NO_SOUND};
use crate::terminal::report::Report;

/// Lists the devices; exit code 31 if a call could not be made with them.
pub(crate) async fn run(asked: &args::Devices) -> u8 {
    let devices = match crate::core::devices().await {
        Ok(devices) => devices,
        Err(error) => {
            Report::new(asked.json).other(&json!({ "error": error }), &error.message);
            return NO_SOUND;
        }
    };
    let mut text = String::new();
    for (what, chosen, all) in [
        ("Microphone", &devices.microphone, &devices.microphones),
        ("Speaker", &devices.speaker, &devices.speakers),
    ] {
        text.push_str(&format!(
            "{what}: {}\n",
            chosen.as_deref().unwrap_or("none")
        ));
        for other in all.iter().filter(|name| Some(*name) != chosen.as_ref()) {
            text.push_str(&format!("  also {other}\n"));
        }
    }
    if let Some(words) = &devices.words {
        text.push_str(words);
    }
    let code = if devices.words.is_some() {
        NO_SOUND
    } else {
        ANSWERED
    };
    Report::new(asked.json).other(&json!(devices), text.trim_end());
    code
}
