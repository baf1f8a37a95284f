//! The frame thread without its thread, with devices made of rings.

use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};

use rtrb::{Producer, RingBuffer};

use super::*;
use crate::convert::{DeviceFormat, FromDevice, ToDevice};
use crate::tones::TonePlan;

const MONO: DeviceFormat = DeviceFormat {
    rate: 48_000,
    channels: 1,
};

/// The frame thread without its thread, with a device made of two rings.
struct Bench {
    frames: Frames,
    controls: Option<SyncSender<Control>>,
    captured: Arc<Mutex<Vec<Frame>>>,
    far_end: Producer<Frame>,
}

impl Bench {
    fn new() -> Self {
        let captured = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&captured);
        let (far_end, playback) = RingBuffer::new(16);
        let capture = Box::new(move |frame: &Frame| {
            kept.lock().unwrap().push(*frame);
            true
        });
        let (controls, receiver) = sync_channel(64);
        let ports = AudioPorts {
            capture,
            playback,
            processing: Arc::new(|_| None),
        };
        let frames = Frames::new(ports, Arc::default(), receiver);
        Self {
            frames,
            controls: Some(controls),
            captured,
            far_end,
        }
    }

    fn tell(&mut self, control: Control) {
        self.controls.as_ref().unwrap().send(control).ok().unwrap();
        assert!(self.frames.step());
    }

    fn microphone(&mut self, format: DeviceFormat) -> Producer<i16> {
        let (producer, ring) = RingBuffer::new(format.samples_in_frame() * 20);
        self.tell(Control::Microphone(Inlet {
            ring,
            vitals: Arc::default(),
            convert: FromDevice::new(format).unwrap(),
            format,
        }));
        producer
    }

    /// The clock does not send silence in its place for a second.
    fn in_call_with_a_slow_microphone(&mut self) {
        self.frames.call = true;
        self.frames.pace.microphone(100, Instant::now());
    }

    fn speaker(&mut self) -> Consumer<i16> {
        let (ring, consumer) = RingBuffer::new(MONO.samples_in_frame() * 20);
        self.tell(Control::Speaker(
            Slot::Speaker,
            Outlet {
                ring,
                vitals: Arc::default(),
                convert: ToDevice::new(MONO).unwrap(),
                format: MONO,
            },
        ));
        consumer
    }

    fn all(speaker: &mut Consumer<i16>) -> Vec<i16> {
        let samples = speaker.slots();
        Self::heard(speaker, samples)
    }

    fn heard(speaker: &mut Consumer<i16>, samples: usize) -> Vec<i16> {
        speaker.read_chunk(samples).unwrap().into_iter().collect()
    }
}

#[test]
fn blocks_of_any_size_become_frames_of_ten_milliseconds_with_no_sample_lost() {
    let mut bench = Bench::new();
    let mut microphone = bench.microphone(MONO);
    bench.in_call_with_a_slow_microphone();
    let mut next = 0i16;
    for block in [24, 480, 1, 455, 960, 479, 1] {
        for _ in 0..block {
            microphone.push(next).unwrap();
            next += 1;
        }
        assert!(bench.frames.step());
    }
    let captured: Vec<i16> = bench
        .captured
        .lock()
        .unwrap()
        .iter()
        .flatten()
        .copied()
        .collect();
    assert_eq!(captured, (0..2400).collect::<Vec<i16>>());
    assert_eq!(bench.frames.statistics.counters().frames_captured, 5);
}

#[test]
fn a_backlog_of_the_microphone_is_not_sent_late() {
    let mut bench = Bench::new();
    let stereo = DeviceFormat {
        rate: 48_000,
        channels: 2,
    };
    let mut microphone = bench.microphone(stereo);
    bench.in_call_with_a_slow_microphone();
    for frame in 0..10i16 {
        microphone.push_entire_slice(&[frame; 960]).unwrap();
    }
    assert!(bench.frames.step());
    let captured = bench.captured.lock().unwrap();
    assert_eq!(
        captured.iter().map(|frame| frame[0]).collect::<Vec<_>>(),
        [8, 9],
        "the newest 20 ms"
    );
    assert_eq!(bench.frames.statistics.counters().overflows, 1);
}

#[test]
fn the_far_end_is_heard_during_a_call_only() {
    let mut bench = Bench::new();
    let mut speaker = bench.speaker();
    bench.far_end.push([1; FRAME_SAMPLES]).unwrap();
    bench.tell(Control::Call(true));
    assert_eq!(speaker.slots(), 0, "what was said before the call is gone");
    bench.far_end.push([2; FRAME_SAMPLES]).unwrap();
    assert!(bench.frames.step());
    let heard = Bench::all(&mut speaker);
    assert!(heard.contains(&2) && heard.iter().all(|sample| *sample != 1));
    bench.tell(Control::Call(false));
    bench.far_end.push([3; FRAME_SAMPLES]).unwrap();
    assert!(bench.frames.step());
    assert_eq!(
        (speaker.slots(), bench.far_end.slots()),
        (0, 16),
        "nor is it heard after it, nor kept"
    );
}

