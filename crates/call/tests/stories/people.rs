//! Further people in a call: added, talked to alone, brought together.

use call::input::{LegFact, PlaceFailure, RoomFact};
use call::output::LegCommand;
use call::state::{CallState, LegStatus};
use call::view::PersonState;
use call::{Output, Role};

use crate::support::{Desk, OTHER, leg_of, person_of};

pub(crate) fn states(d: &Desk) -> Vec<&'static str> {
    let name = |state: &PersonState| match state {
        PersonState::Dialling => "dialling",
        PersonState::Ringing => "ringing",
        PersonState::Up => "up",
        PersonState::Waiting => "waiting",
        PersonState::Gone { end } => end.code(),
    };
    d.view().people.iter().map(|p| name(&p.state)).collect()
}

/// Another person is called, and the far end waits with music.
pub(crate) fn consulting() -> Desk {
    let mut d = Desk::talking();
    d.add_person(true);
    d.audience(true);
    assert_eq!(d.parted(true, true), ["place leg-c1-p1"]);
    d
}

/// ... and has answered.
pub(crate) fn consulted() -> Desk {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Dialing);
    d.person(Role::Talk, 1, LegStatus::Ringing);
    d.person(Role::Talk, 1, LegStatus::Active);
    d.person_answered(1);
    d.parted(true, true);
    assert_eq!(states(&d), ["waiting", "up"]);
    d
}

/// Three people hear each other.
pub(crate) fn three() -> Desk {
    let mut d = Desk::talking();
    assert_eq!(d.add_person(false), ["place leg-c1-p1"]);
    d.person(Role::Talk, 1, LegStatus::Ringing);
    d.person(Role::Talk, 1, LegStatus::Active);
    d.person_answered(1);
    assert_eq!(states(&d), ["up", "up"]);
    d
}

#[test]
fn nobody_is_dialled_before_the_caller_cannot_hear() {
    let mut d = Desk::talking();
    assert_eq!(d.add_person(true), ["only leg-c1-p1", "part true"]);
    assert_eq!(states(&d), ["waiting", "dialling"]);
    assert_eq!(d.view().private_with, None, "not certain yet");
    assert_eq!(d.audience(true), [""; 0]);
    assert_eq!(d.parted(true, true), ["place leg-c1-p1"]);
    assert_eq!(d.view().private_with, Some(person_of("c1", 1)));
    assert_eq!(d.view().words, "Calling (312) 555-0188");
    let parted = d.outputs.iter().find_map(|output| match output {
        Output::Leg(LegCommand::Part { legs, .. }) => Some(legs.clone()),
        _ => None,
    });
    assert_eq!(parted, Some(vec![leg_of("c1")]));
    let placed = d.outputs.iter().find_map(|output| match output {
        Output::Leg(LegCommand::PlacePerson { to, ring_for, .. }) => {
            Some((to.clone(), ring_for.as_secs()))
        }
        _ => None,
    });
    assert_eq!(placed, Some((OTHER.into(), 45)));
}

#[test]
fn in_either_order() {
    let mut d = Desk::talking();
    d.add_person(true);
    assert_eq!(d.parted(true, true), [""; 0]);
    assert_eq!(d.audience(true), ["place leg-c1-p1"]);
}

#[test]
fn the_connection_cannot_be_private_and_nobody_is_called() {
    let mut d = Desk::talking();
    d.add_person(true);
    d.parted(true, true);
    assert_eq!(d.audience(false), ["everybody", "part false"]);
    assert_eq!(d.notice(), Some("private_failed"));
    assert!(d.notice_text().ends_with("The caller is still with you."));
    assert_eq!(states(&d), [""; 0]);
    d.audience(true);
    d.parted(false, true);
    assert_eq!(d.said("place leg-c1-p1"), 0);
    assert!(d.view().can_transfer);
    assert_eq!(d.add_person(false), ["place leg-c1-p2"], "a fresh name");
}

#[test]
fn the_server_cannot_part_them_and_nobody_is_called() {
    let mut d = Desk::talking();
    d.add_person(true);
    d.audience(true);
    assert_eq!(d.parted(true, false), ["everybody", "part false"]);
    assert_eq!(d.notice(), Some("private_failed"));
    assert_eq!(d.said("place leg-c1-p1"), 0);
}

