//! The event log: what providers, webhooks and the server's API said, kept for thirty days so that a call can be explained.

use rusqlite::params;
use serde_json::Value;

use crate::error::HistoryError;
use crate::mask;
use crate::row;
use crate::store::Store;
use crate::text::{LONGEST_NAME, clean};

/// How long an event is kept, milliseconds.
pub(crate) const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// The largest payload that is kept whole, bytes.
const LARGEST_PAYLOAD: usize = 64 * 1024;
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
    /// What was said, secrets masked.
    pub payload: Value,
    /// When it was received, Unix milliseconds.
    pub created_unix_ms: i64,
}

impl Store {
    /// Keeps an event. The payload is JSON, or any other text; secrets in it are masked before it is written, and of one
    /// larger than 64 kB only the beginning is kept.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn log_event(
        &self,
        source: &str,
        event_type: &str,
        payload: &[u8],
        received_unix_ms: i64,
    ) -> Result<(), HistoryError> {
        let payload = mask::payload(payload, LARGEST_PAYLOAD);
        self.writer()
            .prepare_cached("INSERT INTO events (source, event_type, payload, created_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                clean(source, LONGEST_NAME),
                clean(event_type, LONGEST_NAME),
                payload.to_string(),
                received_unix_ms
            ])?;
        Ok(())
    }

    /// Events, newest first, at most 500: those before the event `before` (its `id`), or the newest.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn events(&self, before: Option<i64>, limit: usize) -> Result<Vec<Event>, HistoryError> {
        let limit = i64::try_from(limit.clamp(1, LARGEST_PAGE)).unwrap_or(1);
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT id, source, event_type, payload, created_at FROM events WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let events = statement.query_map([before.unwrap_or(i64::MAX), limit], |row| {
            let payload = row::text(row, "payload")?;
            Ok(Event {
                id: row.get("id")?,
                source: row::text(row, "source")?,
                event_type: row::text(row, "event_type")?,
                payload: serde_json::from_str(&payload).unwrap_or(Value::String(payload)),
                created_unix_ms: row.get("created_at")?,
            })
        })?;
        Ok(events.collect::<Result<_, _>>()?)
    }

    pub(crate) fn prune_events(&self, before_unix_ms: i64) -> Result<u64, HistoryError> {
        let mut pruned = 0;
        loop {
            let writer = self.writer();
            let step = writer
                .prepare_cached("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE created_at < ?1 LIMIT ?2)")?
                .execute([before_unix_ms, STEP])?;
            Self::let_pass(writer);
            pruned += step as u64;
            if (step as i64) < STEP {
                return Ok(pruned);
            }
        }
    }
}
