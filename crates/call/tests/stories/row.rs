//! What a row holds besides who and when.

use call::input::{AudioFact, RoomFact};
use call::state::{CallIds, LeaveReason, LegStatus, MediaReport};
use call::{Input, Role};

use crate::support::{CALLER, Desk, OTHER, colleague, phone_leg};

fn heard(packets: u64, lost: u64, jitter_ms: f64) -> RoomFact {
    RoomFact::Media(MediaReport {
        packets,
        lost,
        jitter_ms,
        heard_seconds: 2.0,
        heard_dbfs: Some(-20.0),
        ..MediaReport::default()
    })
}

#[test]
fn it_rang_until_it_was_answered() {
    let mut d = Desk::dialling();
    d.wait_s(2);
    d.status(Role::Talk, LegStatus::Ringing);
    d.wait_s(7);
    d.status(Role::Talk, LegStatus::Active);
    d.wait_s(30);
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.finish_later().rang.as_secs(), 7);
}

#[test]
fn it_rang_until_nobody_answered() {
    let mut d = Desk::ringing();
    d.wait_s(60);
    let finish = d.finish_later();
    assert_eq!(
        (finish.reason.code(), finish.rang.as_secs()),
        ("no_answer", 53)
    );
}

#[test]
fn it_never_rang() {
    let mut d = Desk::dialling();
    d.wait_s(60);
    assert!(d.finish_later().rang.is_zero());
}

#[test]
fn it_rang_here_until_it_was_answered_or_given_up() {
    let mut d = Desk::offered();
    d.wait_s(4);
    d.answer();
    d.wait_s(1);
    d.claim_won();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    d.wait_s(50);
    d.status(Role::Talk, LegStatus::Hangup);
    assert_eq!(d.finish_later().rang.as_secs(), 5);
    let mut d = Desk::offered();
    d.wait_s(9);
    d.status(Role::Watch, LegStatus::Hangup);
    assert_eq!(d.finish_later().rang.as_secs(), 9);
}

#[test]
fn the_names_of_the_network_come_piece_by_piece_and_stay() {
    let mut d = Desk::ringing();
    let mut leg = phone_leg("c1", None);
    leg.call_ids.bridge = Some("SCL_1".into());
    d.talk(RoomFact::Present(leg.clone()));
    leg.call_ids = CallIds {
        dialogue: Some("abc@example".into()),
        provider: Some("CA9".into()),
        bridge: None,
    };
    leg.leg_status = Some(LegStatus::Active);
    d.talk(RoomFact::Present(leg.clone()));
    leg.call_ids = CallIds {
        bridge: Some(String::new()),
        dialogue: Some("a\nb".into()),
        provider: Some("x".repeat(1 << 20)),
    };
    leg.leg_status = Some(LegStatus::Hangup);
    d.talk(RoomFact::Present(leg));
    let facts = d.finish_later().facts;
    assert_eq!(facts.sip_call_id.as_deref(), Some("SCL_1"));
    assert_eq!(facts.sip_call_id_full.as_deref(), Some("abc@example"));
    assert_eq!(facts.provider_call_id.as_deref(), Some("CA9"));
}

#[test]
fn packets_are_added_up_across_tracks_and_the_worst_jitter_is_kept() {
    let mut d = Desk::live();
    d.talk(heard(50, 1, 3.0));
    d.talk(heard(5_000, 10, 40.0));
    d.talk(heard(4_950, 10, 9.0));
    d.talk(heard(5_050, 10, 9.0));
    d.talk(RoomFact::Reconnecting);
    d.talk(RoomFact::Reconnected);
    d.talk(heard(49, 0, 5.0));
    d.talk(heard(1_000, 2, 5.0));
    assert!((d.view().media.heard_seconds - 4.0).abs() < 0.01);
    d.status(Role::Talk, LegStatus::Hangup);
    let facts = d.finish_later().facts;
    assert_eq!((facts.packets_received, facts.packets_lost), (6_050, 12));
    assert!((facts.jitter_max_ms - 40.0).abs() < f64::EPSILON);
    let mean = (3.0 + 40.0 + 9.0 + 9.0 + 5.0 + 5.0) / 6.0;
    assert!((facts.jitter_mean_ms - mean).abs() < 0.001);
    assert_eq!(facts.reconnections, 1);
}

#[test]
fn the_colleague_who_took_it_is_named_in_the_row() {
    let mut d = Desk::offered();
    d.watch(RoomFact::Present(colleague("Maria", true)));
    d.status(Role::Watch, LegStatus::Active);
    let finish = d.finish_later();
    assert_eq!(finish.facts.answered_by.as_deref(), Some("Maria"));
    assert!(!finish.reason.is_missed());
}

#[test]
fn a_colleague_who_was_only_seen_is_named_when_the_call_was_answered() {
    let mut d = Desk::offered();
    d.watch(RoomFact::Present(colleague("Otto", false)));
    assert_eq!(d.view().words, "Incoming call");
    d.status(Role::Watch, LegStatus::Active);
    assert_eq!(d.end().title(), "Answered by Otto");
}

#[test]
fn the_far_end_fell_silent_and_the_bridge_gave_up_on_it() {
    let mut d = Desk::live();
    d.media(15);
    d.leg_left(Role::Talk, LeaveReason::ClientInitiated);
    assert_eq!(d.end().code(), "far_end_lost");
}

fn using(microphone: &str, speaker: &str) -> Input {
    let name = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    Input::Audio(AudioFact::Using {
        microphone: name(microphone),
        speaker: name(speaker),
    })
}

#[test]
fn the_devices_that_carried_it_last_are_in_the_row() {
    let mut d = Desk::live();
    d.tell(using("Headset", "Headset"));
    d.tell(using("", "Loudspeaker"));
    d.status(Role::Talk, LegStatus::Hangup);
    let facts = d.finish_later().facts;
    assert_eq!(facts.microphone.as_deref(), Some("Headset"));
    assert_eq!(facts.speaker.as_deref(), Some("Loudspeaker"));
}

#[test]
fn a_call_that_only_rang_used_no_devices() {
    let mut d = Desk::live();
    d.tell(using("Headset", "Headset"));
    d.status(Role::Talk, LegStatus::Hangup);
    d.finish_later();
    let mut d = Desk::offered();
    d.tell(using("Headset", "Headset"));
    d.status(Role::Watch, LegStatus::Hangup);
    let facts = d.finish_later().facts;
    assert_eq!((facts.microphone, facts.speaker), (None, None));
    assert_eq!(facts.people, []);
}

#[test]
fn everybody_on_the_phone_is_in_the_row() {
    let mut d = crate::people::three();
    d.person(Role::Talk, 1, LegStatus::Hangup);
    d.status(Role::Talk, LegStatus::Hangup);
    let people = d.finish_later().facts.people;
    let told: Vec<_> = people
        .iter()
        .map(|person| {
            (
                person.number.as_str(),
                person.answered,
                person.reason.code(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (CALLER, true, "far_end_hung_up"),
            (OTHER, true, "far_end_hung_up"),
        ]
    );
}
