//! The soft edge between two sounds of one track.

use std::f32::consts::PI;

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

/// Length of the edge: 5 ms, long enough for no click and short enough for no word.
const FADE_SAMPLES: usize = SAMPLE_RATE as usize / 200;

/// The frame that leads from `old` to `new`, both of the same 10 ms: a raised cosine over the first 5 ms. Of the second
/// half no sample is `old`'s. Works on the stack alone: fit for the audio thread.
pub(crate) fn cross_fade(old: &Frame, new: &Frame) -> Frame {
    let mut frame: Frame = [0; FRAME_SAMPLES];
    for (place, (slot, (old, new))) in frame.iter_mut().zip(old.iter().zip(new)).enumerate() {
        let share = share(place);
        // A cast from float to integer saturates.
        *slot = (f32::from(*old) * (1.0 - share) + f32::from(*new) * share).round() as i16;
    }
    frame
}

/// Share of the new sound in one sample, 0 … 1.
fn share(place: usize) -> f32 {
    if place >= FADE_SAMPLES {
        return 1.0;
    }
    0.5 - 0.5 * (PI * place as f32 / FADE_SAMPLES as f32).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Frame = [0; FRAME_SAMPLES];
    const LOUD: Frame = [i16::MAX; FRAME_SAMPLES];

    fn steepest(samples: &[i16]) -> i32 {
        samples
            .windows(2)
            .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
            .max()
            .unwrap()
    }

    #[test]
    fn full_scale_comes_and_goes_without_a_jump_and_all_of_it_within_five_milliseconds() {
        let (out, back) = (cross_fade(&LOUD, &SILENCE), cross_fade(&SILENCE, &LOUD));
        assert_eq!(
            (out[0], back[0]),
            (i16::MAX, 0),
            "it joins the frame before"
        );
        assert_eq!(out[240..], SILENCE[240..], "nothing of the old is left");
        assert_eq!(back[240..], LOUD[240..]);
        assert!((16_383..=16_385).contains(&out[120]), "{}", out[120]);
        for whole in [
            [LOUD, out, SILENCE].concat(),
            [SILENCE, back, LOUD].concat(),
        ] {
            // A cosine of this length is nowhere steeper than π / 480 of its height; a hard cut is all of it.
            let jump = steepest(&whole);
            assert!((200..=216).contains(&jump), "a jump of {jump}");
        }
    }

    #[test]
    fn what_stays_the_same_is_not_touched() {
        let mut same = SILENCE;
        for (place, sample) in same.iter_mut().enumerate() {
            *sample = (place as i16 - 240) * 136;
        }
        assert_eq!(cross_fade(&same, &same), same);
        let quietest = [i16::MIN; FRAME_SAMPLES];
        assert_eq!(cross_fade(&quietest, &quietest), quietest);
    }
}
