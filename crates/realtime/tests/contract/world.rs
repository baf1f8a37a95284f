//! Where the contract is examined: the server in this process, or the engine on a real telephone line.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use call::output::LegCommand;
use call::state::LegStatus;
use call::{CallId, Identity, Input, Role, RoomName};
use livekit_engine::{Breakage, Engine};
use realtime::backend::memory::{Leg as MemoryLeg, Server, Switches};
use realtime::{Access, Backend, JoinRefused, TokenSource};
use stage::line::{Inbound, Media, ServerFault};
use stage::{Line, LineOptions, Phones};
use switchboard::{Account, ApiSecret, Options, talk_token, watch_token};
use tokio::sync::{mpsc, watch};

/// Runs each test on the server in this process and on the engine.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::World::memory()).await;
            })*
        }
        mod prebuilt {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::World::line()).await;
            })*
        }
    };
}

/// Everything real must have happened by then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) enum World {
    Memory(Server),
    Line(Box<Real>),
}

pub(crate) struct Real {
    line: Arc<Mutex<Line>>,
    phones: Phones,
    account: Account,
    legs: mpsc::Sender<LegCommand>,
    _signed_in: watch::Sender<Option<Account>>,
}

/// The person at the other end.
pub(crate) enum Far {
    Memory(MemoryLeg),
    Line {
        phones: Phones,
        id: String,
        room: RoomName,
        identity: Identity,
    },
}

/// Runs something that blocks without holding up the test's other tasks.
fn wait<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

impl World {
    pub(crate) fn memory() -> Self {
        Self::Memory(Server::new())
    }

