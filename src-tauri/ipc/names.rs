// The one list of commands: the build script makes a permission of each, `tests/ipc.rs` compares it with the windows'
// capabilities and with the handler. Included there and here, so it holds nothing else.

/// Every command a window can be allowed to call.
pub const COMMANDS: &[&str] = &[
    "snapshot",
    "painted",
    "dial",
    "answer",
    "decline",
    "silence",
    "hang_up",
    "set_muted",
    "set_held",
    "transfer",
    "add_person",
    "merge",
    "talk_privately",
    "hand_over",
    "drop_person",
    "rejoin",
    "set_availability",
    "send_keys",
    "dismiss",
    "dismiss_notice",
    "retry_line",
    "history_page",
    "account_show",
    "account_set",
    "account_forget",
    "devices",
];
