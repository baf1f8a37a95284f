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

use crate::{engine, run, setup, shell};

/// LiveKit's engine is most of it.
const MOST_MB: f64 = 25.0;
/// The packager, of the same version as the library.
const PACKAGER: &str = "@tauri-apps/cli@2.12.5";
/// What the program's log says when the page it painted was that of the first run.
const FIRST_RUN: &str = "first_run=true";
/// Where the program of root keeps its data, in the clean system.
const PROFILE: &str = "root/.local/share/deskline";
/// What the program is linked with or starts, beside what the packager finds by itself.
const NEEDS: [&str; 3] = ["xdg-utils", "libasound2", "libdbus-1-3"];
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
    run::build(true)?;
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
        "bundle": { "linux": { "deb": { "depends": NEEDS, "files": {
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
        &["bundle", "--bundles", "deb", "--config"],
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
    let package = found.pop().context("the packager made no package")?;
    squeeze(&package)?;
    Ok(package)
}

/// The packager compresses quickly; this compresses well: a quarter less to fetch.
fn squeeze(package: &Path) -> Result<()> {
    let unpacked = tempfile::tempdir()?;
    let folder = unpacked.path().join("package");
    let mut unpack = Command::new("dpkg-deb");
    shell::run(unpack.arg("--raw-extract").arg(package).arg(&folder))?;
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zxz", "--build"]);
    shell::run(pack.arg(&folder).arg(package)).context("the package cannot be compressed")
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
    if !rustix::process::geteuid().is_root() {
        bail!(
            "a clean system is made and entered by root only: start `cargo xtask package --check` as root"
        );
    }
    let root = shell::target().join("package-root");
    let source = Source::of_this_system()?;
    clean_system(&root, &source)?;
    let mounted = Mounted::new(&root)?;
    install(&root, package)?;
    println!("package: installed; starting it");

    let display = Display::start()?;
    let logs = shell::target().join("package-logs");
    fs::create_dir_all(&logs)?;
    let mut start = inside(&root, &["/usr/bin/deskline"]);
    start
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8");
    display.environment().apply(&mut start);
    stage::quiet_windows().apply(&mut start);
    let began = Instant::now();
    let mut app = Process::start("deskline", start, &logs)?;
    let log = root.join(PROFILE).join("deskline.log");
    let said = loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if said.contains(USABLE) {
            break said;
        }
        if !app.is_running()? || Instant::now() > began + SOON {
            bail!("the installed program cannot be used.\n{}", app.log_tail());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    println!(
        "package: usable after {:.1} s",
        began.elapsed().as_secs_f32()
    );
    let picture = logs.join("first-run.png");
    display.settled_screenshot_of(MAIN_WINDOW, &picture)?;
    if !said.contains(FIRST_RUN) {
        bail!(
            "the installed program does not show its first run; see {}",
            picture.display()
        );
    }
    println!(
        "package: it shows its first run; a picture is in {}",
        picture.display()
    );
    let version = stage::process::output(&mut inside(&root, &["/usr/bin/deskline", "--version"]))?;
    println!("package: {}", version.trim());
    app.stop();
    drop(mounted);
    Ok(())
}

/// Makes a system with nothing in it but what every Debian has. Anew each time: one in which the package was tried is not
/// clean. What was fetched for it is kept.
fn clean_system(root: &Path, source: &Source) -> Result<()> {
    Mounted::none_in(root)?;
    if root.exists() {
        fs::remove_dir_all(root)
            .with_context(|| format!("{} cannot be emptied", root.display()))?;
    }
    let cache = shell::target().join("package-cache");
    fs::create_dir_all(&cache)?;
    println!(
        "package: making a clean {} in {}",
        source.suite,
        root.display()
    );
    let mut make = Command::new("debootstrap");
    make.args(["--variant=minbase", "--include=ca-certificates"]);
    make.arg(format!("--cache-dir={}", cache.display()));
    make.arg(&source.suite).arg(root).arg(&source.mirror);
    shell::run(&mut make).context("the clean system cannot be made")?;
    // It has its packages from where this system has them.
    let sources = root.join("etc/apt/sources.list.d");
    fs::create_dir_all(&sources)?;
    let name = source.file.file_name().context("a file has a name")?;
    if name != "sources.list" {
        fs::remove_file(root.join("etc/apt/sources.list")).ok();
        fs::copy(&source.file, sources.join(name))?;
    } else {
        fs::copy(&source.file, root.join("etc/apt/sources.list"))?;
    }
    let settings = stage::process::output(Command::new("apt-config").arg("dump"))?;
    let fetching: String = settings
        .split_inclusive('\n')
        .filter(|line| {
            ["Acquire::Check-", "Acquire::http", "Acquire::Retries"]
                .iter()
                .any(|setting| line.starts_with(setting))
        })
        .collect();
    fs::write(root.join("etc/apt/apt.conf.d/90fetching"), fetching)?;
    for file in ["etc/resolv.conf", "etc/hosts"] {
        // Where it is missing, it is not needed.
        let _ = fs::copy(Path::new("/").join(file), root.join(file));
    }
    Ok(())
}

fn install(root: &Path, package: &Path) -> Result<()> {
    fs::copy(package, root.join("deskline.deb"))?;
    let cache = shell::target().join("package-cache");
    let archives = root.join("var/cache/apt/archives");
    copy_packages(&cache, &archives)?;
    shell::run(&mut inside(root, &["apt-get", "update", "-q"]))?;
    let installed = shell::run(&mut inside(
        root,
        &[
            "apt-get",
            "install",
            "-qy",
            "--no-install-recommends",
            "/deskline.deb",
            "fonts-dejavu-core",
        ],
    ));
    copy_packages(&archives, &cache)?;
    installed.context("the package cannot be installed")
}

/// A command in the clean system.
fn inside(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).args(words);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Where this system has its own packages from.
#[derive(Debug)]
struct Source {
    suite: String,
    mirror: String,
    file: PathBuf,
}

impl Source {
    fn of_this_system() -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release")
            .ok()
            .and_then(|text| codename(&text))
            .context("this system does not say which release of Debian it is")?;
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(more) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(more.flatten().map(|entry| entry.path()));
        }
        files
            .into_iter()
            // What ends otherwise is not read by apt either.
            .filter(|file| {
                file.extension()
                    .is_some_and(|ending| ending == "list" || ending == "sources")
            })
            .find_map(|file| {
                let (mirror, suite) = mirror_of(&fs::read_to_string(&file).ok()?, &release)?;
                Some(Self {
                    suite,
                    mirror,
                    file,
                })
            })
            .with_context(|| format!("no package source of this system has \"{release}\""))
    }
}

/// `VERSION_CODENAME` of an os-release.
fn codename(text: &str) -> Option<String> {
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// Mirror and suite of the first source of this release: one line `deb <mirror> <suite> …`, or the fields `URIs:` and
/// `Suites:` of a paragraph.
fn mirror_of(text: &str, release: &str) -> Option<(String, String)> {
    let line = text.lines().find_map(|line| {
        // `[arch=… signed-by=…]` may stand between.
        let words: Vec<&str> = line.strip_prefix("deb ")?.split_whitespace().collect();
        let at = words.iter().position(|word| *word == release)?;
        Some((*words.get(at.checked_sub(1)?)?).to_owned())
    });
    let field = |paragraph: &str, name: &str| -> Option<Vec<String>> {
        let line = paragraph.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().map(str::to_owned).collect())
    };
    let mirror = line.or_else(|| {
        text.split("\n\n").find_map(|paragraph| {
            field(paragraph, "Suites:")?
                .iter()
                .any(|suite| suite == release)
                .then(|| field(paragraph, "URIs:")?.into_iter().next())?
        })
    })?;
    Some((mirror, release.to_owned()))
}

/// Packages that were fetched once need not be fetched again.
fn copy_packages(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let file = entry.path();
        if file.extension().is_some_and(|ending| ending == "deb") {
            fs::copy(&file, to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What a program expects to find, mounted for as long as it lives.
struct Mounted(Vec<PathBuf>);

impl Mounted {
    /// What an earlier run may have left behind is unmounted, so that nothing of this system is under what is deleted.
    fn none_in(root: &Path) -> Result<()> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mut left: Vec<PathBuf> = mounts
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1).map(PathBuf::from))
            .filter(|at| at.starts_with(root))
            .collect();
        left.sort();
        for at in left.iter().rev() {
            shell::run(Command::new("umount").arg(at))?;
        }
        Ok(())
    }

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
    fn both_forms_of_package_sources_are_read_and_other_releases_are_not() {
        let wanted = Some((
            "http://mirror.example/debian".to_owned(),
            "bookworm".to_owned(),
        ));
        let line =
            "# ours\ndeb [arch=amd64 signed-by=/k] http://mirror.example/debian bookworm main\n";
        let fields = "Types: deb\nURIs: http://other.example/x\nSuites: nodistro\n\nTypes: deb\n\
                      URIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n";
        assert_eq!(mirror_of(line, "bookworm"), wanted);
        assert_eq!(mirror_of(fields, "bookworm"), wanted);
        assert_eq!(mirror_of("# nothing\n", "bookworm"), None);
        let other = "deb https://packages.example/apt cloud-bookworm main\n";
        assert_eq!(mirror_of(other, "bookworm"), None);
    }

    #[test]
    fn the_release_is_read() {
        let text = "NAME=\"Debian\"\nVERSION_CODENAME=bookworm\n";
        assert_eq!(codename(text).unwrap(), "bookworm");
        assert_eq!(codename("NAME=x\n"), None);
    }
}
