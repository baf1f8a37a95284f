//! Exit codes: what a script can tell apart.

use call::EndReason;

/// The call was answered, or the command did what it should.
pub const ANSWERED: u8 = 0;
/// The command line is wrong, or the number cannot be dialled.
pub const WRONG_USE: u8 = 2;
/// Busy.
pub const BUSY: u8 = 10;
/// Nobody answered: rang out, the phone is off or its network silent, given up, missed.
pub const NO_ANSWER: u8 = 11;
/// Declined, there or here.
pub const DECLINED: u8 = 12;
/// There is no such number.
pub const NOT_IN_SERVICE: u8 = 13;
/// No line, no telephone service, not signed in, keychain locked, sign-in refused.
pub const NO_LINE: u8 = 20;
/// The server cannot be reached, was lost or ended the call, or the far end was cut off.
pub const NO_NETWORK: u8 = 30;
/// No microphone or speaker.
pub const NO_SOUND: u8 = 31;
/// Anything else the provider or the program refused.
pub const REFUSED: u8 = 40;

/// The exit code of a call that is over.
#[must_use]
pub fn exit_code(reason: &EndReason) -> u8 {
    match reason {
        EndReason::HungUp | EndReason::FarEndHungUp | EndReason::Transferred { .. } => ANSWERED,
        EndReason::Busy | EndReason::BusyEverywhere => BUSY,
        EndReason::NoAnswer
        | EndReason::Unavailable
        | EndReason::NoReply
        | EndReason::Cancelled
        | EndReason::Missed
        | EndReason::Duplicate
        | EndReason::AnsweredElsewhere { .. } => NO_ANSWER,
        EndReason::Declined
        | EndReason::Unwanted
        | EndReason::Rejected
        | EndReason::DeclinedHere
        | EndReason::TurnedAway => DECLINED,
        EndReason::NotInService
        | EndReason::NumberGone
        | EndReason::NumberIncomplete
        | EndReason::NoSuchNumber => NOT_IN_SERVICE,
        EndReason::NoLine
        | EndReason::NoBridge
        | EndReason::NotSignedIn
        | EndReason::SignInRefused => NO_LINE,
        EndReason::NoNetwork
        | EndReason::ConnectionLost
        | EndReason::FarEndLost
        | EndReason::EndedByServer => NO_NETWORK,
        EndReason::NoSound { .. } | EndReason::NoEngine { .. } => NO_SOUND,
        EndReason::Blocked
        | EndReason::NeverRang
        | EndReason::Moved { .. }
        | EndReason::LinePassword
        | EndReason::LineProxyPassword
        | EndReason::LineUnpaid
        | EndReason::LineForbidden
        | EndReason::MediaUnknown
        | EndReason::MediaRefused
        | EndReason::MediaRefusedEverywhere
        | EndReason::LineLostTrack
        | EndReason::LineStopped
        | EndReason::LineError
        | EndReason::LineUnable
        | EndReason::LineGateway
        | EndReason::LineOverloaded
        | EndReason::LineTimeout
        | EndReason::LineRefused { .. }
        | EndReason::LineFailed { .. }
        | EndReason::Interrupted
        | EndReason::AlreadyInCall => REFUSED,
        EndReason::BadNumber { .. } => WRONG_USE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_a_script_may_ask_for_has_its_code() {
        let of_sip = |code| exit_code(&EndReason::from_sip_code(code));
        assert_eq!(exit_code(&EndReason::HungUp), 0);
        assert_eq!(exit_code(&EndReason::FarEndHungUp), 0);
        assert_eq!(of_sip(486), 10);
        assert_eq!(of_sip(600), 10);
        assert_eq!(exit_code(&EndReason::NoAnswer), 11);
        assert_eq!(of_sip(480), 11);
        assert_eq!(of_sip(603), 12);
        assert_eq!(of_sip(404), 13);
        assert_eq!(exit_code(&EndReason::NoLine), 20);
        assert_eq!(exit_code(&EndReason::NotSignedIn), 20);
        assert_eq!(exit_code(&EndReason::NoNetwork), 30);
        assert_eq!(exit_code(&EndReason::ConnectionLost), 30);
        assert_eq!(
            exit_code(&EndReason::NoSound {
                what: String::new()
            }),
            31
        );
        assert_eq!(of_sip(403), 40);
        assert_eq!(of_sip(503), 40);
        assert_eq!(exit_code(&EndReason::BadNumber { why: String::new() }), 2);
    }
}
