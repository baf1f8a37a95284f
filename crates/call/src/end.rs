//! How a call can end, in words for a person.

/// Why a call is over. A refusal is one of these, never an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// We ended an answered call.
    HungUp,
    /// The far end ended an answered call.
    FarEndHungUp,
    /// We gave up before the far end answered.
    Cancelled,
    /// 486, 600.
    Busy,
    /// 603 and kindred: somebody pressed decline.
    Declined,
    /// Rang, and nobody answered.
    NoAnswer,
    /// 404, 410, 484, 604: there is no such number.
    NotInService,
    /// 408, 480: the phone is off or out of reach.
    Unavailable,
    /// The provider refused the call (401, 403, 407 and other 4xx).
    LineRefused {
        /// SIP code, where one is known.
        code: Option<u16>,
    },
    /// The provider or the bridge could not carry the call (5xx, 3xx).
    LineFailed {
        /// SIP code, where one is known.
        code: Option<u16>,
    },
    /// The LiveKit project has no trunk to dial out with, or not the one that was asked for.
    NoLine,
    /// No account, or its secret cannot be read.
    NotSignedIn,
    /// The engine that carries calls is missing, altered or did not start.
    NoEngine {
        /// One sentence for the person.
        what: String,
    },
    /// The server refused our key.
    SignInRefused,
    /// The server could not be reached when the call began.
    NoNetwork,
    /// The server went away during the call and did not come back.
    ConnectionLost,
    /// Microphone or speaker could not be opened.
    NoSound {
        /// The sentence of the audio adapter.
        what: String,
    },
    /// The caller gave up, or nobody answered in time.
    Missed,
    /// We declined.
    DeclinedHere,
    /// We handed the far end over.
    Transferred {
        /// To whom, as a person writes it.
        to: String,
    },
    /// A colleague took it.
    AnsweredElsewhere {
        /// Name of the colleague.
        by: String,
    },
    /// The program ended during the call (crash, power); found at the next start.
    Interrupted,
    /// This call was never begun: what the person asked for cannot be dialled.
    BadNumber {
        /// The sentence of the number parser.
        why: String,
    },
    /// Another call is up on this desk.
    AlreadyInCall,
}

