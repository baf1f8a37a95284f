//! The local journal of calls, contacts, events and settings, in SQLite.
//!
//! A row exists before anything rings or dials, so that a crash leaves something the next start can close. [`spawn`]
//! carries out the journal entries of the phone; [`Store`] is what the rest of the program reads and changes. One profile
//! may be open in several programs at once (the app and a terminal command): rows belong to a session, and only rows of
//! sessions that are no longer running are left behind ([`Store::take_left_behind`]).
//!
//! - Finding: [`Store::find`] with a [`Query`] (search, filters, pages), [`Store::missed_count`].
//! - Contacts: [`Store::add_contact`], [`Store::contacts`], [`Store::contact_of`], [`Store::import_contacts`] and its undo.
//! - Lines: [`Store::last_line`], [`Store::talked`].
//! - Going out: [`Store::export`]. Going away: [`Store::delete`] and its undo, [`Store::tidy`], [`Store::wipe`].
//! - Explaining: [`Store::log_event`], secrets masked; [`Store::events_of_call`], [`Store::export_events`].
//!
//! How a million rows are searched, and why so, is in `docs/adr/0006-history-search.md`.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod address_book;
mod contact_match;
mod contacts;
mod details;
mod error;
mod events;
mod export;
mod import;
mod index;
mod lines;
mod load;
mod mask;
mod merge;
mod notes;
mod orphans;
mod port;
mod query;
mod recordings;
mod removal;
mod row;
mod schema;
mod session;
mod store;
mod text;

pub use contact_match::ContactName;
pub use contacts::{Contact, ContactDraft, ContactNumber, ContactPage};
pub use details::{Details, Person, Quality};
pub use error::HistoryError;
pub use events::{Event, NewEvent};
pub use export::{ExportFormat, ExportNames};
pub use import::{ImportBatch, ImportRemark, ImportReport};
pub use lines::{RefusedLine, Talked};
pub use load::PastCall;
pub use mask::{MASKED, masked};
pub use orphans::LeftBehind;
pub use port::{Journal, spawn};
pub use query::{Page, Query};
pub use removal::{Tidied, UNDO_WITHIN_MS, UndoToken, Wipe};
pub use row::{CallResult, HistoryEntry};
pub use store::Store;
pub use text::LONGEST_NOTE;

#[cfg(test)]
mod tests;
