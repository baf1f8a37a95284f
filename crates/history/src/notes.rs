//! What is added to a call after the fact: details, a note, that it was seen, its recording.

use call::CallId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::details::{self, Details};
use crate::error::HistoryError;
use crate::store::{Store, immediate};
use crate::text::{self, LONGEST_NOTE};
use crate::{index, row};

/// Rows that one step of a long change writes.
const STEP: i64 = 200;

impl Store {
    /// Adds what has come to be known of a call. Fields that are `None` change nothing.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn add_details(&self, call: &CallId, details: &Details) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let known: Option<i64> = change
            .prepare_cached("SELECT seq FROM calls WHERE id = ?1")?
            .query_row([call.as_str()], |row| row.get(0))
            .optional()?;
        let seq = known.ok_or(HistoryError::NoSuchCall)?;
        details::write(&change, call, details)?;
        if details.dialled.is_some() {
            find_anew(&change, seq)?;
        }
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(())
    }

    /// Writes the note of a call, in place of the one before; "" removes it.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], [`HistoryError::NoteTooLong`], or the file cannot be written.
    pub fn set_note(&self, id: &str, note: &str) -> Result<(), HistoryError> {
        let note = text::clean_lines(note);
        if note.chars().count() > LONGEST_NOTE {
            return Err(HistoryError::NoteTooLong(LONGEST_NOTE));
        }
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let seq: Option<i64> = change
            .prepare_cached("UPDATE calls SET note = ?2 WHERE id = ?1 RETURNING seq")?
            .query_row(params![id, note], |row| row.get(0))
            .optional()?;
        find_anew(&change, seq.ok_or(HistoryError::NoSuchCall)?)?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(())
    }

    /// How many missed calls nobody has looked at: the number on the badge.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn missed_count(&self) -> Result<u64, HistoryError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT count(*) FROM calls INDEXED BY calls_unseen WHERE outcome = 'missed' AND seen = 0",
        )?;
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Notes that somebody has looked at a call.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn mark_seen(&self, id: &str) -> Result<(), HistoryError> {
        self.change("UPDATE calls SET seen = 1 WHERE id = ?1", [id])?;
        self.bump();
        Ok(())
    }

    /// Notes that somebody has looked at all missed calls. Returns how many were new.
    ///
    /// # Errors
    /// The file cannot be written; some may then be marked.
    pub fn mark_all_seen(&self) -> Result<u64, HistoryError> {
        let mut marked = 0;
        loop {
            let writer = self.writer();
            let step = writer
                .prepare_cached(
                    "UPDATE calls SET seen = 1 WHERE seq IN (SELECT seq FROM calls INDEXED BY calls_unseen
                        WHERE outcome = 'missed' AND seen = 0 LIMIT ?1)",
                )?
                .execute([STEP])?;
            Self::let_pass(writer);
            marked += step as u64;
            if (step as i64) < STEP {
                break;
            }
        }
        if marked > 0 {
            self.bump();
        }
        Ok(marked)
    }

    /// Notes that a recording of the call has begun under LiveKit's name for it.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn set_egress(&self, call: &CallId, egress_id: &str) -> Result<(), HistoryError> {
        let egress_id = text::clean(egress_id, text::LONGEST_NAME);
        self.change(
            "UPDATE calls SET egress_id = ?2 WHERE id = ?1",
            params![call.as_str(), egress_id],
        )?;
        self.bump();
        Ok(())
    }

    /// Notes where the recording of a call is kept on this computer; `None`: nowhere.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn set_recording(&self, call: &CallId, path: Option<&str>) -> Result<(), HistoryError> {
        let path = path.map(|path| text::clean(path, 4 * text::LONGEST_NAME));
        self.change(
            "UPDATE calls SET recording_url = ?2 WHERE id = ?1",
            params![call.as_str(), path],
        )?;
        self.bump();
        Ok(())
    }

    /// Notes where a recording can be had.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`] if no call has this recording, or the file cannot be written.
    pub fn set_recording_url(&self, egress_id: &str, url: &str) -> Result<(), HistoryError> {
        let url = text::clean(url, 4 * text::LONGEST_NAME);
        self.change(
            "UPDATE calls SET recording_url = ?2 WHERE egress_id = ?1",
            params![egress_id, url],
        )?;
        self.bump();
        Ok(())
    }

    /// Adds a line to the transcript of a call.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn add_transcript(&self, call: &CallId, line: &str) -> Result<(), HistoryError> {
        let line = text::clean(line, LONGEST_NOTE);
        self.change(
            "UPDATE calls SET transcript = iif(transcript IS NULL, ?2, transcript || char(10) || ?2) WHERE id = ?1",
            params![call.as_str(), line],
        )?;
        self.bump();
        Ok(())
    }
}

/// Writes what a call is found by, after one of its parts changed.
fn find_anew(change: &Connection, seq: i64) -> Result<(), HistoryError> {
    let (before, after) = change
        .prepare_cached("SELECT number, dialled, name, note, haystack FROM calls WHERE seq = ?1")?
        .query_row([seq], |row| {
            let after = text::call_haystack(
                &row::text(row, "number")?,
                row::text_or_none(row, "dialled")?.as_deref(),
                row::text_or_none(row, "name")?.as_deref(),
                &row::text(row, "note")?,
            );
            Ok((row::text(row, "haystack")?, after))
        })?;
    change
        .prepare_cached("UPDATE calls SET haystack = ?2 WHERE seq = ?1")?
        .execute(params![seq, after])?;
    index::CALLS.replace(change, seq, &before, &after)
}
