//! A row of the journal, as it is stored and as a reader sees it.

use call::state::Direction;
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::contact_match::ContactName;
use crate::details::{Details, Person, Quality};
use crate::error::HistoryError;
use crate::lines;

/// A call as a reader sees it. Text came from outside once: show it as text only.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Name of the call.
    pub id: String,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// Name on the line. It is what the far end says of itself: always show the number beside it.
    pub name: Option<String>,
    /// The contact whose number this is.
    pub contact: Option<ContactName>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// Unix milliseconds.
    pub started_unix_ms: i64,
    /// Unix milliseconds; `None`: never answered here.
    pub answered_unix_ms: Option<i64>,
    /// Unix milliseconds; `None`: not over.
    pub ended_unix_ms: Option<i64>,
    /// Unix milliseconds; set: the far end was handed over, the call goes or went on without this desk.
    pub handed_over_unix_ms: Option<i64>,
    /// `EndReason::code`; `None`: not over.
    pub outcome: Option<String>,
    /// What the outcome names beyond its code: a colleague, a sentence.
    pub outcome_detail: Option<String>,
    /// The outcome as a headline, as it was worded when the call ended.
    pub words: Option<String>,
    /// What became of it, in groups to filter by.
    pub result: CallResult,
    /// SIP code of a refused call, shown on request only.
    pub sip_code: Option<u16>,
    /// Seconds of sound heard from the far end.
    pub heard_seconds: f64,
    /// Their loudness in dBFS.
    pub heard_dbfs: Option<f64>,
    /// Nobody here took it.
    pub missed: bool,
    /// A missed call that somebody has looked at.
    pub seen: bool,
    /// What a person wrote about it.
    pub note: String,
    /// What else was recorded.
    pub details: Details,
    /// Where its recording is.
    pub recording_url: Option<String>,
    /// LiveKit's name of the recording.
    pub egress_id: Option<String>,
    /// Where the call lived on the server.
    pub room: String,
}

impl Default for HistoryEntry {
    fn default() -> Self {
        Self {
            id: String::new(),
            direction: Direction::Outbound,
            number: String::new(),
            name: None,
            contact: None,
            line: None,
            started_unix_ms: 0,
            answered_unix_ms: None,
            ended_unix_ms: None,
            handed_over_unix_ms: None,
            outcome: None,
            outcome_detail: None,
            words: None,
            result: CallResult::Open,
            sip_code: None,
            heard_seconds: 0.0,
            heard_dbfs: None,
            missed: false,
            seen: false,
            note: String::new(),
            details: Details::default(),
            recording_url: None,
            egress_id: None,
            room: String::new(),
        }
    }
}

impl HistoryEntry {
    /// Milliseconds that were talked, never negative; `None`: never answered, or not over.
    #[must_use]
    pub fn talked_ms(&self) -> Option<i64> {
        Some(
            self.ended_unix_ms?
                .saturating_sub(self.answered_unix_ms?)
                .max(0),
        )
    }
}

/// What became of a call, in the groups that a person filters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallResult {
    /// It is not over.
    Open,
    /// There was a conversation.
    Answered,
    /// Somebody called and nobody here took it.
    Missed,
    /// A colleague took it.
    Elsewhere,
    /// We declined.
    TurnedAway,
    /// We called: busy, declined, no answer, not in service, given up.
    NotReached,
    /// The line, the network or this computer failed.
    Failed,
}

impl CallResult {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Answered,
        Self::Missed,
        Self::Elsewhere,
        Self::TurnedAway,
        Self::NotReached,
        Self::Failed,
    ];

    /// Stable word, as in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Elsewhere => "elsewhere",
            Self::TurnedAway => "turned_away",
            Self::NotReached => "not_reached",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|result| result.word() == word)
            .unwrap_or(Self::Failed)
    }
}

/// Every stored column, for moving a row elsewhere and back.
pub(crate) const STORED: &[&str] = &[
    "id",
    "session",
    "direction",
    "number",
    "dialled",
    "name",
    "line",
    "room",
    "leg",
    "started_at",
    "answered_at",
    "last_alive_at",
    "handed_over_at",
    "ended_at",
    "rang_ms",
    "outcome",
    "outcome_detail",
    "words",
    "sip_code",
    "heard_seconds",
    "heard_dbfs",
    "leg_gone",
    "seen",
    "answered_by",
    "transferred_to",
    "provider_call_id",
    "sip_call_id",
    "sip_call_id_full",
    "microphone",
    "speaker",
    "packets_lost",
    "packets_received",
    "jitter_mean_ms",
    "jitter_max_ms",
    "reconnections",
    "egress_id",
    "recording_url",
    "caller_key",
    "haystack",
    "note",
    "transcript",
    "people",
    "refusals",
];

