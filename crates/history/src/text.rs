//! How text and numbers are made comparable: what a search looks at, what it looks for, what contacts are matched by.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What of a name, number or label is kept and searched, in characters.
pub(crate) const LONGEST_NAME: usize = 320;
/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 10_000;
/// What of a search text is looked at, in characters.
const LONGEST_SEARCH: usize = 200;
/// Words of a search text that are looked at.
const MOST_WORDS: usize = 8;
/// Digits that two numbers must share at the end to be taken for the same one, at most and at least.
pub(crate) const TAIL: (usize, usize) = (9, 8);

/// Without what cannot be seen (control and direction marks, NUL), with single spaces, at most `longest` characters.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let mut cleaned = String::new();
    // Looking at a bounded part only: a megabyte of marks costs no more than a name.
    let visible = text
        .chars()
        .take(longest.saturating_mul(4))
        .map(|c| if is_invisible(c) { ' ' } else { c });
    let mut length = 0;
    let mut space = false;
    for c in visible {
        if c.is_whitespace() {
            space = length > 0;
            continue;
        }
        if std::mem::take(&mut space) {
            if length + 1 >= longest {
                break;
            }
            cleaned.push(' ');
            length += 1;
        }
        if length >= longest {
            break;
        }
        cleaned.push(c);
        length += 1;
    }
    cleaned
}

/// As [`clean`], for text that may have lines: line breaks are kept.
pub(crate) fn clean_lines(text: &str) -> String {
    text.trim()
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\r' => '\n',
            c if is_invisible(c) => ' ',
            c => c,
        })
        .collect()
}

/// Marks that are not seen but change how the rest is shown.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Equal for texts that a person takes for the same: without case, accents and invisible marks, with single spaces.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        if c.is_whitespace() || is_invisible(c) {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else {
            folded.push(c);
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

/// The digits of a text, full-width and other national ones not included.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// E.164 if it is written so.
pub(crate) fn e164(number: &str) -> Option<&str> {
    is_e164(number).then_some(number)
}

/// Every way in which the digits of a number are written, so that any part of any of them is found: with international
/// prefix and country code, in the national form with its trunk prefix, as dialled.
fn written_forms(number: &str, dialled: Option<&str>) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    let mut add = |form: String| {
        if !form.is_empty() && !forms.iter().any(|known| known.contains(&form)) {
            forms.push(form);
        }
    };
    if is_e164(number) {
        add(format!("00{}", digits(number)));
        if let Ok(parsed) = phonenumber::parse(None, number) {
            let national = parsed.format().mode(phonenumber::Mode::National);
            add(digits(&national.to_string()));
        }
    } else {
        add(digits(number));
        if number.chars().any(char::is_alphabetic) {
            add(fold(number));
        }
    }
    if let Some(dialled) = dialled {
        add(digits(dialled));
    }
    forms
}

/// What a search of calls looks at. Parts are lines of their own, which no search text has, so no hit spans two.
pub(crate) fn call_haystack(
    number: &str,
    dialled: Option<&str>,
    name: Option<&str>,
    note: &str,
) -> String {
    let dialled = dialled.map(|dialled| clean(dialled, LONGEST_NAME));
    let mut lines = written_forms(&clean(number, LONGEST_NAME), dialled.as_deref());
    lines.extend(name.map(|name| fold(&clean(name, LONGEST_NAME))));
    lines.push(fold(note));
    with_runs(lines)
}

/// What a search of contacts looks at.
pub(crate) fn contact_haystack<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    numbers: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let mut lines: Vec<String> = texts.into_iter().map(fold).collect();
    for (number, e164) in numbers {
        lines.extend(written_forms(e164.unwrap_or(number), Some(number)));
    }
    with_runs(lines)
}

/// Digits that one character of a run stands for, and that three of them in a row span: what the index knows as one term.
const RUN: (usize, usize) = (3, 5);

