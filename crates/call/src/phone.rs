//! The phone of one desk: all its calls, and what must be true of them together.

use std::collections::VecDeque;
use std::time::Duration;

use crate::doubt::Doubts;
use crate::end::EndReason;
use crate::fail_over::Ways;
use crate::hold::Several;
use crate::ids::{CallId, Identity, RoomName};
use crate::input::{Input, Intent, LineStatus, WatchFact};
use crate::loose::LooseLegs;
use crate::number::{self, DialNumber};
use crate::output::{AudioCommand, Output, ShellCommand, Step};
use crate::record::{Call, Devices, Shared};
use crate::routing::Way;
use crate::settings::{Availability, DeskSettings};
use crate::settle::Derived;
use crate::stale::LateOffers;
use crate::state::{CallState, Direction, Now};
use crate::view::PhoneView;

/// The server's own limit for a waiting dial request is 80 s.
pub(crate) const MOST_RINGING: Duration = Duration::from_secs(75);

/// The phone of one desk. See the crate's documentation. A value: a copy goes its own way from here on.
#[derive(Debug, Clone)]
pub struct Phone {
    pub(crate) shared: Shared,
    pub(crate) calls: Vec<Call>,
    pub(crate) loose: LooseLegs,
    /// Rooms whose offer is not taken up a second time.
    pub(crate) rooms: VecDeque<RoomName>,
    pub(crate) line: LineStatus,
    pub(crate) derived: Derived,
    pub(crate) quitting: bool,
    pub(crate) may_quit: bool,
    pub(crate) availability: Availability,
    pub(crate) several: Several,
    pub(crate) late: LateOffers,
    pub(crate) doubts: Doubts,
    rev: u64,
}

impl Phone {
    /// A phone without calls that has not heard from its line yet.
    #[must_use]
    pub fn new(settings: DeskSettings) -> Self {
        Self {
            shared: Shared {
                out: Vec::new(),
                now: Now {
                    mono: Duration::ZERO,
                    unix_ms: 0,
                },
                region: settings.region,
                ring_for: settings.ring_for.min(MOST_RINGING),
                settings,
                tone_until: None,
                notice: None,
                notices: 0,
                devices: Devices::default(),
                crowded: false,
                changed: false,
            },
            calls: Vec::new(),
            loose: LooseLegs::default(),
            rooms: VecDeque::new(),
            line: LineStatus::Connecting,
            derived: Derived::default(),
            quitting: false,
            may_quit: false,
            availability: Availability::default(),
            several: Several::default(),
            late: LateOffers::default(),
            doubts: Doubts::default(),
            rev: 1,
        }
    }

    /// Takes one input, fires what is due by now, and says all that must be done.
    pub fn handle(&mut self, input: Input, now: Now) -> Step {
        self.shared.now = now;
        self.shared.changed = false;
        match input {
            Input::Intent(intent) => self.intent(intent),
            Input::Room { link, fact } => self.room(&link, fact),
            Input::Leg { call, fact } => self.leg(&call, &fact),
            Input::Watch(WatchFact::Offer(offer)) => self.offer(offer),
            Input::Watch(WatchFact::Withdrawn { room }) => self.withdrawn(&room),
            Input::Line(status) => self.line(status),
            Input::Audio(fact) => self.audio(fact),
            Input::Log { call, fact } => self.log(&call, fact),
            Input::Orphan(orphan) => self.orphan(orphan),
            Input::Settings(settings) => self.settings(settings),
            Input::Tick => {}
        }
        self.fire();
        self.settle();
        for call in &mut self.calls {
            let limit = call.gives_up();
            self.shared.changed |= limit != std::mem::replace(&mut call.limit, limit);
        }
        if self.shared.changed {
            self.rev = self.rev.saturating_add(1);
        }
        Step {
            outputs: std::mem::take(&mut self.shared.out),
            deadline: self.deadline(),
            changed: self.shared.changed,
        }
    }

    /// The whole picture for a person.
    #[must_use]
    pub fn view(&self) -> PhoneView {
        PhoneView {
            rev: self.rev,
            line: self.line.clone(),
            calls: self.calls.iter().map(|call| self.see(call)).collect(),
            rings: self.foremost().map(|call| call.id.clone()),
            notice: self.shared.notice.clone(),
            availability: self.availability,
            quiet: self.quiet_reason(),
            quiet_numbers: self.quiet_numbers(),
        }
    }

