//! One connection: a task that owns it from the join to its end, does what it is told and reports what happens.
//!
//! Nothing the server has to answer is waited for in the loop: it runs beside it and comes back as a [`Done`], so
//! that news and a `Leave` always get through.

mod leaving;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use call::input::RoomFact;
use call::output::RoomCommand;
use call::state::LeaveReason;
use call::{Identity, Input, Link, Role};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::access::{TokenRequest, TokenSource};
use crate::audience::{Ask, Audience};
use crate::backend::{
    Backend, Connection, Event, Events, Failed, Figures, Hearer, Joined, Microphone, Received,
    RpcFailed,
};
use crate::hearing::Hearing;
use crate::media::{Media, Sends, Ticket};
use crate::port;
use crate::roster::{CLAIM, Roster};

/// The bridge answers within milliseconds or not at all.
const END_LEG_DEADLINE: Duration = Duration::from_secs(2);
const END_LEG_METHOD: &str = "lk.sip.EndCall";
const END_LEG_PAYLOAD: &str = r#"{"headers":{}}"#;
/// The leg was gone before its answer: it has done what was asked.
const RECIPIENT_DISCONNECTED: u32 = 1503;
const MEDIA_REPORT_EVERY: Duration = Duration::from_secs(1);
/// Commands that wait for a join, and keys that wait for those before them: more than a person makes.
const WAITING: usize = 64;

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
        let role = request.role;
        let access = (shared.tokens)(request).await?;
        match role {
            Role::Talk => shared.backend.connect(&access).await,
            Role::Watch => shared.backend.watch(&access).await,
        }
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
                Some(command) if early.len() < WAITING => early.push_back(command),
                Some(command) => {
                    tracing::error!("a join takes so long that a command is given up");
                    if let Some(fact) = port::refusal(&command) {
                        reporter.send(fact).await;
                    }
                }
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
    KeysSent {
        keys: String,
        result: Result<(), Failed>,
    },
    LegEnded(Result<String, RpcFailed>),
    MusicPublished(Result<Microphone, Failed>),
    AudienceArranged(Result<(), Failed>),
    Counted {
        received: Vec<(String, Received)>,
        figures: Option<Figures>,
    },
}

