//! How the server tells this desk of callers, besides looking: what a person wants of the webhook receiver and the worker,
//! and how the two are, in words. Changes take effect at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use desk::unix_ms;
use history::Store;
use switchboard::{
    ApiSecret, Signer, Source, WatcherNews, Watchers, WebhookOptions, WorkerOptions,
};
use tokio::sync::{mpsc, watch};
use vault::Secret;

use crate::account::Account;
use crate::core::{Core, blocking};
use crate::ipc::types::IpcError;
use crate::ipc::watchers::{WatcherState, WatcherStatus, WatchersDraft, WatchersView};

/// Setting: what is wanted, as JSON.
const SETTING: &str = "watchers";
/// Pause between two looks, seconds.
const LOOK_EVERY_S: std::ops::RangeInclusive<u16> = 1..=60;
/// News that may wait to be taken in. A storm of webhooks loses lines of the log, never a caller.
const NEWS: usize = 1024;
/// Longest name of a worker: the server takes no longer one in a dispatch rule.
const LONGEST_NAME: usize = 128;
const NO_SECRET: &str = "Webhooks are not received: the secret of the key that signs them is missing. Enter it in Settings.";

/// The settings of one desk's watchers and what they come to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Watching {
    store: Option<Store>,
    account: Account,
    view: watch::Sender<WatchersView>,
    wanted: watch::Sender<Watchers>,
}

impl Watching {
    /// As they were left; nothing is in force before [`Self::begin`].
    pub(crate) fn new(store: Option<Store>, account: Account) -> Self {
        let wanted = store.as_ref().and_then(load).unwrap_or_default();
        Self {
            store,
            account,
            view: watch::Sender::new(WatchersView {
                rev: 0,
                wanted,
                has_secret: false,
                url: None,
                webhook: off("Webhooks are not received."),
                worker: off("This desk is not registered as a worker."),
            }),
            wanted: watch::Sender::new(Watchers::default()),
        }
    }

    /// For the switchboard.
    pub(crate) fn wanted(&self) -> watch::Receiver<Watchers> {
        self.wanted.subscribe()
    }

    /// What a person sees of them.
    pub(crate) fn view(&self) -> watch::Receiver<WatchersView> {
        self.view.subscribe()
    }

    /// Puts what was left in force. Asks the keychain: not on the threads of the phone.
    pub(crate) fn begin(&self) {
        let draft = self.view.borrow().wanted.clone();
        self.put_in_force(draft);
    }

    /// Reads the secret that webhooks are signed with, if they have a key of their own, and lets the watchers run.
    fn put_in_force(&self, draft: WatchersDraft) {
        let signer = match &draft.signed_with {
            None => Ok(None),
            Some(key) => match self.account.webhook_secret(key) {
                Ok(Some(secret)) => Ok(Some(Signer {
                    key: key.clone(),
                    secret: ApiSecret::new(secret.expose().to_owned()),
                })),
                Ok(None) => Err(NO_SECRET.to_owned()),
                Err(error) => Err(error.message),
            },
        };
        let has_secret = matches!(signer, Ok(Some(_)));
        let bind = bind(&draft).ok();
        let webhook = match (&signer, bind) {
            (Ok(signer), Some(bind)) if draft.webhook => Some(WebhookOptions {
                bind,
                beyond_this_computer: draft.beyond_this_computer,
                signer: signer.clone(),
            }),
            _ => None,
        };
        let worker = draft.worker.then(|| WorkerOptions {
            agent_name: draft.worker_name.clone(),
        });
        let wanted = Watchers {
            poll: Duration::from_secs(draft.look_every_s.into()),
            webhook,
            worker,
        };
        self.view.send_modify(|view| {
            // Whoever runs on as before has nothing new to say of itself.
            let before = self.wanted.borrow();
            if *before != wanted || view.wanted != draft {
                view.url = None;
                view.webhook = WatcherStatus {
                    received: view.webhook.received,
                    last_at_ms: view.webhook.last_at_ms,
                    ..match (&signer, draft.webhook) {
                        (_, false) => off("Webhooks are not received."),
                        (Err(what), true) => trouble(what),
                        (Ok(_), true) => waiting(),
                    }
                };
                view.worker = WatcherStatus {
                    received: view.worker.received,
                    last_at_ms: view.worker.last_at_ms,
                    ..if draft.worker {
                        waiting()
                    } else {
                        off("This desk is not registered as a worker.")
                    }
                };
            }
            view.rev = view.rev.wrapping_add(1);
            view.has_secret = has_secret;
            view.wanted = draft;
        });
        self.wanted.send_if_modified(|now| {
            let news = *now != wanted;
            *now = wanted;
            news
        });
    }

