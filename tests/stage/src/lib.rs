//! A private surrounding for the app: a screen, a session bus, a secret service, a sound server and a telephone line.
//!
//! Everything here is started by us, on loopback or on private sockets, and ends with its owner: when the value is
//! dropped, when the process exits, and when the process is killed. Linux only.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use std::time::Duration;
//! let stage = stage::Stage::start("a-tone-is-heard")?;
//! let line = stage.line(stage::LineOptions::default())?;
//! let app = stage.app("desk")?;
//! app.sign_in(&line.ready)?;
//! let ear = stage.sound.listen()?;
//! let call = app.terminal(&["dial", "+1 212 555 0100", "--for", "3s"])?;
//! ear.wait_for_tone(440.0, Duration::from_secs(1), Duration::from_secs(20))?;
//! let (code, said) = call.finish(Duration::from_secs(20))?;
//! assert_eq!(code, 0, "{said:?}");
//! # Ok(())
//! # }
//! ```

mod app;
mod bus;
mod desktop;
mod display;
mod door;
mod environment;
mod guardian;
mod keyring;
pub mod line;
mod notifications;
pub mod process;
pub mod providers;
mod recording;
mod scratch;
mod sound;
mod surrounding;

pub use app::{
    App, Driver, MAIN_WINDOW, OVERLAY_PAINTED, OVERLAY_WINDOW, Terminal, USABLE, app_binary,
    built_app,
};
pub use bus::Bus;
pub use desktop::{ScreenSaver, Tray, TrayIcon};
pub use display::{Display, FULL_SCREEN_WINDOW, FullScreen, picture, windows};
pub use door::{Door, ReadWrite, Wrap};
pub use environment::Environment;
pub use keyring::{Keyring, secret_service_answers};
pub use line::{Inbound, Line, LineOptions, Phones, Ready};
pub use notifications::{Notifications, Shown};
pub use process::Process;
pub use providers::{ProviderFault, Providers};
pub use recording::{LOUD_DBFS, RATE, Recording};
pub use scratch::Scratch;
pub use sound::{Listening, MICROPHONE, Playing, Plugged, SPEAKER, Sound};
pub use surrounding::{Stage, quiet_windows, target_folder, workspace_root};
