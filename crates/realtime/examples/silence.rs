//! How long is a call silent when the engine goes down with its process, and what would a process of its own cost?
//! Needs the engine and the demo line (`make setup`). The figures are in `docs/perf.md`.
//!
//!     cargo run -p realtime --example silence
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use call::input::RoomFact;
use call::media::{FRAME_SAMPLES, Frame};
use call::output::{LegCommand, RoomCommand};
use call::{CallId, Identity, Input, Link, Role, RoomName};
use livekit_engine::{Hearer, Room, RoomOptions};
use realtime::{Access, Backend, JoinRefused, RoomPort, TokenSource, media};
use stage::{Line, LineOptions};
use switchboard::{Account, ApiSecret, Options, Token, talk_token};
use tokio::sync::{mpsc, watch};

const ROUNDS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(30);
/// Says which part a process of this program plays.
const PART: &str = "SILENCE_PART";
const FRAME_BYTES: usize = 2 * FRAME_SAMPLES;

fn main() {
    match std::env::var(PART).as_deref() {
        Ok("talk") => talk(),
        Ok("echo") => echo(),
        Ok("abuse") => abuse(),
        _ => measure(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn play(part: &str, words: &[&str]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(PART, part)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    for word in words {
        writeln!(stdin, "{word}").unwrap();
    }
    child
}

/// The words that [`play`] was given.
fn words<const N: usize>() -> [String; N] {
    let mut lines = std::io::stdin().lines();
    std::array::from_fn(|_| lines.next().unwrap().unwrap())
}

fn whistle(position: &mut u32) -> Frame {
    std::array::from_fn(|_| {
        let angle = std::f64::consts::TAU * 1000.0 * f64::from(*position) / 48_000.0;
        *position = (*position + 1) % 48_000;
        (6000.0 * angle.sin()) as i16
    })
}

/// Goes into a room and talks until killed; says when it hears something.
fn talk() {
    let [url, token, room, attempt] = words();
    let tokens: TokenSource = Arc::new(move |_| {
        let access = Access::new(url.clone(), token.clone());
        Box::pin(async move { Ok::<_, JoinRefused>(access) })
    });
    runtime().block_on(async move {
        let (media, mut microphone, mut far) = media();
        let (commands, receiver) = mpsc::channel(64);
        let (sender, mut facts) = mpsc::channel(64);
        RoomPort::new(Backend::Prebuilt, tokens, "silence", media).spawn(receiver, sender);
        let link = link(attempt.parse().unwrap());
        let send = async |command| commands.send(command).await.unwrap();
        let room = RoomName::parse(&room).unwrap();
        send(RoomCommand::Join {
            link: link.clone(),
            room,
        })
        .await;
        send(RoomCommand::PublishMicrophone { link: link.clone() }).await;
        send(RoomCommand::Listen { link }).await;
        let mut clock = tokio::time::interval(Duration::from_millis(10));
        let mut position = 0;
        let mut told = false;
        loop {
            tokio::select! {
                _ = clock.tick() => {
                    microphone.push(&whistle(&mut position));
                }
                fact = facts.recv() => if let Some(Input::Room { fact: RoomFact::JoinFailed { detail, .. }, .. }) = fact {
                    panic!("{detail}");
                },
            }
            while let Ok(frame) = far.pop() {
                if !told && frame.iter().any(|sample| sample.unsigned_abs() > 1000) {
                    println!("heard");
                    told = true;
                }
            }
        }
    });
}

fn link(attempt: u32) -> Link {
    Link {
        call: CallId::parse("silence").unwrap(),
        role: Role::Talk,
        attempt,
    }
}

/// Gives back every frame.
fn echo() {
    let (mut from, mut to) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frame = [0; FRAME_BYTES];
    while from.read_exact(&mut frame).is_ok() {
        to.write_all(&frame).unwrap();
        to.flush().unwrap();
    }
}

/// Asks the engine for everything this house asks for, with values at and beyond every limit, also of what is gone.
fn abuse() {
    let [url, token, other] = words();
    runtime().block_on(async move {
        let options = RoomOptions::default();
        let soon = Duration::from_millis(20);
        let mut asked = 0_u64;
        for bad in [
            "",
            "ws://",
            "ws://127.0.0.1:0",
            "wss://127.0.0.1:1/%00",
            "ws://[::1]:99999",
            "ws://a..b",
        ] {
            let _refused = Room::connect(bad, &other, &options).await.err().unwrap();
            asked += 1;
        }
        for bad in ["x", "a.b.c", "eyJ.eyJ.x", &"a".repeat(16 * 1024)] {
            let _refused = Room::connect(&url, bad, &options).await.err().unwrap();
            asked += 1;
        }
        let (room, mut events, _) = Room::connect(&url, &token, &options).await.unwrap();
        let long = "w".repeat(64);
        let wide = "\u{202e}\u{1F600}".repeat(30);
        let texts = [
            "", "1", "12#w", &long, &wide, "TR_x", "%s%n", "\0", "{}", "null",
        ];
        let mut gone = Vec::new();
        for round in 0..40 {
            let microphone = room.publish_microphone(texts[round % texts.len()]).await;
            for text in texts {
                for size in [0, 1, 1200, 15 * 1024, 15 * 1024 + 1] {
                    let _any = room.publish_data(&vec![7; size], text, &[text]).await;
                    asked += 1;
                }
                let _any = room.publish_dtmf(text, &[text]).await;
                let _any = tokio::time::timeout(soon, room.set_attributes(&[(text, &wide)])).await;
                let _any = room.perform_rpc(text, text, text, soon).await;
                let hearer = Hearer {
                    identity: text.to_owned(),
                    tracks: vec![text.to_owned(), "TR_none".to_owned()],
                };
                let _any = room.allow_hearing(Some(&vec![hearer; round * 7]));
                let _any = room.allow_hearing(None);
                let _any = room.session_stats().await;
                asked += 6;
            }
            if let Ok(microphone) = microphone {
                for level in [0, i16::MIN, i16::MAX, 1] {
                    let _any = microphone.source().push(&[level; 480]);
                    let _any = microphone.set_muted(level == 0);
                    asked += 2;
                }
                gone.push(microphone.source());
            }
            while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, events.recv()).await {}
        }
        room.disconnect().await.unwrap();
        for source in gone {
            let _any = source.push(&[1; 480]);
            asked += 1;
        }
        let _gone = room.publish_microphone("x").await.err();
        let _gone = room.session_stats().await.err();
        let _gone = room.allow_hearing(None).err();
        println!("{}", asked + 3);
    });
}

fn figures(name: &str, mut times: Vec<Duration>) {
    times.sort();
    println!(
        "{name}: median {:.2?}, worst {:.2?} of {}",
        times[times.len() / 2],
        times[times.len() - 1],
        times.len()
    );
}

fn token(account: &Account, room: &RoomName, attempt: u32) -> Token {
    let identity = Identity::desk("silence", &link(attempt));
    talk_token(account, room, &identity, "Desk").unwrap()
}

fn measure() {
    let mut line = Line::start(LineOptions::default()).unwrap();
    let ready = line.ready.clone();
    let account =
        Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone())).unwrap();
    let url = account.room_url().to_owned();
    let call = CallId::parse("silence").unwrap();
    let (room, leg) = (RoomName::outbound(&call), Identity::leg(&call));
    let start = |attempt: u32| {
        let token = token(&account, &room, attempt);
        let words = [&*url, token.expose(), room.as_str(), &attempt.to_string()];
        play("talk", &words)
    };
    let heard = |child: &mut Child| {
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said, "heard\n");
    };

    let tasks = runtime();
    let _inside = tasks.enter();
    let (legs, commands) = mpsc::channel(4);
    let (facts, mut answers) = mpsc::channel(16);
    let (_keep, account_seen) = watch::channel(Some(account.clone()));
    let options = Options::polling("silence".into(), Duration::from_secs(60));
    switchboard::spawn(commands, facts, account_seen, options);
    tasks.spawn(async move { while answers.recv().await.is_some() {} });

    let mut talking = start(1);
    legs.blocking_send(LegCommand::Place {
        call,
        room: room.clone(),
        leg: leg.clone(),
        to: "+12125550100".into(),
        line: None,
        caller_id: None,
        ring_for: PATIENCE,
    })
    .unwrap();
    heard(&mut talking);
    let phone = line
        .phones
        .wait_for_call(|call| call.identity == leg.as_str(), PATIENCE)
        .unwrap();
    let memory = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", talking.id()));
    for wanted in memory
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("Pss:"))
    {
        println!("a process with engine and one call: {wanted}");
    }

    let (mut here, mut there) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        talking.kill().unwrap();
        let dead = Instant::now();
        talking.wait().unwrap();
        let mut next = start(round as u32 + 2);
        heard(&mut next);
        here.push(dead.elapsed());
        // What the dead one had sent is played out by then.
        line.phones.forget_heard(&phone.id).unwrap();
        line.phones
            .wait_for(&phone.id, |call| call.heard.seconds >= 0.1, PATIENCE)
            .unwrap();
        there.push(dead.elapsed());
        talking = next;
    }
    figures("killed and started again, until we hear", here);
    figures(
        "killed and started again, until we are heard, at most",
        there,
    );
    talking.kill().unwrap();
    talking.wait().unwrap();

    let mut echo = play("echo", &[]);
    let (mut to, mut from) = (echo.stdin.take().unwrap(), echo.stdout.take().unwrap());
    let mut frame = [1; FRAME_BYTES];
    let mut trips = Vec::new();
    for _ in 0..500 {
        std::thread::sleep(Duration::from_millis(10));
        let sent = Instant::now();
        to.write_all(&frame).unwrap();
        from.read_exact(&mut frame).unwrap();
        trips.push(sent.elapsed());
    }
    figures("a frame to another process and back", trips);
    drop((to, from));
    echo.wait().unwrap();

    let (good, other) = (token(&account, &room, 100), token(&account, &room, 101));
    let abuse = play("abuse", &[&*url, good.expose(), other.expose()]);
    let output = abuse.wait_with_output().unwrap();
    println!(
        "requests at and beyond every limit: {}, the engine {}",
        String::from_utf8_lossy(&output.stdout).trim(),
        if output.status.success() {
            "lives"
        } else {
            "took its process down"
        }
    );
    line.stop();
}
