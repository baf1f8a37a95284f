//! What crosses between the windows and the desktop around them: looks, keys, links, hooks, readiness.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ipc::records::SettingsInForce;
use crate::ipc::types::{Direction, PhoneView};

/// The name of the event that carries a whole [`DesktopView`]; for the main window only.
pub const DESKTOP_CHANGED: &str = "desktop-changed";
/// The name of the event that carries a whole [`ShellView`]; for the main window only.
pub const SHELL_CHANGED: &str = "shell-changed";
/// The name of the event that carries a whole [`ReadinessView`]; for the main window only.
pub const READINESS_CHANGED: &str = "readiness-changed";
/// The name of the event that carries a [`LookView`]; for every window.
pub const LOOK_CHANGED: &str = "look-changed";
/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ThemeSetting {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Where somebody who calls is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OverlayScreens {
    /// On the screen with the pointer.
    #[default]
    InUse,
    /// On every screen.
    Every,
}

/// What keys can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the words of each are in `shortcuts.rs`
pub enum ShortcutAction {
    Answer,
    DeclineOrEnd,
    Silence,
    Mute,
    Hold,
    Keypad,
    Transfer,
    AddPerson,
    Swap,
    Find,
    Search,
    Show,
}

/// The keys of one action, written `Ctrl+Shift+A` (on macOS Ctrl stands for Command).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ShortcutSetting {
    /// Which.
    pub action: ShortcutAction,
    /// While a window of Deskline has the keyboard; `null`: none.
    pub keys: Option<String>,
    /// From any program; `null`: none. Only for answer, decline or end, silence, mute, hold, find and show.
    pub global: Option<String>,
}

/// When a hook acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HookMoment {
    /// Somebody calls.
    Ring,
    /// A call was answered, by us or by the far end.
    Answer,
    /// A call is over.
    End,
}

/// What a hook does. In every text `{number}`, `{name}`, `{line}`, `{direction}` and `{moment}` stand for those of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HookAction {
    /// Opens an address in the program that this system has for it; what is filled in is percent-encoded.
    OpenUrl {
        /// `https://crm.example/search?phone={number}`
        template: String,
    },
    /// Starts a program, without a shell.
    Run {
        /// Its absolute path.
        program: String,
        /// Its arguments, each passed as one whatever is filled in.
        arguments: Vec<String>,
    },
}

/// Something that is done when somebody calls, when a call is answered, or when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HookSetting {
    /// Is it done at all?
    pub enabled: bool,
    /// When.
    pub moment: HookMoment,
    /// Only for calls in this direction; `null`: for both.
    pub direction: Option<Direction>,
    /// What.
    pub action: HookAction,
}

/// What a person sets about the program on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct DesktopSettings {
    /// Light or dark.
    pub theme: ThemeSetting,
    /// BCP 47 tag of the language; "": as the system.
    pub language: String,
    /// Start with the computer, hidden.
    pub autostart: bool,
    /// Where somebody who calls is shown.
    pub overlay_on: OverlayScreens,
    /// May the caller be named while the screen is locked?
    pub caller_on_locked_screen: bool,
    /// System notifications beside the overlay.
    pub notifications: bool,
    /// Notify and ring even while the system is set not to disturb.
    pub ring_in_focus: bool,
    /// Keep the computer awake during calls.
    pub keep_awake: bool,
    /// Do single letters act during a call?
    pub single_letters: bool,
    /// Open the compact window instead of the main one.
    pub start_compact: bool,
    /// Every action, in the order in which they are shown.
    pub shortcuts: Vec<ShortcutSetting>,
    /// What is done at calls. None by default.
    pub hooks: Vec<HookSetting>,
}

/// Keys that were asked for and do not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ShortcutTrouble {
    /// Whose.
    pub action: ShortcutAction,
    /// What, why, what next.
    pub words: String,
}

/// What this computer allows, found out and not assumed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, TS)]
pub struct DesktopFacts {
    /// Is there a tray? Without one, closing the window puts it into the task bar instead of hiding it.
    pub tray: bool,
    /// Can a window be raised above others without taking the keyboard? Else a normal window and a notification show who
    /// calls.
    pub overlay: bool,
    /// Do notifications have buttons?
    pub notification_buttons: bool,
    /// Can keys be taken from any program?
    pub global_keys: bool,
    /// Keys from any program that the system refused.
    pub troubles: Vec<ShortcutTrouble>,
    /// What else does not work although it is set; one sentence each.
    pub words: Vec<String>,
}

/// The program on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DesktopView {
    /// Grows with every change.
    #[ts(type = "number")]
    pub rev: u64,
    /// What is set.
    pub settings: DesktopSettings,
    /// What it would be if nothing had been set.
    pub defaults: DesktopSettings,
    /// What the computer allows.
    pub facts: DesktopFacts,
}

/// What every window needs before its first paint; it stands in the page as `window.__DESKLINE_LOOK__`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LookView {
    /// Light or dark.
    pub theme: ThemeSetting,
    /// BCP 47 tag of the language; "": as the system.
    pub language: String,
    /// Keys that answer from any program, once the system has accepted them.
    pub answer_keys: Option<String>,
    /// Keys that decline from any program, once the system has accepted them.
    pub decline_keys: Option<String>,
}

/// A screen of the main window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // one for one the screens
pub enum ScreenName {
    Phone,
    History,
    Contacts,
    Settings,
    Find,
    WhatIsWrong,
}

/// A screen somebody asked for outside of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct GoToView {
    /// Counts up: the same screen may be asked for again.
    pub id: u32,
    /// Which.
    pub screen: ScreenName,
}

