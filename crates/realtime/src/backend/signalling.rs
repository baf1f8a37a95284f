//! Watching a room by LiveKit's signalling alone: who is there, who comes and goes, and what they say of themselves. No engine
//! and no media connection, so there is nothing that the engine could keep (ADR 0024) and little for the server to carry.
//!
//! Protocol (LiveKit protocol, measured): WebSocket `/rtc`, the token as bearer, binary frames of `SignalRequest` and
//! `SignalResponse`; the join answer comes first. Who brings no media connection is put out after a minute, so the room is
//! entered anew before that, under the same name and with the token that the server renews. Such a watcher who dies is out of
//! the room as soon as its socket closes, not 20 s later.

use std::collections::BTreeMap;
use std::sync::{Once, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use call::input::JoinFailure;
use call::state::{LeaveReason, ParticipantKind};
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;
use reqwest::StatusCode;
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::{Connection, Event, Events, Joined, Person};
use crate::access::{Access, JoinRefused};

/// What we understand: leaves with a reason, and all that is newer is about media.
const PROTOCOL: u32 = 16;
const CONNECT: Duration = Duration::from_secs(5);
/// For everything until we are in.
const JOIN: Duration = Duration::from_secs(15);
/// The server puts us out after 60 s.
const RENEW_AFTER: Duration = Duration::from_secs(45);
/// What a server that does not say it is asked: its own figures.
const PING_EVERY: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(15);
/// Saying goodbye is one message.
const LEAVE: Duration = Duration::from_secs(1);
/// The largest message, bytes: a list of everybody.
const LARGEST: usize = 1 << 22;
/// News that may wait for their reader.
const QUEUE: usize = 256;

type Socket = WebSocketStream<reqwest::Upgraded>;

/// A watch. Clones are the same one; it ends when the last is dropped.
#[derive(Debug, Clone)]
pub struct Watch {
    identity: String,
    leave: mpsc::Sender<oneshot::Sender<()>>,
}

impl Watch {
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) async fn leave(&self) {
        let (done, left) = oneshot::channel();
        if self.leave.send(done).await.is_ok() {
            let _gone = left.await;
        }
    }
}

/// Enters a room to watch it. Dropping the future gives up, and the server forgets us with the socket.
pub(super) async fn connect(access: &Access) -> Result<Joined, JoinRefused> {
    enter(access, RENEW_AFTER).await
}

async fn enter(access: &Access, renew_after: Duration) -> Result<Joined, JoinRefused> {
    let (url, token) = (access.url.clone(), access.token().to_owned());
    let (socket, join) = open(&url, &token).await?;
    let mut present = Vec::new();
    let mut seen = BTreeMap::new();
    let me = identity(&join);
    for somebody in join.other_participants.iter().filter(|p| p.identity != me) {
        seen.insert(somebody.identity.clone(), Seen::of(somebody));
        present.push((person(somebody), Vec::new()));
    }
    let (news, events) = mpsc::channel(QUEUE);
    let (leave, orders) = mpsc::channel(1);
    let watching = Watching {
        url,
        token,
        identity: me.clone(),
        socket,
        seen,
        news,
        ping: beat(&join),
        silence: seconds(join.ping_timeout, SILENCE),
        heard: Instant::now(),
        renew_after,
        entered: Instant::now(),
    };
    tokio::spawn(watching.run(orders));
    Ok(Joined {
        connection: Connection::Watch(Watch {
            identity: me,
            leave,
        }),
        events: Events::Watch(events),
        present,
    })
}

/// Somebody, as far as changes are news.
struct Seen {
    sid: String,
    attributes: BTreeMap<String, String>,
}

impl Seen {
    fn of(somebody: &proto::ParticipantInfo) -> Self {
        Self {
            sid: somebody.sid.clone(),
            attributes: attributes(somebody),
        }
    }
}

struct Watching {
    url: String,
    token: String,
    identity: String,
    socket: Socket,
    /// By identity.
    seen: BTreeMap<String, Seen>,
    news: mpsc::Sender<Event>,
    ping: Interval,
    silence: Duration,
    heard: Instant,
    renew_after: Duration,
    entered: Instant,
}

/// Nobody reads the news any more, or the connection is lost.
struct Over(LeaveReason);

impl Watching {
    async fn run(mut self, mut orders: mpsc::Receiver<oneshot::Sender<()>>) {
        tokio::select! {
            biased;
            order = orders.recv() => {
                self.say_goodbye().await;
                drop(self); // the queue of news ends before the leave is reported
                if let Some(done) = order {
                    let _gone = done.send(());
                }
            }
            Over(reason) = self.follow() => {
                let _gone = self.news.send(Event::Closed { reason }).await;
            }
        }
    }

