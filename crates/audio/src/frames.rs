//! The frame thread: 10 ms in, 10 ms out. It owns no devices: whoever has work for it wakes it, and it does all that is
//! ready. It looks at the clock only to send on while no microphone sets the beat. It never waits for a sound server.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use rtrb::Consumer;

use crate::AudioPorts;
use crate::mixer::Mixer;
use crate::opening::Slot;
use crate::pace::Pace;
use crate::playout::Playout;
use crate::priority;
use crate::recording::Tap;
use crate::replay::Replay;
use crate::statistics::{Statistics, count, note_peak, peak};
use crate::stream::{Inlet, Outlet, Vitals};
use crate::tones::{OwnRingtone, Ringtone, Tone};
use crate::trial::Trial;
use crate::voice::{Voice, VoiceProcessor};

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
    /// Both sides go into this recording too, or into none.
    Record(Option<Box<Tap>>),
    /// The far end's last minute is kept from now on, or no longer.
    Keep(Option<Box<Replay>>),
    /// So many of its last seconds are heard, or no longer.
    Replay(Option<u32>),
    /// The person's own ringtone, or none.
    Own(Option<OwnRingtone>),
    /// Another processor of the microphone, or none.
    Processor(Option<Box<dyn VoiceProcessor>>),
    /// An echo test begins, anew if one runs, or ends.
    Trial(bool),
    /// A tone begins.
    Start(Tone),
    /// A tone ends.
    Stop(Tone),
    /// There will be no more.
    End,
}

/// The state of the frame thread.
pub(crate) struct Frames {
    capture: Box<dyn FnMut(&Frame) -> bool + Send>,
    playback: Consumer<Frame>,
    pace: Pace,
    statistics: Arc<Statistics>,
    controls: Receiver<Control>,
    inlet: Option<Inlet>,
    outlet: Option<Outlet>,
    ringer: Option<Outlet>,
    call: bool,
    mixer: Mixer,
    ring_mixer: Mixer,
    /// What the far end hears beside us.
    near_mixer: Mixer,
    playout: Playout,
    pulled: Pulled,
    far_end_heard: Option<Instant>,
    trial: Option<Trial>,
    voice: Voice,
    witness: Witness,
}

/// Who takes down what is said in a call.
#[derive(Default)]
struct Witness {
    tap: Option<Box<Tap>>,
    replay: Option<Box<Replay>>,
    /// The replay was heard at the last look.
    replays: bool,
}

impl Witness {
    /// 10 ms of the far end.
    fn far(&mut self, frame: &Frame) {
        if let Some(tap) = &mut self.tap {
            tap.far(frame);
        }
        if let Some(replay) = &mut self.replay {
            replay.far(frame);
        }
    }

