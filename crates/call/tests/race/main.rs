//! Several desks and one caller: who is first in the room answers, and nobody else; in memory, with a room server that
//! keeps join order as the real one does.
//!
//! ```text
//! cargo test -p call --test race -- --nocapture      with the figures
//! ```

#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use call::input::{AudioFact, Intent, LegFact, LogFact, Offer, OtherCall, RoomFact, WatchFact};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand, ShellCommand};
use call::state::{CallIds, CallState, LeaveReason, LegStatus, Participant, ParticipantKind};
use call::view::CallView;
use call::{CallId, DeskSettings, Identity, Input, Link, Now, Output, Phone, Role};
use fastrand::Rng;
use support::{START_MS, id, inbound_room, leg_of, phone_leg, ready};

struct Seat {
    phone: Phone,
    call: CallId,
    deadline: Option<Duration>,
    /// Its program is gone; the server does not know yet.
    crashed: bool,
    missed: bool,
}

enum Event {
    Tell(usize, Input),
    Serve(usize, Output),
}

/// Somebody in the room.
struct Chair {
    seat: usize,
    link: Link,
    claims: bool,
}

struct Room {
    seats: Vec<Seat>,
    chairs: Vec<Chair>,
    leg: Option<LegStatus>,
    /// Who announced a microphone into the ringing room.
    published: Vec<usize>,
    removed: usize,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    rng: Rng,
}

impl Room {
    /// So many desks hear of one caller within a second and watch.
    fn ringing(desks: usize, seed: u64) -> Self {
        let mut room = Self {
            seats: Vec::new(),
            chairs: Vec::new(),
            leg: Some(LegStatus::Ringing),
            published: Vec::new(),
            removed: 0,
            now: Duration::from_secs(10),
            events: BTreeMap::new(),
            count: 0,
            rng: Rng::with_seed(seed),
        };
        for seat in 0..desks {
            let call = id(&format!("seat{seat}"));
            room.seats.push(Seat {
                phone: Phone::new(DeskSettings::default()),
                call: call.clone(),
                deadline: None,
                crashed: false,
                missed: false,
            });
            room.tell(seat, Input::Line(ready()), 0..1);
            let offer = Offer {
                call,
                room: inbound_room("shared"),
                leg: leg_of("shared"),
                from: "+13125550142".into(),
                name: None,
                to: support::NUMBER.into(),
                created_unix_ms: START_MS + 10_000,
            };
            room.tell(seat, Input::Watch(WatchFact::Offer(offer)), 0..1_000_000);
        }
        room.run_for(Duration::from_millis(1_800));
        for seat in 0..desks {
            assert_eq!(room.call(seat).state, CallState::Offered);
        }
        room
    }

