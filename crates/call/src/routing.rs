//! Which line a call goes out over, and why.
//!
//! Three rules, the first that names a line wins: the line over which the last call with this number went; the line with the
//! longest prefix that the number begins with; the default line. Whoever dials may name another line, and any of its numbers
//! as the caller ID. The lines that are left over stand behind the chosen one, in the order of the same rules: they are where
//! a call goes that its provider refuses (`fail_over.rs`).
//!
//! Numbers of up to three digits follow neither history nor prefixes. Some of them call for help; which, every country
//! decides for itself.

use std::fmt;

use thiserror::Error;

use crate::number::same_number;

/// Longest number of which every one is taken for an emergency number.
const EMERGENCY_DIGITS: usize = 3;
/// E.164 has 15 digits at most.
const PREFIX_DIGITS: usize = 15;
/// Other lines that a call may go over after the first refused it.
const OTHERS: usize = 2;

/// A line that calls can go out over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboundLine {
    /// Id of its trunk in LiveKit.
    pub trunk: String,
    /// Other names by which a person may ask for it, besides its name, its trunk and its numbers.
    pub aliases: Vec<String>,
    /// Its name for a person.
    pub name: String,
    /// Its numbers, E.164.
    pub numbers: Vec<String>,
    /// The number that those who are called see; `None`: the first.
    pub caller_id: Option<String>,
    /// Does its provider show the first number, whatever is asked for?
    pub shows_first: bool,
    /// Numbers that begin so go over it.
    pub prefixes: Vec<Prefix>,
    /// Is it the one for everything else?
    pub is_default: bool,
    /// May a call that its provider refuses go over another line?
    pub fails_over: bool,
}

impl OutboundLine {
    /// Those of its numbers that can be shown to whoever is called.
    #[must_use]
    pub fn caller_ids(&self) -> &[String] {
        let count = if self.shows_first {
            1
        } else {
            self.numbers.len()
        };
        self.numbers.get(..count).unwrap_or_default()
    }

    fn shown_number(&self) -> Option<&String> {
        let own = self.caller_id.as_ref();
        own.filter(|number| self.caller_ids().contains(number))
            .or(self.numbers.first())
    }

    /// Does a person mean this one?
    fn is(&self, asked: &str) -> bool {
        let names = self.aliases.iter().chain([&self.name]);
        is_meant(asked, &self.trunk, names, &self.numbers)
    }

    fn way(&self, caller_id: Option<&String>) -> Way {
        Way {
            trunk: self.trunk.clone(),
            name: self.name.clone(),
            caller_id: caller_id.or(self.shown_number()).cloned(),
            fails_over: self.fails_over,
        }
    }

    /// How much of the number its longest fitting prefix has, and which that is.
    fn fits(&self, number: &str) -> Option<&Prefix> {
        let fitting = self.prefixes.iter().filter(|prefix| prefix.fits(number));
        fitting.max_by_key(|prefix| prefix.0.len())
    }
}

/// Does a person who names a line so mean the one of this trunk? By its id, one of its names, in capitals or not, or one of its
/// numbers.
#[must_use]
pub fn is_meant<'a>(
    asked: &str,
    trunk: &str,
    names: impl IntoIterator<Item = &'a String>,
    numbers: &[String],
) -> bool {
    let asked = asked.trim();
    let folded = asked.to_lowercase();
    trunk == asked
        || names.into_iter().any(|name| name.to_lowercase() == folded)
        || numbers.iter().any(|number| same_number(number, asked))
}

/// The beginning of numbers, such as `+49` or `+1212`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(String);

/// Why a text is no prefix: one sentence, for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "“{0}” is not the beginning of a number. Type + and the country code, with or without what follows, like +49 or +1 212."
)]
pub struct PrefixError(String);

impl Prefix {
    /// Parses what a person typed: a `+`, then 1 to 15 digits; blanks, dashes and brackets are passed over.
    ///
    /// # Errors
    /// It is no such text.
    pub fn parse(typed: &str) -> Result<Self, PrefixError> {
        let wrong = || PrefixError(crate::number::display_name(typed).unwrap_or_default());
        let rest = typed.trim().strip_prefix('+').ok_or_else(wrong)?;
        let mut digits = String::from("+");
        for c in rest.chars() {
            match c {
                '0'..='9' if digits.len() <= PREFIX_DIGITS => digits.push(c),
                ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' => {}
                _ => return Err(wrong()),
            }
        }
        // no country code begins with a nought
        if digits.len() == 1 || digits.starts_with("+0") {
            return Err(wrong());
        }
        Ok(Self(digits))
    }

