//! What lines cost in a month, estimated from the history.

use call::state::Direction;
use history::Store;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use lines::costs::{self, Talk, Talked};
use lines::{KeptLine, Registry};

use crate::calling::find;
use crate::core::{Core, blocking};
use crate::ipc::line_costs::{LineCostsView, LineRatesDraft, costs_view};
use crate::ipc::types::IpcError;
use crate::line_desk::unlisted;

/// A month of this place's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    first: Date,
    from: i64,
    to: i64,
}

impl Month {
    /// `2026-11`; empty is the present one.
    ///
    /// # Errors
    /// It is no month.
    pub(crate) fn parse(text: &str) -> Result<Self, IpcError> {
        let text = text.trim();
        let first = if text.is_empty() {
            Some(Zoned::now().date().first_of_month())
        } else {
            let is_month = text.len() == 7;
            let day = format!("{text}-01").parse::<Date>();
            day.ok().filter(|_| is_month)
        };
        let month = first.and_then(|first| Self::from_first(first, TimeZone::system()));
        month.ok_or_else(|| {
            IpcError::new(
                "bad_month",
                "This is not a month. Write it as year and month, like 2026-11.",
            )
        })
    }

    fn from_first(first: Date, zone: TimeZone) -> Option<Self> {
        let at = |day: Date| {
            let midnight = day.to_zoned(zone.clone()).ok()?;
            Some(midnight.timestamp().as_millisecond())
        };
        Some(Self {
            first,
            from: at(first)?,
            to: at(first.checked_add(1.month()).ok()?)?,
        })
    }

    /// `2026-11`
    pub(crate) fn word(self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    pub(crate) fn previous(self) -> Option<String> {
        let before = self.first.checked_sub(1.month()).ok()?;
        Some(before.strftime("%Y-%m").to_string())
    }

    /// `None` for the present month: nobody knows what comes.
    pub(crate) fn next(self) -> Option<String> {
        let after = self.first.checked_add(1.month()).ok()?;
        let is_begun = after <= Zoned::now().date();
        is_begun.then(|| after.strftime("%Y-%m").to_string())
    }
}

/// All lines, and what the history makes of a month of them. Blocks (disk).
///
/// # Errors
/// List or history cannot be read.
pub(crate) fn estimate(
    registry: &Registry,
    store: &Store,
    month: Month,
) -> Result<(Vec<KeptLine>, costs::Month), IpcError> {
    let lines = registry
        .lines()
        .map_err(|error| IpcError::new("profile", error.to_string()))?;
    let talked = talked(store, month.from, month.to)?;
    let estimated = costs::month(&lines, &talked);
    Ok((lines, estimated))
}

/// What was talked in calls that began in `[from, to)`. Blocks (disk).
///
/// # Errors
/// The history cannot be read.
pub(crate) fn talked(store: &Store, from: i64, to: i64) -> Result<Vec<Talked>, IpcError> {
    let talked = store.talked(from, to).map_err(|error| {
        tracing::debug!(detail = %error.detail(), "the minutes cannot be read");
        IpcError::new("history", error.to_string())
    })?;
    let talked = talked.into_iter().map(|one| Talked {
        number: one.line.unwrap_or_default(),
        incoming: one.direction == Direction::Inbound,
        talk: Talk {
            calls: one.calls,
            minutes: one.minutes,
        },
    });
    Ok(talked.collect())
}

/// Keeps the rates of a line. Blocks (disk).
///
/// # Errors
/// One sentence about the first thing that is wrong; nothing was changed.
pub(crate) fn set_rates(
    registry: &Registry,
    line: &str,
    draft: &LineRatesDraft,
) -> Result<(), IpcError> {
    let line = find(registry, line)?;
    registry
        .set_rates(&line.id, draft.rates()?)
        .map_err(|error| unlisted(&error))
}

impl Core {
    /// What every line is estimated to have cost in a month (`2026-11`; empty: the present one).
    ///
    /// # Errors
    /// It is no month, or list or history cannot be read.
    pub(crate) async fn line_costs(&self, month: String) -> Result<LineCostsView, IpcError> {
        let month = Month::parse(&month)?;
        let (_, profile) = self.account_and_profile();
        let store = self.store()?;
        blocking(move || {
            let registry = Registry::new(&profile.path().join("lines"));
            let (lines, estimated) = estimate(&registry, &store, month)?;
            Ok(costs_view(&lines, &estimated, month))
        })
        .await
    }

    /// Keeps the rates of a line, and estimates that month again.
    ///
    /// # Errors
    /// One sentence about the first thing that is wrong; nothing was changed.
    pub(crate) async fn line_rates(
        &self,
        line: String,
        rates: LineRatesDraft,
        month: String,
    ) -> Result<LineCostsView, IpcError> {
        let (_, profile) = self.account_and_profile();
        blocking(move || {
            let registry = Registry::new(&profile.path().join("lines"));
            set_rates(&registry, &line, &rates)
        })
        .await?;
        self.line_costs(month).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_is_that_of_the_calendar_here_also_when_clocks_change_in_it() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let hours = |month: i8| {
            let month = Month::from_first(date(2026, month, 1), zone.clone()).unwrap();
            (month.to - month.from) / 3_600_000
        };
        assert_eq!(hours(1), 31 * 24);
        assert_eq!(hours(3), 31 * 24 - 1);
        assert_eq!(hours(11), 30 * 24 + 1);
        let december = Month::from_first(date(2025, 12, 1), zone.clone()).unwrap();
        let january = Month::from_first(date(2026, 1, 1), zone).unwrap();
        assert_eq!(december.to, january.from);
        assert_eq!(january.previous().as_deref(), Some("2025-12"));
        assert_eq!(december.next().as_deref(), Some("2026-01"));
    }

    #[test]
    fn the_present_month_is_the_last() {
        let month = Month::parse("").unwrap();
        assert_eq!(month.next(), None);
        assert_eq!(Month::parse(&month.word()).unwrap(), month);
        for bad in [
            "2026",
            "2026-13",
            "2026-1",
            "11-2026",
            "2026-11-30",
            "²026-11",
            "9999-12",
        ] {
            let said = Month::parse(bad).unwrap_err().message;
            assert!(said.contains("like 2026-11"), "{bad}: {said}");
        }
    }
}