/// The lines as one text, and every run of digits in them once more, in characters that each stand for three digits.
///
/// Three digits alone are in a tenth of all numbers, and the numbers of one city share most of theirs: looking for calls
/// that have all triples of a number would read half of the index. Three such characters are five digits, which few
/// numbers share.
fn with_runs(mut lines: Vec<String>) -> String {
    lines.retain(|line| !line.is_empty());
    let text = lines.join("\n");
    let mut all = text.clone();
    for run in text.split(|c: char| !c.is_ascii_digit()) {
        if run.len() >= RUN.1 {
            all.push('\n');
            all.extend(run_characters(run));
        }
    }
    all
}

/// From the private use area, where nothing has a meaning of its own.
fn run_characters(digits: &str) -> impl Iterator<Item = char> {
    digits.as_bytes().windows(RUN.0).filter_map(|window| {
        let value = window
            .iter()
            .fold(0, |value, digit| value * 10 + u32::from(*digit - b'0'));
        char::from_u32(0xe000 + value)
    })
}

/// What calls and contacts are brought together by: the last eight digits, all of a shorter number, the whole of an address
/// with letters. `None`: nothing to go by. Equal keys are necessary, not sufficient.
pub(crate) fn caller_key(number: &str) -> Option<String> {
    let number = without_extension(number);
    if number.chars().any(|c| c.is_alphabetic() || c == '@') {
        let folded = fold(&clean(number, LONGEST_NAME));
        let bare = folded
            .strip_prefix("sips:")
            .or_else(|| folded.strip_prefix("sip:"));
        return Some(bare.unwrap_or(&folded).to_owned()).filter(|key| !key.is_empty());
    }
    let digits = digits(number);
    let tail = digits
        .get(digits.len().saturating_sub(TAIL.1)..)
        .unwrap_or_default();
    (!tail.is_empty()).then(|| tail.to_owned())
}

/// The number without what is dialled after the answer, and without `tel:`.
pub(crate) fn without_extension(number: &str) -> &str {
    let number = number.trim();
    let number = number
        .get(..4)
        .filter(|scheme| scheme.eq_ignore_ascii_case("tel:"))
        .map_or(number, |_| number.get(4..).unwrap_or_default());
    if number.contains('@') || !number.starts_with(['+', '(', '0']) && !starts_with_digit(number) {
        return number;
    }
    let end = number.find([';', ',', '#', 'x', 'X', 'e', 'E']);
    number
        .get(..end.unwrap_or(number.len()))
        .unwrap_or(number)
        .trim()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// A search text, ready to be looked for. All of it is literal: there is no syntax.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Needle {
    words: Vec<Word>,
}

/// A part of the search text that must be found: in any of these ways of writing it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word(Vec<String>);

