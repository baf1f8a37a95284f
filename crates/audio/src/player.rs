//! A recording of ours, heard by the person at this desk and by nobody else: read from its file while it is played, at a
//! speaker of its own. It has nothing to do with the threads of a call.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::Thread;
use std::time::{Duration, Instant};

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use ogg::PacketReader;
use opusic_c::{Channels, Decoder, SampleRate};
use tokio::sync::watch;

use crate::layer::layer;
use crate::statistics::Statistics;
use crate::stream::Wiring;

/// One packet of our recordings.
const PACKET: Duration = Duration::from_millis(20);
/// Opus needs so many packets before it sounds as it should.
const PRE_ROLL: u64 = 4;
/// Longest packet that the format knows, samples of one channel at 48 kHz.
const LONGEST_PACKET: usize = 5_760;
/// What waits for the speaker, samples of one channel at 48 kHz: 100 ms. More would be heard after a stop.
const AHEAD: usize = SAMPLE_RATE as usize / 10;
/// How often the speaker is looked at, should it not ask by itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A speaker that takes nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(3);
/// For the drawing of a recording few samples do.
const DRAWN_RATE: SampleRate = SampleRate::Hz8000;
/// Samples of that, of each side, of which the loudness is taken at once: a tenth of a second.
const DRAWN_PART: u64 = 800;
/// The longest sound of a speaker that is still on its way when all was handed over.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Why a recording cannot be heard. One sentence each, for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlayerError {
    /// The file cannot be opened.
    #[error("The recording cannot be opened: {why}. It may have been moved or deleted.")]
    NoFile {
        /// The system's words.
        why: String,
    },
    /// It is something else.
    #[error("This file is no recording that Deskline made. Open it in another program.")]
    NotOurs,
}

/// How far the playing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayerStage {
    /// The speaker is being opened.
    Opening,
    /// It is heard.
    Playing,
    /// It was heard to its end, or stopped.
    Over,
    /// There is no speaker, or it went away.
    NoSpeaker,
}

/// A recording at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// How long it is.
    pub length: Duration,
    /// How loud the desk was in each of equal parts, 0 to 255; no more parts than were asked for.
    pub desk: Vec<u8>,
    /// The same of the far end.
    pub far: Vec<u8>,
}

/// A recording that is being heard. Dropping it stops it, without waiting for the sound server.
#[derive(Debug)]
pub struct Player {
    stop: Arc<AtomicBool>,
    thread: Thread,
    stage: watch::Receiver<PlayerStage>,
}

impl Player {
    /// Plays from this place on, at this speaker; `None`: the system's. Reads the disk.
    ///
    /// # Errors
    /// There is no such file, it is none of ours, or the system gives no thread.
    pub fn start(path: &Path, from: Duration, speaker: Option<&str>) -> Result<Self, PlayerError> {
        let mut recorded = Recorded::open(path, SampleRate::Hz48000)?;
        recorded.skip_to(from);
        let (told, stage) = watch::channel(PlayerStage::Opening);
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, speaker) = (Arc::clone(&stop), speaker.map(str::to_owned));
        let thread = std::thread::Builder::new()
            .name("audio-player".into())
            .spawn(move || {
                let stage = play(&mut recorded, speaker.as_deref(), &stopped, &told);
                told.send_replace(stage);
            })
            .map_err(no_file)?;
        Ok(Self {
            stop,
            thread: thread.thread().clone(),
            stage,
        })
    }

    /// How far it is, now and whenever that changes.
    #[must_use]
    pub fn stage(&self) -> watch::Receiver<PlayerStage> {
        self.stage.clone()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.thread.unpark();
    }
}

/// Reads a whole recording for its length, and how loud it is where, in at most `parts` parts. Takes about a second for
/// each hour of it.
///
/// # Errors
/// There is no such file, or it is none of ours.
pub fn outline(path: &Path, parts: usize) -> Result<Outline, PlayerError> {
    let mut recorded = Recorded::open(path, DRAWN_RATE)?;
    let (mut loud, mut now, mut samples) = (Vec::new(), [0f32; 2], 0u64);
    while let Some(pairs) = recorded.packet() {
        for pair in pairs.chunks_exact(2) {
            for (loudest, sample) in now.iter_mut().zip(pair) {
                *loudest = loudest.max(sample.abs());
            }
            samples += 1;
            if samples.is_multiple_of(DRAWN_PART) {
                loud.push(std::mem::take(&mut now));
            }
        }
    }
    if !samples.is_multiple_of(DRAWN_PART) {
        loud.push(now);
    }
    let together = loud.len().div_ceil(parts.max(1)).max(1);
    let side = |which: usize| {
        let loudest = |part: &[[f32; 2]]| {
            let of_part = part.iter().filter_map(|pair| pair.get(which));
            // A cast from float to integer saturates.
            (of_part.fold(0f32, |one, other| one.max(*other)) * 255.0).round() as u8
        };
        loud.chunks(together).map(loudest).collect()
    };
    Ok(Outline {
        length: Duration::from_millis(samples * 100 / DRAWN_PART),
        desk: side(0),
        far: side(1),
    })
}

