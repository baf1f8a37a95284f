//! Opening devices, off the device thread: a sound server may take its time, or hang.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::host::{DeviceError, Part, aside};
use crate::layer::layer;
use crate::list::Target;
use crate::stream::{Inlet, OpenStream, Outlet, Wiring};

/// The three streams that we may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Of the call.
    Microphone,
    /// Of the call, and for tones.
    Speaker,
    /// For the ring alone, where a device of its own was chosen for it.
    Ring,
}

impl Slot {
    pub(crate) const ALL: [Self; 3] = [Self::Speaker, Self::Ring, Self::Microphone];

    pub(crate) fn part(self) -> Part {
        match self {
            Self::Microphone => Part::Microphone,
            Self::Speaker | Self::Ring => Part::Speaker,
        }
    }
}

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) slot: Slot,
    /// The device; `None`: whichever the system prefers.
    pub(crate) target: Option<Target>,
}

/// The frame thread's end of what was opened.
pub(crate) enum Ring {
    In(Inlet),
    Out(Outlet),
}

/// What became of a job.
pub(crate) struct Outcome {
    pub(crate) job: Job,
    pub(crate) result: Result<(OpenStream, Ring), DeviceError>,
}

/// A device that is being closed is given so long before it is opened again: not every system opens one twice.
const CLOSED_WITHIN: Duration = Duration::from_millis(100);

/// Begins to open, after what is `closing`; the outcomes come in the order of the jobs. `None`: too many such questions
/// hang already.
pub(crate) fn open(
    jobs: Vec<Job>,
    closing: Vec<Receiver<()>>,
    wiring: Wiring,
) -> Option<oneshot::Receiver<Vec<Outcome>>> {
    aside(move || {
        for closed in closing {
            let _ = closed.recv_timeout(CLOSED_WITHIN);
        }
        jobs.into_iter()
            .map(|job| Outcome {
                result: open_one(&job, &wiring),
                job,
            })
            .collect()
    })
}

/// What became of a job whose thread died.
pub(crate) fn no_answer(slot: Slot) -> Outcome {
    Outcome {
        job: Job { slot, target: None },
        result: Err(DeviceError::NoServer),
    }
}

fn open_one(job: &Job, wiring: &Wiring) -> Result<(OpenStream, Ring), DeviceError> {
    let id = job.target.as_ref().map(|target| target.id.as_str());
    Ok(match job.slot {
        Slot::Microphone => {
            let (stream, inlet) = layer().microphone(id, wiring)?;
            (stream, Ring::In(inlet))
        }
        Slot::Speaker | Slot::Ring => {
            let (stream, outlet) = layer().speaker(id, wiring)?;
            (stream, Ring::Out(outlet))
        }
    })
}

/// A stream that was just opened may take so many looks to its first callback.
const FIRST_LOOKS: u32 = 20;

/// One open stream as the device thread sees it.
pub(crate) struct Opened {
    pub(crate) stream: OpenStream,
    /// As what it was opened.
    asked: Option<Target>,
    /// Callbacks at the last look.
    callbacks: u64,
    /// Looks left without a callback.
    patience: u32,
}

impl Opened {
    pub(crate) fn new(stream: OpenStream, asked: Option<Target>) -> Self {
        Self {
            stream,
            asked,
            callbacks: 0,
            patience: FIRST_LOOKS,
        }
    }

    /// Is it this device? One that was opened as such is, whatever it calls itself.
    pub(crate) fn is(&self, target: &Target) -> bool {
        match &self.asked {
            Some(asked) => asked == target,
            None => self.stream.device.as_ref() == Some(&target.id),
        }
    }

    /// The sound server moved it to this device. Where a person has `chosen` another it is no longer
    /// what was asked for; whoever follows the system follows it there.
    pub(crate) fn moved(&mut self, to: Target, chosen: bool) {
        self.stream.device = Some(to.id.clone());
        if chosen {
            self.asked = Some(to);
        }
    }

    /// Was it ended, by the sound server or by the connection to it?
    pub(crate) fn is_broken(&self) -> bool {
        self.stream.vitals.broken.load(Relaxed)
    }

    /// Has it brought or taken any sound yet?
    pub(crate) fn has_delivered(&self) -> bool {
        self.stream.vitals.callbacks.load(Relaxed) > 0
    }

    /// Does it still run? To be asked at every look; `patience` looks without a callback mean no. Counts looks, not time:
    /// a computer that slept is no reason to reopen.
    pub(crate) fn lives(&mut self, patience: u32) -> bool {
        if self.is_broken() {
            return false;
        }
        let callbacks = self.stream.vitals.callbacks.load(Relaxed);
        if callbacks == self.callbacks {
            self.patience = self.patience.saturating_sub(1);
        } else {
            self.callbacks = callbacks;
            self.patience = patience;
        }
        self.patience > 0
    }
}
