//! Calls that a program left behind when it ended: to be closed, joined again, or known to go on without us.

use std::time::Duration;

use call::input::Orphan;
use call::state::Direction;
use call::{CallId, Identity, RoomName};
use rusqlite::params;

use crate::error::HistoryError;
use crate::row;
use crate::store::{Store, immediate};

/// A call that an earlier run of the program did not settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// Its id in the journal.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// Its room.
    pub room: RoomName,
    /// Its leg.
    pub leg: Identity,
    /// Had it been answered here?
    pub answered: bool,
    /// Was the far end handed over? Then nobody here may end it.
    pub handed_over: bool,
    /// How long ago its last sign of life was.
    pub age: Duration,
    /// The far number, for showing it.
    pub number: String,
    /// Name on the line, for showing it.
    pub name: Option<String>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// When it began, Unix milliseconds.
    pub started_unix_ms: i64,
    /// When it was answered here, Unix milliseconds.
    pub answered_unix_ms: Option<i64>,
    /// Was our microphone off at its last sign of life?
    pub muted: bool,
}

impl From<LeftBehind> for Orphan {
    fn from(left: LeftBehind) -> Self {
        Self {
            call: left.call,
            direction: left.direction,
            room: left.room,
            leg: left.leg,
            answered: left.answered,
            age: left.age,
            handed_over: left.handed_over,
            number: left.number,
            name: left.name,
            line: left.line,
            started_unix_ms: left.started_unix_ms,
            answered_unix_ms: left.answered_unix_ms,
            muted: left.muted,
        }
    }
}

impl Store {
    /// As [`Self::take_left_behind`], in the words of the phone.
    ///
    /// # Errors
    /// The file or the sessions folder cannot be read or written.
    pub fn take_orphans(&self, now_unix_ms: i64) -> Result<Vec<Orphan>, HistoryError> {
        let left = self.take_left_behind(now_unix_ms)?;
        Ok(left.into_iter().map(Orphan::from).collect())
    }

    /// Takes over what programs that are no longer running left behind: calls that are not over, and calls whose leg may
    /// still be up. Each is given to one program only, even if two start at once; what this one leaves unsettled in its
    /// turn comes back at a later start. Rows of running programs are never touched.
    ///
    /// # Errors
    /// The file or the sessions folder cannot be read or written.
    pub fn take_left_behind(&self, now_unix_ms: i64) -> Result<Vec<LeftBehind>, HistoryError> {
        let (mine, living) = self.sessions()?;
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let mut found = Vec::new();
        {
            let mut unsettled = change.prepare_cached(
                "SELECT id, session, direction, room, leg, answered_at, answered_at IS NOT NULL AS answered,
                        handed_over_at IS NOT NULL AS handed_over, number, name, line, started_at, muted,
                        max(started_at, ifnull(answered_at, 0), ifnull(last_alive_at, 0), ifnull(handed_over_at, 0),
                            ifnull(ended_at, 0)) AS last_sign
                 FROM calls WHERE ended_at IS NULL OR leg_gone = 0 ORDER BY seq",
            )?;
            let mut adopt = change.prepare_cached("UPDATE calls SET session = ?2 WHERE id = ?1")?;
            let mut rows = unsettled.query([])?;
            while let Some(row) = rows.next()? {
                if living.contains(&row::text(row, "session")?) {
                    continue;
                }
                let id = row::text(row, "id")?;
                let (Ok(call), Ok(room), Ok(leg)) = (
                    CallId::parse(&id),
                    RoomName::parse(&row::text(row, "room")?),
                    Identity::parse(&row::text(row, "leg")?),
                ) else {
                    tracing::warn!(
                        "a row of the journal names no call, room or leg; it is left as it is"
                    );
                    continue;
                };
                adopt.execute(params![id, mine])?;
                let silent_ms = now_unix_ms.saturating_sub(row.get("last_sign")?);
                found.push(LeftBehind {
                    call,
                    direction: row::direction(&row::text(row, "direction")?),
                    room,
                    leg,
                    answered: row.get("answered")?,
                    handed_over: row.get("handed_over")?,
                    age: Duration::from_millis(u64::try_from(silent_ms).unwrap_or(0)),
                    number: row::text(row, "number")?,
                    name: row::text_or_none(row, "name")?,
                    line: row::text_or_none(row, "line")?,
                    started_unix_ms: row.get("started_at")?,
                    answered_unix_ms: row.get("answered_at")?,
                    muted: row.get("muted")?,
                });
            }
        }
        change.commit()?;
        Ok(found)
    }

    /// Notes that we left and those in the call talk on. The row stays open until they are done.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub fn hand_over(&self, call: &CallId, at_unix_ms: i64) -> Result<(), HistoryError> {
        self.change(
            "UPDATE calls SET handed_over_at = ?2 WHERE id = ?1",
            params![call.as_str(), at_unix_ms],
        )?;
        self.bump();
        Ok(())
    }
}
