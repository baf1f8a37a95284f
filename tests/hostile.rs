//! Every command with arguments nobody would send, and names nobody has: nothing panics, nothing but text comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "support/shell.rs"]
mod shell;

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deskline_app::ipc::COMMANDS;
use serde_json::{Map, Value, json};
use shell::{Shell, ask};

/// Commands whose work goes beyond this process: they end it, call out, or write where the person looks.
const LEFT_OUT: [&str; 3] = ["quit", "hook_test", "history_export"];

/// Names of arguments, all that there are.
const NAMES: [&str; 31] = [
    "number",
    "line",
    "keys",
    "call",
    "other",
    "muted",
    "held",
    "to",
    "private",
    "leg",
    "availability",
    "id",
    "query",
    "cursor",
    "limit",
    "note",
    "calls",
    "token",
    "what",
    "text",
    "settings",
    "url",
    "key",
    "secret",
    "compact",
    "firstRun",
    "import",
    "draft",
    "bytes",
    "name",
    "format",
];

/// The same sequence each time (xorshift64*, Marsaglia 2003): a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n).unwrap()).unwrap()
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => "9".repeat(self.below(3_000)),
            2 => {
                let n = self.below(40);
                (0..n)
                    .filter_map(|_| char::from_u32(u32::try_from(self.roll() % 0x11_0000).unwrap()))
                    .collect()
            }
            _ => self
                .one_of(&[
                    "+12125550100",
                    "in_use",
                    "system",
                    "hold",
                    "ring",
                    "history",
                    "available",
                    "US",
                    "../../etc/passwd",
                    "'; DROP TABLE calls; --",
                    "a\u{0}b",
                    "\u{202e}gnp.exe",
                    "LIVEKIT_URL=ws://a\nLIVEKIT_API_KEY='\nLIVEKIT_API_SECRET=\"$(x)\"",
                    "{number}",
                    "wss://127.0.0.1:9",
                    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
                    "Ctrl+Shift+A",
                    "\u{fffd}\u{feff}\r\n\t",
                ])
                .to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.roll().is_multiple_of(2)),
            2 => json!(i64::from_ne_bytes(self.roll().to_ne_bytes())),
            3 => json!(*self.one_of(&[&0_i64, &1, &-1, &i64::MAX, &i64::MIN, &4_294_967_296])),
            4 => json!(f64::from_bits(self.roll())),
            5 => json!(self.text()),
            6 => {
                let n = self.below(4);
                Value::Array((0..n).map(|_| self.value(depth - 1)).collect())
            }
            7 => self.shaped(depth - 1),
            _ => {
                let n = self.below(4);
                let pairs = (0..n).map(|_| (self.text(), self.value(depth - 1)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// Something that could nearly be meant.
    fn shaped(&mut self, depth: usize) -> Value {
        match self.below(6) {
            0 => json!({ "state": "do_not_disturb", "until_ms": self.value(0) }),
            1 => {
                json!({ "text": self.text(), "results": ["missed", self.text()], "from_ms": self.value(0) })
            }
            2 => {
                json!({ "region": self.text(), "ring_for_s": self.value(0), "hours": [{ "days": [self.value(0)], "from_minute": 5, "to_minute": self.value(0) }] })
            }
            3 => {
                json!({ "theme": "dark", "language": self.text(), "hooks": [{ "enabled": true, "moment": "ring", "direction": null, "action": { "kind": "run", "program": self.text(), "arguments": [self.text()] } }] })
            }
            4 => {
                json!({ "shortcuts": [{ "action": "mute", "keys": self.text(), "global": self.value(0) }] })
            }
            _ => {
                json!({ "name": self.text(), "organisation": null, "note": self.value(depth), "numbers": [{ "label": self.text(), "number": self.text() }] })
            }
        }
    }

    fn arguments(&mut self) -> Value {
        let mut arguments = Map::new();
        for name in NAMES {
            if self.below(4) > 0 {
                let value = self.value(2);
                arguments.insert(name.to_owned(), value);
            }
        }
        Value::Object(arguments)
    }
}

/// How many sets of arguments each command gets; a million takes some hours and is for `FUZZ=20000`.
fn rounds() -> usize {
    std::env::var("FUZZ")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60)
}

#[test]
fn no_arguments_make_a_command_panic() {
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    let shell = Shell::open();
    let main = shell.window("main");
    let mut slowest: Vec<(Duration, &str)> = Vec::new();
    let began = Instant::now();
    for (index, command) in COMMANDS.iter().enumerate() {
        if LEFT_OUT.contains(command) {
            continue;
        }
        let mut worst = Duration::ZERO;
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (u64::try_from(index).unwrap() + 1));
        for _ in 0..rounds() {
            let arguments = dice.arguments();
            let asked = Instant::now();
            let answer = ask(&main, command, arguments.clone());
            worst = worst.max(asked.elapsed());
            if let Err(Value::Object(refused)) = answer {
                let said = refused["message"].as_str().unwrap();
                assert!(
                    !said.is_empty() && said.len() < 600,
                    "{command} {arguments}: {said}"
                );
            }
            assert_eq!(panics.load(Ordering::SeqCst), 0, "{command} {arguments}");
        }
        slowest.push((worst, command));
    }
    slowest.sort();
    slowest.reverse();
    eprintln!(
        "{} sets for each of {} commands in {:.1} s; the slowest answers: {:?}",
        rounds(),
        slowest.len(),
        began.elapsed().as_secs_f64(),
        slowest.iter().take(6).collect::<Vec<_>>()
    );
    // Whatever was said, it can still be talked to.
    assert!(ask(&main, "snapshot", json!({})).unwrap()["rev"].is_u64());
    assert!(ask(&main, "desktop_show", json!({})).unwrap()["rev"].is_u64());
}
