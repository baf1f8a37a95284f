//! Search, filters and pages against a list in memory that is filtered in the plainest way.

use call::state::Direction;

use super::*;

/// A call of the list, with what a person would say it contains.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    at: i64,
    direction: Direction,
    number: usize,
    name: &'static str,
    note: &'static str,
    line: &'static str,
    result: CallResult,
    seen: bool,
}

/// E.164, and every way in which its digits are written.
const NUMBERS: &[(&str, &[&str])] = &[
    ("+12125550100", &["0012125550100"]),
    ("+12125550123", &["0012125550123"]),
    ("+442079460018", &["00442079460018", "02079460018"]),
    ("+442079460123", &["00442079460123", "02079460123"]),
    ("+442079460555", &["00442079460555", "02079460555"]),
    ("100", &["100"]),
    ("", &[]),
];
const NAMES: &[&str] = &[
    "",
    "Anna Bell",
    "annabel",
    "Bob 100%",
    "a_b \"quoted\"",
    "NEAR OR AND",
    "Zo\u{eb}",
];
const NOTES: &[&str] = &[
    "",
    "call back",
    "ring 020 7946 0018 back",
    "100% sure",
    "anna* (bob)",
    "x",
];
const LINES: &[&str] = &["main", "sales"];
/// Number and contact; the last has a number nobody called.
const PEOPLE: &[(&[usize], &str, &str)] = &[
    (&[0], "Clara Oak", "likes tea"),
    (&[2, 4], "Dora Elm", "bob's sister"),
    (&[5], "Reception", ""),
];
const SEARCHES: &[&str] = &[
    "",
    " ",
    "a",
    "an",
    "ann",
    "anna",
    "ANNA BELL",
    "bell anna",
    "annabel",
    "bob",
    "100",
    "100%",
    "%",
    "_",
    "a_b",
    "\"",
    "\"quoted\"",
    "NEAR",
    "and or",
    "OR",
    "*",
    "anna*",
    "(bob)",
    "zoe",
    "Zo\u{eb}",
    "020 7946 0018",
    "7946",
    "0018",
    "+44 20 7946 0018",
    "\u{2b}44 (0)20 7946 0018",
    "0044 20",
    "(212) 555-0100",
    "555",
    "0100",
    "01",
    "1",
    "clara",
    "oak tea",
    "dora ring",
    "dora 7946",
    "bob's",
    "clara anna",
    "reception",
    "x",
    "no such thing",
    "0555",
    "back call",
    "sure 100",
    "\0",
    "\u{202e}",
];

fn fold(text: &str) -> String {
    text.to_lowercase().replace('\u{eb}', "e")
}

/// Whether a person would say that the call is one of those.
fn naive(call: &Known, search: &str) -> bool {
    let folded = fold(search);
    let folded = folded.trim();
    if folded.is_empty() {
        return true;
    }
    if folded.chars().all(|c| c.is_control() || c == '\u{202e}') {
        return false;
    }
    let (_, forms) = NUMBERS[call.number];
    let contact = PEOPLE
        .iter()
        .find(|(numbers, ..)| numbers.contains(&call.number));
    let mut texts = vec![fold(call.name), fold(call.note)];
    let mut digits: Vec<&str> = forms.to_vec();
    if let Some((numbers, name, note)) = contact {
        texts.extend([fold(name), fold(note)]);
        digits.extend(numbers.iter().flat_map(|number| NUMBERS[*number].1));
    }
    let has = |word: &str| {
        let bare: String = word
            .replace("(0)", "")
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let is_number = word
            .chars()
            .all(|c| c.is_ascii_digit() || " +()-".contains(c));
        let as_number = is_number
            && !bare.is_empty()
            && (digits.iter().any(|form| form.contains(&bare))
                || texts.iter().any(|text| text.contains(&bare)));
        as_number || texts.iter().any(|text| text.contains(word))
    };
    let is_number = folded
        .chars()
        .all(|c| c.is_ascii_digit() || " +()-".contains(c));
    if is_number && folded.chars().any(|c| c.is_ascii_digit()) {
        return has(folded);
    }
    folded.split_whitespace().all(has)
}

fn passes(call: &Known, query: &Query) -> bool {
    query
        .direction
        .is_none_or(|direction| direction == call.direction)
        && (query.results.is_empty() || query.results.contains(&call.result))
        && (!query.unseen || call.result == CallResult::Missed && !call.seen)
        && query.line.as_deref().is_none_or(|line| line == call.line)
        && query
            .caller
            .as_deref()
            .is_none_or(|caller| caller == NUMBERS[call.number].0)
        && query.from_unix_ms.is_none_or(|from| call.at >= from)
        && query.to_unix_ms.is_none_or(|to| call.at < to)
        && naive(call, &query.text)
}

