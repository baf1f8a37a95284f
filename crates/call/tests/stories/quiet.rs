//! Who rings here: do not disturb, business hours, lines and people with a rule of their own, late news, doubles.

use std::time::Duration;

use call::input::{Intent, LegFact, Offer, RoomFact, WatchFact};
use call::settings::{Availability, DeclinePolicy, WhenClosed};
use call::state::{CallState, LegStatus};
use call::view::{DeclineEffect, QuietReason};
use call::{DeskSettings, Input, Role};

use crate::support::{CALLER, Desk, NUMBER, colleague, id, offer_of, phone_leg, ready};

fn with(change: impl FnOnce(&mut DeskSettings)) -> Desk {
    let mut d = Desk::new();
    set(&mut d, change);
    d
}

fn set(d: &mut Desk, change: impl FnOnce(&mut DeskSettings)) -> Vec<String> {
    let mut settings = DeskSettings::default();
    change(&mut settings);
    d.tell(Input::Settings(settings))
}

fn disturb_not(d: &mut Desk, until_unix_ms: Option<i64>) -> Vec<String> {
    let availability = Availability::DoNotDisturb { until_unix_ms };
    d.intent(Intent::SetAvailability(availability))
}

fn available(d: &mut Desk) -> Vec<String> {
    d.intent(Intent::SetAvailability(Availability::Available))
}

/// The caller is shown and followed, and nothing else: no noise, no overlay, no notification, an honest end.
fn is_only_shown(mut d: Desk) {
    assert_eq!(d.offer(), ["start"]);
    assert!(d.view().quiet && d.view().silenced);
    let view = d.phone.view();
    assert!(view.quiet.is_some() || view.quiet_numbers.is_some());
    // not in the room, or the others would take it for a desk that rings
    assert_eq!(d.wait_ms(700), ["look"]);
    for _ in 0..3 {
        d.looked(Some(LegStatus::Ringing), 2);
        assert_eq!(d.wait_s(1), ["look"]);
    }
    assert_eq!(d.looked(None, 2), ["finish missed"]);
}

#[test]
fn who_is_only_shown_and_answered_elsewhere_says_by_whom() {
    let mut d = Desk::new();
    disturb_not(&mut d, None);
    d.offer();
    assert_eq!(d.wait_ms(700), ["look"]);
    let said = d.server(LegFact::Looked {
        leg: Some(LegStatus::Active),
        other_desks: 2,
        desks_ahead: 2,
        taken_by: Some("Maria\u{202e}".into()),
    });
    assert_eq!(said, ["finish answered_elsewhere"]);
    assert_eq!(d.end().title(), "Answered by Maria");
}

/// Ada rings, Ben's desk is on do-not-disturb: when Ada declines nobody rings any more.
#[test]
fn a_desk_that_does_not_ring_leaves_the_room_to_those_that_do() {
    let mut d = Desk::offered();
    let said = disturb_not(&mut d, None);
    assert_eq!(said, ["leave watch 1", "ring false", "hide overlay"]);
    d.gone(Role::Watch);
    assert_eq!(d.wait_s(1), ["look"]);
    let said = available(&mut d);
    assert_eq!(said, ["join watch 2", "ring true", "show overlay"]);
    d.watch_joined();
    // in the middle of leaving it rings again
    disturb_not(&mut d, None);
    assert_eq!(available(&mut d)[0], "join watch 3");
}

#[test]
fn the_first_fifty_desks_follow_and_the_others_look() {
    let crowd = |others, ahead| LegFact::Looked {
        leg: Some(LegStatus::Ringing),
        other_desks: others,
        desks_ahead: ahead,
        taken_by: None,
    };
    let mut d = Desk::offered();
    assert_eq!(d.wait_ms(700), ["look"]);
    assert_eq!(d.server(crowd(199, 49)), [""; 0], "one of the first");
    assert_eq!(d.wait_s(2), ["look"]);
    assert_eq!(d.server(crowd(199, 50)), ["leave watch 1"]);
    d.gone(Role::Watch);
    assert_eq!(d.view().decline_effect, DeclineEffect::OnlyHere);
    for _ in 0..3 {
        assert_eq!(d.wait_s(1), ["look"]);
        assert_eq!(d.server(crowd(50, 50)), [""; 0]);
    }
    // the next caller: only looked for from the start, and not joined while the others may be on their way
    d.hold("c2").offer();
    assert_eq!(d.said("join watch 1 [c2]"), 0);
    d.wait_ms(700);
    assert_eq!(d.server(crowd(10, 10)), [""; 0]);
    d.wait_s(3);
    let said = d.server(crowd(49, 49));
    assert!(said.contains(&"join watch 1 [c2]".to_owned()), "{said:?}");
    assert!(said.contains(&"join watch 2".to_owned()), "{said:?}");
}

