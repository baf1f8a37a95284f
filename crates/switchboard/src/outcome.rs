//! What became of a dial or a transfer.

use call::input::{PlaceFailure, TransferFailure};

use crate::twirp::{RequestError, Said};

/// Names the failure of a dial request. The SIP code comes first and the server's own code is never a reason: 480 and 486
/// share one, and a declined call looks like a missing right.
pub(crate) fn place_failure(error: &RequestError) -> PlaceFailure {
    let said = match error {
        RequestError::Refused { .. } => return PlaceFailure::Refused,
        RequestError::Unreachable { detail } | RequestError::NotLiveKit { detail } => {
            return PlaceFailure::Unreachable {
                detail: detail.clone(),
            };
        }
        RequestError::Said(said) => said,
    };
    if let Some(code) = sip_code(said) {
        return PlaceFailure::Sip { code };
    }
    let says = |words: &str| said.msg.contains(words);
    match said.code.as_str() {
        "canceled" => PlaceFailure::Cancelled,
        _ if says("required auth, but no username or password")
            || says("max auth retry attempts reached") =>
        {
            PlaceFailure::TrunkNeedsPassword
        }
        _ if says("no response from servers") || says("sip not connected") => {
            PlaceFailure::NoBridge
        }
        _ if says("requested sip trunk does not exist") => PlaceFailure::NoLine,
        _ => PlaceFailure::Other {
            detail: error.detail(),
        },
    }
}

/// Names the failure of a transfer. Again the SIP code comes first: a refusal by the third party (603) looks like a
/// missing right.
pub(crate) fn transfer_failure(error: &RequestError) -> TransferFailure {
    let other = || TransferFailure::Other {
        detail: error.detail(),
    };
    let said = match error {
        RequestError::Refused { .. } => return other(),
        RequestError::Unreachable { detail } | RequestError::NotLiveKit { detail } => {
            return TransferFailure::Unreachable {
                detail: detail.clone(),
            };
        }
        RequestError::Said(said) => said,
    };
    if let Some(code) = sip_code(said) {
        return TransferFailure::Sip { code };
    }
    match said.code.as_str() {
        // The far end accepted and then never told how it went, or the bridge gave up waiting.
        "deadline_exceeded" | "canceled" => TransferFailure::NoOutcome,
        "not_found" => TransferFailure::NotUp,
        // The request goes to the bridge that carries this very call: none does.
        "unavailable" if said.msg.contains("no response from servers") => TransferFailure::NotUp,
        "failed_precondition" if said.msg.contains("can't transfer") => TransferFailure::NotUp,
        _ => other(),
    }
}

