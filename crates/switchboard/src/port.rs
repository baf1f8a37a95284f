//! The adapter: leg commands in, facts out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use call::input::LegFact;
use call::output::LegCommand;
use call::{CallId, Identity, Input};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::account::Account;
use crate::legs::{self, Trunks};
use crate::poll::Poll;
use crate::server::{Server, Servers};
use crate::watch::Watch;
use crate::watchers::{HINTS, Hints, News, Push, WatcherNews, Watchers};

/// Commands of one call that may wait for their turn.
const WAITING: usize = 32;

/// A call that was quiet for so long needs no queue of its own any more.
const QUIET: Duration = Duration::from_secs(60);

/// What the adapter must know of the desk.
#[derive(Debug, Clone)]
pub struct Options {
    /// The desk's id, as in [`call::Identity::desk`]: whoever joins under another one is another desk.
    pub desk: String,
    /// How it learns of callers. May change at any time.
    pub watchers: watch::Receiver<Watchers>,
    /// What the watchers have to say, besides the callers. Who does not listen fast enough misses some.
    pub news: Option<mpsc::Sender<WatcherNews>>,
}

impl Options {
    /// A desk that looks for callers every `period` and nothing else.
    #[must_use]
    pub fn polling(desk: String, period: Duration) -> Self {
        let watchers = Watchers {
            poll: period,
            ..Watchers::default()
        };
        Self {
            desk,
            watchers: watch::channel(watchers).1,
            news: None,
        }
    }
}

/// Starts the adapter on the runtime it is called from.
///
/// Commands of one call are carried out in order, dials and transfers beside them; different calls do not wait for each
/// other. The
/// state of the line is told when it changes; with no account that is `SignedOut`, once, so whoever knows better (a locked
/// keychain) says so afterwards. The task ends when `commands` is closed: drops that were asked for are still carried out,
/// dials that wait for an answer are left (which does not cancel them).
pub fn spawn(
    commands: mpsc::Receiver<LegCommand>,
    facts: mpsc::Sender<Input>,
    account: watch::Receiver<Option<Account>>,
    options: Options,
) -> JoinHandle<()> {
    let trunks = Trunks::default();
    let retry = Arc::new(Notify::new());
    let news = News::new(options.news);
    let servers = Servers::new(account.clone(), news.clone());
    let (hints, hinted) = mpsc::channel(HINTS);
    let push = Push {
        account: account.clone(),
        watchers: options.watchers.clone(),
        hints: Hints::new(hints),
        news,
    };
    let poll = Poll {
        facts: facts.clone(),
        account,
        servers: servers.clone(),
        watchers: options.watchers,
        hints: hinted,
        trunks: trunks.clone(),
        retry: retry.clone(),
        told: None,
        watch: Watch::of(options.desk.clone()),
    };
    let port = Port {
        exchange: Exchange {
            facts,
            servers,
            trunks,
            desk: options.desk.into(),
        },
        retry,
        calls: HashMap::new(),
        drops: JoinSet::new(),
        dials: JoinSet::new(),
    };
    tokio::spawn(port.run(commands, poll, push))
}

struct Port {
    exchange: Exchange,
    retry: Arc<Notify>,
    calls: HashMap<CallId, Queue>,
    drops: JoinSet<()>,
    /// Dials and transfers: what waits for people.
    dials: JoinSet<()>,
}

/// The commands of one call.
struct Queue {
    commands: mpsc::Sender<LegCommand>,
    /// The legs that were dialled, and whether each was dropped since.
    dialled: HashMap<Identity, Arc<AtomicBool>>,
}

impl Port {
    async fn run(mut self, mut commands: mpsc::Receiver<LegCommand>, poll: Poll, push: Push) {
        let mut watching = JoinSet::new();
        watching.spawn(poll.run());
        watching.spawn(push.run());
        while let Some(command) = commands.recv().await {
            self.take(command).await;
            // Ended tasks are put away, so that a year of calls leaves nothing.
            while self.drops.try_join_next().is_some() {}
            while self.dials.try_join_next().is_some() {}
            self.calls.retain(|_, queue| !queue.commands.is_closed());
        }
        watching.shutdown().await;
        self.dials.shutdown().await;
        self.calls.clear();
        while self.drops.join_next().await.is_some() {}
    }

