//! Every path of the telephone by name, and which test proves it.

use super::{KILLS, MATRIX, RACES};

/// Path, suite, test. A suite is an integration test of any package, or the unit tests of one: `lib:history`. A test may
/// prove several paths.
pub(super) const PATHS: &[(&str, &str, &str)] = &[
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
        "inbound: a winner that crashes, one without sound",
        "paths",
        "desks::a_winner_that_crashes_or_has_no_sound_gives_the_caller_back",
    ),
    (
        "inbound: a winner that cannot answer",
        "paths",
        "desks::slow::a_winner_that_cannot_answer_gives_the_caller_back",
    ),
    (
        "inbound: a desk that does not ring is not counted among those that do",
        "paths",
        "desks::a_quiet_desk_does_not_count_among_those_that_ring",
    ),
    (
        "inbound: declined on one desk, on the last desk",
        "paths",
        "desks::one_desk_declines_for_itself_and_the_last_one_for_the_caller",
    ),
    (
        "inbound: silence, caller gives up, the trunk's ringing timeout, room deleted",
        "paths",
        "desks::silence_a_caller_who_gives_up_a_time_limit_and_a_room_that_vanishes",
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
    (
        "inbound: hostile names, two rooms for one call, no number (app)",
        "paths",
        "hostile::slow::hostile_callers_are_shown_clean_beside_their_number_and_are_no_contact",
    ),
    (
        "inbound: hostile rooms and attributes, one that vanishes (every way of learning)",
        "watchers",
        "hostile_callers_harm_nobody",
    ),
    (
        "inbound: learnt of by webhook",
        "watchers",
        "a_webhook_offers_a_caller_and_tells_of_the_end",
    ),
    (
        "inbound: webhooks late and in the wrong order",
        "watchers",
        "webhooks_that_come_late_or_in_the_wrong_order_ring_nothing_that_is_over",
    ),
    (
        "inbound: webhooks forged, old, huge, of the wrong type",
        "watchers",
        "forged_and_broken_webhooks_are_refused_and_counted",
    ),
    (
        "inbound: webhooks in the app, and its settings",
        "inbound",
        "settings_of_the_receiver_take_effect_at_once_and_hostile_webhooks_ring_nothing",
    ),
    (
        "inbound: learnt of by a registered worker",
        "watchers",
        "a_registered_worker_offers_a_caller_once_and_never_joins",
    ),
    (
        "inbound: the worker after a crash of the server",
        "watchers",
        "a_worker_comes_back_after_a_crash_of_the_server",
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
    (
        "availability: set in the window",
        "inbound",
        "lines_that_do_not_ring_and_business_hours_work_from_the_settings",
    ),
    // ---- over another line ----
    (
        "lines: refused by one provider, carried by another; busy is not tried again",
        "outgoing",
        "a_call_that_the_provider_refuses_goes_over_the_other_line_and_busy_does_not",
    ),
    (
        "lines: prefixes, wishes and numbers shown choose",
        "outgoing",
        "prefixes_wishes_and_caller_ids_choose_the_line",
    ),
    (
        "lines: shown and chosen (window)",
        "outgoing",
        "the_window_shows_the_line_and_why_lets_choose_and_says_that_it_went_over",
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
        "failure: signalling cut, media not; mute kept",
        "paths",
        "failures::slow::signalling_that_is_cut_alone_interrupts_nobody_and_keeps_mute",
    ),
    (
        "failure: the engine panics, mute and hold kept (app)",
        "paths",
        "failures::an_engine_that_panics_costs_no_call_and_keeps_mute_and_hold",
    ),
    (
        "failure: the engine falls silent (app)",
        "paths",
        "failures::slow::an_engine_that_falls_silent_is_found_out_and_costs_no_call",
    ),
    (
        "failure: twenty panics in a row leave nothing behind",
        "failures",
        "twenty_panics_of_the_engine_leave_nothing_behind",
    ),
    (
        "failure: a room lost on its way costs no other call",
        "failures",
        "a_room_that_was_lost_on_its_way_costs_no_other_call",
    ),
    (
        "failure: the token ends in the call",
        "tokens",
        "a_call_outlives_its_token",
    ),
    (
        "failure: hung up while the server is frozen",
        "paths",
        "failures::slow::a_call_that_is_hung_up_while_the_server_is_frozen_leaves_nobody",
    ),
    (
        "failure: hung up while the server is dead",
        "paths",
        "failures::slow::a_call_that_is_hung_up_while_the_server_is_dead_leaves_nobody",
    ),
    (
        "failure: hung up while the bridge is dead",
        "paths",
        "failures::slow::a_call_that_is_hung_up_while_the_bridge_is_dead_leaves_nobody",
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
        "failure: Redis emptied while somebody rings",
        "paths",
        "desks::slow::a_caller_whom_the_server_denies_rings_on_and_is_answered",
    ),
    (
        "failure: Redis emptied, and a gap in the sound",
        "paths",
        "failures::slow::a_call_that_the_server_denies_outlives_a_gap_in_its_sound",
    ),
    (
        "failure: Redis gone and back",
        "paths",
        "failures::slow::a_server_without_redis_carries_the_call_on_and_it_can_be_ended",
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
        "failure: killed in a muted call, rejoined from the terminal",
        "paths",
        "failures::after_a_crash_the_terminal_goes_back_into_the_call_muted_as_it_was",
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
    // ---- what is kept of calls ----
    (
        "history: the whole row, and what the server said",
        "inbound",
        "a_call_leaves_a_whole_row_and_what_the_server_said_of_it",
    ),
    (
        "history: search by name, number, note",
        "lib:history",
        "tests::search::pages_of_a_search_are_the_filtered_list",
    ),
    (
        "history: notes",
        "lib:history",
        "tests::rows::a_note_is_found_until_it_is_changed",
    ),
    (
        "history: missed until seen",
        "lib:history",
        "tests::rows::missed_calls_are_counted_until_they_are_seen",
    ),
    (
        "history: export as CSV under both sets of names",
        "lib:history",
        "tests::export::both_names_side_by_side",
    ),
    (
        "history: export as JSON",
        "lib:history",
        "tests::export::objects_with_both_names",
    ),
    (
        "history: deleted, brought back, all erased (window, every byte)",
        "window",
        "slow::a_call_is_deleted_and_brought_back_and_what_is_erased_is_nowhere",
    ),
    (
        "history: erased from the file",
        "lib:history",
        "tests::removal::what_is_wiped_is_not_even_in_the_bytes",
    ),
    (
        "history: kept for so long",
        "lib:history",
        "tests::removal::old_calls_and_events_go_and_the_open_stay",
    ),
    (
        "history: events without secrets",
        "lib:history",
        "tests::removal::events_are_kept_masked",
    ),
    (
        "contacts: shown wherever a caller is (window)",
        "inbound",
        "a_contact_is_shown_by_name_wherever_a_caller_is",
    ),
    (
        "contacts: matched by number",
        "lib:history",
        "tests::contacts::a_number_finds_its_contact",
    ),
    (
        "contacts: imported from vCard",
        "lib:history",
        "tests::import::vcards_of_google",
    ),
    (
        "contacts: imported from tables",
        "lib:history",
        "tests::import::tables_of_google_and_outlook",
    ),
];
