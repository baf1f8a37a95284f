//! A desk's end of the server in this process.

use std::collections::VecDeque;
use std::sync::Arc;

use call::Role;
use call::state::LeaveReason;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until};

use super::track::{MicrophoneSource, Offer, Track};
use super::{Queued, Server, Switches};
use crate::backend::{
    Event, Failed, Figures, Hearer, Microphone as AnyMicrophone, RpcFailed, Track as AnyTrack,
    TrackMedia,
};

/// A connection. Clones are the same one; when the last is dropped, the room is left.
#[derive(Clone)]
pub struct Connection {
    seat: Arc<Seat>,
}

struct Seat {
    server: Server,
    room: String,
    identity: String,
    session: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.server
            .lock()
            .expel(&self.room, self.session, LeaveReason::ClientInitiated);
    }
}

impl Connection {
    pub(super) fn new(server: Server, room: String, identity: String, session: u64) -> Self {
        Self {
            seat: Arc::new(Seat {
                server,
                room,
                identity,
                session,
            }),
        }
    }

    pub(in crate::backend) fn identity(&self) -> &str {
        &self.seat.identity
    }

    /// Fails unless we are still there and, if it matters, may talk.
    fn check(&self, talk: bool) -> Result<(), Failed> {
        let mut state = self.seat.server.lock();
        let member = state
            .session(&self.seat.room, self.seat.session)
            .map(|member| member.role);
        match member {
            None => Err(Failed("the room is gone".into())),
            Some(Role::Watch) if talk => Err(Failed("permissions denied".into())),
            Some(Role::Watch | Role::Talk) => Ok(()),
        }
    }

    /// As [`Connection::check`], after the time that requests take, unless they are refused.
    async fn ask(&self) -> Result<(), Failed> {
        let Switches {
            delay,
            refuse_requests,
            ..
        } = self.seat.server.lock().switches.clone();
        sleep(delay).await;
        if refuse_requests {
            return Err(Failed("the switch `refuse_requests` is on".into()));
        }
        self.check(true)
    }

    pub(in crate::backend) async fn allow_hearing(
        &self,
        only: Option<&[Hearer]>,
    ) -> Result<(), Failed> {
        self.ask().await?;
        let mut state = self.seat.server.lock();
        let member = state.session(&self.seat.room, self.seat.session);
        for sound in member.into_iter().flat_map(|member| &member.tracks) {
            let sid = sound.sid();
            sound.allow(only.map(|hearers| {
                hearers
                    .iter()
                    .filter(|hearer| hearer.tracks.contains(&sid))
                    .map(|hearer| hearer.identity.clone())
                    .collect()
            }));
        }
        Ok(())
    }

    pub(in crate::backend) async fn publish(&self) -> Result<AnyMicrophone, Failed> {
        self.ask().await?;
        let sound = self
            .seat
            .server
            .lock()
            .publish(&self.seat.room, self.seat.session)
            .ok_or_else(|| Failed("the room is gone".into()))?;
        Ok(AnyMicrophone::Memory(Microphone {
            source: MicrophoneSource::new(sound),
        }))
    }

    pub(in crate::backend) fn subscribe(&self, offer: &Offer) -> Result<(), Failed> {
        self.check(true)?;
        if self.seat.server.lock().switches.lose_subscription() {
            return Ok(());
        }
        let sound = &offer.0;
        sound.add_hearer(self.seat.session);
        let track = AnyTrack {
            sid: sound.sid(),
            is_audio: true,
            media: TrackMedia::Memory(Track(Arc::clone(sound))),
        };
        let event = Event::Subscribed {
            identity: sound.owner.clone(),
            track,
        };
        let mut state = self.seat.server.lock();
        if let Some(member) = state.session(&self.seat.room, self.seat.session) {
            member.send(event);
        }
        Ok(())
    }

    pub(in crate::backend) fn send_keys(&self, keys: &str, to: &str) -> Result<(), Failed> {
        self.check(true)?;
        let known = |key: char| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D' | 'w');
        if keys.is_empty() || !keys.chars().all(known) {
            return Err(Failed(
                "only the keys 0-9, *, #, A-D and w (pause) can be sent".into(),
            ));
        }
        let mut state = self.seat.server.lock();
        if let Some(far) = state
            .member(&self.seat.room, to)
            .and_then(|member| member.phone.as_ref())
        {
            far.receive(keys);
        }
        Ok(())
    }

