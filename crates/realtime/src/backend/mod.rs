//! The door: one way to be in a room, three ways to do it, and one way only to watch it.
//!
//! Everything a backend gives is one of the enums below, so that the rest of the crate is written once and a fake is
//! chosen at run time, by value, not by a compile-time switch.

pub mod memory;
mod prebuilt;
mod signalling;
#[cfg(feature = "source-sdk")]
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use call::media::Frame;
use call::state::{LeaveReason, ParticipantKind};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::access::{Access, JoinRefused};

#[cfg(debug_assertions)]
pub use livekit_engine::Breakage;

/// Breaks the engine under every connection of this process, as a failure of its own would. For tests of what becomes of
/// calls then; only in debug builds.
#[cfg(debug_assertions)]
pub fn break_engine(breakage: Breakage) {
    match livekit_engine::Engine::load() {
        Ok(engine) => engine.break_down(breakage),
        Err(error) => tracing::warn!(%error, "there is no engine to break"),
    }
}

/// Which LiveKit to use.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Backend {
    /// LiveKit's compiled engine: what people use.
    Prebuilt,
    /// The `livekit` crate, built from source.
    #[cfg(feature = "source-sdk")]
    SourceSdk,
    /// A server and its phones in this process.
    Memory(memory::Server),
}

impl Default for Backend {
    /// The one for people: the engine, or with the feature `source-sdk` the crate.
    fn default() -> Self {
        #[cfg(feature = "source-sdk")]
        return Self::SourceSdk;
        #[cfg(not(feature = "source-sdk"))]
        Self::Prebuilt
    }
}

impl Backend {
    /// Makes ready what takes time, so that the first call does not wait for it. Blocks for some 50 ms.
    ///
    /// # Errors
    /// One sentence for the person: the engine is missing, altered or cannot be loaded.
    pub fn prepare(&self) -> Result<(), String> {
        match self {
            Self::Prebuilt => prebuilt::prepare(),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk => Ok(()),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Enters a room without hearing anybody yet. Dropping the future gives up; nothing stays behind.
    ///
    /// # Errors
    /// See [`JoinFailure`](call::input::JoinFailure).
    pub async fn connect(&self, access: &Access) -> Result<Joined, JoinRefused> {
        match self {
            Self::Prebuilt => prebuilt::connect(access).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk => source::connect(access).await,
            Self::Memory(server) => server.connect(access).await,
        }
    }

    /// Enters a room only to see who is there, comes, goes and says what of itself, as a right to watch allows. No track is
    /// ever told of and everything else is refused. Dropping the future gives up; nothing stays behind.
    ///
    /// # Errors
    /// See [`JoinFailure`](call::input::JoinFailure).
    pub async fn watch(&self, access: &Access) -> Result<Joined, JoinRefused> {
        match self {
            Self::Prebuilt => signalling::connect(access).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk => signalling::connect(access).await,
            Self::Memory(server) => server.connect(access).await,
        }
    }
}

/// The answer to a connect.
pub struct Joined {
    /// The connection.
    pub connection: Connection,
    /// Its news.
    pub events: Events,
    /// Who was there before us, and what they offer. Hidden participants never appear.
    pub present: Vec<(Person, Vec<Publication>)>,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Unique in the room; hostile.
    pub identity: String,
    /// As told by the person; hostile.
    pub name: String,
    /// Person, phone leg, assistant.
    pub kind: ParticipantKind,
    /// All attributes.
    pub attributes: BTreeMap<String, String>,
}

/// News of a room.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody came.
    Came(Person),
    /// Somebody left.
    Left {
        /// Who.
        identity: String,
        /// Why.
        reason: LeaveReason,
    },
    /// Attributes changed; an empty value was removed.
    Attributes {
        /// Whose.
        identity: String,
        /// What.
        changed: BTreeMap<String, String>,
    },
    /// Somebody offers a track.
    Published {
        /// Who.
        identity: String,
        /// What.
        publication: Publication,
    },
    /// Somebody took a track back.
    Unpublished {
        /// Who.
        identity: String,
        /// Which.
        sid: String,
    },
    /// A track we asked for is here. After a full reconnect it comes again, as a new one.
    Subscribed {
        /// Whose.
        identity: String,
        /// The track.
        track: Track,
    },
    /// The connection was rebuilt and one of our own tracks has another name now. All else about it stays.
    Republished {
        /// The former name.
        previous: String,
        /// The new name.
        sid: String,
    },
    /// A track is no longer here.
    Unsubscribed {
        /// Whose.
        identity: String,
        /// Which.
        sid: String,
    },
    /// Somebody pressed keys.
    Keys {
        /// Who.
        identity: String,
        /// Which; hostile.
        digits: String,
    },
    /// A data packet came.
    Data {
        /// From whom; empty from the server.
        identity: String,
        /// Its topic.
        topic: String,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// The connection is being rebuilt.
    Reconnecting,
    /// The connection is back.
    Reconnected,
    /// The connection is over. May be missing after our own leave; the end of the queue never is.
    Closed {
        /// Why.
        reason: LeaveReason,
    },
}

/// Something asked of a room was not done. In words, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// A remote procedure call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct RpcFailed {
    /// LiveKit's code, if the call was made: 1503 = the recipient is gone.
    pub code: Option<u32>,
    /// In words.
    pub text: String,
}

/// What came of one remote track since it is here.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Received {
    /// Packets that came.
    pub packets: u64,
    /// Packets that did not, as far as known.
    pub lost: u64,
    /// Variation of arrival at the moment, in seconds.
    pub jitter: f64,
}

