//! A server of these tests' own, which says what they want it to say.

use std::collections::HashMap;

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::*;

type Served = WebSocketStream<TcpStream>;

const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);

struct Server(TcpListener);

impl Server {
    async fn start() -> (Self, Access) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        (Self(listener), Access::new(url, "eyJfirst"))
    }

    /// The next connection and the token that it brought.
    async fn accept(&self) -> (Served, String) {
        let (stream, _) = self.0.accept().await.unwrap();
        let mut token = String::new();
        #[allow(clippy::result_large_err)] // the library's own form
        let read = |request: &Request, answer: Response| -> Result<Response, ErrorResponse> {
            assert!(request.uri().path() == "/rtc", "{}", request.uri());
            let header = request.headers().get("authorization").unwrap();
            header.to_str().unwrap().clone_into(&mut token);
            Ok(answer)
        };
        let socket = accept_hdr_async(stream, read).await.unwrap();
        (socket, token)
    }

    /// The next connection, answered with these people.
    async fn joined(&self, people: Vec<proto::ParticipantInfo>) -> Served {
        let (mut socket, _) = self.accept().await;
        tell(&mut socket, join(people)).await;
        socket
    }
}

fn join(people: Vec<proto::ParticipantInfo>) -> FromServer {
    FromServer::Join(proto::JoinResponse {
        participant: Some(somebody("me", "PA_me", "")),
        other_participants: people,
        ping_interval: 1,
        ping_timeout: 2,
        ..Default::default()
    })
}

fn somebody(identity: &str, sid: &str, status: &str) -> proto::ParticipantInfo {
    let attributes = match status {
        "" => HashMap::new(),
        status => HashMap::from([("sip.callStatus".to_owned(), status.to_owned())]),
    };
    proto::ParticipantInfo {
        identity: identity.into(),
        sid: sid.into(),
        kind: proto::participant_info::Kind::Sip.into(),
        state: proto::participant_info::State::Active.into(),
        attributes,
        ..Default::default()
    }
}

fn gone(identity: &str, sid: &str, why: proto::DisconnectReason) -> proto::ParticipantInfo {
    proto::ParticipantInfo {
        state: proto::participant_info::State::Disconnected.into(),
        disconnect_reason: why.into(),
        ..somebody(identity, sid, "")
    }
}

async fn tell(socket: &mut Served, message: FromServer) {
    let response = proto::SignalResponse {
        message: Some(message),
    };
    let frame = Message::Binary(response.encode_to_vec().into());
    socket.send(frame).await.unwrap();
}

async fn update(socket: &mut Served, people: Vec<proto::ParticipantInfo>) {
    let participants = people;
    tell(
        socket,
        FromServer::Update(proto::ParticipantUpdate { participants }),
    )
    .await;
}

