//! The adapter against a real server: tokens, dialling, dropping, the watch for callers. The phones are those of the demo
//! line, or of the line that `DESKLINE_LINE` names.

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

use std::time::{Duration, Instant};

use call::ids::{Link, Role};
use call::input::{LegFact, LineStatus, PlaceFailure, WatchFact};
use call::output::LegCommand;
use call::state::LegStatus;
use call::{Identity, Input, RoomName};
use stage::line::{Report, ServerFault};
use stage::{Inbound, Line, LineOptions, Ready};
use support::{
    Desk, PATIENCE, RINGS, account, answered, call, dial, look, place_failed, remove, start_line,
};
use switchboard::{Account, ApiSecret, talk_token, watch_token};

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_dial_has_its_name() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    desk.ready().await;
    for (ending, code) in [
        ("11", 486),
        ("12", 404),
        ("13", 603),
        ("14", 480),
        ("15", 503),
        ("16", 403),
    ] {
        let id = format!("refused-{ending}");
        desk.tell(dial(&id, &format!("+121255501{ending}"), RINGS))
            .await;
        let fact = desk.leg_fact(&call(&id)).await;
        assert_eq!(
            fact,
            place_failed(&id, PlaceFailure::Sip { code }),
            "number ending with {ending}"
        );
    }
    desk.tell(dial("rings", "+12125550105", Duration::from_secs(2)))
        .await;
    assert_eq!(
        desk.leg_fact(&call("rings")).await,
        place_failed("rings", PlaceFailure::Cancelled)
    );
    let command = match dial("elsewhere", "+12125550100", RINGS) {
        LegCommand::Place {
            call,
            room,
            leg,
            to,
            ring_for,
            caller_id,
            ..
        } => LegCommand::Place {
            call,
            room,
            leg,
            to,
            ring_for,
            caller_id,
            line: Some("Another line".into()),
        },
        other => other,
    };
    desk.tell(command).await;
    assert_eq!(
        desk.leg_fact(&call("elsewhere")).await,
        place_failed("elsewhere", PlaceFailure::NoLine)
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_call_is_found_and_ended() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    desk.tell(dial("up", "+12125550100", RINGS)).await;
    assert_eq!(desk.leg_fact(&call("up")).await, answered("up"));
    // The list is written a moment after the answer.
    let deadline = Instant::now() + PATIENCE;
    loop {
        desk.tell(look("up")).await;
        match desk.leg_fact(&call("up")).await {
            LegFact::Looked {
                leg: Some(LegStatus::Active),
                other_desks: 0,
                ..
            } => break,
            LegFact::Looked {
                leg: Some(_),
                other_desks: 0,
                ..
            } if Instant::now() < deadline => {}
            other => panic!("{other:?}"),
        }
    }
    desk.tell(remove("up")).await;
    assert_eq!(
        desk.leg_fact(&call("up")).await,
        LegFact::Removed { found: true }
    );
    let report = line
        .phones
        .wait_for_call(|call| call.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended_by(), Some("desk"));
    desk.tell(remove("up")).await;
    assert_eq!(
        desk.leg_fact(&call("up")).await,
        LegFact::Removed { found: false }
    );
    desk.tell(LegCommand::DeleteRoom {
        call: call("up"),
        room: RoomName::outbound(&call("up")),
    })
    .await;
    assert_eq!(
        desk.leg_fact(&call("up")).await,
        LegFact::RoomDeleted { found: true }
    );
    desk.tell(LegCommand::DeleteRoom {
        call: call("up"),
        room: RoomName::outbound(&call("up")),
    })
    .await;
    assert_eq!(
        desk.leg_fact(&call("up")).await,
        LegFact::RoomDeleted { found: false }
    );
    desk.tell(look("up")).await;
    assert_eq!(
        desk.leg_fact(&call("up")).await,
        LegFact::Looked {
            leg: None,
            other_desks: 0,
            desks_ahead: 0,
            taken_by: None,
        }
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_leg_that_rings_cancels_it() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    desk.tell(dial("ringing", "+12125550105", RINGS)).await;
    let report = line
        .phones
        .wait_for_call(|call| call.rang, PATIENCE)
        .unwrap();
    desk.tell(remove("ringing")).await;
    let (mut removed, mut cancelled) = (false, false);
    while !(removed && cancelled) {
        match desk.leg_fact(&call("ringing")).await {
            LegFact::Removed { found: true } => removed = true,
            LegFact::PlaceFailed {
                failure: PlaceFailure::Cancelled,
                ..
            } => cancelled = true,
            other => panic!("{other:?}"),
        }
    }
    let report = line
        .phones
        .wait_for(&report.id, |call| call.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended.unwrap().code, Some(487));
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_that_waits_for_its_answer_holds_nobody_up_and_drops_are_carried_out_to_the_end() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    desk.ready().await;
    desk.tell(dial("waiting", "+12125550105", RINGS)).await;
    desk.tell(dial("other", "+12125550111", RINGS)).await;
    assert_eq!(
        desk.leg_fact(&call("other")).await,
        place_failed("other", PlaceFailure::Sip { code: 486 })
    );
    let waiting = line
        .phones
        .wait_for_call(|call| call.rang && !call.over, PATIENCE)
        .unwrap();
    desk.tell(remove("waiting")).await;
    desk.end().await;
    let report = line
        .phones
        .wait_for(&waiting.id, |call| call.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended_by(), Some("desk"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_offered_and_withdrawn_when_gone() {
    let line = start_line();
    let mut desk = Desk::on(&line);
    assert_eq!(desk.line_status().await, LineStatus::Connecting);
    let LineStatus::Ready { trunks } = desk.line_status().await else {
        panic!("no trunk")
    };
    assert_eq!(trunks[0].number(), "+12025550150");
    let rung = Instant::now();
    let caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142").named("Ada"))
        .unwrap();
    let offer = desk.offer().await;
    println!("offered after {} ms", rung.elapsed().as_millis());
    assert_eq!(
        (offer.from.as_str(), offer.to.as_str()),
        ("+13125550142", line.phones.inbound_number())
    );
    assert_eq!(offer.name.as_deref(), Some("Ada"));
    let report = line.phones.call(&caller.id).unwrap();
    assert_eq!(
        (offer.room.as_str(), offer.leg.as_str()),
        (report.room.as_str(), report.identity.as_str())
    );
    assert!(
        offer.created_unix_ms > 1_600_000_000_000,
        "{}",
        offer.created_unix_ms
    );
    line.phones.hang_up(&caller.id).unwrap();
    let gone = Instant::now();
    assert_eq!(desk.withdrawn().await, offer.room);
    println!("withdrawn after {} ms", gone.elapsed().as_millis());

    // A second caller, whom this desk turns away.
    let caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550143"))
        .unwrap();
    let second = desk.offer().await;
    assert_ne!(second.call, offer.call);
    assert_eq!(
        second.name, None,
        "the name that the bridge makes of a number is none"
    );
    desk.tell(LegCommand::Remove {
        call: second.call.clone(),
        room: second.room.clone(),
        identity: second.leg.clone(),
    })
    .await;
    assert_eq!(
        desk.leg_fact(&second.call).await,
        LegFact::Removed { found: true }
    );
    let report = line
        .phones
        .wait_for(&caller.id, |call| call.over, PATIENCE)
        .unwrap();
    assert_eq!(report.ended.unwrap().code, Some(486));
    assert_eq!(desk.withdrawn().await, second.room);
    assert!(
        !desk
            .aside
            .iter()
            .any(|input| matches!(input, Input::Watch(_))),
        "each is told once: {:?}",
        desk.aside
    );
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_and_a_right_one_heals_it() {
    let line = start_line();
    let mut desk = Desk::with(Some(account(
        &line.ready,
        "this-is-not-the-secret-of-the-project",
    )));
    assert_eq!(desk.line_status().await, LineStatus::Connecting);
    let LineStatus::Refused { what } = desk.line_status().await else {
        panic!("not refused")
    };
    assert!(
        what.ends_with("refuses the key or the secret. Check them in Settings."),
        "{what}"
    );
    desk.tell(dial("refused", "+12125550100", RINGS)).await;
    assert_eq!(
        desk.leg_fact(&call("refused")).await,
        place_failed("refused", PlaceFailure::Refused)
    );
    desk.account
        .send_replace(Some(account(&line.ready, &line.ready.secret)));
    desk.ready().await;
    desk.account.send_replace(None);
    assert_eq!(desk.line_status().await, LineStatus::SignedOut);
    desk.tell(dial("out", "+12125550100", RINGS)).await;
    assert_eq!(
        desk.leg_fact(&call("out")).await,
        place_failed("out", PlaceFailure::NotSignedIn)
    );
    desk.tell(remove("out")).await;
    assert!(matches!(
        desk.leg_fact(&call("out")).await,
        LegFact::DropFailed { .. }
    ));
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_listens_is_unreachable_until_it_does() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let key = Ready {
        url: format!("ws://127.0.0.1:{port}"),
        ..line_keys()
    };
    let mut desk = Desk::with(Some(account(&key, &key.secret)));
    assert_eq!(desk.line_status().await, LineStatus::Connecting);
    let LineStatus::Unreachable {
        what,
        next_try_unix_ms,
    } = desk.line_status().await
    else {
        panic!("reachable")
    };
    assert!(what.contains("cannot be reached"), "{what}");
    assert!(next_try_unix_ms > 0);
    desk.tell(dial("nowhere", "+12125550100", RINGS)).await;
    let fact = desk.leg_fact(&call("nowhere")).await;
    assert!(
        matches!(
            fact,
            LegFact::PlaceFailed {
                failure: PlaceFailure::Unreachable { .. },
                ..
            }
        ),
        "{fact:?}"
    );
    desk.tell(look("nowhere")).await;
    assert_eq!(desk.leg_fact(&call("nowhere")).await, LegFact::LookFailed);

    let line = Line::start(LineOptions {
        port: Some(port),
        ..LineOptions::default()
    })
    .unwrap();
    if line.is_given() {
        // It listens where it likes; the person corrects the address.
        desk.account
            .send_replace(Some(account(&line.ready, &line.ready.secret)));
    }
    desk.tell(LegCommand::RetryLine).await;
    loop {
        match desk.line_status().await {
            LineStatus::Ready { .. } => break,
            LineStatus::Unreachable { .. } | LineStatus::Connecting => {}
            other => panic!("{other:?}"),
        }
    }
    desk.end().await;
}

/// Key and secret that the demo line is born with.
fn line_keys() -> Ready {
    start_line().ready.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_web_server_is_named_as_such() {
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", foreign.local_addr().unwrap());
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut peer, _)) = foreign.accept().await {
            let mut request = [0_u8; 4096];
            let _ = peer.read(&mut request).await;
            let _ = peer.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>").await;
        }
    });
    let account = Account::new(&url, "key", ApiSecret::new("secret".into())).unwrap();
    let mut desk = Desk::with(Some(account));
    assert_eq!(desk.line_status().await, LineStatus::Connecting);
    let LineStatus::Unreachable { what, .. } = desk.line_status().await else {
        panic!("reachable")
    };
    assert!(what.contains("it is not LiveKit"), "{what}");
    desk.end().await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_open_their_own_door_and_no_other() {
    let line = start_line();
    let account = account(&line.ready, &line.ready.secret);
    let room = RoomName::outbound(&call("c1"));
    let link = |role| Link {
        call: call("c1"),
        role,
        attempt: 1,
    };
    let talk = talk_token(
        &account,
        &room,
        &Identity::desk("front", &link(Role::Talk)),
        "Front",
    )
    .unwrap();
    let watch = watch_token(
        &account,
        &room,
        &Identity::desk("front", &link(Role::Watch)),
        "Front",
    )
    .unwrap();
    let http = support::http();
    let status = async |method: &str, token: &str, body: String| {
        let request = http.post(format!("{}/twirp/livekit.{method}", account.request_url()));
        let request = request
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(body);
        request.send().await.unwrap().status().as_u16()
    };
    for token in [&talk, &watch] {
        let door = format!(
            "{}/rtc/validate?access_token={}",
            account.request_url(),
            token.expose()
        );
        assert_eq!(
            http.get(door).send().await.unwrap().status().as_u16(),
            200,
            "the room may be entered"
        );
        let in_room = format!(r#"{{"room":"{room}","identity":"leg-c1"}}"#);
        let dial = format!(
            r#"{{"sip_trunk_id":"{}","sip_call_to":"+12125550111","room_name":"{room}","participant_identity":"leg-c1"}}"#,
            line.ready.outbound_trunk
        );
        for (method, body) in [
            ("RoomService/ListRooms", "{}".to_owned()),
            ("RoomService/ListParticipants", in_room.clone()),
            ("RoomService/RemoveParticipant", in_room.clone()),
            ("RoomService/DeleteRoom", in_room),
            ("SIP/ListSIPOutboundTrunk", "{}".to_owned()),
            ("SIP/CreateSIPParticipant", dial),
        ] {
            assert_eq!(status(method, token.expose(), body).await, 401, "{method}");
        }
    }
    assert!(line.phones.calls().unwrap().is_empty(), "nobody was rung");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_outlives_a_crash_of_the_server() {
    let line = Line::start(LineOptions {
        child: true,
        ..LineOptions::default()
    })
    .expect("these tests need the demo line; `make setup` builds it");
    let mut desk = Desk::on(&line);
    desk.ready().await;
    let caller = line
        .phones
        .place_inbound(&Inbound::from("+13125550142"))
        .unwrap();
    let offer = desk.offer().await;
    line.phones.server(ServerFault::Kill).unwrap();
    let status = desk.line_status().await;
    assert!(
        matches!(status, LineStatus::Unreachable { .. }),
        "{status:?}"
    );
    line.phones.server(ServerFault::Start).unwrap();
    loop {
        desk.tell(LegCommand::RetryLine).await;
        if let LineStatus::Ready { .. } = desk.line_status().await {
            break;
        }
    }
    // The caller's leg comes back by itself. (One who gives up before that stays listed as ringing: the server keeps the
    // record of a room that nobody is in any more.)
    let back = |report: &Report| {
        report
            .events
            .iter()
            .any(|event| event.what == "reconnected")
    };
    line.phones.wait_for(&caller.id, back, PATIENCE).unwrap();
    // Whether the desk sees the same ringing go on or one that begins anew depends on who is back first; what it must not do
    // is to go on ringing after the caller has gone.
    line.phones.hang_up(&caller.id).unwrap();
    let mut rings = 1;
    while rings > 0 {
        rings += desk
            .wait("the end of the ringing", |input| match input {
                Input::Watch(WatchFact::Offer(again)) if again.room == offer.room => Some(1),
                Input::Watch(WatchFact::Withdrawn { room }) if *room == offer.room => Some(-1),
                _ => None,
            })
            .await;
    }
    desk.end().await;
}