/// The columns, as [`stored`] reads them.
macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT id, direction, number, name, line, started_at, answered_at, ended_at, handed_over_at, outcome,
                outcome_detail, words, result, sip_code, heard_seconds, heard_dbfs, seen, note, recording_url, egress_id, room, dialled,
                rang_ms, answered_by, transferred_to, provider_call_id, sip_call_id, sip_call_id_full, microphone, speaker,
                packets_lost, packets_received, jitter_mean_ms, jitter_max_ms, reconnections, refusals, caller_key FROM calls WHERE ",
            $where
        )
    };
}

/// The call at a place, without its contact.
pub(crate) fn at(connection: &Connection, seq: i64) -> Result<Option<Stored>, HistoryError> {
    let mut statement = connection.prepare_cached(select!("seq = ?1"))?;
    Ok(statement.query_row([seq], stored).optional()?)
}

/// The call of a name, without its contact.
pub(crate) fn named(connection: &Connection, id: &str) -> Result<Stored, HistoryError> {
    let mut statement = connection.prepare_cached(select!("id = ?1"))?;
    statement
        .query_row([id], stored)
        .optional()?
        .ok_or(HistoryError::NoSuchCall)
}

/// Everybody on the phone in a call with several legs.
pub(crate) fn people(connection: &Connection, id: &str) -> Result<Vec<Person>, HistoryError> {
    let mut statement = connection.prepare_cached("SELECT people FROM calls WHERE id = ?1")?;
    let text = statement
        .query_row([id], |row| text_or_none(row, "people"))
        .optional()?
        .flatten();
    // What another program wrote there says nothing.
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// A row with what it is matched by.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) entry: HistoryEntry,
    pub(crate) caller_key: Option<String>,
}

/// Reads the columns of a row one after the other: looking each up by its name would cost more than reading it.
struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl Columns<'_> {
    fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    fn text(&mut self) -> rusqlite::Result<String> {
        Ok(self.text_or_none()?.unwrap_or_default())
    }

    fn text_or_none(&mut self) -> rusqlite::Result<Option<String>> {
        self.next += 1;
        text_of(self.row.get_ref(self.next - 1)?)
    }

    fn unsigned(&mut self) -> rusqlite::Result<Option<u64>> {
        Ok(self
            .get::<Option<i64>>()?
            .and_then(|n| u64::try_from(n).ok()))
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let mut column = Columns { row, next: 0 };
    // In the order of `select!`: fields of a struct expression are read as they are written.
    let mut entry = HistoryEntry {
        id: column.text()?,
        direction: direction(&column.text()?),
        number: column.text()?,
        name: column.text_or_none()?,
        line: column.text_or_none()?,
        started_unix_ms: column.get()?,
        answered_unix_ms: column.get()?,
        ended_unix_ms: column.get()?,
        handed_over_unix_ms: column.get()?,
        outcome: column.text_or_none()?,
        outcome_detail: column.text_or_none()?,
        words: column.text_or_none()?,
        result: CallResult::parse(&column.text()?),
        sip_code: column
            .get::<Option<i64>>()?
            .and_then(|code| u16::try_from(code).ok()),
        heard_seconds: column.get()?,
        heard_dbfs: column.get()?,
        seen: column.get()?,
        note: column.text()?,
        recording_url: column.text_or_none()?,
        egress_id: column.text_or_none()?,
        room: column.text()?,
        details: Details {
            dialled: column.text_or_none()?,
            rang_ms: column.get()?,
            answered_by: column.text_or_none()?,
            transferred_to: column.text_or_none()?,
            provider_call_id: column.text_or_none()?,
            sip_call_id: column.text_or_none()?,
            sip_call_id_full: column.text_or_none()?,
            sip_code: None,
            microphone: column.text_or_none()?,
            speaker: column.text_or_none()?,
            quality: Quality {
                packets_lost: column.unsigned()?,
                packets_received: column.unsigned()?,
                jitter_mean_ms: column.get()?,
                jitter_max_ms: column.get()?,
                reconnections: column
                    .unsigned()?
                    .map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
            },
            people: Vec::new(),
            refusals: lines::parse(column.text_or_none()?),
        },
        contact: None,
        missed: false,
    };
    entry.details.sip_code = entry.sip_code;
    entry.missed = entry.outcome.as_deref() == Some(call::EndReason::Missed.code());
    Ok(Stored {
        entry,
        caller_key: column.text_or_none()?,
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

/// The word for the column.
pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "outbound",
        Direction::Inbound => "inbound",
    }
}

/// Text of a column. What is not UTF-8 (another program wrote it) is replaced: one bad row must not hide all others.
pub(crate) fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(text_or_none(row, column)?.unwrap_or_default())
}

/// As [`text`], with `None` for NULL.
pub(crate) fn text_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    text_of(row.get_ref(column)?)
}

fn text_of(value: ValueRef<'_>) -> rusqlite::Result<Option<String>> {
    Ok(match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
    })
}
