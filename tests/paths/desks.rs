//! Several desks and one caller: who answers, who is told, who rings again.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::Value;
use stage::line::ServerFault;
use stage::{Environment, Inbound};

use crate::desk::{Desk, app, text};
use crate::in_call::CALLER;
use crate::scene::{Scene, hears_us, judges_times};
use crate::support::{PATIENCE, eventually};

/// Two desks that both ring for a caller.
fn two(scene: &Scene) -> (Desk, Desk) {
    (Desk::open(scene, "Ada"), Desk::open(scene, "Ben"))
}

fn both_ring(scene: &Scene, desks: [&mut Desk; 2]) -> stage::line::Report {
    let caller = scene.ring(&Inbound::from(CALLER).says("tone:700"));
    for desk in desks {
        desk.until_state(CALLER, "offered");
    }
    caller
}

fn is_answering(view: &Value, name: &str) -> Option<()> {
    let call = crate::desk::call(view, CALLER)?;
    (text(&call["words"]) == format!("{name} is answering")).then_some(())
}

/// Rings aloud: offered, and neither silent nor somebody else's.
fn rings(view: &Value) -> Option<()> {
    let call = crate::desk::call(view, CALLER)?;
    let claimed = text(&call["words"]).ends_with("is answering");
    (call["state"] == "offered" && call["silenced"] == false && !claimed).then_some(())
}

#[test]
fn one_desk_answers_and_the_other_says_who() {
    let scene = Scene::set();
    let (mut ada, mut ben) = two(&scene);
    let caller = both_ring(&scene, [&mut ada, &mut ben]);
    ada.order("answer");
    ada.until("it is claimed", |view| {
        let state = text(&crate::desk::call(view, CALLER)?["state"]);
        ["answering", "live"]
            .contains(&state.as_str())
            .then_some(())
    });
    let won = ada.at_ms;
    // in this order, or only the second when both are told at once
    ben.until("the other is told", |view| {
        is_answering(view, "Ada").or_else(|| {
            let call = crate::desk::call(view, CALLER)?;
            (call["end"]["reason"] == "answered_elsewhere").then_some(())
        })
    });
    let told = ben.at_ms.saturating_sub(won);
    println!("the other desk was told {told} ms after the claim was won");
    assert!(told < 1_000, "told after {told} ms");
    assert_eq!(ben.until_end(CALLER), "answered_elsewhere");
    let shown = ben.view.to_string();
    assert!(shown.contains("Answered by Ada"), "{shown}");
    scene.until_heard(&caller, "us", hears_us);
    let row = ben.newest_row();
    assert_eq!(
        (
            text(&row["words"]),
            row["missed"].clone(),
            text(&row["details"]["answered_by"])
        ),
        ("Answered by Ada".into(), false.into(), "Ada".into()),
        "{row}"
    );
    ada.order("end");
    ada.until_end(CALLER);
    scene.over(&caller);
    ada.close();
    ben.close();
}

/// A sound server that takes every connection and says nothing: whoever needs it waits.
struct Mute {
    _socket: UnixListener,
    environment: Environment,
    _folder: tempfile::TempDir,
}

impl Mute {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = UnixListener::bind(&path).unwrap();
        Self {
            environment: Environment::new()
                .with("PULSE_SERVER", format!("unix:{}", path.display())),
            _socket: socket,
            _folder: folder,
        }
    }
}

/// Who claimed a caller and does not answer is believed for 3 s at most; sooner where the server sees it leave.
fn rings_again(ben: &mut Desk, name: &str) {
    ben.until("it is claimed", |view| is_answering(view, name));
    let claimed = ben.at_ms;
    ben.until("it rings here again", rings);
    let after = Duration::from_millis(ben.at_ms.saturating_sub(claimed));
    println!(
        "it rang again {:.1} s after the claim of {name}",
        after.as_secs_f32()
    );
    assert!(
        after < Duration::from_secs(6),
        "it rang again after {after:?}"
    );
}

