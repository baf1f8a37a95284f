//! Notices that no packet comes any more. The engine goes on giving frames of zeros and says nothing for up to
//! fifteen seconds, so packets are counted.

use std::time::Duration;

use tokio::time::Instant;

/// Packets of one call's far end, over all its tracks.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Of tracks that are gone.
    before: u64,
    /// Of the present track.
    packets: u64,
    last_news: Instant,
}

impl Watchdog {
    /// Starts with the first track.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            before: 0,
            packets: 0,
            last_news: now,
        }
    }

    /// A new track took the place of the old one: it counts from zero.
    pub(crate) fn new_track(&mut self) {
        self.before += self.packets;
        self.packets = 0;
    }

    /// The present track's count; `None` if it could not be had, which is no news either.
    pub(crate) fn count(&mut self, packets: Option<u64>, now: Instant) {
        if let Some(packets) = packets
            && packets > self.packets
        {
            self.packets = packets;
            self.last_news = now;
        }
    }

    /// Packets in all.
    pub(crate) fn packets(&self) -> u64 {
        self.before + self.packets
    }

    /// How long none has come. Zero right after a count with news.
    pub(crate) fn stalled(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_grows_until_the_next_packet() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut dog = Watchdog::new(start);
        dog.count(Some(50), at(1));
        assert_eq!(dog.stalled(at(1)), Duration::ZERO);
        dog.count(Some(50), at(2));
        dog.count(None, at(3));
        assert_eq!(dog.stalled(at(3)), Duration::from_secs(2));
        dog.count(Some(51), at(4));
        assert_eq!(dog.stalled(at(4)), Duration::ZERO);
    }

    #[test]
    fn packets_are_counted_on_over_tracks() {
        let start = Instant::now();
        let mut dog = Watchdog::new(start);
        dog.count(Some(100), start);
        dog.new_track();
        dog.count(Some(3), start + Duration::from_secs(1));
        assert_eq!(dog.packets(), 103);
        assert_eq!(dog.stalled(start + Duration::from_secs(1)), Duration::ZERO);
    }
}
