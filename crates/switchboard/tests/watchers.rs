//! Learning of callers by push, against a real server: webhooks and jobs, late, twice, in the wrong order, forged and hostile.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use call::Input;
use call::input::WatchFact;
use serde_json::{Value, json};
use stage::line::{ServerFault, State, Switches};
use stage::{Inbound, Line, LineOptions};
use support::{Desk, PATIENCE, account, start_line, worker_is_named};
use switchboard::{Refusal, Source, WatcherNews, Watchers, WebhookOptions, WorkerOptions};

/// So seldom that what is offered was not found by a look. (The first look is at once.)
const SELDOM: Duration = Duration::from_secs(600);

fn here() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn webhook() -> Option<WebhookOptions> {
    Some(WebhookOptions {
        bind: here(),
        beyond_this_computer: false,
        signer: None,
    })
}

fn worker() -> Option<WorkerOptions> {
    Some(WorkerOptions {
        agent_name: "front-desk".into(),
    })
}

fn pushed(line: &Line, webhook: Option<WebhookOptions>, worker: Option<WorkerOptions>) -> Desk {
    Desk::watching(
        Some(account(&line.ready, &line.ready.secret)),
        Watchers {
            poll: SELDOM,
            webhook,
            worker,
        },
    )
}

async fn listening(desk: &mut Desk) -> SocketAddr {
    desk.news("a receiver that listens", |news| match news {
        WatcherNews::Listening { at } => Some(*at),
        _ => None,
    })
    .await
}

async fn registered(desk: &mut Desk) {
    desk.news("a registration", |news| match news {
        WatcherNews::Registered { agent_name } => (agent_name == "front-desk").then_some(()),
        _ => None,
    })
    .await;
}

fn url(at: SocketAddr) -> String {
    format!("http://{at}/livekit")
}

