//! The frame thread: 10 ms in, 10 ms out. It owns no devices: whoever has work for it wakes it, and it does all that is
//! ready. It looks at the clock only to send on while no microphone sets the beat. It never waits for a sound server.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

use crate::AudioPorts;
use crate::far::FarEnds;
use crate::mixer::Mixer;
use crate::opening::Slot;
use crate::patch::Patch;
use crate::playout::Playout;
use crate::sender::{Pace, Sender};
use crate::statistics::{Statistics, count, note_peak, peak};
use crate::stream::{Inlet, Outlet, Vitals};
use crate::tones::{Ringtone, Tone};

/// A microphone backlog beyond this (60 ms) is not worth sending late.
const LONGEST_BACKLOG: usize = 6;
/// What is kept of it (20 ms).
const KEPT_BACKLOG: usize = 2;
/// Tones alone are kept this far ahead of the speaker (20 ms): nobody hears their delay, everybody a gap in them.
const TONES_AHEAD: usize = 2 * FRAME_SAMPLES;
/// Without a frame of the far end for this long, tones no longer wait for one to travel with.
const FAR_END_QUIET: Duration = Duration::from_millis(40);

const SILENCE: Frame = [0; FRAME_SAMPLES];

/// What the device thread tells the frame thread.
pub(crate) enum Control {
    /// A microphone was opened.
    Microphone(Inlet),
    /// It is closed.
    NoMicrophone,
    /// A speaker was opened: the one for calls or the one that rings.
    Speaker(Slot, Outlet),
    /// The speaker is closed.
    NoSpeaker,
    /// The ring device is closed.
    NoRinger,
    /// Somebody calls: it rings there, with this gain (0 … 1), until told otherwise.
    Ring(Slot, Ringtone, f32),
    /// It no longer rings there.
    StopRing(Slot, Ringtone),
    /// A call begins or ends: the far end is heard only during one.
    Call(bool),
    /// A tone begins.
    Start(Tone),
    /// A tone ends.
    Stop(Tone),
    /// Something in the patch bay changed.
    Patch(Patch),
    /// There will be no more.
    End,
}

/// The state of the frame thread.
pub(crate) struct Frames {
    capture: Box<dyn FnMut(&Frame) + Send>,
    far: FarEnds,
    sender: Sender,
    pace: Pace,
    statistics: Arc<Statistics>,
    controls: Receiver<Control>,
    inlet: Option<Inlet>,
    outlet: Option<Outlet>,
    ringer: Option<Outlet>,
    call: bool,
    mixer: Mixer,
    ring_mixer: Mixer,
    playout: Playout,
    pulled: Pulled,
    far_end_heard: Option<Instant>,
}

/// When the speaker last came for sound. Its callback wakes us, so we need not ask it for the time.
#[derive(Default)]
struct Pulled {
    callbacks: u64,
    at: Option<Instant>,
}

impl Pulled {
    fn look(&mut self, vitals: &Vitals) {
        let callbacks = vitals.callbacks.load(Relaxed);
        if callbacks != self.callbacks {
            self.callbacks = callbacks;
            self.at = Some(Instant::now());
        }
    }

    /// Samples (48 kHz, one channel) that a speaker plays in the time since. No more than a frame: what comes so late is
    /// no measure of anything.
    fn used(&mut self, vitals: &Vitals) -> usize {
        self.look(vitals);
        let since = self.at.map_or(Duration::ZERO, |at| at.elapsed());
        let samples = since.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000;
        usize::try_from(samples).map_or(FRAME_SAMPLES, |samples| samples.min(FRAME_SAMPLES))
    }
}

