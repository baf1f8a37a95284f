//! The phone's door to rooms: commands in, facts out.

use std::collections::HashMap;
use std::sync::Arc;

use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::LeaveReason;
use call::{Identity, Input, Link, RoomName};
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};

use crate::access::{TokenRequest, TokenSource};
use crate::backend::Backend;
use crate::connection::{self, Shared};
use crate::media::Media;

/// Commands that may wait for one connection. Far more than a person can cause.
const COMMAND_QUEUE: usize = 64;

/// Carries out [`RoomCommand`]s, one task per connection, and reports [`Input::Room`] facts.
pub struct RoomPort {
    backend: Backend,
    tokens: TokenSource,
    desk: String,
    media: Media,
}

impl RoomPort {
    /// `desk` names this desk among its colleagues and is part of its identity in every room.
    #[must_use]
    pub fn new(
        backend: Backend,
        tokens: TokenSource,
        desk: impl Into<String>,
        media: Media,
    ) -> Self {
        Self {
            backend,
            tokens,
            desk: desk.into(),
            media,
        }
    }

    /// Starts it on the runtime it is called from, which needs a timer. The task ends when `commands` ends or `facts` is
    /// no longer read, after it has left every room.
    pub fn spawn(
        self,
        commands: mpsc::Receiver<RoomCommand>,
        facts: mpsc::Sender<Input>,
    ) -> task::JoinHandle<()> {
        tokio::spawn(self.run(commands, facts))
    }

    async fn run(self, mut commands: mpsc::Receiver<RoomCommand>, facts: mpsc::Sender<Input>) {
        let shared = Arc::new(Shared {
            backend: self.backend,
            tokens: self.tokens,
            media: self.media,
            facts: facts.clone(),
        });
        let mut connections: HashMap<Link, mpsc::Sender<RoomCommand>> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut links: HashMap<task::Id, Link> = HashMap::new();
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => break,
                    Some(RoomCommand::Join { link, room }) => {
                        let request = request(&self.desk, &link, room);
                        let (sender, receiver) = mpsc::channel(COMMAND_QUEUE);
                        if connections.contains_key(&link) {
                            tracing::error!("a connection was asked for twice");
                            continue;
                        }
                        connections.insert(link.clone(), sender);
                        let task =
                            connection::run(Arc::clone(&shared), link.clone(), request, receiver);
                        links.insert(tasks.spawn(task).id(), link);
                    }
                    Some(command) => deliver(&connections, command, &facts).await,
                },
                Some(ended) = tasks.join_next_with_id() => {
                    let (id, failed) = match ended {
                        Ok((id, ())) => (id, false),
                        Err(error) => (error.id(), true),
                    };
                    if let Some(link) = links.remove(&id) {
                        connections.remove(&link);
                        if failed {
                            tracing::error!("a connection's task failed");
                            let fact = RoomFact::Closed { reason: LeaveReason::Unknown };
                            let _gone = facts.send(Input::Room { link, fact }).await;
                        }
                    }
                }
                () = facts.closed() => break,
            }
        }
        // Their queues end with this, which they take as a leave.
        drop(connections);
        while tasks.join_next().await.is_some() {}
    }
}

fn request(desk: &str, link: &Link, room: RoomName) -> TokenRequest {
    TokenRequest {
        room,
        identity: Identity::desk(desk, link),
        role: link.role,
    }
}

/// Hands a command to its connection. One whose connection is gone is answered in its stead where an answer is due.
async fn deliver(
    connections: &HashMap<Link, mpsc::Sender<RoomCommand>>,
    command: RoomCommand,
    facts: &mpsc::Sender<Input>,
) {
    let command = match connections.get(command.link()) {
        None => command,
        Some(connection) => match connection.try_send(command) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::error!("a connection does not take its commands");
                return;
            }
            Err(mpsc::error::TrySendError::Closed(command)) => command,
        },
    };
    let Some(fact) = refusal(&command) else {
        return; // its end was reported when it came
    };
    let _gone = facts
        .send(Input::Room {
            link: command.link().clone(),
            fact,
        })
        .await;
}

/// What is answered for a connection that is gone, where an answer is due.
pub(crate) fn refusal(command: &RoomCommand) -> Option<RoomFact> {
    let detail = || "the room is gone".to_owned();
    match command {
        RoomCommand::PublishMicrophone { .. } => Some(RoomFact::PublishFailed { detail: detail() }),
        RoomCommand::SetAudience { .. } => Some(RoomFact::AudienceFailed { detail: detail() }),
        RoomCommand::EndLeg { .. } => Some(RoomFact::EndLegAnswered { done: false }),
        RoomCommand::SendKeys { keys, .. } => Some(RoomFact::KeysFailed {
            keys: keys.clone(),
            detail: detail(),
        }),
        RoomCommand::Leave { .. }
        | RoomCommand::Join { .. }
        | RoomCommand::Claim { .. }
        | RoomCommand::Listen { .. }
        | RoomCommand::SetMuted { .. }
        | RoomCommand::SetHeld { .. } => None,
    }
}
