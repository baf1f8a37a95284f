//! What a row can carry, and files of older versions.

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    (profile, store)
}

#[test]
fn a_file_of_the_first_version_is_opened_whole() {
    let profile = tempfile::tempdir().unwrap();
    let old = Connection::open(profile.path().join("history.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE calls (
            id TEXT PRIMARY KEY NOT NULL, session TEXT NOT NULL,
            direction TEXT NOT NULL CHECK (direction IN ('outbound', 'inbound')), number TEXT NOT NULL, name TEXT,
            line TEXT, room TEXT NOT NULL, leg TEXT NOT NULL, started_at INTEGER NOT NULL, answered_at INTEGER,
            last_alive_at INTEGER, ended_at INTEGER, outcome TEXT, outcome_detail TEXT, words TEXT, sip_code INTEGER,
            heard_seconds REAL NOT NULL DEFAULT 0, heard_dbfs REAL, leg_gone INTEGER NOT NULL DEFAULT 0) STRICT;
         CREATE INDEX calls_newest_first ON calls (started_at DESC, id DESC);
         CREATE INDEX calls_unsettled ON calls (session) WHERE ended_at IS NULL OR leg_gone = 0;
         INSERT INTO calls VALUES
            ('a', 's', 'outbound', '+442079460018', NULL, '+12025550150', 'r1', 'l1', 1000, 1500, 1900, 2000, 'hung_up', NULL,
             'You ended the call', NULL, 2.5, -13.5, 1),
            ('b', 's', 'inbound', '+12125550100', 'Zo\u{eb}', NULL, 'r2', 'l2', 3000, NULL, NULL, 3500, 'missed', NULL,
             'Missed call', NULL, 0, NULL, 1),
            ('c', 's', 'inbound', '', NULL, NULL, 'r3', 'l3', 3000, NULL, NULL, 3600, 'answered_elsewhere', 'Reception',
             'Answered by Reception', NULL, 0, NULL, 1),
            ('d', 's', 'outbound', '100', NULL, NULL, 'r4', 'l4', -5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    old.close().unwrap();

    let store = Store::open(profile.path()).unwrap();
    let page = store.page(None, 10).unwrap();
    let ids: Vec<_> = page.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a", "d"]);
    let results: Vec<_> = page.entries.iter().map(|entry| entry.result).collect();
    assert_eq!(
        results,
        [
            CallResult::Elsewhere,
            CallResult::Missed,
            CallResult::Answered,
            CallResult::Open
        ]
    );
    assert_eq!(
        page.entries[0].details.answered_by.as_deref(),
        Some("Reception")
    );
    assert_eq!(
        (page.entries[2].heard_seconds, page.entries[2].heard_dbfs),
        (2.5, Some(-13.5))
    );
    assert_eq!(page.entries[3].started_unix_ms, -5);
    let found = |text: &str| {
        let query = Query {
            text: text.into(),
            ..Query::default()
        };
        store
            .find(&query, None, 10)
            .unwrap()
            .entries
            .into_iter()
            .map(|entry| entry.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("020 7946 0018"), ["a"]);
    assert_eq!(found("zoe"), ["b"]);
    assert_eq!(store.missed_count().unwrap(), 1);
    assert_eq!(store.take_orphans(1).unwrap().len(), 1);
    store.start(&start("a2", 1000)).unwrap();
    assert!(matches!(
        store.start(&start("a2", 7)),
        Err(HistoryError::AlreadyThere)
    ));
}

#[test]
fn details_come_bit_by_bit() {
    let (_profile, store) = store();
    store.start(&start("c1", 1_000)).unwrap();
    let quality = Quality {
        packets_lost: Some(7),
        packets_received: Some(4_000),
        jitter_mean_ms: Some(3.5),
        jitter_max_ms: Some(21.0),
        reconnections: Some(2),
    };
    let first = Details {
        dialled: Some("020 7946 0018".into()),
        microphone: Some("Headset".into()),
        ..Details::default()
    };
    let second = Details {
        rang_ms: Some(4_200),
        provider_call_id: Some("CA1".into()),
        sip_call_id: Some("SCL_1".into()),
        sip_call_id_full: Some("abc@host".into()),
        speaker: Some("Speakers".into()),
        transferred_to: Some("Sales".into()),
        answered_by: Some("Eve".into()),
        sip_code: Some(486),
        quality,
        ..Details::default()
    };
    store.add_details(&id("c1"), &first).unwrap();
    store.add_details(&id("c1"), &second).unwrap();
    store.add_details(&id("c1"), &Details::default()).unwrap();
    store
        .finish(&finish("c1", EndReason::HungUp, Some(5_200), 9_000))
        .unwrap();
    let entry = store.entry("c1").unwrap();
    let whole = Details {
        dialled: first.dialled,
        microphone: first.microphone,
        ..second
    };
    assert_eq!(entry.details, whole);
    assert_eq!(
        (entry.talked_ms(), entry.sip_code),
        (Some(3_800), Some(486))
    );
    let query = Query {
        text: "7946 0018".into(),
        ..Query::default()
    };
    assert_eq!(
        store.find(&query, None, 5).unwrap().entries.len(),
        1,
        "found as it was dialled"
    );
    assert!(matches!(
        store.add_details(&id("nobody"), &Details::default()),
        Err(HistoryError::NoSuchCall)
    ));
}

#[test]
fn a_note_is_found_until_it_is_changed() {
    let (_profile, store) = store();
    store.start(&start("c1", 1)).unwrap();
    let found = |text: &str| {
        let query = Query {
            text: text.into(),
            ..Query::default()
        };
        store.find(&query, None, 5).unwrap().entries.len()
    };
    store
        .set_note("c1", " wants a quote\r\nfor two desks ")
        .unwrap();
    assert_eq!(
        store.entry("c1").unwrap().note,
        "wants a quote\nfor two desks"
    );
    assert_eq!((found("quote"), found("two desks")), (1, 1));
    store.set_note("c1", "sent").unwrap();
    assert_eq!((found("quote"), found("sent")), (0, 1));
    assert!(matches!(
        store.set_note("c1", &"x".repeat(10_001)),
        Err(HistoryError::NoteTooLong(10_000))
    ));
    assert_eq!(store.entry("c1").unwrap().note, "sent");
    assert!(matches!(
        store.set_note("nobody", "x"),
        Err(HistoryError::NoSuchCall)
    ));
}

#[test]
fn missed_calls_are_counted_until_they_are_seen() {
    let (_profile, store) = store();
    for n in 0..250 {
        let call = format!("c{n}");
        store.start(&start(&call, n)).unwrap();
        store
            .finish(&finish(&call, EndReason::Missed, None, n + 1))
            .unwrap();
    }
    assert_eq!(store.missed_count().unwrap(), 250);
    store.mark_seen("c3").unwrap();
    assert!(store.entry("c3").unwrap().seen);
    assert_eq!(store.missed_count().unwrap(), 249);
    let changes = store.changes();
    assert_eq!(store.mark_all_seen().unwrap(), 249);
    assert!(changes.has_changed().unwrap());
    assert_eq!(
        (
            store.missed_count().unwrap(),
            store.mark_all_seen().unwrap()
        ),
        (0, 0)
    );
}

#[test]
fn what_was_handed_over_is_left_behind_as_such() {
    let profile = tempfile::tempdir().unwrap();
    let earlier = Store::open(profile.path()).unwrap();
    for call in ["gone-on", "answered", "ringing"] {
        earlier.start(&start(call, 1_000)).unwrap();
    }
    earlier.answered(&id("gone-on"), 1_500).unwrap();
    earlier.answered(&id("answered"), 1_500).unwrap();
    earlier.hand_over(&id("gone-on"), 2_000).unwrap();
    assert_eq!(
        earlier.entry("gone-on").unwrap().handed_over_unix_ms,
        Some(2_000)
    );
    drop(earlier);
    let mine = Store::open(profile.path()).unwrap();
    let left = mine.take_left_behind(5_000).unwrap();
    let said: Vec<_> = left
        .iter()
        .map(|left| {
            (
                left.call.as_str(),
                left.answered,
                left.handed_over,
                left.age.as_millis(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("gone-on", true, true, 3_000),
            ("answered", true, false, 3_500),
            ("ringing", false, false, 4_000)
        ]
    );
    assert_eq!(
        (left[0].number.as_str(), left[0].started_unix_ms),
        ("+12125550100", 1_000)
    );
}

#[test]
fn a_recording_finds_its_call() {
    let (_profile, store) = store();
    store.start(&start("c1", 1)).unwrap();
    store.set_egress(&id("c1"), "EG_1").unwrap();
    store
        .set_recording_url("EG_1", "https://files.example/1.mp3")
        .unwrap();
    let entry = store.entry("c1").unwrap();
    assert_eq!(
        entry.recording_url.as_deref(),
        Some("https://files.example/1.mp3")
    );
    assert!(matches!(
        store.set_recording_url("EG_2", "x"),
        Err(HistoryError::NoSuchCall)
    ));
    let path = "/recordings/1.opus";
    store.set_recording(&id("c1"), Some(path)).unwrap();
    assert_eq!(
        store.entry("c1").unwrap().recording_url.as_deref(),
        Some(path)
    );
    assert!(matches!(
        store.set_recording(&id("c2"), Some(path)),
        Err(HistoryError::NoSuchCall)
    ));
}

#[test]
fn settings_can_be_values() {
    let (_profile, store) = store();
    let asked = std::collections::BTreeMap::from([("until".to_owned(), 7)]);
    store.set_setting_as("availability", Some(&asked)).unwrap();
    assert_eq!(store.setting_as("availability").unwrap(), Some(asked));
    store
        .set_setting("availability", Some("{not json"))
        .unwrap();
    assert_eq!(store.setting_as::<Vec<u8>>("availability").unwrap(), None);
}

#[test]
fn an_older_history_is_loaded_all_or_none() {
    let (_profile, store) = store();
    let past = |call: &str, at: i64| PastCall {
        start: start(call, at),
        finish: finish(call, EndReason::Missed, None, at + 1),
        details: Details {
            dialled: Some("020 7946 0018".into()),
            ..Details::default()
        },
        note: "zebra".into(),
        seen: call == "c1",
    };
    store.load(&[past("c1", 5), past("c2", 3)]).unwrap();
    let query = Query {
        text: "zebra".into(),
        ..Query::default()
    };
    let found = store.find(&query, None, 5).unwrap().entries;
    assert_eq!((found.len(), found[0].id.as_str()), (2, "c1"));
    assert!(found[0].seen && found[1].missed && store.missed_count().unwrap() == 1);
    assert!(matches!(
        store.load(&[past("c3", 7), past("c1", 8)]),
        Err(HistoryError::AlreadyThere)
    ));
    assert!(store.entry("c3").is_err());
    let dialled = Query {
        text: "7946 0018".into(),
        ..Query::default()
    };
    assert_eq!(store.find(&dialled, None, 5).unwrap().entries.len(), 2);
}
