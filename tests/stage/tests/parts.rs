//! Every part starts, does its work, and ends with its owner.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use stage::{
    Bus, Display, Keyring, Notifications, Process, Recording, Scratch, Sound, Stage,
    process::output,
};

const SOON: Duration = Duration::from_secs(10);

fn is_alive(pid: u32) -> bool {
    // A process that is only waiting to be collected counts as gone.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn gone_within(limit: Duration, what: &str, is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while is_there() {
        assert!(Instant::now() < deadline, "{what} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_process_takes_its_children_along() {
    let scratch = Scratch::new("test").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 600 & echo $!; wait"]);
    let mut process = Process::start_talking("parent", command, scratch.path()).unwrap();
    let child: u32 = process.line(SOON).unwrap().parse().unwrap();
    assert!(is_alive(child));
    drop(process);
    gone_within(SOON, "the child of a stopped process", || is_alive(child));
}

#[test]
fn a_process_that_ignores_the_polite_signal_is_killed() {
    let scratch = Scratch::new("test").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
    let mut process = Process::start_talking("stubborn", command, scratch.path()).unwrap();
    assert_eq!(process.line(SOON).unwrap(), "ready");
    let pid = process.pid();
    drop(process);
    assert!(!is_alive(pid));
}

#[test]
fn an_early_end_is_told_with_its_log() {
    let scratch = Scratch::new("test").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo 'no such device' >&2; exit 3"]);
    let error = Process::start_talking("part", command, scratch.path())
        .unwrap()
        .line(SOON)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("part ended early") && error.contains("exit status: 3"),
        "{error}"
    );
    assert!(error.contains("no such device"), "{error}");
}

#[test]
fn a_missing_program_is_named() {
    let scratch = Scratch::new("test").unwrap();
    let error =
        Process::start("part", Command::new("no-such-program"), scratch.path()).unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("no-such-program") && text.contains("cargo xtask setup"),
        "{text}"
    );
}

/// Runs this test program once more as an owner that starts things and is then killed without mercy.
#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    const VARIABLE: &str = "STAGE_TEST_OWNER";
    if std::env::var_os(VARIABLE).is_some() {
        let scratch = Scratch::new("owned").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        let mut process = Process::start_talking("owned", command, scratch.path()).unwrap();
        let bus = Bus::start().unwrap();
        let line = format!(
            "OWNED {} {} {}",
            process.pid(),
            process.line(SOON).unwrap(),
            scratch.path().display()
        );
        writeln!(std::io::stderr(), "{line} {}", bus.address()).unwrap();
        loop {
            std::thread::park();
        }
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "nothing_is_left_when_the_owner_is_killed",
            "--nocapture",
        ])
        .env(VARIABLE, "yes")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = BufReader::new(owner.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("OWNED "))
        .expect("the owner says what it owns");
    let fields: Vec<&str> = line.split(' ').collect();
    let (parent, child): (u32, u32) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
    let folder = PathBuf::from(fields[3]);
    let socket = fields[4]
        .trim_start_matches("unix:path=")
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        is_alive(parent)
            && is_alive(child)
            && folder.is_dir()
            && UnixStream::connect(&socket).is_ok()
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone_within(SOON, "a process of a killed owner", || {
        is_alive(parent) || is_alive(child)
    });
    gone_within(SOON, "a folder of a killed owner", || {
        folder.exists() || Path::new(&socket).exists()
    });
}

#[test]
fn the_display_shows_managed_windows_and_can_be_pictured() {
    let scratch = Scratch::new("test").unwrap();
    let display = Display::start().unwrap();
    let mut command = Command::new("display");
    display
        .environment()
        .apply(command.args(["-title", "A test window", "rose:"]));
    let _window = Process::start("window", command, scratch.path()).unwrap();
    display.wait_for_window("A test window", SOON).unwrap();
    assert!(display.windows_named("No such window").unwrap().is_empty());
    let picture = scratch.path().join("screen.png");
    display.screenshot(&picture).unwrap();
    let size = output(
        Command::new("identify")
            .args(["-format", "%w %h %k"])
            .arg(&picture),
    )
    .unwrap();
    let numbers: Vec<u32> = size
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(numbers[..2], [1280, 800]);
    assert!(
        numbers[2] > 10,
        "the picture has only {} colours",
        numbers[2]
    );
    display
        .screenshot_of("A test window", &scratch.path().join("window.png"))
        .unwrap();
    assert!(display.screenshot_of("No such window", &picture).is_err());
}

#[test]
fn two_displays_live_side_by_side() {
    let (one, other) = (Display::start().unwrap(), Display::start().unwrap());
    assert_ne!(one.name(), other.name());
}

#[test]
fn the_bus_has_no_service_that_was_not_put_there() {
    let bus = Bus::start().unwrap();
    let mut command = Command::new("secret-tool");
    bus.environment()
        .apply(command.args(["lookup", "service", "deskline-test"]));
    let error = output(&mut command).unwrap_err().to_string();
    assert!(error.contains("org.freedesktop.secrets"), "{error}");
}

#[test]
fn the_keyring_keeps_a_secret_until_it_ends() {
    let bus = Bus::start().unwrap();
    let mut keyring = Keyring::start(&bus).unwrap();
    let mut store = Command::new("sh");
    store.args([
        "-c",
        "printf s3cret | secret-tool store --label=Test service deskline-test",
    ]);
    output(bus.environment().apply(&mut store)).unwrap();
    let lookup = || {
        let mut command = Command::new("secret-tool");
        output(
            bus.environment()
                .apply(command.args(["lookup", "service", "deskline-test"])),
        )
    };
    assert_eq!(lookup().unwrap(), "s3cret");
    keyring.stop();
    assert!(lookup().is_err());
}

