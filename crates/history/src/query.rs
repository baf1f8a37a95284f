//! Finding calls: search, filters and pages, in any combination, newest first.
//!
//! Every way to find calls is a stream of places (`seq`, newest first): the whole table, the ranges of an index that a filter
//! names, the hits of the full-text index, the calls of one number. Streams are merged, what comes out is looked at once
//! more where an index promises too much, and the place of the last row is the cursor. Nothing is counted, sorted or
//! skipped, so a page costs the same wherever it is. What a page may look at is bounded (see [`Page::next`]).

use std::collections::{BinaryHeap, HashSet, VecDeque};

use call::state::Direction;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::contact_match;
use crate::contacts;
use crate::error::HistoryError;
use crate::row::{self, CallResult, HistoryEntry};
use crate::text::{Needle, caller_key, key_query};

/// Which calls. The default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Every word of it is in the name, number (any format), note or contact of the call, or all of it is part of the
    /// number. Taken literally: nothing in it has a meaning. "": any call.
    pub text: String,
    /// Only one direction.
    pub direction: Option<Direction>,
    /// Only these results; empty: any. `[Missed]` is the list of missed calls.
    pub results: Vec<CallResult>,
    /// Only missed calls that nobody has looked at.
    pub unseen: bool,
    /// Only this line, as it is in the row.
    pub line: Option<String>,
    /// Only calls with this number, letter for letter as it is in the row. Without a text it costs as much as there are such calls.
    pub caller: Option<String>,
    /// Only calls that started then or later, Unix milliseconds.
    pub from_unix_ms: Option<i64>,
    /// Only calls that started before, Unix milliseconds.
    pub to_unix_ms: Option<i64>,
}

/// A part of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    /// Pass it on to get the calls before these; `None`: there are none. A page that had to look at very many calls to find
    /// few ends early, even empty, with a `next`: ask on.
    pub next: Option<String>,
}

/// The most that one page carries.
pub(crate) const LARGEST_PAGE: usize = 500;
/// Rows that one page looks at without taking them.
const MOST_LOOKED_AT: usize = 200;
/// Contacts whose numbers are looked up one by one; more are found quicker by looking at the newest calls.
const MOST_NUMBERS: usize = 600;
/// Contacts whose numbers are asked for within one full-text query.
const FEW_NUMBERS: usize = 8;
/// Places that a stream reads at once, at most.
const LARGEST_BATCH: usize = 512;

/// `seq` of the first call that could start in this millisecond; what is outside of any real time is put at its edge.
pub(crate) fn place(unix_ms: i64) -> i64 {
    unix_ms.clamp(0, 8_000_000_000_000_000) * PLACES_A_MS
}

/// Calls that can start in the same millisecond without moving to the next.
pub(crate) const PLACES_A_MS: i64 = 1024;

/// See [`Store::find`](crate::Store::find).
pub(crate) fn page(
    connection: &Connection,
    query: &Query,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page, HistoryError> {
    let limit = limit.clamp(1, LARGEST_PAGE);
    let mut below = cursor.map(parse).transpose()?.unwrap_or(i64::MAX);
    if let Some(to) = query.to_unix_ms {
        below = below.min(place(to));
    }
    let bounds = Bounds {
        below,
        floor: query.from_unix_ms.map_or(0, place),
    };
    // One state of the file for all the small reads.
    let snapshot = connection.unchecked_transaction()?;
    let needle = Needle::parse(&query.text);
    if needle.is_empty() && !query.text.trim().is_empty() {
        // Only marks that cannot be seen: nothing has them.
        return Ok(Page {
            entries: Vec::new(),
            next: None,
        });
    }
    let found = Finder::new(&snapshot, query, needle, bounds)?.page(limit)?;
    snapshot.commit()?;
    Ok(found)
}

fn parse(cursor: &str) -> Result<i64, HistoryError> {
    cursor
        .strip_prefix("at.")
        .and_then(|place| place.parse().ok())
        .ok_or(HistoryError::BadCursor)
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    below: i64,
    floor: i64,
}

struct Finder<'a> {
    connection: &'a Connection,
    query: &'a Query,
    needle: Needle,
    bounds: Bounds,
    streams: Vec<Stream>,
    /// Do the streams already give exactly what the filters ask for?
    filtered: bool,
    /// The numbers of the only contacts that have a word of the search; `None`: any contact may.
    helpful: Option<HashSet<String>>,
}

impl<'a> Finder<'a> {
    fn new(
        connection: &'a Connection,
        query: &'a Query,
        needle: Needle,
        bounds: Bounds,
    ) -> Result<Self, HistoryError> {
        let searched = if needle.is_empty() {
            None
        } else {
            by_text(connection, &needle)?
        };
        // The end of a number is what calls with it are listed by; other numbers may share it.
        let filtered = searched.is_none()
            && query.caller.is_none()
            && !(query.unseen && (query.direction.is_some() || query.line.is_some()));
        let (sources, keys) = match searched {
            Some((sources, keys)) => (sources, Some(keys)),
            None => (by_filter(query), None),
        };
        let helpful = keys.filter(|_| !needle.has_short_word());
        // Many streams are mostly never drawn from a second time; but to begin a full-text query costs more than its hits.
        let many = sources.len() > 16;
        let streams = sources
            .into_iter()
            .map(|source| {
                let batch = if many && !matches!(source, Source::Hits(_)) {
                    1
                } else {
                    64
                };
                Stream::new(source, bounds.below, batch)
            })
            .collect();
        Ok(Self {
            connection,
            query,
            needle,
            bounds,
            streams,
            filtered,
            helpful,
        })
    }

