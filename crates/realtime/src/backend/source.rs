//! The door to the `livekit` crate, built from source. Same behaviour as the compiled engine, which is the same SDK;
//! chosen with the feature `source-sdk` by whoever can build libwebrtc.

// Of some forty events and fifteen kinds of statistics, a telephone needs a dozen.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use call::input::JoinFailure;
use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use call::state::ParticipantKind;
use livekit::options::{AudioEncoding, TrackPublishOptions};
use livekit::participant::{ParticipantKind as Kind, ParticipantTrackPermission};
use livekit::prelude::{
    DataPacket, LocalAudioTrack, LocalTrack, Participant, ParticipantIdentity, PerformRpcData,
    RemoteParticipant, RemoteTrackPublication, Room, RoomEvent, RoomOptions, RtcAudioSource,
    SipDTMF, TrackKind, TrackSid, TrackSource,
};
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::{AudioSourceOptions, native::NativeAudioSource};
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use livekit::webrtc::stats::RtcStats;
use livekit_engine::{ConnectError, ConnectErrorKind, redact};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::signalling::leave_reason;
use super::{
    Event, Failed, Figures, Hearer, Joined, Microphone as AnyMicrophone, Offer, Person,
    Publication, Received, RpcFailed, Track, TrackMedia,
};
use crate::access::{Access, JoinRefused};

pub(super) use livekit::prelude::{RemoteAudioTrack, RemoteTrackPublication as RemotePublication};

/// A track of this backend.
pub(super) type RemoteTrack = RemoteAudioTrack;

const JOIN_DEADLINE: Duration = Duration::from_secs(15);
/// For one answer of the server.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
const BITRATE: u64 = 48_000;

/// A connection. Clones are the same one.
#[derive(Clone)]
pub struct Connection {
    room: Arc<Room>,
}

/// The news of one connection.
pub struct Events(mpsc::UnboundedReceiver<RoomEvent>);

pub(super) async fn connect(access: &Access) -> Result<Joined, JoinRefused> {
    let refused = |error: ConnectError| JoinRefused {
        why: match error.kind {
            ConnectErrorKind::Unauthorized | ConnectErrorKind::PermissionDenied => {
                JoinFailure::Refused
            }
            ConnectErrorKind::ServerBusy => JoinFailure::ServerBusy,
            ConnectErrorKind::Engine => JoinFailure::Engine,
            ConnectErrorKind::Invalid
            | ConnectErrorKind::Unreachable
            | ConnectErrorKind::Timeout
            | ConnectErrorKind::Other => JoinFailure::Unreachable,
        },
        detail: error.detail,
    };
    let mut options = RoomOptions::default();
    options.auto_subscribe = false;
    let connecting = Room::connect(&access.url, access.token(), options);
    let (room, mut events) = match timeout(JOIN_DEADLINE, connecting).await {
        Ok(Ok(joined)) => joined,
        Ok(Err(error)) => return Err(refused(ConnectError::from_text(&error.to_string()))),
        Err(_) => return Err(refused(ConnectError::from_text("timed out"))),
    };
    // The first event is the join answer: who was there before us.
    let present = match timeout(ANSWER_DEADLINE, events.recv()).await {
        Ok(Some(RoomEvent::Connected {
            participants_with_tracks,
        })) => participants_with_tracks
            .into_iter()
            .map(|(participant, tracks)| {
                (
                    person(&participant),
                    tracks.into_iter().map(publication).collect(),
                )
            })
            .collect(),
        _unexpected => {
            return Err(refused(ConnectError::from_text(
                "the room gave no join answer",
            )));
        }
    };
    Ok(Joined {
        connection: super::Connection::SourceSdk(Connection {
            room: Arc::new(room),
        }),
        events: super::Events::SourceSdk(Events(events)),
        present,
    })
}

fn person(participant: &RemoteParticipant) -> Person {
    Person {
        identity: participant.identity().into(),
        name: participant.name(),
        kind: match participant.kind() {
            Kind::Standard => ParticipantKind::Standard,
            Kind::Sip => ParticipantKind::Sip,
            Kind::Agent => ParticipantKind::Agent,
            Kind::Ingress | Kind::Egress | Kind::Connector | Kind::Bridge => ParticipantKind::Other,
        },
        attributes: participant.attributes().into_iter().collect(),
    }
}

fn publication(publication: RemoteTrackPublication) -> Publication {
    Publication {
        sid: publication.sid().to_string(),
        is_audio: publication.kind() == TrackKind::Audio,
        offer: Offer::SourceSdk(publication),
    }
}

fn failed(error: impl fmt::Display) -> Failed {
    Failed(redact(&error.to_string()))
}

/// Waits for an answer of the server, but not for ever.
async fn answered<T, E: fmt::Display>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, Failed> {
    match timeout(ANSWER_DEADLINE, answer).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(failed("the server did not answer in time")),
    }
}

impl Connection {
    pub(super) fn identity(&self) -> String {
        self.room.local_participant().identity().into()
    }