#[test]
fn who_rings_comes_before_who_waits_quietly_or_was_silenced() {
    let mut d = with(|s| s.always_ring = vec!["+12125550177".into()]);
    disturb_not(&mut d, None);
    assert_eq!(d.phone.view().rings, None);
    d.offer();
    assert_eq!(d.phone.view().rings, Some(id("c1")), "nobody else waits");
    let friend = |call: &str| Offer {
        from: "+12125550177".into(),
        ..offer_of(call)
    };
    for call in ["c2", "c3"] {
        d.tell(Input::Watch(WatchFact::Offer(friend(call))));
    }
    assert_eq!(d.phone.view().rings, Some(id("c2")), "the longest waiting");
    d.hold("c2").silence();
    assert_eq!(d.phone.view().rings, Some(id("c3")));
    d.hold("c3").watch_joined();
    d.watch(RoomFact::Present(colleague("Maria", true)));
    assert_eq!(d.phone.view().rings, Some(id("c2")), "Maria is answering");
    d.hold("c2").answer();
    assert_eq!(d.phone.view().rings, Some(id("c2")));
    d.wait_s(3);
    assert_eq!(d.phone.view().rings, Some(id("c2")), "being answered");
    d.claim_won();
    assert_eq!(
        d.phone.view().rings,
        Some(id("c3")),
        "not believed any more"
    );
    d.hold("c3").decline();
    assert_eq!(d.phone.view().rings, Some(id("c1")));
}

/// The number of the line that the desk has.
const OWN: &str = "+12125550199";

#[test]
fn who_must_not_ring_is_shown_and_honestly_missed() {
    let mut d = Desk::new();
    disturb_not(&mut d, None);
    is_only_shown(d);
    is_only_shown(with(|s| {
        s.open = false;
        s.when_closed = WhenClosed::Silent;
    }));
    is_only_shown(with(|s| s.quiet_lines = vec![NUMBER.into()]));
    is_only_shown(with(|s| s.quiet_lines = vec!["12125550100".into()]));
}

#[test]
fn who_is_only_shown_can_be_answered() {
    let mut d = Desk::new();
    disturb_not(&mut d, None);
    d.offer();
    assert_eq!(d.answer(), ["join talk 1", "open"]);
    d.claim_won();
    d.opened();
    d.status(Role::Talk, LegStatus::Active);
    assert_eq!(d.state(), CallState::Live);
}

#[test]
fn a_few_always_ring() {
    let mut d = with(|s| s.always_ring = vec![CALLER.into()]);
    disturb_not(&mut d, None);
    let only = QuietReason::OnlyThese {
        named: vec!["(312) 555-0142".into()],
        more: 0,
    };
    assert_eq!(d.phone.view().quiet, Some(only));
    assert!(d.offer().contains(&"ring true".to_owned()));
}

#[test]
fn who_withholds_the_number_is_on_no_list() {
    let mut d = with(|s| s.always_ring = vec![String::new(), "+".into()]);
    disturb_not(&mut d, None);
    let offer = Offer {
        from: String::new(),
        ..offer_of("c1")
    };
    let said = d.tell(Input::Watch(WatchFact::Offer(offer)));
    assert_eq!(said, ["start"]);
}

#[test]
fn a_rule_that_changes_takes_effect_on_who_rings_already() {
    let mut d = Desk::offered();
    let said = disturb_not(&mut d, None);
    assert_eq!(said, ["leave watch 1", "ring false", "hide overlay"]);
    let said = available(&mut d);
    assert_eq!(said, ["join watch 2", "ring true", "show overlay"]);
    let said = set(&mut d, |s| s.quiet_lines = vec![NUMBER.into()]);
    assert_eq!(said, ["leave watch 2", "ring false", "hide overlay"]);
    let said = set(&mut d, |_| {});
    assert_eq!(said, ["join watch 3", "ring true", "show overlay"]);
}

