//! The folder with everything a desk remembers, except its secret.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a profile cannot be used. One sentence each, for the person.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// The system names no folder for program data.
    #[error("This system names no folder for program data. Start Deskline with --profile DIR.")]
    NoHome,
    /// The folder cannot be made.
    #[error("The profile folder {path} cannot be made ({why}). Choose another with --profile DIR.")]
    Make {
        /// Which.
        path: String,
        /// The system's words.
        why: io::Error,
    },
    /// The folder is there and nothing can be written into it.
    #[error(
        "Nothing can be written to the profile folder {path} ({why}). Make it writable, or choose another with --profile DIR."
    )]
    Write {
        /// Which.
        path: String,
        /// The system's words.
        why: io::Error,
    },
}

/// An opened profile: the folder exists and can be written.
#[derive(Debug, Clone)]
pub struct Profile {
    path: PathBuf,
    is_default: bool,
}

impl Profile {
    /// Opens the given folder, or the one for program data of this system. Made with rights for its owner only.
    ///
    /// # Errors
    /// The folder cannot be found, made or written.
    pub fn open(asked: Option<&Path>) -> Result<Self, ProfileError> {
        let (path, is_default) = match asked {
            Some(path) => (path.to_owned(), false),
            None => (
                dirs::data_dir()
                    .ok_or(ProfileError::NoHome)?
                    .join("deskline"),
                true,
            ),
        };
        let failed_to_make = |why| ProfileError::Make {
            path: path.display().to_string(),
            why,
        };
        make(&path).map_err(failed_to_make)?;
        // Absolute, so that one folder has one name however it was written.
        let path = fs::canonicalize(&path).map_err(failed_to_make)?;
        let probe = path.join(format!(".writable-{}", std::process::id()));
        fs::write(&probe, b"")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|why| ProfileError::Write {
                path: path.display().to_string(),
                why,
            })?;
        Ok(Self { path, is_default })
    }

    /// The folder, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Is it the one that is used when none is named?
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_profile_belongs_to_its_owner_only() {
        let scratch = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&scratch.path().join("a/b"))).unwrap();
        assert!(profile.path().is_absolute());
        assert!(!profile.is_default());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(profile.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        assert_eq!(fs::read_dir(profile.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_way_is_one_sentence() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, b"x").unwrap();
        let said = Profile::open(Some(&file.join("profile")))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("cannot be made") && said.contains("--profile"),
            "{said}"
        );
    }
}
