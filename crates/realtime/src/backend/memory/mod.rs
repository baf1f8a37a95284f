//! A LiveKit server with a SIP bridge and its phones, in this process: the same messages in the same order, at once
//! and without a network. For tests and for trying things; passes the same contract suite as the real one.

mod connection;
mod phone;
mod switches;
mod track;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use call::input::JoinFailure;
use call::state::{LeaveReason, LegStatus, ParticipantKind};
use call::{Identity, Role, RoomName};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use connection::{Connection, Events, Microphone};
pub use phone::Leg;
pub use switches::Switches;
pub use track::{Listening, MicrophoneSource, Offer, Track};

use super::{Event, Joined, Offer as AnyOffer, Person, Publication};
use crate::access::{Access, JoinRefused, TokenSource};
use track::Sound;

/// Events that may wait for one desk.
const QUEUE: usize = 1024;
const LEG_STATUS: &str = "sip.callStatus";

/// The server. Clones are the same one.
#[derive(Clone, Default)]
pub struct Server {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("memory::Server").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    rooms: BTreeMap<String, Vec<Member>>,
    tokens: BTreeMap<String, Grant>,
    switches: Switches,
    next: u64,
}

#[derive(Clone)]
struct Grant {
    room: String,
    identity: String,
    role: Role,
}

/// Somebody in a room.
struct Member {
    /// One join; a second join of the same identity is another session.
    session: u64,
    person: Person,
    role: Role,
    /// `None` for phone legs: they are told through [`phone`].
    events: Option<mpsc::Sender<Queued>>,
    tracks: Vec<Arc<Sound>>,
    phone: Option<Arc<phone::Far>>,
}

/// An event on its way, and since when.
#[derive(Debug)]
struct Queued {
    event: Event,
    at: Instant,
}

impl Member {
    fn is_hidden(&self) -> bool {
        self.role == Role::Watch
    }

    fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            let _behind = events.try_send(Queued {
                event,
                at: Instant::now(),
            });
        }
    }

    fn publications(&self) -> Vec<Publication> {
        self.tracks.iter().map(offer).collect()
    }
}

