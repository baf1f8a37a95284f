//! Deskline: a desktop phone for LiveKit. The window, and the same phone from a terminal.

// No console window beside the app on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    deskline_app::main()
}
