//! `deskline line show`, `objects`, `numbers`: looking, and nothing else.

use call::number::Region;
use lines::pages::{page, pages};
use lines::{Desk, DeskError, ProviderKind};
use serde_json::json;

use crate::ipc::line_sheet::{number, objects, sheet};
use crate::line_sheet::answered;
use crate::profile::Profile;
use crate::terminal::line::Failed;
use crate::terminal::line_args::{Numbers, Objects, Show};
use crate::terminal::line_input::keys;
use crate::terminal::outcome::{NO_LINE, WRONG_USE};
use crate::terminal::report::Report;

/// The sheet of a line. Its password is in the keychain and is not printed.
///
/// # Errors
/// There is no such line, or list or keychain cannot be read.
pub(crate) async fn show(profile: &Profile, desk: &Desk, asked: &Show) -> Result<(), Failed> {
    let found = desk.sheet(&asked.line).await?;
    let host = desk.project().host();
    let kinds = pages(&found.line, &host);
    let store = history::Store::open(profile.path()).ok();
    let answered = store.map_or((0, 0), |store| answered(&found, &store));
    let view = sheet(&found, answered, &kinds, Region::default());
    let mut text = view.name.clone();
    for row in &view.rows {
        text.push_str(&format!(
            "\n  {:<16}{}",
            row.row.replace('_', " "),
            row.value
        ));
    }
    if view.has_password {
        text.push_str(&format!(
            "\n  {:<16}in the keychain of this computer",
            "password"
        ));
    }
    let mut addresses = serde_json::Map::new();
    for kind in kinds {
        if let Some(address) = page(&found.line, &host, kind) {
            text.push_str(&format!(
                "\n  {:<16}{address}",
                kind.word().replace('_', " ")
            ));
            addresses.insert(kind.word().to_owned(), address.into());
        }
    }
    if !view.refusal.is_empty() {
        text.push_str(&format!("\n  {}", view.refusal));
    }
    let value = json!({
        "event": "sheet", "line": view.line, "name": view.name, "rows": view.rows, "has_password": view.has_password,
        "refusal": view.refusal, "pages": addresses,
    });
    Report::new(asked.json).other(&value, &text);
    Ok(())
}

/// Every trunk and rule of the project, whoever made them.
///
/// # Errors
/// LiveKit refuses or does not answer.
pub(crate) async fn show_objects(desk: &Desk, asked: &Objects) -> Result<(), Failed> {
    let found = desk.everything().await.map_err(DeskError::from)?;
    let mut report = Report::new(asked.json);
    let all = objects(&found);
    if all.is_empty() && !asked.json {
        report.other(&json!(null), "The project has no trunk and no rule yet.");
    }
    for one in all {
        let whose = if one.line.is_empty() {
            "not made by Deskline".to_owned()
        } else {
            format!("of {}", one.line)
        };
        let mut text = format!(
            "{} {} {} ({whose})",
            one.kind.replace('_', " "),
            one.id,
            one.name
        );
        for fact in &one.facts {
            text.push_str(&format!("\n  {:<20}{}", fact.name, fact.value));
        }
        let value = json!({
            "event": "object", "kind": one.kind, "id": one.id, "name": one.name, "line": one.line, "facts": one.facts,
        });
        report.other(&value, &text);
    }
    Ok(())
}

/// The numbers of an account. Its secret is read from standard input and forgotten.
///
/// # Errors
/// The sign-in is wrong in form, or the provider refuses or does not answer.
pub(crate) async fn show_numbers(desk: &Desk, asked: &Numbers) -> Result<(), Failed> {
    let kind = ProviderKind::parse(&asked.provider)?;
    let account = asked.account.as_ref().or(asked.space.as_ref());
    let key = asked.key.as_ref().or(asked.project.as_ref());
    let text = |given: Option<&String>| given.cloned().unwrap_or_default();
    let Some(keys) = keys(kind, &text(account), &text(key), None)? else {
        let words = format!("Deskline does not look into accounts at {}.", kind.shown());
        return Err(Failed::Other(WRONG_USE, words));
    };
    let numbers = desk.numbers(keys).await?;
    if numbers.is_empty() {
        let words = format!(
            "This account at {} has no number. Buy one there first.",
            kind.shown()
        );
        return Err(Failed::Other(NO_LINE, words));
    }
    let mut report = Report::new(asked.json);
    for one in &numbers {
        let view = number(one, Region::default());
        let voice = if view.voice { "" } else { "  cannot be called" };
        let use_of = if view.answered_by.is_empty() {
            String::new()
        } else {
            format!("  now answered by {}", view.answered_by)
        };
        report.other(
            &json!({"event": "number", "number": view.number, "voice": view.voice, "answered_by": view.answered_by}),
            &format!("{}{voice}{use_of}", view.shown),
        );
    }
    Ok(())
}
