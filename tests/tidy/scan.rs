//! The scanners behind the tidy tests: text in, findings out. Each is proven below on a sample it must object to.

/// Rust code without comments and without what stands in strings and characters; line breaks stay.
pub(crate) fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest).filter(|_| !ends_in_word(&code)) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (skipped, next) = rest.split_at(length);
        code.push(' ');
        code.extend(skipped.chars().filter(|c| *c == '\n'));
        rest = next;
    }
    code
}

fn ends_in_word(code: &str) -> bool {
    code.chars().next_back().is_some_and(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"`; `None` when the text does not begin with one.
fn raw_string(text: &str) -> Option<usize> {
    let after_r = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix("cr"))
        .or_else(|| text.strip_prefix('r'))?;
    let body = after_r.trim_start_matches('#');
    let hashes = &after_r[..after_r.len() - body.len()];
    let body = body.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    let start = text.len() - body.len();
    Some(
        body.find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The length of a character literal; `None` for a lifetime or anything else.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let first = chars.next()?;
    if first == '\\' {
        return Some(quoted(text, '\''));
    }
    (chars.next()? == '\'').then(|| 2 + first.len_utf8())
}

/// Line numbers (from 1) on which `word` stands as a whole word; it may contain or end with `::`.
pub(crate) fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let has = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            let open_end = !word.ends_with(is_word);
            !before.is_some_and(is_word) && (open_end || !after.is_some_and(is_word))
        })
    };
    numbered(text)
        .filter(|(_, line)| has(line))
        .map(|(number, _)| number)
        .collect()
}

/// Line numbers (from 1) on which `part` stands anywhere.
pub(crate) fn lines_with(text: &str, part: &str) -> Vec<usize> {
    numbered(text)
        .filter(|(_, line)| line.contains(part))
        .map(|(number, _)| number)
        .collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// International numbers in a text (a plus and 8 to 15 digits, spaced in any way) that somebody could really own:
/// all but +1 NXX 555-01XX (or its beginning, as in a template), the range kept free in London, and what cannot exist:
/// the country code +999 and North American area codes that begin with 0 or 1.
pub(crate) fn real_numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('+') {
        let mut digits = String::new();
        let mut gap = 0;
        for c in text[at + 1..].chars() {
            match c {
                '0'..='9' => {
                    digits.push(c);
                    gap = 0;
                }
                // One separator, or a bracket beside a blank; more is another text.
                ' ' | '-' | '.' | '(' | ')' | '\u{a0}' if !digits.is_empty() && gap < 2 => gap += 1,
                _ => break,
            }
        }
        if (8..=15).contains(&digits.len()) && !is_fictitious(&digits) {
            found.push(format!("+{digits}"));
        }
    }
    found
}

fn is_fictitious(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let is_example = (9..=11).contains(&bytes.len())
        && bytes[0] == b'1'
        && (b'2'..=b'9').contains(&bytes[1])
        && &bytes[4..9] == b"55501";
    let is_free_in_london = digits.len() == 12 && digits.starts_with("442079460");
    let cannot_exist = digits.starts_with("999")
        || bytes.len() == 11 && bytes[0] == b'1' && !(b'2'..=b'9').contains(&bytes[1]);
    is_example || is_free_in_london || cannot_exist
}

/// The host of an address such as `https://user:word@host:8080/path`.
pub(crate) fn host_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest
        .split(['/', '?', '#', ',', '|', '"', '\'', ' '])
        .next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (host.contains('.') || host.len() > 3).then_some(host)
}

mod proofs {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = "let a = \"one // \\\" two\"; // three\n/* four /* five */ */ let b = r#\"six \" seven\"#;\n\
                      let c = 'x'; fn f<'a>(d: &'a str) {} let e = '\\''; let g = b\"eight\"; four";
        let code = code_of(source);
        for gone in [
            "one", "two", "three", "five", "six", "seven", "eight", "'x'",
        ] {
            assert!(!code.contains(gone), "{gone} is left in: {code}");
        }
        for kept in [
            "let a =",
            "let b =",
            "let c =",
            "fn f<'a>(d: &'a str)",
            "let e =",
            "let g =",
            "four",
        ] {
            assert!(code.contains(kept), "{kept} is gone from: {code}");
        }
        assert_eq!(code.lines().count(), source.lines().count());
    }

    #[test]
    fn a_string_over_lines_keeps_the_numbers_of_lines_right() {
        assert_eq!(
            lines_with_word(&code_of("let a = \"\n\n\";\nunsafe {}"), "unsafe"),
            [4]
        );
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(
            lines_with_word("unsafe_code\nunsafe {\nx.unsafe_", "unsafe"),
            [2]
        );
        assert_eq!(
            lines_with_word("use std::fs;\nmy_std::fs\nstd::fsync", "std::fs"),
            [1]
        );
        assert_eq!(lines_with_word("fs::read(x)\nxfs::read(x)", "fs::"), [1]);
    }

    #[test]
    fn numbers_that_somebody_could_own_are_found_in_any_writing() {
        let plus = '+';
        for real in [
            "12025550200",
            "1 (202) 456-1111",
            "31 20 123 4567",
            "442079450018",
            "1-212-555-1100",
        ] {
            let text = format!("call {plus}{real}, please");
            assert_eq!(real_numbers(&text).len(), 1, "{text}");
        }
        for fine in [
            "12125550100",
            "1 (312) 555-0142",
            "1 212 555 0199",
            "1 212 555 01",
            "44 20 7946 0018",
            "1 112 555 1101",
            "1",
            "00:00",
            "5 and 1234567890",
        ] {
            let text = format!("call {plus}{fine}, please");
            assert!(real_numbers(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn hosts_are_found_in_addresses() {
        assert_eq!(
            host_of("https://user:word@mirror.example:8080/simple"),
            Some("mirror.example")
        );
        assert_eq!(
            host_of("http://mirror.example,direct"),
            Some("mirror.example")
        );
        assert_eq!(host_of("direct"), None);
    }
}
