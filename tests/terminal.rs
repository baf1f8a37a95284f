//! End to end from the terminal: the same binary, the same core, real server, real sound server, real secret service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::time::Duration;

use serde_json::json;
use stage::line::State;
use stage::{Inbound, LineOptions};
use support::{OUR_TONE, PATIENCE, Place, THEIR_TONE, eventually, exit, seconds};

const CALLER: &str = "+13125550142";

#[test]
fn a_dialled_phone_answers_and_both_sides_are_heard() {
    let place = Place::signed_in("terminal-dial");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let ear = place.stage.sound.listen().unwrap();

    let done = place.run(&["dial", "+1 212 555 0100", "--for", "3s", "--json"]);
    assert_eq!(done.code, exit::ANSWERED, "{done:?}");
    let end = done.end();
    assert_eq!(end["outcome"], "hung_up");
    assert!(
        seconds(&end["heard"]["seconds"]) > 2.0,
        "heard too little: {end}"
    );
    assert!((2.0..=4.5).contains(&seconds(&end["duration_s"])), "{end}");
    for line in done.json() {
        for field in ["at_ms", "event", "call_id", "state"] {
            assert!(line.get(field).is_some(), "{field} is missing in {line}");
        }
    }
    ear.wait_until(PATIENCE, |heard| {
        heard.samples().chunks(48_000).any(|second| {
            let second = stage::Recording::new(second.to_vec());
            second
                .dominant_hz()
                .is_some_and(|hz| (hz - THEIR_TONE).abs() < 5.0)
                && second.share_of(THEIR_TONE) > 0.8
        })
    })
    .expect("their tone is heard at the speaker");

    let report = place
        .line
        .phones
        .latest_with("+12125550100")
        .unwrap()
        .expect("the phone was called");
    let report = place
        .line
        .phones
        .wait_until(&report.id, State::Over, PATIENCE)
        .unwrap();
    assert!(
        report.heard.seconds > 1.5,
        "the phone heard us for {} s",
        report.heard.seconds
    );
    assert!(
        (report.heard.hz.unwrap() - f64::from(OUR_TONE)).abs() < 10.0,
        "{:?}",
        report.heard.hz
    );
    assert_eq!(report.ended_by(), Some("desk"));

    let rows = place.history();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["outcome"], "hung_up");
    assert!(
        (seconds(&rows[0]["duration_s"]) - 3.0).abs() <= 1.0,
        "{}",
        rows[0]
    );
}

#[test]
fn refusals_have_their_own_words_and_exit_codes() {
    let place = Place::signed_in("terminal-refusals");
    for (number, code, outcome) in [
        ("+12125550111", exit::BUSY, "busy"),
        ("+12125550112", exit::NOT_IN_SERVICE, "not_in_service"),
        ("+12125550113", exit::DECLINED, "declined"),
    ] {
        let done = place.run(&["dial", number, "--json"]);
        assert_eq!(
            (done.code, done.end()["outcome"].as_str()),
            (code, Some(outcome)),
            "{number}: {done:?}"
        );
    }
    let done = place.run(&["--ring-for", "2s", "dial", "+12125550105", "--json"]);
    assert_eq!(
        (done.code, done.end()["outcome"].as_str()),
        (exit::NO_ANSWER, Some("no_answer")),
        "{done:?}"
    );
    let outcomes: Vec<_> = place
        .history()
        .iter()
        .map(|row| row["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        outcomes,
        ["no_answer", "declined", "not_in_service", "busy"]
    );
}

#[test]
fn keys_arrive_in_order_and_keys_of_the_far_end_are_told() {
    let place = Place::signed_in("terminal-keys");
    let done = place.run(&[
        "dial",
        "+12125550103",
        "--keys",
        "12#9*0",
        "--for",
        "5s",
        "--json",
    ]);
    assert_eq!(done.code, exit::ANSWERED, "{done:?}");
    let report = place
        .line
        .phones
        .latest_with("+12125550103")
        .unwrap()
        .unwrap();
    assert_eq!(report.keys, "12#9*0");

    let done = place.run(&["dial", "+12125550104", "--for", "5s", "--json"]);
    assert_eq!(done.end()["keys_received"], "123#", "{done:?}");
}

#[test]
fn an_incoming_call_is_answered_and_talked_through() {
    let place = Place::signed_in("terminal-wait");
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5).unwrap();
    let mut wait = place.follow(&["wait", "--answer-after", "1s", "--for", "3s", "--once"]);
    wait.ready().unwrap();
    let call = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER).says("tone:700"))
        .unwrap();
    let offered = wait.state("offered").unwrap();
    assert_eq!(offered["number"], CALLER);
    wait.state("live").unwrap();
    let report = place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)
        .unwrap();
    assert!(report.answered && report.heard.seconds > 1.5, "{report:?}");
    assert!((report.heard.hz.unwrap() - f64::from(OUR_TONE)).abs() < 10.0);
    let end = wait.event("end").unwrap();
    assert!(seconds(&end["heard"]["seconds"]) > 1.5, "{end}");
    assert_eq!(wait.ended().code(), Some(exit::ANSWERED));
    assert_eq!(place.history()[0]["outcome"], "hung_up");
}

