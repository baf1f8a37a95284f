//! The parts of a desktop that programs talk to over the session bus: a tray, and who keeps the screen awake.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use zbus::{
    blocking::{Connection, Proxy, connection::Builder},
    interface,
    message::Header,
    zvariant::{OwnedValue, Value},
};

use crate::Bus;

/// A tray: the watcher of the StatusNotifierItem specification, without drawing anything.
#[derive(Debug)]
pub struct Tray {
    bus: Connection,
    items: Arc<(Mutex<Vec<String>>, Condvar)>,
}

struct Watcher(Arc<(Mutex<Vec<String>>, Condvar)>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&mut self, #[zbus(header)] header: Header<'_>, service: &str) {
        // A program names itself, or only the path of its object.
        let name = match header.sender() {
            Some(sender) if service.starts_with('/') => sender.to_string(),
            _ => service.to_owned(),
        };
        let (items, more) = &*self.0;
        items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        more.notify_all();
    }

    fn register_status_notifier_host(&mut self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let (items, _) = &*self.0;
        items.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

impl Tray {
    /// Put a tray on `bus`; it goes with the result.
    ///
    /// # Errors
    /// When somebody else is the tray there.
    pub fn start(bus: &Bus) -> Result<Self> {
        let items = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let bus = Builder::address(bus.address())?
            .name("org.kde.StatusNotifierWatcher")?
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&items)))?
            .build()
            .context("no tray on the private session bus")?;
        Ok(Self { bus, items })
    }

    /// The icon that was put into it last.
    ///
    /// # Errors
    /// When there is none after `within`.
    pub fn icon(&self, within: Duration) -> Result<TrayIcon> {
        let deadline = Instant::now() + within;
        let (items, more) = &*self.items;
        let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
        while items.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("nobody put an icon into the tray in {within:?}");
            }
            items = more
                .wait_timeout(items, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(TrayIcon {
            bus: self.bus.clone(),
            name: items.last().cloned().unwrap_or_default(),
        })
    }
}

/// An icon in the tray, as a panel sees it.
#[derive(Debug)]
pub struct TrayIcon {
    bus: Connection,
    name: String,
}

/// `com.canonical.dbusmenu`: number, properties, children.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
/// A picture of a tray: width, height, ARGB.
type Picture = (i32, i32, Vec<u8>);

impl TrayIcon {
    fn item(&self) -> Result<Proxy<'_>> {
        Ok(Proxy::new(
            &self.bus,
            self.name.as_str(),
            "/StatusNotifierItem",
            "org.kde.StatusNotifierItem",
        )?)
    }

    /// What a pointer over it is told.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn tooltip(&self) -> Result<String> {
        let (_, _, _, words): (String, Vec<Picture>, String, String) =
            self.item()?.get_property("ToolTip")?;
        Ok(words)
    }

    /// The picture itself, to tell one from another.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let pictures: Vec<Picture> = self.item()?.get_property("IconPixmap")?;
        Ok(pictures
            .into_iter()
            .next()
            .context("an icon without a picture")?
            .2)
    }

    /// A press on the icon.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn press(&self) -> Result<()> {
        Ok(self.item()?.call("Activate", &(0_i32, 0_i32))?)
    }

    /// The lines of its menu that are there to be read or pressed.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn menu(&self) -> Result<Vec<String>> {
        Ok(self.lines()?.into_iter().map(|(_, words)| words).collect())
    }

    /// A press on the line of its menu that begins with `words`.
    ///
    /// # Errors
    /// When there is none.
    pub fn choose(&self, words: &str) -> Result<()> {
        let lines = self.lines()?;
        let Some((id, _)) = lines.iter().find(|(_, line)| line.starts_with(words)) else {
            bail!("no line of the menu begins with {words}: {lines:?}");
        };
        let menu = self.menu_proxy()?;
        let _: () = menu.call("Event", &(*id, "clicked", Value::from(0_i32), 0_u32))?;
        Ok(())
    }

    fn menu_proxy(&self) -> Result<Proxy<'static>> {
        let path: zbus::zvariant::OwnedObjectPath = self.item()?.get_property("Menu")?;
        Ok(Proxy::new_owned(
            self.bus.clone(),
            self.name.clone(),
            path,
            "com.canonical.dbusmenu",
        )?)
    }

    fn lines(&self) -> Result<Vec<(i32, String)>> {
        let menu = self.menu_proxy()?;
        let (_, root): (u32, Layout) =
            menu.call("GetLayout", &(0_i32, -1_i32, Vec::<String>::new()))?;
        let mut lines = Vec::new();
        for child in root.2 {
            let (id, properties, _): Layout = child.try_into()?;
            if let Some(label) = properties.get("label") {
                lines.push((id, String::try_from(label.clone())?));
            }
        }
        Ok(lines)
    }
}

/// Who keeps the screen on (`org.freedesktop.ScreenSaver`), and whether it is locked.
#[derive(Debug)]
pub struct ScreenSaver {
    _bus: Connection,
    state: Arc<Mutex<SaverState>>,
}

#[derive(Debug, Default)]
struct SaverState {
    last: u32,
    held: Vec<(u32, String)>,
    locked: bool,
}

struct Saver(Arc<Mutex<SaverState>>);

#[interface(name = "org.freedesktop.ScreenSaver")]
impl Saver {
    fn inhibit(&mut self, name: &str, reason: &str) -> u32 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last += 1;
        let cookie = state.last;
        state.held.push((cookie, format!("{name}: {reason}")));
        cookie
    }

    fn un_inhibit(&mut self, cookie: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.retain(|(held, _)| *held != cookie);
    }

    fn get_active(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).locked
    }
}

impl ScreenSaver {
    /// Put a screen saver on `bus`; it goes with the result.
    ///
    /// # Errors
    /// When somebody else is the screen saver there.
    pub fn start(bus: &Bus) -> Result<Self> {
        let state = Arc::default();
        let bus = Builder::address(bus.address())?
            .name("org.freedesktop.ScreenSaver")?
            .serve_at("/org/freedesktop/ScreenSaver", Saver(Arc::clone(&state)))?
            // The place that programs of older times look for it.
            .serve_at("/ScreenSaver", Saver(Arc::clone(&state)))?
            .build()
            .context("no screen saver on the private session bus")?;
        Ok(Self { _bus: bus, state })
    }

    /// Who keeps the screen on now, and why.
    #[must_use]
    pub fn kept_awake_by(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.iter().map(|(_, who)| who.clone()).collect()
    }

    /// Lock the screen, or unlock it.
    pub fn lock(&self, locked: bool) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .locked = locked;
    }
}
