//! What the device callbacks do: copy, and change the type of a sample while doing so.
//!
//! They take no lock, allocate nothing, log nothing. Their one system call is the wake of the frame thread. The edges of a
//! gap are rounded, so that a gap is a moment of silence and not two clicks.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use cpal::{FromSample, Sample};
use rtrb::{Consumer, Producer};

use crate::convert::DeviceFormat;
use crate::guard::guarded;
use crate::statistics::count;
use crate::stream::{Vitals, Wiring};

/// Silence shorter than this inside a flow of sound is a gap, longer is an end: 200 ms.
const GAP_MILLIS: usize = 200;
/// Sound that breaks off fades within so many samples of each channel (2 ms at 48 kHz), and comes back within as many.
const EDGE: usize = 96;
/// Channels whose last sample is remembered; we write no sound to others.
const CHANNELS: usize = 2;

/// The microphone's.
pub(crate) struct MicrophoneCallback {
    ring: Producer<i16>,
    channels: usize,
    /// A frame is ready from here on.
    ready: usize,
    wiring: Wiring,
    vitals: Arc<Vitals>,
}

impl MicrophoneCallback {
    pub(crate) fn new(
        ring: Producer<i16>,
        format: DeviceFormat,
        wiring: Wiring,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self {
            ring,
            channels: usize::from(format.channels.max(1)),
            ready: format.samples_in_frame(),
            wiring,
            vitals,
        }
    }

    /// New sound of the microphone.
    pub(crate) fn take<T: Copy>(&mut self, samples: &[T])
    where
        i16: FromSample<T>,
    {
        let statistics = Arc::clone(&self.wiring.statistics);
        guarded(&statistics.microphone_times, || self.copy(samples));
    }

    fn copy<T: Copy>(&mut self, samples: &[T])
    where
        i16: FromSample<T>,
    {
        if samples.is_empty() || self.ring.is_abandoned() {
            // No sound is no sign of life. Or: closed on our side, while the sound server takes its time.
            return;
        }
        count(&self.vitals.callbacks);
        count(&self.wiring.statistics.input_callbacks);
        let room = self.ring.slots().min(samples.len());
        let room = room - room % self.channels;
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            chunk.fill_from_iter(samples.iter().map(|sample| i16::from_sample(*sample)));
        }
        if room < samples.len() {
            count(&self.wiring.statistics.overflows);
        }
        if self.ring.buffer().capacity() - self.ring.slots() >= self.ready {
            self.wiring.frames.unpark();
        }
    }
}

/// The speaker's.
pub(crate) struct SpeakerCallback {
    ring: Consumer<i16>,
    channels: usize,
    /// Samples of silence since the flow broke off; `None`: it flows.
    gap: Option<usize>,
    /// From here on a gap was an end.
    longest_gap: usize,
    edges: Edges,
    wiring: Wiring,
    vitals: Arc<Vitals>,
}

/// The rounding of a gap.
#[derive(Default)]
struct Edges {
    /// The last sample of each channel before the gap.
    tail: [i16; CHANNELS],
    /// How far the tail has faded, up to [`EDGE`].
    fallen: usize,
    /// How far the sound after it has come back, up to [`EDGE`].
    risen: usize,
}

impl Edges {
    /// What is left of the sound before the gap.
    fn tail(&self, channel: usize) -> i32 {
        let left = EDGE.saturating_sub(self.fallen) as i32;
        self.tail
            .get(channel)
            .map_or(0, |last| i32::from(*last) * left / EDGE as i32)
    }

    /// The sample to be played for one that is there.
    fn sound(&mut self, sample: i16, channel: usize) -> i16 {
        if self.risen == EDGE {
            if let Some(last) = self.tail.get_mut(channel) {
                *last = sample;
            }
            return sample;
        }
        let sample = i32::from(sample) * self.risen as i32 / EDGE as i32 + self.tail(channel);
        sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    /// All channels have had their sample.
    fn sounded(&mut self) {
        if self.risen < EDGE {
            self.risen += 1;
            self.fallen = (self.fallen + 1).min(EDGE);
            if self.risen == EDGE {
                self.fallen = 0;
            }
        }
    }

    /// The sample to be played for one that is missing.
    fn silence(&self, channel: usize) -> i16 {
        self.tail(channel) as i16
    }

    /// All channels had to do without.
    fn silenced(&mut self) {
        self.risen = 0;
        self.fallen = (self.fallen + 1).min(EDGE);
    }
}

impl SpeakerCallback {
    pub(crate) fn new(
        ring: Consumer<i16>,
        format: DeviceFormat,
        wiring: Wiring,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self {
            ring,
            channels: usize::from(format.channels.max(1)),
            // What comes first is a start, not the end of a gap.
            gap: Some(usize::MAX),
            longest_gap: format.samples_in_frame() / 10 * GAP_MILLIS,
            edges: Edges {
                fallen: EDGE,
                ..Edges::default()
            },
            wiring,
            vitals,
        }
    }

