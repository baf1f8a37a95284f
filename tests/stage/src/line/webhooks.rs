//! The server's webhooks on their way to a receiver under test: bytes and signature as they are, time and order as told.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Phones;

/// What happens to the events on their way to one receiver, in the order in which it happens. The default lets all pass.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Switches {
    /// The other switches are for these events (`participant_joined`, …), all others pass; empty: for all.
    #[serde(deserialize_with = "nothing_is_empty")]
    pub only: Vec<String>,
    /// The next so many are lost; −1: all.
    pub drop: i32,
    /// They wait for [`Phones::release_webhooks`].
    pub hold: bool,
    /// So many are collected and go in reverse order, after 2 s without company anyway; 0 or 1: none.
    pub reorder: u32,
    /// Each goes so many milliseconds later.
    pub delay_ms: u64,
    /// Each goes so many times more.
    pub duplicate: u32,
}

/// One receiver, and what became of the events so far.
#[derive(Clone, Debug, Deserialize)]
pub struct Webhook {
    /// Its name at the line.
    pub id: String,
    /// Where it listens.
    pub url: String,
    /// What happens to its events now.
    #[serde(flatten)]
    pub switches: Switches,
    /// Events that came from the server.
    pub received: u64,
    /// Events that it got; copies count.
    pub delivered: u64,
    /// Events that were lost.
    pub dropped: u64,
    /// Events it did not take after some tries.
    pub failed: u64,
    /// Events that wait for a release.
    pub held: u64,
    /// Events that are late, collected, or on their way.
    pub waiting: u64,
}

impl Phones {
    /// Send the server's webhooks to `url` too, an `http://` address on this machine.
    ///
    /// # Errors
    /// When the line refuses or is gone. So for every method here.
    pub fn forward_webhooks(&self, url: &str, switches: &Switches) -> Result<Webhook> {
        self.post("/webhooks", &Target { url, switches })
    }

    /// Other switches from now on; what they no longer keep back goes.
    pub fn change_webhooks(&self, id: &str, switches: &Switches) -> Result<Webhook> {
        self.put(&format!("/webhooks/{id}"), switches)
    }

    /// Send what is held, the newest first if `reversed`; later events are held again while `hold` is on.
    pub fn release_webhooks(&self, id: &str, reversed: bool) -> Result<Webhook> {
        self.post(
            &format!("/webhooks/{id}/release"),
            &json!({ "reversed": reversed }),
        )
    }

    /// What became of the events of one receiver.
    pub fn webhooks(&self, id: &str) -> Result<Webhook> {
        self.get(&format!("/webhooks/{id}"))
    }

    /// Send it nothing more.
    pub fn stop_webhooks(&self, id: &str) -> Result<()> {
        self.delete(&format!("/webhooks/{id}"))
    }
}

#[derive(Serialize)]
struct Target<'a> {
    url: &'a str,
    #[serde(flatten)]
    switches: &'a Switches,
}

/// The line writes an empty list as null.
fn nothing_is_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(from)?.unwrap_or_default())
}
