//! What crosses between the windows and the store: history, contacts, settings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ipc::types::{Direction, RefusedLineView};

/// What became of a call, in the groups that a person filters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // one for one the groups of the history
pub enum CallResult {
    Open,
    Answered,
    Missed,
    Elsewhere,
    TurnedAway,
    NotReached,
    Failed,
}

/// A call in the history.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct HistoryRow {
    /// Name of the call.
    pub id: String,
    /// Who called whom.
    pub direction: Direction,
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// Name on the line: what the far end says of itself.
    pub name: Option<String>,
    /// The contact whose number it is.
    pub contact: Option<String>,
    /// That contact's name in the address book.
    #[ts(type = "number | null")]
    pub contact_id: Option<i64>,
    /// Our number or trunk.
    pub line: Option<String>,
    /// When it began.
    #[ts(type = "number")]
    pub started_at_ms: i64,
    /// When it was answered.
    #[ts(type = "number | null")]
    pub answered_at_ms: Option<i64>,
    /// When it was over; `null`: it is not.
    #[ts(type = "number | null")]
    pub ended_at_ms: Option<i64>,
    /// Whole seconds between answer and end.
    #[ts(type = "number | null")]
    pub duration_s: Option<i64>,
    /// Whole seconds for which a phone rang.
    #[ts(type = "number | null")]
    pub rang_s: Option<i64>,
    /// Stable word of the outcome, `"open"` while it is not over.
    pub outcome: String,
    /// Its group.
    pub result: CallResult,
    /// The outcome in words.
    pub words: String,
    /// Nobody here took it.
    pub missed: bool,
    /// Missed, and somebody has looked at it.
    pub seen: bool,
    /// What a person wrote about it.
    pub note: String,
    /// What else is known, for those who ask.
    pub details: RowDetails,
}

/// What is known of a call beyond its headline. Every field may be missing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, TS)]
pub struct RowDetails {
    /// What the person typed.
    pub dialled: Option<String>,
    /// The colleague who took it.
    pub answered_by: Option<String>,
    /// To whom it was handed over.
    pub transferred_to: Option<String>,
    /// SIP code of a refused call.
    pub sip_code: Option<u16>,
    /// The bridge's name of the call.
    pub sip_call_id: Option<String>,
    /// The provider's name of the call.
    pub provider_call_id: Option<String>,
    /// Name of the microphone.
    pub microphone: Option<String>,
    /// Name of the speaker.
    pub speaker: Option<String>,
    /// Packets of the far end that never came, of a thousand.
    #[ts(type = "number | null")]
    pub lost_per_mille: Option<f64>,
    /// Highest jitter of their packets, milliseconds.
    pub jitter_max_ms: Option<f64>,
    /// How often the connection was rebuilt.
    pub reconnections: Option<u32>,
    /// Where its recording is.
    pub recording: Option<String>,
    /// Lines whose provider refused it before it went over this one; the first first.
    pub refusals: Vec<RefusedLineView>,
}

/// Which calls. What is left out does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(optional_fields)]
pub struct HistoryQuery {
    /// Every word of it is in the name, number (any format), note or contact.
    pub text: Option<String>,
    /// Only one direction.
    pub direction: Option<Direction>,
    /// Only these groups.
    pub results: Option<Vec<CallResult>>,
    /// Only missed calls that nobody has looked at.
    pub unseen: Option<bool>,
    /// Only this line.
    pub line: Option<String>,
    /// Only calls that began then or later.
    #[ts(optional, type = "number")]
    pub from_ms: Option<i64>,
    /// Only calls that began before.
    #[ts(optional, type = "number")]
    pub to_ms: Option<i64>,
}

/// Part of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct HistoryPage {
    /// The calls.
    pub rows: Vec<HistoryRow>,
    /// The `cursor` of the next page; `null`: there is none. A page may be short or empty and still have one.
    pub next: Option<String>,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ExportFormat {
    Csv,
    Json,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Exported {
    /// Where it is.
    pub path: String,
    /// Calls in it, or events.
    #[ts(type = "number")]
    pub calls: u64,
}

/// What is taken out for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum WipeWhat {
    History,
    Contacts,
    Everything,
}

/// A number of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ContactNumberView {
    /// "Work", "mobile"; may be empty.
    pub label: String,
    /// As it was written.
    pub number: String,
}

/// A contact as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ContactDraft {
    /// What the person calls them.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// Anything.
    pub note: String,
    /// At least one.
    pub numbers: Vec<ContactNumberView>,
}

/// A contact as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ContactView {
    /// Its name in the address book.
    #[ts(type = "number")]
    pub id: i64,
    /// What the person calls them.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// Anything.
    pub note: String,
    /// In the order given.
    pub numbers: Vec<ContactNumberView>,
}

/// Part of the contacts, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ContactsPage {
    /// The contacts.
    pub contacts: Vec<ContactView>,
    /// The `cursor` of the next page; `null`: there is none.
    pub next: Option<String>,
}

