//! What the terminal commands say: JSON lines for programs, sentences for people.

use std::collections::HashMap;
use std::io::{self, Write};

use call::input::LineStatus;
use call::number::Region;
use call::output::Notice;
use call::routing::Why;
use call::state::{CallState, Direction};
use call::view::CallView;
use call::{CallId, EndReason};
use desk::unix_ms;
use serde_json::{Value, json};

use crate::calling::Routed;
use crate::ipc::types::{IpcError, PersonState, PhoneView};
use crate::ipc::watchers::{WatcherState, WatchersView};
use crate::ipc::{calling, convert};
use crate::terminal::outcome::exit_code;
use crate::words::Language;

/// Notices about a dial that was refused; its end says the same.
const REFUSALS: [&str; 4] = [
    "not_signed_in",
    "sign_in_refused",
    "bad_number",
    "already_in_call",
];

/// Writes to one stream in one of the two styles. A reader that went away is no fault: the call goes on.
pub struct Report<W: Write> {
    json: bool,
    out: W,
    /// The last sentence: two states in the same words are one thing for people.
    last: String,
    /// What was last said of webhook receiver and worker.
    watchers: [Option<String>; 2],
    /// The last view that was told.
    shown: Option<PhoneView>,
}

impl Report<io::Stdout> {
    /// To standard output.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self::to(json, io::stdout())
    }
}

impl<W: Write> Report<W> {
    /// To any stream.
    pub fn to(json: bool, out: W) -> Self {
        Self {
            json,
            out,
            last: String::new(),
            watchers: [None, None],
            shown: None,
        }
    }

