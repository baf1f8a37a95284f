//! The journal, as far as it is told, and what it would tell the next run of the program.

use std::collections::BTreeMap;
use std::time::Duration;

use call::input::Orphan;
use call::output::{LegCommand, LogCommand};
use call::state::Direction;
use call::{CallId, Identity, Output, RoomName};

use super::{Server, command_call};
use crate::support::{NUMBER, START_MS};

/// One row.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) direction: Direction,
    pub(crate) room: RoomName,
    pub(crate) leg: Identity,
    pub(crate) answered: bool,
    pub(crate) handed_over: bool,
    pub(crate) muted: bool,
    on_disk: bool,
    /// It has an end.
    ended: bool,
    /// The present run of the program has written the end.
    over: bool,
    /// Its leg may be up.
    loose: bool,
    /// The present run was told of it when it started.
    adopted: bool,
}

impl Row {
    pub(crate) fn new(direction: Direction, room: RoomName, leg: Identity) -> Self {
        Self {
            direction,
            room,
            leg,
            answered: false,
            handed_over: false,
            muted: false,
            on_disk: true,
            ended: false,
            over: false,
            loose: true,
            adopted: false,
        }
    }
}

#[derive(Default)]
pub(super) struct Journal {
    rows: BTreeMap<CallId, Row>,
}

impl Journal {
    pub(super) fn left_behind(&mut self, call: &CallId, row: Row) {
        self.rows.insert(call.clone(), row);
    }

    /// Rows without an end.
    pub(super) fn open(&self) -> usize {
        self.rows.values().filter(|row| !row.ended).count()
    }

    /// What the next run is told of: calls that are not over, and calls whose leg may be up.
    pub(super) fn take_orphans(&mut self) -> Vec<Orphan> {
        let mut orphans = Vec::new();
        for (call, row) in &mut self.rows {
            if !row.on_disk {
                row.ended = true; // nobody knows of it any more
            } else if !row.ended || row.loose {
                (row.adopted, row.over) = (true, false);
                orphans.push(Orphan {
                    call: call.clone(),
                    direction: row.direction,
                    room: row.room.clone(),
                    leg: row.leg.clone(),
                    answered: row.answered,
                    age: Duration::from_secs(9),
                    handed_over: row.handed_over,
                    number: NUMBER.into(),
                    name: None,
                    line: None,
                    started_unix_ms: START_MS,
                    answered_unix_ms: row.answered.then_some(START_MS),
                    muted: row.muted,
                });
            }
        }
        orphans
    }

    fn row(&mut self, call: &CallId) -> &mut Row {
        self.rows.get_mut(call).expect("the row comes first")
    }

    fn going_on(&mut self, call: &CallId) -> &mut Row {
        let row = self.row(call);
        assert!(!row.over, "a word in the row of {call} after its end");
        row
    }

    /// Writes it down. Says whether the end that it writes, if any, claims that no leg is left.
    pub(super) fn write(&mut self, command: LogCommand, refused: bool) -> Option<CallId> {
        match command {
            LogCommand::Start(start) => {
                let mut row = Row::new(start.direction, start.room, start.leg);
                row.on_disk = !refused;
                let before = self.rows.insert(start.call, row);
                assert!(before.is_none(), "two rows of one call");
            }
            LogCommand::Answered { call, .. } => {
                let row = self.going_on(&call);
                let before = std::mem::replace(&mut row.answered, true);
                assert!(!before, "answered twice");
            }
            LogCommand::WentOver { call, leg, .. } => {
                let row = self.going_on(&call);
                assert!(!row.answered, "went over after the answer");
                if !refused {
                    row.leg = leg;
                }
            }
            LogCommand::Alive { call, muted, .. } => self.going_on(&call).muted = muted,
            LogCommand::HandedOver { call, .. } => {
                let row = self.going_on(&call);
                assert!(row.answered, "handed over before the answer");
                row.handed_over = true;
            }
            LogCommand::Finish(finish) => {
                let row = self.going_on(&finish.call);
                // an earlier run may have died before it wrote the answer down
                let answered = finish.answered_unix_ms.is_some();
                assert!(answered == row.answered || (answered && row.adopted));
                (row.ended, row.over) = (true, true);
                row.loose = !finish.leg_gone;
                return finish.leg_gone.then_some(finish.call);
            }
            LogCommand::FinishOrphan { call } => {
                let row = self.going_on(&call);
                assert!(row.adopted, "not of an earlier run");
                (row.ended, row.over) = (true, true);
            }
            LogCommand::LegGone { call } => {
                let row = self.row(&call);
                assert!(row.over && row.loose, "gone before the end, or twice");
                row.loose = false;
                return Some(call);
            }
        }
        None
    }
}

impl Server {
    /// Nothing goes out for a call whose row has its end, but what drops a leg that may still be up.
    pub(super) fn check_order(&self, output: &Output) {
        let row = |call: &CallId| self.journal.rows.get(call);
        match output {
            Output::Room(command) => {
                let over = row(&command.link().call).is_some_and(|row| row.over);
                assert!(!over, "an order for a call that is over");
            }
            Output::Leg(command) => {
                let call = command_call(command);
                if let Some(row) = call.and_then(row).filter(|row| row.over) {
                    let drops = matches!(
                        command,
                        LegCommand::Remove { .. } | LegCommand::DeleteRoom { .. }
                    );
                    assert!(drops && row.loose, "an order for a call that is over");
                }
            }
            _ => {}
        }
    }

    /// The row says that no leg of ours is left.
    pub(super) fn check_gone(&self, call: &CallId) {
        let room = &self.journal.rows[call].room;
        assert!(
            !self.has_our_legs(room),
            "said to be gone, and is still there"
        );
    }
}
