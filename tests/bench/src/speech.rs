//! What is said in the bench: speech made by a program from sentences of ours, since nobody's recorded voice is in the
//! repository. It is not a person's; what a score says of it is for comparing two ways of the same speech, not for absolutes.

use std::process::Command;

use anyhow::{Context, Result, bail};
use stage::{Recording, Scratch, process::output};

use crate::chirp::RATE;

/// A voice and what it says.
type Sentence = (&'static str, &'static str);

/// About 14 s of three voices, one after the other.
pub(crate) const ONE: [Sentence; 3] = [
    (
        "slt",
        "The parcel from the harbour office arrives on Thursday, shortly after lunch.",
    ),
    (
        "rms",
        "Please ask the workshop whether both bicycles were repaired before the weekend.",
    ),
    (
        "awb",
        "Nobody could explain why seven chairs had been left in the garden.",
    ),
];
/// The other end of the same conversation.
pub(crate) const OTHER: [Sentence; 3] = [
    (
        "awb",
        "My train leaves at a quarter past nine, so a short call would be enough.",
    ),
    (
        "slt",
        "We measured every window twice, and the figures are on the second page.",
    ),
    (
        "rms",
        "If the weather holds, the roof will be finished by the end of the month.",
    ),
];
/// Between two sentences, seconds.
const PAUSE: f64 = 0.35;
/// The loudest sample of all, full scale being 1.
const PEAK: f32 = 0.5;

/// The sentences as they are said, at 48 kHz.
///
/// # Errors
/// When a program that this needs is missing.
pub(crate) fn say(sentences: &[Sentence]) -> Result<Vec<f32>> {
    let scratch = Scratch::new("speech")?;
    let mut samples: Vec<f32> = Vec::new();
    for (voice, text) in sentences {
        let file = scratch.path().join(format!("{voice}.wav"));
        let mut speak = Command::new("flite");
        speak.args(["-voice", voice, "-t", text, "-o"]).arg(&file);
        output(&mut speak).context("there is no speech to send")?;
        let convert = Command::new("sox")
            .arg(&file)
            .args(["-t", "raw", "-e", "signed-integer", "-b", "16", "-c", "1"])
            .args(["-r", "48000", "-"])
            .output()
            .context("cannot run `sox`, which converts speech")?;
        let bytes = convert.stdout.as_chunks::<2>().0;
        if bytes.is_empty() {
            bail!("`flite` said nothing with the voice {voice}");
        }
        samples.extend(
            bytes
                .iter()
                .map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0),
        );
        samples.resize(samples.len() + (PAUSE * RATE) as usize, 0.0);
    }
    let loudest = samples.iter().fold(0.0f32, |most, one| most.max(one.abs()));
    let gain = PEAK / loudest.max(f32::MIN_POSITIVE);
    for sample in &mut samples {
        *sample *= gain;
    }
    Ok(samples)
}

/// As frames of a call.
pub(crate) fn frames(samples: &[f32]) -> Vec<i16> {
    Recording::new(samples.to_vec())
        .bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| i16::from_le_bytes(*pair))
        .collect()
}

/// Of frames of a call.
pub(crate) fn recording(samples: &[i16]) -> Recording {
    Recording::new(
        samples
            .iter()
            .map(|sample| f32::from(*sample) / 32_768.0)
            .collect(),
    )
}
