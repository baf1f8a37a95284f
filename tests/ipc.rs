//! The door between the windows and the core: who may call what, and what comes of hostile requests.
//!
//! The core behind it is the real one on an empty profile; only the web view is Tauri's mock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "support/shell.rs"]
mod shell;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use deskline_app::ipc::COMMANDS;
use deskline_app::ipc::types::IpcError;
use serde_json::{Value, json};
use shell::{Shell, ask};
use tauri::WebviewWindow;
use tauri::test::MockRuntime;

/// Everything the overlay may ask.
const OVERLAY_MAY: [&str; 6] = [
    "answer", "decline", "dismiss", "painted", "silence", "snapshot",
];

/// Arguments that every command can read.
fn arguments() -> Value {
    json!({
        "number": "", "call": "none", "muted": false, "keys": "1", "id": 0, "cursor": null, "limit": 10,
        "url": "", "key": "", "secret": null,
    })
}

/// Was the command let through to its code, whatever that made of it?
fn may_call(window: &WebviewWindow<MockRuntime>, command: &str) -> bool {
    match ask(window, command, arguments()) {
        Ok(_) => true,
        Err(error) => !error
            .as_str()
            .is_some_and(|text| text.contains("not allowed")),
    }
}

#[test]
fn the_overlay_may_only_look_answer_decline_silence_be_put_away_and_say_that_it_is_drawn() {
    let shell = Shell::open();
    for label in ["overlay", "overlay-1"] {
        let overlay = shell.window(label);
        let allowed: BTreeSet<&str> = COMMANDS
            .iter()
            .copied()
            .filter(|command| may_call(&overlay, command))
            .collect();
        assert_eq!(allowed, BTreeSet::from(OVERLAY_MAY), "{label}");
    }
}

#[test]
fn the_main_window_may_call_every_command() {
    let shell = Shell::open();
    let main = shell.window("main");
    for command in COMMANDS {
        assert!(may_call(&main, command), "{command}");
    }
}

#[test]
fn no_other_window_may_call_anything() {
    let shell = Shell::open();
    let other = shell.window("other");
    for command in COMMANDS {
        assert!(!may_call(&other, command), "{command}");
    }
}

#[test]
fn capabilities_name_nothing_but_our_commands_and_events() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities");
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let capability: Value = serde_json::from_str(&text).unwrap();
        for permission in capability["permissions"].as_array().unwrap() {
            let permission = permission.as_str().unwrap();
            let command = permission
                .strip_prefix("allow-")
                .map(|name| name.replace('-', "_"));
            let ours = command.is_some_and(|name| COMMANDS.contains(&name.as_str()));
            let of_the_library = [
                "core:event:allow-listen",
                "core:event:allow-unlisten",
                // the overlay is dragged by its own page: it has no title bar
                "core:window:allow-start-dragging",
            ]
            .contains(&permission);
            assert!(ours || of_the_library, "{permission}");
        }
        files += 1;
    }
    assert_eq!(files, 2);
}

#[test]
fn a_change_of_one_setting_leaves_what_was_set_elsewhere_meanwhile() {
    let shell = Shell::open();
    let main = shell.window("main");
    let change =
        |change: Value| ask(&main, "settings_change", json!({ "change": change })).unwrap();
    let shown = ask(&main, "settings_show", json!({})).unwrap();
    let first = change(json!({ "keep_days": 30 }));
    assert!(first["rev"].as_u64() > shown["rev"].as_u64(), "{first}");
    // As `deskline line set --ring off` does beside an open window.
    let mut theirs = first["settings"].clone();
    theirs["quiet_lines"] = json!(["+12025550150"]);
    let store = history::Store::open(shell.folder()).unwrap();
    store
        .set_setting_as("phone.settings", Some(&theirs))
        .unwrap();
    let now = change(json!({ "ring_for_s": 20 }));
    theirs["ring_for_s"] = json!(20);
    assert_eq!(now["settings"], theirs);
    assert_eq!(
        change(json!({ "keep_days": 0 }))["settings"]["keep_days"],
        Value::Null
    );
    let now = ask(&main, "settings_show", json!({})).unwrap();
    assert_eq!(change(json!({}))["rev"], now["rev"], "nothing was changed");
}

#[test]
fn the_first_picture_is_whole() {
    let shell = Shell::open();
    let view = ask(&shell.window("main"), "snapshot", json!({})).unwrap();
    assert!(view["rev"].as_u64().unwrap() >= 1);
    assert_eq!(view["calls"], json!([]));
    assert!(!view["line"]["words"].as_str().unwrap().is_empty());
}

