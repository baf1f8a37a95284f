//! Priority for the threads of the sound, asked of the system's broker: here one of our own, on a bus of our own.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use stage::{Bus, Environment, Sound};
use support::{Desk, SOON, wait_until};

/// The broker, as far as we ask it; tells who asked for what.
struct Broker {
    asked: Sender<(u64, i64)>,
    grants_real_time: bool,
    grants_niceness: bool,
}

fn granted(granted: bool) -> zbus::fdo::Result<()> {
    let refusal = || zbus::fdo::Error::AccessDenied("not here".into());
    granted.then_some(()).ok_or_else(refusal)
}

#[zbus::interface(name = "org.freedesktop.RealtimeKit1")]
impl Broker {
    fn make_thread_realtime(&self, thread: u64, priority: u32) -> zbus::fdo::Result<()> {
        self.asked.send((thread, i64::from(priority))).unwrap();
        granted(self.grants_real_time)
    }

    fn make_thread_high_priority(&self, thread: u64, niceness: i32) -> zbus::fdo::Result<()> {
        self.asked.send((thread, i64::from(niceness))).unwrap();
        granted(self.grants_niceness)
    }
}

struct Scene {
    sound: Sound,
    desk: Desk,
    asked: Receiver<(u64, i64)>,
    _bus: Bus,
    _broker: zbus::blocking::Connection,
}

fn scene(grants_real_time: bool, grants_niceness: bool) -> Scene {
    let bus = Bus::start().unwrap();
    let (asked, told) = channel();
    let broker = Broker {
        asked,
        grants_real_time,
        grants_niceness,
    };
    let broker = zbus::blocking::connection::Builder::address(bus.address())
        .unwrap()
        .name("org.freedesktop.RealtimeKit1")
        .unwrap()
        .serve_at("/org/freedesktop/RealtimeKit1", broker)
        .unwrap()
        .build()
        .unwrap();
    let sound = Sound::start().unwrap();
    let environment: Environment = sound
        .environment()
        .with("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
    let mut desk = Desk::start(&environment);
    desk.tell("open");
    desk.opened();
    Scene {
        sound,
        desk,
        asked: told,
        _bus: bus,
        _broker: broker,
    }
}

#[test]
fn the_threads_of_a_call_are_brought_before_others_each_by_its_own_name() {
    let mut scene = scene(true, true);
    let pid = scene.desk.process.pid();
    let mut names = Vec::new();
    for _ in 0..3 {
        let (thread, priority) = scene.asked.recv_timeout(SOON).unwrap();
        assert_eq!(priority, 10, "real-time, and behind the sound server");
        let name = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/comm"));
        names.push(name.expect("a thread of ours").trim().to_owned());
    }
    names.sort();
    assert_eq!(names, ["audio-frames", "audio-microphon", "audio-speaker"]);
    // What the broker insists on: nobody may take a processor for himself for ever.
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = limits
        .lines()
        .find(|line| line.contains("realtime timeout"));
    assert!(limit.unwrap().contains("200000"), "{limit:?}");
    // the broker has answered; the line of the log follows
    let until = std::time::Instant::now() + SOON;
    let mut log = scene.desk.process.log_tail();
    while !log.contains("real-time scheduling") {
        assert!(std::time::Instant::now() < until, "{log}");
        std::thread::yield_now();
        log = scene.desk.process.log_tail();
    }
    scene.desk.tell("close");
    scene.desk.end_with(4);
}

#[test]
fn a_refusal_is_said_in_the_log_and_changes_nothing_else() {
    let mut scene = scene(false, false);
    let speaking = scene.sound.speak_tone(1000.0, 0.5).unwrap();
    // Each thread asks for one, and then for the other.
    let asked: Vec<i64> = (0..6)
        .map(|_| scene.asked.recv_timeout(SOON).unwrap().1)
        .collect();
    assert_eq!(asked.iter().filter(|asked| **asked == 10).count(), 3);
    assert_eq!(asked.iter().filter(|asked| **asked == -11).count(), 3);
    wait_until("the log says so", || {
        let log = scene.desk.process.log_tail();
        log.contains("did not grant it") || log.contains("refused by the broker")
    });
    scene.desk.hears(1000.0);
    drop(speaking);
    scene.desk.tell("close");
    let more = scene.asked.recv_timeout(Duration::ZERO);
    assert!(more.is_err(), "nobody asks again and again: {more:?}");
    scene.desk.end_with(4);
}
