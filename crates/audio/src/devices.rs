//! The device thread: opens what is wanted, notices what is lost, reopens, follows the person's choice and the system's
//! list, tells the phone. It waits for no sound server: whatever may hang is asked aside.

mod losses;
mod replay;
mod show;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use call::Input;
use call::input::AudioFact;
use call::output::AudioCommand;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use crate::frames::Control;
use crate::host::{DeviceError, aside, close};
use crate::list::{Present, Processing, Target, Targets, choose};
use crate::opening::{self, Job, Opened, Outcome, Ring, Slot};
use crate::presence::Presence;
use crate::status::{Behind, Wish};
use crate::stream::Wiring;
use crate::tones::{OwnRingtone, Ringtone, Tone, TonePlan};
use crate::trial::TrialStage;
use crate::voice::{MakeProcessor, VoiceProcessor};

/// How often the signs of life of open streams are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The level meters move at every second look: ten times a second.
const LOOKS_A_LEVEL: u32 = 2;
/// A stream without a callback for so many looks (100 ms) is lost.
const SILENT_LOOKS: u32 = 2;
/// Where that comes again within [`CALM`] the computer is too busy for it: more and more, up to 2 s.
const MOST_SILENT_LOOKS: u32 = 40;
/// See [`MOST_SILENT_LOOKS`].
const CALM: Duration = Duration::from_secs(10);
/// How long after `Open` a failure is tried again before it is told.
const EXCUSED: Duration = Duration::from_millis(1_000);
/// The pause before that.
const SOON: Duration = Duration::from_millis(50);
/// Devices are opened again at most this often.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Devices that are not open by then will not be: the sound server hangs.
const OPEN_LIMIT: Duration = Duration::from_secs(4);
/// Longest wait for devices to close at the end of the program.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);
/// The speaker stays open this long after its last use, for the end of a fade and for what often follows at once.
const LINGER: Duration = Duration::from_millis(300);
/// How long a ringtone is heard that somebody only tries: about one phrase of it, and the opening of the device.
const SAMPLE: Duration = Duration::from_secs(3);

/// An echo test that has not ended by then never will: a device does not deliver.
const TRIAL_LIMIT: Duration = Duration::from_secs(15);

/// Devices on their way to be open.
struct Pending {
    outcomes: oneshot::Receiver<Vec<Outcome>>,
    slots: Vec<Slot>,
    until: Instant,
}

/// The processor of the microphone, as far as the device thread knows it.
struct Processor {
    make: MakeProcessor,
    /// As what the frame thread has one, or will.
    told: Processing,
    coming: Option<oneshot::Receiver<Option<Box<dyn VoiceProcessor>>>>,
}

/// The state of the device thread.
pub(crate) struct Devices {
    controls: SyncSender<Control>,
    wiring: Wiring,
    facts: Vec<AudioFact>,
    present: watch::Receiver<Present>,
    panel: Behind,
    processor: Processor,
    /// What present devices and choice come to.
    targets: Targets,

    /// Between `Open` and `Close`: what the phone knows.
    call: Option<Presence>,
    ring: bool,
    /// A ringtone that is heard once, until then.
    sample: Option<(Ringtone, Instant)>,
    /// An echo test, at the longest until then.
    trial: Option<Instant>,
    /// The far end's last minute.
    again: replay::Again,
    /// The person's own ringtone as the frame thread has it.
    own: Option<OwnRingtone>,
    /// Where the ring was started, which, and how loud.
    rings: Option<(Slot, Ringtone, f32)>,
    /// The ring device does not open: the speaker rings.
    ring_broken: bool,
    /// As it was started.
    ringback: Option<Tone>,
    /// A tone that ends by itself lasts until then.
    tone_until: Option<Instant>,

    microphone: Option<Opened>,
    speaker: Option<Opened>,
    ringer: Option<Opened>,
    closing: Vec<std::sync::mpsc::Receiver<()>>,
    pending: Option<Pending>,
    speaker_used: Instant,
    ringer_used: Instant,
    next_attempt: Instant,
    /// Until then a failure is not told but tried again: the sound server, or the list of its devices, may just be
    /// beginning.
    excused_until: Instant,
    patience: u32,
    /// When a stream stood still last.
    stuck: Option<Instant>,
    looks: u32,
    /// Why the last attempt failed, while it matters.
    problem: Option<DeviceError>,
}

