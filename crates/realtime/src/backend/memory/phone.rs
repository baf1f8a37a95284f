//! The people at the far end of the wire.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use call::media::{FRAME_MILLIS, FRAME_SAMPLES, Frame, SAMPLE_RATE};
use call::state::{LeaveReason, LegStatus};
use call::{Identity, RoomName};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::track::Sound;
use super::{LEG_STATUS, Server};
use crate::backend::Event;
use crate::heard::Heard;

const AMPLITUDE: f64 = 8000.0;

/// What a phone hears, says and was sent. Shared by the room and the test that steers it.
pub(super) struct Far {
    identity: String,
    inbound: bool,
    gone: AtomicBool,
    /// Hertz; 0: silence.
    tone: AtomicU32,
    holds_packets: AtomicBool,
    speaks_into: Mutex<Option<Arc<Sound>>>,
    received: Mutex<String>,
    heard: Mutex<Vec<Source>>,
    frames: AtomicU64,
}

/// One track that a phone hears, and the last of it.
struct Source {
    sid: String,
    heard: Heard,
    last: Option<Instant>,
    samples: VecDeque<i16>,
}

/// Samples kept of each track: 200 ms.
const KEPT: usize = 20 * FRAME_SAMPLES;
/// A track of which nothing came for this long is no longer heard.
const STALE: Duration = Duration::from_millis(300);
/// Quieter than this a tone is not heard.
const AUDIBLE: f64 = 200.0;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Far {
    /// Its mouth is a task of the present tokio runtime.
    pub(super) fn new(identity: &str, inbound: bool) -> Arc<Self> {
        let far = Arc::new(Self {
            identity: identity.to_owned(),
            inbound,
            gone: AtomicBool::new(false),
            tone: AtomicU32::new(0),
            holds_packets: AtomicBool::new(false),
            speaks_into: Mutex::new(None),
            received: Mutex::new(String::new()),
            heard: Mutex::new(Vec::new()),
            frames: AtomicU64::new(0),
        });
        tokio::spawn(speak(Arc::clone(&far)));
        far
    }

    pub(super) fn is_inbound(&self) -> bool {
        self.inbound
    }

    pub(super) fn end(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub(super) fn speak_into(&self, sound: Arc<Sound>) {
        *lock(&self.speaks_into) = Some(sound);
    }

    /// Listens to a track for as long as it lives, and whenever that is allowed.
    pub(super) fn hear(self: &Arc<Self>, sound: &Arc<Sound>) {
        let far = Arc::downgrade(self);
        let (track, name) = (Arc::downgrade(sound), sound.sid());
        sound.attach(move |frame| {
            if let (Some(far), Some(track)) = (far.upgrade(), track.upgrade())
                && track.may_be_heard_by(&far.identity)
            {
                far.frames.fetch_add(1, Ordering::Relaxed);
                far.take_in(&name, frame);
            }
        });
    }

    fn take_in(&self, sid: &str, frame: &Frame) {
        let mut heard = lock(&self.heard);
        if !heard.iter().any(|source| source.sid == sid) {
            heard.push(Source {
                sid: sid.to_owned(),
                heard: Heard::default(),
                last: None,
                samples: VecDeque::with_capacity(KEPT),
            });
        }
        for source in heard.iter_mut().filter(|source| source.sid == sid) {
            source.heard.add(frame);
            source.last = Some(Instant::now());
            source.samples.extend(frame);
            let old = source.samples.len().saturating_sub(KEPT);
            source.samples.drain(..old);
        }
    }

    pub(super) fn hold_packets(&self, hold: bool) {
        self.holds_packets.store(hold, Ordering::Release);
    }

    pub(super) fn receive(&self, keys: &str) {
        lock(&self.received).extend(keys.chars().filter(|key| *key != 'w'));
    }
}

/// Says something every 10 ms until the phone is gone.
async fn speak(far: Arc<Far>) {
    let mut clock = interval(Duration::from_millis(FRAME_MILLIS));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut position = 0_u32;
    while !far.gone.load(Ordering::Acquire) {
        clock.tick().await;
        let Some(sound) = lock(&far.speaks_into).clone() else {
            continue;
        };
        if far.holds_packets.load(Ordering::Acquire) {
            sound.play_nothing();
        } else {
            sound.push(&tone(far.tone.load(Ordering::Acquire), &mut position));
        }
    }
}

fn tone(hertz: u32, position: &mut u32) -> Frame {
    std::array::from_fn(|_| {
        let angle = TAU * f64::from(hertz) * f64::from(*position) / f64::from(SAMPLE_RATE);
        *position = (*position + 1) % SAMPLE_RATE;
        (AMPLITUDE * angle.sin()) as i16
    })
}

/// How strong one frequency is, as the amplitude of its sine.
fn amplitude(samples: &VecDeque<i16>, hertz: f64) -> f64 {
    if samples.len() < KEPT {
        return 0.0;
    }
    let step = TAU * hertz / f64::from(SAMPLE_RATE);
    let (mut across, mut along) = (0.0, 0.0);
    for (place, sample) in samples.iter().enumerate() {
        let (sine, cosine) = (step * place as f64).sin_cos();
        across += f64::from(*sample) * sine;
        along += f64::from(*sample) * cosine;
    }
    2.0 * f64::hypot(across, along) / samples.len() as f64
}

/// The word of a status in `sip.callStatus`.
pub(super) fn word(status: LegStatus) -> &'static str {
    match status {
        LegStatus::Dialing => "dialing",
        LegStatus::Ringing => "ringing",
        LegStatus::Automation => "automation",
        LegStatus::Active => "active",
        LegStatus::Hangup => "hangup",
    }
}

