//! Mouth to ear, one way, between two sides of the same kind in one room: the phone's sound path, and a browser in turn with
//! it on the same devices. Every call is fresh, every run is printed, the void ones too.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stage::{Process, Recording};

use crate::{
    arena::{Arena, Kind, SIDES, begin, costs, usage_of, wait_for_quiet},
    chirp::{self, RATE},
    conditions::Conditions,
    journal::{Journal, Measure},
    peer,
    place::PATIENCE,
    statistics::Summary,
    tap::{Heard, Tap, now},
};

/// Chirps in one call.
const GAPS: [f64; 9] = [
    0.613, 0.597, 0.651, 0.608, 0.639, 0.602, 0.627, 0.644, 0.591,
];
/// Silence before the first, seconds: the call settles.
const LEAD: f64 = 1.5;
/// What comes later than this, in seconds, belongs to the next chirp.
const WITHIN: f64 = 0.55;

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    OURS: "duel_ours_ms", "mouth -> ear, one way, ours", "ms";
    CPAL: "duel_cpal_ms", "mouth -> ear, one way, ours by way of cpal", "ms";
    PLAIN: "duel_plain_ms", "mouth -> ear, one way, ours, nothing processed", "ms";
    THEIRS: "duel_chromium_ms", "mouth -> ear, one way, Chromium", "ms";
    OURS_CPU: "duel_ours_cpu", "processor of one side, ours", "% core";
    CPAL_CPU: "duel_cpal_cpu", "processor of one side, ours by way of cpal", "% core";
    PLAIN_CPU: "duel_plain_cpu", "processor of one side, ours, nothing processed", "% core";
    THEIRS_CPU: "duel_chromium_cpu", "processor of one side, Chromium", "% core";
    OURS_PSS: "duel_ours_mb", "memory of one side, ours", "MB";
    CPAL_PSS: "duel_cpal_mb", "memory of one side, ours by way of cpal", "MB";
    PLAIN_PSS: "duel_plain_mb", "memory of one side, ours, nothing processed", "MB";
    THEIRS_PSS: "duel_chromium_mb", "memory of one side, Chromium", "MB";
}

/// Delay, processor and memory.
fn measures_of(kind: Kind) -> [&'static Measure; 3] {
    match kind {
        // The engine alone says nothing by itself: it is measured elsewhere.
        Kind::Ours | Kind::Bare => [&OURS, &OURS_CPU, &OURS_PSS],
        Kind::Cpal => [&CPAL, &CPAL_CPU, &CPAL_PSS],
        Kind::Plain => [&PLAIN, &PLAIN_CPU, &PLAIN_PSS],
        Kind::Chromium => [&THEIRS, &THEIRS_CPU, &THEIRS_PSS],
    }
}

/// Who talks in this round. What is compared with nobody's goal is done in every fourth.
fn kinds(run: usize, with_browser: bool) -> Vec<Kind> {
    let mut kinds = vec![Kind::Ours];
    if with_browser {
        kinds.push(Kind::Chromium);
    }
    if run % 4 == 1 {
        kinds.extend([Kind::Cpal, Kind::Plain]);
    }
    kinds
}

/// Calls in so many rounds.
pub(crate) fn calls(count: usize, with_browser: bool) -> usize {
    (1..=count).map(|run| kinds(run, with_browser).len()).sum()
}

