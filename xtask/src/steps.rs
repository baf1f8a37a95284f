//! A sequence of steps with a heading each and a table at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Steps done so far.
pub(crate) struct Steps {
    done: Vec<(String, Duration, bool)>,
    started: Instant,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            done: Vec::new(),
            started: Instant::now(),
        }
    }

    /// Do one step. The first that fails ends the sequence: pass the error on.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n==== {name} ====");
        let started = Instant::now();
        let outcome = work();
        self.done
            .push((name.to_owned(), started.elapsed(), outcome.is_ok()));
        outcome.map_err(|error| error.context(format!("the step \"{name}\" failed")))
    }

    /// Print what was done, how long it took and where it stopped.
    pub(crate) fn table(&self) -> String {
        let width = self
            .done
            .iter()
            .map(|(name, ..)| name.len())
            .max()
            .unwrap_or(0)
            .max("total".len());
        let mut text = format!("\n{:width$}  seconds\n", "step");
        for (name, took, passed) in &self.done {
            let mark = if *passed { "" } else { "  FAILED" };
            text.push_str(&format!(
                "{name:width$}  {:7.1}{mark}\n",
                took.as_secs_f32()
            ));
        }
        text.push_str(&format!(
            "{:width$}  {:7.1}\n",
            "total",
            self.started.elapsed().as_secs_f32()
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_the_step_that_failed() {
        let mut steps = Steps::new();
        assert!(steps.step("one", || Ok(())).is_ok());
        let error = steps
            .step("two", || Err(anyhow::anyhow!("no")))
            .map_err(|error| format!("{error:#}"));
        assert_eq!(error, Err("the step \"two\" failed: no".to_owned()));
        let table = steps.table();
        assert!(
            table
                .lines()
                .any(|line| line.starts_with("two") && line.ends_with("FAILED")),
            "{table}"
        );
        assert!(
            table
                .lines()
                .any(|line| line.starts_with("one") && !line.ends_with("FAILED")),
            "{table}"
        );
    }
}
