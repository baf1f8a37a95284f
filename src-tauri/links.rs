//! Links from other programs: `tel:`, `callto:`, `sip:`, `sips:` and `deskline:`. Hostile until parsed; a link fills a
//! number in and never dials.
//!
//! Forms: RFC 3966 (`tel:`, with `;ext=` and `;phone-context=`), RFC 3261 (`sip:user@host`); `callto:` and the pauses
//! `,` and `;` are custom and written down nowhere.

use call::number::{self, Region};
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// Longest link looked at, in bytes. A number with an extension and every parameter there is needs a fifth of it.
pub const MAX_LINK: usize = 512;
/// Longest service code.
const MAX_CODE: usize = 30;
/// Most keys sent after the answer.
const MAX_KEYS: usize = 64;
/// What a pause in a link becomes: two seconds.
const PAUSE: &str = "wwww";

/// The kinds of links we take, without the colon.
pub const SCHEMES: [&str; 5] = ["tel", "callto", "sip", "sips", "deskline"];

/// What a link asks to call.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// What can be dialled, or a service code.
    pub number: String,
    /// As people write it.
    pub shown: String,
    /// Keys to send after the answer.
    pub keys: Option<String>,
    /// It switches something at the provider instead of calling anybody.
    pub service_code: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link(…)") // numbers are not logged
    }
}

/// Why a link has nothing to call: one sentence each, for the person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkRefused {
    /// Another kind of link.
    #[error("This is not a link to a phone number. Copy the number and paste it here.")]
    Scheme,
    /// More than any number needs.
    #[error("The link is too long to be a phone number. Copy the number and paste it here.")]
    TooLong,
    /// Control characters, or bytes that are no text.
    #[error("The link holds characters that no phone number has. Type the number instead.")]
    Characters,
    /// A person at a host.
    #[error(
        "The link names a SIP address and not a phone number. Deskline calls phone numbers; ask for one."
    )]
    Address,
    /// The number itself.
    #[error("The link has no number that can be called. {0}")]
    Number(String),
    /// The keys after it.
    #[error(
        "The keys to send after the answer are not 0-9, * or #, or too many. Dial the number and press them yourself."
    )]
    Keys,
}

/// Is it a link that we take? Says nothing about what is in it.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    scheme(text).is_some()
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.trim().split_once(':')?;
    SCHEMES
        .iter()
        .any(|ours| scheme.eq_ignore_ascii_case(ours))
        .then_some((scheme, rest))
}

/// Reads a link.
///
/// # Errors
/// There is nothing in it that can be called.
pub fn parse(text: &str, region: Region) -> Result<Link, LinkRefused> {
    if text.len() > MAX_LINK {
        return Err(LinkRefused::TooLong);
    }
    let (scheme, rest) = scheme(text).ok_or(LinkRefused::Scheme)?;
    let rest = rest.trim_start_matches("//");
    let is_sip = scheme.to_ascii_lowercase().starts_with("sip");
    let rest = if is_sip {
        user_of(rest)?
    } else if scheme.eq_ignore_ascii_case("deskline") {
        deskline(rest)
    } else {
        rest
    };
    // What follows a question mark is for the program that made the link. A `+` in a query is not decoded to a blank:
    // it is the one of the country code.
    let rest = rest.split('?').next().unwrap_or_default();
    let decoded = percent_decode_str(rest)
        .decode_utf8()
        .map_err(|_| LinkRefused::Characters)?;
    if decoded.chars().any(char::is_control) {
        return Err(LinkRefused::Characters);
    }
    let (number, keys) = parts(&decoded)?;
    if number.contains(['*', '#']) {
        return service_code(&number, keys);
    }
    let number =
        number::parse(&number, region).map_err(|why| LinkRefused::Number(why.to_string()))?;
    Ok(Link {
        number: number.dial().to_owned(),
        shown: number.shown().to_owned(),
        keys,
        service_code: false,
    })
}

/// The user of a SIP address, if it is a number.
fn user_of(rest: &str) -> Result<&str, LinkRefused> {
    let user = rest.split('@').next().unwrap_or_default();
    let user = user.split(';').next().unwrap_or_default();
    let user = user.split(':').next().unwrap_or_default(); // a password
    let decoded = percent_decode_str(user).decode_utf8_lossy();
    let is_number = |c: char| c.is_ascii_digit() || "+*#-.()".contains(c);
    if !decoded.chars().all(is_number) || !decoded.chars().any(|c| c.is_ascii_digit()) {
        return Err(LinkRefused::Address);
    }
    Ok(user)
}

/// `deskline:+1…`, `deskline:dial/+1…`, `deskline://dial?number=+1…`.
fn deskline(rest: &str) -> &str {
    let rest = rest
        .strip_prefix("dial")
        .or_else(|| rest.strip_prefix("call"))
        .unwrap_or(rest);
    let rest = rest.trim_start_matches('/');
    match rest.split_once("number=") {
        Some((_, number)) => number.split('&').next().unwrap_or_default(),
        None => rest,
    }
}

