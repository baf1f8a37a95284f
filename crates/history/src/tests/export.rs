//! Exports, letter for letter.

use super::*;

fn filled() -> (tempfile::TempDir, Store) {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let t = 1_790_000_000_000;
    store.start(&start("c1", t)).unwrap();
    store.set_egress(&id("c1"), "EG_1").unwrap();
    store
        .set_recording_url("EG_1", "https://files.example/1.mp3")
        .unwrap();
    store.add_transcript(&id("c1"), "Agent: hello").unwrap();
    store.add_transcript(&id("c1"), "Caller: \"hi\"").unwrap();
    store
        .finish(&finish(
            "c1",
            EndReason::HungUp,
            Some(t + 4_000),
            t + 65_600,
        ))
        .unwrap();
    let inbound = LogStart {
        direction: Direction::Inbound,
        number: "=HYPERLINK(\"http://x\")".into(),
        name: Some("@SUM(A1)".into()),
        line: None,
        room: RoomName::parse("inbound-_x").unwrap(),
        ..start("c2", t + 100_000)
    };
    store.start(&inbound).unwrap();
    store
        .finish(&finish("c2", EndReason::Missed, None, t + 110_000))
        .unwrap();
    store.set_note("c2", "-1 call back").unwrap();
    store.start(&start("c3", t + 200_000)).unwrap();
    store.start(&start("c4", t + 300_000)).unwrap();
    store.answered(&id("c4"), t + 301_000).unwrap();
    (profile, store)
}

fn exported(store: &Store, format: ExportFormat, names: ExportNames) -> String {
    let mut out = Vec::new();
    assert_eq!(
        store
            .export(&Query::default(), format, names, &mut out)
            .unwrap(),
        4
    );
    String::from_utf8(out).unwrap()
}

#[test]
fn a_table_of_voice_calls() {
    let (_profile, store) = filled();
    assert_eq!(
        exported(&store, ExportFormat::Csv, ExportNames::VoiceCalls),
        "direction,status,ended_at,duration_seconds,recording_url,egress_id,transcript\r\n\
         outbound,established,,,,,\r\n\
         outbound,ringing,,,,,\r\n\
         inbound,failed,2026-09-21T14:15:10Z,0,,,\r\n\
         outbound,completed,2026-09-21T14:14:25Z,62,https://files.example/1.mp3,EG_1,\"Agent: hello\nCaller: \"\"hi\"\"\"\r\n"
    );
}

#[test]
fn a_table_of_call_records() {
    let (_profile, store) = filled();
    assert_eq!(
        exported(&store, ExportFormat::Csv, ExportNames::CallRecords),
        "livekit_room_id,contact_phone,service_number,status,direction,started_at,ended_at,duration,recording_url\r\n\
         outbound-c4,+12125550100,+12025550150,established,outbound,2026-09-21T14:18:20Z,,,\r\n\
         outbound-c3,+12125550100,+12025550150,ringing,outbound,2026-09-21T14:16:40Z,,,\r\n\
         inbound-_x,\"'=HYPERLINK(\"\"http://x\"\")\",,failed,inbound,2026-09-21T14:15:00Z,2026-09-21T14:15:10Z,0,\r\n\
         outbound-c1,+12125550100,+12025550150,completed,outbound,2026-09-21T14:13:20Z,2026-09-21T14:14:25Z,62,https://files.example/1.mp3\r\n"
    );
}

#[test]
fn both_names_side_by_side() {
    let (_profile, store) = filled();
    let table = exported(&store, ExportFormat::Csv, ExportNames::Both);
    let header = table.lines().next().unwrap();
    for names in [ExportNames::VoiceCalls, ExportNames::CallRecords] {
        for name in names.columns() {
            assert!(header.split(',').any(|column| column == *name), "{name}");
        }
    }
    assert!(
        table.contains("'@SUM(A1)") && table.contains("'-1 call back"),
        "{table}"
    );
}

#[test]
fn objects_with_both_names() {
    let (_profile, store) = filled();
    let text = exported(&store, ExportFormat::Json, ExportNames::Both);
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(
        all[2],
        serde_json::json!({
            "id": "c2", "livekit_room_id": "inbound-_x", "contact_phone": "=HYPERLINK(\"http://x\")",
            "contact_name": "@SUM(A1)", "dialled": null, "service_number": null, "refused_by": null, "direction": "inbound", "status": "failed",
            "outcome": "missed", "started_at": "2026-09-21T14:15:00Z", "answered_at": null,
            "ended_at": "2026-09-21T14:15:10Z", "duration": 0, "duration_seconds": 0, "ring_seconds": null, "sip_code": null,
            "microphone": null, "speaker": null, "packets_lost": null, "packets_received": null,
            "jitter_mean_ms": null, "jitter_max_ms": null, "reconnections": null,
            "answered_by": null, "transferred_to": null, "provider_call_id": null, "sip_call_id": null,
            "recording_url": null, "egress_id": null, "transcript": null, "note": "-1 call back"
        })
    );
    assert_eq!(all[3]["transcript"], "Agent: hello\nCaller: \"hi\"");
    assert_eq!(
        (&all[3]["duration"], &all[0]["status"]),
        (&62.into(), &"established".into())
    );
    let voice = exported(&store, ExportFormat::Json, ExportNames::VoiceCalls);
    assert_eq!(
        voice.lines().nth(3).unwrap(),
        "{\"direction\":\"inbound\",\"duration_seconds\":0,\"egress_id\":null,\"ended_at\":\"2026-09-21T14:15:10Z\",\"recording_url\":null,\"status\":\"failed\",\"transcript\":null},"
    );
}

#[test]
fn the_log_of_events_under_its_own_names() {
    let (_profile, store) = filled();
    let payload = br#"{"event":"room_started","token":"x"}"#;
    store
        .log_event(
            "livekit",
            "room_started",
            Some("inbound-_x"),
            payload,
            1_790_000_000_000,
        )
        .unwrap();
    store
        .log_event("livekit", "=1", None, b"{}", 1_790_000_001_000)
        .unwrap();
    let mut out = Vec::new();
    assert_eq!(store.export_events(ExportFormat::Csv, &mut out).unwrap(), 2);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "source,event_type,livekit_room_id,payload,created_at\r\n\
         livekit,'=1,,{},2026-09-21T14:13:21Z\r\n\
         livekit,room_started,inbound-_x,\"{\"\"event\"\":\"\"room_started\"\",\"\"token\"\":\"\"[masked]\"\"}\",2026-09-21T14:13:20Z\r\n"
    );
    let mut out = Vec::new();
    store.export_events(ExportFormat::Json, &mut out).unwrap();
    let events: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
    assert_eq!(events[1]["payload"]["event"], "room_started");
}

#[test]
fn an_export_of_nothing_is_whole() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let mut out = Vec::new();
    store
        .export(
            &Query::default(),
            ExportFormat::Json,
            ExportNames::Both,
            &mut out,
        )
        .unwrap();
    assert_eq!(out, b"[\n]\n");
}

/// Takes nothing, as a full disk.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (_profile, store) = filled();
    for format in [ExportFormat::Csv, ExportFormat::Json] {
        let refused = store.export(&Query::default(), format, ExportNames::Both, &mut Full);
        assert!(matches!(refused, Err(HistoryError::Export(_))));
    }
}
