//! Sound as a person sees and sets it: what is kept, what is in force, one picture for the windows.

mod choices;
mod ringtone_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use audio::tones::OwnRingtone;
use audio::{MakeProcessor, Panel, Processing, Status, TrialStage, VoiceProcessor};
use call::media::Frame;
use call::state::CallState;
use call::view::PhoneView;
use history::Store;
use realtime::{Backend, VoiceProcessing, VoiceSteps};
use tokio::sync::watch;

use choices::{RINGTONES, TONES, named, processing_choices, tones_word};

use crate::core::{Core, blocking};
use crate::ipc::records::SettingsInForce;
use crate::ipc::sound::{
    ChosenDevice, EchoTestState, LevelsView, PlayerView, ReplayView, RingtoneSetting, SoundBanner,
    SoundBannerKind, SoundDevice, SoundSettings, SoundView, TonesSetting,
};
use crate::ipc::types::IpcError;
use crate::quality::Quality;
use crate::recording::Recorded;

/// Setting: everything a person sets about sound, as JSON.
const SETTINGS: &str = "sound.settings";
/// More is not kept.
const LONGEST_REPLAY_S: u32 = 60;
/// Longest name or id of a device that is kept, bytes.
const LONGEST: usize = 1024;

/// The person's end of the sound: its settings and what is to be seen of it.
#[derive(Debug)]
pub(crate) struct Sound {
    panel: Panel,
    folder: PathBuf,
    settings: watch::Sender<SoundSettings>,
    own: watch::Sender<Option<Own>>,
    view: watch::Receiver<SoundView>,
    /// Held while settings or ringtone are changed, kept and waited for: one change after the other.
    changing: tokio::sync::Mutex<()>,
}

/// The person's own ringtone, and what its file was called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Own {
    name: String,
    ringtone: OwnRingtone,
}

/// What there is to see of recordings.
pub(crate) struct Recordings {
    /// The one under way.
    pub(crate) under_way: watch::Receiver<Recorded>,
    /// The one that is played.
    pub(crate) played: watch::Receiver<Option<PlayerView>>,
}

/// Everything that the picture is made of.
struct Sources {
    settings: watch::Receiver<SoundSettings>,
    own: watch::Receiver<Option<Own>>,
    status: watch::Receiver<Status>,
    phone: watch::Receiver<Arc<PhoneView>>,
    phone_settings: watch::Receiver<SettingsInForce>,
    recording: watch::Receiver<Recorded>,
    player: watch::Receiver<Option<PlayerView>>,
    recordings_folder: String,
    statistics: Arc<audio::Statistics>,
    quality: Quality,
}

impl Sound {
    /// Puts in force what was kept, and begins to watch. `folder`: of the profile.
    pub(crate) fn start(
        panel: Panel,
        folder: &Path,
        store: Option<&Store>,
        phone: watch::Receiver<Arc<PhoneView>>,
        phone_settings: watch::Receiver<SettingsInForce>,
        recordings: Recordings,
        statistics: Arc<audio::Statistics>,
    ) -> Self {
        let settings = watch::Sender::new(load(store));
        let own = watch::Sender::new(ringtone_file::load(folder, store));
        let mut sources = Sources {
            settings: settings.subscribe(),
            own: own.subscribe(),
            status: panel.status(),
            phone,
            phone_settings,
            recording: recordings.under_way,
            player: recordings.played,
            recordings_folder: folder.join("recordings").display().to_string(),
            statistics,
            quality: Quality::default(),
        };
        let (publish, view) = watch::channel(sources.picture());
        tokio::task::spawn(follow(panel.clone(), sources, publish));
        Self {
            panel,
            folder: folder.to_owned(),
            settings,
            own,
            view,
            changing: tokio::sync::Mutex::default(),
        }
    }
}

