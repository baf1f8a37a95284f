//! The two roads of sound between the audio thread and the calls. Neither passes through a queue of commands or facts,
//! and neither lets one side wait for the other.
//!
//! ```text
//! microphone --push--> one feed per announced track: microphone, silence or music     (this file)
//! speaker   <--ring--- one lane per remote track, those that are heard added up       (far.rs)
//! ```

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use call::media::{FRAME_SAMPLES, Frame};

use crate::backend::MicrophoneSource;
use crate::far::{FarMix, Flow};
use crate::heard::Heard;

/// Frames that may wait for the audio thread: 200 ms. The audio thread keeps its own, much smaller, target and
/// throws away what exceeds it; a full ring means that nobody reads, and then the newest frame is lost.
pub const FAR_RING_FRAMES: usize = 20;

/// What a muted call gets. Muting by telling the server would stop the packets, and the phone network drops a leg that
/// falls silent in that way.
const SILENCE: Frame = [0; FRAME_SAMPLES];

/// The far end's sound, for the audio thread.
pub type FarAudio = rtrb::Consumer<Frame>;

/// Makes the next 10 ms of music for those who wait. Called on the thread that pushes the microphone: it must not wait.
pub type HoldMusic = Box<dyn FnMut(&mut Frame) + Send>;

/// Makes both roads: the ends for the [`RoomPort`](crate::RoomPort), the microphone's and the speaker's.
#[must_use]
pub fn media() -> (Media, MicrophoneInput, FarAudio) {
    let (producer, consumer) = rtrb::RingBuffer::new(FAR_RING_FRAMES);
    let shared = Arc::new(Shared {
        feeds: ArcSwap::default(),
        mix: Mutex::new(FarMix::new(producer)),
        next: AtomicU64::new(1),
        counters: Counters::default(),
        arrival: OnceLock::new(),
    });
    let input = MicrophoneInput {
        shared: Arc::clone(&shared),
        music: Box::new(|frame| *frame = SILENCE),
    };
    (Media { shared }, input, consumer)
}

/// The port's end of both roads. Clones are the same roads.
#[derive(Clone)]
pub struct Media {
    shared: Arc<Shared>,
}

/// The audio thread's end of the near road: one, moved to that thread.
pub struct MicrophoneInput {
    shared: Arc<Shared>,
    music: HoldMusic,
}

struct Shared {
    feeds: ArcSwap<Vec<Arc<Feed>>>,
    mix: Mutex<FarMix>,
    next: AtomicU64,
    counters: Counters,
    arrival: OnceLock<Arrival>,
}

/// Tells the reader of the far ring that a frame has come.
type Arrival = Box<dyn Fn() + Send + Sync>;

/// A track that wants a frame every 10 ms.
struct Feed {
    ticket: Ticket,
    source: MicrophoneSource,
    sends: AtomicU8,
    /// What its last frame was of. Only the thread that pushes looks at it.
    sent: AtomicU8,
}

/// What a feed is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sends {
    Microphone,
    Silence,
    Music,
}

impl Sends {
    fn number(self) -> u8 {
        match self {
            Self::Silence => 0,
            Self::Microphone => 1,
            Self::Music => 2,
        }
    }

    /// Of a number made by [`Sends::number`].
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Microphone,
            2 => Self::Music,
            _ => Self::Silence,
        }
    }
}

#[derive(Default)]
struct Counters {
    near_sent: AtomicU64,
    near_unused: AtomicU64,
    near_failed: AtomicU64,
    far_received: AtomicU64,
    far_lost: AtomicU64,
}

/// Frames on both roads since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaCounters {
    /// Frames handed to a track; with several talking connections several for each push.
    pub near_sent: u64,
    /// Microphone frames while no call talks.
    pub near_unused: u64,
    /// Frames a track refused: its call was just ending.
    pub near_failed: u64,
    /// Far frames put into the ring.
    pub far_received: u64,
    /// Far frames lost because the ring was full.
    pub far_lost: u64,
}

