//! A history of some years, the same for the same seed.

use std::io::Write;

use anyhow::Result;
use call::{
    CallId, EndReason, Identity, RoomName,
    number::Region,
    output::{LogFinish, LogStart},
    state::Direction,
};
use history::{ContactDraft, Details, PastCall, Quality, Store};

/// A call every 100 s on average: a million are three years of a busy reception.
const MEAN_GAP_MS: i64 = 100_000;
const FIRST_MS: i64 = 1_600_000_000_000;
const STEP: u32 = 2_000;

const GIVEN: &[&str] = &[
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ines", "Jonas", "Katja",
    "Liam", "Mia", "Noah", "Olga", "Paul", "Quinn", "Rosa", "Samir", "Tara", "Uwe", "Vera",
    "Walter", "Xenia", "Yusuf", "Zo\u{eb}",
];
const SYLLABLES: &[&str] = &[
    "al", "ber", "cor", "den", "el", "fer", "gan", "hol", "in", "jor", "kel", "lan", "mer", "nor",
    "os", "pel", "quin", "rad", "sten", "tor", "ul", "ven", "wal", "xan", "yor", "zel",
];
const NOTE_WORDS: &[&str] = &[
    "call",
    "back",
    "monday",
    "invoice",
    "order",
    "delivery",
    "wants",
    "quote",
    "sent",
    "offer",
    "urgent",
    "tomorrow",
    "contract",
    "asked",
    "for",
    "the",
    "manager",
    "complaint",
    "resolved",
    "follow",
    "up",
    "payment",
    "late",
];

/// What the history is made from.
pub(crate) struct World {
    seed: u64,
    pub(crate) rows: u32,
    contacts: u32,
    /// Numbers that call, most of them again and again, with the name that the line tells.
    pub(crate) parties: Vec<(String, Option<String>)>,
    pub(crate) lines: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, rows: u32, contacts: u32) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // One in twelve calls is from somebody new.
        let parties = (0..(rows / 12).max(20))
            .map(|_| party(&mut random))
            .collect();
        Self {
            seed,
            rows,
            contacts,
            parties,
            lines: (0..8).map(|n| format!("+1202555{:04}", 150 + n)).collect(),
        }
    }

    /// Somebody: a tenth of all parties makes half of all calls.
    pub(crate) fn party(&self, random: &mut fastrand::Rng) -> Option<&(String, Option<String>)> {
        let count = self.parties.len();
        let often = random.bool();
        self.parties
            .get(random.usize(..if often { count / 10 } else { count }))
    }

    pub(crate) fn end_ms(&self) -> i64 {
        FIRST_MS + i64::from(self.rows) * MEAN_GAP_MS
    }

    pub(crate) fn start_ms(&self) -> i64 {
        FIRST_MS
    }

    /// Writes all of it, telling how far it is.
    pub(crate) fn fill(&self, store: &Store) -> Result<()> {
        let mut random = fastrand::Rng::with_seed(self.seed ^ 0xca11);
        let region = Region::US;
        for n in 0..self.contacts {
            // Contacts are mostly people who call often.
            let Some((number, _)) = self.parties.get(n as usize % self.parties.len()) else {
                continue;
            };
            let draft = ContactDraft {
                name: format!("{} {}", pick(&mut random, GIVEN), family(&mut random)),
                organisation: family(&mut random),
                numbers: vec![("work".into(), number.clone())],
                ..ContactDraft::default()
            };
            store.add_contact(&draft, region)?;
        }
        let mut at = FIRST_MS;
        let mut done = 0;
        while done < self.rows {
            let step = STEP.min(self.rows - done);
            let calls: Vec<PastCall> = (done..done + step)
                .map(|n| {
                    at += random.i64(1..2 * MEAN_GAP_MS);
                    self.call(n, at, &mut random)
                })
                .collect();
            store.load(&calls)?;
            done += step;
            if done % 50_000 < STEP {
                eprint!("\r{done} of {} calls", self.rows);
                std::io::stderr().flush()?;
            }
        }
        eprintln!();
        Ok(())
    }

    fn call(&self, n: u32, at: i64, random: &mut fastrand::Rng) -> PastCall {
        let direction = if random.u8(..10) < 6 {
            Direction::Inbound
        } else {
            Direction::Outbound
        };
        let (number, name) = self.party(random).cloned().unwrap_or_default();
        let reason = reason(direction, random);
        let talked = matches!(reason, EndReason::HungUp | EndReason::FarEndHungUp);
        let rang = random.i64(1_000..25_000);
        let ended = at
            + rang
            + if talked {
                random.i64(2_000..900_000)
            } else {
                0
            };
        let words = if random.u8(..10) == 0 {
            random.usize(3..12)
        } else {
            0
        };
        let note: Vec<&str> = (0..words).map(|_| pick(random, NOTE_WORDS)).collect();
        PastCall {
            start: LogStart {
                direction,
                number,
                name,
                ..self.start(&format!("c{n}"), at, random)
            },
            finish: finish(&format!("c{n}"), reason, talked.then_some(at + rang), ended),
            details: Details {
                rang_ms: Some(rang),
                microphone: Some("Headset".into()),
                speaker: Some("Headset".into()),
                sip_call_id: Some(format!("SCL_{:016x}", random.u64(..))),
                quality: Quality {
                    packets_lost: Some(random.u64(..50)),
                    packets_received: Some(random.u64(1_000..45_000)),
                    jitter_mean_ms: Some(random.f64() * 5.0),
                    jitter_max_ms: Some(random.f64() * 40.0),
                    reconnections: Some(0),
                },
                ..Details::default()
            },
            note: note.join(" "),
            // Of the missed ones, the newest hundred thousand calls are not looked at yet.
            seen: n < self.rows - self.rows / 10,
        }
    }

    /// The first entry of a call from somebody.
    pub(crate) fn start(&self, call: &str, at: i64, random: &mut fastrand::Rng) -> LogStart {
        let call = call_id(call);
        let (number, name) = self.party(random).cloned().unwrap_or_default();
        LogStart {
            direction: Direction::Outbound,
            number,
            name,
            dialled: None,
            line: Some(pick(random, &self.lines)),
            room: RoomName::outbound(&call),
            leg: Identity::leg(&call),
            started_unix_ms: at,
            call,
        }
    }
}