/// No more watch facts than these came.
fn nothing_else(desk: &Desk) {
    let others: Vec<_> = desk
        .aside
        .iter()
        .filter(|input| matches!(input, Input::Watch(_)))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_offers_a_caller_and_tells_of_the_end() {
    let line = start_line();
    let mut desk = pushed(&line, webhook(), None);
    desk.ready().await;
    let at = listening(&mut desk).await;
    assert!(at.ip().is_loopback());
    // Each comes three times.
    let switches = Switches {
        duplicate: 2,
        ..Switches::default()
    };
    line.phones.forward_webhooks(&url(at), &switches).unwrap();
    let rung = Instant::now();
    let caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    let offer = desk.offer().await;
    println!("offered after {} ms", rung.elapsed().as_millis());
    assert_eq!(offer.from, "+13125550142");
    assert!(offer.created_unix_ms > 1_600_000_000_000);
    line.phones.hang_up(&caller.id).unwrap();
    assert_eq!(desk.withdrawn().await, offer.room);
    desk.news("a second copy that is refused", |news| match news {
        WatcherNews::Refused {
            source: Source::Webhook,
            why: Refusal::Duplicate,
            count,
        } => (*count >= 4).then_some(()),
        _ => None,
    })
    .await;
    let event = desk
        .news("the event itself", |news| match news {
            WatcherNews::Received(event) if event.kind == "participant_joined" => {
                Some(event.clone())
            }
            _ => None,
        })
        .await;
    let payload: Value = serde_json::from_str(&event.payload).unwrap();
    assert_eq!(payload["room"]["name"], offer.room.as_str());
    nothing_else(&desk);
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_come_late_or_in_the_wrong_order_ring_nothing_that_is_over() {
    let line = start_line();
    let mut desk = pushed(&line, webhook(), None);
    desk.ready().await;
    let at = listening(&mut desk).await;
    let held = Switches {
        hold: true,
        ..Switches::default()
    };
    let hook = line.phones.forward_webhooks(&url(at), &held).unwrap();
    // joined, published and left wait; they go in reverse, long after. On a busy machine LiveKit now and then loses what
    // a caller gave rise to, so more of them come.
    let deadline = Instant::now() + 3 * PATIENCE;
    let held_now = || line.phones.webhooks(&hook.id).unwrap().held;
    while held_now() < 4 {
        assert!(Instant::now() < deadline, "the events never came");
        let caller = line
            .phones
            .place_inbound(&Inbound::from("+13125550142"))
            .unwrap();
        line.phones
            .wait_for(&caller.id, |call| call.rang, PATIENCE)
            .unwrap();
        line.phones.hang_up(&caller.id).unwrap();
        let patient = Instant::now() + Duration::from_secs(5);
        while held_now() < 4 && Instant::now() < patient {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    line.phones.release_webhooks(&hook.id, true).unwrap();
    let mut joined = false;
    while !joined {
        joined = desk
            .news("the late events", |news| match news {
                WatcherNews::Received(event) => Some(event.kind == "participant_joined"),
                _ => None,
            })
            .await;
    }
    // Whoever calls now is offered, and only they.
    line.phones
        .change_webhooks(&hook.id, &Switches::default())
        .unwrap();
    let _second = line
        .phones
        .place_inbound(&Inbound::from("+13125550143"))
        .unwrap();
    assert_eq!(desk.offer().await.from, "+13125550143");
    nothing_else(&desk);
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_worker_offers_a_caller_once_and_never_joins() {
    let line = start_line();
    worker_is_named(&line.ready, &["front-desk"]).await;
    let mut desk = pushed(&line, webhook(), worker());
    desk.ready().await;
    registered(&mut desk).await;
    let at = listening(&mut desk).await;
    let rung = Instant::now();
    let caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    let offer = desk.offer().await;
    println!("offered after {} ms", rung.elapsed().as_millis());
    assert_eq!(offer.from, "+13125550142");
    let event = desk
        .news("the offered job", |news| match news {
            WatcherNews::Received(event) => Some(event.clone()),
            _ => None,
        })
        .await;
    assert_eq!(
        (event.source, event.kind.as_str()),
        (Source::Worker, "availability")
    );
    let payload: Value = serde_json::from_str(&event.payload).unwrap();
    assert_eq!(
        payload["participant"]["attributes"]["sip.phoneNumber"],
        "+13125550142"
    );
    // Both watchers and a regular look at once: one queue, one offer.
    line.phones
        .forward_webhooks(&url(at), &Switches::default())
        .unwrap();
    desk.watchers.send_modify(|watchers| {
        watchers.poll = Duration::from_millis(100);
    });
    let _second = line
        .phones
        .place_inbound(&Inbound::from("+13125550143"))
        .unwrap();
    let second = desk.offer().await;
    assert_eq!(second.from, "+13125550143");
    for (source, kind) in [
        (Source::Worker, "availability"),
        (Source::Webhook, "participant_joined"),
    ] {
        desk.news(kind, |news| match news {
            WatcherNews::Received(event) => {
                (event.source == source && event.kind == kind && event.payload.contains("0143"))
                    .then_some(())
            }
            _ => None,
        })
        .await;
    }
    // Nobody but the two legs ever was in their rooms.
    for room in [&offer.room, &second.room] {
        let kinds = support::kinds_in(&line.ready, room).await;
        assert_eq!(kinds, ["SIP"], "{room}");
    }
    line.phones.hang_up(&caller.id).unwrap();
    assert_eq!(desk.withdrawn().await, offer.room);
    nothing_else(&desk);
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_comes_back_after_a_crash_of_the_server() {
    let line = Line::start(LineOptions {
        child: true,
        ..LineOptions::default()
    })
    .expect("these tests need the demo line; `make setup` builds it");
    worker_is_named(&line.ready, &["front-desk"]).await;
    let mut desk = pushed(&line, None, worker());
    desk.ready().await;
    registered(&mut desk).await;
    line.phones.server(ServerFault::Kill).unwrap();
    let what = desk
        .news("the end of the registration", |news| match news {
            WatcherNews::NotRegistered { what } => Some(what.clone()),
            _ => None,
        })
        .await;
    assert!(
        what.contains("callers are still found by looking"),
        "{what}"
    );
    line.phones.server(ServerFault::Start).unwrap();
    registered(&mut desk).await;
    let _caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    assert_eq!(desk.offer().await.from, "+13125550142");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_says_so_and_looking_goes_on() {
    let line = start_line();
    let taken = std::net::TcpListener::bind(here()).unwrap();
    let open = |bind: SocketAddr| {
        Some(WebhookOptions {
            bind,
            beyond_this_computer: false,
            signer: None,
        })
    };
    let nameless = Some(WorkerOptions {
        agent_name: "  ".into(),
    });
    let mut desk = pushed(&line, open("0.0.0.0:0".parse().unwrap()), nameless);
    desk.ready().await;
    let not_listening = |news: &WatcherNews| match news {
        WatcherNews::NotListening { what } => Some(what.clone()),
        _ => None,
    };
    let what = desk.news("a refusal", not_listening).await;
    assert!(what.contains("other computers"), "{what}");
    let what = desk
        .news("a refusal", |news| match news {
            WatcherNews::NotRegistered { what } => Some(what.clone()),
            _ => None,
        })
        .await;
    assert!(what.contains("needs a name"), "{what}");
    // Changed while it runs.
    desk.watchers.send_replace(Watchers {
        webhook: open(taken.local_addr().unwrap()),
        ..Watchers::default()
    });
    let what = desk.news("a refusal", not_listening).await;
    assert!(what.contains("cannot listen"), "{what}");
    let _caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    assert_eq!(desk.offer().await.from, "+13125550142");
    desk.watchers.send_replace(Watchers {
        webhook: webhook(),
        ..Watchers::default()
    });
    let at = listening(&mut desk).await;
    // Signed out, it listens no more.
    desk.account.send_replace(None);
    let deadline = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(at).await.is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_broken_webhooks_are_refused_and_counted() {
    let line = start_line();
    let mut desk = pushed(&line, webhook(), None);
    desk.ready().await;
    let at = listening(&mut desk).await;
    let http = support::http();
    let signed = support::Signer::of(&line.ready);
    let body = json!({"event": "participant_joined", "id": "EV_1", "room": {"name": "inbound-a"},
        "participant": {"kind": "SIP"}})
    .to_string();
    let good = signed.token(&body, 0);
    let post = |path: &str, kind: &str, token: Option<&str>, body: Vec<u8>| {
        let request = http
            .post(format!("http://{at}{path}"))
            .header("content-type", kind);
        let request = match token {
            Some(token) => request.header("authorization", token),
            None => request,
        };
        request.body(body)
    };
    const KIND: &str = "application/webhook+json";
    let text = || body.clone().into_bytes();
    let large = vec![b'{'; 300 << 10];
    for (request, status, why) in [
        (
            http.get(format!("http://{at}/livekit")),
            404,
            Refusal::NotAWebhook,
        ),
        (
            post("/", KIND, Some(&good), text()),
            404,
            Refusal::NotAWebhook,
        ),
        (
            post("/livekit", "text/html", Some(&good), text()),
            415,
            Refusal::WrongType,
        ),
        (
            post("/livekit", KIND, Some(&good), large.clone()),
            413,
            Refusal::TooLarge,
        ),
        (
            post("/livekit", KIND, None, text()),
            401,
            Refusal::NotSigned,
        ),
        (
            post("/livekit", KIND, Some("nonsense"), text()),
            401,
            Refusal::Forged,
        ),
        (
            post(
                "/livekit",
                KIND,
                Some(&support::Signer::another().token(&body, 0)),
                text(),
            ),
            401,
            Refusal::Forged,
        ),
        (
            post("/livekit", KIND, Some(&signed.token(&body, -1000)), text()),
            401,
            Refusal::Old,
        ),
        (
            post("/livekit", KIND, Some(&signed.token(&body, 1000)), text()),
            401,
            Refusal::Future,
        ),
        (
            post("/livekit", KIND, Some(&good), b"{}".to_vec()),
            401,
            Refusal::WrongHash,
        ),
        (
            post(
                "/livekit",
                KIND,
                Some(&signed.token("\u{0}garbage", 0)),
                b"\0garbage".to_vec(),
            ),
            400,
            Refusal::Garbage,
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{why:?}");
        desk.news(why.as_str(), |news| match news {
            WatcherNews::Refused { why: of, .. } => (*of == why).then_some(()),
            _ => None,
        })
        .await;
    }
    // Rightly signed, but nobody is in that room.
    let answer = post("/livekit", KIND, Some(&good), text())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    // Without a length, too large all the same.
    {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut peer = tokio::net::TcpStream::connect(at).await.unwrap();
        let head = format!(
            "POST /livekit HTTP/1.1\r\nhost: x\r\ncontent-type: {KIND}\r\nauthorization: {}\r\ntransfer-encoding: chunked\r\n\r\n",
            signed.token("another", 0)
        );
        peer.write_all(head.as_bytes()).await.unwrap();
        let mut rest = format!("{:x}\r\n", large.len()).into_bytes();
        rest.extend_from_slice(&large);
        rest.extend_from_slice(b"\r\n0\r\n\r\n");
        // It may close before everything is sent.
        let _ = peer.write_all(&rest).await;
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer).await;
        desk.news("too large", |news| match news {
            WatcherNews::Refused {
                why: Refusal::TooLarge,
                count,
                ..
            } => (*count == 2).then_some(()),
            _ => None,
        })
        .await;
        // One who sends nothing is sent away.
        let mut silent = tokio::net::TcpStream::connect(at).await.unwrap();
        assert_eq!(silent.read(&mut [0; 16]).await.unwrap_or(0), 0);
    }
    nothing_else(&desk);
    // Who really calls is offered after all that.
    line.phones
        .forward_webhooks(&url(at), &Switches::default())
        .unwrap();
    let _caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    assert_eq!(desk.offer().await.from, "+13125550142");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_callers_harm_nobody() {
    let line = start_line();
    worker_is_named(&line.ready, &["front-desk"]).await;
    let mut desk = pushed(&line, webhook(), worker());
    desk.watchers
        .send_modify(|watchers| watchers.poll = Duration::from_millis(200));
    desk.ready().await;
    registered(&mut desk).await;
    let at = listening(&mut desk).await;
    line.phones
        .forward_webhooks(&url(at), &Switches::default())
        .unwrap();
    let from = |n: u32| Inbound::from(format!("+131255501{n:02}")).raw();
    let hostile = [
        from(1).named("\u{202e}<b>\u{0}\u{feff}"),
        from(2).named("N".repeat(100_000)),
        from(3).attribute("sip.callStatus", "nonsense"),
        from(4).without_attribute("sip.phoneNumber"),
        from(5).in_room(format!("inbound-{}", "\u{202e}a".repeat(60))),
        from(6).vanishes_after(Duration::from_millis(1)),
        from(7).also_in("inbound-second"),
        from(8).in_room("meeting"),
        from(9).attributes_after(Duration::from_millis(700)),
        // more than fits into a token, and more attributes than LiveKit takes: the caller gets no room
        from(10).named("N".repeat(1 << 20)),
        from(11).attribute("x", "y".repeat(500_000)),
    ];
    let calls: Vec<_> = hostile
        .iter()
        .map(|caller| line.phones.place_inbound(caller).unwrap())
        .collect();
    // Somebody decent is still heard.
    let _caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    // Whoever has a room, a leg that rings and a name of any kind rings, once; "" is the one without a number.
    let due = ["0101", "0102", "", "0105", "0107", "0109", "0142"];
    let mut offers = Vec::new();
    let last_four = |offer: &call::input::Offer| {
        let from = &offer.from;
        from[from.len().saturating_sub(4)..].to_owned()
    };
    while !due
        .iter()
        .all(|of| offers.iter().any(|offer| last_four(offer) == *of))
    {
        offers.push(desk.offer().await);
    }
    let of = |number: &str| {
        let mut found = offers.iter().filter(|offer| last_four(offer) == number);
        let first = found.next().unwrap();
        assert!(found.next().is_none(), "{number} rings twice: {offers:?}");
        first
    };
    for number in due {
        of(number);
    }
    // What they call themselves is passed on as it came, to be cleaned where it is shown, and is never a number.
    assert_eq!(of("0101").name.as_deref(), Some("\u{202e}<b>\u{0}\u{feff}"));
    assert_eq!(of("0102").name.as_ref().map(String::len), Some(100_000));
    assert_eq!(of("").from, "");
    for at in [9, 10] {
        let gone = line
            .phones
            .wait_until(&calls[at].id, State::Over, PATIENCE)
            .unwrap();
        assert_eq!(
            (gone.ended_by(), gone.rang),
            (Some("line"), false),
            "{gone:?}"
        );
    }
    // One who was offered in the moment before the room vanished is taken back.
    if let Some(vanished) = offers.iter().find(|offer| last_four(offer) == "0106") {
        assert_eq!(desk.withdrawn().await, vanished.room);
    }
    for silent in ["0103", "0108", "0110", "0111"] {
        let rang = offers.iter().find(|offer| last_four(offer) == silent);
        assert_eq!(rang, None);
    }
    let late = |input: &&Input| matches!(input, Input::Watch(WatchFact::Offer(offer)) if last_four(offer) != "0106");
    assert_eq!(desk.aside.iter().find(late), None);
    desk.end().await;
}
