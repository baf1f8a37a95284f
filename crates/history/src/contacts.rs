//! The people a person knows, and their numbers.

use call::number::{self, Region};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::HistoryError;
use crate::text::{
    self, LONGEST_NAME, LONGEST_NOTE, Needle, caller_key, clean, clean_lines, fold,
    without_extension,
};
use crate::{index, row};

/// A contact as it is written down. Labels, names and notes are any text; they are cleaned when they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactDraft {
    /// What the person calls them; "": the organisation or the first number stands in.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// Anything.
    pub note: String,
    /// Label ("Work") and number, as written.
    pub numbers: Vec<(String, String)>,
}

/// A contact as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its name in this file.
    pub id: i64,
    /// What the person calls them.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// Anything.
    pub note: String,
    /// In the order in which they were given.
    pub numbers: Vec<ContactNumber>,
    /// The import that brought it, if nobody has changed it since.
    pub import: Option<i64>,
}

/// A number of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactNumber {
    /// "Work", "mobile"; may be empty.
    pub label: String,
    /// As it was written.
    pub number: String,
    /// The same in E.164, where it is one.
    pub e164: Option<String>,
}

/// A part of the contacts, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPage {
    /// In the order of their names.
    pub contacts: Vec<Contact>,
    /// Pass it on to get those after these; `None`: there are none. A page that had to look at very many contacts may end
    /// early with a `next`: ask on.
    pub next: Option<String>,
}

/// Numbers that one contact can have.
const MOST_NUMBERS: usize = 50;
/// Hits that are sorted by name; of more, the names are looked at in order.
const MOST_SORTED: usize = 1000;
/// Names that one page looks at without taking them.
const MOST_LOOKED_AT: usize = 5000;
/// The most that one page carries.
const LARGEST_PAGE: usize = 500;

/// A draft that may be kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) sort_name: String,
    organisation: String,
    note: String,
    pub(crate) numbers: Vec<CheckedNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckedNumber {
    label: String,
    pub(crate) number: String,
    pub(crate) e164: Option<String>,
    pub(crate) key: String,
}

impl CheckedNumber {
    /// `None`: neither digits nor an address.
    pub(crate) fn new(label: &str, number: &str, region: Region) -> Option<Self> {
        let number = clean(number, LONGEST_NAME);
        let parsed = number::parse(without_extension(&number), region);
        let e164 = parsed
            .ok()
            .map(|parsed| parsed.dial().to_owned())
            .filter(|dial| dial.starts_with('+'));
        let is_address = number.contains('@') && !number.contains(char::is_whitespace);
        if e164.is_none() && !is_address && text::digits(&number).is_empty() {
            return None;
        }
        // From the E.164 form where there is one: a national form may end differently (it never begins the same).
        let key = caller_key(e164.as_deref().unwrap_or(&number))?;
        Some(Self {
            label: clean(label, 40),
            number,
            e164,
            key,
        })
    }

    /// Is it this number of a contact?
    pub(crate) fn is_line_of(&self, known: &ContactNumber) -> bool {
        match (&self.e164, &known.e164) {
            (Some(one), Some(other)) => one == other,
            _ => Some(&self.key) == caller_key(&known.number).as_ref(),
        }
    }

    /// The same line as the other?
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.e164, &other.e164) {
            (Some(one), Some(other)) => one == other,
            _ => self.key == other.key,
        }
    }
}

impl Checked {
    pub(crate) fn new(draft: &ContactDraft, region: Region) -> Result<Self, HistoryError> {
        let mut numbers: Vec<CheckedNumber> = Vec::new();
        for (label, number) in &draft.numbers {
            if clean(number, LONGEST_NAME).is_empty() {
                continue;
            }
            let number = CheckedNumber::new(label, number, region)
                .ok_or_else(|| HistoryError::NotANumber(clean(number, 40)))?;
            if !numbers.iter().any(|known| known.is_same(&number)) {
                numbers.push(number);
            }
        }
        if numbers.len() > MOST_NUMBERS {
            return Err(HistoryError::TooManyNumbers(MOST_NUMBERS));
        }
        let note = clean_lines(&draft.note);
        if note.chars().count() > LONGEST_NOTE {
            return Err(HistoryError::NoteTooLong(LONGEST_NOTE));
        }
        let organisation = clean(&draft.organisation, LONGEST_NAME);
        let name = [clean(&draft.name, LONGEST_NAME), organisation.clone()]
            .into_iter()
            .chain(numbers.first().map(|number| number.number.clone()))
            .find(|name| !name.is_empty())
            .ok_or(HistoryError::EmptyContact)?;
        Ok(Self {
            sort_name: fold(&name),
            name,
            organisation,
            note,
            numbers,
        })
    }

    fn haystack(&self) -> String {
        text::contact_haystack(
            [self.name.as_str(), &self.organisation, &self.note],
            self.numbers
                .iter()
                .map(|number| (number.number.as_str(), number.e164.as_deref())),
        )
    }