#[test]
fn a_caller_who_gives_up_is_missed_within_a_second() {
    let place = Place::signed_in("terminal-missed");
    let mut wait = place.follow(&["wait", "--once"]);
    wait.ready().unwrap();
    let call = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER))
        .unwrap();
    wait.state("offered").unwrap();
    place.line.phones.hang_up(&call.id).unwrap();
    let gave_up = std::time::Instant::now();
    let end = wait.event("end").unwrap();
    assert!(
        gave_up.elapsed() < Duration::from_secs(1),
        "told after {:?}",
        gave_up.elapsed()
    );
    assert_eq!(end["outcome"], "missed");
    assert_eq!(wait.ended().code(), Some(exit::NO_ANSWER));
}

#[test]
fn an_interrupt_while_it_rings_cancels_the_leg() {
    let place = Place::signed_in("terminal-interrupt");
    let mut dial = place.follow(&["dial", "+12125550105"]);
    dial.state("remote_ringing").unwrap();
    dial.process().interrupt().unwrap();
    let end = dial.event("end").unwrap();
    assert_eq!(end["outcome"], "cancelled");
    let report = place
        .line
        .phones
        .latest_with("+12125550105")
        .unwrap()
        .unwrap();
    let report = place
        .line
        .phones
        .wait_until(&report.id, State::Over, Duration::from_secs(3))
        .unwrap();
    assert_eq!(report.ended_by(), Some("desk"), "{report:?}");
    dial.ended();
}

#[test]
fn a_killed_call_is_finished_by_the_next_start_and_its_leg_dropped() {
    let place = Place::signed_in("terminal-kill");
    let mut dial = place.follow(&["dial", "+12125550100"]);
    dial.state("live").unwrap();
    dial.process().kill();
    let report = place
        .line
        .phones
        .latest_with("+12125550100")
        .unwrap()
        .unwrap();
    assert!(!report.over, "a killed desk does not hang up by itself");

    let mut wait = place.follow(&["wait", "--once"]);
    let report = place
        .line
        .phones
        .wait_until(&report.id, State::Over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended_by(), Some("desk"), "{report:?}");
    wait.ready().unwrap();
    wait.process().interrupt().unwrap();
    wait.ended();
    let rows = place.history();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["outcome"], "interrupted", "{}", rows[0]);
    assert!(!rows[0]["ended_at_ms"].is_null());
}

#[test]
fn a_wrong_number_is_answered_with_one_sentence_and_nothing_is_dialled() {
    let place = Place::signed_in("terminal-numbers");
    for bad in ["", "555-CALL", "+1 212 555 0100 0000 0000", "5550100"] {
        let done = place.run(&["dial", bad, "--json"]);
        assert_eq!(done.code, exit::WRONG_USE, "{bad:?}: {done:?}");
        assert!(!done.err.contains("panicked"), "{}", done.err);
    }
    assert!(place.line.phones.calls().unwrap().is_empty());
    assert!(place.history().is_empty());
    assert_eq!(place.run(&["dial"]).code, exit::WRONG_USE);
    assert_eq!(
        place.run(&["dial", "+12125550100", "--for", "soon"]).code,
        exit::WRONG_USE
    );
}

