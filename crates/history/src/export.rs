//! Calls for other programs: CSV and JSON, under the names that other phones' tables use.
//!
//! Two sets of names are in use for the same things: `voice_calls` (`ended_at`, `duration_seconds`, `egress_id`, …) and
//! `call_records` (`livekit_room_id`, `contact_phone`, `duration`, …). An export has one of them or both side by side.

use std::io::{self, Write};

use call::state::Direction;
use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::HistoryError;
use crate::events::Event;
use crate::query::{LARGEST_PAGE, Query};
use crate::row::{self, HistoryEntry};
use crate::store::Store;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A table with a header, for spreadsheets: comma, CRLF, UTF-8. Fields that a spreadsheet would run as a formula begin
    /// with an apostrophe.
    Csv,
    /// An array of objects.
    Json,
}

/// Which names the columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportNames {
    /// `direction, status, ended_at, duration_seconds, recording_url, egress_id, transcript`
    VoiceCalls,
    /// `livekit_room_id, contact_phone, service_number, status, direction, started_at, ended_at, duration, recording_url`
    CallRecords,
    /// Both, and what only we have.
    Both,
}

const VOICE_CALLS: &[&str] = &[
    "direction",
    "status",
    "ended_at",
    "duration_seconds",
    "recording_url",
    "egress_id",
    "transcript",
];
const CALL_RECORDS: &[&str] = &[
    "livekit_room_id",
    "contact_phone",
    "service_number",
    "status",
    "direction",
    "started_at",
    "ended_at",
    "duration",
    "recording_url",
];
const BOTH: &[&str] = &[
    "id",
    "livekit_room_id",
    "contact_phone",
    "contact_name",
    "dialled",
    "service_number",
    "refused_by",
    "direction",
    "status",
    "outcome",
    "started_at",
    "answered_at",
    "ended_at",
    "duration",
    "duration_seconds",
    "ring_seconds",
    "sip_code",
    "answered_by",
    "transferred_to",
    "provider_call_id",
    "sip_call_id",
    "microphone",
    "speaker",
    "packets_lost",
    "packets_received",
    "jitter_mean_ms",
    "jitter_max_ms",
    "reconnections",
    "recording_url",
    "egress_id",
    "transcript",
    "note",
];

/// The names of `webhook_logs`, and which room it is about.
const EVENTS: &[&str] = &[
    "source",
    "event_type",
    "livekit_room_id",
    "payload",
    "created_at",
];
const EVENTS_AT_ONCE: usize = 500;

impl ExportNames {
    /// The columns, in their order.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::VoiceCalls => VOICE_CALLS,
            Self::CallRecords => CALL_RECORDS,
            Self::Both => BOTH,
        }
    }
}

