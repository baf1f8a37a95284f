//! A private screen.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use x11rb::{
    COPY_DEPTH_FROM_PARENT,
    connection::Connection as _,
    protocol::xproto::{
        AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _,
        CreateWindowAux, EventMask, PropMode, Screen, WindowClass,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::{Environment, Process, Scratch, process::output};

/// Xvfb on a free number with the window manager openbox.
#[derive(Debug)]
pub struct Display {
    // Dropped in this order: the window manager leaves before its screen.
    manager: Process,
    server: Process,
    name: String,
    _scratch: Scratch,
}

/// Title of a window in full screen.
pub const FULL_SCREEN_WINDOW: &str = "Full screen";

/// A window in full screen; it goes with this.
#[derive(Debug)]
pub struct FullScreen {
    _connection: RustConnection,
}

impl Display {
    /// A screen of 1280 by 800; windows can be opened and are managed when this returns.
    ///
    /// # Errors
    /// When `Xvfb` or `openbox` is missing or does not come up.
    pub fn start() -> Result<Self> {
        Self::start_in(None)
    }

    /// As [`Display::start`], with the logs kept in `logs`.
    ///
    /// # Errors
    /// As [`Display::start`].
    pub fn start_in(logs: Option<&Path>) -> Result<Self> {
        let scratch = Scratch::new("display")?;
        let logs = logs.unwrap_or(scratch.path()).to_owned();
        let mut command = Command::new("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
            "-noreset",
            "-dpi",
            "96",
        ]);
        let mut server = Process::start_talking("xvfb", command, &logs)?;
        let name = format!(":{}", server.line(Duration::from_secs(10))?.trim());

        let mut command = Command::new("openbox");
        // It runs the start-up command when it has taken the screen.
        command.args(["--sm-disable", "--startup", "echo managed"]);
        command
            .env("DISPLAY", &name)
            .env("HOME", scratch.path())
            .env("XDG_CONFIG_HOME", scratch.path());
        let mut manager = Process::start_talking("openbox", command, &logs)?;
        manager.line(Duration::from_secs(10))?;
        Ok(Self {
            manager,
            server,
            name,
            _scratch: scratch,
        })
    }

    /// The name, as `DISPLAY` wants it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a program needs to open its windows here.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment::new()
            .with("DISPLAY", &self.name)
            .with("GDK_BACKEND", "x11")
            .without("WAYLAND_DISPLAY")
    }

    /// Write a picture of the whole screen; the ending of `to` chooses the format.
    ///
    /// # Errors
    /// When the picture cannot be taken or written.
    pub fn screenshot(&self, to: &Path) -> Result<()> {
        picture(&self.name, "root", to)
    }

    /// Write a picture of one window, found by a part of its title.
    ///
    /// # Errors
    /// When no such window is visible or the picture cannot be written.
    pub fn screenshot_of(&self, title: &str, to: &Path) -> Result<()> {
        let Some(window) = self.windows_named(title)?.into_iter().next() else {
            bail!("no window is named like \"{title}\"");
        };
        picture(&self.name, &window, to)
    }

    /// As [`Display::screenshot_of`], once the window has been painted: nothing tells when that is, so this takes
    /// pictures until two in a row are the same, or the last one after two seconds.
    ///
    /// # Errors
    /// As [`Display::screenshot_of`].
    pub fn settled_screenshot_of(&self, title: &str, to: &Path) -> Result<()> {
        let mut before = Vec::new();
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(250));
            self.screenshot_of(title, to)?;
            let now = pixels(to)?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }

    /// The visible windows whose title contains `title` (a regular expression), oldest first, as X window numbers.
    ///
    /// # Errors
    /// When `xdotool` is missing.
    pub fn windows_named(&self, title: &str) -> Result<Vec<String>> {
        windows(&self.name, title)
    }

    /// Wait for a window with this title. There is no event to wait on that a title is part of, so this looks again
    /// every 50 ms.
    ///
    /// # Errors
    /// When none is there after `within`.
    pub fn wait_for_window(&self, title: &str, within: Duration) -> Result<String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(window) = self.windows_named(title)?.into_iter().next() {
                return Ok(window);
            }
            if Instant::now() > deadline {
                bail!(
                    "no window named like \"{title}\" after {} s",
                    within.as_secs_f32()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Start something, and wait for the first window that the window manager has on the screen since; gives also the
    /// milliseconds from the start to then.
    ///
    /// # Errors
    /// When it cannot be started, or opens no window.
    pub fn until_new_window<T>(
        &self,
        within: Duration,
        start: impl FnOnce() -> Result<T>,
    ) -> Result<(T, f64)> {
        let (connection, screen) = self.connect()?;
        let root = screen.root;
        let list = atom(&connection, b"_NET_CLIENT_LIST")?;
        let windows = || managed(&connection, root, list);
        let watched = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection
            .change_window_attributes(root, &watched)?
            .check()?;
        let mut before = windows()?;
        let began = Instant::now();
        let started = start()?;
        loop {
            let there = windows()?;
            // The window manager may not have noticed yet that a program before this one is gone, and the number of its
            // window is given to the next.
            before.retain(|window| there.contains(window));
            if there.iter().any(|window| !before.contains(window)) {
                break;
            }
            while connection.poll_for_event()?.is_none() {
                if began.elapsed() > within {
                    bail!("no window after {} s", within.as_secs_f32());
                }
                std::thread::sleep(Duration::from_micros(500));
            }
        }
        Ok((started, began.elapsed().as_secs_f64() * 1e3))
    }

    /// Run `xdotool` on this screen: type, press, click.
    ///
    /// # Errors
    /// When `xdotool` refuses.
    pub fn xdotool(&self, arguments: &[&str]) -> Result<String> {
        output(
            Command::new("xdotool")
                .args(arguments)
                .env("DISPLAY", &self.name),
        )
    }

    /// Ask the window manager to close a window, as a press on its cross does: the program may refuse.
    ///
    /// # Errors
    /// When `window` is no X window number or the screen cannot be reached.
    pub fn close_window(&self, window: &str) -> Result<()> {
        let window: u32 = window
            .parse()
            .with_context(|| format!("{window} is no X window number"))?;
        let (connection, screen) = self.connect()?;
        let root = screen.root;
        let close = atom(&connection, b"_NET_CLOSE_WINDOW")?;
        // EWMH: the time of the event (0: now) and who asks (2: a person, through a pager).
        let event = ClientMessageEvent::new(32, window, close, [0, 2, 0, 0, 0]);
        let listeners = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        connection
            .send_event(false, root, listeners, event)?
            .check()?;
        Ok(())
    }

    /// Open a window in full screen that has the keyboard, as a film or a presentation.
    ///
    /// # Errors
    /// When the screen cannot be reached.
    pub fn full_screen(&self) -> Result<FullScreen> {
        let (connection, screen) = self.connect()?;
        let (root, visual, ink) = (screen.root, screen.root_visual, screen.white_pixel);
        let window = connection.generate_id()?;
        let looks = CreateWindowAux::new().background_pixel(ink);
        connection.create_window(
            COPY_DEPTH_FROM_PARENT,
            window,
            root,
            0,
            0,
            640,
            400,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &looks,
        )?;
        connection.change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_NAME,
            AtomEnum::STRING,
            FULL_SCREEN_WINDOW.as_bytes(),
        )?;
        let full = atom(&connection, b"_NET_WM_STATE_FULLSCREEN")?;
        connection.change_property32(
            PropMode::REPLACE,
            window,
            atom(&connection, b"_NET_WM_STATE")?,
            AtomEnum::ATOM,
            &[full],
        )?;
        connection.map_window(window)?.check()?;
        Ok(FullScreen {
            _connection: connection,
        })
    }

    /// The windows that the window manager has, the lowest first.
    ///
    /// # Errors
    /// When the screen cannot be reached.
    pub fn stacked(&self) -> Result<Vec<String>> {
        let (connection, screen) = self.connect()?;
        let root = screen.root;
        let list = atom(&connection, b"_NET_CLIENT_LIST_STACKING")?;
        let windows = managed(&connection, root, list)?;
        Ok(windows.iter().map(u32::to_string).collect())
    }

    fn connect(&self) -> Result<(RustConnection, Screen)> {
        let (connection, number) = x11rb::connect(Some(&self.name))?;
        let screen = connection.setup().roots.get(number).cloned();
        Ok((connection, screen.context("the display has no screen")?))
    }

    /// Stop it early.
    pub fn stop(&mut self) {
        self.manager.stop();
        self.server.stop();
    }
}

