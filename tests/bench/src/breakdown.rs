//! Where memory and wake-ups of a program go: by process, and by thread.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::usage::descendants_of;

/// A process of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Share {
    /// The file it was started from, without its folder.
    pub(crate) program: String,
    /// Its share of the memory (PSS), in MB.
    pub(crate) memory: f64,
    /// Of that: what no file stands behind (heaps, stacks, what JavaScript made).
    pub(crate) anonymous: f64,
    /// Of that: programs and libraries, shared with whoever else runs them.
    pub(crate) files: f64,
}

/// A program and all that descends from it, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakdown {
    /// Processes, the first one first.
    pub(crate) shares: Vec<Share>,
    /// Threads, by process and number: their name, and how often each slept until now.
    threads: BTreeMap<(u32, u32), (String, u64)>,
}

/// A thread that woke up, and how often a second.
pub(crate) type Wake = (String, f64);

impl Breakdown {
    /// As it is now. What ends meanwhile is left out.
    pub(crate) fn of_tree(pid: u32) -> Self {
        let mut found = Self::default();
        let mut pids = vec![pid];
        pids.extend(descendants_of(pid).into_iter().map(|(child, _)| child));
        for pid in pids {
            found.add(pid);
        }
        found
    }

    fn add(&mut self, pid: u32) {
        let folder = format!("/proc/{pid}");
        let program = fs::read_link(format!("{folder}/exe"))
            .ok()
            .and_then(|exe| exe.file_name().map(|name| name.to_string_lossy().into()))
            .unwrap_or_else(|| pid.to_string());
        if let Ok(rollup) = fs::read_to_string(format!("{folder}/smaps_rollup")) {
            let megabytes = |key: &str| kib(&rollup, key).unwrap_or(0) as f64 / 1024.0;
            self.shares.push(Share {
                program: program.clone(),
                memory: megabytes("Pss:"),
                anonymous: megabytes("Pss_Anon:"),
                files: megabytes("Pss_File:"),
            });
        }
        let threads = fs::read_dir(format!("{folder}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let number = thread.file_name().to_string_lossy().parse();
            let status = fs::read_to_string(thread.path().join("status"));
            if let (Ok(number), Ok(status)) = (number, status) {
                let name = format!("{program}/{}", name_of(&thread.path()));
                self.threads
                    .insert((pid, number), (name, slept(&status).unwrap_or(0)));
            }
        }
    }

    /// How often threads slept since `before`, that is woke up, `seconds` ago: threads of one name together, the most
    /// often woken first. A thread that began meanwhile counts from its beginning.
    pub(crate) fn wakes_since(&self, before: &Self, seconds: f64) -> Vec<Wake> {
        let mut by_name: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, (name, times)) in &self.threads {
            let earlier = before.threads.get(id).map_or(0, |(_, times)| *times);
            *by_name.entry(name).or_default() += times.saturating_sub(earlier);
        }
        let mut wakes: Vec<Wake> = by_name
            .into_iter()
            .filter(|(_, times)| *times > 0)
            .map(|(name, times)| (name.to_owned(), times as f64 / seconds))
            .collect();
        wakes.sort_by(|one, other| other.1.total_cmp(&one.1));
        wakes
    }

    /// For the screen: a line for each process.
    pub(crate) fn text(&self) -> String {
        let line = |share: &Share| {
            format!(
                "      {:<24} {:6.1} MB: {:6.1} its own, {:6.1} files\n",
                share.program, share.memory, share.anonymous, share.files
            )
        };
        self.shares.iter().map(line).collect()
    }

    /// For the file.
    pub(crate) fn json(&self, what: &str, wakes: &[Wake]) -> Value {
        let shares: Vec<Value> = self
            .shares
            .iter()
            .map(|share| {
                json!({ "program": share.program, "mb": share.memory, "anonymous_mb": share.anonymous, "files_mb": share.files })
            })
            .collect();
        json!({ "kind": "breakdown", "what": what, "processes": shares, "wakes": wakes })
    }
}

/// The name that a thread gave itself.
fn name_of(thread: &Path) -> String {
    fs::read_to_string(thread.join("comm"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// How often a thread went to sleep by itself. That it had to give way to others is no waking.
fn slept(status: &str) -> Option<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?
        .trim()
        .parse()
        .ok()
}

fn kib(rollup: &str, key: &str) -> Option<u64> {
    rollup
        .lines()
        .find_map(|line| line.strip_prefix(key))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_figures_of_the_kernel_are_read() {
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(slept(status), Some(12));
        assert_eq!(slept("nonvoluntary_ctxt_switches:\t3\n"), None);
        let rollup = "header\nRss: 9 kB\nPss:       2048 kB\nPss_Anon:   1024 kB\n";
        assert_eq!(
            (kib(rollup, "Pss:"), kib(rollup, "Pss_Anon:")),
            (Some(2048), Some(1024))
        );
    }

    #[test]
    fn threads_that_ended_take_nothing_away_and_new_ones_count() {
        let at = |threads: &[(u32, &str, u64)]| Breakdown {
            shares: Vec::new(),
            threads: threads
                .iter()
                .map(|(number, name, times)| ((1, *number), ((*name).to_owned(), *times)))
                .collect(),
        };
        let before = at(&[(1, "app/main", 100), (2, "app/pool", 900)]);
        let after = at(&[(1, "app/main", 104), (3, "app/pool", 2)]);
        let wakes = after.wakes_since(&before, 2.0);
        assert_eq!(
            wakes,
            [("app/main".to_owned(), 2.0), ("app/pool".to_owned(), 1.0)]
        );
    }

    #[test]
    fn this_process_is_found() {
        let now = Breakdown::of_tree(std::process::id());
        assert!(now.shares.first().is_some_and(|share| share.memory > 0.1));
        assert!(!now.threads.is_empty() && now.text().contains("MB"));
    }
}
