//! The file: opening it, writing the rows of calls, settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use call::input::Orphan;
use call::output::{LogFinish, LogStart};
use call::state::Direction;
use call::{CallId, EndReason, Identity, RoomName};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::sync::watch;

use crate::error::{HistoryError, file_error};
use crate::page::{self, HistoryEntry, Page};
use crate::schema;
use crate::session::Session;

/// Another program that shares the profile writes for milliseconds; a write here waits this long for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The journal of one profile. Cheap to clone; every clone is the same open file. All calls block for as long as a
/// small disk write takes (at worst five seconds, when another program holds the file): keep them off async threads.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    profile: PathBuf,
    connection: Mutex<Connection>,
    session: Mutex<Option<Session>>,
    changed: watch::Sender<u64>,
}

impl Store {
    /// Opens the journal of a profile, making folder (only its owner may enter) and file where they are missing, and
    /// bringing a file of an older version up to date.
    ///
    /// # Errors
    /// [`HistoryError::Newer`] (nothing was changed), `ReadOnly`, `DiskFull`, `Damaged`, `Folder`, `Busy`.
    pub fn open(profile: &Path) -> Result<Self, HistoryError> {
        make_folder(profile)?;
        let file = profile.join("history.db");
        make_file(&file)?;
        let mut connection = Connection::open(&file)?;
        connection.busy_timeout(PATIENCE)?;
        if schema::version(&connection)? < schema::NEWEST {
            // One program at a time: a second one that starts in this moment finds the file up to date.
            let gate = fs::File::create(profile.join("history.upgrade")).map_err(file_error)?;
            gate.lock().map_err(file_error)?;
            schema::migrate(&mut connection)?;
        }
        connection.pragma_update(None, "journal_mode", "wal")?;
        // FULL, not NORMAL: with a write-ahead log NORMAL may lose the last rows when the power goes, and a row that is
        // lost after the dialling began is a phone leg that nobody knows. One flush a row is a few milliseconds.
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(Self {
            inner: Arc::new(Inner {
                profile: profile.to_owned(),
                connection: Mutex::new(connection),
                session: Mutex::new(None),
                changed: watch::Sender::new(0),
            }),
        })
    }

    /// A number that grows with every change a reader can see. Changes by other programs are not noticed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// A page of calls, newest first, at most 500. `cursor` is [`Page::next`] of the page before it; `None`: the newest.
    ///
    /// # Errors
    /// [`HistoryError::BadCursor`], or the file cannot be read.
    pub fn page(&self, cursor: Option<&str>, limit: usize) -> Result<Page, HistoryError> {
        page::read(&self.connection(), cursor, limit)
    }

    /// One call.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be read.
    pub fn entry(&self, id: &str) -> Result<HistoryEntry, HistoryError> {
        page::one(&self.connection(), id)
    }

