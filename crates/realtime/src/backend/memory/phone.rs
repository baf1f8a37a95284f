//! The people at the far end of the wire.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use call::media::{FRAME_MILLIS, Frame, SAMPLE_RATE};
use call::state::{LeaveReason, LegStatus};
use call::{Identity, RoomName};
use tokio::time::{MissedTickBehavior, interval};

use super::track::Sound;
use super::{LEG_STATUS, Server};
use crate::backend::Event;
use crate::heard::Heard;

const AMPLITUDE: f64 = 8000.0;

/// What a phone hears, says and was sent. Shared by the room and the test that steers it.
pub(super) struct Far {
    inbound: bool,
    gone: AtomicBool,
    /// Hertz; 0: silence.
    tone: AtomicU32,
    holds_packets: AtomicBool,
    speaks_into: Mutex<Option<Arc<Sound>>>,
    received: Mutex<String>,
    heard: Heard,
    frames: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Far {
    /// Its mouth is a task of the present tokio runtime.
    pub(super) fn new(inbound: bool) -> Arc<Self> {
        let far = Arc::new(Self {
            inbound,
            gone: AtomicBool::new(false),
            tone: AtomicU32::new(0),
            holds_packets: AtomicBool::new(false),
            speaks_into: Mutex::new(None),
            received: Mutex::new(String::new()),
            heard: Heard::default(),
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

    /// Listens to a desk for as long as the desk's track lives.
    pub(super) fn hear(self: &Arc<Self>, sound: &Sound) {
        let far = Arc::downgrade(self);
        sound.attach(move |frame| {
            if let Some(far) = far.upgrade() {
                far.frames.fetch_add(1, Ordering::Relaxed);
                far.heard.add(frame);
            }
        });
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
        self.far.holds_packets.store(hold, Ordering::Release);
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

    /// Seconds of loud sound it heard.
    #[must_use]
    pub fn heard_seconds(&self) -> f64 {
        self.far.heard.seconds()
    }

    /// Packets it received.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.far.frames.load(Ordering::Relaxed) / 2
    }
}
