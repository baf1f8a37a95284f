//! Rooms: the only crate that knows how LiveKit's realtime side is spoken to.
//!
//! Two layers:
//!
//! * the **door** ([`backend`]): one interface over three ways to be in a room. [`Backend::Prebuilt`] is LiveKit's
//!   compiled engine; `Backend::SourceSdk` (feature `source-sdk`) the `livekit` crate; [`Backend::Memory`] a server
//!   and its phones in this process, for tests. Which one is chosen at run time.
//! * the **port** ([`RoomPort`]): takes the phone's [`RoomCommand`](call::output::RoomCommand)s and answers with
//!   facts. One task per connection; no rule of telephony is decided here.
//!
//! Sound never passes through either: [`media`] gives the audio thread a way in and a ring out.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod access;
mod audience;
pub mod backend;
mod connection;
mod far;
mod heard;
mod hearing;
mod media;
mod port;
mod processing;
mod roster;
mod watchdog;

pub use access::{Access, JoinRefused, TokenFuture, TokenRequest, TokenSource};
pub use backend::Backend;
pub use media::{
    FAR_RING_FRAMES, FarAudio, HoldMusic, Media, MediaCounters, MicrophoneInput, media,
};
pub use port::RoomPort;
pub use processing::{VoiceProcessing, VoiceSteps};
