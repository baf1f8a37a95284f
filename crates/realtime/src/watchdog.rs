//! Notices that no packet comes any more. The engine goes on giving frames of zeros and says nothing for up to
//! fifteen seconds, so packets are counted.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Received;

/// Packets of one connection's far ends, over all their tracks.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Of tracks that are gone.
    before: Counts,
    tracks: BTreeMap<String, Counts>,
    last_news: Instant,
    /// Milliseconds; the worst of the tracks at the last look.
    jitter_ms: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    packets: u64,
    lost: u64,
}

impl Watchdog {
    /// Starts with the first track.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            before: Counts::default(),
            tracks: BTreeMap::new(),
            last_news: now,
            jitter_ms: 0.0,
        }
    }

    /// A track is gone; another counts from zero.
    pub(crate) fn gone(&mut self, sid: &str) {
        if let Some(counts) = self.tracks.remove(sid) {
            self.before.packets += counts.packets;
            self.before.lost += counts.lost;
        }
    }

    /// What the present tracks have counted so far. One whose count could not be had is not among them, which is no
    /// news either.
    pub(crate) fn count(
        &mut self,
        tracks: impl IntoIterator<Item = (String, Received)>,
        now: Instant,
    ) {
        let mut jitter = None;
        for (sid, received) in tracks {
            let known = self.tracks.entry(sid).or_default();
            if received.packets > known.packets {
                known.packets = received.packets;
                self.last_news = now;
            }
            known.lost = known.lost.max(received.lost);
            jitter = Some(f64::max(jitter.unwrap_or(0.0), received.jitter * 1000.0));
        }
        self.jitter_ms = jitter.unwrap_or(self.jitter_ms);
    }

    fn sum(&self, of: impl Fn(&Counts) -> u64) -> u64 {
        of(&self.before) + self.tracks.values().map(&of).sum::<u64>()
    }

    /// Packets in all.
    pub(crate) fn packets(&self) -> u64 {
        self.sum(|counts| counts.packets)
    }

    /// Packets that never came, in all.
    pub(crate) fn lost(&self) -> u64 {
        self.sum(|counts| counts.lost)
    }

    /// Variation of arrival at the last look, in milliseconds.
    pub(crate) fn jitter_ms(&self) -> f64 {
        self.jitter_ms
    }

    /// How long none has come, from anybody. Zero right after a count with news.
    pub(crate) fn stalled(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(sid: &str, packets: u64, lost: u64) -> (String, Received) {
        let received = Received {
            packets,
            lost,
            jitter: 0.004,
        };
        (sid.to_owned(), received)
    }

    #[test]
    fn a_stall_grows_until_the_next_packet() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut dog = Watchdog::new(start);
        dog.count([received("a", 50, 0)], at(1));
        assert_eq!(dog.stalled(at(1)), Duration::ZERO);
        dog.count([received("a", 50, 0)], at(2));
        dog.count([], at(3));
        assert_eq!(dog.stalled(at(3)), Duration::from_secs(2));
        dog.count([received("a", 51, 0)], at(4));
        assert_eq!(dog.stalled(at(4)), Duration::ZERO);
        assert!((dog.jitter_ms() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn one_of_two_who_falls_silent_is_no_stall() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut dog = Watchdog::new(start);
        dog.count([received("a", 50, 0), received("b", 50, 0)], at(1));
        dog.count([received("a", 50, 0), received("b", 100, 0)], at(2));
        assert_eq!(dog.stalled(at(2)), Duration::ZERO);
        assert_eq!(dog.packets(), 150);
    }

    #[test]
    fn packets_are_counted_on_over_tracks() {
        let start = Instant::now();
        let mut dog = Watchdog::new(start);
        dog.count([received("a", 100, 7)], start);
        dog.gone("a");
        dog.count([received("b", 3, 1)], start + Duration::from_secs(1));
        assert_eq!((dog.packets(), dog.lost()), (103, 8));
        assert_eq!(dog.stalled(start + Duration::from_secs(1)), Duration::ZERO);
    }
}
