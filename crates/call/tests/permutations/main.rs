//! Facts arrive in any order and more than once: the same facts end in the same state, whatever the order.
//!
//! Every history is told in all its permutations, then in all of them once more with each single fact repeated, at once
//! and at the end. Facts that cannot overtake each other keep their order: an answer never comes before its question, and
//! one connection tells in order what it saw.

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

mod desks;
mod earlier_run;
mod facts;
mod one_call;
mod people;

use call::output::{LegCommand, LogCommand};
use call::state::CallState;
use call::view::PersonState;
use call::{CallId, EndReason, Input, Output};
use support::Desk;

/// What must not depend on the order: of every call that is shown, and of the desk.
#[derive(Debug, PartialEq, Eq)]
struct End {
    calls: Vec<CallEnd>,
    /// Rows that were begun, got their end, and say that nothing is left.
    rows: [usize; 3],
    /// Legs that were asked for.
    placed: usize,
    missed: usize,
    open: bool,
    rings: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct CallEnd {
    call: CallId,
    state: CallState,
    reason: Option<EndReason>,
    answered: bool,
    muted: bool,
    held: bool,
    reconnecting: bool,
    private: bool,
    people: Vec<PersonState>,
}

fn end(desk: &Desk) -> End {
    let view = desk.phone.view();
    let calls = view.calls.iter().map(|call| CallEnd {
        call: call.id.clone(),
        state: call.state,
        reason: call.end.clone(),
        answered: call.answered_unix_ms.is_some(),
        muted: call.muted,
        held: call.held,
        reconnecting: call.reconnecting,
        private: call.private_with.is_some(),
        people: call.people.iter().map(|p| p.state.clone()).collect(),
    });
    let count = |what: fn(&Output) -> bool| desk.outputs.iter().filter(|o| what(o)).count();
    End {
        calls: calls.collect(),
        rows: [
            count(|o| matches!(o, Output::Log(LogCommand::Start(_)))),
            count(|o| match o {
                Output::Log(command) => matches!(
                    command,
                    LogCommand::Finish(_) | LogCommand::FinishOrphan { .. }
                ),
                _ => false,
            }),
            count(|o| match o {
                Output::Log(LogCommand::Finish(finish)) => finish.leg_gone,
                Output::Log(command) => matches!(command, LogCommand::LegGone { .. }),
                _ => false,
            }),
        ],
        placed: count(|o| match o {
            Output::Leg(command) => matches!(
                command,
                LegCommand::Place { .. } | LegCommand::PlacePerson { .. }
            ),
            _ => false,
        }),
        missed: desk.said("notify missed"),
        open: desk.said("open") > desk.said("close"),
        rings: desk.said("ring true") > desk.said("ring false"),
    }
}

struct History {
    name: &'static str,
    begin: fn() -> Desk,
    facts: Vec<Input>,
    /// The first comes after the second, whatever the order.
    after: &'static [(usize, usize)],
    /// Answers that are counted, so nobody tells them twice.
    once: &'static [usize],
    /// What it comes to in the end.
    state: CallState,
}

/// All orders of `n` things (Heap's way).
fn orders(n: usize) -> Vec<Vec<usize>> {
    fn go(k: usize, order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if k <= 1 {
            return all.push(order.clone());
        }
        for i in 0..k {
            go(k - 1, order, all);
            order.swap(if k.is_multiple_of(2) { i } else { 0 }, k - 1);
        }
    }
    let mut all = Vec::new();
    go(n, &mut (0..n).collect(), &mut all);
    all
}

/// Can it happen in this order?
fn can_happen(history: &History, order: &[usize]) -> bool {
    let place = |fact: usize| order.iter().position(|at| *at == fact);
    history.after.iter().all(|(later, earlier)| {
        place(*later).is_none_or(|later| place(*earlier).is_some_and(|first| first < later))
    })
}

fn tell(begin: &Desk, history: &History, order: &[usize]) -> End {
    let mut desk = begin.clone();
    for fact in order {
        desk.tell(history.facts[*fact].clone());
    }
    desk.wait_s(5);
    end(&desk)
}

/// Tells it in all orders; returns how often, or the first order that ends otherwise.
fn tell_all_orders(history: &History) -> Result<u32, String> {
    let mut told = 0;
    let begin = (history.begin)();
    let facts = history.facts.len();
    assert!(facts <= 6);
    for length in 1..=facts {
        // a shorter history is one whose last facts never came
        let in_order: Vec<usize> = (0..length).collect();
        assert!(can_happen(history, &in_order), "{}", history.name);
        let expected = tell(&begin, history, &in_order);
        if length == facts {
            assert_eq!(expected.calls[0].state, history.state, "{}", history.name);
        }
        for order in orders(length) {
            if !can_happen(history, &order) {
                continue;
            }
            let mut told_so = vec![order.clone()];
            for repeated in (0..length).filter(|at| !history.once.contains(&order[*at])) {
                let mut at_once = order.clone();
                at_once.insert(repeated, order[repeated]);
                let mut in_the_end = order.clone();
                in_the_end.push(order[repeated]);
                told_so.extend([at_once, in_the_end]);
            }
            for order in told_so {
                let end = tell(&begin, history, &order);
                if end != expected {
                    let name = history.name;
                    return Err(format!("{name}: {order:?}\n  {end:?}\n  {expected:?}"));
                }
                told += 1;
            }
        }
    }
    Ok(told)
}

fn all_orders_end_alike(kind: &str, histories: &[History]) {
    let ends: Vec<_> = histories.iter().map(tell_all_orders).collect();
    let told: u32 = ends.iter().flatten().sum();
    let wrong: Vec<_> = ends.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = histories.len();
    println!("permutations: {count} histories of {kind}, told {told} times, each to the same end");
}

#[test]
fn of_a_call_that_begins_and_ends() {
    assert_eq!(orders(6).len(), 720);
    all_orders_end_alike("one call", &one_call::histories());
}

#[test]
fn of_a_call_with_several_people_or_lines() {
    all_orders_end_alike("people and lines", &people::histories());
}

#[test]
fn of_a_caller_whom_several_desks_hear() {
    all_orders_end_alike("several desks", &desks::histories());
}

#[test]
fn of_a_call_of_an_earlier_run() {
    all_orders_end_alike("earlier runs", &earlier_run::histories());
}