/// A track of our own.
struct Own {
    _track: Microphone,
    sid: String,
    ticket: Option<Ticket>,
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
    held: bool,
    publishing: bool,
    microphone: Option<Own>,
    /// For those who wait while we talk to one alone. Stays announced afterwards, without a packet.
    music: Option<(Own, crate::backend::MicrophoneSource)>,
    audience: Audience,
    hearing: Hearing,
    /// Tracks of phone legs that were offered but not there at the last look.
    missing: BTreeSet<String>,
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
            held: false,
            publishing: false,
            microphone: None,
            music: None,
            audience: Audience::default(),
            hearing: Hearing::new(shared.media.clone()),
            missing: BTreeSet::new(),
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
                _ = reports.tick() => {
                    self.count();
                    let long_missing = std::mem::take(&mut self.missing);
                    self.listen_again(|sid| long_missing.contains(sid));
                    if self.audience.is_owed() && !self.reconnecting {
                        self.audience.again();
                        self.arrange().await;
                    }
                }
            }
        };
        self.silence();
        // Dropped before it is reported: whoever hears of the end may join again at once.
        let Self {
            connection,
            reporter,
            keys,
            ..
        } = self;
        drop(connection);
        // What comes from now on is answered by the port; what is in the queue already, here.
        commands.close();
        for (_, keys) in keys {
            let detail = "the room is gone".to_owned();
            reporter.send(RoomFact::KeysFailed { keys, detail }).await;
        }
        reporter.send(RoomFact::Closed { reason }).await;
        while let Ok(command) = commands.try_recv() {
            if let Some(fact) = port::refusal(&command) {
                reporter.send(fact).await;
            }
        }
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
                self.feed();
            }
            RoomCommand::SetHeld { held, .. } => {
                self.held = held;
                self.hearing.set_held(held);
                self.feed();
            }
            RoomCommand::SetAudience { only, .. } => {
                self.audience.set(only);
                self.arrange().await;
            }
            RoomCommand::SendKeys { leg, keys, .. } => {
                if self.keys.len() >= WAITING {
                    let detail = "too many keys wait".to_owned();
                    let fact = RoomFact::KeysFailed { keys, detail };
                    return self.reporter.send(fact).await;
                }
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

    /// Asks once more for what phone legs offer and we do not have. The engine sends what it is asked for while it builds a
    /// connection anew over the old one (`livekit` 0.10, `rtc_engine/mod.rs`, `send_request`), where nobody reads it.
    fn listen_again(&mut self, is_due: impl Fn(&str) -> bool) {
        if !self.listening || self.reconnecting {
            return;
        }
        for publication in self.roster.newest_leg_sound() {
            if self.hearing.has(&publication.sid) {
                continue;
            }
            if is_due(&publication.sid) {
                subscribe(&self.connection, publication);
            }
            self.missing.insert(publication.sid.clone());
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
                let result = connection.send_keys(&keys, leg.as_str()).await;
                Done::KeysSent { keys, result }
            });
        }
    }

    /// Gives every own track what it is to send now.
    fn feed(&mut self) {
        let voice = if self.held {
            Sends::Music
        } else if self.muted || self.audience.is_unsafe() {
            Sends::Silence
        } else {
            Sends::Microphone
        };
        if let Some(Own {
            ticket: Some(ticket),
            ..
        }) = &self.microphone
        {
            self.media.set_sends(*ticket, voice);
        }
        if let Some((music, source)) = &mut self.music {
            match (self.audience.wants_music(), music.ticket) {
                (true, None) => {
                    music.ticket = Some(self.media.attach(source.clone(), Sends::Music));
                }
                (false, Some(ticket)) => {
                    self.media.detach(ticket);
                    music.ticket = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
    }

    /// Makes the next arrangement of who hears us, if one waits and none is under way.
    async fn arrange(&mut self) {
        let Some(only) = self.audience.next() else {
            return;
        };
        self.go_on_arranging(only).await;
    }

    async fn go_on_arranging(&mut self, only: Option<Identity>) {
        let Some(microphone) = &self.microphone else {
            let nothing = Failed("the microphone is not announced".into());
            return Box::pin(self.arranged(Err(nothing))).await;
        };
        let connection = self.connection.clone();
        let hearers = match (&only, &self.music) {
            (None, _) => None,
            (Some(_), None) => {
                self.beside
                    .spawn(async move { Done::MusicPublished(connection.publish_music().await) });
                return;
            }
            (Some(only), Some((music, _))) => {
                let others = self.roster.identities().filter(|who| *who != only.as_str());
                let mut hearers: Vec<Hearer> = others
                    .map(|who| Hearer {
                        identity: who.to_owned(),
                        tracks: vec![music.sid.clone()],
                    })
                    .collect();
                hearers.push(Hearer {
                    identity: only.to_string(),
                    tracks: vec![microphone.sid.clone()],
                });
                Some(hearers)
            }
        };
        self.feed();
        self.beside.spawn(async move {
            Done::AudienceArranged(connection.set_hearers(hearers.as_deref()).await)
        });
    }

    async fn arranged(&mut self, result: Result<(), Failed>) {
        let ask = self.audience.finish(result.is_ok());
        self.hearing.set_only(self.audience.only().cloned());
        self.feed();
        match (ask, result) {
            (Some(Ask::Set(_)), Ok(())) => self.reporter.send(RoomFact::AudienceSet).await,
            (Some(Ask::Set(_)), Err(error)) => {
                let detail = error.0;
                self.reporter
                    .send(RoomFact::AudienceFailed { detail })
                    .await;
            }
            // Tried again with the next report.
            (Some(Ask::Again), Err(error)) => {
                tracing::warn!(%error, "who hears us could not be arranged again");
            }
            (Some(Ask::Again), Ok(())) | (None, _) => {}
        }
        self.arrange().await;
    }

    /// Asks for the packets of the far ends, and reports what is known.
    fn count(&mut self) {
        let tracks = self.hearing.tracks();
        if tracks.is_empty() || self.counting {
            return self.report_media();
        }
        self.counting = true;
        let connection = self.connection.clone();
        self.beside.spawn(async move {
            let mut received = Vec::new();
            for track in tracks {
                if let Some(counts) = track.received().await {
                    received.push((track.sid, counts));
                }
            }
            let figures = connection.figures().await;
            Done::Counted {
                received,
                figures: figures.ok(),
            }
        });
    }

    /// Never waits: a report that finds the queue full is followed by a better one in a second.
    fn report_media(&self) {
        let Some(report) = self.hearing.report() else {
            return;
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
                let ticket = self.media.attach(microphone.source(), Sends::Silence);
                self.microphone = Some(Own {
                    sid: microphone.sid(),
                    _track: microphone,
                    ticket: Some(ticket),
                });
                self.feed();
                self.reporter.send(RoomFact::Published).await;
            }
            Done::Published(Err(error)) => {
                self.publishing = false;
                self.reporter
                    .send(RoomFact::PublishFailed { detail: error.0 })
                    .await;
            }
            Done::KeysSent { keys, result } => {
                if let Err(error) = result {
                    tracing::warn!(%error, "keys could not be sent");
                    let detail = error.0;
                    self.reporter
                        .send(RoomFact::KeysFailed { keys, detail })
                        .await;
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
            Done::MusicPublished(Ok(music)) => {
                let source = music.source();
                let own = Own {
                    sid: music.sid(),
                    _track: music,
                    ticket: None,
                };
                self.music = Some((own, source));
                if let Some(only) = self.audience.target() {
                    self.go_on_arranging(only).await;
                }
            }
            Done::MusicPublished(Err(error)) => self.arranged(Err(error)).await,
            Done::AudienceArranged(result) => self.arranged(result).await,
            Done::Counted { received, figures } => {
                self.counting = false;
                self.hearing.count(received, figures);
                self.report_media();
            }
        }
    }

    async fn tell(&mut self, event: Event) {
        match event {
            Event::Came(person) => {
                if let Some(participant) = self.roster.add(person, Vec::new()) {
                    self.reporter.send(RoomFact::Present(participant)).await;
                    // Whoever is not named hears neither us nor the music.
                    self.audience.again();
                    self.arrange().await;
                }
            }
            Event::Left { identity, reason } => {
                self.roster.remove(&identity);
                self.doubt_while_rebuilt();
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
                self.hearing.remove(&sid);
            }
            Event::Subscribed { identity, track } => {
                if self.listening && track.is_audio && self.roster.is_leg(&identity) {
                    self.hearing.add(identity, track);
                }
            }
            Event::Unsubscribed { sid, .. } => self.hearing.remove(&sid),
            Event::Republished { previous, sid } => {
                let music = self.music.as_mut().map(|(music, _)| music);
                for own in self.microphone.as_mut().into_iter().chain(music) {
                    if own.sid == previous {
                        own.sid.clone_from(&sid);
                    }
                }
                self.audience.doubt();
                self.feed();
            }
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
                self.listen_again(|_| true);
                self.reporter.send(RoomFact::Reconnected).await;
                self.audience.rebuilt();
                self.feed();
                self.arrange().await;
            }
            // Ends the loop there.
            Event::Closed { .. } => {}
        }
    }

    /// When others seem to leave a room that is being rebuilt, all of it is, our own tracks too: they will be announced
    /// anew, and open to everybody.
    fn doubt_while_rebuilt(&mut self) {
        if self.reconnecting {
            self.audience.doubt();
            self.feed();
        }
    }

    /// Ends both roads of sound.
    fn silence(&mut self) {
        let music = self.music.take().map(|(music, _)| music);
        for own in self.microphone.take().into_iter().chain(music) {
            if let Some(ticket) = own.ticket {
                self.media.detach(ticket);
            }
        }
        self.hearing.end();
        self.beside.abort_all();
    }
}

fn subscribe(connection: &Connection, publication: &crate::backend::Publication) {
    if let Err(error) = connection.subscribe(publication) {
        tracing::warn!(%error, "a phone leg cannot be heard");
    }
}
