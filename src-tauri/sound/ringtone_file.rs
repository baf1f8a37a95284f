//! The person's own ringtone on the disk: as samples, since decoding takes longer than a start should.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use audio::tones::OwnRingtone;
use history::Store;

use super::Own;
use crate::ipc::types::IpcError;

/// Setting: what the file was called.
const NAME: &str = "sound.own_ringtone";
/// Mono, 48 kHz, 16 bits, little end first.
const FILE: &str = "ringtone.pcm";

/// What was kept last; what cannot be read is as if never chosen.
pub(super) fn load(folder: &Path, store: Option<&Store>) -> Option<Own> {
    let name = store?.setting_as::<String>(NAME).ok().flatten()?;
    let bytes = fs::read(folder.join(FILE))
        .inspect_err(|error| tracing::warn!(%error, "the chosen ringtone cannot be read"))
        .ok()?;
    let samples = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(i16::from_le_bytes(pair.try_into().ok()?)))
        .collect();
    let ringtone = OwnRingtone::of_kept(samples).ok()?;
    Some(Own { name, ringtone })
}

/// Decodes a file and keeps what it gave.
pub(super) fn import(
    folder: &Path,
    store: &Store,
    name: &str,
    file: Vec<u8>,
) -> Result<Own, IpcError> {
    let ringtone =
        OwnRingtone::decode(file).map_err(|why| IpcError::new("bad_ringtone", why.to_string()))?;
    let name = call::number::display_name(name).unwrap_or_else(|| "Your ringtone".into());
    let bytes: Vec<u8> = ringtone
        .samples()
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    // Whole or not at all: the old one rings until the new one is there.
    let fresh = folder.join("ringtone.new");
    fs::write(&fresh, bytes)
        .and_then(|()| fs::rename(&fresh, folder.join(FILE)))
        .map_err(|error| refused(&error, folder))?;
    store
        .set_setting_as(NAME, Some(&name))
        .map_err(|error| IpcError::new("profile", error.to_string()))?;
    Ok(Own { name, ringtone })
}

/// Forgets it.
pub(super) fn remove(folder: &Path, store: &Store) -> Result<(), IpcError> {
    let path: PathBuf = folder.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(refused(&error, folder));
        }
        Ok(()) | Err(_) => {}
    }
    store
        .set_setting_as::<String>(NAME, None)
        .map_err(|error| IpcError::new("profile", error.to_string()))
}

fn refused(error: &io::Error, folder: &Path) -> IpcError {
    IpcError::new(
        "profile",
        format!(
            "The ringtone cannot be kept in {}: {error}. Make room, then try again.",
            folder.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ringtone_is_kept_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(load(folder.path(), Some(&store)), None);
        let refused = import(folder.path(), &store, "a.txt", b"hello".to_vec()).unwrap_err();
        assert_eq!(refused.code, "bad_ringtone");
        assert_eq!(
            load(folder.path(), Some(&store)),
            None,
            "nothing was changed"
        );

        let own = import(folder.path(), &store, "bell\u{202e}.wav", wav()).unwrap();
        assert_eq!(own.name, "bell .wav");
        assert_eq!(load(folder.path(), Some(&store)), Some(own));
        remove(folder.path(), &store).unwrap();
        remove(folder.path(), &store).unwrap();
        assert_eq!(load(folder.path(), Some(&store)), None);
    }

    /// A tenth of a second of a square wave.
    fn wav() -> Vec<u8> {
        let samples: Vec<i16> = (0..800)
            .map(|index| if index / 10 % 2 == 0 { 9000 } else { -9000 })
            .collect();
        let bytes = samples.len() as u32 * 2;
        let mut file = b"RIFF".to_vec();
        file.extend((36 + bytes).to_le_bytes());
        file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        file.extend(8_000u32.to_le_bytes());
        file.extend(16_000u32.to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend(bytes.to_le_bytes());
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }
}
