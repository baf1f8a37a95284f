//! Between the answer and the end: mute, hold, keys, handing over, a second caller.

use std::time::Duration;

use serde_json::json;
use stage::Inbound;
use stage::line::numbers;

use crate::desk::{Desk, text};
use crate::scene::{Scene, hears_music, hears_nothing, hears_us};

pub(crate) const PHONE: &str = "+12125550100";
pub(crate) const CALLER: &str = "+13125550142";
/// What the phone of [`PHONE`] says.
const FAR: f32 = 440.0;
const SOON: Duration = Duration::from_secs(15);

#[test]
fn muted_and_held_are_heard_as_they_should_and_do_not_mix() {
    let scene = Scene::set();
    let ear = scene.ear();
    let mut desk = Desk::open(&scene, "hold");
    desk.talks_to(PHONE);
    let phone = scene.phone(PHONE);
    ear.wait_for_tone(FAR, Duration::from_millis(500), SOON)
        .unwrap();
    desk.order("mute");
    scene.until_heard(&phone, "silence, in packets", hears_nothing);
    desk.order("hold");
    scene.until_heard(&phone, "music", hears_music);
    ear.wait_for_silence(Duration::from_millis(500), SOON)
        .expect("nothing of a held call is heard here");
    desk.order("resume");
    scene.until_heard(&phone, "silence again", hears_nothing);
    desk.order("unmute");
    scene.until_heard(&phone, "us", hears_us);
    ear.wait_for_tone(FAR, Duration::from_millis(500), SOON)
        .unwrap();
    desk.order("end");
    assert_eq!(desk.until_end(PHONE), "hung_up");
    desk.close();
    scene.no_leg_left();
}

#[test]
fn keys_go_both_ways_and_those_typed_before_the_answer_wait() {
    let scene = Scene::set();
    let number = "+12125550171";
    scene
        .phones()
        .set_number(
            number,
            &json!({ "answer_after_ms": 1500, "says": "keys", "send_keys": "77#" }),
        )
        .unwrap();
    let mut desk = Desk::open(&scene, "keys");
    desk.order(&format!("dial {number}"));
    desk.until_state(number, "remote_ringing");
    desk.order("keys 12#");
    desk.until_state(number, "live");
    desk.order("keys 9*D");
    desk.order("keys 12x");
    let refused = desk.until_said("a sentence", |line| {
        line["event"] == "notice" && line["code"] == "bad_key"
    });
    assert!(!text(&refused["words"]).is_empty());
    desk.until_call(number, "their keys are shown", |call| {
        call["keys_received"] == "77#" && call["keys_sent"] == "12#9*D"
    });
    let phone = scene.phone(number);
    let heard = scene
        .phones()
        .wait_for(&phone.id, |report| report.keys.len() >= 6, SOON)
        .unwrap();
    assert_eq!(heard.keys, "12#9*D");
    desk.order("end");
    desk.until_end(number);
    desk.close();
}

#[test]
fn a_transfer_works_is_refused_or_is_nonsense_and_nobody_is_lost() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "transfer");
    desk.order("dial +12125550106"); // answers after 4 s
    let before = desk.until_state("+12125550106", "remote_ringing");
    assert_eq!(before["can_transfer"], false, "only a call that is up");
    desk.order("end");
    desk.until_end("+12125550106");

    desk.talks_to(PHONE);
    let phone = scene.phone(PHONE);
    desk.until_call(PHONE, "it can be handed over", |call| {
        call["can_transfer"] == true
    });
    // 405, 501, 603: networks that know no REFER, or whose third party says no
    for to in [numbers::REFER_405, numbers::REFER_501, numbers::REFER_603] {
        desk.order(&format!("transfer {to}"));
        desk.until_call(PHONE, "the transfer is asked for", |call| {
            call["transfer"]["state"] == "asked"
        });
        let refused = desk.until_call(PHONE, "the refusal is told", |call| {
            call["transfer"]["state"] == "failed"
        });
        assert!(!text(&refused["transfer"]["words"]).is_empty(), "{refused}");
        assert!(scene.is_up(&phone), "the far end is kept");
    }
    for nonsense in ["12ab", "sip:", "sip:a b@c", "https://desk.example", "tel:"] {
        desk.order(&format!("transfer {nonsense}"));
        let told = desk.until_said("a sentence", |line| line["event"] == "notice");
        assert!(!text(&told["words"]).is_empty(), "{nonsense}: {told}");
    }
    scene.until_heard(&phone, "us, as before", hears_us);
    handed_over(
        &scene,
        &mut desk,
        "sip:+12125550102@desk.example",
        "<sip:+12125550102@desk.example>",
    );
    for number in ["(212) 555-0102", "tel:+1-212-555-0102"] {
        desk.talks_to(PHONE);
        handed_over(&scene, &mut desk, number, "tel:+12125550102");
    }
    desk.close();
    scene.no_leg_left();
}