fn ending(result: CallResult) -> Option<(EndReason, bool)> {
    Some(match result {
        CallResult::Open => return None,
        CallResult::Answered => (EndReason::HungUp, true),
        CallResult::Missed => (EndReason::Missed, false),
        CallResult::Elsewhere => (EndReason::AnsweredElsewhere { by: "Eve".into() }, false),
        CallResult::TurnedAway => (EndReason::DeclinedHere, false),
        CallResult::NotReached => (EndReason::Busy, false),
        CallResult::Failed => (EndReason::LineFailed { code: Some(503) }, false),
    })
}

fn fill(store: &Store, random: &mut fastrand::Rng, calls: usize) -> Vec<Known> {
    let mut all = Vec::new();
    for n in 0..calls {
        let known = Known {
            id: format!("c{n}"),
            at: random.i64(1_000..1_100), // several share a millisecond
            direction: if random.bool() {
                Direction::Inbound
            } else {
                Direction::Outbound
            },
            number: random.usize(..NUMBERS.len()),
            name: NAMES[random.usize(..NAMES.len())],
            note: NOTES[random.usize(..NOTES.len())],
            line: LINES[random.usize(..LINES.len())],
            result: CallResult::ALL[random.usize(..CallResult::ALL.len())],
            seen: random.bool(),
        };
        store
            .start(&LogStart {
                direction: known.direction,
                number: NUMBERS[known.number].0.into(),
                name: (!known.name.is_empty()).then(|| known.name.into()),
                line: Some(known.line.into()),
                ..start(&known.id, known.at)
            })
            .unwrap();
        if let Some((reason, answered)) = ending(known.result) {
            let answered = answered.then_some(known.at + 1);
            store
                .finish(&finish(&known.id, reason, answered, known.at + 2))
                .unwrap();
        }
        if !known.note.is_empty() {
            store.set_note(&known.id, known.note).unwrap();
        }
        if known.seen {
            store.mark_seen(&known.id).unwrap();
        }
        all.push(known);
    }
    all
}

fn random_query(random: &mut fastrand::Rng) -> Query {
    let mut maybe = |share: u32| random.u32(..100) < share;
    let (direction, results, unseen, line, caller, from, to) = (
        maybe(30),
        maybe(30),
        maybe(10),
        maybe(30),
        maybe(15),
        maybe(20),
        maybe(20),
    );
    Query {
        text: SEARCHES[random.usize(..SEARCHES.len())].into(),
        direction: direction.then(|| {
            if random.bool() {
                Direction::Inbound
            } else {
                Direction::Outbound
            }
        }),
        results: if results {
            (0..random.usize(1..4))
                .map(|_| CallResult::ALL[random.usize(..CallResult::ALL.len())])
                .collect()
        } else {
            Vec::new()
        },
        unseen,
        line: line.then(|| LINES[random.usize(..LINES.len())].into()),
        caller: caller.then(|| NUMBERS[random.usize(..NUMBERS.len())].0.into()),
        from_unix_ms: from.then(|| random.i64(990..1_110)),
        to_unix_ms: to.then(|| random.i64(990..1_110)),
    }
}

