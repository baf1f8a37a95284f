//! History, contacts and settings for whoever shows them: reads and changes go to the store, not through the phone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use call::CallId;
use call::number::Region;
use desk::unix_ms;
use history::{ExportNames, HistoryError, Store, UNDO_WITHIN_MS, UndoToken, Wipe};

use crate::core::{Core, blocking};
use crate::ipc::convert;
use crate::ipc::records::{
    ContactDraft, ContactsPage, ExportFormat, Exported, HistoryPage, HistoryQuery, ImportView,
    SettingsInForce, SettingsView, WipeWhat,
};
use crate::ipc::types::IpcError;
use crate::ipc::watchers::CallDetails;
use crate::settings;

/// When a deletion is final, with a second for the two clocks to agree.
#[allow(clippy::cast_sign_loss)] // a positive constant
const CANNOT_BE_TAKEN_BACK: Duration = Duration::from_millis(UNDO_WITHIN_MS as u64 + 1_000);
/// Events of one call that are shown.
const EVENTS: usize = 200;
/// Tries for a free name beside files of earlier exports.
const NAMES: u32 = 1000;

impl Core {
    /// Work with the store, on a thread that may wait for the disk.
    async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, Region) -> Result<T, history::HistoryError> + Send + 'static,
    ) -> Result<T, IpcError> {
        let store = self.store()?;
        let region = self.region();
        blocking(move || {
            work(&store, region).map_err(|error| {
                tracing::debug!(detail = %error.detail(), "the store refused");
                IpcError::new("history", error.to_string())
            })
        })
        .await
    }

    /// Calls that were asked for.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn history_page(
        &self,
        query: HistoryQuery,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<HistoryPage, IpcError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.stored(move |store, region| {
            let page = store.find(&convert::query(query), cursor.as_deref(), limit)?;
            Ok(convert::history_page(&page, region))
        })
        .await
    }

    /// Writes what a person says about a call.
    ///
    /// # Errors
    /// No such call, too long, or it cannot be written.
    pub async fn history_note(&self, call: String, note: String) -> Result<(), IpcError> {
        self.stored(move |store, _| store.set_note(&call, &note))
            .await
    }

    /// Missed calls that nobody has looked at.
    ///
    /// # Errors
    /// They cannot be counted.
    pub async fn missed_count(&self) -> Result<u32, IpcError> {
        let count = self.stored(|store, _| store.missed_count()).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Somebody has looked at a missed call; `None`: at all of them.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn history_seen(&self, call: Option<String>) -> Result<(), IpcError> {
        self.stored(move |store, _| match call {
            Some(call) => store.mark_seen(&call),
            None => store.mark_all_seen().map(drop),
        })
        .await
    }

    /// Those of these calls that somebody has looked at, or that are not in the history any more.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) async fn looked_at(&self, calls: Vec<CallId>) -> Result<Vec<CallId>, IpcError> {
        self.stored(move |store, _| {
            let mut seen = Vec::new();
            for call in calls {
                match store.entry(call.as_str()) {
                    Ok(entry) if !entry.seen => {}
                    Ok(_) | Err(HistoryError::NoSuchCall) => seen.push(call),
                    Err(error) => return Err(error),
                }
            }
            Ok(seen)
        })
        .await
    }

    /// Deletes calls; answers what takes it back for some seconds. Their recordings go when it no longer can be.
    ///
    /// # Errors
    /// They cannot be deleted.
    pub async fn history_delete(&self, calls: Vec<String>) -> Result<String, IpcError> {
        let deleted = calls.clone();
        let token = self
            .stored(move |store, _| {
                let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
                let token = store.delete(&calls, unix_ms())?;
                Ok(token.as_str().to_owned())
            })
            .await?;
        self.listening().end_of(&deleted);
        let core = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(CANNOT_BE_TAKEN_BACK).await;
            let gone = core.stored(|store, _| store.purge_deleted(unix_ms())).await;
            if let Err(error) = gone {
                tracing::warn!(
                    code = error.code,
                    "deleted calls are taken out at the next start"
                );
            }
        });
        Ok(token)
    }

    /// Takes a deletion back; answers how many calls are there again.
    ///
    /// # Errors
    /// They cannot be written.
    pub async fn history_undelete(&self, token: String) -> Result<u32, IpcError> {
        let back = self
            .stored(move |store, _| store.undo_delete(&UndoToken::parse(&token)))
            .await?;
        Ok(u32::try_from(back).unwrap_or(u32::MAX))
    }

    /// Takes everything of a kind out for good; with calls go their recordings. Answers how many calls stayed: those that
    /// are not over, or whose leg the server has not confirmed gone.
    ///
    /// # Errors
    /// Another program reads the file, or it cannot be written.
    pub async fn wipe(&self, what: WipeWhat) -> Result<u32, IpcError> {
        let recordings = match what {
            WipeWhat::History | WipeWhat::Everything => Some(self.recorder().clone()),
            WipeWhat::Contacts => None,
        };
        let what = match what {
            WipeWhat::History => Wipe::History,
            WipeWhat::Contacts => Wipe::Contacts,
            WipeWhat::Everything => Wipe::Everything,
        };
        let stay = self.stored(move |store, _| store.wipe(what)).await?;
        if let Some(recordings) = recordings {
            self.recording_halt();
            blocking(move || recordings.erase()).await?;
        }
        Ok(u32::try_from(stay).unwrap_or(u32::MAX))
    }

    /// Writes the calls that were asked for to a new file in `folder`.
    ///
    /// # Errors
    /// The file cannot be written or the history cannot be read.
    pub async fn history_export(
        &self,
        query: HistoryQuery,
        format: ExportFormat,
        folder: PathBuf,
    ) -> Result<Exported, IpcError> {
        let query = convert::query(query);
        self.exported("calls", format, folder, move |store, format, file| {
            store.export(&query, format, ExportNames::Both, file)
        })
        .await
    }

    /// Writes the whole event log to a new file in `folder`.
    ///
    /// # Errors
    /// The file cannot be written or the log cannot be read.
    pub async fn events_export(
        &self,
        format: ExportFormat,
        folder: PathBuf,
    ) -> Result<Exported, IpcError> {
        self.exported("events", format, folder, |store, format, file| {
            store.export_events(format, file)
        })
        .await
    }

    /// Everything that is known of one call.
    ///
    /// # Errors
    /// There is no such call, or it cannot be read.
    pub async fn call_details(&self, call: String) -> Result<CallDetails, IpcError> {
        self.stored(move |store, region| {
            let entry = store.entry(&call)?;
            let mut people = Vec::new();
            for person in &entry.details.people {
                let contact = store.contact_of(&person.number)?;
                people.push(convert::call_person(person, contact, region));
            }
            let events = store.events_of_call(&call, EVENTS)?;
            Ok(convert::call_details(&entry, people, events, region))
        })
        .await
    }

    async fn exported(
        &self,
        what: &str,
        format: ExportFormat,
        folder: PathBuf,
        write: impl FnOnce(
            &Store,
            history::ExportFormat,
            &mut std::fs::File,
        ) -> Result<u64, history::HistoryError>
        + Send
        + 'static,
    ) -> Result<Exported, IpcError> {
        let (format, ending) = match format {
            ExportFormat::Csv => (history::ExportFormat::Csv, "csv"),
            ExportFormat::Json => (history::ExportFormat::Json, "json"),
        };
        // Without a history there is nothing to make a file for.
        self.store()?;
        let (path, mut file) = fresh_file(&folder, what, ending)?;
        let written = path.clone();
        let count = self
            .stored(move |store, _| write(store, format, &mut file))
            .await;
        match count {
            Ok(calls) => Ok(Exported {
                path: written.display().to_string(),
                calls,
            }),
            Err(error) => {
                // Half a file would pass for a whole one.
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(%error, "half an export is left behind");
                }
                Err(error)
            }
        }
    }

    /// Contacts that have every word of `text`, by name.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn contacts(
        &self,
        text: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<ContactsPage, IpcError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.stored(move |store, _| {
            let page = store.contacts(&text, cursor.as_deref(), limit)?;
            Ok(convert::contacts_page(page))
        })
        .await
    }

    /// Keeps a contact, a new one where `id` is `None`; answers its name in the address book.
    ///
    /// # Errors
    /// It has no number, is gone, or cannot be written.
    pub async fn contact_save(
        &self,
        id: Option<i64>,
        draft: ContactDraft,
    ) -> Result<i64, IpcError> {
        let draft = convert::contact_draft(draft);
        self.stored(move |store, region| match id {
            Some(id) => store.edit_contact(id, &draft, region).map(|()| id),
            None => store.add_contact(&draft, region),
        })
        .await
    }

    /// Deletes a contact. Its calls stay.
    ///
    /// # Errors
    /// It is gone or the file cannot be written.
    pub async fn contact_delete(&self, id: i64) -> Result<(), IpcError> {
        self.stored(move |store, _| store.delete_contact(id)).await
    }

    /// Takes contacts from the text of a file.
    ///
    /// # Errors
    /// It holds none, or they cannot be written.
    pub async fn contacts_import(
        &self,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<ImportView, IpcError> {
        self.stored(move |store, region| {
            let report = store.import_contacts(&name, &bytes, region, unix_ms())?;
            Ok(convert::import(report))
        })
        .await
    }

    /// Takes an import back; answers how many contacts went.
    ///
    /// # Errors
    /// They cannot be deleted.
    pub async fn contacts_undo_import(&self, import: i64) -> Result<u32, IpcError> {
        let gone = self
            .stored(move |store, _| store.undo_import(import))
            .await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    /// Changes settings, keeps them and puts them in force. What another program has set meanwhile stays.
    ///
    /// # Errors
    /// One is wrong (nothing was changed), or they cannot be kept.
    pub async fn settings_change(
        &self,
        change: impl FnOnce(&mut SettingsView) + Send + 'static,
    ) -> Result<SettingsInForce, IpcError> {
        let (core, store) = (self.clone(), self.store()?);
        blocking(move || {
            let _alone = core.settings_alone();
            let mut wanted = settings::load_if_set(&store).unwrap_or_else(|| core.settings());
            change(&mut wanted);
            let wanted = settings::checked(wanted)?;
            settings::save(&store, &wanted)?;
            Ok(core.put_settings_in_force(wanted))
        })
        .await
    }
}

fn fresh_file(
    folder: &Path,
    what: &str,
    ending: &str,
) -> Result<(PathBuf, std::fs::File), IpcError> {
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let refused = |error: &std::io::Error| {
        IpcError::new(
            "export",
            format!(
                "No file can be written in {}: {error}. Make room or check the folder, then try again.",
                folder.display()
            ),
        )
    };
    std::fs::create_dir_all(folder).map_err(|error| refused(&error))?;
    for n in 1..NAMES {
        let name = match n {
            1 => format!("deskline-{what}-{day}.{ending}"),
            n => format!("deskline-{what}-{day}-{n}.{ending}"),
        };
        let path = folder.join(name);
        match std::fs::File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(IpcError::new(
        "export",
        format!(
            "There are too many exports of today in {}. Put some away, then try again.",
            folder.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = fresh_file(folder.path(), "calls", "csv").unwrap();
        let (second, _) = fresh_file(folder.path(), "calls", "csv").unwrap();
        assert_ne!(first, second);
        assert!(second.display().to_string().ends_with("-2.csv"));
        let taken = folder.path().join("file");
        std::fs::write(&taken, "").unwrap();
        assert_eq!(
            fresh_file(&taken, "calls", "csv").unwrap_err().code,
            "export"
        );
    }
}
