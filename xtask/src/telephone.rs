//! The whole telephone, path by path: which test proves which path, all of them run, and a table of what passed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::shell;

/// Tables that can be asked for alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Matrix {
    /// Every final SIP code: words, stored reason, exit code, ringback
    Sip,
}

/// What of it is to be run; nothing named: everything.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) matrix: Option<Matrix>,
    pub(crate) kills: Option<u32>,
    pub(crate) races: Option<u32>,
}

impl Asked {
    /// Is only a part of it wanted?
    pub(crate) fn is_part(self) -> bool {
        self.matrix.is_some() || self.kills.is_some() || self.races.is_some()
    }
}

const MATRIX: &str =
    "outcomes::every_code_has_its_words_its_reason_its_exit_code_and_stops_the_ringing";
const KILLS: &str = "kills::killed_at_any_moment_no_row_is_lost_or_left_open_and_no_phone_left_up";
const RACES: &str = "desks::two_desks_race_for_a_caller_and_exactly_one_has_it";
/// Rounds of the race when all paths are run; a test run has fewer.
const ROUNDS: u32 = 50;

/// Path, suite, test. A test may prove several paths.
const PATHS: &[(&str, &str, &str)] = &[
    // ---- outcomes ----
    (
        "outcomes: every final SIP code, no answer, never rang, early media",
        "paths",
        MATRIX,
    ),
    (
        "outcomes: exit codes of the program itself",
        "terminal",
        "refusals_have_their_own_words_and_exit_codes",
    ),
    (
        "outcomes: words in the window",
        "window",
        "busy_not_in_service_declined_and_no_answer_are_shown_in_the_right_words",
    ),
    (
        "outcomes: early media, then an answer",
        "paths",
        "outcomes::early_media_then_an_answer_is_an_ordinary_call",
    ),
    (
        "outcomes: cancelled as they answer, 200 after the cancel",
        "paths",
        "outcomes::a_call_cancelled_in_the_moment_of_its_answer_leaves_nobody",
    ),
    (
        "outcomes: a number that cannot be dialled",
        "terminal",
        "a_wrong_number_is_answered_with_one_sentence_and_nothing_is_dialled",
    ),
    (
        "outcomes: no server",
        "terminal",
        "without_a_server_the_call_ends_with_a_sentence",
    ),
    (
        "outcomes: no sound",
        "terminal",
        "without_sound_the_call_is_not_placed_and_says_what_to_do",
    ),
    (
        "outcomes: no engine",
        "terminal",
        "a_missing_or_altered_engine_is_told_in_one_sentence",
    ),
    (
        "outcomes: an interrupt while it rings",
        "terminal",
        "an_interrupt_while_it_rings_cancels_the_leg",
    ),
    // ---- in a call ----
    (
        "in a call: dial, talk, both sides heard",
        "terminal",
        "a_dialled_phone_answers_and_both_sides_are_heard",
    ),
    (
        "in a call: mute, packets go on (window)",
        "window",
        "dialling_by_typing_talking_muting_keys_and_hanging_up",
    ),
    (
        "in a call: mute and hold, and that they do not mix",
        "paths",
        "in_call::muted_and_held_are_heard_as_they_should_and_do_not_mix",
    ),
    (
        "in a call: hold with music (window)",
        "in_call",
        "a_held_call_hears_music_and_comes_back",
    ),
    (
        "in a call: keys both ways, typed before the answer, refused",
        "paths",
        "in_call::keys_go_both_ways_and_those_typed_before_the_answer_wait",
    ),
    (
        "in a call: REFER works, is refused, is nonsense",
        "paths",
        "in_call::a_transfer_works_is_refused_or_is_nonsense_and_nobody_is_lost",
    ),
    (
        "in a call: REFER that nobody answers",
        "paths",
        "several::slow::a_transfer_without_an_outcome_keeps_the_far_end",
    ),
    (
        "in a call: transfer in the window",
        "in_call",
        "a_call_is_transferred_and_a_refused_transfer_loses_nobody",
    ),
    (
        "in a call: asked alone, introduced, left with each other (no REFER)",
        "paths",
        "several::the_third_is_asked_alone_introduced_and_left_with_the_first",
    ),
    (
        "in a call: asked alone and merged (window)",
        "in_call",
        "somebody_is_asked_alone_first_and_then_all_talk",
    ),
    (
        "in a call: a further person, one alone, one let go, one busy",
        "paths",
        "several::everybody_hears_everybody_and_one_of_them_is_let_go",
    ),
    (
        "in a call: second caller: silence, decline, end and answer",
        "paths",
        "in_call::a_second_caller_is_silenced_declined_or_answered_while_the_first_ends",
    ),
    (
        "in a call: second caller: soft beep, hold and answer, swap, end one, redial",
        "paths",
        "in_call::two_calls_are_swapped_one_of_them_ends_and_the_last_number_is_called_again",
    ),
    (
        "in a call: second caller and swap (window)",
        "in_call",
        "a_second_caller_is_answered_while_the_first_is_held_and_they_are_swapped",
    ),
    (
        "in a call: fifty in a row leave nothing behind (window)",
        "window",
        "fifty_calls_in_a_row_out_and_in_leave_nothing_behind",
    ),
    // ---- inbound, several desks ----
    (
        "inbound: answered from the overlay, declined, missed (window)",
        "window",
        "an_incoming_call_is_answered_from_the_overlay_and_others_are_declined_or_missed",
    ),
    (
        "inbound: one answers, the other is told who",
        "paths",
        "desks::one_desk_answers_and_the_other_says_who",
    ),
    (
        "inbound: a winner that crashes, one that cannot answer",
        "paths",
        "desks::a_winner_that_crashes_or_cannot_answer_gives_the_caller_back",
    ),
    (
        "inbound: declined on one desk, on the last desk",
        "paths",
        "desks::one_desk_declines_for_itself_and_the_last_one_for_the_caller",
    ),
    (
        "inbound: silence, caller gives up, ringing times out, room deleted",
        "paths",
        "desks::silence_a_caller_who_gives_up_and_a_room_that_vanishes",
    ),
    (
        "inbound: a desk that slept through it",
        "paths",
        "desks::a_desk_that_slept_through_the_end_of_a_call_wakes_to_a_missed_one",
    ),
    (
        "inbound: a room older than a minute",
        "paths",
        "desks::slow::a_room_older_than_a_minute_rings_only_while_somebody_waits_in_it",
    ),
    ("inbound: two desks race", "paths", RACES),
    (
        "inbound: a caller who gives up is missed within a second",
        "terminal",
        "a_caller_who_gives_up_is_missed_within_a_second",
    ),
    // ---- availability ----
    (
        "availability: do not disturb, with an end, the listed ring, kept",
        "paths",
        "availability::do_not_disturb_shows_callers_rings_for_the_listed_and_survives_a_restart",
    ),
    (
        "availability: business hours, quiet lines, call waiting",
        "paths",
        "availability::outside_business_hours_callers_are_silent_or_turned_away_and_lines_may_be_quiet",
    ),
    // ---- failure in the middle ----
    (
        "failure: server killed and started, mute and hold kept, both heard",
        "paths",
        "failures::slow::a_server_that_is_killed_and_started_keeps_mute_and_hold_and_both_are_heard_again",
    ),
    (
        "failure: media lost",
        "paths",
        "failures::packets_that_stop_are_noticed_and_their_return_too",
    ),
    (
        "failure: server frozen for 14 s",
        "paths",
        "failures::slow::a_server_frozen_for_fourteen_seconds_is_noticed_and_survived",
    ),
    (
        "failure: two restarts in a row",
        "paths",
        "failures::slow::an_inbound_call_survives_two_restarts_in_a_row",
    ),
    (
        "failure: bridge killed, ghost leg",
        "paths",
        "failures::slow::a_bridge_that_dies_leaves_a_ghost_and_the_call_ends",
    ),
    (
        "failure: Redis emptied",
        "paths",
        "failures::a_server_that_forgot_everything_carries_the_call_on_and_it_can_be_ended",
    ),
    (
        "failure: room deleted under us, redial",
        "paths",
        "failures::a_room_deleted_under_a_call_ends_it_and_the_number_is_called_again",
    ),
    (
        "failure: the far end hangs up while the server is away",
        "paths",
        "failures::a_phone_that_hangs_up_while_the_server_is_away_ends_the_call",
    ),
    (
        "failure: sleep and wake",
        "paths",
        "failures::slow::a_computer_that_sleeps_in_a_call_comes_back_into_it",
    ),
    (
        "failure: ghosts, lost leaves, late statuses",
        "terminal",
        "ghosts_lost_leaves_and_late_statuses_end_as_they_should",
    ),
    (
        "failure: server restarts while a caller waits",
        "terminal",
        "a_server_that_restarts_while_a_caller_waits_is_survived",
    ),
    (
        "failure: killed in a call, rejoined from the terminal",
        "paths",
        "failures::after_a_crash_the_terminal_goes_back_into_the_call",
    ),
    (
        "failure: killed in a call, rejoined in the window",
        "in_call",
        "killed_in_a_call_the_next_start_goes_back_into_it",
    ),
    (
        "failure: killed in a call, hung up by the next start",
        "in_call",
        "killed_in_a_call_the_next_start_hangs_up_when_told_to",
    ),
    (
        "failure: killed at random moments of busy days",
        "paths",
        KILLS,
    ),
];

