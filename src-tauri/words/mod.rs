//! What the shell says itself, in each language: tray, notifications, whether this desk rings, the question before quitting.
//! One file a language; a sentence that one of them lacks does not compile. English is the measure.

use std::borrow::Cow;

use call::view::QuietReason;

mod clock;
mod de;
mod en;

pub(crate) use clock::Clock;

/// A language that the program speaks; the windows speak the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language of a setting; one that is empty, or that we do not speak: the first of the system's that we do.
    pub(crate) fn of_setting(tag: &str) -> Self {
        Self::of_tag(tag).unwrap_or_else(Self::of_system)
    }

    fn of_system() -> Self {
        sys_locale::get_locales()
            .find_map(|tag| Self::of_tag(&tag))
            .unwrap_or_default()
    }

    /// The language of a BCP 47 tag, or of a POSIX name like `de_DE.UTF-8`.
    fn of_tag(tag: &str) -> Option<Self> {
        match primary(tag).to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// What is said in it.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &en::WORDS,
            Self::German => &de::WORDS,
        }
    }
}

/// `de` of `de-AT` or `de_AT.UTF-8`.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_', '.', '@']).next().unwrap_or_default()
}

macro_rules! words {
    ($($(#[$about:meta])* $name:ident,)+) => {
        /// Every sentence. `{name}` stands for what [`fill`] puts there.
        #[derive(Debug)]
        pub(crate) struct Words { $($(#[$about])* pub(crate) $name: &'static str,)+ }

        impl Words {
            #[cfg(test)]
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }
    };
}

words! {
    /// The name of the overlay, and the title of a notification.
    incoming_call,
    missed_call,
    private_number,
    unlock_to_see,
    answer,
    decline,
    silence,

    // the tray
    /// `{words}`: the state.
    tooltip,
    incoming_call_of,
    in_a_call,
    in_a_call_with,
    missed_one,
    missed_many,
    calls_you,
    mute,
    unmute,
    hold,
    resume,
    hang_up,
    cancel_call,
    try_again,
    what_is_wrong,
    open,
    find,
    take_calls,
    not_for_30_minutes,
    not_until_tomorrow,
    quit,
    quit_ends_call,
    quit_stops_ringing,
    /// Monday first, with blanks between them.
    weekdays,

    // the line
    will_ring,
    signed_out,
    signed_out_detail,
    locked,
    broken,
    connecting,
    no_trunk_detail,
    unreachable,
    refused,

    // what has to be proven before it is said that this desk rings
    server_answers,
    server_is_called,
    server_not_known,
    server_after_secret,
    signed_in,
    not_signed_in_yet,
    nobody_signed_in,
    known_when_back,
    not_without_engine,
    watched,
    watched_once_signed_in,
    watched_when_back,
    /// With `no_speaker` as its detail.
    not_heard,
    no_speaker,
    speaker_is_sought,
    rings_on,
    overlay_above,
    overlay_as_window,
    overlay_is_made,
    nothing_set_against,

    // a test ring
    test_under_way,
    test_not_signed_in,
    test_on_the_way,
    test_no_way,
    test_waits,
    test_passed,
    test_failed,

    // rules that keep callers from ringing
    /// With `turned_away` or `only_shown` as its detail.
    after_hours,
    turned_away,
    only_shown,
    /// With `nobody_rings` or `only_these` as its detail.
    do_not_disturb,
    nobody_rings,
    only_these,
    and,
    and_more,
    every_number,
    some_numbers,

    // before the program ends
    stays_in_tray,
    stays_in_task_bar,
    quit_and_miss,
    quit_and_miss_detail,
    keep_in_tray,
    keep_open,
    quit_button,
    quit_and_end_one,
    quit_and_end_one_detail,
    quit_and_end_many,
    quit_and_end_many_detail,
    /// In the place of a name.
    the_private_number,
    stay_on_call,
    stay_on_calls,
    end_and_quit,

    // links and the computer
    from_a_link,
    from_a_link_code,
    no_autostart,
}

impl Words {
    /// "2 missed calls".
    pub(crate) fn missed(&self, count: u32) -> String {
        let text = if count == 1 {
            self.missed_one
        } else {
            self.missed_many
        };
        fill(text, &[("count", &count.to_string())])
    }

    /// Why nothing rings here.
    pub(crate) fn quiet(&self, reason: &QuietReason) -> Said {
        match reason {
            QuietReason::TurnedAway => Said::with(self.after_hours, self.turned_away),
            QuietReason::AfterHours => Said::with(self.after_hours, self.only_shown),
            QuietReason::DoNotDisturb => Said::with(self.do_not_disturb, self.nobody_rings),
            QuietReason::EveryNumber => Said::alone(self.every_number),
            QuietReason::OnlyThese { named, more: 0 } => {
                let who = named.join(&format!(" {} ", self.and));
                let only = fill(self.only_these, &[("who", &who)]);
                Said::with(self.do_not_disturb, only)
            }
            QuietReason::OnlyThese { named, more } => {
                let (who, more) = (named.join(", "), more.to_string());
                let who = fill(self.and_more, &[("who", &who), ("count", &more)]);
                let only = fill(self.only_these, &[("who", &who)]);
                Said::with(self.do_not_disturb, only)
            }
        }
    }

    /// That some of our numbers do not ring here, in one sentence.
    pub(crate) fn quiet_numbers(&self, count: usize) -> String {
        fill(self.some_numbers, &[("count", &count.to_string())])
    }
}

/// What stands alone where there is little room, and more about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// A sentence, or, with a detail, the head of one.
    pub(crate) title: String,
    /// In whole sentences.
    pub(crate) detail: Option<String>,
}

impl Said {
    pub(crate) fn alone(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            detail: None,
        }
    }

    pub(crate) fn with(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            detail: Some(detail.into()),
        }
    }

    /// All of it.
    pub(crate) fn whole(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}. {detail}", self.title),
            None => self.title.clone(),
        }
    }
}

