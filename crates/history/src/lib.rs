//! The local journal of calls, and settings, in SQLite.
//!
//! A row exists before anything rings or dials, so that a crash leaves something the next start can close. [`spawn`]
//! carries out the journal entries of the phone; [`Store`] is what the rest of the program reads. One profile may be
//! open in several programs at once (the app and a terminal command): rows belong to a session, and only rows of
//! sessions that are no longer running are orphans.

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

mod error;
mod page;
mod port;
mod schema;
mod session;
mod store;

pub use error::HistoryError;
pub use page::{HistoryEntry, Page};
pub use port::{Journal, spawn};
pub use store::Store;

#[cfg(test)]
mod tests;
