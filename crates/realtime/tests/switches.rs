//! The switches of the server in this process do what their names say: a fake that cannot misbehave proves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

use std::time::Duration;

use call::input::{JoinFailure, RoomFact};
use call::output::RoomCommand;
use call::{CallId, Identity, Input, Link, Role, RoomName};
use realtime::backend::memory::{Server, Switches};
use realtime::backend::{Connection, Event, Events};
use realtime::{Backend, RoomPort, media};
use tokio::sync::mpsc;
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

/// What the facts of a private talk come to when events are repeated or swapped.
async fn audience_with(switches: Switches) -> Vec<RoomFact> {
    let server = Server::new();
    let (media, _microphone, _far) = media();
    let (commands, receiver) = mpsc::channel(16);
    let (sender, mut facts) = mpsc::channel(256);
    let tokens = server.tokens();
    let port = RoomPort::new(Backend::Memory(server.clone()), tokens, "maria", media);
    let port = port.spawn(receiver, sender);
    let (link, room) = (link(), RoomName::parse("room").unwrap());
    let leg = Identity::parse("leg").unwrap();
    let _phone = server.place(&room, &leg);
    server.set(switches);
    let send = async |command| commands.send(command).await.unwrap();
    send(RoomCommand::Join {
        link: link.clone(),
        room: room.clone(),
    })
    .await;
    send(RoomCommand::PublishMicrophone { link: link.clone() }).await;
    let mut said = Vec::new();
    let mut others = 0;
    while said.len() < 2 {
        let Ok(Some(Input::Room { fact, .. })) = timeout(SOON, facts.recv()).await else {
            panic!("nothing more comes after {said:?}");
        };
        match fact {
            RoomFact::Published | RoomFact::PublishFailed { .. } => {
                // Others come and tracks get new names while it is arranged.
                send(RoomCommand::SetAudience {
                    link: link.clone(),
                    only: Some(leg.clone()),
                })
                .await;
                others += 1;
                let _late =
                    server.place(&room, &Identity::parse(&format!("late{others}")).unwrap());
                server.crash_and_recover();
                send(RoomCommand::SetAudience {
                    link: link.clone(),
                    only: None,
                })
                .await;
            }
            RoomFact::AudienceSet | RoomFact::AudienceFailed { .. } => said.push(fact),
            _other => {}
        }
    }
    std::mem::drop(commands);
    while let Some(Input::Room { fact, .. }) = facts.recv().await {
        if matches!(
            fact,
            RoomFact::AudienceSet | RoomFact::AudienceFailed { .. }
        ) {
            said.push(fact);
        }
    }
    port.await.unwrap();
    said
}

fn link() -> Link {
    Link {
        call: CallId::parse("switches").unwrap(),
        role: Role::Talk,
        attempt: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn every_audience_is_answered_once_whatever_becomes_of_the_news() {
    let set = [RoomFact::AudienceSet, RoomFact::AudienceSet];
    let on = |change: fn(&mut Switches)| {
        let mut switches = Switches::default();
        change(&mut switches);
        switches
    };
    for switches in [
        on(|_| {}),
        on(|s| s.duplicate = true),
        on(|s| s.reorder = true),
        on(|s| s.drop = 100),
        on(|s| s.delay = Duration::from_secs(2)),
    ] {
        assert_eq!(audience_with(switches.clone()).await, set, "{switches:?}");
    }
    let refused = audience_with(on(|s| s.refuse_requests = true)).await;
    assert_eq!(refused.len(), 2);
    let is_refused = |fact: &RoomFact| matches!(fact, RoomFact::AudienceFailed { .. });
    assert!(refused.iter().all(is_refused), "{refused:?}");
}
