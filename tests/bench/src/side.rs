//! One side of a call between two programs: the phone's own sound path and engine, in a room, without the phone around it.
//! The audio suite starts two of these on devices of their own; what it is told comes in its environment, since a token is
//! nobody's business.

use std::io::Read as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use audio::{AudioPorts, Choice, Processing, VoiceProcessor};
use call::Input;
use call::input::AudioFact;
use call::media::{FRAME_SAMPLES, Frame};
use call::output::AudioCommand;
use realtime::backend::{Event, Listening, MicrophoneSource, Publication};
use realtime::{Access, Backend, VoiceProcessing, VoiceSteps};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{chirp, place::PATIENCE, tap::now, watch};

/// Address of the server.
pub(crate) const URL: &str = "BENCH_SIDE_URL";
/// Token for the room.
pub(crate) const TOKEN: &str = "BENCH_SIDE_TOKEN";
/// Id of the microphone.
pub(crate) const MICROPHONE: &str = "BENCH_SIDE_MICROPHONE";
/// Id of the speaker.
pub(crate) const SPEAKER: &str = "BENCH_SIDE_SPEAKER";
/// Which steps of the processing are on: `echo,noise,gain`, or nothing.
pub(crate) const STEPS: &str = "BENCH_SIDE_STEPS";
/// Set: no devices and no processing, so that the engine alone is seen.
pub(crate) const BARE: &str = "BENCH_SIDE_BARE";
/// Set: it tells how long its device callbacks took.
pub(crate) const CALLBACKS: &str = "BENCH_SIDE_CALLBACKS";
/// Longest call that is traced: two minutes.
const MOST_FRAMES: usize = 12_000;

struct Engine(VoiceProcessing);

impl VoiceProcessor for Engine {
    fn render(&mut self, frame: &Frame) {
        self.0.render(frame);
    }

    fn capture(&mut self, frame: &mut Frame, delay_ms: u16) {
        self.0.capture(frame, delay_ms);
    }
}

/// Frames that passed a point, and when.
struct Trace(Mutex<(Vec<f64>, Vec<f32>)>);

impl Trace {
    fn new() -> Arc<Self> {
        let frames = Vec::with_capacity(MOST_FRAMES);
        let samples = Vec::with_capacity(MOST_FRAMES * FRAME_SAMPLES);
        Arc::new(Self(Mutex::new((frames, samples))))
    }

    fn pass(&self, frame: &Frame) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() < MOST_FRAMES {
            kept.0.push(now());
            kept.1
                .extend(frame.iter().map(|sample| f32::from(*sample) / 32_768.0));
        }
    }

    /// When each chirp passed: the time of the frame with its beginning.
    fn chirps(&self) -> Vec<f64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chirp::find(&kept.1)
            .into_iter()
            .filter_map(|at| kept.0.get(at as usize / FRAME_SAMPLES).copied())
            .collect()
    }
}

/// Joins, speaks, listens, until its input ends; says what there is to say as JSON.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(call())
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: the audio suite starts this"))
}

/// Sends a hundred frames of silence a second.
fn silence(source: Arc<OnceLock<MicrophoneSource>>) -> Result<()> {
    std::thread::Builder::new()
        .name("silence".to_owned())
        .spawn(move || {
            let mut due = Instant::now();
            loop {
                due += Duration::from_millis(10);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if let Some(source) = source.get() {
                    let _nobody_hears = source.push(&[0; FRAME_SAMPLES]);
                }
            }
        })?;
    Ok(())
}

