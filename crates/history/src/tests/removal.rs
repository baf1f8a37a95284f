//! Deleting, undoing, forgetting.

use call::number::Region;

use super::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn ended(store: &Store, call: &str, at: i64) {
    store.start(&start(call, at)).unwrap();
    store
        .finish(&finish(call, EndReason::HungUp, Some(at + 1), at + 2))
        .unwrap();
}

fn ids(store: &Store) -> Vec<String> {
    store
        .page(None, 500)
        .unwrap()
        .entries
        .into_iter()
        .map(|entry| entry.id)
        .collect()
}

#[test]
fn a_deletion_can_be_taken_back_for_some_seconds() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    for (call, at) in [("c1", 10), ("c2", 20), ("c3", 30)] {
        ended(&store, call, at);
        store.set_note(call, "zebra").unwrap();
    }
    let before = store.page(None, 10).unwrap();
    let undo = store.delete(&["c1", "c2"], 1_000).unwrap();
    assert_eq!(ids(&store), ["c3"]);
    let zebra = Query {
        text: "zebra".into(),
        ..Query::default()
    };
    assert_eq!(store.find(&zebra, None, 10).unwrap().entries.len(), 1);
    let undo = UndoToken::parse(undo.as_str());
    assert_eq!(store.purge_deleted(1_000 + UNDO_WITHIN_MS - 1).unwrap(), 0);
    assert_eq!(store.undo_delete(&undo).unwrap(), 2);
    assert_eq!(
        store.page(None, 10).unwrap(),
        before,
        "with everything they had"
    );
    assert_eq!(
        store.find(&zebra, None, 10).unwrap(),
        before,
        "and found again"
    );
    assert!(matches!(
        store.undo_delete(&undo),
        Err(HistoryError::NothingToUndo)
    ));

    let undo = store.delete(&["c1"], 1_000).unwrap();
    assert_eq!(store.purge_deleted(1_000 + UNDO_WITHIN_MS).unwrap(), 1);
    assert!(matches!(
        store.undo_delete(&undo),
        Err(HistoryError::NothingToUndo)
    ));
    assert!(!bytes_hold(profile.path(), "c1\u{0}") && ids(&store) == ["c3", "c2"]);
}

#[test]
fn what_is_not_over_cannot_be_deleted() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    ended(&store, "over", 1);
    store.start(&start("up", 2)).unwrap();
    assert!(matches!(
        store.delete(&["over", "up"], 5),
        Err(HistoryError::NotOver)
    ));
    assert!(matches!(
        store.delete(&["over", "nobody"], 5),
        Err(HistoryError::NoSuchCall)
    ));
    assert_eq!(ids(&store), ["up", "over"], "all or none");
}

#[test]
fn old_calls_and_events_go_and_the_open_stay() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let now = 100 * DAY;
    for n in 0..150 {
        ended(&store, &format!("old{n}"), 5 * DAY + n);
    }
    store.start(&start("old-open", 5 * DAY)).unwrap();
    ended(&store, "new", 99 * DAY);
    store
        .log_event("livekit", "room_finished", None, b"{}", 69 * DAY)
        .unwrap();
    store
        .log_event("livekit", "room_started", None, b"{}", 71 * DAY)
        .unwrap();
    assert_eq!(
        store.tidy(now).unwrap(),
        Tidied {
            events: 1,
            ..Tidied::default()
        },
        "kept for ever unless told"
    );
    store.set_keep_days(Some(30)).unwrap();
    assert_eq!(store.keep_days().unwrap(), Some(30));
    assert_eq!(
        store.tidy(now).unwrap(),
        Tidied {
            calls: 150,
            ..Tidied::default()
        }
    );
    assert_eq!(ids(&store), ["new", "old-open"]);
    assert_eq!(store.events(None, 10).unwrap().len(), 1);
    assert_eq!(store.tidy(now).unwrap(), Tidied::default());
    store.set_keep_days(Some(0)).unwrap();
    assert_eq!(store.keep_days().unwrap(), None);
    let sound: String = store
        .connection_for_tests()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// Is the text in any file of the profile?