/// The number, and the keys after it.
fn parts(text: &str) -> Result<(String, Option<String>), LinkRefused> {
    let mut number = String::new();
    let mut keys = String::new();
    let mut context = None;
    let end = text.find([',', ';']).unwrap_or(text.len());
    let (head, mut rest) = text.split_at_checked(end).unwrap_or((text, ""));
    number.push_str(head.trim());
    while let Some(mark) = rest.chars().next() {
        rest = rest.get(mark.len_utf8()..).unwrap_or_default();
        let end = rest.find([',', ';']).unwrap_or(rest.len());
        let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        let piece = piece.trim();
        match piece.split_once('=') {
            Some((name, value)) if mark == ';' => {
                if name.eq_ignore_ascii_case("ext") || name.eq_ignore_ascii_case("postd") {
                    keys.push_str(PAUSE);
                    keys.push_str(value.trim());
                } else if name.eq_ignore_ascii_case("phone-context") {
                    context = Some(value.trim().to_owned());
                }
                // Every other parameter says nothing about whom to call.
            }
            _ if mark == ',' || piece.chars().any(|c| c.is_ascii_digit()) => {
                keys.push_str(PAUSE);
                keys.push_str(piece);
            }
            _ => {} // a parameter without a value, such as `isub`
        }
    }
    if let Some(context) = context.filter(|context| {
        !number.starts_with('+')
            && context.strip_prefix('+').is_some_and(|digits| {
                (1..=7).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
            })
    }) {
        number.insert_str(0, &context);
    }
    let keys: String = keys
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    if keys.trim_matches('w').is_empty() {
        return Ok((number, None));
    }
    let keys = number::parse_keys(&keys).map_err(|_| LinkRefused::Keys)?;
    if keys.chars().count() > MAX_KEYS {
        return Err(LinkRefused::Keys);
    }
    Ok((number, Some(keys)))
}

fn service_code(number: &str, keys: Option<String>) -> Result<Link, LinkRefused> {
    let code: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let fits = code.len() <= MAX_CODE
        && code
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '+'));
    if !fits {
        return Err(LinkRefused::Number(
            "Type the number with digits only.".into(),
        ));
    }
    Ok(Link {
        shown: code.clone(),
        number: code,
        keys,
        service_code: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<String>, bool), LinkRefused> {
        parse(text, Region::US).map(|link| (link.number, link.keys, link.service_code))
    }

    fn number(text: &str) -> String {
        let (number, keys, code) = read(text).unwrap();
        assert_eq!((keys, code), (None, false), "{text}");
        number
    }

    #[test]
    fn every_usual_writing_is_read() {
        for text in [
            "tel:+1-212-555-0100",
            "TEL:(212)%20555-0100",
            "tel:2125550100;phone-context=example.com",
            "tel:5550100;phone-context=+1212",
            "callto:+12125550100",
            "callto://+12125550100",
            "sip:+12125550100@gateway.example;user=phone",
            "sips:12125550100@gateway.example?subject=hello",
            "sip:%2B12125550100@gateway.example",
            "deskline:+12125550100",
            "deskline://dial/+12125550100",
            "deskline://dial?number=+12125550100&from=crm",
            "deskline:dial?number=%2B12125550100",
            " tel:+12125550100?x=1",
        ] {
            assert_eq!(number(text), "+12125550100", "{text}");
        }
    }

    #[test]
    fn an_extension_and_pauses_become_keys_after_the_answer() {
        for (text, keys) in [
            ("tel:+12125550100;ext=42", "wwww42"),
            ("tel:+12125550100,42#", "wwww42#"),
            ("tel:+12125550100,,42", "wwwwwwww42"),
            ("tel:+12125550100;42;isub=9", "wwww42"),
            ("callto:+12125550100%2C1-2-3", "wwww123"),
        ] {
            assert_eq!(
                read(text).unwrap(),
                ("+12125550100".into(), Some(keys.into()), false),
                "{text}"
            );
        }
        assert_eq!(
            read("tel:+12125550100;ext=xyz").unwrap_err(),
            LinkRefused::Keys
        );
        let many = format!("tel:+12125550100,{}", "1".repeat(100));
        assert_eq!(read(&many).unwrap_err(), LinkRefused::Keys);
    }

    #[test]
    fn service_codes_are_marked() {
        for text in ["tel:*21*%2B12125550100%23", "tel:*#06#", "deskline:**61#"] {
            assert!(read(text).unwrap().2, "{text}");
        }
    }

    #[test]
    fn hostile_links_are_refused_with_a_sentence() {
        let long = format!("tel:{}", "1".repeat(600));
        for text in [
            "",
            "tel:",
            "tel:///",
            "https://example.com",
            "javascript:alert(1)",
            "sip:maria@example.com",
            "sip:@",
            "tel:call me",
            "tel:%00",
            "tel:%0d%0aBcc",
            "tel:%ff%fe",
            "tel:+12125550100\u{7}",
            "tel:\u{202e}0010555212",
            "deskline://settings/wipe",
            "deskline://dial?numbr=1",
            "tel:+999999999999999999",
            "tel:$(reboot)",
            "tel:;ext=1",
            "tel:*21*drop table#",
            &long,
        ] {
            let why = read(text).unwrap_err().to_string();
            assert!(why.ends_with('.') && why.len() < 200, "{text}: {why}");
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        // Every byte at every place of a whole link, and every cut of it.
        let link = "tel:+1-212%20555-0100;ext=42,,1%23;phone-context=+1";
        for at in 0..link.len() {
            let _ = read(&link[..at]);
            for byte in 0..=255u8 {
                let mut bytes = link.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = read(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}
