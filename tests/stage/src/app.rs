//! The app itself: its window process, its terminal commands, and the driver that clicks in its windows.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::{Environment, Process, Ready, target_folder};

/// Title of the main window.
pub const MAIN_WINDOW: &str = "Deskline";
/// Title of the overlay that rings.
pub const OVERLAY_WINDOW: &str = "Incoming call";
/// Stands in the log of the app, before the milliseconds since its start, once the main window can be used.
pub const USABLE: &str = "usable ms=";

/// Stands in the log of the app, before the moment (Unix milliseconds), whenever the overlay has drawn a caller.
pub const OVERLAY_PAINTED: &str = "overlay painted at_ms=";

/// The app the tests use: the development build, or what `DESKLINE_APP` names.
#[must_use]
pub fn app_binary() -> PathBuf {
    std::env::var_os("DESKLINE_APP").map_or_else(|| built_app("debug"), PathBuf::from)
}

/// The app as cargo builds it, `debug` or `release`.
#[must_use]
pub fn built_app(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(target_folder, PathBuf::from);
    target
        .join(profile)
        .join("deskline")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// An app and the profile it works on, in some surrounding.
#[derive(Clone, Debug)]
pub struct App {
    binary: PathBuf,
    profile: PathBuf,
    environment: Environment,
    logs: PathBuf,
}

impl App {
    /// The app [`app_binary`] with this profile folder. Nothing is started yet.
    #[must_use]
    pub fn new(profile: &Path, environment: Environment, logs: &Path) -> Self {
        Self {
            binary: app_binary(),
            profile: profile.to_owned(),
            environment,
            logs: logs.to_owned(),
        }
    }

    /// The folder of the profile.
    #[must_use]
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// The log the app writes in its profile.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.profile.join("deskline.log")
    }

    /// `deskline <arguments> --profile …` in this surrounding, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        self.environment
            .apply(command.args(arguments).arg("--profile").arg(&self.profile));
        command
    }

    /// Sign in to a line; the secret goes through standard input.
    ///
    /// # Errors
    /// When the app refuses; the error carries what it said.
    pub fn sign_in(&self, line: &Ready) -> Result<()> {
        let mut child = self
            .command(&["account", "set", "--url", &line.url, "--key", &line.key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let mut input = child.stdin.take().context("the app has no input")?;
        writeln!(input, "{}", line.secret).context("the app does not read the secret")?;
        drop(input);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "signing in failed ({}): {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Open the window.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn open(&self) -> Result<Process> {
        Process::start("app", self.command(&[]), &self.logs)
    }

    /// Open the window and wait until it can be used.
    ///
    /// # Errors
    /// When it ends, or is not usable after `within`; the error carries the end of its output.
    pub fn open_usable(&self, within: Duration) -> Result<Process> {
        // A log of an earlier start already has the mark.
        let before = self.log_end();
        let mut process = self.open()?;
        let deadline = Instant::now() + within;
        // The log is a file of the app's; looking at it is the only way to wait for a line in it.
        while !self.log_since(before).contains(USABLE) {
            if !process.is_running()? {
                bail!(
                    "the app ended before its window could be used.\n{}",
                    process.log_tail()
                );
            }
            if Instant::now() > deadline {
                self.picture();
                bail!(
                    "the window could not be used after {} s.\n{}",
                    within.as_secs_f32(),
                    process.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }

    /// What is on the screen now, beside the logs; the window is gone when somebody reads the error.
    fn picture(&self) {
        if let Some((_, display)) = self.environment.iter().find(|(name, _)| *name == "DISPLAY") {
            // Without a picture the error alone has to do.
            let _ = crate::picture(display, "root", &self.logs.join("not-usable.png"));
        }
    }

    /// How long the log is now.
    #[must_use]
    pub fn log_end(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |file| file.len())
    }

    /// What was written to the log since it was so long.
    #[must_use]
    pub fn log_since(&self, position: u64) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        // A log that was put aside begins anew.
        let from = usize::try_from(position)
            .ok()
            .filter(|from| *from <= text.len())
            .unwrap_or(0);
        String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned()
    }

    /// Start a terminal command with `--json`, for example `["dial", "+1 212 555 0100", "--for", "3s"]`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn terminal(&self, arguments: &[&str]) -> Result<Terminal> {
        let name = format!(
            "deskline-{}",
            arguments.first().copied().unwrap_or("window")
        );
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        Ok(Terminal {
            process: Process::start_talking(&name, self.command(&arguments), &self.logs)?,
            said: Vec::new(),
        })
    }

    /// Run a terminal command with `--json` to its end.
    ///
    /// # Errors
    /// When it is not over after `within`.
    pub fn terminal_to_end(
        &self,
        arguments: &[&str],
        within: Duration,
    ) -> Result<(i32, Vec<Value>)> {
        self.terminal(arguments)?.finish(within)
    }
}

/// A terminal command under way.
#[derive(Debug)]
pub struct Terminal {
    process: Process,
    said: Vec<Value>,
}

impl Terminal {
    /// The process, to interrupt or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Everything read until now.
    #[must_use]
    pub fn said(&self) -> &[Value] {
        &self.said
    }

    /// The next object it prints.
    ///
    /// # Errors
    /// When none comes within `within`, or the line is not JSON.
    pub fn next(&mut self, within: Duration) -> Result<Value> {
        let line = self.process.line(within)?;
        let value: Value = serde_json::from_str(&line)
            .with_context(|| format!("this line is not JSON: {line}"))?;
        self.said.push(value.clone());
        Ok(value)
    }

    /// Read on to an object for which `condition` holds.
    ///
    /// # Errors
    /// When none comes within `within`; the error carries what was said instead.
    pub fn wait_for(
        &mut self,
        condition: impl Fn(&Value) -> bool,
        within: Duration,
    ) -> Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let next = self.next(left);
            let value = next.with_context(|| {
                format!("until then it said {}", Value::from(self.said.clone()))
            })?;
            if condition(&value) {
                return Ok(value);
            }
        }
    }

    /// Read on to an object with this `event`.
    ///
    /// # Errors
    /// As [`Terminal::wait_for`].
    pub fn wait_for_event(&mut self, event: &str, within: Duration) -> Result<Value> {
        self.wait_for(
            |value| value.get("event").and_then(Value::as_str) == Some(event),
            within,
        )
    }

    /// Wait for its end; the exit code and all objects in order.
    ///
    /// # Errors
    /// When it is not over after `within`, was killed, or printed something else than JSON.
    pub fn finish(mut self, within: Duration) -> Result<(i32, Vec<Value>)> {
        let deadline = Instant::now() + within;
        while let Some(line) = self
            .process
            .line_or_end(deadline.saturating_duration_since(Instant::now()))?
        {
            self.said.push(
                serde_json::from_str(&line)
                    .with_context(|| format!("this line is not JSON: {line}"))?,
            );
        }
        let status = self.process.wait(
            deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_secs(1)),
        )?;
        let status = status.with_context(|| {
            format!(
                "it closed its output but runs on.\n{}",
                self.process.log_tail()
            )
        })?;
        let code = status
            .code()
            .with_context(|| format!("it was killed: {status}.\n{}", self.process.log_tail()))?;
        Ok((code, self.said))
    }
}

