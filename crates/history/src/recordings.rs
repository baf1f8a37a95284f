//! Files that belong to a row: the recording of a call on this computer goes when its call goes for good.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::store::Store;

/// The folder in that of the profile in which recordings are kept.
const FOLDER: &str = "recordings";

impl Store {
    /// Takes the recording of a call off the disk, in the middle of the change that takes the call out: no row is left
    /// without its file that could have it, and no file without its row. What a row names elsewhere (an address, a file that
    /// somebody moved out) is not ours and stays. False: the file could not be deleted, so its call stays as well.
    pub(crate) fn discard_recording(&self, named: Option<&str>) -> bool {
        let Some(path) = named.map(Path::new) else {
            return true;
        };
        if !is_in(path, &self.profile().join(FOLDER)) {
            return true;
        }
        match fs::remove_file(path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => {
                tracing::warn!(%error, "a recording cannot be deleted; its call stays");
                false
            }
        }
    }
}

/// Is it right in this folder, whatever both are called?
fn is_in(path: &Path, folder: &Path) -> bool {
    let real = |folder: &Path| fs::canonicalize(folder).ok();
    let parent = path.parent().and_then(real);
    parent.is_some() && parent == real(folder)
}