#[test]
fn a_winner_that_crashes_or_has_no_sound_gives_the_caller_back() {
    let scene = Scene::set();
    // has no sound at all
    let deaf = Environment::new().with("PULSE_SERVER", "unix:/nonexistent/socket");
    let mut ada = Desk::start(app(&scene, "Ada", deaf), &[]);
    ada.is_ready();
    let mut ben = Desk::open(&scene, "Ben");
    let caller = both_ring(&scene, [&mut ada, &mut ben]);
    ada.order("answer");
    ada.until_said("why not", |line| line["event"] == "notice");
    ada.until_state(CALLER, "offered"); // may try again
    ben.until("it rings here still or again", rings);
    assert!(!scene.phones().call(&caller.id).unwrap().answered);
    ada.kill();

    // wins and never gets its devices, then crashes
    let mute = Mute::new();
    let mut cid = Desk::start(app(&scene, "Cid", mute.environment.clone()), &[]);
    cid.is_ready();
    cid.until_state(CALLER, "offered");
    cid.order("answer");
    ben.until("Cid is answering", |view| is_answering(view, "Cid"));
    cid.kill();
    rings_again(&mut ben, "Cid");
    assert!(!scene.phones().call(&caller.id).unwrap().answered);
    ben.answers(CALLER);
    scene.until_heard(&caller, "us", hears_us);
    ben.order("end");
    assert_eq!(ben.until_end(CALLER), "hung_up");
    scene.over(&caller);
    ben.close();
}

#[test]
fn one_desk_declines_for_itself_and_the_last_one_for_the_caller() {
    let scene = Scene::set();
    let (mut ada, mut ben) = two(&scene);
    let caller = both_ring(&scene, [&mut ada, &mut ben]);
    ada.until_call(CALLER, "the other is seen", |call| {
        call["decline_effect"] == "only_here"
    });
    ada.order("decline");
    assert_eq!(ada.until_end(CALLER), "declined_here");
    ben.until_call(CALLER, "it is the last one", |call| {
        call["decline_effect"] == "ends_for_caller"
    });
    assert!(
        !scene.phones().call(&caller.id).unwrap().over,
        "it rings on"
    );
    ben.until("it rings here still", rings);
    ben.order("decline");
    assert_eq!(ben.until_end(CALLER), "declined_here");
    let over = scene.over(&caller);
    assert_eq!(
        (over.ended_by(), over.ended.as_ref().unwrap().code),
        (Some("desk"), Some(486))
    );
    ada.close();
    ben.close();
}

/// Who is not to be disturbed is shown a caller and does not ring: the last desk that rings is the last one.
#[test]
fn a_quiet_desk_does_not_count_among_those_that_ring() {
    let scene = Scene::set();
    let (mut ada, mut ben) = two(&scene);
    ben.order("dnd");
    ben.until("it is said", |view| {
        (view["availability"]["state"] == "do_not_disturb").then_some(())
    });
    let caller = both_ring(&scene, [&mut ada, &mut ben]);
    ben.until_call(CALLER, "it is quiet", |call| call["quiet"] == true);
    ada.until_call(CALLER, "it is the last one", |call| {
        call["decline_effect"] == "ends_for_caller"
    });
    ada.order("decline");
    assert_eq!(ada.until_end(CALLER), "declined_here");
    let over = scene.over(&caller);
    assert_eq!(
        (over.ended_by(), over.ended.as_ref().unwrap().code),
        (Some("desk"), Some(486)),
        "the caller hears busy"
    );
    assert_eq!(ben.until_end(CALLER), "missed");
    ada.close();
    ben.close();
}

#[test]
fn silence_a_caller_who_gives_up_a_time_limit_and_a_room_that_vanishes() {
    let scene = Scene::set();
    let ear = scene.ear();
    let (mut ada, mut ben) = two(&scene);
    let caller = both_ring(&scene, [&mut ada, &mut ben]);
    ear.wait_until(PATIENCE, |heard| {
        heard.last(Duration::from_millis(500)).loud() > Duration::from_millis(200)
    })
    .expect("it rings");
    for desk in [&mut ada, &mut ben] {
        desk.order("silence");
        desk.until_call(CALLER, "it is silent", |call| call["silenced"] == true);
    }
    ear.wait_for_silence(Duration::from_millis(2_500), PATIENCE)
        .unwrap();
    assert!(
        !scene.phones().call(&caller.id).unwrap().over,
        "the caller notices nothing"
    );
    scene.phones().hang_up(&caller.id).unwrap();
    for desk in [&mut ada, &mut ben] {
        assert_eq!(desk.until_end(CALLER), "missed");
        assert_eq!(desk.newest_row()["missed"], true);
    }

    // the trunk ends the ringing when nobody answers in time: no status, no cancel
    let limit = Duration::from_secs(2);
    scene.phones().limit_ringing(Some(limit)).unwrap();
    let waiting = scene.ring(&Inbound::from("+13125550143"));
    for desk in [&mut ada, &mut ben] {
        assert_eq!(desk.until_end("+13125550143"), "missed");
    }
    let over = scene.over(&waiting);
    assert_eq!(
        (over.ended_by(), over.ended.as_ref().unwrap().code),
        (Some("timeout"), Some(486))
    );
    scene.phones().limit_ringing(None).unwrap();

    let vanishing = scene.ring(&Inbound::from("+13125550144"));
    for desk in [&mut ada, &mut ben] {
        desk.until_state("+13125550144", "offered");
    }
    scene.phones().vanish(&vanishing.id).unwrap();
    for desk in [&mut ada, &mut ben] {
        assert_eq!(desk.until_end("+13125550144"), "missed");
    }
    ada.close();
    ben.close();
}

