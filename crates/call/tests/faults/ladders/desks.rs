//! Two desks and one caller: the claim is lost, handed back, or taken from a desk that crashed.

use super::*;

pub(super) const STORIES: [(&str, Story); 6] = [
    ("a colleague answers", |s| {
        ring(s);
        s.colleague_claims("c1");
        s.run(300);
        s.colleague_answers("c1");
        s.run(5_000);
        s.hangs_up(&leg_of("c1"));
        s.run(5_000);
    }),
    ("answered a moment after a colleague, who wins", |s| {
        ring(s);
        s.colleague_claims("c1");
        answer(s);
        s.colleague_answers("c1");
        s.run(5_000);
        s.hangs_up(&leg_of("c1"));
        s.run(5_000);
    }),
    (
        "a colleague cannot answer and gives it back, hung up",
        |s| {
            ring(s);
            s.colleague_claims("c1");
            s.run(500);
            s.colleague_leaves("c1");
            s.run(1_000);
            answer(s);
            hang_up(s);
        },
    ),
    ("a colleague is first and gives it back, hung up", |s| {
        ring(s);
        s.colleague_claims("c1");
        answer(s);
        s.colleague_leaves("c1");
        s.run(4_000);
        answer(s);
        hang_up(s);
    }),
    ("a colleague's desk crashes, answered after that", |s| {
        ring(s);
        s.colleague_claims("c1");
        s.run(5_000);
        answer(s);
        hang_up(s);
    }),
    ("declined while a colleague answers", |s| {
        ring(s);
        s.colleague_claims("c1");
        s.run(1_000);
        s.intent(Intent::Decline { call: id("c1") });
        s.run(20);
        s.colleague_answers("c1");
        s.run(10_000);
        s.hangs_up(&leg_of("c1"));
        s.run(5_000);
    }),
];
