//! How a call can fail, code by code, on the demo line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stage::line::{Report, numbers};
use stage::{Listening, RATE};

use crate::desk::{Desk, text};
use crate::scene::{Scene, hears_us, judges_times};

/// How long a phone may ring in these tests.
const RING_FOR: &str = "3s";

/// What is dialled and how it must end: stored reason, exit code, and whether a phone rang.
struct Case {
    what: String,
    number: String,
    reason: &'static str,
    exit: u64,
    rings: bool,
}

/// Written by hand from the issue of each code, not taken from the program.
const CODES: [(u16, &str, u64, bool); 29] = [
    (300, "moved", 40, false),
    (301, "moved", 40, false),
    (302, "moved", 40, false),
    (305, "moved", 40, false),
    (401, "line_password", 40, false),
    (402, "line_unpaid", 40, false),
    (403, "line_forbidden", 40, false),
    (404, "not_in_service", 13, false),
    // a bridge does not tell 407 from 401: both reach the API as a missing password
    (407, "line_password", 40, false),
    (408, "no_reply", 11, true),
    (410, "number_gone", 13, false),
    (415, "media_unknown", 40, false),
    (480, "unavailable", 11, true),
    (481, "line_lost_track", 40, false),
    (484, "number_incomplete", 13, false),
    (486, "busy", 10, true),
    (487, "line_stopped", 40, true),
    (488, "media_refused", 40, false),
    (500, "line_error", 40, false),
    (501, "line_unable", 40, false),
    (502, "line_gateway", 40, false),
    (503, "line_overloaded", 40, false),
    (504, "line_timeout", 40, false),
    (600, "busy_everywhere", 10, true),
    (603, "declined", 12, true),
    (604, "no_such_number", 13, false),
    (606, "media_refused_everywhere", 40, false),
    (607, "unwanted", 12, true),
    (608, "blocked", 40, true),
];

/// What no single code can say.
const OTHERS: [(&str, &str, &str, u64, bool); 7] = [
    ("401 told", numbers::STATUS_401, "line_password", 40, false),
    (
        "407 told",
        numbers::STATUS_407,
        "line_proxy_password",
        40,
        false,
    ),
    ("183, then 486", numbers::EARLY_THEN_BUSY, "busy", 10, true),
    (
        "183, then 404",
        numbers::EARLY_THEN_NOT_FOUND,
        "not_in_service",
        13,
        true,
    ),
    (
        "180 for ever",
        numbers::RINGS_FOR_EVER,
        "no_answer",
        11,
        true,
    ),
    (
        "183 for ever",
        numbers::EARLY_FOR_EVER,
        "no_answer",
        11,
        true,
    ),
    ("neither", numbers::SILENT, "never_rang", 40, false),
];

fn cases() -> Vec<Case> {
    let codes = CODES.iter().map(|(code, reason, exit, rings)| Case {
        what: code.to_string(),
        number: numbers::ending_with(*code).unwrap(),
        reason,
        exit: *exit,
        rings: *rings,
    });
    let others = OTHERS
        .iter()
        .map(|(what, number, reason, exit, rings)| Case {
            what: (*what).to_owned(),
            number: (*number).to_owned(),
            reason,
            exit: *exit,
            rings: *rings,
        });
    codes.chain(others).collect()
}

/// The table of the SIP matrix. Every line is one call.
#[test]
fn every_code_has_its_words_its_reason_its_exit_code_and_stops_the_ringing() {
    let scene = Scene::set();
    let mut desk = Desk::open_with(&scene, "matrix", &["--ring-for", RING_FOR]);
    let ear = Ear::at(scene.ear());
    let mut table = vec![format!(
        "{:<13}  {:<24}  {:>4}  {:>4}  {:>9}  {:<53}  {}",
        "code", "stored reason", "exit", "SIP", "ringback", "words", "what to do next"
    )];
    let mut wrong = Vec::new();
    let mut late = Vec::new();
    let mut headlines = std::collections::BTreeMap::new();
    for case in cases() {
        ear.listening.forget();
        let (tone, end, report) = dial(&scene, &mut desk, &ear, &case);
        let title = text(&end["words"]);
        let advice = text(&end["advice"]);
        table.push(format!(
            "{:<13}  {:<24}  {:>4}  {:>4}  {:>9}  {title:<53}  {advice}",
            case.what,
            text(&end["outcome"]),
            end["exit_code"],
            end["sip_code"]
                .as_u64()
                .map_or("-".to_owned(), |code| code.to_string()),
            match tone {
                Tone::None => "none".to_owned(),
                Tone::StoppedAfter(ms) => format!("{ms} ms"),
                Tone::GoesOn => "GOES ON".to_owned(),
            },
        ));
        let mut expect = |what: &str, fine: bool| {
            if !fine {
                wrong.push(format!("{}: {what}: {end}", case.what));
            }
        };
        expect("the reason", end["outcome"] == case.reason);
        expect("the exit code", end["exit_code"] == case.exit);
        expect("words", !title.is_empty() && !title.contains(&case.what));
        expect("what to do next", !advice.is_empty());
        expect("the phone rang", report.rang == case.rings);
        expect("the ringing stops", !matches!(tone, Tone::GoesOn));
        expect("nobody is left", report.over);
        if let Tone::StoppedAfter(ms) = tone {
            late.push(ms);
        }
        let same = headlines.entry(title).or_insert(case.reason);
        expect("words of its own", *same == case.reason);
    }
    late.sort_unstable();
    println!("\n{}", table.join("\n"));
    println!(
        "\n{} calls; ringback stopped after {} ms (median), {} ms (95 of 100), {} ms (most) of {}\n",
        table.len() - 1,
        late[late.len() / 2],
        late[late.len() * 95 / 100],
        late[late.len() - 1],
        late.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        !judges_times() || late[late.len() * 95 / 100] <= 200,
        "ringback goes on: {late:?} ms"
    );

    let rows = desk.history();
    let stored: Vec<String> = rows.iter().rev().map(|row| text(&row["outcome"])).collect();
    let reasons: Vec<String> = cases().iter().map(|case| case.reason.to_owned()).collect();
    assert_eq!(stored, reasons, "the history keeps every reason");
    for (row, case) in rows.iter().rev().zip(cases()) {
        if let Ok(code) = case.what.parse::<u64>()
            && !matches!(code, 401 | 407)
        {
            assert_eq!(row["sip_code"], code, "the code is kept: {row}");
        }
    }
    desk.close();
    scene.no_leg_left();
}

