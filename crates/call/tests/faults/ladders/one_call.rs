//! One call with one far end.

use call::DeskSettings;
use call::input::Intent;
use call::settings::DeclinePolicy;
use call::state::{LeaveReason, LegStatus};

use super::*;
use crate::support::way;

fn decline(s: &mut Server) {
    s.intent(Intent::Decline { call: id("c1") });
    s.run(10_000);
}

/// Dialled over lines that take each other's calls.
fn dial_over(s: &mut Server, lines: &[&str]) {
    s.intent(Intent::Dial {
        call: id("c1"),
        number: NUMBER.into(),
        ways: lines.iter().copied().map(way).collect(),
    });
    s.run(1_000);
}

/// The leg with which it is tried for the `n`th time.
fn on_line(n: usize) -> Identity {
    Identity::leg_of_try(&id("c1"), n)
}

fn transfer(s: &mut Server) {
    let to = "+1 312 555 0188".into();
    s.intent(Intent::Transfer { call: id("c1"), to });
    s.run(5_000);
}

pub(super) const STORIES: [(&str, Story); 24] = [
    ("dialled, talked, hung up here", |s| {
        dial_up(s);
        hang_up(s);
    }),
    ("dialled, talked, hung up there", |s| {
        dial_up(s);
        hangs_up_there(s, &leg_of("c1"));
    }),
    ("dialled, cancelled while it rings", |s| {
        dial(s);
        s.is(&leg_of("c1"), LegStatus::Ringing);
        s.run(1_000);
        hang_up(s);
    }),
    ("dialled, cancelled before it rings", |s| {
        s.intent(Intent::Dial {
            call: id("c1"),
            number: NUMBER.into(),
            ways: Vec::new(),
        });
        s.run(60);
        hang_up(s);
    }),
    ("dialled, refused", |s| {
        dial(s);
        s.is(&leg_of("c1"), LegStatus::Ringing);
        s.run(1_000);
        s.refuses(&leg_of("c1"), 486);
        s.run(20_000);
    }),
    ("dialled, nobody answers", |s| {
        dial(s);
        s.is(&leg_of("c1"), LegStatus::Ringing);
        s.run(60_000);
    }),
    ("dialled, the program is closed", |s| {
        dial(s);
        s.is(&leg_of("c1"), LegStatus::Ringing);
        s.run(500);
        s.intent(Intent::Quit);
        s.run(20_000);
    }),
    ("rung, answered, hung up here", |s| {
        ring(s);
        answer(s);
        hang_up(s);
    }),
    ("rung, answered, hung up there", |s| {
        ring(s);
        answer(s);
        hangs_up_there(s, &leg_of("c1"));
    }),
    ("rung, given up", |s| {
        ring(s);
        hangs_up_there(s, &leg_of("c1"));
    }),
    ("rung, declined", |s| {
        ring(s);
        decline(s);
    }),
    ("rung, declined for everybody", |s| {
        s.settings(DeskSettings {
            decline: DeclinePolicy::Everybody,
            ..DeskSettings::default()
        });
        ring(s);
        decline(s);
    }),
    ("rung, muted while it rings, answered, hung up", |s| {
        ring(s);
        mute(s, &id("c1"), true);
        answer(s);
        mute(s, &id("c1"), false);
        mute(s, &id("c1"), true);
        hang_up(s);
    }),
    ("dialled muted, answered, hung up", |s| {
        s.intent(Intent::Dial {
            call: id("c1"),
            number: NUMBER.into(),
            ways: Vec::new(),
        });
        mute(s, &id("c1"), true);
        s.run(1_000);
        is_answered(s, &leg_of("c1"));
        hang_up(s);
    }),
    ("the connection breaks, back again, hung up", |s| {
        dial_up(s);
        s.breaks(LeaveReason::Unknown);
        s.run(8_000);
        hang_up(s);
    }),
    ("the connection breaks, hung up on the way", |s| {
        dial_up(s);
        s.breaks(LeaveReason::ServerShutdown);
        s.run(30);
        hang_up(s);
    }),
    ("held, taken back, hung up", |s| {
        dial_up(s);
        hold(s, "c1", true);
        hold(s, "c1", false);
        hang_up(s);
    }),
    (
        "held and muted, the connection breaks, back, taken back",
        |s| {
            ring(s);
            answer(s);
            mute(s, &id("c1"), true);
            hold(s, "c1", true);
            s.breaks(LeaveReason::Unknown);
            s.run(8_000);
            hold(s, "c1", false);
            hang_up(s);
        },
    ),
    ("held, hung up there", |s| {
        dial_up(s);
        hold(s, "c1", true);
        hangs_up_there(s, &leg_of("c1"));
    }),
    ("transferred, the bridge ends the leg", |s| {
        dial_up(s);
        transfer(s);
        s.run(15_000);
    }),
    ("a transfer is refused, talked on, hung up", |s| {
        s.transfers = false;
        ring(s);
        answer(s);
        transfer(s);
        hang_up(s);
    }),
    ("one line refuses, another takes it, hung up", |s| {
        dial_over(s, &["A", "B"]);
        s.refuses(&leg_of("c1"), 503);
        s.run(1_000);
        is_answered(s, &on_line(2));
        hang_up(s);
    }),
    ("every line refuses", |s| {
        dial_over(s, &["A", "B", "C"]);
        s.refuses(&leg_of("c1"), 503);
        s.run(1_000);
        s.refuses(&on_line(2), 403);
        s.run(1_000);
        s.refuses(&on_line(3), 503);
        s.run(20_000);
    }),
    ("one line refuses, cancelled on the other", |s| {
        dial_over(s, &["A", "B"]);
        s.refuses(&leg_of("c1"), 503);
        s.run(40);
        hang_up(s);
    }),
];
