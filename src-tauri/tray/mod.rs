//! The tray: what [`menu`] says, put where the desktop has its icons. On Linux it may be absent, come later, or go away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use call::input::{Intent, OtherCall};
use call::settings::Availability;
use desk::unix_ms;
use tauri::image::Image;
use tauri::menu::{CheckMenuItemBuilder, Menu, MenuBuilder, MenuItemBuilder};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Runtime, Theme};
use tokio::sync::watch;

use crate::core::Core;
use crate::desktop::Desktop;
use crate::ipc::desktop::ScreenName;
use crate::ipc::records::HistoryQuery;
use crate::words::Clock;
use crate::{app, surroundings, windows};

pub(crate) mod menu;

use menu::{Action, Entry, Glance, MissedCall, State};

/// The name of the icon on the bus.
const ID: &str = "deskline";
/// Missed calls that are read for the menu.
const MISSED_READ: u32 = 5;
/// A desk that is quiet for a while, milliseconds.
const A_WHILE_MS: i64 = 30 * 60 * 1_000;
/// The hour at which tomorrow begins at a desk.
const MORNING_HOUR: i8 = 8;
/// Changes that follow each other at once are shown once: every one redraws the icon and the menu over the bus.
const SETTLES_WITHIN: Duration = Duration::from_millis(60);

/// The menu that is shown, so that a press finds its action.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Vec<Entry>>);

/// Follows everything the tray shows, for as long as the program runs.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>, core: Core) {
    let desktop = app.state::<Desktop>().inner().clone();
    let (told, mut is_there) = watch::channel(false);
    tauri::async_runtime::spawn(surroundings::follow_tray(told));
    let mut phone = core.view();
    let mut readiness = desktop.readiness();
    let mut history = core.history_changes();
    let mut language = core.language();
    let mut tray: Option<TrayIcon<R>> = None;
    let mut before = None;
    let mut missed = read_missed(&core).await;
    loop {
        let there = *is_there.borrow_and_update();
        let view = Arc::clone(&phone.borrow_and_update());
        let ready = readiness.borrow_and_update().clone();
        let words = language.borrow_and_update().words();
        let glance = Glance {
            phone: &view,
            readiness: &ready,
            missed: &missed.0,
            missed_count: missed.1,
            words,
        };
        let now = (
            menu::state(&glance),
            menu::tooltip(&glance),
            menu::menu(&glance),
        );
        if there && tray.is_none() {
            tray = make(&app);
            before = None;
        } else if !there && tray.take().is_some() {
            let _gone = app.remove_tray_by_id(ID);
        }
        let is_shown = tray.is_some();
        let was_shown = desktop.view().borrow().facts.tray;
        if is_shown != was_shown {
            tracing::info!(there = is_shown, "the tray");
            desktop.found_out(|facts| facts.tray = is_shown);
            if was_shown {
                windows::tray_is_gone(&app);
            }
        }
        if let Some(tray) = &tray
            && before.as_ref() != Some(&now)
        {
            show(&app, tray, now.0, &now.1, &now.2);
            before = Some(now);
        }
        let missed_changed = async {
            match &mut history {
                Some(history) => history.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = phone.changed() => if changed.is_err() { return },
            changed = readiness.changed() => if changed.is_err() { return },
            changed = is_there.changed() => if changed.is_err() { return },
            changed = language.changed() => {
                if changed.is_err() {
                    return;
                }
                missed = read_missed(&core).await;
            }
            changed = missed_changed => {
                if changed.is_err() {
                    history = None;
                } else {
                    missed = read_missed(&core).await;
                }
            }
        }
        tokio::time::sleep(SETTLES_WITHIN).await;
    }
}

async fn read_missed(core: &Core) -> (Vec<MissedCall>, u32) {
    let count = core.missed_count().await.unwrap_or_default();
    if count == 0 {
        return (Vec::new(), 0);
    }
    let query = HistoryQuery {
        unseen: Some(true),
        ..HistoryQuery::default()
    };
    let rows = core
        .history_page(query, None, MISSED_READ)
        .await
        .map(|page| page.rows)
        .unwrap_or_default();
    let (clock, now) = (Clock::of(*core.language().borrow()), jiff::Zoned::now());
    let missed = rows
        .into_iter()
        .map(|row| MissedCall {
            who: row.contact.or(row.name).unwrap_or(row.number_shown),
            when: clock.time(row.started_at_ms, &now),
            number: row.number,
        })
        .collect();
    (missed, count)
}

fn make<R: Runtime>(app: &AppHandle<R>) -> Option<TrayIcon<R>> {
    let built = TrayIconBuilder::with_id(ID)
        .icon(icon(app, State::Ready))
        .icon_as_template(true)
        .tooltip("Deskline")
        .title("Deskline")
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| pressed(app, event.id().as_ref()))
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                windows::raise_main(tray.app_handle());
            }
        })
        .build(app);
    built
        .inspect_err(|error| tracing::info!(%error, "the desktop takes no tray icon"))
        .ok()
}

fn show<R: Runtime>(
    app: &AppHandle<R>,
    tray: &TrayIcon<R>,
    state: State,
    tooltip: &str,
    entries: &[Entry],
) {
    windows::ok("draw the tray", tray.set_icon(Some(icon(app, state))));
    windows::ok("name the tray", tray.set_tooltip(Some(tooltip)));
    match built(app, entries) {
        Ok(built) => {
            let shown = app.state::<Shown>();
            *shown.0.lock().unwrap_or_else(PoisonError::into_inner) = entries.to_vec();
            windows::ok("show the menu", tray.set_menu(Some(built)));
        }
        Err(error) => tracing::warn!(%error, "the menu of the tray cannot be made"),
    }
}

