//! How speech sounds after its way through a real room, while the network is clean and while it loses packets: ours, and a
//! browser in turn with it that loses the same packets. Scored once all calls are over, so that nothing is computed beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stage::Recording;

use crate::{
    arena::{Arena, Kind, SIDES, begin, wait_for_quiet},
    chirp::RATE,
    conditions::Conditions,
    journal::{Journal, Measure},
    peer,
    place::PATIENCE,
    relay::{Relay, Weather},
    scores::Scorer,
    speech,
    statistics::Summary,
    tap::{Tap, now},
};

/// Silence before the first word, seconds: the call settles, and its packets are lost already.
const LEAD: f64 = 2.0;
/// What comes later than this, in seconds, is not waited for.
const WITHIN: f64 = 0.9;
/// Each window that is scored, in seconds, and how many there are of a call.
const WINDOW: f64 = 8.0;
const WINDOWS: usize = 3;

/// What the network does, and what is noted of it: PESQ-WB and PLCMOS of ours, of Chromium, and of ours unprocessed.
struct Network {
    name: &'static str,
    key: &'static str,
    /// Share of packets that are lost on their way to the listener.
    loss: f64,
    /// Mean number lost in a row; `None`: each for itself.
    burst: Option<f64>,
    scores: [[Measure; 2]; 3],
}

macro_rules! network {
    ($key:literal, $name:literal, $loss:literal, $burst:expr) => {
        Network {
            name: $name,
            key: $key,
            loss: $loss,
            burst: $burst,
            scores: [
                network!(of $key, $name, "ours", "ours"),
                network!(of $key, $name, "chromium", "Chromium"),
                network!(of $key, $name, "plain", "ours, unprocessed"),
            ],
        }
    };
    (of $key:literal, $name:literal, $kind:literal, $shown:literal) => {
        [
            Measure {
                key: concat!("pesq_", $kind, "_", $key),
                name: concat!("PESQ-WB, ", $name, ", ", $shown),
                unit: "MOS",
            },
            Measure {
                key: concat!("plcmos_", $kind, "_", $key),
                name: concat!("PLCMOS, ", $name, ", ", $shown),
                unit: "MOS",
            },
        ]
    };
}

static NETWORKS: [Network; 5] = [
    network!("clean", "clean", 0.0, None),
    network!("5", "5 % lost", 0.05, None),
    network!("10", "10 % lost", 0.10, None),
    network!("20", "20 % lost", 0.20, None),
    network!("bursts", "10 % in bursts of 3", 0.10, Some(3.0)),
];

impl Network {
    fn weather(&self, seed: u64) -> Weather {
        Weather {
            loss: self.loss,
            // Each for itself: after a loss the next is lost as likely as any other.
            burst: self.burst.unwrap_or(1.0 / (1.0 - self.loss)),
            seed,
            ..Weather::default()
        }
    }

    fn measures(&self, kind: Kind) -> &[Measure; 2] {
        let [ours, theirs, plain] = &self.scores;
        match kind {
            Kind::Chromium => theirs,
            Kind::Plain => plain,
            Kind::Ours | Kind::Cpal | Kind::Bare => ours,
        }
    }
}

/// One call, not scored yet.
struct Call {
    network: &'static Network,
    kind: Kind,
    run: usize,
    seed: u64,
    said: PathBuf,
    heard: PathBuf,
    /// Media packets passed on to both sides, and lost.
    packets: (u64, u64),
    /// What the listening side tells of itself.
    told: Value,
    pressure: Option<f64>,
}

/// Of each network and kind, by run: PESQ-WB and PLCMOS.
type Medians = BTreeMap<(usize, Kind), BTreeMap<usize, [Option<f64>; 2]>>;