impl Frames {
    pub(crate) fn new(
        ports: AudioPorts,
        statistics: Arc<Statistics>,
        controls: Receiver<Control>,
    ) -> Self {
        Self {
            capture: ports.capture,
            far: FarEnds::with_port(ports.playback),
            sender: Sender::default(),
            pace: Pace::default(),
            statistics,
            controls,
            inlet: None,
            outlet: None,
            ringer: None,
            call: false,
            mixer: Mixer::new(),
            ring_mixer: Mixer::new(),
            playout: Playout::new(),
            pulled: Pulled::default(),
            far_end_heard: None,
        }
    }

    /// Runs until the device thread is gone.
    pub(crate) fn run(mut self) {
        while self.step() {
            match self.pace.rest(Instant::now()) {
                Some(rest) => std::thread::park_timeout(rest),
                None => std::thread::park(),
            }
        }
    }

    /// All that is ready now; false when there will be no more.
    fn step(&mut self) -> bool {
        loop {
            match self.controls.try_recv() {
                Ok(Control::End) | Err(TryRecvError::Disconnected) => return false,
                Ok(control) => self.obey(control),
                Err(TryRecvError::Empty) => break,
            }
        }
        self.send(Instant::now());
        self.play();
        self.play_ring();
        true
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Microphone(inlet) => self.inlet = Some(inlet),
            Control::NoMicrophone => {
                self.inlet = None;
                self.statistics.silent_frames.store(0, Relaxed);
            }
            Control::Speaker(Slot::Ring, outlet) => self.ringer = Some(outlet),
            Control::Speaker(_, outlet) => {
                self.playout = Playout::new();
                // Whoever speaks just now begins anew there, behind a margin.
                self.far_end_heard = None;
                self.outlet = Some(outlet);
            }
            Control::NoSpeaker => {
                self.outlet = None;
                self.mixer.forget_finite();
            }
            Control::NoRinger => {
                self.ringer = None;
                self.ring_mixer.forget_finite();
            }
            Control::Ring(slot, ringtone, gain) => {
                self.mixer(slot).start(Tone::Ring(ringtone), gain);
            }
            Control::StopRing(slot, ringtone) => self.mixer(slot).stop(Tone::Ring(ringtone)),
            Control::Call(call) => {
                // What the far end said before the call began, or after it ended, is not for anyone's ear.
                self.far.hear_port(call);
                self.call = call;
            }
            Control::Patch(patch) => self.patch(patch),
            Control::End => {}
            Control::Start(tone) => self.mixer.start(tone, 1.0),
            Control::Stop(tone) => self.mixer.stop(tone),
        }
    }

    fn mixer(&mut self, slot: Slot) -> &mut Mixer {
        match slot {
            Slot::Ring => &mut self.ring_mixer,
            Slot::Speaker | Slot::Microphone => &mut self.mixer,
        }
    }

    fn patch(&mut self, patch: Patch) {
        match patch {
            Patch::Connect {
                link,
                feed,
                sends,
                take,
            } => self.sender.connect(link, feed, sends, take),
            Patch::Send { link, feed, sends } => self.sender.send(&link, feed, sends),
            Patch::Disconnect { link, feed } => self.sender.disconnect(&link, feed),
            Patch::FarEnd { link, ring } => self.far.add(link, ring),
            Patch::Hear { link, on } => self.far.hear(&link, on),
            Patch::Forget { link } => {
                self.sender.forget(&link);
                self.far.forget(&link);
            }
        }
    }

    /// What the microphone brought; and what must go out although it brought nothing.
    fn send(&mut self, now: Instant) {
        let captured = self.capture();
        if !self.call && self.sender.is_idle() {
            self.pace.stop();
            return;
        }
        self.pace.microphone(captured, now);
        for _ in 0..self.pace.owed(now) {
            if self.call {
                (self.capture)(&SILENCE);
            }
            self.sender.tick(&SILENCE);
            count(&self.statistics.frames_by_clock);
        }
    }

    /// Sends what the microphone brought; says how many frames.
    fn capture(&mut self) -> u32 {
        let Some(inlet) = &mut self.inlet else {
            return 0;
        };
        // Without feeds it is the port that carries the microphone.
        let wanted = self.sender.is_idle() || self.sender.carries_microphone();
        let in_frame = inlet.format.samples_in_frame();
        let waiting = inlet.ring.slots();
        if waiting > in_frame * LONGEST_BACKLOG {
            count(&self.statistics.overflows);
            let late = waiting - in_frame * KEPT_BACKLOG;
            let late = late - late % usize::from(inlet.format.channels);
            if let Ok(chunk) = inlet.ring.read_chunk(late) {
                chunk.commit_all();
            }
        }
        let mut frame: Frame = [0; FRAME_SAMPLES];
        let mut captured = 0;
        while let Ok(chunk) = inlet.ring.read_chunk(inlet.convert.needed()) {
            inlet.convert.frame(chunk.into_iter(), &mut frame);
            let level = peak(&frame);
            note_peak(&self.statistics.microphone_peak, level);
            note_peak(&self.statistics.microphone_level, level);
            // Even the quietest room has noise in its last bit; what has none is switched off. Muted it is no news.
            if wanted && frame.iter().all(|sample| *sample == frame[0]) {
                count(&self.statistics.silent_frames);
            } else {
                self.statistics.silent_frames.store(0, Relaxed);
            }
            (self.capture)(&frame);
            self.sender.tick(&frame);
            count(&self.statistics.frames_captured);
            captured += 1;
        }
        captured
    }

    fn play(&mut self) {
        let Some(outlet) = &mut self.outlet else {
            self.far.drain();
            return;
        };
        self.pulled.look(&outlet.vitals);
        let mut sink = Sink {
            outlet,
            mixer: &mut self.mixer,
            statistics: &self.statistics,
        };
        let mut quiet = self
            .far_end_heard
            .is_none_or(|heard| heard.elapsed() > FAR_END_QUIET);
        while let Some(frame) = self.far.next() {
            self.far_end_heard = Some(Instant::now());
            let used = self.pulled.used(&sink.outlet.vitals);
            if std::mem::take(&mut quiet) {
                let ahead = self.playout.begin(used);
                let waiting = sink.outlet.waiting();
                sink.outlet.pad(ahead.saturating_sub(waiting));
            }
            let gaps = sink.outlet.vitals.gaps.load(Relaxed);
            let passed = self.playout.pass(frame, sink.outlet.waiting(), used, gaps);
            sink.outlet.convert.stretch(self.playout.stretch());
            if let Some(frame) = passed {
                sink.play(frame);
            }
        }
        self.statistics
            .frames_trimmed
            .fetch_add(self.playout.take_trimmed(), Relaxed);
        self.statistics
            .margin_samples
            .store(self.playout.margin() as u64, Relaxed);
        while quiet && sink.mixer.sounds() && sink.outlet.waiting() < TONES_AHEAD {
            sink.play(SILENCE);
        }
    }

    fn play_ring(&mut self) {
        let Some(outlet) = &mut self.ringer else {
            return;
        };
        while self.ring_mixer.sounds() && outlet.waiting() < TONES_AHEAD {
            let mut frame = SILENCE;
            self.ring_mixer.mix(&mut frame);
            let samples = outlet.convert.samples(&frame);
            if outlet.ring.push_entire_slice(samples).is_err() {
                return;
            }
        }
    }
}

