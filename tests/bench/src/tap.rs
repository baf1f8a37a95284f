//! An ear with a clock: what a source of the sound server gives, and when.

use std::{
    io::Read,
    process::{ChildStdout, Command},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};
use stage::{Process, Stage};

use crate::chirp::RATE;

/// Which share of the arrivals is taken to have come without delay.
const PROMPT: f64 = 0.03;

/// Seconds since 1970 by the wall clock, which the line uses too.
pub(crate) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Listens from now on; dropping it ends that.
pub(crate) struct Tap {
    _process: Process,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Heard>,
    more: Condvar,
}

/// What was heard, and when it came.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    samples: Vec<f32>,
    /// Number of samples after each arrival, and its time.
    arrivals: Vec<(usize, f64)>,
    over: bool,
}

impl Tap {
    /// Listen to `source`; something has arrived when this returns.
    pub(crate) fn on(stage: &Stage, source: &str) -> Result<Self> {
        let mut command = Command::new("parec");
        command.args([
            "--raw",
            "--format=s16le",
            "--channels=1",
            "--rate=48000",
            "--latency-msec=10",
        ]);
        command.arg(format!("--device={source}"));
        stage.sound.environment().apply(&mut command);
        let (process, stdout) = Process::start_streaming("parec", command, &stage.logs())?;
        let shared = Arc::new(Shared::default());
        let tap = Self {
            _process: process,
            shared: Arc::clone(&shared),
        };
        std::thread::spawn(move || collect(stdout, &shared));
        tap.wait_until(now(), Duration::from_secs(10))?;
        Ok(tap)
    }

    /// Wait until sound of the time `moment` (seconds since 1970) has come.
    pub(crate) fn wait_until(&self, moment: f64, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        let mut heard = lock(&self.shared);
        while heard.arrivals.last().is_none_or(|(_, at)| *at < moment) {
            let left = deadline.saturating_duration_since(Instant::now());
            if heard.over || left.is_zero() {
                bail!("the sound server stopped giving sound");
            }
            heard = self
                .shared
                .more
                .wait_timeout(heard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }

    /// Everything heard until now.
    pub(crate) fn heard(&self) -> Heard {
        lock(&self.shared).clone()
    }
}

impl Heard {
    /// The samples between two times, as far as there are any, and the time of the first.
    ///
    /// The clock is that of the pieces which came in this time: the least that any was behind its place. Later ones were
    /// held up somewhere, earlier ones cannot be. It is not one clock for the whole, because a sound server hands out
    /// larger or smaller pieces as programs come and go.
    pub(crate) fn between(&self, from: f64, to: f64) -> Option<(&[f32], f64)> {
        let mut behind: Vec<f64> = self
            .arrivals
            .iter()
            .filter(|(_, at)| (from..=to).contains(at))
            .map(|(count, at)| at - *count as f64 / RATE)
            .collect();
        behind.sort_by(f64::total_cmp);
        let began = behind.get((PROMPT * behind.len() as f64) as usize)?;
        let place = |time: f64| (((time - began) * RATE).max(0.0) as usize).min(self.samples.len());
        let samples = self.samples.get(place(from)..place(to))?;
        Some((samples, began + place(from) as f64 / RATE))
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, Heard> {
    shared.heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(mut stdout: ChildStdout, shared: &Shared) {
    let mut buffer = [0_u8; 4096];
    let mut odd = None;
    loop {
        let count = stdout.read(&mut buffer).unwrap_or(0);
        let at = now();
        let mut heard = lock(shared);
        for byte in buffer.iter().take(count).copied() {
            match odd.take() {
                Some(low) => heard
                    .samples
                    .push(f32::from(i16::from_le_bytes([low, byte])) / 32_768.0),
                None => odd = Some(byte),
            }
        }
        if count == 0 {
            heard.over = true;
        } else {
            let place = heard.samples.len();
            heard.arrivals.push((place, at));
        }
        shared.more.notify_all();
        if count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Two seconds in pieces of 10 ms from the time 1000 on, every third held up by 8 ms.
    fn heard() -> Heard {
        let arrivals = (1..=200_usize)
            .map(|piece| {
                let held_up = if piece % 3 == 0 { 0.008 } else { 0.0 };
                (piece * 480, 1_000.0 + piece as f64 * 0.01 + held_up)
            })
            .collect();
        Heard {
            samples: (0..96_000).map(|n| n as f32).collect(),
            arrivals,
            over: false,
        }
    }

    #[test]
    fn pieces_that_were_held_up_do_not_move_the_clock() {
        let heard = heard();
        let (samples, from) = heard.between(999.0, 1_009.0).unwrap();
        assert_eq!(samples.len(), 96_000);
        assert!((from - 1_000.0).abs() < 1e-6);
        assert!(Heard::default().between(999.0, 1_009.0).is_none());
    }

    #[test]
    fn the_clock_is_that_of_the_time_asked_for() {
        let mut heard = heard();
        for (_, at) in heard.arrivals.iter_mut().take(50) {
            *at -= 0.009;
        }
        let (_, from) = heard.between(1_001.0, 1_001.5).unwrap();
        assert!((from - 1_001.0).abs() < 0.000_1, "{from}");
        let (samples, _) = heard.between(1_001.0, 1_001.5).unwrap();
        assert!((samples.first().unwrap() - 48_000.0).abs() <= 1.0);
    }

    #[test]
    fn a_part_is_cut_out_by_time() {
        let heard = heard();
        let (samples, from) = heard.between(1_000.5, 1_000.75).unwrap();
        assert!((from - 1_000.5).abs() < 0.000_1);
        assert!(samples.len().abs_diff(12_000) <= 1);
        assert!((samples.first().unwrap() - 24_000.0).abs() <= 1.0);
        let (rest, _) = heard.between(1_001.9, 1_009.0).unwrap();
        assert!(rest.len().abs_diff(4_800) <= 1);
    }
}
