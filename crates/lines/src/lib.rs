//! Phone lines: from a provider's account to a line that was proven to work.
//!
//! A line is what a person calls a number that rings here and can be called from. It is made of objects at two places: the
//! provider's (a trunk, where it sends calls, a password, the number) and LiveKit's (an outbound trunk, an inbound trunk, a
//! dispatch rule). This crate knows both.
//!
//! ```text
//!   Wanted ──┐
//!            ├── plan (pure) ──> steps ── a person says yes ──> execute: one step, look again, plan again
//!   Found  ──┘                                                      │
//!                                                                   └─> journal: before, after; undo
//! ```
//! Nothing is changed before the person has seen the plan. A step that is not in the plan they saw is not done. Because
//! every step is found by looking, any interruption is healed by running the same thing again.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::print_stdout,
        clippy::wildcard_enum_match_arm
    )
)]

mod apply;
mod asked;
mod calling;
pub mod check;
pub mod costs;
mod credential;
mod desk;
pub mod env_file;
mod env_sign_in;
mod found;
pub mod hand;
mod http;
mod journal;
mod json;
pub mod left;
mod livekit;
mod mark;
mod mend;
pub mod pages;
mod plan;
mod plan_numbers;
mod plan_signalwire;
mod plan_telnyx;
mod plan_twilio;
mod project;
mod provider;
mod registry;
mod removal;
mod service;
mod sheet;
mod signalwire;
mod step;
mod swml;
mod telnyx;
mod twilio;
mod undo;
mod wanted;

pub use apply::{Approved, OnProgress, Progress, RunError, RunReport};
pub use asked::Asked;
pub use calling::{Calling, CallingError};
pub use credential::Credential;
pub use desk::{Desk, DeskError, Prepared};
pub use env_sign_in::FoundSignIn;
pub use found::{Found, Named, OwnedNumber, ProviderExtras, ProviderFound};
pub use journal::{Change, ChangeState, Journal, JournalError, Object, Place, Verb};
pub use livekit::{DispatchRule, InboundTrunk, LiveKitFound, OutboundTrunk, RuleKind};
pub use mark::Mark;
pub use plan::{Plan, Problem, plan};
pub use project::{Project, ProjectError};
pub use provider::ProviderKeys;
pub use registry::{KeptLine, Proof, Registry, RegistryError};
pub use removal::Removal;
pub use service::{Endpoints, EndpointsError, Service, ServiceError};
pub use sheet::Sheet;
pub use signalwire::{SignalWireFound, SignalWireKeys};
pub use step::{Step, StepKey};
pub use telnyx::{TelnyxFound, TelnyxKeys};
pub use twilio::{TwilioFound, TwilioKeys};
pub use undo::{UndoError, UndoReport};
pub use wanted::{
    BadInput, HandlerUrl, LineId, LineName, LiveKitSip, Number, Pin, ProviderKind, SipHost,
    Transport, TrunkDomain, Wanted, WantedProvider,
};
