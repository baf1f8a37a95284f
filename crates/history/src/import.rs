//! Contacts from files of other programs: vCard (2.1, 3.0, 4.0) and CSV (Google, Outlook).

mod csv_file;
mod text_of;
mod vcard_file;

use call::number::Region;
use rusqlite::{Transaction, params};

use crate::contacts::{self, Checked, CheckedNumber, ContactDraft};
use crate::error::HistoryError;
use crate::store::{Store, immediate};
use crate::text::{LONGEST_NAME, LONGEST_NOTE, clean};

/// The largest file that is read, bytes. Photos make vCards large.
const LARGEST_FILE: usize = 256 << 20;
/// Contacts that one step writes; a journal entry may pass between two steps.
const STEP: usize = 50;
/// Sentences about single contacts that a report carries, of each kind; the counts go on.
const MOST_TOLD: usize = 200;

/// What became of a file of contacts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Pass it to [`Store::undo_import`]. `None`: nothing was changed.
    pub import: Option<i64>,
    /// New contacts.
    pub taken: u64,
    /// Contacts that were there and gained a number.
    pub extended: u64,
    /// Contacts that were there with all their numbers.
    pub duplicates: u64,
    /// Contacts that were left out.
    pub skipped: u64,
    /// Who was left out or not taken whole, and why; the first 200.
    pub remarks: Vec<ImportRemark>,
}

/// One sentence about one contact of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRemark {
    /// Which contact of the file, counted from 1.
    pub place: u64,
    /// Its name, if it has one.
    pub name: String,
    /// What was done and why, for a person.
    pub what: String,
}

/// An import that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportBatch {
    /// For [`Store::undo_import`].
    pub import: i64,
    /// Unix milliseconds.
    pub at_unix_ms: i64,
    /// Name of the file.
    pub source: String,
    /// Contacts that are still as it brought them.
    pub contacts: u64,
}

/// What a file says of one contact.
#[derive(Debug, Default)]
pub(crate) struct Card {
    pub(crate) draft: ContactDraft,
    /// Why it is no contact of ours.
    pub(crate) skip: Option<&'static str>,
}

impl Store {
    /// Takes contacts from the bytes of a file; `source` is its name, to be shown. vCard is told from CSV by its first line. A
    /// contact that is there already (same name and number) is not doubled, and gains the numbers it lacks. The work is done
    /// in small steps; a failure in the middle leaves an import that can be undone.
    ///
    /// # Errors
    /// [`HistoryError::NotContacts`] (nothing was changed), or the file of the history cannot be written.
    pub fn import_contacts(
        &self,
        source: &str,
        bytes: &[u8],
        region: Region,
        now_unix_ms: i64,
    ) -> Result<ImportReport, HistoryError> {
        if bytes.len() > LARGEST_FILE {
            return Err(HistoryError::NotContacts("it is larger than 256 MB."));
        }
        let text = text_of::decode(bytes);
        let cards = if vcard_file::is_one(&text) {
            vcard_file::read(&text)?
        } else {
            csv_file::read(&text)?
        };
        if cards.is_empty() {
            return Err(HistoryError::NotContacts("there is none in it."));
        }
        let mut report = ImportReport::default();
        let mut place = 0;
        for step in cards.chunks(STEP) {
            let mut writer = self.writer();
            let change = immediate(&mut writer)?;
            let import = match report.import {
                Some(import) => import,
                None => begin(&change, source, now_unix_ms)?,
            };
            for card in step {
                place += 1;
                take(&change, card, place, region, import, &mut report)?;
            }
            if report.taken + report.extended > 0 {
                change.commit()?;
                report.import = Some(import);
            }
            // else the transaction is rolled back: an import that changed nothing is not remembered
            else {
                drop(change);
            }
            Self::let_pass(writer);
        }
        if report.import.is_some() {
            self.bump();
            self.merge_soon();
        }
        Ok(report)
    }

    /// Takes an import back: its contacts, and the numbers it added to others. What a person has changed since stays.
    /// Returns how many contacts were removed.
    ///
    /// # Errors
    /// [`HistoryError::NothingToUndo`], or the file cannot be written.
    pub fn undo_import(&self, import: i64) -> Result<u64, HistoryError> {
        let mut removed = 0;
        loop {
            let mut writer = self.writer();
            let change = immediate(&mut writer)?;
            let known: i64 = change
                .prepare_cached("SELECT count(*) FROM imports WHERE id = ?1")?
                .query_row([import], |row| row.get(0))?;
            if known == 0 {
                return Err(HistoryError::NothingToUndo);
            }
            let step = ids(
                &change,
                "SELECT id FROM contacts WHERE import = ?1 LIMIT ?2",
                import,
            )?;
            for id in &step {
                contacts::delete(&change, *id)?;
            }
            removed += step.len() as u64;
            if step.is_empty() {
                let grown = ids(
                    &change,
                    "SELECT DISTINCT contact FROM contact_numbers WHERE import = ?1 LIMIT ?2",
                    import,
                )?;
                for id in &grown {
                    change
                        .prepare_cached(
                            "DELETE FROM contact_numbers WHERE contact = ?1 AND import = ?2",
                        )?
                        .execute([*id, import])?;
                    contacts::refresh(&change, *id)?;
                }
                if grown.is_empty() {
                    change.execute("DELETE FROM imports WHERE id = ?1", [import])?;
                    change.commit()?;
                    break;
                }
            }
            change.commit()?;
            Self::let_pass(writer);
        }
        self.bump();
        self.merge_soon();
        Ok(removed)
    }

