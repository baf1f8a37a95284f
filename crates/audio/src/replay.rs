//! Hearing the far end's last minute again. It is kept in memory only, at a rate that speech needs no more than, for as
//! long as the device thread says, and overwritten before the memory is given back. What was said a minute ago is gone
//! even while the call goes on: the ring turns with the clock, whether somebody is heard or not.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use zeroize::Zeroize as _;

use crate::convert::{DeviceFormat, FromDevice, ToDevice};
use crate::recording::FarQueue;

/// What is kept: the last minute.
pub(crate) const KEPT: Duration = Duration::from_secs(60);
/// How long after the end of the call it can still be heard.
const AFTER: Duration = Duration::from_secs(60);
/// Sixteen thousand samples a second carry more than any telephone line does; a minute of them takes 1.9 MB.
const FORMAT: DeviceFormat = DeviceFormat {
    rate: 16_000,
    channels: 1,
};
const IN_FRAME: u64 = FORMAT.rate as u64 / 100;
/// The far end goes on beneath what is heard again, 12 dB softer.
const BENEATH: f32 = 0.25;

/// What there is to hear again, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayStatus {
    /// Seconds that can be heard again, 1 to 60.
    pub seconds: u32,
    /// It is being heard.
    pub playing: bool,
}

/// The same, as the frame thread tells it.
#[derive(Debug, Default)]
pub(crate) struct SharedReplay {
    /// Frames of 10 ms that are kept.
    kept: AtomicU32,
    playing: AtomicBool,
}

impl SharedReplay {
    /// `None`: there is nothing to hear.
    pub(crate) fn status(&self) -> Option<ReplayStatus> {
        let seconds = self.kept.load(Relaxed) / 100;
        (seconds > 0).then(|| ReplayStatus {
            seconds,
            playing: self.is_playing(),
        })
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.playing.load(Relaxed)
    }

    /// It will be heard in a moment, or no longer.
    pub(crate) fn set_playing(&self, playing: bool) {
        self.playing.store(playing, Relaxed);
    }

    pub(crate) fn set_kept(&self, frames: u64) {
        self.kept
            .store(u32::try_from(frames).unwrap_or(u32::MAX), Relaxed);
    }
}

/// How long what was said may be kept.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// A call is up.
    call: bool,
    /// What was kept of the last one goes then.
    until: Option<Instant>,
}

impl Keeping {
    /// A call begins.
    pub(crate) fn begin(&mut self) {
        self.call = true;
        self.until = None;
    }

    /// The last call is over.
    pub(crate) fn end(&mut self, now: Instant) {
        if std::mem::take(&mut self.call) {
            self.until = Some(now + AFTER);
        }
    }

    /// May anything be kept at this moment?
    pub(crate) fn allowed(&mut self, now: Instant) -> bool {
        self.until = self.until.filter(|until| now < *until);
        self.call || self.until.is_some()
    }

    /// Is there something that must go by itself?
    pub(crate) fn is_waiting(&self) -> bool {
        self.until.is_some()
    }
}

/// The last minute, on the frame thread.
pub(crate) struct Replay {
    ring: Box<[i16]>,
    /// Samples kept since the beginning; the ring has the last of them.
    written: u64,
    far: FarQueue,
    narrow: ToDevice,
    playing: Option<Playing>,
}

/// The first two frames of what is heard: the filter fills with one that is not heard, another fades in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Fills,
    FadesIn,
    Over,
}

/// What is heard again.
struct Playing {
    widen: FromDevice,
    at: u64,
    end: u64,
    begins: Beginning,
    stops: bool,
}

impl Replay {
    /// An empty one. Takes memory, so not on a thread that sound waits for. `None`: the rates cannot be converted, which
    /// they always can.
    pub(crate) fn new() -> Option<Box<Self>> {
        Self::of(KEPT)
    }

    fn of(kept: Duration) -> Option<Box<Self>> {
        let samples = u64::from(FORMAT.rate) * kept.as_secs();
        Some(Box::new(Self {
            ring: vec![0; usize::try_from(samples).ok()?].into_boxed_slice(),
            written: 0,
            far: FarQueue::default(),
            narrow: ToDevice::new(FORMAT).ok()?,
            playing: None,
        }))
    }

    fn capacity(&self) -> u64 {
        self.ring.len() as u64
    }

