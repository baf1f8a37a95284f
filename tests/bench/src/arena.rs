//! Where sound is measured from mouth to ear, and who talks there: two sides of the same kind, each on devices of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use call::{CallId, Identity, RoomName};
use serde_json::Value;
use stage::{Line, LineOptions, Process, Stage};
use switchboard::{Account, ApiSecret, talk_token};

use crate::{
    conditions::Conditions,
    peer::{Browser, Order},
    place::PATIENCE,
    plan,
    relay::Relay,
    side,
    usage::Usage,
};

/// The processor may be busy with other things by so much before a call, percent of the time.
const QUIET: f64 = 10.0;

/// Who talks to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The sound path as people have it.
    Ours,
    /// The same on the other backend.
    Cpal,
    /// The same with a headset in a quiet room: nothing processed.
    Plain,
    /// A browser with its own processing on.
    Chromium,
    /// The engine without devices and processing: what is sent and received is thrown away.
    Bare,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Cpal => "ours, cpal",
            Self::Plain => "ours, unprocessed",
            Self::Chromium => "Chromium",
            Self::Bare => "the engine alone",
        }
    }
}

/// The devices of one side, and what a browser calls them.
pub(crate) struct Devices {
    pub(crate) sink: &'static str,
    pub(crate) source: &'static str,
    pub(crate) speaker: &'static str,
    microphone_shown: &'static str,
    speaker_shown: &'static str,
}

pub(crate) const SIDES: [Devices; 2] = [
    Devices {
        sink: "mic_a",
        source: "src_a",
        speaker: "spk_a",
        microphone_shown: "SrcA",
        speaker_shown: "SpkA",
    },
    Devices {
        sink: "mic_b",
        source: "src_b",
        speaker: "spk_b",
        microphone_shown: "SrcB",
        speaker_shown: "SpkB",
    },
];

/// Where it is measured.
pub(crate) struct Arena {
    _line: Line,
    pub(crate) relay: Option<Relay>,
    pub(crate) stage: Stage,
    account: Account,
    /// From now on sides of ours tell how long their device callbacks took.
    pub(crate) watch_callbacks: bool,
    /// The browser's client library, where there is a browser.
    client: Option<PathBuf>,
    /// Keeps every sink awake: one that sleeps takes seconds to come round.
    _awake: Vec<Process>,
}

impl Arena {
    pub(crate) fn start(client: Option<PathBuf>, relay: Option<Relay>) -> Result<Self> {
        let stage = Stage::start("bench-audio")?;
        let line = stage.line(LineOptions {
            relay: relay.as_ref().map(Relay::address),
            ..LineOptions::default()
        })?;
        let ready = &line.ready;
        let account = Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone()))?;
        let mut awake = Vec::new();
        for side in &SIDES {
            for (sink, shown) in [(side.sink, side.sink), (side.speaker, side.speaker_shown)] {
                stage.sound.pactl(&[
                    "load-module",
                    "module-null-sink",
                    &format!("sink_name={sink}"),
                    "rate=48000",
                    "channels=1",
                    "norewinds=1",
                    &format!("sink_properties=device.description={shown}"),
                ])?;
                let mut command = Command::new("pacat");
                command.args(["--playback", "--raw", "--latency-msec=200"]);
                command.arg(format!("--device={sink}")).arg("/dev/zero");
                stage.sound.environment().apply(&mut command);
                awake.push(Process::start("pacat", command, &stage.logs())?);
            }
            stage.sound.pactl(&[
                "load-module",
                "module-remap-source",
                &format!("source_name={}", side.source),
                &format!("master={}.monitor", side.sink),
                "channels=1",
                &format!(
                    "source_properties=device.description={}",
                    side.microphone_shown
                ),
            ])?;
        }
        Ok(Self {
            _line: line,
            relay,
            stage,
            account,
            watch_callbacks: false,
            client,
            _awake: awake,
        })
    }

    fn token(&self, room: &RoomName, side: usize) -> Result<String> {
        let identity = Identity::parse(&format!("desk-{side}"))?;
        let token = talk_token(&self.account, room, &identity, "Bench")?;
        Ok(token.expose().to_owned())
    }
}

