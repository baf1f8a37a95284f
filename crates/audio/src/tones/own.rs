//! A ringtone out of a person's own file: decoded once, kept as samples.

use std::io::Cursor;
use std::sync::Arc;

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::{millis, raised_cosine};
use crate::convert::{DeviceFormat, FromDevice};

/// Of a longer file so much is used from its beginning: nobody lets it ring longer.
pub(super) const LONGEST_SECONDS: usize = 30;
/// Files larger than this are not looked at: their first half minute fits many times.
pub const LARGEST_FILE: usize = 16 << 20;
/// Highest sample of what we keep, as loud as our own ringtones are composed.
const PEAK: f32 = 0.6;
/// Softer than this (−60 dBFS) all the way is nothing that anybody would hear.
const SILENT: f32 = 0.001;
/// Rest between two rounds.
const REST_MS: u64 = 800;
/// Many broken packets in a row are no sound file with a scratch.
const MOST_BROKEN: u32 = 50;

/// Why a file is no ringtone. Each text is one for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnRingtoneError {
    /// More than [`LARGEST_FILE`].
    #[error("This file is larger than 16 MB. Choose a shorter one: half a minute is enough.")]
    TooLarge,
    /// Nothing that can be decoded.
    #[error(
        "This is not a sound file that Deskline can play. Choose a WAV, FLAC, MP3 or OGG file."
    )]
    NotSound,
    /// A sound file with nothing in it.
    #[error("There is nothing to be heard in this file. Choose another one.")]
    Silent,
}

/// A decoded ringtone. Clones are the same one.
#[derive(Clone)]
pub struct OwnRingtone(Arc<Vec<i16>>);

impl std::fmt::Debug for OwnRingtone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OwnRingtone({} samples)", self.0.len())
    }
}

impl PartialEq for OwnRingtone {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for OwnRingtone {}

impl OwnRingtone {
    /// Decodes a file: WAV, FLAC, MP3 or Ogg Vorbis of any rate, its channels mixed to one, as loud as our own ringtones. A
    /// file that breaks off is taken as far as it goes. Takes up to a second; not for a thread that sound waits for.
    ///
    /// # Errors
    /// It is no sound, has none, or is too large.
    pub fn decode(file: Vec<u8>) -> Result<Self, OwnRingtoneError> {
        if file.len() > LARGEST_FILE {
            return Err(OwnRingtoneError::TooLarge);
        }
        let decoded = Decoded::of(file)?;
        Self::of_samples(decoded.to_ours()?)
    }

    /// From what [`samples`](Self::samples) gave, as it is.
    ///
    /// # Errors
    /// There is nothing to be heard.
    pub fn of_kept(mut samples: Vec<i16>) -> Result<Self, OwnRingtoneError> {
        samples.truncate(LONGEST_SECONDS * SAMPLE_RATE as usize);
        if peak_of(&samples) < SILENT {
            return Err(OwnRingtoneError::Silent);
        }
        Ok(Self(Arc::new(samples)))
    }

    /// As loud as ours, with soft edges.
    fn of_samples(mut samples: Vec<i16>) -> Result<Self, OwnRingtoneError> {
        samples.truncate(LONGEST_SECONDS * SAMPLE_RATE as usize);
        let peak = peak_of(&samples);
        if peak < SILENT {
            return Err(OwnRingtoneError::Silent);
        }
        let gain = PEAK / peak;
        let length = samples.len() as u64;
        for (index, sample) in samples.iter_mut().enumerate() {
            let index = index as u64;
            let edge = raised_cosine(index.min(length - 1 - index)) as f32;
            *sample = (f32::from(*sample) * gain * edge) as i16;
        }
        Ok(Self(Arc::new(samples)))
    }

