//! What is kept of a room that is left while its caller rings on, and how long entering one takes: by the engine, and by
//! signalling alone. Needs the engine and the demo line (`make setup`), and Linux, which counts. The figures are in ADR 0024
//! and ADR 0025.
//!
//!     cargo run -p realtime --example leaving [Talk|Engine|Signalling]
//!     cargo run -p realtime --example leaving Stays      does a watch outlive the minute after which the server puts it out?
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::fs;
use std::time::{Duration, Instant};

use call::{Identity, RoomName};
use realtime::{Access, Backend};
use stage::line::State;
use stage::{Inbound, Line, LineOptions};
use switchboard::{Account, ApiSecret, talk_token, watch_token};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(20);
const WARM_UP: usize = 5;
const CALLERS: usize = 20;
/// Until the news of everybody is there.
const STAYS: Duration = Duration::from_millis(200);
/// Longer than the server lets anybody be who brings no media, and than the watch waits to enter anew.
const STAYS_LONG: Duration = Duration::from_secs(100);
/// How long the engine may take to close what it closes.
const SETTLES: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// A visible join by the engine, as a desk that loses a claim.
    Talk,
    /// The same while a watch by the engine is there, too.
    TalkBesideEngine,
    /// A hidden join by the engine.
    Engine,
    /// A hidden join by signalling alone.
    Signalling,
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    Backend::Prebuilt.prepare().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let line = Line::start(LineOptions {
        child: true,
        ..LineOptions::default()
    });
    let line = line.unwrap();
    if asked.first().is_some_and(|asked| asked == "Stays") {
        return runtime.block_on(stays(&line));
    }
    println!(
        "{CALLERS} callers each              kept, each   threads more   joining: median    p95"
    );
    for way in [
        Way::Signalling,
        Way::Talk,
        Way::TalkBesideEngine,
        Way::Engine,
    ] {
        let name = format!("{way:?}");
        if asked.is_empty() || asked.contains(&name) {
            runtime.block_on(measure(&line, way));
        }
    }
}

async fn measure(line: &Line, way: Way) {
    let ready = &line.ready;
    let account = Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone()));
    let account = account.unwrap();
    let mut took = Vec::new();
    let mut before = (0.0, 0);
    for caller in 0..WARM_UP + CALLERS {
        if caller == WARM_UP {
            sleep(SETTLES).await;
            before = held();
        }
        let joined = one(line, &account, way, caller).await;
        if caller >= WARM_UP {
            took.push(joined.as_secs_f64() * 1e3);
        }
    }
    sleep(SETTLES).await;
    let after = held();
    took.sort_by(f64::total_cmp);
    println!(
        "   {:<28} {:7.3} MB   {:12}   {:12.1} ms {:6.1} ms",
        format!("{way:?}"),
        (after.0 - before.0) / CALLERS as f64,
        after.1 as i64 - before.1 as i64,
        took.get(CALLERS / 2).unwrap(),
        took.get(CALLERS * 95 / 100).unwrap(),
    );
}

/// A watch that is there for longer than the server suffers, and still sees the caller go.
async fn stays(line: &Line) {
    let (id, room) = ring(line);
    let ready = &line.ready;
    let account = Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone()));
    let account = account.unwrap();
    let identity = Identity::parse("desk-watch-1").unwrap();
    let token = watch_token(&account, &room, &identity, "Probe").unwrap();
    let access = Access::new(account.room_url(), token.expose());
    let mut joined = Backend::Prebuilt.watch(&access).await.unwrap();
    let began = Instant::now();
    let hang_up = async {
        sleep(STAYS_LONG).await;
        tokio::task::block_in_place(|| line.phones.hang_up(&id)).unwrap();
        sleep(SETTLES).await;
    };
    tokio::pin!(hang_up);
    loop {
        tokio::select! {
            event = joined.events.recv() => {
                println!("   after {:4.1} s: {event:?}", began.elapsed().as_secs_f64());
                if event.is_none() {
                    return;
                }
            }
            () = &mut hang_up => return,
        }
    }
}

/// A caller who rings: their call and room.
fn ring(line: &Line) -> (String, RoomName) {
    let place = || {
        let caller = line.phones.place_inbound(&Inbound::from("+13125550142"))?;
        line.phones.wait_until(&caller.id, State::Ringing, PATIENCE)
    };
    let caller = tokio::task::block_in_place(place).unwrap();
    (caller.id, RoomName::parse(&caller.room).unwrap())
}

/// One caller who rings, is joined, left, and hangs up: how long joining took.
async fn one(line: &Line, account: &Account, way: Way, number: usize) -> Duration {
    let (id, room) = ring(line);
    let who = |what: &str| Identity::parse(&format!("desk-{what}-{number}")).unwrap();
    let hidden = watch_token(account, &room, &who("watch"), "Probe").unwrap();
    let hidden = Access::new(account.room_url(), hidden.expose());
    let seen = talk_token(account, &room, &who("talk"), "Probe").unwrap();
    let seen = Access::new(account.room_url(), seen.expose());
    let engine = Backend::Prebuilt;
    let beside = match way {
        Way::TalkBesideEngine => Some(engine.connect(&hidden).await.unwrap()),
        Way::Talk | Way::Engine | Way::Signalling => None,
    };
    let began = Instant::now();
    let joined = match way {
        Way::Talk | Way::TalkBesideEngine => engine.connect(&seen).await,
        Way::Engine => engine.connect(&hidden).await,
        Way::Signalling => engine.watch(&hidden).await,
    };
    let took = began.elapsed();
    let joined = joined.unwrap();
    assert!(!joined.present.is_empty(), "the caller is not there");
    sleep(STAYS).await;
    joined.connection.leave().await;
    drop(joined);
    if let Some(beside) = beside {
        beside.connection.leave().await;
    }
    let hang_up = || line.phones.hang_up(&id);
    tokio::task::block_in_place(hang_up).unwrap();
    took
}

/// Megabytes of memory that are ours alone, and threads.
fn held() -> (f64, usize) {
    let smaps = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let pss = smaps.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = pss.unwrap().split_whitespace().next().unwrap();
    let threads = fs::read_dir("/proc/self/task").unwrap().count();
    (kib.parse::<f64>().unwrap() / 1024.0, threads)
}
