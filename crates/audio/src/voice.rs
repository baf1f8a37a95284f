//! Processing of the microphone on the frame thread: who does it, when it changes, and how long sound takes to come back.
//!
//! The processing itself is the call engine's; this crate knows it as a [`VoiceProcessor`] and gives it what it needs:
//! every frame that the speaker is given, tones included, every frame of the microphone, and the time between the two. With
//! nothing switched on there is no processor, and a frame goes out as it came, without any delay.

use std::sync::Arc;

use call::media::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

use crate::list::Processing;

/// Takes echo, noise and differences of loudness out of the microphone. Used from one thread at a time.
pub trait VoiceProcessor: Send {
    /// The next 10 ms on the way to the speaker.
    fn render(&mut self, frame: &Frame);
    /// The next 10 ms of the microphone, processed in place. What was rendered `delay_ms` before is in it as echo.
    fn capture(&mut self, frame: &mut Frame, delay_ms: u16);
}

/// Makes a processor, on a thread that may wait; `None`: there is none, and sound goes on without.
pub type MakeProcessor = Arc<dyn Fn(Processing) -> Option<Box<dyn VoiceProcessor>> + Send + Sync>;

/// The longest delay that is told: 500 ms. What is longer is no echo that can be taken out.
const MOST_DELAY_MS: u16 = 500;

/// The processor in use, and the one that follows.
#[derive(Default)]
pub(crate) struct Voice {
    now: Option<Box<dyn VoiceProcessor>>,
    next: Option<Option<Box<dyn VoiceProcessor>>>,
    /// The next frame is the first of another processor.
    begins: bool,
    /// How long what is rendered now waits until it is heard, samples.
    out: usize,
    /// The way from render to capture, samples, slowly.
    delay: Option<f32>,
}

impl Voice {
    /// Another processor from the next frames on, or none.
    pub(crate) fn change(&mut self, next: Option<Box<dyn VoiceProcessor>>) {
        self.next = Some(next);
    }

    /// This frame was put on its way to the speaker behind `waiting` samples (48 kHz), and the device takes `device` samples
    /// longer.
    pub(crate) fn render(&mut self, frame: &Frame, waiting: usize, device: usize) {
        self.out = waiting + device;
        if let Some(processor) = &mut self.now {
            processor.render(frame);
        }
    }

    /// Processes a frame that came `device` samples after it was spoken and waited behind `waiting` others.
    pub(crate) fn capture(&mut self, frame: &mut Frame, waiting: usize, device: usize) {
        let delay = self.delay(waiting + device);
        if let Some(processor) = &mut self.now {
            processor.capture(frame, delay);
        }
        // From one processor to another their delays differ: between the two there is a soft breath of silence.
        if let Some(next) = self.next.take() {
            fade(frame, |share| 1.0 - share);
            self.now = next;
            self.begins = true;
        } else if std::mem::take(&mut self.begins) {
            fade(frame, |share| share);
        }
    }

    /// From render to capture in milliseconds.
    pub(crate) fn delay_ms(&self) -> u16 {
        let millis = self.delay.unwrap_or(0.0) * 1000.0 / SAMPLE_RATE as f32;
        // A cast from float to integer saturates.
        (millis.round() as u16).min(MOST_DELAY_MS)
    }

    fn delay(&mut self, back: usize) -> u16 {
        let measured = (self.out + back) as f32;
        // What waits moves with every block of the devices: the mean of about half a second.
        let delay = self
            .delay
            .map_or(measured, |delay| delay + (measured - delay) / 50.0);
        self.delay = Some(delay);
        self.delay_ms()
    }
}

fn fade(frame: &mut Frame, gain: impl Fn(f32) -> f32) {
    for (index, sample) in frame.iter_mut().enumerate() {
        let share = (index as f32 + 0.5) / FRAME_SAMPLES as f32;
        *sample = (f32::from(*sample) * gain(share)) as i16;
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
    use std::sync::Mutex;

    use super::*;

    /// Turns all over and notes what it is told.
    struct Inverter(Arc<Mutex<Vec<u16>>>);

    impl VoiceProcessor for Inverter {
        fn render(&mut self, _frame: &Frame) {}

        fn capture(&mut self, frame: &mut Frame, delay_ms: u16) {
            self.0.lock().unwrap().push(delay_ms);
            for sample in frame.iter_mut() {
                *sample = -*sample;
            }
        }
    }

    #[test]
    fn without_a_processor_a_frame_goes_out_as_it_came() {
        let mut voice = Voice::default();
        let mut frame = [1234; FRAME_SAMPLES];
        voice.render(&[5; FRAME_SAMPLES], 480, 0);
        voice.capture(&mut frame, 0, 0);
        assert_eq!(frame, [1234; FRAME_SAMPLES]);
    }

    #[test]
    fn a_processor_comes_and_goes_without_a_click() {
        let mut voice = Voice::default();
        let mut heard = Vec::new();
        for number in 0..30 {
            match number {
                10 => voice.change(Some(Box::new(Inverter(Arc::default())))),
                20 => voice.change(None),
                _ => {}
            }
            let mut frame = [8000; FRAME_SAMPLES];
            voice.capture(&mut frame, 0, 0);
            heard.extend(frame);
        }
        assert_eq!(
            (heard[0], heard[15 * 480], heard[29 * 480]),
            (8000, -8000, 8000)
        );
        let steepest = heard
            .windows(2)
            .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
            .max();
        assert!(steepest.unwrap() <= 34, "{steepest:?}");
    }

    #[test]
    fn the_delay_is_what_waits_on_both_ways_and_follows_it() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut voice = Voice::default();
        voice.change(Some(Box::new(Inverter(Arc::clone(&told)))));
        let mut run = |frames, waiting, device| {
            for _ in 0..frames {
                voice.render(&[0; FRAME_SAMPLES], waiting, 480);
                voice.capture(&mut [0; FRAME_SAMPLES], 240, device);
            }
            voice.delay_ms()
        };
        assert_eq!(run(2, 240, 0), 20);
        assert_eq!(run(500, 480, 240), 30);
        assert_eq!(run(500, 48_000, 0), 500, "no longer than the engine bears");
        assert_eq!(told.lock().unwrap().last(), Some(&500));
    }
}
