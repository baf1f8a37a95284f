//! The live list of devices: arrivals, departures, another default.
//!
//! On Linux the sound server tells of every change; elsewhere the list is read twice a second. Either way on a thread of
//! its own: a server that hangs is nobody else's affair.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::list::Present;

/// How often a server that does not answer is called, or a list that nobody announces is read.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The running watch. Dropping it ends its thread.
pub(crate) struct Registry {
    present: watch::Receiver<Present>,
    stop: Option<SyncSender<()>>,
    line: Line,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Starts to watch. The first list is there soon after.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (publish, present) = watch::channel(Present::default());
        let (stop, stopped) = sync_channel(0);
        let line = Line::default();
        let thread = std::thread::Builder::new()
            .name("audio-registry".into())
            .spawn({
                let line = line.clone();
                move || run(&line, &stopped, &publish)
            })?;
        Ok(Self {
            present,
            stop: Some(stop),
            line,
            thread: Some(thread),
        })
    }

    /// The list, now and whenever it changes.
    pub(crate) fn present(&self) -> watch::Receiver<Present> {
        self.present.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop = None;
        self.line.hang_up();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(line: &Line, stopped: &Receiver<()>, publish: &watch::Sender<Present>) {
    loop {
        if let Err(error) = line.follow(publish) {
            tracing::trace!("the sound server does not tell its devices: {error}");
            tell(publish, Present::default());
        }
        match stopped.recv_timeout(ASK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Says only what is news.
fn tell(publish: &watch::Sender<Present>, present: Present) {
    publish.send_if_modified(|known| {
        let news = *known != present;
        *known = present;
        news
    });
}

#[cfg(target_os = "linux")]
pub(crate) use pulse::{Line, ask};

#[cfg(not(target_os = "linux"))]
pub(crate) use polled::{Line, ask};

/// The list as the sound server keeps it. What the library offers for whole programs has no events, so this speaks the
/// protocol through its lower half.
#[cfg(target_os = "linux")]
mod pulse {
    use std::os::unix::net::UnixStream;
    use std::sync::{Arc, Mutex, PoisonError};

    use pulseaudio::protocol::{self, Command, SubscriptionMask};
    use tokio::sync::watch;

    use crate::list::Present;
    use crate::pulse::{Conversation, Trouble};

    /// The list at this moment. Blocks, for some seconds at most when the server hangs.
    pub(crate) fn ask() -> Result<Present, Trouble> {
        Conversation::begin()?.list()
    }

    /// The line over which the server tells what changes.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Line(Arc<Mutex<Open>>);

    #[derive(Debug, Default)]
    struct Open {
        socket: Option<UnixStream>,
        hung_up: bool,
    }

    impl Line {
        /// Follows the list until the server goes away or somebody hangs up.
        pub(super) fn follow(&self, publish: &watch::Sender<Present>) -> Result<(), Trouble> {
            let mut events = Conversation::begin()?;
            events.say(&Command::Subscribe(
                SubscriptionMask::SINK
                    | SubscriptionMask::SOURCE
                    | SubscriptionMask::SERVER
                    | SubscriptionMask::CARD,
            ))?;
            protocol::read_ack_message(&mut events.socket)?;
            // From here on silence means that nothing changes.
            events.socket.get_ref().set_read_timeout(None)?;
            if !self.open(events.socket.get_ref().try_clone()?) {
                return Ok(());
            }
            loop {
                // Over a conversation of its own, into which no event can fall.
                super::tell(publish, ask()?);
                protocol::read_command_message(&mut events.socket, events.version)?;
                while !events.socket.buffer().is_empty() {
                    protocol::read_command_message(&mut events.socket, events.version)?;
                }
            }
        }

        fn open(&self, socket: UnixStream) -> bool {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.socket = Some(socket);
            !open.hung_up
        }

        /// Ends [`follow`](Self::follow), and every later one.
        pub(super) fn hang_up(&self) {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.hung_up = true;
            if let Some(socket) = &open.socket {
                let _ = socket.shutdown(std::net::Shutdown::Both);
            }
        }
    }
}

/// The list where nobody announces changes.
#[cfg(not(target_os = "linux"))]
mod polled {
    use tokio::sync::watch;

    use crate::host::{DeviceError, SoundSystem};
    use crate::list::Present;

    /// The list at this moment.
    pub(crate) fn ask() -> Result<Present, DeviceError> {
        SoundSystem::connect()?.present()
    }

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Line;

    impl Line {
        pub(super) fn follow(&self, publish: &watch::Sender<Present>) -> Result<(), DeviceError> {
            super::tell(publish, ask()?);
            Ok(())
        }

        pub(super) fn hang_up(&self) {}
    }
}
