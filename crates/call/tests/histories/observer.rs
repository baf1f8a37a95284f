//! Tells the phone its inputs and checks after every step what must always be true.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use call::input::{LegFact, Orphan, RoomFact};
use call::output::{AudioCommand, LegCommand, LogCommand, LogFinish, RoomCommand, ShellCommand};
use call::state::{CallState, Direction, LegStatus, ParticipantKind};
use call::view::{PersonState, PersonView, PhoneView};
use call::{CallId, DeskSettings, EndReason, Identity, Input, Link, Now, Output, Phone, Role};

use crate::support::{START_MS, reached, words};

/// Most calls that can be shown: 16 who wait, the busy one, some being taken down, three that ended.
const SHOWN: usize = 64;

#[derive(Default)]
struct Row {
    direction: Option<Direction>,
    started_ms: i64,
    places: u32,
    /// Lines that refused it.
    over: u32,
    /// The leg that the row names, and whether its dial request proved that it is gone.
    leg: Option<Identity>,
    refused: bool,
    /// The microphone was asked to be announced at least once.
    published: bool,
    /// The leg was asked to be dropped, or somebody said that it is gone.
    dropped: bool,
    lived: bool,
    finish: Option<LogFinish>,
    /// A row of an earlier run, closed at its last sign of life.
    closed: bool,
    /// Its leg is said to be gone.
    settled: bool,
}

enum Said {
    In(Input),
    Out(Output),
}

pub(crate) struct Observer {
    kind: &'static str,
    seed: u64,
    pub(crate) phone: Phone,
    pub(crate) now: Duration,
    pub(crate) deadline: Option<Duration>,
    /// Outputs that nobody has served yet.
    pub(crate) pending: Vec<Output>,
    pub(crate) links: Vec<Link>,
    rows: HashMap<CallId, Row>,
    orphans: HashSet<CallId>,
    /// Calls of an earlier run that may still be up.
    stranded: HashMap<CallId, Orphan>,
    /// Callers of an earlier run about whom the server is asked.
    doubted: HashMap<CallId, Orphan>,
    left: HashSet<Link>,
    /// Connections whose join answer listed no colleague.
    clean: HashSet<Link>,
    open: bool,
    ring: bool,
    ringback: bool,
    overlay: bool,
    may_quit: u32,
    came_about: [u32; 8],
    /// Whether a connection was told last that the microphone is off.
    muted: HashMap<Link, bool>,
    /// The view after the last step.
    seen: PhoneView,
    trace: Vec<(Duration, Said)>,
}

impl Observer {
    pub(crate) fn new(kind: &'static str, seed: u64) -> Self {
        let phone = Phone::new(DeskSettings::default());
        Self {
            kind,
            seed,
            seen: phone.view(),
            phone,
            now: Duration::from_secs(5),
            deadline: None,
            pending: Vec::new(),
            links: Vec::new(),
            rows: HashMap::new(),
            orphans: HashSet::new(),
            stranded: HashMap::new(),
            doubted: HashMap::new(),
            left: HashSet::new(),
            clean: HashSet::new(),
            open: false,
            ring: false,
            ringback: false,
            overlay: false,
            may_quit: 0,
            came_about: [0; 8],
            muted: HashMap::new(),
            trace: Vec::new(),
        }
    }

    /// How often each of these came about: two calls, a private talk, a call handed over, one transferred, one that went
    /// over another line, one of an earlier run that was joined, one that a colleague answered, people brought together.
    pub(crate) fn came_about(&self) -> [u32; 8] {
        self.came_about
    }

    /// Calls that were up.
    pub(crate) fn lived(&self) -> usize {
        self.rows.values().filter(|row| row.lived).count()
    }

