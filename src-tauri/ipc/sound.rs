//! What crosses between the windows and the sound: devices, tones, processing, tests.
//!
//! Everything to be seen travels as one [`SoundView`], with the event [`SOUND_CHANGED`] whenever any of it changes; only the
//! level meters have a channel of their own.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The name of the event that carries a whole [`SoundView`].
pub const SOUND_CHANGED: &str = "sound-changed";

/// A device that is used whenever it is there, whatever the system prefers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChosenDevice {
    /// The system's own name of it.
    pub id: String,
    /// What a person read when they chose it, for when it is not there.
    pub name: String,
}

/// How it rings when somebody calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // one for one the ringtones of the sound
pub enum RingtoneSetting {
    #[default]
    Bars,
    Bells,
    Trill,
    Drops,
    Own,
}

/// Whose ringback, busy and congestion tones are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // one for one the tone plans of the sound
pub enum TonesSetting {
    NorthAmerica,
    UnitedKingdom,
    Europe,
    Australia,
    Japan,
}

/// What a person sets about sound. All of it is in force at once, in a call too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SoundSettings {
    /// `null`: follows the system.
    pub microphone: Option<ChosenDevice>,
    /// `null`: follows the system.
    pub speaker: Option<ChosenDevice>,
    /// Where it rings; `null`: at the speaker.
    pub ring_device: Option<ChosenDevice>,
    /// 0 (not at all) to 100.
    pub ring_volume: u8,
    /// How it rings.
    pub ringtone: RingtoneSetting,
    /// `null`: those of the country of the numbers.
    pub tones: Option<TonesSetting>,
    /// Takes the far end's voice out of the microphone. Off: "I use a headset".
    pub echo_cancellation: bool,
    /// Takes steady noise out of the microphone.
    pub noise_suppression: bool,
    /// Keeps our voice equally loud.
    pub gain: bool,
    /// Microphone and speaker are opened when it begins to ring, so that an answer does not wait for them; nobody is sent
    /// anything before.
    pub ready_while_ringing: bool,
    /// A call may be recorded when a person asks for it.
    pub recording: bool,
    /// The far end hears a short note at the beginning of a recording and every 15 s.
    pub recording_beep: bool,
    /// The far end's last minute is kept in memory, to be heard again; never on the disk.
    pub instant_replay: bool,
}

impl Default for SoundSettings {
    fn default() -> Self {
        Self {
            microphone: None,
            speaker: None,
            ring_device: None,
            ring_volume: 100,
            ringtone: RingtoneSetting::default(),
            tones: None,
            echo_cancellation: true,
            noise_suppression: true,
            gain: true,
            ready_while_ringing: false,
            recording: false,
            recording_beep: false,
            instant_replay: true,
        }
    }
}

/// A device that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SoundDevice {
    /// For [`ChosenDevice`].
    pub id: String,
    /// What a person reads; no two alike in one list.
    pub name: String,
    /// The one that the system prefers.
    pub preferred: bool,
}

/// Something a person chooses from a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NamedChoice {
    /// The word for the setting.
    pub id: String,
    /// What a person reads.
    pub name: String,
}

/// One step of the processing of the microphone and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ProcessingChoice {
    /// The field of the settings.
    pub id: String,
    /// Delay that it adds to our voice while the others are as they are, milliseconds.
    pub delay_ms: u8,
}

/// What a banner about sound is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SoundBannerKind {
    /// A call has no microphone or no speaker.
    NoDevice,
    /// The microphone delivers nothing although it should.
    MicrophoneSilent,
    /// The chosen microphone is gone; another stands in.
    MicrophoneReplaced,
    /// The chosen speaker is gone; another stands in.
    SpeakerReplaced,
    /// The disk took no more of a recording.
    RecordingBrokeOff,
}

/// A sentence about the devices that a person should see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SoundBanner {
    /// What it is about; at most one of each kind.
    pub kind: SoundBannerKind,
    /// What, why, what next.
    pub text: String,
}

/// How far the echo test is: we hear you for four seconds, then you hear yourself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EchoTestState {
    /// Not running.
    Idle,
    /// The microphone is open: speak.
    Listening,
    /// You hear what was heard.
    Playing,
}