/// Waits until other programs leave the processor alone, but not for ever, and all calls together not longer than planned; says how
/// long.
pub(crate) fn wait_for_quiet(within: Duration) -> f64 {
    let began = Instant::now();
    let within = plan::patience(within);
    while began.elapsed() < within {
        let before = Conditions::now();
        std::thread::sleep(Duration::from_millis(500));
        let busy = before.pressure_until(&Conditions::now());
        if busy.is_none_or(|busy| busy < QUIET) {
            break;
        }
    }
    plan::waited(began.elapsed());
    began.elapsed().as_secs_f64()
}

/// A side under way.
pub(crate) enum Side {
    Native(Box<Process>),
    Browser(Box<Browser>),
}

impl Side {
    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Native(process) => process.pid(),
            Self::Browser(browser) => browser.pid(),
        }
    }

    /// Hangs up; answers what it has to tell.
    pub(crate) fn end(self) -> Result<Value> {
        match self {
            Self::Native(mut process) => {
                drop(process.take_stdin());
                let told = line(&mut process, "given")?;
                process.wait(PATIENCE)?;
                Ok(told)
            }
            Self::Browser(browser) => {
                let told = browser.figures(PATIENCE)?;
                browser.stop();
                Ok(told)
            }
        }
    }
}

pub(crate) fn usage_of(sides: &[Side]) -> Result<Vec<Usage>> {
    sides
        .iter()
        .map(|side| Usage::of_tree(side.pid()))
        .collect()
}

/// Percent of a core, MB, threads of each side.
pub(crate) fn costs(before: &[Usage], after: &[Usage], seconds: f64) -> Vec<(f64, f64, usize)> {
    before
        .iter()
        .zip(after)
        .map(|(before, after)| {
            let share = 100.0 * (after.processor - before.processor) / seconds;
            (share, after.memory, after.threads)
        })
        .collect()
}

fn start(arena: &Arena, kind: Kind, room: &RoomName, number: usize) -> Result<Side> {
    let devices = SIDES.get(number).context("there are two sides")?;
    let token = arena.token(room, number)?;
    let url = arena.account.room_url();
    if kind == Kind::Chromium {
        let client = arena.client.as_ref().context("no browser")?;
        let order = Order {
            url: &url,
            token: &token,
            microphone: devices.microphone_shown,
            speaker: devices.speaker_shown,
            processing: true,
        };
        let environment = arena.stage.sound.environment();
        let browser = Browser::start(client, &order, &environment, &arena.stage.logs())?;
        return Ok(Side::Browser(Box::new(browser)));
    }
    let mut command = Command::new(std::env::current_exe()?);
    arena.stage.sound.environment().apply(&mut command);
    command
        .arg("side")
        .env(side::URL, url)
        .env(side::TOKEN, token)
        .env(side::MICROPHONE, devices.source)
        .env(side::SPEAKER, devices.speaker)
        .env(
            side::STEPS,
            if kind == Kind::Plain {
                ""
            } else {
                "echo,noise,gain"
            },
        );
    if arena.watch_callbacks {
        command.env(side::CALLBACKS, "1");
    }
    if kind == Kind::Bare {
        command.env(side::BARE, "1");
    }
    if kind == Kind::Cpal {
        command.env("DESKLINE_SOUND", "cpal");
    }
    let process = Process::start_talking("side", command, &arena.stage.logs())?;
    Ok(Side::Native(Box::new(process)))
}

/// The next line of a side that has this key.
fn line(process: &mut Process, key: &str) -> Result<Value> {
    loop {
        let line: Value = serde_json::from_str(&process.line(PATIENCE)?)?;
        if line.get(key).is_some() {
            return Ok(line);
        }
    }
}

/// Both sides in a room of their own, hearing each other.
pub(crate) fn begin(arena: &Arena, kind: Kind, run: usize) -> Result<Vec<Side>> {
    let name = format!("bench-{}-{run}-{}", std::process::id(), kind as u8);
    let room = RoomName::outbound(&CallId::parse(&name)?);
    let mut sides = Vec::new();
    for number in 0..SIDES.len() {
        sides.push(start(arena, kind, &room, number)?);
    }
    for side in &mut sides {
        match side {
            Side::Native(process) => {
                line(process, "hears")?;
            }
            Side::Browser(browser) => {
                browser.hears(PATIENCE)?;
            }
        }
    }
    Ok(sides)
}
