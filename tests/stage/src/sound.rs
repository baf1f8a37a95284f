//! A private sound server, what is played into its microphone and what is heard at its speaker.

use std::{
    fmt,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    Environment, Process, Scratch,
    process::output,
    recording::{RATE, Recording},
};

/// The default sink: what the app plays.
pub const SPEAKER: &str = "spk";
/// The sink behind the default source `mic`: what is played here, the app records.
pub const MICROPHONE: &str = "mic_sink";

/// PulseAudio without hardware: a speaker nobody hears and a microphone that hears what a test plays into it.
#[derive(Debug)]
pub struct Sound {
    process: Process,
    scratch: Scratch,
    logs: PathBuf,
}

impl Sound {
    /// Start it; both devices are there when this returns.
    ///
    /// # Errors
    /// When `pulseaudio` is missing or does not come up.
    pub fn start() -> Result<Self> {
        Self::start_in(None)
    }

    /// As [`Sound::start`], with the log kept in `logs`.
    ///
    /// # Errors
    /// As [`Sound::start`].
    pub fn start_in(logs: Option<&Path>) -> Result<Self> {
        let scratch = Scratch::new("sound")?;
        let logs = logs.unwrap_or(scratch.path()).to_owned();
        // The socket comes last: whoever can connect finds all devices.
        // norewinds: without it a null sink runs at two thirds of real time with some clients.
        let set_up = format!(
            "load-module module-null-sink sink_name={SPEAKER} rate=48000 norewinds=1 sink_properties=device.description=Speaker\n\
             load-module module-null-sink sink_name={MICROPHONE} rate=48000 norewinds=1 sink_properties=device.description=Into_the_microphone\n\
             load-module module-remap-source source_name=mic master={MICROPHONE}.monitor source_properties=device.description=Microphone\n\
             set-default-sink {SPEAKER}\n\
             set-default-source mic\n\
             load-module module-native-protocol-unix auth-anonymous=1 socket={}\n",
            scratch.path().join("socket").display()
        );
        std::fs::write(scratch.path().join("set-up.pa"), set_up)
            .context("cannot write the set-up of the sound server")?;
        let process = launch(&scratch, &logs)?;
        Ok(Self {
            process,
            scratch,
            logs,
        })
    }

    /// The address, as `PULSE_SERVER` wants it.
    #[must_use]
    pub fn server(&self) -> String {
        format!("unix:{}", self.scratch.path().join("socket").display())
    }

