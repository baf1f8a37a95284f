//! Taking calls out: one at a time with a way back, the old ones, all of them.
//!
//! What is deleted is gone from the file: freed pages are overwritten (`secure_delete`). The write-ahead log may hold older
//! pages until it is emptied, which [`Store::tidy`] and [`Store::wipe`] do.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params, params_from_iter};
use serde_json::{Map, Value as Json};

use crate::error::HistoryError;
use crate::row::{self, STORED};
use crate::store::{Store, free_place, immediate};
use crate::{events, index, query};

/// For taking a deletion back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoToken(String);

impl UndoToken {
    /// The token as text, to pass through a window.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token of a text. What is no token undoes nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What [`Store::wipe`] takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wipe {
    /// Calls, deleted calls and the event log.
    History,
    /// Contacts and imports.
    Contacts,
    /// All of it. Settings stay.
    Everything,
}

/// What [`Store::tidy`] took out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tidied {
    /// Calls older than they are to be kept.
    pub calls: u64,
    /// Deleted calls that can no longer be had back.
    pub deleted: u64,
    /// Events older than thirty days, or than calls are to be kept.
    pub events: u64,
}

/// How long a deletion can be taken back, milliseconds.
pub const UNDO_WITHIN_MS: i64 = 15_000;
/// The setting that says how many days calls are kept.
const KEEP_DAYS: &str = "history.keep_days";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows that one step takes out; a journal entry may pass between two steps.
const STEP: i64 = 100;

impl Store {
    /// Deletes calls. For some seconds ([`UNDO_WITHIN_MS`]) they can be had back with what is returned; then
    /// [`Self::purge_deleted`] takes them out of the file. None is deleted if one cannot be.
    ///
    /// # Errors
    /// [`HistoryError::NotOver`] for a call that is up or whose leg may be, [`HistoryError::NoSuchCall`], or the file cannot
    /// be written.
    pub fn delete(&self, ids: &[&str], now_unix_ms: i64) -> Result<UndoToken, HistoryError> {
        let token = uuid::Uuid::now_v7().to_string();
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        for id in ids {
            let (seq, columns) = packed(&change, id)?;
            change
                .prepare_cached("INSERT INTO calls_bin (token, deleted_at, seq, columns) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![token, now_unix_ms, seq, columns])?;
            remove(&change, seq)?;
        }
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(UndoToken(token))
    }

    /// Takes a deletion back. Returns how many calls came back.
    ///
    /// # Errors
    /// [`HistoryError::NothingToUndo`], or the file cannot be written.
    pub fn undo_delete(&self, token: &UndoToken) -> Result<u64, HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let rows = {
            let mut statement =
                change.prepare_cached("SELECT seq, columns FROM calls_bin WHERE token = ?1")?;
            statement
                .query_map([&token.0], |row| {
                    Ok((row.get::<_, i64>("seq")?, row::text(row, "columns")?))
                })?
                .collect::<Result<Vec<_>, _>>()?
        };
        if rows.is_empty() {
            return Err(HistoryError::NothingToUndo);
        }
        for (seq, columns) in &rows {
            unpack(&change, *seq, columns)?;
        }
        change.execute("DELETE FROM calls_bin WHERE token = ?1", [&token.0])?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(rows.len() as u64)
    }

    /// Takes deleted calls whose time to come back is over out of the file, and their recordings off the disk. Returns how
    /// many.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn purge_deleted(&self, now_unix_ms: i64) -> Result<u64, HistoryError> {
        let due = params![now_unix_ms.saturating_sub(UNDO_WITHIN_MS), now_unix_ms];
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let binned = {
            let mut statement = change.prepare_cached(
                "SELECT rowid, json_extract(columns, '$.recording_url') FROM calls_bin
                    WHERE deleted_at <= ?1 OR deleted_at > ?2",
            )?;
            statement
                .query_map(due, |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?
                .collect::<Result<Vec<(i64, Option<String>)>, _>>()?
        };
        let mut purged = 0;
        for (place, recording) in &binned {
            if !self.discard_recording(recording.as_deref()) {
                continue;
            }
            // What was said about a call goes with it: it names the same people.
            change
                .prepare_cached("DELETE FROM events WHERE room = (SELECT json_extract(columns, '$.room') FROM calls_bin WHERE rowid = ?1)")?
                .execute([place])?;
            purged += change
                .prepare_cached("DELETE FROM calls_bin WHERE rowid = ?1")?
                .execute([place])?;
        }
        change.commit()?;
        drop(writer);
        if purged > 0 {
            self.empty_log();
        }
        Ok(purged as u64)
    }

