//! Nothing to build: Tauri's macro wants the folder that only a package with a build script has.

fn main() {}
