//! The sound system of this computer: which devices there are, and one clear sentence when something is missing.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, ErrorKind};
use tokio::sync::oneshot;

use crate::list::{DeviceEntry, Listed, Present};
use crate::registry;

/// Which of the two ends of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Where our voice comes in.
    Microphone,
    /// Where the far end is heard.
    Speaker,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
}

/// Why there is no sound. Each text is one for the person: what is missing and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Nothing answers that could name a device.
    #[error(
        "The sound server does not answer. Check that this computer plays other sounds, then try again."
    )]
    NoServer,
    /// There is none.
    #[error("No {0} was found. Connect a headset, then try again.")]
    NotFound(Part),
    /// The system refuses it.
    #[error(
        "Deskline may not use the {0}. Allow it in the privacy settings of this computer, then try again."
    )]
    Refused(Part),
    /// Another program has it for itself.
    #[error("Another program keeps the {0} to itself. Close that program, then try again.")]
    Busy(Part),
    /// It is open and neither brings nor takes any sound.
    #[error(
        "The {0} is there but stands still. Unplug it and plug it in again or choose another one, then try again."
    )]
    StandsStill(Part),
    /// Anything else.
    #[error(
        "The {part} “{name}” could not be opened. Choose another one in the sound settings of this computer, then try again."
    )]
    Unusable {
        /// Which end.
        part: Part,
        /// Name of the device.
        name: String,
        /// For the log.
        detail: String,
    },
}

impl DeviceError {
    pub(crate) fn unusable(part: Part, device: &Device, detail: String) -> Self {
        Self::Unusable {
            part,
            name: device.to_string(),
            detail,
        }
    }

    pub(crate) fn from_cpal(part: Part, device: &Device, error: &cpal::Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "all other kinds mean the same to a person"
        )]
        match error.kind() {
            ErrorKind::HostUnavailable | ErrorKind::StreamInvalidated => Self::NoServer,
            ErrorKind::DeviceNotAvailable => Self::NotFound(part),
            ErrorKind::PermissionDenied => Self::Refused(part),
            ErrorKind::DeviceBusy => Self::Busy(part),
            _ => Self::unusable(part, device, error.to_string()),
        }
    }
}

/// A connection to the sound system. Every question may block for as long as the sound server takes: see [`within`].
pub(crate) struct SoundSystem {
    host: cpal::Host,
    /// Held by whoever plays over this connection.
    playing: Arc<()>,
}

/// One connection serves the whole program and is replaced only when it is dead: the client library below cpal does
/// not notice that its last user left, and keeps the thread and the socket of an abandoned connection.
static CONNECTION: Mutex<Option<Arc<SoundSystem>>> = Mutex::new(None);
/// Further connections, for a second and third speaker at once.
static FURTHER: Mutex<Vec<Arc<SoundSystem>>> = Mutex::new(Vec::new());

impl SoundSystem {
    /// The connection, made anew if there is none that answers.
    pub(crate) fn connect() -> Result<Arc<Self>, DeviceError> {
        let known = Self::known();
        if let Some(system) = known.as_ref().filter(|system| system.answers()) {
            return Ok(Arc::clone(system));
        }
        let mut connection = CONNECTION.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = connection.as_ref()
            && known.is_none_or(|known| !Arc::ptr_eq(&known, newer))
        {
            return Ok(Arc::clone(newer));
        }
        *connection = None;
        // Bounded by cpal to 2 s, so the lock is no trap.
        let system = Self::new()?;
        *connection = Some(Arc::clone(&system));
        Ok(system)
    }

    fn new() -> Result<Arc<Self>, DeviceError> {
        let host = host().map_err(|error| {
            tracing::debug!("no sound system: {error}");
            DeviceError::NoServer
        })?;
        Ok(Arc::new(Self {
            host,
            playing: Arc::default(),
        }))
    }

    /// A connection over which nobody plays, and the right to play over it. The client library puts all that one
    /// connection plays into one group of synchronised streams, and the server refuses a group on two devices
    /// (measured: "invalid argument").
    pub(crate) fn for_playing() -> Result<(Arc<Self>, Arc<()>), DeviceError> {
        let first = Self::connect()?;
        if let Some(right) = first.right_to_play() {
            return Ok((first, right));
        }
        let mut further = FURTHER.lock().unwrap_or_else(PoisonError::into_inner);
        further.retain(|system| system.answers());
        let free = further
            .iter()
            .find_map(|system| Some((Arc::clone(system), system.right_to_play()?)));
        if let Some(free) = free {
            return Ok(free);
        }
        let system = Self::new()?;
        let right = Arc::clone(&system.playing);
        further.push(Arc::clone(&system));
        Ok((system, right))
    }

