//! System notifications beside the overlay. A system without them loses nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::CallId;
use call::input::{Intent, OtherCall};
use call::number::display_name;
use call::state::CallState;
use call::view::{CallView, PhoneView};
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_notification::{Action, ActionType, NotificationExt};

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::ScreenName;
use crate::words::{Language, Words};
use crate::{surroundings, windows};

const ANSWER: &str = "answer";
const DECLINE: &str = "decline";
/// What the plugin calls a press on the notification itself.
const TAP: &str = "tap";

/// Which notification is about which call.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    last: i32,
    calls: HashMap<i32, About>,
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    /// Somebody calls.
    Incoming(CallId),
    /// Somebody called, and nobody here took it.
    Missed(CallId),
}

impl About {
    fn call(&self) -> &CallId {
        match self {
            Self::Incoming(call) | Self::Missed(call) => call,
        }
    }

    /// Is it no longer so? Nobody may answer a call that is over, or that is not there at all; that one was missed stays true.
    fn is_stale(&self, view: &PhoneView) -> bool {
        match self {
            Self::Incoming(call) => view
                .call(call)
                .is_none_or(|of| of.state != CallState::Offered),
            Self::Missed(_) => false,
        }
    }
}

impl Shown {
    fn note(&self, about: About) -> i32 {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.last = book.last.wrapping_add(1);
        let id = book.last;
        book.calls.insert(id, about);
        id
    }

    fn call(&self, id: i32) -> Option<CallId> {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.calls.get(&id).map(|about| about.call().clone())
    }

    /// Calls that are shown as missed.
    fn missed(&self) -> Vec<CallId> {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = book.calls.values().filter_map(|about| match about {
            About::Missed(call) => Some(call.clone()),
            About::Incoming(_) => None,
        });
        missed.collect()
    }

    /// Takes out those that are no longer so.
    fn take_out(&self, stale: impl Fn(&About) -> bool) -> Vec<i32> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.calls
            .extract_if(|_, about| stale(about))
            .map(|(id, _)| id)
            .collect()
    }
}

/// What decides whether somebody who calls is notified of, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// The person wants notifications.
    pub(crate) wanted: bool,
    /// The overlay stands above everything, and is seen.
    pub(crate) overlay_seen: bool,
    /// Nobody looks at the screen.
    pub(crate) locked: bool,
    /// The caller may be named on a locked screen.
    pub(crate) named_when_locked: bool,
}

/// How to notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Not at all.
    Not,
    /// With the caller's name and number.
    Named,
    /// Without.
    Unnamed,
}

/// The overlay says it better; a notification beside it would only cover the screen twice.
pub(crate) fn manner(of: Circumstances) -> Manner {
    if !of.wanted || of.overlay_seen && !of.locked {
        Manner::Not
    } else if of.locked && !of.named_when_locked {
        Manner::Unnamed
    } else {
        Manner::Named
    }
}

/// The kind of notification with buttons, each language its own.
fn ringing(language: Language) -> &'static str {
    match language {
        Language::English => "ringing",
        Language::German => "ringing-de",
    }
}

/// Takes presses on notifications from now on.
pub(crate) fn listen<R: Runtime>(app: &AppHandle<R>) {
    let buttons = [Language::English, Language::German].map(|language| {
        let words = language.words();
        ActionType::builder(ringing(language))
            .actions(vec![
                Action::builder(ANSWER, words.answer).build(),
                Action::builder(DECLINE, words.decline).build(),
            ])
            .build()
    });
    let notifications = app.notification();
    let told = app.clone();
    let ready = notifications
        .register_action_types(buttons.into())
        .and_then(|()| {
            notifications.on_action(move |pressed| {
                if let Some(id) = pressed.notification().map(|of| of.id()) {
                    act(&told, id, pressed.action_id());
                }
            })
        });
    if let Err(error) = ready {
        tracing::info!(%error, "presses on notifications are not heard");
    }
}

fn act<R: Runtime>(app: &AppHandle<R>, id: i32, action: &str) {
    let Some(call) = app.state::<Shown>().call(id) else {
        return;
    };
    let core = app.state::<Core>().inner().clone();
    let offered = core
        .view()
        .borrow()
        .call(&call)
        .is_some_and(|of| of.state == CallState::Offered);
    match action {
        ANSWER if offered => {
            windows::raise_main(app);
            tauri::async_runtime::spawn(async move {
                let other = OtherCall::Hold;
                core.intent(Intent::Answer { call, other }).await;
            });
        }
        DECLINE if offered => {
            tauri::async_runtime::spawn(async move {
                core.intent(Intent::Decline { call }).await;
            });
        }
        TAP | ANSWER | DECLINE => {
            let screen = if offered {
                ScreenName::Phone
            } else {
                ScreenName::History
            };
            app.state::<Desktop>().go_to(screen);
            windows::raise_main(app);
        }
        _ => {}
    }
}