    /// The speaker wants sound.
    pub(crate) fn fill<T: Sample + FromSample<i16>>(&mut self, samples: &mut [T]) {
        let statistics = Arc::clone(&self.wiring.statistics);
        guarded(&statistics.speaker_times, || self.copy(samples));
    }

    fn copy<T: Sample + FromSample<i16>>(&mut self, samples: &mut [T]) {
        if samples.is_empty() {
            return;
        }
        count(&self.vitals.callbacks);
        count(&self.wiring.statistics.output_callbacks);
        let have = self.ring.slots().min(samples.len());
        let have = have - have % self.channels;
        let (sound, silence) = samples.split_at_mut(have);
        if let Ok(chunk) = self.ring.read_chunk(have) {
            let mut channel = 0;
            for (slot, sample) in sound.iter_mut().zip(chunk) {
                *slot = T::from_sample(self.edges.sound(sample, channel));
                channel += 1;
                if channel == self.channels {
                    channel = 0;
                    self.edges.sounded();
                }
            }
        }
        let mut channel = 0;
        for slot in silence.iter_mut() {
            *slot = T::from_sample(self.edges.silence(channel));
            channel += 1;
            if channel == self.channels {
                channel = 0;
                self.edges.silenced();
            }
        }
        self.note_gap(have, silence.len());
        self.wiring.frames.unpark();
    }