/// The engine's processing, in the form that the sound asks for. Neither of the two knows the other.
pub(crate) fn processing_by(backend: Backend) -> MakeProcessor {
    Arc::new(move |processing: Processing| {
        let steps = VoiceSteps {
            echo_cancellation: processing.echo_cancellation,
            noise_suppression: processing.noise_suppression,
            gain: processing.gain,
        };
        let made = backend.voice_processing(steps).unwrap_or_else(|error| {
            tracing::warn!(error, "the microphone is not processed");
            None
        });
        made.map(|module| Box::new(Engine(module)) as Box<dyn VoiceProcessor>)
    })
}

struct Engine(VoiceProcessing);

impl VoiceProcessor for Engine {
    fn render(&mut self, frame: &Frame) {
        self.0.render(frame);
    }

    fn capture(&mut self, frame: &mut Frame, delay_ms: u16) {
        self.0.capture(frame, delay_ms);
    }
}

impl Core {
    /// Everything there is to see about sound, now and whenever it changes.
    #[must_use]
    pub fn sound_view(&self) -> watch::Receiver<SoundView> {
        self.sound().view.clone()
    }

    /// Keeps what a person set, and puts it in force.
    ///
    /// # Errors
    /// It is wrong, or cannot be kept: then nothing was changed.
    pub async fn sound_set(&self, settings: SoundSettings) -> Result<SoundView, IpcError> {
        let _alone = self.sound().changing.lock().await;
        self.put_in_force(settings).await
    }

    /// As [`Self::sound_set`], for whoever holds [`Sound::changing`].
    async fn put_in_force(&self, settings: SoundSettings) -> Result<SoundView, IpcError> {
        let settings = checked(settings)?;
        let store = self.store()?;
        let kept = settings.clone();
        blocking(move || {
            store
                .set_setting_as(SETTINGS, Some(&kept))
                .map_err(|error| IpcError::new("profile", error.to_string()))
        })
        .await?;
        let sound = self.sound();
        let mut view = sound.view.clone();
        sound.settings.send_replace(settings.clone());
        // The picture is made by whoever watches the devices; it is there within a turn.
        let own = sound.own.borrow().as_ref().map(|own| own.name.clone());
        let shown = view
            .wait_for(|view| view.settings == settings && view.own_ringtone == own)
            .await;
        shown.map(|view| view.clone()).map_err(|_| ending())
    }

