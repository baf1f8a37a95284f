//! What benchmarks and the level meters read: counters that the callbacks may raise.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::guard::Times;
use crate::replay::SharedReplay;
use crate::trial::SharedStage;

/// Counters since the start of the program. Any thread may read them at any time; each is exact, they are not taken at
/// one moment.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) input_callbacks: AtomicU64,
    pub(crate) output_callbacks: AtomicU64,
    pub(crate) frames_captured: AtomicU64,
    pub(crate) frames_by_clock: AtomicU64,
    pub(crate) frames_played: AtomicU64,
    pub(crate) under_runs: AtomicU64,
    pub(crate) under_run_samples: AtomicU64,
    pub(crate) overflows: AtomicU64,
    pub(crate) frames_trimmed: AtomicU64,
    pub(crate) margin_samples: AtomicU64,
    pub(crate) microphone_latency_us: AtomicU64,
    pub(crate) speaker_latency_us: AtomicU64,
    pub(crate) opens: AtomicU64,
    pub(crate) losses: AtomicU64,
    pub(crate) moves: AtomicU64,
    pub(crate) stream_errors: AtomicU64,
    /// Frames of digital silence in a row from the open microphone.
    pub(crate) silent_frames: AtomicU64,
    pub(crate) microphone_level: AtomicU16,
    pub(crate) speaker_level: AtomicU16,
    pub(crate) microphone_peak: AtomicU16,
    pub(crate) speaker_peak: AtomicU16,
    pub(crate) trial: SharedStage,
    pub(crate) replay: SharedReplay,
    pub(crate) microphone_times: Times,
    pub(crate) speaker_times: Times,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Calls of the microphone's callback.
    pub input_callbacks: u64,
    /// Calls of the speaker's callback.
    pub output_callbacks: u64,
    /// Frames of 10 ms of the microphone handed over.
    pub frames_captured: u64,
    /// Frames of 10 ms of zeros handed over because no microphone delivered.
    pub frames_by_clock: u64,
    /// Frames of 10 ms handed to the speaker, tones included.
    pub frames_played: u64,
    /// Gaps in the sound at the speaker: the callback found too little, and sound went on within 200 ms.
    pub under_runs: u64,
    /// Samples of silence put into these gaps, in all channels of the device.
    pub under_run_samples: u64,
    /// Times that sound of the microphone was dropped because it was not fetched in time.
    pub overflows: u64,
    /// Frames taken out of the way to the speaker to take back delay.
    pub frames_trimmed: u64,
    /// What should always wait for the speaker, in samples at 48 kHz; grows when sound has gaps.
    pub margin_samples: u64,
    /// How long sound takes from the air to the microphone's callback, as the device last told; microseconds.
    pub microphone_latency_us: u64,
    /// How long sound takes from the speaker's callback to the air, as the device last told; microseconds.
    pub speaker_latency_us: u64,
    /// Streams opened.
    pub opens: u64,
    /// Streams that went away or fell silent while they were wanted.
    pub losses: u64,
    /// Streams that the sound server moved to another device.
    pub moves: u64,
    /// Errors reported by streams, glitches included.
    pub stream_errors: u64,
}

impl Statistics {
    /// All counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            input_callbacks: self.input_callbacks.load(Relaxed),
            output_callbacks: self.output_callbacks.load(Relaxed),
            frames_captured: self.frames_captured.load(Relaxed),
            frames_by_clock: self.frames_by_clock.load(Relaxed),
            frames_played: self.frames_played.load(Relaxed),
            under_runs: self.under_runs.load(Relaxed),
            under_run_samples: self.under_run_samples.load(Relaxed),
            overflows: self.overflows.load(Relaxed),
            frames_trimmed: self.frames_trimmed.load(Relaxed),
            margin_samples: self.margin_samples.load(Relaxed),
            microphone_latency_us: self.microphone_latency_us.load(Relaxed),
            speaker_latency_us: self.speaker_latency_us.load(Relaxed),
            opens: self.opens.load(Relaxed),
            losses: self.losses.load(Relaxed),
            moves: self.moves.load(Relaxed),
            stream_errors: self.stream_errors.load(Relaxed),
        }
    }

    /// How long callbacks took since the start, all but one in a thousand of them: of the microphone, of the speakers. `None`:
    /// there was none, or it took more than 4 ms. Rounded up to the next doubling of 256 ns.
    #[must_use]
    pub fn callback_times(&self) -> (Option<Duration>, Option<Duration>) {
        (
            self.microphone_times.all_but_one_in(1000),
            self.speaker_times.all_but_one_in(1000),
        )
    }

    /// Highest sample of the microphone since the last question, 0 … 32 767. For one reader: asking resets it.
    #[must_use]
    pub fn take_microphone_peak(&self) -> u16 {
        self.microphone_peak.swap(0, Relaxed)
    }

    /// Highest sample sent to the speaker since the last question, 0 … 32 767. For one reader: asking resets it.
    #[must_use]
    pub fn take_speaker_peak(&self) -> u16 {
        self.speaker_peak.swap(0, Relaxed)
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// The highest sample of a frame, 0 … 32 767.
pub(crate) fn peak(samples: &[i16]) -> u16 {
    samples
        .iter()
        .map(|sample| sample.unsigned_abs().min(32_767))
        .max()
        .unwrap_or(0)
}

/// Raises a level meter.
pub(crate) fn note_peak(meter: &AtomicU16, peak: u16) {
    meter.fetch_max(peak, Relaxed);
}
