//! The system packages Deskline needs, and how they are installed.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// For building the app.
const BUILD: &[&str] = &[
    "libwebkit2gtk-4.1-dev",
    "libgtk-3-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libasound2-dev",
    "libssl-dev",
    "pkg-config",
    "build-essential",
    "cmake", // the Opus encoder of recordings
];

/// For running it privately: tests, pictures, and `run` without a desktop.
const PRIVATE: &[&str] = &[
    "webkit2gtk-driver",
    "chromium",
    "xvfb",
    "openbox",
    "xdotool",
    "xclip",
    "imagemagick",
    "dbus",
    "libglib2.0-bin",
    "gnome-keyring",
    "libsecret-tools",
    "dunst",
    "pulseaudio",
    "pulseaudio-utils",
    "sox",
    "strace",      // which calls a device thread makes
    "debootstrap", // the clean system in which the package is tried
    "fonts-dejavu-core",
    "fonts-inter",
];

/// For `bench audio`: who speaks. What scores it needs Python's own parts, which Debian keeps in packages of their own.
const SPEECH: &str = "flite";

/// What apt has to install.
pub(crate) struct Missing {
    pub(crate) packages: Vec<String>,
    apt: bool,
}

/// Look what is missing for building and testing.
pub(crate) fn missing() -> Result<Missing> {
    let mut wanted: Vec<&str> = BUILD.iter().chain(PRIVATE).copied().collect();
    if !has_pip() {
        wanted.push("python3-pip");
    }
    // Other systems name their packages differently; the programs say whether all is there.
    missing_of(&wanted, absent_programs)
}

/// Look what is missing for speech and its scores.
pub(crate) fn scores() -> Result<Missing> {
    let mut wanted = vec![SPEECH];
    if !python_says("import ensurepip, venv") {
        wanted.push("python3-venv");
    }
    let header = "import os, sysconfig; assert os.path.exists(sysconfig.get_paths()['include'] + '/Python.h')";
    if !python_says(header) {
        wanted.push("python3-dev");
    }
    missing_of(&wanted, || {
        let absent = !on_path(SPEECH);
        absent.then(|| SPEECH.to_owned()).into_iter().collect()
    })
}

fn missing_of(wanted: &[&str], absent: impl FnOnce() -> Vec<String>) -> Result<Missing> {
    let apt = shell::version("dpkg-query", "--version").is_some()
        && shell::version("apt-get", "--version").is_some();
    let packages = if apt {
        let installed = installed(wanted)?;
        wanted
            .iter()
            .filter(|name| !installed.iter().any(|other| other == *name))
            .map(|&name| name.to_owned())
            .collect()
    } else {
        absent()
    };
    Ok(Missing { packages, apt })
}

impl Missing {
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The command that would be run, as text.
    pub(crate) fn command_text(&self) -> String {
        let sudo = if is_root() { "" } else { "sudo " };
        format!(
            "{sudo}apt-get install --yes --no-install-recommends {}",
            self.packages.join(" ")
        )
    }

    /// Install them.
    pub(crate) fn install(&self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        if !self.apt {
            bail!(
                "packages are installed only on Debian and Ubuntu. This system lacks: {}.\nInstall the like of these, \
                 then start again:\n  to build: {}\n  to run privately: {}",
                self.packages.join(" "),
                BUILD.join(" "),
                PRIVATE.join(" ")
            );
        }
        if !is_root() && shell::version("sudo", "--version").is_none() {
            bail!(
                "system packages are missing and there is no `sudo`. Run this as root, then start again:\n  {}",
                self.command_text()
            );
        }
        shell::run(&mut apt(&["update", "--quiet"]))
            .context("the package lists cannot be refreshed")?;
        let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
        arguments.extend(self.packages.iter().map(String::as_str));
        shell::run(&mut apt(&arguments))
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut command = Command::new("sudo");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn installed(wanted: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Abbrev}|${Package}\\n"])
        .args(wanted)
        .output()
        .context("cannot run `dpkg-query`")?;
    // It ends with 1 when one of them is unknown, and still lists the others.
    Ok(listed_as_installed(&String::from_utf8_lossy(
        &output.stdout,
    )))
}

fn listed_as_installed(list: &str) -> Vec<String> {
    list.lines()
        .filter_map(|line| line.strip_prefix("ii |"))
        .map(str::to_owned)
        .collect()
}

fn absent_programs() -> Vec<String> {
    [
        "chromium",
        "Xvfb",
        "openbox",
        "xdotool",
        "xclip",
        "import",
        "dbus-daemon",
        "gdbus",
        "gnome-keyring-daemon",
        "dunst",
        "pulseaudio",
        "pactl",
        "pkg-config",
    ]
    .into_iter()
    .filter(|program| !on_path(program))
    .map(str::to_owned)
    .collect()
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

fn has_pip() -> bool {
    python_says("import pip")
}

/// Whether Python runs this without an error.
fn python_says(code: &str) -> bool {
    Command::new("python3")
        .args(["-c", code])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fully_installed_packages_count() {
        let list = "ii |xvfb\nrc |dunst\nun |sox\nii |pkg-config\n";
        assert_eq!(listed_as_installed(list), ["xvfb", "pkg-config"]);
    }

    #[test]
    fn the_package_that_would_remove_the_sound_server_is_never_installed() {
        assert!(
            !BUILD
                .iter()
                .chain(PRIVATE)
                .any(|name| name.contains("pipewire"))
        );
    }
}