    pub(in crate::backend) fn send_data(&self, bytes: &[u8], topic: &str) -> Result<(), Failed> {
        self.check(true)?;
        let event = Event::Data {
            identity: self.seat.identity.clone(),
            topic: topic.to_owned(),
            bytes: bytes.to_vec(),
        };
        self.seat
            .server
            .lock()
            .tell_others(&self.seat.room, self.seat.session, &event);
        Ok(())
    }

    pub(in crate::backend) fn set_attribute(&self, key: &str, value: &str) -> Result<(), Failed> {
        self.check(true)?;
        self.seat
            .server
            .lock()
            .set_attribute(&self.seat.room, &self.seat.identity, key, value);
        Ok(())
    }

    pub(in crate::backend) fn perform_rpc(
        &self,
        to: &str,
        method: &str,
    ) -> Result<String, RpcFailed> {
        let failed = |code, text: &str| RpcFailed {
            code,
            text: text.to_owned(),
        };
        self.check(true).map_err(|error| failed(None, &error.0))?;
        let mut state = self.seat.server.lock();
        let Some(member) = state.member(&self.seat.room, to) else {
            return Err(failed(Some(1401), "Recipient not found"));
        };
        let status = member
            .person
            .attributes
            .get(super::LEG_STATUS)
            .cloned()
            .unwrap_or_default();
        let session = member.session;
        match &member.phone {
            Some(_) if method != "lk.sip.EndCall" => {
                Err(failed(Some(1400), "Method not supported at destination"))
            }
            // The bridge is busy dialling and does not answer.
            Some(far) if !far.is_inbound() && status != "active" => {
                Err(failed(Some(1502), "Response timeout"))
            }
            Some(_) => {
                state.set_attribute(&self.seat.room, to, super::LEG_STATUS, "hangup");
                state.expel(&self.seat.room, session, LeaveReason::ClientInitiated);
                Ok("{}".into())
            }
            None => Err(failed(Some(1400), "Method not supported at destination")),
        }
    }

    pub(in crate::backend) fn figures(&self) -> Result<Figures, Failed> {
        self.check(false)?;
        let state = self.seat.server.lock();
        let mut figures = Figures {
            round_trip: Some(0.0),
            ..Figures::default()
        };
        for member in state.rooms.get(&self.seat.room).into_iter().flatten() {
            for sound in &member.tracks {
                if member.session == self.seat.session {
                    figures.packets_sent += sound.packets();
                } else if sound.is_heard_by(self.seat.session) {
                    figures.packets_received += sound.packets();
                }
            }
        }
        Ok(figures)
    }

    pub(in crate::backend) fn leave(&self) {
        let mut state = self.seat.server.lock();
        state.expel(
            &self.seat.room,
            self.seat.session,
            LeaveReason::ClientInitiated,
        );
    }
}

/// Our announced microphone.
#[derive(Debug)]
pub struct Microphone {
    source: MicrophoneSource,
}

impl Microphone {
    pub(in crate::backend) fn sid(&self) -> String {
        self.source.sid()
    }

    pub(in crate::backend) fn source(&self) -> MicrophoneSource {
        self.source.clone()
    }
}

/// The news of one connection, in order unless a switch says otherwise.
pub struct Events {
    server: Server,
    queue: mpsc::Receiver<Queued>,
    /// Taken out of the queue and not yet delivered.
    pending: VecDeque<Queued>,
    duplicate: Option<Event>,
    dropped: u32,
}

impl Events {
    pub(super) fn new(server: Server, queue: mpsc::Receiver<Queued>) -> Self {
        Self {
            server,
            queue,
            pending: VecDeque::new(),
            duplicate: None,
            dropped: 0,
        }
    }

    fn switches(&self) -> Switches {
        self.server.lock().switches.clone()
    }

    pub(in crate::backend) async fn recv(&mut self) -> Option<Event> {
        if let Some(event) = self.duplicate.take() {
            return Some(event);
        }
        loop {
            if self.pending.is_empty() {
                let queued = self.queue.recv().await?;
                self.pending.push_back(queued);
                if self.switches().reorder
                    && let Ok(later) = self.queue.try_recv()
                {
                    self.pending.push_front(later);
                }
            }
            let switches = self.switches();
            if let Some(next) = self.pending.front() {
                // It stays pending meanwhile: this future may be dropped.
                sleep_until(next.at + switches.delay).await;
            }
            let Some(Queued { event, .. }) = self.pending.pop_front() else {
                continue;
            };
            if self.dropped < switches.drop {
                self.dropped += 1;
                continue;
            }
            if switches.duplicate {
                self.duplicate = Some(event.clone());
            }
            return Some(event);
        }
    }
}
