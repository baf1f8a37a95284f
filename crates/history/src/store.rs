//! The file: opening it, journal entries, settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use call::output::{LogFinish, LogStart};
use call::{CallId, EndReason};
use parking_lot::{Mutex, MutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::details::{self, Details};
use crate::error::{HistoryError, file_error};
use crate::merge::{self, Merging};
use crate::query::{self, Page, Query};
use crate::row::{self, HistoryEntry};
use crate::session::Session;
use crate::{contact_match, index, schema, text};

/// The file in the folder of a profile.
const FILE: &str = "history.db";
/// Where changes stand until they are taken over into the file (SQLite's write-ahead log).
const FILE_OF_CHANGES: &str = "history.db-wal";
/// Another program that shares the profile writes for milliseconds; a write here waits this long for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The journal of one profile. Cheap to clone; every clone is the same open file. All calls block for as long as a
/// small disk write takes (at worst five seconds, when another program holds the file): keep them off async threads.
/// Readers never wait for a writer, and long work (import, retention, deletion of many rows) is done in small steps between
/// which a journal entry passes.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    profile: PathBuf,
    writer: Arc<Mutex<Connection>>,
    reader: Mutex<Connection>,
    session: Mutex<Option<Session>>,
    changed: watch::Sender<u64>,
    merging: Merging,
}

impl Store {
    /// Opens the journal of a profile, making folder (only its owner may enter) and file where they are missing, and
    /// bringing a file of an older version up to date.
    ///
    /// # Errors
    /// [`HistoryError::Newer`] (nothing was changed), `ReadOnly`, `DiskFull`, `Damaged`, `Folder`, `Busy`.
    pub fn open(profile: &Path) -> Result<Self, HistoryError> {
        make_folder(profile)?;
        let file = profile.join(FILE);
        make_file(&file)?;
        let mut writer = Connection::open(&file)?;
        writer.busy_timeout(PATIENCE)?;
        if schema::version(&writer)? < schema::NEWEST {
            // One program at a time: a second one that starts in this moment finds the file up to date.
            let gate = fs::File::create(profile.join("history.upgrade")).map_err(file_error)?;
            gate.lock().map_err(file_error)?;
            schema::migrate(&mut writer)?;
        }
        writer.pragma_update(None, "journal_mode", "wal")?;
        // FULL, not NORMAL: with a write-ahead log NORMAL may lose the last rows when the power goes, and a row that is
        // lost after the dialling began is a phone leg that nobody knows. One flush a row is a few milliseconds.
        writer.pragma_update(None, "synchronous", "full")?;
        // What is deleted is overwritten, not only forgotten.
        writer.pragma_update(None, "secure_delete", "on")?;
        keep_plans(&writer)?;
        let reader = Connection::open(&file)?;
        reader.busy_timeout(PATIENCE)?;
        reader.pragma_update(None, "query_only", "on")?;
        reader.pragma_update(None, "cache_size", READER_CACHE)?;
        keep_plans(&reader)?;
        Ok(Self {
            inner: Arc::new(Inner {
                profile: profile.to_owned(),
                writer: Arc::new(Mutex::new(writer)),
                reader: Mutex::new(reader),
                session: Mutex::new(None),
                changed: watch::Sender::new(0),
                merging: Merging::default(),
            }),
        })
    }

    /// The folder in which it is kept.
    pub(crate) fn profile(&self) -> &Path {
        &self.inner.profile
    }

