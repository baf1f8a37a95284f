//! What a process costs: processor time, memory, threads.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};

/// What one process, or several, used until now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Processor time since their start, in seconds.
    pub(crate) processor: f64,
    /// Their share of the memory (PSS), in MB of 1024 x 1024 bytes.
    pub(crate) memory: f64,
    /// Threads.
    pub(crate) threads: usize,
    /// Processes.
    pub(crate) processes: usize,
}

impl Usage {
    /// Of one process.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/{pid}/{name}"))
                .with_context(|| format!("process {pid} is gone or not ours"))
        };
        let ticks = ticks(&read("stat")?).context("the kernel writes its figures differently")?;
        let memory = pss_kib(&read("smaps_rollup")?).context("the kernel gives no PSS")?;
        Ok(Self {
            processor: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            memory: memory as f64 / 1024.0,
            threads: fs::read_dir(format!("/proc/{pid}/task"))?.count(),
            processes: 1,
        })
    }

    /// Of a process and all that descend from it.
    pub(crate) fn of_tree(pid: u32) -> Result<Self> {
        let mut sum = Self::of(pid)?;
        for child in descendants(pid, &parents()) {
            // One that has ended meanwhile costs nothing.
            let Ok(one) = Self::of(child) else { continue };
            sum.processor += one.processor;
            sum.memory += one.memory;
            sum.threads += one.threads;
            sum.processes += one.processes;
        }
        Ok(sum)
    }
}

/// utime + stime of /proc/…/stat.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program may contain anything and ends at the last ')'.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn parent(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    fields.nth(1)?.parse().ok()
}

fn pss_kib(smaps: &str) -> Option<u64> {
    smaps
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The parent of every process.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, parent(&stat)?))
        })
        .collect()
}

/// All that descend from a process, each with its parent.
pub(crate) fn descendants_of(pid: u32) -> Vec<(u32, u32)> {
    let parents = parents();
    let parent = |child| parents.get(&child).copied().unwrap_or(0);
    descendants(pid, &parents)
        .into_iter()
        .map(|child| (child, parent(child)))
        .collect()
}

fn descendants(root: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(one) = found.get(next).copied() {
        next += 1;
        let children = parents
            .iter()
            .filter(|(child, parent)| **parent == one && !found.contains(*child));
        let children: Vec<u32> = children.map(|(child, _)| *child).collect();
        found.extend(children);
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const STAT: &str =
        "4711 (a (b) c) S 42 4711 4711 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 9 0 100 1 2";

    #[test]
    fn the_figures_of_the_kernel_are_read() {
        assert_eq!(ticks(STAT), Some(300));
        assert_eq!(parent(STAT), Some(42));
        assert_eq!(ticks("4711"), None);
        assert_eq!(
            pss_kib("header\nRss: 9 kB\nPss:       2048 kB\nPss_Dirty: 1 kB\n"),
            Some(2048)
        );
        assert_eq!(pss_kib(""), None);
    }

    #[test]
    fn children_of_children_belong_to_the_tree_and_others_do_not() {
        let parents = BTreeMap::from([(10, 1), (11, 10), (12, 11), (13, 1), (1, 0)]);
        assert_eq!(descendants(10, &parents), [11, 12]);
        assert_eq!(descendants(13, &parents), [0; 0]);
    }

    #[test]
    fn this_process_costs_something_and_a_gone_one_is_an_error() {
        let us = Usage::of_tree(std::process::id()).unwrap();
        assert!(
            us.memory > 0.1 && us.threads >= 1 && us.processes >= 1,
            "{us:?}"
        );
        assert!(Usage::of(u32::MAX).is_err());
    }
}
