//! The worker against a server that does what no server should.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

mod support;

use std::time::Duration;

use call::Input;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use proto::server_message::Message as FromServer;
use proto::worker_message::Message as ToServer;
use support::{Desk, PATIENCE};
use switchboard::{Account, ApiSecret, Refusal, Source, WatcherNews, Watchers, WorkerOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

type Socket = WebSocketStream<TcpStream>;

/// The next worker that connects; whatever else asks for something is sent away.
async fn next_worker(listener: &TcpListener) -> Socket {
    let connected = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(socket) = accept_async(stream).await {
                return socket;
            }
        }
    };
    tokio::time::timeout(PATIENCE, connected)
        .await
        .expect("no worker connects")
}

async fn said(socket: &mut Socket) -> ToServer {
    let message = tokio::time::timeout(PATIENCE, socket.next())
        .await
        .expect("the worker says nothing");
    let bytes = message.unwrap().unwrap().into_data();
    proto::WorkerMessage::decode(bytes)
        .unwrap()
        .message
        .unwrap()
}

async fn say(socket: &mut Socket, message: FromServer) {
    let message = proto::ServerMessage {
        message: Some(message),
    };
    let frame = Message::Binary(message.encode_to_vec().into());
    socket.send(frame).await.unwrap();
}

fn job(id: &str, room: &str, kind: i32) -> proto::Job {
    proto::Job {
        id: id.into(),
        room: Some(proto::Room {
            name: room.into(),
            ..Default::default()
        }),
        participant: Some(proto::ParticipantInfo {
            identity: "somebody\u{202e}".into(),
            kind,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn desk_at(listener: &TcpListener) -> Desk {
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let secret = "a-secret-of-at-least-thirty-two-characters";
    let account = Account::new(&url, "key", ApiSecret::new(secret.into())).unwrap();
    Desk::watching(
        Some(account),
        Watchers {
            poll: Duration::from_secs(600),
            webhook: None,
            worker: Some(WorkerOptions {
                agent_name: "front-desk".into(),
            }),
        },
    )
}

async fn lost(desk: &mut Desk) -> String {
    desk.news("the end of a registration", |news| match news {
        WatcherNews::NotRegistered { what } => Some(what.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_is_refused_and_garbage_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut desk = desk_at(&listener);
    let mut socket = next_worker(&listener).await;
    let ToServer::Register(registration) = said(&mut socket).await else {
        panic!("not registered")
    };
    assert_eq!(registration.agent_name, "front-desk");
    assert_eq!(registration.r#type(), proto::JobType::JtParticipant);
    let rights = registration.allowed_permissions.unwrap();
    assert!(rights.hidden && !rights.can_publish && !rights.can_subscribe);
    // Garbage before, between and after what is right.
    for garbage in [
        Message::Binary(vec![0xff; 100].into()),
        Message::Text("{}".into()),
        Message::Binary(Vec::new().into()),
    ] {
        socket.send(garbage).await.unwrap();
    }
    say(
        &mut socket,
        FromServer::Register(proto::RegisterWorkerResponse::default()),
    )
    .await;
    for (id, room, kind) in [
        ("J1", "inbound-a", 3),
        ("J2", "inbound-a", 0),
        ("J3", "meeting", 3),
        ("J4", "inbound-\u{0}", 3),
        ("J5", "", 99),
    ] {
        say(
            &mut socket,
            FromServer::Availability(proto::AvailabilityRequest {
                job: Some(job(id, room, kind)),
                resuming: false,
            }),
        )
        .await;
        let ToServer::Availability(answer) = said(&mut socket).await else {
            panic!("no answer")
        };
        assert_eq!((answer.job_id.as_str(), answer.available), (id, false));
    }
    say(
        &mut socket,
        FromServer::Availability(proto::AvailabilityRequest::default()),
    )
    .await;
    assert!(matches!(said(&mut socket).await, ToServer::Availability(answer) if !answer.available));
    // What was never asked for.
    say(
        &mut socket,
        FromServer::Assignment(proto::JobAssignment {
            job: Some(job("J1", "inbound-a", 3)),
            url: Some("ws://elsewhere.example".into()),
            token: "a-token-that-must-not-get-out".into(),
        }),
    )
    .await;
    let mut told = Vec::new();
    while told.len() < 9 {
        let of = |news: &WatcherNews| match news {
            WatcherNews::Received(_)
            | WatcherNews::Refused { .. }
            | WatcherNews::Registered { .. } => Some(news.clone()),
            _ => None,
        };
        told.push(desk.news("what was told", of).await);
    }
    let refused: Vec<_> = told
        .iter()
        .filter_map(|news| match news {
            WatcherNews::Refused { source, why, count } => Some((*source, *why, *count)),
            _ => None,
        })
        .collect();
    assert_eq!(
        refused,
        [
            (Source::Worker, Refusal::Garbage, 1),
            (Source::Worker, Refusal::Garbage, 2)
        ]
    );
    assert!(!format!("{told:?}").contains("must-not-get-out"));

    // A message without an end.
    let huge = Message::Binary(vec![0; 3 << 20].into());
    let _ = socket.send(huge).await;
    let what = lost(&mut desk).await;
    assert!(what.contains("the connection broke"), "{what}");
    // It comes back, and once more when it is asked to.
    let mut socket = next_worker(&listener).await;
    assert!(matches!(said(&mut socket).await, ToServer::Register(_)));
    say(
        &mut socket,
        FromServer::Register(proto::RegisterWorkerResponse::default()),
    )
    .await;
    say(&mut socket, FromServer::GoAway(Default::default())).await;
    let what = lost(&mut desk).await;
    assert!(what.contains("connect anew"), "{what}");
    let mut socket = next_worker(&listener).await;
    assert!(matches!(said(&mut socket).await, ToServer::Register(_)));
    assert!(
        !desk
            .aside
            .iter()
            .any(|input| matches!(input, Input::Watch(_))),
        "nothing rings: {:?}",
        desk.aside
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_livekit_is_told_and_tried_again() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut desk = desk_at(&listener);
    let foreign = tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let length = peer.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            // Says yes to a WebSocket, but not as one who knows what that is.
            let answer = if text.starts_with("GET /agent") {
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n"
            } else {
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            };
            let _ = peer.write_all(answer.as_bytes()).await;
        }
    });
    let what = lost(&mut desk).await;
    assert!(what.contains("is not LiveKit"), "{what}");
    desk.end().await;
    foreign.abort();
}
