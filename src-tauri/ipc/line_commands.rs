//! Commands that look at lines: what they cost, what is known of them, what there is in the project and in an account.

use tauri::State;

use crate::core::Core;
use crate::ipc::line_costs::{LineCostsView, LineRatesDraft};
use crate::ipc::line_setup::LineSignIn;
use crate::ipc::line_sheet::{LineNumberView, LineSheetView, ProjectObjectView};
use crate::ipc::types::IpcError;

type Answer<T> = Result<T, IpcError>;

#[tauri::command]
pub(crate) async fn line_costs(core: State<'_, Core>, month: String) -> Answer<LineCostsView> {
    core.line_costs(month).await
}

#[tauri::command]
pub(crate) async fn line_rates(
    core: State<'_, Core>,
    line: String,
    rates: LineRatesDraft,
    month: String,
) -> Answer<LineCostsView> {
    core.line_rates(line, rates, month).await
}

#[tauri::command]
pub(crate) async fn line_sheet(core: State<'_, Core>, line: String) -> Answer<LineSheetView> {
    core.line_sheet(line).await
}

#[tauri::command]
pub(crate) async fn line_password_copy(core: State<'_, Core>, line: String) -> Answer<()> {
    core.line_password_copy(line).await
}

#[tauri::command]
pub(crate) async fn line_page_open(
    core: State<'_, Core>,
    line: String,
    page: String,
) -> Answer<()> {
    core.line_page_open(line, page).await
}

#[tauri::command]
pub(crate) async fn line_project(core: State<'_, Core>) -> Answer<Vec<ProjectObjectView>> {
    core.line_project().await
}

#[tauri::command]
pub(crate) async fn line_numbers(
    core: State<'_, Core>,
    provider: String,
    sign_in: LineSignIn,
) -> Answer<Vec<LineNumberView>> {
    core.line_numbers(provider, sign_in).await
}
