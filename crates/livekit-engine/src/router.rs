//! Brings what the library reports to whoever waits for it.
//!
//! Runs on the library's threads and never blocks them: the locks are held for a look-up, queues are
//! bounded and never waited for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::Frame;
use crate::engine;
use crate::error::RequestError;
use crate::event::{self, RoomEvent};
use crate::life;
use crate::proto::{self, ffi_event, room_event};
use crate::redact::redact;

/// Numbers below belong to the library itself.
const FIRST_ID: u64 = 1 << 40;
/// Answers to captured frames carry this bit: nobody waits for them.
pub(crate) const CAPTURE_BIT: u64 = 1 << 62;
/// Events a room may have waiting. News of state always find room in it, see [`Router::deliver`].
pub(crate) const ROOM_QUEUE: usize = 1024;
/// Data packets are dropped when fewer places than this are free.
const RESERVED_FOR_STATE: usize = ROOM_QUEUE / 2;

/// Part of what the engine says of a room whose events nobody asked for in time.
const UNHEEDED: &str = "ReadyForRoomEvent";

/// What is done with the answer to one request.
type Waiter = Box<dyn FnOnce(ffi_event::Message) + Send>;
/// What is done with the frames of one stream.
type FrameSink = Arc<Mutex<Box<dyn FnMut(&Frame) + Send>>>;

/// The one router of this process.
pub(crate) fn get() -> &'static Router {
    static ROUTER: Router = Router::new();
    &ROUTER
}

