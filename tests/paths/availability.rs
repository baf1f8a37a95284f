//! Who may be rung: do not disturb, business hours, single numbers, and that all of it is kept.

use std::time::Duration;

use stage::Inbound;

use crate::desk::Desk;
use crate::in_call::{CALLER, PHONE};
use crate::scene::Scene;
use crate::support::{PATIENCE, eventually};

const FRIEND: &str = "+13125550143";

/// Nothing was heard since the ear was asked to forget.
fn stays_silent(ear: &stage::Listening) {
    let long = Duration::from_millis(1_200);
    let heard = ear
        .wait_until(PATIENCE, |heard| heard.duration() >= long)
        .unwrap();
    assert!(heard.loud().is_zero(), "it rang for {:?}", heard.loud());
}

#[test]
fn do_not_disturb_shows_callers_rings_for_the_listed_and_survives_a_restart() {
    let scene = Scene::set();
    let ear = scene.ear();
    let mut desk = Desk::open(&scene, "dnd");
    desk.order(&format!("settings {{\"always_ring\": [\"{FRIEND}\"]}}"));
    desk.until_said("the settings", |line| line["event"] == "told");
    desk.order("dnd");
    desk.until("it is said", |view| {
        let quiet = view["quiet"].as_str()?;
        quiet.contains("Do not disturb").then_some(())
    });
    let mut desk = desk.reopen();
    desk.until("it is kept", |view| {
        (view["availability"]["state"] == "do_not_disturb").then_some(())
    });
    ear.forget();
    let caller = scene.ring(&Inbound::from(CALLER));
    let shown = desk.until_state(CALLER, "offered");
    assert_eq!(shown["quiet"], true, "shown, not rung: {shown}");
    stays_silent(&ear);
    scene.phones().hang_up(&caller.id).unwrap();
    assert_eq!(desk.until_end(CALLER), "missed");

    let friend = scene.ring(&Inbound::from(FRIEND));
    let shown = desk.until_state(FRIEND, "offered");
    assert_eq!(shown["quiet"], false, "{shown}");
    ear.wait_until(PATIENCE, |heard| {
        !heard.last(Duration::from_secs(1)).loud().is_zero()
    })
    .expect("who is on the list rings");
    scene.phones().hang_up(&friend.id).unwrap();
    desk.until_end(FRIEND);

    desk.order("dnd 1s");
    desk.until("it has an end", |view| {
        view["availability"]["until_ms"].as_i64()
    });
    desk.until("it ends by itself", |view| {
        (view["availability"]["state"] == "available").then_some(())
    });
    desk.close();
}

#[test]
fn outside_business_hours_callers_are_silent_or_turned_away_and_lines_may_be_quiet() {
    let scene = Scene::set();
    let ear = scene.ear();
    let mut desk = Desk::open(&scene, "hours");
    // open for one minute of tomorrow: closed now, whatever the clock says
    let today = u8::try_from(jiff::Zoned::now().weekday().to_monday_one_offset()).unwrap();
    let day = today % 7 + 1;
    let hours = format!(
        "\"hours\": [{{\"days\": [{}], \"from_minute\": 720, \"to_minute\": 721}}]",
        day
    );
    let set = |desk: &mut Desk, settings: &str| {
        desk.order(&format!("settings {{{settings}}}"));
        let told = desk.until_said("the settings", |line| line["event"] == "told");
        assert!(told["words"].as_str().unwrap().starts_with('{'), "{told}");
    };
    set(&mut desk, &format!("{hours}, \"when_closed\": \"silent\""));
    desk.until("it is said", |view| {
        view["quiet"]
            .as_str()?
            .contains("business hours")
            .then_some(())
    });
    ear.forget();
    let caller = scene.ring(&Inbound::from(CALLER));
    assert_eq!(desk.until_state(CALLER, "offered")["quiet"], true);
    stays_silent(&ear);
    scene.phones().hang_up(&caller.id).unwrap();
    assert_eq!(desk.until_end(CALLER), "missed");

    set(&mut desk, "\"when_closed\": \"decline\"");
    let turned_away = scene.ring(&Inbound::from(FRIEND));
    let over = scene.over(&turned_away);
    assert_eq!(over.ended.unwrap().code, Some(486), "the caller hears busy");
    assert_eq!(desk.newest_row()["outcome"], "turned_away");

    let mut desk = desk.reopen(); // kept
    desk.until("it is kept", |view| {
        view["quiet"]
            .as_str()?
            .contains("business hours")
            .then_some(())
    });
    let ours = scene.phones().inbound_number().to_owned();
    set(
        &mut desk,
        &format!("\"hours\": [], \"quiet_lines\": [\"{ours}\"]"),
    );
    let caller = scene.ring(&Inbound::from("+13125550145"));
    assert_eq!(desk.until_state("+13125550145", "offered")["quiet"], true);
    scene.phones().hang_up(&caller.id).unwrap();
    assert_eq!(desk.until_end("+13125550145"), "missed");

    // in a call: a second caller beeps only if wanted, and is never lost
    set(&mut desk, "\"quiet_lines\": [], \"call_waiting\": false");
    desk.talks_to(PHONE);
    let second = scene.ring(&Inbound::from("+13125550146"));
    desk.until_state("+13125550146", "offered");
    scene.phones().hang_up(&second.id).unwrap();
    assert_eq!(desk.until_end("+13125550146"), "missed");
    desk.order("end");
    desk.until_end(PHONE);
    eventually("all rows are closed", PATIENCE, || {
        let rows = desk.history();
        (rows.len() == 5 && rows.iter().all(|row| row["outcome"] != "open")).then_some(())
    });
    desk.close();
}
