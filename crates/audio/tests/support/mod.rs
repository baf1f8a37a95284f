//! The audio threads as a child, steered line by line: a program finds its sound server through its environment.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use stage::{Environment, Process, RATE, Recording, Scratch, Sound};

pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) struct Desk {
    pub(crate) process: Process,
    input: Option<ChildStdin>,
    pub(crate) facts: Vec<Value>,
    _logs: Scratch,
}

impl Desk {
    pub(crate) fn start(environment: &Environment) -> Self {
        Self::start_as(Command::new(example()), environment)
    }

    /// One whose files can be no larger than so many bytes: for it the disk is full then.
    pub(crate) fn start_on_a_small_disk(bytes: u64, environment: &Environment) -> Self {
        let mut command = Command::new("sh");
        // What is too large is refused, and does not end the program.
        let limited = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\"", bytes / 512);
        command.arg("-c").arg(limited).arg(example());
        Self::start_as(command, environment)
    }

    /// One with this in its environment beside the sound server.
    pub(crate) fn start_with(variables: &[(&str, &Path)], environment: &Environment) -> Self {
        let mut command = Command::new(example());
        command.envs(variables.iter().copied());
        Self::start_as(command, environment)
    }

    fn start_as(mut command: Command, environment: &Environment) -> Self {
        let logs = Scratch::new("audio-test").unwrap();
        command.env("RUST_LOG", "audio=debug");
        environment.apply(&mut command);
        let mut process = Process::start_talking("duplex", command, logs.path()).unwrap();
        let input = process.take_stdin();
        let mut desk = Self {
            process,
            input,
            facts: Vec::new(),
            _logs: logs,
        };
        desk.answer("ready");
        desk
    }

    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.input.as_mut().unwrap(), "{command}").unwrap();
    }

    /// The next answer that has this key; facts that come before are kept.
    pub(crate) fn answer(&mut self, key: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.process.line(SOON).unwrap()).unwrap();
            if line.get(key).is_some() {
                return line;
            }
            assert!(line.get("fact").is_some(), "unexpected: {line}");
            self.facts.push(line);
        }
    }

    pub(crate) fn ask(&mut self, command: &str, key: &str) -> Value {
        self.tell(command);
        self.answer(key)
    }

    pub(crate) fn fact(&mut self) -> Value {
        if self.facts.is_empty() {
            self.answer("fact")
        } else {
            self.facts.remove(0)
        }
    }

    pub(crate) fn opened(&mut self) {
        let fact = self.fact();
        let log = self.process.log_tail();
        assert_eq!(fact["fact"], "opened", "{fact}\n{log}");
    }

    pub(crate) fn figures(&mut self) -> Value {
        self.ask("figures", "threads")
    }

    pub(crate) fn number(&mut self, figure: &str) -> u64 {
        self.figures()[figure].as_u64().unwrap()
    }

    /// Until the microphone hears a tone of this frequency; its level in dBFS.
    pub(crate) fn hears(&mut self, hz: f64) -> f64 {
        let deadline = Instant::now() + SOON;
        loop {
            let heard = self.ask("measure", "hz");
            if (heard["hz"].as_f64().unwrap() - hz).abs() < 4.0
                && heard["seconds"].as_f64().unwrap() > 0.4
            {
                return heard["dbfs"].as_f64().unwrap();
            }
            assert!(
                Instant::now() < deadline,
                "{hz} Hz expected, heard: {heard}\n{}",
                self.process.log_tail()
            );
        }
    }

    /// Until what is captured fits: Hz, level in dBFS.
    pub(crate) fn captures(&mut self, what: &str, fits: impl Fn(f64, f64) -> bool) {
        let mut last = Value::Null;
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            last = self.ask("measure", "hz");
            let number = |key: &str| last[key].as_f64().unwrap();
            if number("seconds") > 0.4 && fits(number("hz"), number("dbfs")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{what} in vain: {last}\n{}", self.process.log_tail());
    }

    /// Until nothing but zeros is captured.
    pub(crate) fn captures_silence(&mut self) {
        self.captures("silence", |_, dbfs| dbfs <= -90.0);
    }

    /// Until what a person sees fits.
    pub(crate) fn sees(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let status = self.ask("status", "levels");
            if fits(&status) {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{what} in vain: {status}\n{}",
                self.process.log_tail()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The end of the commands ends the audio threads. What is left is the main thread, that of the library for the bus
    /// over which priority is asked, and, once there was one, that of the connection to the sound server; both serve the
    /// whole program.
    pub(crate) fn end(self) {
        self.end_with(3);
    }

    pub(crate) fn end_with(mut self, most_threads: u64) {
        self.input = None;
        let threads = self.answer("ended")["threads"].as_u64().unwrap();
        // That library keeps one more for half a second after each question.
        let most_threads = most_threads + 1;
        assert!(threads <= most_threads, "{threads} threads are left");
        // By itself: what it has to do last is done.
        let ended = self.process.wait(SOON).unwrap();
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    }
}

fn example() -> PathBuf {
    // …/target/debug/deps/sound_server-… → …/target/debug/examples/duplex
    let here = std::env::current_exe().unwrap();
    let example = here
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join("duplex");
    assert!(
        example.exists(),
        "the example is missing; `cargo test -p audio` builds it too"
    );
    example
}

/// Streams that play, streams that record; the virtual microphone, itself a recording one, is left out.
pub(crate) fn streams(sound: &Sound) -> (usize, usize) {
    let (playing, recording) = sound.streams().unwrap();
    (playing, recording - 1)
}

/// Until the condition holds; there is no event for what it asks.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What was heard at the speaker: the longest silence between two sounds, in milliseconds.
pub(crate) fn longest_silence(heard: &Recording) -> u64 {
    let loud: Vec<bool> = heard
        .samples()
        .chunks(RATE as usize / 1000)
        .map(|millisecond| millisecond.iter().any(|sample| sample.abs() > 0.02))
        .collect();
    let (mut longest, mut silent) = (0, None);
    for is_loud in loud {
        if is_loud {
            longest = longest.max(silent.unwrap_or(0));
            silent = Some(0);
        } else if let Some(silent) = &mut silent {
            *silent += 1;
        }
    }
    longest
}
