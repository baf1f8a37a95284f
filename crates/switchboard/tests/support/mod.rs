//! The adapter on the demo line, and what several suites ask of it.
// No suite uses all of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use call::input::{LegFact, LineStatus, Offer, WatchFact};
use call::output::LegCommand;
use call::{CallId, Identity, Input, RoomName};
use stage::{Line, LineOptions, Ready};
use switchboard::{Account, ApiSecret, Options, spawn};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Far longer than anything here takes: a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start_line() -> Line {
    Line::start(LineOptions::default())
        .expect("these tests need the demo line; `make setup` builds it")
}

pub(crate) fn account(ready: &Ready, secret: &str) -> Account {
    Account::new(&ready.url, &ready.key, ApiSecret::new(secret.into())).unwrap()
}

/// The adapter with the far ends of its queues.
pub(crate) struct Desk {
    pub(crate) commands: mpsc::Sender<LegCommand>,
    pub(crate) facts: mpsc::Receiver<Input>,
    pub(crate) account: watch::Sender<Option<Account>>,
    pub(crate) task: JoinHandle<()>,
    /// Facts that came while something else was waited for.
    pub(crate) aside: Vec<Input>,
}

impl Desk {
    pub(crate) fn with(account: Option<Account>) -> Self {
        let (commands, received) = mpsc::channel(64);
        let (sent, facts) = mpsc::channel(64);
        let (account, seen) = watch::channel(account);
        let options = Options {
            desk: "front".into(),
            period: Duration::from_secs(1),
        };
        let task = spawn(received, sent, seen, options);
        Self {
            commands,
            facts,
            account,
            task,
            aside: Vec::new(),
        }
    }

    pub(crate) fn on(line: &Line) -> Self {
        Self::with(Some(account(&line.ready, &line.ready.secret)))
    }

    pub(crate) async fn tell(&self, command: LegCommand) {
        self.commands.send(command).await.unwrap();
    }

    /// The first fact, of those that came already or that come, of which `pick` makes something.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&Input) -> Option<T>,
    ) -> T {
        if let Some(at) = self.aside.iter().position(|input| pick(input).is_some()) {
            return pick(&self.aside.remove(at)).unwrap();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.facts.recv()).await {
                Ok(Some(input)) => match pick(&input) {
                    Some(found) => return found,
                    None => self.aside.push(input),
                },
                Ok(None) => panic!("the adapter ended while waiting for {what}"),
                Err(_) => panic!("{what} never came; there came {:#?}", self.aside),
            }
        }
    }

    pub(crate) async fn leg_fact(&mut self, call: &CallId) -> LegFact {
        self.wait("a fact about a leg", |input| match input {
            Input::Leg { call: of, fact } if of == call => Some(fact.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn line_status(&mut self) -> LineStatus {
        self.wait("a state of the line", |input| match input {
            Input::Line(status) => Some(status.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn offer(&mut self) -> Offer {
        self.wait("an offer", |input| match input {
            Input::Watch(WatchFact::Offer(offer)) => Some(offer.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn withdrawn(&mut self) -> RoomName {
        self.wait("a withdrawal", |input| match input {
            Input::Watch(WatchFact::Withdrawn { room }) => Some(room.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ready(&mut self) {
        assert_eq!(self.line_status().await, LineStatus::Connecting);
        let status = self.line_status().await;
        assert!(matches!(status, LineStatus::Ready { .. }), "{status:?}");
    }

    pub(crate) async fn end(self) {
        drop(self.commands);
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("the adapter does not end")
            .unwrap();
    }
}

pub(crate) fn call(id: &str) -> CallId {
    CallId::parse(id).unwrap()
}

pub(crate) fn dial(id: &str, to: &str, ring_for: Duration) -> LegCommand {
    let call = call(id);
    LegCommand::Place {
        room: RoomName::outbound(&call),
        leg: Identity::leg(&call),
        call,
        to: to.into(),
        line: None,
        ring_for,
    }
}

pub(crate) fn remove(id: &str) -> LegCommand {
    let call = call(id);
    LegCommand::Remove {
        room: RoomName::outbound(&call),
        identity: Identity::leg(&call),
        call,
    }
}

pub(crate) fn look(id: &str) -> LegCommand {
    let call = call(id);
    LegCommand::Look {
        room: RoomName::outbound(&call),
        leg: Identity::leg(&call),
        call,
    }
}

pub(crate) const RINGS: Duration = Duration::from_secs(30);
