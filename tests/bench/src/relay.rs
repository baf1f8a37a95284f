//! A worse network, without any right to make one: media takes its way over a relay that delays and loses packets on their
//! way from the server to each side, the same ones for the same seed. Media is drawn for by itself: how much else is sent
//! between two of its packets differs from client to client, and must not decide which of them are lost.
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

use anyhow::{Context, Result, bail};

/// Where clients send to.
const RELAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// No packet is longer.
const LONGEST: usize = 2048;
/// What of a call is not joining and leaving. A side that is sent to in another way takes half of all packets away.
const MOST_OF_A_CALL: f64 = 0.6;
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
    /// The same seed loses the same media packets, counted from when the weather began, and delays them in the same way.
    pub(crate) seed: u64,
}

/// One relay; it ends with its owner.
pub(crate) struct Relay {
    address: SocketAddrV4,
    weather: Arc<Mutex<Forecast>>,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
}

/// A weather, and how many there were before it: each begins its seed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Forecast {
    weather: Weather,
    number: u64,
}

/// Packets that carry media, and all others.
#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
    media_passed: AtomicU64,
    media_lost: AtomicU64,
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

    /// From now on, for every client from the beginning of the seed.
    pub(crate) fn set(&self, weather: Weather) {
        let mut forecast = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        forecast.weather = weather;
        forecast.number += 1;
    }

    /// Packets passed on to clients, and lost, since the last question; media or not.
    #[cfg(test)]
    pub(crate) fn take_counts(&self) -> (u64, u64) {
        let (passed, lost) = self.take_media_counts();
        (
            passed + self.counts.passed.swap(0, Relaxed),
            lost + self.counts.lost.swap(0, Relaxed),
        )
    }

    /// The same of a call that both sides were heard in for `time`, most of it at least: fifty a second go to each.
    ///
    /// # Errors
    /// With fewer, somebody was sent to in another way.
    pub(crate) fn media_since(&self, time: Duration) -> Result<(u64, u64)> {
        let (passed, lost) = self.take_media_counts();
        let expected = 2.0 * 50.0 * time.as_secs_f64();
        if ((passed + lost) as f64) < MOST_OF_A_CALL * expected {
            bail!(
                "{} of some {expected:.0} media packets came over the relay",
                passed + lost
            );
        }
        Ok((passed, lost))
    }

    /// Packets of media passed on to clients, and lost, since the last question.
    pub(crate) fn take_media_counts(&self) -> (u64, u64) {
        (
            self.counts.media_passed.swap(0, Relaxed),
            self.counts.media_lost.swap(0, Relaxed),
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
    weather: Arc<Mutex<Forecast>>,
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
    let taker = shared.clone();
    std::thread::spawn(move || {
        let (mut number, mut media, mut others) = (0, Fate::new(0), Fate::new(0));
        let mut packet = [0; LONGEST];
        while !taker.over.load(Relaxed) {
            let Ok(length) = taking.recv(&mut packet) else {
                continue;
            };
            let forecast = *taker.weather.lock().unwrap_or_else(PoisonError::into_inner);
            let weather = forecast.weather;
            if number != forecast.number {
                number = forecast.number;
                // Not the same for both: they would be lost together.
                (media, others) = (Fate::new(weather.seed), Fate::new(!weather.seed));
            }
            let packet = packet.get(..length).unwrap_or_default().to_vec();
            let counts = &taker.counts;
            let (fate, passed, lost) = if is_media(&packet) {
                (&mut media, &counts.media_passed, &counts.media_lost)
            } else {
                (&mut others, &counts.passed, &counts.lost)
            };
            let Some(delay) = fate.of_next(&weather) else {
                lost.fetch_add(1, Relaxed);
                continue;
            };
            passed.fetch_add(1, Relaxed);
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

/// Whether this is media: RTP, and neither its reports nor what sets a connection up (RFC 7983, RFC 5761).
fn is_media(packet: &[u8]) -> bool {
    match packet {
        [128..=191, kind, ..] => !(192..=223).contains(kind),
        _ => false,
    }
}

/// Draws what becomes of one packet after the other.
struct Fate {
    random: fastrand::Rng,
    losing: bool,
}

impl Fate {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            losing: false,
        }
    }

    /// How much later the next one comes; `None` when it is lost.
    fn of_next(&mut self, weather: &Weather) -> Option<Duration> {
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
            let mut fate = Fate::new(weather.seed);
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
            let mut fate = Fate::new(weather.seed);
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

    /// An RTP packet, a report about such, a connectivity check and the beginning of encryption.
    const MEDIA: [u8; 4] = [0x80, 0x80 | 63, 0, 1];
    const OTHERS: [[u8; 4]; 3] = [[0x80, 201, 0, 7], [0, 1, 0, 8], [22, 0xfe, 0xfd, 0]];

    #[test]
    fn media_is_told_from_what_goes_with_it() {
        assert!(is_media(&MEDIA));
        assert!(is_media(&[0x90, 63, 0, 1]));
        assert!(OTHERS.iter().all(|other| !is_media(other)));
        assert!(!is_media(&[0x80]));
    }

    #[test]
    fn the_same_media_packets_are_lost_whatever_else_is_sent_and_each_weather_begins_anew() {
        let relay = Relay::start().unwrap();
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, relay.address().port())).unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for socket in [&server, &client] {
            socket
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
        }
        client.send_to(b"there", relay.address()).unwrap();
        let mut packet = [0; 16];
        let (_, from) = server.recv_from(&mut packet).unwrap();
        let weather = Weather {
            loss: 0.5,
            burst: 2.0,
            seed: 11,
            ..Weather::default()
        };
        let mut arrived_beside = |others: usize| {
            relay.set(weather);
            relay.take_media_counts();
            for number in 0..40 {
                for _ in 0..others {
                    server.send_to(&OTHERS[0], from).unwrap();
                }
                server.send_to(&[0x80, 63, 0, number], from).unwrap();
            }
            let (mut passed, mut lost) = (0, 0);
            let deadline = Instant::now() + Duration::from_secs(10);
            while passed + lost < 40 {
                assert!(Instant::now() < deadline, "{passed} and {lost} of 40");
                let counts = relay.take_media_counts();
                (passed, lost) = (passed + counts.0, lost + counts.1);
                std::thread::sleep(Duration::from_millis(1));
            }
            let mut arrived = Vec::new();
            while arrived.len() < usize::try_from(passed).unwrap() {
                let (length, _) = client.recv_from(&mut packet).unwrap();
                if is_media(&packet[..length]) {
                    arrived.push(packet[3]);
                }
            }
            arrived
        };
        let alone = arrived_beside(0);
        assert!((5..35).contains(&alone.len()), "{alone:?}");
        assert_eq!(arrived_beside(0), alone);
        assert_eq!(arrived_beside(3), alone);
    }
}
