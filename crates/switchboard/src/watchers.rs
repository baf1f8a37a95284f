//! The ways to learn of a caller, and what they have to say for themselves.
//!
//! Looking once in a while always works and is always on. The server can also push: webhooks to a receiver in this program,
//! or jobs to a registered worker. A push is never believed: it only says which room to look into *now*. So a late, repeated
//! or made-up one costs one request and rings nothing, and every caller is offered once whoever told of them first.

use std::net::SocketAddr;
use std::time::Duration;

use call::RoomName;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::account::{Account, ApiSecret};
use crate::{webhook, worker};

/// Rooms that may wait to be looked into. What finds no place is found by the next regular look.
pub(crate) const HINTS: usize = 256;

/// How this desk learns of callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watchers {
    /// Pause between two regular looks.
    pub poll: Duration,
    /// A receiver for LiveKit's webhooks; `None`: off.
    pub webhook: Option<WebhookOptions>,
    /// A worker that LiveKit pushes to; `None`: off.
    pub worker: Option<WorkerOptions>,
}

impl Default for Watchers {
    /// A look a second, nothing else.
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            webhook: None,
            worker: None,
        }
    }
}

/// A receiver for webhooks. The project must be told to post them to `http://…/livekit` there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// May `bind` be reached from other computers? Otherwise only an address of this computer (127.0.0.1, ::1) is taken.
    pub beyond_this_computer: bool,
    /// The key that the server signs webhooks with; `None`: that of the account.
    pub signer: Option<Signer>,
}

/// A key of the project that signs webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// API key.
    pub key: String,
    /// Its secret.
    pub secret: ApiSecret,
}

/// A worker, as LiveKit calls a program that takes jobs for agents. This one refuses every job, so that no agent ever joins
/// a room: being asked is the news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// The name by which the dispatch rule calls it (`room_config.agents`). Desks may share one: who refuses passes the job on
    /// to the next. Not empty: a worker without a name would stand in the way of agents that take every room.
    pub agent_name: String,
}

/// News of the watchers, for the event log and the settings page. Never a caller: those are facts for the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatcherNews {
    /// The webhook receiver listens.
    Listening {
        /// Where, with the port it got.
        at: SocketAddr,
    },
    /// The webhook receiver does not listen; it is tried again.
    NotListening {
        /// One sentence for the person.
        what: String,
    },
    /// The worker is registered.
    Registered {
        /// Under this name.
        agent_name: String,
    },
    /// The worker is not registered (any more); it is tried again.
    NotRegistered {
        /// One sentence for the person.
        what: String,
    },
    /// No push watcher runs any more: the account or what is wanted has changed. What runs next says so itself.
    Stopped,
    /// An event came and its sender is known to be the server.
    Received(ReceivedEvent),
    /// An event came and was refused. Told of the first, second, fourth, eighth … of each reason: whoever sends rubbish fills no
    /// log.
    Refused {
        /// Which watcher.
        source: Source,
        /// Why.
        why: Refusal,
        /// How many were refused for this reason since the watcher started.
        count: u64,
    },
}

/// Which push watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The webhook receiver.
    Webhook,
    /// The registered worker.
    Worker,
    /// The server's answer to a request of ours about one call.
    Request,
}

impl Source {
    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "livekit webhook",
            Self::Worker => "livekit worker",
            Self::Request => "livekit request",
        }
    }
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedEvent {
    /// How it came.
    pub source: Source,
    /// What it is about, as the server words it (`participant_joined`); at most 64 characters, nothing but letters, digits and
    /// underscores.
    pub kind: String,
    /// JSON, as it came (webhook) or written from the message (worker); at most 256 KiB. Holds numbers and names.
    pub payload: String,
}

