//! The journal through its adapter and its reader, on real files.

use std::path::Path;
use std::time::Duration;

use call::input::LogFact;
use call::output::{LogCommand, LogFinish, LogStart};
use call::state::Direction;
use call::{CallId, EndReason, Identity, Input, RoomName};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::*;

mod contacts;
mod export;
mod hostile;
mod import;
mod lines;
mod removal;
mod rows;
mod search;

fn id(text: &str) -> CallId {
    CallId::parse(text).unwrap()
}

fn start(call: &str, at: i64) -> LogStart {
    LogStart {
        call: id(call),
        direction: Direction::Outbound,
        number: "+12125550100".into(),
        dialled: None,
        name: None,
        line: Some("+12025550150".into()),
        room: RoomName::outbound(&id(call)),
        leg: Identity::leg(&id(call)),
        started_unix_ms: at,
    }
}

fn finish(call: &str, reason: EndReason, answered: Option<i64>, ended: i64) -> LogFinish {
    LogFinish {
        call: id(call),
        reason,
        answered_unix_ms: answered,
        ended_unix_ms: ended,
        leg_gone: true,
        heard_seconds: 2.5,
        heard_dbfs: Some(-13.5),
        rang: Duration::ZERO,
        facts: Box::default(),
    }
}

/// The adapter with both ends of its queues.
struct Port {
    commands: mpsc::Sender<LogCommand>,
    facts: mpsc::Receiver<Input>,
    thread: std::thread::JoinHandle<()>,
}

impl Port {
    fn on(journal: Journal) -> Self {
        let (commands, received) = mpsc::channel(16);
        let (sent, facts) = mpsc::channel(16);
        let thread = spawn(received, sent, journal).unwrap();
        Self {
            commands,
            facts,
            thread,
        }
    }

    fn tell(&self, command: LogCommand) {
        self.commands.blocking_send(command).unwrap();
    }

    fn answer(&mut self) -> (String, LogFact) {
        match self.facts.blocking_recv().unwrap() {
            Input::Log { call, fact } => (call.to_string(), fact),
            other => panic!("not a fact of the journal: {other:?}"),
        }
    }

    /// Everything told is written when this returns.
    fn end(self) {
        drop(self.commands);
        self.thread.join().unwrap();
    }
}

#[test]
fn a_call_goes_through_the_journal() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let changes = store.changes();
    let mut port = Port::on(Journal::Kept(store.clone()));
    port.tell(LogCommand::Start(start("c1", 1_000)));
    assert_eq!(port.answer(), ("c1".into(), LogFact::Logged));
    assert_eq!(
        store.entry("c1").unwrap().outcome,
        None,
        "the row is there before anything is dialled"
    );
    assert!(changes.has_changed().unwrap());
    port.tell(LogCommand::Answered {
        call: id("c1"),
        at_unix_ms: 3_000,
    });
    port.tell(LogCommand::Alive {
        call: id("c1"),
        at_unix_ms: 8_000,
        muted: false,
    });
    port.tell(LogCommand::Finish(finish(
        "c1",
        EndReason::FarEndHungUp,
        Some(3_000),
        9_500,
    )));
    port.end();
    let entry = store.entry("c1").unwrap();
    assert_eq!(
        entry,
        HistoryEntry {
            id: "c1".into(),
            direction: Direction::Outbound,
            number: "+12125550100".into(),
            name: None,
            line: Some("+12025550150".into()),
            started_unix_ms: 1_000,
            answered_unix_ms: Some(3_000),
            ended_unix_ms: Some(9_500),
            outcome: Some("far_end_hung_up".into()),
            outcome_detail: None,
            words: Some("They ended the call".into()),
            sip_code: None,
            heard_seconds: 2.5,
            heard_dbfs: Some(-13.5),
            missed: false,
            result: CallResult::Answered,
            room: "outbound-c1".into(),
            ..HistoryEntry::default()
        }
    );
}

