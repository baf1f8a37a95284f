//! What can fail in the middle of a call: afterwards both sides hear each other, muted and held as before, or the call is
//! over with a reason that is true and the number is one order away.

use std::time::{Duration, Instant};

use serde_json::Value;
use stage::line::{Media, RedisFault, Report, ServerFault};
use stage::{Inbound, Listening};

use crate::desk::{Desk, call};
use crate::in_call::{CALLER, PHONE};
use crate::scene::{Scene, hears_music, hears_nothing, hears_us};
use crate::support::{PATIENCE, eventually};

/// What the phone of [`PHONE`] says.
const FAR: f32 = 440.0;

/// A desk in a call with [`PHONE`], both audible.
fn in_call(scene: &Scene, name: &str) -> (Desk, Report, Listening) {
    let ear = scene.ear();
    let mut desk = Desk::open(scene, name);
    desk.talks_to(PHONE);
    let phone = scene.phone(PHONE);
    both_hear(scene, &phone, &ear);
    (desk, phone, ear)
}

fn both_hear(scene: &Scene, phone: &Report, ear: &Listening) {
    scene.until_heard(phone, "us", hears_us);
    ear.forget();
    ear.wait_for_tone(FAR, Duration::from_millis(500), PATIENCE)
        .expect("the far end is heard");
}

fn until_reconnecting(desk: &mut Desk) {
    desk.until("it says that nothing comes through", |view| {
        is_reconnecting(view).then_some(())
    });
}

fn is_reconnecting(view: &Value) -> bool {
    call(view, PHONE).is_some_and(|call| call["state"] == "live" && call["reconnecting"] == true)
}

fn until_connected(desk: &mut Desk) {
    desk.until_within("the call is back", Duration::from_secs(45), |view| {
        let call = call(view, PHONE)?;
        (call["state"] == "live" && call["reconnecting"] == false).then_some(())
    });
}

fn hang_up(scene: &Scene, mut desk: Desk, phone: &Report) {
    desk.order("end");
    assert_eq!(desk.until_end(PHONE), "hung_up");
    scene.over(phone);
    assert_eq!(desk.newest_row()["outcome"], "hung_up");
    desk.close();
    scene.no_leg_left();
}

/// The far end's packets stop, while our side knows of no trouble: told within seconds, and over when they come back.
#[test]
fn packets_that_stop_are_noticed_and_their_return_too() {
    let scene = Scene::set();
    let (mut desk, phone, ear) = in_call(&scene, "media");
    scene
        .phones()
        .media(&phone.id, Media::Stop, Some(Duration::from_secs(5)))
        .unwrap();
    until_reconnecting(&mut desk);
    until_connected(&mut desk);
    both_hear(&scene, &phone, &ear);
    hang_up(&scene, desk, &phone);
}

/// Redis is emptied: the server carries the call on and denies that it exists. It goes on, and it can be ended.
#[test]
fn a_server_that_forgot_everything_carries_the_call_on_and_it_can_be_ended() {
    let scene = Scene::set();
    let (desk, phone, ear) = in_call(&scene, "redis");
    scene.phones().redis(RedisFault::Flush).unwrap();
    both_hear(&scene, &phone, &ear);
    scene.until_heard(&phone, "us still", hears_us);
    hang_up(&scene, desk, &phone);
    scene.phones().redis(RedisFault::Restore).unwrap();
}

/// Somebody deletes the room: over, with a reason that is true, and one order calls again.
#[test]
fn a_room_deleted_under_a_call_ends_it_and_the_number_is_called_again() {
    let scene = Scene::set();
    let (mut desk, phone, _ear) = in_call(&scene, "vanish");
    scene.phones().vanish(&phone.id).unwrap();
    assert_eq!(desk.until_end(PHONE), "ended_by_server");
    assert_eq!(desk.newest_row()["outcome"], "ended_by_server");
    scene.over(&phone);
    desk.order("redial");
    desk.until_state(PHONE, "live");
    let again = scene.phone(PHONE);
    scene.until_heard(&again, "us", hears_us);
    hang_up(&scene, desk, &again);
}

