//! `deskline watchers`: how this desk learns of callers.

use std::net::SocketAddr;

use history::Store;
use serde_json::json;

use crate::account::{Account, system_vault};
use crate::args::{self, Switch};
use crate::ipc::watchers::WatchersDraft;
use crate::profile::Profile;
use crate::terminal::complain;
use crate::terminal::outcome::{ANSWERED, WRONG_USE};
use crate::terminal::report::Report;
use crate::watching::Watching;

/// Shows what is wanted, after changing it if that was asked for.
///
/// # Errors
/// The profile cannot be opened.
pub(crate) fn run(profile: &Profile, asked: args::Watchers) -> anyhow::Result<u8> {
    let store = Store::open(profile.path())?;
    let account = Account::new(profile, Ok(store.clone()), system_vault());
    let watching = Watching::new(Some(store), account);
    let before = watching.view().borrow().wanted.clone();
    let mut wanted = before.clone();
    change(&mut wanted, &asked);
    if wanted != before
        && let Err(error) = watching.set(wanted, None)
    {
        complain(&error.message);
        return Ok(WRONG_USE);
    }
    let wanted = watching.view().borrow().wanted.clone();
    Report::new(asked.json).other(&json!(wanted), &sentences(&wanted));
    Ok(ANSWERED)
}

/// What the arguments say of it; the rest stays.
fn change(wanted: &mut WatchersDraft, asked: &args::Watchers) {
    if let Some(seconds) = asked.look_every {
        wanted.look_every_s = seconds;
    }
    match &asked.webhook {
        None => {}
        Some(Switch::Off) => wanted.webhook = false,
        Some(Switch::On(at)) => listen(wanted, *at),
    }
    match &asked.worker {
        None => {}
        Some(Switch::Off) => wanted.worker = false,
        Some(Switch::On(name)) => register(wanted, name),
    }
}

/// An address that other computers reach was meant so by whoever wrote it.
pub(crate) fn listen(wanted: &mut WatchersDraft, at: SocketAddr) {
    wanted.webhook = true;
    wanted.address = at.ip().to_string();
    wanted.port = at.port();
    wanted.beyond_this_computer = !at.ip().is_loopback();
}

/// A worker of this name.
pub(crate) fn register(wanted: &mut WatchersDraft, name: &str) {
    wanted.worker = true;
    name.clone_into(&mut wanted.worker_name);
}

fn sentences(wanted: &WatchersDraft) -> String {
    let every = match wanted.look_every_s {
        1 => "every second".to_owned(),
        seconds => format!("every {seconds} seconds"),
    };
    let webhook = if wanted.webhook {
        format!(
            "Webhooks are received at {}:{}.",
            wanted.address, wanted.port
        )
    } else {
        "Webhooks are not received.".to_owned()
    };
    let worker = if wanted.worker {
        format!("The worker is called {}.", wanted.worker_name)
    } else {
        "No worker is registered.".to_owned()
    };
    format!("Callers are looked for {every}. {webhook} {worker}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let mut wanted = WatchersDraft::default();
        let nothing = args::Watchers {
            look_every: None,
            webhook: None,
            worker: None,
            json: false,
        };
        change(&mut wanted, &nothing);
        assert_eq!(wanted, WatchersDraft::default());
        let everything = args::Watchers {
            look_every: Some(5),
            webhook: Some(Switch::On(([192, 0, 2, 1], 80).into())),
            worker: Some(Switch::On("front-desk".into())),
            json: false,
        };
        change(&mut wanted, &everything);
        assert!(wanted.beyond_this_computer);
        assert_eq!(
            sentences(&wanted),
            "Callers are looked for every 5 seconds. Webhooks are received at 192.0.2.1:80. The worker is called front-desk."
        );
        let off = args::Watchers {
            webhook: Some(Switch::Off),
            worker: Some(Switch::Off),
            ..nothing
        };
        change(&mut wanted, &off);
        assert_eq!((wanted.webhook, wanted.worker), (false, false));
        assert_eq!(wanted.look_every_s, 5);
    }
}
