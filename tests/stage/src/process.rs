//! One process of ours: in its own group, logged, stopped with its owner.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use crate::guardian;

/// How long a process may take to obey SIGTERM before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// A running process and all it started. Dropping it ends the whole group.
pub struct Process {
    name: String,
    child: Child,
    group: Pid,
    lines: Option<Receiver<String>>,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("pid", &self.child.id())
            .finish_non_exhaustive()
    }
}

impl Process {
    /// Start `command`; both its outputs go to `<logs>/<name>.log`.
    ///
    /// # Errors
    /// When the program is not installed or cannot be started.
    pub fn start(name: &str, command: Command, logs: &Path) -> Result<Self> {
        Self::launch(name, command, logs, false).map(|(process, _)| process)
    }

    /// Start `command` and hand out its standard output line by line ([`Process::line`]); the log gets everything.
    ///
    /// # Errors
    /// When the program is not installed or cannot be started.
    pub fn start_talking(name: &str, command: Command, logs: &Path) -> Result<Self> {
        let (mut process, stdout) = Self::launch(name, command, logs, true)?;
        let file = open_log(&process.log)?;
        process.lines = stdout.map(|stdout| forward(stdout, file));
        Ok(process)
    }

    /// Start `command` and hand out its standard output as it comes; only its errors are logged.
    ///
    /// # Errors
    /// When the program is not installed or cannot be started.
    pub fn start_streaming(
        name: &str,
        command: Command,
        logs: &Path,
    ) -> Result<(Self, ChildStdout)> {
        let (process, stdout) = Self::launch(name, command, logs, true)?;
        Ok((process, stdout.context("the process has no output")?))
    }

    fn launch(
        name: &str,
        mut command: Command,
        logs: &Path,
        talking: bool,
    ) -> Result<(Self, Option<ChildStdout>)> {
        std::fs::create_dir_all(logs)
            .with_context(|| format!("cannot make the folder {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let file = open_log(&log)?;
        let program = command.get_program().to_string_lossy().into_owned();
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(file.try_clone()?);
        if talking {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(file);
        }
        let mut child = command.spawn().with_context(|| {
            format!(
                "cannot start `{program}` ({name}); `cargo xtask setup` installs what is missing"
            )
        })?;
        let group = Pid::from_child(&child);
        if let Err(error) = guardian::watch_group(child.id()) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        let stdout = child.stdout.take();
        Ok((
            Self {
                name: name.to_owned(),
                child,
                group,
                lines: None,
                log,
                ended: None,
            },
            stdout,
        ))
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file with what it wrote.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its standard input; taking and dropping it is how some programs are told to end.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The next line of its standard output.
    ///
    /// # Errors
    /// When it ended or said nothing for `within`; the error carries the end of its log.
    pub fn line(&mut self, within: Duration) -> Result<String> {
        if let Some(line) = self.line_or_end(within)? {
            return Ok(line);
        }
        let status = self.wait(PATIENCE)?;
        let status = status.map_or_else(
            || "closed its output".to_owned(),
            |status| status.to_string(),
        );
        bail!("{} ended early: {status}.\n{}", self.name, self.log_tail())
    }

    /// The next line of its standard output; `None` once it has closed it.
    ///
    /// # Errors
    /// When it said nothing for `within`; the error carries the end of its log.
    pub fn line_or_end(&mut self, within: Duration) -> Result<Option<String>> {
        let lines = self
            .lines
            .as_ref()
            .with_context(|| format!("{} was started without reading its output", self.name))?;
        match lines.recv_timeout(within) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "{} said nothing for {} s.\n{}",
                    self.name,
                    within.as_secs_f32(),
                    self.log_tail()
                )
            }
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.wait(Duration::ZERO)?.is_none())
    }

    /// Wait for its end; `None` when it still runs after `within`.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn wait(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            if !within.is_zero() {
                // Not reaped yet, so the number is still ours and the descriptor is for the right process.
                let descriptor = pidfd_open(self.group, PidfdFlags::empty())
                    .context("cannot watch the process")?;
                let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
                let limit = Timespec::try_from(within)
                    .map_err(|_| anyhow!("{within:?} is too long to wait"))?;
                match poll(&mut watched, Some(&limit)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error).context("cannot wait for the process"),
                }
            }
            self.ended = self
                .child
                .try_wait()
                .with_context(|| format!("cannot ask whether {} ended", self.name))?;
            if self.ended.is_some() {
                self.end_group();
            }
        }
        Ok(self.ended)
    }

    /// Ask it to end (SIGTERM), and kill it when it does not within three seconds.
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// End it at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Ask it to end with SIGINT, as Ctrl-C would, without waiting.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn interrupt(&self) -> Result<()> {
        kill_process_group(self.group, Signal::INT)
            .with_context(|| format!("{} is not running", self.name))
    }

    fn end(&mut self, signal: Signal) {
        if self.ended.is_some() {
            return;
        }
        drop(self.child.stdin.take());
        let _ = kill_process_group(self.group, signal);
        if !matches!(self.wait(PATIENCE), Ok(Some(_))) {
            let _ = kill_process_group(self.group, Signal::KILL);
            self.ended = self.child.wait().ok();
            self.end_group();
        }
    }

    /// The leader is gone; whatever it left running in its group goes too.
    fn end_group(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        guardian::forget_group(self.child.id());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads for ever, so that the process never blocks on a full pipe.
fn forward(stdout: ChildStdout, mut log: File) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            let _ = writeln!(log, "{line}");
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Run a short command to its end and return what it printed.
///
/// # Errors
/// When it is not installed or ends with another code than 0; the error carries what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| {
        format!("cannot run `{program}`; `cargo xtask setup` installs what is missing")
    })?;
    if !output.status.success() {
        bail!(
            "`{program}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
