//! A server, a journal and a sound system that answer everything within some milliseconds, but for one fault.
//!
//! The server knows the truth: which legs are up in which room, who sits there, who hears whom. What the phone says of
//! them is held against it (`truth.rs`), and what it writes down against what a journal may hold (`journal.rs`).

mod answers;
mod journal;
mod rooms;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use call::input::{Intent, Offer, WatchFact};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand};
use call::state::{LeaveReason, LegStatus};
use call::{CallId, DeskSettings, Identity, Input, Link, Now, Output, Phone, RoomName};

use crate::Fault;
use crate::support::{START_MS, offer_of, ready, words};
use journal::Journal;
pub(crate) use journal::Row;
use rooms::Room;

/// How long an answer takes, milliseconds.
const ANSWER: u64 = 10;
/// ... and a late one.
const LATE: u64 = 4_000;
/// How long the program takes to be started again.
const START: u64 = 500;
/// How long the server lists the dead connection of a program that was killed.
const GHOST: u64 = 15_000;

enum Event {
    Tell(Input),
    Serve(Output),
    /// The far end of this leg hangs up.
    HangUp(Identity),
    /// The server notices that somebody is not there any more.
    GhostGoes(RoomName, Identity),
}

pub(crate) struct Server {
    pub(crate) phone: Phone,
    pub(crate) deadline: Option<Duration>,
    pub(crate) faults: Vec<(usize, Fault)>,
    pub(crate) story: String,
    /// Commands that want an answer, so far.
    pub(crate) served: usize,
    pub(crate) devices_open: bool,
    /// The provider carries a REFER out.
    pub(crate) transfers: bool,
    settings: DeskSettings,
    rooms: BTreeMap<RoomName, Room>,
    journal: Journal,
    /// When our connections are told to be joined.
    joins: BTreeMap<Link, Duration>,
    /// How often the program was killed.
    deaths: u32,
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
            transfers: true,
            settings: DeskSettings::default(),
            rooms: BTreeMap::new(),
            journal: Journal::default(),
            joins: BTreeMap::new(),
            deaths: 0,
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

    pub(crate) fn settings(&mut self, settings: DeskSettings) {
        self.settings = settings.clone();
        self.tell_now(Input::Settings(settings));
    }

    fn unix_ms(&self) -> i64 {
        START_MS + self.now.as_millis() as i64
    }