    /// Takes in what the watchers say of themselves and passes all of it on to the event log.
    pub(crate) async fn follow(
        self,
        mut news: mpsc::Receiver<WatcherNews>,
        log: Option<mpsc::Sender<WatcherNews>>,
    ) {
        while let Some(news) = news.recv().await {
            self.note(&news);
            if let Some(log) = &log
                && log.try_send(news).is_err()
            {
                tracing::debug!("an event is left out of the log");
            }
        }
    }

    fn note(&self, news: &WatcherNews) {
        self.view.send_modify(|view| {
            view.rev = view.rev.wrapping_add(1);
            told(view, news);
        });
    }

    /// Checks, keeps and puts in force. `secret` belongs to `draft.signed_with`; `None` keeps the stored one.
    pub(crate) fn set(
        &self,
        draft: WatchersDraft,
        secret: Option<Secret>,
    ) -> Result<WatchersView, IpcError> {
        let draft = checked(draft)?;
        // Any free one will do for a run; what is kept is what somebody told their server.
        if draft.port == 0 {
            return Err(IpcError::new(
                "bad_setting",
                "The port is a number from 1 to 65535. Take one that no other program uses, 8787 for example.",
            ));
        }
        let store = self.store.as_ref().ok_or_else(|| {
            IpcError::new(
                "profile",
                "The settings of this profile cannot be written. Check its folder, then start Deskline again.",
            )
        })?;
        let before = self.view.borrow().wanted.signed_with.clone();
        match (&draft.signed_with, &secret) {
            (Some(key), Some(secret)) => self.account.keep_webhook_secret(key, secret)?,
            (Some(key), None) if self.account.webhook_secret(key)?.is_none() => {
                return Err(IpcError::new(
                    "no_secret",
                    "The secret is missing. Enter the API secret that belongs to this key.",
                ));
            }
            (Some(_) | None, None) => {}
            (None, Some(_)) => {
                return Err(IpcError::new(
                    "bad_setting",
                    "A secret needs its key. Enter the API key that signs the webhooks.",
                ));
            }
        }
        store
            .set_setting_as(SETTING, Some(&draft))
            .map_err(|error| IpcError::new("history", error.to_string()))?;
        if let Some(before) = before
            && draft.signed_with.as_ref() != Some(&before)
        {
            self.account.forget_webhook_secret(&before);
        }
        self.put_in_force(draft);
        Ok(self.view.borrow().clone())
    }
}

/// What the watchers say, as a person sees it.
fn told(view: &mut WatchersView, news: &WatcherNews) {
    match news {
        WatcherNews::Listening { at } => {
            view.url = Some(format!("http://{at}/livekit"));
            on(&mut view.webhook, format!("Listening on {at}"));
        }
        WatcherNews::NotListening { what } => {
            view.url = None;
            fail(&mut view.webhook, what);
        }
        WatcherNews::Registered { agent_name } => {
            on(&mut view.worker, format!("Registered as {agent_name}"));
        }
        WatcherNews::NotRegistered { what } => fail(&mut view.worker, what),
        WatcherNews::Stopped => {
            view.url = None;
            for status in [&mut view.webhook, &mut view.worker] {
                if matches!(status.state, WatcherState::On | WatcherState::Trouble) {
                    (status.state, status.words) = (WatcherState::Waiting, waiting().words);
                }
            }
        }
        WatcherNews::Received(event) => {
            if let Some(status) = of(view, event.source) {
                status.received = status.received.saturating_add(1);
                status.last_at_ms = Some(unix_ms());
            }
        }
        WatcherNews::Refused { source, why, count } => {
            if let Some(status) = of(view, *source) {
                status.refused = u32::try_from(*count).unwrap_or(u32::MAX);
                status.refusal = Some(why.as_str().to_owned());
            }
        }
    }
}

/// A queue for what the watchers say.
pub(crate) fn news() -> (mpsc::Sender<WatcherNews>, mpsc::Receiver<WatcherNews>) {
    mpsc::channel(NEWS)
}

impl Core {
    /// How the server tells this desk of callers, as a whole, whenever something of it changes.
    #[must_use]
    pub fn watchers(&self) -> watch::Receiver<WatchersView> {
        self.watching().view()
    }

