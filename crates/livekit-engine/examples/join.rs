//! Joins a room, listens for ten seconds while sending a quiet tone, and leaves.
//!
//! ```text
//! LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_TOKEN=… cargo run -p livekit-engine --example join
//! ```
#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::f64::consts::TAU;
use std::time::Duration;

use livekit_engine::{AudioStream, Frame, Room, RoomEvent, RoomOptions, SAMPLE_RATE};
use tokio::time::{Instant, interval, sleep_until};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (url, token) = (env::var("LIVEKIT_URL")?, env::var("LIVEKIT_TOKEN")?);
    let options = RoomOptions {
        auto_subscribe: true,
        ..RoomOptions::default()
    };
    let (room, mut events, present) = Room::connect(&url, &token, &options).await?;
    println!(
        "joined as {}; already there: {}",
        room.identity(),
        present.len()
    );

    let microphone = room.publish_microphone("microphone").await?;
    let source = microphone.source();
    let mut clock = interval(Duration::from_millis(10));
    let mut streams = Vec::new();
    let mut position = 0_u32;
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        tokio::select! {
            _ = clock.tick() => source.push(&tone(&mut position))?,
            event = events.recv() => match event {
                Some(RoomEvent::TrackSubscribed { identity, track }) => {
                    let mut frames = 0_u64;
                    streams.push(AudioStream::open(&track, move |frame| {
                        frames += 1;
                        if frames.is_multiple_of(100) {
                            println!("{identity}: {frames} frames, loudness {:.0} dBFS", loudness(frame));
                        }
                    })?);
                }
                Some(event) => println!("{event:?}"),
                None => break,
            },
            () = sleep_until(end) => break,
        }
    }
    println!("{:?}", room.session_stats().await?);
    room.disconnect().await?;
    Ok(())
}

/// The next 10 ms of 440 Hz.
fn tone(position: &mut u32) -> Frame {
    std::array::from_fn(|_| {
        let angle = TAU * 440.0 * f64::from(*position) / f64::from(SAMPLE_RATE);
        *position = (*position + 1) % SAMPLE_RATE;
        (3000.0 * angle.sin()) as i16
    })
}

fn loudness(frame: &Frame) -> f64 {
    let energy: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (energy / frame.len() as f64 / f64::from(i16::MAX).powi(2))
        .max(1e-10)
        .log10()
}
