//! What the windows can ask. A command sends one intent and returns once it is queued; reads go to their own store.

use call::CallId;
use call::input::Intent;
use tauri::ipc::Invoke;
use tauri::{Runtime, State, Webview};

use crate::core::{Core, fresh_call_id};
use crate::ipc::convert;
use crate::ipc::types::{AccountView, DevicesView, HistoryPage, IpcError, PhoneView};
use crate::pages::Pages;
use crate::windows;

/// The most rows one page carries.
const LARGEST_PAGE: u32 = 200;

type Answer<T> = Result<T, IpcError>;

/// Hands a request to its command. Which window may ask for which is decided before, by its capability.
pub fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        snapshot,
        painted,
        dial,
        answer,
        decline,
        silence,
        hang_up,
        set_muted,
        send_keys,
        dismiss,
        dismiss_notice,
        retry_line,
        history_page,
        account_show,
        account_set,
        account_forget,
        devices,
    ]
}

#[tauri::command]
fn snapshot<R: Runtime>(
    page: Webview<R>,
    pages: State<'_, Pages>,
    core: State<'_, Core>,
) -> PhoneView {
    if page.label() == windows::OVERLAY {
        pages.overlay_asked();
    }
    let view = core.view();
    let view = view.borrow();
    convert::phone(&view, core.region())
}

#[tauri::command]
fn painted(pages: State<'_, Pages>) {
    pages.painted();
}

#[tauri::command]
async fn dial(core: State<'_, Core>, number: String) -> Answer<()> {
    let call = fresh_call_id().map_err(|error| IpcError::new("shell", error.to_string()))?;
    core.intent(Intent::Dial {
        call,
        number,
        line: None,
    })
    .await;
    Ok(())
}

#[tauri::command]
async fn answer(core: State<'_, Core>, call: String) -> Answer<()> {
    let call = known(&core, &call)?;
    core.intent(Intent::Answer {
        call,
        other: call::input::OtherCall::Hold,
    })
    .await;
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
    cursor: Option<String>,
    limit: u32,
) -> Answer<HistoryPage> {
    core.history_page(cursor, limit.clamp(1, LARGEST_PAGE))
        .await
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

/// A call that is on the screen; anything else is refused before it reaches the phone.
fn known(core: &Core, call: &str) -> Answer<CallId> {
    CallId::parse(call)
        .ok()
        .filter(|id| core.view().borrow().call(id).is_some())
        .ok_or_else(|| IpcError::new("no_such_call", "This call is over."))
}
