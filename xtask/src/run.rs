//! Deskline on the demo line, for somebody who wants to see it.

use std::{
    fs::{self, File},
    io::{Read, Seek, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use stage::{
    App, Bus, Display, Environment, Inbound, Keyring, Line, LineOptions, MAIN_WINDOW,
    Notifications, OVERLAY_WINDOW, Process, Sound, line::State, process::output,
};

use crate::{line, setup, shell};

/// When the demonstration call comes, counted from the usable window.
const RINGS_AFTER: Duration = Duration::from_secs(3);
/// How long the caller lets it ring.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who rings.
const CALLER: &str = "+13125550142";

/// `cargo xtask run`.
pub(crate) fn run(profile: Option<PathBuf>, keep: bool) -> Result<()> {
    let started = Instant::now();
    let folder = shell::target().join("run");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let _lock = lock(&folder)?;
    setup::setup(false)?;
    build(false)?;

    let interrupted = interruptions()?;
    let profile = profile.map_or_else(|| fresh_profile(&folder, keep), Ok)?;
    let logs = folder.join("logs");
    let _ = fs::remove_dir_all(&logs);
    let surrounding = Surrounding::start(&logs)?;
    let line = Line::start(LineOptions {
        logs: Some(logs.clone()),
        ..LineOptions::default()
    })?;
    let app = App::new(&profile, surrounding.environment(), &logs);
    app.sign_in(&line.ready)?;
    // Dropped first: it hangs up its calls while the line is still there.
    let mut process = app.open_usable(Duration::from_secs(60))?;
    println!(
        "\nDeskline is up; its window could be used after {:.1} s.",
        started.elapsed().as_secs_f32()
    );
    println!(
        "  profile  {}\n  logs     {}",
        profile.display(),
        logs.display()
    );
    surrounding.picture(MAIN_WINDOW, &folder.join("window.png"));
    println!("\n{}", line::numbers(&line.phones)?);
    println!(
        "In {} s somebody rings. Ctrl-C ends it all.",
        RINGS_AFTER.as_secs()
    );

    if wait(&interrupted, &mut process, RINGS_AFTER)? {
        let call = line.phones.place_inbound(
            &Inbound::from(CALLER)
                .says("greeting")
                .gives_up_after(PATIENCE),
        )?;
        line.phones
            .wait_until(&call.id, State::Ringing, line::RINGS_WITHIN)?;
        println!("It rings.");
        surrounding.picture(OVERLAY_WINDOW, &folder.join("overlay.png"));
        while wait(&interrupted, &mut process, Duration::from_secs(3600))? {}
    }
    println!("\nEnding Deskline and all that was started with it.");
    process.stop();
    drop(line);
    drop(surrounding);
    Ok(())
}

/// Build the app. With the features of the whole workspace, so that it shares its libraries with the tests.
pub(crate) fn build(release: bool) -> Result<()> {
    println!("app: building (the first time this takes several minutes)");
    let mut cargo = shell::cargo(&["build", "--workspace", "--bin", "deskline"]);
    if release {
        cargo.arg("--release");
    }
    shell::run(&mut cargo).context("the app cannot be built")
}

/// Wait; `false` when Ctrl-C came or the app was closed.
fn wait(interrupted: &Receiver<()>, process: &mut Process, time: Duration) -> Result<bool> {
    let deadline = Instant::now() + time;
    loop {
        if !process.is_running()? {
            println!("\nDeskline was closed.");
            return Ok(false);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(true);
        }
        // Two things are waited for at once; the app's end may be noticed a little later.
        match interrupted.recv_timeout(left.min(Duration::from_millis(200))) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
    }
}

/// One message for each Ctrl-C or SIGTERM from now on.
pub(crate) fn interruptions() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = sender.send(());
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(receiver)
}

/// Held while a run is up; the system lets go of it however the run ends.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        let mut other = String::new();
        file.read_to_string(&mut other)?;
        bail!(
            "a run is already up (process {}). End it with Ctrl-C in its terminal first",
            other.trim()
        );
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

/// The profile of the demonstration: never the user's own.
fn fresh_profile(folder: &Path, keep: bool) -> Result<PathBuf> {
    let profile = folder.join("profile");
    if !keep && profile.exists() {
        fs::remove_dir_all(&profile)
            .with_context(|| format!("cannot remove {}", profile.display()))?;
    }
    fs::create_dir_all(&profile)
        .with_context(|| format!("cannot make the folder {}", profile.display()))?;
    Ok(profile)
}

/// What the system lacks, started privately.
struct Surrounding {
    // In the order in which they end.
    _notifications: Option<Notifications>,
    _keyring: Option<Keyring>,
    bus: Option<Bus>,
    sound: Option<Sound>,
    display: Option<Display>,
}

impl Surrounding {
    fn start(logs: &Path) -> Result<Self> {
        let display = (!has_display())
            .then(|| Display::start_in(Some(logs)))
            .transpose()?;
        if let Some(display) = &display {
            println!(
                "No display is reachable: using a private one ({}).",
                display.name()
            );
        }
        let sound = (!has_sound())
            .then(|| Sound::start_in(Some(logs)))
            .transpose()?;
        if sound.is_some() {
            println!(
                "No sound server is reachable: using a private one whose speaker nobody hears."
            );
        }
        let (mut bus, mut keyring) = (None, None);
        if !stage::secret_service_answers() {
            println!(
                "No secret service answers: using a private, unlocked keyring that is thrown away."
            );
            let private = Bus::start_in(Some(logs))?;
            keyring = Some(Keyring::start_in(&private, Some(logs))?);
            bus = Some(private);
        }
        let notifications = match (&display, &bus) {
            (Some(display), Some(bus)) => Some(Notifications::start(display, bus, Some(logs))?),
            _ => None,
        };
        Ok(Self {
            _notifications: notifications,
            _keyring: keyring,
            bus,
            sound,
            display,
        })
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::new();
        if let Some(display) = &self.display {
            environment = environment
                .and(stage::quiet_windows())
                .and(display.environment());
        }
        if let Some(bus) = &self.bus {
            environment = environment.and(bus.environment());
        }
        if let Some(sound) = &self.sound {
            environment = environment.and(sound.environment());
        }
        environment
    }

    /// Picture a window of the private display, so that something can be seen. A picture that fails ends nothing.
    fn picture(&self, title: &str, to: &Path) {
        let Some(display) = &self.display else { return };
        let taken = display
            .wait_for_window(title, Duration::from_secs(5))
            .and_then(|_| display.settled_screenshot_of(title, to))
            .or_else(|_| display.screenshot(to));
        match taken {
            Ok(()) => println!("  picture  {}", to.display()),
            Err(error) => println!("  no picture of \"{title}\": {error:#}"),
        }
    }
}

fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("WAYLAND_DISPLAY")
        || is_set("DISPLAY")
            && output(&mut shell::command("xdotool", &["getdisplaygeometry"])).is_ok()
}

/// Asked without `pactl` where that would start a server by itself.
fn has_sound() -> bool {
    if std::env::var_os("PULSE_SERVER").is_some() {
        return output(&mut shell::command("pactl", &["info"])).is_ok();
    }
    std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| {
        UnixStream::connect(Path::new(&folder).join("pulse").join("native")).is_ok()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_second_run_is_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        let error = lock(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        assert!(lock(folder.path()).is_ok());
    }

    #[test]
    fn a_run_starts_afresh_unless_told_to_keep() {
        let folder = tempfile::tempdir().unwrap();
        let profile = fresh_profile(folder.path(), false).unwrap();
        fs::write(profile.join("calls"), "").unwrap();
        assert!(
            fresh_profile(folder.path(), true)
                .unwrap()
                .join("calls")
                .exists()
        );
        assert!(
            !fresh_profile(folder.path(), false)
                .unwrap()
                .join("calls")
                .exists()
        );
    }
}