fn built<R: Runtime>(app: &AppHandle<R>, entries: &[Entry]) -> tauri::Result<Menu<R>> {
    let mut menu = MenuBuilder::new(app);
    for (index, entry) in entries.iter().enumerate() {
        // The id of a press carries what stood there: the menu may have changed since it was opened.
        menu = match entry {
            Entry::Line => menu.separator(),
            Entry::Words(words) => menu.item(
                &MenuItemBuilder::with_id(format!("words-{index}"), escaped(words))
                    .enabled(false)
                    .build(app)?,
            ),
            Entry::Item {
                action,
                words,
                chosen: None,
            } => menu.item(&MenuItemBuilder::with_id(name(action), escaped(words)).build(app)?),
            Entry::Item {
                action,
                words,
                chosen: Some(chosen),
            } => menu.item(
                &CheckMenuItemBuilder::with_id(name(action), escaped(words))
                    .checked(*chosen)
                    .build(app)?,
            ),
        };
    }
    menu.build()
}

/// In menus a single `&` underlines the letter behind it.
fn escaped(words: &str) -> String {
    words.replace('&', "&&")
}

fn name(action: &Action) -> String {
    format!("{action:?}")
}

fn pressed<R: Runtime>(app: &AppHandle<R>, id: &str) {
    let action = {
        let shown = app.state::<Shown>();
        let entries = shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find_map(|entry| match entry {
            Entry::Item { action, .. } if name(action) == id => Some(action.clone()),
            Entry::Item { .. } | Entry::Words(_) | Entry::Line => None,
        })
    };
    if let Some(action) = action {
        act(app, action);
    }
}

fn act<R: Runtime>(app: &AppHandle<R>, action: Action) {
    let core = app.state::<Core>().inner().clone();
    let desktop = app.state::<Desktop>();
    let phone = core.clone();
    let send = move |intent: Intent| {
        tauri::async_runtime::spawn(async move { phone.intent(intent).await });
    };
    let go_to = |screen| {
        desktop.go_to(screen);
        windows::raise_main(app);
    };
    match action {
        Action::Open => windows::raise_main(app),
        Action::Find => go_to(ScreenName::Find),
        Action::ShowMissed => go_to(ScreenName::History),
        Action::WhatIsWrong => go_to(ScreenName::WhatIsWrong),
        Action::CallBack(number) => {
            desktop.take_link(&format!("tel:{number}"), core.region());
            windows::raise_main(app);
        }
        Action::TakeCalls => send(Intent::SetAvailability(Availability::Available)),
        Action::Quiet30Minutes => send(quiet_until(unix_ms().saturating_add(A_WHILE_MS))),
        Action::QuietUntilTomorrow => send(quiet_until(tomorrow())),
        Action::Answer(call) => {
            windows::raise_main(app);
            send(Intent::Answer {
                call,
                other: OtherCall::Hold,
            });
        }
        Action::Decline(call) => send(Intent::Decline { call }),
        Action::Silence(call) => send(Intent::Silence { call }),
        Action::SetMuted(call, muted) => send(Intent::SetMuted { call, muted }),
        Action::SetHeld(call, held) => send(Intent::SetHeld { call, held }),
        Action::End(call) => send(Intent::HangUp { call }),
        Action::TryNow => {
            tauri::async_runtime::spawn(async move { core.retry_line().await });
        }
        Action::Quit => app::ask_to_quit(app),
    }
}

fn quiet_until(until: i64) -> Intent {
    Intent::SetAvailability(Availability::DoNotDisturb {
        until_unix_ms: Some(until),
    })
}

/// Tomorrow morning by the clock of this place; in a day, if the calendar has none.
fn tomorrow() -> i64 {
    let morning = jiff::Zoned::now().tomorrow().ok().and_then(|day| {
        day.date()
            .at(MORNING_HOUR, 0, 0, 0)
            .to_zoned(day.time_zone().clone())
            .ok()
    });
    morning.map_or_else(
        || unix_ms().saturating_add(24 * 3_600_000),
        |at| at.timestamp().as_millisecond(),
    )
}

/// The drawing of a state in the colour that stands out from the panel.
fn icon<R: Runtime>(app: &AppHandle<R>, state: State) -> Image<'static> {
    let drawn = match state {
        State::Ready => tauri::include_image!("icons/tray/ready.png"),
        State::Missed => tauri::include_image!("icons/tray/missed.png"),
        State::NotTaking => tauri::include_image!("icons/tray/not-taking.png"),
        State::CannotRing => tauri::include_image!("icons/tray/cannot-ring.png"),
        State::InCall => tauri::include_image!("icons/tray/in-a-call.png"),
        State::Ringing => tauri::include_image!("icons/tray/ringing.png"),
    };
    let ink: u8 = if panel_is_dark(app) { 240 } else { 30 };
    // The drawings are black; only how much they cover is taken from them.
    let painted = drawn
        .rgba()
        .chunks_exact(4)
        .flat_map(|pixel| [ink, ink, ink, pixel.last().copied().unwrap_or_default()])
        .collect();
    Image::new_owned(painted, drawn.width(), drawn.height())
}

/// No desktop tells the colour of its panel. GNOME's is dark in every theme; elsewhere it goes with the theme.
fn panel_is_dark<R: Runtime>(app: &AppHandle<R>) -> bool {
    let is_gnome = std::env::var("XDG_CURRENT_DESKTOP").is_ok_and(|name| name.contains("GNOME"));
    let theme = || {
        app.get_webview_window(windows::MAIN)
            .and_then(|window| window.theme().ok())
    };
    is_gnome || theme() == Some(Theme::Dark)
}
