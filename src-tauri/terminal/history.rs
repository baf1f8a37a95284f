//! `deskline history`: the calls, newest first.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use ::history::{ExportFormat, ExportNames, HistoryError, Query, Store};
use anyhow::Context as _;
use call::number::Region;
use serde_json::json;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use crate::args;
use crate::ipc::convert;
use crate::ipc::records::HistoryRow;
use crate::ipc::types::Direction;
use crate::profile::Profile;
use crate::terminal::outcome::ANSWERED;
use crate::terminal::report::Report;

/// Calls asked of the journal at once.
const PAGE: usize = 200;

/// Lists at most `asked.limit` calls.
///
/// # Errors
/// The journal cannot be opened or read.
pub(crate) fn run(
    profile: &Profile,
    asked: &args::History,
    local: UtcOffset,
) -> anyhow::Result<u8> {
    let store = Store::open(profile.path())?;
    let query = Query {
        text: asked.search.clone(),
        ..Query::default()
    };
    if let Some(file) = &asked.export {
        let calls = export(file, |format, out| {
            store.export(&query, format, ExportNames::Both, out)
        })?;
        return Ok(exported("calls", calls, file, asked.json));
    }
    if let Some(file) = &asked.events {
        let events = export(file, |format, out| store.export_events(format, out))?;
        return Ok(exported("events", events, file, asked.json));
    }
    let mut report = Report::new(asked.json);
    let mut left = usize::try_from(asked.limit)?;
    let mut cursor = None;
    let mut any = false;
    while left > 0 {
        let page = store.find(&query, cursor.as_deref(), left.min(PAGE))?;
        for entry in &page.entries {
            let row = convert::history_row(entry, Region::default());
            let mut line = json!(row);
            if let Some(line) = line.as_object_mut() {
                line.insert(
                    "heard".into(),
                    json!({ "seconds": entry.heard_seconds, "dbfs": entry.heard_dbfs }),
                );
                line.insert("sip_code".into(), json!(entry.sip_code));
            }
            report.other(&line, &sentence(&row, local));
            any = true;
        }
        left = left.saturating_sub(page.entries.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if !any && !asked.json {
        let none = if asked.search.is_empty() {
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
    use super::*;

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