/// Somebody calls.
pub(crate) async fn incoming<R: Runtime>(
    app: &AppHandle<R>,
    core: &Core,
    call: &CallId,
    overlay_seen: bool,
) {
    let settings = app.state::<Desktop>().settings();
    let manner = manner(Circumstances {
        wanted: settings.notifications,
        overlay_seen,
        locked: surroundings::screen_is_locked().await,
        named_when_locked: settings.caller_on_locked_screen,
    });
    let language = *core.language().borrow();
    if let Some(call) = named(core, call).await {
        let title = language.words().incoming_call;
        show(
            app,
            title,
            Some(ringing(language)),
            language.words(),
            manner,
            &call,
        );
    }
}

/// Somebody called, and nobody here took it.
pub(crate) async fn missed<R: Runtime>(app: &AppHandle<R>, core: &Core, call: &CallId) {
    let settings = app.state::<Desktop>().settings();
    let manner = manner(Circumstances {
        wanted: settings.notifications,
        // The overlay may be gone by the time somebody comes back to the desk.
        overlay_seen: false,
        locked: surroundings::screen_is_locked().await,
        named_when_locked: settings.caller_on_locked_screen,
    });
    let words = core.words();
    if let Some(call) = named(core, call).await {
        show(app, words.missed_call, None, words, manner, &call);
    }
}

/// The call as it is now, under the name that the address book has for its number.
async fn named(core: &Core, call: &CallId) -> Option<CallView> {
    let view = Arc::clone(&core.view().borrow());
    let names = core.names(&view).await;
    let mut call = view.call(call)?.clone();
    if let Some(name) = names.get(&call.number) {
        call.name = Some(name.clone());
    }
    Some(call)
}

/// Takes back what is no longer so: nobody may answer a call that is over.
pub(crate) fn withdraw<R: Runtime>(app: &AppHandle<R>, view: &PhoneView) {
    let gone = app.state::<Shown>().take_out(|about| about.is_stale(view));
    take_back(app, gone);
}

/// Takes back what somebody has looked at: a missed call stays until then.
pub(crate) async fn withdraw_seen<R: Runtime>(app: &AppHandle<R>, core: &Core) {
    let missed = app.state::<Shown>().missed();
    if missed.is_empty() {
        return;
    }
    match core.looked_at(missed).await {
        Ok(seen) => {
            let gone = app
                .state::<Shown>()
                .take_out(|about| matches!(about, About::Missed(call) if seen.contains(call)));
            take_back(app, gone);
        }
        Err(error) => tracing::debug!(code = error.code, "notifications stay"),
    }
}

fn take_back<R: Runtime>(app: &AppHandle<R>, gone: Vec<i32>) {
    if gone.is_empty() {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = app.notification().remove_active(gone) {
            tracing::debug!(%error, "a notification stays");
        }
    });
}

/// Who calls, in one line. Some services read the text as markup and others show it as it is: what could begin markup
/// becomes a sign that looks like it.
/// A name is isolated: written from right to left it does not turn the number beside it.
fn who(call: &CallView, words: &Words) -> String {
    one_line(
        call.name.as_deref(),
        &call.number_shown,
        call.number.is_empty(),
        words,
    )
}

fn one_line(name: Option<&str>, number: &str, private: bool, words: &Words) -> String {
    let shown = display_name(number).unwrap_or_default();
    let name = name
        .and_then(display_name)
        .map(|name| format!("\u{2068}{name}\u{2069}"));
    let text = match name {
        Some(name) if private || shown.is_empty() => name,
        Some(name) => format!("{name}, {shown}"),
        None if private || shown.is_empty() => words.private_number.to_owned(),
        None => shown,
    };
    text.replace('&', "\u{ff06}")
        .replace('<', "\u{2039}")
        .replace('>', "\u{203a}")
}

