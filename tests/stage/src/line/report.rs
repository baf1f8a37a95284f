//! What the control API of the line says.

use serde::Deserialize;

/// Who rang whom, as the desk sees it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The phone rings the desk.
    Inbound,
    /// The desk rings the phone.
    Outbound,
}

/// How far a call got.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// On its way.
    Dialing,
    /// It rings.
    Ringing,
    /// Somebody answered.
    Active,
    /// It is over.
    Over,
}

/// One call as its phone experienced it.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    /// The number of the call at the bridge (`SCL_…`).
    pub id: String,
    /// Who rang whom.
    pub direction: Direction,
    /// The caller's number.
    pub from: String,
    /// The called number.
    pub to: String,
    /// The room the phone is in; empty before it has one.
    #[serde(default)]
    pub room: String,
    /// The phone's identity in the room.
    #[serde(default)]
    pub identity: String,
    /// How far it got.
    pub state: State,
    /// Whether it rang.
    pub rang: bool,
    /// Whether it was answered.
    pub answered: bool,
    /// From the start to the answer.
    pub answered_after_ms: Option<u64>,
    /// When it started, ms since 1970.
    #[serde(default)]
    pub started_unix_ms: u64,
    /// Whether it is over.
    pub over: bool,
    /// How it ended; `None` while it lives.
    pub ended: Option<Ended>,
    /// The keys the phone received, in order.
    #[serde(default)]
    pub keys: String,
    /// The target of the last transfer it was asked for, as it reached the phone (`tel:+1…`, `<sip:…>`); empty if none.
    #[serde(default)]
    pub refer_to: String,
    /// The identities of whom a packet came within the last second, silent ones too, sorted.
    #[serde(default)]
    pub hears: Vec<String>,
    /// What the phone heard.
    #[serde(default)]
    pub heard: Heard,
    /// What happened, in order.
    #[serde(default)]
    pub events: Vec<CallEvent>,
}

impl Report {
    /// Who ended it: `desk`, `far`, `timeout`, `transfer`, `room`, `line`; `None` while it lives.
    #[must_use]
    pub fn ended_by(&self) -> Option<&str> {
        self.ended.as_ref().map(|ended| ended.by.as_str())
    }
}

/// How a call ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Ended {
    /// Who ended it: `desk`, `far`, `timeout`, `transfer`, `room`, `line`, `bridge`.
    pub by: String,
    /// The final SIP code of a call that nobody answered.
    pub code: Option<u16>,
    /// The same in words.
    #[serde(default)]
    pub why: String,
    /// Since the start.
    #[serde(default)]
    pub after_ms: u64,
}

/// What a phone heard in the present measuring window.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// Packets received; they go on while the desk is muted.
    pub packets: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Seconds louder than −40 dBFS.
    pub seconds: f64,
    /// All decoded sound, silence too.
    pub seconds_total: f64,
    /// Mean over the loud blocks, full scale = 1.
    pub rms: f64,
    /// The loudest 100 ms.
    pub peak_rms: f64,
    /// The same mean in decibels; `None` when nothing was loud.
    pub rms_dbfs: Option<f64>,
    /// The strongest frequency of the last loud second.
    pub hz: Option<f64>,
    /// The strongest frequencies of the last loud second, the strongest first; five at most.
    pub tones: Vec<Tone>,
    /// Each track by itself; everything else here is about the mix of them.
    pub sources: Vec<Source>,
    /// Since the last packet; `None` before the first.
    pub last_packet_ms_ago: Option<u64>,
    /// How long the window is.
    pub window_ms: u64,
}

impl Heard {
    /// The level of a tone within 10 Hz of `hz`, in dBFS; `None` when it is not among the strongest.
    #[must_use]
    pub fn tone(&self, hz: f64) -> Option<f64> {
        self.tones
            .iter()
            .find(|tone| (tone.hz - hz).abs() < 10.0)
            .map(|tone| tone.dbfs)
    }
}

/// One frequency that was heard.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tone {
    /// Its frequency, right to 0.2 Hz when it is steady.
    pub hz: f64,
    /// Its effective value; a full sine is −3 dB.
    pub dbfs: f64,
}

/// What was heard of one track.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Whose track.
    pub identity: String,
    /// Which one.
    pub track: String,
    /// Packets received in the window.
    pub packets: u64,
    /// Seconds louder than −40 dBFS.
    pub seconds: f64,
    /// Mean over the loud blocks; `None` when nothing was loud.
    pub rms_dbfs: Option<f64>,
    /// The strongest frequency of the last loud second.
    pub hz: Option<f64>,
    /// Since the last packet.
    pub last_packet_ms_ago: Option<u64>,
}

/// One thing that happened to a call.
#[derive(Clone, Debug, Deserialize)]
pub struct CallEvent {
    /// Since the start of the call.
    pub ms: u64,
    /// `called`, `joined`, `ringing`, `answered`, `hears`, `sound`, `keys`, `ended`, …
    pub what: String,
    /// More, in words.
    #[serde(default)]
    pub detail: String,
}

/// One entry of the line's own list of events.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Counts up over all calls.
    pub seq: u64,
    /// When, ms since 1970.
    #[serde(default)]
    pub unix_ms: u64,
    /// Which call; empty for faults.
    #[serde(default)]
    pub call: String,
    /// What; as [`CallEvent::what`], and `fault`.
    pub what: String,
    /// More, in words.
    #[serde(default)]
    pub detail: String,
}

/// One number that can be dialled.
#[derive(Clone, Debug, Deserialize)]
pub struct Number {
    /// A full number, or the two digits it ends with.
    pub number: String,
    /// What happens there, in words.
    pub what: String,
    /// The script behind it.
    #[serde(default)]
    pub script: serde_json::Value,
    /// Whether it was changed at run time.
    #[serde(default)]
    pub changed: bool,
}

/// The state of the parts of the line.
#[derive(Clone, Debug, Deserialize)]
pub struct FaultState {
    /// Whether faults of the server can be injected at all.
    pub child: bool,
    /// `running`, `frozen` or `stopped`.
    pub server: String,
    /// Whether new joins are refused.
    #[serde(default)]
    pub refuse_joins: bool,
    /// Signalling sockets of clients that are open.
    #[serde(default)]
    pub signals: u64,
    /// Signalling sockets of clients that came so far.
    #[serde(default)]
    pub signals_taken: u64,
    /// The bridge: `running` or `stopped`.
    #[serde(default)]
    pub bridge: String,
    /// Redis: `running`, `stopped`, or `outside` when it is not the line's own.
    #[serde(default)]
    pub redis: String,
}
