//! What the loop may rely on, examined in the same words on every backend: the server in this process and LiveKit's
//! engine on a real server with real packets. Needs the engine and the demo line (`make setup`).
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

use call::Role;
use call::input::{JoinFailure, RoomFact};
use call::output::RoomCommand;
use call::state::{LeaveReason, LegStatus, ParticipantKind};
use desk::{Desk, link, own_room};
use world::{World, until};

contract![
    the_join_answer_lists_who_was_there_before_and_no_watcher,
    a_forged_token_is_refused_and_not_shown,
    a_server_that_is_away_is_unreachable,
    a_server_that_is_busy_says_so,
    publishing_answers_a_caller_and_nothing_before_does,
    nobody_is_heard_before_listening,
    a_placed_leg_is_heard_and_hears,
    muted_sends_packets_without_sound,
    keys_go_both_ways_in_order,
    the_far_end_hangs_up,
    the_bridge_ends_the_leg_when_asked,
    a_leave_closes_once_and_lets_the_microphone_go,
    a_leave_abandons_a_join,
    a_watcher_cannot_publish,
    a_deleted_room_closes_the_connection,
    a_watch_sees_the_caller_go_and_is_told_that_it_is_put_out,
    a_removed_desk_is_told,
    a_command_to_a_connection_that_is_gone_is_answered,
    packets_that_stop_are_noticed,
    sound_comes_back_after_the_server_crashed,
    the_end_of_the_port_leaves_every_room,
];

async fn the_join_answer_lists_who_was_there_before_and_no_watcher(world: World) {
    let (_, room) = own_room();
    let (talk, watch) = (link("a", Role::Talk), link("a", Role::Watch));
    let names = |present: Vec<call::state::Participant>| -> Vec<String> {
        present.iter().map(|who| who.identity.to_string()).collect()
    };
    let mut maria = Desk::new(&world, "maria");
    let mut bob = Desk::new(&world, "bob");
    let mut eve = Desk::new(&world, "eve");
    assert!(names(maria.join(&talk, &room).await).is_empty());
    assert_eq!(names(eve.join(&watch, &room).await), ["desk-maria-1"]);
    let present = bob.join(&talk, &room).await;
    assert_eq!(present[0].kind, ParticipantKind::Standard);
    assert_eq!(names(present), ["desk-maria-1"], "the watcher is hidden");

    // A claim is shown at once, to watchers too.
    maria.tell(RoomCommand::Claim { link: talk.clone() }).await;
    for (desk, link) in [(&mut bob, &talk), (&mut eve, &watch)] {
        desk.wait_for(link, "the claim", |fact| match fact {
            RoomFact::Present(who) if who.identity.as_str() == "desk-maria-1" => {
                who.claims.then_some(())
            }
            _ => None,
        })
        .await;
    }
}

async fn a_forged_token_is_refused_and_not_shown(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let (tokens, secret) = world.wrong_tokens();
    let mut desk = Desk::with(&world, "mallory", tokens);
    desk.tell(RoomCommand::Join {
        link: talk.clone(),
        room,
    })
    .await;
    let (why, detail) = failure(&mut desk, &talk).await;
    assert_eq!(why, JoinFailure::Refused, "{detail}");
    assert!(!detail.contains(&secret), "{detail}");
    assert!(desk.end(&talk).await.is_empty());
}

async fn a_server_that_is_away_is_unreachable(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    world.go_away();
    desk.tell(RoomCommand::Join {
        link: talk.clone(),
        room,
    })
    .await;
    let (why, detail) = failure(&mut desk, &talk).await;
    assert_eq!(why, JoinFailure::Unreachable, "{detail}");
}

async fn a_server_that_is_busy_says_so(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    world.be_busy();
    desk.tell(RoomCommand::Join {
        link: talk.clone(),
        room,
    })
    .await;
    let (why, detail) = failure(&mut desk, &talk).await;
    assert_eq!(why, JoinFailure::ServerBusy, "{detail}");
}