    /// 10 ms of ours: they set the beat.
    fn near(&mut self, frame: &Frame) {
        if let Some(tap) = &mut self.tap {
            tap.near(frame);
        }
        if let Some(replay) = &mut self.replay {
            replay.tick();
        }
    }
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
            playback: ports.playback,
            pace: Pace::default(),
            statistics,
            controls,
            inlet: None,
            outlet: None,
            ringer: None,
            call: false,
            mixer: Mixer::new(),
            ring_mixer: Mixer::new(),
            near_mixer: Mixer::new(),
            playout: Playout::new(),
            pulled: Pulled::default(),
            far_end_heard: None,
            trial: None,
            voice: Voice::default(),
            witness: Witness::default(),
        }
    }

    /// Runs until the device thread is gone.
    pub(crate) fn run(mut self) {
        priority::raise();
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
        self.show_replay();
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
                if let Some(replay) = &mut self.witness.replay {
                    replay.forget_playing();
                }
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
                drain(&mut self.playback);
                self.call = call;
                if !call {
                    self.witness.tap = None;
                }
            }
            Control::Record(tap) => self.witness.tap = tap,
            Control::Keep(replay) => self.witness.replay = replay,
            Control::Replay(seconds) => self.replay(seconds),
            Control::Own(own) => {
                self.mixer.set_own(own.clone());
                self.ring_mixer.set_own(own);
            }
            Control::Processor(processor) => self.voice.change(processor),
            Control::Trial(on) => {
                self.trial = on.then(Trial::new);
                self.show_trial();
            }
            Control::End => {}
            Control::Start(tone) => self.mixer.start(tone, 1.0),
            Control::Stop(tone) => self.mixer.stop(tone),
        }
    }

    fn show_trial(&self) {
        let stage = self
            .trial
            .as_ref()
            .map_or_else(Default::default, Trial::stage);
        self.statistics.trial.set(stage);
    }

    fn replay(&mut self, seconds: Option<u32>) {
        match (&mut self.witness.replay, seconds) {
            (Some(replay), Some(seconds)) => {
                replay.start(seconds);
                // One that is over before the next look was heard too.
                self.witness.replays = true;
            }
            (Some(replay), None) => replay.stop(),
            (None, _) => self.statistics.replay.set_playing(false),
        }
    }

    /// How far that is, for whoever shows it.
    fn show_replay(&mut self) {
        let replay = self.witness.replay.as_ref();
        let playing = replay.is_some_and(|replay| replay.is_playing());
        let shared = &self.statistics.replay;
        shared.set_kept(replay.map_or(0, |replay| replay.frames()));
        // Only an end is told: that it begins, the device thread knew first.
        if std::mem::replace(&mut self.witness.replays, playing) && !playing {
            shared.set_playing(false);
        }
    }

    fn mixer(&mut self, slot: Slot) -> &mut Mixer {
        match slot {
            Slot::Ring => &mut self.ring_mixer,
            Slot::Speaker | Slot::Microphone => &mut self.mixer,
        }
    }

    /// What the microphone brought; and what must go out although it brought nothing.
    fn send(&mut self, now: Instant) {
        let captured = self.capture();
        if !self.call {
            self.pace.stop();
            return;
        }
        self.pace.microphone(captured, now);
        for _ in 0..self.pace.owed(now) {
            (self.capture)(&SILENCE);
            self.witness.near(&SILENCE);
            count(&self.statistics.frames_by_clock);
        }
    }

    /// Sends what the microphone brought; says how many frames.
    fn capture(&mut self) -> u32 {
        let Some(inlet) = &mut self.inlet else {
            return 0;
        };
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
            // What is digitally silent is so before anything is done to it.
            let silent = frame.iter().all(|sample| *sample == frame[0]);
            self.voice
                .capture(&mut frame, inlet.waiting(), inlet.vitals.latency());
            self.statistics
                .microphone_latency_us
                .store(inlet.vitals.latency_us(), Relaxed);
            let level = peak(&frame);
            note_peak(&self.statistics.microphone_peak, level);
            note_peak(&self.statistics.microphone_level, level);
            // Even the quietest room has noise in its last bit; what has none is switched off.
            if silent {
                count(&self.statistics.silent_frames);
            } else {
                self.statistics.silent_frames.store(0, Relaxed);
            }
            match &mut self.trial {
                Some(trial) => trial.hear(&frame),
                // Open before there is a call: heard by nobody.
                None if !self.call => {}
                None => {
                    let tap = self.witness.tap.as_mut();
                    if tap.is_some_and(|tap| tap.beep_is_due()) {
                        self.near_mixer.start(Tone::Recorded, 1.0);
                    }
                    self.near_mixer.mix(&mut frame);
                    let sent = (self.capture)(&frame);
                    self.witness.near(if sent { &frame } else { &SILENCE });
                }
            }
            count(&self.statistics.frames_captured);
            captured += 1;
        }
        captured
    }

    fn play(&mut self) {
        if !self.call {
            drain(&mut self.playback);
        } else if self.outlet.is_none() {
            // Nobody hears it; a recording still does.
            while let Ok(frame) = self.playback.pop() {
                self.witness.far(&frame);
            }
        }
        let Some(outlet) = &mut self.outlet else {
            return;
        };
        self.pulled.look(&outlet.vitals);
        let mut sink = Sink {
            outlet,
            mixer: &mut self.mixer,
            voice: &mut self.voice,
            statistics: &self.statistics,
        };
        let witness = &mut self.witness;
        let mut quiet = self
            .far_end_heard
            .is_none_or(|heard| heard.elapsed() > FAR_END_QUIET);
        while let Ok(frame) = self.playback.pop() {
            witness.far(&frame);
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
                sink.play(frame, witness.replay.as_deref_mut());
            }
        }
        self.statistics
            .frames_trimmed
            .fetch_add(self.playout.take_trimmed(), Relaxed);
        self.statistics
            .margin_samples
            .store(self.playout.margin() as u64, Relaxed);
        while quiet && sink.outlet.waiting() < TONES_AHEAD {
            let replay = witness.replay.as_deref_mut();
            let again = replay.as_ref().is_some_and(|replay| replay.is_playing());
            match self.trial.as_mut().and_then(Trial::next) {
                Some(frame) => sink.play(frame, None),
                None if sink.mixer.sounds() || again => sink.play(SILENCE, replay),
                None => break,
            }
        }
        if self.trial.is_some() {
            self.show_trial();
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

/// Throws away what waits.
fn drain(ring: &mut Consumer<Frame>) {
    if let Ok(chunk) = ring.read_chunk(ring.slots()) {
        chunk.commit_all();
    }
}

/// The way to the speaker.
struct Sink<'a> {
    outlet: &'a mut Outlet,
    mixer: &'a mut Mixer,
    voice: &'a mut Voice,
    statistics: &'a Statistics,
}

impl Sink<'_> {
    fn play(&mut self, mut frame: Frame, replay: Option<&mut Replay>) {
        if let Some(replay) = replay {
            replay.mix(&mut frame);
        }
        self.mixer.mix(&mut frame);
        let level = peak(&frame);
        note_peak(&self.statistics.speaker_peak, level);
        note_peak(&self.statistics.speaker_level, level);
        let device = self.outlet.vitals.latency();
        self.statistics
            .speaker_latency_us
            .store(self.outlet.vitals.latency_us(), Relaxed);
        self.voice.render(&frame, self.outlet.waiting(), device);
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
mod tests;
