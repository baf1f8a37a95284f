//! The few requests a telephone makes, in its own words. What comes back is hostile: names that are no names are skipped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use call::input::Trunk;
use call::number::{self, same_number};
use call::routing::is_meant;
use call::state::{LegStatus, ParticipantKind};
use call::{Identity, RoomName};
use livekit_protocol as proto;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::account::Account;
use crate::token::Purpose;
use crate::twirp::{ORDINARY, RequestError, Twirp};
use crate::watchers::{News, ReceivedEvent, Source, WatcherNews};

/// The bridge's own deadline comes first; this is for a server that never answers.
const BEYOND_RINGING: Duration = Duration::from_secs(5);

/// The attribute of a leg that rings one desk only, by that desk's id: a test ring is nobody else's business. Only who holds
/// the project's secret can set it.
pub(crate) const RINGS_AT: &str = "deskline.ringsAt";

/// A room of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomSeen {
    pub(crate) name: RoomName,
    pub(crate) created_unix_ms: i64,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attendant {
    pub(crate) identity: Identity,
    pub(crate) kind: ParticipantKind,
    pub(crate) name: String,
    /// `sip.callStatus`.
    pub(crate) status: Option<LegStatus>,
    /// `sip.callID`: the bridge's name of the call; kept when the leg comes back after a crash of the server.
    pub(crate) sip_call: String,
    /// `sip.phoneNumber`: the far number.
    pub(crate) number: String,
    /// `sip.trunkPhoneNumber`: ours.
    pub(crate) trunk_number: String,
    /// The one desk it means to ring; "": any.
    pub(crate) rings_at: String,
    /// By the server's clock.
    pub(crate) joined_unix_ms: i64,
}

/// An outbound trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutboundTrunk {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) numbers: Vec<String>,
}

impl OutboundTrunk {
    /// As a person sees it.
    pub(crate) fn shown(&self) -> Trunk {
        Trunk {
            id: self.id.clone(),
            name: self.name.clone(),
            numbers: self.numbers.clone(),
        }
    }

    /// The number that the far end is to see. Of a trunk with several LiveKit takes any, so one is always named; never one
    /// that the trunk does not have.
    pub(crate) fn shows(&self, asked: Option<&str>) -> Option<&str> {
        let own = self.numbers.iter();
        let asked = asked.and_then(|asked| own.clone().find(|number| same_number(number, asked)));
        let first = || {
            let is_number = |number: &&String| number.starts_with('+');
            self.numbers.iter().find(is_number)
        };
        asked.or_else(first).map(String::as_str)
    }

    /// Is this the trunk that a person means by name, id or number?
    fn is(&self, line: &str) -> bool {
        is_meant(line, &self.id, [&self.name], &self.numbers)
    }
}

/// The trunk for a call: the first, or the one that was asked for.
pub(crate) fn choose<'a>(
    trunks: &'a [OutboundTrunk],
    line: Option<&str>,
) -> Option<&'a OutboundTrunk> {
    match line {
        None => trunks.first(),
        Some(line) => trunks.iter().find(|trunk| trunk.is(line)),
    }
}

/// The server of the account as it is at the moment. Clones share its connection.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    account: watch::Receiver<Option<Account>>,
    current: Arc<Mutex<Option<Server>>>,
    news: News,
}

impl Servers {
    pub(crate) fn new(account: watch::Receiver<Option<Account>>, news: News) -> Self {
        Self {
            account,
            current: Arc::default(),
            news,
        }
    }

    /// `Ok(None)`: nobody is signed in.
    pub(crate) fn get(&self) -> Result<Option<Server>, RequestError> {
        let account = self.account.borrow().clone();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().map(|server| server.twirp.account()) != account.as_ref() {
            let server = |account| Server::new(account, self.news.clone());
            *current = account.map(server).transpose()?;
        }
        Ok(current.clone())
    }
}

/// Requests to one server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    twirp: Twirp,
    news: News,
}

