//! Sound by way of a PulseAudio server (or PipeWire, which speaks the same language) without a client library's own
//! threads: one connection and one thread for each stream.
//!
//! The library below cpal asks the server for timing after every block, from two more threads, and clears a megabyte of
//! memory each time it wakes; it also keeps what the server says about moved, killed and starved streams to itself. So only
//! its protocol half is used here. What that saves is in docs/adr/0010-pulse-backend.md.

mod conversation;
mod steps;
mod streams;

pub(crate) use conversation::{Conversation, Trouble};
pub(crate) use streams::{open_microphone, open_speaker};
