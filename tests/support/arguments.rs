//! Arguments that nobody would send, for every command: what each takes is read from its own declaration, so that a new
//! one is tried without being named here.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Where commands are declared.
const DECLARED: [&str; 3] = [
    include_str!("../../src-tauri/ipc/commands.rs"),
    include_str!("../../src-tauri/ipc/line_commands.rs"),
    include_str!("../../src-tauri/ipc/desktop_commands.rs"),
];
/// What the shell itself hands in.
const FROM_THE_SHELL: [&str; 3] = ["State<", "Webview<", "AppHandle<"];

/// An argument: its name as the page says it, and its type as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    pub name: String,
    pub kind: String,
}

/// Every command with the arguments that pages send.
pub fn declared() -> BTreeMap<String, Vec<Argument>> {
    let mut found = BTreeMap::new();
    for text in DECLARED {
        for after in text.split("#[tauri::command]").skip(1) {
            let (name, rest) = after.split_once("fn ").unwrap().1.split_once('(').unwrap();
            let name = name.split('<').next().unwrap().to_owned();
            found.insert(name, parameters(rest));
        }
    }
    found
}

/// The parameters before the bracket that closes the list.
fn parameters(rest: &str) -> Vec<Argument> {
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for letter in rest.chars() {
        match letter {
            '(' | '<' | '[' => depth += 1,
            ')' if depth == 0 => break,
            ')' | '>' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(letter);
    }
    parts
        .iter()
        .filter_map(|part| part.split_once(':'))
        .map(|(name, kind)| (name.trim(), kind.trim()))
        .filter(|(_, kind)| !FROM_THE_SHELL.iter().any(|from| kind.starts_with(from)))
        .map(|(name, kind)| Argument {
            name: camel(name),
            kind: kind.to_owned(),
        })
        .collect()
}

/// `first_run` as pages say it: `firstRun`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |so_far, word| {
        let (head, tail) = word.split_at(1.min(word.len()));
        so_far + &head.to_uppercase() + tail
    })
}