    async fn take(&mut self, command: LegCommand) {
        let Some(call) = legs::call_of(&command).cloned() else {
            self.retry.notify_one();
            return;
        };
        if self
            .calls
            .get(&call)
            .is_some_and(|queue| queue.commands.is_closed())
        {
            self.calls.remove(&call);
        }
        let queue = self.calls.entry(call.clone()).or_insert_with(|| {
            let (commands, receiver) = mpsc::channel(WAITING);
            self.drops.spawn(self.exchange.clone().work(receiver));
            Queue {
                commands,
                dialled: HashMap::new(),
            }
        });
        match &command {
            LegCommand::Place { leg, .. } | LegCommand::PlacePerson { leg, .. } => {
                let dropped = Arc::<AtomicBool>::default();
                queue.dialled.insert(leg.clone(), dropped.clone());
                self.dials
                    .spawn(self.exchange.clone().dial(command, dropped));
                return;
            }
            LegCommand::Transfer { .. } => {
                self.dials.spawn(self.exchange.clone().transfer(command));
                return;
            }
            LegCommand::Remove { identity, .. } => {
                if let Some(dropped) = queue.dialled.get(identity) {
                    dropped.store(true, Ordering::Release);
                }
            }
            LegCommand::DeleteRoom { .. } => {
                for dropped in queue.dialled.values() {
                    dropped.store(true, Ordering::Release);
                }
            }
            LegCommand::Part { .. } | LegCommand::Look { .. } | LegCommand::RetryLine => {}
        }
        if let Err(refused) = queue.commands.try_send(command) {
            let command = refused.into_inner();
            tracing::warn!(%call, "too many requests wait for one call");
            if let Some(fact) = legs::not_signed_in(&command) {
                self.exchange.tell(&command, fact).await;
            }
        }
    }
}

/// What a task needs to talk to the server and to the phone.
#[derive(Clone)]
struct Exchange {
    facts: mpsc::Sender<Input>,
    servers: Servers,
    trunks: Trunks,
    desk: Arc<str>,
}

impl Exchange {
    fn server(&self) -> Option<Server> {
        self.servers.get().unwrap_or_else(|error| {
            tracing::warn!("no client for the server: {}", error.detail());
            None
        })
    }

    async fn dial(self, command: LegCommand, dropped: Arc<AtomicBool>) {
        let fact = match self.server() {
            Some(server) => legs::dial(&server, &self.trunks, &command, &dropped).await,
            None => legs::not_signed_in(&command),
        };
        if let Some(fact) = fact {
            self.tell(&command, fact).await;
        }
    }

    async fn transfer(self, command: LegCommand) {
        let fact = match self.server() {
            Some(server) => legs::transfer(&server, &command).await,
            None => legs::not_signed_in(&command),
        };
        if let Some(fact) = fact {
            self.tell(&command, fact).await;
        }
    }

    /// Carries out the commands of one call until it has been quiet for a while.
    async fn work(self, mut commands: mpsc::Receiver<LegCommand>) {
        loop {
            match tokio::time::timeout(QUIET, commands.recv()).await {
                Ok(Some(command)) => self.step(command).await,
                Ok(None) => return,
                Err(_) => {
                    // Closed first: what came in between is still carried out, and nothing can come after.
                    commands.close();
                    while let Some(command) = commands.recv().await {
                        self.step(command).await;
                    }
                    return;
                }
            }
        }
    }

    async fn step(&self, command: LegCommand) {
        let fact = match self.server() {
            Some(server) => legs::carry_out(&server, &self.desk, &command).await,
            None => legs::not_signed_in(&command),
        };
        if let Some(fact) = fact {
            self.tell(&command, fact).await;
        }
    }

    async fn tell(&self, command: &LegCommand, fact: LegFact) {
        let Some(call) = legs::call_of(command).cloned() else {
            return;
        };
        // Nobody listens when the program ends.
        let _ = self.facts.send(Input::Leg { call, fact }).await;
    }
}
