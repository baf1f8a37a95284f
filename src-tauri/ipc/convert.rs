//! From the words of the core to what the windows are shown.

use std::collections::HashMap;

use call::EndReason;
use call::input::LineStatus;
use call::number::{Region, shown};
use call::output::Notice;
use call::settings::Availability;
use call::state;
use history::HistoryEntry;

use crate::ipc::records::{
    CallResult, ContactDraft, ContactNumberView, ContactView, ContactsPage, HistoryPage,
    HistoryQuery, HistoryRow, ImportView, RowDetails,
};
use crate::ipc::types::{
    AvailabilityView, CallState, CallView, DeclineEffect, Direction, EndView, LineState, LineView,
    NoticeView, PersonState, PersonView, PhoneView, RefusedLineView, TransferState, TransferView,
};
use crate::ipc::watchers::{CallDetails, CallEvent, CallPerson};
use crate::words::Words;

/// The whole picture. `names`: contacts by number.
#[must_use]
pub(crate) fn phone(
    view: &call::view::PhoneView,
    region: Region,
    names: &HashMap<String, String>,
    words: &Words,
) -> PhoneView {
    PhoneView {
        rev: view.rev,
        line: line(&view.line, region, words),
        calls: view
            .calls
            .iter()
            .map(|call| one_call(call, names))
            .collect(),
        rings: view.rings.as_ref().map(ToString::to_string),
        notice: view.notice.as_ref().map(notice),
        availability: availability(view.availability),
        quiet: view.quiet.as_ref().map(|why| words.quiet(why).whole()),
        quiet_in_part: view.quiet_numbers.map(|count| words.quiet_numbers(count)),
    }
}

/// The line, in words.
#[must_use]
pub(crate) fn line(status: &LineStatus, region: Region, words: &Words) -> LineView {
    let plain = |state, said: &str, detail: Option<String>| LineView {
        state,
        words: said.to_owned(),
        detail,
        name: None,
        number: None,
        number_shown: None,
        next_try_at_ms: None,
    };
    match status {
        LineStatus::SignedOut => plain(
            LineState::SignedOut,
            words.signed_out,
            Some(words.signed_out_detail.to_owned()),
        ),
        LineStatus::Locked { what } => plain(LineState::Locked, words.locked, Some(what.clone())),
        LineStatus::Broken { what } => plain(LineState::Broken, words.broken, Some(what.clone())),
        LineStatus::Connecting => plain(LineState::Connecting, words.connecting, None),
        LineStatus::Ready { trunks } if trunks.is_empty() => plain(
            LineState::NoTrunk,
            words.will_ring,
            Some(words.no_trunk_detail.to_owned()),
        ),
        LineStatus::Ready { trunks } => {
            let first = trunks.first();
            let number = first.and_then(|trunk| some(trunk.number()));
            LineView {
                name: first.and_then(|trunk| some(&trunk.name)),
                number_shown: number.as_deref().map(|number| shown(number, region)),
                number,
                ..plain(LineState::Ready, words.will_ring, None)
            }
        }
        LineStatus::Unreachable {
            what,
            next_try_unix_ms,
        } => LineView {
            next_try_at_ms: Some(*next_try_unix_ms),
            ..plain(LineState::Unreachable, words.unreachable, some(what))
        },
        LineStatus::Refused { what } => plain(LineState::Refused, words.refused, some(what)),
    }
}

/// One call.
#[must_use]
pub fn one_call(view: &call::view::CallView, names: &HashMap<String, String>) -> CallView {
    CallView {
        id: view.id.as_str().to_owned(),
        direction: direction(view.direction),
        number: view.number.clone(),
        number_shown: view.number_shown.clone(),
        name: view.name.clone(),
        contact: names.get(&view.number).cloned(),
        line: view.line.clone(),
        refusals: view.refusals.iter().map(refused).collect(),
        state: call_state(view.state),
        words: view.words.clone(),
        started_at_ms: view.started_unix_ms,
        answered_at_ms: view.answered_unix_ms,
        ended_at_ms: view.ended_unix_ms,
        muted: view.muted,
        held: view.held,
        can_transfer: view.can_transfer,
        transfer: view.transfer.as_ref().map(transfer),
        people: view
            .people
            .iter()
            .map(|somebody| person(somebody, names))
            .collect(),
        private_with: view.private_with.as_ref().map(ToString::to_string),
        can_rejoin: view.can_rejoin,
        reconnecting: view.reconnecting,
        gives_up_at_ms: view.gives_up_unix_ms,
        silenced: view.silenced,
        quiet: view.quiet,
        decline_effect: decline_effect(view.decline_effect),
        keys_sent: view.keys_sent.clone(),
        keys_received: view.keys_received.clone(),
        // Whoever reads the history fills it in.
        remembered: None,
        end: view.end.as_ref().map(end),
    }
}

fn decline_effect(effect: call::view::DeclineEffect) -> DeclineEffect {
    use call::view::DeclineEffect as Core;
    match effect {
        Core::EndsForCaller => DeclineEffect::EndsForCaller,
        Core::OnlyHere => DeclineEffect::OnlyHere,
        Core::CallerWaits => DeclineEffect::CallerWaits,
    }
}