/// The way to the speaker.
struct Sink<'a> {
    outlet: &'a mut Outlet,
    mixer: &'a mut Mixer,
    statistics: &'a Statistics,
}

impl Sink<'_> {
    fn play(&mut self, mut frame: Frame) {
        self.mixer.mix(&mut frame);
        let level = peak(&frame);
        note_peak(&self.statistics.speaker_peak, level);
        note_peak(&self.statistics.speaker_level, level);
        // The ring holds five times what is ever let wait; should the device stand still, what does not fit is lost.
        let samples = self.outlet.convert.samples(&frame);
        let fits = self.outlet.ring.push_entire_slice(samples);
        if fits.is_ok() {
            count(&self.statistics.frames_played);
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
    use std::sync::Mutex;
    use std::sync::mpsc::{SyncSender, sync_channel};

    use rtrb::{Consumer, Producer, RingBuffer};

    use super::*;
    use crate::convert::{DeviceFormat, FromDevice, ToDevice};
    use crate::patch::{Feed, Sends};
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
            let capture = Box::new(move |frame: &Frame| kept.lock().unwrap().push(*frame));
            let (controls, receiver) = sync_channel(64);
            let frames = Frames::new(AudioPorts { capture, playback }, Arc::default(), receiver);
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
                convert: FromDevice::new(format).unwrap(),
                format,
            }));
            producer
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

    fn link(call: &str) -> call::Link {
        call::Link {
            call: call::CallId::parse(call).unwrap(),
            role: call::ids::Role::Talk,
            attempt: 1,
        }
    }

    #[test]
    fn calls_are_sent_on_when_the_microphone_is_pulled_and_take_it_again_when_it_is_back() {
        let mut bench = Bench::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        bench.tell(Control::Patch(Patch::Connect {
            link: link("a"),
            feed: Feed::Voice,
            sends: Sends::Microphone,
            take: Box::new(move |frame| kept.lock().unwrap().push(frame[479])),
        }));
        let mut microphone = bench.microphone(MONO);
        heard.lock().unwrap().clear();
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
        assert_eq!(*heard.lock().unwrap(), [500; 50]);
        bench.frames.obey(Control::NoMicrophone);
        for _ in 0..100 {
            after(&mut bench, 10);
        }
        let sent = heard.lock().unwrap().split_off(50);
        assert!((99..=101).contains(&sent.len()), "{}", sent.len());
        assert!(sent.iter().all(|sample| *sample == 0));
        assert_eq!(
            bench.frames.statistics.counters().frames_by_clock,
            sent.len() as u64 + 1,
            "and the one before there was a microphone"
        );
        let (mut microphone, ring) = RingBuffer::new(9600);
        bench.frames.obey(Control::Microphone(Inlet {
            ring,
            convert: FromDevice::new(MONO).unwrap(),
            format: MONO,
        }));
        microphone.push_entire_slice(&[700; FRAME_SAMPLES]).unwrap();
        after(&mut bench, 1);
        assert_eq!(heard.lock().unwrap().last(), Some(&700));
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
    fn a_call_on_hold_is_not_heard_while_the_talking_one_is() {
        let mut bench = Bench::new();
        let mut speaker = bench.speaker();
        let mut far_end = |call| {
            let (producer, ring) = RingBuffer::new(10);
            bench.tell(Control::Patch(Patch::FarEnd {
                link: link(call),
                ring,
            }));
            producer
        };
        let (mut talking, mut held) = (far_end("a"), far_end("b"));
        bench.tell(Control::Patch(Patch::Hear {
            link: link("a"),
            on: true,
        }));
        for _ in 0..3 {
            talking.push([100; FRAME_SAMPLES]).unwrap();
            held.push([9000; FRAME_SAMPLES]).unwrap();
            assert!(bench.frames.step());
        }
        let heard = Bench::all(&mut speaker);
        assert!(heard.iter().all(|sample| *sample <= 110));
        assert!((99..=101).contains(heard.last().unwrap()));
        bench.tell(Control::Patch(Patch::Forget { link: link("a") }));
        talking.push([100; FRAME_SAMPLES]).unwrap();
        assert!(bench.frames.step());
        assert_eq!(speaker.slots(), 0);
    }

    #[test]
    fn it_ends_with_the_device_thread() {
        let mut bench = Bench::new();
        bench.controls = None;
        assert!(!bench.frames.step());
        let mut bench = Bench::new();
        bench.controls.as_ref().unwrap().send(Control::End).unwrap();
        assert!(!bench.frames.step(), "though a patch bay lives on");
    }
}
