//! LiveKit's own push: a worker registers under a name, and the server asks it to take a job when somebody enters a room
//! whose dispatch rule names it. The job is always refused, so no agent joins: that it was offered is the news.
//!
//! Protocol (LiveKit protocol, measured): WebSocket `/agent`, a token with the right `agent`, binary frames of
//! `WorkerMessage` and `ServerMessage`. The server pings every 10 s and waits 3 s for an answer. Nothing comes when a caller
//! gives up: the regular look tells.

use std::time::Duration;

use call::RoomName;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use proto::server_message::Message as FromServer;
use proto::worker_message::Message as ToServer;
use reqwest::StatusCode;
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::account::Account;
use crate::token::{Purpose, request_token};
use crate::twirp;
use crate::watchers::{Hints, News, ReceivedEvent, Refusal, Source, WatcherNews, WorkerOptions};

/// How long connecting and registering may take together: the server gives up after 10 s.
const TO_REGISTER: Duration = Duration::from_secs(10);

/// The server pings every 10 s: three missed ones are too many.
const SILENCE: Duration = Duration::from_secs(35);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The largest message, bytes: a job carries the room and its metadata.
const LARGEST: usize = 1 << 20;

/// Stays registered until it is dropped.
pub(crate) async fn run(account: Account, options: WorkerOptions, hints: Hints, news: News) {
    let mut worker = Worker {
        account,
        agent_name: options.agent_name.trim().to_owned(),
        hints,
        news,
        registered: false,
        refused: 0,
    };
    if worker.agent_name.is_empty() || worker.agent_name.chars().any(char::is_control) {
        let what = "LiveKit cannot push calls to this desk: the worker needs a name. Give it one in Settings.";
        worker
            .news
            .tell(WatcherNews::NotRegistered { what: what.into() });
        return;
    }
    let mut failures = 0_u32;
    let mut told = None;
    loop {
        let Lost(what) = worker.session().await;
        if std::mem::take(&mut worker.registered) {
            failures = 0;
            told = None;
        }
        if told.as_ref() != Some(&what) {
            tracing::debug!("the worker is not registered: {what}");
            worker
                .news
                .tell(WatcherNews::NotRegistered { what: what.clone() });
            told = Some(what);
        }
        tokio::time::sleep(pause_after(failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// 1, 2, 4, 8, 16, 30, 30 … seconds.
fn pause_after(failures: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(failures.min(6)).unwrap_or(64)).min(LONGEST_PAUSE)
}

/// Why a session ended: one sentence.
struct Lost(String);

impl Lost {
    fn because(why: &str) -> Self {
        Self(format!(
            "LiveKit does not push calls to this desk ({why}); callers are still found by looking. Deskline keeps trying."
        ))
    }
}

struct Worker {
    account: Account,
    agent_name: String,
    hints: Hints,
    news: News,
    registered: bool,
    refused: u64,
}

impl Worker {
    /// Connects, registers and listens until the connection ends.
    async fn session(&mut self) -> Lost {
        let opened = tokio::time::timeout(TO_REGISTER, self.open()).await;
        let mut socket = match opened {
            Ok(Ok(socket)) => socket,
            Ok(Err(lost)) => return lost,
            Err(_) => return Lost::because("no answer in time"),
        };
        let mut patience = TO_REGISTER;
        loop {
            let message = match tokio::time::timeout(patience, socket.next()).await {
                Err(_) => return Lost::because("the connection went silent"),
                Ok(None) => return Lost::because("the server closed the connection"),
                Ok(Some(Err(error))) => {
                    tracing::debug!("the worker's connection broke: {error}");
                    return Lost::because("the connection broke");
                }
                Ok(Some(Ok(message))) => message,
            };
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                // Pings are answered by the library.
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Text(_) | Message::Frame(_) => {
                    self.refuse();
                    continue;
                }
                Message::Close(_) => return Lost::because("the server closed the connection"),
            };
            let Ok(message) = proto::ServerMessage::decode(bytes) else {
                self.refuse();
                continue;
            };
            match message.message {
                Some(FromServer::Register(_)) => {
                    patience = SILENCE;
                    self.registered = true;
                    self.news.tell(WatcherNews::Registered {
                        agent_name: self.agent_name.clone(),
                    });
                }
                Some(FromServer::Availability(request)) => {
                    let job = request.job.unwrap_or_default();
                    let answer = ToServer::Availability(proto::AvailabilityResponse {
                        job_id: job.id.clone(),
                        available: false,
                        ..Default::default()
                    });
                    // First the answer: the server waits for it, and maybe the next desk does.
                    if let Err(error) = socket.send(frame(answer)).await {
                        tracing::debug!("a job could not be refused: {error}");
                        return Lost::because("the connection broke");
                    }
                    self.offered(&job);
                }
                Some(FromServer::GoAway(_)) => {
                    return Lost::because("the server asks to connect anew");
                }
                // An assignment cannot come, since every job is refused; its token must not go anywhere.
                Some(
                    FromServer::Assignment(_) | FromServer::Termination(_) | FromServer::Pong(_),
                )
                | None => {}
            }
        }
    }

    async fn open(&self) -> Result<WebSocketStream<reqwest::Upgraded>, Lost> {
        let unreachable = |error: reqwest::Error| {
            tracing::debug!("the worker cannot connect: {error}");
            Lost::because("the server cannot be reached")
        };
        let token = request_token(&self.account, Purpose::Worker)
            .map_err(|_| Lost::because("the key or the secret cannot sign"))?;
        let http = twirp::client().map_err(unreachable)?;
        let key = generate_key();
        let response = http
            .get(format!("{}/agent", self.account.request_url()))
            .bearer_auth(token.expose())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .send()
            .await
            .map_err(unreachable)?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Lost::because("it refuses the key or the secret"));
            }
            other => return Err(Lost::because(&format!("it answered {}", other.as_u16()))),
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
            return Err(Lost::because("what answers there is not LiveKit"));
        }
        let stream = response.upgrade().await.map_err(unreachable)?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await;
        let register = ToServer::Register(proto::RegisterWorkerRequest {
            r#type: proto::JobType::JtParticipant.into(),
            agent_name: self.agent_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            // Should a job ever be assigned against all refusals, its token is good for nothing.
            allowed_permissions: Some(proto::ParticipantPermission {
                hidden: true,
                ..Default::default()
            }),
            ..Default::default()
        });
        socket.send(frame(register)).await.map_err(|error| {
            tracing::debug!("the worker cannot register: {error}");
            Lost::because("the connection broke")
        })?;
        Ok(socket)
    }

    /// The server offered a job: somebody entered a room.
    fn offered(&self, job: &proto::Job) {
        let room = job.room.clone().unwrap_or_default();
        if let Some(room) = room_to_look_into(job) {
            self.hints.look(room);
        }
        let participant = job.participant.as_ref().map(|somebody| {
            json!({
                "identity": somebody.identity,
                "name": somebody.name,
                "kind": somebody.kind,
                "attributes": somebody.attributes,
            })
        });
        let payload = json!({
            "job": job.id,
            "room": {"name": room.name, "sid": room.sid},
            "participant": participant,
        });
        self.news.tell(WatcherNews::Received(ReceivedEvent {
            source: Source::Worker,
            kind: "availability".into(),
            payload: payload.to_string(),
        }));
    }

    fn refuse(&mut self) {
        self.refused = self.refused.saturating_add(1);
        self.news
            .refused(Source::Worker, Refusal::Garbage, self.refused);
    }
}

