//! What the phone is told about the devices of a call.

use std::time::{Duration, Instant};

use call::input::AudioFact;

/// A device that comes back within this time is no news.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Opened,
    Failed,
}

/// Watches one wish for an open microphone and speaker, from `Open` to `Close`.
#[derive(Debug)]
pub(crate) struct Presence {
    told: Told,
    missing_since: Option<Instant>,
}

impl Presence {
    pub(crate) fn new() -> Self {
        Self {
            told: Told::Nothing,
            missing_since: None,
        }
    }

    /// A device went away just now; trying to replace it may take a while.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.missing_since.get_or_insert(now);
    }

    /// After each look at the devices: both open, or why not (once something was tried). Says what is news.
    pub(crate) fn look(
        &mut self,
        open: bool,
        problem: Option<&str>,
        now: Instant,
    ) -> Option<AudioFact> {
        if open {
            self.missing_since = None;
            let news = self.told != Told::Opened;
            self.told = Told::Opened;
            return news.then_some(AudioFact::Opened);
        }
        let problem = problem?;
        let since = *self.missing_since.get_or_insert(now);
        let news = match self.told {
            Told::Nothing => true,
            Told::Opened => now.duration_since(since) >= PATIENCE,
            Told::Failed => false,
        };
        if !news {
            return None;
        }
        self.told = Told::Failed;
        Some(AudioFact::Failed {
            what: problem.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(what: &str) -> Option<AudioFact> {
        Some(AudioFact::Failed { what: what.into() })
    }

    #[test]
    fn an_open_that_fails_is_told_at_once_and_only_once() {
        let (mut presence, start) = (Presence::new(), Instant::now());
        assert_eq!(
            presence.look(false, None, start),
            None,
            "nothing was tried yet"
        );
        assert_eq!(
            presence.look(false, Some("No microphone."), start),
            failed("No microphone.")
        );
        assert_eq!(
            presence.look(false, Some("No microphone."), start + PATIENCE * 9),
            None
        );
        assert_eq!(
            presence.look(true, None, start + PATIENCE * 10),
            Some(AudioFact::Opened),
            "it came"
        );
        assert_eq!(presence.look(true, None, start + PATIENCE * 11), None);
    }

    #[test]
    fn patience_begins_with_the_loss_not_with_the_first_failed_attempt() {
        let (mut presence, start) = (Presence::new(), Instant::now());
        assert_eq!(presence.look(true, None, start), Some(AudioFact::Opened));
        presence.lost(start);
        assert_eq!(
            presence.look(false, Some("Gone."), start + PATIENCE),
            failed("Gone.")
        );
    }

    #[test]
    fn a_short_loss_is_no_news_a_long_one_is_told_once() {
        let (mut presence, start) = (Presence::new(), Instant::now());
        assert_eq!(presence.look(true, None, start), Some(AudioFact::Opened));
        assert_eq!(presence.look(false, Some("Gone."), start), None);
        assert_eq!(
            presence.look(false, Some("Gone."), start + PATIENCE / 2),
            None
        );
        assert_eq!(
            presence.look(true, None, start + PATIENCE / 2),
            None,
            "back in time"
        );
        assert_eq!(
            presence.look(false, Some("Gone."), start + PATIENCE),
            None,
            "counted anew"
        );
        assert_eq!(
            presence.look(false, Some("Gone."), start + PATIENCE * 2),
            failed("Gone.")
        );
        assert_eq!(
            presence.look(false, Some("Gone."), start + PATIENCE * 3),
            None
        );
        assert_eq!(
            presence.look(true, None, start + PATIENCE * 4),
            Some(AudioFact::Opened),
            "and works again"
        );
    }
}
