//! The tones that sound now, added to the frames on their way to the speaker.

use call::media::{FRAME_SAMPLES, Frame};

use crate::tones::{OwnRingtone, RAMP_SAMPLES, Ringtone, Tone, raised_cosine};

/// More voices at once than a person can tell apart; the oldest gives way.
const MOST_VOICES: usize = 8;

/// One tone under way.
#[derive(Debug, Clone, Copy)]
struct Voice {
    tone: Tone,
    /// Samples played.
    position: u64,
    /// Being faded out since this position.
    released: Option<u64>,
    /// How loud now, 0 … 1.
    gain: f32,
    /// How loud soon: a change takes 5 ms.
    target: f32,
}

impl Voice {
    fn sample(&self, own: Option<&OwnRingtone>) -> f32 {
        let sample = match (self.tone, own) {
            (Tone::Ring(Ringtone::Own), Some(own)) => own.sample(self.position),
            (tone, _) => tone.sample(self.position),
        };
        let sample = sample * self.gain;
        match self.released {
            None => sample,
            Some(from) => {
                let left = RAMP_SAMPLES.saturating_sub(self.position.saturating_sub(from));
                sample * raised_cosine(left) as f32
            }
        }
    }

    fn advance(&mut self) {
        self.position += 1;
        let step = 1.0 / RAMP_SAMPLES as f32;
        self.gain += (self.target - self.gain).clamp(-step, step);
    }

    fn over(&self) -> bool {
        self.tone
            .length()
            .is_some_and(|length| self.position >= length)
            || self
                .released
                .is_some_and(|from| self.position >= from + RAMP_SAMPLES)
    }
}

/// The voices that sound now.
#[derive(Debug)]
pub(crate) struct Mixer {
    voices: Vec<Voice>,
    own: Option<OwnRingtone>,
}

impl Mixer {
    pub(crate) fn new() -> Self {
        Self {
            voices: Vec::with_capacity(MOST_VOICES),
            own: None,
        }
    }

    /// What [`Ringtone::Own`] is from now on.
    pub(crate) fn set_own(&mut self, own: Option<OwnRingtone>) {
        self.own = own;
    }

    /// Starts a tone with a gain of 0 … 1. An endless one that sounds already goes on, as loud as asked for now.
    pub(crate) fn start(&mut self, tone: Tone, gain: f32) {
        let gain = gain.clamp(0.0, 1.0);
        let endless = tone.length().is_none();
        let sounds = |voice: &&mut Voice| voice.tone == tone && voice.released.is_none();
        if endless && let Some(voice) = self.voices.iter_mut().find(sounds) {
            voice.target = gain;
            return;
        }
        if self.voices.len() == MOST_VOICES {
            self.voices.remove(0);
        }
        self.voices.push(Voice {
            tone,
            position: 0,
            released: None,
            gain,
            target: gain,
        });
    }

    /// Fades a tone out within 5 ms.
    pub(crate) fn stop(&mut self, tone: Tone) {
        for voice in self
            .voices
            .iter_mut()
            .filter(|voice| voice.tone == tone && voice.released.is_none())
        {
            voice.released = Some(voice.position);
        }
    }

    /// The speaker is gone: what was to be heard now must not be heard later. Endless tones wait for the next speaker.
    pub(crate) fn forget_finite(&mut self) {
        self.voices
            .retain(|voice| voice.tone.length().is_none() && voice.released.is_none());
    }

    /// Is there anything to be heard, be it a rest of a cadence?
    pub(crate) fn sounds(&self) -> bool {
        !self.voices.is_empty()
    }