/// The visible windows on any `display` whose title contains `title`.
///
/// # Errors
/// When `xdotool` is missing.
pub fn windows(display: &str, title: &str) -> Result<Vec<String>> {
    let found = Command::new("xdotool")
        .args(["search", "--onlyvisible", "--name", title])
        .env("DISPLAY", display)
        .output()
        .context("cannot run `xdotool`; `cargo xtask setup` installs what is missing")?;
    // It ends with 1 when there is none.
    Ok(String::from_utf8_lossy(&found.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

/// Write a picture of `window` (a number, or `root`) on any `display`.
///
/// # Errors
/// When the picture cannot be taken or written.
pub fn picture(display: &str, window: &str, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    output(
        Command::new("import")
            .args(["-silent", "-window", window])
            .arg(to)
            .env("DISPLAY", display),
    )?;
    Ok(())
}

/// A sum over the picture itself, without the time that is written into the file.
fn atom(connection: &RustConnection, name: &[u8]) -> Result<u32> {
    Ok(connection.intern_atom(false, name)?.reply()?.atom)
}

/// The windows in one of the window manager's lists of them.
fn managed(connection: &RustConnection, root: u32, list: u32) -> Result<Vec<u32>> {
    let property = connection
        .get_property(false, root, list, AtomEnum::WINDOW, 0, 1024)?
        .reply()?;
    Ok(property
        .value32()
        .map(Iterator::collect)
        .unwrap_or_default())
}

fn pixels(picture: &Path) -> Result<Vec<u8>> {
    Ok(output(
        Command::new("identify")
            .args(["-format", "%#"])
            .arg(picture),
    )?
    .into_bytes())
}
