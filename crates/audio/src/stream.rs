//! One open stream; and how cpal is asked for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;
use std::time::Duration;

use call::media::SAMPLE_RATE;
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, InputCallbackInfo, OutputCallbackInfo, SampleFormat,
    StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::callback::{MicrophoneCallback, SpeakerCallback};
use crate::convert::{DeviceFormat, FromDevice, ToDevice};
use crate::host::{DeviceError, Part};
use crate::statistics::{Statistics, count};

/// Sound is asked for in blocks of this length. A short block to the speaker is most of our share of the delay; that of
/// the microphone hardly matters, and longer ones spare wakes.
const MICROPHONE_PERIOD: u32 = 480;
/// See [`MICROPHONE_PERIOD`].
const SPEAKER_PERIOD: u32 = 240;
/// A server that hangs must not hold us for ever.
const BUILD_TIMEOUT: Duration = Duration::from_millis(1500);

/// Signs of life of one stream.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub(crate) callbacks: AtomicU64,
    /// Times that the ring of a speaker ran dry within the sound.
    pub(crate) gaps: AtomicU64,
    pub(crate) broken: AtomicBool,
    /// We close it: what breaks now is no loss.
    pub(crate) closed: AtomicBool,
    /// Serial of the device that the sound server moved the stream to, plus one; 0: it did not.
    moved_to: AtomicU64,
    /// See [`latency`](Self::latency); microseconds.
    latency: AtomicU32,
}

impl Vitals {
    /// How long sound takes between the callback and the air, as far as the device knows: samples at 48 kHz.
    pub(crate) fn latency(&self) -> usize {
        let micros = self.latency_us();
        usize::try_from(micros * u64::from(SAMPLE_RATE) / 1_000_000).unwrap_or(0)
    }

    /// See [`latency`](Self::latency); microseconds.
    pub(crate) fn latency_us(&self) -> u64 {
        u64::from(self.latency.load(Relaxed))
    }

    /// The sound server moved the stream to the device with this serial.
    pub(crate) fn move_to(&self, serial: u32) {
        self.moved_to.store(u64::from(serial) + 1, Relaxed);
    }

    /// Where the sound server moved the stream since the last question.
    pub(crate) fn take_moved(&self) -> Option<u32> {
        let moved = self.moved_to.swap(0, Relaxed).checked_sub(1)?;
        u32::try_from(moved).ok()
    }

    /// To be told by whoever drives the device; nobody needs it more often than the device does.
    pub(crate) fn set_latency(&self, latency: Duration) {
        let micros = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        self.latency.store(micros, Relaxed);
    }
}

/// A stream that runs. Dropping it closes the device; that may take as long as the sound server takes.
pub(crate) struct OpenStream {
    /// Never read: it is what keeps the device open.
    _stream: Box<dyn Send>,
    /// Id of the device behind it, to notice another default.
    pub(crate) device: Option<String>,
    pub(crate) name: String,
    pub(crate) vitals: Arc<Vitals>,
}

/// The frame thread's end of a microphone.
pub(crate) struct Inlet {
    pub(crate) ring: Consumer<i16>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) convert: FromDevice,
    pub(crate) format: DeviceFormat,
}

impl Inlet {
    /// What waits for the frame thread, as samples of one channel at 48 kHz.
    pub(crate) fn waiting(&self) -> usize {
        self.format.to_ours(self.ring.slots())
    }
}

/// The frame thread's end of a speaker.
pub(crate) struct Outlet {
    pub(crate) ring: Producer<i16>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) convert: ToDevice,
    pub(crate) format: DeviceFormat,
}

impl Outlet {
    /// What waits for the speaker, as samples of one channel at 48 kHz.
    pub(crate) fn waiting(&self) -> usize {
        let samples = self.ring.buffer().capacity() - self.ring.slots();
        self.format.to_ours(samples)
    }