    pub(super) async fn publish(&self, name: &str) -> Result<AnyMicrophone, Failed> {
        let source = NativeAudioSource::new(AudioSourceOptions::default(), SAMPLE_RATE, 1, 0);
        let track =
            LocalAudioTrack::create_audio_track(name, RtcAudioSource::Native(source.clone()));
        let options = TrackPublishOptions {
            audio_encoding: Some(AudioEncoding {
                max_bitrate: BITRATE,
            }),
            dtx: false, // packets go on in silence: the phone network drops a silent leg
            red: true,
            source: TrackSource::Microphone,
            ..TrackPublishOptions::default()
        };
        let participant = self.room.local_participant();
        let publishing = participant.publish_track(LocalTrack::Audio(track.clone()), options);
        let publication = answered(publishing).await?;
        Ok(AnyMicrophone::SourceSdk(Microphone {
            _track: track,
            sid: publication.sid().to_string(),
            source: MicrophoneSource(source),
        }))
    }

    pub(super) async fn allow_hearing(&self, only: Option<&[Hearer]>) -> Result<(), Failed> {
        let mut permissions = Vec::new();
        for hearer in only.unwrap_or_default() {
            let tracks = hearer.tracks.iter().cloned().map(TrackSid::try_from);
            permissions.push(ParticipantTrackPermission {
                participant_identity: ParticipantIdentity::from(hearer.identity.clone()),
                allow_all: false,
                allowed_track_sids: tracks
                    .collect::<Result<_, _>>()
                    .map_err(|_| failed(livekit_engine::Invalid::Hearers))?,
            });
        }
        let participant = self.room.local_participant();
        answered(participant.set_track_subscription_permissions(only.is_none(), permissions)).await
    }

    pub(super) async fn send_keys(&self, keys: &str, to: &str) -> Result<(), Failed> {
        let known = |key: char| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D' | 'w');
        if keys.is_empty() || keys.len() > 64 || !keys.chars().all(known) {
            return Err(failed(livekit_engine::Invalid::Keys));
        }
        let dtmf = SipDTMF {
            code: 0, // the bridge reads the digits
            digit: keys.to_owned(),
            destination_identities: vec![ParticipantIdentity::from(to.to_owned())],
        };
        answered(self.room.local_participant().publish_dtmf(dtmf)).await
    }

    pub(super) async fn send_data(&self, bytes: &[u8], topic: &str) -> Result<(), Failed> {
        let packet = DataPacket {
            payload: bytes.to_vec(),
            topic: Some(topic.to_owned()),
            reliable: true,
            destination_identities: Vec::new(),
        };
        answered(self.room.local_participant().publish_data(packet)).await
    }

    pub(super) async fn set_attribute(&self, key: &str, value: &str) -> Result<(), Failed> {
        let participant = self.room.local_participant();
        let mut attributes: HashMap<String, String> = participant.attributes();
        attributes.insert(key.to_owned(), value.to_owned());
        answered(participant.set_attributes(attributes)).await
    }

    pub(super) async fn perform_rpc(
        &self,
        to: &str,
        method: &str,
        payload: &str,
        deadline: Duration,
    ) -> Result<String, RpcFailed> {
        let mut call = PerformRpcData::new(ParticipantIdentity::from(to.to_owned()), method);
        call.payload = payload.to_owned();
        // The round trip is taken off this inside and must not get below zero.
        call.response_timeout = Duration::from_secs(15);
        let participant = self.room.local_participant();
        match timeout(deadline, participant.perform_rpc(call)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(RpcFailed {
                code: Some(error.code),
                text: redact(&error.message),
            }),
            Err(_) => Err(RpcFailed {
                code: None,
                text: "no answer in time".into(),
            }),
        }
    }

    pub(super) async fn figures(&self) -> Result<Figures, Failed> {
        let stats = answered(self.room.get_stats()).await?;
        let mut figures = Figures::default();
        for entry in stats.publisher_stats.iter().chain(&stats.subscriber_stats) {
            match entry {
                RtcStats::InboundRtp(inbound)
                    if inbound.stream.kind == "audio"
                        && inbound.received.packets_received >= figures.packets_received =>
                {
                    let emitted = inbound.inbound.jitter_buffer_emitted_count.max(1) as f64;
                    figures.packets_received = inbound.received.packets_received;
                    figures.packets_lost = inbound.received.packets_lost;
                    figures.jitter = inbound.received.jitter;
                    figures.buffer_delay = inbound.inbound.jitter_buffer_delay / emitted;
                }
                RtcStats::OutboundRtp(outbound) if outbound.stream.kind == "audio" => {
                    figures.packets_sent += outbound.sent.packets_sent;
                }
                RtcStats::CandidatePair(pair) if pair.candidate_pair.nominated => {
                    figures.round_trip = Some(pair.candidate_pair.current_round_trip_time);
                }
                _other => {}
            }
        }
        Ok(figures)
    }