fn no_file(error: std::io::Error) -> PlayerError {
    PlayerError::NoFile {
        why: error.to_string(),
    }
}

/// A file being read.
struct Recorded {
    packets: PacketReader<BufReader<File>>,
    decoder: Decoder,
    /// What was decoded last, both sides in turn.
    decoded: Vec<f32>,
    /// Of that, samples that were not taken yet begin here.
    taken: usize,
}

impl Recorded {
    fn open(path: &Path, rate: SampleRate) -> Result<Self, PlayerError> {
        let file = File::open(path).map_err(no_file)?;
        let mut packets = PacketReader::new(BufReader::new(file));
        let mut header = || packets.read_packet().ok().flatten();
        let is_ours = header().is_some_and(|head| {
            // RFC 7845: the version, then the number of channels.
            head.data.starts_with(b"OpusHead") && head.data.get(9) == Some(&2)
        }) && header().is_some_and(|tags| tags.data.starts_with(b"OpusTags"));
        let decoder = Decoder::new(Channels::Stereo, rate);
        match decoder {
            Ok(decoder) if is_ours => Ok(Self {
                packets,
                decoder,
                decoded: Vec::new(),
                taken: 0,
            }),
            Ok(_) | Err(_) => Err(PlayerError::NotOurs),
        }
    }