/// The same sequence each time (xorshift64*, Marsaglia 2003): a failure can be seen again.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// `number` tells the sequences of one seed apart.
    pub fn new(seed: u64, number: usize) -> Self {
        let mixed = seed ^ 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
        Self(mixed.max(1))
    }

    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from((self.roll() >> 16) % n as u64).unwrap()
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        match self.below(16) {
            0 => String::new(),
            1 => "9".repeat(self.below(3_000)),
            2 | 3 => {
                let n = self.below(40);
                (0..n)
                    .filter_map(|_| char::from_u32(u32::try_from(self.roll() % 0x11_0000).unwrap()))
                    .collect()
            }
            _ => self
                .one_of(&[
                    "+12125550100",
                    "2125550100,,42#",
                    "112",
                    "in_use",
                    "system",
                    "hold",
                    "ring",
                    "history",
                    "available",
                    "US",
                    "twilio",
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

    fn number(&mut self) -> Value {
        match self.below(4) {
            0 => json!(self.below(100)),
            1 => json!(i64::from_ne_bytes(self.roll().to_ne_bytes())),
            2 => json!(f64::from_bits(self.roll())),
            _ => json!(*self.one_of(&[&0_i64, &1, &-1, &i64::MAX, &i64::MIN, &4_294_967_296])),
        }
    }

    /// Anything.
    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => self.number(),
            3 | 4 => json!(self.text()),
            5 => {
                let n = self.below(4);
                Value::Array((0..n).map(|_| self.value(depth - 1)).collect())
            }
            _ => {
                let n = self.below(4);
                let pairs = (0..n).map(|_| (self.text(), self.value(depth - 1)));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// Something of the kind that is wanted.
    fn of_kind(&mut self, kind: &str, samples: &Samples) -> Value {
        if let Some(inner) = inside(kind, "Option<") {
            return if self.below(4) == 0 {
                Value::Null
            } else {
                self.of_kind(inner, samples)
            };
        }
        if let Some(inner) = inside(kind, "Vec<") {
            let n = self.below(5);
            return Value::Array((0..n).map(|_| self.of_kind(inner, samples)).collect());
        }
        match kind {
            "String" => json!(self.text()),
            "bool" => json!(self.below(2) == 0),
            "u8" => json!(self.below(256)),
            "u16" | "u32" | "u64" | "i64" | "f64" => self.number(),
            _ => match samples.of(kind) {
                Some(of_it) => {
                    let mut sample = self.one_of(&of_it.iter().collect::<Vec<_>>()).clone();
                    for _ in 0..self.below(4) {
                        self.spoil(&mut sample);
                    }
                    sample
                }
                None => self.value(2),
            },
        }
    }

    /// Changes one place of it: another value, a wrong one, none, or one too many.
    fn spoil(&mut self, value: &mut Value) {
        let go_on = self.below(4) > 0;
        match value {
            Value::Object(fields) if go_on && !fields.is_empty() => {
                let at = self.below(fields.len());
                let name = fields.keys().nth(at).unwrap().clone();
                if self.below(8) == 0 {
                    fields.remove(&name);
                } else if let Some(field) = fields.get_mut(&name) {
                    self.spoil(field);
                }
            }
            Value::Array(entries) if go_on && !entries.is_empty() => {
                let at = self.below(entries.len());
                if self.below(8) == 0 {
                    let again = entries[at].clone();
                    entries.extend(std::iter::repeat_n(again, 1 + self.below(150)));
                } else {
                    self.spoil(&mut entries[at]);
                }
            }
            Value::String(_) if go_on => *value = json!(self.text()),
            Value::Number(_) if go_on => *value = self.number(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => *value = self.value(1),
        }
    }

    /// One set of arguments: most of the right kind, some of any, some left out.
    pub fn arguments(&mut self, wanted: &[Argument], samples: &Samples) -> Value {
        let mut arguments = Map::new();
        for argument in wanted {
            let value = match self.below(16) {
                0 => continue,
                1 | 2 => self.value(2),
                _ => self.of_kind(&argument.kind, samples),
            };
            arguments.insert(argument.name.clone(), value);
        }
        Value::Object(arguments)
    }
}

fn inside<'a>(kind: &'a str, outer: &str) -> Option<&'a str> {
    kind.strip_prefix(outer)?.strip_suffix('>')
}

/// What could be meant: of each kind of argument some that are right.
#[derive(Debug)]
pub struct Samples(BTreeMap<&'static str, Vec<Value>>);

impl Samples {
    /// `show` asks a command that shows what is set.
    pub fn gather(show: impl Fn(&str) -> Value) -> Self {
        let words = |words: &[&str]| words.iter().map(|word| json!(word)).collect();
        let sign_in = json!({ "account": "AC1", "key": "", "secret": "x" });
        let hook = json!({ "enabled": true, "moment": "ring", "direction": null,
            "action": { "kind": "run", "program": "/bin/true", "arguments": ["{number}", "{name}"] } });
        let mut desktop = show("desktop_show")["settings"].clone();
        let mut settings = show("settings_show")["settings"].clone();
        let plain = (desktop.clone(), settings.clone());
        desktop["hooks"] = json!([hook, { "enabled": false, "moment": "end", "direction": "inbound",
            "action": { "kind": "open_url", "template": "https://crm.example/?n={number}" } }]);
        settings["hours"] = json!([{ "days": [1, 5], "from_minute": 540, "to_minute": 1020 }]);
        settings["always_ring"] = json!(["+12125550100"]);
        Self(BTreeMap::from([
            (
                "SettingsChange",
                vec![plain.1, settings, json!({ "keep_days": 0 })],
            ),
            ("DesktopSettings", vec![plain.0, desktop]),
            (
                "SoundSettings",
                vec![show("sound_show")["settings"].clone()],
            ),
            (
                "WatchersDraft",
                vec![show("watchers_show")["wanted"].clone()],
            ),
            (
                "FirstRunView",
                vec![json!({ "done": false, "step": "sound" })],
            ),
            (
                "HistoryQuery",
                vec![
                    json!({}),
                    json!({ "text": "Ada 0100", "direction": "inbound", "results": ["missed"], "unseen": true,
                        "line": "+12125550100", "from_ms": 0, "to_ms": 1_700_000_000_000_i64 }),
                ],
            ),
            (
                "ContactDraft",
                vec![json!({ "name": "Ada", "organisation": "", "note": "",
                    "numbers": [{ "label": "work", "number": "+12125550100" }] })],
            ),
            (
                "LineAsked",
                vec![
                    json!({ "provider": "twilio", "name": "Main", "numbers": ["+12125550100"], "sip": "",
                    "sign_in": sign_in, "host": "", "handler": "", "user": "", "password": "", "transport": "auto", "secure": true, "pin": "" }),
                ],
            ),
            ("LineSignIn", vec![sign_in]),
            ("HookSetting", vec![hook]),
            (
                "AvailabilityView",
                vec![
                    json!({ "state": "available" }),
                    json!({ "state": "do_not_disturb", "until_ms": 1_900_000_000_000_i64 }),
                ],
            ),
            ("OtherCall", words(&["hold", "end"])),
            ("EnvPurpose", words(&["account", "line"])),
            ("WipeWhat", words(&["history", "contacts", "everything"])),
            ("ExportFormat", words(&["csv", "json"])),
            (
                "RingtoneSetting",
                words(&["bars", "bells", "trill", "drops", "own"]),
            ),
            ("Channel<LevelsView>", words(&["__CHANNEL__:1"])),
            ("Channel<LineProgressView>", words(&["__CHANNEL__:2"])),
        ]))
    }

    /// Those of a kind, or none.
    pub fn of(&self, kind: &str) -> Option<&[Value]> {
        self.0.get(kind).map(Vec::as_slice)
    }

    /// A right value of a kind, if one is known.
    pub fn right(&self, kind: &str) -> Option<Value> {
        if kind.starts_with("Option<") {
            return Some(Value::Null);
        }
        if kind.starts_with("Vec<") {
            return Some(json!([]));
        }
        match kind {
            "String" => Some(json!("")),
            "bool" => Some(json!(false)),
            "u8" | "u16" | "u32" | "u64" | "i64" | "f64" => Some(json!(1)),
            _ => self.of(kind)?.first().cloned(),
        }
    }
}