/// Somebody and which of our tracks they may hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearer {
    /// Who.
    pub identity: String,
    /// The server's names of tracks.
    pub tracks: Vec<String>,
}

/// Own attribute that shows whether everybody may hear us (absent) or not. Setting it is also how we learn that the
/// server has read who may: it answers one request after the other.
const AUDIENCE: &str = "desk.audience";

/// What our tracks are called; colleagues and the server see it.
const MICROPHONE: &str = "microphone";
const MUSIC: &str = "music";

/// Figures of a whole connection, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Audio packets that came.
    pub packets_received: u64,
    /// Audio packets that did not.
    pub packets_lost: i64,
    /// Audio packets sent.
    pub packets_sent: u64,
    /// Variation of arrival, in seconds.
    pub jitter: f64,
    /// Mean delay of the jitter buffer, in seconds.
    pub buffer_delay: f64,
    /// To the server and back, in seconds, if measured.
    pub round_trip: Option<f64>,
    /// Of what we sent, the share that the server missed by its last report (0 to 1); `None`: it has not reported.
    pub sent_lost: Option<f64>,
}

/// A connection to a room. Clones are the same one; when the last is dropped, the room is left.
#[derive(Clone)]
pub enum Connection {
    /// Of the engine.
    Prebuilt(prebuilt::Room),
    /// Of the crate.
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::Connection),
    /// Of the server in this process.
    Memory(memory::Connection),
    /// Of nobody who talks.
    Watch(signalling::Watch),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.identity()).finish()
    }
}

