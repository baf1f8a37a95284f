//! What happens in a room, in our own words.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ffi::Handle;
use crate::proto::{
    self, connect_callback, data_packet_received, ffi_event, publish_track_callback, room_event,
};
use crate::redact::redact;

/// What kind of participant somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParticipantKind {
    /// An ordinary client.
    Standard,
    /// A phone leg of the SIP bridge.
    Sip,
    /// An agent.
    Agent,
    /// Ingress, egress, connectors, bridges and kinds of a newer server.
    Other,
}

/// Why somebody left, or why we were disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisconnectReason {
    /// No reason was given.
    Unknown,
    /// By its own wish.
    ClientInitiated,
    /// Another connection took the identity.
    DuplicateIdentity,
    /// The server goes down.
    ServerShutdown,
    /// Removed through the server's API.
    ParticipantRemoved,
    /// The room was deleted.
    RoomDeleted,
    /// Client and server disagreed about the session.
    StateMismatch,
    /// The join did not complete.
    JoinFailure,
    /// Moved to another server.
    Migration,
    /// The signalling connection closed.
    SignalClose,
    /// The room closed because nobody was left.
    RoomClosed,
    /// The far end of a phone leg could not be reached.
    UserUnavailable,
    /// The far end of a phone leg refused.
    UserRejected,
    /// The trunk of a phone leg failed.
    SipTrunkFailure,
    /// The server lost contact.
    ConnectionTimeout,
    /// No media passed.
    MediaFailure,
    /// An agent failed.
    AgentError,
}

impl DisconnectReason {
    pub(crate) fn from_proto(value: i32) -> Self {
        use proto::DisconnectReason as P;
        match P::try_from(value).unwrap_or(P::UnknownReason) {
            P::UnknownReason => Self::Unknown,
            P::ClientInitiated => Self::ClientInitiated,
            P::DuplicateIdentity => Self::DuplicateIdentity,
            P::ServerShutdown => Self::ServerShutdown,
            P::ParticipantRemoved => Self::ParticipantRemoved,
            P::RoomDeleted => Self::RoomDeleted,
            P::StateMismatch => Self::StateMismatch,
            P::JoinFailure => Self::JoinFailure,
            P::Migration => Self::Migration,
            P::SignalClose => Self::SignalClose,
            P::RoomClosed => Self::RoomClosed,
            P::UserUnavailable => Self::UserUnavailable,
            P::UserRejected => Self::UserRejected,
            P::SipTrunkFailure => Self::SipTrunkFailure,
            P::ConnectionTimeout => Self::ConnectionTimeout,
            P::MediaFailure => Self::MediaFailure,
            P::AgentError => Self::AgentError,
        }
    }
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
    /// Not said.
    Unknown,
}

impl TrackKind {
    fn from_proto(value: i32) -> Self {
        match proto::TrackKind::try_from(value) {
            Ok(proto::TrackKind::KindAudio) => Self::Audio,
            Ok(proto::TrackKind::KindVideo) => Self::Video,
            Ok(proto::TrackKind::KindUnknown) | Err(_) => Self::Unknown,
        }
    }
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Unique in the room.
    pub identity: String,
    /// As told by the participant; may be empty.
    pub name: String,
    /// Client, phone leg, agent.
    pub kind: ParticipantKind,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// What it publishes. Filled in the answer to a connect; later publications come as events.
    pub publications: Vec<RemotePublication>,
}

impl Participant {
    pub(crate) fn from_proto(
        participant: proto::OwnedParticipant,
        publications: Vec<proto::OwnedTrackPublication>,
    ) -> Self {
        // Nothing is asked of a remote participant through its handle.
        drop(Handle::own(&participant.handle));
        let info = participant.info;
        Self {
            kind: match proto::ParticipantKind::try_from(info.kind) {
                Ok(proto::ParticipantKind::Standard) => ParticipantKind::Standard,
                Ok(proto::ParticipantKind::Sip) => ParticipantKind::Sip,
                Ok(proto::ParticipantKind::Agent) => ParticipantKind::Agent,
                Ok(
                    proto::ParticipantKind::Ingress
                    | proto::ParticipantKind::Egress
                    | proto::ParticipantKind::Connector
                    | proto::ParticipantKind::Bridge,
                )
                | Err(_) => ParticipantKind::Other,
            },
            attributes: sorted(info.attributes),
            publications: publications
                .into_iter()
                .map(RemotePublication::from_proto)
                .collect(),
            identity: info.identity,
            name: info.name,
        }
    }
}

