//! What a person sets about being rung.

use std::time::Duration;

use crate::number::Region;

/// Everything the rules need to know of a person's settings. The shell keeps it, reckons with time zones, and sends it
/// whole whenever something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskSettings {
    /// The country of numbers typed without a country code.
    pub region: Region,
    /// How long the far end may ring, at most 75 s.
    pub ring_for: Duration,
    /// What pressing decline does.
    pub decline: DeclinePolicy,
    /// Is it within business hours now? Always true where none are set.
    pub open: bool,
    /// What happens to a caller outside of them.
    pub when_closed: WhenClosed,
    /// Our numbers (E.164) that do not ring here.
    pub quiet_lines: Vec<String>,
    /// Far numbers (E.164) that ring here in spite of do-not-disturb.
    pub always_ring: Vec<String>,
    /// Does a second caller beep softly while we talk?
    pub call_waiting: bool,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            region: Region::US,
            ring_for: Duration::from_secs(45),
            decline: DeclinePolicy::default(),
            open: true,
            when_closed: WhenClosed::default(),
            quiet_lines: Vec::new(),
            always_ring: Vec::new(),
            call_waiting: true,
        }
    }
}

/// Who may be rung here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Availability {
    /// Anybody.
    #[default]
    Available,
    /// Nobody but the few who always may: callers are shown, without noise or overlay.
    DoNotDisturb {
        /// Until then, Unix milliseconds; `None`: until switched off.
        until_unix_ms: Option<i64>,
    },
}

/// What pressing decline does to the caller, who always hears "busy" when it does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeclinePolicy {
    /// Nothing while another desk rings; the last one to decline ends the call.
    #[default]
    LastDesk,
    /// The first one to decline ends the call for everybody.
    Everybody,
    /// Never more than silence here.
    OnlyHere,
}

/// What happens to a caller outside business hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenClosed {
    /// The same as inside.
    #[default]
    Ring,
    /// Shown, without noise or overlay.
    Silent,
    /// Turned away, if no other desk rings.
    Decline,
}