impl Devices {
    pub(crate) fn new(
        controls: SyncSender<Control>,
        wiring: Wiring,
        present: watch::Receiver<Present>,
        panel: Behind,
        make: MakeProcessor,
    ) -> Self {
        let now = Instant::now();
        Self {
            controls,
            wiring,
            facts: Vec::new(),
            present,
            panel,
            processor: Processor {
                make,
                told: Processing::default(),
                coming: None,
            },
            targets: Targets::default(),
            call: None,
            ring: false,
            sample: None,
            trial: None,
            again: replay::Again::default(),
            own: None,
            rings: None,
            ring_broken: false,
            ringback: None,
            tone_until: None,
            microphone: None,
            speaker: None,
            ringer: None,
            closing: Vec::new(),
            pending: None,
            speaker_used: now,
            ringer_used: now,
            next_attempt: now,
            excused_until: Instant::now(),
            patience: SILENT_LOOKS,
            stuck: None,
            looks: 0,
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
        let mut present = self.present.clone();
        let mut choice = self.panel.choice.clone();
        let (mut lists, mut chooses) = (true, true);
        loop {
            let busy = self.wants_speaker(Instant::now())
                || self.rings()
                || self.tone_until.is_some()
                || self.trial.is_some()
                || self.again.keeping.is_waiting()
                || Slot::ALL.iter().any(|slot| self.opened(*slot).is_some());
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                // Facts wait here rather than in `send`, so that a phone that is busy giving us commands is never in our
                // way.
                permit = facts.reserve(), if !self.facts.is_empty() => {
                    let fact = self.facts.remove(0);
                    if let Ok(permit) = permit {
                        permit.send(Input::Audio(fact));
                    }
                    continue;
                }
                outcomes = arrived(&mut self.pending) => self.arrived(outcomes),
                made = coming(&mut self.processor.coming) => self.tell(Control::Processor(made)),
                Some(wish) = self.panel.wishes.recv() => self.grant(wish),
                changed = present.changed(), if lists => lists = self.changed(changed.is_ok()),
                changed = choice.changed(), if chooses => chooses = self.changed(changed.is_ok()),
                _ = looks.tick(), if busy || self.pending.is_some() => self.look(),
            }
            self.settle();
        }
        for slot in Slot::ALL {
            self.close(slot);
        }
        for closed in std::mem::take(&mut self.closing) {
            let _ = closed.recv_timeout(CLOSE_LIMIT);
        }
        self.tell(Control::End);
    }

    fn grant(&mut self, wish: Wish) {
        let now = Instant::now();
        match wish {
            Wish::Sample(ringtone) => self.sample = Some((ringtone, now + SAMPLE)),
            Wish::Trial(true) if self.call.is_none() && !self.ring => {
                self.trial = Some(now + TRIAL_LIMIT);
                // Before the frame thread has said so itself, the last test must not be taken for the end of this one.
                self.wiring.statistics.trial.set(TrialStage::Listening);
                self.tell(Control::Trial(true));
            }
            Wish::Record(tap) => self.tell(Control::Record(tap)),
            Wish::Replay(Some(seconds)) => self.begin_replay(seconds),
            Wish::Replay(None) => self.end_replay(),
            Wish::Trial(true) => {}
            Wish::Trial(false) => self.end_trial(),
        }
        self.next_attempt = now;
    }

    fn end_trial(&mut self) {
        if self.trial.take().is_some() {
            self.tell(Control::Trial(false));
        }
    }

    fn obey(&mut self, command: AudioCommand) {
        let now = Instant::now();
        match command {
            AudioCommand::Open => {
                self.end_trial();
                if self.call.is_none() {
                    self.tell(Control::Call(true));
                    self.replay_of_new_call();
                    self.stuck = None;
                }
                self.call = Some(Presence::new());
                self.excused_until = Instant::now() + EXCUSED;
            }
            AudioCommand::Close => {
                if self.call.take().is_some() {
                    self.tell(Control::Call(false));
                    self.again.keeping.end(now);
                }
            }
            AudioCommand::Ring(on) => {
                if on {
                    self.end_trial();
                }
                self.ring = on;
                self.ring_broken = false;
            }
            AudioCommand::Ringback(on) => {
                // The person may choose another country while it sounds.
                if let Some(tone) = self.ringback.take() {
                    self.tell(Control::Stop(tone));
                }
                if on {
                    let tone = Tone::Ringback(self.tone_plan());
                    self.ringback = Some(tone);
                    self.tell(Control::Start(tone));
                }
            }
            AudioCommand::BusyTone => self.finite(Tone::Busy(self.tone_plan()), now),
            AudioCommand::Beep => self.finite(Tone::Beep, now),
            AudioCommand::EndTone => self.finite(Tone::Ended, now),
            AudioCommand::KeyTone(key) => {
                if let Some(tone) = Tone::key(key) {
                    self.finite(tone, now);
                }
            }
        }
        // A fresh wish is not made to wait for the next retry.
        self.next_attempt = self.next_attempt.min(now);
    }