#[test]
fn outcomes_keep_their_detail() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    for (call, reason) in [
        ("c1", EndReason::Missed),
        ("c2", EndReason::LineFailed { code: Some(503) }),
        (
            "c3",
            EndReason::AnsweredElsewhere {
                by: "Reception".into(),
            },
        ),
    ] {
        store.start(&start(call, 1)).unwrap();
        store.finish(&finish(call, reason, None, 2)).unwrap();
    }
    assert!(store.entry("c1").unwrap().missed);
    assert_eq!(store.entry("c2").unwrap().sip_code, Some(503));
    assert!(!store.entry("c2").unwrap().missed);
    assert_eq!(
        store.entry("c3").unwrap().outcome_detail.as_deref(),
        Some("Reception")
    );
}

#[test]
fn pages_hold_every_call_once_newest_first() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    // Three calls share a millisecond, across a page border.
    for (call, at) in [("a", 10), ("b", 20), ("c", 20), ("d", 20), ("e", 30)] {
        store.start(&start(call, at)).unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.page(cursor.as_deref(), 2).unwrap();
        assert!(page.entries.len() <= 2);
        seen.extend(page.entries.into_iter().map(|entry| entry.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
    for bad in [
        "",
        "x",
        "1",
        "x.a",
        "at.",
        "at.x",
        "at.99999999999999999999",
    ] {
        assert!(
            matches!(store.page(Some(bad), 2), Err(HistoryError::BadCursor)),
            "{bad:?}"
        );
    }
}

#[test]
fn settings_are_kept_and_forgotten() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    assert_eq!(store.setting("account.url").unwrap(), None);
    store.set_setting("account.url", Some("ws://one")).unwrap();
    store.set_setting("account.url", Some("ws://two")).unwrap();
    drop(store);
    let store = Store::open(profile.path()).unwrap();
    assert_eq!(
        store.setting("account.url").unwrap().as_deref(),
        Some("ws://two")
    );
    store.set_setting("account.url", None).unwrap();
    assert_eq!(store.setting("account.url").unwrap(), None);
    let several = |value| [("account.url", value), ("account.key", value)];
    store.set_settings(&several(Some("one"))).unwrap();
    // All of them or none.
    let refuse = "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON settings WHEN NEW.key = 'account.key'
        BEGIN SELECT RAISE(FAIL, 'no'); END";
    store.connection_for_tests().execute_batch(refuse).unwrap();
    assert!(store.set_settings(&several(Some("two"))).is_err());
    assert_eq!(
        store.setting("account.url").unwrap().as_deref(),
        Some("one")
    );
    store.set_settings(&several(None)).unwrap();
    assert_eq!(store.setting("account.key").unwrap(), None);
}

#[test]
fn what_an_earlier_run_left_is_taken_once_and_settled() {
    let profile = tempfile::tempdir().unwrap();
    let earlier = Store::open(profile.path()).unwrap();
    earlier.start(&start("answered", 1_000)).unwrap();
    earlier.answered(&id("answered"), 2_000).unwrap();
    earlier.alive(&id("answered"), 7_000, true).unwrap();
    earlier.start(&start("dialling", 3_000)).unwrap();
    earlier.start(&start("over", 4_000)).unwrap();
    earlier
        .finish(&finish("over", EndReason::Busy, None, 5_000))
        .unwrap();
    earlier.start(&start("leg-left", 5_000)).unwrap();
    let left = LogFinish {
        leg_gone: false,
        ..finish("leg-left", EndReason::HungUp, Some(5_500), 6_000)
    };
    earlier.finish(&left).unwrap();

    let mine = Store::open(profile.path()).unwrap();
    assert_eq!(
        mine.take_orphans(10_000).unwrap(),
        [],
        "the earlier run still lives"
    );
    drop(earlier);
    let orphans = mine.take_orphans(10_000).unwrap();
    let found: Vec<_> = orphans
        .iter()
        .map(|o| (o.call.as_str(), o.answered, o.age.as_millis()))
        .collect();
    assert_eq!(
        found,
        [
            ("answered", true, 3_000),
            ("dialling", false, 7_000),
            ("leg-left", true, 4_000)
        ]
    );
    assert_eq!(orphans[1].leg, Identity::leg(&id("dialling")));
    let muted: Vec<bool> = orphans.iter().map(|o| o.muted).collect();
    assert_eq!(muted, [true, false, false]);
    let other = Store::open(profile.path()).unwrap();
    assert_eq!(
        other.take_orphans(10_000).unwrap(),
        [],
        "a second program does not get them as well"
    );

    let port = Port::on(Journal::Kept(mine.clone()));
    for call in ["answered", "dialling", "leg-left"] {
        port.tell(LogCommand::FinishOrphan { call: id(call) });
    }
    for call in ["answered", "dialling"] {
        port.tell(LogCommand::LegGone { call: id(call) });
    }
    port.end();
    let entry = mine.entry("answered").unwrap();
    assert_eq!(
        (entry.ended_unix_ms, entry.outcome.as_deref()),
        (Some(7_000), Some("interrupted"))
    );
    assert_eq!(mine.entry("dialling").unwrap().ended_unix_ms, Some(3_000));
    let entry = mine.entry("leg-left").unwrap();
    assert_eq!(
        (entry.ended_unix_ms, entry.outcome.as_deref()),
        (Some(6_000), Some("hung_up")),
        "an outcome is kept"
    );
    drop(mine);
    let again: Vec<_> = other
        .take_orphans(10_000)
        .unwrap()
        .iter()
        .map(|o| o.call.to_string())
        .collect();
    assert_eq!(again, ["leg-left"], "its leg is still not known to be gone");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let limit = |pages: i64| {
        // The same error code as a disk without space, raised by the same layer.
        let connection = store.connection_for_tests();
        let _: i64 = connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get(0)
            })
            .unwrap();
    };
    let long = LogStart {
        line: Some("1".repeat(20_000)),
        ..start("c1", 1)
    };
    limit(1);
    let mut port = Port::on(Journal::Kept(store.clone()));
    port.tell(LogCommand::Start(long));
    let (call, fact) = port.answer();
    assert_eq!(call, "c1");
    let LogFact::Failed { what } = fact else {
        panic!("{fact:?}")
    };
    assert!(what.starts_with("The disk is full"), "{what}");
    port.tell(LogCommand::Finish(finish(
        "c1",
        EndReason::HungUp,
        Some(2),
        3,
    )));
    assert!(matches!(port.answer().1, LogFact::Failed { .. }));
    limit(1_000_000);
    port.tell(LogCommand::Start(start("c2", 4)));
    assert_eq!(port.answer(), ("c2".into(), LogFact::Logged));
    port.end();
    assert_eq!(
        store.entry("c1").unwrap().outcome.as_deref(),
        Some("hung_up"),
        "written once there was room"
    );
}

