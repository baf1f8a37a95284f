//! What the windows can ask. A command sends one intent and returns once it is queued; reads go to their own store.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use call::input::Intent;
use call::routing::Wish;
use call::{CallId, Identity};
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, Manager, Runtime, State, Webview};
use tokio::task::JoinHandle;

use crate::core::{Core, fresh_call_id};
use crate::ipc::calling::{RouteAsked, RouteView};
use crate::ipc::records::{
    ContactDraft, ContactsPage, ExportFormat, Exported, HistoryPage, HistoryQuery, ImportView,
    SettingsChange, SettingsInForce, WipeWhat,
};
use crate::ipc::sound::{LevelsView, RecordingOutline, RingtoneSetting, SoundSettings, SoundView};
use crate::ipc::types::{
    AccountView, AvailabilityView, DevicesView, IpcError, OtherCall, PageMoment, PhoneView,
};
use crate::ipc::watchers::{CallDetails, WatchersDraft, WatchersView};
use crate::ipc::{calling, convert, desktop_commands, line_commands};
use crate::overlay;
use crate::pages::Pages;

/// The most rows one page carries.
const LARGEST_PAGE: u32 = 200;

type Answer<T> = Result<T, IpcError>;

/// Hands a request to its command. Which window may ask for which is decided before, by its capability.
pub fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        snapshot,
        painted,
        dial,
        route_show,
        answer,
        decline,
        silence,
        hang_up,
        set_muted,
        set_held,
        transfer,
        add_person,
        merge,
        talk_privately,
        hand_over,
        drop_person,
        rejoin,
        set_availability,
        send_keys,
        dismiss,
        dismiss_notice,
        retry_line,
        history_page,
        history_note,
        missed_count,
        history_seen,
        history_delete,
        history_undelete,
        wipe,
        history_export,
        call_details,
        events_export,
        contacts,
        contact_save,
        contact_delete,
        contacts_import,
        contacts_undo_import,
        line_commands::lines,
        line_commands::line_check,
        line_commands::line_fix,
        line_commands::line_plan,
        line_commands::line_carry_out,
        line_commands::line_stop,
        line_commands::line_by_hand,
        line_commands::line_removal,
        line_commands::line_remove,
        line_commands::line_undo_show,
        line_commands::line_undo,
        line_commands::line_test,
        line_commands::line_set,
        line_commands::line_costs,
        line_commands::line_rates,
        line_commands::line_sheet,
        line_commands::line_password_copy,
        line_commands::line_report_copy,
        line_commands::line_page_open,
        line_commands::line_project,
        line_commands::line_numbers,
        settings_show,
        settings_change,
        watchers_show,
        watchers_set,
        account_show,
        account_set,
        account_forget,
        devices,
        desktop_commands::desktop_show,
        desktop_commands::desktop_set,
        desktop_commands::shell_show,
        desktop_commands::prefill_done,
        desktop_commands::go_to_done,
        desktop_commands::set_compact,
        desktop_commands::quit,
        desktop_commands::quit_cancel,
        desktop_commands::readiness_show,
        desktop_commands::ring_me_now,
        desktop_commands::first_run_show,
        desktop_commands::first_run_set,
        desktop_commands::hook_test,
        desktop_commands::env_read,
        desktop_commands::env_sign_in,
        desktop_commands::env_forget,
        sound_show,
        sound_set,
        sound_levels,
        sound_levels_stop,
        sound_test,
        ring_test,
        ringtone_import,
        ringtone_remove,
        recording_start,
        recording_pause,
        recording_stop,
        recording_outline,
        recording_play,
        recording_halt,
        replay_start,
        replay_stop,
    ]
}

#[tauri::command]
async fn snapshot<R: Runtime>(
    page: Webview<R>,
    pages: State<'_, Pages>,
    core: State<'_, Core>,
) -> Answer<PhoneView> {
    if overlay::is_overlay(page.label()) {
        pages.overlay_asked();
    }
    let picture = core.picture().await;
    pages.reached("answered");
    Ok(picture)
}

/// `first_run`: what the main window shows is its first run. `moments`: the way of its page to there.
#[tauri::command]
fn painted<R: Runtime>(
    page: Webview<R>,
    pages: State<'_, Pages>,
    first_run: Option<bool>,
    moments: Option<Vec<PageMoment>>,
) {
    if overlay::is_overlay(page.label()) {
        pages.overlay_painted(&moments.unwrap_or_default());
    } else {
        pages.painted(first_run.unwrap_or(false), &moments.unwrap_or_default());
    }
}