/// The room of a caller: colleagues and assistants who enter are offered as jobs too.
fn room_to_look_into(job: &proto::Job) -> Option<RoomName> {
    let a_leg = job
        .participant
        .as_ref()
        .is_none_or(|somebody| somebody.kind() == proto::participant_info::Kind::Sip);
    let room = RoomName::parse(&job.room.as_ref()?.name).ok()?;
    (a_leg && room.is_inbound()).then_some(room)
}

fn frame(message: ToServer) -> Message {
    let message = proto::WorkerMessage {
        message: Some(message),
    };
    Message::Binary(message.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_legs_in_rooms_of_callers_are_news() {
        let job = |room: &str, kind: Option<i32>| proto::Job {
            room: Some(proto::Room {
                name: room.into(),
                ..Default::default()
            }),
            participant: kind.map(|kind| proto::ParticipantInfo {
                kind,
                ..Default::default()
            }),
            ..Default::default()
        };
        let look = |job: &proto::Job| room_to_look_into(job).map(|room| room.as_str().to_owned());
        assert_eq!(look(&job("inbound-a", Some(3))), Some("inbound-a".into()));
        assert_eq!(look(&job("inbound-a", None)), Some("inbound-a".into()));
        assert_eq!(look(&job("inbound-a", Some(0))), None, "a colleague");
        assert_eq!(look(&job("inbound-a", Some(4))), None, "an assistant");
        assert_eq!(look(&job("inbound-a", Some(99))), None);
        assert_eq!(look(&job("meeting", Some(3))), None);
        assert_eq!(look(&job("inbound-\u{0}", Some(3))), None);
        assert_eq!(
            look(&job(&format!("inbound-{}", "a".repeat(300)), Some(3))),
            None
        );
        assert_eq!(look(&proto::Job::default()), None);
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pauses: Vec<_> = (0..7).map(|n| pause_after(n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }
}