/// Names one user of a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl MicrophoneInput {
    /// What those who wait hear from now on; silence before. One melody for all, and it stands still while nobody
    /// waits.
    pub fn set_hold_music(&mut self, music: HoldMusic) {
        self.music = music;
    }

    /// The next 10 ms of the microphone. Every talking connection is handed one frame at once: this one, or silence, or
    /// music. The caller sets the pace: 100 a second, also while no microphone is open (then with zeros), since a leg
    /// whose packets stop is dropped. Finding the tracks waits for nobody; encoding takes some 60 µs for each. Not for a
    /// device callback.
    ///
    /// Says whether any of them was handed this very frame.
    pub fn push(&mut self, frame: &Frame) -> bool {
        let counters = &self.shared.counters;
        let feeds = self.shared.feeds.load();
        if feeds.is_empty() {
            counters.near_unused.fetch_add(1, Ordering::Relaxed);
        }
        let mut music = None;
        let mut heard = false;
        let mut kind = |sends: Sends| match sends {
            Sends::Microphone => *frame,
            Sends::Silence => SILENCE,
            Sends::Music => *music.get_or_insert_with(|| {
                let mut frame = SILENCE;
                (self.music)(&mut frame);
                frame
            }),
        };
        for feed in feeds.iter() {
            let sends = Sends::from_number(feed.sends.load(Ordering::Acquire));
            heard |= sends == Sends::Microphone;
            let sent = Sends::from_number(feed.sent.swap(sends.number(), Ordering::Relaxed));
            let frame = if sends == sent {
                kind(sends)
            } else {
                cross_fade(&kind(sent), &kind(sends))
            };
            let counter = if feed.source.push(&frame) {
                &counters.near_sent
            } else {
                &counters.near_failed
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        heard
    }

    /// Is there a call that takes the frames?
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.shared.feeds.load().is_empty()
    }
}

/// Goes from one sound to another within 10 ms, so that the change does not click.
fn cross_fade(from: &Frame, to: &Frame) -> Frame {
    const LENGTH: i32 = FRAME_SAMPLES as i32;
    let mut frame = SILENCE;
    for ((slot, place), (from, to)) in frame.iter_mut().zip(1..).zip(from.iter().zip(to)) {
        let (from, to) = (i32::from(*from), i32::from(*to));
        // Between the two, which are in range.
        *slot = ((from * (LENGTH - place) + to * place) / LENGTH) as i16;
    }
    frame
}

impl Media {
    /// Frames on both roads since the start.
    #[must_use]
    pub fn counters(&self) -> MediaCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.shared.counters;
        MediaCounters {
            near_sent: read(&counters.near_sent),
            near_unused: read(&counters.near_unused),
            near_failed: read(&counters.near_failed),
            far_received: read(&counters.far_received),
            far_lost: read(&counters.far_lost),
        }
    }

    /// Calls `arrival` after frames were put into the far ring, on the engine's thread: it must only wake somebody.
    /// Without it the reader finds frames at its own beat, some milliseconds later. Set once; a second one is dropped.
    pub fn on_arrival(&self, arrival: impl Fn() + Send + Sync + 'static) {
        let _second = self.shared.arrival.set(Box::new(arrival));
    }

    fn ticket(&self) -> Ticket {
        Ticket(self.shared.next.fetch_add(1, Ordering::Relaxed))
    }

    fn mix(&self) -> MutexGuard<'_, FarMix> {
        self.shared.mix()
    }

    /// From now on this track is handed a frame with every push.
    pub(crate) fn attach(&self, source: MicrophoneSource, sends: Sends) -> Ticket {
        let ticket = self.ticket();
        let feed = Arc::new(Feed {
            ticket,
            source,
            sends: AtomicU8::new(sends.number()),
            sent: AtomicU8::new(sends.number()),
        });
        self.shared.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            feeds.push(Arc::clone(&feed));
            feeds
        });
        ticket
    }

    /// What the track is handed. The next frame goes over to it, those after it are of nothing else.
    pub(crate) fn set_sends(&self, ticket: Ticket, sends: Sends) {
        for feed in self.shared.feeds.load().iter() {
            if feed.ticket == ticket {
                feed.sends.store(sends.number(), Ordering::Release);
            }
        }
    }

    /// The track is handed nothing any more.
    pub(crate) fn detach(&self, ticket: Ticket) {
        self.shared.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            feeds.retain(|feed| feed.ticket != ticket);
            feeds
        });
    }

    /// A way to the speaker for one remote track. `ear` learns what of it, and of others with the same ear, was heard.
    pub(crate) fn far_track(&self, ear: &Arc<Heard>, is_heard: bool) -> (Ticket, FarTrack) {
        let ticket = self.ticket();
        self.mix().add(ticket, Arc::clone(ear), is_heard);
        let track = FarTrack {
            shared: Arc::clone(&self.shared),
            ticket,
        };
        (ticket, track)
    }

    /// Whether a track reaches the speaker, from its next frame on.
    pub(crate) fn hear(&self, ticket: Ticket, is_heard: bool) {
        self.mix().hear(ticket, is_heard);
    }

    /// The track is gone.
    pub(crate) fn forget(&self, ticket: Ticket) {
        self.mix().remove(ticket);
    }
}

