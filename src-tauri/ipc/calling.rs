//! Which line a call goes out over, and what is set of the calls of a line, as the windows see it.

use call::number::{Region, shown};
use call::routing::{OutboundLine, Why};
use lines::{Calling, KeptLine, Number};
use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

use crate::calling::Routed;
use crate::ipc::types::IpcError;

/// A call that somebody thinks of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(optional_fields)]
pub struct RouteAsked {
    /// As typed, whole or half.
    pub number: String,
    /// The line that they chose: id, name or number.
    pub line: Option<String>,
    /// The number of it that they chose to show.
    pub caller_id: Option<String>,
}

/// Why a line was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RouteWhy {
    /// Whoever dials asked for it.
    Asked,
    /// The last call with this number, or with its contact, went over it.
    LastUsed,
    /// The number begins with one of its prefixes.
    Prefix,
    /// It is the default line.
    Default,
    /// There is no default line, and it is the first.
    First,
    /// There is no other.
    Only,
    /// No line is known (yet).
    Unknown,
}

/// A number of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OwnNumber {
    /// E.164.
    pub number: String,
    /// As people write it.
    pub shown: String,
}

/// A line that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RouteLine {
    /// Its name in commands.
    pub id: String,
    /// Its name for a person.
    pub name: String,
    /// The numbers that can be shown to those who are called.
    pub numbers: Vec<OwnNumber>,
}

/// Which line a call would go over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RouteView {
    /// The line, as in `lines`; `null`: none is known.
    pub line: Option<String>,
    /// Its name.
    pub name: String,
    /// The number that the far end sees; `null`: as the trunk has it.
    pub caller_id: Option<OwnNumber>,
    /// Why this line.
    pub why: RouteWhy,
    /// The prefix that decided; "" if none did.
    pub prefix: String,
    /// Where the call goes if this line's provider refuses it: names, in this order; empty: nowhere.
    pub then: Vec<String>,
    /// All lines.
    pub lines: Vec<RouteLine>,
}

/// What is set of the calls of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LineCalling {
    /// The line for everything that no rule names another for?
    pub is_default: bool,
    /// Numbers that begin so go over it.
    pub prefixes: Vec<String>,
    /// The number that those who are called see; `null`: the first.
    pub caller_id: Option<String>,
    /// What it can be.
    pub caller_ids: Vec<OwnNumber>,
    /// May a call that its provider refuses go over another line?
    pub fails_over: bool,
    /// Do calls to its numbers ring at this desk?
    pub rings: bool,
}

/// The same, to be set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as in `LineCalling`
pub struct LineCallingDraft {
    pub is_default: bool,
    pub prefixes: Vec<String>,
    pub caller_id: Option<String>,
    pub fails_over: bool,
    pub rings: bool,
}

impl LineCallingDraft {
    /// As it is kept.
    ///
    /// # Errors
    /// The caller ID is no number.
    pub(crate) fn calling(&self, region: Region) -> Result<Calling, IpcError> {
        let number = self.caller_id.as_deref().filter(|text| !text.is_empty());
        let number = number.map(|text| Number::parse(text, region)).transpose();
        Ok(Calling {
            prefixes: self.prefixes.clone(),
            caller_id: number.map_err(|why| IpcError::new("bad_input", why.to_string()))?,
            is_default: self.is_default,
            fails_over: self.fails_over,
        })
    }
}

fn own(number: &str, region: Region) -> OwnNumber {
    OwnNumber {
        number: number.to_owned(),
        shown: shown(number, region),
    }
}

/// What is set of the calls of a line. `quiet`: our numbers that do not ring here.
pub(crate) fn calling(line: &KeptLine, quiet: &[String], region: Region) -> LineCalling {
    let numbers = line.numbers.iter().map(Number::as_str);
    let is_quiet = |number: &str| quiet.iter().any(|quiet| quiet == number);
    LineCalling {
        is_default: line.calling.is_default,
        prefixes: line.calling.prefixes.clone(),
        caller_id: line
            .calling
            .caller_id
            .as_ref()
            .map(|number| number.as_str().to_owned()),
        caller_ids: line
            .caller_ids()
            .iter()
            .map(|number| own(number.as_str(), region))
            .collect(),
        fails_over: line.calling.fails_over,
        rings: !numbers.clone().all(is_quiet),
    }
}

/// A decision, for a window.
pub(crate) fn route(routed: &Routed, region: Region) -> RouteView {
    let Routed { route, lines } = routed;
    let first = route.ways.first();
    let line = |line: &OutboundLine| RouteLine {
        id: line.trunk.clone(),
        name: line.name.clone(),
        numbers: line
            .caller_ids()
            .iter()
            .map(|one| own(one, region))
            .collect(),
    };
    let others = route.ways.iter().skip(1).map(|way| way.name.clone());
    RouteView {
        line: first.map(|way| way.trunk.clone()),
        name: first.map(|way| way.name.clone()).unwrap_or_default(),
        caller_id: first
            .and_then(|way| way.caller_id.as_deref())
            .map(|number| own(number, region)),
        why: match &route.why {
            Why::Asked => RouteWhy::Asked,
            Why::LastUsed => RouteWhy::LastUsed,
            Why::Prefix(_) => RouteWhy::Prefix,
            Why::Default => RouteWhy::Default,
            Why::First => RouteWhy::First,
            Why::Only => RouteWhy::Only,
            Why::Unknown => RouteWhy::Unknown,
        },
        prefix: match &route.why {
            Why::Prefix(prefix) => prefix.to_string(),
            Why::Asked | Why::LastUsed | Why::Default | Why::First | Why::Only | Why::Unknown => {
                String::new()
            }
        },
        then: if first.is_some_and(|way| way.fails_over) {
            others.collect()
        } else {
            Vec::new()
        },
        lines: lines.iter().map(line).collect(),
    }
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        LineCalling::decl(config),
        LineCallingDraft::decl(config),
        OwnNumber::decl(config),
        RouteAsked::decl(config),
        RouteLine::decl(config),
        RouteView::decl(config),
        RouteWhy::decl(config),
    ]
}
