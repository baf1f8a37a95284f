//! What the line plays from the far side can be asked for and seen from here. Needs the demo line to be built.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::Duration,
};

use stage::{
    Inbound, Line, LineOptions,
    line::{BridgeFault, RedisFault, Report, State, Switches, numbers},
};

const SOON: Duration = Duration::from_secs(20);
const CALLER: &str = "+13125550142";

fn line() -> Line {
    Line::start(LineOptions::default()).unwrap()
}

fn rings(line: &Line, call: &Inbound) -> Report {
    let placed = line.phones.place_inbound(call).unwrap();
    line.phones
        .wait_until(&placed.id, State::Ringing, SOON)
        .unwrap()
}

fn over(line: &Line, call: &Report) -> Report {
    line.phones.wait_until(&call.id, State::Over, SOON).unwrap()
}

#[test]
fn every_code_has_a_number_and_the_special_ones_are_listed() {
    let line = line();
    let listed = line.phones.matrix().unwrap();
    let find = |wanted: &str| {
        listed
            .iter()
            .find(|number| number.number == wanted)
            .unwrap_or_else(|| panic!("{wanted} is not listed"))
    };
    for code in [
        302, 401, 403, 404, 407, 408, 410, 415, 480, 481, 484, 486, 487, 488, 500, 501, 502, 503,
        504, 600, 603, 604, 606, 607,
    ] {
        let number = numbers::ending_with(code).unwrap();
        assert_eq!(find(&number).script["code"], code, "{number}");
    }
    for special in [
        numbers::SILENT,
        numbers::STATUS_401,
        numbers::STATUS_407,
        numbers::ANSWERS_WHEN_CANCELLED,
        numbers::ANSWER_CROSSES_CANCEL,
        numbers::REFER_405,
        numbers::REFER_501,
        numbers::REFER_603,
        numbers::REFER_SILENT,
        numbers::RINGS_FOR_EVER,
        numbers::EARLY_THEN_ANSWER,
        numbers::EARLY_THEN_BUSY,
        numbers::EARLY_THEN_NOT_FOUND,
        numbers::EARLY_FOR_EVER,
    ] {
        assert!(!find(special).what.is_empty());
    }
    assert_eq!(numbers::ending_with(700), None);
}

#[test]
fn two_phones_in_a_room_hear_each_other_and_say_so() {
    let line = line();
    let caller = |from: &str, tone: &str| Inbound::from(from).in_room("both").says(tone);
    let first = rings(&line, &caller(CALLER, "tone:500"));
    let second = rings(&line, &caller("+13125550143", "tone:700"));
    for (one, other, tone) in [(&first, &second, 700.0), (&second, &first, 500.0)] {
        let heard = line
            .phones
            .wait_for(&one.id, |report| report.heard.tone(tone).is_some(), SOON)
            .unwrap();
        assert_eq!(heard.hears, [other.identity.as_str()]);
        assert_eq!(heard.heard.sources[0].identity, other.identity);
        assert!(heard.heard.tone(1200.0).is_none(), "{:?}", heard.heard);
        assert_eq!(heard.refer_to, "");
    }
}

#[test]
fn a_hostile_caller_is_carried_as_it_is() {
    let line = line();
    let name = "\u{202e}<b>\0".to_owned() + &"x".repeat(50_000);
    let call = Inbound::from("")
        .raw()
        .named(&name)
        .in_room("chosen")
        .also_in("second")
        .attribute("sip.callStatus", "dancing")
        .without_attribute("sip.trunkID")
        .attributes_after(Duration::from_millis(10));
    let ringing = rings(&line, &call);
    assert_eq!(
        (ringing.from.as_str(), ringing.room.as_str()),
        ("", "chosen")
    );
    line.phones
        .wait_for(
            &ringing.id,
            |report| {
                ["shadow", "attributes"]
                    .iter()
                    .all(|what| report.events.iter().any(|event| event.what == *what))
            },
            SOON,
        )
        .unwrap();
    line.phones
        .set_attributes(
            &ringing.id,
            &[("sip.callStatus", Some("ringing")), ("x", None)],
        )
        .unwrap();
    line.phones.vanish(&ringing.id).unwrap();
    assert_eq!(over(&line, &ringing).ended_by(), Some("line"));

    let gone = rings(&line, &Inbound::from(CALLER).vanishes_after(Duration::ZERO));
    assert_eq!(over(&line, &gone).ended_by(), Some("line"));
}