    /// A number that grows with every change a reader can see. Changes by other programs are not noticed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Whether this is one of the files in which a store is kept: whoever changes a store writes to one of them.
    #[must_use]
    pub fn keeps(file: &Path) -> bool {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| [FILE, FILE_OF_CHANGES].contains(&name))
    }

    /// A page of all calls, newest first, at most 500. `cursor` is [`Page::next`] of the page before it; `None`: the newest.
    ///
    /// # Errors
    /// [`HistoryError::BadCursor`], or the file cannot be read.
    pub fn page(&self, cursor: Option<&str>, limit: usize) -> Result<Page, HistoryError> {
        self.find(&Query::default(), cursor, limit)
    }

    /// A page of the calls that were asked for, newest first, at most 500. A cursor belongs to the query it came from.
    ///
    /// # Errors
    /// [`HistoryError::BadCursor`], or the file cannot be read.
    pub fn find(
        &self,
        query: &Query,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        query::page(&self.reader(), query, cursor, limit)
    }

    /// One call.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be read.
    pub fn entry(&self, id: &str) -> Result<HistoryEntry, HistoryError> {
        let reader = self.reader();
        let mut stored = row::named(&reader, id)?;
        stored.entry.details.people = row::people(&reader, id)?;
        if let Some(key) = stored.caller_key {
            stored.entry.contact = contact_match::of_key(&reader, &stored.entry.number, &key)?;
        }
        Ok(stored.entry)
    }

    /// A setting, if it was ever set.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, HistoryError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Keeps a setting; `None` forgets it. Never a secret: those belong in the keychain.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_setting(&self, key: &str, value: Option<&str>) -> Result<(), HistoryError> {
        self.set_settings(&[(key, value)])
    }

    /// Keeps or forgets several settings, all of them or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_settings(&self, settings: &[(&str, Option<&str>)]) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        for (key, value) in settings {
            match value {
                Some(value) => change.execute(
                    "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    params![key, value],
                )?,
                None => change.execute("DELETE FROM settings WHERE key = ?1", [key])?,
            };
        }
        change.commit()?;
        drop(writer);
        self.bump();
        Ok(())
    }

    /// A setting that is a value of its own, such as the availability of the person; kept as JSON. `None`: never set, or
    /// written by a program that meant something else by it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn setting_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, HistoryError> {
        let text = self.setting(key)?;
        Ok(text.and_then(|text| match serde_json::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(key, %error, "a setting cannot be read and is left out");
                None
            }
        }))
    }

    /// Keeps such a setting; `None` forgets it.
    ///
    /// # Errors
    /// The value has no JSON form, or the file cannot be written.
    pub fn set_setting_as<T: Serialize>(
        &self,
        key: &str,
        value: Option<&T>,
    ) -> Result<(), HistoryError> {
        let text = value
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| HistoryError::Other(Box::new(error)))?;
        self.set_setting(key, text.as_deref())
    }

    /// Writes the first entry of a call.
    pub(crate) fn start(&self, start: &LogStart) -> Result<(), HistoryError> {
        let session = self.session_id()?;
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        insert(&change, &session, start, &Details::of_start(start), "")?;
        change.commit()?;
        drop(writer);
        self.bump();
        self.merge_soon();
        Ok(())
    }

    /// Notes that the call was answered here.
    pub(crate) fn answered(&self, call: &CallId, at_unix_ms: i64) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET answered_at = ?2 WHERE id = ?1",
            params![call.as_str(), at_unix_ms],
        )?;
        self.bump();
        Ok(())
    }

    /// Notes a sign of life, and whether the microphone is off. Readers see no difference.
    pub(crate) fn alive(
        &self,
        call: &CallId,
        at_unix_ms: i64,
        muted: bool,
    ) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET last_alive_at = ?2, muted = ?3 WHERE id = ?1",
            params![call.as_str(), at_unix_ms, muted],
        )
    }

    /// Closes the row.
    pub(crate) fn finish(&self, finish: &LogFinish) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        close(&change, finish)?;
        change.commit()?;
        drop(writer);
        self.bump();
        Ok(())
    }

    /// Closes the row of an interrupted call at its last sign of life; a row that is closed keeps its outcome.
    pub(crate) fn finish_orphan(&self, call: &CallId) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET ended_at = ifnull(ended_at, coalesce(last_alive_at, answered_at, started_at)),
                    words = iif(outcome IS NULL, ?3, words), outcome = ifnull(outcome, ?2) WHERE id = ?1",
            params![call.as_str(), EndReason::Interrupted.code(), EndReason::Interrupted.title()],
        )?;
        self.bump();
        Ok(())
    }

    /// Takes the row off the list of what must be dropped.
    pub(crate) fn leg_gone(&self, call: &CallId) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET leg_gone = 1 WHERE id = ?1",
            [call.as_str()],
        )
    }

    pub(crate) fn change(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<(), HistoryError> {
        if self.writer().prepare_cached(sql)?.execute(values)? == 0 {
            return Err(HistoryError::NoSuchCall);
        }
        Ok(())
    }

    pub(crate) fn bump(&self) {
        self.inner.changed.send_modify(|revision| *revision += 1);
    }

    /// After a change of what is searched.
    pub(crate) fn merge_soon(&self) {
        self.inner.merging.soon(&self.inner.writer);
    }

    /// After very many changes of what is searched.
    pub(crate) fn merge_now(&self) {
        merge::all(&self.inner.writer);
    }

    // A thread that panicked while it held a lock left nothing half done: the database rolls back by itself.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        self.inner.writer.lock()
    }

    pub(crate) fn reader(&self) -> MutexGuard<'_, Connection> {
        self.inner.reader.lock()
    }

    /// Lets whoever waits for the file go first, then goes on.
    pub(crate) fn let_pass(writer: MutexGuard<'_, Connection>) {
        MutexGuard::unlock_fair(writer);
    }

    #[cfg(test)]
    pub(crate) fn connection_for_tests(&self) -> MutexGuard<'_, Connection> {
        self.writer()
    }

    /// The name of this program among those that share the profile.
    pub(crate) fn session_id(&self) -> Result<String, HistoryError> {
        let mut session = self.inner.session.lock();
        Ok(begun(&mut session, &self.inner.profile)?.id().to_owned())
    }

    /// The same, and the programs that live.
    pub(crate) fn sessions(
        &self,
    ) -> Result<(String, std::collections::HashSet<String>), HistoryError> {
        let mut session = self.inner.session.lock();
        let session = begun(&mut session, &self.inner.profile)?;
        Ok((session.id().to_owned(), session.living()?))
    }
}

