//! What the end-to-end tests share: a whole surrounding with a line, and the two ways to use Deskline in it.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod window;

use std::{
    io::Write,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::Value;
use stage::{App, Line, LineOptions, Process, Providers, Stage, Terminal};

/// The tone that our microphone hears in every test, so that the far end can be asked for it. It shares no period of some
/// milliseconds with what phones say: the echo canceller would take it for their echo after a while
/// (`crates/realtime/tests/voice.rs`).
pub const OUR_TONE: f32 = 1_013.0;
/// The tone of the simulated phone whose number ends in 00.
pub const THEIR_TONE: f32 = 440.0;
/// The longest anything but a call itself may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Setting lines up from another computer: the same project and providers, a profile and a keychain of its own.
pub fn desk_elsewhere(place: &Place, providers: &Providers, profile: &Path) -> lines::Desk {
    let ready = &place.line.ready;
    let secret = vault::Secret::new(ready.secret.clone());
    lines::Desk::new(
        profile,
        "elsewhere",
        vault::Vault::memory(),
        lines::Project::new(&ready.url, &ready.key, secret).unwrap(),
        lines::Endpoints::stand_ins(providers.url()).unwrap(),
        Arc::new(|_| {}),
    )
    .unwrap()
}

/// A number at the stand-in of Twilio, and the account that has it.
pub const TWILIO_NUMBER: &str = "+12125550150";
pub const TWILIO_ACCOUNT: &str = "AC000000000000000000000000000000c1";
/// What sets a line up there; the token goes in on standard input.
pub const ADD_AT_TWILIO: [&str; 13] = [
    "line",
    "add",
    "twilio",
    "--name",
    "Front desk",
    "--number",
    TWILIO_NUMBER,
    "--account",
    TWILIO_ACCOUNT,
    "--sip",
    "abc123.sip.livekit.cloud",
    "--domain",
    "front-desk",
];

/// Exit codes of the terminal commands.
pub mod exit {
    pub const ANSWERED: i32 = 0;
    pub const WRONG_USE: i32 = 2;
    pub const BUSY: i32 = 10;
    pub const NO_ANSWER: i32 = 11;
    pub const DECLINED: i32 = 12;
    pub const NOT_IN_SERVICE: i32 = 13;
    pub const NO_LINE: i32 = 20;
    pub const NO_NETWORK: i32 = 30;
    pub const NO_SOUND: i32 = 31;
    pub const REFUSED: i32 = 40;
}

/// A stage, a line and the app with a profile.
pub struct Place {
    pub stage: Stage,
    pub line: Line,
    pub app: App,
}

impl Place {
    /// A signed-in profile on a fresh line.
    pub fn signed_in(name: &str) -> Self {
        Self::with_line(name, LineOptions::default())
    }

    /// A signed-in profile on a line whose server can be killed.
    pub fn with_faults(name: &str) -> Self {
        Self::with_line(
            name,
            LineOptions {
                child: true,
                ..LineOptions::default()
            },
        )
    }

    pub fn with_line(name: &str, options: LineOptions) -> Self {
        let place = Self::signed_out(name, options);
        let ready = &place.line.ready;
        let done = place.sign_in(&ready.url, &ready.key, &ready.secret);
        assert_eq!(done.code, 0, "signing in: {done:?}");
        place
    }

    /// A profile that has no account yet.
    pub fn signed_out(name: &str, options: LineOptions) -> Self {
        let stage = Stage::start(name).expect("the stage starts");
        let line = stage.line(options).expect("the line starts");
        line.phones
            .reset_numbers()
            .expect("the numbers are as in the table");
        let app = stage.app("desk").expect("a profile folder");
        Self { stage, line, app }
    }

    pub fn sign_in(&self, url: &str, key: &str, secret: &str) -> Done {
        self.run_with(
            &["account", "set", "--url", url, "--key", key],
            Some(secret),
        )
    }

    /// A terminal command of Deskline in this profile, not started yet.
    pub fn deskline(&self, arguments: &[&str]) -> Command {
        let mut command = self.app.command(arguments);
        // a terminal command never needs a screen
        command.env_remove("DISPLAY");
        command
    }

    /// Runs a terminal command to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, None)
    }

    fn run_with(&self, arguments: &[&str], input: Option<&str>) -> Done {
        self.run_in(self.deskline(arguments), input)
    }

    /// Runs a prepared terminal command to its end; `input` goes to its standard input.
    pub fn run_in(&self, mut command: Command, input: Option<&str>) -> Done {
        command.stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .expect("deskline starts (built by `make setup` or `cargo build`)");
        if let Some(input) = input {
            let mut pipe = child.stdin.take().expect("a pipe");
            writeln!(pipe, "{input}").expect("it reads its input");
        }
        let output = child.wait_with_output().expect("it ends");
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts a terminal command (with `--json`) whose lines are followed.
    pub fn follow(&self, arguments: &[&str]) -> Follow {
        Follow(self.app.terminal(arguments).expect("deskline starts"))
    }

    /// The history as the terminal tells it, newest first.
    pub fn history(&self) -> Vec<Value> {
        let done = self.run(&["history", "--json"]);
        assert_eq!(done.code, 0, "history: {done:?}");
        done.json()
    }
}

/// What a finished command left.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    /// Every line as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|e| panic!("not a line of JSON ({e}): {line}"))
            })
            .collect()
    }

    /// The last line: outcome, times, what was heard.
    pub fn end(&self) -> Value {
        self.json()
            .pop()
            .unwrap_or_else(|| panic!("nothing was printed; on stderr: {}", self.err))
    }
}

/// A command under way.
pub struct Follow(Terminal);

impl Follow {
    pub fn of(terminal: Terminal) -> Self {
        Self(terminal)
    }

    /// The process, to interrupt or kill it.
    pub fn process(&mut self) -> &mut Process {
        self.0.process()
    }

    /// Reads on until a call is in this state.
    pub fn state(&mut self, state: &str) -> Result<Value> {
        self.0.wait_for(
            |line| line["state"] == state && !line["call_id"].is_null(),
            PATIENCE,
        )
    }

    /// Reads on until this event.
    pub fn event(&mut self, event: &str) -> Result<Value> {
        self.0.wait_for_event(event, PATIENCE)
    }

    /// Reads on until calls ring here.
    pub fn ready(&mut self) -> Result<Value> {
        self.0.wait_for(
            |line| line["event"] == "line" && line["state"] == "ready",
            PATIENCE,
        )
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.process()
            .wait(PATIENCE)
            .expect("it can be waited for")
            .expect("it ends in time")
    }
}

/// Asks until it is so, where no event tells.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Seconds of a JSON field.
pub fn seconds(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}
