//! "This desk will ring": said only while it is proven by everything a call has to get through.

use call::input::LineStatus;
use call::number::Region;

use crate::ipc::convert;
use crate::ipc::desktop::{ProofOf, ProofState, ProofView, ReadinessView};

/// What a call has to get through, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Evidence<'a> {
    /// The switchboard tells "ready" only after it has asked the server who calls, which it does every second, and
    /// another state as soon as one of those requests fails.
    pub(crate) line: &'a LineStatus,
    /// Why nothing rings here although calls come in.
    pub(crate) quiet: Option<&'a str>,
    /// What of it all does not ring here, although the desk does.
    pub(crate) quiet_in_part: Option<&'a str>,
    /// The device that rings, if there is one; `None`: nobody has looked yet.
    pub(crate) ring_device: Option<Option<&'a str>>,
    /// Does the overlay's page run?
    pub(crate) overlay_runs: bool,
    /// Does this system let the overlay be raised? Else a normal window and a notification do it.
    pub(crate) may_raise: bool,
}

/// Before anything was looked at.
pub(crate) fn unknown() -> ReadinessView {
    judge(&Evidence {
        line: &LineStatus::Connecting,
        quiet: None,
        quiet_in_part: None,
        ring_device: None,
        overlay_runs: false,
        may_raise: true,
    })
}

/// The verdict. Revision and test are the caller's to fill in.
pub(crate) fn judge(seen: &Evidence<'_>) -> ReadinessView {
    let line = convert::line(seen.line, Region::default());
    let (server, sign_in, watcher) = of_line(seen.line);
    let proofs = vec![
        server,
        sign_in,
        watcher,
        ring_device(seen.ring_device),
        overlay(seen),
        rules(seen),
    ];
    let first = |state| proofs.iter().find(|proof| proof.state == state);
    let reason = first(ProofState::Missing).or_else(|| first(ProofState::Waiting));
    let ready = reason.is_none();
    let (words, detail) = match reason {
        None => ("This desk will ring".to_owned(), line.detail.clone()),
        Some(proof) => match proof.of {
            ProofOf::Server | ProofOf::SignIn | ProofOf::Watcher => {
                (line.words.clone(), line.detail.clone())
            }
            ProofOf::RingDevice | ProofOf::Overlay | ProofOf::Rules => {
                let (words, detail) = proof
                    .words
                    .split_once(": ")
                    .map_or((proof.words.as_str(), None), |(words, detail)| {
                        (words, Some(detail))
                    });
                (words.to_owned(), detail.map(capitalised))
            }
        },
    };
    ReadinessView {
        rev: 1,
        ready,
        words,
        detail,
        next_try_at_ms: line.next_try_at_ms,
        proofs,
        test: None,
    }
}

fn proof(of: ProofOf, state: ProofState, words: impl Into<String>) -> ProofView {
    ProofView {
        of,
        state,
        words: words.into(),
    }
}

fn of_line(line: &LineStatus) -> (ProofView, ProofView, ProofView) {
    use ProofState::{Missing, Proven, Waiting};
    let three =
        |server: (ProofState, &str), sign_in: (ProofState, &str), watcher: (ProofState, &str)| {
            (
                proof(ProofOf::Server, server.0, server.1),
                proof(ProofOf::SignIn, sign_in.0, sign_in.1),
                proof(ProofOf::Watcher, watcher.0, watcher.1),
            )
        };
    let later = (
        Waiting,
        "Watched for callers as soon as this desk is signed in.",
    );
    match line {
        LineStatus::Ready { .. } => three(
            (Proven, "LiveKit answers."),
            (Proven, "LiveKit takes the key and the secret."),
            (Proven, "Watched for callers every second."),
        ),
        LineStatus::Connecting => three(
            (Waiting, "LiveKit is being called."),
            (Waiting, "Not signed in yet."),
            later,
        ),
        LineStatus::SignedOut => three(
            (Waiting, "There is no project to reach yet."),
            (
                Missing,
                "Nobody is signed in. Enter address, key and secret in Settings.",
            ),
            later,
        ),
        LineStatus::Locked { what } => three(
            (Waiting, "LiveKit is called once the secret can be read."),
            (Missing, what),
            later,
        ),
        LineStatus::Refused { what } => three((Proven, "LiveKit answers."), (Missing, what), later),
        LineStatus::Unreachable { what, .. } => three(
            (Missing, what),
            (Waiting, "Known again when LiveKit answers."),
            (Waiting, "Watched for callers again when LiveKit answers."),
        ),
        LineStatus::Broken { what } => three(
            (Missing, what),
            (Waiting, "Not signed in without the call engine."),
            later,
        ),
    }
}

fn ring_device(device: Option<Option<&str>>) -> ProofView {
    let (state, words) = match device {
        None => (ProofState::Waiting, "Looking for a speaker.".to_owned()),
        Some(Some(device)) => (ProofState::Proven, format!("Rings on {device}.")),
        Some(None) => (
            ProofState::Missing,
            "Calls are not heard here: no speaker was found. Connect one, or choose another in Settings.".to_owned(),
        ),
    };
    proof(ProofOf::RingDevice, state, words)
}

fn overlay(seen: &Evidence<'_>) -> ProofView {
    let (state, words) = match (seen.overlay_runs, seen.may_raise) {
        (true, true) => (ProofState::Proven, "Callers are shown above other windows."),
        (true, false) => (
            ProofState::Proven,
            "Callers are shown in a window and a notification: this system lets no program raise itself.",
        ),
        (false, _) => (ProofState::Waiting, "The window for callers is being made."),
    };
    proof(ProofOf::Overlay, state, words)
}

fn rules(seen: &Evidence<'_>) -> ProofView {
    let (state, words) = match (seen.quiet, seen.quiet_in_part) {
        (Some(why), _) => (ProofState::Missing, why),
        (None, Some(part)) => (ProofState::Proven, part),
        (None, None) => (
            ProofState::Proven,
            "Nothing that is set keeps calls from ringing.",
        ),
    };
    proof(ProofOf::Rules, state, words)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    static READY: LineStatus = LineStatus::Ready { trunks: Vec::new() };

    fn whole() -> Evidence<'static> {
        Evidence {
            line: &READY,
            quiet: None,
            quiet_in_part: None,
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
                quiet: Some("Nothing rings here: it is after hours."),
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
        assert!(!unknown().ready);
    }

    #[test]
    fn a_rule_for_some_numbers_is_said_and_the_desk_rings() {
        let part = "Calls to 1 of your numbers do not ring here.";
        let view = judge(&Evidence {
            quiet_in_part: Some(part),
            ..whole()
        });
        assert!(view.ready, "{}", view.words);
        assert_eq!(view.words, "This desk will ring");
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
            quiet: Some("Nothing rings here: you are not taking calls."),
            ..whole()
        });
        assert_eq!(view.words, "Nothing rings here");
    }
}
