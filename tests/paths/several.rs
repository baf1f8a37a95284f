//! More than two: handing over without REFER, asking alone first, further people, and leaving them to it.

use std::time::Duration;

use serde_json::json;
use stage::line::{Heard, Report, numbers};

use crate::desk::{Desk, text};
use crate::in_call::PHONE;
use crate::scene::{Scene, hears_music, hears_us};
use crate::support::PATIENCE;

/// Whistles.
const THIRD: &str = "+13125550101";
/// What the first and the third say.
const FIRST_HZ: f64 = 440.0;
const THIRD_HZ: f64 = 820.0;

fn hears(hz: f64) -> impl Fn(&Heard) -> bool {
    move |heard| heard.tone(hz).is_some()
}

/// The first is on the phone, and the third is dialled into it.
fn with_a_third(scene: &Scene, desk: &mut Desk, order: &str) -> (Report, Report) {
    let whistles = json!({ "says": format!("tone:{THIRD_HZ}") });
    scene.phones().set_number(THIRD, &whistles).unwrap();
    desk.talks_to(PHONE);
    let first = scene.phone(PHONE);
    desk.order(&format!("{order} {THIRD}"));
    desk.until_call(PHONE, "the third is in the call", |call| {
        person(call, THIRD).is_some_and(|person| person["state"] == "up")
    });
    let third = scene.phone(THIRD);
    (first, third)
}

fn person<'a>(call: &'a serde_json::Value, number: &str) -> Option<&'a serde_json::Value> {
    call["people"]
        .as_array()?
        .iter()
        .find(|person| person["number"] == number)
}

#[test]
fn the_third_is_asked_alone_introduced_and_left_with_the_first() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "introduce");
    let (first, third) = with_a_third(&scene, &mut desk, "ask");
    scene.until_heard(&third, "us alone", |heard| {
        hears_us(heard) && !hears(FIRST_HZ)(heard)
    });
    scene.until_heard(&first, "music, and neither of us", |heard| {
        hears_music(heard) && !hears(THIRD_HZ)(heard)
    });
    desk.order("merge");
    scene.until_heard(&first, "both", |heard| {
        hears_us(heard) && hears(THIRD_HZ)(heard)
    });
    scene.until_heard(&third, "both", |heard| {
        hears_us(heard) && hears(FIRST_HZ)(heard)
    });
    desk.order("leave");
    desk.until_state(PHONE, "handed_over");
    scene.until_heard(&first, "the third, and us no more", |heard| {
        hears(THIRD_HZ)(heard) && !hears_us(heard)
    });
    scene.until_heard(&third, "the first, and us no more", |heard| {
        hears(FIRST_HZ)(heard) && !hears_us(heard)
    });
    // who is left alone is ended
    scene.phones().hang_up(&third.id).unwrap();
    scene.over(&first);
    assert_eq!(desk.until_end(PHONE), "transferred");
    assert!(!text(&desk.newest_row()["details"]["transferred_to"]).is_empty());
    desk.close();
    scene.no_leg_left();
}

#[test]
fn everybody_hears_everybody_and_one_of_them_is_let_go() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "add");
    let (first, third) = with_a_third(&scene, &mut desk, "add");
    scene.until_heard(&first, "both", |heard| {
        hears_us(heard) && hears(THIRD_HZ)(heard)
    });
    scene.until_heard(&third, "both", |heard| {
        hears_us(heard) && hears(FIRST_HZ)(heard)
    });
    desk.order("alone 0101");
    scene.until_heard(&first, "music", |heard| {
        hears_music(heard) && !hears(THIRD_HZ)(heard)
    });
    desk.order("merge");
    scene.until_heard(&first, "both again", |heard| {
        hears_us(heard) && hears(THIRD_HZ)(heard)
    });
    desk.order("drop 0101");
    assert_eq!(scene.over(&third).ended_by(), Some("desk"));
    scene.until_heard(&first, "us", hears_us);

    // a person who cannot be had is told with a reason, and nothing changes for the first
    let busy = numbers::ending_with(486).unwrap();
    desk.order(&format!("add {busy}"));
    let gone = desk.until_call(PHONE, "the busy one is gone", |call| {
        person(call, &busy).is_some_and(|person| person["state"] == "gone")
    });
    assert_eq!(person(&gone, &busy).unwrap()["end"]["reason"], "busy");
    assert!(scene.is_up(&first));
    desk.order("end");
    desk.until_end(PHONE);
    scene.over(&first);
    desk.close();
    scene.no_leg_left();
}

/// What takes long.
mod slow {
    use super::*;

    /// A REFER that is taken and never heard of again: 30 s, and the far end is still there.
    #[test]
    fn a_transfer_without_an_outcome_keeps_the_far_end() {
        let scene = Scene::set();
        let mut desk = Desk::open(&scene, "refer-silent");
        desk.talks_to(numbers::REFER_SILENT);
        let phone = scene.phone(numbers::REFER_SILENT);
        desk.order(&format!("transfer {PHONE}"));
        let failed = desk.until_within(
            "the transfer is given up",
            PATIENCE + Duration::from_secs(30),
            |view| {
                let call = crate::desk::call(view, numbers::REFER_SILENT)?;
                (call["transfer"]["state"] == "failed").then(|| call.clone())
            },
        );
        assert!(!text(&failed["transfer"]["words"]).is_empty());
        assert!(scene.is_up(&phone));
        scene.until_heard(&phone, "us", hears_us);
        desk.order("end");
        scene.over(&phone);
        desk.close();
    }
}