/// What became of a file of contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ImportView {
    /// For taking it back; `null`: nothing was changed.
    #[ts(type = "number | null")]
    pub import: Option<i64>,
    /// New contacts.
    #[ts(type = "number")]
    pub taken: u64,
    /// Contacts that gained a number.
    #[ts(type = "number")]
    pub extended: u64,
    /// Contacts that were there.
    #[ts(type = "number")]
    pub duplicates: u64,
    /// Contacts that were left out.
    #[ts(type = "number")]
    pub skipped: u64,
    /// One sentence each for those that were left out or not taken whole.
    pub remarks: Vec<String>,
}

/// What pressing decline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeclineSetting {
    /// The last desk to decline ends the call.
    #[default]
    LastDesk,
    /// The first one does.
    Everybody,
    /// Nobody does.
    OnlyHere,
}

/// What happens to a caller outside business hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClosedSetting {
    /// The same as inside.
    #[default]
    Ring,
    /// Shown, without noise.
    Silent,
    /// Turned away, if no other desk rings.
    Decline,
}

/// A stretch of time on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OpenHours {
    /// 1 (Monday) to 7 (Sunday).
    pub days: Vec<u8>,
    /// Minutes after midnight, 0 to 1439.
    pub from_minute: u16,
    /// Minutes after midnight, 1 to 1440. Not after `from_minute`: it goes on past midnight.
    pub to_minute: u16,
}

/// What a person sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SettingsView {
    /// Country of numbers typed without a country code, ISO 3166.
    pub region: String,
    /// How long the far end may ring, seconds, 10 to 75.
    pub ring_for_s: u16,
    /// What pressing decline does.
    pub decline: DeclineSetting,
    /// Business hours; empty: always open.
    pub hours: Vec<OpenHours>,
    /// Outside of them.
    pub when_closed: ClosedSetting,
    /// Our numbers (E.164) that do not ring here.
    pub quiet_lines: Vec<String>,
    /// Far numbers (E.164) that always ring.
    pub always_ring: Vec<String>,
    /// A soft beep for a second caller.
    pub call_waiting: bool,
    /// Days for which calls are kept; `null`: for ever.
    pub keep_days: Option<u16>,
}

impl Default for SettingsView {
    fn default() -> Self {
        Self {
            region: "US".into(),
            ring_for_s: 45,
            decline: DeclineSetting::default(),
            hours: Vec::new(),
            when_closed: ClosedSetting::default(),
            quiet_lines: Vec::new(),
            always_ring: Vec::new(),
            call_waiting: true,
            keep_days: None,
        }
    }
}

/// The name of the event that carries a whole [`SettingsInForce`]; for the main window only.
pub const SETTINGS_CHANGED: &str = "settings-changed";

/// What a person has set, as it is in force, whoever set it: a window, the set-up of a line, another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SettingsInForce {
    /// Grows with every change; an older one is to be ignored.
    #[ts(type = "number")]
    pub rev: u64,
    /// All of them.
    pub settings: SettingsView,
}

/// Settings to be changed. What is left out stays as it is, whatever it is by then.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(optional_fields)]
#[allow(missing_docs)] // one for one the fields of `SettingsView`
pub struct SettingsChange {
    pub region: Option<String>,
    pub ring_for_s: Option<u16>,
    pub decline: Option<DeclineSetting>,
    pub hours: Option<Vec<OpenHours>>,
    pub when_closed: Option<ClosedSetting>,
    pub quiet_lines: Option<Vec<String>>,
    pub always_ring: Option<Vec<String>>,
    pub call_waiting: Option<bool>,
    /// 0: for ever.
    pub keep_days: Option<u16>,
}

impl SettingsChange {
    /// Puts what is to be changed into `settings`.
    pub fn make(self, settings: &mut SettingsView) {
        let Self {
            region,
            ring_for_s,
            decline,
            hours,
            when_closed,
            quiet_lines,
            always_ring,
            call_waiting,
            keep_days,
        } = self;
        put(region, &mut settings.region);
        put(ring_for_s, &mut settings.ring_for_s);
        put(decline, &mut settings.decline);
        put(hours, &mut settings.hours);
        put(when_closed, &mut settings.when_closed);
        put(quiet_lines, &mut settings.quiet_lines);
        put(always_ring, &mut settings.always_ring);
        put(call_waiting, &mut settings.call_waiting);
        put(
            keep_days.map(|days| (days > 0).then_some(days)),
            &mut settings.keep_days,
        );
    }
}

fn put<T>(wanted: Option<T>, kept: &mut T) {
    if let Some(wanted) = wanted {
        *kept = wanted;
    }
}

/// The TypeScript of these types.
pub(crate) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        CallResult::decl(config),
        HistoryRow::decl(config),
        RowDetails::decl(config),
        HistoryQuery::decl(config),
        HistoryPage::decl(config),
        ExportFormat::decl(config),
        Exported::decl(config),
        WipeWhat::decl(config),
        ContactNumberView::decl(config),
        ContactDraft::decl(config),
        ContactView::decl(config),
        ContactsPage::decl(config),
        ImportView::decl(config),
        DeclineSetting::decl(config),
        ClosedSetting::decl(config),
        OpenHours::decl(config),
        SettingsView::decl(config),
        SettingsInForce::decl(config),
        SettingsChange::decl(config),
    ]
}