impl Server {
    fn new(account: Account, news: News) -> Result<Self, RequestError> {
        let twirp = Twirp::new(account)?;
        Ok(Self { twirp, news })
    }

    /// Says what the server answered to a request that changes a call, for the event log.
    fn note<A: Serialize>(
        &self,
        kind: &str,
        room: &RoomName,
        asked: Value,
        answer: &Result<A, RequestError>,
    ) {
        let answer = match answer {
            Ok(answer) => json!(answer),
            Err(RequestError::Said(said)) => {
                json!({ "code": said.code, "message": said.msg, "meta": said.meta })
            }
            Err(error) => json!({ "failed": error.detail() }),
        };
        let payload = json!({
            "room": { "name": room.as_str() },
            "asked": asked,
            "answer": answer,
        });
        self.news.tell(WatcherNews::Received(ReceivedEvent {
            source: Source::Request,
            kind: kind.to_owned(),
            payload: payload.to_string(),
        }));
    }

    /// The rooms of callers.
    pub(crate) async fn inbound_rooms(&self) -> Result<Vec<RoomSeen>, RequestError> {
        let query = proto::ListRoomsRequest::default();
        let answer: proto::ListRoomsResponse = self
            .twirp
            .ask(
                "RoomService/ListRooms",
                Purpose::ListRooms,
                &query,
                ORDINARY,
            )
            .await?;
        let rooms = answer.rooms.into_iter().filter_map(|room| {
            let name = RoomName::parse(&room.name).ok()?;
            let created_unix_ms = if room.creation_time_ms > 0 {
                room.creation_time_ms
            } else {
                room.creation_time.saturating_mul(1000)
            };
            name.is_inbound().then_some(RoomSeen {
                name,
                created_unix_ms,
            })
        });
        Ok(rooms.collect())
    }

    /// Who is in a room, hidden ones included. A room that does not exist is empty.
    pub(crate) async fn attendants(&self, room: &RoomName) -> Result<Vec<Attendant>, RequestError> {
        let participants = self.participants(room).await?;
        Ok(participants.into_iter().filter_map(attendant).collect())
    }

    async fn participants(
        &self,
        room: &RoomName,
    ) -> Result<Vec<proto::ParticipantInfo>, RequestError> {
        let query = proto::ListParticipantsRequest {
            room: room.as_str().to_owned(),
        };
        let answer: proto::ListParticipantsResponse = self
            .twirp
            .ask(
                "RoomService/ListParticipants",
                Purpose::Attend(room),
                &query,
                ORDINARY,
            )
            .await?;
        Ok(answer.participants)
    }

