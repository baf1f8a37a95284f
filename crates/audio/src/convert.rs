//! Between the form of a device (its rate, its channels) and the frames of the house (48 kHz, mono).
//!
//! A microphone that runs at 48 kHz costs nothing but the remix. On the way to a speaker of 48 kHz a polynomial of the
//! seventh degree (0.1 ms) bends the rate by some parts in a million, since no two clocks agree. Other rates pass a
//! windowed-sinc resampler, which delays by half its length (0.7 ms). Nothing allocates once made.

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable as _, Async, FixedAsync, PolynomialDegree, Resampler, SincInterpolationParameters,
    WindowFunction,
};

/// Rate and channels of an open device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceFormat {
    /// Samples a second in each channel.
    pub(crate) rate: u32,
    /// At least 1.
    pub(crate) channels: u16,
}

impl DeviceFormat {
    /// Interleaved samples of 10 ms, rounded down.
    pub(crate) fn samples_in_frame(self) -> usize {
        self.rate as usize / 100 * usize::from(self.channels.max(1))
    }

    /// Interleaved samples as samples of one channel at 48 kHz.
    pub(crate) fn to_ours(self, samples: usize) -> usize {
        let per_channel = samples / usize::from(self.channels.max(1));
        per_channel * SAMPLE_RATE as usize / self.rate.max(1) as usize
    }

    fn is_ours(self) -> bool {
        self.rate == SAMPLE_RATE
    }
}

/// The device runs at a rate that cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate of {0} Hz cannot be converted")]
pub(crate) struct UnsupportedRate(u32);

/// Most that a rate is ever bent, as a factor.
const MOST_BENT: f64 = 1.01;

fn resampler(ratio: f64, rate: u32, fixed: FixedAsync) -> Result<Async<f32>, UnsupportedRate> {
    if !(8_000..=768_000).contains(&rate) {
        return Err(UnsupportedRate(rate));
    }
    let filter = SincInterpolationParameters::new(64, WindowFunction::BlackmanHarris2);
    Async::new_sinc(ratio, MOST_BENT, &filter, FRAME_SAMPLES, 1, fixed)
        .map_err(|_| UnsupportedRate(rate))
}

/// Mono from interleaved channels: their mean.
fn to_mono(interleaved: &[i16]) -> i16 {
    let count = i32::try_from(interleaved.len()).unwrap_or(1).max(1);
    (interleaved
        .iter()
        .map(|sample| i32::from(*sample))
        .sum::<i32>()
        / count) as i16
}

/// From a microphone to frames.
pub(crate) struct FromDevice {
    format: DeviceFormat,
    resampler: Option<Async<f32>>,
    mono: Vec<f32>,
    resampled: Vec<f32>,
}

impl FromDevice {
    pub(crate) fn new(format: DeviceFormat) -> Result<Self, UnsupportedRate> {
        let resampler = if format.is_ours() {
            None
        } else {
            let ratio = f64::from(SAMPLE_RATE) / f64::from(format.rate);
            Some(resampler(ratio, format.rate, FixedAsync::Output)?)
        };
        let most = resampler.as_ref().map_or(0, Resampler::input_frames_max);
        Ok(Self {
            format,
            resampler,
            mono: vec![0.0; most],
            resampled: vec![0.0; FRAME_SAMPLES],
        })
    }

    /// Interleaved device samples that the next frame takes.
    pub(crate) fn needed(&self) -> usize {
        let per_channel = self
            .resampler
            .as_ref()
            .map_or(FRAME_SAMPLES, Resampler::input_frames_next);
        per_channel * usize::from(self.format.channels.max(1))
    }

    /// One frame from exactly [`needed`](Self::needed) samples.
    pub(crate) fn frame(&mut self, interleaved: impl Iterator<Item = i16>, frame: &mut Frame) {
        let channels = usize::from(self.format.channels.max(1));
        let mut group = [0i16; MOST_CHANNELS];
        let group_size = channels.min(MOST_CHANNELS);
        let mut mono = Mono {
            samples: interleaved,
            channels,
            group: &mut group,
            group_size,
        };
        let Some(resampler) = &mut self.resampler else {
            for slot in frame.iter_mut() {
                *slot = mono.next().unwrap_or(0);
            }
            return;
        };
        let needed = resampler.input_frames_next();
        for slot in self.mono.iter_mut().take(needed) {
            *slot = f32::from(mono.next().unwrap_or(0));
        }
        let input = InterleavedSlice::new(&self.mono, 1, needed);
        let output = InterleavedSlice::new_mut(&mut self.resampled, 1, FRAME_SAMPLES);
        if let (Ok(input), Ok(mut output)) = (input, output)
            && resampler
                .process_into_buffer(&input, &mut output, None)
                .is_ok()
        {
            for (slot, sample) in frame.iter_mut().zip(&self.resampled) {
                *slot = sample.round() as i16;
            }
        }
    }
}