pub(crate) struct Router {
    next_id: AtomicU64,
    failed: AtomicBool,
    /// Held while a failure is told to everybody who waits.
    failing: Mutex<()>,
    /// Broken on purpose: nothing of what the library reports is taken.
    deaf: AtomicBool,
    #[cfg(debug_assertions)]
    careless: AtomicBool,
    waiters: Mutex<BTreeMap<u64, Waiter>>,
    rooms: Mutex<BTreeMap<u64, mpsc::Sender<RoomEvent>>>,
    streams: Mutex<BTreeMap<u64, FrameSink>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Router {
    pub(crate) const fn new() -> Self {
        Self {
            next_id: AtomicU64::new(FIRST_ID),
            failed: AtomicBool::new(false),
            failing: Mutex::new(()),
            deaf: AtomicBool::new(false),
            #[cfg(debug_assertions)]
            careless: AtomicBool::new(false),
            waiters: Mutex::new(BTreeMap::new()),
            rooms: Mutex::new(BTreeMap::new()),
            streams: Mutex::new(BTreeMap::new()),
        }
    }

    /// Has the engine reported an unrecoverable failure?
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Is what the library reports to be taken?
    pub(crate) fn hears(&self) -> bool {
        !self.deaf.load(Ordering::Relaxed)
    }

    /// Is the next room to be lost on its way?
    #[cfg(debug_assertions)]
    pub(crate) fn loses_room(&self) -> bool {
        self.careless.swap(false, Ordering::Relaxed)
    }

    /// The next room that is entered is lost on its way.
    #[cfg(debug_assertions)]
    pub(crate) fn lose_next_room(&self) {
        self.careless.store(true, Ordering::Relaxed);
    }

    /// From now on the library seems to report nothing any more.
    #[cfg(debug_assertions)]
    pub(crate) fn go_deaf(&self) {
        self.deaf.store(true, Ordering::Relaxed);
    }

    /// The engine was started anew.
    pub(crate) fn begin_again(&self) {
        let _after_everybody_was_told = lock(&self.failing);
        self.deaf.store(false, Ordering::Relaxed);
        self.failed.store(false, Ordering::Release);
    }

    pub(crate) fn fresh_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers what to do with the answer to request `id`. Comes before the request: the answer may
    /// be quicker than the request's own return.
    pub(crate) fn expect(&self, id: u64, waiter: impl FnOnce(ffi_event::Message) + Send + 'static) {
        lock(&self.waiters).insert(id, Box::new(waiter));
    }

    /// The answer to request `id` is no longer wanted.
    pub(crate) fn forget(&self, id: u64) {
        let waiter = lock(&self.waiters).remove(&id);
        drop(waiter);
    }

    pub(crate) fn add_room(&self, room: u64, events: mpsc::Sender<RoomEvent>) {
        lock(&self.rooms).insert(room, events);
    }

    pub(crate) fn remove_room(&self, room: u64) {
        let sender = lock(&self.rooms).remove(&room);
        drop(sender);
    }

    pub(crate) fn add_stream(&self, stream: u64, sink: impl FnMut(&Frame) + Send + 'static) {
        lock(&self.streams).insert(stream, Arc::new(Mutex::new(Box::new(sink))));
    }

    pub(crate) fn remove_stream(&self, stream: u64) {
        let sink = lock(&self.streams).remove(&stream);
        drop(sink);
    }

    /// A frame came. One for a stream that is gone, or not yet known, is dropped.
    pub(crate) fn frame(&self, stream: u64, frame: &Frame) {
        let sink = lock(&self.streams).get(&stream).cloned();
        if let Some(sink) = sink {
            (lock(&sink))(frame);
        }
    }

    /// A data packet came.
    pub(crate) fn data(&self, room: u64, identity: String, topic: String, bytes: Vec<u8>) {
        self.deliver(
            room,
            RoomEvent::Data {
                identity,
                topic,
                bytes,
            },
        );
    }

    /// Anything else came.
    pub(crate) fn event(&self, message: ffi_event::Message) {
        match message {
            ffi_event::Message::RoomEvent(proto::RoomEvent {
                room_handle,
                message,
            }) => {
                let is_last = matches!(message, Some(room_event::Message::Eos(_)));
                // Translated even if nobody listens: that is what releases the handles in it.
                if let Some(event) = message.and_then(event::from_proto) {
                    self.deliver(room_handle, event);
                }
                if is_last {
                    self.remove_room(room_handle);
                }
            }
            ffi_event::Message::Logs(batch) => forward_logs(&batch),
            // The engine closes a room whose answer was lost on the way to us, and calls that a panic: nothing else is
            // touched by it (measured).
            ffi_event::Message::Panic(panic) if panic.message.contains(UNHEEDED) => {
                tracing::warn!(message = %redact(&panic.message), "a room was never taken over");
            }
            ffi_event::Message::Panic(panic) => self.fail(&panic.message),
            other => self.answer(other),
        }
    }

    fn answer(&self, message: ffi_event::Message) {
        let Some((id, error)) = answered(&message) else {
            event::release(message);
            return;
        };
        if id & CAPTURE_BIT != 0 {
            if let Some(error) = error {
                tracing::debug!(error = %redact(error), "a frame was refused");
            }
            return;
        }
        let waiter = lock(&self.waiters).remove(&id);
        match waiter {
            Some(waiter) => waiter(message),
            None => event::release(message),
        }
    }

    /// Puts an event into its room's queue. A reader that is far behind loses data packets first; one
    /// that is a whole queue of state news behind loses the room: its queue ends, which it must treat
    /// as the end of the connection, instead of going on with a picture that is wrong.
    fn deliver(&self, room: u64, event: RoomEvent) {
        let Some(sender) = lock(&self.rooms).get(&room).cloned() else {
            return;
        };
        if matches!(event, RoomEvent::Data { .. }) && sender.capacity() < RESERVED_FOR_STATE {
            tracing::warn!("a data packet was dropped: the room's events are not being read");
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(event) {
            tracing::error!("a room was given up: its events are not being read");
            self.remove_room(room);
        }
    }

    /// The engine is beyond repair: everybody who waits is told so by the end of what they wait for, and it is ended.
    pub(crate) fn fail(&self, message: &str) {
        {
            // Whoever is told of the end may join again at once: what they wait for then must not be taken from them here.
            let _before_it_begins_again = lock(&self.failing);
            if self.failed.swap(true, Ordering::AcqRel) {
                return;
            }
            tracing::error!(message = %redact(message), "the engine stopped");
            let waiters = std::mem::take(&mut *lock(&self.waiters));
            let rooms = std::mem::take(&mut *lock(&self.rooms));
            let streams = std::mem::take(&mut *lock(&self.streams));
            drop((waiters, rooms, streams));
        }
        if std::ptr::eq(self, get()) {
            engine::end();
        }
    }

    /// As [`Router::ask`], for what the engine does without the server. If no answer comes it is asked for a sign of
    /// life, and if it gives none either it counts as failed.
    pub(crate) async fn ask_local(
        &self,
        deadline: Duration,
        send: impl FnOnce(u64) -> Result<(), RequestError>,
    ) -> Result<ffi_event::Message, RequestError> {
        let answer = self.ask(deadline, send).await;
        if answer == Err(RequestError::Timeout) {
            life::examine().await;
        }
        answer
    }

    /// Makes a request and waits for its answer.
    pub(crate) async fn ask(
        &self,
        deadline: Duration,
        send: impl FnOnce(u64) -> Result<(), RequestError>,
    ) -> Result<ffi_event::Message, RequestError> {
        if self.has_failed() {
            return Err(RequestError::Stopped);
        }
        /// Forgets the answer when the one who asked is gone.
        struct Pending<'a>(&'a Router, u64);
        impl Drop for Pending<'_> {
            fn drop(&mut self) {
                self.0.forget(self.1);
            }
        }

        let id = self.fresh_id();
        let (sender, receiver) = oneshot::channel();
        self.expect(id, move |message| {
            if let Err(unwanted) = sender.send(message) {
                event::release(unwanted);
            }
        });
        let _pending = Pending(self, id);
        send(id)?;
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(_)) => Err(RequestError::Stopped),
            Err(_) => Err(RequestError::Timeout),
        }
    }
}

