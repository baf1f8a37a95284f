//! Takes access tokens out of texts before anybody sees them.

/// What stands in place of a token.
const MASK: &str = "<token>";

/// Replaces everything that looks like a JSON web token (`eyJ…`) and the value of every
/// `access_token=` by a mask. The engine puts the whole token into the text of a refused connect.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, skip)) = next_secret(rest) {
        let (before, secret) = rest.split_at(at);
        out.push_str(before);
        let (label, secret) = secret.split_at(skip);
        out.push_str(label);
        out.push_str(MASK);
        let end = secret
            .find(|c: char| !is_token_character(c))
            .unwrap_or(secret.len());
        rest = secret.split_at(end).1;
    }
    out.push_str(rest);
    out
}

/// Where the next secret begins, and how many bytes of label come before it.
fn next_secret(text: &str) -> Option<(usize, usize)> {
    const LABEL: &str = "access_token=";
    let token = text.find("eyJ").map(|at| (at, 0));
    let value = text.find(LABEL).map(|at| (at, LABEL.len()));
    match (token, value) {
        (Some(token), Some(value)) => Some(if value.0 < token.0 { value } else { token }),
        (found, None) | (None, found) => found,
    }
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_an_error_text_is_masked_and_the_rest_stays() {
        assert_eq!(
            redact("401 Unauthorized - invalid token: eyJhbGciOiJI.eyJzdWIi_-x.c2ln, bye"),
            "401 Unauthorized - invalid token: <token>, bye"
        );
    }

    #[test]
    fn a_token_in_an_address_is_masked_whatever_it_looks_like() {
        assert_eq!(
            redact("ws://127.0.0.1/rtc?access_token=abc.def%3D&sdk=rust and eyJx.y"),
            "ws://127.0.0.1/rtc?access_token=<token>&sdk=rust and <token>"
        );
    }

    #[test]
    fn other_text_is_left_alone() {
        for text in ["", "Connection refused (os error 111)", "keyJ é eyj"] {
            let masked = redact(text);
            assert!(!masked.contains("eyJ"));
        }
        assert_eq!(redact("Connection refused"), "Connection refused");
    }
}
