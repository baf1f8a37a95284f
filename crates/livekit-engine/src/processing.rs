//! The engine's audio processing module: echo cancellation, noise suppression, gain, and the high-pass filter under them.
//!
//! It works on frames of 10 ms, in place. Echo cancellation needs the sound that the speaker is given as well, and some
//! idea of how long that takes to come back at the microphone. What it adds to the way of our voice is fixed (measured
//! with a chirp through it at 48 kHz): 1 ms for splitting the bands, 8 ms for echo cancellation, 6 ms for noise
//! suppression, nothing for gain. With nothing on there should be no such module at all.

use crate::error::RequestError;
use crate::ffi::{self, Handle};
use crate::proto::{self, ffi_request, ffi_response};
use crate::redact::redact;
use crate::{Frame, validate};

/// What a module does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessingOptions {
    /// What [`render`](AudioProcessing::render) was given is taken out of what is captured.
    pub echo_cancellation: bool,
    /// Steady noise is taken out.
    pub noise_suppression: bool,
    /// Soft voices are raised, loud ones lowered; no other knob than this one.
    pub gain: bool,
    /// Rumble below the voice is taken out.
    pub high_pass: bool,
}

/// One module. Dropping it releases it. Use it from one thread at a time.
#[derive(Debug)]
pub struct AudioProcessing {
    handle: Handle,
}

impl AudioProcessing {
    /// Makes a module; takes up to 3 ms. The engine must be loaded.
    ///
    /// # Errors
    /// The engine is not loaded, broken, or makes none.
    pub fn new(options: ProcessingOptions) -> Result<Self, RequestError> {
        let request = ffi_request::Message::NewApm(proto::NewApmRequest {
            echo_canceller_enabled: options.echo_cancellation,
            gain_controller_enabled: options.gain,
            high_pass_filter_enabled: options.high_pass,
            noise_suppression_enabled: options.noise_suppression,
        });
        match ffi::request(request)? {
            ffi_response::Message::NewApm(made) => Ok(Self {
                handle: Handle::own(&made.apm.handle),
            }),
            _other => Err(RequestError::Refused),
        }
    }

    /// The next 10 ms that the speaker is given. Takes some 10 µs.
    ///
    /// # Errors
    /// The engine is broken.
    pub fn render(&self, frame: &Frame) -> Result<(), RequestError> {
        // The library writes into what it is given; what we play stays as it is.
        let mut copy = *frame;
        ffi::process_reverse(&self.handle, &mut copy).and_then(fine)
    }

    /// How long what was rendered takes to come back as captured, 0 to 500 ms: from the call of
    /// [`render`](Self::render) with it to the call of [`capture`](Self::capture) that contains it.
    ///
    /// # Errors
    /// Out of range, or the engine is broken.
    pub fn set_delay_ms(&self, delay_ms: u16) -> Result<(), RequestError> {
        validate::processing_delay(delay_ms)?;
        let request = ffi_request::Message::ApmSetStreamDelay(proto::ApmSetStreamDelayRequest {
            apm_handle: self.handle.id(),
            delay_ms: i32::from(delay_ms),
        });
        match ffi::request(request)? {
            ffi_response::Message::ApmSetStreamDelay(answer) => fine(answer.error),
            _other => Err(RequestError::Refused),
        }
    }

    /// The next 10 ms of the microphone, processed in place. Takes 50 to 250 µs.
    ///
    /// # Errors
    /// The engine is broken; the frame is as it was, or partly processed.
    pub fn capture(&self, frame: &mut Frame) -> Result<(), RequestError> {
        ffi::process(&self.handle, frame).and_then(fine)
    }
}

fn fine(error: Option<String>) -> Result<(), RequestError> {
    match error {
        None => Ok(()),
        Some(why) => Err(RequestError::Failed(redact(&why))),
    }
}
