//! What a line costs, estimated: rates that a person typed, times what was talked. Pure.
//!
//! Deskline ships no prices: they differ by country, contract and day, and a wrong one that looks official is worse than an
//! empty field. An estimate for which a rate is missing says so. Money is counted in whole millionths, never in floating point.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Number;
use crate::registry::{KeptLine, Registry, RegistryError};
use crate::wanted::{BadInput, LineId};

/// Digits behind the point that a rate can have.
const DECIMALS: usize = 6;
/// Digits before it.
const WHOLE: usize = 7;
const UNIT: u64 = 1_000_000;

/// An amount of money, in millionths of its currency. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(u64);

impl Amount {
    /// `0.0085`, `0,0085`, `12`; blanks around it do no harm. Empty: it is not known.
    ///
    /// # Errors
    /// Anything else, also with a currency sign or with signs between thousands.
    pub fn parse(typed: &str) -> Result<Option<Self>, BadInput> {
        let text = typed.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let bad = || BadInput::BadAmount(crate::wanted::shortened(text));
        let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let fits = digits(whole)
            && digits(part)
            && whole.len() + part.len() > 0
            && whole.len() <= WHOLE
            && part.len() <= DECIMALS;
        if !fits {
            return Err(bad());
        }
        // Both are short rows of digits now.
        let count = |text: &str| text.parse::<u64>().unwrap_or(0);
        let millionths = count(&format!("{part:0<DECIMALS$}"));
        Ok(Some(Self(count(whole) * UNIT + millionths)))
    }

    /// `0.0085`, with as many decimals as it has and two at least.
    #[must_use]
    pub fn exact(self) -> String {
        let text = format!("{}.{:06}", self.0 / UNIT, self.0 % UNIT);
        let end = text.trim_end_matches('0').len();
        let least = text.len() - (DECIMALS - 2);
        text.get(..end.max(least)).unwrap_or(&text).to_owned()
    }

    /// `12.35`: to the hundredth, half a hundredth up.
    #[must_use]
    pub fn rounded(self) -> String {
        let hundredths = self.0.saturating_add(UNIT / 200) / (UNIT / 100);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }

    fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.exact()
    }
}

impl TryFrom<String> for Amount {
    type Error = BadInput;

    fn try_from(text: String) -> Result<Self, BadInput> {
        Self::parse(&text)?.ok_or(BadInput::BadAmount("nothing".into()))
    }
}

/// Three letters, as banks write a currency (ISO 4217).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// Letters in either size; empty is US dollars.
    ///
    /// # Errors
    /// Anything but three letters.
    pub fn parse(typed: &str) -> Result<Self, BadInput> {
        let text = typed.trim().to_uppercase();
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() != 3 || !text.chars().all(|c| c.is_ascii_uppercase()) {
            return Err(BadInput::BadCurrency(crate::wanted::shortened(typed)));
        }
        Ok(Self(text))
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self("USD".into())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person typed from the price lists of provider and LiveKit. `None`: not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// Of all the rates.
    pub currency: Currency,
    /// One number, a month.
    pub number_month: Option<Amount>,
    /// A minute of a call that came in.
    pub minute_in: Option<Amount>,
    /// A minute of a call that went out.
    pub minute_out: Option<Amount>,
    /// A minute through LiveKit's telephone bridge, either way.
    pub livekit_minute: Option<Amount>,
}

/// Calls that were answered in one direction, and the minutes begun in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Talk {
    /// Calls.
    pub calls: u64,
    /// Minutes that were begun, each call for itself.
    pub minutes: u64,
}

impl Talk {
    fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.minutes = self.minutes.saturating_add(other.minutes);
    }
}

/// What was talked over one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// Our number as the call has it; empty if it was not known.
    pub number: String,
    /// Did somebody call us?
    pub incoming: bool,
    /// How much.
    pub talk: Talk,
}

/// What one line is estimated to cost in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The line.
    pub line: LineId,
    /// Answered calls that came in.
    pub incoming: Talk,
    /// Answered calls that went out.
    pub outgoing: Talk,
    /// The numbers, incoming minutes, outgoing minutes, LiveKit's minutes, in this order. `None`: its rate is not known.
    pub parts: [Option<Amount>; 4],
    /// The parts that are known, together.
    pub amount: Amount,
    /// Is every part known that costs anything?
    pub is_whole: bool,
}

