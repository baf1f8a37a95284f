//! Two clocks that run apart, for half an hour in a second: the part of the phone that decides how much sound waits for the
//! speaker, with a speaker of arithmetic. Null sinks share one clock, so nothing on this machine can show it in real time.

#[allow(dead_code)]
#[path = "../../../crates/audio/src/playout.rs"]
mod playout;

use call::media::FRAME_SAMPLES;
use playout::Playout;
use serde_json::json;

use crate::journal::{Journal, Measure};

/// Parts in a million by which the speaker's clock runs fast.
const CLOCKS: [f64; 5] = [-200.0, -20.0, 0.0, 20.0, 200.0];
/// Half an hour, and the minute at each end of it that is compared.
const SECONDS: usize = 1_800;
const MINUTE: usize = 60;
/// What a speaker takes at a time, samples.
const PIECE: f64 = 240.0;

static GREW: Measure = Measure {
    key: "drift_grew_ms",
    name: "clocks apart, half an hour: delay grew by, each clock",
    unit: "ms",
};
static GAPS: Measure = Measure {
    key: "drift_gaps",
    name: "clocks apart, half an hour: gaps, each clock",
    unit: "gaps",
};

/// Every clock; answers a table.
pub(crate) fn measure(journal: &mut Journal) -> String {
    let mut table = String::from(
        "\nclocks that run apart, half an hour (simulated): what waits for the speaker, first and last minute\n",
    );
    for (run, ppm) in CLOCKS.into_iter().enumerate() {
        let (first, last, gaps, trimmed) = half_an_hour(ppm);
        let row = format!(
            "{ppm:>6.0} ppm  {first:.2} ms -> {last:.2} ms, gaps {gaps}, frames trimmed {trimmed}\n"
        );
        print!("{row}");
        table.push_str(&row);
        journal.value(&GREW, run + 1, last - first);
        journal.value(&GAPS, run + 1, gaps as f64);
        journal.write(&json!({
            "kind": "drift", "ppm": ppm, "waiting_ms": [first, last], "gaps": gaps, "trimmed": trimmed,
        }));
    }
    table
}

/// Milliseconds that wait on average in the first and the last minute, gaps, trimmed frames.
fn half_an_hour(ppm: f64) -> (f64, f64, u64, u64) {
    let mut playout = Playout::new();
    let (mut waiting, mut due, mut gaps) = (playout.begin(0) as f64, 0.0, 0_u64);
    let (mut first, mut last) = (0.0, 0.0);
    for frame in 0..SECONDS * 100 {
        let passed = playout.pass([0; FRAME_SAMPLES], waiting as usize, due as usize, gaps);
        if passed.is_some() {
            waiting += FRAME_SAMPLES as f64 * (1.0 + playout.stretch());
        }
        due += FRAME_SAMPLES as f64 * (1.0 + ppm * 1e-6);
        while due >= PIECE {
            due -= PIECE;
            gaps += u64::from(waiting < PIECE);
            waiting = (waiting - PIECE).max(0.0);
        }
        // Without the step of the piece that is being played.
        let waits = (waiting - due) / 48.0;
        if frame < MINUTE * 100 {
            first += waits;
        } else if frame >= (SECONDS - MINUTE) * 100 {
            last += waits;
        }
    }
    let frames = (MINUTE * 100) as f64;
    (first / frames, last / frames, gaps, playout.take_trimmed())
}
