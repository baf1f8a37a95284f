//! Where a secret could be left: files, the command lines and surroundings of processes, logs while they grow.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::canaries::{Canaries, OVERLAP};

/// Files larger than this are no text of ours.
const LARGEST: u64 = 64 << 20;
/// How often processes and logs are looked at.
const EVERY: Duration = Duration::from_millis(100);
/// A process may change its command line after its start; by then it has.
const LOOKS: u8 = 5;

/// One place in which a secret was found: where, and which.
pub(crate) type Hit = (String, String);

/// Every file below a folder that was changed since then, but those that `skip` names.
pub(crate) fn in_files(
    canaries: &Canaries,
    folder: &Path,
    since: SystemTime,
    skip: &dyn Fn(&Path) -> bool,
    hits: &mut BTreeSet<Hit>,
) {
    // gone, or somebody else's
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if skip(&path) {
            continue;
        }
        if about.is_dir() {
            in_files(canaries, &path, since, skip, hits);
        } else if about.is_file()
            && about.len() <= LARGEST
            && about.modified().is_ok_and(|changed| changed >= since)
            && let Ok(bytes) = fs::read(&path)
        {
            note(canaries, &bytes, &path.display().to_string(), hits);
        }
    }
}

/// Bytes from one place.
pub(crate) fn note(canaries: &Canaries, bytes: &[u8], place: &str, hits: &mut BTreeSet<Hit>) {
    for name in canaries.in_bytes(bytes) {
        hits.insert((place.to_owned(), name.to_owned()));
    }
}

/// Looks at the processes of one program and all that they started, and at logs, all the time.
pub(crate) struct Watch {
    hits: Arc<Mutex<BTreeSet<Hit>>>,
    seen: Arc<Mutex<BTreeSet<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `program`: whose processes; `logs`: files that grow and are put aside as `<name>.1`.
    pub(crate) fn start(canaries: Arc<Canaries>, program: PathBuf, logs: Vec<PathBuf>) -> Self {
        let (hits, seen, stop) = (
            Arc::<Mutex<BTreeSet<Hit>>>::default(),
            Arc::<Mutex<BTreeSet<String>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (found, known, stopped) = (hits.clone(), seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut processes = Processes::of(program);
            let mut logs: Vec<Log> = logs.into_iter().map(Log::of).collect();
            let mut last = false;
            while !last {
                last = stopped.load(Ordering::SeqCst);
                let mut now = BTreeSet::new();
                processes.look(&canaries, &mut now);
                for log in &mut logs {
                    log.read_on(&canaries, &mut now);
                }
                found.lock().unwrap().extend(now);
                known.lock().unwrap().extend(processes.names.drain(..));
                std::thread::sleep(EVERY);
            }
        });
        Self {
            hits,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// What was found so far.
    pub(crate) fn hits(&self) -> BTreeSet<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// The programs that were looked at.
    pub(crate) fn programs(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Processes {
    program: PathBuf,
    /// How often each was looked at, by its id and the time of its start.
    looked: HashMap<(u32, String), u8>,
    names: Vec<String>,
}

impl Processes {
    fn of(program: PathBuf) -> Self {
        Self {
            program: fs::canonicalize(&program).unwrap_or(program),
            looked: HashMap::new(),
            names: Vec::new(),
        }
    }

    fn look(&mut self, canaries: &Canaries, hits: &mut BTreeSet<Hit>) {
        let Ok(entries) = fs::read_dir("/proc") else {
            return;
        };
        let mut parents: HashMap<u32, (u32, String)> = HashMap::new();
        let mut ours = BTreeSet::new();
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
                continue;
            };
            // what stands behind the name: state, parent, …, start
            let rest: Vec<&str> = stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            let (Some(parent), Some(start)) = (rest.get(1), rest.get(19)) else {
                continue;
            };
            parents.insert(pid, (parent.parse().unwrap_or(0), (*start).to_owned()));
            if fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == self.program) {
                ours.insert(pid);
            }
        }
        let is_ours = |pid: u32| {
            let mut at = pid;
            for _ in 0..32 {
                if ours.contains(&at) {
                    return true;
                }
                match parents.get(&at) {
                    Some((parent, _)) if *parent > 1 => at = *parent,
                    _ => return false,
                }
            }
            false
        };
        for (pid, (_, start)) in &parents {
            if !is_ours(*pid) {
                continue;
            }
            let looks = self.looked.entry((*pid, start.clone())).or_default();
            if *looks == LOOKS {
                continue;
            }
            *looks += 1;
            let folder = PathBuf::from(format!("/proc/{pid}"));
            let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
            let name = name.trim();
            for (file, what) in [("cmdline", "arguments"), ("environ", "environment")] {
                if let Ok(bytes) = fs::read(folder.join(file)) {
                    note(canaries, &bytes, &format!("{what} of {name}"), hits);
                }
            }
            self.names.push(name.to_owned());
        }
    }
}

struct Log {
    path: PathBuf,
    file: u64,
    read: u64,
}

impl Log {
    fn of(path: PathBuf) -> Self {
        Self {
            path,
            file: 0,
            read: 0,
        }
    }

    fn read_on(&mut self, canaries: &Canaries, hits: &mut BTreeSet<Hit>) {
        let Ok(about) = fs::metadata(&self.path) else {
            return;
        };
        if about.ino() != self.file {
            if self.file != 0 {
                let aside = format!("{}.1", self.path.display());
                self.read_from(Path::new(&aside), canaries, hits);
            }
            (self.file, self.read) = (about.ino(), 0);
        }
        let path = self.path.clone();
        self.read = self.read_from(&path, canaries, hits);
    }

    /// Reads from where it was left; answers how far it got.
    fn read_from(&self, path: &Path, canaries: &Canaries, hits: &mut BTreeSet<Hit>) -> u64 {
        let mut bytes = Vec::new();
        let from = self.read.saturating_sub(OVERLAP as u64);
        let read = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.read_to_end(&mut bytes)
        });
        match read {
            Ok(count) => {
                note(canaries, &bytes, &path.display().to_string(), hits);
                from + count as u64
            }
            Err(_) => self.read,
        }
    }
}
