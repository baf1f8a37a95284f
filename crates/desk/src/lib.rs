//! The one loop: owns the [`Phone`] and the clock, hands its outputs to the ports and feeds facts back.
//!
//! ```text
//! adapters, shell --Input--> [ loop: Phone.handle(input, now) ] --commands--> log, room, leg, audio, shell
//!                                      |
//!                                      +--whole view--> watch channel
//! ```
//! No handler awaits: a command goes into its port's queue at once, or into a backlog of the loop if the adapter is slow.
//! Adapters never call the loop; they only send facts. Outputs to different ports have no order between them.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod clock;
mod port;

use std::sync::Arc;
use std::time::Duration;

use call::output::{AudioCommand, LegCommand, LogCommand, Output, RoomCommand, ShellCommand};
use call::view::PhoneView;
use call::{Input, Phone};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use clock::{Clock, unix_ms};
use port::Port;

/// A good length for the queue of inputs.
pub const INPUTS: usize = 256;
/// A good length for the queue of one port.
pub const COMMANDS: usize = 64;

/// Where the outputs go. A closed queue is an adapter that ended; what was meant for it is dropped.
#[derive(Debug)]
pub struct Ports {
    /// To `history`.
    pub log: mpsc::Sender<LogCommand>,
    /// To `realtime`.
    pub room: mpsc::Sender<RoomCommand>,
    /// To `switchboard`.
    pub leg: mpsc::Sender<LegCommand>,
    /// To `audio`.
    pub audio: mpsc::Sender<AudioCommand>,
    /// To the shell.
    pub shell: mpsc::Sender<ShellCommand>,
}

/// A running loop.
#[derive(Debug)]
pub struct Running {
    /// The last view; changes with every change a person can see.
    pub view: watch::Receiver<Arc<PhoneView>>,
    /// Ends when every sender of inputs is gone.
    pub done: JoinHandle<()>,
}

/// Starts the loop on the present tokio runtime.
#[must_use]
pub fn spawn(phone: Phone, inputs: mpsc::Receiver<Input>, ports: Ports, clock: Clock) -> Running {
    let (publish, view) = watch::channel(Arc::new(phone.view()));
    let done = tokio::spawn(run(phone, inputs, Outlets::new(ports), clock, publish));
    Running { view, done }
}

struct Outlets {
    log: Port<LogCommand>,
    room: Port<RoomCommand>,
    leg: Port<LegCommand>,
    audio: Port<AudioCommand>,
    shell: Port<ShellCommand>,
}

impl Outlets {
    fn new(ports: Ports) -> Self {
        Self {
            // A row is never lost, nor what takes a leg or us out of a room, nor the word that ends the program.
            log: Port::new("log", ports.log, |command| {
                matches!(command, LogCommand::Alive { .. })
            }),
            room: Port::new("room", ports.room, |command| {
                !matches!(
                    command,
                    RoomCommand::Leave { .. } | RoomCommand::EndLeg { .. }
                )
            }),
            leg: Port::new("leg", ports.leg, |command| {
                !matches!(
                    command,
                    LegCommand::Remove { .. } | LegCommand::DeleteRoom { .. }
                )
            }),
            audio: Port::new("audio", ports.audio, |_| true),
            shell: Port::new("shell", ports.shell, |command| {
                !matches!(command, ShellCommand::MayQuit)
            }),
        }
    }

    fn hand_over(&mut self, output: Output) {
        match output {
            Output::Log(command) => self.log.send(command),
            Output::Room(command) => self.room.send(command),
            Output::Leg(command) => self.leg.send(command),
            Output::Audio(command) => self.audio.send(command),
            Output::Shell(command) => self.shell.send(command),
        }
    }

    /// Completes when some backlog became shorter; never while there is none.
    async fn drain(&mut self) {
        tokio::select! {
            () = self.log.drain() => {}
            () = self.room.drain() => {}
            () = self.leg.drain() => {}
            () = self.audio.drain() => {}
            () = self.shell.drain() => {}
        }
    }
}

async fn run(
    mut phone: Phone,
    mut inputs: mpsc::Receiver<Input>,
    mut outlets: Outlets,
    clock: Clock,
    publish: watch::Sender<Arc<PhoneView>>,
) {
    let mut deadline: Option<Duration> = None;
    loop {
        let input = tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => input,
                None => return,
            },
            () = clock.until(deadline) => Input::Tick,
            () = outlets.drain() => continue,
        };
        let step = phone.handle(input, clock.now());
        deadline = step.deadline;
        // seen before done: whoever reacts to a command finds the view that belongs to it
        if step.changed {
            publish.send_replace(Arc::new(phone.view()));
        }
        for output in step.outputs {
            outlets.hand_over(output);
        }
    }
}
