//! All parts together, and the environment that leads the app to them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    App, Bus, Display, Driver, Environment, Keyring, Line, LineOptions, Notifications, Process,
    Scratch, Sound,
};

/// A screen, a bus, an unlocked keyring, sound and notifications for one test.
///
/// When a test that owns it panics, the logs of all parts and a picture of the screen are kept in
/// `target/e2e/<name>/`.
#[derive(Debug)]
pub struct Stage {
    /// The private screen.
    pub display: Display,
    /// The private session bus.
    pub bus: Bus,
    /// The private secret service.
    pub keyring: Keyring,
    /// The private sound server.
    pub sound: Sound,
    /// The private notification server.
    pub notifications: Notifications,
    name: String,
    scratch: Scratch,
}

impl Stage {
    /// Start everything for the test `name`.
    ///
    /// # Errors
    /// When one part is missing or does not come up; the sentence names it.
    pub fn start(name: &str) -> Result<Self> {
        let scratch = Scratch::new("stage")?;
        let logs = scratch.folder("logs")?;
        for folder in ["home", "run", "config", "data", "cache", "state"] {
            scratch.folder(folder)?;
        }
        let display = Display::start_in(Some(&logs)).context("no private screen")?;
        let bus = Bus::start_in(Some(&logs)).context("no private session bus")?;
        let keyring = Keyring::start_in(&bus, Some(&logs)).context("no private secret service")?;
        let sound = Sound::start_in(Some(&logs)).context("no private sound server")?;
        let notifications = Notifications::start(&display, &bus, Some(&logs))
            .context("no private notification server")?;
        Ok(Self {
            display,
            bus,
            keyring,
            sound,
            notifications,
            name: name.to_owned(),
            scratch,
        })
    }

    /// A line whose log is kept with the others.
    ///
    /// # Errors
    /// As [`Line::start`].
    pub fn line(&self, mut options: LineOptions) -> Result<Line> {
        options.logs.get_or_insert_with(|| self.logs());
        Line::start(options)
    }

    /// Where the logs of all parts go while it runs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.scratch.path().join("logs")
    }

    /// A fresh folder for a profile of the app.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn profile(&self, name: &str) -> Result<PathBuf> {
        self.scratch.folder(&format!("profile-{name}"))
    }

    /// The variables the app must be started with.
    #[must_use]
    pub fn environment(&self) -> Environment {
        let folder = |name: &str| {
            self.scratch
                .path()
                .join(name)
                .to_string_lossy()
                .into_owned()
        };
        self.display
            .environment()
            .and(self.bus.environment())
            .and(self.sound.environment())
            .and(quiet_windows())
            .with("HOME", folder("home"))
            .with("XDG_RUNTIME_DIR", folder("run"))
            .with("XDG_CONFIG_HOME", folder("config"))
            .with("XDG_DATA_HOME", folder("data"))
            .with("XDG_CACHE_HOME", folder("cache"))
            .with("XDG_STATE_HOME", folder("state"))
    }

    /// The app with a fresh profile of this name, in this surrounding.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn app(&self, profile: &str) -> Result<App> {
        Ok(App::new(
            &self.profile(profile)?,
            self.environment(),
            &self.logs(),
        ))
    }

    /// A driver for the windows of apps of this surrounding.
    ///
    /// # Errors
    /// As [`Driver::start`].
    pub fn driver(&self) -> Result<Driver> {
        self.driver_with(Environment::new())
    }

    /// The same; the app gets `more` in its environment.
    ///
    /// # Errors
    /// As [`Driver::start`].
    pub fn driver_with(&self, more: Environment) -> Result<Driver> {
        Driver::start(&self.environment().and(more), &self.logs())
    }

    /// A command that runs `binary` in this surrounding.
    #[must_use]
    pub fn app_command(&self, binary: impl AsRef<Path>) -> Command {
        let mut command = Command::new(binary.as_ref());
        self.environment().apply(&mut command);
        command
    }

    /// Start a command of this surrounding; its output is logged as `<name>.log` and it ends with its owner.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, name: &str, command: Command) -> Result<Process> {
        Process::start(name, command, &self.logs())
    }

    /// As [`Stage::run`], with the standard output to be read line by line.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run_talking(&self, name: &str, command: Command) -> Result<Process> {
        Process::start_talking(name, command, &self.logs())
    }

    /// Keep the logs, the logs of the profiles and a picture in `target/e2e/<name>/`; returns that folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self) -> Result<PathBuf> {
        let to = target_folder().join("e2e").join(&self.name);
        std::fs::create_dir_all(&to)
            .with_context(|| format!("cannot make the folder {}", to.display()))?;
        if let Err(error) = self.display.screenshot(&to.join("screen.png")) {
            std::fs::write(to.join("screen.txt"), format!("no picture: {error:#}\n"))?;
        }
        copy_logs(&self.logs(), &to)?;
        for entry in std::fs::read_dir(self.scratch.path())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("profile-") {
                copy_logs(&entry.path(), &to.join(name))?;
            }
        }
        Ok(to)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            match self.keep() {
                Ok(folder) => eprintln!(
                    "stage: pictures and logs of `{}` are in {}",
                    self.name,
                    folder.display()
                ),
                Err(error) => {
                    eprintln!("stage: nothing could be kept of `{}`: {error:#}", self.name)
                }
            }
        }
    }
}

/// Variables that keep GTK and WebKit from looking for a graphics card, an accessibility bus or saved settings.
#[must_use]
pub fn quiet_windows() -> Environment {
    Environment::new()
        .with("NO_AT_BRIDGE", "1")
        .with("GTK_A11Y", "none")
        .with("GSETTINGS_BACKEND", "memory")
        .with("LIBGL_ALWAYS_SOFTWARE", "1")
        .with("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
        .without("AT_SPI_BUS_ADDRESS")
        .without("XDG_CURRENT_DESKTOP")
        .without("GNOME_KEYRING_CONTROL")
}

fn copy_logs(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)?.flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "log" || ending == "png")
        {
            std::fs::create_dir_all(to)?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The folder of the checkout: the one this program lies in. A checkout that is copied together with its `target/` is a
/// checkout of its own, although its programs were compiled in the other one.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::env::current_exe()
        .ok()
        .and_then(|program| {
            let checkout = program
                .ancestors()
                .find(|folder| folder.join("tests/stage/Cargo.toml").is_file());
            checkout.map(Path::to_owned)
        })
        .or_else(|| compiled_in.ancestors().nth(2).map(Path::to_owned))
        .unwrap_or_else(|| compiled_in.to_owned())
}

/// The folder for everything that is built or fetched.
#[must_use]
pub fn target_folder() -> PathBuf {
    workspace_root().join("target")
}
