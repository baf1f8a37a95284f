//! Echo, noise and loudness of our own voice, by the module that comes with the engine.

use call::media::Frame;

use crate::backend::Backend;

/// What is done to the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VoiceSteps {
    /// What the speaker plays is taken out.
    pub echo_cancellation: bool,
    /// Steady noise is taken out.
    pub noise_suppression: bool,
    /// Soft voices are raised, loud ones lowered.
    pub gain: bool,
}

impl VoiceSteps {
    /// Rumble confuses the other two; its filter costs nothing once the bands are split for them.
    fn high_pass(self) -> bool {
        self.echo_cancellation || self.noise_suppression
    }
}

/// One module that processes 10 ms at a time, in place. Use it from one thread at a time; for that of the sound it is, but
/// not for a device callback.
pub struct VoiceProcessing(Module);

enum Module {
    Engine(livekit_engine::AudioProcessing),
    #[cfg(feature = "source-sdk")]
    Source(livekit::webrtc::native::apm::AudioProcessingModule),
}

impl Backend {
    /// Makes a module. Blocks for some milliseconds, 50 more if the engine is not loaded yet. `None`: this backend has
    /// none.
    ///
    /// # Errors
    /// One sentence: the engine is missing or broken.
    pub fn voice_processing(&self, steps: VoiceSteps) -> Result<Option<VoiceProcessing>, String> {
        self.prepare()?;
        match self {
            Self::Prebuilt => {
                let options = livekit_engine::ProcessingOptions {
                    echo_cancellation: steps.echo_cancellation,
                    noise_suppression: steps.noise_suppression,
                    gain: steps.gain,
                    high_pass: steps.high_pass(),
                };
                livekit_engine::AudioProcessing::new(options)
                    .map(|module| Some(VoiceProcessing(Module::Engine(module))))
                    .map_err(|error| error.to_string())
            }
            #[cfg(feature = "source-sdk")]
            Self::SourceSdk => {
                let module = livekit::webrtc::native::apm::AudioProcessingModule::new(
                    steps.echo_cancellation,
                    steps.gain,
                    steps.high_pass(),
                    steps.noise_suppression,
                );
                Ok(Some(VoiceProcessing(Module::Source(module))))
            }
            Self::Memory(_) => Ok(None),
        }
    }
}

impl VoiceProcessing {
    /// The next 10 ms on the way to the speaker. An engine that broke leaves everything as it is.
    pub fn render(&mut self, frame: &Frame) {
        match &mut self.0 {
            Module::Engine(module) => {
                let _broken = module.render(frame);
            }
            #[cfg(feature = "source-sdk")]
            Module::Source(module) => {
                let mut copy = *frame;
                let _refused =
                    module.process_reverse_stream(&mut copy, call::media::SAMPLE_RATE as i32, 1);
            }
        }
    }

    /// The next 10 ms of the microphone, in place. `delay_ms` (at most 500 are told) lie between a frame rendered and its
    /// echo in here. An engine that broke leaves the frame as it is.
    pub fn capture(&mut self, frame: &mut Frame, delay_ms: u16) {
        let delay_ms = delay_ms.min(500);
        match &mut self.0 {
            Module::Engine(module) => {
                let _broken = module
                    .set_delay_ms(delay_ms)
                    .and_then(|()| module.capture(frame));
            }
            #[cfg(feature = "source-sdk")]
            Module::Source(module) => {
                let _refused = module.set_stream_delay_ms(i32::from(delay_ms));
                let _refused = module.process_stream(frame, call::media::SAMPLE_RATE as i32, 1);
            }
        }
    }
}