/// `text` with `{name}` replaced by its value. Braces in a value stay what they are: it may come from a stranger.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = behind.split_once('}') else {
            filled.push('{');
            rest = behind;
            continue;
        };
        let value = values.iter().find(|(known, _)| *known == name);
        let shown = value.map_or_else(
            || Cow::Owned(format!("{{{name}}}")),
            |(_, value)| Cow::Borrowed(*value),
        );
        filled.push_str(&shown);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in braces, in order of the alphabet.
    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<_> = text
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
            .collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn every_sentence_is_there_in_every_language_with_the_same_values() {
        let german = Language::German.words().all();
        let mut alike = 0;
        for ((name, english), (_, german)) in Language::English.words().all().iter().zip(&german) {
            assert!(
                !english.trim().is_empty() && !german.trim().is_empty(),
                "{name}"
            );
            assert_eq!(places(english), places(german), "{name}");
            let ends = |text: &str| text.ends_with('.');
            assert_eq!(ends(english), ends(german), "{name}: a sentence or none");
            alike += usize::from(english == german);
        }
        assert!(alike < german.len() / 10, "{alike} are the same in German");
        for language in [Language::English, Language::German] {
            assert_eq!(language.words().weekdays.split(' ').count(), 7);
        }
    }

    /// As in the windows: docs/conventions.md, "One word for each act".
    #[test]
    fn each_act_has_one_word() {
        for (name, text) in Language::English.words().all() {
            for retired in ["Try now", "Look again", "End call", "Take off hold"] {
                assert!(!text.contains(retired), "{name}: {text}");
            }
        }
    }

    #[test]
    fn what_a_stranger_wrote_is_put_in_once() {
        let text = "{who} calls {who}: {count} {left";
        let filled = fill(text, &[("who", "{count}"), ("count", "2")]);
        assert_eq!(filled, "{count} calls {count}: 2 {left");
        assert_eq!(fill("{nobody}", &[]), "{nobody}");
    }

    #[test]
    fn a_rule_is_said_in_every_language() {
        let named = vec!["(312) 555-0142".to_owned(), "(212) 555-0100".to_owned()];
        let only = |more| QuietReason::OnlyThese {
            named: named.clone(),
            more,
        };
        let words = Language::English.words();
        assert_eq!(
            words.quiet(&only(0)).whole(),
            "Do not disturb. Only (312) 555-0142 and (212) 555-0100 may ring."
        );
        assert_eq!(
            words.quiet(&only(1)).whole(),
            "Do not disturb. Only (312) 555-0142, (212) 555-0100 and 1 more on your list may ring."
        );
        assert_eq!(
            Language::German.words().quiet(&only(3)).whole(),
            "Bitte nicht stören. Es klingelt nur bei Anrufen von (312) 555-0142, (212) 555-0100 und 3 weiteren auf Ihrer Liste."
        );
        assert_eq!(
            (words.missed(1), words.missed(2)),
            ("1 missed call".to_owned(), "2 missed calls".to_owned())
        );
    }

    #[test]
    fn a_setting_goes_before_the_system() {
        assert_eq!(Language::of_setting("de-AT"), Language::German);
        assert_eq!(Language::of_setting("en"), Language::English);
        assert_eq!(Language::of_tag("de_CH.UTF-8"), Some(Language::German));
        assert_eq!(Language::of_tag("C.UTF-8"), None);
        assert_eq!(Language::of_tag("deu"), None);
    }
}