/// Channels beyond these are not listened to.
const MOST_CHANNELS: usize = 8;

struct Mono<'a, I> {
    samples: I,
    channels: usize,
    group: &'a mut [i16; MOST_CHANNELS],
    group_size: usize,
}

impl<I: Iterator<Item = i16>> Iterator for Mono<'_, I> {
    type Item = i16;

    fn next(&mut self) -> Option<i16> {
        if self.channels == 1 {
            return self.samples.next();
        }
        for channel in 0..self.channels {
            let sample = self.samples.next()?;
            if let Some(slot) = self.group.get_mut(channel) {
                *slot = sample;
            }
        }
        self.group.get(..self.group_size).map(to_mono)
    }
}

/// From frames to a speaker.
pub(crate) struct ToDevice {
    format: DeviceFormat,
    resampler: Async<f32>,
    stretch: f64,
    mono: Vec<f32>,
    resampled: Vec<f32>,
    interleaved: Vec<i16>,
}

impl ToDevice {
    pub(crate) fn new(format: DeviceFormat) -> Result<Self, UnsupportedRate> {
        let resampler = if format.is_ours() {
            Async::new_poly(
                1.0,
                MOST_BENT,
                PolynomialDegree::Septic,
                FRAME_SAMPLES,
                1,
                FixedAsync::Input,
            )
            .map_err(|_| UnsupportedRate(format.rate))?
        } else {
            let ratio = f64::from(format.rate) / f64::from(SAMPLE_RATE);
            resampler(ratio, format.rate, FixedAsync::Input)?
        };
        let most = resampler.output_frames_max();
        Ok(Self {
            format,
            resampler,
            stretch: 0.0,
            mono: vec![0.0; FRAME_SAMPLES],
            resampled: vec![0.0; most],
            interleaved: Vec::with_capacity(most * usize::from(format.channels)),
        })
    }

    /// By how much longer sound is played than it is, from the next frame on: 0.001 makes 1 s last 1.001 s.
    pub(crate) fn stretch(&mut self, stretch: f64) {
        if stretch != self.stretch
            && self
                .resampler
                .set_resample_ratio_relative(1.0 + stretch, true)
                .is_ok()
        {
            self.stretch = stretch;
        }
    }

    /// The frame in the form of the device: the first two channels carry it, further ones are silent.
    pub(crate) fn samples(&mut self, frame: &Frame) -> &[i16] {
        self.interleaved.clear();
        let channels = self.format.channels;
        for (slot, sample) in self.mono.iter_mut().zip(frame) {
            *slot = f32::from(*sample);
        }
        let most = self.resampled.len();
        let input = InterleavedSlice::new(&self.mono, 1, FRAME_SAMPLES);
        let output = InterleavedSlice::new_mut(&mut self.resampled, 1, most);
        if let (Ok(input), Ok(mut output)) = (input, output)
            && let Ok((_, made)) = self
                .resampler
                .process_into_buffer(&input, &mut output, None)
        {
            for sample in self.resampled.iter().take(made) {
                spread(&mut self.interleaved, sample.round() as i16, channels);
            }
        }
        &self.interleaved
    }
}