    /// Puts silence before sound: so many samples of one channel at 48 kHz.
    pub(crate) fn pad(&mut self, samples: usize) {
        let per_channel = samples * self.format.rate as usize / SAMPLE_RATE as usize;
        let count = per_channel * usize::from(self.format.channels);
        if let Ok(chunk) = self.ring.write_chunk_uninit(count.min(self.ring.slots())) {
            chunk.fill_from_iter(std::iter::repeat(0));
        }
    }
}

/// What both callbacks need.
#[derive(Clone)]
pub(crate) struct Wiring {
    /// To be unparked when there is something to do.
    pub(crate) frames: Thread,
    pub(crate) statistics: Arc<Statistics>,
}

/// Expands `stream!(type)` for the type of the samples: cpal wants it at compile time.
macro_rules! by_format {
    ($format:expr, $stream:ident) => {{
        match $format {
            SampleFormat::I16 => $stream!(i16),
            SampleFormat::I24 => $stream!(cpal::I24),
            SampleFormat::I32 => $stream!(i32),
            SampleFormat::U8 => $stream!(u8),
            SampleFormat::U16 => $stream!(u16),
            SampleFormat::F32 => $stream!(f32),
            SampleFormat::F64 => $stream!(f64),
            // Left out by `preference`; a device may still have nothing else.
            _ => Err(cpal::Error::new(ErrorKind::UnsupportedConfig)),
        }
    }};
}
/// Opens a microphone and starts it.
pub(crate) fn open_microphone(
    device: &Device,
    wiring: &Wiring,
) -> Result<(OpenStream, Inlet), DeviceError> {
    let unusable = |error: cpal::Error| DeviceError::from_cpal(Part::Microphone, device, &error);
    let ranges = device
        .supported_input_configs()
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    let fallback = || {
        device
            .default_input_config()
            .map(|config| (config.config(), config.sample_format()))
    };
    let (config, sample_format) =
        configuration(&ranges, MICROPHONE_PERIOD, fallback).map_err(unusable)?;
    let format = DeviceFormat {
        rate: config.sample_rate,
        channels: config.channels.max(1),
    };
    let convert = FromDevice::new(format)
        .map_err(|error| DeviceError::unusable(Part::Microphone, device, error.to_string()))?;

    let vitals = Arc::new(Vitals::default());
    let build = |config: StreamConfig| {
        // 200 ms: far more than is ever let wait, since the frame thread drops a backlog.
        let (producer, consumer) = RingBuffer::new(format.samples_in_frame() * 20);
        let mut callback =
            MicrophoneCallback::new(producer, format, wiring.clone(), Arc::clone(&vitals));
        let latency = Arc::clone(&vitals);
        let on_error = on_error(Part::Microphone, &vitals, wiring);
        macro_rules! stream {
            ($sample:ty) => {
                device.build_input_stream(
                    config,
                    move |samples: &[$sample], info: &InputCallbackInfo| {
                        let at = info.timestamp();
                        latency.set_latency(at.callback.duration_since(at.capture));
                        callback.take(samples);
                    },
                    on_error,
                    Some(BUILD_TIMEOUT),
                )
            };
        }
        let stream = by_format!(sample_format, stream)?;
        Ok((stream, consumer))
    };
    let (stream, ring) = with_any_period(config, build).map_err(unusable)?;
    stream.play().map_err(unusable)?;
    count(&wiring.statistics.opens);
    Ok((
        OpenStream::of_cpal(stream, None, device, Arc::clone(&vitals)),
        Inlet {
            ring,
            vitals,
            convert,
            format,
        },
    ))
}

