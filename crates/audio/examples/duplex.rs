//! The audio threads without a call, steered from the terminal: one command a line, one JSON object a line back.
//!
//! ```text
//! open | close                 microphone and speaker, as for a call
//! ring on|off, ringback on|off, busy, beep, ended, key 5
//! far 700                      the far end sends 700 Hz; `far 0`: nothing
//! loop on|off                  the far end sends back what the microphone hears (use a headset)
//! measure                      the last half second of what is captured: Hz, dBFS, frames in all
//! choose microphone|speaker|ring ID        a device of one's own; without an id: the system's
//! volume 50                    of the ring
//! sample bells                 a ringtone, heard once
//! trial on|off                 the echo test
//! ready on|off                 microphone and speaker are opened when it begins to ring
//! keep on|off                  the far end's last minute, in memory
//! replay 15                    its last seconds are heard again; without a number: no longer
//! tones GB                     ringback and busy as they sound there
//! record FILE                  both sides into a file, until `record` without one
//! recorded                     how much is in it, and whether it broke off
//! gap                          the longest silence that was captured since the last question, and the one now, ms
//! status                       what a person would see
//! figures                      counters, threads, file descriptors, processor seconds, what device callbacks allocated
//! devices                      what `deskline devices` would say
//! ```
//!
//! Facts appear as they happen. The end of the input ends it, and says so once all threads are gone.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::fs::File;
use std::io::{BufRead, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use audio::tones::{Ringtone, TonePlan};
use audio::{AudioPorts, Choice, Panel, PlaybackSignal, Recording, Statistics};
use call::Input;
use call::input::AudioFact;
use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use call::output::AudioCommand;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Counts what is allocated where nothing may be.
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
static GUARDED: AtomicU64 = AtomicU64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Where a callback begins and ends is said here, if a library that counts calls was loaded into this process
/// (tests/callback_calls.rs). It takes the sentences for itself.
static MARKS: OnceLock<File> = OnceLock::new();

fn mark(sentence: &[u8]) {
    if let Some(mut marks) = MARKS.get() {
        marks.write_all(sentence).expect("a mark");
    }
}

/// Every device callback runs in here.
fn count_allocations(callback: &mut dyn FnMut()) {
    let before = assert_no_alloc::violation_count();
    assert_no_alloc::assert_no_alloc(|| {
        mark(b"a callback begins");
        callback();
        mark(b"a callback ends");
    });
    let allocated = assert_no_alloc::violation_count() - before;
    ALLOCATIONS.fetch_add(u64::from(allocated), Relaxed);
    GUARDED.fetch_add(1, Relaxed);
}

/// Half a second of the microphone.
const KEPT: usize = SAMPLE_RATE as usize / 2;

#[derive(Default)]
struct Shared {
    far_hz: AtomicU32,
    looping: AtomicBool,
    ended: AtomicBool,
    heard: Mutex<VecDeque<i16>>,
    frames: AtomicU64,
    /// Frames of silence in a row: now, and at most since somebody asked.
    silent: AtomicU64,
    longest: AtomicU64,
}

fn keep(kept: &mut VecDeque<i16>, frame: &Frame) {
    kept.extend(frame);
    let old = kept.len().saturating_sub(KEPT);
    kept.drain(..old);
}

fn main() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    if std::env::var_os("CALLBACK_CALLS").is_some() {
        let nowhere = File::options().write(true).open("/dev/null");
        MARKS.get_or_init(|| nowhere.expect("nowhere to write to"));
    }
    audio::guard_callbacks(count_allocations);
    let shared = Arc::new(Shared::default());
    let (commands, receiver) = mpsc::channel(64);
    let (facts, mut news) = mpsc::channel(64);
    let (far_end, playback) = rtrb::RingBuffer::new(10);
    let microphone = Arc::clone(&shared);
    let capture = Box::new(move |frame: &Frame| {
        microphone.frames.fetch_add(1, Relaxed);
        if frame.iter().all(|sample| *sample == frame[0]) {
            let silent = microphone.silent.fetch_add(1, Relaxed) + 1;
            microphone.longest.fetch_max(silent, Relaxed);
        } else {
            microphone.silent.store(0, Relaxed);
        }
        keep(&mut microphone.heard.lock().unwrap(), frame);
        true
    });
    let ports = AudioPorts {
        capture,
        playback,
        processing: Arc::new(|_| None),
    };
    let audio = audio::spawn(receiver, facts, ports).expect("threads");
    let statistics = audio.statistics();
    let signal = audio.playback_signal();
    let desk = Desk {
        commands,
        panel: audio.panel(),
        statistics,
        shared: Arc::clone(&shared),
        recording: Mutex::new(None),
    };
    let mut choice = Choice::default();

    let far = Arc::clone(&shared);
    let far_end = std::thread::spawn(move || send_far_end(&far, far_end, &signal));
    let facts = std::thread::spawn(move || {
        while let Some(input) = news.blocking_recv() {
            if let Input::Audio(fact) = input {
                say(match fact {
                    AudioFact::Opened => json!({"fact": "opened"}),
                    AudioFact::Failed { what } => json!({"fact": "failed", "what": what}),
                    AudioFact::Using {
                        microphone,
                        speaker,
                    } => json!({"fact": "using", "microphone": microphone, "speaker": speaker}),
                });
            }
        }
    });
    say(json!({"ready": true}));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("input");
        desk.obey(&line, &mut choice);
    }
    drop(desk);
    audio.join();
    facts.join().expect("facts");
    shared.ended.store(true, Relaxed);
    far_end.join().expect("far end");
    say(json!({"ended": true, "threads": entries("/proc/self/task")}));
}

