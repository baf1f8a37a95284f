//! What can go wrong with the parts of the line.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{FaultState, Phones, phones::milliseconds};

/// What can befall the LiveKit server of a line that was started with `child`.
#[derive(Clone, Copy, Debug)]
pub enum ServerFault {
    /// It stops answering without closing anything.
    Freeze,
    /// It goes on.
    Thaw,
    /// It is gone at once.
    Kill,
    /// It comes back on the same ports.
    Start,
    /// Killed and started.
    Restart,
}

/// What can befall the bridge, the program that carries the phones. Works with and without `child`.
#[derive(Clone, Copy, Debug)]
pub enum BridgeFault {
    /// It is gone without a word: its phones fall silent and stay listed for about 20 s; nobody is dialled or rings in.
    Kill,
    /// It is back and knows nothing of the calls it had.
    Start,
}

/// What can befall the built-in Redis. Works with and without `child`.
#[derive(Clone, Copy, Debug)]
pub enum RedisFault {
    /// It loses everything: the server carries its calls on and denies that they exist.
    Flush,
    /// It is gone.
    Stop,
    /// It comes back, empty.
    Start,
    /// Trunks and rules are back as before the last loss, with their ids.
    Restore,
}

impl Phones {
    /// Do something to the LiveKit server; done when this returns.
    pub fn server(&self, fault: ServerFault) -> Result<FaultState> {
        let verb = match fault {
            ServerFault::Freeze => "freeze",
            ServerFault::Thaw => "thaw",
            ServerFault::Kill => "kill",
            ServerFault::Start => "start",
            ServerFault::Restart => "restart",
        };
        self.post(&format!("/faults/{verb}"), &json!({}))
    }

    /// Answer new joins with 500, as a server that is being emptied.
    pub fn refuse_joins(&self, on: bool) -> Result<FaultState> {
        self.post("/faults/refuse_joins", &json!({ "on": on }))
    }

    /// Break the signalling socket of every client, once and without a word; their media goes on.
    pub fn cut_signals(&self) -> Result<FaultState> {
        self.post("/faults/cut_signals", &json!({}))
    }

    /// How long the trunk lets a caller ring; `None`: as long as the bridge does by itself.
    pub fn limit_ringing(&self, to: Option<Duration>) -> Result<()> {
        let limit_ms = to.map_or(0, milliseconds);
        self.post::<serde_json::Value>("/ringing", &json!({ "limit_ms": limit_ms }))
            .map(drop)
    }

    /// The state of the LiveKit server.
    pub fn faults(&self) -> Result<FaultState> {
        self.get("/faults")
    }

    /// Do something to the bridge; done when this returns.
    ///
    /// # Errors
    /// When the line refuses or is gone. So for every method here.
    pub fn bridge(&self, fault: BridgeFault) -> Result<FaultState> {
        let verb = match fault {
            BridgeFault::Kill => "bridge_kill",
            BridgeFault::Start => "bridge_start",
        };
        self.post(&format!("/faults/{verb}"), &json!({}))
    }

    /// Do something to Redis; done when this returns.
    pub fn redis(&self, fault: RedisFault) -> Result<FaultState> {
        let verb = match fault {
            RedisFault::Flush => "redis_flush",
            RedisFault::Stop => "redis_stop",
            RedisFault::Start => "redis_start",
            RedisFault::Restore => "redis_restore",
        };
        self.post(&format!("/faults/{verb}"), &json!({}))
    }
}