#[test]
fn an_arrangement_that_nobody_confirms_is_undone_and_tried_until_it_is() {
    let mut d = Desk::talking();
    d.add_person(true);
    d.audience(true);
    let said = d.wait_s(5);
    assert!(said.contains(&"everybody".to_owned()), "{said:?}");
    assert!(said.contains(&"part false".to_owned()), "{said:?}");
    d.wait_s(30);
    assert!(d.said("part false") >= 3, "the caller is not left in music");
    assert_eq!(d.notice(), Some("not_private"));
    while d.said("part false") < 6 {
        d.wait_s(1);
    }
    d.audience(true);
    d.parted(false, true);
    let tries = d.said("part false");
    d.wait_s(60);
    assert_eq!(d.said("part false"), tries);
}

#[test]
fn their_phone_rings_in_our_ear_while_the_caller_hears_music() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Dialing);
    assert_eq!(
        d.person(Role::Talk, 1, LegStatus::Ringing),
        ["ringback true"]
    );
    assert_eq!(states(&d), ["waiting", "ringing"]);
    assert_eq!(d.view().words, "(312) 555-0188 is ringing");
    let said = d.person(Role::Talk, 1, LegStatus::Active);
    assert!(said.contains(&"ringback false".to_owned()), "{said:?}");
    assert!(
        said.contains(&"part true".to_owned()),
        "the leg has sound only now"
    );
    assert_eq!(d.view().private_with, None, "the caller may hear them");
    assert_eq!(d.view().words, "Putting the others aside");
    d.parted(true, true);
    assert_eq!(states(&d), ["waiting", "up"]);
    assert_eq!(d.view().words, "Alone with (312) 555-0188");
}

#[test]
fn their_sound_is_listed_a_moment_after_the_answer() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Active);
    d.parted(true, false);
    assert_eq!(d.wait_ms(300), ["only leg-c1-p1", "part true"]);
    d.audience(true);
    d.parted(true, true);
    assert_eq!(d.view().private_with, Some(person_of("c1", 1)));
    assert_eq!(d.notice(), None);
    let parted = d.outputs.iter().rev().find_map(|output| match output {
        Output::Leg(LegCommand::Part { legs, .. }) => Some(legs.clone()),
        _ => None,
    });
    assert_eq!(parted, Some(vec![leg_of("c1"), person_of("c1", 1)]));
}

#[test]
fn keys_go_to_the_one_we_talk_to() {
    let mut d = consulted();
    d.keys("1");
    let to = d.outputs.iter().find_map(|output| match output {
        Output::Room(call::output::RoomCommand::SendKeys { leg, .. }) => Some(leg.clone()),
        _ => None,
    });
    assert_eq!(to, Some(person_of("c1", 1)));
}

#[test]
fn busy_and_we_are_back_with_the_caller() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Dialing);
    let said = d.person_failed(1, PlaceFailure::Sip { code: 486 });
    assert_eq!(said, ["everybody", "part false"]);
    assert_eq!(d.notice(), Some("person_failed"));
    assert_eq!(
        d.notice_text(),
        "(312) 555-0188: Busy. You are back with the caller."
    );
    d.audience(true);
    d.parted(false, true);
    assert_eq!(states(&d), ["up", "busy"]);
    assert_eq!(d.view().words, "In call");
    assert_eq!(d.hang_up(), ["end leg", "close"], "as ever");
}

#[test]
fn no_answer_is_named_from_request_and_room_in_either_order() {
    for request_first in [true, false] {
        let mut d = consulting();
        d.person(Role::Talk, 1, LegStatus::Ringing);
        let leave = call::state::LeaveReason::UserUnavailable;
        if request_first {
            d.person_failed(1, PlaceFailure::Cancelled);
        }
        d.somebody_left(Role::Talk, person_of("c1", 1), leave, false);
        if !request_first {
            d.person_failed(1, PlaceFailure::Cancelled);
        }
        assert_eq!(states(&d)[1], "no_answer", "{request_first}");
        assert_eq!(d.said("ringback false"), 1);
    }
}

