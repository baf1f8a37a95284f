//! A typed client of the line's control API. Every method blocks.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

use super::{Event, Inbound, Number, Ready, Report, State};

/// A condition on a report is looked at again at least this often: what a phone hears grows without an event.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The people at the other end of the line. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Phones {
    agent: Agent,
    control: String,
    inbound_number: String,
}

impl fmt::Debug for Phones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phones")
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

/// What happens to a phone's packets on their way to the room.
#[derive(Clone, Copy, Debug)]
pub enum Media {
    /// They go through.
    Flow,
    /// None goes through.
    Stop,
    /// Each is late by this much.
    Delay(Duration),
}

impl Phones {
    pub(crate) fn new(ready: &Ready) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(70)))
            .http_status_as_error(false)
            // The line is on loopback; a proxy of the surroundings has no part in it.
            .proxy(None)
            .build()
            .new_agent();
        Self {
            agent,
            control: ready.control.trim_end_matches('/').to_owned(),
            inbound_number: ready.inbound_number.clone(),
        }
    }

    /// The number a caller dials to reach the desk.
    #[must_use]
    pub fn inbound_number(&self) -> &str {
        &self.inbound_number
    }

    /// Ring the desk.
    ///
    /// # Errors
    /// When the line refuses or is gone. So for every method here.
    pub fn place_inbound(&self, call: &Inbound) -> Result<Report> {
        self.post("/calls", call)
    }

    /// All calls, newest first.
    pub fn calls(&self) -> Result<Vec<Report>> {
        #[derive(Deserialize)]
        struct Calls {
            calls: Vec<Report>,
        }
        Ok(self.get::<Calls>("/calls")?.calls)
    }

    /// One call.
    pub fn call(&self, id: &str) -> Result<Report> {
        self.get(&format!("/calls/{id}"))
    }

    /// The newest call to or from `number` (as `+12125550100`).
    pub fn latest_with(&self, number: &str) -> Result<Option<Report>> {
        Ok(self
            .calls()?
            .into_iter()
            .find(|call| call.from == number || call.to == number))
    }

    /// Wait until a call is at least so far.
    pub fn wait_until(&self, id: &str, state: State, within: Duration) -> Result<Report> {
        self.wait_for(id, |report| report.state >= state, within)
    }

    /// Wait until `condition` holds for one call. Woken by its events.
    ///
    /// # Errors
    /// Also when it does not hold after `within`; the error carries the last report.
    pub fn wait_for(
        &self,
        id: &str,
        condition: impl Fn(&Report) -> bool,
        within: Duration,
    ) -> Result<Report> {
        let deadline = Instant::now() + within;
        let mut seen = 0;
        loop {
            let report = self.call(id)?;
            if condition(&report) {
                return Ok(report);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "call {id} did not get there in {} s: {report:#?}",
                    within.as_secs_f32()
                );
            }
            (_, seen) = self.events_of(Some(id), seen, left.min(LOOK_AGAIN))?;
        }
    }

    /// Wait for a call for which `condition` holds; the newest wins.
    ///
    /// # Errors
    /// Also when there is none after `within`; the error carries the calls there are.
    pub fn wait_for_call(
        &self,
        condition: impl Fn(&Report) -> bool,
        within: Duration,
    ) -> Result<Report> {
        let deadline = Instant::now() + within;
        let mut seen = 0;
        loop {
            let calls = self.calls()?;
            if let Some(found) = calls.iter().find(|call| condition(call)) {
                return Ok(found.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "no such call in {} s; there are {calls:#?}",
                    within.as_secs_f32()
                );
            }
            (_, seen) = self.events_of(None, seen, left.min(LOOK_AGAIN))?;
        }
    }

    /// Events with a number above `after`, and the number to go on with; waits up to `wait` (60 s at most) for one.
    pub fn events(&self, after: u64, wait: Duration) -> Result<(Vec<Event>, u64)> {
        self.events_of(None, after, wait)
    }

    fn events_of(
        &self,
        call: Option<&str>,
        after: u64,
        wait: Duration,
    ) -> Result<(Vec<Event>, u64)> {
        #[derive(Deserialize)]
        struct Events {
            events: Vec<Event>,
            next: u64,
        }
        let call = call.map(|id| format!("&call={id}")).unwrap_or_default();
        let found: Events = self.get(&format!(
            "/events?after={after}&wait_ms={}{call}",
            milliseconds(wait)
        ))?;
        Ok((found.events, found.next))
    }

    /// The person hangs up, gives up, or declines.
    pub fn hang_up(&self, id: &str) -> Result<Report> {
        self.act(id, "hangup", &json!({}))
    }

    /// The connection dies: no status, no leave.
    pub fn drop_connection(&self, id: &str) -> Result<Report> {
        self.act(id, "drop", &json!({}))
    }

    /// The far end hangs up, but the phone stays listed in the room.
    pub fn leave_ghost(&self, id: &str) -> Result<Report> {
        self.act(id, "ghost", &json!({}))
    }

    /// The phone leaves without a reason and comes back saying `dialing`.
    pub fn rejoin(&self, id: &str) -> Result<Report> {
        self.act(id, "rejoin", &json!({}))
    }

    /// A phone that rings is answered now.
    pub fn answer(&self, id: &str) -> Result<Report> {
        self.act(id, "answer", &json!({}))
    }

    /// The person presses keys.
    pub fn press(&self, id: &str, keys: &str) -> Result<Report> {
        self.act(id, "keys", &json!({ "keys": keys }))
    }

    /// The person says something else from now on (as [`Inbound::says`]).
    pub fn say(&self, id: &str, what: &str) -> Result<Report> {
        self.act(id, "says", &json!({ "says": what }))
    }

    /// Change the attributes of the phone as they are; `None` takes one away.
    pub fn set_attributes(&self, id: &str, attributes: &[(&str, Option<&str>)]) -> Result<Report> {
        let attributes: BTreeMap<_, _> = attributes.iter().copied().collect();
        self.act(id, "attributes", &json!({ "attributes": attributes }))
    }

    /// Somebody else deletes the room of the call.
    pub fn vanish(&self, id: &str) -> Result<Report> {
        self.act(id, "vanish", &json!({}))
    }

    /// Disturb the phone's packets, for a time or until told otherwise.
    pub fn media(&self, id: &str, media: Media, lasting: Option<Duration>) -> Result<Report> {
        let mut body = match media {
            Media::Flow => json!({ "mode": "flow" }),
            Media::Stop => json!({ "mode": "stop" }),
            Media::Delay(by) => json!({ "mode": "delay", "delay_ms": milliseconds(by) }),
        };
        if let (Some(time), Some(fields)) = (lasting, body.as_object_mut()) {
            fields.insert("for_ms".to_owned(), milliseconds(time).into());
        }
        self.act(id, "media", &body)
    }

    /// Begin a new measuring window for what the phone hears.
    pub fn forget_heard(&self, id: &str) -> Result<Report> {
        self.act(id, "heard/reset", &json!({}))
    }

    /// Let the phone listen anew for `time` and report what it heard in that window.
    pub fn listen(&self, id: &str, time: Duration) -> Result<Report> {
        self.forget_heard(id)?;
        let window = milliseconds(time);
        self.wait_for(
            id,
            |report| report.over || report.heard.window_ms >= window,
            time + Duration::from_secs(5),
        )
    }

    /// All a phone heard, as Ogg Opus.
    pub fn recording(&self, id: &str) -> Result<Vec<u8>> {
        let path = format!("/calls/{id}/audio.ogg");
        let mut response = self
            .agent
            .get(format!("{}{path}", self.control))
            .call()
            .with_context(|| self.gone())?;
        if !response.status().is_success() {
            bail!("{path}: {}", sentence(&mut response));
        }
        response
            .body_mut()
            .read_to_vec()
            .context("the recording broke off")
    }

    /// The numbers that can be dialled.
    pub fn numbers(&self) -> Result<Vec<Number>> {
        #[derive(Deserialize)]
        struct Numbers {
            numbers: Vec<Number>,
        }
        Ok(self.get::<Numbers>("/numbers")?.numbers)
    }

    /// The second table: a number for each final SIP code that has a name, and the special ones of
    /// [`numbers`](super::numbers).
    pub fn matrix(&self) -> Result<Vec<Number>> {
        #[derive(Deserialize)]
        struct Numbers {
            numbers: Vec<Number>,
        }
        Ok(self.get::<Numbers>("/numbers/matrix")?.numbers)
    }

    /// Give a number (full, or the two digits it ends with) another script, for example
    /// `json!({"answer_after_ms": 0, "says": "tone:700"})`.
    pub fn set_number(&self, number: &str, script: &Value) -> Result<Number> {
        self.put(&format!("/numbers/{number}"), script)
    }

    /// Every call that shows this number of the desk gets this script, whoever is dialled: a provider that refuses.
    pub fn set_caller(&self, number: &str, script: &Value) -> Result<Number> {
        self.put(&format!("/callers/{number}"), script)
    }

    /// Back to the table.
    pub fn reset_numbers(&self) -> Result<()> {
        self.post::<Value>("/numbers/reset", &json!({})).map(drop)
    }

    fn act(&self, id: &str, what: &str, body: &Value) -> Result<Report> {
        self.post(&format!("/calls/{id}/{what}"), body)
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.answer_of(self.agent.get(format!("{}{path}", self.control)).call())
    }

    pub(super) fn delete(&self, path: &str) -> Result<()> {
        let answer = self.agent.delete(format!("{}{path}", self.control)).call();
        self.answer_of::<Value>(answer).map(drop)
    }

    pub(super) fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.answer_of(
            self.agent
                .put(format!("{}{path}", self.control))
                .send_json(body),
        )
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.answer_of(
            self.agent
                .post(format!("{}{path}", self.control))
                .send_json(body),
        )
    }

    fn answer_of<T: DeserializeOwned>(
        &self,
        response: Result<Response<Body>, ureq::Error>,
    ) -> Result<T> {
        let mut response = response.with_context(|| self.gone())?;
        if !response.status().is_success() {
            bail!(
                "the line refused ({}): {}",
                response.status(),
                sentence(&mut response)
            );
        }
        response
            .body_mut()
            .read_json()
            .context("the line answered something unknown")
    }

    fn gone(&self) -> String {
        format!(
            "the control API of the line does not answer at {}",
            self.control
        )
    }
}

fn sentence(response: &mut Response<Body>) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let text = response.body_mut().read_to_string().unwrap_or_default();
    serde_json::from_str::<Refusal>(&text).map_or(text, |refusal| refusal.error)
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
