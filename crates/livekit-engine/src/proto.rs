//! The engine's messages, generated from the descriptor set of the pinned version.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/livekit.proto.rs"));