fn bytes_hold(profile: &Path, text: &str) -> bool {
    std::fs::read_dir(profile).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.is_file()
            && std::fs::read(path)
                .unwrap()
                .windows(text.len())
                .any(|window| window == text.as_bytes())
    })
}

#[test]
fn what_is_wiped_is_not_even_in_the_bytes() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    for n in 0..40 {
        let call = format!("c{n}");
        let number = format!("+1212555{:04}", 100 + n);
        store
            .start(&LogStart {
                number,
                name: Some("Quokkabert".into()),
                ..start(&call, n)
            })
            .unwrap();
        store
            .finish(&finish(&call, EndReason::HungUp, None, n + 1))
            .unwrap();
        store.set_note(&call, "wombatnote").unwrap();
    }
    let draft = ContactDraft {
        name: "Numbatina".into(),
        ..ContactDraft::default()
    };
    store.add_contact(&draft, Region::US).unwrap();
    store
        .log_event("livekit", "x", None, b"{\"who\":\"bilbyevent\"}", 1)
        .unwrap();
    store.delete(&["c7"], 1).unwrap();
    store
        .start(&LogStart {
            number: "+12125550199".into(),
            ..start("up", 100)
        })
        .unwrap();
    let canaries = ["uokkabert", "ombatnote", "+12125550107", "ilbyevent"];
    for canary in canaries {
        assert!(
            bytes_hold(profile.path(), canary),
            "{canary} is there before"
        );
    }
    assert_eq!(
        store.wipe(Wipe::History).unwrap(),
        1,
        "the call that is up stays"
    );
    for canary in canaries {
        assert!(!bytes_hold(profile.path(), canary), "{canary}");
    }
    assert_eq!(ids(&store), ["up"]);
    let number = Query {
        text: "0199".into(),
        ..Query::default()
    };
    assert_eq!(
        store.find(&number, None, 5).unwrap().entries.len(),
        1,
        "and is still found"
    );
    assert!(
        bytes_hold(profile.path(), "Numbatina"),
        "contacts were not asked for"
    );
    store.wipe(Wipe::Everything).unwrap();
    assert!(!bytes_hold(profile.path(), "umbatina"));
    store
        .finish(&finish("up", EndReason::HungUp, None, 200))
        .unwrap();
    ended(&store, "after", 300);
    assert_eq!(ids(&store), ["after", "up"]);
}

#[test]
fn events_are_kept_masked() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let payload =
        br#"{"event":"room_finished","room":{"name":"inbound-1"},"token":"s3cr3tcanary"}"#;
    store
        .log_event("livekit", "room_finished", Some("inbound-1"), payload, 5)
        .unwrap();
    store
        .log_event(
            "twilio\0",
            "status",
            None,
            b"CallStatus=busy&AuthToken=s3cr3tcanary",
            6,
        )
        .unwrap();
    let events = store.events(None, 10).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (events[0].source.as_str(), events[0].created_unix_ms),
        ("twilio", 6)
    );
    assert_eq!(events[1].payload["room"]["name"], "inbound-1");
    assert_eq!(events[1].payload["token"], MASKED);
    assert_eq!(events[1].room.as_deref(), Some("inbound-1"));
    assert_eq!(store.events(Some(events[0].id), 10).unwrap().len(), 1);
    assert!(!bytes_hold(profile.path(), "s3cr3tcanary"));
}

