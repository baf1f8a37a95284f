//! The far ends: those that are heard are added together, the others thrown away.
//!
//! Sound is passed on the moment it comes. With several far ends one of them sets the beat, and the others, whose frames
//! come at other moments of the same 10 ms, wait for it. A far end that sends nothing loses the lead to one whose frames
//! pile up.

use call::Link;
use call::media::{FRAME_SAMPLES, Frame};
use rtrb::Consumer;

/// Frames of a far end that does not lead and may wait: 20 ms. More means that the leader is late.
const PATIENCE: usize = 2;
/// More than this never waits behind the leader.
const MOST_WAITING: usize = 4;
/// Connections whose wish is remembered; far more than a desk has.
const MOST_LINKS: usize = 64;

/// One far end.
struct Incoming {
    /// Its connection; `None`: the port that every program has.
    link: Option<Link>,
    ring: Consumer<Frame>,
    /// Its share in the last frame: 0 or 1.
    gain: f32,
}

/// All far ends.
#[derive(Default)]
pub(crate) struct FarEnds {
    ends: Vec<Incoming>,
    /// Place of the one that sets the beat.
    lead: usize,
    heard: Heard,
}

/// Who is heard.
#[derive(Default)]
struct Heard {
    port: bool,
    links: Vec<Link>,
}

impl Heard {
    fn hears(&self, end: &Incoming) -> bool {
        match &end.link {
            Some(link) => self.links.contains(link),
            None => self.port,
        }
    }
}

impl FarEnds {
    /// With one far end that belongs to no connection.
    pub(crate) fn with_port(ring: Consumer<Frame>) -> Self {
        let port = Incoming {
            link: None,
            ring,
            gain: 0.0,
        };
        Self {
            ends: vec![port],
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, link: Link, ring: Consumer<Frame>) {
        self.ends.push(Incoming {
            link: Some(link),
            ring,
            gain: 0.0,
        });
    }

    /// Whether the port is heard, from now on and not from what waits.
    pub(crate) fn hear_port(&mut self, on: bool) {
        self.heard.port = on;
        for end in self.ends.iter_mut().filter(|end| end.link.is_none()) {
            drop_oldest(&mut end.ring, 0);
            end.gain = if on { 1.0 } else { 0.0 };
        }
    }

    pub(crate) fn hear(&mut self, link: &Link, on: bool) {
        let links = &mut self.heard.links;
        links.retain(|heard| heard != link);
        if on {
            if links.len() == MOST_LINKS {
                links.remove(0);
            }
            links.push(link.clone());
        }
    }

    pub(crate) fn forget(&mut self, link: &Link) {
        self.hear(link, false);
        self.ends.retain(|end| end.link.as_ref() != Some(link));
    }

    /// Throws away all that waits.
    pub(crate) fn drain(&mut self) {
        for end in &mut self.ends {
            drop_oldest(&mut end.ring, 0);
        }
        self.sweep();
    }

    /// The next 10 ms of all who are heard, if it is time for them. To be asked until there is nothing more.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.sweep();
        let heard = &self.heard;
        for end in &mut self.ends {
            // One that is no longer heard still has one frame to fade out in.
            if end.gain == 0.0 && !heard.hears(end) {
                drop_oldest(&mut end.ring, 0);
            }
        }
        let waiting = |place: usize| self.ends.get(place).map_or(0, |end| end.ring.slots());
        if waiting(self.lead) == 0 {
            let leads = |end: Option<&Incoming>| end.is_some_and(|end| heard.hears(end));
            let patience = if leads(self.ends.get(self.lead)) {
                PATIENCE
            } else {
                1
            };
            self.lead = (0..self.ends.len()).find(|place| waiting(*place) >= patience)?;
        }
        let mut sum = [0f32; FRAME_SAMPLES];
        for (place, end) in self.ends.iter_mut().enumerate() {
            if place != self.lead && end.ring.slots() > MOST_WAITING {
                drop_oldest(&mut end.ring, PATIENCE);
            }
            let Ok(frame) = end.ring.pop() else { continue };
            let target = if heard.hears(end) { 1.0 } else { 0.0 };
            let step = (target - end.gain) / FRAME_SAMPLES as f32;
            let mut gain = end.gain;
            for (slot, sample) in sum.iter_mut().zip(frame) {
                gain += step;
                *slot += gain * f32::from(sample);
            }
            end.gain = target;
        }
        let mut frame = [0; FRAME_SAMPLES];
        for (slot, sample) in frame.iter_mut().zip(sum) {
            // A cast from float to integer saturates.
            *slot = sample.round() as i16;
        }
        Some(frame)
    }

    /// Removes far ends that were dropped.
    fn sweep(&mut self) {
        self.ends
            .retain(|end| !end.ring.is_abandoned() || !end.ring.is_empty());
    }
}

