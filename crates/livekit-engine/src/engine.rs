//! The library as a whole: found, checked, opened once, never closed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::EngineError;
use crate::locate::{self, Pin, Places};
use crate::{ffi, router};

/// The version of the wheel whose library this crate was made for.
pub const VERSION: &str = env!("ENGINE_VERSION");
/// Operating system and processor this crate was built for.
pub const PLATFORM: &str = env!("ENGINE_PLATFORM");

const PIN: Pin = Pin {
    platform: PLATFORM,
    version: VERSION,
    library: env!("ENGINE_LIBRARY"),
    sha256: env!("ENGINE_SHA256"),
};

/// The loaded engine. There is one for the whole process.
#[derive(Debug)]
pub struct Engine {
    path: PathBuf,
}

impl Engine {
    /// Finds, checks and opens the engine; from the second time on it only returns it. The first time
    /// takes some 50 ms and reads the whole file: call it early, not on the way into a call.
    ///
    /// The file is the one named by the environment variable `DESKLINE_ENGINE`, else the one beside
    /// the executable, else `../lib/deskline/`, else `target/engine/<version>/` in a folder above
    /// the executable or the working folder.
    ///
    /// # Errors
    /// The file is missing, altered or cannot be loaded, or the engine gave up earlier in this process. A
    /// failure is not remembered: the next call looks again.
    pub fn load() -> Result<&'static Self, EngineError> {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());

        if router::get().has_failed() {
            return Err(EngineError::Stopped);
        }
        if let Some(engine) = ENGINE.get() {
            return Ok(engine);
        }
        let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = ENGINE.get() {
            return Ok(engine);
        }
        let path = locate::find(&PIN, &Places::of_process())?;
        ffi::open(&path).map_err(|why| EngineError::NotLoadable {
            path: path.clone(),
            why,
        })?;
        tracing::debug!(
            version = VERSION,
            ffi = env!("ENGINE_FFI_VERSION"),
            "engine loaded"
        );
        Ok(ENGINE.get_or_init(|| Self { path }))
    }

    /// The file that was loaded.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