/// The next thing that is asked of the server; `None`: the connection ended.
async fn asked(socket: &mut Served) -> Option<ToServer> {
    loop {
        match timeout(PATIENCE, socket.next()).await.unwrap()? {
            Ok(Message::Binary(bytes)) => {
                return proto::SignalRequest::decode(bytes).unwrap().message;
            }
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Was goodbye said before the end?
async fn says_goodbye(socket: &mut Served) -> bool {
    while let Some(message) = asked(socket).await {
        if let ToServer::Leave(leave) = message {
            return leave.reason() == proto::DisconnectReason::ClientInitiated;
        }
    }
    false
}

async fn next(events: &mut Events) -> String {
    let event = timeout(PATIENCE, events.recv()).await.expect("no news");
    match event {
        Some(Event::Came(person)) => format!("{} came", person.identity),
        Some(Event::Left { identity, reason }) => format!("{identity} left: {reason:?}"),
        Some(Event::Attributes { identity, changed }) => format!("{identity} {changed:?}"),
        Some(Event::Closed { reason }) => format!("closed: {reason:?}"),
        None => "the end".into(),
        other => panic!("{other:?}"),
    }
}

async fn nobody_there() -> (Served, Joined, Server) {
    let (server, access) = Server::start().await;
    let (joined, socket) = tokio::join!(enter(&access, NEVER), server.joined(Vec::new()));
    (
        socket,
        joined.map_err(|error| error.detail).unwrap(),
        server,
    )
}

#[tokio::test]
async fn who_is_there_comes_changes_and_goes_is_told_once() {
    let (server, access) = Server::start().await;
    let there = vec![
        somebody("me", "PA_me", ""),
        somebody("leg", "PA_1", "ringing"),
    ];
    let (joined, mut socket) = tokio::join!(enter(&access, NEVER), server.joined(there));
    let Ok(mut joined) = joined else {
        panic!("not let in")
    };
    let [(leg, _)] = &joined.present[..] else {
        panic!("{:?}", joined.present)
    };
    assert_eq!(
        (leg.identity.as_str(), leg.kind),
        ("leg", ParticipantKind::Sip)
    );
    assert_eq!(joined.connection.identity(), "me");
    // Nonsense, what we do not know and what is about ourselves is no news.
    socket
        .send(Message::Binary(vec![0xff; 9].into()))
        .await
        .unwrap();
    socket.send(Message::Text("hello".into())).await.unwrap();
    tell(&mut socket, FromServer::Pong(1)).await;
    update(&mut socket, vec![somebody("me", "PA_me", "x")]).await;
    update(&mut socket, vec![somebody("leg", "PA_1", "ringing")]).await;
    update(
        &mut socket,
        vec![gone("bob", "PA_2", proto::DisconnectReason::RoomClosed)],
    )
    .await;
    update(
        &mut socket,
        vec![
            somebody("leg", "PA_1", "active"),
            somebody("bob", "PA_3", ""),
        ],
    )
    .await;
    let events = &mut joined.events;
    assert_eq!(next(events).await, r#"leg {"sip.callStatus": "active"}"#);
    assert_eq!(next(events).await, "bob came");
    update(&mut socket, vec![somebody("leg", "PA_1", "")]).await;
    assert_eq!(next(events).await, r#"leg {"sip.callStatus": ""}"#);
    // Back over another connection; the end of the former is old news then.
    update(&mut socket, vec![somebody("leg", "PA_4", "active")]).await;
    update(
        &mut socket,
        vec![gone(
            "leg",
            "PA_1",
            proto::DisconnectReason::ClientInitiated,
        )],
    )
    .await;
    update(
        &mut socket,
        vec![gone("leg", "PA_4", proto::DisconnectReason::UserRejected)],
    )
    .await;
    assert_eq!(next(events).await, "leg left: Unknown");
    assert_eq!(next(events).await, "leg came");
    assert_eq!(next(events).await, "leg left: UserRejected");
    let ended = proto::LeaveRequest {
        reason: proto::DisconnectReason::RoomDeleted.into(),
        ..Default::default()
    };
    tell(&mut socket, FromServer::Leave(ended)).await;
    assert_eq!(next(events).await, "closed: RoomDeleted");
    assert_eq!(next(events).await, "the end");
    joined.connection.leave().await;
}

#[tokio::test]
async fn the_room_is_entered_anew_in_time_and_nothing_is_missed_meanwhile() {
    let (server, access) = Server::start().await;
    let renewing = Duration::from_millis(100);
    let first = vec![
        somebody("leg", "PA_1", "ringing"),
        somebody("bob", "PA_2", ""),
    ];
    let entering = async {
        let joined = enter(&access, renewing).await;
        joined.map_err(|error| error.detail).unwrap()
    };
    let (mut joined, mut old) = tokio::join!(entering, server.joined(first));
    tell(&mut old, FromServer::RefreshToken("eyJsecond".into())).await;
    let (mut socket, token) = server.accept().await;
    assert_eq!(token, "Bearer eyJsecond");
    let now = vec![
        somebody("leg", "PA_1", "active"),
        somebody("eve", "PA_3", ""),
    ];
    tell(&mut socket, join(now)).await;
    let events = &mut joined.events;
    assert_eq!(next(events).await, "bob left: Unknown");
    assert_eq!(next(events).await, r#"leg {"sip.callStatus": "active"}"#);
    assert_eq!(next(events).await, "eve came");
    update(&mut socket, vec![somebody("leg", "PA_1", "hangup")]).await;
    assert_eq!(next(events).await, r#"leg {"sip.callStatus": "hangup"}"#);
}

#[tokio::test]
async fn leaving_and_dropping_say_goodbye() {
    let (mut socket, mut joined, _server) = nobody_there().await;
    let leaving = joined.connection.clone();
    let (said, ()) = tokio::join!(says_goodbye(&mut socket), leaving.leave());
    assert!(said, "a leave without a word");
    assert_eq!(next(&mut joined.events).await, "the end");
    joined.connection.leave().await; // again is no harm

    let (mut socket, joined, _server) = nobody_there().await;
    drop(joined);
    assert!(says_goodbye(&mut socket).await, "dropped without a word");
}

#[tokio::test]
async fn a_watch_asks_for_nothing_but_signs_of_life() {
    let (mut socket, joined, _server) = nobody_there().await;
    assert!(joined.connection.publish_microphone().await.is_err());
    assert!(joined.connection.set_attribute("a", "b").await.is_err());
    assert!(joined.connection.send_data(b"x", "y").await.is_err());
    for _ in 0..2 {
        let asked = asked(&mut socket).await;
        assert!(matches!(asked, Some(ToServer::PingReq(_))), "{asked:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_silent_or_away_ends_the_watch() {
    let (socket, mut joined, _server) = nobody_there().await;
    assert_eq!(next(&mut joined.events).await, "closed: Unknown", "silent");
    drop(socket);
    let (socket, mut joined, _server) = nobody_there().await;
    drop(socket);
    assert_eq!(next(&mut joined.events).await, "closed: Unknown", "away");
}

#[tokio::test]
async fn whoever_does_not_let_us_in_is_told_apart_and_no_token_is_shown() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let says = |status: &str| {
        let body = "invalid token: eyJfirst";
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (answer, why) in [
        (says("401 Unauthorized"), JoinFailure::Refused),
        (says("403 Forbidden"), JoinFailure::Refused),
        (says("429 Too Many Requests"), JoinFailure::ServerBusy),
        (says("503 Service Unavailable"), JoinFailure::ServerBusy),
        (says("200 OK"), JoinFailure::Unreachable),
        (says("302 Found"), JoinFailure::Unreachable),
        ("what is this\r\n\r\n".to_owned(), JoinFailure::Unreachable),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: eyJwrong\r\n\r\n"
                .to_owned(),
            JoinFailure::Unreachable,
        ),
    ] {
        let (server, access) = Server::start().await;
        let answering = async {
            let (mut stream, _) = server.0.accept().await.unwrap();
            let _request = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _end = stream.read(&mut [0; 64]).await;
        };
        let entering = timeout(PATIENCE, enter(&access, NEVER));
        let refused = tokio::select! {
            entered = entering => entered.unwrap().err().unwrap(),
            never = async { answering.await; std::future::pending().await } => never,
        };
        assert_eq!(refused.why, why, "{answer}: {refused:?}");
        assert!(!refused.detail.contains("eyJ"), "{refused:?}");
    }
    // A conversation that does not begin with the join answer.
    let (server, access) = Server::start().await;
    let serving = async {
        let (mut socket, _) = server.accept().await;
        tell(&mut socket, FromServer::Pong(1)).await;
        socket
    };
    let (refused, _socket) = tokio::join!(enter(&access, NEVER), serving);
    assert_eq!(refused.err().unwrap().why, JoinFailure::Unreachable);
    // Nobody there at all.
    drop(server);
    let refused = enter(&access, NEVER).await.err().unwrap();
    assert_eq!(refused.why, JoinFailure::Unreachable);
}

#[test]
fn addresses_are_those_of_a_web_client() {
    for (url, address) in [
        ("ws://host:7880/", "http://host:7880"),
        ("wss://a.example", "https://a.example"),
        ("https://a.example/", "https://a.example"),
        ("http://wss", "http://wss"),
    ] {
        assert_eq!(super::address(url), address);
    }
}
