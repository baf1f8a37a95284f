//! The numbered steps that bring a file of any older version up to date. A step that was released is never edited.

use rusqlite::{Connection, Transaction, params};
use rusqlite_migration::{HookError, HookResult, M, Migrations};

use crate::error::HistoryError;
use crate::{row, text};

/// The version of a file that is up to date.
pub(crate) const NEWEST: i64 = 9;

fn steps() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../migrations/0001_calls.sql")),
        M::up(include_str!("../migrations/0002_settings.sql")),
        M::up_with_hook(
            include_str!("../migrations/0003_whole_row.sql"),
            make_searchable,
        ),
        M::up(include_str!("../migrations/0004_contacts.sql")),
        M::up(include_str!("../migrations/0005_events.sql")),
        M::up(include_str!("../migrations/0006_people_and_rooms.sql")),
        M::up(include_str!("../migrations/0007_merge_aside.sql")),
        M::up(include_str!("../migrations/0008_refusals.sql")),
        M::up(include_str!("../migrations/0009_muted.sql")),
    ])
}

/// Reads the version without changing anything.
///
/// # Errors
/// The file is no database, or newer than this program.
pub(crate) fn version(connection: &Connection) -> Result<i64, HistoryError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > NEWEST {
        return Err(HistoryError::Newer {
            found,
            known: NEWEST,
        });
    }
    Ok(found)
}

/// Takes the steps that are missing, each in a transaction.
///
/// # Errors
/// As the database says.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), HistoryError> {
    Ok(steps().to_latest(connection)?)
}

/// Folding is not SQL: what rows of older versions are found by is written here.
fn make_searchable(change: &Transaction<'_>) -> HookResult {
    let mut rows = change.prepare("SELECT seq, number, name FROM calls")?;
    let mut update =
        change.prepare("UPDATE calls SET haystack = ?2, caller_key = ?3 WHERE seq = ?1")?;
    let mut found = rows.query([])?;
    let mut folded: Vec<(i64, String, Option<String>)> = Vec::new();
    while let Some(row) = found.next()? {
        let number = row::text(row, "number")?;
        let name = row::text_or_none(row, "name")?;
        folded.push((
            row.get("seq")?,
            text::call_haystack(&number, None, name.as_deref(), ""),
            text::caller_key(&number),
        ));
    }
    for (seq, haystack, key) in folded {
        update.execute(params![seq, haystack, key])?;
    }
    change
        .execute(
            "INSERT INTO calls_search (calls_search) VALUES ('rebuild')",
            [],
        )
        .map_err(HookError::RusqliteError)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_valid() {
        steps().validate().unwrap();
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), NEWEST);
    }

    #[test]
    fn every_older_version_is_brought_up_to_date() {
        for older in 0..usize::try_from(NEWEST).unwrap() {
            let mut connection = Connection::open_in_memory().unwrap();
            steps().to_version(&mut connection, older).unwrap();
            assert_eq!(version(&connection).unwrap(), older as i64);
            let order = if older >= 3 {
                ("seq, ", "7168, ")
            } else {
                ("", "")
            };
            if older >= 1 {
                let insert = format!(
                    "INSERT INTO calls ({} id, session, direction, number, room, leg, started_at)
                     VALUES ({} 'old', 's', 'inbound', '', 'r', 'l', 7)",
                    order.0, order.1
                );
                connection.execute(&insert, []).unwrap();
            }
            migrate(&mut connection).unwrap();
            assert_eq!(version(&connection).unwrap(), NEWEST);
            let kept: i64 = connection
                .query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
                .unwrap();
            assert_eq!(
                kept,
                i64::from(older >= 1),
                "rows survive the step from version {older}"
            );
        }
    }
}