impl Connection {
    /// Who we are there.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Prebuilt(room) => room.identity().to_owned(),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.identity(),
            Self::Memory(room) => room.identity().to_owned(),
            Self::Watch(watch) => watch.identity().to_owned(),
        }
    }

    /// Announces a microphone. To the SIP bridge that *is* the answer.
    ///
    /// # Errors
    /// Not allowed, or the room is gone. So for everything below.
    pub async fn publish_microphone(&self) -> Result<Microphone, Failed> {
        self.publish(MICROPHONE).await
    }

    /// Announces a second track, for music. The token gives the right to microphones only, so it is one by its kind.
    ///
    /// # Errors
    /// As above.
    pub async fn publish_music(&self) -> Result<Microphone, Failed> {
        self.publish(MUSIC).await
    }

    async fn publish(&self, name: &str) -> Result<Microphone, Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::publish(room, name).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.publish(name).await,
            Self::Memory(room) => room.publish().await,
            Self::Watch(_) => Err(only_watches()),
        }
    }

    /// Who may hear which of our tracks: everybody all (`None`), or only those named what is named with them. Returns
    /// when the server has read it. A rebuilt connection forgets it, and it must be said again.
    ///
    /// # Errors
    /// As above; then the server may or may not have read it.
    pub async fn set_hearers(&self, only: Option<&[Hearer]>) -> Result<(), Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::allow_hearing(room, only)?,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.allow_hearing(only).await?,
            Self::Memory(room) => room.allow_hearing(only).await?,
            Self::Watch(_) => return Err(only_watches()),
        }
        let value = if only.is_some() { "some" } else { "" };
        self.set_attribute(AUDIENCE, value).await
    }

    /// Asks for a track. It arrives as an event.
    ///
    /// # Errors
    /// The track is gone.
    pub fn subscribe(&self, publication: &Publication) -> Result<(), Failed> {
        match (self, &publication.offer) {
            (Self::Prebuilt(room), Offer::Prebuilt(offer)) => prebuilt::subscribe(room, offer),
            #[cfg(feature = "source-sdk")]
            (Self::SourceSdk(_), Offer::SourceSdk(offer)) => {
                source::subscribe(offer);
                Ok(())
            }
            (Self::Memory(room), Offer::Memory(offer)) => room.subscribe(offer),
            (_, _) => Err(Failed("the track belongs to another connection".into())),
        }
    }

    /// Sends keys (`0-9 * # A-D`, `w` = half a second of pause) to one participant.
    ///
    /// # Errors
    /// No key, or the room is gone.
    pub async fn send_keys(&self, keys: &str, to: &str) -> Result<(), Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::failed(room.publish_dtmf(keys, &[to]).await),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.send_keys(keys, to).await,
            Self::Memory(room) => room.send_keys(keys, to),
            Self::Watch(_) => Err(only_watches()),
        }
    }

    /// Sends a data packet to everybody, reliably and in order.
    ///
    /// # Errors
    /// Too large, or the room is gone.
    pub async fn send_data(&self, bytes: &[u8], topic: &str) -> Result<(), Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::failed(room.publish_data(bytes, topic, &[]).await),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.send_data(bytes, topic).await,
            Self::Memory(room) => room.send_data(bytes, topic),
            Self::Watch(_) => Err(only_watches()),
        }
    }

    /// Sets one own attribute.
    ///
    /// # Errors
    /// Not allowed, or the room is gone.
    pub async fn set_attribute(&self, key: &str, value: &str) -> Result<(), Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::failed(room.set_attributes(&[(key, value)]).await),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.set_attribute(key, value).await,
            Self::Memory(room) => room.set_attribute(key, value),
            Self::Watch(_) => Err(only_watches()),
        }
    }

    /// Calls a method of a participant.
    ///
    /// # Errors
    /// Not made, or it failed at the far side.
    pub async fn perform_rpc(
        &self,
        to: &str,
        method: &str,
        payload: &str,
        deadline: Duration,
    ) -> Result<String, RpcFailed> {
        match self {
            Self::Prebuilt(room) => {
                prebuilt::perform_rpc(room, to, method, payload, deadline).await
            }
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.perform_rpc(to, method, payload, deadline).await,
            Self::Memory(room) => room.perform_rpc(to, method),
            Self::Watch(_) => Err(RpcFailed {
                code: None,
                text: only_watches().0,
            }),
        }
    }

    /// Figures of the connection.
    ///
    /// # Errors
    /// The room is gone.
    pub async fn figures(&self) -> Result<Figures, Failed> {
        match self {
            Self::Prebuilt(room) => prebuilt::figures(room).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.figures().await,
            Self::Memory(room) => room.figures(),
            Self::Watch(_) => Err(only_watches()),
        }
    }

    /// Leaves, and returns when that is done. The queue of events then ends.
    pub async fn leave(&self) {
        match self {
            Self::Prebuilt(room) => prebuilt::leave(room).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(room) => room.leave().await,
            Self::Memory(room) => room.leave(),
            Self::Watch(watch) => watch.leave().await,
        }
    }
}

fn only_watches() -> Failed {
    Failed("this connection only watches".into())
}

/// The news of one connection, in order.
pub enum Events {
    /// Of the engine.
    Prebuilt(prebuilt::RoomEvents),
    /// Of the crate.
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::Events),
    /// Of the server in this process.
    Memory(memory::Events),
    /// Of a watch.
    Watch(mpsc::Receiver<Event>),
}