struct Desk {
    commands: mpsc::Sender<AudioCommand>,
    panel: Panel,
    statistics: Arc<Statistics>,
    shared: Arc<Shared>,
    recording: Mutex<Option<Recording>>,
}

impl Desk {
    fn obey(&self, line: &str, choice: &mut Choice) {
        let shared = &self.shared;
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let on = rest == "on";
        let command = match word {
            "open" => AudioCommand::Open,
            "close" => AudioCommand::Close,
            "ring" => AudioCommand::Ring(on),
            "ringback" => AudioCommand::Ringback(on),
            "busy" => AudioCommand::BusyTone,
            "beep" => AudioCommand::Beep,
            "ended" => AudioCommand::EndTone,
            "key" => AudioCommand::KeyTone(rest.chars().next().unwrap_or(' ')),
            "far" => return shared.far_hz.store(rest.parse().unwrap_or(0), Relaxed),
            "loop" => return shared.looping.store(on, Relaxed),
            "measure" => {
                let mut said = measure(&shared.heard.lock().unwrap());
                said["frames"] = json!(shared.frames.load(Relaxed));
                return say(said);
            }
            "figures" => return say(figures(&self.statistics)),
            "gap" => {
                return say(json!({
                    "longest_ms": shared.longest.swap(0, Relaxed) * 10,
                    "now_ms": shared.silent.load(Relaxed) * 10,
                }));
            }
            "record" => return self.record(rest),
            "recorded" => {
                let recording = self.recording.lock().unwrap();
                return say(json!({
                    "seconds": recording.as_ref().map(Recording::seconds),
                    "broke_off": recording.as_ref().is_some_and(Recording::has_failed),
                }));
            }
            "keep" => {
                choice.instant_replay = on;
                return self.panel.choose(choice.clone());
            }
            "ready" => {
                choice.ready_while_ringing = on;
                return self.panel.choose(choice.clone());
            }
            "replay" => {
                return match rest.parse() {
                    Ok(seconds) => self.panel.begin_replay(seconds),
                    Err(_) => self.panel.end_replay(),
                };
            }
            "trial" if on => return self.panel.begin_trial(),
            "trial" => return self.panel.end_trial(),
            "choose" => {
                let (what, id) = rest.split_once(' ').unwrap_or((rest, ""));
                let id = (!id.is_empty()).then(|| id.to_owned());
                match what {
                    "microphone" => choice.microphone = id,
                    "speaker" => choice.speaker = id,
                    _ => choice.ring = id,
                }
                return self.panel.choose(choice.clone());
            }
            "volume" => {
                choice.ring_volume = rest.parse().unwrap_or(100);
                return self.panel.choose(choice.clone());
            }
            "sample" => return self.panel.sample(Ringtone::of_word(rest)),
            "tones" => {
                choice.tone_plan = TonePlan::of_country(rest);
                return self.panel.choose(choice.clone());
            }
            "status" => return say(status(&self.panel)),
            "devices" => {
                let list = audio::devices();
                return say(json!({
                    "microphone": list.microphone, "speaker": list.speaker, "microphones": list.microphones,
                    "speakers": list.speakers, "problem": list.problem,
                }));
            }
            _ => return say(json!({"unknown": line})),
        };
        self.commands.blocking_send(command).expect("audio runs");
    }
}

impl Desk {
    fn record(&self, path: &str) {
        let mut recording = self.recording.lock().unwrap();
        if path.is_empty() {
            assert!(self.panel.record(None));
            *recording = None;
        } else {
            let (begun, tap) = Recording::begin(std::path::Path::new(path), false).expect("a file");
            assert!(self.panel.record(Some(tap)));
            *recording = Some(begun);
        }
        say(json!({"recording": recording.is_some()}));
    }
}