    fn tell(&mut self, seat: usize, input: Input, micros: std::ops::Range<u64>) {
        let after = Duration::from_micros(self.rng.u64(micros));
        self.later(after, Event::Tell(seat, input));
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + after, self.count), event);
    }

    fn press(&mut self, seat: usize, intent: impl FnOnce(CallId) -> Intent, within: Duration) {
        let intent = intent(self.seats[seat].call.clone());
        let micros = within.as_micros() as u64 + 1;
        self.tell(seat, Input::Intent(intent), 0..micros);
    }

    fn call(&self, seat: usize) -> CallView {
        let view = self.seats[seat].phone.view();
        view.call(&self.seats[seat].call).unwrap().clone()
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let (tick, seat) = self
                .seats
                .iter()
                .enumerate()
                .filter(|(_, seat)| !seat.crashed)
                .filter_map(|(n, seat)| Some((seat.deadline?, n)))
                .min()
                .unzip();
            let Some(next) = event.into_iter().chain(tick).min() else {
                break;
            };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            if event == Some(next) {
                match self.events.pop_first().unwrap().1 {
                    Event::Tell(seat, input) => self.hear(seat, input),
                    Event::Serve(seat, output) => self.serve(seat, output),
                }
            } else {
                self.hear(seat.unwrap(), Input::Tick);
            }
        }
        self.now = until;
    }

    fn hear(&mut self, seat: usize, input: Input) {
        let now = Now {
            mono: self.now,
            unix_ms: START_MS + self.now.as_millis() as i64,
        };
        let desk = &mut self.seats[seat];
        if desk.crashed {
            return;
        }
        let step = desk.phone.handle(input, now);
        desk.deadline = step.deadline;
        for (n, output) in step.outputs.into_iter().enumerate() {
            // each on its own way to the server, but those of one desk in order
            let after = Duration::from_micros(200 + n as u64);
            self.later(after, Event::Serve(seat, output));
        }
    }

    fn told_name(seat: usize) -> String {
        format!("Desk {seat}")
    }

    fn participant(&self, chair: &Chair) -> Participant {
        Participant {
            identity: Identity::desk(&Self::told_name(chair.seat), &chair.link),
            name: Self::told_name(chair.seat),
            kind: ParticipantKind::Standard,
            leg_status: None,
            claims: chair.claims,
            call_ids: CallIds::default(),
        }
    }

    /// Everybody in the room hears it, a few milliseconds later; also who caused it, on the other connection.
    fn broadcast(&mut self, fact: &RoomFact, micros: std::ops::Range<u64>) {
        let hears: Vec<(usize, Link)> = self
            .chairs
            .iter()
            .map(|chair| (chair.seat, chair.link.clone()))
            .collect();
        for (seat, link) in hears {
            let fact = fact.clone();
            self.tell(seat, Input::Room { link, fact }, micros.clone());
        }
    }

    fn serve(&mut self, seat: usize, output: Output) {
        if self.seats[seat].crashed {
            return;
        }
        let call = self.seats[seat].call.clone();
        match output {
            Output::Log(LogCommand::Start(_)) => {
                let fact = LogFact::Logged;
                self.tell(seat, Input::Log { call, fact }, 100..2_000);
            }
            Output::Audio(AudioCommand::Open) => {
                self.tell(seat, Input::Audio(AudioFact::Opened), 5_000..80_000);
            }
            Output::Room(command) => self.serve_room(seat, command),
            Output::Leg(LegCommand::Look { .. }) => {
                let leg = self.leg;
                let mut others: Vec<usize> = self.chairs.iter().map(|c| c.seat).collect();
                others.sort_unstable();
                others.dedup();
                let other_desks = others.iter().filter(|other| **other != seat).count() as u32;
                let fact = LegFact::Looked {
                    leg,
                    other_desks,
                    desks_ahead: other_desks,
                    taken_by: None,
                };
                self.tell(seat, Input::Leg { call, fact }, 1_000..3_000);
            }
            Output::Leg(LegCommand::Remove { identity, .. }) => {
                let found = self.remove(&identity);
                let fact = LegFact::Removed { found };
                self.tell(seat, Input::Leg { call, fact }, 2_000..6_000);
            }
            Output::Shell(ShellCommand::NotifyMissed { .. }) => self.seats[seat].missed = true,
            _ => {}
        }
    }

    fn serve_room(&mut self, seat: usize, command: RoomCommand) {
        let link = command.link().clone();
        let answer = |fact| Input::Room {
            link: link.clone(),
            fact,
        };
        match command {
            RoomCommand::Join { .. } => {
                let visible = self.chairs.iter().filter(|c| c.link.role == Role::Talk);
                let mut present: Vec<_> = visible.map(|c| self.participant(c)).collect();
                if self.leg.is_some() {
                    present.push(phone_leg("shared", self.leg));
                }
                let chair = Chair {
                    seat,
                    link: link.clone(),
                    claims: false,
                };
                let newcomer = self.participant(&chair);
                self.chairs.push(chair);
                self.tell(seat, answer(RoomFact::Joined { present }), 40_000..70_000);
                if link.role == Role::Talk {
                    // who only sits there is announced late
                    let there = RoomFact::Present(newcomer);
                    self.broadcast(&there, 100_000..3_000_000);
                }
            }
            RoomCommand::Claim { .. } => {
                if let Some(at) = self.chairs.iter().position(|chair| chair.link == link) {
                    self.chairs[at].claims = true;
                    let claims = RoomFact::Present(self.participant(&self.chairs[at]));
                    self.broadcast(&claims, 1_000..5_000);
                }
            }
            RoomCommand::PublishMicrophone { .. } => {
                self.published.push(seat);
                self.leg = self.leg.map(|_| LegStatus::Active);
                let up = RoomFact::Present(phone_leg("shared", self.leg));
                self.tell(seat, answer(RoomFact::Published), 3_000..5_000);
                self.broadcast(&up, 15_000..30_000);
            }
            RoomCommand::Leave { .. } => {
                let identity = Identity::desk(&Self::told_name(seat), &link);
                self.chairs.retain(|chair| chair.link != link);
                let reason = LeaveReason::ClientInitiated;
                self.tell(seat, answer(RoomFact::Closed { reason }), 2_000..9_000);
                if link.role == Role::Talk {
                    self.gone(identity, reason);
                }
            }
            _ => {}
        }
    }

    fn gone(&mut self, identity: Identity, reason: LeaveReason) {
        let left = RoomFact::Left {
            identity,
            reason,
            reconnecting: false,
        };
        self.broadcast(&left, 1_000..5_000);
    }

    fn remove(&mut self, identity: &Identity) -> bool {
        if *identity == leg_of("shared") {
            self.removed += 1;
            self.gone(identity.clone(), LeaveReason::ParticipantRemoved);
            return self.leg.take().is_some();
        }
        let is = |chair: &Chair| {
            chair.link.role == Role::Talk
                && Identity::desk(&Self::told_name(chair.seat), &chair.link) == *identity
        };
        let before = self.chairs.len();
        self.chairs.retain(|chair| !is(chair));
        self.gone(identity.clone(), LeaveReason::ParticipantRemoved);
        self.chairs.len() < before
    }
}

