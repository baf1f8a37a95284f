//! The adapter: one thread that carries out the journal entries of the phone, in order.

use std::collections::VecDeque;
use std::thread::{self, JoinHandle};

use call::input::LogFact;
use call::output::LogCommand;
use call::{CallId, Input};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::error::HistoryError;
use crate::store::Store;

/// Entries that could not be written and wait for another try, at most.
const WAITING: usize = 1000;

/// Where journal entries go.
#[derive(Debug)]
pub enum Journal {
    /// The open file.
    Kept(Store),
    /// The file could not be opened: calls go on, each is told that it is not kept.
    Lost(HistoryError),
}

/// Starts the thread. It answers every `Start` and `WentOver` with `Logged` or `Failed`, and a `Finish` that cannot be written with
/// `Failed`; what fails because the disk is full or the file is held is tried again before every later entry, and the later
/// ones of its call wait behind it; those of other calls do not. It ends
/// when `commands` is closed and everything that came before is written: join it before the program exits. It waits when
/// `facts` is full.
///
/// # Errors
/// The system gives no more threads.
pub fn spawn(
    mut commands: Receiver<LogCommand>,
    facts: Sender<Input>,
    journal: Journal,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("history".into())
        .spawn(move || {
            let mut writer = Writer {
                journal,
                waiting: VecDeque::new(),
            };
            while let Some(command) = commands.blocking_recv() {
                if let Some((call, fact)) = writer.carry_out(command)
                    && facts.blocking_send(Input::Log { call, fact }).is_err()
                {
                    // Nobody listens any more: the program closes, and the rest must still be written.
                    tracing::debug!("a journal entry was answered after the phone had gone");
                }
            }
            let _closing = writer.try_again();
        })
}

struct Writer {
    journal: Journal,
    waiting: VecDeque<LogCommand>,
}

impl Writer {
    fn carry_out(&mut self, command: LogCommand) -> Option<(CallId, LogFact)> {
        let stuck = self.try_again();
        let answered = match &command {
            LogCommand::Start(start) => Some((start.call.clone(), true)),
            LogCommand::Finish(finish) => Some((finish.call.clone(), false)),
            LogCommand::WentOver { call, .. } => Some((call.clone(), true)),
            LogCommand::Answered { .. }
            | LogCommand::HandedOver { .. }
            | LogCommand::Alive { .. }
            | LogCommand::FinishOrphan { .. }
            | LogCommand::LegGone { .. } => None,
        };
        let written = match stuck {
            Some(failure) if self.waits_for(call_of(&command)) => Err(failure),
            Some(_) | None => self.attempt(&command),
        };
        match written {
            Ok(()) => answered
                .filter(|(_, start)| *start)
                .map(|(call, _)| (call, LogFact::Logged)),
            Err(failure) => {
                if failure.may_pass {
                    self.keep(command);
                }
                answered.map(|(call, _)| (call, LogFact::Failed { what: failure.what }))
            }
        }
    }

    /// Does an older entry of this call wait? Entries of a call are written in order.
    fn waits_for(&self, call: &CallId) -> bool {
        self.waiting.iter().any(|older| call_of(older) == call)
    }

    fn attempt(&self, command: &LogCommand) -> Result<(), Failure> {
        let store = match &self.journal {
            Journal::Kept(store) => store,
            Journal::Lost(error) => {
                return Err(Failure {
                    what: error.to_string(),
                    may_pass: false,
                });
            }
        };
        let written = match command {
            LogCommand::Start(start) => store.start(start),
            LogCommand::WentOver {
                call,
                leg,
                line,
                refusal,
            } => store.went_over(call, leg, line.as_deref(), refusal),
            LogCommand::Answered { call, at_unix_ms } => store.answered(call, *at_unix_ms),
            LogCommand::HandedOver { call, at_unix_ms } => store.hand_over(call, *at_unix_ms),
            LogCommand::Alive {
                call,
                at_unix_ms,
                muted,
            } => store.alive(call, *at_unix_ms, *muted),
            LogCommand::Finish(finish) => store.finish(finish),
            LogCommand::FinishOrphan { call } => store.finish_orphan(call),
            LogCommand::LegGone { call } => store.leg_gone(call),
        };
        written.map_err(|error| {
            tracing::warn!("a journal entry was not written: {}", error.detail());
            // While its first entry waits, a call has no row yet.
            let may_pass = error.may_pass()
                || (matches!(error, HistoryError::NoSuchCall) && !self.waiting.is_empty());
            Failure {
                what: error.to_string(),
                may_pass,
            }
        })
    }

    fn keep(&mut self, command: LogCommand) {
        // A sign of life that is late says nothing.
        if matches!(command, LogCommand::Alive { .. }) {
            return;
        }
        if self.waiting.len() >= WAITING {
            tracing::error!("too many journal entries wait to be written; the oldest is lost");
            self.waiting.pop_front();
        }
        self.waiting.push_back(command);
    }

    /// Answers what the oldest of those that wait still waits for.
    fn try_again(&mut self) -> Option<Failure> {
        while let Some(command) = self.waiting.pop_front() {
            if let Err(failure) = self.attempt(&command)
                && failure.may_pass
            {
                self.waiting.push_front(command);
                return Some(failure);
            }
        }
        None
    }
}

fn call_of(command: &LogCommand) -> &CallId {
    match command {
        LogCommand::Start(start) => &start.call,
        LogCommand::Finish(finish) => &finish.call,
        LogCommand::WentOver { call, .. }
        | LogCommand::Answered { call, .. }
        | LogCommand::HandedOver { call, .. }
        | LogCommand::Alive { call, .. }
        | LogCommand::FinishOrphan { call }
        | LogCommand::LegGone { call } => call,
    }
}

struct Failure {
    what: String,
    may_pass: bool,
}