/// What all lines are estimated to cost in a month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Month {
    /// Each line, in the order in which they were given.
    pub lines: Vec<Estimate>,
    /// The sum for each currency, and whether it is whole.
    pub totals: BTreeMap<Currency, (Amount, bool)>,
    /// What was talked over numbers that are on no line set up here.
    pub elsewhere: Talk,
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// The rates of each line times what was talked over its numbers.
#[must_use]
pub fn month(lines: &[KeptLine], talked: &[Talked]) -> Month {
    let mut month = Month::default();
    let mut talks = vec![(Talk::default(), Talk::default()); lines.len()];
    for one in talked {
        let called = digits(&one.number);
        let has = |line: &KeptLine| {
            let mut own = line.numbers.iter().map(Number::as_str);
            own.any(|own| digits(own) == called)
        };
        let place = lines.iter().position(has);
        match place.and_then(|place| talks.get_mut(place)) {
            Some((incoming, _)) if one.incoming => incoming.add(one.talk),
            Some((_, outgoing)) => outgoing.add(one.talk),
            None => month.elsewhere.add(one.talk),
        }
    }
    for (line, (incoming, outgoing)) in lines.iter().zip(talks) {
        let rates = &line.rates;
        let numbers = u64::try_from(line.numbers.len()).unwrap_or(u64::MAX);
        let through = incoming.minutes.saturating_add(outgoing.minutes);
        let counted = [
            (rates.number_month, numbers),
            (rates.minute_in, incoming.minutes),
            (rates.minute_out, outgoing.minutes),
            (rates.livekit_minute, through),
        ];
        let parts = counted.map(|(rate, count)| rate.map(|rate| rate.times(count)));
        let amount = parts.iter().flatten().copied();
        let amount = amount.fold(Amount::default(), Amount::and);
        let is_whole = counted
            .iter()
            .all(|(rate, count)| rate.is_some() || *count == 0);
        let total = month.totals.entry(rates.currency.clone());
        let (sum, whole) = total.or_insert((Amount::default(), true));
        *sum = sum.and(amount);
        *whole &= is_whole;
        month.lines.push(Estimate {
            line: line.id.clone(),
            incoming,
            outgoing,
            parts,
            amount,
            is_whole,
        });
    }
    month
}