fn spread(interleaved: &mut Vec<i16>, sample: i16, channels: u16) {
    for channel in 0..channels {
        interleaved.push(if channel < 2 { sample } else { 0 });
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
    use std::f64::consts::TAU;

    use super::*;

    fn sine(rate: u32, frequency: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| (8000.0 * (TAU * frequency * i as f64 / f64::from(rate)).sin()) as i16)
            .collect()
    }

    /// Amplitude of one frequency.
    fn amplitude(samples: &[i16], rate: u32, frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (index, sample) in samples.iter().enumerate() {
            let angle = TAU * frequency * index as f64 / f64::from(rate);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    fn capture_all(format: DeviceFormat, samples: &[i16]) -> Vec<i16> {
        let mut convert = FromDevice::new(format).unwrap();
        let (mut at, mut out, mut frame) = (0, Vec::new(), [0; FRAME_SAMPLES]);
        while at + convert.needed() <= samples.len() {
            let needed = convert.needed();
            convert.frame(samples[at..at + needed].iter().copied(), &mut frame);
            at += needed;
            out.extend(frame);
        }
        out
    }

    #[test]
    fn a_device_that_claims_to_have_no_channel_is_taken_for_one_with_one() {
        let format = DeviceFormat {
            rate: 48_000,
            channels: 0,
        };
        assert_eq!(format.samples_in_frame(), FRAME_SAMPLES);
        let mut convert = FromDevice::new(format).unwrap();
        assert_eq!(
            convert.needed(),
            FRAME_SAMPLES,
            "or it would be asked for ever"
        );
        let mut frame = [0; FRAME_SAMPLES];
        convert.frame(std::iter::repeat_n(7, FRAME_SAMPLES), &mut frame);
        assert_eq!(frame, [7; FRAME_SAMPLES]);
        let mut back = ToDevice::new(format).unwrap();
        assert!(back.samples(&frame).is_empty(), "there is nowhere to play");
    }

    #[test]
    fn a_mono_48_kilohertz_microphone_passes_bit_for_bit() {
        let samples = sine(48_000, 1000.0, 4800);
        assert_eq!(
            capture_all(
                DeviceFormat {
                    rate: 48_000,
                    channels: 1
                },
                &samples
            ),
            samples
        );
    }

    #[test]
    fn channels_are_averaged() {
        let stereo: Vec<i16> = sine(48_000, 1000.0, 4800)
            .iter()
            .flat_map(|x| [*x, 0])
            .collect();
        let mono = capture_all(
            DeviceFormat {
                rate: 48_000,
                channels: 2,
            },
            &stereo,
        );
        assert_eq!(mono.len(), 4800);
        assert!((amplitude(&mono, 48_000, 1000.0) - 4000.0).abs() < 5.0);
        assert_eq!(to_mono(&[i16::MIN; 8]), i16::MIN);
        assert_eq!(to_mono(&[i16::MAX, i16::MIN]), 0);
    }

    #[test]
    fn other_rates_keep_pitch_level_and_length() {
        for rate in [8000, 16_000, 32_000, 44_100, 96_000, 192_000] {
            let seconds = sine(rate, 1000.0, rate as usize);
            let captured = capture_all(DeviceFormat { rate, channels: 1 }, &seconds);
            assert!(
                (47_000..=48_000).contains(&captured.len()),
                "{rate}: {}",
                captured.len()
            );
            let steady = &captured[4800..43_200];
            let level = amplitude(steady, 48_000, 1000.0);
            assert!((level - 8000.0).abs() < 200.0, "{rate}: amplitude {level}");
            assert!(
                amplitude(steady, 48_000, 1100.0) < 80.0,
                "{rate}: nothing beside it"
            );
        }
    }

    #[test]
    fn a_speaker_at_44100_hertz_stereo_plays_the_right_pitch_on_both_sides_only() {
        let format = DeviceFormat {
            rate: 44_100,
            channels: 4,
        };
        let mut convert = ToDevice::new(format).unwrap();
        let mut played = Vec::new();
        for frame in sine(48_000, 1000.0, 48_000).as_chunks::<FRAME_SAMPLES>().0 {
            played.extend_from_slice(convert.samples(frame));
        }
        let left: Vec<i16> = played.iter().copied().step_by(4).collect();
        let right: Vec<i16> = played.iter().copied().skip(1).step_by(4).collect();
        assert!((43_900..=44_100).contains(&left.len()), "{}", left.len());
        assert_eq!(left, right);
        assert!(played.iter().skip(2).step_by(4).all(|x| *x == 0));
        let level = amplitude(&left[4410..39_690], 44_100, 1000.0);
        assert!((level - 8000.0).abs() < 200.0, "amplitude {level}");
    }

    #[test]
    fn a_bent_rate_changes_the_length_and_nothing_that_is_heard() {
        for stretch in [-0.004, -0.0002, 0.0, 0.0002, 0.004] {
            let format = DeviceFormat {
                rate: 48_000,
                channels: 1,
            };
            let mut convert = ToDevice::new(format).unwrap();
            convert.stretch(stretch);
            let mut played = Vec::new();
            for frame in sine(48_000, 1000.0, 96_000).as_chunks::<FRAME_SAMPLES>().0 {
                played.extend_from_slice(convert.samples(frame));
            }
            let longer = (played.len() as f64 - 96_000.0) / 96_000.0;
            assert!((longer - stretch).abs() < 2e-4, "{stretch}: {longer}");
            let steady = &played[4800..52_800];
            let level = amplitude(steady, 48_000, 1000.0 / (1.0 + stretch));
            assert!((level - 8000.0).abs() < 40.0, "{stretch}: {level}");
            let steepest = played
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .max()
                .unwrap();
            assert!(steepest < 1060, "a jump of {steepest}");
        }
    }

    #[test]
    fn an_absurd_rate_is_refused() {
        assert_eq!(
            FromDevice::new(DeviceFormat {
                rate: 1,
                channels: 1
            })
            .err(),
            Some(UnsupportedRate(1))
        );
        assert!(
            ToDevice::new(DeviceFormat {
                rate: 0,
                channels: 2
            })
            .is_err()
        );
    }

    #[test]
    fn ten_milliseconds_of_a_device() {
        assert_eq!(
            DeviceFormat {
                rate: 48_000,
                channels: 2
            }
            .samples_in_frame(),
            960
        );
        assert_eq!(
            DeviceFormat {
                rate: 44_100,
                channels: 1
            }
            .samples_in_frame(),
            441
        );
    }
}