    fn page(mut self, limit: usize) -> Result<Page, HistoryError> {
        let mut heads = BinaryHeap::new();
        for index in 0..self.streams.len() {
            self.advance(index, &mut heads)?;
        }
        let (mut entries, mut passed_over) = (Vec::new(), 0);
        let mut last: Option<i64> = None;
        while let Some((seq, index)) = heads.pop() {
            self.advance(index, &mut heads)?;
            if last == Some(seq) {
                continue; // two streams have it
            }
            if entries.len() == limit || passed_over == MOST_LOOKED_AT {
                return Ok(Page {
                    entries,
                    next: last.map(|last| format!("at.{last}")),
                });
            }
            last = Some(seq);
            match self.look(seq)? {
                Some(entry) => entries.push(entry),
                None => passed_over += 1,
            }
        }
        Ok(Page {
            entries,
            next: None,
        })
    }

    fn advance(
        &mut self,
        index: usize,
        heads: &mut BinaryHeap<(i64, usize)>,
    ) -> Result<(), HistoryError> {
        if let Some(stream) = self.streams.get_mut(index)
            && let Some(seq) = stream.next(self.connection, self.bounds.floor)?
        {
            heads.push((seq, index));
        }
        Ok(())
    }

    /// The call at this place, if it is one that was asked for.
    fn look(&self, seq: i64) -> Result<Option<HistoryEntry>, HistoryError> {
        if (!self.filtered || !self.needle.is_empty()) && !self.fits(seq)? {
            return Ok(None);
        }
        let Some(stored) = row::at(self.connection, seq)? else {
            return Ok(None);
        };
        let mut entry = stored.entry;
        if let Some(key) = stored.caller_key {
            entry.contact = contact_match::of_key(self.connection, &entry.number, &key)?;
        }
        Ok(Some(entry))
    }

    fn fits(&self, seq: i64) -> Result<bool, HistoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT direction, result, line, seen, number, caller_key, haystack FROM calls WHERE seq = ?1",
        )?;
        let looked = statement
            .query_row([seq], |row| {
                if !self.filtered && !self.passes(row)? {
                    return Ok(None);
                }
                Ok(Some((
                    row::text(row, "haystack")?,
                    row::text(row, "number")?,
                    row::text_or_none(row, "caller_key")?,
                )))
            })
            .optional()?
            .flatten();
        let Some((haystack, number, key)) = looked else {
            return Ok(false);
        };
        if self.needle.is_in(&[&haystack]) {
            return Ok(true);
        }
        let helps = |key: &String| self.helpful.as_ref().is_none_or(|keys| keys.contains(key));
        let contact = match key.filter(helps) {
            Some(key) => contact_match::of_key(self.connection, &number, &key)?,
            None => None,
        };
        match contact {
            Some(contact) => {
                let theirs = contacts::haystack(self.connection, contact.id)?;
                Ok(self.needle.is_in(&[&haystack, &theirs]))
            }
            None => Ok(false),
        }
    }

    fn passes(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<bool> {
        let query = self.query;
        let result = CallResult::parse(&row::text(row, "result")?);
        Ok(query.direction.is_none_or(|asked| {
            row::text(row, "direction").is_ok_and(|is| is == row::direction_word(asked))
        }) && (query.results.is_empty() || query.results.contains(&result))
            && (!query.unseen || result == CallResult::Missed && !row.get::<_, bool>("seen")?)
            && match &query.line {
                Some(line) => row::text_or_none(row, "line")?.as_deref() == Some(line),
                None => true,
            }
            && match &query.caller {
                Some(number) => row::text(row, "number")? == *number,
                None => true,
            })
    }
}

/// The streams that together have every call that the text could mean; `None`: the text is no help, look at all.
///
/// A word must be in the row or in its contact. So: the rows that have every word; the calls of contacts that have every
/// word; and for contacts that have some, the rows that have the others. Words too short for the index are left to the
/// second look.
fn by_text(connection: &Connection, needle: &Needle) -> Result<Option<Searched>, HistoryError> {
    let Some(hits) = needle.all() else {
        return Ok(None);
    };
    let Some(touched) = contacts::touched(connection, needle, MOST_NUMBERS)? else {
        return Ok(None);
    };
    let mut sources = Vec::new();
    // Does one of the streams have every row with all words, since it has those with some of them?
    let mut covered = false;
    for contacts in touched.chunk_by(|one, next| one.words == next.words) {
        let words = contacts.first().map_or(0, |touched| touched.words);
        let others = needle
            .without(words)
            .all()
            .filter(|_| words != needle.every_word());
        let Some(others) = others else {
            sources.extend(
                contacts
                    .iter()
                    .map(|touched| Source::Caller(touched.key.clone())),
            );
            continue;
        };
        let theirs: Option<Vec<_>> = contacts
            .iter()
            .map(|touched| key_query(&touched.key))
            .collect();
        match theirs {
            // Of few, the calls of each that have the other words; of many, all calls that have them.
            Some(keys) if keys.len() <= FEW_NUMBERS => {
                let keys = keys.join(" OR ");
                sources.push(Source::Hits(format!("({others}) AND ({keys})")));
            }
            Some(_) | None => {
                sources.push(Source::Hits(others));
                covered = true;
            }
        }
    }
    if !covered {
        sources.push(Source::Hits(hits));
    }
    let keys = touched.into_iter().map(|touched| touched.key).collect();
    Ok(Some((sources, keys)))
}

