//! Devices, frames, tones: sound between the sound card and the call.
//!
//! Inside the house sound is 10 ms, mono, 48 kHz, signed 16 bit ([`call::media::Frame`]); what a device wants instead is
//! this crate's affair. It takes [`AudioCommand`]s and answers with [`AudioFact`](call::input::AudioFact)s; frames go
//! past the loop, straight between here and the room.
//!
//! ```text
//!              microphone                                              speaker
//!                  |                                                      ^
//!   cpal's     callback: copies                                     callback: copies, silence when dry
//!   threads        |                                                      ^
//!              ring of samples  --- unpark --->           <--- unpark --- ring of samples
//!                  |                        \             /               ^
//!   "audio-        v                         \           /                |
//!   frames"    remix, resample, 480 samples   (one thread)     trim, mix tones, resample, remix
//!                  |                              ^                       ^
//!              echo, noise, gain  <-- reference --|-----------------------'
//!                  v                              | controls          ring of frames  <--- PlaybackSignal
//!              AudioPorts::capture                |                       ^
//!              (to the calls)                     |                   AudioPorts::playback (from the calls)
//!                                                 |
//!   "audio-    AudioCommand, Panel ----> opens, closes, watches, reopens ----> AudioFact, Panel
//!   devices"                                   ^            |
//!   "audio-                                    |            '---> "audio-wait": asks what may hang
//!   registry"  arrivals, departures, defaults -'
//! ```
//!
//! - The callbacks take no lock, allocate nothing, log nothing (a test counts, on the real threads: [`guard_callbacks`]); their
//!   one system call is the unpark.
//! - No thread of ours but those that ask waits for a sound server.
//! - There is one road out and one in, however many calls there are. Which of them gets the microphone, silence or
//!   [`hold_music`], and who is heard, is the affair of whoever owns both ends.
//! - What is captured goes on at 100 frames a second when the microphone is silent and when there is none: the clock paces
//!   it then.
//! - The microphone is open between `Open` and `Close`, in an echo test that a person asked for, and while it rings if the
//!   person wants that ([`Choice::ready_while_ringing`]: nobody is sent what it hears), at no other time. The speaker is open
//!   then, and while a tone sounds; a ring device of its own while it rings.
//! - The devices are those of the person's [`Choice`], or the system's. One that leaves is replaced at once and taken again
//!   when it is back; one that stands still for 100 ms is opened anew. A call without a device goes on, and after 3 s it is
//!   told once. In a change of devices the new one is opened before the old one is closed.
//! - The far end's last minute is kept in memory while a call is up and a minute longer, if the person wants that
//!   ([`Choice::instant_replay`]); it never reaches a file.
//! - Everything between the threads is bounded. What waits for the speaker agrees with a margin of 2 ms, more where sound
//!   has gaps; two clocks that run apart are met by bending the rate (`playout.rs`).
//!
//! On Linux devices are those of PulseAudio, or of PipeWire through its PulseAudio socket. `cargo run -p audio --example
//! duplex` tries all of it by hand.

mod callback;
mod convert;
#[cfg(target_os = "linux")]
mod cookie;
mod devices;
mod frames;
mod guard;
mod host;
mod layer;
mod list;
mod mixer;
mod music;
mod opening;
mod pace;
mod player;
mod playout;
mod presence;
mod priority;
#[cfg(target_os = "linux")]
mod pulse;
mod recording;
mod registry;
mod replay;
mod statistics;
mod status;
mod stream;
pub mod tones;
mod trial;
mod voice;

use std::sync::Arc;
use std::thread::{JoinHandle, Thread};

use call::Input;
use call::media::Frame;
use call::output::AudioCommand;
use tokio::sync::mpsc;

/// Counts what is allocated where nothing may be.
#[cfg(test)]
#[global_allocator]
static GUARD: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

pub use guard::{CallbackGuard, guard_callbacks};
pub use host::{DeviceError, DeviceList, Part, devices};
pub use list::{Choice, DeviceEntry, Present, Processing};
pub use music::hold_music;
pub use player::{Outline, Player, PlayerError, PlayerStage, outline};
pub use recording::{Recording, RecordingError, Tap};
pub use replay::ReplayStatus;
pub use statistics::{Counters, Statistics};
pub use status::{Levels, Panel, Status};
pub use trial::TrialStage;
pub use voice::{MakeProcessor, VoiceProcessor};

