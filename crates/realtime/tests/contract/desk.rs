//! A desk as the loop sees it: commands in, facts out, and a microphone that whistles 1000 Hz.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use call::input::RoomFact;
use call::media::Frame;
use call::output::RoomCommand;
use call::state::{LegStatus, Participant};
use call::{CallId, Identity, Input, Link, Role, RoomName};
use realtime::{Media, RoomPort, TokenSource, media};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::world::{PATIENCE, World};

/// What a desk says into its microphone.
pub(crate) const WHISTLE: f64 = 1000.0;
/// What its calls hear while they wait.
pub(crate) const MUSIC: f64 = 700.0;
/// Samples of the far end that a desk remembers: 200 ms.
const KEPT: usize = 9600;

pub(crate) struct Desk {
    commands: mpsc::Sender<RoomCommand>,
    facts: mpsc::Receiver<Input>,
    pub(crate) media: Media,
    name: String,
    loud: Arc<AtomicU64>,
    heard: Arc<Mutex<VecDeque<i16>>>,
    port: JoinHandle<()>,
    sound: JoinHandle<()>,
}

impl Desk {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        Self::with(world, name, world.tokens())
    }

    pub(crate) fn with(world: &World, name: &str, tokens: TokenSource) -> Self {
        let (media, mut microphone, mut far) = media();
        let mut melody = 0;
        microphone.set_hold_music(Box::new(move |frame| *frame = tone(MUSIC, &mut melody)));
        let (commands, receiver) = mpsc::channel(64);
        let (sender, facts) = mpsc::channel(256);
        let port =
            RoomPort::new(world.backend(), tokens, name, media.clone()).spawn(receiver, sender);
        let loud = Arc::new(AtomicU64::new(0));
        let ear = Arc::clone(&loud);
        let heard = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&heard);
        let sound = tokio::spawn(async move {
            let mut clock = interval(Duration::from_millis(10));
            let mut position = 0;
            loop {
                clock.tick().await;
                microphone.push(&tone(WHISTLE, &mut position));
                while let Ok(frame) = far.pop() {
                    let mut kept = kept.lock().unwrap();
                    kept.extend(frame);
                    let old = kept.len().saturating_sub(KEPT);
                    kept.drain(..old);
                    drop(kept);
                    if frame.iter().any(|sample| sample.unsigned_abs() > 1000) {
                        ear.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Self {
            commands,
            facts,
            media,
            name: name.to_owned(),
            loud,
            heard,
            port,
            sound,
        }
    }

    /// Frames of loud sound that came out of the far ring so far.
    pub(crate) fn loud_frames(&self) -> u64 {
        self.loud.load(Ordering::Relaxed)
    }

    /// Forgets what came out of the far ring.
    pub(crate) fn forget_heard(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// Is a tone in the last 200 ms that came out of the far ring?
    pub(crate) fn hears(&self, hertz: f64) -> bool {
        let heard = self.heard.lock().unwrap();
        if heard.len() < KEPT {
            return false;
        }
        let step = TAU * hertz / 48_000.0;
        let (mut across, mut along) = (0.0, 0.0);
        for (place, sample) in heard.iter().enumerate() {
            let (sine, cosine) = (step * place as f64).sin_cos();
            across += f64::from(*sample) * sine;
            along += f64::from(*sample) * cosine;
        }
        2.0 * f64::hypot(across, along) / heard.len() as f64 > 400.0
    }

    pub(crate) fn identity(&self, link: &Link) -> Identity {
        Identity::desk(&self.name, link)
    }

    pub(crate) async fn tell(&self, command: RoomCommand) {
        self.commands.send(command).await.unwrap();
    }

    /// Joins and gives who was there before.
    pub(crate) async fn join(&mut self, link: &Link, room: &RoomName) -> Vec<Participant> {
        self.tell(RoomCommand::Join {
            link: link.clone(),
            room: room.clone(),
        })
        .await;
        self.wait_for(link, "the join", |fact| match fact {
            RoomFact::Joined { present } => Some(present),
            RoomFact::JoinFailed { why, detail } => panic!("not joined: {why:?} {detail}"),
            _ => None,
        })
        .await
    }

    /// Answers a call: joins, publishes, listens.
    pub(crate) async fn talk(&mut self, link: &Link, room: &RoomName) {
        self.join(link, room).await;
        self.publish(link).await;
        self.tell(RoomCommand::Listen { link: link.clone() }).await;
    }

    pub(crate) async fn publish(&mut self, link: &Link) {
        self.tell(RoomCommand::PublishMicrophone { link: link.clone() })
            .await;
        self.wait_for(link, "the publication", |fact| match fact {
            RoomFact::Published => Some(()),
            RoomFact::PublishFailed { detail } => panic!("not published: {detail}"),
            _ => None,
        })
        .await;
    }

    /// Waits for the status of a leg; earlier ones pass by.
    pub(crate) async fn sees(&mut self, link: &Link, leg: &Identity, status: LegStatus) {
        let what = format!("{leg} {status:?}");
        self.wait_for(link, &what, |fact| match fact {
            RoomFact::Present(who) => {
                (who.identity == *leg && who.leg_status == Some(status)).then_some(())
            }
            _ => None,
        })
        .await;
    }

    /// The first fact of this connection that `pick` wants; others are passed by.
    pub(crate) async fn wait_for<T>(
        &mut self,
        link: &Link,
        what: &str,
        pick: impl Fn(RoomFact) -> Option<T>,
    ) -> T {
        let mut passed = Vec::new();
        let found = timeout(PATIENCE, async {
            loop {
                let fact = self.next(link).await.expect("the port ended");
                passed.push(format!("{fact:?}"));
                if let Some(found) = pick(fact) {
                    return found;
                }
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("no {what}; passed by: {passed:#?}"))
    }

    async fn next(&mut self, link: &Link) -> Option<RoomFact> {
        loop {
            if let Input::Room { link: of, fact } = self.facts.recv().await?
                && of == *link
            {
                return Some(fact);
            }
        }
    }

    /// Ends the port and gives every fact of this connection that had not been read.
    pub(crate) async fn end(mut self, link: &Link) -> Vec<RoomFact> {
        self.sound.abort();
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.commands, closed));
        let mut rest = Vec::new();
        while let Some(fact) = timeout(PATIENCE, self.next(link))
            .await
            .expect("the port does not end")
        {
            rest.push(fact);
        }
        self.port.await.unwrap();
        rest
    }
}

pub(crate) fn link(call: &str, role: Role) -> Link {
    Link {
        call: CallId::parse(call).unwrap(),
        role,
        attempt: 1,
    }
}

/// A room of its own for every test, so that a line that serves several is no matter.
pub(crate) fn own_room() -> (CallId, RoomName) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let call = CallId::parse(&format!("contract-{}-{number}", std::process::id())).unwrap();
    let room = RoomName::outbound(&call);
    (call, room)
}

/// 10 ms of a sine that goes on from frame to frame.
fn tone(hertz: f64, position: &mut u32) -> Frame {
    std::array::from_fn(|_| {
        let angle = TAU * hertz * f64::from(*position) / 48_000.0;
        *position = (*position + 1) % 48_000;
        (6000.0 * angle.sin()) as i16
    })
}