    /// The demo line, or the one `DESKLINE_LINE` names, and the prebuilt engine.
    pub(crate) fn line() -> Self {
        Backend::Prebuilt
            .prepare()
            .expect("the engine is needed: run `make setup`");
        let line = wait(|| {
            Line::start(LineOptions {
                child: true,
                ..LineOptions::default()
            })
        })
        .expect("a telephone line is needed: run `make setup`");
        let phones = line.phones.clone();
        let ready = &line.ready;
        let account =
            Account::new(&ready.url, &ready.key, ApiSecret::new(ready.secret.clone())).unwrap();
        let (legs, commands) = mpsc::channel(16);
        let (facts, mut answers) = mpsc::channel::<Input>(64);
        let (keep, seen) = watch::channel(Some(account.clone()));
        let options = Options::polling("contract".into(), Duration::from_secs(1));
        switchboard::spawn(commands, facts, seen, options);
        // What it reports is its own suite's business.
        tokio::spawn(async move { while answers.recv().await.is_some() {} });
        Self::Line(Box::new(Real {
            line: Arc::new(Mutex::new(line)),
            phones,
            account,
            legs,
            _signed_in: keep,
        }))
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Memory(server) => Backend::Memory(server.clone()),
            Self::Line(_) => Backend::Prebuilt,
        }
    }

    pub(crate) fn tokens(&self) -> TokenSource {
        match self {
            Self::Memory(server) => server.tokens(),
            Self::Line(real) => {
                let account = real.account.clone();
                Arc::new(move |request| {
                    let token = match request.role {
                        Role::Talk => {
                            talk_token(&account, &request.room, &request.identity, "Desk")
                        }
                        Role::Watch => watch_token(&account, &request.room, &request.identity, ""),
                    };
                    let access = Access::new(account.room_url(), token.unwrap().expose());
                    Box::pin(async move { Ok::<_, JoinRefused>(access) })
                })
            }
        }
    }

    /// Tokens that the server must refuse, and what must not be shown of them.
    pub(crate) fn wrong_tokens(&self) -> (TokenSource, String) {
        let wrong = match self {
            Self::Memory(_) => Access::new("memory", "memory-forged"),
            Self::Line(real) => {
                let url = real.account.room_url();
                let forged =
                    Account::new(&url, real.account.key(), ApiSecret::new("x".repeat(40))).unwrap();
                let room = RoomName::parse("outbound-x").unwrap();
                let identity = Identity::parse("desk-x").unwrap();
                let token = talk_token(&forged, &room, &identity, "x").unwrap();
                Access::new(url, token.expose())
            }
        };
        let secret = match self {
            Self::Memory(_) => "memory-forged",
            Self::Line(_) => "eyJ",
        };
        let source: TokenSource = Arc::new(move |_| {
            let wrong = wrong.clone();
            Box::pin(async move { Ok(wrong) })
        });
        (source, secret.to_owned())
    }

    /// From now on nothing answers under the address of the server.
    pub(crate) fn go_away(&self) {
        match self {
            Self::Memory(server) => server.set(Switches {
                refuse: Some(call::input::JoinFailure::Unreachable),
                ..Switches::default()
            }),
            Self::Line(real) => drop(wait(|| real.phones.server(ServerFault::Kill)).unwrap()),
        }
    }

    /// From now on the server answers joins with an error of its own.
    pub(crate) fn be_busy(&self) {
        match self {
            Self::Memory(server) => server.set(Switches {
                refuse: Some(call::input::JoinFailure::ServerBusy),
                ..Switches::default()
            }),
            Self::Line(real) => drop(wait(|| real.phones.refuse_joins(true)).unwrap()),
        }
    }

    /// The server dies and comes back.
    pub(crate) fn crash_and_recover(&self) {
        match self {
            Self::Memory(server) => server.crash_and_recover(),
            Self::Line(real) => drop(wait(|| real.phones.server(ServerFault::Restart)).unwrap()),
        }
    }

    /// The engine of every desk reports that it is beyond repair.
    pub(crate) fn break_engines(&self) {
        match self {
            Self::Memory(server) => server.break_engines(),
            Self::Line(_) => Engine::load().unwrap().break_down(Breakage::Panic),
        }
    }

    /// The server stops answering without closing anything, or goes on.
    pub(crate) fn freeze(&self, freeze: bool) {
        match self {
            Self::Memory(server) => server.freeze(freeze),
            Self::Line(real) => {
                let fault = if freeze {
                    ServerFault::Freeze
                } else {
                    ServerFault::Thaw
                };
                drop(wait(|| real.phones.server(fault)).unwrap());
            }
        }
    }

    /// Somebody rings in and says 440 Hz once answered.
    pub(crate) fn ring_in(&self) -> Far {
        match self {
            Self::Memory(server) => {
                let leg = server.ring_in("+13125550142");
                leg.says(440);
                Far::Memory(leg)
            }
            Self::Line(real) => {
                let call = Inbound::from("+13125550142").says("tone:440");
                let report = wait(|| {
                    let placed = real.phones.place_inbound(&call)?;
                    real.phones
                        .wait_for(&placed.id, |call| !call.identity.is_empty(), PATIENCE)
                })
                .unwrap();
                Far::line(&real.phones, report)
            }
        }
    }

    /// Dials a phone that rings, answers, and says 440 Hz.
    pub(crate) async fn dial(&self, room: &RoomName, call: &CallId) -> Far {
        let leg = Identity::leg(call);
        match self {
            Self::Memory(server) => {
                let phone = server.place(room, &leg);
                phone.says(440);
                phone.set_status(LegStatus::Ringing);
                phone.set_status(LegStatus::Active);
                Far::Memory(phone)
            }
            Self::Line(real) => {
                let place = LegCommand::Place {
                    call: call.clone(),
                    room: room.clone(),
                    leg: leg.clone(),
                    to: "+12125550100".into(),
                    line: None,
                    caller_id: None,
                    ring_for: Duration::from_secs(30),
                };
                real.legs.send(place).await.unwrap();
                let report = wait(|| {
                    real.phones.wait_for_call(
                        |call| call.room == room.as_str() && call.identity == leg.as_str(),
                        PATIENCE,
                    )
                })
                .unwrap();
                Far::line(&real.phones, report)
            }
        }
    }

    pub(crate) async fn remove(&self, room: &RoomName, identity: &Identity) {
        match self {
            Self::Memory(server) => drop(server.remove(room, identity)),
            Self::Line(real) => {
                let command = LegCommand::Remove {
                    call: CallId::parse("remove").unwrap(),
                    room: room.clone(),
                    identity: identity.clone(),
                };
                real.legs.send(command).await.unwrap();
            }
        }
    }

    pub(crate) async fn delete_room(&self, room: &RoomName) {
        match self {
            Self::Memory(server) => drop(server.delete_room(room)),
            Self::Line(real) => {
                let command = LegCommand::DeleteRoom {
                    call: CallId::parse("delete").unwrap(),
                    room: room.clone(),
                };
                real.legs.send(command).await.unwrap();
            }
        }
    }
}

impl Real {
    /// Where to join, the key and its secret.
    pub(crate) fn signing(&self) -> (String, String, String) {
        let line = self.line.lock().unwrap();
        let secret = line.ready.secret.clone();
        (
            self.account.room_url().to_owned(),
            line.ready.key.clone(),
            secret,
        )
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Ok(mut line) = self.line.lock() {
            wait(|| line.stop());
        }
    }
}

impl Far {
    fn line(phones: &Phones, report: stage::line::Report) -> Self {
        Self::Line {
            phones: phones.clone(),
            room: RoomName::parse(&report.room).unwrap(),
            identity: Identity::parse(&report.identity).unwrap(),
            id: report.id,
        }
    }