#[test]
fn they_decline_and_the_request_says_nothing() {
    let mut d = consulting();
    d.person(Role::Talk, 1, LegStatus::Ringing);
    let leave = call::state::LeaveReason::UserRejected;
    d.somebody_left(Role::Talk, person_of("c1", 1), leave, false);
    assert_eq!(states(&d)[1], "ringing", "the request may know more");
    d.wait_ms(300);
    assert_eq!(states(&d)[1], "rejected");
}

#[test]
fn nothing_is_ever_heard_of_them() {
    let mut d = consulting();
    let said = d.wait_s(53);
    assert!(said.contains(&"remove leg-c1-p1".to_owned()), "{said:?}");
    assert!(said.contains(&"everybody".to_owned()), "{said:?}");
    assert_eq!(states(&d)[1], "never_rang");
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(
        d.person_answered(1),
        ["remove leg-c1-p1"],
        "there after all, and not wanted any more"
    );
}

#[test]
fn the_ones_who_were_given_up_and_come_are_sent_away() {
    let mut d = consulting();
    let detail = String::new();
    d.person_failed(1, PlaceFailure::Unreachable { detail });
    assert_eq!(states(&d)[1], "no_network");
    assert_eq!(
        d.person(Role::Talk, 1, LegStatus::Ringing),
        ["remove leg-c1-p1"]
    );
}

#[test]
fn everybody_is_brought_together() {
    let mut d = consulted();
    assert_eq!(d.merge(), ["everybody", "part false"]);
    assert_eq!(d.view().private_with, None);
    d.audience(true);
    d.parted(false, true);
    assert_eq!(states(&d), ["up", "up"]);
    assert_eq!(d.view().words, "In call with 2 people");
    assert!(
        !d.view().can_transfer,
        "several people cannot be transferred"
    );
    assert_eq!(d.merge(), [""; 0]);
}

#[test]
fn merging_that_fails_is_tried_again_and_said() {
    let mut d = consulted();
    d.merge();
    d.audience(true);
    d.parted(false, false);
    for _ in 0..3 {
        let said = d.wait_s(3);
        assert!(said.contains(&"part false".to_owned()), "{said:?}");
        d.audience(true);
        d.parted(false, false);
    }
    assert_eq!(d.notice(), Some("not_private"));
    d.wait_s(3);
    d.audience(true);
    d.parted(false, true);
    assert!(!d.wait_s(30).contains(&"part false".to_owned()));
}

#[test]
fn talking_alone_with_either_and_back() {
    let mut d = three();
    assert_eq!(d.talk_privately(leg_of("c1")), ["only leg-c1", "part true"]);
    d.audience(true);
    d.parted(true, true);
    assert_eq!(d.view().private_with, Some(leg_of("c1")));
    assert_eq!(states(&d), ["up", "waiting"]);
    assert_eq!(d.view().words, "Alone with Ada");
    assert_eq!(
        d.talk_privately(person_of("c1", 1)),
        ["only leg-c1-p1", "part true"]
    );
    d.audience(true);
    d.parted(true, true);
    assert_eq!(states(&d), ["waiting", "up"]);
}

#[test]
fn talking_alone_that_cannot_be_arranged_is_undone() {
    let mut d = three();
    d.talk_privately(leg_of("c1"));
    d.audience(true);
    assert_eq!(d.parted(true, false), ["everybody", "part false"]);
    assert_eq!(d.notice(), Some("private_failed"));
    d.audience(true);
    d.parted(false, true);
    assert_eq!(states(&d), ["up", "up"]);
}

#[test]
fn there_must_be_somebody_else_to_be_alone() {
    let mut d = Desk::live();
    assert_eq!(d.talk_privately(leg_of("c1")), [""; 0]);
    assert_eq!(d.notice(), Some("no_private"));
    let mut d = three();
    assert_eq!(d.talk_privately(leg_of("c9")), [""; 0]);
    assert_eq!(d.notice(), Some("no_private"));
}

#[test]
fn after_a_break_it_is_private_only_once_it_was_said_again() {
    let mut d = consulted();
    d.talk(RoomFact::Reconnecting);
    assert_eq!(d.view().private_with, None);
    assert_eq!(
        d.talk(RoomFact::Reconnected),
        ["only leg-c1-p1", "part true"]
    );
    d.audience(true);
    assert_eq!(d.view().private_with, None);
    d.parted(true, true);
    assert_eq!(d.view().private_with, Some(person_of("c1", 1)));
}