    /// Takes a sound file as ringtone, in place of the one before, and lets it ring from now on.
    ///
    /// # Errors
    /// It is no sound, or cannot be kept: then nothing was changed.
    pub async fn ringtone_import(
        &self,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<SoundView, IpcError> {
        let (store, folder) = (self.store()?, self.sound().folder.clone());
        let _alone = self.sound().changing.lock().await;
        let own = blocking(move || ringtone_file::import(&folder, &store, &name, bytes)).await?;
        self.sound().own.send_replace(Some(own));
        let mut settings = self.sound().settings.borrow().clone();
        settings.ringtone = RingtoneSetting::Own;
        self.put_in_force(settings).await
    }

    /// Forgets the person's own ringtone; if it was the one that rings, the usual one does again.
    ///
    /// # Errors
    /// It cannot be removed.
    pub async fn ringtone_remove(&self) -> Result<SoundView, IpcError> {
        let (store, folder) = (self.store()?, self.sound().folder.clone());
        let _alone = self.sound().changing.lock().await;
        blocking(move || ringtone_file::remove(&folder, &store)).await?;
        self.sound().own.send_replace(None);
        let mut settings = self.sound().settings.borrow().clone();
        if settings.ringtone == RingtoneSetting::Own {
            settings.ringtone = RingtoneSetting::default();
        }
        self.put_in_force(settings).await
    }

    /// Begins or ends the echo test.
    ///
    /// # Errors
    /// A call needs the devices.
    pub fn sound_test(&self, on: bool) -> Result<(), IpcError> {
        if !on {
            self.sound().panel.end_trial();
            return Ok(());
        }
        self.nobody_calls("test the sound")?;
        self.sound().panel.begin_trial();
        Ok(())
    }

    /// Lets a ringtone be heard once, where and as loud as it would ring.
    ///
    /// # Errors
    /// A call needs the devices.
    pub fn ring_test(&self, ringtone: RingtoneSetting) -> Result<(), IpcError> {
        self.nobody_calls("try a ringtone")?;
        self.sound().panel.sample(ringtone_of(ringtone));
        Ok(())
    }

    /// Lets the far end's last seconds be heard again, no more than are kept.
    ///
    /// # Errors
    /// Fewer or more are asked for than can be kept, or nothing is.
    pub fn replay_start(&self, seconds: u32) -> Result<(), IpcError> {
        if !(1..=LONGEST_REPLAY_S).contains(&seconds) {
            let why =
                format!("The last 1 to {LONGEST_REPLAY_S} seconds can be heard, not {seconds}.");
            return Err(IpcError::new("replay", why));
        }
        if self.sound().view.borrow().replay.is_none() {
            let why = "Nothing of a call is kept to be heard again. It is kept for a minute, while instant replay is on.";
            return Err(IpcError::new("replay", why));
        }
        self.sound().panel.begin_replay(seconds);
        Ok(())
    }

    /// Ends that.
    pub fn replay_stop(&self) {
        self.sound().panel.end_replay();
    }

    /// The level meters, ten times a second at most.
    #[must_use]
    pub fn sound_levels(&self) -> watch::Receiver<audio::Levels> {
        self.sound().panel.levels()
    }

    pub(crate) fn nobody_calls(&self, what: &str) -> Result<(), IpcError> {
        if self.view().borrow().has_open_call() {
            let why = format!("A call uses the sound now. Finish it, then {what}.");
            return Err(IpcError::new("in_call", why));
        }
        Ok(())
    }
}

fn ending() -> IpcError {
    IpcError::new("shell", "Deskline is closing. Start it again.")
}

/// What was kept last; what cannot be read is as if never set.
fn load(store: Option<&Store>) -> SoundSettings {
    let kept = store.and_then(|store| {
        store
            .setting_as::<SoundSettings>(SETTINGS)
            .inspect_err(|error| {
                tracing::warn!(detail = %error.detail(), "the sound settings cannot be read");
            })
            .ok()
            .flatten()
    });
    kept.and_then(|settings| checked(settings).ok())
        .unwrap_or_default()
}

/// Settings from a window, everything within its range.
fn checked(settings: SoundSettings) -> Result<SoundSettings, IpcError> {
    if settings.ring_volume > 100 {
        let what = format!(
            "The ring can be 0 to 100 loud, not {}.",
            settings.ring_volume
        );
        return Err(IpcError::new("bad_setting", what));
    }
    let devices = [
        &settings.microphone,
        &settings.speaker,
        &settings.ring_device,
    ];
    let odd = |device: &ChosenDevice| {
        device.id.is_empty() || device.id.len() > LONGEST || device.name.len() > LONGEST
    };
    if devices.into_iter().flatten().any(odd) {
        let what = "This is no sound device. Choose one from the list.";
        return Err(IpcError::new("bad_setting", what));
    }
    Ok(settings)
}

/// Keeps devices and picture in line with everything that changes.
async fn follow(panel: Panel, mut sources: Sources, publish: watch::Sender<SoundView>) {
    let mut in_force = None;
    loop {
        let choice = sources.choice();
        if in_force.as_ref() != Some(&choice) {
            panel.choose(choice.clone());
            in_force = Some(choice);
        }
        let picture = sources.picture();
        publish.send_if_modified(|shown| {
            let news = *shown != picture;
            *shown = picture;
            news
        });
        let alive = tokio::select! {
            changed = sources.settings.changed() => changed.is_ok(),
            changed = sources.own.changed() => changed.is_ok(),
            changed = sources.status.changed() => changed.is_ok(),
            changed = sources.phone.changed() => changed.is_ok(),
            changed = sources.phone_settings.changed() => changed.is_ok(),
            changed = sources.recording.changed() => changed.is_ok(),
            changed = sources.player.changed() => changed.is_ok(),
        };
        if !alive {
            return;
        }
    }
}

impl Sources {
    fn choice(&self) -> audio::Choice {
        let region = self.phone_settings.borrow().settings.region.clone();
        let own = self.own.borrow().as_ref().map(|own| own.ringtone.clone());
        choice(&self.settings.borrow(), own, &region)
    }