/// `count` fresh calls of ours and of the browser in turn, a quarter as many of the others; answers a table of them.
pub(crate) fn measure(
    journal: &mut Journal,
    count: usize,
    with_browser: bool,
    quiet_within: Duration,
) -> Result<String> {
    let client = with_browser.then(peer::available).transpose()?;
    let arena = Arena::start(client, None)?;
    let floor = floor(&arena)?;
    println!(
        "harness floor (what recording and playing alone take): {floor:.1} ms, not subtracted"
    );
    let mut table = String::from(
        "\nmouth -> ear, each call (ms)\n call kind                 median     p95    min    max  lost  waiting %  buffer  detail\n",
    );
    let mut medians: BTreeMap<Kind, Vec<f64>> = BTreeMap::new();
    for run in 1..=count {
        for kind in &kinds(run, with_browser) {
            let waited = wait_for_quiet(quiet_within);
            let before = Conditions::now();
            let outcome = one(&arena, *kind, run, LEAD);
            let pressure = before.pressure_until(&Conditions::now());
            let row = match outcome {
                Ok(call) => {
                    medians.entry(*kind).or_default().push(call.summary.median);
                    keep(journal, *kind, run, &call, pressure, waited);
                    call.row(run, *kind, pressure)
                }
                Err(error) => {
                    let [delay, ..] = measures_of(*kind);
                    journal.void(delay, run, &format!("{error:#}"));
                    format!("{run:>5} {:<20} void: {error:#}\n", kind.name())
                }
            };
            print!("{row}");
            table.push_str(&row);
        }
    }
    for (kind, values) in &medians {
        if let Some(summary) = Summary::of(values) {
            table.push_str(&format!(
                "{:<20} median of {} calls {:6.1}, worst {:6.1}\n",
                kind.name(),
                values.len(),
                summary.median,
                summary.max
            ));
        }
    }
    let median = |kind| medians.get(&kind).and_then(|values| Summary::of(values));
    if let (Some(ours), Some(theirs)) = (median(Kind::Ours), median(Kind::Chromium)) {
        table.push_str(&format!(
            "ours / Chromium, median to median: {:.2}\n",
            ours.median / theirs.median
        ));
    }
    Ok(table)
}

/// One call as measured.
pub(crate) struct Call {
    pub(crate) delays: Vec<Option<f64>>,
    pub(crate) summary: Summary,
    /// Of each side: percent of a core, MB, threads.
    usage: Vec<(f64, f64, usize)>,
    /// What each side says of itself.
    pub(crate) said: Vec<Value>,
    /// Medians of the stages of a chirp's way, where they are known.
    stages: Option<[f64; 3]>,
}

impl Call {
    /// What the listening side says.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        let value = self.said.last().and_then(|said| said.get(key));
        value.and_then(Value::as_f64)
    }

    pub(crate) fn row(&self, run: usize, kind: Kind, pressure: Option<f64>) -> String {
        let lost = self.delays.iter().filter(|delay| delay.is_none()).count();
        let number = |key: &str| self.number(key);
        let detail = match self.stages {
            Some([near, wire, far]) => format!(
                "mouth-engine {near:.1}, engine-engine {wire:.1}, engine-ear {far:.1}; gaps {:.0}, trimmed {:.0}",
                number("under_runs").unwrap_or(0.0),
                number("trimmed").unwrap_or(0.0)
            ),
            None => format!("playout {:.1}", number("playout_ms").unwrap_or(0.0)),
        };
        let (cpu, memory, threads) = self.usage.first().copied().unwrap_or_default();
        format!(
            "{run:>5} {:<20} {:>6.1} {:>7.1} {:>6.1} {:>6.1} {lost:>5} {:>10} {:>7.1}  {detail}; {cpu:.1} % core, {memory:.1} MB, {threads} threads\n",
            kind.name(),
            self.summary.median,
            self.summary.p95,
            self.summary.min,
            self.summary.max,
            pressure.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}")),
            number("buffer_ms").unwrap_or(0.0),
        )
    }
}

fn keep(
    journal: &mut Journal,
    kind: Kind,
    run: usize,
    call: &Call,
    pressure: Option<f64>,
    waited: f64,
) {
    let [delay, cpu, memory] = measures_of(kind);
    journal.value(delay, run, call.summary.median);
    if let Some((share, megabytes, _)) = call.usage.first() {
        journal.value(cpu, run, *share);
        journal.value(memory, run, *megabytes);
    }
    journal.write(&json!({
        "kind": "duel", "of": kind.name(), "run": run, "delays_ms": call.delays, "said": call.said,
        "stages_ms": call.stages, "cpu_pressure_during": pressure, "waited_s": waited,
    }));
}

