//! What many desks cost the server: requests, and its processor time, without a caller, with one who rings and is followed by
//! looks, and with hidden joins on top.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use call::{Identity, RoomName};
use realtime::backend::Joined;
use realtime::{Access, Backend};
use serde_json::json;
use stage::{Inbound, Line, LineOptions};
use switchboard::{Account, ApiSecret, Watchers, watch_token};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    journal::Journal,
    usage::Usage,
    watchers::{Desk, account},
};

/// How many desks watch the same project.
const DESKS: [usize; 4] = [1, 5, 50, 200];
/// The chosen pause between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// Not measured: the beginning of a state.
const SETTLES: Duration = Duration::from_secs(2);
/// Measured.
const STRETCH: Duration = Duration::from_secs(10);
/// All hidden joins together.
const TO_JOIN: Duration = Duration::from_secs(90);
/// Hidden joins at a time.
const AT_ONCE: usize = 10;

/// What one state cost the server.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Percent of one core.
    processor: f64,
    /// MB.
    memory: f64,
    /// Requests a second: lists of rooms, and looks into rooms.
    lists: f64,
    looks: f64,
}

/// All numbers of desks; the table.
pub(crate) fn measure(journal: &mut Journal) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    Backend::Prebuilt.prepare().map_err(anyhow::Error::msg)?;
    let mut table = format!(
        "\n{:>5}  {:<34} {:>10} {:>8} {:>10} {:>10}\n",
        "desks", "state", "server %", "MB", "lists/s", "looks/s"
    );
    for count in DESKS {
        let line = Line::start(LineOptions {
            child: true,
            ..LineOptions::default()
        })?;
        let server = server_of_the_line().context("the server of the line is not found")?;
        runtime.block_on(some(&line, server, count, journal, &mut table))?;
    }
    Ok(table)
}

async fn some(
    line: &Line,
    server: u32,
    count: usize,
    journal: &mut Journal,
    table: &mut String,
) -> Result<()> {
    let counter = Counter::start(&line.ready.url).await?;
    let direct = account(line)?;
    let counted = Account::new(
        &counter.url,
        &line.ready.key,
        ApiSecret::new(line.ready.secret.clone()),
    )?;
    let mut row = |state: &str, cost: Cost, more: serde_json::Value| {
        let text = format!(
            "{count:>5}  {state:<34} {:>10.1} {:>8.0} {:>10.1} {:>10.1}\n",
            cost.processor, cost.memory, cost.lists, cost.looks
        );
        print!("   {text}");
        table.push_str(&text);
        journal.write(&json!({
            "kind": "desks", "desks": count, "state": state, "server_cpu_percent": cost.processor,
            "server_pss_mb": cost.memory, "lists_per_second": cost.lists, "looks_per_second": cost.looks, "more": more,
        }));
    };
    if count == 1 {
        row(
            "nobody watches",
            stretch(server, &counter).await?,
            json!({}),
        );
    }
    let mut desks = Vec::new();
    for _ in 0..count {
        let watchers = Watchers {
            poll: PERIOD,
            ..Watchers::default()
        };
        desks.push(Desk::start(counted.clone(), watchers));
        // Their looks are spread over the period, as those of desks that were started at any time.
        tokio::time::sleep(PERIOD / u32::try_from(count).unwrap_or(1)).await;
    }
    for desk in &mut desks {
        desk.ready().await?;
    }
    row("no call", stretch(server, &counter).await?, json!({}));

    let caller = line.phones.place_inbound(&Inbound::from("+13125550142"))?;
    let mut room = None;
    for desk in &mut desks {
        room = Some(desk.offer().await?.room);
    }
    let room = room.context("no desk")?;
    row(
        "one rings, looks",
        stretch(server, &counter).await?,
        json!({}),
    );

    let before = Usage::of(server)?.processor;
    let joined = join_all(&direct, &room, count).await;
    let joins = (Usage::of(server)?.processor - before) * 1e3;
    let state = format!("one rings, looks + {} hidden", joined.len());
    let cost = stretch(server, &counter).await?;
    let each = joins / (joined.len().max(1) as f64);
    row(
        &state,
        cost,
        json!({ "hidden": joined.len(), "server_cpu_ms_each_join": each }),
    );
    let text = format!(
        "{:>5}  server's processor time for a hidden join: {each:.0} ms each\n",
        ""
    );
    print!("   {text}");
    table.push_str(&text);
    for one in joined {
        one.connection.leave().await;
    }
    line.phones.hang_up(&caller.id)?;
    Ok(())
}

