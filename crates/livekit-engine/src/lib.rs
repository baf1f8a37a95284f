//! A small safe binding of LiveKit's prebuilt realtime engine.
//!
//! LiveKit publishes its client SDK, compiled, inside its Python wheel: a shared library with five
//! C functions that speak protobuf. This crate opens that library, after checking it against a
//! pinned sum, and offers what a telephone needs of it: [`Room::connect`], a microphone, remote
//! audio as 10 ms frames, keys, data, attributes, remote procedure calls and statistics.
//!
//! Rules that hold throughout:
//!
//! * The library aborts the process on arguments it does not expect, so every argument is checked
//!   here first and refused as [`Invalid`].
//! * Whatever the library lends (answers, frames, packets) is copied and given back exactly once;
//!   whatever it hands over (rooms, tracks, streams) is released by the value that owns it.
//! * Events arrive on the library's own threads, are decoded there and put into the bounded queue of
//!   their room. Nothing in this crate blocks those threads.
//! * The library is opened once per process and never closed, because its threads outlive any room. An engine that
//!   fails (it says so, or gives no sign of life) ends every room and every wait at once; the next [`Engine::load`]
//!   starts it anew.
//!
//! All unsafe code is in the module `ffi`.

// The engine's messages have some seventy variants, of which a telephone needs a dozen.
#![allow(clippy::wildcard_enum_match_arm)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod connect;
mod engine;
mod error;
mod event;
mod ffi;
mod life;
mod locate;
mod microphone;
mod processing;
mod proto;
mod redact;
mod room;
mod router;
mod stats;
mod stream;
mod validate;

#[cfg(debug_assertions)]
pub use engine::Breakage;
pub use engine::{Engine, PLATFORM, VERSION};
pub use error::{ConnectError, ConnectErrorKind, EngineError, RequestError, RpcError, RpcFailure};
pub use event::{
    DisconnectReason, Participant, ParticipantKind, RemotePublication, RemoteTrack, RoomEvent,
    TrackKind,
};
pub use microphone::{MicrophoneSource, MicrophoneTrack};
pub use processing::{AudioProcessing, ProcessingOptions};
pub use redact::redact;
pub use room::{Hearer, Room, RoomEvents, RoomOptions};
pub use stats::{InboundAudio, OutboundAudio, SessionStats};
pub use stream::{AudioFrames, AudioStream};
pub use validate::Invalid;

/// Samples per second of every frame this crate takes and gives.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in one frame: 10 ms, mono.
pub const FRAME_SAMPLES: usize = 480;
/// One frame of sound: 10 ms, mono, 48 kHz, signed 16 bit.
pub type Frame = [i16; FRAME_SAMPLES];

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