/// Asleep while somebody called and gave up: awake again, it shows a missed call and does not ring.
#[test]
fn a_desk_that_slept_through_the_end_of_a_call_wakes_to_a_missed_one() {
    let scene = Scene::set();
    let ear = scene.ear();
    let mut ada = Desk::open(&scene, "Ada");
    let caller = scene.ring(&Inbound::from(CALLER));
    ada.until_state(CALLER, "offered");
    ada.signal("STOP");
    scene.phones().hang_up(&caller.id).unwrap();
    scene.over(&caller);
    ear.wait_for_silence(Duration::from_millis(500), PATIENCE)
        .unwrap();
    ada.signal("CONT");
    assert_eq!(ada.until_end(CALLER), "missed");
    ada.close();
}

/// Both press Answer in the same moment, again and again: one of them has the caller each time, and both know who.
#[test]
fn two_desks_race_for_a_caller_and_exactly_one_has_it() {
    let rounds = std::env::var("DESKLINE_RACES").map_or(5, |rounds| rounds.parse().unwrap());
    let seed = 4;
    let scene = Scene::set();
    let (mut ada, mut ben) = two(&scene);
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut one_each, mut ada_won) = (0, 0);
    let mut told = Vec::new();
    for round in 0..rounds {
        let number = format!("+1312555{:04}", 100 + round % 100);
        let caller = scene.ring(&Inbound::from(&number).says("tone:700"));
        for desk in [&mut ada, &mut ben] {
            desk.until_call(&number, "it rings", |call| call["state"] == "offered");
        }
        let apart = Duration::from_micros(dice.u64(0..8_000));
        let (one, other) = if dice.bool() {
            (&mut ada, &mut ben)
        } else {
            (&mut ben, &mut ada)
        };
        one.order("answer");
        std::thread::sleep(apart); // the second finger is slower
        other.order("answer");
        // the first that each of them knows: that it has the caller, or that the other has; and when
        let knows = |desk: &mut Desk| {
            let won = desk.until("it is known who has it", |view| {
                let call = crate::desk::call(view, &number)?;
                let words = text(&call["words"]);
                match (call["state"].as_str()?, call["end"]["reason"].as_str()) {
                    ("answering" | "live", _) => Some(true),
                    ("ended", Some("answered_elsewhere")) => Some(false),
                    ("offered", _) if words.ends_with("is answering") => Some(false),
                    _ => None,
                }
            });
            (won, desk.at_ms)
        };
        let (first, second) = (knows(&mut ada), knows(&mut ben));
        match (first, second) {
            ((true, won), (false, heard)) | ((false, heard), (true, won)) => {
                told.push(heard.saturating_sub(won));
            }
            _ => panic!("round {round}: who has it? {first:?} {second:?}"),
        }
        let mut outcomes = Vec::new();
        for desk in [&mut ada, &mut ben] {
            outcomes.push(desk.until("it is over for one of them", |view| {
                let call = crate::desk::call(view, &number)?;
                match (call["state"].as_str(), call["end"]["reason"].as_str()) {
                    (Some("live"), _) => Some(true),
                    (Some("ended"), Some("answered_elsewhere")) => Some(false),
                    _ => None,
                }
            }));
        }
        let report = scene
            .phones()
            .wait_for(&caller.id, |report| report.heard.packets > 0, PATIENCE)
            .unwrap();
        let speakers = report.heard.sources.len();
        assert_eq!(speakers, 1, "round {round}: one microphone: {report:?}");
        assert_eq!(
            outcomes.iter().filter(|won| **won).count(),
            1,
            "round {round}: {outcomes:?}"
        );
        one_each += 1;
        ada_won += u32::from(outcomes[0]);
        let winner = if outcomes[0] { &mut ada } else { &mut ben };
        winner.order("end");
        assert_eq!(winner.until_end(&number), "hung_up");
        scene.over(&caller);
    }
    println!(
        "two desks, {rounds} callers, seed {seed}: exactly one answered {one_each}/{rounds} (Ada {ada_won})"
    );
    told.sort_unstable();
    let of = |share: usize| told[(told.len() * share / 100).min(told.len() - 1)];
    println!(
        "the loser knew {} ms after the claim was won (median), {} ms (95 of 100), {} ms (most)",
        of(50),
        of(95),
        of(100)
    );
    assert!(
        !judges_times() || of(50) <= 300,
        "the loser knew late: {told:?} ms"
    );
    for desk in [&ada, &ben] {
        let rows = eventually("every row is closed", PATIENCE, || {
            let rows = desk.history();
            rows.iter()
                .all(|row| row["outcome"] != "open")
                .then_some(rows)
        });
        assert_eq!(rows.len(), usize::try_from(rounds).unwrap());
    }
    ada.close();
    ben.close();
    scene.no_leg_left();
}