/// `count` calls of each kind on each network; answers a table.
pub(crate) fn measure(
    journal: &mut Journal,
    count: usize,
    with_browser: bool,
    quiet_within: Duration,
) -> Result<String> {
    let said = match speech::say(&speech::ONE) {
        Ok(said) => said,
        Err(error) => {
            println!("   skipped: {error:#}");
            return Ok(String::new());
        }
    };
    // Asked first: minutes of calls that nobody can score would be in vain.
    let scorer = Scorer::start();
    let mut scorer = match scorer {
        Ok(scorer) => scorer,
        Err(error) => {
            println!("   skipped: {error:#}");
            return Ok(String::new());
        }
    };
    for missing in &scorer.missing {
        println!("   without {missing}");
    }
    let seconds = said.len() as f64 / RATE;
    println!("   {seconds:.1} s of synthetic speech, three voices");
    let mut clip = vec![0.0; (LEAD * RATE) as usize];
    clip.extend(said);

    let calls = all(journal, &clip, count, with_browser, quiet_within)?;
    let mut table = String::from(
        "\nspeech, each call (PESQ-WB and PLCMOS: the median of three windows of 8 s, and each)\n\
         network              run kind               packets  lost  missed  buffer  waiting %  PESQ-WB                      PLCMOS\n",
    );
    let mut medians = Medians::new();
    let mut spoken = None;
    for call in calls {
        let told = scorer.ask(&json!({
            "id": call.network.key, "kind": "speech", "reference": call.said, "heard": call.heard,
            "window_s": WINDOW, "windows": WINDOWS,
        }))?;
        let windows = |key: &str| -> Vec<f64> {
            let all = told.get("windows").and_then(Value::as_array);
            let each = all
                .into_iter()
                .flatten()
                .filter_map(|window| window.get(key));
            each.filter_map(Value::as_f64).collect()
        };
        let scores = [windows("pesq"), windows("plcmos")];
        spoken = spoken.or(Summary::of(&windows("plcmos_said")).map(|said| said.median));
        let row = row(&call, &scores);
        print!("{row}");
        table.push_str(&row);
        journal.write(&json!({
            "kind": "quality", "of": call.kind.name(), "network": call.network.key, "run": call.run, "seed": call.seed,
            "packets": call.packets.0, "packets_lost": call.packets.1, "said": call.told,
            "cpu_pressure_during": call.pressure, "scores": told,
        }));
        let middle = scores.map(|windows| Summary::of(&windows).map(|summary| summary.median));
        for (measure, score) in call.network.measures(call.kind).iter().zip(middle) {
            match score {
                Some(score) => journal.value(measure, call.run, score),
                None => {
                    let why = told.get("problem").and_then(Value::as_str);
                    journal.void(measure, call.run, why.unwrap_or("it has no score"));
                }
            }
        }
        let network = NETWORKS.iter().position(|one| one.key == call.network.key);
        medians
            .entry((network.unwrap_or(0), call.kind))
            .or_default()
            .insert(call.run, middle);
    }
    if let Some(spoken) = spoken {
        table.push_str(&format!("PLCMOS of what was said, itself: {spoken:.2}\n"));
    }
    table.push_str(&beside(&medians));
    Ok(table)
}

/// Calls of so many runs.
pub(crate) fn calls(count: usize, with_browser: bool) -> usize {
    // Once ours unprocessed too, where nothing is lost.
    count * NETWORKS.len() * if with_browser { 2 } else { 1 } + 1
}

/// All calls, one after the other, in turn.
fn all(
    journal: &mut Journal,
    clip: &[f32],
    count: usize,
    with_browser: bool,
    quiet_within: Duration,
) -> Result<Vec<Call>> {
    let client = with_browser.then(peer::available).transpose()?;
    let mut kinds = vec![Kind::Ours];
    if client.is_some() {
        kinds.push(Kind::Chromium);
    }
    let arena = Arena::start(client, Some(Relay::start()?))?;
    let folder = journal.path().with_file_name("quality");
    std::fs::create_dir_all(&folder)?;
    let mut calls = Vec::new();
    for run in 1..=count {
        for (index, network) in NETWORKS.iter().enumerate() {
            // What our processing takes is seen where nothing is lost.
            let plain = (network.loss == 0.0 && run == 1).then_some(Kind::Plain);
            for kind in kinds.iter().copied().chain(plain) {
                let seed = (run * 100 + index + 1) as u64;
                let waited = wait_for_quiet(quiet_within);
                let before = Conditions::now();
                let name = format!("{}-{run}-{}", network.key, kind as u8);
                let [said, heard] =
                    ["said", "heard"].map(|what| folder.join(format!("{name}-{what}.wav")));
                let number = run * 100 + index;
                match one(
                    &arena,
                    kind,
                    number,
                    network.weather(seed),
                    clip,
                    [&said, &heard],
                ) {
                    Ok((packets, told)) => {
                        let pressure = before.pressure_until(&Conditions::now());
                        println!(
                            "   {:<20} {run:>3} {:<18} {} of {} packets lost, waited {waited:.0} s",
                            network.name,
                            kind.name(),
                            packets.1,
                            packets.0 + packets.1
                        );
                        calls.push(Call {
                            network,
                            kind,
                            run,
                            seed,
                            said,
                            heard,
                            packets,
                            told,
                            pressure,
                        });
                    }
                    Err(error) => {
                        for measure in network.measures(kind) {
                            journal.void(measure, run, &format!("{error:#}"));
                        }
                    }
                }
            }
        }
    }
    Ok(calls)
}

