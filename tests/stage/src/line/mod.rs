//! The telephone line the tests call over: by default the demo line, started here and ended with its owner.

mod faults;
mod inbound;
pub mod numbers;
mod phones;
mod report;
mod webhooks;

use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    net::SocketAddrV4,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Deserialize;

pub use faults::{BridgeFault, RedisFault, ServerFault};
pub use inbound::Inbound;
pub use phones::{Media, Phones};
pub use report::{
    CallEvent, Direction, Ended, Event, FaultState, Heard, Number, Report, Source, State, Tone,
};
pub use webhooks::{Switches, Webhook};

use crate::{Process, Scratch, target_folder};

/// Names a file with a ready line; set, every suite uses that line instead of starting one.
pub const LINE_VARIABLE: &str = "DESKLINE_LINE";

/// What the line says of itself once it can be used.
#[derive(Clone, Deserialize)]
pub struct Ready {
    /// The LiveKit server, `ws://…`.
    pub url: String,
    /// Its API key.
    pub key: String,
    /// Its API secret.
    pub secret: String,
    /// The control API of the phones, `http://…`.
    pub control: String,
    /// The number a caller dials to reach the desk.
    #[serde(default)]
    pub inbound_number: String,
    /// The trunk for calls to the outside.
    #[serde(default)]
    pub outbound_trunk: String,
    /// The trunk that `inbound_number` belongs to.
    #[serde(default)]
    pub inbound_trunk: String,
    /// The rule that makes a room for each caller.
    #[serde(default)]
    pub dispatch_rule: String,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("url", &self.url)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

/// How to start the demo line. The default is right for nearly every test.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// Run the LiveKit server as a child, so that [`Phones::server`] can freeze, kill and restart it.
    pub child: bool,
    /// Phones that hang up are really gone; without it about one hang-up in ten leaves a ghost, as on the real bridge.
    pub tidy: bool,
    /// Make trunks and the dispatch rule at the start.
    pub seed: bool,
    /// Where the server posts its webhooks.
    pub webhook: Option<String>,
    /// Keep what each phone heard in this folder.
    pub record: Option<PathBuf>,
    /// Port of the LiveKit server; `None` takes a free one.
    pub port: Option<u16>,
    /// Keep the log in this folder.
    pub logs: Option<PathBuf>,
    /// A relay that media goes through: it receives there and passes on to the same port of 127.0.0.1.
    pub relay: Option<SocketAddrV4>,
    /// The API secret, 32 characters or more; `None`: the one that every demo line has.
    pub secret: Option<String>,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self {
            child: false,
            tidy: true,
            seed: true,
            webhook: None,
            record: None,
            port: None,
            logs: None,
            relay: None,
            secret: None,
        }
    }
}

/// A line that can be called over.
pub struct Line {
    /// Address, key, secret, numbers.
    pub ready: Ready,
    /// The people at the other end.
    pub phones: Phones,
    text: String,
    process: Option<Process>,
    _scratch: Scratch,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("ready", &self.ready)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// The line that `DESKLINE_LINE` names, or else a demo line of our own on free ports.
    ///
    /// # Errors
    /// When the named file is no ready line, or the demo line is not built or does not come up.
    pub fn start(options: LineOptions) -> Result<Self> {
        match std::env::var_os(LINE_VARIABLE) {
            Some(file) => Self::given(Path::new(&file)),
            None => Self::own(options),
        }
    }

    /// Whether the line was given from outside, so that this process cannot choose its options.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.process.is_none()
    }

    fn given(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| {
            format!(
                "{LINE_VARIABLE} names {}, which cannot be read",
                file.display()
            )
        })?;
        let ready =
            parse(&text).with_context(|| format!("{LINE_VARIABLE} names {}", file.display()))?;
        Ok(Self {
            phones: Phones::new(&ready),
            ready,
            text,
            process: None,
            _scratch: Scratch::new("line")?,
        })
    }

    fn own(options: LineOptions) -> Result<Self> {
        let scratch = Scratch::new("line")?;
        let logs = options
            .logs
            .clone()
            .unwrap_or_else(|| scratch.path().to_owned());
        let mut process = Process::start_talking("line", command(&options), &logs)
            .context("the demo line is not built; `cargo xtask line` builds it")?;
        let text = process.line(Duration::from_secs(30))?;
        let ready = parse(&text)?;
        Ok(Self {
            phones: Phones::new(&ready),
            ready,
            text,
            process: Some(process),
            _scratch: scratch,
        })
    }

    /// Write the ready line, secret included, for [`LINE_VARIABLE`] of other programs; only the owner can read it.
    ///
    /// # Errors
    /// When the file exists already or cannot be written.
    pub fn write_ready(&self, to: &Path) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to);
        let written = file.and_then(|mut file| writeln!(file, "{}", self.text));
        written.with_context(|| format!("cannot write {}", to.display()))
    }

    /// End the line in good order; the calls on it end as "stopped".
    pub fn stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop();
        }
    }
}

/// The command that starts the demo line with `options`.
#[must_use]
pub fn command(options: &LineOptions) -> Command {
    let mut command = Command::new(binary());
    command.arg(format!("-child={}", options.child));
    command.arg(format!("-tidy={}", options.tidy));
    command.arg(format!("-seed={}", options.seed));
    if let Some(webhook) = &options.webhook {
        command.args(["-webhook", webhook]);
    }
    if let Some(folder) = &options.record {
        command.arg("-record").arg(folder);
    }
    if let Some(port) = options.port {
        command.args(["-port", &port.to_string()]);
    }
    if let Some(secret) = &options.secret {
        command.env("LIVEKIT_API_SECRET", secret);
    }
    if let Some(relay) = options.relay {
        command.args(["-media", &relay.ip().to_string()]);
        command.args(["-udp", &relay.port().to_string()]);
    }
    command
}

/// Where `cargo xtask line` puts the demo line.
#[must_use]
pub fn binary() -> PathBuf {
    target_folder()
        .join("line")
        .join("line")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// Read a ready line.
///
/// # Errors
/// When it is not one.
pub fn parse(text: &str) -> Result<Ready> {
    serde_json::from_str(text.trim())
        .context("this is not the ready line of a telephone line (url, key, secret, control)")
}
