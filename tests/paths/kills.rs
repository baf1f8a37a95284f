//! Killed without warning, again and again, in the middle of days full of calls: whatever was shown is in the history and
//! closed, and no phone is left up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use stage::{Environment, Inbound};

use crate::desk::{Desk, app, text};
use crate::scene::Scene;
use crate::support::{PATIENCE, eventually};

/// The longest that a desk lives. Its start alone takes some 300 ms of it.
const LIFE_MS: u64 = 2_600;
const SEED: u64 = 20_040;

/// What happens on a day: so many ms after the start, somebody calls in or an order is typed.
enum Event {
    Call,
    Order(&'static str),
}

/// Days as they are: an order that fits nothing at its moment is answered with a sentence.
fn days() -> Vec<Vec<(u64, Event)>> {
    use Event::{Call, Order};
    vec![
        vec![
            (200, Order("dial +12125550177")),
            (900, Order("mute")),
            (1_200, Order("keys 12#")),
            (1_700, Order("end")),
        ],
        vec![
            (250, Order("dial +12125550105")),
            (1_500, Order("end")),
            (1_800, Order("redial")),
        ],
        vec![
            (100, Call),
            (900, Order("answer")),
            (1_500, Order("hold")),
            (1_900, Order("resume")),
            (2_200, Order("end")),
        ],
        vec![
            (100, Call),
            (1_000, Order("decline")),
            (1_300, Call),
            (2_000, Order("answer")),
        ],
        vec![
            (200, Order("dial +12125550177")),
            (700, Call),
            (1_400, Order("answer")),
            (1_900, Order("swap")),
            (2_300, Order("end")),
        ],
        vec![
            (200, Order("dial +12125550177")),
            (900, Order("add +13125550177")),
            (1_600, Order("leave")),
        ],
        vec![
            (200, Order("dial +12125550177")),
            (900, Order("ask +13125550177")),
            (1_600, Order("merge")),
            (2_000, Order("end")),
        ],
        vec![
            (200, Order("dial +12125550177")),
            (1_000, Order("transfer +12125550102")),
        ],
        vec![
            (200, Order("dial +14045550186")),
            (1_900, Order("dial +14045550104")),
        ],
        // a call of the day before is still up
        vec![
            (400, Order("rejoin")),
            (1_200, Order("hold")),
            (1_600, Order("end")),
        ],
        vec![
            (400, Order("end")),
            (900, Call),
            (1_500, Order("answer end")),
        ],
    ]
}

#[test]
fn killed_at_any_moment_no_row_is_lost_or_left_open_and_no_phone_left_up() {
    let kills: u32 = std::env::var("DESKLINE_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let scene = Scene::set();
    let quick = json!({ "ring_after_ms": 50, "answer_after_ms": 150, "says": "tone:440" });
    scene.phones().set_number("77", &quick).unwrap();
    let began = Instant::now();
    let app = app(&scene, "kills", Environment::new());
    let before = scene.phones().calls().unwrap().len();
    let mut dice = Rng::with_seed(SEED);
    let mut shown = BTreeSet::new();
    let mut states = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..kills {
        let day = dice.choice(days()).unwrap();
        let until = Duration::from_millis(dice.u64(0..LIFE_MS));
        let mut desk = Desk::start(app.clone(), &[]);
        let started = Instant::now();
        for (at_ms, event) in day {
            let at = Duration::from_millis(at_ms);
            if at >= until {
                break;
            }
            desk.watch_for(at.saturating_sub(started.elapsed()));
            match event {
                Event::Call => {
                    let number = format!("+1312555{:04}", dice.u32(100..200));
                    let gives_up = Duration::from_secs(4);
                    scene.ring(&Inbound::from(number).gives_up_after(gives_up));
                }
                Event::Order(order) => desk.try_order(order),
            }
        }
        desk.watch_for(until.saturating_sub(started.elapsed()));
        desk.kill();
        desk.watch_for(PATIENCE); // what it said before it died
        let last = desk.view["calls"].as_array().map_or(&[][..], Vec::as_slice);
        let killed_in = last.iter().rev().map(|call| text(&call["state"])).next();
        *states
            .entry(killed_in.unwrap_or_else(|| "no call".into()))
            .or_default() += 1;
        shown.extend(desk.shown().iter().cloned());
    }

    // one more start puts everything in order
    let mut desk = Desk::start(app, &[]);
    desk.is_ready();
    let mut reported = Vec::new(); // who is left is only seen in the output of a run that failed
    eventually(
        "nobody is on the phone any more",
        Duration::from_secs(60),
        || {
            desk.watch_for(Duration::from_millis(300));
            let calls = desk.view["calls"].as_array()?.clone();
            let open: Vec<&Value> = calls
                .iter()
                .filter(|call| call["state"] != "ended")
                .collect();
            for call in &open {
                if ["stranded", "handed_over"].contains(&text(&call["state"]).as_str()) {
                    desk.try_order(&format!("end @{}", text(&call["id"])));
                }
            }
            let phones = scene.phones().calls().unwrap();
            let left: Vec<_> = phones.iter().filter(|call| !call.over).collect();
            let names: Vec<&String> = left.iter().map(|call| &call.id).collect();
            if !left.is_empty() && names.iter().copied().ne(&reported) {
                println!("{} calls open here; phones up: {left:#?}", open.len());
                reported = left.iter().map(|call| call.id.clone()).collect();
            }
            (open.is_empty() && left.is_empty()).then_some(())
        },
    );
    shown.extend(desk.shown().iter().cloned());
    let rows = eventually("every row is closed", PATIENCE, || {
        let rows = desk.history();
        let open = |row: &Value| row["outcome"] == "open" || row["ended_at_ms"].is_null();
        (!rows.iter().any(open)).then_some(rows)
    });
    desk.close();

    let kept: BTreeSet<String> = rows.iter().map(|row| text(&row["id"])).collect();
    let lost: Vec<&String> = shown.difference(&kept).collect();
    let calls = scene.phones().calls().unwrap();
    let placed = calls.len() - before;
    let unknown: Vec<&String> = calls
        .iter()
        .take(placed)
        .filter(|call| call.room.starts_with("outbound-"))
        .filter(|call| !kept.iter().any(|id| call.room.ends_with(id)))
        .map(|call| &call.room)
        .collect();
    println!(
        "killed {kills} times (seed {SEED}) within {} s: {} calls shown, {placed} phones, {} rows; 0 open, 0 phones left, {} rows lost",
        began.elapsed().as_secs(),
        shown.len(),
        rows.len(),
        lost.len() + unknown.len(),
    );
    println!("killed while the newest call was: {states:?}");
    assert!(lost.is_empty(), "shown, and not in the history: {lost:?}");
    assert!(
        unknown.is_empty(),
        "dialled, and not in the history: {unknown:?}"
    );
}