impl Store {
    /// Writes the calls that were asked for to `out`, newest first, a page at a time: memory does not grow with the history.
    /// Returns how many.
    ///
    /// # Errors
    /// [`HistoryError::Export`] if `out` cannot be written, or the file of the history cannot be read.
    pub fn export(
        &self,
        query: &Query,
        format: ExportFormat,
        names: ExportNames,
        out: &mut dyn Write,
    ) -> Result<u64, HistoryError> {
        let mut sheet = Sheet::begin(format, names.columns(), out).map_err(HistoryError::Export)?;
        let (mut count, mut cursor) = (0, None);
        loop {
            let page = self.find(query, cursor.as_deref(), LARGEST_PAGE)?;
            for entry in &page.entries {
                let Some(rest) = self.rest_of(&entry.id)? else {
                    continue; // deleted a moment ago
                };
                sheet
                    .row(|column| value(column, entry, &rest))
                    .map_err(HistoryError::Export)?;
                count += 1;
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        sheet.end().map_err(HistoryError::Export)?;
        Ok(count)
    }

    /// Writes the event log to `out`, newest first, a page at a time. Returns how many events.
    ///
    /// # Errors
    /// [`HistoryError::Export`] if `out` cannot be written, or the file of the history cannot be read.
    pub fn export_events(
        &self,
        format: ExportFormat,
        out: &mut dyn Write,
    ) -> Result<u64, HistoryError> {
        let mut sheet = Sheet::begin(format, EVENTS, out).map_err(HistoryError::Export)?;
        let (mut count, mut before) = (0, None);
        loop {
            let events = self.events(before, EVENTS_AT_ONCE)?;
            let Some(last) = events.last() else {
                break;
            };
            before = Some(last.id);
            for event in &events {
                sheet
                    .row(|column| value_of_event(column, event))
                    .map_err(HistoryError::Export)?;
                count += 1;
            }
        }
        sheet.end().map_err(HistoryError::Export)?;
        Ok(count)
    }

    fn rest_of(&self, id: &str) -> Result<Option<Rest>, HistoryError> {
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT room, transcript FROM calls WHERE id = ?1")?;
        Ok(statement
            .query_row(params![id], |row| {
                Ok(Rest {
                    room: row::text(row, "room")?,
                    transcript: row::text_or_none(row, "transcript")?,
                })
            })
            .optional()?)
    }
}

/// What only an export asks for.
struct Rest {
    room: String,
    transcript: Option<String>,
}

fn value_of_event(column: &str, event: &Event) -> Value {
    match column {
        "source" => event.source.as_str().into(),
        "event_type" => event.event_type.as_str().into(),
        "livekit_room_id" => event.room.as_deref().map_or(Value::Null, Value::from),
        "payload" => event.payload.clone(),
        "created_at" => rfc3339(event.created_unix_ms).map_or(Value::Null, Value::from),
        _ => Value::Null,
    }
}

/// `call_records` knows four.
fn status(entry: &HistoryEntry) -> &'static str {
    match (entry.ended_unix_ms, entry.answered_unix_ms) {
        (None, None) => "ringing",
        (None, Some(_)) => "established",
        (Some(_), Some(_)) => "completed",
        (Some(_), None) => "failed",
    }
}

fn value(column: &str, entry: &HistoryEntry, rest: &Rest) -> Value {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let clock = |unix_ms: Option<i64>| unix_ms.and_then(rfc3339).map_or(Value::Null, Value::from);
    let seconds = || entry.talked_ms().map(|ms| ms.saturating_add(500) / 1000);
    let quality = &entry.details.quality;
    let tenths = |ms: Option<f64>| ms.map_or(Value::Null, |ms| ((ms * 10.0).round() / 10.0).into());
    match column {
        "id" => entry.id.as_str().into(),
        "livekit_room_id" => rest.room.as_str().into(),
        "contact_phone" => entry.number.as_str().into(),
        "contact_name" => {
            let contact = entry.contact.as_ref().map(|contact| contact.name.as_str());
            text(contact.or(entry.name.as_deref()))
        }
        "service_number" => text(entry.line.as_deref()),
        "refused_by" => {
            let names = entry.details.refusals.iter();
            let names: Vec<&str> = names.map(|refused| refused.line.as_str()).collect();
            text(Some(names.join(", ").as_str()).filter(|names| !names.is_empty()))
        }
        "direction" => match entry.direction {
            Direction::Outbound => "outbound".into(),
            Direction::Inbound => "inbound".into(),
        },
        "status" => status(entry).into(),
        "outcome" => text(entry.outcome.as_deref()),
        "started_at" => clock(Some(entry.started_unix_ms)),
        "answered_at" => clock(entry.answered_unix_ms),
        "ended_at" => clock(entry.ended_unix_ms),
        // A call that was never answered lasted nothing; one that is not over has no length yet.
        "duration" | "duration_seconds" => match (entry.ended_unix_ms, seconds()) {
            (None, _) => Value::Null,
            (Some(_), seconds) => seconds.unwrap_or(0).into(),
        },
        "sip_code" => entry.sip_code.map_or(Value::Null, Value::from),
        "answered_by" => text(entry.details.answered_by.as_deref()),
        "transferred_to" => text(entry.details.transferred_to.as_deref()),
        "provider_call_id" => text(entry.details.provider_call_id.as_deref()),
        "sip_call_id" => text(entry.details.sip_call_id.as_deref()),
        "dialled" => text(entry.details.dialled.as_deref()),
        "ring_seconds" => entry
            .details
            .rang_ms
            .map_or(Value::Null, |ms| (ms.saturating_add(500) / 1000).into()),
        "microphone" => text(entry.details.microphone.as_deref()),
        "speaker" => text(entry.details.speaker.as_deref()),
        "packets_lost" => quality.packets_lost.map_or(Value::Null, Value::from),
        "packets_received" => quality.packets_received.map_or(Value::Null, Value::from),
        "jitter_mean_ms" => tenths(quality.jitter_mean_ms),
        "jitter_max_ms" => tenths(quality.jitter_max_ms),
        "reconnections" => quality.reconnections.map_or(Value::Null, Value::from),
        "recording_url" => text(entry.recording_url.as_deref()),
        "egress_id" => text(entry.egress_id.as_deref()),
        "transcript" => text(rest.transcript.as_deref()),
        "note" => entry.note.as_str().into(),
        _ => Value::Null,
    }
}

/// To the second, in UTC. `None` for a time that no calendar has.
fn rfc3339(unix_ms: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1000)).ok()?;
    time.format(&Rfc3339).ok()
}

