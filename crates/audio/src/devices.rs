//! The device thread: opens what is wanted, notices what is lost, reopens, tells the phone. It may wait for a slow sound
//! server; the frame thread never does.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use call::Input;
use call::input::AudioFact;
use call::output::AudioCommand;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::frames::Control;
use crate::host::{DeviceError, Part, SoundSystem, close, within};
use crate::presence::Presence;
use crate::statistics::count;
use crate::stream::{Inlet, OpenStream, Outlet, Wiring, open_microphone, open_speaker};
use crate::tones::Tone;

/// How often the signs of life of open streams are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A stream without a callback for so many looks is lost.
const SILENT_LOOKS: u32 = 3;
/// A stream that was just opened is given more.
const FIRST_LOOKS: u32 = 10;
/// How often the system is asked for its default devices while a stream is open.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Devices are opened again at most this often.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// A sound server that hangs is asked less often: each question may leave a waiting thread behind until it wakes.
const RETRY_HUNG: Duration = Duration::from_secs(5);
/// Longest wait for devices to open.
const OPEN_LIMIT: Duration = Duration::from_secs(4);
/// Longest wait for devices to close, or for the names of the defaults.
const SHORT_LIMIT: Duration = Duration::from_millis(500);
/// The speaker stays open this long after its last use, for the end of a fade and for what often follows at once.
const LINGER: Duration = Duration::from_millis(300);

/// One end as the device thread sees it.
struct Opened {
    stream: OpenStream,
    /// Callbacks at the last look.
    callbacks: u64,
    /// Looks left without a callback.
    patience: u32,
}

impl Opened {
    fn new(stream: OpenStream) -> Self {
        Self {
            stream,
            callbacks: 0,
            patience: FIRST_LOOKS,
        }
    }

    /// Does it still run? Counts looks, not time: a computer that slept is no reason to reopen.
    fn lives(&mut self) -> bool {
        if self.stream.vitals.broken.load(Relaxed) {
            return false;
        }
        let callbacks = self.stream.vitals.callbacks.load(Relaxed);
        if callbacks == self.callbacks {
            self.patience = self.patience.saturating_sub(1);
        } else {
            self.callbacks = callbacks;
            self.patience = SILENT_LOOKS;
        }
        self.patience > 0
    }
}

/// What one attempt to open brought.
struct Attempt {
    microphone: Option<Result<(OpenStream, Inlet), DeviceError>>,
    speaker: Option<Result<(OpenStream, Outlet), DeviceError>>,
}

impl Attempt {
    fn make(microphone: bool, speaker: bool, wiring: &Wiring) -> Self {
        let system = match SoundSystem::connect() {
            Ok(system) => system,
            Err(error) => {
                return Self {
                    microphone: microphone.then(|| Err(error.clone())),
                    speaker: speaker.then_some(Err(error)),
                };
            }
        };
        let missing = DeviceError::NotFound;
        // The speaker first: whoever calls out wants to hear before being heard.
        let speaker = speaker.then(|| {
            let device = system.speaker().ok_or(missing(Part::Speaker))?;
            open_speaker(&device, wiring)
        });
        let microphone = microphone.then(|| {
            let device = system.microphone().ok_or(missing(Part::Microphone))?;
            open_microphone(&device, wiring)
        });
        Self {
            microphone,
            speaker,
        }
    }
}

/// The state of the device thread.
pub(crate) struct Devices {
    controls: SyncSender<Control>,
    wiring: Wiring,
    facts: Vec<AudioFact>,

    /// Between `Open` and `Close`: what the phone knows.
    call: Option<Presence>,
    ring: bool,
    ringback: bool,
    waiting: bool,
    /// A tone that ends by itself lasts until then.
    tone_until: Option<Instant>,

    microphone: Option<Opened>,
    speaker: Option<Opened>,
    speaker_used: Instant,
    next_attempt: Instant,
    next_question: Instant,
    /// Why the last attempt failed, while it matters.
    problem: Option<DeviceError>,
}

impl Devices {
    pub(crate) fn new(controls: SyncSender<Control>, wiring: Wiring) -> Self {
        let now = Instant::now();
        Self {
            controls,
            wiring,
            facts: Vec::new(),
            call: None,
            ring: false,
            ringback: false,
            waiting: false,
            tone_until: None,
            microphone: None,
            speaker: None,
            speaker_used: now,
            next_attempt: now,
            next_question: now,
            problem: None,
        }
    }