    /// Everything there is to see; all of it counts as seen.
    fn picture(&mut self) -> SoundView {
        let own = self.own.borrow_and_update();
        let own = own.as_ref().map(|own| own.name.clone());
        let phone = self.phone_settings.borrow_and_update();
        let region = phone.settings.region.clone();
        drop(phone);
        let recorded = self.recording.borrow_and_update().clone();
        let (status, phone) = (
            self.status.borrow_and_update(),
            self.phone.borrow_and_update(),
        );
        let counters = self.statistics.counters();
        let quality = self
            .quality
            .look(&phone.calls, &status, counters, Instant::now());
        let mut view = SoundView {
            own_ringtone: own,
            recording: recorded.now,
            player: self.player.borrow_and_update().clone(),
            recordings_folder: self.recordings_folder.clone(),
            quality,
            ..picture(&self.settings.borrow_and_update(), &status, &phone, &region)
        };
        view.banners
            .extend(recorded.problem.map(|text| SoundBanner {
                kind: SoundBannerKind::RecordingBrokeOff,
                text,
            }));
        view
    }
}

/// What the sound is told.
fn choice(settings: &SoundSettings, own: Option<OwnRingtone>, region: &str) -> audio::Choice {
    let id = |device: &Option<ChosenDevice>| device.as_ref().map(|device| device.id.clone());
    audio::Choice {
        microphone: id(&settings.microphone),
        speaker: id(&settings.speaker),
        ring: id(&settings.ring_device),
        ring_volume: settings.ring_volume,
        ringtone: ringtone_of(settings.ringtone),
        own_ringtone: own,
        tone_plan: settings
            .tones
            .map_or_else(|| audio::tones::TonePlan::of_country(region), plan_of),
        processing: processing(settings),
        instant_replay: settings.instant_replay,
        ready_while_ringing: settings.ready_while_ringing,
    }
}

fn processing(settings: &SoundSettings) -> Processing {
    Processing {
        echo_cancellation: settings.echo_cancellation,
        noise_suppression: settings.noise_suppression,
        gain: settings.gain,
    }
}

fn ringtone_of(setting: RingtoneSetting) -> audio::tones::Ringtone {
    use audio::tones::Ringtone;
    match setting {
        RingtoneSetting::Bars => Ringtone::Bars,
        RingtoneSetting::Bells => Ringtone::Bells,
        RingtoneSetting::Trill => Ringtone::Trill,
        RingtoneSetting::Drops => Ringtone::Drops,
        RingtoneSetting::Own => Ringtone::Own,
    }
}

fn plan_of(setting: TonesSetting) -> audio::tones::TonePlan {
    use audio::tones::TonePlan;
    match setting {
        TonesSetting::NorthAmerica => TonePlan::NorthAmerica,
        TonesSetting::UnitedKingdom => TonePlan::UnitedKingdom,
        TonesSetting::Europe => TonePlan::Europe,
        TonesSetting::Australia => TonePlan::Australia,
        TonesSetting::Japan => TonePlan::Japan,
    }
}

/// What there is to see of settings and devices.
fn picture(
    settings: &SoundSettings,
    status: &Status,
    phone: &PhoneView,
    region: &str,
) -> SoundView {
    let devices = |list: &[audio::DeviceEntry], preferred: &Option<String>| -> Vec<SoundDevice> {
        list.iter()
            .map(|entry| SoundDevice {
                id: entry.id.clone(),
                name: entry.name.clone(),
                preferred: preferred.as_ref() == Some(&entry.id),
            })
            .collect()
    };
    let present = &status.present;
    let talking = phone
        .calls
        .iter()
        .any(|call| should_hear_us(call.state, call.muted, call.held));
    SoundView {
        settings: settings.clone(),
        microphones: devices(&present.microphones, &present.default_microphone),
        speakers: devices(&present.speakers, &present.default_speaker),
        microphone_open: status.microphone.clone(),
        speaker_open: status.speaker.clone(),
        ring_open: status.ring.clone(),
        banners: banners(settings, status, talking),
        ringtones: named(RINGTONES),
        tones: named(TONES),
        tones_of_country: tones_word(region).to_owned(),
        processing: processing_choices(processing(settings)),
        processing_delay_ms: processing(settings).delay_ms(),
        echo_test: match status.trial {
            TrialStage::Idle => EchoTestState::Idle,
            TrialStage::Listening => EchoTestState::Listening,
            TrialStage::Playing => EchoTestState::Playing,
        },
        own_ringtone: None,
        recording: None,
        player: None,
        recordings_folder: String::new(),
        replay: status.replay.map(|replay| ReplayView {
            seconds: replay.seconds,
            playing: replay.playing,
        }),
        quality: None,
    }
}

/// Should the far end of a call in this state hear us?
fn should_hear_us(state: CallState, muted: bool, held: bool) -> bool {
    state == CallState::Live && !muted && !held
}

fn banners(settings: &SoundSettings, status: &Status, talking: bool) -> Vec<SoundBanner> {
    let mut banners = Vec::new();
    let mut say = |kind, text: String| banners.push(SoundBanner { kind, text });
    if let Some(problem) = &status.problem {
        say(SoundBannerKind::NoDevice, problem.clone());
    }
    if (talking || status.trial == TrialStage::Listening) && status.microphone_silent {
        let name = status.microphone.as_deref().unwrap_or("microphone");
        say(
            SoundBannerKind::MicrophoneSilent,
            format!(
                "We hear nothing from “{name}”. It may be switched off or muted at the device; switch it on or choose another microphone."
            ),
        );
    }
    let mut replaced = |kind, wish: &Option<ChosenDevice>, stand_in: &Option<String>| {
        let Some(wish) = wish else { return };
        let name = call::number::display_name(&wish.name).unwrap_or_else(|| "Your device".into());
        let meanwhile = stand_in.as_ref().map_or_else(
            || "The one your system prefers is used".to_owned(),
            |name| format!("“{name}” is used"),
        );
        say(
            kind,
            format!("“{name}” is not connected. {meanwhile} until it is back."),
        );
    };
    if status.microphone_replaced {
        replaced(
            SoundBannerKind::MicrophoneReplaced,
            &settings.microphone,
            &status.microphone,
        );
    }
    if status.speaker_replaced {
        replaced(
            SoundBannerKind::SpeakerReplaced,
            &settings.speaker,
            &status.speaker,
        );
    }
    banners
}

/// Levels for a meter: the 60 dB below full scale, in hundredths.
pub(crate) fn levels(levels: audio::Levels) -> LevelsView {
    LevelsView {
        microphone: hundredths(levels.microphone),
        speaker: hundredths(levels.speaker),
    }
}

fn hundredths(peak: u16) -> u8 {
    if peak == 0 {
        return 0;
    }
    let dbfs = 20.0 * (f32::from(peak) / 32_767.0).log10();
    // A cast from float to integer saturates.
    ((dbfs + 60.0) / 0.6).round().clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use audio::Levels;

    use super::*;

    fn device(id: &str, name: &str) -> Option<ChosenDevice> {
        Some(ChosenDevice {
            id: id.into(),
            name: name.into(),
        })
    }

    #[test]
    fn settings_are_checked_and_survive_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(load(Some(&store)), SoundSettings::default());
        let set = SoundSettings {
            microphone: device("usb", "Headset"),
            ring_volume: 40,
            tones: Some(TonesSetting::Japan),
            noise_suppression: false,
            ..SoundSettings::default()
        };
        store.set_setting_as(SETTINGS, Some(&set)).unwrap();
        assert_eq!(load(Some(&store)), set);
        let bad = [
            SoundSettings {
                ring_volume: 101,
                ..SoundSettings::default()
            },
            SoundSettings {
                speaker: device("", "Nameless"),
                ..SoundSettings::default()
            },
            SoundSettings {
                ring_device: device(&"x".repeat(5000), "Long"),
                ..SoundSettings::default()
            },
        ];
        for settings in bad {
            let refused = checked(settings).unwrap_err();
            assert_eq!(refused.code, "bad_setting");
            assert!(refused.message.ends_with('.') && refused.message.len() < 200);
        }
    }

