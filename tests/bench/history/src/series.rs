//! One line of the table.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

pub(crate) const HEADER: &str =
    "                                                         elapsed, ms                processor, ms
query                                       n   rows      p50      p99      max      p50      p99      max";

/// Times of one question, asked again and again.
pub(crate) struct Series {
    name: &'static str,
    times: Vec<Duration>,
    /// What the asking thread itself used; empty where another one does the work.
    used: Vec<Duration>,
    rows: usize,
}

impl Series {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            times: Vec::new(),
            used: Vec::new(),
            rows: 0,
        }
    }

    /// Times one question; it says how many rows it got.
    pub(crate) fn ask(&mut self, question: impl FnOnce() -> Result<usize>) -> Result<()> {
        let (began, used) = (Instant::now(), used());
        let rows = question()?;
        self.add(began.elapsed(), rows);
        self.used.push(crate::series::used().saturating_sub(used));
        Ok(())
    }

    pub(crate) fn add(&mut self, time: Duration, rows: usize) {
        self.times.push(time);
        self.rows += rows;
    }

    /// The line: how many times, rows of a mean answer, median, 99th of 100, greatest.
    pub(crate) fn line(mut self) -> String {
        let rows = self.rows as f64 / self.times.len().max(1) as f64;
        let (times, used) = (ranks(&mut self.times), ranks(&mut self.used));
        format!(
            "{:<38} {:>6} {rows:>6.1} {times} {used}",
            self.name,
            self.times.len()
        )
    }
}

/// Processor time of this thread.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Median, 99th of 100, greatest.
fn ranks(times: &mut [Duration]) -> String {
    if times.is_empty() {
        return format!("{:>8} {:>8} {:>8}", "-", "-", "-");
    }
    times.sort_unstable();
    let rank = |share: f64| {
        let place = (share * times.len() as f64).ceil() as usize;
        let time = times.get(place.saturating_sub(1)).copied();
        time.unwrap_or_default().as_secs_f64() * 1000.0
    };
    format!("{:>8.3} {:>8.3} {:>8.3}", rank(0.5), rank(0.99), rank(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_times() {
        let mut series = Series::new("x");
        for ms in (1..=100).rev() {
            series.add(Duration::from_millis(ms), 2);
        }
        let line = series.line();
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            fields,
            [
                "x", "100", "2.0", "50.000", "99.000", "100.000", "-", "-", "-"
            ]
        );
    }
}