/// Writes the first entry of a call. A name or number of any length and kind must not cost the call its row.
pub(crate) fn insert(
    change: &Transaction<'_>,
    session: &str,
    start: &LogStart,
    details: &Details,
    note: &str,
) -> Result<(), HistoryError> {
    let number = text::clean(&start.number, text::LONGEST_NAME);
    let name = start
        .name
        .as_deref()
        .map(|name| text::clean(name, text::LONGEST_NAME));
    let haystack = text::call_haystack(&number, details.dialled.as_deref(), name.as_deref(), note);
    let key = text::caller_key(&number);
    let seq = free_place(change, start.started_unix_ms)?;
    change
        .prepare_cached(
            "INSERT INTO calls (seq, id, session, direction, number, name, line, room, leg, started_at, caller_key, haystack,
                note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            seq,
            start.call.as_str(),
            session,
            row::direction_word(start.direction),
            number,
            name,
            start.line,
            start.room.as_str(),
            start.leg.as_str(),
            start.started_unix_ms,
            key,
            haystack,
            note
        ])?;
    index::CALLS.add(change, seq, &haystack)?;
    details::write(change, &start.call, details)
}

/// Writes the last entry of a call.
pub(crate) fn close(change: &Transaction<'_>, finish: &LogFinish) -> Result<(), HistoryError> {
    let written = change
            .prepare_cached(
                "UPDATE calls SET answered_at = ?2, ended_at = ?3, outcome = ?4, outcome_detail = ?5, words = ?6,
                    heard_seconds = ?7, heard_dbfs = ?8, leg_gone = max(leg_gone, ?9) WHERE id = ?1",
            )?
            .execute(params![
                finish.call.as_str(),
                finish.answered_unix_ms,
                finish.ended_unix_ms,
                finish.reason.code(),
                detail(&finish.reason),
                finish.reason.title(),
                Some(finish.heard_seconds).filter(|s| s.is_finite()).unwrap_or_default(),
                finish.heard_dbfs,
                finish.leg_gone
            ])?;
    if written == 0 {
        return Err(HistoryError::NoSuchCall);
    }
    details::write(change, &finish.call, &Details::of_finish(finish))
}

/// Memory that reading may keep pages of the file in, in KiB (negative: that is how SQLite knows it is not pages). Enough for
/// the upper levels of every index of a million calls; a small history never fills it.
const READER_CACHE: i64 = -32 * 1024;
/// Statements are kept ready, with the plan of their first time: SQLite would compile one with a bound `LIMIT` anew for every
/// value, which was a quarter of the time of a search.
fn keep_plans(connection: &Connection) -> Result<(), HistoryError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Statements that are kept ready.
const STATEMENTS: usize = 128;

/// A change that no other program can come between.
pub(crate) fn immediate(connection: &mut Connection) -> Result<Transaction<'_>, HistoryError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// The first free place for a call that starts at this time.
pub(crate) fn free_place(
    change: &Transaction<'_>,
    started_unix_ms: i64,
) -> Result<i64, HistoryError> {
    let mut statement = change.prepare_cached(
        "SELECT seq FROM calls WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let mut first = query::place(started_unix_ms);
    loop {
        let end = first + query::PLACES_A_MS;
        let last: Option<i64> = statement
            .query_row([first, end], |row| row.get(0))
            .optional()?;
        match last {
            None => return Ok(first),
            Some(last) if last + 1 < end => return Ok(last + 1),
            // A clock that stands still: the calls of this moment go on in the next.
            Some(_) => first = end,
        }
    }
}

/// The session of this program, begun with the first thing that needs it: a program that only reads has none.
fn begun<'a>(
    session: &'a mut Option<Session>,
    profile: &Path,
) -> Result<&'a Session, HistoryError> {
    match session {
        Some(session) => Ok(session),
        none => Ok(none.insert(Session::begin(profile)?)),
    }
}

/// What an outcome names beyond its code.
fn detail(reason: &EndReason) -> Option<&str> {
    if let EndReason::AnsweredElsewhere { by: text }
    | EndReason::NoSound { what: text }
    | EndReason::NoEngine { what: text }
    | EndReason::BadNumber { why: text } = reason
    {
        Some(text)
    } else {
        None
    }
}

fn make_folder(profile: &Path) -> Result<(), HistoryError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(profile).map_err(file_error)
}

/// Made by us and not by SQLite, so that only its owner may read it also in a folder that others may enter.
fn make_file(file: &Path) -> Result<(), HistoryError> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop).map_err(file_error)
}
