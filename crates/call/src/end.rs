//! How a call can end. The words for a person are in `words.rs`.

/// Why a call is over. A refusal is one of these, never an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// We ended an answered call.
    HungUp,
    /// The far end ended an answered call.
    FarEndHungUp,
    /// The far end's sound stopped, and then its leg was taken down without a hang-up.
    FarEndLost,
    /// We gave up before the far end answered.
    Cancelled,
    /// 486.
    Busy,
    /// 600: busy on every phone of that number.
    BusyEverywhere,
    /// 603: somebody pressed decline.
    Declined,
    /// 607: the person called wants no calls of this kind.
    Unwanted,
    /// 608: something on the way sorted the call out.
    Blocked,
    /// Refused by the far end or the provider; nobody told us the code.
    Rejected,
    /// Rang, and nobody answered.
    NoAnswer,
    /// The time for ringing passed without a phone ringing.
    NeverRang,
    /// 404: there is no such number.
    NotInService,
    /// 410: the number is no longer in use.
    NumberGone,
    /// 484: digits are missing.
    NumberIncomplete,
    /// 604: no network knows the number.
    NoSuchNumber,
    /// 480: the phone is off or out of reach.
    Unavailable,
    /// 408: the far end's network did not reply.
    NoReply,
    /// 3xx: redirected, which the bridge does not follow.
    Moved {
        /// SIP code.
        code: u16,
    },
    /// 401, also without the code: the trunk has no password, or a wrong one.
    LinePassword,
    /// 407: the same, asked for by a proxy.
    LineProxyPassword,
    /// 402: the provider wants money.
    LineUnpaid,
    /// 403: the provider does not allow this call.
    LineForbidden,
    /// 415: no kind of sound that both sides know.
    MediaUnknown,
    /// 488: this sound is not accepted there.
    MediaRefused,
    /// 606: this sound is not accepted on any phone of that number.
    MediaRefusedEverywhere,
    /// 481: the provider lost track of the call.
    LineLostTrack,
    /// 487, although we did not cancel.
    LineStopped,
    /// 500: an error at the provider.
    LineError,
    /// 501: the provider cannot do this.
    LineUnable,
    /// 502: the provider got a bad answer from the next network.
    LineGateway,
    /// 503: the provider is overloaded or under repair.
    LineOverloaded,
    /// 504: the next network did not answer the provider.
    LineTimeout,
    /// The provider refused the call for another reason (other 4xx and 6xx).
    LineRefused {
        /// SIP code, where one is known.
        code: Option<u16>,
    },
    /// The provider or the bridge could not carry the call (other 5xx, or no code at all).
    LineFailed {
        /// SIP code, where one is known.
        code: Option<u16>,
    },
    /// The LiveKit project has no trunk to dial out with, or not the one that was asked for.
    NoLine,
    /// The LiveKit project has no SIP part running.
    NoBridge,
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
    /// Somebody or something ended the call on the server: room deleted, participant removed.
    EndedByServer,
    /// Microphone or speaker could not be opened.
    NoSound {
        /// The sentence of the audio adapter.
        what: String,
    },
    /// The caller gave up, or nobody answered in time.
    Missed,
    /// We declined.
    DeclinedHere,
    /// Turned away by rule: outside business hours, and no other desk rang.
    TurnedAway,
    /// The same call, shown in a second room.
    Duplicate,
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

/// Final SIP codes with a reason of their own (RFC 3261 section 21, RFC 8197, RFC 8688).
const SIP: [(u16, EndReason); 25] = [
    (401, EndReason::LinePassword),
    (402, EndReason::LineUnpaid),
    (403, EndReason::LineForbidden),
    (404, EndReason::NotInService),
    (407, EndReason::LineProxyPassword),
    (408, EndReason::NoReply),
    (410, EndReason::NumberGone),
    (415, EndReason::MediaUnknown),
    (480, EndReason::Unavailable),
    (481, EndReason::LineLostTrack),
    (484, EndReason::NumberIncomplete),
    (486, EndReason::Busy),
    (487, EndReason::LineStopped),
    (488, EndReason::MediaRefused),
    (500, EndReason::LineError),
    (501, EndReason::LineUnable),
    (502, EndReason::LineGateway),
    (503, EndReason::LineOverloaded),
    (504, EndReason::LineTimeout),
    (600, EndReason::BusyEverywhere),
    (603, EndReason::Declined),
    (604, EndReason::NoSuchNumber),
    (606, EndReason::MediaRefusedEverywhere),
    (607, EndReason::Unwanted),
    (608, EndReason::Blocked),
];

