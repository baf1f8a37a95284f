//! Finds the library file and checks that it is the pinned one.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::EngineError;

/// Names a file to use instead of searching. The file must still be the pinned one.
pub(crate) const OVERRIDE: &str = "DESKLINE_ENGINE";

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pin {
    pub(crate) platform: &'static str,
    pub(crate) version: &'static str,
    /// File name; empty where there is no engine for the platform.
    pub(crate) library: &'static str,
    /// Lower-case hexadecimal SHA-256 of the file.
    pub(crate) sha256: &'static str,
}

/// Where it is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) named: Option<PathBuf>,
    pub(crate) executable: Option<PathBuf>,
    pub(crate) working_folder: Option<PathBuf>,
}

impl Places {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            named: env::var_os(OVERRIDE)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            executable: env::current_exe().ok(),
            working_folder: env::current_dir().ok(),
        }
    }

    /// Every file that would do, best first.
    fn candidates(&self, pin: &Pin) -> Vec<PathBuf> {
        if let Some(named) = &self.named {
            return vec![named.clone()];
        }
        let mut found = Vec::new();
        let folder = self.executable.as_deref().and_then(Path::parent);
        if let Some(folder) = folder {
            found.push(folder.join(pin.library));
            if let Some(prefix) = folder.parent() {
                found.push(prefix.join("lib").join("deskline").join(pin.library));
            }
        }
        // In a source tree the set-up puts the file under `target`.
        for start in [folder, self.working_folder.as_deref()]
            .into_iter()
            .flatten()
        {
            for ancestor in start.ancestors() {
                found.push(
                    ancestor
                        .join("target")
                        .join("engine")
                        .join(pin.version)
                        .join(pin.library),
                );
            }
        }
        found
    }
}

/// The path of the pinned library, checked.
pub(crate) fn find(pin: &Pin, places: &Places) -> Result<PathBuf, EngineError> {
    if pin.library.is_empty() {
        return Err(EngineError::Unsupported {
            platform: pin.platform,
        });
    }
    let path = places
        .candidates(pin)
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let named = places.named.as_ref().map(|path| path.display().to_string());
            EngineError::Missing {
                file: named.unwrap_or_else(|| pin.library.to_owned()),
            }
        })?;
    let sum = sha256(&path).map_err(|error| EngineError::Unreadable {
        path: path.clone(),
        why: error.to_string(),
    })?;
    if sum == pin.sha256 {
        Ok(path)
    } else {
        Err(EngineError::Altered { path })
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        hasher.update(block.get(..read).unwrap_or_default());
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// SHA-256 of `engine`.
    const SUM: &str = "cfb4d1bbb95f2ef1f8f4f3d57b0eadb9d2ab9f0d0f2ba5eb9bcad8ac0a14cf13";

    fn pin(sum: &'static str) -> Pin {
        Pin {
            platform: "test",
            version: "9.9.9",
            library: "engine.so",
            sha256: sum,
        }
    }

    fn sum_of(text: &str) -> &'static str {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, text).unwrap();
        Box::leak(sha256(&path).unwrap().into_boxed_str())
    }

    #[test]
    fn the_sum_is_sha_256() {
        assert_eq!(
            sum_of("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn it_is_found_beside_the_program_then_in_lib_then_under_target() {
        let folder = tempfile::tempdir().unwrap();
        let pin = pin(sum_of("engine"));
        let root = folder.path();
        let places = Places {
            executable: Some(root.join("target/debug/deskline")),
            ..Places::default()
        };
        assert!(matches!(
            find(&pin, &places),
            Err(EngineError::Missing { .. })
        ));
        for place in [
            "target/engine/9.9.9/engine.so",
            "target/lib/deskline/engine.so",
            "target/debug/engine.so",
        ] {
            let path = root.join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "engine").unwrap();
            assert_eq!(find(&pin, &places).unwrap(), path);
        }
    }

    #[test]
    fn a_named_file_is_the_only_one_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("engine.so"), "engine").unwrap();
        let places = Places {
            named: Some(root.join("elsewhere.so")),
            executable: Some(root.join("deskline")),
            ..Places::default()
        };
        let error = find(&pin(sum_of("engine")), &places).unwrap_err();
        assert!(error.to_string().contains("elsewhere.so"));
    }

    #[test]
    fn an_altered_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.so");
        fs::write(&path, "engine, altered").unwrap();
        let places = Places {
            named: Some(path.clone()),
            ..Places::default()
        };
        assert_eq!(find(&pin(SUM), &places), Err(EngineError::Altered { path }));
    }

    #[test]
    fn a_platform_without_an_engine_is_named() {
        let pin = Pin {
            library: "",
            ..pin("")
        };
        assert_eq!(
            find(&pin, &Places::default()),
            Err(EngineError::Unsupported { platform: "test" })
        );
    }
}
