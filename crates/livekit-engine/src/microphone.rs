//! Our own sound on its way into a room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::RequestError;
use crate::ffi::{self, Handle};
use crate::proto::{self, ffi_event, ffi_request, ffi_response, publish_track_callback};
use crate::redact::redact;
use crate::room::Handles;
use crate::router::{self, CAPTURE_BIT};
use crate::{Frame, SAMPLE_RATE};

const PUBLISH_DEADLINE: Duration = Duration::from_secs(10);
/// Opus, one channel, bits a second, as a browser sends to the same room; with redundancy it is twice that (docs/perf-sound.md).
const BITRATE: u64 = 48_000;

/// A published microphone. Dropping it releases the track; the room's leave ends the publication.
#[derive(Debug)]
pub struct MicrophoneTrack {
    source: MicrophoneSource,
    track: Handle,
    sid: String,
    _publication: Handle,
    _room: Arc<Handles>,
}

/// Where the sound of a [`MicrophoneTrack`] goes in. Clones feed the same track; use it from one thread
/// at a time, or the frames of both mix up.
#[derive(Debug, Clone)]
pub struct MicrophoneSource(Arc<Source>);

#[derive(Debug)]
struct Source {
    handle: Handle,
    pushed: AtomicU64,
}

impl MicrophoneSource {
    /// Hands over the next 10 ms. It is encoded and sent at once: there is no queue, and when nothing is
    /// pushed nothing is sent. Does not wait; takes some 60 µs. Not for a device callback.
    ///
    /// # Errors
    /// The room is gone.
    pub fn push(&self, frame: &Frame) -> Result<(), RequestError> {
        let count = self.0.pushed.fetch_add(1, Ordering::Relaxed);
        ffi::capture(&self.0.handle, frame, CAPTURE_BIT | count)
    }

    /// Frames handed over so far.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.0.pushed.load(Ordering::Relaxed)
    }
}

impl MicrophoneTrack {
    /// Where the frames go in.
    #[must_use]
    pub fn source(&self) -> MicrophoneSource {
        self.source.clone()
    }

    /// The server's name for it, as of the publication. A full reconnect gives it another, see
    /// [`RoomEvent::LocalTrackRepublished`](crate::RoomEvent::LocalTrackRepublished).
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Sends digital silence instead of the frames, or the frames again. Packets go on as long as frames
    /// are pushed.
    ///
    /// # Errors
    /// The room is gone.
    pub fn set_muted(&self, muted: bool) -> Result<(), RequestError> {
        ffi::request(ffi_request::Message::LocalTrackMute(
            proto::LocalTrackMuteRequest {
                track_handle: self.track.id(),
                mute: muted,
            },
        ))
        .map(drop)
    }
}

pub(crate) async fn publish(
    room: Arc<Handles>,
    name: &str,
) -> Result<MicrophoneTrack, RequestError> {
    let source = match ffi::request(ffi_request::Message::NewAudioSource(
        proto::NewAudioSourceRequest {
            r#type: proto::AudioSourceType::AudioSourceNative as i32,
            options: None,
            sample_rate: Some(SAMPLE_RATE),
            num_channels: Some(1),
            queue_size_ms: Some(0), // frames go straight through; the clock is ours
            platform_audio_handle: None,
        },
    ))? {
        ffi_response::Message::NewAudioSource(made) => Handle::own(&made.source.handle),
        _other => return Err(RequestError::Refused),
    };
    let track = match ffi::request(ffi_request::Message::CreateAudioTrack(
        proto::CreateAudioTrackRequest {
            name: name.to_owned(),
            source_handle: source.id(),
        },
    ))? {
        ffi_response::Message::CreateAudioTrack(made) => Handle::own(&made.track.handle),
        _other => return Err(RequestError::Refused),
    };

    // Announcing is answering: it must not wait in a socket, which may be a new one since the join.
    ffi::send_at_once();
    let router = router::get();
    let id = router.fresh_id();
    let (sender, receiver) = oneshot::channel();
    let track_id = track.id();
    let participant = room.local.id();
    // Everything the publication needs lives in here until the answer comes, wanted or not.
    router.expect(id, move |message| {
        let source = MicrophoneSource(Arc::new(Source {
            handle: source,
            pushed: AtomicU64::new(0),
        }));
        let published = publication(message).map(|(publication, sid)| MicrophoneTrack {
            source,
            track,
            sid,
            _publication: publication,
            _room: room,
        });
        let _unwanted = sender.send(published);
    });
    let asked = ffi::request(ffi_request::Message::PublishTrack(
        proto::PublishTrackRequest {
            local_participant_handle: participant,
            track_handle: track_id,
            options: proto::TrackPublishOptions {
                audio_encoding: Some(proto::AudioEncoding {
                    max_bitrate: BITRATE,
                }),
                dtx: Some(false), // packets go on in silence: the phone network drops a silent leg
                red: Some(true),
                source: Some(proto::TrackSource::SourceMicrophone as i32),
                ..Default::default()
            },
            request_async_id: Some(id),
        },
    ));
    if let Err(error) = asked {
        router.forget(id);
        return Err(error);
    }
    match tokio::time::timeout(PUBLISH_DEADLINE, receiver).await {
        Ok(Ok(published)) => published,
        Ok(Err(_)) => Err(RequestError::Stopped),
        Err(_) => Err(RequestError::Timeout),
    }
}

fn publication(message: ffi_event::Message) -> Result<(Handle, String), RequestError> {
    match message {
        ffi_event::Message::PublishTrack(proto::PublishTrackCallback {
            message: Some(publish_track_callback::Message::Publication(publication)),
            ..
        }) => Ok((Handle::own(&publication.handle), publication.info.sid)),
        ffi_event::Message::PublishTrack(proto::PublishTrackCallback {
            message: Some(publish_track_callback::Message::Error(error)),
            ..
        }) => Err(RequestError::Failed(redact(&error))),
        _other => Err(RequestError::Refused),
    }
}
