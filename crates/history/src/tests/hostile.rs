//! Names, numbers, searches and files made to hurt.

use call::number::Region;

use super::*;

#[test]
fn any_name_and_number_gets_its_row() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let megabyte = "\u{1f4a9}".repeat(250_000);
    let names = [
        "a\0b",
        "\u{202e}gnp.exe\u{202c}",
        &megabyte,
        "<img src=x>",
        "'; DROP TABLE calls; --",
        "\u{fffd}\u{d7ff}",
    ];
    for (n, name) in names.iter().enumerate() {
        let call = format!("c{n}");
        store
            .start(&LogStart {
                name: Some((*name).to_owned()),
                number: (*name).to_owned(),
                ..start(&call, n as i64)
            })
            .unwrap();
        let not_a_number = LogFinish {
            heard_seconds: f64::NAN,
            heard_dbfs: Some(f64::NAN),
            ..finish(&call, EndReason::HungUp, None, 9)
        };
        store.finish(&not_a_number).unwrap();
        let note: String = name.chars().take(30).collect();
        store.set_note(&call, &note).unwrap();
    }
    let entries = store.page(None, 50).unwrap().entries;
    assert_eq!(entries.len(), names.len());
    for entry in &entries {
        let name = entry.name.as_deref().unwrap();
        assert!(
            name.chars().count() <= 320 && !name.contains(['\0', '\u{202e}']),
            "{name:?}"
        );
    }
    for text in [
        &megabyte,
        "a\0b",
        "drop TABLE",
        "<IMG",
        "\u{202e}",
        "\"",
        "*",
        "a* OR b",
        "NEAR(a b)",
        "^a",
        "-",
        "{haystack}: x",
    ] {
        let query = Query {
            text: (*text).to_owned(),
            ..Query::default()
        };
        store.find(&query, None, 10).unwrap();
        store.contacts(text, None, 10).unwrap();
    }
    let query = Query {
        text: "'; drop".into(),
        ..Query::default()
    };
    assert_eq!(store.find(&query, None, 10).unwrap().entries.len(), 1);
}

#[test]
fn times_beyond_any_calendar_are_rows_like_others() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    for (call, at) in [
        ("least", i64::MIN),
        ("first", 0),
        ("most", i64::MAX),
        ("last", i64::MAX),
    ] {
        store.start(&start(call, at)).unwrap();
        store
            .finish(&finish(call, EndReason::HungUp, Some(i64::MIN), i64::MAX))
            .unwrap();
    }
    assert_eq!(store.page(None, 10).unwrap().entries.len(), 4);
    let query = Query {
        from_unix_ms: Some(i64::MIN),
        to_unix_ms: Some(1),
        ..Query::default()
    };
    assert_eq!(store.find(&query, None, 10).unwrap().entries.len(), 2);
    let mut out = Vec::new();
    assert_eq!(
        store
            .export(
                &Query::default(),
                ExportFormat::Csv,
                ExportNames::Both,
                &mut out
            )
            .unwrap(),
        4
    );
    let _ = store.tidy(i64::MAX).unwrap();
    let _ = store.take_orphans(i64::MIN).unwrap();
}

#[test]
fn text_that_is_not_utf_8_hides_no_other_row() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    store.start(&start("c1", 1)).unwrap();
    store.start(&start("c2", 2)).unwrap();
    store
        .connection_for_tests()
        .execute("UPDATE calls SET name = CAST(x'eda08041' AS TEXT), note = CAST(x'ff' AS TEXT) WHERE id = 'c1'", [])
        .unwrap();
    let entries = store.page(None, 10).unwrap().entries;
    assert_eq!(entries.len(), 2);
    assert!(entries[1].name.as_deref().unwrap().ends_with('A'));
    let mut out = Vec::new();
    store
        .export(
            &Query::default(),
            ExportFormat::Json,
            ExportNames::Both,
            &mut out,
        )
        .unwrap();
    assert!(std::str::from_utf8(&out).is_ok());
}

#[test]
fn no_file_of_contacts_brings_it_down() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let card = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=A9;A\r\nTEL;CELL:+12125550100\r\nPHOTO;ENCODING=BASE64:AAAA\r\n\r\nitem1.TEL;type=pref:212\r\nEND:VCARD\r\n";
    let table = "Name,Phone 1 - Type,Phone 1 - Value\r\n\"An\"\"na\",Work,+12125550100 ::: 5\r\n";
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..400 {
        let mut bytes = if round % 2 == 0 { card } else { table }
            .as_bytes()
            .to_vec();
        for _ in 0..random.usize(1..12) {
            let at = random.usize(..bytes.len());
            match random.u8(..4) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, *random.choice(b"\0\xff\xed\r\n:;=,\"").unwrap()),
                _ => {
                    let copy = bytes[at..].to_vec();
                    bytes.extend(copy);
                }
            }
        }
        match store.import_contacts("file", &bytes, Region::US, round) {
            Ok(_) | Err(HistoryError::NotContacts(_)) => {}
            Err(other) => panic!("round {round}: {other:?}"),
        }
    }
    for imported in store.imports().unwrap() {
        store.undo_import(imported.import).unwrap();
    }
    for nothing in [
        &b""[..],
        b"\0",
        b"BEGIN:VCARD",
        b"a,b\r\n1,2",
        b"\xff\xfe",
        &[b'x'; 100_000],
    ] {
        let _ = store.import_contacts("file", nothing, Region::US, 1);
    }
    let sound: String = store
        .connection_for_tests()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}