    /// Mono, 48 kHz: what is to be kept.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// The sample at `index`, −1.0 … 1.0, round after round.
    pub(crate) fn sample(&self, index: u64) -> f32 {
        let period = self.0.len() as u64 + millis(REST_MS);
        let at = usize::try_from(index % period).unwrap_or(usize::MAX);
        self.0
            .get(at)
            .map_or(0.0, |sample| f32::from(*sample) / 32_768.0)
    }
}

/// The highest sample, 1 being full scale.
fn peak_of(samples: &[i16]) -> f32 {
    let highest = samples.iter().map(|sample| sample.unsigned_abs()).max();
    f32::from(highest.unwrap_or(0)) / 32_768.0
}

/// What was in the file.
struct Decoded {
    format: DeviceFormat,
    interleaved: Vec<i16>,
}

impl Decoded {
    fn of(file: Vec<u8>) -> Result<Self, OwnRingtoneError> {
        let not_sound = |_: Error| OwnRingtoneError::NotSound;
        let source = MediaSourceStream::new(
            Box::new(Cursor::new(file)),
            MediaSourceStreamOptions::default(),
        );
        let mut reader = symphonia::default::get_probe()
            .probe(
                &Hint::new(),
                source,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(not_sound)?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or(OwnRingtoneError::NotSound)?;
        let id = track.id;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or(OwnRingtoneError::NotSound)?;
        let mut decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(not_sound)?;
        let mut decoded = Self {
            format: DeviceFormat {
                rate: 0,
                channels: 0,
            },
            interleaved: Vec::new(),
        };
        decoded.fill(reader.as_mut(), decoder.as_mut(), id);
        let DeviceFormat { rate, channels } = decoded.format;
        if !(8_000..=192_000).contains(&rate) || channels == 0 || decoded.interleaved.is_empty() {
            return Err(OwnRingtoneError::NotSound);
        }
        Ok(decoded)
    }

    /// Decodes until there is enough, or no more.
    fn fill(&mut self, reader: &mut dyn FormatReader, decoder: &mut dyn AudioDecoder, track: u32) {
        let mut block: Vec<f32> = Vec::new();
        let mut broken = 0;
        while broken < MOST_BROKEN
            && let Ok(Some(packet)) = reader.next_packet()
        {
            if packet.track_id != track {
                continue;
            }
            let Ok(sound) = decoder.decode(&packet) else {
                broken += 1;
                continue;
            };
            broken = 0;
            let spec = sound.spec();
            let format = DeviceFormat {
                rate: spec.rate(),
                channels: u16::try_from(spec.channels().count()).unwrap_or(0),
            };
            if self.interleaved.is_empty() {
                self.format = format;
            } else if self.format != format {
                return;
            }
            block.resize(sound.samples_interleaved(), 0.0);
            sound.copy_to_slice_interleaved(&mut block);
            // A cast from float to integer saturates.
            let samples = block.iter().map(|sample| (sample * 32_767.0) as i16);
            self.interleaved.extend(samples);
            let seconds = self.interleaved.len()
                / usize::from(self.format.channels.max(1))
                / self.format.rate.max(1) as usize;
            if seconds > LONGEST_SECONDS {
                return;
            }
        }
    }

    /// Mono at 48 kHz.
    fn to_ours(&self) -> Result<Vec<i16>, OwnRingtoneError> {
        let mut convert = FromDevice::new(self.format).map_err(|_| OwnRingtoneError::NotSound)?;
        let mut frame: Frame = [0; FRAME_SAMPLES];
        let mut ours = Vec::new();
        let mut rest = self.interleaved.as_slice();
        while !rest.is_empty() {
            let needed = convert.needed().min(rest.len());
            let (now, later) = rest.split_at(needed);
            // The last one is filled up with silence.
            convert.frame(now.iter().copied(), &mut frame);
            ours.extend_from_slice(&frame);
            rest = later;
        }
        Ok(ours)
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
    use super::super::tests::level;
    use super::*;

    /// A WAV file with a sine of half scale.
    fn wav(rate: u32, channels: u16, seconds: u32, hz: f64, loud: f64) -> Vec<u8> {
        let count = rate * seconds * u32::from(channels);
        let mut file = Vec::new();
        file.extend(b"RIFF");
        file.extend((36 + count * 2).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend(16u32.to_le_bytes());
        file.extend(1u16.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * u32::from(channels) * 2).to_le_bytes());
        file.extend((channels * 2).to_le_bytes());
        file.extend(16u16.to_le_bytes());
        file.extend(b"data");
        file.extend((count * 2).to_le_bytes());
        for index in 0..count {
            let at = f64::from(index / u32::from(channels)) / f64::from(rate);
            let sample = (std::f64::consts::TAU * hz * at).sin() * loud * 32_767.0;
            file.extend((sample as i16).to_le_bytes());
        }
        file
    }

    #[test]
    fn a_file_of_any_rate_and_channels_becomes_a_ringtone_as_loud_as_ours() {
        for (rate, channels) in [(8_000, 1), (44_100, 2), (48_000, 1), (96_000, 2)] {
            let own = OwnRingtone::decode(wav(rate, channels, 2, 700.0, 0.05)).unwrap();
            let seconds = own.samples().len() as f64 / 48_000.0;
            assert!((seconds - 2.0).abs() < 0.05, "{rate} Hz: {seconds} s");
            let middle: Vec<f64> = (20_000..68_000)
                .map(|index| f64::from(own.sample(index)))
                .collect();
            let at = level(&middle, 700.0);
            assert!((at + 7.4).abs() < 0.5, "{rate} Hz: {at} dB");
            assert_eq!(own.sample(0), 0.0, "it begins softly");
            let rest = own.samples().len() as u64 + 10;
            assert_eq!(own.sample(rest), 0.0, "and rests");
            assert_eq!(
                own.sample(own.samples().len() as u64 + millis(REST_MS) + 500),
                own.sample(500)
            );
        }
    }

    #[test]
    fn of_a_long_file_half_a_minute_is_taken_and_of_a_broken_one_what_there_is() {
        let long = OwnRingtone::decode(wav(8_000, 1, 100, 500.0, 0.5)).unwrap();
        assert_eq!(long.samples().len(), LONGEST_SECONDS * 48_000);
        let mut broken = wav(16_000, 1, 4, 500.0, 0.5);
        broken.truncate(16_000 * 2 * 3);
        let seconds = OwnRingtone::decode(broken).unwrap().samples().len() / 48_000;
        assert!((2..=3).contains(&seconds), "{seconds} s");
    }

    #[test]
    fn three_hours_are_refused_or_their_beginning_is_taken_and_neither_takes_long() {
        let began = std::time::Instant::now();
        let three_hours = 3 * 3600 * 16_000;
        let whole = OwnRingtone::decode(vec![0; three_hours]);
        assert_eq!(whole, Err(OwnRingtoneError::TooLarge));
        // One that only claims to be so long, and breaks off.
        let mut claims = wav(8_000, 1, 60, 500.0, 0.5);
        claims[40..44].copy_from_slice(&(three_hours as u32).to_le_bytes());
        claims[4..8].copy_from_slice(&(three_hours as u32 + 36).to_le_bytes());
        let taken = OwnRingtone::decode(claims).unwrap();
        assert_eq!(taken.samples().len(), LONGEST_SECONDS * 48_000);
        assert!(began.elapsed() < std::time::Duration::from_secs(60));
    }

    #[test]
    fn nonsense_is_refused_with_one_sentence_of_advice() {
        let large = vec![0; LARGEST_FILE + 1];
        let text = b"this is a letter and no sound at all, however long one looks at it".to_vec();
        let mut odd = wav(48_000, 1, 1, 500.0, 0.5);
        odd[24..28].copy_from_slice(&0u32.to_le_bytes());
        let cases = [
            (large, OwnRingtoneError::TooLarge),
            (Vec::new(), OwnRingtoneError::NotSound),
            (text, OwnRingtoneError::NotSound),
            (vec![0xff; 100_000], OwnRingtoneError::NotSound),
            (odd, OwnRingtoneError::NotSound),
            (wav(48_000, 1, 1, 500.0, 0.0), OwnRingtoneError::Silent),
        ];
        for (file, expected) in cases {
            let length = file.len();
            assert_eq!(OwnRingtone::decode(file), Err(expected), "{length} bytes");
            assert_eq!(expected.to_string().matches(". ").count(), 1);
        }
    }
}
