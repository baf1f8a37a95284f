//! The package that people install, and the proof that it works where nothing of ours was before.
//!
//! Only a `.deb`: the tool that makes AppImages is to be had from a release page alone, and nothing is fetched from those.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use stage::{Display, MAIN_WINDOW, Process, USABLE};

use crate::{engine, setup, shell};

/// LiveKit's engine is most of it.
const MOST_MB: f64 = 25.0;
/// The packager, of the same version as the library.
const PACKAGER: &str = "@tauri-apps/cli@2.12.5";
/// A first start on a busy machine, in a system that has nothing in its caches.
const SOON: Duration = Duration::from_secs(90);

/// `cargo xtask package`.
pub(crate) fn package(check: bool) -> Result<()> {
    setup::setup(false)?;
    let package = build()?;
    let size = fs::metadata(&package)?.len() as f64 / (1024.0 * 1024.0);
    println!("package: {} ({size:.1} MB)", package.display());
    if size > MOST_MB {
        bail!("the package is larger than {MOST_MB} MB");
    }
    contents(&package)?;
    if check { prove(&package) } else { Ok(()) }
}

fn build() -> Result<PathBuf> {
    let library = engine::ensure()?;
    let name = library
        .file_name()
        .context("the engine has no name")?
        .to_string_lossy()
        .into_owned();
    let tools = shell::target().join("tools").join("packager");
    let program = tools.join("node_modules").join(".bin").join("tauri");
    if !program.exists() {
        fs::create_dir_all(&tools)?;
        let mut npm = shell::command(
            "npm",
            &["install", "--no-save", "--ignore-scripts", "--prefix"],
        );
        shell::run(npm.arg(&tools).arg(PACKAGER)).context("the packager cannot be fetched")?;
    }
    // Beside what tauri.conf.json says: the engine and the licences, from where they are on this machine.
    let more = json!({
        "build": { "beforeBuildCommand": "" },
        "bundle": { "linux": { "deb": { "files": {
            format!("/usr/lib/deskline/{name}"): library,
            "/usr/share/doc/deskline/LICENSE": "LICENSE",
            "/usr/share/doc/deskline/livekit-engine.md": "licenses/livekit-engine.md",
            "/usr/share/doc/deskline/livekit.md": engine::licence()?,
        } } } },
    });
    let config = shell::target().join("package.json");
    fs::write(&config, more.to_string())?;
    let mut tauri = shell::command(
        &program.to_string_lossy(),
        &["build", "--bundles", "deb", "--config"],
    );
    shell::run(tauri.arg(&config).env("CI", "true")).context("the package cannot be built")?;
    let folder = shell::target().join("release").join("bundle").join("deb");
    let mut found: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("there is no {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .collect();
    found.sort_by_key(|path| fs::metadata(path).and_then(|of| of.modified()).ok());
    found.pop().context("the packager made no package")
}

/// Everything that must be in it is.
fn contents(package: &Path) -> Result<()> {
    let listed = stage::process::output(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    for wanted in [
        "usr/bin/deskline",
        "usr/lib/deskline/",
        "usr/share/applications/Deskline.desktop",
        "usr/share/icons/hicolor/128x128/apps/deskline.png",
        "usr/share/doc/deskline/LICENSE",
        "usr/share/doc/deskline/livekit-engine.md",
    ] {
        if !listed.contains(wanted) {
            bail!("{wanted} is not in the package:\n{listed}");
        }
    }
    Ok(())
}

/// Installs the package in a system that was made a moment ago, starts it on a private screen, and waits until it can
/// be used. Needs the right to mount and to change the root.
fn prove(package: &Path) -> Result<()> {
    let root = shell::target().join("package-root");
    if !root.join("usr/bin/apt-get").exists() {
        let source = Source::of_this_system()?;
        println!(
            "package: making a clean {} in {}",
            source.suite,
            root.display()
        );
        let mut make = Command::new("debootstrap");
        make.args(["--variant=minbase", "--include=ca-certificates"]);
        make.arg(&source.suite).arg(&root).arg(&source.mirror);
        shell::run(&mut make)
            .context("`debootstrap` (its package has the same name) makes the clean system")?;
    }
    let mounted = Mounted::new(&root)?;
    for folder in [
        "etc/apt/sources.list.d",
        "etc/apt/apt.conf.d",
        "etc/apt/keyrings",
    ] {
        copy_files(&Path::new("/").join(folder), &root.join(folder))?;
    }
    for file in ["etc/apt/sources.list", "etc/resolv.conf", "etc/hosts"] {
        // Where it is missing, it is not needed.
        let _ = fs::copy(Path::new("/").join(file), root.join(file));
    }
    fs::copy(package, root.join("deskline.deb"))?;
    let inside = |words: &[&str]| {
        let mut command = Command::new("chroot");
        command.arg(&root).args(words);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    shell::run(&mut inside(&["apt-get", "update", "-q"]))?;
    // Anew each time, as on the first day.
    shell::run(&mut inside(&["apt-get", "purge", "-qy", "deskline"])).ok();
    shell::run(&mut inside(&[
        "apt-get",
        "install",
        "-qy",
        "--no-install-recommends",
        "/deskline.deb",
        "fonts-dejavu-core",
    ]))
    .context("the package cannot be installed")?;
    println!("package: installed; starting it");

    let display = Display::start()?;
    let logs = shell::target().join("package-logs");
    fs::create_dir_all(&logs)?;
    let profile = root.join("root/.local/share/deskline");
    let _ = fs::remove_dir_all(&profile);
    let mut start = inside(&["/usr/bin/deskline"]);
    start
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8");
    display.environment().apply(&mut start);
    stage::quiet_windows().apply(&mut start);
    let mut app = Process::start("deskline", start, &logs)?;
    let deadline = Instant::now() + SOON;
    while !fs::read_to_string(profile.join("deskline.log")).is_ok_and(|log| log.contains(USABLE)) {
        if !app.is_running()? || Instant::now() > deadline {
            bail!("the installed program cannot be used.\n{}", app.log_tail());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let picture = logs.join("first-run.png");
    display.settled_screenshot_of(MAIN_WINDOW, &picture)?;
    println!(
        "package: it starts; its first picture is in {}",
        picture.display()
    );
    let said = stage::process::output(&mut inside(&["/usr/bin/deskline", "--version"]))?;
    println!("package: {}", said.trim());
    app.stop();
    drop(mounted);
    Ok(())
}

/// Where this system has its packages from.
struct Source {
    suite: String,
    mirror: String,
}

impl Source {
    fn of_this_system() -> Result<Self> {
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(more) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(more.flatten().map(|entry| entry.path()));
        }
        files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
            .find_map(|text| Self::parse(&text))
            .context("the package sources of this system cannot be read")
    }

    /// One line `deb <mirror> <suite> …`, or the fields `URIs:` and `Suites:`.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| {
            let mut words = line
                .strip_prefix("deb ")?
                .split_whitespace()
                .filter(|word| !word.starts_with('[') && !word.ends_with(']'));
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        });
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.to_owned())
        };
        let (mirror, suite) = line.or_else(|| Some((field("URIs:")?, field("Suites:")?)))?;
        Some(Self { suite, mirror })
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    fs::create_dir_all(to)?;
    for entry in entries.flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What a program expects to find, mounted for as long as it lives.
struct Mounted(Vec<PathBuf>);

impl Mounted {
    fn new(root: &Path) -> Result<Self> {
        let mut mounted = Self(Vec::new());
        for (what, kind) in [("proc", "proc"), ("dev", ""), ("dev/shm", "")] {
            let at = root.join(what);
            fs::create_dir_all(&at)?;
            let mut mount = Command::new("mount");
            if kind.is_empty() {
                mount.arg("--bind").arg(Path::new("/").join(what));
            } else {
                mount.args(["-t", kind, kind]);
            }
            shell::run(mount.arg(&at))?;
            mounted.0.push(at);
        }
        Ok(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for at in self.0.iter().rev() {
            if let Err(error) = shell::run(Command::new("umount").arg("--lazy").arg(at)) {
                eprintln!("package: {} stays mounted: {error:#}", at.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_forms_of_package_sources_are_read() {
        for text in [
            "# ours\ndeb [arch=amd64 signed-by=/k] http://mirror.example/debian bookworm main\n",
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n",
        ] {
            let source = Source::parse(text).unwrap();
            assert_eq!(
                (source.mirror.as_str(), source.suite.as_str()),
                ("http://mirror.example/debian", "bookworm")
            );
        }
        assert!(Source::parse("# nothing\n").is_none());
    }
}