/// One call: what was said and what was heard of it, from the same moment on, as files. Answers the media packets that the
/// relay passed on and lost meanwhile, and what the listening side tells of itself.
fn one(
    arena: &Arena,
    kind: Kind,
    number: usize,
    weather: Weather,
    clip: &[f32],
    [said, heard]: [&PathBuf; 2],
) -> Result<((u64, u64), Value)> {
    let relay = arena.relay.as_ref().context("there is no relay")?;
    // Joining is not what is measured.
    relay.set(Weather::default());
    let sides = begin(arena, kind, number)?;
    let [speaking, listening] = &SIDES;
    let mouth = Tap::on(&arena.stage, &format!("{}.monitor", speaking.sink))?;
    let ear = Tap::on(&arena.stage, &format!("{}.monitor", listening.speaker))?;
    let began = now();
    let mut speech = arena
        .stage
        .sound
        .speak_at(speaking.sink, Recording::new(clip.to_vec()))?;
    relay.set(weather);
    relay.take_media_counts();
    speech.wait(Duration::from_secs_f64(clip.len() as f64 / RATE) + PATIENCE)?;
    ear.wait_until(now() + WITHIN, PATIENCE)?;
    mouth.wait_until(now(), PATIENCE)?;
    let ended = now();
    let packets = relay.media_since(Duration::from_secs_f64(ended - began))?;
    relay.set(Weather::default());
    let mut told = Value::Null;
    for side in sides {
        told = side.end()?;
    }
    for (tap, file) in [(mouth, said), (ear, heard)] {
        let all = tap.heard();
        let (samples, from) = all.between(began, ended).context("nothing was recorded")?;
        // Both files begin in the same moment, to a sample.
        let skipped = ((from - began).max(0.0) * RATE) as usize;
        let mut aligned = vec![0.0; skipped];
        aligned.extend_from_slice(samples);
        Recording::new(aligned).save(file)?;
    }
    Ok((packets, told))
}

fn row(call: &Call, scores: &[Vec<f64>; 2]) -> String {
    let shown = |windows: &Vec<f64>| {
        let each: Vec<String> = windows.iter().map(|score| format!("{score:.2}")).collect();
        Summary::of(windows).map_or_else(
            || "-".to_owned(),
            |summary| format!("{:.2}  ({})", summary.median, each.join(" ")),
        )
    };
    let [pesq, plcmos] = scores.each_ref().map(shown);
    let number = |key: &str| {
        call.told
            .get(key)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    format!(
        "{:<20} {:>3} {:<18} {:>7} {:>5} {:>7.0} {:>7.1} {:>10}  {pesq:<28} {plcmos}\n",
        call.network.name,
        call.run,
        call.kind.name(),
        call.packets.0,
        call.packets.1,
        number("lost"),
        number("buffer_ms"),
        call.pressure
            .map_or_else(|| "-".to_owned(), |share| format!("{share:.0}")),
    )
}

/// Ours beside the browser: medians over the calls of a network, and how often ours was not below it with the same seed.
fn beside(medians: &Medians) -> String {
    let nothing = BTreeMap::new();
    let mut text = String::new();
    for (index, network) in NETWORKS.iter().enumerate() {
        let of = |kind| medians.get(&(index, kind)).unwrap_or(&nothing);
        let (ours, theirs) = (of(Kind::Ours), of(Kind::Chromium));
        for (score, name) in ["PESQ-WB", "PLCMOS"].into_iter().enumerate() {
            let value = |call: &[Option<f64>; 2]| call.get(score).copied().flatten();
            let middle = |calls: &BTreeMap<usize, [Option<f64>; 2]>| {
                let values: Vec<f64> = calls.values().filter_map(value).collect();
                Summary::of(&values).map_or_else(|| "-".to_owned(), |s| format!("{:.2}", s.median))
            };
            let pairs = ours
                .iter()
                .filter_map(|(run, ours)| Some((value(ours)?, value(theirs.get(run)?)?)));
            let kept: Vec<bool> = pairs.map(|(ours, theirs)| ours >= theirs).collect();
            text.push_str(&format!(
                "{:<20} {name:<8} median of calls: ours {}, Chromium {}; ours not below with the same seed: {} of {}\n",
                network.name,
                middle(ours),
                middle(theirs),
                kept.iter().filter(|kept| **kept).count(),
                kept.len()
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_loss_for_itself_has_no_memory() {
        let weather = NETWORKS[3].weather(7);
        // Of the lost ones as many are followed by a lost one as of all.
        assert!((1.0 - 1.0 / weather.burst - 0.2).abs() < 1e-9);
        assert_eq!(NETWORKS[4].weather(7).burst, 3.0);
        assert_eq!(NETWORKS[0].weather(7).loss, 0.0);
    }

    #[test]
    fn pairs_of_the_same_seed_are_compared_and_missing_scores_are_not() {
        let ours = [
            (1, [Some(4.4), None]),
            (2, [Some(4.2), Some(4.0)]),
            (3, [Some(4.3), Some(4.0)]),
        ];
        // Its third call was void.
        let theirs = [(1, [Some(4.3), Some(4.1)]), (2, [Some(4.3), Some(4.0)])];
        let medians = BTreeMap::from([
            ((0, Kind::Ours), BTreeMap::from(ours)),
            ((0, Kind::Chromium), BTreeMap::from(theirs)),
        ]);
        let text = beside(&medians);
        let lines: Vec<&str> = text.lines().take(2).collect();
        assert!(
            lines[0]
                .ends_with("ours 4.30, Chromium 4.30; ours not below with the same seed: 1 of 2"),
            "{text}"
        );
        assert!(
            lines[1]
                .ends_with("ours 4.00, Chromium 4.05; ours not below with the same seed: 1 of 1"),
            "{text}"
        );
    }
}