#[test]
fn events_go_with_the_call_they_are_about() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let of = |call: &str| RoomName::parse(&format!("inbound-{call}")).unwrap();
    for call in ["c1", "c2"] {
        let room = of(call);
        store
            .start(&LogStart {
                room: room.clone(),
                ..start(call, 1)
            })
            .unwrap();
        store
            .finish(&finish(call, EndReason::HungUp, None, 2))
            .unwrap();
        for (kind, at) in [("participant_joined", 1), ("room_finished", 2)] {
            store
                .log_event("livekit", kind, Some(room.as_str()), b"{}", at)
                .unwrap();
        }
    }
    let kinds = |call: &str| -> Vec<String> {
        let events = store.events_of_call(call, 10).unwrap();
        events.into_iter().map(|event| event.event_type).collect()
    };
    assert_eq!(kinds("c1"), ["participant_joined", "room_finished"]);
    assert_eq!(kinds("nobody"), [""; 0]);
    let token = store.delete(&["c1"], 100).unwrap();
    store.undo_delete(&token).unwrap();
    assert_eq!(kinds("c1").len(), 2, "as long as it can be had back");
    store.delete(&["c1"], 100).unwrap();
    store.purge_deleted(100 + UNDO_WITHIN_MS).unwrap();
    assert_eq!(store.events(None, 10).unwrap().len(), 2);
    assert_eq!(kinds("c2").len(), 2);
}

#[test]
fn a_recording_goes_when_its_call_is_gone_for_good_and_not_before() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let folder = profile.path().join("recordings");
    std::fs::create_dir(&folder).unwrap();
    let file_of = |call: &str| folder.join(format!("{call}.opus"));
    let recorded = |call: &str, at: i64| {
        ended(&store, call, at);
        std::fs::write(file_of(call), "sound").unwrap();
        let id = CallId::parse(call).unwrap();
        store
            .set_recording(&id, Some(file_of(call).to_str().unwrap()))
            .unwrap();
    };
    let left = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    for (call, at) in [
        ("back", 1),
        ("old", 2),
        ("undeletable", 99 * DAY),
        ("new", 99 * DAY + 1),
    ] {
        recorded(call, at);
    }
    // What a call names outside of the folder is not ours.
    let elsewhere = profile.path().join("kept.opus");
    std::fs::write(&elsewhere, "sound").unwrap();
    ended(&store, "moved", 3);
    let moved = CallId::parse("moved").unwrap();
    store
        .set_recording(&moved, Some(elsewhere.to_str().unwrap()))
        .unwrap();

    let undo = store.delete(&["back", "moved"], 1_000).unwrap();
    store.purge_deleted(1_000 + UNDO_WITHIN_MS - 1).unwrap();
    store.undo_delete(&undo).unwrap();
    assert_eq!(
        left(),
        ["back.opus", "new.opus", "old.opus", "undeletable.opus"]
    );
    store.delete(&["back", "moved"], 1_000).unwrap();
    assert_eq!(store.purge_deleted(1_000 + UNDO_WITHIN_MS).unwrap(), 2);
    assert_eq!(left(), ["new.opus", "old.opus", "undeletable.opus"]);
    assert!(elsewhere.exists());

    // By age, as when a person throws one away.
    store.set_keep_days(Some(30)).unwrap();
    assert_eq!(store.tidy(100 * DAY).unwrap().calls, 1);
    assert_eq!(left(), ["new.opus", "undeletable.opus"]);

    // A file that cannot be deleted keeps its call, which is tried again; the others go.
    std::fs::remove_file(file_of("undeletable")).unwrap();
    std::fs::create_dir(file_of("undeletable")).unwrap();
    store.delete(&["undeletable", "new"], 1_000).unwrap();
    assert_eq!(store.purge_deleted(1_000 + UNDO_WITHIN_MS).unwrap(), 1);
    assert_eq!(left(), ["undeletable.opus"]);
    std::fs::remove_dir(file_of("undeletable")).unwrap();
    assert_eq!(store.purge_deleted(1_000 + UNDO_WITHIN_MS).unwrap(), 1);

    // All at once, the deleted ones too; a call that is up keeps its own.
    recorded("one", 100 * DAY);
    recorded("two", 100 * DAY + 1);
    store.delete(&["two"], 2_000).unwrap();
    store.start(&start("up", 100 * DAY + 2)).unwrap();
    std::fs::write(file_of("up"), "sound").unwrap();
    let up = CallId::parse("up").unwrap();
    store
        .set_recording(&up, Some(file_of("up").to_str().unwrap()))
        .unwrap();
    assert_eq!(store.wipe(Wipe::History).unwrap(), 1);
    assert_eq!(left(), ["up.opus"]);
}
