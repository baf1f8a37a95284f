//! Numbers and names, hostile until parsed.

use std::fmt;

use phonenumber::{Mode, country};
use thiserror::Error;
use unicode_segmentation::UnicodeSegmentation;

/// The country whose national form people here type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(country::Id);

impl Region {
    /// United States.
    pub const US: Self = Self(country::Id::US);

    /// Parses an ISO 3166 code such as `GB`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().to_ascii_uppercase().parse().ok().map(Self)
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::US
    }
}

/// What can be dialled.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DialNumber {
    dial: String,
    shown: String,
}

impl fmt::Debug for DialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DialNumber(…)") // numbers are not logged above DEBUG; nobody needs this one in a dump
    }
}

impl DialNumber {
    /// E.164 with `+`, or a short code as typed.
    #[must_use]
    pub fn dial(&self) -> &str {
        &self.dial
    }

    /// As a person in the region writes it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Why a text cannot be dialled: one sentence each, for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Nothing there.
    #[error("There is no number to call. Type or paste one.")]
    Empty,
    /// Letters and the like.
    #[error("“{0}” is not a digit. Type the number with digits only.")]
    NotADigit(char),
    /// More than any number can have.
    #[error("This number is too long. Check it and dial again.")]
    TooLong,
    /// Fewer digits than any number in that country has.
    #[error("This number is too short. Check it and dial again.")]
    TooShort,
    /// The country code or the form is unknown.
    #[error("This is not a number that can be called. Check the country code and dial again.")]
    Unknown,
}

/// Longest input looked at, in characters: E.164 has 15 digits, the rest is room for how people write.
const MAX_TYPED: usize = 40;
/// Shorter inputs without `+` are short codes or extensions and are dialled as typed.
const SHORT_CODE_DIGITS: usize = 6;

/// Parses what a person typed or pasted.
///
/// # Errors
/// A [`NumberError`], whose text can be shown as it is.
pub fn parse(typed: &str, region: Region) -> Result<DialNumber, NumberError> {
    let typed = typed.trim().trim_matches(is_invisible);
    let typed = typed.strip_prefix("tel:").unwrap_or(typed);
    if typed.chars().count() > MAX_TYPED {
        return Err(NumberError::TooLong);
    }
    let mut digits = String::new();
    for c in typed.chars() {
        match c {
            '+' if digits.is_empty() => digits.push('+'),
            c if c.is_ascii_digit() => digits.push(c),
            ' ' | '(' | ')' | '-' | '.' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}' => {}
            c if is_invisible(c) => {}
            c => return Err(NumberError::NotADigit(c)),
        }
    }
    let count = digits.trim_start_matches('+').len();
    if count == 0 {
        return Err(NumberError::Empty);
    }
    if count > 15 {
        return Err(NumberError::TooLong);
    }
    if !digits.starts_with('+') && count <= SHORT_CODE_DIGITS {
        return Ok(DialNumber {
            shown: digits.clone(),
            dial: digits,
        });
    }
    let number = phonenumber::parse(Some(region.0), &digits).map_err(|error| match error {
        phonenumber::ParseError::TooShortNsn | phonenumber::ParseError::TooShortAfterIdd => {
            NumberError::TooShort
        }
        phonenumber::ParseError::TooLong => NumberError::TooLong,
        phonenumber::ParseError::NoNumber
        | phonenumber::ParseError::InvalidCountryCode
        | phonenumber::ParseError::MalformedInteger(_) => NumberError::Unknown,
    })?;
    if !number.is_valid() {
        return Err(if count < 8 {
            NumberError::TooShort
        } else {
            NumberError::Unknown
        });
    }
    Ok(DialNumber {
        dial: number.format().mode(Mode::E164).to_string(),
        shown: shown_form(&number, region),
    })
}

fn shown_form(number: &phonenumber::PhoneNumber, region: Region) -> String {
    let home = number.country().id() == Some(region.0);
    number
        .format()
        .mode(if home {
            Mode::National
        } else {
            Mode::International
        })
        .to_string()
}

