//! What many short calls leave behind in a program that runs all day: memory, threads and open files after the last of them,
//! compared with those after the first few. The real program, steered line by line; the far end hangs up after a second or two.

use std::io::Write as _;
use std::process::ChildStdin;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stage::{App, Inbound, Terminal};

use crate::{
    inbound::is_ready,
    journal::{Journal, Measure},
    place::{CALLER, OUR_TONE, PATIENCE, Place, THEIR_TONE},
    usage::Usage,
};

/// The phone that answers and hangs up after two seconds.
const SHORT_NUMBER: &str = "+12125550107";
/// After so many calls everything that is loaded once has been loaded.
const WARM_UP: usize = 5;
/// How often it is said how far it is.
const SAID_EVERY: usize = 50;
/// How long a caller rings before somebody answers: every desk is in the room by then.
const RINGS: Duration = Duration::from_millis(500);
/// How long they talk.
const TALKS: Duration = Duration::from_secs(1);

/// What is measured of one kind of call.
struct Measures {
    name: &'static str,
    memory: Measure,
    each: Measure,
    late: Measure,
    threads: Measure,
    files: Measure,
    lasted: Measure,
}

macro_rules! measures {
    ($($of:ident: $key:literal, $words:literal;)*) => {
        $(static $of: Measures = Measures {
            name: $words,
            memory: Measure { key: concat!($key, "_mb"), name: concat!($words, ": memory grew by (PSS)"), unit: "MB" },
            each: Measure { key: concat!($key, "_each_mb"), name: concat!($words, ": for each call"), unit: "MB" },
            late: Measure { key: concat!($key, "_late_mb"), name: concat!($words, ": for each of the last half"), unit: "MB" },
            threads: Measure { key: concat!($key, "_threads"), name: concat!($words, ": threads more than before"), unit: "threads" },
            files: Measure { key: concat!($key, "_files"), name: concat!($words, ": open files more than before"), unit: "files" },
            lasted: Measure { key: concat!($key, "_call_s"), name: concat!($words, ": each took, all in all"), unit: "s" },
        };)*
    };
}

measures! {
    DIALLED: "growth", "many short calls";
    ANSWERED: "growth_answered", "many callers, answered here";
    ELSEWHERE: "growth_elsewhere", "many callers, a colleague answers";
}

/// What a process has at one moment.
struct Holds {
    memory: f64,
    threads: usize,
    files: usize,
}