    /// How many days calls are kept; `None`: for ever.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn keep_days(&self) -> Result<Option<u16>, HistoryError> {
        Ok(self
            .setting(KEEP_DAYS)?
            .and_then(|days| days.parse().ok())
            .filter(|days| *days > 0))
    }

    /// Says how many days calls are kept; `None` or 0: for ever. [`Self::tidy`] does it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_keep_days(&self, days: Option<u16>) -> Result<(), HistoryError> {
        let days = days.filter(|days| *days > 0).map(|days| days.to_string());
        self.set_setting(KEEP_DAYS, days.as_deref())
    }

    /// Takes out what is too old: calls past the days they are kept, deleted calls, events. To be called at the start and
    /// once a day. Calls that are not over stay, however old.
    ///
    /// # Errors
    /// The file cannot be written; some may then be gone.
    pub fn tidy(&self, now_unix_ms: i64) -> Result<Tidied, HistoryError> {
        let mut tidied = Tidied {
            deleted: self.purge_deleted(now_unix_ms)?,
            ..Tidied::default()
        };
        let mut events_before = now_unix_ms.saturating_sub(events::KEPT_MS);
        if let Some(days) = self.keep_days()? {
            let before = now_unix_ms.saturating_sub(i64::from(days) * DAY_MS);
            tidied.calls = self.remove_before(before)?;
            events_before = events_before.max(before);
        }
        tidied.events = self.prune_events(events_before)?;
        if tidied != Tidied::default() {
            self.empty_log();
            self.bump();
            self.merge_soon();
        }
        Ok(tidied)
    }

    fn remove_before(&self, before_unix_ms: i64) -> Result<u64, HistoryError> {
        let mut removed = 0;
        let mut seen = i64::MIN;
        loop {
            let mut writer = self.writer();
            let change = immediate(&mut writer)?;
            let old = {
                let mut statement = change.prepare_cached(
                    "SELECT seq, recording_url FROM calls WHERE seq < ?1 AND seq > ?3 AND ended_at IS NOT NULL AND leg_gone = 1
                        ORDER BY seq LIMIT ?2",
                )?;
                statement
                    .query_map(params![query::place(before_unix_ms), STEP, seen], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect::<Result<Vec<(i64, Option<String>)>, _>>()?
            };
            for (seq, recording) in &old {
                seen = *seq;
                if self.discard_recording(recording.as_deref()) {
                    remove(&change, *seq)?;
                    removed += 1;
                }
            }
            change.commit()?;
            Self::let_pass(writer);
            self.merge_now();
            if (old.len() as i64) < STEP {
                return Ok(removed);
            }
        }
    }

    /// Takes everything of a kind out of the file, so that not even its bytes are left, with calls their recordings off the
    /// disk, and returns how many calls had to stay because they are not over. Nobody else can write meanwhile; with a million calls it takes some seconds.
    ///
    /// # Errors
    /// [`HistoryError::Busy`] if another program has the file open for reading or writing (what was to go is then out of
    /// every list, but bytes of it may be left: try again), or the file cannot be written.
    pub fn wipe(&self, what: Wipe) -> Result<u64, HistoryError> {
        let mut writer = self.writer();
        let reader = self.reader(); // nobody reads while the file is written anew
        let change = immediate(&mut writer)?;
        let mut stay = 0;
        if matches!(what, Wipe::History | Wipe::Everything) {
            let open: i64 = change.query_row(
                "SELECT count(*) FROM calls WHERE ended_at IS NULL OR leg_gone = 0",
                [],
                |row| row.get(0),
            )?;
            stay = open.unsigned_abs();
            self.discard_recordings(&change)?;
            // Without a condition SQLite drops whole pages.
            change.execute(
                if stay == 0 {
                    "DELETE FROM calls"
                } else {
                    "DELETE FROM calls WHERE ended_at IS NOT NULL AND leg_gone = 1"
                },
                [],
            )?;
            change.execute(index::CALLS.rebuild, [])?;
            change.execute("DELETE FROM calls_bin", [])?;
            change.execute("DELETE FROM events", [])?;
        }
        if matches!(what, Wipe::Contacts | Wipe::Everything) {
            change.execute("DELETE FROM contact_numbers", [])?;
            change.execute("DELETE FROM contacts", [])?;
            change.execute(index::CONTACTS.rebuild, [])?;
            change.execute("DELETE FROM imports", [])?;
        }
        change.commit()?;
        writer.execute_batch("VACUUM")?;
        let emptied = empty_log(&writer)?;
        drop(reader);
        drop(writer);
        self.bump();
        if emptied {
            Ok(stay)
        } else {
            Err(HistoryError::Busy("the write-ahead log is in use".into()))
        }
    }

    /// Takes the recordings of all calls that are over off the disk. One that cannot be deleted is no reason to keep calls.
    fn discard_recordings(&self, change: &Transaction<'_>) -> Result<(), HistoryError> {
        let mut statement = change.prepare_cached(
            "SELECT recording_url FROM calls WHERE recording_url IS NOT NULL AND ended_at IS NOT NULL AND leg_gone = 1
                UNION ALL SELECT json_extract(columns, '$.recording_url') FROM calls_bin",
        )?;
        let mut named = statement.query([])?;
        while let Some(row) = named.next()? {
            self.discard_recording(row.get::<_, Option<String>>(0)?.as_deref());
        }
        Ok(())
    }

    /// Empties the write-ahead log if nobody uses it just now; the next time will do as well.
    fn empty_log(&self) {
        match empty_log(&self.writer()) {
            Ok(_) => {}
            Err(error) => tracing::debug!("the log was not emptied: {}", error.detail()),
        }
    }
}