fn answer(call: CallId) -> Intent {
    Intent::Answer {
        call,
        other: OtherCall::Hold,
    }
}

/// All desks press Answer within `within`; exactly one talks, and all others name it.
fn exactly_one_answers(desks: usize, seed: u64, within: Duration) -> bool {
    let mut room = Room::ringing(desks, seed);
    for seat in 0..desks {
        room.press(seat, answer, within);
    }
    room.run_for(Duration::from_secs(30));
    let [winner] = room.published[..] else {
        return false;
    };
    let name = format!("Answered by {}", Room::told_name(winner));
    (0..desks).all(|seat| {
        let call = room.call(seat);
        let title = call.end.as_ref().map(call::EndReason::title);
        let right = if seat == winner {
            call.state == CallState::Live
        } else {
            call.state == CallState::Ended && title.as_deref() == Some(name.as_str())
        };
        right && !room.seats[seat].missed
    })
}

fn rounds(what: &str, count: u64, round: impl Fn(u64) -> bool) {
    let failed: Vec<u64> = (0..count).filter(|seed| !round(*seed)).collect();
    println!("{what}: {}/{count}", count - failed.len() as u64);
    assert!(failed.is_empty(), "{what}: seeds {failed:?}");
}

#[test]
fn two_desks_answer_at_the_same_moment() {
    rounds("two desks, exactly one answers", 1_000, |seed| {
        let within = Duration::from_millis(seed % 20);
        exactly_one_answers(2, seed, within)
    });
}

#[test]
fn more_desks_answer_at_the_same_moment() {
    for desks in [3, 4, 8] {
        let what = format!("{desks} desks, exactly one answers");
        rounds(&what, 150, |seed| {
            exactly_one_answers(desks, seed, Duration::from_millis(seed % 20))
        });
    }
}

/// The winner's program dies before it could announce anything: its empty chair is swept by the next to claim.
#[test]
fn a_winner_that_crashes_gives_the_call_back() {
    rounds("the winner crashes, the other answers", 300, |seed| {
        let mut room = Room::ringing(2, seed);
        room.press(0, answer, Duration::ZERO);
        room.run_for(Duration::from_millis(1));
        let sat = room.chairs.iter().any(|c| c.link.role == Role::Talk);
        room.seats[0].crashed = true;
        room.press(1, answer, Duration::from_millis(20));
        room.run_for(Duration::from_millis(3_500));
        let again = room.call(1).words == "Incoming call";
        room.press(1, answer, Duration::ZERO);
        room.run_for(Duration::from_secs(10));
        sat && again && room.published == [1] && room.call(1).state == CallState::Live
    });
}

/// The last desk to decline ends it for the caller, also if there is no last one because all do at once.
#[test]
fn desks_that_decline_at_the_same_moment_do_not_leave_the_caller_ringing() {
    for desks in [2, 3] {
        let what = format!("{desks} desks decline, the caller hears busy");
        rounds(&what, 500, |seed| {
            let mut room = Room::ringing(desks, seed);
            for seat in 0..desks {
                let within = Duration::from_millis(seed % 20);
                room.press(seat, |call| Intent::Decline { call }, within);
            }
            room.run_for(Duration::from_secs(10));
            room.removed >= 1 && room.leg.is_none() && room.published.is_empty()
        });
    }
}

/// One answers and the other declines in the same moment: the conversation survives, or the caller was gone before.
#[test]
fn a_decline_never_ends_the_conversation_of_a_colleague() {
    rounds("one answers, one declines", 500, |seed| {
        let mut room = Room::ringing(2, seed);
        let within = Duration::from_millis(seed % 200);
        room.press(0, answer, within);
        room.press(1, |call| Intent::Decline { call }, within);
        room.run_for(Duration::from_secs(20));
        room.removed == 0 && room.call(0).state == CallState::Live
    });
}
