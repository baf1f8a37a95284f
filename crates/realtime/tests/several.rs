//! Several talking connections, several legs in one room: who hears whom, measured at the phones and at the desk's ear.
//! In the same words on every backend. Needs the engine and the demo line (`make setup`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

#[path = "contract/desk.rs"]
#[allow(dead_code)]
mod desk;
#[macro_use]
#[path = "contract/world.rs"]
#[allow(dead_code)]
mod world;

use std::time::Duration;

use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::LegStatus;
use call::{Identity, Link, Role, RoomName};
use desk::{Desk, MUSIC, WHISTLE, link, own_room};
use realtime::backend::memory::Switches;
use world::{Far, World, until};

contract![
    two_legs_are_added_up_for_our_ear,
    held_it_hears_music_and_we_hear_nothing,
    one_call_is_held_while_another_is_talked_on,
    a_private_talk_is_heard_by_one_alone,
    a_private_talk_outlives_a_crash_of_the_server,
    who_hears_us_cannot_be_said_before_we_can_be_heard,
    held_and_muted_outlive_a_crash_of_the_server,
    a_frozen_server_shows_within_seconds,
];

/// What the phones say.
const FIRST: f64 = 440.0;
const SECOND: f64 = 1700.0;
const THIRD: f64 = 2500.0;

/// Dials a phone that says `tone` and waits until it is up.
async fn dial(world: &World, desk: &mut Desk, link: &Link, room: &RoomName, tone: f64) -> Far {
    let (call, _) = own_room();
    let phone = world.dial(room, &call).await;
    desk.sees(link, &phone.identity(), LegStatus::Active).await;
    phone.says(tone as u32);
    phone
}

async fn hold(desk: &Desk, link: &Link, held: bool) {
    let link = link.clone();
    desk.tell(RoomCommand::SetHeld { link, held }).await;
}

async fn mute(desk: &Desk, link: &Link, muted: bool) {
    let link = link.clone();
    desk.tell(RoomCommand::SetMuted { link, muted }).await;
}

/// Asks for an audience; was it arranged?
async fn audience(desk: &mut Desk, link: &Link, only: Option<Identity>) -> bool {
    desk.tell(RoomCommand::SetAudience {
        link: link.clone(),
        only,
    })
    .await;
    desk.wait_for(link, "the audience", |fact| match fact {
        RoomFact::AudienceSet => Some(true),
        RoomFact::AudienceFailed { .. } => Some(false),
        _ => None,
    })
    .await
}

/// Waits until the desk hears all of `these` at once and none of `none`.
async fn ear(desk: &Desk, these: &[f64], none: &[f64]) {
    let what = format!("{these:?} without {none:?} at the desk");
    until(&what, || {
        these.iter().all(|hz| desk.hears(*hz)) && !none.iter().any(|hz| desk.hears(*hz))
    })
    .await;
}

async fn two_legs_are_added_up_for_our_ear(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let first = dial(&world, &mut desk, &talk, &room, FIRST).await;
    let second = dial(&world, &mut desk, &talk, &room, SECOND).await;
    ear(&desk, &[FIRST, SECOND], &[]).await;
    // Put end to end they would be twice as many as we send.
    let before = desk.media.counters();
    until("two seconds of sound", || {
        desk.media.counters().near_sent > before.near_sent + 200
    })
    .await;
    let after = desk.media.counters();
    let (sent, came) = (
        after.near_sent - before.near_sent,
        after.far_received - before.far_received,
    );
    assert!(came < sent * 3 / 2, "{came} frames while {sent} were sent");
    first.settles(&[WHISTLE, SECOND], &[FIRST]).await;
    second.hang_up();
    ear(&desk, &[FIRST], &[SECOND]).await;
}

async fn held_it_hears_music_and_we_hear_nothing(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = dial(&world, &mut desk, &talk, &room, FIRST).await;
    phone.settles(&[WHISTLE], &[MUSIC]).await;
    ear(&desk, &[FIRST], &[]).await;

    hold(&desk, &talk, true).await;
    phone.settles(&[MUSIC], &[WHISTLE]).await;
    let before = desk.media.counters().far_received;
    mute(&desk, &talk, true).await;
    phone.settles(&[MUSIC], &[WHISTLE]).await;
    assert_eq!(desk.media.counters().far_received, before, "we hear it");

    hold(&desk, &talk, false).await;
    desk.forget_heard();
    ear(&desk, &[FIRST], &[]).await;
    phone.settles(&[], &[MUSIC, WHISTLE]).await;
    let (_, packets) = phone.next_second().await;
    assert!(packets > 40, "muted it gets {packets} packets a second");
    mute(&desk, &talk, false).await;
    phone.settles(&[WHISTLE], &[MUSIC]).await;
}

