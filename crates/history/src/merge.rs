//! Merging the parts of the full-text indexes, a little at a time, beside the entries that make them.
//!
//! Every entry adds a part to an index, and a search walks all parts, so they have to be merged. SQLite would do that within
//! one entry of a hundred, which then takes twenty milliseconds. Here it is switched off (step 7 of the schema) and done by a
//! thread of its own, in steps of a few pages, and whoever wants to write goes in between.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use crate::error::HistoryError;
use crate::index;

/// Pages of an index (4 KB) that one step merges: one to two milliseconds.
const PAGES: i64 = 16;

/// What asks for the work. The thread begins with the first need and ends when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    thread: Mutex<Option<SyncSender<()>>>,
}

impl Merging {
    /// Has what is there to merge merged soon. Never waits.
    pub(crate) fn soon(&self, file: &Arc<Mutex<Connection>>) {
        let mut thread = self.thread.lock();
        let wake = thread.get_or_insert_with(|| begin(Arc::downgrade(file)));
        // Full: it has been asked and did not look yet. Gone: the system gave no thread; parts are then merged late, within
        // an entry (`crisismerge`).
        let _ = wake.try_send(());
    }
}

fn begin(file: Weak<Mutex<Connection>>) -> SyncSender<()> {
    let (wake, woken) = sync_channel(1);
    let begun = thread::Builder::new()
        .name("history-merge".into())
        .spawn(move || work(&woken, &file));
    if let Err(error) = begun {
        tracing::warn!(%error, "no thread for merging the index of the history");
    }
    wake
}

fn work(woken: &Receiver<()>, file: &Weak<Mutex<Connection>>) {
    while woken.recv().is_ok() {
        // Held for one step only, so that a file that is closed meanwhile does close.
        while file.upgrade().is_some_and(|file| worked(&file)) {}
    }
}

/// Merges until nothing is left to merge; others write in between. For those who bring very many entries at once: they
/// would be quicker than the thread.
pub(crate) fn all(file: &Mutex<Connection>) {
    while worked(file) {}
}

/// One step. `false`: nothing was left to do, or it failed, which loses nothing: the next entry asks again.
fn worked(file: &Mutex<Connection>) -> bool {
    step(file.lock()).unwrap_or_else(|error| {
        tracing::debug!("an index was not merged: {}", error.detail());
        false
    })
}

/// One step on each index, and lets go of the file. `false`: nothing was left to do.
fn step(file: MutexGuard<'_, Connection>) -> Result<bool, HistoryError> {
    let mut worked = false;
    for index in [&index::CALLS, &index::CONTACTS] {
        let before = file.total_changes();
        index.merge(&file, PAGES)?;
        // One change is the command itself (sqlite.org/fts5.html, "The 'merge' Command").
        worked |= file.total_changes() - before >= 2;
    }
    MutexGuard::unlock_fair(file);
    Ok(worked)
}