    /// Removes a participant; was it there?
    pub(crate) async fn remove(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<bool, RequestError> {
        let query = proto::RoomParticipantIdentity {
            room: room.as_str().to_owned(),
            identity: identity.as_str().to_owned(),
            ..Default::default()
        };
        let answer = self
            .twirp
            .ask(
                "RoomService/RemoveParticipant",
                Purpose::Attend(room),
                &query,
                ORDINARY,
            )
            .await;
        let found = found(answer.map(|_: proto::RemoveParticipantResponse| ()));
        let asked = json!({ "participant": identity.as_str() });
        self.note("remove_participant", room, asked, &found);
        found
    }

    /// Deletes a room; was it there?
    pub(crate) async fn delete_room(&self, room: &RoomName) -> Result<bool, RequestError> {
        let query = proto::DeleteRoomRequest {
            room: room.as_str().to_owned(),
        };
        let answer = self
            .twirp
            .ask(
                "RoomService/DeleteRoom",
                Purpose::DeleteRoom,
                &query,
                ORDINARY,
            )
            .await;
        let found = found(answer.map(|_: proto::DeleteRoomResponse| ()));
        self.note("delete_room", room, json!({}), &found);
        found
    }

    /// The trunks for calls to the outside, in the server's order. (The answer carries provider passwords; nothing but
    /// name and numbers is kept of it.)
    pub(crate) async fn trunks(&self) -> Result<Vec<OutboundTrunk>, RequestError> {
        let query = proto::ListSipOutboundTrunkRequest::default();
        let answer: proto::ListSipOutboundTrunkResponse = self
            .twirp
            .ask(
                "SIP/ListSIPOutboundTrunk",
                Purpose::ListTrunks,
                &query,
                ORDINARY,
            )
            .await?;
        let trunk = |item: proto::SipOutboundTrunkInfo| OutboundTrunk {
            id: item.sip_trunk_id,
            name: number::display_name(&item.name).unwrap_or_default(),
            numbers: item.numbers,
        };
        Ok(answer.items.into_iter().map(trunk).collect())
    }

    /// Dials, and comes back when the far end has answered.
    pub(crate) async fn dial(
        &self,
        (trunk, caller_id): (&str, Option<&str>),
        to: &str,
        room: &RoomName,
        leg: &Identity,
        ring_for: Duration,
    ) -> Result<(), RequestError> {
        let mut query = proto::CreateSipParticipantRequest {
            sip_trunk_id: trunk.to_owned(),
            sip_call_to: to.to_owned(),
            sip_number: caller_id.unwrap_or_default().to_owned(),
            room_name: room.as_str().to_owned(),
            participant_identity: leg.as_str().to_owned(),
            wait_until_answered: true,
            ..Default::default()
        };
        let ringing = query.ringing_timeout.get_or_insert_default();
        (ringing.seconds, ringing.nanos) = in_words(ring_for);
        let within = ring_for.saturating_add(BEYOND_RINGING);
        let answer: Result<proto::SipParticipantInfo, _> = self
            .twirp
            .ask("SIP/CreateSIPParticipant", Purpose::Dial, &query, within)
            .await;
        let answer = answer.map(|info| info.sip_call_id);
        let asked = json!({ "participant": leg.as_str(), "number": to, "trunk": trunk, "caller_id": caller_id });
        self.note("create_sip_participant", room, asked, &answer);
        answer.map(drop)
    }

    /// Hands a leg over (SIP REFER) to a `tel:` or `sip:` address, and comes back when the far end has told how it went.
    pub(crate) async fn transfer(
        &self,
        room: &RoomName,
        leg: &Identity,
        to: &str,
        within: Duration,
    ) -> Result<(), RequestError> {
        let mut query = proto::TransferSipParticipantRequest {
            participant_identity: leg.as_str().to_owned(),
            room_name: room.as_str().to_owned(),
            transfer_to: to.to_owned(),
            ..Default::default()
        };
        let ringing = query.ringing_timeout.get_or_insert_default();
        (ringing.seconds, ringing.nanos) = in_words(within);
        let within = within.saturating_add(BEYOND_RINGING);
        // The answer is empty on some servers and carries the outcome on others; a failure is an error on both.
        let answer: Result<proto::TransferSipParticipantResponse, _> = self
            .twirp
            .ask(
                "SIP/TransferSIPParticipant",
                Purpose::Transfer(room),
                &query,
                within,
            )
            .await;
        let answer = answer.map(drop);
        let asked = json!({ "participant": leg.as_str(), "to": to });
        self.note("transfer_sip_participant", room, asked, &answer);
        answer
    }

    /// The tracks of sound of everybody in a room.
    pub(crate) async fn sounds(
        &self,
        room: &RoomName,
    ) -> Result<Vec<(Identity, Vec<String>)>, RequestError> {
        let of = |info: proto::ParticipantInfo| {
            let identity = Identity::parse(&info.identity).ok()?;
            let audio = |track: &proto::TrackInfo| track.r#type() == proto::TrackType::Audio;
            let tracks = info.tracks.into_iter().filter(audio);
            Some((identity, tracks.map(|track| track.sid).collect()))
        };
        Ok(self
            .participants(room)
            .await?
            .into_iter()
            .filter_map(of)
            .collect())
    }

    /// Lets somebody hear tracks, or no longer.
    pub(crate) async fn subscribe(
        &self,
        room: &RoomName,
        identity: &Identity,
        tracks: Vec<String>,
        hears: bool,
    ) -> Result<(), RequestError> {
        let query = proto::UpdateSubscriptionsRequest {
            room: room.as_str().to_owned(),
            identity: identity.as_str().to_owned(),
            track_sids: tracks,
            subscribe: hears,
            participant_tracks: Vec::new(),
        };
        let _: proto::UpdateSubscriptionsResponse = self
            .twirp
            .ask(
                "RoomService/UpdateSubscriptions",
                Purpose::Attend(room),
                &query,
                ORDINARY,
            )
            .await?;
        Ok(())
    }
}

/// Seconds and nanoseconds as the protocol wants them.
fn in_words(time: Duration) -> (i64, i32) {
    (
        i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        i32::try_from(time.subsec_nanos()).unwrap_or(0),
    )
}

fn found(answer: Result<(), RequestError>) -> Result<bool, RequestError> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn attendant(mut info: proto::ParticipantInfo) -> Option<Attendant> {
    use proto::participant_info::{Kind, State};
    if info.state() == State::Disconnected {
        return None;
    }
    let Ok(identity) = Identity::parse(&info.identity) else {
        tracing::debug!("a participant has no usable identity");
        return None;
    };
    let kind = match Kind::try_from(info.kind) {
        Ok(Kind::Standard) => ParticipantKind::Standard,
        Ok(Kind::Sip) => ParticipantKind::Sip,
        Ok(Kind::Agent) => ParticipantKind::Agent,
        Ok(_) | Err(_) => ParticipantKind::Other,
    };
    let mut attribute = |name: &str| info.attributes.remove(name).unwrap_or_default();
    Some(Attendant {
        status: LegStatus::parse(&attribute("sip.callStatus")),
        sip_call: attribute("sip.callID"),
        number: attribute("sip.phoneNumber"),
        trunk_number: attribute("sip.trunkPhoneNumber"),
        rings_at: attribute(RINGS_AT),
        joined_unix_ms: if info.joined_at_ms > 0 {
            info.joined_at_ms
        } else {
            info.joined_at.saturating_mul(1000)
        },
        identity,
        kind,
        name: info.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(id: &str, name: &str, number: &str) -> OutboundTrunk {
        OutboundTrunk {
            id: id.into(),
            name: name.into(),
            numbers: vec![number.into()],
        }
    }

    #[test]
    fn a_line_is_known_by_name_number_or_id() {
        let trunks = [
            trunk("ST_1", "Demo line", "+12025550150"),
            trunk("ST_2", "Line 2", "+12025550151"),
        ];
        let id = |line| choose(&trunks, line).map(|trunk| trunk.id.as_str());
        assert_eq!(id(None), Some("ST_1"));
        assert_eq!(id(Some("line 2")), Some("ST_2"));
        assert_eq!(id(Some("ST_2")), Some("ST_2"));
        assert_eq!(id(Some("+1 (202) 555-0151")), Some("ST_2"));
        assert_eq!(id(Some("12025550150")), Some("ST_1"));
        assert_eq!(id(Some("Line 3")), None);
        assert_eq!(id(Some("")), None);
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn hostile_participants_are_skipped_or_made_harmless() {
        let info = |identity: &str, kind: i32| proto::ParticipantInfo {
            identity: identity.into(),
            kind,
            attributes: [("sip.callStatus".to_owned(), "nonsense".to_owned())].into(),
            ..Default::default()
        };
        assert_eq!(attendant(info("", 3)), None);
        assert_eq!(attendant(info("a\u{0}b", 3)), None);
        assert_eq!(attendant(info(&"a".repeat(300), 3)), None);
        assert_eq!(attendant(info("sip_x", 3)).unwrap().status, None);
        assert_eq!(
            attendant(info("x", 99)).unwrap().kind,
            ParticipantKind::Other
        );
    }
}
