//! What a person sets, as it is kept and as the rules take it.

use std::time::Duration;

use call::number::{self, Region};
use call::settings::{DeclinePolicy, DeskSettings, WhenClosed};
use history::Store;
use jiff::Zoned;
use tokio::sync::watch;

use crate::ipc::records::{
    ClosedSetting, DeclineSetting, OpenHours, SettingsInForce, SettingsView,
};
use crate::ipc::types::{AvailabilityView, IpcError};

/// Setting: everything a person sets about calls, as JSON.
const SETTINGS: &str = "phone.settings";
/// Setting: who may be rung, as JSON.
const AVAILABILITY: &str = "phone.availability";
/// How long the far end may ring, seconds. The upper end is the server's.
const RING_FOR_S: std::ops::RangeInclusive<u16> = 10..=75;
/// Entries of any list.
const MOST: usize = 100;
const DAY_MINUTES: u16 = 24 * 60;

/// What was kept last; what cannot be read is as if never set.
pub(crate) fn load(store: Option<&Store>) -> SettingsView {
    store.and_then(load_if_set).unwrap_or_default()
}

/// What was kept last. `None`: nothing was, or it cannot be read.
pub(crate) fn load_if_set(store: &Store) -> Option<SettingsView> {
    let kept = store.setting_as::<SettingsView>(SETTINGS).inspect_err(
        |error| tracing::warn!(detail = %error.detail(), "the settings cannot be read"),
    );
    kept.ok().flatten().and_then(|view| checked(view).ok())
}

/// Keeps them.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn save(store: &Store, view: &SettingsView) -> Result<(), IpcError> {
    store
        .set_setting_as(SETTINGS, Some(view))
        .and_then(|()| store.set_keep_days(view.keep_days))
        .map_err(|error| IpcError::new("history", error.to_string()))
}

/// Puts settings in force, and tells of them where they are others; answers what is in force then.
pub(crate) fn put_in_force(
    in_force: &watch::Sender<SettingsInForce>,
    settings: SettingsView,
) -> SettingsInForce {
    in_force.send_if_modified(|present| {
        let changed = present.settings != settings;
        if changed {
            present.rev += 1;
            present.settings = settings;
        }
        changed
    });
    in_force.borrow().clone()
}

/// Who may be rung, as it was left.
pub(crate) fn load_availability(store: &Store) -> Option<AvailabilityView> {
    store
        .setting_as(AVAILABILITY)
        .inspect_err(
            |error| tracing::warn!(detail = %error.detail(), "the availability cannot be read"),
        )
        .ok()
        .flatten()
}

/// Keeps who may be rung.
pub(crate) fn save_availability(store: &Store, view: AvailabilityView) {
    if let Err(error) = store.set_setting_as(AVAILABILITY, Some(&view)) {
        tracing::warn!(detail = %error.detail(), "the availability cannot be kept");
    }
}

/// Settings from a window: numbers in one form, everything within its range.
///
/// # Errors
/// One sentence about the first thing that is wrong; nothing was changed.
pub(crate) fn checked(mut view: SettingsView) -> Result<SettingsView, IpcError> {
    let wrong = |what: String| Err(IpcError::new("bad_setting", what));
    let Some(region) = Region::parse(&view.region) else {
        return wrong(format!(
            "\"{}\" is no country. Choose one from the list.",
            shortened(&view.region)
        ));
    };
    if !RING_FOR_S.contains(&view.ring_for_s) {
        return wrong(format!(
            "A phone can ring for {} to {} seconds, not {}.",
            RING_FOR_S.start(),
            RING_FOR_S.end(),
            view.ring_for_s
        ));
    }
    if view.hours.len() > MOST || view.quiet_lines.len() > MOST || view.always_ring.len() > MOST {
        return wrong(format!("A list can have {MOST} entries at most."));
    }
    for hours in &view.hours {
        let days = !hours.days.is_empty() && hours.days.iter().all(|day| (1..=7).contains(day));
        let minutes =
            hours.from_minute < DAY_MINUTES && (1..=DAY_MINUTES).contains(&hours.to_minute);
        if !days || !minutes || hours.from_minute == hours.to_minute {
            return wrong(
                "Business hours need at least one day, a beginning and a different end.".into(),
            );
        }
    }
    if view.keep_days == Some(0) {
        return wrong("Calls can be kept for one day or more, or for ever.".into());
    }
    for entry in view.quiet_lines.iter_mut().chain(&mut view.always_ring) {
        match number::parse(entry, region) {
            Ok(number) => *entry = number.dial().to_owned(),
            Err(why) => return wrong(format!("{}: {why}", shortened(entry))),
        }
    }
    Ok(view)
}

fn shortened(text: &str) -> String {
    number::display_name(text).unwrap_or_else(|| "nothing".to_owned())
}