    #[test]
    fn tones_are_those_of_the_country_until_others_are_chosen() {
        use audio::tones::TonePlan;
        let mut settings = SoundSettings::default();
        assert_eq!(choice(&settings, None, "AU").tone_plan, TonePlan::Australia);
        assert_eq!(tones_word("NL"), "europe");
        settings.tones = Some(TonesSetting::UnitedKingdom);
        assert_eq!(
            choice(&settings, None, "AU").tone_plan,
            TonePlan::UnitedKingdom
        );
    }

    #[test]
    fn every_choice_has_words_and_every_step_tells_its_delay() {
        let ids: Vec<String> = RINGTONES.iter().map(|(id, _)| (*id).to_owned()).collect();
        let known: Vec<String> = audio::tones::Ringtone::ALL
            .iter()
            .map(|ringtone| ringtone.word().to_owned())
            .chain(["own".to_owned()])
            .collect();
        assert_eq!(ids, known);
        let delays = |settings: &SoundSettings| -> Vec<u8> {
            let choices = processing_choices(processing(settings));
            choices.iter().map(|step| step.delay_ms).collect()
        };
        assert_eq!(delays(&SoundSettings::default()), [8, 6, 0]);
        let headset = SoundSettings {
            echo_cancellation: false,
            ..SoundSettings::default()
        };
        assert_eq!(
            delays(&headset),
            [8, 7, 0],
            "the last one saves the bands too"
        );
        assert_eq!(processing(&SoundSettings::default()).delay_ms(), 15);
    }

