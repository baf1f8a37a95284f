//! Where a call can be handed over to: a number, or an address of another kind, hostile until parsed.
//!
//! Links to telephones are those of RFC 3966, addresses those of RFC 3261 section 25.1, both without the parts that have
//! no meaning here. Whatever ends up in a `Refer-To` header is checked character by character.

use thiserror::Error;

use crate::number::{self, NumberError, Region};
use crate::output::TransferTarget;

/// Longest address looked at, in bytes.
const LONGEST: usize = 255;
/// Longest name of a host (RFC 1035).
const LONGEST_HOST: usize = 253;
/// Longest part of a name of a host.
const LONGEST_LABEL: usize = 63;
/// Parameters that change what the address means or where a request really goes.
const REFUSED_PARAMETERS: [&str; 3] = ["method", "maddr", "ttl"];

/// Why a text is nobody to transfer to: one sentence each, for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Nothing there.
    #[error("There is nobody to transfer to. Type a number or a sip: address.")]
    Empty,
    /// Longer than any address has to be.
    #[error("This address is too long. Check it and try again.")]
    TooLong,
    /// A control character, a space inside, or anything but ASCII.
    #[error("This address contains a character that no address has. Type it again.")]
    BadCharacter,
    /// A scheme that no telephone knows.
    #[error("Calls go to numbers and to sip: addresses only. Type one of those.")]
    OtherScheme,
    /// `somebody@somewhere` without a scheme.
    #[error("Begin the address with “sip:” if this is one of a telephone.")]
    NoScheme,
    /// A number that counts inside some network only.
    #[error(
        "This number counts inside its own network only. Type it with its country code instead."
    )]
    LocalNumber,
    /// A number with an extension or another addition.
    #[error("A call cannot be transferred to an extension. Type the main number instead.")]
    Extension,
    /// No name before the `@`.
    #[error("The address needs a name before the @. Check it and try again.")]
    BadUser,
    /// A password, which would be sent to strangers.
    #[error("The address contains a password. Remove it and try again.")]
    Password,
    /// The part after the `@` is no host.
    #[error("The part after the @ is not the name of a computer. Check it and try again.")]
    BadHost,
    /// Not 1 to 65535.
    #[error("The port in this address is not one. Check it and try again.")]
    BadPort,
    /// Badly formed, or one that changes where the request goes.
    #[error("The part after the “;” of this address cannot be used here. Remove it and try again.")]
    BadParameter,
    /// `?…`: headers for the request.
    #[error("The part after the “?” of this address cannot be used here. Remove it and try again.")]
    Headers,
    /// The number parser says no.
    #[error(transparent)]
    Number(#[from] NumberError),
}

/// Somebody a call can be handed over to.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    to: TransferTarget,
    shown: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Target(…)") // as for numbers: not above DEBUG, and nobody needs it in a dump
    }
}

impl Target {
    /// For the switchboard.
    #[must_use]
    pub fn to(&self) -> &TransferTarget {
        &self.to
    }

    /// For a person.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Parses what a person typed or pasted: a number, a `tel:` link, a `sip:` or `sips:` address.
///
/// # Errors
/// A [`TargetError`], whose text can be shown as it is.
pub fn parse(typed: &str, region: Region) -> Result<Target, TargetError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(TargetError::Empty);
    }
    if typed.len() > LONGEST {
        return Err(TargetError::TooLong);
    }
    match split_scheme(typed) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel") => telephone(rest, region),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") => address("sip", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sips") => address("sips", rest),
        Some(_) => Err(TargetError::OtherScheme),
        None if typed.contains('@') => Err(TargetError::NoScheme),
        None => number(typed, region),
    }
}

fn split_scheme(typed: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = typed.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some((scheme, rest))
}

fn number(typed: &str, region: Region) -> Result<Target, TargetError> {
    let number = number::parse(typed, region)?;
    Ok(Target {
        to: TransferTarget::Number(number.dial().into()),
        shown: number.shown().into(),
    })
}

