//! Clock times as people here write them.

use super::{Language, primary};

/// Regions whose English has a day of 24 hours (CLDR, preferred hour format). Every other counts to twelve.
const TWENTY_FOUR: [&str; 16] = [
    "GB", "IE", "ZA", "IL", "GG", "JE", "IM", "GI", "AT", "BE", "CH", "DE", "DK", "FI", "NL", "SE",
];

/// How a language writes times, with the habits that the system has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    language: Language,
    twelve: bool,
}

impl Clock {
    /// The clock of this system in a language.
    pub(crate) fn of(language: Language) -> Self {
        Self::of_tags(language, sys_locale::get_locales())
    }

    /// As the windows choose it: by the first of the system's tags in that language.
    fn of_tags(language: Language, mut tags: impl Iterator<Item = String>) -> Self {
        let tag = tags.find(|tag| Language::of_tag(tag) == Some(language));
        let twelve = match language {
            Language::German => false,
            Language::English => !tag.is_some_and(|tag| {
                let region = region(&tag).to_ascii_uppercase();
                TWENTY_FOUR.contains(&region.as_str())
            }),
        };
        Self { language, twelve }
    }

    /// "10:12 AM" or "10:12" of today, with the weekday before it of any other day. "" where the calendar has no such time.
    pub(crate) fn time(self, unix_ms: i64, now: &jiff::Zoned) -> String {
        let Ok(at) = jiff::Timestamp::from_millisecond(unix_ms) else {
            return String::new();
        };
        let at = at.to_zoned(now.time_zone().clone());
        let form = if self.twelve { "%-I:%M %p" } else { "%H:%M" };
        let time = at.strftime(form).to_string();
        if at.date() == now.date() {
            return time;
        }
        let place = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
        let names = self.language.words().weekdays;
        let day = names.split(' ').nth(place).unwrap_or_default();
        format!("{day} {time}")
    }
}

/// `GB` of `en-GB` or `en_GB.UTF-8`; "" if none is named.
fn region(tag: &str) -> &str {
    let tag = tag.split(['.', '@']).next().unwrap_or_default();
    let behind = tag.get(primary(tag).len()..).unwrap_or_default();
    let is_region = |part: &&str| part.len() == 2 && part.chars().all(|c| c.is_ascii_alphabetic());
    behind.split(['-', '_']).find(is_region).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(language: Language, tags: &[&str]) -> Clock {
        Clock::of_tags(language, tags.iter().map(|tag| (*tag).to_owned()))
    }

    #[test]
    fn times_are_those_of_the_language_and_the_country() {
        let now = jiff::civil::date(2026, 11, 30)
            .at(16, 0, 0, 0)
            .in_tz("America/New_York")
            .unwrap();
        let at = |hour: i8, day: i8| {
            let at = jiff::civil::date(2026, 11, day).at(hour, 5, 0, 0);
            at.in_tz("America/New_York")
                .unwrap()
                .timestamp()
                .as_millisecond()
        };
        let said = |clock: Clock| [clock.time(at(15, 30), &now), clock.time(at(9, 27), &now)];
        for tags in [&["en_US.UTF-8"][..], &["en-AU"], &["de-DE", "fr-FR"], &[]] {
            assert_eq!(
                said(clock(Language::English, tags)),
                ["3:05 PM", "Fri 9:05 AM"],
                "{tags:?}"
            );
        }
        for tags in [&["en-GB"][..], &["de-DE", "en_IE.UTF-8"], &["en-Latn-ZA"]] {
            assert_eq!(
                said(clock(Language::English, tags)),
                ["15:05", "Fri 09:05"],
                "{tags:?}"
            );
        }
        for tags in [&["de-DE"][..], &["en-US"], &[]] {
            assert_eq!(
                said(clock(Language::German, tags)),
                ["15:05", "Fr 09:05"],
                "{tags:?}"
            );
        }
        assert_eq!(clock(Language::German, &[]).time(i64::MAX, &now), "");
    }
}