    /// A setting, if it was ever set.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, HistoryError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Keeps a setting; `None` forgets it. Never a secret: those belong in the keychain.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_setting(&self, key: &str, value: Option<&str>) -> Result<(), HistoryError> {
        let connection = self.connection();
        match value {
            Some(value) => connection.execute(
                "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![key, value],
            )?,
            None => connection.execute("DELETE FROM settings WHERE key = ?1", [key])?,
        };
        drop(connection);
        self.bump();
        Ok(())
    }

    /// Takes over what programs that are no longer running left behind: calls that are not over, and calls whose leg may
    /// still be up. Each is given to one program only, even if two start at once; what this one leaves unsettled in its
    /// turn comes back at a later start. Rows of running programs are never touched.
    ///
    /// # Errors
    /// The file or the sessions folder cannot be read or written.
    pub fn take_orphans(&self, now_unix_ms: i64) -> Result<Vec<Orphan>, HistoryError> {
        let (mine, living) = {
            let mut session = self.session();
            let session = begun(&mut session, &self.inner.profile)?;
            (session.id().to_owned(), session.living()?)
        };
        let mut connection = self.connection();
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut orphans = Vec::new();
        {
            let mut unsettled = change.prepare_cached(
                "SELECT id, session, direction, room, leg, answered_at IS NOT NULL,
                        max(started_at, ifnull(answered_at, 0), ifnull(last_alive_at, 0), ifnull(ended_at, 0)),
                        number, name, line, started_at, answered_at
                 FROM calls WHERE ended_at IS NULL OR leg_gone = 0 ORDER BY started_at, id",
            )?;
            let mut adopt = change.prepare_cached("UPDATE calls SET session = ?2 WHERE id = ?1")?;
            let mut rows = unsettled.query([])?;
            while let Some(row) = rows.next()? {
                if living.contains(&row.get::<_, String>(1)?) {
                    continue;
                }
                let id: String = row.get(0)?;
                let (room, leg): (String, String) = (row.get(3)?, row.get(4)?);
                let (Ok(call), Ok(room), Ok(leg)) = (
                    CallId::parse(&id),
                    RoomName::parse(&room),
                    Identity::parse(&leg),
                ) else {
                    tracing::warn!(
                        "a row of the journal names no call, room or leg; it is left as it is"
                    );
                    continue;
                };
                adopt.execute(params![id, mine])?;
                let silent_ms = now_unix_ms.saturating_sub(row.get::<_, i64>(6)?);
                orphans.push(Orphan {
                    call,
                    direction: page::direction(&row.get::<_, String>(2)?),
                    room,
                    leg,
                    answered: row.get(5)?,
                    age: Duration::from_millis(u64::try_from(silent_ms).unwrap_or(0)),
                    handed_over: false,
                    number: row.get("number")?,
                    name: row.get("name")?,
                    line: row.get("line")?,
                    started_unix_ms: row.get("started_at")?,
                    answered_unix_ms: row.get("answered_at")?,
                });
            }
        }
        change.commit()?;
        Ok(orphans)
    }

    /// Writes the first entry of a call.
    pub(crate) fn start(&self, start: &LogStart) -> Result<(), HistoryError> {
        let session = begun(&mut self.session(), &self.inner.profile)?
            .id()
            .to_owned();
        let direction = match start.direction {
            Direction::Outbound => "outbound",
            Direction::Inbound => "inbound",
        };
        self.connection()
            .prepare_cached(
                "INSERT INTO calls (id, session, direction, number, name, line, room, leg, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                start.call.as_str(),
                session,
                direction,
                start.number,
                start.name,
                start.line,
                start.room.as_str(),
                start.leg.as_str(),
                start.started_unix_ms
            ])?;
        self.bump();
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

    /// Notes a sign of life. Readers see no difference.
    pub(crate) fn alive(&self, call: &CallId, at_unix_ms: i64) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET last_alive_at = ?2 WHERE id = ?1",
            params![call.as_str(), at_unix_ms],
        )
    }

    /// Closes the row.
    pub(crate) fn finish(&self, finish: &LogFinish) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET answered_at = ?2, ended_at = ?3, outcome = ?4, outcome_detail = ?5, words = ?6, sip_code = ?7,
                    heard_seconds = ?8, heard_dbfs = ?9, leg_gone = max(leg_gone, ?10) WHERE id = ?1",
            params![
                finish.call.as_str(),
                finish.answered_unix_ms,
                finish.ended_unix_ms,
                finish.reason.code(),
                detail(&finish.reason),
                finish.reason.title(),
                finish.reason.sip_code(),
                finish.heard_seconds,
                finish.heard_dbfs,
                finish.leg_gone
            ],
        )?;
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

    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), HistoryError> {
        if self.connection().prepare_cached(sql)?.execute(values)? == 0 {
            return Err(HistoryError::NoSuchCall);
        }
        Ok(())
    }

    fn bump(&self) {
        self.inner.changed.send_modify(|revision| *revision += 1);
    }

    // A thread that panicked while it held a lock left nothing half done: the database rolls back by itself.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.inner
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn connection_for_tests(&self) -> MutexGuard<'_, Connection> {
        self.connection()
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.inner
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