async fn call() -> Result<()> {
    let steps = variable(STEPS)?;
    let on = |step: &str| steps.split(',').any(|one| one == step);
    let choice = Choice {
        microphone: Some(variable(MICROPHONE)?),
        speaker: Some(variable(SPEAKER)?),
        processing: Processing {
            echo_cancellation: on("echo"),
            noise_suppression: on("noise"),
            gain: on("gain"),
        },
        ..Choice::default()
    };
    let watched = std::env::var_os(CALLBACKS).is_some();
    if watched {
        watch::install();
    }
    let backend = Backend::Prebuilt;
    backend.prepare().map_err(anyhow::Error::msg)?;

    let (commands, receiver) = mpsc::channel(16);
    let (facts, mut news) = mpsc::channel(16);
    let (mut far, playback) = rtrb::RingBuffer::new(20);
    let source: Arc<OnceLock<MicrophoneSource>> = Arc::default();
    let (given, taken) = (Trace::new(), Trace::new());
    let (feed, kept) = (Arc::clone(&source), Arc::clone(&given));
    let maker = backend.clone();
    let ports = AudioPorts {
        capture: Box::new(move |frame| {
            let sent = feed.get().is_some_and(|source| source.push(frame));
            if sent {
                kept.pass(frame);
            }
            sent
        }),
        playback,
        processing: Arc::new(move |wanted: Processing| {
            let steps = VoiceSteps {
                echo_cancellation: wanted.echo_cancellation,
                noise_suppression: wanted.noise_suppression,
                gain: wanted.gain,
            };
            let module = maker.voice_processing(steps).ok().flatten()?;
            Some(Box::new(Engine(module)) as Box<dyn VoiceProcessor>)
        }),
    };
    let sound = audio::spawn(receiver, facts, ports)?;
    let bare = std::env::var_os(BARE).is_some();
    if bare {
        silence(Arc::clone(&source))?;
    } else {
        sound.panel().choose(choice);
        commands.send(AudioCommand::Open).await?;
        match tokio::time::timeout(PATIENCE, news.recv()).await? {
            Some(Input::Audio(AudioFact::Opened)) => {}
            other => bail!("the devices do not open: {other:?}"),
        }
    }

    let access = Access::new(variable(URL)?, &variable(TOKEN)?);
    let mut joined = backend.connect(&access).await?;
    let microphone = joined.connection.publish_microphone().await?;
    let _first = source.set(microphone.source());
    let connection = Arc::new(joined.connection);
    let hear = |publication: &Publication| {
        if publication.is_audio {
            let _gone = connection.subscribe(publication);
        }
    };
    for (_, offered) in &joined.present {
        offered.iter().for_each(hear);
    }
    let signal = sound.playback_signal();
    let sink_kept = Arc::clone(&taken);
    let mut sink = Some(move |frame: &Frame| {
        sink_kept.pass(frame);
        if bare {
            return;
        }
        let _full = far.push(*frame);
        signal.notify();
    });
    let mut listening: Option<Listening> = None;
    let (ended, mut over) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    println!("{}", json!({ "joined": true }));
    // Gaps before both hear each other belong to the beginning.
    let mut under_runs = 0;
    loop {
        tokio::select! {
            event = joined.events.recv() => match event {
                Some(Event::Published { publication, .. }) => hear(&publication),
                Some(Event::Subscribed { track, .. }) => {
                    if let Some(sink) = sink.take() {
                        listening = Some(track.listen(sink)?);
                        under_runs = sound.statistics().counters().under_runs;
                        if watched {
                            watch::begin();
                        }
                        println!("{}", json!({ "hears": true }));
                    }
                }
                Some(_) => {}
                None => bail!("the room is gone"),
            },
            _ = &mut over => break,
        }
    }
    let callbacks = watched.then(watch::report);
    let figures = connection.figures().await?;
    let counters = sound.statistics().counters();
    // Looking for chirps where nobody plays any would take as long as the call.
    let chirps = |trace: &Trace| if watched { Vec::new() } else { trace.chirps() };
    println!(
        "{}",
        json!({
            "given": chirps(&given), "taken": chirps(&taken),
            "buffer_ms": figures.buffer_delay * 1e3, "lost": figures.packets_lost,
            "under_runs": counters.under_runs, "under_run_samples": counters.under_run_samples,
            "trimmed": counters.frames_trimmed, "margin_samples": counters.margin_samples,
            "microphone_ms": counters.microphone_latency_us as f64 / 1e3,
            "speaker_ms": counters.speaker_latency_us as f64 / 1e3,
            "opens": counters.opens, "losses": counters.losses,
            "under_runs_watched": counters.under_runs - under_runs,
            "callbacks": callbacks,
        })
    );
    drop(listening);
    tokio::time::timeout(Duration::from_secs(3), connection.leave())
        .await
        .ok();
    drop(commands);
    Ok(())
}