fn status(panel: &Panel) -> Value {
    let status = panel.status().borrow().clone();
    let levels = *panel.levels().borrow();
    let ids = |list: &[audio::DeviceEntry]| -> Vec<String> {
        list.iter().map(|entry| entry.id.clone()).collect()
    };
    json!({
        "microphones": ids(&status.present.microphones),
        "speakers": ids(&status.present.speakers),
        "microphone": status.microphone,
        "speaker": status.speaker,
        "ring": status.ring,
        "speaker_replaced": status.speaker_replaced,
        "microphone_replaced": status.microphone_replaced,
        "silent": status.microphone_silent,
        "problem": status.problem,
        "replay_seconds": status.replay.map(|replay| replay.seconds),
        "replay_playing": status.replay.is_some_and(|replay| replay.playing),
        "levels": [levels.microphone, levels.speaker],
    })
}

/// 10 ms of a sine that goes on from frame to frame.
fn sine(hz: f64, number: u64) -> Frame {
    let mut frame = [0; FRAME_SAMPLES];
    for (index, slot) in frame.iter_mut().enumerate() {
        let at = (number * FRAME_SAMPLES as u64 + index as u64) as f64 / f64::from(SAMPLE_RATE);
        *slot = (8000.0 * (TAU * hz * at).sin()) as i16;
    }
    frame
}

/// A frame every 10 ms, as an engine delivers them.
fn send_far_end(shared: &Shared, mut ring: rtrb::Producer<Frame>, signal: &PlaybackSignal) {
    let start = Instant::now();
    for number in 0u64.. {
        let due = start + Duration::from_millis(10 * number);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if shared.ended.load(Relaxed) {
            return;
        }
        let hz = f64::from(shared.far_hz.load(Relaxed));
        let mut frame = [0; FRAME_SAMPLES];
        if shared.looping.load(Relaxed) {
            let heard = shared.heard.lock().unwrap();
            let newest = heard.len().saturating_sub(FRAME_SAMPLES);
            frame
                .iter_mut()
                .zip(heard.iter().skip(newest))
                .for_each(|(slot, sample)| *slot = *sample);
        } else if hz > 0.0 {
            frame = sine(hz, number);
        } else {
            continue;
        }
        let _ = ring.push(frame);
        signal.notify();
    }
}

fn measure(samples: &VecDeque<i16>) -> Value {
    let heard: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    let rises = heard
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
        .count();
    let seconds = heard.len() as f64 / f64::from(SAMPLE_RATE);
    let rms = (heard.iter().map(|sample| sample * sample).sum::<f64>() / heard.len().max(1) as f64)
        .sqrt();
    json!({
        "hz": rises as f64 / seconds.max(1e-9),
        "dbfs": 20.0 * (rms / 32_768.0).max(1e-6).log10(),
        "seconds": seconds,
    })
}

fn figures(statistics: &Statistics) -> Value {
    let counters = statistics.counters();
    let (microphone, speaker) = statistics.callback_times();
    let micros = |time: Option<Duration>| time.map(|time| time.as_nanos() as f64 / 1000.0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 in ticks of 10 ms; counted after the name, which may hold anything.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    json!({
        "input_callbacks": counters.input_callbacks,
        "output_callbacks": counters.output_callbacks,
        "frames_captured": counters.frames_captured,
        "frames_by_clock": counters.frames_by_clock,
        "frames_played": counters.frames_played,
        "under_runs": counters.under_runs,
        "under_run_samples": counters.under_run_samples,
        "overflows": counters.overflows,
        "frames_trimmed": counters.frames_trimmed,
        "guarded_callbacks": GUARDED.load(Relaxed),
        "allocations_in_callbacks": ALLOCATIONS.load(Relaxed),
        "microphone_callback_us": micros(microphone),
        "speaker_callback_us": micros(speaker),
        "opens": counters.opens,
        "losses": counters.losses,
        "moves": counters.moves,
        "margin_samples": counters.margin_samples,
        "stream_errors": counters.stream_errors,
        "microphone_peak": statistics.take_microphone_peak(),
        "speaker_peak": statistics.take_speaker_peak(),
        "threads": entries("/proc/self/task"),
        "descriptors": entries("/proc/self/fd"),
        "processor_seconds": (ticks(11) + ticks(12)) as f64 / 100.0,
    })
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).map(Iterator::count).unwrap_or(0)
}

fn say(value: Value) {
    println!("{value}");
}