#[test]
fn who_came_in_quietly_is_notified_once_when_the_rule_falls() {
    let mut d = Desk::new();
    disturb_not(&mut d, None);
    d.offer();
    assert_eq!(
        available(&mut d),
        [
            "notify incoming",
            "join watch 1",
            "ring true",
            "show overlay"
        ]
    );
    disturb_not(&mut d, None);
    let said = available(&mut d);
    assert_eq!(said, ["join watch 2", "ring true", "show overlay"]);
}

#[test]
fn do_not_disturb_ends_at_its_time() {
    let mut d = Desk::new();
    let until = d.unix_ms() + 90_000;
    disturb_not(&mut d, Some(until));
    d.offer();
    let before = d.wait_ms(89_999);
    assert!(!before.contains(&"ring true".to_owned()), "{before:?}");
    let said = d.wait_ms(1);
    assert!(said.contains(&"ring true".to_owned()), "{said:?}");
    assert_eq!(d.phone.view().availability, Availability::Available);
}

#[test]
fn do_not_disturb_until_a_moment_that_has_passed_is_none() {
    let mut d = Desk::new();
    let until = d.unix_ms();
    disturb_not(&mut d, Some(until));
    assert_eq!(d.phone.view().availability, Availability::Available);
    assert_eq!(d.deadline, None);
}

/// The end is a time of day, so it follows the wall clock, noticed within a minute even if nothing else happens.
#[test]
fn do_not_disturb_survives_a_clock_that_is_set() {
    let mut d = Desk::new();
    let until = d.unix_ms() + 3_600_000;
    disturb_not(&mut d, Some(until));
    d.wall_shift_ms = -3_600_000;
    d.wait_s(3_600);
    assert_ne!(d.phone.view().availability, Availability::Available);
    d.wall_shift_ms = 0;
    d.wait_s(60);
    assert_eq!(d.phone.view().availability, Availability::Available);
    let until = d.unix_ms() + 3_600_000;
    disturb_not(&mut d, Some(until));
    d.wall_shift_ms = 7_200_000;
    d.wait_s(60);
    assert_eq!(d.phone.view().availability, Availability::Available);
    assert_eq!(d.deadline, None, "nothing is left to wait for");
}

#[test]
fn a_computer_that_slept_past_the_end_is_available() {
    let mut d = Desk::new();
    let until = d.unix_ms() + 60_000;
    disturb_not(&mut d, Some(until));
    d.sleep(Duration::from_secs(8 * 3_600));
    assert!(offer_aged(&mut d, 0).contains(&"ring true".to_owned()));
}

#[test]
fn out_of_hours_the_caller_is_turned_away_if_nobody_else_rings() {
    let closed = || {
        with(|s| {
            s.open = false;
            s.when_closed = WhenClosed::Decline;
        })
    };
    let mut d = closed();
    assert_eq!(d.offer(), ["start"]);
    assert_eq!(d.wait_ms(1_500), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 0), ["remove leg"]);
    assert_eq!(d.removed(true), ["finish turned_away"]);
    for (leg, others) in [
        (Some(LegStatus::Ringing), 1),
        (Some(LegStatus::Active), 0),
        (None, 0),
    ] {
        let mut d = closed();
        set(&mut d, |s| {
            s.open = false;
            s.when_closed = WhenClosed::Decline;
            s.decline = DeclinePolicy::Everybody;
        });
        d.offer();
        d.wait_ms(1_500);
        assert_eq!(d.looked(leg, others), ["finish turned_away"]);
        assert_eq!(d.said("remove leg"), 0);
    }
}

