//! Secrets that must not be found, in every spelling in which a program writes bytes.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes of one read that are looked at again with the next: longer than any spelling.
pub(crate) const OVERLAP: usize = 512;

/// What is looked for.
pub(crate) struct Canaries {
    automaton: AhoCorasick,
    /// Name and spelling of each pattern.
    names: Vec<String>,
}

impl Canaries {
    /// Names and secrets.
    pub(crate) fn new(secrets: &[(&str, &str)]) -> Self {
        let mut patterns = Vec::new();
        let mut names = Vec::new();
        for (name, secret) in secrets {
            assert!(secret.len() >= 12, "{name} is too short to be sure of");
            for (spelling, bytes) in spellings(secret) {
                patterns.push(bytes);
                names.push(format!("{name} ({spelling})"));
            }
        }
        Self {
            automaton: AhoCorasick::new(patterns).unwrap(),
            names,
        }
    }

    /// Which of them these bytes hold.
    pub(crate) fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let found = self.automaton.find_iter(bytes);
        found
            .map(|found| self.names[found.pattern().as_usize()].as_str())
            .collect()
    }
}

/// Plain, as web views keep text, as HTTP carries it, as hexadecimal digits.
fn spellings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let plain = secret.as_bytes();
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = |upper: bool| -> Vec<u8> {
        let digit = |byte: &u8| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        };
        plain.iter().map(digit).collect::<String>().into_bytes()
    };
    let mut all = vec![
        ("plain", plain.to_vec()),
        ("UTF-16", wide),
        ("hexadecimal", hex(false)),
        ("HEXADECIMAL", hex(true)),
    ];
    for offset in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            all.push(("base64", inside_base64(engine, plain, offset)));
        }
    }
    all
}

/// The characters of base64 that are the secret's alone, if `offset` other bytes stand before it.
fn inside_base64(engine: &base64::engine::GeneralPurpose, secret: &[u8], offset: usize) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend(secret);
    let text = engine.encode(&bytes);
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    text.as_bytes()[first..last].to_vec()
}

#[test]
fn a_secret_is_found_in_every_spelling_and_its_like_is_not() {
    let canaries = Canaries::new(&[("a token", "canary-0123456789-token")]);
    let found = |bytes: &[u8]| {
        canaries
            .in_bytes(bytes)
            .into_iter()
            .next()
            .map(str::to_owned)
    };
    for before in ["", "a", "ab", "abc", "account:"] {
        for after in ["", "x", "xy"] {
            let text = format!("{before}canary-0123456789-token{after}");
            assert_eq!(found(text.as_bytes()).as_deref(), Some("a token (plain)"));
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let said = format!("Basic {}", engine.encode(&text));
                assert_eq!(
                    found(said.as_bytes()).as_deref(),
                    Some("a token (base64)"),
                    "{said}"
                );
            }
        }
    }
    let wide: Vec<u8> = "x canary-0123456789-token"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(found(&wide).as_deref(), Some("a token (UTF-16)"));
    assert_eq!(
        found(b"63616e6172792d303132333435363738392d746f6b656e").as_deref(),
        Some("a token (hexadecimal)")
    );
    assert_eq!(found(b"canary-0123456789-toke n"), None);
    assert_eq!(found(b""), None);
}