/// `tauri-driver`: WebDriver for the windows of the app. One session at a time.
#[derive(Debug)]
pub struct Driver {
    process: Process,
    port: u16,
}

impl Driver {
    /// Start it on free ports; sessions can be opened when this returns. The app it starts inherits `environment`.
    ///
    /// # Errors
    /// When it is not installed (`cargo xtask e2e` does that) or does not come up.
    pub fn start(environment: &Environment, logs: &Path) -> Result<Self> {
        let (port, native) = free_ports()?;
        let mut command = Command::new(
            target_folder()
                .join("tools")
                .join("bin")
                .join("tauri-driver"),
        );
        command.args([
            "--port",
            &port.to_string(),
            "--native-port",
            &native.to_string(),
        ]);
        environment.apply(&mut command);
        let mut process = Process::start("driver", command, logs)
            .context("`cargo xtask e2e` installs tauri-driver")?;
        let deadline = Instant::now() + Duration::from_secs(10);
        // It takes connections before the driver of the web view, to which it hands everything on, can be talked to.
        let status = format!("http://127.0.0.1:{port}/status");
        let asks: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(1)))
            .proxy(None)
            .build()
            .into();
        while asks.get(&status).call().is_err() {
            if !process.is_running()? || Instant::now() > deadline {
                bail!("tauri-driver did not come up.\n{}", process.log_tail());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { process, port })
    }

    /// Where a WebDriver client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a client asks for, so that the session opens `app`.
    #[must_use]
    pub fn capabilities(app: &App) -> Map<String, Value> {
        let options = json!({
            "application": app.binary,
            "args": ["--profile", app.profile],
        });
        [
            ("browserName".to_owned(), json!("wry")),
            ("tauri:options".to_owned(), options),
        ]
        .into_iter()
        .collect()
    }

    /// Stop it early; the app of an open session goes with it.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

/// Two ports that were free a moment ago; the driver cannot choose its own.
fn free_ports() -> Result<(u16, u16)> {
    let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok((one.local_addr()?.port(), other.local_addr()?.port()))
}
