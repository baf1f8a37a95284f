//! From the words of the core to what the windows are shown.

use call::EndReason;
use call::input::LineStatus;
use call::number::{Region, shown};
use call::output::Notice;
use call::state;
use history::HistoryEntry;

use crate::ipc::types::{
    CallState, CallView, Direction, EndView, HistoryPage, HistoryRow, LineState, LineView,
    NoticeView, PhoneView,
};

/// The whole picture.
#[must_use]
pub fn phone(view: &call::view::PhoneView, region: Region) -> PhoneView {
    PhoneView {
        rev: view.rev,
        line: line(&view.line, region),
        calls: view.calls.iter().map(one_call).collect(),
        notice: view.notice.as_ref().map(notice),
    }
}

/// The line, in words.
#[must_use]
pub fn line(status: &LineStatus, region: Region) -> LineView {
    let plain = |state, words: &str, detail: Option<String>| LineView {
        state,
        words: words.to_owned(),
        detail,
        name: None,
        number: None,
        number_shown: None,
        next_try_at_ms: None,
    };
    match status {
        LineStatus::SignedOut => plain(
            LineState::SignedOut,
            "Not signed in",
            Some("Open Settings and enter the address, key and secret of your LiveKit project.".into()),
        ),
        LineStatus::Locked { what } => plain(
            LineState::Locked,
            "Calls do not ring here.",
            Some(what.clone()),
        ),
        LineStatus::Broken { what } => plain(
            LineState::Broken,
            "Calls do not ring here: the call engine is not in order.",
            Some(what.clone()),
        ),
        LineStatus::Connecting => plain(LineState::Connecting, "Connecting to LiveKit", None),
        LineStatus::Ready { trunk: None } => plain(
            LineState::NoTrunk,
            "This desk will ring",
            Some("No line to call from: add an outbound trunk to your LiveKit project, then try again.".into()),
        ),
        LineStatus::Ready { trunk: Some(trunk) } => {
            let number = some(&trunk.number);
            LineView {
                name: some(&trunk.name),
                number_shown: number.as_deref().map(|number| shown(number, region)),
                number,
                ..plain(LineState::Ready, "This desk will ring", None)
            }
        }
        LineStatus::Unreachable {
            what,
            next_try_unix_ms,
        } => LineView {
            next_try_at_ms: Some(*next_try_unix_ms),
            ..plain(
                LineState::Unreachable,
                "Calls do not ring here: LiveKit cannot be reached.",
                some(what),
            )
        },
        LineStatus::Refused { what } => plain(
            LineState::Refused,
            "Calls do not ring here: LiveKit refused the sign-in.",
            some(what),
        ),
    }
}

/// One call.
#[must_use]
pub fn one_call(view: &call::view::CallView) -> CallView {
    CallView {
        id: view.id.as_str().to_owned(),
        direction: direction(view.direction),
        number: view.number.clone(),
        number_shown: view.number_shown.clone(),
        name: view.name.clone(),
        line: view.line.clone(),
        state: call_state(view.state),
        words: view.words.clone(),
        started_at_ms: view.started_unix_ms,
        answered_at_ms: view.answered_unix_ms,
        ended_at_ms: view.ended_unix_ms,
        muted: view.muted,
        reconnecting: view.reconnecting,
        silenced: view.silenced,
        only_desk: view.only_desk,
        keys_sent: view.keys_sent.clone(),
        keys_received: view.keys_received.clone(),
        end: view.end.as_ref().map(end),
    }
}

/// How a call ended.
#[must_use]
pub fn end(reason: &EndReason) -> EndView {
    EndView {
        reason: reason.code().to_owned(),
        title: reason.title(),
        advice: reason.advice().map(str::to_owned),
        sip_code: reason.sip_code(),
        missed: reason.is_missed(),
    }
}

/// Something to read.
#[must_use]
pub fn notice(notice: &Notice) -> NoticeView {
    NoticeView {
        id: notice.id,
        code: notice.code.to_owned(),
        text: notice.text.clone(),
    }
}

/// Part of the history.
#[must_use]
pub fn history_page(page: &history::Page, region: Region) -> HistoryPage {
    HistoryPage {
        rows: page
            .entries
            .iter()
            .map(|entry| history_row(entry, region))
            .collect(),
        next: page.next.clone(),
    }
}

