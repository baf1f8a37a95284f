//! Sound inside the process: whoever pushes calls whoever listens.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use call::media::Frame;

use crate::backend::Received;

const SILENCE: Frame = [0; call::media::FRAME_SAMPLES];

type Sink = Box<dyn FnMut(&Frame) + Send>;

/// One track.
pub(super) struct Sound {
    sid: Mutex<String>,
    pub(super) owner: String,
    /// Identities that may hear it; `None`: everybody.
    allowed: Mutex<Option<BTreeSet<String>>>,
    ended: AtomicBool,
    frames: AtomicU64,
    next: AtomicU64,
    hearers: Mutex<BTreeSet<u64>>,
    sinks: Mutex<Vec<(u64, Sink)>>,
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sound")
            .field("sid", &self.sid())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sound {
    pub(super) fn new(sid: String, owner: String) -> Self {
        Self {
            sid: Mutex::new(sid),
            owner,
            allowed: Mutex::new(None),
            ended: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            next: AtomicU64::new(1),
            hearers: Mutex::new(BTreeSet::new()),
            sinks: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn sid(&self) -> String {
        lock(&self.sid).clone()
    }

    /// Gives it another name; returns the former.
    pub(super) fn rename(&self, sid: String) -> String {
        std::mem::replace(&mut lock(&self.sid), sid)
    }

    pub(super) fn allow(&self, only: Option<BTreeSet<String>>) {
        *lock(&self.allowed) = only;
    }

    pub(super) fn may_be_heard_by(&self, identity: &str) -> bool {
        lock(&self.allowed)
            .as_ref()
            .is_none_or(|allowed| allowed.contains(identity))
    }

    /// 10 ms that travelled in a packet. False once the track is gone.
    pub(super) fn push(&self, frame: &Frame) -> bool {
        if self.ended.load(Ordering::Acquire) {
            return false;
        }
        self.frames.fetch_add(1, Ordering::AcqRel);
        self.play(frame);
        true
    }

    /// 10 ms without a packet: what the engine gives while none come.
    pub(super) fn play_nothing(&self) {
        self.play(&SILENCE);
    }

    fn play(&self, frame: &Frame) {
        for (_, sink) in lock(&self.sinks).iter_mut() {
            sink(frame);
        }
    }

    pub(super) fn attach(&self, sink: impl FnMut(&Frame) + Send + 'static) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.sinks).push((number, Box::new(sink)));
        number
    }

    fn detach(&self, number: u64) {
        lock(&self.sinks).retain(|(known, _)| *known != number);
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn add_hearer(&self, session: u64) {
        lock(&self.hearers).insert(session);
    }

    pub(super) fn is_heard_by(&self, session: u64) -> bool {
        lock(&self.hearers).contains(&session)
    }

    /// A packet holds 20 ms.
    pub(super) fn packets(&self) -> u64 {
        self.frames.load(Ordering::Acquire) / 2
    }
}

/// A track somebody offers.
#[derive(Debug, Clone)]
pub struct Offer(pub(super) Arc<Sound>);

/// A track we hear.
#[derive(Debug, Clone)]
pub struct Track(pub(super) Arc<Sound>);

impl Track {
    pub(in crate::backend) fn listen(
        &self,
        sink: impl FnMut(&Frame) + Send + 'static,
    ) -> Listening {
        Listening {
            number: self.0.attach(sink),
            sound: Arc::clone(&self.0),
        }
    }

    pub(in crate::backend) fn received(&self) -> Received {
        Received {
            packets: self.0.packets(),
            lost: 0,
            jitter: 0.0,
        }
    }
}

/// Keeps a track flowing into its sink.
#[derive(Debug)]
pub struct Listening {
    sound: Arc<Sound>,
    number: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.sound.detach(self.number);
    }
}

/// Where the frames of a microphone go in.
#[derive(Debug, Clone)]
pub struct MicrophoneSource {
    sound: Arc<Sound>,
    pushed: Arc<AtomicU64>,
}

impl MicrophoneSource {
    pub(super) fn new(sound: Arc<Sound>) -> Self {
        Self {
            sound,
            pushed: Arc::new(AtomicU64::new(0)),
        }
    }

    pub(in crate::backend) fn push(&self, frame: &Frame) -> bool {
        self.pushed.fetch_add(1, Ordering::Relaxed);
        self.sound.push(frame)
    }

    pub(super) fn sid(&self) -> String {
        self.sound.sid()
    }

    /// Calls `sink` with every frame that is sent.
    pub fn overhear(&self, sink: impl FnMut(&Frame) + Send + 'static) {
        self.sound.attach(sink);
    }

    /// Frames pushed so far.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.pushed.load(Ordering::Relaxed)
    }
}
