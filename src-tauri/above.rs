//! Above a full-screen window. Most window managers of X11 keep a full-screen window that has the keyboard above those that
//! ask to be always on top, but none keeps it above a window that belongs to it: for as long as somebody calls, the overlay
//! says that it belongs to the full-screen window it would be under.

use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use tauri::{Runtime, WebviewWindow};
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, PropMode, Window};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// Most windows that are looked at; nobody has more open.
const MOST_WINDOWS: u32 = 1_024;

/// Puts a window above the full-screen window that it stands on, if there is one. Talks to the X server: not on the main
/// thread.
pub(crate) fn full_screen<R: Runtime>(window: &WebviewWindow<R>) {
    let handle = window.window_handle().map(|handle| handle.as_raw());
    let Ok(RawWindowHandle::Xlib(handle)) = handle else {
        return;
    };
    let raised = Window::try_from(handle.window)
        .map_err(|_| "no window of X11".to_owned())
        .and_then(|id| Screen::open_and_put_above(id).map_err(|error| error.to_string()));
    if let Err(error) = raised {
        tracing::debug!(error, "the overlay may be under a full-screen window");
    }
}

struct Screen {
    server: RustConnection,
    root: Window,
}

impl Screen {
    fn open_and_put_above(overlay: Window) -> Result<(), Box<dyn std::error::Error>> {
        let (server, number) = x11rb::connect(None)?;
        let root = server.setup().roots.get(number).map(|screen| screen.root);
        let screen = Self {
            root: root.ok_or("the display has no screen")?,
            server,
        };
        let below = screen.full_screen_under(overlay)?;
        let transient = AtomEnum::WM_TRANSIENT_FOR;
        match below {
            Some(below) => screen.server.change_property32(
                PropMode::REPLACE,
                overlay,
                transient,
                AtomEnum::WINDOW,
                &[below],
            )?,
            None => screen.server.delete_property(overlay, transient.into())?,
        }
        .check()?;
        Ok(())
    }

    /// The topmost full-screen window where the overlay stands.
    fn full_screen_under(&self, overlay: Window) -> Result<Option<Window>, ReplyOrIdError> {
        let stacking = self.atom(b"_NET_CLIENT_LIST_STACKING")?;
        let (state, full) = (
            self.atom(b"_NET_WM_STATE")?,
            self.atom(b"_NET_WM_STATE_FULLSCREEN")?,
        );
        let place = self.place(overlay)?;
        let windows = self.list(self.root, stacking, AtomEnum::WINDOW)?;
        for window in windows.into_iter().rev().filter(|of| *of != overlay) {
            // One that was closed in this moment is under nobody.
            let is_full = self
                .list(window, state, AtomEnum::ATOM)
                .is_ok_and(|states| states.contains(&full));
            if is_full && self.place(window).is_ok_and(|of| of.holds(place)) {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    fn atom(&self, name: &[u8]) -> Result<Atom, ReplyOrIdError> {
        Ok(self.server.intern_atom(true, name)?.reply()?.atom)
    }

    fn list(&self, of: Window, what: Atom, kind: AtomEnum) -> Result<Vec<u32>, ReplyOrIdError> {
        let asked = self
            .server
            .get_property(false, of, what, kind, 0, MOST_WINDOWS)?;
        let reply = asked.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }

    fn place(&self, window: Window) -> Result<Place, ReplyOrIdError> {
        let size = self.server.get_geometry(window)?.reply()?;
        let corner = self
            .server
            .translate_coordinates(window, self.root, 0, 0)?
            .reply()?;
        Ok(Place {
            x: corner.dst_x.into(),
            y: corner.dst_y.into(),
            width: size.width.into(),
            height: size.height.into(),
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

impl Place {
    /// Is the corner of the other one inside?
    fn holds(self, other: Self) -> bool {
        (self.x..self.x + self.width).contains(&other.x)
            && (self.y..self.y + self.height).contains(&other.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_on_another_screen_is_not_under_it() {
        let screen = |x, width| Place {
            x,
            y: 0,
            width,
            height: 800,
        };
        let overlay = Place {
            x: 884,
            y: 16,
            width: 380,
            height: 200,
        };
        assert!(screen(0, 1_280).holds(overlay));
        assert!(!screen(1_280, 1_920).holds(overlay));
    }
}