#[test]
fn who_rings_when_the_desk_closes_goes_on_ringing() {
    let mut d = Desk::offered();
    let said = set(&mut d, |s| {
        s.open = false;
        s.when_closed = WhenClosed::Decline;
    });
    assert_eq!(said, [""; 0]);
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn every_rule_is_told_and_the_strictest_first() {
    let mut d = Desk::new();
    d.tell(Input::Line(ready()));
    let quiet = |d: &Desk| d.phone.view().quiet;
    assert_eq!(quiet(&d), None);
    set(&mut d, |s| s.quiet_lines = vec![OWN.into()]);
    assert_eq!(quiet(&d), Some(QuietReason::EveryNumber));
    set(&mut d, |s| {
        s.open = false;
        s.when_closed = WhenClosed::Silent;
    });
    assert_eq!(quiet(&d), Some(QuietReason::AfterHours));
    set(&mut d, |s| {
        s.open = false;
        s.when_closed = WhenClosed::Decline;
    });
    assert_eq!(quiet(&d), Some(QuietReason::TurnedAway));
    set(&mut d, |_| {});
    disturb_not(&mut d, None);
    assert_eq!(quiet(&d), Some(QuietReason::DoNotDisturb));
    let named = vec!["(312) 555-0142".to_owned(), "(212) 555-0100".to_owned()];
    set(&mut d, |s| {
        s.always_ring = vec![CALLER.into(), NUMBER.into()]
    });
    let only = |more| {
        let named = named.clone();
        Some(QuietReason::OnlyThese { named, more })
    };
    assert_eq!(quiet(&d), only(0));
    set(&mut d, |s| {
        s.always_ring = vec![CALLER.into(), NUMBER.into(), OWN.into()]
    });
    assert_eq!(quiet(&d), only(1));
    set(&mut d, |s| s.open = false);
    assert_eq!(quiet(&d), Some(QuietReason::DoNotDisturb));
}

#[test]
fn a_rule_for_another_number_leaves_the_desk_ringing_and_is_said() {
    let mut d = Desk::new();
    set(&mut d, |s| s.quiet_lines = vec![NUMBER.into()]);
    let view = d.phone.view();
    assert_eq!(view.quiet, None);
    assert_eq!(view.quiet_numbers, Some(1));
    // Nothing rings at all: that is the greater news.
    set(&mut d, |s| {
        s.quiet_lines = vec![NUMBER.into()];
        s.open = false;
        s.when_closed = WhenClosed::Silent;
    });
    let view = d.phone.view();
    assert!(view.quiet.is_some() && view.quiet_numbers.is_none());
}

#[test]
fn the_button_says_what_it_does() {
    let mut d = Desk::offered();
    assert_eq!(d.view().decline_effect, DeclineEffect::OnlyHere);
    d.looked(Some(LegStatus::Ringing), 0);
    assert_eq!(d.view().decline_effect, DeclineEffect::EndsForCaller);
    set(&mut d, |s| s.decline = DeclinePolicy::OnlyHere);
    assert_eq!(d.view().decline_effect, DeclineEffect::CallerWaits);
    d.looked(Some(LegStatus::Ringing), 3);
    assert_eq!(d.view().decline_effect, DeclineEffect::OnlyHere);
    set(&mut d, |s| s.decline = DeclinePolicy::Everybody);
    assert_eq!(d.view().decline_effect, DeclineEffect::EndsForCaller);
}

#[test]
fn the_first_to_decline_ends_it_if_so_agreed() {
    let mut d = with(|s| s.decline = DeclinePolicy::Everybody);
    d.offer();
    d.watch_joined();
    d.decline();
    assert_eq!(d.gone(Role::Watch), ["look"]);
    assert_eq!(d.looked(Some(LegStatus::Ringing), 5), ["remove leg"]);
}

#[test]
fn nobody_who_talks_is_ended_by_a_decline_for_everybody() {
    let mut d = with(|s| s.decline = DeclinePolicy::Everybody);
    d.offer();
    d.watch_joined();
    d.decline();
    d.gone(Role::Watch);
    let said = d.looked(Some(LegStatus::Active), 1);
    assert_eq!(said, ["finish declined_here"]);
}

#[test]
fn a_decline_that_is_only_for_here_asks_nobody() {
    let mut d = with(|s| s.decline = DeclinePolicy::OnlyHere);
    d.offer();
    d.watch_joined();
    assert_eq!(d.decline()[0], "leave watch 1");
    assert_eq!(d.gone(Role::Watch), ["finish declined_here"]);
    assert_eq!(d.said("look") + d.said("remove leg"), 0);
}

// ---- late news ----

fn offer_aged(d: &mut Desk, age_ms: i64) -> Vec<String> {
    let offer = Offer {
        created_unix_ms: d.unix_ms() - age_ms,
        ..offer_of("c1")
    };
    d.tell(Input::Watch(WatchFact::Offer(offer)))
}

#[test]
fn news_of_a_minute_rings_and_older_news_does_not_on_its_own_word() {
    for (age, rings) in [
        (-86_400_000, true),
        (59_999, true),
        (60_000, true),
        (60_001, false),
    ] {
        let mut d = Desk::new();
        let said = offer_aged(&mut d, age);
        assert_eq!(said.contains(&"ring true".to_owned()), rings, "{age}");
        if !rings {
            assert_eq!(said, ["look"]);
        }
    }
}

#[test]
fn old_news_of_a_caller_who_is_gone_or_served_is_nothing() {
    for leg in [None, Some(LegStatus::Active), Some(LegStatus::Hangup)] {
        let mut d = Desk::new();
        offer_aged(&mut d, 100_000);
        assert_eq!(offer_aged(&mut d, 100_000), [""; 0], "told twice");
        assert_eq!(d.looked(leg, 0), [""; 0]);
        assert_eq!(d.deadline, None);
        assert!(d.phone.view().calls.is_empty(), "nobody knows how it ended");
    }
}

#[test]
fn old_news_of_a_caller_who_still_waits_rings() {
    let mut d = Desk::new();
    offer_aged(&mut d, 100_000);
    let said = d.looked(Some(LegStatus::Ringing), 0);
    assert!(said.contains(&"ring true".to_owned()), "{said:?}");
    assert_eq!(said[0], "start");
}

#[test]
fn old_news_about_which_the_server_says_nothing_is_forgotten_and_may_come_again() {
    let mut d = Desk::new();
    offer_aged(&mut d, 100_000);
    assert_eq!(d.wait_s(20), [""; 0]);
    assert_eq!(d.deadline, None);
    assert_eq!(offer_aged(&mut d, 130_000), ["look"]);
    assert_eq!(d.server(LegFact::LookFailed), [""; 0]);
    assert_eq!(offer_aged(&mut d, 140_000), ["look"]);
}

#[test]
fn a_flood_of_old_news_asks_a_few_times_only() {
    let mut d = Desk::new();
    for n in 0..500 {
        let offer = Offer {
            created_unix_ms: 1,
            ..offer_of(&format!("f{n}"))
        };
        d.tell(Input::Watch(WatchFact::Offer(offer)));
    }
    assert_eq!(d.outputs.len(), 16);
}

#[test]
fn a_desk_that_slept_through_it_does_not_ring() {
    let mut d = Desk::offered();
    d.sleep(Duration::from_secs(3_600));
    let said = d.tell(Input::Tick);
    assert!(said.contains(&"ring false".to_owned()), "{said:?}");
    assert_eq!(d.end().code(), "missed");
}

// ---- one call in two rooms ----

fn named(d: &mut Desk, bridge: &str) -> Vec<String> {
    let call = d.view().id;
    let mut leg = phone_leg(call.as_str(), Some(LegStatus::Ringing));
    leg.call_ids.bridge = Some(bridge.into());
    d.watch(RoomFact::Joined { present: vec![leg] })
}

#[test]
fn one_call_in_two_rooms_rings_once() {
    let mut d = Desk::new();
    d.offer();
    named(&mut d, "SCL_1");
    d.hold("c2");
    d.offer();
    let said = named(&mut d, "SCL_1");
    assert_eq!(said, ["leave watch 1 [c2]"]);
    assert_eq!(d.end().code(), "duplicate");
    assert_eq!(d.said("notify missed [c2]") + d.said("remove leg [c2]"), 0);
    d.hold("c1");
    assert_eq!(d.state(), CallState::Offered);
}

#[test]
fn two_calls_in_two_rooms_are_two() {
    let mut d = Desk::new();
    d.offer();
    named(&mut d, "SCL_1");
    d.hold("c2");
    d.offer();
    named(&mut d, "SCL_2");
    let waiting = d.phone.view().calls;
    assert!(waiting.iter().all(|call| call.state == CallState::Offered));
    assert_eq!(d.view().id, id("c2"));
}

#[test]
fn a_call_that_comes_again_after_its_end_rings() {
    let mut d = Desk::new();
    d.offer();
    named(&mut d, "SCL_1");
    d.status(Role::Watch, LegStatus::Hangup);
    d.hold("c2");
    d.offer();
    named(&mut d, "SCL_1");
    assert_eq!(d.state(), CallState::Offered);
}