fn transfer(view: &call::view::TransferView) -> TransferView {
    use call::view::TransferState as Core;
    let (state, words) = match &view.state {
        Core::Asked => (TransferState::Asked, None),
        Core::Done => (TransferState::Done, None),
        Core::Failed { what } => (TransferState::Failed, Some(what.clone())),
    };
    TransferView {
        to: view.to.clone(),
        state,
        words,
    }
}

fn person(view: &call::view::PersonView, names: &HashMap<String, String>) -> PersonView {
    use call::view::PersonState as Core;
    let (state, reason) = match &view.state {
        Core::Dialling => (PersonState::Dialling, None),
        Core::Ringing => (PersonState::Ringing, None),
        Core::Up => (PersonState::Up, None),
        Core::Waiting => (PersonState::Waiting, None),
        Core::Gone { end } => (PersonState::Gone, Some(end)),
    };
    PersonView {
        leg: view.leg.as_str().to_owned(),
        number: view.number.clone(),
        number_shown: view.number_shown.clone(),
        name: view.name.clone(),
        contact: names.get(&view.number).cloned(),
        state,
        end: reason.map(end),
    }
}

/// Who may be rung here, for a window.
#[must_use]
pub fn availability(of: Availability) -> AvailabilityView {
    match of {
        Availability::Available => AvailabilityView::Available,
        Availability::DoNotDisturb { until_unix_ms } => AvailabilityView::DoNotDisturb {
            until_ms: until_unix_ms,
        },
    }
}

/// Who may be rung here, from a window.
#[must_use]
pub fn wanted_availability(view: AvailabilityView) -> Availability {
    match view {
        AvailabilityView::Available => Availability::Available,
        AvailabilityView::DoNotDisturb { until_ms } => Availability::DoNotDisturb {
            until_unix_ms: until_ms,
        },
    }
}

fn refused(refusal: &call::output::LineRefusal) -> RefusedLineView {
    RefusedLineView {
        line: refusal.line.clone(),
        words: refusal.reason.title(),
        sip_code: refusal.reason.sip_code(),
    }
}

