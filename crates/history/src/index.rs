//! Keeping a full-text index beside its table. The index has no copy of the text: what was put in must be said again, letter
//! for letter, to take it out.

use rusqlite::{Connection, params};

use crate::error::HistoryError;

/// The index of one table.
pub(crate) struct Index {
    add: &'static str,
    remove: &'static str,
    pub(crate) rebuild: &'static str,
    merge: &'static str,
}

/// Of calls.
pub(crate) const CALLS: Index = Index {
    add: "INSERT INTO calls_search (rowid, haystack) VALUES (?1, ?2)",
    remove: "INSERT INTO calls_search (calls_search, rowid, haystack) VALUES ('delete', ?1, ?2)",
    rebuild: "INSERT INTO calls_search (calls_search) VALUES ('rebuild')",
    merge: "INSERT INTO calls_search (calls_search, rank) VALUES ('merge', ?1)",
};

/// Of contacts.
pub(crate) const CONTACTS: Index = Index {
    add: "INSERT INTO contacts_search (rowid, haystack) VALUES (?1, ?2)",
    remove: "INSERT INTO contacts_search (contacts_search, rowid, haystack) VALUES ('delete', ?1, ?2)",
    rebuild: "INSERT INTO contacts_search (contacts_search) VALUES ('rebuild')",
    merge: "INSERT INTO contacts_search (contacts_search, rank) VALUES ('merge', ?1)",
};

impl Index {
    pub(crate) fn add(&self, to: &Connection, id: i64, haystack: &str) -> Result<(), HistoryError> {
        to.prepare_cached(self.add)?
            .execute(params![id, haystack])?;
        Ok(())
    }

    pub(crate) fn remove(
        &self,
        from: &Connection,
        id: i64,
        haystack: &str,
    ) -> Result<(), HistoryError> {
        from.prepare_cached(self.remove)?
            .execute(params![id, haystack])?;
        Ok(())
    }

    pub(crate) fn replace(
        &self,
        connection: &Connection,
        id: i64,
        before: &str,
        after: &str,
    ) -> Result<(), HistoryError> {
        if before == after {
            return Ok(());
        }
        self.remove(connection, id, before)?;
        self.add(connection, id, after)
    }

    /// Merges so many pages of its parts, if there are parts to merge.
    pub(crate) fn merge(&self, on: &Connection, pages: i64) -> Result<(), HistoryError> {
        on.prepare_cached(self.merge)?.execute([pages])?;
        Ok(())
    }
}