    fn right_to_play(&self) -> Option<Arc<()>> {
        let free = !self.is_sound_server() || Arc::strong_count(&self.playing) == 1;
        free.then(|| Arc::clone(&self.playing))
    }

    /// The connection that was made last, be it alive or not.
    pub(crate) fn known() -> Option<Arc<Self>> {
        CONNECTION
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    #[cfg(target_os = "linux")]
    fn is_sound_server(&self) -> bool {
        self.host.id() == cpal::HostId::PulseAudio
    }

    #[cfg(not(target_os = "linux"))]
    fn is_sound_server(&self) -> bool {
        false
    }

    fn answers(&self) -> bool {
        !self.is_sound_server() || self.host.devices().is_ok()
    }

    /// A device by its id, or the default one.
    pub(crate) fn device(&self, part: Part, id: Option<&str>) -> Option<Device> {
        let Some(id) = id else {
            return match part {
                Part::Microphone => self.microphone(),
                Part::Speaker => self.speaker(),
            };
        };
        // A microphone and a speaker may share one id.
        let fits = |device: &Device| match part {
            Part::Microphone => device.supports_input(),
            Part::Speaker => device.supports_output(),
        };
        self.host
            .devices()
            .ok()?
            .find(|device| fits(device) && device.id().is_ok_and(|own| own.id() == id))
    }

    /// The default microphone. What merely listens to a speaker is none: the far end would hear itself.
    pub(crate) fn microphone(&self) -> Option<Device> {
        self.host
            .default_input_device()
            .filter(|device| !is_monitor(device))
    }

    /// The default speaker.
    pub(crate) fn speaker(&self) -> Option<Device> {
        self.host.default_output_device()
    }

    /// All devices, as this library lists them.
    pub(crate) fn present(&self) -> Result<Present, DeviceError> {
        let devices = self.host.devices().map_err(|error| {
            tracing::debug!("devices cannot be listed: {error}");
            DeviceError::NoServer
        })?;
        let devices: Vec<Device> = devices.collect();
        let id = |device: &Device| {
            device
                .id()
                .map_or_else(|_| String::new(), |id| id.id().into())
        };
        let list = |wanted: fn(&Device) -> bool| {
            let wanted = devices.iter().filter(|device| wanted(device));
            wanted
                .map(|device| Listed {
                    id: id(device),
                    name: device.to_string(),
                    monitor: is_monitor(device),
                    serial: 0,
                })
                .collect()
        };
        Ok(Present::new(
            list(DeviceTrait::supports_input),
            list(DeviceTrait::supports_output),
            self.microphone().as_ref().map(id),
            self.speaker().as_ref().map(id),
        ))
    }
}

/// PulseAudio and PipeWire offer what each speaker plays as one more source.
fn is_monitor(device: &Device) -> bool {
    device.id().is_ok_and(|id| id.id().ends_with(".monitor"))
}

#[cfg(target_os = "linux")]
fn host() -> Result<cpal::Host, cpal::Error> {
    crate::cookie::provide();
    if only_bare_cards() {
        return cpal::host_from_id(cpal::HostId::Alsa);
    }
    cpal::host_from_id(cpal::HostId::PulseAudio)
}

/// Is there no sound server at all, but a sound card? Bare ALSA is for such computers only: asked where there is neither, it
/// offers a dozen devices none of which opens, and writes its complaints to our standard error.
#[cfg(target_os = "linux")]
pub(crate) fn only_bare_cards() -> bool {
    std::env::var_os("PULSE_SERVER").is_none()
        && has_sound_card()
        && pulseaudio::socket_path_from_env()
            .is_none_or(|path| std::os::unix::net::UnixStream::connect(path).is_err())
}

#[cfg(target_os = "linux")]
fn has_sound_card() -> bool {
    std::fs::read_dir("/dev/snd").is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("pcm"))
        })
    })
}

#[cfg(not(target_os = "linux"))]
fn host() -> Result<cpal::Host, cpal::Error> {
    Ok(cpal::default_host())
}