#[test]
fn the_account_is_kept_without_its_secret_and_wrong_ones_are_told() {
    let place = Place::signed_out("terminal-account", LineOptions::default());
    let done = place.run(&["dial", "+12125550100", "--json"]);
    assert_eq!(done.code, exit::NO_LINE, "{done:?}");

    let ready = place.line.ready.clone();
    let wrong = place.sign_in(
        &ready.url,
        &ready.key,
        "a-secret-that-is-not-the-one-of-the-line",
    );
    assert_ne!(wrong.code, 0, "{wrong:?}");
    assert!(
        wrong.err.contains("secret") || wrong.out.contains("secret"),
        "{wrong:?}"
    );
    let done = place.run(&["dial", "+12125550100", "--json"]);
    assert_eq!(done.code, exit::NO_LINE, "{done:?}");

    assert_ne!(
        place
            .sign_in("not an address", &ready.key, &ready.secret)
            .code,
        0
    );
    assert_eq!(place.sign_in(&ready.url, &ready.key, &ready.secret).code, 0);
    let show = place.run(&["account", "show", "--json"]);
    assert!(
        show.out.contains(&ready.url) && !show.out.contains(&ready.secret),
        "{show:?}"
    );
    for entry in walk(place.app.profile()) {
        let bytes = std::fs::read(&entry).unwrap();
        let secret = ready.secret.as_bytes();
        assert!(
            !bytes.windows(secret.len()).any(|w| w == secret),
            "the secret is in {}",
            entry.display()
        );
    }
    assert_eq!(
        place.run(&["dial", "+12125550111", "--json"]).code,
        exit::BUSY
    );
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path))
        } else {
            files.push(path)
        }
    }
    files
}

#[test]
fn without_a_server_the_call_ends_with_a_sentence() {
    let place = Place::with_faults("terminal-no-server");
    if place
        .line
        .phones
        .server(stage::line::ServerFault::Kill)
        .is_err()
    {
        panic!("the line refuses to kill its server");
    }
    let done = place.run(&["dial", "+12125550100", "--json"]);
    assert_eq!(done.code, exit::NO_NETWORK, "{done:?}");
    assert_eq!(done.end()["outcome"], "no_network");
}

#[test]
fn a_server_that_dies_while_it_rings_or_talks_loses_no_row() {
    let place = Place::with_faults("terminal-server-dies");
    let mut dial = place.follow(&["dial", "+12125550100"]);
    dial.state("live").unwrap();
    place
        .line
        .phones
        .server(stage::line::ServerFault::Kill)
        .unwrap();
    dial.event("reconnecting").unwrap();
    place
        .line
        .phones
        .server(stage::line::ServerFault::Start)
        .unwrap();
    dial.event("reconnected").unwrap();
    dial.process().interrupt().unwrap();
    let end = dial.event("end").unwrap();
    assert_eq!(end["outcome"], "hung_up");
    dial.ended();
    assert_eq!(place.history()[0]["outcome"], "hung_up");
}

#[test]
fn a_server_that_restarts_while_a_caller_waits_is_survived() {
    let place = Place::with_faults("terminal-server-rings");
    let mut wait = place.follow(&["wait", "--once"]);
    wait.ready().unwrap();
    let phones = &place.line.phones;
    let call = phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    wait.state("offered").unwrap();
    phones.server(stage::line::ServerFault::Kill).unwrap();
    phones.server(stage::line::ServerFault::Start).unwrap();
    // the caller's leg comes back by itself
    let back = |report: &stage::line::Report| {
        report.over
            || report
                .events
                .iter()
                .any(|event| event.what == "reconnected")
    };
    if !phones.wait_for(&call.id, back, PATIENCE).unwrap().over {
        phones.hang_up(&call.id).unwrap();
    }
    assert_eq!(wait.event("end").unwrap()["outcome"], "missed");
    wait.ended();
    assert_eq!(place.history().len(), 1);
}

#[test]
fn without_sound_the_call_is_not_placed_and_says_what_to_do() {
    let mut place = Place::signed_in("terminal-no-sound");
    place.stage.sound.kill();
    let done = place.run(&["dial", "+12125550100", "--json"]);
    assert_eq!(done.code, exit::NO_SOUND, "{done:?}");
    assert_eq!(done.end()["outcome"], "no_sound");
    assert!(
        place.line.phones.calls().unwrap().is_empty(),
        "nothing was dialled"
    );
    let devices = place.run(&["devices", "--json"]);
    assert!(
        !devices.out.is_empty() && !devices.err.contains("panicked"),
        "{devices:?}"
    );
}

#[test]
fn a_missing_or_altered_engine_is_told_in_one_sentence() {
    let place = Place::signed_in("terminal-engine");
    for (name, content) in [("missing", None), ("altered", Some("not a library"))] {
        let file = place.app.profile().join(format!("{name}.so"));
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let mut command = place.deskline(&["dial", "+12125550100", "--json"]);
        let output = command.env("DESKLINE_ENGINE", &file).output().unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_ne!(output.status.code(), Some(0), "{text}");
        assert!(
            text.to_lowercase().contains("engine") && !text.contains("panicked"),
            "{name}: {text}"
        );
    }
}