    fn tone_plan(&self) -> TonePlan {
        self.panel.choice.borrow().tone_plan
    }

    fn finite(&mut self, tone: Tone, now: Instant) {
        let samples = tone.length().unwrap_or(0);
        let until =
            now + Duration::from_millis(samples * 1000 / u64::from(call::media::SAMPLE_RATE));
        self.tone_until = Some(self.tone_until.map_or(until, |earlier| earlier.max(until)));
        self.tell(Control::Start(tone));
    }

    fn wants_speaker(&self, now: Instant) -> bool {
        self.needs_microphone()
            || self.rings() && self.ring_slot() == Slot::Speaker
            || self.ringback.is_some()
            || self.again.heard_until.is_some()
            || self.tone_until.is_some_and(|until| now < until)
    }

    fn wants(&self, slot: Slot, now: Instant) -> bool {
        match slot {
            Slot::Microphone => self.needs_microphone(),
            Slot::Speaker => self.wants_speaker(now),
            Slot::Ring => self.rings() && self.ring_slot() == Slot::Ring,
        }
    }

    /// Is there a use for microphone and speaker together?
    fn needs_both(&self) -> bool {
        self.call.is_some() || self.trial.is_some()
    }

    /// Is there a use for them, or may there be one in a moment, and the person wants them ready for it?
    fn needs_microphone(&self) -> bool {
        self.needs_both() || self.ring && self.panel.choice.borrow().ready_while_ringing
    }

    fn rings(&self) -> bool {
        self.ring || self.sample.is_some()
    }

    fn ring_slot(&self) -> Slot {
        if self.targets.ring.is_some() && !self.ring_broken {
            Slot::Ring
        } else {
            Slot::Speaker
        }
    }

    fn opened(&self, slot: Slot) -> Option<&Opened> {
        match slot {
            Slot::Microphone => self.microphone.as_ref(),
            Slot::Speaker => self.speaker.as_ref(),
            Slot::Ring => self.ringer.as_ref(),
        }
    }

    fn place(&mut self, slot: Slot) -> &mut Option<Opened> {
        match slot {
            Slot::Microphone => &mut self.microphone,
            Slot::Speaker => &mut self.speaker,
            Slot::Ring => &mut self.ringer,
        }
    }

    fn target(&self, slot: Slot) -> Option<&Target> {
        match slot {
            Slot::Microphone => self.targets.microphone.as_ref(),
            Slot::Speaker => self.targets.speaker.as_ref(),
            Slot::Ring => self.targets.ring.as_ref(),
        }
    }

    /// Devices came or went, or the person chose others. False: nobody will tell us any more.
    fn changed(&mut self, told: bool) -> bool {
        let present = self.present.borrow().clone();
        let choice = self.panel.choice.borrow().clone();
        let targets = choose(&present, &choice);
        if targets != self.targets {
            tracing::debug!("other devices are meant now");
            self.ring_broken = false;
            self.next_attempt = Instant::now();
            self.targets = targets;
        }
        if present.answers {
            // The server moves the stream of a device that leaves to whatever there is, be it what another speaker
            // plays: no microphone is better than that one.
            for slot in Slot::ALL {
                if self.opened(slot).is_some() && self.target(slot).is_none() {
                    self.lost(slot);
                }
            }
        }
        told
    }