impl Shared {
    fn mix(&self) -> MutexGuard<'_, FarMix> {
        self.mix.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one remote track's frames go in, on the engine's thread.
pub(crate) struct FarTrack {
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl FarTrack {
    /// The next 10 ms. The lock inside is held for the adding up of some frames, never across a wait.
    pub(crate) fn push(&mut self, frame: &Frame) {
        let Flow { passed, lost } = self.shared.mix().push(self.ticket, frame);
        let counters = &self.shared.counters;
        counters.far_received.fetch_add(passed, Ordering::Relaxed);
        counters.far_lost.fetch_add(lost, Ordering::Relaxed);
        if passed > 0
            && let Some(arrival) = self.shared.arrival.get()
        {
            arrival();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory;

    const LOUD: Frame = [1000; 480];
    const MUSIC: Frame = [77; 480];

    /// A source and the last samples of the frames it was handed.
    fn source() -> (memory::MicrophoneSource, Arc<Mutex<Vec<i16>>>) {
        let source = memory::loose_source();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        source.overhear(move |frame| sink.lock().unwrap().push(frame[479]));
        (source, seen)
    }

    #[test]
    fn a_microphone_nobody_wants_is_counted() {
        let (media, mut input, _far) = media();
        input.push(&LOUD);
        assert!(!input.is_wanted());
        assert_eq!(media.counters().near_unused, 1);
    }

    #[test]
    fn every_feed_gets_one_frame_a_push_and_its_own_kind() {
        let (media, mut input, _far) = media();
        input.set_hold_music(Box::new(|frame| *frame = MUSIC));
        let ((a, at_a), (b, at_b), (c, at_c)) = (source(), source(), source());
        let held = media.attach(a.into(), Sends::Music);
        let talking = media.attach(b.into(), Sends::Microphone);
        let muted = media.attach(c.into(), Sends::Silence);
        input.push(&LOUD);
        media.set_sends(held, Sends::Microphone);
        media.set_sends(talking, Sends::Music);
        input.push(&LOUD);
        media.detach(talking);
        media.detach(muted);
        input.push(&LOUD);
        assert_eq!(*at_a.lock().unwrap(), [77, 1000, 1000]);
        assert_eq!(*at_b.lock().unwrap(), [1000, 77]);
        assert_eq!(*at_c.lock().unwrap(), [0, 0]);
        assert_eq!(media.counters().near_sent, 7);
        media.detach(held);
        assert!(!input.is_wanted());
    }

    #[test]
    fn music_is_silence_until_there_is_some_and_is_made_once_for_all() {
        let (media, mut input, _far) = media();
        let ((a, at_a), (b, at_b)) = (source(), source());
        media.attach(a.into(), Sends::Music);
        media.attach(b.into(), Sends::Music);
        input.push(&LOUD);
        let mut made = 0;
        input.set_hold_music(Box::new(move |frame| {
            made += 1;
            *frame = [made; 480];
        }));
        input.push(&LOUD);
        input.push(&LOUD);
        assert_eq!(*at_a.lock().unwrap(), [0, 1, 2]);
        assert_eq!(*at_b.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_change_does_not_click() {
        let (media, mut input, _far) = media();
        let source = memory::loose_source();
        let samples = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&samples);
        source.overhear(move |frame| sink.lock().unwrap().extend(frame));
        let ticket = media.attach(source.into(), Sends::Microphone);
        for sends in [Sends::Microphone, Sends::Silence, Sends::Silence] {
            media.set_sends(ticket, sends);
            input.push(&[i16::MIN; 480]);
        }
        let samples = samples.lock().unwrap();
        let step = samples
            .windows(2)
            .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
        assert!(step.max().unwrap() <= 69, "a 480th of the way at a time");
        assert_eq!((samples[0], samples[1000]), (i16::MIN, 0));
    }

    #[test]
    fn a_frame_is_told_to_whoever_wants_to_know() {
        let (media, _input, mut far) = media();
        let told = Arc::new(AtomicU64::new(0));
        let ear = Arc::clone(&told);
        media.on_arrival(move || {
            ear.fetch_add(1, Ordering::Relaxed);
        });
        let (ticket, mut track) = media.far_track(&Arc::default(), false);
        track.push(&LOUD);
        assert_eq!(told.load(Ordering::Relaxed), 0, "it is not heard yet");
        media.hear(ticket, true);
        track.push(&LOUD);
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert!(far.pop().is_ok());
        media.forget(ticket);
        track.push(&LOUD);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_full_ring_loses_the_newest_and_counts_it() {
        let (media, _input, mut far) = media();
        let (_ticket, mut track) = media.far_track(&Arc::default(), true);
        for value in 0..=FAR_RING_FRAMES as i16 {
            track.push(&[value; 480]);
        }
        assert_eq!(media.counters().far_lost, 1);
        assert_eq!(far.pop().unwrap()[0], 0);
    }
}
