//! The sound of somebody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::error::RequestError;
use crate::event::RemoteTrack;
use crate::ffi::{self, Handle};
use crate::proto::{self, ffi_request, ffi_response};
use crate::router;
use crate::{Frame, SAMPLE_RATE, validate};

/// Frames the engine may hold back for us; the oldest goes first when it is full.
const ENGINE_QUEUE: u32 = 10;

/// An open stream of frames. Dropping it ends it.
#[derive(Debug)]
pub struct AudioStream {
    handle: Handle,
    /// The engine ends a stream without a word when the handle of its track is released.
    _track: Arc<Handle>,
}

impl AudioStream {
    /// Opens a stream. `sink` is called on a thread of the engine with every 10 ms, in order; it must
    /// return quickly and not wait. Frames come even when no packets do: then they are zeros.
    ///
    /// # Errors
    /// The track is gone.
    pub fn open(
        track: &RemoteTrack,
        sink: impl FnMut(&Frame) + Send + 'static,
    ) -> Result<Self, RequestError> {
        let answer = ffi::request(ffi_request::Message::NewAudioStream(
            proto::NewAudioStreamRequest {
                track_handle: track.handle.id(),
                r#type: proto::AudioStreamType::AudioStreamNative as i32,
                sample_rate: Some(SAMPLE_RATE),
                num_channels: Some(1),
                frame_size_ms: Some(10),
                queue_size_frames: Some(ENGINE_QUEUE),
                ..Default::default()
            },
        ))?;
        let ffi_response::Message::NewAudioStream(made) = answer else {
            return Err(RequestError::Refused);
        };
        let handle = Handle::own(&made.stream.handle);
        // A frame that comes before this line is lost, which is 10 ms at the start of a track.
        router::get().add_stream(handle.id(), sink);
        Ok(Self {
            handle,
            _track: Arc::clone(&track.handle),
        })
    }
}

impl Drop for AudioStream {
    fn drop(&mut self) {
        router::get().remove_stream(self.handle.id());
    }
}

/// A stream whose frames wait in a bounded queue; when it is full the oldest is dropped.
#[derive(Debug)]
pub struct AudioFrames {
    queue: Arc<Queue>,
    _stream: AudioStream,
}

#[derive(Debug)]
struct Queue {
    frames: Mutex<Frames>,
    arrived: Notify,
}

#[derive(Debug)]
struct Frames {
    waiting: VecDeque<Frame>,
    capacity: usize,
    dropped: u64,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        let waiting = VecDeque::with_capacity(capacity);
        Self {
            frames: Mutex::new(Frames {
                waiting,
                capacity,
                dropped: 0,
            }),
            arrived: Notify::new(),
        }
    }

    fn push(&self, frame: &Frame) {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if frames.waiting.len() >= frames.capacity {
            frames.waiting.pop_front();
            frames.dropped += 1;
        }
        frames.waiting.push_back(*frame);
        drop(frames);
        self.arrived.notify_one();
    }

    fn pop(&self) -> Option<Frame> {
        self.frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waiting
            .pop_front()
    }
}

impl AudioFrames {
    /// Opens a stream with room for `capacity` frames of 10 ms, 1 to 500.
    ///
    /// # Errors
    /// The capacity is out of range or the track is gone.
    pub fn open(track: &RemoteTrack, capacity: usize) -> Result<Self, RequestError> {
        validate::queue(capacity)?;
        let queue = Arc::new(Queue::new(capacity));
        let sink = Arc::clone(&queue);
        let stream = AudioStream::open(track, move |frame| sink.push(frame))?;
        Ok(Self {
            queue,
            _stream: stream,
        })
    }

    /// The next frame. Waits for ever when the track is gone: watch the room's events beside it.
    pub async fn recv(&mut self) -> Frame {
        loop {
            let arrived = self.queue.arrived.notified();
            if let Some(frame) = self.queue.pop() {
                return frame;
            }
            arrived.await;
        }
    }

    /// Frames dropped because nobody took them in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue
            .frames
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_the_oldest() {
        let queue = Queue::new(3);
        for value in 0..5 {
            queue.push(&[value; 480]);
        }
        let left: Vec<i16> = std::iter::from_fn(|| queue.pop())
            .map(|frame| frame[0])
            .collect();
        assert_eq!(left, [2, 3, 4]);
        assert_eq!(queue.frames.lock().unwrap().dropped, 2);
    }
}