/// A call in the history.
#[must_use]
pub fn history_row(entry: &HistoryEntry, region: Region) -> HistoryRow {
    let duration_ms = entry
        .answered_unix_ms
        .zip(entry.ended_unix_ms)
        .map(|(answered, ended)| ended.saturating_sub(answered).max(0));
    HistoryRow {
        id: entry.id.clone(),
        direction: direction(entry.direction),
        number: entry.number.clone(),
        number_shown: if entry.number.is_empty() {
            "Private number".to_owned()
        } else {
            shown(&entry.number, region)
        },
        name: entry.name.clone(),
        line: entry.line.clone(),
        started_at_ms: entry.started_unix_ms,
        answered_at_ms: entry.answered_unix_ms,
        ended_at_ms: entry.ended_unix_ms,
        duration_s: duration_ms.map(|ms| (ms + 500) / 1_000),
        outcome: entry.outcome.clone().unwrap_or_else(|| "open".to_owned()),
        words: entry
            .words
            .clone()
            .unwrap_or_else(|| "Not over yet".to_owned()),
        missed: entry.missed,
    }
}

fn direction(direction: state::Direction) -> Direction {
    match direction {
        state::Direction::Outbound => Direction::Outbound,
        state::Direction::Inbound => Direction::Inbound,
    }
}

fn call_state(state: state::CallState) -> CallState {
    match state {
        state::CallState::Preparing => CallState::Preparing,
        state::CallState::Joining => CallState::Joining,
        state::CallState::Dialling => CallState::Dialling,
        state::CallState::RemoteRinging => CallState::RemoteRinging,
        state::CallState::Offered => CallState::Offered,
        state::CallState::Claiming => CallState::Claiming,
        state::CallState::Answering => CallState::Answering,
        state::CallState::Live => CallState::Live,
        state::CallState::Stranded => CallState::Stranded,
        state::CallState::HandedOver => CallState::HandedOver,
        state::CallState::Ending => CallState::Ending,
        state::CallState::Ended => CallState::Ended,
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use call::input::Trunk;

    use super::*;

    fn words(status: &LineStatus) -> LineView {
        line(status, Region::US)
    }

    #[test]
    fn a_line_with_a_trunk_says_what_the_far_end_sees() {
        let view = words(&LineStatus::Ready {
            trunk: Some(Trunk {
                name: "Demo line".into(),
                number: "+12025550150".into(),
            }),
        });
        assert_eq!(view.state, LineState::Ready);
        assert_eq!(view.words, "This desk will ring");
        assert_eq!(view.name.as_deref(), Some("Demo line"));
        assert_eq!(view.number_shown.as_deref(), Some("(202) 555-0150"));
        assert_eq!(view.detail, None);
    }

    #[test]
    fn without_a_trunk_calls_still_come_in() {
        let view = words(&LineStatus::Ready { trunk: None });
        assert_eq!(view.state, LineState::NoTrunk);
        assert_eq!(view.words, "This desk will ring");
        assert!(view.detail.unwrap().starts_with("No line to call from"));
    }

    #[test]
    fn an_unreachable_server_comes_with_the_next_try() {
        let view = words(&LineStatus::Unreachable {
            what: "Nothing listens there.".into(),
            next_try_unix_ms: 7,
        });
        assert_eq!(view.next_try_at_ms, Some(7));
        assert_eq!(view.detail.as_deref(), Some("Nothing listens there."));
    }

    #[test]
    fn an_end_carries_its_advice_and_code() {
        let view = end(&EndReason::LineFailed { code: Some(503) });
        assert_eq!(
            (view.reason.as_str(), view.sip_code),
            ("line_failed", Some(503))
        );
        assert!(view.advice.is_some() && !view.missed);
        assert!(end(&EndReason::Missed).missed);
    }

    #[test]
    fn a_row_says_how_long_was_talked() {
        let mut entry = HistoryEntry {
            id: "c1".into(),
            direction: state::Direction::Inbound,
            number: String::new(),
            name: None,
            line: None,
            started_unix_ms: 1_000,
            answered_unix_ms: Some(2_000),
            ended_unix_ms: Some(5_600),
            outcome: Some("hung_up".into()),
            outcome_detail: None,
            words: Some("You ended the call".into()),
            sip_code: None,
            heard_seconds: 0.0,
            heard_dbfs: None,
            missed: false,
        };
        let row = history_row(&entry, Region::US);
        assert_eq!(row.duration_s, Some(4));
        assert_eq!(row.number_shown, "Private number");
        entry.ended_unix_ms = Some(1_500); // the clock was set back
        assert_eq!(history_row(&entry, Region::US).duration_s, Some(0));
        entry.ended_unix_ms = None;
        entry.outcome = None;
        let open = history_row(&entry, Region::US);
        assert_eq!((open.outcome.as_str(), open.duration_s), ("open", None));
    }
}
