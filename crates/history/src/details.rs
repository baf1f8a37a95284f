//! What is known of a call besides who, when and how it ended.

use call::output::{LogFinish, LogPerson, LogStart};
use call::{CallId, EndReason};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::HistoryError;
use crate::lines::RefusedLine;
use crate::text::{LONGEST_NAME, clean};

/// Facts that come to be known bit by bit. `None`: not known; writing it changes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// What the person typed.
    pub dialled: Option<String>,
    /// Milliseconds for which a phone rang, there or here.
    pub rang_ms: Option<i64>,
    /// The colleague who took it.
    pub answered_by: Option<String>,
    /// To whom it was handed over, as a person writes it.
    pub transferred_to: Option<String>,
    /// The provider's own name of the call.
    pub provider_call_id: Option<String>,
    /// The bridge's name of the call (attribute `sip.callID`).
    pub sip_call_id: Option<String>,
    /// The `Call-ID` of the SIP dialogue (attribute `sip.callIDFull`).
    pub sip_call_id_full: Option<String>,
    /// The last SIP code that was told.
    pub sip_code: Option<u16>,
    /// Name of the microphone that was open.
    pub microphone: Option<String>,
    /// Name of the speaker that was open.
    pub speaker: Option<String>,
    /// How well the far end was heard.
    pub quality: Quality,
    /// Everybody on the phone, the first far end first, where there were several. Read by
    /// [`Store::entry`](crate::Store::entry) only: a page does without.
    pub people: Vec<Person>,
    /// Lines whose provider refused it before it went over this one, the first first. Written as it happens
    /// ([`LogCommand::WentOver`](call::output::LogCommand)), never with other details.
    pub refusals: Vec<RefusedLine>,
}

/// Somebody on the phone in a call with several legs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// E.164 where it is one, else as it came; "" if withheld.
    pub number: String,
    /// What they say of themselves.
    pub name: Option<String>,
    /// Did they talk with anybody?
    pub answered: bool,
    /// `EndReason::code` of their leg.
    pub outcome: String,
    /// The same as a headline, as it was worded then.
    pub words: String,
}

impl Person {
    fn of(person: &LogPerson) -> Self {
        Self {
            number: clean(&person.number, LONGEST_NAME),
            name: person.name.as_deref().map(|name| clean(name, LONGEST_NAME)),
            answered: person.answered,
            outcome: person.reason.code().to_owned(),
            words: person.reason.title(),
        }
    }
}

/// A summary of how well the far end was heard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Packets of the far end that never came.
    pub packets_lost: Option<u64>,
    /// Packets of the far end that came.
    pub packets_received: Option<u64>,
    /// Mean jitter of their packets, milliseconds.
    pub jitter_mean_ms: Option<f64>,
    /// Highest jitter of their packets, milliseconds.
    pub jitter_max_ms: Option<f64>,
    /// How often the connection was rebuilt.
    pub reconnections: Option<u32>,
}

impl Details {
    /// What the first journal entry says. A field that [`LogStart`] gains is taken over here.
    pub(crate) fn of_start(start: &LogStart) -> Self {
        Self {
            dialled: start.dialled.clone(),
            ..Self::default()
        }
    }

    /// What the last journal entry says. A field that [`LogFinish`] gains is taken over here.
    pub(crate) fn of_finish(finish: &LogFinish) -> Self {
        let facts = &finish.facts;
        let answered_by = if let EndReason::AnsweredElsewhere { by } = &finish.reason {
            Some(by.clone())
        } else {
            facts.answered_by.clone()
        };
        let heard = finish.answered_unix_ms.is_some() && facts.packets_received > 0;
        Self {
            rang_ms: i64::try_from(finish.rang.as_millis())
                .ok()
                .filter(|ms| *ms > 0),
            answered_by,
            transferred_to: facts.transferred_to.clone(),
            provider_call_id: facts.provider_call_id.clone(),
            sip_call_id: facts.sip_call_id.clone(),
            sip_call_id_full: facts.sip_call_id_full.clone(),
            sip_code: facts.sip_code.or(finish.reason.sip_code()),
            microphone: facts.microphone.clone(),
            speaker: facts.speaker.clone(),
            quality: Quality {
                packets_lost: heard.then_some(facts.packets_lost),
                packets_received: heard.then_some(facts.packets_received),
                jitter_mean_ms: heard.then_some(facts.jitter_mean_ms),
                jitter_max_ms: heard.then_some(facts.jitter_max_ms),
                reconnections: heard.then_some(facts.reconnections),
            },
            people: facts.people.iter().map(Person::of).collect(),
            ..Self::default()
        }
    }
}

/// Adds what is known. A call that is not in the journal is left to the caller to notice: nothing is changed.
pub(crate) fn write(
    connection: &Connection,
    call: &CallId,
    details: &Details,
) -> Result<(), HistoryError> {
    if *details == Details::default() {
        return Ok(());
    }
    let short = |text: &Option<String>| text.as_deref().map(|text| clean(text, LONGEST_NAME));
    let count = |n: Option<u64>| n.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let people = (!details.people.is_empty()).then(|| json!(details.people).to_string());
    connection
        .prepare_cached(
            "UPDATE calls SET dialled = ifnull(?2, dialled), rang_ms = ifnull(?3, rang_ms),
                answered_by = ifnull(?4, answered_by), transferred_to = ifnull(?5, transferred_to),
                provider_call_id = ifnull(?6, provider_call_id), sip_call_id = ifnull(?7, sip_call_id),
                sip_call_id_full = ifnull(?8, sip_call_id_full), sip_code = ifnull(?9, sip_code),
                microphone = ifnull(?10, microphone), speaker = ifnull(?11, speaker),
                packets_lost = ifnull(?12, packets_lost), packets_received = ifnull(?13, packets_received),
                jitter_mean_ms = ifnull(?14, jitter_mean_ms), jitter_max_ms = ifnull(?15, jitter_max_ms),
                reconnections = ifnull(?16, reconnections), people = ifnull(?17, people)
             WHERE id = ?1",
        )?
        .execute(params![
            call.as_str(),
            short(&details.dialled),
            details.rang_ms,
            short(&details.answered_by),
            short(&details.transferred_to),
            short(&details.provider_call_id),
            short(&details.sip_call_id),
            short(&details.sip_call_id_full),
            details.sip_code,
            short(&details.microphone),
            short(&details.speaker),
            count(details.quality.packets_lost),
            count(details.quality.packets_received),
            details.quality.jitter_mean_ms,
            details.quality.jitter_max_ms,
            details.quality.reconnections,
            people,
        ])?;
    Ok(())
}