/// `line` and `caller_id` as chosen, else by the rules; `keys` are sent once it is answered.
#[tauri::command]
async fn dial(
    core: State<'_, Core>,
    number: String,
    line: Option<String>,
    caller_id: Option<String>,
    keys: Option<String>,
) -> Answer<()> {
    let keys = keys
        .filter(|keys| !keys.is_empty())
        .map(|keys| call::number::parse_keys(&keys))
        .transpose()
        .map_err(|why| IpcError::new("bad_key", why))?;
    let call = fresh_call_id().map_err(|error| IpcError::new("shell", error.to_string()))?;
    let wish = Wish { line, caller_id };
    if let Some(keys) = keys {
        core.send_keys_once_live(call.clone(), keys);
    }
    core.dial(call, number, wish).await.map(drop)
}

#[tauri::command]
async fn route_show(core: State<'_, Core>, asked: RouteAsked) -> Answer<RouteView> {
    let wish = Wish {
        line: asked.line,
        caller_id: asked.caller_id,
    };
    let routed = core.route(&asked.number, wish).await?;
    Ok(calling::route(&routed, core.region()))
}

#[tauri::command]
async fn answer(core: State<'_, Core>, call: String, other: OtherCall) -> Answer<()> {
    let call = known(&core, &call)?;
    let other = match other {
        OtherCall::Hold => call::input::OtherCall::Hold,
        OtherCall::End => call::input::OtherCall::End,
    };
    core.intent(Intent::Answer { call, other }).await;
    Ok(())
}

#[tauri::command]
async fn decline(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Decline { call }).await;
    Ok(())
}

#[tauri::command]
async fn silence(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Silence { call }).await;
    Ok(())
}

#[tauri::command]
async fn hang_up(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::HangUp { call }).await;
    Ok(())
}

#[tauri::command]
async fn set_muted(core: State<'_, Core>, call: String, muted: bool) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::SetMuted { call, muted }).await;
    Ok(())
}

#[tauri::command]
async fn set_held(core: State<'_, Core>, call: String, held: bool) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::SetHeld { call, held }).await;
    Ok(())
}

#[tauri::command]
async fn transfer(core: State<'_, Core>, call: String, to: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Transfer { call, to }).await;
    Ok(())
}

#[tauri::command]
async fn add_person(
    core: State<'_, Core>,
    call: String,
    number: String,
    private: bool,
) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::AddPerson {
        call,
        number,
        private,
    })
    .await;
    Ok(())
}

#[tauri::command]
async fn merge(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Merge { call }).await;
    Ok(())
}

#[tauri::command]
async fn talk_privately(core: State<'_, Core>, call: String, leg: String) -> Answer<()> {
    let call = known(&core, &call)?;
    let with = person(&leg)?;
    core.intent(Intent::TalkPrivately { call, with }).await;
    Ok(())
}

#[tauri::command]
async fn hand_over(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::HandOver { call }).await;
    Ok(())
}

#[tauri::command]
async fn drop_person(core: State<'_, Core>, call: String, leg: String) -> Answer<()> {
    let call = known(&core, &call)?;
    let leg = person(&leg)?;
    core.intent(Intent::DropPerson { call, leg }).await;
    Ok(())
}

#[tauri::command]
async fn rejoin(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Rejoin { call }).await;
    Ok(())
}

#[tauri::command]
async fn set_availability(core: State<'_, Core>, availability: AvailabilityView) -> Answer<()> {
    let wanted = convert::wanted_availability(availability);
    core.intent(Intent::SetAvailability(wanted)).await;
    Ok(())
}

#[tauri::command]
async fn send_keys(core: State<'_, Core>, call: String, keys: String) -> Answer<()> {
    let call = known(&core, &call)?;
    let keys = call::number::parse_keys(&keys).map_err(|why| IpcError::new("bad_key", why))?;
    core.intent(Intent::SendKeys { call, keys }).await;
    Ok(())
}

#[tauri::command]
async fn dismiss(core: State<'_, Core>, call: String) -> Answer<()> {
    // Already gone is what was wanted.
    if let Ok(call) = known(&core, &call) {
        core.intent(Intent::Dismiss { call }).await;
    }
    Ok(())
}