    /// Goes on from there. What lies before is read and not decoded, which takes a moment for an hour of it.
    fn skip_to(&mut self, from: Duration) {
        let whole = u64::try_from(from.as_millis() / PACKET.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..whole.saturating_sub(PRE_ROLL) {
            if !matches!(self.packets.read_packet(), Ok(Some(_))) {
                return;
            }
        }
        for _ in 0..whole.min(PRE_ROLL) {
            if self.packet().is_none() {
                return;
            }
        }
        self.taken = self.decoded.len();
    }

    /// The next packet, both sides in turn; `None`: the end, or where a crash cut it off.
    fn packet(&mut self) -> Option<&[f32]> {
        let packet = self.packets.read_packet().ok().flatten()?;
        self.decoded.resize(2 * LONGEST_PACKET, 0.0);
        let decoded = self
            .decoder
            .decode_float_to_slice(&packet.data, &mut self.decoded, false);
        // One that is damaged is a moment of nothing.
        self.decoded.truncate(2 * decoded.unwrap_or(0));
        self.taken = 0;
        Some(&self.decoded)
    }

    /// The next 10 ms, both sides together; `None`: the end.
    fn frame(&mut self) -> Option<Frame> {
        let mut frame: Frame = [0; FRAME_SAMPLES];
        for (index, slot) in frame.iter_mut().enumerate() {
            while self.taken >= self.decoded.len() {
                if self.packet().is_none() {
                    return (index > 0).then_some(frame);
                }
            }
            let pair = self.decoded.get(self.taken..self.taken + 2);
            let both: f32 = pair.unwrap_or_default().iter().sum();
            // A cast from float to integer saturates.
            *slot = (both * 32_767.0) as i16;
            self.taken += 2;
        }
        Some(frame)
    }
}

/// Until the end, or until somebody stops it.
fn play(
    recorded: &mut Recorded,
    speaker: Option<&str>,
    stopped: &AtomicBool,
    told: &watch::Sender<PlayerStage>,
) -> PlayerStage {
    let wiring = Wiring {
        frames: std::thread::current(),
        statistics: Arc::new(Statistics::default()),
    };
    let Ok((_stream, mut outlet)) = layer().speaker(speaker, &wiring) else {
        return PlayerStage::NoSpeaker;
    };
    let mut taken = Instant::now();
    let (mut waited, mut more) = (0, true);
    told.send_replace(PlayerStage::Playing);
    while !stopped.load(Relaxed) {
        let waiting = outlet.waiting();
        if waiting < waited {
            taken = Instant::now();
        }
        if outlet.vitals.broken.load(Relaxed) || taken.elapsed() > PATIENCE {
            return PlayerStage::NoSpeaker;
        }
        if !more && waiting == 0 {
            let left = Duration::from_micros(outlet.vitals.latency_us());
            std::thread::park_timeout(left.min(ON_ITS_WAY));
            break;
        }
        while more && outlet.waiting() < AHEAD {
            let Some(frame) = recorded.frame() else {
                more = false;
                break;
            };
            let samples = outlet.convert.samples(&frame);
            if outlet.ring.push_entire_slice(samples).is_err() {
                break;
            }
        }
        waited = outlet.waiting();
        std::thread::park_timeout(LOOK_EVERY);
    }
    PlayerStage::Over
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
    use crate::recording::Recording;
    use crate::tones::tests::level;

    /// Three seconds of the desk, then two of the far end.
    fn recorded(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("call.opus");
        let (recording, mut tap) = Recording::begin(&path, false).unwrap();
        let tone = |hz: f64, number: usize| -> Frame {
            std::array::from_fn(|index| {
                let at = (number * FRAME_SAMPLES + index) as f64 / f64::from(SAMPLE_RATE);
                ((std::f64::consts::TAU * hz * at).sin() * 8_000.0) as i16
            })
        };
        for number in 0..500 {
            let desk = number < 300;
            tap.far(&if desk {
                [0; FRAME_SAMPLES]
            } else {
                tone(1_500.0, number)
            });
            tap.near(&if desk {
                tone(500.0, number)
            } else {
                [0; FRAME_SAMPLES]
            });
            if number % 100 == 99 {
                // The ring to the disk has room for four seconds.
                while recording.seconds() < (number as u64 + 1) / 100 {
                    std::thread::yield_now();
                }
            }
        }
        drop(tap);
        drop(recording);
        path
    }

    #[test]
    fn it_is_drawn_by_who_spoke_when() {
        let folder = stage::Scratch::new("player").unwrap();
        let drawn = outline(&recorded(folder.path()), 25).unwrap();
        assert!((drawn.length.as_secs_f64() - 5.0).abs() < 0.05, "{drawn:?}");
        assert!(drawn.desk.len() <= 25 && drawn.desk.len() == drawn.far.len());
        let at = |side: &[u8], share: f64| side[(side.len() as f64 * share) as usize];
        assert!(
            at(&drawn.desk, 0.3) > 40 && at(&drawn.far, 0.3) < 8,
            "{drawn:?}"
        );
        assert!(
            at(&drawn.desk, 0.8) < 8 && at(&drawn.far, 0.8) > 40,
            "{drawn:?}"
        );
    }

    #[test]
    fn both_sides_are_heard_from_any_place_on() {
        let folder = stage::Scratch::new("player").unwrap();
        let path = recorded(folder.path());
        for (from, seconds) in [(0, 5.0), (2_500, 2.5), (4_000, 1.0), (60_000, 0.0)] {
            let mut file = Recorded::open(&path, SampleRate::Hz48000).unwrap();
            file.skip_to(Duration::from_millis(from));
            let mut heard = Vec::new();
            while let Some(frame) = file.frame() {
                heard.extend(frame.map(|sample| f64::from(sample) / 32_768.0));
            }
            let length = heard.len() as f64 / f64::from(SAMPLE_RATE);
            assert!((length - seconds).abs() < 0.05, "{length} s from {from} ms");
            if seconds > 0.5 {
                let end = &heard[heard.len() - 36_000..heard.len() - 12_000];
                assert!(level(end, 1_500.0) > -18.0 && level(end, 500.0) < -45.0);
            }
            if seconds > 2.0 {
                let begin = &heard[2_400..14_400];
                assert!(level(begin, 500.0) > -18.0 && level(begin, 1_500.0) < -45.0);
            }
        }
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let folder = stage::Scratch::new("player").unwrap();
        let gone = outline(&folder.path().join("gone.opus"), 10).unwrap_err();
        assert!(gone.to_string().contains("moved or deleted"), "{gone}");
        let odd = folder.path().join("odd.opus");
        for bytes in [b"".as_slice(), b"RIFF....WAVE", &[0x4f; 5_000]] {
            std::fs::write(&odd, bytes).unwrap();
            assert_eq!(outline(&odd, 10), Err(PlayerError::NotOurs));
            let refused = Player::start(&odd, Duration::ZERO, None).err();
            assert_eq!(refused, Some(PlayerError::NotOurs));
        }
        // What a crash leaves is played as far as it goes.
        let whole = std::fs::read(recorded(folder.path())).unwrap();
        std::fs::write(&odd, &whole[..whole.len() * 2 / 3]).unwrap();
        let cut = outline(&odd, 10).unwrap().length;
        assert!(
            cut > Duration::from_secs(2) && cut < Duration::from_secs(5),
            "{cut:?}"
        );
    }
}