/// A phone in a room, to be steered.
#[derive(Clone)]
pub struct Leg {
    server: Server,
    room: String,
    identity: String,
    far: Arc<Far>,
}

impl Leg {
    pub(super) fn new(server: Server, room: &str, identity: &str, far: Arc<Far>) -> Self {
        Self {
            server,
            room: room.to_owned(),
            identity: identity.to_owned(),
            far,
        }
    }

    /// Its room, if its name is one.
    #[must_use]
    pub fn room(&self) -> Option<RoomName> {
        RoomName::parse(&self.room).ok()
    }

    /// Its identity there, if it is one.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Identity::parse(&self.identity).ok()
    }

    /// Rings, answers.
    pub fn set_status(&self, status: LegStatus) {
        self.server
            .lock()
            .set_attribute(&self.room, &self.identity, LEG_STATUS, word(status));
    }

    /// Says a tone from now on; 0 Hz is silence.
    pub fn says(&self, hertz: u32) {
        self.far.tone.store(hertz, Ordering::Release);
    }

    /// Its packets stop, or flow again.
    pub fn hold_packets(&self, hold: bool) {
        self.far.hold_packets(hold);
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        let state = self.server.lock();
        for key in keys.chars() {
            let event = Event::Keys {
                identity: self.identity.clone(),
                digits: key.to_string(),
            };
            state.tell_others(&self.room, 0, &event);
        }
    }

    /// Hangs up: says so and leaves.
    pub fn hang_up(&self) {
        self.set_status(LegStatus::Hangup);
        let mut state = self.server.lock();
        if let Some(session) = state
            .member(&self.room, &self.identity)
            .map(|member| member.session)
        {
            state.expel(&self.room, session, LeaveReason::ClientInitiated);
        }
    }

    /// Is it over?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.far.gone.load(Ordering::Acquire)
    }

    /// Keys it was sent.
    #[must_use]
    pub fn keys(&self) -> String {
        lock(&self.far.received).clone()
    }

    /// Seconds of loud sound it heard, of all tracks together.
    #[must_use]
    pub fn heard_seconds(&self) -> f64 {
        lock(&self.far.heard)
            .iter()
            .map(|source| source.heard.seconds())
            .sum()
    }

    /// Does it hear a tone of this many hertz at the moment?
    #[must_use]
    pub fn hears(&self, hertz: f64) -> bool {
        let now = Instant::now();
        lock(&self.far.heard)
            .iter()
            .filter(|source| {
                source
                    .last
                    .is_some_and(|last| now.duration_since(last) < STALE)
            })
            .any(|source| amplitude(&source.samples, hertz) > AUDIBLE)
    }

    /// Packets it received.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.far.frames.load(Ordering::Relaxed) / 2
    }
}