/// A number in the form in which the bridge hands over real ones. Only this reaches the number parser from the line.
fn is_international(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The country of a number in E.164, ISO 3166; of a code that many countries share, the first of them. `None`: no number.
#[must_use]
pub fn country(number: &str) -> Option<String> {
    let parsed = is_international(number).then(|| phonenumber::parse(None, number).ok());
    let country = parsed.flatten()?.country().id()?;
    Some(country.as_ref().to_owned())
}

/// A number that came over the line: E.164 where it is one, else as it came, made safe; "" if withheld.
#[must_use]
pub fn from_line(number: &str, region: Region) -> String {
    let parsed = is_international(number).then(|| parse(number, region));
    match parsed {
        Some(Ok(number)) => number.dial,
        Some(Err(_)) | None => display_name(number).unwrap_or_default(),
    }
}

/// How a number that came over the line is shown. Anything that is no number is shown as text, made safe.
#[must_use]
pub fn shown(number: &str, region: Region) -> String {
    let parsed = is_international(number).then(|| parse(number, region));
    match parsed {
        Some(Ok(number)) => number.shown,
        Some(Err(_)) | None => display_name(number).unwrap_or_default(),
    }
}

/// Do two texts mean one number? The same digits, if both are written like numbers ("Line 2" is not the number 2): providers
/// write the same one with and without the plus sign. Who withholds a number has none.
#[must_use]
pub fn same_number(one: &str, other: &str) -> bool {
    let digits = |text: &str| {
        let written = text
            .chars()
            .all(|c| c.is_ascii_digit() || " +-().\u{a0}".contains(c));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        (written && !digits.is_empty()).then_some(digits)
    };
    digits(one).is_some_and(|one| digits(other) == Some(one))
}

/// Longest hostile text that is looked at, in bytes: a name of a megabyte costs no more than this.
const MAX_HOSTILE: usize = 4_096;
/// Longest name shown, in what a person sees as characters.
const MAX_NAME: usize = 64;
/// Code points of one such character that are kept; the rest of a tower of accents falls.
const MAX_MARKS: usize = 8;

/// A name from the line, safe to show: no control, format or direction marks, no runs of spaces, at most 64 characters
/// as a person counts them. `None` if nothing is left.
///
/// It is what the caller says, never who the caller is: always shown beside the number, never matched to a contact.
#[must_use]
pub fn display_name(hostile: &str) -> Option<String> {
    let hostile = hostile.get(..hostile.floor_char_boundary(MAX_HOSTILE))?;
    let visible: String = hostile
        .chars()
        .map(|c| if is_invisible(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let words = words.join(" ");
    let mut seen = words.graphemes(true);
    let mut name = String::new();
    for grapheme in seen.by_ref().take(MAX_NAME - 1) {
        name.extend(grapheme.chars().take(MAX_MARKS));
    }
    match (seen.next(), seen.next()) {
        (Some(last), None) => name.extend(last.chars().take(MAX_MARKS)),
        (Some(_), Some(_)) => name.push('…'),
        (None, _) => {}
    }
    (!name.is_empty()).then_some(name)
}

/// Control and format characters (Unicode categories Cc and Cf), separators of lines, tags, and letters that are blank.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The keys of a telephone and `w` for half a second of pause.
///
/// # Errors
/// One sentence naming the first character that is no key.
pub fn parse_keys(typed: &str) -> Result<String, String> {
    let mut keys = String::new();
    for c in typed.chars().filter(|c| !c.is_whitespace()) {
        match c.to_ascii_uppercase() {
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => keys.push(key),
            'W' | ',' => keys.push('w'),
            _ => {
                return Err(format!(
                    "“{c}” is not a key of a telephone. Use 0 to 9, * and #."
                ));
            }
        }
    }
    if keys.len() > 64 {
        return Err("That is more than 64 keys at once. Send them in parts.".into());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(typed: &str) -> Result<String, NumberError> {
        parse(typed, Region::US).map(|n| n.dial().to_owned())
    }

    #[test]
    fn numbers_of_the_demo_line_pass_the_same_parser_as_any_other() {
        for last in 0..100 {
            let number = format!("+121255501{last:02}");
            assert_eq!(dial(&number).as_deref(), Ok(number.as_str()));
        }
    }

    #[test]
    fn national_pasted_and_linked_forms_become_e164() {
        for typed in [
            "(212) 555-0100",
            "212.555.0100",
            "+1 212 555 0100",
            "tel:+12125550100",
            "\u{202a}212‑555‑0100\u{202c}",
        ] {
            assert_eq!(dial(typed).as_deref(), Ok("+12125550100"), "{typed}");
        }
        let shown = parse("+12125550100", Region::US)
            .unwrap()
            .shown()
            .to_owned();
        assert_eq!(shown, "(212) 555-0100");
        let abroad = parse("+12125550100", Region::parse("gb").unwrap())
            .unwrap()
            .shown()
            .to_owned();
        assert_eq!(abroad, "+1 212-555-0100");
    }

    #[test]
    fn short_codes_are_dialled_as_typed() {
        assert_eq!(dial("911").as_deref(), Ok("911"));
        assert_eq!(dial("1234").as_deref(), Ok("1234"));
    }

    #[test]
    fn bad_numbers_get_one_clear_sentence() {
        assert_eq!(dial(""), Err(NumberError::Empty));
        assert_eq!(dial("  - "), Err(NumberError::Empty));
        assert_eq!(dial("555-CALL"), Err(NumberError::NotADigit('C')));
        assert_eq!(dial("+1 212 555 0100 0000 0000"), Err(NumberError::TooLong));
        assert_eq!(dial(&"9".repeat(400)), Err(NumberError::TooLong));
        assert_eq!(dial("5550100"), Err(NumberError::TooShort));
        assert_eq!(dial("+999 555 0100 00"), Err(NumberError::Unknown));
    }

    #[test]
    fn names_from_the_line_are_made_safe() {
        assert_eq!(
            display_name("a\u{202e}b\u{0}c\n d").as_deref(),
            Some("a b c d")
        );
        assert_eq!(display_name("\u{200b} "), None);
        let long = display_name(&"x".repeat(500)).unwrap();
        assert_eq!(long, format!("{}…", "x".repeat(63)));
        assert_eq!(display_name(&"x".repeat(64)).unwrap(), "x".repeat(64));
        assert_eq!(display_name("").as_deref(), None);
        assert_eq!(shown("anonymous", Region::US), "anonymous");
        assert_eq!(shown("+13125550142", Region::US), "(312) 555-0142");
    }

    #[test]
    fn no_name_is_longer_or_taller_than_a_line() {
        let tower = format!("A{}", "\u{301}".repeat(100_000));
        assert_eq!(display_name(&tower).unwrap().chars().count(), 8);
        let flags = "\u{1f1e9}\u{1f1ea}".repeat(80);
        let shown = display_name(&flags).unwrap();
        assert_eq!(shown.graphemes(true).count(), 64, "{shown}");
        let huge = "é".repeat(1 << 20);
        assert_eq!(display_name(&huge).unwrap().graphemes(true).count(), 64);
        for marks in [
            "\u{2066}\u{2069}",
            "\u{e0041}",
            "\u{3164}",
            "\u{180e}\u{115f}",
        ] {
            assert_eq!(display_name(marks), None, "{marks:?}");
        }
        assert_eq!(
            display_name("<b>Ada</b> +1 212 555 0100").as_deref(),
            Some("<b>Ada</b> +1 212 555 0100"),
            "markup is text, and a number as a name stays a name"
        );
    }

    #[test]
    fn one_number_is_written_in_many_ways() {
        for other in ["12125550100", "+1 (212) 555-0100", "1.212.555.0100"] {
            assert!(same_number("+12125550100", other), "{other}");
        }
        for other in ["", "+", "Line 2", "+12125550101", "sip:12125550100"] {
            assert!(!same_number("+12125550100", other), "{other}");
            assert!(!same_number(other, "+12125550100"), "{other}");
        }
        assert!(!same_number("", ""), "who withholds a number has none");
        assert!(!same_number("Line 2", "2"));
    }

    #[test]
    fn keys_are_checked() {
        assert_eq!(parse_keys("1 2#w*d").as_deref(), Ok("12#w*D"));
        assert!(parse_keys("12x").unwrap_err().contains('x'));
        assert!(parse_keys(&"1".repeat(65)).is_err());
    }
}