    /// Rows that were started.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Was this name used by a call that is no longer shown? Nobody may use it again.
    pub(crate) fn is_used_up(&self, call: &CallId) -> bool {
        self.rows.contains_key(call) && self.seen.call(call).is_none()
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.trace.push((self.now, Said::In(input.clone())));
        self.note_input(&input);
        reached::note(&self.seen, &input);
        let now = Now {
            mono: self.now,
            unix_ms: START_MS + self.now.as_millis() as i64,
        };
        let resumed = match &input {
            Input::Orphan(orphan) if orphan.handed_over => Some(orphan.clone()),
            _ => None,
        };
        let step = self.phone.handle(input, now);
        let after = self.phone.view();
        let before = std::mem::replace(&mut self.seen, after.clone());
        for output in &step.outputs {
            self.trace.push((self.now, Said::Out(output.clone())));
        }
        assert!(
            step.deadline.is_none_or(|deadline| deadline > self.now),
            "a deadline in the past keeps the loop spinning"
        );
        assert_eq!(step.changed, after.rev == before.rev + 1);
        assert!(after.rev <= before.rev + 1);
        if !step.changed {
            assert_eq!(before, after, "changed without a word");
        }
        if let Some(orphan) = resumed
            && after.call(&orphan.call).is_some()
        {
            // its row was begun by an earlier run
            self.rows.entry(orphan.call).or_insert(Row {
                direction: Some(orphan.direction),
                started_ms: orphan.started_unix_ms,
                lived: true,
                ..Row::default()
            });
        }
        self.deadline = step.deadline;
        self.note_stranded(&after);
        for output in &step.outputs {
            self.note_output(output);
        }
        self.check(&after);
        let private = |view: &PhoneView| view.calls.iter().any(|c| c.private_with.is_some());
        let swapped = |view: &PhoneView| view.calls.iter().filter(|c| c.held).count() > 1;
        self.came_about[0] += u32::from(swapped(&after) && !swapped(&before));
        self.came_about[1] += u32::from(private(&after) && !private(&before));
        self.note_way_back(&before, &after);
        self.pending.extend(step.outputs);
    }

    fn note_way_back(&mut self, before: &PhoneView, after: &PhoneView) {
        for call in &before.calls {
            let Some(now) = after.call(&call.id).filter(|c| c.state == CallState::Live) else {
                continue;
            };
            let earlier = self.rows[&call.id].leg.is_none();
            let back = call.reconnecting && !now.reconnecting;
            self.came_about[5] += u32::from(earlier && back);
            let up = now.people.iter().filter(|p| p.state == PersonState::Up);
            let together = call.private_with.is_some() && now.private_with.is_none();
            self.came_about[7] += u32::from(together && up.count() > 1);
        }
    }

    /// A call of an earlier run that is shown has a row, and was answered.
    fn note_stranded(&mut self, view: &PhoneView) {
        for call in &view.calls {
            let doubted = (call.state == CallState::Stranded)
                .then(|| self.doubted.remove(&call.id))
                .flatten();
            if let Some(orphan) = self.stranded.remove(&call.id).or(doubted) {
                self.rows.entry(call.id.clone()).or_insert(Row {
                    direction: Some(orphan.direction),
                    started_ms: orphan.started_unix_ms,
                    lived: true,
                    ..Row::default()
                });
            }
        }
        self.stranded.clear(); // nobody wanted to know of the others
    }

    fn note_input(&mut self, input: &Input) {
        match input {
            Input::Orphan(orphan) if orphan.answered && !self.rows.contains_key(&orphan.call) => {
                self.stranded.insert(orphan.call.clone(), orphan.clone());
            }
            Input::Orphan(orphan)
                if !orphan.handed_over && !self.rows.contains_key(&orphan.call) =>
            {
                self.doubted.insert(orphan.call.clone(), orphan.clone());
            }
            Input::Room { link, fact } => match fact {
                RoomFact::Joined { present } => {
                    let alone = present.iter().all(|p| p.kind != ParticipantKind::Standard);
                    if alone {
                        self.clean.insert(link.clone());
                    } else {
                        self.clean.remove(link);
                    }
                }
                RoomFact::Left { reason, .. } if reason.proves_gone() => self.dropped(&link.call),
                RoomFact::Present(p) if p.leg_status == Some(LegStatus::Hangup) => {
                    self.dropped(&link.call);
                }
                RoomFact::Closed { .. } => self.dropped(&link.call),
                _ => {}
            },
            Input::Leg {
                call,
                fact: LegFact::PlaceFailed { leg, failure },
            } => {
                if let Some(row) = self.rows.get_mut(call) {
                    row.refused |= failure.proves_no_leg() && row.leg.as_ref() == Some(leg);
                }
                self.dropped(call);
            }
            Input::Leg {
                call,
                fact: LegFact::Removed { .. } | LegFact::RoomDeleted { .. } | LegFact::Looked { .. },
            } => self.dropped(call),
            _ => {}
        }
    }

