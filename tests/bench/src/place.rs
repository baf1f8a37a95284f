//! Where it is measured: a private stage, a line, and the program signed in to it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stage::{
    App, Line, LineOptions, MAIN_WINDOW, Stage,
    line::{Event, Report, State},
};

/// The longest that anything may take before a run counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The phone that answers and plays [`THEIR_TONE`].
pub(crate) const TONE_NUMBER: &str = "+12125550100";
/// The phone that sends back what it hears.
pub(crate) const ECHO_NUMBER: &str = "+12125550102";
/// Who calls us.
pub(crate) const CALLER: &str = "+13125550142";
/// What the far end says, in Hz: far from every ringing tone of ours and its first overtones.
pub(crate) const THEIR_TONE: f64 = 2_500.0;
/// What our microphone hears, in Hz.
pub(crate) const OUR_TONE: f32 = 700.0;

/// All of it; ends with its owner.
pub(crate) struct Place {
    // Dropped in this order: the line is quiet before its surrounding goes.
    pub(crate) line: Line,
    pub(crate) app: App,
    pub(crate) stage: Stage,
}

impl Place {
    /// Start it and sign in.
    pub(crate) fn start() -> Result<Self> {
        let stage = Stage::start("bench")?;
        let line = stage.line(LineOptions::default())?;
        let phones = &line.phones;
        phones.reset_numbers()?;
        // Short, but it does ring: our own ringing tone sounds before the answer, as in life.
        phones.set_number(
            "00",
            &json!({ "ring_after_ms": 100, "answer_after_ms": 500, "says": format!("tone:{THEIR_TONE}") }),
        )?;
        phones.set_number(
            "02",
            &json!({ "ring_after_ms": 0, "answer_after_ms": 0, "says": "echo" }),
        )?;
        let app = stage.app("desk")?;
        app.sign_in(&line.ready)?;
        Ok(Self { line, app, stage })
    }

    /// Types a number into the open window, as a person does, and waits until the phone has answered.
    pub(crate) fn dial_in_window(&self, number: &str) -> Result<Report> {
        let phones = &self.line.phones;
        let earlier: Vec<String> = phones.calls()?.into_iter().map(|call| call.id).collect();
        let display = &self.stage.display;
        let window = display.wait_for_window(&format!("^{MAIN_WINDOW}$"), PATIENCE)?;
        display.xdotool(&["windowactivate", "--sync", &window])?;
        display.xdotool(&["type", "--delay", "40", number])?;
        display.xdotool(&["key", "Return"])?;
        phones
            .wait_for_call(
                |call| call.state == State::Active && !earlier.contains(&call.id),
                PATIENCE,
            )
            .context("the number typed into the window was not called")
    }

    /// The number of the newest event of the line.
    pub(crate) fn newest_event(&self) -> Result<u64> {
        Ok(self.line.phones.events(0, Duration::ZERO)?.1)
    }

    /// What happened on the line since `after`.
    pub(crate) fn events_since(&self, after: u64) -> Result<Vec<Event>> {
        Ok(self.line.phones.events(after, Duration::ZERO)?.0)
    }
}

/// When the first event of this kind was (seconds since 1970).
pub(crate) fn when(events: &[Event], what: &str) -> Result<f64> {
    events
        .iter()
        .find(|event| event.what == what)
        .map(|event| event.unix_ms as f64 / 1e3)
        .with_context(|| format!("the phone did not tell \"{what}\""))
}

/// A time in a line of the program (seconds since 1970).
pub(crate) fn time_in(line: &Value, field: &str) -> Result<f64> {
    line.get(field)
        .and_then(Value::as_f64)
        .map(|ms| ms / 1e3)
        .with_context(|| format!("there is no {field} in {line}"))
}

/// The last line of a program, if it is the end of a call that was answered.
pub(crate) fn answered_end((code, said): &(i32, Vec<Value>)) -> Result<&Value> {
    match said.last() {
        Some(end) if *code == 0 => Ok(end),
        last => bail!("the call ended with exit code {code}: {}", json!(last)),
    }
}
