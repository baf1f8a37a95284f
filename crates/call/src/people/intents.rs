//! What a person wants of a call with several.

use super::{Face, LISTED, MOST, Person};
use crate::circle::Then;
use crate::end::EndReason;
use crate::ids::{CallId, Identity};
use crate::input::{LineStatus, Trunk};
use crate::number::{self, DialNumber};
use crate::phone::Phone;
use crate::record::{Call, Shared};
use crate::routing::Way;
use crate::state::{CallState, LegStatus};

/// Servers write the same number with and without its sign.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

impl Call {
    fn may_add(&self) -> Result<(), &'static str> {
        if self.state != CallState::Live || self.status < Some(LegStatus::Automation) {
            return Err("Somebody can be added once the call has been answered.");
        }
        if self.held {
            return Err("This call is on hold. Take it back, then add somebody.");
        }
        if self.is_shaky() {
            return Err(
                "The connection is being rebuilt. Add somebody when the other side is back.",
            );
        }
        if self.is_being_transferred() {
            return Err("This call is being transferred. Wait for the outcome.");
        }
        if self.party.people.iter().any(Person::is_called) {
            return Err("Somebody is being called already. Wait for the answer or cancel it.");
        }
        if !self.circle.is_everybody() {
            return Err(
                "You are talking to one person alone. Bring everybody together, then add somebody.",
            );
        }
        if self.party.here() + 1 >= MOST {
            return Err("Five people are in the call, which is the most. Nobody was added.");
        }
        Ok(())
    }

    fn add_person(&mut self, number: &DialNumber, private: bool, shared: &mut Shared) {
        if self.party.people.len() >= LISTED {
            self.party.people.retain(Person::is_loose);
        }
        self.party.made = self.party.made.saturating_add(1);
        let n = self.party.made;
        let leg = Identity::person(&self.id, n);
        self.party.people.push(Person {
            leg: leg.clone(),
            face: Face {
                n,
                number: number.dial().into(),
                shown: number.shown().into(),
                name: None,
            },
            status: None,
            answered: false,
            placed: false,
            open: false,
            failure: None,
            leave: None,
            removals: 0,
            removed: false,
            missing: false,
            until: None,
            gone: None,
        });
        shared.changed = true;
        if private {
            self.arrange(Some(leg.clone()), Then::Place(leg), shared);
        } else {
            self.place_person(&leg, shared);
        }
    }

    fn drop_person(&mut self, leg: &Identity, shared: &mut Shared) {
        if self.circle.then == Then::Place(leg.clone()) {
            self.party.forget(leg);
            return self.arrange(None, Then::Nothing, shared);
        }
        if *leg == self.leg {
            if self.change_places(shared) {
                shared.changed = true;
            } else {
                return self.finish(EndReason::HungUp, shared);
            }
        }
        let person = self.party.find(leg).filter(|person| person.is_here());
        if person.is_some_and(|person| person.removals == 0) {
            self.ask_to_go(leg, shared);
        }
    }

    fn talk_privately(&mut self, with: &Identity, shared: &mut Shared) {
        let up = *with == self.leg || self.party.find(with).is_some_and(|person| person.is_up());
        let placing = matches!(self.circle.then, Then::Place(_));
        if !up || self.party.is_empty() || placing || self.held || self.is_shaky() {
            return shared.notify(
                "no_private",
                "You can talk alone with somebody who is up in a call with several people. Wait for the answer, or take the call back first.",
            );
        }
        if self.circle.only.as_ref() != Some(with) {
            self.arrange(Some(with.clone()), Then::Nothing, shared);
        }
    }

    fn merge(&mut self, shared: &mut Shared) {
        if self.circle.only.is_some() {
            let then = match std::mem::take(&mut self.circle.then) {
                Then::Place(leg) => Then::Place(leg),
                Then::HandOver | Then::Nothing => Then::Nothing,
            };
            self.arrange(None, then, shared);
        } else if !self.circle.is_everybody() {
            self.say_circle_again(shared);
        }
    }

    fn hand_over(&mut self, shared: &mut Shared) {
        let called = self.party.people.iter().any(Person::is_called);
        if called || self.party.up() == 0 || self.is_shaky() {
            return shared.notify(
                "not_handed_over",
                "Add somebody and wait for the answer, then hand the call over.",
            );
        }
        if self.circle.is_everybody() {
            self.go_out(shared);
        } else {
            self.arrange(None, Then::HandOver, shared);
        }
    }
}

impl Phone {
    pub(crate) fn add_person(&mut self, id: &CallId, typed: &str, private: bool) {
        let region = self.shared.region;
        let came_over = self.line_that_brought(id);
        let Some((call, shared)) = self.find(id) else {
            return;
        };
        if call.end.is_some() {
            return;
        }
        if let Err(why) = call.may_add() {
            return shared.notify("no_person", why);
        }
        match number::parse(typed, region) {
            Ok(number) => {
                if call.ways.present.is_none() {
                    call.ways.present = came_over;
                }
                call.add_person(&number, private, shared);
            }
            Err(why) => shared.notify("bad_number", why.to_string()),
        }
    }

    /// The line that a caller came over, for calling others over it: the trunk that has the number they called. `None`: we
    /// called, or no trunk has it.
    fn line_that_brought(&self, id: &CallId) -> Option<Way> {
        let call = self.calls.iter().find(|call| call.id == *id)?;
        let called = call.line.as_deref().map(digits)?;
        let LineStatus::Ready { trunks } = &self.line else {
            return None;
        };
        let own = |trunk: &'_ Trunk| {
            let mut numbers = trunk.numbers.iter();
            numbers.find(|own| digits(own) == called).cloned()
        };
        trunks.iter().find_map(|trunk| {
            Some(Way {
                caller_id: Some(own(trunk)?),
                trunk: trunk.id.clone(),
                name: trunk.name.clone(),
                fails_over: false,
            })
        })
    }

    pub(crate) fn merge(&mut self, id: &CallId) {
        self.in_live(id, Call::merge);
    }

    pub(crate) fn talk_privately(&mut self, id: &CallId, with: &Identity) {
        self.in_live(id, |call, shared| call.talk_privately(with, shared));
    }

    pub(crate) fn hand_over(&mut self, id: &CallId) {
        self.in_live(id, Call::hand_over);
    }

    pub(crate) fn drop_person(&mut self, id: &CallId, leg: &Identity) {
        self.in_live(id, |call, shared| call.drop_person(leg, shared));
    }

    fn in_live(&mut self, id: &CallId, what: impl FnOnce(&mut Call, &mut Shared)) {
        if let Some((call, shared)) = self.find(id)
            && call.state == CallState::Live
        {
            what(call, shared);
        }
    }
}
