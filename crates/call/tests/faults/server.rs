//! A server, a journal and a sound system that answer everything within some milliseconds, but for one fault.

use std::collections::{BTreeMap, BTreeSet};

use call::input::Offer;
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand};
use call::{CallId, Link, Now, Output, Phone, Role};

use super::*;
use crate::support::{phone_leg, ready, words};

/// How long an answer takes, milliseconds.
const ANSWER: u64 = 10;
/// ... and a late one.
const LATE: u64 = 4_000;

enum Event {
    Tell(Input),
    Serve(Output),
}

pub(crate) struct Server {
    pub(crate) phone: Phone,
    pub(crate) deadline: Option<Duration>,
    pub(crate) faults: Vec<(usize, Fault)>,
    pub(crate) story: String,
    /// Commands that want an answer, so far.
    pub(crate) served: usize,
    pub(crate) devices_open: bool,
    leg: Option<LegStatus>,
    /// This desk placed or answered the leg.
    ours: bool,
    inbound: bool,
    place_open: bool,
    links: BTreeSet<Link>,
    started: BTreeSet<CallId>,
    finished: BTreeSet<CallId>,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    trace: Vec<String>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let mut server = Self {
            phone: Phone::new(DeskSettings::default()),
            deadline: None,
            faults: Vec::new(),
            story: String::new(),
            served: 0,
            devices_open: false,
            leg: None,
            ours: false,
            inbound: false,
            place_open: false,
            links: BTreeSet::new(),
            started: BTreeSet::new(),
            finished: BTreeSet::new(),
            now: Duration::from_secs(1),
            events: BTreeMap::new(),
            count: 0,
            trace: Vec::new(),
        };
        server.tell_now(Input::Line(ready()));
        server
    }

    pub(crate) fn intent(&mut self, intent: Intent) {
        self.tell_now(Input::Intent(intent));
    }

    pub(crate) fn tell_now(&mut self, input: Input) {
        self.trace.push(format!("{:?} <- {input:?}", self.now));
        if let Input::Orphan(orphan) = &input {
            self.started.insert(orphan.call.clone());
        }
        let now = Now {
            mono: self.now,
            unix_ms: START_MS + self.now.as_millis() as i64,
        };
        let step = self.phone.handle(input, now);
        self.deadline = step.deadline;
        for output in step.outputs {
            self.trace
                .push(format!("{:?} -> {}", self.now, words(&output)));
            self.later(1, Event::Serve(output));
        }
    }

    fn later(&mut self, ms: u64, event: Event) {
        self.count += 1;
        let at = self.now + Duration::from_millis(ms);
        self.events.insert((at, self.count), event);
    }

    pub(crate) fn run(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = event.into_iter().chain(self.deadline).min() else {
                break;
            };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            if event == Some(next) {
                match self.events.pop_first().unwrap().1 {
                    Event::Tell(input) => self.tell_now(input),
                    Event::Serve(output) => self.serve(output),
                }
            } else {
                self.tell_now(Input::Tick);
            }
        }
        self.now = until;
    }

    // ---- the far end ----

    pub(crate) fn caller(&mut self, offer: Offer) {
        self.inbound = true;
        self.leg = Some(LegStatus::Ringing);
        let offer = Offer {
            created_unix_ms: START_MS + self.now.as_millis() as i64,
            ..offer
        };
        self.later(ANSWER, Event::Tell(Input::Watch(WatchFact::Offer(offer))));
    }

    pub(crate) fn leg_of_an_earlier_run(&mut self) {
        self.leg = Some(LegStatus::Active);
        self.ours = true;
    }

    pub(crate) fn leg_is(&mut self, status: LegStatus) {
        if self.leg.is_some() {
            self.leg = Some(status);
            self.broadcast(&RoomFact::Present(phone_leg("c1", Some(status))));
            if status == LegStatus::Active {
                self.request_ends(LegFact::Answered { leg: leg_of("c1") });
            }
        }
    }

    pub(crate) fn far_end_hangs_up(&mut self) {
        if self.leg.is_some() {
            let hangup = phone_leg("c1", Some(LegStatus::Hangup));
            self.broadcast(&RoomFact::Present(hangup));
            self.leg_ends(LeaveReason::ClientInitiated, PlaceFailure::Cancelled);
        }
    }

    pub(crate) fn refuses(&mut self, code: u16) {
        self.leg_ends(LeaveReason::UserRejected, PlaceFailure::Sip { code });
    }

    pub(crate) fn breaks(&mut self, reason: LeaveReason) {
        self.broadcast(&RoomFact::Closed { reason });
        self.links.clear();
    }

    fn leg_ends(&mut self, reason: LeaveReason, failure: PlaceFailure) {
        if self.leg.take().is_none() {
            return;
        }
        let leg = leg_of("c1");
        self.request_ends(LegFact::PlaceFailed { leg, failure });
        self.broadcast(&RoomFact::Left {
            identity: leg_of("c1"),
            reason,
            reconnecting: false,
        });
    }

    fn request_ends(&mut self, fact: LegFact) {
        if std::mem::take(&mut self.place_open) {
            self.later(
                ANSWER,
                Event::Tell(Input::Leg {
                    call: id("c1"),
                    fact,
                }),
            );
        }
    }

    fn broadcast(&mut self, fact: &RoomFact) {
        for link in self.links.clone() {
            let fact = fact.clone();
            self.later(ANSWER, Event::Tell(Input::Room { link, fact }));
        }
    }

    // ---- what was left ----

    pub(crate) fn rows_open(&self) -> usize {
        self.started.difference(&self.finished).count()
    }

    pub(crate) fn is_ours_left(&self) -> bool {
        self.leg.is_some() && self.ours
    }

    // ---- what the phone asks for ----

    fn serve(&mut self, output: Output) {
        let n = self.served;
        let asks = match &output {
            Output::Log(LogCommand::Start(_)) | Output::Audio(AudioCommand::Open) => true,
            Output::Room(command) => matches!(
                command,
                RoomCommand::Join { .. }
                    | RoomCommand::PublishMicrophone { .. }
                    | RoomCommand::EndLeg { .. }
                    | RoomCommand::Leave { .. }
            ),
            Output::Leg(command) => !matches!(command, LegCommand::RetryLine),
            _ => false,
        };
        self.served += usize::from(asks);
        let fault = self.faults.iter().find_map(|(at, fault)| match fault {
            Fault::RefusedFromHere if n >= *at => Some(Fault::Refused),
            Fault::LostFromHere if n >= *at => Some(Fault::Lost),
            fault => (n == *at).then_some(*fault),
        });
        let fault = fault.filter(|_| asks);
        let refused = fault == Some(Fault::Refused);
        let Some(answer) = self.carry_out(output, refused) else {
            return;
        };
        let after = match fault {
            Some(Fault::Lost) => return,
            Some(Fault::Late) => LATE,
            // the answers to what is asked in the next milliseconds come first
            Some(Fault::Overtaken) => 5 * ANSWER,
            Some(Fault::Twice) => {
                self.later(3 * ANSWER, Event::Tell(answer.clone()));
                ANSWER
            }
            Some(Fault::Refused | Fault::RefusedFromHere | Fault::LostFromHere) | None => ANSWER,
        };
        self.later(after, Event::Tell(answer));
    }

    /// Does it, or refuses; returns the answer.
    fn carry_out(&mut self, output: Output, refused: bool) -> Option<Input> {
        let what = || String::from("It does not work.");
        match output {
            Output::Log(command) => {
                match command {
                    LogCommand::Start(start) => {
                        self.started.insert(start.call.clone());
                        let fact = if refused {
                            LogFact::Failed { what: what() }
                        } else {
                            LogFact::Logged
                        };
                        let call = start.call;
                        return Some(Input::Log { call, fact });
                    }
                    LogCommand::Finish(finish) => self.finish(finish.call),
                    LogCommand::FinishOrphan { call } => self.finish(call),
                    LogCommand::Answered { .. }
                    | LogCommand::WentOver { .. }
                    | LogCommand::Alive { .. }
                    | LogCommand::HandedOver { .. }
                    | LogCommand::LegGone { .. } => {}
                }
                None
            }
            Output::Audio(AudioCommand::Open) => {
                self.devices_open = true;
                Some(Input::Audio(if refused {
                    AudioFact::Failed { what: what() }
                } else {
                    AudioFact::Opened
                }))
            }
            Output::Audio(AudioCommand::Close) => {
                self.devices_open = false;
                None
            }
            Output::Room(command) => self.room(command, refused),
            Output::Leg(command) => self.leg(command, refused),
            Output::Audio(_) | Output::Shell(_) => None,
        }
    }

    fn finish(&mut self, call: CallId) {
        assert!(self.finished.insert(call), "finished twice");
    }

    fn room(&mut self, command: RoomCommand, refused: bool) -> Option<Input> {
        let link = command.link().clone();
        let detail = String::from("refused");
        let fact = match command {
            RoomCommand::Join { .. } if refused => RoomFact::JoinFailed {
                why: JoinFailure::ServerBusy,
                detail,
            },
            RoomCommand::Join { .. } => {
                self.links.insert(link.clone());
                let leg = self.leg.map(|status| phone_leg("c1", Some(status)));
                RoomFact::Joined {
                    present: leg.into_iter().collect(),
                }
            }
            RoomCommand::PublishMicrophone { .. } if refused => RoomFact::PublishFailed { detail },
            RoomCommand::PublishMicrophone { .. } => {
                if self.inbound && self.leg == Some(LegStatus::Ringing) {
                    assert_eq!(link.role, Role::Talk);
                    self.ours = true;
                    self.leg_is(LegStatus::Active);
                }
                RoomFact::Published
            }
            RoomCommand::EndLeg { .. } => {
                let hears = self.inbound || self.leg >= Some(LegStatus::Active);
                let done = hears && self.leg.is_some() && !refused;
                if done {
                    self.far_end_hangs_up();
                }
                RoomFact::EndLegAnswered { done }
            }
            RoomCommand::Leave { .. } => {
                self.links.remove(&link);
                RoomFact::Closed {
                    reason: LeaveReason::ClientInitiated,
                }
            }
            _ => return None,
        };
        Some(Input::Room { link, fact })
    }

    fn leg(&mut self, command: LegCommand, refused: bool) -> Option<Input> {
        let call = id("c1");
        let detail = String::from("refused");
        let fact = match command {
            LegCommand::Place { .. } if refused => {
                // carried out all the same, as a server that could not answer may have
                self.placed();
                self.place_open = false;
                LegFact::PlaceFailed {
                    leg: leg_of("c1"),
                    failure: PlaceFailure::Unreachable { detail },
                }
            }
            LegCommand::Place { .. } => {
                self.placed();
                return None;
            }
            LegCommand::Look { .. } if refused => LegFact::LookFailed,
            LegCommand::Look { .. } => support::looked(self.leg, 0),
            LegCommand::Remove { .. } | LegCommand::DeleteRoom { .. } if refused => {
                LegFact::DropFailed { detail }
            }
            LegCommand::Remove { .. } => {
                let found = self.leg.is_some();
                self.leg_ends(LeaveReason::ParticipantRemoved, PlaceFailure::Cancelled);
                LegFact::Removed { found }
            }
            LegCommand::DeleteRoom { .. } => {
                let found = self.leg.is_some();
                self.leg_ends(LeaveReason::RoomDeleted, PlaceFailure::Cancelled);
                self.breaks(LeaveReason::RoomDeleted);
                LegFact::RoomDeleted { found }
            }
            _ => return None,
        };
        Some(Input::Leg { call, fact })
    }

    fn placed(&mut self) {
        self.leg = Some(LegStatus::Dialing);
        self.ours = true;
        self.place_open = true;
        self.leg_is(LegStatus::Dialing);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.trace {
                eprintln!("{line}");
            }
            eprintln!("{}", self.story);
        }
    }
}