    /// Keeps what a person wants of the watchers and puts it in force.
    ///
    /// # Errors
    /// Something is wrong (nothing was changed), or it cannot be kept.
    pub async fn watchers_set(
        &self,
        draft: WatchersDraft,
        secret: Option<String>,
    ) -> Result<WatchersView, IpcError> {
        let watching = self.watching().clone();
        let secret = secret
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| !secret.is_empty())
            .map(Secret::new);
        blocking(move || watching.set(draft, secret)).await
    }

    /// Puts something else in force for this run, without keeping it.
    ///
    /// # Errors
    /// Something is wrong; nothing was changed.
    pub async fn watch_for_now(&self, draft: WatchersDraft) -> Result<(), IpcError> {
        let watching = self.watching().clone();
        let draft = checked(draft)?;
        blocking(move || {
            watching.put_in_force(draft);
            Ok(())
        })
        .await
    }
}

fn load(store: &Store) -> Option<WatchersDraft> {
    let kept = store.setting_as(SETTING).unwrap_or_else(|error| {
        tracing::warn!(detail = %error.detail(), "the settings of the watchers cannot be read");
        None
    });
    kept.and_then(|draft| checked(draft).ok())
}

fn bind(draft: &WatchersDraft) -> Result<SocketAddr, String> {
    let text = draft.address.trim();
    let address = if text.eq_ignore_ascii_case("localhost") {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_err(|_| {
            "The address is not one of this computer. Use 127.0.0.1, or the address that other computers reach it by."
        })?
    };
    Ok(SocketAddr::new(address, draft.port))
}

fn checked(mut draft: WatchersDraft) -> Result<WatchersDraft, IpcError> {
    let wrong = |what: &str| Err(IpcError::new("bad_setting", what));
    if !LOOK_EVERY_S.contains(&draft.look_every_s) {
        return wrong("Callers are looked for every 1 to 60 seconds.");
    }
    let bind = bind(&draft).map_err(|what| IpcError::new("bad_setting", what))?;
    draft.address = bind.ip().to_string();
    if draft.webhook && !bind.ip().is_loopback() && !draft.beyond_this_computer {
        return wrong(
            "Other computers can reach this address. Allow that, or use 127.0.0.1, which only this computer reaches.",
        );
    }
    draft.worker_name = draft.worker_name.trim().to_owned();
    let name = &draft.worker_name;
    if draft.worker && name.is_empty() {
        return wrong("The worker needs a name: the one in the agents of your dispatch rule.");
    }
    if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return wrong("The worker's name is too long or holds characters that no name has.");
    }
    draft.signed_with = draft
        .signed_with
        .map(|key| key.trim().to_owned())
        .filter(|key| !key.is_empty());
    if let Some(key) = &draft.signed_with
        && (key.len() > LONGEST_NAME || key.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        return wrong(
            "The API key contains a blank or another character that no key has. Copy it again.",
        );
    }
    Ok(draft)
}

fn of(view: &mut WatchersView, source: Source) -> Option<&mut WatcherStatus> {
    match source {
        Source::Webhook => Some(&mut view.webhook),
        Source::Worker => Some(&mut view.worker),
        Source::Request => None,
    }
}

fn off(words: &str) -> WatcherStatus {
    WatcherStatus {
        words: words.to_owned(),
        ..WatcherStatus::default()
    }
}

fn waiting() -> WatcherStatus {
    WatcherStatus {
        state: WatcherState::Waiting,
        words: "Starts as soon as this desk is signed in.".to_owned(),
        ..WatcherStatus::default()
    }
}

fn trouble(what: &str) -> WatcherStatus {
    WatcherStatus {
        state: WatcherState::Trouble,
        words: what.to_owned(),
        ..WatcherStatus::default()
    }
}

fn on(status: &mut WatcherStatus, words: String) {
    tracing::info!("{words}");
    (status.state, status.words) = (WatcherState::On, words);
}

fn fail(status: &mut WatcherStatus, what: &str) {
    (status.state, status.words) = (WatcherState::Trouble, what.to_owned());
}

#[cfg(test)]
mod tests {
    use vault::Vault;

    use super::*;
    use crate::profile::Profile;