    /// The line as a whole changed.
    pub fn line(&mut self, line: &LineStatus) {
        let shown = convert::line(line, Region::default(), Language::English.words());
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "line", "call_id": null, "state": shown.state,
                "words": shown.words, "detail": shown.detail,
            }));
        } else {
            let detail = shown.detail.map(|detail| format!(" {detail}"));
            self.say(&format!("{}{}", shown.words, detail.unwrap_or_default()));
        }
    }

    /// Webhook receiver or worker changed. What is off, or only counts on, is not spoken of.
    pub fn watchers(&mut self, view: &WatchersView) {
        for (at, name, status) in [(0, "webhook", &view.webhook), (1, "worker", &view.worker)] {
            let now = (status.state != WatcherState::Off).then(|| status.words.clone());
            let Some(told) = self.watchers.get_mut(at) else {
                continue;
            };
            if *told == now {
                continue;
            }
            told.clone_from(&now);
            let Some(words) = now else {
                continue;
            };
            if self.json {
                let url = view.url.as_ref().filter(|_| name == "webhook");
                self.write(&json!({
                    "at_ms": unix_ms(), "event": name, "call_id": null, "state": status.state,
                    "words": words, "url": url,
                }));
            } else {
                self.say(&words);
            }
        }
    }

    /// A call got into another state.
    pub fn state(&mut self, call: &CallView) {
        if self.json {
            self.event("state", call, &json!({ "words": call.words }));
        } else if call.state == CallState::Offered {
            self.say(&format!("{} calls.", who(call)));
        } else if !matches!(call.state, CallState::Ending | CallState::Ended) {
            self.say(&call.words);
        }
    }

    /// The connection of a call was lost or came back.
    pub fn reconnecting(&mut self, call: &CallView) {
        if self.json {
            let event = if call.reconnecting {
                "reconnecting"
            } else {
                "reconnected"
            };
            self.event(event, call, &json!({ "words": call.words }));
        } else {
            self.say(if call.reconnecting {
                "The connection is being rebuilt."
            } else {
                "The connection is back."
            });
        }
    }

    /// Keys went out or came in.
    pub fn keys(&mut self, call: &CallView) {
        if self.json {
            self.event(
                "keys",
                call,
                &json!({ "keys_sent": call.keys_sent, "keys_received": call.keys_received }),
            );
        } else {
            self.say(&format!(
                "Keys: sent {}, received {}",
                dash(&call.keys_sent),
                dash(&call.keys_received)
            ));
        }
    }

    /// Something to read that is not the end of a call.
    pub fn notice(&mut self, notice: &Notice) {
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "notice", "call_id": null, "state": null,
                "code": notice.code, "words": notice.text,
            }));
        } else if !REFUSALS.contains(&notice.code) {
            self.say(&notice.text);
        }
    }

    /// Which line a call goes out over. People are told where there is something to choose from.
    pub(crate) fn route(&mut self, call: &CallId, routed: &Routed, region: Region) {
        let shown = calling::route(routed, region);
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "route", "call_id": call.as_str(), "state": null,
                "line": shown.line, "name": shown.name,
                "caller_id": shown.caller_id.map(|own| own.number), "why": shown.why,
                "words": routed.route.why.words(), "then": shown.then,
            }));
        } else if shown.lines.len() > 1 || routed.route.why == Why::Asked {
            let own = shown.caller_id.map(|own| format!(" ({})", own.shown));
            let own = own.unwrap_or_default();
            let why = routed.route.why.words();
            self.say(&format!("Calling over {}{own}: {why}.", shown.name));
        }
    }

    /// Nobody was called, since what was asked for cannot be done.
    pub(crate) fn not_called(&mut self, call: &CallId, error: &IpcError) {
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "error", "call_id": call.as_str(), "state": null,
                "code": error.code, "words": error.message,
            }));
        } else {
            self.say(&error.message);
        }
    }

    /// The last word about a call; answers its exit code.
    pub fn end(&mut self, call: &CallView, reason: &EndReason) -> u8 {
        let code = exit_code(reason);
        let duration = call
            .answered_unix_ms
            .zip(call.ended_unix_ms)
            .map(|(answered, ended)| seconds(ended.saturating_sub(answered)));
        if self.json {
            self.event(
                "end",
                call,
                &json!({
                    "outcome": reason.code(),
                    "exit_code": code,
                    "direction": direction(call.direction),
                    "started_unix_ms": call.started_unix_ms,
                    "answered_unix_ms": call.answered_unix_ms,
                    "ended_unix_ms": call.ended_unix_ms,
                    "duration_s": duration,
                    "heard": { "seconds": call.media.heard_seconds, "dbfs": call.media.heard_dbfs },
                    "keys_sent": call.keys_sent,
                    "keys_received": call.keys_received,
                    "sip_code": reason.sip_code(),
                    "words": reason.title(),
                    "advice": reason.advice(),
                }),
            );
        } else {
            let mut text = sentence(reason);
            if let Some(duration) = duration {
                text.push_str(&format!(" {duration:.1} s"));
                if let Some(dbfs) = call.media.heard_dbfs {
                    text.push_str(&format!(
                        ", heard {:.1} s at {dbfs:.0} dBFS",
                        call.media.heard_seconds
                    ));
                }
                text.push('.');
            }
            self.say(&text);
        }
        code
    }

    /// A call that was refused before it began; answers its exit code. `why` replaces the usual words.
    pub fn refused(
        &mut self,
        call_id: &str,
        number: &str,
        reason: &EndReason,
        why: Option<&str>,
    ) -> u8 {
        let code = exit_code(reason);
        if self.json {
            let now = unix_ms();
            self.write(&json!({
                "at_ms": now, "event": "end", "call_id": call_id, "state": "ended",
                "number": number, "outcome": reason.code(), "exit_code": code, "direction": "outbound",
                "started_unix_ms": now, "answered_unix_ms": null, "ended_unix_ms": now, "duration_s": null,
                "heard": { "seconds": 0.0, "dbfs": null }, "keys_sent": "", "keys_received": "", "sip_code": null,
                "words": why.map_or_else(|| reason.title(), str::to_owned), "advice": reason.advice(),
            }));
        } else {
            self.say(&why.map_or_else(|| sentence(reason), str::to_owned));
        }
        code
    }

    /// The whole picture, when anything in it changed: for programs every field, for people what no state says.
    pub fn view(
        &mut self,
        view: &call::view::PhoneView,
        region: Region,
        names: &HashMap<String, String>,
    ) {
        let mut shown = convert::phone(view, region, names, Language::English.words());
        shown.rev = 0; // counts changes that cannot be seen too
        if self.shown.as_ref() == Some(&shown) {
            return;
        }
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "view", "call_id": null, "state": null, "view": shown,
            }));
        } else {
            for sentence in self.news(&shown) {
                self.say(&sentence);
            }
        }
        self.shown = Some(shown);
    }

    /// What a person would want to know of the changes since the last view.
    fn news(&self, shown: &PhoneView) -> Vec<String> {
        let mut news = Vec::new();
        let quiet_before = self.shown.as_ref().and_then(|view| view.quiet.as_ref());
        if let Some(quiet) = &shown.quiet
            && quiet_before != Some(quiet)
        {
            news.push(quiet.clone());
        }
        for call in &shown.calls {
            let earlier = self.shown.as_ref().map(|view| &view.calls);
            let Some(before) = earlier.and_then(|calls| calls.iter().find(|c| c.id == call.id))
            else {
                continue;
            };
            for (now, was, yes, no) in [
                (call.muted, before.muted, "muted", "no longer muted"),
                (call.held, before.held, "on hold", "no longer on hold"),
                (call.silenced, before.silenced, "silent", "ringing again"),
            ] {
                if now != was {
                    let what = if now { yes } else { no };
                    news.push(format!("{} is {what}.", call.number_shown));
                }
            }
            if call.transfer != before.transfer
                && let Some(transfer) = &call.transfer
            {
                let words = transfer.words.clone();
                news.push(words.unwrap_or_else(|| format!("Transferring to {}.", transfer.to)));
            }
            for person in &call.people {
                let was = before.people.iter().find(|p| p.leg == person.leg);
                if was.map(|p| p.state) != Some(person.state) {
                    news.push(format!(
                        "{}: {}.",
                        person.number_shown,
                        how_far(person.state)
                    ));
                }
            }
        }
        news
    }

    /// All calls there are, one a line.
    pub fn calls(&mut self, view: &call::view::PhoneView) {
        if self.json {
            return; // every view was told
        }
        self.last.clear();
        if view.calls.is_empty() {
            self.say("There is no call.");
        }
        for call in &view.calls {
            self.say(&format!(
                "@{}  {}  {}",
                call.id.as_str(),
                who(call),
                call.words
            ));
            for person in &call.people {
                self.say(&format!(
                    "  {}  {}",
                    person.leg.as_str(),
                    person.number_shown
                ));
            }
        }
    }

    /// An answer to what was typed: why it cannot be done, or the list of what can.
    pub fn told(&mut self, words: &str) {
        if self.json {
            self.write(&json!({
                "at_ms": unix_ms(), "event": "told", "call_id": null, "state": null, "words": words,
            }));
        } else {
            self.last.clear();
            self.say(words);
        }
    }

    /// Any other JSON line, or sentence.
    pub fn other(&mut self, value: &Value, text: &str) {
        if self.json {
            self.write(value);
        } else {
            self.say(text);
        }
    }

    fn event(&mut self, event: &str, call: &CallView, more: &Value) {
        let mut line = json!({
            "at_ms": unix_ms(),
            "event": event,
            "call_id": call.id.as_str(),
            "state": call.state.name(),
            "direction": direction(call.direction),
            "number": call.number,
        });
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        self.write(&line);
    }

    fn write(&mut self, line: &Value) {
        self.say(&line.to_string());
    }

    fn say(&mut self, text: &str) {
        if self.last == text {
            return;
        }
        self.last = text.to_owned();
        if let Err(error) = writeln!(self.out, "{text}").and_then(|()| self.out.flush()) {
            tracing::debug!(%error, "the reader of the report went away");
        }
    }
}