    pub(crate) fn find(&mut self, id: &CallId) -> Option<(&mut Call, &mut Shared)> {
        let Self { calls, shared, .. } = self;
        calls
            .iter_mut()
            .find(|call| call.id == *id)
            .map(|call| (call, shared))
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.calls.iter().any(|call| call.state.is_busy())
    }

    // ---- what people want ----

    fn intent(&mut self, intent: Intent) {
        match intent {
            Intent::Dial { call, number, ways } => self.dial(call, &number, ways),
            Intent::Answer { call, other } => self.answer(&call, other),
            Intent::Decline { call } => {
                if let Some((call, shared)) = self.find(&call)
                    && call.state == CallState::Offered
                {
                    call.decline(shared);
                }
            }
            Intent::Silence { call } => {
                if let Some((call, shared)) = self.find(&call)
                    && call.state == CallState::Offered
                    && !call.silenced
                {
                    call.silenced = true;
                    shared.changed = true;
                }
            }
            Intent::HangUp { call } => {
                if let Some((call, shared)) = self.find(&call) {
                    hang_up(call, shared);
                }
            }
            Intent::SetMuted { call, muted } => {
                if let Some((call, shared)) = self.find(&call) {
                    call.set_muted(muted, shared);
                }
            }
            Intent::SetHeld { call, held } => self.set_held(&call, held),
            Intent::Transfer { call, to } => self.transfer(&call, &to),
            Intent::AddPerson {
                call,
                number,
                private,
            } => self.add_person(&call, &number, private),
            Intent::Merge { call } => self.merge(&call),
            Intent::TalkPrivately { call, with } => self.talk_privately(&call, &with),
            Intent::HandOver { call } => self.hand_over(&call),
            Intent::DropPerson { call, leg } => self.drop_person(&call, &leg),
            Intent::Rejoin { call } => self.go_back(&call),
            Intent::SetAvailability(availability) => self.set_availability(availability),
            Intent::SendKeys { call, keys } => self.send_keys(&call, &keys),
            Intent::Dismiss { call } => {
                let before = self.calls.len();
                self.calls
                    .retain(|c| c.id != call || c.state != CallState::Ended);
                self.shared.changed |= before != self.calls.len();
            }
            Intent::DismissNotice { id } => {
                if self
                    .shared
                    .notice
                    .as_ref()
                    .is_some_and(|notice| notice.id == id)
                {
                    self.shared.notice = None;
                    self.shared.changed = true;
                }
            }
            Intent::Quit => self.quit(),
        }
    }

    fn dial(&mut self, id: CallId, typed: &str, ways: Vec<Way>) {
        if self.knows(&id) {
            return; // an id is used once
        }
        match self.may_dial(typed) {
            Ok(number) => {
                self.calls.retain(|call| call.state != CallState::Ended);
                self.shared.notice = None;
                self.make_way(&id);
                let room = RoomName::outbound(&id);
                let leg = Identity::leg(&id);
                let mut call = Call::new(
                    id,
                    Direction::Outbound,
                    number.dial().into(),
                    number.shown().into(),
                    room,
                    leg,
                    self.shared.now,
                );
                call.ways = Ways::new(ways);
                call.line = self.own_number(&call.ways);
                call.dialled = Some(typed.trim().to_owned());
                call.start_journal(&mut self.shared);
                self.shared.changed = true;
                self.calls.push(call);
            }
            Err(reason) => {
                let text = match (self.may_begin(), reason.advice()) {
                    (Err(why), _) => why.into(),
                    (Ok(()), Some(advice)) => format!("{}. {advice}", reason.title()),
                    (Ok(()), None) => reason.title(),
                };
                self.shared.notify(reason.code(), text);
                self.shared
                    .shell(ShellCommand::Refused { call: id, reason });
            }
        }
    }

    /// Is there, or may there still be, anything of this name?
    pub(crate) fn knows(&self, id: &CallId) -> bool {
        self.calls.iter().any(|call| call.id == *id)
            || self.loose.has(id)
            || self.late.has_call(id)
            || self.doubts.has(id)
    }

    /// Our number on the line that a call goes over, if known.
    fn own_number(&self, ways: &Ways) -> Option<String> {
        let LineStatus::Ready { trunks } = &self.line else {
            return ways.caller_id();
        };
        let trunk = match &ways.present {
            Some(way) => trunks.iter().find(|trunk| trunk.id == way.trunk),
            None => trunks.first(),
        };
        let number = || trunk.map(|trunk| trunk.number().to_owned());
        ways.caller_id()
            .or_else(number)
            .filter(|number| !number.is_empty())
    }

