//! `deskline line costs`: what lines are estimated to have cost in a month, and the rates that this is reckoned by.

use lines::Registry;
use serde_json::{Value, json};

use crate::ipc::line_costs::{LineCostView, LineCostsView, LineRatesDraft, costs_view};
use crate::ipc::types::IpcError;
use crate::line_costs::{Month, estimate, set_rates};
use crate::profile::Profile;
use crate::terminal::line_args::Costs;
use crate::terminal::outcome::{ANSWERED, WRONG_USE};
use crate::terminal::refuse;
use crate::terminal::report::Report;

/// Keeps the rates that were given, and shows the month.
pub(crate) fn run(profile: &Profile, asked: &Costs) -> u8 {
    match costs(profile, asked) {
        Ok(view) => {
            show(&view, asked.json);
            ANSWERED
        }
        Err(error) => {
            refuse(asked.json, &error);
            WRONG_USE
        }
    }
}

fn costs(profile: &Profile, asked: &Costs) -> Result<LineCostsView, IpcError> {
    let month = Month::parse(asked.month.as_deref().unwrap_or_default())?;
    let registry = Registry::new(&profile.path().join("lines"));
    let store = history::Store::open(profile.path())
        .map_err(|error| IpcError::new("profile", error.to_string()))?;
    if let Some(name) = &asked.line {
        let line = crate::calling::find(&registry, name)?;
        let before = LineRatesDraft::of(&line.rates);
        let now = with(asked, before.clone());
        if now != before {
            set_rates(&registry, name, &now)?;
        }
    }
    let (lines, estimated) = estimate(&registry, &store, month)?;
    Ok(costs_view(&lines, &estimated, month))
}

/// The rates that are kept, with those that were given changed.
fn with(asked: &Costs, mut rates: LineRatesDraft) -> LineRatesDraft {
    for (given, kept) in [
        (&asked.currency, &mut rates.currency),
        (&asked.number_month, &mut rates.number_month),
        (&asked.minute_in, &mut rates.minute_in),
        (&asked.minute_out, &mut rates.minute_out),
        (&asked.livekit_minute, &mut rates.livekit_minute),
    ] {
        if let Some(given) = given {
            kept.clone_from(given);
        }
    }
    rates
}

fn show(view: &LineCostsView, json: bool) {
    let mut report = Report::new(json);
    for line in &view.lines {
        report.other(&value("line_costs", line), &sentence(line));
    }
    let at_least = |is_whole: bool| if is_whole { "" } else { "at least " };
    let sums: Vec<String> = view
        .totals
        .iter()
        .map(|sum| format!("{}{} {}", at_least(sum.is_whole), sum.amount, sum.currency))
        .collect();
    let sums = if sums.is_empty() {
        "no line was set up here yet".to_owned()
    } else {
        sums.join(" and ")
    };
    let mut text = format!(
        "{}: {sums}. An estimate by the rates you gave; the provider's bill is what counts.",
        view.month
    );
    if view.minutes_elsewhere > 0 {
        text.push_str(&format!(
            "\nNot in it: {} minutes over numbers that are on no line set up here.",
            view.minutes_elsewhere
        ));
    }
    let total = json!({
        "event": "costs", "month": view.month, "estimate": true, "totals": view.totals,
        "minutes_elsewhere": view.minutes_elsewhere,
    });
    report.other(&total, &text);
}

fn value(event: &str, line: &LineCostView) -> Value {
    let mut value = serde_json::to_value(line).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("event".into(), event.into());
    }
    value
}

fn sentence(line: &LineCostView) -> String {
    let cost = |cost: &Option<String>| cost.clone().unwrap_or_else(|| "?".to_owned());
    let rate = |rate: &str| if rate.is_empty() { "?" } else { rate }.to_owned();
    let rates = &line.rates;
    let row = |what: String, of: &str, cost: String| {
        format!("\n  {what:<28}× {:<10}{cost:>10}", rate(of))
    };
    let through = line.minutes_in.saturating_add(line.minutes_out);
    format!(
        "{} ({}), {}{}{}{}{}\n  {}{} {}",
        line.name,
        line.provider,
        rates.currency,
        row(
            format!("{} numbers", line.numbers),
            &rates.number_month,
            cost(&line.cost_numbers)
        ),
        row(
            format!("{} min in, {} calls", line.minutes_in, line.calls_in),
            &rates.minute_in,
            cost(&line.cost_in)
        ),
        row(
            format!("{} min out, {} calls", line.minutes_out, line.calls_out),
            &rates.minute_out,
            cost(&line.cost_out)
        ),
        row(
            format!("{through} min LiveKit"),
            &rates.livekit_minute,
            cost(&line.cost_livekit)
        ),
        if line.is_whole {
            "together "
        } else {
            "together at least "
        },
        line.amount,
        rates.currency,
    )
}
