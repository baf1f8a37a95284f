//! One connection to a room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::connect;
use crate::error::{ConnectError, RequestError, RpcError, RpcFailure};
use crate::event::{Participant, RemotePublication, RoomEvent};
use crate::ffi::{self, Handle};
use crate::microphone::{self, MicrophoneTrack};
use crate::proto::{self, ffi_event, ffi_request, get_session_stats_callback};
use crate::redact::redact;
use crate::router;
use crate::stats::{STATS_DEADLINE, SessionStats};
use crate::validate;

/// How long the engine may take over what it does by itself or with one round trip.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// How to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomOptions {
    /// Hear everybody at once. A telephone must not: it would hear a conversation it has not joined.
    pub auto_subscribe: bool,
    /// For one attempt at signalling; 0.1 to 30 s.
    pub attempt_timeout: Duration,
    /// Further attempts, at most 10.
    pub retries: u32,
    /// For everything together. The engine's own work cannot be stopped; what comes of it later is
    /// left again at once.
    pub deadline: Duration,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            auto_subscribe: false,
            attempt_timeout: Duration::from_secs(5),
            retries: 2,
            deadline: Duration::from_secs(15),
        }
    }
}

/// Somebody and what they may hear of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearer {
    /// Who.
    pub identity: String,
    /// The server's names of our tracks; none: nothing.
    pub tracks: Vec<String>,
}

/// A connection to a room. Clones are the same connection; when the last one is dropped the room is left.
#[derive(Debug, Clone)]
pub struct Room {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handles: Arc<Handles>,
    identity: String,
    left: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) room: Handle,
    pub(crate) local: Handle,
}

/// The events of one room, in order, from the moment of the join.
#[derive(Debug)]
pub struct RoomEvents(mpsc::Receiver<RoomEvent>);

impl RoomEvents {
    pub(crate) fn new(receiver: mpsc::Receiver<RoomEvent>) -> Self {
        Self(receiver)
    }

    /// The next event; `None` when nothing will follow. Safe to drop between events.
    pub async fn recv(&mut self) -> Option<RoomEvent> {
        self.0.recv().await
    }
}

impl Room {
    /// Enters a room. The participants are those of the join answer: who was there before us, hidden
    /// ones excluded. Must be called on a tokio runtime with a timer.
    ///
    /// Dropping the future gives up: should the engine still get in, it leaves at once.
    ///
    /// # Errors
    /// See [`ConnectErrorKind`](crate::ConnectErrorKind); the text never contains the token.
    pub async fn connect(
        url: &str,
        token: &str,
        options: &RoomOptions,
    ) -> Result<(Self, RoomEvents, Vec<Participant>), ConnectError> {
        connect::connect(url, token, options).await
    }

    pub(crate) fn new(room: Handle, local: Handle, identity: String) -> Self {
        let handles = Arc::new(Handles { room, local });
        Self {
            inner: Arc::new(Inner {
                handles,
                identity,
                left: AtomicBool::new(false),
            }),
        }
    }

