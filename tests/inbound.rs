//! End to end: what the server tells a running desk by itself, what comes of hostile senders, and what is kept of a call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stage::line::{State, Switches};
use stage::{FULL_SCREEN_WINDOW, Inbound, OVERLAY_WINDOW};
use support::window::Window;
use support::{OUR_TONE, PATIENCE, Place, eventually, exit, seconds};

const CALLER: &str = "+13125550142";

/// A token that vouches for `body`, signed so many seconds from now.
fn token(key: &str, secret: &str, body: &str, from_now: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = i64::try_from(now.as_secs()).unwrap() + from_now;
    let claims = json!({
        "iss": key, "nbf": at, "exp": at + 300, "sha256": STANDARD.encode(Sha256::digest(body)),
    });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "typ": "JWT" })),
        part(&claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Posts as LiveKit does; gives the status.
fn post(at: &str, token: &str, body: &str) -> u16 {
    let mut peer = TcpStream::connect(at).unwrap();
    let length = body.len();
    let head = format!(
        "POST /livekit HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/webhook+json\r\nauthorization: {token}\r\ncontent-length: {length}\r\n\r\n"
    );
    peer.write_all(head.as_bytes()).unwrap();
    peer.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn joined(id: &str) -> String {
    json!({
        "event": "participant_joined", "id": id, "room": { "name": "inbound-made-up" },
        "participant": { "kind": "SIP" },
    })
    .to_string()
}

#[test]
fn a_call_leaves_a_whole_row_and_what_the_server_said_of_it() {
    let place = Place::signed_in("inbound-row");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let mut desk = place.follow(&[
        "wait",
        "--webhook",
        "0",
        "--answer-after",
        "1s",
        "--for",
        "3s",
        "--once",
    ]);
    // It listens at once; the line is ready once the server was asked.
    let listening = loop {
        let told = desk.event("webhook").unwrap();
        if told["state"] == "on" {
            break told;
        }
    };
    desk.ready().unwrap();
    let url = listening["url"].as_str().unwrap();
    let phones = &place.line.phones;
    phones.forward_webhooks(url, &Switches::default()).unwrap();
    let caller = Inbound::from(CALLER)
        .named("Elena Marchetti")
        .says("tone:440")
        .attribute("sip.twilio.callSid", "CA0142");
    let caller = phones.place_inbound(&caller).unwrap();
    let end = desk.event("end").unwrap();
    assert_eq!(end["outcome"], "hung_up", "{end}");
    desk.ended();
    phones
        .wait_until(&caller.id, State::Over, PATIENCE)
        .unwrap();

    let row = place.history().remove(0);
    let details = &row["details"];
    assert_eq!(row["direction"], "inbound");
    assert_eq!(row["number"], CALLER);
    assert_eq!(row["name"], "Elena Marchetti");
    assert!(
        row["line"]
            .as_str()
            .is_some_and(|line| line.starts_with('+')),
        "{row}"
    );
    assert!((2.0..=4.0).contains(&seconds(&row["duration_s"])), "{row}");
    assert!((1.0..=4.0).contains(&seconds(&row["rang_s"])), "{row}");
    assert_eq!(details["provider_call_id"], "CA0142");
    assert!(details["sip_call_id"].is_string(), "{row}");
    assert!(details["microphone"].is_string(), "{row}");
    assert!(details["speaker"].is_string(), "{row}");
    assert!(seconds(&details["lost_per_mille"]) < 200.0, "{row}");
    assert!(seconds(&details["jitter_max_ms"]) < 1_000.0, "{row}");
    assert_eq!(details["reconnections"], 0);

    let dialled = place.run(&["dial", "(212) 555-0111", "--json"]);
    assert_eq!(dialled.code, exit::BUSY, "{dialled:?}");
    let row = place.history().remove(0);
    assert_eq!(row["details"]["dialled"], "(212) 555-0111");
    assert_eq!(
        (&row["number"], &row["sip_code"]),
        (&json!("+12125550111"), &json!(486))
    );

    let log = place.app.profile().join("events.json");
    let done = place.run(&["history", "--events", log.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{done:?}");
    let log = std::fs::read_to_string(log).unwrap();
    let events: Vec<Value> = serde_json::from_str(&log).unwrap();
    let of = |source: &str, kind: &str| {
        let mut found = events
            .iter()
            .filter(|event| event["source"] == source && event["event_type"] == kind);
        found.next().unwrap_or_else(|| panic!("no {kind} in {log}"))
    };
    let told = of("livekit webhook", "participant_joined");
    assert!(
        told["livekit_room_id"]
            .as_str()
            .is_some_and(|room| room.starts_with("inbound-"))
    );
    let busy = of("livekit request", "create_sip_participant");
    assert!(busy["payload"]["answer"]["code"].is_string(), "{busy}");
    assert!(!log.contains(&place.line.ready.secret) && !log.contains("eyJ"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_receiver_take_effect_at_once_and_hostile_webhooks_ring_nothing() {
    let place = Place::signed_in("inbound-window");
    let window = Window::open(&place).await;
    let (key, secret) = (&place.line.ready.key, &place.line.ready.secret);
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let words = async |id: &str, part: &str| {
        window
            .until_text(id, part, |text| text.contains(part))
            .await
    };

    window
        .client
        .execute("location.hash = '#/settings/connection'", vec![])
        .await
        .unwrap();
    words("watch-webhook-state", "not received").await;
    let listen = async |port: u16| {
        let draft = json!({ "look_every_s": 1, "webhook": true, "address": "127.0.0.1", "port": port,
            "beyond_this_computer": false, "signed_with": null, "worker": false, "worker_name": "deskline" });
        let wanted = json!({ "draft": draft, "secret": null });
        window.invoke("watchers_set", wanted).await.unwrap();
    };
    let port = free();
    listen(port).await;
    words(
        "watch-webhook-state",
        &format!("Listening on 127.0.0.1:{port}"),
    )
    .await;

    let at = format!("127.0.0.1:{port}");
    let (body, other) = (joined("EV_1"), joined("EV_2"));
    let good = token(key, secret, &body, 0);
    for (token, body, status) in [
        (&good, body.as_str(), 200),
        (&good, body.as_str(), 200), // came before: settled, and counted as refused
        (&good, other.as_str(), 401),
        (
            &token(key, "another secret of some length", &other, 0),
            other.as_str(),
            401,
        ),
        (&token(key, secret, &other, -1_000), other.as_str(), 401),
        (&"nonsense".to_owned(), other.as_str(), 401),
    ] {
        assert_eq!(post(&at, token, body), status, "{body}");
    }
    let refusals = async || {
        let view = window.invoke("watchers_show", json!({})).await.unwrap();
        (
            view["webhook"]["received"].clone(),
            view["webhook"]["refusal"].clone(),
        )
    };
    window
        .until("one event was taken", async || {
            let (received, refusal) = refusals().await;
            (received == 1 && refusal.is_string()).then_some(())
        })
        .await;
    let view = window.invoke("snapshot", json!({})).await.unwrap();
    assert_eq!(view["calls"], json!([]), "nothing rings");

    // Another port, without a start; the one before is free again.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    listen(port).await;
    words("watch-webhook-state", "cannot listen").await;
    assert!(
        TcpStream::connect(&at).is_err(),
        "the former port is closed"
    );
    let port = free();
    listen(port).await;
    words("watch-webhook-state", "Listening on").await;

    // Webhooks that another key signs.
    let own = json!({ "look_every_s": 1, "webhook": true, "address": "127.0.0.1", "port": port, "beyond_this_computer": false,
        "signed_with": "APIhooks", "worker": false, "worker_name": "" });
    let refused = window
        .invoke(
            "watchers_set",
            json!({ "draft": own.clone(), "secret": null }),
        )
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("secret is missing"), "{refused}");
    let hooks = "a secret for webhooks of some length";
    window
        .invoke("watchers_set", json!({ "draft": own, "secret": hooks }))
        .await
        .unwrap();
    words("watch-webhook-state", "Listening on").await;
    let at = format!("127.0.0.1:{port}");
    let body = joined("EV_3");
    assert_eq!(post(&at, &token(key, secret, &body, 0), &body), 401);
    assert_eq!(post(&at, &token("APIhooks", hooks, &body, 0), &body), 200);

    // A caller that the server tells of: everything that is known of the call is there for the window.
    let caller = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER).gives_up_after(Duration::from_secs(3)))
        .unwrap();
    place
        .line
        .phones
        .wait_until(&caller.id, State::Over, PATIENCE)
        .unwrap();
    window.until_outcome("missed").await;
    let page = window
        .invoke(
            "history_page",
            json!({ "query": {}, "cursor": null, "limit": 1 }),
        )
        .await
        .unwrap();
    let call = page["rows"][0]["id"].clone();
    let details = window
        .invoke("call_details", json!({ "call": call }))
        .await
        .unwrap();
    assert_eq!(details["row"]["number"], CALLER);
    assert!(
        details["room"]
            .as_str()
            .is_some_and(|room| room.starts_with("inbound-"))
    );
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_shown_by_name_wherever_a_caller_is() {
    let place = Place::signed_in("inbound-contact");
    let window = Window::open(&place).await;
    // As another desk wrote it, without the country.
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Elena of Harbor Street\r\nTEL;TYPE=WORK:(312) 555-0142\r\nEND:VCARD\r\n";
    let report = window
        .invoke(
            "contacts_import",
            json!({ "name": "people.vcf", "bytes": card.as_bytes() }),
        )
        .await
        .unwrap();
    assert_eq!(report["taken"], 1, "{report}");
    let phones = &place.line.phones;
    let caller = Inbound::from(CALLER).named("President").says("tone:440");
    let caller = phones.place_inbound(&caller).unwrap();
    window.overlay().await;
    // The driver does not read names that may be cut.
    let says = async |id: &str, parts: &[&str]| {
        let script =
            "return document.querySelector(`[data-testid=${arguments[0]}]`)?.textContent ?? ''";
        window
            .until(&format!("{id} says {parts:?}"), async || {
                let told = window.client.execute(script, vec![json!(id)]).await.ok()?;
                let told = told.as_str()?;
                parts.iter().all(|part| told.contains(part)).then_some(())
            })
            .await;
    };
    says("overlay", &["Elena of Harbor Street", "555-0142"]).await;
    window.main().await;
    let view = window.invoke("snapshot", json!({})).await.unwrap();
    assert_eq!(
        view["calls"][0]["name"], "President",
        "what the caller says is not lost"
    );
    let call = view["calls"][0]["id"].clone();
    window
        .invoke("answer", json!({ "call": call, "other": "hold" }))
        .await
        .unwrap();
    window.until_state("live").await;
    says("call-name", &["Elena of Harbor Street"]).await;
    phones.hang_up(&caller.id).unwrap();
    window.click("nav-history").await;
    says("history-row-who", &["Elena of Harbor Street"]).await;
    // Changed and written about, the same call is found by the new name.
    let page = json!({ "text": "elena", "cursor": null, "limit": 5 });
    let found = window.invoke("contacts", page).await.unwrap();
    let contact = &found["contacts"][0];
    let draft = json!({ "name": "Elena Marchetti", "organisation": "Harbor Street", "note": "lets us in",
        "numbers": contact["numbers"] });
    window
        .invoke(
            "contact_save",
            json!({ "id": contact["id"], "draft": draft }),
        )
        .await
        .unwrap();
    let asked = json!({ "query": { "text": "marchetti" }, "cursor": null, "limit": 5 });
    let page = window.invoke("history_page", asked).await.unwrap();
    assert_eq!(page["rows"][0]["contact"], "Elena Marchetti", "{page}");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_do_not_ring_and_business_hours_work_from_the_settings() {
    let place = Place::signed_in("inbound-rules");
    let window = Window::open(&place).await;
    let phones = &place.line.phones;
    let ours = place.line.ready.inbound_number.clone();
    let set = async |change: Value| {
        window
            .invoke("settings_change", json!({ "change": change }))
            .await
            .unwrap();
    };
    let offered = async || {
        window
            .until("a caller is there", async || {
                let view = window.invoke("snapshot", json!({})).await.ok()?;
                let calls = view["calls"].as_array()?;
                calls
                    .iter()
                    .find(|call| call["state"] == "offered")
                    .cloned()
            })
            .await
    };
    let over = async |id: &str| {
        phones.hang_up(id).unwrap();
        window
            .until("nobody is there", async || {
                let view = window.invoke("snapshot", json!({})).await.ok()?;
                let calls = view["calls"].as_array()?;
                calls
                    .iter()
                    .all(|call| call["state"] == "ended")
                    .then_some(())
            })
            .await;
    };

    set(json!({ "quiet_lines": [ours] })).await;
    let caller = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    let call = offered().await;
    assert_eq!(
        (&call["quiet"], &call["line"]),
        (&json!(true), &json!(ours)),
        "{call}"
    );
    over(&caller.id).await;

    // Whoever always rings does, while nobody else is to disturb.
    set(json!({ "quiet_lines": [], "always_ring": [CALLER] })).await;
    let busy = json!({ "availability": { "state": "do_not_disturb", "until_ms": null } });
    window.invoke("set_availability", busy).await.unwrap();
    let caller = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    assert_eq!(offered().await["quiet"], false);
    over(&caller.id).await;
    let caller = Inbound::from("+13125550143");
    let caller = phones.place_inbound(&caller).unwrap();
    assert_eq!(offered().await["quiet"], true);
    over(&caller.id).await;
    let again = json!({ "availability": { "state": "available" } });
    window.invoke("set_availability", again).await.unwrap();

    // Open for one minute of the day that is hours away.
    let later = (minute_of_the_day() + 300) % 1_440;
    let hours =
        json!([{ "days": [1, 2, 3, 4, 5, 6, 7], "from_minute": later, "to_minute": later + 1 }]);
    set(json!({ "always_ring": [], "hours": hours, "when_closed": "silent" })).await;
    let caller = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    assert_eq!(offered().await["quiet"], true);
    over(&caller.id).await;

    set(json!({ "when_closed": "decline" })).await;
    let caller = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    let turned_away = phones
        .wait_until(&caller.id, State::Over, PATIENCE)
        .unwrap();
    assert_eq!(
        turned_away.ended.as_ref().and_then(|end| end.code),
        Some(486),
        "{turned_away:?}"
    );
    window.until_outcome("turned_away").await;

    set(json!({ "when_closed": "ring" })).await;
    let caller = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    assert_eq!(offered().await["quiet"], false);
    over(&caller.id).await;
    window.close().await;
}

/// The minute of this place's day.
fn minute_of_the_day() -> u16 {
    let now = jiff::Zoned::now();
    u16::try_from(now.hour()).unwrap() * 60 + u16::try_from(now.minute()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_is_shown_above_a_full_screen_window_that_keeps_the_keyboard() {
    let place = Place::signed_in("inbound-full-screen");
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    let display = &place.stage.display;
    let _film = display.full_screen().unwrap();
    let film = display
        .wait_for_window(FULL_SCREEN_WINDOW, PATIENCE)
        .unwrap();
    display
        .xdotool(&["windowactivate", "--sync", &film])
        .unwrap();
    let is_highest = |id: &String| display.stacked().unwrap().last() == Some(id);
    eventually("the film covers everything", PATIENCE, || {
        is_highest(&film).then_some(())
    });
    let phones = &place.line.phones;
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    let overlay = display.wait_for_window(OVERLAY_WINDOW, PATIENCE).unwrap();
    eventually("who calls is above the film", PATIENCE, || {
        is_highest(&overlay).then_some(())
    });
    let has_the_keyboard = display.xdotool(&["getwindowfocus"]).unwrap();
    assert_eq!(has_the_keyboard.trim(), film);
    phones.hang_up(&call.id).unwrap();
    eventually("a missed one stays above it, too", PATIENCE, || {
        is_highest(&overlay).then_some(())
    });
    window.close().await;
}