#[tauri::command]
async fn dismiss_notice(core: State<'_, Core>, id: u32) -> Answer<()> {
    core.intent(Intent::DismissNotice { id }).await;
    Ok(())
}

#[tauri::command]
async fn retry_line(core: State<'_, Core>) -> Answer<()> {
    core.retry_line().await;
    Ok(())
}

#[tauri::command]
async fn history_page(
    core: State<'_, Core>,
    query: HistoryQuery,
    cursor: Option<String>,
    limit: u32,
) -> Answer<HistoryPage> {
    core.history_page(query, cursor, limit.clamp(1, LARGEST_PAGE))
        .await
}

#[tauri::command]
async fn history_note(core: State<'_, Core>, call: String, note: String) -> Answer<()> {
    core.history_note(call, note).await
}

#[tauri::command]
async fn missed_count(core: State<'_, Core>) -> Answer<u32> {
    core.missed_count().await
}

#[tauri::command]
async fn history_seen(core: State<'_, Core>, call: Option<String>) -> Answer<()> {
    core.history_seen(call).await
}

#[tauri::command]
async fn history_delete(core: State<'_, Core>, calls: Vec<String>) -> Answer<String> {
    core.history_delete(calls).await
}

#[tauri::command]
async fn history_undelete(core: State<'_, Core>, token: String) -> Answer<u32> {
    core.history_undelete(token).await
}

#[tauri::command]
async fn wipe(core: State<'_, Core>, what: WipeWhat) -> Answer<u32> {
    core.wipe(what).await
}

/// Into the folder for downloads: a name that the person did not choose must land where they look.
#[tauri::command]
async fn history_export<R: Runtime>(
    app: AppHandle<R>,
    core: State<'_, Core>,
    query: HistoryQuery,
    format: ExportFormat,
) -> Answer<Exported> {
    core.history_export(query, format, downloads(&app)?).await
}

#[tauri::command]
async fn call_details(core: State<'_, Core>, call: String) -> Answer<CallDetails> {
    core.call_details(call).await
}

#[tauri::command]
async fn events_export<R: Runtime>(
    app: AppHandle<R>,
    core: State<'_, Core>,
    format: ExportFormat,
) -> Answer<Exported> {
    core.events_export(format, downloads(&app)?).await
}

#[tauri::command]
async fn contacts(
    core: State<'_, Core>,
    text: String,
    cursor: Option<String>,
    limit: u32,
) -> Answer<ContactsPage> {
    core.contacts(text, cursor, limit.clamp(1, LARGEST_PAGE))
        .await
}

#[tauri::command]
async fn contact_save(core: State<'_, Core>, id: Option<i64>, draft: ContactDraft) -> Answer<i64> {
    core.contact_save(id, draft).await
}

#[tauri::command]
async fn contact_delete(core: State<'_, Core>, id: i64) -> Answer<()> {
    core.contact_delete(id).await
}

#[tauri::command]
async fn contacts_import(
    core: State<'_, Core>,
    name: String,
    bytes: Vec<u8>,
) -> Answer<ImportView> {
    core.contacts_import(name, bytes).await
}

#[tauri::command]
async fn contacts_undo_import(core: State<'_, Core>, import: i64) -> Answer<u32> {
    core.contacts_undo_import(import).await
}

#[tauri::command]
fn settings_show(core: State<'_, Core>) -> SettingsInForce {
    core.settings_in_force().borrow().clone()
}

#[tauri::command]
async fn settings_change(core: State<'_, Core>, change: SettingsChange) -> Answer<SettingsInForce> {
    core.settings_change(|settings| change.make(settings)).await
}

#[tauri::command]
fn watchers_show(core: State<'_, Core>) -> WatchersView {
    core.watchers().borrow().clone()
}

#[tauri::command]
async fn watchers_set(
    core: State<'_, Core>,
    draft: WatchersDraft,
    secret: Option<String>,
) -> Answer<WatchersView> {
    core.watchers_set(draft, secret).await
}

#[tauri::command]
async fn account_show(core: State<'_, Core>) -> Answer<AccountView> {
    core.account_show().await
}

#[tauri::command]
async fn account_set(
    core: State<'_, Core>,
    url: String,
    key: String,
    secret: Option<String>,
) -> Answer<AccountView> {
    core.account_set(url, key, secret).await
}