/// Runs what was asked for and prints a table of the paths.
pub(crate) fn run(asked: Asked) -> Result<()> {
    let mut chosen = Vec::new();
    for (wanted, test) in [
        (asked.matrix.is_some(), MATRIX),
        (asked.kills.is_some(), KILLS),
        (asked.races.is_some(), RACES),
    ] {
        if wanted {
            chosen.extend(PATHS.iter().filter(|(_, _, proof)| *proof == test));
        }
    }
    if chosen.is_empty() {
        chosen.extend(PATHS);
    }
    let mut suites: Vec<&str> = chosen.iter().map(|(_, suite, _)| *suite).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut cargo = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    for suite in suites {
        cargo.args(["--test", suite]);
    }
    cargo.args(["--", "--exact", "--test-threads=1", "--show-output"]);
    cargo.args(chosen.iter().map(|(_, _, test)| *test));
    cargo.env("DESKLINE_RACES", asked.races.unwrap_or(ROUNDS).to_string());
    if let Some(kills) = asked.kills {
        cargo.env("DESKLINE_KILLS", kills.to_string());
    }
    let passed = follow(&mut cargo)?;

    let width = chosen
        .iter()
        .map(|(path, ..)| path.chars().count())
        .max()
        .unwrap_or(0);
    let mut missing = 0;
    println!();
    for (path, suite, test) in &chosen {
        let outcome = match passed.get(*test) {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "NOT RUN",
        };
        missing += usize::from(outcome != "ok");
        println!("{path:width$}  {outcome:7}  {suite}: {test}");
    }
    println!("\n{} paths, {} green", chosen.len(), chosen.len() - missing);
    if missing > 0 {
        bail!("{missing} paths are not green");
    }
    Ok(())
}

