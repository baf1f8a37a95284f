//! The log: a file in the profile that cannot grow without bound, and stderr.
//!
//! Levels: ERROR a person must act, WARN something was lost or refused, INFO milestones, DEBUG facts of single calls.
//! Numbers and names are never logged above DEBUG, secrets and tokens never at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::profile::Profile;

/// Name of the file in the profile; the one before it ends in `.1`.
pub const FILE: &str = "deskline.log";
/// Target of what stderr does not show because a plain sentence is written there.
pub(crate) const FILE_ONLY: &str = "file_only";
/// A file longer than this is put aside.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Overrides what goes into the file, in the syntax of `tracing`'s filters.
const FILTER_VARIABLE: &str = "DESKLINE_LOG";
/// What goes into the file otherwise.
const FILTER: &str = "info,zbus=warn,reqwest=warn,hyper=warn";

/// Starts logging: everything of note into the profile's file, and what is at least as grave as `stderr` to stderr.
/// A file that cannot be opened is said once on stderr and done without.
pub fn start(profile: &Profile, stderr: LevelFilter) {
    let file_filter =
        EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(FILTER));
    let file = match LogFile::open(profile.path().join(FILE), MAX_BYTES) {
        Ok(file) => Some(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(file)
                .with_filter(file_filter),
        ),
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "The log {FILE} cannot be written ({error}); going on without it."
            );
            None
        }
    };
    let terminal = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr)
        .with_filter(stderr)
        .with_filter(EnvFilter::new("warn,deskline_app=info,file_only=off"));
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry()
        .with(file)
        .with(terminal)
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("a fault without words");
        tracing::error!(place, "fault: {what}");
    }));
}

/// A log file that puts itself aside when it is full. Clones write to the same file.
#[derive(Debug, Clone)]
struct LogFile(Arc<Mutex<Rotating>>);

#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    max_bytes: u64,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: PathBuf, max_bytes: u64) -> io::Result<Self> {
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Rotating {
            path,
            max_bytes,
            file,
            bytes,
        }))))
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

impl Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes >= self.max_bytes {
            // If it cannot be put aside, it goes on growing: a log too long is better than none.
            if fs::rename(&self.path, self.path.with_extension("log.1")).is_ok() {
                self.file = append(&self.path)?;
            }
            self.bytes = 0;
        }
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // written at once
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_log_is_put_aside_once() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(FILE);
        let mut log = LogFile::open(path.clone(), 100).unwrap();
        for n in 0..30 {
            writeln!(log, "line {n:02}").unwrap();
        }
        let old = fs::read_to_string(path.with_extension("log.1")).unwrap();
        let new = fs::read_to_string(&path).unwrap();
        assert!(new.ends_with("line 29\n"), "{new}");
        assert!(old.len() < 120 && new.len() < 120);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_log_goes_on_where_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(FILE);
        for text in ["one", "two"] {
            writeln!(LogFile::open(path.clone(), 100).unwrap(), "{text}").unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
