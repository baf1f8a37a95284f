//! All far ends that are heard, added up into the one ring of the speaker.
//!
//! The engine gives each remote track a frame every 10 ms, on threads of its own and each at its own moment; it goes on
//! with zeros when packets stop. One track alone is passed on as it comes. Of several, the frames of the same 10 ms are
//! awaited and added; whoever is more than [`PATIENCE`] frames behind is not waited for until it speaks again.

use std::collections::VecDeque;
use std::sync::Arc;

use call::media::{FRAME_SAMPLES, Frame};

use crate::heard::Heard;
use crate::media::Ticket;

/// Frames of one track that wait for another: 30 ms, above the jitter of the engine's threads on a busy computer.
const PATIENCE: usize = 3;

/// The remote tracks and the ring they fill.
pub(crate) struct FarMix {
    lanes: Vec<Lane>,
    speaker: rtrb::Producer<Frame>,
}

struct Lane {
    ticket: Ticket,
    ear: Arc<Heard>,
    is_heard: bool,
    /// Has it kept up lately?
    is_awaited: bool,
    waiting: VecDeque<Frame>,
    /// Its part of the frame that is being added up.
    part: Option<Frame>,
}

/// What came of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flow {
    /// Frames put into the ring.
    pub(crate) passed: u64,
    /// Frames that found it full.
    pub(crate) lost: u64,
}

impl FarMix {
    pub(crate) fn new(speaker: rtrb::Producer<Frame>) -> Self {
        Self {
            lanes: Vec::new(),
            speaker,
        }
    }

    pub(crate) fn add(&mut self, ticket: Ticket, ear: Arc<Heard>, is_heard: bool) {
        self.lanes.push(Lane {
            ticket,
            ear,
            is_heard,
            is_awaited: false,
            waiting: VecDeque::with_capacity(PATIENCE),
            part: None,
        });
    }

    pub(crate) fn remove(&mut self, ticket: Ticket) {
        self.lanes.retain(|lane| lane.ticket != ticket);
    }

    pub(crate) fn hear(&mut self, ticket: Ticket, is_heard: bool) {
        for lane in &mut self.lanes {
            if lane.ticket == ticket && lane.is_heard != is_heard {
                lane.is_heard = is_heard;
                lane.is_awaited = false;
                lane.waiting.clear();
            }
        }
    }

    /// The next 10 ms of one track.
    pub(crate) fn push(&mut self, ticket: Ticket, frame: &Frame) -> Flow {
        let mut flow = Flow::default();
        let Some(lane) = self
            .lanes
            .iter_mut()
            .find(|lane| lane.ticket == ticket && lane.is_heard)
        else {
            return flow;
        };
        lane.is_awaited = true;
        lane.waiting.push_back(*frame);
        if lane.waiting.len() >= PATIENCE {
            for late in &mut self.lanes {
                late.is_awaited &= !late.waiting.is_empty();
            }
        }
        while self.is_complete() {
            let sum = self.add_up();
            match self.speaker.push(sum) {
                Ok(()) => flow.passed += 1,
                Err(_) => flow.lost += 1,
            }
        }
        flow
    }

    /// Has everybody who is waited for said their part of the next 10 ms?
    fn is_complete(&self) -> bool {
        let mut awaited = self.lanes.iter().filter(|lane| lane.is_awaited).peekable();
        awaited.peek().is_some() && awaited.all(|lane| !lane.waiting.is_empty())
    }

    fn add_up(&mut self) -> Frame {
        for lane in &mut self.lanes {
            lane.part = lane.waiting.pop_front();
        }
        let mut total = [0_i32; FRAME_SAMPLES];
        for (place, lane) in self.lanes.iter().enumerate() {
            let is_first_of_its_ear = !self
                .lanes
                .iter()
                .take(place)
                .any(|other| other.part.is_some() && Arc::ptr_eq(&other.ear, &lane.ear));
            if lane.part.is_none() || !is_first_of_its_ear {
                continue;
            }
            let mut of_ear = [0_i32; FRAME_SAMPLES];
            self.lanes
                .iter()
                .filter(|other| Arc::ptr_eq(&other.ear, &lane.ear))
                .filter_map(|other| other.part.as_ref())
                .for_each(|part| add(&mut of_ear, part.iter().map(|sample| i32::from(*sample))));
            lane.ear.add(&saturated(&of_ear));
            add(&mut total, of_ear.into_iter());
        }
        saturated(&total)
    }
}

fn add(sum: &mut [i32; FRAME_SAMPLES], part: impl Iterator<Item = i32>) {
    sum.iter_mut()
        .zip(part)
        .for_each(|(slot, sample)| *slot += sample);
}