    /// `+` and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn fits(&self, number: &str) -> bool {
        number.starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line that a call may go over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Way {
    /// Id, name or number of the trunk.
    pub trunk: String,
    /// Name of the line for a person.
    pub name: String,
    /// The number that the far end sees; `None`: as the trunk has it.
    pub caller_id: Option<String>,
    /// May the call go over another line if this one's provider refuses it?
    pub fails_over: bool,
}

/// What whoever dials asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// A line, by its name, trunk or number.
    pub line: Option<String>,
    /// One of the numbers of that line.
    pub caller_id: Option<String>,
}

/// Why a line was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Whoever dials asked for it.
    Asked,
    /// The last call with this number went over it.
    LastUsed,
    /// The number begins so.
    Prefix(Prefix),
    /// It is the default line.
    Default,
    /// There is no default line, and it is the first.
    First,
    /// There is no other.
    Only,
    /// Which lines there are is not known (yet): the server's first.
    Unknown,
}

impl Why {
    /// Stable word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::LastUsed => "last_used",
            Self::Prefix(_) => "prefix",
            Self::Default => "default",
            Self::First => "first",
            Self::Only => "only",
            Self::Unknown => "unknown",
        }
    }

    /// For a person: what comes after "because".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Asked => "you chose it".into(),
            Self::LastUsed => "the last call with this number went over it".into(),
            Self::Prefix(prefix) => format!("numbers that begin with {prefix} go over it"),
            Self::Default => "it is the default line".into(),
            Self::First => "it is the first line and no other is the default".into(),
            Self::Only => "it is the only line".into(),
            Self::Unknown => "no line is known yet".into(),
        }
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The chosen line first, then where a refused call may go. Empty: the server's first trunk.
    pub ways: Vec<Way>,
    /// Why the first is the first.
    pub why: Why,
}

/// What was asked for cannot be done: one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RouteError {
    /// A caller ID that is not a number of the line.
    #[error("{number} is not a number of {line}. Choose one of its own: {own}.")]
    NotItsNumber {
        /// As asked for.
        number: String,
        /// Name of the line.
        line: String,
        /// Its numbers.
        own: String,
    },
}

/// May this number call for help? Then neither history nor prefixes choose its line.
#[must_use]
pub fn may_be_emergency(number: &str) -> bool {
    let digits = number.len();
    (1..=EMERGENCY_DIGITS).contains(&digits) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Decides. `number` is what is dialled (E.164 or a short code), `last` our own number in the last call with it that a
/// provider carried.
///
/// # Errors
/// The caller ID that was asked for is not a number of the line.
pub fn route(
    lines: &[OutboundLine],
    number: &str,
    last: Option<&str>,
    wish: &Wish,
) -> Result<Route, RouteError> {
    let by_rule = ranked(lines, number, last);
    let asked = wish.line.as_deref();
    let (first, why) = match asked {
        Some(asked) => match lines.iter().find(|line| line.is(asked)) {
            Some(line) => (line, Why::Asked),
            // it may have been made a moment ago: the server is asked for it by this name
            None => {
                let way = Way {
                    trunk: asked.to_owned(),
                    name: asked.to_owned(),
                    caller_id: wish.caller_id.clone(),
                    fails_over: false,
                };
                return Ok(Route {
                    ways: vec![way],
                    why: Why::Asked,
                });
            }
        },
        None => match by_rule.first() {
            Some((line, why)) => (*line, why.clone()),
            None => {
                return Ok(Route {
                    ways: Vec::new(),
                    why: Why::Unknown,
                });
            }
        },
    };
    let caller_id = match &wish.caller_id {
        Some(asked) => Some(own_number(first, asked)?),
        // they know the number that they called, or were called from
        None if why == Why::LastUsed => first
            .caller_ids()
            .iter()
            .find(|own| last.is_some_and(|last| same_number(own, last))),
        None => None,
    };
    let others = by_rule
        .iter()
        .filter(|(line, _)| line.trunk != first.trunk)
        .take(OTHERS)
        .map(|(line, _)| line.way(None));
    let ways = std::iter::once(first.way(caller_id))
        .chain(others)
        .collect();
    Ok(Route { ways, why })
}

/// All lines, the one that the rules name first.
fn ranked<'a>(
    lines: &'a [OutboundLine],
    number: &str,
    last: Option<&str>,
) -> Vec<(&'a OutboundLine, Why)> {
    let help = may_be_emergency(number);
    let mut ranked: Vec<_> = lines
        .iter()
        .map(|line| {
            let used = last.filter(|last| line.numbers.iter().any(|own| same_number(own, last)));
            let prefix = line.fits(number);
            if used.is_some() && !help {
                (line, Why::LastUsed, usize::MAX)
            } else if let Some(prefix) = prefix.filter(|_| !help) {
                (line, Why::Prefix(prefix.clone()), prefix.0.len())
            } else if line.is_default {
                (line, Why::Default, 1)
            } else {
                (line, Why::First, 0)
            }
        })
        .collect();
    // stable: lines that no rule tells apart stay in their order
    ranked.sort_by_key(|(_, _, rank)| std::cmp::Reverse(*rank));
    let only = ranked.len() == 1;
    let why = |why: Why| if only { Why::Only } else { why };
    ranked
        .into_iter()
        .map(|(line, reason, _)| (line, why(reason)))
        .collect()
}