/// Everything there is to see about sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SoundView {
    /// What is set.
    pub settings: SoundSettings,
    /// All that are there.
    pub microphones: Vec<SoundDevice>,
    /// All that are there.
    pub speakers: Vec<SoundDevice>,
    /// Name of the one that is open now; `null`: none is.
    pub microphone_open: Option<String>,
    /// Name of the one that is open now.
    pub speaker_open: Option<String>,
    /// Name of the ring device that is open now, where it is not the speaker.
    pub ring_open: Option<String>,
    /// What should be said above everything else.
    pub banners: Vec<SoundBanner>,
    /// Words for [`SoundSettings::ringtone`].
    pub ringtones: Vec<NamedChoice>,
    /// Words for [`SoundSettings::tones`].
    pub tones: Vec<NamedChoice>,
    /// The word of the tones that `null` stands for.
    pub tones_of_country: String,
    /// The steps of the processing.
    pub processing: Vec<ProcessingChoice>,
    /// Delay that what is on adds to our voice, milliseconds: less than the sum, or zero.
    pub processing_delay_ms: u8,
    /// How far the echo test is.
    pub echo_test: EchoTestState,
    /// Name of the person's own ringtone file; `null`: there is none.
    pub own_ringtone: Option<String>,
    /// What is recorded just now: show it for as long as it is there.
    pub recording: Option<RecordingView>,
    /// The recording that is played just now; `null`: none is.
    pub player: Option<PlayerView>,
    /// The folder for recordings.
    pub recordings_folder: String,
    /// What the far end said in the last minute and can be heard again; `null`: nothing, or it is switched off.
    pub replay: Option<ReplayView>,
    /// How the call sounds that is talked on; `null`: there is none, or nothing is known of it yet.
    pub quality: Option<QualityView>,
}

/// How it sounds, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QualityWord {
    /// As it should.
    Good,
    /// One notices.
    Fair,
    /// One suffers.
    Poor,
    /// There is nothing to hear.
    None,
}

/// Why it sounds no better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QualityReason {
    /// The line: no packet comes through.
    NothingComes,
    /// The line: packets are lost.
    Loss,
    /// The line: packets come unevenly.
    Jitter,
    /// The line: packets take long.
    Delay,
    /// Our side: no microphone, or no speaker.
    NoDevice,
    /// Our side: the microphone delivers nothing.
    MicrophoneSilent,
    /// Our side: this computer does not keep up.
    ComputerBusy,
    /// Their side: packets come, and nothing was ever to be heard in them.
    TheyAreSilent,
}

/// How it sounds in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct JudgedView {
    /// The word.
    pub word: QualityWord,
    /// Why it is no better; `null`: it is good.
    pub reason: Option<QualityReason>,
}

/// How a call sounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct QualityView {
    /// Of this call.
    pub call: String,
    /// The worse of both directions.
    pub word: QualityWord,
    /// What we hear.
    pub heard_here: JudgedView,
    /// What they hear, as far as it is known here; `null`: they are not to hear us.
    pub heard_there: Option<JudgedView>,
    /// Of a thousand packets of theirs so many never came, in the last ten seconds.
    pub lost_per_mille: u32,
    /// How unevenly they come, milliseconds.
    pub jitter_ms: u32,
    /// To the server and back, milliseconds; 0: not known yet.
    pub round_trip_ms: u32,
}

/// What can be heard again of the call, until a minute after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct ReplayView {
    /// Seconds that are kept, 1 to 60, in steps.
    pub seconds: u32,
    /// It is being heard.
    pub playing: bool,
}

/// What a recording does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// What is said goes into the file.
    Recording,
    /// The person paused it.
    Paused,
    /// The call is on hold: nothing goes into the file until it is talked on.
    Waiting,
}

/// A recording under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RecordingView {
    /// Of this call.
    pub call: String,
    /// What it does just now.
    pub state: RecordingState,
    /// Where it is.
    pub path: String,
}

/// A recording that is played to the person at this desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PlayerView {
    /// Of this call in the history.
    pub call: String,
    /// From where it is played, milliseconds since its beginning.
    pub from_ms: u32,
    /// When that place was heard; `null`: the speaker is being opened, or there is none.
    #[ts(type = "number | null")]
    pub began_at_ms: Option<i64>,
    /// Why it cannot be heard: what, why, what next.
    pub problem: Option<String>,
}

/// A recording at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RecordingOutline {
    /// How long it is.
    pub length_ms: u32,
    /// How loud the desk was in each of equal parts, 0 to 255.
    pub desk: Vec<u8>,
    /// The same of the far end.
    pub far: Vec<u8>,
}

/// How loud it is, 0 (nothing, or softer than −60 dB) to 100 (as loud as can be).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct LevelsView {
    /// The microphone, muted or not.
    pub microphone: u8,
    /// All that the speaker plays.
    pub speaker: u8,
}

/// The TypeScript of these types.
pub(crate) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        ChosenDevice::decl(config),
        RingtoneSetting::decl(config),
        TonesSetting::decl(config),
        SoundSettings::decl(config),
        SoundDevice::decl(config),
        NamedChoice::decl(config),
        ProcessingChoice::decl(config),
        SoundBannerKind::decl(config),
        SoundBanner::decl(config),
        EchoTestState::decl(config),
        SoundView::decl(config),
        RecordingState::decl(config),
        RecordingView::decl(config),
        PlayerView::decl(config),
        RecordingOutline::decl(config),
        ReplayView::decl(config),
        QualityWord::decl(config),
        QualityReason::decl(config),
        JudgedView::decl(config),
        QualityView::decl(config),
        LevelsView::decl(config),
    ]
}