async fn publishing_answers_a_caller_and_nothing_before_does(world: World) {
    let caller = world.ring_in();
    let (talk, watch) = (link("a", Role::Talk), link("a", Role::Watch));
    let mut watcher = Desk::new(&world, "eve");
    let mut desk = Desk::new(&world, "maria");
    let seen = watcher.join(&watch, &caller.room()).await;
    let leg = seen
        .iter()
        .find(|who| who.identity == caller.identity())
        .expect("the leg");
    assert_eq!(
        (leg.kind, leg.leg_status),
        (ParticipantKind::Sip, Some(LegStatus::Ringing))
    );

    desk.join(&talk, &caller.room()).await;
    desk.tell(RoomCommand::Claim { link: talk.clone() }).await;
    desk.tell(RoomCommand::Listen { link: talk.clone() }).await;
    let ringing = watcher
        .wait_for(&watch, "the claim", |fact| match fact {
            RoomFact::Present(who) if who.claims => Some(true),
            RoomFact::Present(who) if who.leg_status == Some(LegStatus::Active) => Some(false),
            _ => None,
        })
        .await;
    assert!(ringing, "answered without a publication");

    desk.publish(&talk).await;
    watcher
        .sees(&watch, &caller.identity(), LegStatus::Active)
        .await;
    caller.hears().await;
    until("sound at the desk", || desk.loud_frames() > 50).await;
}

async fn nobody_is_heard_before_listening(world: World) {
    let caller = world.ring_in();
    let talk = link("a", Role::Talk);
    let mut answering = Desk::new(&world, "maria");
    let mut other = Desk::new(&world, "bob");
    other.join(&talk, &caller.room()).await;
    answering.talk(&talk, &caller.room()).await;
    until("sound at the desk", || answering.loud_frames() > 100).await;
    assert_eq!(other.media.counters().far_received, 0);
}

async fn a_placed_leg_is_heard_and_hears(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
    phone.hears().await;
    let report = desk
        .wait_for(&talk, "a second of sound", |fact| match fact {
            RoomFact::Media(report) if report.heard_seconds > 1.0 => Some(report),
            _ => None,
        })
        .await;
    let loudness = report.heard_dbfs.expect("it was heard");
    assert!((-35.0..-5.0).contains(&loudness), "{loudness} dBFS");
    assert!(
        report.packets > 25 && report.stalled < Duration::from_secs(1),
        "{report:?}"
    );
    // On one computer little is lost and nothing travels long.
    assert!(report.lost < report.packets, "{report:?}");
    assert!(
        (0.0..500.0).contains(&report.jitter_ms) && (0.0..500.0).contains(&report.round_trip_ms),
        "{report:?}"
    );
}

async fn muted_sends_packets_without_sound(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    phone.hears().await;
    desk.tell(RoomCommand::SetMuted {
        link: talk.clone(),
        muted: true,
    })
    .await;
    let _in_flight = phone.next_second().await;
    let (seconds, packets) = phone.next_second().await;
    assert!(
        seconds == 0.0 && packets > 40,
        "{seconds} s of sound in {packets} packets"
    );
    desk.tell(RoomCommand::SetMuted {
        link: talk.clone(),
        muted: false,
    })
    .await;
    phone.hears().await;
}

async fn keys_go_both_ways_in_order(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
    for keys in ["12", "#", "9*"] {
        let leg = phone.identity();
        desk.tell(RoomCommand::SendKeys {
            link: talk.clone(),
            leg,
            keys: keys.into(),
        })
        .await;
    }
    phone.receives("12#9*").await;

    phone.press("0A#");
    for expected in "0A#".chars() {
        let key = desk
            .wait_for(&talk, "a key", |fact| match fact {
                RoomFact::KeyReceived { key } => Some(key),
                _ => None,
            })
            .await;
        assert_eq!(key, expected);
    }
}

async fn the_far_end_hangs_up(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    desk.sees(&talk, &phone.identity(), LegStatus::Active).await;
    phone.hang_up();
    desk.sees(&talk, &phone.identity(), LegStatus::Hangup).await;
    let left = leave_of(&mut desk, &talk, &phone.identity()).await;
    assert_eq!(left, (LeaveReason::ClientInitiated, false));
}

async fn the_bridge_ends_the_leg_when_asked(world: World) {
    let caller = world.ring_in();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &caller.room()).await;
    caller.hears().await;
    desk.tell(RoomCommand::EndLeg {
        link: talk.clone(),
        leg: caller.identity(),
    })
    .await;
    assert!(end_leg_answer(&mut desk, &talk).await);
    caller.is_over().await;
}