    fn note_gap(&mut self, sound: usize, silence: usize) {
        if sound > 0
            && let Some(gap) = self.gap.take()
            && gap < self.longest_gap
        {
            count(&self.vitals.gaps);
            count(&self.wiring.statistics.under_runs);
            self.wiring
                .statistics
                .under_run_samples
                .fetch_add(gap as u64, Relaxed);
        }
        if silence > 0 {
            self.gap = Some(self.gap.unwrap_or(0).saturating_add(silence));
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use rtrb::RingBuffer;

    use super::*;

    fn wiring() -> Wiring {
        Wiring {
            frames: std::thread::current(),
            statistics: Arc::default(),
        }
    }

    fn format(channels: u16) -> DeviceFormat {
        DeviceFormat {
            rate: 48_000,
            channels,
        }
    }

    fn microphone(slots: usize, channels: u16) -> (MicrophoneCallback, Consumer<i16>, Wiring) {
        let (producer, consumer) = RingBuffer::new(slots);
        let wiring = wiring();
        let callback =
            MicrophoneCallback::new(producer, format(channels), wiring.clone(), Arc::default());
        (callback, consumer, wiring)
    }

    fn speaker(slots: usize, channels: u16) -> (SpeakerCallback, Producer<i16>, Wiring) {
        let (producer, consumer) = RingBuffer::new(slots);
        let wiring = wiring();
        let callback =
            SpeakerCallback::new(consumer, format(channels), wiring.clone(), Arc::default());
        (callback, producer, wiring)
    }

    #[test]
    fn the_microphone_callback_keeps_channels_together_when_the_ring_is_full() {
        let (mut callback, mut consumer, wiring) = microphone(7, 2);
        callback.take(&[1i16, 2, 3, 4, 5, 6, 7, 8]);
        callback.take(&[9i16, 10]);
        let counters = wiring.statistics.counters();
        assert_eq!((counters.overflows, counters.input_callbacks), (2, 2));
        let mut kept = [0; 6];
        consumer.pop_entire_slice(&mut kept).unwrap();
        assert_eq!(kept, [1, 2, 3, 4, 5, 6]);
        callback.take(&[0.5f32, -1.0]);
        assert_eq!((consumer.pop(), consumer.pop()), (Ok(16_384), Ok(i16::MIN)));
    }

    #[test]
    fn sound_passes_bit_for_bit_once_it_flows() {
        let (mut callback, mut producer, _) = speaker(1000, 1);
        let ramp: Vec<i16> = (0..480).map(|n| n * 50).collect();
        producer.push_entire_slice(&ramp).unwrap();
        let mut heard = [7i16; 480];
        callback.fill(&mut heard);
        assert_eq!(heard[EDGE..], ramp[EDGE..]);
        assert_eq!(heard[0], 0, "it begins softly");
    }

    #[test]
    fn a_gap_is_a_soft_silence_and_no_click_even_when_it_is_short() {
        for missing in [8, 48, 240, 4800] {
            let (mut callback, mut producer, wiring) = speaker(1000, 2);
            let mut heard: Vec<i16> = Vec::new();
            let mut play = |callback: &mut SpeakerCallback, frames: usize| {
                let mut block = vec![9i16; frames * 2];
                callback.fill(&mut block);
                heard.extend(block.iter().step_by(2));
            };
            producer.push_entire_slice(&[9000; 960]).unwrap();
            play(&mut callback, 480);
            play(&mut callback, missing);
            producer.push_entire_slice(&[-9000; 960]).unwrap();
            play(&mut callback, 480);
            let steepest = heard
                .windows(2)
                .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
                .max()
                .unwrap();
            assert!(steepest <= 200, "a jump of {steepest} after {missing}");
            assert_eq!(heard.last(), Some(&-9000));
            let counters = wiring.statistics.counters();
            assert_eq!(
                (counters.under_runs, counters.under_run_samples),
                (1, missing as u64 * 2)
            );
        }
    }

    #[test]
    fn silence_before_and_long_after_the_sound_is_no_gap() {
        let (mut callback, mut producer, wiring) = speaker(100, 1);
        let mut heard = [7i16; 480];
        callback.fill(&mut heard);
        assert_eq!(heard, [0; 480], "silence before the first sound");
        producer.push_entire_slice(&[8; 4]).unwrap();
        callback.fill(&mut heard);
        for _ in 0..20 {
            callback.fill(&mut heard);
        }
        producer.push_entire_slice(&[8; 4]).unwrap();
        callback.fill(&mut heard);
        assert_eq!(wiring.statistics.counters().under_runs, 0);
        let mut floats = [1.0f32; 480];
        callback.fill(&mut floats);
        assert_eq!(floats[479], 0.0);
    }

    #[test]
    fn a_device_that_calls_and_wants_or_brings_nothing_does_not_count_as_alive() {
        let (mut takes, _consumer, wiring) = microphone(100, 1);
        takes.take(&[0i16; 0]);
        let (mut fills, _producer, at_speaker) = speaker(100, 0);
        fills.fill(&mut [0i16; 0]);
        let callbacks = |wiring: &Wiring| {
            let counters = wiring.statistics.counters();
            counters.input_callbacks + counters.output_callbacks
        };
        assert_eq!((callbacks(&wiring), callbacks(&at_speaker)), (0, 0));
        takes.take(&[1i16]);
        fills.fill(&mut [1i16]);
        assert_eq!((callbacks(&wiring), callbacks(&at_speaker)), (1, 1));
    }

    #[test]
    fn neither_callback_allocates_whatever_it_is_given() {
        let (mut takes, _consumer, _) = microphone(1000, 2);
        let (mut fills, mut producer, _) = speaker(1000, 2);
        producer.push_entire_slice(&[5; 700]).unwrap();
        let mut block = [0i16; 480];
        let mut floats = [0f32; 512];
        assert_no_alloc::reset_violation_count();
        assert_no_alloc::assert_no_alloc(|| {
            for _ in 0..10 {
                takes.take(&block);
                takes.take(&floats);
                takes.take(&[0i16; 0]);
                fills.fill(&mut block);
                fills.fill(&mut floats);
                fills.fill(&mut [0i32; 7]);
                fills.fill(&mut [0u8; 0]);
            }
        });
        assert_eq!(assert_no_alloc::violation_count(), 0);
        // The guard would notice.
        let boxed = assert_no_alloc::assert_no_alloc(|| Box::new(block));
        assert!(assert_no_alloc::violation_count() > 0);
        drop(boxed);
    }
}