impl EndReason {
    /// Stable word for the journal, the terminal and the user interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::FarEndHungUp => "far_end_hung_up",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no_answer",
            Self::NotInService => "not_in_service",
            Self::Unavailable => "unavailable",
            Self::LineRefused { .. } => "line_refused",
            Self::LineFailed { .. } => "line_failed",
            Self::NoLine => "no_line",
            Self::NotSignedIn => "not_signed_in",
            Self::NoEngine { .. } => "no_engine",
            Self::SignInRefused => "sign_in_refused",
            Self::NoNetwork => "no_network",
            Self::ConnectionLost => "connection_lost",
            Self::NoSound { .. } => "no_sound",
            Self::Missed => "missed",
            Self::DeclinedHere => "declined_here",
            Self::Transferred { .. } => "transferred",
            Self::AnsweredElsewhere { .. } => "answered_elsewhere",
            Self::Interrupted => "interrupted",
            Self::BadNumber { .. } => "bad_number",
            Self::AlreadyInCall => "already_in_call",
        }
    }

    /// The SIP code, shown on request only.
    #[must_use]
    pub fn sip_code(&self) -> Option<u16> {
        if let Self::LineRefused { code } | Self::LineFailed { code } = self {
            *code
        } else {
            None
        }
    }

    /// What happened, as a headline.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::HungUp => "You ended the call".into(),
            Self::FarEndHungUp => "They ended the call".into(),
            Self::Cancelled => "You cancelled the call".into(),
            Self::Busy => "Busy".into(),
            Self::Declined => "They declined the call".into(),
            Self::NoAnswer => "No answer".into(),
            Self::NotInService => "Number not in service".into(),
            Self::Unavailable => "Phone cannot be reached".into(),
            Self::LineRefused { .. } => "Your provider refused this call".into(),
            Self::LineFailed { .. } => "Your provider could not connect this call".into(),
            Self::NoLine => "No line to call from".into(),
            Self::NotSignedIn => "Not signed in".into(),
            Self::SignInRefused => "LiveKit refused the sign-in".into(),
            Self::NoNetwork => "LiveKit cannot be reached".into(),
            Self::ConnectionLost => "The connection was lost".into(),
            Self::NoSound { what } | Self::NoEngine { what } => what.clone(),
            Self::Missed => "Missed call".into(),
            Self::DeclinedHere => "You declined the call".into(),
            Self::Transferred { to } => format!("Transferred to {to}"),
            Self::AnsweredElsewhere { by } => format!("Answered by {by}"),
            Self::Interrupted => "Interrupted: Deskline was closed during the call".into(),
            Self::BadNumber { why } => why.clone(),
            Self::AlreadyInCall => "You are already in a call".into(),
        }
    }

    /// What to do next, where there is something to do.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::HungUp
            | Self::FarEndHungUp
            | Self::Cancelled
            | Self::DeclinedHere
            | Self::Transferred { .. }
            | Self::AnsweredElsewhere { .. }
            | Self::NoEngine { .. }
            | Self::BadNumber { .. } => None,
            Self::Busy => Some("Try again in a moment, or leave a message later."),
            Self::Declined => Some("Try again later, or send a message."),
            Self::NoAnswer => Some("Try again later."),
            Self::NotInService => Some("Check the number and dial again."),
            Self::Unavailable => Some("The phone may be switched off. Try again later."),
            Self::LineRefused { .. } => {
                Some("Check with your provider that calls to this number are switched on.")
            }
            Self::LineFailed { .. } => {
                Some("Try again. If it stays, check the line with your provider.")
            }
            Self::NoLine => Some("Add an outbound trunk to your LiveKit project, then try again."),
            Self::NotSignedIn => {
                Some("Open Settings and enter the address, key and secret of your LiveKit project.")
            }
            Self::SignInRefused => Some("Open Settings and check the key and the secret."),
            Self::NoNetwork => {
                Some("Check the network and the address in Settings, then try again.")
            }
            Self::ConnectionLost => Some("Call again when the network is back."),
            Self::NoSound { .. } => {
                Some("Connect a headset or check the sound settings, then try again.")
            }
            Self::Missed => Some("Call back from the history."),
            Self::Interrupted => Some("Call again if you were not finished."),
            Self::AlreadyInCall => Some("End the present call first."),
        }
    }

    /// Should the row stand out as a call nobody here took?
    #[must_use]
    pub fn is_missed(&self) -> bool {
        *self == Self::Missed
    }

    /// Names the outcome of a refused outbound call by its SIP code (RFC 3261, section 21).
    #[must_use]
    pub fn from_sip_code(code: u16) -> Self {
        match code {
            486 | 600 => Self::Busy,
            603 | 607 => Self::Declined,
            404 | 410 | 484 | 604 => Self::NotInService,
            408 | 480 => Self::Unavailable,
            487 => Self::NoAnswer,
            400..=499 | 606 => Self::LineRefused { code: Some(code) },
            _ => Self::LineFailed { code: Some(code) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_codes_have_their_own_words() {
        let code = |c| EndReason::from_sip_code(c).code();
        assert_eq!(code(486), "busy");
        assert_eq!(code(600), "busy");
        assert_eq!(code(603), "declined");
        assert_eq!(code(404), "not_in_service");
        assert_eq!(code(480), "unavailable");
        assert_eq!(code(403), "line_refused");
        assert_eq!(code(503), "line_failed");
        assert_eq!(code(302), "line_failed");
        assert_eq!(EndReason::from_sip_code(503).sip_code(), Some(503));
    }
}
