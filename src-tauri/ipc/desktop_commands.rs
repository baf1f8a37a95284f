//! What the main window can ask about the program on this computer.

use tauri::{AppHandle, Runtime, State};

use crate::core::{Core, blocking};
use crate::desktop::Desktop;
use crate::ipc::desktop::{
    DesktopSettings, DesktopView, FirstRunView, HookSetting, HookTested, ReadinessView, ShellView,
};
use crate::ipc::env_file::{EnvFileView, EnvPurpose};
use crate::ipc::types::{AccountView, IpcError};
use crate::{app, hooks, ring_test, windows};

type Answer<T> = Result<T, IpcError>;

#[tauri::command]
pub(crate) fn desktop_show(desktop: State<'_, Desktop>) -> DesktopView {
    desktop.view().borrow().clone()
}

#[tauri::command]
pub(crate) async fn desktop_set(
    desktop: State<'_, Desktop>,
    settings: DesktopSettings,
) -> Answer<DesktopView> {
    desktop.set(settings).await
}

#[tauri::command]
pub(crate) fn shell_show(desktop: State<'_, Desktop>) -> ShellView {
    desktop.shell().borrow().clone()
}

#[tauri::command]
pub(crate) fn prefill_done(desktop: State<'_, Desktop>, id: u32) {
    desktop.prefill_done(id);
}

#[tauri::command]
pub(crate) fn go_to_done(desktop: State<'_, Desktop>, id: u32) {
    desktop.go_to_done(id);
}

#[tauri::command]
pub(crate) async fn set_compact<R: Runtime>(
    app: AppHandle<R>,
    desktop: State<'_, Desktop>,
    compact: bool,
) -> Answer<()> {
    windows::set_compact(&app, compact);
    desktop.set_compact(compact).await;
    Ok(())
}

/// Without a question: whoever asks has shown what is lost.
#[tauri::command]
pub(crate) fn quit<R: Runtime>(app: AppHandle<R>) {
    app::begin_to_quit(&app);
}

#[tauri::command]
pub(crate) fn quit_cancel(desktop: State<'_, Desktop>) {
    desktop.stay();
}

#[tauri::command]
pub(crate) fn readiness_show(desktop: State<'_, Desktop>) -> ReadinessView {
    desktop.readiness().borrow().clone()
}

#[tauri::command]
pub(crate) async fn ring_me_now(core: State<'_, Core>, desktop: State<'_, Desktop>) -> Answer<()> {
    ring_test::begin(&core, &desktop)
}

#[tauri::command]
pub(crate) async fn first_run_show(
    core: State<'_, Core>,
    desktop: State<'_, Desktop>,
) -> Answer<FirstRunView> {
    let (account, _) = core.account_and_profile();
    let has_account = blocking(move || Ok(account.is_set())).await?;
    desktop.first_run(has_account).await
}

#[tauri::command]
pub(crate) async fn first_run_set(
    desktop: State<'_, Desktop>,
    first_run: FirstRunView,
) -> Answer<()> {
    desktop.set_first_run(first_run).await
}

#[tauri::command]
pub(crate) async fn hook_test(hook: HookSetting) -> Answer<HookTested> {
    blocking(move || hooks::test(&hook.action, hook.moment)).await
}

/// The file holds secrets: they go in and never come back. What it says is shown, and waits for [`env_sign_in`], or for a line
/// to be set up, or to be put away.
#[tauri::command]
pub(crate) async fn env_read(
    core: State<'_, Core>,
    bytes: Vec<u8>,
    purpose: EnvPurpose,
) -> Answer<EnvFileView> {
    core.env_read(bytes, purpose).await
}

#[tauri::command]
pub(crate) async fn env_sign_in(core: State<'_, Core>) -> Answer<AccountView> {
    core.env_sign_in().await
}

#[tauri::command]
pub(crate) fn env_forget(core: State<'_, Core>) {
    core.env_file().forget();
}
