//! One connection: a task that owns it from the join to its end, does what it is told and reports what happens.
//!
//! Nothing the server has to answer is waited for in the loop: it runs beside it and comes back as a [`Done`], so
//! that news and a `Leave` always get through.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::{LeaveReason, MediaReport};
use call::{Identity, Input, Link};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::access::{TokenRequest, TokenSource};
use crate::backend::{
    Backend, Connection, Event, Events, Failed, Joined, Listening, Microphone, RpcFailed, Track,
};
use crate::heard::Heard;
use crate::media::{Media, Ticket};
use crate::roster::{CLAIM, Roster};
use crate::watchdog::Watchdog;

/// Everything that happens while we wait for the end of a connection must be over by then.
const LEAVE_DEADLINE: Duration = Duration::from_secs(3);
/// The bridge answers within milliseconds or not at all.
const END_LEG_DEADLINE: Duration = Duration::from_secs(2);
const END_LEG_METHOD: &str = "lk.sip.EndCall";
const END_LEG_PAYLOAD: &str = r#"{"headers":{}}"#;
/// The leg was gone before its answer: it has done what was asked.
const RECIPIENT_DISCONNECTED: u32 = 1503;
const MEDIA_REPORT_EVERY: Duration = Duration::from_secs(1);

/// What every connection of a port shares.
pub(crate) struct Shared {
    pub(crate) backend: Backend,
    pub(crate) tokens: TokenSource,
    pub(crate) media: Media,
    pub(crate) facts: mpsc::Sender<Input>,
}

/// Runs one connection from its join to its end.
pub(crate) async fn run(
    shared: Arc<Shared>,
    link: Link,
    request: TokenRequest,
    mut commands: mpsc::Receiver<RoomCommand>,
) {
    let reporter = Reporter {
        link,
        facts: shared.facts.clone(),
    };
    let mut early = VecDeque::new();
    let join = async {
        let access = (shared.tokens)(request).await?;
        shared.backend.connect(&access).await
    };
    tokio::pin!(join);
    let joined = loop {
        tokio::select! {
            // A join that is complete is used, even if a leave came in the same moment.
            biased;
            joined = &mut join => break joined,
            command = commands.recv() => match command {
                // Dropping the join abandons it.
                None | Some(RoomCommand::Leave { .. }) => {
                    reporter.send(RoomFact::Closed { reason: LeaveReason::ClientInitiated }).await;
                    return;
                }
                Some(command) => early.push_back(command),
            },
        }
    };
    match joined {
        Err(refused) => {
            tracing::info!(why = ?refused.why, "a room could not be entered: {}", refused.detail);
            reporter
                .send(RoomFact::JoinFailed {
                    why: refused.why,
                    detail: refused.detail,
                })
                .await;
        }
        Ok(joined) => {
            InRoom::new(&shared, reporter, joined)
                .run(early, commands)
                .await
        }
    }
}

struct Reporter {
    link: Link,
    facts: mpsc::Sender<Input>,
}

impl Reporter {
    /// Waits if the loop is behind. When the loop is gone nobody wants to know.
    async fn send(&self, fact: RoomFact) {
        let _gone = self
            .facts
            .send(Input::Room {
                link: self.link.clone(),
                fact,
            })
            .await;
    }
}

/// Something that ran beside the loop is done.
enum Done {
    Claimed(Result<(), Failed>),
    Published(Result<Microphone, Failed>),
    KeysSent(Result<(), Failed>),
    LegEnded(Result<String, RpcFailed>),
    Packets { sid: String, packets: Option<u64> },
}

/// A remote track that flows.
struct Hearing {
    track: Track,
    ticket: Ticket,
    _listening: Listening,
}

struct InRoom {
    connection: Connection,
    events: Events,
    reporter: Reporter,
    media: Media,
    roster: Roster,
    listening: bool,
    reconnecting: bool,
    muted: bool,
    publishing: bool,
    microphone: Option<(Microphone, Ticket)>,
    /// The newest is heard; the others wait, should it go.
    hearing: Vec<Hearing>,
    heard: Arc<Heard>,
    watchdog: Option<Watchdog>,
    counting: bool,
    keys: VecDeque<(Identity, String)>,
    sending_keys: bool,
    beside: JoinSet<Done>,
    first: Option<RoomFact>,
}