async fn one_call_is_held_while_another_is_talked_on(world: World) {
    let ((one, first_room), (two, second_room)) = (own_room(), own_room());
    let (first, second) = (
        link(one.as_str(), Role::Talk),
        link(two.as_str(), Role::Talk),
    );
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&first, &first_room).await;
    let waiting = dial(&world, &mut desk, &first, &first_room, FIRST).await;
    hold(&desk, &first, true).await;
    desk.talk(&second, &second_room).await;
    let talking = dial(&world, &mut desk, &second, &second_room, SECOND).await;

    waiting.settles(&[MUSIC], &[WHISTLE, SECOND]).await;
    talking.settles(&[WHISTLE], &[MUSIC, FIRST]).await;
    ear(&desk, &[SECOND], &[FIRST]).await;

    hold(&desk, &second, true).await;
    hold(&desk, &first, false).await;
    waiting.settles(&[WHISTLE], &[MUSIC, SECOND]).await;
    talking.settles(&[MUSIC], &[WHISTLE, FIRST]).await;
    ear(&desk, &[FIRST], &[SECOND]).await;

    // The end of one is nothing to the other.
    desk.tell(RoomCommand::Leave {
        link: first.clone(),
    })
    .await;
    desk.wait_for(&first, "the end", |fact| {
        matches!(fact, RoomFact::Closed { .. }).then_some(())
    })
    .await;
    talking.settles(&[MUSIC], &[WHISTLE]).await;
    hold(&desk, &second, false).await;
    talking.settles(&[WHISTLE], &[MUSIC]).await;
    ear(&desk, &[SECOND], &[FIRST]).await;
}

async fn a_private_talk_is_heard_by_one_alone(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let chosen = dial(&world, &mut desk, &talk, &room, FIRST).await;
    let waiting = dial(&world, &mut desk, &talk, &room, SECOND).await;
    ear(&desk, &[FIRST, SECOND], &[]).await;

    assert!(audience(&mut desk, &talk, Some(chosen.identity())).await);
    chosen.settles(&[WHISTLE], &[MUSIC]).await;
    waiting.settles(&[MUSIC], &[WHISTLE]).await;
    ear(&desk, &[FIRST], &[SECOND]).await;
    let late = dial(&world, &mut desk, &talk, &room, THIRD).await;
    late.settles(&[MUSIC], &[WHISTLE]).await;
    ear(&desk, &[FIRST], &[SECOND, THIRD]).await;

    mute(&desk, &talk, true).await;
    chosen.settles(&[], &[WHISTLE, MUSIC]).await;
    mute(&desk, &talk, false).await;
    assert!(audience(&mut desk, &talk, Some(waiting.identity())).await);
    waiting.settles(&[WHISTLE], &[MUSIC]).await;
    chosen.settles(&[MUSIC], &[WHISTLE]).await;

    assert!(audience(&mut desk, &talk, None).await);
    for phone in [&chosen, &waiting, &late] {
        phone.settles(&[WHISTLE], &[MUSIC]).await;
    }
    ear(&desk, &[FIRST, SECOND, THIRD], &[]).await;
}

async fn a_private_talk_outlives_a_crash_of_the_server(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let chosen = dial(&world, &mut desk, &talk, &room, FIRST).await;
    let waiting = dial(&world, &mut desk, &talk, &room, SECOND).await;
    assert!(audience(&mut desk, &talk, Some(chosen.identity())).await);
    waiting.settles(&[MUSIC], &[WHISTLE]).await;

    world.crash_and_recover();
    desk.wait_for(&talk, "the connection again", |fact| {
        matches!(fact, RoomFact::Reconnected).then_some(())
    })
    .await;
    chosen.settles(&[WHISTLE], &[MUSIC]).await;
    waiting.settles(&[MUSIC], &[WHISTLE]).await;
    ear(&desk, &[FIRST], &[SECOND]).await;
    hold(&desk, &talk, true).await;
    chosen.settles(&[MUSIC], &[WHISTLE]).await;
}