#[test]
fn a_leg_that_comes_back_is_parted_again() {
    let mut d = consulted();
    let unknown = call::state::LeaveReason::Unknown;
    d.leg_left(Role::Talk, unknown);
    assert_eq!(d.status(Role::Talk, LegStatus::Dialing), ["part true"]);
    d.parted(true, true);
    d.somebody_left(Role::Talk, person_of("c1", 1), unknown, false);
    assert_eq!(
        d.person(Role::Talk, 1, LegStatus::Dialing),
        ["part true"],
        "forwards only: it is still up"
    );
    assert_eq!(states(&d), ["waiting", "up"]);
}

#[test]
fn what_was_private_and_is_no_longer_certain_is_said_and_tried_again() {
    let mut d = consulted();
    d.talk(RoomFact::Reconnecting);
    d.talk(RoomFact::Reconnected);
    d.audience(true);
    assert_eq!(
        d.parted(true, false),
        [""; 0],
        "our microphone stays private"
    );
    assert_eq!(d.view().private_with, None);
    for _ in 0..4 {
        assert_eq!(d.notice(), None);
        assert_eq!(d.wait_ms(300), ["only leg-c1-p1", "part true"]);
        d.audience(true);
        d.parted(true, false);
    }
    assert_eq!(d.notice(), Some("not_private"));
    assert_eq!(d.wait_s(3), ["only leg-c1-p1", "part true"]);
    d.audience(true);
    d.parted(true, true);
    assert_eq!(d.view().private_with, Some(person_of("c1", 1)));
}

#[test]
fn held_means_music_for_all_of_them() {
    let mut d = three();
    d.set_held(true);
    assert_eq!(states(&d), ["waiting", "waiting"]);
    assert_eq!(d.view().words, "On hold");
    d.set_held(false);
    assert_eq!(states(&d), ["up", "up"]);
}

#[test]
fn nobody_is_added_where_that_would_answer_or_confuse() {
    let not_live: [(&str, fn() -> Desk); 4] = [
        ("ringing", Desk::ringing),
        ("offered", Desk::offered),
        ("claiming", Desk::claiming),
        ("answering", Desk::answering),
    ];
    for (name, make) in not_live {
        let mut d = make();
        for private in [true, false] {
            assert_eq!(d.add_person(private), [""; 0], "{name}");
            assert_eq!(d.notice(), Some("no_person"), "{name}");
        }
    }
    let mut d = Desk::live();
    d.set_held(true);
    assert_eq!(d.add_person(true), [""; 0]);
    let mut d = Desk::live();
    d.transfer(OTHER);
    assert_eq!(d.add_person(true), [""; 0]);
    let mut d = Desk::live();
    d.talk(RoomFact::Reconnecting);
    assert_eq!(d.add_person(true), [""; 0]);
    let mut d = consulted();
    assert_eq!(d.add_person(false), [""; 0]);
    let mut d = consulting();
    assert_eq!(d.add_person(false), [""; 0]);
    assert_eq!(d.notice(), Some("no_person"));
}

#[test]
fn a_bad_number_touches_nothing() {
    let mut d = Desk::live();
    let call = crate::support::id("c1");
    let said = d.intent(call::input::Intent::AddPerson {
        call,
        number: "555-CALL".into(),
        private: true,
    });
    assert_eq!(said, [""; 0]);
    assert_eq!(d.notice(), Some("bad_number"));
    assert!(d.view().people.is_empty());
}

#[test]
fn five_people_are_the_most() {
    let mut d = three();
    for n in 2..=4 {
        assert_eq!(d.add_person(false), [format!("place leg-c1-p{n}")]);
        d.person(Role::Talk, n, LegStatus::Active);
    }
    assert_eq!(states(&d).len(), 5);
    assert_eq!(d.view().words, "In call with 5 people");
    assert_eq!(d.add_person(false), [""; 0]);
    assert!(d.notice_text().starts_with("Five people"));
}

#[test]
fn people_who_went_do_not_pile_up() {
    let mut d = Desk::talking();
    for n in 1..=60 {
        assert_eq!(d.add_person(false), [format!("place leg-c1-p{n}")]);
        d.person_failed(n, PlaceFailure::Sip { code: 486 });
    }
    assert!(d.view().people.len() <= 13);
    assert_eq!(d.state(), CallState::Live);
    assert_eq!(d.said("everybody"), 0, "nobody was ever put aside");
}