    /// 10 ms of the far end.
    pub(crate) fn far(&mut self, frame: &Frame) {
        self.far.push(frame);
    }

    /// 10 ms have passed in the call: whatever the far end said in them is kept.
    pub(crate) fn tick(&mut self) {
        let (frame, capacity) = (self.far.pop(), self.capacity());
        for sample in self.narrow.samples(&frame) {
            let at = usize::try_from(self.written % capacity).unwrap_or(0);
            if let Some(slot) = self.ring.get_mut(at) {
                *slot = *sample;
            }
            self.written += 1;
        }
    }

    /// Frames of 10 ms that are kept.
    pub(crate) fn frames(&self) -> u64 {
        self.written.min(self.capacity()) / IN_FRAME
    }

    /// Lets the last seconds be heard, as far as they are kept; anew, if some are heard already.
    pub(crate) fn start(&mut self, seconds: u32) {
        let wanted = u64::from(seconds) * u64::from(FORMAT.rate);
        let have = self.written.min(self.capacity());
        let widen = FromDevice::new(FORMAT).ok();
        self.playing = widen.map(|widen| Playing {
            widen,
            at: self.written - wanted.min(have),
            end: self.written,
            begins: Beginning::Fills,
            stops: false,
        });
    }

    /// Fades out what is heard.
    pub(crate) fn stop(&mut self) {
        if let Some(playing) = &mut self.playing {
            playing.stops = true;
        }
    }

    /// There is no speaker any more.
    pub(crate) fn forget_playing(&mut self) {
        self.playing = None;
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Adds 10 ms of what is heard again to a frame on its way to the speaker, which becomes softer meanwhile.
    pub(crate) fn mix(&mut self, frame: &mut Frame) {
        let capacity = self.capacity();
        let Some(playing) = &mut self.playing else {
            return;
        };
        let needed = playing.widen.needed() as u64;
        // Overtaken by what is kept now: it goes on with the oldest there is.
        playing.at = playing.at.max(self.written.saturating_sub(capacity));
        let (from, ring) = (playing.at, &self.ring);
        let samples = (from..from + needed).map(|at| {
            let at = usize::try_from(at % capacity).unwrap_or(0);
            ring.get(at).copied().unwrap_or(0)
        });
        let mut again: Frame = [0; FRAME_SAMPLES];
        playing.widen.frame(samples, &mut again);
        playing.at += needed;
        let begins = playing.begins;
        playing.begins = match begins {
            Beginning::Fills => Beginning::FadesIn,
            Beginning::FadesIn | Beginning::Over => Beginning::Over,
        };
        let last = playing.stops || playing.at + needed > playing.end;
        for (index, (slot, again)) in frame.iter_mut().zip(again).enumerate() {
            let place = (index as f32 + 0.5) / FRAME_SAMPLES as f32;
            let mut share = match begins {
                Beginning::Fills => 0.0,
                Beginning::FadesIn => place,
                Beginning::Over => 1.0,
            };
            if last {
                share *= 1.0 - place;
            }
            let live = f32::from(*slot) * (1.0 - share * (1.0 - BENEATH));
            // A cast from float to integer saturates.
            *slot = (live + f32::from(again) * share).round() as i16;
        }
        if last {
            self.playing = None;
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.ring.zeroize();
    }
}

/// Seconds that a person may ask for.
pub(crate) fn asked(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds)).min(KEPT)
}

