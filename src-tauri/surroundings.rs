//! What the desktop around the program says about itself: is there a tray, is the screen locked, may we disturb.

#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use tokio::sync::watch;
    use zbus::{Connection, Proxy, fdo::DBusProxy};

    /// The tray of a Linux desktop (StatusNotifierItem specification).
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    /// A desktop that does not answer by then says nothing.
    const ANSWERS_WITHIN: Duration = Duration::from_millis(700);
    /// Who knows whether the screen is locked: (service, path, interface), asked in this order.
    const LOCKS: [(&str, &str, &str); 3] = [
        (
            "org.freedesktop.ScreenSaver",
            "/org/freedesktop/ScreenSaver",
            "org.freedesktop.ScreenSaver",
        ),
        (
            "org.gnome.ScreenSaver",
            "/org/gnome/ScreenSaver",
            "org.gnome.ScreenSaver",
        ),
        (
            "org.cinnamon.ScreenSaver",
            "/org/cinnamon/ScreenSaver",
            "org.cinnamon.ScreenSaver",
        ),
    ];
    const NOTIFICATIONS: (&str, &str) = (
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
    );

    /// The session bus, if there is one.
    async fn session() -> Option<Connection> {
        Connection::session()
            .await
            .inspect_err(|error| tracing::debug!(%error, "there is no session bus"))
            .ok()
    }

    /// Tells whether there is a tray, now and whenever that changes. Ends when nobody listens.
    pub(crate) async fn follow_tray(is_there: watch::Sender<bool>) {
        let Some(bus) = session().await else {
            is_there.closed().await;
            return;
        };
        if let Err(error) = watch_tray(&bus, &is_there).await {
            tracing::info!(%error, "the tray cannot be watched");
        }
        is_there.closed().await;
    }

    async fn watch_tray(bus: &Connection, is_there: &watch::Sender<bool>) -> zbus::Result<()> {
        use futures_util::StreamExt as _;
        let names = DBusProxy::new(bus).await?;
        let mut changes = names
            .receive_name_owner_changed_with_args(&[(0, WATCHER)])
            .await?;
        let now = names.name_has_owner(WATCHER.try_into()?).await?;
        is_there.send_replace(now);
        loop {
            tokio::select! {
                change = changes.next() => {
                    let Some(change) = change else { return Ok(()) };
                    is_there.send_replace(change.args()?.new_owner().is_some());
                }
                () = is_there.closed() => return Ok(()),
            }
        }
    }

    /// Is the screen locked? A desktop that does not say has it open.
    pub(crate) async fn screen_is_locked() -> bool {
        let ask = async {
            let bus = session().await?;
            for (service, path, interface) in LOCKS {
                if let Ok(proxy) = Proxy::new(&bus, service, path, interface).await
                    && let Ok(locked) = proxy.call::<_, _, bool>("GetActive", &()).await
                {
                    return Some(locked);
                }
            }
            None
        };
        tokio::time::timeout(ANSWERS_WITHIN, ask)
            .await
            .ok()
            .flatten()
            .unwrap_or(false)
    }

    /// Is the system set not to disturb? A desktop that does not say may be disturbed.
    pub(crate) async fn is_not_to_disturb() -> bool {
        let ask = async {
            let bus = session().await?;
            let (service, path) = NOTIFICATIONS;
            // KDE (and others) tell it by a property of the notification service, dunst by one of its own.
            for (interface, property) in [
                ("org.freedesktop.Notifications", "Inhibited"),
                ("org.dunstproject.cmd0", "paused"),
            ] {
                let proxy = Proxy::new(&bus, service, path, interface).await.ok()?;
                if let Ok(quiet) = proxy.get_property::<bool>(property).await {
                    return Some(quiet);
                }
            }
            gnome_is_quiet().await
        };
        tokio::time::timeout(ANSWERS_WITHIN, ask)
            .await
            .ok()
            .flatten()
            .unwrap_or(false)
    }

    /// GNOME tells it by a setting only.
    async fn gnome_is_quiet() -> Option<bool> {
        let is_gnome =
            std::env::var("XDG_CURRENT_DESKTOP").is_ok_and(|name| name.contains("GNOME"));
        if !is_gnome {
            return None;
        }
        let ask = tokio::task::spawn_blocking(|| {
            std::process::Command::new("gsettings")
                .args(["get", "org.gnome.desktop.notifications", "show-banners"])
                .output()
        });
        let said = ask.await.ok()?.ok()?;
        Some(said.stdout.trim_ascii() == b"false")
    }

    /// Do notifications have buttons here?
    pub(crate) async fn notifications_have_buttons() -> bool {
        let ask = async {
            let bus = session().await?;
            let (service, path) = NOTIFICATIONS;
            let proxy = Proxy::new(&bus, service, path, service).await.ok()?;
            let able: Vec<String> = proxy.call("GetCapabilities", &()).await.ok()?;
            Some(able.iter().any(|what| what == "actions"))
        };
        tokio::time::timeout(ANSWERS_WITHIN, ask)
            .await
            .ok()
            .flatten()
            .unwrap_or(false)
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::*;

/// macOS and Windows always have a tray and buttons; neither lets a program ask about the other two without further
/// rights, and both keep notifications quiet themselves.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use tokio::sync::watch;

    pub(crate) async fn follow_tray(is_there: watch::Sender<bool>) {
        is_there.send_replace(true);
        is_there.closed().await;
    }

    pub(crate) async fn screen_is_locked() -> bool {
        false
    }

    pub(crate) async fn is_not_to_disturb() -> bool {
        false
    }

    pub(crate) async fn notifications_have_buttons() -> bool {
        true
    }
}
