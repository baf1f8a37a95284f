//! Who hears our microphone. One arrangement at a time is made with the server, in the order in which they were asked
//! for. A rebuilt connection forgets what was arranged: it is made again, and until then the microphone gives silence,
//! since a rebuilt track is at first open to everybody.

use std::collections::VecDeque;

use call::Identity;

/// What is arranged, and what is to be.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    /// In force.
    only: Option<Identity>,
    /// The server may have forgotten it.
    is_doubtful: bool,
    /// That happened while an arrangement was under way, which does not make up for it.
    is_outdated: bool,
    waiting: VecDeque<Ask>,
    under_way: Option<Ask>,
}

/// One arrangement to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Asked for by the phone, which gets an answer.
    Set(Option<Identity>),
    /// What is in force, once more.
    Again,
}

impl Audience {
    /// The phone asks.
    pub(crate) fn set(&mut self, only: Option<Identity>) {
        self.waiting.push_back(Ask::Set(only));
    }

    /// Somebody came, or tracks have new names: what is in force must be said again.
    pub(crate) fn again(&mut self) {
        if self.only.is_some() && !self.waiting.contains(&Ask::Again) {
            self.waiting.push_back(Ask::Again);
        }
    }

    /// The connection is being rebuilt.
    pub(crate) fn doubt(&mut self) {
        self.is_doubtful = true;
        self.is_outdated = self.under_way.is_some();
    }

    /// The connection is back.
    pub(crate) fn rebuilt(&mut self) {
        if self.only.is_some() {
            self.again();
        } else {
            self.is_doubtful = false;
        }
    }

    /// Is something to be made good, and nothing under way?
    pub(crate) fn is_owed(&self) -> bool {
        self.is_doubtful
            && self.only.is_some()
            && self.under_way.is_none()
            && self.waiting.is_empty()
    }

    /// The next to be arranged, unless one is under way. The value is whom it leaves as the only one.
    pub(crate) fn next(&mut self) -> Option<Option<Identity>> {
        if self.under_way.is_some() {
            return None;
        }
        self.under_way = Some(self.waiting.pop_front()?);
        self.target()
    }

    /// Whom the one under way leaves as the only one.
    pub(crate) fn target(&self) -> Option<Option<Identity>> {
        match self.under_way.as_ref()? {
            Ask::Set(only) => Some(only.clone()),
            Ask::Again => Some(self.only.clone()),
        }
    }

    /// The one under way is over. Says which it was.
    pub(crate) fn finish(&mut self, is_done: bool) -> Option<Ask> {
        let ask = self.under_way.take()?;
        if let (Ask::Set(only), true) = (&ask, is_done) {
            self.only.clone_from(only);
        }
        // One that failed may have been read by the server all the same.
        let is_outdated = std::mem::take(&mut self.is_outdated);
        self.is_doubtful = self.only.is_some() && (is_outdated || !is_done);
        Some(ask)
    }

    /// The only one who hears our microphone, if it is so.
    pub(crate) fn only(&self) -> Option<&Identity> {
        self.only.as_ref()
    }

    /// May the microphone be heard by somebody it is not meant for?
    pub(crate) fn is_unsafe(&self) -> bool {
        self.is_doubtful && self.only.is_some()
    }

    /// Does the music have listeners, now or soon?
    pub(crate) fn wants_music(&self) -> bool {
        self.only.is_some() || self.target().flatten().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(name: &str) -> Option<Identity> {
        Some(Identity::parse(name).unwrap())
    }

    #[test]
    fn one_after_the_other_in_order() {
        let mut audience = Audience::default();
        audience.set(leg("a"));
        audience.set(None);
        assert_eq!(audience.next(), Some(leg("a")));
        assert_eq!(audience.next(), None, "one at a time");
        assert!(audience.wants_music() && audience.only().is_none());
        assert_eq!(audience.finish(true), Some(Ask::Set(leg("a"))));
        assert_eq!(audience.only(), leg("a").as_ref());
        assert_eq!(audience.next(), Some(None));
        audience.finish(true);
        assert!(!audience.wants_music() && audience.next().is_none());
    }

    #[test]
    fn a_failure_leaves_what_was_and_doubts_it() {
        let mut audience = Audience::default();
        audience.set(leg("a"));
        audience.next();
        audience.finish(false);
        assert!(audience.only().is_none() && !audience.is_unsafe());
        audience.set(leg("a"));
        audience.next();
        audience.finish(true);
        audience.set(leg("b"));
        audience.next();
        audience.finish(false);
        assert_eq!(audience.only(), leg("a").as_ref());
        assert!(audience.is_unsafe() && audience.is_owed());
    }

    #[test]
    fn a_rebuilt_connection_is_told_again_and_unsafe_until_then() {
        let mut audience = Audience::default();
        audience.doubt();
        audience.rebuilt();
        assert!(
            audience.next().is_none(),
            "everybody may hear: nothing to say"
        );
        audience.set(leg("a"));
        audience.next();
        audience.finish(true);
        audience.doubt();
        assert!(audience.is_unsafe());
        audience.rebuilt();
        audience.again();
        assert_eq!(audience.next(), Some(leg("a")));
        audience.doubt();
        assert_eq!(audience.finish(true), Some(Ask::Again));
        assert!(
            audience.is_unsafe() && audience.is_owed(),
            "rebuilt once more meanwhile"
        );
        audience.again();
        audience.next();
        audience.finish(true);
        assert!(!audience.is_unsafe());
        assert!(audience.next().is_none(), "said once");
    }
}
