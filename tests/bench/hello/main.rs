//! The least program with a window of the same toolkit, to see what of a start and of the memory is not ours. Built only
//! by `cargo xtask bench desktop`.
// It says on its output when it has painted.
#![allow(clippy::print_stdout)]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![painted])
        .run(tauri::generate_context!())?;
    Ok(())
}

#[tauri::command]
fn painted() {
    println!("painted");
}