/// Opens a speaker and starts it.
pub(crate) fn open_speaker(
    device: &Device,
    right_to_play: Arc<()>,
    wiring: &Wiring,
) -> Result<(OpenStream, Outlet), DeviceError> {
    let unusable = |error: cpal::Error| DeviceError::from_cpal(Part::Speaker, device, &error);
    let ranges = device
        .supported_output_configs()
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    let fallback = || {
        device
            .default_output_config()
            .map(|config| (config.config(), config.sample_format()))
    };
    let (config, sample_format) =
        configuration(&ranges, SPEAKER_PERIOD, fallback).map_err(unusable)?;
    let format = DeviceFormat {
        rate: config.sample_rate,
        channels: config.channels.max(1),
    };
    let convert = ToDevice::new(format)
        .map_err(|error| DeviceError::unusable(Part::Speaker, device, error.to_string()))?;

    let vitals = Arc::new(Vitals::default());
    let build = |config: StreamConfig| {
        let (producer, consumer) = RingBuffer::new(format.samples_in_frame() * 20);
        let mut callback =
            SpeakerCallback::new(consumer, format, wiring.clone(), Arc::clone(&vitals));
        let latency = Arc::clone(&vitals);
        let on_error = on_error(Part::Speaker, &vitals, wiring);
        macro_rules! stream {
            ($sample:ty) => {
                device.build_output_stream(
                    config,
                    move |samples: &mut [$sample], info: &OutputCallbackInfo| {
                        let at = info.timestamp();
                        latency.set_latency(at.playback.duration_since(at.callback));
                        callback.fill(samples);
                    },
                    on_error,
                    Some(BUILD_TIMEOUT),
                )
            };
        }
        let stream = by_format!(sample_format, stream)?;
        Ok((stream, producer))
    };
    let (stream, ring) = with_any_period(config, build).map_err(unusable)?;
    stream.play().map_err(unusable)?;
    count(&wiring.statistics.opens);
    Ok((
        OpenStream::of_cpal(stream, Some(right_to_play), device, Arc::clone(&vitals)),
        Outlet {
            ring,
            vitals,
            convert,
            format,
        },
    ))
}

impl OpenStream {
    pub(crate) fn new(
        stream: Box<dyn Send>,
        device: Option<String>,
        name: String,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self {
            _stream: stream,
            device,
            name,
            vitals,
        }
    }

    /// One of cpal, and what must live as long as it.
    fn of_cpal(
        stream: cpal::Stream,
        right_to_play: Option<Arc<()>>,
        device: &Device,
        vitals: Arc<Vitals>,
    ) -> Self {
        let id = device.id().ok().map(|id| id.id().to_owned());
        Self::new(
            Box::new((stream, right_to_play)),
            id,
            device.to_string(),
            vitals,
        )
    }
}

/// How gladly a format of samples is taken; `None`: it cannot be.
fn preference(format: SampleFormat) -> Option<u8> {
    let order = [
        SampleFormat::I16,
        SampleFormat::F32,
        SampleFormat::I32,
        SampleFormat::I24,
        SampleFormat::U16,
        SampleFormat::F64,
        SampleFormat::U8,
    ];
    order
        .iter()
        .position(|known| *known == format)
        .and_then(|place| u8::try_from(place).ok())
}

/// 48 kHz with as few channels as there are and the plainest samples; else what the device calls its default.
fn configuration(
    ranges: &[SupportedStreamConfigRange],
    period: u32,
    fallback: impl FnOnce() -> Result<(StreamConfig, SampleFormat), cpal::Error>,
) -> Result<(StreamConfig, SampleFormat), cpal::Error> {
    let best = ranges
        .iter()
        .filter(|range| (range.min_sample_rate()..=range.max_sample_rate()).contains(&SAMPLE_RATE))
        .filter_map(|range| preference(range.sample_format()).map(|place| (place, range)))
        .min_by_key(|(place, range)| (range.channels(), *place));
    if let Some((_, range)) = best {
        let frames = match range.buffer_size() {
            SupportedBufferSize::Range { min, max } => period.clamp(*min, (*max).max(*min)),
            SupportedBufferSize::Unknown => period,
        };
        let buffer_size = BufferSize::Fixed(frames);
        let config = StreamConfig {
            channels: range.channels(),
            sample_rate: SAMPLE_RATE,
            buffer_size,
        };
        return Ok((config, range.sample_format()));
    }
    let (mut config, format) = fallback()?;
    let frames = u64::from(period) * u64::from(config.sample_rate) / u64::from(SAMPLE_RATE);
    config.buffer_size = BufferSize::Fixed(u32::try_from(frames).unwrap_or(period));
    Ok((config, format))
}