    pub(super) async fn leave(&self) {
        if let Err(error) = answered(self.room.close()).await {
            tracing::debug!(%error, "leaving was not confirmed");
        }
    }
}

pub(super) fn subscribe(publication: &RemoteTrackPublication) {
    publication.set_subscribed(true);
}

impl Events {
    pub(super) async fn recv(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = translate(self.0.recv().await?) {
                return Some(event);
            }
        }
    }
}

fn translate(event: RoomEvent) -> Option<Event> {
    let identity = |participant: &RemoteParticipant| -> String { participant.identity().into() };
    Some(match event {
        RoomEvent::ParticipantConnected(participant) => Event::Came(person(&participant)),
        RoomEvent::ParticipantDisconnected(participant) => Event::Left {
            identity: identity(&participant),
            reason: leave_reason(participant.disconnect_reason().into()),
        },
        RoomEvent::ParticipantAttributesChanged {
            participant,
            changed_attributes,
        } => Event::Attributes {
            identity: match participant {
                Participant::Local(participant) => participant.identity().into(),
                Participant::Remote(participant) => identity(&participant),
            },
            changed: changed_attributes.into_iter().collect(),
        },
        RoomEvent::TrackPublished {
            publication: offer,
            participant,
        } => Event::Published {
            identity: identity(&participant),
            publication: publication(offer),
        },
        RoomEvent::TrackUnpublished {
            publication,
            participant,
        } => Event::Unpublished {
            identity: identity(&participant),
            sid: publication.sid().to_string(),
        },
        RoomEvent::TrackSubscribed {
            track: livekit::prelude::RemoteTrack::Audio(track),
            participant,
            ..
        } => Event::Subscribed {
            identity: identity(&participant),
            track: Track {
                sid: track.sid().to_string(),
                is_audio: true,
                media: TrackMedia::SourceSdk(track),
            },
        },
        RoomEvent::LocalTrackRepublished {
            previous_sid,
            publication,
            ..
        } => Event::Republished {
            previous: previous_sid.to_string(),
            sid: publication.sid().to_string(),
        },
        RoomEvent::TrackUnsubscribed {
            publication,
            participant,
            ..
        } => Event::Unsubscribed {
            identity: identity(&participant),
            sid: publication.sid().to_string(),
        },
        RoomEvent::SipDTMFReceived {
            digit, participant, ..
        } => Event::Keys {
            identity: participant.as_ref().map(identity).unwrap_or_default(),
            digits: digit?,
        },
        RoomEvent::DataReceived {
            payload,
            topic,
            participant,
            ..
        } => Event::Data {
            identity: participant.as_ref().map(identity).unwrap_or_default(),
            topic: topic.unwrap_or_default(),
            bytes: payload.to_vec(),
        },
        RoomEvent::Reconnecting => Event::Reconnecting,
        RoomEvent::Reconnected => Event::Reconnected,
        RoomEvent::Disconnected { reason } => Event::Closed {
            reason: leave_reason(reason.into()),
        },
        _other => return None,
    })
}

/// Keeps a track flowing into its sink.
#[derive(Debug)]
pub struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn listen(
    track: &RemoteAudioTrack,
    mut sink: impl FnMut(&Frame) + Send + 'static,
) -> Listening {
    // Its queue holds ten frames and drops the oldest.
    let mut stream = NativeAudioStream::new(track.rtc_track(), SAMPLE_RATE as i32, 1);
    Listening(tokio::spawn(async move {
        while let Some(frame) = stream.next().await {
            if let Ok(frame) = <&Frame>::try_from(frame.data.as_ref()) {
                sink(frame);
            }
        }
    }))
}

pub(super) async fn received(track: &RemoteAudioTrack) -> Option<Received> {
    let stats = answered(track.get_stats()).await.ok()?;
    stats.iter().find_map(|entry| match entry {
        RtcStats::InboundRtp(inbound) => Some(Received {
            packets: inbound.received.packets_received,
            lost: u64::try_from(inbound.received.packets_lost).unwrap_or(0),
            jitter: inbound.received.jitter,
        }),
        _other => None,
    })
}

/// A track of our own.
#[derive(Debug)]
pub struct Microphone {
    _track: LocalAudioTrack,
    sid: String,
    source: MicrophoneSource,
}

impl Microphone {
    pub(super) fn source(&self) -> MicrophoneSource {
        self.source.clone()
    }

    pub(super) fn sid(&self) -> String {
        self.sid.clone()
    }
}

/// Where the frames of a microphone go in.
#[derive(Debug, Clone)]
pub struct MicrophoneSource(NativeAudioSource);

impl MicrophoneSource {
    pub(super) fn push(&self, frame: &Frame) -> bool {
        let frame = AudioFrame {
            data: frame.as_slice().into(),
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
            samples_per_channel: FRAME_SAMPLES as u32,
        };
        // Without a queue of its own the source is done at the first poll.
        let capture = pin!(self.0.capture_frame(&frame));
        matches!(
            capture.poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(Ok(()))
        )
    }
}