#[test]
fn what_is_spoken_into_the_microphone_is_what_a_program_records() {
    let sound = Sound::start().unwrap();
    let ear = sound.listen_to("mic").unwrap();
    let voice = sound.speak_tone(700.0, 0.5).unwrap();
    // A busy machine may tear a hole somewhere; half a second without one must come.
    ear.wait_until(SOON, |heard| {
        let last = heard.last(Duration::from_millis(500));
        last.share_of(700.0) > 0.95 && (last.rms_dbfs() + 9.03).abs() < 0.5
    })
    .expect("a sine of peak 0.5 has -9.0 dBFS");
    drop(voice);
    ear.wait_for_silence(Duration::from_millis(300), SOON)
        .unwrap();
}

#[test]
fn a_recording_takes_as_long_as_the_clock_says() {
    let sound = Sound::start().unwrap();
    let started = Instant::now();
    let heard = sound.record(Duration::from_secs(2)).unwrap();
    assert_eq!(heard.duration(), Duration::from_secs(2));
    let took = started.elapsed();
    assert!(
        (1.8..4.0).contains(&took.as_secs_f32()),
        "two seconds took {took:?}"
    );
    assert!(heard.loud().is_zero());
}

#[test]
fn a_recording_is_spoken_once_and_saved_as_a_sound_file() {
    let scratch = Scratch::new("test").unwrap();
    let sound = Sound::start().unwrap();
    let file = scratch.path().join("tone.wav");
    Recording::tone(1000.0, 0.25, Duration::from_secs(1))
        .save(&file)
        .unwrap();
    let ear = sound.listen_to("mic").unwrap();
    sound.speak_file(&file).unwrap().wait(SOON).unwrap();
    let heard = ear
        .wait_for_silence(Duration::from_millis(300), SOON)
        .unwrap();
    assert!(
        (0.95..1.1).contains(&heard.loud().as_secs_f32()),
        "{:?}",
        heard.loud()
    );
    let from = heard.first_loud().unwrap();
    let found = heard
        .between(from, from + Duration::from_millis(900))
        .dominant_hz()
        .unwrap();
    assert!((found - 1000.0).abs() < 1.0, "{found} Hz");
}

#[test]
fn the_sound_server_has_its_devices_and_comes_back_at_the_same_address() {
    let mut sound = Sound::start().unwrap();
    let devices = |sound: &Sound| (sound.sinks().unwrap(), sound.sources().unwrap());
    let before = devices(&sound);
    assert_eq!(before.0, ["spk", "mic_sink"]);
    assert!(before.1.contains(&"mic".to_owned()) && before.1.contains(&"spk.monitor".to_owned()));
    assert_eq!(sound.pactl(&["get-default-source"]).unwrap().trim(), "mic");
    let address = sound.server();
    sound.kill();
    assert!(sound.sinks().is_err());
    sound.restart().unwrap();
    assert_eq!(sound.server(), address);
    assert_eq!(devices(&sound), before);
}

#[test]
fn a_listener_says_that_the_sound_server_went_away() {
    let mut sound = Sound::start().unwrap();
    let ear = sound.listen().unwrap();
    sound.kill();
    let error = ear.wait_until(SOON, |_| false).unwrap_err().to_string();
    assert!(error.contains("went away"), "{error}");
}

#[test]
fn a_notification_is_shown_and_remembered() {
    let (display, bus) = (Display::start().unwrap(), Bus::start().unwrap());
    let notifications = Notifications::start(&display, &bus, None).unwrap();
    let mut command = Command::new("gdbus");
    command.args(["call", "--session", "--dest=org.freedesktop.Notifications"]);
    command.args([
        "--object-path=/org/freedesktop/Notifications",
        "--method=org.freedesktop.Notifications.Notify",
    ]);
    command.args([
        "Deskline",
        "0",
        "",
        "Incoming call",
        "from a test",
        "[]",
        "{}",
        "0",
    ]);
    output(bus.environment().apply(&mut command)).unwrap();
    assert_eq!(notifications.showing().unwrap(), 1);
    notifications.close_all().unwrap();
    let shown = notifications.history().unwrap();
    assert_eq!(
        (shown[0].summary.as_str(), shown[0].body.as_str()),
        ("Incoming call", "from a test")
    );
}

#[test]
fn a_stage_gives_the_app_private_folders_and_leaves_nothing_behind() {
    let stage = Stage::start("parts").unwrap();
    let profile = stage.profile("one").unwrap();
    assert!(profile.is_dir());
    let said = output(
        stage
            .app_command("sh")
            .args(["-c", "echo $DISPLAY; echo $HOME; echo $XDG_RUNTIME_DIR"]),
    )
    .unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], stage.display.name());
    assert!(Path::new(lines[1]).is_dir() && Path::new(lines[2]).is_dir());
    output(stage.app_command("pactl").arg("info")).unwrap();
    drop(stage);
    assert!(!profile.exists());
}

#[test]
fn a_failing_test_keeps_logs_and_a_picture() {
    let name = format!("kept-by-a-test-{}", std::process::id());
    let kept = stage::target_folder().join("e2e").join(&name);
    let inner = name.clone();
    let outcome = std::thread::spawn(move || {
        let _stage = Stage::start(&inner).unwrap();
        panic!("this panic is part of the test");
    })
    .join();
    assert!(outcome.is_err());
    assert!(kept.join("screen.png").metadata().unwrap().len() > 100);
    assert!(kept.join("pulseaudio.log").exists());
    fs::remove_dir_all(kept).unwrap();
}
