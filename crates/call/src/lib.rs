//! The telephone as a pure state machine.
//!
//! [`Phone`] is told what happened ([`Input`]) and when ([`Now`]); it answers with everything that must now be done
//! ([`Output`]) and the next moment at which it wants to be woken. It performs nothing itself: no socket, file, clock,
//! thread or log. It cannot fail: a refusal is an [`EndReason`] or a [`Notice`], and an input that makes no sense in the
//! present state is dropped.
//!
//! ```text
//!              Dial                        joined, devices open,         ringing
//!               |     logged, or 3 s       microphone announced     +-----------------> RemoteRinging
//!               v                                  |                |                        |
//!           Preparing ----------> Joining ---------+-----------> Dialling                    |
//!                                                                   |  answered              |  answered
//!                                                                   +-----------+------------+
//!                                                                               |
//!               Offer        Answer          first in the room                  v
//!               |     +--------------> Claiming ----------> Answering -------> Live
//!               v     |                    |                    |     active    |
//!            Offered -+                    |                    |               |
//!               ^                          |                    |               |
//!               +--------------------------+--------------------+               |
//!                 a colleague was first, no devices, no answer in time          |
//!                                                                               v
//!   any of them: hung up, refused, given up, lost, out of time -----------> Ending -----> Ended
//! ```
//! Inside `Ending` a ladder is climbed down (`ending.rs`): name the outcome, ask the bridge, remove the leg, delete the
//! room, leave. A leg that survives it stays on a list and is dropped again and again (`loose.rs`). Every state but
//! `Ended`, `Live` and `HandedOver` has a deadline, and a call that is up has one whenever its connection or a leg is in
//! doubt: time alone ends everything that is not up.
//!
//! What can happen inside `Live` is told where it is built: several calls, of which one is talked on (`hold.rs`); handing
//! the far end over by REFER (`transfer.rs`); further people (`people.rs`) and who of them hears whom (`circle.rs`);
//! leaving them to talk on without us (`handover.rs`).
//!
//! Which line a call goes out over, and why, is decided by `routing.rs`; what happens if its provider refuses, by
//! `fail_over.rs`.
//!
//! Around it: who rings here and what a decline does (`quiet.rs`); news of callers that comes late (`stale.rs`); going
//! back into a call whose connection broke, or which an earlier run left behind, the state `Stranded` (`rejoin.rs`); what
//! the row holds of how it rang and sounded (`tally.rs`); the words for each end (`words.rs`).
//!
//! `cargo test -p call --test coverage` prints how often every input was told in every state.
//!
//! # Who sends which input
//!
//! | From | Input | Why |
//! |---|---|---|
//! | shell, terminal | [`Input::Intent`] | what a person wants of the phone or of one call |
//! | `realtime` | [`Input::Room`] | what one connection to a room sees; answers to [`RoomCommand`](output::RoomCommand) |
//! | `switchboard` | [`Input::Leg`] | answers to [`LegCommand`](output::LegCommand) |
//! | `switchboard` | [`Input::Watch`], [`Input::Line`] | callers, state of the line |
//! | `audio` | [`Input::Audio`] | the answer to [`Open`](output::AudioCommand::Open), devices that go and come |
//! | `history` | [`Input::Log`] | the answer to [`Start`](output::LogCommand::Start); a row that cannot be written |
//! | `history` | [`Input::Orphan`] | once at the start, for every row that an earlier run left open or whose leg may be up |
//! | `desk` | [`Input::Tick`] | the deadline of the last [`Step`] has come |
//!
//! Facts may be late, lost, repeated or out of order; those of a connection that was left are dropped but for its end.
//!
//! The crate is also the vocabulary of the house: the adapters (`realtime`, `switchboard`, `audio`, `history`) take the
//! command enums of [`output`] and send back the facts of [`input`].

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod circle;
mod doubt;
pub mod end;
mod ending;
mod facts;
mod fail_over;
mod handover;
mod hold;
pub mod ids;
mod inbound;
pub mod input;
mod live;
mod loose;
pub mod media;
pub mod number;
mod outbound;
pub mod output;
mod people;
mod phone;
mod quiet;
mod record;
mod rejoin;
pub mod routing;
pub mod settings;
mod settle;
mod stale;
pub mod state;
mod tally;
pub mod target;
mod transfer;
pub mod view;
mod words;

pub use end::EndReason;
pub use ids::{CallId, Identity, Link, Role, RoomName};
pub use input::Input;
pub use output::{Notice, Output, Step};
pub use phone::Phone;
pub use settings::DeskSettings;
pub use state::Now;