    /// What a program needs to find this server.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment::new()
            .with("PULSE_SERVER", self.server())
            .with("PULSE_RUNTIME_PATH", self.scratch.path().to_string_lossy())
            .with(
                "PULSE_COOKIE",
                self.scratch.path().join("cookie").to_string_lossy(),
            )
    }

    /// Kill it, as a crash would. [`Sound::restart`] brings it back at the same address.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stop it and start it anew at the same address.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.process.stop();
        self.process = launch(&self.scratch, &self.logs)?;
        Ok(())
    }

    /// Let it hang: it answers nobody, and no device moves, until [`Sound::thaw`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Let it go on after [`Sound::freeze`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn thaw(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Let it run in real time, as a desktop lets its sound server.
    ///
    /// # Errors
    /// When we may not.
    pub fn run_in_real_time(&self) -> Result<()> {
        let pid = self.process.pid().to_string();
        let mut command = Command::new("chrt");
        output(command.args(["--rr", "--all-tasks", "--pid", "11", &pid])).map(drop)
    }

    fn signal(&self, name: &str) -> Result<()> {
        let pid = self.process.pid().to_string();
        output(Command::new("kill").args(["-s", name, &pid])).map(drop)
    }

    /// Plug in a speaker that nobody hears but who listens to it; other devices stay the default.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn plug_speaker(&self, name: &str, rate: u32, channels: u32) -> Result<Plugged> {
        self.plug(&[
            "module-null-sink",
            &format!("sink_name={name}"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            "norewinds=1",
            &format!("sink_properties=device.description={name}"),
        ])
    }

    /// Plug in a microphone that hears what is played to the sink `hears`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn plug_microphone(&self, name: &str, hears: &str) -> Result<Plugged> {
        self.plug(&[
            "module-remap-source",
            &format!("source_name={name}"),
            &format!("master={hears}.monitor"),
            &format!("source_properties=device.description={name}"),
        ])
    }

    fn plug(&self, module: &[&str]) -> Result<Plugged> {
        let index = self.pactl(&[&["load-module"], module].concat())?;
        Ok(Plugged(index.trim().to_owned()))
    }

    /// Pull a device out.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn unplug(&self, device: Plugged) -> Result<()> {
        self.pactl(&["unload-module", &device.0]).map(drop)
    }

    /// Names of the sinks.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn sinks(&self) -> Result<Vec<String>> {
        self.names("sinks")
    }

    /// Names of the sources, monitors too.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn sources(&self) -> Result<Vec<String>> {
        self.names("sources")
    }

    /// How many streams are playing and how many record.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn streams(&self) -> Result<(usize, usize)> {
        Ok((
            self.names("sink-inputs")?.len(),
            self.names("source-outputs")?.len(),
        ))
    }

    /// Run `pactl` on this server: load and unload modules, change defaults.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub fn pactl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("pactl");
        output(self.environment().apply(command.args(arguments)))
    }

    fn names(&self, kind: &str) -> Result<Vec<String>> {
        let list = self.pactl(&["list", "short", kind])?;
        Ok(list
            .lines()
            .filter_map(|line| line.split('\t').nth(1))
            .map(str::to_owned)
            .collect())
    }

    /// Speak a steady tone (Hz, peak level 0 to 1) into the microphone until the returned value is dropped.
    ///
    /// # Errors
    /// When `pacat` is missing.
    pub fn speak_tone(&self, hz: f32, peak: f32) -> Result<Playing> {
        // One second of a whole number of Hertz ends where it began, so it can be repeated without a click.
        self.play(
            MICROPHONE,
            Recording::tone(hz.round(), peak, Duration::from_secs(1)),
            true,
        )
    }

    /// Speak a recording into the microphone once.
    ///
    /// # Errors
    /// When `pacat` is missing.
    pub fn speak(&self, what: Recording) -> Result<Playing> {
        self.play(MICROPHONE, what, false)
    }

    /// Play a recording into any sink once.
    ///
    /// # Errors
    /// When `pacat` is missing.
    pub fn speak_at(&self, sink: &str, what: Recording) -> Result<Playing> {
        self.play(sink, what, false)
    }

    /// Speak a sound file into the microphone once.
    ///
    /// # Errors
    /// When `paplay` is missing or cannot read the file.
    pub fn speak_file(&self, file: &Path) -> Result<Playing> {
        let mut command = Command::new("paplay");
        self.environment()
            .apply(command.arg(format!("--device={MICROPHONE}")).arg(file));
        Ok(Playing {
            process: Process::start("paplay", command, &self.logs)?,
        })
    }

    fn play(&self, sink: &str, what: Recording, again_and_again: bool) -> Result<Playing> {
        let mut command = Command::new("pacat");
        command.args([
            "--playback",
            "--raw",
            "--format=s16le",
            "--channels=1",
            "--latency-msec=30",
        ]);
        command
            .arg(format!("--rate={RATE}"))
            .arg(format!("--device={sink}"));
        let mut process =
            Process::start("pacat", self.environment().apply_owned(command), &self.logs)?;
        let mut pipe = process.take_stdin().context("pacat has no input")?;
        let bytes = what.bytes();
        std::thread::spawn(move || {
            // Ends when the pipe is closed: pacat is gone.
            while pipe.write_all(&bytes).is_ok() && again_and_again {}
        });
        Ok(Playing { process })
    }

    /// Listen to what the app plays, from now until the returned value is finished or dropped.
    ///
    /// # Errors
    /// When `parec` is missing or the server does not answer.
    pub fn listen(&self) -> Result<Listening> {
        self.listen_to(&format!("{SPEAKER}.monitor"))
    }

    /// Listen to any source.
    ///
    /// # Errors
    /// When `parec` is missing or the server does not answer.
    pub fn listen_to(&self, source: &str) -> Result<Listening> {
        let mut command = Command::new("parec");
        command.args([
            "--raw",
            "--format=s16le",
            "--channels=1",
            "--latency-msec=10",
        ]);
        command
            .arg(format!("--rate={RATE}"))
            .arg(format!("--device={source}"));
        Listening::start(self.environment().apply_owned(command), &self.logs)
    }

    /// Listen to what the app plays for so long.
    ///
    /// # Errors
    /// As [`Sound::listen`], and when nothing at all comes.
    pub fn record(&self, time: Duration) -> Result<Recording> {
        let listening = self.listen()?;
        listening.wait_until(time + Duration::from_secs(5), |heard| {
            heard.duration() >= time
        })?;
        Ok(listening.finish().between(Duration::ZERO, time))
    }
}

impl Environment {
    fn apply_owned(&self, mut command: Command) -> Command {
        self.apply(&mut command);
        command
    }
}

