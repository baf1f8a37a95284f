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
    /// Of two events that wait, the later arrives first.
    pub reorder: bool,
}