    fn dropped(&mut self, call: &CallId) {
        if let Some(row) = self.rows.get_mut(call) {
            row.dropped = true;
        }
    }

    /// Nothing is asked for a call that is over, but what drops a leg that may still be up.
    fn is_over(&self, call: &CallId, drops: bool) -> bool {
        self.rows.get(call).is_some_and(|row| match &row.finish {
            Some(finish) => !drops || finish.leg_gone || row.settled,
            None => row.closed && (!drops || row.settled),
        })
    }

    fn note_output(&mut self, output: &Output) {
        match output {
            Output::Log(command) => self.note_log(command),
            Output::Room(command) => {
                let over = self.is_over(&command.link().call, false);
                assert!(!over, "an order for a call that is over");
                self.note_room(command);
            }
            Output::Leg(
                LegCommand::Place { call, .. }
                | LegCommand::PlacePerson { call, .. }
                | LegCommand::Transfer { call, .. }
                | LegCommand::Part { call, .. }
                | LegCommand::Look { call, .. },
            ) if self.is_over(call, false) => panic!("an order for a call that is over"),
            Output::Leg(LegCommand::Remove { call, .. } | LegCommand::DeleteRoom { call, .. })
                if self.is_over(call, true) =>
            {
                panic!("a leg is dropped that is gone");
            }
            Output::Leg(command) => match command {
                LegCommand::Place { call, leg, .. } => {
                    let row = self.rows.get_mut(call).expect("the row comes first");
                    assert!(row.published, "we are there before anybody can answer");
                    row.places += 1;
                    assert_eq!(row.places, 1 + row.over, "placed twice");
                    assert_eq!(row.leg.as_ref(), Some(leg), "the row has another name");
                    (row.dropped, row.refused) = (false, false);
                }
                LegCommand::Remove { call, .. } | LegCommand::DeleteRoom { call, .. } => {
                    self.dropped(call);
                }
                LegCommand::PlacePerson { call, .. } => {
                    let row = &self.rows[call];
                    assert!(row.lived && row.finish.is_none(), "into an unanswered room");
                }
                LegCommand::Transfer { .. }
                | LegCommand::Part { .. }
                | LegCommand::Look { .. }
                | LegCommand::RetryLine => {}
            },
            Output::Audio(command) => match command {
                AudioCommand::Open => {
                    assert!(!std::mem::replace(&mut self.open, true), "opened twice");
                }
                AudioCommand::Close => {
                    assert!(std::mem::replace(&mut self.open, false), "closed twice");
                }
                AudioCommand::Ring(on) => {
                    assert_ne!(std::mem::replace(&mut self.ring, *on), *on);
                }
                AudioCommand::Ringback(on) => {
                    assert_ne!(std::mem::replace(&mut self.ringback, *on), *on);
                }
                AudioCommand::BusyTone
                | AudioCommand::EndTone
                | AudioCommand::Beep
                | AudioCommand::KeyTone(_) => {}
            },
            Output::Shell(command) => match command {
                ShellCommand::ShowOverlay => {
                    assert!(!std::mem::replace(&mut self.overlay, true), "shown twice");
                }
                ShellCommand::HideOverlay => {
                    assert!(std::mem::replace(&mut self.overlay, false), "hidden twice");
                }
                ShellCommand::MayQuit => self.may_quit += 1,
                ShellCommand::NotifyIncoming { call } | ShellCommand::NotifyMissed { call } => {
                    assert!(self.rows.contains_key(call));
                }
                ShellCommand::Refused { call, .. } => assert!(!self.rows.contains_key(call)),
            },
        }
    }