/// The server is away while somebody hangs up, dials or is rung: nothing is shown as live that is gone.
#[test]
fn a_phone_that_hangs_up_while_the_server_is_away_ends_the_call() {
    let scene = Scene::set();
    let (mut desk, phone, _ear) = in_call(&scene, "away");
    scene.phones().server(ServerFault::Kill).unwrap();
    until_reconnecting(&mut desk);
    drop(scene.phones().hang_up(&phone.id)); // refused when the line ended it already
    scene.phones().server(ServerFault::Start).unwrap();
    let end = desk.until_end_within(PHONE, Duration::from_secs(60));
    println!("hung up while the server was away: {end}");
    // nobody saw the hang-up: no more than that is known
    assert!(
        ["connection_lost", "far_end_lost"].contains(&end.as_str()),
        "{end}"
    );
    scene.over(&phone);
    desk.is_ready();
    // and the desk is as good as before
    let caller = scene.ring(&Inbound::from(CALLER).says("tone:700"));
    desk.answers(CALLER);
    scene.until_heard(&caller, "us", hears_us);
    desk.order("end");
    desk.until_end(CALLER);
    desk.close();
    scene.no_leg_left();
}

/// Killed in a call: the next start goes back into it, muted as it was, and the row is one.
#[test]
fn after_a_crash_the_terminal_goes_back_into_the_call_muted_as_it_was() {
    let scene = Scene::set();
    let (mut desk, phone, ear) = in_call(&scene, "rejoin");
    desk.order("mute");
    scene.until_heard(&phone, "silence", hears_nothing);
    desk.kill();
    let mut again = Desk::start(desk.app.clone(), &[]);
    again.until_call(PHONE, "it can be joined again", |call| {
        call["can_rejoin"] == true
    });
    again.order("rejoin");
    let back = again.until_state(PHONE, "live");
    assert_eq!(back["muted"], true, "{back}");
    scene.phones().forget_heard(&phone.id).unwrap();
    ear.forget();
    ear.wait_for_tone(FAR, Duration::from_millis(500), PATIENCE)
        .expect("we hear them again");
    let sent = scene.phones().call(&phone.id).unwrap().heard;
    assert!(sent.seconds < 0.05, "heard while muted: {sent:?}");
    scene.until_heard(&phone, "silence still", hears_nothing);
    again.order("unmute");
    both_hear(&scene, &phone, &ear);
    assert_eq!(again.history().len(), 1);
    hang_up(&scene, again, &phone);
}

/// The engine says that it is beyond repair: it is started anew under the call, muted and held as it was.
#[test]
fn an_engine_that_panics_costs_no_call_and_keeps_mute_and_hold() {
    let scene = Scene::set();
    let (mut desk, phone, ear) = in_call(&scene, "panic");
    desk.order("mute");
    scene.until_heard(&phone, "silence", hears_nothing);
    scene.phones().forget_heard(&phone.id).unwrap();
    break_engine(&mut desk, "panic");
    desk.until_call(PHONE, "it is muted still", |call| call["muted"] == true);
    ear.forget();
    ear.wait_for_tone(FAR, Duration::from_millis(500), PATIENCE)
        .expect("we hear them again");
    let sent = scene.phones().call(&phone.id).unwrap().heard;
    assert!(sent.seconds < 0.05, "heard while muted: {sent:?}");
    scene.until_heard(&phone, "silence still", hears_nothing);

    desk.order("hold");
    desk.order("unmute");
    scene.until_heard(&phone, "music", hears_music);
    break_engine(&mut desk, "panic");
    desk.until_call(PHONE, "it is held still", |call| call["held"] == true);
    scene.until_heard(&phone, "music still", hears_music);
    desk.order("resume");
    both_hear(&scene, &phone, &ear);
    assert_eq!(desk.history().len(), 1);
    hang_up(&scene, desk, &phone);
}

