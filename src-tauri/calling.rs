//! Calling over one of several lines: what is known of lines and history, handed to the rules in [`call::routing`].

use call::CallId;
use call::input::{Intent, LineStatus, Trunk};
use call::number::{self, Region};
use call::routing::{self, OutboundLine, Route, Wish};
use history::Store;
use lines::{Calling, KeptLine, Number, Registry};

use crate::core::{Core, blocking};
use crate::ipc::calling::LineCallingDraft;
use crate::ipc::lines::LineCard;
use crate::ipc::types::IpcError;
use crate::line_desk::unlisted;

/// A decision, with the lines it was made of.
#[derive(Debug, Clone)]
pub(crate) struct Routed {
    pub(crate) route: Route,
    pub(crate) lines: Vec<OutboundLine>,
}

impl Core {
    /// Which line a call to this number would go over. Half a number is no error: prefixes fit it as far as it goes.
    ///
    /// # Errors
    /// The caller ID that is wished for is not a number of the line.
    pub(crate) async fn route(&self, number: &str, wish: Wish) -> Result<Routed, IpcError> {
        let number = dialled(number, self.region());
        let trunks = trunks(&self.view().borrow().line);
        let (_, profile) = self.account_and_profile();
        let store = self.store().ok();
        blocking(move || {
            let kept = Registry::new(&profile.path().join("lines"))
                .lines()
                .unwrap_or_else(|error| {
                    // said where lines are shown; a call goes out all the same
                    tracing::warn!(%error, "the lines cannot be read");
                    Vec::new()
                });
            let lines = outbound_lines(&kept, trunks.as_deref());
            let last = last_line(store.as_ref(), &number);
            routing::route(&lines, &number, last.as_deref(), &wish)
                .map(|route| Routed { route, lines })
                .map_err(|error| IpcError::new("not_its_number", error.to_string()))
        })
        .await
    }

    /// Sets how calls go out over a line and whether its numbers ring here. Answers all lines.
    ///
    /// # Errors
    /// One sentence about the first thing that is wrong; nothing was changed.
    pub(crate) async fn line_set(
        &self,
        line: String,
        draft: LineCallingDraft,
    ) -> Result<Vec<LineCard>, IpcError> {
        let calling = draft.calling(self.region())?;
        let (_, profile) = self.account_and_profile();
        let registry = Registry::new(&profile.path().join("lines"));
        let kept = blocking(move || set(&registry, &line, calling)).await?;
        let quiet = |number: &Number| {
            let quiet = &self.settings().quiet_lines;
            quiet.iter().any(|line| line == number.as_str())
        };
        if kept
            .numbers
            .iter()
            .any(|number| quiet(number) == draft.rings)
        {
            self.settings_change(move |settings| {
                let numbers = || kept.numbers.iter().map(Number::as_str);
                let ours = |line: &String| numbers().any(|number| number == line);
                settings.quiet_lines.retain(|line| !ours(line));
                if !draft.rings {
                    settings.quiet_lines.extend(numbers().map(str::to_owned));
                }
            })
            .await?;
        }
        self.lines().await
    }

    /// Calls, over the line that the rules or the wish choose.
    ///
    /// # Errors
    /// As [`Self::route`]; then nobody is called.
    pub(crate) async fn dial(
        &self,
        call: CallId,
        number: String,
        wish: Wish,
    ) -> Result<Routed, IpcError> {
        let routed = self.route(&number, wish).await?;
        let ways = routed.route.ways.clone();
        self.intent(Intent::Dial { call, number, ways }).await;
        Ok(routed)
    }
}

/// Keeps what is set of the calls of a line, named by its id or name. Blocks (disk).
///
/// # Errors
/// One sentence about the first thing that is wrong; nothing was changed.
pub(crate) fn set(registry: &Registry, line: &str, calling: Calling) -> Result<KeptLine, IpcError> {
    let kept = find(registry, line)?;
    registry
        .set_calling(&kept.id, calling)
        .map_err(|error| IpcError::new("bad_input", error.to_string()))?;
    find(registry, line)
}

/// The line of this id or name. Blocks (disk).
///
/// # Errors
/// There is none, or the list cannot be read.
pub(crate) fn find(registry: &Registry, line: &str) -> Result<KeptLine, IpcError> {
    registry.line(line).map_err(|error| unlisted(&error))
}

/// The number as it would be dialled; of half a number what there is of it.
fn dialled(typed: &str, region: Region) -> String {
    match number::parse(typed, region) {
        Ok(number) => number.dial().to_owned(),
        Err(_) => {
            let typed = typed.trim();
            let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
            // without a country code nothing is known of it
            if typed.starts_with('+') {
                format!("+{digits}")
            } else {
                String::new()
            }
        }
    }
}