    fn note_log(&mut self, command: &LogCommand) {
        match command {
            LogCommand::Start(start) => {
                let row = Row {
                    direction: Some(start.direction),
                    started_ms: start.started_unix_ms,
                    leg: Some(start.leg.clone()),
                    ..Row::default()
                };
                assert!(
                    self.rows.insert(start.call.clone(), row).is_none(),
                    "two rows"
                );
            }
            LogCommand::WentOver {
                call, leg, refusal, ..
            } => {
                let row = self.rows.get_mut(call).expect("a row");
                assert!(refusal.reason.is_providers(), "{:?}", refusal.reason);
                assert!(row.refused, "the refused leg may still be there");
                assert!(!row.lived && row.finish.is_none());
                assert_ne!(row.leg.as_ref(), Some(leg), "one name for two legs");
                row.leg = Some(leg.clone());
                row.over += 1;
                self.came_about[4] += 1;
            }
            LogCommand::Answered { call, at_unix_ms } => {
                let row = self.rows.get_mut(call).expect("a row");
                assert!(!std::mem::replace(&mut row.lived, true), "answered twice");
                assert!(row.finish.is_none() && *at_unix_ms >= row.started_ms);
            }
            LogCommand::HandedOver { call, .. } | LogCommand::Alive { call, .. } => {
                self.came_about[2] += u32::from(matches!(command, LogCommand::HandedOver { .. }));
                let row = &self.rows[call];
                assert!(row.lived && row.finish.is_none());
            }
            LogCommand::Finish(finish) => {
                let row = self.rows.get_mut(&finish.call).expect("a row");
                assert!(row.finish.is_none(), "finished twice");
                let answered = finish.answered_unix_ms.unwrap_or(row.started_ms);
                assert!(row.started_ms <= answered && answered <= finish.ended_unix_ms);
                assert_eq!(finish.answered_unix_ms.is_some(), row.lived);
                assert!(
                    !finish.leg_gone || row.places == 0 || row.dropped,
                    "said to be gone, but nobody dropped it or saw it go"
                );
                let transferred = matches!(finish.reason, EndReason::Transferred { .. });
                self.came_about[3] += u32::from(transferred);
                let elsewhere = matches!(finish.reason, EndReason::AnsweredElsewhere { .. });
                self.came_about[6] += u32::from(elsewhere);
                row.finish = Some(finish.clone());
            }
            LogCommand::FinishOrphan { call } => {
                if let Some(row) = self.rows.get_mut(call) {
                    assert!(row.finish.is_none() && !row.closed, "finished twice");
                    row.closed = true;
                }
                self.orphans.insert(call.clone());
                self.doubted.remove(call);
            }
            LogCommand::LegGone { call } => {
                let loose = self.rows.get(call).and_then(|row| row.finish.as_ref());
                let known = loose.is_some_and(|finish| !finish.leg_gone);
                assert!(known || self.orphans.contains(call));
                if let Some(row) = self.rows.get_mut(call) {
                    row.settled = true;
                }
            }
        }
    }

    fn note_room(&mut self, command: &RoomCommand) {
        let link = command.link().clone();
        match command {
            RoomCommand::Join { .. } => {
                assert!(
                    !self.links.contains(&link),
                    "every attempt has its own name"
                );
                self.links.push(link.clone());
            }
            RoomCommand::Leave { .. } => {
                assert!(self.left.insert(link.clone()), "left twice");
            }
            _ => assert!(!self.left.contains(&link), "a word after the leave"),
        }
        assert!(self.links.contains(&link), "never joined");
        if let RoomCommand::SetMuted { muted, .. } = command {
            self.muted.insert(link.clone(), *muted);
        }
        if let RoomCommand::PublishMicrophone { .. } = command {
            assert_eq!(link.role, Role::Talk);
            assert!(self.open, "announced before the devices were asked for");
            // who is muted; and whoever was put aside hears nothing before that is arranged anew
            let aside = |p: &PersonView| p.state == PersonState::Waiting;
            let call = self.seen.call(&link.call);
            let must = call
                .is_some_and(|call| call.muted || (!call.held && call.people.iter().any(aside)));
            let may = call.is_some_and(|call| call.muted || !call.people.is_empty());
            let muted = self.muted.get(&link).copied().unwrap_or(false);
            assert!(
                muted >= must && muted <= may,
                "announced, and not muted as wished"
            );
            let row = self.rows.get_mut(&link.call).expect("a row");
            row.published = true;
            if row.direction == Some(Direction::Inbound) && !row.lived {
                assert!(
                    self.clean.contains(&link),
                    "announced before the claim was won"
                );
            }
        }
        if let RoomCommand::EndLeg { .. } = command {
            self.dropped(&link.call);
        }
    }