    pub(crate) fn room(&self) -> RoomName {
        match self {
            Self::Memory(leg) => leg.room().unwrap(),
            Self::Line { room, .. } => room.clone(),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Memory(leg) => leg.identity().unwrap(),
            Self::Line { identity, .. } => identity.clone(),
        }
    }

    pub(crate) fn hang_up(&self) {
        match self {
            Self::Memory(leg) => leg.hang_up(),
            Self::Line { phones, id, .. } => drop(wait(|| phones.hang_up(id)).unwrap()),
        }
    }

    pub(crate) fn press(&self, keys: &str) {
        match self {
            Self::Memory(leg) => leg.press(keys),
            Self::Line { phones, id, .. } => drop(wait(|| phones.press(id, keys)).unwrap()),
        }
    }

    /// Its packets stop, or flow again.
    pub(crate) fn hold_packets(&self, hold: bool) {
        match self {
            Self::Memory(leg) => leg.hold_packets(hold),
            Self::Line { phones, id, .. } => {
                let media = if hold { Media::Stop } else { Media::Flow };
                drop(wait(|| phones.media(id, media, None)).unwrap());
            }
        }
    }

    /// Waits until the phone has been sent these keys.
    pub(crate) async fn receives(&self, keys: &str) {
        match self {
            Self::Memory(leg) => until("keys at the phone", || leg.keys() == keys).await,
            Self::Line { phones, id, .. } => {
                drop(wait(|| phones.wait_for(id, |call| call.keys == keys, PATIENCE)).unwrap());
            }
        }
    }

    /// Waits until the phone has heard a second of loud sound, from now on.
    pub(crate) async fn hears(&self) {
        match self {
            Self::Memory(leg) => {
                let before = leg.heard_seconds();
                until("sound at the phone", || leg.heard_seconds() > before + 1.0).await;
            }
            Self::Line { phones, id, .. } => {
                let report = wait(|| {
                    phones.forget_heard(id)?;
                    phones.wait_for(id, |call| call.heard.seconds > 1.0, PATIENCE)
                })
                .unwrap();
                let hz = report.heard.hz.unwrap_or_default();
                assert!((hz - 1000.0).abs() < 10.0, "the phone heard {hz} Hz");
            }
        }
    }

    /// Seconds of loud sound and number of packets that reach the phone in the next second.
    pub(crate) async fn next_second(&self) -> (f64, u64) {
        match self {
            Self::Memory(leg) => {
                let (seconds, packets) = (leg.heard_seconds(), leg.packets());
                until("packets at the phone", || leg.packets() >= packets + 50).await;
                (leg.heard_seconds() - seconds, leg.packets() - packets)
            }
            Self::Line { phones, id, .. } => {
                let report = wait(|| phones.listen(id, Duration::from_secs(1))).unwrap();
                (report.heard.seconds, report.heard.packets)
            }
        }
    }

    /// Says another tone from now on.
    pub(crate) fn says(&self, hertz: u32) {
        match self {
            Self::Memory(leg) => leg.says(hertz),
            Self::Line { phones, id, .. } => {
                drop(wait(|| phones.say(id, &format!("tone:{hertz}"))).unwrap());
            }
        }
    }

    /// Waits until the phone hears all the tones of `these` and none of `none` for a while.
    pub(crate) async fn settles(&self, these: &[f64], none: &[f64]) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let hears = self.tones().await;
            if these.iter().all(|hz| hears(*hz)) && !none.iter().any(|hz| hears(*hz)) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "wanted {these:?} without {none:?}; {}",
                self.describe()
            );
        }
    }

    /// Which tones the phone hears, from now on.
    async fn tones(&self) -> Box<dyn Fn(f64) -> bool> {
        match self {
            Self::Memory(leg) => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let leg = leg.clone();
                Box::new(move |hertz| leg.hears(hertz))
            }
            Self::Line { phones, id, .. } => {
                let report = wait(|| phones.listen(id, Duration::from_millis(1500))).unwrap();
                Box::new(move |hertz| report.heard.tone(hertz).is_some())
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Memory(leg) => format!("{:?} heard something else", leg.identity()),
            Self::Line { phones, id, .. } => format!("{:#?}", wait(|| phones.call(id))),
        }
    }

    /// Waits until the phone's call is over.
    pub(crate) async fn is_over(&self) {
        match self {
            Self::Memory(leg) => until("the end at the phone", || leg.is_over()).await,
            Self::Line { phones, id, .. } => {
                drop(wait(|| phones.wait_for(id, |call| call.over, PATIENCE)).unwrap());
            }
        }
    }
}

/// Looks again every 20 ms: for what gives no event.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "no {what} in {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