async fn a_leave_closes_once_and_lets_the_microphone_go(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    until("the microphone in use", || {
        desk.media.counters().near_sent > 10
    })
    .await;
    desk.tell(RoomCommand::Leave { link: talk.clone() }).await;
    assert_eq!(closed(&mut desk, &talk).await, LeaveReason::ClientInitiated);
    let sent = desk.media.counters().near_sent;
    desk.tell(RoomCommand::Leave { link: talk.clone() }).await;
    let unused = desk.media.counters().near_unused;
    until("an unused microphone", || {
        desk.media.counters().near_unused > unused + 10
    })
    .await;
    assert_eq!(desk.media.counters().near_sent, sent);
    assert_eq!(desk.end(&talk).await, [], "closed is told once");
}

async fn a_leave_abandons_a_join(world: World) {
    let (_, room) = own_room();
    let (first, second) = (link("a", Role::Talk), link("b", Role::Talk));
    let mut desk = Desk::new(&world, "maria");
    desk.tell(RoomCommand::Join {
        link: first.clone(),
        room: room.clone(),
    })
    .await;
    desk.tell(RoomCommand::Leave {
        link: first.clone(),
    })
    .await;
    desk.wait_for(&first, "the end of the join", |fact| {
        matches!(fact, RoomFact::Closed { .. } | RoomFact::JoinFailed { .. }).then_some(())
    })
    .await;
    // The engine may still have got in for a moment; what counts is that nobody stays.
    let mut other = Desk::new(&world, "bob");
    let mut there = !other.join(&second, &room).await.is_empty();
    while there {
        let attempt = call::Link {
            attempt: 2,
            ..second.clone()
        };
        other
            .tell(RoomCommand::Leave {
                link: second.clone(),
            })
            .await;
        closed(&mut other, &second).await;
        there = !other.join(&attempt, &room).await.is_empty();
        assert!(!there, "the abandoned join is still in the room");
    }
}

async fn a_watcher_cannot_publish(world: World) {
    let caller = world.ring_in();
    let watch = link("a", Role::Watch);
    let mut desk = Desk::new(&world, "eve");
    desk.join(&watch, &caller.room()).await;
    desk.tell(RoomCommand::PublishMicrophone {
        link: watch.clone(),
    })
    .await;
    desk.wait_for(&watch, "the refusal", |fact| match fact {
        RoomFact::PublishFailed { .. } => Some(()),
        RoomFact::Published => panic!("a watcher published"),
        _ => None,
    })
    .await;
}

async fn a_deleted_room_closes_the_connection(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    world.delete_room(&room).await;
    assert_eq!(closed(&mut desk, &talk).await, LeaveReason::RoomDeleted);
}

async fn a_watch_sees_the_caller_go_and_is_told_that_it_is_put_out(world: World) {
    let caller = world.ring_in();
    let (watch, other) = (link("a", Role::Watch), link("b", Role::Watch));
    let mut eve = Desk::new(&world, "eve");
    let mut bob = Desk::new(&world, "bob");
    eve.join(&watch, &caller.room()).await;
    bob.join(&other, &caller.room()).await;
    world.remove(&caller.room(), &bob.identity(&other)).await;
    assert_eq!(
        closed(&mut bob, &other).await,
        LeaveReason::ParticipantRemoved
    );
    world.remove(&caller.room(), &caller.identity()).await;
    let left = leave_of(&mut eve, &watch, &caller.identity()).await;
    assert_eq!(left, (LeaveReason::ParticipantRemoved, false));
    world.delete_room(&caller.room()).await;
    assert_eq!(closed(&mut eve, &watch).await, LeaveReason::RoomDeleted);
}

async fn a_removed_desk_is_told(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.join(&talk, &room).await;
    world.remove(&room, &desk.identity(&talk)).await;
    assert_eq!(
        closed(&mut desk, &talk).await,
        LeaveReason::ParticipantRemoved
    );
}

async fn a_command_to_a_connection_that_is_gone_is_answered(world: World) {
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.tell(RoomCommand::PublishMicrophone { link: talk.clone() })
        .await;
    desk.wait_for(&talk, "the refusal", |fact| {
        matches!(fact, RoomFact::PublishFailed { .. }).then_some(())
    })
    .await;
    let leg = desk.identity(&talk);
    desk.tell(RoomCommand::EndLeg {
        link: talk.clone(),
        leg,
    })
    .await;
    assert!(!end_leg_answer(&mut desk, &talk).await);
}

