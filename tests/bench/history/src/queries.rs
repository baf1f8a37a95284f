//! What a person asks of the history.

use anyhow::Result;
use history::{CallResult, Query, Store};

use crate::data::{World, family, given, note_word};
use crate::series::Series;

const PAGE: usize = 50;

pub(crate) fn measure(store: &Store, world: &World, rounds: usize) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(0xa5);
    let random = &mut random;
    let text = |text: String| Query {
        text,
        ..Query::default()
    };
    ask(store, rounds, "first page", Query::default)?;
    deep(store, world, rounds, random)?;
    ask(store, rounds, "search name (given name)", || {
        text(given(random))
    })?;
    ask(store, rounds, "search name (family name)", || {
        text(family(random))
    })?;
    ask(store, rounds, "search name (both, in any order)", || {
        text(format!("{} {}", family(random), given(random)))
    })?;
    ask(store, rounds, "search name (first three letters)", || {
        text(family(random).chars().take(3).collect())
    })?;
    ask(store, rounds, "search name (two letters)", || {
        text(family(random).chars().take(2).collect())
    })?;
    ask(
        store,
        rounds,
        "search number (as somebody writes it)",
        || {
            let number = world
                .party(random)
                .map(|party| party.0.clone())
                .unwrap_or_default();
            text(written(&number))
        },
    )?;
    ask(store, rounds, "search number (last four digits)", || {
        text(format!("{:04}", random.u16(..10_000)))
    })?;
    ask(store, rounds, "search number (part, six digits)", || {
        text(format!("{:06}", random.u32(..1_000_000)))
    })?;
    ask(store, rounds, "search note (one word)", || {
        text(note_word(random))
    })?;
    ask(store, rounds, "search note (three words)", || {
        text(format!(
            "{} {} {}",
            note_word(random),
            note_word(random),
            note_word(random)
        ))
    })?;
    ask(store, rounds, "search for what nobody has", || {
        text(format!("{}q{}", family(random), family(random)))
    })?;
    ask(store, rounds, "missed filter", || Query {
        results: vec![CallResult::Missed],
        ..Query::default()
    })?;
    ask(store, rounds, "unseen filter", || Query {
        unseen: true,
        ..Query::default()
    })?;
    ask(store, rounds, "line, direction and result", || Query {
        line: random.choice(&world.lines).cloned(),
        direction: Some(call::state::Direction::Outbound),
        results: vec![CallResult::Failed],
        ..Query::default()
    })?;
    ask(store, rounds, "a week, any line, not reached", || {
        let from = random.i64(world.start_ms()..world.end_ms());
        Query {
            results: vec![CallResult::NotReached],
            from_unix_ms: Some(from),
            to_unix_ms: Some(from + 604_800_000),
            ..Query::default()
        }
    })?;
    ask(store, rounds, "search name among the missed", || Query {
        text: given(random),
        results: vec![CallResult::Missed],
        ..Query::default()
    })?;
    ask(store, rounds, "search note among failed (rare)", || Query {
        text: note_word(random),
        results: vec![CallResult::Failed],
        ..Query::default()
    })?;
    others(store, world, rounds, random)
}

/// What is no page of calls.
fn others(store: &Store, world: &World, rounds: usize, random: &mut fastrand::Rng) -> Result<()> {
    let mut badge = Series::new("badge count");
    let mut number = Series::new("contact match");
    let mut contact = Series::new("search contacts");
    for _ in 0..rounds {
        badge.ask(|| Ok(usize::try_from(store.missed_count()?)?))?;
        let asked = world
            .party(random)
            .map(|party| party.0.clone())
            .unwrap_or_default();
        number.ask(|| Ok(usize::from(store.contact_of(&asked)?.is_some())))?;
        let asked: String = family(random).chars().take(4).collect();
        contact.ask(|| Ok(store.contacts(&asked, None, PAGE)?.contacts.len()))?;
    }
    for series in [badge, number, contact] {
        println!("{}", series.line());
    }
    Ok(())
}

fn ask(
    store: &Store,
    rounds: usize,
    name: &'static str,
    mut query: impl FnMut() -> Query,
) -> Result<()> {
    let mut series = Series::new(name);
    let mut short = 0;
    for _ in 0..rounds {
        let query = query();
        series.ask(|| {
            let page = store.find(&query, None, PAGE)?;
            short += usize::from(page.next.is_some() && page.entries.len() < PAGE);
            Ok(page.entries.len())
        })?;
    }
    let line = series.line();
    if short > 0 {
        println!("{line}   {short} pages ended early");
    } else {
        println!("{line}");
    }
    Ok(())
}

/// The page after some page in the middle: a time range finds the place, then the cursor of that page is asked on.
fn deep(store: &Store, world: &World, rounds: usize, random: &mut fastrand::Rng) -> Result<()> {
    let mut series = Series::new("next page, deep");
    for _ in 0..rounds {
        let to = random.i64(world.start_ms()..world.end_ms());
        let there = Query {
            to_unix_ms: Some(to),
            ..Query::default()
        };
        let Some(cursor) = store.find(&there, None, 1)?.next else {
            continue;
        };
        series.ask(|| Ok(store.page(Some(&cursor), PAGE)?.entries.len()))?;
    }
    println!("{}", series.line());
    Ok(())
}

/// As people write it at home.
fn written(number: &str) -> String {
    if let Some(rest) = number.strip_prefix("+44") {
        format!(
            "0{} {} {}",
            part(rest, 0, 2),
            part(rest, 2, 6),
            part(rest, 6, 12)
        )
    } else if let Some(rest) = number.strip_prefix("+1") {
        format!(
            "({}) {}-{}",
            part(rest, 0, 3),
            part(rest, 3, 6),
            part(rest, 6, 12)
        )
    } else {
        number.to_owned()
    }
}

fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to.min(text.len())).unwrap_or_default()
}