/// `tel:` as in RFC 3966. A number without `+` and without a context is read as if it were typed.
fn telephone(rest: &str, region: Region) -> Result<Target, TargetError> {
    let (digits, parameters) = match rest.split_once(';') {
        Some((digits, parameters)) => (digits, Some(parameters)),
        None => (rest, None),
    };
    if let Some(parameters) = parameters {
        let name = |parameter: &str| {
            let name = parameter.split('=').next().unwrap_or_default();
            name.to_ascii_lowercase()
        };
        let names: Vec<String> = parameters.split(';').map(name).collect();
        return Err(if names.iter().any(|name| name == "phone-context") {
            TargetError::LocalNumber
        } else if names.iter().any(|name| name == "ext" || name == "isub") {
            TargetError::Extension
        } else {
            TargetError::BadParameter
        });
    }
    let visual = |c: char| matches!(c, '-' | '.' | '(' | ')' | '+');
    if digits.chars().any(|c| !c.is_ascii_digit() && !visual(c)) {
        return Err(TargetError::BadCharacter);
    }
    number(digits, region)
}

/// What follows `sip:` or `sips:`.
fn address(scheme: &str, rest: &str) -> Result<Target, TargetError> {
    if !rest.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TargetError::BadCharacter);
    }
    let (user, rest) = rest.split_once('@').ok_or(TargetError::BadUser)?;
    if user.contains(':') {
        return Err(TargetError::Password);
    }
    if user.is_empty() || !is_made_of(user, |b| is_mark(b) || b"&=+$,/".contains(&b)) {
        return Err(TargetError::BadUser);
    }
    if rest.contains('?') {
        return Err(TargetError::Headers);
    }
    let (place, parameters) = match rest.split_once(';') {
        Some((place, parameters)) => (place, Some(parameters)),
        None => (rest, None),
    };
    host_and_port(place)?;
    if let Some(parameters) = parameters {
        for parameter in parameters.split(';') {
            check_parameter(parameter)?;
        }
    }
    Ok(Target {
        to: TransferTarget::Address(format!("{scheme}:{user}@{rest}")),
        shown: format!("{user}@{place}"),
    })
}

fn host_and_port(place: &str) -> Result<(), TargetError> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or(TargetError::BadHost)?;
        if !is_ipv6(inside) {
            return Err(TargetError::BadHost);
        }
        let port = match after {
            "" => None,
            after => Some(after.strip_prefix(':').ok_or(TargetError::BadHost)?),
        };
        (None, port)
    } else {
        match place.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(place), None),
        }
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Err(TargetError::BadHost);
    }
    match port {
        None => Ok(()),
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse::<u16>() {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(TargetError::BadPort),
        },
        Some(_) => Err(TargetError::BadPort),
    }
}

fn is_ipv4(text: &str) -> bool {
    let is_byte = |part: &str| {
        part.parse::<u8>()
            .is_ok_and(|byte| byte.to_string() == part)
    };
    text.split('.').count() == 4 && text.split('.').all(is_byte)
}

/// Eight groups of hexadecimal digits, a run of zeros left out at most once.
fn is_ipv6(text: &str) -> bool {
    let groups = |side: &str| {
        let is_group = |group: &str| {
            (1..=4).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_hexdigit())
        };
        if side.is_empty() {
            return Some(0);
        }
        side.split(':')
            .all(is_group)
            .then(|| side.split(':').count())
    };
    match text.split_once("::") {
        Some((before, after)) => match (groups(before), groups(after)) {
            (Some(before), Some(after)) => before + after < 8,
            (Some(_), None) | (None, _) => false,
        },
        None => groups(text) == Some(8),
    }
}

fn is_host(host: &str) -> bool {
    if is_ipv4(host) {
        return true;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = name.rsplit('.').next().unwrap_or_default();
    name.len() <= LONGEST_HOST
        && name.split('.').all(is_label)
        && top.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn check_parameter(parameter: &str) -> Result<(), TargetError> {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (parameter, None),
    };
    let ok = |b| is_mark(b) || b"[]/:&+$".contains(&b);
    let formed = !name.is_empty()
        && is_made_of(name, ok)
        && value.is_none_or(|value| !value.is_empty() && is_made_of(value, ok));
    let refused = REFUSED_PARAMETERS
        .iter()
        .any(|refused| name.eq_ignore_ascii_case(refused));
    if formed && !refused && !name.contains('%') {
        Ok(())
    } else {
        Err(TargetError::BadParameter)
    }
}

/// Letters, digits and the marks that may stand unescaped anywhere.
fn is_mark(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b)
}

