//! Everything measured, as it comes: a file of JSON lines, progress on the screen, and the table at the end.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{conditions::Conditions, statistics::Summary};

/// Something that is measured again and again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Its name in the file.
    pub(crate) key: &'static str,
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Unit of its values.
    pub(crate) unit: &'static str,
}

/// Writes down what was measured.
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    series: Vec<Series>,
    void: Vec<String>,
    failed: Vec<String>,
    /// Parts that began on a busy machine.
    busy: Vec<String>,
    quiet_within: Duration,
}

struct Series {
    measure: &'static Measure,
    values: Vec<f64>,
    void: usize,
    /// Of the processors, in percent, before and during the part it was measured in.
    pressure: (Option<f64>, Option<f64>),
}

impl Journal {
    /// Begin a new file. Each part waits so long at most for a quiet machine.
    pub(crate) fn create(path: &Path, quiet_within: Duration) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            series: Vec::new(),
            void: Vec::new(),
            failed: Vec::new(),
            busy: Vec::new(),
            quiet_within,
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Do one part. What fails ends only this part; the others are still worth having.
    pub(crate) fn part(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        println!("\n== {name}");
        let before = Conditions::once_quiet(self.quiet_within);
        println!("   {}", before.text());
        if before.is_busy() {
            self.busy.push(name.to_owned());
        }
        let first = self.series.len();
        let outcome = work(self);
        let pressure = before.pressure_until(&Conditions::now());
        for series in self.series.iter_mut().skip(first) {
            series.pressure = (before.pressure, pressure);
        }
        if let Err(error) = outcome {
            println!("   FAILED: {error:#}");
            self.failed.push(format!("{name}: {error:#}"));
        }
        self.write(&json!({
            "kind": "part", "part": name, "before": before.json(), "cpu_pressure_during": pressure,
        }));
    }

    /// One value more. `run` counts the calls, rooms or starts of a part.
    pub(crate) fn value(&mut self, measure: &'static Measure, run: usize, value: f64) {
        self.write(&json!({
            "kind": "value", "figure": measure.key, "run": run, "value": value, "unit": measure.unit,
        }));
        self.series_of(measure).values.push(value);
    }

    /// A run that says nothing about `measure`, and why. It is shown with the others.
    pub(crate) fn void(&mut self, measure: &'static Measure, run: usize, why: &str) {
        self.write(&json!({ "kind": "void", "figure": measure.key, "run": run, "why": why }));
        println!("   {run:>2}  void: {why}");
        self.void
            .push(format!("{}, run {run}: {why}", measure.name));
        self.series_of(measure).void += 1;
    }

    /// Any other line of the file.
    pub(crate) fn write(&mut self, line: &Value) {
        // A disk that is full must not end the run: the table is still to be shown.
        if let Err(error) = writeln!(self.file, "{line}") {
            eprintln!("bench: {} cannot be written: {error}", self.path.display());
        }
    }

    /// The table; also writes the sums into the file.
    pub(crate) fn table(&mut self) -> String {
        let mut text = format!(
            "{:<50} {:>4} {:>4} {:>9} {:>9} {:>9} {:>9}  {:<8} {:>9}\n",
            "figure", "n", "void", "min", "median", "p95", "max", "unit", "waiting %"
        );
        let mut sums = Vec::new();
        for series in &self.series {
            let summary = Summary::of(&series.values);
            // A tenth of a score is much.
            let digits = if series.measure.unit == "MOS" { 2 } else { 1 };
            let number = |pick: fn(&Summary) -> f64| {
                summary.as_ref().map_or_else(
                    || "-".to_owned(),
                    |summary| format!("{:.digits$}", pick(summary)),
                )
            };
            let percent = |share: Option<f64>| {
                share.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}"))
            };
            let pressure = format!(
                "{} > {}",
                percent(series.pressure.0),
                percent(series.pressure.1)
            );
            text.push_str(&format!(
                "{:<50} {:>4} {:>4} {:>9} {:>9} {:>9} {:>9}  {:<8} {:>9}\n",
                series.measure.name,
                summary.map_or(0, |summary| summary.n),
                series.void,
                number(|summary| summary.min),
                number(|summary| summary.median),
                number(|summary| summary.p95),
                number(|summary| summary.max),
                series.measure.unit,
                pressure,
            ));
            sums.push(json!({
                "kind": "figure", "figure": series.measure.key, "unit": series.measure.unit,
                "n": series.values.len(), "void": series.void,
                "min": summary.map(|summary| summary.min), "median": summary.map(|summary| summary.median),
                "p95": summary.map(|summary| summary.p95), "max": summary.map(|summary| summary.max),
                "cpu_pressure_before": series.pressure.0, "cpu_pressure_during": series.pressure.1,
            }));
        }
        for sum in sums {
            self.write(&sum);
        }
        if !self.void.is_empty() {
            text.push_str(&format!("\nvoid runs:\n  {}\n", self.void.join("\n  ")));
        }
        if !self.busy.is_empty() {
            text.push_str(&format!(
                "\nNot comparable, other programs kept the machine busy before: {}\n",
                self.busy.join(", ")
            ));
        }
        text
    }

    /// The parts that failed.
    pub(crate) fn failed(&self) -> &[String] {
        &self.failed
    }

    fn series_of(&mut self, measure: &'static Measure) -> &mut Series {
        let place = self
            .series
            .iter()
            .position(|series| series.measure == measure)
            .unwrap_or(self.series.len());
        if place == self.series.len() {
            self.series.push(Series {
                measure,
                values: Vec::new(),
                void: 0,
                pressure: (None, None),
            });
        }
        #[allow(clippy::indexing_slicing)] // found or pushed just now
        &mut self.series[place]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use anyhow::bail;

    use super::*;

    const JOIN: Measure = Measure {
        key: "join_ms",
        name: "join",
        unit: "ms",
    };
    static OTHER: Measure = Measure {
        key: "other_ms",
        name: "other",
        unit: "ms",
    };

    #[test]
    fn values_void_runs_and_failed_parts_are_all_kept() {
        let folder = std::env::temp_dir().join(format!("deskline-bench-{}", std::process::id()));
        let path = folder.join("call.json");
        let mut journal = Journal::create(&path, Duration::ZERO).unwrap();
        journal.part("rooms", |journal| {
            journal.value(&JOIN, 1, 10.0);
            journal.value(&JOIN, 2, 30.0);
            journal.void(&JOIN, 3, "nobody came");
            Ok(())
        });
        journal.part("others", |journal| {
            journal.value(&OTHER, 1, 5.0);
            bail!("the line is gone")
        });
        let table = journal.table();
        let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            row[..8],
            ["join", "2", "1", "10.0", "20.0", "29.0", "30.0", "ms"]
        );
        assert!(table.contains("join, run 3: nobody came"), "{table}");
        assert_eq!(journal.failed(), ["others: the line is gone"]);

        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let kinds: Vec<&str> = lines
            .iter()
            .map(|line| line["kind"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "value", "value", "void", "part", "value", "part", "figure", "figure"
            ]
        );
        assert_eq!(lines[6]["median"], 20.0);
    }
}
