//! The far end's last minute, heard again at a real speaker.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::time::Duration;

use stage::{Listening, Recording, Sound};
use support::{Desk, SOON, streams, wait_until};

const STEADY: Duration = Duration::from_millis(400);

/// Until there is something to hear again.
fn kept(desk: &mut Desk) {
    desk.sees("something kept", |status| {
        status["replay_seconds"].as_u64() >= Some(1)
    });
}

fn playing(desk: &mut Desk, playing: bool) {
    desk.sees("heard again, or no longer", |status| {
        status["replay_playing"] == playing
    });
}

/// Until both are heard at once.
fn hears_both(ear: &Listening, live: f32, again: f32) -> Recording {
    ear.wait_until(SOON, |heard| {
        let last = heard.last(STEADY);
        last.duration() >= STEADY && last.share_of(live) > 0.02 && last.share_of(again) > 0.5
    })
    .unwrap()
}

#[test]
fn what_the_far_end_said_is_heard_again_in_the_call_and_a_while_after_it() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("keep on");
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    let ear = sound.listen().unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    kept(&mut desk);
    // It says something else now, and is heard beneath what it said before.
    desk.tell("far 1500");
    ear.wait_for_tone(1500.0, STEADY, SOON).unwrap();
    desk.tell("replay 60");
    hears_both(&ear, 1500.0, 700.0);
    playing(&mut desk, true);
    desk.tell("replay");
    playing(&mut desk, false);
    ear.wait_for_tone(1500.0, STEADY, SOON).unwrap();

    desk.tell("close");
    wait_until("all is closed", || streams(&sound) == (0, 1));
    ear.forget();
    desk.tell("replay 60");
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    desk.tell("replay");
    wait_until("the speaker closes", || streams(&sound) == (0, 1));

    // Another call begins with nothing of this one.
    desk.tell("far 0");
    desk.tell("open");
    desk.opened();
    desk.sees("nothing yet", |status| {
        status["replay_playing"] == false && status["replay_seconds"].is_null()
    });
    kept(&mut desk);
    ear.forget();
    desk.tell("replay 60");
    playing(&mut desk, true);
    playing(&mut desk, false);
    assert_eq!(ear.finish().loud(), Duration::ZERO);
    desk.end_with(6);
}

#[test]
fn switched_off_nothing_is_kept_and_what_was_kept_goes_at_once() {
    let sound = Sound::start().unwrap();
    let mut desk = Desk::start(&sound.environment());
    desk.tell("far 700");
    desk.tell("open");
    desk.opened();
    let ear = sound.listen().unwrap();
    ear.wait_for_tone(700.0, STEADY, SOON).unwrap();
    desk.sees("nothing", |status| status["replay_seconds"].is_null());
    desk.tell("replay 15");
    desk.tell("keep on");
    kept(&mut desk);
    desk.tell("replay 60");
    playing(&mut desk, true);
    desk.tell("keep off");
    desk.sees("nothing any more", |status| {
        status["replay_seconds"].is_null() && status["replay_playing"] == false
    });
    desk.tell("keep on");
    kept(&mut desk);
    let seconds = desk.ask("status", "levels")["replay_seconds"].as_u64();
    assert!(seconds <= Some(2), "it begins anew: {seconds:?}");
    desk.end_with(6);
}