/// The last entry of a call.
pub(crate) fn finish(
    call: &str,
    reason: EndReason,
    answered: Option<i64>,
    ended: i64,
) -> LogFinish {
    LogFinish {
        call: call_id(call),
        reason,
        answered_unix_ms: answered,
        ended_unix_ms: ended,
        rang: std::time::Duration::ZERO,
        facts: Box::default(),
        leg_gone: true,
        heard_seconds: 1.0,
        heard_dbfs: Some(-20.0),
    }
}

/// A name of a call; ours are letters and digits.
#[allow(clippy::expect_used)]
pub(crate) fn call_id(text: &str) -> CallId {
    CallId::parse(text).expect("letters and digits")
}

fn reason(direction: Direction, random: &mut fastrand::Rng) -> EndReason {
    match (direction, random.u8(..100)) {
        (_, 0..45) => EndReason::FarEndHungUp,
        (_, 45..65) => EndReason::HungUp,
        (Direction::Inbound, 65..85) => EndReason::Missed,
        (Direction::Inbound, 85..97) => EndReason::AnsweredElsewhere {
            by: "Reception".into(),
        },
        (Direction::Inbound, _) => EndReason::DeclinedHere,
        (Direction::Outbound, 65..80) => EndReason::NoAnswer,
        (Direction::Outbound, 80..90) => EndReason::Busy,
        (Direction::Outbound, 90..99) => EndReason::Cancelled,
        (Direction::Outbound, _) => EndReason::LineFailed { code: Some(503) },
    }
}

/// Numbers are made at random, and nobody dials them. Half of the world is in one of a few cities, as for a real office; names come with a third of the numbers.
fn party(random: &mut fastrand::Rng) -> (String, Option<String>) {
    let number = match random.u8(..10) {
        0..4 => format!(
            "+1{}555{:04}",
            random.choice([212, 202, 415, 310]).unwrap_or(212),
            random.u16(100..200)
        ),
        4..7 => format!(
            "+1{}{}{:04}",
            random.u16(201..990),
            random.u16(200..999),
            random.u16(..10_000)
        ),
        7..9 => format!("+4420{:08}", random.u32(30_000_000..89_999_999)),
        _ => format!("+4989{:08}", random.u32(10_000_000..99_999_999)),
    };
    let named = random.u8(..3) == 0;
    (
        number,
        named.then(|| format!("{} {}", pick(random, GIVEN), family(random))),
    )
}

/// A family name of two to four syllables.
pub(crate) fn family(random: &mut fastrand::Rng) -> String {
    let mut name = String::new();
    for _ in 0..random.usize(2..5) {
        name.push_str(pick(random, SYLLABLES));
    }
    name
}

pub(crate) fn given(random: &mut fastrand::Rng) -> String {
    pick(random, GIVEN).to_string()
}

pub(crate) fn note_word(random: &mut fastrand::Rng) -> String {
    pick(random, NOTE_WORDS).to_string()
}

fn pick<T: Clone>(random: &mut fastrand::Rng, of: &[T]) -> T {
    #[allow(clippy::expect_used)]
    random
        .choice(of)
        .expect("a list with something in it")
        .clone()
}