/// Breaks the engine; back when the call is through again.
fn break_engine(desk: &mut Desk, how: &str) {
    let broken = Instant::now();
    desk.order(&format!("break-engine {how}"));
    until_reconnecting(desk);
    until_connected(desk);
    println!(
        "{how}: through again {:.1} s after it",
        broken.elapsed().as_secs_f32()
    );
}

/// What takes long.
mod slow {
    use stage::line::{BridgeFault, Phones};

    use super::*;

    /// The server is killed and started: the leg survives and says `dialing`; mute and hold stay what they were.
    #[test]
    fn a_server_that_is_killed_and_started_keeps_mute_and_hold_and_both_are_heard_again() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "restart");
        desk.order("mute");
        scene.until_heard(&phone, "silence", hears_nothing);
        scene.phones().server(ServerFault::Kill).unwrap();
        until_reconnecting(&mut desk);
        scene.phones().server(ServerFault::Start).unwrap();
        until_connected(&mut desk);
        desk.until_call(PHONE, "it is muted still", |call| call["muted"] == true);
        scene.until_heard(&phone, "silence still", hears_nothing);

        desk.order("hold");
        desk.order("unmute");
        scene.until_heard(&phone, "music", hears_music);
        scene.phones().server(ServerFault::Restart).unwrap();
        until_reconnecting(&mut desk);
        until_connected(&mut desk);
        desk.until_call(PHONE, "it is held still", |call| call["held"] == true);
        scene.until_heard(&phone, "music still", hears_music);
        desk.order("resume");
        both_hear(&scene, &phone, &ear);
        hang_up(&scene, desk, &phone);
    }

    /// The signalling breaks and the media does not: nothing is heard of it, and muted stays muted.
    #[test]
    fn signalling_that_is_cut_alone_interrupts_nobody_and_keeps_mute() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "signals");
        let cut = |scene: &Scene| {
            let before = scene.phones().faults().unwrap();
            assert!(before.signals > 0, "{before:?}");
            ear.forget();
            scene.phones().forget_heard(&phone.id).unwrap();
            scene.phones().cut_signals().unwrap();
            eventually("the desk has signalling again", PATIENCE, || {
                let now = scene.phones().faults().unwrap();
                (now.signals_taken > before.signals_taken && now.signals > 0).then_some(())
            });
        };
        let long = Duration::from_secs(3);
        cut(&scene);
        let heard = ear
            .wait_until(PATIENCE, |heard| heard.duration() >= long)
            .unwrap();
        let lost = heard.duration().saturating_sub(heard.loud());
        let sent = scene.phones().call(&phone.id).unwrap().heard;
        println!(
            "cut: we missed {lost:?} of {long:?}, they heard {:.1} s",
            sent.seconds
        );
        assert!(
            lost < Duration::from_secs(1),
            "we heard nothing for {lost:?}"
        );
        assert!(sent.seconds > 1.5, "they heard nothing: {sent:?}");
        assert!(scene.is_up(&phone));

        desk.order("mute");
        scene.until_heard(&phone, "silence", hears_nothing);
        cut(&scene);
        until_connected(&mut desk);
        let muted = scene
            .phones()
            .listen(&phone.id, Duration::from_secs(1))
            .unwrap()
            .heard;
        assert!(hears_nothing(&muted), "{muted:?}");
        desk.until_call(PHONE, "it is muted still", |call| call["muted"] == true);
        desk.order("unmute");
        both_hear(&scene, &phone, &ear);
        hang_up(&scene, desk, &phone);
    }

    /// The server freezes for 14 s without closing anything, as in a long pause of its machine.
    #[test]
    fn a_server_frozen_for_fourteen_seconds_is_noticed_and_survived() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "frozen");
        scene.phones().server(ServerFault::Freeze).unwrap();
        let frozen = Instant::now();
        // the engine alone says nothing for 14 s: this is our own watch on packets
        desk.until_within("it is noticed", Duration::from_secs(6), |view| {
            is_reconnecting(view).then_some(())
        });
        println!("noticed after {:.1} s", frozen.elapsed().as_secs_f32());
        desk.watch_for(Duration::from_secs(14).saturating_sub(frozen.elapsed()));
        scene.phones().server(ServerFault::Thaw).unwrap();
        until_connected(&mut desk);
        both_hear(&scene, &phone, &ear);
        hang_up(&scene, desk, &phone);
    }

    /// The bridge dies: its leg stays listed, a ghost. The call ends with a reason, and the number is called again.
    #[test]
    fn a_bridge_that_dies_leaves_a_ghost_and_the_call_ends() {
        let scene = Scene::set();
        let (mut desk, phone, _ear) = in_call(&scene, "bridge");
        scene.phones().bridge(BridgeFault::Kill).unwrap();
        until_reconnecting(&mut desk);
        let end = desk.until_end_within(PHONE, Duration::from_secs(70));
        assert_eq!(end, "connection_lost");
        assert!(scene.phones().call(&phone.id).unwrap().over);
        scene.phones().bridge(BridgeFault::Start).unwrap();
        desk.order("redial");
        desk.until_state(PHONE, "live");
        let again = scene.phone(PHONE);
        scene.until_heard(&again, "us", hears_us);
        hang_up(&scene, desk, &again);
    }

    /// The computer sleeps for 40 s in a call, longer than the server waits for it, and wakes.
    #[test]
    fn a_computer_that_sleeps_in_a_call_comes_back_into_it() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "sleep");
        desk.signal("STOP");
        std::thread::sleep(Duration::from_secs(40)); // sleep itself is what is tested
        desk.signal("CONT");
        let end = desk.until_within("awake", Duration::from_secs(60), |view| {
            let call = call(view, PHONE)?;
            match call["state"].as_str()? {
                "live" if call["reconnecting"] == false => Some(None),
                "ended" => call["end"]["reason"]
                    .as_str()
                    .map(|end| Some(end.to_owned())),
                _ => None,
            }
        });
        // what it shows in the first moment is from before: sound decides
        match end {
            None => {
                both_hear(&scene, &phone, &ear);
                hang_up(&scene, desk, &phone);
            }
            Some(end) => panic!("the call was lost: {end}"),
        }
    }

    /// A caller who is answered, and a server that restarts twice in a row.
    #[test]
    fn an_inbound_call_survives_two_restarts_in_a_row() {
        let scene = Scene::set();
        let ear = scene.ear();
        let mut desk = Desk::open(&scene, "twice");
        let caller = scene.ring(&Inbound::from(CALLER).says("tone:700"));
        desk.answers(CALLER);
        for _ in 0..2 {
            scene.phones().server(ServerFault::Restart).unwrap();
            desk.until_call(CALLER, "it is being rebuilt", |call| {
                call["reconnecting"] == true
            });
            desk.until_within("it is back", Duration::from_secs(45), |view| {
                let call = call(view, CALLER)?;
                (call["state"] == "live" && call["reconnecting"] == false).then_some(())
            });
        }
        scene.until_heard(&caller, "us", hears_us);
        ear.forget();
        ear.wait_for_tone(700.0, Duration::from_millis(500), PATIENCE)
            .expect("we hear the caller");
        desk.order("end");
        assert_eq!(desk.until_end(CALLER), "hung_up");
        scene.over(&caller);
        desk.close();
        scene.no_leg_left();
    }

    /// Redis is emptied and the far end's packets stop for a while, so that the desk looks: one denial ends no call.
    #[test]
    fn a_call_that_the_server_denies_outlives_a_gap_in_its_sound() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "denied");
        scene.phones().redis(RedisFault::Flush).unwrap();
        let gap = Duration::from_secs(5);
        scene
            .phones()
            .media(&phone.id, Media::Stop, Some(gap))
            .unwrap();
        until_reconnecting(&mut desk);
        until_connected(&mut desk);
        both_hear(&scene, &phone, &ear);
        hang_up(&scene, desk, &phone);
        scene.phones().redis(RedisFault::Restore).unwrap();
    }

    /// Redis is gone for a while and back empty: the call goes on, another cannot be placed and says why, this one can be
    /// ended, and afterwards everything works.
    #[test]
    fn a_server_without_redis_carries_the_call_on_and_it_can_be_ended() {
        const OTHER: &str = "+12125550102";
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "without");
        scene.phones().redis(RedisFault::Stop).unwrap();
        both_hear(&scene, &phone, &ear);
        desk.order("hold");
        desk.order(&format!("dial {OTHER}"));
        assert_eq!(desk.until_end(OTHER), "no_network");
        assert!(scene.is_up(&phone));
        desk.order("resume");
        both_hear(&scene, &phone, &ear);
        desk.order("end");
        assert_eq!(desk.until_end(PHONE), "hung_up");
        scene.over(&phone);
        scene.phones().redis(RedisFault::Start).unwrap();
        scene.phones().redis(RedisFault::Restore).unwrap();
        desk.is_ready();
        desk.talks_to(PHONE);
        let again = scene.phone(PHONE);
        both_hear(&scene, &again, &ear);
        hang_up(&scene, desk, &again);
    }

    /// The engine falls silent without a word: found out, started anew, and the call goes on.
    #[test]
    fn an_engine_that_falls_silent_is_found_out_and_costs_no_call() {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, "deaf");
        desk.order("mute");
        scene.until_heard(&phone, "silence", hears_nothing);
        break_engine(&mut desk, "silence");
        desk.until_call(PHONE, "it is muted still", |call| call["muted"] == true);
        scene.until_heard(&phone, "silence still", hears_nothing);
        desk.order("unmute");
        both_hear(&scene, &phone, &ear);
        hang_up(&scene, desk, &phone);
    }

    /// Hung up by a person while server or bridge are in trouble: over here at once, and nobody stays up behind it.
    fn hung_up_while(name: &str, trouble: impl Fn(&Phones), mend: impl Fn(&Phones)) {
        let scene = Scene::set();
        let (mut desk, phone, ear) = in_call(&scene, name);
        trouble(scene.phones());
        until_reconnecting(&mut desk);
        desk.order("end");
        let pressed = Instant::now();
        assert_eq!(desk.until_end(PHONE), "hung_up");
        println!(
            "{name}: over here {:.1} s after the press",
            pressed.elapsed().as_secs_f32()
        );
        mend(scene.phones());
        scene.over_within(&phone, Duration::from_secs(60));
        desk.is_ready();
        assert_eq!(desk.newest_row()["outcome"], "hung_up");
        desk.talks_to(PHONE);
        let again = scene.phone(PHONE);
        assert_ne!(again.id, phone.id);
        both_hear(&scene, &again, &ear);
        hang_up(&scene, desk, &again);
    }

    fn server(fault: ServerFault) -> impl Fn(&Phones) {
        move |phones| drop(phones.server(fault).unwrap())
    }

    fn bridge(fault: BridgeFault) -> impl Fn(&Phones) {
        move |phones| drop(phones.bridge(fault).unwrap())
    }

    #[test]
    fn a_call_that_is_hung_up_while_the_server_is_frozen_leaves_nobody() {
        hung_up_while(
            "end-frozen",
            server(ServerFault::Freeze),
            server(ServerFault::Thaw),
        );
    }

    #[test]
    fn a_call_that_is_hung_up_while_the_server_is_dead_leaves_nobody() {
        hung_up_while(
            "end-dead",
            server(ServerFault::Kill),
            server(ServerFault::Start),
        );
    }

    #[test]
    fn a_call_that_is_hung_up_while_the_bridge_is_dead_leaves_nobody() {
        hung_up_while(
            "end-bridge",
            bridge(BridgeFault::Kill),
            bridge(BridgeFault::Start),
        );
    }
}