fn saturated(sum: &[i32; FRAME_SAMPLES]) -> Frame {
    let mut frame = [0; FRAME_SAMPLES];
    frame.iter_mut().zip(sum).for_each(|(slot, sample)| {
        *slot = (*sample).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    });
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{FAR_RING_FRAMES, FarAudio, Media, media};

    fn passed(mix: &mut FarMix, ticket: Ticket, level: i16) -> u64 {
        mix.push(ticket, &[level; 480]).passed
    }

    fn levels(far: &mut FarAudio) -> Vec<i16> {
        std::iter::from_fn(|| far.pop().ok())
            .map(|frame| frame[0])
            .collect()
    }

    /// A mix with lanes that are heard, all of one ear.
    fn mix_of<const N: usize>() -> (FarMix, [Ticket; N], FarAudio, Arc<Heard>) {
        let (producer, far) = rtrb::RingBuffer::new(FAR_RING_FRAMES);
        let mut mix = FarMix::new(producer);
        let ear = Arc::new(Heard::default());
        let (media, _, _) = media();
        let tickets = std::array::from_fn(|_| ticket(&media));
        for ticket in tickets {
            mix.add(ticket, Arc::clone(&ear), true);
        }
        (mix, tickets, far, ear)
    }

    fn ticket(media: &Media) -> Ticket {
        media.far_track(&Arc::default(), false).0
    }

    #[test]
    fn one_alone_is_passed_on_as_it_comes() {
        let (mut mix, [one], mut far, _) = mix_of();
        assert_eq!(passed(&mut mix, one, 5), 1);
        assert_eq!(passed(&mut mix, one, 6), 1);
        assert_eq!(levels(&mut far), [5, 6]);
    }

    #[test]
    fn two_are_added_up_not_put_end_to_end() {
        let (mut mix, [one, two], mut far, _) = mix_of();
        passed(&mut mix, one, 100);
        passed(&mut mix, two, 30);
        for _ in 0..50 {
            passed(&mut mix, one, 100);
            passed(&mut mix, two, 30);
            levels(&mut far);
        }
        assert_eq!(passed(&mut mix, two, 30) + passed(&mut mix, one, 100), 1);
        assert_eq!(levels(&mut far), [130], "100 frames a second, not 200");
    }

    #[test]
    fn loud_and_loud_is_as_loud_as_can_be() {
        let (mut mix, [one, two], mut far, ear) = mix_of();
        passed(&mut mix, one, i16::MAX);
        passed(&mut mix, two, i16::MAX);
        passed(&mut mix, one, i16::MAX);
        assert_eq!(levels(&mut far).last(), Some(&i16::MAX));
        passed(&mut mix, two, i16::MIN);
        assert_eq!(levels(&mut far).len(), 0, "it waits for the other");
        assert!((ear.seconds() - 0.02).abs() < 1e-9, "{}", ear.seconds());
    }

    #[test]
    fn who_falls_silent_is_not_waited_for() {
        let (mut mix, [one, two], mut far, _) = mix_of();
        for _ in 0..5 {
            passed(&mut mix, one, 1);
            passed(&mut mix, two, 2);
        }
        levels(&mut far);
        let came: u64 = (0..10).map(|_| passed(&mut mix, one, 1)).sum();
        assert_eq!(
            came, 10,
            "nothing is lost and nothing is held back for long"
        );
        assert_eq!(passed(&mut mix, one, 1), 1, "at once");
        passed(&mut mix, two, 2);
        passed(&mut mix, one, 1);
        assert_eq!(
            levels(&mut far).last(),
            Some(&3),
            "and is back when it speaks"
        );
    }

    #[test]
    fn who_is_not_heard_holds_nobody_up_and_what_it_said_never_comes() {
        let (mut mix, [one, two], mut far, ear) = mix_of();
        passed(&mut mix, two, 9000);
        mix.hear(one, false);
        assert_eq!(passed(&mut mix, one, 9000), 0);
        levels(&mut far);
        assert_eq!(passed(&mut mix, two, 7), 1);
        mix.hear(one, true);
        passed(&mut mix, one, 1);
        passed(&mut mix, two, 7);
        assert!(!levels(&mut far).contains(&9000));
        mix.remove(two);
        assert_eq!(passed(&mut mix, two, 7), 0);
        assert!((ear.seconds() - 0.01).abs() < 1e-9, "{}", ear.seconds());
    }

    #[test]
    fn each_ear_learns_only_what_it_heard() {
        let (mut mix, [one], _far, first) = mix_of();
        let second = Arc::new(Heard::default());
        let (media, _, _) = media();
        let _taken = ticket(&media);
        let other = ticket(&media);
        mix.add(other, Arc::clone(&second), true);
        for _ in 0..10 {
            passed(&mut mix, one, 9000);
            passed(&mut mix, other, 0);
        }
        assert!(first.seconds() > 0.05 && second.seconds() == 0.0);
    }
}
