//! The event log: what providers, webhooks and the server's API said, kept for thirty days so that a call can be explained.

use rusqlite::{Row, params};
use serde_json::Value;

use crate::error::HistoryError;
use crate::mask;
use crate::row;
use crate::store::{Store, immediate};
use crate::text::{LONGEST_NAME, clean};

/// How long an event is kept, milliseconds.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// The largest payload that is kept whole, bytes.
const LARGEST_PAYLOAD: usize = 64 * 1024;
/// Events that are kept at most: a busy project tells of a thousand calls a day and more.
const MOST: i64 = 200_000;
/// Events that one step takes out.
const STEP: i64 = 500;
/// The most that one page carries.
const LARGEST_PAGE: usize = 500;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Counts up.
    pub id: i64,
    /// Who said it: "livekit", "twilio".
    pub source: String,
    /// What it is about: "room_finished".
    pub event_type: String,
    /// The room it is about, if it is about one.
    pub room: Option<String>,
    /// What was said, secrets masked.
    pub payload: Value,
    /// When it was received, Unix milliseconds.
    pub created_unix_ms: i64,
}

/// An event that was just received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Who said it.
    pub source: String,
    /// What it is about.
    pub event_type: String,
    /// The room it is about, if it is about one.
    pub room: Option<String>,
    /// As it came: JSON, or any other text.
    pub payload: Vec<u8>,
    /// Unix milliseconds.
    pub received_unix_ms: i64,
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let payload = row::text(row, "payload")?;
    Ok(Event {
        id: row.get("id")?,
        source: row::text(row, "source")?,
        event_type: row::text(row, "event_type")?,
        room: row::text_or_none(row, "room")?,
        payload: serde_json::from_str(&payload).unwrap_or(Value::String(payload)),
        created_unix_ms: row.get("created_at")?,
    })
}

impl Store {
    /// Keeps one event, see [`Self::log_events`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn log_event(
        &self,
        source: &str,
        event_type: &str,
        room: Option<&str>,
        payload: &[u8],
        received_unix_ms: i64,
    ) -> Result<(), HistoryError> {
        self.log_events(&[NewEvent {
            source: source.to_owned(),
            event_type: event_type.to_owned(),
            room: room.map(str::to_owned),
            payload: payload.to_vec(),
            received_unix_ms,
        }])
    }

    /// Keeps events, all or none. Secrets in a payload are masked before it is written, and of one larger than 64 kB only
    /// the beginning is kept.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn log_events(&self, events: &[NewEvent]) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        {
            let mut insert = change.prepare_cached(
                "INSERT INTO events (source, event_type, room, payload, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for event in events {
                insert.execute(params![
                    clean(&event.source, LONGEST_NAME),
                    clean(&event.event_type, LONGEST_NAME),
                    event.room.as_deref().map(|room| clean(room, LONGEST_NAME)),
                    mask::payload(&event.payload, LARGEST_PAYLOAD).to_string(),
                    event.received_unix_ms
                ])?;
            }
        }
        Ok(change.commit()?)
    }

    /// Events, newest first, at most 500: those before the event `before` (its `id`), or the newest.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events(&self, before: Option<i64>, limit: usize) -> Result<Vec<Event>, HistoryError> {
        let limit = i64::try_from(limit.clamp(1, LARGEST_PAGE)).unwrap_or(1);
        let reader = self.reader();
        let mut statement = reader.prepare_cached(concat!(
            "SELECT id, source, event_type, room, payload, created_at FROM events",
            " WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        ))?;
        let events = statement.query_map([before.unwrap_or(i64::MAX), limit], event)?;
        Ok(events.collect::<Result<_, _>>()?)
    }

    /// The first events about the room of a call, oldest first, at most 500. None if there is no such call.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events_of_call(&self, id: &str, limit: usize) -> Result<Vec<Event>, HistoryError> {
        let limit = i64::try_from(limit.clamp(1, LARGEST_PAGE)).unwrap_or(1);
        let reader = self.reader();
        let mut statement = reader.prepare_cached(concat!(
            "SELECT id, source, event_type, room, payload, created_at FROM events",
            " WHERE room = (SELECT room FROM calls WHERE id = ?1) ORDER BY id LIMIT ?2",
        ))?;
        let events = statement.query_map(params![id, limit], event)?;
        Ok(events.collect::<Result<_, _>>()?)
    }

    pub(crate) fn prune_events(&self, before_unix_ms: i64) -> Result<u64, HistoryError> {
        let newest: i64 =
            self.reader()
                .query_row("SELECT ifnull(max(id), 0) FROM events", [], |row| {
                    row.get(0)
                })?;
        let mut pruned = 0;
        loop {
            let writer = self.writer();
            let step = writer
                .prepare_cached("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE created_at < ?1 OR id <= ?2 LIMIT ?3)")?
                .execute([before_unix_ms, newest.saturating_sub(MOST), STEP])?;
            Self::let_pass(writer);
            pruned += step as u64;
            if (step as i64) < STEP {
                return Ok(pruned);
            }
        }
    }
}
