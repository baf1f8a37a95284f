//! The whole telephone on the demo line, path by path: outcomes, what happens in a call, several desks, who may be rung,
//! failures in the middle. Driven through `deskline phone`, which is the app without its window: same core, same devices.
//!
//! `cargo xtask e2e telephone` runs all of it and the paths that other suites prove. What takes longer than a test of every
//! run may is in the modules `slow`; `make test` leaves them out. `DESKLINE_RACES` and `DESKLINE_KILLS` set how many rounds
//! two desks race for a caller, and how often a desk is killed; with `DESKLINE_TIMES` what is measured is also judged.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "../support/mod.rs"]
mod support;

mod availability;
mod desk;
mod desks;
mod failures;
mod hostile;
mod in_call;
mod kills;
mod outcomes;
mod scene;
mod several;