impl Needle {
    /// A text that is a number in any format is looked for as one; in any other text every word must be found.
    pub(crate) fn parse(text: &str) -> Self {
        let text: String = text.chars().take(LONGEST_SEARCH).collect();
        let folded = fold(&text);
        if folded.is_empty() {
            return Self::default();
        }
        if let Some(number) = Word::number(&folded) {
            return Self {
                words: vec![number],
            };
        }
        let words = folded.split(' ').take(MOST_WORDS);
        Self {
            words: words
                .map(|word| Word::number(word).unwrap_or_else(|| Word(vec![word.to_owned()])))
                .collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Is every word in one of the haystacks?
    pub(crate) fn is_in(&self, haystacks: &[&str]) -> bool {
        self.words
            .iter()
            .all(|word| haystacks.iter().any(|haystack| word.is_in(haystack)))
    }

    /// Which words are in it, as a set of their places.
    pub(crate) fn words_in(&self, haystack: &str) -> u32 {
        let places = self.words.iter().enumerate();
        places
            .filter(|(_, word)| word.is_in(haystack))
            .fold(0, |set, (place, _)| set | 1 << place)
    }

    /// Is a word too short for the index?
    pub(crate) fn has_short_word(&self) -> bool {
        self.words.iter().any(|word| word.trigrams().is_none())
    }

    /// The set of all words.
    pub(crate) fn every_word(&self) -> u32 {
        (1 << self.words.len()) - 1
    }

    /// The words that are not in this set.
    pub(crate) fn without(&self, set: u32) -> Self {
        let kept = self.words.iter().enumerate();
        Self {
            words: kept
                .filter(|(place, _)| set & 1 << place == 0)
                .map(|(_, word)| word.clone())
                .collect(),
        }
    }

    /// The words that an index of three characters knows, as a query that finds at least every haystack with all of them.
    /// `None`: all words are too short for it.
    pub(crate) fn all(&self) -> Option<String> {
        let known: Vec<_> = self.words.iter().filter_map(Word::trigrams).collect();
        (!known.is_empty()).then(|| known.join(" AND "))
    }

    /// As [`Self::all`], for haystacks with any of these words.
    pub(crate) fn any(&self) -> Option<String> {
        let known: Vec<_> = self.words.iter().filter_map(Word::trigrams).collect();
        (!known.is_empty()).then(|| known.join(" OR "))
    }
}

impl Word {
    fn number(text: &str) -> Option<Self> {
        let is_number = text.chars().all(|c| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    ' ' | '+' | '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}'
                )
        });
        // The trunk prefix that is written but not dialled from abroad.
        let dialled = if text.starts_with('+') || text.starts_with("00") {
            text.replacen("(0)", "", 1)
        } else {
            text.to_owned()
        };
        let digits = digits(&dialled);
        if !is_number || digits.is_empty() {
            return None;
        }
        let mut ways = vec![digits.clone()];
        // From North America the rest of the world begins with 011; too short a rest would find half the world.
        if let Some(rest) = digits.strip_prefix("011")
            && rest.len() >= TAIL.1
        {
            ways.push(rest.to_owned());
        }
        if text != digits {
            ways.push(text.to_owned()); // as it may stand in a note
        }
        Some(Self(ways))
    }

    fn is_in(&self, haystack: &str) -> bool {
        self.0.iter().any(|way| haystack.contains(way.as_str()))
    }

    fn trigrams(&self) -> Option<String> {
        let ways: Option<Vec<_>> = self.0.iter().map(|way| terms_of(way)).collect();
        ways.map(|ways| format!("({})", ways.join(" OR ")))
    }
}

/// The end of a number as part of a query: one term, since the second look knows the rest. `None`: too short for it.
pub(crate) fn key_query(key: &str) -> Option<String> {
    terms_of(key.get(key.len().saturating_sub(RUN.1)..).unwrap_or(key))
}

/// What the index must have where it has this text: five digits at a time where there are as many, else three characters.
fn terms_of(text: &str) -> Option<String> {
    if text.len() >= RUN.1 && text.bytes().all(|b| b.is_ascii_digit()) {
        // Numbers of one place share most of their runs, so each that is left out would cost more than it saves.
        return trigrams_of(&run_characters(text).collect::<String>(), usize::MAX);
    }
    trigrams_of(text, MOST_TRIGRAMS)
}

/// Trigrams of one word that are looked for.
const MOST_TRIGRAMS: usize = 4;

/// The trigrams of a text as a full-text query: each a quoted string, so that no character of it means anything. Of a long
/// text the first, the last and those in the middle: every one more is a list that the index walks, and the second look tells
/// what has these and not the text.
fn trigrams_of(text: &str, most: usize) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let all: Vec<&[char]> = characters.windows(3).collect();
    let mut trigrams: Vec<String> = spread(&all, most)
        .map(|three| {
            format!(
                "\"{}\"",
                three.iter().collect::<String>().replace('"', "\"\"")
            )
        })
        .collect();
    trigrams.sort_unstable();
    trigrams.dedup();
    (!trigrams.is_empty()).then(|| format!("({})", trigrams.join(" AND ")))
}