    fn scratch() -> (tempfile::TempDir, Watching) {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(folder.path())).unwrap();
        let store = Store::open(profile.path()).unwrap();
        let account = Account::new(&profile, Ok(store.clone()), Vault::memory());
        (folder, Watching::new(Some(store), account))
    }

    fn receiver() -> WatchersDraft {
        WatchersDraft {
            webhook: true,
            ..WatchersDraft::default()
        }
    }

    fn secret() -> Option<Secret> {
        Some(Secret::new("quiet-secret".into()))
    }

    #[test]
    fn off_by_default_and_on_this_computer() {
        let (_folder, watching) = scratch();
        watching.begin();
        assert_eq!(*watching.wanted().borrow(), Watchers::default());
        watching.set(receiver(), None).unwrap();
        let wanted = watching.wanted().borrow().clone();
        assert!(wanted.webhook.unwrap().bind.ip().is_loopback());
        assert_eq!(wanted.worker, None);
    }

    #[test]
    fn what_is_wrong_is_said_and_changes_nothing() {
        let (_folder, watching) = scratch();
        let bad = [
            WatchersDraft {
                look_every_s: 0,
                ..receiver()
            },
            WatchersDraft {
                address: "192.0.2.1".into(),
                ..receiver()
            },
            WatchersDraft {
                address: "everywhere".into(),
                ..receiver()
            },
            WatchersDraft {
                worker: true,
                worker_name: "  ".into(),
                ..receiver()
            },
            WatchersDraft {
                signed_with: Some("a key".into()),
                ..receiver()
            },
            WatchersDraft {
                port: 0,
                ..receiver()
            },
        ];
        for draft in bad {
            let said = format!("{draft:?}");
            let error = watching.set(draft, secret()).unwrap_err();
            assert_eq!(error.code, "bad_setting", "{said}");
        }
        let keyed = WatchersDraft {
            signed_with: Some("APIhooks".into()),
            ..receiver()
        };
        assert_eq!(watching.set(keyed, None).unwrap_err().code, "no_secret");
        assert_eq!(
            watching.set(receiver(), secret()).unwrap_err().code,
            "bad_setting"
        );
        assert_eq!(watching.view().borrow().wanted, WatchersDraft::default());
        assert_eq!(*watching.wanted().borrow(), Watchers::default());
        let told = WatchersDraft {
            address: "0.0.0.0".into(),
            beyond_this_computer: true,
            ..receiver()
        };
        watching.set(told, None).unwrap();
    }

    #[test]
    fn a_key_of_its_own_has_its_secret_in_the_keychain() {
        let (folder, watching) = scratch();
        let keyed = WatchersDraft {
            signed_with: Some("APIhooks".into()),
            ..receiver()
        };
        let view = watching.set(keyed.clone(), secret()).unwrap();
        assert!(view.has_secret);
        let signer = watching.wanted().borrow().webhook.clone().unwrap().signer;
        assert_eq!(signer.unwrap().key, "APIhooks");
        watching.set(keyed.clone(), None).unwrap();
        // As after a start.
        let store = Store::open(folder.path()).unwrap();
        let again = Watching::new(Some(store), watching.account.clone());
        again.begin();
        assert_eq!(again.view().borrow().wanted, keyed);
        assert!(again.wanted().borrow().webhook.is_some());
        watching.set(receiver(), None).unwrap();
        assert_eq!(
            watching
                .account
                .webhook_secret("APIhooks")
                .unwrap()
                .map(drop),
            None
        );
        again.begin();
        assert_eq!(again.view().borrow().webhook.words, NO_SECRET);
        assert_eq!(again.wanted().borrow().webhook, None);
    }

    #[test]
    fn the_state_is_told_in_words() {
        let (_folder, watching) = scratch();
        let worker = WatchersDraft {
            worker: true,
            ..receiver()
        };
        watching.set(worker, None).unwrap();
        let words = || {
            let view = watching.view().borrow().clone();
            (view.webhook.words, view.worker.words, view.url)
        };
        assert_eq!(words().0, "Starts as soon as this desk is signed in.");
        let at = SocketAddr::from(([127, 0, 0, 1], 8787));
        watching.note(&WatcherNews::Listening { at });
        watching.note(&WatcherNews::Registered {
            agent_name: "front-desk".into(),
        });
        assert_eq!(
            words(),
            (
                "Listening on 127.0.0.1:8787".into(),
                "Registered as front-desk".into(),
                Some("http://127.0.0.1:8787/livekit".into())
            )
        );
        watching.note(&WatcherNews::Stopped);
        assert_eq!(words().2, None);
        let what = "Deskline cannot listen on 127.0.0.1:8787.".to_owned();
        watching.note(&WatcherNews::NotListening { what: what.clone() });
        assert_eq!(words().0, what);
        assert_eq!(
            watching.view().borrow().webhook.state,
            WatcherState::Trouble
        );
    }
}