fn sentence(reason: &EndReason) -> String {
    let title = reason.title();
    let stop = if title.ends_with('.') { "" } else { "." };
    let advice = reason.advice().map(|advice| format!(" {advice}"));
    format!("{title}{stop}{}", advice.unwrap_or_default())
}

fn who(call: &CallView) -> &str {
    match &call.name {
        Some(name) => name,
        None if call.number.is_empty() => "A private number",
        None => &call.number_shown,
    }
}

fn how_far(state: PersonState) -> &'static str {
    match state {
        PersonState::Dialling => "being called",
        PersonState::Ringing => "ringing",
        PersonState::Up => "in the call",
        PersonState::Waiting => "waiting with music",
        PersonState::Gone => "gone",
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "outbound",
        Direction::Inbound => "inbound",
    }
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[allow(clippy::cast_precision_loss)] // a call shorter than 285 thousand years
fn seconds(millis: i64) -> f64 {
    millis.max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use call::CallId;
    use call::state::MediaReport;

    use super::*;

    fn ended_call() -> CallView {
        CallView {
            id: CallId::parse("c1").unwrap(),
            direction: Direction::Outbound,
            number: "+12125550100".into(),
            number_shown: "(212) 555-0100".into(),
            name: None,
            line: None,
            refusals: Vec::new(),
            state: CallState::Ended,
            words: "You ended the call".into(),
            started_unix_ms: 1_000,
            answered_unix_ms: Some(2_000),
            ended_unix_ms: Some(5_100),
            muted: false,
            held: false,
            can_transfer: false,
            transfer: None,
            people: Vec::new(),
            private_with: None,
            can_rejoin: false,
            reconnecting: false,
            gives_up_unix_ms: None,
            silenced: false,
            quiet: false,
            decline_effect: call::view::DeclineEffect::OnlyHere,
            keys_sent: String::new(),
            keys_received: String::new(),
            media: MediaReport {
                heard_seconds: 2.9,
                heard_dbfs: Some(-12.0),
                ..MediaReport::default()
            },
            end: Some(EndReason::HungUp),
        }
    }

    fn said(json: bool, what: impl FnOnce(&mut Report<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        what(&mut Report::to(json, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_last_json_line_has_outcome_times_and_what_was_heard() {
        let text = said(true, |report| {
            assert_eq!(report.end(&ended_call(), &EndReason::HungUp), 0);
        });
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert!(line["at_ms"].as_i64().unwrap() > 0);
        assert_eq!(line["event"], "end");
        assert_eq!(line["call_id"], "c1");
        assert_eq!(line["state"], "ended");
        assert_eq!(line["outcome"], "hung_up");
        assert_eq!(line["exit_code"], 0);
        assert_eq!(line["answered_unix_ms"], 2_000);
        assert_eq!(line["duration_s"], 3.1);
        assert_eq!(line["heard"]["seconds"], 2.9);
        assert_eq!(line["heard"]["dbfs"], -12.0);
    }

    #[test]
    fn people_read_sentences() {
        let text = said(false, |report| {
            report.end(&ended_call(), &EndReason::HungUp);
        });
        assert_eq!(
            text,
            "You ended the call. 3.1 s, heard 2.9 s at -12 dBFS.\n"
        );
        let busy = said(false, |report| {
            let call = CallView {
                answered_unix_ms: None,
                ..ended_call()
            };
            assert_eq!(report.end(&call, &EndReason::Busy), 10);
        });
        assert!(busy.starts_with("Busy. "), "{busy}");
    }

    #[test]
    fn a_refusal_has_the_same_fields_as_an_end() {
        let end: Value = serde_json::from_str(&said(true, |report| {
            report.end(&ended_call(), &EndReason::HungUp);
        }))
        .unwrap();
        let refused: Value = serde_json::from_str(&said(true, |report| {
            report.refused("c2", "+12125550100", &EndReason::NotSignedIn, None);
        }))
        .unwrap();
        assert_eq!(
            end.as_object().unwrap().keys().collect::<Vec<_>>(),
            refused.as_object().unwrap().keys().collect::<Vec<_>>()
        );
        assert_eq!(refused["exit_code"], 20);
    }

    #[test]
    fn a_reader_that_went_away_stops_nothing() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(
            Report::to(true, Closed).end(&ended_call(), &EndReason::Busy),
            10
        );
    }
}