/// The request an answer belongs to and its error, for the answers in use.
fn answered(message: &ffi_event::Message) -> Option<(u64, Option<&str>)> {
    use ffi_event::Message as E;
    Some(match message {
        E::Connect(answer) => (answer.async_id, None),
        E::Disconnect(answer) => (answer.async_id, None),
        E::PublishTrack(answer) => (answer.async_id, None),
        E::PublishData(answer) => (answer.async_id, answer.error.as_deref()),
        E::PublishSipDtmf(answer) => (answer.async_id, answer.error.as_deref()),
        E::SetLocalAttributes(answer) => (answer.async_id, answer.error.as_deref()),
        E::CaptureAudioFrame(answer) => (answer.async_id, answer.error.as_deref()),
        E::GetStats(answer) => (answer.async_id, answer.error.as_deref()),
        E::GetSessionStats(answer) => (answer.async_id, None),
        E::PerformRpc(answer) => (answer.async_id, None),
        E::SimulateScenario(answer) => (answer.async_id, answer.error.as_deref()),
        _ => return None,
    })
}

/// Turns an answer that is nothing but success or an error into one.
pub(crate) fn plain(message: &ffi_event::Message) -> Result<(), RequestError> {
    match answered(message).and_then(|(_, error)| error) {
        Some(error) => Err(RequestError::Failed(redact(error))),
        None => Ok(()),
    }
}