    async fn say_goodbye(&mut self) {
        let goodbye = ToServer::Leave(proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated.into(),
            action: proto::leave_request::Action::Disconnect.into(),
            ..Default::default()
        });
        let saying = async {
            self.say(goodbye).await?;
            let _closed = self.socket.close(None).await;
            Ok::<_, Over>(())
        };
        let _lost = timeout(LEAVE, saying).await;
    }

    /// Tells what happens until the connection ends.
    async fn follow(&mut self) -> Over {
        loop {
            let happened = tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) | None => Err(Over(LeaveReason::Unknown)),
                },
                _ = self.ping.tick() => self.say(ping()).await,
                () = sleep_until(self.heard + self.silence) => Err(Over(LeaveReason::Unknown)),
                () = sleep_until(self.entered + self.renew_after) => self.renew().await,
            };
            if let Err(over) = happened {
                return over;
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Over> {
        self.heard = Instant::now();
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return Err(Over(LeaveReason::Unknown)),
            // Pings are answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_) => {
                return Ok(());
            }
        };
        let Ok(response) = proto::SignalResponse::decode(bytes) else {
            tracing::debug!("the server said something that is no message");
            return Ok(());
        };
        // Of some thirty messages three matter to who has no media.
        #[allow(clippy::wildcard_enum_match_arm)]
        match response.message {
            Some(FromServer::Update(update)) => {
                for somebody in update.participants {
                    self.update(&somebody).await?;
                }
            }
            Some(FromServer::RefreshToken(token)) => self.token = token,
            Some(FromServer::Leave(leave)) => return Err(Over(leave_reason(leave.reason()))),
            _ => {}
        }
        Ok(())
    }

    async fn update(&mut self, somebody: &proto::ParticipantInfo) -> Result<(), Over> {
        if somebody.identity == self.identity {
            return Ok(());
        }
        let known = self.seen.get_mut(&somebody.identity);
        let is_gone = somebody.state() == proto::participant_info::State::Disconnected;
        match known {
            Some(known) if known.sid == somebody.sid && !is_gone => {
                let now = attributes(somebody);
                let changed = changes(&known.attributes, &now);
                if changed.is_empty() {
                    return Ok(());
                }
                known.attributes = now;
                let identity = somebody.identity.clone();
                self.tell(Event::Attributes { identity, changed }).await
            }
            Some(known) if known.sid == somebody.sid => {
                let reason = leave_reason(somebody.disconnect_reason());
                self.gone(somebody.identity.clone(), reason).await
            }
            // The end of an earlier connection of somebody who is back, or whom we never saw.
            _ if is_gone => Ok(()),
            Some(_) => {
                let identity = somebody.identity.clone();
                self.gone(identity, LeaveReason::Unknown).await?;
                self.came(somebody).await
            }
            None => self.came(somebody).await,
        }
    }

    async fn came(&mut self, somebody: &proto::ParticipantInfo) -> Result<(), Over> {
        self.seen
            .insert(somebody.identity.clone(), Seen::of(somebody));
        self.tell(Event::Came(person(somebody))).await
    }

    async fn gone(&mut self, identity: String, reason: LeaveReason) -> Result<(), Over> {
        self.seen.remove(&identity);
        self.tell(Event::Left { identity, reason }).await
    }

    /// Takes our own place with a fresh connection, before the server puts us out.
    async fn renew(&mut self) -> Result<(), Over> {
        let (socket, join) = match open(&self.url, &self.token).await {
            Ok(joined) => joined,
            Err(refused) => {
                tracing::info!("a watch could not be renewed: {}", refused.detail);
                return Err(Over(LeaveReason::Unknown));
            }
        };
        self.socket = socket;
        self.ping = beat(&join);
        self.heard = Instant::now();
        self.entered = Instant::now();
        let there = |identity: &str| {
            join.other_participants
                .iter()
                .any(|somebody| somebody.identity == identity)
        };
        let gone: Vec<_> = self
            .seen
            .keys()
            .filter(|who| !there(who))
            .cloned()
            .collect();
        for identity in gone {
            // Why, only the former connection would have told.
            self.gone(identity, LeaveReason::Unknown).await?;
        }
        for somebody in &join.other_participants {
            self.update(somebody).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, event: Event) -> Result<(), Over> {
        let told = self.news.send(event).await;
        told.map_err(|_| Over(LeaveReason::ClientInitiated))
    }

    async fn say(&mut self, message: ToServer) -> Result<(), Over> {
        let request = proto::SignalRequest {
            message: Some(message),
        };
        let frame = Message::Binary(request.encode_to_vec().into());
        let said = self.socket.send(frame).await;
        said.map_err(|_| Over(LeaveReason::Unknown))
    }
}

/// Opens the signalling and waits for the join answer.
async fn open(url: &str, token: &str) -> Result<(Socket, proto::JoinResponse), JoinRefused> {
    match timeout(JOIN, ask_in(url, token)).await {
        Ok(answer) => answer,
        Err(_) => Err(unreachable("the server did not answer in time")),
    }
}