/// So many of them at most, the first and the last among them, evenly apart.
fn spread<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let (last, steps) = (all.len().saturating_sub(1), most.saturating_sub(1).max(1));
    let few = all.len() <= most;
    let taken = if few { all.len() } else { most };
    (0..taken).filter_map(move |n| all.get(if few { n } else { n * last / steps }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(search: &str, number: &str) -> bool {
        Needle::parse(search).is_in(&[&call_haystack(number, None, None, "")])
    }

    #[test]
    fn a_number_is_found_in_any_format() {
        for search in [
            "020 7946 0018",
            "02079460018",
            "+44 20 7946 0018",
            "\u{2b}44 (0)20 7946 0018",
            "0044 20 7946 0018",
            "011 44 20 7946 0018",
            "(020) 7946-0018",
            "7946 0018",
            "0018",
            "946",
            "18",
        ] {
            assert!(finds(search, "+442079460018"), "{search}");
        }
        for search in ["0208", "020 7946 0019", "00181", "1 20 7946 0018"] {
            assert!(!finds(search, "+442079460018"), "{search}");
        }
        for search in ["(212) 555-0100", "1-212-555-0100", "+1 212.555.0100"] {
            assert!(finds(search, "+12125550100"), "{search}");
        }
        assert!(finds("100", "100") && finds("ANNA", "anna@example.org"));
    }

    #[test]
    fn text_is_found_without_case_accents_and_marks() {
        let hay = call_haystack(
            "",
            None,
            Some("Zoë\u{202e} Müller-Straße"),
            "Rückruf\r\nam  Montag",
        );
        for search in ["zoe", "MULLER", "müller zoë", "ruckruf am", "montag straße"] {
            assert!(Needle::parse(search).is_in(&[&hay]), "{search}");
        }
        assert!(!Needle::parse("zoe peter").is_in(&[&hay]));
        assert!(!Needle::parse("%").is_in(&[&hay]) && !Needle::parse("m_ller").is_in(&[&hay]));
    }

    #[test]
    fn no_hit_spans_two_parts() {
        let hay = call_haystack("+12125550100", None, Some("Ann"), "bee");
        assert!(!Needle::parse("annbee").is_in(&[&hay]));
        assert!(!Needle::parse("0100ann").is_in(&[&hay]));
    }

    #[test]
    fn hostile_names_are_cut_and_cleaned() {
        let huge = "\u{202e}\0x".repeat(1_000_000);
        let cleaned = clean(&huge, LONGEST_NAME);
        assert!(cleaned.chars().count() <= LONGEST_NAME);
        assert!(!cleaned.chars().any(is_invisible));
        assert_eq!(clean("a\0b\u{2066}c", 10), "a b c");
        assert_eq!(clean("aaaa b", 5), "aaaa");
        assert_eq!(clean("", 5), "");
    }

    #[test]
    fn keys_ignore_the_format_and_the_extension() {
        for number in [
            "+44 20 7946 0018",
            "tel:+44-20-7946-0018;ext=5",
            "020 7946 0018 ext. 12",
            "020 79460018 x9",
        ] {
            assert_eq!(caller_key(number).as_deref(), Some("79460018"), "{number}");
        }
        assert_eq!(caller_key("100").as_deref(), Some("100"));
        assert_eq!(
            caller_key("sip:Anna@Example.org").as_deref(),
            Some("anna@example.org")
        );
        assert_eq!(caller_key(""), None);
        assert_eq!(caller_key(" - "), None);
    }

    #[test]
    fn of_a_long_word_its_ends_and_its_middle_are_looked_for() {
        let taken = |count: u8| -> Vec<u8> {
            let all: Vec<u8> = (0..count).collect();
            spread(&all, 4).copied().collect()
        };
        assert!(taken(0).is_empty());
        assert_eq!(taken(4), [0, 1, 2, 3]);
        assert_eq!(taken(5), [0, 1, 2, 4]);
        assert_eq!(taken(10), [0, 3, 6, 9]);
        assert_eq!(
            Needle::parse("stenjorden").all().as_deref(),
            Some("((\"den\" AND \"enj\" AND \"jor\" AND \"ste\"))")
        );
    }

    #[test]
    fn a_query_has_no_syntax() {
        assert_eq!(
            Needle::parse("a\"b*").all().as_deref(),
            Some("((\"\"\"b*\" AND \"a\"\"b\"))")
        );
        assert_eq!(Needle::parse("ab").all(), None);
        assert_eq!(
            Needle::parse("ab cde").any().as_deref(),
            Some("((\"cde\"))")
        );
        assert_eq!(Needle::parse(" \0 "), Needle::default());
    }
}