enum Sheet<'a> {
    Csv {
        writer: Box<csv::Writer<&'a mut dyn Write>>,
        columns: &'static [&'static str],
    },
    Json {
        out: &'a mut dyn Write,
        columns: &'static [&'static str],
        empty: bool,
    },
}

impl<'a> Sheet<'a> {
    fn begin(
        format: ExportFormat,
        columns: &'static [&'static str],
        out: &'a mut dyn Write,
    ) -> io::Result<Self> {
        match format {
            ExportFormat::Csv => {
                let mut writer = csv::WriterBuilder::new()
                    .terminator(csv::Terminator::CRLF)
                    .from_writer(out);
                writer.write_record(columns)?;
                Ok(Self::Csv {
                    writer: Box::new(writer),
                    columns,
                })
            }
            ExportFormat::Json => {
                out.write_all(b"[")?;
                Ok(Self::Json {
                    out,
                    columns,
                    empty: true,
                })
            }
        }
    }

    fn row(&mut self, value: impl Fn(&str) -> Value) -> io::Result<()> {
        match self {
            Self::Csv { writer, columns } => {
                let fields = columns.iter().map(|column| field(value(column)));
                writer.write_record(fields)?;
            }
            Self::Json {
                out,
                columns,
                empty,
            } => {
                out.write_all(if std::mem::take(empty) { b"\n" } else { b",\n" })?;
                let object: Map<String, Value> = columns
                    .iter()
                    .map(|column| ((*column).to_owned(), value(column)))
                    .collect();
                serde_json::to_writer(&mut **out, &object)?;
            }
        }
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Csv { mut writer, .. } => writer.flush(),
            Self::Json { out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()
            }
        }
    }
}

fn field(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    }
}

/// A spreadsheet runs what begins with one of these, also after spaces. A plain `+` and digits is a number and does nothing.
fn harmless(text: String) -> String {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let begins = text.trim_start_matches(' ');
    if !is_number
        && begins.starts_with([
            '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '|', '%',
        ])
    {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_in_a_spreadsheet() {
        for hostile in [
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "  =1",
            "\r=1",
            "＝1",
            "+12125550100=1",
        ] {
            assert!(harmless(hostile.into()).starts_with('\''), "{hostile:?}");
        }
        for plain in ["+12125550100", "Anna", "", "2 = 1", "a@b"] {
            assert_eq!(harmless(plain.into()), plain);
        }
    }

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(
            rfc3339(1_790_000_000_999).as_deref(),
            Some("2026-09-21T14:13:20Z")
        );
        assert_eq!(rfc3339(-1).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(rfc3339(i64::MAX), None);
    }
}