/// Only bytes that are allowed, or escaped ones (`%41`) that are no control characters.
fn is_made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
            match (digit(), digit()) {
                (Some(high), Some(low)) if high >= 2 && (high, low) != (7, 15) => {}
                (Some(_), Some(_) | None) | (None, _) => return false,
            }
        } else if !allowed(b) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(typed: &str) -> Result<TransferTarget, TargetError> {
        parse(typed, Region::US).map(|target| target.to)
    }

    fn number(text: &str) -> Result<TransferTarget, TargetError> {
        Ok(TransferTarget::Number(text.into()))
    }

    fn address(text: &str) -> Result<TransferTarget, TargetError> {
        Ok(TransferTarget::Address(text.into()))
    }

    #[test]
    fn numbers_and_links_become_numbers() {
        for typed in [
            "+1 212 555 0100",
            "(212) 555-0100",
            "tel:+1-212-555-0100",
            "TEL:+1(212)555.0100",
            "tel:2125550100",
        ] {
            assert_eq!(to(typed), number("+12125550100"), "{typed}");
        }
        assert_eq!(to("911"), number("911"));
        let shown = parse("tel:+12125550100", Region::US).unwrap();
        assert_eq!(shown.shown(), "(212) 555-0100");
    }

    #[test]
    fn links_that_count_elsewhere_are_refused() {
        let local = Err(TargetError::LocalNumber);
        assert_eq!(to("tel:0100;phone-context=example.com"), local);
        assert_eq!(to("tel:0100;ext=2;Phone-Context=+1212"), local);
        assert_eq!(to("tel:+12125550100;ext=22"), Err(TargetError::Extension));
        assert_eq!(to("tel:+12125550100;isub=22"), Err(TargetError::Extension));
        assert_eq!(to("tel:+12125550100;x=1"), Err(TargetError::BadParameter));
        assert_eq!(to("tel:+1212555CALL"), Err(TargetError::BadCharacter));
        assert_eq!(to("tel:"), Err(TargetError::Number(NumberError::Empty)));
        assert_eq!(to("tel:+1 212"), Err(TargetError::BadCharacter));
    }

    #[test]
    fn addresses_are_passed_on_as_they_are() {
        for typed in [
            "sip:ada@example.com",
            "sips:ada@example.com",
            "sip:+12125550100@trunk.example.com:5061",
            "sip:ada.o%20brien@example.com;transport=tls;lr",
            "sip:ada@192.0.2.7:5060",
            "sip:ada@[2001:db8::7]:5060;user=phone",
            "sip:100@pbx",
            "sip:ada@[1:2:3:4:5:6:7:8]",
            "sip:ada@[::]",
        ] {
            assert_eq!(to(typed), address(typed), "{typed}");
        }
        assert_eq!(to("SIP:ada@example.com"), address("sip:ada@example.com"));
        let target = parse("sip:ada@example.com:5061;lr", Region::US).unwrap();
        assert_eq!(target.shown(), "ada@example.com:5061");
    }

    #[test]
    fn hostile_addresses_are_refused_in_a_sentence() {
        use TargetError as E;
        let long = format!("sip:{}@example.com", "a".repeat(400));
        let label = format!("sip:a@{}.com", "a".repeat(64));
        for (typed, why) in [
            ("", E::Empty),
            ("   ", E::Empty),
            (long.as_str(), E::TooLong),
            ("javascript:alert(1)", E::OtherScheme),
            ("https://example.com", E::OtherScheme),
            ("ada@example.com", E::NoScheme),
            ("sip:example.com", E::BadUser),
            ("sip:@example.com", E::BadUser),
            ("sip:a;b@example.com", E::BadUser),
            ("sip:a<b>@example.com", E::BadUser),
            ("sip:\"ada\"@example.com", E::BadUser),
            ("sip:a%0d%0aX@example.com", E::BadUser),
            ("sip:a%7f@example.com", E::BadUser),
            ("sip:a%4@example.com", E::BadUser),
            ("sip:a%zz@example.com", E::BadUser),
            ("sip:ada:secret@example.com", E::Password),
            ("sip:ada@", E::BadHost),
            ("sip:ada@-a.com", E::BadHost),
            ("sip:ada@a..com", E::BadHost),
            ("sip:ada@a_b.com", E::BadHost),
            ("sip:ada@999.0.2.7", E::BadHost),
            (label.as_str(), E::BadHost),
            ("sip:ada@b@c.com", E::BadHost),
            ("sip:ada@[::zz]", E::BadHost),
            ("sip:ada@[1::2::3]", E::BadHost),
            ("sip:ada@[1:2:3:4:5:6:7]", E::BadHost),
            ("sip:ada@[12345::]", E::BadHost),
            ("sip:ada@192.0.2.07", E::BadHost),
            ("sip:ada@[::1", E::BadHost),
            ("sip:ada@[::1]x", E::BadHost),
            ("sip:ada@example.com:", E::BadPort),
            ("sip:ada@example.com:0", E::BadPort),
            ("sip:ada@example.com:65536", E::BadPort),
            ("sip:ada@example.com:+5", E::BadPort),
            ("sip:ada@example.com;", E::BadParameter),
            ("sip:ada@example.com;=x", E::BadParameter),
            ("sip:ada@example.com;x=", E::BadParameter),
            ("sip:ada@example.com;x=\"y\"", E::BadParameter),
            ("sip:ada@example.com;method=BYE", E::BadParameter),
            ("sip:ada@example.com;MAddr=192.0.2.1", E::BadParameter),
            ("sip:ada@example.com;%6dethod=BYE", E::BadParameter),
            ("sip:ada@example.com?Replaces=x", E::Headers),
            ("sip:ada@example.com;x?Route=y", E::Headers),
            ("sip:ada@example.com\r\nVia: x", E::BadCharacter),
            ("sip:ada@exa mple.com", E::BadCharacter),
            ("sip:ada\u{0}@example.com", E::BadCharacter),
            ("sip:ad\u{430}@example.com", E::BadCharacter),
            ("sip:\u{202e}ada@example.com", E::BadCharacter),
        ] {
            assert_eq!(to(typed), Err(why.clone()), "{typed:?}");
            let sentence = why.to_string();
            assert!(sentence.ends_with('.') && sentence.len() < 120);
        }
        assert_eq!(
            to("555-CALL"),
            Err(TargetError::Number(NumberError::NotADigit('C')))
        );
    }

    #[test]
    fn whatever_is_typed_nothing_but_an_address_comes_out() {
        let mut rng = fastrand::Rng::with_seed(11);
        let seeds = [
            "sip:ada@example.com:5060;transport=tcp",
            "sips:a%41@[2001:db8::1]:1;lr",
            "tel:+1-212-555-0100",
            "+12125550100",
        ];
        let noise: Vec<char> = "\r\n\0 <>\"?;@:[]%0af=\\,&\u{202e}é+.-tel"
            .chars()
            .collect();
        let mut taken = 0;
        for _ in 0..200_000 {
            let mut text: Vec<char> = rng.choice(seeds).unwrap().chars().collect();
            for _ in 0..rng.usize(0..4) {
                let at = rng.usize(0..text.len());
                match rng.u8(0..3) {
                    0 => text.insert(at, *rng.choice(&noise).unwrap()),
                    1 => text[at] = *rng.choice(&noise).unwrap(),
                    _ if text.len() > 1 => drop(text.remove(at)),
                    _ => {}
                }
            }
            let text: String = text.into_iter().collect();
            let Ok(target) = parse(&text, Region::US) else {
                continue;
            };
            taken += 1;
            match target.to() {
                TransferTarget::Number(number) => {
                    let digits = number.strip_prefix('+').unwrap_or(number);
                    assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
                }
                TransferTarget::Address(address) => {
                    let hostile = |b: u8| !b.is_ascii_graphic() || b"<>\"?\\".contains(&b);
                    assert!(!address.bytes().any(hostile), "{address:?}");
                    assert!(address.starts_with("sip:") || address.starts_with("sips:"));
                    assert_eq!(address.matches('@').count(), 1, "{address:?}");
                }
            }
        }
        assert!(taken > 10_000, "the test tries nothing that is taken");
    }
}