/// The engine's own log: of use only to whoever hunts a fault, so never above `debug`.
fn forward_logs(batch: &proto::LogBatch) {
    for record in &batch.records {
        let is_serious = record.level <= proto::LogLevel::LogWarn as i32;
        if is_serious {
            tracing::debug!(target: "livekit_engine::log", from = %record.target, "{}", redact(&record.message));
        } else {
            tracing::trace!(target: "livekit_engine::log", from = %record.target, "{}", redact(&record.message));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn left(identity: &str) -> room_event::Message {
        room_event::Message::ParticipantDisconnected(proto::ParticipantDisconnected {
            participant_identity: identity.to_owned(),
            disconnect_reason: proto::DisconnectReason::ClientInitiated as i32,
        })
    }

    fn room_event(room: u64, message: room_event::Message) -> ffi_event::Message {
        ffi_event::Message::RoomEvent(proto::RoomEvent {
            room_handle: room,
            message: Some(message),
        })
    }

    fn dtmf_answer(id: u64, error: Option<&str>) -> ffi_event::Message {
        ffi_event::Message::PublishSipDtmf(proto::PublishSipDtmfCallback {
            async_id: id,
            error: error.map(str::to_owned),
        })
    }

    #[test]
    fn events_reach_their_room_and_no_other() {
        let router = Router::new();
        let (one, mut first) = mpsc::channel(4);
        let (two, mut second) = mpsc::channel(4);
        router.add_room(1, one);
        router.add_room(2, two);
        router.event(room_event(2, left("bob")));
        router.event(room_event(3, left("nobody")));
        assert!(first.try_recv().is_err());
        assert!(matches!(
            second.try_recv(),
            Ok(RoomEvent::ParticipantLeft { identity, .. }) if identity == "bob"
        ));
    }

    /// Every event of the pinned version that hands something over and can come unasked or as an answer to what this
    /// crate asks: nobody reads them here.
    #[test]
    fn what_comes_with_events_that_nobody_reads_is_given_back() {
        use room_event::Message as M;

        let owned = |id| proto::FfiOwnedHandle { id };
        let publication = |id| proto::OwnedTrackPublication {
            handle: owned(id),
            ..Default::default()
        };
        let participant = |id| proto::OwnedParticipant {
            handle: owned(id),
            ..Default::default()
        };
        let connected = proto::connect_callback::Result {
            room: proto::OwnedRoom {
                handle: owned(11),
                ..Default::default()
            },
            local_participant: participant(12),
            participants: vec![proto::connect_callback::ParticipantWithTracks {
                participant: participant(13),
                publications: vec![publication(14), publication(15)],
            }],
        };
        let mut events: Vec<(ffi_event::Message, Vec<u64>)> = vec![
            (
                ffi_event::Message::Connect(proto::ConnectCallback {
                    async_id: 1,
                    message: Some(proto::connect_callback::Message::Result(connected)),
                }),
                vec![11, 12, 13, 14, 15],
            ),
            (
                ffi_event::Message::PublishTrack(proto::PublishTrackCallback {
                    async_id: 2,
                    message: Some(proto::publish_track_callback::Message::Publication(
                        publication(21),
                    )),
                }),
                vec![21],
            ),
        ];
        for (id, message) in [
            (
                31,
                M::ParticipantConnected(proto::ParticipantConnected {
                    info: participant(31),
                }),
            ),
            (
                32,
                M::TrackPublished(proto::TrackPublished {
                    publication: publication(32),
                    ..Default::default()
                }),
            ),
            (
                33,
                M::TrackSubscribed(proto::TrackSubscribed {
                    track: proto::OwnedTrack {
                        handle: owned(33),
                        ..Default::default()
                    },
                    ..Default::default()
                }),
            ),
            (
                34,
                M::ByteStreamOpened(proto::ByteStreamOpened {
                    reader: proto::OwnedByteStreamReader {
                        handle: owned(34),
                        ..Default::default()
                    },
                    ..Default::default()
                }),
            ),
            (
                35,
                M::TextStreamOpened(proto::TextStreamOpened {
                    reader: proto::OwnedTextStreamReader {
                        handle: owned(35),
                        ..Default::default()
                    },
                    ..Default::default()
                }),
            ),
            (
                36,
                M::DataTrackPublished(proto::DataTrackPublished {
                    track: proto::OwnedRemoteDataTrack {
                        handle: owned(36),
                        ..Default::default()
                    },
                }),
            ),
        ] {
            events.push((room_event(7, message), vec![id]));
        }
        let router = Router::new();
        drop(crate::ffi::returned());
        for (event, expected) in events {
            let name = format!("{event:?}");
            router.event(event);
            let mut returned = crate::ffi::returned();
            returned.sort_unstable();
            assert_eq!(returned, expected, "{name}");
        }
    }

    #[test]
    fn the_last_event_ends_the_queue() {
        let router = Router::new();
        let (sender, mut events) = mpsc::channel(4);
        router.add_room(1, sender);
        router.event(room_event(1, room_event::Message::Eos(proto::RoomEos {})));
        assert!(matches!(events.try_recv(), Ok(RoomEvent::Ended)));
        assert_eq!(
            events.try_recv().unwrap_err(),
            mpsc::error::TryRecvError::Disconnected
        );
    }

    #[test]
    fn a_reader_far_behind_loses_packets_first_and_then_the_room() {
        let router = Router::new();
        let (sender, mut events) = mpsc::channel(ROOM_QUEUE);
        router.add_room(1, sender);
        for _ in 0..ROOM_QUEUE {
            router.data(1, "a".into(), String::new(), vec![0]);
        }
        for _ in 0..RESERVED_FOR_STATE {
            router.event(room_event(1, left("a")));
        }
        let mut state = 0;
        while let Ok(event) = events.try_recv() {
            state += usize::from(matches!(event, RoomEvent::ParticipantLeft { .. }));
        }
        assert!(state >= RESERVED_FOR_STATE - 1, "{state}");

        for _ in 0..=ROOM_QUEUE {
            router.event(room_event(1, left("a")));
        }
        while events.try_recv().is_ok() {}
        assert_eq!(
            events.try_recv().unwrap_err(),
            mpsc::error::TryRecvError::Disconnected
        );
    }

    #[tokio::test]
    async fn an_answer_may_come_before_the_request_returns() {
        let router = Router::new();
        let answer = router
            .ask(Duration::from_secs(5), |id| {
                router.event(dtmf_answer(id, Some("no: eyJa.b.c")));
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(
            plain(&answer),
            Err(RequestError::Failed("no: <token>".into()))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_a_timeout_and_leaves_nothing_behind() {
        let router = Router::new();
        let answer = router.ask(Duration::from_secs(5), |_| Ok(())).await;
        assert_eq!(answer, Err(RequestError::Timeout));
        assert!(lock(&router.waiters).is_empty());
    }

    #[test]
    fn a_room_that_nobody_took_over_is_no_failure_of_the_engine() {
        let router = Router::new();
        let panic = |message: &str| {
            ffi_event::Message::Panic(proto::Panic {
                message: message.into(),
            })
        };
        router.event(panic("timed out waiting for ReadyForRoomEventRequest"));
        assert!(!router.has_failed());
        router.event(panic("task panicked"));
        assert!(router.has_failed());
    }

    #[tokio::test]
    async fn a_failed_engine_ends_every_wait() {
        let router = Router::new();
        let (sender, mut events) = mpsc::channel(4);
        router.add_room(1, sender);
        let answer = router
            .ask(Duration::from_secs(5), |_| {
                router.event(ffi_event::Message::Panic(proto::Panic {
                    message: "x".into(),
                }));
                Ok(())
            })
            .await;
        assert_eq!(answer, Err(RequestError::Stopped));
        assert!(events.recv().await.is_none());
        assert!(router.has_failed());
        assert_eq!(
            router.ask(Duration::from_secs(5), |_| Ok(())).await,
            Err(RequestError::Stopped)
        );
    }

    #[test]
    fn who_is_told_of_the_end_finds_nothing_of_it_left() {
        // Told in the middle of the failure, somebody starts the engine anew and waits for something of it.
        static ROUTER: Router = Router::new();
        let (again, told) = std::sync::mpsc::channel();
        struct Told(std::sync::mpsc::Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let waiting = Told(again);
        ROUTER.expect(1, move |_| drop(waiting));
        let starter = std::thread::spawn(move || {
            told.recv().unwrap();
            ROUTER.begin_again();
            ROUTER.expect(2, |_| {});
        });
        ROUTER.fail("broken on purpose");
        starter.join().unwrap();
        assert!(!ROUTER.has_failed());
        assert!(lock(&ROUTER.waiters).contains_key(&2));
    }

    #[test]
    fn frames_reach_their_stream_until_it_is_closed() {
        static HEARD: AtomicUsize = AtomicUsize::new(0);
        let router = Router::new();
        router.add_stream(9, |frame| {
            assert_eq!(frame[0], 5);
            HEARD.fetch_add(1, Ordering::SeqCst);
        });
        router.frame(9, &[5; 480]);
        router.frame(8, &[6; 480]);
        router.remove_stream(9);
        router.frame(9, &[5; 480]);
        assert_eq!(HEARD.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn ids_never_meet_the_librarys_own() {
        let router = Router::new();
        assert!(router.fresh_id() >= 1 << 40);
        assert_ne!(router.fresh_id(), router.fresh_id());
    }
}