/// The sound devices of this computer, by the names that its sound settings show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceList {
    /// The microphone that a call would use.
    pub microphone: Option<String>,
    /// The speaker that a call would use.
    pub speaker: Option<String>,
    /// All microphones.
    pub microphones: Vec<String>,
    /// All speakers.
    pub speakers: Vec<String>,
    /// One sentence for the person when a call could not be made with these.
    pub problem: Option<String>,
}

/// Asks for the sound devices. Blocks, for 3 s at most when the sound server hangs. Opens none of them.
#[must_use]
pub fn devices() -> DeviceList {
    let listed = within(Duration::from_secs(3), || {
        registry::ask().or_else(|_| SoundSystem::connect().and_then(|system| system.present()))
    });
    let present = listed.and_then(Result::ok).unwrap_or_default();
    let names = |list: &[DeviceEntry]| list.iter().map(|entry| entry.name.clone()).collect();
    let name = |part, id: &Option<String>| {
        let id = id.as_ref()?;
        present.name(part, id).map(str::to_owned)
    };
    DeviceList {
        microphone: name(Part::Microphone, &present.default_microphone),
        speaker: name(Part::Speaker, &present.default_speaker),
        microphones: names(&present.microphones),
        speakers: names(&present.speakers),
        problem: present.problem(),
    }
}

/// Questions that a sound server has not answered yet.
static UNANSWERED: AtomicUsize = AtomicUsize::new(0);
/// A server that hangs this many questions gets no more of them until it wakes.
const MOST_UNANSWERED: usize = 8;

/// One question under way.
struct Unanswered;

impl Unanswered {
    fn one_more() -> Option<Self> {
        let one = Self;
        (UNANSWERED.fetch_add(1, Relaxed) < MOST_UNANSWERED).then_some(one)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        UNANSWERED.fetch_sub(1, Relaxed);
    }
}

/// Asks what may never be answered, on a thread of its own. What is no longer waited for is dropped there. `None`: too
/// many questions hang already.
pub(crate) fn aside<T: Send + 'static>(
    question: impl FnOnce() -> T + Send + 'static,
) -> Option<oneshot::Receiver<T>> {
    let unanswered = Unanswered::one_more()?;
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("audio-wait".into());
    let spawned = thread.spawn(move || {
        let answer = question();
        drop(unanswered);
        let _ = done.send(answer);
    });
    spawned.ok().map(|_| result)
}

/// Asks what may never be answered; `None` when `limit` has passed.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    question: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = std::sync::mpsc::sync_channel(1);
    let _asked = aside(move || done.send(question()))?;
    result.recv_timeout(limit).ok()
}

/// Drops a stream, which waits for its threads, without waiting for that; says when it is done. When a PulseAudio server
/// takes the last speaker away from under a stream (most keep a dummy for that case), two threads of that stream and its
/// connection stay behind until the server ends.
pub(crate) fn close<T: Send + 'static>(stream: T) -> std::sync::mpsc::Receiver<()> {
    let (done, closed) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("audio-wait".into());
    // Without a thread the stream is dropped here and now.
    let _ = thread.spawn(move || {
        drop(stream);
        let _ = done.send(());
    });
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_is_missing_and_what_to_do() {
        let unusable = DeviceError::Unusable {
            part: Part::Speaker,
            name: "Desk".into(),
            detail: "secret 7".into(),
        };
        let errors = [
            DeviceError::NoServer,
            DeviceError::NotFound(Part::Microphone),
            DeviceError::Refused(Part::Microphone),
            DeviceError::Busy(Part::Speaker),
            DeviceError::StandsStill(Part::Microphone),
            unusable,
        ];
        for error in errors {
            let text = error.to_string();
            assert_eq!(
                text.matches(". ").count(),
                1,
                "what, then what to do: {text}"
            );
            assert!(text.ends_with("then try again."), "{text}");
            assert!(!text.contains("secret"), "details are for the log: {text}");
        }
    }

    #[test]
    fn what_hangs_is_given_up() {
        let (never, wait) = std::sync::mpsc::channel::<()>();
        assert_eq!(
            within(Duration::from_millis(20), move || wait.recv().is_ok()),
            None
        );
        drop(never);
        assert_eq!(within(Duration::from_secs(20), || 7), Some(7));
    }
}