#[test]
fn callers_end_in_the_moment_of_the_answer() {
    let line = line();
    for (call, answered) in [
        (Inbound::from(CALLER).hangs_up_when_answered(), true),
        (Inbound::from(CALLER).gives_up_when_answered(), false),
    ] {
        let call = rings(&line, &call);
        // A second phone in the room answers the first.
        rings(&line, &Inbound::from("+13125550143").in_room(&call.room));
        let end = over(&line, &call);
        assert_eq!((end.answered, end.ended_by()), (answered, Some("far")));
    }
}

#[test]
fn a_killed_bridge_takes_its_phones_along_and_comes_back() {
    let line = line();
    let call = rings(&line, &Inbound::from(CALLER));
    assert_eq!(
        line.phones.bridge(BridgeFault::Kill).unwrap().bridge,
        "stopped"
    );
    assert_eq!(over(&line, &call).ended_by(), Some("bridge"));
    let nobody = line.phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    assert_eq!(over(&line, &nobody).ended_by(), Some("bridge"));
    assert_eq!(
        line.phones.bridge(BridgeFault::Start).unwrap().bridge,
        "running"
    );
    rings(&line, &Inbound::from(CALLER));
}

#[test]
fn redis_forgets_and_remembers() {
    let line = line();
    assert_eq!(
        line.phones.redis(RedisFault::Flush).unwrap().redis,
        "running"
    );
    let nobody = line.phones.place_inbound(&Inbound::from(CALLER)).unwrap();
    assert_eq!(over(&line, &nobody).ended_by(), Some("line"));
    assert_eq!(
        line.phones.redis(RedisFault::Stop).unwrap().redis,
        "stopped"
    );
    assert_eq!(
        line.phones.redis(RedisFault::Start).unwrap().redis,
        "running"
    );
    line.phones.redis(RedisFault::Restore).unwrap();
    assert_eq!(line.phones.faults().unwrap().redis, "running");
}

/// A receiver of webhooks: what each event is called, in the order of arrival.
fn receiver() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                loop {
                    let (mut length, mut signed) = (0, false);
                    loop {
                        let mut header = String::new();
                        if reader.read_line(&mut header).unwrap_or(0) == 0 {
                            return;
                        }
                        let header = header.trim().to_ascii_lowercase();
                        if header.is_empty() {
                            break;
                        }
                        if let Some(value) = header.strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        signed |= header.starts_with("authorization: ey");
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    assert!(signed, "no signature");
                    let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let _ = tell.send(event["event"].as_str().unwrap().to_owned());
                    reader
                        .get_mut()
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        .unwrap();
                }
            });
        }
    });
    (url, told)
}

#[test]
fn webhooks_are_held_released_repeated_and_stopped() {
    let line = line();
    let (url, told) = receiver();
    let hold = Switches {
        hold: true,
        ..Switches::default()
    };
    let hook = line.phones.forward_webhooks(&url, &hold).unwrap();
    assert_eq!((hook.url.as_str(), &hook.switches), (url.as_str(), &hold));
    let call = rings(&line, &Inbound::from(CALLER));
    line.phones
        .wait_for(
            &call.id,
            |_| line.phones.webhooks(&hook.id).unwrap().held >= 3,
            SOON,
        )
        .unwrap();
    assert!(told.try_recv().is_err(), "something came through");
    line.phones.release_webhooks(&hook.id, true).unwrap();
    let mut came: Vec<_> = (0..3).map(|_| told.recv_timeout(SOON).unwrap()).collect();
    came.sort_unstable(); // a loaded server does not keep its order
    assert_eq!(
        came,
        ["participant_joined", "room_started", "track_published"]
    );
    let late = Switches {
        only: vec!["participant_left".to_owned()],
        delay_ms: 50,
        duplicate: 1,
        ..Switches::default()
    };
    assert_eq!(
        line.phones
            .change_webhooks(&hook.id, &late)
            .unwrap()
            .switches,
        late
    );
    line.phones.hang_up(&call.id).unwrap();
    let mut left = 0;
    while left < 2 {
        left += usize::from(told.recv_timeout(SOON).unwrap() == "participant_left");
    }
    line.phones.stop_webhooks(&hook.id).unwrap();
    assert!(line.phones.webhooks(&hook.id).is_err());
    assert!(
        line.phones
            .forward_webhooks("http://192.0.2.1/", &late)
            .is_err()
    );
}