/// One call to its end: what became of the ringback, the desk's last word, and the phone's report.
fn dial(
    scene: &Scene,
    desk: &mut Desk,
    ear: &Ear,
    case: &Case,
) -> (Tone, serde_json::Value, Report) {
    desk.order(&format!("dial {}", case.number));
    let end = desk.until_said("the end", |line| {
        line["event"] == "end" && line["number"] == case.number.as_str()
    });
    let newest = |report: &Report| report.to == case.number;
    let report = scene
        .phones()
        .wait_for_call(newest, Duration::from_secs(5))
        .unwrap();
    let report = scene.over(&report);
    let over_at = report.started_unix_ms + report.ended.as_ref().unwrap().after_ms;
    (ear.ringback(over_at), end, report)
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    None,
    StoppedAfter(u64),
    GoesOn,
}

/// What is heard at the speaker, by the clock.
struct Ear {
    listening: Listening,
}

impl Ear {
    fn at(listening: Listening) -> Self {
        Self { listening }
    }

    /// What became of the ringback of a call that was over at this time.
    fn ringback(&self, over_unix_ms: u64) -> Tone {
        // long enough after the end that what still plays then does not stop by itself
        let enough = |now: u64| now >= over_unix_ms + 700;
        let heard = self
            .listening
            .wait_until(Duration::from_secs(10), |_| enough(unix_ms()))
            .unwrap();
        let now = unix_ms();
        let length = u64::try_from(heard.duration().as_millis()).unwrap();
        let block = RATE as usize / 25;
        let blocks: Vec<bool> = heard
            .samples()
            .chunks_exact(block)
            .map(is_ringback)
            .collect();
        let Some(last) = blocks.iter().rposition(|ringback| *ringback) else {
            return Tone::None;
        };
        let stopped_at = now - length + 40 * (u64::try_from(last).unwrap() + 1);
        if last + 3 >= blocks.len() {
            return Tone::GoesOn;
        }
        Tone::StoppedAfter(stopped_at.saturating_sub(over_unix_ms))
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// 440 and 480 Hz, and not the 480 and 620 Hz of a busy line.
fn is_ringback(samples: &[f32]) -> bool {
    let rings = level(samples, 440.0).max(level(samples, 480.0));
    rings > 0.004 && level(samples, 620.0) < rings / 3.0
}

/// Amplitude at one frequency (Goertzel).
fn level(samples: &[f32], hz: f32) -> f32 {
    let omega = 2.0 * std::f32::consts::PI * hz / RATE as f32;
    let twice_cos = 2.0 * omega.cos();
    let (mut one, mut two) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (one, two) = (sample + twice_cos * one - two, one);
    }
    let power = one * one + two * two - twice_cos * one * two;
    2.0 * power.max(0.0).sqrt() / samples.len() as f32
}

#[test]
fn early_media_then_an_answer_is_an_ordinary_call() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "early");
    desk.talks_to(numbers::EARLY_THEN_ANSWER);
    let phone = scene.phone(numbers::EARLY_THEN_ANSWER);
    scene.until_heard(&phone, "us", hears_us);
    desk.order("end");
    assert_eq!(desk.until_end(numbers::EARLY_THEN_ANSWER), "hung_up");
    assert_eq!(scene.over(&phone).ended_by(), Some("desk"));
    desk.close();
}

/// We give up in the very moment in which they answer. Whoever is first, nobody is left talking to nobody.
#[test]
fn a_call_cancelled_in_the_moment_of_its_answer_leaves_nobody() {
    let scene = Scene::set();
    let mut desk = Desk::open(&scene, "cancel");
    for number in [
        numbers::ANSWERS_WHEN_CANCELLED,
        numbers::ANSWER_CROSSES_CANCEL,
        numbers::RINGS_FOR_EVER,
    ] {
        desk.order(&format!("dial {number}"));
        desk.until_state(number, "remote_ringing");
        let phone = scene.phone(number);
        desk.order("end");
        let end = desk.until_end(number);
        assert!(
            ["cancelled", "hung_up"].contains(&end.as_str()),
            "{number}: {end}"
        );
        scene.over(&phone);
        assert_eq!(desk.newest_row()["outcome"], end.as_str());
    }
    desk.close();
    scene.no_leg_left();
}
