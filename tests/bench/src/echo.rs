//! What the processing of the phone takes out of our voice, and what it leaves: echo in rooms of arithmetic, and steady noise.
//! Without any device or network, so that it is the same on every machine; the rooms are those of the tests
//! (`crates/realtime/tests/voice.rs`).

#[path = "../../../crates/realtime/tests/room/mod.rs"]
mod room;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use call::media::FRAME_SAMPLES;
use realtime::{Backend, VoiceSteps};
use room::{Room, rms_db};
use serde_json::{Value, json};

use crate::{
    journal::{Journal, Measure},
    scores::Scorer,
    speech,
    statistics::Summary,
};

/// A second at 48 kHz.
const SECOND: usize = 48_000;
/// Delay in milliseconds and loss in decibels of each room.
const ROOMS: [(f64, f64); 4] = [(12.0, 6.0), (40.0, 10.0), (120.0, 10.0), (250.0, 20.0)];
/// The room and the delay of the speaker change here, seconds; and to what.
const CHANGES_AT: usize = 7;
const CHANGED: (f64, f64) = (90.0, 6.0);
/// When both speak, the near end begins here, seconds.
const BOTH_FROM: usize = 3;
/// Of what is softer than this (dBFS) nothing can be taken out.
const AUDIBLE: f64 = -55.0;
/// After a change the echo is gone where so much is taken out, dB.
const GONE: f64 = 20.0;
/// Speech above noise, dB.
const NOISES: [f64; 3] = [20.0, 10.0, 5.0];

const ECHO: VoiceSteps = VoiceSteps {
    echo_cancellation: true,
    noise_suppression: false,
    gain: false,
};
const ALL: VoiceSteps = VoiceSteps {
    echo_cancellation: true,
    noise_suppression: true,
    gain: true,
};

macro_rules! measures {
    ($($name:ident: $key:literal, $words:literal, $unit:literal;)*) => {
        $(static $name: Measure = Measure { key: $key, name: $words, unit: $unit };)*
    };
}

measures! {
    FIRST: "erle_first_db", "echo taken out, first second, each room", "dB";
    STEADY: "erle_steady_db", "echo taken out, from the 5th second, each room", "dB";
    SINGLE: "aecmos_single", "AECMOS echo, one speaks, echo step alone", "MOS";
    SINGLE_ALL: "aecmos_single_all", "AECMOS echo, one speaks, all steps", "MOS";
    DOUBLE: "aecmos_double", "AECMOS echo, both speak, echo step alone", "MOS";
    DOUBLE_ALL: "aecmos_double_all", "AECMOS echo, both speak, all steps", "MOS";
    OTHER: "aecmos_double_other", "AECMOS our voice, both speak, echo step alone", "MOS";
    OTHER_ALL: "aecmos_double_other_all", "AECMOS our voice, both speak, all steps", "MOS";
    BACK: "echo_back_ms", "room changes -> echo gone again, each room", "ms";
    GAINED: "dnsmos_gain", "DNSMOS gained by all steps, each noise", "MOS";
}

/// What was put in and what came out, as files.
struct Files<'a> {
    folder: &'a Path,
    scorer: Option<Scorer>,
}

impl Files<'_> {
    fn save(&self, name: &str, samples: &[i16]) -> Result<PathBuf> {
        let path = self.folder.join(format!("{name}.wav"));
        speech::recording(samples).save(&path)?;
        Ok(path)
    }

    /// Echo and other degradation, as listeners would judge them.
    fn aecmos(
        &mut self,
        talk: &str,
        name: &str,
        [far, microphone, sent]: [&[i16]; 3],
    ) -> Result<[Option<f64>; 2]> {
        let job = json!({
            "id": name, "kind": "echo", "talk": talk,
            "far": self.save(&format!("{name}-far"), far)?,
            "microphone": self.save(&format!("{name}-microphone"), microphone)?,
            "sent": self.save(&format!("{name}-sent"), sent)?,
        });
        let told = self.ask(&job)?;
        Ok(["echo", "other"].map(|key| told.get(key).and_then(Value::as_f64)))
    }

    fn dnsmos(&mut self, name: &str, heard: &[i16]) -> Result<[Option<f64>; 3]> {
        let path = self.save(name, heard)?;
        let told = self.ask(&json!({ "id": name, "kind": "noise", "heard": path }))?;
        Ok(["sig", "bak", "overall"].map(|key| told.get(key).and_then(Value::as_f64)))
    }

    fn ask(&mut self, job: &Value) -> Result<Value> {
        match &mut self.scorer {
            Some(scorer) => scorer.ask(job),
            None => Ok(Value::Null),
        }
    }
}