#[tauri::command]
async fn account_forget(core: State<'_, Core>) -> Answer<AccountView> {
    core.account_forget().await
}

#[tauri::command]
async fn devices() -> Answer<DevicesView> {
    crate::core::devices().await
}

#[tauri::command]
fn sound_show(core: State<'_, Core>) -> SoundView {
    core.sound_view().borrow().clone()
}

#[tauri::command]
async fn sound_set(core: State<'_, Core>, settings: SoundSettings) -> Answer<SoundView> {
    core.sound_set(settings).await
}

/// The meters go to whoever asked last, until told to stop or the page is gone.
#[tauri::command]
async fn sound_levels(
    core: State<'_, Core>,
    meters: State<'_, Meters>,
    channel: Channel<LevelsView>,
) -> Answer<()> {
    let mut levels = core.sound_levels();
    meters.replace(tokio::spawn(async move {
        loop {
            let now = crate::sound::levels(*levels.borrow_and_update());
            if channel.send(now).is_err() || levels.changed().await.is_err() {
                return;
            }
        }
    }));
    Ok(())
}

#[tauri::command]
fn sound_levels_stop(meters: State<'_, Meters>) {
    meters.stop();
}

#[tauri::command]
fn sound_test(core: State<'_, Core>, on: bool) -> Answer<()> {
    core.sound_test(on)
}

#[tauri::command]
fn ring_test(core: State<'_, Core>, ringtone: RingtoneSetting) -> Answer<()> {
    core.ring_test(ringtone)
}

#[tauri::command]
async fn ringtone_import(core: State<'_, Core>, name: String, bytes: Vec<u8>) -> Answer<SoundView> {
    core.ringtone_import(name, bytes).await
}

#[tauri::command]
async fn ringtone_remove(core: State<'_, Core>) -> Answer<SoundView> {
    core.ringtone_remove().await
}

#[tauri::command]
async fn recording_start(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.recording_start(call).await
}

#[tauri::command]
fn recording_pause(core: State<'_, Core>, call: String, paused: bool) -> Answer<()> {
    let call = known(&core, &call)?;
    core.recording_pause(&call, paused)
}

#[tauri::command]
async fn recording_stop(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.recording_stop(call).await
}

#[tauri::command]
async fn recording_outline(core: State<'_, Core>, call: String) -> Answer<RecordingOutline> {
    core.recording_outline(call).await
}

#[tauri::command]
async fn recording_play(core: State<'_, Core>, call: String, from_ms: u32) -> Answer<()> {
    core.recording_play(call, from_ms).await
}

#[tauri::command]
fn recording_halt(core: State<'_, Core>) -> Answer<()> {
    core.recording_halt();
    Ok(())
}

#[tauri::command]
fn replay_start(core: State<'_, Core>, seconds: u32) -> Answer<()> {
    core.replay_start(seconds)
}

#[tauri::command]
fn replay_stop(core: State<'_, Core>) -> Answer<()> {
    core.replay_stop();
    Ok(())
}

/// Whoever is told how loud it is.
#[derive(Debug, Default)]
pub struct Meters(Mutex<Option<JoinHandle<()>>>);

impl Meters {
    fn replace(&self, task: JoinHandle<()>) {
        self.put(Some(task));
    }

    fn stop(&self) {
        self.put(None);
    }

    fn put(&self, task: Option<JoinHandle<()>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = std::mem::replace(&mut *known, task) {
            former.abort();
        }
    }
}

fn downloads<R: Runtime>(app: &AppHandle<R>) -> Answer<PathBuf> {
    let paths = app.path();
    paths.download_dir().or_else(|_| paths.home_dir()).map_err(|_| {
        IpcError::new(
            "export",
            "This computer has no folder for downloads. Export from the terminal: deskline history --export FILE.",
        )
    })
}

fn person(leg: &str) -> Answer<Identity> {
    Identity::parse(leg)
        .map_err(|_| IpcError::new("no_such_person", "This person is not in the call."))
}

/// A call that is on the screen; anything else is refused before it reaches the phone.
fn known(core: &Core, call: &str) -> Answer<CallId> {
    CallId::parse(call)
        .ok()
        .filter(|id| core.view().borrow().call(id).is_some())
        .ok_or_else(|| IpcError::new("no_such_call", "This call is over."))
}
