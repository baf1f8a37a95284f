//! A folder that exists as long as its owner.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::guardian;

/// A private folder (mode 0700), removed on drop and also when the process is killed.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// A new, empty folder under the system's temporary folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(purpose: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("deskline-{purpose}-"))
            .tempdir()
            .context("cannot make a scratch folder")?;
        guardian::watch_folder(folder.path())?;
        Ok(Self { folder })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder inside it, made when missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        use std::os::unix::fs::DirBuilderExt;
        let path = self.path().join(name);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(path)
    }
}