/// The final code of the far end, if it was that which failed.
fn sip_code(said: &Said) -> Option<u16> {
    let code = said.meta.get("sip_status_code")?.parse().ok()?;
    (300..=699).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twirp::refusal;

    fn outcome(status: u16, body: &str) -> PlaceFailure {
        place_failure(&refusal(status, body.as_bytes()))
    }

    /// Bodies as a server with a real bridge sent them.
    #[test]
    fn a_sip_code_wins_over_everything_else() {
        for (status, code, twirp) in [
            (429, 486, "resource_exhausted"),
            (429, 600, "resource_exhausted"),
            (429, 480, "resource_exhausted"),
            (403, 603, "permission_denied"),
            (403, 403, "permission_denied"),
            (404, 404, "not_found"),
            (404, 302, "not_found"),
            (401, 407, "unauthenticated"),
            (401, 401, "unauthenticated"),
            (408, 408, "deadline_exceeded"),
            (400, 488, "invalid_argument"),
            (412, 503, "failed_precondition"),
        ] {
            let body = format!(
                r#"{{"code":"{twirp}","msg":"twirp error unknown: INVITE failed: sip status: {code}","meta":{{"error_details":"CAgS","sip_status":"Words","sip_status_code":"{code}"}}}}"#
            );
            assert_eq!(outcome(status, &body), PlaceFailure::Sip { code }, "{body}");
        }
    }

    #[test]
    fn what_has_no_sip_code_is_known_by_its_words() {
        for (status, body, expected) in [
            (
                408,
                r#"{"code":"canceled","msg":"twirp error unknown: sip request timed out"}"#,
                PlaceFailure::Cancelled,
            ),
            (
                412,
                r#"{"code":"failed_precondition","msg":"twirp error unknown: INVITE failed: sip server required auth, but no username or password was provided"}"#,
                PlaceFailure::TrunkNeedsPassword,
            ),
            (
                412,
                r#"{"code":"failed_precondition","msg":"twirp error unknown: INVITE failed: max auth retry attempts reached"}"#,
                PlaceFailure::TrunkNeedsPassword,
            ),
            (
                503,
                r#"{"code":"unavailable","msg":"twirp error unknown: no response from servers"}"#,
                PlaceFailure::NoBridge,
            ),
            (
                500,
                r#"{"code":"internal","msg":"sip not connected (redis required)"}"#,
                PlaceFailure::NoBridge,
            ),
            (
                404,
                r#"{"code":"not_found","msg":"requested sip trunk does not exist"}"#,
                PlaceFailure::NoLine,
            ),
            (
                401,
                r#"{"code":"unauthenticated","msg":"permissions denied"}"#,
                PlaceFailure::Refused,
            ),
            (401, "invalid API key: nokey", PlaceFailure::Refused),
        ] {
            assert_eq!(outcome(status, body), expected, "{body}");
        }
        assert!(matches!(
            outcome(502, "Bad Gateway"),
            PlaceFailure::Unreachable { .. }
        ));
        assert!(matches!(
            outcome(
                429,
                r#"{"code":"resource_exhausted","msg":"cpu exhausted"}"#
            ),
            PlaceFailure::Other { .. }
        ));
        let odd = r#"{"code":"unknown","msg":"","meta":{"sip_status_code":"99999"}}"#;
        assert!(matches!(outcome(500, odd), PlaceFailure::Other { .. }));
    }

    #[test]
    fn a_transfer_that_failed_has_its_name() {
        let outcome = |status, body: &str| transfer_failure(&refusal(status, body.as_bytes()));
        for (status, body, expected) in [
            (
                403,
                r#"{"code":"permission_denied","msg":"call transfer failed","meta":{"sip_status_code":"603"}}"#,
                TransferFailure::Sip { code: 603 },
            ),
            (
                429,
                r#"{"code":"resource_exhausted","msg":"call transfer failed","meta":{"sip_status_code":"486"}}"#,
                TransferFailure::Sip { code: 486 },
            ),
            (
                408,
                r#"{"code":"deadline_exceeded","msg":"request timed out"}"#,
                TransferFailure::NoOutcome,
            ),
            (
                408,
                r#"{"code":"canceled","msg":"refer canceled"}"#,
                TransferFailure::NoOutcome,
            ),
            (
                404,
                r#"{"code":"not_found","msg":"participant does not exist"}"#,
                TransferFailure::NotUp,
            ),
            (
                503,
                r#"{"code":"unavailable","msg":"no response from servers"}"#,
                TransferFailure::NotUp,
            ),
            (
                412,
                r#"{"code":"failed_precondition","msg":"can't transfer non established call"}"#,
                TransferFailure::NotUp,
            ),
            (
                412,
                r#"{"code":"failed_precondition","msg":"can't transfer hung up call"}"#,
                TransferFailure::NotUp,
            ),
        ] {
            assert_eq!(outcome(status, body), expected, "{body}");
        }
        assert!(matches!(
            outcome(400, r#"{"code":"invalid_argument","msg":"bad address"}"#),
            TransferFailure::Other { .. }
        ));
        assert!(matches!(
            outcome(502, "Bad Gateway"),
            TransferFailure::Unreachable { .. }
        ));
        assert!(matches!(
            outcome(401, "invalid API key: nokey"),
            TransferFailure::Other { .. }
        ));
    }
}
