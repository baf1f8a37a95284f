//! Ways in parts, as the program tells them in its log: what was reached when.

use serde_json::json;

use crate::{journal::Journal, statistics::Summary};

/// What was reached when, of several ways of one kind.
#[derive(Default)]
pub(crate) struct Ways(Vec<Vec<(String, f64)>>);

impl Ways {
    /// A line of the log with `mark` before the parts.
    pub(crate) fn take(&mut self, line: &str, mark: &str) {
        self.0.push(parts(line, mark));
    }

    /// The medians, in the order of the last way.
    pub(crate) fn tell(&self, what: &str, journal: &mut Journal) {
        let Some(last) = self.0.last() else { return };
        let mut before = 0.0;
        for (name, _) in last {
            let at: Vec<f64> = self
                .0
                .iter()
                .flatten()
                .filter(|(other, _)| other == name)
                .map(|(_, at)| *at)
                .collect();
            let Some(sum) = Summary::of(&at) else {
                continue;
            };
            println!(
                "      {name:<16} {:7.0} ms  {:+7.0}",
                sum.median,
                sum.median - before
            );
            before = sum.median;
            journal.write(&json!({ "kind": "way", "of": what, "reached": name, "ms": at }));
        }
    }
}

/// `window 41, page 55` behind the mark.
fn parts(line: &str, mark: &str) -> Vec<(String, f64)> {
    let Some((_, told)) = line.split_once(mark) else {
        return Vec::new();
    };
    let part = |part: &str| {
        let (name, at) = part.trim().split_once(' ')?;
        Some((name.to_owned(), at.parse().ok()?))
    };
    let told = told.lines().next().unwrap_or_default();
    told.split(',').filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_parts_of_a_way_are_read() {
        let line = "INFO start in parts, ms: window 41, page 55, laid_out 120\nINFO more, 7";
        let told = parts(line, "start in parts, ms: ");
        assert_eq!(told.len(), 3);
        assert_eq!(told.last().unwrap(), &("laid_out".to_owned(), 120.0));
        assert!(parts("INFO nothing", "ms: ").is_empty());
    }
}