fn refused_in_row(refused: &history::RefusedLine) -> RefusedLineView {
    RefusedLineView {
        line: refused.line.clone(),
        words: refused.words.clone(),
        sip_code: refused.sip_code,
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
    let seconds = |ms: i64| (ms.max(0) + 500) / 1_000;
    HistoryRow {
        id: entry.id.clone(),
        direction: direction(entry.direction),
        number: entry.number.clone(),
        number_shown: number_shown(&entry.number, region),
        name: entry.name.clone(),
        contact: entry.contact.as_ref().map(|contact| contact.name.clone()),
        contact_id: entry.contact.as_ref().map(|contact| contact.id),
        line: entry.line.clone(),
        started_at_ms: entry.started_unix_ms,
        answered_at_ms: entry.answered_unix_ms,
        ended_at_ms: entry.ended_unix_ms,
        duration_s: entry.talked_ms().map(seconds),
        rang_s: entry.details.rang_ms.map(seconds),
        outcome: entry.outcome.clone().unwrap_or_else(|| "open".to_owned()),
        result: result(entry.result),
        words: entry
            .words
            .clone()
            .unwrap_or_else(|| "Not over yet".to_owned()),
        missed: entry.missed,
        seen: entry.seen,
        note: entry.note.clone(),
        details: RowDetails {
            recording: entry.recording_url.clone(),
            ..details(&entry.details)
        },
    }
}

/// Somebody on the phone in a call with several.
#[must_use]
pub fn call_person(
    person: &history::Person,
    contact: Option<history::ContactName>,
    region: Region,
) -> CallPerson {
    CallPerson {
        number: person.number.clone(),
        number_shown: number_shown(&person.number, region),
        name: person.name.clone(),
        contact: contact.map(|contact| contact.name),
        answered: person.answered,
        outcome: person.outcome.clone(),
        words: person.words.clone(),
    }
}

/// Everything that is known of one call.
#[must_use]
pub fn call_details(
    entry: &HistoryEntry,
    people: Vec<CallPerson>,
    events: Vec<history::Event>,
    region: Region,
) -> CallDetails {
    let event = |event: history::Event| CallEvent {
        at_ms: event.created_unix_ms,
        source: event.source,
        kind: event.event_type,
        payload: serde_json::to_string_pretty(&event.payload).unwrap_or_default(),
    };
    let quality = &entry.details.quality;
    CallDetails {
        row: history_row(entry, region),
        room: entry.room.clone(),
        jitter_mean_ms: quality.jitter_mean_ms,
        packets_received: quality.packets_received,
        packets_lost: quality.packets_lost,
        people,
        events: events.into_iter().map(event).collect(),
    }
}

fn number_shown(number: &str, region: Region) -> String {
    if number.is_empty() {
        "Private number".to_owned()
    } else {
        shown(number, region)
    }
}

fn details(of: &history::Details) -> RowDetails {
    let quality = &of.quality;
    let counted = quality.packets_lost.zip(quality.packets_received);
    #[allow(clippy::cast_precision_loss)] // packets of one call
    let lost = counted
        .filter(|(lost, received)| lost.saturating_add(*received) > 0)
        .map(|(lost, received)| lost as f64 * 1_000.0 / (lost.saturating_add(received)) as f64);
    RowDetails {
        dialled: of.dialled.clone(),
        answered_by: of.answered_by.clone(),
        transferred_to: of.transferred_to.clone(),
        sip_code: of.sip_code,
        sip_call_id: of
            .sip_call_id_full
            .clone()
            .or_else(|| of.sip_call_id.clone()),
        provider_call_id: of.provider_call_id.clone(),
        microphone: of.microphone.clone(),
        speaker: of.speaker.clone(),
        lost_per_mille: lost,
        jitter_max_ms: quality.jitter_max_ms,
        reconnections: quality.reconnections,
        recording: None,
        refusals: of.refusals.iter().map(refused_in_row).collect(),
    }
}

fn result(of: history::CallResult) -> CallResult {
    match of {
        history::CallResult::Open => CallResult::Open,
        history::CallResult::Answered => CallResult::Answered,
        history::CallResult::Missed => CallResult::Missed,
        history::CallResult::Elsewhere => CallResult::Elsewhere,
        history::CallResult::TurnedAway => CallResult::TurnedAway,
        history::CallResult::NotReached => CallResult::NotReached,
        history::CallResult::Failed => CallResult::Failed,
    }
}

/// What a window asks of the history.
#[must_use]
pub fn query(asked: HistoryQuery) -> history::Query {
    let wanted = |result| match result {
        CallResult::Open => history::CallResult::Open,
        CallResult::Answered => history::CallResult::Answered,
        CallResult::Missed => history::CallResult::Missed,
        CallResult::Elsewhere => history::CallResult::Elsewhere,
        CallResult::TurnedAway => history::CallResult::TurnedAway,
        CallResult::NotReached => history::CallResult::NotReached,
        CallResult::Failed => history::CallResult::Failed,
    };
    history::Query {
        text: asked.text.unwrap_or_default(),
        direction: asked.direction.map(|direction| match direction {
            Direction::Outbound => state::Direction::Outbound,
            Direction::Inbound => state::Direction::Inbound,
        }),
        results: asked
            .results
            .unwrap_or_default()
            .into_iter()
            .map(wanted)
            .collect(),
        unseen: asked.unseen.unwrap_or_default(),
        line: asked.line,
        caller: None,
        from_unix_ms: asked.from_ms,
        to_unix_ms: asked.to_ms,
    }
}

/// Part of the contacts.
#[must_use]
pub fn contacts_page(page: history::ContactPage) -> ContactsPage {
    let number = |of: history::ContactNumber| ContactNumberView {
        label: of.label,
        number: of.number,
    };
    let contact = |of: history::Contact| ContactView {
        id: of.id,
        name: of.name,
        organisation: of.organisation,
        note: of.note,
        numbers: of.numbers.into_iter().map(number).collect(),
    };
    ContactsPage {
        contacts: page.contacts.into_iter().map(contact).collect(),
        next: page.next,
    }
}

/// A contact as a window wrote it.
#[must_use]
pub fn contact_draft(draft: ContactDraft) -> history::ContactDraft {
    history::ContactDraft {
        name: draft.name,
        organisation: draft.organisation,
        note: draft.note,
        numbers: draft
            .numbers
            .into_iter()
            .map(|of| (of.label, of.number))
            .collect(),
    }
}

/// What became of a file of contacts.
#[must_use]
pub fn import(report: history::ImportReport) -> ImportView {
    let sentence = |remark: history::ImportRemark| {
        if remark.name.is_empty() {
            format!("Contact {}: {}", remark.place, remark.what)
        } else {
            format!(
                "{} (contact {}): {}",
                remark.name, remark.place, remark.what
            )
        }
    };
    ImportView {
        import: report.import,
        taken: report.taken,
        extended: report.extended,
        duplicates: report.duplicates,
        skipped: report.skipped,
        remarks: report.remarks.into_iter().map(sentence).collect(),
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
    use crate::words::Language;

    fn words(status: &LineStatus) -> LineView {
        line(status, Region::US, Language::English.words())
    }

    #[test]
    fn a_line_with_a_trunk_says_what_the_far_end_sees() {
        let view = words(&LineStatus::Ready {
            trunks: vec![Trunk {
                id: "ST_1".into(),
                name: "Demo line".into(),
                numbers: vec!["+12025550150".into()],
            }],
        });
        assert_eq!(view.state, LineState::Ready);
        assert_eq!(view.words, "This desk will ring");
        assert_eq!(view.name.as_deref(), Some("Demo line"));
        assert_eq!(view.number_shown.as_deref(), Some("(202) 555-0150"));
        assert_eq!(view.detail, None);
    }

    #[test]
    fn without_a_trunk_calls_still_come_in() {
        let view = words(&LineStatus::Ready { trunks: Vec::new() });
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
            ..HistoryEntry::default()
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
