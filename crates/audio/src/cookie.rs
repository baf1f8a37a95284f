//! The key file of the sound server.
//!
//! A PulseAudio or PipeWire server closes the door to a client that shows no key at all, even where the key decides
//! nothing since both belong to the same person. The usual client library makes the file when it is missing; ours only
//! reads it. A fresh account with PipeWire may have none yet.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The length that the protocol wants.
const KEY_BYTES: usize = 256;

/// Makes the key file where our client will look for it, unless there is one.
pub(crate) fn provide() {
    let home = std::env::home_dir();
    let asked = std::env::var_os("PULSE_COOKIE").map(PathBuf::from);
    let usual = home.as_ref().map(|home| home.join(".config/pulse/cookie"));
    let old = home.map(|home| home.join(".pulse-cookie"));
    let places: Vec<PathBuf> = [asked, usual, old].into_iter().flatten().collect();
    if places.iter().any(|place| place.exists()) {
        return;
    }
    if let Some(place) = places.first()
        && let Err(error) = make(place)
    {
        tracing::debug!("no key file for the sound server: {error}");
    }
}

/// As private as the usual library makes it; never over a file that came meanwhile.
fn make(place: &Path) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut key = [0; KEY_BYTES];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)?
        .write_all(&key)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_file_is_private_whole_and_never_overwritten() {
        let scratch = stage::Scratch::new("key-file").unwrap();
        let place = scratch.path().join("pulse/cookie");
        make(&place).unwrap();
        let key = std::fs::read(&place).unwrap();
        assert_eq!(key.len(), KEY_BYTES);
        assert!(key.iter().any(|byte| *byte != key[0]));
        assert_eq!(
            std::fs::metadata(&place).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            make(&place).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(std::fs::read(&place).unwrap(), key);
    }
}