/// `lead`: seconds before the first chirp.
pub(crate) fn one(arena: &Arena, kind: Kind, run: usize, lead: f64) -> Result<Call> {
    let sides = begin(arena, kind, run)?;
    let [speaking, listening] = &SIDES;
    let mouth = Tap::on(&arena.stage, &format!("{}.monitor", speaking.sink))?;
    let ear = Tap::on(&arena.stage, &format!("{}.monitor", listening.speaker))?;
    let began = (now(), Instant::now());
    let before = usage_of(&sides)?;
    let mut chirps = arena
        .stage
        .sound
        .speak_at(speaking.sink, Recording::new(chirp::train(lead, &GAPS)))?;
    chirps.wait(PATIENCE)?;
    ear.wait_until(now() + WITHIN, PATIENCE)?;
    let after = usage_of(&sides)?;
    let seconds = began.1.elapsed().as_secs_f64();
    let mut said = Vec::new();
    for side in sides {
        said.push(side.end()?);
    }
    let sent = times(&mouth.heard(), began.0)?;
    let heard = times(&ear.heard(), began.0)?;
    if sent.len() != GAPS.len() {
        bail!(
            "the microphone heard {} of {} chirps",
            sent.len(),
            GAPS.len()
        );
    }
    let delays: Vec<Option<f64>> = in_ms(chirp::delays(&sent, &heard, WITHIN));
    let found: Vec<f64> = delays.iter().flatten().copied().collect();
    let summary = Summary::of(&found)
        .filter(|_| found.len() * 3 >= delays.len() * 2)
        .with_context(|| format!("{} of {} chirps arrived", found.len(), delays.len()))?;
    let usage = costs(&before, &after, seconds);
    let stages = stages(&sent, &heard, &said);
    Ok(Call {
        delays,
        summary,
        usage,
        said,
        stages,
    })
}

fn in_ms(delays: Vec<Option<f64>>) -> Vec<Option<f64>> {
    delays
        .into_iter()
        .map(|delay| delay.map(|delay| delay * 1e3))
        .collect()
}

/// From the mouth to our engine, from there to theirs, from there to the ear.
fn stages(sent: &[f64], heard: &[f64], said: &[Value]) -> Option<[f64; 3]> {
    let trace = |side: usize, key: &str| -> Option<Vec<f64>> {
        let list = said.get(side)?.get(key)?.as_array()?;
        Some(list.iter().filter_map(Value::as_f64).collect())
    };
    let (given, taken) = (trace(0, "given")?, trace(1, "taken")?);
    let median = |from: &[f64], to: &[f64]| {
        let delays: Vec<f64> = in_ms(chirp::delays(from, to, WITHIN))
            .into_iter()
            .flatten()
            .collect();
        Summary::of(&delays).map(|summary| summary.median)
    };
    Some([
        median(sent, &given)?,
        median(&given, &taken)?,
        median(&taken, heard)?,
    ])
}

/// What recording and playing alone take on this machine.
fn floor(arena: &Arena) -> Result<f64> {
    let [speaking, listening] = &SIDES;
    let environment = arena.stage.sound.environment();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(
        "exec parec --raw --format=s16le --channels=1 --rate=48000 --latency-msec=10 --device={} | exec pacat --playback --raw --format=s16le --channels=1 --rate=48000 --latency-msec=10 --device={}",
        speaking.source, listening.speaker
    ));
    environment.apply(&mut command);
    let mut loop_back = Process::start("loop-back", command, &arena.stage.logs())?;
    let mouth = Tap::on(&arena.stage, &format!("{}.monitor", speaking.sink))?;
    let ear = Tap::on(&arena.stage, &format!("{}.monitor", listening.speaker))?;
    let began = now();
    let mut chirps = arena
        .stage
        .sound
        .speak_at(speaking.sink, Recording::new(chirp::train(LEAD, &GAPS)))?;
    chirps.wait(PATIENCE)?;
    ear.wait_until(now() + WITHIN, PATIENCE)?;
    loop_back.stop();
    let (sent, heard) = (times(&mouth.heard(), began)?, times(&ear.heard(), began)?);
    let delays: Vec<f64> = in_ms(chirp::delays(&sent, &heard, WITHIN))
        .into_iter()
        .flatten()
        .collect();
    Summary::of(&delays)
        .map(|summary| summary.median)
        .context("the harness itself hears nothing")
}

/// When chirps were heard since `from` (seconds since 1970).
fn times(heard: &Heard, from: f64) -> Result<Vec<f64>> {
    let (samples, first) = heard.between(from, now()).context("nothing was recorded")?;
    Ok(chirp::find(samples)
        .into_iter()
        .map(|place| first + place / RATE)
        .collect())
}
