//! The ladders: short stories of calls, with a server that works.
//!
//! A step that finds nothing to do (a far end that has gone already, a call that never came about) does nothing, so every
//! story can be told with any fault in it.

mod desks;
mod earlier_run;
mod one_call;
mod people;
mod two_calls;

use call::input::{Intent, OtherCall};
use call::state::LegStatus;
use call::{CallId, Identity};

use crate::server::Server;
use crate::support::{NUMBER, id, leg_of, person_of};

/// What happens, told to a server.
pub(crate) type Story = fn(&mut Server);

/// Every ladder, by name.
pub(crate) fn all() -> Vec<(&'static str, Story)> {
    let groups = [
        one_call::STORIES.as_slice(),
        people::STORIES.as_slice(),
        two_calls::STORIES.as_slice(),
        desks::STORIES.as_slice(),
        earlier_run::STORIES.as_slice(),
    ];
    groups.concat()
}

fn dial_as(s: &mut Server, call: &str) {
    s.intent(Intent::Dial {
        call: id(call),
        number: NUMBER.into(),
        ways: Vec::new(),
    });
    s.run(1_000);
}

fn dial(s: &mut Server) {
    dial_as(s, "c1");
}

/// The phone of this leg rings, and then it is answered.
fn is_answered(s: &mut Server, leg: &Identity) {
    s.is(leg, LegStatus::Ringing);
    s.run(2_000);
    s.is(leg, LegStatus::Active);
    s.run(2_000);
}

fn dial_up(s: &mut Server) {
    dial(s);
    is_answered(s, &leg_of("c1"));
}

fn hang_up_of(s: &mut Server, call: &str) {
    s.intent(Intent::HangUp { call: id(call) });
    s.run(20_000);
}

fn hang_up(s: &mut Server) {
    hang_up_of(s, "c1");
}

fn ring(s: &mut Server) {
    s.caller("c1");
    s.run(1_000);
}

fn answer_and(s: &mut Server, call: &str, other: OtherCall) {
    s.intent(Intent::Answer {
        call: id(call),
        other,
    });
    s.run(2_000);
}

fn answer(s: &mut Server) {
    answer_and(s, "c1", OtherCall::Hold);
}

fn hangs_up_there(s: &mut Server, leg: &Identity) {
    s.hangs_up(leg);
    s.run(20_000);
}

fn hold(s: &mut Server, call: &str, held: bool) {
    let call = id(call);
    s.intent(Intent::SetHeld { call, held });
    s.run(300);
}

fn mute(s: &mut Server, call: &CallId, muted: bool) {
    let call = call.clone();
    s.intent(Intent::SetMuted { call, muted });
    s.run(100);
}

/// The first further person of the first call.
fn third() -> Identity {
    person_of("c1", 1)
}