impl Events {
    /// The next event; `None` when nothing will follow. May be dropped between events.
    pub async fn recv(&mut self) -> Option<Event> {
        match self {
            Self::Prebuilt(events) => prebuilt::next(events).await,
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(events) => events.recv().await,
            Self::Memory(events) => events.recv().await,
            Self::Watch(events) => events.recv().await,
        }
    }
}

/// A track somebody offers.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The server's name for it.
    pub sid: String,
    /// Sound, not picture.
    pub is_audio: bool,
    offer: Offer,
}

#[derive(Debug, Clone)]
enum Offer {
    Prebuilt(prebuilt::RemotePublication),
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::RemotePublication),
    Memory(memory::Offer),
}

/// A track we hear.
#[derive(Debug, Clone)]
pub struct Track {
    /// The server's name for it.
    pub sid: String,
    /// Sound, not picture.
    pub is_audio: bool,
    media: TrackMedia,
}

#[derive(Debug, Clone)]
enum TrackMedia {
    Prebuilt(prebuilt::RemoteTrack),
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::RemoteTrack),
    Memory(memory::Track),
}

impl Track {
    /// Hands every 10 ms to `sink`, on a thread of the backend: it must not wait. Ends when the result is dropped.
    ///
    /// # Errors
    /// The track is gone.
    pub fn listen(&self, sink: impl FnMut(&Frame) + Send + 'static) -> Result<Listening, Failed> {
        Ok(match &self.media {
            TrackMedia::Prebuilt(track) => Listening::Prebuilt(prebuilt::listen(track, sink)?),
            #[cfg(feature = "source-sdk")]
            TrackMedia::SourceSdk(track) => Listening::SourceSdk(source::listen(track, sink)),
            TrackMedia::Memory(track) => Listening::Memory(track.listen(sink)),
        })
    }

    /// What came since the track is here; `None` if that cannot be found out now.
    pub async fn received(&self) -> Option<Received> {
        match &self.media {
            TrackMedia::Prebuilt(track) => prebuilt::received(track).await,
            #[cfg(feature = "source-sdk")]
            TrackMedia::SourceSdk(track) => source::received(track).await,
            TrackMedia::Memory(track) => Some(track.received()),
        }
    }
}

/// Keeps a track flowing into its sink.
#[derive(Debug)]
pub enum Listening {
    /// Of the engine.
    Prebuilt(prebuilt::AudioStream),
    /// Of the crate.
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::Listening),
    /// Of the server in this process.
    Memory(memory::Listening),
}

/// A track of our own: the microphone, or the music.
#[derive(Debug)]
pub enum Microphone {
    /// Of the engine.
    Prebuilt(prebuilt::MicrophoneTrack),
    /// Of the crate.
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::Microphone),
    /// Of the server in this process.
    Memory(memory::Microphone),
}

impl Microphone {
    /// The server's name for it at its publication; [`Event::Republished`] tells a later one.
    #[must_use]
    pub fn sid(&self) -> String {
        match self {
            Self::Prebuilt(track) => track.sid().to_owned(),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(track) => track.sid(),
            Self::Memory(track) => track.sid(),
        }
    }

    /// Where the frames go in.
    #[must_use]
    pub fn source(&self) -> MicrophoneSource {
        match self {
            Self::Prebuilt(track) => MicrophoneSource::Prebuilt(track.source()),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(track) => MicrophoneSource::SourceSdk(track.source()),
            Self::Memory(track) => MicrophoneSource::Memory(track.source()),
        }
    }
}

/// Where the frames of a microphone go in.
#[derive(Debug, Clone)]
pub enum MicrophoneSource {
    /// Of the engine.
    Prebuilt(prebuilt::MicrophoneSource),
    /// Of the crate.
    #[cfg(feature = "source-sdk")]
    SourceSdk(source::MicrophoneSource),
    /// Of the server in this process.
    Memory(memory::MicrophoneSource),
}

impl MicrophoneSource {
    /// The next 10 ms; false if the room is gone.
    #[must_use]
    pub fn push(&self, frame: &Frame) -> bool {
        match self {
            Self::Prebuilt(source) => source.push(frame).is_ok(),
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk(source) => source.push(frame),
            Self::Memory(source) => source.push(frame),
        }
    }
}

impl From<memory::MicrophoneSource> for MicrophoneSource {
    fn from(source: memory::MicrophoneSource) -> Self {
        Self::Memory(source)
    }
}