async fn ask_in(url: &str, token: &str) -> Result<(Socket, proto::JoinResponse), JoinRefused> {
    let failed = |error: reqwest::Error| unreachable(&error.without_url().to_string());
    let key = generate_key();
    let response = client()
        .map_err(failed)?
        .get(format!(
            "{}/rtc?auto_subscribe=0&protocol={PROTOCOL}&version={}",
            address(url),
            env!("CARGO_PKG_VERSION")
        ))
        .bearer_auth(token)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .send()
        .await
        .map_err(failed)?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        // What is written there may repeat the token.
        return Err(JoinRefused {
            why: match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => JoinFailure::Refused,
                StatusCode::TOO_MANY_REQUESTS => JoinFailure::ServerBusy,
                status if status.is_server_error() => JoinFailure::ServerBusy,
                _ => JoinFailure::Unreachable,
            },
            detail: format!("the server answered {}", status.as_u16()),
        });
    }
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    if accepted.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
        return Err(unreachable("what answers there is not LiveKit"));
    }
    let stream = response.upgrade().await.map_err(failed)?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await;
    loop {
        let bytes = match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Text(_) | Message::Frame(_) | Message::Close(_)) | Err(_)) | None => {
                return Err(unreachable("the connection ended before the join answer"));
            }
        };
        let response = proto::SignalResponse::decode(bytes);
        return match response.ok().and_then(|response| response.message) {
            Some(FromServer::Join(join)) => Ok((socket, join)),
            _other => Err(unreachable("the first message was no join answer")),
        };
    }
}

/// Each watch has a connection of its own: nothing is kept for the next.
fn client() -> reqwest::Result<&'static reqwest::Client> {
    static TLS: Once = Once::new();
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    TLS.call_once(|| {
        // Fails when the program already chose one, which will do as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // A LiveKit server redirects nobody, and a token must not follow one.
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()?;
    Ok(CLIENT.get_or_init(|| client))
}

fn unreachable(detail: &str) -> JoinRefused {
    JoinRefused {
        why: JoinFailure::Unreachable,
        detail: detail.to_owned(),
    }
}

/// The address of a server for a web client: `ws` is `http`, `wss` is `https`.
fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => url.to_owned(),
    }
}

fn identity(join: &proto::JoinResponse) -> String {
    let me = join.participant.as_ref();
    me.map(|me| me.identity.clone()).unwrap_or_default()
}

fn beat(join: &proto::JoinResponse) -> Interval {
    let mut ping = interval(seconds(join.ping_interval, PING_EVERY));
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping
}

/// What the server says, if it says so.
fn seconds(said: i32, otherwise: Duration) -> Duration {
    match u64::try_from(said) {
        Ok(said) if said > 0 => Duration::from_secs(said),
        _ => otherwise,
    }
}

fn ping() -> ToServer {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = now.map_or(0, |now| now.as_millis() as i64);
    ToServer::PingReq(proto::Ping { timestamp, rtt: 0 })
}

fn attributes(somebody: &proto::ParticipantInfo) -> BTreeMap<String, String> {
    let attributes = somebody.attributes.iter();
    attributes.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// What is new or other, and what is gone as an empty value.
fn changes(
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let new = now
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value));
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    new.map(|(key, value)| (key.clone(), value.clone()))
        .chain(gone.map(|key| (key.clone(), String::new())))
        .collect()
}

fn person(somebody: &proto::ParticipantInfo) -> Person {
    use proto::participant_info::Kind;
    Person {
        identity: somebody.identity.clone(),
        name: somebody.name.clone(),
        // A kind that is newer than we are is no telephone's business.
        kind: match Kind::try_from(somebody.kind) {
            Ok(Kind::Standard) => ParticipantKind::Standard,
            Ok(Kind::Sip) => ParticipantKind::Sip,
            Ok(Kind::Agent) => ParticipantKind::Agent,
            Ok(_) | Err(_) => ParticipantKind::Other,
        },
        attributes: attributes(somebody),
    }
}

/// Why somebody left, in our words; LiveKit's crate built from source speaks of the same reasons.
pub(super) fn leave_reason(reason: proto::DisconnectReason) -> LeaveReason {
    use proto::DisconnectReason as R;
    match reason {
        R::ClientInitiated => LeaveReason::ClientInitiated,
        R::DuplicateIdentity => LeaveReason::DuplicateIdentity,
        R::ServerShutdown => LeaveReason::ServerShutdown,
        R::ParticipantRemoved => LeaveReason::ParticipantRemoved,
        R::RoomDeleted | R::RoomClosed => LeaveReason::RoomDeleted,
        R::UserUnavailable => LeaveReason::UserUnavailable,
        R::UserRejected => LeaveReason::UserRejected,
        R::SipTrunkFailure => LeaveReason::TrunkFailure,
        R::ConnectionTimeout | R::MediaFailure => LeaveReason::ConnectionTimeout,
        R::UnknownReason
        | R::StateMismatch
        | R::JoinFailure
        | R::Migration
        | R::SignalClose
        | R::AgentError => LeaveReason::Unknown,
    }
}

#[cfg(test)]
mod tests;
