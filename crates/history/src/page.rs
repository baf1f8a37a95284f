//! Reading the journal, newest first, a page at a time.

use call::state::Direction;
use rusqlite::{Connection, Row, params};

use crate::error::HistoryError;

/// A call as a reader sees it. Text came from outside once: show it as text only.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Name of the call.
    pub id: String,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// Name on the line.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// Unix milliseconds.
    pub started_unix_ms: i64,
    /// Unix milliseconds; `None`: never answered here.
    pub answered_unix_ms: Option<i64>,
    /// Unix milliseconds; `None`: not over.
    pub ended_unix_ms: Option<i64>,
    /// `EndReason::code`; `None`: not over.
    pub outcome: Option<String>,
    /// What the outcome names beyond its code: a colleague, a sentence.
    pub outcome_detail: Option<String>,
    /// The outcome as a headline, as it was worded when the call ended.
    pub words: Option<String>,
    /// SIP code of a refused call, shown on request only.
    pub sip_code: Option<u16>,
    /// Seconds of sound heard from the far end.
    pub heard_seconds: f64,
    /// Their loudness in dBFS.
    pub heard_dbfs: Option<f64>,
    /// Nobody here took it.
    pub missed: bool,
}

/// A part of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    /// Pass it on to get the calls before these; `None`: there are none.
    pub next: Option<String>,
}

/// The most that one page carries.
pub(crate) const LARGEST_PAGE: usize = 500;

const COLUMNS: &str = "id, direction, number, name, line, started_at, answered_at, ended_at, outcome, outcome_detail, words,
    sip_code, heard_seconds, heard_dbfs";

/// See [`Store::page`](crate::Store::page).
pub(crate) fn read(
    connection: &Connection,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page, HistoryError> {
    let limit = limit.clamp(1, LARGEST_PAGE);
    let (before, before_id) = match cursor {
        None => (i64::MAX, "\u{10ffff}"),
        Some(cursor) => parse(cursor)?,
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calls WHERE (started_at, id) < (?1, ?2) ORDER BY started_at DESC, id DESC LIMIT ?3"
    ))?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = statement
        .query_map(params![before, before_id, asked], entry)?
        .collect::<Result<Vec<_>, _>>()?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries
        .last()
        .filter(|_| more)
        .map(|last| format!("{}.{}", last.started_unix_ms, last.id));
    Ok(Page { entries, next })
}

/// See [`Store::entry`](crate::Store::entry).
pub(crate) fn one(connection: &Connection, id: &str) -> Result<HistoryEntry, HistoryError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM calls WHERE id = ?1"))?;
    let mut rows = statement.query_map([id], entry)?;
    Ok(rows.next().ok_or(HistoryError::NoSuchCall)??)
}

fn parse(cursor: &str) -> Result<(i64, &str), HistoryError> {
    let (started, id) = cursor.split_once('.').ok_or(HistoryError::BadCursor)?;
    Ok((started.parse().map_err(|_| HistoryError::BadCursor)?, id))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let outcome: Option<String> = row.get("outcome")?;
    Ok(HistoryEntry {
        id: row.get("id")?,
        direction: direction(&row.get::<_, String>("direction")?),
        number: row.get("number")?,
        name: row.get("name")?,
        line: row.get("line")?,
        started_unix_ms: row.get("started_at")?,
        answered_unix_ms: row.get("answered_at")?,
        ended_unix_ms: row.get("ended_at")?,
        missed: outcome.as_deref() == Some(call::EndReason::Missed.code()),
        outcome,
        outcome_detail: row.get("outcome_detail")?,
        words: row.get("words")?,
        sip_code: row.get("sip_code")?,
        heard_seconds: row.get("heard_seconds")?,
        heard_dbfs: row.get("heard_dbfs")?,
    })
}

/// The column's word; the table takes no other.
pub(crate) fn direction(word: &str) -> Direction {
    if word == "inbound" {
        Direction::Inbound
    } else {
        Direction::Outbound
    }
}