/// It would take 10 to 20 ms of each join (ADR 0016).
#[test]
#[cfg(target_os = "linux")]
fn a_call_starts_none_of_the_programs_the_engine_would_ask_what_system_this_is() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::signed_in("terminal-programs");
    let traps = place.app.profile().join("programs");
    std::fs::create_dir(&traps).unwrap();
    for name in ["lsb_release", "getconf", "uname"] {
        let trap = traps.join(name);
        std::fs::write(&trap, "#!/bin/sh\n: > \"$0.was-started\"\n").unwrap();
        std::fs::set_permissions(&trap, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let found_first = std::env::join_paths(
        std::iter::once(traps.clone())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = place.deskline(&["dial", "+12125550107", "--json"]);
    command.env("PATH", found_first.unwrap());
    let done = place.run_in(command, None);
    assert_eq!(done.code, exit::ANSWERED, "{done:?}");
    let started: Vec<_> = std::fs::read_dir(&traps)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .filter(|name| name.to_string_lossy().ends_with(".was-started"))
        .collect();
    assert!(started.is_empty(), "{started:?}");
}

#[test]
fn a_profile_that_cannot_be_used_is_told_in_one_sentence() {
    let place = Place::signed_in("terminal-profile");
    let file = place.app.profile().join("in-the-way");
    std::fs::write(&file, "").unwrap();
    let output = place
        .stage
        .app_command(stage::app_binary())
        .args(["--profile".as_ref(), file.as_os_str(), "history".as_ref()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(
        text.contains("profile") && !text.contains("panicked"),
        "{text}"
    );
}

#[test]
fn ghosts_lost_leaves_and_late_statuses_end_as_they_should() {
    let place = Place::with_line(
        "terminal-ghosts",
        LineOptions {
            tidy: false,
            ..LineOptions::default()
        },
    );
    // the far end is gone although the server still lists it
    let done = place.run(&["dial", "+12125550109", "--json"]);
    assert_eq!(done.end()["outcome"], "far_end_hung_up", "{done:?}");
    // its leg comes back as `dialing` while the call goes on
    let done = place.run(&["dial", "+12125550110", "--for", "6s", "--json"]);
    assert_eq!(done.end()["outcome"], "hung_up", "{done:?}");
    assert!(seconds(&done.end()["duration_s"]) > 5.0);
    // packets stop for 6 s and go on: no end
    let done = place.run(&["dial", "+12125550118", "--for", "11s", "--json"]);
    assert_eq!(done.end()["outcome"], "hung_up", "{done:?}");
    assert!(
        done.json()
            .iter()
            .any(|line| line["event"] == "reconnecting"),
        "the gap was shown: {done:?}"
    );
    // the far end hangs up
    let done = place.run(&["dial", "+12125550107", "--json"]);
    assert_eq!(done.end()["outcome"], "far_end_hung_up", "{done:?}");
}

#[test]
fn devices_are_named_as_a_person_knows_them() {
    let place = Place::signed_in("terminal-devices");
    let done = place.run(&["devices", "--json"]);
    assert_eq!(done.code, 0);
    assert!(
        done.end()["speaker"]
            .as_str()
            .is_some_and(|name| !name.is_empty()),
        "{done:?}"
    );
    assert!(
        done.end()["microphone"]
            .as_str()
            .is_some_and(|name| !name.is_empty()),
        "{done:?}"
    );
}

#[test]
fn two_desks_ring_one_answers_and_the_other_is_told() {
    let place = Place::signed_in("terminal-two-desks");
    let other = place.stage.app("second").unwrap();
    other.sign_in(&place.line.ready).unwrap();
    let mut loser = support::Follow::of(other.terminal(&["wait", "--once"]).unwrap());
    let mut winner = place.follow(&["wait", "--answer-after", "1s", "--for", "2s", "--once"]);
    loser.ready().unwrap();
    winner.ready().unwrap();
    let call = place
        .line
        .phones
        .place_inbound(&Inbound::from(CALLER))
        .unwrap();
    loser.state("offered").unwrap();
    winner.state("live").unwrap();
    let end = loser.event("end").unwrap();
    assert_eq!(end["outcome"], "answered_elsewhere", "{end}");
    loser.ended();
    winner.ended();
    let report = place
        .line
        .phones
        .wait_until(&call.id, State::Over, PATIENCE)
        .unwrap();
    assert!(report.answered);
    let (code, rows) = other.terminal_to_end(&["history"], PATIENCE).unwrap();
    assert_eq!(code, 0);
    assert_eq!(
        rows[0]["missed"],
        json!(false),
        "answered elsewhere is not missed"
    );
    eventually("the room is gone", PATIENCE, || {
        place
            .line
            .phones
            .call(&call.id)
            .ok()
            .filter(|report| report.over)
    });
}