#[test]
fn entries_of_a_call_stay_in_order_and_hold_no_other_call_up() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let run = |sql: &str| store.connection_for_tests().execute_batch(sql).unwrap();
    let mut port = Port::on(Journal::Kept(store.clone()));
    port.tell(LogCommand::Start(start("c1", 1)));
    assert_eq!(port.answer(), ("c1".into(), LogFact::Logged));
    // The disk takes every entry but this one.
    run(
        "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON calls WHEN NEW.answered_at = 5 BEGIN SELECT RAISE(FAIL, 'no'); END",
    );
    port.tell(LogCommand::Answered {
        call: id("c1"),
        at_unix_ms: 5,
    });
    port.tell(LogCommand::Finish(finish(
        "c1",
        EndReason::HungUp,
        Some(6),
        7,
    )));
    port.tell(LogCommand::Start(start("c2", 8)));
    assert!(matches!(port.answer(), (call, LogFact::Failed { .. }) if call == "c1"));
    assert_eq!(port.answer(), ("c2".into(), LogFact::Logged));
    run("DROP TRIGGER refuse");
    port.end();
    let kept = store.entry("c1").unwrap();
    assert_eq!(kept.outcome.as_deref(), Some("hung_up"));
    assert_eq!(
        kept.answered_unix_ms,
        Some(6),
        "the newest was written last"
    );
}