impl EndReason {
    /// Stable word for the journal, the terminal and the user interface.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::FarEndHungUp => "far_end_hung_up",
            Self::FarEndLost => "far_end_lost",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::BusyEverywhere => "busy_everywhere",
            Self::Declined => "declined",
            Self::Unwanted => "unwanted",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
            Self::NoAnswer => "no_answer",
            Self::NeverRang => "never_rang",
            Self::NotInService => "not_in_service",
            Self::NumberGone => "number_gone",
            Self::NumberIncomplete => "number_incomplete",
            Self::NoSuchNumber => "no_such_number",
            Self::Unavailable => "unavailable",
            Self::NoReply => "no_reply",
            Self::Moved { .. } => "moved",
            Self::LinePassword => "line_password",
            Self::LineProxyPassword => "line_proxy_password",
            Self::LineUnpaid => "line_unpaid",
            Self::LineForbidden => "line_forbidden",
            Self::MediaUnknown => "media_unknown",
            Self::MediaRefused => "media_refused",
            Self::MediaRefusedEverywhere => "media_refused_everywhere",
            Self::LineLostTrack => "line_lost_track",
            Self::LineStopped => "line_stopped",
            Self::LineError => "line_error",
            Self::LineUnable => "line_unable",
            Self::LineGateway => "line_gateway",
            Self::LineOverloaded => "line_overloaded",
            Self::LineTimeout => "line_timeout",
            Self::LineRefused { .. } => "line_refused",
            Self::LineFailed { .. } => "line_failed",
            Self::NoLine => "no_line",
            Self::NoBridge => "no_bridge",
            Self::NotSignedIn => "not_signed_in",
            Self::NoEngine { .. } => "no_engine",
            Self::SignInRefused => "sign_in_refused",
            Self::NoNetwork => "no_network",
            Self::ConnectionLost => "connection_lost",
            Self::EndedByServer => "ended_by_server",
            Self::NoSound { .. } => "no_sound",
            Self::Missed => "missed",
            Self::DeclinedHere => "declined_here",
            Self::TurnedAway => "turned_away",
            Self::Duplicate => "duplicate",
            Self::Transferred { .. } => "transferred",
            Self::AnsweredElsewhere { .. } => "answered_elsewhere",
            Self::Interrupted => "interrupted",
            Self::BadNumber { .. } => "bad_number",
            Self::AlreadyInCall => "already_in_call",
        }
    }

    /// The SIP code that stands for this reason; shown on request only.
    #[must_use]
    pub fn sip_code(&self) -> Option<u16> {
        if let Self::Moved { code } = self {
            Some(*code)
        } else if let Self::LineRefused { code } | Self::LineFailed { code } = self {
            *code
        } else {
            self.code_of_table()
        }
    }

    fn code_of_table(&self) -> Option<u16> {
        let found = SIP.iter().find(|(_, reason)| reason == self);
        found.map(|(code, _)| *code)
    }

    /// Should the row stand out as a call nobody here took?
    #[must_use]
    pub fn is_missed(&self) -> bool {
        *self == Self::Missed
    }

    /// Is this the fault of our own line or its provider, so that another line may carry the same call? Only what cannot be
    /// anything else: a SIP code of the 500s, a sign-in, payment or permission that the provider misses, a trunk that is gone.
    #[must_use]
    pub fn is_providers(&self) -> bool {
        match self {
            Self::LinePassword
            | Self::LineProxyPassword
            | Self::LineUnpaid
            | Self::LineForbidden
            | Self::LineError
            | Self::LineUnable
            | Self::LineGateway
            | Self::LineOverloaded
            | Self::LineTimeout
            | Self::LineFailed { code: Some(_) }
            | Self::NoLine => true,
            Self::HungUp
            | Self::FarEndHungUp
            | Self::FarEndLost
            | Self::Cancelled
            | Self::Busy
            | Self::BusyEverywhere
            | Self::Declined
            | Self::Unwanted
            | Self::Blocked
            | Self::Rejected
            | Self::NoAnswer
            | Self::NeverRang
            | Self::NotInService
            | Self::NumberGone
            | Self::NumberIncomplete
            | Self::NoSuchNumber
            | Self::Unavailable
            | Self::NoReply
            | Self::Moved { .. }
            | Self::MediaUnknown
            | Self::MediaRefused
            | Self::MediaRefusedEverywhere
            | Self::LineLostTrack
            | Self::LineStopped
            | Self::LineRefused { .. }
            | Self::LineFailed { code: None }
            | Self::NoBridge
            | Self::NotSignedIn
            | Self::NoEngine { .. }
            | Self::SignInRefused
            | Self::NoNetwork
            | Self::ConnectionLost
            | Self::EndedByServer
            | Self::NoSound { .. }
            | Self::Missed
            | Self::DeclinedHere
            | Self::TurnedAway
            | Self::Duplicate
            | Self::Transferred { .. }
            | Self::AnsweredElsewhere { .. }
            | Self::Interrupted
            | Self::BadNumber { .. }
            | Self::AlreadyInCall => false,
        }
    }

    /// Did the network refuse or fail the call, so that a person expects to hear the tone of a busy line?
    pub(crate) fn sounds_busy(&self) -> bool {
        let refused = matches!(
            self,
            Self::Rejected
                | Self::NeverRang
                | Self::Moved { .. }
                | Self::LineRefused { .. }
                | Self::LineFailed { .. }
        );
        // a person who said no is told in words
        refused || (self.code_of_table().is_some() && *self != Self::Declined)
    }

    /// Names the outcome of a refused outbound call by its SIP code.
    #[must_use]
    pub fn from_sip_code(code: u16) -> Self {
        let known = SIP.iter().find(|(known, _)| *known == code);
        match (known, code) {
            (Some((_, reason)), _) => reason.clone(),
            (None, 300..=399) => Self::Moved { code },
            (None, 400..=499 | 600..=699) => Self::LineRefused { code: Some(code) },
            (None, _) => Self::LineFailed { code: Some(code) },
        }
    }
}