    /// Adds 10 ms of all voices to a frame; what would exceed full scale is limited.
    pub(crate) fn mix(&mut self, frame: &mut Frame) {
        if self.voices.is_empty() {
            return;
        }
        let mut sum = [0f32; FRAME_SAMPLES];
        for voice in &mut self.voices {
            for slot in &mut sum {
                *slot += voice.sample(self.own.as_ref());
                voice.advance();
            }
        }
        self.voices.retain(|voice| !voice.over());
        for (sample, tone) in frame.iter_mut().zip(sum) {
            // A cast from float to integer saturates.
            *sample = (f32::from(*sample) + tone * 32_767.0).round() as i16;
        }
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
    use super::*;
    use crate::tones::{Ringtone, TonePlan};

    const RING: Tone = Tone::Ring(Ringtone::Bars);
    const RINGBACK: Tone = Tone::Ringback(TonePlan::NorthAmerica);
    const BUSY: Tone = Tone::Busy(TonePlan::NorthAmerica);

    fn frames(mixer: &mut Mixer, count: usize) -> Vec<i16> {
        (0..count)
            .flat_map(|_| {
                let mut frame = [0; FRAME_SAMPLES];
                mixer.mix(&mut frame);
                frame
            })
            .collect()
    }

    #[test]
    fn a_stopped_tone_fades_within_five_milliseconds_and_is_gone() {
        let mut mixer = Mixer::new();
        mixer.start(RINGBACK, 1.0);
        let before = frames(&mut mixer, 10);
        mixer.stop(RINGBACK);
        let after = frames(&mut mixer, 1);
        let jump = (i32::from(after[0]) - i32::from(before[before.len() - 1])).abs();
        assert!(jump < 500, "the edge is soft, not a jump of {jump}");
        assert!(
            after[..100].iter().any(|x| x.abs() > 500),
            "it does not end at once"
        );
        assert!(after[240..].iter().all(|x| *x == 0));
        assert!(!mixer.sounds());
    }

    #[test]
    fn busy_tone_ends_by_itself_after_two_seconds() {
        let mut mixer = Mixer::new();
        mixer.start(BUSY, 1.0);
        let heard = frames(&mut mixer, 200);
        assert!(heard[..20_000].iter().any(|x| x.abs() > 2000));
        assert!(!mixer.sounds());
    }

    #[test]
    fn starting_an_endless_tone_twice_is_one_tone_and_a_new_one_may_follow_its_fade() {
        let mut mixer = Mixer::new();
        mixer.start(RING, 1.0);
        mixer.start(RING, 1.0);
        assert_eq!(mixer.voices.len(), 1);
        mixer.stop(RING);
        mixer.start(RING, 1.0);
        assert_eq!(mixer.voices.len(), 2, "one fades, one starts");
        frames(&mut mixer, 1);
        assert_eq!(mixer.voices.len(), 1);
    }

    #[test]
    fn a_ring_is_as_loud_as_set_and_changes_softly_while_it_rings() {
        let loudest = |samples: &[i16]| samples.iter().map(|x| x.abs()).max().unwrap();
        let (mut full, mut soft) = (Mixer::new(), Mixer::new());
        full.start(RING, 7.0);
        soft.start(RING, 0.1);
        let (full, quiet) = (frames(&mut full, 100), frames(&mut soft, 100));
        assert!(loudest(&full) < 24_000, "never louder than composed");
        assert!((loudest(&quiet) - loudest(&full) / 10).abs() < 10);
        soft.start(RING, 0.0);
        let fading = frames(&mut soft, 100);
        assert_eq!(soft.voices.len(), 1, "the same ring goes on");
        assert!(fading[240..].iter().all(|x| *x == 0));
        assert!(
            fading
                .windows(2)
                .all(|pair| (pair[1] - pair[0]).abs() < 500)
        );
    }

    #[test]
    fn the_voice_of_the_far_end_stays_and_full_scale_is_never_wrapped() {
        let mut mixer = Mixer::new();
        let mut frame = [i16::MAX; FRAME_SAMPLES];
        mixer.mix(&mut frame);
        assert_eq!(frame, [i16::MAX; FRAME_SAMPLES], "no tone, no change");
        for key in "1234567890".chars() {
            mixer.start(Tone::key(key).unwrap(), 1.0);
        }
        assert_eq!(mixer.voices.len(), MOST_VOICES, "bounded");
        mixer.mix(&mut frame);
        assert!(frame.iter().all(|x| *x > 0), "limited, not wrapped");
    }

    #[test]
    fn a_beep_for_a_speaker_that_went_away_is_not_heard_later() {
        let mut mixer = Mixer::new();
        mixer.start(Tone::Beep, 1.0);
        mixer.start(RING, 1.0);
        mixer.forget_finite();
        assert_eq!(mixer.voices.len(), 1);
        assert_eq!(mixer.voices[0].tone, RING);
    }
}
