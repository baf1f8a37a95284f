//! The two roads of sound between the audio thread and the talking call. Neither passes through a queue of commands
//! or facts, and neither lets one side wait for the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use arc_swap::ArcSwapOption;
use call::media::{FRAME_SAMPLES, Frame};

use crate::backend::MicrophoneSource;

/// Frames that may wait for the audio thread: 200 ms. The audio thread keeps its own, much smaller, target and
/// throws away what exceeds it; a full ring means that nobody reads, and then the newest frame is lost.
pub const FAR_RING_FRAMES: usize = 20;

/// What a muted call gets. Muting by telling the server would stop the packets, and the phone network drops a leg that
/// falls silent in that way.
const SILENCE: Frame = [0; FRAME_SAMPLES];

/// The far end's sound, for the audio thread.
pub type FarAudio = rtrb::Consumer<Frame>;

/// Makes both roads: the ends for the [`RoomPort`](crate::RoomPort), the microphone's and the speaker's.
#[must_use]
pub fn media() -> (Media, MicrophoneInput, FarAudio) {
    let (producer, consumer) = rtrb::RingBuffer::new(FAR_RING_FRAMES);
    let shared = Arc::new(Shared {
        microphone: ArcSwapOption::empty(),
        producer: Mutex::new(producer),
        speaking: AtomicU64::new(0),
        next: AtomicU64::new(1),
        counters: Counters::default(),
        arrival: OnceLock::new(),
    });
    let input = MicrophoneInput {
        shared: Arc::clone(&shared),
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
}

struct Shared {
    microphone: ArcSwapOption<Feed>,
    producer: Mutex<rtrb::Producer<Frame>>,
    /// Ticket of the track that may write to the ring; 0: none.
    speaking: AtomicU64,
    next: AtomicU64,
    counters: Counters,
    arrival: OnceLock<Arrival>,
}

/// Tells the reader of the far ring that a frame has come.
type Arrival = Box<dyn Fn() + Send + Sync>;

/// The call that takes the microphone.
struct Feed {
    ticket: Ticket,
    source: MicrophoneSource,
    muted: AtomicBool,
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
    /// Microphone frames handed to a call.
    pub near_sent: u64,
    /// Microphone frames while no call talks.
    pub near_unused: u64,
    /// Microphone frames a call refused: it was just ending.
    pub near_failed: u64,
    /// Far frames put into the ring.
    pub far_received: u64,
    /// Far frames lost because the ring was full.
    pub far_lost: u64,
}

/// Names one user of a road, so that an older one cannot take it away from a newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl MicrophoneInput {
    /// The next 10 ms of the microphone: goes to the talking call at once, or nowhere. Finding out which waits for
    /// nobody; encoding takes some 60 µs. Not for a device callback.
    pub fn push(&mut self, frame: &Frame) {
        let counters = &self.shared.counters;
        let counter = match self.shared.microphone.load().as_deref() {
            None => &counters.near_unused,
            Some(feed) => {
                let muted = feed.muted.load(Ordering::Acquire);
                if feed.source.push(if muted { &SILENCE } else { frame }) {
                    &counters.near_sent
                } else {
                    &counters.near_failed
                }
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Is there a call that takes the frames?
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.shared.microphone.load().is_some()
    }
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

    /// Calls `arrival` after every frame put into the far ring, on the engine's thread: it must only wake somebody.
    /// Without it the reader finds frames at its own beat, some milliseconds later. Set once; a second one is dropped.
    pub fn on_arrival(&self, arrival: impl Fn() + Send + Sync + 'static) {
        let _second = self.shared.arrival.set(Box::new(arrival));
    }

    fn ticket(&self) -> Ticket {
        Ticket(self.shared.next.fetch_add(1, Ordering::Relaxed))
    }

    /// From now on the microphone feeds `source`, or silence does.
    pub(crate) fn attach(&self, source: MicrophoneSource, muted: bool) -> Ticket {
        let ticket = self.ticket();
        let muted = AtomicBool::new(muted);
        self.shared.microphone.store(Some(Arc::new(Feed {
            ticket,
            source,
            muted,
        })));
        ticket
    }

    /// Silence instead of the microphone, or the microphone again, from the next frame on.
    pub(crate) fn set_muted(&self, ticket: Ticket, muted: bool) {
        if let Some(feed) = self.shared.microphone.load().as_deref()
            && feed.ticket == ticket
        {
            feed.muted.store(muted, Ordering::Release);
        }
    }

    /// The microphone feeds nothing any more, unless somebody else took it meanwhile.
    pub(crate) fn detach(&self, ticket: Ticket) {
        self.shared.microphone.rcu(|present| match present {
            Some(present) if present.ticket != ticket => Some(Arc::clone(present)),
            _mine_or_none => None,
        });
    }

    /// A way into the far ring for one track. It stays shut until [`Media::speak`].
    pub(crate) fn far_track(&self) -> (Ticket, FarTrack) {
        let ticket = self.ticket();
        (
            ticket,
            FarTrack {
                shared: Arc::clone(&self.shared),
                ticket,
            },
        )
    }

    /// From now on this track and no other fills the ring.
    pub(crate) fn speak(&self, ticket: Ticket) {
        self.shared.speaking.store(ticket.0, Ordering::Release);
    }

    /// The ring is filled by nobody, unless another track took over meanwhile.
    pub(crate) fn hush(&self, ticket: Ticket) {
        let _other =
            self.shared
                .speaking
                .compare_exchange(ticket.0, 0, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Where one remote track's frames go in, on the engine's thread.
pub(crate) struct FarTrack {
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl FarTrack {
    /// Puts a frame into the ring if it is this track's turn; says whether it was.
    pub(crate) fn push(&mut self, frame: &Frame) -> bool {
        if self.shared.speaking.load(Ordering::Acquire) != self.ticket.0 {
            return false;
        }
        let counters = &self.shared.counters;
        // Contended only in the moment in which one track takes over from another.
        let stored = match self.shared.producer.try_lock() {
            Ok(mut producer) => producer.push(*frame).is_ok(),
            Err(_) => false,
        };
        let counter = if stored {
            &counters.far_received
        } else {
            &counters.far_lost
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if stored && let Some(arrival) = self.shared.arrival.get() {
            arrival();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory;

    const LOUD: Frame = [1000; 480];

    #[test]
    fn without_a_call_the_microphone_goes_nowhere() {
        let (media, mut input, _far) = media();
        assert!(!input.is_wanted());
        input.push(&LOUD);
        assert_eq!(media.counters().near_unused, 1);
    }

    #[test]
    fn the_reader_is_told_of_every_frame_that_comes() {
        let (media, _input, mut far) = media();
        let told = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&told);
        media.on_arrival(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let (ticket, mut track) = media.far_track();
        track.push(&LOUD);
        assert_eq!(told.load(Ordering::Relaxed), 0, "not its turn yet");
        media.speak(ticket);
        track.push(&LOUD);
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert!(far.pop().is_ok());
    }

    #[test]
    fn an_older_call_cannot_take_the_microphone_from_a_newer() {
        let (media, mut input, _far) = media();
        let (older, newer) = (memory::loose_source(), memory::loose_source());
        let first = media.attach(older.clone().into(), false);
        let second = media.attach(newer.clone().into(), false);
        media.detach(first);
        input.push(&LOUD);
        assert_eq!((older.pushed(), newer.pushed()), (0, 1));
        media.detach(second);
        assert!(!input.is_wanted());
    }

    #[test]
    fn muted_a_call_gets_silence_and_as_many_frames() {
        let (media, mut input, _far) = media();
        let source = memory::loose_source();
        let heard = Arc::new(AtomicU64::new(0));
        let loud = Arc::clone(&heard);
        source.overhear(move |frame| {
            loud.fetch_add(u64::from(frame != &SILENCE), Ordering::Relaxed);
        });
        let ticket = media.attach(source.clone().into(), true);
        input.push(&LOUD);
        media.set_muted(ticket, false);
        input.push(&LOUD);
        media.set_muted(ticket, true);
        input.push(&LOUD);
        assert_eq!((source.pushed(), heard.load(Ordering::Relaxed)), (3, 1));
    }

    #[test]
    fn only_the_track_whose_turn_it_is_is_heard() {
        let (media, _input, mut far) = media();
        let (one, mut first) = media.far_track();
        let (two, mut second) = media.far_track();
        media.speak(one);
        assert!(first.push(&[1; 480]));
        assert!(!second.push(&[2; 480]));
        media.speak(two);
        media.hush(one);
        assert!(!first.push(&[1; 480]));
        assert!(second.push(&[2; 480]));
        assert_eq!(far.pop().unwrap()[0], 1);
        assert_eq!(far.pop().unwrap()[0], 2);
        assert!(far.pop().is_err());
    }

    #[test]
    fn a_full_ring_loses_the_newest_and_counts_it() {
        let (media, _input, mut far) = media();
        let (ticket, mut track) = media.far_track();
        media.speak(ticket);
        for value in 0..=FAR_RING_FRAMES as i16 {
            track.push(&[value; 480]);
        }
        assert_eq!(media.counters().far_lost, 1);
        assert_eq!(far.pop().unwrap()[0], 0);
    }
}
