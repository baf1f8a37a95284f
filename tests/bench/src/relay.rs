//! A worse network, without any right to make one: media takes its way over a relay that delays and loses packets on their
//! way from the server to each side, the same ones for the same seed.
//!
//! The server tells its clients a second address of this machine; what arrives there is passed on to it.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Where clients send to.
const RELAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// No packet is longer.
const LONGEST: usize = 2048;
/// How often a thread looks whether it is over.
const LOOK: Duration = Duration::from_millis(200);

/// What becomes of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weather {
    /// Each packet comes later by something between 0 and this, evenly spread; they may overtake each other.
    pub(crate) jitter_ms: f64,
    /// Share of packets that are lost, 0 … 1.
    pub(crate) loss: f64,
    /// Mean number of packets lost in a row; 1 and less: never two.
    pub(crate) burst: f64,
    /// The same seed loses and delays in the same way.
    pub(crate) seed: u64,
}

/// One relay; it ends with its owner.
pub(crate) struct Relay {
    address: SocketAddrV4,
    weather: Arc<Mutex<Weather>>,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Takes a port that is free here and at the server's address.
    pub(crate) fn start() -> Result<Self> {
        let (public, port) = (0..20)
            .find_map(|_| {
                let public = UdpSocket::bind((RELAY, 0)).ok()?;
                let port = public.local_addr().ok()?.port();
                // The server binds it in a moment.
                UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
                Some((public, port))
            })
            .with_context(|| format!("{RELAY} has no port for a relay"))?;
        public.set_read_timeout(Some(LOOK))?;
        let relay = Self {
            address: SocketAddrV4::new(RELAY, port),
            weather: Arc::default(),
            counts: Arc::default(),
            over: Arc::default(),
        };
        let shared = Shared {
            weather: Arc::clone(&relay.weather),
            counts: Arc::clone(&relay.counts),
            over: Arc::clone(&relay.over),
        };
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || inbound(&public, server, &shared))?;
        Ok(relay)
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// From now on; the seed begins anew with the next client.
    pub(crate) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// Packets passed on to clients, and lost, since the last question.
    pub(crate) fn take_counts(&self) -> (u64, u64) {
        (
            self.counts.passed.swap(0, Relaxed),
            self.counts.lost.swap(0, Relaxed),
        )
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
    }
}

#[derive(Clone)]
struct Shared {
    weather: Arc<Mutex<Weather>>,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
}

/// Passes on what clients send, untouched, and starts the way back for each of them.
fn inbound(public: &UdpSocket, server: SocketAddr, shared: &Shared) {
    let mut clients: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let mut packet = [0; LONGEST];
    while !shared.over.load(Relaxed) {
        let Ok((length, client)) = public.recv_from(&mut packet) else {
            continue;
        };
        if let Entry::Vacant(place) = clients.entry(client) {
            let Ok(socket) = way_back(public, client, server, shared) else {
                continue;
            };
            place.insert(socket);
        }
        if let (Some(socket), Some(packet)) = (clients.get(&client), packet.get(..length)) {
            // As on any network: what cannot be sent is lost.
            let _ = socket.send(packet);
        }
    }
}

