//! Calls recorded for the person's own computer: Opus in Ogg, two channels, the desk left and the far end right.
//!
//! The frame thread hands each 10 ms of both sides to a ring and is done; a thread of the recording encodes and writes. What
//! is written needs no end to be played: each half second is a whole page of the file, written before the next begins, so
//! that a program that dies leaves everything but its last moment. A pause leaves the time out.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use call::media::{FRAME_SAMPLES, Frame};
use ogg::{PacketWriteEndInfo, PacketWriter};
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate};
use rtrb::{Consumer, Producer, RingBuffer};

/// Frames of both sides that may wait for the disk: 4 s.
const RING_FRAMES: usize = 400;
/// Frames of the far end that may be ahead of ours. More than this is a clock that runs apart.
const AHEAD: usize = 6;
/// Frames of 10 ms in one packet.
const PACKET_FRAMES: usize = 2;
/// Packets of 20 ms in one page of the file: half a second is the most that a crash costs.
const PAGE_PACKETS: u32 = 25;
/// Bits a second of both channels together: speech without audible loss.
const BIT_RATE: u32 = 64_000;
/// The encoder's way out is never longer, by its own documentation.
const LONGEST_PACKET: usize = 4000;
/// How often an idle recording looks for sound.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Pages between two flushes to the disk itself: 5 s of sound are what a power cut may cost.
const FLUSH_PAGES: u64 = 10;

/// Why a recording cannot go on. Each text is one for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be made.
    #[error(
        "The recording cannot be written in {folder}: {why}. Make room or choose another folder, then try again."
    )]
    NoFile {
        /// Where.
        folder: String,
        /// The system's words.
        why: String,
    },
    /// The encoder fails, which it never does.
    #[error("This computer cannot encode the recording. Start Deskline again, then try again.")]
    NoEncoder,
}

/// Frames from one beep to the next: 15 s.
const BEEP_EVERY: u32 = 1500;

/// What the frame thread has of a recording.
#[derive(Debug)]
pub struct Tap {
    /// Frames to the next beep; `None`: none is wanted.
    beep_in: Option<u32>,
    pairs: Producer<(Frame, Frame)>,
    far: FarQueue,
    shared: Arc<Shared>,
}

/// The far end beside our own beat: it comes in its own time and is taken once for each 10 ms of ours.
#[derive(Debug)]
pub(crate) struct FarQueue(VecDeque<Frame>);

impl Default for FarQueue {
    fn default() -> Self {
        Self(VecDeque::with_capacity(AHEAD))
    }
}

impl FarQueue {
    /// 10 ms more; the oldest goes when it runs too far ahead.
    pub(crate) fn push(&mut self, frame: &Frame) {
        if self.0.len() >= AHEAD {
            self.0.pop_front();
        }
        self.0.push_back(*frame);
    }

    /// The next 10 ms; silence when there is none.
    pub(crate) fn pop(&mut self) -> Frame {
        self.0.pop_front().unwrap_or([0; FRAME_SAMPLES])
    }
}

#[derive(Debug, Default)]
struct Shared {
    paused: AtomicBool,
    stop: AtomicBool,
    failed: AtomicBool,
    written: AtomicU64,
    lost: AtomicU64,
}

impl Tap {
    /// Is it time to let the far end hear that it is recorded? To be asked once for each frame of ours.
    pub(crate) fn beep_is_due(&mut self) -> bool {
        if self.shared.paused.load(Relaxed) {
            return false;
        }
        let Some(left) = &mut self.beep_in else {
            return false;
        };
        let due = *left == 0;
        *left = left.checked_sub(1).unwrap_or(BEEP_EVERY - 1);
        due
    }

    /// 10 ms of the far end.
    pub(crate) fn far(&mut self, frame: &Frame) {
        self.far.push(frame);
    }

    /// 10 ms of ours: they set the beat.
    pub(crate) fn near(&mut self, frame: &Frame) {
        let far = self.far.pop();
        if self.shared.paused.load(Relaxed) {
            return;
        }
        if self.pairs.push((*frame, far)).is_err() {
            self.shared.lost.fetch_add(1, Relaxed);
        }
    }
}

