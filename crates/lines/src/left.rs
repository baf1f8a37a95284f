//! What a line still lacks: proofs by calls, and what the last check said of emergencies, money and faults. Pure.

use crate::check::{Level, SavedCheck};
use crate::registry::KeptLine;
use crate::wanted::ProviderKind;

/// Something that a finished line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A caller got through and was answered.
    Incoming,
    /// Somebody was called and answered.
    Outgoing,
    /// A check found nothing that stops calls.
    Faultless,
    /// The provider was looked at too.
    Provider,
    /// The emergency services know the address of the numbers.
    Emergency,
    /// Something stops a thief from running up a bill.
    Spending,
    /// The country of the line may be called.
    Countries,
}

impl Part {
    /// A word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Faultless => "faultless",
            Self::Provider => "provider",
            Self::Emergency => "emergency",
            Self::Spending => "spending",
            Self::Countries => "countries",
        }
    }

    /// Does a line that lacks it not count as done?
    #[must_use]
    pub fn is_required(self) -> bool {
        match self {
            Self::Incoming | Self::Outgoing | Self::Faultless => true,
            Self::Provider | Self::Emergency | Self::Spending | Self::Countries => false,
        }
    }
}

/// What is known of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there.
    Done,
    /// It is missing.
    Left,
    /// Nobody looked.
    Unknown,
}

/// Every part of a line that concerns it, by what was proven and by its last check.
#[must_use]
pub fn parts(line: &KeptLine, last_check: Option<&SavedCheck>) -> Vec<(Part, State)> {
    let proven = |at: &Option<String>| {
        if at.is_some() {
            State::Done
        } else {
            State::Left
        }
    };
    let looked = |id: &str| match last_check.and_then(|check| check.level(id)) {
        Some(Level::Passed) => State::Done,
        Some(Level::Advice | Level::Problem) => State::Left,
        Some(Level::NotRun) | None => State::Unknown,
    };
    let mut parts = vec![(Part::Incoming, proven(&line.proof.incoming))];
    if line.provider != ProviderKind::LiveKitNumbers {
        parts.push((Part::Outgoing, proven(&line.proof.outgoing)));
    }
    let faultless = match last_check {
        Some(check) if check.healthy => State::Done,
        Some(_) => State::Left,
        None => State::Unknown,
    };
    parts.push((Part::Faultless, faultless));
    if line.signs_in() {
        parts.push((Part::Provider, looked("D02")));
        parts.push((Part::Emergency, looked("D30")));
        if line.provider != ProviderKind::SignalWire {
            parts.push((Part::Countries, looked("D27")));
            parts.push((Part::Spending, looked("D28")));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;
    use crate::check::SavedFinding;
    use crate::wanted::{LineName, LiveKitSip, Number, Wanted, WantedProvider};

    fn line(provider: WantedProvider) -> KeptLine {
        let number = Number::parse("+12125550100", Region::US).unwrap();
        let name = LineName::parse("Desk").unwrap();
        KeptLine::of(&Wanted::new(name, vec![number], provider).unwrap(), None)
    }

    fn telnyx() -> KeptLine {
        let livekit = LiveKitSip::parse("abc.sip.livekit.cloud").unwrap();
        line(WantedProvider::Telnyx { livekit })
    }

    fn of(line: &KeptLine, check: Option<&SavedCheck>, state: State) -> Vec<&'static str> {
        let parts = parts(line, check).into_iter();
        parts
            .filter(|(_, is)| *is == state)
            .map(|(part, _)| part.word())
            .collect()
    }

    #[test]
    fn a_new_line_lacks_its_proofs_and_the_rest_is_not_known() {
        let line = telnyx();
        assert_eq!(of(&line, None, State::Left), ["incoming", "outgoing"]);
        assert_eq!(
            of(&line, None, State::Unknown),
            [
                "faultless",
                "provider",
                "emergency",
                "countries",
                "spending"
            ]
        );
    }

    #[test]
    fn the_last_check_says_what_is_left() {
        let mut line = telnyx();
        line.proof.incoming = Some("2026-08-01T00:00:00Z".into());
        line.proof.outgoing = Some("2026-08-01T00:00:00Z".into());
        let finding = |id: &str, level: Level| SavedFinding {
            id: id.into(),
            level,
            ..SavedFinding::default()
        };
        let mut check = SavedCheck {
            healthy: true,
            findings: vec![
                finding("D02", Level::Passed),
                finding("D27", Level::NotRun),
                finding("D28", Level::Passed),
                // Of several the worst counts.
                finding("D28", Level::Advice),
                finding("D30", Level::Advice),
            ],
            ..SavedCheck::default()
        };
        assert_eq!(
            of(&line, Some(&check), State::Left),
            ["emergency", "spending"]
        );
        assert_eq!(of(&line, Some(&check), State::Unknown), ["countries"]);
        assert!(!Part::Emergency.is_required());
        check.findings = ["D02", "D27", "D28", "D30"]
            .map(|id| finding(id, Level::Passed))
            .into();
        assert_eq!(of(&line, Some(&check), State::Left), [""; 0]);
        assert_eq!(of(&line, Some(&check), State::Unknown), [""; 0]);
        check.findings.push(finding("D27", Level::Problem));
        check.healthy = false;
        assert_eq!(
            of(&line, Some(&check), State::Left),
            ["faultless", "countries"]
        );
    }

    #[test]
    fn only_what_concerns_a_line_is_asked_of_it() {
        let all = |line: KeptLine| parts(&line, None).len();
        assert_eq!(all(line(WantedProvider::LiveKitNumbers)), 2);
        let livekit = LiveKitSip::parse("abc.sip.livekit.cloud").unwrap();
        let signalwire = WantedProvider::SignalWire {
            livekit,
            handler: None,
            by_hand: None,
        };
        assert_eq!(all(line(signalwire)), 5);
    }
}
