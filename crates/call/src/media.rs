//! The one shape in which sound travels through the house: 10 ms, mono, 48 kHz, signed 16 bit.

/// Samples per second of every frame between `audio` and `realtime`.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in one frame.
pub const FRAME_SAMPLES: usize = 480;
/// Length of one frame in milliseconds.
pub const FRAME_MILLIS: u64 = 10;
/// One frame of sound.
pub type Frame = [i16; FRAME_SAMPLES];