fn last_line(store: Option<&Store>, number: &str) -> Option<String> {
    let store = store.filter(|_| !number.is_empty())?;
    store.last_line(number).unwrap_or_else(|error| {
        tracing::warn!(detail = %error.detail(), "the line used last cannot be read");
        None
    })
}

/// The trunks of the project; `None` while they are not known.
fn trunks(line: &LineStatus) -> Option<Vec<Trunk>> {
    match line {
        LineStatus::Ready { trunks } => Some(trunks.clone()),
        LineStatus::SignedOut
        | LineStatus::Locked { .. }
        | LineStatus::Broken { .. }
        | LineStatus::Connecting
        | LineStatus::Unreachable { .. }
        | LineStatus::Refused { .. } => None,
    }
}

/// The lines that can be called over: every trunk of the project, with what is set of it where it was set up here. While the
/// trunks are not known, those that were.
fn outbound_lines(kept: &[KeptLine], trunks: Option<&[Trunk]>) -> Vec<OutboundLine> {
    let Some(trunks) = trunks else {
        return kept.iter().filter_map(KeptLine::outbound).collect();
    };
    let of_trunk = |trunk: &Trunk| {
        let ours = kept.iter().filter_map(KeptLine::outbound);
        let mut line = ours
            .clone()
            .find(|line| line.trunk == trunk.id)
            .unwrap_or_else(|| OutboundLine {
                trunk: trunk.id.clone(),
                name: name(trunk),
                fails_over: true,
                ..OutboundLine::default()
            });
        line.aliases.push(trunk.name.clone());
        // LiveKit shows none but the trunk's own; patterns are no numbers
        let numbers = trunk.numbers.iter().filter(|own| own.starts_with('+'));
        let numbers: Vec<String> = numbers.cloned().collect();
        if !numbers.is_empty() {
            line.numbers = numbers;
        }
        line
    };
    trunks.iter().map(of_trunk).collect()
}

fn name(trunk: &Trunk) -> String {
    let number = trunk.numbers.iter().find(|own| own.starts_with('+'));
    let named = Some(&trunk.name).filter(|name| !name.is_empty());
    named.or(number).unwrap_or(&trunk.id).clone()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use lines::{LineName, SipHost, Transport, Wanted, WantedProvider};

    use super::*;

    fn kept(name: &str, number: &str, trunk: &str) -> KeptLine {
        let provider = WantedProvider::Other {
            host: SipHost::parse("sip.example.com").unwrap(),
            transport: Transport::Tls,
        };
        let number = Number::parse(number, Region::US).unwrap();
        let wanted = Wanted::new(LineName::parse(name).unwrap(), vec![number], provider).unwrap();
        let mut line = KeptLine::of(&wanted, None);
        line.objects.insert("outbound_trunk".into(), trunk.into());
        line.calling = Calling {
            is_default: true,
            fails_over: false,
            ..Calling::default()
        };
        line
    }

    fn trunk(id: &str, name: &str, numbers: &[&str]) -> Trunk {
        Trunk {
            id: id.into(),
            name: name.into(),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
        }
    }

    #[test]
    fn trunks_are_lines_whether_they_were_set_up_here_or_not() {
        let ours = [kept("Front desk", "+12025550150", "ST_1")];
        let trunks = [
            trunk("ST_2", "", &["*", "+12025550160"]),
            trunk("ST_1", "deskline front", &["+12025550150", "+12025550151"]),
            trunk("ST_3", "", &[]),
        ];
        let lines = outbound_lines(&ours, Some(&trunks));
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["+12025550160", "Front desk", "ST_3"]);
        assert_eq!(lines[0].numbers, ["+12025550160"]);
        assert!(lines[0].fails_over && !lines[0].is_default);
        assert_eq!(lines[1].numbers, ["+12025550150", "+12025550151"]);
        assert!(!lines[1].fails_over && lines[1].is_default);
        assert_eq!(lines[1].aliases, ["front-desk", "deskline front"]);
    }

    #[test]
    fn until_the_trunks_are_known_the_lines_are_those_set_up_here() {
        let ours = [kept("Front desk", "+12025550150", "ST_1")];
        assert_eq!(outbound_lines(&ours, None)[0].trunk, "ST_1");
        assert!(outbound_lines(&ours, Some(&[])).is_empty(), "deleted");
        assert_eq!(trunks(&LineStatus::Connecting), None);
    }

    #[test]
    fn half_a_number_has_its_prefix() {
        let us = Region::US;
        assert_eq!(dialled("+49 (30)", us), "+4930");
        assert_eq!(dialled("212", us), "212");
        assert_eq!(dialled("(212) 555-01", us), "");
        assert_eq!(dialled("(212) 555-0100", us), "+12125550100");
        assert_eq!(dialled("", us), "");
    }
}
