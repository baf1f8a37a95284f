//! Which programs that share a profile are still running.
//!
//! Each keeps `sessions/<id>.lock` locked for as long as it lives; the operating system lets go of the lock when the
//! program ends, however it ends. A lock that can be taken belongs to a dead session.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{HistoryError, file_error};

/// This program's place among those that share the profile. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    folder: PathBuf,
    lock: File,
}

impl Session {
    /// Announces this program.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn begin(profile: &Path) -> Result<Self, HistoryError> {
        let folder = profile.join("sessions");
        fs::create_dir_all(&folder).map_err(file_error)?;
        let id = uuid::Uuid::now_v7().to_string();
        // Locked under another name first: a file that ends in .lock is never seen unlocked while its owner lives.
        let unlocked = folder.join(format!("{id}.new"));
        let lock = File::create(&unlocked).map_err(file_error)?;
        lock.lock().map_err(file_error)?;
        fs::rename(&unlocked, folder.join(format!("{id}.lock"))).map_err(file_error)?;
        Ok(Self { id, folder, lock })
    }

    /// Its name in the rows.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The sessions that live, this one included. Removes what dead ones left.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn living(&self) -> Result<HashSet<String>, HistoryError> {
        let mut living = HashSet::from([self.id.clone()]);
        for entry in fs::read_dir(&self.folder).map_err(file_error)? {
            let path = entry.map_err(file_error)?.path();
            let (Some(id), Some("lock")) = (
                path.file_stem().and_then(|s| s.to_str()),
                path.extension().and_then(|s| s.to_str()),
            ) else {
                continue;
            };
            if id == self.id {
                continue;
            }
            match File::open(&path) {
                Ok(file) => match file.try_lock() {
                    Ok(()) => {
                        // Another program may have been quicker; then there is nothing left to remove.
                        let _ = fs::remove_file(&path);
                    }
                    // Also when the system cannot tell: better an orphan too few than a living call taken away.
                    Err(_) => {
                        living.insert(id.to_owned());
                    }
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(_) => {
                    living.insert(id.to_owned());
                }
            }
        }
        Ok(living)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.join(format!("{}.lock", self.id)));
        let _ = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_as_long_as_its_owner() {
        let profile = tempfile::tempdir().unwrap();
        let mine = Session::begin(profile.path()).unwrap();
        let other = Session::begin(profile.path()).unwrap();
        let other_id = other.id().to_owned();
        assert!(mine.living().unwrap().contains(&other_id));
        drop(other);
        let living = mine.living().unwrap();
        assert_eq!(living, HashSet::from([mine.id().to_owned()]));
    }

    #[test]
    fn what_a_dead_session_left_is_removed() {
        let profile = tempfile::tempdir().unwrap();
        let mine = Session::begin(profile.path()).unwrap();
        let left = profile.path().join("sessions/dead.lock");
        File::create(&left).unwrap();
        assert!(!mine.living().unwrap().contains("dead"));
        assert!(!left.exists());
    }
}
