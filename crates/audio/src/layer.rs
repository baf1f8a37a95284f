//! Where streams come from: one small door, and who stands behind it.
//!
//! [`Cpal`] on every platform; on Linux, where a sound server speaks PulseAudio's language, [`Pulse`] instead. The figures
//! that decided are in docs/adr/0010-pulse-backend.md. The environment variable `DESKLINE_SOUND=cpal` asks for the first
//! all the same, for measurements and for a server that gets on better with it.

use crate::host::{DeviceError, Part, SoundSystem};
#[cfg(target_os = "linux")]
use crate::pulse;
use crate::stream::{self, Inlet, OpenStream, Outlet, Wiring};

/// Opens streams. What it does may take as long as a sound server takes.
pub(crate) trait Layer: Sync {
    /// A microphone by its id; `None`: whichever the system prefers.
    fn microphone(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Inlet), DeviceError>;

    /// A speaker by its id; `None`: whichever the system prefers.
    fn speaker(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Outlet), DeviceError>;
}

/// The one to be used here and now.
#[cfg(target_os = "linux")]
pub(crate) fn layer() -> &'static dyn Layer {
    let wanted = std::env::var("DESKLINE_SOUND");
    if wanted.is_ok_and(|wanted| wanted == "cpal") || crate::host::only_bare_cards() {
        &Cpal
    } else {
        &Pulse
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn layer() -> &'static dyn Layer {
    &Cpal
}

/// The library for every platform.
struct Cpal;

impl Layer for Cpal {
    fn microphone(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Inlet), DeviceError> {
        let part = Part::Microphone;
        let device = SoundSystem::connect()?.device(part, id);
        stream::open_microphone(&device.ok_or(DeviceError::NotFound(part))?, wiring)
    }

    fn speaker(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Outlet), DeviceError> {
        let part = Part::Speaker;
        let (system, right_to_play) = SoundSystem::for_playing()?;
        let device = system.device(part, id).ok_or(DeviceError::NotFound(part))?;
        stream::open_speaker(&device, right_to_play, wiring)
    }
}

/// The sound server itself.
#[cfg(target_os = "linux")]
struct Pulse;

#[cfg(target_os = "linux")]
impl Layer for Pulse {
    fn microphone(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Inlet), DeviceError> {
        pulse::open_microphone(id, wiring)
    }

    fn speaker(
        &self,
        id: Option<&str>,
        wiring: &Wiring,
    ) -> Result<(OpenStream, Outlet), DeviceError> {
        pulse::open_speaker(id, wiring)
    }
}