#[test]
fn answered_by_the_request_before_the_room_says_so() {
    let mut d = consulting();
    let said = d.person_answered(1);
    assert_eq!(said, ["part true"]);
    assert_eq!(states(&d), ["waiting", "up"]);
    assert_eq!(d.server(LegFact::Removed { found: false }), [""; 0]);
}

#[test]
fn a_new_connection_is_private_again_only_once_that_was_said() {
    let mut d = consulted();
    d.closed(Role::Talk, call::state::LeaveReason::Unknown);
    assert_eq!(d.view().private_with, None);
    let mut other = crate::support::phone_leg("c1", Some(LegStatus::Active));
    other.identity = person_of("c1", 1);
    let far = crate::support::phone_leg("c1", Some(LegStatus::Active));
    // the caller, who waits, would hear us until the others are put aside
    let said = d.joined(vec![far, other]);
    assert_eq!(said, ["muted true", "listen", "publish"]);
    let said = d.published();
    assert!(said.contains(&"only leg-c1-p1".to_owned()), "{said:?}");
    assert_eq!(d.view().private_with, None);
    assert!(!d.view().muted);
    assert_eq!(d.audience(true), ["muted false"]);
    d.parted(true, true);
    assert_eq!(d.view().private_with, Some(person_of("c1", 1)));
}

#[test]
fn who_is_muted_stays_so_when_a_new_connection_is_private_again() {
    let mut d = consulted();
    d.closed(Role::Talk, call::state::LeaveReason::Unknown);
    d.joined(vec![crate::support::phone_leg(
        "c1",
        Some(LegStatus::Active),
    )]);
    d.published();
    assert_eq!(d.mute(true), ["muted true", "alive"]);
    assert_eq!(d.mute(false), ["muted true", "alive"], "not heard yet");
    d.mute(true);
    assert_eq!(d.audience(true), ["muted true"]);
    assert_eq!(d.mute(false), ["muted false", "alive"]);
}

#[test]
fn brought_together_on_the_way_back_everybody_hears_us() {
    let mut d = consulted();
    d.closed(Role::Talk, call::state::LeaveReason::Unknown);
    d.joined(vec![crate::support::phone_leg(
        "c1",
        Some(LegStatus::Active),
    )]);
    let said = d.merge();
    assert_eq!(said, ["muted false", "everybody", "part false"]);
}

#[test]
fn somebody_who_is_not_there_when_we_come_back_has_time_to() {
    let mut d = three();
    d.closed(Role::Talk, call::state::LeaveReason::Unknown);
    let far = crate::support::phone_leg("c1", Some(LegStatus::Active));
    d.joined(vec![far]);
    d.published();
    d.wait_s(19);
    assert_eq!(states(&d), ["up", "up"]);
    d.wait_s(2);
    assert_eq!(states(&d), ["up", "connection_lost"]);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn somebody_whose_request_was_lost_does_not_listen_unseen() {
    let mut d = Desk::talking();
    d.add_person(false);
    d.person(Role::Talk, 1, LegStatus::Dialing);
    // the server carried it out, and its answer was lost
    let detail = String::new();
    let said = d.person_failed(1, PlaceFailure::Unreachable { detail });
    assert_eq!(said, ["remove leg-c1-p1"]);
    let said = d.person(Role::Talk, 1, LegStatus::Active);
    assert_eq!(said, ["remove leg-c1-p1"], "it did not go");
    assert_eq!(d.hang_up(), ["delete room", "close"], "may still be there");
}

#[test]
fn somebody_whose_request_was_lost_and_who_is_seen_to_go_is_gone() {
    let mut d = Desk::talking();
    d.add_person(false);
    d.person(Role::Talk, 1, LegStatus::Ringing);
    let detail = String::new();
    d.person_failed(1, PlaceFailure::Unreachable { detail });
    let left = call::state::LeaveReason::ParticipantRemoved;
    d.somebody_left(Role::Talk, person_of("c1", 1), left, false);
    assert_eq!(d.hang_up(), ["end leg", "close"]);
}