fn launch(scratch: &Scratch, logs: &Path) -> Result<Process> {
    let folder = scratch.path();
    let socket = folder.join("socket");
    let mut command = Command::new("pulseaudio");
    command
        .args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--realtime=no",
            "--high-priority=no",
        ])
        .args([
            "--disallow-exit",
            "--disable-shm=yes",
            "--use-pid-file=no",
            "--log-target=stderr",
            "-F",
        ])
        .arg(folder.join("set-up.pa"))
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("PULSE_RUNTIME_PATH", folder)
        .env("PULSE_STATE_PATH", folder)
        .env_remove("PULSE_SERVER")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY");
    let mut process = Process::start("pulseaudio", command, logs)?;
    // The server announces nothing; that its socket takes a connection is the event.
    let deadline = Instant::now() + Duration::from_secs(10);
    while UnixStream::connect(&socket).is_err() {
        if !process.is_running()? || Instant::now() > deadline {
            bail!(
                "the private sound server did not come up.\n{}",
                process.log_tail()
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(process)
}

/// A device that can be pulled out again.
#[derive(Debug)]
#[must_use]
pub struct Plugged(String);

/// A sound under way; dropping it ends it.
#[derive(Debug)]
pub struct Playing {
    process: Process,
}

impl Playing {
    /// Wait until it has been played.
    ///
    /// # Errors
    /// When it is still playing after `within`.
    pub fn wait(&mut self, within: Duration) -> Result<()> {
        if self.process.wait(within)?.is_none() {
            bail!(
                "the sound is still playing after {} s",
                within.as_secs_f32()
            );
        }
        Ok(())
    }
}

/// An ear at a source. Keeps everything it hears.
pub struct Listening {
    process: Process,
    heard: Arc<Heard>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    samples: Mutex<(Vec<f32>, bool)>,
    more: Condvar,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("heard", &self.so_far().duration())
            .finish_non_exhaustive()
    }
}

impl Listening {
    fn start(mut command: Command, logs: &Path) -> Result<Self> {
        command.stdout(Stdio::piped());
        let (process, stdout) = Process::start_streaming("parec", command, logs)?;
        let heard = Arc::new(Heard::default());
        let sink = Arc::clone(&heard);
        let reader = std::thread::spawn(move || collect(stdout, &sink));
        let listening = Self {
            process,
            heard,
            reader: Some(reader),
        };
        // Recording has begun once the first samples are here: nothing that happens from now on is missed.
        listening.wait_until(Duration::from_secs(10), |heard| !heard.samples().is_empty())?;
        Ok(listening)
    }

    /// Everything heard until now.
    #[must_use]
    pub fn so_far(&self) -> Recording {
        Recording::new(lock(&self.heard).0.clone())
    }

    /// Wait until `condition` holds for all that was heard; looked at with every new piece of sound.
    ///
    /// # Errors
    /// When it does not hold after `within`, or the sound server went away.
    pub fn wait_until(
        &self,
        within: Duration,
        condition: impl Fn(&Recording) -> bool,
    ) -> Result<Recording> {
        let deadline = Instant::now() + within;
        let mut guard = lock(&self.heard);
        loop {
            let recording = Recording::new(guard.0.clone());
            if condition(&recording) {
                return Ok(recording);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if guard.1 {
                bail!(
                    "the sound server went away after {} s.\n{}",
                    recording.duration().as_secs_f32(),
                    self.process.log_tail()
                );
            }
            if left.is_zero() {
                let last = recording.last(Duration::from_secs(1));
                bail!(
                    "not heard within {} s; the last second had {:.0} dBFS and {:?} Hz",
                    within.as_secs_f32(),
                    last.rms_dbfs(),
                    last.dominant_hz()
                );
            }
            guard = self
                .heard
                .more
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Wait until the last `steady` of what was heard is a tone within 5 Hz of `hz`.
    ///
    /// # Errors
    /// When it is not heard within `within`.
    pub fn wait_for_tone(&self, hz: f32, steady: Duration, within: Duration) -> Result<Recording> {
        self.wait_until(within, |heard| {
            let last = heard.last(steady);
            last.duration() >= steady
                && last.loud() >= steady.mul_f32(0.9)
                && last
                    .dominant_hz()
                    .is_some_and(|found| (found - hz).abs() < 5.0)
        })
        .with_context(|| format!("waited for a tone of {hz} Hz"))
    }

    /// Wait until the last `steady` of what was heard is silent.
    ///
    /// # Errors
    /// When it is not silent within `within`.
    pub fn wait_for_silence(&self, steady: Duration, within: Duration) -> Result<Recording> {
        self.wait_until(within, |heard| {
            let last = heard.last(steady);
            last.duration() >= steady && last.loud().is_zero()
        })
        .context("waited for silence")
    }

    /// Forget what was heard until now.
    pub fn forget(&self) {
        lock(&self.heard).0.clear();
    }

    /// Stop and hand over everything heard.
    #[must_use]
    pub fn finish(mut self) -> Recording {
        self.process.kill();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.so_far()
    }
}

fn lock(heard: &Heard) -> MutexGuard<'_, (Vec<f32>, bool)> {
    heard.samples.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(mut stdout: ChildStdout, heard: &Heard) {
    let mut buffer = [0_u8; 4096];
    let mut odd: Option<u8> = None;
    loop {
        let count = stdout.read(&mut buffer).unwrap_or(0);
        let mut guard = lock(heard);
        if count == 0 {
            guard.1 = true;
            heard.more.notify_all();
            return;
        }
        for byte in buffer.iter().take(count).copied() {
            match odd.take() {
                Some(low) => guard
                    .0
                    .push(f32::from(i16::from_le_bytes([low, byte])) / 32_768.0),
                None => odd = Some(byte),
            }
        }
        heard.more.notify_all();
    }
}
