//! Joining a room and announcing the microphone, through the same door as the phone.

use std::time::Instant;

use anyhow::{Context, Result};
use call::{CallId, Identity, RoomName};
use realtime::{Access, Backend};
use switchboard::{Account, ApiSecret, talk_token};

use crate::{
    journal::{Journal, Measure},
    place::{PATIENCE, Place},
};

static PREPARE: Measure = Measure {
    key: "engine_load_ms",
    name: "engine loaded and checked",
    unit: "ms",
};
static JOIN: Measure = Measure {
    key: "join_ms",
    name: "connect -> joined",
    unit: "ms",
};
static PUBLISH: Measure = Measure {
    key: "publish_ms",
    name: "publish asked -> microphone published",
    unit: "ms",
};
static LEAVE: Measure = Measure {
    key: "leave_ms",
    name: "leave asked -> left",
    unit: "ms",
};

/// `count` rooms, one after the other, each new.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    let backend = Backend::Prebuilt;
    let began = Instant::now();
    backend.prepare().map_err(anyhow::Error::msg)?;
    journal.value(&PREPARE, 1, milliseconds(began));

    let ready = &place.line.ready;
    let account = Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone()))?;
    let desk = Identity::parse("desk-bench")?;
    for run in 1..=count {
        let call = CallId::parse(&format!("bench-{}-{run}", std::process::id()))?;
        let token = talk_token(&account, &RoomName::outbound(&call), &desk, "Bench")?;
        let access = Access::new(account.room_url(), token.expose());
        let outcome = runtime
            .block_on(async { tokio::time::timeout(PATIENCE, room(&backend, &access)).await });
        match outcome.context("it took too long").and_then(|done| done) {
            Ok([join, publish, leave]) => {
                println!("   {run:>2}  join {join:6.1} ms  publish {publish:6.1} ms");
                journal.value(&JOIN, run, join);
                journal.value(&PUBLISH, run, publish);
                journal.value(&LEAVE, run, leave);
            }
            Err(error) => journal.void(&JOIN, run, &format!("{error:#}")),
        }
    }
    Ok(())
}

/// Milliseconds to join, to publish and to leave.
async fn room(backend: &Backend, access: &Access) -> Result<[f64; 3]> {
    let began = Instant::now();
    let joined = backend.connect(access).await?;
    let join = milliseconds(began);
    let began = Instant::now();
    let microphone = joined.connection.publish_microphone().await?;
    let publish = milliseconds(began);
    let began = Instant::now();
    drop(microphone);
    joined.connection.leave().await;
    Ok([join, publish, milliseconds(began)])
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