#[test]
fn a_journal_that_cannot_be_opened_leaves_the_phone_usable() {
    let mut port = Port::on(Journal::Lost(HistoryError::Newer { found: 9, known: 2 }));
    port.tell(LogCommand::Start(start("c1", 1)));
    let (_, fact) = port.answer();
    assert_eq!(
        fact,
        LogFact::Failed {
            what: HistoryError::Newer { found: 9, known: 2 }.to_string()
        }
    );
    port.end();
}

#[test]
fn a_newer_file_is_refused_and_not_touched() {
    let profile = tempfile::tempdir().unwrap();
    drop(Store::open(profile.path()).unwrap());
    let file = profile.path().join("history.db");
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    newer.close().unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = Store::open(profile.path()).unwrap_err();
    assert!(
        matches!(
            error,
            HistoryError::Newer {
                found: 99,
                known: crate::schema::NEWEST
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "This history was written by a newer Deskline. Update Deskline or choose another profile."
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_damaged_file_is_named_as_such() {
    let profile = tempfile::tempdir().unwrap();
    std::fs::write(
        profile.path().join("history.db"),
        "this is no database at all, ".repeat(200),
    )
    .unwrap();
    assert!(matches!(
        Store::open(profile.path()),
        Err(HistoryError::Damaged(_))
    ));
}

#[cfg(unix)]
#[test]
fn a_missing_folder_is_made_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let profile = parent.path().join("deep/profile");
    drop(Store::open(&profile).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&profile), 0o700);
    assert_eq!(mode(&profile.join("history.db")), 0o600);
}

#[test]
fn a_profile_that_is_a_file_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let profile = parent.path().join("file");
    std::fs::write(&profile, "x").unwrap();
    assert!(matches!(
        Store::open(&profile),
        Err(HistoryError::Folder(_))
    ));
}

/// `/sys` takes no folder from anybody, the superuser included, who could write to a folder without write permission.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_named_as_such() {
    let error = Store::open(Path::new("/sys/deskline")).unwrap_err();
    assert!(matches!(error, HistoryError::ReadOnly(_)), "{error:?}");
}

#[test]
fn programs_that_start_at_once_share_a_fresh_profile() {
    let profile = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let path = profile.path().to_owned();
            std::thread::spawn(move || {
                let store = Store::open(&path).unwrap();
                store.start(&start(&format!("c{n}"), n)).unwrap();
                store
            })
        })
        .collect();
    let stores: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(stores[0].page(None, 50).unwrap().entries.len(), 8);
}

/// Does not outlive the test, whatever becomes of it.
struct Writing(std::process::Child);

impl Drop for Writing {
    fn drop(&mut self) {
        let _over = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The same test plays both parts: started by itself with the folder in the environment, it writes until it is killed.
#[test]
fn a_killed_program_leaves_good_rows() {
    const FOLDER: &str = "DESKLINE_TEST_JOURNAL";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let store = Store::open(Path::new(&folder)).unwrap();
        for n in 0_i64..100_000 {
            let call = format!("c{n}");
            store.start(&start(&call, n)).unwrap();
            store.answered(&id(&call), n).unwrap();
            // SQLite's queue for the lock is not fair: who never pauses can keep the other program out for seconds.
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    let profile = tempfile::tempdir().unwrap();
    let mine = Store::open(profile.path()).unwrap();
    let mut writer = Writing(
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::a_killed_program_leaves_good_rows"])
            .env(FOLDER, profile.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap(),
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(180);
    while mine.page(None, 500).unwrap().entries.len() < 50 {
        assert!(
            std::time::Instant::now() < deadline,
            "the writer wrote nothing"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(mine.take_orphans(0).unwrap(), [], "the writer lives");
    writer.0.kill().unwrap();
    writer.0.wait().unwrap();
    let orphans = mine.take_orphans(1_000_000).unwrap();
    assert!(orphans.len() >= 50);
    for (n, orphan) in orphans.iter().enumerate() {
        assert_eq!(orphan.call.as_str(), format!("c{n}"), "no row is missing");
        mine.finish_orphan(&orphan.call).unwrap();
        mine.leg_gone(&orphan.call).unwrap();
    }
    assert_eq!(mine.take_orphans(0).unwrap(), []);
    let sound: String = mine
        .connection_for_tests()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}
