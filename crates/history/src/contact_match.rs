//! Whose number is this?
//!
//! The same E.164 number decides. Only where one of the two is not known in that form (it came without a country, or was
//! typed so) do the last nine digits, or eight of a shorter number, stand in for it, and then only for one contact.

use rusqlite::Connection;

use crate::error::HistoryError;
use crate::row;
use crate::text::{TAIL, caller_key, digits, e164, without_extension};

/// The contact that a number belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactName {
    /// Name of the contact in this file.
    pub id: i64,
    /// What the person calls them.
    pub name: String,
}

/// More contacts than this share their last digits only in a file made to hurt.
const MOST_CANDIDATES: i64 = 64;

/// The contact of a number that came from the line or was dialled.
pub(crate) fn of_number(
    connection: &Connection,
    number: &str,
) -> Result<Option<ContactName>, HistoryError> {
    match caller_key(number) {
        Some(key) => of_key(connection, number, &key),
        None => Ok(None),
    }
}

/// As [`of_number`], with the key that the row already has.
pub(crate) fn of_key(
    connection: &Connection,
    number: &str,
    key: &str,
) -> Result<Option<ContactName>, HistoryError> {
    let exact = e164(number);
    let mut candidates = connection.prepare_cached(
        "SELECT n.contact, n.number, n.e164, c.name FROM contact_numbers n JOIN contacts c ON c.id = n.contact
         WHERE n.caller_key = ?1 ORDER BY n.contact LIMIT ?2",
    )?;
    let mut rows = candidates.query(rusqlite::params![key, MOST_CANDIDATES])?;
    let mut alike: Option<ContactName> = None;
    let mut several = false;
    while let Some(row) = rows.next()? {
        let theirs = row::text_or_none(row, "e164")?;
        let contact = ContactName {
            id: row.get("contact")?,
            name: row::text(row, "name")?,
        };
        if exact.is_some() && theirs.as_deref() == exact {
            return Ok(Some(contact)); // of several with one number, the one that was added first
        }
        if exact.is_some() && theirs.is_some() || !same_end(number, &row::text(row, "number")?) {
            continue;
        }
        match &alike {
            Some(other) => several |= other.id != contact.id,
            None => alike = Some(contact),
        }
    }
    Ok(alike.filter(|_| !several))
}

/// Do two numbers with the same key end alike?
fn same_end(one: &str, other: &str) -> bool {
    let (one, other) = (without_extension(one), without_extension(other));
    if one.contains(char::is_alphabetic) || other.contains(char::is_alphabetic) {
        return caller_key(one) == caller_key(other);
    }
    let (one, other) = (digits(one), digits(other));
    let shared = one.len().min(other.len()).min(TAIL.0);
    if shared < TAIL.1 {
        return one == other;
    }
    one.get(one.len() - shared..) == other.get(other.len() - shared..)
}

#[cfg(test)]
mod tests {
    use super::same_end;

    #[test]
    fn eight_or_nine_digits_must_agree() {
        assert!(same_end("+442079460018", "020 7946 0018"));
        assert!(same_end("79460018", "+44 20 7946 0018"), "eight will do");
        assert!(
            !same_end("+442079460018", "+999179460018"),
            "of nine, the ninth counts"
        );
        assert!(!same_end("0018", "+442079460018"), "four will not");
        assert!(same_end("100", "100") && !same_end("100", "5100"));
        assert!(same_end("sip:anna@example.org", "ANNA@example.org"));
    }
}