fn own_number<'a>(line: &'a OutboundLine, asked: &str) -> Result<&'a String, RouteError> {
    let own = line.caller_ids().iter();
    let own = own.clone().find(|own| same_number(own, asked));
    own.ok_or_else(|| RouteError::NotItsNumber {
        number: crate::number::display_name(asked).unwrap_or_default(),
        line: line.name.clone(),
        own: line.caller_ids().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, numbers: &[&str], prefixes: &[&str]) -> OutboundLine {
        OutboundLine {
            trunk: format!("ST_{name}"),
            aliases: vec![format!("{name}-line")],
            name: format!("Line {name}"),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
            prefixes: prefixes
                .iter()
                .map(|prefix| Prefix::parse(prefix).unwrap())
                .collect(),
            fails_over: true,
            ..OutboundLine::default()
        }
    }

    /// A: two numbers, no rule. B: from +131. C: from +12.
    fn lines() -> Vec<OutboundLine> {
        vec![
            line("A", &["+12025550150", "+12025550151"], &[]),
            line("B", &["+12025550160"], &["+131", "+1312"]),
            line("C", &["+12025550170"], &["+1 212", "+12"]),
        ]
    }

    fn chosen(lines: &[OutboundLine], number: &str, last: Option<&str>) -> (String, Why) {
        let route = route(lines, number, last, &Wish::default()).unwrap();
        (route.ways[0].trunk.clone(), route.why)
    }

    #[test]
    fn the_line_used_last_comes_before_every_rule() {
        let found = chosen(&lines(), "+13125550100", Some("+12025550170"));
        assert_eq!(found, ("ST_C".into(), Why::LastUsed));
    }

    #[test]
    fn a_line_that_is_gone_was_not_used_last() {
        let (line, why) = chosen(&lines(), "+13125550100", Some("+12025550199"));
        assert_eq!(line, "ST_B");
        assert_eq!(why, Why::Prefix(Prefix::parse("+1312").unwrap()));
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        let mut all = lines();
        all.push(line("D", &["+12025550180"], &["+1 212 555 010"]));
        assert_eq!(chosen(&all, "+12125550100", None).0, "ST_D");
        assert_eq!(chosen(&all, "+12125550150", None).0, "ST_C");
        all.reverse();
        assert_eq!(chosen(&all, "+12125550100", None).0, "ST_D");
    }

    #[test]
    fn without_a_rule_it_is_the_default_line_and_without_one_the_first() {
        let mut all = lines();
        assert_eq!(
            chosen(&all, "+14155550100", None),
            ("ST_A".into(), Why::First)
        );
        all[1].is_default = true;
        assert_eq!(
            chosen(&all, "+14155550100", None),
            ("ST_B".into(), Why::Default)
        );
        assert_eq!(chosen(&all[..1], "+14155550100", None).1, Why::Only);
        let unknown = route(&[], "+14155550100", None, &Wish::default()).unwrap();
        assert_eq!((unknown.ways.len(), unknown.why), (0, Why::Unknown));
    }

    #[test]
    fn the_number_of_the_last_call_is_shown_again() {
        let shown = |last| {
            let route = route(&lines(), "+12125550100", last, &Wish::default()).unwrap();
            route.ways[0].caller_id.clone()
        };
        assert_eq!(shown(Some("+12025550151")).as_deref(), Some("+12025550151"));
        assert_eq!(shown(Some("12025550150")).as_deref(), Some("+12025550150"));
        assert_eq!(shown(None).as_deref(), Some("+12025550170"));
    }

    #[test]
    fn a_line_shows_the_number_that_was_set_if_it_still_has_it() {
        let mut all = lines();
        all[0].caller_id = Some("+12025550151".into());
        let shown = |all: &[OutboundLine]| {
            let route = route(all, "+14155550100", None, &Wish::default()).unwrap();
            route.ways[0].caller_id.clone()
        };
        assert_eq!(shown(&all).as_deref(), Some("+12025550151"));
        all[0].caller_id = Some("+12025550199".into());
        assert_eq!(shown(&all).as_deref(), Some("+12025550150"));
        all[0].numbers.clear();
        assert_eq!(shown(&all), None, "the trunk knows");
    }

    #[test]
    fn a_provider_that_shows_one_number_is_asked_for_no_other() {
        let mut all = lines();
        all[0].shows_first = true;
        all[0].caller_id = Some("+12025550151".into());
        for last in [Some("+12025550151"), None] {
            let route = route(&all, "+14155550100", last, &Wish::default()).unwrap();
            assert_eq!(route.ways[0].trunk, "ST_A");
            assert_eq!(route.ways[0].caller_id.as_deref(), Some("+12025550150"));
        }
        let wish = Wish {
            line: Some("Line A".into()),
            caller_id: Some("+12025550151".into()),
        };
        assert!(route(&all, "+14155550100", None, &wish).is_err());
        all[0].numbers.clear();
        assert!(all[0].caller_ids().is_empty());
    }

    #[test]
    fn whoever_dials_may_choose_line_and_caller_id() {
        for asked in [
            "line a",
            "ST_A",
            "a-line",
            "+1 (202) 555-0151",
            "12025550150",
        ] {
            let wish = Wish {
                line: Some(asked.into()),
                caller_id: Some("+1 202-555-0151".into()),
            };
            let route = route(&lines(), "+13125550101", Some("+12025550170"), &wish).unwrap();
            assert_eq!(route.ways[0].trunk, "ST_A", "{asked}");
            assert_eq!(route.ways[0].caller_id.as_deref(), Some("+12025550151"));
            assert_eq!(route.why, Why::Asked);
            // what is left over comes in the order of the rules
            assert_eq!(route.ways[1].trunk, "ST_C");
            assert_eq!(route.ways[2].trunk, "ST_B");
        }
    }

    #[test]
    fn a_caller_id_of_another_line_is_refused_with_a_sentence() {
        let wish = Wish {
            line: Some("Line B".into()),
            caller_id: Some("+12025550150".into()),
        };
        let refused = route(&lines(), "+12125550100", None, &wish).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "+12025550150 is not a number of Line B. Choose one of its own: +12025550160."
        );
        let wish = Wish {
            line: None,
            caller_id: Some("Line B".into()),
        };
        assert!(route(&lines(), "+12125550100", None, &wish).is_err());
    }

    #[test]
    fn a_line_that_nobody_knows_is_asked_for_by_its_name_and_never_left() {
        let wish = Wish {
            line: Some("Line X".into()),
            caller_id: None,
        };
        let route = route(&lines(), "+12125550100", None, &wish).unwrap();
        assert_eq!(route.ways.len(), 1);
        assert_eq!(route.ways[0].trunk, "Line X");
        assert!(!route.ways[0].fails_over);
    }

    #[test]
    fn numbers_that_may_call_for_help_follow_no_history() {
        let mut all = lines();
        all[1].is_default = true;
        for number in ["911", "112", "99", "0"] {
            let found = chosen(&all, number, Some("+12025550170"));
            assert_eq!(found, ("ST_B".into(), Why::Default), "{number}");
        }
        for number in ["1234", "+11", "+112", "", "12a"] {
            assert!(!may_be_emergency(number), "{number}");
        }
    }

    #[test]
    fn not_more_than_three_lines_are_tried() {
        let all: Vec<_> = (0..9)
            .map(|n| line(&n.to_string(), &[&format!("+1202555016{n}")], &[]))
            .collect();
        let route = route(&all, "+12125550100", None, &Wish::default()).unwrap();
        let trunks: Vec<&str> = route.ways.iter().map(|way| way.trunk.as_str()).collect();
        assert_eq!(trunks, ["ST_0", "ST_1", "ST_2"]);
    }

    #[test]
    fn prefixes_are_written_as_people_write_them() {
        for (typed, prefix) in [
            ("+49", "+49"),
            (" +1 (212) 555-01 ", "+121255501"),
            ("+1\u{a0}212", "+1212"),
        ] {
            assert_eq!(Prefix::parse(typed).unwrap().to_string(), prefix);
        }
        let long = format!("+{}", "1".repeat(16));
        for typed in [
            "",
            "+",
            "49",
            "0049",
            "+0",
            "+4x",
            "+ ",
            long.as_str(),
            "\u{202e}+1",
        ] {
            let said = Prefix::parse(typed).unwrap_err().to_string();
            assert!(said.ends_with("like +49 or +1 212."), "{said}");
        }
    }

    #[test]
    fn every_reason_has_a_word_and_words() {
        let reasons = [
            Why::Asked,
            Why::LastUsed,
            Why::Prefix(Prefix::parse("+49").unwrap()),
            Why::Default,
            Why::First,
            Why::Only,
            Why::Unknown,
        ];
        let mut words: Vec<_> = reasons.iter().map(Why::word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), reasons.len());
        for why in reasons {
            assert!(!why.words().ends_with('.') && !why.words().is_empty());
        }
    }
}
