//! The adapter: leg commands in, facts out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use call::input::LegFact;
use call::output::LegCommand;
use call::{CallId, Input};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::account::Account;
use crate::legs::{self, Trunks};
use crate::poll::Poll;
use crate::server::{Server, Servers};
use crate::watch::Watch;

/// Commands of one call that may wait for their turn.
const WAITING: usize = 32;

/// A call that was quiet for so long needs no queue of its own any more.
const QUIET: Duration = Duration::from_secs(60);

/// What the adapter must know of the desk.
#[derive(Debug, Clone)]
pub struct Options {
    /// The desk's id, as in [`call::Identity::desk`]: whoever joins under another one is another desk.
    pub desk: String,
    /// Pause between two looks for callers. A second is right: ringing is found in 0.5 s on average.
    pub period: Duration,
}

/// Starts the adapter on the runtime it is called from.
///
/// Commands of one call are carried out in order, a dial beside them; different calls do not wait for each other. The
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
    let servers = Servers::new(account.clone());
    let poll = Poll {
        facts: facts.clone(),
        account,
        servers: servers.clone(),
        period: options.period,
        trunks: trunks.clone(),
        retry: retry.clone(),
        told: None,
        watch: Watch::default(),
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
    tokio::spawn(port.run(commands, poll))
}

struct Port {
    exchange: Exchange,
    retry: Arc<Notify>,
    calls: HashMap<CallId, Queue>,
    drops: JoinSet<()>,
    dials: JoinSet<()>,
}

/// The commands of one call.
struct Queue {
    commands: mpsc::Sender<LegCommand>,
    dropped: Arc<AtomicBool>,
}

impl Port {
    async fn run(mut self, mut commands: mpsc::Receiver<LegCommand>, poll: Poll) {
        let mut watching = JoinSet::new();
        watching.spawn(poll.run());
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
        let queue = match self.calls.get(&call) {
            Some(queue) if !queue.commands.is_closed() => queue,
            _ => {
                let (sender, receiver) = mpsc::channel(WAITING);
                self.drops.spawn(self.exchange.clone().work(receiver));
                self.calls
                    .entry(call.clone())
                    .insert_entry(Queue {
                        commands: sender,
                        dropped: Arc::default(),
                    })
                    .into_mut()
            }
        };
        match &command {
            LegCommand::Place { .. } => {
                let dropped = queue.dropped.clone();
                self.dials
                    .spawn(self.exchange.clone().dial(command, dropped));
                return;
            }
            LegCommand::Remove { .. } | LegCommand::DeleteRoom { .. } => {
                queue.dropped.store(true, Ordering::Release)
            }
            LegCommand::PlacePerson { .. }
            | LegCommand::Transfer { .. }
            | LegCommand::Part { .. }
            | LegCommand::Look { .. }
            | LegCommand::RetryLine => {}
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
            Some(server) => Some(legs::place(&server, &self.trunks, &command, &dropped).await),
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