/// Only in memory: a real server lets the legs come again too, which is one more occasion.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_talk_outlives_a_rebuilt_connection() {
    let world = World::memory();
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let chosen = dial(&world, &mut desk, &talk, &room, FIRST).await;
    let waiting = dial(&world, &mut desk, &talk, &room, SECOND).await;
    assert!(audience(&mut desk, &talk, Some(chosen.identity())).await);
    let World::Memory(server) = &world else {
        panic!("this world is in memory");
    };
    server.rebuild_connections();
    chosen.settles(&[WHISTLE], &[MUSIC]).await;
    waiting.settles(&[MUSIC], &[WHISTLE]).await;
}

/// Only in memory, where the moment can be met for certain: the engine drops what is asked for while it builds a connection
/// anew, and the leg's track is offered in just that moment.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_heard_is_heard_again_though_the_request_for_it_was_lost() {
    let world = World::memory();
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    dial(&world, &mut desk, &talk, &room, FIRST).await;
    ear(&desk, &[FIRST], &[]).await;
    let World::Memory(server) = &world else {
        panic!("this world is in memory");
    };
    for lost in [1, 3] {
        server.set(Switches {
            lose_subscriptions: lost,
            ..Switches::default()
        });
        world.crash_and_recover();
        desk.wait_for(&talk, "the connection again", |fact| {
            matches!(fact, RoomFact::Reconnected).then_some(())
        })
        .await;
        desk.forget_heard();
        ear(&desk, &[FIRST], &[]).await;
    }
}

async fn held_and_muted_outlive_a_crash_of_the_server(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = dial(&world, &mut desk, &talk, &room, FIRST).await;
    ear(&desk, &[FIRST], &[]).await;
    mute(&desk, &talk, true).await;
    hold(&desk, &talk, true).await;
    phone.settles(&[MUSIC], &[WHISTLE]).await;

    world.crash_and_recover();
    desk.wait_for(&talk, "the connection again", |fact| {
        matches!(fact, RoomFact::Reconnected).then_some(())
    })
    .await;
    let before = desk.media.counters().far_received;
    phone.settles(&[MUSIC], &[WHISTLE]).await;
    assert_eq!(desk.media.counters().far_received, before, "we hear it");
    hold(&desk, &talk, false).await;
    desk.forget_heard();
    ear(&desk, &[FIRST], &[]).await;
    phone.settles(&[], &[MUSIC, WHISTLE]).await;
    mute(&desk, &talk, false).await;
    phone.settles(&[WHISTLE], &[MUSIC]).await;
}

async fn a_frozen_server_shows_within_seconds(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = dial(&world, &mut desk, &talk, &room, FIRST).await;
    ear(&desk, &[FIRST], &[]).await;

    world.freeze(true);
    // The engine itself says nothing for some fifteen seconds, and reports go on by their own clock.
    let reports = desk
        .wait_for(&talk, "the stall", {
            let seen = std::cell::Cell::new(0);
            move |fact| match fact {
                RoomFact::Media(report) => {
                    seen.set(seen.get() + 1);
                    (report.stalled >= Duration::from_secs(2)).then_some(seen.get())
                }
                RoomFact::Reconnecting | RoomFact::Closed { .. } => panic!("{fact:?} came first"),
                _ => None,
            }
        })
        .await;
    assert!(reports >= 2, "it grows from report to report");
    world.freeze(false);
    desk.wait_for(&talk, "the flow", |fact| match fact {
        RoomFact::Media(report) => (report.stalled < Duration::from_secs(1)).then_some(()),
        _ => None,
    })
    .await;
    desk.forget_heard();
    ear(&desk, &[FIRST], &[]).await;
    phone.settles(&[WHISTLE], &[]).await;
}

async fn who_hears_us_cannot_be_said_before_we_can_be_heard(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    let leg = Identity::leg(&call);
    assert!(
        !audience(&mut desk, &talk, Some(leg.clone())).await,
        "no room"
    );
    desk.join(&talk, &room).await;
    assert!(
        !audience(&mut desk, &talk, Some(leg)).await,
        "no microphone"
    );
}