/// Hands the call with `PHONE` over to `to`, and sees the network asked for exactly `refer_to`.
fn handed_over(scene: &Scene, desk: &mut Desk, to: &str, refer_to: &str) {
    let phone = scene.phone(PHONE);
    desk.until_call(PHONE, "it can be handed over", |call| {
        call["can_transfer"] == true
    });
    desk.order(&format!("transfer {to}"));
    let over = scene.over(&phone);
    assert_eq!(over.ended_by(), Some("transfer"), "{over:?}");
    assert_eq!(over.refer_to, refer_to);
    assert_eq!(desk.until_end(PHONE), "transferred");
    let row = desk.newest_row();
    assert!(!text(&row["details"]["transferred_to"]).is_empty(), "{row}");
}

#[test]
fn a_second_caller_is_silenced_declined_or_answered_while_the_first_ends() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "second");
    desk.talks_to(PHONE);
    let first = scene.phone(PHONE);

    let second = scene.ring(&Inbound::from(CALLER));
    desk.until_state(CALLER, "offered");
    desk.order("silence");
    desk.until_call(CALLER, "it is silent", |call| call["silenced"] == true);
    assert!(
        !scene.phones().call(&second.id).unwrap().over,
        "it rings on for the caller"
    );
    desk.until_call(CALLER, "declining ends it", |call| {
        call["decline_effect"] == "ends_for_caller"
    });
    desk.order("decline");
    assert_eq!(desk.until_end(CALLER), "declined_here");
    let over = scene.over(&second);
    assert_eq!(over.ended.unwrap().code, Some(486), "the caller hears busy");
    assert!(scene.is_up(&first));

    let third = scene.ring(&Inbound::from("+13125550143").says("tone:700"));
    desk.until_state("+13125550143", "offered");
    desk.order("answer end");
    desk.until_state("+13125550143", "live");
    assert_eq!(scene.over(&first).ended_by(), Some("desk"));
    scene.until_heard(&third, "us", hears_us);
    desk.order("end");
    desk.until_end("+13125550143");
    desk.close();
    scene.no_leg_left();
}

#[test]
fn two_calls_are_swapped_one_of_them_ends_and_the_last_number_is_called_again() {
    let scene = Scene::set();
    let ear = scene.ear();
    let mut desk = Desk::open(&scene, "swap");
    desk.talks_to(PHONE);
    let first = scene.phone(PHONE);
    scene.phones().say(&first.id, "silence").unwrap();
    let second = scene.ring(&Inbound::from(CALLER).says("tone:700"));
    // a second caller is a soft beep in the call, and nothing the far end could hear
    ear.wait_until(SOON, |heard| {
        heard
            .last(Duration::from_secs(3))
            .samples()
            .chunks_exact(4_800)
            .any(|part| stage::Recording::new(part.to_vec()).share_of(523.25) > 0.2)
    })
    .expect("the soft beep");
    scene.phones().say(&first.id, "tone:440").unwrap();
    desk.until_state(CALLER, "offered");
    desk.order("answer");
    desk.until_state(CALLER, "live");
    scene.until_heard(&second, "us", hears_us);
    scene.until_heard(&first, "music", hears_music);
    ear.wait_for_tone(700.0, Duration::from_millis(500), SOON)
        .unwrap();
    desk.order("swap");
    scene.until_heard(&first, "us again", hears_us);
    scene.until_heard(&second, "music", hears_music);
    ear.wait_for_tone(FAR, Duration::from_millis(500), SOON)
        .unwrap();

    desk.order("end @0142"); // the one that waits
    assert_eq!(desk.until_end(CALLER), "hung_up");
    assert_eq!(scene.over(&second).ended_by(), Some("desk"));
    assert!(scene.is_up(&first));
    scene.until_heard(&first, "us still", hears_us);
    desk.order("end");
    desk.until_end(PHONE);
    scene.over(&first);

    desk.order("redial");
    desk.until_state(PHONE, "live");
    let again = scene.phone(PHONE);
    assert_ne!(again.id, first.id);
    desk.order("end");
    scene.over(&again);
    desk.close();
    assert!(scene.phones().calls().unwrap().iter().all(|call| call.over));
}
