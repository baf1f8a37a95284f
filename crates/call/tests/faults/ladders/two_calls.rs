//! A second call beside the one that is talked on.

use call::state::LeaveReason;

use super::*;

/// Two calls that were dialled; the first waits.
fn two(s: &mut Server) {
    dial_up(s);
    dial_as(s, "c2");
    is_answered(s, &leg_of("c2"));
}

/// A second caller while we talk.
fn calls_beside(s: &mut Server) {
    dial_up(s);
    s.caller("c2");
    s.run(1_500);
}

pub(super) const STORIES: [(&str, Story); 9] = [
    ("a second call, swapped twice, both hung up", |s| {
        two(s);
        hold(s, "c1", false);
        hold(s, "c2", false);
        hang_up_of(s, "c2");
        hang_up(s);
    }),
    ("a second call, ended there, the first taken back", |s| {
        two(s);
        s.hangs_up(&leg_of("c2"));
        s.run(2_000);
        hold(s, "c1", false);
        hang_up(s);
    }),
    ("a second call, who waits hangs up", |s| {
        two(s);
        s.hangs_up(&leg_of("c1"));
        s.run(2_000);
        hang_up_of(s, "c2");
    }),
    ("a second call is refused, the first taken back", |s| {
        dial_up(s);
        dial_as(s, "c2");
        s.refuses(&leg_of("c2"), 486);
        s.run(3_000);
        hold(s, "c1", false);
        hang_up(s);
    }),
    ("two calls, both connections break, both hung up", |s| {
        two(s);
        s.breaks(LeaveReason::Unknown);
        s.run(8_000);
        hold(s, "c1", false);
        hang_up(s);
        hang_up_of(s, "c2");
    }),
    ("a caller beside, answered, the first waits", |s| {
        calls_beside(s);
        answer_and(s, "c2", OtherCall::Hold);
        hang_up_of(s, "c2");
        hold(s, "c1", false);
        hang_up(s);
    }),
    ("a caller beside, answered, the first is ended", |s| {
        calls_beside(s);
        answer_and(s, "c2", OtherCall::End);
        s.run(5_000);
        hang_up_of(s, "c2");
    }),
    ("a caller beside, declined, talked on", |s| {
        calls_beside(s);
        s.intent(Intent::Decline { call: id("c2") });
        s.run(5_000);
        hang_up(s);
    }),
    ("a caller beside, given up, talked on", |s| {
        calls_beside(s);
        s.hangs_up(&leg_of("c2"));
        s.run(5_000);
        hang_up(s);
    }),
];
