//! The library as a whole: found, checked, opened once, never closed. The engine in it is started again after a failure.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::error::EngineError;
use crate::locate::{self, Pin, Places};
#[cfg(debug_assertions)]
use crate::proto;
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

/// A broken engine that has not ended by then keeps the process from calling until it has, or for good. A healthy one
/// with a call ends within a tenth of a second.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// Tells when it has ended.
type Ending = Option<mpsc::Receiver<()>>;

/// The loaded engine. There is one for the whole process.
#[derive(Debug)]
pub struct Engine {
    path: PathBuf,
}

impl Engine {
    /// Finds, checks and opens the engine; from the second time on it only returns it. The first time
    /// takes some 50 ms and reads the whole file: call it early, not on the way into a call. After a failure of the engine
    /// (see [`RequestError::Stopped`](crate::RequestError::Stopped)) it ends what is left of it and starts it anew, which
    /// can take 5 s.
    ///
    /// The file is the one named by the environment variable `DESKLINE_ENGINE`, else the one beside
    /// the executable, else `../lib/deskline/`, else `target/engine/<version>/` in a folder above
    /// the executable or the working folder.
    ///
    /// # Errors
    /// The file is missing, altered or cannot be loaded, or a broken engine does not end. A failure is not remembered: the
    /// next call looks again.
    pub fn load() -> Result<&'static Self, EngineError> {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());

        if let Some(engine) = ENGINE.get()
            && !router::get().has_failed()
        {
            return Ok(engine);
        }
        let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = ENGINE.get() {
            if router::get().has_failed() {
                begin_again()?;
            }
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

    /// Breaks the engine on purpose. For tests.
    #[cfg(debug_assertions)]
    pub fn break_down(&self, breakage: Breakage) {
        match breakage {
            Breakage::Panic => {
                router::get().event(proto::ffi_event::Message::Panic(proto::Panic {
                    message: "broken on purpose".to_owned(),
                }))
            }
            Breakage::Silence => router::get().go_deaf(),
            Breakage::LostRoom => router::get().lose_next_room(),
        }
    }

    /// How many things the library holds for this process at the moment: rooms, participants, tracks, streams, sources,
    /// modules, frames. None when every room is left and everything that came of it dropped. For tests and reports.
    #[must_use]
    pub fn held(&self) -> usize {
        ffi::held()
    }

    /// The file that was loaded.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The end of a broken engine, while it is under way.
static ENDING: Mutex<Ending> = Mutex::new(None);

fn ending() -> MutexGuard<'static, Ending> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a broken engine, so that the server learns at once that we are in no room any more. Does not wait.
pub(crate) fn end() {
    let mut ending = ending();
    // Between the failure and this, another thread may have ended it and started it anew: that one is to live.
    if router::get().has_failed() {
        end_into(&mut ending);
    }
}

fn end_into(ending: &mut Ending) {
    if ending.is_some() {
        return;
    }
    let (done, ended) = mpsc::channel();
    // It may hang in there for ever, and with it whatever thread does this.
    let thread = thread::Builder::new().name("engine-end".to_owned());
    let started = thread.spawn(move || {
        ffi::stop();
        let _nobody_waits = done.send(());
    });
    match started {
        Ok(_) => *ending = Some(ended),
        Err(error) => tracing::error!(%error, "the broken engine cannot be ended"),
    }
}

/// Waits for the end of the broken engine and starts it anew.
fn begin_again() -> Result<(), EngineError> {
    let mut ending = ending();
    end_into(&mut ending);
    let ended = ending.as_ref().ok_or(EngineError::Stopped)?;
    if ended.recv_timeout(END_DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
        return Err(EngineError::Stopped);
    }
    *ending = None;
    ffi::start().map_err(|_| EngineError::Stopped)?;
    router::get().begin_again();
    ffi::give_back();
    tracing::info!("the engine was started anew");
    Ok(())
}

/// A way to break the engine on purpose, for tests.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// It says that it is beyond repair.
    Panic,
    /// It says nothing any more.
    Silence,
    /// The next room that it enters is never taken over, of which it complains 15 s later.
    LostRoom,
}