fn offer(sound: &Arc<Sound>) -> Publication {
    Publication {
        sid: sound.sid(),
        is_audio: true,
        offer: AnyOffer::Memory(Offer(Arc::clone(sound))),
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn room(&mut self, name: &str) -> &mut Vec<Member> {
        self.rooms.entry(name.to_owned()).or_default()
    }

    fn member(&mut self, room: &str, identity: &str) -> Option<&mut Member> {
        self.rooms
            .get_mut(room)?
            .iter_mut()
            .find(|member| member.person.identity == identity)
    }

    fn session(&mut self, room: &str, session: u64) -> Option<&mut Member> {
        self.rooms
            .get_mut(room)?
            .iter_mut()
            .find(|member| member.session == session)
    }

    /// To everybody but one.
    fn tell_others(&self, room: &str, except: u64, event: &Event) {
        for member in self.rooms.get(room).into_iter().flatten() {
            if member.session != except {
                member.send(event.clone());
            }
        }
    }

    fn enter(&mut self, room: &str, member: Member) {
        if !member.is_hidden() {
            let event = Event::Came(member.person.clone());
            self.tell_others(room, member.session, &event);
        }
        self.room(room).push(member);
    }

    /// Takes a member out: it is told `reason`, the others see its tracks go and then itself.
    fn expel(&mut self, room: &str, session: u64, reason: LeaveReason) -> bool {
        let Some(members) = self.rooms.get_mut(room) else {
            return false;
        };
        let Some(at) = members.iter().position(|member| member.session == session) else {
            return false;
        };
        let gone = members.remove(at);
        gone.send(Event::Closed { reason });
        if let Some(far) = &gone.phone {
            far.end();
        }
        if !gone.is_hidden() {
            for sound in &gone.tracks {
                self.take_back(room, &gone.person.identity, sound, session);
            }
            let identity = gone.person.identity;
            self.tell_others(room, session, &Event::Left { identity, reason });
        }
        true
    }

    fn take_back(&self, room: &str, identity: &str, sound: &Sound, owner: u64) {
        for member in self.rooms.get(room).into_iter().flatten() {
            if member.session == owner {
                continue;
            }
            if sound.is_heard_by(member.session) {
                member.send(Event::Unsubscribed {
                    identity: identity.to_owned(),
                    sid: sound.sid(),
                });
            }
            member.send(Event::Unpublished {
                identity: identity.to_owned(),
                sid: sound.sid(),
            });
        }
        sound.end();
    }

    /// Announces a track. A desk's microphone answers every leg that rings in its room.
    fn publish(&mut self, room: &str, session: u64) -> Option<Arc<Sound>> {
        let number = self.number();
        let member = self.session(room, session)?;
        let identity = member.person.identity.clone();
        let is_desk = member.person.kind == ParticipantKind::Standard;
        let sound = Arc::new(Sound::new(format!("TR_{number}"), identity.clone()));
        member.tracks.push(Arc::clone(&sound));
        let event = Event::Published {
            identity,
            publication: offer(&sound),
        };
        self.tell_others(room, session, &event);
        // A bridge hears whatever is announced in the room, other legs too.
        for member in self.room(room) {
            if let Some(far) = member.phone.as_ref().filter(|_| member.session != session) {
                far.hear(&sound);
            }
        }
        if is_desk {
            let legs: Vec<String> = self
                .room(room)
                .iter()
                .filter_map(|member| {
                    let rings_in = member.phone.as_ref()?.is_inbound()
                        && member
                            .person
                            .attributes
                            .get(LEG_STATUS)
                            .is_some_and(|s| s == "ringing");
                    rings_in.then(|| member.person.identity.clone())
                })
                .collect();
            for leg in legs {
                self.set_attribute(room, &leg, LEG_STATUS, "active");
            }
        }
        Some(sound)
    }

    /// What the desks announced gets new names, and everybody may hear it until told otherwise.
    fn rename_tracks(&mut self, room: &str) {
        let desks = self.rooms.get(room).into_iter().flatten();
        for member in desks.filter(|member| member.phone.is_none()) {
            for sound in &member.tracks {
                self.next += 1;
                let sid = format!("TR_{}", self.next);
                sound.allow(None);
                let previous = sound.rename(sid.clone());
                member.send(Event::Republished { previous, sid });
            }
        }
    }

    fn set_attribute(&mut self, room: &str, identity: &str, key: &str, value: &str) -> bool {
        let Some(member) = self.member(room, identity) else {
            return false;
        };
        if value.is_empty() {
            member.person.attributes.remove(key);
        } else {
            member
                .person
                .attributes
                .insert(key.to_owned(), value.to_owned());
        }
        let is_hidden = member.is_hidden();
        let event = Event::Attributes {
            identity: identity.to_owned(),
            changed: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        };
        if !is_hidden {
            self.tell_others(room, 0, &event);
        }
        true
    }
}

impl Server {
    /// A server with no rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to enter a room.
    #[must_use]
    pub fn access(&self, room: &RoomName, identity: &Identity, role: Role) -> Access {
        let mut state = self.lock();
        let token = format!("memory-{}", state.number());
        let grant = Grant {
            room: room.to_string(),
            identity: identity.to_string(),
            role,
        };
        state.tokens.insert(token.clone(), grant);
        Access::new("memory", token)
    }

    /// Gives every right that is asked for.
    #[must_use]
    pub fn tokens(&self) -> TokenSource {
        let server = self.clone();
        Arc::new(move |request| {
            let access = server.access(&request.room, &request.identity, request.role);
            Box::pin(async move { Ok(access) })
        })
    }

    /// Sets what goes wrong from now on.
    pub fn set(&self, switches: Switches) {
        self.lock().switches = switches;
    }

    /// Takes somebody out of a room; a phone leg is hung up. False if there was nobody by that name.
    pub fn remove(&self, room: &RoomName, identity: &Identity) -> bool {
        let mut state = self.lock();
        let Some(session) = state
            .member(room.as_str(), identity.as_str())
            .map(|member| member.session)
        else {
            return false;
        };
        state.expel(room.as_str(), session, LeaveReason::ParticipantRemoved)
    }

    /// Deletes a room and everybody in it. False if there is none.
    pub fn delete_room(&self, room: &RoomName) -> bool {
        let mut state = self.lock();
        let Some(members) = state.rooms.get(room.as_str()) else {
            return false;
        };
        let sessions: Vec<u64> = members.iter().map(|member| member.session).collect();
        for session in sessions {
            state.expel(room.as_str(), session, LeaveReason::RoomDeleted);
        }
        state.rooms.remove(room.as_str()).is_some()
    }

    /// Who is in a room, hidden desks included.
    #[must_use]
    pub fn identities(&self, room: &RoomName) -> Vec<String> {
        let state = self.lock();
        let members = state.rooms.get(room.as_str()).into_iter().flatten();
        members
            .map(|member| member.person.identity.clone())
            .collect()
    }

    /// The engine of every desk goes down: its news end without a word, and the server learns that the desk is gone.
    pub fn break_engines(&self) {
        let mut state = self.lock();
        let desks: Vec<(String, u64)> = state
            .rooms
            .iter_mut()
            .flat_map(|(room, members)| members.iter_mut().map(move |member| (room, member)))
            .filter_map(|(room, member)| {
                member.events.take()?;
                Some((room.clone(), member.session))
            })
            .collect();
        for (room, session) in desks {
            state.expel(&room, session, LeaveReason::ClientInitiated);
        }
    }

    /// The server stops answering without closing anything, or goes on: the packets of all phones stop.
    pub fn freeze(&self, freeze: bool) {
        let state = self.lock();
        for far in state
            .rooms
            .values()
            .flatten()
            .filter_map(|member| member.phone.as_ref())
        {
            far.hold_packets(freeze);
        }
    }

    /// Every desk's connection is rebuilt, and nobody else's: its tracks get new names and are open to everybody.
    pub fn rebuild_connections(&self) {
        let mut state = self.lock();
        let names: Vec<String> = state.rooms.keys().cloned().collect();
        for room in names {
            state.tell_others(&room, 0, &Event::Reconnecting);
            state.rename_tracks(&room);
            state.tell_others(&room, 0, &Event::Reconnected);
        }
    }

    /// The server crashes and comes back: every desk sees its connection break, the phone legs leave for no reason,
    /// and all is rebuilt, with new tracks and with the legs' attributes as they were at their first join.
    pub fn crash_and_recover(&self) {
        let mut state = self.lock();
        let names: Vec<String> = state.rooms.keys().cloned().collect();
        for room in names {
            state.tell_others(&room, 0, &Event::Reconnecting);
            let legs: Vec<u64> = state
                .room(&room)
                .iter()
                .filter(|member| member.phone.is_some())
                .map(|member| member.session)
                .collect();
            for session in &legs {
                let Some(member) = state.session(&room, *session) else {
                    continue;
                };
                let identity = member.person.identity.clone();
                let tracks = std::mem::take(&mut member.tracks);
                for sound in tracks {
                    state.take_back(&room, &identity, &sound, *session);
                }
                let left = Event::Left {
                    identity,
                    reason: LeaveReason::Unknown,
                };
                state.tell_others(&room, *session, &left);
            }
            state.rename_tracks(&room);
            for session in legs {
                let Some(member) = state.session(&room, session) else {
                    continue;
                };
                if let Some(far) = &member.phone {
                    let first = if far.is_inbound() {
                        "ringing"
                    } else {
                        "dialing"
                    };
                    member
                        .person
                        .attributes
                        .insert(LEG_STATUS.into(), first.into());
                }
                let came = Event::Came(member.person.clone());
                let far = member.phone.clone();
                state.tell_others(&room, session, &came);
                if let (Some(sound), Some(far)) = (state.publish(&room, session), far) {
                    far.speak_into(sound);
                }
            }
            state.tell_others(&room, 0, &Event::Reconnected);
        }
    }

    pub(super) async fn connect(&self, access: &Access) -> Result<Joined, JoinRefused> {
        let refused = |why, detail: &str| JoinRefused {
            why,
            detail: detail.to_owned(),
        };
        let delay = self.lock().switches.delay;
        tokio::time::sleep(delay).await;
        let mut state = self.lock();
        if let Some(why) = state.switches.refuse {
            return Err(refused(why, "the switch `refuse` is on"));
        }
        let Some(grant) = state.tokens.get(access.token()).cloned() else {
            return Err(refused(
                JoinFailure::Refused,
                "401 Unauthorized - invalid token: <token>",
            ));
        };
        let (room, identity) = (grant.room, grant.identity);
        if let Some(older) = state.member(&room, &identity).map(|member| member.session) {
            state.expel(&room, older, LeaveReason::DuplicateIdentity);
        }
        let present = state
            .room(&room)
            .iter()
            .filter(|member| !member.is_hidden())
            .map(|member| (member.person.clone(), member.publications()))
            .collect();
        let session = state.number();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let person = Person {
            identity: identity.clone(),
            name: String::new(),
            kind: ParticipantKind::Standard,
            attributes: BTreeMap::new(),
        };
        state.enter(
            &room,
            Member {
                session,
                person,
                role: grant.role,
                events: Some(sender),
                tracks: Vec::new(),
                phone: None,
            },
        );
        drop(state);
        Ok(Joined {
            connection: super::Connection::Memory(Connection::new(
                self.clone(),
                room,
                identity,
                session,
            )),
            events: super::Events::Memory(Events::new(self.clone(), receiver)),
            present,
        })
    }

    /// Somebody rings in: a room of its own with the caller's leg, which rings until a desk publishes.
    #[must_use]
    pub fn ring_in(&self, from: &str) -> Leg {
        let room = {
            let mut state = self.lock();
            format!("{}_{from}_{}", RoomName::INBOUND_PREFIX, state.number())
        };
        self.add_leg(&room, &format!("sip_{from}"), LegStatus::Ringing, true)
    }

    /// A phone is dialled from a room. It does nothing until the [`Leg`] is told to.
    #[must_use]
    pub fn place(&self, room: &RoomName, identity: &Identity) -> Leg {
        self.add_leg(room.as_str(), identity.as_str(), LegStatus::Dialing, false)
    }

    fn add_leg(&self, room: &str, identity: &str, status: LegStatus, inbound: bool) -> Leg {
        let far = phone::Far::new(identity, inbound);
        let mut state = self.lock();
        let session = state.number();
        let person = Person {
            identity: identity.to_owned(),
            name: String::new(),
            kind: ParticipantKind::Sip,
            attributes: BTreeMap::from([(LEG_STATUS.into(), phone::word(status).into())]),
        };
        let member = Member {
            session,
            person,
            role: Role::Talk,
            events: None,
            tracks: Vec::new(),
            phone: Some(Arc::clone(&far)),
        };
        for other in state.room(room) {
            for sound in &other.tracks {
                far.hear(sound);
            }
        }
        state.enter(room, member);
        if let Some(sound) = state.publish(room, session) {
            far.speak_into(sound);
        }
        drop(state);
        Leg::new(self.clone(), room, identity, far)
    }
}

/// A microphone source that no room hears, for tests of what feeds it.
#[must_use]
pub fn loose_source() -> MicrophoneSource {
    MicrophoneSource::new(Arc::new(Sound::new("TR_loose".into(), "nobody".into())))
}
