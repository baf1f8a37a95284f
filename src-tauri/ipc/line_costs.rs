//! What lines cost, as the windows see it. Amounts are decimal text, with a point: no window reckons with them.

use lines::costs::{Amount, Currency, Estimate, Month as Estimated, Rates};
use lines::{BadInput, KeptLine};
use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

use crate::ipc::types::IpcError;
use crate::line_costs::Month;

/// What a person typed from the price lists; empty: not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LineRatesDraft {
    /// Three letters; empty: USD.
    pub currency: String,
    /// One number, a month.
    pub number_month: String,
    /// A minute of a call that came in.
    pub minute_in: String,
    /// A minute of a call that went out.
    pub minute_out: String,
    /// A minute through LiveKit's telephone bridge.
    pub livekit_minute: String,
}

impl LineRatesDraft {
    /// As they are kept.
    ///
    /// # Errors
    /// One of them is no amount.
    pub(crate) fn rates(&self) -> Result<Rates, IpcError> {
        let read = || -> Result<Rates, BadInput> {
            Ok(Rates {
                currency: Currency::parse(&self.currency)?,
                number_month: Amount::parse(&self.number_month)?,
                minute_in: Amount::parse(&self.minute_in)?,
                minute_out: Amount::parse(&self.minute_out)?,
                livekit_minute: Amount::parse(&self.livekit_minute)?,
            })
        };
        read().map_err(|error| IpcError::new("bad_input", error.to_string()))
    }

    pub(crate) fn of(rates: &Rates) -> Self {
        let text = |amount: Option<Amount>| amount.map(Amount::exact).unwrap_or_default();
        Self {
            currency: rates.currency.to_string(),
            number_month: text(rates.number_month),
            minute_in: text(rates.minute_in),
            minute_out: text(rates.minute_out),
            livekit_minute: text(rates.livekit_minute),
        }
    }
}

/// One line in one month.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineCostView {
    /// The line.
    pub line: String,
    /// Its name.
    pub name: String,
    /// Who carries it, for a person.
    pub provider: String,
    /// How many numbers it has.
    pub numbers: u32,
    /// Answered calls that came in.
    pub calls_in: u32,
    /// Minutes begun in them.
    pub minutes_in: u32,
    /// Answered calls that went out.
    pub calls_out: u32,
    /// Minutes begun in them.
    pub minutes_out: u32,
    /// What was typed from the price lists.
    pub rates: LineRatesDraft,
    /// The numbers, to the hundredth; `null`: the rate is not known.
    pub cost_numbers: Option<String>,
    /// Incoming minutes.
    pub cost_in: Option<String>,
    /// Outgoing minutes.
    pub cost_out: Option<String>,
    /// LiveKit's minutes.
    pub cost_livekit: Option<String>,
    /// What is known of it together.
    pub amount: String,
    /// Is every rate known that is needed?
    pub is_whole: bool,
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CostTotalView {
    /// Three letters.
    pub currency: String,
    /// To the hundredth.
    pub amount: String,
    /// Is every rate known that is needed?
    pub is_whole: bool,
}

/// All lines in one month. An estimate: the provider's bill is what counts.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LineCostsView {
    /// `2026-11`
    pub month: String,
    /// The one before it.
    pub previous: Option<String>,
    /// The one after it; `null`: it has not begun.
    pub next: Option<String>,
    /// Every line.
    pub lines: Vec<LineCostView>,
    /// For each currency.
    pub totals: Vec<CostTotalView>,
    /// Minutes over numbers that are on no line set up here: in no sum.
    pub minutes_elsewhere: u32,
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn one(line: &KeptLine, estimate: &Estimate) -> LineCostView {
    let [cost_numbers, cost_in, cost_out, cost_livekit] =
        estimate.parts.map(|part| part.map(Amount::rounded));
    LineCostView {
        line: line.id.to_string(),
        name: line.name.to_string(),
        provider: line.provider.shown().to_owned(),
        numbers: u32::try_from(line.numbers.len()).unwrap_or(u32::MAX),
        calls_in: small(estimate.incoming.calls),
        minutes_in: small(estimate.incoming.minutes),
        calls_out: small(estimate.outgoing.calls),
        minutes_out: small(estimate.outgoing.minutes),
        rates: LineRatesDraft::of(&line.rates),
        cost_numbers,
        cost_in,
        cost_out,
        cost_livekit,
        amount: estimate.amount.rounded(),
        is_whole: estimate.is_whole,
    }
}

pub(crate) fn costs_view(lines: &[KeptLine], of: &Estimated, month: Month) -> LineCostsView {
    let totals = of
        .totals
        .iter()
        .map(|(currency, (sum, is_whole))| CostTotalView {
            currency: currency.to_string(),
            amount: sum.rounded(),
            is_whole: *is_whole,
        });
    LineCostsView {
        month: month.word(),
        previous: month.previous(),
        next: month.next(),
        lines: lines
            .iter()
            .zip(&of.lines)
            .map(|(line, of)| one(line, of))
            .collect(),
        totals: totals.collect(),
        minutes_elsewhere: small(of.elsewhere.minutes),
    }
}

/// All declarations, for the bindings.
pub(crate) fn declarations(config: &Config) -> Vec<String> {
    vec![
        CostTotalView::decl(config),
        LineCostView::decl(config),
        LineCostsView::decl(config),
        LineRatesDraft::decl(config),
    ]
}
