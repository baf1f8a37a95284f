//! Cleans up after this process, however it ends.
//!
//! A killed test runs no destructor. So the first process that is started here brings up a small shell that knows
//! every process group and every scratch folder of ours. It reads that from a pipe; when this process is gone
//! (returned, exited, killed) the pipe ends, and the shell stops the groups and removes the folders.
//! Process groups rather than parent-death signals: those are bound to the *thread* that started a child, and a test
//! thread ends long before its process does.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, OnceLock},
};

use anyhow::{Context, Result};

const SCRIPT: &str = r#"
groups=" "
folders=""
newline='
'
while read -r verb what; do
    case $verb in
    group) groups="$groups$what " ;;
    ended) case $groups in *" $what "*) groups="${groups%%" $what "*} ${groups#*" $what "}" ;; esac ;;
    folder) folders="$folders$what$newline" ;;
    esac
done
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
turns=0
while [ $turns -lt 20 ]; do
    alive=no
    for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && alive=yes; done
    [ $alive = no ] && break
    sleep 0.1
    turns=$((turns + 1))
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
printf %s "$folders" | while IFS= read -r folder; do rm -rf -- "$folder"; done
"#;

static GUARDIAN: OnceLock<Mutex<Option<ChildStdin>>> = OnceLock::new();

/// Remember a process group; it is stopped when this process is gone.
pub(crate) fn watch_group(group: u32) -> Result<()> {
    tell(&format!("group {group}"))
}

/// The group ended in good order; its number may be used by others from now on.
pub(crate) fn forget_group(group: u32) {
    // The only failure is a guardian that is gone, and then nothing has to be forgotten.
    let _ = tell(&format!("ended {group}"));
}

/// Remember a folder; it is removed when this process is gone.
pub(crate) fn watch_folder(folder: &Path) -> Result<()> {
    tell(&format!("folder {}", folder.display()))
}

fn tell(line: &str) -> Result<()> {
    let pipe = GUARDIAN.get_or_init(|| Mutex::new(start().ok()));
    let mut pipe = pipe
        .lock()
        .map_err(|_| anyhow::anyhow!("a thread panicked while it spoke to the clean-up shell"))?;
    let pipe = pipe
        .as_mut()
        .context("the clean-up shell `sh` did not start")?;
    writeln!(pipe, "{line}").context("the clean-up shell is gone")
}

fn start() -> Result<ChildStdin> {
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its own group: Ctrl-C in the terminal must reach the owner only.
        .process_group(0)
        .current_dir("/")
        .spawn()
        .context("cannot start `sh`")?;
    shell
        .stdin
        .take()
        .context("the clean-up shell has no input")
}