    /// Who we are in this room.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.inner.identity
    }

    fn local(&self) -> u64 {
        self.inner.handles.local.id()
    }

    /// Announces a microphone. To the SIP bridge, announcing *is* answering, whether or not a sound
    /// follows. Frames then come from [`MicrophoneTrack::source`].
    ///
    /// # Errors
    /// The token does not allow it, the room is gone, or the server refuses.
    pub async fn publish_microphone(&self, name: &str) -> Result<MicrophoneTrack, RequestError> {
        validate::track_name(name)?;
        microphone::publish(Arc::clone(&self.inner.handles), name).await
    }

    /// Asks for a publication, or gives it back. What comes of it arrives as an event.
    ///
    /// # Errors
    /// The publication is gone.
    pub fn set_subscribed(
        &self,
        publication: &RemotePublication,
        subscribe: bool,
    ) -> Result<(), RequestError> {
        ffi::request(ffi_request::Message::SetSubscribed(
            proto::SetSubscribedRequest {
                subscribe,
                publication_handle: publication.handle.id(),
            },
        ))
        .map(drop)
    }

    /// Who may hear which of our tracks: everybody every one (`None`), or only those named, each only the tracks named
    /// with them; a track announced later, and somebody who comes later, is then left out. Takes effect when the server
    /// has read it: whatever is asked of the server after this is answered after that.
    ///
    /// The engine says it again by itself when a connection is rebuilt, but with the former names of tracks that were
    /// announced anew: say it yourself after a full reconnect.
    ///
    /// # Errors
    /// A name that is none, or the room is gone.
    pub fn allow_hearing(&self, only: Option<&[Hearer]>) -> Result<(), RequestError> {
        let hearers = only.unwrap_or_default();
        validate::hearers(hearers)?;
        let permissions = hearers
            .iter()
            .map(|hearer| proto::ParticipantTrackPermission {
                participant_identity: hearer.identity.clone(),
                allow_all: Some(false),
                allowed_track_sids: hearer.tracks.clone(),
            })
            .collect();
        ffi::request(ffi_request::Message::SetTrackSubscriptionPermissions(
            proto::SetTrackSubscriptionPermissionsRequest {
                local_participant_handle: self.local(),
                all_participants_allowed: only.is_none(),
                permissions,
            },
        ))
        .map(drop)
    }

    /// Sends keys (`0-9 * # A-D`, `w` = half a second of pause) to phone legs; to every leg of the room
    /// if `destinations` is empty. The bridge plays them one after another.
    ///
    /// # Errors
    /// A key that is none, or the room is gone.
    pub async fn publish_dtmf(
        &self,
        keys: &str,
        destinations: &[&str],
    ) -> Result<(), RequestError> {
        validate::keys(keys)?;
        let destinations = identities(destinations)?;
        let answer = router::get()
            .ask(ANSWER_DEADLINE, |id| {
                ffi::request(ffi_request::Message::PublishSipDtmf(
                    proto::PublishSipDtmfRequest {
                        local_participant_handle: self.local(),
                        code: keys.chars().next().map_or(0, event_code),
                        digit: keys.to_owned(),
                        destination_identities: destinations,
                        request_async_id: Some(id),
                    },
                ))
                .map(drop)
            })
            .await?;
        router::plain(&answer)
    }

    /// Sends a data packet, reliably and in order; to everybody if `destinations` is empty.
    ///
    /// # Errors
    /// Too large, or the room is gone.
    pub async fn publish_data(
        &self,
        bytes: &[u8],
        topic: &str,
        destinations: &[&str],
    ) -> Result<(), RequestError> {
        validate::data(bytes, topic)?;
        let destinations = identities(destinations)?;
        let answer = router::get()
            .ask(ANSWER_DEADLINE, |id| {
                ffi::publish_data(&self.inner.handles.local, bytes, topic, destinations, id)
            })
            .await?;
        router::plain(&answer)
    }

    /// Sets own attributes, leaving others as they are. Needs the grant to update own metadata.
    ///
    /// # Errors
    /// Not valid, not allowed, or the room is gone.
    pub async fn set_attributes(&self, attributes: &[(&str, &str)]) -> Result<(), RequestError> {
        validate::attributes(attributes)?;
        let attributes = attributes
            .iter()
            .map(|(key, value)| proto::AttributesEntry {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let answer = router::get()
            .ask(ANSWER_DEADLINE, |id| {
                ffi::request(ffi_request::Message::SetLocalAttributes(
                    proto::SetLocalAttributesRequest {
                        local_participant_handle: self.local(),
                        attributes,
                        request_async_id: Some(id),
                    },
                ))
                .map(drop)
            })
            .await?;
        router::plain(&answer)
    }

    /// Calls a method of another participant and waits for its answer, `deadline` at most.
    ///
    /// # Errors
    /// Not made, or made and failed at the far side.
    pub async fn perform_rpc(
        &self,
        destination: &str,
        method: &str,
        payload: &str,
        deadline: Duration,
    ) -> Result<String, RpcFailure> {
        // The engine takes the round trip (7 s) off this and must not get below zero.
        const ENGINE_TIMEOUT_MS: u32 = 15_000;
        validate::identity(destination).map_err(RequestError::from)?;
        validate::rpc(method, payload).map_err(RequestError::from)?;
        let answer = router::get()
            .ask(deadline, |id| {
                ffi::request(ffi_request::Message::PerformRpc(proto::PerformRpcRequest {
                    local_participant_handle: self.local(),
                    destination_identity: destination.to_owned(),
                    method: method.to_owned(),
                    payload: payload.to_owned(),
                    response_timeout_ms: Some(ENGINE_TIMEOUT_MS),
                    request_async_id: Some(id),
                    max_round_trip_latency_ms: None,
                }))
                .map(drop)
            })
            .await?;
        let ffi_event::Message::PerformRpc(answer) = answer else {
            return Err(RequestError::Refused.into());
        };
        match answer.error {
            Some(error) => Err(RpcError {
                code: error.code,
                message: redact(&error.message),
            }
            .into()),
            None => Ok(answer.payload.unwrap_or_default()),
        }
    }

    /// What the connection has carried so far, in all.
    ///
    /// # Errors
    /// The room is gone.
    pub async fn session_stats(&self) -> Result<SessionStats, RequestError> {
        let answer = router::get()
            .ask_local(STATS_DEADLINE, |id| {
                ffi::request(ffi_request::Message::GetSessionStats(
                    proto::GetSessionStatsRequest {
                        room_handle: self.inner.handles.room.id(),
                        request_async_id: Some(id),
                    },
                ))
                .map(drop)
            })
            .await?;
        match answer {
            ffi_event::Message::GetSessionStats(proto::GetSessionStatsCallback {
                message: Some(get_session_stats_callback::Message::Result(result)),
                ..
            }) => Ok(SessionStats::from_proto(
                result
                    .publisher_stats
                    .iter()
                    .chain(&result.subscriber_stats),
            )),
            ffi_event::Message::GetSessionStats(proto::GetSessionStatsCallback {
                message: Some(get_session_stats_callback::Message::Error(error)),
                ..
            }) => Err(RequestError::Failed(redact(&error))),
            _other => Err(RequestError::Refused),
        }
    }

    /// Leaves the room and waits until that is done. The event queue then ends; `Disconnected` may or
    /// may not be among its last events.
    ///
    /// # Errors
    /// The engine did not confirm in time; it goes on leaving by itself.
    pub async fn disconnect(&self) -> Result<(), RequestError> {
        self.inner.left.store(true, Ordering::Release);
        let result = router::get()
            .ask(ANSWER_DEADLINE, |id| {
                disconnect_request(&self.inner.handles, id)
            })
            .await
            .map(drop);
        router::get().remove_room(self.inner.handles.room.id());
        match result {
            // The server ended it first and the engine has forgotten the room.
            Err(RequestError::Refused) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.left.load(Ordering::Acquire) {
            return;
        }
        let router = router::get();
        let id = router.fresh_id();
        let keep = Arc::clone(&self.handles);
        router.expect(id, move |_| {
            router::get().remove_room(keep.room.id());
            drop(keep);
        });
        if disconnect_request(&self.handles, id).is_err() {
            router.forget(id);
            router.remove_room(self.handles.room.id());
        }
    }
}

fn disconnect_request(handles: &Handles, id: u64) -> Result<(), RequestError> {
    ffi::request(ffi_request::Message::Disconnect(proto::DisconnectRequest {
        room_handle: handles.room.id(),
        request_async_id: Some(id),
        reason: None,
    }))
    .map(drop)
}

fn identities(list: &[&str]) -> Result<Vec<String>, RequestError> {
    for identity in list {
        validate::identity(identity)?;
    }
    Ok(list.iter().map(|identity| (*identity).to_owned()).collect())
}

/// The event code of a key by RFC 4733.
fn event_code(key: char) -> u32 {
    match key {
        '*' => 10,
        '#' => 11,
        'A'..='D' => u32::from(key) - u32::from('A') + 12,
        _ => key.to_digit(10).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_codes_of_rfc_4733() {
        let codes: Vec<u32> = "0123456789*#ABCD".chars().map(event_code).collect();
        assert_eq!(codes, (0..16).collect::<Vec<u32>>());
    }
}
