//! "This desk will ring": said only while it is proven by everything a call has to get through.

use call::input::LineStatus;
use call::number::Region;
use call::view::QuietReason;

use crate::ipc::convert;
use crate::ipc::desktop::{ProofOf, ProofState, ProofView, ReadinessView};
use crate::words::{Said, Words, fill};

/// What a call has to get through, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Evidence<'a> {
    /// The switchboard tells "ready" only after it has asked the server who calls, which it does every second, and
    /// another state as soon as one of those requests fails.
    pub(crate) line: &'a LineStatus,
    /// Why nothing rings here although calls come in.
    pub(crate) quiet: Option<&'a QuietReason>,
    /// How many of our numbers do not ring here, although the desk does.
    pub(crate) quiet_numbers: Option<usize>,
    /// The device that rings, if there is one; `None`: nobody has looked yet.
    pub(crate) ring_device: Option<Option<&'a str>>,
    /// Does the overlay's page run?
    pub(crate) overlay_runs: bool,
    /// Does this system let the overlay be raised? Else a normal window and a notification do it.
    pub(crate) may_raise: bool,
}

/// Before anything was looked at.
pub(crate) fn unknown(words: &Words) -> ReadinessView {
    let nothing = Evidence {
        line: &LineStatus::Connecting,
        quiet: None,
        quiet_numbers: None,
        ring_device: None,
        overlay_runs: false,
        may_raise: true,
    };
    judge(&nothing, words)
}

/// The verdict. Revision and test are the caller's to fill in.
pub(crate) fn judge(seen: &Evidence<'_>, words: &Words) -> ReadinessView {
    let line = convert::line(seen.line, Region::default(), words);
    let (server, sign_in, watcher) = of_line(seen.line, words);
    let proofs = vec![
        server,
        sign_in,
        watcher,
        ring_device(seen.ring_device, words),
        overlay(seen, words),
        rules(seen, words),
    ];
    let first = |state| proofs.iter().find(|proof| proof.state == state);
    let reason = first(ProofState::Missing).or_else(|| first(ProofState::Waiting));
    let ready = reason.is_none();
    let (said, detail) = match reason {
        None => (words.will_ring.to_owned(), line.detail.clone()),
        Some(proof) => match proof.of {
            ProofOf::Server | ProofOf::SignIn | ProofOf::Watcher => {
                (line.words.clone(), line.detail.clone())
            }
            ProofOf::RingDevice | ProofOf::Overlay | ProofOf::Rules => {
                (proof.words.clone(), proof.detail.clone())
            }
        },
    };
    ReadinessView {
        rev: 1,
        ready,
        words: said,
        detail,
        next_try_at_ms: line.next_try_at_ms,
        proofs,
        test: None,
    }
}

fn proof(of: ProofOf, state: ProofState, said: Said) -> ProofView {
    ProofView {
        of,
        state,
        words: said.title,
        detail: said.detail,
    }
}

fn of_line(line: &LineStatus, words: &Words) -> (ProofView, ProofView, ProofView) {
    use ProofState::{Missing, Proven, Waiting};
    let three =
        |server: (ProofState, &str), sign_in: (ProofState, &str), watcher: (ProofState, &str)| {
            (
                proof(ProofOf::Server, server.0, Said::alone(server.1)),
                proof(ProofOf::SignIn, sign_in.0, Said::alone(sign_in.1)),
                proof(ProofOf::Watcher, watcher.0, Said::alone(watcher.1)),
            )
        };
    let answers = (Proven, words.server_answers);
    let later = (Waiting, words.watched_once_signed_in);
    match line {
        LineStatus::Ready { .. } => {
            three(answers, (Proven, words.signed_in), (Proven, words.watched))
        }
        LineStatus::Connecting => three(
            (Waiting, words.server_is_called),
            (Waiting, words.not_signed_in_yet),
            later,
        ),
        LineStatus::SignedOut => three(
            (Waiting, words.server_not_known),
            (Missing, words.nobody_signed_in),
            later,
        ),
        LineStatus::Locked { what } => {
            three((Waiting, words.server_after_secret), (Missing, what), later)
        }
        LineStatus::Refused { what } => three(answers, (Missing, what), later),
        LineStatus::Unreachable { what, .. } => three(
            (Missing, what),
            (Waiting, words.known_when_back),
            (Waiting, words.watched_when_back),
        ),
        LineStatus::Broken { what } => {
            three((Missing, what), (Waiting, words.not_without_engine), later)
        }
    }
}