    fn check(&self, view: &PhoneView) {
        assert!(view.calls.len() <= SHOWN, "calls pile up");
        let busy = view
            .calls
            .iter()
            .filter(|call| call.state.is_busy())
            .count();
        let talks = view
            .calls
            .iter()
            .filter(|call| call.state.is_busy() && !call.held)
            .count();
        assert!(talks <= 1, "two calls want the microphone");
        assert!(busy <= 4, "more calls than one desk can have");
        assert!(self.open || busy == 0);
        let offered = || {
            view.calls
                .iter()
                .filter(|call| call.state == CallState::Offered)
        };
        let rings = offered().any(|call| !call.silenced && call.words == "Incoming call");
        assert_eq!(self.ring, busy == 0 && rings, "the ring");
        assert_eq!(
            self.overlay,
            offered().any(|call| !call.quiet),
            "the overlay"
        );
        let ringback = view.calls.iter().any(|call| {
            let rings = |p: &PersonView| {
                p.state == PersonState::Ringing && Some(&p.leg) == call.private_with.as_ref()
            };
            call.state == CallState::RemoteRinging
                || (call.state == CallState::Live && !call.held && call.people.iter().any(rings))
        });
        assert_eq!(self.ringback, ringback, "the ringback");
        for call in &view.calls {
            let row = &self.rows[&call.id];
            let over = row.finish.is_some() || row.closed;
            assert_eq!(call.state == CallState::Ended, over);
            if call.state == CallState::Ended {
                assert!(call.end.is_some() && call.ended_unix_ms.is_some());
            }
            assert!(call.people.len() <= 16, "people pile up");
            assert!(call.private_with.is_none() || call.state == CallState::Live);
            assert!(call.keys_sent.len() <= 256 && call.keys_received.len() <= 256);
        }
    }

    /// Only the deadlines, and not one fact.
    pub(crate) fn time_alone(&mut self, time: Duration) {
        let until = self.now + time;
        let mut ticks = 0;
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= until) {
            self.now = deadline;
            self.tell(Input::Tick);
            ticks += 1;
            assert!(ticks < 20_000, "too many wake-ups");
        }
        self.now = until;
        self.all_done(&[CallState::Live, CallState::HandedOver]);
        for call in self.phone.view().calls {
            let count = |states: &[PersonState]| {
                let people = call.people.iter();
                people.filter(|p| states.contains(&p.state)).count()
            };
            let called = count(&[PersonState::Dialling, PersonState::Ringing]);
            assert_eq!(called, 0, "somebody is called for ever");
            assert!(
                call.state != CallState::HandedOver
                    || call.people.is_empty()
                    || count(&[PersonState::Up]) >= 2,
                "somebody is left alone"
            );
        }
    }

    /// Every row is finished, but for calls in one of these states.
    pub(crate) fn all_done(&self, but: &[CallState]) {
        let view = self.phone.view();
        for (id, row) in &self.rows {
            let open = view.call(id).is_some_and(|call| but.contains(&call.state));
            let over = row.finish.is_some() || row.closed;
            assert!(over || open, "{id} has no end");
        }
        if view.calls.iter().all(|call| call.state == CallState::Ended) {
            assert!(!self.open && !self.ring && !self.ringback && !self.overlay);
        }
    }

    pub(crate) fn has_quit(&self) {
        assert_eq!(self.may_quit, 1);
        self.all_done(&[CallState::HandedOver]);
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let skip = self.trace.len().saturating_sub(120);
            for (at, said) in &self.trace[skip..] {
                match said {
                    Said::In(input) => eprintln!("{:>9.3} <- {input:?}", at.as_secs_f64()),
                    Said::Out(output) => {
                        eprintln!("{:>9.3} -> {}", at.as_secs_f64(), words(output))
                    }
                }
            }
            eprintln!(
                "a history of kind “{}”: DESKLINE_SEED={}",
                self.kind, self.seed
            );
        }
    }
}