#[test]
fn every_refusal_is_a_code_and_a_sentence() {
    let shell = Shell::open();
    let main = shell.window("main");
    let long = "9".repeat(100_000);
    for (command, arguments, code) in [
        (
            "answer",
            json!({ "call": "nobody", "other": "hold" }),
            "no_such_call",
        ),
        (
            "transfer",
            json!({ "call": "nobody", "to": "sip:a@b.example" }),
            "no_such_call",
        ),
        (
            "settings_change",
            json!({ "change": { "region": "nowhere" } }),
            "bad_setting",
        ),
        (
            "line_set",
            json!({ "line": "nobody", "calling": {
                "is_default": true, "prefixes": [], "caller_id": null, "fails_over": true, "rings": true,
            }}),
            "no_such_line",
        ),
        (
            "history_note",
            json!({ "call": "nobody", "note": "x" }),
            "history",
        ),
        (
            "sound_set",
            json!({ "settings": { "ring_volume": 101 } }),
            "bad_setting",
        ),
        (
            "sound_set",
            json!({ "settings": { "microphone": { "id": "", "name": long } } }),
            "bad_setting",
        ),
        ("decline", json!({ "call": "" }), "no_such_call"),
        ("silence", json!({ "call": "../../etc" }), "no_such_call"),
        ("hang_up", json!({ "call": long }), "no_such_call"),
        (
            "set_muted",
            json!({ "call": "a\u{0}b", "muted": true }),
            "no_such_call",
        ),
        (
            "send_keys",
            json!({ "call": "nobody", "keys": "1" }),
            "no_such_call",
        ),
        (
            "account_set",
            json!({ "url": "ftp://a.example", "key": "k", "secret": "s" }),
            "bad_address",
        ),
        (
            "account_set",
            json!({ "url": "wss://a.example", "key": "", "secret": "s" }),
            "bad_key",
        ),
        (
            "account_set",
            json!({ "url": "wss://a.example", "key": "k", "secret": null }),
            "no_secret",
        ),
        (
            "history_page",
            json!({ "query": {}, "cursor": "'; DROP TABLE calls", "limit": 5 }),
            "history",
        ),
    ] {
        let error = ask(&main, command, arguments).unwrap_err();
        let error: IpcError = serde_json::from_value(error).unwrap();
        assert_eq!(error.code, code, "{command}: {}", error.message);
        assert!(error.message.ends_with('.'), "{command}: {}", error.message);
        assert!(
            error.message.len() < 300,
            "{command} repeats what it was given"
        );
    }
}

#[test]
fn arguments_of_the_wrong_kind_reach_no_command() {
    let shell = Shell::open();
    let main = shell.window("main");
    for (command, arguments) in [
        ("dial", json!({})),
        ("dial", json!({ "number": 5 })),
        ("dial", json!({ "number": ["+12125550100"] })),
        ("set_muted", json!({ "call": "c", "muted": "yes" })),
        (
            "history_page",
            json!({ "query": {}, "cursor": null, "limit": -1 }),
        ),
        ("dismiss_notice", json!({ "id": 1e30 })),
    ] {
        assert!(ask(&main, command, arguments).is_err(), "{command}");
    }
    assert!(ask(&main, "format_disk", json!({})).is_err());
    assert!(
        ask(&main, "snapshot", json!({})).is_ok(),
        "the shell still works"
    );
}

#[test]
fn what_is_set_about_sound_is_in_force_at_once() {
    let shell = Shell::open();
    let main = shell.window("main");
    let before = ask(&main, "sound_show", json!({})).unwrap();
    assert_eq!(before["settings"]["ring_volume"], 100);
    assert_eq!(before["processing_delay_ms"], 15);
    let set = json!({ "settings": {
        "ring_volume": 30, "echo_cancellation": false, "noise_suppression": false, "ringtone": "drops",
    } });
    let answer = ask(&main, "sound_set", set).unwrap();
    assert_eq!(answer["processing_delay_ms"], 0);
    assert_eq!(ask(&main, "sound_show", json!({})).unwrap(), answer);
}

#[test]
fn what_cannot_be_dialled_becomes_a_notice() {
    let shell = Shell::open();
    let main = shell.window("main");
    let long = "5".repeat(10_000);
    for number in [
        "hello",
        "",
        "+1 212 555 0100; rm",
        "\u{202e}0010",
        long.as_str(),
    ] {
        let before = rev(&main);
        ask(&main, "dial", json!({ "number": number })).unwrap();
        let notice = later(|| {
            let view = ask(&main, "snapshot", json!({})).unwrap();
            (view["rev"].as_u64().unwrap() > before && !view["notice"].is_null())
                .then(|| view["notice"].clone())
        });
        assert!(notice["text"].as_str().unwrap().len() < 300);
        let calls = ask(&main, "snapshot", json!({})).unwrap()["calls"].clone();
        assert_eq!(calls, json!([]), "nothing was touched");
    }
}

fn rev(window: &WebviewWindow<MockRuntime>) -> u64 {
    ask(window, "snapshot", json!({})).unwrap()["rev"]
        .as_u64()
        .unwrap()
}

/// Asks again until there is an answer: a snapshot has no event to wait for here.
fn later<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}