async fn packets_that_stop_are_noticed(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    phone.hears().await;
    phone.hold_packets(true);
    desk.wait_for(&talk, "the stall", |fact| match fact {
        RoomFact::Media(report) => (report.stalled >= Duration::from_secs(2)).then_some(()),
        _ => None,
    })
    .await;
    phone.hold_packets(false);
    desk.wait_for(&talk, "the flow", |fact| match fact {
        RoomFact::Media(report) => (report.stalled < Duration::from_secs(1)).then_some(()),
        _ => None,
    })
    .await;
}

async fn sound_comes_back_after_the_server_crashed(world: World) {
    let (call, room) = own_room();
    let talk = link(call.as_str(), Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    desk.talk(&talk, &room).await;
    let phone = world.dial(&room, &call).await;
    phone.hears().await;
    desk.tell(RoomCommand::SetMuted {
        link: talk.clone(),
        muted: true,
    })
    .await;

    world.crash_and_recover();
    desk.wait_for(&talk, "the break", |fact| {
        matches!(fact, RoomFact::Reconnecting).then_some(())
    })
    .await;
    let (reason, reconnecting) = leave_of(&mut desk, &talk, &phone.identity()).await;
    assert_eq!(reason, LeaveReason::Unknown);
    assert!(
        reconnecting,
        "a leave while the room is rebuilt must say so"
    );
    // Back, and lower than before: it is the phone that must not believe this.
    desk.wait_for(&talk, "the leg again", |fact| match fact {
        RoomFact::Present(who) if who.identity == phone.identity() => who.leg_status,
        _ => None,
    })
    .await;
    let loud = desk.loud_frames();
    until("sound at the desk again", || {
        desk.loud_frames() > loud + 100
    })
    .await;
    let (seconds, packets) = phone.next_second().await;
    assert!(
        seconds == 0.0 && packets > 40,
        "muted: {seconds} s of sound in {packets} packets"
    );
    desk.tell(RoomCommand::SetMuted {
        link: talk.clone(),
        muted: false,
    })
    .await;
    phone.hears().await;
}

async fn the_end_of_the_port_leaves_every_room(world: World) {
    let (_, room) = own_room();
    let talk = link("a", Role::Talk);
    let mut desk = Desk::new(&world, "maria");
    let mut other = Desk::new(&world, "bob");
    desk.talk(&talk, &room).await;
    other.join(&talk, &room).await;
    let rest = desk.end(&talk).await;
    assert_eq!(
        rest.last(),
        Some(&RoomFact::Closed {
            reason: LeaveReason::ClientInitiated
        })
    );
    let who = call::Identity::desk("maria", &talk);
    assert_eq!(
        leave_of(&mut other, &talk, &who).await.0,
        LeaveReason::ClientInitiated
    );
}

async fn failure(desk: &mut Desk, link: &call::Link) -> (JoinFailure, String) {
    desk.wait_for(link, "the refusal", |fact| match fact {
        RoomFact::JoinFailed { why, detail } => Some((why, detail)),
        RoomFact::Joined { .. } => panic!("joined all the same"),
        _ => None,
    })
    .await
}

async fn closed(desk: &mut Desk, link: &call::Link) -> LeaveReason {
    desk.wait_for(link, "the end", |fact| match fact {
        RoomFact::Closed { reason } => Some(reason),
        _ => None,
    })
    .await
}

async fn leave_of(desk: &mut Desk, link: &call::Link, who: &call::Identity) -> (LeaveReason, bool) {
    desk.wait_for(link, "the leave", |fact| match fact {
        RoomFact::Left {
            identity,
            reason,
            reconnecting,
        } if identity == *who => Some((reason, reconnecting)),
        _ => None,
    })
    .await
}

async fn end_leg_answer(desk: &mut Desk, link: &call::Link) -> bool {
    desk.wait_for(link, "the bridge's answer", |fact| match fact {
        RoomFact::EndLegAnswered { done } => Some(done),
        _ => None,
    })
    .await
}