/// Why an event was refused. Up to `WrongHash` nothing of its content was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// Another method or path.
    NotAWebhook,
    /// Another content type.
    WrongType,
    /// Larger than 256 KiB.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// No signature.
    NotSigned,
    /// Signed with another key, or not for a webhook.
    Forged,
    /// The signature has expired.
    Old,
    /// The signature is not valid yet.
    Future,
    /// The body is not the one that was signed.
    WrongHash,
    /// It came before.
    Duplicate,
    /// Rightly signed, but not readable.
    Garbage,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotAWebhook,
        Self::WrongType,
        Self::TooLarge,
        Self::TooSlow,
        Self::NotSigned,
        Self::Forged,
        Self::Old,
        Self::Future,
        Self::WrongHash,
        Self::Duplicate,
        Self::Garbage,
    ];

    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAWebhook => "not a webhook",
            Self::WrongType => "wrong content type",
            Self::TooLarge => "too large",
            Self::TooSlow => "too slow",
            Self::NotSigned => "not signed",
            Self::Forged => "forged",
            Self::Old => "expired",
            Self::Future => "from the future",
            Self::WrongHash => "wrong hash",
            Self::Duplicate => "came before",
            Self::Garbage => "not readable",
        }
    }
}

/// Whom the watchers tell. Nobody listening, or too slowly, holds up no watcher.
#[derive(Debug, Clone, Default)]
pub(crate) struct News(Option<mpsc::Sender<WatcherNews>>);

impl News {
    pub(crate) fn new(sender: Option<mpsc::Sender<WatcherNews>>) -> Self {
        Self(sender)
    }

    /// The `count`th event was refused for this reason.
    pub(crate) fn refused(&self, source: Source, why: Refusal, count: u64) {
        if count.is_power_of_two() {
            self.tell(WatcherNews::Refused { source, why, count });
        }
    }

    pub(crate) fn tell(&self, news: WatcherNews) {
        if let Some(sender) = &self.0
            && sender.try_send(news).is_err()
        {
            tracing::debug!("news of a watcher found no listener");
        }
    }
}

/// Where rooms to look into go. One queue for all watchers.
#[derive(Debug, Clone)]
pub(crate) struct Hints(mpsc::Sender<RoomName>);

impl Hints {
    pub(crate) fn new(sender: mpsc::Sender<RoomName>) -> Self {
        Self(sender)
    }

    /// Look there now. When too many wait, the regular look will find it.
    pub(crate) fn look(&self, room: RoomName) {
        if self.0.try_send(room).is_err() {
            tracing::debug!("too many rooms wait to be looked into");
        }
    }
}

/// Runs the push watchers that are wanted, for the account that is signed in.
pub(crate) struct Push {
    pub(crate) account: watch::Receiver<Option<Account>>,
    pub(crate) watchers: watch::Receiver<Watchers>,
    pub(crate) hints: Hints,
    pub(crate) news: News,
}

impl Push {
    /// Runs until the account can never change again.
    pub(crate) async fn run(mut self) {
        loop {
            let account = self.account.borrow_and_update().clone();
            let Watchers {
                webhook, worker, ..
            } = self.watchers.borrow_and_update().clone();
            let mut running = JoinSet::new();
            if let Some(account) = &account {
                let account = || account.clone();
                let (hints, news) = (|| self.hints.clone(), || self.news.clone());
                if let Some(options) = webhook.clone() {
                    running.spawn(webhook::run(account(), options, hints(), news()));
                }
                if let Some(options) = worker.clone() {
                    running.spawn(worker::run(account(), options, hints(), news()));
                }
            }
            loop {
                tokio::select! {
                    changed = self.account.changed() => match changed {
                        Ok(()) => break,
                        // Whoever signs in and out is gone: the program ends.
                        Err(_) => return,
                    },
                    () = changed(&mut self.watchers) => {
                        let wanted = self.watchers.borrow_and_update();
                        if wanted.webhook != webhook || wanted.worker != worker {
                            break;
                        }
                    }
                }
            }
            // The port must be free before it is taken again.
            if !running.is_empty() {
                running.shutdown().await;
                self.news.tell(WatcherNews::Stopped);
            }
        }
    }
}

/// The next change; never, when nobody can change anything any more.
pub(crate) async fn changed<T>(value: &mut watch::Receiver<T>) {
    if value.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The kind of an event as it may go into a log: hostile text cut down to a word.
pub(crate) fn kind_of(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect()
}