/// A number from a link. It is filled in and waits: a link never dials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PrefillView {
    /// Its name when it is put away. Counts up.
    pub id: u32,
    /// What to put into the field; "": there is nothing that can be called, and `words` says why.
    pub number: String,
    /// As people write it.
    pub number_shown: String,
    /// Keys to send after the answer (an extension, a menu); `null`: none.
    pub keys: Option<String>,
    /// It switches something at the provider (`*21#`) rather than calling anybody: ask before it goes into the field.
    pub service_code: bool,
    /// Where it is from and what happens next, or why there is nothing to call.
    pub words: String,
}

/// The question that Quit asks first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct QuitView {
    /// What is lost, as a question.
    pub title: String,
    /// What closing the window would do instead.
    pub detail: String,
    /// The safe answer.
    pub stay: String,
    /// The other one.
    pub quit: String,
}

/// What the shell has to say to the main window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, TS)]
pub struct ShellView {
    /// Grows with every change.
    #[ts(type = "number")]
    pub rev: u64,
    /// Is the window the compact one?
    pub compact: bool,
    /// A number from a link.
    pub prefill: Option<PrefillView>,
    /// Quit was chosen and waits for a yes.
    pub quit: Option<QuitView>,
    /// The screen that was asked for last.
    pub go_to: Option<GoToView>,
}

/// What must hold for a call to ring here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProofOf {
    /// LiveKit answers.
    Server,
    /// It takes our key and secret.
    SignIn,
    /// Rooms are watched for callers.
    Watcher,
    /// There is a device to ring on.
    RingDevice,
    /// Who calls can be shown.
    Overlay,
    /// Nothing that was set keeps calls from ringing.
    Rules,
}

/// Is it so?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProofState {
    /// It was seen to be.
    Proven,
    /// Not known yet.
    Waiting,
    /// It is not.
    Missing,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ProofView {
    /// Which.
    pub of: ProofOf,
    /// Is it so?
    pub state: ProofState,
    /// In words: how it is; if it is missing, why.
    pub words: String,
    /// More about it, and what to do.
    pub detail: Option<String>,
}

/// How far a test ring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RingTestState {
    /// A caller is put into a room.
    Placing,
    /// It waits in the room; it rings here if all is well.
    Ringing,
    /// It rang here.
    Passed,
    /// It did not.
    Failed,
}

/// A test ring under way, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RingTestView {
    /// How far it is.
    pub state: RingTestState,
    /// When it got there.
    #[ts(type = "number")]
    pub at_ms: i64,
    /// In words.
    pub words: String,
}

/// Will this desk ring? Only what was proven counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReadinessView {
    /// Grows with every change.
    #[ts(type = "number")]
    pub rev: u64,
    /// Is everything proven?
    pub ready: bool,
    /// "This desk will ring", or the first reason why not.
    pub words: String,
    /// What to do about it.
    pub detail: Option<String>,
    /// When the server is tried again.
    #[ts(type = "number | null")]
    pub next_try_at_ms: Option<i64>,
    /// Each thing that must hold, in the order in which a call meets them.
    pub proofs: Vec<ProofView>,
    /// A test ring under way, or the last one since the start.
    pub test: Option<RingTestView>,
}

/// A step of the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FirstRunStep {
    /// Address, key and secret.
    #[default]
    Connect,
    /// Microphone, speaker and ring.
    Sound,
    /// Country of numbers, and what emergency numbers do here.
    Region,
    /// A test ring.
    TestRing,
}

/// How far the first run is. It can be left and resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct FirstRunView {
    /// It was gone through, or put off for good.
    pub done: bool,
    /// The step that is next.
    pub step: FirstRunStep,
}

/// What a page of the main window finds when it begins, so that its first picture waits for no answer; it stands in the
/// page as `window.__DESKLINE_START__`. The page asks for all of it again behind that picture.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct StartView {
    /// When it was put together, Unix milliseconds: a page that is loaded again finds it too.
    #[ts(type = "number")]
    pub at_ms: i64,
    /// The phone. Names of contacts may be missing.
    pub phone: PhoneView,
    /// The program on this computer.
    pub desktop: DesktopView,
    /// What the shell has to say.
    pub shell: ShellView,
    /// Will this desk ring?
    pub readiness: ReadinessView,
    /// What a person has set.
    pub settings: SettingsInForce,
    /// How far the first run is; `null`: nobody knows.
    pub first_run: Option<FirstRunView>,
}

/// What became of trying a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HookTested {
    /// What was done, with everything filled in.
    pub words: String,
}

/// The TypeScript of these types.
pub(crate) fn declarations(config: &ts_rs::Config) -> Vec<String> {
    vec![
        ThemeSetting::decl(config),
        OverlayScreens::decl(config),
        ShortcutAction::decl(config),
        ShortcutSetting::decl(config),
        HookMoment::decl(config),
        HookAction::decl(config),
        HookSetting::decl(config),
        DesktopSettings::decl(config),
        ShortcutTrouble::decl(config),
        DesktopFacts::decl(config),
        DesktopView::decl(config),
        LookView::decl(config),
        ScreenName::decl(config),
        GoToView::decl(config),
        PrefillView::decl(config),
        QuitView::decl(config),
        ShellView::decl(config),
        ProofOf::decl(config),
        ProofState::decl(config),
        ProofView::decl(config),
        RingTestState::decl(config),
        RingTestView::decl(config),
        ReadinessView::decl(config),
        FirstRunStep::decl(config),
        FirstRunView::decl(config),
        StartView::decl(config),
        HookTested::decl(config),
    ]
}
