//! The door to LiveKit's compiled engine.

use std::time::Duration;

use call::input::JoinFailure;
use call::media::Frame;
use call::state::{LeaveReason, ParticipantKind};
use livekit_engine::{
    ConnectErrorKind, DisconnectReason, Engine, Participant, RequestError, RoomEvent, RoomOptions,
    RpcFailure, TrackKind,
};

use super::{
    Connection, Event, Events, Failed, Figures, Hearer, Joined, Microphone, Offer, Person,
    Publication, Received, RpcFailed, Track, TrackMedia,
};
use crate::access::{Access, JoinRefused};

pub(super) use livekit_engine::{
    AudioStream, MicrophoneSource, MicrophoneTrack, RemotePublication, RemoteTrack, Room,
    RoomEvents,
};

/// Ending a broken engine and starting it anew takes 5 s at most, unless the library hangs in its own code.
const READY_WITHIN: Duration = Duration::from_secs(8);

pub(super) fn prepare() -> Result<(), String> {
    Engine::load().map(drop).map_err(|error| error.to_string())
}

pub(super) async fn connect(access: &Access) -> Result<Joined, JoinRefused> {
    let mut fresh = true;
    loop {
        match attempt(access).await {
            // The engine broke under this join, which found it out: the next one starts it anew.
            Err(refused) if refused.why == JoinFailure::Engine && fresh => {
                tracing::warn!(
                    "the engine broke while a room was entered: {}",
                    refused.detail
                );
                fresh = false;
            }
            joined => return joined,
        }
    }
}

async fn attempt(access: &Access) -> Result<Joined, JoinRefused> {
    let refused = |why, detail: String| JoinRefused { why, detail };
    // The first load reads a file of 28 MB.
    match tokio::time::timeout(READY_WITHIN, tokio::task::spawn_blocking(prepare)).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(detail))) => return Err(refused(JoinFailure::Engine, detail)),
        Ok(Err(error)) => return Err(refused(JoinFailure::Engine, error.to_string())),
        Err(_) => {
            let detail = "it did not start in time".to_owned();
            return Err(refused(JoinFailure::Engine, detail));
        }
    }
    // Nobody is heard before the phone says so.
    let options = RoomOptions {
        auto_subscribe: false,
        ..RoomOptions::default()
    };
    let (room, events, participants) = Room::connect(&access.url, access.token(), &options)
        .await
        .map_err(|error| {
        let why = match error.kind {
            ConnectErrorKind::Unauthorized | ConnectErrorKind::PermissionDenied => {
                JoinFailure::Refused
            }
            ConnectErrorKind::ServerBusy => JoinFailure::ServerBusy,
            ConnectErrorKind::Engine => JoinFailure::Engine,
            ConnectErrorKind::Invalid
            | ConnectErrorKind::Unreachable
            | ConnectErrorKind::Timeout
            | ConnectErrorKind::Other => JoinFailure::Unreachable,
        };
        refused(why, error.detail)
    })?;
    Ok(Joined {
        connection: Connection::Prebuilt(room),
        events: Events::Prebuilt(events),
        present: participants.into_iter().map(person).collect(),
    })
}

fn person(participant: Participant) -> (Person, Vec<Publication>) {
    use livekit_engine::ParticipantKind as Kind;
    let person = Person {
        identity: participant.identity,
        name: participant.name,
        kind: match participant.kind {
            Kind::Standard => ParticipantKind::Standard,
            Kind::Sip => ParticipantKind::Sip,
            Kind::Agent => ParticipantKind::Agent,
            Kind::Other => ParticipantKind::Other,
        },
        attributes: participant.attributes,
    };
    (
        person,
        participant
            .publications
            .into_iter()
            .map(publication)
            .collect(),
    )
}

fn publication(publication: RemotePublication) -> Publication {
    Publication {
        sid: publication.sid.clone(),
        is_audio: publication.kind == TrackKind::Audio,
        offer: Offer::Prebuilt(publication),
    }
}

fn leave_reason(reason: DisconnectReason) -> LeaveReason {
    use DisconnectReason as R;
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
        R::Unknown
        | R::StateMismatch
        | R::JoinFailure
        | R::Migration
        | R::SignalClose
        | R::AgentError => LeaveReason::Unknown,
    }
}