/// A device that refuses our period is taken with its own.
fn with_any_period<T>(
    config: StreamConfig,
    mut build: impl FnMut(StreamConfig) -> Result<T, cpal::Error>,
) -> Result<T, cpal::Error> {
    match build(config) {
        Err(error) if error.kind() == ErrorKind::UnsupportedConfig => build(StreamConfig {
            buffer_size: BufferSize::Default,
            ..config
        }),
        result => result,
    }
}

/// Runs on a thread of cpal, never in a data callback: it may log.
fn on_error(
    part: Part,
    vitals: &Arc<Vitals>,
    wiring: &Wiring,
) -> impl FnMut(cpal::Error) + Send + 'static {
    let vitals = Arc::clone(vitals);
    let statistics = Arc::clone(&wiring.statistics);
    move |error| {
        count(&statistics.stream_errors);
        // A glitch passes, a refused priority is no loss, and a rerouted stream goes on.
        let passing = [
            ErrorKind::Xrun,
            ErrorKind::RealtimeDenied,
            ErrorKind::DeviceChanged,
        ];
        if !passing.contains(&error.kind()) && !vitals.broken.swap(true, Relaxed) {
            tracing::debug!(%part, kind = ?error.kind(), "the stream broke: {error}");
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
    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(
            channels,
            rates.0,
            rates.1,
            SupportedBufferSize::Range {
                min: 256,
                max: 8192,
            },
            format,
        )
    }

    #[test]
    fn forty_eight_kilohertz_mono_sixteen_bit_is_chosen_when_offered() {
        let ranges = [
            range(2, (44_100, 192_000), SampleFormat::I16),
            range(1, (8000, 96_000), SampleFormat::F32),
            range(1, (8000, 96_000), SampleFormat::I16),
            range(1, (8000, 44_100), SampleFormat::I16),
        ];
        let (config, format) = configuration(&ranges, 240, || panic!("not needed")).unwrap();
        assert_eq!(
            (config.channels, config.sample_rate, format),
            (1, 48_000, SampleFormat::I16)
        );
        assert_eq!(
            config.buffer_size,
            BufferSize::Fixed(256),
            "within what the device allows"
        );
    }

    #[test]
    fn a_device_without_48_kilohertz_is_taken_as_it_is() {
        let ranges = [range(1, (8000, 16_000), SampleFormat::I16)];
        let own = StreamConfig {
            channels: 1,
            sample_rate: 16_000,
            buffer_size: BufferSize::Default,
        };
        let (config, _) = configuration(&ranges, 480, || Ok((own, SampleFormat::I16))).unwrap();
        assert_eq!(
            (config.sample_rate, config.buffer_size),
            (16_000, BufferSize::Fixed(160))
        );
    }

    #[test]
    fn a_device_that_refuses_the_period_is_asked_again_with_its_own() {
        let config = StreamConfig {
            channels: 1,
            sample_rate: 48_000,
            buffer_size: BufferSize::Fixed(240),
        };
        let built = with_any_period(config, |config| match config.buffer_size {
            BufferSize::Fixed(_) => Err(cpal::Error::new(ErrorKind::UnsupportedConfig)),
            BufferSize::Default => Ok("built"),
        });
        assert_eq!(built.unwrap(), "built");
        let refused = with_any_period(config, |_| {
            Err::<(), _>(cpal::Error::new(ErrorKind::DeviceBusy))
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::DeviceBusy);
    }
}
