//! The computer does not fall asleep while somebody talks, and only then.

use std::sync::Arc;

use call::state::CallState;
use call::view::PhoneView;
use keepawake::KeepAwake;
use tokio::sync::watch;
use tokio::task;

use crate::ipc::desktop::DesktopView;

/// Why, for whoever asks the system what keeps it awake.
const REASON: &str = "A call is up";
const NAME: &str = "Deskline";
const DOMAIN: &str = "com.deskline.desktop";

/// Follows the calls until the phone ends.
pub(crate) async fn follow(
    mut phone: watch::Receiver<Arc<PhoneView>>,
    mut desktop: watch::Receiver<DesktopView>,
) {
    let mut held: Option<Held> = None;
    loop {
        let wanted =
            desktop.borrow_and_update().settings.keep_awake && in_call(&phone.borrow_and_update());
        if wanted != held.is_some() {
            // The session bus may be slow to answer.
            let before = held.take();
            let changed = task::spawn_blocking(move || {
                drop(before);
                wanted.then(Held::take)
            });
            held = changed.await.ok().flatten();
            tracing::debug!(awake = wanted, "keeping the computer awake");
        }
        tokio::select! {
            changed = phone.changed() => if changed.is_err() { return },
            changed = desktop.changed() => if changed.is_err() { return },
        }
    }
}

/// Does anybody talk, or wait on hold?
fn in_call(phone: &PhoneView) -> bool {
    phone.calls.iter().any(|call| call.state == CallState::Live)
}

/// As long as it lives, the screen stays on and the computer does not sleep. Each of the two is asked of another part of
/// the system; either may be missing.
struct Held {
    kept: Vec<KeepAwake>,
}

impl Held {
    fn take() -> Self {
        let mut kept = Vec::new();
        for of_screen in [true, false] {
            let mut builder = keepawake::Builder::default();
            builder
                .display(of_screen)
                .idle(!of_screen)
                .reason(REASON)
                .app_name(NAME)
                .app_reverse_domain(DOMAIN);
            match builder.create() {
                Ok(one) => kept.push(one),
                Err(error) => tracing::info!(%error, of_screen, "the system cannot be kept awake"),
            }
        }
        Self { kept }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for one in self.kept.drain(..) {
            // The library's own end panics when the session bus is gone by then. So is what it held.
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(one)));
            if ended.is_err() {
                tracing::info!("the system had forgotten that it was kept awake");
            }
        }
    }
}