/// What takes long.
mod slow {
    use super::*;

    /// Wins and cannot answer: without devices it gives the claim back by itself, and hanging it is not believed for long.
    #[test]
    fn a_winner_that_cannot_answer_gives_the_caller_back() {
        let scene = Scene::set();
        let mute = Mute::new();
        let mut cid = Desk::start(app(&scene, "Cid", mute.environment.clone()), &[]);
        cid.is_ready();
        let mut ben = Desk::open(&scene, "Ben");
        let caller = both_ring(&scene, [&mut cid, &mut ben]);
        cid.order("answer");
        ben.until("Cid is answering", |view| is_answering(view, "Cid"));
        let claimed = ben.at_ms;
        cid.until_said("why not", |line| line["event"] == "notice");
        cid.until_state(CALLER, "offered");
        ben.until("it rings here again", rings);
        let after = ben.at_ms.saturating_sub(claimed);
        println!("given back: it rang again {after} ms after the claim");
        assert!(after < 6_000, "it rang again after {after} ms");

        // hangs with the claim in its hand, for longer than it may have it
        cid.order("answer");
        ben.until("Cid is answering", |view| is_answering(view, "Cid"));
        cid.signal("STOP");
        rings_again(&mut ben, "Cid");
        ben.watch_for(Duration::from_secs(12));
        assert!(rings(&ben.view).is_some(), "it rings on: {:#}", ben.view);
        cid.signal("CONT");
        cid.until_state(CALLER, "offered");
        assert!(!scene.phones().call(&caller.id).unwrap().answered);
        ben.answers(CALLER);
        scene.until_heard(&caller, "us", hears_us);
        assert_eq!(cid.until_end(CALLER), "answered_elsewhere");
        ben.order("end");
        assert_eq!(ben.until_end(CALLER), "hung_up");
        scene.over(&caller);
        ben.close();
        cid.kill(); // its sound server never lets it go
    }

    /// Who has waited for more than a minute rings only if they still wait; who is gone never rings.
    #[test]
    fn a_room_older_than_a_minute_rings_only_while_somebody_waits_in_it() {
        let scene = Scene::set();
        let begun = Instant::now();
        let caller = scene.ring(&Inbound::from(CALLER));
        std::thread::sleep(Duration::from_secs(62).saturating_sub(begun.elapsed())); // age itself is what is tested
        let mut ada = Desk::open(&scene, "Ada");
        ada.until_state(CALLER, "offered");
        ada.order("silence");
        scene.phones().hang_up(&caller.id).unwrap();
        assert_eq!(ada.until_end(CALLER), "missed");

        // asleep for the whole of another call, and a restarted server on top
        ada.signal("STOP");
        let unseen = scene.ring(&Inbound::from("+13125550143"));
        scene.phones().hang_up(&unseen.id).unwrap();
        scene.over(&unseen);
        scene.phones().server(ServerFault::Restart).unwrap();
        ada.signal("CONT");
        ada.is_ready();
        ada.watch_for(Duration::from_secs(3));
        assert!(
            crate::desk::call(&ada.view, "+13125550143").is_none(),
            "{:#}",
            ada.view
        );
        ada.close();
    }
}