    /// Looks at the open streams.
    fn look(&mut self) {
        let now = Instant::now();
        let calm = self.stuck.is_none_or(|stuck| now >= stuck + CALM);
        let patience = if calm { SILENT_LOOKS } else { self.patience };
        self.notice_moves();
        for slot in Slot::ALL {
            let opened = self.place(slot).as_mut();
            let is_broken = opened.as_ref().is_some_and(|opened| opened.is_broken());
            if opened.is_some_and(|opened| !opened.lives(patience)) {
                self.patience = (patience * 2).min(MOST_SILENT_LOOKS);
                self.stuck = Some(now);
                self.lost(slot);
                if !is_broken && slot != Slot::Ring {
                    self.problem = Some(DeviceError::StandsStill(slot.part()));
                }
            }
        }
        let over = self.wiring.statistics.trial.get() == TrialStage::Idle;
        if self.trial.is_some_and(|until| over || now >= until) {
            self.end_trial();
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(LOOKS_A_LEVEL) {
            self.show_levels();
        }
        if let Some(pending) = &self.pending
            && now >= pending.until
        {
            self.pending = None;
            self.next_attempt = now + RETRY_EVERY;
            self.complain(DeviceError::NoServer);
        }
    }

    /// Brings what is open in line with what is wanted.
    fn settle(&mut self) {
        let now = Instant::now();
        self.settle_ring();
        self.settle_replay();
        if self.wants_speaker(now) {
            self.speaker_used = now;
        }
        if !self.needs_microphone() {
            self.close(Slot::Microphone);
        }
        if !self.wants_speaker(now) && now >= self.speaker_used + LINGER {
            self.close(Slot::Speaker);
        }
        if self.wants(Slot::Ring, now) {
            self.ringer_used = now;
        } else if now >= self.ringer_used + LINGER {
            self.close(Slot::Ring);
        }
        if self.tone_until.is_some_and(|until| now >= until + LINGER) {
            self.tone_until = None;
            if self.speaker.is_none() {
                // Its time has passed unheard; it must not sound when a speaker comes.
                self.tell(Control::NoSpeaker);
            }
        }
        self.settle_processor();
        self.attempt(now);
        if !self.wants_speaker(now) && self.speaker.is_none() {
            // Nothing is wanted: an old complaint is void.
            self.problem = None;
        }
        self.report();
        self.show_status();
    }

    /// The microphone is processed as the person wants it; while it is closed there is nothing to process.
    fn settle_processor(&mut self) {
        let wanted = if self.needs_microphone() {
            self.panel.choice.borrow().processing
        } else {
            Processing::default()
        };
        if wanted == self.processor.told {
            return;
        }
        self.processor.told = wanted;
        self.processor.coming = None;
        if !wanted.is_on() {
            self.tell(Control::Processor(None));
            return;
        }
        let make = Arc::clone(&self.processor.make);
        // Too many questions hang already: sound goes on as it is.
        self.processor.coming = aside(move || make(wanted));
    }

    /// Rings where it should, as loud as it may.
    fn settle_ring(&mut self) {
        let (ringtone, gain, own) = {
            let choice = self.panel.choice.borrow();
            let own = choice.own_ringtone.clone();
            (choice.ringtone, choice.ring_gain(), own)
        };
        if own != self.own {
            self.own = own.clone();
            self.tell(Control::Own(own));
        }
        self.sample = self.sample.filter(|(_, until)| Instant::now() < *until);
        let sampled = self.sample.map(|(ringtone, _)| ringtone);
        let ringtone = if self.ring { Some(ringtone) } else { sampled };
        let wanted = ringtone.map(|ringtone| (self.ring_slot(), ringtone, gain));
        if wanted == self.rings {
            return;
        }
        let place = |rings: (Slot, Ringtone, f32)| (rings.0, rings.1);
        if let Some((slot, ringtone)) = self.rings.map(place)
            && wanted.map(place) != Some((slot, ringtone))
        {
            self.tell(Control::StopRing(slot, ringtone));
        }
        if let Some((slot, ringtone, gain)) = wanted {
            self.tell(Control::Ring(slot, ringtone, gain));
        }
        self.rings = wanted;
    }

    /// Opens what is wanted and not open, or open on another device than meant.
    fn attempt(&mut self, now: Instant) {
        if self.pending.is_some() || now < self.next_attempt {
            return;
        }
        let answers = self.present.borrow().answers;
        let jobs: Vec<Job> = Slot::ALL
            .into_iter()
            .filter(|slot| self.wants(*slot, now))
            .filter(|slot| match (self.opened(*slot), self.target(*slot)) {
                (None, _) => true,
                (Some(opened), Some(target)) => !opened.is(target),
                (Some(_), None) => false,
            })
            .map(|slot| Job {
                slot,
                target: self.target(slot).cloned(),
            })
            .collect();
        let missing = |job: &&Job| answers && job.target.is_none();
        if let Some(job) = jobs.iter().find(missing) {
            if self.call.is_some() && now < self.excused_until {
                self.next_attempt = now + SOON; // a server that is starting has no devices yet
            } else {
                self.next_attempt = now + RETRY_EVERY;
                self.complain(DeviceError::NotFound(job.slot.part()));
            }
        }
        let jobs: Vec<Job> = jobs.into_iter().filter(|job| !missing(&job)).collect();
        if jobs.is_empty() {
            return;
        }
        let slots = jobs.iter().map(|job| job.slot).collect();
        let closing = std::mem::take(&mut self.closing);
        match opening::open(jobs, closing, self.wiring.clone()) {
            Some(outcomes) => {
                self.pending = Some(Pending {
                    outcomes,
                    slots,
                    until: now + OPEN_LIMIT,
                });
            }
            None => {
                self.next_attempt = now + RETRY_EVERY;
                self.complain(DeviceError::NoServer);
            }
        }
    }

    /// Takes what was opened, if it is still wanted.
    fn arrived(&mut self, outcomes: Vec<Outcome>) {
        let now = Instant::now();
        self.next_attempt = now + RETRY_EVERY;
        let mut problem = None;
        let mut stale = false;
        for Outcome { job, result } in outcomes {
            stale |= job.target.as_ref() != self.target(job.slot);
            match result {
                Ok((stream, _)) if !self.wants(job.slot, now) => {
                    self.closing.push(close(stream));
                }
                Ok((stream, ring)) => {
                    tracing::debug!(slot = ?job.slot, name = stream.name, "opened");
                    self.tell(match ring {
                        Ring::In(inlet) => Control::Microphone(inlet),
                        Ring::Out(outlet) => Control::Speaker(job.slot, outlet),
                    });
                    // The old one goes after the new one has come: next to no gap.
                    if let Some(old) = self
                        .place(job.slot)
                        .replace(Opened::new(stream, job.target))
                    {
                        self.closing.push(close(old));
                    }
                }
                Err(_) if job.slot == Slot::Ring => self.ring_broken = true,
                Err(error) => problem = Some(error),
            }
        }
        match problem {
            // Whoever waits for the answer may lose a call by it.
            Some(error) if self.call.is_some() && now < self.excused_until => {
                tracing::debug!("opened again soon: {error}");
                self.next_attempt = now + SOON;
                return;
            }
            Some(error) => self.complain(error),
            // One that stood still has to show first that it no longer does.
            None if matches!(self.problem, Some(DeviceError::StandsStill(_))) => {}
            None => self.problem = None,
        }
        if stale || self.problem.is_none() {
            // Another device may be meant by now.
            self.next_attempt = now;
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

    /// Are microphone and speaker open? Where a device stood still in this call, that it is open is not enough.
    fn is_whole(&self) -> bool {
        let works = |opened: &Option<Opened>| {
            let open = opened.as_ref();
            open.is_some_and(|opened| self.stuck.is_none() || opened.has_delivered())
        };
        works(&self.microphone) && works(&self.speaker)
    }

    fn report(&mut self) {
        let open = self.is_whole();
        if open && matches!(self.problem, Some(DeviceError::StandsStill(_))) {
            self.problem = None;
        }
        let problem = self.problem.as_ref().map(ToString::to_string);
        if let Some(presence) = &mut self.call
            && let Some(fact) = presence.look(open, problem.as_deref(), Instant::now())
        {
            self.facts.push(fact);
        }
    }

    fn close(&mut self, slot: Slot) {
        if let Some(opened) = self.place(slot).take() {
            self.tell(match slot {
                Slot::Microphone => Control::NoMicrophone,
                Slot::Speaker => Control::NoSpeaker,
                Slot::Ring => Control::NoRinger,
            });
            self.closing.retain(|closed| {
                matches!(closed.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty))
            });
            self.closing.push(close(opened));
        }
    }

    fn tell(&self, control: Control) {
        // The frame thread lives as long as we hold the other end; it only ends after us.
        let _ = self.controls.send(control);
        self.wiring.frames.unpark();
    }
}

/// What was opened, once it is; waits for ever while nothing is on its way.
async fn arrived(pending: &mut Option<Pending>) -> Vec<Outcome> {
    let Some(Pending {
        outcomes, slots, ..
    }) = pending
    else {
        return std::future::pending().await;
    };
    let arrived = outcomes.await;
    let slots = std::mem::take(slots);
    *pending = None;
    // The thread that asked died: as good as no answer.
    arrived.unwrap_or_else(|_| slots.into_iter().map(opening::no_answer).collect())
}

/// The processor that was made, once it is; waits for ever while none is on its way.
async fn coming(
    coming: &mut Option<oneshot::Receiver<Option<Box<dyn VoiceProcessor>>>>,
) -> Option<Box<dyn VoiceProcessor>> {
    let Some(maker) = coming else {
        return std::future::pending().await;
    };
    let made = maker.await;
    *coming = None;
    made.ok().flatten()
}
