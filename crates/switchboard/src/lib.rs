//! The LiveKit server API as a telephone needs it: tokens, legs, the watch for inbound calls.
//!
//! [`spawn`] is the adapter: it carries out the leg commands of the phone, watches for callers ([`Watchers`]) and reports the
//! state of the line. [`talk_token`] and [`watch_token`] are for joining a room. Every token, also those of single requests,
//! carries the rights of its one purpose and lives no longer than it must; none is ever logged.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod account;
mod event;
mod legs;
mod outcome;
mod poll;
mod port;
mod server;
mod token;
mod twirp;
mod watch;
mod watchers;
mod webhook;
mod worker;

pub use account::{Account, AccountError, ApiSecret};
pub use port::{Options, spawn};
pub use token::{Token, TokenError, practice_token, talk_token, watch_token};
pub use watchers::{
    ReceivedEvent, Refusal, Signer, Source, WatcherNews, Watchers, WebhookOptions, WorkerOptions,
};