fn sorted(map: HashMap<String, String>) -> BTreeMap<String, String> {
    map.into_iter().collect()
}

fn entries(list: Vec<proto::AttributesEntry>) -> BTreeMap<String, String> {
    list.into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect()
}

/// A track somebody offers. Hearing it needs [`Room::set_subscribed`](crate::Room::set_subscribed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePublication {
    /// The server's name for it.
    pub sid: String,
    /// Sound or picture.
    pub kind: TrackKind,
    /// Muted when it was announced.
    pub muted: bool,
    pub(crate) handle: Arc<Handle>,
}

impl RemotePublication {
    fn from_proto(publication: proto::OwnedTrackPublication) -> Self {
        Self {
            handle: Arc::new(Handle::own(&publication.handle)),
            kind: TrackKind::from_proto(publication.info.kind),
            muted: publication.info.muted,
            sid: publication.info.sid,
        }
    }
}

/// A subscribed track. Its sound comes from an [`AudioStream`](crate::AudioStream).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTrack {
    /// The server's name for it.
    pub sid: String,
    /// Sound or picture.
    pub kind: TrackKind,
    pub(crate) handle: Arc<Handle>,
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomEvent {
    /// Somebody came.
    ParticipantJoined(Participant),
    /// Somebody left.
    ParticipantLeft {
        /// Who.
        identity: String,
        /// Why.
        reason: DisconnectReason,
    },
    /// Attributes of somebody changed, ourselves included.
    AttributesChanged {
        /// Whose.
        identity: String,
        /// What changed; an empty value was removed.
        changed: BTreeMap<String, String>,
    },
    /// Somebody announced a track.
    TrackPublished {
        /// Who.
        identity: String,
        /// What.
        publication: RemotePublication,
    },
    /// Somebody took a track back.
    TrackUnpublished {
        /// Who.
        identity: String,
        /// Which.
        sid: String,
    },
    /// A track we asked for is here. After a full reconnect it comes again, as a new track.
    TrackSubscribed {
        /// Whose.
        identity: String,
        /// The track.
        track: RemoteTrack,
    },
    /// A track is no longer here.
    TrackUnsubscribed {
        /// Whose.
        identity: String,
        /// Which.
        sid: String,
    },
    /// A track we asked for cannot be had.
    TrackSubscriptionFailed {
        /// Whose.
        identity: String,
        /// Which.
        sid: String,
    },
    /// Somebody muted or unmuted a track, ourselves included.
    TrackMuted {
        /// Who.
        identity: String,
        /// Which.
        sid: String,
        /// Muted?
        muted: bool,
    },
    /// Our own track has a new name after a full reconnect; its handles stay.
    LocalTrackRepublished {
        /// The former name.
        previous: String,
        /// The new name.
        sid: String,
    },
    /// A phone leg sent a key.
    Keys {
        /// Which leg.
        identity: String,
        /// As the bridge wrote it.
        digit: String,
    },
    /// A data packet came.
    Data {
        /// From whom; empty from the server.
        identity: String,
        /// Its topic; may be empty.
        topic: String,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// The connection is being rebuilt. What looks like people leaving until `Reconnected` proves nothing.
    Reconnecting,
    /// The connection is back.
    Reconnected,
    /// The connection is over. May be missing after our own disconnect.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
    /// Nothing will follow.
    Ended,
}

/// Translates and takes over every handle. `None` for what a telephone has no use for.
pub(crate) fn from_proto(message: room_event::Message) -> Option<RoomEvent> {
    use room_event::Message as M;
    Some(match message {
        M::ParticipantConnected(joined) => {
            RoomEvent::ParticipantJoined(Participant::from_proto(joined.info, Vec::new()))
        }
        M::ParticipantDisconnected(left) => RoomEvent::ParticipantLeft {
            identity: left.participant_identity,
            reason: DisconnectReason::from_proto(left.disconnect_reason),
        },
        M::ParticipantAttributesChanged(change) => RoomEvent::AttributesChanged {
            identity: change.participant_identity,
            changed: entries(change.changed_attributes),
        },
        M::TrackPublished(published) => RoomEvent::TrackPublished {
            identity: published.participant_identity,
            publication: RemotePublication::from_proto(published.publication),
        },
        M::TrackUnpublished(gone) => RoomEvent::TrackUnpublished {
            identity: gone.participant_identity,
            sid: gone.publication_sid,
        },
        M::TrackSubscribed(subscribed) => RoomEvent::TrackSubscribed {
            identity: subscribed.participant_identity,
            track: RemoteTrack {
                handle: Arc::new(Handle::own(&subscribed.track.handle)),
                kind: TrackKind::from_proto(subscribed.track.info.kind),
                sid: subscribed.track.info.sid,
            },
        },
        M::TrackUnsubscribed(gone) => RoomEvent::TrackUnsubscribed {
            identity: gone.participant_identity,
            sid: gone.track_sid,
        },
        M::TrackSubscriptionFailed(failed) => {
            tracing::debug!(error = %redact(&failed.error), "a track cannot be heard");
            RoomEvent::TrackSubscriptionFailed {
                identity: failed.participant_identity,
                sid: failed.track_sid,
            }
        }
        M::TrackMuted(change) => RoomEvent::TrackMuted {
            identity: change.participant_identity,
            sid: change.track_sid,
            muted: true,
        },
        M::TrackUnmuted(change) => RoomEvent::TrackMuted {
            identity: change.participant_identity,
            sid: change.track_sid,
            muted: false,
        },
        M::LocalTrackRepublished(again) => RoomEvent::LocalTrackRepublished {
            previous: again.previous_sid,
            sid: again.info.sid,
        },
        M::DataPacketReceived(packet) => match packet.value? {
            data_packet_received::Value::SipDtmf(key) => RoomEvent::Keys {
                identity: packet.participant_identity,
                digit: key.digit.unwrap_or_else(|| digit_of(key.code)),
            },
            // Came with an address and was taken out of the event in `ffi`.
            data_packet_received::Value::User(_) => return None,
        },
        M::Reconnecting(_) => RoomEvent::Reconnecting,
        M::Reconnected(_) => RoomEvent::Reconnected,
        M::Disconnected(gone) => RoomEvent::Disconnected {
            reason: DisconnectReason::from_proto(gone.reason),
        },
        M::Eos(_) => RoomEvent::Ended,
        M::ByteStreamOpened(opened) => {
            drop(Handle::own(&opened.reader.handle));
            return None;
        }
        M::TextStreamOpened(opened) => {
            drop(Handle::own(&opened.reader.handle));
            return None;
        }
        M::DataTrackPublished(published) => {
            drop(Handle::own(&published.track.handle));
            return None;
        }
        _ => return None,
    })
}

/// The key with an event code of RFC 4733.
fn digit_of(code: u32) -> String {
    char::from_digit(code, 10)
        .or(match code {
            10 => Some('*'),
            11 => Some('#'),
            12 => Some('A'),
            13 => Some('B'),
            14 => Some('C'),
            15 => Some('D'),
            _ => None,
        })
        .map(String::from)
        .unwrap_or_default()
}

/// Gives back what an answer nobody waits for has brought along.
pub(crate) fn release(message: ffi_event::Message) {
    // A room that was being entered while the engine broke: it goes when that is ended.
    if let ffi_event::Message::Connect(proto::ConnectCallback {
        message: Some(connect_callback::Message::Result(result)),
        ..
    }) = message
    {
        drop(Handle::own(&result.room.handle));
        drop(Handle::own(&result.local_participant.handle));
        for joined in result.participants {
            drop(Participant::from_proto(
                joined.participant,
                joined.publications,
            ));
        }
        return;
    }
    if let ffi_event::Message::PublishTrack(proto::PublishTrackCallback {
        message: Some(publish_track_callback::Message::Publication(publication)),
        ..
    }) = message
    {
        drop(Handle::own(&publication.handle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_digit_is_read_from_its_code() {
        let keys: String = (0..18).map(digit_of).collect();
        assert_eq!(keys, "0123456789*#ABCD");
    }

    #[test]
    fn a_reason_of_a_newer_engine_is_unknown() {
        assert_eq!(DisconnectReason::from_proto(99), DisconnectReason::Unknown);
        assert_eq!(
            DisconnectReason::from_proto(12),
            DisconnectReason::UserRejected
        );
    }

    #[test]
    fn a_kind_of_a_newer_engine_is_not_a_colleague() {
        let participant = |kind| {
            Participant::from_proto(
                proto::OwnedParticipant {
                    info: proto::ParticipantInfo {
                        kind,
                        ..Default::default()
                    },
                    ..Default::default()
                },
                Vec::new(),
            )
        };
        assert_eq!(participant(0).kind, ParticipantKind::Standard);
        assert_eq!(participant(3).kind, ParticipantKind::Sip);
        assert_eq!(participant(77).kind, ParticipantKind::Other);
    }
}
