//! Lines that refused a call, and the line used last.

use call::number::Region;
use call::output::LineRefusal;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    (profile, store)
}

fn refusal(line: &str, reason: EndReason) -> LineRefusal {
    LineRefusal {
        line: line.into(),
        number: Some("+12025550150".into()),
        reason,
    }
}

#[test]
fn a_call_that_went_over_another_line_tells_both_and_is_left_behind_with_its_next_leg() {
    let (_profile, store) = store();
    store.start(&start("c1", 5)).unwrap();
    let leg = Identity::leg_of_try(&id("c1"), 2);
    let refused = refusal("Main line", EndReason::LineOverloaded);
    store
        .went_over(&id("c1"), &leg, Some("+12025550160"), &refused)
        .unwrap();
    let third = Identity::leg_of_try(&id("c1"), 3);
    let refused = refusal("Second line", EndReason::LinePassword);
    store.went_over(&id("c1"), &third, None, &refused).unwrap();
    let row = &store.page(None, 1).unwrap().entries[0];
    assert_eq!(row.line.as_deref(), Some("+12025550160"));
    let told: Vec<_> = row
        .details
        .refusals
        .iter()
        .map(|one| (one.line.as_str(), one.outcome.as_str(), one.sip_code))
        .collect();
    assert_eq!(
        told,
        [
            ("Main line", "line_overloaded", Some(503)),
            ("Second line", "line_password", Some(401)),
        ]
    );
    assert_eq!(
        row.details.refusals[0].words,
        "Your provider has no capacity just now"
    );
    // the end of the call takes nothing of it away
    store
        .finish(&finish("c1", EndReason::HungUp, Some(6), 9))
        .unwrap();
    assert_eq!(store.entry("c1").unwrap().details.refusals.len(), 2);
    assert!(matches!(
        store.went_over(&id("none"), &leg, None, &refused),
        Err(HistoryError::NoSuchCall)
    ));
}

#[test]
fn a_kill_after_the_change_of_lines_leaves_the_leg_that_may_be_up() {
    let profile = tempfile::tempdir().unwrap();
    let leg = Identity::leg_of_try(&id("c1"), 2);
    {
        let store = Store::open(profile.path()).unwrap();
        store.start(&start("c1", 5)).unwrap();
        let refused = refusal("Main line", EndReason::LineOverloaded);
        store.went_over(&id("c1"), &leg, None, &refused).unwrap();
    }
    let store = Store::open(profile.path()).unwrap();
    let left = store.take_orphans(10).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].leg, leg);
}

#[test]
fn what_another_program_wrote_about_refusals_hides_no_row() {
    let (_profile, store) = store();
    store.start(&start("c1", 5)).unwrap();
    for text in ["nonsense", "{}", "[7]", ""] {
        store
            .connection_for_tests()
            .execute("UPDATE calls SET refusals = ?1", [text])
            .unwrap();
        let row = &store.page(None, 1).unwrap().entries[0];
        assert_eq!(row.details.refusals, []);
    }
}

/// A call that is over, with the far number and ours.
fn call(store: &Store, name: &str, at: i64, far: &str, own: Option<&str>, reason: EndReason) {
    let begin = LogStart {
        number: far.into(),
        line: own.map(str::to_owned),
        ..start(name, at)
    };
    store.start(&begin).unwrap();
    store.finish(&finish(name, reason, None, at + 1)).unwrap();
}

#[test]
fn the_line_used_last_is_that_of_the_newest_call_that_was_carried() {
    let (_profile, store) = store();
    let (far, a, b) = ("+13125550142", Some("+12025550150"), Some("+12025550160"));
    assert_eq!(store.last_line(far).unwrap(), None);
    call(&store, "c1", 10, far, a, EndReason::Missed);
    assert_eq!(store.last_line(far).unwrap().as_deref(), a);
    call(&store, "c2", 20, far, b, EndReason::Busy);
    assert_eq!(store.last_line(far).unwrap().as_deref(), b);
    // neither a failed line, nor a call without one, nor one with somebody else
    call(&store, "c3", 30, far, a, EndReason::LineOverloaded);
    call(&store, "c4", 40, far, None, EndReason::HungUp);
    call(&store, "c5", 50, "+14125550142", a, EndReason::Busy);
    assert_eq!(store.last_line(far).unwrap().as_deref(), b);
    for nobody in ["", "anonymous", "\u{202e}"] {
        assert_eq!(store.last_line(nobody).unwrap(), None, "{nobody}");
    }
}

#[test]
fn the_other_numbers_of_a_contact_count_too() {
    let (_profile, store) = store();
    let ada = ContactDraft {
        name: "Ada".into(),
        numbers: vec![
            ("Work".into(), "(312) 555-0142".into()),
            ("Mobile".into(), "+13125550188".into()),
        ],
        ..ContactDraft::default()
    };
    store.add_contact(&ada, Region::US).unwrap();
    let (a, b) = (Some("+12025550150"), Some("+12025550160"));
    call(&store, "c1", 10, "+13125550142", a, EndReason::Missed);
    call(&store, "c2", 20, "+13125550188", b, EndReason::Busy);
    for number in ["+13125550142", "+13125550188"] {
        assert_eq!(store.last_line(number).unwrap().as_deref(), b);
    }
}

#[test]
fn the_minutes_of_a_month_are_those_begun_in_answered_calls() {
    let (_profile, store) = store();
    let talk = |name: &str, at: i64, own: Option<&str>, direction, answered: Option<i64>, ended| {
        let begin = LogStart {
            line: own.map(str::to_owned),
            direction,
            ..start(name, at)
        };
        store.start(&begin).unwrap();
        if let Some(ended) = ended {
            let reason = EndReason::HungUp;
            store
                .finish(&finish(name, reason, answered, ended))
                .unwrap();
        }
    };
    let own = Some("+12025550150");
    let (out, inward) = (Direction::Outbound, Direction::Inbound);
    let minute = 60_000;
    // Exactly a minute, one begun, one of nothing; one way.
    talk("c1", 1_000, own, out, Some(2_000), Some(2_000 + minute));
    talk("c2", 1_100, own, out, Some(2_000), Some(2_001 + minute));
    talk("c3", 1_200, own, out, Some(2_000), Some(2_000));
    talk("c4", 1_300, own, inward, Some(2_000), Some(2_500));
    talk("c5", 1_400, None, inward, Some(2_000), Some(2_500));
    // Never answered, not over, before it and after it.
    talk("c6", 1_500, own, out, None, Some(9_000));
    talk("c7", 1_600, own, out, None, None);
    talk("c8", 999, own, out, Some(1_500), Some(2_500));
    talk("c9", 2_000, own, out, Some(2_100), Some(2_500));
    let row = |line: Option<&str>, direction, calls, minutes| Talked {
        line: line.map(str::to_owned),
        direction,
        calls,
        minutes,
    };
    assert_eq!(
        store.talked(1_000, 2_000).unwrap(),
        [
            row(None, inward, 1, 1),
            row(own, inward, 1, 1),
            row(own, out, 3, 4),
        ]
    );
    assert_eq!(store.talked(3_000, i64::MAX).unwrap(), []);
}
