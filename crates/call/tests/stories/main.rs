//! Stories of calls, one a test, each named by what happens in it. The facts come from runs against a real server, a real
//! bridge and a real phone.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity
)]

#[path = "../support/mod.rs"]
mod support;

mod desk;
mod hold;
mod inbound;
mod inbound_claims;
mod lines;
mod live;
mod outbound;
mod outbound_ends;
mod outcomes;
mod people;
mod people_go;
mod quiet;
mod rejoin;
mod row;
mod transfer;