/// A recording under way. Dropping it ends it and waits until the last of it is written.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Recording {
    /// Begins a new file, never over an old one. The [`Tap`] is to be given to the [`Panel`](crate::Panel). `beep`: the far
    /// end hears a short note at once and every 15 s.
    ///
    /// # Errors
    /// The file exists or cannot be made.
    pub fn begin(path: &Path, beep: bool) -> Result<(Self, Tap), RecordingError> {
        let refused = |error: io::Error| RecordingError::NoFile {
            folder: path.parent().unwrap_or(path).display().to_string(),
            why: error.to_string(),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(refused)?;
        // What cannot be begun leaves no empty file behind.
        let abandon = || drop(std::fs::remove_file(path));
        let mut writer = OpusFile::begin(file).inspect_err(|_| abandon())?;
        let (pairs, consumer) = RingBuffer::new(RING_FRAMES);
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("audio-recording".into())
            .spawn(move || {
                if let Err(error) = run(consumer, &mut writer, &told) {
                    // Before the log, which may lie on the same full disk.
                    told.failed.store(true, Relaxed);
                    // The path names a person; the kind of trouble does not.
                    tracing::warn!(kind = ?error.kind(), "the recording ended: it cannot be written");
                }
            })
            .inspect_err(|_| abandon())
            .map_err(refused)?;
        let recording = Self {
            path: path.to_owned(),
            shared: Arc::clone(&shared),
            thread: Some(thread),
        };
        let tap = Tap {
            beep_in: beep.then_some(0),
            pairs,
            far: FarQueue::default(),
            shared,
        };
        Ok((recording, tap))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves out what follows, or goes on.
    pub fn pause(&self, paused: bool) {
        self.shared.paused.store(paused, Relaxed);
    }

    /// Is it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.paused.load(Relaxed)
    }

    /// The disk is full, or gone: nothing more is written. What was written can be played.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.failed.load(Relaxed)
    }

    /// Sound in the file, whole seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.shared.written.load(Relaxed) / 100
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(
    mut pairs: Consumer<(Frame, Frame)>,
    writer: &mut OpusFile<File>,
    shared: &Shared,
) -> io::Result<()> {
    let mut pages = 0;
    loop {
        let stop = shared.stop.load(Relaxed);
        while let Ok((near, far)) = pairs.pop() {
            let page = writer.frame(&near, &far)?;
            shared.written.fetch_add(1, Relaxed);
            pages += u64::from(page);
            if page && pages.is_multiple_of(FLUSH_PAGES) {
                writer.file().sync_data()?;
            }
        }
        if stop || pairs.is_abandoned() && pairs.is_empty() {
            writer.end()?;
            return writer.file().sync_data();
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// The file being written (RFC 7845: Ogg encapsulation of Opus).
struct OpusFile<W: Write> {
    packets: PacketWriter<'static, W>,
    encoder: Encoder,
    serial: u32,
    interleaved: Vec<f32>,
    packet: Vec<u8>,
    /// Samples of one channel up to the end of the last packet, the encoder's look-ahead included.
    granule: u64,
    in_page: u32,
}

impl<W: Write> OpusFile<W> {
    /// Writes both headers, each a page of its own.
    fn begin(file: W) -> Result<Self, RecordingError> {
        let broken = |_| RecordingError::NoEncoder;
        let mut encoder = Encoder::new(Channels::Stereo, SampleRate::Hz48000, Application::Voip)
            .map_err(broken)?;
        encoder
            .set_bitrate(Bitrate::Value(BIT_RATE))
            .map_err(broken)?;
        encoder.set_complexity(5).map_err(broken)?;
        // The two channels are two people: one must not bleed into the other for being alike.
        encoder.set_phase_inversion_disabled(true).map_err(broken)?;
        let skip = encoder.get_look_ahead().map_err(broken)?;
        let serial = u32::from_le_bytes(*b"Desk");
        let mut packets = PacketWriter::new(file);
        let mut head = b"OpusHead".to_vec();
        head.extend([1, 2]);
        head.extend(u16::try_from(skip).unwrap_or(312).to_le_bytes());
        head.extend(48_000u32.to_le_bytes());
        head.extend([0, 0, 0]);
        let mut tags = b"OpusTags".to_vec();
        for text in ["Deskline", "CHANNELS=left: desk, right: far end"] {
            if text.contains('=') {
                tags.extend(1u32.to_le_bytes());
            }
            tags.extend((text.len() as u32).to_le_bytes());
            tags.extend(text.as_bytes());
        }
        let refused = |error: io::Error| RecordingError::NoFile {
            folder: "the chosen folder".into(),
            why: error.to_string(),
        };
        for header in [head, tags] {
            packets
                .write_packet(header, serial, PacketWriteEndInfo::EndPage, 0)
                .map_err(refused)?;
        }
        Ok(Self {
            packets,
            encoder,
            serial,
            interleaved: Vec::with_capacity(PACKET_FRAMES * FRAME_SAMPLES * 2),
            packet: vec![0; LONGEST_PACKET],
            granule: u64::from(skip),
            in_page: 0,
        })
    }

    /// 10 ms of both sides. True: a page of the file is complete.
    fn frame(&mut self, near: &Frame, far: &Frame) -> io::Result<bool> {
        for (near, far) in near.iter().zip(far) {
            self.interleaved.push(f32::from(*near) / 32_768.0);
            self.interleaved.push(f32::from(*far) / 32_768.0);
        }
        if self.interleaved.len() < PACKET_FRAMES * FRAME_SAMPLES * 2 {
            return Ok(false);
        }
        self.in_page += 1;
        let page = self.in_page == PAGE_PACKETS;
        self.packet(if page {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        })?;
        Ok(page)
    }

    fn packet(&mut self, end: PacketWriteEndInfo) -> io::Result<()> {
        let samples = self.interleaved.len() / 2;
        let length = self
            .encoder
            .encode_float_to_slice(&self.interleaved, &mut self.packet)
            .map_err(|error| io::Error::other(error.message()))?;
        self.interleaved.clear();
        self.granule += samples as u64;
        let packet = self.packet.get(..length).unwrap_or_default().to_vec();
        let granule = self.granule;
        self.packets
            .write_packet(packet, self.serial, end, granule)?;
        if !matches!(end, PacketWriteEndInfo::NormalPacket) {
            self.in_page = 0;
        }
        Ok(())
    }

    /// The last page, filled up with silence to a whole packet.
    fn end(&mut self) -> io::Result<()> {
        self.interleaved
            .resize(PACKET_FRAMES * FRAME_SAMPLES * 2, 0.0);
        self.packet(PacketWriteEndInfo::EndStream)
    }
}

impl OpusFile<File> {
    fn file(&self) -> &File {
        self.packets.inner()
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
    use std::time::Instant;

    use super::*;

    fn tone(hz: f64, number: usize) -> Frame {
        std::array::from_fn(|index| {
            let at = (number * FRAME_SAMPLES + index) as f64 / 48_000.0;
            ((std::f64::consts::TAU * hz * at).sin() * 8_000.0) as i16
        })
    }

    /// Both channels of a file, as far as it goes.
    pub(crate) fn decoded(file: &[u8]) -> [Vec<f64>; 2] {
        let mut reader = ogg::PacketReader::new(io::Cursor::new(file));
        let mut decoder = opusic_c::Decoder::new(Channels::Stereo, SampleRate::Hz48000).unwrap();
        let mut channels = [Vec::new(), Vec::new()];
        let mut packets = 0;
        while let Ok(Some(packet)) = reader.read_packet() {
            packets += 1;
            if packets <= 2 {
                assert!(packet.data.starts_with(b"Opus"));
                continue;
            }
            let mut samples = vec![0f32; 2 * 960];
            let count = decoder
                .decode_float_to_slice(&packet.data, &mut samples, false)
                .unwrap();
            for pair in samples[..count * 2].chunks(2) {
                channels[0].push(f64::from(pair[0]));
                channels[1].push(f64::from(pair[1]));
            }
        }
        channels
    }

    fn level(samples: &[f64], hz: f64) -> f64 {
        crate::tones::tests::level(samples, hz)
    }

    #[test]
    fn the_desk_is_left_and_the_caller_right_and_a_pause_is_left_out() {
        let scratch = stage::Scratch::new("recording").unwrap();
        let path = scratch.path().join("call.opus");
        let (recording, mut tap) = Recording::begin(&path, false).unwrap();
        for number in 0..300 {
            recording.pause((100..200).contains(&number));
            tap.far(&tone(1500.0, number));
            tap.near(&tone(500.0, number));
        }
        drop(tap);
        drop(recording);
        let file = std::fs::read(&path).unwrap();
        let [left, right] = decoded(&file);
        let seconds = left.len() as f64 / 48_000.0;
        assert!((seconds - 2.0).abs() < 0.05, "{seconds} s");
        let (left, right) = (&left[9_600..33_600], &right[9_600..33_600]);
        assert!(level(left, 500.0) > -18.0 && level(left, 1500.0) < -45.0);
        assert!(level(right, 1500.0) > -18.0 && level(right, 500.0) < -45.0);
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            matches!(
                Recording::begin(&path, false),
                Err(RecordingError::NoFile { .. })
            ),
            "never over an old one"
        );
    }

    #[test]
    fn what_was_written_can_be_played_wherever_the_file_ends() {
        let mut file = OpusFile::begin(Vec::new()).unwrap();
        for number in 0..1000 {
            file.frame(&tone(500.0, number), &tone(1500.0, number))
                .unwrap();
        }
        let written = file.packets.inner().clone();
        for cut in [
            written.len(),
            written.len() - 1,
            written.len() / 2,
            5_000,
            1_000,
        ] {
            let [left, right] = decoded(&written[..cut]);
            let expected = cut as f64 / written.len() as f64 * 10.0;
            let seconds = left.len() as f64 / 48_000.0;
            assert_eq!(left.len(), right.len());
            assert!(
                seconds > expected - 1.0 && seconds <= 10.0,
                "{seconds} of {expected} s at {cut} bytes"
            );
        }
    }

    #[test]
    fn a_far_end_whose_clock_runs_apart_never_falls_far_behind() {
        let scratch = stage::Scratch::new("recording").unwrap();
        let path = scratch.path().join("call.opus");
        let (_recording, mut tap) = Recording::begin(&path, false).unwrap();
        for _ in 0..100 {
            tap.far(&tone(1500.0, 0));
            tap.far(&tone(1500.0, 0));
            tap.near(&tone(500.0, 0));
            assert!(tap.far.0.len() <= AHEAD);
        }
    }

    #[test]
    fn a_disk_that_is_full_ends_the_recording_and_nothing_else() {
        // The device that is always full, where there is one.
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return;
        };
        let (mut pairs, consumer) = RingBuffer::new(200);
        for number in 0..200 {
            pairs
                .push((tone(500.0, number), tone(1500.0, number)))
                .unwrap();
        }
        let shared = Shared::default();
        let mut writer = OpusFile {
            packets: PacketWriter::new(full),
            encoder: Encoder::new(Channels::Stereo, SampleRate::Hz48000, Application::Voip)
                .unwrap(),
            serial: 1,
            interleaved: Vec::new(),
            packet: vec![0; LONGEST_PACKET],
            granule: 0,
            in_page: 0,
        };
        assert_eq!(
            run(consumer, &mut writer, &shared).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
    }

    #[test]
    fn the_beep_is_due_at_once_and_every_fifteen_seconds_but_not_in_a_pause() {
        let scratch = stage::Scratch::new("recording").unwrap();
        let (recording, mut tap) =
            Recording::begin(&scratch.path().join("call.opus"), true).unwrap();
        let due: Vec<usize> = (0..4000).filter(|_| tap.beep_is_due()).collect();
        assert_eq!(due.len(), 3);
        recording.pause(true);
        assert!((0..4000).all(|_| !tap.beep_is_due()));
        let began = Instant::now();
        drop(recording);
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