/// The next event that the house has a use for.
pub(super) async fn next(events: &mut RoomEvents) -> Option<Event> {
    loop {
        return Some(match events.recv().await? {
            RoomEvent::ParticipantJoined(participant) => Event::Came(person(participant).0),
            RoomEvent::ParticipantLeft { identity, reason } => Event::Left {
                identity,
                reason: leave_reason(reason),
            },
            RoomEvent::AttributesChanged { identity, changed } => {
                Event::Attributes { identity, changed }
            }
            RoomEvent::TrackPublished {
                identity,
                publication: offer,
            } => Event::Published {
                identity,
                publication: publication(offer),
            },
            RoomEvent::TrackUnpublished { identity, sid } => Event::Unpublished { identity, sid },
            RoomEvent::TrackSubscribed { identity, track } => Event::Subscribed {
                identity,
                track: Track {
                    sid: track.sid.clone(),
                    is_audio: track.kind == TrackKind::Audio,
                    media: TrackMedia::Prebuilt(track),
                },
            },
            RoomEvent::LocalTrackRepublished { previous, sid } => {
                Event::Republished { previous, sid }
            }
            RoomEvent::TrackUnsubscribed { identity, sid } => Event::Unsubscribed { identity, sid },
            RoomEvent::Keys { identity, digit } => Event::Keys {
                identity,
                digits: digit,
            },
            RoomEvent::Data {
                identity,
                topic,
                bytes,
            } => Event::Data {
                identity,
                topic,
                bytes,
            },
            RoomEvent::Reconnecting => Event::Reconnecting,
            RoomEvent::Reconnected => Event::Reconnected,
            RoomEvent::Disconnected { reason } => Event::Closed {
                reason: leave_reason(reason),
            },
            RoomEvent::TrackSubscriptionFailed { sid, .. } => {
                tracing::warn!(sid, "a track could not be subscribed");
                continue;
            }
            RoomEvent::TrackMuted { .. } | RoomEvent::Ended => continue,
        });
    }
}

pub(super) fn failed<T>(result: Result<T, RequestError>) -> Result<T, Failed> {
    result.map_err(|error| Failed(error.to_string()))
}

pub(super) async fn publish(room: &Room, name: &str) -> Result<Microphone, Failed> {
    failed(room.publish_microphone(name).await).map(Microphone::Prebuilt)
}

pub(super) fn allow_hearing(room: &Room, only: Option<&[Hearer]>) -> Result<(), Failed> {
    let only: Option<Vec<_>> = only.map(|hearers| {
        hearers
            .iter()
            .map(|hearer| livekit_engine::Hearer {
                identity: hearer.identity.clone(),
                tracks: hearer.tracks.clone(),
            })
            .collect()
    });
    failed(room.allow_hearing(only.as_deref()))
}

pub(super) fn subscribe(room: &Room, publication: &RemotePublication) -> Result<(), Failed> {
    failed(room.set_subscribed(publication, true))
}

pub(super) async fn perform_rpc(
    room: &Room,
    to: &str,
    method: &str,
    payload: &str,
    deadline: Duration,
) -> Result<String, RpcFailed> {
    room.perform_rpc(to, method, payload, deadline)
        .await
        .map_err(|failure| match failure {
            RpcFailure::Rpc(error) => RpcFailed {
                code: Some(error.code),
                text: error.message,
            },
            RpcFailure::Request(error) => RpcFailed {
                code: None,
                text: error.to_string(),
            },
        })
}

pub(super) async fn figures(room: &Room) -> Result<Figures, Failed> {
    let stats = failed(room.session_stats().await)?;
    // The far end is the stream with most packets: others are left-overs of a rebuilt connection.
    let inbound = stats
        .inbound
        .iter()
        .max_by_key(|stream| stream.packets_received)
        .copied()
        .unwrap_or_default();
    Ok(Figures {
        packets_received: inbound.packets_received,
        packets_lost: inbound.packets_lost,
        packets_sent: stats
            .outbound
            .iter()
            .map(|stream| stream.packets_sent)
            .sum(),
        jitter: inbound.jitter,
        buffer_delay: inbound.buffer_delay,
        round_trip: stats.round_trip,
        sent_lost: stats.sent_lost,
    })
}

pub(super) async fn leave(room: &Room) {
    if let Err(error) = room.disconnect().await {
        tracing::debug!(%error, "leaving was not confirmed");
    }
}

pub(super) fn listen(
    track: &RemoteTrack,
    sink: impl FnMut(&Frame) + Send + 'static,
) -> Result<AudioStream, Failed> {
    failed(AudioStream::open(track, sink))
}

pub(super) async fn received(track: &RemoteTrack) -> Option<Received> {
    let stats = track.stats().await.ok().flatten()?;
    Some(Received {
        packets: stats.packets_received,
        // The engine takes duplicates off and may get below zero.
        lost: u64::try_from(stats.packets_lost).unwrap_or(0),
        jitter: stats.jitter,
    })
}
