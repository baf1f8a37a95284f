//! `deskline history`: the calls, newest first, and what a person does with them.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use ::history::{
    CallResult, ExportFormat, ExportNames, HistoryError, Query, Store, UndoToken, Wipe,
};
use anyhow::Context as _;
use call::number::Region;
use desk::unix_ms;
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use crate::ipc::convert;
use crate::ipc::records::HistoryRow;
use crate::ipc::types::Direction;
use crate::profile::Profile;
use crate::settings;
use crate::terminal::complain;
use crate::terminal::outcome::{ANSWERED, WRONG_USE};
use crate::terminal::record_args::{History, HistoryList, HistoryOrder, Keep, Names, Way};
use crate::terminal::report::Report;

/// Calls asked of the journal at once.
const PAGE: usize = 200;

/// Lists calls, or does what was ordered.
///
/// # Errors
/// The journal cannot be opened or read.
pub(crate) fn run(profile: &Profile, asked: &History, local: UtcOffset) -> anyhow::Result<u8> {
    let store = Store::open(profile.path())?;
    match &asked.order {
        None => list(&store, &asked.list, local),
        Some(order) => Ok(match obey(&store, order) {
            Ok(text) => {
                Report::new(false).other(&Value::Null, &text);
                ANSWERED
            }
            Err(error) => {
                complain(&error.to_string());
                WRONG_USE
            }
        }),
    }
}

/// Does what was ordered, and says what was done.
fn obey(store: &Store, order: &HistoryOrder) -> Result<String, HistoryError> {
    match order {
        HistoryOrder::Note { call, text } => {
            store.set_note(&id(store, call)?, text)?;
            let done = if text.trim().is_empty() {
                "gone"
            } else {
                "kept"
            };
            Ok(format!("The note is {done}."))
        }
        HistoryOrder::Seen { call: Some(call) } => {
            store.mark_seen(&id(store, call)?)?;
            Ok("Seen.".to_owned())
        }
        HistoryOrder::Seen { call: None } => Ok(format!(
            "{} missed calls are seen now.",
            store.mark_all_seen()?
        )),
        HistoryOrder::Delete { calls } => {
            // those deleted before are final by now, or soon
            store.purge_deleted(unix_ms())?;
            let calls = calls
                .iter()
                .map(|call| id(store, call))
                .collect::<Result<Vec<_>, _>>()?;
            let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
            let token = store.delete(&calls, unix_ms())?;
            Ok(format!(
                "Deleted; recordings go with their calls. Within fifteen seconds, this undoes it: deskline history undelete {}",
                token.as_str()
            ))
        }
        HistoryOrder::Undelete { token } => {
            let back = store.undo_delete(&UndoToken::parse(token))?;
            Ok(format!("{back} calls are there again."))
        }
        HistoryOrder::Keep { days } => {
            if let Some(Keep(days)) = days {
                store.set_keep_days(*days)?;
                store.tidy(unix_ms())?;
            }
            Ok(match store.keep_days()? {
                Some(days) => format!("Calls are kept for {days} days."),
                None => "Calls are kept for ever.".to_owned(),
            })
        }
        HistoryOrder::Erase { yes: false } => Ok(
            "Nothing was erased. There is no way back, so say: deskline history erase --yes"
                .to_owned(),
        ),
        HistoryOrder::Erase { yes: true } => Ok(match store.wipe(Wipe::History)? {
            0 => "All calls, their recordings and all events are gone.".to_owned(),
            stay => format!(
                "All calls, their recordings and all events are gone, but {stay} calls that are not over."
            ),
        }),
    }
}

/// A call as a person names it: by its id, or the newest.
fn id(store: &Store, call: &str) -> Result<String, HistoryError> {
    if call != "last" {
        return Ok(call.to_owned());
    }
    let newest = store.page(None, 1)?.entries.into_iter().next();
    newest
        .map(|entry| entry.id.as_str().to_owned())
        .ok_or(HistoryError::NoSuchCall)
}