    /// Runs until the commands end; then closes all.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::Receiver<AudioCommand>,
        facts: mpsc::Sender<Input>,
    ) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Facts wait here rather than in `send`, so that a phone that is busy giving us commands is never in our way.
            let busy = self.wants_speaker(Instant::now())
                || self.tone_until.is_some()
                || self.speaker.is_some()
                || self.microphone.is_some();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                permit = facts.reserve(), if !self.facts.is_empty() => {
                    let fact = self.facts.remove(0);
                    if let Ok(permit) = permit {
                        permit.send(Input::Audio(fact));
                    }
                    continue;
                }
                _ = looks.tick(), if busy => self.look(),
            }
            self.settle();
        }
        self.close_microphone();
        self.close_speaker();
        // Patch bays may live longer than we do.
        self.tell(Control::End);
    }

    fn obey(&mut self, command: AudioCommand) {
        let now = Instant::now();
        match command {
            AudioCommand::Open => {
                if self.call.is_none() {
                    self.tell(Control::Call(true));
                }
                self.call = Some(Presence::new());
            }
            AudioCommand::Close => {
                if self.call.take().is_some() {
                    self.tell(Control::Call(false));
                }
            }
            AudioCommand::Ring(on) => {
                self.ring = on;
                self.endless(Tone::Ring, on);
            }
            AudioCommand::Ringback(on) => {
                self.ringback = on;
                self.endless(Tone::Ringback, on);
            }
            AudioCommand::BusyTone => self.finite(Tone::Busy, now),
            AudioCommand::Beep => self.finite(Tone::Beep, now),
            AudioCommand::WaitingBeep(on) => {
                self.waiting = on;
                self.endless(Tone::Waiting, on);
            }
            AudioCommand::EndedTone => self.finite(Tone::Ended, now),
            AudioCommand::KeyTone(key) => {
                if let Some(tone) = Tone::key(key) {
                    self.finite(tone, now);
                }
            }
        }
        // A fresh wish is not made to wait for the next retry.
        self.next_attempt = self.next_attempt.min(now);
    }

    fn endless(&mut self, tone: Tone, on: bool) {
        self.tell(if on {
            Control::Start(tone)
        } else {
            Control::Stop(tone)
        });
    }

    fn finite(&mut self, tone: Tone, now: Instant) {
        let samples = tone.length().unwrap_or(0);
        let until =
            now + Duration::from_millis(samples * 1000 / u64::from(call::media::SAMPLE_RATE));
        self.tone_until = Some(self.tone_until.map_or(until, |earlier| earlier.max(until)));
        self.tell(Control::Start(tone));
    }

    fn wants_speaker(&self, now: Instant) -> bool {
        self.call.is_some()
            || self.ring
            || self.ringback
            || self.waiting
            || self.tone_until.is_some_and(|until| now < until)
    }

    /// Looks at the open streams.
    fn look(&mut self) {
        if self
            .microphone
            .as_mut()
            .is_some_and(|opened| !opened.lives())
        {
            self.lost(Part::Microphone);
        }
        if self.speaker.as_mut().is_some_and(|opened| !opened.lives()) {
            self.lost(Part::Speaker);
        }
        let now = Instant::now();
        if now >= self.next_question && (self.microphone.is_some() || self.speaker.is_some()) {
            self.next_question = now + ASK_EVERY;
            self.follow_defaults();
        }
    }

    fn lost(&mut self, part: Part) {
        tracing::warn!(%part, "a sound device went away");
        count(&self.wiring.statistics.losses);
        self.problem = Some(DeviceError::NotFound(part));
        if let Some(presence) = &mut self.call {
            presence.lost(Instant::now());
        }
        match part {
            Part::Microphone => self.close_microphone(),
            Part::Speaker => self.close_speaker(),
        }
    }

    /// The server moves streams silently when a device goes away, so only its list of defaults shows that another one
    /// is meant now.
    fn follow_defaults(&mut self) {
        let ask = || SoundSystem::known().map(|system| system.defaults());
        let Some((microphone, speaker)) = within(SHORT_LIMIT, ask).flatten() else {
            return;
        };
        let moved = |opened: &Option<Opened>, default: &Option<cpal::DeviceId>| {
            default.is_some()
                && opened
                    .as_ref()
                    .is_some_and(|opened| opened.stream.device != *default)
        };
        if moved(&self.microphone, &microphone) {
            tracing::info!("following the new default microphone");
            self.close_microphone();
        }
        if moved(&self.speaker, &speaker) {
            tracing::info!("following the new default speaker");
            self.close_speaker();
        }
    }

    /// Brings what is open in line with what is wanted.
    fn settle(&mut self) {
        let now = Instant::now();
        let wants_microphone = self.call.is_some();
        let wants_speaker = self.wants_speaker(now);
        if wants_speaker {
            self.speaker_used = now;
        }
        if !wants_microphone {
            self.close_microphone();
        }
        if !wants_speaker && now >= self.speaker_used + LINGER {
            self.close_speaker();
        }
        if self.tone_until.is_some_and(|until| now >= until + LINGER) {
            self.tone_until = None;
            if self.speaker.is_none() {
                // Its time has passed unheard; it must not sound when a speaker comes.
                self.tell(Control::NoSpeaker);
            }
        }
        let microphone = wants_microphone && self.microphone.is_none();
        let speaker = wants_speaker && self.speaker.is_none();
        if (microphone || speaker) && now >= self.next_attempt {
            self.attempt(microphone, speaker);
        }
        if !wants_speaker && self.speaker.is_none() {
            // Nothing is wanted: an old complaint is void.
            self.problem = None;
        }
        self.report();
    }

    fn attempt(&mut self, microphone: bool, speaker: bool) {
        let wiring = self.wiring.clone();
        let attempt = within(OPEN_LIMIT, move || {
            Attempt::make(microphone, speaker, &wiring)
        });
        let now = Instant::now();
        self.next_question = now + ASK_EVERY;
        let Some(attempt) = attempt else {
            self.next_attempt = now + RETRY_HUNG;
            self.complain(DeviceError::NoServer);
            return;
        };
        self.next_attempt = now + RETRY_EVERY;
        let mut problem = None;
        match attempt.speaker {
            Some(Ok((stream, outlet))) => {
                tracing::debug!(speaker = stream.name, "opened");
                self.speaker = Some(Opened::new(stream));
                self.tell(Control::Speaker(outlet));
            }
            Some(Err(error)) => problem = Some(error),
            None => {}
        }
        match attempt.microphone {
            Some(Ok((stream, inlet))) => {
                tracing::debug!(microphone = stream.name, "opened");
                self.microphone = Some(Opened::new(stream));
                self.tell(Control::Microphone(inlet));
            }
            Some(Err(error)) => problem = Some(error),
            None => {}
        }
        match problem {
            Some(error) => self.complain(error),
            None => self.problem = None,
        }
    }

    /// Remembers why there is no sound, and logs it when it is news.
    fn complain(&mut self, error: DeviceError) {
        if self.problem.as_ref() != Some(&error) {
            // A device may bear a person's name: that stays below the usual log level.
            if let DeviceError::Unusable { part, detail, .. } = &error {
                tracing::warn!(%part, "could not be opened");
                tracing::debug!(detail, "{error}");
            } else {
                tracing::warn!("{error}");
            }
        }
        self.problem = Some(error);
    }

    fn report(&mut self) {
        let open = self.microphone.is_some() && self.speaker.is_some();
        let problem = self.problem.as_ref().map(ToString::to_string);
        if let Some(presence) = &mut self.call
            && let Some(fact) = presence.look(open, problem.as_deref(), Instant::now())
        {
            self.facts.push(fact);
        }
    }

    fn close_microphone(&mut self) {
        if let Some(opened) = self.microphone.take() {
            self.tell(Control::NoMicrophone);
            close(SHORT_LIMIT, opened);
        }
    }

    fn close_speaker(&mut self) {
        if let Some(opened) = self.speaker.take() {
            self.tell(Control::NoSpeaker);
            close(SHORT_LIMIT, opened);
        }
    }

    fn tell(&self, control: Control) {
        // The frame thread lives as long as we hold the other end; it only ends after us.
        let _ = self.controls.send(control);
        self.wiring.frames.unpark();
    }
}