/// Moves everything from the write-ahead log into the file and cuts it to nothing. `false`: somebody uses it.
fn empty_log(connection: &Connection) -> Result<bool, HistoryError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Takes a row and what it is found by out.
fn remove(change: &Transaction<'_>, seq: i64) -> Result<(), HistoryError> {
    let haystack: String = change
        .prepare_cached("SELECT haystack FROM calls WHERE seq = ?1")?
        .query_row([seq], |row| row::text(row, "haystack"))?;
    index::CALLS.remove(change, seq, &haystack)?;
    change
        .prepare_cached("DELETE FROM calls WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}

/// The row of a call that is over, as JSON.
fn packed(change: &Transaction<'_>, id: &str) -> Result<(i64, String), HistoryError> {
    let columns = STORED.join(", ");
    let mut statement =
        change.prepare_cached(&format!("SELECT seq, {columns} FROM calls WHERE id = ?1"))?;
    let found = statement
        .query_row([id], |row| {
            let mut object = Map::new();
            for column in STORED {
                object.insert((*column).to_owned(), json_of(row.get_ref(*column)?));
            }
            let over = row.get::<_, Option<i64>>("ended_at")?.is_some() && row.get("leg_gone")?;
            Ok((
                row.get::<_, i64>("seq")?,
                Json::Object(object).to_string(),
                over,
            ))
        })
        .optional()?;
    match found {
        None => Err(HistoryError::NoSuchCall),
        Some((_, _, false)) => Err(HistoryError::NotOver),
        Some((seq, columns, true)) => Ok((seq, columns)),
    }
}

fn json_of(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(n) => n.into(),
        ValueRef::Real(n) => n.into(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}

/// Puts such a row back, at its old place if that is free.
fn unpack(change: &Transaction<'_>, seq: i64, columns: &str) -> Result<(), HistoryError> {
    let object: Map<String, Json> =
        serde_json::from_str(columns).map_err(|error| HistoryError::Other(Box::new(error)))?;
    let taken: i64 = change
        .prepare_cached("SELECT count(*) FROM calls WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?;
    let seq = if taken == 0 {
        seq
    } else {
        free_place(change, seq / query::PLACES_A_MS)?
    };
    let values = STORED.iter().map(|column| sql_of(object.get(*column)));
    let places: Vec<_> = (2..STORED.len() + 2).map(|n| format!("?{n}")).collect();
    change
        .prepare_cached(&format!(
            "INSERT INTO calls (seq, {}) VALUES (?1, {})",
            STORED.join(", "),
            places.join(", ")
        ))?
        .execute(params_from_iter(
            std::iter::once(Value::Integer(seq)).chain(values),
        ))?;
    let haystack = object
        .get("haystack")
        .and_then(Json::as_str)
        .unwrap_or_default();
    index::CALLS.add(change, seq, haystack)
}

fn sql_of(value: Option<&Json>) -> Value {
    match value {
        None | Some(Json::Null) => Value::Null,
        Some(Json::Bool(b)) => Value::Integer(i64::from(*b)),
        Some(Json::Number(n)) => n
            .as_i64()
            .map(Value::Integer)
            .or_else(|| n.as_f64().map(Value::Real))
            .unwrap_or(Value::Null),
        Some(Json::String(text)) => Value::Text(text.clone()),
        Some(other @ (Json::Array(_) | Json::Object(_))) => Value::Text(other.to_string()),
    }
}