fn query(asked: &HistoryList) -> Query {
    Query {
        text: asked.search.clone(),
        direction: asked.direction.map(|way| match way {
            Way::In => call::state::Direction::Inbound,
            Way::Out => call::state::Direction::Outbound,
        }),
        results: if asked.missed {
            vec![CallResult::Missed]
        } else {
            Vec::new()
        },
        unseen: asked.unseen,
        line: asked.line.clone(),
        ..Query::default()
    }
}

fn list(store: &Store, asked: &HistoryList, local: UtcOffset) -> anyhow::Result<u8> {
    let query = query(asked);
    if let Some(file) = &asked.export {
        let names = match asked.names {
            Names::Both => ExportNames::Both,
            Names::VoiceCalls => ExportNames::VoiceCalls,
            Names::CallRecords => ExportNames::CallRecords,
        };
        let calls = export(file, |format, out| store.export(&query, format, names, out))?;
        return Ok(exported("calls", calls, file, asked.json));
    }
    if let Some(file) = &asked.events {
        let events = export(file, |format, out| store.export_events(format, out))?;
        return Ok(exported("events", events, file, asked.json));
    }
    let region = Region::parse(&settings::load(Some(store)).region).unwrap_or_default();
    let mut report = Report::new(asked.json);
    let mut left = usize::try_from(asked.limit)?;
    let mut cursor = None;
    let mut any = false;
    while left > 0 {
        let page = store.find(&query, cursor.as_deref(), left.min(PAGE))?;
        for entry in &page.entries {
            let row = convert::history_row(entry, region);
            let mut line = json!(row);
            if let Some(line) = line.as_object_mut() {
                line.insert(
                    "heard".into(),
                    json!({ "seconds": entry.heard_seconds, "dbfs": entry.heard_dbfs }),
                );
                line.insert("sip_code".into(), json!(entry.sip_code));
            }
            let id = if asked.ids {
                format!("{}  ", row.id)
            } else {
                String::new()
            };
            report.other(&line, &format!("{id}{}", sentence(&row, local)));
            any = true;
        }
        left = left.saturating_sub(page.entries.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if !any && !asked.json {
        let none = if query == Query::default() {
            "No calls yet."
        } else {
            "No call like that. Try fewer words, or part of the number."
        };
        report.other(&json!(null), none);
    }
    Ok(ANSWERED)
}

fn export(
    file: &Path,
    write: impl FnOnce(ExportFormat, &mut File) -> Result<u64, HistoryError>,
) -> anyhow::Result<u64> {
    let ending = file.extension().and_then(OsStr::to_str);
    let format = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => ExportFormat::Csv,
        Some("json") => ExportFormat::Json,
        Some(_) | None => anyhow::bail!(
            "{} ends neither in .csv nor in .json, so its format is not known. Choose one of the two.",
            file.display()
        ),
    };
    let mut out = File::create_new(file)
        .with_context(|| format!("{} cannot be made as a new file", file.display()))?;
    Ok(write(format, &mut out)?)
}

fn exported(what: &str, count: u64, file: &Path, json: bool) -> u8 {
    let file = file.display().to_string();
    Report::new(json).other(
        &json!({ what: count, "file": file }),
        &format!("{count} {what} are in {file}"),
    );
    ANSWERED
}

fn sentence(row: &HistoryRow, local: UtcOffset) -> String {
    let direction = match row.direction {
        Direction::Outbound => "out",
        Direction::Inbound => "in ",
    };
    let who = match &row.name {
        Some(name) => format!("{name} {}", row.number_shown),
        None => row.number_shown.clone(),
    };
    let lasted = row
        .duration_s
        .map(|seconds| format!(", {}:{:02}", seconds / 60, seconds % 60))
        .unwrap_or_default();
    let refused: Vec<&str> = row
        .details
        .refusals
        .iter()
        .map(|refused| refused.line.as_str())
        .collect();
    let over = match refused.as_slice() {
        [] => String::new(),
        refused => format!(
            "; refused by {}, then over another line",
            refused.join(", ")
        ),
    };
    format!(
        "{}  {direction}  {who:<28}  {}{lasted}{over}",
        clock(row.started_at_ms, local),
        row.words
    )
}

fn clock(unix_ms: i64, local: UtcOffset) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000)
        .ok()
        .map(|at| at.to_offset(local))
        .and_then(|at| {
            at.format(format_description!(
                "[year]-[month]-[day] [hour]:[minute]:[second]"
            ))
            .ok()
        })
        .unwrap_or_else(|| "unknown time".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn calls_are_noted_deleted_had_back_and_erased() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let last = || "last".to_owned();
        let note = |text: &str| HistoryOrder::Note {
            call: last(),
            text: text.to_owned(),
        };
        let refused = obey(&store, &note("too early")).unwrap_err();
        assert!(matches!(refused, HistoryError::NoSuchCall), "{refused}");
        let call = call::CallId::parse("c1").unwrap();
        let call = ::history::PastCall {
            start: call::output::LogStart {
                call: call.clone(),
                direction: call::state::Direction::Outbound,
                number: "+12125550100".into(),
                dialled: None,
                name: None,
                line: None,
                room: call::RoomName::parse("outbound-c1").unwrap(),
                leg: call::Identity::parse("phone").unwrap(),
                started_unix_ms: 1_700_000_000_000,
            },
            finish: call::output::LogFinish {
                call,
                reason: call::EndReason::NoAnswer,
                answered_unix_ms: None,
                ended_unix_ms: 1_700_000_020_000,
                leg_gone: true,
                heard_seconds: 0.0,
                heard_dbfs: None,
                rang: std::time::Duration::from_secs(18),
                facts: Box::default(),
            },
            details: ::history::Details::default(),
            note: String::new(),
            seen: false,
        };
        store.load(&[call]).unwrap();
        obey(&store, &note("calls again on Monday")).unwrap();
        let note_of_it = || store.page(None, 1).unwrap().entries[0].note.clone();
        assert_eq!(note_of_it(), "calls again on Monday");
        let calls = vec![last()];
        let said = obey(&store, &HistoryOrder::Delete { calls }).unwrap();
        assert!(store.page(None, 1).unwrap().entries.is_empty());
        let token = said.rsplit(' ').next().unwrap().to_owned();
        obey(&store, &HistoryOrder::Undelete { token }).unwrap();
        assert_eq!(note_of_it(), "calls again on Monday");
        obey(&store, &HistoryOrder::Erase { yes: false }).unwrap();
        assert_eq!(store.page(None, 1).unwrap().entries.len(), 1);
        obey(&store, &HistoryOrder::Erase { yes: true }).unwrap();
        assert!(store.page(None, 1).unwrap().entries.is_empty());
        let days = Some(Keep(Some(30)));
        let said = obey(&store, &HistoryOrder::Keep { days }).unwrap();
        assert_eq!(said, "Calls are kept for 30 days.");
    }

    #[test]
    fn a_row_is_one_line() {
        let row = HistoryRow {
            id: "c1".into(),
            direction: Direction::Outbound,
            number: "+12125550100".into(),
            number_shown: "(212) 555-0100".into(),
            name: None,
            line: None,
            started_at_ms: 1_700_000_000_000,
            answered_at_ms: Some(1_700_000_001_000),
            ended_at_ms: Some(1_700_000_066_000),
            duration_s: Some(65),
            outcome: "hung_up".into(),
            words: "You ended the call".into(),
            missed: false,
            contact: None,
            contact_id: None,
            rang_s: None,
            result: crate::ipc::records::CallResult::Answered,
            seen: false,
            note: String::new(),
            details: crate::ipc::records::RowDetails::default(),
        };
        assert_eq!(
            sentence(&row, UtcOffset::UTC),
            "2023-11-14 22:13:20  out  (212) 555-0100                You ended the call, 1:05"
        );
        assert_eq!(clock(i64::MAX, UtcOffset::UTC), "unknown time");
    }
}
