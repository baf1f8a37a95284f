//! End to end: the program as it lives on a desktop all day. A real tray protocol, notifications, links from a second
//! start, a page that is killed, a window that nobody looks at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stage::line::State;
use stage::{Inbound, ScreenSaver, Tray, TrayIcon};
use support::window::Window;
use support::{OUR_TONE, PATIENCE, Place, THEIR_TONE, eventually};

const CALLER: &str = "+13125550142";

/// What the shell says to the window.
async fn shell(window: &Window) -> Value {
    window.invoke("shell_show", json!({})).await.unwrap()
}

fn tooltip_says(icon: &TrayIcon, words: &str) {
    eventually(&format!("the tray says {words}"), PATIENCE, || {
        icon.tooltip().ok().filter(|said| said.contains(words))
    });
}

/// As a person closes it: the window manager asks the window to go.
fn close(place: &Place) {
    let display = &place.stage.display;
    let id = display.wait_for_window("^Deskline$", PATIENCE).unwrap();
    display.close_window(&id).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_while_dialling_hides_the_window_and_quitting_cancels_the_leg() {
    let place = Place::signed_in("desktop-close");
    let tray = Tray::start(&place.stage.bus).unwrap();
    let window = Window::open(&place).await;
    let icon = tray.icon(PATIENCE).unwrap();
    tooltip_says(&icon, "This desk will ring");
    window.dial("2125550105").await;
    window.until_state("remote_ringing").await;
    tooltip_says(&icon, "In a call with (212) 555-0105");
    close(&place);
    window
        .until("the window is hidden", async || {
            (!window.is_visible(&place).await).then_some(())
        })
        .await;
    let phones = &place.line.phones;
    let call = phones.latest_with("+12125550105").unwrap().unwrap();
    assert_eq!(call.state, State::Ringing, "{call:?}");
    window.until_state("remote_ringing").await;

    // the icon brings it back
    icon.press().unwrap();
    place
        .stage
        .display
        .wait_for_window("^Deskline$", PATIENCE)
        .unwrap();
    // Quit says what is lost first, and ends nothing by itself
    icon.choose("Quit").unwrap();
    let question = window
        .until("it is asked", async || {
            let quit = shell(&window).await["quit"].clone();
            (!quit.is_null()).then_some(quit)
        })
        .await;
    let title = question["title"].as_str().unwrap();
    assert!(
        title.contains("end the call with (212) 555-0105"),
        "{question}"
    );
    window.invoke("quit_cancel", json!({})).await.unwrap();
    assert!(shell(&window).await["quit"].is_null());
    window.until_state("remote_ringing").await;
    // a yes ends the call, then the program
    window.close().await;
    let over = phones
        .wait_until(&call.id, State::Over, Duration::from_secs(6))
        .unwrap();
    assert_eq!(over.ended_by(), Some("desk"), "{over:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_tray_closing_minimises_and_a_second_start_brings_the_window_back() {
    let place = Place::signed_in("desktop-no-tray");
    let window = Window::open(&place).await;
    window
        .until("it is known that there is no tray", async || {
            let view = window.invoke("desktop_show", json!({})).await.ok()?;
            // asked of the desktop after the first paint, like this
            (view["facts"]["notification_buttons"] == true && view["facts"]["tray"] == false)
                .then_some(())
        })
        .await;
    starts_with_the_computer_only_if_wanted(&place, &window).await;
    close(&place);
    window
        .until("the window is in the task bar", async || {
            (!window.is_visible(&place).await).then_some(())
        })
        .await;
    let listed = place
        .stage
        .display
        .xdotool(&["search", "--name", "^Deskline$"])
        .unwrap();
    assert!(!listed.trim().is_empty(), "the window still exists");
    let mut second = place.app.command(&["tel:+1-212-555-0100;ext=42"]);
    let status = second.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{status}");
    place
        .stage
        .display
        .wait_for_window("^Deskline$", PATIENCE)
        .unwrap();
    let prefill = window
        .until("the number is filled in", async || {
            let prefill = shell(&window).await["prefill"].clone();
            (!prefill.is_null()).then_some(prefill)
        })
        .await;
    assert_eq!(prefill["number"], "+12125550100");
    assert_eq!(prefill["keys"], "wwww42");
    window.close().await;
}

/// The switch in the settings writes the entry by which a desktop starts programs, and takes it away.
async fn starts_with_the_computer_only_if_wanted(place: &Place, window: &Window) {
    let home = place.app.profile().parent().unwrap().join("home");
    let entry = home.join(".config/autostart/Deskline.desktop");
    window.click("nav-settings").await;
    window.click("settings-general").await;
    assert!(!entry.exists(), "nobody asked for it");
    window.click("autostart").await;
    let written = eventually("the entry is written", PATIENCE, || {
        let text = std::fs::read_to_string(&entry).ok()?;
        text.contains("Exec=").then_some(text)
    });
    let starts = written.lines().find(|line| line.starts_with("Exec="));
    let app = stage::app_binary().display().to_string();
    assert!(
        starts.is_some_and(|line| line.contains(&app) && line.ends_with("--hidden")),
        "{written}"
    );
    window.click("autostart").await;
    eventually("the entry is gone", PATIENCE, || {
        (!entry.exists()).then_some(())
    });
    let facts = window.invoke("desktop_show", json!({})).await.unwrap()["facts"].clone();
    assert_eq!(facts["words"], json!([]));
}

/// The windows, and with them the tray and notifications, in another language.
async fn speak(window: &Window, language: &str) {
    let mut settings = window.invoke("desktop_show", json!({})).await.unwrap()["settings"].clone();
    settings["language"] = json!(language);
    window
        .invoke("desktop_set", json!({ "settings": settings }))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_links_open_one_window_and_dial_nothing() {
    let place = Place::signed_in("desktop-links");
    let window = Window::open(&place).await;
    let bus = zbus::connection::Builder::address(place.stage.bus.address())
        .unwrap()
        .build()
        .await
        .unwrap();
    let name = zbus::fdo::DBusProxy::new(&bus)
        .await
        .unwrap()
        .list_names()
        .await
        .unwrap()
        .into_iter()
        .find(|name| name.ends_with(".SingleInstance"))
        .expect("the first start can be found");
    let path = format!("/{}", name.replace('.', "/"));
    let profile = place.app.profile().display().to_string();
    let hand_over = async |link: String| {
        // As a second start hands its arguments over; a thousand real ones would only measure the kernel.
        let arguments = vec![
            "deskline".to_owned(),
            link,
            "--profile".into(),
            profile.clone(),
        ];
        bus.call_method(
            Some(name.as_str()),
            path.as_str(),
            Some("org.SingleInstance.DBus"),
            "ExecuteCallback",
            &(arguments, "/"),
        )
        .await
        .unwrap();
    };
    for n in 0..1_000 {
        let link = match n % 5 {
            0 => format!("tel:+1212555{:04}", 100 + n % 100),
            1 => "sip:eve@evil.example".to_owned(),
            2 => "tel:*21*+12125550100#".to_owned(),
            3 => format!("callto:{}", "9".repeat(n)),
            _ => "deskline://dial?number=%00%ff".to_owned(),
        };
        hand_over(link).await;
    }
    hand_over("tel:2125550199".to_owned()).await;
    let prefill = window
        .until("the last link is there", async || {
            let prefill = shell(&window).await["prefill"].clone();
            (prefill["number"] == "+12125550199").then_some(prefill)
        })
        .await;
    assert_eq!(prefill["service_code"], false);
    assert_eq!(prefill["number_shown"], "(212) 555-0199");
    let windows = place.stage.display.windows_named("Deskline").unwrap();
    assert_eq!(windows.len(), 1, "{windows:?}");
    let view = window.invoke("snapshot", json!({})).await.unwrap();
    assert_eq!(view["calls"], json!([]), "nothing was dialled");
    assert!(place.line.phones.calls().unwrap().is_empty());
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tray_has_a_shape_and_words_for_every_state() {
    let place = Place::signed_in("desktop-tray");
    let tray = Tray::start(&place.stage.bus).unwrap();
    let window = Window::open(&place).await;
    let icon = tray.icon(PATIENCE).unwrap();
    let mut shapes = BTreeSet::new();
    let mut seen = |words: &str| {
        tooltip_says(&icon, words);
        assert!(
            shapes.insert(icon.picture().unwrap()),
            "{words}: a shape of another state"
        );
    };
    seen("This desk will ring");
    speak(&window, "de").await;
    tooltip_says(&icon, "Dieser Platz klingelt");
    eventually("the menu is German", PATIENCE, || {
        let menu = icon.menu().ok()?;
        let has = |words: &str| menu.iter().any(|line| line == words);
        (has("Deskline \u{f6}ffnen") && has("Anrufe annehmen")).then_some(())
    });
    window
        .until_text("line-words", "the window says the same", |text| {
            text.contains("Dieser Platz klingelt")
        })
        .await;
    speak(&window, "en").await;
    tooltip_says(&icon, "This desk will ring");
    let phones = &place.line.phones;
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    seen("Incoming call: (312) 555-0142");
    let menu = icon.menu().unwrap();
    assert!(menu.iter().any(|line| line == "Answer"), "{menu:?}");
    phones.hang_up(&call.id).unwrap();
    seen("1 missed call");
    icon.choose("Not for 30 minutes").unwrap();
    seen("Do not disturb");
    icon.choose("Take calls").unwrap();
    tooltip_says(&icon, "1 missed call");
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    tooltip_says(&icon, "Incoming call");
    icon.choose("Answer").unwrap();
    seen("In a call with (312) 555-0142");
    eventually("the call can be muted from the tray", PATIENCE, || {
        icon.choose("Mute").ok()
    });
    window
        .until("it is muted from the tray", async || {
            let view = window.invoke("snapshot", json!({})).await.ok()?;
            let calls = view["calls"].as_array()?.clone();
            calls.iter().any(|call| call["muted"] == true).then_some(())
        })
        .await;
    icon.choose("Hang up").unwrap();
    let over = phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    assert_eq!(over.ended_by(), Some("desk"));
    let forgotten = window.invoke("account_forget", json!({})).await.unwrap();
    assert_eq!(forgotten["has_secret"], false);
    seen("Not signed in");
    assert_eq!(shapes.len(), 6);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_killed_in_a_call_comes_back_and_the_sound_never_stops() {
    let place = Place::signed_in("desktop-killed-page");
    let saver = ScreenSaver::start(&place.stage.bus).unwrap();
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let ear = place.stage.sound.listen().unwrap();
    let window = Window::open(&place).await;
    assert!(saver.kept_awake_by().is_empty());
    window.dial("2125550100").await;
    window.until_state("live").await;
    ear.wait_for_tone(THEIR_TONE, Duration::from_secs(1), PATIENCE)
        .expect("their tone is heard");
    eventually("the screen stays on in a call", PATIENCE, || {
        let by = saver.kept_awake_by();
        by.iter().any(|who| who.contains("deskline")).then_some(())
    });
    let phones = &place.line.phones;
    let call = phones.latest_with("+12125550100").unwrap().unwrap();

    let log = place.app.log();
    let pages = pages_of(window.pid());
    assert!(!pages.is_empty());
    // Both ways are heard from before it is killed until after it is back.
    ear.forget();
    phones.forget_heard(&call.id).unwrap();
    for page in pages {
        let killed = std::process::Command::new("kill")
            .args(["-KILL", &page.to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
    }
    let at = Instant::now();
    let back = eventually("the page is back", PATIENCE, || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let gone = text.rfind("a page went away")?;
        text.get(gone..)?
            .contains("painted again")
            .then(|| at.elapsed())
    });
    eprintln!("the window was back with the call {back:?} after its page was killed");
    let heard = phones
        .wait_for(&call.id, |of| of.heard.window_ms >= 1_000, PATIENCE)
        .unwrap()
        .heard;
    let window_s = Duration::from_millis(heard.window_ms).as_secs_f64();
    assert!(heard.seconds > 0.9 * window_s - 0.1, "{heard:?}");
    let theirs = ear
        .wait_until(PATIENCE, |of| of.duration() >= Duration::from_secs(1))
        .unwrap();
    assert!(
        theirs.loud() > theirs.duration().mul_f32(0.9),
        "{:?} of {:?}",
        theirs.loud(),
        theirs.duration()
    );
    let still = phones.latest_with("+12125550100").unwrap().unwrap();
    assert_eq!((still.id, still.state), (call.id.clone(), State::Active));
    // The page has the live state: a key that is about the call acts on the call.
    let display = &place.stage.display;
    let id = display.wait_for_window("^Deskline$", PATIENCE).unwrap();
    display
        .xdotool(&["windowactivate", "--sync", &id, "key", "m"])
        .unwrap();
    eventually("the call is muted by the new page", PATIENCE, || {
        let quarter = Duration::from_millis(250);
        let heard = phones.listen(&call.id, quarter).unwrap().heard;
        (heard.packets > 0 && heard.seconds == 0.0).then_some(())
    });
    phones.hang_up(&call.id).unwrap();
    eventually("the computer may sleep again", PATIENCE, || {
        saver.kept_awake_by().is_empty().then_some(())
    });
    // The driver lost its page with the process.
    window.kill();
}

/// The processes that draw the pages of the app.
fn pages_of(pid: u32) -> Vec<u32> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(child) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some((name, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        let parent: Option<u32> = rest
            .split_whitespace()
            .nth(1)
            .and_then(|id| id.parse().ok());
        if parent == Some(pid) && name.contains("WebKitWebProces") {
            pages.push(child);
        }
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_nobody_sees_is_forgotten_and_made_anew() {
    let place = Place::signed_in("desktop-hidden");
    let tray = Tray::start(&place.stage.bus).unwrap();
    // Not through the driver: it ends a program whose first page goes.
    let started = place
        .app
        .command(&["--hidden", "--forget-window-after", "500ms"]);
    let mut app = place.stage.run("app", started).unwrap();
    let icon = tray.icon(PATIENCE).unwrap();
    tooltip_says(&icon, "This desk will ring");
    let shown = || place.stage.display.windows_named("^Deskline$").unwrap();
    assert!(shown().is_empty(), "it started hidden");
    let pages = || pages_of(app.pid()).len();
    let hidden_pages = pages();
    // it rings without a window
    let phones = &place.line.phones;
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    place
        .stage
        .display
        .wait_for_window("Incoming call", PATIENCE)
        .unwrap();
    eventually("the call can be answered from the tray", PATIENCE, || {
        icon.choose("Answer").ok()
    });
    phones
        .wait_for(&call.id, |report| report.answered, PATIENCE)
        .unwrap();
    eventually("the call can be ended from the tray", PATIENCE, || {
        icon.choose("Hang up").ok()
    });
    phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    for _ in 0..2 {
        let before = place.app.log_end();
        icon.press().unwrap();
        place
            .stage
            .display
            .wait_for_window("^Deskline$", PATIENCE)
            .unwrap();
        close(&place);
        eventually("it is hidden", PATIENCE, || {
            shown().is_empty().then_some(())
        });
        // Pages share a process, so that the number of those says nothing.
        eventually("it is forgotten", PATIENCE, || {
            let log = place.app.log_since(before);
            log.contains("the hidden window is forgotten").then_some(())
        });
        eventually("nothing draws for it", PATIENCE, || {
            (pages() == hidden_pages).then_some(())
        });
    }
    assert!(app.is_running().unwrap());
    app.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_locked_screen_a_notification_says_less_and_answers_all_the_same() {
    let place = Place::signed_in("desktop-notification");
    let saver = ScreenSaver::start(&place.stage.bus).unwrap();
    let window = Window::open(&place).await;
    window
        .until_text("line-status", "it rings here", |text| {
            text.contains("will ring")
        })
        .await;
    window
        .until("buttons are known", async || {
            let view = window.invoke("desktop_show", json!({})).await.ok()?;
            (view["facts"]["notification_buttons"] == true).then_some(())
        })
        .await;
    let (phones, notifications) = (&place.line.phones, &place.stage.notifications);
    // While the overlay is seen there is none beside it.
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    window.wait("incoming-strip").await;
    place
        .stage
        .display
        .wait_for_window("Incoming call", PATIENCE)
        .unwrap();
    assert_eq!(notifications.showing().unwrap(), 0);
    window.click("incoming-decline").await;
    phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();

    // A notification speaks the language of the windows.
    speak(&window, "de").await;
    saver.lock(true);
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    eventually("it is notified", PATIENCE, || {
        (notifications.showing().ok()? == 1).then_some(())
    });
    notifications.press_answer().unwrap();
    phones
        .wait_for(&call.id, |report| report.answered, PATIENCE)
        .unwrap();
    saver.lock(false);
    speak(&window, "en").await;
    phones.hang_up(&call.id).unwrap();
    window.until_outcome("far_end_hung_up").await;
    notifications.close_all().unwrap();
    let said = notifications.history().unwrap();
    let ring = said
        .iter()
        .find(|one| one.summary == "Eingehender Anruf")
        .unwrap();
    assert!(
        !ring.body.contains("555"),
        "the caller is named on a locked screen: {ring:?}"
    );

    // That somebody called is said until somebody has looked at it; that somebody calls, no longer than they do.
    saver.lock(true);
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    eventually("it is notified", PATIENCE, || {
        (notifications.showing().ok()? == 1).then_some(())
    });
    let gone = || {
        let said = notifications.history().ok()?;
        let rings = said.iter().filter(|one| one.summary == "Incoming call");
        Some(rings.count())
    };
    let before = gone();
    phones.hang_up(&call.id).unwrap();
    eventually("only that it was missed is said", PATIENCE, || {
        (gone() > before && notifications.showing().ok()? == 1).then_some(())
    });
    saver.lock(false);
    window
        .invoke("history_seen", json!({ "call": null }))
        .await
        .unwrap();
    eventually("it was looked at", PATIENCE, || {
        (notifications.showing().ok()? == 0).then_some(())
    });
    // The overlay tells of a missed call until it is put away.
    let view = window.invoke("snapshot", json!({})).await.unwrap();
    for missed in view["calls"].as_array().unwrap() {
        window
            .invoke("dismiss", json!({ "call": missed["id"] }))
            .await
            .unwrap();
    }
    eventually("the overlay is put away", PATIENCE, || {
        let shown = place.stage.display.windows_named("Incoming call").ok()?;
        shown.is_empty().then_some(())
    });

    // The system is set not to disturb: that counts here once the person says so, and not before.
    notifications.pause(true).unwrap();
    let mut settings = window.invoke("desktop_show", json!({})).await.unwrap()["settings"].clone();
    for ring_in_focus in [false, true] {
        settings["ring_in_focus"] = json!(ring_in_focus);
        window
            .invoke("desktop_set", json!({ "settings": settings }))
            .await
            .unwrap();
        let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
        window.wait("incoming-strip").await;
        if ring_in_focus {
            place
                .stage
                .display
                .wait_for_window("Incoming call", PATIENCE)
                .unwrap();
        } else {
            window
                .until("it is silenced", async || {
                    let view = window.invoke("snapshot", json!({})).await.ok()?;
                    let calls = view["calls"].as_array()?;
                    let silent = |of: &Value| of["state"] == "offered" && of["silenced"] == true;
                    calls.iter().any(silent).then_some(())
                })
                .await;
            let shown = place.stage.display.windows_named("Incoming call").unwrap();
            assert!(shown.is_empty(), "no overlay: {shown:?}");
        }
        window.click("incoming-decline").await;
        phones.wait_until(&call.id, State::Over, PATIENCE).unwrap();
    }
    notifications.pause(false).unwrap();
    window.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_from_any_program_answer_and_a_test_ring_goes_through_a_real_room() {
    let place = Place::signed_in("desktop-keys");
    let window = Window::open(&place).await;
    window
        .until("this desk will ring, proven", async || {
            let view = window.invoke("readiness_show", json!({})).await.ok()?;
            (view["ready"] == true).then_some(())
        })
        .await;
    let desktop = window.invoke("desktop_show", json!({})).await.unwrap();
    let mut settings = desktop["settings"].clone();
    settings["shortcuts"][0]["global"] = json!("Ctrl+Alt+A");
    settings["shortcuts"][1]["global"] = json!("Ctrl+Alt+D");
    // What a person wants done when somebody calls, answers, hangs up.
    let done = |moment: &str| place.app.profile().join(format!("done-{moment}"));
    settings["hooks"] = ["ring", "answer", "end"]
        .map(|moment| {
            let arguments = [done("{moment}").display().to_string()];
            let run = json!({ "kind": "run", "program": "/usr/bin/touch", "arguments": arguments });
            json!({ "enabled": true, "moment": moment, "direction": "inbound", "action": run })
        })
        .into();
    window
        .invoke("desktop_set", json!({ "settings": settings }))
        .await
        .unwrap();
    settings["shortcuts"][3]["global"] = json!("Ctrl+Alt+A");
    let clash = window
        .invoke("desktop_set", json!({ "settings": settings }))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        clash.contains("Answer") && clash.contains("Mute"),
        "{clash}"
    );
    window
        .until("the system gave the keys", async || {
            let view = window.invoke("desktop_show", json!({})).await.ok()?;
            let facts = &view["facts"];
            (facts["global_keys"] == true && facts["troubles"] == json!([])).then_some(())
        })
        .await;

    window.invoke("ring_me_now", json!({})).await.unwrap();
    let passed = window
        .until("the test rang", async || {
            let view = window.invoke("readiness_show", json!({})).await.ok()?;
            let test = view["test"].clone();
            ["passed", "failed"]
                .contains(&test["state"].as_str()?)
                .then_some(test)
        })
        .await;
    assert_eq!(passed["state"], "passed", "{passed}");
    // the keyboard belongs to another window meanwhile
    place.stage.display.xdotool(&["key", "ctrl+alt+a"]).unwrap();
    window.until_state("live").await;
    assert!(!done("end").exists());
    place.stage.display.xdotool(&["key", "ctrl+alt+d"]).unwrap();
    window.until_outcome("hung_up").await;
    for moment in ["ring", "answer", "end"] {
        eventually(&format!("the hook of {moment} is done"), PATIENCE, || {
            done(moment).exists().then_some(())
        });
    }
    window.close().await;
}
