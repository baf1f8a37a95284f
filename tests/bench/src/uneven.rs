//! What an uneven network costs: what waits in the jitter buffers of both. And what the engine costs without anything of ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    arena::{Arena, Kind, begin, costs, usage_of, wait_for_quiet},
    conditions::Conditions,
    duel::one,
    journal::{Journal, Measure},
    peer,
    relay::{Relay, Weather},
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    BARE_CPU: "duel_bare_cpu", "processor of one side, the engine alone", "% core";
    BARE_PSS: "duel_bare_mb", "memory of one side, the engine alone", "MB";
    OURS_WAITS: "jitter_ours_ms", "even packets: in the jitter buffer, ours", "ms";
    THEIRS_WAITS: "jitter_chromium_ms", "even packets: in the jitter buffer, Chromium", "ms";
}

/// The same where packets come unevenly: a jitter buffer takes its time.
const UNEVEN_LEAD: f64 = 4.5;
/// How unevenly they come, milliseconds, and how many calls of each.
const JITTER: [f64; 4] = [0.0, 10.0, 30.0, 60.0];
const JITTER_CALLS: usize = 2;

/// Calls in all.
pub(crate) fn calls(with_browser: bool) -> usize {
    JITTER.len() * JITTER_CALLS * if with_browser { 2 } else { 1 }
}

/// How long, and how often, the engine alone is looked at.
const BARE: Duration = Duration::from_secs(8);
const BARE_CALLS: usize = 3;
/// What waits in the jitter buffers of both while packets come more and more unevenly; answers a table.
pub(crate) fn jitter(
    journal: &mut Journal,
    with_browser: bool,
    quiet_within: Duration,
) -> Result<String> {
    let client = with_browser.then(peer::available).transpose()?;
    let mut kinds = vec![Kind::Ours];
    if client.is_some() {
        kinds.push(Kind::Chromium);
    }
    let arena = Arena::start(client, Some(Relay::start()?))?;
    let relay = arena.relay.as_ref().context("there is a relay")?;
    let mut table = String::from(
        "\nuneven packets: each comes later by 0 to so many ms (buffer, and mouth -> ear, median; ms)\njitter kind              buffer            mouth -> ear\n",
    );
    for (step, jitter_ms) in JITTER.into_iter().enumerate() {
        relay.set(Weather {
            jitter_ms,
            seed: step as u64 + 1,
            ..Weather::default()
        });
        let mut rows: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
        for call in 1..=JITTER_CALLS {
            for kind in &kinds {
                let run = 100 * (step + 1) + call;
                let waited = wait_for_quiet(quiet_within);
                let before = Conditions::now();
                relay.take_media_counts();
                let began = Instant::now();
                let waits = if *kind == Kind::Ours {
                    &OURS_WAITS
                } else {
                    &THEIRS_WAITS
                };
                let outcome = one(&arena, *kind, run, UNEVEN_LEAD);
                let pressure = before.pressure_until(&Conditions::now());
                // A call whose media found a way around the relay says nothing of it.
                let over_relay = relay.media_since(began.elapsed());
                match outcome.and_then(|call| over_relay.map(|packets| (call, packets))) {
                    Ok((call, packets)) => {
                        let buffer = call.number("buffer_ms").unwrap_or(f64::NAN);
                        print!("{}", call.row(run, *kind, pressure));
                        journal.write(&json!({
                            "kind": "jitter", "of": kind.name(), "run": run, "jitter_ms": jitter_ms, "buffer_ms": buffer,
                            "delays_ms": call.delays, "said": call.said, "packets": packets.0, "packets_lost": packets.1,
                            "cpu_pressure_during": pressure, "waited_s": waited,
                        }));
                        rows.entry(*kind)
                            .or_default()
                            .push((buffer, call.summary.median));
                        if jitter_ms == 0.0 {
                            journal.value(waits, run, buffer);
                        }
                    }
                    Err(error) => {
                        println!("{run:>5} {:<20} void: {error:#}", kind.name());
                        journal.void(waits, run, &format!("{error:#}"));
                    }
                }
            }
        }
        for (kind, values) in rows {
            let list = |take: fn(&(f64, f64)) -> f64| {
                let each: Vec<String> = values.iter().map(|v| format!("{:.1}", take(v))).collect();
                each.join(" ")
            };
            table.push_str(&format!(
                "{jitter_ms:>6.0} {:<17} {:<17} {}\n",
                kind.name(),
                list(|(buffer, _)| *buffer),
                list(|(_, delay)| *delay)
            ));
        }
    }
    Ok(table)
}

/// What the engine costs without devices and processing, each side sending and hearing.
pub(crate) fn bare(journal: &mut Journal, quiet_within: Duration) -> Result<()> {
    let arena = Arena::start(None, None)?;
    for run in 1..=BARE_CALLS {
        wait_for_quiet(quiet_within);
        let sides = begin(&arena, Kind::Bare, run)?;
        let (began, before) = (Instant::now(), usage_of(&sides)?);
        std::thread::sleep(BARE);
        let after = usage_of(&sides)?;
        let costs = costs(&before, &after, began.elapsed().as_secs_f64());
        for side in sides {
            side.end()?;
        }
        let (share, memory, threads) = costs.first().copied().unwrap_or_default();
        println!("   {run:>2}  {share:.1} % core, {memory:.1} MB, {threads} threads");
        journal.value(&BARE_CPU, run, share);
        journal.value(&BARE_PSS, run, memory);
    }
    Ok(())
}