/// Everything; answers a table.
pub(crate) fn measure(journal: &mut Journal) -> Result<String> {
    let (far, near) = match (speech::say(&speech::ONE), speech::say(&speech::OTHER)) {
        (Ok(one), Ok(other)) => (speech::frames(&one), speech::frames(&other)),
        (Err(error), _) | (_, Err(error)) => {
            println!("   something like speech instead: {error:#}");
            (room::speech(1, 14), room::speech(2, 14))
        }
    };
    let length = far.len().min(near.len()) / FRAME_SAMPLES * FRAME_SAMPLES;
    let (far, near) = (cut(&far, 0, length), cut(&near, 0, length));
    let folder = journal.path().with_file_name("echo");
    std::fs::create_dir_all(&folder)?;
    let scorer = Scorer::start();
    if let Err(error) = &scorer {
        println!("   without scores: {error:#}");
    }
    let mut files = Files {
        folder: &folder,
        scorer: scorer.ok(),
    };
    let mut table = String::from("\necho in rooms of arithmetic\n");
    for (run, place) in ROOMS.into_iter().enumerate() {
        let rows = one_room(journal, &mut files, run + 1, place, far, near)?;
        print!("{rows}");
        table.push_str(&rows);
    }
    table.push_str("steady noise, all steps (DNSMOS: voice, background, overall)\n");
    let rows = noises(journal, &mut files, near)?;
    print!("{rows}");
    table.push_str(&rows);
    Ok(table)
}

fn one_room(
    journal: &mut Journal,
    files: &mut Files<'_>,
    run: usize,
    (delay_ms, loss_db): (f64, f64),
    far: &[i16],
    near: &[i16],
) -> Result<String> {
    let told_ms = delay_ms as u16;
    let echo = Room::new(delay_ms, loss_db).echo(far);
    let sent = processed(ECHO, far, &echo, told_ms)?;
    let taken = taken_out(&echo, &sent);
    let steady: Vec<f64> = taken
        .iter()
        .filter(|one| one.0 >= 4)
        .map(|one| one.1)
        .collect();
    let steady = Summary::of(&steady).map(|summary| summary.median);
    let first = taken.first().map(|one| one.1);
    let back = back_again(Room::new(delay_ms, loss_db), far)?;

    let mut both = echo.clone();
    for (slot, voice) in both.iter_mut().zip(near).skip(BOTH_FROM * SECOND) {
        *slot = slot.saturating_add(*voice);
    }
    let name = format!("{delay_ms:.0}ms");
    let mut scores = Vec::new();
    for (steps, word) in [(ECHO, "alone"), (ALL, "all")] {
        let sent = processed(steps, far, &echo, told_ms)?;
        let single = files.aecmos("st", &format!("{name}-one-{word}"), [far, &echo, &sent])?;
        let sent = processed(steps, far, &both, told_ms)?;
        let double = files.aecmos("dt", &format!("{name}-both-{word}"), [far, &both, &sent])?;
        scores.push((word, single, double));
    }
    let mut text = format!(
        "echo after {delay_ms:>3.0} ms, {loss_db:>2.0} dB softer: taken out first second {} dB, from the fifth {} dB (each second:{}); room changes: gone again after {} ms\n",
        shown(first, 1),
        shown(steady, 1),
        taken
            .iter()
            .map(|one| format!(" {:.0}", one.1))
            .collect::<String>(),
        shown(back, 0),
    );
    for (measure, value) in [(&FIRST, first), (&STEADY, steady), (&BACK, back)] {
        if let Some(value) = value {
            journal.value(measure, run, value);
        }
    }
    for (word, single, double) in &scores {
        text.push_str(&format!(
            "    AECMOS, {:<15} one speaks: echo {}; both speak: echo {}, our voice {}\n",
            if *word == "all" {
                "all steps"
            } else {
                "echo step alone"
            },
            shown(single[0], 2),
            shown(double[0], 2),
            shown(double[1], 2),
        ));
        let measures = if *word == "all" {
            [&SINGLE_ALL, &DOUBLE_ALL, &OTHER_ALL]
        } else {
            [&SINGLE, &DOUBLE, &OTHER]
        };
        for (measure, value) in measures.into_iter().zip([single[0], double[0], double[1]]) {
            if let Some(value) = value {
                journal.value(measure, run, value);
            }
        }
    }
    journal.write(&json!({
        "kind": "echo", "run": run, "delay_ms": delay_ms, "loss_db": loss_db, "taken_out_db": taken, "back_ms": back,
        "aecmos": scores,
    }));
    Ok(text)
}