/// Hidden joins of as many desks as get in within the time.
async fn join_all(account: &Account, room: &RoomName, count: usize) -> Vec<Joined> {
    let mut joined = Vec::new();
    let all = async {
        let mut joining = JoinSet::new();
        for number in 0..count {
            if joining.len() >= AT_ONCE
                && let Some(Ok(Some(one))) = joining.join_next().await
            {
                joined.push(one);
            }
            let (account, room) = (account.clone(), room.clone());
            joining.spawn(async move {
                let desk = Identity::parse(&format!("watch-{number}-1")).ok()?;
                let token = watch_token(&account, &room, &desk, "Bench").ok()?;
                let access = Access::new(account.room_url(), token.expose());
                Backend::Prebuilt.watch(&access).await.ok()
            });
        }
        while let Some(one) = joining.join_next().await {
            joined.extend(one.ok().flatten());
        }
    };
    if tokio::time::timeout(TO_JOIN, all).await.is_err() {
        println!(
            "   not all of {count} hidden joins were in after {} s",
            TO_JOIN.as_secs()
        );
    }
    joined
}

async fn stretch(server: u32, counter: &Counter) -> Result<Cost> {
    tokio::time::sleep(SETTLES).await;
    let (before, asked) = (Usage::of(server)?, counter.counts());
    let began = tokio::time::Instant::now();
    tokio::time::sleep(STRETCH).await;
    let (after, now_asked) = (Usage::of(server)?, counter.counts());
    let seconds = began.elapsed().as_secs_f64();
    let rate = |method: &str| {
        let of = |counts: &BTreeMap<String, u64>| counts.get(method).copied().unwrap_or(0);
        (of(&now_asked) - of(&asked)) as f64 / seconds
    };
    Ok(Cost {
        processor: 100.0 * (after.processor - before.processor) / seconds,
        memory: after.memory,
        lists: rate("RoomService/ListRooms"),
        looks: rate("RoomService/ListParticipants"),
    })
}

/// The demo line runs the server as a child of the same program.
fn server_of_the_line() -> Option<u32> {
    let program = fs::canonicalize(stage::line::binary()).ok()?;
    let is_line = |pid: u32| {
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe: PathBuf| exe == program)
    };
    crate::usage::descendants_of(std::process::id())
        .into_iter()
        .find(|(pid, parent)| is_line(*pid) && is_line(*parent))
        .map(|(pid, _)| pid)
}

/// Passes connections on to the server and counts the requests by method.
struct Counter {
    url: String,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    _task: JoinSet<()>,
}

impl Counter {
    async fn start(server: &str) -> Result<Self> {
        let server = server.split_once("://").context("no address")?.1.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let counts = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let counted = counts.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((desk, _)) = listener.accept().await {
                connections.spawn(pass(desk, server.clone(), counted.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            url,
            counts,
            _task: task,
        })
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn pass(desk: TcpStream, server: String, counts: Arc<Mutex<BTreeMap<String, u64>>>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&desk, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (mut from_desk, mut to_desk) = desk.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(length @ 1..) = from_desk.read(&mut buffer).await {
            let piece = buffer.get(..length).unwrap_or_default();
            if let Some(method) = method(piece) {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                *counts.entry(method).or_default() += 1;
            }
            if to_server.write_all(piece).await.is_err() {
                break;
            }
        }
    };
    let back = tokio::io::copy(&mut from_server, &mut to_desk);
    tokio::select! {
        () = there => {}
        _ = back => {}
    }
}

/// The method of a request, if one begins here; the client writes each in one piece.
fn method(piece: &[u8]) -> Option<String> {
    let path = piece.strip_prefix(b"POST /twirp/livekit.")?;
    let end = path.iter().position(|byte| *byte == b' ')?;
    Some(String::from_utf8_lossy(path.get(..end)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_by_method_and_bodies_are_none() {
        let request = b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(method(request).as_deref(), Some("RoomService/ListRooms"));
        assert_eq!(method(b"\n\x04inbound"), None);
        assert_eq!(method(b"POST /twirp/livekit."), None);
    }
}