    /// The imports that can be taken back, newest first, at most 100.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn imports(&self) -> Result<Vec<ImportBatch>, HistoryError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT id, at, source, (SELECT count(*) FROM contacts WHERE import = imports.id) AS contacts
             FROM imports ORDER BY id DESC LIMIT 100",
        )?;
        let batches = statement.query_map([], |row| {
            Ok(ImportBatch {
                import: row.get("id")?,
                at_unix_ms: row.get("at")?,
                source: crate::row::text(row, "source")?,
                contacts: row.get::<_, i64>("contacts")?.unsigned_abs(),
            })
        })?;
        Ok(batches.collect::<Result<_, _>>()?)
    }
}

fn ids(change: &Transaction<'_>, sql: &str, import: i64) -> Result<Vec<i64>, HistoryError> {
    let step = i64::try_from(STEP).unwrap_or(1);
    let mut statement = change.prepare_cached(sql)?;
    Ok(statement
        .query_map([import, step], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

fn begin(change: &Transaction<'_>, source: &str, now_unix_ms: i64) -> Result<i64, HistoryError> {
    change
        .prepare_cached("INSERT INTO imports (at, source) VALUES (?1, ?2)")?
        .execute(params![now_unix_ms, clean(source, LONGEST_NAME)])?;
    Ok(change.last_insert_rowid())
}

fn take(
    change: &Transaction<'_>,
    card: &Card,
    place: u64,
    region: Region,
    import: i64,
    report: &mut ImportReport,
) -> Result<(), HistoryError> {
    let mut draft = card.draft.clone();
    let name = clean(&draft.name, 80);
    let mut remark = |what: String| {
        if report.remarks.len() < MOST_TOLD {
            report.remarks.push(ImportRemark {
                place,
                name: name.clone(),
                what,
            });
        }
    };
    if let Some(why) = card.skip {
        remark(format!("Left out: {why}"));
        report.skipped += 1;
        return Ok(());
    }
    draft.numbers.retain(|(label, number)| {
        let is_one = CheckedNumber::new(label, number, region).is_some();
        if !is_one && !clean(number, 40).is_empty() {
            remark(format!(
                "“{}” is not a number and was left out.",
                clean(number, 40)
            ));
        }
        is_one
    });
    if draft.note.chars().count() > LONGEST_NOTE {
        draft.note = draft.note.chars().take(LONGEST_NOTE).collect();
        remark(format!("The note was cut after {LONGEST_NOTE} characters."));
    }
    if draft.numbers.is_empty() {
        remark("Left out: there is no number in it.".into());
        report.skipped += 1;
        return Ok(());
    }
    let checked = match Checked::new(&draft, region) {
        Ok(checked) => checked,
        Err(error) => {
            remark(format!("Left out: {error}"));
            report.skipped += 1;
            return Ok(());
        }
    };
    let Some((id, lacking, places)) = same_person(change, &checked)? else {
        checked.insert(change, Some(import))?;
        report.taken += 1;
        return Ok(());
    };
    if lacking.is_empty() {
        remark("Already in your contacts.".into());
        report.duplicates += 1;
        return Ok(());
    }
    remark(format!(
        "Already in your contacts; numbers added: {}.",
        lacking.len()
    ));
    contacts::insert_numbers(change, id, places, &lacking, Some(import))?;
    contacts::refresh(change, id)?;
    report.extended += 1;
    Ok(())
}

/// A contact of the same name with at least one of the numbers: its id, the numbers it lacks, the place for the first.
fn same_person(
    change: &Transaction<'_>,
    checked: &Checked,
) -> Result<Option<(i64, Vec<CheckedNumber>, usize)>, HistoryError> {
    let mut candidates = change
        .prepare_cached("SELECT id FROM contacts WHERE sort_name = ?1 ORDER BY id LIMIT 64")?;
    let candidates = candidates
        .query_map([&checked.sort_name], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for id in candidates {
        let known = contacts::one(change, id)?.numbers;
        let lacking: Vec<_> = checked
            .numbers
            .iter()
            .filter(|number| !known.iter().any(|known| number.is_line_of(known)))
            .cloned()
            .collect();
        if lacking.len() < checked.numbers.len() {
            let next = change
                .prepare_cached(
                    "SELECT ifnull(max(place) + 1, 0) FROM contact_numbers WHERE contact = ?1",
                )?
                .query_row([id], |row| row.get::<_, i64>(0))?;
            return Ok(Some((id, lacking, usize::try_from(next).unwrap_or(0))));
        }
    }
    Ok(None)
}
