//! Over which of our lines calls went: what a row knows of those that refused, and which was used last.

use call::CallId;
use call::output::LineRefusal;
use call::state::Direction;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::contact_match;
use crate::error::HistoryError;
use crate::row;
use crate::store::{Store, immediate};
use crate::text::{LONGEST_NAME, caller_key, clean};

/// A line whose provider refused to carry a call, which then went over another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusedLine {
    /// Its name.
    pub line: String,
    /// Our number that was to be shown, if known.
    pub number: Option<String>,
    /// `EndReason::code`.
    pub outcome: String,
    /// The same as a headline, as it was worded then.
    pub words: String,
    /// SIP code, where one was told.
    pub sip_code: Option<u16>,
}

impl RefusedLine {
    fn of(refusal: &LineRefusal) -> Self {
        let short = |text: &str| clean(text, LONGEST_NAME);
        Self {
            line: short(&refusal.line),
            number: refusal.number.as_deref().map(short),
            outcome: refusal.reason.code().to_owned(),
            words: refusal.reason.title(),
            sip_code: refusal.reason.sip_code(),
        }
    }
}

/// As the column has it. What another program wrote there says nothing.
pub(crate) fn parse(column: Option<String>) -> Vec<RefusedLine> {
    column
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// What was talked over one of our numbers in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// Our number, as the calls have it; `None`: it was not known.
    pub line: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// Calls that were answered.
    pub calls: u64,
    /// Minutes that were begun in them, each call for itself: providers count like that.
    pub minutes: u64,
}

impl Store {
    /// What was talked in calls that began in `[from, to)` (Unix milliseconds) and are over, by number and direction.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn talked(&self, from: i64, to: i64) -> Result<Vec<Talked>, HistoryError> {
        let reader = self.reader();
        // `seq` is the beginning times 1024: a month is a range of the primary key.
        let mut statement = reader.prepare_cached(
            "SELECT line, direction, count(*) AS calls, sum((max(ended_at - answered_at, 1) + 59999) / 60000) AS minutes
             FROM calls WHERE seq >= ?1 AND seq < ?2 AND answered_at IS NOT NULL AND ended_at IS NOT NULL
             GROUP BY line, direction ORDER BY line, direction",
        )?;
        let place = |at: i64| at.saturating_mul(1024);
        let rows = statement.query_map(params![place(from), place(to)], |row| {
            Ok(Talked {
                line: row::text_or_none(row, "line")?,
                direction: row::direction(&row::text(row, "direction")?),
                calls: row.get::<_, i64>("calls")?.unsigned_abs(),
                minutes: row.get::<_, i64>("minutes")?.unsigned_abs(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A call goes over another line: its row gets the next leg and line, and who refused.
    ///
    /// # Errors
    /// [`HistoryError::NoSuchCall`], or the file cannot be written.
    pub(crate) fn went_over(
        &self,
        call: &CallId,
        leg: &call::Identity,
        line: Option<&str>,
        refusal: &LineRefusal,
    ) -> Result<(), HistoryError> {
        let mut writer = self.writer();
        let change = immediate(&mut writer)?;
        let found = change
            .query_row(
                "SELECT refusals FROM calls WHERE id = ?1",
                params![call.as_str()],
                |row| row::text_or_none(row, "refusals"),
            )
            .optional()?;
        let mut refusals = parse(found.ok_or(HistoryError::NoSuchCall)?);
        refusals.push(RefusedLine::of(refusal));
        change.execute(
            "UPDATE calls SET leg = ?2, line = ifnull(?3, line), refusals = ?4 WHERE id = ?1",
            params![
                call.as_str(),
                leg.as_str(),
                line.map(|line| clean(line, LONGEST_NAME)),
                json!(refusals).to_string()
            ],
        )?;
        change.commit()?;
        drop(writer);
        self.bump();
        Ok(())
    }

    /// Our number in the newest call with this number, or with any other number of the same contact. Calls that our own
    /// line or network failed do not count: a line that carried nothing was not used.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_line(&self, number: &str) -> Result<Option<String>, HistoryError> {
        let reader = self.reader();
        let Some(key) = caller_key(number) else {
            return Ok(None);
        };
        let mut newest = with(&reader, number, &key)?;
        if let Some(contact) = contact_match::of_key(&reader, number, &key)? {
            let mut numbers = reader.prepare_cached(
                "SELECT number, e164, caller_key FROM contact_numbers WHERE contact = ?1",
            )?;
            let mut rows = numbers.query([contact.id])?;
            while let Some(row) = rows.next()? {
                let known = row::text_or_none(row, "e164")?;
                let theirs = known.map_or_else(|| row::text(row, "number"), Ok)?;
                newest = newest.max(with(&reader, &theirs, &row::text(row, "caller_key")?)?);
            }
        }
        Ok(newest.map(|(_, line)| line))
    }
}

/// Place and line of the newest call with exactly this number.
fn with(
    connection: &Connection,
    number: &str,
    key: &str,
) -> Result<Option<(i64, String)>, HistoryError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, line FROM calls INDEXED BY calls_by_caller
         WHERE caller_key = ?1 AND number = ?2 AND line IS NOT NULL AND result <> 'failed' ORDER BY seq DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![key, number], |row| {
        Ok((row.get("seq")?, row::text(row, "line")?))
    });
    Ok(found.optional()?)
}
