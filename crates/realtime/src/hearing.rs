//! Whom one connection hears: the tracks of its phone legs, which of them reach the speaker, and what came of them.

use std::sync::Arc;

use call::Identity;
use call::state::MediaReport;
use tokio::time::Instant;

use crate::backend::{Figures, Listening, Received, Track};
use crate::heard::Heard;
use crate::media::{Media, Ticket};
use crate::watchdog::Watchdog;

pub(crate) struct Hearing {
    media: Media,
    tracks: Vec<FarEnd>,
    held: bool,
    only: Option<Identity>,
    heard: Arc<Heard>,
    watchdog: Option<Watchdog>,
    round_trip_ms: f64,
    sent_lost_percent: f64,
}

/// A remote track that flows.
struct FarEnd {
    of: String,
    track: Track,
    ticket: Ticket,
    _listening: Listening,
}

impl Hearing {
    pub(crate) fn new(media: Media) -> Self {
        Self {
            media,
            tracks: Vec::new(),
            held: false,
            only: None,
            heard: Arc::default(),
            watchdog: None,
            round_trip_ms: 0.0,
            sent_lost_percent: 0.0,
        }
    }

    fn is_heard(&self, of: &str) -> bool {
        !self.held && self.only.as_ref().is_none_or(|only| only.as_str() == of)
    }

    /// A leg's track is here. A leg has one: a second takes the place of the first, which a rebuilt connection may
    /// leave behind.
    pub(crate) fn add(&mut self, of: String, track: Track) {
        for old in self.tracks.extract_if(.., |known| known.of == of) {
            self.media.forget(old.ticket);
            if let Some(watchdog) = &mut self.watchdog {
                watchdog.gone(&old.track.sid);
            }
        }
        let (ticket, mut far) = self.media.far_track(&self.heard, self.is_heard(&of));
        match track.listen(move |frame| far.push(frame)) {
            Ok(listening) => {
                self.tracks.push(FarEnd {
                    of,
                    track,
                    ticket,
                    _listening: listening,
                });
                self.watchdog
                    .get_or_insert_with(|| Watchdog::new(Instant::now()));
            }
            Err(error) => {
                self.media.forget(ticket);
                tracing::warn!(%error, "the far end cannot be heard");
            }
        }
    }

    /// A track is gone.
    pub(crate) fn remove(&mut self, sid: &str) {
        for gone in self.tracks.extract_if(.., |known| known.track.sid == sid) {
            self.media.forget(gone.ticket);
            if let Some(watchdog) = &mut self.watchdog {
                watchdog.gone(sid);
            }
        }
    }

    /// Does this track flow to us?
    pub(crate) fn has(&self, sid: &str) -> bool {
        self.tracks.iter().any(|known| known.track.sid == sid)
    }

    /// Nobody is heard any more.
    pub(crate) fn end(&mut self) {
        for gone in self.tracks.drain(..) {
            self.media.forget(gone.ticket);
        }
    }

    /// Nothing of this connection reaches the speaker, or all of it again.
    pub(crate) fn set_held(&mut self, held: bool) {
        self.held = held;
        self.route();
    }

    /// Only this leg is heard, or all.
    pub(crate) fn set_only(&mut self, only: Option<Identity>) {
        self.only = only;
        self.route();
    }

    fn route(&self) {
        for end in &self.tracks {
            self.media.hear(end.ticket, self.is_heard(&end.of));
        }
    }

    /// The tracks to be counted.
    pub(crate) fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|end| end.track.clone()).collect()
    }

    /// What they have counted. Late news of a track that is gone is dropped.
    pub(crate) fn count(&mut self, counts: Vec<(String, Received)>, figures: Option<Figures>) {
        if let Some(figures) = figures {
            self.round_trip_ms = figures
                .round_trip
                .map_or(self.round_trip_ms, |s| s * 1000.0);
            self.sent_lost_percent = figures.sent_lost.unwrap_or(0.0) * 100.0;
        }
        let known: Vec<_> = counts
            .into_iter()
            .filter(|(sid, _)| self.has(sid))
            .collect();
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.count(known, Instant::now());
        }
    }

    /// What is known; `None` before the first track.
    pub(crate) fn report(&self) -> Option<MediaReport> {
        let watchdog = self.watchdog.as_ref()?;
        Some(MediaReport {
            packets: watchdog.packets(),
            stalled: watchdog.stalled(Instant::now()),
            heard_seconds: self.heard.seconds(),
            heard_dbfs: self.heard.loudness(),
            lost: watchdog.lost(),
            jitter_ms: watchdog.jitter_ms(),
            round_trip_ms: self.round_trip_ms,
            sent_lost_percent: self.sent_lost_percent,
        })
    }
}
