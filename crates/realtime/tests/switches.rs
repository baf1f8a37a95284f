//! The switches of the server in this process do what their names say: a fake that cannot misbehave proves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use call::input::JoinFailure;
use call::{Identity, Role, RoomName};
use realtime::Backend;
use realtime::backend::memory::{Server, Switches};
use realtime::backend::{Connection, Event, Events};
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(60);

async fn enter(server: &Server, name: &str) -> (Connection, Events) {
    let room = RoomName::parse("room").unwrap();
    let access = server.access(&room, &Identity::parse(name).unwrap(), Role::Talk);
    let joined = Backend::Memory(server.clone())
        .connect(&access)
        .await
        .unwrap();
    (joined.connection, joined.events)
}

/// The topics of the packets that arrive until one says `end`.
async fn topics(events: &mut Events) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        match timeout(SOON, events.recv())
            .await
            .expect("nothing more comes")
        {
            Some(Event::Data { topic, .. }) if topic == "end" => return found,
            Some(Event::Data { topic, .. }) => found.push(topic),
            Some(_) => {}
            None => panic!("the room ended"),
        }
    }
}

/// Sends a, b, c, d with `switches` on and gives what arrives.
async fn arrives(switches: Switches) -> Vec<String> {
    let server = Server::new();
    let (_reader, mut events) = enter(&server, "reader").await;
    let (writer, _) = enter(&server, "writer").await;
    let first = events.recv().await;
    assert!(matches!(first, Some(Event::Came(_))));
    server.set(switches);
    for topic in ["a", "b", "c", "d", "end", "end"] {
        writer.send_data(&[], topic).await.unwrap();
    }
    topics(&mut events).await
}

#[tokio::test(start_paused = true)]
async fn off() {
    assert_eq!(arrives(Switches::default()).await, ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn drop() {
    let switches = Switches {
        drop: 2,
        ..Switches::default()
    };
    assert_eq!(arrives(switches).await, ["c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn duplicate() {
    let switches = Switches {
        duplicate: true,
        ..Switches::default()
    };
    assert_eq!(
        arrives(switches).await,
        ["a", "a", "b", "b", "c", "c", "d", "d"]
    );
}

#[tokio::test(start_paused = true)]
async fn reorder() {
    let switches = Switches {
        reorder: true,
        ..Switches::default()
    };
    assert_eq!(arrives(switches).await, ["b", "a", "d", "c"]);
}

#[tokio::test(start_paused = true)]
async fn delay() {
    let started = Instant::now();
    let switches = Switches {
        delay: Duration::from_secs(3),
        ..Switches::default()
    };
    assert_eq!(arrives(switches).await, ["a", "b", "c", "d"]);
    assert!(started.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn refuse() {
    let server = Server::new();
    server.set(Switches {
        refuse: Some(JoinFailure::ServerBusy),
        ..Switches::default()
    });
    let room = RoomName::parse("room").unwrap();
    let access = server.access(&room, &Identity::parse("a").unwrap(), Role::Talk);
    let refused = Backend::Memory(server)
        .connect(&access)
        .await
        .err()
        .expect("a refusal");
    assert_eq!(refused.why, JoinFailure::ServerBusy);
}

#[tokio::test(start_paused = true)]
async fn refuse_requests() {
    let server = Server::new();
    let (desk, _events) = enter(&server, "a").await;
    server.set(Switches {
        refuse_requests: true,
        ..Switches::default()
    });
    assert!(desk.publish_microphone().await.is_err());
    assert!(desk.set_hearers(None).await.is_err());
    server.set(Switches::default());
    assert!(desk.publish_microphone().await.is_ok());
    assert!(desk.set_hearers(None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn delay_of_requests() {
    let server = Server::new();
    let (desk, _events) = enter(&server, "a").await;
    server.set(Switches {
        delay: Duration::from_secs(3),
        ..Switches::default()
    });
    let started = Instant::now();
    desk.publish_microphone().await.unwrap();
    desk.set_hearers(None).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(6));
}
