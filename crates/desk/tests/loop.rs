//! The loop with hand-made adapters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use call::input::{Intent, LineStatus, LogFact};
use call::output::{AudioCommand, LegCommand, LogCommand, RoomCommand, ShellCommand};
use call::view::PhoneView;
use call::{CallId, DeskSettings, EndReason, Input, Phone};
use desk::{Clock, Ports};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

struct Bench {
    inputs: mpsc::Sender<Input>,
    view: watch::Receiver<Arc<PhoneView>>,
    log: mpsc::Receiver<LogCommand>,
    room: mpsc::Receiver<RoomCommand>,
    _leg: mpsc::Receiver<LegCommand>,
    audio: mpsc::Receiver<AudioCommand>,
    shell: mpsc::Receiver<ShellCommand>,
    done: tokio::task::JoinHandle<()>,
}

fn bench() -> Bench {
    let (inputs, facts) = mpsc::channel(desk::INPUTS);
    let (log_in, log) = mpsc::channel(desk::COMMANDS);
    let (room_in, room) = mpsc::channel(desk::COMMANDS);
    let (leg_in, leg) = mpsc::channel(desk::COMMANDS);
    let (audio_in, audio) = mpsc::channel(desk::COMMANDS);
    let (shell_in, shell) = mpsc::channel(desk::COMMANDS);
    let ports = Ports {
        log: log_in,
        room: room_in,
        leg: leg_in,
        audio: audio_in,
        shell: shell_in,
    };
    let running = desk::spawn(
        Phone::new(DeskSettings::default()),
        facts,
        ports,
        Clock::start(),
    );
    Bench {
        inputs,
        view: running.view,
        log,
        room,
        _leg: leg,
        audio,
        shell,
        done: running.done,
    }
}

fn dial(id: &CallId) -> Input {
    Input::Intent(Intent::Dial {
        call: id.clone(),
        number: "+12125550100".into(),
        ways: Vec::new(),
    })
}

async fn next<T>(queue: &mut mpsc::Receiver<T>) -> T {
    timeout(Duration::from_secs(5), queue.recv())
        .await
        .expect("a command in time")
        .expect("the loop runs")
}

#[tokio::test]
async fn the_journal_comes_first_and_a_dial_without_account_is_refused() {
    let mut bench = bench();
    let id = CallId::parse("c1").unwrap();
    bench.inputs.send(dial(&id)).await.unwrap();
    assert!(matches!(next(&mut bench.log).await, LogCommand::Start(start) if start.call == id));
    assert!(
        bench.room.try_recv().is_err(),
        "nothing is joined before the row exists"
    );
    bench
        .inputs
        .send(Input::Log {
            call: id.clone(),
            fact: LogFact::Logged,
        })
        .await
        .unwrap();
    assert!(matches!(
        next(&mut bench.room).await,
        RoomCommand::Join { .. }
    ));
    assert_eq!(next(&mut bench.audio).await, AudioCommand::Open);
    assert!(bench.view.borrow().call(&id).is_some());

    bench
        .inputs
        .send(Input::Intent(Intent::HangUp { call: id.clone() }))
        .await
        .unwrap();
    let view = timeout(
        Duration::from_secs(5),
        bench
            .view
            .wait_for(|v| v.call(&id).is_some_and(|c| c.end.is_some())),
    )
    .await
    .unwrap()
    .unwrap()
    .clone();
    assert_eq!(view.call(&id).unwrap().end, Some(EndReason::Cancelled));

    bench
        .inputs
        .send(Input::Line(LineStatus::SignedOut))
        .await
        .unwrap();
    let other = CallId::parse("c2").unwrap();
    bench.inputs.send(dial(&other)).await.unwrap();
    assert!(
        matches!(next(&mut bench.shell).await, ShellCommand::Refused { call, reason: EndReason::NotSignedIn } if call == other)
    );
}

#[tokio::test]
async fn a_deadline_fires_without_any_input() {
    let mut bench = bench();
    let id = CallId::parse("c1").unwrap();
    bench.inputs.send(dial(&id)).await.unwrap();
    assert!(matches!(next(&mut bench.log).await, LogCommand::Start(_)));
    // the journal never answers: the call goes on all the same
    assert!(matches!(
        next(&mut bench.room).await,
        RoomCommand::Join { .. }
    ));
}

#[tokio::test]
async fn the_loop_ends_with_its_last_sender() {
    let bench = bench();
    drop(bench.inputs);
    timeout(Duration::from_secs(5), bench.done)
        .await
        .expect("in time")
        .expect("without a panic");
}