/// A socket at which the server knows this client, and two threads for what it sends: one that takes it at once, and one
/// that passes it on when it is time.
fn way_back(
    public: &UdpSocket,
    client: SocketAddr,
    server: SocketAddr,
    shared: &Shared,
) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(LOOK))?;
    let (taking, giving) = (socket.try_clone()?, public.try_clone()?);
    let (later, due) = mpsc::channel();
    let (taker, giver) = (shared.clone(), shared.clone());
    std::thread::spawn(move || {
        let mut fate = Fate::new(0);
        let mut packet = [0; LONGEST];
        while !taker.over.load(Relaxed) {
            let Ok(length) = taking.recv(&mut packet) else {
                continue;
            };
            let weather = *taker.weather.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(delay) = fate.of_next(&weather) else {
                taker.counts.lost.fetch_add(1, Relaxed);
                continue;
            };
            let packet = packet.get(..length).unwrap_or_default().to_vec();
            if later.send(Due(Instant::now() + delay, packet)).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let mut waiting: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
        loop {
            let rest = waiting.peek().map_or(LOOK, |next| {
                next.0.0.saturating_duration_since(Instant::now())
            });
            match due.recv_timeout(rest) {
                Ok(one) => waiting.push(Reverse(one)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while waiting
                .peek()
                .is_some_and(|next| next.0.0 <= Instant::now())
            {
                if let Some(Reverse(Due(_, packet))) = waiting.pop() {
                    giver.counts.passed.fetch_add(1, Relaxed);
                    let _ = giving.send_to(&packet, client);
                }
            }
        }
    });
    Ok(socket)
}

/// A packet and when it is to arrive.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due(Instant, Vec<u8>);

/// Draws what becomes of one packet after the other.
struct Fate {
    seed: u64,
    random: fastrand::Rng,
    losing: bool,
}

impl Fate {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            random: fastrand::Rng::with_seed(seed),
            losing: false,
        }
    }

    /// How much later the next one comes; `None` when it is lost.
    fn of_next(&mut self, weather: &Weather) -> Option<Duration> {
        if self.seed != weather.seed {
            *self = Self::new(weather.seed);
        }
        // Two states after Gilbert: in the bad one everything is lost.
        let leave = 1.0 / weather.burst.max(1.0);
        let enter = if weather.loss < 1.0 {
            leave * weather.loss / (1.0 - weather.loss)
        } else {
            1.0
        };
        let (stay, turn) = (self.random.f64(), self.random.f64());
        self.losing = if self.losing {
            stay >= leave
        } else {
            stay < enter
        };
        (!self.losing).then(|| Duration::from_secs_f64(turn * weather.jitter_ms / 1e3))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn as_many_are_lost_as_asked_and_in_bursts_as_long_as_asked() {
        for (loss, burst) in [(0.05, 1.0), (0.1, 1.0), (0.05, 4.0), (0.2, 3.0)] {
            let weather = Weather {
                loss,
                burst,
                jitter_ms: 30.0,
                seed: 7,
            };
            let mut fate = Fate::new(0);
            let fates: Vec<_> = (0..200_000).map(|_| fate.of_next(&weather)).collect();
            let lost = fates.iter().filter(|one| one.is_none()).count() as f64;
            let runs = fates
                .windows(2)
                .filter(|two| two[0].is_some() && two[1].is_none())
                .count();
            assert!((lost / 200_000.0 - loss).abs() < 0.01, "{loss}: {lost}");
            assert!(
                (lost / runs as f64 - burst).abs() < 0.3,
                "{burst}: {}",
                lost / runs as f64
            );
            assert!(
                fates
                    .iter()
                    .flatten()
                    .all(|late| late.as_secs_f64() <= 0.03)
            );
        }
    }

    #[test]
    fn the_same_seed_means_the_same_weather() {
        let weather = Weather {
            loss: 0.3,
            jitter_ms: 10.0,
            burst: 2.0,
            seed: 3,
        };
        let draw = || {
            let mut fate = Fate::new(0);
            (0..500).map(|_| fate.of_next(&weather)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn packets_find_their_way_there_and_back() {
        let relay = Relay::start().unwrap();
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, relay.address().port())).unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        client.send_to(b"there", relay.address()).unwrap();
        let mut packet = [0; 16];
        let (length, from) = server.recv_from(&mut packet).unwrap();
        assert_eq!(&packet[..length], b"there");
        server.send_to(b"back", from).unwrap();
        let (length, from) = client.recv_from(&mut packet).unwrap();
        assert_eq!(
            (&packet[..length], from),
            (&b"back"[..], relay.address().into())
        );
        assert_eq!(relay.take_counts(), (1, 0));
    }
}
