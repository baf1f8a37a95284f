//! Who rings in, and how.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::phones::milliseconds;

/// Somebody who rings in. Built with [`Inbound::from`] and steered by the other methods.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inbound {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    give_up_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hangup_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_keys: Option<String>,
    ring_only: bool,
    cancel_on_answer: bool,
    raw: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    also_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vanish_after_ms: Option<u64>,
}

impl Inbound {
    /// A caller with this number, who says nothing and waits for ever.
    pub fn from(number: impl Into<String>) -> Self {
        Self {
            from: number.into(),
            ..Self::default()
        }
    }

    /// Which number they dial; without it the seeded one.
    #[must_use]
    pub fn to(mut self, number: impl Into<String>) -> Self {
        self.to = Some(number.into());
        self
    }

    /// The name the network shows.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What is heard once answered: `tone:440`, `greeting`, `echo`, `silence`, `keys`, `file:PATH`.
    #[must_use]
    pub fn says(mut self, what: impl Into<String>) -> Self {
        self.says = Some(what.into());
        self
    }

    /// They hang up when nobody has answered by then.
    #[must_use]
    pub fn gives_up_after(mut self, time: Duration) -> Self {
        self.give_up_ms = Some(milliseconds(time));
        self
    }

    /// They hang up so long after the answer.
    #[must_use]
    pub fn hangs_up_after(mut self, time: Duration) -> Self {
        self.hangup_ms = Some(milliseconds(time));
        self
    }

    /// Keys they press after the answer.
    #[must_use]
    pub fn presses(mut self, keys: impl Into<String>) -> Self {
        self.send_keys = Some(keys.into());
        self
    }

    /// They hang up in the moment they are answered: the room sees `active`, then the end.
    #[must_use]
    pub fn hangs_up_when_answered(mut self) -> Self {
        self.ring_only = true;
        self
    }

    /// They give up in the moment they are answered: the room never sees `active`.
    #[must_use]
    pub fn gives_up_when_answered(mut self) -> Self {
        self.cancel_on_answer = true;
        self
    }

    /// Number and name are taken as they are, whatever they hold (2 MB each at most).
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// An attribute of the phone instead of the bridge's own.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), Some(value.into()));
        self
    }

    /// An attribute that the bridge would set and that is missing.
    #[must_use]
    pub fn without_attribute(mut self, name: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), None);
        self
    }

    /// The phone joins without any attributes; they come so long after the join.
    #[must_use]
    pub fn attributes_after(mut self, time: Duration) -> Self {
        self.attributes_after_ms = Some(milliseconds(time));
        self
    }

    /// The room the call is put into, instead of the one that the rule makes.
    #[must_use]
    pub fn in_room(mut self, name: impl Into<String>) -> Self {
        self.room = Some(name.into());
        self
    }

    /// A second room with the same call in it, where nobody ever answers.
    #[must_use]
    pub fn also_in(mut self, name: impl Into<String>) -> Self {
        self.also_in = Some(name.into());
        self
    }

    /// Somebody else deletes the room so long after it began to ring.
    #[must_use]
    pub fn vanishes_after(mut self, time: Duration) -> Self {
        self.vanish_after_ms = Some(milliseconds(time));
        self
    }
}
