//! Commands of lines: set up, checked, proved, undone; what they cost, what is known of them, what there is in the project and in
//! an account.

use tauri::State;
use tauri::ipc::Channel;

use crate::core::Core;
use crate::ipc::calling::LineCallingDraft;
use crate::ipc::line_costs::{LineCostsView, LineRatesDraft};
use crate::ipc::line_setup::{
    self, LineAsked, LineHandView, LinePlanView, LineProgressView, LineProofView, LineRunView,
    LineSignIn, LineUndoView,
};
use crate::ipc::line_sheet::{LineNumberView, LineSheetView, ProjectObjectView};
use crate::ipc::lines::{LineCard, LineCheckView};
use crate::ipc::types::IpcError;

type Answer<T> = Result<T, IpcError>;

#[tauri::command]
pub(crate) async fn lines(core: State<'_, Core>) -> Answer<Vec<LineCard>> {
    core.lines().await
}

#[tauri::command]
pub(crate) async fn line_check(
    core: State<'_, Core>,
    line: String,
    sign_in: Option<LineSignIn>,
) -> Answer<LineCheckView> {
    core.line_check(line, sign_in).await
}

#[tauri::command]
pub(crate) async fn line_plan(core: State<'_, Core>, asked: LineAsked) -> Answer<LinePlanView> {
    core.line_plan(asked).await
}

#[tauri::command]
pub(crate) async fn line_by_hand(
    core: State<'_, Core>,
    asked: LineAsked,
) -> Answer<Vec<LineHandView>> {
    core.line_by_hand(asked).await
}

#[tauri::command]
pub(crate) async fn line_carry_out(
    core: State<'_, Core>,
    channel: Channel<LineProgressView>,
) -> Answer<LineRunView> {
    core.line_carry_out(move |news| {
        // A page that is gone need not be told.
        let _gone = channel.send(line_setup::progress(news));
    })
    .await
}

#[tauri::command]
pub(crate) fn line_stop(core: State<'_, Core>) {
    core.line_setup().stop();
}

#[tauri::command]
pub(crate) async fn line_removal(core: State<'_, Core>, line: String) -> Answer<LinePlanView> {
    core.line_removal(line).await
}

#[tauri::command]
pub(crate) async fn line_remove(core: State<'_, Core>, line: String) -> Answer<()> {
    core.line_remove(line).await
}

#[tauri::command]
pub(crate) async fn line_undo_show(core: State<'_, Core>, line: String) -> Answer<LineUndoView> {
    core.line_undo_show(line).await
}

#[tauri::command]
pub(crate) async fn line_undo(
    core: State<'_, Core>,
    line: String,
    sign_in: LineSignIn,
) -> Answer<Vec<String>> {
    core.line_undo(line, sign_in).await
}

#[tauri::command]
pub(crate) async fn line_test(
    core: State<'_, Core>,
    line: String,
    to: Option<String>,
) -> Answer<LineProofView> {
    core.line_test(line, to).await
}

#[tauri::command]
pub(crate) async fn line_set(
    core: State<'_, Core>,
    line: String,
    calling: LineCallingDraft,
) -> Answer<Vec<LineCard>> {
    core.line_set(line, calling).await
}

#[tauri::command]
pub(crate) async fn line_fix(
    core: State<'_, Core>,
    line: String,
    finding: String,
) -> Answer<LineCheckView> {
    core.line_fix(line, finding).await
}

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
pub(crate) async fn line_report_copy(core: State<'_, Core>, line: String) -> Answer<()> {
    core.line_report_copy(line).await
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