const _: () = assert!(SAMPLE_RATE.is_multiple_of(FORMAT.rate));

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use super::*;
    use crate::tones::tests::level;

    fn tone(hz: f64, number: usize) -> Frame {
        std::array::from_fn(|index| {
            let at = (number * FRAME_SAMPLES + index) as f64 / f64::from(SAMPLE_RATE);
            ((std::f64::consts::TAU * hz * at).sin() * 8_000.0) as i16
        })
    }

    /// One that keeps six seconds: what holds for them holds for a minute.
    fn replay() -> Box<Replay> {
        Replay::of(Duration::from_secs(6)).unwrap()
    }

    /// The far end for so many frames.
    fn said(replay: &mut Replay, hz: f64, frames: usize) {
        for number in 0..frames {
            replay.far(&tone(hz, number));
            replay.tick();
        }
    }

    /// What is heard until it ends, over a far end that goes on as `live`.
    fn heard(replay: &mut Replay, live: i16) -> Vec<f64> {
        let mut heard = Vec::new();
        while replay.is_playing() {
            let mut frame = [live; FRAME_SAMPLES];
            replay.mix(&mut frame);
            heard.extend(frame.map(|sample| f64::from(sample) / 32_768.0));
        }
        heard
    }

    #[test]
    fn the_last_seconds_are_heard_again_as_they_were() {
        let mut replay = replay();
        said(&mut replay, 500.0, 300);
        said(&mut replay, 900.0, 300);
        assert!(replay.frames().abs_diff(600) <= 1);
        replay.start(3);
        let again = heard(&mut replay, 0);
        let seconds = again.len() as f64 / 48_000.0;
        assert!((seconds - 3.0).abs() < 0.05, "{seconds} s");
        let middle = &again[48_000..96_000];
        assert!(level(middle, 900.0) > -16.0, "{}", level(middle, 900.0));
        assert!(level(middle, 500.0) < -45.0);
        replay.start(60);
        let all = heard(&mut replay, 0);
        let seconds = all.len() as f64 / 48_000.0;
        assert!(
            (seconds - 6.0).abs() < 0.05,
            "no more than there is: {seconds} s"
        );
        assert!(level(&all[48_000..96_000], 500.0) > -16.0);
    }

    #[test]
    fn more_than_its_time_is_not_kept_whether_somebody_speaks_or_not() {
        let mut replay = replay();
        said(&mut replay, 500.0, 200);
        // And what the filter still rings.
        for _ in 0..605 {
            replay.tick();
        }
        assert_eq!(replay.frames(), 600);
        replay.start(60);
        let again = heard(&mut replay, 0);
        let loudest = again.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(loudest < 0.001, "said too long ago: {loudest}");
    }

    #[test]
    fn it_begins_ends_and_stops_without_a_click_over_a_softer_far_end() {
        let mut replay = replay();
        for _ in 0..300 {
            replay.far(&[12_000; FRAME_SAMPLES]);
            replay.tick();
        }
        for stopped in [false, true] {
            replay.start(2);
            let mut frames = vec![[4_000; FRAME_SAMPLES]; 250];
            for (number, frame) in frames.iter_mut().enumerate() {
                if stopped && number == 50 {
                    replay.stop();
                }
                replay.mix(frame);
            }
            let heard: Vec<i32> = frames.iter().flatten().map(|s| i32::from(*s)).collect();
            let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
            assert!(steepest.unwrap() < 120, "{steepest:?}");
            assert!(
                (heard[30 * 480] - 13_000).abs() < 200,
                "{}",
                heard[30 * 480]
            );
            assert_eq!(heard.last(), Some(&4_000), "then all is as before");
            let ended = frames
                .iter()
                .skip(2)
                .position(|f| *f == [4_000; FRAME_SAMPLES]);
            assert_eq!(ended.unwrap() < 60, stopped);
        }
    }

    #[test]
    fn what_is_heard_while_all_is_full_is_never_what_is_being_overwritten() {
        let mut replay = replay();
        said(&mut replay, 500.0, 650);
        replay.start(60);
        let mut again = Vec::new();
        for number in 0..600 {
            replay.far(&tone(900.0, number));
            replay.tick();
            let mut frame = [0; FRAME_SAMPLES];
            replay.mix(&mut frame);
            again.extend(frame.map(|sample| f64::from(sample) / 32_768.0));
        }
        let new = level(&again[..again.len() / 2], 900.0);
        assert!(new < -40.0, "{new}");
    }

    #[test]
    fn a_minute_after_the_call_nothing_may_be_kept() {
        let (mut keeping, now) = (Keeping::default(), Instant::now());
        assert!(!keeping.allowed(now), "nothing before the first call");
        keeping.begin();
        assert!(keeping.allowed(now + Duration::from_secs(36_000)));
        keeping.end(now);
        keeping.end(now + Duration::from_secs(30));
        assert!(keeping.is_waiting());
        assert!(keeping.allowed(now + AFTER - Duration::from_millis(1)));
        assert!(!keeping.allowed(now + AFTER));
        assert!(!keeping.is_waiting());
        keeping.begin();
        assert!(keeping.allowed(now));
    }
}