impl Holds {
    fn of(pid: u32) -> Result<Self> {
        let usage = Usage::of(pid)?;
        Ok(Self {
            memory: usage.memory,
            threads: usage.threads,
            files: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}

/// `count` calls that we dial, after a few that do not count.
pub(crate) fn measure(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let mut desk = Desk::open(&place.app)?;
    let pid = desk.pid();
    many(&DIALLED, pid, journal, count, || {
        desk.order(&format!("dial {SHORT_NUMBER}"))?;
        desk.until("live")?;
        desk.until_over(true)
    })?;
    desk.quit()
}

/// `count` callers whom we answer, and as many whom a colleague's desk answers while they ring here too.
pub(crate) fn of_callers(place: &Place, journal: &mut Journal, count: usize) -> Result<()> {
    let _voice = place.stage.sound.speak_tone(OUR_TONE, 0.5)?;
    let says = format!("tone:{THEIR_TONE}");
    let caller = Inbound::from(CALLER).says(says).hangs_up_after(TALKS);
    let mut desk = Desk::open(&place.app)?;
    let pid = desk.pid();
    many(&ANSWERED, pid, journal, count, || {
        place.line.phones.place_inbound(&caller)?;
        desk.until("offered")?;
        sleep(RINGS);
        desk.order("answer")?;
        desk.until("live")?;
        desk.until_over(true)
    })?;
    let app = place.stage.app("colleague")?;
    app.sign_in(&place.line.ready)?;
    let mut colleague = Desk::open(&app)?;
    many(&ELSEWHERE, pid, journal, count, || {
        place.line.phones.place_inbound(&caller)?;
        desk.until("offered")?;
        colleague.until("offered")?;
        sleep(RINGS);
        colleague.order("answer")?;
        desk.until_over(false)?;
        colleague.until("live")?;
        colleague.until_over(true)
    })?;
    colleague.quit()?;
    desk.quit()
}

/// Goes the way `WARM_UP + count` times and tells what the process has more afterwards.
fn many(
    of: &'static Measures,
    pid: u32,
    journal: &mut Journal,
    count: usize,
    mut one: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut before = None;
    let mut half = None;
    let began = Instant::now();
    for call in 1..=WARM_UP + count {
        if call == WARM_UP + 1 {
            before = Some((Holds::of(pid)?, Instant::now()));
        }
        if call == WARM_UP + 1 + count / 2 {
            half = Some(Holds::of(pid)?);
        }
        one().with_context(|| format!("{}, call {call}", of.name))?;
        if call % SAID_EVERY == 0 {
            let now = Holds::of(pid)?;
            println!(
                "   {call:>4} calls in {:.0} s: {:.1} MB, {} threads, {} files",
                began.elapsed().as_secs_f64(),
                now.memory,
                now.threads,
                now.files
            );
        }
    }
    let (before, since) = before.context("there was no call")?;
    let half = half.context("there was no call")?;
    let seconds = since.elapsed().as_secs_f64() / count.max(1) as f64;
    // The devices close a moment after the last tone.
    sleep(Duration::from_secs(2));
    let after = Holds::of(pid)?;
    let each = |since: &Holds, calls: usize| (after.memory - since.memory) / calls.max(1) as f64;
    let (all, late) = (each(&before, count), each(&half, count - count / 2));
    println!(
        "   {}: {count} after {WARM_UP}: {:.1} -> {:.1} MB, {all:.3} MB each, {late:.3} in the last half; {} -> {} threads, \
         {} -> {} files",
        of.name,
        before.memory,
        after.memory,
        before.threads,
        after.threads,
        before.files,
        after.files
    );
    let more = |before: usize, after: usize| after as f64 - before as f64;
    journal.value(&of.memory, 1, after.memory - before.memory);
    journal.value(&of.each, 1, all);
    journal.value(&of.late, 1, late);
    journal.value(&of.threads, 1, more(before.threads, after.threads));
    journal.value(&of.files, 1, more(before.files, after.files));
    journal.value(&of.lasted, 1, seconds);
    journal.write(&json!({
        "kind": of.memory.key, "calls": count, "memory_mb": [before.memory, half.memory, after.memory],
        "threads": [before.threads, after.threads], "files": [before.files, after.files],
    }));
    Ok(())
}

/// The program, told what to do line by line.
struct Desk {
    phone: Terminal,
    orders: ChildStdin,
}

impl Desk {
    fn open(app: &App) -> Result<Self> {
        let mut phone = app.terminal(&["phone"])?;
        let orders = phone.process().take_stdin();
        let orders = orders.context("it takes no orders")?;
        phone.wait_for(|line| is_ready(line) || shows_ready(line), PATIENCE)?;
        Ok(Self { phone, orders })
    }

    fn pid(&mut self) -> u32 {
        self.phone.process().pid()
    }

    fn order(&mut self, order: &str) -> Result<()> {
        writeln!(self.orders, "{order}").context("it takes no more orders")
    }

    /// Until the newest open call is in this state.
    fn until(&mut self, state: &str) -> Result<()> {
        let is = |line: &Value| open_call(line).flatten().as_deref() == Some(state);
        self.phone.wait_for(is, PATIENCE).map(drop)
    }

    /// Until no call is open any more, and the newest was `answered` by us.
    fn until_over(&mut self, answered: bool) -> Result<()> {
        let over = |line: &Value| open_call(line) == Some(None);
        let over = self.phone.wait_for(over, PATIENCE)?;
        let newest = over.pointer("/view/calls").and_then(Value::as_array);
        let newest = newest.into_iter().flatten().next_back();
        let was = newest.map(|call| call.get("answered_at_ms").is_some_and(Value::is_number));
        if was != Some(answered) {
            bail!("it was another call: {}", json!(newest));
        }
        Ok(())
    }

    fn quit(self) -> Result<()> {
        drop(self.orders);
        self.phone.finish(PATIENCE).map(drop)
    }
}

fn shows_ready(line: &Value) -> bool {
    line.pointer("/view/line/state").and_then(Value::as_str) == Some("ready")
}

/// The state of the newest call that is not over, of a line that shows calls.
fn open_call(line: &Value) -> Option<Option<String>> {
    let calls = line.pointer("/view/calls")?.as_array()?;
    let mut open = calls.iter().filter_map(|call| {
        let state = call.get("state")?.as_str()?;
        (state != "ended").then(|| state.to_owned())
    });
    Some(open.next_back())
}