/// Runs the tests, lets their output through, and gathers which of them passed.
fn follow(cargo: &mut std::process::Command) -> Result<BTreeMap<String, bool>> {
    let text = shell::describe(cargo);
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{text}`"))?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut passed = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("cargo's output broke off")?;
        println!("{line}");
        passed.extend(outcome(&line));
    }
    child.wait().with_context(|| format!("`{text}` was lost"))?;
    Ok(passed)
}

/// `test NAME ... ok` of the test harness.
fn outcome(line: &str) -> Option<(String, bool)> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match outcome.trim() {
        "ok" => Some((name.to_owned(), true)),
        "FAILED" => Some((name.to_owned(), false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A path whose test was renamed would be reported as not run, after minutes.
    #[test]
    fn every_path_names_a_test_that_exists() {
        for (path, suite, test) in PATHS {
            let mut parts: Vec<&str> = test.split("::").filter(|part| *part != "slow").collect();
            let name = parts.pop().unwrap();
            let file = match parts.as_slice() {
                [] => format!("tests/{suite}.rs"),
                [module] => format!("tests/{suite}/{module}.rs"),
                _ => unreachable!("{test}"),
            };
            let text = std::fs::read_to_string(shell::root().join(&file)).unwrap();
            assert!(
                text.contains(&format!("fn {name}()")),
                "{path}: {file} has no {name}"
            );
            assert_eq!(
                test.contains("slow::"),
                slow_part(&text).contains(&format!("fn {name}()")),
                "{test}"
            );
        }
    }

    fn slow_part(text: &str) -> &str {
        text.split_once("\nmod slow {").map_or("", |(_, slow)| slow)
    }

    #[test]
    fn outcomes_are_read_from_the_harness() {
        assert_eq!(outcome("test a::b ... ok"), Some(("a::b".into(), true)));
        assert_eq!(
            outcome("test a::b ... FAILED"),
            Some(("a::b".into(), false))
        );
        assert_eq!(outcome("test result: ok. 3 passed; 0 failed"), None);
    }
}