/// Keeps the newest frames only.
fn drop_oldest(ring: &mut Consumer<Frame>, keep: usize) {
    let old = ring.slots().saturating_sub(keep);
    if let Ok(chunk) = ring.read_chunk(old) {
        chunk.commit_all();
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
mod tests {
    use call::CallId;
    use call::ids::Role;
    use rtrb::{Producer, RingBuffer};

    use super::*;

    fn link(call: &str) -> Link {
        Link {
            call: CallId::parse(call).unwrap(),
            role: Role::Talk,
            attempt: 1,
        }
    }

    fn far_end(far: &mut FarEnds, call: &str) -> Producer<Frame> {
        let (producer, ring) = RingBuffer::new(10);
        far.add(link(call), ring);
        producer
    }

    fn say(end: &mut Producer<Frame>, level: i16) {
        end.push([level; FRAME_SAMPLES]).unwrap();
    }

    /// Level at the end of the next frame.
    fn level(far: &mut FarEnds) -> Option<i16> {
        far.next().map(|frame| frame[FRAME_SAMPLES - 1])
    }

    #[test]
    fn nobody_is_heard_before_it_is_asked_for_and_nothing_said_before_comes_late() {
        let mut far = FarEnds::default();
        let mut end = far_end(&mut far, "a");
        say(&mut end, 100);
        assert_eq!(level(&mut far), None);
        far.hear(&link("a"), true);
        assert_eq!(level(&mut far), None, "it was thrown away");
        say(&mut end, 200);
        assert_eq!(level(&mut far), Some(200));
    }

    #[test]
    fn a_call_on_hold_fades_out_within_one_frame_and_back_in_later() {
        let mut far = FarEnds::default();
        let mut end = far_end(&mut far, "a");
        far.hear(&link("a"), true);
        for _ in 0..2 {
            say(&mut end, 8000);
            far.next();
        }
        far.hear(&link("a"), false);
        for _ in 0..3 {
            say(&mut end, 8000);
        }
        let fade = far.next().unwrap();
        assert!(fade[0] > 7900 && fade[FRAME_SAMPLES - 1] < 20);
        assert!(fade.windows(2).all(|pair| pair[0] - pair[1] < 40));
        assert_eq!(level(&mut far), None, "and no more");
        far.hear(&link("a"), true);
        say(&mut end, 8000);
        let back = far.next().unwrap();
        assert!(back[0] < 20 && back[FRAME_SAMPLES - 1] > 7900);
    }

    #[test]
    fn two_who_are_heard_are_added_a_third_on_hold_is_not() {
        let mut far = FarEnds::default();
        let (mut one, mut two) = (far_end(&mut far, "a"), far_end(&mut far, "a"));
        let mut held = far_end(&mut far, "b");
        far.hear(&link("a"), true);
        for _ in 0..5 {
            say(&mut two, 30);
            assert_eq!(level(&mut far).unwrap_or(0) % 100 % 30, 0);
            say(&mut one, 100);
            say(&mut held, 1000);
            level(&mut far);
        }
        say(&mut two, 30);
        let first = level(&mut far);
        say(&mut one, 100);
        let second = level(&mut far);
        assert_eq!(first.or(second), Some(130), "at one beat, not at two");
        assert!(first.is_none() || second.is_none());
        say(&mut one, i16::MAX);
        say(&mut two, i16::MAX);
        assert_eq!(level(&mut far), Some(i16::MAX), "limited, not wrapped");
    }

    #[test]
    fn a_leader_that_stops_gives_way_after_twenty_milliseconds() {
        let mut far = FarEnds::default();
        let (mut one, mut two) = (far_end(&mut far, "a"), far_end(&mut far, "b"));
        far.hear(&link("a"), true);
        far.hear(&link("b"), true);
        say(&mut one, 100);
        say(&mut two, 30);
        far.next().unwrap();
        let mut played = 0;
        for _ in 0..10 {
            say(&mut two, 30);
            while level(&mut far).is_some() {
                played += 1;
            }
        }
        assert_eq!(played, 10, "none is lost");
        drop(one);
        say(&mut two, 30);
        assert_eq!(level(&mut far), Some(30));
        assert_eq!(far.ends.len(), 1, "a dropped far end is gone");
    }

    #[test]
    fn what_piles_up_behind_the_leader_is_cut() {
        let mut far = FarEnds::default();
        let (mut one, mut two) = (far_end(&mut far, "a"), far_end(&mut far, "a"));
        far.hear(&link("a"), true);
        say(&mut one, 0);
        far.next().unwrap();
        for count in 0..8 {
            say(&mut two, count);
        }
        say(&mut one, 0);
        far.next().unwrap();
        assert!(far.ends[1].ring.slots() < PATIENCE);
        far.forget(&link("a"));
        assert!(far.ends.is_empty() && far.heard.links.is_empty());
    }
}