/// The streams of a search, and the numbers of the contacts that have a word of it.
type Searched = (Vec<Source>, HashSet<String>);

/// The streams that have exactly the calls that pass the filters, but for the time; of one caller, those and some more.
fn by_filter(query: &Query) -> Vec<Source> {
    if let Some(key) = query.caller.as_deref().and_then(caller_key) {
        return vec![Source::Caller(key)];
    }
    if query.unseen {
        let missed = query.results.is_empty() || query.results.contains(&CallResult::Missed);
        return if missed {
            vec![Source::Unseen]
        } else {
            Vec::new()
        };
    }
    if query.direction.is_none() && query.results.is_empty() && query.line.is_none() {
        return vec![Source::All];
    }
    let directions = match query.direction {
        Some(direction) => vec![direction],
        None => vec![Direction::Outbound, Direction::Inbound],
    };
    let mut results = query.results.clone();
    if results.is_empty() {
        results.extend(CallResult::ALL);
    }
    results.sort_unstable();
    results.dedup();
    let mut sources = Vec::new();
    for direction in directions {
        for &result in &results {
            sources.push(Source::Group {
                line: query.line.clone(),
                direction,
                result,
            });
        }
    }
    sources
}

#[derive(Debug)]
enum Source {
    /// Every call.
    All,
    /// One range of an index.
    Group {
        line: Option<String>,
        direction: Direction,
        result: CallResult,
    },
    /// Missed, and nobody has looked.
    Unseen,
    /// What the full-text index finds.
    Hits(String),
    /// The calls whose number ends so.
    Caller(String),
}

struct Stream {
    source: Source,
    read: VecDeque<i64>,
    below: i64,
    batch: usize,
    over: bool,
}

impl Stream {
    fn new(source: Source, below: i64, batch: usize) -> Self {
        Self {
            source,
            read: VecDeque::new(),
            below,
            batch,
            over: false,
        }
    }

    fn next(&mut self, connection: &Connection, floor: i64) -> Result<Option<i64>, HistoryError> {
        if self.read.is_empty() && !self.over {
            self.fill(connection, floor)?;
        }
        Ok(self.read.pop_front())
    }

    fn fill(&mut self, connection: &Connection, floor: i64) -> Result<(), HistoryError> {
        let limit = i64::try_from(self.batch).unwrap_or(1);
        let below = self.below;
        let read = match &self.source {
            Source::All => places(
                connection,
                "SELECT seq FROM calls WHERE seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3",
                params![below, floor, limit],
            ),
            Source::Group {
                line: None,
                direction,
                result,
            } => places(
                connection,
                "SELECT seq FROM calls INDEXED BY calls_by_result WHERE direction = ?4 AND result = ?5
                 AND seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3",
                params![below, floor, limit, row::direction_word(*direction), result.word()],
            ),
            Source::Group {
                line: Some(line),
                direction,
                result,
            } => places(
                connection,
                "SELECT seq FROM calls INDEXED BY calls_by_line WHERE line = ?6 AND direction = ?4 AND result = ?5
                 AND seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3",
                params![below, floor, limit, row::direction_word(*direction), result.word(), line],
            ),
            Source::Unseen => places(
                connection,
                "SELECT seq FROM calls INDEXED BY calls_unseen WHERE outcome = 'missed' AND seen = 0
                 AND seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3",
                params![below, floor, limit],
            ),
            Source::Hits(hits) => places(
                connection,
                "SELECT rowid FROM calls_search WHERE calls_search MATCH ?4
                 AND rowid < ?1 AND rowid >= ?2 ORDER BY rowid DESC LIMIT ?3",
                params![below, floor, limit, hits],
            ),
            Source::Caller(key) => places(
                connection,
                "SELECT seq FROM calls INDEXED BY calls_by_caller WHERE caller_key = ?4
                 AND seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3",
                params![below, floor, limit, key],
            ),
        }?;
        self.over = read.len() < self.batch;
        if let Some(last) = read.back() {
            self.below = *last;
        }
        self.batch = self.batch.saturating_mul(4).min(LARGEST_BATCH);
        self.read = read;
        Ok(())
    }
}

fn places(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<VecDeque<i64>, HistoryError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_map(values, |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}
