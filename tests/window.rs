//! End to end through the real window: real web view, server, sound server, secret service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use stage::line::State;
use stage::{Inbound, LineOptions};
use support::window::Window;
use support::{OUR_TONE, PATIENCE, Place, THEIR_TONE, eventually};

const CALLER: &str = "+13125550142";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialling_by_typing_talking_muting_keys_and_hanging_up() {
    let place = Place::signed_in("window-typing");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let ear = place.stage.sound.listen().unwrap();
    let window = Window::open(&place).await;

    window.dial("2125550100").await;
    window.until_state("live").await;
    ear.wait_for_tone(THEIR_TONE, Duration::from_secs(1), PATIENCE)
        .expect("their tone is heard");
    let phones = &place.line.phones;
    let call = phones
        .latest_with("+12125550100")
        .unwrap()
        .expect("the phone was called");
    let heard = phones
        .wait_for(&call.id, |r| r.heard.seconds >= 1.0, PATIENCE)
        .unwrap()
        .heard;
    assert!(
        (heard.hz.unwrap() - f64::from(OUR_TONE)).abs() < 10.0,
        "{heard:?}"
    );
    assert!(heard.rms_dbfs.unwrap() > -30.0, "{heard:?}");

    window.click("call-mute").await;
    window
        .until_text("call-mute", "muted", |text| text.contains("uted"))
        .await;
    let muted = phones.listen(&call.id, Duration::from_millis(500)).unwrap(); // what was under way
    let muted = phones
        .listen(&muted.id, Duration::from_secs(2))
        .unwrap()
        .heard;
    assert!(muted.seconds < 0.15, "muted, but heard: {muted:?}");
    assert!(muted.packets > 40, "packets must go on: {muted:?}");
    window.click("call-mute").await;
    phones
        .wait_for(&call.id, |r| r.heard.seconds > 0.5, PATIENCE)
        .unwrap();
    window.click("call-end").await;
    let over = phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    assert_eq!(over.ended_by(), Some("desk"));
    window
        .until_text("ended-title", "who ended it", |text| {
            text == "You ended the call"
        })
        .await;

    window.dial("2125550103").await;
    window.until_state("live").await;
    window.click("call-keypad").await;
    for key in ["1", "2", "9", "hash"] {
        window.click(&format!("incall-key-{key}")).await;
    }
    let call = phones.latest_with("+12125550103").unwrap().unwrap();
    let keys = phones
        .wait_for(&call.id, |r| r.keys.len() >= 4, PATIENCE)
        .unwrap()
        .keys;
    assert_eq!(keys, "129#");
    window.click("call-end").await;
    window.until_outcome("hung_up").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialling_by_paste_and_the_far_end_hangs_up() {
    let place = Place::signed_in("window-paste");
    let window = Window::open(&place).await;
    window.click("nav-phone").await;
    window
        .paste(&place, "dial-input", " tel:+1 (212) 555-0107\n")
        .await;
    window.click("dial-call").await;
    window.until_state("live").await;
    window
        .until_text("ended-title", "who ended it", |text| {
            text == "They ended the call"
        })
        .await;
    let rows = window.history().await;
    assert_eq!(rows[0].0, "far_end_hung_up");
    assert!((rows[0].2.unwrap() - 2.0).abs() <= 1.0, "{rows:?}");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_not_in_service_declined_and_no_answer_are_shown_in_the_right_words() {
    let place = Place::signed_in("window-refusals");
    let window = Window::open_with(&place, &["--ring-for", "3s"]).await;
    for (number, words) in [
        ("2125550111", "Busy"),
        ("2125550112", "Number not in service"),
        ("2125550113", "They declined the call"),
        ("2125550105", "No answer"),
    ] {
        window.dial(number).await;
        window
            .until_text("ended-title", words, |text| text == words)
            .await;
    }
    window.until_outcome("no_answer").await;
    let outcomes: Vec<_> = window
        .history()
        .await
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(
        outcomes,
        ["no_answer", "declined", "not_in_service", "busy"]
    );
    window.dial("12ab").await;
    window
        .until_text("notice", "what is wrong", |text| text.contains("digit"))
        .await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incoming_call_is_answered_from_the_overlay_and_others_are_declined_or_missed() {
    let place = Place::signed_in("window-inbound");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let ear = place.stage.sound.listen().unwrap();
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    let phones = &place.line.phones;

    let call = phones
        .place_inbound(&Inbound::from(CALLER).says("tone:700"))
        .unwrap();
    window.wait("incoming-strip").await;
    ear.wait_until(PATIENCE, |heard| {
        heard.last(Duration::from_millis(500)).loud() > Duration::from_millis(200)
    })
    .expect("it rings");
    window.overlay().await;
    window
        .until_text("overlay-caller", "who calls", |text| {
            text.contains("555-0142")
        })
        .await;
    // a click in the first 300 ms after it appeared is not meant for it
    window
        .until("the overlay takes clicks", async || {
            let overlay = window.wait("overlay").await;
            let armed = overlay.attr("data-armed").await.ok().flatten();
            (armed.as_deref() == Some("true")).then_some(())
        })
        .await;
    window.click("overlay-answer").await;
    window.main().await;
    window.until_state("live").await;
    ear.wait_for_tone(700.0, Duration::from_secs(1), PATIENCE)
        .expect("the caller is heard");
    let heard = phones
        .wait_for(&call.id, |r| r.heard.seconds >= 1.0, PATIENCE)
        .unwrap()
        .heard;
    assert!(
        (heard.hz.unwrap() - f64::from(OUR_TONE)).abs() < 10.0,
        "{heard:?}"
    );
    window.click("call-end").await;
    assert_eq!(
        phones
            .wait_until(&call.id, State::Over, PATIENCE)
            .unwrap()
            .ended_by(),
        Some("desk")
    );

    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    window.wait("incoming-strip").await;
    window.click("incoming-decline").await;
    let over = phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    assert_eq!(
        (over.answered, over.ended.as_ref().and_then(|end| end.code)),
        (false, Some(486)),
        "{over:?}"
    );

    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    window.wait("incoming-strip").await;
    phones.hang_up(&call.id).unwrap();
    let gave_up = Instant::now();
    window
        .until("the strip is gone", async || {
            (!window.is_there("incoming-strip").await).then_some(())
        })
        .await;
    assert!(
        gave_up.elapsed() < Duration::from_secs(2),
        "{:?}",
        gave_up.elapsed()
    );
    window.until_outcome("missed").await;
    let outcomes: Vec<_> = window
        .history()
        .await
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(outcomes, ["missed", "declined_here", "hung_up"]);
    window.close().await;
}

/// Where the overlay stands on the screen.
fn overlay_at(place: &Place) -> (i32, i32) {
    let display = &place.stage.display;
    let id = display
        .wait_for_window("^Incoming call$", PATIENCE)
        .unwrap();
    let said = display
        .xdotool(&["getwindowgeometry", "--shell", &id])
        .unwrap();
    let number = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {said}"))
    };
    (number("X="), number("Y="))
}

/// Drags the overlay by its first line, as a person does: the pointer moves on until the window has come along.
fn drag_overlay(place: &Place, to: (i32, i32)) {
    let display = &place.stage.display;
    let from = overlay_at(place);
    let (grip_x, grip_y) = (150, 12);
    let point = |at: (i32, i32)| {
        let (x, y) = ((at.0 + grip_x).max(0), (at.1 + grip_y).max(0));
        display
            .xdotool(&["mousemove", &x.to_string(), &y.to_string()])
            .unwrap();
    };
    point(from);
    display.xdotool(&["mousedown", "1"]).unwrap();
    // The page hands the drag over to the window manager; what the pointer did before that is not followed.
    let mut step = 0;
    eventually("the overlay comes along", PATIENCE, || {
        step += 1;
        point((from.0 - step % 40, from.1 + step % 40));
        (overlay_at(place) != from).then_some(())
    });
    // It lags behind the pointer by what the pointer did before: once it stands still, the pointer goes the rest.
    let (mut aim, mut last) = (to, from);
    point(aim);
    eventually("the overlay is where it was dragged to", PATIENCE, || {
        let at = overlay_at(place);
        if at == last && !near(at, to) {
            aim = (aim.0 + to.0 - at.0, aim.1 + to.1 - at.1);
            point(aim);
        }
        last = at;
        near(at, to).then_some(())
    });
    display.xdotool(&["mouseup", "1"]).unwrap();
}

fn near(one: (i32, i32), other: (i32, i32)) -> bool {
    (one.0 - other.0).abs() <= 3 && (one.1 - other.1).abs() <= 3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overlay_remembers_where_it_was_dragged_to_and_one_fact_about_the_caller() {
    let place = Place::signed_in("window-overlay");
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    let phones = &place.line.phones;
    let caller = Inbound::from(CALLER);
    let fact = async |window: &Window, part: &str| {
        window.overlay().await;
        window
            .until_text("overlay-remembered", part, |text| text.contains(part))
            .await;
        window.main().await;
    };

    // The first time nothing is known of them.
    let call = phones.place_inbound(&caller).unwrap();
    window.overlay().await;
    window.wait("overlay-answer").await;
    assert!(!window.is_there("overlay-remembered").await);
    window.main().await;
    phones.hang_up(&call.id).unwrap();
    window.until_outcome("missed").await;
    let words = window.history().await.remove(0).1;
    assert!(!words.is_empty());

    // Then the last call; and what somebody noted says more than that.
    let call = phones.place_inbound(&caller).unwrap();
    fact(&window, &words).await;
    let (id, note) = (place.history().pop().unwrap(), "Prefers to be called Bob");
    let wanted = json!({ "call": id["id"], "note": note });
    window.invoke("history_note", wanted).await.unwrap();
    let before = overlay_at(&place);
    let to = (24, 540);
    assert!(!near(before, to), "it begins somewhere else: {before:?}");
    drag_overlay(&place, to);
    window.wait("incoming-strip").await;
    window.click("incoming-decline").await;
    phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    window.until_outcome("declined_here").await;
    window.close().await;

    // Both are there after a start.
    let window = Window::open(&place).await;
    let call = phones.place_inbound(&caller).unwrap();
    fact(&window, note).await;
    assert!(near(overlay_at(&place), to), "{:?}", overlay_at(&place));
    phones.hang_up(&call.id).unwrap();
    window.until_outcome("missed").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_through_settings_and_a_server_that_goes_away() {
    let place = Place::signed_out(
        "window-account",
        LineOptions {
            child: true,
            ..LineOptions::default()
        },
    );
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "nobody is signed in", |text| {
            text.to_lowercase().contains("not signed in")
        })
        .await;
    window.click("nav-settings").await;
    let ready = place.line.ready.clone();
    window.fill("account-url", &ready.url).await;
    window.fill("account-key", &ready.key).await;
    window.fill("account-secret", &ready.secret).await;
    window.click("account-save").await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    let field = window.wait("account-secret").await;
    let value = field.prop("value").await.unwrap().unwrap_or_default();
    assert!(
        value.is_empty(),
        "the secret never comes back into the window"
    );

    place
        .line
        .phones
        .server(stage::line::ServerFault::Kill)
        .unwrap();
    window
        .until_text("line-status", "it is told", |text| text.contains("reached"))
        .await;
    window.dial("2125550100").await;
    window
        .until_text("ended-title", "no network", |text| {
            text == "LiveKit cannot be reached"
        })
        .await;
    place
        .line
        .phones
        .server(stage::line::ServerFault::Start)
        .unwrap();
    window
        .until_text("line-status", "it is back", |text| {
            text.contains("will ring")
        })
        .await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_in_a_row_out_and_in_leave_nothing_behind() {
    let place = Place::signed_in("window-fifty");
    let phones = &place.line.phones;
    phones
        .set_number(
            "+12125550177",
            &json!({ "ring_after_ms": 50, "answer_after_ms": 100, "says": "tone:440" }),
        )
        .unwrap();
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    let pid = window.pid();
    let mut after_warm_up = None;
    for round in 0..50 {
        let report = if round % 2 == 0 {
            window.dial("2125550177").await;
            window.until_state("live").await;
            phones.latest_with("+12125550177").unwrap().unwrap()
        } else {
            let call = phones
                .place_inbound(&Inbound::from(CALLER).says("tone:440"))
                .unwrap();
            window.click("incoming-answer").await;
            window.until_state("live").await;
            call
        };
        let id = report.id;
        phones
            .wait_for(&id, |r| r.answered && r.heard.packets > 0, PATIENCE)
            .unwrap();
        window.click("call-end").await;
        let over = phones.wait_until(&id, State::Over, PATIENCE).unwrap();
        assert_eq!(over.ended_by(), Some("desk"), "round {round}: {over:?}");
        window.wait("ended-card").await;
        if round == 9 {
            after_warm_up = Some(quiet(pid));
        }
    }
    let (threads, files) = quiet(pid);
    let (threads_before, files_before) = after_warm_up.unwrap();
    eprintln!("threads {threads_before} -> {threads}, open files {files_before} -> {files}");
    assert!(
        threads <= threads_before + 2,
        "threads grew from {threads_before} to {threads}"
    );
    assert!(
        files <= files_before + 4,
        "open files grew from {files_before} to {files}"
    );
    let rows = place.history();
    assert_eq!(rows.len(), 50);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row["outcome"], "hung_up", "row {n}: {row}");
        assert_eq!(
            row["direction"],
            if n % 2 == 0 { "inbound" } else { "outbound" },
            "row {n}: {row}"
        );
    }
    window.close().await;
}

/// Threads and open files of a process, once both have settled after a call.
fn quiet(pid: u32) -> (usize, usize) {
    let count = |folder: &str| {
        std::fs::read_dir(format!("/proc/{pid}/{folder}")).map_or(0, Iterator::count)
    };
    let mut last = (0, 0);
    let mut same = 0;
    eventually("threads and files settle", PATIENCE, || {
        let now = (count("task"), count("fd"));
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same >= 40).then_some(now)
    })
}

/// What takes long.
mod slow {
    use super::*;

    /// Deleted, brought back, erased with everything: afterwards its number is in no file of the profile.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_call_is_deleted_and_brought_back_and_what_is_erased_is_nowhere() {
        let place = Place::signed_in("window-erase");
        let window = Window::open(&place).await;
        let rows = async |wanted: usize| {
            let page = json!({ "query": {}, "cursor": null, "limit": 9 });
            window
                .until(&format!("there are {wanted} calls"), async || {
                    let page = window.invoke("history_page", page.clone()).await.ok()?;
                    (page["rows"].as_array()?.len() == wanted).then_some(())
                })
                .await;
        };
        window.dial("2125550111").await;
        window
            .until_text("ended-title", "busy", |text| text == "Busy")
            .await;
        window.until_outcome("busy").await;
        let found = |place: &Place| {
            let spellings = [
                "2125550111",
                "212) 555-0111",
                "212-555-0111",
                "212 555 0111",
            ];
            let files = files_below(place.app.profile());
            assert!(files.len() > 2, "{files:?}");
            files
                .into_iter()
                .filter(|file| {
                    // a file of SQLite may be gone by now
                    let bytes = std::fs::read(file).unwrap_or_default();
                    let has = |what: &str| {
                        bytes
                            .windows(what.len())
                            .any(|part| part == what.as_bytes())
                    };
                    spellings.iter().any(|spelling| has(spelling))
                })
                .collect::<Vec<_>>()
        };
        assert!(
            !found(&place).is_empty(),
            "it is looked for in the right place"
        );

        window.click("nav-history").await;
        window.click("detail-more").await;
        window.click("detail-more-delete").await;
        rows(0).await;
        window.click("toast-action").await;
        rows(1).await;
        window
            .until_text("history-row-words", "it is back", |text| text == "Busy")
            .await;

        window.click("nav-settings").await;
        window.click("settings-privacy").await;
        window.click("erase-everything").await;
        window.click("erase-cancel").await;
        rows(1).await;
        window.click("erase-everything").await;
        window.click("erase-confirm").await;
        rows(0).await;
        window.click("nav-history").await;
        window.wait("history-empty").await;
        eventually("nothing is left of the number", PATIENCE, || {
            found(&place).is_empty().then_some(())
        });
        window.close().await;
        assert_eq!(
            found(&place),
            [] as [std::path::PathBuf; 0],
            "nor after the end"
        );
    }

    fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            // links lead out of the profile
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
        files
    }
}
