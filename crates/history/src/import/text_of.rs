//! The text of a file whose encoding nobody tells.

/// UTF-16 and UTF-8 by their marks; else UTF-8, unless nothing but its ASCII is right: then it is what Windows programs of
/// western countries write. Never fails: what has no meaning becomes a replacement character.
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => unmarked(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok().map(unit));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn unmarked(bytes: &[u8]) -> String {
    let chunks = || bytes.utf8_chunks();
    let broken = chunks().any(|chunk| !chunk.invalid().is_empty());
    let has_utf8 = chunks().any(|chunk| !chunk.valid().is_ascii());
    if !broken || has_utf8 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    bytes.iter().map(|byte| windows_1252(*byte)).collect()
}

/// The Windows code page for western languages; it is Latin-1 but for these.
fn windows_1252(byte: u8) -> char {
    match byte {
        0x80 => '€',
        0x8a => 'Š',
        0x8c => 'Œ',
        0x8e => 'Ž',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x96 => '–',
        0x97 => '—',
        0x9a => 'š',
        0x9c => 'œ',
        0x9e => 'ž',
        0x9f => 'Ÿ',
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn every_usual_encoding_is_read() {
        let name = "Zoë Müller";
        assert_eq!(decode(name.as_bytes()), name);
        assert_eq!(decode(&[b"\xef\xbb\xbf", name.as_bytes()].concat()), name);
        let le: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&[&[0xff, 0xfe], &le[..]].concat()), name);
        let be: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&[&[0xfe, 0xff], &be[..]].concat()), name);
        assert_eq!(decode(b"Zo\xeb M\xfcller \x80"), "Zoë Müller €");
    }

    #[test]
    fn what_has_no_meaning_is_replaced() {
        assert_eq!(decode("é\u{0}".as_bytes()), "é\0");
        let lone = [b"\xc3\xa9 ".as_slice(), b"\xed\xa0\x80", b" x"].concat();
        assert!(decode(&lone).starts_with("é \u{fffd}") && decode(&lone).ends_with(" x"));
        assert_eq!(decode(&[0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00]), "\u{fffd}A");
    }
}
