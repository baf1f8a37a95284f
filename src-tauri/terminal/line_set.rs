//! `deskline line set`: how calls go out over a line, and whether its numbers ring here.

use call::number::Region;
use lines::{Calling, KeptLine, Number, Registry};
use serde_json::{Value, json};

use crate::calling;
use crate::ipc::types::IpcError;
use crate::profile::Profile;
use crate::settings;
use crate::terminal::line_args::{OnOff, Set};
use crate::terminal::outcome::{ANSWERED, WRONG_USE};
use crate::terminal::refuse;
use crate::terminal::report::Report;

/// Sets what was asked, and shows what is set now. Without anything to set it only shows.
pub(crate) fn run(profile: &Profile, asked: &Set) -> u8 {
    match set(profile, asked) {
        Ok((line, rings)) => {
            let mut value = shown(&line);
            if let Some(map) = value.as_object_mut() {
                map.insert("event".into(), "line".into());
                map.insert("rings".into(), rings.into());
            }
            let here = if rings { "ring" } else { "do not ring" };
            let text = format!(
                "{}\n{}\n  calls to it {here} here",
                line.name,
                sentence(&line)
            );
            Report::new(asked.json).other(&value, &text);
            ANSWERED
        }
        Err(error) => {
            refuse(asked.json, &error);
            WRONG_USE
        }
    }
}

fn set(profile: &Profile, asked: &Set) -> Result<(KeptLine, bool), IpcError> {
    let store = history::Store::open(profile.path())
        .map_err(|error| IpcError::new("profile", error.to_string()))?;
    let mut wanted = settings::load(Some(&store));
    let region = Region::parse(&wanted.region).unwrap_or_default();
    let registry = Registry::new(&profile.path().join("lines"));
    let mut line = calling::find(&registry, &asked.line)?;
    let now = with(asked, line.calling.clone(), region)?;
    if now != line.calling {
        line = calling::set(&registry, line.id.as_str(), now)?;
    }
    let ours = |number: &String| line.numbers.iter().any(|own| own.as_str() == number);
    if let Some(ring) = asked.ring {
        wanted.quiet_lines.retain(|number| !ours(number));
        if ring == OnOff::Off {
            let numbers = line.numbers.iter().map(|own| own.as_str().to_owned());
            wanted.quiet_lines.extend(numbers);
        }
        settings::save(&store, &settings::checked(wanted.clone())?)?;
    }
    let quiet = |own: &Number| wanted.quiet_lines.iter().any(|quiet| quiet == own.as_str());
    let rings = !line.numbers.iter().all(quiet);
    Ok((line, rings))
}

/// What is set, with what was asked changed.
fn with(asked: &Set, mut calling: Calling, region: Region) -> Result<Calling, IpcError> {
    if asked.no_prefixes {
        calling.prefixes.clear();
    }
    if !asked.prefixes.is_empty() {
        calling.prefixes.clone_from(&asked.prefixes);
    }
    match asked.caller_id.as_deref() {
        Some("first") => calling.caller_id = None,
        Some(number) => {
            let number = Number::parse(number, region)
                .map_err(|why| IpcError::new("bad_input", why.to_string()))?;
            calling.caller_id = Some(number);
        }
        None => {}
    }
    for (asked, field) in [
        (asked.default, &mut calling.is_default),
        (asked.fail_over, &mut calling.fails_over),
    ] {
        if let Some(asked) = asked {
            *field = asked == OnOff::On;
        }
    }
    Ok(calling)
}

/// What is set of the calls of a line, for programs.
pub(crate) fn shown(line: &KeptLine) -> Value {
    json!({
        "id": line.id, "name": line.name, "numbers": line.numbers,
        "default": line.calling.is_default, "prefixes": line.calling.prefixes,
        "caller_id": line.calling.caller_id, "fail_over": line.calling.fails_over,
    })
}

/// The same for people, each line set in.
pub(crate) fn sentence(line: &KeptLine) -> String {
    if !line.calls_out() {
        return "  cannot call out".to_owned();
    }
    let calling = &line.calling;
    let mut said = Vec::new();
    if calling.is_default {
        said.push("the default line".to_owned());
    }
    if !calling.prefixes.is_empty() {
        let prefixes = calling.prefixes.join(", ");
        said.push(format!("numbers that begin with {prefixes} go over it"));
    }
    let caller_id = calling.caller_id.as_ref().or(line.numbers.first());
    if let Some(number) = caller_id {
        said.push(format!("shows {}", number.shown()));
    }
    said.push(if calling.fails_over {
        "a call that its provider refuses goes over another line".to_owned()
    } else {
        "its calls go over no other line".to_owned()
    });
    format!("  {}", said.join("\n  "))
}
