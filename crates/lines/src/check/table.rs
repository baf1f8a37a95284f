//! Every diagnostic there is, and which of them answers which complaint.

use super::Facts;
use crate::wanted::ProviderKind;

/// Where on the way of a call something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hop {
    /// Phone network.
    Network,
    /// The provider.
    Provider,
    /// The trunks in LiveKit.
    Trunk,
    /// The dispatch rule.
    Rule,
    /// The room of a call.
    Room,
    /// This desk, and its sign-in.
    Desk,
}

/// What a diagnostic has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// LiveKit's settings.
    LiveKit,
    /// The account at the provider.
    Provider,
    /// The account, at these providers: the others do not tell it.
    Only(&'static [ProviderKind]),
    /// LiveKit refused or answered: that alone.
    SignIn,
    /// A call.
    Call,
    /// Something that Deskline does not have yet.
    Absent(&'static str),
}

impl Needs {
    /// Why it could not be looked at; `None` when it could.
    pub(crate) fn missing(self, facts: &Facts) -> Option<String> {
        let kind = facts.kept.provider;
        let name = kind.shown();
        match self {
            Self::SignIn => None,
            Self::LiveKit => facts
                .livekit
                .is_err()
                .then(|| "LiveKit did not tell its settings.".into()),
            Self::Provider | Self::Only(_) if !facts.kept.signs_in() => {
                Some("Deskline does not look into the account of this line.".into())
            }
            Self::Only(kinds) if !kinds.contains(&kind) => {
                Some(format!("It is not a question for lines at {name}."))
            }
            Self::Provider | Self::Only(_) => match facts.provider {
                Some(Ok(_)) => None,
                Some(Err(_)) => Some(format!("{name} did not tell its settings.")),
                None => Some(format!("It needs the sign-in at {name}.")),
            },
            Self::Call => {
                Some("Only a test call can tell. Deskline calls nobody without being asked.".into())
            }
            Self::Absent(why) => Some(why.into()),
        }
    }
}

/// One diagnostic.
#[derive(Debug, Clone, Copy)]
pub struct Diagnostic {
    /// `D01` … `X7`.
    pub id: &'static str,
    /// Where.
    pub hop: Hop,
    /// What it has to know.
    pub needs: Needs,
    /// What is true when it passed.
    pub passed: &'static str,
}

const fn one(id: &'static str, hop: Hop, needs: Needs, passed: &'static str) -> Diagnostic {
    Diagnostic {
        id,
        hop,
        needs,
        passed,
    }
}

/// Only Twilio tells.
const TWILIO: Needs = Needs::Only(&[ProviderKind::Twilio]);
/// SignalWire does not tell.
const BUT_SIGNALWIRE: Needs = Needs::Only(&[ProviderKind::Twilio, ProviderKind::Telnyx]);
const NO_ASSISTANT: Needs = Needs::Absent("Deskline runs no assistant.");
const NOTHING_SENT: Needs =
    Needs::Absent("Deskline records on this computer only and sends recordings nowhere.");

/// All of them, in the order in which they are shown.
pub const DIAGNOSTICS: [Diagnostic; 37] = [
    one("D01", Hop::Desk, Needs::SignIn, "LiveKit takes the key."),
    one(
        "D02",
        Hop::Provider,
        Needs::Provider,
        "The provider takes the sign-in.",
    ),
    one("D03", Hop::Provider, TWILIO, "It is a paid account."),
    one(
        "D04",
        Hop::Provider,
        BUT_SIGNALWIRE,
        "The account is active and has money.",
    ),
    one(
        "D05",
        Hop::Provider,
        Needs::Provider,
        "Calls are sent to this LiveKit project.",
    ),
    one(
        "D06",
        Hop::Trunk,
        Needs::LiveKit,
        "LiveKit knows the numbers.",
    ),
    one(
        "D07",
        Hop::Trunk,
        Needs::LiveKit,
        "No list of callers with patterns.",
    ),
    one(
        "D08",
        Hop::Rule,
        Needs::LiveKit,
        "Callers have somewhere to go.",
    ),
    one(
        "D09",
        Hop::Rule,
        Needs::LiveKit,
        "The rule belongs to a trunk that exists.",
    ),
    one(
        "D10",
        Hop::Rule,
        Needs::LiveKit,
        "The rule lets every caller in.",
    ),
    one(
        "D11",
        Hop::Room,
        Needs::LiveKit,
        "Every caller has a room of their own.",
    ),
    one(
        "D12",
        Hop::Room,
        Needs::LiveKit,
        "Rooms of callers have the name this desk looks for.",
    ),
    one(
        "D13",
        Hop::Trunk,
        TWILIO,
        "LiveKit took every call since yesterday.",
    ),
    one(
        "D14",
        Hop::Trunk,
        Needs::LiveKit,
        "No other line claims the numbers.",
    ),
    one(
        "D15",
        Hop::Trunk,
        Needs::LiveKit,
        "The line is not open to everybody who finds the address.",
    ),
    one(
        "D16",
        Hop::Room,
        Needs::LiveKit,
        "No assistant is called for that is not there.",
    ),
    one("D17", Hop::Room, NO_ASSISTANT, ""),
    one("D18", Hop::Room, NO_ASSISTANT, ""),
    one(
        "D19",
        Hop::Provider,
        Needs::Provider,
        "The numbers are connected to the line.",
    ),
    one(
        "D20",
        Hop::Provider,
        Needs::Provider,
        "The provider has an active address to send calls to.",
    ),
    one(
        "D21",
        Hop::Provider,
        Needs::Provider,
        "Both sides have the same user name.",
    ),
    one(
        "D22",
        Hop::Trunk,
        Needs::LiveKit,
        "The address to dial out through is well formed.",
    ),
    one("D23", Hop::Trunk, Needs::LiveKit, "The saved trunks exist."),
    one(
        "D24",
        Hop::Trunk,
        Needs::LiveKit,
        "Both sides agree about encryption.",
    ),
    one(
        "D25",
        Hop::Trunk,
        Needs::LiveKit,
        "The numbers shown are the line's own.",
    ),
    one(
        "D26",
        Hop::Provider,
        Needs::Only(&[ProviderKind::Telnyx]),
        "Numbers are written as LiveKit knows them.",
    ),
    one(
        "D27",
        Hop::Network,
        BUT_SIGNALWIRE,
        "Calls within the country are allowed.",
    ),
    one(
        "D28",
        Hop::Network,
        BUT_SIGNALWIRE,
        "Something stops a thief from running up a bill.",
    ),
    one("D29", Hop::Desk, Needs::Call, ""),
    one(
        "D30",
        Hop::Network,
        Needs::Provider,
        "The emergency services know the address of the numbers.",
    ),
    one("X1", Hop::Desk, NOTHING_SENT, ""),
    one(
        "X2",
        Hop::Provider,
        Needs::Provider,
        "The provider does not record.",
    ),
    one(
        "X3",
        Hop::Desk,
        Needs::Absent("Deskline looks for callers by itself and needs no webhooks."),
        "",
    ),
    one(
        "X4",
        Hop::Provider,
        Needs::Only(&[ProviderKind::SignalWire]),
        "No server of your own stands between SignalWire and LiveKit, or it answers.",
    ),
    one("X5", Hop::Desk, Needs::SignIn, "The clocks agree."),
    one(
        "X6",
        Hop::Provider,
        TWILIO,
        "Calls can be handed over by the network.",
    ),
    one("X7", Hop::Trunk, Needs::Call, ""),
];

/// The complaints that people come with, and the diagnostics that answer each.
pub const ENTRIES: [(&str, &[&str]); 13] = [
    (
        "The phone that is called does not ring",
        &["D22", "D05", "X4", "X3"],
    ),
    (
        "LiveKit cannot connect to the provider",
        &["D24", "D21", "D23"],
    ),
    ("The room of a call cannot be joined", &["D01", "D29"]),
    ("A call without sound", &["D29"]),
    (
        "Callers hear that the service is unavailable",
        &["D06", "D08", "D10", "D13", "D16"],
    ),
    (
        "The assistant connects and is silent or falls out",
        &["D17"],
    ),
    (
        "The assistant has another name than the rule says, or the rule is gone",
        &["D16", "D08"],
    ),
    ("The assistant does not answer", &["D08", "D16", "D01"]),
    ("Callers get through and hear nothing", &["D05", "D29"]),
    (
        "The provider reports errors for the trunk or the number",
        &["D20", "D19"],
    ),
    ("Calls do not connect at all", &["D23", "D19", "D20", "X3"]),
    ("The assistant does not come into the room", &["D16", "D12"]),
    (
        "No sound through the provider's connection",
        &["D06", "D27", "D29"],
    ),
];
