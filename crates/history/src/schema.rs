//! The numbered steps that bring a file of any older version up to date. A step that was released is never edited.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::error::HistoryError;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("../migrations/0001_calls.sql")),
    M::up(include_str!("../migrations/0002_settings.sql")),
];

/// The version of a file that is up to date.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

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
    Ok(Migrations::from_slice(STEPS).to_latest(connection)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_valid() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }

    #[test]
    fn every_older_version_is_brought_up_to_date() {
        for older in 0..STEPS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            Migrations::from_slice(STEPS)
                .to_version(&mut connection, older)
                .unwrap();
            assert_eq!(version(&connection).unwrap(), older as i64);
            if older >= 1 {
                connection
                    .execute(
                        "INSERT INTO calls (id, session, direction, number, room, leg, started_at)
                         VALUES ('old', 's', 'inbound', '', 'r', 'l', 7)",
                        [],
                    )
                    .unwrap();
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