fn ring_device(device: Option<Option<&str>>, words: &Words) -> ProofView {
    let (state, said) = match device {
        None => (ProofState::Waiting, Said::alone(words.speaker_is_sought)),
        Some(Some(device)) => (
            ProofState::Proven,
            Said::alone(fill(words.rings_on, &[("device", device)])),
        ),
        Some(None) => (
            ProofState::Missing,
            Said::with(words.not_heard, words.no_speaker),
        ),
    };
    proof(ProofOf::RingDevice, state, said)
}

fn overlay(seen: &Evidence<'_>, words: &Words) -> ProofView {
    let (state, said) = match (seen.overlay_runs, seen.may_raise) {
        (true, true) => (ProofState::Proven, words.overlay_above),
        (true, false) => (ProofState::Proven, words.overlay_as_window),
        (false, _) => (ProofState::Waiting, words.overlay_is_made),
    };
    proof(ProofOf::Overlay, state, Said::alone(said))
}

fn rules(seen: &Evidence<'_>, words: &Words) -> ProofView {
    let (state, said) = match (seen.quiet, seen.quiet_numbers) {
        (Some(why), _) => (ProofState::Missing, words.quiet(why)),
        (None, Some(count)) => (ProofState::Proven, Said::alone(words.quiet_numbers(count))),
        (None, None) => (ProofState::Proven, Said::alone(words.nothing_set_against)),
    };
    proof(ProofOf::Rules, state, said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn judge(seen: &Evidence<'_>) -> ReadinessView {
        super::judge(seen, Language::English.words())
    }

    static READY: LineStatus = LineStatus::Ready { trunks: Vec::new() };

    fn whole() -> Evidence<'static> {
        Evidence {
            line: &READY,
            quiet: None,
            quiet_numbers: None,
            ring_device: Some(Some("Headset")),
            overlay_runs: true,
            may_raise: true,
        }
    }

    #[test]
    fn it_will_ring_only_if_everything_is_proven() {
        assert!(judge(&whole()).ready);
        assert_eq!(judge(&whole()).words, "This desk will ring");
        let connecting = LineStatus::Connecting;
        let lacking = [
            Evidence {
                line: &connecting,
                ..whole()
            },
            Evidence {
                quiet: Some(&QuietReason::AfterHours),
                ..whole()
            },
            Evidence {
                ring_device: None,
                ..whole()
            },
            Evidence {
                ring_device: Some(None),
                ..whole()
            },
            Evidence {
                overlay_runs: false,
                ..whole()
            },
        ];
        for seen in lacking {
            let view = judge(&seen);
            assert!(!view.ready, "{seen:?}");
            assert_ne!(view.words, "This desk will ring");
            assert!(!view.words.is_empty());
        }
        assert!(!unknown(Language::English.words()).ready);
    }

    #[test]
    fn a_rule_for_some_numbers_is_said_and_the_desk_rings() {
        let view = judge(&Evidence {
            quiet_numbers: Some(2),
            ..whole()
        });
        assert!(view.ready, "{}", view.words);
        assert_eq!(view.words, "This desk will ring");
        let part = "Calls to 2 of your numbers do not ring here.";
        assert_eq!(view.proofs.last().unwrap().words, part);
    }

    #[test]
    fn the_reason_and_the_next_try_are_said() {
        let away = LineStatus::Unreachable {
            what: "LiveKit at front-desk.example cannot be reached.".into(),
            next_try_unix_ms: 7,
        };
        let view = judge(&Evidence {
            line: &away,
            ..whole()
        });
        assert_eq!(view.next_try_at_ms, Some(7));
        assert!(view.words.contains("cannot be reached"), "{}", view.words);
        assert_eq!(
            view.proofs.iter().map(|of| of.state).collect::<Vec<_>>(),
            [
                ProofState::Missing,
                ProofState::Waiting,
                ProofState::Waiting,
                ProofState::Proven,
                ProofState::Proven,
                ProofState::Proven
            ]
        );
        let view = judge(&Evidence {
            ring_device: Some(None),
            ..whole()
        });
        assert_eq!(view.words, "Calls are not heard here");
        assert!(view.detail.unwrap().starts_with("No speaker"));
    }

    #[test]
    fn what_is_missing_comes_before_what_is_awaited() {
        let view = judge(&Evidence {
            overlay_runs: false,
            quiet: Some(&QuietReason::DoNotDisturb),
            ..whole()
        });
        assert_eq!(view.words, "Do not disturb");
    }

    #[test]
    fn it_is_said_in_the_language_of_the_windows() {
        let view = super::judge(
            &Evidence {
                ring_device: Some(None),
                ..whole()
            },
            Language::German.words(),
        );
        assert_eq!(view.words, "Anrufe sind hier nicht zu hören");
        assert!(
            view.detail
                .unwrap()
                .starts_with("Es wurde kein Lautsprecher")
        );
    }
}
