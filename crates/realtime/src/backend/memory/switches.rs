//! What can go wrong on purpose.

use std::time::Duration;

use call::input::JoinFailure;

/// The switches of a [`Server`](super::Server). All off by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switches {
    /// Every join is refused in this way.
    pub refuse: Option<JoinFailure>,
    /// Every request of who is in a room is refused.
    pub refuse_requests: bool,
    /// Joins, requests and events take this long.
    pub delay: Duration,
    /// So many further events of each desk never arrive. Counted for every desk on its own.
    pub drop: u32,
    /// Every event arrives twice.
    pub duplicate: bool,
    /// So many further subscriptions are lost on their way, though the engine said that it passed them on: what happens to
    /// one that is asked for while it builds a connection anew.
    pub lose_subscriptions: u32,
    /// Of two events that wait, the later arrives first.
    pub reorder: bool,
}

impl Switches {
    /// Is the next subscription one of those that are lost?
    pub(super) fn lose_subscription(&mut self) -> bool {
        let is_lost = self.lose_subscriptions > 0;
        self.lose_subscriptions = self.lose_subscriptions.saturating_sub(1);
        is_lost
    }
}
