//! The TypeScript of the windows is made from the Rust of the shell, and is fresh.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

#[test]
fn bindings_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/lib/backend/bindings.ts");
    let made = deskline_app::ipc::types::bindings();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, made).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap();
    for (number, (kept, made)) in kept.lines().zip(made.lines()).enumerate() {
        assert_eq!(
            kept,
            made,
            "ui/src/lib/backend/bindings.ts, line {}: run UPDATE=1 cargo test -p deskline --test bindings",
            number + 1
        );
    }
    assert_eq!(
        kept, made,
        "run UPDATE=1 cargo test -p deskline --test bindings"
    );
}

#[test]
fn no_number_crosses_as_a_bigint() {
    // JSON has one kind of number; a bigint in the types would be a lie.
    assert!(!deskline_app::ipc::types::bindings().contains("bigint"));
}