fn all_pages(store: &Store, query: &Query, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.find(query, cursor.as_deref(), limit).unwrap();
        assert!(page.entries.len() <= limit);
        found.extend(page.entries.into_iter().map(|entry| entry.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[test]
fn pages_of_a_search_are_the_filtered_list() {
    let mut hits = 0;
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        let profile = tempfile::tempdir().unwrap();
        let store = Store::open(profile.path()).unwrap();
        // Thousands of small writes: what survives a power cut is not asked here.
        store
            .connection_for_tests()
            .pragma_update(None, "synchronous", "off")
            .unwrap();
        for (numbers, name, note) in PEOPLE {
            let numbers = numbers
                .iter()
                .map(|number| (String::new(), NUMBERS[*number].0.to_owned()));
            let draft = ContactDraft {
                name: (*name).into(),
                note: (*note).into(),
                numbers: numbers.collect(),
                ..ContactDraft::default()
            };
            store.add_contact(&draft, call::number::Region::US).unwrap();
        }
        let mut all = fill(&store, &mut random, 100);
        // Newest first; of one millisecond, the one that was written last.
        all.reverse();
        all.sort_by_key(|call| std::cmp::Reverse(call.at));
        for _ in 0..250 {
            let query = random_query(&mut random);
            let expected: Vec<_> = all
                .iter()
                .filter(|call| passes(call, &query))
                .map(|call| call.id.clone())
                .collect();
            let limit = random.usize(1..30);
            assert_eq!(
                all_pages(&store, &query, limit),
                expected,
                "seed {seed}, {query:?}"
            );
            hits += expected.len();
        }
        let unseen = all
            .iter()
            .filter(|call| call.result == CallResult::Missed && !call.seen)
            .count();
        assert_eq!(store.missed_count().unwrap(), unseen as u64);
    }
    assert!(hits > 500, "the queries find something: {hits}");
}

#[test]
fn a_search_that_looks_at_very_much_goes_on_where_it_stopped() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    {
        // Written at once: two thousand single calls would be two thousand flushes of the disk.
        let mut writer = store.connection_for_tests();
        let change = writer.transaction().unwrap();
        for n in 0..2_000_i64 {
            change
                .execute(
                    "INSERT INTO calls (seq, id, session, direction, number, room, leg, started_at, haystack)
                     VALUES (?1, 'c' || ?1, 's', 'inbound', '', 'r', 'l', 0, ?2)",
                    rusqlite::params![n, if n == 7 { "qq" } else { "other" }],
                )
                .unwrap();
        }
        change.commit().unwrap();
    }
    let query = Query {
        text: "qq".into(),
        ..Query::default()
    };
    let first = store.find(&query, None, 10).unwrap();
    assert_eq!(first.entries, []);
    let mut next = first.next;
    let mut found = Vec::new();
    let mut pages = 1;
    while let Some(cursor) = next {
        let page = store.find(&query, Some(&cursor), 10).unwrap();
        found.extend(page.entries.into_iter().map(|entry| entry.id));
        next = page.next;
        pages += 1;
    }
    assert_eq!((found, pages), (vec!["c7".to_owned()], 10));
}

#[test]
fn no_page_sorts_or_reads_a_whole_table() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    let reader = store.reader();
    for sql in [
        "SELECT seq FROM calls WHERE seq < 9 AND seq >= 1 ORDER BY seq DESC LIMIT 5",
        "SELECT seq FROM calls INDEXED BY calls_by_result WHERE direction = 'inbound' AND result = 'missed'
            AND seq < 9 AND seq >= 1 ORDER BY seq DESC LIMIT 5",
        "SELECT seq FROM calls INDEXED BY calls_by_line WHERE line = 'a' AND direction = 'inbound' AND result = 'missed'
            AND seq < 9 AND seq >= 1 ORDER BY seq DESC LIMIT 5",
        "SELECT seq FROM calls INDEXED BY calls_unseen WHERE outcome = 'missed' AND seen = 0
            AND seq < 9 AND seq >= 1 ORDER BY seq DESC LIMIT 5",
        "SELECT seq FROM calls INDEXED BY calls_by_caller WHERE caller_key = '1'
            AND seq < 9 AND seq >= 1 ORDER BY seq DESC LIMIT 5",
        "SELECT rowid FROM calls_search WHERE calls_search MATCH '\"abc\"' AND rowid < 9 AND rowid >= 1
            ORDER BY rowid DESC LIMIT 5",
        "SELECT id FROM contacts WHERE (sort_name, id) > ('a', 1) ORDER BY sort_name, id",
    ] {
        let mut plan = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap();
        for step in steps {
            assert!(!step.contains("TEMP B-TREE"), "{sql}: {step}");
            assert!(step.starts_with("SEARCH") || step.contains("VIRTUAL TABLE INDEX"), "{sql}: {step}");
        }
    }
}

#[test]
fn a_statement_is_not_compiled_anew_for_another_value() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    for connection in [store.reader(), store.writer()] {
        let mut page = connection
            .prepare("SELECT seq FROM calls WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")
            .unwrap();
        for limit in [1, 50, 500] {
            assert!(!page.exists(rusqlite::params![9, limit]).unwrap());
        }
        assert_eq!(page.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}

#[test]
fn the_parts_of_the_index_are_merged_beside_the_entries() {
    let profile = tempfile::tempdir().unwrap();
    let store = Store::open(profile.path()).unwrap();
    // One fewer than SQLite itself would merge within an entry.
    for n in 0..15 {
        let mut start = super::start(&format!("c{n}"), i64::from(n));
        start.name = Some(format!("Anna {n}"));
        store.start(&start).unwrap();
    }
    let parts = || -> i64 {
        let sql = "SELECT count(DISTINCT segid) FROM calls_search_idx";
        store.reader().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while parts() > 6 {
        assert!(std::time::Instant::now() < deadline, "{} parts", parts());
        std::thread::yield_now();
    }
    let query = Query {
        text: "anna".into(),
        ..Query::default()
    };
    assert_eq!(store.find(&query, None, 50).unwrap().entries.len(), 15);
}