/// Through the module of the phone, as the sound thread does it: what is played first, then what is heard.
fn processed(steps: VoiceSteps, far: &[i16], microphone: &[i16], told_ms: u16) -> Result<Vec<i16>> {
    let module = Backend::Prebuilt.voice_processing(steps);
    let mut module = module
        .map_err(anyhow::Error::msg)?
        .context("the engine has no processing")?;
    let (far, _) = far.as_chunks::<FRAME_SAMPLES>();
    let (heard, _) = microphone.as_chunks::<FRAME_SAMPLES>();
    let mut sent = Vec::with_capacity(microphone.len());
    for (far, heard) in far.iter().zip(heard) {
        module.render(far);
        let mut frame = *heard;
        module.capture(&mut frame, told_ms);
        sent.extend(frame);
    }
    Ok(sent)
}

/// Echo return loss enhancement in decibels of every second with echo: (second, how much softer it leaves than it came).
fn taken_out(echo: &[i16], sent: &[i16]) -> Vec<(usize, f64)> {
    let seconds = echo.chunks_exact(SECOND).zip(sent.chunks_exact(SECOND));
    seconds
        .enumerate()
        .filter(|(_, (echo, _))| rms_db(echo) > AUDIBLE)
        .map(|(second, (echo, sent))| (second, rms_db(echo) - rms_db(sent)))
        .collect()
}

/// The room becomes another: milliseconds until the echo is gone again, looked at in pieces of 20 ms.
fn back_again(before: Room, far: &[i16]) -> Result<Option<f64>> {
    const PIECE: usize = SECOND / 50;
    let change = CHANGES_AT * SECOND;
    let mut echo = before.echo(far);
    let after = Room::new(CHANGED.0, CHANGED.1).echo(far);
    for (slot, changed) in echo.iter_mut().zip(after).skip(change) {
        *slot = changed;
    }
    let sent = processed(ECHO, far, &echo, CHANGED.0 as u16)?;
    let pieces = echo.chunks_exact(PIECE).zip(sent.chunks_exact(PIECE));
    let mut left = pieces
        .skip(change / PIECE)
        .take(3 * 50)
        .enumerate()
        .filter(|(_, (echo, _))| rms_db(echo) > AUDIBLE + GONE)
        .filter(|(_, (echo, sent))| rms_db(echo) - rms_db(sent) < GONE)
        .map(|(piece, _)| 20.0 * (piece + 1) as f64);
    Ok(Some(left.next_back().unwrap_or(0.0)))
}

fn noises(journal: &mut Journal, files: &mut Files<'_>, voice: &[i16]) -> Result<String> {
    let spoken: Vec<i16> = voice
        .iter()
        .copied()
        .filter(|sample| sample.unsigned_abs() > 100)
        .collect();
    let seconds = voice.len().div_ceil(SECOND);
    let noise = room::noise(3, seconds);
    let clean = files.dnsmos("noise-none", voice)?;
    let mut text = format!("  without noise, unprocessed: {}\n", three(clean));
    for (run, above) in NOISES.into_iter().enumerate() {
        let gain = 10f64.powf((rms_db(&spoken) - above - rms_db(&noise)) / 20.0);
        let mut heard = voice.to_vec();
        for (slot, noise) in heard.iter_mut().zip(&noise) {
            *slot = slot.saturating_add((f64::from(*noise) * gain) as i16);
        }
        let silence = vec![0; heard.len()];
        let sent = processed(ALL, &silence, &heard, 0)?;
        let before = files.dnsmos(&format!("noise-{above:.0}db-before"), &heard)?;
        let after = files.dnsmos(&format!("noise-{above:.0}db-after"), &sent)?;
        text.push_str(&format!(
            "  voice {above:>2.0} dB above it: {} -> {}\n",
            three(before),
            three(after)
        ));
        if let (Some(before), Some(after)) = (before[2], after[2]) {
            journal.value(&GAINED, run + 1, after - before);
        }
        journal.write(&json!({
            "kind": "noise", "run": run + 1, "above_db": above, "before": before, "after": after,
        }));
    }
    Ok(text)
}

fn cut(samples: &[i16], from: usize, to: usize) -> &[i16] {
    samples.get(from..to).unwrap_or_default()
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn three(scores: [Option<f64>; 3]) -> String {
    scores.map(|score| shown(score, 2)).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_is_told_of_seconds_with_echo_only() {
        let mut echo = vec![1000i16; SECOND];
        echo.extend(vec![0i16; SECOND]);
        echo.extend(vec![1000i16; SECOND]);
        let mut sent = vec![100i16; SECOND];
        sent.extend(vec![0i16; SECOND]);
        sent.extend(vec![10i16; SECOND]);
        let taken = taken_out(&echo, &sent);
        let rounded: Vec<(usize, i64)> = taken
            .iter()
            .map(|one| (one.0, one.1.round() as i64))
            .collect();
        assert_eq!(rounded, [(0, 20), (2, 40)]);
    }
}