use devices::Devices;
use frames::Frames;
use registry::Registry;
use stream::Wiring;

/// Where sound leaves this crate and where it comes in.
pub struct AudioPorts {
    /// Takes each frame of the microphone, on the frame thread, 100 times a second while a call is open; zeros while there
    /// is no microphone or it does not deliver. Says whether anybody was sent it: what nobody hears is recorded as silence.
    /// It may take some hundred microseconds; what takes longer makes sound stutter.
    pub capture: Box<dyn FnMut(&Frame) -> bool + Send>,
    /// The far end, frame by frame. A handful of slots is enough: what waits here is delay. Between calls it is emptied
    /// only when somebody gives a signal, so the producer must bear a full ring.
    pub playback: rtrb::Consumer<Frame>,
    /// Who processes the microphone as the person's [`Processing`] wants it. Asked on a thread that may wait, at the start
    /// of a call and whenever the choice changes.
    pub processing: MakeProcessor,
}

/// Wakes the frame thread when a frame for the speaker was put in the ring. Without it a frame waits for the next
/// callback, up to 5 ms longer.
#[derive(Debug, Clone)]
pub struct PlaybackSignal(Thread);

impl PlaybackSignal {
    /// To be called after each push. Costs one system call at most; never blocks.
    pub fn notify(&self) {
        self.0.unpark();
    }
}

/// The running audio threads. Dropping it leaves them running; they end with the last sender of commands.
#[derive(Debug)]
pub struct Audio {
    statistics: Arc<Statistics>,
    frames: Thread,
    panel: Panel,
    thread: JoinHandle<()>,
}

impl Audio {
    /// Counters and peaks, for as many readers as want them.
    #[must_use]
    pub fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.statistics)
    }

    /// For whoever feeds [`AudioPorts::playback`].
    #[must_use]
    pub fn playback_signal(&self) -> PlaybackSignal {
        PlaybackSignal(self.frames.clone())
    }

    /// Choice of devices, what there is, what is in use, how loud it is.
    #[must_use]
    pub fn panel(&self) -> Panel {
        self.panel.clone()
    }

    /// Waits until devices are closed and both threads are gone. Drop the sender of commands before.
    pub fn join(self) {
        // A panic was printed when it happened; there is nothing to add.
        let _ = self.thread.join();
    }
}

/// Starts the audio threads. Nothing is opened before a command asks for it.
///
/// Facts arrive as [`Input::Audio`]. The threads end, and all devices close, when the last sender of `commands` is
/// dropped.
///
/// # Errors
/// When the system gives us no threads.
pub fn spawn(
    commands: mpsc::Receiver<AudioCommand>,
    facts: mpsc::Sender<Input>,
    ports: AudioPorts,
) -> std::io::Result<Audio> {
    let statistics = Arc::new(Statistics::default());
    // Controls are rare and taken at once; 64 is room for a fast typist on a stalled machine.
    let (controls, receiver) = std::sync::mpsc::sync_channel(64);
    let processing = Arc::clone(&ports.processing);
    let frames = Frames::new(ports, Arc::clone(&statistics), receiver);
    let frames = std::thread::Builder::new()
        .name("audio-frames".into())
        .spawn(move || frames.run())?;
    let frame_thread = frames.thread().clone();

    let wiring = Wiring {
        frames: frame_thread.clone(),
        statistics: Arc::clone(&statistics),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let registry = Registry::start()?;
    let (panel, behind) = Panel::new();
    let thread = std::thread::Builder::new()
        .name("audio-devices".into())
        .spawn(move || {
            let devices = Devices::new(controls, wiring, registry.present(), behind, processing);
            // Its last control tells the frame thread to end.
            runtime.block_on(devices.run(commands, facts));
            drop(registry);
            let _ = frames.join();
        })?;
    Ok(Audio {
        statistics,
        frames: frame_thread,
        panel,
        thread,
    })
}