    fn may_dial(&self, typed: &str) -> Result<DialNumber, EndReason> {
        self.may_begin().map_err(|_| EndReason::AlreadyInCall)?;
        let number =
            number::parse(typed, self.shared.region).map_err(|why| EndReason::BadNumber {
                why: why.to_string(),
            })?;
        match &self.line {
            LineStatus::SignedOut | LineStatus::Locked { .. } => Err(EndReason::NotSignedIn),
            LineStatus::Broken { what } => Err(EndReason::NoEngine { what: what.clone() }),
            LineStatus::Refused { .. } => Err(EndReason::SignInRefused),
            LineStatus::Connecting | LineStatus::Ready { .. } | LineStatus::Unreachable { .. } => {
                Ok(number)
            }
        }
    }

    fn send_keys(&mut self, id: &CallId, typed: &str) {
        let keys = match number::parse_keys(typed) {
            Ok(keys) => keys,
            Err(why) => return self.shared.notify("bad_key", why),
        };
        let Some((call, shared)) = self.find(id) else {
            return;
        };
        if !call.state.is_busy() {
            return;
        }
        if !call.take_keys(&keys, shared) {
            shared.notify(
                "bad_key",
                "Too many keys wait for the answer. Send the rest once the call is up.",
            );
        } else if let Some(key) = keys.chars().find(|key| *key != 'w') {
            shared.push(Output::Audio(AudioCommand::KeyTone(key)));
        }
    }

    fn quit(&mut self) {
        self.quitting = true;
        self.end_doubts();
        let Self { calls, shared, .. } = self;
        for call in calls {
            match call.state {
                // the caller rings on at other desks
                CallState::Offered | CallState::Claiming => call.finish(EndReason::Missed, shared),
                CallState::Answering if !call.publishing => {
                    call.finish(EndReason::Missed, shared);
                }
                CallState::Preparing
                | CallState::Joining
                | CallState::Dialling
                | CallState::RemoteRinging
                | CallState::Answering
                | CallState::Live => hang_up(call, shared),
                // nobody is left to go back into it, and its far end hears silence
                CallState::Stranded => call.finish(EndReason::Interrupted, shared),
                CallState::HandedOver => call.stop_watching(shared),
                CallState::Ending | CallState::Ended => {}
            }
        }
    }

    // ---- time ----

    fn deadline(&self) -> Option<Duration> {
        let calls = self.calls.iter().filter_map(Call::deadline);
        calls
            .chain(self.loose.deadline())
            .chain(self.shared.tone_until)
            .chain(self.several.deadline())
            .chain(self.quiet_deadline())
            .chain(self.late.deadline())
            .chain(self.doubts.deadline())
            .min()
    }

    fn fire(&mut self) {
        self.end_of_quiet();
        self.late.fire(self.shared.now.mono);
        self.ask_doubts();
        let Self {
            calls,
            shared,
            loose,
            ..
        } = self;
        for call in calls.iter_mut() {
            // every handler sets its timer later than now or not at all, so this ends
            while let Some(timer) = call.take_due(shared.now) {
                match call.state {
                    CallState::Ending => call.ending_timer(timer, shared),
                    CallState::Stranded => call.stranded_timer(timer, shared),
                    CallState::HandedOver => call.handed_over_timer(timer, shared),
                    CallState::Ended => {}
                    CallState::Live => call.live_timer(timer, shared),
                    CallState::Preparing
                    | CallState::Joining
                    | CallState::Dialling
                    | CallState::RemoteRinging => call.outbound_timer(shared),
                    CallState::Offered | CallState::Claiming | CallState::Answering => {
                        call.inbound_timer(timer, shared);
                    }
                }
            }
        }
        loose.fire(shared);
        if shared
            .tone_until
            .is_some_and(|until| until <= shared.now.mono)
        {
            shared.tone_until = None;
        }
    }
}

fn hang_up(call: &mut Call, shared: &mut Shared) {
    match call.state {
        CallState::Preparing
        | CallState::Joining
        | CallState::Dialling
        | CallState::RemoteRinging => call.finish(EndReason::Cancelled, shared),
        CallState::Offered | CallState::Claiming => call.decline(shared),
        CallState::Answering if !call.publishing => call.decline(shared),
        CallState::Answering | CallState::Live | CallState::HandedOver => {
            call.finish(EndReason::HungUp, shared);
        }
        CallState::Stranded => call.finish(EndReason::Interrupted, shared),
        CallState::Ending | CallState::Ended => {}
    }
}