impl Registry {
    /// Keeps the rates of a line.
    ///
    /// # Errors
    /// There is no such line, or the file cannot be written.
    pub fn set_rates(&self, id: &LineId, rates: Rates) -> Result<(), RegistryError> {
        self.change(|lines| {
            let line = lines.iter_mut().find(|line| line.id == *id);
            let line = line.ok_or_else(|| RegistryError::NoSuchLine(id.to_string()))?;
            line.rates = rates;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use call::number::Region;

    use super::*;
    use crate::wanted::{LineName, Wanted, WantedProvider};

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap().unwrap()
    }

    fn line(name: &str, numbers: &[&str], rates: Rates) -> KeptLine {
        let number = |text: &&str| Number::parse(text, Region::US).unwrap();
        let numbers = numbers.iter().map(number).collect();
        let name = LineName::parse(name).unwrap();
        let wanted = Wanted::new(name, numbers, WantedProvider::LiveKitNumbers).unwrap();
        let mut line = KeptLine::of(&wanted, None);
        line.rates = rates;
        line
    }

    fn rates() -> Rates {
        Rates {
            currency: Currency::default(),
            number_month: Some(amount("1.15")),
            minute_in: Some(amount("0.0034")),
            minute_out: Some(amount("0.007")),
            livekit_minute: Some(amount("0.004")),
        }
    }

    fn talked(number: &str, incoming: bool, calls: u64, minutes: u64) -> Talked {
        Talked {
            number: number.into(),
            incoming,
            talk: Talk { calls, minutes },
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them_and_kept_to_the_millionth() {
        for (typed, exact, rounded) in [
            ("0.0085", "0.0085", "0.01"),
            (" 0,0085 ", "0.0085", "0.01"),
            ("12", "12.00", "12.00"),
            (".5", "0.50", "0.50"),
            ("0.004999", "0.004999", "0.00"),
            ("0.005", "0.005", "0.01"),
            ("1234567.999999", "1234567.999999", "1234568.00"),
        ] {
            let read = amount(typed);
            assert_eq!(
                (read.exact(), read.rounded()),
                (exact.into(), rounded.into())
            );
            assert_eq!(amount(&read.exact()), read);
        }
        assert_eq!(Amount::parse("  "), Ok(None));
        for bad in [
            "$1",
            "1.2.3",
            "1,000.50",
            "-1",
            "1e3",
            "0.0000001",
            "12345678",
            ".",
            "١",
            "1 0",
        ] {
            let said = Amount::parse(bad).unwrap_err().to_string();
            assert!(
                said.contains("is not an amount") && said.ends_with('.'),
                "{said}"
            );
        }
        assert_eq!(Currency::parse(" eur").unwrap().as_str(), "EUR");
        assert_eq!(Currency::parse("").unwrap().as_str(), "USD");
        for bad in ["€", "EURO", "E1R"] {
            let said = Currency::parse(bad).unwrap_err().to_string();
            assert!(said.contains("Three letters"), "{said}");
        }
    }

    #[test]
    fn a_month_is_the_sum_of_numbers_and_minutes_each_way() {
        let front = line("Front", &["+12125550100", "+12125550101"], rates());
        let month = month(
            &[front],
            &[
                // Servers write the called number with and without its sign.
                talked("12125550100", true, 3, 100),
                talked("+12125550101", true, 1, 20),
                talked("+12125550100", false, 4, 50),
                talked("+13125550142", false, 1, 9),
                talked("", true, 1, 1),
            ],
        );
        let one = &month.lines[0];
        assert_eq!((one.incoming.calls, one.incoming.minutes), (4, 120));
        assert_eq!((one.outgoing.calls, one.outgoing.minutes), (4, 50));
        let parts = one.parts.map(|part| part.unwrap().exact());
        assert_eq!(parts, ["2.30", "0.408", "0.35", "0.68"]);
        assert_eq!((one.amount.exact(), one.is_whole), ("3.738".into(), true));
        assert_eq!(one.amount.rounded(), "3.74");
        assert_eq!((month.elsewhere.calls, month.elsewhere.minutes), (2, 10));
        assert_eq!(month.totals[&Currency::default()], (amount("3.738"), true));
    }

    #[test]
    fn what_is_not_known_is_not_nothing() {
        let unknown = Rates {
            minute_out: None,
            ..rates()
        };
        let lines = [line("Front", &["+12125550100"], unknown)];
        // Nothing went out: then its rate is not missed.
        let quiet = month(&lines, &[talked("+12125550100", true, 1, 10)]);
        assert!(quiet.lines[0].is_whole);
        let busy = month(&lines, &[talked("+12125550100", false, 1, 10)]);
        assert!(!busy.lines[0].is_whole && busy.lines[0].parts[2].is_none());
        assert_eq!(busy.lines[0].amount, amount("1.19"));
        assert_eq!(busy.totals[&Currency::default()], (amount("1.19"), false));
        let bare = month(&[line("Front", &["+12125550100"], Rates::default())], &[]);
        assert!(!bare.lines[0].is_whole, "a number always costs something");
    }

    #[test]
    fn currencies_are_not_added_up() {
        let euros = Rates {
            currency: Currency::parse("EUR").unwrap(),
            ..rates()
        };
        let lines = [
            line("Front", &["+12125550100"], rates()),
            line("Berlin", &["+12125550101"], euros),
        ];
        let totals = month(&lines, &[]).totals;
        let totals: Vec<(&str, String)> = totals
            .iter()
            .map(|(currency, (sum, _))| (currency.as_str(), sum.exact()))
            .collect();
        assert_eq!(totals, [("EUR", "1.15".into()), ("USD", "1.15".into())]);
    }

    #[test]
    fn rates_are_kept_with_the_line_and_survive_setting_it_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path());
        let front = line("Front", &["+12125550100"], Rates::default());
        registry.keep(front.clone()).unwrap();
        registry.set_rates(&front.id, rates()).unwrap();
        registry.keep(front.clone()).unwrap();
        assert_eq!(registry.lines().unwrap()[0].rates, rates());
        let text = std::fs::read_to_string(folder.path().join("lines.json")).unwrap();
        assert!(text.contains("\"minute_in\": \"0.0034\""), "{text}");
        registry.retire(&front.id).unwrap();
        let gone = registry.set_rates(&front.id, rates());
        assert!(matches!(gone, Err(RegistryError::NoSuchLine(_))));
    }
}