impl InRoom {
    fn new(shared: &Shared, reporter: Reporter, joined: Joined) -> Self {
        let mut roster = Roster::default();
        let present = joined
            .present
            .into_iter()
            .filter_map(|(person, publications)| roster.add(person, publications))
            .collect();
        Self {
            connection: joined.connection,
            events: joined.events,
            reporter,
            media: shared.media.clone(),
            roster,
            listening: false,
            reconnecting: false,
            muted: false,
            publishing: false,
            microphone: None,
            hearing: Vec::new(),
            heard: Arc::new(Heard::default()),
            watchdog: None,
            counting: false,
            keys: VecDeque::new(),
            sending_keys: false,
            beside: JoinSet::new(),
            first: Some(RoomFact::Joined { present }),
        }
    }

    async fn run(
        mut self,
        early: VecDeque<RoomCommand>,
        mut commands: mpsc::Receiver<RoomCommand>,
    ) {
        if let Some(joined) = self.first.take() {
            self.reporter.send(joined).await;
        }
        for command in early {
            self.obey(command).await;
        }
        let mut reports = interval(MEDIA_REPORT_EVERY);
        reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reason = loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(RoomCommand::Leave { .. }) => break self.leave().await,
                    Some(command) => self.obey(command).await,
                },
                event = self.events.recv() => match event {
                    Some(Event::Closed { reason }) => break reason,
                    Some(event) => self.tell(event).await,
                    None => break LeaveReason::Unknown,
                },
                Some(done) = self.beside.join_next() => {
                    if let Ok(done) = done {
                        self.finish(done).await;
                    }
                }
                _ = reports.tick() => self.count(),
            }
        };
        self.silence();
        // Dropped before it is reported: whoever hears of the end may join again at once.
        let Self {
            connection,
            reporter,
            ..
        } = self;
        drop(connection);
        reporter.send(RoomFact::Closed { reason }).await;
    }

    async fn obey(&mut self, command: RoomCommand) {
        match command {
            RoomCommand::Claim { .. } => {
                let connection = self.connection.clone();
                self.beside.spawn(async move {
                    Done::Claimed(connection.set_attribute(CLAIM, "1").await)
                });
            }
            RoomCommand::PublishMicrophone { .. } => self.publish().await,
            RoomCommand::Listen { .. } => {
                self.listening = true;
                for publication in self.roster.leg_sound() {
                    subscribe(&self.connection, publication);
                }
            }
            RoomCommand::SetMuted { muted, .. } => {
                self.muted = muted;
                if let Some((_, ticket)) = &self.microphone {
                    self.media.set_muted(*ticket, muted);
                }
            }
            RoomCommand::SetHeld { .. } | RoomCommand::SetAudience { .. } => {}
            RoomCommand::SendKeys { leg, keys, .. } => {
                self.keys.push_back((leg, keys));
                self.send_next_keys();
            }
            RoomCommand::EndLeg { leg, .. } => {
                let connection = self.connection.clone();
                self.beside.spawn(async move {
                    let answer = connection
                        .perform_rpc(
                            leg.as_str(),
                            END_LEG_METHOD,
                            END_LEG_PAYLOAD,
                            END_LEG_DEADLINE,
                        )
                        .await;
                    Done::LegEnded(answer)
                });
            }
            // Handled by the loop and by the port.
            RoomCommand::Leave { .. } | RoomCommand::Join { .. } => {}
        }
    }

    async fn publish(&mut self) {
        if self.microphone.is_some() {
            return self.reporter.send(RoomFact::Published).await;
        }
        if !self.publishing {
            self.publishing = true;
            let connection = self.connection.clone();
            self.beside
                .spawn(async move { Done::Published(connection.publish_microphone().await) });
        }
    }

    fn send_next_keys(&mut self) {
        if self.sending_keys {
            return;
        }
        if let Some((leg, keys)) = self.keys.pop_front() {
            self.sending_keys = true;
            let connection = self.connection.clone();
            self.beside.spawn(async move {
                Done::KeysSent(connection.send_keys(&keys, leg.as_str()).await)
            });
        }
    }

    /// Asks for the packets of the far end, and reports what is known.
    fn count(&mut self) {
        let Some(hearing) = self.hearing.last().filter(|_| !self.counting) else {
            return self.report_media();
        };
        self.counting = true;
        let track = hearing.track.clone();
        self.beside.spawn(async move {
            Done::Packets {
                packets: track.packets().await,
                sid: track.sid,
            }
        });
    }

    /// Never waits: a report that finds the queue full is followed by a better one in a second.
    fn report_media(&self) {
        let Some(watchdog) = &self.watchdog else {
            return;
        };
        let report = MediaReport {
            packets: watchdog.packets(),
            stalled: watchdog.stalled(Instant::now()),
            heard_seconds: self.heard.seconds(),
            heard_dbfs: self.heard.loudness(),
            lost: 0,
            jitter_ms: 0.0,
            round_trip_ms: 0.0,
        };
        let link = self.reporter.link.clone();
        let _full = self.reporter.facts.try_send(Input::Room {
            link,
            fact: RoomFact::Media(report),
        });
    }

    async fn finish(&mut self, done: Done) {
        match done {
            Done::Claimed(Ok(())) => {}
            Done::Claimed(Err(error)) => tracing::warn!(%error, "the claim could not be shown"),
            Done::Published(Ok(microphone)) => {
                self.publishing = false;
                let ticket = self.media.attach(microphone.source(), self.muted);
                self.microphone = Some((microphone, ticket));
                self.reporter.send(RoomFact::Published).await;
            }
            Done::Published(Err(error)) => {
                self.publishing = false;
                self.reporter
                    .send(RoomFact::PublishFailed { detail: error.0 })
                    .await;
            }
            Done::KeysSent(result) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "keys could not be sent");
                }
                self.sending_keys = false;
                self.send_next_keys();
            }
            Done::LegEnded(answer) => {
                let done = match answer {
                    Ok(_) => true,
                    Err(failed) => {
                        tracing::debug!(
                            code = failed.code,
                            "the bridge did not end the leg: {}",
                            failed.text
                        );
                        failed.code == Some(RECIPIENT_DISCONNECTED)
                    }
                };
                self.reporter.send(RoomFact::EndLegAnswered { done }).await;
            }
            Done::Packets { sid, packets } => {
                self.counting = false;
                let is_present = self
                    .hearing
                    .last()
                    .is_some_and(|hearing| hearing.track.sid == sid);
                if let Some(watchdog) = self.watchdog.as_mut().filter(|_| is_present) {
                    watchdog.count(packets, Instant::now());
                }
                self.report_media();
            }
        }
    }

    async fn tell(&mut self, event: Event) {
        match event {
            Event::Came(person) => {
                if let Some(participant) = self.roster.add(person, Vec::new()) {
                    self.reporter.send(RoomFact::Present(participant)).await;
                }
            }
            Event::Left { identity, reason } => {
                self.roster.remove(&identity);
                if let Ok(identity) = Identity::parse(&identity) {
                    let reconnecting = self.reconnecting;
                    self.reporter
                        .send(RoomFact::Left {
                            identity,
                            reason,
                            reconnecting,
                        })
                        .await;
                }
            }
            Event::Attributes { identity, changed } => {
                if let Some(participant) = self.roster.change(&identity, changed) {
                    self.reporter.send(RoomFact::Present(participant)).await;
                }
            }
            Event::Published {
                identity,
                publication,
            } => {
                if self.listening && publication.is_audio && self.roster.is_leg(&identity) {
                    subscribe(&self.connection, &publication);
                }
                self.roster.publish(&identity, publication);
            }
            Event::Unpublished { identity, sid } => {
                self.roster.unpublish(&identity, &sid);
                self.stop_hearing(&sid);
            }
            Event::Subscribed { identity, track } => {
                if self.listening && track.is_audio && self.roster.is_leg(&identity) {
                    self.hear(track);
                }
            }
            Event::Unsubscribed { sid, .. } => self.stop_hearing(&sid),
            Event::Keys { identity, digits } => {
                if self.roster.is_leg(&identity) {
                    let known = |key: &char| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D');
                    for key in digits.chars().filter(known) {
                        self.reporter.send(RoomFact::KeyReceived { key }).await;
                    }
                }
            }
            Event::Data { topic, bytes, .. } => {
                tracing::trace!(
                    topic,
                    size = bytes.len(),
                    "a data packet that nobody here reads"
                );
            }
            Event::Reconnecting => {
                self.reconnecting = true;
                self.reporter.send(RoomFact::Reconnecting).await;
            }
            Event::Reconnected => {
                self.reconnecting = false;
                self.reporter.send(RoomFact::Reconnected).await;
            }
            // Ends the loop there.
            Event::Closed { .. } => {}
        }
    }

    fn hear(&mut self, track: Track) {
        let (ticket, mut far) = self.media.far_track();
        let heard = Arc::clone(&self.heard);
        let listening = track.listen(move |frame| {
            if far.push(frame) {
                heard.add(frame);
            }
        });
        match listening {
            Ok(listening) => {
                self.hearing.retain(|known| known.track.sid != track.sid);
                self.hearing.push(Hearing {
                    track,
                    ticket,
                    _listening: listening,
                });
                self.media.speak(ticket);
                self.count_anew();
            }
            Err(error) => tracing::warn!(%error, "the far end cannot be heard"),
        }
    }

    fn stop_hearing(&mut self, sid: &str) {
        let Some(at) = self
            .hearing
            .iter()
            .position(|hearing| hearing.track.sid == sid)
        else {
            return;
        };
        let was_newest = at + 1 == self.hearing.len();
        let gone = self.hearing.remove(at);
        self.media.hush(gone.ticket);
        if was_newest {
            if let Some(next) = self.hearing.last() {
                self.media.speak(next.ticket);
            }
            self.count_anew();
        }
    }

    fn count_anew(&mut self) {
        match &mut self.watchdog {
            Some(watchdog) => watchdog.new_track(),
            None => self.watchdog = Some(Watchdog::new(Instant::now())),
        }
    }

    /// Ends both roads of sound.
    fn silence(&mut self) {
        if let Some((_, ticket)) = self.microphone.take() {
            self.media.detach(ticket);
        }
        for hearing in self.hearing.drain(..) {
            self.media.hush(hearing.ticket);
        }
        self.beside.abort_all();
    }

    /// Leaves and waits for the end, which shows as `Closed`, as the end of the queue, or as the leave's own return.
    async fn leave(&mut self) -> LeaveReason {
        self.silence();
        let deadline = Instant::now() + LEAVE_DEADLINE;
        let connection = self.connection.clone();
        let leaving = async move { connection.leave().await };
        tokio::pin!(leaving);
        loop {
            tokio::select! {
                () = &mut leaving => return LeaveReason::ClientInitiated,
                event = self.events.recv() => match event {
                    Some(Event::Closed { reason }) => {
                        // The leave itself must still run to its end.
                        tokio::select! {
                            () = &mut leaving => {}
                            () = sleep_until(deadline) => {}
                        }
                        return reason;
                    }
                    Some(event) => self.tell(event).await,
                    None => {
                        tokio::select! {
                            () = &mut leaving => {}
                            () = sleep_until(deadline) => {}
                        }
                        return LeaveReason::ClientInitiated;
                    }
                },
                () = sleep_until(deadline) => return LeaveReason::ClientInitiated,
            }
        }
    }
}

fn subscribe(connection: &Connection, publication: &crate::backend::Publication) {
    if let Err(error) = connection.subscribe(publication) {
        tracing::warn!(%error, "a phone leg cannot be heard");
    }
}
