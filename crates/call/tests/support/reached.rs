//! Which inputs were told in which states: counted in every test, printed by `cargo test -p call --test coverage`.

use std::sync::atomic::{AtomicU64, Ordering};

use call::Input;
use call::input::{AudioFact, Intent, LegFact, LogFact, RoomFact, WatchFact};
use call::state::CallState;
use call::view::PhoneView;

/// Every state.
pub const STATES: [CallState; 12] = [
    CallState::Preparing,
    CallState::Joining,
    CallState::Dialling,
    CallState::RemoteRinging,
    CallState::Offered,
    CallState::Claiming,
    CallState::Answering,
    CallState::Live,
    CallState::Stranded,
    CallState::HandedOver,
    CallState::Ending,
    CallState::Ended,
];

/// Every kind of input, as [`kind`] names them.
pub const KINDS: [&str; 64] = [
    "intent dial",
    "intent answer",
    "intent decline",
    "intent silence",
    "intent hang up",
    "intent set muted",
    "intent set held",
    "intent transfer",
    "intent add person",
    "intent merge",
    "intent talk privately",
    "intent hand over",
    "intent drop person",
    "intent rejoin",
    "intent set availability",
    "intent send keys",
    "intent dismiss",
    "intent dismiss notice",
    "intent quit",
    "room joined",
    "room join failed",
    "room published",
    "room publish failed",
    "room audience set",
    "room audience failed",
    "room present",
    "room left",
    "room reconnecting",
    "room reconnected",
    "room closed",
    "room media",
    "room key received",
    "room keys failed",
    "room end leg answered",
    "leg answered",
    "leg place failed",
    "leg removed",
    "leg room deleted",
    "leg drop failed",
    "leg person answered",
    "leg person failed",
    "leg transferred",
    "leg transfer failed",
    "leg parted",
    "leg looked",
    "leg look failed",
    "watch offer",
    "watch withdrawn",
    "line",
    "audio opened",
    "audio failed",
    "audio using",
    "log logged",
    "log failed",
    "orphan",
    "settings",
    "tick",
    // what a room tells is heard by two kinds of connection
    "watch: room joined",
    "watch: room join failed",
    "watch: room present",
    "watch: room left",
    "watch: room reconnecting",
    "watch: room reconnected",
    "watch: room closed",
];

/// The name of an input's kind. A new kind of input does not compile before it is named here.
pub fn kind(input: &Input) -> &'static str {
    match input {
        Input::Intent(intent) => match intent {
            Intent::Dial { .. } => "intent dial",
            Intent::Answer { .. } => "intent answer",
            Intent::Decline { .. } => "intent decline",
            Intent::Silence { .. } => "intent silence",
            Intent::HangUp { .. } => "intent hang up",
            Intent::SetMuted { .. } => "intent set muted",
            Intent::SetHeld { .. } => "intent set held",
            Intent::Transfer { .. } => "intent transfer",
            Intent::AddPerson { .. } => "intent add person",
            Intent::Merge { .. } => "intent merge",
            Intent::TalkPrivately { .. } => "intent talk privately",
            Intent::HandOver { .. } => "intent hand over",
            Intent::DropPerson { .. } => "intent drop person",
            Intent::Rejoin { .. } => "intent rejoin",
            Intent::SetAvailability(_) => "intent set availability",
            Intent::SendKeys { .. } => "intent send keys",
            Intent::Dismiss { .. } => "intent dismiss",
            Intent::DismissNotice { .. } => "intent dismiss notice",
            Intent::Quit => "intent quit",
        },
        Input::Room { link, fact } => {
            let watch = link.role == call::Role::Watch;
            match fact {
                RoomFact::Joined { .. } if watch => "watch: room joined",
                RoomFact::JoinFailed { .. } if watch => "watch: room join failed",
                RoomFact::Present(_) if watch => "watch: room present",
                RoomFact::Left { .. } if watch => "watch: room left",
                RoomFact::Reconnecting if watch => "watch: room reconnecting",
                RoomFact::Reconnected if watch => "watch: room reconnected",
                RoomFact::Closed { .. } if watch => "watch: room closed",
                RoomFact::Joined { .. } => "room joined",
                RoomFact::JoinFailed { .. } => "room join failed",
                RoomFact::Published => "room published",
                RoomFact::PublishFailed { .. } => "room publish failed",
                RoomFact::AudienceSet => "room audience set",
                RoomFact::AudienceFailed { .. } => "room audience failed",
                RoomFact::KeysFailed { .. } => "room keys failed",
                RoomFact::Present(_) => "room present",
                RoomFact::Left { .. } => "room left",
                RoomFact::Reconnecting => "room reconnecting",
                RoomFact::Reconnected => "room reconnected",
                RoomFact::Closed { .. } => "room closed",
                RoomFact::Media(_) => "room media",
                RoomFact::KeyReceived { .. } => "room key received",
                RoomFact::EndLegAnswered { .. } => "room end leg answered",
            }
        }
        Input::Leg { fact, .. } => match fact {
            LegFact::Answered { .. } => "leg answered",
            LegFact::PlaceFailed { .. } => "leg place failed",
            LegFact::Removed { .. } => "leg removed",
            LegFact::RoomDeleted { .. } => "leg room deleted",
            LegFact::DropFailed { .. } => "leg drop failed",
            LegFact::PersonAnswered { .. } => "leg person answered",
            LegFact::PersonFailed { .. } => "leg person failed",
            LegFact::Transferred => "leg transferred",
            LegFact::TransferFailed(_) => "leg transfer failed",
            LegFact::Parted { .. } => "leg parted",
            LegFact::Looked { .. } => "leg looked",
            LegFact::LookFailed => "leg look failed",
        },
        Input::Watch(WatchFact::Offer(_)) => "watch offer",
        Input::Watch(WatchFact::Withdrawn { .. }) => "watch withdrawn",
        Input::Line(_) => "line",
        Input::Audio(AudioFact::Opened) => "audio opened",
        Input::Audio(AudioFact::Failed { .. }) => "audio failed",
        Input::Audio(AudioFact::Using { .. }) => "audio using",
        Input::Log {
            fact: LogFact::Logged,
            ..
        } => "log logged",
        Input::Log {
            fact: LogFact::Failed { .. },
            ..
        } => "log failed",
        Input::Orphan(_) => "orphan",
        Input::Settings(_) => "settings",
        Input::Tick => "tick",
    }
}