    pub(crate) fn insert(
        &self,
        change: &Transaction<'_>,
        import: Option<i64>,
    ) -> Result<i64, HistoryError> {
        let haystack = self.haystack();
        change
            .prepare_cached(
                "INSERT INTO contacts (name, organisation, note, import, sort_name, haystack) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![self.name, self.organisation, self.note, import, self.sort_name, haystack])?;
        let id = change.last_insert_rowid();
        index::CONTACTS.add(change, id, &haystack)?;
        insert_numbers(change, id, 0, &self.numbers, import)?;
        Ok(id)
    }

    pub(crate) fn update(&self, change: &Transaction<'_>, id: i64) -> Result<(), HistoryError> {
        let before = haystack_or_none(change, id)?.ok_or(HistoryError::NoSuchContact)?;
        let haystack = self.haystack();
        change
            .prepare_cached(
                "UPDATE contacts SET name = ?2, organisation = ?3, note = ?4, import = NULL, sort_name = ?5, haystack = ?6
                 WHERE id = ?1",
            )?
            .execute(params![id, self.name, self.organisation, self.note, self.sort_name, haystack])?;
        index::CONTACTS.replace(change, id, &before, &haystack)?;
        change
            .prepare_cached("DELETE FROM contact_numbers WHERE contact = ?1")?
            .execute([id])?;
        insert_numbers(change, id, 0, &self.numbers, None)
    }
}

pub(crate) fn insert_numbers(
    change: &Transaction<'_>,
    contact: i64,
    first: usize,
    numbers: &[CheckedNumber],
    import: Option<i64>,
) -> Result<(), HistoryError> {
    let mut insert = change.prepare_cached(
        "INSERT INTO contact_numbers (contact, place, label, number, e164, caller_key, import) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (place, number) in numbers.iter().enumerate() {
        let place = i64::try_from(first + place).unwrap_or(i64::MAX);
        insert.execute(params![
            contact,
            place,
            number.label,
            number.number,
            number.e164,
            number.key,
            import
        ])?;
    }
    Ok(())
}

/// Writes the haystack of a contact anew after its numbers changed.
pub(crate) fn refresh(change: &Transaction<'_>, id: i64) -> Result<(), HistoryError> {
    let Some(before) = haystack_or_none(change, id)? else {
        return Ok(());
    };
    let contact = one(change, id)?;
    let haystack = text::contact_haystack(
        [contact.name.as_str(), &contact.organisation, &contact.note],
        contact
            .numbers
            .iter()
            .map(|number| (number.number.as_str(), number.e164.as_deref())),
    );
    change
        .prepare_cached("UPDATE contacts SET haystack = ?2 WHERE id = ?1")?
        .execute(params![id, haystack])?;
    index::CONTACTS.replace(change, id, &before, &haystack)
}

pub(crate) fn delete(change: &Transaction<'_>, id: i64) -> Result<(), HistoryError> {
    let haystack = haystack_or_none(change, id)?.ok_or(HistoryError::NoSuchContact)?;
    index::CONTACTS.remove(change, id, &haystack)?;
    change
        .prepare_cached("DELETE FROM contact_numbers WHERE contact = ?1")?
        .execute([id])?;
    change
        .prepare_cached("DELETE FROM contacts WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

pub(crate) fn one(connection: &Connection, id: i64) -> Result<Contact, HistoryError> {
    let mut statement = connection
        .prepare_cached("SELECT name, organisation, note, import FROM contacts WHERE id = ?1")?;
    let found = statement
        .query_row([id], |row| {
            Ok(Contact {
                id,
                name: row::text(row, "name")?,
                organisation: row::text(row, "organisation")?,
                note: row::text(row, "note")?,
                import: row.get("import")?,
                numbers: Vec::new(),
            })
        })
        .optional()?;
    let mut contact = found.ok_or(HistoryError::NoSuchContact)?;
    let mut numbers = connection.prepare_cached(
        "SELECT label, number, e164 FROM contact_numbers WHERE contact = ?1 ORDER BY place",
    )?;
    contact.numbers = numbers
        .query_map([id], |row| {
            Ok(ContactNumber {
                label: row::text(row, "label")?,
                number: row::text(row, "number")?,
                e164: row::text_or_none(row, "e164")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(contact)
}

/// What a search looks at; "" for a contact that is gone.
pub(crate) fn haystack(connection: &Connection, id: i64) -> Result<String, HistoryError> {
    Ok(haystack_or_none(connection, id)?.unwrap_or_default())
}

fn haystack_or_none(connection: &Connection, id: i64) -> Result<Option<String>, HistoryError> {
    let mut statement = connection.prepare_cached("SELECT haystack FROM contacts WHERE id = ?1")?;
    Ok(statement
        .query_row([id], |row| row::text(row, "haystack"))
        .optional()?)
}

/// The number of a contact that a search touches.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touched {
    /// The words of the search that the contact has.
    pub(crate) words: u32,
    /// What its calls are found by.
    pub(crate) key: String,
}

/// The numbers of every contact that has at least one of the words. `None`: more than `most`.
pub(crate) fn touched(
    connection: &Connection,
    needle: &Needle,
    most: usize,
) -> Result<Option<Vec<Touched>>, HistoryError> {
    let Some(hits) = needle.any() else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT c.id, c.haystack FROM (SELECT rowid FROM contacts_search WHERE contacts_search MATCH ?1 LIMIT ?2) s
         CROSS JOIN contacts c ON c.id = s.rowid",
    )?;
    let mut numbers =
        connection.prepare_cached("SELECT caller_key FROM contact_numbers WHERE contact = ?1")?;
    let mut rows = statement.query(params![hits, i64::try_from(most).unwrap_or(i64::MAX)])?;
    let (mut found, mut candidates) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        candidates += 1;
        let words = needle.words_in(&row::text(row, "haystack")?);
        if words != 0 {
            let mut theirs = numbers.query([row.get::<_, i64>("id")?])?;
            while let Some(number) = theirs.next()? {
                let key = row::text(number, "caller_key")?;
                found.push(Touched { words, key });
            }
        }
        if candidates >= most || found.len() > most {
            return Ok(None);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// See [`Store::contacts`](crate::Store::contacts).
pub(crate) fn page(
    connection: &Connection,
    text: &str,
    cursor: Option<&str>,
    limit: usize,
) -> Result<ContactPage, HistoryError> {
    let limit = limit.clamp(1, LARGEST_PAGE);
    let (after_id, after) = match cursor {
        None => (i64::MIN, ""),
        Some(cursor) => {
            let (id, name) = cursor.split_once('.').ok_or(HistoryError::BadCursor)?;
            (id.parse().map_err(|_| HistoryError::BadCursor)?, name)
        }
    };
    let snapshot = connection.unchecked_transaction()?;
    let needle = Needle::parse(text);
    if needle.is_empty() && !text.trim().is_empty() {
        return Ok(ContactPage {
            contacts: Vec::new(),
            next: None,
        });
    }
    let few = match needle.all() {
        Some(hits) => few_hits(&snapshot, &needle, &hits)?,
        None => None,
    };
    let (found, next) = match few {
        Some(mut hits) => {
            hits.retain(|hit| (hit.0.as_str(), hit.1) > (after, after_id));
            let more = hits.len() > limit;
            hits.truncate(limit);
            let next = hits.last().filter(|_| more).map(mark);
            (hits, next)
        }
        None => in_order(&snapshot, &needle, (after, after_id), limit)?,
    };
    let contacts = found
        .into_iter()
        .map(|(_, id)| one(&snapshot, id))
        .collect::<Result<_, _>>()?;
    snapshot.commit()?;
    Ok(ContactPage { contacts, next })
}

/// A place in the order of names.
type Place = (String, i64);

fn mark((name, id): &Place) -> String {
    format!("{id}.{name}")
}

/// The hits of the index, sorted; `None`: too many.
fn few_hits(
    connection: &Connection,
    needle: &Needle,
    hits: &str,
) -> Result<Option<Vec<Place>>, HistoryError> {
    let mut statement = connection.prepare_cached(
        "SELECT c.id, c.sort_name, c.haystack FROM (SELECT rowid FROM contacts_search WHERE contacts_search MATCH ?1 LIMIT ?2) s
         CROSS JOIN contacts c ON c.id = s.rowid",
    )?;
    let mut rows = statement.query(params![
        hits,
        i64::try_from(MOST_SORTED).unwrap_or(i64::MAX)
    ])?;
    let (mut found, mut candidates) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        candidates += 1;
        if needle.is_in(&[&row::text(row, "haystack")?]) {
            found.push((row::text(row, "sort_name")?, row.get("id")?));
        }
    }
    found.sort_unstable();
    Ok((candidates < MOST_SORTED).then_some(found))
}

/// Looks at the names in order.
fn in_order(
    connection: &Connection,
    needle: &Needle,
    after: (&str, i64),
    limit: usize,
) -> Result<(Vec<Place>, Option<String>), HistoryError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, sort_name, haystack FROM contacts WHERE (sort_name, id) > (?1, ?2) ORDER BY sort_name, id",
    )?;
    let mut rows = statement.query(params![after.0, after.1])?;
    let (mut found, mut passed_over) = (Vec::new(), 0);
    let mut last: Option<Place> = None;
    while let Some(row) = rows.next()? {
        if found.len() == limit || passed_over == MOST_LOOKED_AT {
            return Ok((found, last.as_ref().map(mark)));
        }
        let place: Place = (row::text(row, "sort_name")?, row.get("id")?);
        if needle.is_empty() || needle.is_in(&[&row::text(row, "haystack")?]) {
            found.push(place.clone());
        } else {
            passed_over += 1;
        }
        last = Some(place);
    }
    Ok((found, None))
}