/// As the rules take them. `open`: is it within business hours?
pub(crate) fn for_desk(
    view: &SettingsView,
    ring_for: Option<Duration>,
    open: bool,
) -> DeskSettings {
    DeskSettings {
        region: Region::parse(&view.region).unwrap_or_default(),
        ring_for: ring_for.unwrap_or(Duration::from_secs(view.ring_for_s.into())),
        decline: match view.decline {
            DeclineSetting::LastDesk => DeclinePolicy::LastDesk,
            DeclineSetting::Everybody => DeclinePolicy::Everybody,
            DeclineSetting::OnlyHere => DeclinePolicy::OnlyHere,
        },
        open,
        when_closed: match view.when_closed {
            ClosedSetting::Ring => WhenClosed::Ring,
            ClosedSetting::Silent => WhenClosed::Silent,
            ClosedSetting::Decline => WhenClosed::Decline,
        },
        quiet_lines: view.quiet_lines.clone(),
        always_ring: view.always_ring.clone(),
        call_waiting: view.call_waiting,
    }
}

/// Is it within business hours, by the clock of this place?
pub(crate) fn open_now(view: &SettingsView) -> bool {
    let now = Zoned::now();
    let day = u8::try_from(now.weekday().to_monday_one_offset()).unwrap_or(1);
    let minute =
        u16::try_from(now.hour()).unwrap_or(0) * 60 + u16::try_from(now.minute()).unwrap_or(0);
    open_at(&view.hours, day, minute)
}

/// `day` is 1 (Monday) to 7, `minute` counts from midnight. Hours that end before they begin go on past midnight and
/// belong to the day on which they began.
fn open_at(hours: &[OpenHours], day: u8, minute: u16) -> bool {
    let yesterday = if day == 1 { 7 } else { day - 1 };
    hours.is_empty()
        || hours.iter().any(|hours| {
            let (from, to) = (hours.from_minute, hours.to_minute);
            if from < to {
                hours.days.contains(&day) && (from..to).contains(&minute)
            } else {
                hours.days.contains(&day) && minute >= from
                    || hours.days.contains(&yesterday) && minute < to
            }
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hours(days: &[u8], from: u16, to: u16) -> OpenHours {
        OpenHours {
            days: days.to_vec(),
            from_minute: from,
            to_minute: to,
        }
    }

    #[test]
    fn no_hours_are_all_hours() {
        assert!(open_at(&[], 7, 3));
    }

    #[test]
    fn hours_have_days_and_an_end() {
        let week = [hours(&[1, 2, 3, 4, 5], 9 * 60, 17 * 60)];
        assert!(open_at(&week, 1, 9 * 60));
        assert!(!open_at(&week, 1, 9 * 60 - 1));
        assert!(!open_at(&week, 5, 17 * 60));
        assert!(!open_at(&week, 6, 12 * 60));
    }

    #[test]
    fn hours_may_go_on_past_midnight() {
        let nights = [hours(&[7], 22 * 60, 6 * 60)];
        assert!(open_at(&nights, 7, 23 * 60));
        assert!(open_at(&nights, 1, 5 * 60));
        assert!(!open_at(&nights, 7, 5 * 60));
        assert!(!open_at(&nights, 1, 23 * 60));
    }

    #[test]
    fn settings_are_checked_and_numbers_brought_into_one_form() {
        let good = SettingsView {
            quiet_lines: vec!["(202) 555-0150".into()],
            ..SettingsView::default()
        };
        assert_eq!(checked(good).unwrap().quiet_lines, ["+12025550150"]);
        let bad = [
            SettingsView {
                region: "XX".into(),
                ..SettingsView::default()
            },
            SettingsView {
                ring_for_s: 76,
                ..SettingsView::default()
            },
            SettingsView {
                keep_days: Some(0),
                ..SettingsView::default()
            },
            SettingsView {
                hours: vec![hours(&[], 0, 60)],
                ..SettingsView::default()
            },
            SettingsView {
                hours: vec![hours(&[8], 0, 60)],
                ..SettingsView::default()
            },
            SettingsView {
                hours: vec![hours(&[1], 60, 60)],
                ..SettingsView::default()
            },
            SettingsView {
                always_ring: vec!["mum".into()],
                ..SettingsView::default()
            },
        ];
        for view in bad {
            let said = format!("{view:?}");
            assert_eq!(checked(view).unwrap_err().code, "bad_setting", "{said}");
        }
    }

    #[test]
    fn settings_survive_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(load(Some(&store)), SettingsView::default());
        let view = SettingsView {
            ring_for_s: 20,
            keep_days: Some(30),
            ..SettingsView::default()
        };
        save(&store, &view).unwrap();
        assert_eq!(load(Some(&store)), view);
        assert_eq!(store.keep_days().unwrap(), Some(30));
        let until = AvailabilityView::DoNotDisturb { until_ms: Some(7) };
        save_availability(&store, until);
        assert_eq!(load_availability(&store), Some(until));
    }
}