static STEPS: AtomicU64 = AtomicU64::new(0);
static TOLD: [[AtomicU64; KINDS.len()]; STATES.len()] =
    [const { [const { AtomicU64::new(0) }; KINDS.len()] }; STATES.len()];

/// Counts an input that is about to be told. What concerns one call counts for its state, everything else for the
/// states of all calls.
pub fn note(before: &PhoneView, input: &Input) {
    STEPS.fetch_add(1, Ordering::Relaxed);
    let name = kind(input);
    let column = KINDS.iter().position(|known| *known == name);
    let column = column.unwrap_or_else(|| panic!("“{name}” is missing in KINDS"));
    let concerned = call_of(input);
    for call in &before.calls {
        let one = concerned.is_none_or(|id| *id == call.id);
        if one && let Some(row) = STATES.iter().position(|state| *state == call.state) {
            TOLD[row][column].fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn call_of(input: &Input) -> Option<&call::CallId> {
    match input {
        Input::Room { link, .. } => Some(&link.call),
        Input::Leg { call, .. } | Input::Log { call, .. } => Some(call),
        Input::Intent(
            Intent::Answer { call, .. }
            | Intent::Decline { call }
            | Intent::Silence { call }
            | Intent::HangUp { call }
            | Intent::SetMuted { call, .. }
            | Intent::SetHeld { call, .. }
            | Intent::Transfer { call, .. }
            | Intent::AddPerson { call, .. }
            | Intent::Merge { call }
            | Intent::TalkPrivately { call, .. }
            | Intent::HandOver { call }
            | Intent::DropPerson { call, .. }
            | Intent::Rejoin { call }
            | Intent::SendKeys { call, .. }
            | Intent::Dismiss { call },
        ) => Some(call),
        Input::Intent(
            Intent::Dial { .. }
            | Intent::SetAvailability(_)
            | Intent::DismissNotice { .. }
            | Intent::Quit,
        )
        | Input::Watch(_)
        | Input::Line(_)
        | Input::Audio(_)
        | Input::Orphan(_)
        | Input::Settings(_)
        | Input::Tick => None,
    }
}

/// Inputs told so far.
pub fn steps() -> u64 {
    STEPS.load(Ordering::Relaxed)
}

/// How often each kind was told in each state.
pub fn told(state: usize, kind: usize) -> u64 {
    TOLD[state][kind].load(Ordering::Relaxed)
}
