//! Generates what Tauri needs at compile time: configuration, permissions of the windows, icons.

include!("ipc/names.rs");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src-tauri/ipc/names.rs");
    // Naming the commands here gives each its own permission: without this, every window may call all of them.
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}