#[test]
fn while_the_speaker_is_away_the_far_end_does_not_pile_up() {
    let mut bench = Bench::new();
    bench.tell(Control::Call(true));
    for _ in 0..40 {
        bench.far_end.push([1; FRAME_SAMPLES]).unwrap();
        assert!(bench.frames.step());
    }
    assert_eq!(bench.speaker().slots(), 0);
}

#[test]
fn a_tone_alone_is_kept_ahead_and_travels_with_the_far_end_once_there_is_one() {
    let mut bench = Bench::new();
    let mut speaker = bench.speaker();
    bench.tell(Control::Call(true));
    bench.tell(Control::Start(Tone::Ringback(TonePlan::Europe)));
    let ahead = TONES_AHEAD..TONES_AHEAD + FRAME_SAMPLES;
    assert!(ahead.contains(&speaker.slots()));
    Bench::heard(&mut speaker, 480);
    assert!(bench.frames.step());
    assert!(ahead.contains(&speaker.slots()), "no more and no less");
    assert!(Bench::all(&mut speaker).iter().any(|x| x.abs() > 1000));

    bench.far_end.push([100; FRAME_SAMPLES]).unwrap();
    assert!(bench.frames.step());
    let mixed = Bench::all(&mut speaker);
    assert!(
        mixed.len() < FRAME_SAMPLES * 3 / 2,
        "a margin and the far end's frame, nothing beside it"
    );
    assert!(
        mixed.iter().any(|x| *x > 1000) && mixed.iter().any(|x| *x < -1000),
        "with the tone in it"
    );
}

#[test]
fn silence_is_not_written() {
    let mut bench = Bench::new();
    let speaker = bench.speaker();
    bench.tell(Control::Call(true));
    assert!(bench.frames.step());
    assert_eq!(
        speaker.slots(),
        0,
        "so that the first sound of the far end waits for nothing"
    );
}

#[test]
fn a_speaker_that_stands_still_costs_bounded_delay() {
    let mut bench = Bench::new();
    let speaker = bench.speaker();
    bench.tell(Control::Call(true));
    for _ in 0..50 {
        bench.far_end.push([1; FRAME_SAMPLES]).unwrap();
        assert!(bench.frames.step());
    }
    assert!(
        speaker.slots() <= 11 * FRAME_SAMPLES / 2,
        "{} samples wait",
        speaker.slots()
    );
    let trimmed = bench.frames.statistics.counters().frames_trimmed;
    assert!((44..=46).contains(&trimmed), "{trimmed}");
}

#[test]
fn frames_go_on_when_the_microphone_is_pulled_and_are_its_own_again_when_it_is_back() {
    let mut bench = Bench::new();
    let mut microphone = bench.microphone(MONO);
    bench.in_call_with_a_slow_microphone();
    let sent = |bench: &Bench| -> Vec<i16> {
        std::mem::take(&mut *bench.captured.lock().unwrap())
            .iter()
            .map(|frame| frame[479])
            .collect()
    };
    sent(&bench);
    // Long after the present, so that the clock of this machine has no part in it.
    let mut now = Instant::now() + Duration::from_secs(60);
    let mut after = |bench: &mut Bench, millis| {
        now += Duration::from_millis(millis);
        bench.frames.send(now);
    };
    for _ in 0..50 {
        microphone.push_entire_slice(&[500; FRAME_SAMPLES]).unwrap();
        after(&mut bench, 10);
    }
    assert_eq!(sent(&bench), [500; 50]);
    bench.frames.obey(Control::NoMicrophone);
    let before = bench.frames.statistics.counters().frames_by_clock;
    for _ in 0..100 {
        after(&mut bench, 10);
    }
    let silent = sent(&bench);
    assert!((99..=101).contains(&silent.len()), "{}", silent.len());
    assert!(silent.iter().all(|sample| *sample == 0));
    assert_eq!(
        bench.frames.statistics.counters().frames_by_clock - before,
        silent.len() as u64
    );
    let (mut microphone, ring) = RingBuffer::new(9600);
    bench.frames.obey(Control::Microphone(Inlet {
        vitals: Arc::default(),
        ring,
        convert: FromDevice::new(MONO).unwrap(),
        format: MONO,
    }));
    microphone.push_entire_slice(&[700; FRAME_SAMPLES]).unwrap();
    after(&mut bench, 1);
    assert_eq!(sent(&bench), [700]);
}

#[test]
fn the_port_is_sent_on_by_the_clock_during_a_call_only() {
    let mut bench = Bench::new();
    let start = Instant::now();
    bench.frames.send(start);
    assert!(bench.captured.lock().unwrap().is_empty());
    bench.frames.obey(Control::Call(true));
    for beat in 0..10 {
        bench.frames.send(start + Duration::from_millis(10) * beat);
    }
    assert_eq!(*bench.captured.lock().unwrap(), [[0; FRAME_SAMPLES]; 10]);
    assert!(bench.frames.pace.rest(start).is_some());
    bench.frames.obey(Control::Call(false));
    bench.frames.send(start + Duration::from_secs(1));
    assert_eq!(bench.captured.lock().unwrap().len(), 10);
    assert_eq!(bench.frames.pace.rest(start), None, "it sleeps");
}

#[test]
fn it_ends_with_the_device_thread() {
    let mut bench = Bench::new();
    bench.controls = None;
    assert!(!bench.frames.step());
}
