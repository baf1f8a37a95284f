//! A simulated server with its phones, colleagues, journal and sound system, and a person at the desk.
//!
//! The world knows the truth (which leg is up, who answered it), so it can tell at the end whether a leg was forgotten,
//! and at any time whether this desk cut into somebody else's conversation.

#[path = "world/callers.rs"] // found from whichever test target takes this file
mod callers;
#[path = "world/people.rs"]
mod people;
#[path = "world/server.rs"]
mod server;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use call::input::{
    AudioFact, Intent, JoinFailure, LegFact, LogFact, Offer, Orphan, OtherCall, PlaceFailure,
    RoomFact, TransferFailure, WatchFact,
};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand};
use call::settings::{Availability, DeclinePolicy, WhenClosed};
use call::state::{Direction, LeaveReason, LegStatus, Participant, ParticipantKind};
use call::view::PersonState;
use call::{CallId, DeskSettings, Identity, Input, Link, Output, Role, RoomName};
use fastrand::Rng;

use crate::observer::Observer;
use crate::support::{
    NUMBER, OTHER, START_MS, colleague, id, inbound_room, leg_of, person_of, phone_leg, ready, way,
};

/// How often things go wrong, in per mille.
#[derive(Clone, Copy)]
pub(crate) struct Faults {
    lost: u32,
    twice: u32,
    late: u32,
    refused: u32,
    crashes: bool,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self {
            lost: 0,
            twice: 0,
            late: 0,
            refused: 0,
            crashes: false,
        }
    }

    pub(crate) fn bad() -> Self {
        Self {
            lost: 40,
            twice: 60,
            late: 100,
            refused: 60,
            crashes: true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Us,
    Colleague,
}

#[derive(Default)]
struct Room {
    inbound: bool,
    call: Option<CallId>,
    leg: Option<LegStatus>,
    /// Its name; `None`: as the first leg of a call.
    leg_name: Option<Identity>,
    ours: HashSet<Link>,
    /// Who can be seen, in the order of joining.
    visible: Vec<Identity>,
    answered_by: Option<By>,
    /// The dial request waits.
    place_open: bool,
    /// The server said once that no other desk is there.
    looked_alone: bool,
    /// Our microphone was announced although we were told otherwise.
    phantom: bool,
    people: people::People,
}

enum Event {
    Tell(Input),
    Serve(Output),
    LegAppears(RoomName, CallId, Identity),
    FarEnd(RoomName, LegStatus),
    Refuses(RoomName, u16),
    PersonAppears(RoomName, CallId, Identity),
    PersonFar(RoomName, Identity, LegStatus),
    PersonRefuses(RoomName, Identity, u16),
    NewCaller,
    ColleagueJoins(RoomName),
    ColleagueActs(RoomName, Identity),
    GhostGoes(RoomName, Identity),
    Person,
    Crash,
    Back,
}

pub(crate) struct World {
    pub(crate) observer: Observer,
    pub(crate) rng: Rng,
    /// Nothing but the truth was told: then the end must be clean.
    pub(crate) truthful: bool,
    faults: Faults,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    rooms: HashMap<RoomName, Room>,
    down: bool,
    /// No new calls, no far end that acts, a server that keeps its word.
    closing: bool,
    callers: u32,
    dials: u32,
}

impl World {
    pub(crate) fn new(kind: &'static str, seed: u64, faults: Faults) -> Self {
        let mut world = Self {
            observer: Observer::new(kind, seed),
            rng: Rng::with_seed(seed),
            truthful: true,
            faults,
            events: BTreeMap::new(),
            count: 0,
            rooms: HashMap::new(),
            down: false,
            closing: false,
            callers: 0,
            dials: 0,
        };
        world.observer.tell(Input::Line(ready()));
        world.at(3_000, Event::Person);
        world.at(20_000, Event::NewCaller);
        if faults.crashes {
            world.at(200_000, Event::Crash);
        }
        world
    }

    /// Some time within `ms` from now.
    fn at(&mut self, ms: u64, event: Event) {
        let after = Duration::from_micros(self.rng.u64(0..=ms * 1_000));
        self.exactly(after, event);
    }

    fn exactly(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events
            .insert((self.observer.now + after, self.count), event);
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        self.rng.u32(0..1_000) < per_mille
    }

    /// A fact on its way to the phone.
    fn tell(&mut self, input: Input) {
        if self.happens(self.faults.lost) {
            return;
        }
        if self.happens(self.faults.twice) {
            self.at(800, Event::Tell(input.clone()));
        }
        let late = if self.happens(self.faults.late) {
            3_000
        } else {
            5
        };
        self.at(late, Event::Tell(input));
    }

    fn tell_room(&mut self, link: &Link, fact: RoomFact) {
        let link = link.clone();
        self.tell(Input::Room { link, fact });
    }

    fn tell_leg(&mut self, call: &CallId, fact: LegFact) {
        let call = call.clone();
        self.tell(Input::Leg { call, fact });
    }

    /// Everybody of this desk in a room hears it.
    fn broadcast(&mut self, room: &RoomName, fact: RoomFact) {
        if self.down {
            return;
        }
        let mut links: Vec<Link> = self.rooms[room].ours.iter().cloned().collect();
        links.sort();
        for link in links {
            self.tell_room(&link, fact.clone());
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.observer.now + time;
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let deadline = self.observer.deadline;
            let Some(next) = event.into_iter().chain(deadline).min() else {
                break;
            };
            if next > until {
                break;
            }
            self.observer.now = self.observer.now.max(next);
            if event == Some(next) {
                let ((_, _), event) = self.events.pop_first().unwrap();
                self.happen(event);
            } else {
                self.observer.tell(Input::Tick);
            }
            self.check_privacy();
            self.serve_outputs();
        }
        self.observer.now = until;
    }

    /// Hands over what the phone asked for. One port is served in order.
    pub(crate) fn serve_outputs(&mut self) {
        for (n, output) in std::mem::take(&mut self.observer.pending)
            .into_iter()
            .enumerate()
        {
            let after = Duration::from_micros(500 + n as u64);
            self.exactly(after, Event::Serve(output));
        }
    }

    pub(crate) fn quit(&mut self) {
        self.observer.tell(Input::Intent(Intent::Quit));
        self.serve_outputs();
    }

    /// The server is good again, the person ends all calls, and ten minutes later nothing may be left.
    pub(crate) fn put_away(mut self) {
        self.closing = true;
        self.faults = Faults::none();
        if self.down {
            self.happen(Event::Back);
        }
        // somebody is called at the very end: the leg may come after everything was taken down
        for call in self.observer.phone.view().calls {
            let add = Intent::AddPerson {
                call: call.id,
                number: OTHER.into(),
                private: false,
            };
            self.observer.tell(Input::Intent(add));
        }
        self.serve_outputs();
        self.run_for(Duration::from_millis(5));
        let available = Intent::SetAvailability(Availability::Available);
        self.observer.tell(Input::Intent(available));
        // a call of an earlier run may still be on its way to us
        for _ in 0..2 {
            for call in self.observer.phone.view().calls {
                let call = call.id;
                self.observer.tell(Input::Intent(Intent::HangUp { call }));
            }
            self.serve_outputs();
            self.run_for(Duration::from_secs(450));
        }
        self.observer.all_done(&[]);
        for (name, room) in &self.rooms {
            let ours = !room.inbound || room.answered_by == Some(By::Us);
            let forgotten = ours && room.leg.is_some() && !room.phantom;
            assert!(!forgotten, "a leg was forgotten in {name}");
            assert!(
                room.people.legs.is_empty(),
                "somebody was forgotten in {name}"
            );
        }
        assert_eq!(self.observer.deadline, None, "something is still waiting");
    }

    // ---- what happens ----

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tell(input) => self.observer.tell(input),
            Event::Serve(output) => self.serve(output),
            Event::Person => {
                if !self.closing {
                    self.person();
                    self.at(8_000, Event::Person);
                }
            }
            Event::NewCaller => {
                if !self.closing {
                    self.new_caller();
                    self.at(60_000, Event::NewCaller);
                }
            }
            Event::LegAppears(room, call, leg) => self.leg_appears(&room, &call, leg),
            Event::FarEnd(room, status) => self.far_end(&room, status),
            Event::Refuses(room, code) => self.refuses(&room, code),
            Event::PersonAppears(room, call, leg) => self.person_appears(room, call, leg),
            Event::PersonFar(room, leg, status) => self.person_far(&room, &leg, status),
            Event::PersonRefuses(room, leg, code) => self.person_refuses(&room, &leg, code),
            Event::ColleagueJoins(room) => self.colleague_joins(&room),
            Event::ColleagueActs(room, who) => self.colleague_acts(&room, &who),
            Event::GhostGoes(room, who) => self.colleague_goes(&room, &who),
            Event::Crash => {
                if !self.closing {
                    self.crash();
                }
            }
            Event::Back => self.back(),
        }
    }

    fn person(&mut self) {
        if self.rng.u8(0..8) == 0 {
            return self.set_something();
        }
        let calls = self.observer.phone.view().calls;
        let Some(call) = self.rng.choice(calls.iter()).map(|call| call.id.clone()) else {
            return self.dial();
        };
        let intent = match self.rng.u8(0..28) {
            0..=2 => return self.dial(),
            3..=6 => Intent::Answer {
                call,
                other: *self.rng.choice(&[OtherCall::Hold, OtherCall::End]).unwrap(),
            },
            19..=27 => self.with_people(call),
            17 | 18 => Intent::Transfer {
                call,
                to: NUMBER.into(),
            },
            14..=16 => Intent::SetHeld {
                call,
                held: self.rng.bool(),
            },
            7 => Intent::Decline { call },
            8 => Intent::Silence { call },
            9 => Intent::HangUp { call },
            10 => Intent::Rejoin { call },
            11 => Intent::SetMuted {
                call,
                muted: self.rng.bool(),
            },
            12 => Intent::SendKeys {
                call,
                keys: "12#".into(),
            },
            _ => Intent::Dismiss { call },
        };
        self.observer.tell(Input::Intent(intent));
    }

    /// Settings and availability, whatever happens just then.
    fn set_something(&mut self) {
        let until = START_MS + self.observer.now.as_millis() as i64 + self.rng.i64(-1..60_000);
        if self.rng.bool() {
            let availability = match self.rng.u8(0..3) {
                0 => Availability::Available,
                1 => Availability::DoNotDisturb {
                    until_unix_ms: None,
                },
                _ => Availability::DoNotDisturb {
                    until_unix_ms: Some(until),
                },
            };
            let intent = Intent::SetAvailability(availability);
            return self.observer.tell(Input::Intent(intent));
        }
        let pick = |n: u8| usize::from(n) % 3;
        self.observer.tell(Input::Settings(DeskSettings {
            decline: [
                DeclinePolicy::LastDesk,
                DeclinePolicy::Everybody,
                DeclinePolicy::OnlyHere,
            ][pick(self.rng.u8(..))],
            open: self.rng.bool(),
            when_closed: [WhenClosed::Ring, WhenClosed::Silent, WhenClosed::Decline]
                [pick(self.rng.u8(..))],
            ..DeskSettings::default()
        }));
    }

    fn dial(&mut self) {
        self.dials += 1;
        let call = id(&format!("d{}", self.dials));
        let number = NUMBER.to_owned();
        // every other person has several lines
        let several = self.rng.bool();
        let ways = ["A", "B", "C"].into_iter().filter(|_| several).map(way);
        let ways = ways.collect();
        let dial = Intent::Dial { call, number, ways };
        self.observer.tell(Input::Intent(dial));
    }

    // ---- phones ----

    fn leg_appears(&mut self, name: &RoomName, call: &CallId, leg: Identity) {
        let room = self.rooms.entry(name.clone()).or_default();
        assert!(room.leg.is_none() || !self.truthful, "two legs at a time");
        room.leg_name = Some(leg);
        room.call = Some(call.clone());
        room.leg = Some(LegStatus::Dialing);
        room.place_open = true;
        self.leg_says(name, LegStatus::Dialing);
        if self.rng.u8(0..6) == 0 {
            // the provider says no before anything rings
            let code = *self.rng.choice([503, 403, 500, 486, 404].iter()).unwrap();
            return self.at(800, Event::Refuses(name.clone(), code));
        }
        let fate = self.rng.u8(0..10);
        if fate < 8 {
            self.at(1_000, Event::FarEnd(name.clone(), LegStatus::Ringing));
        }
        match fate {
            0..=5 => self.at(20_000, Event::FarEnd(name.clone(), LegStatus::Active)),
            6 | 7 => {
                let code = *self.rng.choice([486, 603, 404, 480, 503].iter()).unwrap();
                self.at(20_000, Event::Refuses(name.clone(), code));
            }
            _ => self.exactly(Duration::from_secs(45), Event::Refuses(name.clone(), 0)),
        }
    }

    fn leg_says(&mut self, name: &RoomName, status: LegStatus) {
        let leg = self.far_leg(name, status);
        self.broadcast(name, RoomFact::Present(leg));
    }

    fn far_end(&mut self, name: &RoomName, status: LegStatus) {
        let room = self.rooms.get_mut(name).unwrap();
        let Some(was) = room.leg.filter(|was| *was < status && !self.closing) else {
            return;
        };
        if status == LegStatus::Hangup {
            if was == LegStatus::Active && room.inbound && self.rng.bool() {
                // talks on for a while
                return self.at(60_000, Event::FarEnd(name.clone(), LegStatus::Hangup));
            }
            if self.rng.u8(0..10) > 0 {
                self.leg_says(name, LegStatus::Hangup);
            }
            return self.leg_ends(name, LeaveReason::ClientInitiated, None);
        }
        room.leg = Some(status);
        self.leg_says(name, status);
        if status == LegStatus::Active {
            let leg = self.leg_name(name).unwrap();
            self.dial_request_ends(name, LegFact::Answered { leg });
            self.at(60_000, Event::FarEnd(name.clone(), LegStatus::Hangup));
        }
    }

    fn refuses(&mut self, name: &RoomName, code: u16) {
        let room = &self.rooms[name];
        if room.leg.is_none_or(|leg| leg >= LegStatus::Active) || self.closing {
            return;
        }
        let (failure, reason) = match code {
            0 => (PlaceFailure::Cancelled, LeaveReason::UserUnavailable),
            500 | 503 => (PlaceFailure::Sip { code }, LeaveReason::ClientInitiated),
            404 | 480 => (PlaceFailure::Sip { code }, LeaveReason::UserUnavailable),
            _ => (PlaceFailure::Sip { code }, LeaveReason::UserRejected),
        };
        self.leg_ends(name, reason, Some(failure));
    }

    /// The leg is no longer there. The dial request, if it waits, hears why.
    fn leg_ends(&mut self, name: &RoomName, reason: LeaveReason, why: Option<PlaceFailure>) {
        let room = self.rooms.get_mut(name).unwrap();
        if room.leg.take().is_none() {
            return;
        }
        if room.inbound {
            let room = name.clone();
            self.at(
                3_000,
                Event::Tell(Input::Watch(WatchFact::Withdrawn { room })),
            );
        }
        let identity = self.leg_name(name).unwrap();
        let failure = why.unwrap_or(PlaceFailure::Cancelled);
        let leg = identity.clone();
        self.dial_request_ends(name, LegFact::PlaceFailed { leg, failure });
        self.broadcast(
            name,
            RoomFact::Left {
                identity,
                reason,
                reconnecting: false,
            },
        );
    }

    fn dial_request_ends(&mut self, name: &RoomName, fact: LegFact) {
        let room = self.rooms.get_mut(name).unwrap();
        if std::mem::take(&mut room.place_open) {
            let call = room.call.clone().unwrap();
            self.tell_leg(&call, fact);
        }
    }

    // ---- the server's own life ----

    fn crash(&mut self) {
        for (link, room) in self.connections() {
            self.tell_room(&link, RoomFact::Reconnecting);
            let reconnecting = self.rng.bool();
            if let Some(identity) = self.leg_name(&room) {
                let left = RoomFact::Left {
                    identity,
                    reason: LeaveReason::Unknown,
                    reconnecting,
                };
                self.tell_room(&link, left);
            }
            for person in self.people_of(&room) {
                let left = RoomFact::Left {
                    identity: person.identity,
                    reason: LeaveReason::Unknown,
                    reconnecting,
                };
                self.tell_room(&link, left);
            }
        }
        self.down = true;
        self.at(40_000, Event::Back);
    }

    fn back(&mut self) {
        if !std::mem::take(&mut self.down) {
            return;
        }
        for (link, name) in self.connections() {
            if self.rng.u8(0..3) == 0 {
                let room = self.rooms.get_mut(&name).unwrap();
                room.ours.remove(&link);
                room.visible.retain(|there| *there != Self::us(&link));
                let reason = LeaveReason::Unknown;
                self.tell_room(&link, RoomFact::Closed { reason });
                continue;
            }
            self.tell_room(&link, RoomFact::Reconnected);
            if self.rooms[&name].leg.is_some() {
                let leg = self.far_leg(&name, LegStatus::Dialing);
                self.tell_room(&link, RoomFact::Present(leg));
            }
            for mut person in self.people_of(&name) {
                person.leg_status = Some(LegStatus::Dialing);
                self.tell_room(&link, RoomFact::Present(person));
            }
        }
        self.observer
            .tell(Input::Line(call::input::LineStatus::Connecting));
        self.observer.tell(Input::Line(ready()));
        if !self.closing {
            self.at(200_000, Event::Crash);
        }
    }

    fn connections(&self) -> Vec<(Link, RoomName)> {
        let mut all: Vec<_> = self
            .rooms
            .iter()
            .flat_map(|(name, room)| room.ours.iter().map(|link| (link.clone(), name.clone())))
            .collect();
        all.sort();
        all
    }
}
