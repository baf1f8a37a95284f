//! How long a journal entry takes, asked and answered through the phone's own queues.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use call::{EndReason, Input, input::LogFact, output::LogCommand};
use history::{Journal, Store};
use tokio::sync::mpsc;

use crate::data::{World, finish};
use crate::series::Series;

pub(crate) fn measure(store: Store, world: &World, rounds: usize) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(0x3a);
    let (commands, received) = mpsc::channel(4);
    let (sent, mut facts) = mpsc::channel(4);
    let mut changes = store.changes();
    let thread = history::spawn(received, sent, Journal::Kept(store.clone()))?;
    let waiter = tokio::runtime::Builder::new_current_thread().build()?;
    let mut first = Series::new("journal: insert start");
    let mut last = Series::new("journal: finish");
    let mut at = world.end_ms() + 1_000_000_000;
    let run = std::process::id();
    for n in 0..rounds {
        at += 1000;
        let call = format!("w{run}-{n}");
        let start = world.start(&call, at, &mut random);
        let began = Instant::now();
        commands.blocking_send(LogCommand::Start(start))?;
        let answer = facts.blocking_recv().context("the journal ended")?;
        let Input::Log {
            fact: LogFact::Logged,
            ..
        } = answer
        else {
            bail!("the journal said {answer:?}");
        };
        first.add(began.elapsed(), 1);
        changes.mark_unchanged();
        let end = LogCommand::Finish(finish(&call, EndReason::HungUp, Some(at), at + 5));
        let began = Instant::now();
        commands.blocking_send(end)?;
        waiter.block_on(changes.changed())?;
        last.add(began.elapsed(), 1);
    }
    drop(commands);
    if thread.join().is_err() {
        bail!("the journal ended with a fault");
    }
    println!("{}", first.line());
    println!("{}", last.line());
    let mut note = Series::new("write a note");
    for n in 0..rounds {
        note.ask(|| {
            Ok(store
                .set_note(&format!("w{run}-{n}"), "call back on monday")
                .map(|()| 1)?)
        })?;
    }
    println!("{}", note.line());
    Ok(())
}