fn show<R: Runtime>(
    app: &AppHandle<R>,
    title: &'static str,
    kind: Option<&'static str>,
    words: &'static Words,
    manner: Manner,
    call: &CallView,
) {
    let body = match manner {
        Manner::Not => return,
        Manner::Named => who(call, words),
        Manner::Unnamed => words.unlock_to_see.to_owned(),
    };
    // Only who can still be answered has buttons.
    let about = match kind {
        Some(_) => About::Incoming(call.id.clone()),
        None => About::Missed(call.id.clone()),
    };
    let id = app.state::<Shown>().note(about);
    let app = app.clone();
    // The notification service may be slow to answer, or absent.
    tauri::async_runtime::spawn_blocking(move || {
        let mut builder = app.notification().builder().id(id).title(title).body(body);
        if let Some(kind) = kind {
            builder = builder.action_type_id(kind);
        }
        if let Err(error) = builder.show() {
            tracing::debug!(%error, "no notification");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_line(name: Option<&str>, number: &str, private: bool) -> String {
        super::one_line(name, number, private, Language::English.words())
    }

    const DESK: Circumstances = Circumstances {
        wanted: true,
        overlay_seen: false,
        locked: false,
        named_when_locked: false,
    };

    /// Names and numbers that were written to be taken for something else, each with a number of its own.
    fn hostile(n: usize) -> String {
        match n % 12 {
            0 => format!("<b>{n}</b>"),
            1 => format!("<img src=\"http://x.example/{n}\"/>"),
            2 => format!("<a href='tel:{n}'>call</a> &amp; &lt;i&gt;"),
            3 => format!("\u{202e}elpmaxe {n}\u{202c}"),
            4 => format!("\u{2066}{n}\u{2069}\u{202d}left\u{200f}"),
            5 => format!("{n}\nAnswered by Maria\r\n\u{2028}next"),
            6 => format!("{n}{}", "\u{301}\u{323}".repeat(500)),
            7 => format!("{}{n}", "W".repeat(5_000)),
            8 => format!("\u{0}\u{7}\u{1b}[31m{n}"),
            9 => format!("\u{645}\u{631}\u{62d}\u{628}\u{627} {n}"),
            10 => "\u{200b}\u{feff}\u{2060}".to_owned(),
            _ => format!("%s%n{n}'; DROP TABLE calls; --"),
        }
    }

    #[test]
    fn five_hundred_hostile_callers_are_text_in_one_line() {
        for n in 0..500 {
            for said in [
                one_line(Some(&hostile(n)), "(212) 555-0142", false),
                one_line(Some(&hostile(n)), "", true),
                one_line(None, &hostile(n), false),
                one_line(Some(&hostile(n)), &hostile(n + 1), false),
            ] {
                assert!(!said.is_empty());
                assert!(!said.contains(['<', '>', '&']), "{said:?}");
                // The two marks are ours, in pairs; no other turns the text or breaks the line.
                let count = |mark| said.matches(mark).count();
                assert_eq!(count('\u{2068}'), count('\u{2069}'), "{said:?}");
                let others = said.replace(['\u{2068}', '\u{2069}'], "");
                let turns = |c: char| {
                    c.is_control()
                        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                };
                assert!(!others.contains(turns), "{said:?}");
                assert!(said.chars().count() < 1_200, "{}", said.len());
            }
            let said = one_line(Some(&hostile(n)), "(212) 555-0142", false);
            assert!(
                said.ends_with("(212) 555-0142"),
                "the number is unchanged: {said:?}"
            );
        }
    }

    #[test]
    fn a_notification_goes_with_what_it_says() {
        let shown = Shown::default();
        let call = |text| CallId::parse(text).unwrap();
        let incoming = shown.note(About::Incoming(call("c1")));
        let missed = shown.note(About::Missed(call("c1")));
        assert_eq!(shown.call(incoming), Some(call("c1")));
        assert_eq!(shown.missed(), [call("c1")]);
        // The call left the view: nobody can answer it, and it was missed all the same.
        let nothing = call::Phone::new(call::DeskSettings::default()).view();
        assert_eq!(shown.take_out(|about| about.is_stale(&nothing)), [incoming]);
        assert_eq!(shown.call(incoming), None);
        assert_eq!(shown.call(missed), Some(call("c1")));
    }

    #[test]
    fn one_of_overlay_and_notification_is_enough() {
        assert_eq!(manner(DESK), Manner::Named);
        let overlay_seen = true;
        assert_eq!(
            manner(Circumstances {
                overlay_seen,
                ..DESK
            }),
            Manner::Not
        );
        // behind a locked screen the overlay is not seen
        let locked = true;
        assert_eq!(
            manner(Circumstances {
                overlay_seen,
                locked,
                ..DESK
            }),
            Manner::Unnamed
        );
        let named = Circumstances {
            locked,
            named_when_locked: true,
            ..DESK
        };
        assert_eq!(manner(named), Manner::Named);
        assert_eq!(
            manner(Circumstances {
                wanted: false,
                ..DESK
            }),
            Manner::Not
        );
        assert_eq!(
            manner(Circumstances {
                wanted: false,
                ..named
            }),
            Manner::Not
        );
    }
}