    #[test]
    fn a_silent_microphone_is_told_only_to_somebody_who_speaks() {
        let status = Status {
            microphone: Some("Headset".into()),
            microphone_silent: true,
            ..Status::default()
        };
        let told = |state, muted, held| {
            let talking = should_hear_us(state, muted, held);
            let said = banners(&SoundSettings::default(), &status, talking);
            said.iter()
                .any(|banner| banner.kind == SoundBannerKind::MicrophoneSilent)
        };
        assert!(told(CallState::Live, false, false));
        assert!(!told(CallState::Live, true, false));
        assert!(!told(CallState::Live, false, true));
        assert!(!told(CallState::Dialling, false, false));
    }

    #[test]
    fn a_device_that_is_gone_is_named_as_the_person_knows_it() {
        let settings = SoundSettings {
            speaker: device("usb", "Big \u{202e}headset"),
            ..SoundSettings::default()
        };
        let status = Status {
            speaker: Some("Laptop".into()),
            speaker_replaced: true,
            ..Status::default()
        };
        let said = banners(&settings, &status, false);
        assert_eq!(said.len(), 1);
        assert_eq!(
            said[0].text,
            "“Big headset” is not connected. “Laptop” is used until it is back."
        );
    }

    #[test]
    fn the_meter_shows_sixty_decibels() {
        let shown = levels(Levels {
            microphone: 32_767,
            speaker: 33,
        });
        assert_eq!((shown.microphone, shown.speaker), (100, 0));
        assert_eq!(hundredths(0), 0);
        assert_eq!(hundredths(1036), 50);
    }
}