    fn tell_now(&mut self, input: Input) {
        self.trace.push(format!("{:?} <- {input:?}", self.now));
        let now = Now {
            mono: self.now,
            unix_ms: self.unix_ms(),
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

    fn tell(&mut self, input: Input) {
        let joined = match &input {
            Input::Room { link, .. } => self.joins.get(link).copied(),
            _ => None,
        };
        // a connection has nothing to tell before it is joined
        let wait = joined.unwrap_or_default().saturating_sub(self.now);
        let ms = u64::try_from(wait.as_millis()).unwrap().max(ANSWER);
        self.later(ms, Event::Tell(input));
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
                    Event::HangUp(leg) => self.hangs_up(&leg),
                    Event::GhostGoes(room, ghost) => {
                        self.goes(&room, &ghost);
                    }
                }
            } else {
                self.tell_now(Input::Tick);
            }
        }
        self.now = until;
        if !self.is_news_under_way() {
            self.check_what_is_shown();
        }
    }

    fn is_news_under_way(&self) -> bool {
        let news = |event: &Event| matches!(event, Event::Tell(_) | Event::Serve(_));
        self.events.values().any(news)
    }

    fn fault(&self, n: usize) -> Option<Fault> {
        self.faults.iter().find_map(|(at, fault)| match fault {
            Fault::RefusedFromHere if n >= *at => Some(Fault::Refused),
            Fault::LostFromHere if n >= *at => Some(Fault::Lost),
            fault => (n == *at).then_some(*fault),
        })
    }

    fn serve(&mut self, output: Output) {
        self.check_order(&output);
        if !asks(&output) {
            self.carry_out(output, false);
            return;
        }
        let fault = self.fault(self.served);
        self.served += 1;
        if let Some(fault) = fault {
            self.trace.push(format!("{:?} !! {fault:?}", self.now));
        }
        if fault == Some(Fault::Killed) {
            return self.dies();
        }
        let whose = whose(&output);
        let joins = match &output {
            Output::Room(RoomCommand::Join { link, .. }) => Some(link.clone()),
            _ => None,
        };
        let answer = if fault == Some(Fault::Denied) {
            let denial = self.denial(&output);
            if joins.is_none() {
                self.carry_out(output, false);
            }
            denial
        } else {
            self.carry_out(output, fault == Some(Fault::Refused))
        };
        match fault {
            Some(Fault::KilledAfter) => return self.dies(),
            Some(Fault::Broken) => self.breaks(LeaveReason::ServerShutdown),
            Some(Fault::FarEndGone) => self.everybody_hangs_up(whose.as_ref()),
            Some(Fault::RoomGone) => self.rooms_go(whose.as_ref()),
            _ => {}
        }
        let Some(answer) = answer else {
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
            _ => ANSWER,
        };
        if let Some(link) = joins {
            self.joins
                .insert(link, self.now + Duration::from_millis(after));
        }
        self.later(after, Event::Tell(answer));
    }

    // ---- the program's own life ----

    /// The program is killed and started again: the server, its legs and the journal are as they were.
    fn dies(&mut self) {
        self.deaths += 1;
        self.joins.clear();
        self.trace
            .push(format!("{:?} the program is killed", self.now));
        self.events
            .retain(|_, event| matches!(event, Event::HangUp(_) | Event::GhostGoes(..)));
        for (room, ghost) in self.seats_die() {
            self.later(GHOST, Event::GhostGoes(room, ghost));
        }
        self.phone = Phone::new(self.settings.clone());
        self.deadline = None;
        self.devices_open = false;
        self.later(START, Event::Tell(Input::Line(ready())));
        for orphan in self.journal.take_orphans() {
            self.later(START, Event::Tell(Input::Orphan(orphan)));
        }
        for offer in self.waiting() {
            self.later(
                START + 300,
                Event::Tell(Input::Watch(WatchFact::Offer(offer))),
            );
        }
    }

    /// A call of an earlier run: what the journal holds of it.
    pub(crate) fn left_behind(&mut self, call: &CallId, row: Row) {
        self.journal.left_behind(call, row);
        for orphan in self.journal.take_orphans() {
            self.tell_now(Input::Orphan(orphan));
        }
    }

    // ---- callers ----

    /// Somebody calls in.
    pub(crate) fn caller(&mut self, call: &str) {
        let offer = Offer {
            created_unix_ms: self.unix_ms(),
            ..offer_of(call)
        };
        self.comes_in(&offer, LegStatus::Ringing);
        self.tell(Input::Watch(WatchFact::Offer(offer)));
    }

    // ---- what was left ----

    pub(crate) fn rows_open(&self) -> usize {
        self.journal.open()
    }
}

/// Is this answered?
fn asks(output: &Output) -> bool {
    match output {
        Output::Log(command) => {
            matches!(command, LogCommand::Start(_) | LogCommand::WentOver { .. })
        }
        Output::Audio(command) => *command == AudioCommand::Open,
        Output::Room(command) => matches!(
            command,
            RoomCommand::Join { .. }
                | RoomCommand::PublishMicrophone { .. }
                | RoomCommand::SetAudience { .. }
                | RoomCommand::EndLeg { .. }
                | RoomCommand::Leave { .. }
        ),
        Output::Leg(command) => *command != LegCommand::RetryLine,
        Output::Shell(_) => false,
    }
}

/// The call that this is about.
fn whose(output: &Output) -> Option<CallId> {
    match output {
        Output::Log(LogCommand::Start(start)) => Some(start.call.clone()),
        Output::Log(LogCommand::WentOver { call, .. }) => Some(call.clone()),
        Output::Room(command) => Some(command.link().call.clone()),
        Output::Leg(command) => command_call(command).cloned(),
        _ => None,
    }
}

fn command_call(command: &LegCommand) -> Option<&CallId> {
    match command {
        LegCommand::Place { call, .. }
        | LegCommand::PlacePerson { call, .. }
        | LegCommand::Transfer { call, .. }
        | LegCommand::Part { call, .. }
        | LegCommand::Remove { call, .. }
        | LegCommand::DeleteRoom { call, .. }
        | LegCommand::Look { call, .. } => Some(call),
        LegCommand::RetryLine => None,
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
